"""A VNC client for tests: handshake, VNC authentication, keys, pointer, pictures. SPEC: RFC 6143; the community's rfbproto for the
extended key event and the tight encoding; FIPS 46 for DES."""
import socket
import struct
import threading
import zlib

RAW, COPY, TIGHT, DESKTOP_SIZE, EXT_KEY, MOTION = 0, 1, 7, -223, -258, -257


def connect(where, timeout=30):
    s = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    s.settimeout(timeout)
    s.connect(where)
    return s


class Client:
    def __init__(self, where, encodings=(RAW, DESKTOP_SIZE, EXT_KEY), answer=None):
        """answer: called with the challenge of VNC authentication."""
        self.s = connect(where)
        self.take(12)
        self.s.sendall(b'RFB 003.008\n')
        self.types = list(self.take(self.take(1)[0]))
        self.s.sendall(bytes([2 if answer else 1]))
        if answer:
            self.s.sendall(answer(self.take(16)))
        self.granted = self.take(4) == bytes(4)
        if not self.granted:
            return
        self.s.sendall(b'\x01')
        self.w, self.h, *_ = struct.unpack('>HH', self.take(4))
        self.take(16)
        self.name = self.take(struct.unpack('>I', self.take(4))[0]).decode()
        self.pixels = bytearray(self.w * self.h * 4)
        self.absolute = None  # what the server said of the pointer
        self.seen, self.streams, self.pictures = set(), {}, 0
        # 32 bits, blue in the low byte: BGRX rows
        self.s.sendall(struct.pack('>BxxxBBBBHHHBBBxxx', 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.s.sendall(struct.pack(f'>BxH{len(encodings)}i', 2, len(encodings), *encodings))

    def take(self, n):
        data = b''
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                raise EOFError('the server hung up')
            data += more
        return data

    def key(self, sym, down):
        self.s.sendall(struct.pack('>BBxxI', 4, down, sym))

    def ext_key(self, sym, code, down):
        self.s.sendall(struct.pack('>BBHII', 255, 0, down, sym, code))

    def pointer(self, x, y, buttons=0):
        self.s.sendall(struct.pack('>BBHH', 5, buttons, x, y))

    def ask(self, incremental=True):
        self.s.sendall(struct.pack('>BBHHHH', 3, incremental, 0, 0, self.w, self.h))

    def update(self):
        """Reads one message of the server."""
        kind = self.take(1)[0]
        if kind == 3:
            self.take(3)
            self.take(struct.unpack('>I', self.take(4))[0])
        if kind != 0:
            return
        n = struct.unpack('>xH', self.take(3))[0]
        for _ in range(n):
            x, y, w, h, encoding = struct.unpack('>HHHHi', self.take(12))
            self.seen.add(encoding)
            self.pictures += encoding >= 0
            if encoding == RAW:
                self.put(x, y, w, h, self.take(w * h * 4))
            elif encoding == TIGHT:
                self.put(x, y, w, h, self.tight(w, h))
            elif encoding == MOTION:
                self.absolute = bool(x)
            elif encoding == DESKTOP_SIZE:
                self.w, self.h, self.pixels = w, h, bytearray(w * h * 4)

    def put(self, x, y, w, h, data):
        for row in range(h):
            at = ((y + row) * self.w + x) * 4
            self.pixels[at:at + w * 4] = data[row * w * 4:(row + 1) * w * 4]

    def compact(self):
        n = shift = 0
        while True:
            b = self.take(1)[0]
            n |= (b & 0x7f if shift < 14 else b) << shift
            shift += 7
            if not b & 0x80 or shift > 14:
                return n

    def flow(self, stream, length):
        """Bytes of a compressed stream, which goes on from rectangle to rectangle; fewer than 12 are sent plain."""
        if length < 12:
            return self.take(length)
        data = self.take(self.compact())
        return self.streams.setdefault(stream, zlib.decompressobj()).decompress(data)

    def tight(self, w, h):
        """SPEC: rfbproto, 7.7.6: filters copy, palette and gradient; no JPEG was asked for."""
        control = self.take(1)[0]
        for i in range(4):
            if control >> i & 1:
                self.streams.pop(i, None)
        if control >> 4 == 8:
            r, g, b = self.take(3)
            return bytes((b, g, r, 0)) * (w * h)
        if control >> 4 == 9:
            raise ValueError('JPEG, which was not asked for')
        stream, what = control >> 4 & 3, self.take(1)[0] if control & 0x40 else 0
        if what == 1:
            n = self.take(1)[0] + 1
            palette = [bytes((b, g, r, 0)) for r, g, b in struct.iter_unpack('BBB', self.take(3 * n))]
            row = (w + 7) // 8 if n == 2 else w
            data = self.flow(stream, row * h)
            if n > 2:
                return b''.join(palette[i] for i in data)
            return b''.join(palette[data[y * row + x // 8] >> (7 - x % 8) & 1] for y in range(h) for x in range(w))
        if what == 2:
            raise ValueError('the gradient filter is not read here')
        data = self.flow(stream, w * h * 3)
        return b''.join(bytes((b, g, r, 0)) for r, g, b in struct.iter_unpack('BBB', data))

    def png(self, path):
        rows = b''.join(b'\0' + b''.join(self.pixels[i + 2:i + 3] + self.pixels[i + 1:i + 2] + self.pixels[i:i + 1]
                                         for i in range(y * self.w * 4, (y + 1) * self.w * 4, 4)) for y in range(self.h))

        def chunk(kind, data):
            return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
        with open(path, 'wb') as f:
            f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', self.w, self.h, 8, 2, 0, 0, 0)) +
                    chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))

    def drain(self):
        """Reads and forgets in the background, for tests that only type."""
        def run():
            try:
                while self.s.recv(65536):
                    pass
            except OSError:
                pass
        self.s.settimeout(None)
        threading.Thread(target=run, daemon=True).start()

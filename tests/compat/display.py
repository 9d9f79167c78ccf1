#!/usr/bin/env python3
"""Displays: the VNC server as clients speak to it, the window on a video driver that shows nothing, and what is said where
there is none."""
import base64
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import sys
import termios
import time

from harness import ROOT, check, folder, main, moss, path, small_guest, start, until

sys.path.insert(0, os.path.join(ROOT, 'tests/ui'))
import rfb  # noqa: E402

SCREEN = ['-M', 'virt', '-net', 'none', '-serial', 'null', '-monitor', 'none', '-device', 'ramfb']


def has(name):
    return name in moss('-display', 'help').out.split()


def take(s, n):
    data = b''
    while len(data) < n:
        more = s.recv(n - len(data))
        if not more:
            break
        data += more
    return data


def connect(where):
    s = socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET)
    s.settimeout(30)
    until(lambda: s.connect_ex(where) == 0, f'a VNC server at {where}')
    return s


def handshake(s):
    """RFC 6143, 7.1: the security types."""
    check(take(s, 12) == b'RFB 003.008\n', 'version 3.8')
    s.sendall(b'RFB 003.008\n')
    return list(take(s, take(s, 1)[0]))


def stop(p):
    p.send_signal(signal.SIGTERM)
    check(p.wait(30) == 0, 'SIGTERM ends moss')
    p.communicate()


def vnc():
    if not has('vnc'):
        return
    with folder() as where:
        path = f'{where}/vnc'
        p = start([*SCREEN, '-display', 'none', '-name', 'one two', '-vnc', f'unix:{path}'])
        s = connect(path)
        check(handshake(s) == [1], 'no security but none')
        s.sendall(b'\x01')
        check(take(s, 4) == bytes(4), 'none is enough')
        s.sendall(b'\x01')
        w, h, bits, _, big, true = struct.unpack('>HHBBBB', take(s, 8))
        take(s, 12)
        name = take(s, struct.unpack('>I', take(s, 4))[0])
        check((w, h, bits, big, bool(true)) == (640, 480, 32, 0, True), f'640 x 480, 32 bits: {(w, h, bits, big, true)}')
        check(name == b'one two', 'the name of the machine')
        s.sendall(struct.pack('>BxHii', 2, 2, 0, -258) + struct.pack('>BBHHHH', 3, 0, 0, 0, 16, 16))
        rects = set()
        while len(rects) < 2:
            kind, n = struct.unpack('>BxH', take(s, 4))
            check(kind == 0, 'an update')
            for _ in range(n):
                x, y, w, h, encoding = struct.unpack('>HHHHi', take(s, 12))
                rects.add(encoding)
                if encoding == 0:
                    check(take(s, w * h * 4) == bytes(w * h * 4), 'black')
        check(rects == {-258, 0}, 'extended key events, and raw pixels')
        # keys and a pointer that nobody hears; a size that nobody grants
        s.sendall(struct.pack('>BBHII', 255, 0, 1, 0x61, 0x1e) + struct.pack('>BBxxI', 4, 0, 0x61) +
                  struct.pack('>BBHH', 5, 1, 100, 60000) + struct.pack('>BxHHBxIHHHHI', 251, 800, 600, 1, 0, 0, 0, 800, 600, 0))
        s.sendall(struct.pack('>BBHHHH', 3, 0, 0, 0, 1, 1))
        check(take(s, 4)[:1] == b'\x00', 'still there')
        s.close()
        with connect(path) as t:
            t.sendall(b'\xff' * 4096)  # no client at all
        stop(p)
        check(not os.path.exists(path), 'the socket is taken away')


def key(s, sym, down):
    (s.s if isinstance(s, rfb.Client) else s).sendall(struct.pack('>BBxxI', 4, down, sym))


def consoles():
    if not has('vnc'):
        return
    with folder() as where:
        path = f'{where}/vnc'
        p = start(['-M', 'virt', '-net', 'none', '-device', 'ramfb', '-display', 'none', '-vnc', f'unix:{path}'])
        until(lambda: os.path.exists(path), 'a VNC server')
        s = rfb.Client(path)
        for down in 1, 0:  # Ctrl-Alt-2: the monitor
            for sym in 0xffe3, 0xffe9, 0x32:
                key(s, sym, down)
        while (s.w, s.h) != (640, 384):
            s.ask()
            s.update()
        for sym in *b'quitx', 0xff08, 0xff0d:  # a mistake, taken back
            key(s, sym, 1)
            key(s, sym, 0)
        check(p.wait(30) == 0, 'quit, typed on the monitor over VNC, ends moss')
        p.communicate()


def encodings_and_sizes():
    """The same picture by raw pixels and by tight; a console takes the size that a client asks for."""
    if not has('vnc'):
        return
    with folder() as where:
        path = f'{where}/vnc'
        p = start(['-M', 'pc', '-m', '32', '-net', 'none', '-display', 'none', '-vnc', f'unix:{path}'], name='qemu-system-x86_64')
        until(lambda: os.path.exists(path), 'a VNC server')
        raw, tight = rfb.Client(path), rfb.Client(path, (rfb.TIGHT, rfb.DESKTOP_SIZE))

        def same():
            for c in raw, tight:
                c.ask(False)
                n = c.pictures
                while c.pictures == n:
                    c.update()
            return raw.pixels == tight.pixels and len(set(raw.pixels)) > 1
        until(same, 'raw and tight to show the same')  # a cursor may blink
        check(rfb.TIGHT in tight.seen and rfb.RAW in raw.seen, f'encodings: {tight.seen}, {raw.seen}')
        raw.s.sendall(struct.pack('>BxHHBxIHHHHI', 251, 1000, 500, 1, 1, 0, 0, 1000, 500, 0))  # a VGA does not
        for down in 1, 0:
            for sym in 0xffe3, 0xffe9, 0x33:
                key(raw, sym, down)
        while (raw.w, raw.h) != (640, 384):
            raw.ask()
            raw.update()
        raw.s.sendall(struct.pack('>BxHHBxIHHHHI', 251, 1000, 500, 1, 1, 0, 0, 1000, 500, 0))
        while (raw.w, raw.h) != (1000, 496):
            raw.ask()
            raw.update()
        stop(p)


def passwords_and_browsers():
    if not has('vnc'):
        return
    p = start([*SCREEN, '-display', 'none', '-vnc', '127.0.0.1:731,password=on,websocket=on'])
    with connect(('127.0.0.1', 6631)) as s:
        check(handshake(s) == [2], 'a password is asked for')
        s.sendall(b'\x02')
        take(s, 16)
        s.sendall(bytes(16))
        check(take(s, 4) == b'\x00\x00\x00\x01', 'none was set: nobody gets in')
    with connect(('127.0.0.1', 6431)) as s:
        key = base64.b64encode(bytes(16)).decode()
        s.sendall(f'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://x\r\n'
                  f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: binary\r\nSec-WebSocket-Version: 13\r\n\r\n'.encode())
        answer = b''
        while not answer.endswith(b'\r\n\r\n') and len(answer) < 4096:
            answer += take(s, 1)
        check(answer.startswith(b'HTTP/1.1 101'), 'a WebSocket')
        check(take(s, 14) == b'\x82\x0cRFB 003.008\n', 'RFB in binary frames')
        s.sendall(b'\x82\x8c\x00\x00\x00\x00RFB 003.008\n')
        check(take(s, 4) == b'\x82\x02\x01\x02', 'the same security types as without')
    # taken
    moss(*SCREEN, '-display', 'none', '-vnc', '127.0.0.1:731').exits(1).warns(re.escape('-vnc 127.0.0.1:731:'))
    stop(p)
    moss(*SCREEN, '-vnc', ':735,password-secret=s').exits(1).warns('there is no such -object secret')
    moss(*SCREEN, '-object', 'secret,id=s').exits(1).warns('expected either data= or file=')
    p = start([*SCREEN, '-display', 'none', '-vnc', '127.0.0.1:732,password-secret=s', '-object', 'secret,id=s,data=YWJj,format=base64'])
    with connect(('127.0.0.1', 6632)) as s:
        check(handshake(s) == [2], 'a secret is a password')
    stop(p)
    moss(*SCREEN, '-display', 'vnc=127.0.0.1:x,lock-key-sync=off').exits(1).warns("display 'x': expected a number")
    moss(*SCREEN, '-vnc', ':x').exits(1).warns(re.escape("-vnc :x: display 'x': expected a number"))
    moss(*SCREEN, '-vnc', ':70000').exits(1).warns(re.escape('-vnc :70000:'))
    moss(*SCREEN, '-vnc', ':1,tls-creds=x').exits(1).warns(re.escape('-vnc :1,tls-creds=x: tls-creds:'))
    moss(*SCREEN, '-vnc', ':745,colour=on').exits(1).warns(re.escape('colour'))


def windows():
    with folder() as where:
        image = small_guest(where, '--batch')
        run = ['-M', 'virt', '-net', 'none', '-kernel', image]
        bare = {'DISPLAY': '', 'WAYLAND_DISPLAY': ''}
        moss(*run, '-device', 'ramfb', '-display', 'sdl', env=bare).exits(0).warns(r'\A\S+ warning: -display sdl: .*\n\Z')
        moss(*run, '-display', 'sdl').exits(0).warns(r'\A\S+ warning: -display sdl: the machine has no screen.*\n\Z')
        moss(*run, '-display', 'vnc=:9').exits(0).warns('the machine has no screen')
        moss(*run, '-k', 'de', '-nographic').exits(0).warns(r'\A\S+ warning: -k de is ignored.*\n\Z')
        if has('sdl'):
            dummy = {'DISPLAY': ':none', 'SDL_VIDEODRIVER': 'dummy'}
            moss(*run, '-device', 'ramfb', '-display', 'sdl,gl=off', '-full-screen', env=dummy).exits(0).silent()
            moss(*run, '-device', 'ramfb', '-display', 'gtk', env=dummy).exits(0).silent()
            moss(*run, '-device', 'ramfb', '-display', 'gtk,gl=on,show-cursor=on,zoom-to-fit=on', env=dummy).exits(0).silent()
            moss(*run, '-device', 'ramfb', '-display', 'sdl,grab-mod=rctrl,show-cursor=on,window-close=off,gl=off', env=dummy).exits(
                0).silent()
            moss(*run, '-device', 'ramfb', '-display', 'sdl,zoom-to-fit=on', env=dummy).exits(1).warns('zoom-to-fit')
            moss(*run, '-device', 'ramfb', '-serial', 'stdio', env=dummy).exits(0).silent().prints('Goodbye')
            moss(*run, '-device', 'ramfb', env=dummy).exits(0).silent().prints_not('Goodbye')  # it is on a text console
            moss(*run, '-device', 'ramfb', '-nodefaults', '-chardev', f'vc,id=c,cols=90,rows=30,logfile={where}/log', '-serial',
                 'chardev:c', '-monitor', 'vc:640x480', env=dummy).exits(0).silent()
            check('Goodbye' in open(f'{where}/log', encoding='utf-8').read(), 'a text console has its log file')
            moss(*run, '-device', 'ramfb', '-monitor', 'vc:80x', env=dummy).exits(1).warns('expected WIDTHxHEIGHT')
            moss(*run, '-device', 'ramfb', '-monitor', 'vc:9000Cx24C', env=dummy).exits(1).warns('expected 1 to 500')
            moss(*run, '-device', 'ramfb', '-display', 'sdl,gl=maybe', env=dummy).exits(0).warns('gl=maybe')


def terminals():
    if has('curses'):
        moss(*SCREEN, '-display', 'curses').exits(1).warns('no terminal')
        moss(*SCREEN, '-display', 'curses,charset=CP850').exits(1).warns('no terminal')
        moss(*SCREEN, '-display', 'curses,charset=nosuch').exits(1).warns('charset=nosuch: iconv does not know it')
        looking_back()


def looking_back():
    """What scrolled out of a text console is seen again, on terminals of two kinds."""
    for term, back, forward in (('xterm', b'\x1b[5;2~', b'\x1b[6;2~'), ('linux', b'\x1b[5;5~', b'\x1b[6;5~')):
        child, fd = pty.fork()
        if not child:
            os.environ['TERM'] = term
            os.execv(path(), [path(), '-M', 'virt', '-S', '-net', 'none', '-display', 'curses', '-device', 'ramfb', '-monitor', 'vc'])
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 25, 80, 0, 0))

        def shows(key, text):
            end, seen = time.monotonic() + 20, b''
            while text not in seen and time.monotonic() < end:
                os.write(fd, key)
                while select.select([fd], [], [], 0.3)[0]:
                    seen += os.read(fd, 4096)
            check(text in seen, f'{term}: {text} after {key}; there was {seen[-300:]}')
        try:
            shows(b'', b'graphics')
            shows(b'\x1b2', b"type 'help'")
            shows(b'help\r', b'addr -- physical memory')
            shows(back, b"type 'help'")
            shows(forward, b'addr -- physical memory')
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(fd)


main(terminals, vnc, consoles, encodings_and_sizes, passwords_and_browsers, windows)

#!/usr/bin/env python3
"""Assembles the small guest that moss boots when there is no other: an arm64 Image that greets on the PL011 of the
`virt` board, echoes what is typed (Ctrl-D ends), and powers off by PSCI. Usage: mkguest.py OUTPUT [--batch]
With --batch it does not wait for input: it counts primes instead and prints how many it found.

SPEC: DDI0487 C4 (encodings), Linux Documentation/arch/arm64/booting.rst (header), DDI0183 (PL011)."""
import struct
import sys

UART = 0x09000000
DR, FR, IMSC = 0x00, 0x18, 0x38
FR_RXFE_BIT, FR_TXFF_BIT = 4, 5
EQ, NE, HS, LO, HI, LS, LT, LE = 0, 1, 2, 3, 8, 9, 11, 13
PSCI_SYSTEM_OFF = 0x84000008


class Asm:
    """One method an instruction; branches take label names and are fixed up at the end."""

    def __init__(self):
        self.words, self.labels, self.fixups = [], {}, []

    def emit(self, w):
        self.words.append(w & 0xffffffff)

    def label(self, name):
        self.labels[name] = len(self.words)

    def branch(self, base, name, shift, bits):
        self.fixups.append((len(self.words), name, shift, bits))
        self.emit(base)

    def movz(self, rd, imm, hw=0): self.emit(0xd2800000 | hw << 21 | imm << 5 | rd)
    def movk(self, rd, imm, hw=0): self.emit(0xf2800000 | hw << 21 | imm << 5 | rd)
    def add_imm(self, rd, rn, imm): self.emit(0x91000000 | imm << 10 | rn << 5 | rd)
    def mul(self, rd, rn, rm): self.emit(0x9b007c00 | rm << 16 | rn << 5 | rd)
    def udiv(self, rd, rn, rm): self.emit(0x9ac00800 | rm << 16 | rn << 5 | rd)
    def msub(self, rd, rn, rm, ra): self.emit(0x9b008000 | rm << 16 | ra << 10 | rn << 5 | rd)
    def cmp(self, rn, rm): self.emit(0xeb00001f | rm << 16 | rn << 5)
    def cmp_imm(self, rn, imm): self.emit(0xf100001f | imm << 10 | rn << 5)
    def mov(self, rd, rm): self.emit(0xaa0003e0 | rm << 16 | rd)
    def ldrb_post(self, rt, rn, imm): self.emit(0x38400400 | imm << 12 | rn << 5 | rt)
    def strb_pre(self, rt, rn, imm): self.emit(0x38000c00 | (imm & 0x1ff) << 12 | rn << 5 | rt)
    def ldr_w(self, rt, rn, off): self.emit(0xb9400000 | (off // 4) << 10 | rn << 5 | rt)
    def str_w(self, rt, rn, off): self.emit(0xb9000000 | (off // 4) << 10 | rn << 5 | rt)
    def b(self, name): self.branch(0x14000000, name, 0, 26)
    def bl(self, name): self.branch(0x94000000, name, 0, 26)
    def bcond(self, cc, name): self.branch(0x54000000 | cc, name, 5, 19)
    def cbz(self, rt, name): self.branch(0xb4000000 | rt, name, 5, 19)
    def cbnz(self, rt, name): self.branch(0xb5000000 | rt, name, 5, 19)
    def tbnz(self, rt, bit, name): self.branch(0x37000000 | bit << 19 | rt, name, 5, 14)
    def ret(self): self.emit(0xd65f03c0)
    def hvc(self, imm): self.emit(0xd4000002 | imm << 5)
    def wfi(self): self.emit(0xd503207f)

    def adr(self, rd, name):
        self.fixups.append((len(self.words), name, None, 21))
        self.emit(0x10000000 | rd)

    def mov32(self, rd, v):
        self.movz(rd, v & 0xffff)
        if v >> 16:
            self.movk(rd, v >> 16, 1)

    def text(self, name, s):
        data = s.encode() + b'\0'
        data += b'\0' * (-len(data) % 4)
        self.label(name)
        for i in range(0, len(data), 4):
            self.emit(struct.unpack('<I', data[i:i + 4])[0])

    def finish(self):
        for at, name, shift, bits in self.fixups:
            d = self.labels[name] - at
            if shift is None:
                d *= 4
                self.words[at] |= (d & 3) << 29 | (d >> 2 & 0x7ffff) << 5
            else:
                self.words[at] |= (d & ((1 << bits) - 1)) << shift
        return b''.join(struct.pack('<I', w) for w in self.words)


def put_string(a):
    """x0: string; x19: UART. Clobbers x1, x2."""
    a.label('puts')
    a.ldrb_post(1, 0, 1)
    a.cbz(1, 'puts_end')
    a.label('puts_wait')
    a.ldr_w(2, 19, FR)
    a.tbnz(2, FR_TXFF_BIT, 'puts_wait')
    a.str_w(1, 19, DR)
    a.b('puts')
    a.label('puts_end')
    a.ret()


def put_number(a):
    """x0: number; uses a buffer that ends at label 'digits_end'."""
    a.label('putn')
    a.mov(20, 30)
    a.adr(3, 'digits_end')
    a.movz(4, 10)
    a.label('putn_next')
    a.udiv(5, 0, 4)
    a.msub(6, 5, 4, 0)
    a.add_imm(6, 6, ord('0'))
    a.strb_pre(6, 3, -1)
    a.mov(0, 5)
    a.cbnz(0, 'putn_next')
    a.mov(0, 3)
    a.bl('puts')
    a.mov(30, 20)
    a.ret()


def count_primes(a, limit):
    """x0 = primes below limit, by trial division."""
    a.movz(21, 0)
    a.movz(22, 2)
    a.label('prime_next')
    a.movz(23, 2)
    a.label('prime_try')
    a.mul(24, 23, 23)
    a.cmp(24, 22)
    a.bcond(HI, 'prime_yes')
    a.udiv(24, 22, 23)
    a.msub(24, 24, 23, 22)
    a.cbz(24, 'prime_no')
    a.add_imm(23, 23, 1)
    a.b('prime_try')
    a.label('prime_yes')
    a.add_imm(21, 21, 1)
    a.label('prime_no')
    a.add_imm(22, 22, 1)
    a.mov32(24, limit)
    a.cmp(22, 24)
    a.bcond(LO, 'prime_next')
    a.mov(0, 21)


def guest(batch):
    a = Asm()
    a.b('start')
    a.emit(0)
    for v in (0, 0x10000, 0xa, 0, 0, 0):  # text_offset, image_size, flags, reserved
        a.emit(v)
        a.emit(0)
    a.words += [0x644d5241, 0]  # "ARM\x64"
    a.label('start')
    a.movz(19, UART >> 16, 1)
    a.adr(0, 'hello')
    a.bl('puts')
    if batch:
        count_primes(a, 20000)
        a.bl('putn')
        a.adr(0, 'primes')
        a.bl('puts')
    else:
        a.label('echo')
        a.ldr_w(2, 19, FR)
        a.tbnz(2, FR_RXFE_BIT, 'echo')
        a.ldr_w(1, 19, DR)
        a.cmp_imm(1, 4)
        a.bcond(EQ, 'off')
        a.str_w(1, 19, DR)
        a.b('echo')
    a.label('off')
    a.adr(0, 'bye')
    a.bl('puts')
    a.mov32(0, PSCI_SYSTEM_OFF)
    a.hvc(0)
    a.label('stop')
    a.wfi()
    a.b('stop')
    put_string(a)
    put_number(a)
    a.text('hello', 'Hello from a guest that moss assembled itself.\r\n' +
           ('' if batch else 'It echoes what you type; Ctrl-D powers it off.\r\n'))
    a.text('primes', ' primes below 20000\r\n')
    a.text('bye', '\r\nGoodbye.\r\n')
    a.text('digits', '0' * 20)
    a.labels['digits_end'] = a.labels['digits'] + 5
    return a.finish()


def main():
    with open(sys.argv[1], 'wb') as out:
        out.write(guest('--batch' in sys.argv[2:]))


if __name__ == '__main__':
    main()

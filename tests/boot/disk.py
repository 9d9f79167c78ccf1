#!/usr/bin/env python3
"""Writes a GPT disk with one EFI system partition (FAT).   disk.py IMAGE MIB [PATH=FILE...]: files to put there

SPEC: UEFI 2.10, 5.3 (GPT). The file system is made by mtools."""
import binascii
import os
import struct
import subprocess
import sys
import uuid

SECTOR, FIRST = 512, 2048
ESP = uuid.UUID('c12a7328-f81f-11d2-ba4b-00a0c93ec93b').bytes_le


def header(at, other, entries_at, first, last, entries):
    """A GPT header; its checksum is taken with the checksum's field empty."""
    def pack(crc):
        return struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, 92, crc, 0, at, other, first, last, bytes(range(16)),
                           entries_at, 128, 128, binascii.crc32(entries))
    return pack(binascii.crc32(pack(0))).ljust(SECTOR, b'\0')


def mtools(image, tool, *args):
    env = dict(os.environ, MTOOLS_SKIP_CHECK='1')
    return subprocess.run([tool, '-i', f'{image}@@{FIRST * SECTOR}', *args], check=True, env=env,
                          stdout=subprocess.PIPE).stdout


def make(path, mib, files):
    sectors = mib * 2048
    last = sectors - 34
    entry = struct.pack('<16s16sQQQ72s', ESP, bytes(range(1, 17)), FIRST, last, 0, 'ESP'.encode('utf-16-le'))
    entries = entry.ljust(128 * 128, b'\0')
    mbr = bytes(446) + struct.pack('<8BII', 0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, sectors - 1) + bytes(48) + b'\x55\xaa'
    with open(path, 'wb') as f:
        f.truncate(sectors * SECTOR)
        f.write(mbr + header(1, sectors - 1, 2, 34, last, entries) + entries)
        f.seek((sectors - 33) * SECTOR)
        f.write(entries + header(sectors - 1, 1, sectors - 33, 34, last, entries))
    mtools(path, 'mformat', '-F', '-T', str(last - FIRST + 1), '-h', '16', '-s', '63', '-v', 'ESP', '::')
    made = set()
    for name, source in files.items():
        folders = name.split('/')[:-1]
        for i in range(len(folders)):
            d = '/'.join(folders[:i + 1])
            if d not in made:
                mtools(path, 'mmd', '::' + d)
                made.add(d)
        mtools(path, 'mcopy', source, '::' + name)


def read(path, name):
    """What a file on the partition holds."""
    return mtools(path, 'mtype', '::' + name)


if __name__ == '__main__':
    make(sys.argv[1], int(sys.argv[2]), dict(a.split('=') for a in sys.argv[3:]))

#!/usr/bin/env python3
"""Assembles the bare-metal tests of tests/isa and runs them under moss, by interpreter and as host code, and with --peer
under another emulator that takes the same options. A test ends with the number of the case that failed, 0 when none did.

  run.py --moss PATH [--cc CROSS_GCC] [--peer QEMU] [FILE.S]..."""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = '/* not for peers:'  # in a test: what the peers lack
MACHINE = re.compile(r'/\* machine: (\S+) \*/')  # in a test: the board and its properties, if not plain virt


def run(argv):
    try:
        return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 'timeout', b'')


def machine(path, board, *extra):
    return [path, *extra, '-M', board, '-cpu', 'max', '-nic', 'none', '-display', 'none', '-serial', 'none', '-monitor',
            'none', '-semihosting', '-kernel']


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--moss', required=True)
    ap.add_argument('--cc', default='aarch64-linux-gnu-gcc')
    ap.add_argument('--peer')
    ap.add_argument('files', nargs='*')
    args = ap.parse_args()
    if not shutil.which(args.cc):
        print(f'{args.cc}: not here, nothing to run')
        sys.exit(77)
    a64 = os.path.join(HERE, 'a64')
    files = args.files or sorted(os.path.join(a64, f) for f in os.listdir(a64) if f.endswith('.S'))
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name in files:
            elf = os.path.join(tmp, os.path.basename(name) + '.elf')
            subprocess.run([args.cc, '-nostdlib', '-nostartfiles', '-static', '-march=armv8.5-a', '-Wl,--build-id=none',
                            '-Wl,--no-warn-rwx-segments', '-T', os.path.join(a64, 'link.ld'), '-o', elf, name], check=True)
            with open(name) as f:
                text = f.read()
            asked = MACHINE.search(text)
            board = asked.group(1) if asked else 'virt'
            ways = [('moss', machine(args.moss, board)), ('moss interp', machine(args.moss, board, '-accel', 'tcg,interp=on'))]
            if args.peer and MARK not in text:
                ways.append((os.path.basename(args.peer), machine(args.peer, board)))
            for who, argv in ways:
                r = run(argv + [elf])
                if r.returncode:
                    failed += 1
                    print(f'{os.path.basename(name)}: {who}: case {r.returncode}\n{r.stdout.decode(errors="replace")[-500:]}')
    print(f'{len(files)} tests, {failed} failures')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()

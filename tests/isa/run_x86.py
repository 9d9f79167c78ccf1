#!/usr/bin/env python3
"""Assembles the bare-metal tests of tests/isa/x86 and runs them on moss's x86-bare board: as host code, in the
interpreter, with verify=on and hostile=on; with --peer under another emulator that takes the same images (those without
`not for peers`). A test ends with the number of the case that failed, 0 when none did; the emulator's exit status is
twice that, and 1.

A test is a Multiboot program (FILE.S with test.inc), or with a line `/* firmware */` a flat image of 64 KiB that ends with
the reset vector. `/* needs -smp N */`: processors.

  run_x86.py --moss PATH [--peer QEMU] [FILE.S]..."""
import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'x86')
WAYS = {'jit': 'tcg', 'interp': 'tcg,interp=on', 'verify': 'tcg,verify=on', 'hostile': 'tcg,hostile=on'}
TOOLS = ('gcc', 'as', 'ld', 'objcopy')
NOT_FOR_PEERS = '/* not for peers'
FIRMWARE = '/* firmware */'


def tools():
    """The tools for x86: the host's own, or a cross compiler's."""
    prefixes = [''] if platform.machine() in ('x86_64', 'i686') else []
    for prefix in prefixes + ['x86_64-linux-gnu-', 'i686-linux-gnu-']:
        if all(shutil.which(prefix + t) for t in TOOLS):
            return [prefix + t for t in TOOLS]
    return None


def build(tool, name, out, firmware, wide):
    """wide: code of 64 bits. What a Multiboot loader takes is ELF of 32 bits all the same."""
    cc, asm, ld, objcopy = tool
    pre, obj, linked = out + '.s', out + '.o', out + '.elf'
    subprocess.run([cc, '-E', '-x', 'assembler-with-cpp', '-I', HERE, '-o', pre, name], check=True)
    subprocess.run([asm, '--64' if wide else '--32', '-o', obj, pre], check=True)
    how = ['--oformat', 'binary', '-Ttext', '0xf0000', '-e', '0'] if firmware else ['-T', os.path.join(HERE, 'link.ld')]
    subprocess.run([ld, '-m', 'elf_x86_64' if wide else 'elf_i386', '--no-warn-rwx-segments', '-o', linked, obj] + how,
                   check=True)
    if wide:
        subprocess.run([objcopy, '-O', 'elf32-i386', linked, out], check=True)
    else:
        os.rename(linked, out)


def run(argv):
    try:
        r = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    except subprocess.TimeoutExpired as e:
        return 'no end', e.stdout or b''
    if r.returncode == 1:
        return None, r.stdout
    return f'case {r.returncode >> 1}' if r.returncode > 0 and r.returncode & 1 else f'status {r.returncode}', r.stdout


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--moss', required=True)
    ap.add_argument('--peer')
    ap.add_argument('--ways', default=','.join(WAYS))
    ap.add_argument('files', nargs='*')
    args = ap.parse_args()
    tool = tools()
    if not tool:
        print('no assembler for x86 here, nothing to run')
        sys.exit(77)
    files = args.files or sorted(os.path.join(HERE, f) for f in os.listdir(HERE) if f.endswith('.S'))
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        for name in files:
            base = os.path.basename(name)
            with open(name) as f:
                text = f.read()
            firmware = FIRMWARE in text
            image = os.path.join(tmp, base + '.img')
            build(tool, name, image, firmware, 'sys64.inc' in text)
            smp = re.search(r'/\* needs -smp (\d+) \*/', text)
            rest = (['-smp', smp.group(1)] if smp else []) + ['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-nic', 'none', '-bios' if firmware else '-kernel', image]
            ways = [(w, [args.moss, '-M', 'x86-bare', '-accel', WAYS[w]]) for w in args.ways.split(',')]
            if args.peer and NOT_FOR_PEERS not in text:
                ways.append((os.path.basename(args.peer), [args.peer, '-M', 'pc', '-cpu', 'max', '-accel', 'tcg', '-device',
                                                           'isa-debug-exit,iobase=0xf4,iosize=4']))
            for who, argv in ways:
                bad, out = run(argv + rest)
                if bad:
                    failed += 1
                    print(f'{base}: {who}: {bad}\n{out.decode(errors="replace")[-600:]}')
    print(f'{len(files)} tests, {failed} failures')
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""Compiles the litmus guest and runs it on several cpus, as host code with and without LSE, and in the interpreter.

  run.py --moss PATH [--cc CROSS_GCC] [--seconds N] [--peer QEMU]

MOSS_LITMUS_SECONDS or --seconds: how long, all in all (default 12)."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = ['MP release/acquire', 'MP dmb', 'SB release/acquire', 'SB dmb', 'SB exclusives', 'LB', 'IRIW', 'ABA str',
         'ABA silent store', 'ABA store beside', 'ABA stp', 'ABA vector', 'ABA dc zva', 'ABA exclusives', 'ABA swp',
         'lock-free stack', 'counters', 'ticket lock', 'exception return and clrex']
# Name, cpus, moss's options, part of the time.
WAYS = [('LSE', 4, ['-cpu', 'max'], 3), ('no LSE', 4, ['-cpu', 'cortex-a57'], 3), ('two cpus', 2, ['-cpu', 'cortex-a72'], 3),
        ('short blocks', 2, ['-cpu', 'cortex-a53', '-singlestep'], 1),
        ('interpreter', 2, ['-cpu', 'max', '-accel', 'tcg,interp=on'], 2),
        ('verified', 2, ['-cpu', 'max', '-accel', 'tcg,verify=on'], 2),
        ('hostile', 4, ['-cpu', 'max', '-accel', 'tcg,hostile=on'], 2)]


def build(cc, folder, cpus, ms):
    elf = os.path.join(folder, f'litmus{cpus}.elf')
    subprocess.run([cc, '-O2', '-ffreestanding', '-nostdlib', '-nostartfiles', '-static', '-march=armv8-a', '-Wall',
                    '-mno-outline-atomics', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments', f'-DNCPUS={cpus}',
                    f'-DMS={ms}', '-T', os.path.join(HERE, '../isa/a64/link.ld'), '-o', elf, os.path.join(HERE, 'start.S'),
                    os.path.join(HERE, 'litmus.c')], check=True)
    return elf


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--moss', required=True)
    ap.add_argument('--cc', default='aarch64-linux-gnu-gcc')
    ap.add_argument('--peer')
    ap.add_argument('--seconds', type=float, default=float(os.environ.get('MOSS_LITMUS_SECONDS', '12')))
    args = ap.parse_args()
    if not shutil.which(args.cc):
        print(f'{args.cc}: not here, nothing to run')
        sys.exit(77)
    failed = 0
    parts = sum(w[3] for w in WAYS)
    with tempfile.TemporaryDirectory() as folder:
        for name, cpus, options, part in WAYS:
            if args.peer and ('-accel' in options or '-singlestep' in options):
                continue
            ms = max(1, int(args.seconds * part / parts / len(TESTS) * 1000))
            elf = build(args.cc, folder, cpus, ms)
            command = [args.peer or args.moss, '-M', 'virt', '-smp', str(cpus), '-nic', 'none', '-display', 'none', '-serial',
                       'none', '-monitor', 'none', '-semihosting', *options, '-kernel', elf]
            try:
                rc = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60 + args.seconds * 5).returncode
            except subprocess.TimeoutExpired:
                rc = 'timeout'
            what = TESTS[rc - 1] if isinstance(rc, int) and 0 < rc <= len(TESTS) else rc
            print(f'{name}: {cpus} cpus, {ms} ms a test:', 'ok' if rc == 0 else f'FAILED: {what}', flush=True)
            failed += rc != 0
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()

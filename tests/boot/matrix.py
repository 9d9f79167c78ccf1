#!/usr/bin/env python3
"""Boots Debian's installer kernel to a shell on every sensible mix of processors, cpu model and board options, and says
which mixes came up, computed right and powered off with status 0. It takes minutes, so it is not part of the test suite:
cases.py has the mixes that every test run boots."""
import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time

import cases
import guests

CPUS = ['cortex-a53', 'cortex-a57', 'cortex-a72', 'cortex-a76', 'neoverse-n1', 'max']


def mixes():
    """(name, options, processors)"""
    for smp, cpu, gic in itertools.product([1, 2, 4], CPUS, [2, 3]):
        yield f'-M virt,gic-version={gic} -cpu {cpu} -smp {smp} -m 512M', smp
    for cpu, extra in itertools.product(CPUS, ['virtualization=on', 'secure=on', 'secure=on,virtualization=on']):
        yield f'-M virt,gic-version=3,{extra} -cpu {cpu} -smp 2 -m 512M', 2
    for extra in ['virtualization=on', 'secure=on', 'highmem=off', 'its=off']:
        yield f'-M virt,gic-version=2,{extra} -cpu cortex-a57 -smp 2 -m 512M', 2
    for memory in ['4G']:
        yield f'-M virt,gic-version=3 -cpu max -smp 2 -m {memory}', 2
        yield f'-M virt,gic-version=2 -cpu cortex-a53 -smp 1 -m {memory}', 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('moss', help='the program to boot with')
    parser.add_argument('words', nargs='*', metavar='WORD', help='only mixes whose options hold every WORD')
    parser.add_argument('--times', type=int, default=1, help='boots of each mix')
    args = parser.parse_args()
    bad = n = 0
    for options, cpus in itertools.chain.from_iterable(mixes() for _ in range(args.times)):
        if not all(w in options for w in args.words):
            continue
        command = [args.moss, *options.split(), '-nic', 'none', '-nographic', *guests.debian(None)]
        start = time.monotonic()
        with tempfile.TemporaryFile('w+') as log:
            rc = subprocess.run([sys.executable, os.path.join(guests.ROOT, 'tools/drive.py'), '--timeout', '600',
                                 *cases.look(cpus), '--', *command], stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, check=False).returncode
            log.seek(0)
            text = log.read()
        n += 1
        uname = next((line for line in text.splitlines() if line.startswith('Linux (none)')), '')
        print(f'{"ok  " if rc == 0 else "FAIL"} {time.monotonic() - start:5.1f} s  exit {rc}  {options}  {uname}', flush=True)
        if rc:
            bad += 1
            print(text[-3000:])
    print(f'{n - bad} of {n} came up')
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())

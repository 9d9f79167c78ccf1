#!/usr/bin/env python3
"""Boots one guest through tools/drive.py and looks at what it says.   boot.py MOSS CASE
  boot.py --list     the cases, and the suite `slow` behind those that only run in the plain build

cases.py has the cases, guests.py the guests. Exits with 77 (skipped) when the guest is not on this machine."""
import os
import subprocess
import sys
import tempfile

from cases import CASES
from guests import GUESTS, ROOT

SKIP = 77


def run(moss, case, options, names):
    """One run after the other; the exit status that was not expected, or None."""
    def fill(words):
        for name, value in names.items():
            words = [w.replace('@' + name, value) for w in words]
        return words
    command = [moss, *fill(case.args), *options]
    for steps in case.runs:
        print('boot:', ' '.join(command), flush=True)
        rc = subprocess.run([sys.executable, os.path.join(ROOT, 'tools/drive.py'), '--timeout', str(case.timeout),
                             *fill(steps), '--', *command], stdin=subprocess.DEVNULL, check=False).returncode
        if rc != case.ends:
            return f'exit status {rc}, expected {case.ends}'
    return None


def main():
    if sys.argv[1] == '--list':
        print('\n'.join(name + (' slow' if case.slow else '') for name, case in CASES.items()))
        return 0
    moss, name = sys.argv[1:]
    case = CASES[name]
    with tempfile.TemporaryDirectory() as scratch:
        options = GUESTS[case.guest](scratch)
        if options is None:
            print(f'boot: the guest "{case.guest}" is not on this machine (see the file packages)')
            return SKIP
        names = {'D': scratch, **((case.prepare(scratch) if case.prepare else None) or {})}
        wrong = run(moss, case, options, names) or (case.check and case.check(scratch))
    if wrong:
        print(f'\nboot: {wrong}')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
"""Runs a command and talks to it: waits for texts, types lines. For demos, boots in tests, and benchmarks.

  drive.py [--timeout SECONDS] [--quiet] STEP... -- COMMAND...

A STEP is  wait=TEXT (until TEXT has come, since the last wait)  send=TEXT (types TEXT and Enter)  raw=TEXT (no Enter)
wait~REGEX. After the last step the command must end by itself. What it prints is copied to stdout. Exits with the
command's status, 124 when the time is over (the command is ended), 125 when it ended before the steps did."""
import os
import re
import selectors
import subprocess
import sys
import time


def parse(argv):
    opts = {'timeout': 300.0, 'quiet': False}
    steps = []
    i = 0
    while i < len(argv) and argv[i] != '--':
        a = argv[i]
        if a == '--timeout':
            i += 1
            opts['timeout'] = float(argv[i])
        elif a == '--quiet':
            opts['quiet'] = True
        else:
            m = re.match(r'(wait|send|raw)([=~])(.*)$', a, re.S)
            if not m:
                sys.exit(f'drive.py: what is "{a}"?')
            steps.append((m.group(1), m.group(2), m.group(3)))
        i += 1
    if i >= len(argv) - 1:
        sys.exit(__doc__)
    return opts, steps, argv[i + 1:]


class Driver:
    def __init__(self, command, opts):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  bufsize=0)
        self.end = time.monotonic() + opts['timeout']
        self.quiet = opts['quiet']
        self.seen = ''
        self.sel = selectors.DefaultSelector()
        self.sel.register(self.p.stdout, selectors.EVENT_READ)

    def pump(self):
        """Reads once; False at end of file. Leaves by exit when the time is over."""
        left = self.end - time.monotonic()
        if left <= 0 or not self.sel.select(left):
            self.p.terminate()
            sys.stderr.write('drive.py: time is over\n')
            sys.exit(124)
        data = os.read(self.p.stdout.fileno(), 65536)
        if not data:
            return False
        text = data.decode('utf-8', 'replace')
        if not self.quiet:
            sys.stdout.write(text)
            sys.stdout.flush()
        self.seen += text
        return True

    def wait(self, kind, text):
        while True:
            m = re.search(text if kind == '~' else re.escape(text), self.seen)
            if m:
                self.seen = self.seen[m.end():]
                return
            if not self.pump():
                sys.stderr.write(f'drive.py: the command ended while waiting for "{text}"\n')
                sys.exit(self.p.wait() or 125)

    def send(self, text):
        for byte in text.encode():  # a serial port has a small buffer
            os.write(self.p.stdin.fileno(), bytes([byte]))


def main():
    opts, steps, command = parse(sys.argv[1:])
    d = Driver(command, opts)
    for what, kind, text in steps:
        if what == 'wait':
            d.wait(kind, text)
        else:
            d.send(text + ('\n' if what == 'send' else ''))
    while d.pump():
        pass
    sys.exit(d.p.wait())


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
"""The window under Xvfb: its title, its own keys, its sizes, the text consoles, and what is typed there.   window.py MOSS
Exits with 77 (skipped) without Xvfb."""
import os
import re
import subprocess
import sys
import tempfile
import time

import xtest

LEFTCTRL, LEFTALT, ENTER, SPACE = 29, 56, 28, 57
CODES = dict(zip('qwertyuiop', range(16, 26))) | dict(zip('asdfghjkl', range(30, 39))) | dict(zip('zxcvbnm', range(44, 51)))
CODES |= {str(i % 10): i + 1 for i in range(1, 11)} | {'=': 13, '-': 12, ' ': SPACE, '\n': ENTER}
failures = []


class Window:
    def __init__(self, x):
        self.x = x
        self.id = self.wait(lambda: x.xdotool('search', '--name', 'moss-ui-test'), 'a window')
        x.xdotool('windowmove', self.id, '0', '0', 'windowfocus', self.id)
        x.move(200, 200)

    def wait(self, condition, what):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            got = condition()
            if got:
                return got
            time.sleep(0.05)
        failures.append(what)
        print('FAILED: waited for', what, flush=True)
        return None

    def now(self):
        """The title, with any load written as N."""
        return re.sub(r'CPU \d+ %', 'CPU N %', self.x.xdotool('getwindowname', self.id))

    def title(self, want):
        self.wait(lambda: self.now() == want, f'the title {want!r}; it is {self.now()!r}')

    def size(self, w, h):
        def now():
            return self.x.xdotool('getwindowgeometry', self.id).split()[-1]
        self.wait(lambda: now() == f'{w}x{h}', f'{w}x{h}; it is {now()}')

    def own(self, key):
        """A key of the window's own, with Ctrl-Alt."""
        time.sleep(0.35)  # one that comes sooner is taken for the same press
        for down in True, False:
            for c in (LEFTCTRL, LEFTALT, CODES[key]):
                self.x.key(c + 8, down)

    def text(self, text):
        for c in text:
            self.x.key(CODES[c] + 8, True)
            self.x.key(CODES[c] + 8, False)
            time.sleep(0.02)


def disk(path):
    """Its boot sector runs in a circle until Enter is pressed, and rests then: sti; mov ah, 1; int 16h; jz back; hlt; jmp back."""
    with open(path, 'wb') as f:
        f.write((b'\xfb\xb4\x01\xcd\x16\x74\xfa\xf4\xeb\xfd').ljust(510, b'\0') + b'\x55\xaa' + bytes(1 << 20))


def look(x, p):
    w = Window(x)
    w.title('moss-ui-test - VGA (paused)')
    w.own('2')
    w.title('moss-ui-test - compat_monitor0 (paused)')
    w.size(640, 384)
    w.text('c\n')
    w.title('moss-ui-test - compat_monitor0 - CPU N %')
    w.own('1')
    w.title('moss-ui-test - VGA - CPU N %')
    w.wait(lambda: w.text('\n') or w.now() == 'moss-ui-test - VGA', 'the title of a guest that rests')
    w.size(720, 400)
    x.button(1, True)
    x.button(1, False)
    w.title('moss-ui-test - VGA - Ctrl-Alt-G releases the mouse')
    w.own('g')
    w.title('moss-ui-test - VGA')
    w.own('=')
    w.size(1440, 800)
    w.own('-')
    w.size(720, 400)
    x.xdotool('windowsize', w.id, '900', '600')
    w.size(900, 600)
    w.own('u')
    w.size(720, 400)
    # (full screen is a window manager's doing, and here there is none)
    w.own('3')
    w.title('moss-ui-test - serial0')
    w.own('2')
    w.size(640, 384)
    x.xdotool('windowsize', w.id, '800', '480')
    w.size(800, 480)
    w.text('quit\n')
    w.wait(lambda: p.poll() is not None, 'quit, typed on the monitor, to end moss')


def main():
    if not xtest.is_here():
        print('window: Xvfb, xdotool or the library of XTEST is not on this machine (see the file packages)')
        return 77
    x = xtest.Server('1600x1000')
    with tempfile.TemporaryDirectory() as there:
        disk(there + '/disk')
        p = subprocess.Popen([sys.argv[1], '-M', 'pc', '-m', '64', '-net', 'none', '-name', 'moss-ui-test', '-S', '-display', 'sdl',
                              '-drive', f'file={there}/disk,format=raw'],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, 'DISPLAY': x.name})
        try:
            look(x, p)
        finally:
            if p.poll() is None:
                p.kill()
            x.end()
    print(f'{len(failures)} failures')
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main())

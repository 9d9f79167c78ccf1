"""Keys and mouse of an X server by its XTEST extension, and a server of our own (Xvfb)."""
import ctypes
import os
import shutil
import subprocess


def library(name):
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


X11, XTST = library('libX11.so.6'), library('libXtst.so.6')


class Server:
    """Xvfb on a number of its own choice."""
    def __init__(self, size='1280x1024'):
        read, write = os.pipe()
        self.p = subprocess.Popen(['Xvfb', '-displayfd', str(write), '-screen', '0', f'{size}x24', '-nolisten', 'tcp'],
                                  pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as f:
            self.name = ':' + f.readline().strip()
        X11.XOpenDisplay.restype = ctypes.c_void_p
        X11.XDefaultRootWindow.restype = ctypes.c_ulong
        X11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
        self.d = ctypes.c_void_p(X11.XOpenDisplay(self.name.encode()))

    def key(self, keycode, down):
        XTST.XTestFakeKeyEvent(self.d, keycode, down, 0)
        X11.XFlush(self.d)

    def button(self, n, down):
        XTST.XTestFakeButtonEvent(self.d, n, down, 0)
        X11.XFlush(self.d)

    def move(self, x, y):
        XTST.XTestFakeMotionEvent(self.d, 0, x, y, 0)
        X11.XFlush(self.d)

    def move_by(self, dx, dy):
        XTST.XTestFakeRelativeMotionEvent(self.d, dx, dy, 0)
        X11.XFlush(self.d)

    def xdotool(self, *args):
        return subprocess.run(['xdotool', *args], env={**os.environ, 'DISPLAY': self.name}, capture_output=True, text=True,
                              check=False).stdout.strip()

    def end(self):
        X11.XCloseDisplay(self.d)
        self.p.terminate()
        self.p.wait()


def is_here():
    return X11 and XTST and shutil.which('Xvfb') and shutil.which('xdotool')

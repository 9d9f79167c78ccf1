#!/usr/bin/env python3
"""moss on a terminal: it is raw while the guest has it, and as before on every way out; Ctrl-C; streams that are closed."""
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import time

from harness import QEMU, check, folder, main, path, small_guest, start, until


class Session:
    """moss in the foreground of a terminal of its own."""

    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            time.sleep(0.05)
            for sig in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # ignored, when the tests run in the background
                signal.signal(sig, signal.SIG_DFL)
            os.execv(path(), [path(), *args])
        self.before = termios.tcgetattr(self.fd)
        self.seen = b''

    def wait_for(self, text, timeout=30):
        end = time.monotonic() + timeout
        while text not in self.seen:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                check(False, f'waited for {text!r}, saw {self.seen!r}')
                return
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                check(False, f'the terminal closed before {text!r}, saw {self.seen!r}')
                return

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & (termios.ICANON | termios.ECHO)

    def type(self, data):
        os.write(self.fd, data)

    def end(self, what):
        """The status as waitpid gives it; the terminal has to be as before."""
        _, status = os.waitpid(self.pid, 0)
        check(termios.tcgetattr(self.fd) == self.before, f'{what}: the terminal is as before')
        while select.select([self.fd], [], [], 0)[0]:
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                break
        os.close(self.fd)
        return status


# A sanitizer's own handlers of these would stand in moss's place.
os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':handle_segv=0:handle_sigbus=0:handle_sigfpe=0'


def nographic(image):
    s = Session('-M', 'virt', '-net', 'none', '-nographic', '-kernel', image)
    s.wait_for(b'powers it off')
    check(s.is_raw(), 'the terminal is raw while the guest has it')
    return s


def ways_out():
    with folder() as where:
        image = small_guest(where)
        for keys, what in ((b'\x01x', 'Ctrl-A x'), (b'\x04', 'power-off')):
            s = nographic(image)
            s.type(keys)
            check(s.end(what) == 0, f'{what}: status 0')
        for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            s = nographic(image)
            os.kill(s.pid, sig)
            check(s.end(sig.name) == 0, f'{sig.name}: status 0')
            check(f'terminating on signal {int(sig)} from pid'.encode() in s.seen, f'{sig.name}: {s.seen!r}')
        for sig in (signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE):
            s = nographic(image)
            os.kill(s.pid, sig)
            status = s.end(sig.name)
            check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == sig, f'{sig.name} kills: {status}')
        s = Session('-M', 'virt', '-nographic', '-kernel', '/nonexistent')  # fails when the terminal is raw already
        check(os.waitstatus_to_exitcode(s.end('an error')) == 1, 'an error: status 1')


def control_c():
    with folder() as where:
        image = small_guest(where)
        s = nographic(image)
        s.seen = b''
        s.type(b'\x03')
        s.wait_for(b'\x03')  # the guest echoes it
        s.type(b'\x04')
        check(s.end('Ctrl-C for the guest') == 0, 'Ctrl-C is for the guest')
        s = Session('-M', 'virt', '-net', 'none', '-display', 'none', '-serial', 'stdio', '-kernel', image)
        s.wait_for(b'powers it off')
        s.type(b'\x03')
        check(s.end('Ctrl-C for moss') == 0, 'Ctrl-C ends moss')
        check(b'terminating on signal 2\r\n' in s.seen, f'Ctrl-C: {s.seen!r}')


def stopping():
    """Ctrl-Z is for the guest; a stop from outside and going on leave the terminal right."""
    with folder() as where:
        s = nographic(small_guest(where))
        os.kill(s.pid, signal.SIGSTOP)
        os.waitpid(s.pid, os.WUNTRACED)
        termios.tcsetattr(s.fd, termios.TCSANOW, s.before)  # as a shell does
        os.kill(s.pid, signal.SIGCONT)
        until(s.is_raw, 'the terminal to be raw again')
        s.type(b'\x04')
        check(s.end('after a stop') == 0, 'after a stop')


def closed_streams():
    with folder() as where:
        image, out = small_guest(where, '--batch'), f'{where}/out'
        run = f'exec {path()} -M virt -net none -nographic -kernel {image}'
        for how, speaks in (('<&-', True), ('>&-', False), ('2>&-', True), ('<&- >&- 2>&-', False)):
            with open(out, 'wb') as f:
                rc = subprocess.run(['sh', '-c', f'{run} {how}'], stdin=subprocess.DEVNULL, stdout=f, timeout=60,
                                    stderr=subprocess.STDOUT).returncode
            with open(out, 'rb') as f:
                text = f.read()
            check(rc == 0 and (b'Goodbye' in text) == speaks, f'{how}: status {rc}, {text!r}')
        # A reader that goes away: moss goes on, and says it once.
        p = start(['-M', 'virt', '-net', 'none', '-nographic', '-kernel', image])
        p.stdout.close()
        err = p.stderr.read()
        check(p.wait(60) == 0, 'a closed pipe: status 0')
        check(err in ('', f'{QEMU}: warning: standard output is gone: Broken pipe\n'), f'a closed pipe: {err!r}')


def waiting():
    """What waits for a peer can be ended."""
    with folder() as where:
        p = start(['-M', 'virt', '-display', 'none', '-serial', f'unix:{where}/s,server=on'])
        until(lambda: os.path.exists(f'{where}/s'), 'the socket')
        p.terminate()
        check(p.wait(30) == -signal.SIGTERM, 'SIGTERM ends the wait')
        p.communicate()
        p = start(['-M', 'virt', '-display', 'none', '-serial', f'unix:{where}/t,server=on', '-kernel', small_guest(where)])
        with socket.socket(socket.AF_UNIX) as s: # the name is there a moment before somebody listens
            until(lambda: s.connect_ex(f'{where}/t') == 0, 'the socket')
            s.settimeout(30)
            check(b'H' in s.recv(1), 'the guest starts when somebody came')
            s.sendall(b'\x04')
            check(p.wait(30) == 0, 'and ends')
        p.communicate()


main(ways_out, control_c, stopping, closed_streams, waiting)

"""What the compat tests share: moss under the name that scripts call it by, and checks that say what was expected."""
import os
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import mkguest  # noqa: E402
BUILD = sys.argv[1]  # where the names of moss are
QEMU = 'qemu-system-aarch64'
failures = []


class Result:
    def __init__(self, rc, out, err, what):
        self.rc, self.out, self.err, self.what = rc, out, err, what

    def fail(self, why):
        failures.append(self.what)
        print(f'FAILED: {self.what}\n  {why}\n  rc {self.rc}\n  stdout: {self.out[:800]!r}\n  stderr: {self.err[:800]!r}')
        return self

    def exits(self, rc):
        return self if self.rc == rc else self.fail(f'exit status {rc} expected')

    def says(self, text):  # all of stderr
        return self if self.err == text else self.fail(f'stderr expected: {text!r}')

    def warns(self, regex):
        return self if re.search(regex, self.err) else self.fail(f'on stderr expected: {regex}')

    def silent(self):
        return self.says('')

    def prints(self, *regexes):
        for r in regexes:
            if not re.search(r, self.out, re.M):
                self.fail(f'on stdout expected: {r}')
        return self

    def prints_not(self, regex):
        return self.fail(f'on stdout not expected: {regex}') if re.search(regex, self.out, re.M) else self


def path(name=QEMU):
    return os.path.join(BUILD, name)


def start(args, name=QEMU, **kw):
    kw.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.Popen([path(name), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            errors='backslashreplace', **kw)


def moss(*args, name=QEMU, timeout=60, stdin=None, env=None):
    """Runs to the end. args: words, or one string of words; env: what is added to the environment."""
    if len(args) == 1 and ' ' in args[0]:
        args = args[0].split(' ')
    what = ' '.join((name, *args))
    p = start(args, name, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
              env={**os.environ, **(env or {})})
    try:
        out, err = p.communicate(stdin, timeout)
    except subprocess.TimeoutExpired:
        p.kill()
        out, err = p.communicate()
        return Result('none', out, err, what).fail(f'still running after {timeout} s')
    return Result(p.returncode, out, err, what)


def until(condition, what, timeout=30):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    failures.append(what)
    print(f'FAILED: waited {timeout} s for: {what}')
    return False


def check(ok, what):
    if not ok:
        failures.append(what)
        print(f'FAILED: {what}')


def folder():
    return tempfile.TemporaryDirectory(prefix='moss-compat-')


def small_guest(where, *flags):
    image = os.path.join(where, 'guest.img')
    subprocess.run([sys.executable, os.path.join(ROOT, 'tools/mkguest.py'), image, *flags], check=True)
    return image


def bare(where, name, code):
    """A guest of a few instructions: `code` adds them."""
    a = mkguest.Asm()
    a.b('start')
    a.emit(0)
    for v in (0, 0x10000, 0xa, 0, 0, 0):
        a.emit(v)
        a.emit(0)
    a.words += [0x644d5241, 0]
    a.label('start')
    code(a)
    a.label('stop')
    a.wfi()
    a.b('stop')
    if 'data' in [f[1] for f in a.fixups]:
        a.label('data')
        a.words += a.data
    image = os.path.join(where, name)
    with open(image, 'wb') as f:
        f.write(a.finish())
    return image


def main(*tests):
    for t in tests:
        t()
    print(f'{len(tests)} tests, {len(failures)} failures')
    sys.exit(1 if failures else 0)

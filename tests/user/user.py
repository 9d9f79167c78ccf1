#!/usr/bin/env python3
"""User mode with real programs: compiled here by the cross compiler (skipped without it), linked static, static-pie and
dynamic. Each program of guest/ checks itself; the command line and damaged files are checked here.

    user.py BUILD NAME      runs one test
    user.py --list          their names"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
CC = 'aarch64-linux-gnu-gcc'
PREFIX = '/usr/aarch64-linux-gnu'
SKIP = 77
# Under sanitizers: faults are the program's, and what is left at the end is its kernel's to free.
SANITIZERS = {'ASAN_OPTIONS': 'handle_segv=0:handle_sigbus=0:allow_user_segv_handler=1:detect_leaks=0'}
LINKS = {'static': ['-static'], 'pie': ['-static-pie'], 'dynamic': []}


class Bench:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.moss = os.path.join(build, 'moss-aarch64')

    def compile(self, name, link):
        out = os.path.join(self.folder, f'{name}-{link}')
        subprocess.run([CC, '-O1', '-w', '-pthread', *LINKS[link], '-o', out, os.path.join(HERE, 'guest', name + '.c')],
                       check=True)
        return out

    def run(self, *args, moss=None, env=None, timeout=120):
        return subprocess.run([moss or self.moss, *args], capture_output=True, text=True, timeout=timeout,
                              env={**SANITIZERS, **os.environ, **(env or {})}, cwd=self.folder, check=False)


def must(ok, what, r=None):
    if not ok:
        sys.exit(f'{what}\n' + (f'status {r.returncode}\n{r.stdout}\n{r.stderr}' if r else ''))


def program(name, links, *args):
    def test(b):
        for link in links:
            exe = b.compile(name, link)
            r = b.run('-L', PREFIX, exe, *args)
            must(r.returncode == 0, f'{name}, {link}:', r)
            print(r.stdout, end='')
    return test


def options(b):
    exe = b.compile('echo', 'static')

    def expect(out, *args, **kw):
        r = b.run(*args, **kw)
        must(r.stdout == ''.join(f'{line}\n' for line in out), f'{args} {kw}: expected {out}', r)
        must(r.returncode == sum(line.startswith('[') for line in out), f'{args}: status', r)
    expect([f'[{exe}]', '[a]', '[b c]'], exe, 'a', 'b c')
    expect(['[zero]', '[a]'], '-0', 'zero', exe, 'a')
    expect(['[zero]'], exe, env={'QEMU_ARGV0': 'zero'})
    expect([f'[{exe}]', 'MOSS_TEST=2', 'MOSS_TEST3=4'], '-E', 'MOSS_TEST=2,MOSS_TEST3=4', exe, env={'MOSS_TEST': '1'})
    expect([f'[{exe}]'], '-U', 'MOSS_TEST', exe, env={'MOSS_TEST': '1'})
    expect([f'[{exe}]', 'MOSS_TEST=5'], exe, env={'QEMU_SET_ENV': 'MOSS_TEST=5'})
    for extra in (['-s', '1M'], ['-R', '4G'], ['-R', '0x200000000'], ['-seed', '1'], ['-cpu', 'cortex-a57'], ['-p', '4096'],
                  ['-singlestep']):
        expect([f'[{exe}]'], *extra, exe)
    r = b.run('-strace', exe)
    must('write(1,' in r.stderr and 'exit_group(1)' in r.stderr, '-strace', r)
    r = b.run('-version', moss=os.path.join(b.build, 'qemu-aarch64'))
    must(r.returncode == 0 and 'version 7.2.0' in r.stdout, '-version', r)
    r = b.run('-cpu', 'help')
    must(r.returncode == 0 and 'cortex-a57' in r.stdout, '-cpu help', r)
    must('QEMU_LD_PREFIX' in b.run('-h').stdout, '-h')
    # As binfmt_misc calls with flag P: interpreter, path, the original argv[0], arguments.
    p = os.path.join(b.folder, 'aarch64-binfmt-P')
    os.symlink(os.path.join(b.build, 'moss'), p)
    expect(['[other]', '[-x]'], exe, 'other', '-x', moss=p)


def errors(b):
    exe = b.compile('echo', 'dynamic')
    text = os.path.join(b.folder, 'text')
    with open(text, 'w', encoding='utf-8') as f:
        f.write('no program')
    for args, words in ((['/nonexistent'], ['Could not open', '/nonexistent']), ([text], ['ELF']), ([b.folder], ['no file']),
                        (['/bin/true'], ['Invalid ELF image']), ([], ['no program given']),
                        (['-L', '/nonexistent', exe], ['Could not open', 'ld-linux-aarch64.so.1']),
                        (['-frob', exe], ['unknown option']), (['-cpu', 'z80', exe], ['z80']), (['-s', 'x', exe], ['size']),
                        (['-g', '1234', exe], ['debugger'])):
        r = b.run(*args)
        lines = r.stderr.strip().split('\n')
        must(r.returncode == 1 and len(lines) == 1 and all(w in lines[0] for w in words), f'{args}: {words}', r)


def damaged(b):
    """Truncated and bit-flipped files: a sentence, a signal of the program, or a run; never a crash of moss."""
    seed = int(os.environ.get('SEED', random.randrange(1 << 32)))
    rounds = int(os.environ.get('ROUNDS', '60'))
    print('seed', seed, 'rounds', rounds)
    rng = random.Random(seed)
    path = os.path.join(b.folder, 'damaged')
    for n in range(rounds):
        with open(b.compile('echo', rng.choice(['static', 'dynamic'])) if n % 20 == 0 else good, 'rb') as f:
            good, data = f.name, bytearray(f.read())
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)):]
        for _ in range(rng.randrange(1, 8)):
            if data:
                at = rng.randrange(min(len(data), rng.choice([64, 600, 600, len(data)])))
                data[at] ^= 1 << rng.randrange(8)
        with open(path, 'wb') as f:
            f.write(data)
        os.chmod(path, 0o755)
        try:
            r = b.run('-L', PREFIX, path, timeout=10)
        except subprocess.TimeoutExpired:
            continue
        except UnicodeDecodeError:
            continue
        bad = 'moss: internal' in r.stderr or 'this must hold' in r.stderr or 'AddressSanitizer:' in r.stderr or 'runtime error:' in r.stderr
        crashed = r.returncode < 0 and 'uncaught target signal' not in r.stderr and -r.returncode in (
            signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
        if bad or crashed:
            keep = os.path.join(tempfile.gettempdir(), 'moss-damaged')
            shutil.copy(path, keep)
            must(False, f'seed {seed}, round {n}, kept as {keep}:', r)


TESTS = {
    'signals': program('signals', ['static', 'dynamic']),
    'threads': program('threads', ['static', 'dynamic']),
    'memory': program('memory', ['static', 'pie', 'dynamic']),
    'life': program('life', ['static', 'pie', 'dynamic'], '.'),
    'options': options,
    'errors': errors,
    'damaged': damaged,
}


def main():
    if sys.argv[1] == '--list':
        print('\n'.join(TESTS))
        return 0
    try:
        subprocess.run([CC, '--version'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print(f'skipped: no {CC}')
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        TESTS[sys.argv[2]](Bench(os.path.abspath(sys.argv[1]), folder))
    return 0


if __name__ == '__main__':
    sys.exit(main())

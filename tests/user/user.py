#!/usr/bin/env python3
"""User mode with real programs: compiled here by the cross compiler (skipped without it), linked static, static-pie and
dynamic. Each program of guest/ checks itself; the command line and damaged files are checked here.

    user.py BUILD ARCH NAME      runs one test
    user.py --list ARCH          their names"""
import ctypes
import os
import platform
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

import cache

HERE = os.path.dirname(os.path.abspath(__file__))
# How programs are compiled, where their libraries are, what finds those, a model of the CPU.
ARCHES = {
    'aarch64': (['aarch64-linux-gnu-gcc'], '/usr/aarch64-linux-gnu', 'ld-linux-aarch64.so.1', 'cortex-a57'),
    'i386': (['i686-linux-gnu-gcc', '-D_FILE_OFFSET_BITS=64'], '/usr/i686-linux-gnu', 'ld-linux.so.2', 'pentium3'),
    'x86_64': (['x86_64-linux-gnu-gcc'], '' if platform.machine() == 'x86_64' else '/usr/x86_64-linux-gnu',
               'ld-linux-x86-64.so.2', 'EPYC'),
}
SKIP = 77
CLONE_NEWUSER, CLONE_NEWNS, MS_REC_PRIVATE = 0x10000000, 0x00020000, 0x44000
CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC = 0x20000000, 0x40000000, 0x08000000
# Under sanitizers: faults are the program's, and what is left at the end is its kernel's to free.
# moss handles these signals, or the program has them at their default; who runs the tests may say more. What was freed is
# kept for a while only: programs watch how much memory they take.
SANITIZERS = {'ASAN_OPTIONS': ':'.join(filter(None, [
    os.environ.get('ASAN_OPTIONS'),
    'handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:allow_user_segv_handler=1:detect_leaks=0:'
    'quarantine_size_mb=8']))}
LINKS = {'static': ['-static'], 'pie': ['-static-pie'], 'dynamic': []}


class Bench:
    def __init__(self, build, arch, folder):
        self.build, self.arch, self.folder = build, arch, folder
        self.cc, self.prefix, self.linker, self.model = ARCHES[arch]
        self.moss = os.path.join(build, f'moss-{arch}')
        os.environ['MOSS_CODE_CACHE'] = os.path.join(folder, 'translations')  # not the developer's

    def compile(self, name, link):
        out = os.path.join(self.folder, f'{name}-{link}')
        subprocess.run([*self.cc, '-O1', '-w', '-pthread', *LINKS[link], '-o', out, os.path.join(HERE, 'guest', name + '.c'),
                        '-lm'], check=True)
        return out

    def other_kind(self):
        """A program of another machine than this one's: its own, with another number in the header."""
        path = os.path.join(self.folder, 'other')
        with open(self.compile('echo', 'static'), 'rb') as f:
            data = bytearray(f.read())
        data[18] ^= 1
        with open(path, 'wb') as f:
            f.write(data)
        os.chmod(path, 0o755)
        return path

    def run(self, *args, moss=None, env=None, timeout=120):
        return subprocess.run([moss or self.moss, *args], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, **SANITIZERS, **(env or {})}, cwd=self.folder, check=False)


def must(ok, what, r=None):
    if not ok:
        sys.exit(f'{what}\n' + (f'status {r.returncode}\n{r.stdout}\n{r.stderr}' if r else ''))


def readable(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def program(name, links, *args):
    def test(b):
        for link in links:
            exe = b.compile(name, link)
            r = b.run('-L', b.prefix, '-E', f'LD_LIBRARY_PATH={b.prefix}/lib', exe, *args)  # a host may have its own
            must(r.returncode == 0, f'{name}, {link}:', r)
            print(r.stdout, end='')
    return test


def guard(b):
    program('guard', ['static', 'dynamic'])(b)
    for link, status in (['-static'], 0), (['-static', '-Wl,-z,force-bti'], -signal.SIGILL):
        out = os.path.join(b.folder, 'guardelf')
        subprocess.run([*b.cc, '-nostdlib', '-w', *link, '-o', out, os.path.join(HERE, 'guest', 'guardelf.c')], check=True)
        r = b.run(out)
        must(r.returncode == status, f'a file linked with {link}: expected {status}', r)


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
    for extra in (['-s', '1M'], ['-R', '4G'], ['-R', '0x200000000'], ['-seed', '1'], ['-cpu', b.model], ['-p', '4096'],
                  ['-singlestep']):
        expect([f'[{exe}]'], *extra, exe)
    r = b.run('-strace', exe)
    must('write(1,' in r.stderr and 'exit_group(1)' in r.stderr, '-strace', r)
    r = b.run('-version', moss=os.path.join(b.build, f'qemu-{b.arch}'))
    must(r.returncode == 0 and 'version 7.2.0' in r.stdout, '-version', r)
    r = b.run('-cpu', 'help')
    must(r.returncode == 0 and b.model in r.stdout, '-cpu help', r)
    must('QEMU_LD_PREFIX' in b.run('-h').stdout, '-h')
    # As binfmt_misc calls with flag P: interpreter, path, the original argv[0], arguments.
    p = os.path.join(b.folder, f'{b.arch}-binfmt-P')
    os.symlink(os.path.join(b.build, 'moss'), p)
    expect(['[other]', '[-x]'], exe, 'other', '-x', moss=p)


def startup(b):
    """What a program that does nothing costs: pages that moss touches are most of it, and they can be counted."""
    moss = os.path.join(b.build, f'moss-{b.arch}-static')
    if os.path.basename(os.path.realpath(moss)) != 'moss-user':
        return
    exe = b.compile('echo', 'static')
    env = {k: v for k, v in os.environ.items() if k != 'MALLOC_PERTURB_'}  # it writes all that is allocated
    env['MOSS_CODE_CACHE'] = 'off'
    with subprocess.Popen([moss, exe], stdout=subprocess.DEVNULL, env=env) as p:
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = status
    most = {'aarch64': 450, 'i386': 700, 'x86_64': 700}[b.arch]  # x86's C library looks for the best of more functions
    must(use.ru_minflt < most, f'{use.ru_minflt} page faults to start a program')


def log(b):
    path = os.path.join(b.folder, 'log')
    r = b.run('-strace', '-D', path, b.compile('calls', 'static'))
    with open(path, encoding='utf-8') as f:
        must(r.returncode == 0 and 'close_range(3,' in f.read(), '-D', r)


def errors(b):
    exe = b.compile('echo', 'dynamic')
    text = os.path.join(b.folder, 'text')
    with open(text, 'w', encoding='utf-8') as f:
        f.write('no program')
    for args, words in ((['/nonexistent'], ['Could not open', '/nonexistent']), ([text], ['ELF']), ([b.folder], ['no file']),
                        ([b.other_kind()], ['Invalid ELF image']), ([], ['no program given']),
                        *([] if any(os.path.exists(os.path.join(d, b.linker)) for d in ('/lib', '/lib64')) else [  # else the host's own does
                            (['-L', '/nonexistent', exe], ['Could not open', b.linker])]),
                        (['-frob', exe], ['unknown option']), (['-cpu', 'z80', exe], ['z80']), (['-s', 'x', exe], ['size']),
                        (['-g', '1234', exe], ['debugger'])):
        r = b.run(*args)
        lines = r.stderr.strip().split('\n')
        must(r.returncode == 1 and len(lines) == 1 and all(w in lines[0] for w in words), f'{args}: {words}', r)


def in_namespace(inside):
    """Runs inside() in user and mount namespaces of its own, where it is root; gives its result. Skips where the kernel
    says no."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    span = (1 << 32) - 1 if uid == 0 else 1
    ready, go = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        status = SKIP
        try:
            if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0:
                os.write(ready[1], b'x')
                os.read(go[0], 1)
                os.setuid(0)
                status = inside(libc)
        except BaseException as e:  # pylint: disable=broad-except
            print(e)
            status = 1
        finally:
            sys.stdout.flush()
            os._exit(status)
    os.close(ready[1])
    if os.read(ready[0], 1):
        for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid if span == 1 else 0} {span}'),
                           ('gid_map', f'0 {gid if span == 1 else 0} {span}')):
            if span == 1 or name != 'setgroups':
                with open(f'/proc/{pid}/{name}', 'w', encoding='ascii') as f:
                    f.write(text)
    os.write(go[1], b'x')
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == SKIP:
        print('skipped: no namespaces here')
    sys.exit(status)


def lone_root(b):
    """A root with one program in it; its path, and that of the program inside."""
    root = os.path.join(b.folder, 'root')
    os.mkdir(root)
    shutil.copy(b.compile('alone', 'static'), os.path.join(root, 'alone'))
    os.chmod(b.folder, 0o755)
    return root


def alone(b):
    """The static binary in a root with nothing else in it: not even /proc."""
    static = os.path.join(b.build, 'moss-user')
    if not os.path.exists(static):
        print('skipped: no static binary in this build')
        sys.exit(SKIP)
    root = lone_root(b)
    shutil.copy(static, os.path.join(root, f'qemu-{b.arch}-static'))

    def inside(_):
        r = subprocess.run([f'/qemu-{b.arch}-static', '-0', 'first', '/alone', '/alone', '3'], capture_output=True, text=True,
                           check=False, preexec_fn=lambda: os.chroot(root))
        must(r.returncode == 3 and r.stdout == ''.join(f'{n} euid 0 secure 0\n' for n in (
            'first /alone 3', 'child2 /alone 2', 'child1 /alone 1', 'child0 /alone 0')), 'in a root of its own', r)
        return 0
    in_namespace(inside)


def binfmt(b):
    """The kernel runs a program by moss: with its own argv[0], in a root without moss, and with the rights of its owner."""
    moss = os.path.join(b.build, f'moss-{b.arch}-static')
    root = lone_root(b)
    lone = os.path.exists(os.path.join(b.build, 'moss-user'))  # else what runs there is linked with libraries it can't find

    def inside(libc):
        if libc.mount(b'none', b'/', None, MS_REC_PRIVATE, None) or \
                libc.mount(b'none', b'/proc/sys/fs/binfmt_misc', b'binfmt_misc', 0, None):
            return SKIP  # before Linux 6.7 there was one for all namespaces
        r = b.run('-binfmt', 'on', moss=moss)
        must(r.returncode == 0 and 'flags FPOC' in r.stdout and '-binfmt off' in r.stdout, '-binfmt on', r)
        for where in '/', root if lone else '/':
            exe = '/alone' if where == root else os.path.join(root, 'alone')
            r = subprocess.run(['first', exe, '2'], executable=exe, capture_output=True, text=True, check=False,
                               preexec_fn=lambda: os.chroot(where))  # pylint: disable=cell-var-from-loop
            must(r.returncode == 3 and r.stdout == f'first {exe} 2 euid 0 secure 0\nchild1 {exe} 1 euid 0 secure 0\n'
                 f'child0 {exe} 0 euid 0 secure 0\n', f'by the kernel, root {where}', r)
        if lone:
            with open(os.path.join(root, 'script'), 'w', encoding='ascii') as f:
                f.write('#!/alone\n# Longer than an ELF header is, so that it could be taken for a file of another kind.\n')
                os.fchmod(f.fileno(), 0o755)
            r = subprocess.run(['first', '1'], executable='/script', capture_output=True, text=True, check=False,
                               preexec_fn=lambda: os.chroot(root))
            must(r.returncode == 3 and r.stdout == '/alone /script 1 euid 0 secure 0\n/alone /script 0 euid 0 secure 0\n',
                 'a script', r)
        if os.stat('/').st_uid == 0 and os.getuid() == 0:
            exe = os.path.join(root, 'alone')
            try:
                os.chown(exe, 1234, 0)
            except OSError:
                return 0  # one user is all there is
            os.chmod(exe, 0o4755)
            log = os.path.join(b.folder, 'log')
            r = subprocess.run([exe, exe, '1'], capture_output=True, text=True, check=False,
                               env={**os.environ, 'QEMU_LOG_FILENAME': log})
            must(r.returncode == 3 and r.stdout == f'{exe} {exe} 1 euid 1234 secure 1\nchild0 {exe} 0 euid 1234 secure 1\n',
                 'set-user-ID', r)
            must(not os.path.exists(log), 'the caller chooses no file of the owner')
        r = b.run('-binfmt', 'off', moss=moss)
        must(r.returncode == 0 and not os.path.exists(f'/proc/sys/fs/binfmt_misc/moss-{b.arch}'), '-binfmt off', r)
        return 0
    in_namespace(inside)


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
            r = b.run('-L', b.prefix, path, timeout=10)
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


def sysfuzz(b):
    """System calls with arguments at random, as a user who may nothing and sees nobody: moss has nothing to say of it."""
    seed = int(os.environ.get('SEED', random.randrange(1 << 32)))
    rounds = int(os.environ.get('ROUNDS', '40'))
    print('seed', seed, 'rounds', rounds)
    exe = b.compile('sysfuzz', 'static')
    os.chmod(b.folder, 0o777)

    def drop():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        resource.setrlimit(resource.RLIMIT_NPROC, (300, 300))

    def inside(libc):
        if libc.unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC):
            return SKIP
        r = subprocess.run([b.moss, exe, str(seed), str(rounds)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=250, cwd=b.folder, check=False, preexec_fn=drop if
                           os.getuid() == 0 and readable('/proc/self/uid_map').split()[2] != '1' else None,
                           env={**os.environ, **SANITIZERS})
        said = r.stderr.decode(errors='replace')
        # A sanitizer that asks for its stack in a new namespace of processes, where its thread's number is nobody's, gives up.
        bad = [line for line in said.split('\n') if re.search(
            'moss: internal|must hold|AddressSanitizer(?!: CHECK failed: sanitizer_)|runtime error', line)]
        must(r.returncode == 0 and not bad, f'seed {seed}: {bad}\n{said[-3000:]}', None)
        return 0
    in_namespace(inside)


def kept(name):
    def test(b):
        return getattr(cache, name)(cache.Cache(b, must))
    return test


TESTS = {
    'signals': program('signals', ['static', 'dynamic']),
    'threads': program('threads', ['static', 'dynamic']),
    'clock': program('clock', ['static', 'dynamic']),
    'floats': program('floats', ['static', 'dynamic']),
    'loops': program('loops', ['static', 'dynamic']),
    'calls': program('calls', ['static']),
    'clone': program('clone', ['static', 'dynamic']),
    'others': program('others', ['static', 'dynamic']),
    'memory': program('memory', ['static', 'pie', 'dynamic']),
    'tagged': program('tagged', ['static', 'dynamic']),
    'guard': guard,
    'old386': program('old386', ['static', 'dynamic']),
    'code': program('x86_code', ['static', 'dynamic']),
    'life': program('life', ['static', 'pie', 'dynamic'], '.'),
    'options': options,
    'startup': startup,
    'log': log,
    'errors': errors,
    'alone': alone,
    'binfmt': binfmt,
    'damaged': damaged,
    'sysfuzz': sysfuzz,
    **{f'cache-{name}': kept(name) for name in ('kept', 'changed', 'damage', 'trust', 'nowhere', 'many')},
}


ONLY = {'tagged': 'aarch64', 'guard': 'aarch64', 'old386': 'i386', 'code': 'i386 x86_64'}


def main():
    if sys.argv[1] == '--list':
        print('\n'.join(n for n in TESTS if sys.argv[2] in ONLY.get(n, sys.argv[2]).split()))
        return 0
    build, arch, name = sys.argv[1:]
    cc = ARCHES[arch][0]
    try:
        subprocess.run([*cc, '--version'], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print(f'skipped: no {cc[0]}')
        return SKIP
    if name == 'binfmt' and arch == platform.machine():
        print('skipped: this host runs such programs by itself')
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        TESTS[name](Bench(os.path.abspath(build), arch, folder))
    return 0


if __name__ == '__main__':
    sys.exit(main())

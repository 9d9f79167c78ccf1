#!/usr/bin/env python3
"""Real test suites under user mode: the suites of Python, Perl and stress-ng, run by Debian's programs for an ISA under moss
and by this host itself, test by test; what is printed is where the two differ. To be run as root, some hours.

    suites.py roots                         unpack both systems into .cache/suites (2 GB each)
    suites.py run SUITE [ITEM...]           run items (all: none named) on both sides; known results are kept
    suites.py report SUITE [--all]          the differences, or every item's two results
    suites.py report                        a table: a line a suite
    suites.py shell guest|host [COMMAND]    a look around

SUITE is python (items: modules of `test`), perl (files under t/ and lib/), stress (stressors) or sqlite (its one item is
veryquick, 20 minutes). For perl, unpack its source (perl_5.36.0.orig.tar.xz) as .cache/suites/perl. For sqlite, the same as
.cache/suites/sqlite, and what `make testfixture` makes of it for the two as testfixture-arm64 and testfixture-amd64 in it.
Options: --isa aarch64|i386|x86_64; of run: --side guest|host, --timeout SECONDS an item, --again (run known ones too), --build
DIR. The host's side of aarch64 is amd64; x86's programs are the same on both sides, run by moss and by the kernel.

Each item runs in namespaces of its own: nothing of it is left when it ends or its time is up, its /tmp is fresh, its
network is a loopback. Perl's share a folder, so one run of them at a time. Results are in
.cache/suites/results/SUITE/{moss-ISA,ARCH}/ITEM.json, the output beside them; what moss says it lacks (`unimp`) is counted there and told by report."""
import argparse
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(TREE, '.cache', 'suites')
ISAS = {'aarch64': ('arm64', 'amd64'), 'i386': ('i386', 'i386'), 'x86_64': ('amd64', 'amd64')}
ISA = 'aarch64'  # --isa's
ARCH = dict(zip(('guest', 'host'), ISAS[ISA]))
PACKAGES = ('bash coreutils dash findutils grep sed procps util-linux mount hostname tzdata netbase base-passwd libc-bin '
            'python3 libpython3.11-testsuite perl perl-modules-5.36 stress-ng tcl8.6').split()

# In the namespaces, outside of the system's root: $1 is the root, $2 the user, the rest the command.
INSIDE = r'''
root=$1 user=$2; shift 2
ip link set lo up 2>/dev/null
mount --rbind /dev "$root/dev" && mount --rbind /sys "$root/sys" && mount -t proc proc "$root/proc" &&
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" || exit 125
chroot --userspec="$user" "$root" "$@"
exit $?
'''


def choose(isa):
    global ISA
    ISA = isa
    ARCH.update(zip(('guest', 'host'), ISAS[isa]))


def root_of(side):
    return os.path.join(CACHE, ARCH[side])


def place(side):
    """Where results of a side are kept, below the suite's name."""
    return 'moss-' + ISA if side == 'guest' else ARCH[side]


def put_moss(build):
    path = f'{root_of("guest")}/opt/moss-{ISA}'
    os.makedirs(os.path.dirname(path), exist_ok=True)
    new = f'{path}.{os.getpid()}'
    shutil.copy(os.path.join(build, f'moss-{ISA}-static'), new)
    os.rename(new, path)  # processes of another run may have the old one


def command(side, argv, user='0:0'):
    # A program for i386 finds the machine to be what moss tells its programs.
    moss = [f'/opt/moss-{ISA}'] if side == 'guest' else ['/usr/bin/setarch', 'i686'] if ISA == 'i386' else []
    return ['unshare', '--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child', 'sh', '-c', INSIDE, 'sh', root_of(side),
            user, *moss, *argv]


# What moss logs of itself while it runs an item, a file a process. Numbers of processes are the namespaces' own, and a
# program that became somebody else may not write another run's file of that name.
UNIMP = f'/var/suites/unimp-{os.getpid()}-'
# Perl's tests end themselves after a time that is meant for the host's speed.
ENV = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/root', 'LANG': 'C.UTF-8', 'TERM': 'dumb', 'PERL_CORE': '1',
       'PERL_TEST_TIME_OUT_FACTOR': '10', 'QEMU_LOG': 'unimp'}


def collect_unimp(suite, side):
    counts = {}
    for path in glob.glob(f'{root_of(side)}{UNIMP}{suite.name}-{side}-*'):
        with open(path, encoding='utf-8', errors='replace') as f:
            for line in f:
                if line.startswith('not implemented: '):
                    counts[line[17:].strip()] = counts.get(line[17:].strip(), 0) + 1
        os.remove(path)
    return counts


def heed_sigint():
    """A shell's job in the background ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_item(suite, side, item, timeout):
    """{'result': how the item ended, 'tests': {name: result}, 'seconds': s}"""
    folder = os.path.join(CACHE, 'results', suite.name, place(side))
    os.makedirs(folder, exist_ok=True)
    stem = os.path.join(folder, item.replace('/', '-'))
    start = time.monotonic()
    suite.side = side
    suite.prepare(side)
    with open(stem + '.log', 'wb') as log:
        p = subprocess.Popen(command(side, suite.argv(item), suite.user), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             preexec_fn=heed_sigint, env={**ENV, 'QEMU_LOG_FILENAME': f'{UNIMP}{suite.name}-{side}-%d'})
        try:
            status = p.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
            p.kill()
            p.wait()
    with open(stem + '.log', encoding='utf-8', errors='replace') as log:
        result = {'result': 'no end' if status is None else suite.ends.get(status, f'status {status}'),
                  'tests': suite.parse(log.read(), root_of(side), item), 'unimp': collect_unimp(suite, side),
                  'seconds': round(time.monotonic() - start, 1)}
    with open(stem + '.json', 'w', encoding='utf-8') as f:
        json.dump(result, f, indent=0)
    return result


def known(suite, side):
    folder = os.path.join(CACHE, 'results', suite.name, place(side))
    out = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.endswith('.json'):
            with open(os.path.join(folder, name), encoding='utf-8') as f:
                out[name[:-5]] = json.load(f)
    return out


class Suite:
    user = '0:0'
    side = None  # that of the item at hand

    def prepare(self, side):
        """Makes the side's root ready for items."""


class Python(Suite):
    """python3 -m test, a module an item, no resources (-u none)."""
    name = 'python'
    ends = {0: 'passed', 2: 'failed', 3: 'changed its environment', 4: 'skipped'}
    python = ['/usr/bin/python3', '-m', 'test', '-u', 'none']

    def items(self):
        return subprocess.run(command('host', [*self.python, '--list-tests']), capture_output=True, text=True, check=True,
                              env=ENV).stdout.split()

    def argv(self, item):
        # A machine's own /dev/vsock is answered by what runs the machine.
        return [*self.python, '-v', '-i', '*.ThreadedVSOCKSocketStreamTest.*', '--junit-xml', self.junit(item), item]

    def junit(self, item):
        return f'/var/suites/{self.side}-{item}.xml'

    def parse(self, log, root, item):
        path, tests = root + self.junit(item), {}
        if not os.path.exists(path):  # it did not come to its end
            kinds = {'ok': 'passed', 'FAIL': 'failure', 'ERROR': 'error', 'skipped': 'skipped'}
            ends = re.finditer(r'^\w+ \(([\w.]+)\)(?:\n.*)? \.\.\. (ok|FAIL|ERROR|skipped)', log, re.M)
            return {m[1]: kinds[m[2]] for m in ends}
        for case in xml.parse(path).iter('testcase'):
            kinds = [c.tag for c in case if c.tag in ('failure', 'error', 'skipped')]
            tests[case.get('name')] = kinds[0] if kinds else 'passed'
        os.remove(path)
        return tests


class Perl(Suite):
    """Files of perl's source tree, which is unpacked as /var/perl with the installed library laid over its own lib."""
    name = 'perl'
    ends = {0: 'passed'}

    def prepare(self, side):
        root = root_of(side)
        if os.path.exists(root + '/var/perl'):
            return
        shutil.copytree(os.path.join(CACHE, 'perl'), root + '/var/perl', symlinks=True)
        for pattern in ('share/perl/5.36', 'lib/*/perl/5.36', 'lib/*/perl-base'):
            for lib in glob.glob(f'{root}/usr/{pattern}'):
                subprocess.run(['cp', '-rnL', lib + '/.', root + '/var/perl/lib/'], check=False)
        for name in ('perl', 't/perl'):
            os.symlink('/usr/bin/perl', f'{root}/var/perl/{name}')

    def items(self):
        self.prepare('host')
        top = root_of('host') + '/var/perl/'
        found = []
        for d in ('base', 'cmd', 'comp', 'io', 're', 'op', 'uni', 'mro', 'class', 'bigmem'):
            for folder, _, files in os.walk(top + 't/' + d):
                found += [os.path.join(folder, f)[len(top):] for f in sorted(files) if f.endswith('.t')]
        for folder, _, files in os.walk(top + 'lib'):
            found += [os.path.join(folder, f)[len(top):] for f in sorted(files) if f.endswith('.t')]
        return found

    def argv(self, item):
        return ['/bin/sh', '-c', 'cd /var/perl/t && exec ./perl "$0"', item[2:] if item.startswith('t/') else '../' + item]

    def parse(self, log, _root, _item):
        tests = {}
        for m in re.finditer(r'^(not )?ok (\d+)([^\n]*)', log, re.M):
            note = re.search(r'# *(skip|todo)', m[3], re.I)
            tests[m[2]] = note[1].lower() if note else 'failure' if m[1] else 'passed'
        return tests


class Stress(Suite):
    """stress-ng --verify, a stressor an item, two workers."""
    name = 'stress'
    ends = {0: 'passed', 2: 'failed', 3: 'no resources', 4: 'not implemented'}
    seconds = 3
    # Those that switch off, fill or reconfigure the machine they run on.
    leave_out = set('binderfs cpu-online cyclic ioport memhotplug oom-pipe reboot smi softlockup watchdog'.split())
    classes = ('cpu', 'vm', 'interrupt', 'scheduler', 'os')

    def items(self):
        found = []
        for c in self.classes:
            r = subprocess.run(command('host', ['/usr/bin/stress-ng', '--class', c + '?']), capture_output=True, text=True,
                               check=False, env=ENV)
            found += (r.stdout + r.stderr).split(':', 1)[-1].split()
        return sorted(set(found) - self.leave_out)

    def argv(self, item):
        return ['/usr/bin/stress-ng', '--' + item, '2', '-t', str(self.seconds), '--verify', '--metrics-brief', '--temp-path',
                '/tmp']

    def parse(self, log, _root, _item):
        return {m[1]: 'failure' for m in re.finditer(r'(?:fail|error):\s+\[\d+\] (.*)', log)}


class Sqlite(Suite):
    """SQLite's veryquick tests, by nobody: they do not work as root. A test is a file; one that fails is told by its name."""
    name = 'sqlite'
    ends = {0: 'passed', 1: 'failed'}
    user = '65534:65534'

    def prepare(self, side):
        root = root_of(side)
        if not os.path.exists(root + '/var/sqlite'):
            shutil.copytree(os.path.join(CACHE, 'sqlite', 'test'), root + '/var/sqlite/test')
            shutil.copytree(os.path.join(CACHE, 'sqlite', 'ext'), root + '/var/sqlite/ext')
            shutil.copy(os.path.join(CACHE, 'sqlite', 'testfixture-' + ARCH[side]), root + '/var/sqlite/testfixture')

    def items(self):
        return ['veryquick']

    def argv(self, item):
        return ['/bin/sh', '-c', 'cd /tmp && exec /var/sqlite/testfixture /var/sqlite/test/"$0".test --verbose=0', item]

    def parse(self, log, _root, _item):
        tests = {m[1]: 'passed' for m in re.finditer(r'^Time: (\S+)\.test ', log, re.M)}
        return {**tests, **{m[1]: 'failure' for m in re.finditer(r'^! (\S+) expected:', log, re.M)}}


SUITES = {s.name: s for s in (Python(), Perl(), Stress(), Sqlite())}


def report(suite, every):
    guest, host = known(suite, 'guest'), known(suite, 'host')
    differ = same = tests = 0
    unimp = {}
    for item in sorted(set(guest) & set(host)):
        g, h = guest[item], host[item]
        names = [n for n in {**h['tests'], **g['tests']} if g['tests'].get(n) != h['tests'].get(n)]
        tests += len(g['tests'])
        for what in g.get('unimp', {}):
            unimp.setdefault(what, []).append(item)
        if g['result'] == h['result'] and not names:
            same += 1
            if every:
                print(f'{item}: {g["result"]}, {len(g["tests"])} tests')
            continue
        differ += 1
        print(f'{item}: guest {g["result"]} ({len(g["tests"])}), host {h["result"]} ({len(h["tests"])})')
        for n in names[:40]:
            print(f'    {n}: guest {g["tests"].get(n, "-")}, host {h["tests"].get(n, "-")}')
    for what, where in sorted(unimp.items()):
        print(f'not implemented, {what}: met in {", ".join(where[:8])}')
    print(f'{suite.name}: {same} items the same, {differ} differ, {len(set(guest) ^ set(host))} run on one side '
          f'only; {tests} tests under moss')
    return differ != 0


def table():
    """A line a suite, of what is known on both sides; `slower` is the guest's time over the host's, other work included."""
    print(f'{"suite":8}{"items":>7}{"the same":>10}{"tests":>9}{"passed":>9}{"slower":>8}  differ')
    for suite in SUITES.values():
        guest, host = known(suite, 'guest'), known(suite, 'host')
        both = sorted(set(guest) & set(host))
        differ = [i for i in both if (guest[i]['result'], guest[i]['tests']) != (host[i]['result'], host[i]['tests'])]
        tests = [t for i in both for t in guest[i]['tests'].values()]
        times = [sum(side[i]['seconds'] for i in both) for side in (guest, host)]
        slower = f'{times[0] / times[1]:.1f}' if times[1] else '-'
        print(f'{suite.name:8}{len(both):7}{len(both) - len(differ):10}{len(tests):9}{tests.count("passed"):9}{slower:>8}  '
              f'{" ".join(differ)}')


def run(suite, args):
    for side in [args.side] if args.side else ['guest', 'host']:
        if side == 'guest':
            put_moss(args.build)
        done = {} if args.again else known(suite, side)
        for item in args.words or suite.items():
            if item.replace('/', '-') not in done:
                r = run_item(suite, side, item, args.timeout)
                print(f'{side} {item}: {r["result"]}, {len(r["tests"])} tests, {r["seconds"]} s', flush=True)


def unpack():
    os.makedirs(CACHE, exist_ok=True)
    for root, arch in {root_of(side): ARCH[side] for side in ARCH}.items():
        if os.path.exists(root + '/var/suites'):
            continue
        subprocess.run(['mmdebstrap', '--arch=' + arch, '--variant=extract', '--skip=check/qemu',
                        '--include=' + ','.join(PACKAGES), 'bookworm', root, 'http://deb.debian.org/debian'], check=True)
        os.mkdir(root + '/var/suites')
        os.chmod(root + '/var/suites', 0o1777)  # moss logs there, as whoever the program makes itself
        for name in ('passwd', 'group'):
            shutil.copy(f'{root}/usr/share/base-passwd/{name}.master', f'{root}/etc/{name}')
        for name, text in (('hosts', '127.0.0.1 localhost\n::1 localhost\n'), ('hostname', 'debian\n'),
                           ('nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')):
            with open(f'{root}/etc/{name}', 'w', encoding='utf-8') as f:
                f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('verb', choices=['roots', 'run', 'report', 'shell'])
    p.add_argument('suite', nargs='?')
    p.add_argument('words', nargs=argparse.REMAINDER if 'shell' in sys.argv[1:2] else '*')
    p.add_argument('--side', choices=list(ARCH))
    p.add_argument('--isa', choices=list(ISAS), default='aarch64')
    p.add_argument('--timeout', type=float, default=600)
    p.add_argument('--again', action='store_true')
    p.add_argument('--all', action='store_true')
    p.add_argument('--build', default=os.path.join(TREE, 'build'))
    args = p.parse_args() if sys.argv[1:2] == ['shell'] else p.parse_intermixed_args()
    choose(args.isa)
    if args.verb == 'roots':
        return unpack()
    if args.verb == 'shell':
        if args.suite == 'guest':
            put_moss(args.build)
        return subprocess.run(command(args.suite, ['/bin/bash', *(['-c', ' '.join(args.words)] if args.words else [])]),
                              env=ENV, check=False).returncode
    if args.verb == 'report' and not args.suite:
        return table()
    if args.suite not in SUITES:
        p.error(f'which suite? {", ".join(SUITES)}')
    suite = SUITES[args.suite]
    return run(suite, args) if args.verb == 'run' else report(suite, args.all)


if __name__ == '__main__':
    sys.exit(main())

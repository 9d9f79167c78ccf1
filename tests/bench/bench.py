#!/usr/bin/env python3
"""moss against the QEMUs of this machine: one table, every row a ratio measured in the same run.

  bench.py --moss PATH [--qemu PATH]... [--rows REGEX] [--rounds N] [--quick] [--cpu MODEL] [--json | --markdown]

Peers: those given (or named in $QEMU, separated by colons); else of all qemu-system-aarch64 in PATH, /usr, /usr/local and
/opt the newest, and the distribution's. Rounds go moss, peer, moss, peer..., a cell is the median of its rounds, with the
least and the greatest beside it. A ratio is moss divided by the peer: below 1, moss needs less.

Boots count CPU seconds of the emulator's process. Kernels (guest.c) count the guest's own clock, the best of many
repetitions; --cpu-time counts CPU time of the process for each repetition instead. docs/testing.md says how to read it."""
import argparse
import glob
import json
import os
import re
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GUEST = os.path.join(ROOT, '.cache', 'guest')
DISK = os.path.join(ROOT, '.cache', 'debian')

# key, title, unit, digits behind the point. The keys from `integer` on are kernels of guest.c.
ROWS = [
    ('shell', 'boot to a shell', 'CPU s', 2),
    ('login', 'boot to a login', 'CPU s', 2),
    ('integer', 'integer mix, as CoreMark', 'us', 0),
    ('recursion', 'recursion', 'us', 0),
    ('sort', 'shell sort', 'us', 0),
    ('interpreter', 'computed-goto interpreter', 'us', 0),
    ('indirect', 'indirect calls', 'us', 0),
    ('nbody', 'n-body (double)', 'us', 0),
    ('linpack', 'linpack (double)', 'us', 0),
    ('saxpy', 'saxpy (NEON)', 'us', 0),
    ('sgemm', 'sgemm (NEON)', 'us', 0),
    ('strings', 'string functions', 'us', 0),
    ('memcpy', 'memcpy', 'us', 0),
    ('chase', 'pointer chase', 'us', 0),
    ('syscall', 'system calls', 'us', 0),
    ('signal', 'signals', 'us', 0),
    ('mmap', 'mmap and touch', 'us', 0),
    ('fork', 'fork and exit', 'us', 0),
    ('switch', 'context switches', 'us', 0),
    ('idle', 'idle guest', '% of a core', 2),
    ('memory', 'memory at the prompt (1 GiB guest)', 'MiB', 0),
]
KERNELS = [r[0] for r in ROWS[2:-2]]


class Run:
    """One emulator process whose console we read and write."""

    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.text, self.at = '', 0

    def until(self, pattern, seconds=600):
        """Reads until the pattern comes, from where the last one ended."""
        end = time.monotonic() + seconds
        while True:
            m = re.compile(pattern).search(self.text, self.at)
            if m:
                self.at = m.end()
                return m
            if not select.select([self.p.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.end()
                raise RuntimeError(f'no "{pattern}" after {seconds} s; the last was {self.text[-300:]!r}')
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                self.end()
                raise RuntimeError(f'ended before "{pattern}": {self.text[-300:]!r}')
            self.text += data.decode('utf-8', 'replace')

    def send(self, line):
        for byte in (line + '\n').encode():  # a serial port has a small buffer
            os.write(self.p.stdin.fileno(), bytes([byte]))

    def cpu_seconds(self):
        """Of all its threads, those that ended included."""
        with open(f'/proc/{self.p.pid}/stat', encoding='ascii') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def rss_mib(self):
        with open(f'/proc/{self.p.pid}/status', encoding='ascii') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)) / 1024

    def end(self, seconds=0):
        """Waits for it to end by itself for so long, then ends it."""
        try:
            self.p.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()


class Emulator:
    def __init__(self, label, path):
        self.label, self.path = label, path

    def command(self, cpu, extra):
        model = cpu + (',pauth-impdef=on' if cpu == 'max' else '')
        return [self.path, '-M', 'virt', '-cpu', model, '-nographic', '-no-reboot', '-nic', 'none'] + extra


# -- what is measured: each gives {row: value}, kernels {row: (best, CPU time)} -------------------------------------------


def boot_shell(emu, a):
    r = Run(emu.command(a.cpu, ['-m', '1G', '-kernel', f'{GUEST}/linux', '-initrd', f'{GUEST}/initrd.gz', '-append',
                                'console=ttyAMA0 rdinit=/bin/sh']))
    r.until(r'# ')
    out = {'shell': r.cpu_seconds()}
    time.sleep(2)
    before = r.cpu_seconds()
    time.sleep(a.idle)
    out['idle'] = (r.cpu_seconds() - before) * 100 / a.idle
    out['memory'] = r.rss_mib()
    r.send('poweroff -f')
    r.end(60)
    return out


def boot_login(emu, a):
    r = Run(emu.command(a.cpu, ['-m', '1G', '-snapshot', '-drive', f'file={a.disk}/debian.img,format=raw,if=none,id=d',
                                '-device', 'virtio-blk-device,drive=d', '-kernel', f'{a.disk}/linux', '-initrd',
                                f'{a.disk}/initrd.gz', '-append', 'console=ttyAMA0 root=/dev/vda rw']))
    r.until(r'login: ', 900)
    out = {'login': r.cpu_seconds()}
    r.end()
    return out


def kernels(emu, a):
    r = Run(emu.command(a.cpu, ['-m', '512', '-kernel', f'{GUEST}/linux', '-initrd', a.initrd, '-append',
                                f'console=ttyAMA0 quiet kpti=on rdinit=/init -- ms={a.ms} ' + ' '.join(a.kernels)]))
    out = {}
    for name in a.kernels:
        r.until(rf'bench go {name}\s', 120)
        before = r.cpu_seconds()
        m = r.until(rf'bench {name} (\d+) (\d+)\s', 120)
        out[name] = (int(m.group(1)) / 1000, (r.cpu_seconds() - before) * 1e6 / int(m.group(2)))
    r.end(60)
    return out


def translation_speed(emu, a):
    r = Run(emu.command(a.cpu, ['-m', '1G', '-accel', 'tcg,stats=on', '-kernel', f'{GUEST}/linux', '-initrd',
                                f'{GUEST}/initrd.gz', '-append', 'console=ttyAMA0 rdinit=/bin/sh']))
    r.until(r'# ')
    r.send('poweroff -f')
    m = r.until(r'translated per second\s+(\d+)')
    r.end(60)
    return int(m.group(1))


# -- guests -----------------------------------------------------------------------------------------------------------


def make_initrd(folder):
    """The measuring guest; a sentence instead when it can't be made."""
    cc = shutil.which('aarch64-linux-gnu-gcc')
    if not cc:
        return None, 'kernels: aarch64-linux-gnu-gcc is missing (gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)'
    subprocess.run([cc, '-O2', '-static', '-o', f'{folder}/init', f'{HERE}/guest.c', '-lm'], check=True)
    subprocess.run('echo init | cpio -o -H newc --quiet > initrd', shell=True, check=True, cwd=folder)
    return f'{folder}/initrd', None


def find_disk(a):
    """The folder of the Debian disk, made once; a sentence instead when there is none."""
    maker = os.path.join(ROOT, 'tools', 'mkdebian.sh')
    if a.disk or os.path.exists(f'{DISK}/debian.img'):
        return a.disk or DISK, None
    if not os.path.exists(maker) or not shutil.which('mmdebstrap') or os.geteuid() != 0:
        return None, 'boot to a login: no .cache/debian/debian.img; tools/mkdebian.sh makes it (root, mmdebstrap)'
    print('bench: making the Debian disk with tools/mkdebian.sh, once', file=sys.stderr)
    p = subprocess.run([maker, DISK], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if p.returncode:
        return None, f'boot to a login: tools/mkdebian.sh failed: {p.stdout.strip()[-200:]}'
    return DISK, None


# -- emulators ----------------------------------------------------------------------------------------------------------


def version(path):
    """As a tuple and as text; None when it is no QEMU."""
    text = subprocess.run([path, '-version'], capture_output=True, text=True, check=False).stdout
    m = re.search(r'QEMU emulator version ((\d+)\.(\d+)\.(\d+))', text)
    return m and 'moss' not in text and (tuple(int(x) for x in m.groups()[1:]), m.group(1))


def find_peers(given):
    named = given or [p for p in os.environ.get('QEMU', '').split(':') if p]
    if named:
        return [(p, version(p)) for p in named if version(p)]
    folders = os.environ.get('PATH', '').split(':') + ['/usr/bin', '/usr/local/bin']
    folders += sorted(glob.glob('/usr/local/*/bin') + glob.glob('/opt/*/bin') + glob.glob('/opt/bin'))
    seen, found = set(), []
    for path in (os.path.join(d, 'qemu-system-aarch64') for d in folders):
        real = os.path.realpath(path)
        if os.access(path, os.X_OK) and real not in seen and version(path):
            seen.add(real)
            found.append((path, version(path)))
    own = [f for f in found if os.path.realpath(f[0]).startswith('/usr/bin/')]
    newest = sorted(found, key=lambda f: f[1][0])[-1:]
    return [f for f in own if f not in newest] + newest


# -- the run ------------------------------------------------------------------------------------------------------------


def measure(emus, groups, a):
    """{label: {row: [value of each round]}}, sentences on what failed."""
    values, failed = {e.label: {} for e in emus}, []
    for n in range(a.rounds):
        for group in groups:
            for e in emus:
                print(f'bench: round {n + 1} of {a.rounds}: {group.__name__}, {e.label}', file=sys.stderr)
                try:
                    got = group(e, a)
                except RuntimeError as why:
                    failed.append(f'{group.__name__} on {e.label}: {why}')
                    continue
                for row, v in got.items():
                    values[e.label].setdefault(row, []).append(round(v[a.cpu_time] if isinstance(v, tuple) else v, 3))
    return values, failed


def ratio(values, row, emu, peer):
    mine, theirs = values[emu.label].get(row), values[peer.label].get(row)
    if not mine or not theirs or not statistics.median(theirs):
        return None
    return statistics.median(mine) / statistics.median(theirs)


def cell(values, digits):
    if not values:
        return '-'
    spread = f' ({min(values):.{digits}f}-{max(values):.{digits}f})' if len(values) > 1 else ''
    return f'{statistics.median(values):.{digits}f}{spread}'


def table(emus, values):
    """Rows of texts, the head first."""
    out = [['row', 'unit'] + [e.label for e in emus] + [f'/ {p.label}' for p in emus[1:]]]
    for key, title, unit, digits in ROWS:
        if any(key in values[e.label] for e in emus):
            ratios = [ratio(values, key, emus[0], p) for p in emus[1:]]
            out.append([title, unit] + [cell(values[e.label].get(key), digits) for e in emus] +
                       ['-' if r is None else f'{r:.2f}' for r in ratios])
    return out


def print_plain(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print('  '.join(t.ljust(w) if i < 2 else t.rjust(w) for i, (t, w) in enumerate(zip(r, widths))).rstrip())


def print_markdown(emus, values):
    peers = emus[1:]
    print('| row | ' + ' | '.join([e.label for e in emus] + [f'/ {p.label}' for p in peers]) + ' |')
    print('|---|' + '---:|' * (len(emus) + len(peers)))
    for key, title, unit, digits in ROWS:
        got = [values[e.label].get(key) for e in emus]
        if got[0]:
            cells = ['-' if not v else f'{statistics.median(v):.{digits}f}' for v in got]
            ratios = [ratio(values, key, emus[0], p) for p in peers]
            print(f'| {title}, {unit} | ' + ' | '.join(cells + ['-' if r is None else f'{r:.2f}' for r in ratios]) + ' |')


def host():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        m = re.search(r'model name\s*:\s*(.*)', f.read())
    return f'{os.cpu_count()} x {m.group(1) if m else "?"}, load {os.getloadavg()[0]:.1f} at the start'


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--moss', required=True)
    ap.add_argument('--qemu', action='append', default=[], help='a peer; again for more')
    ap.add_argument('--cpu', default='max')
    ap.add_argument('--rows', default='', metavar='REGEX', help='rows whose key or title matches: ' +
                    ' '.join(r[0] for r in ROWS) + ' translation')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--quick', action='store_true', help='one round, short kernels, no boot to a login')
    ap.add_argument('--cpu-time', action='store_true', help='kernels: CPU time of the process for a repetition')
    ap.add_argument('--disk', metavar='DIR', help='with debian.img, linux, initrd.gz; else .cache/debian')
    ap.add_argument('--json', action='store_true', help='every value of every round')
    ap.add_argument('--markdown', action='store_true', help="the README's table")
    a = ap.parse_args()
    a.rounds, a.ms, a.idle = (1, 300, 3) if a.quick else (a.rounds, 800, 10)
    return a


def choose_groups(a, folder):
    """Which groups the wanted rows need, and sentences on what can't be had."""
    want, notes, groups = re.compile(a.rows), [], []
    wanted = {key for key, title, _, _ in ROWS if want.search(key) or want.search(title)}
    have_guest = os.path.exists(f'{GUEST}/linux')
    if not have_guest:
        notes.append('everything: no .cache/guest/linux (package debian-installer-12-netboot-arm64)')
        return groups, notes, wanted
    if wanted & {'shell', 'idle', 'memory'}:
        groups.append(boot_shell)
    if 'login' in wanted and not a.quick:
        a.disk, why = find_disk(a)
        groups += [boot_login] if a.disk else []
        notes += [why] if why else []
    a.kernels = [k for k in KERNELS if k in wanted]
    if a.kernels:
        a.initrd, why = make_initrd(folder)
        groups += [kernels] if a.initrd else []
        notes += [why] if why else []
    return groups, notes, wanted


def main():
    a = arguments()
    peers = find_peers(a.qemu)
    emus = [Emulator('moss', os.path.abspath(a.moss))] + [Emulator('QEMU ' + v[1], p) for p, v in peers]
    about = host()
    with tempfile.TemporaryDirectory(prefix='moss-bench-') as folder:
        groups, notes, wanted = choose_groups(a, folder)
        values, failed = measure(emus, groups, a)
    speed = translation_speed(emus[0], a) if groups and re.search(a.rows, 'translation') else None
    for e in emus:
        values[e.label] = {k: v for k, v in values[e.label].items() if k in wanted}
    notes += failed + ([] if peers else ['ratios: no qemu-system-aarch64 found (PATH, /usr, /usr/local, /opt, $QEMU)'])
    if a.json:
        print(json.dumps({'host': about, 'cpu': a.cpu, 'emulators': {e.label: e.path for e in emus}, 'values': values,
                          'ratios': {p.label: {k: ratio(values, k, emus[0], p) for k in values['moss']} for p in emus[1:]},
                          'translated_per_second': speed, 'left_out': notes}, indent=1))
        return
    if a.markdown:
        print_markdown(emus, values)
    else:
        print(f'{about}; -cpu {a.cpu}, 1 vcpu, median (least-greatest) of {a.rounds}; ratios below 1: moss needs less')
        print_plain(table(emus, values))
    if speed:
        print(f'\nmoss translates {speed} guest instructions a second of the translator\'s time')
    for note in notes:
        print('left out:', note)


if __name__ == '__main__':
    main()

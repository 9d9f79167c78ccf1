#!/usr/bin/env python3
"""moss against the QEMUs of this machine: one table, every row a ratio measured in the same run.

  bench.py [BOARD] --moss PATH [--qemu PATH]... [--rows REGEX] [--rounds N] [--quick] [--cpu MODEL] [--json | --markdown]

BOARD: virt, pc or q35. Peers: those given (or named in $QEMU, separated by colons); else of all qemu-system-ARCH in PATH,
/usr, /usr/local and /opt the newest, and the distribution's; on pc Bochs too, where it is, for one row. Rounds go moss, peer, moss, peer..., a cell is the median of its rounds, with the
least and the greatest beside it. A ratio is moss divided by the peer: below 1, moss needs less.

Boots count CPU seconds of the emulator's process. Kernels (guest.c, guest_io.c) count the guest's own clock, the best of
many repetitions; --cpu-time counts CPU time of the process for each repetition instead. docs/testing.md says how to read it."""
import argparse
import glob
import json
import os
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time

import bochs
from boards import BAR, BOARDS, ROWS, UNITS, Server, build_guest, make_disks, make_initrd

class Run:
    """One emulator process whose console we read and write."""

    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.console = self.p.stdout.fileno()
        self.text, self.at = '', 0

    def until(self, pattern, seconds=600):
        """Reads until the pattern comes, from where the last one ended."""
        end = time.monotonic() + seconds
        while True:
            m = re.compile(pattern).search(self.text, self.at)
            if m:
                self.at = m.end()
                return m
            if not select.select([self.console], [], [], max(0, end - time.monotonic()))[0]:
                self.end()
                raise RuntimeError(f'no "{pattern}" after {seconds} s; the last was {self.text[-300:]!r}')
            data = os.read(self.console, 65536)
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

    def command(self, a, extra):
        model = a.cpu + (',pauth-impdef=on' if a.cpu == 'max' and a.board.arch == 'aarch64' else '')
        return [self.path, '-M', a.machine, '-cpu', model, '-nographic', '-no-reboot', '-nic', 'none'] + extra

    def does(self, group):
        return True

    def boot_disk(self, a):
        return Run(self.command(a, ['-m', '1G', '-snapshot'] + a.board.login(a.disk)))


class BochsRun(Run):
    def __init__(self, disk, folder):
        self.p, self.console = bochs.start(disk, folder)
        self.text, self.at = '', 0


class Bochs(Emulator):
    def does(self, group):
        return group is boot_linux

    def boot_disk(self, a):
        return BochsRun(f'{os.path.abspath(a.disk)}/debian.img', f'{a.folder}/bochs')


# -- what is measured: each gives {row: value}, kernels {row: (best, CPU time)} -------------------------------------------


def shell_options(a):
    return ['-m', '1G', '-kernel', f'{a.guest}/linux', '-initrd', f'{a.guest}/initrd.gz', '-append',
            f'console={a.board.console} rdinit=/bin/sh']


def boot_shell(emu, a):
    r = Run(emu.command(a, shell_options(a)))
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


def boot_disk_until(emu, a, row, pattern):
    r = emu.boot_disk(a)
    r.until(pattern, 900)
    out = {row: r.cpu_seconds()}
    r.end()
    return out


def boot_linux(emu, a):
    return boot_disk_until(emu, a, 'linux', r'Linux version ')


def boot_login(emu, a):
    return boot_disk_until(emu, a, 'login', r'login: ')


def run_kernels(emu, a, names, initrd, options):
    """Boots the measuring guest with these kernels."""
    kernel, image = initrd
    r = Run(emu.command(a, ['-m', '512', '-kernel', kernel, '-initrd', image] + options + ['-append', ' '.join(
        [f'console={a.board.console} quiet', a.board.append, f'rdinit=/init -- ms={a.ms} port={a.server.port}'] + names)]))
    out, units = {}, {row.key: UNITS.get(row.unit) for row in ROWS}
    for name in names:
        if r.until(rf'bench (go|lacks) {name}\s', 180).group(1) == 'lacks':
            continue
        before = r.cpu_seconds()
        m = r.until(rf'bench {name} (\d+) (\d+)\s', 180)
        out[name] = (int(m.group(1)) / units[name], (r.cpu_seconds() - before) * 1e9 / int(m.group(2)) / units[name])
    r.end(60)
    return out


def kernels(emu, a):
    return run_kernels(emu, a, a.kernels['kernels'], a.initrds['kernels'], [])


def disks(emu, a):
    return run_kernels(emu, a, a.kernels['disk'], a.initrds['disk'], a.board.disk_options(a.folder))


def network(emu, a):
    return run_kernels(emu, a, a.kernels['net'], a.initrds['net'], a.board.card_options())


def translation_speed(emu, a):
    r = Run(emu.command(a, ['-accel', 'tcg,stats=on'] + shell_options(a)))
    r.until(r'# ')
    r.send('poweroff -f')
    m = r.until(r'translated per second\s+(\d+)')
    r.end(60)
    return int(m.group(1))


# -- emulators ----------------------------------------------------------------------------------------------------------


def version(path):
    """As a tuple and as text; None when it is no QEMU."""
    text = subprocess.run([path, '-version'], capture_output=True, text=True, check=False).stdout
    m = re.search(r'QEMU emulator version ((\d+)\.(\d+)\.(\d+))', text)
    return m and 'moss' not in text and (tuple(int(x) for x in m.groups()[1:]), m.group(1))


def find_peers(given, name):
    named = given or [p for p in os.environ.get('QEMU', '').split(':') if p]
    if named:
        return [(p, version(p)) for p in named if version(p)]
    folders = os.environ.get('PATH', '').split(':') + ['/usr/bin', '/usr/local/bin']
    folders += sorted(glob.glob('/usr/local/*/bin') + glob.glob('/opt/*/bin') + glob.glob('/opt/bin'))
    seen, found = set(), []
    for path in (os.path.join(d, name) for d in folders):
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
            for e in (e for e in emus if e.does(group)):
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
    for key, _, title, unit, digits in ROWS:
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
    for key, _, title, unit, digits in ROWS:
        got = [values[e.label].get(key) for e in emus]
        if got[0]:
            cells = ['-' if not v else f'{statistics.median(v):.{digits}f}' for v in got]
            ratios = [ratio(values, key, emus[0], p) for p in peers]
            print(f'| {title}, {unit} | ' + ' | '.join(cells + ['-' if r is None else f'{r:.2f}' for r in ratios]) + ' |')


def over_bars(board, emus, values):
    """Sentences on rows that need more than their bar of the better peer."""
    for row in ROWS:
        ratios = [r for r in (ratio(values, row.key, emus[0], p) for p in emus[1:]) if r is not None]
        bar = board.bars.get(row.group, BAR)
        if ratios and max(ratios) > bar:
            yield f'over its bar of {bar:g}: {row.title}, {max(ratios):.2f}'


def host():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        m = re.search(r'model name\s*:\s*(.*)', f.read())
    return f'{os.cpu_count()} x {m.group(1) if m else "?"}, load {os.getloadavg()[0]:.1f} at the start'


def arguments():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('machine', nargs='?', default='virt', choices=BOARDS, metavar='BOARD', help=', '.join(BOARDS))
    ap.add_argument('--moss', required=True)
    ap.add_argument('--qemu', action='append', default=[], help='a peer; again for more')
    ap.add_argument('--cpu', default='max')
    ap.add_argument('--rows', default='', metavar='REGEX', help='rows whose key or title matches: ' +
                    ' '.join(r.key for r in ROWS) + ' translation')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--quick', action='store_true', help='one round, short kernels, no boot to a login')
    ap.add_argument('--cpu-time', action='store_true', help='kernels: CPU time of the process for a repetition')
    ap.add_argument('--disk', metavar='DIR', help='with debian.img, linux, initrd.gz; else what ./dev disk made')
    ap.add_argument('--json', action='store_true', help='every value of every round')
    ap.add_argument('--markdown', action='store_true', help="the README's table")
    a = ap.parse_args()
    a.board = BOARDS[a.machine]
    a.rounds, a.ms, a.idle = (1, 300, 3) if a.quick else (a.rounds, 800, 10)
    return a


def choose_groups(a):
    """Which groups the wanted rows need, and sentences on what can't be had."""
    want, notes, groups = re.compile(a.rows), [], []
    wanted = {r.key for r in a.board.rows() if want.search(r.key) or want.search(r.title)}
    a.guest = a.board.guest()
    if not a.guest:
        return groups, [f'everything: no kernel and initrd of Debian\'s installer (package {a.board.package})'], wanted
    if wanted & {'shell', 'idle', 'memory'}:
        groups.append(boot_shell)
    a.disk = a.disk or a.board.disk_folder()
    have_disk = os.path.exists(f'{a.disk}/debian.img')
    if have_disk and not a.quick:
        groups += [g for key, g in (('linux', boot_linux), ('login', boot_login)) if key in wanted]
    keys = [r.key for r in ROWS if r.key in wanted and r.unit in UNITS]
    a.kernels = {'disk': [k for k in keys if k.startswith('disk-')], 'net': [k for k in keys if k.startswith('net-')]}
    a.kernels['kernels'] = [k for k in keys if '@' not in k]
    if not have_disk and (wanted & {'linux', 'login'} or a.kernels['disk']):
        notes.append(f'boot to a login, disks: no {a.disk}/debian.img; ./dev disk {a.board.debian} makes it (as root)')
        a.kernels['disk'] = []
    if any(a.kernels.values()):
        init, why = build_guest(a.board, a.folder)
        notes += [why] if why else []
        groups += measuring_guests(a, init) if init else []
    return groups, notes, wanted


def measuring_guests(a, init):
    """Disks' modules are in the disk's initrd, network cards' in the installer's: each goes with its kernel."""
    parts = {'kernels': (kernels, a.guest, None, ()),
             'disk': (disks, a.disk, f'{a.disk}/initrd.gz', a.board.disk_modules()),
             'net': (network, a.guest, f'{a.guest}/initrd.gz', a.board.card_modules())}
    groups, a.initrds, a.server = [], {}, Server()
    for part, (group, folder, base, modules) in parts.items():
        if a.kernels[part]:
            a.initrds[part] = f'{folder}/linux', make_initrd(init, f'{a.folder}/{part}', base, modules)
            groups.append(group)
    if disks in groups:
        make_disks(a.board, a.folder)
    return groups


def print_table(a, emus, values, about):
    if a.markdown:
        print_markdown(emus, values)
        return
    print(f'{about}; -M {a.machine} -cpu {a.cpu}, 1 vcpu, median (least-greatest) of {a.rounds}; '
          'ratios below 1: moss needs less')
    print_plain(table(emus, values))


def main():
    a = arguments()
    peers = find_peers(a.qemu, a.board.qemu)
    emus = [Emulator('moss', os.path.abspath(a.moss))] + [Emulator('QEMU ' + v[1], p) for p, v in peers]
    emus += [Bochs('Bochs ' + bochs.version(), 'bochs')] if a.machine == 'pc' and bochs.version() else []
    about = host()
    with tempfile.TemporaryDirectory(prefix='moss-bench-') as a.folder:
        groups, notes, wanted = choose_groups(a)
        values, failed = measure(emus, groups, a)
        speed = translation_speed(emus[0], a) if a.guest and re.search(a.rows, 'translation') else None
    for e in emus:
        values[e.label] = {k: v for k, v in values[e.label].items() if k in wanted}
    emus = emus[:1] + [e for e in emus[1:] if values[e.label]]  # Bochs has one row
    notes += failed + ([] if peers else [f'ratios: no {a.board.qemu} found (PATH, /usr, /usr/local, /opt, $QEMU)'])
    if a.json:
        print(json.dumps({'host': about, 'machine': a.machine, 'cpu': a.cpu, 'emulators': {e.label: e.path for e in emus},
                          'values': values,
                          'ratios': {p.label: {k: ratio(values, k, emus[0], p) for k in values['moss']} for p in emus[1:]},
                          'translated_per_second': speed, 'left_out': notes}, indent=1))
        return
    print_table(a, emus, values, about)
    if speed:
        print(f'\nmoss translates {speed} guest instructions a second of the translator\'s time')
    for line in over_bars(a.board, emus, values):
        print(line)
    for note in notes:
        print('left out:', note)


if __name__ == '__main__':
    main()

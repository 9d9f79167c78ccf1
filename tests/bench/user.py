#!/usr/bin/env python3
"""User mode: CPU time of programs under moss, against the host's own code and the QEMUs of this machine, in one run.

  user.py [GUEST] --moss PATH [--qemu PATH]... [--rows REGEX] [--rounds N] [--root DIR] [--json FILE] [--fresh]

GUEST: aarch64, x86_64 or i386. Rows: the kernels of kernels.c (the same source and flags for host and guest, check sums
compared; what the host can run itself is the same binary), float ones in further builds where the guest has several
float units, and real programs of Debian's packages for the guest, unpacked in .cache/ARCH-root (or the host's own), against
the host's own of the same names, or the same run by the host. A row's time is user
and system time of the process and its children, the least of N rounds; the emulators take turns within a round. Of each
version of QEMU the statically linked one is taken when there are both: it starts and forks faster. moss keeps its
translations from run to run, as it does for users; --fresh: it does not."""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MIRROR = 'http://deb.debian.org/debian'  # the release alone: measured programs change with nothing else
PACKAGES = 'gzip,xz-utils,coreutils,openssl,sqlite3,python3,bash,perl,cpp-12'
BAR_ROW = 1.0
BAR_START = 0.005  # seconds, of a static program that does nothing
FLAGS = ['-O2', '-ftree-vectorize', '-ffp-contract=off', '-static', '-pthread']
X86_BARS = {'integer': 2, 'float': 1.6, 'avx2': 1.6, 'x87': 2.5, 'control': 3.5, 'real': 3.5, 'cold': 6}
# cc: the compiler and the package that has it; flags: of the guest's build; native: of the host's, where it cannot run
# the guest's; more: further builds, for the rows of group "float", which then are another group; debian: the
# architecture's name there; bars: of native time, each group's geometric mean; bar_all: of the better QEMU's, that of all
# rows; bar_fast: likewise each row of x87 and packed float.
GUESTS = {
    'aarch64': {'cc': ['aarch64-linux-gnu-gcc', 'gcc-aarch64-linux-gnu'], 'flags': ['-march=armv8-a+crc'],
                'native': {'x86_64': ['-msse4.2'], 'aarch64': ['-march=armv8-a+crc']}, 'more': {}, 'debian': 'arm64',
                'bars': {'integer': 2.2, 'float': 3, 'control': 4, 'strings': 8, 'real': 4, 'cold': 6}, 'bar_all': 0.35},
    'x86_64': {'cc': ['x86_64-linux-gnu-gcc', 'gcc-x86-64-linux-gnu'], 'flags': ['-msse4.2'],
               'native': {'aarch64': ['-march=armv8-a+crc']},
               'more': {'x87': ['-mfpmath=387', '-fno-tree-vectorize'], 'avx2': ['-mavx2', '-mfma']}, 'debian': 'amd64',
               'bars': X86_BARS, 'bar_all': 0.3, 'bar_fast': 0.06},
    'i386': {'cc': ['i686-linux-gnu-gcc', 'gcc-i686-linux-gnu'], 'flags': ['-msse4.2', '-mfpmath=sse'],
             'native': {'aarch64': ['-march=armv8-a+crc']},
             'more': {'x87': ['-mno-sse', '-mfpmath=387']}, 'debian': 'i386', 'bars': X86_BARS, 'bar_all': 0.3,
             'bar_fast': 0.06},
}
RUNS_ITSELF = {'x86_64': ('x86_64', 'i386'), 'aarch64': ('aarch64',)}.get(os.uname().machine, ())
PACKED = ('saxpy', 'sgemm', 'dot')


def cpu_time(argv, runs, stdin=None):
    """(seconds, output) of `runs` runs; output None: it failed."""
    total, out = 0.0, b''
    for _ in range(runs):
        with tempfile.TemporaryFile() as f, open(stdin or os.devnull, 'rb') as i:
            p = subprocess.Popen(argv, stdin=i, stdout=f, stderr=subprocess.DEVNULL)
            _, status, use = os.wait4(p.pid, 0)
            p.returncode = status
            f.seek(0)
            out = f.read()
        if status != 0:
            return 0.0, None
        total += use.ru_utime + use.ru_stime
    return total / runs, out


def build(folder, name):
    """{build: (native binary, guest's)}; "" is the build of all rows."""
    guest, src = GUESTS[name], os.path.join(HERE, 'kernels.c')
    cross = shutil.which(guest['cc'][0])
    if not cross:
        sys.exit(f'user bench: {guest["cc"][0]} is missing (package {guest["cc"][1]})')
    native, out = f'{folder}/native', {}
    if name not in RUNS_ITSELF:
        flags = guest['native'].get(os.uname().machine, [])
        subprocess.run(['cc'] + FLAGS + flags + ['-o', native, src, '-lm'], check=True)
    for more, flags in {'': [], **guest['more']}.items():
        path = f'{folder}/guest{more}'
        subprocess.run([cross] + FLAGS + guest['flags'] + flags + ['-o', path, src, '-lm'], check=True)
        out[more] = (path if name in RUNS_ITSELF else native, path)
    return out


def kernels(folder, name):
    """(row, group, (native argv, guest argv, stdin, runs))"""
    built = build(folder, name)
    for more, (native, guest) in built.items():
        lister = native if name in RUNS_ITSELF or not more else built[''][0]
        for line in subprocess.run([lister], capture_output=True, text=True, check=True).stdout.splitlines():
            row, group, runs = line.split()
            if not more:
                yield row, group, ([native, row], [guest, row], None, int(runs))
            elif group == 'float':
                yield f'{row}.{more}', more, ([native, row], [guest, row], None, int(runs))


def guest_root(path, arch):
    """Debian's programs for `arch`, unpacked and not configured; None when they are not to be had."""
    if not any(os.path.exists(f'{path}/{d}/gzip') for d in ('bin', 'usr/bin')):
        if not shutil.which('mmdebstrap'):
            print('user bench: no mmdebstrap here: rows of real programs are left out', file=sys.stderr)
            return None
        os.makedirs(os.path.dirname(path), exist_ok=True)
        r = subprocess.run(['mmdebstrap', f'--architectures={arch}', '--variant=extract', f'--include={PACKAGES}',
                            'bookworm', path, MIRROR], capture_output=True, text=True, check=False)
        if r.returncode:
            print('user bench: mmdebstrap failed: rows of real programs are left out\n' + r.stderr[-500:], file=sys.stderr)
            return None
    return path


def make_data(folder):
    text = b''.join(b'line %d of %d: the quick brown fox %x jumps over the lazy dog\n' % (i, i * i, i * 2654435761)
                    for i in range(60000))
    with open(f'{folder}/text', 'wb') as f:
        f.write(text)
    with open(f'{folder}/big', 'wb') as f:
        f.write(text * 8)
    with open(f'{folder}/sql', 'w', encoding='ascii') as f:
        f.write('create table t(a integer primary key, b text, c real);\nbegin;\n'
                'with recursive n(i) as (select 1 union all select i+1 from n where i<60000)\n'
                'insert into t select i, printf(\'%x-%d\', i*2654435761, i), i*0.5 from n;\ncommit;\n'
                'create index ib on t(b);\nselect count(*), sum(c), min(b), max(b) from t where b like \'%7%\';\n'
                'select a % 10, avg(c) from t group by 1 order by 2 desc;\n')
    with open(f'{folder}/prog.py', 'w', encoding='ascii') as f:
        f.write('import json, re\nd = {}\nfor i in range(60000):\n    k = "k%d" % (i * 7919 % 5003)\n'
                '    d[k] = d.get(k, 0) + len(re.sub("[0-9]", "", k)) + i\n'
                'print(sum(d.values()), len(json.dumps(d)), sorted(d)[:3])\n')
    with open(f'{folder}/prog.sh', 'w', encoding='ascii') as f:
        f.write('s=0\nfor ((i = 0; i < 40000; i++)); do\n  x="a$i"\n  case $x in *7*) s=$((s + ${#x})) ;; esac\ndone\necho $s\n')
    with open(f'{folder}/prog.pl', 'w', encoding='ascii') as f:
        f.write('my %h; for my $i (1..100000) { my $k = sprintf("%x", $i * 40503 % 65536); $h{$k} .= "x"; '
                '$n++ if $k =~ /a.*b/; } print scalar(keys %h), " $n\\n";')
    with open(f'{folder}/prog.c', 'w', encoding='ascii') as f:
        for i in range(150):
            f.write(f'int f{i}(int *p, int n) {{ int s = {i}; for (int i = 0; i < n; i++) {{ if (p[i] > {i}) s += p[i] * '
                    f'{i + 3}; else s ^= p[i] << {i % 7}; }} return s; }}\n')


def root_loader(root, debian):
    """How this host runs a program of the root by itself."""
    if debian != 'i386' or not RUNS_ITSELF.count('i386'):
        return None
    lib = f'{root}/lib/i386-linux-gnu:{root}/usr/lib/i386-linux-gnu'
    return ['env', f'PYTHONHOME={root}/usr', f'{root}/lib/ld-linux.so.2', '--library-path', lib]


def real_programs(root, folder, name):
    """name: (native argv, guest argv behind the emulator, stdin)."""
    cc1 = 'usr/lib/gcc/%s-linux-gnu/12/cc1'
    host, triplet = os.uname().machine, {'i386': 'i686'}.get(name, name)
    loader = root_loader(root, GUESTS[name]['debian'])
    rows = {
        'gzip': (['usr/bin/gzip', '-c', f'{folder}/text'], None),
        'xz': (['usr/bin/xz', '-3', '-T1', '-c', f'{folder}/text'], None),
        'sha256sum': (['usr/bin/sha256sum'], f'{folder}/big'),
        'openssl-aes': (['usr/bin/openssl', 'enc', '-aes-256-ctr', '-K', '0' * 64, '-iv', '0' * 32], f'{folder}/big'),
        'openssl-prime': (['usr/bin/openssl', 'prime', '-checks', '24', str(2 ** 1279 - 1)], None),
        'sqlite3': (['usr/bin/sqlite3', ':memory:'], f'{folder}/sql'),
        'python3': (['usr/bin/python3.11', '-S', f'{folder}/prog.py'], None),
        'bash': (['usr/bin/bash', f'{folder}/prog.sh'], None),
        'perl': (['usr/bin/perl', f'{folder}/prog.pl'], None),
        'gcc (cc1)': ([cc1 % triplet, '-quiet', '-O1', f'{folder}/prog.c', '-o', '/dev/null'], None),
    }
    out = {}
    for row, (argv, stdin) in rows.items():
        native = ['/' + argv[0].replace(triplet, host)] + argv[1:]
        guest = next((f'{root}/{p}' for p in (argv[0], argv[0].replace('usr/', '', 1)) if os.path.exists(f'{root}/{p}')), None)
        if guest and (loader or os.path.exists(native[0])):
            out[row] = (loader + [guest] + argv[1:] if loader else native, [guest] + argv[1:], stdin)
    return out


def version(emu):
    text = subprocess.run([emu, '-version'], capture_output=True, text=True, check=False).stdout
    m = re.search(r'version (\d+\.\d+)', text)
    return m.group(1) if m else '?'


def find_qemus(asked, name):
    """The newest and the distribution's."""
    found = {}
    places = asked or [f'{d}/{n}' for d in os.environ['PATH'].split(':') + ['/usr/bin', '/usr/local/bin'] +
                       [f'/opt/{o}/bin' for o in (os.listdir('/opt') if os.path.isdir('/opt') else [])]
                       for n in (f'qemu-{name}-static', f'qemu-{name}')]
    for p in sorted(places, key=lambda p: not p.endswith('-static')):
        if os.access(p, os.X_OK) and 'QEMU' in subprocess.run([p, '-version'], capture_output=True, text=True,
                                                             check=False).stdout.upper():
            if 'moss' not in os.path.basename(os.path.realpath(p)):
                found.setdefault(version(p), p)
    return [(f'QEMU {v}', found[v]) for v in sorted(found, key=lambda v: [int(x) for x in v.split('.')] if v != '?' else [0])]


def geomean(v):
    return math.exp(sum(map(math.log, v)) / len(v)) if v else float('nan')


def measure(job, emus, rounds):
    """{label: least time}, and whether all outputs are equal."""
    native, guest, stdin, runs = job
    best, outputs = {}, set()
    for _ in range(rounds):
        for label, prefix in [('native', None)] + emus:
            t, out = cpu_time(native if prefix is None else prefix + guest, runs, stdin)
            if out is None:
                best[label] = None
                continue
            outputs.add(out)
            if best.get(label, 1e9) is not None:
                best[label] = min(best.get(label, 1e9), max(t, 1e-4))
    return best, len(outputs) == 1


def verdict(value, bar):
    return f'  (bar {bar:g}{"" if value <= bar else ": OVER"})'


def summary(table, guest):
    def means(rows):
        return [geomean([r[k] for r in rows if r[k]]) for k in ('vs_native', 'vs_qemu')]

    for g in dict.fromkeys(r['group'] for r in table):
        native, qemu = means([r for r in table if r['group'] == g])
        if math.isnan(native):
            continue
        print(f'{g + ": geometric mean":40}{native:10.2f} of native{verdict(native, guest["bars"][g]) if g in guest["bars"] else "":20}'
              f'{qemu:9.2f} of the better QEMU')
    native, qemu = means(table)
    print(f'{"all rows":40}{native:10.2f} of native{"":20}{qemu:9.2f} of the better QEMU{verdict(qemu, guest["bar_all"])}')
    for r in table:
        fast = 'bar_fast' in guest and (r['group'] == 'x87' or r['row'].split('.')[0] in PACKED)
        bar = guest['bar_fast'] if fast else BAR_ROW
        if r['vs_qemu'] and r['vs_qemu'] > bar:
            print(f'{r["row"]}: {r["vs_qemu"]:.3f} of the better QEMU{verdict(r["vs_qemu"], bar)}')
        if r['group'] == 'start' and r['times'].get('moss'):
            t = r['times']['moss']
            print(f'{r["row"]}: {t * 1e3:.1f} ms{verdict(t * 1e3, BAR_START * 1e3)}')


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('guest', nargs='?', default='aarch64', choices=GUESTS)
    ap.add_argument('--moss', required=True)
    ap.add_argument('--qemu', action='append', default=[])
    ap.add_argument('--rows', default='')
    ap.add_argument('--rounds', type=int, default=3)
    ap.add_argument('--root', help="programs of Debian's; / for the host's own")
    ap.add_argument('--json')
    ap.add_argument('--fresh', action='store_true')
    a = ap.parse_args()
    want, guest = re.compile(a.rows), GUESTS[a.guest]
    qemus = find_qemus(a.qemu, a.guest)
    own = a.guest == os.uname().machine
    table = []
    with tempfile.TemporaryDirectory(prefix='moss-user-') as folder:
        os.environ['MOSS_CODE_CACHE'] = 'off' if a.fresh else f'{folder}/kept'
        jobs = [k for k in kernels(folder, a.guest) if want.search(k[0])]
        root = a.root or ('/' if own else guest_root(f'{ROOT}/.cache/{guest["debian"]}-root', guest['debian']))
        if root:
            make_data(folder)
            jobs += [(n, 'real', (nat, g, i, 1)) for n, (nat, g, i) in real_programs(root.rstrip('/'), folder, a.guest).items()
                     if want.search(n)]
        prefix = ['-L', root] if root and root != '/' else []
        emus = [('moss', [os.path.abspath(a.moss)] + prefix)] + [(label, [p] + prefix) for label, p in qemus]
        print(f'{"row":16}{"native s":>10}' + ''.join(f'{label + " s":>12}' for label, _ in emus) +
              f'{"/ native":>10}{"/ QEMU":>9}')
        for name, group, job in jobs:
            best, same = measure(job, emus, a.rounds)
            peers = [best[label] for label, _ in qemus if best.get(label)]
            mine, native = best.get('moss'), best.get('native')
            row = {'row': name, 'group': group, 'times': best, 'same': same,
                   'vs_native': mine / native if mine and native else None,
                   'vs_qemu': mine / min(peers) if mine and peers else None}
            table.append(row)
            cell = lambda v, w, f: f'{v:{w}{f}}' if v is not None else f'{"-":>{w}}'
            print(f'{name:16}{cell(native, 10, ".3f")}' + ''.join(cell(best.get(label), 12, '.3f') for label, _ in emus) +
                  cell(row['vs_native'], 10, '.2f') + cell(row['vs_qemu'], 9, '.2f') +
                  ('' if same else '   OUTPUTS DIFFER'), flush=True)
    summary(table, guest)
    if a.json:
        with open(a.json, 'w', encoding='utf-8') as f:
            json.dump(table, f, indent=1)


if __name__ == '__main__':
    main()

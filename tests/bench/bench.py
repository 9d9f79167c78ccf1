#!/usr/bin/env python3
"""moss against the QEMUs of this machine: one table of ratios, all measured in this run.

  bench.py --moss PATH [--qemu PATH]... [--cpu MODEL] [--rows REGEX] [--disk IMAGE] [--keep DIR]

Rows: boot to a shell and to a login (host CPU seconds of the process), the kernels of guest.c (nanoseconds inside the
guest; its clock is the host's), an idle guest (CPU share, resident memory), translation speed (moss alone).
A ratio is moss divided by the peer: below 1 is better. The guest kernel is Debian's, with page-table isolation on."""
import argparse
import os
import re
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GUEST = os.path.join(ROOT, '.cache', 'guest')


class Run:
    """One emulator process whose console we read and write."""

    def __init__(self, argv):
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self.text = ''

    def until(self, pattern, seconds=600):
        end = time.monotonic() + seconds
        while True:
            m = re.search(pattern, self.text)
            if m:
                return m
            if not select.select([self.p.stdout], [], [], max(0, end - time.monotonic()))[0]:
                self.p.kill()
                raise RuntimeError(f'no "{pattern}" after {seconds} s; the end was:\n{self.text[-2000:]}')
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                raise RuntimeError(f'ended before "{pattern}":\n{self.text[-2000:]}')
            self.text += data.decode('utf-8', 'replace')

    def send(self, line):
        for byte in (line + '\n').encode():
            os.write(self.p.stdin.fileno(), bytes([byte]))

    def cpu_seconds(self):
        with open(f'/proc/{self.p.pid}/stat', encoding='ascii') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def rss_mib(self):
        with open(f'/proc/{self.p.pid}/status', encoding='ascii') as f:
            return int(re.search(r'VmRSS:\s+(\d+)', f.read()).group(1)) / 1024

    def finish(self, seconds=60):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        try:
            self.p.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.communicate()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def command(emu, cpu, extra):
    model = cpu + (',pauth-impdef=on' if cpu == 'max' else '')
    return [emu, '-M', 'virt', '-cpu', model, '-nographic', '-no-reboot', '-nic', 'none'] + extra


def boot_shell(emu, cpu):
    r = Run(command(emu, cpu, ['-m', '1G', '-kernel', f'{GUEST}/linux', '-initrd', f'{GUEST}/initrd.gz', '-append',
                               'console=ttyAMA0 rdinit=/bin/sh']))
    r.until(r'# ')
    out = {'boot to shell': r.cpu_seconds()}
    time.sleep(2)
    before = r.cpu_seconds()
    time.sleep(10)
    out['idle guest, % of a core'] = max((r.cpu_seconds() - before) * 10, 0.01)
    out['memory at the prompt, MiB'] = r.rss_mib()
    r.send('poweroff -f')
    r.finish()
    return out


def boot_login(emu, cpu, disk):
    r = Run(command(emu, cpu, ['-m', '1G', '-snapshot', '-drive', f'file={disk},format=raw,if=none,id=d', '-device',
                               'virtio-blk-device,drive=d', '-kernel', f'{GUEST}/linux', '-append',
                               'console=ttyAMA0 root=/dev/vda rw']))
    r.until(r'login: ')
    cpu_s = r.cpu_seconds()
    r.p.terminate()
    r.finish()
    return {'boot to login': cpu_s}


def kernels(emu, cpu, initrd, names):
    r = Run(command(emu, cpu, ['-m', '512', '-kernel', f'{GUEST}/linux', '-initrd', initrd, '-append',
                               'console=ttyAMA0 quiet kpti=on rdinit=/init -- ' + ' '.join(names)]))
    r.until('bench end')
    r.finish()
    return {n: int(ns) / 1000 for n, ns in re.findall(r'bench (\w+) (\d+)', r.text)}


def translation_speed(emu, cpu):
    r = Run(command(emu, cpu, ['-m', '1G', '-accel', 'tcg,stats=on', '-kernel', f'{GUEST}/linux', '-initrd',
                               f'{GUEST}/initrd.gz', '-append', 'console=ttyAMA0 rdinit=/bin/sh']))
    r.until(r'# ')
    r.send('poweroff -f')
    m = r.until(r'translated per second\s+(\d+)')
    r.finish()
    return int(m.group(1))


def make_initrd(folder):
    cc = shutil.which('aarch64-linux-gnu-gcc')
    if not cc:
        sys.exit('bench: aarch64-linux-gnu-gcc is missing (package gcc-aarch64-linux-gnu, libc6-dev-arm64-cross)')
    subprocess.run([cc, '-O2', '-static', '-o', f'{folder}/init', f'{HERE}/guest.c', '-lm'], check=True)
    subprocess.run('echo init | cpio -o -H newc --quiet > initrd', shell=True, check=True, cwd=folder)
    return f'{folder}/initrd'


def version(emu):
    text = subprocess.run([emu, '-version'], capture_output=True, text=True, check=False).stdout
    m = re.search(r'version (\S+)', text)
    return m.group(1) if m else '?'


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument('--moss', required=True)
    ap.add_argument('--qemu', action='append', default=[])
    ap.add_argument('--cpu', default='max')
    ap.add_argument('--rows', default='')
    ap.add_argument('--disk', help='a raw disk image with systemd, for boot to login')
    ap.add_argument('--keep', help='folder for what the guest is made of')
    a = ap.parse_args()
    peers = a.qemu or [p for p in [shutil.which('qemu-system-aarch64', path='/usr/local/bin:/usr/bin')] if p]
    emus = [('moss', os.path.abspath(a.moss))] + [('QEMU ' + version(p), p) for p in peers]
    folder = a.keep or tempfile.mkdtemp(prefix='moss-bench-')
    initrd = make_initrd(folder)
    want = re.compile(a.rows)
    names = [n for n in re.findall(r'\{"(\w+)", k_', open(f'{HERE}/guest.c', encoding='utf-8').read()) if want.search(n)]
    results = []
    for label, emu in emus:
        rows = {}
        if want.search('boot to shell') or want.search('idle'):
            rows.update(boot_shell(emu, a.cpu))
        if a.disk and want.search('boot to login'):
            rows.update(boot_login(emu, a.cpu, a.disk))
        if names:
            rows.update({n + ', us': v for n, v in kernels(emu, a.cpu, initrd, names).items()})
        results.append(rows)
        print(f'{label}: measured', file=sys.stderr)
    head = f'{"row":28}' + ''.join(f'{label:>14}' for label, _ in emus) + ''.join(
        f'{"/ " + label:>14}' for label, _ in emus[1:])
    print(f'-cpu {a.cpu}, 1 vcpu, CPU seconds or microseconds; ratios below 1: moss is better')
    print(head)
    for row, mine in results[0].items():
        line = f'{row:28}{mine:14.2f}'
        line += ''.join(f'{r.get(row, float("nan")):14.2f}' for r in results[1:])
        line += ''.join(f'{mine / r[row]:14.3f}' if r.get(row) else f'{"-":>14}' for r in results[1:])
        print(line)
    if want.search('translation'):
        print(f'{"guest insns translated / s":28}{translation_speed(emus[0][1], a.cpu):14d}')


if __name__ == '__main__':
    main()

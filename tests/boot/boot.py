#!/usr/bin/env python3
"""Boots one guest through tools/drive.py and looks at what it says.   boot.py MOSS CASE
  boot.py --list     the cases, and the suite `slow` behind those that only run in the plain build

Guests: the small one that tools/mkguest.py assembles; Debian's arm64 installer kernel, from .cache/guest or the package
debian-installer-12-netboot-arm64; EDK II, from qemu-efi-aarch64. Exits with 77 (skipped) when the guest is not here."""
import hashlib
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEBIAN = [os.path.join(ROOT, '.cache/guest'),
          '/usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64']
FIRMWARE = ['/usr/share/AAVMF/AAVMF_CODE.fd', '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd']
SKIP = 77
# What a guest that computes right prints.
NUMBERS = hashlib.sha256(''.join(f'{i}\n' for i in range(1, 50001)).encode()).hexdigest()


class Case:
    """What is typed and waited for, and moss's options. `ends`: the exit status; `slow`: not for sanitizers."""

    def __init__(self, guest, args, steps, timeout=200, ends=0, slow=False):
        self.guest, self.args, self.steps, self.timeout, self.ends, self.slow = guest, args, steps, timeout, ends, slow


def shell(*commands, off='poweroff -f', after=()):
    """Debian's initrd with /bin/sh as init: commands are (line, what it must print)."""
    steps = ['wait=# ', 'send=export PS1="@"" "; mount -t proc proc /proc; mount -t sysfs sys /sys; '
             'mount -t devtmpfs dev /dev; dmesg -n 1', 'wait=@ ']
    for line, answer in commands:
        steps += ['send=' + line, 'wait~' + answer, 'wait=@ ']
    return steps + ['send=' + off, *after]


def look(cpus):
    return shell(('uname -a', r'Linux \S+ \S+ .*aarch64'),
                 ('cat /proc/cpuinfo', rf'processor\s*: {cpus - 1}(?s:.*)Features'),
                 ('echo cpus=$(grep -c ^processor /proc/cpuinfo)', rf'\ncpus={cpus}\r'),
                 ('seq 1 50000 | sha256sum', NUMBERS),
                 ("awk 'BEGIN { x = 1; for (i = 0; i < 40; i++) x = (x + 2 / x) / 2; printf \"%.15f\\n\", x }'",
                  r'1\.414213562373095'))


NETWORK = shell(('modprobe virtio_pci; modprobe virtio_mmio; modprobe virtio_net; echo $(ls /sys/class/net)', r'\neth0 lo'),
                ('ip link set eth0 up; udhcpc -i eth0 -n -q', r'lease of 10\.0\.2\.15 obtained'))
ENTROPY = shell(('modprobe virtio_mmio; modprobe virtio_rng; cat /sys/class/misc/hw_random/rng_current', r'\nvirtio_rng'),
                ('head -c 4096 /dev/hwrng | wc -c', r'\n4096\r'))
HELLO = ['wait=powers it off', 'send=echo me', 'wait=echo me', 'raw=\x04', 'wait=Goodbye']
PRIMES = ['wait=2262 primes below 20000', 'wait=Goodbye']


def debian(args, steps, **kw):
    return Case('debian', ['-m', '512M', '-nographic'] + args.split(), steps, **{'slow': True, **kw})


CASES = {
    'small': Case('small', ['-nographic'], HELLO, 60),
    'small-stdio': Case('small', ['-display', 'none', '-serial', 'stdio'], HELLO, 60),
    'primes': Case('primes', ['-nographic', '-cpu', 'max'], PRIMES, 60),
    'primes-interp': Case('primes', ['-nographic', '-accel', 'tcg,interp=on'], PRIMES, 120),
    'primes-verify': Case('primes', ['-nographic', '-accel', 'tcg,verify=on'], PRIMES, 240),
    'primes-step': Case('primes', ['-nographic', '-singlestep'], PRIMES, 240),
    'smp1-gic2': debian('-M virt,gic-version=2 -cpu cortex-a57 -smp 1 -nic none', look(1), slow=False),
    'smp1-gic3': debian('-M virt,gic-version=3 -cpu cortex-a57 -smp 1 -nic none', look(1)),
    'smp2-gic2': debian('-M virt,gic-version=2 -cpu cortex-a72 -smp 2 -nic none', look(2)),
    'smp2-gic3': debian('-M virt,gic-version=3 -cpu max -smp 2 -nic none', look(2), slow=False),
    'el2': debian('-M virt,gic-version=3,virtualization=on -cpu max -smp 2 -nic none', look(2)),
    'network-pci': debian('-M virt -cpu max', NETWORK),
    'network-mmio': debian('-M virt -cpu max -netdev user,id=n -device virtio-net-device,netdev=n', NETWORK),
    'entropy': debian('-M virt -cpu cortex-a53 -nic none -device virtio-rng-device', ENTROPY),
    'no-reboot': debian('-M virt -cpu max -nic none -no-reboot', shell(off='reboot -f')),
    'reboot': debian('-M virt -cpu max -smp 2 -nic none',
                     shell(off='reboot -f', after=['wait=can\'t access tty', *look(2)])),
    'firmware': Case('firmware', ['-nographic', '-m', '512M', '-cpu', 'cortex-a57', '-nic', 'none'],
                     ['wait=UEFI Interactive Shell', 'raw=\x1b', 'wait=Shell> ', 'raw=ver\r', 'wait=UEFI v2',
                      'wait=Shell> ', 'raw=reset -s\r'], slow=True),
}


def first(paths):
    return next((p for p in paths if os.path.exists(p)), None)


def guest_args(guest, folder):
    """moss's options for the guest; None when it is not here."""
    if guest in ('small', 'primes'):
        image = os.path.join(folder, 'guest.img')
        subprocess.run([sys.executable, os.path.join(ROOT, 'tools/mkguest.py'), image] +
                       (['--batch'] if guest == 'primes' else []), check=True)
        return ['-M', 'virt', '-kernel', image]
    if guest == 'firmware':
        path = first(FIRMWARE)
        return path and ['-M', 'virt', '-bios', path]
    path = first(p for p in DEBIAN if os.path.exists(os.path.join(p, 'linux')))
    return path and ['-kernel', f'{path}/linux', '-initrd', f'{path}/initrd.gz', '-append',
                     'console=ttyAMA0 rdinit=/bin/sh']


def main():
    if sys.argv[1:] == ['--list']:
        print('\n'.join(name + (' slow' if case.slow else '') for name, case in CASES.items()))
        return 0
    moss, name = sys.argv[1:]
    case = CASES[name]
    with tempfile.TemporaryDirectory() as folder:
        args = guest_args(case.guest, folder)
        if args is None:
            print(f'boot: the guest "{case.guest}" is not on this machine (see the file packages)')
            return SKIP
        command = [moss, *case.args, *args]
        print('boot:', ' '.join(command), flush=True)
        rc = subprocess.run([sys.executable, os.path.join(ROOT, 'tools/drive.py'), '--timeout', str(case.timeout),
                             *case.steps, '--', *command], stdin=subprocess.DEVNULL, check=False).returncode
    if rc != case.ends:
        print(f'\nboot: exit status {rc}, expected {case.ends}')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())

"""What the system benchmark measures and on what: rows and their bars, boards, guests and where they come from."""
import os
import re
import shutil
import socket
import subprocess
import threading
from collections import namedtuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(ROOT, '.cache')
DISK_BYTES = 64 << 20  # guest_io.c's DISK_END

# digits: behind the point. Rows in 'us' and 'ms' are kernels of guest.c and guest_io.c, with @DEVICE where they need one.
Row = namedtuple('Row', 'key group title unit digits')
ROWS = [Row(*r) for r in (
    ('shell', 'boot', 'boot to a shell', 'CPU s', 2),
    ('linux', '', "disk to Linux's first line", 'CPU s', 2),
    ('login', 'boot', 'boot to a login', 'CPU s', 2),
    ('integer', 'integer', 'integer mix, as CoreMark', 'us', 0),
    ('recursion', 'integer', 'recursion', 'us', 0),
    ('sort', 'sort', 'shell sort', 'us', 0),
    ('interpreter', 'integer', 'computed-goto interpreter', 'us', 0),
    ('indirect', 'integer', 'indirect calls', 'us', 0),
    ('nbody', 'float', 'n-body (double)', 'us', 0),
    ('linpack', 'float', 'linpack (double)', 'us', 0),
    ('saxpy', 'float', 'saxpy (vectors)', 'us', 0),
    ('sgemm', 'float', 'sgemm (vectors)', 'us', 0),
    ('x87', 'float', 'n-body (x87)', 'us', 0),
    ('avx2', 'float', 'saxpy (AVX2, FMA)', 'us', 0),
    ('strings', 'strings', 'string functions', 'us', 0),
    ('memcpy', 'copy', 'memcpy', 'us', 0),
    ('chase', '', 'pointer chase', 'us', 0),
    ('syscall', 'kernel', 'system calls', 'us', 0),
    ('signal', 'kernel', 'signals', 'us', 0),
    ('mmap', 'kernel', 'mmap and touch', 'us', 0),
    ('protect', 'kernel', 'mprotect and touch', 'us', 0),
    ('fork', 'fork', 'fork and exit', 'us', 0),
    ('switch', 'kernel', 'context switches', 'us', 0),
    ('disk-read@vda', '', 'disk: read 32 MiB, virtio', 'ms', 1),
    ('disk-write@vda', '', 'disk: write 32 MiB, virtio', 'ms', 1),
    ('disk-random@vda', '', 'disk: 512 reads of 4 KiB, virtio', 'ms', 1),
    ('disk-read@sda', '', 'disk: read 32 MiB, IDE or AHCI', 'ms', 1),
    ('disk-write@sda', '', 'disk: write 32 MiB, IDE or AHCI', 'ms', 1),
    ('disk-random@sda', '', 'disk: 512 reads of 4 KiB, IDE or AHCI', 'ms', 1),
    ('net-receive@eth0', '', 'network: receive 8 MiB, virtio', 'ms', 1),
    ('net-send@eth0', '', 'network: send 8 MiB, virtio', 'ms', 1),
    ('net-trips@eth0', '', 'network: 200 round trips, virtio', 'ms', 1),
    ('net-receive@eth1', '', 'network: receive 8 MiB, e1000', 'ms', 1),
    ('net-send@eth1', '', 'network: send 8 MiB, e1000', 'ms', 1),
    ('net-trips@eth1', '', 'network: 200 round trips, e1000', 'ms', 1),
    ('idle', '', 'idle guest', '% of a core', 2),
    ('memory', '', 'memory at the prompt (1 GiB guest)', 'MiB', 0),
)]
UNITS = {'us': 1e3, 'ms': 1e6}  # nanoseconds

# The most that moss may need of the better peer; of a group that is not here: BAR.
BAR = 1.0
ARM_BARS = {'boot': 0.7, 'integer': 0.5, 'float': 0.25, 'strings': 0.25, 'copy': 0.7, 'kernel': 0.25, 'fork': 0.7}
X86_BARS = {'boot': 0.5, 'integer': 0.5, 'sort': 0.5, 'float': 0.12, 'kernel': 0.6, 'fork': 0.6}


class Board:
    def __init__(self, arch, debian, console, bars, disks, cards, append='', options=()):
        self.arch, self.debian, self.console, self.bars = arch, debian, console, bars
        self.disks = disks  # {device in the guest: (its options, its modules)}
        self.cards = cards  # models in the order of eth0...
        self.append, self.options = append, list(options)
        self.qemu = 'qemu-system-' + arch
        self.package = f'debian-installer-12-netboot-{debian}'

    def rows(self):
        kinds = set(self.disks) | {f'eth{i}' for i in range(len(self.cards))}
        units = {'x87', 'avx2', 'linux'} if self.arch == 'aarch64' else set()
        return [r for r in ROWS if r.key not in units and ('@' not in r.key or r.key.split('@')[1] in kinds)]

    def guest(self):
        """The folder with Debian's installer kernel and initrd, or None."""
        folders = ([f'{CACHE}/guest'] if self.debian == 'arm64' else []) + [
            f'/usr/lib/debian-installer/images/12/{self.debian}/text/debian-installer/{self.debian}']
        return next((f for f in folders if os.path.exists(f'{f}/linux') and os.path.exists(f'{f}/initrd.gz')), None)

    def disk_folder(self):
        return f'{CACHE}/debian' + ('' if self.debian == 'arm64' else f'-{self.debian}')

    def login(self, folder):
        """Options that boot the Debian disk there: as firmware does it, where the disk has a boot loader."""
        drive = f'file={folder}/debian.img,format=raw'
        if self.debian != 'arm64':
            return ['-drive', drive]
        return ['-drive', drive + ',if=none,id=d', '-device', 'virtio-blk-device,drive=d', '-kernel', f'{folder}/linux',
                '-initrd', f'{folder}/initrd.gz', '-append', f'console={self.console} root=/dev/vda rw']

    def disk_options(self, folder):
        out = []
        for device, (options, _) in self.disks.items():
            out += [o.replace('@FILE', f'{folder}/{device}.img') for o in options]
        return out

    def disk_modules(self):
        return [m for _, modules in self.disks.values() for m in modules]

    def card_options(self):
        """Each card has a network of its own, all alike: one at a time is up."""
        return [o for i, model in enumerate(self.cards)
                for o in ('-netdev', f'user,id=n{i}', '-device', f'{model},netdev=n{i}')]

    def card_modules(self):
        names = {'virtio-net-pci': ['virtio_pci', 'virtio_net'], 'e1000': ['e1000']}
        return [m for model in self.cards for m in names[model]]


RAW = 'file=@FILE,format=raw,cache=unsafe'  # what the host's disk does is not measured
VDA = (['-drive', RAW + ',if=none,id=v', '-device', 'virtio-blk-pci,drive=v'], ['virtio_pci', 'virtio_blk'])
IDE, AHCI = ((['-drive', RAW + ',if=ide'], [m, 'sd_mod']) for m in ('ata_piix', 'ahci'))
BOARDS = {
    'virt': Board('aarch64', 'arm64', 'ttyAMA0', ARM_BARS, {'vda': VDA}, ['virtio-net-pci'], 'kpti=on'),
    'pc': Board('x86_64', 'amd64', 'ttyS0', X86_BARS, {'vda': VDA, 'sda': IDE}, ['virtio-net-pci', 'e1000']),
    'q35': Board('x86_64', 'amd64', 'ttyS0', X86_BARS, {'vda': VDA, 'sda': AHCI}, ['virtio-net-pci', 'e1000']),
}


# -- guests that are made --------------------------------------------------------------------------------------------


def build_guest(board, folder):
    """The measuring program; a sentence instead when it can't be made."""
    cc = f'{board.arch}-linux-gnu-gcc'
    if not shutil.which(cc):
        return None, f'kernels: {cc} is missing (gcc-{board.arch.replace("_", "-")}-linux-gnu and its libc6-dev)'
    subprocess.run([cc, '-O2', '-static', '-o', f'{folder}/init', f'{HERE}/guest.c', f'{HERE}/guest_io.c', '-lm'], check=True)
    return f'{folder}/init', None


def unpack_modules(initrd, folder):
    """{name: file} of the modules in an initrd."""
    with open(initrd, 'rb') as f:
        unpack = 'zstd -dc' if f.read(4) == b'\x28\xb5\x2f\xfd' else 'gzip -dc'
    os.makedirs(folder)
    subprocess.run(f'{unpack} "{initrd}" | cpio -idm --quiet --no-absolute-filenames "*.ko"', shell=True, check=True, cwd=folder)
    found = {}
    for at, _, files in os.walk(folder):
        found.update({f[:-3].replace('-', '_'): os.path.join(at, f) for f in files if f.endswith('.ko')})
    return found


def in_order(wanted, found):
    """Modules and those they depend on, these first; what the kernel has built in is in no file."""
    out = []

    def add(name):
        if name not in out and name in found:
            with open(found[name], 'rb') as f:
                depends = re.search(rb'\0depends=([^\0]*)\0', f.read())
            for d in depends.group(1).decode().split(',') if depends else []:
                add(d.replace('-', '_'))
            out.append(name)
    for name in wanted:
        add(name)
    return out


def make_initrd(init, folder, base=None, modules=()):
    """An initrd of the measuring program and of modules that initrd `base` has."""
    os.makedirs(f'{folder}/root/modules')
    shutil.copy(init, f'{folder}/root/init')
    if base:
        found = unpack_modules(base, f'{folder}/unpacked')
        names = in_order(modules, found)
        for name in names:
            shutil.copy(found[name], f'{folder}/root/modules/{name}.ko')
        with open(f'{folder}/root/modules/list', 'w', encoding='ascii') as f:
            f.write(''.join(f'/modules/{name}.ko\n' for name in names))
        shutil.rmtree(f'{folder}/unpacked')
    subprocess.run('find . | cpio -o -H newc --quiet > ../initrd', shell=True, check=True, cwd=f'{folder}/root')
    return f'{folder}/initrd'


def make_disks(board, folder):
    piece = os.urandom(1 << 20)
    for device in board.disks:
        with open(f'{folder}/{device}.img', 'wb') as f:
            for _ in range(DISK_BYTES // len(piece)):
                f.write(piece)


class Server:
    """The host's end of network kernels (guest_io.c says what it does)."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    @staticmethod
    def serve(peer):
        zeros = bytes(1 << 18)
        with peer, peer.makefile('rb', buffering=0) as stream:
            try:
                while len(ask := stream.read(5)) == 5:
                    left = int.from_bytes(ask[1:], 'big')
                    while left > 0:
                        if ask[:1] == b'r':
                            left -= peer.send(zeros[:left])
                            continue
                        got = peer.recv(1 if ask[:1] == b't' else min(left, len(zeros)))
                        if not got:
                            return
                        left -= len(got)
                        if ask[:1] == b't':
                            peer.sendall(got)
                    if ask[:1] == b's':
                        peer.sendall(b'.')
            except OSError:
                pass  # the emulator ended

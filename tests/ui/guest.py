#!/usr/bin/env python3
"""The guest of the tests of displays: Debian's kernel, some of its modules, and guest.c as the only program.
  guest.py --fetch    gets the kernel's package from the distribution and unpacks it to .cache/ui-guest

Without that folder, and without a kernel in /boot that may be read, the tests are skipped."""
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(ROOT, '.cache/ui-guest')
PACKAGE = 'linux-image-amd64'
MODULES = ['evdev', 'psmouse', 'usb-common', 'usbcore', 'xhci-hcd', 'xhci-pci', 'hid', 'hid-generic', 'usbhid', 'virtio',
           'virtio_ring', 'virtio_pci_legacy_dev', 'virtio_pci_modern_dev', 'virtio_pci', 'virtio_input', 'scsi_common', 'scsi_mod',
           'cdrom', 'sr_mod', 'libata', 'ata_piix', 'virtio_scsi']


def fetch():
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        depends = subprocess.run(['apt-cache', 'depends', '--important', PACKAGE], check=True, capture_output=True, text=True).stdout
        real = next(w for w in depends.split() if w.startswith('linux-image-') and w != PACKAGE)
        subprocess.run(['apt-get', 'download', real], cwd=d, check=True)
        subprocess.run(['dpkg', '-x', glob.glob(d + '/*.deb')[0], CACHE], check=True)


def find():
    """The kernel, and the folder of its modules; None: there is none here."""
    for root in CACHE, '/':
        for kernel in sorted(glob.glob(f'{root}/boot/vmlinuz-*'), reverse=True):
            version = os.path.basename(kernel)[len('vmlinuz-'):]
            modules = next((m for m in (f'{root}/lib/modules/{version}', f'{root}/usr/lib/modules/{version}') if os.path.isdir(m)),
                           None)
            if modules and os.access(kernel, os.R_OK):
                return kernel, modules
    return None


def member(name, data, mode):
    """SPEC: the kernel's Documentation/driver-api/early-userspace/buffer-format.rst, "newc"."""
    head = '070701' + ''.join(f'{v:08x}' for v in (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
    text = (head + name).encode() + b'\0'
    text += bytes(-len(text) % 4)
    return text + data + bytes(-len(data) % 4)


def module(folder, name):
    for path in glob.glob(f'{folder}/kernel/**/{name}.ko*', recursive=True):
        how = {'.xz': ['xz', '-dc'], '.zst': ['zstd', '-dcq'], '.ko': ['cat']}[os.path.splitext(path)[1]]
        return subprocess.run([*how, path], check=True, capture_output=True).stdout
    return None  # it is in the kernel


def build(scratch):
    """moss's options for it, or None when it cannot be made here."""
    found = find()
    if not found:
        return None
    kernel, folder = found
    program, initrd = scratch + '/init', scratch + '/initrd'
    if subprocess.run(['gcc', '-static', '-O1', '-o', program, HERE + '/guest.c'], check=False).returncode:
        return None
    with open(program, 'rb') as f:
        members = [member('init', f.read(), 0o100755)]
    members += [member(d, b'', 0o40755) for d in ('proc', 'sys', 'dev', 'modules')]
    there = [m for m in (module(folder, name) for name in MODULES) if m]
    members += [member(f'modules/{i:02}.ko', m, 0o100644) for i, m in enumerate(there)]
    with open(initrd, 'wb') as f:
        f.write(b''.join(members) + member('TRAILER!!!', b'', 0))
    return ['-kernel', kernel, '-initrd', initrd, '-append', 'console=tty0 loglevel=1 rdinit=/init']


if __name__ == '__main__':
    if sys.argv[1:] == ['--fetch']:
        fetch()
    else:
        sys.exit(__doc__)

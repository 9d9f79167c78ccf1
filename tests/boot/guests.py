"""The guests of the boot tests: where they lie, and moss's options for them. A guest that is not on this machine gives
None. SCRATCH is a folder for the files of one test.

small, primes     what tools/mkguest.py assembles
debian            Debian's arm64 installer kernel and initrd: .cache/guest, or debian-installer-12-netboot-arm64
disk              what tools/mkdebian.sh makes, in .cache/debian
firmware          EDK II as -bios, from qemu-efi-aarch64; firmware-flash: as two flashes, with variables that are kept
uboot             U-Boot, from u-boot-qemu
pc-uboot          U-Boot as a PC's firmware, from u-boot-qemu too
pc, pc32          Debian's installer kernel and initrd for PCs, from debian-installer-12-netboot-amd64 and -i386
qboot             the same behind qboot, from qemu-system-data
pvh               the ELF file in Debian's kernel for PCs, which has an entry for PVH guests
grub-floppy       GRUB on a floppy disk, from grub-rescue-pc; grub-disk: on a disk; grub-cd: on a CD
syslinux          syslinux on a floppy disk, with memtest86+
ipxe              Debian's installer kernel, to be had over TFTP
pc-disk           what tools/mkpcdisk.sh makes, in .cache/debian-amd64; pc-disk-ovmf: the same behind OVMF
seabios           what a PC has itself, from seabios; ovmf: UEFI as two flashes, from ovmf
memtest           memtest86+, as a kernel
bios16            bios16.S on a floppy, and five disks of as many kinds"""
import lzma
import os
import shutil
import struct
import subprocess
import sys

import disk

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'isa'))
from run_x86 import tools as assembler  # pylint: disable=wrong-import-position

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE, DISK = os.path.join(ROOT, '.cache/guest'), os.path.join(ROOT, '.cache/debian')
NETBOOT = '/usr/lib/debian-installer/images/12/arm64/text'
EDK2 = '/usr/share/qemu-efi-aarch64/QEMU_EFI.fd'
EDK2_CODE, EDK2_VARS = '/usr/share/AAVMF/AAVMF_CODE.fd', '/usr/share/AAVMF/AAVMF_VARS.fd'
OVMF_CODE, OVMF_VARS = '/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'
UBOOT = '/usr/lib/u-boot/qemu_arm64/u-boot.bin'
UBOOT_PC = '/usr/lib/u-boot/qemu-x86/u-boot.rom'
GRUB_FLOPPY = '/usr/lib/grub-rescue/grub-rescue-floppy.img'
GRUB_DISK = '/usr/lib/grub-rescue/grub-rescue-cdrom.iso'
MEMTEST = '/boot/memtest86+x64.bin'
PC_DISK = os.path.join(ROOT, '.cache/debian-amd64/debian.img')
QBOOT = '/usr/share/qemu/qboot.rom'
SHELL = 'console=ttyAMA0 rdinit=/bin/sh'


def are_here(*paths):
    return all(os.path.exists(p) for p in paths)


def debian_folder():
    return next((p for p in (CACHE, NETBOOT + '/debian-installer/arm64') if are_here(p + '/linux')), None)


def small(scratch, *flags):
    image = os.path.join(scratch, 'guest.img')
    subprocess.run([sys.executable, os.path.join(ROOT, 'tools/mkguest.py'), image, *flags], check=True)
    return ['-M', 'virt', '-kernel', image]


def debian(_, append=SHELL):
    path = debian_folder()
    return path and ['-kernel', f'{path}/linux', '-initrd', f'{path}/initrd.gz', '-append', append]


def image(scratch):
    """A copy of the disk, so that tests don't meet what others left."""
    if not are_here(DISK + '/debian.img'):
        return None
    subprocess.run(['cp', '--sparse=always', DISK + '/debian.img', scratch], check=True)
    return ['-kernel', f'{DISK}/linux', '-initrd', f'{DISK}/initrd.gz', '-append',
            'root=LABEL=moss console=ttyAMA0', '-drive', f'if=virtio,format=raw,file={scratch}/debian.img']


def firmware(_):
    return are_here(EDK2) and ['-bios', EDK2] or None


def firmware_flash(scratch):
    if not are_here(EDK2_CODE, EDK2_VARS):
        return None
    shutil.copy(EDK2_VARS, scratch + '/vars.fd')
    return ['-drive', f'if=pflash,format=raw,readonly=on,file={EDK2_CODE}',
            '-drive', f'if=pflash,format=raw,file={scratch}/vars.fd']


def esp(scratch):
    """A disk with kernel, initrd, and Debian's GRUB where firmware looks for it."""
    d = NETBOOT + '/debian-installer/arm64'
    if not are_here(d + '/grubaa64.efi') or not shutil.which('mformat'):
        return None
    disk.make(scratch + '/esp.img', 160, {'EFI/BOOT/BOOTAA64.EFI': d + '/grubaa64.efi', 'linux': d + '/linux',
                                          'initrd.gz': d + '/initrd.gz'})
    return ['-drive', f'if=virtio,format=raw,file={scratch}/esp.img']


def both(*makers):
    """Options of several guests, if all of them are here."""
    def make(scratch):
        options = [m(scratch) for m in makers]
        return sum(options, []) if all(options) else None
    return make


def uboot(_):
    return are_here(UBOOT) and ['-bios', UBOOT] or None


def netboot(_):
    """Firmware's network boot: shim, GRUB and the installer come by TFTP."""
    return are_here(NETBOOT + '/debian-installer/arm64/bootnetaa64.efi') and [
        '-netdev', f'user,id=n,tftp={NETBOOT},bootfile=/debian-installer/arm64/bootnetaa64.efi',
        '-device', 'virtio-net-pci,netdev=n'] or None


def pc(_, arch='amd64', append='console=ttyS0 rdinit=/bin/sh'):
    path = f'/usr/lib/debian-installer/images/12/{arch}/text/debian-installer/{arch}'
    return are_here(path + '/linux') and ['-kernel', f'{path}/linux', '-initrd', f'{path}/initrd.gz',
                                          '-append', append] or None


def pvh(scratch):
    """The kernel that is packed in the bzImage (SPEC: Linux, Documentation/arch/x86/boot.rst, payload_offset)."""
    options = pc(scratch)
    if options:
        with open(options[1], 'rb') as f:
            image = f.read()
        offset, size = struct.unpack_from('<II', image, 0x248)
        start = (image[0x1f1] + 1) * 512 + offset
        with open(scratch + '/vmlinux', 'wb') as f:
            f.write(lzma.LZMADecompressor().decompress(image[start:start + size - 4]))
        options[1] = scratch + '/vmlinux'
    return options


def seabios(_):
    return [] if are_here('/usr/share/seabios/bios-256k.bin') else None


def pc_uboot(_):
    return are_here(UBOOT_PC) and ['-bios', UBOOT_PC] or None


def grub_disk(_):
    return are_here(GRUB_DISK) and ['-snapshot', '-drive', f'if=virtio,format=raw,file={GRUB_DISK}'] or None


def grub_floppy(_):
    return are_here(GRUB_FLOPPY) and ['-snapshot', '-fda', GRUB_FLOPPY] or None


def grub_cd(_):
    return are_here(GRUB_DISK) and ['-cdrom', GRUB_DISK] or None


def syslinux(scratch):
    """A floppy with memtest86+ on it."""
    if not are_here(MEMTEST) or not shutil.which('syslinux') or not shutil.which('mformat'):
        return None
    image = scratch + '/floppy'
    with open(scratch + '/syslinux.cfg', 'w', encoding='utf-8') as f:
        f.write('SERIAL 0 115200\nPROMPT 1\nSAY hello from a floppy\nDEFAULT mt\nLABEL mt\nKERNEL memtest\nAPPEND console=ttyS0,115200\n')
    subprocess.run(['mformat', '-C', '-f', '1440', '-i', image, '::'], check=True)
    subprocess.run(['mcopy', '-i', image, f.name, '::'], check=True)
    subprocess.run(['mcopy', '-i', image, MEMTEST, '::memtest'], check=True)
    subprocess.run(['syslinux', '--install', image], check=True)
    return ['-fda', image]


def ipxe(scratch):
    """A folder for TFTP, with a script for iPXE that starts Debian's installer kernel."""
    options = pc(scratch)
    if options:
        for path in options[1], options[3]:
            os.symlink(path, f'{scratch}/{os.path.basename(path)}')
        with open(scratch + '/boot.ipxe', 'w', encoding='utf-8') as f:
            f.write(f'#!ipxe\nkernel linux {options[5]} initrd=initrd.gz\ninitrd initrd.gz\nboot\n')
    return options and ['-boot', 'n', '-nic', f'user,model=e1000,tftp={scratch},bootfile=boot.ipxe']


def pc_disk(scratch):
    """A copy of a PC's disk."""
    if not are_here(PC_DISK):
        return None
    subprocess.run(['cp', '--sparse=always', PC_DISK, scratch + '/pc.img'], check=True)
    return ['-drive', f'format=raw,file={scratch}/pc.img']


def ovmf(scratch):
    if not are_here(OVMF_CODE, OVMF_VARS):
        return None
    shutil.copy(OVMF_VARS, scratch + '/vars.fd')
    return ['-drive', f'if=pflash,format=raw,readonly=on,file={OVMF_CODE}',
            '-drive', f'if=pflash,format=raw,file={scratch}/vars.fd']


def memtest(_):
    return are_here(MEMTEST) and ['-kernel', MEMTEST, '-append', 'console=ttyS0,115200'] or None


def bios16(scratch):
    tool = assembler()
    if not tool or seabios(scratch) is None:
        return None
    cc, asm, ld, _ = tool
    out, source = os.path.join(scratch, 'bios16'), os.path.join(ROOT, 'tests/boot/bios16.S')
    subprocess.run([cc, '-E', '-x', 'assembler-with-cpp', '-o', out + '.s', source], check=True)
    subprocess.run([asm, '--32', '-o', out + '.o', out + '.s'], check=True)
    subprocess.run([ld, '-m', 'elf_i386', '--oformat', 'binary', '-Ttext', '0x7c00', '-o', out, out + '.o'], check=True)
    os.truncate(out, 1440 << 10)
    ide, ahci, scsi, usb = (f'{scratch}/{n}' for n in ('ide', 'ahci', 'scsi', 'usb'))
    for name in (ide, ahci, scsi, usb, scratch + '/virtio'):
        with open(name, 'wb') as f:
            f.truncate(64 << 20)
    return ['-boot', 'a', '-drive', f'if=floppy,format=raw,file={out}', '-hda', ide,
            '-device', 'ich9-ahci,id=sata', '-device', 'ide-hd,bus=sata.0,drive=ahci', '-device', 'virtio-scsi-pci',
            '-device', 'scsi-hd,drive=scsi', '-device', 'qemu-xhci', '-device', 'usb-storage,drive=usb',
            '-drive', f'if=virtio,format=raw,file={scratch}/virtio',
            *(w for n in (ahci, scsi, usb) for w in ('-drive', f'if=none,id={os.path.basename(n)},format=raw,file={n}'))]


GUESTS = {
    'bios16': bios16,
    'memtest': memtest,
    'pc': pc,
    'pc32': lambda scratch: pc(scratch, 'i386'),
    'pvh': pvh,
    'seabios': seabios,
    'qboot': both(lambda _: are_here(QBOOT) and ['-bios', QBOOT] or None, pc),
    'grub-disk': grub_disk,
    'pc-uboot': pc_uboot,
    'grub-floppy': grub_floppy,
    'grub-cd': grub_cd,
    'syslinux': syslinux,
    'ipxe': ipxe,
    'pc-disk': pc_disk,
    'pc-disk-ovmf': both(ovmf, pc_disk),
    'ovmf': ovmf,
    'ovmf-kernel': both(ovmf, pc),
    'small': small,
    'primes': lambda scratch: small(scratch, '--batch'),
    'debian': debian,
    'installer': lambda scratch: debian(scratch, 'console=ttyAMA0'),
    'disk': image,
    'firmware': firmware,
    'firmware-flash': firmware_flash,
    'firmware-disk': both(firmware_flash, esp),
    'firmware-kernel': both(firmware, debian),
    'firmware-net': both(firmware, netboot),
    'uboot': both(uboot, esp),
}

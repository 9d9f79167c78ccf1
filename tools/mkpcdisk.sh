#!/bin/sh
# A disk that a PC boots, by BIOS and by UEFI, from a Debian root in a folder, without mounting anything.
#   tools/mkpcdisk.sh ROOT IMAGE SIZE [mbr]
# GPT: a BIOS boot partition for GRUB's core, an EFI system partition, ext4 labelled "moss". With mbr: a table of the
# older kind and ext4 alone, GRUB's core in the gap before it. GRUB's menu is on the screen and on the serial port.
# Needs grub-pc-bin, grub-efi-amd64-bin, grub-common, fdisk, mtools, dosfstools, e2fsprogs.
set -eu
root=$1 image=$2 size=$3 table=${4:-gpt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sector=512 mib=2048 # sectors of a MiB
esp_mib=16

kernel=$(basename "$(readlink "$root/vmlinuz")") initrd=$(basename "$(readlink "$root/initrd.img")")
mkdir -p "$root/boot/grub"
cp -r /usr/lib/grub/i386-pc "$root/boot/grub/"
cat >"$root/boot/grub/grub.cfg" <<EOT
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=2
menuentry "Debian" {
    linux /boot/$kernel root=LABEL=moss console=ttyS0 console=tty0
    initrd /boot/$initrd
}
EOT
cat >"$work/early.cfg" <<EOT
search --no-floppy --label moss --set=root
set prefix=(\$root)/boot/grub
EOT

# The root's file system is made in its place: behind it is room for the table's copy.
if [ "$table" = gpt ]; then start=$(((2 + esp_mib) * mib)); else start=$mib; fi
rm -f "$image"
truncate -s "$size" "$image"
all=$(($(stat -c %s "$image") / sector))
blocks=$(((all - start - mib) / 2)) # of 1 KiB
mke2fs -q -t ext4 -L moss -d "$root" -E offset=$((start * sector)) "$image" ${blocks}k
if [ "$table" = gpt ]; then
    sfdisk -q "$image" <<EOT
label: gpt
start=$mib, size=$mib, type=21686148-6449-6E6F-744E-656564454649
start=$((2 * mib)), size=$((esp_mib * mib)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start=$start, size=$((blocks * 2)), type=0FC63DAF-8483-4772-8E79-3D69D8477DE4
EOT
    core_at=$mib
    modules="part_gpt ext2 search search_label biosdisk normal"
    truncate -s ${esp_mib}M "$work/esp"
    mkfs.fat -F 16 "$work/esp" >/dev/null
    grub-mkimage -O x86_64-efi -o "$work/boot.efi" -c "$work/early.cfg" -p /boot/grub part_gpt part_msdos ext2 fat search \
        search_label normal linux configfile serial terminal echo all_video efi_gop test reboot halt
    mmd -i "$work/esp" ::EFI ::EFI/BOOT
    mcopy -i "$work/esp" "$work/boot.efi" ::EFI/BOOT/BOOTX64.EFI
    dd if="$work/esp" of="$image" bs=1M seek=2 conv=notrunc status=none
else
    printf 'label: dos\nstart=%s, type=83, bootable\n' $start | sfdisk -q "$image"
    core_at=1
    modules="part_msdos ext2 search search_label biosdisk normal"
fi
# shellcheck disable=SC2086
grub-mkimage -O i386-pc -o "$work/core.img" -c "$work/early.cfg" -p /boot/grub $modules
# GRUB's boot sector has the core's place at 0x5c, the core's first sector the place of what follows at 0x1f4.
python3 - "$image" "$work/core.img" "$core_at" <<'EOT'
import struct
import sys
image, core, at = sys.argv[1], bytearray(open(sys.argv[2], 'rb').read()), int(sys.argv[3])
boot = bytearray(open('/usr/lib/grub/i386-pc/boot.img', 'rb').read())
struct.pack_into('<Q', boot, 0x5c, at)
boot[0x66:0x68] = b'\x90\x90'  # the drive that the BIOS names is believed
struct.pack_into('<Q', core, 0x1f4, at + 1)
with open(image, 'r+b') as f:
    f.write(boot[:440])
    f.seek(at * 512)
    f.write(core)
EOT

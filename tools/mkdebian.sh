#!/bin/sh
# Makes a Debian disk to boot in DIR (.cache/debian for the boot tests): debian.img, linux, initrd.gz.
#   tools/mkdebian.sh [--arch=arm64|amd64|i386] DIR [PACKAGE...]    SIZE=4G MIRROR=http://deb.debian.org/debian SUITE=bookworm
# arm64: debian.img is an ext4 file system. amd64, i386: a disk with GRUB, that BIOS and UEFI boot (tools/mkpcdisk.sh).
# root's password is "moss"; a login waits on the serial port; the network comes by DHCP; sshd runs. Docs: docs/guests.md.
# Needs root, mmdebstrap and e2fsprogs. arm64 programs run here while packages are set up: where the kernel isn't told yet
# what to do with those, it runs them by MOSS (build/moss-aarch64-static) until the script ends.
set -eu
here=$(dirname "$0")
arch=arm64
case ${1:-} in --arch=*) arch=${1#--arch=}; shift ;; esac
dir=${1:?usage: tools/mkdebian.sh [--arch=arm64|amd64|i386] DIR [PACKAGE...]}
shift
binfmt=/proc/sys/fs/binfmt_misc
moss=${MOSS:-build/moss-aarch64-static}

say() { printf 'mkdebian: %s\n' "$*" >&2; }

for tool in mmdebstrap mke2fs; do
    command -v $tool >/dev/null || { say "$tool is missing: apt-get install mmdebstrap e2fsprogs"; exit 1; }
done
[ "$(id -u)" = 0 ] || { say "run me as root: the files of the guest belong to many users"; exit 1; }

case $arch in
arm64) kernel=linux-image-arm64 getty=serial-getty@ttyAMA0 modules="virtio_pci virtio_mmio virtio_blk ext4" ;;
amd64) kernel=linux-image-amd64 getty=serial-getty@ttyS0 modules="virtio_pci virtio_blk virtio_scsi ata_piix ahci sd_mod ext4" ;;
i386) kernel=linux-image-686 getty=serial-getty@ttyS0 modules="virtio_pci virtio_blk virtio_scsi ata_piix ahci sd_mod ext4" ;;
*) say "--arch=$arch: expected arm64, amd64 or i386"; exit 2 ;;
esac
if [ $arch = arm64 ] && [ "$(uname -m)" != aarch64 ] && ! grep -qs '^enabled' $binfmt/qemu-aarch64 $binfmt/moss-aarch64; then
    "$moss" -binfmt on >&2
    trap '"$moss" -binfmt off' EXIT
    trap 'exit 1' INT TERM
fi

mkdir -p "$dir"
root=$dir/root
rm -rf "$root"
packages=systemd-sysv,udev,dbus,kmod,procps,iproute2,iputils-ping,$kernel,initramfs-tools,openssh-server
packages=$packages,netcat-openbsd,gcc,libc6-dev,python3,stress-ng
for p; do packages=$packages,$p; done

# The initrd holds what its disk needs and no more: making it is slow where programs are interpreted.
initramfs='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
    echo MODULES=list > "$1/etc/initramfs-tools/conf.d/moss"
    printf "%s\n" '$modules' > "$1/usr/share/initramfs-tools/modules.d/moss"'
# shellcheck disable=SC2016
mmdebstrap --architectures=$arch --variant=minbase --mode=root --include="$packages" --skip=check/qemu \
    --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --essential-hook="$initramfs" \
    --customize-hook='echo root:moss | chroot "$1" chpasswd' \
    --customize-hook='echo moss-guest > "$1/etc/hostname"' \
    --customize-hook='printf "127.0.0.1 localhost moss-guest\n" > "$1/etc/hosts"' \
    --customize-hook='printf "LABEL=moss / ext4 errors=remount-ro 0 1\n" > "$1/etc/fstab"' \
    --customize-hook='printf "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n" > "$1/etc/systemd/network/ether.network"' \
    --customize-hook='echo "nameserver 10.0.2.3" > "$1/etc/resolv.conf"' \
    --customize-hook='chroot "$1" systemctl enable systemd-networkd '$getty \
    --customize-hook='chroot "$1" systemctl disable systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer' \
    --customize-hook='echo PermitRootLogin yes > "$1/etc/ssh/sshd_config.d/root.conf"' \
    "${SUITE:-bookworm}" "$root" "${MIRROR:-http://deb.debian.org/debian}"

cp -L "$root/vmlinuz" "$dir/linux"
cp -L "$root/initrd.img" "$dir/initrd.gz"
rm -f "$dir/debian.img"
if [ $arch != arm64 ]; then
    "$here/mkpcdisk.sh" "$root" "$dir/debian.img" "${SIZE:-4G}"
    rm -rf "$root"
    say "made $dir/debian.img, linux and initrd.gz; boot the disk with"
    say "  moss-system-x86_64 -m 1G -drive format=raw,file=$dir/debian.img -nic user,model=e1000"
    exit 0
fi
mke2fs -q -t ext4 -L moss -d "$root" "$dir/debian.img" "${SIZE:-4G}"
rm -rf "$root"
say "made $dir/debian.img, linux and initrd.gz; boot them with"
say "  moss-system-aarch64 -M virt -cpu max -smp 2 -m 1G -nographic -kernel $dir/linux -initrd $dir/initrd.gz \\"
say "    -append 'root=LABEL=moss console=ttyAMA0' -drive if=virtio,format=raw,file=$dir/debian.img \\"
say "    -nic user,model=virtio,hostfwd=tcp:127.0.0.1:2222-:22"

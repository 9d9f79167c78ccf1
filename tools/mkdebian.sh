#!/bin/sh
# Makes a Debian arm64 disk to boot in DIR (.cache/debian for the boot tests): debian.img (ext4), linux, initrd.gz.
#   tools/mkdebian.sh DIR [PACKAGE...]      SIZE=4G MIRROR=http://deb.debian.org/debian SUITE=bookworm
# root's password is "moss"; a login waits on the serial port; the network comes by DHCP; sshd runs. Docs: docs/guests.md.
# Needs root, mmdebstrap and e2fsprogs. arm64 programs run here while packages are set up: where the kernel isn't told yet
# what to do with those, it runs them by MOSS (build/moss-aarch64-static) until the script ends.
set -eu
dir=${1:?usage: tools/mkdebian.sh DIR [PACKAGE...]}
shift
binfmt=/proc/sys/fs/binfmt_misc
moss=${MOSS:-build/moss-aarch64-static}

say() { printf 'mkdebian: %s\n' "$*" >&2; }

for tool in mmdebstrap mke2fs; do
    command -v $tool >/dev/null || { say "$tool is missing: apt-get install mmdebstrap e2fsprogs"; exit 1; }
done
[ "$(id -u)" = 0 ] || { say "run me as root: the files of the guest belong to many users"; exit 1; }

if [ "$(uname -m)" != aarch64 ] && ! grep -qs '^enabled' $binfmt/qemu-aarch64 $binfmt/moss-aarch64; then
    "$moss" -binfmt on >&2
    trap '"$moss" -binfmt off' EXIT
    trap 'exit 1' INT TERM
fi

mkdir -p "$dir"
root=$dir/root
rm -rf "$root"
packages=systemd-sysv,udev,dbus,kmod,procps,iproute2,iputils-ping,linux-image-arm64,initramfs-tools,openssh-server
packages=$packages,netcat-openbsd,gcc,libc6-dev,python3,stress-ng
for p; do packages=$packages,$p; done

# The initrd holds what its disk needs and no more: making it is slow where programs are interpreted.
initramfs='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
    echo MODULES=list > "$1/etc/initramfs-tools/conf.d/moss"
    printf "%s\n" virtio_pci virtio_mmio virtio_blk ext4 > "$1/usr/share/initramfs-tools/modules.d/moss"'
# shellcheck disable=SC2016
mmdebstrap --architectures=arm64 --variant=minbase --mode=root --include="$packages" \
    --aptopt='Acquire::Languages "none"' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --essential-hook="$initramfs" \
    --customize-hook='echo root:moss | chroot "$1" chpasswd' \
    --customize-hook='echo moss-guest > "$1/etc/hostname"' \
    --customize-hook='printf "127.0.0.1 localhost moss-guest\n" > "$1/etc/hosts"' \
    --customize-hook='printf "LABEL=moss / ext4 errors=remount-ro 0 1\n" > "$1/etc/fstab"' \
    --customize-hook='printf "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n" > "$1/etc/systemd/network/ether.network"' \
    --customize-hook='echo "nameserver 10.0.2.3" > "$1/etc/resolv.conf"' \
    --customize-hook='chroot "$1" systemctl enable systemd-networkd serial-getty@ttyAMA0' \
    --customize-hook='chroot "$1" systemctl disable systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer' \
    --customize-hook='echo PermitRootLogin yes > "$1/etc/ssh/sshd_config.d/root.conf"' \
    "${SUITE:-bookworm}" "$root" "${MIRROR:-http://deb.debian.org/debian}"

cp -L "$root/vmlinuz" "$dir/linux"
cp -L "$root/initrd.img" "$dir/initrd.gz"
rm -f "$dir/debian.img"
mke2fs -q -t ext4 -L moss -d "$root" "$dir/debian.img" "${SIZE:-4G}"
rm -rf "$root"
say "made $dir/debian.img, linux and initrd.gz; boot them with"
say "  moss-system-aarch64 -M virt -cpu max -smp 2 -m 1G -nographic -kernel $dir/linux -initrd $dir/initrd.gz \\"
say "    -append 'root=LABEL=moss console=ttyAMA0' -drive if=virtio,format=raw,file=$dir/debian.img \\"
say "    -nic user,model=virtio,hostfwd=tcp:127.0.0.1:2222-:22"

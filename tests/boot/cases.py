"""The boot tests: a guest, options, what is typed and waited for. @D is the test's scratch folder."""
import hashlib
import http.server
import os
import re
import resource
import socket
import subprocess
import threading
import time

import disk

# What a guest that computes right prints.
NUMBERS = hashlib.sha256(''.join(f'{i}\n' for i in range(1, 50001)).encode()).hexdigest()
BLOB = hashlib.sha256(b'moss').digest() * (1 << 16)


class Case:
    """`steps`: for tools/drive.py; a list of lists is several runs, one after the other. `prepare(scratch)` runs before
    and gives {name: value} for @NAME in options and steps; `check(scratch)` runs after and says what is wrong. `ends`: the
    exit status. `slow`: not for sanitizers."""

    def __init__(self, guest, args, steps, timeout=200, ends=0, slow=False, prepare=None, check=None):
        self.guest, self.args, self.timeout, self.ends, self.slow = guest, args.split(), timeout, ends, slow
        self.runs = steps if isinstance(steps[0], list) else [steps]
        self.prepare, self.check = prepare, check


def shell(*commands, off='poweroff -f', after=()):
    """Debian's initrd with /bin/sh as init: commands are (line, what it must print)."""
    steps = ['wait=~ # ', 'send=export PS1="@"" "; mount -t proc proc /proc; mount -t sysfs sys /sys; '
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


def typed(prompt, *commands):
    """For firmware and boot loaders, which want a carriage return."""
    return sum((['wait=' + prompt, f'raw={c}\r'] for c in commands), [])


# -- a web server, an echo and two files on the host ------------------------------------------------------------------

class Blob(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', str(len(BLOB)))
        self.end_headers()
        self.wfile.write(BLOB)

    def log_message(self, *_):
        pass


def web(_):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Blob)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return {'PORT': str(server.server_address[1])}


def echo(path):
    """Connects when moss listens, and gives back each line in capitals."""
    s = socket.socket(socket.AF_UNIX)
    while s.connect_ex(path):
        time.sleep(0.05)
    with s.makefile('rwb', 0) as f:
        for line in f:
            f.write(line.upper())


def port_ends(scratch):
    threading.Thread(target=echo, args=(scratch + '/sock',), daemon=True).start()
    os.mkfifo(scratch + '/fifo.in')
    os.mkfifo(scratch + '/fifo.out')

    def pipe():
        with open(scratch + '/fifo.in', 'wb', 0) as to, open(scratch + '/fifo.out', 'rb', 0) as of:
            to.write(b'through a pipe\n')
            with open(scratch + '/piped', 'wb') as f:
                f.write(of.readline())
    threading.Thread(target=pipe, daemon=True).start()


def holds(name, want):
    def check(scratch):
        with open(f'{scratch}/{name}', 'rb') as f:
            have = f.read()
        return None if want in have else f'{name} holds {have[-200:]!r}, not {want!r}'
    return check


def both(*checks):
    return lambda scratch: next(filter(None, (c(scratch) for c in checks)), None)


PORTS = '''-M virt -cpu max -nic none -device virtio-serial-pci,max_ports=8
    -chardev file,id=con,path=@D/console -device virtconsole,chardev=con
    -chardev socket,id=s,path=@D/sock,server=on,wait=off -device virtserialport,chardev=s,name=echo.me
    -chardev pipe,id=p,path=@D/fifo -device virtserialport,chardev=p,name=through.pipe
    -chardev ringbuf,id=r,size=4096 -device virtserialport,chardev=r,name=ring
    -chardev pty,id=y -device virtserialport,chardev=y,name=terminal
    -device virtio-serial-device -chardev null,id=n -device virtserialport,chardev=n,name=nothing'''
PORT_STEPS = shell(
    ('modprobe virtio_pci; modprobe virtio_mmio; modprobe virtio_console; sleep 1; cat /sys/class/virtio-ports/*/name | sort',
     r'echo\.me\s+nothing\s+ring\s+terminal\s+through\.pipe'),
    ('port() { echo /dev/$(grep -l $1 /sys/class/virtio-ports/*/name | cut -d/ -f5); }; port echo.me', r'/dev/vport\dp\d'),
    ('exec 3<>$(port echo.me); echo a line >&3; head -n 1 <&3', r'A LINE'),
    ('seq 1 50000 >&3 & head -n 50000 <&3 | sha256sum', NUMBERS),
    ('head -n 1 <$(port through.pipe)', r'\nthrough a pipe'),
    ('echo and back >$(port through.pipe); echo kept >$(port ring); echo gone >$(port nothing)', ''),
    ('echo from the console >/dev/hvc0; sleep 1', ''))

# -- network -----------------------------------------------------------------------------------------------------------

LEASE = shell(('modprobe virtio_pci; modprobe virtio_mmio; modprobe virtio_net; echo $(ls /sys/class/net)', r'\neth0 lo'),
              ('ip link set eth0 up; udhcpc -i eth0 -n -q', r'lease of 10\.0\.2\.15 obtained'))
CARDS = ['virtio-net-device', 'virtio-net-pci', 'virtio-net-pci,disable-modern=on', 'virtio-net-pci,disable-legacy=on',
         'virtio-net-pci,packed=on', 'virtio-net-pci,event_idx=off,indirect_desc=off,mrg_rxbuf=off',
         'virtio-net-pci,vectors=0', 'virtio-net-device,packed=on']
FETCH = shell(
    ('modprobe virtio_pci; modprobe virtio_mmio; modprobe virtio_net; echo $(ls /sys/class/net | grep -c eth)', rf'\n{len(CARDS)}'),
    ('for i in /sys/class/net/eth*; do i=${i##*/}; ip link set $i up; ip addr add 10.0.2.15/24 dev $i; '
     'wget -q -O - http://10.0.2.2:@PORT/ | sha256sum; ip addr flush dev $i; ip link set $i down; done; echo done',
     rf'({hashlib.sha256(BLOB).hexdigest()}\s+-\s+){{{len(CARDS)}}}done'))

RNG = '''-M virt -cpu cortex-a53 -nic none -device virtio-rng-device -object rng-builtin,id=r
    -device virtio-rng-pci,rng=r,packed=on -device pci-testdev'''
RNG_STEPS = shell(
    ('modprobe virtio_pci; modprobe virtio_mmio; modprobe virtio_rng; cat /sys/class/misc/hw_random/rng_available',
     r'\nvirtio_rng\.\d virtio_rng\.\d'),
    ('for i in 0 1; do echo virtio_rng.$i >/sys/class/misc/hw_random/rng_current; head -c 4096 /dev/hwrng | wc -c; done',
     r'\n4096\s+4096\r'),
    ('cat /sys/bus/pci/devices/*/vendor /sys/bus/pci/devices/*/device', r'0x1b36(?s:.*)0x0005'))

# -- firmware ----------------------------------------------------------------------------------------------------------

VARIABLE = 'setvar moss -guid 12345678-9abc-4def-8123-456789abcdef'
EFI_SHELL = ['wait=in 5 seconds', 'raw=\x1b', *typed('Shell> ', 'ver'), 'wait=UEFI v2']
UBOOT = ['wait=Hit any key', 'raw= ', *typed(
    '=> ', 'virtio scan', 'ls virtio 0:1', 'mw.b ${loadaddr} 6d 1000', 'fatwrite virtio 0:1 ${loadaddr} written 1000',
    'setenv bootargs console=ttyAMA0 rdinit=/bin/sh', 'load virtio 0:1 ${kernel_addr_r} linux',
    'load virtio 0:1 ${ramdisk_addr_r} initrd.gz',
    'booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdt_addr}')]
GRUB = typed('grub> ', 'linux (hd0,gpt1)/linux console=ttyAMA0 rdinit=/bin/sh', 'initrd (hd0,gpt1)/initrd.gz', 'boot')
EFI_KERNEL = shell(('dmesg | grep efi:', r'efi: EFI v2'), ('cat /proc/cpuinfo', 'Features'))


def wrote(scratch):
    return None if disk.read(scratch + '/esp.img', 'written') == b'm' * 0x1000 else 'what U-Boot wrote is not on the disk'


# -- Debian with systemd, from a disk --------------------------------------------------------------------------------

LOGIN = ['wait=login: ', 'send=root', 'wait=Password: ', 'send=moss', 'wait=# ', 'send=exec sh', 'wait=# ',
         'send=PS1="@"" "; dmesg -n 1', 'wait=@ ']
POWER_BUTTON = 'raw=\x01p'


def system(*commands, off='send=poweroff'):
    """Debian with systemd: commands are (line, what it must print)."""
    steps = sum((['send=' + line, 'wait~' + answer, 'wait=@ '] for line, answer in commands), [])
    return [*LOGIN, *steps, off, 'wait=Power down']


PROGRAM = 'int puts(const char *);int main(void){return puts("compiled here")<0;}'
SYSTEM = system((f"echo '{PROGRAM}' >a.c; gcc -O2 a.c && ./a.out", r'\ncompiled here'),
                ("python3 -c 'print(sum(i*i for i in range(100000)))'", r'\n333328333350000'),
                ('stress-ng --verify --timeout 5s --cpu 1 --vm 1 --vm-bytes 32M --atomic 1; echo rc=$?', r'\nrc=0'),
                ('systemctl is-system-running --wait', r'\nrunning'), off=POWER_BUTTON)

URL = '"http://10.0.2.2:@PORT/"'
FETCHED = f'import hashlib,urllib.request as u;print(hashlib.sha256(u.urlopen({URL}).read()).hexdigest())'
PC_SYSTEM = system(('systemctl is-system-running --wait', r'\nrunning'), ('dmesg | grep -c "Call Trace"', r'\n0\r'),
                   (f"python3 -c '{FETCHED}'", hashlib.sha256(BLOB).hexdigest()))

KINDS = ['virtio-blk-pci,packed=on', 'virtio-blk-pci,disable-modern=on', 'virtio-blk-device', 'virtio-blk-device,packed=on',
         'virtio-blk-pci,disable-legacy=on,logical_block_size=4096,physical_block_size=4096,num-queues=2',
         'virtio-blk-pci,event_idx=off,indirect_desc=off', 'virtio-blk-pci,vectors=0', 'virtio-blk-pci,write-cache=off']
BIG = 4
ALL_KINDS = ' '.join(f'-drive if=none,format=raw,id=k{i},file=@D/kind{i} -device {k},drive=k{i},serial=kind{i}'
                     for i, k in enumerate(KINDS))
READ_ONLY = '-drive if=none,format=raw,id=ro,readonly=on,file=@D/kind0.ro -device virtio-blk-pci,drive=ro,serial=ro'
# A file system on each, filled, mounted again, compared and checked.
FILL = ('for i in $(seq 0 %d); do d=$(disk kind$i); mkfs.ext4 -q $d && mount $d /mnt && seq 1 50000 >/mnt/f && '
        'cp -r /usr/include/linux /mnt && umount /mnt && mount $d /mnt && sha256sum </mnt/f && '
        'diff -r /usr/include/linux /mnt/linux && umount /mnt && e2fsck -fn $d >/dev/null 2>&1 && echo fine $i; done; '
        'echo done') % (len(KINDS) - 1)
KIND_STEPS = system(
    ('disk() { echo /dev/$(grep -lx $1 /sys/block/vd*/serial | cut -d/ -f4); }; disk kind0', r'\n/dev/vd.\r'),
    (FILL, rf'(?s)({NUMBERS}\s+-\s+fine \d\s+){{{len(KINDS)}}}done'),
    (f'cd /sys/block/$(basename $(disk kind{BIG})); cat queue/logical_block_size; ls mq | wc -l; cd', r'\n4096\s+2\r'),
    ('head -c 4 $(disk ro); dd if=/dev/zero of=$(disk ro) count=1', r'(?s)kept.*not permitted'))


def kinds(scratch):
    for i in range(len(KINDS)):
        with open(f'{scratch}/kind{i}', 'wb') as f:
            f.truncate(64 << 20)
    with open(f'{scratch}/kind0.ro', 'wb') as f:
        f.write(b'kept'.ljust(1 << 20))


def clean_pc(scratch):
    """A PC's disk: its file system begins at 18 MiB."""
    return clean(f'pc.img?offset={18 << 20}')(scratch)


def clean(*names):
    """Debian's file systems as the host's e2fsck sees them."""
    def check(scratch):
        for name in names:
            r = subprocess.run(['/sbin/e2fsck', '-fn', f'{scratch}/{name}'], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, check=False)
            if r.returncode:
                return f'{name}: ' + r.stdout.decode()
        return None
    return check


STOP = 'raw=\x01x'


def shown(*texts):
    """Texts of a BIOS's screen on the serial port: it moves the cursor between any two letters."""
    return ['wait~' + r'(\r|\x1b\[[0-9;]*H)*'.join(map(re.escape, text)) for text in texts]


# -- the BIOS's services, from a floppy ---------------------------------------------------------------------------------

MONITOR = ['raw=\x01c', 'wait=(qemu) ']  # what is typed goes there from now on; the serial port prints all the same


def at_monitor(*lines):
    return sum((['send=' + line, 'wait=(qemu) '] for line in lines), [])


MONITORED = '-M pc -m 64 -nic none -display none -serial mon:stdio'  # with -nographic the BIOS's screen is there too


def picture(name):
    return [*at_monitor(f'screendump @D/{name}', 'sendkey ret')]


BIOS16 = [*sum((['wait~' + line + ': ok'] for line in
                ['memory', 'floppy', *['disk'] * 5, 'timer', 'clock', 'text', 'planar']), []),
          'wait=look', *MONITOR, *picture('planar'),
          'wait=look colours', *picture('colours'), 'wait=look vesa', *picture('vesa'),
          'wait=press', *at_monitor('sendkey a', 'sendkey shift-a', 'sendkey f11', 'sendkey left'),
          'wait=1e611e4185004be0 keys', 'wait=end']


def pixel(path, x, y):
    """Size and colour, four bits each, of a PPM."""
    with open(path, 'rb') as f:
        kind, size, _, data = f.read().split(b'\n', 3)
    width, height = map(int, size.split())
    at = (y * width + x) * 3
    return kind.decode(), width, height, data[at:at + 3].hex()[::2]


def bios16_left(scratch):
    looks = [('planar', 320, 50, ('P6', 640, 480, '0a0')), ('planar', 320, 200, ('P6', 640, 480, '000')),
             ('planar', 4, 300, ('P6', 640, 480, '0a0')), ('colours', 319, 199, ('P6', 320, 200, '7f0')),
             ('colours', 9, 32, ('P6', 320, 200, '00f')), ('vesa', 320, 20, ('P6', 640, 480, '00a')),
             ('vesa', 320, 150, ('P6', 640, 480, '0a0')), ('vesa', 320, 470, ('P6', 640, 480, 'a0a'))]
    for name, x, y, want in looks:
        have = pixel(f'{scratch}/{name}', x, y)
        if have != want:
            return f'{name}: at {x}, {y} there is {have}, not {want}'
    numbers = set()
    for name in ('ide', 'ahci', 'virtio', 'scsi', 'usb'):
        with open(f'{scratch}/{name}', 'rb') as f:
            f.seek(63 * 512)
            numbers.add(f.read(2).hex())
            f.seek(-127 * 512, os.SEEK_END)
            if f.read(4) != b'\x01\x70\x02\x70':
                return name + ': the last sectors were not written'
    return None if numbers == {f'{0x25 + i:02x}5a' for i in range(5)} else f'first words of the disks: {numbers}'


# While the guest runs the host lets moss write the first half of a disk only, until that is lifted. A screendump into a
# fifo is when to do so: it ends when all of it was read.
LIMITED = '-S ' + ' '.join(f'-global {c}.werror=stop' for c in ('ide-hd', 'virtio-blk-pci', 'scsi-hd', 'usb-storage'))
LIMIT = [*MONITOR, *at_monitor('screendump @D/limit', 'cont'), 'wait=stands still', 'send=info status',
         'wait=paused (io-error)', 'send=info block', 'wait=I/O status:       failed', 'send=screendump @D/lift',
         'wait=(qemu) ', 'send=cont', *['wait=disk: ok'] * 4, STOP]


def limit_processes(scratch, size):
    for p in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{p}/cmdline', 'rb') as f:
                if scratch.encode() in f.read():
                    resource.prlimit(int(p), resource.RLIMIT_FSIZE, size)
        except OSError:
            pass


def half_a_disk(scratch):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def wait():
        for name, size in ('limit', 32 << 20), ('lift', soft):
            with open(f'{scratch}/{name}', 'rb') as f:
                limit_processes(scratch, (size, hard))
                f.read()
    os.mkfifo(scratch + '/limit')
    os.mkfifo(scratch + '/lift')
    threading.Thread(target=wait, daemon=True).start()


# -- the table ---------------------------------------------------------------------------------------------------------

HELLO = ['wait=powers it off', 'send=echo me', 'wait=echo me', 'raw=\x04', 'wait=Goodbye']
PRIMES = ['wait=2262 primes below 20000', 'wait=Goodbye']


def debian(args, steps, **kw):
    return Case('debian', '-m 512M -nographic ' + args, steps, **{'slow': True, **kw})


def big(guest, args, steps, **kw):
    return Case(guest, '-M virt -m 1G -nographic ' + args, steps, **{'slow': True, **kw})


def pc(args, steps, guest='pc', **kw):
    return Case(guest, '-m 512M -nographic -nic none ' + args, steps, **{'slow': True, **kw})


def blank(scratch):
    with open(scratch + '/disk', 'wb') as f:
        f.truncate(8 << 20)


# A port with a card, and one with a bridge and two behind it: MSIs, and INTx turned twice.
PORTS_PCIE = '''-device pcie-root-port,id=rp1,chassis=1,slot=3 -netdev user,id=n1 -device virtio-net-pci,bus=rp1,netdev=n1
    -device pcie-root-port,id=rp2,chassis=1,slot=4 -device pcie-pci-bridge,id=pb,bus=rp2
    -netdev user,id=n2 -device e1000,bus=pb,addr=3,netdev=n2 -device virtio-rng-pci,bus=pb,addr=0'''
BRIDGED = shell(
    ('modprobe virtio_pci; modprobe virtio_net; modprobe e1000; sleep 1; ls /sys/bus/pci/devices', '0000:03:03.0'),
    *((f'ip link set eth{n} up; udhcpc -i eth{n} -n -q; ip link set eth{n} down', r'lease of 10\.0\.2\.15 obtained')
      for n in range(2)), after=['wait=Power down'])


def look_pc(cpus, uname='x86_64', off='poweroff -f'):
    return shell(('uname -a', rf'Linux \S+ \S+ .*{uname}'),
                 ('echo cpus=$(grep -c ^processor /proc/cpuinfo)', rf'\ncpus={cpus}\r'),
                 ('seq 1 50000 | sha256sum', NUMBERS),
                 ("awk 'BEGIN { x = 1; for (i = 0; i < 40; i++) x = (x + 2 / x) / 2; printf \"%.15f\\n\", x }'",
                  r'1\.414213562373095'),
                 ('sleep 1; grep -c : /proc/interrupts; echo rtc $(cat /sys/class/rtc/rtc0/date)', r'rtc 20\d\d-'), off=off,
                 after=['wait=Power down'] if off.startswith('poweroff') else ())


CASES = {
    'pc': pc('-M pc', look_pc(1), slow=False),
    'pc-smp4': pc('-M pc -cpu max -smp 4', look_pc(4)),
    'pc-q35-smp2': pc('-M q35 -cpu max -smp 2', look_pc(2), slow=False),
    'pc-verify': pc('-M pc -cpu max -accel tcg,verify=on,verify-runs=16', look_pc(1), timeout=900),
    'pc-i386': pc('-M pc -cpu qemu32,+pae', look_pc(1, 'i686'), 'pc32'),
    'pc-isa': pc('-M isapc -cpu pentium3 -no-reboot', look_pc(1, 'i686', 'reboot -f'), 'pc32'),
    'pc-isa-screen': Case('pc32', '-M isapc -cpu pentium3 -m 512M -no-reboot -vnc unix:@D/vnc -serial stdio',
                          look_pc(1, 'i686', 'reboot -f'), slow=True),
    'pc-isa-grub': pc('-M isapc -boot a -hda @D/disk', [
        *shown('GNU GRUB', 'GNU/Linux'), 'raw=c', *shown('grub> '), 'raw=ls\r', *shown('(hd0)', '(fd0)', 'grub> '), STOP],
        'grub-floppy', slow=False, prepare=blank),
    'pc-q35-floppy': pc('-M q35 -boot a', [
        *shown('GNU GRUB', 'GNU/Linux'), 'raw=c', *shown('grub> '), 'raw=ls\r', *shown('(fd0)', 'grub> '), STOP],
        'grub-floppy', slow=False),
    'pc-uboot': pc('-M pc -vga none', [*typed('=> ', 'version', 'pci'), 'wait=Bridge device', 'wait==> ', STOP], 'pc-uboot', slow=False),
    'pc-grub-cd': pc('-M pc', [
        'wait=GNU GRUB', 'wait=GNU/Linux', 'raw=c', *typed('grub> ', 'ls'), 'wait=(cd)', *typed('grub> ', 'halt')], 'grub-cd', slow=False),
    'pc-syslinux': pc('-M pc -m 48', [
        'wait=boot:', 'raw=mt\r', 'wait=Memtest86+', 'wait~Errors: 0 ', STOP], 'syslinux'),
    'pc-ipxe': Case('ipxe', '-M pc -m 512M -nographic', ['wait=iPXE', 'wait=boot.ipxe', *look_pc(1)], slow=True),
    'pc-disk': Case('pc-disk', '-M pc -m 1G -smp 2 -nographic', PC_SYSTEM, timeout=600, slow=True, prepare=web, check=clean_pc),
    'pc-q35-disk-ovmf': Case('pc-disk-ovmf', '-M q35 -m 1G -smp 2 -nographic', PC_SYSTEM, timeout=600, slow=True, prepare=web,
                             check=clean_pc),
    'pc-pvh': pc('-M pc', look_pc(1), 'pvh'),
    'pc-q35-pvh': pc('-M q35 -cpu max -smp 2', look_pc(2), 'pvh', slow=False),
    'pc-mp-table': pc('-M q35,acpi=off -smp 2 -no-reboot', shell(
        ('cat /proc/interrupts', r'CPU1(?s:.*)IO-APIC +4-edge +ttyS0'), off='reboot -f')),
    'microvm': pc('-M microvm -cpu max -smp 2 -device virtio-rng-device', shell(
        ('cat /proc/iomem', r'feb02e00-feb02fff : LNRO0005'), ('cat /proc/interrupts', r'CPU1(?s:.*)ttyS0'),
        after=['wait=Power down']), slow=False),
    'microvm-bare': pc('-M microvm,pic=off,pit=off,rtc=off,pcie=on -no-reboot', shell(
        ('ls /sys/bus/pci/devices', r'0000:00:00\.0'), off='reboot -f'), 'pvh'),
    'microvm-no-acpi': pc('-M microvm,acpi=off -no-reboot -device virtio-rng-device', shell(
        ('cat /proc/cmdline', r'virtio_mmio\.device=512@0xfeb00e00:12 '), ('cat /proc/interrupts', 'IO-APIC +4-edge'),
        off='reboot -f')),
    'microvm-qboot': pc('-M microvm -no-reboot', look_pc(1, off='reboot -f'), 'qboot'),
    'microvm-seabios': pc('-M microvm -bios /usr/share/seabios/bios-microvm.bin', [
        *shown('executed automatically'), STOP], 'grub-disk', slow=False),
    'pc-q35-ports': pc(f'-M q35 {PORTS_PCIE}', BRIDGED),
    'pc-q35-ports-ovmf': pc(f'-M q35 -cpu max {PORTS_PCIE}', BRIDGED, 'ovmf-kernel'),
    'ports-virt': debian(f'-M virt -cpu max {PORTS_PCIE}', shell(
        ('modprobe virtio_pci; modprobe virtio_net; sleep 1; ip link set eth0 up; udhcpc -i eth0 -n -q',
         r'lease of 10\.0\.2\.15 obtained'), ('ls /sys/bus/pci/devices', '0000:03:00.0'))),
    'pc-reboot': pc('-M pc', shell(off='reboot -f', after=['wait=can\'t access tty', *look_pc(1)])),
    'pc-seabios': pc('-M pc', ['wait=SeaBIOS (version', 'wait=Booting from Hard Disk', 'wait=No bootable device', STOP],
                     'seabios', slow=False),
    'pc-q35-seabios': pc('-M q35', ['wait=No bootable device', STOP], 'seabios'),
    'pc-memtest': pc('-M q35 -m 48 -smp 2', ['wait~#10 (?s:.*)Errors: 0 ', STOP],
                     'memtest'),
    'pc-bios16': Case('bios16', MONITORED, BIOS16, check=bios16_left),
    'pc-bios16-full': Case('bios16', f'{MONITORED} {LIMITED}', LIMIT, prepare=half_a_disk),
    'pc-bios16-hostile': Case('bios16', MONITORED + ' -accel tcg,hostile=on', BIOS16, slow=True, check=bios16_left),
    'pc-ovmf': pc('-M q35 -cpu max', [*EFI_SHELL, *typed('Shell> ', 'reset -s')], 'ovmf'),
    'pc-ovmf-kernel': pc('-M q35 -cpu max -smp 2', look_pc(2), 'ovmf-kernel'),
    'small': Case('small', '-nographic', HELLO, 60),
    'small-stdio': Case('small', '-display none -serial stdio', HELLO, 60),
    'primes': Case('primes', '-nographic -cpu max', PRIMES, 60),
    'primes-interp': Case('primes', '-nographic -accel tcg,interp=on', PRIMES, 120),
    'primes-verify': Case('primes', '-nographic -accel tcg,verify=on', PRIMES, 240),
    'primes-verify-smp2': Case('primes', '-nographic -smp 2 -accel tcg,verify=on', PRIMES, 240),
    'small-hostile': Case('small', '-nographic -smp 4 -accel tcg,hostile=on', HELLO, 60),
    'primes-hostile': Case('primes', '-nographic -smp 2 -accel tcg,hostile=on', PRIMES, 120),
    'verify-smp2': debian('-M virt -cpu max -smp 2 -nic none -accel tcg,verify=on,verify-runs=64', look(2)),
    'hostile-smp1': debian('-M virt -cpu max -smp 1 -nic none -accel tcg,hostile=on', look(1), timeout=900),
    'hostile-smp2': debian('-M virt -cpu cortex-a57 -smp 2 -nic none -accel tcg,hostile=on', look(2), timeout=900),
    'hostile-smp4': debian('-M virt -cpu max -smp 4 -nic none -accel tcg,hostile=on', look(4), timeout=900),
    'primes-step': Case('primes', '-nographic -singlestep', PRIMES, 240),
    'smp1-gic2': debian('-M virt,gic-version=2 -cpu cortex-a57 -smp 1 -nic none', look(1), slow=False),
    'smp1-gic3': debian('-M virt,gic-version=3 -cpu cortex-a57 -smp 1 -nic none', look(1)),
    'smp2-gic2': debian('-M virt,gic-version=2 -cpu cortex-a72 -smp 2 -nic none', look(2)),
    'smp2-gic3': debian('-M virt,gic-version=3 -cpu max -smp 2 -nic none', look(2), slow=False),
    'el2': debian('-M virt,gic-version=3,virtualization=on -cpu max -smp 2 -nic none', look(2)),
    'network-pci': debian('-M virt -cpu max', LEASE),
    'network-mmio': debian('-M virt -cpu max -netdev user,id=n -device virtio-net-device,netdev=n', LEASE),
    'network-cards': debian('-M virt -cpu max ' + ' '.join(
        f'-netdev user,id=n{i} -device {c},netdev=n{i}' for i, c in enumerate(CARDS)), FETCH, prepare=web),
    'entropy': debian(RNG, RNG_STEPS),
    'ports': debian(PORTS, PORT_STEPS, prepare=port_ends,
                    check=both(holds('console', b'from the console'), holds('piped', b'and back'))),
    'no-reboot': debian('-M virt -cpu max -nic none -no-reboot', shell(off='reboot -f')),
    'reboot': debian('-M virt -cpu max -smp 2 -nic none',
                     shell(off='reboot -f', after=['wait=can\'t access tty', *look(2)])),
    'installer': big('installer', '-cpu max -smp 2', ['wait=Select a language', 'wait=English', 'raw=\r',
                                                      'wait=Select your location', STOP]),
    'disk': big('disk', '-cpu max -smp 2', SYSTEM, check=clean('debian.img')),
    'disk-kinds': big('disk', f'-cpu max -smp 2 -nic none {ALL_KINDS} {READ_ONLY}', KIND_STEPS, prepare=kinds,
                      check=clean(*(f'kind{i}' for i in range(len(KINDS))))),
    'firmware': big('firmware', '-cpu cortex-a57 -nic none', [*EFI_SHELL, *typed('Shell> ', 'reset -s')]),
    'firmware-vars': big('firmware-flash', '-cpu max -nic none', [
        [*EFI_SHELL, *typed('Shell> ', VARIABLE + ' -nv -bs ="kept"', 'reset -s')],
        [*EFI_SHELL, *typed('Shell> ', VARIABLE), 'wait~6B 65 70 74', *typed('Shell> ', 'reset -s')]]),
    'firmware-disk': big('firmware-disk', '-cpu max -smp 2 -nic none', [*GRUB, *EFI_KERNEL]),
    'firmware-kernel': big('firmware-kernel', '-cpu cortex-a72 -smp 2 -nic none', EFI_KERNEL),
    'firmware-net': big('firmware-net', '-cpu max -smp 2', [
        'wait=*Install', 'raw=\r', 'wait=Select a language', 'wait=English', STOP]),
    'uboot': big('uboot', '-cpu cortex-a57', [*UBOOT, *shell(('uname -a', 'aarch64'))], check=wrote),
}

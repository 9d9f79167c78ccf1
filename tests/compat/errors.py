#!/usr/bin/env python3
"""What moss says when the command line is wrong: one sentence, exit status 1, nothing on stdout. Where scripts search
for QEMU's words (kvm-unit-tests: the kernel that is not there, too many processors), the words are the same."""
import resource
import struct

from harness import QEMU, folder, main, moss, small_guest

# Arguments, and all of stderr behind "qemu-system-aarch64: ".
SENTENCES = [
    ([], 'No machine specified, and there is no default\nUse -machine help to list supported machines'),
    (['-foo'], '-foo: invalid option'),
    (['--serail'], '--serail: invalid option; did you mean -serial?'),
    (['-kernel'], '-kernel: requires an argument: FILE'),
    (['-M', 'vrt'], "unsupported machine type 'vrt' (did you mean 'virt'?)\nUse -machine help to list supported machines"),
    (['-M', 'virt,gic-verson=3'], "Property 'virt-7.2-machine.gic-verson' not found; did you mean 'gic-version'?"),
    (['-M', 'virt', '-machine', 'foo=1'], "Property 'virt-7.2-machine.foo' not found"),
    (['-M', 'virt', '-smp', '999'], "Invalid SMP CPUs 999. The max CPUs supported by machine 'virt-7.2' is 512"),
    (['-M', 'virt', '-smp', '0'], '-smp 0: Invalid CPU topology: cpus must be greater than zero'),
    (['-M', 'virt', '-smp', '4,maxcpus=2'], 'Invalid CPU topology: maxcpus must be equal to or greater than smp'),
    (['-M', 'virt', '-m', 'lots'],
     "-m lots: Parameter 'size' expects a non-negative number below 2^64, such as 512M or 4G"),
    (['-M', 'virt', '-accel', 'warp'], 'invalid accelerator warp'),
    (['-M', 'virt', '-accel', 'tcg,hostle=on'], "-accel tcg has no option 'hostle': did you mean 'hostile'?"),
    (['-M', 'virt,accel=warp'], 'invalid accelerator warp'),
    (['-M', 'virt', '-kernel', '_NO_FILE_'], "could not load kernel '_NO_FILE_': No such file or directory"),
    (['-M', 'virt', '-bios', '_NO_FILE_'], "Could not find ROM image '_NO_FILE_'"),
    (['-M', 'virt', '-initrd', 'x'], '-initrd only allowed with -kernel option'),
    (['-M', 'virt', '-append', 'x'], '-append only allowed with -kernel option'),
    (['-M', 'virt', '-device', 'virtio-nett-pci'],
     "-device virtio-nett-pci: 'virtio-nett-pci' is not a valid device model name; did you mean 'virtio-net-pci'?"),
    (['-M', 'virt', '-device', 'pl011'], "-device pl011: 'pl011' is part of a board and cannot be added"),
    (['-M', 'virt', '-device', 'ICH9-LPC'], '-device ICH9-LPC: ICH9-LPC: it needs ports, which this machine has not'),
    (['-M', 'virt', '-device', 'virtio-rng-pci,foo=1'],
     "-device virtio-rng-pci,foo=1: Property 'virtio-rng-pci.foo' not found"),
    (['-M', 'virt', '-device', 'virtio-rng-pci,id=a', '-device', 'virtio-rng-pci,id=a'],
     "-device virtio-rng-pci,id=a: Duplicate ID 'a' for device"),
    (['-M', 'virt', '-netdev', 'user'], "-netdev user: Parameter 'id' is missing"),
    (['-M', 'virt', '-drive', 'if=floppy,file=COPYING,format=raw,readonly=on'],
     '-drive if=floppy,file=COPYING,format=raw,readonly=on: if=floppy: this board takes virtio, pflash and none'),
    (['-M', 'virt', '-object', 'foo,id=a'],
     "-object foo,id=a: moss has no object 'foo' (-object help lists them)"),
    (['-M', 'virt', '-object', 'rng-randon,id=a'],
     "-object rng-randon,id=a: moss has no object 'rng-randon'; did you mean 'rng-random'?"),
    (['-M', 'virt', '-object', 'rng-random,id=a', '-object', 'rng-random,id=a'],
     "-object rng-random,id=a: there is an object 'a' already"),
    (['-M', 'virt', '-m', '1G', '-object', 'memory-backend-ram,id=r,size=2G', '-machine', 'memory-backend=r'],
     "-m says 1024 MiB and memory-backend 'r' has 2048 MiB: they must agree"),
    (['-M', 'virt', '-machine', 'memory-backend=r'], "there is no memory-backend 'r'"),
    (['-M', 'virt', '-numa', 'node', '-numa', 'node'],
     '-numa node: not there yet: moss has no NUMA: more than one node'),
    (['-M', 'virt', '-m', '2G,maxmem=1G'],
     '-m 2G,maxmem=1G: invalid value of maxmem: it is less than the memory at the start'),
    (['-M', 'virt', '-smp', '2,cores=4'],
     'Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (0) * clusters (1) * cores (4) * '
     'threads (1) != maxcpus (2)'),
    (['-M', 'virt', '-smp', 'cores=99999999999,threads=99999999999'],
     "Invalid CPU topology: far more processors than the 512 of machine 'virt-7.2'"),
    (['-M', 'virt', '-smp', '2,dies=2'], "dies not supported by this machine's CPU topology"),
    (['-M', 'virt', '-cpu', 'host'],
     "-cpu host: the host's own processor needs KVM, which is not there; use -cpu max"),
    (['-M', 'virt', '-device', 'loader,addr=1'],
     '-device loader,addr=1: expected one of file=, data= and cpu-num='),
    (['-M', 'virt', '-device', 'loader,file=COPYING'],
     "-device loader,file=COPYING: 'COPYING' is no ELF file, so addr= has to say where it goes"),
    (['-M', 'virt', '-device', 'loader,cpu-num=3'],
     '-device loader,cpu-num=3: cpu-num=3: the last processor is 0'),
    (['-M', 'virt', '-device', 'loader,data=256,data-len=1'],
     '-device loader,data=256,data-len=1: data=0x100 does not fit into data-len=1'),
    (['-M', 'virt', '-echr', 'x'],
     "-echr x: Bad argument to echr: expected a character's number up to 255, such as 1 for Ctrl-A"),
    (['-M', 'virt', '-seed', 'x'], '-seed x: Invalid seed number: x'),
    (['-M', 'virt', '-watchdog-action', 'x'],
     '-watchdog-action x: expected one of reset, shutdown, poweroff, inject-nmi, pause, debug, none'),
    (['-M', 'virt', '-display', 'gkt'],
     "-display gkt: Parameter 'type' does not accept value 'gkt'; did you mean 'gtk'?"),
    (['-M', 'virt', '-readconfig', '/nonexistent'],
     "-readconfig /nonexistent: Could not open '/nonexistent': No such file or directory"),
    (['-M', 'virt', '-readconfig', 'meson_options.txt'],
     "-readconfig meson_options.txt: meson_options.txt:1: expected [section], [section \"id\"] or key = \"value\", not "
     "'option('slirp', type: 'feature', value: 'auto', description: 'user networking by libslirp')'"),
    (['-M', 'virt', '-uuid', '12'], '-uuid 12: failed to parse UUID string: wrong format'),
    (['-M', 'virt', '-rtc', 'base=today'],
     "invalid datetime format 'today'\nvalid formats: '2006-06-17T16:01:21' or '2006-06-17'"),
    (['-M', 'virt', '-action', 'reboot=sleep'], '-action reboot=sleep: reboot=sleep: expected one of reset, shutdown'),
    (['-M', 'virt', '-nographic', '-daemonize'], '-nographic cannot be used with -daemonize'),
    (['-M', 'none'], "machine 'none' has nothing to run: moss takes it to list things only"),
]

# Options that QEMU has and moss does not: known, and refused.
NOT_THERE = [('-icount', 'shift=3'), ('-gdb', 'tcp::1234'), ('-s',), ('-qmp', 'stdio'), ('-incoming', 'defer'),
             ('-loadvm', 'x'), ('-spice', 'port=1'), ('-fsdev', 'local,id=f,path=/'),
             ('-virtfs', 'local,path=/,mount_tag=r'), ('-tpmdev', 'emulator,id=t'),
             ('-plugin', 'x'), ('-trace', 'x'), ('-sd', 'x'),
             ('-mem-path', '/dev/shm'), ('-add-fd', 'fd=3,set=1'), ('-audiodev', 'pa,id=a'),
             ('-runas', 'nobody'), ('-mon', 'chardev=m,mode=control'),
             ('-device', 'ich9-usb-uhci1'), ('-device', 'virtio-gpu-gl-pci'), ('-device', 'megasas,id=s'),
             ('-device', 'ne2k_pci'), ('-device', 'virtio-9p-pci'), ('-device', 'vhost-user-fs-pci')]


def sentences():
    for args, text in SENTENCES:
        moss(*args).exits(1).prints(r'\A\Z').says(f'{QEMU}: {text}\n')


def refusals():
    for args in NOT_THERE:
        moss('-M', 'virt', *args).exits(1).prints(r'\A\Z').warns(rf'\A{QEMU}: {args[0]}.*: not there yet: moss has no .*\n\Z')


# As of ulimit -f.
def limits():
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    moss('-M', 'virt', '-display', 'none').exits(1).warns(rf'\A{QEMU}: cannot make the code cache of .*: File too large\n\Z')
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Under its own names moss looks at a file.
def guesses():
    with folder() as where:
        junk = f'{where}/junk'
        with open(junk, 'w', encoding='ascii') as f:
            f.write('neither this nor that\n')
        moss(junk, name='moss').exits(1).says(f"moss: '{junk}': cannot tell what this is; name a machine with -machine, "
                                              'and say -kernel or -drive\n')
        moss('/nonexistent', name='moss').exits(1).says("moss: Could not open '/nonexistent': No such file or directory\n")
        elf = f'{where}/elf'
        with open(elf, 'wb') as f:
            f.write(b'\x7fELF\x02\x01\x01'.ljust(18, b'\0') + b'\xf3\0' + bytes(100))
        moss(elf, name='moss').exits(1).says(f"moss: '{elf}' is an ELF program for RISC-V: moss has no machine for it yet\n")
        guest = small_guest(where, '--batch')
        moss(guest).exits(1)  # as QEMU: a disk, and no machine
        moss(guest, '-display', 'none', '-serial', 'stdio', name='moss').exits(0).silent().prints('Goodbye')


def elf32(path, code):
    """An i386 program whose bytes are at 1 MiB."""
    head = struct.pack('<16sHHIIIIIHHHHHH', b'\x7fELF\1\1\1', 2, 3, 1, 0x100000, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack('<8I', 1, 84, 0x100000, 0x100000, len(code), len(code), 5, 0)
    with open(path, 'wb') as f:
        f.write(head + segment + code)


def pcs():
    x86 = 'qemu-system-x86_64'
    with folder() as where:
        junk, program = f'{where}/junk', f'{where}/program'
        with open(junk, 'w', encoding='ascii') as f:
            f.write('neither this nor that\n')
        for board in ('pc', 'q35', 'isapc', 'microvm'):  # and nothing is said of what no processor has yet
            moss('-M', board, '-cpu', 'max', '-d', 'unimp', '-nographic', '-kernel', junk, name=x86).exits(1).says(
                f"{x86}: could not load kernel '{junk}': it is no kernel for this board: expected a bzImage, an ELF file or "
                'a Multiboot image\n')
        elf32(program, b'\xcd\x80\x0f\x0b')
        moss('-M', 'pc', '-d', 'int', '-no-reboot', '-nographic', '-nic', 'none', '-kernel', program, name=x86).exits(0).warns(
            r'cpu0: INT 0x80 at CPL0, pc 0x100000\ncpu0: exception 0x0d \(#GP\) at CPL0, pc 0x100000, error 0x402 CR2 0\n')


main(pcs, sentences, refusals, limits, guesses)

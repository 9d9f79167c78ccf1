#!/usr/bin/env python3
"""What `help` lists, as the scripts that search it do: kvm-unit-tests, virtme-ng, lima, OSBuild, labgrid."""
from harness import main, moss


def versions():
    moss('-version').exits(0).silent().prints(r'\AQEMU emulator version 7\.2\.0 \(moss \d+\.\d+\.\d+\)$')
    moss('--version', name='moss').exits(0).silent().prints(r'\Amoss version \d+\.\d+\.\d+, .* version 7\.2\.0$')
    for opt in ('-h', '-help', '--help'):
        moss(opt).exits(0).silent().prints(r'\AQEMU emulator version 7\.2\.0 ', r'^usage: qemu-system-aarch64 \[options\]',
                                            r'^  -machine NAME', r'^  -gdb SPEC')
    moss('-help', name='moss').exits(0).prints(r'\Amoss version ', r'^usage: moss ')


def machines():
    for word in ('?', 'help'):
        moss('-machine', word).exits(0).silent().prints(
            r'\ASupported machines are:$', r'^virt {17}QEMU 7\.2 ARM Virtual Machine \(alias of virt-7\.2\)$',
            r'^virt-7\.2 {13}QEMU 7\.2 ARM Virtual Machine$', r'^none +empty machine$')
        moss('-M', f'virt,{word}').exits(0).silent().prints(r'\Avirt-7\.2-machine options:$', r'^  gic-version=<',
                                                             r'^  virtualization=<bool>', r'^  dumpdtb=<')
    moss('-machine', r'virt,\?').exits(0).prints(r'gic-version')
    moss('-M', 'help', name='qemu-system-i386').exits(0).silent().prints(
        r'^pc {19}Standard PC .*\(alias of pc-i440fx-7\.2\)$', r'^q35 ', r'^isapc {16}ISA-only PC$',
        r'^microvm {14}microvm \(i386\)$')
    moss('-M', 'microvm,help', name='qemu-system-x86_64').exits(0).prints(r'^  auto-kernel-cmdline=<bool>', r'^  isa-serial=<')


def processors_and_accelerators():
    for args in (('-cpu', '?'), ('-M', 'virt', '-cpu', 'help'), ('-M', 'none', '-cpu', 'help')):
        moss(*args).exits(0).silent().prints(r'\AAvailable CPUs:$', r'^  cortex-a57$', r'^  max$')
    moss('-accel', 'tcg,help').exits(0).silent().prints(r'\Atcg options:$', r'^  verify=<on\|off>', r'^  tb-size=<')
    for args in (('-accel', 'help'), ('-M', 'none', '-accel', 'help')):
        r = moss(*args).exits(0).silent()
        if r.out != 'Accelerators supported in QEMU binary:\ntcg\n':
            r.fail('exactly the header and tcg expected')


def devices():
    for args in (('-device', '?'), ('-M', 'virt', '-device', 'help')):
        moss(*args).exits(0).silent().prints(
            r'^name "virtio-net-pci", bus PCI, alias "virtio-net"', r'^name "virtio-blk-device", bus virtio-bus',
            r'^name "virtconsole", bus virtio-serial', r'^name "pci-testdev", bus PCI').prints_not(r'"pl011"')
    moss('-device', 'virtio-blk-pci,help').exits(0).silent().prints(r'\Avirtio-blk-pci options:$', r'^  drive=<drive>',
                                                                    r'^  serial=<str>')
    moss('-device', 'virtio-blk,?').exits(0).prints(r'\Avirtio-blk-pci options:$')


def back_ends():
    moss('-M', 'virt', '-chardev', '?').exits(0).silent().prints(
        r'\AAvailable chardev backend types:$', r'^  stdio$', r'^  socket$', r'^  pipe$', r'^  testdev$', r'^  ringbuf$')
    moss('-chardev', 'socket,help').exits(0).prints(r'^  path=<', r'^  server=<', r'^  logfile=<')
    moss('-M', 'none', '-netdev', 'help').exits(0).silent().prints(r'\AAvailable netdev backend types:$', r'^user$',
                                                                   r'^tap$', r'^hubport$', r'^socket$')
    moss('-netdev', 'user,help').exits(0).prints(r'^  hostfwd=<')
    moss('-drive', 'help').exits(0).prints(r'^  if=<', r'^  file=<', r'^  readonly=<')
    moss('-object', 'help').exits(0).prints(r'\AList of user creatable objects:$', r'^  rng-random$')
    moss('-display', 'help').exits(0).prints(r'^none$')
    moss('-audiodev', 'help').exits(0).prints(r'^none$')
    moss('-d', 'help').exits(0).prints(r'\ALog items \(comma separated\):$', r'^in_asm ', r'^int ', r'^guest_errors ', r'^unimp ')


main(versions, machines, processors_and_accelerators, devices, back_ends)

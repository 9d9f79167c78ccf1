#!/usr/bin/env python3
"""What firmware is told through fw_cfg: -boot, bootindex, -smbios, -uuid, -fw_cfg. A guest of a few instructions copies
every item to the serial port; what is expected is what QEMU 7.2 puts there."""
import struct
import uuid

from harness import QEMU, bare, check, folder, main, mkguest, moss

FW_CFG, ITEMS, ITEM_LEN = 0x09020000, 0x40, 2048
UUID_KEY, NOGRAPHIC_KEY, CPUS_KEY, MENU_KEY, DIR_KEY = 0x02, 0x04, 0x05, 0x0e, 0x19


def copy_all(a):
    a.mov32(19, mkguest.UART)
    a.mov32(20, FW_CFG)
    a.movz(21, 0)
    a.label('item')
    a.emit(0x5ac00400 | 21 << 5 | 1)  # rev16 w1, w21
    a.emit(0x79001000 | 20 << 5 | 1)  # strh w1, [x20, #8]
    a.movz(22, 0)
    a.label('byte')
    a.ldrb_post(1, 20, 0)
    a.str_w(1, 19, mkguest.DR)
    a.add_imm(22, 22, 1)
    a.cmp_imm(22, ITEM_LEN)
    a.bcond(mkguest.LO, 'byte')
    a.add_imm(21, 21, 1)
    a.cmp_imm(21, ITEMS)
    a.bcond(mkguest.LO, 'item')
    a.mov32(0, mkguest.PSCI_SYSTEM_OFF)
    a.hvc(0)


def read(where, *args):
    """Keys by number, files by name."""
    image, out = bare(where, 'copy.img', copy_all), f'{where}/items'
    moss('-M', 'virt', '-net', 'none', '-display', 'none', '-serial', f'file:{out}', '-kernel', image, *args).exits(0)
    with open(out, 'rb') as f:
        raw = f.read()
    items = {k: raw[k * ITEM_LEN:(k + 1) * ITEM_LEN] for k in range(ITEMS)}
    d = items[DIR_KEY]
    for i in range(struct.unpack('>I', d[:4])[0]):
        size, key, _, name = struct.unpack('>IHH56s', d[4 + 64 * i:68 + 64 * i])
        items[name.rstrip(b'\0').decode()] = items[key][:size]
    return items


def tables(raw):
    """SMBIOS: {type: [(formatted part, strings)]}"""
    found = {}
    while raw:
        kind, length = raw[0], raw[1]
        end = raw.index(b'\0\0', length)
        strings = raw[length:end].split(b'\0')
        found.setdefault(kind, []).append((raw[:length], [s.decode() for s in strings if s]))
        raw = raw[end + 2:]
    return found


def nothing_said():
    with folder() as where:
        i = read(where, '-smp', '3')
        check(i[CPUS_KEY][:2] == b'\3\0' and i[UUID_KEY][:16] == bytes(16) and i[MENU_KEY][:2] == b'\0\0', 'keys')
        check('bootorder' not in i and 'etc/boot-menu-wait' not in i, 'no boot order')
        check(i['etc/boot-fail-wait'] == b'\xff' * 4, 'firmware never restarts by itself')
        check(i['etc/smbios/smbios-anchor'].hex() == '5f534d335f001803000001000a0100000000000000000000', 'entry point')
        want = ('011b0001010203000000000000000000000000000000000006000051454d5500'
                '51454d55205669727475616c204d616368696e6500766972742d372e32000003'
                '16000301010200000303030200000000000000000051454d5500766972742d37'
                '2e3200000430000401030102000000000000000003000000d007d0074101ffff'
                'ffffffff0000000303030200010003000300030043505520300051454d550076'
                '6972742d372e3200001017001001030600000200feff01000000000000000000'
                '0000112800110010feffffffffff800009000100070200000002000000000000'
                '0000000000000000000044494d4d20300051454d550000200b00200000000000'
                '000000007f04007f0000')
        check(i['etc/smbios/smbios-tables'].hex() == want, 'tables')


def boot_order():
    with folder() as where:
        disk = f'{where}/disk'
        with open(disk, 'wb') as f:
            f.truncate(1 << 20)
        drive = f'if=none,file={disk},format=raw,readonly=on,id='
        i = read(where, '-boot', 'menu=on,splash-time=3000', '-boot', 'strict=on,reboot-timeout=5,order=dc,once=n',
                 '-drive', drive + 'a', '-device', 'virtio-blk-device,drive=a,bootindex=3',
                 '-drive', drive + 'b', '-device', 'virtio-blk-pci,drive=b,bootindex=1,addr=3.1',
                 '-netdev', 'user,id=n', '-device', 'virtio-net-device,netdev=n,bootindex=2',
                 '-netdev', 'user,id=m', '-device', 'virtio-net-pci,netdev=m,bootindex=0,addr=4', '-device', 'virtio-rng-pci')
        check(i['bootorder'].decode() ==
              '/pci@ffffffffffffffff/ethernet@4/ethernet-phy@0\n/pci@ffffffffffffffff/scsi@3,1/disk@0,0\n'
              '/virtio-mmio@000000000a003c00/ethernet-phy@0\n/virtio-mmio@000000000a003e00/disk@0,0\nHALT\0',
              f'boot order: {i["bootorder"]}')
        check(i[MENU_KEY][:2] == b'\1\0' and i['etc/boot-menu-wait'] == b'\xb8\x0b', 'menu')
        check(i['etc/boot-fail-wait'] == b'\5\0\0\0', 'restart')
        for args, text in (
                (('-device', 'virtio-net-pci,bootindex=1', '-device', 'virtio-net-device,bootindex=1'),
                 'The bootindex 1 has already been used'),
                (('-boot', 'order=cz'), "-boot order=cz: Invalid boot device 'z'"),
                (('-boot', 'cc'), "-boot cc: Boot device 'c' was given twice"),
                (('-boot', 'menu=maybe'), '-boot menu=maybe: menu=maybe: expected on or off'),
                (('-boot', 'splash-time=70000'),
                 '-boot splash-time=70000: splash-time=70000: expected milliseconds up to 65535'),
                (('-boot', 'mneu=on'), "-boot mneu=on: -boot has no option 'mneu': did you mean 'menu'?")):
            moss('-M', 'virt', *args).exits(1).says(f'{QEMU}: {text}\n')


def identity():
    with folder() as where:
        text, name = f'{where}/text', '01234567-89ab-cdef-0123-456789abcdef'
        with open(text, 'w', encoding='ascii') as f:
            f.write('from a file')
        i = read(where, '-uuid', name, '-smp', 'sockets=2,cores=3,threads=1', '-m', '20G',
                 '-smbios', 'type=0,vendor=V,release=1.2,uefi=on', '-smbios', 'type=1,manufacturer=a,,b,serial=S',
                 '-smbios', 'type=2,asset=A', '-smbios', 'type=4,sock_pfx=P,max-speed=5', '-smbios', 'type=17,bank=B',
                 '-smbios', 'type=11,value=one,value=two', '-smbios', f'type=11,path={text}')
        check(i[UUID_KEY][:16] == uuid.UUID(name).bytes, 'the UUID')
        t = tables(i['etc/smbios/smbios-tables'])
        check(sorted(t) == [0, 1, 2, 3, 4, 11, 16, 17, 32, 127], f'which tables: {sorted(t)}')
        check(t[0][0][0].hex() == '00180000010000e800000800000000000000001c0102ffff' and t[0][0][1] == ['V'], 'type 0')
        check(t[1][0][0][8:24] == uuid.UUID(name).bytes_le, 'the UUID in type 1')
        check(t[1][0][1] == ['a,b', 'QEMU Virtual Machine', 'virt-7.2', 'S'], 'type 1')
        check([s[1][0] for s in t[4]] == ['P 0', 'P 1'] and t[4][1][0][35] == 3, 'a socket a table')
        check(t[11][0] == (bytes((11, 5, 0, 14, 3)), ['one', 'two', 'from a file']), 'strings')
        check([struct.unpack('<H', m[0][12:14])[0] for m in t[17]] == [16384, 4096], 'memory in modules of 16 GiB')
        i = read(where, '-smbios', f'type=1,uuid={name}')
        check(i[UUID_KEY][:16] == uuid.UUID(name).bytes, 'the UUID by -smbios')
        for args, said in (('type=1,sreial=x', "-smbios: type=1 has no 'sreial'; did you mean 'serial'?"),
                           ('type=99', '-smbios: type=99: moss makes the types 0, 1, 2, 3, 4, 11 and 17'),
                           ('foo=1', '-smbios: expected type=N, a table of DSP0134'),
                           ('type=0,release=x', '-smbios: type=0,release=x: expected MAJOR.MINOR, such as 1.2')):
            moss('-M', 'virt', '-smbios', args).exits(1).says(f'{QEMU}: {said}\n')


def files():
    with folder() as where:
        text = f'{where}/a,b'
        with open(text, 'w', encoding='ascii') as f:
            f.write('text')
        typed = text.replace(',', ',,')
        i = read(where, '-fw_cfg', 'name=opt/one,string=a,,b', '-fw_cfg', f'opt/two,file={typed}')
        check(i['opt/one'] == b'a,b' and i['opt/two'] == b'text', 'files for the guest')
        moss('-M', 'virt', '-fw_cfg', 'opt/a').exits(1).says(
            f'{QEMU}: -fw_cfg opt/a: expected a name, and one of file= and string=\n')
        moss('-M', 'virt', '-fw_cfg', 'opt/a,string=x', '-fw_cfg', 'opt/a,string=y').exits(1).says(
            f'{QEMU}: -fw_cfg opt/a,string=y: duplicate fw_cfg file name: opt/a\n')


main(nothing_said, boot_order, identity, files)

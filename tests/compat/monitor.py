#!/usr/bin/env python3
"""The monitor, as scripts and people use it: on a socket, on a terminal's stream, behind Ctrl-A c."""
import os
import re
import socket
import subprocess

from harness import check, folder, main, moss, path, small_guest, start, until

PROMPT = '(qemu) '


class Monitor:
    def __init__(self, where, *args, kernel=True):
        self.where = where
        sock = f'{where}/mon'
        guest = ['-M', 'virt', '-kernel', small_guest(where)] if kernel else []
        self.p = start([*guest, '-display', 'none', '-serial', f'file:{where}/out', '-net', 'none', '-name', 'box',
                        '-monitor', f'unix:{sock},server=on,wait=off', *args],
                       **({} if kernel else {'name': 'qemu-system-x86_64'}))
        self.s = socket.socket(socket.AF_UNIX)
        until(lambda: self.s.connect_ex(sock) == 0, 'the monitor to listen')
        self.s.settimeout(30)
        self.banner = self.answer()

    def answer(self):
        seen = ''
        while not seen.endswith(PROMPT):
            part = self.s.recv(4096).decode()
            if not part:
                break
            seen += part
        return re.sub(r'\x1b\[\w*', '', seen).replace('\r\n', '\n').removesuffix(PROMPT)

    def __call__(self, line):
        self.s.sendall(line.encode() + b'\n')
        return self.answer().removeprefix(line + '\n')

    def says(self, line, want):
        got = self(line)
        check(got == want, f'{line}: expected {want!r}, got {got!r}')

    def like(self, line, regex):
        got = self(line)
        check(re.search(regex, got, re.M), f'{line}: expected {regex}, got {got!r}')

    def end(self):
        self.s.sendall(b'quit\n')
        check(self.p.wait(30) == 0, 'quit: status 0')


def answers():
    with folder() as where:
        m = Monitor(where)
        check(m.banner.startswith('QEMU 7.2.0 monitor - type \'help\' for more information\n'), f'banner: {m.banner!r}')
        m.says('info status', 'VM status: running\n')
        m.says('stop', '')
        m.says('info status', 'VM status: paused\n')
        m.says('info name', 'box\n')
        m.says('info uuid', '00000000-0000-0000-0000-000000000000\n')
        m.says('info cpus', '* CPU #0:\n')
        m.like('info registers', r'^ PC=[0-9a-f]{16} X00=')
        m.says('p $pc-$pc+0x10', '16\n')
        m.says('print /x (1 << 12) | 1', "print: extraneous characters at the end of line: '| 1'\n"
               'Try "help print" for more information\n')
        m.says('p/x 1<<12|1', '0x1001\n')
        m.says('nosuch', "unknown command: 'nosuch'\n")
        m.says('info nosuch', "unknown command: 'info nosuch'\n")
        m.says('help x', "x /fmt addr -- virtual memory dump starting at 'addr'\n")
        m.like('help', r'^quit\|q -- quit the emulator$')
        m.like('help info', r'^info status -- ')
        m.like('info mtree', r'uart0')
        m.like('info mtree -f', r'ram')
        m.like('info qtree', r'dev: pl011, id "uart0"')
        m.says('sendkey nosuch', 'invalid parameter: nosuch\n')
        m.says('eject nosuch', "Error: Device 'nosuch' not found\n")
        m.like('screendump /nowhere', 'Error: ')
        m.says('c', '')
        m.says('info status', 'VM status: running\n')
        def starts():
            with open(f'{where}/out', encoding='utf-8') as f:
                return f.read().count('powers it off')
        until(lambda: starts() == 1, 'the guest to start')
        m.says('system_reset', '')
        until(lambda: starts() == 2, 'the guest to start again')
        m.end()


def passwords():
    with folder() as where:
        m = Monitor(where, '-device', 'ramfb', '-vnc', f'unix:{where}/vnc,password=on')
        m.says('info vnc', f'default:\n  Server: {where}/vnc (unix)\n    Auth: vnc (Sub: none)\n')
        m.says('set_password vnc abc', '')
        m.says('set_password vnc abc fail', 'Error: invalid parameter value: fail\n')
        m.says('set_password spice abc', 'Error: SPICE is not in use\n')
        m.says('expire_password vnc +3600', '')
        m.says('expire_password vnc soon', 'Error: expected now, never, +SECONDS or seconds since 1970, not soon\n')
        m.says('change vnc password abc', '')
        m.s.sendall(b'change vnc password\n')
        until(lambda: m.s.recv(4096).decode().endswith('Password: '), 'the question')
        m.s.sendall(b'geheim\n')
        check(m.answer() == '\n', 'a password is not shown')
        m.end()
        m = Monitor(where)
        m.says('info vnc', 'None\n')
        m.says('set_password vnc abc', 'Error: Could not set password: there is no VNC server\n')
        m.end()


def memory():
    with folder() as where:
        m = Monitor(where, '-S')
        m.says('info status', 'VM status: paused (prelaunch)\n')
        image = f'{where}/ram'
        m.says(f'pmemsave 0x40200000 64 "{image}"', '')
        check(os.path.getsize(image) == 64, 'pmemsave: 64 bytes')
        with open(image, 'rb') as saved, open(f'{where}/guest.img', 'rb') as guest:
            first = saved.read()
            check(first[16:] == guest.read(64)[16:], 'the kernel stands where it is loaded')
        words = [int.from_bytes(first[i:i + 4], 'little') for i in (0, 4, 8, 12)]
        m.says('xp /4xw 0x40200000', '0000000040200000: ' + ' '.join(f'0x{w:08x}' for w in words) + '\n')
        m.says('xp /2dh 0x40200000', '0000000040200000: ' + ' '.join('%6d' % int.from_bytes(
            first[i:i + 2], 'little', signed=True) for i in (0, 2)) + '\n')
        m.like('xp /1i 0x40200000', r'^0x40200000:  ')
        m.says('xp /1xw 0x9000000', '0000000009000000: Cannot access memory\n')  # a device is not touched
        m.says('gva2gpa 0x40200000', 'gpa: 0x40200000\n')
        m.like(f'pmemsave 0x40200000 64 {where}/no/file', 'Could not open')
        m.says(f'pmemsave 0x0800f000 0x3000 {where}/holes', '')
        check(open(f'{where}/holes', 'rb').read() == bytes(0x3000), 'pmemsave: zeros where there is no memory')
        m.says('cont', '')
        until(lambda: 'powers it off' in open(f'{where}/out', encoding='utf-8').read(), 'the guest to run')
        m.end()


REGISTERS = r'''
CPU#0
EAX=0{8} EBX=0{8} ECX=0{8} EDX=00060fb1
ESI=0{8} EDI=0{8} EBP=0{8} ESP=0{8}
EIP=0000fff0 EFL=00000002 \[-------\] CPL=0 II=0 A20=1 SMM=0 HLT=0
ES =0000 00000000 0000ffff 00009300
CS =f000 ffff0000 0000ffff 00009300
(?s:.*)LDT=0000 00000000 0000ffff 00008200
TR =0000 00000000 0000ffff 00008b00
GDT=     00000000 0000ffff
IDT=     00000000 0000ffff
CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000
(?s:.*)EFER=0000000000000000
FCW=\w{4} FSW=0000 \[ST=0\] FTW=\w\w MXCSR=00001f80
(?s:.*)XMM06=0{16} 0{16} XMM07=0{16} 0{16}
'''


def a_pc():
    with folder() as where:
        for name in 'disk', 'disc', 'other':
            with open(f'{where}/{name}', 'wb') as f:
                f.truncate(1 << 20)
        os.chmod(f'{where}/other', 0o444)
        m = Monitor(where, '-M', 'pc', '-m', '64', '-S', '-hda', f'{where}/disk', '-cdrom', f'{where}/disc', kernel=False)
        got = m('info registers')
        check(re.fullmatch(REGISTERS, got), f'info registers: {got}')
        m.says('info kvm', 'kvm support: disabled\n')
        m.says('mouse_set 77', "Error: Mouse at index '77' not found\n")
        m.like('info block ide1-cd0', r'disc \(raw, read-only\)[^$]*Removable device: not locked, tray closed')
        m.says('eject ide1-cd0', '')
        m.like('info block ide1-cd0', r'\[not inserted\]\n    Removable device: not locked, tray open')
        m.says(f'change ide1-cd0 {where}/other', '')  # a drive that reads alone goes on reading alone
        m.like('info block ide1-cd0', r'other \(raw, read-only\)[^$]*tray closed')
        m.says('eject ide0-hd0', "Error: Device 'ide0-hd0' is not removable\n")
        m.end()


def behind_the_escape():
    with folder() as where:
        p = subprocess.Popen([path(), '-M', 'virt', '-net', 'none', '-nographic', '-kernel', small_guest(where)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        out, _ = p.communicate('\x01cinfo status\nquit\n', 60)
        check('monitor - type' in out and 'VM status: running' in out, f'Ctrl-A c: {out!r}')
        check(p.returncode == 0, 'quit ends it with 0')
    with folder() as where:
        r = moss('-M', 'virt', '-net', 'none', '-display', 'none', '-serial', 'null', '-monitor', 'stdio', '-kernel',
                 small_guest(where), stdin='info version\nq\n')
        r.exits(0).prints(r'7\.2\.0')


def slots():
    """Guests name interfaces and disks by where they are: cards of -nic first, then -device, then disks of -drive."""
    with folder() as where:
        with open(f'{where}/disk', 'wb') as f:
            f.truncate(1 << 20)
        for model, card in (('virtio', '1af4:1000'), ('rtl8139', '10ec:8139')):
            r = moss('-M', 'pc', '-S', '-display', 'none', '-monitor', 'stdio', '-drive', f'if=virtio,format=raw,file={where}/disk',
                     '-device', 'virtio-rng-pci', '-nic', f'user,model={model}', name='qemu-system-x86_64',
                     stdin='info pci\ninfo block virtio0\ninfo block nothing\nq\n')
            have = re.findall(r'device +(\d+), function 0:\s+[^\n]*PCI device (\w{4}:\w{4})', r.out)
            check([d for slot, d in have if int(slot) > 2] == [card, '1af4:1005', '1af4:1001'], f'slots: {have}')
            r.exits(0).prints(r'^virtio0: .*/disk \(raw\)', "Device 'nothing' not found").prints_not('floppy')


def floppies():
    """pc has an empty drive; q35 a drive, and its controller, where a disk is in it."""
    def info(*args):
        return moss(*args, '-S', '-display', 'none', '-monitor', 'stdio', name='qemu-system-x86_64', stdin='info block\ninfo qtree\nq\n')
    with folder() as where:
        with open(f'{where}/disk', 'wb') as f:
            f.truncate(1440 << 10)
        disk = 'if=floppy,format=raw,file=' + f.name
        info('-M', 'pc').exits(0).prints(r'floppy0: \[not inserted\]', 'isa-fdc')
        info('-M', 'q35').exits(0).prints_not('floppy0|isa-fdc')
        info('-M', 'q35', '-nodefaults', '-drive', disk).exits(0).prints('floppy0: .*/disk', 'isa-fdc')


main(answers, passwords, memory, slots, a_pc, floppies, behind_the_escape)

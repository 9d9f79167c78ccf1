#!/usr/bin/env python3
"""How moss runs and ends: exit statuses, signals, pid files, streams, the options that scripts pass without a thought."""
import os
import re
import signal
import socket
import struct
import subprocess

from harness import QEMU, bare, check, folder, main, mkguest, moss, path, small_guest, start, until

HLT_SEMIHOSTING = 0xd45e0000
SYS_WRITE0, SYS_EXIT, SYS_EXIT_EXTENDED = 0x04, 0x18, 0x20
ADP_STOPPED_APPLICATION_EXIT, ADP_STOPPED_RUNTIME_ERROR = 0x20026, 0x20023


def semihosting_exit(op, reason, code):
    def emit(a):
        a.movz(0, op)
        a.adr(1, 'data')
        a.emit(HLT_SEMIHOSTING)
        a.data = struct.unpack('<4I', struct.pack('<QQ', reason, code))
    return emit


def uart_text(text):
    def emit(a):
        a.movz(19, mkguest.UART >> 16, 1)
        for c in text:
            a.movz(1, ord(c))
            a.str_w(1, 19, mkguest.DR)
    return emit


QUIET = ['-M', 'virt', '-display', 'none', '-monitor', 'none', '-net', 'none']


def semihosting():
    with folder() as where:
        for op, reason, code, rc in ((SYS_EXIT_EXTENDED, ADP_STOPPED_APPLICATION_EXIT, 7, 7),
                                     (SYS_EXIT, ADP_STOPPED_APPLICATION_EXIT, 0, 0),
                                     (SYS_EXIT_EXTENDED, ADP_STOPPED_RUNTIME_ERROR, 0, 1)):
            image = bare(where, 'exit.img', semihosting_exit(op, reason, code))
            for how in (['-semihosting'], ['--semihosting-config', 'enable=on,target=native']):
                moss(*QUIET, *how, '-kernel', image).exits(rc).silent()


def testdev():
    with folder() as where:
        for code, rc in (('0q', 1), ('3q', 7), ('127q', 255)):
            image = bare(where, 'code.img', uart_text(code))
            moss(*QUIET, '-chardev', 'testdev,id=ctd', '-serial', 'chardev:ctd', '-kernel', image).exits(rc).silent()


def signals():
    with folder() as where:
        image = small_guest(where)
        for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            p = start([*QUIET, '-serial', f'file:{where}/out', '-kernel', image])
            until(lambda: os.path.exists(f'{where}/out') and os.path.getsize(f'{where}/out') > 20, 'the guest to speak')
            p.send_signal(sig)
            _, err = p.communicate(timeout=30)
            check(p.returncode == 0, f'{sig}: exit status {p.returncode}')
            with open('/proc/self/comm', encoding='utf-8') as f:
                me = f.read().rstrip('\n')
            check(err == f'{QEMU}: terminating on signal {int(sig)} from pid {os.getpid()} ({me})\n', f'{sig}: {err!r}')
            os.unlink(f'{where}/out')


def pidfile_and_daemon():
    with folder() as where:
        image, pidfile, sock = small_guest(where), f'{where}/pid', f'{where}/sock'
        r = moss(*QUIET, '-daemonize', '-pidfile', pidfile, '-serial', f'unix:{sock},server,nowait', '-kernel', image)
        r.exits(0).silent()
        check(os.path.exists(sock) and os.path.exists(pidfile), 'socket and pid file are there when -daemonize returns')
        with open(pidfile, encoding='ascii') as f:
            pid = int(f.read())
        s = socket.socket(socket.AF_UNIX)
        s.connect(sock)
        s.settimeout(30)
        s.sendall(b'\x04')
        seen = b''
        while b'Goodbye' not in seen:
            part = s.recv(1000)
            if not part:
                break
            seen += part
        check(b'Goodbye' in seen, 'the guest answers through the socket')
        until(lambda: not os.path.exists(pidfile), 'the pid file to go')
        until(lambda: not os.path.exists(f'/proc/{pid}'), 'the daemon to end')
        moss(*QUIET, '-pidfile', '/nonexistent/pid', '-kernel', image).exits(1).says(
            f"{QEMU}: cannot create PID file: Could not create '/nonexistent/pid': No such file or directory\n")


def streams():
    with folder() as where:
        image = small_guest(where, '--batch')
        text = r'^2262 primes below 20000'
        for spec in (['-serial', 'stdio'], ['-serial', 'mon:stdio'], ['-nographic'],
                     ['-chardev', 'stdio,id=con,mux=on', '-serial', 'chardev:con', '-mon', 'chardev=con,mode=readline'],
                     ['-chardev', 'stdio,id=c0,signal=off,mux=on', '-serial', 'chardev:c0', '-mon', 'chardev=c0'],
                     ['-serial', 'file:/dev/stdout'], ['-serial', 'stdio', '-serial', 'null']):
            moss('-M', 'virt', '-net', 'none', *(QUIET[2:4] if spec != ['-nographic'] else []), *spec, '-kernel',
                 image).exits(0).silent().prints(text)
        log = f'{where}/log'
        moss(*QUIET, '-chardev', f'null,id=n,logfile={log}', '-serial', 'chardev:n', '-kernel', image).exits(0).silent()
        with open(log, encoding='ascii') as f:
            check('2262 primes' in f.read(), 'logfile= of a character device')
        os.mkfifo(f'{where}/fifo.in')
        os.mkfifo(f'{where}/fifo.out')
        p = start([*QUIET, '-chardev', f'pipe,id=con,mux=on,path={where}/fifo', '-serial', 'chardev:con', '-mon',
                   'chardev=con,mode=readline', '-pidfile', f'{where}/qemu.pid', '-kernel', small_guest(where)])
        with open(f'{where}/fifo.in', 'wb', buffering=0) as to, open(f'{where}/fifo.out', 'rb', buffering=0) as of:
            seen = b''
            while b'powers it off' not in seen:
                seen += of.read(100)
            with open(f'{where}/qemu.pid', encoding='ascii') as f:
                check(int(f.read()) == p.pid, 'the pid file')
            to.write(b'\x04')
            check(p.wait(30) == 0, 'ends through the pipe')
        p.communicate()


# Every line ends with \n\r, which the harness reads as two.
HELP = """C-a h    print this help

C-a x    exit emulator

C-a s    save disk data back to file (if -snapshot): not there yet

C-a t    toggle console timestamps

C-a b    send break (magic sysrq)

C-a c    switch between console and monitor

C-a p    press the power button

C-a C-a  sends C-a

"""


def keys():
    with folder() as where:
        image = small_guest(where)
        r = moss('-M', 'virt', '-nographic', '-kernel', image, stdin='\x01h\x01c\x01p\x01x').exits(0).silent()
        check(HELP in r.out, f'the help: {r.out!r}')
        check("QEMU 7.2.0 monitor - type 'help' for more information\n(qemu) " in r.out, f'the monitor: {r.out!r}')
        check('QEMU: Terminated\n\n' in r.out, f'the end: {r.out!r}')
        r = moss('-M', 'virt', '-nographic', '-kernel', image, stdin='\x01x', name='moss-system-aarch64').exits(0)
        check('moss: terminated\n\n' in r.out, f'the end: {r.out!r}')
        # Ctrl-C is the guest's, which echoes what it does not know.
        p = start(['-M', 'virt', '-nographic', '-kernel', image], stdin=subprocess.PIPE)
        until(lambda: 'powers it off' in p.stdout.readline(), 'the greeting')
        p.stdin.write('\x03\x04')
        p.stdin.flush()
        out, err = p.communicate(timeout=30)
        check('\x03' in out and 'Goodbye' in out and p.returncode == 0 and not err, f'Ctrl-C: {out!r} {err!r}')


def escape_key():
    with folder() as where:
        image = small_guest(where)
        for args, keys in (([], '\x01x'), (['-echr', '2'], '\x02x'), (['-echr', '0x14'], '\x14x')):
            moss('-M', 'virt', '-nographic', *args, '-kernel', image, stdin=keys).exits(0).warns(r'\A\Z')


# What scripts pass, and moss takes in silence.
HARMLESS = ('-no-user-config -nodefaults -parallel none -usb -vga none -net none -echr 1 -overcommit mem-lock=off '
            '-msg timestamp=on -sandbox on,obsolete=deny -name guest=a,,b,debug-threads=on -boot strict=on '
            '-global kvm-pit.lost_tick_policy=discard -global virtio-mmio.force-legacy=false '
            '-uuid 00112233-4455-6677-8899-aabbccddeeff -rtc base=utc,clock=host '
            '-machine accel=tcg -accel tcg,thread=multi,tb-size=64 -machine graphics=off,usb=off,dump-guest-core=off '
            '-object rng-random,filename=/dev/urandom,id=rng0 -device virtio-rng-pci,rng=rng0,id=rng-device0 '
            '-m size=256M,slots=2,maxmem=1G -smp cpus=2,sockets=1,cores=2,threads=1 --no-reboot -audiodev none,id=snd '
            '-monitor none -display none -serial stdio').split()


def harmless():
    with folder() as where:
        image = small_guest(where, '--batch')
        moss('-M', 'virt', *HARMLESS, '-kernel', image).exits(0).silent().prints('Goodbye')
        # kvm-unit-tests on arm64.
        moss('-nodefaults', '-machine', 'virt', '-accel', 'tcg', '-cpu', 'max', '-device', 'virtio-serial-device', '-device',
             'virtconsole,chardev=ctd', '-chardev', 'testdev,id=ctd', '-device', 'pci-testdev', '-display', 'none',
             '-serial', 'stdio', '-kernel', image, '-append', 'x', '-machine', 'gic-version=3').exits(0).silent()
        # KUnit with its list of accelerators; only what is missing is worth a word, and that word is "warning".
        moss('-nodefaults', '-m', '1024', '-kernel', image, '-append', 'kunit.enable=1 console=ttyAMA0', '-no-reboot',
             '-nographic', '-accel', 'kvm', '-accel', 'hvf', '-accel', 'tcg', '-serial', 'stdio', '-machine', 'virt',
             '-cpu', 'max,pauth-impdef=on').exits(0).silent().prints('Goodbye')
        moss('-M', 'virt', '-enable-kvm', '-nographic', '-kernel', image).exits(0).warns(r'\A\S+ warning: .*kvm.*tcg\n\Z')
        moss('-M', 'virt', '-display', 'gtk', '-kernel', image).exits(0).warns(r'\A\S+ warning: -display gtk: .*\n\Z')
        # Later options win, whatever is between.
        moss('-M', 'foo', '-M', 'virt', '-m', '1', '-m', '128', '-kernel', '/nonexistent', '-kernel', image, '-nographic',
             '-smp', '99', '-smp', '1').exits(0).silent().prints('Goodbye')


def disks_and_networks():
    with folder() as where:
        image, disk = small_guest(where, '--batch'), f'{where}/disk,1.img'
        with open(disk, 'wb') as f:
            f.truncate(1 << 20)
        with open(disk, 'rb') as f:
            before = f.read()
        typed = disk.replace(',', ',,')
        for args in (['-drive', f'file={typed},format=raw'],
                     ['-drive', f'file={typed},if=virtio,format=raw,cache=unsafe,discard=unmap,serial=a,,b'],
                     ['-drive', f'file={typed},if=none,format=raw,id=hd0', '-device', 'virtio-blk-device,drive=hd0'],
                     ['-drive', f'if=none,id=hd0,file={typed},format=raw,readonly', '-device', 'virtio-blk-pci,drive=hd0'],
                     ['-blockdev', f'driver=raw,node-name=n,file.driver=file,file.filename={typed}', '-device',
                      'virtio-blk-pci,drive=n,id=d,bus=pcie.0,addr=5'],
                     ['-blockdev', '{"driver":"raw","node-name":"n","file":{"driver":"file","filename":"%s"}}' % disk,
                      '-device', '{"driver":"virtio-blk-pci","drive":"n","id":"d"}'],
                     ['-hda', disk, '-snapshot'], ['-cdrom', disk],
                     ['-netdev', 'user,id=n0'], ['-netdev', 'user,id=n0', '-device', 'virtio-net-device,netdev=n0'],
                     ['-netdev', '{"type":"user","id":"n0"}', '-device', 'virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01'],
                     ['-nic', 'none'], ['-nic', 'user,model=virtio-net-pci'], ['-nic', 'user,mac=52:54:00:00:00:02,id=u'],
                     ['-net', 'nic,model=virtio', '-net', 'user'], ['-net', 'user', '-net', 'nic'], ['-net', 'nic'],
                     ['-net', 'user'], ['-net', 'nic', '-net', 'nic', '-net', 'user'],
                     ['-netdev', 'hubport,id=h,hubid=0', '-device', 'virtio-net-pci,netdev=h'],
                     ['-netdev', 'user,id=n1', '-object', f'filter-dump,id=f,netdev=n1,file={where}/d.pcap'],
                     ['-fw_cfg', 'name=opt/a,string=x'], ['-fw_cfg', f'opt/b,file={image}']):
            moss('-M', 'virt', '-nographic', *args, '-kernel', image).exits(0).silent().prints('Goodbye')
        with open(disk, 'rb') as f:
            check(f.read() == before, 'a disk that nobody wrote to is as before')


CONFIG = """
# As in QEMU's docs/config.
[machine]
  type = "virt"

[memory]
  size = "256"
[smp-opts]
  cpus = "2"
[object "mem"]
  qom-type = "memory-backend-ram"
  size = "256M"
[machine]
  memory-backend = "mem"
[drive "disk0"]
  file = "%s"
  format = "raw"
  if = "none"
[device "d"]
  driver = "virtio-blk-pci"
  drive = "disk0"
"""


def configuration_files():
    with folder() as where:
        image, cfg, disk = small_guest(where, '--batch'), f'{where}/a.cfg', f'{where}/disk,1'
        with open(disk, 'wb') as f:
            f.truncate(1 << 20)
        with open(cfg, 'w', encoding='ascii') as f:
            f.write(CONFIG % disk)
        moss('-nodefaults', '-readconfig', cfg, '-nographic', '-serial', 'mon:stdio', '-kernel', image).exits(0).silent(
        ).prints('Goodbye')


def memory():
    with folder() as where:
        image = small_guest(where, '--batch')
        backend = ['-object', 'memory-backend-memfd,id=mem,size=1G,share=on']
        for args in (['-machine', 'memory-backend=mem'], ['-numa', 'node,memdev=mem'], ['-m', '1G', '-numa', 'node,memdev=mem'],
                     ['-m', '512,slots=2,maxmem=1G'], ['-numa', 'node']):
            moss('-M', 'virt', '-nographic', *backend, *args, '-kernel', image).exits(0).silent().prints('Goodbye')


def generic_loader():
    """Bytes, programs and where processors start."""
    with folder() as where:
        image = small_guest(where, '--batch')
        moss('-M', 'virt', '-nographic', '-device', f'loader,file={image},addr=0x40080000', '-device',
             'loader,addr=0x40080000,cpu-num=0').exits(0).silent().prints('Goodbye')

        def word_to_exit(a):  # the status is the byte that the loader put at 0x41000000
            a.movz(2, 0x4100, 1)
            a.ldrb_post(3, 2, 0)
            a.adr(1, 'data')
            a.emit(0xf9000423)  # str x3, [x1, #8]
            a.movz(0, SYS_EXIT_EXTENDED)
            a.emit(HLT_SEMIHOSTING)
            a.data = struct.unpack('<4I', struct.pack('<QQ', ADP_STOPPED_APPLICATION_EXIT, 0))
        guest = bare(where, 'word.img', word_to_exit)
        for data, rc in (('data=0x1234,data-len=2', 0x34), ('data=0x1234,data-len=2,data-be=on', 0x12)):
            moss(*QUIET, '-semihosting', '-kernel', guest, '-device', f'loader,addr=0x41000000,{data}').exits(rc).silent()


def device_tree():
    with folder() as where:
        moss('-M', f'virt,dumpdtb={where}/a.dtb', '-nographic').exits(0).silent()
        with open(f'{where}/a.dtb', 'rb') as f:
            check(f.read(4) == b'\xd0\x0d\xfe\xed', 'dumpdtb writes a device tree')


def stopped():
    with folder() as where:
        image, out = small_guest(where, '--batch'), f'{where}/out'
        p = start([*QUIET, '-S', '-serial', f'file:{out}', '-pidfile', f'{where}/pid', '-kernel', image])
        until(lambda: os.path.exists(f'{where}/pid'), 'the pid file')
        try:
            p.wait(0.5)
            check(False, '-S: moss stays')
        except subprocess.TimeoutExpired:
            pass
        check(os.path.getsize(out) == 0, '-S: the guest does not run')
        p.terminate()
        p.communicate()
        # A power-off that does not end moss.
        p = start([*QUIET, '-no-shutdown', '-serial', f'file:{out}', '-kernel', image])
        until(lambda: os.path.exists(out) and b'Goodbye' in open(out, 'rb').read(), 'the guest to say goodbye')
        try:
            p.wait(0.5)
            check(False, '-no-shutdown: moss stays')
        except subprocess.TimeoutExpired:
            pass
        p.terminate()
        p.communicate()


def process_name():
    with folder() as where:
        p = start([*QUIET, '-S', '-name', 'guest=x,process=renamed', '-pidfile', f'{where}/pid', '-kernel', small_guest(where)])
        until(lambda: os.path.exists(f'{where}/pid'), 'the pid file')
        with open(f'/proc/{p.pid}/comm', encoding='ascii') as f:
            check(f.read() == 'renamed\n', '-name process=')
        p.terminate()
        p.communicate()


def logs():
    with folder() as where:
        image, log = small_guest(where, '--batch'), f'{where}/log'
        moss('-M', 'virt', '-nographic', '-d', 'in_asm', '-D', log, '-dfilter', '0x40000000+0x10000000', '-kernel',
             image).exits(0).silent()
        with open(log, encoding='utf-8') as f:
            check('hvc' in f.read(), '-d in_asm shows the guest')
        moss('-M', 'virt', '-nographic', '-d', 'cpu', '-D', log, '-dfilter', '0x40200080..0x402000a7', '-kernel',
             image).exits(0).silent()
        with open(log, encoding='utf-8') as f:
            seen = [int(pc, 16) for pc in re.findall(r'\bPC=([0-9a-f]{16})', f.read())]
        check(seen and all(0x40200080 <= pc <= 0x402000a7 for pc in seen), f'-d cpu with -dfilter: {len(seen)} states')


check(os.path.exists(path()), path())
main(semihosting, testdev, signals, pidfile_and_daemon, streams, keys, escape_key, harmless, disks_and_networks,
     configuration_files, memory, generic_loader, device_tree, stopped, process_name, logs)

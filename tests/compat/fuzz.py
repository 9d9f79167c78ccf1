#!/usr/bin/env python3
"""Command lines made of options in any order, with values that are empty, huge, doubled, cut or mixed up: moss ends with
status 0 or 1, says why on stderr behind its name, and never dies of a signal. Prints its seed; --seed N --runs N repeat."""
import argparse
import os
import random
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VALUES = ['', ',', ',,', '=', '=,=', 'on', 'off', '-1', '0', '1', '18446744073709551616', '0x7fffffffffffffff', '1e99', '%s%n',
          'help', '?', 'a' * 3000, '{', '{"a":', '{"driver":"virtio-rng-pci","addr":[1,{"x":null}]}', '[]', '"', "'", '/', '.',
          '\xff\xfe', ' ', ':', '::', 'tcp:', 'tcp:::', 'unix:', 'udp:', 'udp:@:', 'file:', 'pipe:', 'mon:', 'mon:mon:', 'chardev:',
          'fd:', 'fd:99', 'vc:', 'vc:1x', 'none', 'null', 'virt', 'virt,gic-version=3', 'max', 'cortex-a57,pmu=off', 'id=a', 'id=,',
          'user,id=n,hostfwd=', 'user,id=n,hostfwd=tcp::x-:', 'user,id=n,net=1.2.3.4/99', 'hubport,id=h,hubid=1', 'socket,id=s',
          'virtio-blk-pci,drive=d', 'virtio-net-pci,netdev=n,mac=1', 'virtio-serial-pci,addr=ff.ff', 'virtconsole,chardev=c',
          'loader,data=1,data-len=9,addr=0', 'loader,file=/dev/null,addr=0', 'loader,cpu-num=4294967296', 'null,id=c',
          'ringbuf,id=c,size=3', 'ringbuf,id=c,size=1P', 'file,id=c,path=', 'socket,id=c,path=/x,server=on,wait=off',
          'if=none,id=d,file=/dev/null', 'file=/dev/zero,format=raw', 'if=pflash,unit=7,file=/dev/null,format=raw',
          'driver=raw,node-name=n,file=n', 'driver=file,filename=/dev/null,node-name=n', 'cpus=3,cores=2', 'cores=0', '1,maxcpus=0',
          'sockets=4294967297,cores=4294967297,threads=4294967297', '1M', '1K', 'size=1,slots=-1', 'memory-backend-ram,id=m,size=0',
          'memory-backend-ram,id=m,size=99999999999G', 'rng-random,id=r', 'filter-dump,id=f,netdev=n,file=/dev/null', 'node,memdev=m',
          'type=1,uuid=x', 'type=11,value=' + 'v' * 2000, 'type=4,processor-id=-1', 'name=opt/a,string=', 'opt/' + 'n' * 60 + ',string=x',
          'base=2020-13-45', 'base=,clock=', 'order=abcdefghijklmnopq', 'splash-time=-2', 'pl011.x=1', '.=', 'virtio-net-pci.mac=',
          'driver=,property=,value=', 'enable=on,arg=a,arg=,target=x', 'reboot=,panic=', '0x1000..', '..', '0+0', 'tcg,tb-size=-1',
          'tcg,thread=x', 'kvm:tcg:', 'guest=,process=' + 'p' * 40, 'chardev=,mode=']
SKIP = {'h', 'help', 'version', 'daemonize', 'D', 'pidfile', 'readconfig', 'S'}  # lists, files, and what never ends


def options():
    row = re.compile(r'^_\("([\w-]+)",\s*("|NULL)')
    with open(os.path.join(ROOT, 'system/options.def'), encoding='utf-8') as f:
        found = [row.match(line) for line in f]
    return [(m[1], m[2] == '"') for m in found if m and m[1] not in SKIP]


def mangle(r, text):
    for _ in range(r.randrange(3)):
        at = r.randrange(len(text) + 1)
        how = r.randrange(4)
        if how == 0:
            text = text[:at] + r.choice(',=:-.{}[]"\\/%0') + text[at:]
        elif how == 1:
            text = text[:at] + text[at + r.randrange(4):]
        elif how == 2:
            text = text + ',' + r.choice(VALUES)
        else:
            text = text[:at] + text[at:] * 2
    return text


def command(r, table):
    args = []
    if r.randrange(4):
        args += ['-M', 'virt']
    for _ in range(r.choice((1, 1, 1, 2, 3, 6))):
        name, takes = r.choice(table)
        args.append(r.choice(('-', '--')) + (name if r.randrange(30) else mangle(r, name)))
        if takes or not r.randrange(20):
            args.append(mangle(r, r.choice(VALUES)))
    return args


def verdict(rc, err, args):
    if rc not in (0, 1, 'running'):
        return f'status {rc}'
    if 'Sanitizer' in err or 'runtime error' in err or 'this must hold' in err:
        return 'a mistake of moss'
    first = err.split('\n')[0]
    if rc == 1 and not first.startswith('qemu-system-aarch64: '):
        return 'no sentence'
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument('build')
    p.add_argument('--seed', type=int, default=None)
    p.add_argument('--runs', type=int, default=100)
    a = p.parse_args()
    seed = random.randrange(1 << 32) if a.seed is None else a.seed
    print(f'seed {seed}')
    moss, table, bad = os.path.abspath(os.path.join(a.build, 'qemu-system-aarch64')), options(), 0
    env = dict(os.environ, ASAN_OPTIONS='detect_leaks=0', UBSAN_OPTIONS='halt_on_error=1')
    with tempfile.TemporaryDirectory(prefix='moss-fuzz-') as where:
        for n in range(a.runs):
            args = [s.replace('\0', '') for s in command(random.Random(f'{seed}-{n}'), table)]
            child = subprocess.Popen([moss, *args, '-display', 'none'], cwd=where, env=env, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            try:
                err, rc = child.communicate(timeout=2)[1], child.returncode
            except subprocess.TimeoutExpired:  # it found nothing wrong
                child.kill()
                err, rc = child.communicate()[1], 'running'
            err = err.decode(errors='replace')
            why = verdict(rc, err, args)
            if why:
                bad += 1
                print(f'FAILED: {why}: {args}\n  {err[-1500:]}')
    print(f'{a.runs} command lines, {bad} failures')
    sys.exit(bad > 0)


main()

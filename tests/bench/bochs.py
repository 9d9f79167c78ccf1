"""Bochs, an interpreter of PCs, as a column for interest: it boots the disk of `pc` as far as Linux's first line."""
import os
import pty
import re
import shutil
import subprocess
import threading

SHARE = '/usr/share/bochs'
CONFIG = """
config_interface: textconfig
display_library: term
megs: 1024
cpu: model=corei7_haswell_4770, count=1, ips=100000000
romimage: file={share}/BIOS-bochs-latest
vgaromimage: file={share}/VGABIOS-lgpl-latest
pci: enabled=1, chipset=i440fx
ata0-master: type=disk, path={folder}/disk, mode=volatile, journal={folder}/journal
boot: disk
com1: enabled=1, mode=file, dev={folder}/serial
clock: sync=none, time0=local
log: {folder}/log
panic: action=fatal
error: action=report
info: action=ignore
speaker: enabled=0
"""


def version():
    """As text; None where there is none with a screen for a terminal."""
    path = shutil.which('bochs')
    if not path or not os.path.exists(f'{SHARE}/BIOS-bochs-latest'):
        return None
    r = subprocess.run([path, '--help'], capture_output=True, text=True, check=False)
    m = re.search(r'Bochs x86 Emulator (\S+)', r.stdout + r.stderr)
    return m and m.group(1)


def drain(fd):
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass  # it ended


def start(disk, folder):
    """The process, and the descriptor where its serial port's output comes."""
    os.makedirs(folder, exist_ok=True)
    with open(f'{folder}/config', 'w', encoding='utf-8') as f:
        f.write(CONFIG.format(share=SHARE, folder=folder))
    with open(f'{folder}/go', 'w', encoding='ascii') as f:
        f.write('c\n')  # Debian's has a debugger that waits
    for name in ('serial', 'disk', 'disk.lock'):
        if os.path.lexists(f'{folder}/{name}'):
            os.remove(f'{folder}/{name}')
    os.mkfifo(f'{folder}/serial')
    os.symlink(disk, f'{folder}/disk')
    serial = os.open(f'{folder}/serial', os.O_RDWR)
    screen, terminal = pty.openpty()
    p = subprocess.Popen(['bochs', '-q', '-f', f'{folder}/config', '-rc', f'{folder}/go'], stdin=terminal, stdout=terminal,
                         stderr=terminal, env={**os.environ, 'TERM': 'xterm'})
    os.close(terminal)
    threading.Thread(target=drain, args=(screen,), daemon=True).start()
    return p, serial

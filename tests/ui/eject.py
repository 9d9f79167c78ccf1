#!/usr/bin/env python3
"""The monitor asks for a disc whose guest holds the door: the guest is told by an event, and opens it.   eject.py MOSS
Exits with 77 (skipped) without the guest (tests/ui/guest.py --fetch)."""
import sys
import tempfile
import time

import guest
from machine import Machine

DRIVES = {'cd0': ['-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=cd0', '-drive', 'if=none,id=cd0,media=cdrom,readonly=on,file='],
          'ide1-cd0': ['-cdrom', '']}


def run(moss, scratch, options, drive):
    image = scratch + '/disc.iso'
    with open(image, 'wb') as f:
        f.write(bytes(1 << 20))
    devices = DRIVES[drive][:-1] + [DRIVES[drive][-1] + image]
    m = Machine(moss, scratch, options, ['-display', 'none', *([] if drive == 'ide1-cd0' else ['-nodefaults']), *devices])
    try:
        if not m.wait_for('LOCKED'):
            return 'the guest has no drive'
        m.wait_for('READY')
        said = m.monitor(f'eject {drive}')
        if f"Device '{drive}' is locked" not in said:
            return f'eject of a locked disc says {said!r}'
        if not m.wait_for('ASKED', 20) or not m.wait_for('EJECTED', 20):
            return 'the guest does not hear of it'
        time.sleep(0.2)
        said = m.monitor(f'eject {drive}')
        return 'Error' in said and f'eject of an open drive says {said!r}'
    finally:
        m.end()


def main():
    with tempfile.TemporaryDirectory(prefix='moss-ui-') as scratch:
        options = guest.build(scratch)
        if not options:
            print('eject: the guest is not on this machine: tests/ui/guest.py --fetch')
            return 77
        wrong = [f'{d}: {w}' for d in DRIVES for w in [run(sys.argv[1], scratch, options, d)] if w]
    print('\n'.join(wrong) or 'eject: both drives told their guest')
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main())

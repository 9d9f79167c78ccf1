#!/usr/bin/env python3
"""Every key, button, wheel step and place, from the window (by XTEST, under Xvfb) and from VNC (keysyms, and extended key events),
to what a Linux guest hears from PS/2, USB and virtio devices.   input.py MOSS [ps2|usb|virtio ...]

Exits with 77 (skipped) without Xvfb, or without the guest (tests/ui/guest.py --fetch)."""
import sys
import tempfile
import time

import guest
import rfb
import xtest
from machine import EV_ABS, EV_KEY, EV_REL, Machine

SKIP = 77
MACHINES = {
    'ps2': (['PS/2 Mouse'], []),
    'usb': (['USB Mouse', 'USB Tablet'], ['-device', 'qemu-xhci', '-device', 'usb-kbd', '-device', 'usb-mouse', '-device',
                                          'usb-tablet']),
    'virtio': (['Virtio Mouse', 'Virtio Tablet'], ['-device', 'virtio-keyboard-pci', '-device', 'virtio-mouse-pci', '-device',
                                                   'virtio-tablet-pci']),
}
# Linux's number; the keysym of a US keyboard, 0: none to be tried; the scan code of set 1, 0x80 for E0, 0: none
LETTERS = dict(zip('qwertyuiop', range(16, 26))) | dict(zip('asdfghjkl', range(30, 39))) | dict(zip('zxcvbnm', range(44, 51)))
KEYS = [(n, ord(c), n) for c, n in LETTERS.items()] + [(i + 1, ord(str(i % 10)), i + 1) for i in range(1, 11)]
KEYS += [(n, ord(c), n) for c, n in {'-': 12, '=': 13, '[': 26, ']': 27, ';': 39, "'": 40, '`': 41, '\\': 43, ',': 51, '.': 52, '/': 53,
                                     ' ': 57}.items()]
KEYS += [(59 + i, 0xffbe + i, 59 + i) for i in range(10)] + [(87, 0xffc8, 0x57), (88, 0xffc9, 0x58)]
KEYS += [
    (1, 0xff1b, 1), (14, 0xff08, 14), (15, 0xff09, 15), (28, 0xff0d, 28), (29, 0xffe3, 29), (42, 0xffe1, 42), (54, 0xffe2, 54),
    (56, 0xffe9, 56), (58, 0xffe5, 58), (58, 0xffe5, 58), (69, 0xff7f, 69), (69, 0xff7f, 69), (70, 0xff14, 70), (86, 0, 86),
    (55, 0xffaa, 55), (74, 0xffad, 74), (78, 0xffab, 78), (96, 0xff8d, 0x9c), (98, 0xffaf, 0xb5),
    (71, 0xff95, 71), (72, 0xff97, 72), (73, 0xff9a, 73), (75, 0xff96, 75), (76, 0xff9d, 76), (77, 0xff98, 77), (79, 0xff9c, 79),
    (80, 0xff99, 80), (81, 0xff9b, 81), (82, 0xff9e, 82), (83, 0xff9f, 83), (97, 0xffe4, 0x9d), (100, 0xffea, 0xb8),
    (99, 0xff61, 0xb7), (119, 0xff13, 0xc6), (102, 0xff50, 0xc7), (103, 0xff52, 0xc8), (104, 0xff55, 0xc9), (105, 0xff51, 0xcb),
    (106, 0xff53, 0xcd), (107, 0xff57, 0xcf), (108, 0xff54, 0xd0), (109, 0xff56, 0xd1), (110, 0xff63, 0xd2), (111, 0xffff, 0xd3),
    (125, 0xffeb, 0xdb), (126, 0xffec, 0xdc), (127, 0xff67, 0xdd),
    # Japan, Korea, Brazil
    (85, 0xff2a, 0x76), (89, 0, 0x73), (90, 0xff26, 0x78), (91, 0xff25, 0x77), (92, 0xff23, 0x79), (93, 0xff27, 0x70),
    (94, 0xff22, 0x7b), (95, 0, 0x5c), (121, 0xffac, 0x7e), (122, 0xff31, 0xf2), (123, 0xff34, 0xf1), (124, 0, 0x7d), (117, 0xffbd, 0x59),
    # power, sound, programs
    (113, 0x1008ff12, 0xa0), (114, 0x1008ff11, 0xae), (115, 0x1008ff13, 0xb0), (140, 0x1008ff1d, 0xa1), (155, 0x1008ff19, 0xec),
    (156, 0x1008ff30, 0xe6), (157, 0x1008ff33, 0xeb), (158, 0x1008ff26, 0xea), (159, 0x1008ff27, 0xe9), (163, 0x1008ff17, 0x99),
    (164, 0x1008ff14, 0xa2), (165, 0x1008ff16, 0x90), (166, 0x1008ff15, 0xa4), (172, 0x1008ff18, 0xb2), (173, 0x1008ff29, 0xe7),
    (217, 0x1008ff1b, 0xe5), (226, 0x1008ff32, 0xed), (142, 0x1008ff2f, 0xdf),
]
KEYS += [(183 + i, 0xffca + i, 0x64 + i) for i in range(8)]
# What is not there: Linux's driver has no number for it, or the device no code, or SDL no scancode of its own.
LACKS = {
    'ps2': set(range(183, 191)),
    'usb': {140, 142, 155, 156, 157, 158, 159, 163, 164, 165, 166, 172, 173, 217, 226},
    'virtio': set(),
    'window': {85, 89, 90, 91, 95, 121, 226},
}
failures = []


def fail(what):
    failures.append(what)
    print('FAILED:', what, flush=True)


def expect(m, want, what):
    """The guest's next events, of any device; PS/2 reports movements in parts."""
    got = []
    while len(got) < len(want):
        e = m.event(2)
        if not e:
            break
        got.append(e[1:])
    if got != want:
        fail(f'{what}: expected {want}, got {got}')
        m.forget()


def total(m, kind, axes, what):
    """Movements are summed up: a device may tell them in parts."""
    sums = dict.fromkeys(axes, 0)
    while sums != axes:
        e = m.event(1)
        if not e:
            break
        if e[1] == kind and e[2] in axes:
            sums[e[2]] += e[3]
    if sums != axes:
        fail(f'{what}: expected {axes}, got {sums}')


def press(send, m, code, what):
    send(True)
    send(False)
    expect(m, [(EV_KEY, code, 1), (EV_KEY, code, 0)], what)


def keys(name, m, x, v):
    lacks = LACKS[name]
    for code, sym, xt in KEYS:
        if code in lacks:
            continue
        if code not in LACKS['window']:
            press(lambda down, c=code: x.key(c + 8, down), m, code, f'{name}, window, key {code}')
        if sym:
            press(lambda down, s=sym: v.key(s, down), m, code, f'{name}, VNC, keysym {sym:#x}')
        press(lambda down, s=sym, c=xt: v.ext_key(s, c, down), m, code, f'{name}, VNC, scan code {xt:#x}')
    # several at once, released in another order
    for c in (29, 56, 111):
        x.key(c + 8, True)
    for c in (111, 29, 56):
        x.key(c + 8, False)
    expect(m, [(EV_KEY, c, 1) for c in (29, 56, 111)] + [(EV_KEY, c, 0) for c in (111, 29, 56)], f'{name}: Ctrl-Alt-Delete')


BUTTONS = {1: 0x110, 2: 0x112, 3: 0x111, 8: 0x113, 9: 0x114}  # X's numbers
WHEELS = {4: (8, 1), 5: (8, -1), 6: (6, -1), 7: (6, 1)}


def wheels(name, m, click, numbers):
    for n in numbers:
        axis, step = WHEELS[n]
        click(n)
        total(m, EV_REL, {axis: step}, f'{name}, wheel {n}')
        m.forget(0.05)


def window_mouse(name, mouse, m, x, absolute, w, h):
    who = f'{name}, window, {mouse}'
    x.move(w // 2, h // 2)
    if not absolute:
        x.button(1, True)  # a click takes the mouse, and is not the guest's
        x.button(1, False)
        time.sleep(0.3)
    m.forget(0.2)
    for n, code in BUTTONS.items():
        press(lambda down, b=n: x.button(b, down), m, code, f'{who}, button {n}')
    wheels(who, m, lambda n: (x.button(n, True), x.button(n, False)), (4, 5) if 'PS/2' in mouse else (4, 5, 6, 7))
    if absolute:
        for px, py in ((0, 0), (w - 1, h - 1), (w // 4, h // 3)):
            x.move(px, py)
            place(m, px, py, w, h, f'{who}, place {px},{py}')
    else:
        x.move_by(13, -7)
        total(m, EV_REL, {0: 13, 1: -7}, f'{who}, moved')
        x.move_by(-300, 5)
        total(m, EV_REL, {0: -300, 1: 5}, f'{who}, moved far')
        for down in True, False:  # Ctrl-Alt-G gives it back
            for c in (29, 56, 34):
                x.key(c + 8, down)
        m.forget(0.3)
        x.move_by(20, 20)
        e = m.event(0.3)
        if e:
            fail(f'{who}: after Ctrl-Alt-G the guest still hears {e}')
    m.forget(0.1)


def place(m, px, py, w, h, what):
    """Within half a pixel of where it was."""
    at = {}
    e = m.event(1)
    while e:
        if e[1] == EV_ABS:
            at[e[2]] = e[3]
        e = m.event(0.15)
    place.at = {**place.at, **at}
    want = {0: px * 0x7fff // (w - 1), 1: py * 0x7fff // (h - 1)}
    if any(abs(place.at.get(a, -1) - want[a]) > 0x7fff // w // 2 + 1 for a in want):
        fail(f'{what}: expected about {want}, got {place.at}')


place.at = {}


def vnc_mouse(name, mouse, m, v, absolute, path):
    who = f'{name}, VNC, {mouse}'
    v.pointer(50, 50)
    m.forget(0.2)
    for mask, code in ((1, 0x110), (2, 0x112), (4, 0x111)):
        press(lambda down, b=mask: v.pointer(50, 50, b if down else 0), m, code, f'{who}, button {mask}')
    wheels(who, m, lambda n: (v.pointer(50, 50, 1 << (n - 1)), v.pointer(50, 50)), (4, 5) if 'PS/2' in mouse else (4, 5, 6, 7))
    v.pointer(63, 43)
    if absolute:
        place(m, 63, 43, v.w, v.h, f'{who}, place 63,43')
        v.pointer(0, v.h - 1)
        place(m, 0, v.h - 1, v.w, v.h, f'{who}, a corner')
    else:
        total(m, EV_REL, {0: 13, 1: -7}, f'{who}, moved')
    motion = rfb.Client(path, (rfb.RAW, rfb.MOTION))  # it is told what counts
    while motion.absolute is None:
        motion.update()
    if motion.absolute != absolute:
        fail(f'{who}: told that places count: {motion.absolute}')
    elif not absolute:
        motion.pointer(0x7fff + 40, 0x7fff - 30)
        total(m, EV_REL, {0: 40, 1: -30}, f'{who}, a movement')
    motion.s.close()
    m.forget(0.1)


def locks(name, m, v):
    """A client's Caps Lock is the guest's, whatever the guest had before."""
    caps, a = [(EV_KEY, 58, 1), (EV_KEY, 58, 0)], [(EV_KEY, 30, 1), (EV_KEY, 30, 0)]
    for sym, want in ((0x61, a), (0x41, caps + a), (0x41, a), (0x61, caps + a)):
        v.key(sym, True)
        v.key(sym, False)
        expect(m, want, f'{name}, VNC, {chr(sym)} without Shift')


def run(moss, scratch, options, name, x):
    mice, devices = MACHINES[name]
    m = Machine(moss, scratch, options, [*devices, '-display', 'sdl', '-vnc', f'unix:{scratch}/vnc'], {'DISPLAY': x.name})
    try:
        if not m.wait_for('READY'):
            fail(f'{name}: the guest does not come up')
            return
        print(name, 'has', ', '.join(m.devices.values()), flush=True)
        v = rfb.Client(f'{scratch}/vnc')
        v.drain()
        window = x.xdotool('search', '--name', 'moss-ui-test')
        x.xdotool('windowmove', window, '0', '0', 'windowfocus', window)
        x.move(200, 200)
        time.sleep(0.5)
        m.forget()
        keys(name, m, x, v)
        locks(name, m, v)
        geometry = x.xdotool('getwindowgeometry', window).split()[-1]
        w, h = (int(n) for n in geometry.split('x'))
        for mouse in mice:
            if not m.choose_mouse(mouse):
                fail(f'{name}: there is no {mouse}')
                continue
            time.sleep(0.2)
            m.forget()
            window_mouse(name, mouse, m, x, 'Tablet' in mouse, w, h)
            vnc_mouse(name, mouse, m, v, 'Tablet' in mouse, f'{scratch}/vnc')
    finally:
        m.end()


def main():
    names = sys.argv[2:] or list(MACHINES)
    if not xtest.is_here():
        print('input: Xvfb, xdotool or the library of XTEST is not on this machine (see the file packages)')
        return SKIP
    with tempfile.TemporaryDirectory(prefix='moss-ui-') as scratch:
        options = guest.build(scratch)
        if not options:
            print('input: the guest is not on this machine: tests/ui/guest.py --fetch')
            return SKIP
        x = xtest.Server()
        try:
            for name in names:
                run(sys.argv[1], scratch, options, name, x)
        finally:
            x.end()
    print(f'{len(failures)} failures')
    return bool(failures)


if __name__ == '__main__':
    sys.exit(main())

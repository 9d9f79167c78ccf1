#!/usr/bin/env python3
"""Starts a device, a board or an instruction set from tools/templates: it builds at once, is registered, and has a test.

  new.py device KIND/NAME    hw/KIND/NAME.{c,h}: three registers and a pin; its row in hw/devices.def
  new.py board NAME          hw/board/NAME/: a CPU, RAM and a UART, which boot the small guest; its place in registry.c
  new.py isa NAME            target/NAME/: a CPU with ten instructions; its place in registry.c

Then make it yours: docs/howto/add-device.md, add-board.md, add-isa.md."""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# kind -> (template, path) pairs, and edits: (path, what the list begins with, indented row) adds the row in its
# alphabetical place among the rows below that line; with None at the end of the file.
FILES = {
    'device': [('device.c', 'hw/@KIND@/@ID@.c'), ('device.h', 'hw/@KIND@/@ID@.h'),
               ('test_device.c', 'tests/hw/test_@ID@.c')],
    'board': [('board.c', 'hw/board/@ID@/@ID@.c'), ('board.h', 'hw/board/@ID@/@ID@.h'),
              ('test_board.c', 'tests/hw/test_board_@ID@.c')],
    'isa': [('isa.h', 'target/@ID@/@ID@.h'), ('isa_priv.h', 'target/@ID@/@ID@_priv.h'),
            ('isa_cpu.c', 'target/@ID@/cpu.c'), ('isa_translate.c', 'target/@ID@/translate.c'),
            ('isa.decode', 'target/@ID@/@ID@.decode'), ('isa_meson.build', 'target/@ID@/meson.build'),
            ('test_isa.c', 'tests/unit/test_@ID@.c')],
}
ROWS = {
    'device': [('hw/meson.build', 'hw_src = files(', "    '@KIND@/@ID@.c',"), ('hw/devices.def', 'D(', 'D(@ID@)'),
               ('tests/hw/meson.build', 'hw_tests = [', "  '@ID@',")],
    'board': [('hw/meson.build', 'hw_src = files(', "    'board/@ID@/@ID@.c',"),
              ('tests/hw/meson.build', 'hw_tests = [', "  'board_@ID@',"),
              ('registry.c', '#include "hw/board/', '#include "hw/board/@ID@/@ID@.h"')],
    'isa': [('target/meson.build', None, "subdir('@ID@')\ntarget_src += @ID@_src\ndecoders += @ID@_decode"),
            ('tests/meson.build', 'unit_tests = [', "  '@ID@',"),
            ('registry.c', '#include "target/', '#include "target/@ID@/@ID@.h"')],
}
# Words in the middle of a line: (path, before what, word).
WORDS = {
    'board': [('registry.c', r'(registry_boards\[\] = \{[^;]*)NULL\};', '&board_@ID@, ')],
    'isa': [('registry.c', r'(registry_targets\[\] = \{[^;]*)NULL\};', '&target_@ID@, ')],
}


class Failed(Exception):
    pass


def read(path):
    with open(os.path.join(ROOT, path), encoding='utf-8') as f:
        return f.read()


def add_row(text, first, row):
    """The row goes before the first of its list that is greater; the list is the run of lines that look like it."""
    if first is None:
        return text + row + '\n'
    lines = text.split('\n')
    at = next((i for i, l in enumerate(lines) if l.startswith(first)), None)
    if at is None:
        return None
    if first.endswith(('(', '[')) and not row.startswith(first):
        at += 1
    look = re.match(r'\W*\w*\W', row).group(0)
    while at < len(lines) and lines[at].startswith(look) and lines[at] < row:
        at += 1
    return '\n'.join(lines[:at] + [row] + lines[at:])


def plan(what, names):
    """Path -> new text of all that is written and changed; nothing is touched before all of it is known."""
    def fill(s):
        for k, v in names.items():
            s = s.replace(f'@{k}@', v)
        return s.replace('@@', '@')

    out = {}
    for template, path in FILES[what]:
        if os.path.exists(os.path.join(ROOT, fill(path))):
            raise Failed(f'{fill(path)} is there already')
        out[fill(path)] = fill(read(f'tools/templates/{template}.in'))
    for path, first, row in ROWS[what]:
        out[path] = add_row(out.get(path) or read(path), first, fill(row))
    for path, pattern, word in WORDS.get(what, []):
        text, n = re.subn(pattern, lambda m, w=fill(word): m.group(1) + w + 'NULL};', out.get(path) or read(path))
        out[path] = text if n == 1 else None
    lost = [p for p, text in out.items() if text is None]
    if lost:
        raise Failed(f'{lost[0]} has changed so much that new.py does not find its list: mend tools/new.py')
    return out


def tidy(paths):
    """Names have many lengths, and .clang-format looks at them."""
    tool = shutil.which('clang-format')
    if tool:
        subprocess.run([tool, '-i', *paths], cwd=ROOT, check=True)
    else:
        print('new: clang-format is not here: ./dev fmt will want to run once it is')


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in FILES:
        sys.exit(__doc__)
    what, name = sys.argv[1:]
    kind, _, base = name.rpartition('/')
    if not re.fullmatch(r'[a-z][a-z0-9_-]*', base) or not re.fullmatch(r'[a-z0-9]+' if what == 'device' else '', kind):
        sys.exit('new: a device is named KIND/NAME, a board or ISA NAME; small letters, digits, - and _')
    ident = base.replace('-', '_')
    names = {'NAME': base, 'ID': ident, 'UID': ident.upper(), 'KIND': kind, 'UKIND': kind.upper()}
    try:
        out = plan(what, names)
    except Failed as e:
        sys.exit(f'new: {e}')
    for path, text in out.items():
        full = os.path.join(ROOT, path)
        fresh = not os.path.exists(full)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w', encoding='utf-8') as f:
            f.write(text)
        print(f'new: {"wrote" if fresh else "added a row to"} {path}')
    tidy([p for p in out if p.endswith(('.c', '.h'))])
    print(f'new: next, ./dev build; then docs/howto/add-{what}.md')


if __name__ == '__main__':
    main()

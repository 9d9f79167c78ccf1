#!/usr/bin/env python3
"""docs/ir-ops.md from tcg/ops.def. Prints it; with --check PATH compares instead and exits 1 when they differ."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROW = re.compile(r'^_\((\w+),\s*(\w+),\s*"(\w*)",\s*(\w+),\s*(\w+),\s*([\w|]+),\s*"(.*)"\)$')
HEAD = re.compile(r'^/\* -- (.*?) -*\s*\*/$')


def table():
    out = ['# The IR ops', '', 'Made from `tcg/ops.def` by `tools/ir-table.py`; the letters are explained there.']
    for line in open(os.path.join(ROOT, 'tcg/ops.def')):
        head, row = HEAD.match(line.strip()), ROW.match(line.strip())
        if head:
            out += ['', '## ' + head[1][0].upper() + head[1][1:], '', '| op | result | operands | sub | imm | flags | meaning |',
                    '|---|---|---|---|---|---|---|']
        elif row:
            cells = [c if c not in ('none', '0', 'NONE') else '' for c in row.groups()]
            cells = [c.replace('|', '\\|') for c in cells]
            out.append('| `%s` | %s |' % (cells[0], ' | '.join(cells[1:])))
        elif line.startswith('_('):
            sys.exit('ops.def: row not understood: ' + line)
    return '\n'.join(out) + '\n'


def main():
    text = table()
    if len(sys.argv) == 3 and sys.argv[1] == '--check':
        if open(sys.argv[2]).read() != text:
            sys.exit('%s is old: tools/ir-table.py > %s' % (sys.argv[2], sys.argv[2]))
    else:
        sys.stdout.write(text)


if __name__ == '__main__':
    main()

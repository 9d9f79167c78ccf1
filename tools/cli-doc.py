#!/usr/bin/env python3
"""The tables of options in docs/cli.md from system/options.def, between two marks. Writes the page anew; with --check it
compares instead and exits 1 when they differ."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE, TABLE = os.path.join(ROOT, 'docs/cli.md'), os.path.join(ROOT, 'system/options.def')
BEGIN, END = '<!-- made from system/options.def by tools/cli-doc.py -->', '<!-- until here -->'
STRING = r'"((?:[^"\\]|\\.)*)"'
ROW = re.compile(rf'^_\({STRING},\s*(?:{STRING}|NULL),\s*(\w+),\s*\w+,\s*(?:{STRING}|NULL)\)$')
SECTION = re.compile(rf'^SECTION\({STRING}\)$')


def cell(s):
    return s.replace('\\"', '"').replace('|', '\\|').replace('<', '&lt;')


def options():
    """[(section, [[spellings, argument, help]])]"""
    sections = []
    for line in open(TABLE, encoding='utf-8'):
        line = line.strip()
        section, row = SECTION.match(line), ROW.match(line)
        if section:
            sections.append((section[1], []))
        elif row and row[4] is None:
            sections[-1][1][-1][0].append(row[1])
        elif row:
            sections[-1][1].append([[row[1]], row[2] or '', row[4]])
        elif line.startswith('_('):
            sys.exit(f'{TABLE}: row not understood: {line}')
    return sections


def tables():
    out = [BEGIN]
    for name, rows in options():
        out += ['', f'### {name}', '', '| option | |', '|---|---|']
        for spellings, arg, text in rows:
            names = ', '.join(f'`-{s}`' for s in spellings)
            value = ' `' + arg.replace('|', '\\|') + '`' if arg else ''
            out.append(f'| {names}{value} | {cell(text)} |')
    return '\n'.join(out + ['', END])


def main():
    page = open(PAGE, encoding='utf-8').read()
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < 0:
        sys.exit(f'{PAGE}: the marks are not there')
    want = page[:begin] + tables() + page[end + len(END):]
    if sys.argv[1:] == ['--check']:
        if page != want:
            sys.exit(f'{PAGE} is old: run tools/cli-doc.py')
    else:
        open(PAGE, 'w', encoding='utf-8').write(want)


if __name__ == '__main__':
    main()

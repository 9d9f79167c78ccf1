#!/usr/bin/env python3
"""Makes the table of a font out of its picture (ui/font.txt): font-gen.py IN OUT. Blocks of a number, the first of eight
characters, and their 16 rows side by side; # is ink."""
import sys


def read(path):
    rows, first, glyphs = 0, 0, {}
    with open(path, encoding='ascii') as f:
        for n, line in enumerate(f, 1):
            line = line.rstrip('\n')
            if line.startswith('# ') or not line:
                continue
            if len(line) == 2:
                first, rows = int(line, 16), 0
                continue
            parts = line.split(' ')
            if len(parts) != 8 or any(len(p) != 8 or set(p) - set('.#') for p in parts) or rows == 16:
                sys.exit(f'{path}:{n}: expected 8 characters of 8 columns, 16 rows')
            for i, p in enumerate(parts):
                glyphs.setdefault(first + i, []).append(int(p.replace('.', '0').replace('#', '1'), 2))
            rows += 1
    if sorted(glyphs) != list(range(256)) or any(len(g) != 16 for g in glyphs.values()):
        sys.exit(f'{path}: expected 256 characters of 16 rows')
    return glyphs


def main():
    glyphs = read(sys.argv[1])
    with open(sys.argv[2], 'w', encoding='ascii') as out:
        out.write('/* Made by tools/font-gen.py. */\n#include "ui/font.h"\n\nconst u8 font[256][FONT_H] = {\n')
        for i in range(256):
            out.write('    {' + ', '.join(f'0x{b:02x}' for b in glyphs[i]) + '},\n')
        out.write('};\n')


main()

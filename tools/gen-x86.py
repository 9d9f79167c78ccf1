#!/usr/bin/env python3
"""Makes the instruction array of x86 from .insn tables: one line an encoding,

    encoding | operands | how | feature | function | name

encoding  [VEX|+VEX] [NP|66|F3|F2] [0F|0F38|0F3A|0F0F] opcode[+] [/reg] [rm=N] [mem|reg]
          Without a mandatory prefix any goes; "+": the low three bits of the opcode are a register; "/reg": ModRM.reg,
          "rm=": ModRM.rm of a register form; mem, reg: only that form. VEX: there is no other form; +VEX: it has one too.
operands  the manual's letters (volume 2, A.2), at most four; decode.h lists them.
how       i64 not in 64-bit mode, o64 only there; d64 operand size 64 there, f64 whatever the prefixes say;
          lock LOCK allowed with memory as destination; rep a repeat prefix means something;
          w0 w1 l0 l1 that VEX.W (REX.W), VEX.L; lig VEX.L ignored; mod3 ModRM.mod ignored: a register;
          b0 not with REX.B.
feature   of legacy, VEX.128, VEX.256 forms, separated by commas; - none needed. A row whose feature the cpu lacks is not
          there, so that a later row may match.
function  tr_FUNCTION translates it.
name      the manual's mnemonic, when it is not the function's.

A "#" starts a comment. Written to stdout: FEATURE(name) under X86_FEATURES, FUNCTION(name) under X86_FUNCTIONS, the rows by
map and opcode as ROW(...) under X86_ROWS, and under X86_INDEX the number of the first row of each opcode."""
import re
import sys

MAPS = {'1': 0, '0F': 1, '0F38': 2, '0F3A': 3, '0F0F': 4}
PREFIXES = {'NP': 'NP', '66': '66', 'F3': 'F3', 'F2': 'F2'}
HOW = ['i64', 'o64', 'd64', 'f64', 'lock', 'rep', 'w0', 'w1', 'l0', 'l1', 'lig', 'mod3', 'b0']
OF_NAME = {'AL', 'AX', 'eAX', 'rAX', 'CL', 'DX', '1', 'ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'ST', 'STi'}


class TableError(Exception):
    pass


class Row:
    def __init__(self, text):
        cells = [c.strip() for c in text.split('|')]
        if len(cells) not in (5, 6):
            raise TableError('five or six cells')
        self.encoding(cells[0].split())
        self.operands = cells[1].split()
        self.how = cells[2].split()
        features = [f.strip() for f in cells[3].split(',')]
        self.features = (features + ['', ''])[:3]
        self.function = cells[4]
        self.name = cells[5] if len(cells) == 6 else cells[4]
        if len(self.operands) > 4 or [h for h in self.how if h not in HOW] or len(features) > 3:
            raise TableError('operands, how or features')
        if not re.fullmatch('[a-z0-9_]+', self.function):
            raise TableError('function')
        places = {o[0] for o in self.operands if o not in OF_NAME}
        if 'mod3' not in self.how and self.mod == 'ANY':
            self.mod = 'REG' if places & set('RNU') else 'MEM' if 'M' in places else 'ANY'
        if 'lig' in self.how:
            self.features[2] = self.features[1]
        if self.vex == 'VEX' and self.features[1:] == ['', '']:
            self.features = ['', self.features[0], '' if 'l0' in self.how else self.features[0]]

    def encoding(self, words):
        self.vex = words.pop(0) if words[0] in ('VEX', '+VEX') else ''
        self.prefix = PREFIXES[words.pop(0)] if words[0] in PREFIXES and len(words) > 1 else 'ANY'
        self.map = MAPS[words.pop(0)] if words[0] in MAPS and len(words) > 1 else 0
        m = re.fullmatch(r'([0-9A-F]{2})(\+?)', words.pop(0))
        if not m:
            raise TableError('opcode')
        self.opcode, self.plus = int(m[1], 16), m[2]
        self.ext = self.rm = -1
        self.mod = 'ANY'
        for w in words:
            if re.fullmatch('/[0-7]', w):
                self.ext = int(w[1])
            elif re.fullmatch('rm=[0-7]', w):
                self.rm, self.mod = int(w[3]), 'REG'
            elif w in ('mem', 'reg'):
                self.mod = w.upper()
            else:
                raise TableError(f'"{w}"')

    def lines(self):
        def feature(f):
            return 'X86_NEVER' if not f else 'X86_ALWAYS' if f == '-' else f'X86_FEAT_{f}'
        flags = ' | '.join([f'ROW_{h.upper()}' for h in self.how] +
                           ([] if not self.vex else ['ROW_VEX'])) or '0'
        opds = ['OPD_' + o for o in self.operands] + ['OPD_NONE'] * (4 - len(self.operands))
        for op in range(self.opcode, (self.opcode | 7 if self.plus else self.opcode) + 1):
            yield op, (f'ROW({self.function}, "{self.name}", {self.map}, PP_{self.prefix}, 0x{op:02x}, {self.ext}, '
                       f'{self.rm}, MOD_{self.mod}, {flags}, {", ".join(map(feature, self.features))}, '
                       f'{", ".join(opds)})')


def main():
    rows = []
    for path in sys.argv[1:]:
        with open(path, encoding='ascii') as f:
            for n, line in enumerate(f, 1):
                line = line.split('#')[0].strip()
                if not line:
                    continue
                try:
                    row = Row(line)
                    rows += [(row.map, op, i, text, row) for i, (op, text) in enumerate(row.lines())]
                except (TableError, KeyError, IndexError) as e:
                    sys.exit(f'{path}:{n}: {e}')
    rows.sort(key=lambda r: (r[0], r[1]))
    features = sorted({f for r in rows for f in r[4].features if f not in ('', '-')})
    print('/* Made by tools/gen-x86.py. */')
    print('#ifdef X86_FEATURES\n' + '\n'.join(f'FEATURE({f})' for f in features) + '\n#endif')
    print('#ifdef X86_FUNCTIONS\n' + '\n'.join(f'FUNCTION({f})' for f in sorted({r[4].function for r in rows})) + '\n#endif')
    print('#ifdef X86_ROWS\n' + '\n'.join(r[3] for r in rows) + '\n#endif')
    index = []
    for m in range(len(MAPS)):
        for op in range(256):
            index.append(sum(1 for r in rows if (r[0], r[1]) < (m, op)))
    print('#ifdef X86_INDEX\n' + ''.join(f'{i},\n' for i in index + [len(rows)]) + '#endif')


if __name__ == '__main__':
    main()

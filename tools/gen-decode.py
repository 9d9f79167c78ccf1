#!/usr/bin/env python3
"""Makes a decoder and a pattern array from .decode tables.

A table has one line per encoding of a 32-bit instruction word:

    NAME | pattern | assembly | feature

NAME      the manual's name; NAME/HANDLER when several encodings share a translator function.
pattern   bits from 31 down to 0: 0 1 fixed, x ignored, z o ignored but should be 0 1;
          f:N a field of N bits, f:sN the same, signed. Parts of a field that appear under one name are joined, the
          first is the most significant. f:N!v,v forbids values of the (joined) field; f:N<v bounds it.
assembly  text for the disassembler; {kind:field:...} are its operands (see the target's disassembler).
feature   the encoding is undefined without it; - none.

Two lines may not match the same word, unless they stand in one group, first match first:

    {
    special | ...
    general | ...
    }

A line "%class NAME" gives the class of the lines below it. "#" starts a comment.

The decoder calls bool tr_HANDLER(struct PREFIX *t, fields in order of appearance...); false: undefined. The decoder file
holds the prototypes, and where DECODER is defined the function instead; that wants target/pattern.h and the macros
HAS(t, feature) and IN_CLASS(t, class).
"""
import argparse
import itertools
import re
import sys

WIDTH = 32
FULL = (1 << WIDTH) - 1


class TableError(Exception):
    pass


class Field:
    def __init__(self, name, signed):
        self.name, self.signed = name, signed
        self.parts = []  # (pos, len), most significant first
        self.forbidden, self.bound = [], None

    @property
    def length(self):
        return sum(n for _, n in self.parts)

    def mask(self):
        m = 0
        for pos, n in self.parts:
            m |= ((1 << n) - 1) << pos
        return m

    def value(self, word):
        v = 0
        for pos, n in self.parts:
            v = v << n | (word >> pos & ((1 << n) - 1))
        return v

    def allowed(self, v):
        return v not in self.forbidden and (self.bound is None or v < self.bound)

    def c_expr(self):
        if len(self.parts) == 1:
            pos, n = self.parts[0]
            if self.signed:
                return f'SBITS(insn, {pos}, {n})'
            return f'UBITS(insn, {pos}, {n})'
        text, above = '', self.length
        for pos, n in self.parts:
            above -= n
            part = f'UBITS(insn, {pos}, {n})'
            text += (' | ' if text else '') + (f'{part} << {above}' if above else part)
        return f'SEXT({text}, {self.length})' if self.signed else text


class Pattern:
    def __init__(self, where, name, handler, bits, asm, feature, klass):
        self.where, self.name, self.handler = where, name, handler
        self.asm, self.feature, self.klass = asm, feature, klass
        self.fields, self.mask, self.fixed, self.should = {}, 0, 0, 0
        self.free = 0  # ignored bits without an advice
        self.group = None  # (group number, place in it)
        self.parse_bits(bits)
        for fields in re.findall(r'\{([^}]*)\}', asm):
            for f in fields.split(':')[1:]:
                if not f.isdigit() and f not in self.fields:
                    raise TableError(f'{where}: {name}: the assembly names an unknown field "{f}"')

    def parse_bits(self, bits):
        pos = WIDTH
        for tok in bits.split():
            if re.fullmatch(r'[01xzo]+', tok):
                for c in tok:
                    pos -= 1
                    if pos < 0:
                        break
                    if c in '01':
                        self.mask |= 1 << pos
                        self.fixed |= int(c) << pos
                    elif c == 'o':
                        self.should |= 1 << pos
                    elif c == 'x':
                        self.free |= 1 << pos
                continue
            m = re.fullmatch(r'([a-zA-Z_]\w*):(s?)(\d+)(?:!([\w,]+))?(?:<(\w+))?', tok)
            if not m:
                raise TableError(f'{self.where}: {self.name}: can\'t read "{tok}"')
            name, signed, n, no, bound = m.groups()
            f = self.fields.setdefault(name, Field(name, bool(signed)))
            pos -= int(n)
            if int(n) == 0:
                raise TableError(f'{self.where}: {self.name}: field "{name}" has no bits')
            f.parts.append((pos, int(n)))
            if no:
                f.forbidden += [int(v, 0) for v in no.split(',')]
            if bound:
                f.bound = int(bound, 0)
        if pos != 0:
            raise TableError(f'{self.where}: {self.name}: {WIDTH - pos} bits, expected {WIDTH}')
        for f in self.fields.values():
            for v in f.forbidden:
                if v >> f.length:
                    raise TableError(f'{self.where}: {self.name}: {v} does not fit field "{f.name}"')

    def constraints(self):
        return [f for f in self.fields.values() if f.forbidden or f.bound is not None]


def disjoint(a, b):
    """Can no word match both?"""
    both = a.mask & b.mask
    if (a.fixed ^ b.fixed) & both:
        return True
    for p, q in ((a, b), (b, a)):
        for f in p.constraints():
            m = f.mask()
            if q.mask & m == m and not f.allowed(f.value(q.fixed)):
                return True
            # Two constraints on the same bits, of which no value meets both.
            for g in q.constraints():
                if g.parts == f.parts and f.length <= 12:
                    if not any(f.allowed(v) and g.allowed(v) for v in range(1 << f.length)):
                        return True
    return False


def covers(a, b):
    """Does a match all that b matches?"""
    if a.mask & ~b.mask or (a.fixed ^ b.fixed) & a.mask:
        return False
    for f in a.constraints():
        m = f.mask()
        if b.mask & m == m:
            if not f.allowed(f.value(b.fixed)):
                return False
        elif not any(g.parts == f.parts and all(f.allowed(v) for v in range(1 << g.length) if g.allowed(v))
                     for g in b.constraints()):
            return False
    return True


def parse(lines, fname, pats, groups):
    klass, group = None, None
    for num, line in enumerate(lines, 1):
        where = f'{fname}:{num}'
        line = line.split('#')[0].strip() if line.lstrip().startswith('#') or ' # ' in line else line.strip()
        if not line:
            continue
        if line == '{':
            if group is not None:
                raise TableError(f'{where}: groups do not nest')
            group = []
            continue
        if line == '}':
            if group is None:
                raise TableError(f'{where}: no group to end')
            if len(group) < 2:
                raise TableError(f'{where}: a group of less than two lines')
            groups.append(group)
            group = None
            continue
        if line.startswith('%class '):
            klass = line.split()[1]
            continue
        cols = [c.strip() for c in line.split('|')]
        if len(cols) != 4:
            raise TableError(f'{where}: {len(cols)} columns, expected NAME | pattern | assembly | feature')
        if klass is None:
            raise TableError(f'{where}: no %class yet')
        name, _, handler = cols[0].partition('/')
        if not re.fullmatch(r'\w+', name) or (handler and not re.fullmatch(r'\w+', handler)):
            raise TableError(f'{where}: bad name "{cols[0]}"')
        p = Pattern(where, name, handler or name, cols[1], cols[2], None if cols[3] == '-' else cols[3], klass)
        if group is not None:
            p.group = (len(groups), len(group))
            group.append(p)
        pats.append(p)
    if group is not None:
        raise TableError(f'{fname}: a group does not end')


def check(pats):
    names = {}
    for p in pats:
        if p.name in names:
            raise TableError(f'{p.where}: {p.name} is also at {names[p.name].where}')
        names[p.name] = p
    handlers = {}
    for p in pats:
        sig = [(f.name, f.signed) for f in p.fields.values()]
        first = handlers.setdefault(p.handler, (sig, p))
        if first[0] != sig:
            raise TableError(f'{p.where}: {p.name}: fields differ from those of {first[1].name}, whose handler it shares')
    for a, b in itertools.combinations(pats, 2):
        if (a.fixed ^ b.fixed) & a.mask & b.mask or disjoint(a, b):
            continue
        if a.group is None or b.group is None or a.group[0] != b.group[0]:
            raise TableError(f'{b.where}: {b.name} overlaps {a.name} ({a.where})')
        if covers(a, b):
            raise TableError(f'{b.where}: {b.name} can\'t be reached, {a.name} ({a.where}) matches all of it')


# -- output ---------------------------------------------------------------------------------------------------


def c_args(p):
    return ''.join(f', {"i32" if f.signed else "u32"} {f.name}' for f in p.fields.values())


class Emitter:
    def __init__(self, prefix, feature_macro):
        self.prefix, self.feature_macro, self.out = prefix, feature_macro, []

    def leaf(self, p, known, ind):
        cond = []
        rest = p.mask & ~known
        if rest:
            cond.append(f'(insn & {rest:#010x}) == {p.fixed & rest:#010x}')
        for f in p.constraints():
            e = f.c_expr()
            e = f'({e})' if len(f.parts) > 1 else e
            cond += [f'{e} != {v}' for v in f.forbidden]
            if f.bound is not None:
                cond.append(f'{e} < {f.bound}')
        pad = '    ' * ind
        if cond:
            self.out.append(f'{pad}if ({" && ".join(cond)}) {{')
            pad += '    '
        call = f'tr_{p.handler}(t{"".join(", " + f.c_expr() for f in p.fields.values())})'
        feat = f'{self.feature_macro}(t, {p.feature}) && ' if p.feature else ''
        self.out.append(f'{pad}return IN_CLASS(t, {p.klass}) && {feat}{call};')
        if cond:
            self.out.append(pad[4:] + '}')
        return not cond

    @staticmethod
    def best_bits(pats, known):
        """The longest run of bits (up to 8) that all patterns fix, else the single bit most of them fix."""
        common = FULL & ~known
        for p in pats:
            common &= p.mask
        best = (0, 0)
        pos = 0
        while pos < WIDTH:
            if not common >> pos & 1:
                pos += 1
                continue
            n = 0
            while pos + n < WIDTH and common >> (pos + n) & 1 and n < 8:
                n += 1
            kinds = len({p.fixed >> pos & ((1 << n) - 1) for p in pats})
            best = max(best, (kinds, n, pos))
            pos += n
        if best[0] > 1:
            return best[2], best[1]
        score, at = 0, None
        for pos in range(WIDTH):
            if known >> pos & 1:
                continue
            ones = sum(1 for p in pats if p.mask >> pos & 1 and p.fixed >> pos & 1)
            zeros = sum(1 for p in pats if p.mask >> pos & 1 and not p.fixed >> pos & 1)
            if min(ones, zeros) > score:
                score, at = min(ones, zeros), pos
        return (at, 1) if at is not None else None

    def tree(self, pats, known, ind):
        """Emits code that returns when a pattern matches and falls out when none does."""
        pad = '    ' * ind
        split = self.best_bits(pats, known) if len(pats) > 1 else None
        if split is None:
            for p in pats:
                if self.leaf(p, known, ind):
                    return
            return
        pos, n = split
        field = (1 << n) - 1
        cases = {}
        for v in range(1 << n):
            sub = tuple(p for p in pats if not ((p.mask >> pos & field) & ((p.fixed >> pos & field) ^ v)))
            if sub:
                cases.setdefault(sub, []).append(v)
        self.out.append(f'{pad}switch (insn >> {pos} & {field:#x}) {{')
        for sub, vals in cases.items():
            for v in vals:
                self.out.append(f'{pad}case {v:#x}:')
            self.tree(list(sub), known | field << pos, ind + 1)
            self.out.append(f'{pad}    break;')
        self.out.append(f'{pad}}}')


def emit_decoder(pats, args):
    e = Emitter(args.prefix, 'HAS')
    e.out.append('/* Made by gen-decode.py from the .decode tables. */')
    e.out.append('#ifndef DECODER')
    seen = set()
    for p in pats:
        if p.handler not in seen:
            seen.add(p.handler)
            e.out.append(f'bool tr_{p.handler}(struct {args.prefix} *t{c_args(p)});')
    e.out.append('#else')
    e.out.append(f'static bool {args.prefix}_decode(struct {args.prefix} *t, u32 insn)\n{{')
    e.tree(pats, 0, 1)
    e.out.append('    return false;\n}\n#endif')
    return '\n'.join(e.out) + '\n'


def c_str(s):
    return '"' + s.replace('\\', '\\\\').replace('"', '\\"') + '"'


def emit_table(pats, args):
    out = ['/* Made by gen-decode.py from the .decode tables. */']
    for p in pats:
        fields = []
        for f in p.fields.values():
            parts = ', '.join(f'{{{pos}, {n}}}' for pos, n in f.parts)
            fields.append(f'{{{c_str(f.name)}, {int(f.signed)}, {len(f.parts)}, {{{parts}}}}}')
        nots = []
        for i, f in enumerate(p.fields.values()):
            nots += [f'{{{i}, 0, {v}}}' for v in f.forbidden]
            if f.bound is not None:
                nots.append(f'{{{i}, 1, {f.bound}}}')
        feat = f'FEATURE({p.feature})' if p.feature else '-1'
        out.append(f'{{{c_str(p.name)}, {c_str(p.asm)}, {p.mask:#010x}, {p.fixed:#010x}, {p.should:#010x}, {p.free:#010x}, '
                   f'CLASS({p.klass}), {feat}, {len(fields)}, {len(nots)}, {{{", ".join(fields)}}}, '
                   f'{{{", ".join(nots)}}}}},')
    return '\n'.join(out) + '\n'


def load(texts):
    """texts: (file name, lines) pairs. Returns checked patterns."""
    pats, groups = [], []
    for fname, lines in texts:
        parse(lines, fname, pats, groups)
    check(pats)
    return pats


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--prefix', required=True, help='struct and function prefix')
    ap.add_argument('--decoder', help='decoder file to write')
    ap.add_argument('--table', help='pattern array file to write')
    ap.add_argument('tables', nargs='+')
    args = ap.parse_args()
    try:
        texts = []
        for name in args.tables:
            with open(name) as f:
                texts.append((name.split('/')[-1], f.readlines()))
        pats = load(texts)
    except TableError as e:
        sys.exit(str(e))
    for name, emit in ((args.decoder, emit_decoder), (args.table, emit_table)):
        if name:
            with open(name, 'w') as f:
                f.write(emit(pats, args))


if __name__ == '__main__':
    main()

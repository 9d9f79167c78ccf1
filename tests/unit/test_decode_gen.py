#!/usr/bin/env python3
"""tools/gen-decode.py: what it accepts, what it refuses and with which words, and that its decoder agrees with the
patterns."""
import importlib.util
import os
import random
import sys
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, '..', '..', 'tools', 'gen-decode.py')
spec = importlib.util.spec_from_file_location('gen_decode', TOOL)
gen = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(gen)

REST = '0000000000000000 rd:5 rn:5'  # 26 bits


def load(*lines):
    return gen.load([('t', ['%class k'] + list(lines))])


class Accepts(unittest.TestCase):
    def test_fields(self):
        p, = load('A | 101 hi:s3 x o z lo:2 hi:4 rd:5 000000000000 | a {d:hi}, {x:rd} | -')
        hi = p.fields['hi']
        self.assertEqual(hi.parts, [(26, 3), (17, 4)])
        self.assertTrue(hi.signed)
        self.assertEqual(hi.value(0b111 << 26 | 0b1010 << 17), 0b1111010)
        self.assertEqual((p.mask, p.fixed), (0xe0000fff, 0xa0000000))
        self.assertEqual((p.should, p.free), (1 << 24, 1 << 25))

    def test_disjoint_by_limit(self):
        load('A | 000000 ' + REST.replace('rd:5', 'rd:5!31') + ' | a | -',
             'B | 000000 ' + REST.replace('rd:5', '11111') + ' | b | -')
        load('A | 000000 ' + REST.replace('rd:5', 'rd:5<4') + ' | a | -',
             'B | 000000 ' + REST.replace('rd:5', 'rd:5!0,1,2,3') + ' | b | -')

    def test_group(self):
        pats = load('{', 'A | 000000 ' + REST.replace('rd:5', '11111') + ' | a | -', 'B | 000000 ' + REST + ' | b | -', '}')
        self.assertEqual([p.group for p in pats], [(0, 0), (0, 1)])

    def test_shared_handler(self):
        pats = load('A | 000000 ' + REST + ' | a | -', 'B/A | 000001 ' + REST + ' | b | F')
        self.assertEqual([p.handler for p in pats], ['A', 'A'])
        self.assertEqual(pats[1].feature, 'F')


class Refuses(unittest.TestCase):
    def refused(self, words, *lines):
        with self.assertRaisesRegex(gen.TableError, words):
            load(*lines)

    def test_overlap(self):
        self.refused('t:3: B overlaps A', 'A | 00000x ' + REST + ' | a | -', 'B | 000001 ' + REST + ' | b | -')

    def test_overlap_of_two_groups(self):
        self.refused('overlaps', '{', 'A | 000000 ' + REST.replace('rd:5', '11111') + ' | a | -',
                     'B | 000000 ' + REST + ' | b | -', '}', 'C | 000000 ' + REST.replace('rn:5', '11111') + ' | c | -')

    def test_unreachable(self):
        self.refused("B can't be reached", '{', 'A | 000000 ' + REST + ' | a | -',
                     'B | 000000 ' + REST.replace('rd:5', '11111') + ' | b | -', '}')

    def test_bits(self):
        self.refused('1 bits, expected|31 bits, expected', 'A | 00000 ' + REST + ' | a | -')
        self.refused('bits, expected', 'A | 0000000 ' + REST + ' | a | -')
        self.refused("can't read", 'A | 00000? ' + REST + ' | a | -')
        self.refused('has no bits', 'A | 000000 q:0 ' + REST + ' | a | -')
        self.refused('does not fit', 'A | 000000 ' + REST.replace('rd:5', 'rd:5!32') + ' | a | -')

    def test_columns(self):
        self.refused('3 columns', 'A | 000000 ' + REST + ' | a')
        self.refused('bad name', 'A b | 000000 ' + REST + ' | a | -')
        self.refused('unknown field "rq"', 'A | 000000 ' + REST + ' | a {x:rq} | -')
        self.refused('is also at', 'A | 000000 ' + REST + ' | a | -', 'A | 000001 ' + REST + ' | a | -')
        self.refused('fields differ', 'A | 000000 ' + REST + ' | a | -',
                     'B/A | 000001 ' + REST.replace('rn:5', '00000') + ' | b | -')

    def test_groups(self):
        self.refused('do not nest', '{', '{')
        self.refused('no group', '}')
        self.refused('less than two', '{', 'A | 000000 ' + REST + ' | a | -', '}')
        self.refused('does not end', '{', 'A | 000000 ' + REST + ' | a | -')
        with self.assertRaisesRegex(gen.TableError, 'no %class'):
            gen.load([('t', ['A | 000000 ' + REST + ' | a | -'])])


class Decoder(unittest.TestCase):
    """The decision tree finds what a search through the patterns finds."""

    def test_agrees(self):
        rng = random.Random(1)
        pats = load('{', 'A | 000000 ' + REST.replace('rd:5', '11111') + ' | a | -', 'B | 000000 ' + REST + ' | b | -', '}',
                    'C | 01x0 f:2!3 ' + REST + ' | c | -', 'D | 1 g:4 0 ' + REST + ' | d | -', 'E | 11xxx1 ' + REST + ' | e | -')

        def match(p, w):
            return w & p.mask == p.fixed and all(f.allowed(f.value(w)) for f in p.constraints())

        def walk(ps, known, w):
            split = gen.Emitter.best_bits(ps, known) if len(ps) > 1 else None
            if split is None:
                return next((p for p in ps if match(p, w)), None)
            pos, n = split
            field = (1 << n) - 1
            v = w >> pos & field
            sub = [p for p in ps if not ((p.mask >> pos & field) & ((p.fixed >> pos & field) ^ v))]
            return walk(sub, known | field << pos, w) if sub else None

        hits = 0
        for _ in range(20000):
            w = rng.getrandbits(32)
            w = w & ~0x03fffc00 if rng.random() < 0.9 else w
            want = next((p for p in pats if match(p, w)), None)
            self.assertIs(walk(pats, 0, w), want)
            hits += want is not None
        self.assertGreater(hits, 5000)


if __name__ == '__main__':
    unittest.main()

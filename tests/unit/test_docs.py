#!/usr/bin/env python3
"""tools/check-docs.py finds what is wrong in a page, and nothing in one that is right."""
import importlib.util
import os
import sys
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'tools', 'check-docs.py')
spec = importlib.util.spec_from_file_location('check_docs', TOOL)
docs = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(docs)

TREE = {
    'dev': '#: build   compile\n',
    'hw/char/uart.c': 'struct uart {\n};\nvoid uart_reset(void)\n{\n}\n',
    'hw/char/uart.h': '',
    'docs/page.md': '',
}
RIGHT = ['[x](page.md)', '[x](../hw/char/uart.c)', '[x](https://example.org/y)', '`hw/char/uart.c`', '`uart.c`', '`hw/char/`',
         '`hw/char/uart.{c,h}`', '`hw/char/*.c`', '`struct uart`', '`uart_reset()`', '`./dev build`', '`build/tests/x.c`',
         '`target/foo/`', '`build/moss -M virt`', '`a/b`']
WRONG = ['[x](none.md)', '`hw/char/none.c`', '`none.c`', '`hw/none/`', '`hw/char/uart.{c,x.py}`', '`struct none`', '`none_reset()`', '`none_of`',
         './dev fly', '<<<<<<< HEAD', 'Word upon word. ' * 6 + '\n\n' + 'Word upon word. ' * 6]


class Docs(unittest.TestCase):
    def check(self, text):
        with tempfile.TemporaryDirectory() as root:
            for path, content in TREE.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), 'w', encoding='utf-8') as f:
                    f.write(text if path == 'docs/page.md' else content)
            c = docs.Checker(root)
            c.page('docs/page.md')
            return c.bad

    def test_right(self):
        for text in RIGHT:
            self.assertEqual(self.check(text), [], text)

    def test_wrong(self):
        for text in WRONG:
            self.assertEqual(len(self.check(text)), 1, text)


if __name__ == '__main__':
    unittest.main()

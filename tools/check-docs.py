#!/usr/bin/env python3
"""What README.md and docs/ name is there: linked pages, files, structs, words with an underscore, verbs of ./dev; and
docs/reading-order.md names every page; no page holds an unfinished merge or a paragraph twice. Exits 1 with one line an offence.   check-docs.py [ROOT]"""
import fnmatch
import itertools
import os
import re
import sys

SOURCES = ('.c', '.h', '.py', '.def', '.decode', '.S', '.md', '.txt', '.sh', '.ir', '.in', '.dts', '.inc', '.ld')
# Placeholders: foo is what the reader is about to make.
OPEN = re.compile(r'[<>"=|$]|\.\.\.|NAME|KIND|SEED|CPU/|foo|noun_')
# Made by the build, or the user's.
MADE = re.compile(r'^(build|\.cache|/|~)|_(decode|table)\.inc$|^config\.h$')


def tree(root):
    """Paths and folders below root, build directories left out."""
    out = set()
    for folder, subs, names in os.walk(root):
        subs[:] = [s for s in subs if not s.startswith('build') and (s == '.ci' or not s.startswith('.'))]
        rel = os.path.relpath(folder, root)
        out.update(os.path.normpath(os.path.join(rel, n)) for n in subs + names)
    return out


def braces(text):
    """a{b,c}d -> abd, acd."""
    m = re.search(r'\{([^{}]*,[^{}]*)\}', text)
    if not m:
        return [text]
    return list(itertools.chain(*(braces(text[:m.start()] + w.strip() + text[m.end():]) for w in m.group(1).split(','))))


def file_there(name, paths):
    """As a path from the root, or the end of one; `_misc.c` in a list that began with `tr_simd_3same.c` is an end too."""
    name = re.sub(r'^(\.\./)+', '', name).rstrip('/')
    ends = ('', '*/', '*') if name.startswith('_') else ('', '*/')
    return any(fnmatch.fnmatchcase(p, end + name) for p in paths for end in ends)


class Checker:
    def __init__(self, root):
        self.root, self.paths, self.bad = root, tree(root), []
        code = []
        for p in self.paths:
            if p.endswith(('.c', '.h', '.def', '.decode', '.py', '.in', '.S', 'meson.build')):
                with open(os.path.join(root, p), encoding='utf-8') as f:
                    code.append(f.read())
        text = '\n'.join(code)
        self.structs = set(re.findall(r'\bstruct (\w+) \{', text))
        self.words = set(re.findall(r'\w+', text)) | {os.path.splitext(os.path.basename(p))[0] for p in self.paths}
        self.words |= {re.sub(r'.*/(\w+)/test_(\w+)\.c$', r'test_\1_\2', p) for p in self.paths}  # their programs
        with open(os.path.join(root, 'dev'), encoding='utf-8') as f:
            self.verbs = set(re.findall(r'^#: (\w+)', f.read(), re.M))

    def read(self, path):
        with open(os.path.join(self.root, path), encoding='utf-8') as f:
            return f.read()

    def complain(self, page, text, what):
        self.bad.append(f'{page}: {what}: {text}')

    def links(self, page, text):
        for target in re.findall(r'\]\(([^)#]+)(?:#[^)]*)?\)', text):
            if not re.match(r'https?:', target):
                path = os.path.normpath(os.path.join(os.path.dirname(page), target))
                if path not in self.paths:
                    self.complain(page, target, 'a link to nothing')

    def code_word(self, page, word):
        """A text between backquotes."""
        if OPEN.search(word):
            return
        for name in re.findall(r'\bstruct (\w+)', word):
            if name not in self.structs and '[' not in word:
                self.complain(page, word, 'there is no such struct')
        m = re.fullmatch(r'(\w+)\(\)', word) or re.fullmatch(r'([A-Za-z]\w*_\w*[A-Za-z0-9])(?:\[.*\]|\(.*\))?', word)
        if m and m.group(1) not in self.words:
            self.complain(page, word, 'there is no such word in the sources')
        for name in itertools.chain(*(braces(w) for w in word.split(' ') if w)):
            name = re.sub(r'^\./', '', name).rstrip(',;:')
            is_file = name.endswith(SOURCES) or (re.fullmatch(r'[\w.-]+(/[\w.*-]+)*/', name) is not None)
            if is_file and name not in SOURCES and not MADE.search(name) and not file_there(name, self.paths):
                self.complain(page, name, 'there is no such file')

    def once(self, page, text):
        for line in re.findall(r'^(?:<<<<<<<|>>>>>>>) .*$', text, re.M):
            self.complain(page, line, 'an unfinished merge')
        seen = set()
        for part in text.split('\n\n'):
            if part in seen and len(part) > 80:
                self.complain(page, part.split('\n')[0], 'said twice')
            seen.add(part)

    def page(self, page):
        text = self.read(page)
        self.once(page, text)
        self.links(page, text)
        for verb in re.findall(r'(?<![\w`])(?:\./dev) ([a-z]+)', text):
            if verb not in self.verbs and not re.search(rf'\./dev {verb} lists', text):
                self.complain(page, verb, './dev has no verb')
        prose = re.sub(r'^```.*?^```', '', text, flags=re.M | re.S)
        for word in re.findall(r'`([^`\n]+)`', prose):
            self.code_word(page, word)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    c = Checker(root)
    pages = sorted(p for p in c.paths if p.startswith('docs/') and p.endswith('.md'))
    for page in ['README.md'] + pages:
        c.page(page)
    if 'docs/reading-order.md' in c.paths:
        listed = c.read('docs/reading-order.md')
        for page in pages:
            if page != 'docs/reading-order.md' and f']({page[5:]})' not in listed:
                c.complain('docs/reading-order.md', page, 'a page it does not link to')
    else:
        c.complain('docs/reading-order.md', 'itself', 'there is no such file')
    print('\n'.join(c.bad))
    return 1 if c.bad else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
"""Who may include whom (docs/house.md): every #include of a project header is checked against the table, private
headers stay in their folder, and folders do not form cycles. Exits 1 with one line an offence."""
import os
import re
import subprocess
import sys

# folder prefix -> prefixes it may include (its own is always allowed); the longest matching key rules.
ALLOW = {
    'base': [],
    'fpu': ['base'],
    'memory': ['base'],
    'tcg': ['base'],
    'tcg/opt': ['base', 'tcg'],
    'tcg/interp': ['base', 'tcg', 'fpu'],
    'tcg/host': ['base', 'tcg'],
    'chardev': ['base'],
    'block': ['base'],
    'net': ['base'],
    'ui': ['base'],
    'target': ['base', 'memory', 'tcg'],
    'target/arm': ['base', 'memory', 'tcg', 'fpu', 'target'],
    'accel': ['base', 'memory', 'tcg', 'target'],
    'hw': ['base', 'memory', 'hw/core', 'chardev', 'block', 'net', 'ui'],
    'hw/core': ['base', 'memory', 'chardev', 'block', 'net', 'ui', 'target/vcpu.h'],
    'hw/virtio': ['base', 'memory', 'hw/core', 'hw/pci', 'hw/virtio'],
    'hw/char': ['base', 'memory', 'hw/core', 'hw/virtio', 'chardev'],
    'hw/block': ['base', 'memory', 'hw/core', 'hw/virtio', 'block'],
    'hw/net': ['base', 'memory', 'hw/core', 'hw/virtio', 'net'],
    'hw/misc': ['base', 'memory', 'hw/core', 'hw/virtio', 'hw/pci'],
    'hw/board': ['base', 'memory', 'hw', 'chardev', 'block', 'net', 'target/arm/arm.h', 'target/target.h',
                 'target/vcpu.h'],
    'system': ['base', 'memory', 'tcg', 'target', 'accel', 'hw/core', 'chardev', 'block', 'net', 'ui'],
    'user': ['base', 'memory', 'tcg', 'target', 'accel'],
    'tests': ['*'],
    'main.c': ['*'],
    'registry.c': ['*'],
}
# These see no sub-folder of an ISA or host though the parent is allowed.
DENY = {
    'accel': ['target/arm', 'hw'],
    'system': ['target/arm', 'hw/board'],
    'tcg': ['tcg/host/x86_64', 'tcg/host/aarch64'],
}


def rule(table, path):
    best = max((k for k in table if path == k or path.startswith(k + '/')), key=len, default=None)
    return best, table.get(best, [])


def under(path, prefix):
    return prefix == '*' or path == prefix or path.startswith(prefix + '/')


def check(path, inc):
    key, allowed = rule(ALLOW, path)
    if key is None:
        return 'is in no folder of the table'
    own = key
    if inc.endswith('_priv.h') and os.path.dirname(inc) != os.path.dirname(path) and not path.startswith('tests/'):
        if not under(os.path.dirname(path), os.path.dirname(inc)):
            return 'is private to its folder'
    _, denied = rule(DENY, path)
    if any(under(inc, d) for d in denied) and not any(under(path, d) for d in denied):
        return f'{own} must not see it'
    if under(inc, own) or any(under(inc, a) for a in allowed):
        return None
    return f'{own} may include only {", ".join(allowed) or "nothing of the project"}'


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = subprocess.run(['git', 'ls-files', '*.c', '*.h', '*.def'], cwd=root, capture_output=True,
                           text=True, check=True).stdout.split()
    bad = 0
    for f in files:
        with open(os.path.join(root, f), encoding='utf-8') as src:
            for n, line in enumerate(src, 1):
                m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if not m or m.group(1) in ('config.h',) or '/' not in m.group(1):
                    continue
                why = check(f, m.group(1))
                if why:
                    print(f'{f}:{n}: includes {m.group(1)}: {why}')
                    bad += 1
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

#!/usr/bin/env python3
"""Who may include whom (docs/house.md): every #include of a project header is checked against the table, private
headers stay in their folder, and nobody but its own folder sees an ISA or a host's back end. Exits 1 with one line an
offence."""
import os
import re
import sys

# folder prefix -> prefixes it may include (its own is always allowed); the longest matching key rules. target/ISA stands
# for each folder of target/.
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
    'target/ISA': ['base', 'memory', 'tcg', 'fpu', 'target'],
    'accel': ['base', 'memory', 'tcg', 'target'],
    'hw': ['base', 'memory', 'hw/core', 'chardev', 'block', 'net', 'ui'],
    'hw/core': ['base', 'memory', 'chardev', 'block', 'net', 'ui', 'target/vcpu.h'],
    'hw/virtio': ['base', 'memory', 'hw/core', 'hw/pci', 'hw/virtio'],
    'hw/char': ['base', 'memory', 'hw/core', 'hw/virtio', 'chardev'],
    'hw/block': ['base', 'memory', 'hw/core', 'hw/virtio', 'block'],
    'hw/net': ['base', 'memory', 'hw/core', 'hw/pci', 'hw/virtio', 'net'],
    'hw/input': ['base', 'memory', 'hw/core', 'hw/virtio', 'ui'],
    'hw/ide': ['base', 'memory', 'hw/core', 'hw/pci', 'hw/scsi', 'hw/block', 'block'],
    'hw/scsi': ['base', 'memory', 'hw/core', 'hw/virtio', 'hw/block', 'block'],
    'hw/misc': ['base', 'memory', 'hw/core', 'hw/virtio', 'hw/pci'],
    'hw/display': ['base', 'memory', 'hw/core', 'hw/misc', 'hw/pci', 'hw/virtio', 'ui'],
    'hw/input': ['base', 'memory', 'hw/core', 'hw/virtio', 'ui'],
    'hw/acpi': ['base', 'memory', 'hw/core', 'hw/pci'],
    'hw/usb': ['base', 'memory', 'hw/core', 'hw/pci', 'hw/scsi', 'hw/block', 'block', 'ui'],
    'hw/board': ['base', 'memory', 'hw', 'chardev', 'block', 'net', 'target'],
    'system': ['base', 'memory', 'tcg', 'target', 'accel', 'hw/core', 'chardev', 'block', 'net', 'ui'],
    'user': ['base', 'memory', 'tcg', 'target', 'accel'],
    'tests': ['*'],
    'main.c': ['*'],
    'registry.c': ['*'],
    'main_user.c': ['*'],
    'registry_user.c': ['*'],
}
# What is hidden although the parent is allowed.
DENY = {'accel': ['hw'], 'system': ['hw/board', 'accel/tcg'], 'target': ['tcg/host'], 'target/ISA': ['tcg/host']}
# Folders that only their own files see, and whose public header (target/arm/arm.h) boards and ABIs see too.
INNER = re.compile(r'(target|tcg/host)/(\w+)/')


def rule(table, path):
    best = max((k for k in table if path == k or path.startswith(k + '/')), key=len, default=None)
    return best, table.get(best, [])


def under(path, prefix):
    return prefix == '*' or path == prefix or path.startswith(prefix + '/')


def hidden(path, inc):
    """Is inc inside an ISA or a back end that path does not belong to?"""
    m = INNER.match(inc)
    if not m or path.startswith(m.group(0)) or ALLOW[rule(ALLOW, path)[0]] == ['*']:
        return False
    return not (path.startswith(('hw/board/', 'user/abi_')) and inc == f'target/{m.group(2)}/{m.group(2)}.h')


def check(path, inc):
    own = INNER.match(path)
    key, allowed = rule(ALLOW, path)
    denied = DENY.get(key, [])
    if own and own.group(1) == 'target':
        key, allowed, denied = own.group(0)[:-1], ALLOW['target/ISA'], DENY['target/ISA']
    if key is None:
        return 'is in no folder of the table'
    if inc.endswith('_priv.h') and os.path.dirname(inc) != os.path.dirname(path) and not path.startswith('tests/'):
        if not under(os.path.dirname(path), os.path.dirname(inc)):
            return 'is private to its folder'
    if hidden(path, inc) or any(under(inc, d) for d in denied):
        return f'{key} must not see it'
    if under(inc, key) or any(under(inc, a) for a in allowed):
        return None
    return f'{key} may include only {", ".join(allowed) or "nothing of the project"}'


def sources(root):
    out = []
    for folder, subs, names in os.walk(root):
        subs[:] = sorted(s for s in subs if not s.startswith(('build', '.')))
        out += [os.path.relpath(os.path.join(folder, n), root) for n in sorted(names) if n.endswith(('.c', '.h', '.def'))]
    return out


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = sources(root)
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

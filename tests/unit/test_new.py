#!/usr/bin/env python3
"""What `./dev new` writes is good as it stands: in a copy of the tree, one of each kind is made, keeps the house's format
and layers, builds without a warning, passes its tests, and the new board boots the small guest.   test_new.py [KIND...]"""
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# kind: name, tests (of the build directory) to run
KINDS = {
    'device': ('timer/new-timer', ['tests/hw/test_hw_new_timer', 'tests/hw/test_hw_classes']),
    'board': ('a-board', ['tests/hw/test_hw_board_a_board']),
    'isa': ('zed', ['tests/test_zed']),
}


def run(*argv, cwd):
    p = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if p.returncode:
        sys.exit(f'{" ".join(argv)} failed:\n{p.stdout[-6000:]}')
    return p.stdout


def tree_files():
    """What git knows; without git all but build directories."""
    git = subprocess.run(['git', 'ls-files', '--cached', '--others', '--exclude-standard'], cwd=ROOT, capture_output=True,
                         text=True, check=False)
    if git.returncode == 0:
        return [f for f in git.stdout.split('\n') if f and os.path.exists(os.path.join(ROOT, f))]
    out = []
    for folder, subs, files in os.walk(ROOT):
        subs[:] = [s for s in subs if not s.startswith(('build', '.'))]
        out += [os.path.relpath(os.path.join(folder, f), ROOT) for f in files]
    return out


def copy_tree(to):
    for f in tree_files():
        os.makedirs(os.path.dirname(os.path.join(to, f)), exist_ok=True)
        shutil.copy(os.path.join(ROOT, f), os.path.join(to, f))


def check_sources(tree, written):
    sources = [f for f in written if f.endswith(('.c', '.h'))]
    if shutil.which('clang-format'):
        run('clang-format', '--dry-run', '-Werror', *sources, cwd=tree)
    for f in written:
        with open(os.path.join(tree, f), encoding='utf-8') as src:
            if '@' in src.read().replace('@INPUT@', '').replace('@OUTPUT0@', '').replace('@OUTPUT1@', ''):
                sys.exit(f'{f}: a word of the template was not filled in')
    run(sys.executable, 'tools/check-layers.py', cwd=tree)


def boot(tree):
    run(sys.executable, 'tools/mkguest.py', 'small.img', cwd=tree)
    out = run(sys.executable, 'tools/drive.py', '--timeout', '60', 'wait=powers it off', 'send=hello', 'wait=hello',
              'raw=\x04', 'wait=Goodbye', '--', 'build/moss', '-M', KINDS['board'][0], '-kernel', 'small.img',
              '-nographic', cwd=tree)
    if 'Goodbye' not in out:
        sys.exit(f'the small guest did not end:\n{out}')


def main():
    kinds = sys.argv[1:] or list(KINDS)
    with tempfile.TemporaryDirectory(prefix='moss-new-') as tree:
        copy_tree(tree)
        before = {f: os.stat(os.path.join(tree, f)).st_mtime_ns for f in tree_files()}
        for kind in kinds:
            print(run(sys.executable, 'tools/new.py', kind, KINDS[kind][0], cwd=tree), end='')
        written = [os.path.relpath(os.path.join(d, f), tree) for d, _, fs in os.walk(tree) for f in fs]
        check_sources(tree, [f for f in written if f not in before and not f.startswith('.')])
        tests = [t for kind in kinds for t in KINDS[kind][1]]
        run('meson', 'setup', 'build', '-Doptimization=0', '-Ddebug=false', '-Dtests=enabled', '-Dwerror=true', cwd=tree)
        run('ninja', '-C', 'build', 'moss', *tests, cwd=tree)
        for t in tests:
            run(f'build/{t}', cwd=tree)
        if 'board' in kinds:
            boot(tree)
        again = subprocess.run([sys.executable, 'tools/new.py', 'isa', KINDS['isa'][0]], cwd=tree, capture_output=True,
                               text=True, check=False)
        if 'isa' in kinds and 'is there already' not in again.stderr:
            sys.exit('new.py wrote over what was there')
    print('built, tested:', ', '.join(kinds))


if __name__ == '__main__':
    main()

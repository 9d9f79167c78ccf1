"""The code cache on disk: what a second run takes from it, and that nothing in it can do harm."""
import os
import random
import re
import resource
import shutil
import subprocess

WORK = '''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int step(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
int main(int argc, char **argv)
{
    int v[500];
    unsigned h = argc;
    for (int i = 0; i < 500; i++) v[i] = (i * 7919) % 503;
    qsort(v, 500, sizeof(v[0]), step);
    for (int i = 0; i < 500; i++) h = h * 31 + v[i];
    char text[64], *end;
    snprintf(text, sizeof(text), "%.3f %s %u", 3.25, argc > 1 ? argv[1] : "-", ADD(h));
    printf("%s %lu %zu\\n", text, strtoul("777", &end, 8), strlen(text));
    return 0;
}
'''


class Cache:
    def __init__(self, b, must):
        self.b, self.must = b, must
        self.dir = os.path.join(b.folder, 'kept')
        self.src = os.path.join(b.folder, 'work.c')
        with open(self.src, 'w', encoding='ascii') as f:
            f.write(WORK)

    def build(self, name, add):
        exe = os.path.join(self.b.folder, name)
        subprocess.run([*self.b.cc, '-O1', '-w', '-static', f'-DADD(x)=(x + {add})', '-o', exe, self.src], check=True)
        return exe

    def run(self, exe, *args, folder=None, before=None, env=None):
        """(output, loaded, translated, saved files, status); the log has the counts."""
        log = os.path.join(self.b.folder, 'log')
        if os.path.exists(log):
            os.unlink(log)
        r = subprocess.run([self.b.moss, '-code-cache', folder or self.dir, '-d', 'code_cache', '-D', log, exe, *args],
                           capture_output=True, text=True, timeout=120, cwd=self.b.folder, check=False, preexec_fn=before,
                           env={**os.environ, **(env or {})})
        text = ''
        if os.path.exists(log):
            with open(log, encoding='ascii') as f:
                text = f.read()
        self.must('moss:' not in r.stderr and r.returncode == 0, f'{exe} {args}', r)
        m = re.search(r'(\d+) blocks loaded, (\d+) refused, (\d+) translated', text)
        counts = [int(x) for x in m.groups()] if m else [0, 0, -1]
        return r.stdout, counts[0], counts[2], text.count(': saved'), counts[1]

    def files(self):
        return sorted(os.path.join(self.dir, n) for n in os.listdir(self.dir)) if os.path.isdir(self.dir) else []


def kept(c):
    """Second runs load; other arguments are no other program; what is saved is private."""
    exe = c.build('one', 1)
    out, loaded, made, saved, _ = c.run(exe)
    if made < 0:
        return False
    c.must(loaded == 0 and made > 100 and saved == 1, f'first run: {loaded} loaded, {made} translated, {saved} saved')
    again, loaded2, made2, saved2, _ = c.run(exe)
    c.must(again == out and loaded2 > 0.95 * made and made2 < 24 and saved2 == 0,
           f'second run: {loaded2} loaded, {made2} translated, {saved2} saved')
    c.must(c.run(exe, 'x')[0] == c.run(exe, 'x', folder='off')[0] != out, 'another argument')
    for path in c.files():
        st = os.stat(path)
        c.must(st.st_mode & 0o777 == 0o600 and st.st_uid == os.geteuid(), f'{path} is not private')
    c.must(os.stat(c.dir).st_mode & 0o777 == 0o700, 'the folder is not private')
    # A copy elsewhere has the same contents.
    copy = os.path.join(c.b.folder, 'copy')
    shutil.copyfile(exe, copy)
    os.chmod(copy, 0o755)
    c.must(c.run(copy)[1] > 0.95 * made, 'a copy of the program is not known')
    # Options that decide over code do not share.
    r = subprocess.run([c.b.moss, '-code-cache', c.dir, '-cpu', c.b.model, exe], capture_output=True, text=True, check=False)
    c.must(r.returncode == 0 and r.stdout == out, 'another cpu', r)
    return True


def changed(c):
    """The program is changed in place: same length, same first page, another result."""
    exe = c.build('one', 1)
    out = c.run(exe)[0]
    c.must(c.run(exe)[1] > 100, 'nothing was kept')
    with open(exe, 'rb') as f:
        old = f.read()
    with open(c.build('two', 2), 'rb') as f:
        new = f.read()
    c.must(len(old) == len(new), 'the two programs differ in length')
    want = c.run(os.path.join(c.b.folder, 'two'), folder='off')[0]
    c.must(want != out, 'the two programs do the same')
    mixed = old[:1024] + new[1024:]
    with open(exe, 'r+b') as f:
        f.write(mixed)
    for _ in range(3):
        got, loaded, *_ = c.run(exe)
        c.must(got == want and loaded > 100, f'changed program: {got!r}, expected {want!r}; {loaded} loaded')


def damage(c):
    """Bits that flip, files that are cut short or grow: never a crash, never another result."""
    exe = c.build('one', 1)
    out = c.run(exe)[0]
    c.must(c.run(exe)[1] > 100, 'nothing was kept')
    path = c.files()[0]
    with open(path, 'rb') as f:
        good = f.read()
    seed = int(os.environ.get('SEED', random.randrange(1 << 30)))
    print('seed', seed)
    rnd = random.Random(seed)
    refused = 0
    for k in range(int(os.environ.get('ROUNDS', 300))):
        bad = bytearray(good)
        what = k % 6
        if what < 3:  # few bits, in the index and the heads too
            for _ in range(rnd.choice((1, 1, 3, 40))):
                bad[rnd.randrange(200 if what == 2 else len(bad))] ^= 1 << rnd.randrange(8)
        elif what == 3:
            bad = bad[:rnd.randrange(len(bad))]
        elif what == 4:
            at = rnd.randrange(len(bad))
            bad[at:at + 4096] = bytes(min(4096, len(bad) - at))
        else:  # as if written by one who knows the length only
            for _ in range(20):
                at = rnd.randrange(len(bad) // 4) * 4
                bad[at:at + 4] = rnd.randrange(1 << 32).to_bytes(4, 'little')
        for name in c.files():
            os.unlink(name)
        with open(path, 'wb') as f:
            f.write(bad)
        os.chmod(path, 0o600)
        got, *_, bad_records = c.run(exe)
        refused += bad_records
        c.must(got == out, f'round {k}, seed {seed}: {got!r}')
    c.must(refused > 0, 'no damage was met')


def trust(c):
    """Files and folders that others may write, links, what is no file: as if there were none."""
    exe = c.build('one', 1)
    out = c.run(exe)[0]
    made = c.run(exe)[1]
    c.must(made > 100, 'nothing was kept')
    path = c.files()[0]

    def expect(loads, what):
        got, loaded, *_ = c.run(exe)
        c.must(got == out and (loaded > 100) == loads, f'{what}: {loaded} loaded')
    os.chmod(path, 0o620)
    expect(False, 'a file that the group may write')
    os.chmod(path, 0o600)
    expect(True, 'a private file')
    os.chmod(c.dir, 0o770)
    expect(False, 'a folder that the group may write')
    os.chmod(c.dir, 0o700)
    other = os.path.join(c.b.folder, 'other')
    os.rename(path, other)
    os.symlink(other, path)
    expect(False, 'a link')
    os.unlink(path)
    os.mkfifo(path, 0o600)
    expect(False, 'a pipe')
    os.unlink(path)
    os.rename(other, path)
    if os.geteuid() == 0:
        os.chown(path, 12345, 12345)
        expect(False, "another user's file")
        os.chown(path, 0, 0)
        os.chown(c.dir, 12345, 12345)
        expect(False, "another user's folder")
        os.chown(c.dir, 0, 0)
    expect(True, 'all as it was')


def nowhere(c):
    """No folder, one that cannot be written, no room: the program does not notice."""
    exe = c.build('one', 1)
    want = c.run(exe, folder='off')[0]
    for folder in ('/nonexistent/x', '/proc/x', '/dev/null', exe, ''):
        got, loaded, _, saved, _ = c.run(exe, folder=folder or 'off')
        c.must(got == want and loaded == 0 and saved == 0, f'folder {folder!r}')
    got, _, _, saved, _ = c.run(exe, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)))
    c.must(got == want and saved == 0, 'a limit on the size of files')
    c.must(not c.files(), 'something was left')
    if os.path.exists('/dev/full') and os.geteuid() == 0:
        small = os.path.join(c.b.folder, 'small')
        os.mkdir(small, 0o700)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'none', small], capture_output=True,
                          check=False).returncode == 0:
            try:
                got, _, _, saved, _ = c.run(exe, folder=small)
                c.must(got == want and saved == 0 and not os.listdir(small), 'a full disk')
            finally:
                subprocess.run(['umount', small], check=True)
    # HOME and XDG_CACHE_HOME say where; nobody makes the folder above.
    home = os.path.join(c.b.folder, 'home')
    env = {k: v for k, v in os.environ.items() if k not in ('MOSS_CODE_CACHE', 'XDG_CACHE_HOME')}
    env['HOME'] = home
    for above, there in ((home, False), (os.path.join(home, '.cache'), True)):
        os.mkdir(above)
        r = subprocess.run([c.b.moss, exe], capture_output=True, text=True, env=env, check=False)
        c.must(r.returncode == 0 and r.stdout == want and os.path.isdir(os.path.join(home, '.cache', 'moss')) == there,
               f'HOME={home}', r)
    if os.geteuid() == 0:  # as sudo does: root in another user's home
        shutil.rmtree(os.path.join(home, '.cache', 'moss'))
        os.chown(os.path.join(home, '.cache'), 12345, 12345)
        r = subprocess.run([c.b.moss, exe], capture_output=True, text=True, env=env, check=False)
        c.must(r.returncode == 0 and not os.listdir(os.path.join(home, '.cache')), "another user's home", r)
    r = subprocess.run([c.b.moss, exe], capture_output=True, text=True, env={**env, 'MOSS_CODE_CACHE': 'off'}, check=False)
    c.must(r.returncode == 0, 'MOSS_CODE_CACHE=off', r)


def many(c):
    """Processes that read and write at once, and one that changes its program by execve."""
    exes = [c.build(f'p{i}', i) for i in range(3)]
    want = [c.run(e, folder='off')[0] for e in exes]
    running = []
    for k in range(60):
        i = k % 3
        running.append((i, subprocess.Popen([c.b.moss, '-code-cache', c.dir, exes[i]], stdout=subprocess.PIPE, text=True)))
        if len(running) > 5:
            i, p = running.pop(0)
            c.must(p.communicate()[0] == want[i] and p.returncode == 0, f'process {k}')
    for i, p in running:
        c.must(p.communicate()[0] == want[i] and p.returncode == 0, 'a process at the end')
    for i, e in enumerate(exes):
        got, loaded, made, *_ = c.run(e)
        c.must(got == want[i] and loaded > 100, f'{e}: {loaded} loaded, {made} translated')
    c.must(not [n for n in c.files() if n.endswith('.new')], 'an unfinished file was left')

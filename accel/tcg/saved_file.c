/* Files of translations. Whoever may write such a file has our rights anyway, so: it must be ours, nobody else may
 * write it or its folder, and no link is followed. What is in it may still be damaged or cut short at any time: every
 * record has a sum over all its bytes, checked before use. Writing makes a new file and renames it; readers keep the
 * old one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accel/tcg/saved.h"

enum { NAME_LEN = 16 + 4 + 1, PROBES = 64, INDEX_BITS_MIN = 6, INDEX_BITS_MAX = 22 };
#define OPEN_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* -- sums and places ----------------------------------------------------------------------------------------------- */

/* Four lanes of multiplications by an odd number: a change of one word changes its lane, and so the sum, for certain.
 */
u64 saved_sum(const void *p, size_t n, u64 seed)
{
    const u64 k = 0x9e3779b97f4a7c15ull;
    const u8 *b = p;
    u64 lane[4] = {seed ^ n, seed + k, ~seed, seed ^ k};
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        for (unsigned j = 0; j < 4; j++) {
            lane[j] = (lane[j] ^ ld64le(b + i + 8 * j)) * k;
            lane[j] ^= lane[j] >> 29;
        }
    }
    for (unsigned j = 0; i + 8 <= n; i += 8, j++) {
        lane[j] = (lane[j] ^ ld64le(b + i)) * k;
    }
    u64 h = 0;
    for (unsigned j = 0; j < 4; j++) {
        h = (h ^ lane[j]) * k;
        h ^= h >> 32;
    }
    return h;
}

static u64 place_hash(u64 off, u64 mode)
{
    u64 h = (off + mode * 0xc2b2ae3d27d4eb4full) * 0x9e3779b97f4a7c15ull;
    return h >> 32; /* the low bits of the product are those of `off` */
}

static u64 records_at(unsigned index_bits)
{
    return sizeof(struct saved_head) + (sizeof(u32) << index_bits);
}

bool saved_record_ok(const struct saved_record *r, u64 room, u64 key)
{
    if (room < sizeof(*r) || r->len > room || r->len % SAVED_ALIGN || r->len < sizeof(*r)) {
        return false;
    }
    return r->len == saved_len(r) && saved_sum((const u8 *)r + sizeof(r->sum), r->len - sizeof(r->sum), key) == r->sum;
}

bool saved_file_find(const struct saved_file *f, u64 off, u64 mode, void *copy, u64 cap)
{
    const u32 *index = (const void *)(f->data + sizeof(struct saved_head));
    u64 at = place_hash(off, mode);
    for (unsigned k = 0; k < PROBES; k++) {
        u64 place = (u64)index[(at + k) & MASK(f->index_bits)] * SAVED_ALIGN;
        if (!place || place + sizeof(struct saved_record) > f->size) {
            return false;
        }
        const struct saved_record *r = (const void *)(f->data + place);
        if (r->off == off && r->mode == mode) {
            u32 len = *(const volatile u32 *)&r->len;
            if (len < sizeof(*r) || len > cap || len > f->size - place) {
                return false;
            }
            memcpy(copy, r, len);
            return ((const struct saved_record *)copy)->len == len;
        }
    }
    return false;
}

/* -- what is trusted ----------------------------------------------------------------------------------------------- */

static bool is_ours(int fd, struct stat *st, bool folder)
{
    return fstat(fd, st) == 0 && (folder ? S_ISDIR(st->st_mode) : S_ISREG(st->st_mode)) && st->st_uid == geteuid() &&
           !(st->st_mode & (folder ? 022 : 077));
}

static int open_folder(const char *dir, bool make)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && make && mkdir(dir, 0700) == 0) {
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    }
    struct stat st;
    if (fd >= 0 && !is_ours(fd, &st, true)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void name_of(char name[NAME_LEN], u64 id, u64 key, const char *suffix)
{
    u64 both[2] = {id, key};
    snprintf(name, NAME_LEN, "%016llx%s", (unsigned long long)saved_sum(both, sizeof(both), 0), suffix);
}

static bool head_ok(const struct saved_head *h, u64 size, u64 id, u64 key)
{
    return size >= sizeof(*h) && h->magic == SAVED_MAGIC && h->key == key && h->id == id && h->size == size &&
           h->index_bits >= INDEX_BITS_MIN && h->index_bits <= INDEX_BITS_MAX && records_at(h->index_bits) <= size &&
           h->sum == saved_sum(h, offsetof(struct saved_head, sum), key);
}

/* -- reading ------------------------------------------------------------------------------------------------------- */

static int open_to_read(int folder, const char *name, u64 *size)
{
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | OPEN_FLAGS);
    if (fd >= 0 &&
        (!is_ours(fd, &st, false) || (u64)st.st_size > SAVED_FILE_MAX || (u64)st.st_size < sizeof(struct saved_head))) {
        close(fd);
        return -1;
    }
    if (fd >= 0) {
        *size = (u64)st.st_size;
    }
    return fd;
}

void saved_file_open(struct saved_file *f, const char *dir, u64 key)
{
    char name[NAME_LEN];
    u64 size;
    name_of(name, f->id, key, "");
    int folder = open_folder(dir, false);
    int fd = folder < 0 ? -1 : open_to_read(folder, name, &size);
    if (fd >= 0) {
        struct saved_head h; /* read, not mapped: a file that shrinks is a short read */
        void *p = MAP_FAILED;
        if (pread(fd, &h, sizeof(h), 0) == sizeof(h) && head_ok(&h, size, f->id, key)) {
            p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        }
        if (p != MAP_FAILED) {
            f->data = p;
            f->size = size;
            f->index_bits = h.index_bits;
            f->nrecords = h.nrecords;
        }
        close(fd);
    }
    if (folder >= 0) {
        close(folder);
    }
}

/* The whole of the present file in memory, NULL: none that is good. */
static struct saved_head *read_present(int folder, const char *name, u64 id, u64 key)
{
    u64 size, done = 0;
    int fd = open_to_read(folder, name, &size);
    struct saved_head *h = fd < 0 ? NULL : malloc(size);
    while (h && done < size) {
        ssize_t n = pread(fd, (u8 *)h + done, size - done, (off_t)done);
        if (n <= 0) {
            break;
        }
        done += (u64)n;
    }
    if (fd >= 0) {
        close(fd);
    }
    if (h && (done < size || !head_ok(h, size, id, key))) {
        free(h);
        return NULL;
    }
    return h;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

/* The file in the making: records by their places first, then the bytes, through a buffer. */
struct image {
    u32 *index;
    unsigned index_bits, n, most;
    u64 used;
    struct part {
        u64 off, mode;
        const struct saved_record *old; /* NULL: source `fresh` */
        u32 len, fresh;
    } * part;
    int fd;
};
enum { BUFFER = 256 << 10 };

/* False: no more fit. */
static bool image_put(struct image *m, const struct part *p)
{
    u64 at = place_hash(p->off, p->mode);
    if (m->used + p->len > SAVED_FILE_MAX) {
        return false;
    }
    for (unsigned k = 0; k < PROBES; k++) {
        u32 *e = &m->index[(at + k) & MASK(m->index_bits)];
        if (!*e) {
            *e = m->n + 1;
            m->part[m->n++] = *p;
            m->used += p->len;
            return true;
        }
        if (m->part[*e - 1].off == p->off && m->part[*e - 1].mode == p->mode) {
            return true; /* the one that was put first is newer */
        }
    }
    return true; /* no place is near: this one is made again each time */
}

static bool image_plan(struct image *m, const struct saved_head *old, u64 key, const struct saved_source *src,
                       unsigned n)
{
    u64 records = (old ? MIN(old->nrecords, 1u << INDEX_BITS_MAX) : 0) + (u64)n;
    m->index_bits = INDEX_BITS_MIN;
    while (m->index_bits < INDEX_BITS_MAX && records * 2 > 1ull << m->index_bits) {
        m->index_bits++;
    }
    m->used = records_at(m->index_bits);
    m->index = calloc(1ull << m->index_bits, sizeof(*m->index));
    m->part = calloc(records, sizeof(*m->part));
    if (!m->index || !m->part) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        struct part p = {.off = src[i].off, .mode = src[i].mode, .len = src[i].len, .fresh = i};
        if (!image_put(m, &p)) {
            break;
        }
    }
    for (u64 at = old ? records_at(old->index_bits) : 0; old && at < old->size && m->n < records;) {
        const struct saved_record *r = (const void *)((const u8 *)old + at);
        struct part p = {.off = r->off, .mode = r->mode, .len = r->len, .old = r};
        if (!saved_record_ok(r, old->size - at, key) || !image_put(m, &p)) {
            break; /* what is behind a damaged one cannot be found */
        }
        at += r->len;
    }
    return true;
}

static bool write_all(int fd, const u8 *p, u64 n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) {
            continue;
        }
        if (k <= 0) {
            return false;
        }
        p += k;
        n -= (u64)k;
    }
    return true;
}

static bool image_write(struct image *m, u64 id, u64 key, const struct saved_source *src,
                        void (*build)(const struct saved_source *s, struct saved_record *to))
{
    struct saved_head h = {
        .magic = SAVED_MAGIC, .key = key, .id = id, .size = m->used, .nrecords = m->n, .index_bits = m->index_bits};
    u64 at = records_at(m->index_bits), filled = 0;
    h.sum = saved_sum(&h, offsetof(struct saved_head, sum), key);
    u32 *place = calloc(m->n + 1, sizeof(*place));
    u8 *buf = aligned_alloc(SAVED_ALIGN, BUFFER);
    bool ok = place && buf;
    for (unsigned i = 0; ok && i < m->n; i++) {
        place[i + 1] = (u32)(at / SAVED_ALIGN);
        at += m->part[i].len;
    }
    for (u64 i = 0; ok && i < 1ull << m->index_bits; i++) {
        m->index[i] = place[m->index[i]];
    }
    ok = ok && write_all(m->fd, (const u8 *)&h, sizeof(h)) &&
         write_all(m->fd, (const u8 *)m->index, sizeof(u32) << m->index_bits);
    for (unsigned i = 0; ok && i < m->n; i++) {
        const struct part *p = &m->part[i];
        if (filled + p->len > BUFFER) {
            ok = write_all(m->fd, buf, filled);
            filled = 0;
        }
        if (p->old) {
            memcpy(buf + filled, p->old, p->len);
        } else {
            build(&src[p->fresh], (void *)(buf + filled));
        }
        filled += p->len;
    }
    ok = ok && write_all(m->fd, buf, filled);
    free(place);
    free(buf);
    return ok;
}

/* One writer at a time, and the others do without. The lock is the new file's: who gets it after the renaming holds
 * what is the present file already. */
static int open_to_write(int folder, const char *name)
{
    struct stat st, now;
    int fd = openat(folder, name, O_RDWR | O_CREAT | OPEN_FLAGS, 0600);
    if (fd < 0) {
        return -1;
    }
    if (!is_ours(fd, &st, false) || flock(fd, LOCK_EX | LOCK_NB) < 0 ||
        fstatat(folder, name, &now, AT_SYMLINK_NOFOLLOW) < 0 || now.st_ino != st.st_ino || now.st_dev != st.st_dev ||
        ftruncate(fd, 0) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Is that a name of ours, and a file of ours? The folder may be one that holds others too. */
static bool is_kept(int folder, const char *name, struct stat *st)
{
    size_t n = strspn(name, "0123456789abcdef");
    return n == 16 && (!name[n] || !strcmp(name + n, ".new")) && fstatat(folder, name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 0777) == 0600;
}

/* Files of moss that is gone would stay for ever: the longest unwritten go when all are too many. */
static void prune(int folder)
{
    for (unsigned rounds = 0; rounds < 64; rounds++) {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        char oldest[NAME_LEN] = "";
        time_t when = 0;
        u64 all = 0;
        struct stat st;
        for (struct dirent *e; d && (e = readdir(d));) {
            if (!is_kept(folder, e->d_name, &st)) {
                continue;
            }
            all += (u64)st.st_size;
            if (!oldest[0] || st.st_mtime < when) {
                when = st.st_mtime;
                memcpy(oldest, e->d_name, strlen(e->d_name) + 1);
            }
        }
        if (d) {
            closedir(d);
        }
        if (all <= SAVED_ALL_MAX || unlinkat(folder, oldest, 0) < 0) {
            return;
        }
    }
}

bool saved_file_write(const struct saved_file *f, const char *dir, u64 key, const struct saved_source *src, unsigned n,
                      void (*build)(const struct saved_source *s, struct saved_record *to))
{
    char name[NAME_LEN], made[NAME_LEN];
    struct rlimit most;
    if (getrlimit(RLIMIT_FSIZE, &most) < 0 || most.rlim_cur < SAVED_FILE_MAX) { /* beyond it is a signal */
        return false;
    }
    int folder = open_folder(dir, true);
    if (folder < 0) {
        return false;
    }
    name_of(name, f->id, key, "");
    name_of(made, f->id, key, ".new");
    int fd = open_to_write(folder, made);
    bool ok = false;
    if (fd >= 0) {
        struct image m = {.fd = fd};
        struct saved_head *old = read_present(folder, name, f->id, key);
        ok = image_plan(&m, old, key, src, n) && fchmod(fd, 0600) == 0 && image_write(&m, f->id, key, src, build) &&
             renameat(folder, made, folder, name) == 0;
        if (!ok) {
            unlinkat(folder, made, 0);
        }
        free(m.index);
        free(m.part);
        free(old);
        close(fd);
        prune(folder);
    }
    close(folder);
    return ok;
}

/* Files of translations. Whoever may write such a file has our rights anyway, so: it must be ours, nobody else may
 * write it or its folder, and no link is followed. What is in it may still be damaged or cut short at any time: every
 * area has sums over all its bytes, checked before use. Writing makes a new file and renames it; readers keep the
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
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
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

static u64 place_hash(u64 area, u64 mode)
{
    u64 h = (area + mode * 0xc2b2ae3d27d4eb4full) * 0x9e3779b97f4a7c15ull;
    return h >> 32; /* the low bits of the product are those of `area` */
}

static u64 areas_at(unsigned index_bits)
{
    return sizeof(struct saved_head) + (sizeof(u32) << index_bits);
}

/* Every record lies inside, in front of the code, and its code inside that. */
static bool records_ok(const struct saved_area *a)
{
    u64 at = sizeof(*a), room = a->len - a->code_at;
    for (u32 i = 0; i < a->nrecords; i++) {
        const struct saved_record *r = (const void *)((const u8 *)a + at);
        if (at + sizeof(*r) > a->code_at || r->len > a->code_at - at || r->len != saved_len(r) || r->code_off % 16 ||
            r->code_off > room || r->code_len > room - r->code_off || r->nexits > GEN_MAX_EXITS ||
            r->end != r->start + r->nguest || r->end > 1u << TLB_PAGE_BITS) {
            return false;
        }
        at += r->len;
    }
    return true;
}

bool saved_area_ok(const struct saved_area *a, const u8 *code, u64 room, u64 key)
{
    const u64 from = sizeof(a->sum);
    return room >= sizeof(*a) && a->len <= room && a->code_at <= a->len && a->code_at >= sizeof(*a) &&
           a->len % SAVED_ALIGN == 0 && a->code_at % SAVED_ALIGN == 0 &&
           saved_sum((const u8 *)a + from, a->code_at - from, key) == a->sum &&
           saved_sum(code, a->len - a->code_at, key) == a->code_sum && records_ok(a);
}

const struct saved_area *saved_file_find(const struct saved_file *f, u64 area, u64 mode, struct saved_area *head)
{
    const u32 *index = (const void *)(f->data + sizeof(struct saved_head));
    u64 at = place_hash(area, mode);
    for (unsigned k = 0; k < PROBES; k++) {
        u64 place = (u64)index[(at + k) & MASK(f->index_bits)] * SAVED_ALIGN;
        if (!place || place + sizeof(*head) > f->size) {
            return NULL;
        }
        const void *p = f->data + place;
        memcpy(head, p, sizeof(*head));
        if (head->area == area && head->mode == mode) {
            return head->len <= f->size - place && head->code_at >= sizeof(*head) && head->code_at <= head->len ? p
                                                                                                                : NULL;
        }
    }
    return NULL;
}

void saved_file_ready(const void *p, u64 n)
{
    uintptr_t from = (uintptr_t)p & ~(uintptr_t)4095, end = (uintptr_t)p + n;
    if (end - from > 3 * 4096) {
        madvise((void *)from, end - from, MADV_POPULATE_READ); /* advice: else each page is a fault */
    }
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
           h->index_bits >= INDEX_BITS_MIN && h->index_bits <= INDEX_BITS_MAX && areas_at(h->index_bits) <= size &&
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

/* The file in the making: records in the order of their places, which is that of the areas. */
struct part {
    u64 off, mode;
    const struct saved_record *old; /* NULL: source `fresh` */
    const u8 *old_code;
    u32 len, code_len, fresh;
};
struct image {
    u32 *index;
    unsigned index_bits;
    struct part *part;
    u64 n, most, used; /* used: bytes, at most */
    u32 largest;       /* area */
    int fd;
};

static void image_put(struct image *m, const struct part *p)
{
    /* As if each were an area of its own. */
    u64 area = sizeof(struct saved_area) + 2 * SAVED_ALIGN + 4 * sizeof(u32);
    u64 used = m->used + p->len + saved_code_room(p->code_len) + area;
    if (m->n < m->most && used <= SAVED_FILE_MAX - areas_at(INDEX_BITS_MIN)) {
        m->part[m->n++] = *p;
        m->used = used;
    }
}

static bool same_area(const struct part *a, const struct part *b)
{
    return a->off >> SAVED_AREA_BITS == b->off >> SAVED_AREA_BITS && a->mode == b->mode;
}

/* By area, mode and place; of two for one place what is new comes first. */
static int part_order(const void *x, const void *y)
{
    const struct part *a = x, *b = y;
    u64 area = a->off >> SAVED_AREA_BITS, other = b->off >> SAVED_AREA_BITS;
    if (area != other) {
        return area < other ? -1 : 1;
    }
    if (a->mode != b->mode) {
        return a->mode < b->mode ? -1 : 1;
    }
    if (a->off != b->off) {
        return a->off < b->off ? -1 : 1;
    }
    return !b->old - !a->old;
}

static void put_old(struct image *m, const struct saved_head *old, u64 key)
{
    for (u64 at = areas_at(old->index_bits); at < old->size;) {
        const struct saved_area *a = (const void *)((const u8 *)old + at);
        u64 room = old->size - at;
        if (room < sizeof(*a) || a->code_at > room || !saved_area_ok(a, (const u8 *)a + a->code_at, room, key)) {
            return; /* what is behind a damaged one cannot be found */
        }
        const struct saved_record *r = saved_first(a);
        for (u32 i = 0; i < a->nrecords; i++, r = saved_next(r)) {
            struct part p = {.off = r->off,
                             .mode = a->mode,
                             .old = r,
                             .old_code = (const u8 *)a + a->code_at + r->code_off,
                             .len = r->len,
                             .code_len = r->code_len};
            image_put(m, &p);
        }
        at += a->len;
    }
}

/* How many parts from the i-th on are of one area; their head, without sums. */
static u64 area_plan(const struct image *m, u64 i, struct saved_area *a)
{
    u64 meta = sizeof(*a), code = 0, n = 0;
    for (; i + n < m->n && same_area(&m->part[i], &m->part[i + n]); n++) {
        meta += m->part[i + n].len;
        code += saved_code_room(m->part[i + n].code_len);
    }
    *a = (struct saved_area){.area = m->part[i].off >> SAVED_AREA_BITS, .mode = m->part[i].mode, .nrecords = (u32)n};
    a->code_at = (u32)align_up(meta, SAVED_ALIGN);
    a->len = (u32)align_up(a->code_at + code, SAVED_ALIGN);
    return n;
}

/* One part a place, and no more of an area than a reader takes: what is too much is made again each time. The number of
 * areas. */
static u64 image_unite(struct image *m)
{
    u64 kept = 0, areas = 0, records = 0, code = 0;
    for (u64 i = 0; i < m->n; i++) {
        const struct part *p = &m->part[i], *last = kept ? &m->part[kept - 1] : NULL;
        if (last && last->off == p->off && last->mode == p->mode) {
            continue;
        }
        if (!last || !same_area(last, p)) {
            areas++;
            records = sizeof(struct saved_area) + SAVED_ALIGN;
            code = SAVED_ALIGN;
        }
        if (records + p->len <= CODE_MAP_CAP && code + saved_code_room(p->code_len) <= SAVED_CODE_MAX) {
            records += p->len;
            code += saved_code_room(p->code_len);
            m->part[kept++] = *p;
        }
    }
    m->n = kept;
    return areas;
}

static bool image_plan(struct image *m, const struct saved_head *old, u64 key, const struct saved_source *src,
                       unsigned n)
{
    m->most = (old ? MIN(old->nrecords, 1u << INDEX_BITS_MAX) : 0) + (u64)n;
    m->part = calloc(m->most + 1, sizeof(*m->part));
    if (!m->part) {
        return false;
    }
    for (unsigned i = 0; i < n; i++) {
        struct part p = {
            .off = src[i].off, .mode = src[i].mode, .len = src[i].len, .code_len = src[i].code_len, .fresh = i};
        image_put(m, &p);
    }
    if (old) {
        put_old(m, old, key);
    }
    qsort(m->part, m->n, sizeof(*m->part), part_order);
    u64 areas = image_unite(m);
    m->index_bits = INDEX_BITS_MIN;
    while (m->index_bits < INDEX_BITS_MAX && areas * 2 > 1ull << m->index_bits) {
        m->index_bits++;
    }
    m->index = calloc(1ull << m->index_bits, sizeof(*m->index));
    return m->index != NULL;
}

/* Gives all areas their places; the size of the file. */
static u64 image_index(struct image *m)
{
    struct saved_area a;
    u64 at = areas_at(m->index_bits);
    for (u64 i = 0; i < m->n;) {
        i += area_plan(m, i, &a);
        u64 hash = place_hash(a.area, a.mode);
        for (unsigned k = 0; k < PROBES; k++) {
            u32 *e = &m->index[(hash + k) & MASK(m->index_bits)];
            if (!*e) {
                *e = (u32)(at / SAVED_ALIGN);
                break;
            } /* no place is near: these are made again each time */
        }
        m->largest = MAX(m->largest, a.len);
        at += a.len;
    }
    return at;
}

static bool write_all(int fd, const void *from, u64 n)
{
    const u8 *p = from;
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

typedef void record_builder(const struct saved_source *s, struct saved_record *to, u8 *code);

/* The area that begins with the i-th part, in buf. */
static u64 area_build(const struct image *m, u64 i, u8 *buf, u64 key, const struct saved_source *src,
                      record_builder *build)
{
    struct saved_area *a = (void *)buf;
    u64 n = area_plan(m, i, a);
    memset(a + 1, 0, a->len - sizeof(*a));
    u8 *to = (u8 *)(a + 1);
    u32 code_off = 0;
    for (u64 k = 0; k < n; k++) {
        const struct part *p = &m->part[i + k];
        struct saved_record *r = (void *)to;
        u8 *code = buf + a->code_at + code_off;
        if (p->old) {
            memcpy(r, p->old, p->len);
            memcpy(code, p->old_code, p->code_len);
        } else {
            build(&src[p->fresh], r, code);
        }
        r->code_off = code_off;
        code_off += (u32)saved_code_room(p->code_len);
        to += p->len;
    }
    a->code_sum = saved_sum(buf + a->code_at, a->len - a->code_at, key);
    a->sum = saved_sum(buf + sizeof(a->sum), a->code_at - sizeof(a->sum), key);
    return n;
}

static bool image_write(struct image *m, u64 id, u64 key, const struct saved_source *src, record_builder *build)
{
    struct saved_head h = {.magic = SAVED_MAGIC,
                           .key = key,
                           .id = id,
                           .size = image_index(m),
                           .nrecords = (u32)m->n,
                           .index_bits = m->index_bits};
    h.sum = saved_sum(&h, offsetof(struct saved_head, sum), key);
    u8 *buf = aligned_alloc(SAVED_ALIGN, align_up(m->largest + 1, SAVED_ALIGN));
    bool ok = buf && h.size <= SAVED_FILE_MAX && write_all(m->fd, &h, sizeof(h)) &&
              write_all(m->fd, m->index, sizeof(u32) << m->index_bits);
    for (u64 i = 0; ok && i < m->n;) {
        i += area_build(m, i, buf, key, src, build);
        ok = write_all(m->fd, buf, ((struct saved_area *)(void *)buf)->len);
    }
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
                      record_builder *build)
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

/* The code cache: one reserved range of a memfd, mapped twice (writable, executable), cut into chunks. A chunk belongs
 * to the vcpu that fills it. When all are full the oldest is evicted with every other vcpu stopped, so nobody runs in
 * it or holds a pointer into it afterwards. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"

#define THUNK_SIZE 65536u
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Writable at one place, executable at another. */
static bool map_twice(u64 total, struct err *e)
{
    int fd = memfd_create("moss-code", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)total) < 0) {
        return err_errno(e, "cannot make the code cache of %llu MiB", (unsigned long long)(total >> 20));
    }
    void *rw = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    void *rx = mmap(NULL, total, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
    close(fd);
    if (rw == MAP_FAILED || rx == MAP_FAILED) {
        return err_errno(e, "cannot map the code cache");
    }
    tcg.cache_rw = rw;
    tcg.cache_rx = rx;
    return true;
}

/* User mode: memory that fork copies. */
static bool map_private(u64 total, struct err *e)
{
    void *p = mmap(NULL, total, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        return err_errno(e,
                         "cannot map the code cache (does this host forbid memory that is writable and executable?)");
    }
    tcg.cache_rw = p;
    tcg.cache_rx = p;
    return true;
}

bool code_cache_init(u64 size, struct err *e)
{
    tcg.chunk_size = tcg.cfg.hostile ? HOSTILE_CHUNK : CHUNK_SIZE;
    size = align_up(MAX(size, 2ull * tcg.chunk_size), tcg.chunk_size);
    if (tcg.host->reach && size > tcg.host->reach - THUNK_SIZE) { /* its jumps go no further */
        size = (tcg.host->reach - THUNK_SIZE) / tcg.chunk_size * tcg.chunk_size;
    }
    u64 total = size + THUNK_SIZE;
    if (!(tcg.direct ? map_private : map_twice)(total, e)) {
        return false;
    }
    tcg.cache_size = total;
    tcg.nchunks = (unsigned)(size / tcg.chunk_size);
    tcg.chunks = calloc(tcg.nchunks, sizeof(*tcg.chunks));
    for (unsigned i = 0; i < tcg.nchunks; i++) {
        struct chunk *c = &tcg.chunks[i];
        c->index = i;
        c->rw = tcg.cache_rw + THUNK_SIZE + (u64)i * tcg.chunk_size;
        c->rx = tcg.cache_rx + THUNK_SIZE + (u64)i * tcg.chunk_size;
    }
    return true;
}

bool code_cache_thunks(const struct ir_target *t, struct err *e)
{
    if (!tcg.host->make_thunks(tcg.cache_rw, tcg.cache_rx, THUNK_SIZE, t, tcg.code_funcs, tcg.direct, &tcg.thunks)) {
        return err_set(e, "the code cache has no room for its entry points");
    }
    return true;
}

/* Host pages for what will be written next, several at a time: cheaper than a fault for each. */
static void chunk_populate(struct chunk *c)
{
    enum { AHEAD = 192 << 10, STEP = 128 << 10 }; /* a block's cold code begins up to 128 KiB ahead */
    if (!tcg.direct && c->used + AHEAD > c->ready && c->ready < tcg.chunk_size) {
        madvise(c->rw + c->ready, STEP, MADV_POPULATE_WRITE); /* advice: an older host takes the faults */
        c->ready += STEP;
    }
}

/* Code that was written stays mapped twice although hardly any of it is written again: a process that sleeps gives the
 * second mapping's page tables back, at most once a second. */
void code_cache_rest(void)
{
    static u64 last;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    u64 now = (u64)ts.tv_sec, was = __atomic_exchange_n(&last, now, __ATOMIC_RELAXED);
    if (was != now && tcg.host && !tcg.direct) {
        madvise(tcg.cache_rw + THUNK_SIZE, (size_t)tcg.chunks_used * tcg.chunk_size, MADV_DONTNEED);
    }
}

static void chunk_open(struct chunk *c, struct tcpu *t)
{
    c->used = c->ready = 0;
    c->nblocks = 0;
    c->owner = t;
    c->born = ++tcg.chunk_clock;
    t->chunk = c;
}

/* The oldest chunk nobody appends to; with more cpus than chunks anybody's oldest. */
static struct chunk *pick_victim(void)
{
    struct chunk *best = NULL;
    for (unsigned i = 0; i < tcg.nchunks; i++) {
        struct chunk *c = &tcg.chunks[i];
        bool better = !best || (best->owner && !c->owner) || (!best->owner == !c->owner && c->born < best->born);
        best = better ? c : best;
    }
    return best;
}

/* The owner, if there is one, stands outside the loop's translations, as all do now. */
static void chunk_take_away(struct chunk *c)
{
    if (c->owner) {
        c->owner->chunk = NULL;
        c->owner = NULL;
    }
}

static void chunk_evict(struct tcpu *t)
{
    exclusive_begin(t);
    pthread_mutex_lock(&tcg.lock);
    struct chunk *c = pick_victim();
    chunk_take_away(c);
    saved_forget();
    for (unsigned i = 0; i < c->nblocks; i++) {
        if (!c->blocks[i]->dead) {
            code_kill(c->blocks[i]);
        }
        tcg.by_id[c->blocks[i]->id] = NULL;
    }
    for (unsigned i = 0; i < tcg.ncpus; i++) { /* no jump cache may keep pointers into it */
        struct tcpu *o = tcg.cpus[i];
        for (unsigned k = 0; k < TLB_CONTEXTS; k++) {
            for (unsigned j = 0; j < JC_PER_CONTEXT; j++) {
                jc_table_clear(&o->ctx[k].jc[j]);
            }
        }
        memset(o->code, 0, o->ncode * sizeof(*o->code));
        returns_forget(o->cpu);
    }
    arena_free(&c->arena);
    c->blocks = NULL;
    c->cap_blocks = 0;
    if (t->chunk) {
        t->chunk->owner = NULL;
    }
    chunk_open(c, t);
    tcg.stat_evicted++;
    pthread_mutex_unlock(&tcg.lock);
    exclusive_end(t);
}

struct chunk *chunk_get(struct tcpu *t, u32 want)
{
    if (t->chunk && t->chunk->used + want <= tcg.chunk_size) {
        chunk_populate(t->chunk);
        return t->chunk;
    }
    pthread_mutex_lock(&tcg.lock);
    for (unsigned i = 0; i < tcg.chunks_used && !t->chunk; i++) { /* what a thread that ended left half empty */
        struct chunk *c = &tcg.chunks[i];
        if (!c->owner && c->used + want <= tcg.chunk_size / 2) {
            c->owner = t;
            t->chunk = c;
            pthread_mutex_unlock(&tcg.lock);
            return c;
        }
    }
    if (tcg.chunks_used < tcg.nchunks) {
        if (t->chunk) {
            t->chunk->owner = NULL;
        }
        chunk_open(&tcg.chunks[tcg.chunks_used++], t);
        pthread_mutex_unlock(&tcg.lock);
        return t->chunk;
    }
    pthread_mutex_unlock(&tcg.lock);
    if (t->keep_code) {
        return NULL;
    }
    chunk_evict(t);
    return NULL;
}

struct block *code_at(const u8 *rx)
{
    u64 off = (u64)(rx - tcg.cache_rx);
    if (rx < tcg.cache_rx + THUNK_SIZE || off >= tcg.cache_size) {
        return NULL;
    }
    struct chunk *c = &tcg.chunks[(off - THUNK_SIZE) / tcg.chunk_size];
    unsigned lo = 0, hi = c->nblocks;
    while (lo < hi) { /* the last block that begins at or below rx */
        unsigned mid = (lo + hi) / 2;
        if (c->blocks[mid]->code <= rx) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    if (!lo) {
        return NULL;
    }
    struct block *b = c->blocks[lo - 1];
    return rx <= b->code + b->code_len ? b : NULL;
}

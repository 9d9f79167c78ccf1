/* Guest RAM on the host. One range of addresses is reserved once (PROT_NONE, so it costs nothing), and every RAM is
 * private memory mapped somewhere inside it, in huge pages where the host has them; so ram_offset() is one subtraction,
 * and a stray pointer just behind a RAM faults instead of reaching a neighbour. The page flags are a second
 * reservation, which the host fills with zeros as it is touched. */
#include "memory/memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "memory/memory_priv.h"

/* RAMs start on the host's huge pages, with at least one such page of nothing between two of them. */
#define RAM_ALIGN   (2ull << 20)
#define RESERVE     (1ull << 40)
#define RESERVE_MIN (1ull << 34) /* what is tried last, where the address space is limited (ulimit -v, containers) */

u8 *ram_base;
u8 *ram_flags;
static u64 ram_reserved;

static void nobody_translates(u64 ram_off, u64 len)
{
    (void)ram_off;
    (void)len;
}
void (*ram_code_written)(u64 ram_off, u64 len) = nobody_translates;

static u64 nobody_writes(u64 ram_off)
{
    (void)ram_off;
    return 0;
}
u64 (*ram_protect)(u64 ram_off) = nobody_writes;

/* The RAMs in the reservation, by address; set-up only, under the machine lock or before threads exist. */
enum { RAM_MAX = 256 };
static struct {
    u64 start, end;
} taken[RAM_MAX];
static unsigned ntaken;

static void *reserve(u64 size, int prot)
{
    void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static bool ram_reserve(struct err *e)
{
    if (ram_base) {
        return true;
    }
    for (u64 size = RESERVE; size >= RESERVE_MIN; size >>= 1) {
        u8 *base = reserve(size, PROT_NONE);
        u8 *flags = base ? reserve(size >> RAM_PAGE_BITS, PROT_READ | PROT_WRITE) : NULL;
        if (flags) {
            /* What lies below the first aligned address is never used, so ram_base itself may be odd; it is
             * moved up all the same, so that RAM offsets are aligned as the pointers are. */
            ram_base = (u8 *)align_up((u64)base, RAM_ALIGN);
            ram_reserved = align_down(size - (u64)(ram_base - base), RAM_ALIGN);
            ram_flags = flags;
            madvise(flags, size >> RAM_PAGE_BITS, MADV_NOHUGEPAGE);
            return true;
        }
        if (base) {
            munmap(base, size);
        }
    }
    return err_errno(e, "cannot reserve address space for guest memory (is `ulimit -v` set?)");
}

u64 ram_window_size(void)
{
    return ram_reserved;
}

/* A megabyte of nothing lies on both sides, so that a small negative or too large offset faults. */
bool ram_window(u64 size, u64 at, struct err *e)
{
    const u64 guard = 1ull << 20;
    must(!ram_base && size % RAM_ALIGN == 0);
    u8 *want = at ? (u8 *)(uintptr_t)(at - guard) : NULL; // NOLINT: a number given by the user
    u8 *base = mmap(want, size + 2 * guard, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);
    u8 *flags = base == MAP_FAILED ? NULL : reserve(size >> RAM_PAGE_BITS, PROT_READ | PROT_WRITE);
    if (!flags || (want && base != want)) {
        return err_errno(e, "cannot reserve %llu GiB of addresses for the program (is `ulimit -v` set?)",
                         (unsigned long long)(size >> 30));
    }
    ram_base = base + guard;
    ram_reserved = size;
    ram_flags = flags;
    madvise(flags, size >> RAM_PAGE_BITS, MADV_NOHUGEPAGE);
    return true;
}

/* First fit; gives the place in `taken` to insert at. */
static bool place_find(u64 size, unsigned *at, u64 *start)
{
    u64 from = 0;
    for (unsigned i = 0; i <= ntaken; i++) {
        u64 to = i < ntaken ? taken[i].start : ram_reserved;
        if (to >= from && to - from >= size + RAM_ALIGN) {
            *at = i;
            *start = from;
            return true;
        }
        if (i < ntaken) {
            from = align_up(taken[i].end, RAM_ALIGN) + RAM_ALIGN;
        }
    }
    return false;
}

bool ram_new(struct ram *r, const char *name, u64 size, struct err *e)
{
    unsigned at;
    u64 start;

    *r = (struct ram){.name = name, .size = size};
    must(size && size % RAM_PAGE_SIZE == 0);
    if (!ram_reserve(e)) {
        return false;
    }
    if (ntaken == RAM_MAX || size > RESERVE || !place_find(size, &at, &start)) {
        return err_set(e, "no room for %llu MiB of guest memory '%s'", (unsigned long long)(size >> 20), name);
    }
    u8 *want = ram_base + start;
    if (mmap(want, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
        want) {
        return err_errno(e, "cannot map %llu MiB of guest memory '%s'", (unsigned long long)(size >> 20), name);
    }
    madvise(want, size, MADV_HUGEPAGE); /* advice: a host without huge pages refuses, and all is well */
    madvise(want, size, MADV_DONTDUMP);
    memmove(&taken[at + 1], &taken[at], (ntaken - at) * sizeof(taken[0]));
    taken[at].start = start;
    taken[at].end = start + size;
    ntaken++;
    r->host = want;
    return true;
}

void ram_free(struct ram *r)
{
    if (!r->host) {
        return;
    }
    u64 off = ram_offset(r->host);
    unsigned i = 0;
    while (i < ntaken && taken[i].start != off) {
        i++;
    }
    must(i < ntaken);
    ntaken--;
    memmove(&taken[i], &taken[i + 1], (ntaken - i) * sizeof(taken[0]));
    must(mmap(r->host, r->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == r->host);
    memset(ram_page_flags(off), 0, r->size >> RAM_PAGE_BITS);
    *r = (struct ram){0};
}

/* After bytes were written by somebody else than translated code. The barrier pairs with the one between a
 * translator's setting of RAM_CODE and its reading of the bytes. */
void ram_wrote(u64 off, u64 n)
{
    u64 end = off + n;
    atomic_thread_fence(memory_order_seq_cst);
    while (off < end) {
        u64 stop = MIN(end, align_down(off, RAM_PAGE_SIZE) + RAM_PAGE_SIZE);
        u8 *flags = ram_page_flags(off);
        u8 f = __atomic_load_n(flags, __ATOMIC_RELAXED);
        if (unlikely(!(f & RAM_DIRTY))) {
            __atomic_fetch_or(flags, RAM_DIRTY, __ATOMIC_SEQ_CST);
        }
        if (unlikely(f & (RAM_CODE | RAM_MONITOR))) {
            ram_code_written(off, stop - off);
        }
        off = stop;
    }
}

void ram_watch(u64 ram_off, u64 len)
{
    for (u64 end = ram_off + len; ram_off < end; ram_off += RAM_PAGE_SIZE) {
        __atomic_fetch_or(ram_page_flags(ram_off), RAM_WATCH | RAM_DIRTY, __ATOMIC_SEQ_CST);
    }
}

/* A store that passed its check before the page was protected may land after the bytes are read: then the page counts
 * as written once more, until no such store can be under way. */
bool ram_take_dirty(u64 ram_off)
{
    u8 *flags = ram_page_flags(ram_off);
    if (!(__atomic_load_n(flags, __ATOMIC_SEQ_CST) & RAM_DIRTY)) {
        return false;
    }
    __atomic_fetch_and(flags, (u8)~RAM_DIRTY, __ATOMIC_SEQ_CST);
    if (ram_protect(align_down(ram_off, RAM_PAGE_SIZE))) {
        __atomic_fetch_or(flags, RAM_DIRTY, __ATOMIC_SEQ_CST);
    }
    return true;
}

/* The index of blocks, their links, and what happens when guest code is overwritten.
 *
 * A block dies by having its entry patched to its stale stub; jumps to it are pointed back at their own stubs. Whoever
 * still comes through a jump cache or a predicted return finds the stub and looks again. Its memory is reused only
 * when its chunk is evicted. */
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/pages.h"

#define HASH_BITS 19
/* Bits of the index: a page's blocks lie together, and neighbouring pages beside each other, so that few pages of the
 * table are touched. */
#define PAGE_BITS 7
#define NEAR_BITS 2
#define DIR_BITS  10

/* By a device or the debugger. */
static void others_wrote(u64 ram_off, u64 n)
{
    monitor_written(ram_off, n);
    code_written(ram_off, n);
}

/* Stores through the TLB that may be under way, and those that are announced otherwise. */
static u64 protect_for_reader(u64 page)
{
    u64 had = tlb_protect_page(page);
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        had |= (u64)(__atomic_load_n(&tcg.cpus[i]->store_page, __ATOMIC_SEQ_CST) == page) << i;
    }
    return had;
}

void blocks_init(void)
{
    tcg.hash_bits = HASH_BITS;
    tcg.hash = pages_new(sizeof(*tcg.hash) << HASH_BITS);
    u64 dirs =
        MAX(ram_window_size() >> (RAM_PAGE_BITS + DIR_BITS), 1ull << 22); /* of 2^10 pages; 2^22: 16 TiB of RAM */
    tcg.pages = pages_new(dirs * sizeof(*tcg.pages));
    tcg.by_id = pages_new(sizeof(*tcg.by_id) << 22);
    tcg.nids = 1;
    ram_code_written = others_wrote;
    ram_protect = protect_for_reader;
}

static unsigned hash_of(u64 ram_off, u64 mode)
{
    u64 page = ram_off >> RAM_PAGE_BITS;
    u64 area = ((page >> NEAR_BITS) + mode * 0xc2b2ae3d27d4eb4full) * 0x9e3779b97f4a7c15ull;
    u32 at = ((u32)(ram_off & (RAM_PAGE_SIZE - 1)) >> 2) * 0x9e3779b1u;
    unsigned low = PAGE_BITS + NEAR_BITS;
    return (unsigned)(area >> (64 - HASH_BITS + low)) << low | (unsigned)(page & MASK(NEAR_BITS)) << PAGE_BITS |
           at >> (32 - PAGE_BITS);
}

struct block *code_find(u64 ram_off, u64 mode)
{
    struct block *b = __atomic_load_n(&tcg.hash[hash_of(ram_off, mode)], __ATOMIC_ACQUIRE);
    while (b && (b->ram_off != ram_off || b->mode != mode || b->dead)) {
        b = __atomic_load_n(&b->hash_next, __ATOMIC_ACQUIRE);
    }
    return b;
}

struct page_desc *page_desc_get(u64 ram_off, bool make)
{
    u64 page = ram_off >> RAM_PAGE_BITS;
    struct page_desc **dir = &tcg.pages[page >> DIR_BITS];
    struct page_desc *d = __atomic_load_n(dir, __ATOMIC_ACQUIRE);
    if (!d && make) {
        d = calloc(1u << DIR_BITS, sizeof(*d));
        struct page_desc *seen = NULL;
        if (!__atomic_compare_exchange_n(dir, &seen, d, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            free(d);
            d = seen;
        }
    }
    return d ? &d[page & ((1u << DIR_BITS) - 1)] : NULL;
}

/* Those of a part of the page that begins at `start`, which may end behind it. */
static u64 piece_mask(unsigned start, unsigned end)
{
    unsigned a = start >> 6, z = (MIN(end, RAM_PAGE_SIZE) - 1) >> 6;
    return MASK(z + 1) & ~MASK(a);
}

/* Of the part of a crossing block that lies in the next page. */
static u64 crossing_mask(const struct block *b)
{
    return piece_mask(0, b->end - RAM_PAGE_SIZE);
}

static void crossing_insert(struct block *b)
{
    struct page_desc *pd = page_desc_get(b->ram_next, true);
    b->cross_next = pd->crossing;
    b->cross_prev = &pd->crossing;
    if (pd->crossing) {
        pd->crossing->cross_prev = &b->cross_next;
    }
    pd->crossing = b;
    __atomic_or_fetch(&pd->pieces, crossing_mask(b), __ATOMIC_SEQ_CST);
}

void code_insert(struct block *b)
{
    struct block **head = &tcg.hash[hash_of(b->ram_off, b->mode)];
    b->hash_next = *head;
    __atomic_store_n(head, b, __ATOMIC_RELEASE);
    struct page_desc *pd = page_desc_get(b->ram_off, true);
    b->page_next = pd->blocks;
    b->page_prev = &pd->blocks;
    if (pd->blocks) {
        pd->blocks->page_prev = &b->page_next;
    }
    pd->blocks = b;
    __atomic_or_fetch(&pd->pieces, piece_mask(b->start, b->end), __ATOMIC_SEQ_CST);
    if (block_crosses(b)) {
        crossing_insert(b);
    }
}

static void exit_unlink(struct block_exit *x)
{
    if (!x->target) {
        return;
    }
    *x->prev = x->next;
    if (x->next) {
        x->next->prev = x->prev;
    }
    const u8 *code = exit_block(x)->code, *at = code + x->patch_off;
    tcg.host->patch_jump(to_rw(at), at, code + x->stub_off);
    x->target = NULL;
}

void code_link(struct block_exit *x, struct block *to)
{
    struct block *from = exit_block(x);
    if (x->target || from->dead || to->dead || !x->patch_off) {
        return;
    }
    if (x->lazy && !flags_in_allow(&to->flags_in, x->slot)) {
        code_kill(from); /* it was made for other code at the target: the next one knows better */
        return;
    }
    x->target = to;
    x->next = to->incoming;
    x->prev = &to->incoming;
    if (to->incoming) {
        to->incoming->prev = &x->next;
    }
    to->incoming = x;
    const u8 *at = from->code + x->patch_off;
    tcg.host->patch_jump(to_rw(at), at, to->code);
}

void code_unlink(struct block *b)
{
    for (unsigned i = 0; i < b->nexits; i++) {
        exit_unlink(&b->exits[i]);
    }
}

void code_kill(struct block *b)
{
    __atomic_store_n(&b->dead, true, __ATOMIC_RELEASE);
    __atomic_fetch_add(&tcg.stat_killed, 1, __ATOMIC_SEQ_CST);
    if (tcg.saves) {
        saved_avoid(b->ram_off);
    }
    struct block **p = &tcg.hash[hash_of(b->ram_off, b->mode)];
    while (*p != b) {
        p = &(*p)->hash_next;
    }
    __atomic_store_n(p, b->hash_next, __ATOMIC_RELEASE);
    *b->page_prev = b->page_next;
    if (b->page_next) {
        b->page_next->page_prev = b->page_prev;
    }
    if (block_crosses(b)) {
        *b->cross_prev = b->cross_next;
        if (b->cross_next) {
            b->cross_next->cross_prev = b->cross_prev;
        }
    }
    while (b->incoming) {
        exit_unlink(b->incoming);
    }
    code_unlink(b);
    if (b->code) {
        tcg.host->patch_entry(to_rw(b->code), b->code, b->code + b->stale_off);
    }
    for (unsigned i = 0; b->loops && i < tcg.ncpus; i++) { /* who goes round in it sees no entry */
        __atomic_fetch_or(&tcg.cpus[i]->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
    }
}

/* After blocks of a page died: which pieces still hold code; none: writes need not ask any more. */
static void page_recount(struct page_desc *pd, u64 page_off)
{
    u64 pieces = 0;
    for (struct block *b = pd->blocks; b; b = b->page_next) {
        pieces |= piece_mask(b->start, b->end);
    }
    for (struct block *b = pd->crossing; b; b = b->cross_next) {
        pieces |= crossing_mask(b);
    }
    __atomic_store_n(&pd->pieces, pieces, __ATOMIC_SEQ_CST);
    if (!pieces) {
        __atomic_and_fetch(ram_page_flags(page_off), (u8)~RAM_CODE, __ATOMIC_SEQ_CST);
    }
}

bool code_near(u64 off, u64 len)
{
    const struct page_desc *pd = page_desc_get(off, false);
    unsigned from = (unsigned)(off & (RAM_PAGE_SIZE - 1)), to = from + (unsigned)len;
    return pd && __atomic_load_n(&pd->pieces, __ATOMIC_SEQ_CST) & piece_mask(from, to);
}

static void page_written(u64 off, u64 len)
{
    struct page_desc *pd = page_desc_get(off, false);
    unsigned from = (unsigned)(off & (RAM_PAGE_SIZE - 1)), to = from + (unsigned)len;
    if (!code_near(off, len)) {
        return;
    }
    pthread_mutex_lock(&tcg.lock);
    bool any = false;
    for (struct block *b = pd->blocks, *next; b; b = next) {
        next = b->page_next;
        if (b->start < to && from < b->end) {
            code_kill(b);
            tcg.stat_invalidated++;
            any = true;
        }
    }
    for (struct block *b = pd->crossing, *next; b; b = next) {
        next = b->cross_next;
        if (from < b->end - RAM_PAGE_SIZE) {
            code_kill(b);
            tcg.stat_invalidated++;
            any = true;
        }
    }
    if (any) {
        page_recount(pd, off);
    }
    pthread_mutex_unlock(&tcg.lock);
}

void code_written(u64 ram_off, u64 len)
{
    while (len) {
        u64 dir = RAM_PAGE_SIZE << DIR_BITS;
        if (len > dir && !page_desc_get(ram_off, false)) { /* no code in all of a directory */
            u64 skip = dir - (ram_off & (dir - 1));
            ram_off += skip;
            len -= skip;
            continue;
        }
        u64 n = MIN(len, RAM_PAGE_SIZE - (ram_off & (RAM_PAGE_SIZE - 1)));
        page_written(ram_off, n);
        ram_off += n;
        len -= n;
    }
}

void code_tag(u64 va)
{
    u64 *tagged = &page_desc_get(va, true)->tagged;
    unsigned at = (unsigned)(va & (RAM_PAGE_SIZE - 1));
    __atomic_or_fetch(tagged, piece_mask(at, at + 1), __ATOMIC_SEQ_CST);
    code_written(va, 1);
}

bool code_tagged(u64 page, unsigned start, unsigned end)
{
    const struct page_desc *pd = page_desc_get(page, false);
    return pd && __atomic_load_n(&pd->tagged, __ATOMIC_SEQ_CST) & piece_mask(start, end);
}

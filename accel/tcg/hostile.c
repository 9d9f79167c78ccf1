/* -accel tcg,hostile=on: a code cache of 4 MiB in small chunks, TLBs of 4 entries (at most 64), blocks of a few
 * instructions, and again and again something is thrown away that the engine could have kept. A guest must not notice.
 * What takes months of boots to meet (an eviction between a link and its use, a flush in the middle of a store) happens
 * all the time. */
#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"

#define EVERY     128u /* acts once in so many calls */
#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))

static u64 draw(struct tcpu *t)
{
    t->hostile = t->hostile * 6364136223846793005ull + 1442695040888963407ull + t->cpu->index;
    return t->hostile >> 33;
}

unsigned hostile_insns(struct tcpu *t)
{
    static const u8 most[4] = {1, 1, 3, 12};
    return most[draw(t) & 3];
}

/* The code of the page the cpu is in, whoever runs it. */
static void forget_page(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    struct tlb_context *c = t->view[0];
    unsigned i = (unsigned)(cpu->rt.page >> TLB_PAGE_BITS) % FETCH_CACHE;
    if (c->fetch[i].va == (cpu->rt.page & PAGE_MASK)) {
        code_written(c->fetch[i].ram_off, RAM_PAGE_SIZE);
    }
}

/* Links of some blocks of this cpu's chunk. */
static void forget_links(struct tcpu *t)
{
    pthread_mutex_lock(&tcg.lock);
    for (unsigned k = 0; t->chunk && k < 8 && t->chunk->nblocks; k++) {
        code_unlink(t->chunk->blocks[draw(t) % t->chunk->nblocks]);
    }
    pthread_mutex_unlock(&tcg.lock);
}

static void forget_jumps(struct tcpu *t)
{
    pthread_mutex_lock(&t->tlb_lock);
    jc_table_clear(t->jc);
    pthread_mutex_unlock(&t->tlb_lock);
    returns_forget(t->cpu);
}

static void flush(struct tcpu *t, bool all_cpus)
{
    struct tlb_flush f = {.all_cpus = all_cpus};
    tlb_flush(t->cpu, &f);
}

void hostile_throw(struct tcpu *t)
{
    if (tcg.direct || draw(t) % EVERY) {
        return;
    }
    unsigned what = (unsigned)draw(t) % 64;
    if (what < 2) {
        forget_page(t);
    } else if (what < 4) {
        flush(t, what == 2);
    } else if (what < 20) {
        forget_jumps(t);
    } else {
        forget_links(t);
    }
}

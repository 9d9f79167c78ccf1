/* -accel tcg,verify=on: the interpreter runs the guest, trace by trace as the front end made them, and writes down what
 * it does to the world: each access with its value, each call of a helper with its results. Translated code is run
 * beside it on a shadow of the CPU struct with an empty TLB, so that all its accesses come to C and are answered from
 * that log. Then both have to be in the same state. Nothing happens twice, and what other cpus and devices do in
 * between is seen by both alike, since only the interpreter looks at memory.
 *
 * A run lets translated code go as far as it will: links, jump caches, return prediction and loops are those of every
 * other day. The shadow's event word stops it once it has met all entries there are (one run in four: at once). It
 * stops at some event check: the one of the two that is behind, by traces that touch nothing, follows the other.
 *
 * Not compared: the hits of the inline TLB probe, pure helpers (both sides call the same function), the accumulated
 * float exceptions. A run during which code or its mapping changed, or for which the log has no room, is not judged. */
#include <string.h>

#include "accel/tcg/verify_priv.h"
#include "base/bits.h"

#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))
#define PATIENCE \
    16u /* traces that touch nothing, after which the interpreter waits: the guest may loop so for long \
         */
#define CHASE 4096u

_Thread_local struct verify *verify_self;

bool verify_init(struct tcpu *t)
{
    struct verify *v = calloc(1, sizeof(*v));
    must(v);
    t->verify = v;
    v->t = t;
    v->stale = true;
    v->random = t->cpu->index + 1;
    v->shadow = aligned_alloc(64, align_up(t->cpu->target->cpu_size, 64));
    must(v->shadow);
    v->none = (struct tlb_entry){.rd = TLB_EMPTY, .wr = TLB_EMPTY};
    image_init(v);
    return true;
}

void verify_free(struct tcpu *t)
{
    if (t->verify) {
        free(t->verify->shadow);
        free(t->verify->image);
        buf_free(&t->verify->what);
        free(t->verify);
    }
}

void verify_stale(struct tcpu *t)
{
    if (t->verify) {
        t->verify->stale = true;
    }
}

/* -- the interpreter ------------------------------------------------------------------------------------------------
 */

/* The code at a virtual address, without a guest's exception and without an eviction: somebody may stand in the code
 * cache. NULL: there is none to be had. */
static struct block *block_at(struct tcpu *t, u64 pc)
{
    u64 ram_off;
    struct walk_result r;
    if (!fetch_page(t, pc, &ram_off, &r)) {
        return NULL;
    }
    struct block *b = code_find(ram_off, t->mode);
    return b ? b : code_translate(t, pc, ram_off, false);
}

/* The same, remembered while nothing is flushed or evicted. */
static struct block *block_here(struct verify *v)
{
    struct tcpu *t = v->t;
    u64 pc = t->cpu->rt.pc, gen = __atomic_load_n(&t->flush_gen, __ATOMIC_ACQUIRE);
    struct known *k = &v->known[(pc >> 2 ^ pc >> 12) % ARRAY_LEN(v->known)];
    if (k->pc != pc || k->jc != t->cpu->rt.jc || k->mode != t->mode || k->gen != gen ||
        k->evicted != tcg.stat_evicted || k->b->dead) {
        struct block *b = block_at(t, pc);
        if (!b) {
            return NULL;
        }
        *k = (struct known){pc, t->mode, gen, tcg.stat_evicted, t->cpu->rt.jc, b};
    }
    return k->b;
}

/* One trace. */
static void interpret(struct verify *v)
{
    struct tcpu *t = v->t;
    struct vcpu *cpu = t->cpu;
    struct block *b = block_here(v);
    if (!b) {
        v->over = OVER_STUCK;
        return;
    }
    v->trail[v->visits++ % TRAIL] = (struct visit){cpu->rt.pc, b, v->n};
    struct interp_mem mem = verify_record_mem;
    mem.opaque = v;
    cpu->rt.page = cpu->rt.pc & PAGE_MASK;
    v->why = REASON_NONE;
    if (trace_run(b->trace, cpu, &mem, &v->why) == INTERP_LOOP) {
        v->over = OVER_LOOP;
    }
    fix_pc(cpu, cpu->target);
    if (v->full) {
        v->over = OVER_STUCK;
    }
}

/* Traces until the log has `want` entries, or nothing is touched for long. */
static void produce(struct verify *v, unsigned want, unsigned patience)
{
    v->t->inner = &v->fault;
    if (!setjmp(v->fault)) {
        for (v->lead = 0; !v->over && !v->last_call && v->n < want && v->lead < patience;) {
            unsigned n = v->n;
            interpret(v);
            v->lead = v->n == n ? v->lead + 1 : 0;
        }
    } else {
        v->over = v->full ? OVER_STUCK : OVER_FAULT;
        v->log[v->n - !!v->n].unwound = v->open != NULL;
        v->open = NULL;
        v->stale = true;
    }
    v->t->inner = NULL;
}

bool run_more(struct verify *v)
{
    if (!v->closed) {
        produce(v, v->n + 1, CHASE);
    }
    return v->used < v->n;
}

void run_feed(struct verify *v)
{
    if (v->used == v->n && !v->over) {
        v->shadow->rt.event = EVENT_WORK;
    }
}

/* -- translated code --------------------------------------------------------------------------------------------------
 */

/* Translated code may be behind: where the interpreter was it finds what the interpreter found. */
static struct block *block_for_shadow(struct verify *v, u64 pc)
{
    for (unsigned i = v->visits; i-- > 0 && i + TRAIL > v->visits;) {
        const struct visit *s = &v->trail[i % TRAIL];
        if (s->pc == pc && !s->b->dead) {
            return s->b;
        }
    }
    return v->shadow->rt.jc == v->t->cpu->rt.jc ? block_at(v->t, pc) : NULL;
}

void run_leave(struct verify *v, enum outcome o)
{
    longjmp(v->out, (int)o);
}

const void *verify_lookup(struct vcpu *s, u64 pc)
{
    struct tcpu *t = tcpu_of(s);
    if (s == t->cpu) {
        return rt_lookup(s, pc);
    }
    s->rt.pc = pc;
    fix_pc(s, s->target);
    u64 gen = __atomic_load_n(&t->flush_gen, __ATOMIC_SEQ_CST);
    struct block *b = s->rt.event || tcg.cfg.no_chain ? NULL : block_for_shadow(t->verify, s->rt.pc);
    if (!b) {
        return tcg.thunks.leave_event;
    }
    if (s->rt.jc == t->cpu->rt.jc && (!tcg.cfg.verify_runs || verify_done(b))) {
        jc_fill(t, s->rt.pc, b->code, gen);
    }
    s->rt.page = s->rt.pc & PAGE_MASK;
    return b->code;
}

static void shadow_prepare(struct verify *v)
{
    struct vcpu *s = v->shadow, *cpu = v->t->cpu;
    if (v->stale) {
        memcpy(s, cpu, cpu->target->cpu_size);
        v->stale = false;
    }
    s->rt.event = 0;
    s->rt.pc = cpu->rt.pc;
    s->rt.jc = cpu->rt.jc;
    s->rt.ret_sp = 0;
    for (unsigned i = 0; i < RT_VIEWS; i++) {
        s->rt.tlb[i] = &v->none;
    }
}

/* Until it stops by itself; why. */
static enum ir_reason run_shadow(struct verify *v, struct block *b)
{
    struct vcpu *s = v->shadow;
    enum ir_reason why = REASON_EVENT;
    while (b) {
        s->rt.page = s->rt.pc & PAGE_MASK;
        v->replays = true;
        u64 token = code_enter(s, b->code);
        v->replays = false;
        cell_settle(v);
        bool link = TOKEN_KIND(token) == TOKEN_EXIT;
        why = link ? REASON_EVENT : TOKEN_ARG(token);
        if (s->rt.event || (why != REASON_NONE && why != REASON_RETRANSLATE && !link)) {
            break;
        }
        fix_pc(s, s->target);
        b = block_for_shadow(v, s->rt.pc);
        if (b && link) {
            exit_link(TOKEN_ARG(token), b);
        }
    }
    return why;
}

static bool is_boundary(enum ir_reason why)
{
    return why == REASON_EVENT || why == REASON_NONE || why == REASON_RETRANSLATE;
}

static bool is_there(const struct verify *v, enum ir_reason why)
{
    bool left = is_boundary(why) || (v->over == OVER_LOOP && v->why == why);
    return left && v->used == v->n && v->shadow->rt.pc == v->t->cpu->rt.pc && slots_equal(v, v->shadow, v->t->cpu);
}

/* Translated code has nothing to go on with. Nor does anybody know why, unless it is an address that no code is at. */
static enum outcome lost(struct verify *v)
{
    u64 ram_off;
    struct walk_result r;
    bool same_context = v->shadow->rt.jc == v->t->cpu->rt.jc;
    return same_context && !fetch_page(v->t, v->shadow->rt.pc, &ram_off, &r) ? OUT_DIFFERENT : OUT_UNKNOWN;
}

/* Translated code has stopped. Whoever is behind follows the other: as long as the log has more, or the interpreter may
 * be ahead without having touched anything, that is translated code. */
static enum outcome meet(struct verify *v, enum ir_reason why)
{
    unsigned lead = v->lead;
    for (unsigned i = 0; i < CHASE && !is_there(v, why); i++) {
        if (v->over == OVER_STUCK) {
            return OUT_UNKNOWN;
        }
        if ((v->used < v->n || lead) && is_boundary(why)) {
            struct block *b = block_for_shadow(v, v->shadow->rt.pc);
            if (!b) {
                return lost(v);
            }
            lead -= v->used == v->n;
            v->shadow->rt.event = EVENT_WORK; /* from check to check */
            why = run_shadow(v, b);
        } else if (v->used < v->n || v->over) {
            return OUT_DIFFERENT;
        } else {
            produce(v, v->n + 1, 1);
        }
    }
    return is_there(v, why) ? OUT_SAME : OUT_DIFFERENT;
}

static void choose_length(struct verify *v)
{
    v->random = v->random * 6364136223846793005ull + 1442695040888963407ull;
    v->want = v->random >> 62 ? 1 + (v->random >> 56 & 31) : 0;
}

/* Changes when blocks die or addresses are translated anew: then translated code, which comes later, may have met
 * others than the interpreter. */
static u64 code_state(const struct tcpu *t)
{
    return __atomic_load_n(&tcg.stat_killed, __ATOMIC_SEQ_CST) + __atomic_load_n(&t->flush_gen, __ATOMIC_SEQ_CST);
}

void verify_run(struct tcpu *t)
{
    struct verify *v = t->verify;
    verify_self = v;
    shadow_prepare(v);
    log_reset(v);
    image_take(v, v->start, t->cpu);
    v->start_pc = t->cpu->rt.pc;
    v->code_state = code_state(t);
    struct block *b = block_here(v); /* again: what the caller found may be older than code_state */
    if (!b) {
        return;
    }
    choose_length(v);
    produce(v, v->want, PATIENCE);
    run_feed(v);
    enum outcome o = (enum outcome)setjmp(v->out); /* run_leave comes here */
    v->replays = false;
    if (o == OUT_NONE) {
        o = meet(v, run_shadow(v, b));
    }
    if (o == OUT_DIFFERENT && v->code_state == code_state(t)) {
        verify_report(v);
    }
    if (v->over == OVER_LOOP && v->why == REASON_CARE) {
        code_care(t);
    }
    for (unsigned i = 0; i < MIN(v->visits, TRAIL) && o == OUT_SAME; i++) {
        v->trail[i].b->verified++;
    }
    v->stale |= o != OUT_SAME;
    t->stat_verified += o == OUT_SAME;
    t->stat_unjudged += o != OUT_SAME;
}

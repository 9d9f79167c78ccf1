/* See jit_run.h. */
#include "tests/diff/jit_run.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "base/bits.h"
#include "tcg/eval.h"

enum { AREA = 1 << 20, THUNKS = 8192, TLB_ENTRIES = 4 };

static u8 *area;
static struct host_thunks kinds[2], thunks; /* without and with pinned vectors; those in use */
static struct gen_out out;
static u8 map[1 << 16];

struct table {
    struct tlb_head head;
    struct tlb_entry e[TLB_ENTRIES];
};
static struct table tlb[RT_VIEWS];
static struct jc_entry jc[JC_SIZE];
static struct ir_outcome outcome;
static bool looked_up;

/* -- the host's float control, and what it has of flags ----------------------------------------------------------- */

#if defined(__x86_64__)
static bool fp_is_c(void)
{
    return (_mm_getcsr() & ~0x3fu) == 0x1f80;
}
static u32 guest_fp(unsigned round)
{
    static const u16 rounding[4] = {0, 3, 1, 2};
    return 0x1f80 | (u32)rounding[round] << 13;
}
/* The sticky exceptions as softfloat counts them. */
static u32 flags_of_fp(u32 csr)
{
    return (csr & 1 ? FP_INVALID : 0) | (csr & 4 ? FP_DIVZERO : 0) | (csr & 8 ? FP_OVERFLOW : 0) |
           (csr & 16 ? FP_UNDERFLOW : 0) | (csr & 32 ? FP_INEXACT : 0);
}
#else
static bool fp_is_c(void)
{
    u64 fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr == 0;
}
static u32 guest_fp(unsigned round)
{
    static const u8 rounding[4] = {0, 3, 2, 1};
    return (u32)rounding[round] << 22;
}
static u32 flags_of_fp(u32 fp)
{
    return fp & 31;
}
#endif

/* -- slow paths -------------------------------------------------------------------------------------------------- */

static void swap_units(u8 *p, u32 mo)
{
    unsigned unit = 1u << (mo & MO_SIZE);
    for (unsigned k = 0; k < mo_bytes(mo) && (mo & MO_BE); k += unit) {
        for (unsigned i = 0; i < unit / 2; i++) {
            u8 x = p[k + i];
            p[k + i] = p[k + unit - 1 - i];
            p[k + unit - 1 - i] = x;
        }
    }
}

NORETURN static void fault(struct vcpu *cpu, uintptr_t ra)
{
    struct ir_cpu *c = (struct ir_cpu *)cpu;
    const struct host *h = host_native();
    u32 off = (u32)(ra - (uintptr_t)out.rx);
    outcome = (struct ir_outcome){.how = INTERP_FAULT};
    outcome.insn_off = h->restore(&ir_cpu_target, out.map, out.map_len, off, cpu);
    longjmp(*c->unwind, 2);
}

static u64 slow_load(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    union v128 raw[2];
    must(fp_is_c());
    if (!ir_cpu_mem.load(NULL, cpu, va, mo, raw)) {
        fault(cpu, ra);
    }
    swap_units(raw[0].b, mo);
    struct rt *rt = &((struct ir_cpu *)cpu)->rt;
    memset(rt->vtmp, 0x5a, sizeof(rt->vtmp));
    unsigned n = mo_bytes(mo);
    if (n > 8 || (mo & MO_PAIR)) {
        memcpy(rt->vtmp, raw, n);
        return 0x1234567890abcdef;
    }
    return ldnle(raw, n);
}

static void slow_store(struct vcpu *cpu, u64 va, u64 val, u32 mo, uintptr_t ra)
{
    union v128 raw[2];
    unsigned n = mo_bytes(mo);
    must(fp_is_c() && mo & MO_STORE);
    if (n > 8 || (mo & MO_PAIR)) {
        memcpy(raw, ((struct ir_cpu *)cpu)->rt.vtmp, n);
    } else {
        stnle(raw, n, val);
    }
    swap_units(raw[0].b, mo);
    if (!ir_cpu_mem.store(NULL, cpu, va, mo, raw)) {
        fault(cpu, ra);
    }
}

static void *slow_atomic(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    union v128 raw;
    if (!ir_cpu_mem.load(NULL, cpu, va, mo, &raw)) {
        fault(cpu, ra);
    }
    return ((struct ir_cpu *)cpu)->ram + (va - IR_RAM_BASE);
}

static const void *lookup(struct vcpu *cpu, u64 pc)
{
    struct ir_cpu *c = (struct ir_cpu *)cpu;
    looked_up = true;
    c->rt.pc = pc;
    c->rt.page = pc & ~0xfffull;
    return thunks.leave_event;
}
static const struct rt_funcs funcs = {slow_load, slow_store, slow_atomic, lookup};

/* -- compiling --------------------------------------------------------------------------------------------------- */

static void set_up(void)
{
    if (area) {
        return;
    }
    area = mmap(NULL, AREA, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(area != MAP_FAILED);
    for (unsigned k = 0; k < 2; k++) {
        u8 *at = area + k * THUNKS;
        must(host_native()->make_thunks(at, at, THUNKS, &ir_cpu_target, &funcs, k, &kinds[k]) != 0);
    }
}

bool jit_compile(struct ir *ir, const struct jit_opts *o)
{
    set_up();
    thunks = kinds[o->vpins];
    struct gen_config cfg = {.target = &ir_cpu_target,
                             .funcs = &funcs,
                             .thunks = &thunks,
                             .block_id = 77,
                             .count = o->count,
                             .no_chain = o->no_chain};
    out = (struct gen_out){
        .rw = area + 2 * THUNKS, .rx = area + 2 * THUNKS, .cap = AREA - 2 * THUNKS, .map = map, .map_cap = sizeof(map)};
    return host_native()->compile(ir, &cfg, &out);
}

/* -- running ----------------------------------------------------------------------------------------------------- */

static void fill_tlb(struct ir_cpu *c, struct rng *r, unsigned mode)
{
    for (unsigned v = 0; v < RT_VIEWS; v++) {
        struct table *t = &tlb[v];
        t->head.mask = (TLB_ENTRIES - 1) * sizeof(struct tlb_entry);
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            t->e[i] = (struct tlb_entry){TLB_INVALID, TLB_INVALID, 0, 0};
        }
        for (u64 va = IR_RAM_BASE; va < IR_RAM_BASE + IR_RAM_SIZE && mode; va += 4096) {
            struct tlb_entry *e = &t->e[va >> 12 & (TLB_ENTRIES - 1)];
            u64 host = (u64)(uintptr_t)(c->ram + (va - IR_RAM_BASE));
            e->rd = va | (mode == 2 && rng_below(r, 2) ? (u64)TLB_SLOW : 0);
            e->wr = va | (mode == 2 && rng_below(r, 2) ? (u64)TLB_SLOW : 0);
            e->addend = host - va;
        }
        c->rt.tlb[v] = t->e;
    }
}

static u64 cached_pc;

static void prepare(struct ir_cpu *c, struct rng *r, const struct jit_opts *o)
{
    fill_tlb(c, r, o->tlb);
    jc_clear(jc, 0, JC_SIZE);
    cached_pc = o->cached_pc;
    if (o->cached_pc != ~0ull) {
        jc[jc_index(o->cached_pc)] = (struct jc_entry){o->cached_pc, thunks.leave_event};
    }
    c->rt.jc = jc;
    c->rt.event = o->event;
    c->rt.countdown = 1000;
    c->rt.host_fp = guest_fp(c->env.round);
    c->rt.c_fp = 0;
    looked_up = false;
    outcome = (struct ir_outcome){.how = INTERP_FAULT};
}

static void finish(struct ir_cpu *c, u64 token)
{
    outcome = (struct ir_outcome){.how = INTERP_EXIT};
    unsigned why = TOKEN_ARG(token);
    bool left = TOKEN_KIND(token) == TOKEN_REASON && (looked_up || why == REASON_NONE);
    bool cached = !left && TOKEN_KIND(token) == TOKEN_REASON && why == REASON_EVENT &&
                  (c->rt.pc == 0x1234 || c->rt.pc == cached_pc);
    if (TOKEN_KIND(token) == TOKEN_EXIT) {
        must(TOKEN_ARG(token) >> 3 == 77 && (TOKEN_ARG(token) & 7) < out.nexits);
    } else if (cached) {
        c->rt.pc = c->rt.pc == 0x1234 ? c->rt.page : c->rt.pc; /* a hit in the jump cache: only the page can be told,
                                                                  unless a helper has set pc */
    } else if (!left) {
        outcome.how = INTERP_LOOP;
        outcome.reason = why;
    }
    outcome.pc = c->rt.pc;
    c->rt.pc = 0x1234;
}

static struct ir_outcome run(struct ir_cpu *c, struct rng *r, const struct jit_opts *o, u64 again, unsigned max)
{
    jmp_buf jb;
    prepare(c, r, o);
    c->unwind = &jb;
    u64 (*enter)(struct ir_cpu *, const void *) = (u64(*)(struct ir_cpu *, const void *))thunks.enter;
    volatile unsigned rounds = 0;
    int jumped = setjmp(jb);
    if (jumped == 0) {
        do {
            looked_up = false;
            u64 token = enter(c, out.rx);
            if (host_native()->settle) {
                host_native()->settle(&ir_cpu_target, (struct vcpu *)c);
            }
            finish(c, token);
        } while (outcome.pc == again && ++rounds < max);
    } else if (jumped == 1) {
        outcome = (struct ir_outcome){.how = INTERP_FAULT, .insn_off = c->rt.insn_off};
    }
    must(fp_is_c());
    outcome.pc = outcome.how == INTERP_FAULT ? 0 : outcome.pc;
    c->env.flags |= flags_of_fp(c->rt.host_fp);
    c->fl[0] &= FL_ALL;
    c->fl[1] &= FL_ALL;
    return outcome;
}
struct ir_outcome jit_run(struct ir_cpu *c, struct rng *r, const struct jit_opts *o)
{
    return run(c, r, o, 0, 1);
}
struct ir_outcome jit_run_loop(struct ir_cpu *c, struct rng *r, const struct jit_opts *o, u64 again)
{
    return run(c, r, o, again, 1000);
}

void jit_dump(void)
{
    for (u32 i = 0; i < out.code_len;) {
        char text[160];
        int n = host_native()->disas(text, sizeof(text), i, out.rx + i, out.code_len - i);
        printf("%s%5x  %s\n", i == out.hot_len ? "-- cold\n" : "", i, n ? text : "?");
        i += n ? (u32)n : 1;
    }
    for (unsigned k = 0; k < out.nexits; k++) {
        printf("exit %u: target 0x%x jump at 0x%x stub 0x%x\n", k, (u32)out.exits[k].target, out.exits[k].patch_off,
               out.exits[k].stub_off);
    }
}
unsigned jit_code_len(void)
{
    return out.hot_len;
}

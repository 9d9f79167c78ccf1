/* The main loop, the two areas code grows in, and the constant pool.
 *
 * Hot code grows from the start of the buffer, cold code from its middle, in the same order and with the allocator's
 * state of the moment. At the end the cold code moves down behind the hot code; places that lead from one into the
 * other, or out of the block, are corrected by the distance. The pool follows. */
#include <stdio.h>
#include <stdlib.h>

#include "tcg/host/state_priv.h"
#include "tcg/ops_priv.h"

enum {
    AREA_MAX = 128 << 10,
    AREA_SLACK = 4096, /* no op emits more in one area */
};

/* -- places ---------------------------------------------------------------------------------------------------- */

void fix_add(struct gen *g, u8 *at)
{
    must(g->nfix < ARRAY_LEN(g->fix));
    u32 off = (u32)(at - g->out->rw);
    g->fix[g->nfix++] = off << 1 | (at < g->cold_base);
}
void jump_abs(struct gen *g, u8 *at, const void *run_addr)
{
    g->arch->bind(at, (const u8 *)run_addr + (g->out->rw - g->out->rx));
    if (at >= g->cold_base) {
        fix_add(g, at);
    }
    reloc_add(g, at, RELOC_CODE, 0);
}
void to_cold(struct gen *g)
{
    g->c = &g->cold;
}
void to_hot(struct gen *g)
{
    g->c = &g->hot;
}
bool aside(struct gen *g)
{
    bool hot = g->c == &g->hot;
    to_cold(g);
    return hot;
}
void back(struct gen *g, bool hot)
{
    if (hot) {
        to_hot(g);
    }
}
void bind_cold(struct gen *g, u8 *at)
{
    g->arch->bind(at, g->cold.p);
    if (at < g->cold_base) {
        fix_add(g, at);
    }
}
void back_to_hot(struct gen *g, u8 *hot)
{
    u8 *at = g->arch->jump(&g->cold);
    g->arch->bind(at, hot);
    fix_add(g, at);
}

/* -- what depends on the place --------------------------------------------------------------------------------- */

/* Offsets are those of the areas until finish(). */
void reloc_add(struct gen *g, const u8 *at, unsigned kind, unsigned arg)
{
    struct gen_out *out = g->out;
    u32 off = (u32)(at - out->rw);
    if (!g->cfg->relocs) {
        return;
    }
    if (out->nreloc == GEN_MAX_RELOCS || off >> RELOC_OFF_BITS || arg >> (32 - RELOC_OFF_BITS - RELOC_KIND_BITS)) {
        out->fixed = true;
        return;
    }
    out->reloc[out->nreloc++] = RELOC(off, kind, arg);
}

void gen_relocate(const struct host_arch *a, u8 *rw, const u32 *reloc, unsigned n, const struct gen_move *m)
{
    for (unsigned k = 0; k < n; k++) {
        u8 *at = rw + (reloc[k] & MASK(RELOC_OFF_BITS));
        u32 arg = reloc[k] >> (RELOC_OFF_BITS + RELOC_KIND_BITS);
        switch (reloc[k] >> RELOC_OFF_BITS & MASK(RELOC_KIND_BITS)) {
        case RELOC_CODE:
            a->shift(at, (i32)-m->by);
            break;
        case RELOC_HELPER:
            st64le(at, (u64)(uintptr_t)m->target->helpers[arg].fn);
            break;
        case RELOC_TOKEN:
            st32le(at, TOKEN_EXIT | (m->block_id << 3 | arg) << 3);
            break;
        }
    }
}

/* -- constants ---------------------------------------------------------------------------------------------------- */

static bool is_fn(const struct gen *g, unsigned index)
{
    for (unsigned k = 0; k < g->npool_fn; k++) {
        if (g->pool_fn[k].index == index) {
            return true;
        }
    }
    return false;
}

static unsigned pool_new(struct gen *g, u64 v)
{
    if (g->npool == ARRAY_LEN(g->pool)) {
        g->full = true;
        return 0;
    }
    g->pool[g->npool] = v;
    return g->npool++;
}
unsigned pool_u64(struct gen *g, u64 v)
{
    for (unsigned k = 0; k < g->npool; k++) {
        if (g->pool[k] == v && !is_fn(g, k)) {
            return k;
        }
    }
    return pool_new(g, v);
}
/* Where functions are listed they share no place with numbers, which do not move. */
unsigned pool_fn(struct gen *g, const void *fn)
{
    u64 v = (u64)(uintptr_t)fn;
    if (!g->cfg->relocs) {
        return pool_u64(g, v);
    }
    for (unsigned k = 0; k < g->npool_fn; k++) {
        if (g->pool_fn[k].helper == g->helper) {
            return g->pool_fn[k].index;
        }
    }
    unsigned index = pool_new(g, v);
    if (g->npool_fn == ARRAY_LEN(g->pool_fn)) {
        g->out->fixed = true;
        return index;
    }
    g->pool_fn[g->npool_fn].index = (u16)index;
    g->pool_fn[g->npool_fn++].helper = (u16)g->helper;
    return index;
}
unsigned pool_v128(struct gen *g, u64 lo, u64 hi)
{
    for (unsigned k = 0; k + 1 < g->npool; k += 2) {
        if (g->pool[k] == lo && g->pool[k + 1] == hi && !is_fn(g, k) && !is_fn(g, k + 1)) {
            return k;
        }
    }
    g->npool += g->npool & 1;
    if (g->npool + 2 > ARRAY_LEN(g->pool)) {
        g->full = true;
        return 0;
    }
    g->pool[g->npool] = lo;
    g->pool[g->npool + 1] = hi;
    g->npool += 2;
    return g->npool - 2;
}
void pool_ref(struct gen *g, u8 *at, unsigned index)
{
    must(g->npool_ref < ARRAY_LEN(g->pool_ref));
    g->pool_ref[g->npool_ref].at = (u32)(at - g->out->rw);
    g->pool_ref[g->npool_ref++].index = (u16)index;
}

/* -- emitters of what needs no instruction --------------------------------------------------------------------------
 */

void emit_pc(struct gen *g, struct xop *x)
{
    ir_ref last = g->last_pc;
    unsigned from =
        last && g->vals[last].reg != NOREG && g->reg_val[g->vals[last].reg] == last ? g->vals[last].reg : NOREG;
    unsigned rd = ra_dst(g, 0);
    i32 off = (i32)x->imm;
    if (from != NOREG) {
        off -= (i32)g->x[last].imm;
    } else {
        g->arch->load(g->c, IR_I64, rd, RT_OFF(page));
        from = rd;
    }
    if (off || from != rd) {
        g->arch->add_imm(g->c, rd, from, off);
    }
    g->last_pc = (ir_ref)g->i;
}

/* Names only. */
void emit_get(struct gen *g, struct xop *x)
{
    struct val *v = &g->vals[g->i];
    v->mem = (u8)(LOC_HOME + x->imm);
    v->slot = (u8)x->imm;
    g->cur[x->imm] = g->home[x->imm] = (ir_ref)g->i;
}
void emit_put(struct gen *g, struct xop *x)
{
    unsigned s = x->imm;
    if (x->flags & XF_DEAD) {
        return;
    }
    g->cur[s] = x->a;
    g->touched.w[s / 64] |= 1ull << s % 64;
    if (!ir_is_const(x->a)) {
        g->vals[x->a].slot = (u8)s;
    }
}
void emit_insn(struct gen *g, struct xop *x)
{
    g->insn_off = x->imm;
    g->insn_len = x->d;
    g->insns_done++;
}
/* Its user does its work. */
void emit_folded(struct gen *g UNUSED, struct xop *x UNUSED)
{
}

/* -- the main loop ----------------------------------------------------------------------------------------------- */

static void emit_op(struct gen *g, struct xop *x)
{
    const struct row *row = &g->arch->rows[x->op];
    emit_fn *f = x->type == IR_V128 && row->emit_v ? row->emit_v : row->emit;
    if (!f) {
        fprintf(stderr, "moss: %s: no emitter for %s.%s\n", g->arch->name, ir_ops[x->op].name, ir_type_names[x->type]);
        must(!"an emitter for every op");
    }
    g->ef_next = (struct hflags){0};
    bool soft = x->op < IR_OPCODES && ir_ops[x->op].sub == SUB_fp && (x->sub & FP_SOFT);
    f = soft ? emit_fallback : f;
    f(g, x);
    if (soft || !row->keeps_flags) {
        g->ef = g->ef_next;
    }
}

static bool emit_all(struct gen *g)
{
    g->x87_ready = false;
    control_entry(g);
    zeros_begin(g);
    loop_enter(g);
    for (unsigned i = 1; i < g->ir->nops; i++) {
        struct xop *x = &g->x[i];
        if (x->op == IR_nop) {
            continue;
        }
        if (unlikely(g->hot.p > g->hot_end || g->cold.p > g->cold_end || g->full)) {
            return false;
        }
        g->i = i;
        ra_begin(g, x);
        emit_op(g, x);
        i = g->i; /* the last op may have done the next one's work */
    }
    loop_finish(g);
    control_stale(g);
    return g->hot.p <= g->hot_end && g->cold.p <= g->cold_end && !g->full;
}

/* Brings the areas together. */
static bool finish(struct gen *g)
{
    struct gen_out *out = g->out;
    g->arch->nops(&g->hot, (unsigned)(-(uintptr_t)g->hot.p & 15));
    u32 cold_off = (u32)(g->cold_base - out->rw), cold_len = (u32)(g->cold.p - g->cold_base);
    u32 hot_len = (u32)(g->hot.p - out->rw), delta = cold_off - hot_len;
    u32 pool_off = (u32)align_up(hot_len + cold_len, 16);
    if (pool_off + g->npool * 8 > out->cap) {
        return false;
    }
    for (unsigned k = 0; k < g->nfix; k++) {
        g->arch->shift(out->rw + (g->fix[k] >> 1), g->fix[k] & 1 ? -(i32)delta : (i32)delta);
    }
    for (unsigned k = 0; k < g->npool_ref; k++) {
        u32 at = g->pool_ref[k].at, final = at >= cold_off ? at - delta : at;
        g->arch->shift(out->rw + at, (i32)(pool_off + g->pool_ref[k].index * 8u) - (i32)(final + g->arch->rel_base));
    }
    memmove(out->rw + hot_len, g->cold_base, cold_len);
    memcpy(out->rw + pool_off, g->pool, g->npool * 8);
    for (unsigned k = 0; k < out->nexits; k++) {
        struct gen_exit *e = &out->exits[k];
        e->patch_off -= e->patch_off >= cold_off ? delta : 0;
        e->stub_off -= e->stub_off >= cold_off ? delta : 0;
    }
    out->stale_off -= delta;
    for (unsigned k = 0; k < out->nreloc; k++) {
        u32 off = out->reloc[k] & (u32)MASK(RELOC_OFF_BITS);
        out->reloc[k] -= off >= cold_off ? delta : 0;
    }
    for (unsigned k = 0; k < g->npool_fn; k++) {
        u32 off = pool_off + g->pool_fn[k].index * 8u;
        if (out->nreloc == GEN_MAX_RELOCS || off >> RELOC_OFF_BITS) {
            out->fixed = true;
        } else {
            out->reloc[out->nreloc++] = RELOC(off, RELOC_HELPER, g->pool_fn[k].helper);
        }
    }
    out->hot_len = hot_len;
    out->text_len = hot_len + cold_len;
    out->code_len = pool_off + g->npool * 8;
    return deopt_finish(g, (i32)delta);
}

static void areas_init(struct gen *g)
{
    struct gen_out *out = g->out;
    u32 half = MIN(out->cap / 2, (u32)AREA_MAX) & ~15u;
    g->hot.p = out->rw;
    g->cold.p = g->cold_base = out->rw + half;
    g->hot_end = out->rw + half - AREA_SLACK;
    g->cold_end = g->cold_base + half - AREA_SLACK;
    g->c = &g->hot;
    g->nfix = g->npool = g->npool_fn = g->npool_ref = g->npoints = 0;
    g->full = false;
    g->ef = (struct hflags){0};
    g->insns_done = g->insn_off = g->insn_len = 0;
    g->last_pc = 0;
    g->note = 0;
    memset(g->share, 0, sizeof(g->share));
    g->next_share = 0;
    out->nexits = 0;
    out->nreloc = 0;
    out->fixed = g->cfg->relocs && !g->arch->token_back;
    out->map_len = 0;
}

/* Too big for a stack, and never cleared. Threads come and go: a few are kept for whoever compiles next. */
static struct gen *spare[4];

static struct gen *gen_take(void)
{
    for (unsigned k = 0; k < ARRAY_LEN(spare); k++) {
        struct gen *g = __atomic_exchange_n(&spare[k], NULL, __ATOMIC_ACQUIRE);
        if (g) {
            return g;
        }
    }
    struct gen *g = malloc(sizeof(*g));
    must(g);
    g->t = NULL;
    g->arch = NULL;
    return g;
}
static void gen_give_back(struct gen *g)
{
    for (unsigned k = 0; k < ARRAY_LEN(spare); k++) {
        struct gen *none = NULL;
        if (__atomic_compare_exchange_n(&spare[k], &none, g, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            return;
        }
    }
    free(g);
}

bool gen_compile(const struct host_arch *a, struct ir *ir, const struct gen_config *cfg, struct gen_out *out)
{
    must(((uintptr_t)out->rx & 15) == 0 && ((uintptr_t)out->rw & 15) == 0);
    if (out->cap < 4 * AREA_SLACK) {
        return false;
    }
    struct gen *g = gen_take();
    if (g->t != ir->target || g->arch != a || g->vpins != cfg->thunks->vpins) {
        g->arch = a;
        g->t = ir->target;
        g->vpins = cfg->thunks->vpins;
        pins_make(&g->base, a, g->t, g->vpins);
        entry_state_make(g);
    }
    g->native = a->native == 1 + ir->target->nan;
    g->ir = ir;
    g->cfg = cfg;
    g->out = out;
    areas_init(g);
    flags_in_find(g);
    select_ops(g);
    loop_plan(g);
    ra_init(g);
    bool ok = emit_all(g) && finish(g);
    gen_give_back(g);
    return ok;
}

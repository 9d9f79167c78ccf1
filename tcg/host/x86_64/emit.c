/* The main loop, the two areas code grows in, and the constant pool.
 *
 * Hot code grows from the start of the buffer, cold code from its middle, in the same order and with the allocator's
 * state of the moment. At the end the cold code moves down behind the hot code; places that lead from one into the
 * other, or out of the block, are corrected by the distance. The pool follows. */
#include "tcg/host/x86_64/state.h"

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
    i64 d = (const u8 *)run_addr - (g->out->rx + (at - g->out->rw) + 4);
    must(d == (i32)d);
    i32 rel = (i32)d;
    memcpy(at, &rel, 4);
    if (at >= g->cold_base) {
        fix_add(g, at);
    }
}
void to_cold(struct gen *g)
{
    g->c = &g->cold;
}
void to_hot(struct gen *g)
{
    g->c = &g->hot;
}
void bind_cold(struct gen *g, u8 *at)
{
    x_set_rel(at, g->cold.p);
    if (at < g->cold_base) {
        fix_add(g, at);
    }
}
void back_to_hot(struct gen *g, u8 *hot)
{
    u8 *at = x_jmp(&g->cold);
    x_set_rel(at, hot);
    fix_add(g, at);
}

/* -- constants ---------------------------------------------------------------------------------------------------- */

unsigned pool_u64(struct gen *g, u64 v)
{
    for (unsigned k = 0; k < g->npool; k++) {
        if (g->pool[k] == v) {
            return k;
        }
    }
    if (g->npool == ARRAY_LEN(g->pool)) {
        g->full = true;
        return 0;
    }
    g->pool[g->npool] = v;
    return g->npool++;
}
unsigned pool_v128(struct gen *g, u64 lo, u64 hi)
{
    for (unsigned k = 0; k + 1 < g->npool; k += 2) {
        if (g->pool[k] == lo && g->pool[k + 1] == hi) {
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
void pool_use(struct gen *g, unsigned index, unsigned imm_bytes)
{
    must(g->npool_ref < ARRAY_LEN(g->pool_ref));
    g->pool_ref[g->npool_ref].at = (u32)(g->c->p - imm_bytes - 4 - g->out->rw);
    g->pool_ref[g->npool_ref++].index = (u16)index;
}
void table_use(struct gen *g, unsigned off, unsigned imm_bytes)
{
    u8 *at = g->c->p - imm_bytes - 4;
    const u8 *to = (const u8 *)g->cfg->thunks->slow[TH_TABLE] + off;
    jump_abs(g, at, to - imm_bytes);
}

/* -- the main loop ----------------------------------------------------------------------------------------------- */

static void emit_op(struct gen *g, struct xop *x)
{
    const struct row *row = &rows[x->op];
    emit_fn *f = x->type == IR_V128 && row->emit_v ? row->emit_v : row->emit;
    if (!f) {
        fprintf(stderr, "moss: x86_64: no emitter for %s.%s\n", ir_ops[x->op].name, ir_type_names[x->type]);
        must(!"an emitter for every op");
    }
    g->ef_next = (struct eflags){0};
    f(g, x);
    if (!row->keeps_flags) {
        g->ef = g->ef_next;
    }
}

static bool emit_all(struct gen *g)
{
    control_entry(g);
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
    control_stale(g);
    return g->hot.p <= g->hot_end && g->cold.p <= g->cold_end && !g->full;
}

static void add_rel(u8 *at, i32 d)
{
    i32 v;
    memcpy(&v, at, 4);
    v += d;
    memcpy(at, &v, 4);
}

/* Brings the areas together. */
static bool finish(struct gen *g)
{
    struct gen_out *out = g->out;
    x_nops(&g->hot, (unsigned)(-(uintptr_t)g->hot.p & 15));
    u32 cold_off = (u32)(g->cold_base - out->rw), cold_len = (u32)(g->cold.p - g->cold_base);
    u32 hot_len = (u32)(g->hot.p - out->rw), delta = cold_off - hot_len;
    u32 pool_off = (u32)align_up(hot_len + cold_len, 16);
    if (pool_off + g->npool * 8 > out->cap) {
        return false;
    }
    for (unsigned k = 0; k < g->nfix; k++) {
        add_rel(out->rw + (g->fix[k] >> 1), g->fix[k] & 1 ? -(i32)delta : (i32)delta);
    }
    for (unsigned k = 0; k < g->npool_ref; k++) {
        u32 at = g->pool_ref[k].at, final = at >= cold_off ? at - delta : at;
        add_rel(out->rw + at, (i32)(pool_off + g->pool_ref[k].index * 8u) - (i32)(final + 4));
    }
    memmove(out->rw + hot_len, g->cold_base, cold_len);
    memcpy(out->rw + pool_off, g->pool, g->npool * 8);
    for (unsigned k = 0; k < out->nexits; k++) {
        struct gen_exit *e = &out->exits[k];
        e->patch_off -= e->patch_off >= cold_off ? delta : 0;
        e->stub_off -= e->stub_off >= cold_off ? delta : 0;
    }
    out->stale_off -= delta;
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
    g->nfix = g->npool = g->npool_ref = g->npoints = 0;
    g->full = false;
    g->ef = (struct eflags){0};
    g->insns_done = g->insn_off = g->insn_len = 0;
    g->last_pc = 0;
    memset(g->share, 0, sizeof(g->share));
    g->next_share = 0;
    out->nexits = 0;
    out->map_len = 0;
}

/* Too big for a stack; made once a thread, never cleared. */
static struct gen *gen_of_thread(void)
{
    static _Thread_local struct gen *g;
    if (!g) {
        g = malloc(sizeof(*g));
        must(g);
        g->t = NULL;
    }
    return g;
}

static bool x_compile(struct ir *ir, const struct gen_config *cfg, struct gen_out *out)
{
    must(((uintptr_t)out->rx & 15) == 0 && ((uintptr_t)out->rw & 15) == 0);
    if (out->cap < 4 * AREA_SLACK) {
        return false;
    }
    struct gen *g = gen_of_thread();
    if (g->t != ir->target) {
        g->t = ir->target;
        pins_make(&g->base, g->t);
    }
    g->ir = ir;
    g->cfg = cfg;
    g->out = out;
    areas_init(g);
    select_ops(g);
    loop_plan(g);
    ra_init(g);
    return emit_all(g) && finish(g);
}

const struct host host_x86_64 = {
    .name = "x86_64",
    .unavailable = x_unavailable,
    .make_thunks = x_make_thunks,
    .compile = x_compile,
    .patch_jump = x_patch_jump,
    .patch_entry = x_patch_entry,
    .restore = deopt_restore,
    .disas = x_disas,
};

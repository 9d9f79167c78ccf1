/* The deopt map: for each place that may fault, which guest instruction it belongs to and where each slot is.
 *
 *      u16 points (and MAP_VPINS); u32 code_off[points];
 *      then a point after the other:  u16 insn_off, u8 refund, u8 n, n x { u8 slot, place }
 *
 * A slot that is not listed is where block boundaries want it: its pinned register, or its home. Places are listed
 * below; registers are as a slow-path thunk saved them. Constants are in LEB128. */
#include "tcg/host/state_priv.h"

#define MAP_VPINS (1u << 15) /* with the number of points: host_thunks.vpins */
_Static_assert(IR_MAX_OPS < MAP_VPINS, "numbers of points have 15 bits");
#define POINT_HOT (1u << 31) /* in gen.point: in hot code, which does not move */

enum place {
    /* below NREGS: registers */
    PL_CONST = NREGS, /* value */
    PL_VECTOR,        /* 16 bytes */
    PL_MEM,           /* u8: LOC_* */
    PL_RECIPE,        /* u8 recipe, u8 sub, u32 imm, place, place: b is absent when the recipe needs none */
    PL_PC,            /* LEB128: offset from rt.page */
    PL_NONE,
};

/* -- writing ----------------------------------------------------------------------------------------------------- */

static void put(struct gen *g, const void *p, unsigned n)
{
    struct gen_out *out = g->out;
    if (out->map_len + n > out->map_cap) {
        g->full = true;
        return;
    }
    memcpy(out->map + out->map_len, p, n);
    out->map_len += n;
}
static void put_u8(struct gen *g, unsigned v)
{
    u8 b = (u8)v;
    put(g, &b, 1);
}
static void put_leb(struct gen *g, u64 v)
{
    while (v >= 0x80) {
        put_u8(g, (unsigned)(v & 0x7f) | 0x80);
        v >>= 7;
    }
    put_u8(g, (unsigned)v);
}

static void put_place(struct gen *g, ir_ref r, unsigned type)
{
    if (ir_is_const(r)) {
        if (type == IR_V128) {
            put_u8(g, PL_VECTOR);
            put(g, &g->ir->consts[r & ~IR_CONST], 16);
        } else {
            put_u8(g, PL_CONST);
            put_leb(g, const_of(g, r));
        }
        return;
    }
    const struct val *v = &g->vals[r];
    if (v->reg != NOREG) {
        put_u8(g, v->reg);
    } else if (v->mem) {
        put_u8(g, PL_MEM);
        put_u8(g, v->mem);
    } else if (ref_is_pc(g, r)) {
        put_u8(g, PL_PC);
        put_leb(g, g->x[r].imm);
    } else {
        must(ref_is_recipe(g, r));
        const struct xop *x = &g->x[r];
        put_u8(g, PL_RECIPE);
        put_u8(g, x->rk);
        put_u8(g, x->sub);
        put(g, &x->imm, 4);
        unsigned t = x->rk == RK_MIX ? (unsigned)IR_FLAGS : (u8)x->imm;
        put_place(g, x->c, t);
        if (x->d) {
            put_place(g, x->d, t);
        } else {
            put_u8(g, PL_NONE);
        }
    }
}

void deopt_point(struct gen *g)
{
    u16 off = (u16)g->insn_off;
    put(g, &off, 2);
    put_u8(g, g->cfg->count ? MIN(g->ir->ninsns - g->insns_done + 1, 255) : 0);
    u32 at = g->out->map_len;
    unsigned n = 0;
    put_u8(g, 0);
    FOR_TOUCHED(g, s)
    {
        if (slot_is_canon(g, (unsigned)s, &g->base)) {
            continue;
        }
        n++;
        put_u8(g, (unsigned)s);
        if (g->cur[s] == 0) {
            put_u8(g, PL_MEM);
            put_u8(g, LOC_HOME + (unsigned)s);
        } else {
            put_place(g, g->cur[s], g->t->slots[s].type);
        }
    }
    if (!g->full) {
        g->out->map[at] = (u8)n;
    }
}

void deopt_here(struct gen *g)
{
    must(g->npoints < ARRAY_LEN(g->point));
    g->point[g->npoints++] = (u32)(g->c->p - g->out->rw) | (g->c == &g->hot ? POINT_HOT : 0);
}

bool deopt_finish(struct gen *g, i32 cold_delta)
{
    struct gen_out *out = g->out;
    u32 head = 2 + 4 * g->npoints;
    if (g->full || out->map_len + head > out->map_cap) {
        return false;
    }
    memmove(out->map + head, out->map, out->map_len);
    out->map_len += head;
    st16le(out->map, (u16)(g->npoints | (g->vpins ? MAP_VPINS : 0)));
    for (unsigned k = 0; k < g->npoints; k++) {
        u32 at = g->point[k];
        st32le(out->map + 2 + 4 * k, at & POINT_HOT ? at & ~POINT_HOT : at - (u32)cold_delta);
    }
    return true;
}

/* -- reading ----------------------------------------------------------------------------------------------------- */

struct reader {
    const u8 *p;
    const struct ir_target *t;
    const struct rt *rt; /* NULL: decode only */
};

static u64 get_leb(struct reader *r)
{
    u64 v = 0;
    for (unsigned n = 0;; n += 7) {
        u8 b = *r->p++;
        v |= (u64)(b & 0x7f) << n;
        if (b < 0x80) {
            return v;
        }
    }
}

static const u8 slot_bytes[IR_TYPES] = {0, 4, 8, 2, 4, 8, 16, 4};
static void *slot_home(const struct ir_target *t, const struct rt *rt, unsigned s)
{
    return (u8 *)(uintptr_t)rt + t->slots[s].off;
}
static void get_mem(const struct reader *r, unsigned loc, union v128 *v)
{
    if (loc >= LOC_VSPILL) {
        *v = r->rt->vspill[loc - LOC_VSPILL];
    } else if (loc >= LOC_SPILL) {
        v->d[0] = r->rt->spill[loc - LOC_SPILL];
    } else {
        const struct ir_slot *s = &r->t->slots[loc - LOC_HOME];
        memcpy(v, slot_home(r->t, r->rt, loc - LOC_HOME), slot_bytes[s->type]);
    }
}

static bool get_place(struct reader *r, union v128 *v);

static void get_recipe(struct reader *r, union v128 *v)
{
    unsigned rk = r->p[0], sub = r->p[1];
    u32 imm = ld32le(r->p + 2);
    r->p += 6;
    union v128 a = {.d = {0}}, b = {.d = {0}};
    get_place(r, &a);
    if (!get_place(r, &b)) {
        b = a;
    }
    if (r->rt) {
        v->d[0] = rk == RK_OFFSET ? a.d[0] + b.d[0] : flags_of(rk, sub, imm, a.d[0], b.d[0]);
    }
}

/* False: no place. */
static bool get_place(struct reader *r, union v128 *v)
{
    unsigned pl = *r->p++;
    switch (pl) {
    case PL_CONST:
        v->d[0] = get_leb(r);
        return true;
    case PL_VECTOR:
        memcpy(v, r->p, 16);
        r->p += 16;
        return true;
    case PL_MEM:
        if (r->rt) {
            get_mem(r, *r->p, v);
        }
        r->p++;
        return true;
    case PL_RECIPE:
        get_recipe(r, v);
        return true;
    case PL_PC: {
        i32 off = (i32)get_leb(r);
        v->d[0] = r->rt ? r->rt->page + (u64)(i64)off : 0;
        return true;
    }
    case PL_NONE:
        return false;
    }
    must(pl < NREGS);
    if (r->rt && pl >= VREG) {
        *v = r->rt->save_vec[pl - VREG];
    } else if (r->rt) {
        v->d[0] = r->rt->save_gpr[pl];
    }
    return true;
}

static void write_slot(const struct ir_target *t, struct rt *rt, unsigned s, const union v128 *v)
{
    memcpy(slot_home(t, rt, s), v, slot_bytes[t->slots[s].type]);
}

static void skip_point(struct reader *r)
{
    union v128 v;
    unsigned n = r->p[3];
    r->p += 4;
    while (n--) {
        r->p++;
        get_place(r, &v);
    }
}

/* The last point at or before code_off: a return address lies on it, an instruction that faulted may lie behind. */
static unsigned find_point(const u8 *map, unsigned n, u32 code_off)
{
    unsigned best = n;
    for (unsigned k = 0; k < n; k++) {
        u32 at = ld32le(map + 2 + 4 * k);
        if (at <= code_off && (best == n || at > ld32le(map + 2 + 4 * best))) {
            best = k;
        }
    }
    must(best < n);
    return best;
}

/* All values are read before any is written: homes are sources too. */
static void restore_point(struct reader *r, const struct host_arch *a, bool vpins, struct rt *rt)
{
    struct {
        u8 slot;
        union v128 v;
    } w[IR_MAX_SLOTS];
    struct pins pins;
    pins_make(&pins, a, r->t, vpins);
    unsigned n = r->p[3];
    rt->countdown += r->p[2];
    r->p += 4;
    r->rt = rt;
    for (unsigned k = 0; k < n; k++) {
        w[k].slot = *r->p++;
        w[k].v = (union v128){.d = {0, 0}};
        get_place(r, &w[k].v);
        pins.reg_of[w[k].slot] = NOREG;
    }
    for (unsigned k = 0; k < pins.n; k++) {
        unsigned reg = pins.reg[k];
        if (pins.reg_of[pins.slot[k]] != NOREG) {
            union v128 v = {.d = {reg < VREG ? rt->save_gpr[reg] : 0, 0}};
            write_slot(r->t, rt, pins.slot[k], reg < VREG ? &v : &rt->save_vec[reg - VREG]);
        }
    }
    for (unsigned k = 0; k < n; k++) {
        write_slot(r->t, rt, w[k].slot, &w[k].v);
    }
}

u32 deopt_restore(const struct host_arch *a, const struct ir_target *t, const u8 *map, u32 code_off, struct vcpu *cpu)
{
    unsigned n = ld16le(map) & ~MAP_VPINS, k = find_point(map, n, code_off);
    struct reader r = {.p = map + 2 + 4 * n, .t = t};
    while (k--) {
        skip_point(&r);
    }
    u32 insn_off = ld16le(r.p);
    if (cpu) {
        restore_point(&r, a, ld16le(map) & MAP_VPINS, (struct rt *)(void *)cpu);
    }
    return insn_off;
}

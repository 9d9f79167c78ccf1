/* Registers: one forward walk, furthest next use leaves first.
 *
 * Nothing is freed explicitly: a register whose value is dead (val_dead, val_gone) counts as free when one is looked
 * for. Before an op's fault point or exit only registers whose values are gone may be overwritten; its result, written
 * behind that point, may also take those of values that end there. Loads, stores and moves made here leave the host's
 * flags. */
#include "tcg/host/gen_priv.h"

static void pin(struct pins *p, unsigned slot, unsigned reg)
{
    p->slot[p->n] = (u8)slot;
    p->reg[p->n++] = (u8)reg;
    p->reg_of[slot] = (u8)reg;
    p->mask |= RBIT(reg);
}
void pins_make(struct pins *p, const struct host_arch *a, const struct ir_target *t, bool vpins)
{
    p->target = t;
    p->n = 0;
    p->mask = 0;
    memset(p->reg_of, NOREG, sizeof(p->reg_of));
    for (unsigned k = 0; k < MIN(t->npins, a->npins); k++) {
        pin(p, t->pins[k], a->pin[k]);
    }
    for (unsigned k = 0; vpins && k < MIN(t->nvpins, a->nvpins); k++) {
        pin(p, t->vpins[k], a->pin[a->npins + k]);
    }
}

static inline void touch(struct gen *g, unsigned s)
{
    g->touched.w[s / 64] |= 1ull << s % 64;
}

void entry_state_make(struct gen *g)
{
    struct entry_state *n = &g->entry;
    memset(n, 0, sizeof(*n));
    for (unsigned s = 0; s < g->t->nslots; s++) {
        ir_ref e = (ir_ref)(REF_ENTRY + s);
        struct val *v = &n->vals[s];
        *v = (struct val){.next = NOUSE, .hold = HOLD_ENTRY, .reg = g->base.reg_of[s], .slot = (u8)s, .hint = NOSLOT};
        v->type = g->t->slots[s].type;
        n->tail[s] = &g->vals[e].next;
        n->cur[s] = e;
        if (v->reg == NOREG) {
            n->home[s] = e;
            v->mem = (u8)(LOC_HOME + s);
        } else {
            n->reg_val[v->reg] = e;
            n->occupied |= RBIT(v->reg);
        }
    }
}

void ra_init(struct gen *g)
{
    unsigned n = g->t->nslots;
    memcpy(g->reg_val, g->entry.reg_val, sizeof(g->reg_val));
    memcpy(g->cur, g->entry.cur, n * sizeof(g->cur[0]));
    memcpy(g->home, g->entry.home, n * sizeof(g->home[0]));
    g->occupied = g->entry.occupied;
    g->lock = 0;
    g->touched = (struct slot_set){{0}};
    g->spill_used = g->vspill_used = 0;
}

static inline void operand(struct gen *g, ir_ref r, unsigned next)
{
    if (next != g->i) {
        g->vals[r].next = (u16)next;
    }
    g->vals[r].used = (u16)g->i;
    if (g->vals[r].reg != NOREG) {
        g->lock |= RBIT(g->vals[r].reg);
    }
}

void ra_begin(struct gen *g, struct xop *x)
{
    const u16 arg[4] = {x->a, x->b, x->c, x->d};
    g->lock = 0;
    for (unsigned k = 0; k < x->nargs; k++) {
        if (!ir_is_const(arg[k]) && arg[k]) {
            operand(g, arg[k], x->nu[k]);
        }
    }
    for (unsigned k = 0; k < x->nextra; k++) {
        operand(g, g->extra[x->extra + k].ref, g->extra[x->extra + k].nu);
    }
}

/* -- memory ---------------------------------------------------------------------------------------------------- */

i32 loc_off(const struct gen *g, unsigned loc)
{
    if (loc >= LOC_VSPILL) {
        return RT_OFF_AT(vspill, loc - LOC_VSPILL);
    }
    return loc >= LOC_SPILL ? RT_OFF_AT(spill, loc - LOC_SPILL) : slot_off(g, loc - LOC_HOME);
}

static unsigned spill_alloc(struct gen *g, ir_ref r, bool vec)
{
    ir_ref *who = vec ? g->vspill_val : g->spill_val;
    u64 *used = vec ? &g->vspill_used : &g->spill_used;
    unsigned n = vec ? ARRAY_LEN(g->vspill_val) : ARRAY_LEN(g->spill_val), base = vec ? LOC_VSPILL : LOC_SPILL;
    for (unsigned k = 0; k < n; k++) {
        if (!bit(*used, k) || val_gone(g, who[k]) || g->vals[who[k]].mem != base + k) {
            *used |= 1ull << k;
            who[k] = r;
            return base + k;
        }
    }
    must(!"spill places enough");
}

unsigned ra_spill_place(struct gen *g, ir_ref r)
{
    return spill_alloc(g, r, true);
}

/* The slot's home can hold the whole value, and nothing else lives there. */
static bool home_is_free(const struct gen *g, unsigned s, ir_ref r)
{
    unsigned st = g->t->slots[s].type, vt = g->vals[r].type;
    if (st != vt && !(st == IR_I64 && vt == IR_I32)) {
        return false;
    }
    ir_ref old = g->home[s];
    return !old || ir_is_const(old) || old == r || val_gone(g, old) || g->vals[old].reg != NOREG ||
           g->vals[old].mem != LOC_HOME + s;
}

/* The home of s holds r from now on. */
static void set_home(struct gen *g, unsigned s, ir_ref r)
{
    ir_ref old = g->home[s];
    if (old && !ir_is_const(old) && old != r && g->vals[old].mem == LOC_HOME + s) {
        g->vals[old].mem = LOC_NONE;
    }
    g->home[s] = r;
}

void ra_evict(struct gen *g, unsigned reg)
{
    ir_ref r = g->reg_val[reg];
    g->reg_val[reg] = 0;
    g->occupied &= ~RBIT(reg);
    if (r >= REF_SHARE) {
        share_evict(g, r - REF_SHARE);
        return;
    }
    if (ir_is_const(r)) {
        return;
    }
    struct val *v = &g->vals[r];
    v->reg = NOREG;
    if (r >= REF_ENTRY) {
        touch(g, r - REF_ENTRY);
    }
    if (v->mem) {
        return;
    }
    unsigned s = v->slot;
    if (s != NOSLOT && g->cur[s] == r && home_is_free(g, s, r)) {
        set_home(g, s, r);
        v->mem = (u8)(LOC_HOME + s);
        g->arch->store(g->c, g->t->slots[s].type, slot_off(g, s), reg);
    } else {
        bool vec = reg >= VREG;
        v->mem = (u8)spill_alloc(g, r, vec);
        g->arch->store(g->c, vec ? IR_V128 : IR_I64, loc_off(g, v->mem), reg);
    }
}

void ra_flush(struct gen *g, u64 regs)
{
    for (u64 m = g->occupied & regs; m; m &= m - 1) {
        unsigned reg = ctz64(m);
        ir_ref r = g->reg_val[reg];
        if (!ir_is_const(r) && val_dead(g, r)) {
            g->vals[r].reg = NOREG;
            g->reg_val[reg] = 0;
            g->occupied &= ~RBIT(reg);
        } else {
            ra_evict(g, reg);
        }
    }
}

void ra_rescue_home(struct gen *g, unsigned s)
{
    ir_ref r = g->home[s];
    if (!r || ir_is_const(r) || val_gone(g, r) || g->vals[r].reg != NOREG || g->vals[r].mem != LOC_HOME + s) {
        return;
    }
    struct val *v = &g->vals[r];
    bool vec = type_is_vec(v->type);
    unsigned loc = spill_alloc(g, r, vec);
    const struct host_arch *a = g->arch;
    unsigned tmp = vec ? a->vtmp : a->tmp, from = vec ? IR_V128 : g->t->slots[s].type == IR_I64 ? IR_I64 : IR_I32;
    a->load(g->c, from, tmp, slot_off(g, s));
    a->store(g->c, vec ? IR_V128 : IR_I64, loc_off(g, loc), tmp);
    v->mem = (u8)loc;
}

void ra_lose_home(struct gen *g, unsigned s)
{
    ra_rescue_home(g, s);
    set_home(g, s, 0);
}

static void store_const(struct gen *g, unsigned s, ir_ref r)
{
    unsigned t = g->t->slots[s].type;
    if (t == IR_V128) {
        ra_load(g, g->arch->vtmp, r, IR_V128);
        g->arch->store(g->c, IR_V128, slot_off(g, s), g->arch->vtmp);
    } else {
        g->arch->store_imm(g->c, t == IR_I64 || t == IR_F64, slot_off(g, s), const_of(g, r));
    }
}

void ra_copy_home(struct gen *g, unsigned s)
{
    ir_ref r = g->cur[s];
    unsigned t = g->t->slots[s].type;
    if (ir_is_const(r)) {
        store_const(g, s, r);
        return;
    }
    const struct val *v = &g->vals[r];
    const struct host_arch *a = g->arch;
    if (v->reg != NOREG) {
        a->store(g->c, t, slot_off(g, s), v->reg);
    } else if (ref_is_pc(g, r) && !v->mem) {
        ra_load(g, a->tmp, r, IR_I64);
        a->store(g->c, t, slot_off(g, s), a->tmp);
    } else if (ref_is_recipe(g, r) && !v->mem) {
        a->flags_pack(g, r);
        a->store(g->c, IR_I32, slot_off(g, s), a->tmp);
    } else if (type_is_vec(t)) {
        a->load(g->c, IR_V128, a->vtmp, loc_off(g, v->mem));
        a->store(g->c, t, slot_off(g, s), a->vtmp);
    } else {
        a->load(g->c, is_w(v->type) ? IR_I64 : IR_I32, a->tmp, loc_off(g, v->mem));
        a->store(g->c, t, slot_off(g, s), a->tmp);
    }
}

void ra_store_home(struct gen *g, unsigned s)
{
    ir_ref r = g->cur[s];
    if (r == 0 || g->home[s] == r) {
        return;
    }
    ra_rescue_home(g, s);
    ra_copy_home(g, s);
    if (ir_is_const(r)) {
        set_home(g, s, 0);
        g->cur[s] = 0;
        touch(g, s);
        return;
    }
    set_home(g, s, r);
    unsigned st = g->t->slots[s].type, vt = g->vals[r].type;
    if (!g->vals[r].mem && (st == vt || (st == IR_I64 && vt == IR_I32))) {
        g->vals[r].mem = (u8)(LOC_HOME + s);
    }
}

/* -- registers ----------------------------------------------------------------------------------------------------- */

/* A value with a copy in memory is lost more cheaply than the result of a probe. */
enum { SCORE_SHARE = 60 };
/* How little it costs to lose this register. */
static unsigned evict_score(const struct gen *g, ir_ref r)
{
    if (r >= REF_SHARE) {
        return g->share[r - REF_SHARE].last > g->i ? SCORE_SHARE : 0x20000;
    }
    if (ir_is_const(r)) {
        return 0x20000;
    }
    const struct val *v = &g->vals[r];
    unsigned far = v->next == NOUSE ? 512 : MIN(v->next - g->i, 512);
    bool pinned = v->slot != NOSLOT && g->pins.reg_of[v->slot] == v->reg && g->cur[v->slot] == r;
    if (v->mem) {
        far += 64;
    } else if (v->next == NOUSE && !pinned) {
        far += 256; /* the store is due anyway */
    }
    return far;
}

/* Empty registers among cand, and those whose values end before (early) or with this op. */
static u64 free_regs(const struct gen *g, u64 cand, bool early)
{
    u64 f = cand & ~g->occupied;
    for (u64 m = cand & g->occupied; m; m &= m - 1) {
        unsigned reg = ctz64(m);
        ir_ref r = g->reg_val[reg];
        if (!ir_is_const(r) && (early ? val_gone(g, r) : val_dead(g, r))) {
            f |= RBIT(reg);
        }
    }
    return f;
}

u64 ra_free(const struct gen *g, u64 cand)
{
    return free_regs(g, cand, false);
}

static unsigned evict_one(struct gen *g, u64 cand)
{
    unsigned best = NOREG, score = 0;
    for (u64 m = cand; m; m &= m - 1) {
        unsigned reg = ctz64(m), s = evict_score(g, g->reg_val[reg]);
        if (best == NOREG || s > score) {
            best = reg;
            score = s;
        }
    }
    must(best != NOREG);
    ra_evict(g, best);
    return best;
}

static unsigned choose(struct gen *g, u64 f)
{
    u64 m = f & ~g->pins.mask;
    return ctz64(m ? m : f);
}

static unsigned pick_early(struct gen *g, u64 from)
{
    u64 cand = from & ~g->lock, f = free_regs(g, cand, true);
    return f ? choose(g, f) : evict_one(g, cand);
}

unsigned ra_pick(struct gen *g, ir_ref r, u64 allow)
{
    u64 cand = g->arch->alloc[type_is_vec(g->vals[r].type)] & (~g->lock | allow);
    u64 f = free_regs(g, cand, false);
    unsigned slot = g->vals[r].hint, hint = slot == NOSLOT ? (unsigned)NOREG : g->pins.reg_of[slot];
    if (hint != NOREG && (f & RBIT(hint))) {
        return hint;
    }
    if (f & allow) {
        return ctz64(f & allow);
    }
    return f ? choose(g, f) : evict_one(g, cand);
}

void ra_bind(struct gen *g, ir_ref r, unsigned reg)
{
    ir_ref old = g->reg_val[reg];
    if (old && old != r && !ir_is_const(old) && g->vals[old].reg == reg) {
        g->vals[old].reg = NOREG;
    }
    g->reg_val[reg] = r;
    g->occupied |= RBIT(reg);
    g->lock |= RBIT(reg);
    if (!ir_is_const(r)) {
        g->vals[r].reg = (u8)reg;
    }
}

void ra_forget(struct gen *g, unsigned reg)
{
    ir_ref old = g->reg_val[reg];
    if (old && !ir_is_const(old) && g->vals[old].reg == reg) {
        g->vals[old].reg = NOREG;
    }
    g->reg_val[reg] = 0;
    g->occupied &= ~RBIT(reg);
}

unsigned ra_dst(struct gen *g, u64 allow)
{
    unsigned reg = ra_pick(g, (ir_ref)g->i, allow);
    ra_bind(g, (ir_ref)g->i, reg);
    return reg;
}

u64 ra_dying(const struct gen *g, ir_ref r)
{
    if (ir_is_const(r) || g->vals[r].reg == NOREG || !val_dead(g, r)) {
        return 0;
    }
    return RBIT(g->vals[r].reg);
}

unsigned ra_temp(struct gen *g, u64 from)
{
    unsigned reg = pick_early(g, from);
    ra_forget(g, reg);
    g->lock |= RBIT(reg);
    return reg;
}

void ra_load(struct gen *g, unsigned reg, ir_ref r, unsigned type)
{
    bool k = ir_is_const(r);
    if (k && reg < VREG) {
        g->arch->mov_imm(g->c, reg, type == IR_I64 ? const_of(g, r) : (u32)const_of(g, r));
    } else if (k) {
        g->arch->load_const(g, reg, r, type);
    } else if (ref_is_pc(g, r) && !g->vals[r].mem) {
        g->arch->load(g->c, IR_I64, reg, RT_OFF(page));
        g->arch->add_imm(g->c, reg, reg, (i32)g->x[r].imm);
    } else {
        unsigned t = g->vals[r].mem >= LOC_VSPILL ? IR_V128 : g->vals[r].type;
        t = reg >= VREG || t == IR_I64 ? t : IR_I32;
        g->arch->load(g->c, t, reg, loc_off(g, g->vals[r].mem));
    }
}

static unsigned const_reg(struct gen *g, ir_ref r, unsigned type)
{
    u64 from = g->arch->alloc[type_is_vec(type)];
    for (u64 m = g->occupied & from; m; m &= m - 1) {
        unsigned reg = ctz64(m);
        if (g->reg_val[reg] == r && g->const_type[reg] == type) {
            g->lock |= RBIT(reg);
            return reg;
        }
    }
    unsigned reg = pick_early(g, from);
    ra_load(g, reg, r, type);
    ra_bind(g, r, reg);
    g->const_type[reg] = (u8)type;
    return reg;
}

unsigned ra_src(struct gen *g, ir_ref r, unsigned type)
{
    if (ir_is_const(r)) {
        return const_reg(g, r, type);
    }
    struct val *v = &g->vals[r];
    if (v->reg == NOREG) {
        must(v->mem);
        unsigned reg = pick_early(g, g->arch->alloc[type_is_vec(v->type)]);
        ra_load(g, reg, r, type);
        ra_bind(g, r, reg);
    }
    g->lock |= RBIT(v->reg);
    return v->reg;
}

/* Flags that nobody reads on the other side of a jump (docs/decisions/flags.md).
 *
 * Where a jump leads to code that overwrites the flags before anything but a fault can see them, they are not packed.
 * Their home gets a note: by which recipe, of which slots they are made. Whoever leaves translated code has the note
 * turned into flags (host->settle); a fault does so once the slots are home.
 *
 * A note is told from packed flags by FL_LAZY:
 *
 *      31:29 recipe   28:26 type (note_type)   25 FL_INV   24 b is the number 16:14 12:0, else a slot   23:17 slot of a
 * 13 FL_LAZY
 *
 * Only slots of one kind of flags are treated so: ir_target.flags names it. */
#include "tcg/eval.h"
#include "tcg/host/state_priv.h"
#include "tcg/ops_priv.h"

enum { NOTE_CONST = 1 << 24, NOTE_B_LOW = 0x1fff };

/* -- what a trace does with the flags it finds ------------------------------------------------------------------------
 */

static u64 slot_mask(unsigned s)
{
    return 1ull << s % 64;
}

void flags_in_find(struct gen *g)
{
    const struct ir *ir = g->ir;
    struct flags_in *f = &g->out->flags_in;
    u64 put = 0;
    *f = (struct flags_in){.dead = false};
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        if (op->op == IR_put && op->imm == ir->target->flags) {
            f->dead = true;
            return;
        }
        if (op->op == IR_put) {
            put |= slot_mask(op->imm);
        } else if (op->op == IR_call) {
            if (call_settles(g, op->imm)) {
                return;
            }
            if (ir->target->helpers[op->imm].flags & HF_FAULT) {
                f->seen = true;
                f->written |= put;
            }
        } else if ((op->op == IR_get && op->imm == ir->target->flags) || op->op == IR_exitcc || op->op == IR_exitf ||
                   (ir_ops[op->op].flags & OPF_END)) {
            return;
        } else if (ir_ops[op->op].flags & OPF_FAULT) {
            f->seen = true;
            f->written |= put;
        }
    }
}

bool flags_in_allow(const struct flags_in *f, const u8 slot[2])
{
    return f->dead && !(f->written & (slot_mask(slot[0]) | slot_mask(slot[1])));
}

/* -- writing notes ----------------------------------------------------------------------------------------------------
 */

/* The widths take the places of the types that no comparison has. */
_Static_assert(IR_V128 == 6 && IR_FLAGS == 7 && IR_I16 == IR_I8 + 1 && RK_ADD_DB == 7, "three bits each");
static unsigned note_type(unsigned type)
{
    return type >= IR_I8 ? type - IR_I8 + IR_V128 : type;
}
static unsigned type_of_note(u32 note)
{
    unsigned t = note >> 26 & 7;
    return t >= IR_V128 ? t - IR_V128 + IR_I8 : t;
}

/* A slot that holds r, and of which C will read all of it that an operand of `type` has. */
static bool slot_of(const struct gen *g, ir_ref r, unsigned type, u8 *slot)
{
    if (ir_is_const(r) || r == 0) {
        return false;
    }
    unsigned s = g->vals[r].slot;
    if (s == NOSLOT || g->cur[s] != r) {
        return false;
    }
    unsigned st = g->t->slots[s].type;
    *slot = (u8)s;
    return type_is_vec(type) ? type_is_vec(st) : st == IR_I64 || (st == IR_I32 && type != IR_I64);
}

static u32 lazy_note(const struct gen *g, u8 slot[2])
{
    ir_ref f = g->cur[g->t->flags];
    if (!ref_is_recipe(g, f) || g->vals[f].reg != NOREG || g->vals[f].mem) {
        return 0;
    }
    const struct xop *x = &g->x[f];
    unsigned type = (u8)x->imm;
    if (x->rk > RK_ADD_DB || !slot_of(g, x->c, type, &slot[0]) || (x->rk == RK_FCMP && (x->imm & FCMP_ZPC))) {
        return 0;
    }
    u32 note = FL_LAZY | (u32)x->rk << 29 | note_type(type) << 26 | (u32)(x->sub & FL_INV) << 25 | (u32)slot[0] << 17,
        b;
    slot[1] = slot[0];
    if (ir_is_const(x->d) && eval_trunc(type, const_of(g, x->d)) <= 0xffff) {
        note |= NOTE_CONST;
        b = (u32)eval_trunc(type, const_of(g, x->d));
    } else if (x->d == 0 || slot_of(g, x->d, type, &slot[1])) {
        b = slot[1];
    } else {
        return 0;
    }
    return note | (b & ~(u32)NOTE_B_LOW) << 1 | (b & NOTE_B_LOW);
}

static bool flags_are_canon(const struct gen *g, const struct pins *to)
{
    return g->t->slots[g->t->flags].type != IR_FLAGS || slot_is_canon(g, g->t->flags, to);
}

bool lazy_exit(struct gen *g, i32 target)
{
    g->note = 0;
    if (!g->arch->lazy || !can_link(g, target) || flags_are_canon(g, &g->base)) {
        return false;
    }
    const struct flags_in *f = target == (i32)g->ir->start_off ? &g->out->flags_in
                               : g->cfg->flags_in              ? g->cfg->flags_in(g->cfg->ctx, target)
                                                               : NULL;
    u32 note = f ? lazy_note(g, g->note_slot) : 0;
    if (!note || !flags_in_allow(f, g->note_slot)) {
        return false;
    }
    g->note = note;
    return true;
}

bool lazy_loop(struct gen *g)
{
    g->note = 0;
    if (!g->arch->lazy || !g->out->flags_in.dead || flags_are_canon(g, &g->pins)) {
        return false;
    }
    u32 note = lazy_note(g, g->note_slot);
    if (!note || !flags_in_allow(&g->out->flags_in, g->note_slot)) {
        return false;
    }
    g->note = note;
    return true;
}

void lazy_write(struct gen *g)
{
    g->arch->store_imm(g->c, false, slot_off(g, g->t->flags), g->note);
}

/* -- reading them -----------------------------------------------------------------------------------------------------
 */

static u64 slot_read(const struct ir_target *t, const struct vcpu *cpu, unsigned s)
{
    const u8 *p = (const u8 *)cpu + t->slots[s].off;
    return t->slots[s].type == IR_I32 ? ld32le(p) : ld64le(p);
}

void lazy_settle(const struct ir_target *t, struct vcpu *cpu)
{
    u8 *home = (u8 *)cpu + t->slots[t->flags].off;
    u32 note = ld32le(home);
    if (t->slots[t->flags].type != IR_FLAGS || !(note & FL_LAZY)) {
        return;
    }
    u64 b = (note & NOTE_B_LOW) | (note >> 1 & 0xe000);
    b = note & NOTE_CONST ? b : slot_read(t, cpu, (unsigned)b);
    st32le(home,
           flags_of(note >> 29, note >> 25 & FL_INV, type_of_note(note), slot_read(t, cpu, note >> 17 & 0x7f), b));
}

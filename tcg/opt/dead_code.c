/* Dead code and dead puts, in one backward walk; uses are counted on the way.
 *
 * A put is dead when a later put of its slot comes before anything that could see the slot: an exit, an op that may
 * fault (the state it shows is the one before its instruction, and all puts of an instruction come after its faulting
 * ops, so every put above it counts), a call that reads or writes the slot (a call that writes it may write a part, or
 * nothing). Float ops that raise exception flags stay. */
#include "base/bits.h"
#include "tcg/ops_priv.h"
#include "tcg/opt/opt.h"

static void set_add(struct slot_set *s, const struct slot_set *add)
{
    for (unsigned i = 0; i < ARRAY_LEN(s->w); i++) {
        s->w[i] |= add ? add->w[i] : ~0ull;
    }
}

/* Slots that op lets somebody see, as they are before it. */
static void slots_seen(const struct ir *ir, const struct ir_op *op, struct slot_set *live)
{
    if (op->op == IR_get) {
        live->w[op->imm / 64] |= BIT(op->imm % 64);
    } else if (op->op == IR_call) {
        const struct ir_helper *h = op_helper(ir, op);
        if (h->flags & HF_FAULT) {
            set_add(live, NULL);
        }
        if (h->flags & HF_READS) {
            set_add(live, h->reads);
        }
        if (h->flags & HF_WRITES) {
            set_add(live, h->writes);
        }
    } else if (op->op == IR_exitcc || op->op == IR_exitf || (ir_ops[op->op].flags & (OPF_FAULT | OPF_END))) {
        set_add(live, NULL);
    }
}

static bool is_needed(const struct ir *ir, const struct ir_op *op, struct slot_set *live)
{
    switch (op->op) {
    case IR_nop:
        return false;
    case IR_put: {
        u64 *w = &live->w[op->imm / 64], m = BIT(op->imm % 64);
        bool needed = *w & m;
        *w &= ~m;
        return needed;
    }
    case IR_call:
        return op->uses || !(op_helper(ir, op)->flags & HF_PURE);
    default:
        return op->uses || (ir_ops[op->op].flags & (OPF_EFFECT | OPF_FPX));
    }
}

void opt_dead_code(struct ir *ir)
{
    struct slot_set live = {{0}};
    for (unsigned i = 0; i < ir->nops; i++) {
        ir->ops[i].uses = 0;
    }
    for (unsigned i = ir->nops - 1; i > 0; i--) {
        struct ir_op *op = &ir->ops[i];
        if (!is_needed(ir, op, &live)) {
            *op = (struct ir_op){.op = IR_nop};
            continue;
        }
        slots_seen(ir, op, &live);
        for (unsigned k = ir_nargs(ir, op); k-- > 0;) {
            ir_ref r = op_arg_val(op, k);
            if (!ir_is_const(r) && ir->ops[r].uses < 255) {
                ir->ops[r].uses++;
            }
        }
    }
}

/* String instructions (SDM volume 1, 7.3.9). One element is ordinary loads and stores; a repeated one is a helper that
 * does as many as it may before the cpu looks for interrupts again: the instruction then runs once more. */
#include <string.h>

#include "target/i386/x86.h"

static ir_ref index_of(struct x86 *t, unsigned r)
{
    unsigned n = t->in.addrsize;
    ir_ref v = ir_get(t->ir, SLOT_RAX + r);
    return n == 8 ? v : ir_zext(t->ir, IR_I64, v, 8 * n);
}
static unsigned source_seg(const struct x86 *t)
{
    return t->in.seg == SEG_DEFAULT ? SEG_DS : t->in.seg;
}
static ir_ref source(struct x86 *t, unsigned n)
{
    return x86_linear(t, source_seg(t), index_of(t, 6), n, false);
}
static ir_ref destination(struct x86 *t, unsigned n, bool write)
{
    return x86_linear(t, SEG_ES, index_of(t, 7), n, write);
}
static void advance(struct x86 *t, unsigned r, unsigned n)
{
    ir_ref by = ir_mul(t->ir, IR_I64, ir_get(t->ir, SLOT_DF), ir_const(t->ir, n));
    gpr_put(t, r, t->in.addrsize, ir_add(t->ir, IR_I64, ir_get(t->ir, SLOT_RAX + r), by));
}

static bool repeated(struct x86 *t, enum x86_string op, unsigned n)
{
    struct ir *ir = t->ir;
    if (t->in.rep == REP_NONE) {
        return false;
    }
    struct x86_string_key key = {.op = op,
                                 .bytes = n,
                                 .addr_bytes = t->in.addrsize,
                                 .seg = source_seg(t),
                                 .repe = t->in.rep == REP_REP,
                                 .mode64 = t->bits == 64};
    u32 word;
    memcpy(&word, &key, sizeof(word));
    ir_ref again = ir_call(ir, H_string, ir_const(ir, word), 0, 0, 0);
    x86_again(t, again);
    return true;
}

bool tr_movs(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    if (!repeated(t, STRING_MOVS, n)) {
        ir_ref v = x86_load(t, source(t, n), n);
        x86_store(t, destination(t, n, true), v, n);
        advance(t, 6, n);
        advance(t, 7, n);
    }
    return true;
}
bool tr_stos(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    if (!repeated(t, STRING_STOS, n)) {
        x86_store(t, destination(t, n, true), ir_get(t->ir, SLOT_RAX), n);
        advance(t, 7, n);
    }
    return true;
}
bool tr_lods(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    if (!repeated(t, STRING_LODS, n)) {
        gpr_put(t, 0, n, x86_load(t, source(t, n), n));
        advance(t, 6, n);
    }
    return true;
}
bool tr_cmps(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    if (!repeated(t, STRING_CMPS, n)) {
        ir_ref a = x86_load(t, source(t, n), n), b = x86_load(t, destination(t, n, false), n);
        advance(t, 6, n);
        advance(t, 7, n);
        ir_put(t->ir, SLOT_FLAGS, ir_fl_sub(t->ir, flag_type(n), a, b, 0));
    }
    return true;
}
bool tr_scas(struct x86 *t)
{
    unsigned n = opd_bytes(t, 1);
    if (!repeated(t, STRING_SCAS, n)) {
        ir_ref b = x86_load(t, destination(t, n, false), n);
        advance(t, 7, n);
        ir_put(t->ir, SLOT_FLAGS, ir_fl_sub(t->ir, flag_type(n), ir_get(t->ir, SLOT_RAX), b, 0));
    }
    return true;
}

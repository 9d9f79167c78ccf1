/* The x87's common instructions as F80 operations (tcg/ir.h), for a cpu whose exceptions are all masked and of which
 * none is pending. SPEC: SDM volume 1, chapter 8.
 *
 * Registers are slots by their distance from TOP as the trace begins, so that pushes, pops and FXCH are names. Which
 * of them must be empty or not is asked once, by the trace's first such instruction, for all instructions of the
 * trace; when the answer is no, that one goes by the exact unit (EXIT_CARE). FIP follows; FOP and FDP are kept by the
 * exact unit alone, as on processors that update them on exceptions only. */
#include "target/i386/x86.h"

#include "fpu/softfloat.h"

enum { CC = 0x4500, ALL = 0xff, KEEP_C1 = 1 };
_Static_assert((FL_C | FL_P | FL_Z) == CC, "packed flags of a comparison are C0, C2 and C3");

/* -- registers
 * --------------------------------------------------------------------------------------------------------- */

static unsigned number_of(const struct x86 *t, int i)
{
    return (t->x87.turn + (unsigned)i) & 7;
}
/* ST(i) must be as asked; false: it is known not to be. */
static bool is(struct x86 *t, int i, bool empty)
{
    struct x87_trace *s = &t->x87;
    u8 b = (u8)(1u << number_of(t, i));
    if (s->known & b) {
        return !(s->empty & b) == !empty;
    }
    s->known |= b;
    s->asked |= b;
    s->empty |= empty ? b : 0;
    s->wanted |= empty ? b : 0;
    return true;
}
static bool is_full(struct x86 *t, int i)
{
    return is(t, i, false);
}
static void tag_set(struct x86 *t, int i, bool empty)
{
    u8 b = (u8)(1u << number_of(t, i));
    t->x87.known |= b;
    t->x87.empty = (u8)((t->x87.empty & ~b) | (empty ? b : 0));
}
static ir_ref get(struct x86 *t, int i)
{
    return ir_get(t->ir, SLOT_F80 + number_of(t, i));
}
static void put(struct x86 *t, int i, ir_ref v)
{
    tag_set(t, i, false);
    ir_put(t->ir, SLOT_F80 + number_of(t, i), v);
}
static void push(struct x86 *t, ir_ref v)
{
    t->x87.turn = (t->x87.turn - 1) & 7;
    put(t, 0, v);
}
static void pop(struct x86 *t)
{
    tag_set(t, 0, true);
    t->x87.turn = (t->x87.turn + 1) & 7;
}

/* -- the trace
 * ------------------------------------------------------------------------------------------------------------ */

/* Comes first in the instruction. The constants are x87_trace_end's. */
static void begin(struct x86 *t)
{
    struct x87_trace *s = &t->x87;
    struct ir *ir = t->ir;
    if (s->fast) {
        return;
    }
    s->fast = true;
    s->tags = ir_get(ir, SLOT_FTW);
    s->top = ir_get(ir, SLOT_FTOP);
    ir_ref x = ir_xor(ir, IR_I32, s->tags, ir_const(ir, 0x5a));
    s->check = ir_is_const(x) ? 0 : x;
    ir_exitcc_care(ir, CC_TSTNE, IR_I32, x, ir_const(ir, 0xa5), t->off);
    s->exit = (u16)(ir->nops - 1);
    ir_ref page = ir_pc(ir, 0);
    s->page = t->bits == 64 || MODE_BASE(t->mode, SEG_CS) ? page : ir_sub(ir, IR_I64, page, ir_get(ir, SLOT_CS_BASE));
}

void x87_trace_end(struct x86 *t)
{
    struct x87_trace *s = &t->x87;
    struct ir *ir = t->ir;
    if (!s->check || ir->full) {
        return;
    }
    ir->ops[s->check].b = ir_const(ir, s->wanted);
    ir->ops[s->exit].b = ir_const(ir, s->asked);
    if (!s->wanted) {
        ir->ops[s->exit].a = s->tags;
    }
    if (!s->asked) {
        ir->ops[s->exit].op = IR_nop;
    }
}

static u8 turned(u8 v, unsigned n)
{
    return (u8)(v >> n | v << (8 - n));
}
/* Tags as they are now: those that changed, and the others where TOP has taken them. */
static ir_ref tags_now(struct x86 *t)
{
    struct x87_trace *s = &t->x87;
    struct ir *ir = t->ir;
    u8 changed = s->known & (u8)(~s->asked | (s->empty ^ s->wanted));
    unsigned n = s->turn;
    ir_ref v = s->tags;
    if (changed == ALL) {
        return ir_const(ir, turned(s->empty, n));
    }
    if (n) {
        bool low = (u8)~changed & MASK(n), high = (u8)~changed & ~MASK(n); /* which parts count */
        ir_ref down = ir_shri(ir, IR_I32, v, n), up = ir_shli(ir, IR_I32, v, 8 - n);
        v = !low ? down : !high ? up : ir_or(ir, IR_I32, down, up);
    }
    if (n || changed) {
        v = ir_andi(ir, IR_I32, v, (u8)~turned(changed, n));
        v = ir_or(ir, IR_I32, v, ir_const(ir, turned(changed & s->empty, n)));
    }
    return v;
}

/* The instruction's last puts. up: C1, as SLOT_FUP has it. */
static bool done(struct x86 *t, u32 up)
{
    struct ir *ir = t->ir;
    struct x87_trace *s = &t->x87;
    ir_ref top = s->top;
    if (s->turn) {
        top = ir_andi(ir, IR_I32, ir_addi(ir, IR_I32, top, F80_BYTES * s->turn), F80_BYTES * F80_REGS - 1);
    }
    ir_put(ir, SLOT_FTOP, top);
    ir_put(ir, SLOT_FTW, tags_now(t));
    if (up != KEEP_C1) {
        ir_put(ir, SLOT_FUP, ir_const(ir, up));
    }
    ir_put(ir, SLOT_FIP, s->page);
    ir_put(ir, SLOT_FIPO, ir_const(ir, (u32)t->off));
    return true;
}

/* -- operands in memory
 * ------------------------------------------------------------------------------------------------- */

static unsigned fop_of(const struct x86 *t)
{
    return (t->in.opcode & 7u) << 8 | t->in.mod << 6 | (t->in.reg & 7u) << 3 | (t->in.rm & 7u);
}
static unsigned memory_bytes(const struct x86 *t)
{
    return x87_memory_bytes(fop_of(t));
}
static int sti(const struct x86 *t)
{
    return t->in.rm & 7;
}
static ir_ref load_float(struct x86 *t, enum ir_type *type)
{
    unsigned n = memory_bytes(t);
    *type = n == 4 ? IR_F32 : IR_F64;
    return ir_ld(t->ir, *type, x86_mem(t, n, false), 0, x86_mo(t, n));
}
static ir_ref load_int(struct x86 *t)
{
    unsigned n = memory_bytes(t);
    enum ir_type type = n == 8 ? IR_I64 : IR_I32;
    ir_ref v = ir_ld(t->ir, type, x86_mem(t, n, false), 0, x86_mo(t, n) | (n == 2 ? MO_SIGN : 0));
    return ir_i2f(t->ir, IR_F80, type, 0, v, false);
}
static ir_ref load_whole(struct x86 *t)
{
    ir_ref addr = x86_mem(t, 10, false);
    ir_ref frac = ir_ld(t->ir, IR_I64, addr, 0, x86_mo(t, 8)), se = ir_ld(t->ir, IR_I32, addr, 8, x86_mo(t, 2));
    return ir_fjoin(t->ir, frac, se);
}

/* -- moves
 * ------------------------------------------------------------------------------------------------------------------ */

static bool load(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned fn = t->in.row->fn, k = fop_of(t) & 7;
    ir_ref v;
    if (!is(t, -1, true) || (fn == X86_FN_fld && !is_full(t, sti(t))) ||
        (fn == X86_FN_fldconst && k != 0 && k != 6)) { /* others depend on the rounding mode */
        return false;
    }
    begin(t);
    if (fn == X86_FN_fld) {
        v = get(t, sti(t));
    } else if (fn == X86_FN_fldconst) {
        v = ir_fjoin(ir, ir_const(ir, k ? 0 : 1ull << 63), ir_const(ir, k ? 0 : 0x3fff));
    } else if (fn == X86_FN_fild) {
        v = load_int(t);
    } else if (memory_bytes(t) == 10) {
        v = load_whole(t);
    } else {
        enum ir_type type;
        v = load_float(t, &type);
        v = ir_fcvt(ir, IR_F80, type, 0, v);
    }
    push(t, v);
    return done(t, 0);
}

/* Within a page the second store does not fault where the first did not. */
static void store_whole(struct x86 *t, ir_ref v)
{
    struct ir *ir = t->ir;
    enum { LAST = 4096 - 10 };
    ir_ref addr = x86_mem(t, 10, true), at = ir_andi(ir, IR_I32, addr, 4095);
    ir_exitcc_care(ir, CC_UGT, IR_I32, at, ir_const(ir, LAST), t->off);
    ir_st(ir, addr, 0, ir_ffrac(ir, v), IR_I64, x86_mo(t, 8));
    ir_st(ir, addr, 8, ir_fsexp(ir, v), IR_I32, x86_mo(t, 2));
}

static bool store(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned fn = t->in.row->fn, n = memory_bytes(t);
    bool integer = fn == X86_FN_fist || fn == X86_FN_fistp || fn == X86_FN_fisttp;
    u32 up = F80_UP_LIVE;
    if (!is_full(t, 0) || n == 2) {
        return false;
    }
    begin(t);
    ir_ref v = get(t, 0);
    if (n == 10) {
        store_whole(t, v);
        up = 0;
    } else {
        ir_ref addr = x86_mem(t, n, true);
        enum ir_type type = integer ? (n == 8 ? IR_I64 : IR_I32) : n == 8 ? IR_F64 : IR_F32;
        if (integer) {
            bool chop = fn == X86_FN_fisttp;
            v = ir_f2i(ir, type, IR_F80, 0, v, chop ? FPR_ZERO : FPR_CURRENT, F2I_INDEF);
            up = chop ? 0 : up;
        } else {
            v = ir_fcvt(ir, type, IR_F80, 0, v);
        }
        ir_st(ir, addr, 0, v, type, x86_mo(t, n));
    }
    if (fn != X86_FN_fst_mem && fn != X86_FN_fist) {
        pop(t);
    }
    return done(t, up);
}

static bool move(struct x86 *t)
{
    unsigned fn = t->in.row->fn;
    int i = sti(t);
    if (!is_full(t, 0) || (fn == X86_FN_fxch && !is_full(t, i))) {
        return false;
    }
    begin(t);
    ir_ref a = get(t, 0);
    if (fn == X86_FN_fxch) {
        ir_ref b = get(t, i);
        put(t, i, a);
        put(t, 0, b);
    } else {
        put(t, i, a);
        if (fn == X86_FN_fstp) {
            pop(t);
        }
    }
    return done(t, 0);
}

static bool release(struct x86 *t)
{
    begin(t);
    tag_set(t, sti(t), true);
    if (t->in.row->fn == X86_FN_ffreep) {
        pop(t);
    }
    return done(t, 0);
}

/* -- arithmetic
 * ------------------------------------------------------------------------------------------------------------ */

enum operand { MEMORY_FLOAT, MEMORY_INT, REGISTER };

/* The second operand, of the type in *type. */
static ir_ref second(struct x86 *t, enum operand o, enum ir_type *type)
{
    *type = IR_F80;
    return o == MEMORY_FLOAT ? load_float(t, type) : o == MEMORY_INT ? load_int(t) : get(t, sti(t));
}
static bool arith(struct x86 *t, enum ir_opcode op, bool swap, enum operand o)
{
    bool to_sti = o == REGISTER && (t->in.opcode & 4), pops = to_sti && (t->in.opcode & 2);
    enum ir_type type;
    if (!is_full(t, 0) || (o == REGISTER && !is_full(t, sti(t)))) {
        return false;
    }
    begin(t);
    ir_ref a = get(t, 0), b = second(t, o, &type);
    ir_ref r = ir_f80_op2(t->ir, op, a, type, b, swap != to_sti); /* to ST(i): that is the first operand */
    put(t, to_sti ? sti(t) : 0, r);
    if (pops) {
        pop(t);
    }
    return done(t, F80_UP_LIVE);
}

static bool one_operand(struct x86 *t)
{
    struct ir *ir = t->ir;
    if (!is_full(t, 0)) {
        return false;
    }
    begin(t);
    ir_ref v = get(t, 0);
    u32 up = F80_UP_LIVE;
    switch (t->in.row->fn) {
    case X86_FN_fchs:
        v = ir_fop1(ir, IR_fneg, IR_F80, 0, v, 0);
        up = 0;
        break;
    case X86_FN_fabs:
        v = ir_fop1(ir, IR_fabs, IR_F80, 0, v, 0);
        up = 0;
        break;
    case X86_FN_fsqrt:
        v = ir_fop1(ir, IR_fsqrt, IR_F80, 0, v, 0);
        break;
    default:
        v = ir_fop1(ir, IR_fround, IR_F80, 0, v, FPR_CURRENT | FPR_EXACT);
    }
    put(t, 0, v);
    return done(t, up);
}

/* pops: how often; to EFLAGS, or to C0, C2 and C3. */
static bool compare(struct x86 *t, enum operand o, bool quiet, unsigned pops, bool eflags)
{
    struct ir *ir = t->ir;
    enum ir_type type = IR_F80;
    bool test = t->in.row->fn == X86_FN_ftst;
    if (!is_full(t, 0) || (o == REGISTER && !test && !is_full(t, sti(t)))) {
        return false;
    }
    begin(t);
    ir_ref b = test ? ir_fjoin(ir, ir_const(ir, 0), ir_const(ir, 0)) : second(t, o, &type);
    ir_ref fl = ir_f80_cmp(ir, get(t, 0), type, b, FCMP_ZPC | (quiet ? 0 : FCMP_SIGNAL));
    if (eflags) {
        ir_put(ir, SLOT_FLAGS, fl);
    } else {
        ir_ref rest = ir_andi(ir, IR_I32, ir_get(ir, SLOT_FSW), ~(u32)CC);
        ir_put(ir, SLOT_FSW, ir_or(ir, IR_I32, rest, ir_andi(ir, IR_I32, ir_fl_unpack(ir, fl), CC)));
    }
    while (pops--) {
        pop(t);
    }
    return done(t, eflags ? KEEP_C1 : 0);
}

/* -- control
 * ----------------------------------------------------------------------------------------------------------------- */

/* Only what leaves all exceptions masked. */
static bool load_control(struct x86 *t)
{
    struct ir *ir = t->ir;
    enum { MASKS = 0x3f, ONE = 0x40, KEPT = 0x1f3f };
    ir_ref v = x86_load(t, x86_mem(t, 2, false), 2);
    ir_exitcc_care(ir, CC_NE, IR_I32, ir_andi(ir, IR_I32, v, MASKS), ir_const(ir, MASKS), t->off);
    ir_put(ir, SLOT_FCW, ir_or(ir, IR_I32, ir_andi(ir, IR_I32, v, KEPT), ir_const(ir, ONE)));
    ir_fctl(ir, ir_extract(ir, IR_I32, v, 8, 4));
    return true;
}
static bool store_control(struct x86 *t)
{
    x86_store(t, x86_mem(t, 2, true), ir_get(t->ir, SLOT_FCW), 2);
    return true;
}
static bool store_status(struct x86 *t)
{
    struct ir *ir = t->ir;
    bool mem = t->in.mod != 3;
    ir_ref addr = mem ? x86_mem(t, 2, true) : 0;
    ir_ref stat = ir_fstat(ir), up = ir_get(ir, SLOT_FUP);
    ir_ref v = ir_andi(ir, IR_I32, stat, FP_INVALID);
    v = ir_or(ir, IR_I32, v,
              ir_shli(ir, IR_I32, ir_andi(ir, IR_I32, stat, FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT), 1));
    v = ir_or(ir, IR_I32, v, ir_andi(ir, IR_I32, ir_shri(ir, IR_I32, stat, 6), 2)); /* FP_DENORMAL_USED */
    ir_ref live = ir_and(ir, IR_I32, ir_shli(ir, IR_I32, up, 1), stat); /* F80_UP_LIVE, FP_ROUNDED_UP: bit 9 */
    v = ir_or(ir, IR_I32, v, ir_andi(ir, IR_I32, ir_or(ir, IR_I32, live, ir_shli(ir, IR_I32, up, 8)), 1 << 9));
    v = ir_or(ir, IR_I32, v, ir_shli(ir, IR_I32, ir_get(ir, SLOT_FTOP), 6));
    v = ir_or(ir, IR_I32, v, ir_get(ir, SLOT_FSW));
    if (mem) {
        x86_store(t, addr, v, 2);
    } else {
        gpr_put(t, 0, 2, v);
    }
    return true;
}
_Static_assert(F80_UP_LIVE << 1 == FP_ROUNDED_UP && F80_UP << 8 == FP_ROUNDED_UP && F80_BYTES << 6 == 1 << 11, "bits");

/* -- which
 * -------------------------------------------------------------------------------------------------------------------
 */

bool x87_fast(struct x86 *t)
{
    switch (t->in.row->fn) {
    case X86_FN_fld:
    case X86_FN_fld_mem:
    case X86_FN_fild:
    case X86_FN_fldconst:
        return load(t);
    case X86_FN_fst_mem:
    case X86_FN_fstp_mem:
    case X86_FN_fist:
    case X86_FN_fistp:
    case X86_FN_fisttp:
        return store(t);
    case X86_FN_fst:
    case X86_FN_fstp:
    case X86_FN_fxch:
        return move(t);
    case X86_FN_ffree:
    case X86_FN_ffreep:
        return release(t);
    case X86_FN_fchs:
    case X86_FN_fabs:
    case X86_FN_fsqrt:
    case X86_FN_frndint:
        return one_operand(t);
#define FORMS(name, op, swap) \
    case X86_FN_##name: \
    case X86_FN_##name##p: \
        return arith(t, IR_##op, swap, REGISTER); \
    case X86_FN_##name##_mem: \
        return arith(t, IR_##op, swap, MEMORY_FLOAT); \
    case X86_FN_##name##_int: \
        return arith(t, IR_##op, swap, MEMORY_INT);
        FORMS(fadd, fadd, false)
        FORMS(fmul, fmul, false)
        FORMS(fsub, fsub, false)
        FORMS(fsubr, fsub, true)
        FORMS(fdiv, fdiv, false)
        FORMS(fdivr, fdiv, true)
#undef FORMS
    case X86_FN_fcom:
    case X86_FN_ftst:
        return compare(t, REGISTER, false, 0, false);
    case X86_FN_fcomp:
        return compare(t, REGISTER, false, 1, false);
    case X86_FN_fcompp:
        return compare(t, REGISTER, false, 2, false);
    case X86_FN_fcom_mem:
        return compare(t, MEMORY_FLOAT, false, 0, false);
    case X86_FN_fcomp_mem:
        return compare(t, MEMORY_FLOAT, false, 1, false);
    case X86_FN_fcom_int:
        return compare(t, MEMORY_INT, false, 0, false);
    case X86_FN_fcomp_int:
        return compare(t, MEMORY_INT, false, 1, false);
    case X86_FN_fucom:
        return compare(t, REGISTER, true, 0, false);
    case X86_FN_fucomp:
        return compare(t, REGISTER, true, 1, false);
    case X86_FN_fucompp:
        return compare(t, REGISTER, true, 2, false);
    case X86_FN_fcomi:
        return compare(t, REGISTER, false, 0, true);
    case X86_FN_fcomip:
        return compare(t, REGISTER, false, 1, true);
    case X86_FN_fucomi:
        return compare(t, REGISTER, true, 0, true);
    case X86_FN_fucomip:
        return compare(t, REGISTER, true, 1, true);
    case X86_FN_fldcw:
        return load_control(t);
    case X86_FN_fnstcw:
        return store_control(t);
    case X86_FN_fnstsw:
        return store_status(t);
    default:
        return false;
    }
}

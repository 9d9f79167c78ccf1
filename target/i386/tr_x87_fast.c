/* The x87's instructions for a cpu whose exceptions are all masked and of which none is pending, on a host that has an
 * x87: each is the host's own, on the guest's state (struct ir_x87). SPEC: SDM volume 1, chapter 8.
 *
 * FIP follows; FOP and FDP are kept by the exact unit alone, as on processors that update them on exceptions only. */
#include "target/i386/x86.h"

/* -- the last instruction's place ------------------------------------------------------------------------------------
 */

static void place_put(struct x86 *t)
{
    struct ir *ir = t->ir;
    ir_ref pc = ir_pc(ir, t->off);
    if (t->bits != 64 && !MODE_BASE(t->mode, SEG_CS)) {
        pc = ir_zext(ir, IR_I64, ir_sub(ir, IR_I64, pc, ir_get(ir, SLOT_CS_BASE)), 32);
    }
    ir_put(ir, SLOT_FIP, pc);
}

/* -- numbers ----------------------------------------------------------------------------------------------------------
 */

static unsigned fop_of(const struct x86 *t)
{
    return (t->in.opcode & 7u) << 8 | t->in.mod << 6 | (t->in.reg & 7u) << 3 | (t->in.rm & 7u);
}
static ir_ref word(struct x86 *t, enum x87_kind kind, i32 off)
{
    struct x87_key key = {.fop = fop_of(t), .kind = kind, .fn = t->in.row->fn};
    u32 k;
    memcpy(&k, &key, sizeof(k));
    return ir_const(t->ir, (u64)k | (u64)(u32)off << 32);
}

static void plain(struct x86 *t)
{
    ir_call(t->ir, H_x87_plain, ir_const(t->ir, 0), word(t, X87_PLAIN, 0), 0, 0);
}

static bool is_store(unsigned fn)
{
    switch (fn) {
    case X86_FN_fst_mem:
    case X86_FN_fstp_mem:
    case X86_FN_fist:
    case X86_FN_fistp:
    case X86_FN_fisttp:
    case X86_FN_fbstp:
        return true;
    default:
        return false;
    }
}
/* A store of 10 bytes over a page's end goes by the exact unit, which sees that both may be written first. */
static void memory(struct x86 *t)
{
    struct ir *ir = t->ir;
    enum { LAST = 4096 - 10, ALIGN_10 = 3 };
    unsigned n = x87_memory_bytes(fop_of(t)), mo = x86_mo(t, n);
    bool store = is_store(t->in.row->fn);
    ir_ref addr = x86_mem(t, n, store);
    if (n == 10) {
        mo = MO_128 | x86_mo_any(t) | (t->mode & MODE_ALIGN ? mo_align(ALIGN_10) : 0);
    }
    if (n == 10 && store) {
        ir_exitcc_care(ir, CC_UGT, IR_I32, ir_andi(ir, IR_I32, addr, 4095), ir_const(ir, LAST), t->off);
    }
    i32 off = 0;
    ir_ref base = ir_address(ir, addr, &off);
    ir_call(ir, H_x87_mem, base, word(t, X87_MEMORY, off), ir_const(ir, mo), 0);
}

static bool number(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned fn = t->in.row->fn;
    switch (fn) {
    case X86_FN_fcomi:
    case X86_FN_fcomip:
    case X86_FN_fucomi:
    case X86_FN_fucomip:
        ir_put(ir, SLOT_FLAGS, ir_call(ir, H_x87_flags, ir_const(ir, 0), word(t, X87_FLAGS, 0), 0, 0));
        break;
    case X86_FN_fcmovcc: {
        static const u8 cc[4] = {CC_ULT, CC_EQ, CC_ULE, CC_PE}; /* B E BE U; inverted: their neighbours */
        unsigned c = cc[t->in.reg & 3] ^ (t->in.opcode & 1);
        ir_ref moves = ir_setf(ir, c, ir_get(ir, SLOT_FLAGS));
        ir_call(ir, H_x87_select, moves, word(t, X87_SELECT, 0), 0, 0);
        break;
    }
    default:
        if (t->in.mod != 3) {
            memory(t);
        } else {
            plain(t);
        }
    }
    place_put(t);
    return true;
}

/* -- control ----------------------------------------------------------------------------------------------------------
 */

/* Only what leaves all exceptions masked. */
static bool load_control(struct x86 *t)
{
    struct ir *ir = t->ir;
    enum { MASKS = 0x3f, ONE = 0x40, KEPT = 0x1f3f };
    ir_ref v = x86_load(t, x86_mem(t, 2, false), 2);
    ir_exitcc_care(ir, CC_NE, IR_I32, ir_andi(ir, IR_I32, v, MASKS), ir_const(ir, MASKS), t->off);
    v = ir_or(ir, IR_I32, ir_andi(ir, IR_I32, v, KEPT), ir_const(ir, ONE));
    ir_call(ir, H_x87_control, v, word(t, X87_CONTROL, 0), 0, 0);
    ir_put(ir, SLOT_FCW, v);
    return true;
}
static bool store_control(struct x86 *t)
{
    x86_store(t, x86_mem(t, 2, true), ir_get(t->ir, SLOT_FCW), 2);
    return true;
}
static bool store_status(struct x86 *t)
{
    bool mem = t->in.mod != 3;
    ir_ref addr = mem ? x86_mem(t, 2, true) : 0;
    ir_ref v = ir_call(t->ir, H_x87_status, ir_const(t->ir, 0), word(t, X87_STATUS, 0), 0, 0);
    if (mem) {
        x86_store(t, addr, v, 2);
    } else {
        gpr_put(t, 0, 2, v);
    }
    return true;
}

bool x87_fast(struct x86 *t)
{
    switch (t->in.row->fn) {
    case X86_FN_fnstcw:
        return store_control(t);
    case X86_FN_fninit:
    case X86_FN_fnstenv:
    case X86_FN_fldenv:
    case X86_FN_fnsave:
    case X86_FN_frstor:
    case X86_FN_feni:
        return false;
    default:
        break;
    }
    t->x87.fast = true;
    switch (t->in.row->fn) {
    case X86_FN_fldcw:
        return load_control(t);
    case X86_FN_fnstsw:
        return store_status(t);
    case X86_FN_fnclex:
        plain(t);
        return true;
    default:
        return number(t);
    }
}

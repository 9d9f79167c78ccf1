/* The translation at hand, and what all tr_ functions share: operands, registers, flags, ways out. */
#ifndef MOSS_TARGET_I386_X86_H
#define MOSS_TARGET_I386_X86_H

#include "target/i386/cpu_slots.h"
#include "target/target.h"
#include "tcg/build.h"
#include "tcg/rt.h"

enum x86_flow { FLOW_NEXT, FLOW_JUMP, FLOW_END };

struct x86 {
    struct ir *ir;
    const u8 *page; /* what the trace is read from */
    u64 mode;       /* at the instruction; */
    u64 entry;      /* what the trace was found by. STAC and CLAC make it another */
    const struct x86_features *features;
    unsigned bits;         /* of the code segment: 16, 32, 64 */
    i32 start;             /* page offset of the trace, */
    i32 off;               /* of the instruction */
    i32 next;              /* of the one that FLOW_JUMP goes to */
    u8 flow;               /* enum x86_flow */
    bool follow;           /* one more instruction may come into the block */
    unsigned exits, count; /* ways out on the way; instructions, the present one too */
    unsigned rounds;       /* of a loop that are to come, the present one too; 0: not known to be one */
    struct x86_instr in;
    /* The x87 in this trace. */
    struct x87_trace {
        bool fast;  /* the host's x87 has the state from here on */
        bool other; /* something else than x87 instructions looks at it */
        bool home;  /* the CPU struct has it: it was asked for MMX registers */
    } x87;
    ir_ref addr;     /* linear address of the memory operand, once made; 0: not yet */
    bool addr_write; /* checked for a write too */
    ir_ref low;      /* of a vector of 32 bytes that goes to memory: its lower half, until the other comes */
};

/* Direct exits a block may have on its way; the last one is its end. */
enum { X86_SIDE_EXITS = 6 };

/* A tr_ function emits the IR of one instruction and returns true, or returns false before emitting anything that
 * matters: the instruction is undefined. */
typedef bool x86_tr(struct x86 *t);
#define FUNCTION(name) x86_tr tr_##name;
#define X86_FUNCTIONS
#include "target/i386/i386_insns.inc"
#undef X86_FUNCTIONS
#undef FUNCTION

/* -- registers
 * --------------------------------------------------------------------------------------------------------- Values of n
 * bytes: of 8 IR_I64, else IR_I32 whose bits above 8 * n may be anything. */

static inline enum ir_type int_type(unsigned bytes)
{
    return bytes == 8 ? IR_I64 : IR_I32;
}
/* Width of flags and comparisons. */
static inline enum ir_type flag_type(unsigned bytes)
{
    return bytes == 1 ? IR_I8 : bytes == 2 ? IR_I16 : bytes == 4 ? IR_I32 : IR_I64;
}
/* Number r of a register operand of that many bytes: AH to BH are numbers 4 to 7 of one byte without REX. */
ir_ref gpr_get(struct x86 *t, unsigned r, unsigned bytes);
/* 4 bytes clear the upper half; 1 and 2 leave the rest. */
void gpr_put(struct x86 *t, unsigned r, unsigned bytes, ir_ref v);

/* -- operands 0..3 of the instruction --------------------------------------------------------------------------------
 */

static inline enum x86_opd opd(const struct x86 *t, unsigned i)
{
    return t->in.row->opds[i];
}
static inline unsigned opd_bytes(const struct x86 *t, unsigned i)
{
    return x86_opd_bytes(&t->in, opd(t, i));
}
bool opd_is_mem(const struct x86 *t, unsigned i);
/* Integer operands: general and segment registers, memory, immediates sign-extended. */
ir_ref opd_get(struct x86 *t, unsigned i);
void opd_put(struct x86 *t, unsigned i, ir_ref v);
unsigned x86_mo(const struct x86 *t, unsigned bytes); /* memory descriptor of a plain access; */
unsigned x86_mo_any(const struct x86 *t);             /* what all of them have: order and view */

/* -- memory
 * ------------------------------------------------------------------------------------------------------------ */

/* The effective address of the ModRM operand, cut to the address size. */
ir_ref x86_ea(struct x86 *t);
ir_ref x86_ea_bytes(struct x86 *t, unsigned bytes); /* the low ones of it (4 or 8 of an address of at least as many) */
/* Linear address of n bytes at an offset in a segment; checks what the mode does not make needless. */
ir_ref x86_linear(struct x86 *t, unsigned seg, ir_ref offset, unsigned n, bool write);
unsigned x86_seg(const struct x86 *t);                 /* of the ModRM operand */
ir_ref x86_mem(struct x86 *t, unsigned n, bool write); /* linear address of the ModRM operand; made once */
ir_ref x86_load(struct x86 *t, ir_ref addr, unsigned bytes);
void x86_store(struct x86 *t, ir_ref addr, ir_ref v, unsigned bytes);
/* The stack, k bytes above its pointer. */
ir_ref x86_stack_load(struct x86 *t, i64 k, unsigned bytes);
void x86_stack_store(struct x86 *t, i64 k, ir_ref v, unsigned bytes);
void x86_stack_move(struct x86 *t, i64 k);

enum ir_cond x86_cond(const struct x86 *t); /* of the opcode's low bits */

/* -- ways out: each sets t->flow
 * --------------------------------------------------------------------------------------- */

static inline i32 next_off(const struct x86 *t)
{
    return t->off + t->in.len;
}
ir_ref next_ip(struct x86 *t); /* offset in the code segment of the instruction behind */
void x86_goto(struct x86 *t, i64 displacement, enum ir_exit_kind kind); /* relative to the instruction behind */
void x86_goto_ind(struct x86 *t, ir_ref ip, enum ir_exit_kind kind);
void x86_branch(struct x86 *t, enum ir_cond cc, ir_ref flags, i64 displacement);
void x86_branch_cc(struct x86 *t, enum ir_cond cc, enum ir_type type, ir_ref a, ir_ref b, i64 displacement);
void x86_again(struct x86 *t, ir_ref again);   /* the same instruction while `again` (I64) is not 0, then on */
void x86_jump_check(struct x86 *t, ir_ref ip); /* before anything changes: may the jump go there? */
void x86_jump_check_near(struct x86 *t, i64 displacement);
void x86_jump_check_if(struct x86 *t, ir_ref taken, i64 displacement); /* taken (I64): not 0 */
void x86_end(struct x86 *t);   /* on behind it, in another block: the mode may have changed */
void x86_leave(struct x86 *t); /* the same behind a helper that says so itself (HF_MODE), or only asks for attention */
void x86_exit_pc(struct x86 *t);
/* Must the instruction be in a trace of its own? Before anything of it is emitted. */
bool x87_fast(struct x86 *t); /* false: not done, nothing emitted that matters */
bool x87_splits(struct x86 *t);
void x86_raise(struct x86 *t, enum x86_exception vector, u32 error); /* a fault: pc is the instruction's */

#endif

/* Private to the A64 translator: what its tr_ functions work with. */
#ifndef MOSS_TARGET_ARM_A64_A64_H
#define MOSS_TARGET_ARM_A64_A64_H

#include "target/arm/cpu_slots.h"
#include "target/pattern.h"
#include "target/target.h"
#include "tcg/build.h"

/* Classes of the pattern tables. */
enum a64_class { A64_int, A64_branch, A64_system, A64_ldst, A64_simdls, A64_fp, A64_simd, A64_CLASSES };

enum a64_flow {
    FLOW_NEXT, /* go on with the next instruction */
    FLOW_JUMP, /* go on at `next`, which lies ahead in this page */
    FLOW_END,  /* the trace was ended */
};

/* One translation: the block so far and the instruction at hand. */
struct a64 {
    struct ir *ir;
    const u8 *page; /* guest bytes */
    u64 mode, features;
    u32 insn;
    i32 off;         /* page offset of the instruction */
    i32 next;        /* of the one that FLOW_JUMP goes to */
    u8 klass;        /* enum a64_class of the instruction */
    u8 flow;         /* enum a64_flow */
    bool follow;     /* one more instruction may come into the block */
    bool sp_aligned; /* SP is known to be a multiple of 16 */
    unsigned exits;  /* side exits emitted */
    struct {         /* the load-exclusive before, for a store-exclusive after it */
        ir_ref base, val[2];
        u8 log2;  /* of its bytes; 0xff: none */
        u32 from; /* ops from here on came after it */
    } ex;
};

/* Direct exits a block may have on its way; the last one is its end. */
enum { A64_SIDE_EXITS = 6 };

/* Made by tools/gen-decode.py: the prototypes of the tr_ functions. A tr_ function emits the IR of one instruction and
 * returns true, or returns false before emitting anything that matters: the encoding is unallocated. */
#include "target/arm/a64/a64_decode.inc"

/* -- registers: number 31 is zero in x_*, SP in xsp_* ------------------------------------------------------------- */

static inline ir_ref x_get(struct a64 *t, unsigned r)
{
    return r == 31 ? ir_const(t->ir, 0) : ir_get(t->ir, SLOT_X0 + r);
}
static inline void x_put(struct a64 *t, unsigned r, ir_ref v)
{
    if (r != 31) {
        ir_put(t->ir, SLOT_X0 + r, v);
    }
}
static inline ir_ref xsp_get(struct a64 *t, unsigned r)
{
    return ir_get(t->ir, SLOT_X0 + r);
}
static inline void xsp_put(struct a64 *t, unsigned r, ir_ref v)
{
    if (r == 31) {
        t->sp_aligned = false;
    }
    ir_put(t->ir, SLOT_X0 + r, v);
}
static inline ir_ref v_get(struct a64 *t, unsigned r)
{
    return ir_get(t->ir, SLOT_V0 + r);
}
static inline void v_put(struct a64 *t, unsigned r, ir_ref v)
{
    ir_put(t->ir, SLOT_V0 + r, v);
}
/* Writes a vector result; a 64-bit operation clears the upper half. */
void v_put_q(struct a64 *t, unsigned r, bool q, ir_ref v);
/* A scalar in the low lane: type F16, F32, F64 (or I32, I64: es 2, 3). */
ir_ref f_get(struct a64 *t, enum ir_type type, unsigned r);
void f_put(struct a64 *t, enum ir_type type, unsigned r, ir_ref v);

static inline enum ir_type int_type(u32 sf)
{
    return sf ? IR_I64 : IR_I32;
}
static inline unsigned a64_el(const struct a64 *t)
{
    return MODE_EL(t->mode);
}
static inline bool a64_has(const struct a64 *t, enum arm_feature f)
{
    return t->features >> f & 1;
}

/* -- flags ------------------------------------------------------------------------------------------------------- */

/* The condition of a conditional instruction; cond 14 and 15 (always) are the caller's. */
enum ir_cond a64_cond(u32 cond);
ir_ref a64_flags_const(struct a64 *t, u32 nzcv); /* four bits */
ir_ref a64_nzcv_get(struct a64 *t);              /* PSTATE bits 31:28 in an I64 */
void a64_nzcv_put(struct a64 *t, ir_ref nzcv);

/* -- ways out: each sets t->flow --------------------------------------------------------------------------------- */

static inline i32 next_off(const struct a64 *t)
{
    return t->off + 4;
}
static inline ir_ref next_pc(struct a64 *t)
{
    return ir_pc(t->ir, t->off + 4);
}
void a64_exit(struct a64 *t, i32 target, enum ir_exit_kind kind);
void a64_exit_ind(struct a64 *t, ir_ref addr, enum ir_exit_kind kind);
void a64_exit_pc(struct a64 *t);          /* a helper set rt.pc and dealt with stepping */
void a64_goto(struct a64 *t, i32 target); /* an unconditional branch: followed or left through */
/* Leaves for target when a cc b (or flags meet cc), else goes on below. */
void a64_branch_cc(struct a64 *t, enum ir_cond cc, enum ir_type type, ir_ref a, ir_ref b, i32 target);
void a64_branch_fl(struct a64 *t, enum ir_cond cc, i32 target);
void a64_undefined(struct a64 *t);
void a64_exception(struct a64 *t, u32 ec, u32 iss);

/* -- memory ------------------------------------------------------------------------------------------------------ */

/* The base register of an access; SP must be a multiple of 16 when the mode says so. */
ir_ref a64_base(struct a64 *t, unsigned rn);
void a64_check_sp(struct a64 *t);
/* Descriptor of an ordinary access of 1 << size bytes. */
unsigned a64_mo(const struct a64 *t, unsigned size);
/* Base register write-back. */
void a64_writeback(struct a64 *t, unsigned rn, ir_ref base, i64 offset);

ir_ref a64_aut(struct a64 *t, ir_ref ptr, ir_ref modifier, u32 key); /* AUTIx with key 0 IA, 1 IB, 2 DA, 3 DB */
ir_ref a64_reg_addr(struct a64 *t, u32 rn, u32 rm, u32 opt, u32 shift);
ir_ref a64_literal(struct a64 *t, i32 imm19);

u64 a64_bitmask(u32 sf, u32 n, u32 immr, u32 imms, bool *ok); /* DecodeBitMasks, the immediate */
ir_ref a64_extend(struct a64 *t, enum ir_type type, ir_ref v, u32 option, u32 shift); /* ExtendReg */

/* -- the pattern array ------------------------------------------------------------------------------------------- */

extern const struct pattern a64_patterns[];
extern const unsigned a64_npatterns;
const struct pattern *a64_find(u32 insn); /* NULL: unallocated */
const char *a64_disas_missing(void);
int a64_disas(char *out, size_t n, u64 pc, u32 insn); /* 4, or 0: unallocated, nothing written */

void a64_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs);

#endif

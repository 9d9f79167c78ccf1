/* Private to the tr_simd_*.c files: what Advanced SIMD instructions are made of.
 *
 * An instruction is a pure function of vectors (vfn2, vfn1), applied to registers, to an element, or to scalars; a
 * scalar is the low lane of a vector operation. The function may leave anything in lanes past the result's width, which
 * are cleared when the register is written. */
#ifndef MOSS_TARGET_ARM_A64_TR_SIMD_H
#define MOSS_TARGET_ARM_A64_TR_SIMD_H

#include "target/arm/a64/a64.h"
#include "target/arm/a64/helpers_simd.h"

struct vop {
    struct a64 *t;
    struct ir *ir;
    u8 es;   /* log2 bytes of an element of the narrower side */
    u8 bits; /* of the result: 8..128 */
    u8 hi;   /* widening: 1 for the upper half of the sources; narrowing: of the destination */
    u8 rd;
    u8 ty;  /* float: V128, or that of a scalar */
    u8 sub; /* of float ops */
};

/* An element in bits, and its sign bit. */
static inline unsigned es_bits(unsigned es)
{
    return 8u << es;
}
static inline u64 es_min(unsigned es)
{
    return 1ull << (es_bits(es) - 1);
}
/* A constant in every lane. */
static inline ir_ref v_const(const struct vop *o, unsigned es, u64 k)
{
    return ir_vdup(o->ir, es, ir_const(o->ir, k & MASK(es_bits(es))));
}
static inline ir_ref v_zero(const struct vop *o)
{
    return ir_const_v128(o->ir, 0, 0);
}
/* The accumulator of MLA and its like. */
static inline ir_ref v_rd(const struct vop *o)
{
    return v_get(o->t, o->rd);
}

/* The low bits of a vector, zeros above; bits 8..128. */
ir_ref v_low(struct ir *ir, ir_ref v, unsigned bits);
/* The low halves of two vectors; their high halves. */
ir_ref v_low_halves(struct ir *ir, ir_ref lo, ir_ref hi);
ir_ref v_high_halves(struct ir *ir, ir_ref lo, ir_ref hi);
/* Bytes of n:m, of which `bits` (128 or 64) each count: place i gets byte from[i], zeros above `bits`. */
ir_ref v_pick(struct ir *ir, unsigned bits, ir_ref n, ir_ref m, const u8 from[16]);
/* Even or odd elements of n:m. */
ir_ref v_unzip(struct ir *ir, unsigned es, unsigned bits, unsigned odd, ir_ref n, ir_ref m);
/* Lane i in all lanes up to `bits`, zeros above. */
ir_ref v_dup_lane(struct ir *ir, unsigned es, ir_ref v, unsigned lane, unsigned bits);
/* Writes a result: o->bits of it, or the half that o->hi says. */
void v_result(const struct vop *o, ir_ref v);
void v_result_narrow(const struct vop *o, ir_ref v);
/* QC is set when the lanes of the result differ; when any bit of its lanes is set. */
void qc_differ(const struct vop *o, unsigned bits, ir_ref saturated, ir_ref exact);
void qc_any(const struct vop *o, unsigned bits, ir_ref v);

typedef ir_ref (*vfn1)(const struct vop *o, ir_ref n);
typedef ir_ref (*vfn2)(const struct vop *o, ir_ref n, ir_ref m);

/* The instruction forms. arr: Q:size. */
struct vop v_op(struct a64 *t, unsigned es, unsigned bits, u32 rd);
bool v_do1(struct a64 *t, vfn1 f, u32 arr, u32 rn, u32 rd);
bool v_do2(struct a64 *t, vfn2 f, u32 arr, u32 rm, u32 rn, u32 rd);
bool s_do1(struct a64 *t, vfn1 f, u32 size, u32 rn, u32 rd);
bool s_do2(struct a64 *t, vfn2 f, u32 size, u32 rm, u32 rn, u32 rd);
bool e_do2(struct a64 *t, vfn2 f, u32 arr, u32 elem, u32 rn, u32 rd);
bool se_do2(struct a64 *t, vfn2 f, u32 size, u32 elem, u32 rn, u32 rd);

/* L:M:Rm:H of the by-element forms: the register in bits 4:0, the index above them. */
static inline u32 v_elem(u32 size, u32 l, u32 m, u32 rm, u32 h)
{
    return size == 1 ? rm | (h << 2 | l << 1 | m) << 5 : rm | m << 4 | (size == 2 ? h << 1 | l : h) << 5;
}

/* Saturating narrowing (vqxtn): to unsigned, from signed to unsigned, to signed; `bits` of the source count. */
enum { QXTN_U = 0, QXTN_UN = 1, QXTN_S = 3 };
ir_ref v_sat_narrow(const struct vop *o, unsigned kind, unsigned bits, ir_ref n);

/* Shared between the plain forms and those by element. */
ir_ref v_mul(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_mla(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_mls(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_sqdmulh(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_sqrdmulh(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_sqrdmlah(const struct vop *o, ir_ref n, ir_ref m);
ir_ref v_sqrdmlsh(const struct vop *o, ir_ref n, ir_ref m);

/* -- float ---------------------------------------------------------------------------------------------------------
 * Lanes past the result's width would raise exceptions: a float operand has zeros there. */

/* sub of float ops, less the element size. */
static inline unsigned fp_sub(const struct a64 *t)
{
    return (t->mode & MODE_FP_DN ? FP_DN : 0) | (t->mode & MODE_FP_RARE ? FP_FZ : 0);
}
static inline enum ir_type fp_type(unsigned es)
{
    return es == MO_16 ? IR_F16 : es == MO_32 ? IR_F32 : IR_F64;
}
u64 fp_expand_imm(unsigned es, u32 imm8); /* VFPExpandImm */
u64 fp_power2(unsigned es, int n);        /* 2^n as a float */

struct vop fp_vector(struct a64 *t, unsigned es, unsigned bits, u32 rd);
struct vop fp_scalar(struct a64 *t, unsigned es, u32 rd);
ir_ref fp_in(const struct vop *o, u32 rn);
void fp_result(const struct vop *o, ir_ref v);
ir_ref fp_op1(const struct vop *o, enum ir_opcode op, ir_ref a, u32 imm);
ir_ref fp_op2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b);
/* The element of the by-element forms as a vector or scalar. */
ir_ref fp_elem(const struct vop *o, u32 elem);

ir_ref fp_call1(const struct vop *o, enum fp1_kind kind, ir_ref n, unsigned fbits);
ir_ref fp_call2(const struct vop *o, enum fp2_kind kind, ir_ref n, ir_ref m);

#endif

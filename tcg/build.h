/* The builder: front ends make a trace with it, one call an op. It folds constants, forwards puts to gets, finds
 * common subexpressions of the recent past, and checks its arguments in debug builds. Errors are sticky (ir->full).
 *
 * Every function returns an existing ref when it can: ir_add(x, 0) is x. */
#ifndef MOSS_TCG_BUILD_H
#define MOSS_TCG_BUILD_H

#include "tcg/ir.h"

/* -- constants and state -------------------------------------------------------------------------------- */
ir_ref ir_const(struct ir *ir, u64 v); /* of whatever integer type its user reads */
ir_ref ir_const_v128(struct ir *ir, u64 lo, u64 hi);
void ir_insn(struct ir *ir, u32 page_off, unsigned length);
ir_ref ir_get(struct ir *ir, unsigned slot);
void ir_put(struct ir *ir, unsigned slot, ir_ref v);
ir_ref ir_pc(struct ir *ir, i32 off); /* page + off */

/* -- integer: t is IR_I32 or IR_I64 ------------------------------------------------------------------------ */
ir_ref ir_op2(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a, ir_ref b); /* add .. srem */
ir_ref ir_op1(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a); /* neg not clz ctz cls popcnt bitrev */
#define IR_OP2(name) \
    static inline ir_ref ir_##name(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b) \
    { \
        return ir_op2(ir, IR_##name, t, a, b); \
    }
// clang-format off
IR_OP2(add) IR_OP2(sub) IR_OP2(mul) IR_OP2(and) IR_OP2(or) IR_OP2(xor) IR_OP2(andn) IR_OP2(orn) IR_OP2(xnor)
IR_OP2(shl) IR_OP2(shr) IR_OP2(sar) IR_OP2(ror) IR_OP2(udiv) IR_OP2(sdiv) IR_OP2(umulh) IR_OP2(smulh)
#undef IR_OP2
ir_ref ir_addi(struct ir *ir, enum ir_type t, ir_ref a, i64 k);
// clang-format on
ir_ref ir_andi(struct ir *ir, enum ir_type t, ir_ref a, u64 k);
ir_ref ir_shli(struct ir *ir, enum ir_type t, ir_ref a, unsigned n);
ir_ref ir_shri(struct ir *ir, enum ir_type t, ir_ref a, unsigned n);
ir_ref ir_sari(struct ir *ir, enum ir_type t, ir_ref a, unsigned n);
ir_ref ir_bswap(struct ir *ir, enum ir_type t, ir_ref a, unsigned log2_group);
ir_ref ir_zext(struct ir *ir, enum ir_type t, ir_ref a, unsigned from_bits);
ir_ref ir_sext(struct ir *ir, enum ir_type t, ir_ref a, unsigned from_bits);
ir_ref ir_extract(struct ir *ir, enum ir_type t, ir_ref a, unsigned pos, unsigned len);
ir_ref ir_sextract(struct ir *ir, enum ir_type t, ir_ref a, unsigned pos, unsigned len);
ir_ref ir_deposit(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned pos, unsigned len);
/* acc: I32; val: of its low 1 << es bytes; poly: CRC_IEEE, CRC_CASTAGNOLI */
ir_ref ir_crc32(struct ir *ir, ir_ref acc, ir_ref val, unsigned es, unsigned poly);
ir_ref ir_extr(struct ir *ir, enum ir_type t, ir_ref hi, ir_ref lo, unsigned lsb);
ir_ref ir_setcc(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b);
ir_ref ir_select(struct ir *ir, enum ir_cond cc, enum ir_type cmp_t, ir_ref a, ir_ref b, enum ir_type t, ir_ref yes,
                 ir_ref no);

/* -- flags --------------------------------------------------------------------------------------------------- */
/* t of fl_*, of comparisons and cmp_t: IR_I8 and IR_I16 too. */
ir_ref ir_fl_add(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned inv);
ir_ref ir_fl_sub(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned inv);
ir_ref ir_fl_adc(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv);
ir_ref ir_fl_sbb(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv);
ir_ref ir_fl_logic(struct ir *ir, enum ir_type t, ir_ref a, unsigned inv);
/* op: IR_fl_shl, IR_fl_shr, IR_fl_sar */
ir_ref ir_fl_shift(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a, ir_ref count, unsigned inv);
ir_ref ir_fl_fcmp(struct ir *ir, enum ir_type t, unsigned sub, ir_ref a, ir_ref b, unsigned fcmp_bits);
ir_ref ir_fl_mix(struct ir *ir, u32 mask, ir_ref a, ir_ref b); /* mask: enum fl_bits, from a; the others from b */
ir_ref ir_fl_pack(struct ir *ir, ir_ref packed);
ir_ref ir_fl_unpack(struct ir *ir, ir_ref fl);
ir_ref ir_adc(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv);
ir_ref ir_sbb(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv);
ir_ref ir_setf(struct ir *ir, enum ir_cond cc, ir_ref fl);
ir_ref ir_selectf(struct ir *ir, enum ir_cond cc, ir_ref fl, enum ir_type t, ir_ref yes, ir_ref no);

/* -- float and vector: sub and imm as ops.def says ------------------------------------------------------------ */
ir_ref ir_fop1(struct ir *ir, enum ir_opcode op, enum ir_type t, unsigned sub, ir_ref a, u32 imm);
ir_ref ir_fop2(struct ir *ir, enum ir_opcode op, enum ir_type t, unsigned sub, ir_ref a, ir_ref b);
ir_ref ir_fma(struct ir *ir, enum ir_type t, unsigned sub, ir_ref a, ir_ref b, ir_ref c, u32 neg);
ir_ref ir_fcvt(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a);
ir_ref ir_f2i(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a, unsigned round,
              u32 bits); /* F2I_* */
ir_ref ir_i2f(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a, bool uns);
ir_ref ir_bitcast(struct ir *ir, enum ir_type to, ir_ref a);
ir_ref ir_v1(struct ir *ir, enum ir_opcode op, unsigned es, ir_ref a, u32 imm); /* vabs vshl vxtl vxtn ... */
ir_ref ir_v2(struct ir *ir, enum ir_opcode op, unsigned es, ir_ref a, ir_ref b,
             u32 imm); /* add and vcmp vsmin vmull ...; vfcmp: es is its sub */
ir_ref ir_vdup(struct ir *ir, unsigned es, ir_ref a);
ir_ref ir_vget(struct ir *ir, enum ir_type t, unsigned es, ir_ref v, unsigned lane);
ir_ref ir_vgets(struct ir *ir, enum ir_type t, unsigned es, ir_ref v, unsigned lane);
ir_ref ir_vset(struct ir *ir, unsigned es, ir_ref v, unsigned lane, ir_ref x);
ir_ref ir_vzero_ext(struct ir *ir, enum ir_type of, ir_ref a);
ir_ref ir_vshuf(struct ir *ir, ir_ref a, ir_ref b, const u8 pattern[16]);
ir_ref ir_vbsl(struct ir *ir, ir_ref mask, ir_ref yes, ir_ref no);
ir_ref ir_vblend(struct ir *ir, unsigned es, ir_ref mask, ir_ref negative, ir_ref other); /* by the lanes' signs */
ir_ref ir_vmask(struct ir *ir, unsigned es, ir_ref v);
ir_ref ir_vtst(struct ir *ir, ir_ref a, ir_ref b);

/* -- memory, calls, exits ----------------------------------------------------------------------------------------- */
ir_ref ir_ld(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, unsigned mo);
ir_ref ir_ld_pair(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, unsigned mo, ir_ref *second);
void ir_st(struct ir *ir, ir_ref addr, i32 off, ir_ref v, enum ir_type t, unsigned mo);
void ir_st_pair(struct ir *ir, ir_ref addr, i32 off, ir_ref v, ir_ref v2, enum ir_type t, unsigned mo);
ir_ref ir_rmw(struct ir *ir, enum ir_rmw kind, enum ir_type t, ir_ref addr, i32 off, ir_ref v, unsigned mo);
ir_ref ir_cas(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, ir_ref expected, ir_ref v, unsigned mo);
void ir_fence(struct ir *ir, unsigned kinds);
/* The base of an address; what was added to it, added to *off. */
ir_ref ir_address(struct ir *ir, ir_ref addr, i32 *off);
ir_ref ir_call(struct ir *ir, unsigned helper, ir_ref a, ir_ref b, ir_ref c, ir_ref d); /* absent: 0 */
void ir_exitcc(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b, i32 target_off);
/* EXIT_CARE; nothing is known of the condition. */
void ir_exitcc_care(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b, i32 target_off);
void ir_exitf(struct ir *ir, enum ir_cond cc, ir_ref fl, i32 target_off);
void ir_exit(struct ir *ir, i32 target_off, enum ir_exit_kind kind);
void ir_exit_ind(struct ir *ir, ir_ref addr, enum ir_exit_kind kind);
void ir_exit_pc(struct ir *ir);
void ir_exit_loop(struct ir *ir, enum ir_reason why);

#endif

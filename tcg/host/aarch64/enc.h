/* The AArch64 instruction encoder: appends instructions, knows nothing of values or registers' contents.
 * Arm ARM (DDI 0487), C4 and C6, C7. Opcodes are those of the 32-bit form (integer) or of element size 0; operands go
 * in the manual's order, destination first. */
#ifndef MOSS_TCG_HOST_AARCH64_ENC_H
#define MOSS_TCG_HOST_AARCH64_ENC_H

#include <string.h>

#include "tcg/host/code_priv.h"

/* Registers as the allocator numbers them; encoders take the low five bits. 31 is the stack pointer or zero. */
enum { LR = 30, SP = 31, ZR = 31, V0 = VREG };

/* Condition codes; a code's inverse is its neighbour. */
enum acc { A_EQ, A_NE, A_HS, A_LO, A_MI, A_PL, A_VS, A_VC, A_HI, A_LS, A_GE, A_LT, A_GT, A_LE, A_AL };

/* Opcodes by form, each with its mnemonic: the encoder's test walks these. */
#define A_RRR(_) /* rd, rn, rm: bit 31 is the 64-bit operand size */ \
    _(ADD, 0x0b000000, "add") \
    _(ADDS, 0x2b000000, "adds") \
    _(SUB, 0x4b000000, "sub") \
    _(SUBS, 0x6b000000, "subs") \
    _(AND, 0x0a000000, "and") \
    _(BIC, 0x0a200000, "bic") \
    _(ORR, 0x2a000000, "orr") \
    _(ORN, 0x2a200000, "orn") \
    _(EOR, 0x4a000000, "eor") \
    _(EON, 0x4a200000, "eon") \
    _(ANDS, 0x6a000000, "ands") \
    _(ADC, 0x1a000000, "adc") \
    _(ADCS, 0x3a000000, "adcs") \
    _(SBC, 0x5a000000, "sbc") \
    _(SBCS, 0x7a000000, "sbcs") \
    _(LSLV, 0x1ac02000, "lsl") \
    _(LSRV, 0x1ac02400, "lsr") \
    _(ASRV, 0x1ac02800, "asr") \
    _(RORV, 0x1ac02c00, "ror") \
    _(UDIV, 0x1ac00800, "udiv") \
    _(SDIV, 0x1ac00c00, "sdiv") \
    _(MUL, 0x1b007c00, "mul")
#define A_RR(_) /* rd, rn; bit 31 likewise */ \
    _(CLZ, 0x5ac01000, "clz") \
    _(CLS, 0x5ac01400, "cls") \
    _(RBIT, 0x5ac00000, "rbit") \
    _(REV16, 0x5ac00400, "rev16") \
    _(REV, 0x5ac00800, "rev")
#define A_F1(_) /* vd, vn: scalar; bits 22..23 are the format: 0 single, 1 double, 3 half */ \
    _(FMOV, 0x1e204000, "fmov") \
    _(FABS, 0x1e20c000, "fabs") \
    _(FNEG, 0x1e214000, "fneg") \
    _(FSQRT, 0x1e21c000, "fsqrt") \
    _(FRINTN, 0x1e244000, "frintn") \
    _(FRINTP, 0x1e24c000, "frintp") \
    _(FRINTM, 0x1e254000, "frintm") \
    _(FRINTZ, 0x1e25c000, "frintz") \
    _(FRINTA, 0x1e264000, "frinta") \
    _(FRINTX, 0x1e274000, "frintx") \
    _(FRINTI, 0x1e27c000, "frinti")
#define A_F2(_) /* vd, vn, vm: scalar */ \
    _(FMUL, 0x1e200800, "fmul") \
    _(FDIV, 0x1e201800, "fdiv") \
    _(FADD, 0x1e202800, "fadd") \
    _(FSUB, 0x1e203800, "fsub") \
    _(FMAX, 0x1e204800, "fmax") \
    _(FMIN, 0x1e205800, "fmin") \
    _(FMAXNM, 0x1e206800, "fmaxnm") \
    _(FMINNM, 0x1e207800, "fminnm")
#define A_F3(_) /* vd, vn, vm, va: scalar */ \
    _(FMADD, 0x1f000000, "fmadd") \
    _(FMSUB, 0x1f008000, "fmsub") \
    _(FNMADD, 0x1f200000, "fnmadd") \
    _(FNMSUB, 0x1f208000, "fnmsub")
#define A_V1(_) /* vd, vn: 16 bytes; bits 22..23 are the element size; the third column has those that exist */ \
    _(VREV64, 0x4e200800, "rev64", 7) \
    _(VREV32, 0x6e200800, "rev32", 3) \
    _(VREV16, 0x4e201800, "rev16", 1) \
    _(VCNT, 0x4e205800, "cnt", 1) \
    _(VNOT, 0x6e205800, "mvn", 1) \
    _(VABS, 0x4e20b800, "abs", 15) \
    _(VNEG, 0x6e20b800, "neg", 15) \
    _(VCMEQ0, 0x4e209800, "cmeq", 15)
#define A_V2(_) /* vd, vn, vm: 16 bytes, as A_V1 */ \
    _(VADD, 0x4e208400, "add", 15) \
    _(VSUB, 0x6e208400, "sub", 15) \
    _(VMUL, 0x4e209c00, "mul", 7) \
    _(VAND, 0x4e201c00, "and", 1) \
    _(VBIC, 0x4e601c00, "bic", 1) \
    _(VORR, 0x4ea01c00, "orr", 1) \
    _(VORN, 0x4ee01c00, "orn", 1) \
    _(VEOR, 0x6e201c00, "eor", 1) \
    _(VBSL, 0x6e601c00, "bsl", 1) \
    _(VBIT, 0x6ea01c00, "bit", 1) \
    _(VBIF, 0x6ee01c00, "bif", 1) \
    _(VCMGT, 0x4e203400, "cmgt", 15) \
    _(VCMGE, 0x4e203c00, "cmge", 15) \
    _(VCMHI, 0x6e203400, "cmhi", 15) \
    _(VCMHS, 0x6e203c00, "cmhs", 15) \
    _(VCMEQ, 0x6e208c00, "cmeq", 15) \
    _(VCMTST, 0x4e208c00, "cmtst", 15) \
    _(VSMAX, 0x4e206400, "smax", 7) \
    _(VSMIN, 0x4e206c00, "smin", 7) \
    _(VUMAX, 0x6e206400, "umax", 7) \
    _(VUMIN, 0x6e206c00, "umin", 7) \
    _(VSQADD, 0x4e200c00, "sqadd", 15) \
    _(VUQADD, 0x6e200c00, "uqadd", 15) \
    _(VSQSUB, 0x4e202c00, "sqsub", 15) \
    _(VUQSUB, 0x6e202c00, "uqsub", 15) \
    _(VSSHL, 0x4e204400, "sshl", 15) \
    _(VUSHL, 0x6e204400, "ushl", 15) \
    _(VZIP1, 0x4e003800, "zip1", 15) \
    _(VZIP2, 0x4e007800, "zip2", 15) \
    _(VUZP1, 0x4e001800, "uzp1", 15) \
    _(VUZP2, 0x4e005800, "uzp2", 15) \
    _(VTRN1, 0x4e002800, "trn1", 15) \
    _(VTRN2, 0x4e006800, "trn2", 15) \
    _(VADDP, 0x4e20bc00, "addp", 15) \
    _(VURHADD, 0x6e201400, "urhadd", 7) \
    _(VUABD, 0x6e207400, "uabd", 7)
#define A_VF1(_) /* vd, vn: float lanes; bit 22: double. Halves: A_VF_HALF1 */ \
    _(VFABS, 0x4ea0f800, "fabs") \
    _(VFNEG, 0x6ea0f800, "fneg") \
    _(VFSQRT, 0x6ea1f800, "fsqrt") \
    _(VFRINTN, 0x4e218800, "frintn") \
    _(VFRINTP, 0x4ea18800, "frintp") \
    _(VFRINTM, 0x4e219800, "frintm") \
    _(VFRINTZ, 0x4ea19800, "frintz") \
    _(VFRINTA, 0x6e218800, "frinta") \
    _(VFRINTX, 0x6e219800, "frintx") \
    _(VFRINTI, 0x6ea19800, "frinti") \
    _(VFCVTNS, 0x4e21a800, "fcvtns") \
    _(VFCVTPS, 0x4ea1a800, "fcvtps") \
    _(VFCVTMS, 0x4e21b800, "fcvtms") \
    _(VFCVTZS, 0x4ea1b800, "fcvtzs") \
    _(VFCVTAS, 0x4e21c800, "fcvtas") \
    _(VFCVTNU, 0x6e21a800, "fcvtnu") \
    _(VFCVTPU, 0x6ea1a800, "fcvtpu") \
    _(VFCVTMU, 0x6e21b800, "fcvtmu") \
    _(VFCVTZU, 0x6ea1b800, "fcvtzu") \
    _(VFCVTAU, 0x6e21c800, "fcvtau") \
    _(VSCVTF, 0x4e21d800, "scvtf") \
    _(VUCVTF, 0x6e21d800, "ucvtf")
#define A_VF2(_) /* vd, vn, vm: float lanes; bit 22: double. Halves: A_VF_HALF2 */ \
    _(VFADD, 0x4e20d400, "fadd") \
    _(VFSUB, 0x4ea0d400, "fsub") \
    _(VFMUL, 0x6e20dc00, "fmul") \
    _(VFDIV, 0x6e20fc00, "fdiv") \
    _(VFMAX, 0x4e20f400, "fmax") \
    _(VFMIN, 0x4ea0f400, "fmin") \
    _(VFMAXNM, 0x4e20c400, "fmaxnm") \
    _(VFMINNM, 0x4ea0c400, "fminnm") \
    _(VFMLA, 0x4e20cc00, "fmla") \
    _(VFMLS, 0x4ea0cc00, "fmls") \
    _(VFCMEQ, 0x4e20e400, "fcmeq") \
    _(VFCMGE, 0x6e20e400, "fcmge") \
    _(VFCMGT, 0x6ea0e400, "fcmgt")
#define A_VSHIFT(_) /* vd, vn, immh:immb in bits 16..22 */ \
    _(VSHL, 0x4f005400, "shl") \
    _(VSSHR, 0x4f000400, "sshr") \
    _(VUSHR, 0x6f000400, "ushr") \
    _(VUSRA, 0x6f001400, "usra")
#define A_VLONG(_) /* vd, vn, vm: bit 30 is the upper half, bits 22..23 the source's element size */ \
    _(VSMULL, 0x0e20c000, "smull") \
    _(VUMULL, 0x2e20c000, "umull")
#define A_VNARROW(_) /* vd, vn: 8 bytes of 16; bits 22..23 are the result's element size */ \
    _(VXTN, 0x0e212800, "xtn") \
    _(VSQXTN, 0x0e214800, "sqxtn") \
    _(VUQXTN, 0x2e214800, "uqxtn") \
    _(VSQXTUN, 0x2e212800, "sqxtun")
#define A_LOADS(_) /* rt, [rn, imm12 scaled]: size, what a load or store of it is named */ \
    _(LDRB, 0x39400000, "ldrb", 0) \
    _(LDRSB_X, 0x39800000, "ldrsb", 0) \
    _(LDRSB_W, 0x39c00000, "ldrsb", 0) \
    _(STRB, 0x39000000, "strb", 0) \
    _(LDRH, 0x79400000, "ldrh", 1) \
    _(LDRSH_X, 0x79800000, "ldrsh", 1) \
    _(LDRSH_W, 0x79c00000, "ldrsh", 1) \
    _(STRH, 0x79000000, "strh", 1) \
    _(LDR_W, 0xb9400000, "ldr", 2) \
    _(LDRSW, 0xb9800000, "ldrsw", 2) \
    _(STR_W, 0xb9000000, "str", 2) \
    _(LDR_X, 0xf9400000, "ldr", 3) \
    _(STR_X, 0xf9000000, "str", 3) \
    _(LDR_BV, 0x3d400000, "ldr", 0) \
    _(STR_BV, 0x3d000000, "str", 0) \
    _(LDR_HV, 0x7d400000, "ldr", 1) \
    _(STR_HV, 0x7d000000, "str", 1) \
    _(LDR_SV, 0xbd400000, "ldr", 2) \
    _(STR_SV, 0xbd000000, "str", 2) \
    _(LDR_DV, 0xfd400000, "ldr", 3) \
    _(STR_DV, 0xfd000000, "str", 3) \
    _(LDR_QV, 0x3dc00000, "ldr", 4) \
    _(STR_QV, 0x3d800000, "str", 4)
#define A_EXCLUSIVE(_) /* rt, [rn]: bits 30..31 are the size; a store's status register is in bits 16..20 */ \
    _(LDXR, 0x085f7c00, "ldxr") \
    _(LDAXR, 0x085ffc00, "ldaxr") \
    _(STXR, 0x08007c00, "stxr") \
    _(STLXR, 0x0800fc00, "stlxr") \
    _(LDAR, 0x08dffc00, "ldar") \
    _(STLR, 0x089ffc00, "stlr") \
    _(LDAPR, 0x38bfc000, "ldapr")
#define A_LSE(_) /* rs, rt, [rn]: bits 30..31 are the size; all acquire and release */ \
    _(LDADD, 0x38e00000, "ldaddal") \
    _(LDCLR, 0x38e01000, "ldclral") \
    _(LDEOR, 0x38e02000, "ldeoral") \
    _(LDSET, 0x38e03000, "ldsetal") \
    _(LDSMAX, 0x38e04000, "ldsmaxal") \
    _(LDSMIN, 0x38e05000, "ldsminal") \
    _(LDUMAX, 0x38e06000, "ldumaxal") \
    _(LDUMIN, 0x38e07000, "lduminal") \
    _(SWP, 0x38e08000, "swpal") \
    _(CAS, 0x08e0fc00, "casal")

enum {
#define _(name, opc, ...) A_##name = (int)(opc),
    A_RRR(_) A_RR(_) A_F1(_) A_F2(_) A_F3(_) A_V1(_) A_V2(_) A_VF1(_) A_VF2(_) A_VSHIFT(_) A_VLONG(_) A_VNARROW(_)
        A_LOADS(_) A_EXCLUSIVE(_) A_LSE(_)
#undef _
};

static inline void a_insn(struct code *c, u32 v)
{
    memcpy(c->p, &v, 4);
    c->p += 4;
}
static inline u32 a_rd(unsigned r)
{
    return r & 31;
}
static inline u32 a_rn(unsigned r)
{
    return (r & 31) << 5;
}
static inline u32 a_rm(unsigned r)
{
    return (r & 31) << 16;
}
/* Two and three registers, of any class; what selects the size is in the opcode, or `w`. */
static inline void a_rr(struct code *c, int opc, bool w, unsigned rd, unsigned rn)
{
    a_insn(c, (u32)opc | (u32)w << 31 | a_rn(rn) | a_rd(rd));
}
static inline void a_rrr(struct code *c, int opc, bool w, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, (u32)opc | (u32)w << 31 | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
enum { A_LSL, A_LSR, A_ASR, A_ROR };
/* ADD .. ANDS with rm shifted. */
void a_rrr_shift(struct code *c, int opc, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned kind, unsigned n);
void a_madd(struct code *c, bool sub, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned ra);
void a_mulhigh(struct code *c, bool sign, unsigned rd, unsigned rn, unsigned rm);

/* Immediates. add_imm: 64 bits, any value (clobbers rd only, so rd may be rn when it fits twelve bits twice). */
bool a_imm12(u64 v, u32 *field);             /* imm12 with its shift, as ADD and SUB have it */
bool a_imm_logic(u64 v, bool w, u32 *field); /* N:immr:imms in place */
void a_addsub_i(struct code *c, bool sub, bool flags, bool w, unsigned rd, unsigned rn, u32 field);
void a_logic_i(struct code *c, int opc, bool w, unsigned rd, unsigned rn, u32 field); /* AND ORR EOR ANDS */
void a_add_imm(struct code *c, unsigned rd, unsigned rn, i64 v);                      /* may use x17 when v is large */
void a_mov(struct code *c, bool w, unsigned rd, unsigned rn);                         /* 31 is zero */
void a_mov_sp(struct code *c, unsigned rd, unsigned rn);                              /* 31 is the stack pointer */
void a_mov_i(struct code *c, unsigned rd, u64 v);
void a_bfm(struct code *c, bool sign, bool w, unsigned rd, unsigned rn, unsigned immr, unsigned imms); /* UBFM SBFM */
void a_bfi(struct code *c, bool w, unsigned rd, unsigned rn, unsigned pos, unsigned len);
void a_bfxil(struct code *c, bool w, unsigned rd, unsigned rn, unsigned pos, unsigned len);
void a_shift_i(struct code *c, unsigned kind, bool w, unsigned rd, unsigned rn, unsigned n);
void a_extr(struct code *c, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned lsb);
void a_tst(struct code *c, bool w, unsigned rn, unsigned rm);
void a_cmp(struct code *c, bool w, unsigned rn, unsigned rm);
void a_cmp_i(struct code *c, bool w, unsigned rn, u32 field);

enum { A_CSEL, A_CSINC, A_CSINV, A_CSNEG };
void a_csel(struct code *c, unsigned kind, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned cc);
void a_cset(struct code *c, bool w, unsigned rd, unsigned cc);
void a_ccmp(struct code *c, bool w, unsigned rn, unsigned rm, unsigned nzcv, unsigned cc); /* cc ? cmp : nzcv */

enum { A_SYS_NZCV = 0x1b4200, A_SYS_FPCR = 0x1b4400, A_SYS_FPSR = 0x1b4420 };
void a_mrs(struct code *c, unsigned rt, u32 sys);
void a_msr(struct code *c, u32 sys, unsigned rt);
enum { A_DMB_ISHLD = 0xd50339bf, A_DMB_ISHST = 0xd5033abf, A_DMB_ISH = (int)0xd5033bbf, A_NOP = (int)0xd503201f };

/* Jumps and places relative to them; at: the instruction. a_bind gives it its target, a_shift moves the target. */
u8 *a_b(struct code *c);
u8 *a_bl(struct code *c);
u8 *a_bcc(struct code *c, unsigned cc);
u8 *a_cbz(struct code *c, bool nz, bool w, unsigned rt);
u8 *a_tbz(struct code *c, bool nz, unsigned rt, unsigned bit);
u8 *a_adr(struct code *c, unsigned rd);
u8 *a_ldr_lit(struct code *c, unsigned type, unsigned rt); /* type: enum ir_type of the register */
void a_br(struct code *c, unsigned rn);
void a_blr(struct code *c, unsigned rn);
void a_ret(struct code *c, unsigned rn);
void a_bind(u8 *at, const u8 *to);
void a_shift(u8 *at, i32 by);

/* Memory: [rn + off], [rn + rm], pairs. size: log2 of the bytes. */
void a_mem(struct code *c, int opc, unsigned rt, unsigned rn, i64 off); /* scaled, unscaled, or by way of x17 */
bool a_mem_fits(int opc, i64 off);
void a_mem_reg(struct code *c, int opc, unsigned rt, unsigned rn, unsigned rm, bool scaled);
enum {
    A_LDP_W = 0x29400000,
    A_STP_W = 0x29000000,
    A_LDP = (int)0xa9400000,
    A_STP = (int)0xa9000000,
    A_LDP_S = 0x2d400000,
    A_STP_S = 0x2d000000,
    A_LDP_D = 0x6d400000,
    A_STP_D = 0x6d000000,
    A_LDP_Q = (int)0xad400000,
    A_STP_Q = (int)0xad000000
};
enum { A_OFFSET = 0, A_PRE = 0x00800000, A_POST = -0x00800000 };
void a_pair(struct code *c, int opc, int mode, unsigned rt, unsigned rt2, unsigned rn, i32 off);
bool a_pair_fits(int opc, i32 off);
void a_excl(struct code *c, int opc, unsigned size, unsigned rs, unsigned rt,
            unsigned rn); /* rs: ZR without a status */
void a_ldxp(struct code *c, bool acquire, unsigned rt, unsigned rt2, unsigned rn);
void a_stxp(struct code *c, bool release, unsigned rs, unsigned rt, unsigned rt2, unsigned rn);
void a_lse(struct code *c, int opc, unsigned size, unsigned rs, unsigned rt, unsigned rn);

/* Scalar floats. es: 1 half, 2 single, 3 double. */
void a_f1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn);
void a_f2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm);
void a_f3(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm, unsigned ra);
void a_fcmp(struct code *c, bool signal, unsigned es, unsigned rn, unsigned rm);
void a_fcsel(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned rm, unsigned cc);
void a_fcvt(struct code *c, unsigned to, unsigned from, unsigned rd, unsigned rn);
enum { A_RN, A_RP, A_RM, A_RZ, A_RA };
void a_f2i(struct code *c, unsigned round, bool uns, bool w, unsigned es, unsigned rd, unsigned rn);
void a_i2f(struct code *c, bool uns, bool w, unsigned es, unsigned rd, unsigned rn);
void a_fmov_gv(struct code *c, unsigned es, unsigned rd, unsigned vn); /* integer <- float's bits */
void a_fmov_vg(struct code *c, unsigned es, unsigned vd, unsigned rn);

/* Vectors. */
enum { A_VUADDLP = 0x6e202800 }; /* as A_V1, of the source's size: 0..2 */
void a_v1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn);
void a_v2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm);
void a_vf1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn);
void a_vf2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm);
void a_vshift(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned n);
void a_vlong(struct code *c, int opc, bool high, unsigned es, unsigned rd, unsigned rn, unsigned rm);
void a_vxtl(struct code *c, bool uns, bool high, unsigned es, unsigned rd, unsigned rn); /* es: the source's */
void a_vnarrow(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn);          /* es: the result's */
void a_pmull(struct code *c, bool high, unsigned rd, unsigned rn, unsigned rm);          /* 64 to 128 bits */
void a_fcvtl(struct code *c, bool high, unsigned es, unsigned rd, unsigned rn);          /* es: the source's, 1 or 2 */
void a_fcvtn(struct code *c, unsigned es, unsigned rd, unsigned rn);                     /* es: the source's, 2 or 3 */
void a_dup_g(struct code *c, unsigned es, unsigned rd, unsigned rn);
void a_dup_v(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned lane); /* every lane */
void a_dup_s(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned lane); /* a scalar */
void a_umov(struct code *c, bool sign, bool w, unsigned es, unsigned rd, unsigned rn, unsigned lane);
void a_ins_g(struct code *c, unsigned es, unsigned rd, unsigned lane, unsigned rn);
void a_ins_v(struct code *c, unsigned es, unsigned rd, unsigned lane, unsigned rn, unsigned from);
void a_ext(struct code *c, unsigned rd, unsigned rn, unsigned rm, unsigned n);
void a_tbl(struct code *c, unsigned nregs, unsigned rd, unsigned rn, unsigned rm);
void a_movi_0(struct code *c, unsigned rd);

#endif

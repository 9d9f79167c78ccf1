/* The x86-64 back end: its registers, its rows and what its files share. Values, registers and exits are the common
 * part's (tcg/host/gen_priv.h). */
#ifndef MOSS_TCG_HOST_X86_64_X_PRIV_H
#define MOSS_TCG_HOST_X86_64_X_PRIV_H

#include "tcg/host/gen_priv.h"
#include "tcg/host/x86_64/enc.h"

enum {
    /* rbp: the CPU struct; r15: rt.tlb[0]; rsp: host stack; rax rcx rdx: scratch of emitters */
    GPR_ALLOC = RBIT(RBX) | RBIT(RSI) | RBIT(RDI) | RBIT(R8) | RBIT(R9) | RBIT(R10) | RBIT(R11) | RBIT(R12) |
                RBIT(R13) | RBIT(R14),
    GPR_CALLER_SAVED = RBIT(RSI) | RBIT(RDI) | RBIT(R8) | RBIT(R9) | RBIT(R10) | RBIT(R11),
};
#define XMM_ALLOC (VREGS & (RBIT(XMM15 + 1) - RBIT(XMM3))) /* xmm0..2: scratch of emitters */

extern const struct host_arch x_arch;

#define RT_MEM(field)   MEM(RBP, RT_OFF(field) - RT_BIAS)
#define RT_AT(field, i) MEM(RBP, RT_OFF_AT(field, i) - RT_BIAS)

/* The value as a signed 32-bit immediate of an instruction of this type. */
static inline bool const_fits(const struct gen *g, ir_ref r, unsigned type, i32 *imm)
{
    if (!ir_is_const(r)) {
        return false;
    }
    u64 v = const_of(g, r);
    *imm = (i32)v;
    return type != IR_I64 || (i64)v == (i32)v;
}

/* Conditions that need the parity flag too. */
enum { C_AND_NP = C_HOST, C_OR_P };

/* operand.c: an operand as an instruction may take it. */
struct opnd {
    enum { OP_REG, OP_IMM, OP_MEM, OP_POOL, OP_TABLE } kind;
    unsigned reg;
    i32 imm; /* OP_POOL: index; OP_TABLE: offset */
    struct mem mem;
};
struct mem loc_mem(const struct gen *g, unsigned loc);
struct opnd ra_opnd(struct gen *g, ir_ref r, unsigned type); /* memory only when that is the last use */
void alu_opnd(struct gen *g, enum alu op, bool w, unsigned reg, const struct opnd *o);
void alu_width(struct gen *g, enum alu op, unsigned type, unsigned reg,
               const struct opnd *o);                                                    /* 8 and 16 bits too; may
                                                                                          use rcx unless *o does */
void shift_width(struct gen *g, enum shift op, unsigned type, unsigned reg, unsigned n); /* n 0: by cl */
void test_width(struct gen *g, unsigned type, unsigned a, unsigned b);
void mov_opnd(struct gen *g, bool w, unsigned reg, const struct opnd *o);
#define POOL_MEM MEM(RIP, 0)
void pool_use(struct gen *g, unsigned index, unsigned imm_bytes); /* the instruction just written refers to it */
void table_use(struct gen *g, unsigned off, unsigned imm_bytes);  /* the same for the shared constants */

/* flags.c */
struct cond cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b);
struct cond cond_flags(struct gen *g, unsigned cc, ir_ref f);
void flags_pack(struct gen *g, ir_ref f);  /* packed form into eax; bits outside enum fl_bits may be anything */
void flags_clean(struct gen *g);           /* those bits of eax to 0 */
void fcmp_packed(struct gen *g, u32 fcmp); /* the same of a comparison EFLAGS hold; fcmp: its imm */
void flags_twin(struct gen *g, struct xop *x, unsigned kind, ir_ref a, ir_ref b); /* the op's instruction set EFLAGS */

/* control.c, thunks.c: what struct host_arch and struct host say of them. */
u8 *x_jump_if(struct gen *g, struct cond c, u8 **second);
struct cond x_cond_not(struct cond c);
void x_align_link(struct gen *g, bool cond);
void x_entry(struct gen *g);
u8 *x_event_check(struct gen *g);
u8 *x_count_down(struct gen *g, unsigned n);
void x_count_up(struct gen *g, unsigned n);
void x_leave(struct gen *g, i32 off, u32 token, unsigned th);
void x_leave_at(struct gen *g, u32 token, const void *thunk);
void x_set_target(struct gen *g, unsigned reg);
/* Goes to rdx by the jump cache; the jumps to be bound for what it does not have (returned) and for events. */
u8 *x_jc_go(struct code *c, bool call, u8 **event);
void x_move_page(struct gen *g, i32 by);
void x_set_target_far(struct gen *g, i32 off);
void x_set_target_pc(struct gen *g);
void x_go_target(struct gen *g, bool call);
void x_go_return(struct gen *g);
bool x_return_push(struct gen *g, i32 off);
void x_return_land(struct gen *g, i32 off);
void x_patch_jump(u8 *rw, const u8 *at, const u8 *target);
void x_patch_entry(u8 *rw, const u8 *entry, const u8 *stale);
bool x_set_base(const void *base);
u32 x_make_thunks(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f, bool vpins,
                  struct host_thunks *out);

extern const struct row rows[XOP_COUNT];

/* cpu.c: what this machine has. */
struct x_cpu {
    bool avx, avx2, fma, f16c, bmi1, bmi2, lzcnt, popcnt, movbe, pclmul, aes;
};
extern struct x_cpu x_cpu; /* tests may clear bits */
const char *x_unavailable(void);
enum host_access x_misaligned(const u8 *at, const struct rt *rt, u64 *addr); /* memory.c: host->misaligned */

/* table.c: constants all blocks share, 16 bytes each. */
#define X_TABLE(_) \
    _(ZERO, 0, 0) \
    _(ONES, ~0ull, ~0ull) \
    _(SIGN16, 0x8000800080008000, 0x8000800080008000) \
    _(SIGN32, 0x8000000080000000, 0x8000000080000000) \
    _(SIGN64, 0x8000000000000000, 0x8000000000000000) \
    _(ABS16, 0x7fff7fff7fff7fff, 0x7fff7fff7fff7fff) \
    _(ABS32, 0x7fffffff7fffffff, 0x7fffffff7fffffff) \
    _(ABS64, 0x7fffffffffffffff, 0x7fffffffffffffff) \
    _(NEG16, 0x8000, 0) /* of scalars: nothing above */ \
    _(NEG32, 0x80000000, 0) \
    _(NEG64, 0x8000000000000000, 0) \
    _(MAG16, 0x7fff, 0) \
    _(MAG32, 0x7fffffff, 0) \
    _(MAG64, 0x7fffffffffffffff, 0) \
    _(LOW8, 0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff) \
    _(MAX7, 0x007f007f007f007f, 0x007f007f007f007f) \
    _(LOW16, 0x0000ffff0000ffff, 0x0000ffff0000ffff) \
    _(MAX15, 0x00007fff00007fff, 0x00007fff00007fff) \
    _(LOW32, 0x00000000ffffffff, 0x00000000ffffffff) \
    _(MAX31, 0x000000007fffffff, 0x000000007fffffff) \
    _(MIN31, 0xffffffff80000000, 0xffffffff80000000) \
    _(NIBBLE, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f) \
    _(ONES_OF_NIBBLE, 0x0302020102010100, 0x0403030203020201) \
    _(SEVENTIES, 0x7070707070707070, 0x7070707070707070) \
    _(NARROW16, 0x0e0c0a0806040200, 0x8080808080808080) \
    _(NARROW32, 0x0d0c090805040100, 0x8080808080808080) \
    _(NARROW64, 0x0b0a090803020100, 0x8080808080808080) \
    _(BYTE08, 0x8080808080800800, 0x8080808080808080) \
    _(REV128, 0x08090a0b0c0d0e0f, 0x0001020304050607) \
    _(QNAN16, 0x7e007e007e007e00, 0x7e007e007e007e00) \
    _(QNAN32, 0x7fc000007fc00000, 0x7fc000007fc00000) \
    _(QNAN64, 0x7ff8000000000000, 0x7ff8000000000000) \
    _(QUIET32, 0x0040000000400000, 0x0040000000400000) \
    _(QUIET64, 0x0008000000000000, 0x0008000000000000) \
    _(TINY32, 0x0080000000800000, 0x0080000000800000) /* the least normal number */ \
    _(TINY64, 0x0010000000000000, 0x0010000000000000) \
    _(TINY16, 0x0400040004000400, 0x0400040004000400) \
    _(INF16, 0x7c007c007c007c00, 0x7c007c007c007c00) \
    _(CUT29, 0x1fffffff, 0x1fffffff) /* what a double's fraction has more than a single's */ \
    _(BIT29, 0x20000000, 0x20000000) \
    _(KEEP29, 0xffffffffe0000000, 0xffffffffe0000000) \
    _(EXP32, 0x7f000000, 0) /* of scalars: the exponent less its lowest bit */ \
    _(EXP64, 0x7fe0000000000000, 0) \
    _(CRC_IEEE, 0xb4e5b025f7011641, 0x1db710641) /* 1 / P mod x^64, P; bits in reverse order */ \
    _(CRC_CASTAGNOLI, 0x4869ec38dea713f1, 0x105ec76f1) \
    _(HALF_32, 0x3f0000003f000000, 0x3f0000003f000000) \
    _(HALF_64, 0x3fe0000000000000, 0x3fe0000000000000) \
    _(ONE_32, 0x3f8000003f800000, 0x3f8000003f800000) \
    _(ONE_64, 0x3ff0000000000000, 0x3ff0000000000000) \
    _(TWO23_32, 0x4b0000004b000000, 0x4b0000004b000000) /* no fraction from here on */ \
    _(TWO52_64, 0x4330000000000000, 0x4330000000000000) \
    _(TWO16_32, 0x4780000047800000, 0x4780000047800000) \
    _(TWO63_32, 0x5f0000005f000000, 0x5f0000005f000000) \
    _(TWO63_64, 0x43e0000000000000, 0x43e0000000000000)
enum x_table {
#define _(name, lo, hi) T_##name,
    X_TABLE(_)
#undef _
        T_COUNT
};
#define TABLE(name) (&(struct opnd){.kind = OP_TABLE, .imm = T_##name * 16})
u32 x_write_table(u8 *p); /* bytes written, a multiple of 16 */

/* float.c: scalars that end in a register with zeros above need no vzero_ext. */
bool float_zero_above(const struct gen *g, ir_ref r, unsigned type); /* r, read as `type`, is such a one */
bool float_clears(const struct gen *g, const struct xop *x);         /* x's emitter makes one of its operands */

/* x87.c */
void x87_begin(struct gen *g);
void x87_undo(struct rt *rt);
emit_fn emit_x87;

/* vec.c: vector operands. */
struct opnd ra_vopnd(struct gen *g, ir_ref r, unsigned type); /* a register or memory */
void vop(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o);
void vop_i(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o, u8 imm);
struct opnd opnd_reg(unsigned reg);
void vmov(struct gen *g, unsigned rd, const struct opnd *o); /* all 16 bytes */

/* The emitters. */
emit_fn emit_add, emit_sub, emit_mul, emit_and, emit_or, emit_xor, emit_andn, emit_neg, emit_shift, emit_mulh, emit_div,
    emit_count, emit_bitrev, emit_bswap, emit_ext, emit_extract, emit_deposit, emit_extr, emit_crc32, emit_setcc,
    emit_select, emit_recipe, emit_fl_adc, emit_fl_mix, emit_fl_unpack, emit_adc, emit_setf, emit_selectf, emit_ld,
    emit_ld_hi, emit_st, emit_rmw, emit_cas, emit_fence, emit_bitcast, emit_vzero_ext, emit_vdup, emit_vget, emit_vset,
    emit_vshuf, emit_vtbl, emit_vbsl, emit_v2, emit_vmul, emit_vandn, emit_vnot, emit_vneg, emit_vminmax64, emit_vabs,
    emit_vsat, emit_vcmp, emit_vshift, emit_vshiftv, emit_vmull, emit_vxtl, emit_vxtn, emit_vqxtn, emit_vpopcnt,
    emit_vclmul, emit_fsign, emit_farith, emit_fma, emit_fminmax, emit_vfcmp, emit_fround, emit_fcvt, emit_vfcvtl,
    emit_vfcvtn, emit_f2i, emit_vf2i, emit_i2f, emit_vi2f, emit_fcmp_flushing, emit_fminmaxc, emit_faddsub,
    emit_festimate, emit_vf2in, emit_vi2fl, emit_vsigned, emit_vpermv, emit_vshift_lanes, emit_vshift_all, emit_vblend,
    emit_vmask, emit_vtst, emit_vaes;

#endif

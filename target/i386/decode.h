/* From bytes to an instruction of x86: prefixes, opcode maps, ModRM, SIB, displacement and immediates, by the table
 * that the tables in insns/ hold. Pure: what comes out depends on the bytes, the code segment's size and the cpu's
 * features alone. SPEC: Intel SDM volume 2, chapter 2 and appendix A; AMD APM volume 3, chapter 1 and appendix A. */
#ifndef MOSS_TARGET_I386_DECODE_H
#define MOSS_TARGET_I386_DECODE_H

#include "base/types.h"

/* -- features: CPUID's bits, and what separates the models before it -------------------------------------------------
 */

enum x86_feat {
#define FEATURE(name) X86_FEAT_##name,
#define X86_FEATURES
#include "target/i386/i386_insns.inc"
#undef X86_FEATURES
#undef FEATURE
    X86_FEATS,
    X86_ALWAYS = 254, /* of a row: every cpu has it */
    X86_NEVER = 255,  /* no cpu has this form */
};
struct x86_features {
    u64 w[2];
};
_Static_assert(X86_FEATS <= 128, "they fit in x86_features");
static inline bool x86_has(const struct x86_features *f, unsigned feat)
{
    return feat == X86_ALWAYS || (feat != X86_NEVER && (f->w[feat / 64] >> feat % 64 & 1));
}

/* -- operands, in the manual's letters (SDM volume 2, A.2.1 and A.2.2)
 * --------------------------------------------------
 *
 * First letter, where it is:
 *   A far address in the instruction     B VEX.vvvv, general register   C D control, debug register (ModRM.reg)
 *   E general register or memory (rm)    G general register (reg)       H VEX.vvvv, vector register
 *   I immediate   J relative address     L immediate bits 7:4, vector register   M memory   N MMX register (rm)
 *   O memory at an address in the instruction   P MMX register (reg)    Q MMX register or memory (rm)
 *   R general register (rm)   S segment register (reg)   U vector register (rm)   V vector register (reg)
 *   W vector register or memory (rm)   X DS:rSI   Y ES:rDI   Z general register, low bits of the opcode
 *
 * What follows, how large it is: b w d q o: 1 2 4 8 16 bytes; t: 10; v: the operand size; z: that, at most 4;
 * y: 4, or in 64-bit mode 8 with W; n: 8 in 64-bit mode, else 4; x: 16, or 32 with VEX.L; h qx ox: a half, a quarter,
 * an eighth of x; ddup: 8, or 32 with VEX.L; p: far pointer; s: limit and base; a: two of v; nothing: an address only.
 * MV: memory addressed by a vector (VSIB). sIb: a byte, sign-extended to the operand size. */
// clang-format off
#define X86_OPERANDS(_) \
    _(Ap, A, p) _(By, B, y) _(Cn, C, n) _(Dn, D, n) \
    _(Eb, E, b) _(Ed, E, d) _(Ev, E, v) _(Ew, E, w) _(Ey, E, y) \
    _(Gb, G, b) _(Gd, G, d) _(Gq, G, q) _(Gv, G, v) _(Gw, G, w) _(Gy, G, y) _(Gz, G, z) \
    _(Hh, H, h) _(Ho, H, o) _(Hx, H, x) \
    _(Ib, I, b) _(Ib2, I2, b) _(Iv, I, v) _(Iw, I, w) _(Iz, I, z) _(sIb, sI, b) _(Jb, J, b) _(Jz, J, z) _(Lx, L, x) \
    _(M, M, none) _(Ma, M, a) _(Mb, M, b) _(Md, M, d) _(Mo, M, o) _(Mp, M, p) _(Mq, M, q) _(Ms, M, s) _(Mt, M, t) \
    _(Mv, M, v) _(Mw, M, w) _(Mx, M, x) _(My, M, y) _(MVh, MV, h) _(MVx, MV, x) \
    _(Nq, N, q) _(Ob, O, b) _(Ov, O, v) _(Pq, P, q) _(Qd, Q, d) _(Qq, Q, q) \
    _(Rd, R, d) _(Rn, R, n) _(Rq, R, q) _(Rv, R, v) _(Ry, R, y) _(Sw, S, w) _(Uo, U, o) _(Ux, U, x) \
    _(Vh, V, h) _(Vo, V, o) _(Vx, V, x) \
    _(Wb, W, b) _(Wd, W, d) _(Wddup, W, ddup) _(Whx, W, h) _(Wo, W, o) _(Wox, W, ox) _(Wq, W, q) _(Wqx, W, qx) \
    _(Ww, W, w) _(Wx, W, x) _(Xb, X, b) _(Xv, X, v) _(Xz, X, z) _(Yb, Y, b) _(Yv, Y, v) _(Yz, Y, z) \
    _(Zb, Z, b) _(Zv, Z, v) _(Zy, Z, y) \
    /* A register by name. */ \
    _(AL, AX, b) _(AX, AX, w) _(eAX, AX, z) _(rAX, AX, v) _(CL, CX, b) _(DX, DX, w) _(1, ONE, b) \
    _(ES, ES, w) _(CS, CS, w) _(SS, SS, w) _(DS, DS, w) _(FS, FS, w) _(GS, GS, w) _(ST, ST, t) _(STi, STi, t)
// clang-format on

enum x86_opd {
    OPD_NONE,
#define _(name, place, size) OPD_##name,
    X86_OPERANDS(_)
#undef _
};
// clang-format off
enum x86_place {
    PL_NONE, PL_A, PL_B, PL_C, PL_D, PL_E, PL_G, PL_H, PL_I, PL_I2, PL_sI, PL_J, PL_L, PL_M, PL_MV, PL_N, PL_O, PL_P, PL_Q,
    PL_R, PL_S, PL_U, PL_V, PL_W, PL_X, PL_Y, PL_Z, PL_AX, PL_CX, PL_DX, PL_ONE, PL_ES, PL_CS, PL_SS, PL_DS, PL_FS, PL_GS,
    PL_ST, PL_STi,
};
enum x86_size {
    SZ_none, SZ_b, SZ_w, SZ_d, SZ_q, SZ_o, SZ_t, SZ_v, SZ_z, SZ_y, SZ_n, SZ_x, SZ_h, SZ_qx, SZ_ox, SZ_ddup, SZ_p, SZ_s, SZ_a,
};
// clang-format on
struct x86_opd_info {
    const char *name;
    u8 place, size; /* enum x86_place, enum x86_size */
};
extern const struct x86_opd_info x86_opds[];

/* -- rows ------------------------------------------------------------------------------------------------------------
 */

enum x86_map { MAP_ONE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_3DNOW, X86_MAPS };
enum x86_pp { PP_NP, PP_66, PP_F3, PP_F2, PP_ANY };
enum x86_mod { MOD_ANY, MOD_MEM, MOD_REG };
enum {
    ROW_I64 = 1 << 0,  /* undefined in 64-bit mode */
    ROW_O64 = 1 << 1,  /* undefined outside it */
    ROW_D64 = 1 << 2,  /* in 64-bit mode the operand size is 64, or 16 */
    ROW_F64 = 1 << 3,  /* in 64-bit mode it is 64 */
    ROW_LOCK = 1 << 4, /* LOCK is allowed when the first operand is memory */
    ROW_REP = 1 << 5,
    ROW_W0 = 1 << 6,
    ROW_W1 = 1 << 7,
    ROW_L0 = 1 << 8,
    ROW_L1 = 1 << 9,
    ROW_LIG = 1 << 10,
    ROW_VEX = 1 << 11,  /* has a VEX form */
    ROW_MOD3 = 1 << 12, /* ModRM.mod is ignored: a register */
    ROW_B0 = 1 << 13,   /* not with REX.B */
};
enum x86_fn {
#define FUNCTION(name) X86_FN_##name,
#define X86_FUNCTIONS
#include "target/i386/i386_insns.inc"
#undef X86_FUNCTIONS
#undef FUNCTION
    X86_FNS
};
struct x86_row {
    const char *name; /* without the "v" of VEX forms of rows that have a legacy form too */
    u16 fn;           /* enum x86_fn */
    u16 flags;        /* ROW_* */
    u8 map, pp, opcode;
    i8 ext, rm;     /* -1: any */
    u8 mod;         /* enum x86_mod */
    u8 features[3]; /* of the legacy, the 128-bit and the 256-bit form */
    u8 opds[4];     /* enum x86_opd */
};
extern const struct x86_row x86_rows[];
extern const unsigned x86_nrows;
bool x86_row_has_modrm(const struct x86_row *r);

/* -- one instruction --------------------------------------------------------------------------------------------------
 */

enum x86_sreg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_DEFAULT = 7 };
enum { X86_NO_REG = 16, X86_RIP = 17 };
enum { REP_NONE, REP_REPNE = 0xf2, REP_REP = 0xf3 };

struct x86_instr {
    const struct x86_row *row;
    u8 len;      /* bytes, 1..15 */
    u8 opsize;   /* of v: 2, 4, 8 bytes */
    u8 addrsize; /* 2, 4, 8 */
    u8 seg;      /* an override, or SEG_DEFAULT: the base register's */
    u8 rep;      /* the last of F2 and F3, whether or not it chose the row */
    u8 pp;       /* enum x86_pp the prefixes mean */
    u8 vvvv;     /* VEX.vvvv */
    bool mode64, lock, opsize_prefix, rex, vex, w, l;
    u8 mod, reg, rm;       /* ModRM, with the extensions of REX or VEX; rm: of a register form, or the low bits */
    u8 base, index, scale; /* memory operand: register numbers, X86_NO_REG or X86_RIP (base only); scale: 0..3 */
    u8 opcode;             /* its byte: low bits are a condition or a register */
    u8 opreg;              /* the register in it, with REX.B */
    i64 disp;              /* sign-extended; of O: the address */
    u64 imm, imm2;         /* I J L sign-extended from their size; A: imm the offset, imm2 the selector; I2: imm2 */
};

enum x86_decoded {
    X86_DECODED,
    X86_UNDEFINED, /* in.len: bytes up to where that is known */
    X86_CUT,       /* more than `avail` bytes are needed */
    X86_LONG,      /* more than 15 bytes: #GP */
};
/* bits: 16, 32 or 64, of the code segment. */
enum x86_decoded x86_decode(struct x86_instr *in, const u8 *p, unsigned avail, unsigned bits,
                            const struct x86_features *f);
/* Bytes of an operand of this instruction (SZ_none: 0). */
unsigned x86_opd_bytes(const struct x86_instr *in, enum x86_opd o);

#endif

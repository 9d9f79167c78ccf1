/* The x86-64 instruction encoder: appends bytes, knows nothing of values or registers' contents.
 * Intel SDM volume 2: legacy, REX and VEX (128-bit) forms. Operands go in Intel's order, destination first. */
#ifndef MOSS_TCG_HOST_X86_64_ENC_H
#define MOSS_TCG_HOST_X86_64_ENC_H

#include <string.h>

#include "tcg/host/code_priv.h"

/* Registers as the allocator numbers them. Encoders take the low four bits. */
enum reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    XMM0 = 32,
    XMM1,
    XMM2,
    XMM3,
    XMM4,
    XMM5,
    XMM6,
    XMM7,
    XMM8,
    XMM9,
    XMM10,
    XMM11,
    XMM12,
    XMM13,
    XMM14,
    XMM15,
};

/* [base + index << scale + disp]; base RIP: the label at disp bytes behind the end of the instruction. */
struct mem {
    i32 disp;
    u8 base, index, scale;
    u8 how; /* MEM_xxx */
};
enum { RIP = 0x40, NOBASE = 0x80 };
enum { MEM_GS = 1 /* relative to GS */, MEM_32 = 2 /* what base, index and disp make is cut to 32 bits */ };
#define MEM(b, d)        ((struct mem){(i32)(d), (u8)(b), NOREG, 0, 0})
#define MEMX(b, x, s, d) ((struct mem){(i32)(d), (u8)(b), (u8)(x), (u8)(s), 0})

/* Opcodes: low byte, then map and mandatory prefix numbered as VEX numbers them, then properties. */
enum {
    M0F = 1 << 8,
    M38 = 2 << 8,
    M3A = 3 << 8,
    MAP_MASK = 3 << 8,
    P66 = 1 << 10,
    PF3 = 2 << 10,
    PF2 = 3 << 10,
    PP_MASK = 3 << 10,
    OPW = 1 << 12,  /* VEX.W or REX.W */
    OPB = 1 << 13,  /* the register in ModRM.reg is a byte */
    OPBM = 1 << 14, /* the one in ModRM.rm is */
    OPL = 1 << 15,  /* VEX.L: 256 bits */
};

/* The eight operations of the first opcode rows: /digit, and opcode >> 3. */
enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAR = 7 };
/* Condition codes as Jcc, SETcc, CMOVcc number them; a code's inverse is its neighbour. */
enum xcc { X_O, X_NO, X_B, X_AE, X_E, X_NE, X_BE, X_A, X_S, X_NS, X_P, X_NP, X_L, X_GE, X_LE, X_G };

enum {
    /* integer */
    X_MOV_RM = 0x8b,
    X_MOV_MR = 0x89,
    X_MOV8_MR = 0x88 | OPB,
    X_MOV16_MR = 0x89 | P66,
    X_LEA = 0x8d,
    X_MOVZX8 = 0xb6 | M0F | OPBM,
    X_MOVZX16 = 0xb7 | M0F,
    X_MOVSX8 = 0xbe | M0F | OPBM,
    X_MOVSX16 = 0xbf | M0F,
    X_MOVSXD = 0x63,
    X_IMUL = 0xaf | M0F,
    X_TEST = 0x85,
    X_TEST8 = 0x84 | OPB | OPBM,
    X_XCHG = 0x87,
    X_XCHG8 = 0x86 | OPB,
    X_XCHG16 = 0x87 | P66,
    X_XADD = 0xc1 | M0F,
    X_XADD8 = 0xc0 | M0F | OPB,
    X_XADD16 = 0xc1 | M0F | P66,
    X_CMPXCHG = 0xb1 | M0F,
    X_CMPXCHG8 = 0xb0 | M0F | OPB,
    X_CMPXCHG16 = 0xb1 | M0F | P66,
    X_LZCNT = 0xbd | M0F | PF3,
    X_TZCNT = 0xbc | M0F | PF3,
    X_POPCNT = 0xb8 | M0F | PF3,
    X_BSR = 0xbd | M0F,
    X_BSF = 0xbc | M0F,
    X_SHRD = 0xac | M0F,
    X_BT_IMM = 0xba | M0F,
    X_BT = 0xa3 | M0F,
    /* integer, VEX */
    X_ANDN = 0xf2 | M38,
    X_SHLX = 0xf7 | M38 | P66,
    X_SHRX = 0xf7 | M38 | PF2,
    X_SARX = 0xf7 | M38 | PF3,
    X_RORX = 0xf0 | M3A | PF2,
    X_MULX = 0xf6 | M38 | PF2,
    X_BZHI = 0xf5 | M38,
    /* vector moves, VEX */
    X_MOVAPS = 0x28 | M0F,
    X_MOVAPS_MR = 0x29 | M0F,
    X_MOVUPS = 0x10 | M0F,
    X_MOVUPS_MR = 0x11 | M0F,
    X_MOVSD = 0x10 | M0F | PF2,
    X_MOVSD_MR = 0x11 | M0F | PF2,
    X_MOVSS = 0x10 | M0F | PF3,
    X_MOVSS_MR = 0x11 | M0F | PF3,
    X_MOVD = 0x6e | M0F | P66,
    X_MOVD_RX = 0x7e | M0F | P66,
    X_MOVQ_XX = 0x7e | M0F | PF3,
    X_MOVQ_MR = 0xd6 | M0F | P66,
};

void x_byte(struct code *c, u8 b);
void x_u32(struct code *c, u32 v);
void x_u64(struct code *c, u64 v);

/* Legacy forms: `w` is the 64-bit operand size. */
void x_rr(struct code *c, u32 opc, bool w, unsigned reg, unsigned rm);
void x_rm(struct code *c, u32 opc, bool w, unsigned reg, struct mem m);
/* With an immediate of n bytes behind (RIP-relative displacements must know). */
void x_rri(struct code *c, u32 opc, bool w, unsigned reg, unsigned rm, u32 imm, unsigned n);
void x_rmi(struct code *c, u32 opc, bool w, unsigned reg, struct mem m, u32 imm, unsigned n);

void x_alu(struct code *c, enum alu op, bool w, unsigned reg, unsigned rm);
void x_alu_m(struct code *c, enum alu op, bool w, unsigned reg, struct mem m); /* reg op= [m] */
void x_alu_i(struct code *c, enum alu op, bool w, unsigned rm, i32 imm);
void x_alu_mi(struct code *c, enum alu op, bool w, struct mem m, i32 imm);
void x_shift(struct code *c, enum shift op, bool w, unsigned rm, unsigned n);
void x_shift_cl(struct code *c, enum shift op, bool w, unsigned rm);
void x_mov(struct code *c, bool w, unsigned dst, unsigned src); /* flags stay */
void x_mov_i(struct code *c, unsigned dst, u64 v);              /* flags stay */
void x_zero(struct code *c, unsigned dst);                      /* xor: flags go */
void x_load(struct code *c, bool w, unsigned dst, struct mem m);
void x_store(struct code *c, bool w, struct mem m, unsigned src);
void x_store_i(struct code *c, bool w, struct mem m, i32 imm);
void x_lea(struct code *c, bool w, unsigned dst, struct mem m);
void x_test(struct code *c, bool w, unsigned a, unsigned b);
void x_test_i(struct code *c, bool w, unsigned a, u32 imm);        /* shortest form that sets Z (and S of w) */
void x_test_mi(struct code *c, struct mem m, u32 imm);             /* 32 bits */
void x_unary(struct code *c, unsigned digit, bool w, unsigned rm); /* F7: 2 not 3 neg 4 mul 5 imul 6 div 7 idiv */
void x_setcc(struct code *c, enum xcc cc, unsigned dst);
void x_cmov(struct code *c, enum xcc cc, bool w, unsigned dst, unsigned src);
void x_bswap(struct code *c, bool w, unsigned r);
void x_push(struct code *c, unsigned r);
void x_pop(struct code *c, unsigned r);
void x_nops(struct code *c, unsigned n);

/* VEX, of 128 bits but for OPL: reg, vvvv, rm. Two-operand forms give vvvv 0. */
void x_upper_zero(struct code *c); /* VZEROUPPER: before C, whose instructions may be of SSE */
void v_rrr(struct code *c, u32 opc, unsigned reg, unsigned v, unsigned rm);
void v_rrm(struct code *c, u32 opc, unsigned reg, unsigned v, struct mem m);
void v_rrri(struct code *c, u32 opc, unsigned reg, unsigned v, unsigned rm, u8 imm);
void v_rrmi(struct code *c, u32 opc, unsigned reg, unsigned v, struct mem m, u8 imm);

/* Jumps: the 32-bit forms return the place of their displacement, to be set by x_set_rel. */
u8 *x_jmp(struct code *c);
u8 *x_jcc(struct code *c, enum xcc cc);
u8 *x_call(struct code *c);
u8 *x_jmp8(struct code *c);
u8 *x_jcc8(struct code *c, enum xcc cc);
void x_here8(struct code *c, u8 *at); /* the short jump at `at` goes here */
static inline void x_set_rel(u8 *at, const u8 *to)
{
    i64 d = to - (at + 4);
    must(d == (i32)d);
    i32 rel = (i32)d;
    memcpy(at, &rel, 4);
}

#endif

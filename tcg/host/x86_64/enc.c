/* See enc.h. The only irregularities of the encoding that matter here: RSP and R12 as base need a SIB byte, RBP and R13
 * as base need a displacement, byte registers 4..7 need a REX prefix. */
#include "tcg/host/x86_64/enc.h"

/* What writes several bytes keeps the place in a register: stores of bytes may alias c->p. */
static inline u8 *byte_at(u8 *p, unsigned b)
{
    *p = (u8)b;
    return p + 1;
}
static inline u8 *u32_at(u8 *p, u32 v)
{
    memcpy(p, &v, 4);
    return p + 4;
}
static inline void put8(struct code *c, unsigned b)
{
    *c->p++ = (u8)b;
}
void x_byte(struct code *c, u8 b)
{
    *c->p++ = b;
}
void x_u32(struct code *c, u32 v)
{
    c->p = u32_at(c->p, v);
}
void x_u64(struct code *c, u64 v)
{
    memcpy(c->p, &v, 8);
    c->p += 8;
}
static inline u8 *imm_at(u8 *p, u32 imm, unsigned n)
{
    memcpy(p, &imm, 4); /* the bytes above n are overwritten by what follows */
    return p + n;
}

static inline u8 *modrm_reg_at(u8 *p, unsigned reg, unsigned rm)
{
    return byte_at(p, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline u8 *modrm_mem_at(u8 *p, unsigned reg, struct mem m, unsigned imm_bytes)
{
    unsigned r = (reg & 7) << 3;
    if (m.base == RIP) {
        return u32_at(byte_at(p, r | 5), (u32)m.disp - imm_bytes);
    }
    if (m.base == NOBASE) {
        p = byte_at(p, r | 4);
        return u32_at(byte_at(p, (unsigned)m.scale << 6 | (m.index == NOREG ? 4 : m.index & 7u) << 3 | 5), (u32)m.disp);
    }
    unsigned b = m.base & 7;
    unsigned mod = m.disp == 0 && b != 5 ? 0 : m.disp == (i8)m.disp ? 0x40 : 0x80;
    if (m.index != NOREG) {
        p = byte_at(p, mod | r | 4);
        p = byte_at(p, (unsigned)m.scale << 6 | (m.index & 7u) << 3 | b);
    } else if (b == 4) {
        p = byte_at(p, mod | r | 4);
        p = byte_at(p, 0x24);
    } else {
        p = byte_at(p, mod | r | b);
    }
    return imm_at(p, (u32)m.disp, mod == 0x40 ? 1 : mod == 0x80 ? 4 : 0);
}

static inline u8 *how_at(u8 *p, struct mem m)
{
    if (likely(!m.how)) {
        return p;
    }
    if (m.how & MEM_GS) {
        p = byte_at(p, 0x65);
    }
    return m.how & MEM_32 ? byte_at(p, 0x67) : p;
}

/* Prefixes, REX and opcode; r, x, b: the registers that fill REX.R, X, B. */
static inline u8 *head_at(u8 *p, u32 opc, bool w, unsigned r, unsigned x, unsigned b, bool force)
{
    static const u8 prefix[4] = {0, 0x66, 0xf3, 0xf2};
    if (opc & PP_MASK) {
        p = byte_at(p, prefix[(opc & PP_MASK) >> 10]);
    }
    unsigned rex = (w || (opc & OPW) ? 8u : 0) | (r & 8) >> 1 | (x & 8) >> 2 | (b & 8) >> 3;
    if (rex || force) {
        p = byte_at(p, 0x40 | rex);
    }
    if (opc & MAP_MASK) {
        p = byte_at(p, 0x0f);
        if ((opc & MAP_MASK) != M0F) {
            p = byte_at(p, (opc & MAP_MASK) == M38 ? 0x38 : 0x3a);
        }
    }
    return byte_at(p, opc);
}

void x_rri(struct code *c, u32 opc, bool w, unsigned reg, unsigned rm, u32 imm, unsigned n)
{
    bool force = ((opc & OPB) && (reg & 15) >= 4) || ((opc & OPBM) && (rm & 15) >= 4);
    u8 *p = head_at(c->p, opc, w, reg, 0, rm, force);
    c->p = imm_at(modrm_reg_at(p, reg, rm), imm, n);
}
void x_rmi(struct code *c, u32 opc, bool w, unsigned reg, struct mem m, u32 imm, unsigned n)
{
    bool force = (opc & OPB) && (reg & 15) >= 4;
    u8 *p = head_at(how_at(c->p, m), opc, w, reg, m.index == NOREG ? 0 : m.index, m.base == RIP ? 0 : m.base, force);
    c->p = imm_at(modrm_mem_at(p, reg, m, n), imm, n);
}
void x_rr(struct code *c, u32 opc, bool w, unsigned reg, unsigned rm)
{
    x_rri(c, opc, w, reg, rm, 0, 0);
}
void x_rm(struct code *c, u32 opc, bool w, unsigned reg, struct mem m)
{
    x_rmi(c, opc, w, reg, m, 0, 0);
}

/* -- integer ------------------------------------------------------------------------------------------------- */

void x_alu(struct code *c, enum alu op, bool w, unsigned reg, unsigned rm)
{
    x_rr(c, (unsigned)op << 3 | 3, w, reg, rm);
}
void x_alu_m(struct code *c, enum alu op, bool w, unsigned reg, struct mem m)
{
    x_rm(c, (unsigned)op << 3 | 3, w, reg, m);
}
void x_alu_i(struct code *c, enum alu op, bool w, unsigned rm, i32 imm)
{
    if (imm == (i8)imm) {
        x_rri(c, 0x83, w, op, rm, (u32)imm, 1);
    } else if (rm == RAX) {
        if (w) {
            put8(c, 0x48);
        }
        put8(c, (unsigned)op << 3 | 5);
        x_u32(c, (u32)imm);
    } else {
        x_rri(c, 0x81, w, op, rm, (u32)imm, 4);
    }
}
void x_alu_mi(struct code *c, enum alu op, bool w, struct mem m, i32 imm)
{
    bool small = imm == (i8)imm;
    x_rmi(c, small ? 0x83 : 0x81, w, op, m, (u32)imm, small ? 1 : 4);
}
void x_shift(struct code *c, enum shift op, bool w, unsigned rm, unsigned n)
{
    if (n == 1) {
        x_rr(c, 0xd1, w, op, rm);
    } else {
        x_rri(c, 0xc1, w, op, rm, n, 1);
    }
}
void x_shift_cl(struct code *c, enum shift op, bool w, unsigned rm)
{
    x_rr(c, 0xd3, w, op, rm);
}
void x_mov(struct code *c, bool w, unsigned dst, unsigned src)
{
    x_rr(c, X_MOV_RM, w, dst, src);
}
void x_mov_i(struct code *c, unsigned dst, u64 v)
{
    if (v == (u32)v) {
        if (dst & 8) {
            put8(c, 0x41);
        }
        put8(c, 0xb8 | (dst & 7));
        x_u32(c, (u32)v);
    } else if (v == (u64)(i64)(i32)v) {
        x_rri(c, 0xc7, true, 0, dst, (u32)v, 4);
    } else {
        put8(c, 0x48 | (dst & 8) >> 3);
        put8(c, 0xb8 | (dst & 7));
        x_u64(c, v);
    }
}
void x_zero(struct code *c, unsigned dst)
{
    x_alu(c, ALU_XOR, false, dst, dst);
}
void x_load(struct code *c, bool w, unsigned dst, struct mem m)
{
    x_rm(c, X_MOV_RM, w, dst, m);
}
void x_store(struct code *c, bool w, struct mem m, unsigned src)
{
    x_rm(c, X_MOV_MR, w, src, m);
}
void x_store_i(struct code *c, bool w, struct mem m, i32 imm)
{
    x_rmi(c, 0xc7, w, 0, m, (u32)imm, 4);
}
void x_lea(struct code *c, bool w, unsigned dst, struct mem m)
{
    x_rm(c, X_LEA, w, dst, m);
}
void x_test(struct code *c, bool w, unsigned a, unsigned b)
{
    x_rr(c, X_TEST, w, b, a);
}
void x_test_i(struct code *c, bool w, unsigned a, u32 imm)
{
    if (!w && imm <= 0x7f) {
        if (a == RAX) {
            put8(c, 0xa8);
            put8(c, imm);
        } else {
            x_rri(c, 0xf6 | OPBM, false, 0, a, imm, 1);
        }
    } else {
        x_rri(c, 0xf7, w, 0, a, imm, 4);
    }
}
void x_test_mi(struct code *c, struct mem m, u32 imm)
{
    x_rmi(c, 0xf7, false, 0, m, imm, 4);
}
void x_unary(struct code *c, unsigned digit, bool w, unsigned rm)
{
    x_rr(c, 0xf7, w, digit, rm);
}
void x_setcc(struct code *c, enum xcc cc, unsigned dst)
{
    x_rr(c, 0x90 | M0F | OPBM | cc, false, 0, dst);
}
void x_cmov(struct code *c, enum xcc cc, bool w, unsigned dst, unsigned src)
{
    x_rr(c, 0x40 | M0F | cc, w, dst, src);
}
void x_bswap(struct code *c, bool w, unsigned r)
{
    c->p = head_at(c->p, (0xc8 | (r & 7)) | M0F, w, 0, 0, r, false);
}
void x_push(struct code *c, unsigned r)
{
    if (r & 8) {
        put8(c, 0x41);
    }
    put8(c, 0x50 | (r & 7));
}
void x_pop(struct code *c, unsigned r)
{
    if (r & 8) {
        put8(c, 0x41);
    }
    put8(c, 0x58 | (r & 7));
}
void x_nops(struct code *c, unsigned n)
{
    static const u8 nop[8][8] = {
        {0x90},
        {0x66, 0x90},
        {0x0f, 0x1f, 0x00},
        {0x0f, 0x1f, 0x40, 0x00},
        {0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00},
        {0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00},
        {0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00},
    };
    while (n) {
        unsigned k = MIN(n, 8);
        memcpy(c->p, nop[k - 1], k);
        c->p += k;
        n -= k;
    }
}

/* -- VEX ------------------------------------------------------------------------------------------------------ */

static inline u8 *vex_at(u8 *p, u32 opc, unsigned r, unsigned v, unsigned x, unsigned b)
{
    unsigned pp = (opc & PP_MASK) >> 10, map = (opc & MAP_MASK) >> 8, w = !!(opc & OPW);
    unsigned low = (~v & 15) << 3 | (opc & OPL ? 4 : 0) | pp;
    if (map == 1 && !w && !(x & 8) && !(b & 8)) {
        p = byte_at(p, 0xc5);
        p = byte_at(p, (~r & 8) << 4 | low);
    } else {
        p = byte_at(p, 0xc4);
        p = byte_at(p, (~r & 8) << 4 | (~x & 8) << 3 | (~b & 8) << 2 | map);
        p = byte_at(p, w << 7 | low);
    }
    return byte_at(p, opc);
}
static inline u8 *vex_mem_at(u8 *p, u32 opc, unsigned reg, unsigned v, struct mem m, unsigned imm_bytes)
{
    p = vex_at(how_at(p, m), opc, reg, v, m.index == NOREG ? 0 : m.index, m.base == RIP ? 0 : m.base);
    return modrm_mem_at(p, reg, m, imm_bytes);
}
void x_upper_zero(struct code *c)
{
    put8(c, 0xc5);
    put8(c, 0xf8);
    put8(c, 0x77);
}
void v_rrr(struct code *c, u32 opc, unsigned reg, unsigned v, unsigned rm)
{
    c->p = modrm_reg_at(vex_at(c->p, opc, reg, v, 0, rm), reg, rm);
}
void v_rrm(struct code *c, u32 opc, unsigned reg, unsigned v, struct mem m)
{
    c->p = vex_mem_at(c->p, opc, reg, v, m, 0);
}
void v_rrri(struct code *c, u32 opc, unsigned reg, unsigned v, unsigned rm, u8 imm)
{
    v_rrr(c, opc, reg, v, rm);
    put8(c, imm);
}
void v_rrmi(struct code *c, u32 opc, unsigned reg, unsigned v, struct mem m, u8 imm)
{
    c->p = byte_at(vex_mem_at(c->p, opc, reg, v, m, 1), imm);
}

/* -- jumps ------------------------------------------------------------------------------------------------------- */

u8 *x_jmp(struct code *c)
{
    put8(c, 0xe9);
    c->p += 4;
    return c->p - 4;
}
u8 *x_jcc(struct code *c, enum xcc cc)
{
    put8(c, 0x0f);
    put8(c, 0x80 | cc);
    c->p += 4;
    return c->p - 4;
}
u8 *x_call(struct code *c)
{
    put8(c, 0xe8);
    c->p += 4;
    return c->p - 4;
}
u8 *x_jmp8(struct code *c)
{
    put8(c, 0xeb);
    put8(c, 0);
    return c->p - 1;
}
u8 *x_jcc8(struct code *c, enum xcc cc)
{
    put8(c, 0x70 | cc);
    put8(c, 0);
    return c->p - 1;
}
void x_here8(struct code *c, u8 *at)
{
    must(c->p - (at + 1) < 128);
    *at = (u8)(c->p - (at + 1));
}

/* The AArch64 instruction encoder (enc.h). */
#include <string.h>

#include "base/err.h"
#include "tcg/host/aarch64/enc.h"
#include "tcg/ir.h"

/* -- integer ----------------------------------------------------------------------------------------------------- */

void a_rrr_shift(struct code *c, int opc, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned kind, unsigned n)
{
    a_insn(c, (u32)opc | (u32)w << 31 | kind << 22 | a_rm(rm) | n << 10 | a_rn(rn) | a_rd(rd));
}
void a_madd(struct code *c, bool sub, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned ra)
{
    a_insn(c, 0x1b000000u | (u32)w << 31 | a_rm(rm) | (u32)sub << 15 | a_rd(ra) << 10 | a_rn(rn) | a_rd(rd));
}
void a_mulhigh(struct code *c, bool sign, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, (sign ? 0x9b407c00u : 0x9bc07c00u) | a_rm(rm) | a_rn(rn) | a_rd(rd));
}

bool a_imm12(u64 v, u32 *field)
{
    if (v < 0x1000) {
        *field = (u32)v << 10;
        return true;
    }
    if ((v & 0xfff) == 0 && v < 0x1000000) {
        *field = 1u << 22 | (u32)(v >> 12) << 10;
        return true;
    }
    return false;
}

/* A run of ones, rotated, repeated in elements of 2, 4 .. 64 bits (DDI 0487, "DecodeBitMasks"). */
bool a_imm_logic(u64 v, bool w, u32 *field)
{
    if (!w) {
        v = (u32)v;
        v |= v << 32;
    }
    if (v == 0 || v == ~0ull) {
        return false;
    }
    unsigned size = 64;
    while (size > 2 && ((v ^ v >> size / 2) & MASK(size / 2)) == 0) {
        size /= 2;
    }
    u64 e = v & MASK(size);
    unsigned ones = (unsigned)__builtin_popcountll(e), rot;
    if (e & 1) { /* the run may go around the end */
        u64 zeros = ~e & MASK(size);
        unsigned at = ctz64(zeros);
        if (zeros >> at != MASK(size - ones)) {
            return false;
        }
        rot = ones - at;
    } else {
        unsigned at = ctz64(e);
        if (e >> at != MASK(ones)) {
            return false;
        }
        rot = size - at;
    }
    unsigned imms = (~(size * 2 - 1) & 0x3f) | (ones - 1);
    *field = (u32)(size == 64) << 22 | rot << 16 | imms << 10;
    return true;
}

void a_addsub_i(struct code *c, bool sub, bool flags, bool w, unsigned rd, unsigned rn, u32 field)
{
    a_insn(c, 0x11000000u | (u32)w << 31 | (u32)sub << 30 | (u32)flags << 29 | field | a_rn(rn) | a_rd(rd));
}
void a_logic_i(struct code *c, int opc, bool w, unsigned rd, unsigned rn, u32 field)
{
    u32 op = (u32)opc & 0x60000000;
    a_insn(c, 0x12000000u | op | (u32)w << 31 | field | a_rn(rn) | a_rd(rd));
}
void a_mov(struct code *c, bool w, unsigned rd, unsigned rn)
{
    a_rrr(c, A_ORR, w, rd, ZR, rn);
}
void a_mov_sp(struct code *c, unsigned rd, unsigned rn)
{
    a_addsub_i(c, false, false, true, rd, rn, 0);
}

static void mov_wide(struct code *c, u32 opc, unsigned rd, unsigned hw, u64 v)
{
    a_insn(c, opc | hw << 21 | (u32)(v >> 16 * hw & 0xffff) << 5 | a_rd(rd));
}
void a_mov_i(struct code *c, unsigned rd, u64 v)
{
    enum { MOVN = (int)0x92800000, MOVZ = (int)0xd2800000, MOVK = (int)0xf2800000 };
    unsigned zeros = 0, ones = 0;
    if (v == 0 || v == ~0ull) {
        mov_wide(c, (u32)(v ? MOVN : MOVZ), rd, 0, 0);
        return;
    }
    for (unsigned k = 0; k < 4; k++) {
        zeros += (v >> 16 * k & 0xffff) == 0;
        ones += (v >> 16 * k & 0xffff) == 0xffff;
    }
    u32 field;
    if (zeros < 3 && ones < 3 && a_imm_logic(v, true, &field)) {
        a_logic_i(c, A_ORR, true, rd, ZR, field);
        return;
    }
    if (zeros < 3 && v == (u32)v && (v >> 16) == 0xffff) { /* movn w */
        a_insn(c, 0x12800000u | (u32)(~v & 0xffff) << 5 | a_rd(rd));
        return;
    }
    bool neg = ones > zeros, first = true;
    u64 skip = neg ? 0xffff : 0;
    for (unsigned k = 0; k < 4; k++) {
        if ((v >> 16 * k & 0xffff) == skip) {
            continue;
        }
        if (first) {
            mov_wide(c, (u32)(neg ? MOVN : MOVZ), rd, k, neg ? ~v : v);
        } else {
            mov_wide(c, (u32)MOVK, rd, k, v);
        }
        first = false;
    }
}
void a_add_imm(struct code *c, unsigned rd, unsigned rn, i64 v)
{
    u64 n = v < 0 ? 0 - (u64)v : (u64)v;
    u32 field;
    if (a_imm12(n, &field)) {
        if (n || rd != rn) {
            a_addsub_i(c, v < 0, false, true, rd, rn, field);
        }
    } else if (n < 0x1000000) {
        a_addsub_i(c, v < 0, false, true, rd, rn, 1u << 22 | (u32)(n >> 12) << 10);
        a_addsub_i(c, v < 0, false, true, rd, rd, (u32)(n & 0xfff) << 10);
    } else {
        a_mov_i(c, 17, n);
        a_rrr(c, v < 0 ? A_SUB : A_ADD, true, rd, rn, 17);
    }
}

void a_bfm(struct code *c, bool sign, bool w, unsigned rd, unsigned rn, unsigned immr, unsigned imms)
{
    u32 opc = (sign ? 0x13000000u : 0x53000000u) | (w ? 0x80400000u : 0);
    a_insn(c, opc | immr << 16 | imms << 10 | a_rn(rn) | a_rd(rd));
}
void a_bfi(struct code *c, bool w, unsigned rd, unsigned rn, unsigned pos, unsigned len)
{
    unsigned width = w ? 64 : 32;
    u32 opc = 0x33000000u | (w ? 0x80400000u : 0);
    a_insn(c, opc | ((width - pos) & (width - 1)) << 16 | (len - 1) << 10 | a_rn(rn) | a_rd(rd));
}
void a_bfxil(struct code *c, bool w, unsigned rd, unsigned rn, unsigned pos, unsigned len)
{
    u32 opc = 0x33000000u | (w ? 0x80400000u : 0);
    a_insn(c, opc | pos << 16 | (pos + len - 1) << 10 | a_rn(rn) | a_rd(rd));
}
void a_extr(struct code *c, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned lsb)
{
    a_insn(c, 0x13800000u | (w ? 0x80400000u : 0) | a_rm(rm) | lsb << 10 | a_rn(rn) | a_rd(rd));
}
void a_shift_i(struct code *c, unsigned kind, bool w, unsigned rd, unsigned rn, unsigned n)
{
    unsigned top = w ? 63 : 31;
    switch (kind) {
    case A_LSL:
        a_bfm(c, false, w, rd, rn, (top + 1 - n) & top, top - n);
        break;
    case A_ROR:
        a_extr(c, w, rd, rn, rn, n);
        break;
    default:
        a_bfm(c, kind == A_ASR, w, rd, rn, n, top);
        break;
    }
}
void a_tst(struct code *c, bool w, unsigned rn, unsigned rm)
{
    a_rrr(c, A_ANDS, w, ZR, rn, rm);
}
void a_cmp(struct code *c, bool w, unsigned rn, unsigned rm)
{
    a_rrr(c, A_SUBS, w, ZR, rn, rm);
}
void a_cmp_i(struct code *c, bool w, unsigned rn, u32 field)
{
    a_addsub_i(c, true, true, w, ZR, rn, field);
}

void a_csel(struct code *c, unsigned kind, bool w, unsigned rd, unsigned rn, unsigned rm, unsigned cc)
{
    static const u32 opc[] = {0x1a800000, 0x1a800400, 0x5a800000, 0x5a800400};
    a_insn(c, opc[kind] | (u32)w << 31 | a_rm(rm) | cc << 12 | a_rn(rn) | a_rd(rd));
}
void a_cset(struct code *c, bool w, unsigned rd, unsigned cc)
{
    a_csel(c, A_CSINC, w, rd, ZR, ZR, cc ^ 1);
}
void a_ccmp(struct code *c, bool w, unsigned rn, unsigned rm, unsigned nzcv, unsigned cc)
{
    a_insn(c, 0x7a400000u | (u32)w << 31 | a_rm(rm) | cc << 12 | a_rn(rn) | nzcv);
}
void a_mrs(struct code *c, unsigned rt, u32 sys)
{
    a_insn(c, 0xd5200000u | sys | a_rd(rt));
}
void a_msr(struct code *c, u32 sys, unsigned rt)
{
    a_insn(c, 0xd5000000u | sys | a_rd(rt));
}

/* -- jumps ------------------------------------------------------------------------------------------------------- */

static u8 *place(struct code *c, u32 insn)
{
    u8 *at = c->p;
    a_insn(c, insn);
    return at;
}
u8 *a_b(struct code *c)
{
    return place(c, 0x14000000);
}
u8 *a_bl(struct code *c)
{
    return place(c, 0x94000000);
}
u8 *a_bcc(struct code *c, unsigned cc)
{
    return place(c, 0x54000000 | cc);
}
u8 *a_cbz(struct code *c, bool nz, bool w, unsigned rt)
{
    return place(c, 0x34000000u | (u32)w << 31 | (u32)nz << 24 | a_rd(rt));
}
u8 *a_tbz(struct code *c, bool nz, unsigned rt, unsigned bit)
{
    return place(c, 0x36000000u | (u32)nz << 24 | (bit & 32) << 26 | (bit & 31) << 19 | a_rd(rt));
}
u8 *a_adr(struct code *c, unsigned rd)
{
    return place(c, 0x10000000u | a_rd(rd));
}
u8 *a_ldr_lit(struct code *c, unsigned type, unsigned rt)
{
    u32 opc = type == IR_V128  ? 0x9c000000u
              : type == IR_F64 ? 0x5c000000u
              : type == IR_F32 ? 0x1c000000u
              : type == IR_I64 ? 0x58000000u
                               : 0x18000000u;
    return place(c, opc | a_rd(rt));
}
void a_br(struct code *c, unsigned rn)
{
    a_insn(c, 0xd61f0000 | a_rn(rn));
}
void a_blr(struct code *c, unsigned rn)
{
    a_insn(c, 0xd63f0000 | a_rn(rn));
}
void a_ret(struct code *c, unsigned rn)
{
    a_insn(c, 0xd65f0000 | a_rn(rn));
}

/* Where an instruction's distance lies: position, bits, unit (log2). */
struct field {
    u8 pos, len, unit;
};
static struct field field_of(u32 insn)
{
    if ((insn & 0x7c000000) == 0x14000000) { /* b, bl */
        return (struct field){0, 26, 2};
    }
    if ((insn & 0x7e000000) == 0x36000000) { /* tbz */
        return (struct field){5, 14, 2};
    }
    if ((insn & 0x1f000000) == 0x10000000) { /* adr */
        return (struct field){5, 19, 0};
    }
    return (struct field){5, 19, 2}; /* b.cond, cbz, ldr of a literal */
}
static i64 distance(u32 insn)
{
    struct field f = field_of(insn);
    i64 d = (i64)((u64)insn << (64 - f.pos - f.len)) >> (64 - f.len);
    return f.unit ? d * 4 : d * 4 + (insn >> 29 & 3);
}
static void set_distance(u8 *at, u32 insn, i64 d)
{
    struct field f = field_of(insn);
    i64 v = d >> 2;
    must(v >= -(1ll << (f.len - 1)) && v < 1ll << (f.len - 1) && (f.unit == 0 || (d & 3) == 0));
    u32 mask = (u32)(MASK(f.len) << f.pos);
    insn = (insn & ~mask) | ((u32)v << f.pos & mask);
    if (f.unit == 0) {
        insn = (insn & ~(3u << 29)) | (u32)(d & 3) << 29;
    }
    memcpy(at, &insn, 4);
}
void a_bind(u8 *at, const u8 *to)
{
    u32 insn;
    memcpy(&insn, at, 4);
    set_distance(at, insn, to - at);
}
void a_shift(u8 *at, i32 by)
{
    u32 insn;
    memcpy(&insn, at, 4);
    set_distance(at, insn, distance(insn) + by);
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

static unsigned mem_size(int opc)
{
    return (u32)opc >> 30 | (((u32)opc & 0x04800000) == 0x04800000 ? 4 : 0);
}
bool a_mem_fits(int opc, i64 off)
{
    unsigned n = mem_size(opc);
    return (off >= 0 && (off & (i64)MASK(n)) == 0 && off >> n < 4096) || (off >= -256 && off < 256);
}
void a_mem(struct code *c, int opc, unsigned rt, unsigned rn, i64 off)
{
    unsigned n = mem_size(opc);
    if (off >= 0 && (off & (i64)MASK(n)) == 0 && off >> n < 4096) {
        a_insn(c, (u32)opc | (u32)(off >> n) << 10 | a_rn(rn) | a_rd(rt));
    } else if (off >= -256 && off < 256) {
        a_insn(c, ((u32)opc & ~0x01000000u) | ((u32)off & 0x1ff) << 12 | a_rn(rn) | a_rd(rt));
    } else {
        a_mov_i(c, 17, (u64)off);
        a_mem_reg(c, opc, rt, rn, 17, false);
    }
}
void a_mem_reg(struct code *c, int opc, unsigned rt, unsigned rn, unsigned rm, bool scaled)
{
    u32 option = 0x00206800u | (scaled ? 0x1000u : 0); /* lsl */
    a_insn(c, ((u32)opc & ~0x01000000u) | option | a_rm(rm) | a_rn(rn) | a_rd(rt));
}
static unsigned pair_unit(int opc)
{
    u32 o = (u32)opc;
    return o & 0x04000000 ? 2 + (o >> 30) : o >> 31 ? 3 : 2;
}
bool a_pair_fits(int opc, i32 off)
{
    unsigned n = pair_unit(opc);
    return (off & (i32)MASK(n)) == 0 && off >> n >= -64 && off >> n < 64;
}
void a_pair(struct code *c, int opc, int mode, unsigned rt, unsigned rt2, unsigned rn, i32 off)
{
    must(a_pair_fits(opc, off));
    u32 imm = (u32)(off >> pair_unit(opc)) & 0x7f;
    a_insn(c, (u32)(opc + mode) | imm << 15 | a_rd(rt2) << 10 | a_rn(rn) | a_rd(rt));
}
void a_excl(struct code *c, int opc, unsigned size, unsigned rs, unsigned rt, unsigned rn)
{
    u32 status = opc == A_STXR || opc == A_STLXR ? a_rm(rs) : 0;
    a_insn(c, (u32)opc | size << 30 | status | a_rn(rn) | a_rd(rt));
}
void a_ldxp(struct code *c, bool acquire, unsigned rt, unsigned rt2, unsigned rn)
{
    a_insn(c, 0xc87f0000u | (u32)acquire << 15 | a_rd(rt2) << 10 | a_rn(rn) | a_rd(rt));
}
void a_stxp(struct code *c, bool release, unsigned rs, unsigned rt, unsigned rt2, unsigned rn)
{
    a_insn(c, 0xc8200000u | a_rm(rs) | (u32)release << 15 | a_rd(rt2) << 10 | a_rn(rn) | a_rd(rt));
}
void a_lse(struct code *c, int opc, unsigned size, unsigned rs, unsigned rt, unsigned rn)
{
    a_insn(c, (u32)opc | size << 30 | a_rm(rs) | a_rn(rn) | a_rd(rt));
}

/* -- scalar floats ----------------------------------------------------------------------------------------------- */

static u32 ftype(unsigned es)
{
    return (es == 1 ? 3u : es == 3 ? 1u : 0u) << 22;
}
void a_f1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, (u32)opc | ftype(es) | a_rn(rn) | a_rd(rd));
}
void a_f2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, (u32)opc | ftype(es) | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
void a_f3(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm, unsigned ra)
{
    a_insn(c, (u32)opc | ftype(es) | a_rm(rm) | a_rd(ra) << 10 | a_rn(rn) | a_rd(rd));
}
void a_fcmp(struct code *c, bool signal, unsigned es, unsigned rn, unsigned rm)
{
    a_insn(c, 0x1e202000u | ftype(es) | a_rm(rm) | a_rn(rn) | (signal ? 0x10u : 0));
}
void a_fcsel(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned rm, unsigned cc)
{
    a_insn(c, 0x1e200c00u | ftype(es) | a_rm(rm) | cc << 12 | a_rn(rn) | a_rd(rd));
}
void a_fcvt(struct code *c, unsigned to, unsigned from, unsigned rd, unsigned rn)
{
    a_insn(c, 0x1e224000u | ftype(from) | ftype(to) >> 7 | a_rn(rn) | a_rd(rd));
}
void a_f2i(struct code *c, unsigned round, bool uns, bool w, unsigned es, unsigned rd, unsigned rn)
{
    u32 mode = round == A_RA ? 0x00040000u : round << 19;
    a_insn(c, 0x1e200000u | (u32)w << 31 | ftype(es) | mode | (u32)uns << 16 | a_rn(rn) | a_rd(rd));
}
void a_i2f(struct code *c, bool uns, bool w, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, 0x1e220000u | (u32)w << 31 | ftype(es) | (u32)uns << 16 | a_rn(rn) | a_rd(rd));
}
void a_fmov_gv(struct code *c, unsigned es, unsigned rd, unsigned vn)
{
    a_insn(c, 0x1e260000u | (u32)(es == 3) << 31 | ftype(es) | a_rn(vn) | a_rd(rd));
}
void a_fmov_vg(struct code *c, unsigned es, unsigned vd, unsigned rn)
{
    a_insn(c, 0x1e270000u | (u32)(es == 3) << 31 | ftype(es) | a_rn(rn) | a_rd(vd));
}

/* -- vectors ----------------------------------------------------------------------------------------------------- */

void a_v1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, (u32)opc | es << 22 | a_rn(rn) | a_rd(rd));
}
void a_v2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, (u32)opc | es << 22 | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
/* Halves have their own places in the opcode map (FEAT_FP16): the same, with bits 19..20 set (two registers), or bits
 * 21 and 22 changed and bits 14..15 cleared (three). */
void a_vf1(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn)
{
    u32 o = (u32)opc;
    o = es == 1 ? o | 0x00580000u : es == 3 ? o | 0x00400000u : o;
    a_insn(c, o | a_rn(rn) | a_rd(rd));
}
void a_vf2(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned rm)
{
    u32 o = (u32)opc;
    o = es == 1 ? (o & ~0x0020c000u) | 0x00400000u : es == 3 ? o | 0x00400000u : o;
    a_insn(c, o | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
void a_vshift(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn, unsigned n)
{
    unsigned bits = 8u << es, imm = opc == A_VSHL ? bits + n : 2 * bits - n;
    a_insn(c, (u32)opc | imm << 16 | a_rn(rn) | a_rd(rd));
}
void a_vlong(struct code *c, int opc, bool high, unsigned es, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, (u32)opc | (u32)high << 30 | es << 22 | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
void a_vxtl(struct code *c, bool uns, bool high, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, 0x0f00a400u | (u32)uns << 29 | (u32)high << 30 | (8u << es) << 16 | a_rn(rn) | a_rd(rd));
}
void a_vnarrow(struct code *c, int opc, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, (u32)opc | es << 22 | a_rn(rn) | a_rd(rd));
}
void a_pmull(struct code *c, bool high, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, 0x0ee0e000u | (u32)high << 30 | a_rm(rm) | a_rn(rn) | a_rd(rd));
}
void a_fcvtl(struct code *c, bool high, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, 0x0e217800u | (u32)high << 30 | (es - 1) << 22 | a_rn(rn) | a_rd(rd));
}
void a_fcvtn(struct code *c, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, 0x0e216800u | (es - 2) << 22 | a_rn(rn) | a_rd(rd));
}

static u32 lane_of(unsigned es, unsigned lane)
{
    return (lane << (es + 1) | 1u << es) << 16;
}
void a_dup_g(struct code *c, unsigned es, unsigned rd, unsigned rn)
{
    a_insn(c, 0x4e000c00u | lane_of(es, 0) | a_rn(rn) | a_rd(rd));
}
void a_dup_v(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned lane)
{
    a_insn(c, 0x4e000400u | lane_of(es, lane) | a_rn(rn) | a_rd(rd));
}
void a_dup_s(struct code *c, unsigned es, unsigned rd, unsigned rn, unsigned lane)
{
    a_insn(c, 0x5e000400u | lane_of(es, lane) | a_rn(rn) | a_rd(rd));
}
void a_umov(struct code *c, bool sign, bool w, unsigned es, unsigned rd, unsigned rn, unsigned lane)
{
    bool q = sign ? w : es == 3;
    a_insn(c, (sign ? 0x0e002c00u : 0x0e003c00u) | (u32)q << 30 | lane_of(es, lane) | a_rn(rn) | a_rd(rd));
}
void a_ins_g(struct code *c, unsigned es, unsigned rd, unsigned lane, unsigned rn)
{
    a_insn(c, 0x4e001c00u | lane_of(es, lane) | a_rn(rn) | a_rd(rd));
}
void a_ins_v(struct code *c, unsigned es, unsigned rd, unsigned lane, unsigned rn, unsigned from)
{
    a_insn(c, 0x6e000400u | lane_of(es, lane) | (from << es) << 11 | a_rn(rn) | a_rd(rd));
}
void a_ext(struct code *c, unsigned rd, unsigned rn, unsigned rm, unsigned n)
{
    a_insn(c, 0x6e000000u | a_rm(rm) | n << 11 | a_rn(rn) | a_rd(rd));
}
void a_tbl(struct code *c, unsigned nregs, unsigned rd, unsigned rn, unsigned rm)
{
    a_insn(c, 0x4e000000u | a_rm(rm) | (nregs - 1) << 13 | a_rn(rn) | a_rd(rd));
}
void a_movi_0(struct code *c, unsigned rd)
{
    a_insn(c, 0x6f00e400u | a_rd(rd));
}

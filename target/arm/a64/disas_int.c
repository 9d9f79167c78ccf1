/* Operands of A64 assembly texts: general registers, numbers, addresses, system names; and the registers and lists of
 * SIMD loads and stores. */
#include "target/arm/a64/disas.h"

void dis_reg(struct dis *d, char kind, unsigned r)
{
    if (r == 31) {
        dis_put(d, "%czr", kind);
    } else {
        dis_put(d, "%c%u", kind, r);
    }
}
void dis_reg_sp(struct dis *d, char kind, unsigned r)
{
    if (r == 31) {
        dis_put(d, kind == 'x' ? "sp" : "wsp");
    } else {
        dis_put(d, "%c%u", kind, r);
    }
}

#define P(name) static void p_##name(struct dis *d, const i32 *v)

/* -- registers, numbers ------------------------------------------------------------------------------------------ */

P(x)
{
    dis_reg(d, 'x', (unsigned)v[0]);
}
P(w)
{
    dis_reg(d, 'w', (unsigned)v[0]);
}
P(xs)
{
    dis_reg_sp(d, 'x', (unsigned)v[0]);
}
P(r) /* register, 1: 64 bits */
{
    dis_reg(d, v[1] ? 'x' : 'w', (unsigned)v[0]);
}
P(rs)
{
    dis_reg_sp(d, v[1] ? 'x' : 'w', (unsigned)v[0]);
}
P(rz) /* register, log2 of the bytes */
{
    dis_reg(d, v[1] == 3 ? 'x' : 'w', (unsigned)v[0]);
}
P(tbr) /* register, bit number */
{
    dis_reg(d, v[1] >= 32 ? 'x' : 'w', (unsigned)v[0]);
}
P(pair) /* half of an even register number, 1: 64 bits */
{
    dis_reg(d, v[1] ? 'x' : 'w', 2 * (unsigned)v[0]);
    dis_put(d, ", ");
    dis_reg(d, v[1] ? 'x' : 'w', 2 * (unsigned)v[0] + 1);
}
P(d)
{
    dis_put(d, "#%d", v[0]);
}
P(h)
{
    dis_put(d, "#0x%x", (u32)v[0]);
}
P(lsl12)
{
    dis_put(d, "%s", v[0] ? ", lsl #12" : "");
}
P(lsl16)
{
    if (v[0]) {
        dis_put(d, ", lsl #%d", 16 * v[0]);
    }
}
P(bitmask)
{
    bool ok;
    u64 imm = a64_bitmask((u32)v[0], (u32)v[1], (u32)v[2], (u32)v[3], &ok);
    dis_put(d, "#0x%llx", (unsigned long long)imm);
}
static const char *const shift_names[] = {"lsl", "lsr", "asr", "ror"};
P(sh)
{
    if (v[1]) {
        dis_put(d, ", %s #%d", shift_names[v[0]], v[1]);
    }
}
P(ext)
{
    static const char *const names[] = {"uxtb", "uxth", "uxtw", "uxtx", "sxtb", "sxth", "sxtw", "sxtx"};
    dis_reg(d, (v[1] & 3) == 3 ? 'x' : 'w', (unsigned)v[0]);
    dis_put(d, ", %s", names[v[1]]);
    if (v[2]) {
        dis_put(d, " #%d", v[2]);
    }
}

/* -- program counter --------------------------------------------------------------------------------------------- */

P(pc)
{
    dis_put(d, "#0x%llx", (unsigned long long)(d->pc + (u64)((i64)v[0] * 4)));
}
P(adr)
{
    dis_put(d, "#0x%llx", (unsigned long long)(d->pc + (u64)(i64)(v[0] * 4 + v[1])));
}
P(adrp)
{
    dis_put(d, "#0x%llx", (unsigned long long)((d->pc & ~0xfffull) + (u64)((i64)(v[0] * 4 + v[1]) * 4096)));
}

/* -- addresses --------------------------------------------------------------------------------------------------- */

/* Base, offset; form 0 offset, 1 post-indexed, 2 offset, 3 pre-indexed. */
static void address(struct dis *d, i32 rn, i32 off, i32 form)
{
    dis_put(d, "[");
    dis_reg_sp(d, 'x', (unsigned)rn);
    if (form == 1) {
        dis_put(d, "], #%d", off);
    } else if (off || form == 3) {
        dis_put(d, ", #%d]%s", off, form == 3 ? "!" : "");
    } else {
        dis_put(d, "]");
    }
}
P(addr)
{
    address(d, v[0], v[1], v[2]);
}
P(addra)
{
    address(d, v[0], v[1] * 8, v[2] ? 3 : 0);
}
P(uaddr)
{
    address(d, v[0], v[1] * (1 << v[2]), 0);
}
P(paddr) /* base, imm7, form, log2 of the bytes less v[4] */
{
    address(d, v[0], v[1] * (1 << (v[3] + v[4])), v[2]);
}
P(raddr) /* base, index, opt, scaled, log2 of the bytes */
{
    static const char *const names[] = {"uxtw", "lsl", "sxtw", "sxtx"};
    dis_put(d, "[");
    dis_reg_sp(d, 'x', (unsigned)v[0]);
    dis_put(d, ", ");
    dis_reg(d, v[2] & 1 ? 'x' : 'w', (unsigned)v[1]);
    if (v[2] != 1 || v[3]) {
        dis_put(d, ", %s", names[v[2]]);
    }
    dis_put(d, v[3] ? " #%d]" : "]", v[4]);
}
P(prf)
{
    static const char *const what[] = {"pld", "pli", "pst"}, *const how[] = {"keep", "strm"};
    u32 op = (u32)v[0];
    if (op >> 3 > 2 || (op >> 1 & 3) > 2) {
        dis_put(d, "#0x%x", op);
    } else {
        dis_put(d, "%sl%u%s", what[op >> 3], (op >> 1 & 3) + 1, how[op & 1]);
    }
}

/* -- system ------------------------------------------------------------------------------------------------------ */

P(barrier)
{
    static const char *const names[16] = {"#0x0", "oshld", "oshst", "osh", "#0x4", "nshld", "nshst", "nsh",
                                          "#0x8", "ishld", "ishst", "ish", "#0xc", "ld",    "st",    "sy"};
    dis_put(d, "%s", names[v[0]]);
}
P(nxs)
{
    static const char *const names[4] = {"oshnxs", "nshnxs", "ishnxs", "synxs"};
    dis_put(d, "%s", names[v[0]]);
}
P(hint)
{
    dis_put(d, "#0x%x", (u32)(v[0] << 3 | v[1]));
}
/* Bits 19:5 of MSR and MRS. */
P(sysreg)
{
    u32 e = (u32)v[0];
    dis_put(d, "s%u_%u_c%u_c%u_%u", 2 + (e >> 14 & 1), e >> 11 & 7, e >> 7 & 15, e >> 3 & 15, e & 7);
}
P(sys)
{
    u32 e = (u32)v[0];
    dis_put(d, "sys #%u, c%u, c%u, #%u, ", e >> 11 & 7, e >> 7 & 15, e >> 3 & 15, e & 7);
    dis_reg(d, 'x', (unsigned)v[1]);
}

/* -- parts of mnemonics ------------------------------------------------------------------------------------------ */

#define CHOICE(name, ...) \
    P(name) \
    { \
        static const char *const s[] = {__VA_ARGS__}; \
        dis_put(d, "%s", s[v[0]]); \
    }
CHOICE(c, "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv")
CHOICE(bhwx, "b", "h", "w", "x")
CHOICE(bhw, "b", "h", "w", "")
CHOICE(bh, "b", "h", "", "")
CHOICE(key, "ia", "ib", "da", "db")
CHOICE(keyz, "iza", "izb", "dza", "dzb")
CHOICE(id, "i", "d")
CHOICE(ab, "a", "b")
CHOICE(abz, "az", "bz")
CHOICE(d1, "0", "1", "2", "3")
CHOICE(bti, "", " c", " j", " jc")
CHOICE(lx, "", "l")
CHOICE(ax, "", "a")
CHOICE(ut, "u", "", "t", "")
CHOICE(np, "n", "", "", "")
CHOICE(n432, "4", "3", "2")
CHOICE(bit816, "8", "16")
P(alr)
{
    dis_put(d, "%s%s", v[0] ? "a" : "", v[1] ? "l" : "");
}
P(nrn) /* R, opcode<0>: registers less one */
{
    dis_put(d, "%d", (v[1] << 1 | v[0]) + 1);
}

/* -- SIMD loads and stores --------------------------------------------------------------------------------------- */

P(vz) /* register, log2 of the bytes */
{
    dis_put(d, "%c%d", "bhsdq"[v[1]], v[0]);
}
P(vlit)
{
    dis_put(d, "%c%d", "sdq"[v[1]], v[0]);
}
static void vlist(struct dis *d, i32 rt, unsigned n, i32 size, i32 q)
{
    dis_put(d, "{");
    for (unsigned i = 0; i < n; i++) {
        dis_put(d, "%sv%u.%u%c", i ? ", " : "", ((u32)rt + i) & 31, (q ? 16u : 8u) >> size, "bhsd"[size]);
    }
    dis_put(d, "}");
}
static unsigned ld1_regs(i32 op)
{
    return op == 0 ? 4 : op == 2 ? 3 : op == 3 ? 1 : 2;
}
P(vlist1)
{
    vlist(d, v[0], ld1_regs(v[1]), v[2], v[3]);
}
P(vlistn)
{
    vlist(d, v[0], 4 - (unsigned)v[1], v[2], v[3]);
}
P(vlistr)
{
    vlist(d, v[0], (unsigned)(v[2] << 1 | v[1]) + 1, v[3], v[4]);
}
P(lane) /* rt, op, r, n, q, s, size */
{
    bool dword = v[1] == 2 && (v[6] & 1);
    unsigned es = dword ? 3 : (unsigned)v[1], regs = (unsigned)(v[3] << 1 | v[2]) + 1;
    unsigned index = dword ? (unsigned)v[4] : (unsigned)(v[4] << 3 | v[5] << 2 | v[6]) >> es;
    dis_put(d, "{");
    for (unsigned i = 0; i < regs; i++) {
        dis_put(d, "%sv%u.%c", i ? ", " : "", ((u32)v[0] + i) & 31, "bhsd"[es]);
    }
    dis_put(d, "}[%u]", index);
}
static void saddr(struct dis *d, i32 rn, i32 rm, i32 post, unsigned bytes)
{
    address(d, rn, 0, 0);
    if (post && rm == 31) {
        dis_put(d, ", #%u", bytes);
    } else if (post) {
        dis_put(d, ", x%d", rm);
    }
}
P(saddr1)
{
    saddr(d, v[0], v[1], v[2], ld1_regs(v[3]) * (v[4] ? 16 : 8));
}
P(saddrn)
{
    saddr(d, v[0], v[1], v[2], (4 - (unsigned)v[3]) * (v[4] ? 16 : 8));
}
P(saddrl)
{
    unsigned es = v[3] == 2 && (v[6] & 1) ? 3 : (unsigned)v[3];
    saddr(d, v[0], v[1], v[2], ((unsigned)(v[5] << 1 | v[4]) + 1) << es);
}
P(saddrr)
{
    saddr(d, v[0], v[1], v[2], ((unsigned)(v[4] << 1 | v[3]) + 1) << v[5]);
}

#define K(name) \
    { \
#name, p_##name \
    }
const struct dis_kind dis_kinds[] = {
    K(x),         K(w),
    K(xs),        K(r),
    K(rs),        K(rz),
    K(tbr),       K(pair),
    K(d),         K(h),
    K(lsl12),     K(lsl16),
    K(bitmask),   K(sh),
    K(ext),       K(pc),
    K(adr),       K(adrp),
    K(addr),      K(addra),
    K(uaddr),     K(paddr),
    K(raddr),     K(prf),
    K(barrier),   K(nxs),
    K(hint),      K(sysreg),
    K(sys),       K(c),
    K(bhwx),      K(bhw),
    K(bh),        K(key),
    K(keyz),      K(id),
    K(ab),        K(abz),
    K(d1),        K(bti),
    K(lx),        K(ax),
    K(ut),        K(np),
    K(n432),      K(alr),
    K(nrn),       K(vz),
    K(vlit),      K(vlist1),
    K(vlistn),    K(vlistr),
    K(lane),      K(saddr1),
    K(saddrn),    K(saddrl),
    K(saddrr),    {"816", p_bit816},
    {NULL, NULL},
};

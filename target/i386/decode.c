/* The decoder of decode.h. A row matches by map, opcode, mandatory prefix, ModRM, mode, W, L and feature; the first
 * that does is the instruction. Undefined: no row, LOCK where it may not be, a VEX prefix behind 66, F2, F3, LOCK or
 * REX. */
#include "target/i386/decode.h"

#include "base/bits.h"

const struct x86_opd_info x86_opds[] = {{"", PL_NONE, SZ_none},
#define _(name, place, size) {#name, PL_##place, SZ_##size},
                                        X86_OPERANDS(_)
#undef _
};

const struct x86_row x86_rows[] = {
#define ROW(fn, name, map, pp, opcode, ext, rm, mod, flags, f0, f1, f2, a, b, c, d) \
    {name, X86_FN_##fn, flags, map, pp, opcode, ext, rm, mod, {f0, f1, f2}, {a, b, c, d}},
#define X86_ROWS
#include "target/i386/i386_insns.inc"
#undef X86_ROWS
#undef ROW
};
const unsigned x86_nrows = ARRAY_LEN(x86_rows);

/* Of each map and opcode the first row. */
static const u16 row_index[X86_MAPS * 256 + 1] = {
#define X86_INDEX
#include "target/i386/i386_insns.inc"
#undef X86_INDEX
};

static bool place_is_modrm(enum x86_place p)
{
    switch (p) {
    case PL_C:
    case PL_D:
    case PL_E:
    case PL_G:
    case PL_M:
    case PL_MV:
    case PL_N:
    case PL_P:
    case PL_Q:
    case PL_R:
    case PL_S:
    case PL_STi:
    case PL_U:
    case PL_V:
    case PL_W:
        return true;
    default:
        return false;
    }
}

bool x86_row_has_modrm(const struct x86_row *r)
{
    if (r->map > MAP_0F || r->ext >= 0 || r->mod != MOD_ANY) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(r->opds); i++) {
        if (place_is_modrm(x86_opds[r->opds[i]].place)) {
            return true;
        }
    }
    return false;
}

/* -- bytes -------------------------------------------------------------------------------------------------------- */

enum { MAX_LEN = 15 };
struct reader {
    const u8 *p;
    unsigned at, avail;
    bool cut, too_long;
};

static u64 take(struct reader *r, unsigned n)
{
    if (r->at + n > MAX_LEN) {
        r->too_long = true;
        return 0;
    }
    if (r->at + n > r->avail) {
        r->cut = true;
        return 0;
    }
    u64 v = ldnle(r->p + r->at, n);
    r->at += n;
    return v;
}
static bool stuck(const struct reader *r)
{
    return r->cut || r->too_long;
}

/* -- prefixes ------------------------------------------------------------------------------------------------------ */

struct prefixes {
    bool opsize, addrsize, rex_r, rex_x, rex_b;
    u8 map;
};

static bool legacy_prefix(struct x86_instr *in, struct prefixes *px, u8 b)
{
    switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e: /* in 64-bit mode they mean nothing */
        in->seg = in->mode64 ? in->seg : b >> 3 & 3;
        return true;
    case 0x64:
    case 0x65:
        in->seg = b - 0x64 + SEG_FS;
        return true;
    case 0x66:
        px->opsize = true;
        return true;
    case 0x67:
        px->addrsize = true;
        return true;
    case 0xf0:
        in->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        in->rep = b;
        return true;
    default:
        return false;
    }
}

static void rex_bits(struct x86_instr *in, struct prefixes *px, u8 rex)
{
    in->rex = rex != 0;
    in->w = rex >> 3 & 1;
    px->rex_r = rex >> 2 & 1;
    px->rex_x = rex >> 1 & 1;
    px->rex_b = rex & 1;
}

/* Behind C4 or C5, which is read. False: undefined. */
static bool vex_prefix(struct x86_instr *in, struct prefixes *px, struct reader *r, u8 first)
{
    if (in->rex || in->lock || in->rep || px->opsize) {
        return false;
    }
    u8 b = (u8)take(r, 1), c = b;
    px->rex_r = !(b >> 7);
    px->map = MAP_0F;
    if (first == 0xc4) {
        px->rex_x = !(b >> 6 & 1);
        px->rex_b = !(b >> 5 & 1);
        px->map = b & 31;
        c = (u8)take(r, 1);
        in->w = c >> 7;
    }
    in->vvvv = ~c >> 3 & 15;
    in->l = c >> 2 & 1;
    in->pp = c & 3;
    in->vex = true;
    if (!in->mode64) { /* registers 8 to 15 are not there; bits of the inverted form are ignored */
        px->rex_b = false;
        in->vvvv &= 7;
    }
    return px->map >= MAP_0F && px->map <= MAP_0F3A;
}

/* Up to the opcode, which stays in in->opcode. */
static bool read_prefixes(struct x86_instr *in, struct prefixes *px, struct reader *r)
{
    u8 rex = 0, b;
    for (;;) {
        b = (u8)take(r, 1);
        if (stuck(r)) {
            return true;
        }
        if (legacy_prefix(in, px, b)) {
            rex = 0; /* it counts only right before the opcode */
        } else if (in->mode64 && (b & 0xf0) == 0x40) {
            rex = b;
        } else {
            break;
        }
    }
    rex_bits(in, px, rex);
    if (b == 0xc4 || b == 0xc5) {
        bool is_vex = in->mode64 || (r->at < r->avail && r->p[r->at] >> 6 == 3);
        if (!is_vex && r->at >= r->avail) {
            take(r, 1);
            return true;
        }
        if (is_vex) {
            if (!vex_prefix(in, px, r, b)) {
                return stuck(r);
            }
            in->opcode = (u8)take(r, 1);
            return true;
        }
    }
    in->pp = in->rep == 0xf3 ? PP_F3 : in->rep == 0xf2 ? PP_F2 : px->opsize ? PP_66 : PP_NP;
    px->map = MAP_ONE;
    if (b == 0x0f) {
        b = (u8)take(r, 1);
        px->map = b == 0x38 ? MAP_0F38 : b == 0x3a ? MAP_0F3A : b == 0x0f ? MAP_3DNOW : MAP_0F;
        if (px->map == MAP_0F38 || px->map == MAP_0F3A) {
            b = (u8)take(r, 1);
        }
    }
    in->opcode = b; /* of 3DNow! it is the last byte */
    return true;
}

/* -- ModRM --------------------------------------------------------------------------------------------------------- */

static void memory16(struct x86_instr *in, struct reader *r)
{
    static const u8 base[8] = {3, 3, 5, 5, 6, 7, 5, 3}, index[8] = {6, 7, 6, 7, 16, 16, 16, 16};
    in->base = base[in->rm];
    in->index = index[in->rm];
    if (in->mod == 0 && in->rm == 6) {
        in->base = X86_NO_REG;
        in->disp = sext(take(r, 2), 16);
    } else if (in->mod) {
        in->disp = in->mod == 1 ? sext(take(r, 1), 8) : sext(take(r, 2), 16);
    }
}

static void memory32(struct x86_instr *in, const struct prefixes *px, struct reader *r)
{
    unsigned low = in->rm;
    if (low == 4) {
        u8 sib = (u8)take(r, 1);
        in->scale = sib >> 6;
        in->index = (sib >> 3 & 7) | px->rex_x << 3;
        in->base = (sib & 7) | px->rex_b << 3;
        low = sib & 7;
        if (in->index == 4) {
            in->index = X86_NO_REG;
        }
        if (low == 5 && in->mod == 0) {
            in->base = X86_NO_REG;
        }
    } else {
        in->base = low | px->rex_b << 3;
        if (low == 5 && in->mod == 0) {
            in->base = in->mode64 ? X86_RIP : X86_NO_REG;
        }
    }
    if (in->mod == 1) {
        in->disp = sext(take(r, 1), 8);
    } else if (in->mod == 2 || (low == 5 && in->mod == 0)) {
        in->disp = sext(take(r, 4), 32);
    }
}

/* ModRM up to the displacement. */
static void read_modrm(struct x86_instr *in, const struct prefixes *px, struct reader *r, bool mod3)
{
    u8 b = (u8)take(r, 1);
    in->mod = mod3 ? 3 : b >> 6;
    in->reg = (b >> 3 & 7) | px->rex_r << 3;
    in->rm = b & 7;
    if (in->mod == 3) {
        in->rm |= px->rex_b << 3;
    } else if (in->addrsize == 2) {
        memory16(in, r);
    } else {
        memory32(in, px, r);
    }
}

/* -- rows -----------------------------------------------------------------------------------------------------------
 */

static bool row_matches(const struct x86_row *row, const struct x86_instr *in, bool modrm, const struct x86_features *f)
{
    if ((row->pp != PP_ANY && row->pp != in->pp) || (row->flags & (in->mode64 ? ROW_I64 : ROW_O64))) {
        return false;
    }
    if (modrm && ((row->ext >= 0 && row->ext != (in->reg & 7)) || (row->rm >= 0 && row->rm != (in->rm & 7)) ||
                  (row->mod == MOD_MEM && in->mod == 3) || (row->mod == MOD_REG && in->mod != 3))) {
        return false;
    }
    if (in->vex && (!(row->flags & ROW_VEX) || (row->flags & (in->l ? ROW_L0 : ROW_L1)))) {
        return false;
    }
    if (row->flags & (in->w ? ROW_W0 : ROW_W1)) {
        return false;
    }
    if ((row->flags & ROW_B0) && in->opreg >= 8) {
        return false;
    }
    if (x86_opds[row->opds[1]].place == PL_MV && (in->rm != 4 || in->addrsize == 2)) { /* it needs a SIB byte */
        return false;
    }
    return x86_has(f, row->features[!in->vex ? 0 : in->l ? 2 : 1]);
}

static const struct x86_row *row_find(const struct x86_instr *in, u8 map, bool modrm, const struct x86_features *f)
{
    const u16 *at = &row_index[map * 256 + in->opcode];
    for (unsigned i = at[0]; i < at[1]; i++) {
        if (row_matches(&x86_rows[i], in, modrm, f)) {
            return &x86_rows[i];
        }
    }
    return NULL;
}

static u8 row_opsize(const struct x86_row *row, const struct x86_instr *in, bool prefix, unsigned bits)
{
    if (bits == 64) {
        bool wide = in->w || (row->flags & ROW_F64) || ((row->flags & ROW_D64) && !prefix);
        return wide ? 8 : prefix ? 2 : 4;
    }
    return (bits == 16) != prefix ? 2 : 4;
}

/* -- immediates ---------------------------------------------------------------------------------------------------- */

static void read_operand(struct x86_instr *in, enum x86_opd o, struct reader *r)
{
    unsigned n = x86_opd_bytes(in, o);
    switch (x86_opds[o].place) {
    case PL_I:
    case PL_sI:
    case PL_J:
        in->imm = (u64)sext(take(r, n), 8 * n);
        break;
    case PL_L:
        in->imm = take(r, 1);
        break;
    case PL_I2:
        in->imm2 = take(r, 1);
        break;
    case PL_A:
        in->imm = take(r, n - 2);
        in->imm2 = take(r, 2);
        break;
    case PL_MV: /* index 4 is a register here */
        in->index = in->index == X86_NO_REG ? 4 : in->index;
        break;
    case PL_O:
        in->base = in->index = X86_NO_REG;
        in->disp = (i64)take(r, in->addrsize);
        break;
    default:
        break;
    }
}

unsigned x86_opd_bytes(const struct x86_instr *in, enum x86_opd o)
{
    unsigned x = in->vex && in->l ? 32 : 16;
    switch (x86_opds[o].size) {
    case SZ_b:
        return 1;
    case SZ_w:
        return 2;
    case SZ_d:
        return 4;
    case SZ_q:
        return 8;
    case SZ_o:
        return 16;
    case SZ_t:
        return 10;
    case SZ_v:
        return in->opsize;
    case SZ_z: /* immediates of 64-bit operands have 4 bytes; relative ones too */
        return MIN(in->opsize, 4u);
    case SZ_y:
        return in->w && in->mode64 ? 8 : 4;
    case SZ_n:
        return in->mode64 ? 8 : 4;
    case SZ_x:
        return x;
    case SZ_h:
        return x / 2;
    case SZ_qx:
        return x / 4;
    case SZ_ox:
        return x / 8;
    case SZ_ddup:
        return x == 16 ? 8 : 32;
    case SZ_p:
        return 2 + in->opsize;
    case SZ_s:
        return in->mode64 ? 10 : 6;
    case SZ_a:
        return 2 * in->opsize;
    default:
        return 0;
    }
}

/* LOCK needs an instruction that takes it, with memory as its destination. */
static bool lock_allowed(const struct x86_instr *in)
{
    return !in->lock || ((in->row->flags & ROW_LOCK) && in->mod != 3);
}

enum x86_decoded x86_decode(struct x86_instr *in, const u8 *p, unsigned avail, unsigned bits,
                            const struct x86_features *f)
{
    struct reader r = {.p = p, .avail = avail};
    struct prefixes px = {.map = MAP_ONE};
    *in = (struct x86_instr){.mode64 = bits == 64, .seg = SEG_DEFAULT, .base = X86_NO_REG, .index = X86_NO_REG};
    bool defined = read_prefixes(in, &px, &r);
    in->opsize_prefix = px.opsize;
    in->addrsize = in->mode64 ? (px.addrsize ? 4 : 8) : (bits == 16) != px.addrsize ? 2 : 4;
    const u16 *at = &row_index[px.map * 256u + in->opcode];
    if (defined && !stuck(&r)) {
        const struct x86_row *first = at[0] < at[1] ? &x86_rows[at[0]] : NULL;
        bool modrm = px.map > MAP_0F || (first && x86_row_has_modrm(first));
        if (modrm) {
            read_modrm(in, &px, &r, first && (first->flags & ROW_MOD3));
        }
        if (px.map == MAP_3DNOW) {
            in->opcode = (u8)take(&r, 1);
        }
        in->opreg = (in->opcode & 7) | px.rex_b << 3;
        if (!stuck(&r)) {
            in->row = row_find(in, px.map, modrm, f);
        }
    }
    if (in->row) {
        in->opsize = row_opsize(in->row, in, px.opsize, bits);
        for (unsigned i = 0; i < ARRAY_LEN(in->row->opds); i++) {
            read_operand(in, in->row->opds[i], &r);
        }
    }
    in->len = (u8)r.at;
    if (stuck(&r)) {
        return r.too_long ? X86_LONG : X86_CUT;
    }
    return in->row && lock_allowed(in) ? X86_DECODED : X86_UNDEFINED;
}

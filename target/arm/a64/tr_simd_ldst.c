/* A64 loads and stores of SIMD&FP registers (DDI 0487, C4.1.96): scalars, pairs, and the structures of LD1 to ST4.
 *
 * Structures move as 16-byte pieces that shuffles take apart. Big-endian data is moved element by element. */
#include "target/arm/a64/a64.h"

enum { IDX_UNSCALED, IDX_POST, IDX_UNPRIV, IDX_PRE };
enum { PAIR_NT, PAIR_POST, PAIR_OFFSET, PAIR_PRE };

/* -- registers --------------------------------------------------------------------------------------------------- */

ir_ref f_get(struct a64 *t, enum ir_type type, unsigned r)
{
    unsigned es = type == IR_F16 ? 1 : type == IR_F32 || type == IR_I32 ? 2 : 3;
    return ir_vget(t->ir, type, es, v_get(t, r), 0);
}
void f_put(struct a64 *t, enum ir_type type, unsigned r, ir_ref v)
{
    v_put(t, r, ir_vzero_ext(t->ir, type, v));
}
void v_put_q(struct a64 *t, unsigned r, bool q, ir_ref v)
{
    v_put(t, r, q ? v : ir_vzero_ext(t->ir, IR_F64, ir_vget(t->ir, IR_F64, 3, v, 0)));
}

/* The type a value of 1 << size bytes travels as. */
static enum ir_type move_type(const struct a64 *t, u32 size)
{
    bool ints = size < 2 || ((t->mode & MODE_BE) && size < 4);
    return size == 4 ? IR_V128 : ints ? int_type(size == 3) : size == 3 ? IR_F64 : IR_F32;
}
static ir_ref to_vector(struct a64 *t, u32 size, ir_ref v)
{
    return size == 4 ? v : ir_vzero_ext(t->ir, move_type(t, size), v);
}
static ir_ref from_vector(struct a64 *t, u32 size, u32 rt)
{
    return size == 4 ? v_get(t, rt) : ir_vget(t->ir, move_type(t, size), size, v_get(t, rt), 0);
}

/* -- one register ------------------------------------------------------------------------------------------------ */

static ir_ref load_v(struct a64 *t, ir_ref base, i64 off, u32 size)
{
    return to_vector(t, size, ir_ld(t->ir, move_type(t, size), base, (i32)off, a64_mo(t, size)));
}
static void store_v(struct a64 *t, ir_ref base, i64 off, u32 size, u32 rt)
{
    ir_st(t->ir, base, (i32)off, from_vector(t, size, rt), move_type(t, size), a64_mo(t, size));
}

static bool str_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    store_v(t, a64_base(t, rn), (i64)imm12 << size, size, rt);
    return true;
}
static bool ldr_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    v_put(t, rt, load_v(t, a64_base(t, rn), (i64)imm12 << size, size));
    return true;
}
static bool str_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    store_v(t, base, idx == IDX_POST ? 0 : imm9, size, rt);
    if (idx != IDX_UNSCALED) {
        a64_writeback(t, rn, base, imm9);
    }
    return true;
}
static bool ldr_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    ir_ref v = load_v(t, base, idx == IDX_POST ? 0 : imm9, size);
    if (idx != IDX_UNSCALED) {
        a64_writeback(t, rn, base, imm9);
    }
    v_put(t, rt, v);
    return true;
}
static bool str_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    store_v(t, a64_reg_addr(t, rn, rm, opt, s ? size : 0), 0, size, rt);
    return true;
}
static bool ldr_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    v_put(t, rt, load_v(t, a64_reg_addr(t, rn, rm, opt, s ? size : 0), 0, size));
    return true;
}

bool tr_STR_v_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    return str_uimm(t, size, imm12, rn, rt);
}
bool tr_LDR_v_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    return ldr_uimm(t, size, imm12, rn, rt);
}
bool tr_STR_q_uimm(struct a64 *t, u32 imm12, u32 rn, u32 rt)
{
    return str_uimm(t, 4, imm12, rn, rt);
}
bool tr_LDR_q_uimm(struct a64 *t, u32 imm12, u32 rn, u32 rt)
{
    return ldr_uimm(t, 4, imm12, rn, rt);
}
bool tr_STR_v_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    return str_imm9(t, size, imm9, idx, rn, rt);
}
bool tr_LDR_v_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    return ldr_imm9(t, size, imm9, idx, rn, rt);
}
bool tr_STR_q_imm9(struct a64 *t, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    return str_imm9(t, 4, imm9, idx, rn, rt);
}
bool tr_LDR_q_imm9(struct a64 *t, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    return ldr_imm9(t, 4, imm9, idx, rn, rt);
}
bool tr_STR_v_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    return str_reg(t, size, rm, opt, s, rn, rt);
}
bool tr_LDR_v_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    return ldr_reg(t, size, rm, opt, s, rn, rt);
}
bool tr_STR_q_reg(struct a64 *t, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    return str_reg(t, 4, rm, opt, s, rn, rt);
}
bool tr_LDR_q_reg(struct a64 *t, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    return ldr_reg(t, 4, rm, opt, s, rn, rt);
}
bool tr_LDR_v_lit(struct a64 *t, u32 opc, i32 imm19, u32 rt)
{
    v_put(t, rt, load_v(t, a64_literal(t, imm19), 0, 2 + opc));
    return true;
}

/* -- pairs ------------------------------------------------------------------------------------------------------- */

bool tr_STP_v(struct a64 *t, u32 opc, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    u32 size = 2 + opc;
    i32 off = imm7 * (1 << size);
    ir_ref base = a64_base(t, rn);
    ir_st_pair(t->ir, base, idx == PAIR_POST ? 0 : off, from_vector(t, size, rt), from_vector(t, size, rt2),
               move_type(t, size), a64_mo(t, size) | MO_PAIR);
    if (idx & 1) {
        a64_writeback(t, rn, base, off);
    }
    return true;
}

bool tr_LDP_v(struct a64 *t, u32 opc, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    u32 size = 2 + opc;
    i32 off = imm7 * (1 << size);
    ir_ref base = a64_base(t, rn), second;
    ir_ref first =
        ir_ld_pair(t->ir, move_type(t, size), base, idx == PAIR_POST ? 0 : off, a64_mo(t, size) | MO_PAIR, &second);
    if (idx & 1) {
        a64_writeback(t, rn, base, off);
    }
    v_put(t, rt, to_vector(t, size, first));
    v_put(t, rt2, to_vector(t, size, second));
    return true;
}

/* -- structures: memory in pieces -------------------------------------------------------------------------------- */

struct pieces {
    unsigned n;
    ir_ref v[4]; /* 16 bytes each; the last may be 8 */
};

static unsigned piece_mo(const struct a64 *t, unsigned log2, u32 es)
{
    return log2 | (t->mode & MODE_ALIGN ? mo_align(es) : 0);
}

static struct pieces load_pieces(struct a64 *t, ir_ref base, unsigned bytes, u32 es)
{
    struct pieces p = {.n = (bytes + 15) / 16};
    for (unsigned i = 0; i < p.n; i++) {
        bool whole = bytes >= 16 * (i + 1);
        ir_ref v = ir_ld(t->ir, whole ? IR_V128 : IR_F64, base, (i32)(16 * i), piece_mo(t, whole ? MO_128 : MO_64, es));
        p.v[i] = whole ? v : ir_vzero_ext(t->ir, IR_F64, v);
    }
    return p;
}

static void store_pieces(struct a64 *t, ir_ref base, unsigned bytes, u32 es, const struct pieces *p)
{
    for (unsigned i = 0; i < p->n; i++) {
        bool whole = bytes >= 16 * (i + 1);
        ir_ref v = whole ? p->v[i] : ir_vget(t->ir, IR_F64, 3, p->v[i], 0);
        ir_st(t->ir, base, (i32)(16 * i), v, whole ? IR_V128 : IR_F64, piece_mo(t, whole ? MO_128 : MO_64, es));
    }
}

/* Byte j of the result is byte from[j] of the pieces in a row; 0x80 is zero. */
static ir_ref gather(struct a64 *t, const struct pieces *p, const u8 from[16])
{
    ir_ref sum = 0;
    for (unsigned i = 0; i < p->n; i += 2) {
        u8 pat[16];
        bool any = false;
        for (unsigned j = 0; j < 16; j++) {
            bool here = from[j] < 0x80 && from[j] / 32 == i / 2;
            pat[j] = here ? from[j] - 16 * i : 0x80;
            any |= here;
        }
        if (any) {
            ir_ref v = ir_vshuf(t->ir, p->v[i], p->v[i + 1 < p->n ? i + 1 : i], pat);
            sum = sum ? ir_v2(t->ir, IR_or, 0, sum, v, 0) : v;
        }
    }
    return sum;
}

/* Element e of register r of n registers lies at byte (e * n + r) << es. */
static void put_deinterleaved(struct a64 *t, const struct pieces *p, unsigned n, u32 es, bool q, u32 rt)
{
    ir_ref v[4];
    for (unsigned r = 0; r < n; r++) {
        u8 from[16];
        for (unsigned j = 0; j < 16; j++) {
            from[j] = (u8)(q || j < 8 ? (((j >> es) * n + r) << es) + (j & MASK(es)) : 0x80);
        }
        v[r] = gather(t, p, from);
    }
    for (unsigned r = 0; r < n; r++) {
        v_put(t, (rt + r) & 31, v[r]);
    }
}

static struct pieces interleaved(struct a64 *t, unsigned n, u32 es, bool q, u32 rt)
{
    struct pieces regs = {.n = n}, out = {.n = (n * (q ? 16 : 8) + 15) / 16};
    for (unsigned r = 0; r < n; r++) {
        regs.v[r] = v_get(t, (rt + r) & 31);
    }
    for (unsigned i = 0; i < out.n; i++) {
        u8 from[16];
        for (unsigned j = 0; j < 16; j++) {
            unsigned at = 16 * i + j, elem = at >> es, reg = elem % n, e = elem / n;
            from[j] = (u8)(at < n * (q ? 16u : 8u) ? 16 * reg + (e << es) + (at & MASK(es)) : 0x80);
        }
        out.v[i] = gather(t, &regs, from);
    }
    return out;
}

/* -- structures: element by element ------------------------------------------------------------------------------ */

static ir_ref load_elem(struct a64 *t, ir_ref base, unsigned off, u32 es)
{
    return ir_ld(t->ir, int_type(es == 3), base, (i32)off, a64_mo(t, es));
}

/* `step`: structures are interleaved (LDn), else registers follow each other (LD1). */
static void load_elems(struct a64 *t, ir_ref base, unsigned n, bool step, u32 es, bool q, u32 rt)
{
    unsigned elems = (q ? 16u : 8u) >> es;
    ir_ref v[4];
    for (unsigned r = 0; r < n; r++) {
        v[r] = ir_const_v128(t->ir, 0, 0);
        for (unsigned e = 0; e < elems; e++) {
            unsigned at = step ? e * n + r : r * elems + e;
            v[r] = ir_vset(t->ir, es, v[r], e, load_elem(t, base, at << es, es));
        }
    }
    for (unsigned r = 0; r < n; r++) {
        v_put(t, (rt + r) & 31, v[r]);
    }
}

static void store_elems(struct a64 *t, ir_ref base, unsigned n, bool step, u32 es, bool q, u32 rt)
{
    unsigned elems = (q ? 16u : 8u) >> es;
    enum ir_type ty = int_type(es == 3);
    for (unsigned at = 0; at < n * elems; at++) {
        unsigned r = step ? at % n : at / elems, e = step ? at / n : at % elems;
        ir_ref v = ir_vget(t->ir, ty, es, v_get(t, (rt + r) & 31), e);
        ir_st(t->ir, base, (i32)(at << es), v, ty, a64_mo(t, es));
    }
}

/* -- structures: the instructions -------------------------------------------------------------------------------- */

/* p: post-indexed by rm, or by the bytes moved when rm is 31. */
static void post_index(struct a64 *t, u32 p, u32 rm, u32 rn, ir_ref base, unsigned bytes)
{
    if (!p) {
        return;
    }
    if (rm == 31) {
        a64_writeback(t, rn, base, bytes);
    } else {
        xsp_put(t, rn, ir_add(t->ir, IR_I64, base, x_get(t, rm)));
    }
}

/* Registers of LD1 and ST1 by bits 15, 14, 12 of the instruction. */
static unsigned ld1_regs(u32 op)
{
    return op == 0 ? 4 : op == 2 ? 3 : op == 3 ? 1 : 2;
}

bool tr_ST1_multi(struct a64 *t, u32 q, u32 p, u32 rm, u32 op, u32 size, u32 rn, u32 rt)
{
    unsigned n = ld1_regs(op), width = q ? 16 : 8;
    ir_ref base = a64_base(t, rn);
    if (t->mode & MODE_BE) {
        store_elems(t, base, n, false, size, q, rt);
    } else {
        for (unsigned r = 0; r < n; r++) {
            ir_ref v = v_get(t, (rt + r) & 31);
            v = q ? v : ir_vget(t->ir, IR_F64, 3, v, 0);
            ir_st(t->ir, base, (i32)(r * width), v, q ? IR_V128 : IR_F64, piece_mo(t, q ? MO_128 : MO_64, size));
        }
    }
    post_index(t, p, rm, rn, base, n * width);
    return true;
}

bool tr_LD1_multi(struct a64 *t, u32 q, u32 p, u32 rm, u32 op, u32 size, u32 rn, u32 rt)
{
    unsigned n = ld1_regs(op), width = q ? 16 : 8;
    ir_ref base = a64_base(t, rn), v[4];
    if (t->mode & MODE_BE) {
        load_elems(t, base, n, false, size, q, rt);
    } else {
        for (unsigned r = 0; r < n; r++) {
            unsigned mo = piece_mo(t, q ? MO_128 : MO_64, size);
            v[r] = ir_ld(t->ir, q ? IR_V128 : IR_F64, base, (i32)(r * width), mo);
        }
        for (unsigned r = 0; r < n; r++) {
            v_put(t, (rt + r) & 31, q ? v[r] : ir_vzero_ext(t->ir, IR_F64, v[r]));
        }
    }
    post_index(t, p, rm, rn, base, n * width);
    return true;
}

bool tr_STn_multi(struct a64 *t, u32 q, u32 p, u32 rm, u32 op, u32 size, u32 rn, u32 rt)
{
    unsigned n = 4 - op, bytes = n * (q ? 16 : 8);
    if (size == 3 && !q) {
        return false;
    }
    ir_ref base = a64_base(t, rn);
    if (t->mode & MODE_BE) {
        store_elems(t, base, n, true, size, q, rt);
    } else {
        struct pieces out = interleaved(t, n, size, q, rt);
        store_pieces(t, base, bytes, size, &out);
    }
    post_index(t, p, rm, rn, base, bytes);
    return true;
}

bool tr_LDn_multi(struct a64 *t, u32 q, u32 p, u32 rm, u32 op, u32 size, u32 rn, u32 rt)
{
    unsigned n = 4 - op, bytes = n * (q ? 16 : 8);
    if (size == 3 && !q) {
        return false;
    }
    ir_ref base = a64_base(t, rn);
    if (t->mode & MODE_BE) {
        load_elems(t, base, n, true, size, q, rt);
    } else {
        struct pieces in = load_pieces(t, base, bytes, size);
        put_deinterleaved(t, &in, n, size, q, rt);
    }
    post_index(t, p, rm, rn, base, bytes);
    return true;
}

/* Element size and lane of a single-structure access; false: unallocated. op: log2 of the size, 2 for doublewords too.
 */
static bool single_lane(u32 q, u32 op, u32 s, u32 size, unsigned *es, unsigned *lane)
{
    unsigned index = q << 3 | s << 2 | size;
    if (op == 2 && (size & 1)) {
        *es = 3;
        *lane = q;
        return size == 1 && !s;
    }
    *es = op;
    *lane = index >> op;
    return !(size & MASK(op));
}

bool tr_ST_single(struct a64 *t, u32 q, u32 p, u32 r, u32 rm, u32 op, u32 n, u32 s, u32 size, u32 rn, u32 rt)
{
    unsigned es, lane, regs = (n << 1 | r) + 1;
    if (!single_lane(q, op, s, size, &es, &lane)) {
        return false;
    }
    ir_ref base = a64_base(t, rn);
    enum ir_type ty = int_type(es == 3);
    for (unsigned i = 0; i < regs; i++) {
        ir_ref v = ir_vget(t->ir, ty, es, v_get(t, (rt + i) & 31), lane);
        ir_st(t->ir, base, (i32)(i << es), v, ty, a64_mo(t, es));
    }
    post_index(t, p, rm, rn, base, regs << es);
    return true;
}

bool tr_LD_single(struct a64 *t, u32 q, u32 p, u32 r, u32 rm, u32 op, u32 n, u32 s, u32 size, u32 rn, u32 rt)
{
    unsigned es, lane, regs = (n << 1 | r) + 1;
    if (!single_lane(q, op, s, size, &es, &lane)) {
        return false;
    }
    ir_ref base = a64_base(t, rn), v[4];
    for (unsigned i = 0; i < regs; i++) {
        v[i] = load_elem(t, base, i << es, es);
    }
    for (unsigned i = 0; i < regs; i++) {
        v_put(t, (rt + i) & 31, ir_vset(t->ir, es, v_get(t, (rt + i) & 31), lane, v[i]));
    }
    post_index(t, p, rm, rn, base, regs << es);
    return true;
}

bool tr_LD_rep(struct a64 *t, u32 q, u32 p, u32 r, u32 rm, u32 n, u32 size, u32 rn, u32 rt)
{
    unsigned regs = (n << 1 | r) + 1;
    ir_ref base = a64_base(t, rn), v[4];
    for (unsigned i = 0; i < regs; i++) {
        v[i] = load_elem(t, base, i << size, size);
    }
    for (unsigned i = 0; i < regs; i++) {
        v_put_q(t, (rt + i) & 31, q, ir_vdup(t->ir, size, v[i]));
    }
    post_index(t, p, rm, rn, base, regs << size);
    return true;
}

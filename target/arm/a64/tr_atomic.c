/* A64 ordered and atomic accesses: exclusives, load-acquire and store-release, LSE (DDI 0487, C4.1.96 and B2.3).
 *
 * Ordering. Acquire and release are bits of the memory op. A store-release is followed by a store-load fence, which
 * makes it ordered with a later load-acquire (RCsc) whatever the host; LDAPR needs none of that, and gets it. LORegions
 * are the whole memory: LDLAR and STLLR are LDAR and STLR. */
#include "target/arm/a64/a64.h"

/* All of these need an aligned address. */
static unsigned aligned_mo(const struct a64 *t, u32 size)
{
    return (a64_mo(t, size) & ~(unsigned)MO_ALIGN) | (size ? mo_align(size) : 0);
}
static enum ir_type size_type(u32 size)
{
    return int_type(size == 3);
}
static ir_ref swap_be(struct a64 *t, u32 size, ir_ref v)
{
    return (t->mode & MODE_BE) && size ? ir_shri(t->ir, IR_I64, ir_bswap(t->ir, IR_I64, v, 3), 64 - (8u << size)) : v;
}
static bool ends_in_release(struct a64 *t)
{
    ir_fence(t->ir, FENCE_SL);
    return true;
}

/* -- exclusives -------------------------------------------------------------------------------------------------- */

/* Alone in a trace with nothing that touches memory between them, a pair is a load and a compare-and-swap (see enum
 * arm_excl); LDXP of 16 bytes needs no single-copy atomicity, for the store fails when its halves did not fit. */
static void ex_load_done(struct a64 *t, ir_ref base, unsigned log2, ir_ref lo, ir_ref hi)
{
    ir_put(t->ir, SLOT_EXCL, ir_const(t->ir, EXCL_OPEN));
    t->ex.base = base;
    t->ex.val[0] = lo;
    t->ex.val[1] = hi;
    t->ex.log2 = (u8)log2;
    t->ex.from = t->ir->nops;
}

/* Does a store-exclusive of these bytes here belong to the trace's load-exclusive? */
static bool ex_paired(struct a64 *t, ir_ref base, unsigned log2)
{
    bool fits = t->ex.log2 == log2 && t->ex.base == base && !(t->mode & MODE_EXCLUSIVE);
    for (u32 i = t->ex.from; fits && i < t->ir->nops; i++) {
        u8 op = t->ir->ops[i].op;
        fits = op != IR_ld && op != IR_st && op != IR_rmw && op != IR_cas && op != IR_fence && op != IR_call;
    }
    t->ex.log2 = 0xff;
    return fits;
}

static void ex_store_done(struct a64 *t, u32 rs, ir_ref failed)
{
    ir_put(t->ir, SLOT_EXCL, ir_const(t->ir, EXCL_NONE));
    x_put(t, rs, failed);
}

static void before_store_ex(struct a64 *t, u32 o0)
{
    if (o0) {
        ir_fence(t->ir, FENCE_LS | FENCE_SS);
    }
}
static void after_load_ex(struct a64 *t, u32 o0)
{
    if (o0) {
        ir_fence(t->ir, FENCE_LL | FENCE_LS);
    }
}

bool tr_STXR(struct a64 *t, u32 size, u32 rs, u32 o0, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    if (ex_paired(t, base, size)) {
        enum ir_type ty = size_type(size);
        unsigned mo = aligned_mo(t, size) | MO_ACQ | MO_REL;
        ir_ref old = ir_cas(t->ir, ty, base, 0, t->ex.val[0], x_get(t, rt), mo);
        ex_store_done(t, rs, ir_setcc(t->ir, CC_NE, ty, old, t->ex.val[0]));
        return true;
    }
    ir_ref v = swap_be(t, size, x_get(t, rt));
    before_store_ex(t, o0);
    x_put(t, rs, ir_call(t->ir, H_stx, base, v, ir_const(t->ir, size), 0));
    return o0 ? ends_in_release(t) : true;
}

bool tr_LDXR(struct a64 *t, u32 size, u32 o0, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    if (!(t->mode & MODE_EXCLUSIVE)) {
        ir_ref old = ir_ld(t->ir, size_type(size), base, 0, aligned_mo(t, size) | (o0 ? MO_ACQ : 0));
        ex_load_done(t, base, size, old, 0);
        x_put(t, rt, old);
        return true;
    }
    ir_ref v = ir_call(t->ir, H_ldx, base, ir_const(t->ir, size), 0, 0);
    x_put(t, rt, swap_be(t, size, v));
    after_load_ex(t, o0);
    return true;
}

/* Two registers as memory holds them. */
static ir_ref pair_value(struct a64 *t, u32 sz, ir_ref a, ir_ref b)
{
    struct ir *ir = t->ir;
    if (t->mode & MODE_BE) {
        a = swap_be(t, 2 + sz, a);
        b = swap_be(t, 2 + sz, b);
    }
    if (!sz) {
        return ir_vzero_ext(ir, IR_I64, ir_deposit(ir, IR_I64, a, b, 32, 32));
    }
    return ir_vset(ir, 3, ir_vzero_ext(ir, IR_I64, a), 1, b);
}
static void put_pair(struct a64 *t, u32 sz, ir_ref v, u32 r1, u32 r2)
{
    unsigned es = 2 + sz;
    x_put(t, r1, swap_be(t, es, ir_vget(t->ir, int_type(sz), es, v, 0)));
    x_put(t, r2, swap_be(t, es, ir_vget(t->ir, int_type(sz), es, v, 1)));
}

/* The paired forms, in memory order of the bytes: lo alone when they are eight. */
static void load_pair_open(struct a64 *t, u32 sz, u32 o0, ir_ref base, u32 r1, u32 r2)
{
    struct ir *ir = t->ir;
    unsigned mo = MO_64 | mo_align(3 + sz) | (o0 ? MO_ACQ : 0);
    ir_ref lo, hi = 0;
    if (sz) {
        lo = ir_ld_pair(ir, IR_I64, base, 0, mo | MO_PAIR, &hi);
    } else {
        lo = ir_ld(ir, IR_I64, base, 0, mo);
    }
    ex_load_done(t, base, 3 + sz, lo, hi);
    x_put(t, r1, swap_be(t, 2 + sz, sz ? lo : ir_zext(ir, IR_I64, lo, 32)));
    x_put(t, r2, swap_be(t, 2 + sz, sz ? hi : ir_shri(ir, IR_I64, lo, 32)));
}

static void store_pair_cas(struct a64 *t, u32 sz, u32 rs, ir_ref base, ir_ref v)
{
    struct ir *ir = t->ir;
    ir_ref failed;
    if (sz) {
        ir_ref want = ir_vset(ir, 3, ir_vzero_ext(ir, IR_I64, t->ex.val[0]), 1, t->ex.val[1]);
        ir_ref diff = ir_v2(ir, IR_xor, 0, ir_call(ir, H_casp, base, want, v, 0), want, 0);
        ir_ref any = ir_or(ir, IR_I64, ir_vget(ir, IR_I64, 3, diff, 0), ir_vget(ir, IR_I64, 3, diff, 1));
        failed = ir_setcc(ir, CC_NE, IR_I64, any, ir_const(ir, 0));
    } else {
        unsigned mo = MO_64 | mo_align(3) | MO_ACQ | MO_REL;
        ir_ref old = ir_cas(ir, IR_I64, base, 0, t->ex.val[0], ir_vget(ir, IR_I64, 3, v, 0), mo);
        failed = ir_setcc(ir, CC_NE, IR_I64, old, t->ex.val[0]);
    }
    ex_store_done(t, rs, failed);
}

bool tr_STXP(struct a64 *t, u32 sz, u32 rs, u32 o0, u32 rt2, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    ir_ref v = pair_value(t, sz, x_get(t, rt), x_get(t, rt2));
    if (ex_paired(t, base, 3 + sz)) {
        store_pair_cas(t, sz, rs, base, v);
        return true;
    }
    before_store_ex(t, o0);
    x_put(t, rs, ir_call(t->ir, H_stxp, base, v, ir_const(t->ir, 3 + sz), 0));
    return o0 ? ends_in_release(t) : true;
}

bool tr_LDXP(struct a64 *t, u32 sz, u32 o0, u32 rt2, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    if (!(t->mode & MODE_EXCLUSIVE)) {
        load_pair_open(t, sz, o0, base, rt, rt2);
        return true;
    }
    ir_ref v = ir_call(t->ir, H_ldxp, base, ir_const(t->ir, 3 + sz), 0, 0);
    put_pair(t, sz, v, rt, rt2);
    after_load_ex(t, o0);
    return true;
}

/* -- ordered ----------------------------------------------------------------------------------------------------- */

bool tr_STLR(struct a64 *t, u32 size, u32 rn, u32 rt)
{
    ir_st(t->ir, a64_base(t, rn), 0, x_get(t, rt), size_type(size), aligned_mo(t, size) | MO_REL);
    return ends_in_release(t);
}
bool tr_STLLR(struct a64 *t, u32 size, u32 rn, u32 rt)
{
    return tr_STLR(t, size, rn, rt);
}
bool tr_LDAR(struct a64 *t, u32 size, u32 rn, u32 rt)
{
    x_put(t, rt, ir_ld(t->ir, size_type(size), a64_base(t, rn), 0, aligned_mo(t, size) | MO_ACQ));
    return true;
}
bool tr_LDLAR(struct a64 *t, u32 size, u32 rn, u32 rt)
{
    return tr_LDAR(t, size, rn, rt);
}
bool tr_LDAPR(struct a64 *t, u32 size, u32 rn, u32 rt)
{
    return tr_LDAR(t, size, rn, rt);
}

bool tr_STLUR(struct a64 *t, u32 size, i32 imm9, u32 rn, u32 rt)
{
    ir_st(t->ir, a64_base(t, rn), imm9, x_get(t, rt), size_type(size), aligned_mo(t, size) | MO_REL);
    return ends_in_release(t);
}
bool tr_LDAPUR(struct a64 *t, u32 size, i32 imm9, u32 rn, u32 rt)
{
    x_put(t, rt, ir_ld(t->ir, size_type(size), a64_base(t, rn), imm9, aligned_mo(t, size) | MO_ACQ));
    return true;
}
bool tr_LDAPURS64(struct a64 *t, u32 size, i32 imm9, u32 rn, u32 rt)
{
    x_put(t, rt, ir_ld(t->ir, IR_I64, a64_base(t, rn), imm9, aligned_mo(t, size) | MO_ACQ | MO_SIGN));
    return true;
}
bool tr_LDAPURS32(struct a64 *t, u32 size, i32 imm9, u32 rn, u32 rt)
{
    x_put(t, rt, ir_ld(t->ir, IR_I32, a64_base(t, rn), imm9, aligned_mo(t, size) | MO_ACQ | MO_SIGN));
    return true;
}

/* -- LSE --------------------------------------------------------------------------------------------------------- */

static unsigned atomic_mo(const struct a64 *t, u32 size, u32 a, u32 r)
{
    return aligned_mo(t, size) | (a ? MO_ACQ : 0) | (r ? MO_REL : 0);
}

static bool rmw(struct a64 *t, enum ir_rmw kind, u32 size, u32 a, u32 r, u32 rs, u32 rn, u32 rt)
{
    ir_ref v = x_get(t, rs);
    x_put(t, rt, ir_rmw(t->ir, kind, size_type(size), a64_base(t, rn), 0, v, atomic_mo(t, size, a, r)));
    return true;
}
#define LSE(name, kind) \
    bool tr_##name(struct a64 *t, u32 size, u32 a, u32 r, u32 rs, u32 rn, u32 rt) \
    { \
        return rmw(t, kind, size, a, r, rs, rn, rt); \
    }
LSE(LDADD, RMW_ADD)
LSE(LDCLR, RMW_ANDN)
LSE(LDEOR, RMW_XOR)
LSE(LDSET, RMW_OR)
LSE(LDSMAX, RMW_SMAX)
LSE(LDSMIN, RMW_SMIN)
LSE(LDUMAX, RMW_UMAX)
LSE(LDUMIN, RMW_UMIN)
LSE(SWP, RMW_SWAP)

bool tr_CAS(struct a64 *t, u32 size, u32 a, u32 rs, u32 r, u32 rn, u32 rt)
{
    enum ir_type ty = size_type(size);
    ir_ref expected = x_get(t, rs), v = x_get(t, rt);
    if (size < 2) {
        expected = ir_zext(t->ir, ty, expected, 8u << size);
    }
    x_put(t, rs, ir_cas(t->ir, ty, a64_base(t, rn), 0, expected, v, atomic_mo(t, size, a, r)));
    return true;
}

/* rs and rt are halves of register numbers: pairs begin at even ones. */
bool tr_CASP(struct a64 *t, u32 sz, u32 a, u32 rs, u32 r, u32 rn, u32 rt)
{
    struct ir *ir = t->ir;
    (void)a, (void)r; /* a compare and swap of the host orders everything */
    ir_ref base = a64_base(t, rn);
    ir_ref expected = pair_value(t, sz, x_get(t, 2 * rs), x_get(t, 2 * rs + 1));
    ir_ref v = pair_value(t, sz, x_get(t, 2 * rt), x_get(t, 2 * rt + 1));
    if (sz) {
        put_pair(t, sz, ir_call(ir, H_casp, base, expected, v, 0), 2 * rs, 2 * rs + 1);
        return true;
    }
    unsigned mo = (MO_64 | mo_align(3)) | MO_ACQ | MO_REL;
    ir_ref old = ir_cas(ir, IR_I64, base, 0, ir_vget(ir, IR_I64, 3, expected, 0), ir_vget(ir, IR_I64, 3, v, 0), mo);
    put_pair(t, sz, ir_vzero_ext(ir, IR_I64, old), 2 * rs, 2 * rs + 1);
    return true;
}

/* LDRAA, LDRAB: key m of DA, DB; the base is authenticated, and written back authenticated. */
bool tr_LDRA(struct a64 *t, u32 m, i32 imm9, u32 w, u32 rn, u32 rt)
{
    ir_ref base = a64_aut(t, a64_base(t, rn), ir_const(t->ir, 0), 2 + m);
    i32 off = imm9 * 8;
    ir_ref v = ir_ld(t->ir, IR_I64, base, off, a64_mo(t, 3));
    if (w) {
        a64_writeback(t, rn, base, off);
    }
    x_put(t, rt, v);
    return true;
}

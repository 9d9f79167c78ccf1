/* Integer ops. Results of I32 ops have zeros above because 32-bit instructions clear the upper half.
 * The pattern everywhere: fetch operands (ra_src), pick the result's register, then emit. Nothing here touches NZCV but
 * what says so in gen.ef. */
#include "tcg/host/aarch64/a_priv.h"

static u64 dying2(const struct gen *g, const struct xop *x)
{
    return ra_dying(g, x->a) | ra_dying(g, x->b);
}
/* A register, the zero register for a constant 0. */
static unsigned src0(struct gen *g, ir_ref r, unsigned type)
{
    bool zero = ir_is_const(r) && (is_w(type) ? const_of(g, r) : (u32)const_of(g, r)) == 0;
    return zero ? (unsigned)ZR : ra_src(g, r, type);
}

/* -- sums -------------------------------------------------------------------------------------------------------- */

/* The instruction set the flags that its twin wants. */
static void set_flags(struct gen *g, const struct xop *x)
{
    const struct xop *f = &g->x[x->twin];
    unsigned kind = f->op == IR_fl_add ? RK_ADD : RK_SUB;
    g->ef = (struct hflags){.kind = (u8)kind, .type = x->type, .a = f->a, .b = f->b, .res = (ir_ref)g->i};
}

static void addsub(struct gen *g, struct xop *x, bool sub)
{
    bool w = is_w(x->type), flags = a_wants_flags(g, x), neg;
    const struct xop *f = &g->x[x->twin];
    u32 field;
    if (!ir_is_const(x->a) && !x->scale && a_const_add(g, x->b, w, &neg, &field)) {
        /* Adding k and subtracting -k set the same flags, but for 0. */
        bool minus = field ? sub != neg : flags && f->op == IR_fl_sub;
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
        a_addsub_i(g->c, minus, flags, w, rd, ra, field);
        if (flags) {
            set_flags(g, x);
        }
        return;
    }
    if (flags && (f->op == IR_fl_sub) != sub) { /* a + -k for a k no instruction has */
        unsigned ra = ra_src(g, f->a, x->type), rb = ra_src(g, f->b, x->type);
        a_rrr(g->c, A_SUBS, w, ra_dst(g, 0), ra, rb);
        set_flags(g, x);
        return;
    }
    int opc = sub ? (flags ? A_SUBS : A_SUB) : flags ? A_ADDS : A_ADD;
    unsigned ra = src0(g, x->a, x->type), rb = src0(g, x->b, x->type), rd = ra_dst(g, dying2(g, x));
    if (x->scale) {
        a_rrr_shift(g->c, opc, w, rd, ra, rb, A_LSL, x->scale);
    } else {
        a_rrr(g->c, opc, w, rd, ra, rb);
    }
    if (flags) {
        set_flags(g, x);
    }
}
void a_add(struct gen *g, struct xop *x)
{
    addsub(g, x, false);
}
void a_sub(struct gen *g, struct xop *x)
{
    addsub(g, x, true);
}

/* -- logic ------------------------------------------------------------------------------------------------------- */

void a_logic(struct gen *g, struct xop *x)
{
    static const struct {
        int opc;
        bool invert;
    } how[IR_OPCODES] = {[IR_and] = {A_AND, false}, [IR_or] = {A_ORR, false}, [IR_xor] = {A_EOR, false},
                         [IR_andn] = {A_BIC, true}, [IR_orn] = {A_ORN, true}, [IR_xnor] = {A_EON, true}};
    bool w = is_w(x->type), invert = how[x->op].invert;
    bool flags = x->op == IR_and && a_wants_flags(g, x);
    int opc = flags ? A_ANDS : how[x->op].opc;
    u32 field;
    if (!ir_is_const(x->a) && a_const_logic(g, x->b, w, invert, &field)) {
        unsigned ra = ra_src(g, x->a, x->type);
        a_logic_i(g->c, opc & ~0x200000, w, ra_dst(g, ra_dying(g, x->a)), ra, field);
    } else {
        unsigned ra = src0(g, x->a, x->type), rb = src0(g, x->b, x->type);
        a_rrr(g->c, opc, w, ra_dst(g, dying2(g, x)), ra, rb);
    }
    if (flags) {
        g->ef = (struct hflags){.kind = RK_TEST, .type = x->type, .a = x->a, .b = x->b, .res = (ir_ref)g->i};
    }
}

void a_neg(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type);
    a_rrr(g->c, x->op == IR_neg ? A_SUB : A_ORN, is_w(x->type), ra_dst(g, ra_dying(g, x->a)), ZR, ra);
}

/* -- shifts, products, quotients --------------------------------------------------------------------------------- */

void a_shift_op(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned kind = x->op - IR_shl; /* as A_LSL .. A_ROR */
    if (ir_is_const(x->b)) {
        unsigned n = (unsigned)const_of(g, x->b) & (w ? 63 : 31);
        unsigned ra = ra_src(g, x->a, x->type);
        a_shift_i(g->c, kind, w, ra_dst(g, ra_dying(g, x->a)), ra, n);
        return;
    }
    static const int opc[] = {A_LSLV, A_LSRV, A_ASRV, A_RORV};
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    a_rrr(g->c, opc[kind], w, ra_dst(g, dying2(g, x)), ra, rb);
}
_Static_assert(IR_shr == IR_shl + A_LSR && IR_sar == IR_shl + A_ASR && IR_ror == IR_shl + A_ROR, "in the same order");

void a_mul(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    a_rrr(g->c, A_MUL, is_w(x->type), ra_dst(g, dying2(g, x)), ra, rb);
}
void a_mulh(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, IR_I64);
    a_mulhigh(g->c, x->op == IR_smulh, ra_dst(g, dying2(g, x)), ra, rb);
}
/* The instructions divide by zero and overflow as the IR has it. */
void a_div(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type), sign = x->op == IR_sdiv || x->op == IR_srem;
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    int opc = sign ? A_SDIV : A_UDIV;
    if (x->op == IR_udiv || x->op == IR_sdiv) {
        a_rrr(g->c, opc, w, ra_dst(g, dying2(g, x)), ra, rb);
    } else {
        a_rrr(g->c, opc, w, T0, ra, rb);
        a_madd(g->c, true, w, ra_dst(g, dying2(g, x)), T0, rb, ra);
    }
}

/* -- bits -------------------------------------------------------------------------------------------------------- */

void a_count(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    switch (x->op) {
    case IR_clz:
        a_rr(g->c, A_CLZ, w, rd, ra);
        break;
    case IR_cls:
        a_rr(g->c, A_CLS, w, rd, ra);
        break;
    case IR_bitrev:
        a_rr(g->c, A_RBIT, w, rd, ra);
        break;
    case IR_ctz:
        a_rr(g->c, A_RBIT, w, rd, ra);
        a_rr(g->c, A_CLZ, w, rd, rd);
        break;
    default: /* ones in each byte, then their sum */
        a_fmov_vg(g->c, w ? 3 : 2, VT0, ra);
        a_v1(g->c, A_VCNT, 0, VT0, VT0);
        a_insn(g->c, 0x0e31b800u | a_rn(VT0) | a_rd(VT0)); /* addv b, v.8b */
        a_fmov_gv(g->c, 2, rd, VT0);
        break;
    }
}

void a_crc32(struct gen *g, struct xop *x)
{
    if (!a_cpu.crc32) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_I32), rb = ra_src(g, x->b, IR_I64);
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    u32 kind = (x->sub == 3 ? 1u << 31 : 0) | (x->imm == CRC_CASTAGNOLI ? 1u << 12 : 0) | (u32)x->sub << 10;
    a_insn(g->c, 0x1ac04000u | kind | a_rm(rb) | a_rn(ra) | a_rd(rd));
}

void a_bswap(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    if (x->sub == 1) {
        a_rr(g->c, A_REV16, w, rd, ra);
    } else if (w && x->sub == 3) {
        a_rr(g->c, 0x5ac00c00, true, rd, ra); /* rev of 64 bits */
    } else {
        a_rr(g->c, A_REV, w, rd, ra);
    }
}

void a_ext_op(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    bool sign = x->op == IR_sext;
    if (!sign && x->sub == 32) {
        a_mov(g->c, false, rd, ra);
    } else if (sign && x->sub == 32 && !is_w(x->type)) {
        a_mov(g->c, false, rd, ra);
    } else {
        a_bfm(g->c, sign, is_w(x->type) && sign, rd, ra, 0, x->sub - 1u);
    }
}
void a_extract(struct gen *g, struct xop *x)
{
    unsigned pos = x->imm & 0xff, len = x->imm >> 8;
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    a_bfm(g->c, x->op == IR_sextract, is_w(x->type), rd, ra, pos, pos + len - 1);
}
void a_deposit(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned pos = x->imm & 0xff, len = x->imm >> 8;
    unsigned ra = ra_src(g, x->a, x->type), rb = src0(g, x->b, x->type);
    unsigned rd = ra_dst(g, ra == rb ? 0 : ra_dying(g, x->a));
    if (rd != ra) {
        a_mov(g->c, w, rd, ra);
    }
    a_bfi(g->c, w, rd, rb, pos, len);
}
void a_extr_op(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    a_extr(g->c, is_w(x->type), ra_dst(g, dying2(g, x)), ra, rb, x->imm);
}

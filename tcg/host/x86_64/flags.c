/* Flags: recipes, EFLAGS, the packed form.
 *
 * fl_add, fl_sub, fl_logic and fl_fcmp emit nothing (a float comparison does, for its exceptions): their value is the
 * recipe, made again by an instruction wherever EFLAGS do not hold it any more. gen.ef says what they hold; moves, lea,
 * setcc, cmov, lahf and all vector instructions but comparisons leave them alone.
 *
 * Packed form by lahf; seto al: AH is SF ZF - AF - PF - CF, AL is OF, which is enum fl_bits. Back by
 * add al, 0x7f (overflows when AL is 1); sahf. */
#include "tcg/host/x86_64/flags_priv.h"

#include "tcg/eval.h"

static const u8 xcc_of[CC_COUNT] = {X_E, X_NE, X_B,  X_AE, X_BE, X_A, X_L,  X_GE, X_LE,
                                    X_G, X_S,  X_NS, X_O,  X_NO, X_P, X_NP, X_E,  X_NE};

void cmc(struct gen *g)
{
    x_byte(g->c, 0xf5);
}

/* -- comparisons ----------------------------------------------------------------------------------------------- */

static void emit_cmp(struct gen *g, unsigned type, ir_ref a, ir_ref b)
{
    bool w = is_w(type);
    if (ir_is_const(b) && eval_trunc(type, const_of(g, b)) == 0) {
        unsigned r = ra_src(g, a, type);
        test_width(g, type, r, r);
        return;
    }
    struct opnd ob = ra_opnd(g, b, type);
    if (ob.kind != OP_MEM && !ir_is_const(a) && !(type == IR_I16 && ob.kind == OP_IMM)) {
        struct opnd oa = ra_opnd(g, a, type);
        if (oa.kind == OP_MEM) {
            if (ob.kind == OP_IMM && type == IR_I8) {
                x_rmi(g->c, 0x80, false, ALU_CMP, oa.mem, (u8)ob.imm, 1);
            } else if (ob.kind == OP_IMM) {
                x_alu_mi(g->c, ALU_CMP, w, oa.mem, ob.imm);
            } else {
                x_rm(g->c, type == IR_I8 ? 0x38 | OPB : type == IR_I16 ? 0x39 | P66 : 0x39u, w, ob.reg, oa.mem);
            }
            return;
        }
    }
    alu_width(g, ALU_CMP, type, ra_src(g, a, type), &ob);
}

static void emit_test(struct gen *g, unsigned type, ir_ref a, ir_ref b)
{
    bool w = is_w(type);
    unsigned ra = ra_src(g, a, type);
    if (!ir_is_const(b)) {
        test_width(g, type, ra, ra_src(g, b, type));
        return;
    }
    u64 k = eval_trunc(type, const_of(g, b));
    if (type >= IR_I8 && k >> (eval_width(type) - 1)) { /* S is the bit's */
        x_mov_i(g->c, RAX, k);
        test_width(g, type, ra, RAX);
    } else if (k <= 0x7fffffff) {
        x_test_i(g->c, false, ra, (u32)k);
    } else if (!w || (i64)k == (i32)k) {
        x_test_i(g->c, w, ra, (u32)k);
    } else {
        x_mov_i(g->c, RAX, k);
        x_test(g->c, true, ra, RAX);
    }
}

static bool ef_is(const struct gen *g, unsigned kind, unsigned type, ir_ref a, ir_ref b)
{
    return g->ef.kind == kind && g->ef.type == type && g->ef.a == a && g->ef.b == b;
}

enum { EK_ADC = 32 }; /* hflags.kind beyond the recipes: of adc; EK_ADC + 1: of sbb */

/* What the host's flags are behind the instruction of an adc, sbb, fl_adc or fl_sbb. */
static struct hflags ef_of_adc(const struct xop *x, unsigned type)
{
    bool sub = x->op == IR_sbb || x->op == IR_fl_sbb;
    u32 carry = x->c | (u32)(x->sub & FL_INV) << 16;
    return (struct hflags){.kind = EK_ADC + sub, .type = (u8)type, .a = x->a, .b = x->b, .fcmp = carry};
}

static bool ef_is_adc(const struct gen *g, const struct xop *x)
{
    struct hflags want = ef_of_adc(x, (u8)x->imm);
    return (x->op == IR_fl_adc || x->op == IR_fl_sbb) && ef_is(g, want.kind, want.type, want.a, want.b) &&
           g->ef.fcmp == want.fcmp;
}

struct cond cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b)
{
    bool zero = ir_is_const(b) && const_of(g, b) == 0;
    if (cc >= CC_TSTEQ) {
        if (ir_is_const(b) && type == IR_I64 && is_pow2(const_of(g, b)) && const_of(g, b) > 0x40000000) {
            x_rri(g->c, X_BT_IMM, true, 4, ra_src(g, a, type), ctz64(const_of(g, b)), 1);
            g->ef.kind = RK_NONE;
            return cond_cc(cc == CC_TSTNE ? X_B : X_AE);
        }
        if (!ef_is(g, RK_TEST, type, a, b)) {
            emit_test(g, type, a, b);
            g->ef = (struct hflags){.kind = RK_TEST, .type = (u8)type, .a = a, .b = b};
        }
        return cond_cc(xcc_of[cc]);
    }
    if (zero && g->ef.res == a && g->ef.type == type && g->ef.kind) {
        /* Z and S are the result's; a test also leaves C and V clear. */
        if (cc == CC_EQ || cc == CC_NE || g->ef.kind == RK_TEST) {
            return cond_cc(xcc_of[cc]);
        }
        if (cc == CC_SLT || cc == CC_SGE) {
            return cond_cc(cc == CC_SLT ? X_S : X_NS);
        }
    }
    if (!ef_is(g, RK_SUB, type, a, b)) {
        emit_cmp(g, type, a, b);
        g->ef = (struct hflags){.kind = RK_SUB, .type = (u8)type, .a = a, .b = b};
    }
    return cond_cc(xcc_of[cc]);
}

/* -- recipes ------------------------------------------------------------------------------------------------------ */

/* Operands of recipes as they lie, so that nothing is allocated: a recipe may be followed in code beside the main path.
 * What an instruction cannot take goes into `scratch`. */
static struct opnd place(struct gen *g, ir_ref r, bool w, unsigned scratch)
{
    struct opnd o = {.kind = OP_REG, .reg = scratch};
    if (const_fits(g, r, w ? IR_I64 : IR_I32, &o.imm)) {
        o.kind = OP_IMM;
    } else if (ir_is_const(r)) {
        x_mov_i(g->c, scratch, const_of(g, r));
    } else if (g->vals[r].reg != NOREG) {
        o.reg = g->vals[r].reg;
    } else if (w && g->vals[r].type != IR_I64) {
        ra_load(g, scratch, r, IR_I32);
    } else {
        must(g->vals[r].mem);
        o.kind = OP_MEM;
        o.mem = loc_mem(g, g->vals[r].mem);
    }
    return o;
}
static void alu_ref(struct gen *g, enum alu op, unsigned type, unsigned reg, ir_ref r)
{
    struct opnd o = place(g, r, is_w(type), RCX);
    alu_width(g, op, type, reg, &o);
}
static void mov_ref(struct gen *g, bool w, unsigned reg, ir_ref r)
{
    struct opnd o = place(g, r, w, reg);
    if (o.kind != OP_REG || o.reg != reg) {
        mov_opnd(g, w, reg, &o);
    }
}
/* A register holding r: its own, or `scratch`. */
static unsigned reg_ref(struct gen *g, bool w, unsigned scratch, ir_ref r)
{
    if (!ir_is_const(r) && g->vals[r].reg != NOREG) {
        return g->vals[r].reg;
    }
    mov_ref(g, w, scratch, r);
    return scratch;
}
static unsigned vec_ref(struct gen *g, unsigned type, unsigned scratch, ir_ref r)
{
    if (!ir_is_const(r) && g->vals[r].reg != NOREG) {
        return g->vals[r].reg;
    }
    ra_load(g, scratch, r, type);
    return scratch;
}

static void fcmp_load(struct gen *g, const struct xop *f, bool swap)
{
    unsigned t = (u8)f->imm;
    unsigned a = vec_ref(g, t, XMM0, f->a), b = vec_ref(g, t, XMM1, f->b);
    if (t == IR_F16) { /* widened, exactly, one lane each */
        const u8 from[2] = {(u8)a, (u8)b};
        for (unsigned k = 0; k < 2; k++) {
            v_rrr(g->c, X_MOVD_RX, from[k], 0, RAX);
            x_rr(g->c, X_MOVZX16, false, RAX, RAX);
            v_rrr(g->c, X_MOVD, XMM0 + k, 0, RAX);
            v_rrr(g->c, 0x13 | M38 | P66, XMM0 + k, 0, XMM0 + k);
        }
        a = XMM0;
        b = XMM1;
    }
    u32 opc = (f->imm & FCMP_SIGNAL ? 0x2f : 0x2e) | M0F | (t == IR_F64 ? P66 : 0);
    v_rrr(g->c, opc, swap ? b : a, 0, swap ? a : b);
    g->ef = (struct hflags){.kind = RK_FCMP, .type = (u8)t, .a = f->a, .b = f->b, .fcmp = f->imm << 1 | swap};
}

static bool ef_has(const struct gen *g, const struct xop *f)
{
    unsigned kind = base_kind(f->rk), type = (u8)f->imm;
    if (kind == RK_TEST && f->a == f->b && g->ef.kind == RK_TEST && g->ef.type == type && g->ef.res == f->a) {
        return true;
    }
    if (kind == RK_ADD && ef_is(g, kind, type, f->b, f->a)) {
        return true;
    }
    return ef_is(g, kind, type, f->a, f->b);
}

enum { AF_CLEAR = 1 /* hflags.fcmp of RK_TEST: AF is 0, which AND and TEST do not promise */ };

static void test_load(struct gen *g, const struct xop *f)
{
    unsigned type = (u8)f->imm;
    bool w = is_w(type), pa = g->t->fl_pa;
    unsigned r = RAX;
    if (f->a == f->b) {
        r = reg_ref(g, w, RAX, f->a);
    } else {
        mov_ref(g, w, RAX, f->a);
        alu_ref(g, ALU_AND, type, RAX, f->b);
    }
    if (pa) {
        alu_width(g, ALU_CMP, type, r, &(struct opnd){.kind = OP_IMM});
    } else if (f->a == f->b) {
        test_width(g, type, r, r);
    }
    g->ef = (struct hflags){.kind = RK_TEST, .type = (u8)type, .a = f->a, .b = f->b, .fcmp = pa ? AF_CLEAR : 0};
}

void recipe_load(struct gen *g, const struct xop *f)
{
    if (ef_has(g, f)) {
        return;
    }
    unsigned type = (u8)f->imm;
    bool w = is_w(type);
    switch (f->rk) {
    case RK_SUB:
        alu_ref(g, ALU_CMP, type, reg_ref(g, w, RAX, f->a), f->b);
        break;
    case RK_TEST:
        test_load(g, f);
        return;
    case RK_ADD:
        mov_ref(g, w, RAX, f->a);
        alu_ref(g, ALU_ADD, type, RAX, f->b);
        break;
    case RK_SUB_DB:
        mov_ref(g, w, RAX, f->c);
        alu_ref(g, ALU_ADD, type, RAX, f->d);
        alu_ref(g, ALU_CMP, type, RAX, f->d);
        break;
    case RK_SUB_AD:
        mov_ref(g, w, RAX, f->c);
        mov_ref(g, w, RCX, f->c);
        alu_ref(g, ALU_SUB, type, RAX, f->d);
        x_alu(g->c, ALU_CMP, w, RCX, RAX);
        break;
    case RK_ADD_DB:
        mov_ref(g, w, RAX, f->c);
        alu_ref(g, ALU_SUB, type, RAX, f->d);
        alu_ref(g, ALU_ADD, type, RAX, f->d);
        break;
    default:
        must(!"a recipe");
    }
    g->ef = (struct hflags){.kind = (u8)base_kind(f->rk), .type = (u8)type, .a = f->a, .b = f->b};
}

static struct cond recipe_test(struct gen *g, unsigned cc, const struct xop *f)
{
    struct cond c;
    if (cond_of_test(f, &cc, &c)) {
        return c;
    }
    recipe_load(g, f);
    return cond_cc(xcc_of[cc]);
}

/* One jump decides any order, when the operands go in the order that makes "unordered" fall on the right side;
 * only equality needs the parity flag too. */
static bool fcmp_wants_swap(unsigned cc)
{
    return (cc >= CC_ULT && cc <= CC_UGT) || cc == CC_MI || cc == CC_PL;
}
static struct cond recipe_fcmp(struct gen *g, unsigned cc, const struct xop *f)
{
    static const u8 nzcv[16] = {X_E, X_NE, X_A, X_BE, X_AE, X_B, X_B, X_AE, X_BE, X_A, X_A, X_BE, X_P, X_NP, X_P, X_NP};
    bool zpc = f->imm & FCMP_ZPC;
    if (zpc) {
        if (cc == CC_SLT || cc == CC_MI || cc == CC_VS || cc == CC_SGE || cc == CC_PL || cc == CC_VC) {
            return cond_const(cc & 1);
        }
        cc = cc == CC_SLE ? CC_EQ : cc == CC_SGT ? CC_NE : cc;
    } else if (cc == CC_PE || cc == CC_PO) {
        return cond_const(cc == CC_PO);
    }
    bool swap = !zpc && fcmp_wants_swap(cc),
         either = !zpc && (cc == CC_EQ || cc == CC_NE || cc == CC_VS || cc == CC_VC);
    const struct hflags *e = &g->ef;
    bool have = e->kind == RK_FCMP && e->a == f->a && e->b == f->b && e->fcmp >> 1 == f->imm;
    if (!have || (!either && (e->fcmp & 1) != swap)) {
        fcmp_load(g, f, swap);
    }
    if (zpc) {
        return cond_cc(xcc_of[cc]);
    }
    return (struct cond){.kind = cc == CC_EQ ? C_AND_NP : cc == CC_NE ? C_OR_P : C_CC, .cc = nzcv[cc]};
}

/* -- the packed form --------------------------------------------------------------------------------------------- */

/* The place of packed flags: a register or memory. */
static struct opnd packed_opnd(const struct gen *g, ir_ref f)
{
    const struct val *v = &g->vals[f];
    struct opnd o = {.kind = OP_REG, .reg = v->reg};
    if (v->reg == NOREG) {
        must(v->mem);
        o.kind = OP_MEM;
        o.mem = loc_mem(g, v->mem);
    }
    return o;
}

void sahf(struct gen *g)
{
    x_byte(g->c, 0x04); /* add al, 0x7f */
    x_byte(g->c, 0x7f);
    x_byte(g->c, 0x9e);
}

/* Conditions that a test of the packed form decides. */
static const u16 packed_mask[CC_COUNT / 2] = {FL_Z, FL_C, FL_C | FL_Z, 0, 0, FL_N, FL_V, FL_P, 0};

static struct cond packed_cond(struct gen *g, unsigned cc, ir_ref f)
{
    if (g->ef.kind == RK_PACKED && g->ef.a == f) {
        return cond_cc(xcc_of[cc]);
    }
    struct opnd o = packed_opnd(g, f);
    if (packed_mask[cc / 2]) {
        if (o.kind == OP_REG) {
            x_test_i(g->c, false, o.reg, packed_mask[cc / 2]);
        } else {
            x_test_mi(g->c, o.mem, packed_mask[cc / 2]);
        }
        g->ef.kind = RK_NONE;
        return cond_cc(cc & 1 ? X_E : X_NE);
    }
    mov_opnd(g, false, RAX, &o);
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)FL_ALL);
    sahf(g);
    g->ef = (struct hflags){.kind = RK_PACKED, .type = IR_FLAGS, .a = f, .b = f};
    return cond_cc(xcc_of[cc]);
}

/* Of flags that have to be packed first. */
static struct cond mixed_cond(struct gen *g, unsigned cc, ir_ref f)
{
    flags_pack(g, f);
    g->ef.kind = RK_NONE;
    if (packed_mask[cc / 2]) {
        x_test_i(g->c, false, RAX, packed_mask[cc / 2]);
        return cond_cc(cc & 1 ? X_E : X_NE);
    }
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)FL_ALL);
    sahf(g);
    return cond_cc(xcc_of[cc]);
}

struct cond cond_flags(struct gen *g, unsigned cc, ir_ref f)
{
    if (ir_is_const(f)) {
        return cond_const(eval_cond(cc, (u32)const_of(g, f)));
    }
    if (!ref_is_recipe(g, f)) {
        return f < REF_ENTRY && ef_is_adc(g, &g->x[f]) && !(g->x[f].sub & FL_INV) ? cond_cc(xcc_of[cc])
                                                                                  : packed_cond(g, cc, f);
    }
    const struct xop *x = &g->x[f];
    u32 need = eval_cond_needs(cc);
    if (x->rk == RK_MIX) {
        return need & ~x->imm && need & x->imm ? mixed_cond(g, cc, f) : cond_flags(g, cc, need & x->imm ? x->a : x->b);
    }
    if (rk_is_made(x->rk)) {
        return mixed_cond(g, cc, f);
    }
    if (x->rk == RK_TEST) {
        return recipe_test(g, cc, x);
    }
    if (x->rk == RK_FCMP) {
        return recipe_fcmp(g, cc, x);
    }
    recipe_load(g, x);
    if (x->sub & FL_INV) {
        if (cc == CC_ULT || cc == CC_UGE) {
            cc ^= 1;
        } else if (cc == CC_ULE || cc == CC_UGT) {
            cmc(g);
            g->ef.kind = RK_NONE;
        }
    }
    return cond_cc(xcc_of[cc]);
}

static void fcmp_pack(struct gen *g, const struct xop *f)
{
    const struct hflags *e = &g->ef;
    if (e->kind != RK_FCMP || e->a != f->a || e->b != f->b || e->fcmp != f->imm << 1) {
        fcmp_load(g, f, false);
    }
    fcmp_packed(g, f->imm);
}

/* lt N C, eq Z, unordered V: the later move wins. No move touches EFLAGS. */
void fcmp_packed(struct gen *g, u32 fcmp)
{
    x_mov_i(g->c, RAX, 0);
    if (fcmp & FCMP_ZPC) {
        x_byte(g->c, 0x9f);
        return;
    }
    static const struct {
        u8 cc;
        u16 v;
    } step[3] = {{X_B, FL_N | FL_C}, {X_E, FL_Z}, {X_P, FL_V}};
    for (unsigned k = 0; k < 3; k++) {
        x_mov_i(g->c, RCX, step[k].v);
        x_cmov(g->c, step[k].cc, false, RAX, RCX);
    }
}

/* -- flags of shifts -----------------------------------------------------------------------------------------------
 *
 * SDM, SAL/SAR/SHL/SHR: OF is defined of shifts by 1 only, CF of 8 and 16 bits by less than that only, AF never. So OF
 * is a shift's by 1, and what may go far goes its last step alone. */

static void mov8(struct gen *g, unsigned dst, unsigned src)
{
    x_rr(g->c, 0x8a | OPB | OPBM, false, dst, src);
}
static void al_zero(struct gen *g)
{
    x_byte(g->c, 0xb0);
    x_byte(g->c, 0);
}

static void shift_by_number(struct gen *g, enum shift op, unsigned type, ir_ref a, unsigned n)
{
    bool w = is_w(type), has_v = op != SH_SAR && n > 1;
    if (has_v) {
        mov_ref(g, w, RCX, a);
        shift_width(g, op, type, RCX, 1);
        x_setcc(g->c, X_O, RCX);
    }
    mov_ref(g, w, RAX, a);
    if (n >= eval_width(type)) {
        shift_width(g, op, type, RAX, n - 1);
        n = 1;
    }
    shift_width(g, op, type, RAX, n);
    x_byte(g->c, 0x9f); /* lahf */
    if (has_v) {
        mov8(g, RAX, RCX);
    } else if (op == SH_SAR) {
        al_zero(g);
    } else {
        x_setcc(g->c, X_O, RAX);
    }
}

static void shift_by_count(struct gen *g, enum shift op, unsigned type, ir_ref a, ir_ref count)
{
    bool w = is_w(type);
    mov_ref(g, false, RCX, count);
    x_alu_i(g->c, ALU_AND, false, RCX, w ? 63 : 31);
    u8 *none = x_jcc8(g->c, X_E);
    if (op != SH_SAR) {
        mov_ref(g, w, RAX, a);
        shift_width(g, op, type, RAX, 1);
        x_setcc(g->c, X_O, RAX);
        v_rrr(g->c, X_MOVD, XMM1, 0, RAX);
    }
    mov_ref(g, w, RAX, a);
    x_lea(g->c, false, RCX, MEM(RCX, -1));
    shift_width(g, op, type, RAX, 0);
    shift_width(g, op, type, RAX, 1);
    x_byte(g->c, 0x9f);
    if (op == SH_SAR) {
        al_zero(g);
    } else {
        v_rrr(g->c, X_MOVD_RX, XMM1, 0, RCX);
        mov8(g, RAX, RCX);
    }
    u8 *over = x_jmp8(g->c);
    x_here8(g->c, none);
    mov_ref(g, w, RAX, a);
    test_width(g, type, RAX, RAX);
    x_byte(g->c, 0x9f);
    al_zero(g);
    x_here8(g->c, over);
}

static void shift_pack(struct gen *g, const struct xop *x)
{
    static const u8 ops[] = {SH_SHL, SH_SHR, SH_SAR};
    unsigned type = (u8)x->imm, op = ops[x->rk - RK_SHL];
    if (ir_is_const(x->b)) {
        shift_by_number(g, op, type, x->a, eval_shift_count(type, const_of(g, x->b)));
    } else {
        shift_by_count(g, op, type, x->a, x->b);
    }
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)(FL_ALL & ~FL_A));
    if (x->sub & FL_INV) {
        x_alu_i(g->c, ALU_XOR, false, RAX, FL_C);
    }
    g->ef.kind = RK_NONE;
}

/* One side is made in eax; the other joins from its place, or waits in a vector register when both are to be made. */
static void mix_pack(struct gen *g, const struct xop *x)
{
    ir_ref made = x->a, other = x->b;
    u32 mask = x->imm;
    if (!ref_is_recipe(g, made)) {
        made = x->b;
        other = x->a;
        mask = FL_ALL & ~mask;
    }
    flags_pack(g, made);
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)mask);
    g->ef.kind = RK_NONE;
    mask = FL_ALL & ~mask;
    if (ir_is_const(other)) {
        x_alu_i(g->c, ALU_OR, false, RAX, (i32)((u32)const_of(g, other) & mask));
    } else if (g->vals[other].reg != NOREG || g->vals[other].mem) {
        struct opnd o = packed_opnd(g, other);
        mov_opnd(g, false, RCX, &o);
        x_alu_i(g->c, ALU_AND, false, RCX, (i32)mask);
        x_alu(g->c, ALU_OR, false, RAX, RCX);
    } else {
        v_rrr(g->c, X_MOVD, XMM2, 0, RAX);
        flags_pack(g, other);
        v_rrr(g->c, X_MOVD_RX, XMM2, 0, RCX);
        x_alu_i(g->c, ALU_AND, false, RAX, (i32)mask);
        x_alu(g->c, ALU_OR, false, RAX, RCX);
    }
    g->ef.kind = RK_NONE;
}

void flags_pack(struct gen *g, ir_ref f)
{
    if (ir_is_const(f)) {
        x_mov_i(g->c, RAX, (u32)const_of(g, f));
        return;
    }
    const struct val *v = &g->vals[f];
    if (v->reg != NOREG || v->mem) {
        struct opnd o = packed_opnd(g, f);
        mov_opnd(g, false, RAX, &o);
        return;
    }
    const struct xop *x = &g->x[f];
    if (x->rk == RK_FCMP) {
        fcmp_pack(g, x);
        return;
    }
    if (x->rk == RK_MIX) {
        mix_pack(g, x);
        return;
    }
    if (rk_is_made(x->rk)) {
        shift_pack(g, x);
        return;
    }
    if (x->rk == RK_TEST && g->t->fl_pa && g->ef.fcmp != AF_CLEAR) {
        g->ef.kind = RK_NONE;
    }
    recipe_load(g, x);
    bool inv = x->sub & FL_INV;
    if (inv) {
        cmc(g);
    }
    x_byte(g->c, 0x9f); /* lahf */
    x_setcc(g->c, X_O, RAX);
    if (inv) {
        cmc(g); /* back to what gen.ef says */
    }
}

void flags_clean(struct gen *g)
{
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)FL_ALL);
    g->ef.kind = RK_NONE;
}

void flags_twin(struct gen *g, struct xop *x, unsigned kind, ir_ref a, ir_ref b)
{
    g->ef_next = (struct hflags){.kind = (u8)kind, .type = x->type, .a = a, .b = b, .res = (ir_ref)g->i};
}

/* -- carry in ---------------------------------------------------------------------------------------------------- */

/* CF = C of f, complemented when inv. */
static void load_carry(struct gen *g, ir_ref f, bool inv)
{
    bool flip = inv;
    while (ref_is_mix(g, f)) {
        f = g->x[f].imm & FL_C ? g->x[f].a : g->x[f].b;
    }
    if (ir_is_const(f) || (ref_is_recipe(g, f) && g->x[f].rk == RK_TEST)) {
        bool c = ir_is_const(f) ? const_of(g, f) & FL_C : g->x[f].sub & FL_INV;
        x_byte(g->c, c != inv ? 0xf9 : 0xf8); /* stc, clc */
        g->ef.kind = RK_NONE;
        return;
    }
    if (ref_is_recipe(g, f) && g->x[f].rk != RK_FCMP && !rk_is_made(g->x[f].rk)) {
        recipe_load(g, &g->x[f]);
        flip ^= g->x[f].sub & FL_INV;
    } else if (ref_is_recipe(g, f)) {
        flags_pack(g, f);
        x_rri(g->c, X_BT_IMM, false, 4, RAX, 8, 1);
    } else {
        struct opnd o = packed_opnd(g, f);
        if (o.kind == OP_REG) {
            x_rri(g->c, X_BT_IMM, false, 4, o.reg, 8, 1);
        } else {
            x_rmi(g->c, X_BT_IMM, false, 4, o.mem, 8, 1);
        }
    }
    if (flip) {
        cmc(g);
    }
    g->ef.kind = RK_NONE;
}

static void carry_into_rax(struct gen *g, struct xop *x, bool sub, unsigned type)
{
    load_carry(g, x->c, x->sub & FL_INV);
    mov_ref(g, is_w(type), RAX, x->a);
    alu_ref(g, sub ? ALU_SBB : ALU_ADC, type, RAX, x->b);
}

void emit_adc(struct gen *g, struct xop *x)
{
    bool sub = x->op == IR_sbb;
    carry_into_rax(g, x, sub, x->type);
    x_mov(g->c, is_w(x->type), ra_dst(g, 0), RAX);
    g->ef_next = ef_of_adc(x, x->type);
}

void emit_fl_adc(struct gen *g, struct xop *x)
{
    if (!ef_is_adc(g, x)) {
        carry_into_rax(g, x, x->op == IR_fl_sbb, (u8)x->imm);
    }
    if (x->sub & FL_INV) {
        cmc(g);
    } else {
        g->ef_next = ef_of_adc(x, (u8)x->imm);
    }
    x_byte(g->c, 0x9f);
    x_setcc(g->c, X_O, RAX);
    x_mov(g->c, false, ra_dst(g, 0), RAX);
}

/* -- ops --------------------------------------------------------------------------------------------------------- */

void emit_recipe(struct gen *g, struct xop *x)
{
    if (x->op == IR_fl_fcmp && x->rk == RK_NONE) {
        emit_fcmp_flushing(g, x);
        return;
    }
    if (x->rk != RK_FCMP) {
        return;
    }
    /* For its exceptions, in the order its first reader wants. */
    unsigned j = g->vals[g->i].next;
    bool swap = false;
    while (j != NOUSE && g->x[j].op == IR_put) {
        j = g->x[j].nu[0];
    }
    if (j != NOUSE && !(x->imm & FCMP_ZPC)) {
        const struct xop *y = &g->x[j];
        swap = (y->op == IR_exitf || y->op == IR_setf || y->op == IR_selectf) && fcmp_wants_swap(y->sub);
    }
    fcmp_load(g, x, swap);
}

void emit_fl_unpack(struct gen *g, struct xop *x)
{
    flags_pack(g, x->a);
    x_alu_i(g->c, ALU_AND, false, RAX, (i32)FL_ALL);
    x_mov(g->c, false, ra_dst(g, 0), RAX);
}

void emit_fl_mix(struct gen *g, struct xop *x)
{
    if (x->rk == RK_NONE) { /* of recipes, one of them a mix, which needs mix_pack's registers itself */
        unsigned rd = ra_dst(g, 0);
        flags_pack(g, x->a);
        x_alu_i(g->c, ALU_AND, false, RAX, (i32)x->imm);
        g->ef.kind = RK_NONE;
        x_mov(g->c, false, rd, RAX);
        flags_pack(g, x->b);
        x_alu_i(g->c, ALU_AND, false, RAX, (i32)(FL_ALL & ~x->imm));
        g->ef.kind = RK_NONE;
        x_alu(g->c, ALU_OR, false, rd, RAX);
    }
}

/* Integer ops. Results of I32 ops have zeros above because 32-bit instructions clear the upper half.
 * The pattern everywhere: fetch operands (ra_src, ra_opnd), pick the result's register, then emit; a result may take
 * the register of an operand that ends here, if the order of instructions allows it. */
#include "tcg/host/x86_64/x_priv.h"

static inline bool imm_of(const struct gen *g, ir_ref r, unsigned type, i32 *imm)
{
    return const_fits(g, r, type, imm);
}

/* -- two operands ---------------------------------------------------------------------------------------------- */

/* rd = ra op b, by a move and a two-address instruction. Takes a's register when a ends. */
static void two_address(struct gen *g, struct xop *x, enum alu op, bool commutes)
{
    bool w = is_w(x->type);
    ir_ref a = x->a, b = x->b;
    if (ir_is_const(a) && commutes) {
        ir_ref t = a;
        a = b;
        b = t;
    }
    if (ir_is_const(a)) {
        struct opnd ob = ra_opnd(g, b, x->type);
        unsigned rd = ra_dst(g, 0);
        ra_load(g, rd, a, x->type);
        alu_opnd(g, op, w, rd, &ob);
        return;
    }
    struct opnd ob = ra_opnd(g, b, x->type), oa = ra_opnd(g, a, x->type);
    u64 da = oa.kind == OP_REG ? ra_dying(g, a) : 0;
    if (ob.kind == OP_REG && oa.kind == OP_REG && ob.reg == oa.reg) {
        unsigned rd = ra_dst(g, da);
        if (rd != oa.reg) {
            x_mov(g->c, w, rd, oa.reg);
        }
        alu_opnd(g, op, w, rd, &(struct opnd){.kind = OP_REG, .reg = rd});
        return;
    }
    if (commutes && !da && ob.kind == OP_REG && ra_dying(g, b)) {
        struct opnd t = oa;
        oa = ob;
        ob = t;
        da = ra_dying(g, b);
    }
    unsigned rd = ra_dst(g, da);
    if (oa.kind != OP_REG || rd != oa.reg) {
        mov_opnd(g, w, rd, &oa);
    }
    alu_opnd(g, op, w, rd, &ob);
}

static void logic(struct gen *g, struct xop *x, enum alu op)
{
    two_address(g, x, op, true);
    flags_twin(g, x, RK_TEST, x->a, x->b);
    if (op != ALU_AND) {
        g->ef_next.a = g->ef_next.b = (ir_ref)g->i;
    }
}
void emit_and(struct gen *g, struct xop *x)
{
    u64 k = ir_is_const(x->b) ? const_of(g, x->b) : 0;
    if (k == 0xff || k == 0xffff) {
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
        x_rr(g->c, k == 0xff ? X_MOVZX8 : X_MOVZX16, false, rd, ra);
        g->ef_next = g->ef;
    } else if (x->type == IR_I64 && k && (k >> 31) == 0) {
        /* A 32-bit and clears the rest; its flags are right too. */
        x->type = IR_I32;
        two_address(g, x, ALU_AND, true);
        x->type = IR_I64;
        flags_twin(g, x, RK_TEST, x->a, x->b);
    } else {
        logic(g, x, ALU_AND);
    }
}
void emit_or(struct gen *g, struct xop *x)
{
    logic(g, x, ALU_OR);
}
void emit_xor(struct gen *g, struct xop *x)
{
    logic(g, x, ALU_XOR);
}

/* Does someone want the flags of just this instruction? */
static bool wants_flags(const struct gen *g, const struct xop *x)
{
    return x->twin && g->x[x->twin].rk != RK_NONE && g->x[x->twin].op != IR_nop;
}

static void twin_flags(struct gen *g, struct xop *x)
{
    const struct xop *f = &g->x[x->twin];
    if (wants_flags(g, x)) {
        flags_twin(g, x, f->op == IR_fl_add ? RK_ADD : RK_SUB, f->a, f->b);
    }
}

/* Read from where it lies in memory: it is not needed again. */
static bool from_memory(const struct gen *g, ir_ref r)
{
    return g->vals[r].reg == NOREG && g->vals[r].next == NOUSE;
}

static bool lea_add(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    i32 k;
    if (wants_flags(g, x) && !x->scale) {
        return false;
    }
    if (x->scale) {
        unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
        unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
        x_lea(g->c, w, rd, MEMX(ra, rb, x->scale, 0));
        return true;
    }
    if (imm_of(g, x->b, x->type, &k)) {
        if (ra_dying(g, x->a)) {
            unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, RBIT(ra));
            if (rd == ra) {
                x_alu_i(g->c, ALU_ADD, w, rd, k);
                flags_twin(g, x, RK_ADD, x->a, x->b);
            } else {
                x_lea(g->c, w, rd, MEM(ra, k));
                g->ef_next = g->ef;
            }
            return true;
        }
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, 0);
        x_lea(g->c, w, rd, MEM(ra, k));
        g->ef_next = g->ef;
        return true;
    }
    if (ir_is_const(x->a) || ir_is_const(x->b) || from_memory(g, x->a) || from_memory(g, x->b)) {
        return false;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    if (rd == ra || rd == rb) {
        x_alu(g->c, ALU_ADD, w, rd, rd == ra ? rb : ra);
        flags_twin(g, x, RK_ADD, x->a, x->b);
    } else {
        x_lea(g->c, w, rd, MEMX(ra, rb, 0, 0));
        g->ef_next = g->ef;
    }
    return true;
}

void emit_add(struct gen *g, struct xop *x)
{
    if (lea_add(g, x)) {
        return;
    }
    const struct xop *f = &g->x[x->twin];
    if (wants_flags(g, x) && f->op == IR_fl_sub) {
        /* a + -k whose flags are wanted as those of a - k */
        struct xop y = *x;
        y.b = f->b;
        two_address(g, &y, ALU_SUB, false);
    } else {
        two_address(g, x, ALU_ADD, true);
        flags_twin(g, x, RK_ADD, x->a, x->b);
    }
    twin_flags(g, x);
}

void emit_sub(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    if (!ir_is_const(x->a) && !ir_is_const(x->b) && ra_dying(g, x->b) && !ra_dying(g, x->a) && !wants_flags(g, x)) {
        unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
        unsigned slot = g->vals[g->i].hint;
        if (slot != NOSLOT && g->pins.reg_of[slot] == rb) {
            /* a - b into b's register */
            unsigned rd = ra_dst(g, RBIT(rb));
            must(rd == rb);
            x_unary(g->c, 3, w, rd);
            x_alu(g->c, ALU_ADD, w, rd, ra);
            return;
        }
    }
    two_address(g, x, ALU_SUB, false);
    flags_twin(g, x, RK_SUB, x->a, x->b);
}

void emit_mul(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    i32 k;
    if (imm_of(g, x->b, x->type, &k)) {
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
        if (k == 3 || k == 5 || k == 9) {
            x_lea(g->c, w, rd, MEMX(ra, ra, k == 3 ? 1 : k == 5 ? 2 : 3, 0));
        } else {
            bool small = k == (i8)k;
            x_rri(g->c, small ? 0x6b : 0x69, w, rd, ra, (u32)k, small ? 1 : 4);
        }
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    if (rd == rb) {
        x_rr(g->c, X_IMUL, w, rd, ra);
        return;
    }
    if (rd != ra) {
        x_mov(g->c, w, rd, ra);
    }
    x_rr(g->c, X_IMUL, w, rd, rb);
}

/* a & ~b, a | ~b, a ^ ~b */
void emit_andn(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    if (x->op == IR_andn && x_cpu.bmi1) {
        v_rrr(g->c, X_ANDN | (w ? OPW : 0), ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), rb, ra);
        return;
    }
    x_mov(g->c, w, RAX, rb);
    x_unary(g->c, 2, w, RAX);
    x_alu(g->c, x->op == IR_andn ? ALU_AND : x->op == IR_orn ? ALU_OR : ALU_XOR, w, RAX, ra);
    x_mov(g->c, w, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), RAX);
}

void emit_neg(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    if (rd != ra) {
        x_mov(g->c, w, rd, ra);
    }
    x_unary(g->c, x->op == IR_neg ? 3 : 2, w, rd);
}

/* -- shifts ------------------------------------------------------------------------------------------------------ */

static enum shift shift_of(unsigned op)
{
    return op == IR_shl ? SH_SHL : op == IR_shr ? SH_SHR : op == IR_sar ? SH_SAR : SH_ROR;
}

void emit_shift(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    enum shift op = shift_of(x->op);
    if (ir_is_const(x->b)) {
        unsigned n = (unsigned)const_of(g, x->b) & (w ? 63 : 31);
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
        if (rd != ra && n && op == SH_ROR && x_cpu.bmi2) {
            v_rrri(g->c, X_RORX | (w ? OPW : 0), rd, 0, ra, (u8)n);
            return;
        }
        if (rd != ra && op == SH_SHL && n == 1) {
            x_lea(g->c, w, rd, MEMX(ra, ra, 0, 0));
            return;
        }
        if (rd != ra || n == 0) {
            x_mov(g->c, w, rd, ra);
        }
        if (n) {
            x_shift(g->c, op, w, rd, n);
        }
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    if (x_cpu.bmi2 && op != SH_ROR) {
        unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
        u32 opc = op == SH_SHL ? X_SHLX : op == SH_SHR ? X_SHRX : X_SARX;
        v_rrr(g->c, opc | (w ? OPW : 0), rd, rb, ra);
        return;
    }
    x_mov(g->c, false, RCX, rb);
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    if (rd != ra) {
        x_mov(g->c, w, rd, ra);
    }
    x_shift_cl(g->c, op, w, rd);
}

/* -- multiplication and division --------------------------------------------------------------------------------- */

void emit_mulh(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, IR_I64);
    if (x->op == IR_umulh && x_cpu.bmi2) {
        x_mov(g->c, true, RDX, ra);
        v_rrr(g->c, X_MULX | OPW, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), RAX, rb);
        return;
    }
    x_mov(g->c, true, RAX, ra);
    x_unary(g->c, x->op == IR_umulh ? 4 : 5, true, rb);
    x_mov(g->c, true, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), RDX);
}

/* Quotient in rax, remainder in rdx. */
static void divide(struct gen *g, const struct xop *x, unsigned ra, unsigned rb)
{
    bool w = is_w(x->type), sign = x->op == IR_sdiv || x->op == IR_srem, rem = x->op == IR_urem || x->op == IR_srem;
    u64 k = ir_is_const(x->b) ? const_of(g, x->b) : 0;
    bool known = k != 0 && (w ? k != ~0ull : (u32)k != 0 && (u32)k != 0xffffffff);
    u8 *zero = NULL, *minus = NULL, *done = NULL;
    if (!known) {
        x_zero(g->c, RAX);
        x_mov(g->c, w, RDX, ra);
        x_test(g->c, w, rb, rb);
        zero = x_jcc8(g->c, X_E);
    }
    x_mov(g->c, w, RAX, ra);
    if (sign && !known) {
        x_alu_i(g->c, ALU_CMP, w, rb, -1);
        minus = x_jcc8(g->c, X_E);
    }
    if (sign) {
        if (w) {
            x_byte(g->c, 0x48);
        }
        x_byte(g->c, 0x99); /* cdq, cqo */
    } else {
        x_zero(g->c, RDX);
    }
    x_unary(g->c, sign ? 7 : 6, w, rb);
    if (minus) {
        done = x_jmp8(g->c);
        x_here8(g->c, minus);
        if (rem) {
            x_zero(g->c, RDX);
        } else {
            x_unary(g->c, 3, w, RAX);
        }
    }
    if (zero) {
        x_here8(g->c, zero);
    }
    if (done) {
        x_here8(g->c, done);
    }
}

void emit_div(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type), rem = x->op == IR_urem || x->op == IR_srem;
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    divide(g, x, ra, rb);
    x_mov(g->c, w, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), rem ? RDX : RAX);
}

/* -- bits -------------------------------------------------------------------------------------------------------- */

static void lead_zeros(struct gen *g, bool w, unsigned rd, unsigned rs)
{
    if (x_cpu.lzcnt) {
        x_rr(g->c, X_LZCNT, w, rd, rs);
        return;
    }
    x_mov_i(g->c, RCX, w ? 127 : 63);
    x_rr(g->c, X_BSR, w, RAX, rs);
    x_cmov(g->c, X_E, w, RAX, RCX);
    x_alu_i(g->c, ALU_XOR, w, RAX, w ? 63 : 31);
    x_mov(g->c, w, rd, RAX);
}

void emit_count(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    switch (x->op) {
    case IR_clz:
        lead_zeros(g, w, rd, ra);
        break;
    case IR_ctz:
        if (x_cpu.bmi1) {
            x_rr(g->c, X_TZCNT, w, rd, ra);
        } else {
            x_mov_i(g->c, RCX, w ? 64 : 32);
            x_rr(g->c, X_BSF, w, RAX, ra);
            x_cmov(g->c, X_E, w, RAX, RCX);
            x_mov(g->c, w, rd, RAX);
        }
        break;
    case IR_cls:
        x_mov(g->c, w, RDX, ra);
        x_shift(g->c, SH_SAR, w, RDX, w ? 63 : 31);
        x_alu(g->c, ALU_XOR, w, RDX, ra);
        lead_zeros(g, w, rd, RDX);
        x_alu_i(g->c, ALU_SUB, w, rd, 1);
        break;
    default:
        x_rr(g->c, X_POPCNT, w, rd, ra);
        break;
    }
}

/* rax = (rax & mask) << n | (rax >> n & mask) */
static void swap_groups(struct gen *g, bool w, unsigned n, u64 mask)
{
    x_mov_i(g->c, RCX, w ? mask : (u32)mask);
    x_mov(g->c, w, RDX, RAX);
    x_shift(g->c, SH_SHR, w, RDX, n);
    x_alu(g->c, ALU_AND, w, RAX, RCX);
    x_alu(g->c, ALU_AND, w, RDX, RCX);
    x_shift(g->c, SH_SHL, w, RAX, n);
    x_alu(g->c, ALU_OR, w, RAX, RDX);
}
void emit_bitrev(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    x_mov(g->c, w, RAX, ra_src(g, x->a, x->type));
    x_bswap(g->c, w, RAX);
    swap_groups(g, w, 4, 0x0f0f0f0f0f0f0f0f);
    swap_groups(g, w, 2, 0x3333333333333333);
    swap_groups(g, w, 1, 0x5555555555555555);
    x_mov(g->c, w, ra_dst(g, ra_dying(g, x->a)), RAX);
}
void emit_bswap(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type);
    if (x->sub == 1 && w) {
        x_mov(g->c, w, RAX, ra);
        swap_groups(g, w, 8, 0x00ff00ff00ff00ff);
        x_mov(g->c, w, ra_dst(g, ra_dying(g, x->a)), RAX);
        return;
    }
    unsigned rd = ra_dst(g, ra_dying(g, x->a));
    if (rd != ra) {
        x_mov(g->c, w, rd, ra);
    }
    x_bswap(g->c, w, rd);
    if (8u << x->sub != (w ? 64u : 32u)) {
        x_shift(g->c, SH_ROR, w, rd, w ? 32 : 16);
    }
}

/* -- fields ------------------------------------------------------------------------------------------------------ */

/* rd = the field of rs at pos, len, extended; flags may go. */
static void field(struct gen *g, bool w, bool sign, unsigned rd, unsigned rs, unsigned pos, unsigned len)
{
    unsigned width = w ? 64 : 32;
    if (pos == 0 && (len == 8 || len == 16)) {
        x_rr(g->c, len == 8 ? (sign ? X_MOVSX8 : X_MOVZX8) : (sign ? X_MOVSX16 : X_MOVZX16), w && sign, rd, rs);
    } else if (pos == 0 && len == 32) {
        x_rr(g->c, sign && w ? X_MOVSXD : X_MOV_RM, sign && w, rd, rs);
    } else if (pos + len == width) {
        if (rd != rs) {
            x_mov(g->c, w, rd, rs);
        }
        if (pos) {
            x_shift(g->c, sign ? SH_SAR : SH_SHR, w, rd, pos);
        }
    } else if (!sign && len < 32) {
        if (pos == 0) {
            if (rd != rs) {
                x_mov(g->c, false, rd, rs);
            }
        } else if (x_cpu.bmi2 && rd != rs) {
            v_rrri(g->c, X_RORX | (w ? OPW : 0), rd, 0, rs, (u8)pos);
        } else {
            if (rd != rs) {
                x_mov(g->c, w, rd, rs);
            }
            x_shift(g->c, SH_SHR, w, rd, pos);
        }
        if (len == 8 || len == 16) {
            x_rr(g->c, len == 8 ? X_MOVZX8 : X_MOVZX16, false, rd, rd);
        } else {
            x_alu_i(g->c, ALU_AND, false, rd, (i32)MASK(len));
        }
    } else {
        if (rd != rs) {
            x_mov(g->c, w, rd, rs);
        }
        if (pos + len != width) {
            x_shift(g->c, SH_SHL, w, rd, width - pos - len);
        }
        x_shift(g->c, sign ? SH_SAR : SH_SHR, w, rd, width - len);
    }
}

void emit_ext(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    field(g, is_w(x->type), x->op == IR_sext, rd, ra, 0, x->sub);
}
void emit_extract(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    field(g, is_w(x->type), x->op == IR_sextract, rd, ra, x->imm & 0xff, x->imm >> 8);
}

/* rd &= mask, by whatever is shortest; may use rcx. */
static void and_mask(struct gen *g, bool w, unsigned rd, u64 mask)
{
    if (!w || (i64)mask == (i32)mask) {
        x_alu_i(g->c, ALU_AND, w, rd, (i32)mask);
    } else if (mask == (u32)mask) {
        if (mask == 0xffffffff) {
            x_mov(g->c, false, rd, rd);
        } else {
            x_alu_i(g->c, ALU_AND, false, rd, (i32)mask);
        }
    } else {
        x_mov_i(g->c, RCX, mask);
        x_alu(g->c, ALU_AND, true, rd, RCX);
    }
}

void emit_deposit(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned pos = x->imm & 0xff, len = x->imm >> 8, width = w ? 64 : 32;
    u64 mask = MASK(len) << pos;
    if (len == width) {
        mov_opnd(g, w, RAX, &(struct opnd){.kind = OP_REG, .reg = ra_src(g, x->b, x->type)});
        x_mov(g->c, w, ra_dst(g, 0), RAX);
        return;
    }
    if (ir_is_const(x->b)) {
        u64 field_bits = (const_of(g, x->b) << pos) & mask;
        unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
        if (rd != ra) {
            x_mov(g->c, w, rd, ra);
        }
        if (field_bits != mask) {
            and_mask(g, w, rd, ~mask);
        }
        if (field_bits) {
            if (!w || (i64)field_bits == (i32)field_bits) {
                x_alu_i(g->c, ALU_OR, w, rd, (i32)field_bits);
            } else {
                x_mov_i(g->c, RCX, field_bits);
                x_alu(g->c, ALU_OR, true, rd, RCX);
            }
        }
        return;
    }
    unsigned rb = ra_src(g, x->b, x->type);
    bool zero = ir_is_const(x->a) && const_of(g, x->a) == 0;
    unsigned ra = zero ? 0 : ra_src(g, x->a, x->type);
    field(g, w, false, RAX, rb, 0, len);
    if (pos) {
        x_shift(g->c, SH_SHL, w, RAX, pos);
    }
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    if (zero) {
        x_mov(g->c, w, rd, RAX);
        return;
    }
    if (rd != ra) {
        x_mov(g->c, w, rd, ra);
    }
    and_mask(g, w, rd, ~mask);
    x_alu(g->c, ALU_OR, w, rd, RAX);
}

void emit_extr(struct gen *g, struct xop *x)
{
    bool w = is_w(x->type);
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    unsigned rd = ra_dst(g, ra == rb ? 0 : ra_dying(g, x->b));
    if (rd != rb || (!w && !x->imm)) {
        x_mov(g->c, w, rd, rb);
    }
    if (x->imm) {
        x_rri(g->c, X_SHRD, w, ra, rd, x->imm, 1);
    }
}

/* A trace fed through the builder, op by op. */
#include "tcg/build.h"
#include "tcg/ops_priv.h"
#include "tests/diff/ir_random.h"

struct map {
    const struct ir *src;
    struct ir *dst;
    ir_ref to[IR_MAX_OPS];
};

static ir_ref operand(const struct map *m, const struct ir_op *op, unsigned k)
{
    ir_ref r = op_arg_val(op, k);
    if (k >= ir_nargs(m->src, op)) {
        return 0;
    }
    if (!ir_is_const(r)) {
        return m->to[r];
    }
    const u64 *v = &m->src->consts[r & ~IR_CONST];
    return ir_wanted(m->src, op, k) == IR_V128 ? ir_const_v128(m->dst, v[0], v[1]) : ir_const(m->dst, v[0]);
}

static ir_ref rebuild_shuffle(struct map *m, const struct ir_op *op, ir_ref a, ir_ref b)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)(m->src->consts[op->imm + i / 8] >> 8 * (i % 8));
    }
    return ir_vshuf(m->dst, a, b, pattern);
}

static void rebuild_mem(struct map *m, unsigned i, const struct ir_op *op, ir_ref a, ir_ref b, ir_ref c)
{
    struct ir *ir = m->dst;
    enum ir_type t = op->type;
    i32 off = (i32)op->imm;
    unsigned mo = op->d;
    switch (op->op) {
    case IR_ld:
        if (mo & MO_PAIR) {
            m->to[i] = ir_ld_pair(ir, t, a, off, mo, &m->to[i + 1]);
        } else {
            m->to[i] = ir_ld(ir, t, a, off, mo);
        }
        break;
    case IR_st:
        if (mo & MO_PAIR) {
            ir_st_pair(ir, a, off, b, c, t, mo);
        } else {
            ir_st(ir, a, off, b, t, mo);
        }
        break;
    case IR_rmw:
        m->to[i] = ir_rmw(ir, op->sub, t, a, 0, b, mo);
        break;
    default:
        m->to[i] = ir_cas(ir, t, a, 0, b, c, mo);
        break;
    }
}

static ir_ref rebuild_pure(struct map *m, const struct ir_op *op, ir_ref a, ir_ref b, ir_ref c, ir_ref d)
{
    struct ir *ir = m->dst;
    enum ir_type t = op->type;
    unsigned sub = op->sub, pos = op->imm & 0xff, len = op->imm >> 8;
    u32 imm = op->imm;
    bool vector = t == IR_V128;
    switch ((enum ir_opcode)op->op) {
    case IR_add:
    case IR_sub:
    case IR_mul:
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_andn:
    case IR_orn:
    case IR_xnor:
    case IR_shl:
    case IR_shr:
    case IR_sar:
    case IR_ror:
    case IR_umulh:
    case IR_smulh:
    case IR_udiv:
    case IR_sdiv:
    case IR_urem:
    case IR_srem:
        return vector ? ir_v2(ir, op->op, sub, a, b, 0) : ir_op2(ir, op->op, t, a, b);
    case IR_neg:
    case IR_not:
    case IR_clz:
    case IR_ctz:
    case IR_cls:
    case IR_popcnt:
    case IR_bitrev:
        return vector ? ir_v1(ir, op->op, sub, a, 0) : ir_op1(ir, op->op, t, a);
    case IR_bswap:
        return ir_bswap(ir, t, a, sub);
    case IR_zext:
        return ir_zext(ir, t, a, sub);
    case IR_sext:
        return ir_sext(ir, t, a, sub);
    case IR_extract:
        return ir_extract(ir, t, a, pos, len);
    case IR_sextract:
        return ir_sextract(ir, t, a, pos, len);
    case IR_deposit:
        return ir_deposit(ir, t, a, b, pos, len);
    case IR_extr:
        return ir_extr(ir, t, a, b, imm);
    case IR_crc32:
        return ir_crc32(ir, a, b, sub, imm);
    case IR_setcc:
        return ir_setcc(ir, sub, t, a, b);
    case IR_select:
        return ir_select(ir, sub, imm, a, b, t, c, d);
    case IR_fl_add:
        return ir_fl_add(ir, imm, a, b, sub);
    case IR_fl_sub:
        return ir_fl_sub(ir, imm, a, b, sub);
    case IR_fl_adc:
        return ir_fl_adc(ir, imm, a, b, c, sub);
    case IR_fl_sbb:
        return ir_fl_sbb(ir, imm, a, b, c, sub);
    case IR_fl_logic:
        return ir_fl_logic(ir, imm, a, sub);
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
        return ir_fl_shift(ir, op->op, imm, a, b, sub);
    case IR_fl_fcmp:
        return ir_fl_fcmp(ir, imm & 0xff, sub, a, b, imm & ~0xffu);
    case IR_fl_mix:
        return ir_fl_mix(ir, imm, a, b);
    case IR_fl_pack:
        return ir_fl_pack(ir, a);
    case IR_fl_unpack:
        return ir_fl_unpack(ir, a);
    case IR_adc:
        return ir_adc(ir, t, a, b, c, sub);
    case IR_sbb:
        return ir_sbb(ir, t, a, b, c, sub);
    case IR_setf:
        return ir_setf(ir, sub, a);
    case IR_selectf:
        return ir_selectf(ir, sub, a, t, b, c);
    case IR_fadd:
    case IR_fsub:
    case IR_fmul:
    case IR_fdiv:
    case IR_fmin:
    case IR_fmax:
    case IR_fminnm:
    case IR_fmaxnm:
    case IR_fminc:
    case IR_fmaxc:
    case IR_faddsub:
        return ir_fop2(ir, op->op, t, sub, a, b);
    case IR_fma:
        return ir_fma(ir, t, sub, a, b, c, imm);
    case IR_fsqrt:
    case IR_frcpe:
    case IR_frsqe:
    case IR_fneg:
    case IR_fabs:
    case IR_fround:
    case IR_vf2i:
    case IR_vf2in:
    case IR_vi2fl:
    case IR_vi2f:
    case IR_vfcvtl:
    case IR_vfcvtn:
        return ir_fop1(ir, op->op, t, sub, a, imm);
    case IR_fcvt:
        return ir_fcvt(ir, t, imm, sub, a);
    case IR_f2i:
        return ir_f2i(ir, t, imm & 0xff, sub, a, imm >> 8 & 0xff, imm & (F2I_UNS | F2I_INDEF));
    case IR_i2f:
        return ir_i2f(ir, t, imm & 0xff, sub, a, imm >> 8);
    case IR_bitcast:
        return ir_bitcast(ir, t, a);
    case IR_vzero_ext: {
        enum ir_type of = ir_is_const(op->a) ? IR_I64 : ir_result(&m->src->ops[op->a]);
        return ir_vzero_ext(ir, of, a);
    }
    case IR_vdup:
        return ir_vdup(ir, sub, a);
    case IR_vget:
        return ir_vget(ir, t, sub, a, imm);
    case IR_vgets:
        return ir_vgets(ir, t, sub, a, imm);
    case IR_vset:
        return ir_vset(ir, sub, a, imm, b);
    case IR_vshuf:
        return rebuild_shuffle(m, op, a, b);
    case IR_vblend:
        return ir_vblend(ir, sub, c, b, a);
    case IR_vmask:
        return ir_vmask(ir, sub, a);
    case IR_vtst:
        return ir_vtst(ir, a, b);
    case IR_vbsl:
        return ir_vbsl(ir, a, b, c);
    case IR_vabs:
    case IR_vshl:
    case IR_vshr:
    case IR_vsar:
    case IR_vxtl:
    case IR_vxtn:
    case IR_vqxtn:
    case IR_vpopcnt:
    case IR_vaes_imc:
        return ir_v1(ir, op->op, sub, a, imm);
    default:
        return ir_v2(ir, op->op, sub, a, b, imm);
    }
}

static void rebuild_op(struct map *m, unsigned i)
{
    const struct ir_op *op = &m->src->ops[i];
    struct ir *ir = m->dst;
    bool mem = op_is_mem(op->op);
    ir_ref a = operand(m, op, 0), b = operand(m, op, 1), c = operand(m, op, 2), d = mem ? 0 : operand(m, op, 3);
    switch (op->op) {
    case IR_nop:
    case IR_ld_hi: /* came with its load */
        break;
    case IR_insn:
        ir_insn(ir, op->imm, op->d);
        break;
    case IR_get:
        m->to[i] = ir_get(ir, op->imm);
        break;
    case IR_put:
        ir_put(ir, op->imm, a);
        break;
    case IR_pc:
        m->to[i] = ir_pc(ir, (i32)op->imm);
        break;
    case IR_fence:
        ir_fence(ir, op->imm);
        break;
    case IR_call:
        m->to[i] = ir_call(ir, op->imm, a, b, c, d);
        break;
    case IR_exitcc:
        ir_exitcc(ir, op->sub, op->type, a, b, (i32)op->imm);
        break;
    case IR_exitf:
        ir_exitf(ir, op->sub, a, (i32)op->imm);
        break;
    case IR_exit:
        ir_exit(ir, (i32)op->imm, op->sub);
        break;
    case IR_exit_ind:
        ir_exit_ind(ir, a, op->sub);
        break;
    case IR_exit_pc:
        ir_exit_pc(ir);
        break;
    case IR_exit_loop:
        ir_exit_loop(ir, op->imm);
        break;
    default:
        if (mem) {
            rebuild_mem(m, i, op, a, b, c);
        } else {
            m->to[i] = rebuild_pure(m, op, a, b, c, d);
        }
        break;
    }
}

void ir_rebuild(struct ir *dst, const struct ir *src)
{
    struct map m = {.src = src, .dst = dst};
    ir_init(dst, src->target, src->start_off, src->page_bits);
    for (unsigned i = 1; i < src->nops && !dst->full && !dst->ended; i++) {
        rebuild_op(&m, i);
    }
}

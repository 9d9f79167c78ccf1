/* The interpreter: one switch over the ops, a value an op. Slots are read from and written home at once, so a fault
 * finds the state of the instruction before: all puts of an instruction follow its last op that may fault. */
#include "tcg/interp/interp.h"

#include "base/bits.h"
#include "tcg/eval.h"
#include "tcg/interp/float.h"
#include "tcg/ops_priv.h"

#pragma GCC diagnostic error "-Wswitch-enum"

struct frame {
    const struct ir_view *ir;
    struct vcpu *cpu;
    struct rt *rt;
    const struct interp_mem *mem;
    u32 next_off; /* page offset behind the present instruction */
    union v128 val[IR_MAX_OPS];
};

static inline u64 num(const struct frame *f, ir_ref r)
{
    return ir_is_const(r) ? f->ir->consts[r & ~IR_CONST] : f->val[r].d[0];
}
static inline const union v128 *vec(const struct frame *f, ir_ref r, union v128 *tmp)
{
    if (!ir_is_const(r)) {
        return &f->val[r];
    }
    memcpy(tmp, &f->ir->consts[r & ~IR_CONST], sizeof(*tmp));
    return tmp;
}

/* -- slots --------------------------------------------------------------------------------------------------- */

static void *slot_home(const struct frame *f, unsigned slot)
{
    return (u8 *)f->cpu + f->ir->target->slots[slot].off;
}

static void run_get(struct frame *f, const struct ir_op *op, union v128 *r)
{
    const void *home = slot_home(f, op->imm);
    switch (op->type) {
    case IR_I32:
    case IR_F32:
        r->d[0] = ld32le(home);
        break;
    case IR_FLAGS:
        r->d[0] = ld32le(home) & FL_ALL;
        break;
    case IR_F16:
        r->d[0] = ld16le(home);
        break;
    case IR_V128:
        memcpy(r, home, sizeof(*r));
        break;
    default:
        r->d[0] = ld64le(home);
        break;
    }
}

static void run_put(struct frame *f, const struct ir_op *op)
{
    void *home = slot_home(f, op->imm);
    union v128 tmp;
    switch (op->type) {
    case IR_I32:
    case IR_F32:
    case IR_FLAGS:
        st32le(home, (u32)num(f, op->a));
        break;
    case IR_F16:
        st16le(home, (u16)num(f, op->a));
        break;
    case IR_V128:
        memcpy(home, vec(f, op->a, &tmp), sizeof(tmp));
        break;
    default:
        st64le(home, num(f, op->a));
        break;
    }
}

/* -- memory ---------------------------------------------------------------------------------------------------- */

/* One value of a load out of its raw bytes. */
static void unpack(const struct ir_op *op, const u8 *raw, union v128 *r)
{
    unsigned n = 1u << (op->d & MO_SIZE);
    if (n == 16) {
        memcpy(r, raw, 16);
        if (op->d & MO_BE) {
            *r = (union v128){.d = {__builtin_bswap64(r->d[1]), __builtin_bswap64(r->d[0])}};
        }
        return;
    }
    u64 v = ldnle(raw, n);
    if (op->d & MO_BE) {
        v = __builtin_bswap64(v) >> (64 - 8 * n);
    }
    if (op->d & MO_SIGN) {
        v = eval_trunc(op->type, (u64)sext(v, 8 * n));
    }
    r->d[0] = v;
}

static void pack(const struct frame *f, const struct ir_op *op, ir_ref v, u8 *raw)
{
    unsigned n = 1u << (op->d & MO_SIZE);
    union v128 x;
    if (n == 16) {
        x = *vec(f, v, &x);
        if (op->d & MO_BE) {
            x = (union v128){.d = {__builtin_bswap64(x.d[1]), __builtin_bswap64(x.d[0])}};
        }
    } else {
        x.d[0] = num(f, v);
        if (op->d & MO_BE) {
            x.d[0] = __builtin_bswap64(x.d[0]) >> (64 - 8 * n);
        }
    }
    memcpy(raw, &x, n);
}

static bool run_ld(struct frame *f, const struct ir_op *op, union v128 *r)
{
    union v128 raw[2];
    u64 va = num(f, op->a) + (u64)(i64)(i32)op->imm;
    if (!f->mem->load(f->mem->opaque, f->cpu, va, op->d, raw)) {
        return false;
    }
    unpack(op, raw[0].b, r);
    if (op->d & MO_PAIR) {
        unpack(op, raw[0].b + (1u << (op->d & MO_SIZE)), r + 1); /* ld_hi's value: the op behind */
    }
    return true;
}

static bool run_st(struct frame *f, const struct ir_op *op)
{
    union v128 raw[2];
    u64 va = num(f, op->a) + (u64)(i64)(i32)op->imm;
    pack(f, op, op->b, raw[0].b);
    if (op->d & MO_PAIR) {
        pack(f, op, op->c, raw[0].b + (1u << (op->d & MO_SIZE)));
    }
    return f->mem->store(f->mem->opaque, f->cpu, va, op->d | MO_STORE, raw);
}

/* Atomics move numbers: MO_BE is the memory functions' business. */
static bool run_atomic(struct frame *f, const struct ir_op *op, union v128 *r)
{
    u64 m = MASK(8u << (op->d & MO_SIZE)), va = num(f, op->a), b = num(f, op->b) & m, old = 0;
    u32 mo = op->d | MO_STORE;
    bool ok = op->op == IR_rmw ? f->mem->rmw(f->mem->opaque, f->cpu, va, mo, op->sub, b, &old)
                               : f->mem->cas(f->mem->opaque, f->cpu, va, mo, b, num(f, op->c) & m, &old);
    r->d[0] = old & m;
    return ok;
}

/* -- calls ------------------------------------------------------------------------------------------------------- */

/* Pointers travel as u64: every 64-bit C ABI passes the two alike. */
u64 interp_call(void *fn, unsigned n, const u64 *a)
{
    switch (n) {
    case 0:
        return ((u64(*)(void))fn)();
    case 1:
        return ((u64(*)(u64))fn)(a[0]);
    case 2:
        return ((u64(*)(u64, u64))fn)(a[0], a[1]);
    case 3:
        return ((u64(*)(u64, u64, u64))fn)(a[0], a[1], a[2]);
    case 4:
        return ((u64(*)(u64, u64, u64, u64))fn)(a[0], a[1], a[2], a[3]);
    case 5:
        return ((u64(*)(u64, u64, u64, u64, u64))fn)(a[0], a[1], a[2], a[3], a[4]);
    default:
        return ((u64(*)(u64, u64, u64, u64, u64, u64))fn)(a[0], a[1], a[2], a[3], a[4], a[5]);
    }
}
_Static_assert(sizeof(void *) == sizeof(u64), "helpers are called with pointers as u64");

static void run_call(struct frame *f, const struct ir_op *op, union v128 *r)
{
    const struct ir_helper *h = &f->ir->target->helpers[op->imm];
    union v128 tmp[4];
    u64 arg[6];
    unsigned n = 0;
    if (!(h->flags & HF_NO_CPU)) {
        arg[n++] = (u64)(uintptr_t)f->cpu;
    }
    if (h->ret == IR_V128) {
        arg[n++] = (u64)(uintptr_t)r;
    }
    for (unsigned k = 0; k < 4 && h->args[k] != IR_NONE; k++) {
        ir_ref a = op_arg_val(op, k);
        switch (h->args[k]) {
        case IR_V128:
            arg[n++] = (u64)(uintptr_t)vec(f, a, &tmp[k]);
            break;
        case IR_I32:
            arg[n++] = (u32)num(f, a);
            break;
        default:
            arg[n++] = num(f, a);
            break;
        }
    }
    bool hooked = f->mem && f->mem->call && !(h->flags & HF_PURE);
    u64 v = hooked ? f->mem->call(f->mem->opaque, h, n, arg) : interp_call(h->fn, n, arg);
    if (h->ret != IR_V128 && h->ret != IR_NONE) {
        r->d[0] = h->ret == IR_FLAGS ? v & FL_ALL : v;
    }
}

/* -- values ------------------------------------------------------------------------------------------------------- */

static void run_vec(struct frame *f, const struct ir_op *op, union v128 *r)
{
    static const union v128 zero;
    union v128 tmp[3];
    unsigned n = ir_nargs(NULL, op);
    const union v128 *a = vec(f, op->a, &tmp[0]);
    const union v128 *b = n > 1 ? vec(f, op->b, &tmp[1]) : &zero;
    const union v128 *c = n > 2 ? vec(f, op->c, &tmp[2]) : &zero;
    if (op->op == IR_vshuf) {
        c = vec(f, (ir_ref)(op->imm | IR_CONST), &tmp[2]);
    }
    eval_vec(op, r, a, b, c);
}

static void run_float(struct frame *f, const struct ir_op *op, union v128 *r)
{
    static const union v128 zero;
    union v128 tmp[3];
    unsigned n = ir_nargs(NULL, op);
    const union v128 *a = vec(f, op->a, &tmp[0]);
    const union v128 *b = n > 1 ? vec(f, op->b, &tmp[1]) : &zero;
    const union v128 *c = n > 2 ? vec(f, op->c, &tmp[2]) : &zero;
    struct fp_env *env = (struct fp_env *)((u8 *)f->cpu + f->ir->target->fp_env_off);
    float_exact(FLOAT_KEY(op), env, r, a, b, c);
}

static u64 run_flags(const struct frame *f, const struct ir_op *op)
{
    u64 a = num(f, op->a), b = num(f, op->b);
    switch (op->op) {
    case IR_fl_add:
        return eval_fl_add(op->imm, a, b, false, op->sub);
    case IR_fl_sub:
        return eval_fl_sub(op->imm, a, b, false, op->sub);
    case IR_fl_adc:
        return eval_fl_add(op->imm, a, b, eval_carry(op->sub, (u32)num(f, op->c)), op->sub);
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
        return eval_fl_shift(op->op, op->imm, a, b, op->sub);
    case IR_fl_sbb:
        return eval_fl_sub(op->imm, a, b, eval_carry(op->sub, (u32)num(f, op->c)), op->sub);
    default:
        return eval_fl_logic(op->imm, a, op->sub);
    }
}

/* Integers of type t are cut to its width. */
static u64 as_type(unsigned t, u64 v)
{
    return t == IR_I32 ? (u32)v : v;
}

static enum interp_end leave(struct frame *f, u64 pc)
{
    f->rt->pc = pc;
    return INTERP_EXIT;
}
static enum interp_end leave_to(struct frame *f, u32 soff)
{
    return leave(f, f->rt->page + (u64)(i64)(i32)soff);
}

#define INT2(name) \
    case IR_##name: \
        if (op->type == IR_V128) { \
            run_vec(f, op, r); \
        } else { \
            r->d[0] = eval_int2(IR_##name, op->type, num(f, op->a), num(f, op->b)); \
        } \
        break;
#define INT1(name) \
    case IR_##name: \
        if (op->type == IR_V128) { \
            run_vec(f, op, r); \
        } else { \
            r->d[0] = eval_int1(IR_##name, op->type, op->sub, num(f, op->a)); \
        } \
        break;
#define FIELD(name) \
    case IR_##name: \
        r->d[0] = eval_field(IR_##name, op->type, op->imm, num(f, op->a), num(f, op->b)); \
        break;

static enum interp_end run(struct frame *f, enum ir_reason *reason)
{
    const struct ir_view *ir = f->ir;
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        union v128 *r = &f->val[i];
        union v128 tmp;
        switch ((enum ir_opcode)op->op) {
        case IR_nop:
            break;
        case IR_insn:
            f->rt->insn_off = op->imm;
            f->next_off = op->imm + op->d;
            break;
        case IR_get:
            run_get(f, op, r);
            break;
        case IR_put:
            run_put(f, op);
            break;
        case IR_pc:
            r->d[0] = f->rt->page + (u64)(i64)(i32)op->imm;
            break;

            // clang-format off
        INT2(add) INT2(sub) INT2(mul) INT2(and) INT2(or) INT2(xor)
        INT2(andn) INT2(orn) INT2(xnor) INT2(shl) INT2(shr) INT2(sar)
        INT2(ror) INT2(umulh) INT2(smulh) INT2(udiv) INT2(sdiv) INT2(urem)
        INT2(srem)
        INT1(neg) INT1(not) INT1(clz) INT1(ctz) INT1(cls) INT1(popcnt)
        INT1(bitrev) INT1(bswap) INT1(zext) INT1(sext)
        FIELD(extract) FIELD(sextract) FIELD(deposit) FIELD(extr)
                // clang-format on
                case IR_setcc : r->d[0] = eval_cmp(op->sub, op->type, num(f, op->a), num(f, op->b));
            break;
        case IR_crc32:
            r->d[0] = eval_crc32(op->sub, op->imm, (u32)num(f, op->a), num(f, op->b));
            break;
        case IR_select:
            r->d[0] =
                as_type(op->type, num(f, eval_cmp(op->sub, op->imm, num(f, op->a), num(f, op->b)) ? op->c : op->d));
            break;

        case IR_fl_add:
        case IR_fl_sub:
        case IR_fl_adc:
        case IR_fl_sbb:
        case IR_fl_logic:
        case IR_fl_shl:
        case IR_fl_shr:
        case IR_fl_sar:
            r->d[0] = run_flags(f, op);
            break;
        case IR_fl_mix:
            r->d[0] = eval_fl_mix(op->imm, (u32)num(f, op->a), (u32)num(f, op->b));
            break;
        case IR_fl_pack:
            r->d[0] = num(f, op->a) & FL_ALL;
            break;
        case IR_fl_unpack:
            r->d[0] = num(f, op->a);
            break;
        case IR_adc:
            r->d[0] = as_type(op->type, num(f, op->a) + num(f, op->b) + eval_carry(op->sub, (u32)num(f, op->c)));
            break;
        case IR_sbb:
            r->d[0] = as_type(op->type, num(f, op->a) - num(f, op->b) - eval_carry(op->sub, (u32)num(f, op->c)));
            break;
        case IR_setf:
            r->d[0] = eval_cond(op->sub, (u32)num(f, op->a));
            break;
        case IR_selectf:
            r->d[0] = as_type(op->type, num(f, eval_cond(op->sub, (u32)num(f, op->a)) ? op->b : op->c));
            break;

        case IR_fl_fcmp:
        case IR_fadd:
        case IR_fsub:
        case IR_fmul:
        case IR_fdiv:
        case IR_fma:
        case IR_fsqrt:
        case IR_fmin:
        case IR_fmax:
        case IR_fminnm:
        case IR_fmaxnm:
        case IR_fminc:
        case IR_fmaxc:
        case IR_faddsub:
        case IR_frcpe:
        case IR_frsqe:
        case IR_fneg:
        case IR_fabs:
        case IR_fround:
        case IR_fcvt:
        case IR_f2i:
        case IR_i2f:
        case IR_vfcmp:
        case IR_vf2i:
        case IR_vi2f:
        case IR_vf2in:
        case IR_vi2fl:
        case IR_vfcvtl:
        case IR_vfcvtn:
            run_float(f, op, r);
            break;
        case IR_bitcast:
            r->d[0] = num(f, op->a) & MASK(type_bits(op->type));
            break;

        case IR_vzero_ext:
            *r = (union v128){.d = {num(f, op->a), 0}};
            break;
        case IR_vdup:
            eval_vdup(op->sub, r, num(f, op->a));
            break;
        case IR_vget:
        case IR_vgets:
            r->d[0] = eval_vget(op, vec(f, op->a, &tmp));
            break;
        case IR_vmask:
            r->d[0] = eval_vmask(op->sub, vec(f, op->a, &tmp));
            break;
        case IR_vtst: {
            union v128 tmp2;
            r->d[0] = eval_vtst(vec(f, op->a, &tmp), vec(f, op->b, &tmp2));
            break;
        }
        case IR_vset:
            *r = *vec(f, op->a, &tmp);
            eval_vset(op->sub, r, op->imm, num(f, op->b));
            break;
        case IR_vshuf:
        case IR_vtbl:
        case IR_vbsl:
        case IR_vcmp:
        case IR_vsmin:
        case IR_vsmax:
        case IR_vumin:
        case IR_vumax:
        case IR_vabs:
        case IR_vsqadd:
        case IR_vuqadd:
        case IR_vsqsub:
        case IR_vuqsub:
        case IR_vshl:
        case IR_vshr:
        case IR_vsar:
        case IR_vushl:
        case IR_vsshl:
        case IR_vmull:
        case IR_vxtl:
        case IR_vxtn:
        case IR_vqxtn:
        case IR_vpopcnt:
        case IR_vblend:
        case IR_vmulh:
        case IR_vmulr:
        case IR_vmule:
        case IR_vdot:
        case IR_vsad:
        case IR_vuravg:
        case IR_vpadd:
        case IR_vpack:
        case IR_vtblm:
        case IR_vpermv:
        case IR_vshlv:
        case IR_vshrv:
        case IR_vsarv:
        case IR_vshl_all:
        case IR_vshr_all:
        case IR_vsar_all:
        case IR_vaes:
        case IR_vaes_imc:
        case IR_vclmul:
            run_vec(f, op, r);
            break;

        case IR_ld:
            if (!run_ld(f, op, r)) {
                return INTERP_FAULT;
            }
            break;
        case IR_ld_hi: /* the load wrote it */
            break;
        case IR_st:
            if (!run_st(f, op)) {
                return INTERP_FAULT;
            }
            break;
        case IR_rmw:
        case IR_cas:
            if (!run_atomic(f, op, r)) {
                return INTERP_FAULT;
            }
            break;
        case IR_fence:
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            break;
        case IR_call:
            run_call(f, op, r);
            break;

        case IR_exitcc:
            if (eval_cmp(op->sub, op->type, num(f, op->a), num(f, op->b))) {
                leave_to(f, op->imm);
                if (op->d == EXIT_CARE) {
                    *reason = REASON_CARE;
                    return INTERP_LOOP;
                }
                return INTERP_EXIT;
            }
            break;
        case IR_exitf:
            if (eval_cond(op->sub, (u32)num(f, op->a))) {
                return leave_to(f, op->imm);
            }
            break;
        case IR_exit:
            return leave_to(f, op->imm);
        case IR_exit_ind:
            return leave(f, num(f, op->a));
        case IR_exit_pc:
            return INTERP_EXIT;
        case IR_exit_loop:
            f->rt->pc = f->rt->page + f->next_off;
            *reason = op->imm;
            return INTERP_LOOP;
        case IR_OPCODES:
            break;
        }
    }
    must(!"a trace that ends");
}

enum interp_end interp_run_view(const struct ir_view *ir, struct vcpu *cpu, const struct interp_mem *mem,
                                enum ir_reason *reason)
{
    struct frame f;
    f.ir = ir;
    f.cpu = cpu;
    f.rt = (struct rt *)cpu;
    f.mem = mem;
    f.next_off = ir->start_off;
    f.val[0] = (union v128){.d = {0, 0}}; /* absent operands */
    return run(&f, reason);
}

enum interp_end interp_run(const struct ir *ir, struct vcpu *cpu, const struct interp_mem *mem, enum ir_reason *reason)
{
    struct ir_view view = {ir->target, ir->ops, ir->consts, ir->nops, ir->start_off};
    return interp_run_view(&view, cpu, mem, reason);
}

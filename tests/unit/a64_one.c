#include "tests/unit/a64_one.h"

#include <string.h>

#include "target/arm/a64/a64.h"
#include "tcg/interp/interp.h"
#include "tcg/opt/opt.h"

static struct ir ir;
static union {
    struct arm_cpu cpu;
    u8 bytes[sizeof(struct arm_cpu)];
} room;
static u64 features_mode;

void one_init(void)
{
    features_mode = (u64)arm_features_id(~0ull) << MODE_FEAT_SHIFT;
}

static void load(struct arm_cpu *cpu, const struct one_state *st)
{
    static const u8 round[4] = {FP_RNE, FP_RP, FP_RM, FP_RZ};
    memset(cpu, 0, sizeof(*cpu));
    memcpy(cpu->vcpu.rt.r, st->x, sizeof(st->x));
    memcpy(cpu->v, st->v, sizeof(cpu->v));
    cpu->nzcv = arm_nzcv_to_flags(st->nzcv);
    cpu->qc.d[0] = st->fpsr >> 27 & 1;
    cpu->fp = FP_ENV_ARM;
    cpu->fp.round = round[st->fpcr >> 22 & 3];
    cpu->fp.flush_in = cpu->fp.flush_out = st->fpcr >> 24 & 1;
    cpu->fp.default_nan = st->fpcr >> 25 & 1;
    cpu->fp.arm_alt_half = st->fpcr >> 26 & 1;
    cpu->fp.flush_in16 = cpu->fp.flush_out16 = st->fpcr >> 19 & 1;
    cpu->fp.flags = (st->fpsr & 31) | (st->fpsr >> 7 & 1 ? FP_INPUT_DENORMAL : 0);
}

static void store(const struct arm_cpu *cpu, struct one_state *st)
{
    u32 f = cpu->fp.flags;
    memcpy(st->x, cpu->vcpu.rt.r, sizeof(st->x));
    memcpy(st->v, cpu->v, sizeof(cpu->v));
    st->nzcv = arm_flags_to_nzcv(cpu->nzcv);
    st->fpsr = (f & 31) | (f & FP_INPUT_DENORMAL ? 1u << 7 : 0) | (cpu->qc.d[0] | cpu->qc.d[1] ? 1u << 27 : 0);
}

static void note(u32 *x, u32 *v, bool *nzcv, unsigned slot)
{
    if (slot < SLOT_SP) {
        *x |= 1u << slot;
    } else if (slot >= SLOT_V0 && slot < SLOT_OTHER) {
        *v |= 1u << (slot - SLOT_V0);
    } else if (slot == SLOT_FLAGS) {
        *nzcv = true;
    }
}

bool several_run(const u32 *insns, unsigned n, struct one_state *st, struct one_used *used)
{
    static u8 page[1 << TLB_PAGE_BITS];
    struct arm_cpu *cpu = &room.cpu;
    u64 mode = features_mode | 1;
    mode |= st->fpcr >> 25 & 1 ? MODE_FP_DN : 0;
    mode |= st->fpcr & (1u << 24 | 1u << 26 | 1u << 19) ? MODE_FP_RARE : 0;
    struct tr_request rq = {.mode = mode, .page = page, .off = 0x40, .max_insns = n};
    struct tr_result rs;
    struct err e = {""};
    memcpy(page + rq.off, insns, 4 * n);
    a64_translate(&ir, &rq, &rs);
    if (!ir_verify(&ir, &e)) {
        fprintf(stderr, "%08x: %s\n", insns[0], e.msg);
        must(!"a well-formed trace");
    }
    struct one_used u = {0};
    for (unsigned i = 1; i < ir.nops; i++) {
        const struct ir_op *op = &ir.ops[i];
        if (op->op == IR_call && op->imm == H_undefined) {
            return false;
        }
        if (op->op == IR_get) {
            note(&u.x_in, &u.v_in, &u.nzcv_in, op->imm);
        } else if (op->op == IR_put) {
            note(&u.x_out, &u.v_out, &u.nzcv_out, op->imm);
        }
    }
    opt_run(&ir);
    load(cpu, st);
    enum ir_reason reason;
    must(interp_run(&ir, &cpu->vcpu, NULL, &reason) == INTERP_EXIT);
    must(cpu->vcpu.rt.pc == rq.off + 4 * n);
    store(cpu, st);
    if (used) {
        *used = u;
    }
    return true;
}

bool one_run(u32 insn, struct one_state *st, struct one_used *used)
{
    return several_run(&insn, 1, st, used);
}

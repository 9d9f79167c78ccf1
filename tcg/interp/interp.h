/* The IR interpreter: the oracle every pass and back end is compared with, and the engine on hosts without a back end.
 */
#ifndef MOSS_TCG_INTERP_INTERP_H
#define MOSS_TCG_INTERP_INTERP_H

#include "tcg/ir.h"
#include "tcg/rt.h"

/* Memory as the interpreter sees it: as rt_funcs, but without a host address: slots are home and rt.insn_off is set
 * when these are called, so a fault may be raised at once. It is reported by returning false, or by unwinding.
 *
 * load and store move raw bytes, lowest address first; `val` has room for two vectors, and holds mo_bytes(mo) bytes
 * (a pair lies there as it does in memory); byte order and sign are the interpreter's business. rmw and cas move
 * numbers: MO_BE is theirs (eval_rmw in tcg/eval.h does the arithmetic). Stores and atomics come with MO_STORE. */
struct interp_mem {
    bool (*load)(void *opaque, struct vcpu *cpu, u64 va, u32 mo, union v128 *val);
    bool (*store)(void *opaque, struct vcpu *cpu, u64 va, u32 mo, const union v128 *val);
    /* Atomic old = f(old): called with expected/new for cas, operand for rmw. */
    bool (*rmw)(void *opaque, struct vcpu *cpu, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old);
    bool (*cas)(void *opaque, struct vcpu *cpu, u64 va, u32 mo, u64 expected, u64 val, u64 *old);
    void *opaque;
    /* Calls a helper that is not HF_PURE with arguments for interp_call; NULL: interp_call itself. */
    u64 (*call)(void *opaque, const struct ir_helper *h, unsigned n, const u64 *arg);
};
u64 interp_call(void *fn, unsigned n, const u64 *arg);
enum interp_end { INTERP_EXIT, /* rt.pc holds the target */ INTERP_LOOP /* reason in *reason */, INTERP_FAULT };
/* Runs the trace on the CPU struct: slots are read from and written home, exactly as the guest would see them.
 * rt.page is the virtual page. */
enum interp_end interp_run(const struct ir *ir, struct vcpu *cpu, const struct interp_mem *mem, enum ir_reason *reason);
/* The same for a trace that lies elsewhere. */
struct ir_view {
    const struct ir_target *target;
    const struct ir_op *ops;
    const u64 *consts;
    unsigned nops;
    u32 start_off;
};
enum interp_end interp_run_view(const struct ir_view *ir, struct vcpu *cpu, const struct interp_mem *mem,
                                enum ir_reason *reason);

#endif

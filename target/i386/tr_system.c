/* What a program asks of the processor and of the system: system calls, software interrupts, identification, time,
 * random numbers, segment registers, barriers, cache lines (SDM volume 1, 7.3.16 to 7.3.18; volume 2). */
#include "target/i386/x86.h"

/* -- into the system ----------------------------------------------------------------------------------------------- */

static ir_ref next_pc(struct x86 *t)
{
    return ir_pc(t->ir, next_off(t));
}

/* vector: | X86_INT_OWN when it has an instruction of its own. */
static bool interrupt(struct x86 *t, unsigned vector)
{
    ir_call(t->ir, H_int, ir_const(t->ir, vector), next_pc(t), 0, 0);
    x86_exit_pc(t);
    return true;
}
bool tr_int(struct x86 *t)
{
    return interrupt(t, t->in.imm & 0xff);
}
bool tr_int3(struct x86 *t)
{
    return interrupt(t, EXC_BP | X86_INT_OWN);
}
bool tr_int1(struct x86 *t)
{
    return interrupt(t, EXC_DB | X86_INT_OWN);
}
bool tr_into(struct x86 *t)
{
    ir_exitf(t->ir, CC_VC, ir_get(t->ir, SLOT_FLAGS), next_off(t));
    return interrupt(t, EXC_OF | X86_INT_OWN);
}
bool tr_syscall(struct x86 *t)
{
    ir_call(t->ir, H_syscall, next_pc(t), 0, 0, 0);
    x86_exit_pc(t);
    return true;
}
bool tr_sysenter(struct x86 *t)
{
    ir_call(t->ir, H_sysenter, next_pc(t), 0, 0, 0);
    x86_exit_pc(t);
    return true;
}

/* Undefined by name. */
bool tr_ud0(struct x86 *t)
{
    (void)t;
    return false;
}
bool tr_ud1(struct x86 *t)
{
    return tr_ud0(t);
}
bool tr_ud2(struct x86 *t)
{
    return tr_ud0(t);
}

/* -- what the processor says --------------------------------------------------------------------------------------- */

bool tr_cpuid(struct x86 *t)
{
    ir_call(t->ir, H_cpuid, 0, 0, 0, 0);
    return true;
}

static void put_pair(struct x86 *t, ir_ref v)
{
    gpr_put(t, 0, 4, v);
    gpr_put(t, 2, 4, ir_shri(t->ir, IR_I64, v, 32));
}
bool tr_rdtsc(struct x86 *t)
{
    if (t->mode & MODE_TSD) {
        x86_raise(t, EXC_GP, 0);
    } else {
        put_pair(t, ir_call(t->ir, H_tsc, 0, 0, 0, 0));
    }
    return true;
}
bool tr_rdtscp(struct x86 *t)
{
    tr_rdtsc(t);
    if (t->flow != FLOW_END) {
        gpr_put(t, 1, 4, ir_call(t->ir, H_tsc_aux, 0, 0, 0, 0));
    }
    return true;
}
bool tr_rdpid(struct x86 *t)
{
    opd_put(t, 0, ir_call(t->ir, H_tsc_aux, 0, 0, 0, 0));
    return true;
}
/* A clock of the host, in user mode. */
bool tr_hostclock(struct x86 *t)
{
    opd_put(t, 0, ir_call(t->ir, H_hostclock, ir_const(t->ir, t->in.imm & 0xff), 0, 0, 0));
    return true;
}
bool tr_hostclock_pair(struct x86 *t) /* EDX:EAX */
{
    ir_ref ns = ir_call(t->ir, H_hostclock, ir_const(t->ir, t->in.imm & 0xff), 0, 0, 0);
    gpr_put(t, 0, 4, ns);
    gpr_put(t, 2, 4, ir_shri(t->ir, IR_I64, ns, 32));
    return true;
}
bool tr_xgetbv(struct x86 *t)
{
    put_pair(t, ir_call(t->ir, H_xcr, ir_get(t->ir, SLOT_RCX), 0, 0, 0));
    return true;
}

/* There is always a number ready: CF is 1, the other flags 0. */
bool tr_rdrand(struct x86 *t)
{
    opd_put(t, 0, ir_call(t->ir, H_random, 0, 0, 0, 0));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_pack(t->ir, ir_const(t->ir, FL_C)));
    return true;
}
bool tr_rdseed(struct x86 *t)
{
    return tr_rdrand(t);
}

/* -- segment registers --------------------------------------------------------------------------------------------- */

static unsigned sreg_of(const struct x86 *t, unsigned i)
{
    enum x86_place p = x86_opds[opd(t, i)].place;
    return p == PL_S ? t->in.reg : (unsigned)(p - PL_ES);
}
static ir_ref selector(struct x86 *t, unsigned seg)
{
    return ir_call(t->ir, H_seg_read, ir_const(t->ir, seg), 0, 0, 0);
}
static void load_selector(struct x86 *t, unsigned seg, ir_ref sel)
{
    ir_call(t->ir, H_seg_load, ir_const(t->ir, seg), ir_zext(t->ir, IR_I32, sel, 16), 0, 0);
}

bool tr_mov_from_sreg(struct x86 *t)
{
    if (t->in.reg > SEG_GS) {
        return false;
    }
    opd_put(t, 0, selector(t, t->in.reg));
    return true;
}
bool tr_push_sreg(struct x86 *t)
{
    unsigned n = t->in.opsize;
    x86_stack_store(t, -(i64)n, selector(t, sreg_of(t, 0)), n);
    x86_stack_move(t, -(i64)n);
    return true;
}
/* The mode may have changed behind them. */
bool tr_mov_to_sreg(struct x86 *t)
{
    if (t->in.reg > SEG_GS || t->in.reg == SEG_CS) {
        return false;
    }
    load_selector(t, t->in.reg | X86_SEG_MOVE, opd_get(t, 1));
    x86_leave(t);
    return true;
}
bool tr_pop_sreg(struct x86 *t)
{
    unsigned n = t->in.opsize;
    load_selector(t, sreg_of(t, 0) | X86_SEG_MOVE, x86_stack_load(t, 0, n));
    x86_stack_move(t, n);
    x86_leave(t);
    return true;
}

static bool base_read(struct x86 *t, unsigned seg)
{
    opd_put(t, 0, ir_call(t->ir, H_base_read, ir_const(t->ir, seg), 0, 0, 0));
    return true;
}
static bool base_write(struct x86 *t, unsigned seg)
{
    ir_ref v = opd_get(t, 0);
    v = t->in.opsize == 8 ? v : ir_zext(t->ir, IR_I64, v, 32);
    ir_call(t->ir, H_base_write, ir_const(t->ir, seg), v, 0, 0);
    return true;
}
bool tr_rdfsbase(struct x86 *t)
{
    return base_read(t, SEG_FS);
}
bool tr_rdgsbase(struct x86 *t)
{
    return base_read(t, SEG_GS);
}
bool tr_wrfsbase(struct x86 *t)
{
    return base_write(t, SEG_FS);
}
bool tr_wrgsbase(struct x86 *t)
{
    return base_write(t, SEG_GS);
}

/* -- order, and lines of caches ------------------------------------------------------------------------------------ */

bool tr_mfence(struct x86 *t)
{
    ir_fence(t->ir, FENCE_ALL);
    return true;
}
bool tr_lfence(struct x86 *t)
{
    (void)t;
    return true; /* loads keep their order as it is */
}
bool tr_sfence(struct x86 *t)
{
    (void)t;
    return true;
}
bool tr_pause(struct x86 *t)
{
    (void)t;
    return true;
}

/* There is no cache to write back: the address must be one that may be read. */
bool tr_clflush(struct x86 *t)
{
    ir_ref v = x86_load(t, x86_mem(t, 1, false), 1);
    (void)v;
    return true;
}
bool tr_clflushopt(struct x86 *t)
{
    return tr_clflush(t);
}
bool tr_clwb(struct x86 *t)
{
    return tr_clflush(t);
}

/* User mode: the threads of one program. No TLB: address a of the program is host address ram_base + a, the host's own
 * page tables refuse what is not mapped, and its signal is brought back to the instruction by the deopt map.
 *
 * A block's key is the program's address: a "RAM offset" is an address here. New code is announced (IC IVAU, mmap), or
 * pages that blocks were made from are kept from being written (accel_program.cover): a write then faults, the page's
 * blocks die, and it happens. If the writing block was one of them, the instruction is interpreted and the program goes
 * on behind it, so that it sees its own write at once (docs/decisions/self-modifying.md). The code cache is private
 * memory, writable and executable at one place, so that a child of fork has its own copy.
 *
 * The top byte of an address may be a tag that the access ignores (TBI). Code is made for addresses without: ram_base
 * and one with a tag make no address that the host has, and its fault is the sign to make these blocks again, which
 * then cut their addresses. So a program without tags pays nothing. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "accel/tcg/bytes.h"
#include "accel/tcg/tcg_priv.h"
#include "base/log.h"

#define PAGE_MASK (~(u64)(RAM_PAGE_SIZE - 1))

/* -- refused accesses ---------------------------------------------------------------------------------------------- */

/* The target records the trap as its own exception; what the host said goes beside it. */
NORETURN static void refuse(struct vcpu *cpu, enum cpu_fault kind, u64 va, enum mmu_access acc, int sig, int code)
{
    struct walk_result r = {.why = {0x07}}; /* "translation fault" in the target's words matters to logs only */
    cpu->target->fault(cpu, kind, va, acc, 1, 0, &r);
    cpu->trap.host_signal = sig;
    cpu->trap.host_code = code;
    cpu->sv->unwind(cpu);
}

static void state_home(struct tcpu *t, uintptr_t ra)
{
    struct vcpu *cpu = t->cpu;
    u32 off = cpu->rt.insn_off;
    if (ra) {
        struct block *b = code_at((const u8 *)ra);
        must(b);
        off = tcg.host->restore(cpu->target->ir, b->map, b->map_len, (u32)((const u8 *)ra - b->code), cpu);
    }
    cpu->rt.pc = cpu->rt.page + off;
}

#if defined(__x86_64__)
/* Registers as the host's signal frame has them, where a slow path would have saved them. */
static uintptr_t frame_registers(struct rt *rt, const ucontext_t *uc)
{
    static const int greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned i = 0; i < 16; i++) {
        rt->save_gpr[i] = (u64)uc->uc_mcontext.gregs[greg[i]];
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&rt->save_vec[i], &uc->uc_mcontext.fpregs->_xmm[i], 16);
    }
    rt->host_fp = uc->uc_mcontext.fpregs->mxcsr;
    return (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
}
/* The handler has an x87 of its own. It may be left behind, so it goes on with the one that was interrupted. */
static void frame_x87(const struct vcpu *cpu, const ucontext_t *uc)
{
    if (cpu->rt.x87_live) {
        u32 mxcsr;
        __asm__ volatile("stmxcsr %0\n\tfxrstor64 %1\n\tldmxcsr %0"
                         : "=m"(mxcsr)
                         : "m"(*(const u8(*)[512])uc->uc_mcontext.fpregs)
                         : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
                           "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    }
}
static bool was_write(const ucontext_t *uc)
{
    return uc->uc_mcontext.gregs[REG_ERR] & 2;
}
/* A non-canonical address has no page fault: si_addr is 0 then. */
static bool has_address(const ucontext_t *uc)
{
    return uc->uc_mcontext.gregs[REG_TRAPNO] == 14;
}
#elif defined(__aarch64__)
/* A record of the signal frame (asm/sigcontext.h), NULL: it is not there. */
static const void *frame_record(const ucontext_t *uc, u32 magic)
{
    const u8 *p = uc->uc_mcontext.__reserved, *end = p + sizeof(uc->uc_mcontext.__reserved);
    while (p + sizeof(struct _aarch64_ctx) <= end) {
        const struct _aarch64_ctx *h = (const void *)p;
        if (h->magic == magic) {
            return h;
        }
        if (h->size == 0) {
            return NULL;
        }
        p += h->size;
    }
    return NULL;
}
static uintptr_t frame_registers(struct rt *rt, const ucontext_t *uc)
{
    const struct fpsimd_context *fp = frame_record(uc, FPSIMD_MAGIC);
    for (unsigned i = 0; i < 31; i++) {
        rt->save_gpr[i] = uc->uc_mcontext.regs[i];
    }
    if (fp) {
        memcpy(rt->save_vec, fp->vregs, sizeof(rt->save_vec));
        rt->host_fp = (fp->fpcr & 0x07c00000) | (fp->fpsr & 0xff);
    }
    return uc->uc_mcontext.pc;
}
/* ESR's class and WnR; no record: it was no abort of data. */
static u64 frame_esr(const ucontext_t *uc)
{
    const struct esr_context *e = frame_record(uc, ESR_MAGIC);
    return e ? e->esr : 0;
}
static bool is_data_abort(u64 esr)
{
    return (esr >> 26 & 0x3e) == 0x24;
}
static bool was_write(const ucontext_t *uc)
{
    u64 esr = frame_esr(uc);
    return is_data_abort(esr) && (esr & 1 << 6);
}
static bool has_address(const ucontext_t *uc UNUSED)
{
    return true;
}
#else
static uintptr_t frame_registers(struct rt *rt UNUSED, const ucontext_t *uc UNUSED)
{
    return 0;
}
static bool was_write(const ucontext_t *uc UNUSED)
{
    return false;
}
static bool has_address(const ucontext_t *uc UNUSED)
{
    return true;
}
#endif

#ifndef __x86_64__
static void frame_x87(const struct vcpu *cpu UNUSED, const ucontext_t *uc UNUSED)
{
}
#endif

/* The handler is left behind. */
static void leave_handler(struct vcpu *cpu, const ucontext_t *uc)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &uc->uc_sigmask, NULL, 8);
    cpu->sv->unwind(cpu);
}

/* Does not return when that was it. */
static void refuse_misaligned(struct vcpu *cpu, uintptr_t pc, const ucontext_t *uc)
{
    u64 at;
    if (has_address(uc) || !tcg.host->misaligned) {
        return;
    }
    enum host_access a = tcg.host->misaligned((const u8 *)pc, &cpu->rt, &at);
    if (a != HOST_NO_ACCESS) {
        at -= (u64)(uintptr_t)ram_base;
        refuse(cpu, FAULT_ALIGN, at, a == HOST_STORE ? MMU_STORE : MMU_LOAD, SIGBUS, BUS_ADRALN);
    }
}

/* A fault that an address with a tag may have been. Goes on with the instruction in a block that cuts addresses;
 * returns when this was one. */
static void try_tagged(struct vcpu *cpu, const struct block *b, const ucontext_t *uc)
{
    if (!tcg.program.tags || has_address(uc) || b->tagged) {
        return;
    }
    code_tag(cpu->rt.pc);
    leave_handler(cpu, uc);
}

/* A write to a page that blocks were made from. */
static bool write_to_code(struct tcpu *t, u64 addr, const ucontext_t *uc)
{
    struct vcpu *cpu = t->cpu;
    u64 page = addr & PAGE_MASK;
    if (!tcg.program.uncover || !was_write(uc) || addr >= ram_window_size() || !tcg.program.uncover(page)) {
        return false;
    }
    code_written(page, RAM_PAGE_SIZE);
    if (!t->running || t->copying) {
        return true;
    }
    struct rt probe = {0};
    uintptr_t pc = frame_registers(&probe, uc);
    const struct block *b = tcg.host ? code_at((const u8 *)pc) : NULL;
    u64 own = b ? b->ram_off & PAGE_MASK : cpu->rt.page;
    if (page != own && page != own + RAM_PAGE_SIZE) { /* no block reaches further */
        return true;
    }
    if (b) {
        frame_registers(&cpu->rt, uc);
        cpu->rt.ret_sp = 0;
        state_home(t, pc);
    } else {
        cpu->rt.pc = cpu->rt.page + cpu->rt.insn_off;
    }
    t->step = true;
    leave_handler(cpu, uc);
    return true;
}

static bool user_host_fault(struct vcpu *cpu, int sig, void *siginfo, void *ucontext)
{
    struct tcpu *t = tcpu_of(cpu);
    const siginfo_t *si = siginfo;
    const ucontext_t *uc = ucontext;
    u64 none = tcg.program.tags ? ~0ull : 1ull << 63; /* one that is canonical nowhere */
    u64 addr = has_address(uc) ? (u64)(uintptr_t)si->si_addr - (u64)(uintptr_t)ram_base : none;
    frame_x87(cpu, uc);
    if (sig == SIGSEGV && write_to_code(t, addr, uc)) {
        return true;
    }
    if (!t->running) {
        return false;
    }
    if (t->copying) {
        t->copying = false;
        t->copy_signal = sig;
        t->copy_code = si->si_code;
        longjmp(t->copy_failed, 1);
    }
    struct rt probe = {0};
    uintptr_t pc = frame_registers(&probe, uc);
    const struct block *b = tcg.host ? code_at((const u8 *)pc) : NULL;
    if (b) {
        frame_registers(&cpu->rt, uc);
        cpu->rt.ret_sp = 0; /* may name what this handler's frame lies on */
        state_home(t, pc);
        refuse_misaligned(cpu, pc, uc);
        try_tagged(cpu, b, uc);
    } else if (addr < ram_window_size()) { /* a helper's, or the interpreter's: slots are home */
        cpu->rt.pc = cpu->rt.page + cpu->rt.insn_off;
    } else {
        return false;
    }
    refuse(cpu, sig == SIGBUS && si->si_code == BUS_ADRALN ? FAULT_ALIGN : FAULT_TRANSLATION, addr,
           was_write(uc) ? MMU_STORE : MMU_LOAD, sig, has_address(uc) ? si->si_code : SEGV_MAPERR);
}

/* -- what translated code calls: accesses that are misaligned for what they ask; and the interpreter's ------------- */

static void check_align(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    if (va & MASK((mo & MO_ALIGN) >> MO_ALIGN_SHIFT)) {
        state_home(tcpu_of(cpu), ra);
        refuse(cpu, FAULT_ALIGN, va, mo & MO_STORE ? MMU_STORE : MMU_LOAD, SIGBUS, BUS_ADRALN);
    }
}
/* Addresses that no window has are refused at once: what the host would say of them is not known to be ours. */
static u8 *in_window(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc)
{
    u64 size = ram_window_size();
    va &= tcg.program.tags ? MASK(TAG_SHIFT) : ~0ull;
    if (unlikely(va >= size || size - va < n)) {
        state_home(tcpu_of(cpu), 0);
        refuse(cpu, FAULT_TRANSLATION, va, acc, SIGSEGV, SEGV_MAPERR);
    }
    return ram_base + va;
}

static u64 user_load(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    check_align(cpu, va, mo, ra);
    must(!"translated code does what is aligned by itself");
}
static void user_store(struct vcpu *cpu, u64 va, u64 val UNUSED, u32 mo, uintptr_t ra)
{
    check_align(cpu, va, mo, ra);
    must(!"translated code does what is aligned by itself");
}
static void *user_atomic_ptr(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    check_align(cpu, va, mo, ra);
    must(!ra); /* translated code does what is aligned by itself */
    return in_window(cpu, va, mo_bytes(mo), MMU_STORE);
}

static const struct rt_funcs user_funcs = {
    .load = user_load,
    .store = user_store,
    .atomic_ptr = user_atomic_ptr,
    .lookup = rt_lookup,
};

static bool user_interp_load(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, union v128 *val)
{
    check_align(cpu, va, mo, 0);
    bytes_load((u8 *)val, in_window(cpu, va, mo_bytes(mo), MMU_LOAD), mo_bytes(mo));
    return true;
}
static bool user_interp_store(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, const union v128 *val)
{
    check_align(cpu, va, mo, 0);
    bytes_store(in_window(cpu, va, mo_bytes(mo), MMU_STORE), (const u8 *)val, mo_bytes(mo));
    return true;
}
static struct interp_mem user_interp_mem = {.load = user_interp_load, .store = user_interp_store};

/* -- services ------------------------------------------------------------------------------------------------------ */

static void no_flush(struct vcpu *cpu UNUSED, const struct tlb_flush *f UNUSED)
{
}
static void context_same(struct vcpu *cpu)
{
    tlb_mode_changed(cpu);
}
static void user_sv_load(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view UNUSED)
{
    bytes_load(p, in_window(cpu, va, n, MMU_LOAD), n);
}
static void user_sv_store(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view UNUSED)
{
    bytes_store(in_window(cpu, va, n, MMU_STORE), p, n);
}
/* The caller's access through the pointer faults as any other. */
static void *user_sv_probe(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc, unsigned view UNUSED)
{
    return in_window(cpu, va, n, acc);
}
static bool user_is_device(struct vcpu *cpu UNUSED, u64 va UNUSED, enum mmu_access acc UNUSED, unsigned view UNUSED)
{
    return false;
}
static u64 user_helper_pc(struct vcpu *cpu)
{
    return cpu->rt.page + cpu->rt.insn_off;
}
static void user_code_sync(struct vcpu *cpu UNUSED, u64 va, u64 n)
{
    accel_tcg_user.code_changed(va, n);
}
static int user_page_note(struct vcpu *cpu UNUSED, u64 va)
{
    return va < ram_window_size() ? tcg.program.page_note(va) : -1;
}
/* The block that calls, at its first instruction. */
NORETURN static void user_code_stale(struct vcpu *cpu)
{
    cpu->rt.pc = user_helper_pc(cpu);
    code_written(cpu->rt.pc, 1);
    cpu->sv->unwind(cpu);
}
static void no_power(struct vcpu *cpu UNUSED)
{
}

static const struct cpu_services user_services = {
    .tlb_flush = no_flush,
    .context_changed = context_same,
    .mode_changed = tlb_mode_changed,
    .unwind = sv_unwind,
    .helper_pc = user_helper_pc,
    .load = user_sv_load,
    .store = user_sv_store,
    .is_device = user_is_device,
    .probe = user_sv_probe,
    .peek_code = sv_peek_code,
    .load_exclusive = sv_load_exclusive,
    .store_exclusive = sv_store_exclusive,
    .cas128 = sv_cas128,
    .code_sync = user_code_sync,
    .code_stale = user_code_stale,
    .page_note = user_page_note,
    .power_on = no_power,
    .power_off = no_power,
};

/* -- set-up -------------------------------------------------------------------------------------------------------- */

static bool user_init(const struct accel_config *cfg, const struct accel_program *p, struct err *e)
{
    tcg.program = *p;
    tcg.funcs = &user_funcs;
    user_interp_mem.rmw = tcg_interp_mem.rmw;
    user_interp_mem.cas = tcg_interp_mem.cas;
    tcg.interp_mem = &user_interp_mem;
    tcg.direct = true;
    return tcg_init(cfg, NULL, e);
}

/* The first thread's, once the window is there. */
static void set_base(void)
{
    static bool done;
    if (!done) {
        done = true;
        tcg.addressed = tcg.host && tcg.host->set_base && tcg.host->set_base(ram_base);
    }
}

static bool user_add(struct vcpu *cpu, struct err *e)
{
    set_base();
    if (!tcg_add(cpu, e)) {
        return false;
    }
    cpu->sv = &user_services;
    for (unsigned v = 0; v < RT_VIEWS; v++) {
        cpu->rt.tlb[v] = (struct tlb_entry *)(void *)ram_base; /* what the back end keeps in a register */
    }
    return true;
}

static void user_remove(struct vcpu *cpu)
{
    tcg_remove(tcpu_of(cpu));
}

static void user_run(struct vcpu *cpu)
{
    struct tcpu *t = tcpu_of(cpu);
    cpu->trap.kind = UTRAP_NONE;
    cpu_run_begin(t);
    bool unwound = setjmp(t->unwind);
    cpu->rt.ret_sp = 0;
    if (!unwound || cpu->trap.kind == UTRAP_NONE) {
        for (;;) {
            u32 ev = __atomic_load_n(&cpu->rt.event, __ATOMIC_ACQUIRE);
            if (unlikely(ev)) {
                if (ev & EVENT_WORK) {
                    __atomic_fetch_and(&cpu->rt.event, ~(u32)EVENT_WORK, __ATOMIC_SEQ_CST);
                    cpu_run_end(t);
                    cpu_run_begin(t);
                }
                if (ev & EVENT_TARGET && cpu->trap.kind == UTRAP_NONE) { /* the target's own wish */
                    __atomic_fetch_and(&cpu->rt.event, ~(u32)EVENT_TARGET, __ATOMIC_SEQ_CST);
                    cpu->target->interrupt(cpu);
                    ev &= ~(u32)EVENT_TARGET;
                }
                if (ev & ~(u32)EVENT_WORK) {
                    break;
                }
            }
            cpu->halted = false; /* a wait for an interrupt is over at once: there are none */
            if (unlikely(t->step)) {
                t->step = false;
                code_step(t);
            } else {
                cpu_run_blocks(t);
            }
        }
    }
    if (unlikely(__atomic_load_n(&cpu->rt.event, __ATOMIC_RELAXED))) { /* what comes later ends the next run at once */
        __atomic_fetch_and(&cpu->rt.event, ~(u32)(EVENT_TARGET | EVENT_IRQ), __ATOMIC_SEQ_CST);
    }
    cpu_run_end(t);
}

static void user_code_changed(u64 va, u64 n)
{
    u64 size = ram_window_size();
    if (va >= size) {
        return;
    }
    if (tcg.saves) {
        saved_unmap(va, n);
    }
    code_written(va, MIN(n, size - va));
}

/* -- fork: the child has this thread and no other ------------------------------------------------------------------ */

static void user_fork_begin(void)
{
    pthread_mutex_lock(&tcg.lock);
    pthread_mutex_lock(&tcg.run_lock);
    log_lock();
}

static void user_fork_end(struct vcpu *cpu, bool child)
{
    struct tcpu *t = tcpu_of(cpu);
    if (child) {
        for (unsigned i = 0; i < tcg.ncpus; i++) {
            tcg.cpus[i] = i == 0 ? t : NULL;
        }
        tcg.ncpus = 1;
        tcg.exclusive = NULL;
        saved_forget(); /* what its parent made is its parent's to save */
        tcg.watchers = 0;
        held_update();
        pthread_cond_init(&tcg.run_cond, NULL);
        log_forked();
    } else {
        log_unlock();
    }
    pthread_mutex_unlock(&tcg.run_lock);
    pthread_mutex_unlock(&tcg.lock);
}

const struct accel_user accel_tcg_user = {
    .init = user_init,
    .add = user_add,
    .remove = user_remove,
    .run = user_run,
    .host_fault = user_host_fault,
    .keep_code = saved_init,
    .code_file = saved_map_file,
    .save_code = saved_store,
    .code_changed = user_code_changed,
    .fork_begin = user_fork_begin,
    .fork_end = user_fork_end,
};

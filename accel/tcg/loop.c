/* A vcpu's loop: events, then translated code until something leaves it. */
#include <sched.h>
#include <string.h>
#include <time.h>

#include "accel/tcg/tcg_priv.h"
#include "base/clock.h"
#include "base/log.h"

#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))

/* Sleeps until there is something to do. */
static void sleep_halted(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    code_cache_rest();
    pthread_mutex_lock(&tcg.run_lock);
    mark_safe(t);
    __atomic_store_n(&t->sleeping, true, __ATOMIC_SEQ_CST);
    while (!t->stop && !t->work && !(__atomic_load_n(&cpu->rt.event, __ATOMIC_SEQ_CST) & EVENT_WORK) &&
           (cpu->powered_off || (cpu->halted && !cpu->target->has_work(cpu)))) {
        pthread_cond_wait(&t->wake, &tcg.run_lock);
    }
    __atomic_store_n(&t->sleeping, false, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&tcg.run_lock);
    cpu_run_begin(t);
    if (!cpu->powered_off && cpu->target->has_work(cpu)) {
        cpu->halted = false;
    }
}

/* A short wait for what no event tells (WFE): other threads may run; the cpu sleeps once it came here often. Any
 * wake-up ends it. */
static void pause_short(struct tcpu *t)
{
    enum { RECENT_NS = 200000, YIELDS = 16 };
    u64 ns = t->cpu->pause_ns, now = clock_now(CLOCK_HOST), end = now + ns;
    t->cpu->pause_ns = 0;
    t->pauses = now - t->paused_at < RECENT_NS ? t->pauses + 1 : 0;
    t->paused_at = now;
    if (t->pauses < YIELDS || __atomic_load_n(&t->cpu->rt.event, __ATOMIC_ACQUIRE)) {
        sched_yield();
        return;
    }
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000u), .tv_nsec = (long)(end % 1000000000u)};
    pthread_mutex_lock(&tcg.run_lock);
    mark_safe(t);
    __atomic_store_n(&t->sleeping, true, __ATOMIC_SEQ_CST);
    if (!t->stop && !t->work && !__atomic_load_n(&t->cpu->rt.event, __ATOMIC_SEQ_CST)) {
        pthread_cond_clockwait(&t->wake, &tcg.run_lock, CLOCK_MONOTONIC, &until);
    }
    __atomic_store_n(&t->sleeping, false, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&tcg.run_lock);
    cpu_run_begin(t);
    t->paused_at = clock_now(CLOCK_HOST);
}

/* True when the cpu may run translated code now. */
static bool handle_events(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    verify_stale(t);
    u32 ev = __atomic_exchange_n(&cpu->rt.event, 0, __ATOMIC_SEQ_CST);
    if (ev & EVENT_WORK) {
        cpu_run_end(t);
        cpu_run_begin(t);
        tlb_grow(t);
    }
    if (cpu->halted || cpu->powered_off) {
        if (cpu->powered_off || !cpu->target->has_work(cpu)) {
            sleep_halted(t);
            return false;
        }
        cpu->halted = false;
    }
    if (ev & (EVENT_IRQ | EVENT_TARGET)) {
        cpu->target->interrupt(cpu);
    }
    return !cpu->halted; /* it may have told the cpu to wait */
}

static void log_exec(struct tcpu *t, const struct block *b)
{
    if (!log_in_filter(t->cpu->rt.pc)) {
        return;
    }
    if (log_on(LOG_EXEC)) {
        log_print("Trace %u: %p [%016llx/%016llx]\n", t->cpu->index, (const void *)b->code,
                  (unsigned long long)t->cpu->rt.pc, (unsigned long long)b->mode);
    }
    if (log_on(LOG_CPU) && t->cpu->target->print) {
        struct buf text = {0};
        t->cpu->target->print(t->cpu, false, &text);
        log_print("%s\n", (char *)text.data);
        buf_free(&text);
    }
}

void code_care(struct tcpu *t)
{
    u64 was = t->mode;
    tlb_mode_changed(t->cpu);
    if (t->mode == was) {
        t->cpu->target->careful(t->cpu);
    }
}

static void run_interp(struct tcpu *t, struct block *b)
{
    enum ir_reason why = REASON_NONE;
    t->cpu->rt.page = t->cpu->rt.pc & PAGE_MASK;
    trace_run(b->trace, t->cpu, tcg.interp_mem, &why);
    if (why == REASON_CARE) {
        code_care(t);
    }
    fix_pc(t->cpu, t->cpu->target);
}

void exit_link(u32 arg, struct block *to)
{
    struct block *from = tcg.by_id[arg >> 3];
    bool whole = tcg.cfg.verify && !tcg.cfg.verify_runs;
    if (from && !from->dead && !block_is_of_pc(to) && !tcg.cfg.no_chain && (whole || verify_done(to))) {
        struct block_exit *x = &from->exits[arg & 7];
        /* The place and mode that the exit was made for, or it is no link. */
        if (x->patch_off && to->mode == from->mode && to->ram_off == exit_target(x)) {
            pthread_mutex_lock(&tcg.lock);
            code_link(x, to);
            pthread_mutex_unlock(&tcg.lock);
        }
    }
}

/* Follows a direct exit that is not linked yet: finds its target, links, and gives the block to go on with. */
static struct block *follow_exit(struct tcpu *t, u32 arg)
{
    struct block *to = code_for_pc(t);
    if (to) {
        exit_link(arg, to);
    }
    return to;
}

u64 code_enter(struct vcpu *cpu, const u8 *code)
{
    u64 token = ((u64(*)(struct vcpu *, const void *))(uintptr_t)tcg.thunks.enter)(cpu, code);
    if (tcg.host->settle) {
        tcg.host->settle(cpu->target->ir, cpu);
    }
    if (token == (TOKEN_REASON | REASON_CARE << 3) && cpu == tcpu_of(cpu)->cpu) { /* a verifying run's comes later */
        code_care(tcpu_of(cpu));
    }
    return token;
}

/* User mode enters once a system call, mostly where it has been before: the jump cache knows. An entry that leads to a
 * block that died goes. */
static void run_direct(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    u64 pc = cpu->rt.pc, gen = __atomic_load_n(&t->flush_gen, __ATOMIC_SEQ_CST);
    const u8 *code = cpu->rt.jc[jc_index(pc)].code;
    if (cpu->rt.jc[jc_index(pc)].pc != pc) {
        struct block *b = code_for_pc(t);
        if (!b) {
            return;
        }
        code = b->code;
        jc_fill(t, pc, code, gen);
    }
    while (code) {
        cpu->rt.page = cpu->rt.pc & PAGE_MASK;
        u64 token = code_enter(cpu, code);
        code = NULL;
        if (TOKEN_KIND(token) == TOKEN_EXIT && !__atomic_load_n(&cpu->rt.event, __ATOMIC_ACQUIRE)) {
            struct block *b = follow_exit(t, TOKEN_ARG(token));
            code = b ? b->code : NULL;
        } else if (token == (TOKEN_REASON | REASON_RETRANSLATE << 3)) {
            jc_clear(cpu->rt.jc, jc_index(cpu->rt.pc), 1);
        }
    }
}

void cpu_run_blocks(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    if (tcg.direct && tcg.host && !tcg.cfg.no_chain && !log_on(LOG_EXEC | LOG_CPU)) {
        run_direct(t);
        return;
    }
    hostile_act(t);
    struct block *b = code_for_pc(t);
    if (!b) {
        verify_stale(t); /* an exception */
    }
    while (b) {
        if (log_on(LOG_EXEC | LOG_CPU)) {
            log_exec(t, b);
        }
        if (!tcg.host) {
            run_interp(t, b);
            break;
        }
        cpu->rt.page = cpu->rt.pc & PAGE_MASK;
        if (!verify_done(b)) {
            verify_run(t);
            break;
        }
        verify_stale(t);
        if (!block_is_of_pc(b)) {
            code_remember(t, b);
        }
        u64 token = code_enter(cpu, b->code);
        b = NULL;
        if (TOKEN_KIND(token) == TOKEN_EXIT && !__atomic_load_n(&cpu->rt.event, __ATOMIC_ACQUIRE)) {
            b = follow_exit(t, TOKEN_ARG(token));
        }
    }
}

void cpu_exec(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    setjmp(t->unwind);
    verify_stale(t);
    cpu->rt.ret_sp = 0; /* what it names is gone from the stack */
    while (!__atomic_load_n(&t->stop, __ATOMIC_RELAXED)) {
        if (unlikely(__atomic_load_n(&cpu->rt.event, __ATOMIC_ACQUIRE) || cpu->halted || cpu->powered_off) &&
            !handle_events(t)) {
            continue;
        }
        if (unlikely(t->step)) {
            t->step = false;
            code_step(t);
            continue;
        }
        cpu_run_blocks(t);
        if (unlikely(cpu->pause_ns)) {
            pause_short(t);
        }
    }
}

/* The generic timer (DDI 0487, D11): one counter, five timers on it, their output pins.
 *
 * The counter is CLOCK_VIRTUAL scaled to CNTFRQ. A timer's control and compare value are written by its vcpu's thread
 * and read by the clock's callback on the main thread; nobody locks them. Whoever sees a reason recomputes all of the
 * timer (level and next deadline) from what it finds, and does it again when `seq` moved meanwhile: so the last write
 * always has the last word. The output pin changes under the machine lock.
 *
 * Event streams are no timers: a WFE asks how long it may wait (arm_event_stream_wait).
 *
 * Not modelled: counter offsets of FEAT_ECV, the memory-mapped frames. */
#include "target/arm/timer.h"

#include "base/lock.h"
#include "target/arm/sysreg.h"

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

#define NS_PER_S 1000000000ull

static u64 ticks_of(const struct arm_cpu *cpu, u64 ns)
{
    if (NS_PER_S % cpu->cntfrq == 0) {
        return ns / (NS_PER_S / cpu->cntfrq);
    }
    return (u64)((u128)ns * cpu->cntfrq / NS_PER_S);
}

/* The first moment at which the counter has reached `ticks`; ~0: beyond the clock's reach. */
static u64 ns_of(const struct arm_cpu *cpu, u64 ticks)
{
    u128 ns = ((u128)ticks * NS_PER_S + cpu->cntfrq - 1) / cpu->cntfrq;
    return ns >= ~0ull ? ~0ull : (u64)ns;
}

u64 arm_counter(const struct arm_cpu *cpu)
{
    return ticks_of(cpu, clock_now(CLOCK_VIRTUAL));
}

static u64 offset_of(const struct arm_gtimer *t)
{
    const struct arm_cpu *cpu = t->cpu;
    return t == &cpu->gt[ARM_TIMER_VIRT] && arm_sys(cpu, SYS_EL2)
               ? __atomic_load_n(&cpu->sr.CNTVOFF_EL2, __ATOMIC_RELAXED)
               : 0;
}

static bool condition(struct arm_gtimer *t)
{
    return arm_counter(t->cpu) - offset_of(t) >= t->cval;
}

/* When the condition, false when the counter stood at `count`, becomes true. All arithmetic on counters is modulo 2^64,
 * the clock's is not. */
static u64 deadline_of(struct arm_gtimer *t, u64 count)
{
    u64 ticks = t->cval + offset_of(t);
    return ticks > count ? ns_of(t->cpu, ticks) : ~0ull;
}

/* The level is computed once more under the lock: two that see a reason at once may come here in any order. */
static void out_update(struct arm_gtimer *t)
{
    bool locked = machine_locked();
    if (!locked) {
        machine_lock();
    }
    int level = (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE && condition(t);
    if (level != atomic_load(&t->level)) {
        atomic_store(&t->level, level);
        irq_set(&t->out, level);
    }
    if (!locked) {
        machine_unlock();
    }
}

static void timer_eval(struct arm_gtimer *t)
{
    unsigned seq;
    if (!t->out.fn) {
        return;
    }
    do {
        seq = atomic_load(&t->seq);
        u64 ctl = t->ctl, count = arm_counter(t->cpu); /* one look: the deadline of what is not met then */
        bool met = ctl & CTL_ENABLE && count - offset_of(t) >= t->cval;
        int level = met && !(ctl & CTL_IMASK);
        timer_set(&t->timer, ctl & CTL_ENABLE && !met ? deadline_of(t, count) : ~0ull);
        if (level != atomic_load(&t->level)) {
            out_update(t);
        }
    } while (seq != atomic_load(&t->seq));
}

static void timer_due(void *opaque)
{
    timer_eval(opaque);
}

static void timer_changed(struct arm_gtimer *t)
{
    atomic_fetch_add(&t->seq, 1);
    timer_eval(t);
}

/* -- event streams: an edge of one bit of the counter is an event -------------------------------------------------- */

enum { EVNTEN = 1 << 2, EVNTDIR = 1 << 3, EVNTI_SHIFT = 4 };

static u64 stream_wait(const struct arm_cpu *cpu, u64 ctl, u64 count)
{
    if (!(ctl & EVNTEN)) {
        return ~0ull;
    }
    unsigned i = (unsigned)(ctl >> EVNTI_SHIFT) & 15;
    u64 edge = ctl & EVNTDIR ? 0 : BIT(i); /* of the bits up to i */
    u64 ticks = ((edge - count - 1) & MASK(i + 1)) + 1;
    return ns_of(cpu, ticks);
}

u64 arm_event_stream_wait(const struct arm_cpu *cpu)
{
    u64 count = arm_counter(cpu);
    u64 el1 = stream_wait(cpu, cpu->sr.CNTKCTL_EL1, count - offset_of(&cpu->gt[ARM_TIMER_VIRT]));
    u64 el2 = arm_sys(cpu, SYS_EL2) ? stream_wait(cpu, cpu->sr.CNTHCTL_EL2, count) : ~0ull;
    return MIN(el1, el2);
}

/* -- life -------------------------------------------------------------------------------------------------------- */

void arm_timers_init(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < ARM_TIMERS; i++) {
        struct arm_gtimer *t = &cpu->gt[i];
        t->cpu = cpu;
        timer_init(&t->timer, CLOCK_VIRTUAL, timer_due, t);
    }
}

void arm_timers_reset(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < ARM_TIMERS; i++) {
        cpu->gt[i].ctl = 0;
        cpu->gt[i].cval = 0;
        timer_changed(&cpu->gt[i]);
    }
}

void arm_timers_update(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < ARM_TIMERS; i++) {
        timer_changed(&cpu->gt[i]);
    }
}

void arm_set_timer_out(struct vcpu *v, enum arm_timer t, struct irq out)
{
    arm_cpu(v)->gt[t].out = out;
}

/* -- registers: r->arg is the timer ------------------------------------------------------------------------------- */

u64 cntpct_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return arm_counter(cpu);
}

u64 cntvct_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    bool host = (cpu->el == 2 && cpu->hcr & HCR_E2H) || (cpu->el == 0 && arm_host_el0(cpu));
    (void)r;
    return arm_counter(cpu) - (host ? 0 : offset_of(&cpu->gt[ARM_TIMER_VIRT]));
}

u64 ctl_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    struct arm_gtimer *t = &cpu->gt[r->arg];
    u64 ctl = t->ctl;
    return ctl | (ctl & CTL_ENABLE && condition(t) ? CTL_ISTATUS : 0);
}

void ctl_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    struct arm_gtimer *t = &cpu->gt[r->arg];
    t->ctl = v & (CTL_ENABLE | CTL_IMASK);
    timer_changed(t);
}

u64 cval_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    return cpu->gt[r->arg].cval;
}

void cval_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    struct arm_gtimer *t = &cpu->gt[r->arg];
    t->cval = v;
    timer_changed(t);
}

u64 tval_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    struct arm_gtimer *t = &cpu->gt[r->arg];
    return (u32)(t->cval - (arm_counter(cpu) - offset_of(t)));
}

void tval_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    struct arm_gtimer *t = &cpu->gt[r->arg];
    t->cval = arm_counter(cpu) - offset_of(t) + (u64)(i64)(i32)v;
    timer_changed(t);
}

void cntvoff_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    __atomic_store_n(&cpu->sr.CNTVOFF_EL2, v, __ATOMIC_RELAXED);
    timer_changed(&cpu->gt[ARM_TIMER_VIRT]);
}

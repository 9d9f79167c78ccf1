/* Performance monitors, PMUv3 (DDI 0487, chapter D12), without counted instructions: the CPU is taken to run at 1 GHz
 * of virtual time and to retire an instruction a cycle. Events: SW_INCR, INST_RETIRED, CPU_CYCLES, CHAIN.
 *
 * Counters hold their value of the moment `pmu_last`; pmu_sync brings them up to date. That happens at accesses, and at
 * changes of level while a counter is filtered by level. A clock callback foresees the next overflow and makes the
 * vcpu look (EVENT_TARGET), so counters belong to the vcpu's thread alone. Not modelled: counting stands still in WFI
 * on hardware; PMCR_EL0.X. */
#include "base/lock.h"
#include "target/arm/exceptions.h"
#include "target/arm/sysreg.h"
#include "target/arm/timer.h"

enum {
    PMCR_E = 1 << 0,
    PMCR_P = 1 << 1,
    PMCR_C = 1 << 2,
    PMCR_D = 1 << 3,
    PMCR_X = 1 << 4,
    PMCR_DP = 1 << 5,
    PMCR_LC = 1 << 6,
};
enum { EVENT_SW_INCR = 0, EVENT_INST_RETIRED = 8, EVENT_CPU_CYCLES = 0x11, EVENT_CHAIN = 0x1e };
#define CYCLE      BIT(31)
#define COUNTERS   (CYCLE | MASK(ARM_PMEVS))
#define FILTER_P   BIT(31)
#define FILTER_U   BIT(30)
#define FILTER_NSK BIT(29)
#define FILTER_NSU BIT(28)
#define FILTER_NSH BIT(27)
#define FILTER_M   BIT(26)
#define MDCR2_HPMD BIT(17)
#define MDCR3_SPME BIT(17)

/* -- what counts now ---------------------------------------------------------------------------------------------- */

/* Counters from MDCR_EL2.HPMN on are EL2's. */
static bool is_hyp_counter(const struct arm_cpu *cpu, unsigned n)
{
    return arm_sys(cpu, SYS_EL2) && n != 31 && n >= (cpu->sr.MDCR_EL2 & 31);
}

static bool filtered_out(const struct arm_cpu *cpu, u64 filter)
{
    bool p = filter & FILTER_P, u = filter & FILTER_U, secure = arm_secure(cpu) || !arm_sys(cpu, SYS_EL3);
    switch (cpu->el) {
    case 0:
        return secure ? u : u != !!(filter & FILTER_NSU);
    case 1:
        return secure ? p : p != !!(filter & FILTER_NSK);
    case 2:
        return !(filter & FILTER_NSH);
    default:
        return p != !!(filter & FILTER_M);
    }
}

static u64 filter_of(const struct arm_cpu *cpu, unsigned n)
{
    return n == 31 ? cpu->sr.PMCCFILTR_EL0 : cpu->pmevtyper[n];
}

static bool enabled(const struct arm_cpu *cpu, unsigned n)
{
    bool e = is_hyp_counter(cpu, n) ? cpu->sr.MDCR_EL2 & MDCR_HPME : cpu->sr.PMCR_EL0 & PMCR_E;
    return e && cpu->sr.PMCNTENSET_EL0 >> n & 1;
}

static bool counts_time(const struct arm_cpu *cpu, unsigned n)
{
    u64 event = cpu->pmevtyper[n < ARM_PMEVS ? n : 0] & 0xffff;
    return n == 31 || event == EVENT_INST_RETIRED || event == EVENT_CPU_CYCLES;
}

/* MDCR_EL2.HPMD keeps EL2, and MDCR_EL3.SPME (0) the Secure state, out of the counts; of the cycle counter if PMCR.DP.
 */
static bool prohibited(const struct arm_cpu *cpu, unsigned n)
{
    if (n == 31 && !(cpu->sr.PMCR_EL0 & PMCR_DP)) {
        return false;
    }
    bool secure = arm_sys(cpu, SYS_EL3) && arm_secure(cpu) && !(cpu->sr.MDCR_EL3 & MDCR3_SPME);
    bool hyp = cpu->el == 2 && cpu->sr.MDCR_EL2 & MDCR2_HPMD && !is_hyp_counter(cpu, n);
    return secure || hyp;
}

static bool counting(const struct arm_cpu *cpu, unsigned n)
{
    if (prohibited(cpu, n)) {
        return false;
    }
    return enabled(cpu, n) && counts_time(cpu, n) && !filtered_out(cpu, filter_of(cpu, n));
}

/* -- counting ---------------------------------------------------------------------------------------------------- */

static void irq_update(struct arm_cpu *cpu)
{
    u64 on = cpu->sr.PMOVSSET_EL0 & cpu->sr.PMINTENSET_EL1;
    u64 hyp = 0;
    for (unsigned n = 0; n < ARM_PMEVS; n++) {
        hyp |= is_hyp_counter(cpu, n) ? BIT(n) : 0;
    }
    int level = (on & ~hyp && cpu->sr.PMCR_EL0 & PMCR_E) || (on & hyp && cpu->sr.MDCR_EL2 & MDCR_HPME);
    if (level == atomic_load(&cpu->pmu_level)) {
        return;
    }
    bool locked = machine_locked();
    if (!locked) {
        machine_lock();
    }
    atomic_store(&cpu->pmu_level, level);
    irq_set(&cpu->pmu_out, level);
    if (!locked) {
        machine_unlock();
    }
}

/* Event counter n counts by `by`; a carry out of an even one may feed the odd one above (CHAIN). */
static void event_add(struct arm_cpu *cpu, unsigned n, u64 by)
{
    u64 sum = (cpu->pmevcntr[n] & MASK(32)) + by;
    cpu->pmevcntr[n] = sum & MASK(32);
    if (sum >> 32) {
        cpu->sr.PMOVSSET_EL0 |= BIT(n);
        if (!(n & 1) && n + 1 < ARM_PMEVS && (cpu->pmevtyper[n + 1] & 0xffff) == EVENT_CHAIN && enabled(cpu, n + 1)) {
            event_add(cpu, n + 1, sum >> 32);
        }
    }
}

static void cycles_add(struct arm_cpu *cpu, u64 by)
{
    u64 old = cpu->sr.PMCCNTR_EL0, new;
    bool long_carry = __builtin_add_overflow(old, by, &new);
    bool carry = cpu->sr.PMCR_EL0 & PMCR_LC ? long_carry : long_carry || old >> 32 != new >> 32;
    cpu->sr.PMCCNTR_EL0 = new;
    if (carry) {
        cpu->sr.PMOVSSET_EL0 |= CYCLE;
    }
}

static void pmu_sync(struct arm_cpu *cpu)
{
    u64 now = clock_now(CLOCK_VIRTUAL), by = now - cpu->pmu_last;
    bool by_64 = cpu->sr.PMCR_EL0 & PMCR_D && !(cpu->sr.PMCR_EL0 & PMCR_LC);
    cpu->pmu_last = now;
    if (counting(cpu, 31)) {
        cycles_add(cpu, by_64 ? now / 64 - (now - by) / 64 : by);
    }
    for (unsigned n = 0; n < ARM_PMEVS; n++) {
        if (counting(cpu, n)) {
            event_add(cpu, n, by);
        }
    }
}

/* Foresees the next overflow. */
static void deadline_update(struct arm_cpu *cpu)
{
    u64 left = ~0ull;
    if (!(cpu->sr.PMINTENSET_EL1 & COUNTERS)) {
        timer_set(&cpu->pmu_timer, ~0ull);
        return;
    }
    if (counting(cpu, 31)) {
        u64 v = cpu->sr.PMCCNTR_EL0;
        bool lc = cpu->sr.PMCR_EL0 & PMCR_LC;
        u64 rest = lc ? ~v : MASK(32) - (v & MASK(32));
        left = cpu->sr.PMCR_EL0 & PMCR_D && !lc ? rest << 6 : rest;
    }
    for (unsigned n = 0; n < ARM_PMEVS; n++) {
        if (counting(cpu, n)) {
            left = MIN(left, MASK(32) - cpu->pmevcntr[n]);
        }
    }
    timer_set(&cpu->pmu_timer, left >= ~0ull - cpu->pmu_last ? ~0ull : cpu->pmu_last + left + 1);
}

static void settings_changed(struct arm_cpu *cpu)
{
    cpu->pmu_by_level = false;
    for (unsigned n = 0; n < 32; n++) {
        if ((COUNTERS >> n & 1) && enabled(cpu, n) && counts_time(cpu, n)) {
            cpu->pmu_by_level |= (filter_of(cpu, n) & (FILTER_P | FILTER_U | FILTER_NSK | FILTER_NSU | FILTER_M)) ||
                                 arm_sys(cpu, SYS_EL2) || arm_sys(cpu, SYS_EL3);
        }
    }
    deadline_update(cpu);
    irq_update(cpu);
}

void arm_pmu_update(struct arm_cpu *cpu)
{
    pmu_sync(cpu);
    settings_changed(cpu);
}

void arm_pmu_level(struct arm_cpu *cpu, unsigned el)
{
    unsigned to = cpu->el;
    cpu->el = (u8)el;
    pmu_sync(cpu);
    cpu->el = (u8)to;
    deadline_update(cpu);
    irq_update(cpu);
}

static void overflow_due(void *opaque)
{
    struct arm_cpu *cpu = opaque;
    cpu->pmu_due = true;
    __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_TARGET, __ATOMIC_SEQ_CST);
    if (vcpu_kick) {
        vcpu_kick(&cpu->vcpu);
    }
}

void arm_pmu_init(struct arm_cpu *cpu)
{
    timer_init(&cpu->pmu_timer, CLOCK_VIRTUAL, overflow_due, cpu);
}

void arm_pmu_reset(struct arm_cpu *cpu)
{
    cpu->pmu_last = clock_now(CLOCK_VIRTUAL);
    cpu->pmu_by_level = false;
    timer_cancel(&cpu->pmu_timer);
    irq_update(cpu);
}

void arm_set_pmu_out(struct vcpu *v, struct irq out)
{
    arm_cpu(v)->pmu_out = out;
}

/* -- registers --------------------------------------------------------------------------------------------------- */

/* The counters an access sees: EL1 and EL0 don't see EL2's. */
static u64 visible(const struct arm_cpu *cpu)
{
    u64 m = COUNTERS;
    if (cpu->el < 2 && arm_el2_enabled(cpu)) {
        m &= CYCLE | MASK(MIN(cpu->sr.MDCR_EL2 & 31, (u64)ARM_PMEVS));
    }
    return m;
}

u64 pmcr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    unsigned n = (unsigned)__builtin_popcountll(visible(cpu) & ~CYCLE);
    (void)r;
    return deposit(cpu->sr.PMCR_EL0, 11, 5, n);
}

void pmcr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 mask = PMCR_E | PMCR_D | PMCR_X | PMCR_DP | PMCR_LC;
    (void)r;
    pmu_sync(cpu);
    if (v & PMCR_C) {
        cpu->sr.PMCCNTR_EL0 = 0;
    }
    for (unsigned n = 0; v & PMCR_P && n < ARM_PMEVS; n++) {
        if (!is_hyp_counter(cpu, n) || cpu->el >= 2) {
            cpu->pmevcntr[n] = 0;
        }
    }
    cpu->sr.PMCR_EL0 = (cpu->sr.PMCR_EL0 & ~mask) | (v & mask) | PMCR_LC; /* no AArch32: RES1 */
    settings_changed(cpu);
}

static void bits_write(struct arm_cpu *cpu, u64 *at, u64 v, bool set)
{
    pmu_sync(cpu);
    v &= visible(cpu);
    *at = set ? *at | v : *at & ~v;
    settings_changed(cpu);
}

void pmcntenset_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMCNTENSET_EL0, v, true);
}
u64 pmcntenclr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->sr.PMCNTENSET_EL0 & visible(cpu);
}
void pmcntenclr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMCNTENSET_EL0, v, false);
}
u64 pmovs_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    arm_pmu_update(cpu);
    return cpu->sr.PMOVSSET_EL0 & visible(cpu);
}
void pmovsset_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMOVSSET_EL0, v, true);
}
void pmovsclr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMOVSSET_EL0, v, false);
}
void pmintenset_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMINTENSET_EL1, v, true);
}
u64 pmintenclr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->sr.PMINTENSET_EL1 & visible(cpu);
}
void pmintenclr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    bits_write(cpu, &cpu->sr.PMINTENSET_EL1, v, false);
}

void pmswinc_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    pmu_sync(cpu);
    for (unsigned n = 0; n < ARM_PMEVS; n++) {
        if ((v & visible(cpu)) >> n & 1 && enabled(cpu, n) && (cpu->pmevtyper[n] & 0xffff) == EVENT_SW_INCR &&
            !filtered_out(cpu, cpu->pmevtyper[n])) {
            event_add(cpu, n, 1);
        }
    }
    settings_changed(cpu);
}

u64 pmccntr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    pmu_sync(cpu);
    irq_update(cpu);
    return cpu->sr.PMCCNTR_EL0;
}
void pmccntr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    pmu_sync(cpu);
    cpu->sr.PMCCNTR_EL0 = v;
    settings_changed(cpu);
}
void pmccfiltr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    pmu_sync(cpu);
    cpu->sr.PMCCFILTR_EL0 = v & 0xfc000000;
    settings_changed(cpu);
}

static u64 counter_read(struct arm_cpu *cpu, unsigned n)
{
    if (!(visible(cpu) >> n & 1) || n == 31) {
        return 0;
    }
    pmu_sync(cpu);
    irq_update(cpu);
    return cpu->pmevcntr[n];
}
static void counter_write(struct arm_cpu *cpu, unsigned n, u64 v)
{
    if (visible(cpu) >> n & 1 && n != 31) {
        pmu_sync(cpu);
        cpu->pmevcntr[n] = v & MASK(32);
        settings_changed(cpu);
    }
}
static void typer_write(struct arm_cpu *cpu, unsigned n, u64 v)
{
    if (visible(cpu) >> n & 1 && n != 31) {
        pmu_sync(cpu);
        cpu->pmevtyper[n] = v & 0xfc00ffff;
        settings_changed(cpu);
    }
}

u64 pmevcntr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    return counter_read(cpu, r->arg);
}
void pmevcntr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    counter_write(cpu, r->arg, v);
}
void pmevtyper_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    typer_write(cpu, r->arg, v);
}

/* The selected counter; 31 is the cycle counter's filter. */
static unsigned selected(const struct arm_cpu *cpu)
{
    return cpu->sr.PMSELR_EL0 & 31;
}
u64 pmxevtyper_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    unsigned n = selected(cpu);
    (void)r;
    return n == 31 ? cpu->sr.PMCCFILTR_EL0 : visible(cpu) >> n & 1 ? cpu->pmevtyper[n] : 0;
}
void pmxevtyper_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    if (selected(cpu) == 31) {
        pmccfiltr_write(cpu, r, v);
    } else {
        typer_write(cpu, selected(cpu), v);
    }
}
u64 pmxevcntr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return counter_read(cpu, selected(cpu));
}
void pmxevcntr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    counter_write(cpu, selected(cpu), v);
}

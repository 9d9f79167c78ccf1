/* PSCI 1.1 and SMCCC 1.1 (DEN 0022D, DEN 0028) for boards without firmware at the higher levels, and what else needs to
 * know all cpus of the machine.
 *
 * CPU_SUSPEND is always a standby state: a suspended CPU loses nothing and resumes behind the call. Not modelled:
 * OS-initiated mode, CPU_FREEZE, SYSTEM_SUSPEND, statistics, memory protection. */
#include "target/arm/psci.h"

#include "base/log.h"
#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"

void (*arm_system_off)(void);
void (*arm_system_reset)(void);
u64 (*arm_semihosting)(struct vcpu *cpu, u32 op, u64 param);

static struct vcpu **all_cpus;
static unsigned nall_cpus;

void arm_set_cpus(struct vcpu **cpus, unsigned n)
{
    all_cpus = cpus;
    nall_cpus = n;
}

/* Function numbers; SMC64 variants have bit 30 set as well. */
enum {
    SMC64 = 1 << 30,
    SMCCC_VERSION = 0x80000000,
    SMCCC_ARCH_FEATURES = 0x80000001,
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_SUSPEND = 0x84000001,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_CPU_ON = 0x84000003,
    PSCI_AFFINITY_INFO = 0x84000004,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
    PSCI_SYSTEM_RESET2 = 0x84000012,
};
enum {
    RET_SUCCESS = 0,
    RET_NOT_SUPPORTED = -1,
    RET_INVALID_PARAMETERS = -2,
    RET_ALREADY_ON = -4,
    RET_ON_PENDING = -5,
    RET_INVALID_ADDRESS = -9,
};

#define AFFINITY_MASK 0xff00ffffffull

static struct arm_cpu *cpu_by_affinity(u64 affinity)
{
    for (unsigned i = 0; i < nall_cpus; i++) {
        if (arm_cpu(all_cpus[i])->opts.mpidr == (affinity & AFFINITY_MASK)) {
            return arm_cpu(all_cpus[i]);
        }
    }
    return NULL;
}

/* The new cpu starts at the level the caller of the conduit would return to at most: EL2 for SMC where there is one. */
static i64 cpu_on(struct arm_cpu *cpu, u64 affinity, u64 entry, u64 context)
{
    struct arm_cpu *other = cpu_by_affinity(affinity);
    if (!other || affinity & ~AFFINITY_MASK) {
        return RET_INVALID_PARAMETERS;
    }
    if (!other->vcpu.powered_off) {
        return RET_ALREADY_ON;
    }
    u32 off = POWER_NORMAL;
    if (!atomic_compare_exchange_strong(&other->power, &off, POWER_ON_SETUP)) {
        return RET_ON_PENDING;
    }
    other->on_entry = entry;
    other->on_context = context;
    other->on_el = cpu->opts.psci == ARM_PSCI_SMC && arm_sys(cpu, SYS_EL2) ? 2 : 1;
    atomic_store(&other->power, POWER_ON_PENDING);
    other->vcpu.sv->power_on(&other->vcpu);
    return RET_SUCCESS;
}

static i64 affinity_info(u64 affinity, u64 level)
{
    const struct arm_cpu *other = level == 0 ? cpu_by_affinity(affinity) : NULL;
    if (!other) {
        return RET_INVALID_PARAMETERS;
    }
    return other->vcpu.powered_off ? 1 : atomic_load(&other->power) != POWER_NORMAL ? 2 : 0;
}

static i64 features(u32 fn)
{
    switch (fn & ~(u32)SMC64) {
    case PSCI_VERSION & ~(u32)SMC64:
    case SMCCC_VERSION & ~(u32)SMC64:
    case PSCI_CPU_SUSPEND & ~(u32)SMC64:
    case PSCI_CPU_OFF & ~(u32)SMC64:
    case PSCI_CPU_ON & ~(u32)SMC64:
    case PSCI_AFFINITY_INFO & ~(u32)SMC64:
    case PSCI_MIGRATE_INFO_TYPE & ~(u32)SMC64:
    case PSCI_SYSTEM_OFF & ~(u32)SMC64:
    case PSCI_SYSTEM_RESET & ~(u32)SMC64:
    case PSCI_FEATURES & ~(u32)SMC64:
    case PSCI_SYSTEM_RESET2 & ~(u32)SMC64:
        return RET_SUCCESS;
    default:
        return RET_NOT_SUPPORTED;
    }
}

static void power_off(struct arm_cpu *cpu)
{
    cpu->vcpu.sv->power_off(&cpu->vcpu);
}

static void system_call(struct arm_cpu *cpu, void (*fn)(void), const char *what)
{
    if (fn) {
        fn();
    } else {
        unimp(cpu->vcpu.name, "PSCI %s without a machine", what);
    }
    power_off(cpu); /* does not return to the caller */
}

void arm_psci_call(struct arm_cpu *cpu)
{
    u64 *x = cpu->vcpu.rt.r;
    u32 fn = (u32)x[0];
    bool wide = fn & SMC64;
    u64 a1 = wide ? x[1] : (u32)x[1], a2 = wide ? x[2] : (u32)x[2], a3 = wide ? x[3] : (u32)x[3];
    i64 ret = RET_NOT_SUPPORTED;
    switch (fn) {
    case SMCCC_VERSION:
    case PSCI_VERSION:
        ret = 0x10001;
        break;
    case SMCCC_ARCH_FEATURES:
        ret = a1 == SMCCC_VERSION || a1 == SMCCC_ARCH_FEATURES ? RET_SUCCESS : RET_NOT_SUPPORTED;
        break;
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_SUSPEND | SMC64:
        if (!arm_has_work(&cpu->vcpu)) {
            vcpu_halt(&cpu->vcpu);
        }
        ret = RET_SUCCESS;
        break;
    case PSCI_CPU_OFF:
        power_off(cpu);
        return;
    case PSCI_CPU_ON:
    case PSCI_CPU_ON | SMC64:
        ret = cpu_on(cpu, a1, a2, a3);
        break;
    case PSCI_AFFINITY_INFO:
    case PSCI_AFFINITY_INFO | SMC64:
        ret = affinity_info(a1, a2);
        break;
    case PSCI_MIGRATE_INFO_TYPE:
        ret = 2; /* no Trusted OS to migrate */
        break;
    case PSCI_SYSTEM_OFF:
        system_call(cpu, arm_system_off, "SYSTEM_OFF");
        return;
    case PSCI_SYSTEM_RESET:
    case PSCI_SYSTEM_RESET2:
    case PSCI_SYSTEM_RESET2 | SMC64:
        system_call(cpu, arm_system_reset, "SYSTEM_RESET");
        return;
    case PSCI_FEATURES:
        ret = features((u32)a1);
        break;
    default:
        break;
    }
    x[0] = (u64)ret;
}

/* SEV: every cpu's event register. One that sets out to wait just now may miss it, and waits no longer than WFE_NS. */
void arm_h_sev(struct vcpu *v)
{
    arm_cpu(v)->event = true;
    for (unsigned i = 0; i < nall_cpus; i++) {
        __atomic_store_n(&arm_cpu(all_cpus[i])->event, true, __ATOMIC_SEQ_CST);
        if (vcpu_kick) {
            vcpu_kick(all_cpus[i]);
        }
    }
}

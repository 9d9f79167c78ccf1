/* Model-specific registers: RDMSR and WRMSR by the table of msrs.def, the time-stamp counter. A number that is not in
 * the table is #GP(0), as on a processor that lacks it. */
#include "base/clock.h"
#include "base/log.h"
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

#define MSR_ANY ~0ull
#define MSR_RO  0ull

struct msr {
    u32 number;
    const char *name;
    u32 off, size;
    u64 reset, wmask;
    u16 feature; /* FT */
    u64 (*read)(struct x86_cpu *cpu, const struct msr *m);
    bool (*write)(struct x86_cpu *cpu, const struct msr *m, u64 v); /* false: #GP(0) */
};
#define FT(word, bit) (0x8000 | WORD_##word << 8 | (bit))

static u64 *field_of(struct x86_cpu *cpu, const struct msr *m)
{
    return (u64 *)(void *)((u8 *)cpu + m->off);
}

/* -- hooks
 * ----------------------------------------------------------------------------------------------------------------
 */

/* Guest time in nanoseconds: a counter of 1 GHz. */
u64 x86_tsc(const struct x86_cpu *cpu)
{
    return (u64)clock_now(CLOCK_VIRTUAL) + cpu->sys.tsc_offset;
}
static u64 tsc_read(struct x86_cpu *cpu, const struct msr *m UNUSED)
{
    return x86_tsc(cpu);
}
static bool tsc_write(struct x86_cpu *cpu, const struct msr *m UNUSED, u64 v)
{
    cpu->sys.tsc_offset += v - x86_tsc(cpu);
    if (cpu->sys.apic_ops) {
        cpu->sys.apic_ops->tsc_moved(cpu->sys.apic);
    }
    return true;
}
static u64 tsc_aux_read(struct x86_cpu *cpu, const struct msr *m UNUSED)
{
    return cpu->tsc_aux;
}
static bool tsc_aux_write(struct x86_cpu *cpu, const struct msr *m UNUSED, u64 v)
{
    cpu->tsc_aux = (u32)v;
    return true;
}
static u64 smbase_read(struct x86_cpu *cpu, const struct msr *m UNUSED)
{
    return cpu->sys.smbase;
}
/* Eight ranges, the fixed ones, write combining. */
static u64 mtrrcap_read(struct x86_cpu *cpu UNUSED, const struct msr *m UNUSED)
{
    return 0x500 | X86_MTRRS;
}
static bool address_write(struct x86_cpu *cpu, const struct msr *m, u64 v)
{
    if (cpu->id.words[WORD_81_EDX] & BIT(29) && !x86_canonical(cpu, v)) {
        return false;
    }
    *field_of(cpu, m) = v;
    return true;
}
static bool segment_write(struct x86_cpu *cpu, const struct msr *m, u64 v)
{
    bool ok = address_write(cpu, m, v);
    cpu->vcpu.sv->mode_changed(&cpu->vcpu);
    return ok;
}
static bool pat_write(struct x86_cpu *cpu, const struct msr *m UNUSED, u64 v)
{
    for (unsigned i = 0; i < 8; i++) {
        u8 type = (u8)(v >> (8 * i));
        if (type > 7 || type == 2 || type == 3) {
            return false;
        }
    }
    cpu->sys.pat = v;
    return true;
}
static bool debugctl_write(struct x86_cpu *cpu, const struct msr *m UNUSED, u64 v)
{
    if (v) {
        unimp("x86", "DEBUGCTL=%llx: branch records and steps by branches", (unsigned long long)v);
    }
    cpu->sys.debugctl = v & 3;
    return true;
}
static bool xss_write(struct x86_cpu *cpu UNUSED, const struct msr *m UNUSED, u64 v)
{
    return !v;
}
static bool efer_write(struct x86_cpu *cpu, const struct msr *m UNUSED, u64 v)
{
    u32 ext = cpu->id.words[WORD_81_EDX];
    u64 known =
        (ext & BIT(11) ? EFER_SCE : 0) | (ext & BIT(29) ? EFER_LME | EFER_LMA : 0) | (ext & BIT(20) ? EFER_NXE : 0);
    known |= cpu->id.words[WORD_821_EAX] & BIT(8) ? EFER_AIBRSE : 0; /* kept; no effect */
    u64 changed = cpu->efer ^ v;
    if (v & ~known || (changed & EFER_LME && cpu->cr0 & CR0_PG)) {
        return false;
    }
    cpu->efer = (v & ~(u64)EFER_LMA) | (cpu->efer & EFER_LMA);
    if (changed & EFER_NXE) {
        x86_flush_all(cpu);
    }
    x86_changed(cpu);
    return true;
}

/* -- the table
 * ------------------------------------------------------------------------------------------------------------
 */

static const struct msr msrs[] = {
#define _(num, nm, fld, rst, mask, feat, rd, wr) \
    {.number = (num), \
     .name = #nm, \
     .off = offsetof(struct x86_cpu, fld), \
     .size = sizeof(((struct x86_cpu *)0)->fld), \
     .reset = (rst), \
     .wmask = (mask), \
     .feature = (feat), \
     .read = (rd), \
     .write = (wr)},
#include "target/i386/msrs.def"
#undef _
};

static const struct msr *msr_find(const struct x86_cpu *cpu, u32 number)
{
    for (unsigned i = 0; i < ARRAY_LEN(msrs); i++) {
        u16 f = msrs[i].feature;
        if (msrs[i].number == number) {
            return !f || cpu->id.words[f >> 8 & 0x7f] >> (f & 0xff) & 1 ? &msrs[i] : NULL;
        }
    }
    return NULL;
}

/* APIC_BASE, TSC_DEADLINE, and what x2APIC mode has for registers: the local APIC's, which knows what it has. */
static bool is_apics(const struct x86_cpu *cpu, u32 number)
{
    return cpu->sys.apic_ops && (number == 0x1b || number == 0x6e0 || number >> 8 == 8);
}

/* INIT leaves them. The time-stamp counters of all processors are one: each goes back to guest time, not to 0 when its
 * own turn comes. */
void x86_msrs_reset(struct x86_cpu *cpu)
{
    for (unsigned i = 0; i < ARRAY_LEN(msrs); i++) {
        must(msrs[i].size == 8);
        *field_of(cpu, &msrs[i]) = msrs[i].reset;
    }
    cpu->tsc_aux = 0;
}

static NORETURN void refuse(struct x86_cpu *cpu, const char *what, u32 number)
{
    guest_error("x86", "%s of MSR %x", what, number);
    x86_throw(cpu, EXC_GP, 0);
}

u64 x86_h_msr_read(struct vcpu *v, u64 number)
{
    struct x86_cpu *cpu = x86_cpu(v);
    const struct msr *m = msr_find(cpu, (u32)number);
    u64 val;
    if (is_apics(cpu, (u32)number)) {
        if (!cpu->sys.apic_ops->msr_read(cpu->sys.apic, (u32)number, &val)) {
            refuse(cpu, "read", (u32)number);
        }
        return val;
    }
    if (!m) {
        refuse(cpu, "read", (u32)number);
    }
    return m->read ? m->read(cpu, m) : *field_of(cpu, m);
}
void x86_h_msr_write(struct vcpu *v, u64 number, u64 val)
{
    struct x86_cpu *cpu = x86_cpu(v);
    const struct msr *m = msr_find(cpu, (u32)number);
    if (is_apics(cpu, (u32)number)) {
        if (!cpu->sys.apic_ops->msr_write(cpu->sys.apic, (u32)number, val)) {
            refuse(cpu, "write", (u32)number);
        }
        return;
    }
    if (!m || (!m->write && (!m->wmask || val & ~m->wmask))) {
        refuse(cpu, "write", (u32)number);
    }
    if (!m->write) {
        *field_of(cpu, m) = val;
    } else if (!m->write(cpu, m, val)) {
        refuse(cpu, "write", (u32)number);
    }
}

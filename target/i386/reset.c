/* Power-on, RESET and INIT (SDM volume 3, 9.1, table 9-1); what boards set and ask. */
#include <string.h>

#include "target/i386/cpu.h"
#include "target/i386/i386.h"

enum { SMBASE = 0x30000 };

/* The first instruction lies 16 bytes below 4 GiB, in a code segment that real mode could not load. */
static void segments_reset(struct x86_cpu *cpu)
{
    const u16 data = ATTR_PRESENT | ATTR_S | ATTR_WRITE | ATTR_ACCESSED;
    for (unsigned i = 0; i < ARRAY_LEN(cpu->seg); i++) {
        cpu->seg[i] = (struct x86_seg){.limit = 0xffff, .attr = data};
    }
    cpu->seg[SEG_CS].sel = 0xf000;
    cpu->seg[SEG_CS].base = 0xffff0000;
    cpu->vcpu.rt.pc = 0xfffffff0;
    cpu->sys.gdt = cpu->sys.idt = (struct x86_table){.limit = 0xffff};
    cpu->sys.ldt = (struct x86_seg){.limit = 0xffff, .attr = ATTR_PRESENT | DT_LDT};
    cpu->sys.tr = (struct x86_seg){.limit = 0xffff, .attr = ATTR_PRESENT | DT_TSS_BUSY};
}

/* As Multiboot leaves a processor: flat segments, nothing behind their selectors, interrupts off. */
static void entry_apply(struct x86_cpu *cpu)
{
    const struct x86_entry *e = &cpu->entry;
    const u16 flat = ATTR_G | ATTR_BIG | ATTR_PRESENT | ATTR_S | ATTR_WRITE | ATTR_ACCESSED;
    for (unsigned i = 0; i < ARRAY_LEN(cpu->seg); i++) {
        cpu->seg[i] = (struct x86_seg){.limit = 0xffffffff, .sel = i == SEG_CS ? 8 : 16, .attr = flat};
    }
    cpu->seg[SEG_CS].attr |= ATTR_CODE;
    cpu->cr0 = CR0_ET | CR0_PE;
    cpu->vcpu.rt.r[0] = e->eax;
    cpu->vcpu.rt.r[3] = e->ebx;
    cpu->vcpu.rt.r[6] = e->esi;
    cpu->vcpu.rt.pc = e->eip;
}
void x86_set_entry(struct vcpu *v, const struct x86_entry *e)
{
    x86_cpu(v)->entry = *e;
}

/* INIT leaves memory's side: caches, MTRRs and the other MSRs, x87 and SSE state. */
void x86_sys_reset(struct x86_cpu *cpu, bool init)
{
    struct x86_sys *s = &cpu->sys;
    memset(cpu->vcpu.rt.r, 0, sizeof(cpu->vcpu.rt.r));
    cpu->vcpu.rt.r[2] = x86_signature(&cpu->id);
    cpu->flags = 0;
    cpu->df = 1;
    cpu->eflags = EFL_ONE;
    cpu->cr0 = CR0_ET | (init ? cpu->cr0 & (CR0_CD | CR0_NW) : CR0_CD | CR0_NW);
    cpu->cr2 = cpu->cr3 = cpu->cr4 = cpu->efer = 0;
    cpu->cpl = 0;
    cpu->shadow = SHADOW_NONE;
    memset(s->dr, 0, sizeof(s->dr));
    s->dr6 = DR6_ONES;
    s->dr7 = DR7_ONE;
    s->delivering = DELIVER_NOT;
    s->in_new_task = s->tight = s->shut_down = s->nmi_masked = false;
    s->hit = s->ext = 0;
    if (!init) {
        x86_msrs_reset(cpu);
        s->smbase = SMBASE;
        s->smm = false;
        s->pkru = 0;
        s->pending = 0;
        cpu->xcr0 = XCR0_X87;
    }
    segments_reset(cpu);
    cpu->vcpu.halted = s->wait_sipi = s->place.waits;
    s->halted = false;
    if (init && s->apic_ops) {
        s->apic_ops->init(s->apic);
    }
    if (cpu->entry.set && !init && !s->place.waits) {
        entry_apply(cpu);
    }
    x86_pins_sync(cpu);
    x86_flush_all(cpu);
    x86_changed(cpu);
}

/* -- the board
 * ------------------------------------------------------------------------------------------------------------
 */

void x86_sipi_enter(struct x86_cpu *cpu)
{
    u32 vector = __atomic_load_n(&cpu->sys.sipi, __ATOMIC_ACQUIRE) & 0xff;
    cpu->vcpu.halted = cpu->sys.wait_sipi = false;
    cpu->seg[SEG_CS].sel = (u16)(vector << 8);
    cpu->seg[SEG_CS].base = cpu->vcpu.rt.pc = vector << 12;
    x86_changed(cpu);
}

void x86_set_io(struct vcpu *v, struct mem_space *io)
{
    x86_cpu(v)->sys.io = io;
}
void x86_set_ack(struct vcpu *v, int (*ack)(void *opaque), void *opaque)
{
    x86_cpu(v)->sys.ack = ack;
    x86_cpu(v)->sys.ack_opaque = opaque;
}
void (*x86_system_reset)(void);

void x86_set_apic(struct vcpu *v, const struct x86_apic_ops *ops, void *apic)
{
    x86_cpu(v)->sys.apic_ops = ops;
    x86_cpu(v)->sys.apic = apic;
}
void x86_set_spot(struct vcpu *v, const struct x86_spot *p)
{
    x86_cpu(v)->sys.place = *p;
}
u64 x86_tsc_offset(const struct vcpu *v)
{
    return x86_cpu_const(v)->sys.tsc_offset;
}
bool x86_has_feature(const struct vcpu *v, const char *name)
{
    return x86_model_has(x86_cpu_const(v), name);
}

/* CR8 is the local APIC's task priority. */
u64 x86_tpr_read(const struct x86_cpu *cpu)
{
    return cpu->sys.apic_ops ? cpu->sys.apic_ops->tpr_read(cpu->sys.apic) : cpu->sys.tpr;
}
void x86_tpr_write(struct x86_cpu *cpu, u64 v)
{
    if (cpu->sys.apic_ops) {
        cpu->sys.apic_ops->tpr_write(cpu->sys.apic, v);
    } else {
        cpu->sys.tpr = v;
    }
}

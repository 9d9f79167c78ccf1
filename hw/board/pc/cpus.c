/* The processors of boards with x86 CPUs: making them, giving each a local APIC, and gluing the two together. The only
 * file of these boards that knows the instruction set's public header, but for where programs are entered.
 *
 * APIC ids have fields of whole bits for thread, core and package, as CPUID leaf 0xb wants them. */
#include "hw/board/pc/cpus.h"

#include "base/bits.h"
#include "base/lock.h"
#include "hw/intc/apic.h"
#include "target/i386/i386.h"

/* -- topology ----------------------------------------------------------------------------------------------------- */

static unsigned threads_of(const struct machine *m)
{
    return MAX(m->cfg.threads, 1u);
}
static unsigned cores_of(const struct machine *m)
{
    return MAX(m->cfg.cores, 1u);
}
static unsigned bits_for(unsigned n)
{
    return n > 1 ? 32 - clz32(n - 1) : 0;
}

unsigned pc_cpu_apic_id(const struct machine *m, unsigned cpu)
{
    unsigned t = threads_of(m), c = cores_of(m), tb = bits_for(t), cb = bits_for(c);
    return cpu / (t * c) << (tb + cb) | cpu / t % c << tb | cpu % t;
}

/* -- the contract of target/i386, served by hw/intc --------------------------------------------------------------- */

static bool msr_read(void *apic, u32 number, u64 *v)
{
    return apic_msr_read(apic, number, v);
}
static bool msr_write(void *apic, u32 number, u64 v)
{
    return apic_msr_write(apic, number, v);
}
static u64 tpr_read(void *apic)
{
    return apic_tpr_read(apic);
}
static void tpr_write(void *apic, u64 v)
{
    apic_tpr_write(apic, v);
}
static int ack(void *apic)
{
    int v = apic_ack(apic);
    return v == APIC_ACK_OUTSIDE ? X86_ACK_OUTSIDE : v;
}
static void init(void *apic)
{
    apic_init_signal(apic);
}
static void tsc_moved(void *apic)
{
    apic_tsc_moved(apic);
}
static bool enabled(void *apic)
{
    return apic_is_enabled(apic);
}
static const struct x86_apic_ops ops = {.msr_read = msr_read,
                                        .msr_write = msr_write,
                                        .tpr_read = tpr_read,
                                        .tpr_write = tpr_write,
                                        .ack = ack,
                                        .init = init,
                                        .tsc_moved = tsc_moved,
                                        .enabled = enabled};

static u64 tsc_offset(const void *cpu)
{
    return x86_tsc_offset(cpu);
}

/* -- making ------------------------------------------------------------------------------------------------------- */

static bool flag_set(struct device *d, const char *key, bool on, struct err *e)
{
    return device_set_prop(d, key, on ? "on" : "off", e);
}

static bool apic_make(struct pc_cpus *c, unsigned i, struct err *e)
{
    static const u8 pins[APIC_OUTS] = {
        [APIC_OUT_INTR] = X86_INTR, [APIC_OUT_NMI] = X86_NMI, [APIC_OUT_SMI] = X86_SMI, [APIC_OUT_INIT] = X86_INIT};
    struct machine *m = c->m;
    struct vcpu *cpu = m->cpus[i];
    const struct apic_link link = {.cpu = cpu, .index = i, .sipi = x86_sipi, .tsc_offset = tsc_offset};
    struct device *d = device_new(m, &apic_class, arena_printf(&m->arena, "apic%u", i));
    apic_attach(d, c->bus, &link);
    if (!device_set_prop(d, "apic-id", arena_printf(&m->arena, "%u", pc_cpu_apic_id(m, i)), e) ||
        !flag_set(d, "bsp", i == 0, e) || !flag_set(d, "x2apic", x86_has_feature(cpu, "x2apic"), e) ||
        !flag_set(d, "tsc-deadline", x86_has_feature(cpu, "tsc-deadline"), e) || !device_init(d, e)) {
        return false;
    }
    for (unsigned n = 0; n < APIC_OUTS; n++) {
        d->irqs[n] = (struct irq){.fn = x86_pin, .to = cpu, .n = pins[n]};
    }
    x86_set_apic(cpu, &ops, d);
    c->apic[i] = d;
    return true;
}

static bool cpu_make(struct machine *m, struct err *e)
{
    const struct target *t = m->cfg.target ? m->cfg.target : m->board->targets[0];
    unsigned i = m->ncpus;
    struct vcpu *cpu = machine_cpu_new(m, t, t->cpu_size);
    if (!t->init(cpu, m->cfg.cpu_model, e)) {
        return false;
    }
    const struct x86_spot spot = {
        .apic_id = pc_cpu_apic_id(m, i), .threads = threads_of(m), .cores = cores_of(m), .waits = i > 0};
    x86_set_spot(cpu, &spot);
    x86_set_io(cpu, m->iospace);
    return true;
}

bool pc_cpus_make(struct machine *m, struct pc_cpus *c, bool apics, struct err *e)
{
    c->m = m;
    if (!m->iospace) {
        m->iospace = mem_space_new("I/O");
    }
    while (m->ncpus < m->cfg.cpus) {
        if (!cpu_make(m, e)) {
            return false;
        }
    }
    apics = apics && x86_has_feature(m->cpus[0], "apic");
    if (!apics) {
        return m->ncpus == 1 || err_set(e, "%u processors need local APICs, which this one has not", m->ncpus);
    }
    if (pc_cpu_apic_id(m, m->ncpus - 1) > APIC_MAX_ID) {
        return err_set(e, "-smp: the last processor's APIC id would be %u; ids end at %u",
                       pc_cpu_apic_id(m, m->ncpus - 1), APIC_MAX_ID);
    }
    c->bus = apic_bus_new(m);
    c->apic = arena_alloc(&m->arena, m->ncpus * sizeof(c->apic[0]));
    for (unsigned i = 0; i < m->ncpus; i++) {
        if (!apic_make(c, i, e)) {
            return false;
        }
    }
    mem_map_region(m->sysmem, apic_bus_region(c->bus), APIC_BASE, 2);
    return true;
}

/* -- lines -------------------------------------------------------------------------------------------------------- */

static void nmi_set(void *to, unsigned n, int level)
{
    struct pc_cpus *c = to;
    (void)n;
    for (unsigned i = 0; i < c->m->ncpus; i++) {
        struct irq pin = device_pin(c->apic[i], APIC_IN_LINT1);
        irq_set(&pin, level);
    }
}
static void a20_set(void *to, unsigned n, int level)
{
    struct pc_cpus *c = to;
    (void)n;
    for (unsigned i = 0; i < c->m->ncpus; i++) {
        x86_pin(c->m->cpus[i], X86_A20M, level);
    }
}

struct irq pc_cpus_line(struct pc_cpus *c, enum pc_line line)
{
    static const u8 pins[PC_LINES] = {[PC_NMI] = X86_NMI, [PC_SMI] = X86_SMI, [PC_INIT] = X86_INIT};
    if (line == PC_A20M) {
        return (struct irq){.fn = a20_set, .to = c};
    }
    if (line == PC_NMI && c->apic) {
        return (struct irq){.fn = nmi_set, .to = c};
    }
    return (struct irq){.fn = x86_pin, .to = c->m->cpus[0], .n = pins[line]};
}

struct irq pc_cpus_intr(struct pc_cpus *c)
{
    return c->apic ? device_pin(c->apic[0], APIC_IN_LINT0)
                   : (struct irq){.fn = x86_pin, .to = c->m->cpus[0], .n = X86_INTR};
}

void pc_cpus_set_pic(struct pc_cpus *c, int (*ask)(void *opaque), void *opaque)
{
    x86_set_ack(c->m->cpus[0], ask, opaque);
}

static void eoi_tell(void *opaque, unsigned vector)
{
    struct pc_cpus *c = opaque;
    bool held = machine_locked();
    if (!held) {
        machine_lock();
    }
    c->eoi(c->ioapic, vector);
    if (!held) {
        machine_unlock();
    }
}
void pc_cpus_set_ioapic(struct pc_cpus *c, struct device *ioapic, void (*eoi)(struct device *ioapic, unsigned vector))
{
    c->ioapic = ioapic;
    c->eoi = eoi;
    apic_bus_on_eoi(c->bus, eoi_tell, c);
}

void pc_cpus_virtual_wire(struct pc_cpus *c)
{
    if (c->apic) {
        apic_virtual_wire(c->apic[0]);
    }
}

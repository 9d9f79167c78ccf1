/* The interrupt controller of the virt board: GICv2 with its MSI frame, or GICv3 with an ITS. */
#include "hw/board/virt/virt_priv.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3.h"

enum { NUM_INTIDS = VIRT_IRQS + 32, GICD_IGROUPR = 0x80, GICC_PMR = 0x4, GICR_WAKER = 0x14, GICR_SGI = 0x10000 };

static bool prop_set(struct device *d, const char *key, u64 v, struct err *e)
{
    char text[24];
    snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return device_set_prop(d, key, text, e);
}

static bool flag_set(struct device *d, const char *key, bool on, struct err *e)
{
    return device_set_prop(d, key, on ? "on" : "off", e);
}

static void region_map(struct machine *m, struct mem_region *r, u64 base)
{
    if (r) {
        mem_map_region(m->sysmem, r, base, 0);
    }
}

/* -- GICv2 --------------------------------------------------------------------------------------------- */

static bool v2m_make(struct machine *m, struct err *e)
{
    struct device *d = device_new(m, &gicv2m_class, "v2m");
    if (!prop_set(d, "base-spi", VIRT_V2M_IRQ, e) || !prop_set(d, "num-spi", VIRT_V2M_IRQS, e) || !device_init(d, e)) {
        return false;
    }
    for (int i = 0; i < VIRT_V2M_IRQS; i++) {
        d->irqs[i] = virt_spi(m, VIRT_V2M_IRQ + i);
    }
    region_map(m, &d->mmio, VIRT_GIC_V2M);
    virt_of(m)->msi = d;
    return true;
}

static bool gicv2_make(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    struct device *d = v->gic = device_new(m, &gicv2_class, "gic");
    if (!prop_set(d, "num-cpu", m->cfg.cpus, e) || !prop_set(d, "num-irq", NUM_INTIDS, e) ||
        !flag_set(d, "has-security-extensions", v->secure, e) ||
        !flag_set(d, "has-virtualization-extensions", v->virtualization, e) || !device_init(d, e)) {
        return false;
    }
    region_map(m, &d->mmio, VIRT_GIC_DIST);
    region_map(m, gicv2_region(d, GICV2_GICC), VIRT_GIC_CPU);
    if (v->virtualization) {
        region_map(m, gicv2_region(d, GICV2_GICH), VIRT_GIC_HYP);
        region_map(m, gicv2_region(d, GICV2_GICV), VIRT_GIC_VCPU);
    }
    return v2m_make(m, e);
}

/* -- GICv3 --------------------------------------------------------------------------------------------- */

static bool its_make(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    if (!v->has_its) {
        return true;
    }
    struct device *d = v->msi = device_new(m, &gicv3_its_class, "its");
    gicv3_its_attach(d, v->gic);
    if (!device_init(d, e)) {
        return false;
    }
    region_map(m, &d->mmio, VIRT_GIC_ITS);
    return true;
}

static bool gicv3_make(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    struct device *d = v->gic = device_new(m, &gicv3_class, "gic");
    if (!prop_set(d, "num-cpu", m->cfg.cpus, e) || !prop_set(d, "num-irq", NUM_INTIDS, e) ||
        !prop_set(d, "redist0-cpus", v->redist1_cpus, e) || !flag_set(d, "has-security-extensions", v->secure, e) ||
        !flag_set(d, "has-lpi", v->has_its, e) || !device_init(d, e)) {
        return false;
    }
    for (unsigned i = 0; i < m->cfg.cpus; i++) {
        gicv3_set_affinity(d, i, virt_cpu_mpidr(m, i));
    }
    region_map(m, &d->mmio, VIRT_GIC_DIST);
    region_map(m, gicv3_redist_region(d, 0), VIRT_GIC_REDIST);
    region_map(m, gicv3_redist_region(d, 1), v->redist2);
    return its_make(m, e);
}

/* -- both ---------------------------------------------------------------------------------------------- */

bool virt_gic_make(struct machine *m, struct err *e)
{
    return virt_of(m)->gic_kind == 2 ? gicv2_make(m, e) : gicv3_make(m, e);
}

struct irq virt_spi(struct machine *m, int n)
{
    return device_pin(virt_of(m)->gic, gic_spi((unsigned)n));
}

struct irq virt_ppi(struct machine *m, unsigned cpu, unsigned ppi)
{
    return device_pin(virt_of(m)->gic, gic_ppi(NUM_INTIDS, cpu, INTID_PPI + ppi));
}

static void secure_store(struct machine *m, unsigned cpu, u64 addr, u32 v)
{
    mem_store(m->sysmem, addr, 4, v, (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu, .secure = true});
}

/* A kernel that is started in Non-secure state finds no interrupt its own unless secure firmware has said so; where
 * there is none, the board does what it would have done: every interrupt to Group 1, redistributors awake, the
 * priority mask in the half that Non-secure writes may change. */
void virt_gic_hand_over(struct machine *m)
{
    const struct virt *v = virt_of(m);
    if (!v->secure || !virt_is_linux(v)) {
        return;
    }
    for (unsigned i = 1; i < NUM_INTIDS / 32; i++) {
        secure_store(m, 0, VIRT_GIC_DIST + GICD_IGROUPR + 4 * i, ~0u);
    }
    for (unsigned cpu = 0; cpu < m->cfg.cpus; cpu++) {
        if (v->gic_kind == 2) {
            secure_store(m, cpu, VIRT_GIC_DIST + GICD_IGROUPR, ~0u); /* banked by CPU, both */
            secure_store(m, cpu, VIRT_GIC_CPU + GICC_PMR, 0xff);
            continue;
        }
        u64 rd = cpu < v->redist1_cpus ? VIRT_GIC_REDIST + (u64)cpu * GICV3_REDIST_SIZE
                                       : v->redist2 + (u64)(cpu - v->redist1_cpus) * GICV3_REDIST_SIZE;
        secure_store(m, cpu, rd + GICR_WAKER, 0);
        secure_store(m, cpu, rd + GICR_SGI + GICD_IGROUPR, ~0u);
    }
}

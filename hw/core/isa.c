/* The ISA bus (IBM PC AT Technical Reference, "I/O channel"). Lines are levels here, high while somebody drives them:
 * the interrupt controllers see edges. Not modelled: memory on the bus, DMA lines (hw/core/isa_dma.h has them). */
#include "hw/core/isa.h"

#include <string.h>

#include "hw/core/machine.h"

enum { SOURCES = 32 };

struct isa_bus {
    struct device dev;
    u32 driven[ISA_IRQS]; /* a bit a source */
    u8 nsources[ISA_IRQS];
};

static void line_in(struct device *d, unsigned n, int level)
{
    struct isa_bus *b = (struct isa_bus *)d;
    unsigned irq = n % ISA_IRQS, bit = n / ISA_IRQS;
    u32 was = b->driven[irq];
    b->driven[irq] = (was & ~(1u << bit)) | (u32)(level != 0) << bit;
    if (!was != !b->driven[irq]) {
        device_irq(d, irq, b->driven[irq] != 0);
    }
}

struct irq isa_line(struct device *bus, unsigned irq)
{
    struct isa_bus *b = (struct isa_bus *)bus;
    must(irq < ISA_IRQS);
    unsigned bit = b->nsources[irq] < SOURCES - 1 ? b->nsources[irq]++ : SOURCES - 1; /* the last is for all the rest */
    return device_pin(bus, irq + ISA_IRQS * bit);
}

struct device *isa_bus(const struct machine *m)
{
    for (struct device *d = m->devices; d; d = d->next) {
        if (d->cls == &isa_bus_class) {
            return d;
        }
    }
    return NULL;
}

/* -- plugging -------------------------------------------------------------------------------------------------------
 */

/* A numeric property of the child's; `none` when its class has none of this name. */
static u64 number_of(const struct device *d, const char *name, u64 none)
{
    const struct prop *p = d->cls->props ? props_find(d->cls->props, name) : NULL;
    if (!p) {
        return none;
    }
    must(p->kind == PROP_U8 || p->kind == PROP_U16 || p->kind == PROP_U32);
    const u8 *at = (const u8 *)d + p->off;
    return p->kind == PROP_U8 ? *at : p->kind == PROP_U16 ? *(const u16 *)at : *(const u32 *)at;
}

static bool isa_plug(struct device *bus, struct device *child, struct err *e)
{
    enum { PORTS = 0x10000 };
    u64 base = number_of(child, "iobase", number_of(child, "ioport", ~0ull)), irq = number_of(child, "irq", ~0ull);
    u64 size = number_of(child, "iosize", child->mmio.size);
    if (base != ~0ull) {
        if (!size || size > PORTS || base > PORTS - size) {
            return err_set(e, "iobase=0x%llx: ports end at 0xffff", (unsigned long long)base);
        }
        child->mmio.size = size;
        device_map(child, bus->machine->iospace, base, 1);
    }
    if (irq != ~0ull) {
        if (irq >= ISA_IRQS) {
            return err_set(e, "irq=%llu: there are IRQ 0 to 15", (unsigned long long)irq);
        }
        child->irqs[0] = isa_line(bus, (unsigned)irq);
    }
    return true;
}

static void isa_reset(struct device *d)
{
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        device_irq(d, i, 0);
    }
}

static bool isa_loaded(struct device *d, struct err *e)
{
    (void)e;
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        device_irq(d, i, ((struct isa_bus *)d)->driven[i] != 0);
    }
    return true;
}

static void isa_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/isa@1");
}

static const struct field isa_state[] = {FIELDS(struct isa_bus, driven), {0}};

const struct device_class isa_bus_class = {
    .name = "isa-bus",
    .doc = "ISA bus",
    .bus = "sysbus",
    .provides = "isa",
    .size = sizeof(struct isa_bus),
    .nirqs = ISA_IRQS,
    .state = isa_state,
    .reset = isa_reset,
    .loaded = isa_loaded,
    .irq_in = line_in,
    .plug = isa_plug,
    .fw_path = isa_fw_path,
};

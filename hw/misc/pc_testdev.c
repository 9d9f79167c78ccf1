/* pc-testdev, as the x86 tests of kvm-unit-tests use it: ports 0xe0 to 0xe3 and 0xe8 keep what is written, in any
 * width; a write of a page's number to 0xe4 makes the host forget that page, which here is nothing; ports from 0x2000
 * on set the level of an IRQ each; and 64 KiB of memory at 0xff000000 that is reached as a device's. It has no other
 * document. Not modelled: levels of the I/O APIC's inputs beyond the ISA bus's 16. */
#include "hw/misc/pc_testdev.h"

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/isa.h"
#include "hw/core/machine.h"

enum { LINES = 24, MEMORY = 0x10000, PORTS = 9, FLUSH = 4 };
#define PORT_AT   0xe0
#define LINE_AT   0x2000
#define MEMORY_AT 0xff000000ull

struct pc_testdev {
    struct device dev;
    struct mem_region ports, lines, memory;
    u8 kept[PORTS];
    u8 level[ISA_IRQS];
    u64 bytes[MEMORY / 8];
};

static enum mem_result ports_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct pc_testdev *s = opaque;
    (void)a;
    *val = ldnle(s->kept + off, size);
    return MEM_OK;
}
static enum mem_result ports_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct pc_testdev *s = opaque;
    (void)a;
    if (off + size <= FLUSH || off >= 2 * FLUSH) {
        stnle(s->kept + off, size, val);
    }
    return MEM_OK;
}
static enum mem_result lines_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct pc_testdev *s = opaque;
    (void)size, (void)a;
    *val = off < ISA_IRQS ? s->level[off] : 0;
    return MEM_OK;
}
static enum mem_result lines_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct pc_testdev *s = opaque;
    (void)size, (void)a;
    if (off < ISA_IRQS) {
        s->level[off] = val != 0;
        device_irq(&s->dev, (unsigned)off, s->level[off]);
    } else {
        unimp(device_name(&s->dev), "the level of interrupt line %u", (unsigned)off);
    }
    return MEM_OK;
}
static enum mem_result memory_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = ldnle((u8 *)((struct pc_testdev *)opaque)->bytes + off, size);
    return MEM_OK;
}
static enum mem_result memory_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    stnle((u8 *)((struct pc_testdev *)opaque)->bytes + off, size, val);
    return MEM_OK;
}
static const struct mem_ops ports_ops = {.read = ports_read, .write = ports_write, .min_size = 1, .max_size = 4};
static const struct mem_ops lines_ops = {.read = lines_read, .write = lines_write, .min_size = 1, .max_size = 1};
static const struct mem_ops memory_ops = {.read = memory_read, .write = memory_write, .min_size = 1, .max_size = 8};

static void lines_update(struct pc_testdev *s)
{
    for (unsigned n = 0; n < ISA_IRQS; n++) {
        device_irq(&s->dev, n, s->level[n]);
    }
}
static bool testdev_init(struct device *d, struct err *e)
{
    struct pc_testdev *s = (struct pc_testdev *)d;
    struct machine *m = d->machine;
    struct device *bus = isa_bus(m);
    if (!m->iospace) {
        return err_set(e, "this machine has no ports");
    }
    for (unsigned n = 0; bus && n < ISA_IRQS; n++) {
        d->irqs[n] = isa_line(bus, n);
    }
    s->ports = (struct mem_region){.name = "test-ports", .kind = MEM_MMIO, .size = PORTS, .ops = &ports_ops};
    s->lines = (struct mem_region){.name = "test-lines", .kind = MEM_MMIO, .size = LINES, .ops = &lines_ops};
    s->memory = (struct mem_region){.name = "test-memory", .kind = MEM_MMIO, .size = MEMORY, .ops = &memory_ops};
    s->ports.opaque = s->lines.opaque = s->memory.opaque = s;
    mem_map_region(m->iospace, &s->ports, PORT_AT, 0);
    mem_map_region(m->iospace, &s->lines, LINE_AT, 0);
    mem_map_region(m->sysmem, &s->memory, MEMORY_AT, 1);
    return true;
}
static void testdev_reset(struct device *d)
{
    lines_update((struct pc_testdev *)d);
}
static bool testdev_loaded(struct device *d, struct err *e)
{
    (void)e;
    lines_update((struct pc_testdev *)d);
    return true;
}

static const struct field testdev_state[] = {
    FIELDS(struct pc_testdev, kept),
    FIELDS(struct pc_testdev, level),
    FIELDS(struct pc_testdev, bytes, .flags = F_HIDDEN),
    {0},
};

const struct device_class pc_testdev_class = {
    .name = "pc-testdev",
    .doc = "ports and memory for kvm-unit-tests",
    .bus = "isa",
    .size = sizeof(struct pc_testdev),
    .nirqs = ISA_IRQS,
    .state = testdev_state,
    .init = testdev_init,
    .reset = testdev_reset,
    .loaded = testdev_loaded,
};

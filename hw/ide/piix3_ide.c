/* The IDE function of Intel's PIIX3: two channels at the PC's ports, each with a bus master.
 *
 * SPEC: Intel 290550 (82371SB), 2.3 (configuration), 2.7 (bus master registers). Pins 0 and 1: the channels'
 * interrupts, which go to inputs 14 and 15 of the interrupt controllers and not to PCI's. The channels are the devices
 * "ide.0" and "ide.1"; they are at their ports while the command register's I/O bit and their own enable bit (IDETIM
 * bit 15) are on. That bit is on after reset, as if firmware had been there: boards start kernels without any. Not
 * modelled: what the timing registers do to speed. */
#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/ide/ide_bus.h"
#include "hw/pci/pci.h"

enum { IDETIM = 0x40, SIDETIM = 0x44, IDETIM_ENABLE = 0x8000, CHANNELS = 2 };

struct piix3_ide {
    struct pci_device pci;
    struct ide_bus *channel[CHANNELS];
    struct mem_region bm;
    struct block {
        struct mem_region region;
        struct ide_bus *bus;
        u16 off;          /* in the channel's window */
    } block[CHANNELS][2]; /* command and control */
};

static bool piix_may_master(struct device *owner)
{
    return pci_is_master((struct pci_device *)owner);
}

/* -- bus master registers: 8 bytes a channel ----------------------------------------------------------------------- */

static enum mem_result bm_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct piix3_ide *s = opaque;
    (void)a;
    *val = 0;
    for (unsigned i = 0; i < size; i++) {
        u64 at = (off + i) & 15;
        *val |= (u64)ide_bm_read(s->channel[at >> 3], at & 7) << 8 * i;
    }
    return MEM_OK;
}

static enum mem_result bm_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct piix3_ide *s = opaque;
    (void)a;
    for (unsigned i = 0; i < size; i++) {
        u64 at = (off + i) & 15;
        ide_bm_write(s->channel[at >> 3], at & 7, (u8)(val >> 8 * i));
    }
    return MEM_OK;
}

static const struct mem_ops bm_ops = {.read = bm_read, .write = bm_write, .min_size = 1, .max_size = 4};

/* -- where the channels are ---------------------------------------------------------------------------------------- */

static enum mem_result window_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct block *r = opaque;
    return ide_bus_class.ops->read(r->bus, r->off + off, size, val, a);
}

static enum mem_result window_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    const struct block *r = opaque;
    return ide_bus_class.ops->write(r->bus, r->off + off, size, val, a);
}

static const struct mem_ops window_ops = {.read = window_read, .write = window_write, .min_size = 1, .max_size = 4};

static void blocks_add(struct piix3_ide *s, unsigned channel)
{
    static const u16 ports[CHANNELS] = {0x1f0, 0x170};
    for (unsigned i = 0; i < 2; i++) {
        struct block *r = &s->block[channel][i];
        r->bus = s->channel[channel];
        r->off = i ? IDE_PORT_CONTROL : 0;
        r->region = (struct mem_region){
            .name = r->bus->dev.id, .kind = MEM_MMIO, .size = i ? 1 : 8, .ops = &window_ops, .opaque = r};
        pci_add_fixed(&s->pci, true, ports[channel] + r->off, &r->region);
    }
}

static void blocks_show(struct piix3_ide *s)
{
    for (unsigned i = 0; i < CHANNELS * 2; i++) {
        bool on = ld16le(s->pci.config + IDETIM + 2 * (i / 2)) & IDETIM_ENABLE;
        pci_fixed_decode(&s->pci, &s->block[i / 2][i % 2].region, on);
    }
}

static void piix_config_written(struct pci_device *p, unsigned off, unsigned size)
{
    (void)off;
    (void)size;
    blocks_show((struct piix3_ide *)p);
}

static void channel_irq(void *to, unsigned n, int level)
{
    device_irq(to, n, level);
}

static bool piix_init(struct device *d, struct err *e)
{
    struct piix3_ide *s = (struct piix3_ide *)d;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x7010,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x010180});
    for (unsigned i = CHANNELS; i--;) { /* the first is the newest, and so where drives go that say no bus */
        const char *id = i ? "ide.1" : "ide.0";
        if (machine_find(d->machine, id)) {
            return err_set(e, "there is an '%s' already", id);
        }
        pci_row(&s->pci, IDETIM + 2 * i, 2, IDETIM_ENABLE, 0xffff, 0);
        struct ide_bus *b = (struct ide_bus *)device_new(d->machine, &ide_bus_class, id);
        b->may_master = piix_may_master;
        b->owner = d;
        b->dev.parent = d;
        b->dev.irqs[0] = (struct irq){.fn = channel_irq, .to = d, .n = i};
        if (!device_init(&b->dev, e)) {
            return false;
        }
        s->channel[i] = b;
        blocks_add(s, i);
    }
    pci_row(&s->pci, SIDETIM, 1, 0, 0xff, 0);
    s->bm = (struct mem_region){.name = "piix3-ide-bm", .kind = MEM_MMIO, .size = 16, .ops = &bm_ops, .opaque = s};
    pci_add_bar(&s->pci, 4, PCI_BAR_IO, false, &s->bm);
    s->pci.config_written = piix_config_written;
    return true;
}

static void piix_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
    blocks_show((struct piix3_ide *)d);
}

static bool piix_loaded(struct device *d, struct err *e)
{
    if (!pci_loaded((struct pci_device *)d, e)) {
        return false;
    }
    blocks_show((struct piix3_ide *)d);
    return true;
}

static void piix_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, "/ide@%x", p->devfn >> 3);
    if (p->devfn & 7) {
        buf_printf(out, ",%x", p->devfn & 7);
    }
}

static const struct field piix_state[] = {PCI_FIELDS(struct piix3_ide, pci), {0}};
static const struct prop piix_props[] = {PCI_PROPS(struct piix3_ide, pci), {0}};

const struct device_class piix3_ide_class = {
    .name = "piix3-ide",
    .doc = "IDE of the PIIX3: two channels at the PC's ports",
    .bus = "pci",
    .size = sizeof(struct piix3_ide),
    .nirqs = CHANNELS,
    .state = piix_state,
    .props = piix_props,
    .init = piix_init,
    .reset = piix_reset,
    .loaded = piix_loaded,
    .fw_path = piix_fw_path,
};

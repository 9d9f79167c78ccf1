/* The cards with a VGA on them: "VGA" (PCI 1234:1111: BAR 0 frame buffer, BAR 2 registers, legacy ports and window on
 * machines with ports), "secondary-vga" (the same without what is legacy), "isa-vga" (frame buffer at 0xe0000000).
 * SPEC: QEMU's docs/specs/standard-vga.txt.
 *
 * The legacy ports and window answer whatever the PCI command register says.
 *
 * BAR 2: 0x000 EDID, 0x400 ports 0x3c0 to 0x3df, 0x500 VBE registers in 16 bits each, 0x600 byte order of the frame
 * buffer, which is little-endian and no other. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/display/edid.h"
#include "hw/display/vga.h"
#include "hw/display/vga_priv.h"
#include "hw/pci/pci.h"

enum {
    MMIO_SIZE = 0x1000,
    MMIO_EDID_END = 0x400,
    MMIO_PORTS = 0x400,
    MMIO_DISPI = 0x500,
    MMIO_EXT = 0x600,
    EXT_SIZE = 8,
    EXT_LITTLE = 0x1e1e1e1e
};
#define ISA_LFB 0xe0000000ull

/* -- registers in memory ---------------------------------------------------------------------------------------- */

struct vga_card {
    struct pci_device pci;
    struct vga vga;
    struct mem_region mmio;
    bool edid_on;
    u32 xres, yres;
    u8 edid[EDID_SIZE];
};

static enum mem_result card_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct vga_card *c = opaque;
    (void)a;
    *val = 0;
    if (off < MMIO_EDID_END) {
        *val = c->edid_on && off + size <= EDID_SIZE ? ldnle(c->edid + off, size) : 0;
    } else if (off < MMIO_PORTS + 0x20) {
        for (unsigned i = 0; i < size; i++) {
            *val |= (u64)vga_port_read(&c->vga, 0x3c0 + (unsigned)(off - MMIO_PORTS) + i) << 8 * i;
        }
    } else if (off >= MMIO_DISPI && off < MMIO_DISPI + 2 * DISPI_REGS) {
        u64 v = vga_dispi_read(&c->vga, (unsigned)(off - MMIO_DISPI) / 2);
        *val = v >> 8 * (off & 1) & MASK(8 * size);
    } else if (off >= MMIO_EXT && off < MMIO_EXT + 8) {
        *val = off < MMIO_EXT + 4 ? EXT_SIZE >> 8 * (off & 3) : EXT_LITTLE & (u32)MASK(8 * size);
    }
    return MEM_OK;
}

static enum mem_result card_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct vga_card *c = opaque;
    (void)a;
    if (off >= MMIO_PORTS && off < MMIO_PORTS + 0x20) {
        for (unsigned i = 0; i < size; i++) {
            vga_port_write(&c->vga, 0x3c0 + (unsigned)(off - MMIO_PORTS) + i, (u8)(val >> 8 * i));
        }
    } else if (off >= MMIO_DISPI && off < MMIO_DISPI + 2 * DISPI_REGS && size == 2) {
        vga_dispi_write(&c->vga, (unsigned)(off - MMIO_DISPI) / 2, (u16)val);
    } else if (off == MMIO_EXT + 4) {
        if ((u32)val != EXT_LITTLE) {
            unimp(device_name(&c->pci.dev), "a big-endian frame buffer");
        }
    } else {
        guest_error(device_name(&c->pci.dev), "write of 0x%llx at offset 0x%llx of BAR 2, where there is no register",
                    (unsigned long long)val, (unsigned long long)off);
    }
    return MEM_OK;
}

static const struct mem_ops card_ops = {.read = card_read, .write = card_write, .min_size = 1, .max_size = 2};

/* -- PCI ----------------------------------------------------------------------------------------------------------- */

static bool card_init(struct vga_card *c, u32 class_code, struct err *e)
{
    struct device *d = &c->pci.dev;
    if (!vga_init(&c->vga, d, e)) {
        return false;
    }
    edid_make(c->edid, c->xres ? c->xres : 1280, c->yres ? c->yres : 800);
    pci_init(&c->pci, &(struct pci_ident){.vendor = 0x1234,
                                          .device = 0x1111,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = class_code,
                                          .revision = 2});
    c->mmio =
        (struct mem_region){.name = "vga.mmio", .kind = MEM_MMIO, .size = MMIO_SIZE, .ops = &card_ops, .opaque = c};
    pci_add_bar(&c->pci, 0, PCI_BAR_MEM32, true, &c->vga.lfb);
    pci_add_bar(&c->pci, 2, PCI_BAR_MEM32, false, &c->mmio);
    if (!pci_add_rom(&c->pci, class_code == 0x030000 ? "vgabios-stdvga.bin" : "", e)) {
        vga_fini(&c->vga);
        return false;
    }
    return true;
}

static bool vga_pci_init(struct device *d, struct err *e)
{
    struct vga_card *c = (struct vga_card *)d;
    if (!card_init(c, 0x030000, e)) {
        return false;
    }
    if (d->machine->iospace) {
        vga_map_legacy(&c->vga, d->machine->sysmem, d->machine->iospace);
    }
    return true;
}

static bool secondary_init(struct device *d, struct err *e)
{
    return card_init((struct vga_card *)d, 0x038000, e);
}

static void card_reset(struct device *d)
{
    struct vga_card *c = (struct vga_card *)d;
    pci_reset(&c->pci);
    vga_reset(&c->vga);
}
static bool card_loaded(struct device *d, struct err *e)
{
    struct vga_card *c = (struct vga_card *)d;
    vga_loaded(&c->vga);
    return pci_loaded(&c->pci, e);
}
static void card_fini(struct device *d)
{
    vga_fini(&((struct vga_card *)d)->vga);
}

static const struct field card_state[] = {PCI_FIELDS(struct vga_card, pci), VGA_FIELDS(struct vga_card, vga), {0}};
static const struct prop card_props[] = {
    PCI_PROPS(struct vga_card, pci),
    VGA_PROPS(struct vga_card, vga),
    PROP("edid", PROP_BOOL, struct vga_card, edid_on, "on", "the guest may ask what the monitor can"),
    PROP("xres", PROP_U32, struct vga_card, xres, "0", "the monitor's preferred width; 0: 1280"),
    PROP("yres", PROP_U32, struct vga_card, yres, "0", "the monitor's preferred height; 0: 800"),
    {0},
};

const struct device_class vga_pci_class = {
    .name = "VGA",
    .doc = "VGA with Bochs VBE, on PCI",
    .bus = "pci",
    .size = sizeof(struct vga_card),
    .state = card_state,
    .props = card_props,
    .init = vga_pci_init,
    .reset = card_reset,
    .loaded = card_loaded,
    .fini = card_fini,
};

const struct device_class secondary_vga_class = {
    .name = "secondary-vga",
    .doc = "Bochs VBE display without a VGA's legacy, on PCI",
    .bus = "pci",
    .size = sizeof(struct vga_card),
    .state = card_state,
    .props = card_props,
    .init = secondary_init,
    .reset = card_reset,
    .loaded = card_loaded,
    .fini = card_fini,
};

/* -- ISA ----------------------------------------------------------------------------------------------------------- */

struct vga_isa {
    struct device dev;
    struct vga vga;
};

static bool vga_isa_init(struct device *d, struct err *e)
{
    struct vga_isa *c = (struct vga_isa *)d;
    if (!d->machine->iospace) {
        return err_set(e, "this machine has no ISA bus");
    }
    if (!vga_init(&c->vga, d, e)) {
        return false;
    }
    vga_map_legacy(&c->vga, d->machine->sysmem, d->machine->iospace);
    mem_map_region(d->machine->sysmem, &c->vga.lfb, ISA_LFB, 1);
    return true;
}
static void isa_reset(struct device *d)
{
    vga_reset(&((struct vga_isa *)d)->vga);
}
static bool isa_loaded(struct device *d, struct err *e)
{
    (void)e;
    vga_loaded(&((struct vga_isa *)d)->vga);
    return true;
}
static void isa_fini(struct device *d)
{
    vga_fini(&((struct vga_isa *)d)->vga);
}

static const struct field isa_state[] = {VGA_FIELDS(struct vga_isa, vga), {0}};
static const struct prop isa_props[] = {VGA_PROPS(struct vga_isa, vga), {0}};

const struct device_class vga_isa_class = {
    .name = "isa-vga",
    .doc = "VGA with Bochs VBE, on ISA",
    .bus = "sysbus",
    .size = sizeof(struct vga_isa),
    .state = isa_state,
    .props = isa_props,
    .init = vga_isa_init,
    .reset = isa_reset,
    .loaded = isa_loaded,
    .fini = isa_fini,
};

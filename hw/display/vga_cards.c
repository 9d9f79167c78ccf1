/* The cards with a VGA on them: "VGA" (PCI 1234:1111: BAR 0 frame buffer, BAR 2 registers (vga_mmio.c), legacy ports
 * and window on machines with ports), "secondary-vga" (the same without what is legacy), "isa-vga" (frame buffer at
 * 0xe0000000). SPEC: QEMU's docs/specs/standard-vga.txt.
 *
 * The legacy ports and window answer whatever the PCI command register says. */
#include "hw/core/machine.h"
#include "hw/display/vga.h"
#include "hw/display/vga_priv.h"
#include "hw/pci/pci.h"

#define ISA_LFB 0xe0000000ull

struct vga_card {
    struct pci_device pci;
    struct vga vga;
    struct vga_mmio mmio;
    bool edid_on;
    u32 xres, yres;
};

/* -- PCI ----------------------------------------------------------------------------------------------------------- */

static bool card_init(struct vga_card *c, u32 class_code, struct err *e)
{
    struct device *d = &c->pci.dev;
    if (!vga_init(&c->vga, d, e)) {
        return false;
    }
    vga_mmio_init(&c->mmio, &c->vga, c->edid_on, c->xres, c->yres);
    pci_init(&c->pci, &(struct pci_ident){.vendor = 0x1234,
                                          .device = 0x1111,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = class_code,
                                          .revision = 2});
    pci_add_bar(&c->pci, 0, PCI_BAR_MEM32, true, &c->vga.lfb);
    pci_add_bar(&c->pci, 2, PCI_BAR_MEM32, false, &c->mmio.region);
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

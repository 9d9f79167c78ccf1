/* The PC with Intel's 440FX and PIIX3 (QEMU's `pc`): what is on its PCI bus. 00.0 host bridge, 01.0 ISA bridge, 01.1
 * IDE, 01.3 power management, 02.0 VGA.
 *
 * Not modelled: 01.2, the USB controller of the PIIX3. */
#include "hw/board/pc/pc_priv.h"

#include "hw/acpi/piix4_pm.h"
#include "hw/ide/ide.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/piix3.h"
#include "target/i386/i386.h"

enum { SOUTH = 1 << 3, VGA = 2 << 3, IRQ_SCI = 9, IRQ_IDE = 14, PM_BASE = 0x600, PIRQRC = 0x60 };

static bool host_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    if (!pc_bridges_make(m, &i440fx_host_class, "pci.0", &piix3_class, "piix3", SOUTH, piix3_reset_control, e)) {
        return false;
    }
    struct device *south = &pc->south->dev;
    for (unsigned i = 0; i < PCI_PINS; i++) {
        pc->pci_host->irqs[i] = device_pin(south, i);
    }
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        south->irqs[i] = isa_line(pc->isa, i);
    }
    south->irqs[PIIX3_INIT] = pc_input(m, PC_IN_INIT);
    return true;
}

static bool ide_drive(struct machine *m, const struct drive *d, struct err *e)
{
    struct device *bus = machine_find(m, d->bus ? "ide.1" : "ide.0");
    return ide_attach(bus, d->unit, d->disk, d->cdrom, d->serial, e) != NULL;
}

static bool ide_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    struct pci_device *ide = pci_make(pc->pci_host, &piix3_ide_class, "ide", SOUTH | 1, e);
    if (!ide) {
        return false;
    }
    ide->dev.irqs[0] = isa_line(pc->isa, IRQ_IDE);
    ide->dev.irqs[1] = isa_line(pc->isa, IRQ_IDE + 1);
    return pc_drives_attach(m, DRIVE_IDE, ide_drive, e);
}

static bool pm_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    struct pci_device *pm = pci_make(pc->pci_host, &piix4_pm_class, "pm", SOUTH | 3, e);
    if (!pm) {
        return false;
    }
    pm->dev.irqs[PIIX4_SCI] = isa_line(pc->isa, IRQ_SCI);
    pm->dev.irqs[PIIX4_SMI] = pc_input(m, PC_IN_SMI);
    pc->pm = &pm->dev;
    return true;
}

static bool functions_make(struct machine *m, struct err *e)
{
    return ide_make(m, e) && pc_fdc_make(m, e) && pm_make(m, e) && pc_vga_make(m, VGA, e);
}

static void place(struct machine *m)
{
    piix4_pm_place(pc_of(m)->pm, PM_BASE);
    pc_pirqs_route(m, PIRQRC);
}

/* -- ACPI ---------------------------------------------------------------------------------------------------------- */

static unsigned pirq_of(unsigned slot, unsigned pin)
{
    return (slot + pin + PCI_PINS - 1) % PCI_PINS;
}

static void acpi_say(struct pc_acpi *a)
{
    a->pm_base = piix4_pm_base;
    a->gpe0 = PIIX4_GPE0;
    a->gpe0_size = PIIX4_GPE0_SIZE;
    a->s5 = PIIX4_S5;
    a->reset_value = 6;
    a->bridge = SOUTH;
    a->links = PCI_PINS;
    a->pirq = pirq_of;
}

static unsigned pci_input(unsigned slot, unsigned pin)
{
    return pc_pirq_irq(pirq_of(slot, pin));
}

static u8 link_of(unsigned slot, unsigned pin)
{
    return (u8)(PIRQRC + pirq_of(slot, pin));
}

static void irqs_say(struct irq_facts *f)
{
    f->pci_input = pci_input;
    f->router = SOUTH;
    f->router_id = 0x70008086;
    f->link = link_of;
}

static const struct pc_kind i440fx_kind = {
    .most_below_4g = 0xe0000000,
    .split = 3 * GIB,
    .product = "Standard PC (i440FX + PIIX, 1996)",
    .firmware = "bios-256k.bin",
    .host_make = host_make,
    .functions_make = functions_make,
    .place = place,
    .acpi_say = acpi_say,
    .irqs_say = irqs_say,
};

static bool i440fx_build(struct machine *m, struct err *e)
{
    return pc_make(m, &i440fx_kind, e);
}

static void power_button(struct machine *m)
{
    piix4_pm_power_button(pc_of(m)->pm);
}

static const char *const aliases[] = {"pc", NULL};
const struct board board_pc = {
    PC_PCI_BOARD,          .name = "pc-i440fx-7.2",      .doc = "Standard PC (i440FX + PIIX, 1996)",
    .is_default = true,    .aliases = aliases,           .drive_room = {[DRIVE_IDE] = {2, 2}, [DRIVE_FLOPPY] = {1, 2}},
    .build = i440fx_build, .power_button = power_button,
};

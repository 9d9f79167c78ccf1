/* The PC with Intel's Q35 and ICH9 (QEMU's `q35`): PCI Express by ECAM. 00.0 host bridge, 01.0 VGA, 1f.0 LPC bridge,
 * 1f.2 AHCI.
 *
 * Not modelled: 1f.3, the SMBus; the ICH9's USB controllers. */
#include "hw/board/pc/pc_priv.h"

#include <string.h>

#include "hw/acpi/ich9_lpc.h"
#include "hw/ide/ahci.h"
#include "hw/ide/ide.h"
#include "hw/pci/q35.h"
#include "target/i386/i386.h"

enum { VGA = 1 << 3, LPC = 31 << 3, AHCI = LPC | 2, PORTS = 6, IRQ_SCI = 9, PM_BASE = 0x600 };
enum { PIRQA = 0x60, PIRQE = 0x68, GSI0 = 16 /* of PIRQA */ };

static bool host_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    if (!pc_bridges_make(m, &q35_host_class, "pcie.0", &ich9_lpc_class, "lpc", LPC, ich9_reset_control, e)) {
        return false;
    }
    struct device *lpc = &pc->south->dev;
    for (unsigned i = 0; i < PCI_LINES; i++) {
        pc->pci_host->irqs[i] = device_pin(lpc, i);
    }
    for (unsigned i = 0; i < ICH9_IRQS; i++) {
        lpc->irqs[i] = isa_line(pc->isa, i);
    }
    for (unsigned i = 0; i < ICH9_GSIS; i++) {
        lpc->irqs[ICH9_IRQS + i] = pc_gsi(m, ICH9_IRQS + i);
    }
    lpc->irqs[ICH9_SCI] = isa_line(pc->isa, IRQ_SCI);
    lpc->irqs[ICH9_SMI] = pc_input(m, PC_IN_SMI);
    lpc->irqs[ICH9_INIT] = pc_input(m, PC_IN_INIT);
    pc->pm = lpc;
    return true;
}

static bool sata_drive(struct machine *m, const struct drive *d, struct err *e)
{
    struct device *bus = machine_find(m, arena_printf(&m->arena, "ide.%u", d->bus));
    return ide_attach(bus, d->unit, d->disk, d->cdrom, d->serial, e) != NULL;
}

static bool functions_make(struct machine *m, struct err *e)
{
    return pci_make(pc_of(m)->pci_host, &ich9_ahci_class, "ide", AHCI, e) &&
           pc_drives_attach(m, DRIVE_IDE, sata_drive, e) && pc_fdc_make(m, e) && pc_vga_make(m, VGA, e);
}

/* ECAM too: below where chip sets' own addresses begin, above RAM. */
static void place(struct machine *m)
{
    enum { MCH_PCIEXBAR = 0x60 };
    const struct pc *pc = pc_of(m);
    struct pci_device *mch = pci_find(pc->south->bus->root, 0, 0);
    ich9_pm_place(pc->pm, PM_BASE);
    pc_pirqs_route(m, PIRQA);
    pc_pirqs_route(m, PIRQE);
    pci_config_write(mch, MCH_PCIEXBAR, 4, 0xb0000001);
}

static void acpi_say(struct pc_acpi *a)
{
    a->pm_base = ich9_pm_base;
    a->gpe0 = ICH9_GPE0;
    a->gpe0_size = ICH9_GPE0_SIZE;
    a->s5 = ICH9_S5;
    a->reset_value = 0x0f;
    a->bridge = LPC;
    a->links = PCI_LINES;
    a->pirq = q35_pirq;
    a->ecam = q35_ecam;
    a->ecam_opaque = pc_of(a->m)->pci_host;
    a->mem32 = MAX(a->mem32, 0xc0000000ull); /* behind ECAM */
}

static unsigned pci_input(unsigned slot, unsigned pin)
{
    return GSI0 + q35_pirq(slot, pin);
}

static u8 link_of(unsigned slot, unsigned pin)
{
    unsigned n = q35_pirq(slot, pin);
    return (u8)(n < PCI_PINS ? PIRQA + n : PIRQE + n - PCI_PINS);
}

static void irqs_say(struct irq_facts *f)
{
    f->pci_input = pci_input;
    f->router = LPC;
    f->router_id = 0x122e8086; /* the 82371FB's registers: systems know them longer than this bridge */
    f->link = link_of;
}

static const struct pc_kind q35_kind = {
    .most_below_4g = 0xb0000000,
    .split = 2 * GIB,
    .product = "Standard PC (Q35 + ICH9, 2009)",
    .firmware = "bios-256k.bin",
    .host_make = host_make,
    .functions_make = functions_make,
    .place = place,
    .acpi_say = acpi_say,
    .irqs_say = irqs_say,
};

static bool q35_build(struct machine *m, struct err *e)
{
    return pc_make(m, &q35_kind, e);
}

static void power_button(struct machine *m)
{
    ich9_power_button(pc_of(m)->pm);
}

static const char *const aliases[] = {"q35", NULL};
const struct board board_q35 = {
    PC_PCI_BOARD,
    .name = "pc-q35-7.2",
    .doc = "Standard PC (Q35 + ICH9, 2009)",
    .aliases = aliases,
    .drive_room = {[DRIVE_IDE] = {PORTS, 1}, [DRIVE_FLOPPY] = {1, 2, .when_used = true}},
    .build = q35_build,
    .power_button = power_button,
};

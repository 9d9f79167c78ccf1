/* What PCs have in common: interrupt controllers, clocks, keyboard, ports. What lies where is IBM's PC AT Technical
 * Reference, the data sheets that the devices name, and what firmware is built for. The chip set, and what is on it, is
 * of the board's own file. */
#include "hw/board/pc/pc_priv.h"

#include <string.h>

#include "hw/block/fdc.h"
#include "hw/char/ns16550.h"
#include "hw/char/parallel.h"
#include "hw/display/vga.h"
#include "hw/display/virtio_gpu.h"
#include "hw/input/i8042.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/i8237.h"
#include "hw/misc/port92.h"
#include "hw/pci/pc_host.h"
#include "hw/pci/reset_control.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/port61.h"
#include "target/i386/i386.h"

enum { IRQ_TIMER = 0, IRQ_KEYBOARD = 1, IRQ_FLOPPY = 6, IRQ_RTC = 8, IRQ_MOUSE = 12, FDC = 0x3f0 };
#define HPET_BASE 0xfed00000u

const struct part pc_parts[] = {
    {&i8237_class, "dma", 0, -1, .io = true},
    {&i8042_class, "keyboard", 0, -1, .io = true},
    {&i8254_class, "pit", 0x40, -1, .io = true},
    {&port61_class, "port61", 0x61, -1, .io = true},
    {&mc146818_class, "rtc", 0x70, -1, .io = true},
    {&port92_class, "port92", 0x92, PC_IN_A20, .io = true},
    {&fw_cfg_io_class, "fw_cfg", 0x510, -1, .io = true},
    {&hpet_class, "hpet", HPET_BASE, -1, .when = "hpet"},
    {0},
};

const struct prop pc_options[] = {
    PROP("max-ram-below-4g", PROP_SIZE, struct pc, max_below_4g, "0",
         "more RAM than that, and the rest is from 4 GiB on"),
    PROP("hpet", PROP_BOOL, struct pc, hpet, "on", "high precision event timers"),
    PROP("acpi", PROP_STR, struct pc, acpi_wanted, "auto", "off: no ACPI tables"),
    PROP("smbios-entry-point-type", PROP_STR, struct pc, smbios, "auto",
         "32: as systems of any age know it; 64: version 3; auto: 32 if the tables fit"),
    PROP("vmport", PROP_STR, struct pc, vmport, "auto", "accepted: there is no VMware port"),
    {0},
};
const struct target *const pc_targets[] = {&target_x86_64, &target_i386, NULL};
const char *const pc_vgas[] = {"std", "virtio", "none", NULL};

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

/* An IRQ is an input of both controllers; the timer's is the third one of the IO-APIC (MPS 1.4, 3.6.1). */
static void irq_out(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    struct irq pic = device_pin(pc->pic, n);
    irq_set(&pic, level);
    if (pc->ioapic && n != 2) {
        struct irq ioapic = device_pin(pc->ioapic, n == IRQ_TIMER ? 2 : n);
        irq_set(&ioapic, level);
    }
}

/* Inputs of the IO-APIC beyond ISA's: n is the input, and above it the source. */
static void gsi_in(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    unsigned gsi = n % IOAPIC_PINS;
    u32 bit = 1u << n / IOAPIC_PINS;
    pc->gsi_driven[gsi] = level ? pc->gsi_driven[gsi] | bit : pc->gsi_driven[gsi] & ~bit;
    struct irq ioapic = device_pin(pc->ioapic, gsi);
    irq_set(&ioapic, pc->gsi_driven[gsi] != 0);
}

struct irq pc_gsi(struct machine *m, unsigned gsi)
{
    struct pc *pc = pc_of(m);
    must(gsi < IOAPIC_PINS);
    if (gsi < ISA_IRQS) {
        return isa_line(pc->isa, gsi == 2 ? IRQ_TIMER : gsi);
    }
    unsigned source = pc->gsi_sources[gsi] < 31 ? pc->gsi_sources[gsi]++ : 31;
    return (struct irq){.fn = gsi_in, .to = m, .n = gsi + IOAPIC_PINS * source};
}

/* Address line 20 is closed when both of those that can open it leave it closed. */
static void a20_in(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    struct irq line = pc_cpus_line(&pc->cpus, PC_A20M);
    pc->a20_closed[n] = level != 0;
    irq_set(&line, pc->a20_closed[0] && pc->a20_closed[1]);
}

/* The processor's INIT makes firmware start anew; where there is none, the machine does. */
static void init_in(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    struct irq line = pc_cpus_line(&pc->cpus, PC_INIT);
    (void)n;
    if (!pc->direct) {
        irq_set(&line, level);
    } else if (level) {
        machine_request_reset();
    }
}

struct irq pc_input(struct machine *m, int n)
{
    struct pc *pc = pc_of(m);
    if (n < ISA_IRQS) {
        return isa_line(pc->isa, (unsigned)n);
    }
    if (n == PC_IN_A20 || n == PC_IN_A20_KBD) {
        return (struct irq){.fn = a20_in, .to = m, .n = n == PC_IN_A20_KBD};
    }
    if (n == PC_IN_INIT || n == PC_IN_INIT_KBD) {
        return (struct irq){.fn = init_in, .to = m};
    }
    return pc_cpus_line(&pc->cpus, n == PC_IN_NMI ? PC_NMI : PC_SMI);
}

static int pic_ack(void *opaque)
{
    return i8259_ack(opaque);
}

static bool ioapic_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->ioapic = device_new(m, &ioapic_class, "ioapic");
    if (!device_init(pc->ioapic, e)) {
        return false;
    }
    device_map(pc->ioapic, m->sysmem, IOAPIC_BASE, 0);
    if (pc->cpus.bus) {
        pc_cpus_set_ioapic(&pc->cpus, pc->ioapic, ioapic_eoi);
    }
    return true;
}

static bool controllers_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->pic = device_new(m, &i8259_class, "pic");
    if (!device_init(pc->pic, e) || (!pc->kind->isa && !ioapic_make(m, e))) {
        return false;
    }
    pc->isa = device_new(m, &isa_bus_class, "isa.0");
    if (!device_init(pc->isa, e)) {
        return false;
    }
    device_map(pc->pic, m->iospace, 0, 0);
    pc->pic->irqs[0] = pc_cpus_intr(&pc->cpus);
    pc_cpus_set_pic(&pc->cpus, pic_ack, pc->pic);
    for (unsigned n = 0; n < ISA_IRQS; n++) {
        pc->isa->irqs[n] = (struct irq){.fn = irq_out, .to = m, .n = n};
    }
    return true;
}

/* -- wires that rows can't say ------------------------------------------------------------------------------------- */

/* The timer's second counter refreshes memory, the third speaks; the clock's chip has the switch for NMI. */
static void clocks_wire(struct machine *m)
{
    struct pc *pc = pc_of(m);
    struct device *port61 = machine_find(m, "port61");
    pc->pit = machine_find(m, "pit");
    pc->rtc = machine_find(m, "rtc");
    pc->pit->irqs[0] = isa_line(pc->isa, IRQ_TIMER);
    pc->rtc->irqs[0] = isa_line(pc->isa, IRQ_RTC);
    pc->rtc->irqs[1] = device_pin(port61, 2);
    port61_set_timer(port61, pc->pit);
    port61->irqs[0] = device_pin(pc->pit, 2);
    port61->irqs[1] = pc_input(m, PC_IN_NMI);
}

/* Legacy replacement silences the 8254 and the clock. */
static void legacy_set(void *to, unsigned n, int level)
{
    const struct pc *pc = pc_of(to);
    struct irq pit = device_pin(pc->pit, 3), rtc = device_pin(pc->rtc, 0);
    (void)n;
    irq_set(&pit, level);
    irq_set(&rtc, level);
}

static void hpet_wire(struct machine *m)
{
    struct device *hpet = machine_find(m, "hpet");
    for (unsigned n = 0; hpet && n < IOAPIC_PINS; n++) {
        hpet->irqs[n] = pc_gsi(m, n);
    }
    if (hpet) {
        hpet->irqs[HPET_IRQ0] = isa_line(pc_of(m)->isa, IRQ_TIMER);
        hpet->irqs[HPET_IRQ8] = isa_line(pc_of(m)->isa, IRQ_RTC);
        hpet->irqs[HPET_LEGACY] = (struct irq){.fn = legacy_set, .to = m};
    }
}

static void keyboard_wire(struct machine *m)
{
    struct device *kbd = machine_find(m, "keyboard");
    kbd->irqs[0] = isa_line(pc_of(m)->isa, IRQ_KEYBOARD);
    kbd->irqs[1] = isa_line(pc_of(m)->isa, IRQ_MOUSE);
    kbd->irqs[2] = pc_input(m, PC_IN_A20_KBD);
    kbd->irqs[3] = pc_input(m, PC_IN_INIT_KBD);
}

/* -- ports that nobody is at the other end of are not there -------------------------------------------------------- */

static bool port_make(struct machine *m, const struct device_class *cls, const char *id, u16 base, unsigned irq,
                      enum part_backend b, const char *prop, struct err *e)
{
    struct device *d = device_new(m, cls, id);
    machine_give_backend(d, b);
    if ((prop && !device_set_prop(d, prop, "on", e)) || !device_init(d, e)) {
        return false;
    }
    device_map(d, m->iospace, base, 0);
    d->irqs[0] = isa_line(pc_of(m)->isa, irq);
    return true;
}

static bool ports_make(struct machine *m, struct err *e)
{
    static const struct {
        u16 base;
        u8 irq;
    } com[PC_COMS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}}, lpt[] = {{0x378, 7}, {0x278, 7}, {0x3bc, 7}};
    struct pc *pc = pc_of(m);
    for (unsigned i = 0; i < PC_COMS; i++) {
        const char *id = arena_printf(&m->arena, "serial%u", i);
        if (m->cfg.serial[i] &&
            !port_make(m, &ns16550_class, id, com[i].base, com[i].irq, SERIAL0 + i, "out2-gate", e)) {
            return false;
        }
        pc->coms |= m->cfg.serial[i] ? 1u << i : 0;
    }
    for (unsigned i = 0; i < ARRAY_LEN(lpt); i++) {
        const char *id = arena_printf(&m->arena, "parallel%u", i);
        if (m->cfg.parallel[i] && !port_make(m, &parallel_class, id, lpt[i].base, lpt[i].irq, PARALLEL0 + i, NULL, e)) {
            return false;
        }
    }
    return true;
}

const char *pc_vga_wanted(const struct machine *m)
{
    return m->cfg.vga ? m->cfg.vga : m->cfg.no_defaults ? "none" : m->board->vgas[0];
}

bool pc_vga_make(struct machine *m, unsigned devfn, struct err *e)
{
    struct pc *pc = pc_of(m);
    const char *vga = pc_vga_wanted(m);
    const struct device_class *cls = !strcmp(vga, "virtio") ? &virtio_vga_class : &vga_pci_class;
    pc->has_vga = strcmp(vga, "none") != 0;
    return !pc->has_vga || pci_make(pc->pci_host, cls, NULL, devfn, e);
}

/* -- drives -------------------------------------------------------------------------------------------------------- */

bool pc_drives_attach(struct machine *m, enum drive_kind kind,
                      bool (*attach)(struct machine *m, const struct drive *d, struct err *e), struct err *e)
{
    for (unsigned i = 0; i < m->cfg.ndrives; i++) {
        const struct drive *d = &m->cfg.drives[i];
        if (d->kind == kind && !attach(m, d, e)) {
            return false;
        }
    }
    return true;
}

static bool floppy_drive(struct machine *m, const struct drive *d, struct err *e)
{
    return fdc_attach(pc_of(m)->fdc, d->unit, d->disk, e) != NULL;
}

static bool has_drive(const struct machine *m, enum drive_kind kind)
{
    unsigned i = 0;
    while (i < m->cfg.ndrives && m->cfg.drives[i].kind != kind) {
        i++;
    }
    return i < m->cfg.ndrives;
}

bool pc_fdc_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    if (m->board->drive_room[DRIVE_FLOPPY].when_used && !has_drive(m, DRIVE_FLOPPY)) {
        return true;
    }
    pc->fdc = device_new(m, &isa_fdc_class, "fdc");
    fdc_set_dma(pc->fdc, i8237_bus(machine_find(m, "dma")));
    if (!device_init(pc->fdc, e)) {
        return false;
    }
    device_map(pc->fdc, m->iospace, FDC, 0);
    pc->fdc->irqs[0] = isa_line(pc->isa, IRQ_FLOPPY);
    return pc_drives_attach(m, DRIVE_FLOPPY, floppy_drive, e);
}

/* -- all of it ----------------------------------------------------------------------------------------------------- */

bool pc_bridges_make(struct machine *m, const struct device_class *host, const char *id,
                     const struct device_class *south, const char *south_id, unsigned devfn,
                     struct reset_control *(*control)(struct pci_device *d), struct err *e)
{
    struct pc *pc = pc_of(m);
    const u64 above = 4 * GIB + pc->above_4g;
    const struct pci_window window[2] = {{pc->below_4g, PC_TOP - pc->below_4g}, {above, PC_HIGH_END - above}};
    pc->pci_host = device_new(m, host, id);
    pc_host_place(pc->pci_host, window);
    if (!device_init(pc->pci_host, e) || !(pc->south = pci_make(pc->pci_host, south, south_id, devfn, e))) {
        return false;
    }
    reset_control_place(control(pc->south), pc_host_conf1(pc->pci_host));
    return true;
}

bool pc_make(struct machine *m, const struct pc_kind *kind, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->kind = kind;
    if (!pc_cpus_make(m, &pc->cpus, !kind->isa, e) || !pc_memory_map(m, e) || !controllers_make(m, e) ||
        (kind->host_make && !kind->host_make(m, e)) || !machine_place_parts(m, pc_input, e)) {
        return false;
    }
    pc->fw_cfg = machine_find(m, "fw_cfg");
    clocks_wire(m);
    hpet_wire(m);
    keyboard_wire(m);
    return ports_make(m, e) && kind->functions_make(m, e);
}

bool pc_fw_cfg_file(struct machine *m, const char *name, const void *data, size_t len, struct err *e)
{
    return fw_cfg_add_file(pc_of(m)->fw_cfg, name, data, len, NULL, NULL, e);
}

void pc_pirqs_route(struct machine *m, unsigned reg)
{
    enum { ELCR = 0x4d0 };
    for (unsigned n = 0; n < PCI_PINS; n++) {
        pci_config_write(pc_of(m)->south, reg + n, 1, pc_pirq_irq(n));
    }
    mem_store(m->iospace, ELCR, 1, PC_PIRQ_IRQS & 0xff, (struct mem_attrs){0});
    mem_store(m->iospace, ELCR + 1, 1, PC_PIRQ_IRQS >> 8, (struct mem_attrs){0});
}

/* Without firmware nobody else would do it: the first DMA controller's way to the bus is opened too. */
void pc_reset(struct machine *m)
{
    enum { DMA_MODE = 0xd6, DMA_MASK = 0xd4, CASCADE = 0xc0 };
    struct pc *pc = pc_of(m);
    pc_boot_order(m);
    if (pc->direct) {
        pc_cpus_virtual_wire(&pc->cpus);
        if (pc->kind->place) {
            pc->kind->place(m);
        }
        mem_store(m->iospace, DMA_MODE, 1, CASCADE, (struct mem_attrs){0});
        mem_store(m->iospace, DMA_MASK, 1, 0, (struct mem_attrs){0});
    }
}

/* The PC with Intel's 440FX and PIIX3 (QEMU's `pc`): the parts, the options, and how they come together. What lies
 * where is IBM's PC AT Technical Reference, the data sheets that the devices name, and what firmware is built for.
 *
 * Not modelled: see docs/boards.md. */
#include "hw/board/pc/pc_priv.h"

#include "hw/char/ns16550.h"
#include "hw/core/isa.h"
#include "hw/display/vga.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/i8237.h"
#include "hw/misc/port92.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/piix3.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/port61.h"
#include "target/i386/i386.h"
#include <string.h>

enum { PIIX3_SLOT = 1, VGA_SLOT = 2, IRQ_TIMER = 0, IRQ_RTC = 8 };

static const struct part pc_parts[] = {
    {&i8237_class, "dma", 0, -1, .io = true},
    {&i8254_class, "pit", 0x40, -1, .io = true},
    {&port61_class, "port61", 0x61, -1, .io = true},
    {&mc146818_class, "rtc", 0x70, -1, .io = true},
    {&port92_class, "port92", 0x92, PC_IN_A20, .io = true},
    {&fw_cfg_io_class, "fw_cfg", 0x510, -1, .io = true},
    {0},
};

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

/* An IRQ is an input of both controllers; the timer's is the third one of the IO-APIC (MPS 1.4, 3.6.1). */
static void irq_out(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    struct irq pic = device_pin(pc->pic, n), ioapic = device_pin(pc->ioapic, n == IRQ_TIMER ? 2 : n);
    irq_set(&pic, level);
    if (n != 2) {
        irq_set(&ioapic, level);
    }
}

/* Address line 20 is closed when both of those that can open it leave it closed. */
static void a20_in(void *to, unsigned n, int level)
{
    struct pc *pc = pc_of(to);
    struct irq line = pc_cpus_line(&pc->cpus, PC_A20M);
    pc->a20_closed[n] = level != 0;
    irq_set(&line, pc->a20_closed[0] && pc->a20_closed[1]);
}

struct irq pc_input(struct machine *m, int n)
{
    static const u8 lines[] = {
        [PC_IN_INIT] = PC_INIT, [PC_IN_INIT_KBD] = PC_INIT, [PC_IN_NMI] = PC_NMI, [PC_IN_SMI] = PC_SMI};
    struct pc *pc = pc_of(m);
    if (n < ISA_IRQS) {
        return isa_line(pc->isa, (unsigned)n);
    }
    if (n == PC_IN_A20 || n == PC_IN_A20_KBD) {
        return (struct irq){.fn = a20_in, .to = m, .n = n == PC_IN_A20_KBD};
    }
    return n == PC_IN_NOWHERE ? (struct irq){0} : pc_cpus_line(&pc->cpus, lines[n]);
}

/* -- what rows can't say ------------------------------------------------------------------------------------------- */

static int pic_ack(void *opaque)
{
    return i8259_ack(opaque);
}

static bool controllers_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->pic = device_new(m, &i8259_class, "pic");
    pc->ioapic = device_new(m, &ioapic_class, "ioapic");
    pc->isa = device_new(m, &isa_bus_class, "isa.0");
    if (!device_init(pc->pic, e) || !device_init(pc->ioapic, e) || !device_init(pc->isa, e)) {
        return false;
    }
    device_map(pc->pic, m->iospace, 0, 0);
    device_map(pc->ioapic, m->sysmem, IOAPIC_BASE, 0);
    pc->pic->irqs[0] = pc_cpus_intr(&pc->cpus);
    pc_cpus_set_pic(&pc->cpus, pic_ack, pc->pic);
    if (pc->cpus.bus) {
        pc_cpus_set_ioapic(&pc->cpus, pc->ioapic, ioapic_eoi);
    }
    for (unsigned n = 0; n < ISA_IRQS; n++) {
        pc->isa->irqs[n] = (struct irq){.fn = irq_out, .to = m, .n = n};
    }
    return true;
}

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

/* Ports that nobody is at the other end of are not there. */
static bool serial_make(struct machine *m, struct err *e)
{
    static const struct {
        u16 base;
        u8 irq;
    } com[PC_COMS] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};
    for (unsigned i = 0; i < PC_COMS; i++) {
        if (!m->cfg.serial[i]) {
            continue;
        }
        struct device *d = device_new(m, &ns16550_class, arena_printf(&m->arena, "serial%u", i));
        machine_give_backend(d, SERIAL0 + i);
        if (!device_set_prop(d, "out2-gate", "on", e) || !device_init(d, e)) {
            return false;
        }
        device_map(d, m->iospace, com[i].base, 0);
        d->irqs[0] = isa_line(pc_of(m)->isa, com[i].irq);
    }
    return true;
}

static bool vga_make(struct machine *m, struct err *e)
{
    const char *vga = m->cfg.vga ? m->cfg.vga : m->cfg.no_defaults ? "none" : "std";
    return strcmp(vga, "std") != 0 || pci_make(pc_of(m)->pci_host, &vga_pci_class, NULL, VGA_SLOT << 3, e);
}

/* -- 440FX and PIIX3 ----------------------------------------------------------------------------------------------- */

static bool i440fx_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    const u64 above = 4 * GIB + pc->above_4g;
    const struct pci_window window[2] = {{pc->below_4g, PC_TOP - pc->below_4g}, {above, (1ull << 46) - above}};
    pc->pci_host = device_new(m, &i440fx_host_class, "pci.0");
    i440fx_place(pc->pci_host, window);
    if (!device_init(pc->pci_host, e) ||
        !(pc->south = pci_make(pc->pci_host, &piix3_class, "piix3", PIIX3_SLOT << 3, e))) {
        return false;
    }
    piix3_take_reset_port(pc->south, i440fx_conf1(pc->pci_host));
    for (unsigned i = 0; i < PCI_PINS; i++) {
        pc->pci_host->irqs[i] = device_pin(&pc->south->dev, i);
    }
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        pc->south->dev.irqs[i] = isa_line(pc->isa, i);
    }
    pc->south->dev.irqs[PIIX3_INIT] = pc_input(m, PC_IN_INIT);
    return true;
}

static void i440fx_rom(struct machine *m, u8 *last_128k)
{
    i440fx_set_rom(pc_of(m)->pci_host, last_128k);
}

static const struct pc_kind i440fx_kind = {
    .most_below_4g = 0xe0000000,
    .split = 3 * GIB,
    .product = "Standard PC (i440FX + PIIX, 1996)",
    .firmware = "bios-256k.bin",
    .chipset_make = i440fx_make,
    .rom_shown = i440fx_rom,
};

/* -- board --------------------------------------------------------------------------------------------------------- */

static const struct prop pc_options[] = {
    PROP("max-ram-below-4g", PROP_SIZE, struct pc, max_below_4g, "0",
         "more RAM than that, and the rest is from 4 GiB on"),
    PROP("vmport", PROP_STR, struct pc, vmport, "auto", "accepted: there is no VMware port"),
    {0},
};

static bool pc_build(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->kind = &i440fx_kind;
    pc->a20_closed[1] = true; /* until there is a keyboard controller */
    if (!pc_cpus_make(m, &pc->cpus, true, e) || !pc_memory_map(m, e) || !controllers_make(m, e) ||
        !pc->kind->chipset_make(m, e) || !machine_place_parts(m, pc_input, e) || !serial_make(m, e) ||
        !vga_make(m, e)) {
        return false;
    }
    clocks_wire(m);
    pc->fw_cfg = machine_find(m, "fw_cfg");
    return true;
}

static bool pc_fw_cfg_file(struct machine *m, const char *name, const void *data, size_t len, struct err *e)
{
    return fw_cfg_add_file(pc_of(m)->fw_cfg, name, data, len, NULL, NULL, e);
}

static const char *const pc_vgas[] = {"std", "none", NULL};
static const char *const pc_aliases[] = {"pc", NULL};
static const struct target *const pc_targets[] = {&target_x86_64, &target_i386, NULL};

const struct board board_pc = {
    .name = "pc-i440fx-7.2",
    .doc = "Standard PC (i440FX + PIIX, 1996)",
    .aliases = pc_aliases,
    .targets = pc_targets,
    .default_ram = 128 * MIB,
    .max_cpus = PC_CPUS_MAX,
    .parts = pc_parts,
    .options = pc_options,
    .board_size = sizeof(struct pc),
    .default_block = "virtio-blk-pci",
    .default_nic = "virtio-net-pci",
    .default_bus = "pci",
    .build = pc_build,
    .finish = pc_boot,
    .fini = pc_memory_fini,
    .fw_cfg_file = pc_fw_cfg_file,
    .load_program = pc_load_program,
    .ram_name = "pc.ram",
    .vgas = pc_vgas,
};

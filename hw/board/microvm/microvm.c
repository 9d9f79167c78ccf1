/* microvm (QEMU's board of that name): x86 processors with local APICs, one IO-APIC or two, virtio over MMIO, a serial
 * port; an 8259 pair, an 8254, a clock and PCI Express as the options say. What lies where is as QEMU's documentation
 * (docs/system/i386/microvm.rst) and its machine have it.
 *
 * Inputs of the first IO-APIC: ISA's IRQs (the timer's is input 2), IRQ 4 serial port, 8 clock, 9 ACPI's events, 12 to
 * 15 PCI's INTx. virtio's are those of the second, else inputs 16 to 23, else, without ACPI, IRQ 5 to 12.
 *
 * Not modelled: usb=on; the paravirtual clock, by which a kernel would do without the 8254. */
#include "hw/board/microvm/microvm_priv.h"

#include <string.h>

#include "base/opts.h"
#include "hw/acpi/ged.h"
#include "hw/char/ns16550.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/pci/pci_bus.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/port61.h"
#include "hw/virtio/virtio_mmio.h"
#include "target/i386/i386.h"

enum { IRQ_TIMER = 0, IRQ_CASCADE = 2, VIRTIO_IRQ = 5, GSI_HIGH = 16 };

/* -- options ------------------------------------------------------------------------------------------------------- */

static bool choose(const char *key, const char *value, bool otherwise, bool *out, struct err *e)
{
    *out = otherwise;
    return !strcmp(value, "auto") || parse_bool(value, out) ||
           err_set(e, "%s=%s: expected on, off or auto", key, value);
}

static bool options_read(struct microvm *b, struct err *e)
{
    return choose("acpi", b->acpi_wanted, true, &b->acpi, e) && choose("pic", b->pic_wanted, true, &b->has_pic, e) &&
           choose("pit", b->pit_wanted, true, &b->has_pit, e) && choose("rtc", b->rtc_wanted, true, &b->has_rtc, e) &&
           choose("ioapic2", b->ioapic2_wanted, b->acpi, &b->has_ioapic2, e) &&
           choose("pcie", b->pcie_wanted, false, &b->has_pcie, e);
}

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

static void isa_out(void *to, unsigned n, int level)
{
    struct microvm *b = microvm_of(to);
    if (b->pic) {
        struct irq pic = device_pin(b->pic, n);
        irq_set(&pic, level);
    }
    if (n != IRQ_CASCADE) {
        struct irq ioapic = device_pin(b->ioapic, n == IRQ_TIMER ? IRQ_CASCADE : n);
        irq_set(&ioapic, level);
    }
}

static int pic_ack(void *opaque)
{
    return i8259_ack(opaque);
}

static void both_eoi(struct device *ioapic, unsigned vector)
{
    struct microvm *b = microvm_of(ioapic->machine);
    ioapic_eoi(b->ioapic, vector);
    if (b->ioapic2) {
        ioapic_eoi(b->ioapic2, vector);
    }
}

static struct device *make(struct machine *m, const struct device_class *cls, const char *id, bool io, u64 base,
                           struct err *e)
{
    struct device *d = device_new(m, cls, id);
    if (!device_init(d, e)) {
        return NULL;
    }
    device_map(d, io ? m->iospace : m->sysmem, base, 0);
    return d;
}

static bool controllers_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (!(b->ioapic = make(m, &ioapic_class, "ioapic", false, IOAPIC_BASE, e)) ||
        (b->has_ioapic2 && !(b->ioapic2 = make(m, &ioapic_class, "ioapic2", false, MICROVM_IOAPIC2, e)))) {
        return false;
    }
    pc_cpus_set_ioapic(&b->cpus, b->ioapic, both_eoi);
    if (b->has_pic) {
        if (!(b->pic = make(m, &i8259_class, "pic", true, 0, e))) {
            return false;
        }
        b->pic->irqs[0] = pc_cpus_intr(&b->cpus);
        pc_cpus_set_pic(&b->cpus, pic_ack, b->pic);
    }
    b->isa = device_new(m, &isa_bus_class, "isa.0");
    for (unsigned n = 0; n < ISA_IRQS; n++) {
        b->isa->irqs[n] = (struct irq){.fn = isa_out, .to = m, .n = n};
    }
    return device_init(b->isa, e);
}

/* -- devices ------------------------------------------------------------------------------------------------------- */

static bool serial_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (!b->isa_serial || !m->cfg.serial[0]) {
        return true;
    }
    struct device *d = device_new(m, &ns16550_class, "serial0");
    machine_give_backend(d, SERIAL0);
    if (!device_set_prop(d, "out2-gate", "on", e) || !device_init(d, e)) {
        return false;
    }
    device_map(d, m->iospace, 0x3f8, 0);
    d->irqs[0] = isa_line(b->isa, MICROVM_IRQ_SERIAL);
    return true;
}

/* The timer's third counter is gated by port 0x61, where kernels measure time by it. */
static bool clocks_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    struct device *d;
    if (b->has_pit) {
        struct device *gate;
        if (!(d = make(m, &i8254_class, "pit", true, 0x40, e)) ||
            !(gate = make(m, &port61_class, "port61", true, 0x61, e))) {
            return false;
        }
        d->irqs[0] = isa_line(b->isa, IRQ_TIMER);
        port61_set_timer(gate, d);
        gate->irqs[0] = device_pin(d, 2);
        gate->irqs[1] = pc_cpus_line(&b->cpus, PC_NMI);
    }
    if (b->has_rtc) {
        if (!(d = make(m, &mc146818_class, "rtc", true, 0x70, e))) {
            return false;
        }
        d->irqs[0] = isa_line(b->isa, MICROVM_IRQ_RTC);
    }
    return true;
}

static struct irq gsi(struct microvm *b, unsigned n)
{
    return n >= IOAPIC_PINS ? device_pin(b->ioapic2, n - IOAPIC_PINS)
           : n >= ISA_IRQS  ? device_pin(b->ioapic, n)
                            : isa_line(b->isa, n);
}

static bool virtio_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    b->slots = b->has_ioapic2 ? MICROVM_SLOTS : MICROVM_SLOTS_FEW;
    b->virtio_gsi = b->has_ioapic2 ? IOAPIC_PINS : b->acpi ? GSI_HIGH : VIRTIO_IRQ;
    for (unsigned i = 0; i < b->slots; i++) {
        const char *id = arena_printf(&m->arena, "virtio-mmio-bus.%u", i);
        b->virtio[i] = make(m, &virtio_mmio_class, id, false, MICROVM_VIRTIO + i * (u64)MICROVM_VIRTIO_SIZE, e);
        if (!b->virtio[i]) {
            return false;
        }
        b->virtio[i]->irqs[0] = gsi(b, b->virtio_gsi + i);
    }
    return true;
}

static bool pcie_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    u64 above = 4 * GIB + b->above_4g;
    if (!b->has_pcie) {
        return true;
    }
    b->pci = (struct pci_layout){.ecam = MICROVM_ECAM,
                                 .ecam_size = MICROVM_ECAM_SIZE,
                                 .mmio32 = MICROVM_PCI,
                                 .mmio32_size = MICROVM_PCI_SIZE,
                                 .mmio64 = above,
                                 .mmio64_size = MICROVM_HIGH_END - above};
    struct device *d = device_new(m, &gpex_class, "pcie.0");
    pci_host_place(d, &b->pci);
    if (!device_init(d, e)) {
        return false;
    }
    for (unsigned i = 0; i < PCI_PINS; i++) {
        d->irqs[i] = isa_line(b->isa, MICROVM_IRQ_PCI + i);
    }
    return true;
}

static bool ged_make(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (b->acpi) {
        b->ged = make(m, &ged_class, "ged", false, MICROVM_GED, e);
    }
    if (b->ged) {
        b->ged->irqs[0] = isa_line(b->isa, MICROVM_IRQ_GED);
    }
    return !b->acpi || b->ged;
}

/* -- all of it ----------------------------------------------------------------------------------------------------- */

static bool memory_map(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (m->ram.size < 2 * MIB) {
        return err_set(e, "a microvm has at least 2 MiB of RAM");
    }
    b->below_4g = MIN(m->ram.size, MICROVM_RAM_LOW);
    b->above_4g = m->ram.size - b->below_4g;
    b->low = (struct mem_region){.name = "microvm.ram", .kind = MEM_RAM, .size = b->below_4g, .host = m->ram.host};
    mem_map_region(m->sysmem, &b->low, 0, 0);
    if (b->above_4g) {
        b->above = (struct mem_region){
            .name = "ram-above-4g", .kind = MEM_RAM, .size = b->above_4g, .host = m->ram.host + b->below_4g};
        mem_map_region(m->sysmem, &b->above, 4 * GIB, 0);
    }
    b->nowhere = (struct mem_region){.name = "nowhere", .kind = MEM_MMIO, .size = 1ull << 52, .ops = &pci_abort_ops};
    mem_map_region(m->sysmem, &b->nowhere, 0, -2);
    return true;
}

static bool microvm_build(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (!options_read(b, e) || !pc_cpus_make(m, &b->cpus, true, e)) {
        return false;
    }
    if (!b->cpus.bus) {
        return err_set(e, "a microvm needs a processor with a local APIC");
    }
    return memory_map(m, e) && controllers_make(m, e) && clocks_make(m, e) && serial_make(m, e) && ged_make(m, e) &&
           (b->fw_cfg = make(m, &fw_cfg_io_class, "fw_cfg", true, MICROVM_FW_CFG, e)) && pcie_make(m, e) &&
           virtio_make(m, e);
}

static void microvm_reset(struct machine *m)
{
    struct microvm *b = microvm_of(m);
    if (b->pic) {
        pc_cpus_virtual_wire(&b->cpus);
    }
}

static void microvm_fini(struct machine *m)
{
    struct microvm *b = microvm_of(m);
    if (b->rom.host) {
        mem_unmap_region(&b->rom_region);
        ram_free(&b->rom);
    }
}

static void power_button(struct machine *m)
{
    if (microvm_of(m)->ged) {
        ged_power_button(microvm_of(m)->ged);
    }
}

static bool fw_cfg_file(struct machine *m, const char *name, const void *data, size_t len, struct err *e)
{
    return fw_cfg_add_file(microvm_of(m)->fw_cfg, name, data, len, NULL, NULL, e);
}

static const struct part no_parts[] = {{0}};
static const struct prop options[] = {
    PROP("acpi", PROP_STR, struct microvm, acpi_wanted, "auto", "off: no ACPI, 8 virtio slots, their lines ISA's"),
    PROP("pic", PROP_STR, struct microvm, pic_wanted, "auto", "the pair of 8259 (auto: on)"),
    PROP("pit", PROP_STR, struct microvm, pit_wanted, "auto", "the 8254 (auto: on)"),
    PROP("rtc", PROP_STR, struct microvm, rtc_wanted, "auto", "the clock (auto: on)"),
    PROP("ioapic2", PROP_STR, struct microvm, ioapic2_wanted, "auto", "24 virtio slots instead of 8 (auto: with ACPI)"),
    PROP("pcie", PROP_STR, struct microvm, pcie_wanted, "auto", "PCI Express (auto: off)"),
    PROP("isa-serial", PROP_BOOL, struct microvm, isa_serial, "on", "the serial port"),
    PROP("x-option-roms", PROP_BOOL, struct microvm, option_roms, "on", "accepted: the board has no option ROMs"),
    PROP("auto-kernel-cmdline", PROP_BOOL, struct microvm, auto_cmdline, "on",
         "the kernel is told of virtio devices, if ACPI does not, and of the TSC's frequency"),
    {0},
};
static const struct target *const targets[] = {&target_x86_64, &target_i386, NULL};

const struct board board_microvm = {
    .name = "microvm",
    .doc = "microvm (i386)",
    .targets = targets,
    .default_ram = 128 * MIB,
    .max_cpus = PC_CPUS_MAX,
    .parts = no_parts,
    .options = options,
    .board_size = sizeof(struct microvm),
    .default_block = "virtio-blk-device",
    .default_nic = "virtio-net-device",
    .default_bus = "virtio-mmio",
    .build = microvm_build,
    .finish = microvm_boot,
    .reset = microvm_reset,
    .fini = microvm_fini,
    .power_button = power_button,
    .fw_cfg_file = fw_cfg_file,
    .load_program = microvm_load_program,
    .ram_name = "microvm.ram",
};

/* The ACPI tables of a microvm (ACPI 6.4, chapter 5, "hardware-reduced"): processors, IO-APICs, and in the DSDT what is
 * there: virtio slots with a device, serial port, clock, fw_cfg, PCI Express, events of the GED. */
#include "hw/acpi/aml.h"
#include "hw/acpi/ged.h"
#include "hw/board/microvm/microvm_priv.h"
#include "hw/intc/apic.h"
#include "hw/intc/ioapic.h"
#include "hw/virtio/virtio_mmio.h"

enum { MADT_CPU, MADT_IOAPIC, MADT_CPU_NMI = 4 };
enum { PINS = 4, LEVEL_HIGH = 0xd };

/* -- MADT ---------------------------------------------------------------------------------------------------------- */

static void madt_ioapic(struct acpi_tables *t, u8 id, u64 at, u32 gsi)
{
    acpi_u8(t, MADT_IOAPIC);
    acpi_u8(t, 12);
    acpi_u8(t, id);
    acpi_u8(t, 0);
    acpi_u32(t, (u32)at);
    acpi_u32(t, gsi);
}

static void madt(const struct machine *m, struct acpi_tables *t)
{
    const struct microvm *b = microvm_of(m);
    acpi_begin(t, "APIC", 1);
    acpi_u32(t, (u32)APIC_BASE);
    acpi_u32(t, b->has_pic); /* there are 8259s too */
    for (unsigned i = 0; i < m->cfg.cpus; i++) {
        acpi_u8(t, MADT_CPU);
        acpi_u8(t, 8);
        acpi_u8(t, (u8)i);
        acpi_u8(t, (u8)pc_cpu_apic_id(m, i));
        acpi_u32(t, 1);
    }
    madt_ioapic(t, 0, IOAPIC_BASE, 0);
    if (b->has_ioapic2) {
        madt_ioapic(t, 1, MICROVM_IOAPIC2, IOAPIC_PINS);
    }
    acpi_madt_override(t, 0, 2, 0);
    acpi_madt_override(t, MICROVM_IRQ_GED, MICROVM_IRQ_GED, LEVEL_HIGH);
    for (unsigned i = 0; b->has_pcie && i < PINS; i++) {
        acpi_madt_override(t, (u8)(MICROVM_IRQ_PCI + i), MICROVM_IRQ_PCI + i, LEVEL_HIGH);
    }
    acpi_u8(t, MADT_CPU_NMI);
    acpi_u8(t, 6);
    acpi_u8(t, 0xff);
    acpi_u16(t, 0);
    acpi_u8(t, APIC_IN_LINT1);
    acpi_end(t);
}

/* -- DSDT ---------------------------------------------------------------------------------------------------------- */

static void isa_device(struct aml *a, const char *name, const char *hid, u16 port, u8 size, unsigned irq)
{
    aml_device(a, name);
    aml_name(a, "_HID"), aml_eisa_id(a, hid);
    aml_name(a, "_UID"), aml_int(a, 1);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_io(a, port, size);
    aml_isa_irq(a, irq);
    aml_resources_end(a);
    aml_end(a);
}

static void fw_cfg(struct aml *a)
{
    aml_device(a, "FWCF");
    aml_name(a, "_HID"), aml_string(a, "QEMU0002");
    aml_name(a, "_STA"), aml_int(a, 0x0b);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_io(a, MICROVM_FW_CFG, 12);
    aml_resources_end(a);
    aml_end(a);
}

static void transports(const struct microvm *b, struct aml *a)
{
    for (unsigned i = 0; i < b->slots; i++) {
        if (virtio_mmio_busy(b->virtio[i])) {
            aml_virtio_mmio(a, i, MICROVM_VIRTIO + i * (u64)MICROVM_VIRTIO_SIZE, MICROVM_VIRTIO_SIZE,
                            b->virtio_gsi + i);
        }
    }
}

/* The first byte of the events is all there is, and reading it is what forgets them. */
static void events(struct aml *a)
{
    static const u32 irq = MICROVM_IRQ_GED;
    aml_power_button(a);
    aml_device(a, "GED");
    aml_name(a, "_HID"), aml_string(a, "ACPI0013");
    aml_name(a, "_UID"), aml_int(a, 0);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_interrupts(a, 0, &irq, 1);
    aml_resources_end(a);
    aml_region(a, "EREG", AML_SYSTEM_MEMORY, MICROVM_GED + GED_EVENTS, 4);
    aml_field(a, "EREG");
    aml_unit(a, "ESEL", 8);
    aml_end(a);
    aml_method(a, "_EVT", 1, true);
    aml_op(a, AML_STORE), aml_ref(a, "ESEL"), aml_op(a, AML_LOCAL0);
    aml_if(a);
    aml_op(a, AML_AND), aml_op(a, AML_LOCAL0), aml_int(a, GED_POWER_BUTTON), aml_op(a, AML_ZERO);
    aml_op(a, AML_NOTIFY), aml_ref(a, "\\_SB.PWRB"), aml_int(a, 0x80);
    aml_end(a);
    aml_end(a);
    aml_end(a);
}

/* -- PCI ----------------------------------------------------------------------------------------------------------- */

static void pci(const struct pci_layout *p, struct aml *a)
{
    aml_pcie_root(a);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_bus_numbers(a, 0, (u16)(p->ecam_size / MIB - 1));
    aml_window(a, AML_WINDOW_MEMORY, false, p->mmio32, p->mmio32 + p->mmio32_size - 1, 0);
    aml_window(a, AML_WINDOW_MEMORY, true, p->mmio64, p->mmio64 + p->mmio64_size - 1, 0);
    aml_resources_end(a);
    aml_pci_routes(a, MICROVM_IRQ_PCI);
    aml_pcie_osc(a);
    aml_device(a, "RES0"); /* configuration space is nobody else's */
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0C02");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_fixed_memory(a, (u32)p->ecam, (u32)p->ecam_size, true);
    aml_resources_end(a);
    aml_end(a);
    aml_end(a);
}

static void dsdt(const struct machine *m, struct acpi_tables *t)
{
    const struct microvm *b = microvm_of(m);
    struct aml a = {0};
    aml_scope(&a, "\\_SB");
    aml_processors(&a, m->cfg.cpus);
    if (b->isa_serial && m->cfg.serial[0]) {
        isa_device(&a, "COM1", "PNP0501", 0x3f8, 8, MICROVM_IRQ_SERIAL);
    }
    if (b->has_rtc) {
        isa_device(&a, "RTC", "PNP0B00", 0x70, 2, MICROVM_IRQ_RTC);
    }
    fw_cfg(&a);
    transports(b, &a);
    if (b->has_pcie) {
        pci(&b->pci, &a);
    }
    events(&a);
    aml_end(&a);
    aml_name(&a, "\\_S5");
    aml_package(&a, 4);
    for (unsigned i = 0; i < 4; i++) {
        aml_int(&a, i ? 0 : GED_S5);
    }
    aml_end(&a);
    acpi_begin(t, "DSDT", 2);
    buf_put(&t->body, a.code.data, a.code.len);
    acpi_end(t);
    buf_free(&a.code);
}

void microvm_acpi_make(void *machine, struct acpi_tables *t)
{
    const struct machine *m = machine;
    const struct microvm *b = microvm_of(m);
    const size_t at = acpi_here(t);
    const struct acpi_fadt f = {
        .revision = 5,
        .dsdt = at,
        .below_4g = true,
        .flags = FADT_HW_REDUCED | FADT_RESET | FADT_WBINVD | FADT_PROC_C1,
        .boot_arch = FADT_NO_VGA,
        .reset_at = MICROVM_GED + GED_RESET,
        .reset_value = GED_RESET_VALUE,
        .sleep_control = MICROVM_GED + GED_SLEEP_CONTROL,
        .sleep_status = MICROVM_GED + GED_SLEEP_STATUS,
    };
    dsdt(m, t);
    acpi_fadt(t, &f);
    madt(m, t);
    if (b->has_pcie) {
        acpi_mcfg(t, b->pci.ecam, (u8)(b->pci.ecam_size / MIB - 1));
    }
    acpi_finish(t, true);
}

/* The DSDT of the virt board: processors, serial port, fw_cfg, virtio transports, PCI Express, the power button behind
 * the GPIO controller. */
#include <stdio.h>

#include "hw/acpi/aml.h"
#include "hw/board/virt/virt_priv.h"

enum { SPI0 = 32, POWER_PIN = 3, SLOTS = 32, PINS = 4 };

static void device_at(struct aml *a, const char *name, const char *hid, unsigned uid, u64 base, u32 size)
{
    aml_device(a, name);
    aml_name(a, "_HID"), aml_string(a, hid);
    aml_name(a, "_UID"), aml_int(a, uid);
    aml_name(a, "_CCA"), aml_int(a, 1);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_fixed_memory(a, (u32)base, size, true);
}
/* With an SPI of the board's, by its number there; -1: none. */
static void device_end(struct aml *a, int irq)
{
    u32 n = (u32)(SPI0 + irq);
    if (irq >= 0) {
        aml_interrupts(a, 0, &n, 1);
    }
    aml_resources_end(a);
}

static void processors(const struct machine *m, struct aml *a)
{
    for (unsigned i = 0; i < m->cfg.cpus; i++) {
        char name[8];
        snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name(a, "_HID"), aml_string(a, "ACPI0007");
        aml_name(a, "_UID"), aml_int(a, i);
        aml_end(a);
    }
}

static void transports(struct aml *a)
{
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        char name[8];
        snprintf(name, sizeof(name), "VR%02u", i % 100);
        device_at(a, name, "LNRO0005", i, VIRT_VIRTIO + i * 0x200ull, 0x200);
        device_end(a, VIRT_VIRTIO_IRQ + (int)i);
        aml_end(a);
    }
}

/* -- PCI ---------------------------------------------------------------------------------------------------------- */

/* Slot and pin swizzle as pci_host.h says; the interrupts are levels, active high as all of the GIC's. */
static void routes(struct aml *a)
{
    aml_name(a, "_PRT");
    aml_package(a, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS;
        aml_package(a, 4);
        aml_int(a, (u64)slot << 16 | 0xffff);
        aml_int(a, pin);
        aml_int(a, 0);
        aml_int(a, SPI0 + VIRT_PCIE_IRQ + (slot + pin) % PINS);
        aml_end(a);
    }
    aml_end(a);
}
static void windows(const struct pci_layout *p, struct aml *a)
{
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_bus_numbers(a, 0, (u16)(p->ecam_size / MIB - 1));
    aml_window(a, AML_WINDOW_MEMORY, false, p->mmio32, p->mmio32 + p->mmio32_size - 1, 0);
    aml_window(a, AML_WINDOW_IO, false, 0, p->io_size - 1, p->io);
    if (p->mmio64_size) {
        aml_window(a, AML_WINDOW_MEMORY, true, p->mmio64, p->mmio64 + p->mmio64_size - 1, 0);
    }
    aml_resources_end(a);
}
static void pci(const struct virt *v, struct aml *a)
{
    aml_device(a, "PCI0");
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0A08");
    aml_name(a, "_CID"), aml_eisa_id(a, "PNP0A03");
    aml_name(a, "_SEG"), aml_int(a, 0);
    aml_name(a, "_BBN"), aml_int(a, 0);
    aml_name(a, "_UID"), aml_int(a, 0);
    aml_name(a, "_CCA"), aml_int(a, 1);
    windows(&v->pci, a);
    routes(a);
    aml_pcie_osc(a);
    aml_device(a, "RES0"); /* configuration space is nobody else's */
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0C02");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_window(a, AML_WINDOW_MEMORY, true, v->pci.ecam, v->pci.ecam + v->pci.ecam_size - 1, 0);
    aml_resources_end(a);
    aml_end(a);
    aml_end(a);
}

/* -- the power button --------------------------------------------------------------------------------------------- */

static void gpio(struct aml *a)
{
    device_at(a, "GPO0", "ARMH0061", 0, VIRT_GPIO, 0x1000);
    device_end(a, VIRT_GPIO_IRQ);
    aml_name(a, "_AEI");
    aml_resources(a);
    aml_gpio_int(a, POWER_PIN, "GPO0");
    aml_resources_end(a);
    aml_method(a, "_E03", 0, false);
    aml_op(a, AML_NOTIFY), aml_ref(a, "\\_SB.PWRB"), aml_int(a, 0x80);
    aml_end(a);
    aml_end(a);
}

void virt_dsdt(const struct machine *m, struct acpi_tables *t)
{
    struct aml a = {0};
    aml_scope(&a, "\\_SB");
    processors(m, &a);
    device_at(&a, "COM0", "ARMH0011", 0, VIRT_UART0, 0x1000);
    device_end(&a, VIRT_UART0_IRQ);
    aml_end(&a);
    device_at(&a, "FWCF", "QEMU0002", 0, VIRT_FW_CFG, 0x18);
    device_end(&a, -1);
    aml_name(&a, "_STA"), aml_int(&a, 0x0b);
    aml_end(&a);
    transports(&a);
    pci(virt_of(m), &a);
    aml_device(&a, "PWRB");
    aml_name(&a, "_HID"), aml_eisa_id(&a, "PNP0C0C");
    aml_name(&a, "_UID"), aml_int(&a, 0);
    aml_end(&a);
    gpio(&a);
    aml_end(&a);
    acpi_begin(t, "DSDT", 2);
    buf_put(&t->body, a.code.data, a.code.len);
    acpi_end(t);
    buf_free(&a.code);
}

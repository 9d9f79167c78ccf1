/* The DSDT of the virt board: processors, serial port, fw_cfg, virtio transports, PCI Express, the power button behind
 * the GPIO controller. */
#include "hw/acpi/aml.h"
#include "hw/board/virt/virt_priv.h"

enum { SPI0 = 32, POWER_PIN = 3 };

/* An SPI of the board's, by its number there, as systems count interrupts. */
#define SPI(n) (&(const u32){SPI0 + (n)})

static void transports(struct aml *a)
{
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        aml_virtio_mmio(a, i, VIRT_VIRTIO + i * 0x200ull, 0x200, SPI0 + VIRT_VIRTIO_IRQ + i);
    }
}

/* -- PCI ---------------------------------------------------------------------------------------------------------- */

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
    aml_pcie_root(a);
    aml_name(a, "_CCA"), aml_int(a, 1);
    windows(&v->pci, a);
    aml_pci_routes(a, SPI0 + VIRT_PCIE_IRQ); /* levels, active high as all of the GIC's */
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
    aml_device_at(a, "GPO0", "ARMH0061", 0, VIRT_GPIO, 0x1000, SPI(VIRT_GPIO_IRQ));
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
    aml_processors(&a, m->cfg.cpus);
    aml_device_at(&a, "COM0", "ARMH0011", 0, VIRT_UART0, 0x1000, SPI(VIRT_UART0_IRQ));
    aml_end(&a);
    aml_device_at(&a, "FWCF", "QEMU0002", 0, VIRT_FW_CFG, 0x18, NULL);
    aml_name(&a, "_STA"), aml_int(&a, 0x0b);
    aml_end(&a);
    transports(&a);
    pci(virt_of(m), &a);
    aml_power_button(&a);
    gpio(&a);
    aml_end(&a);
    acpi_begin(t, "DSDT", 2);
    buf_put(&t->body, a.code.data, a.code.len);
    acpi_end(t);
    buf_free(&a.code);
}

/* Shared by the files of the virt board. Addresses and interrupt numbers are those firmware and kernels are built for;
 * they never change. */
#ifndef MOSS_HW_BOARD_VIRT_VIRT_PRIV_H
#define MOSS_HW_BOARD_VIRT_VIRT_PRIV_H

#include "hw/acpi/tables.h"
#include "hw/board/virt/virt.h"
#include "hw/core/fdt.h"
#include "hw/core/loader.h"
#include "hw/pci/pci_host.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

#define VIRT_FLASH0       0x00000000ull
#define VIRT_FLASH1       0x04000000ull
#define VIRT_FLASH_SIZE   0x04000000ull
#define VIRT_GIC_DIST     0x08000000ull
#define VIRT_GIC_CPU      0x08010000ull
#define VIRT_GIC_V2M      0x08020000ull
#define VIRT_GIC_HYP      0x08030000ull
#define VIRT_GIC_VCPU     0x08040000ull
#define VIRT_GIC_FRAME    0x00010000ull
#define VIRT_GIC_ITS      0x08080000ull
#define VIRT_ITS_SIZE     0x00020000ull
#define VIRT_GIC_REDIST   0x080a0000ull
#define VIRT_REDIST_SIZE  0x00f60000ull
#define VIRT_UART0        0x09000000ull
#define VIRT_RTC          0x09010000ull
#define VIRT_FW_CFG       0x09020000ull
#define VIRT_GPIO         0x09030000ull
#define VIRT_SECURE_UART  0x09040000ull
#define VIRT_SECURE_GPIO  0x090b0000ull
#define VIRT_VIRTIO       0x0a000000ull
#define VIRT_PLATFORM_BUS 0x0c000000ull
#define VIRT_SECURE_RAM   0x0e000000ull
#define VIRT_PCIE_MMIO    0x10000000ull
#define VIRT_PCIE_PIO     0x3eff0000ull
#define VIRT_PCIE_ECAM    0x3f000000ull
#define VIRT_RAM          0x40000000ull

enum {
    VIRT_IRQS = 256, /* SPIs */
    VIRT_UART0_IRQ = 1,
    VIRT_RTC_IRQ = 2,
    VIRT_PCIE_IRQ = 3, /* ..6 */
    VIRT_GPIO_IRQ = 7,
    VIRT_SECURE_UART_IRQ = 8,
    VIRT_VIRTIO_IRQ = 16,
    VIRT_V2M_IRQ = 48,
    VIRT_V2M_IRQS = 64,
    VIRT_VIRTIO_SLOTS = 32,
    /* PPIs, counted from INTID 16 as the device tree does. */
    PPI_PMU = 7,
    PPI_MAINTENANCE = 9,
    PPI_TIMER_HYP = 10,
    PPI_TIMER_VIRT = 11,
    PPI_TIMER_HYPVIRT = 12,
    PPI_TIMER_SEC = 13,
    PPI_TIMER_PHYS = 14,
    INTID_PPI = 16,
};

/* board_data */
struct virt {
    /* options */
    const char *gic_version, *acpi, *iommu, *dt_compatible, *oem_id, *oem_table_id;
    bool virtualization, secure, highmem, highmem_ecam, highmem_mmio, highmem_redists, its_wanted, mte, ras;
    bool dtb_randomness, dtb_kaslr_seed, bypass_iommu;
    u32 phandle_start;

    /* decided from them */
    unsigned gic_kind; /* 2 or 3 */
    bool has_acpi, has_its, has_pmu, firmware_loaded;
    u64 redist2, redist2_size; /* size 0: there is none */
    unsigned redist1_cpus;
    struct pci_layout pci;

    /* made */
    struct device *gic, *msi, *fw_cfg, *power_key;
    struct ram secure_ram;
    struct mem_region secure_ram_region;
    struct kernel kernel;
    unsigned boot_el;
    int psci; /* ARM_PSCI_* */
    struct dt dt;
    struct acpi_files acpi_files;
    u64 dt_addr, initrd_start, initrd_size;
    /* phandles */
    u32 ph_clock, ph_gic, ph_msi, ph_gpio, ph_secure_gpio;
};
static inline struct virt *virt_of(const struct machine *m)
{
    return m->board_data;
}
static inline bool virt_is_linux(const struct virt *v)
{
    return v->kernel.end && v->kernel.kind != KERNEL_ELF;
}

/* Firmware that starts at EL3 answers PSCI calls itself. */
static inline bool virt_firmware_is_secure(const struct virt *v)
{
    return v->secure && v->firmware_loaded;
}

/* layout.c */
bool virt_layout(struct machine *m, struct err *e);
/* gic.c */
bool virt_gic_make(struct machine *m, struct err *e);
struct irq virt_spi(struct machine *m, int n);
struct irq virt_ppi(struct machine *m, unsigned cpu, unsigned ppi);
void virt_gic_hand_over(struct machine *m);
/* cpus.c: the only file that knows the ISA */
bool virt_cpus_make(struct machine *m, struct err *e);
void virt_cpus_wire(struct machine *m);
bool virt_cpus_configure(struct machine *m, struct err *e);
void virt_cpus_reset(struct machine *m);
u64 virt_cpu_mpidr(const struct machine *m, unsigned cpu);
const char *virt_cpu_compatible(const struct machine *m, unsigned cpu);
const char *virt_psci_method(const struct virt *v); /* NULL: none */
/* dt.c */
bool virt_dt_make(struct machine *m, struct err *e);
/* acpi.c, acpi_dsdt.c */
void virt_acpi_make(void *machine, struct acpi_tables *t);
bool virt_acpi_add(struct machine *m, struct err *e);
void virt_dsdt(const struct machine *m, struct acpi_tables *t);
/* boot.c */
bool virt_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e);
bool virt_boot(struct machine *m, struct err *e);

#endif

/* The ACPI tables of the virt board (ACPI 6.0, chapter 5, "hardware-reduced"; Arm's SBBR; IORT: DEN 0049; SPCR, DBG2:
 * Microsoft): the same machine as the device tree's, for firmware to place. acpi_dsdt.c has the DSDT.
 *
 * Not there: PPTT (processors are one package of cores), SRAT, SLIT, GED. */
#include <string.h>

#include "hw/board/virt/virt_priv.h"
#include "hw/intc/gic.h"
#include "hw/misc/fw_cfg.h"

enum { MADT_GICC = 11, MADT_GICD, MADT_MSI_FRAME, MADT_GICR, MADT_ITS };
enum { SPI0 = 32, TIMER_ALWAYS_ON = 4, IORT_ITS_SIZE = 24, IORT_ROOT_SIZE = 56, IORT_ROOT_FIXED = 36 };

static u32 ppi(unsigned n)
{
    return INTID_PPI + n;
}

/* -- interrupts --------------------------------------------------------------------------------------------------- */

static void gicc(const struct machine *m, struct acpi_tables *t, unsigned i)
{
    const struct virt *v = virt_of(m);
    bool v2 = v->gic_kind == 2, el2 = v->virtualization;
    acpi_u8(t, MADT_GICC);
    acpi_u8(t, 80);
    acpi_u16(t, 0);
    acpi_u32(t, i);
    acpi_u32(t, i);
    acpi_u32(t, 1); /* enabled */
    acpi_u32(t, 0); /* parking */
    acpi_u32(t, v->has_pmu ? ppi(PPI_PMU) : 0);
    acpi_u64(t, 0);
    acpi_u64(t, v2 ? VIRT_GIC_CPU : 0);
    acpi_u64(t, v2 && el2 ? VIRT_GIC_VCPU : 0);
    acpi_u64(t, v2 && el2 ? VIRT_GIC_HYP : 0);
    acpi_u32(t, el2 ? ppi(PPI_MAINTENANCE) : 0);
    acpi_u64(t, 0); /* redistributors have entries of their own */
    acpi_u64(t, virt_cpu_mpidr(m, i));
    acpi_u32(t, 0);
}
static void gicr(struct acpi_tables *t, u64 base, u64 size)
{
    acpi_u8(t, MADT_GICR);
    acpi_u8(t, 16);
    acpi_u16(t, 0);
    acpi_u64(t, base);
    acpi_u32(t, (u32)size);
}
static void msi_controller(const struct virt *v, struct acpi_tables *t)
{
    if (v->gic_kind == 2) {
        acpi_u8(t, MADT_MSI_FRAME);
        acpi_u8(t, 24);
        acpi_u16(t, 0);
        acpi_u32(t, 0);
        acpi_u64(t, VIRT_GIC_V2M);
        acpi_u32(t, 1); /* the next two count */
        acpi_u16(t, VIRT_V2M_IRQS);
        acpi_u16(t, SPI0 + VIRT_V2M_IRQ);
    } else if (v->has_its) {
        acpi_u8(t, MADT_ITS);
        acpi_u8(t, 20);
        acpi_u16(t, 0);
        acpi_u32(t, 0);
        acpi_u64(t, VIRT_GIC_ITS);
        acpi_u32(t, 0);
    }
}
static void madt(const struct machine *m, struct acpi_tables *t)
{
    const struct virt *v = virt_of(m);
    acpi_begin(t, "APIC", 4);
    acpi_u32(t, 0);
    acpi_u32(t, 0);
    acpi_u8(t, MADT_GICD);
    acpi_u8(t, 24);
    acpi_u16(t, 0);
    acpi_u32(t, 0);
    acpi_u64(t, VIRT_GIC_DIST);
    acpi_u32(t, 0);
    acpi_u32(t, v->gic_kind); /* one byte, three reserved */
    for (unsigned i = 0; i < m->cfg.cpus; i++) {
        gicc(m, t, i);
    }
    if (v->gic_kind == 3) {
        gicr(t, VIRT_GIC_REDIST, VIRT_REDIST_SIZE);
        if (v->redist2_size) {
            gicr(t, v->redist2, v->redist2_size);
        }
    }
    msi_controller(v, t);
    acpi_end(t);
}

/* PCI's requester ids are the ITS's device ids. */
static void iort(struct acpi_tables *t)
{
    acpi_begin(t, "IORT", 3);
    acpi_u32(t, 2);
    acpi_u32(t, 48);
    acpi_u32(t, 0);
    acpi_u8(t, 0); /* a group of one ITS */
    acpi_u16(t, IORT_ITS_SIZE);
    acpi_u8(t, 1);
    acpi_u32(t, 0);
    acpi_zeros(t, 8);
    acpi_u32(t, 1);
    acpi_u32(t, 0);
    acpi_u8(t, 2); /* the root complex */
    acpi_u16(t, IORT_ROOT_SIZE);
    acpi_u8(t, 3);
    acpi_u32(t, 1);
    acpi_u32(t, 1);
    acpi_u32(t, IORT_ROOT_FIXED);
    acpi_u32(t, 1); /* coherent, by its own and by the memory's attributes */
    acpi_u32(t, 3u << 24);
    acpi_u32(t, 0);
    acpi_u32(t, 0);
    acpi_u32(t, 64); /* bits of addresses */
    acpi_u32(t, 0);
    acpi_u32(t, 0xffff);
    acpi_u32(t, 0);
    acpi_u32(t, 48);
    acpi_u32(t, 0);
    acpi_end(t);
}

/* -- the rest ----------------------------------------------------------------------------------------------------- */

static void gtdt(struct acpi_tables *t)
{
    static const u8 timers[] = {PPI_TIMER_SEC, PPI_TIMER_PHYS, PPI_TIMER_VIRT, PPI_TIMER_HYP};
    acpi_begin(t, "GTDT", 2);
    acpi_u64(t, ~0ull); /* no memory-mapped counter */
    acpi_u32(t, 0);
    for (unsigned i = 0; i < sizeof(timers); i++) {
        acpi_u32(t, ppi(timers[i]));
        acpi_u32(t, TIMER_ALWAYS_ON); /* a level, active high */
    }
    acpi_u64(t, ~0ull);
    acpi_zeros(t, 8); /* no platform timers */
    acpi_end(t);
}

static void spcr(struct acpi_tables *t)
{
    acpi_begin(t, "SPCR", 2);
    acpi_u32(t, 3); /* PL011 */
    acpi_address(t, ACPI_IN_MEMORY, 32, 3, VIRT_UART0);
    acpi_u8(t, 8); /* a GIC's interrupt */
    acpi_u8(t, 0);
    acpi_u32(t, SPI0 + VIRT_UART0_IRQ);
    acpi_u8(t, 3); /* 9600, no parity, one stop bit, RTS and CTS */
    acpi_u8(t, 0);
    acpi_u8(t, 1);
    acpi_u8(t, 2);
    acpi_u8(t, 0); /* VT100 */
    acpi_u8(t, 0);
    acpi_u32(t, ~0u); /* no PCI device */
    acpi_zeros(t, 12);
    acpi_end(t);
}

static void fadt(const struct virt *v, struct acpi_tables *t, size_t dsdt)
{
    const char *psci = virt_psci_method(v);
    const struct acpi_fadt f = {
        .revision = 6,
        .dsdt = dsdt,
        .flags = FADT_HW_REDUCED,
        .arm_boot_arch = (u16)(!psci ? 0 : FADT_PSCI | (strcmp(psci, "hvc") ? 0 : FADT_PSCI_HVC)),
    };
    acpi_fadt(t, &f);
}

void virt_acpi_make(void *opaque, struct acpi_tables *t)
{
    const struct machine *m = opaque;
    const struct virt *v = virt_of(m);
    t->oem_id = v->oem_id;
    t->oem_table_id = v->oem_table_id;
    size_t dsdt = acpi_here(t);
    virt_dsdt(m, t);
    fadt(v, t, dsdt);
    madt(m, t);
    gtdt(t);
    acpi_mcfg(t, v->pci.ecam, (u8)(v->pci.ecam_size / MIB - 1));
    spcr(t);
    if (v->has_its) {
        iort(t);
    }
    acpi_finish(t, false);
}

static bool file_add(struct machine *m, const char *name, const void *data, size_t len, struct acpi_files *f,
                     struct err *e)
{
    static const struct fw_cfg_hooks hooks = {.selected = acpi_files_selected};
    return fw_cfg_add_file(virt_of(m)->fw_cfg, name, data, len, &hooks, f, e);
}
/* Of use to firmware alone; a kernel that is entered directly has the device tree. */
bool virt_acpi_add(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    if ((v->oem_id && strlen(v->oem_id) > 6) || (v->oem_table_id && strlen(v->oem_table_id) > 8)) {
        return err_set(e, "x-oem-id may have 6 characters and x-oem-table-id 8");
    }
    v->acpi_files.make = virt_acpi_make;
    v->acpi_files.opaque = m;
    return !v->has_acpi || acpi_files_add(m, &v->acpi_files, file_add, e);
}

/* The ACPI tables of PCs (ACPI 6.4, chapter 5; HPET 1.0a, 3.2.4): FADT, MADT, HPET, MCFG; acpi_dsdt.c has the DSDT.
 *
 * Not there: SRAT and SLIT (one node of memory), WAET, processor power states. */
#include "hw/board/pc/acpi.h"

#include "hw/acpi/apm.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/board/pc/cpus.h"
#include "hw/intc/apic.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"

enum { SCI = 9, RESET_PORT = 0xcf9, CENTURY = 0x32, LEVEL_HIGH = 0xd };
enum { MADT_CPU, MADT_IOAPIC, MADT_CPU_NMI = 4, MADT_X2CPU = 9 };
#define HPET_BASE 0xfed00000u
#define HPET_ID   0x8086a201u

static void fadt(const struct pc_acpi *a, struct acpi_tables *t, size_t facs, size_t dsdt)
{
    u16 base = (u16)a->pm_base(a->pm);
    const struct acpi_fadt f = {
        .revision = 3,
        .facs = facs,
        .has_facs = true,
        .dsdt = dsdt,
        .sci = SCI,
        .smi_port = APM_PORT,
        .smi_on = APM_ACPI_ON,
        .smi_off = APM_ACPI_OFF,
        .pm_port = base,
        .gpe_port = (u16)(base + a->gpe0),
        .gpe_bytes = a->gpe0_size,
        .reset_port = RESET_PORT,
        .reset_value = a->reset_value,
        .century = CENTURY,
        .boot_arch = FADT_LEGACY | (a->keyboard ? FADT_8042 : 0) | (a->vga ? 0 : FADT_NO_VGA),
        .flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLEEP_BUTTON | FADT_RESET | (a->pm_timer_32 ? FADT_TMR_32 : 0) |
                 (a->m->cfg.cpus > 8 ? FADT_CLUSTER : 0),
    };
    acpi_fadt(t, &f);
}

/* -- MADT --------------------------------------------------------------------------------------------------------- */

/* The timer is input 2 of the IO-APIC; what PCI's lines and the SCI may use are levels. */
static void madt(const struct pc_acpi *a, struct acpi_tables *t)
{
    static const u8 levels[] = {5, SCI, 10, 11};
    acpi_begin(t, "APIC", 1);
    acpi_u32(t, (u32)APIC_BASE);
    acpi_u32(t, 1); /* there are 8259s too */
    for (unsigned i = 0; i < a->m->cfg.cpus; i++) {
        acpi_u8(t, MADT_CPU);
        acpi_u8(t, 8);
        acpi_u8(t, (u8)i);
        acpi_u8(t, (u8)pc_cpu_apic_id(a->m, i));
        acpi_u32(t, 1);
    }
    acpi_u8(t, MADT_IOAPIC);
    acpi_u8(t, 12);
    acpi_u8(t, 0);
    acpi_u8(t, 0);
    acpi_u32(t, (u32)IOAPIC_BASE);
    acpi_u32(t, 0);
    acpi_madt_override(t, 0, 2, 0);
    for (unsigned i = 0; i < sizeof(levels); i++) {
        acpi_madt_override(t, levels[i], levels[i], LEVEL_HIGH);
    }
    acpi_u8(t, MADT_CPU_NMI);
    acpi_u8(t, 6);
    acpi_u8(t, 0xff);
    acpi_u16(t, 0);
    acpi_u8(t, APIC_IN_LINT1);
    acpi_end(t);
}

static void hpet(struct acpi_tables *t)
{
    acpi_begin(t, "HPET", 1);
    acpi_u32(t, HPET_ID);
    acpi_address(t, ACPI_IN_MEMORY, 0, 0, HPET_BASE);
    acpi_u8(t, 0);
    acpi_u16(t, 0);
    acpi_u8(t, 0);
    acpi_end(t);
}

void pc_acpi_make(void *opaque, struct acpi_tables *t)
{
    const struct pc_acpi *a = opaque;
    size_t facs = acpi_facs(t);
    acpi_align(t, 8);
    size_t dsdt = acpi_here(t);
    u8 last_bus = 0;
    pc_dsdt(a, t);
    fadt(a, t, facs, dsdt);
    madt(a, t);
    if (a->hpet) {
        hpet(t);
    }
    if (a->ecam) {
        u64 base = a->ecam(a->ecam_opaque, &last_bus);
        acpi_mcfg(t, base, last_bus);
    }
    acpi_finish(t, true);
}

/* -- to the guest ------------------------------------------------------------------------------------------------- */

static bool file_add(struct machine *m, const char *name, const void *data, size_t len, struct acpi_files *f,
                     struct err *e)
{
    static const struct fw_cfg_hooks hooks = {.selected = acpi_files_selected};
    return fw_cfg_add_file(machine_find(m, "fw_cfg"), name, data, len, &hooks, f, e);
}
bool pc_acpi_add(struct pc_acpi *a, struct device *fw_cfg, struct err *e)
{
    must(fw_cfg == machine_find(a->m, "fw_cfg"));
    a->files.make = pc_acpi_make;
    a->files.opaque = a;
    return acpi_files_add(a->m, &a->files, file_add, e);
}

bool pc_acpi_place(struct pc_acpi *a, u64 at, u64 room, u64 rsdp, struct err *e)
{
    a->files.make = pc_acpi_make;
    a->files.opaque = a;
    return acpi_blobs_add(a->m, &a->files, at, room, rsdp, e);
}

/* The FADT, FACS and MCFG (ACPI 6.4, 5.2.9 and 5.2.10; PCI Firmware 3.3, 4.1.2): what both kinds of machine have, PCs
 * with fixed hardware and those without ("hardware-reduced"). */
#include "hw/acpi/pm.h"
#include "hw/acpi/tables.h"

enum { FADT_3 = 244, FADT_5 = 268, FADT_6 = 276, DUAL_PIC = 1, NO_C2 = 0xfff };

size_t acpi_facs(struct acpi_tables *t)
{
    acpi_align(t, 64);
    size_t at = acpi_here(t);
    buf_put(&t->body, "FACS", 4);
    acpi_u32(t, 64);
    acpi_zeros(t, 24); /* signature of the hardware, waking vector, lock, flags, its 64-bit vector */
    acpi_u8(t, 1);
    acpi_zeros(t, 31);
    return at;
}

static void port_block(struct acpi_tables *t, u16 port, u8 bits, u8 access)
{
    acpi_address(t, ACPI_IN_IO, port ? bits : 0, port ? access : 0, port);
}

static void byte_in_memory(struct acpi_tables *t, u64 at)
{
    acpi_address(t, ACPI_IN_MEMORY, at ? 8 : 0, at ? 1 : 0, at);
}

/* The 64-bit half: the same ports once more. */
static void wide_part(struct acpi_tables *t, const struct acpi_fadt *f)
{
    bool fixed = !(f->flags & FADT_HW_REDUCED);
    acpi_u64(t, 0); /* X_FIRMWARE_CTRL: the other is there */
    acpi_u64(t, 0);
    acpi_pointer(t, acpi_here(t) - 8, 8, f->dsdt);
    port_block(t, fixed ? f->pm_port : 0, 32, 2);
    port_block(t, 0, 0, 0);
    port_block(t, fixed ? (u16)(f->pm_port + ACPI_PM1_CNT) : 0, 16, 2);
    port_block(t, 0, 0, 0);
    port_block(t, 0, 0, 0);
    port_block(t, fixed ? (u16)(f->pm_port + ACPI_PM_TMR) : 0, 32, 3);
    port_block(t, f->gpe_port, (u8)(f->gpe_bytes * 8), 1);
    port_block(t, 0, 0, 0);
}

static void ports(struct acpi_tables *t, const struct acpi_fadt *f)
{
    bool fixed = !(f->flags & FADT_HW_REDUCED);
    u32 base = fixed ? f->pm_port : 0;
    acpi_u32(t, base); /* PM1a_EVT */
    acpi_u32(t, 0);
    acpi_u32(t, fixed ? base + ACPI_PM1_CNT : 0);
    acpi_u32(t, 0);
    acpi_u32(t, 0);
    acpi_u32(t, fixed ? base + ACPI_PM_TMR : 0);
    acpi_u32(t, f->gpe_port);
    acpi_u32(t, 0);
    acpi_u8(t, fixed ? 4 : 0); /* lengths, in this order */
    acpi_u8(t, fixed ? 2 : 0);
    acpi_u8(t, 0);
    acpi_u8(t, fixed ? 4 : 0);
    acpi_u8(t, f->gpe_bytes);
    acpi_zeros(t, 3);
}

void acpi_fadt(struct acpi_tables *t, const struct acpi_fadt *f)
{
    bool fixed = !(f->flags & FADT_HW_REDUCED);
    acpi_begin(t, "FACP", f->revision);
    acpi_u32(t, 0);
    acpi_u32(t, 0);
    if (f->has_facs) {
        acpi_pointer(t, t->start + 36, 4, f->facs);
    }
    if (fixed || f->below_4g) { /* firmware may put tables above 4 GiB where only the wide pointer counts */
        acpi_pointer(t, t->start + 40, 4, f->dsdt);
    }
    acpi_u8(t, fixed ? DUAL_PIC : 0);
    acpi_u8(t, 0); /* profile: unspecified */
    acpi_u16(t, f->sci);
    acpi_u32(t, f->smi_port);
    acpi_u8(t, f->smi_on);
    acpi_u8(t, f->smi_off);
    acpi_u16(t, 0);
    ports(t, f);
    acpi_u16(t, NO_C2);
    acpi_u16(t, NO_C2);
    acpi_zeros(t, 8); /* flush sizes, duty cycle, alarms */
    acpi_u8(t, f->century);
    acpi_u16(t, f->boot_arch);
    acpi_u8(t, 0);
    acpi_u32(t, f->flags);
    if (f->reset_at) {
        byte_in_memory(t, f->reset_at);
    } else {
        acpi_address(t, ACPI_IN_IO, f->reset_port ? 8 : 0, f->reset_port ? 1 : 0, f->reset_port);
    }
    acpi_u8(t, f->reset_value);
    acpi_u16(t, f->arm_boot_arch);
    acpi_u8(t, 0); /* minor revision */
    wide_part(t, f);
    if (f->revision >= 5) {
        byte_in_memory(t, f->sleep_control);
        byte_in_memory(t, f->sleep_status);
        acpi_zeros(t, f->revision >= 6 ? FADT_6 - FADT_5 : 0);
    }
    acpi_end(t);
}

void acpi_mcfg(struct acpi_tables *t, u64 base, u8 last_bus)
{
    acpi_begin(t, "MCFG", 1);
    acpi_u64(t, 0);
    acpi_u64(t, base);
    acpi_u16(t, 0);
    acpi_u8(t, 0);
    acpi_u8(t, last_bus);
    acpi_u32(t, 0);
    acpi_end(t);
}

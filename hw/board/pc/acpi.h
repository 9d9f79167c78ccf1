/* The ACPI tables of PCs: what they say of the machine, for firmware to place or for a kernel without firmware. */
#ifndef MOSS_HW_BOARD_PC_ACPI_H
#define MOSS_HW_BOARD_PC_ACPI_H

#include "hw/acpi/tables.h"
#include "hw/core/machine.h"

/* What the board says once; lives as long as the machine. */
struct pc_acpi {
    struct machine *m;
    struct device *pm;
    unsigned (*pm_base)(const struct device *pm); /* of its ports, as firmware has placed them; 0: not yet */
    u8 gpe0, gpe0_size;                           /* offset from there, bytes of status and enables */
    u8 s5;                                        /* SLP_TYP of soft off */
    bool pm_timer_32;
    u8 reset_value; /* of port 0xcf9 */

    /* PCI: PIRQs are registers of the south bridge (slot and function of `bridge`). */
    u8 bridge;                                     /* devfn */
    u8 links;                                      /* 4: PIRQA..D at 0x60; 8: E..H at 0x68 too, GSIs 16..23 */
    unsigned (*pirq)(unsigned slot, unsigned pin); /* of a function of bus 0, as the host's line_of */
    u64 mem32, mem32_end, mem64, mem64_end;        /* where BARs may be; mem64_end 0: nowhere */
    u64 (*ecam)(void *opaque, u8 *last_bus);       /* NULL, or a base of 0: there is none */
    void *ecam_opaque;

    bool hpet, keyboard, floppy, parallel, vga;
    u8 coms;    /* a bit a serial port */
    u16 fw_cfg; /* port; 0: none */
    struct acpi_files files;
};

void pc_acpi_make(void *pc_acpi, struct acpi_tables *t);
/* As files of fw_cfg. */
bool pc_acpi_add(struct pc_acpi *a, struct device *fw_cfg, struct err *e);
/* At `at` (64-byte aligned) of memory, with the RSDP at `rsdp` below 1 MiB; for kernels that no firmware starts. The
 * board's reset hook must have placed the power management's ports by then, always at the same place. False: more than
 * `room` bytes. */
bool pc_acpi_place(struct pc_acpi *a, u64 at, u64 room, u64 rsdp, struct err *e);

/* acpi_dsdt.c */
void pc_dsdt(const struct pc_acpi *a, struct acpi_tables *t);

#endif

/* What a BIOS says of interrupts to systems that read no ACPI tables: the MP table and $PIR, for kernels that no
 * firmware starts. */
#ifndef MOSS_HW_BOARD_PC_MPTABLE_H
#define MOSS_HW_BOARD_PC_MPTABLE_H

#include "hw/core/machine.h"

struct irq_facts {
    const struct machine *m;
    u32 ioapic[2]; /* where they are; 0: there is none. The first has ISA's IRQs: IRQ 0 is input 2 */
    /* The input of the first IO-APIC that a pin (0: INTA) of a slot of bus 0 ends at; NULL: there is no PCI. */
    unsigned (*pci_input)(unsigned slot, unsigned pin);
    u32 levels; /* IRQs that are PCI's: a bit each */
    /* $PIR: the south bridge, and its register for a slot's pin. link NULL: no table. */
    u8 router; /* devfn */
    u32 router_id;
    u8 (*link)(unsigned slot, unsigned pin);
};

/* Both below 1 MiB, from `at` (a multiple of 16) on, where systems look for them; false: more than `room` bytes. */
bool irq_tables_place(const struct irq_facts *f, u64 at, u64 room, struct err *e);

#endif

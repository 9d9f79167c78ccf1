/* The processors of boards with x86 CPUs, with their local APICs, and the lines between them and the board. */
#ifndef MOSS_HW_BOARD_PC_CPUS_H
#define MOSS_HW_BOARD_PC_CPUS_H

#include "hw/core/machine.h"

struct apic_bus;
struct pc_cpus {
    struct machine *m;
    struct apic_bus *bus;
    struct device **apic; /* m->ncpus of them; NULL: the processors have none */
    void (*eoi)(struct device *ioapic, unsigned vector);
    struct device *ioapic;
};

enum { PC_CPUS_MAX = 255 };
/* Makes m->cfg.cpus processors, the first of them the bootstrap processor, and m->iospace if there is none. `apics`:
 * with local APICs, if the model has them; a board of more than one processor needs them. */
bool pc_cpus_make(struct machine *m, struct pc_cpus *c, bool apics, struct err *e);
unsigned pc_cpu_apic_id(const struct machine *m, unsigned cpu);

enum pc_line { PC_NMI /* LINT1 of all */, PC_SMI, PC_INIT, PC_A20M, PC_LINES };
/* Lines of the bootstrap processor, and of the others where a PC has one line for all. PC_A20M and PC_NMI are levels.
 */
struct irq pc_cpus_line(struct pc_cpus *c, enum pc_line line);
/* Where an 8259's INTR goes (LINT0, or the pin), and who is asked for its vector with the machine lock held. */
struct irq pc_cpus_intr(struct pc_cpus *c);
void pc_cpus_set_pic(struct pc_cpus *c, int (*ack)(void *opaque), void *opaque);
/* Who hears of ends of level-triggered interrupts, machine lock held. */
void pc_cpus_set_ioapic(struct pc_cpus *c, struct device *ioapic, void (*eoi)(struct device *ioapic, unsigned vector));
/* In the board's reset hook, when no firmware will do it: the 8259's interrupts reach the bootstrap processor. */
void pc_cpus_virtual_wire(struct pc_cpus *c);

#endif

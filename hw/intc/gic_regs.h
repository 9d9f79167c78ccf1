/* Register tables of the Arm GICs, whose registers depend on who accesses them: which CPU, and from which Security
 * state. (The tables of hw/core/device.h know neither.) */
#ifndef MOSS_HW_INTC_GIC_REGS_H
#define MOSS_HW_INTC_GIC_REGS_H

#include "hw/core/device.h"

struct gic_acc {
    unsigned cpu;
    bool ns; /* a Non-secure access, and the controller knows two Security states */
};

/* The running priority when nothing runs. What runs has the priority of its group, so a pending interrupt preempts when
 * its whole priority is below that: it is then in a higher group. */
#define GIC_IDLE 0xff

/* A row of registers of one kind, side by side. Hooks get the number of the register in the row. */
struct gic_reg {
    u32 off, end; /* end: one past the last byte */
    u8 size;      /* of each register: 1, 4 or 8 */
    const char *name;
    u64 (*read)(struct device *d, struct gic_acc a, unsigned n);          /* NULL: reads as zero */
    void (*write)(struct device *d, struct gic_acc a, unsigned n, u64 v); /* NULL: read only */
};

/* Accesses narrower than a register: reads are cut out; halves of 64-bit registers are written by reading the other
 * half first; other narrow writes are guest errors. Wider ones go to each register in turn. */
u64 gic_regs_read(struct device *d, const struct gic_reg *t, u64 off, unsigned size, struct gic_acc a);
void gic_regs_write(struct device *d, const struct gic_reg *t, u64 off, unsigned size, u64 v, struct gic_acc a);

#endif

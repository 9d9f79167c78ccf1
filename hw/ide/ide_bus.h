/* A channel as a PCI function sees it: its bus master registers, and its pin. */
#ifndef MOSS_HW_IDE_IDE_BUS_H
#define MOSS_HW_IDE_IDE_BUS_H

#include "hw/ide/ide_priv.h"

/* Where a walk through a table of memory regions stands. */
struct prd_place {
    u32 index, off;
    bool over; /* the entry that was marked as the last is used up */
};

struct ide_bus {
    struct device dev;
    struct ide_unit *unit[IDE_UNITS];
    u8 control, select; /* Device Control; bit 4 of Device */
    bool line;

    /* Bus master (Intel 290550, 2.7; SFF-8038i). */
    bool (*may_master)(struct device *owner); /* NULL: there is no bus master */
    struct device *owner;
    u8 bm_command, bm_status;
    u32 bm_table;
    struct prd_place at, before;
};

#define IDE_PORT_CONTROL 0x206

u8 ide_bm_read(struct ide_bus *b, unsigned off);
void ide_bm_write(struct ide_bus *b, unsigned off, u8 v);

#endif

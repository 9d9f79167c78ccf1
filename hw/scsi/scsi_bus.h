/* A SCSI bus: units by target and LUN. A host adapter has a struct scsi_bus, provides "SCSI", and calls scsi_bus_add
 * from its plug; drives are "scsi-hd" and "scsi-cd". A board attaches its own with scsi_attach. */
#ifndef MOSS_HW_SCSI_SCSI_BUS_H
#define MOSS_HW_SCSI_SCSI_BUS_H

#include "hw/scsi/scsi.h"

extern const struct device_class scsi_hd_class, scsi_cd_class;

struct scsi_bus;
struct scsi_unit {
    struct device dev;
    struct disk_conf conf;
    const char *vendor, *product;
    u32 channel, target, lun; /* properties; ~0: the first that is free */
    struct scsi_lu lu;
    struct scsi_bus *bus;
    struct scsi_unit *next;
};

struct scsi_bus {
    struct scsi_unit *first;
    u32 targets, luns;                                        /* how many there may be */
    void (*changed)(struct scsi_bus *b, struct scsi_unit *u); /* a medium, by the host's hand; may be NULL */
};

bool scsi_bus_add(struct scsi_bus *b, struct device *child, struct err *e);
/* The unit; NULL: none there, and *target tells whether the target has others. */
struct scsi_unit *scsi_bus_find(struct scsi_bus *b, u32 target, u32 lun, bool *others);
/* The answer to REPORT LUNS for a target: up to SCSI_BUF bytes. */
unsigned scsi_bus_luns(struct scsi_bus *b, u32 target, u8 *p);
struct device *scsi_attach(struct device *bus, unsigned unit, struct blockdev *disk, bool cdrom, const char *serial,
                           struct err *e);

#endif

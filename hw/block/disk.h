/* What disks on ATA and SCSI buses have in common: the properties that say how a drive looks to the guest. */
#ifndef MOSS_HW_BLOCK_DISK_H
#define MOSS_HW_BLOCK_DISK_H

#include "base/err.h"
#include "block/block.h"
#include "hw/core/device.h"

struct disk_conf {
    struct blockdev *drive;
    const char *serial, *model, *version, *rerror, *werror;
    u64 wwn;
    u32 bootindex, logical_block_size, physical_block_size, discard_granularity, cyls, heads, secs;
    u16 rotation_rate;
    bool write_cache, share_rw;
};

// clang-format off
#define DISK_ERROR_PROPS(T, m) \
    PROP("rerror", PROP_STR, T, m.rerror, "auto", "reads that fail: report, ignore, stop, enospc; auto: as -drive"),\
    PROP("werror", PROP_STR, T, m.werror, "auto", "the same for writes")
#define DISK_PROPS(T, m) \
    PROP("drive", PROP_BLOCK, T, m.drive, NULL, "the disk, or the drive for one"),                                  \
    PROP("serial", PROP_STR, T, m.serial, NULL, "serial number, 20 characters"),                                    \
    PROP("model", PROP_STR, T, m.model, NULL, "model"),                                                             \
    PROP("ver", PROP_STR, T, m.version, NULL, "firmware revision"),                                                 \
    PROP("wwn", PROP_U64, T, m.wwn, "0", "world wide name; 0: it has none"),                                        \
    PROP("bootindex", PROP_U32, T, m.bootindex, "0xffffffff", "boot order, for firmware"),                          \
    DISK_ERROR_PROPS(T, m),                                                                                         \
    PROP("write-cache", PROP_BOOL, T, m.write_cache, "on", "the write cache is on after reset"),                    \
    PROP("share-rw", PROP_BOOL, T, m.share_rw, "off", "accepted, changes nothing"),                                 \
    PROP("logical_block_size", PROP_U32, T, m.logical_block_size, "0", "bytes; 0: 512, of a CD 2048"),              \
    PROP("physical_block_size", PROP_U32, T, m.physical_block_size, "0", "bytes; 0: the logical one"),              \
    PROP("discard_granularity", PROP_U32, T, m.discard_granularity, "0", "bytes")
#define DISK_GEOMETRY_PROPS(T, m) \
    PROP("rotation_rate", PROP_U16, T, m.rotation_rate, "0", "turns a minute; 1: it does not turn; 0: not told"),   \
    PROP("cyls", PROP_U32, T, m.cyls, "0", "cylinders; 0: by its size"),                                            \
    PROP("heads", PROP_U32, T, m.heads, "0", "heads"),                                                              \
    PROP("secs", PROP_U32, T, m.secs, "0", "sectors a track")
// clang-format on

/* Checks the properties and fills in what was left open. `block`: the kind's usual block size. */
bool disk_conf_check(struct disk_conf *c, bool cdrom, struct err *e);
/* DISK_ERROR_PROPS: what becomes of requests that fail. The disk may be NULL: then they are checked only. */
bool disk_errors_set(struct blockdev *b, const char *rerror, const char *werror, struct err *e);
/* Text padded with spaces to n characters, as ATA and SCSI have it. */
void disk_text(u8 *p, unsigned n, const char *text);
/* A serial number for a drive that was given none: as QEMU, "QM" and five digits. */
const char *disk_serial(struct device *d, const struct disk_conf *c, unsigned number);

#endif

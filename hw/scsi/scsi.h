/* SCSI logical units: what answers command blocks, whoever brings them: ATAPI, a SCSI bus, USB storage.
 *
 * A transport starts a command, then moves its data in pieces as it likes until the command has ended:
 *
 *   scsi_start(&lu, &c, cdb, n);
 *   step(&c):  SCSI_IN, SCSI_OUT: scsi_move(&c, iov, niov, n), and look again
 *              SCSI_BUSY:         c.fn(&c) is called when it is another step
 *              SCSI_ENDED:        c.status; with CHECK CONDITION the sense is in the unit (scsi_sense)
 *
 * Neither function calls c.fn from inside. A transport that has no more room, or no more data, ends with scsi_stop().
 * One command at a time a struct scsi_cmd; several at once a unit are legal. Machine lock held. */
#ifndef MOSS_HW_SCSI_SCSI_H
#define MOSS_HW_SCSI_SCSI_H

#include "block/block.h"
#include "hw/block/disk.h"

enum scsi_step { SCSI_ENDED, SCSI_IN, SCSI_OUT, SCSI_BUSY, SCSI_STEPS };
enum scsi_status { SCSI_GOOD = 0, SCSI_CHECK_CONDITION = 2 };
enum { SCSI_BUF = 4096, SCSI_CDB = 16, SCSI_SENSE = 18 };

/* Pending unit attentions. */
enum { UA_RESET = 1, UA_MEDIUM = 2, UA_MODE = 4, UA_CAPACITY = 8, UA_LUNS = 16 };

struct scsi_lu {
    struct device *dev; /* whose it is */
    struct disk_conf *conf;
    const char *vendor, *product, *version, *serial;
    u32 block; /* bytes */
    bool cdrom, atapi;
    void (*changed)(struct scsi_lu *lu); /* medium or tray, by the host's hand; may be NULL */

    /* State. */
    u8 key, asc, ascq, info_valid;
    u32 info;
    u8 ua, tray_open, locked, stopped, event, wce;
};
#define SCSI_LU_FIELDS(T, m) \
    FIELD(T, m.key), FIELD(T, m.asc), FIELD(T, m.ascq), FIELD(T, m.info_valid), FIELD(T, m.info), FIELD(T, m.ua), \
        FIELD(T, m.tray_open, .flags = F_KEEP), FIELD(T, m.locked), FIELD(T, m.stopped), FIELD(T, m.event), \
        FIELD(T, m.wce)

struct scsi_cmd {
    struct scsi_lu *lu;
    void (*fn)(struct scsi_cmd *c);
    u8 cdb[SCSI_CDB];
    u8 step, status, media; /* media: enum scsi_media, where the data phase's bytes are */
    u64 len, pos;           /* bytes of the data phase, and how many of them were moved */
    u64 at;                 /* media: byte of the disk where the data phase begins */
    u32 frame;              /* raw frames: bytes of one, */
    u8 parts;               /* and what of it is wanted */
    u64 buf[SCSI_BUF / 8];

    /* Not state. */
    struct block_req req;
    struct iovec iov;
    const struct iovec *to; /* raw frames: where they go */
    int nto;
    u64 want;
    u8 *bounce;
    bool stopping, moving;
};
// clang-format off
#define SCSI_CMD_FIELDS(T, m)                                                                                          \
    FIELDS(T, m.cdb), FIELD(T, m.step), FIELD(T, m.status), FIELD(T, m.media), FIELD(T, m.len), FIELD(T, m.pos),       \
    FIELD(T, m.at), FIELD(T, m.frame), FIELD(T, m.parts), FIELDS(T, m.buf, .flags = F_HIDDEN)
// clang-format on

/* lu->dev, conf, cdrom, atapi and block are set; the texts that are NULL get values. */
void scsi_lu_init(struct scsi_lu *lu);
void scsi_lu_reset(struct scsi_lu *lu, u8 ua);
bool scsi_lu_loaded(const struct scsi_lu *lu, struct err *e);
bool scsi_cmd_loaded(const struct scsi_cmd *c, struct err *e);
/* Hears of its drive's media from now on. */
void scsi_lu_watch(struct scsi_lu *lu, bool on);
void scsi_lu_lock(struct scsi_lu *lu, bool locked); /* the guest holds the door, or lets it go */

void scsi_start(struct scsi_lu *lu, struct scsi_cmd *c, const u8 *cdb, unsigned n);
/* Up to n bytes, the sum of the segments, which stay valid until another step; c->pos says how many went. */
void scsi_move(struct scsi_cmd *c, const struct iovec *iov, int niov, u64 n);
/* The data phase ends here, short. */
void scsi_stop(struct scsi_cmd *c);
/* Nothing is on its way for this command any more, and fn is not called. */
void scsi_cancel(struct scsi_cmd *c);
/* Fixed or descriptor format, at most SCSI_SENSE bytes; gives how many. `clear`: it was told, and is gone. */
unsigned scsi_sense(struct scsi_lu *lu, u8 *p, bool descriptor, bool clear);

#endif

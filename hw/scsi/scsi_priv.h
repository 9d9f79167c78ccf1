/* Between the files of the command sets. */
#ifndef MOSS_HW_SCSI_SCSI_PRIV_H
#define MOSS_HW_SCSI_SCSI_PRIV_H

#include "hw/scsi/scsi.h"

enum scsi_media { MEDIA_NONE, MEDIA_READ, MEDIA_WRITE, MEDIA_RAW, MEDIA_KINDS };

/* Sense: key, additional code, qualifier. */
#define SENSE(k, a, q) ((k) << 16 | (a) << 8 | (q))
enum {
    NOT_READY_STOPPED = SENSE(2, 0x04, 0x02),
    NO_MEDIUM_CLOSED = SENSE(2, 0x3a, 0x01),
    NO_MEDIUM_OPEN = SENSE(2, 0x3a, 0x02),
    READ_ERROR = SENSE(3, 0x11, 0x00),
    WRITE_ERROR = SENSE(3, 0x0c, 0x02),
    TARGET_FAILURE = SENSE(4, 0x44, 0x00),
    BAD_LENGTH = SENSE(5, 0x1a, 0x00),
    BAD_OPCODE = SENSE(5, 0x20, 0x00),
    BAD_LBA = SENSE(5, 0x21, 0x00),
    BAD_FIELD = SENSE(5, 0x24, 0x00),
    BAD_LUN = SENSE(5, 0x25, 0x00),
    BAD_PARAMETER = SENSE(5, 0x26, 0x00),
    SAVING_UNSUPPORTED = SENSE(5, 0x39, 0x00),
    BAD_FORMAT = SENSE(5, 0x30, 0x02),
    REMOVAL_PREVENTED = SENSE(5, 0x53, 0x02),
    BAD_TRACK_MODE = SENSE(5, 0x64, 0x00),
    WRITE_PROTECTED = SENSE(7, 0x27, 0x00),
    NO_SPACE = SENSE(7, 0x27, 0x07),
    MISCOMPARE = SENSE(0xe, 0x1d, 0x00)
};

enum { EVENT_NONE, EVENT_EJECT, EVENT_NEW, EVENT_REMOVAL }; /* MMC-5, GET EVENT STATUS NOTIFICATION: of media */

enum {
    OP_HD = 1,
    OP_CD = 2,
    OP_ANY = 3,
    OP_NO_UA = 4,  /* carried out although a unit attention is pending */
    OP_MEDIUM = 8, /* only with a medium that can be read */
    OP_SCSI = 16   /* not by ATAPI */
};
struct scsi_op {
    u8 op, flags;
    const char *name;
    void (*start)(struct scsi_cmd *c);
    void (*finish)(struct scsi_cmd *c); /* the parameters that were sent are in buf, pos bytes of them */
};
extern const struct scsi_op scsi_ops[];

static inline u8 *scsi_buf(struct scsi_cmd *c)
{
    return (u8 *)c->buf;
}
void scsi_good(struct scsi_cmd *c);
void scsi_fail(struct scsi_cmd *c, u32 sense);
void scsi_fail_at(struct scsi_cmd *c, u32 sense, u64 lba);
/* The first n bytes of buf are the answer, of which the initiator takes `room`. */
void scsi_give(struct scsi_cmd *c, u64 n, u64 room);
/* n bytes of parameters are awaited into buf. */
void scsi_take(struct scsi_cmd *c, u64 n);
/* A data phase on the medium: [at, at + len) of the disk. */
void scsi_media(struct scsi_cmd *c, enum scsi_media m, u64 at, u64 len);
/* A request without data phase; c->req's op, offset, len are set. */
void scsi_request(struct scsi_cmd *c, void (*done)(struct block_req *r, int rc));
void scsi_request_done(struct block_req *r, int rc); /* the usual one */
void scsi_media_failed(struct scsi_cmd *c, int rc);  /* the sense for a host error */
u64 scsi_blocks(const struct scsi_lu *lu);           /* 0: no medium */
bool scsi_ready(const struct scsi_lu *lu);
u64 scsi_lba(const struct scsi_cmd *c);
u64 scsi_length(const struct scsi_cmd *c); /* the field behind it */
/* Raw frames of a CD: lba's sector of 2048 bytes at `data`, as parts of a frame; gives their length. */
unsigned cd_frame(u8 *out, u32 lba, const u8 *data, u8 parts);
unsigned cd_frame_size(u8 parts);
void scsi_raw_move(struct scsi_cmd *c, const struct iovec *iov, int niov, u64 n);

#define OP_START(name) void scsi_##name(struct scsi_cmd *c);
OP_START(test_unit_ready)
OP_START(request_sense)
OP_START(inquiry)
OP_START(mode_sense)
OP_START(mode_select)
OP_START(mode_selected)
OP_START(report_luns)
OP_START(reserve)
OP_START(start_stop)
OP_START(prevent)
OP_START(diagnostic)
OP_START(report_opcodes)
OP_START(log_sense)
OP_START(read)
OP_START(write)
OP_START(verify)
OP_START(verified)
OP_START(synchronize)
OP_START(capacity10)
OP_START(capacity16)
OP_START(unmap)
OP_START(unmapped)
OP_START(write_same)
OP_START(write_samed)
OP_START(seek)
OP_START(format_unit)
OP_START(toc)
OP_START(configuration)
OP_START(event_status)
OP_START(disc_information)
OP_START(track_information)
OP_START(mechanism)
OP_START(dvd_structure)
OP_START(read_cd)
OP_START(subchannel)
OP_START(speed)
OP_START(audio)
#undef OP_START

/* Mode pages of a CD and of a disk, after the header: into p, which has room for 512 bytes; gives the length. pc: 0
 * current, 1 changeable, 2 default. ~0: no such page. */
unsigned scsi_mode_pages(struct scsi_lu *lu, u8 *p, unsigned pc, unsigned page, unsigned subpage);

#endif

/* Between the files of the floppy controller. */
#ifndef MOSS_HW_BLOCK_FDC_PRIV_H
#define MOSS_HW_BLOCK_FDC_PRIV_H

#include "base/clock.h"
#include "block/block.h"
#include "hw/block/fdc.h"

enum { FDC_DRIVES = 2, FDC_SELECTS = 4, FDC_SECTOR = 512, FDC_FIFO = 16, FDC_DMA_CHANNEL = 2 };
enum { /* Status 0, 1 and 2 */
       ST0_ABNORMAL = 0x40,
       ST0_INVALID = 0x80,
       ST0_READY_CHANGED = 0xc0,
       ST0_SEEK_END = 0x20,
       ST0_EQUIPMENT = 0x10,
       ST1_END_OF_CYLINDER = 0x80,
       ST1_DATA_ERROR = 0x20,
       ST1_NO_DATA = 0x04,
       ST1_WRITE_PROTECTED = 0x02,
       ST1_MISSING_MARK = 0x01,
       ST2_CONTROL_MARK = 0x40,
       ST2_DATA_ERROR = 0x20,
       ST2_WRONG_CYLINDER = 0x10,
       ST2_SCAN_HIT = 0x08,
       ST2_SCAN_MISS = 0x04,
       ST2_BAD_CYLINDER = 0x02
};

enum fdc_phase { FDC_COMMAND, FDC_EXECUTE, FDC_RESULT, FDC_PHASES };
/* Where the execution phase stands: the disk is waited for; a sector (or what describes one) is in the buffer, for the
 * host or from it; the next sector comes when the timer says. */
enum fdc_stage { STAGE_NONE, STAGE_DISK, STAGE_HOST, STAGE_NEXT, FDC_STAGES };

struct fdc_format {
    u16 sectors; /* of 512 bytes, both sides */
    u8 secs, cyls, heads, rate, type;
};
enum { TYPE_NONE, TYPE_360K, TYPE_1200K, TYPE_720K, TYPE_1440K, TYPE_2880K };

struct fdc_drive {
    struct blockdev *disk; /* NULL: there is no drive */
    u8 type;               /* as CMOS has it */
    struct fdc *fdc;
    /* State. */
    u8 cylinder; /* where the head is */
    u8 changed;  /* since the last step */
    u8 passing;  /* the sector that READ ID sees next, from 0 */
};

struct fdc {
    struct device dev;
    const struct isa_dma *dma;
    struct blockdev *wanted[FDC_DRIVES]; /* properties */
    const char *wanted_type[FDC_DRIVES];
    struct fdc_drive drive[FDC_DRIVES];

    /* State: registers. */
    u8 dor, tdr, rate, specify[2], config[2], lock, perpendicular, pcn[FDC_SELECTS];
    u8 resets, sense[FDC_SELECTS]; /* interrupts that SENSE INTERRUPT STATUS has to tell; sense 0: none */
    bool irq;
    u8 phase, fifo[FDC_FIFO], pos, len;
    /* A transfer. */
    u8 stage, c, h, r, st1, st2, verify_left;
    bool tc, low, high, dreq;
    u16 at, end; /* bytes of buf that are through, and how many there are */
    u64 buf[FDC_SECTOR / 8];
    u64 next_due;

    /* Not state. */
    struct timer next;
    struct block_req req;
    struct iovec iov;
    bool stopping;
};

/* fdc_drive.c */
const struct fdc_format *fdc_format_of(const struct blockdev *disk); /* NULL: no medium */
u8 fdc_type_of(const struct blockdev *disk);
bool fdc_type_named(const char *name, u8 *type, struct err *e);
/* Sector r of that side under the head, as a byte of the image; false: not there, and why. */
bool fdc_sector_find(struct fdc *s, struct fdc_drive *d, u8 c, u8 h, u8 r, u8 n, u64 *at);
bool fdc_has_marks(struct fdc *s, const struct fdc_drive *d); /* at this rate, in this encoding */
u8 fdc_disk_cylinder(const struct fdc_drive *d);
void fdc_step(struct fdc_drive *d, unsigned cylinder);

/* fdc.c */
struct fdc_drive *fdc_command_drive(struct fdc *s); /* by the command's select bits; NULL: none there */
void fdc_result(struct fdc *s, unsigned n, bool interrupt);
void fdc_irq(struct fdc *s, bool on);
void fdc_seek_to(struct fdc *s, unsigned select, unsigned cylinder);
static inline bool fdc_non_dma(const struct fdc *s)
{
    return s->specify[1] & 1;
}

/* fdc_transfer.c */
void fdc_transfer_start(struct fdc *s);
void fdc_format_start(struct fdc *s);
void fdc_read_id(struct fdc *s);
void fdc_transfer_init(struct fdc *s);
void fdc_transfer_stop(struct fdc *s);
void fdc_transfer_loaded(struct fdc *s);
bool fdc_to_host(const struct fdc *s);
unsigned fdc_give(void *opaque, u8 *p, unsigned n);
unsigned fdc_take(void *opaque, const u8 *p, unsigned n);
void fdc_terminal_count(void *opaque);

#endif

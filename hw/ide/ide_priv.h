/* A drive on an ATA bus, as its files and its hosts see it.
 *
 * The drive knows the ATA protocols: it has the registers, runs commands, and says "here is a block for the data
 * register", "memory, please", "the command ended". A host (a channel with registers, or a port of an AHCI) moves what
 * is to be moved and tells the guest. SPEC: ATA/ATAPI-7 (T13/1532D), names are that document's. */
#ifndef MOSS_HW_IDE_IDE_PRIV_H
#define MOSS_HW_IDE_IDE_PRIV_H

#include "block/block.h"
#include "hw/block/disk.h"
#include "hw/core/device.h"
#include "hw/core/sg.h"
#include "hw/ide/ide.h"

enum { /* Status */
       ST_ERR = 0x01,
       ST_DRQ = 0x08,
       ST_DSC = 0x10,
       ST_DF = 0x20,
       ST_DRDY = 0x40,
       ST_BSY = 0x80,
       ST_GOOD = ST_DRDY | ST_DSC
};
enum { /* Error; UNC and WP share a bit, for reads and writes */
       ER_ABRT = 0x04,
       ER_IDNF = 0x10,
       ER_UNC = 0x40,
       ER_WP = 0x40
};
enum { DEV_LBA = 0x40, DEV_DEV = 0x10 };
enum { CTL_NIEN = 0x02, CTL_SRST = 0x04, CTL_HOB = 0x80 };

enum ide_phase {
    IDE_IDLE,
    IDE_BUSY,    /* the disk, or the host's memory, is waited for */
    IDE_PIO_IN,  /* buf[pos..end) is for the data register */
    IDE_PIO_OUT, /* buf[pos..end) comes through it */
    IDE_PHASES
};
enum { IDE_SECTOR = 512, IDE_BUF = 0x10000, IDE_MULTIPLE_MAX = 128, IDE_RUN_MAX = 2048 /* sectors a request */ };

struct ide_unit;

/* What a host does for its drives. */
struct ide_host {
    /* A block for the data register is ready; `first`: of a command whose data goes to the drive. */
    void (*drq)(struct ide_unit *u, bool first);
    void (*done)(struct ide_unit *u); /* the command ended, as Status and Error say */
    void (*irq)(struct ide_unit *u);  /* intrq fell, or the drive was reset */
    /* Adds up to `limit` bytes of the memory meant by a DMA command to the list and moves on in it. Less: the guest has
     * given no more yet, and the host calls ide_dma_go() when it has. */
    u64 (*dma_fetch)(struct ide_unit *u, struct sg *s, u64 limit);
    void (*dma_undo)(struct ide_unit *u);   /* goes back to where the last fetch began */
    void (*dma_end)(struct ide_unit *u);    /* the command wants no more of it */
    bool (*dma_refuse)(struct ide_unit *u); /* there will never be more: the command ends with an error */
    u8 queue_depth;                         /* of a serial bus; 0: it is a parallel one */
};

struct ide_command {
    u8 op, last; /* a range of opcodes; last 0: one */
    u8 flags;
    const char *name;
    void (*start)(struct ide_unit *u);
    void (*next)(struct ide_unit *u); /* a block went through the data register */
};
enum { CMD_HD = 1, CMD_CD = 2, CMD_EXT = 4 /* 48-bit registers */, CMD_SLEEP = 8 /* also for a drive that sleeps */ };
extern const struct ide_command ide_commands[]; /* ended by a NULL start */

/* How queued commands fail: what READ LOG EXT page 10h tells. */
struct ide_ncq_error {
    u8 valid, tag, status, error;
    u64 lba;
    u32 count;
};

struct ide_unit {
    struct device dev;
    struct disk_conf conf;
    u32 unit_wanted; /* property; ~0: the first that is free */
    u8 unit;
    bool packet; /* an ATAPI drive */
    const struct ide_host *host;
    struct device *bus;
    const char *serial, *model;

    /* Registers that are two deep: [0] was written last, [1] before that. */
    u8 features[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
    u8 device, status, error, control, command;
    bool intrq;

    u8 phase;
    u32 pos, end;
    u64 lba;               /* of what comes next */
    u32 left, piece;       /* sectors of the command that are to be done; of the block that is on its way */
    bool dma_wait, single; /* single: a run of sectors failed, now one by one */
    u64 buf[IDE_BUF / 8];

    /* Settings. */
    u8 multiple, heads, secs, dma_mode, pio_mode, power, smart;
    u8 wce, lookahead, revert, asleep, interface; /* interface: by DMA for PACKET */
    u64 sectors_shown;                            /* what SET MAX left visible */
    u8 standby_timer;
    struct ide_ncq_error ncq;

    /* Not state: a request and what it uses. */
    struct block_req req;
    struct iovec iov;
    struct sg sg;
    bool stopping;
};
// clang-format off
#define IDE_UNIT_FIELDS(T, m)                                                                                          \
    FIELDS(T, m features), FIELDS(T, m count), FIELDS(T, m lba_low), FIELDS(T, m lba_mid), FIELDS(T, m lba_high),      \
    FIELD(T, m device), FIELD(T, m status), FIELD(T, m error), FIELD(T, m control), FIELD(T, m command),               \
    FIELD(T, m intrq), FIELD(T, m phase), FIELD(T, m pos), FIELD(T, m end), FIELD(T, m lba), FIELD(T, m left),         \
    FIELD(T, m piece), FIELD(T, m dma_wait), FIELD(T, m single), FIELDS(T, m buf, .flags = F_HIDDEN),                  \
    FIELD(T, m multiple), FIELD(T, m heads), FIELD(T, m secs), FIELD(T, m dma_mode), FIELD(T, m pio_mode),             \
    FIELD(T, m power, .reset = 0xff), FIELD(T, m smart, .reset = 1), FIELD(T, m wce), FIELD(T, m lookahead, .reset = 1),\
    FIELD(T, m revert, .reset = 1), FIELD(T, m asleep), FIELD(T, m interface), FIELD(T, m sectors_shown),              \
    FIELD(T, m standby_timer), FIELD(T, m ncq.valid), FIELD(T, m ncq.tag), FIELD(T, m ncq.status),                     \
    FIELD(T, m ncq.error), FIELD(T, m ncq.lba), FIELD(T, m ncq.count)
// clang-format on

static inline u8 *ide_buf(struct ide_unit *u)
{
    return (u8 *)u->buf;
}

/* -- core: for hosts ----------------------------------------------------------------------------------------------- */

void ide_plug(struct ide_unit *u, const struct ide_host *h, struct device *bus, unsigned unit);
void ide_exec(struct ide_unit *u, u8 command);
/* The data register: bytes at pos, as many as are left of the block; then what comes after it. */
unsigned ide_data_out(struct ide_unit *u, void *p, unsigned n);
unsigned ide_data_in(struct ide_unit *u, const void *p, unsigned n);
void ide_dma_go(struct ide_unit *u); /* there is memory for a DMA command */
void ide_reset(struct ide_unit *u);  /* by software or by the bus: leaves the signature */
void ide_stop(struct ide_unit *u);   /* nothing is on its way any more, and the command is dropped */
void ide_signature(struct ide_unit *u);

/* -- core: for commands -------------------------------------------------------------------------------------------- */

void ide_done(struct ide_unit *u);
void ide_fail(struct ide_unit *u, u8 error);
static inline void ide_abort(struct ide_unit *u)
{
    ide_fail(u, ER_ABRT);
}
void ide_pio_in(struct ide_unit *u, u32 n);
void ide_pio_out(struct ide_unit *u, u32 n, bool first);
void ide_pio_in_over(struct ide_unit *u); /* the last block of a command that gives data has been read */
/* Answers with n bytes of buf, by DMA if that is how the command goes. */
u64 ide_dma_give(struct ide_unit *u, const void *p, u64 n);
bool ide_is_ext(const struct ide_unit *u);
u64 ide_lba(const struct ide_unit *u);
u32 ide_sectors(const struct ide_unit *u); /* of the count registers; 0 stands for all */
void ide_set_lba(struct ide_unit *u, u64 lba);
u64 ide_capacity(const struct ide_unit *u); /* sectors that are there */
/* Submits u->req, whose op, offset and iovec are set; `done` is not called when the command was stopped meanwhile. */
void ide_submit(struct ide_unit *u, void (*done)(struct block_req *r, int result));
bool ide_unit_loaded(struct ide_unit *u, struct err *e);
void ide_power_up(struct ide_unit *u); /* after the field table's reset */
bool ide_unit_init(struct ide_unit *u, const char *model, struct err *e);
void ide_fw_path(const struct device *d, struct buf *out);

/* -- commands ------------------------------------------------------------------------------------------------------ */

void ide_identify_fill(struct ide_unit *u, u8 *id);
void ide_identify_packet_fill(struct ide_unit *u, u8 *id);
#define IDE_START(name) void ide_##name(struct ide_unit *u);
IDE_START(nop)
IDE_START(dsm)
IDE_START(dsm_next)
IDE_START(device_reset)
IDE_START(recalibrate)
IDE_START(read_pio)
IDE_START(read_pio_next)
IDE_START(read_dma)
IDE_START(write_pio)
IDE_START(write_pio_next)
IDE_START(write_dma)
IDE_START(verify)
IDE_START(flush)
IDE_START(seek)
IDE_START(native_max)
IDE_START(set_max)
IDE_START(read_log)
IDE_START(read_log_dma)
IDE_START(diagnostic)
IDE_START(init_params)
IDE_START(packet)
IDE_START(packet_next)
IDE_START(identify_packet)
IDE_START(smart)
IDE_START(set_multiple)
IDE_START(standby)
IDE_START(idle)
IDE_START(sleep)
IDE_START(check_power)
IDE_START(read_buffer)
IDE_START(write_buffer)
IDE_START(write_buffer_next)
IDE_START(identify)
IDE_START(set_features)
IDE_START(foreign)
#undef IDE_START

/* What the core asks of its two kinds. */
void ide_packet_stop(struct ide_unit *u);
void ide_packet_reset(struct ide_unit *u);
void ide_packet_dma_go(struct ide_unit *u);
void ide_disk_dma_go(struct ide_unit *u);
u8 ide_error_of(int rc, bool write); /* what a drive would say of a host error */

#endif

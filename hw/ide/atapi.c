/* The CD and DVD drive on an ATA bus ("ide-cd"): packets, and how their data goes through ATA's registers.
 *
 * SPEC: ATA/ATAPI-7 volume 1, 6.20 (PACKET) and volume 2, 9.8 (its protocols); the commands in the packets are
 * hw/scsi's. By PIO data comes in blocks of at most the byte count in LBA Mid and High; by DMA as the host gives
 * memory. Not modelled: overlap, release, DMADIR. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/ide/ide_priv.h"
#include "hw/scsi/scsi.h"

enum { PACKET_BYTES = 12, DMA_CHUNK = 1 << 20 };
enum { REASON_COMMAND = 1, REASON_TO_HOST = 2, REASON_STATUS = 3 };
enum { STAGE_NONE, STAGE_PACKET, STAGE_DATA, STAGES };

struct ide_cd {
    struct ide_unit u;
    struct scsi_lu lu;
    struct scsi_cmd cmd;
    u16 limit; /* bytes of a PIO block */
    u8 stage;
    bool dma;
};

static struct ide_cd *cd_of(struct ide_unit *u)
{
    return (struct ide_cd *)u;
}

static void step(struct ide_cd *s);

/* -- ends ---------------------------------------------------------------------------------------------------------- */

/* The sense key is in the upper half of the error register. */
static void packet_end(struct ide_cd *s)
{
    struct ide_unit *u = &s->u;
    s->stage = STAGE_NONE;
    if (s->dma) {
        u->host->dma_end(u);
    }
    u->count[0] = REASON_STATUS;
    if (s->cmd.status == SCSI_GOOD) {
        ide_done(u);
    } else {
        ide_fail(u, (u8)(s->lu.key << 4 | (s->lu.key == 5 || s->lu.key == 11 ? ER_ABRT : 0)));
    }
}

static void cmd_stepped(struct scsi_cmd *c)
{
    struct ide_cd *s = CONTAINER_OF(c, struct ide_cd, cmd);
    if (s->dma) {
        sg_end(&s->u.sg, s->u.sg.len);
        step(s);
    } else if (c->step == SCSI_ENDED && c->status != SCSI_GOOD) {
        packet_end(s);
    } else if (s->u.iov.iov_len) { /* a block was read, and is for the data register now */
        u32 n = (u32)s->u.iov.iov_len;
        s->u.iov.iov_len = 0;
        ide_pio_in(&s->u, n);
    } else {
        step(s);
    }
}

/* -- data by PIO --------------------------------------------------------------------------------------------------- */

/* The size of the next block. An odd one is only the last (6.20.8). */
static u32 block_size_of(const struct ide_cd *s)
{
    u64 left = s->cmd.len - s->cmd.pos;
    u32 limit = s->limit & 0xfffe;
    limit = limit ? limit : 0xfffe;
    return (u32)MIN(left, limit);
}

static void reason(struct ide_cd *s, u8 r, u32 n)
{
    s->u.count[0] = r;
    s->u.lba_mid[0] = (u8)n;
    s->u.lba_high[0] = (u8)(n >> 8);
}

static void pio_step(struct ide_cd *s)
{
    struct ide_unit *u = &s->u;
    u32 n = block_size_of(s);
    if (s->cmd.step == SCSI_OUT) {
        reason(s, 0, n);
        ide_pio_out(u, n, false);
        return;
    }
    reason(s, REASON_TO_HOST, n);
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    u->iov = (struct iovec){u->buf, n};
    scsi_move(&s->cmd, &u->iov, 1, n);
    if (s->cmd.step != SCSI_BUSY) {
        cmd_stepped(&s->cmd);
    }
}

static void data_arrived(struct ide_cd *s, u32 n)
{
    struct ide_unit *u = &s->u;
    u->iov = (struct iovec){u->buf, n};
    scsi_move(&s->cmd, &u->iov, 1, n);
    u->iov.iov_len = s->cmd.step == SCSI_BUSY ? u->iov.iov_len : 0;
    if (s->cmd.step != SCSI_BUSY) {
        step(s);
    }
}

/* -- data by DMA --------------------------------------------------------------------------------------------------- */

static void dma_step(struct ide_cd *s)
{
    struct ide_unit *u = &s->u;
    u64 want = MIN(s->cmd.len - s->cmd.pos, DMA_CHUNK);
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    sg_begin(&u->sg, u->dev.dma, s->cmd.step == SCSI_IN, (struct mem_attrs){0});
    u64 got = u->host->dma_fetch(u, &u->sg, want);
    if (!got) {
        sg_end(&u->sg, 0);
        if (u->host->dma_refuse(u)) {
            scsi_stop(&s->cmd);
            packet_end(s);
        } else {
            u->dma_wait = true;
        }
        return;
    }
    u->dma_wait = false;
    scsi_move(&s->cmd, u->sg.iov, u->sg.n, got);
    if (s->cmd.step != SCSI_BUSY) {
        cmd_stepped(&s->cmd);
    }
}

void ide_packet_dma_go(struct ide_unit *u)
{
    struct ide_cd *s = cd_of(u);
    if (s->stage == STAGE_DATA) {
        step(s);
    }
}

/* -- a packet's life ----------------------------------------------------------------------------------------------- */

static void step(struct ide_cd *s)
{
    switch (s->cmd.step) {
    case SCSI_ENDED:
        packet_end(s);
        break;
    case SCSI_BUSY:
        s->u.phase = IDE_BUSY;
        s->u.status = ST_GOOD | ST_BSY;
        break;
    default:
        if (s->dma) {
            dma_step(s);
        } else {
            pio_step(s);
        }
    }
}

void ide_packet(struct ide_unit *u)
{
    struct ide_cd *s = cd_of(u);
    if (u->features[0] & 2) { /* overlapped */
        ide_abort(u);
        return;
    }
    s->dma = u->features[0] & 1;
    s->limit = (u16)(u->lba_mid[0] | u->lba_high[0] << 8);
    s->stage = STAGE_PACKET;
    u->count[0] = REASON_COMMAND;
    ide_pio_out(u, PACKET_BYTES, true);
}

/* A block went through the data register: the packet, data for a command, or data that was asked for. */
void ide_packet_next(struct ide_unit *u)
{
    struct ide_cd *s = cd_of(u);
    u32 n = u->end;
    u->pos = u->end = 0;
    if (s->stage == STAGE_PACKET) {
        s->stage = STAGE_DATA;
        u->iov.iov_len = 0;
        scsi_start(&s->lu, &s->cmd, ide_buf(u), PACKET_BYTES);
        step(s);
    } else if (s->cmd.step == SCSI_OUT) {
        data_arrived(s, n);
    } else {
        step(s);
    }
}

void ide_packet_stop(struct ide_unit *u)
{
    struct ide_cd *s = cd_of(u);
    scsi_cancel(&s->cmd);
    sg_end(&u->sg, u->sg.len);
    s->stage = STAGE_NONE;
}

void ide_packet_reset(struct ide_unit *u)
{
    struct ide_cd *s = cd_of(u);
    scsi_lu_reset(&s->lu, UA_RESET);
}

/* -- the device ---------------------------------------------------------------------------------------------------- */

static bool cd_init(struct device *d, struct err *e)
{
    struct ide_cd *s = (struct ide_cd *)d;
    if (!ide_unit_init(&s->u, "MOSS DVD-ROM", e)) {
        return false;
    }
    if (s->u.conf.logical_block_size != 2048) {
        return err_set(e, "logical_block_size must be 2048 for a CD");
    }
    s->cmd.lu = &s->lu;
    s->cmd.fn = cmd_stepped;
    s->lu = (struct scsi_lu){.dev = d,
                             .conf = &s->u.conf,
                             .product = s->u.model,
                             .version = s->u.conf.version,
                             .serial = s->u.serial,
                             .block = 2048,
                             .cdrom = true,
                             .atapi = true};
    scsi_lu_init(&s->lu);
    scsi_lu_watch(&s->lu, true);
    return true;
}

static void cd_reset(struct device *d)
{
    ide_power_up((struct ide_unit *)d);
}

static bool cd_loaded(struct device *d, struct err *e)
{
    struct ide_cd *s = (struct ide_cd *)d;
    if (!ide_unit_loaded(&s->u, e) || !scsi_lu_loaded(&s->lu, e) || !scsi_cmd_loaded(&s->cmd, e)) {
        return false;
    }
    bool data = s->cmd.step == SCSI_IN || s->cmd.step == SCSI_OUT;
    if (s->stage >= STAGES || (s->stage == STAGE_DATA && !data && s->u.phase != IDE_PIO_IN) ||
        (s->u.phase == IDE_PIO_OUT && s->cmd.step == SCSI_OUT && s->u.end > s->cmd.len - s->cmd.pos)) {
        return err_set(e, "a packet at stage %u cannot be", s->stage);
    }
    return true;
}

static void cd_fini(struct device *d)
{
    struct ide_cd *s = (struct ide_cd *)d;
    ide_packet_stop(&s->u);
    scsi_lu_watch(&s->lu, false);
}

static const struct field cd_state[] = {
    IDE_UNIT_FIELDS(struct ide_cd, u.),
    SCSI_LU_FIELDS(struct ide_cd, lu),
    SCSI_CMD_FIELDS(struct ide_cd, cmd),
    FIELD(struct ide_cd, limit),
    FIELD(struct ide_cd, stage),
    FIELD(struct ide_cd, dma),
    {0},
};
static const struct prop cd_props[] = {
    DISK_PROPS(struct ide_cd, u.conf),
    PROP("unit", PROP_U32, struct ide_cd, u.unit_wanted, "0xffffffff", "its place on the bus; else the first free"),
    {0},
};

const struct device_class ide_cd_class = {
    .name = "ide-cd",
    .doc = "ATAPI CD and DVD drive",
    .bus = "IDE",
    .size = sizeof(struct ide_cd),
    .state = cd_state,
    .props = cd_props,
    .init = cd_init,
    .reset = cd_reset,
    .loaded = cd_loaded,
    .fini = cd_fini,
    .fw_path = ide_fw_path,
};

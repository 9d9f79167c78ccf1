/* The drive's side of the ATA protocols: registers, phases of a command, resets.
 *
 * SPEC: ATA/ATAPI-7 volume 2, 5 (registers), 9 (protocols), 11 (resets). Commands take no time but for the disk's.
 * Not modelled: overlap and queueing on a parallel bus, the service interrupt, the media status commands, CFA commands
 * and 8-bit transfers; the standby timer is kept and never runs out. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/ide/ide_priv.h"

/* -- what a command says ------------------------------------------------------------------------------------------- */

static void phase_end(struct ide_unit *u)
{
    u->phase = IDE_IDLE;
    u->dma_wait = u->single = false;
    u->pos = u->end = u->piece = 0;
}

void ide_done(struct ide_unit *u)
{
    phase_end(u);
    u->status = ST_GOOD;
    u->host->done(u);
}

void ide_fail(struct ide_unit *u, u8 error)
{
    phase_end(u);
    u->status = ST_GOOD | ST_ERR;
    u->error = error;
    u->host->done(u);
}

void ide_pio_in(struct ide_unit *u, u32 n)
{
    must(n && n <= IDE_BUF);
    u->phase = IDE_PIO_IN;
    u->pos = 0;
    u->end = n;
    u->status = ST_GOOD | ST_DRQ;
    u->host->drq(u, false);
}

void ide_pio_out(struct ide_unit *u, u32 n, bool first)
{
    must(n && n <= IDE_BUF);
    u->phase = IDE_PIO_OUT;
    u->pos = 0;
    u->end = n;
    u->status = ST_GOOD | ST_DRQ;
    u->host->drq(u, first);
}

/* No interrupt: the host has all it wanted. */
void ide_pio_in_over(struct ide_unit *u)
{
    phase_end(u);
    u->status = ST_GOOD;
}

u64 ide_dma_give(struct ide_unit *u, const void *p, u64 n)
{
    u64 done = 0;
    while (done < n) {
        sg_begin(&u->sg, u->dev.dma, true, (struct mem_attrs){0});
        u64 got = u->host->dma_fetch(u, &u->sg, n - done);
        sg_write(&u->sg, 0, (const u8 *)p + done, got);
        sg_end(&u->sg, got);
        if (!got) {
            break;
        }
        done += got;
    }
    u->host->dma_end(u);
    return done;
}

/* -- registers as numbers ------------------------------------------------------------------------------------------ */

static const struct ide_command *command_find(const struct ide_unit *u, u8 op)
{
    for (const struct ide_command *c = ide_commands; c->start; c++) {
        if ((op == c->op || (op > c->op && op <= c->last)) && c->flags & (u->packet ? CMD_CD : CMD_HD)) {
            return c;
        }
    }
    return NULL;
}

bool ide_is_ext(const struct ide_unit *u)
{
    const struct ide_command *c = command_find(u, u->command);
    return c && c->flags & CMD_EXT;
}

u64 ide_lba(const struct ide_unit *u)
{
    u64 low = u->lba_low[0] | (u64)u->lba_mid[0] << 8 | (u64)u->lba_high[0] << 16;
    if (ide_is_ext(u)) {
        return low | (u64)u->lba_low[1] << 24 | (u64)u->lba_mid[1] << 32 | (u64)u->lba_high[1] << 40;
    }
    if (u->device & DEV_LBA) {
        return low | (u64)(u->device & 15) << 24;
    }
    unsigned cylinder = u->lba_mid[0] | u->lba_high[0] << 8, head = u->device & 15, sector = u->lba_low[0];
    if (!sector || sector > u->secs || head >= u->heads) {
        return ~0ull; /* there is no such sector */
    }
    return ((u64)cylinder * u->heads + head) * u->secs + sector - 1;
}

u32 ide_sectors(const struct ide_unit *u)
{
    if (ide_is_ext(u)) {
        u32 n = u->count[0] | (u32)u->count[1] << 8;
        return n ? n : 65536;
    }
    return u->count[0] ? u->count[0] : 256;
}

void ide_set_lba(struct ide_unit *u, u64 lba)
{
    if (ide_is_ext(u)) {
        u->lba_low[1] = (u8)(lba >> 24);
        u->lba_mid[1] = (u8)(lba >> 32);
        u->lba_high[1] = (u8)(lba >> 40);
    } else if (u->device & DEV_LBA) {
        u->device = (u8)((u->device & 0xf0) | (lba >> 24 & 15));
    } else if (lba != ~0ull && u->secs && u->heads) {
        u64 cylinder = lba / u->secs / u->heads;
        u->device = (u8)((u->device & 0xf0) | lba / u->secs % u->heads);
        lba = (lba % u->secs + 1) | (cylinder & 0xffff) << 8;
    } else {
        return;
    }
    u->lba_low[0] = (u8)lba;
    u->lba_mid[0] = (u8)(lba >> 8);
    u->lba_high[0] = (u8)(lba >> 16);
}

u64 ide_capacity(const struct ide_unit *u)
{
    return MIN(block_size(u->conf.drive) / IDE_SECTOR, BIT(48));
}

/* -- commands ------------------------------------------------------------------------------------------------------ */

/* With a command on its way the drive is deaf but for DEVICE RESET (9.4); one that waits for the data register drops
 * what it was at. */
static bool may_start(struct ide_unit *u, u8 op)
{
    if (u->packet && op == 0x08) {
        return true;
    }
    if (u->status & ST_BSY) {
        guest_error(device_name(&u->dev), "command 0x%02x while 0x%02x is being carried out", op, u->command);
        return false;
    }
    if (u->status & ST_DRQ) {
        guest_error(device_name(&u->dev), "command 0x%02x instead of the data of 0x%02x", op, u->command);
        ide_stop(u);
    }
    return true;
}

void ide_exec(struct ide_unit *u, u8 op)
{
    if (!may_start(u, op)) {
        return;
    }
    const struct ide_command *c = command_find(u, op);
    if (u->asleep && !(c && c->flags & CMD_SLEEP)) {
        return; /* the interface is off: only a reset wakes it */
    }
    u->command = op;
    u->error = 0;
    u->status = ST_GOOD;
    u->intrq = false;
    u->host->irq(u);
    if (!c) {
        unimp(device_name(&u->dev), "ATA command 0x%02x", op);
        ide_abort(u);
        return;
    }
    c->start(u);
}

static void block_through(struct ide_unit *u)
{
    const struct ide_command *c = command_find(u, u->command);
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    if (c && c->next) {
        c->next(u);
    } else {
        ide_pio_in_over(u);
    }
}

unsigned ide_data_out(struct ide_unit *u, void *p, unsigned n)
{
    if (u->phase != IDE_PIO_IN) {
        memset(p, 0, n);
        return 0;
    }
    unsigned part = MIN(n, u->end - u->pos);
    memcpy(p, ide_buf(u) + u->pos, part);
    memset((u8 *)p + part, 0, n - part);
    u->pos += part;
    if (u->pos >= u->end) {
        block_through(u);
    }
    return part;
}

unsigned ide_data_in(struct ide_unit *u, const void *p, unsigned n)
{
    if (u->phase != IDE_PIO_OUT) {
        return 0;
    }
    unsigned part = MIN(n, u->end - u->pos);
    memcpy(ide_buf(u) + u->pos, p, part);
    u->pos += part;
    if (u->pos >= u->end) {
        block_through(u);
    }
    return part;
}

void ide_submit(struct ide_unit *u, void (*done)(struct block_req *r, int result))
{
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    u->power = 0xff;
    u->req.done = done;
    u->req.opaque = u;
    block_submit(u->conf.drive, &u->req);
}

/* -- resets -------------------------------------------------------------------------------------------------------- */

/* The callbacks of what is on its way see `stopping`. */
void ide_stop(struct ide_unit *u)
{
    u->stopping = true;
    if (u->packet) {
        ide_packet_stop(u);
    } else if (u->conf.drive) {
        block_drain(u->conf.drive);
    }
    u->stopping = false;
    phase_end(u);
    u->host->dma_end(u);
}

void ide_signature(struct ide_unit *u)
{
    u->count[0] = u->lba_low[0] = 1;
    u->lba_mid[0] = u->packet ? 0x14 : 0;
    u->lba_high[0] = u->packet ? 0xeb : 0;
    u->device &= DEV_DEV;
}

void ide_reset(struct ide_unit *u)
{
    ide_stop(u);
    if (u->packet) {
        ide_packet_reset(u);
    }
    ide_signature(u);
    u->device = 0;
    u->error = 1; /* passed */
    u->status = u->packet ? 0 : ST_GOOD;
    u->asleep = false;
    u->power = 0xff;
    u->intrq = false;
    if (u->revert) {
        u->multiple = 0;
        u->lookahead = 1;
        u->wce = u->conf.write_cache;
    }
    u->host->irq(u);
}

/* -- the device ---------------------------------------------------------------------------------------------------- */

void ide_plug(struct ide_unit *u, const struct ide_host *h, struct device *bus, unsigned unit)
{
    u->host = h;
    u->bus = bus;
    u->unit = (u8)unit;
    u->dev.dma = bus->dma;
}

/* The translation an ATA disk wakes up with (ATA/ATAPI-5, annex C): at most 16383 x 16 x 63. */
static void geometry(struct ide_unit *u)
{
    struct disk_conf *c = &u->conf;
    if (!c->cyls) {
        c->heads = 16;
        c->secs = 63;
        c->cyls = (u32)MIN(MAX(ide_capacity(u) / (16 * 63), 1), 16383);
    }
}

bool ide_unit_init(struct ide_unit *u, const char *model, struct err *e)
{
    static unsigned number;
    if (!disk_conf_check(&u->conf, u->packet, e)) {
        return false;
    }
    if (!u->packet && u->conf.logical_block_size != IDE_SECTOR) {
        return err_set(e, "logical_block_size must be 512 for IDE");
    }
    u->serial = disk_serial(&u->dev, &u->conf, ++number);
    u->model = u->conf.model ? u->conf.model : model;
    if (!u->packet) {
        geometry(u);
    }
    return true;
}

void ide_power_up(struct ide_unit *u)
{
    u->heads = (u8)u->conf.heads;
    u->secs = (u8)u->conf.secs;
    u->wce = u->conf.write_cache;
    u->sectors_shown = u->packet ? 0 : ide_capacity(u);
    u->dma_mode = 0x45; /* Ultra DMA 5, as firmware would leave it */
    ide_reset(u);
}

bool ide_unit_loaded(struct ide_unit *u, struct err *e)
{
    bool pio = u->phase == IDE_PIO_IN || u->phase == IDE_PIO_OUT, dma = u->dma_wait && u->command != 0x06;
    bool place = pio ? u->pos < u->end && u->end <= IDE_BUF : !u->pos && !u->end;
    if (u->phase >= IDE_PHASES || !place || u->multiple > IDE_MULTIPLE_MAX ||
        u->piece > (dma ? IDE_RUN_MAX : IDE_BUF / IDE_SECTOR)) {
        return err_set(e, "phase %u at %u of %u, %u sectors, cannot be", u->phase, u->pos, u->end, u->piece);
    }
    u->host->irq(u);
    return true;
}

void ide_fw_path(const struct device *d, struct buf *out)
{
    buf_printf(out, "/disk@%x", ((const struct ide_unit *)d)->unit);
}

struct device *ide_attach(struct device *bus, unsigned unit, struct blockdev *disk, bool cdrom, const char *serial,
                          struct err *e)
{
    struct device *d = device_new(bus->machine, cdrom ? &ide_cd_class : &ide_hd_class, NULL);
    struct ide_unit *u = (struct ide_unit *)d;
    u->conf.drive = disk;
    u->unit_wanted = unit;
    if (serial && !device_set_prop(d, "serial", serial, e)) {
        return NULL;
    }
    return device_plug(d, bus->id, e) && device_init(d, e) ? d : NULL;
}

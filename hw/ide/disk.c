/* The hard disk ("ide-hd"): commands that touch the medium.
 *
 * SPEC: ATA/ATAPI-7 volume 1, 6.25 to 6.66; ACS-2 for DATA SET MANAGEMENT. A host error becomes what a drive would say:
 * UNC for sectors that can't be read, IDNF for those that can't be written or are not there, WP for a disk that is
 * read-only, with the address of the first such sector in the registers. Sectors before it are transferred.
 * Not modelled: WRITE UNCORRECTABLE, streaming, LONG commands, tagged queueing but for an AHCI's (ahci_ncq.c). */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/ide/ide_priv.h"

/* -- errors -------------------------------------------------------------------------------------------------------- */

u8 ide_error_of(int rc, bool write)
{
    switch (rc) {
    case -EROFS:
        return ER_WP | ER_ABRT;
    case -EINVAL:
        return ER_IDNF;
    case -ENOMEDIUM:
        return ER_ABRT;
    default:
        return write ? ER_IDNF : ER_UNC;
    }
}

static u8 error_of(const struct ide_unit *u, int rc)
{
    return ide_error_of(rc, u->req.op != BLOCK_READ);
}

/* The count register tells what is left (ATA-7 6.27.6 leaves it open; drivers of old look at it). */
static void fail_at(struct ide_unit *u, u64 lba, u8 error)
{
    ide_set_lba(u, lba);
    u->count[0] = (u8)u->left;
    u->count[1] = (u8)(u->left >> 8);
    ide_fail(u, error);
}

/* -- one run of sectors -------------------------------------------------------------------------------------------- */

static bool rw_begin(struct ide_unit *u)
{
    u->lba = ide_lba(u);
    u->left = ide_sectors(u);
    u->single = false;
    if (u->lba >= u->sectors_shown) {
        if (u->lba == ~0ull) {
            ide_fail(u, ER_IDNF);
        } else {
            fail_at(u, u->lba, ER_IDNF);
        }
        return false;
    }
    return true;
}

/* How many sectors the next run may have; 0: the address is past the end, and the command has failed. */
static u32 run_length(struct ide_unit *u, u32 max)
{
    if (u->lba >= u->sectors_shown) {
        fail_at(u, u->lba, ER_IDNF);
        return 0;
    }
    u64 n = MIN(MIN(u->left, u->single ? 1 : max), u->sectors_shown - u->lba);
    return (u32)n;
}

static bool is_fua(const struct ide_unit *u)
{
    return !u->wce || u->command == 0x3d || u->command == 0xce;
}

static void run_submit(struct ide_unit *u, enum block_op op, const struct iovec *iov, int niov,
                       void (*done)(struct block_req *r, int result))
{
    u->req = (struct block_req){.op = op, .offset = u->lba * IDE_SECTOR, .iov = iov, .niov = niov};
    u->req.fua = op == BLOCK_WRITE && is_fua(u);
    ide_submit(u, done);
}

static void buf_submit(struct ide_unit *u, enum block_op op, void (*done)(struct block_req *r, int result))
{
    u->iov = (struct iovec){ide_buf(u), (size_t)u->piece * IDE_SECTOR};
    run_submit(u, op, &u->iov, 1, done);
}

static void run_passed(struct ide_unit *u)
{
    u->lba += u->piece;
    u->left -= u->piece;
}

/* -- PIO ----------------------------------------------------------------------------------------------------------- */

static bool is_multiple(const struct ide_unit *u)
{
    return u->command == 0xc4 || u->command == 0xc5 || u->command == 0x29 || u->command == 0x39 || u->command == 0xce;
}

static bool pio_begin(struct ide_unit *u)
{
    if (is_multiple(u) && !u->multiple) {
        ide_abort(u);
        return false;
    }
    return rw_begin(u);
}

static u32 pio_piece(struct ide_unit *u)
{
    return run_length(u, is_multiple(u) ? u->multiple : 1);
}

static void read_step(struct ide_unit *u);

static void read_pio_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    if (u->stopping) {
        return;
    }
    if (rc) {
        if (u->piece > 1) {
            u->single = true;
            read_step(u);
        } else {
            fail_at(u, u->lba, error_of(u, rc));
        }
        return;
    }
    u32 n = u->piece;
    run_passed(u);
    ide_pio_in(u, n * IDE_SECTOR);
}

static void read_step(struct ide_unit *u)
{
    u->piece = pio_piece(u);
    if (u->piece) {
        buf_submit(u, BLOCK_READ, read_pio_done);
    }
}

void ide_read_pio(struct ide_unit *u)
{
    if (pio_begin(u)) {
        read_step(u);
    }
}

void ide_read_pio_next(struct ide_unit *u)
{
    if (u->left) {
        read_step(u);
    } else {
        ide_set_lba(u, u->lba - 1);
        ide_pio_in_over(u);
    }
}

static void write_pio_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    if (u->stopping) {
        return;
    }
    if (rc) {
        fail_at(u, u->lba, error_of(u, rc));
        return;
    }
    run_passed(u);
    if (!u->left) {
        ide_set_lba(u, u->lba - 1);
        ide_done(u);
    } else if ((u->piece = pio_piece(u))) {
        ide_pio_out(u, u->piece * IDE_SECTOR, false);
    }
}

void ide_write_pio(struct ide_unit *u)
{
    if (pio_begin(u) && (u->piece = pio_piece(u))) {
        ide_pio_out(u, u->piece * IDE_SECTOR, true);
    }
}

void ide_write_pio_next(struct ide_unit *u)
{
    buf_submit(u, BLOCK_WRITE, write_pio_done);
}

/* -- DMA ----------------------------------------------------------------------------------------------------------- */

static void dma_step(struct ide_unit *u, enum block_op op);

static void dma_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    bool bad = rc;
    sg_end(&u->sg, u->sg.len); /* also of a read that failed half-way */
    if (u->stopping) {
        return;
    }
    if (bad && u->piece > 1) {
        u->single = true;
        u->host->dma_undo(u);
    } else if (bad) {
        u->host->dma_end(u);
        fail_at(u, u->lba, error_of(u, rc));
        return;
    } else {
        run_passed(u);
    }
    if (u->left) {
        dma_step(u, r->op);
        return;
    }
    ide_set_lba(u, u->lba - 1);
    u->host->dma_end(u);
    ide_done(u);
}

static void dma_step(struct ide_unit *u, enum block_op op)
{
    u->piece = run_length(u, IDE_RUN_MAX);
    if (!u->piece) {
        u->host->dma_end(u);
        return;
    }
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    sg_begin(&u->sg, u->dev.dma, op == BLOCK_READ, (struct mem_attrs){0});
    u64 got = u->host->dma_fetch(u, &u->sg, (u64)u->piece * IDE_SECTOR), whole = got & ~(u64)(IDE_SECTOR - 1);
    if (got != whole) { /* whole sectors only: what was too much is fetched again */
        sg_end(&u->sg, 0);
        u->host->dma_undo(u);
        sg_begin(&u->sg, u->dev.dma, op == BLOCK_READ, (struct mem_attrs){0});
        u->host->dma_fetch(u, &u->sg, whole);
    }
    if (!whole) {
        sg_end(&u->sg, 0);
        if (u->host->dma_refuse(u)) {
            u->host->dma_end(u);
            ide_abort(u);
        } else {
            u->dma_wait = true;
        }
        return;
    }
    u->dma_wait = false;
    u->piece = (u32)(whole / IDE_SECTOR);
    run_submit(u, op, u->sg.iov, u->sg.n, dma_done);
}

static bool is_write_dma(const struct ide_unit *u)
{
    return u->command == 0xca || u->command == 0xcb || u->command == 0x35 || u->command == 0x3d;
}

void ide_disk_dma_go(struct ide_unit *u)
{
    dma_step(u, is_write_dma(u) ? BLOCK_WRITE : BLOCK_READ);
}

void ide_read_dma(struct ide_unit *u)
{
    if (rw_begin(u)) {
        dma_step(u, BLOCK_READ);
    }
}

void ide_write_dma(struct ide_unit *u)
{
    if (rw_begin(u)) {
        dma_step(u, BLOCK_WRITE);
    }
}

/* -- no data ------------------------------------------------------------------------------------------------------- */

static void verify_step(struct ide_unit *u);

static void verify_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    if (u->stopping) {
        return;
    }
    if (!rc) {
        run_passed(u);
        if (!u->left) {
            ide_set_lba(u, u->lba - 1);
            ide_done(u);
            return;
        }
    } else if (u->piece > 1) {
        u->single = true;
    } else {
        fail_at(u, u->lba, error_of(u, rc));
        return;
    }
    verify_step(u);
}

static void verify_step(struct ide_unit *u)
{
    u->piece = run_length(u, IDE_BUF / IDE_SECTOR);
    if (u->piece) {
        buf_submit(u, BLOCK_READ, verify_done);
    }
}

void ide_verify(struct ide_unit *u)
{
    if (rw_begin(u)) {
        verify_step(u);
    }
}

static void flush_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    if (u->stopping) {
        return;
    }
    if (rc && rc != -ENOMEDIUM) {
        ide_fail(u, ER_ABRT); /* and no sector is known that was lost */
    } else {
        ide_done(u);
    }
}

void ide_flush(struct ide_unit *u)
{
    if (u->packet) {
        ide_done(u);
        return;
    }
    u->req = (struct block_req){.op = BLOCK_FLUSH};
    ide_submit(u, flush_done);
}

void ide_seek(struct ide_unit *u)
{
    if (ide_lba(u) >= u->sectors_shown) {
        ide_fail(u, ER_IDNF);
    } else {
        ide_done(u);
    }
}

void ide_recalibrate(struct ide_unit *u)
{
    ide_set_lba(u, 0);
    ide_done(u);
}

/* -- DATA SET MANAGEMENT: ranges of 48 bits of address and 16 of length -------------------------------------------- */

static void dsm_step(struct ide_unit *u);

static void dsm_done(struct block_req *r, int rc)
{
    struct ide_unit *u = r->opaque;
    if (u->stopping) {
        return;
    }
    if (rc) {
        ide_abort(u);
        return;
    }
    dsm_step(u);
}

/* u->pos is the next range's place, u->piece how many blocks of ranges there are. */
static void dsm_step(struct ide_unit *u)
{
    u32 size = u->piece * IDE_SECTOR;
    while (u->pos < size) {
        u64 range = ld64le(ide_buf(u) + u->pos), lba = range & MASK(48), n = range >> 48;
        u->pos += 8;
        if (!n) {
            continue;
        }
        if (lba >= u->sectors_shown || n > u->sectors_shown - lba) {
            ide_fail(u, ER_IDNF | ER_ABRT);
            return;
        }
        u->req = (struct block_req){.op = BLOCK_DISCARD, .offset = lba * IDE_SECTOR, .len = n * IDE_SECTOR};
        ide_submit(u, dsm_done);
        return;
    }
    ide_done(u);
}

static void dsm_begin(struct ide_unit *u)
{
    u->pos = u->end = 0;
    dsm_step(u);
}

static void dsm_dma(struct ide_unit *u)
{
    u32 n = u->piece * IDE_SECTOR;
    sg_begin(&u->sg, u->dev.dma, false, (struct mem_attrs){0});
    u64 got = u->host->dma_fetch(u, &u->sg, n);
    sg_read(&u->sg, 0, ide_buf(u), got);
    sg_end(&u->sg, 0);
    u->phase = IDE_BUSY;
    u->status = ST_GOOD | ST_BSY;
    if (got == n) {
        u->host->dma_end(u);
        dsm_begin(u);
    } else if (u->host->dma_refuse(u)) {
        u->host->dma_end(u);
        ide_abort(u);
    } else {
        u->host->dma_undo(u);
        u->dma_wait = true;
    }
}

void ide_dsm(struct ide_unit *u)
{
    if (!(u->features[0] & 1) || ide_sectors(u) > IDE_BUF / IDE_SECTOR) {
        ide_abort(u);
        return;
    }
    u->piece = ide_sectors(u);
    dsm_dma(u);
}

void ide_dsm_next(struct ide_unit *u)
{
    dsm_begin(u);
}

void ide_dma_go(struct ide_unit *u)
{
    if (!u->dma_wait) {
        return;
    }
    u->dma_wait = false;
    if (u->packet) {
        ide_packet_dma_go(u);
    } else if (u->command == 0x06) {
        dsm_dma(u);
    } else {
        ide_disk_dma_go(u);
    }
}

/* -- the device ---------------------------------------------------------------------------------------------------- */

static bool hd_init(struct device *d, struct err *e)
{
    return ide_unit_init((struct ide_unit *)d, "MOSS HARDDISK", e);
}

static void hd_reset(struct device *d)
{
    ide_power_up((struct ide_unit *)d);
}

static bool hd_loaded(struct device *d, struct err *e)
{
    return ide_unit_loaded((struct ide_unit *)d, e);
}

static void hd_fini(struct device *d)
{
    ide_stop((struct ide_unit *)d);
}

static const struct field hd_state[] = {IDE_UNIT_FIELDS(struct ide_unit, ), {0}};
static const struct prop hd_props[] = {
    DISK_PROPS(struct ide_unit, conf),
    DISK_GEOMETRY_PROPS(struct ide_unit, conf),
    PROP("unit", PROP_U32, struct ide_unit, unit_wanted, "0xffffffff", "its place on the bus; else the first free"),
    {0},
};

const struct device_class ide_hd_class = {
    .name = "ide-hd",
    .doc = "ATA disk",
    .bus = "IDE",
    .size = sizeof(struct ide_unit),
    .state = hd_state,
    .props = hd_props,
    .init = hd_init,
    .reset = hd_reset,
    .loaded = hd_loaded,
    .fini = hd_fini,
    .fw_path = ide_fw_path,
};

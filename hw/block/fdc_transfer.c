/* The floppy controller's commands that move data, a sector at a time. SPEC: Intel 290166 (82077AA), 5.1 and 5.2,
 * tables 5-5 to 5-11. By DMA the controller's terminal count ends a command; without it the end of the cylinder does,
 * which counts as an abnormal end. A sector that is not wholly written ends in zeros. */
#include <errno.h>
#include <string.h>

#include "hw/block/fdc_priv.h"

enum { /* opcodes, low 5 bits */
       READ_TRACK = 0x02,
       WRITE_DATA = 0x05,
       READ_DATA = 0x06,
       WRITE_DELETED = 0x09,
       READ_DELETED = 0x0c,
       FORMAT_TRACK = 0x0d,
       SCAN_EQUAL = 0x11,
       VERIFY = 0x16,
       SCAN_LOW = 0x19,
       SCAN_HIGH = 0x1d
};
enum { ID_BYTES = 4, NEXT_NS = 20000 };
enum { P_SELECT = 1, P_C, P_H, P_R, P_N, P_EOT, P_GPL, P_DTL };

static unsigned op(const struct fdc *s)
{
    return s->fifo[0] & 0x1f;
}
static bool is_scan(const struct fdc *s)
{
    return op(s) == SCAN_EQUAL || op(s) == SCAN_LOW || op(s) == SCAN_HIGH;
}
static bool is_write(const struct fdc *s)
{
    return op(s) == WRITE_DATA || op(s) == WRITE_DELETED;
}
bool fdc_to_host(const struct fdc *s)
{
    return !is_write(s) && !is_scan(s) && op(s) != FORMAT_TRACK;
}

static void sector_start(struct fdc *s);

/* -- ends ---------------------------------------------------------------------------------------------------------- */

static void dreq(struct fdc *s, bool on)
{
    s->dreq = on;
    if (s->dma) {
        s->dma->request(s->dma->opaque, FDC_DMA_CHANNEL, on);
    }
}

static void finish(struct fdc *s, u8 st0)
{
    u8 n = op(s) == FORMAT_TRACK ? s->fifo[2] : s->fifo[P_N];
    u8 result[7] = {(u8)(st0 | (s->fifo[P_SELECT] & 7)), s->st1, s->st2, s->c, s->h, s->r, n};
    s->stage = STAGE_NONE;
    s->next_due = ~0ull;
    timer_cancel(&s->next);
    dreq(s, false);
    memcpy(s->fifo, result, sizeof(result));
    fdc_result(s, sizeof(result), true);
}

static void fail(struct fdc *s)
{
    finish(s, ST0_ABNORMAL);
}

/* The address of the sector behind this one, as results tell it (table 5-6). False: the cylinder has ended. */
static bool next_sector(struct fdc *s)
{
    unsigned step = is_scan(s) && s->fifo[P_DTL] == 2 ? 2 : 1;
    bool multi = s->fifo[0] & 0x80 && op(s) != READ_TRACK;
    if (s->r + step <= s->fifo[P_EOT] && s->r != s->fifo[P_EOT]) {
        s->r = (u8)(s->r + step);
        return true;
    }
    s->r = 1;
    if (multi && !(s->h & 1)) {
        s->h ^= 1;
        s->fifo[P_SELECT] |= 4;
        return true;
    }
    if (multi) {
        s->h ^= 1;
    }
    s->c++;
    return false;
}

static void cylinder_ended(struct fdc *s)
{
    s->st1 |= ST1_END_OF_CYLINDER;
    s->st2 |= is_scan(s) ? ST2_SCAN_MISS : 0;
    fail(s);
}

/* -- the host's side: by DMA, or byte by byte ---------------------------------------------------------------------- */

static void host_begin(struct fdc *s, unsigned n)
{
    s->stage = STAGE_HOST;
    s->at = 0;
    s->end = (u16)n;
    if (fdc_non_dma(s)) {
        fdc_irq(s, true);
    } else {
        dreq(s, true);
    }
}

static void host_end(struct fdc *s)
{
    if (fdc_non_dma(s)) {
        fdc_irq(s, false);
    } else {
        dreq(s, false);
    }
}

static void later(struct fdc *s)
{
    s->stage = STAGE_NEXT;
    s->next_due = clock_now(CLOCK_VIRTUAL) + NEXT_NS;
    timer_set(&s->next, s->next_due);
}

static bool scan_met(struct fdc *s)
{
    bool equal = !s->low && !s->high;
    return equal || (op(s) == SCAN_LOW && s->low) || (op(s) == SCAN_HIGH && s->high);
}

/* A sector is through. */
static void sector_through(struct fdc *s)
{
    if (is_scan(s) && scan_met(s)) {
        s->st2 |= !s->low && !s->high ? ST2_SCAN_HIT : 0;
        finish(s, 0);
    } else if (s->st2 & ST2_CONTROL_MARK) { /* one that was not to be skipped, and ends the command */
        next_sector(s);
        finish(s, 0);
    } else if (s->tc) {
        next_sector(s);
        s->st2 |= is_scan(s) ? ST2_SCAN_MISS : 0;
        finish(s, 0);
    } else if (next_sector(s)) {
        sector_start(s);
    } else {
        cylinder_ended(s);
    }
}

static void next_expired(void *opaque)
{
    struct fdc *s = opaque;
    s->next_due = ~0ull;
    if (s->stage == STAGE_NEXT) {
        s->stage = STAGE_NONE;
        sector_through(s);
    }
}

/* -- the disk's side ----------------------------------------------------------------------------------------------- */

static void disk_done(struct block_req *q, int rc)
{
    struct fdc *s = q->opaque;
    if (s->stopping) {
        return;
    }
    if (rc) {
        s->st1 |= rc == -EROFS ? ST1_WRITE_PROTECTED : ST1_DATA_ERROR;
        s->st2 |= rc == -EROFS ? 0 : ST2_DATA_ERROR;
        fail(s);
    } else if (op(s) == FORMAT_TRACK) {
        s->r++; /* counts the sectors here */
        if (--s->verify_left && !s->tc) {
            host_begin(s, ID_BYTES);
        } else {
            finish(s, 0);
        }
    } else if (is_write(s)) {
        sector_through(s);
    } else if (op(s) == VERIFY) {
        bool counted = s->fifo[P_SELECT] & 0x80;
        s->tc = counted ? --s->verify_left == 0 : s->r == s->fifo[P_EOT] && (!(s->fifo[0] & 0x80) || s->h & 1);
        later(s);
    } else if (s->tc) { /* nobody wants it any more */
        finish(s, 0);
    } else {
        host_begin(s, FDC_SECTOR);
    }
}

static void disk_submit(struct fdc *s, enum block_op o, u64 at)
{
    struct fdc_drive *d = fdc_command_drive(s);
    s->stage = STAGE_DISK;
    s->iov = (struct iovec){s->buf, FDC_SECTOR};
    s->req = (struct block_req){.op = o, .offset = at, .iov = &s->iov, .niov = 1, .done = disk_done, .opaque = s};
    block_submit(d->disk, &s->req);
}

/* Where the sector is; false: the command has failed. */
static bool sector_find(struct fdc *s, u64 *at)
{
    struct fdc_drive *d = fdc_command_drive(s);
    if (!d) {
        s->st1 = ST1_MISSING_MARK;
    } else if (fdc_sector_find(s, d, s->c, s->h, s->r, s->fifo[P_N], at)) {
        return true;
    }
    fail(s);
    return false;
}

static bool is_protected(struct fdc *s)
{
    struct fdc_drive *d = fdc_command_drive(s);
    if (d && block_present(d->disk) && block_read_only(d->disk)) {
        s->st1 = ST1_WRITE_PROTECTED;
        fail(s);
        return true;
    }
    return false;
}

/* Every sector has a normal mark: READ DELETED DATA skips it, or reads this one and no more. */
static bool sector_skipped(struct fdc *s)
{
    if (op(s) != READ_DELETED) {
        return false;
    }
    s->st2 |= ST2_CONTROL_MARK;
    if (!(s->fifo[0] & 0x20)) {
        return false;
    }
    s->st2 &= (u8)~ST2_CONTROL_MARK;
    if (next_sector(s)) {
        sector_start(s);
    } else {
        s->st2 |= ST2_CONTROL_MARK;
        cylinder_ended(s);
    }
    return true;
}

static void sector_start(struct fdc *s)
{
    u64 at;
    s->low = s->high = false;
    if (!sector_find(s, &at) || sector_skipped(s)) {
        return;
    }
    if (is_write(s)) {
        host_begin(s, FDC_SECTOR);
    } else {
        disk_submit(s, BLOCK_READ, at);
    }
}

/* -- bytes --------------------------------------------------------------------------------------------------------- */

unsigned fdc_give(void *opaque, u8 *p, unsigned n)
{
    struct fdc *s = opaque;
    if (s->phase != FDC_EXECUTE || s->stage != STAGE_HOST || !fdc_to_host(s)) {
        return 0;
    }
    n = n < s->end - s->at ? n : (unsigned)(s->end - s->at);
    memcpy(p, (u8 *)s->buf + s->at, n);
    s->at = (u16)(s->at + n);
    if (s->at == s->end) { /* the next sector waits a moment: terminal count may come first */
        host_end(s);
        later(s);
    }
    return n;
}

static void compare(struct fdc *s, const u8 *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        u8 disk = ((u8 *)s->buf)[s->at + i];
        if (p[i] != 0xff && disk != 0xff && !s->low && !s->high) {
            s->low = disk < p[i];
            s->high = disk > p[i];
        }
    }
}

/* Four bytes name a sector; it is filled with the last parameter. */
static void id_taken(struct fdc *s)
{
    const u8 *id = (u8 *)s->buf;
    struct fdc_drive *d = fdc_command_drive(s);
    u64 at;
    u8 filler = s->fifo[5];
    s->c = id[0];
    s->h = id[1];
    if (!d || !fdc_sector_find(s, d, id[0], id[1], id[2], id[3], &at)) {
        s->r = id[2];
        fail(s);
        return;
    }
    memset(s->buf, filler, sizeof(s->buf));
    disk_submit(s, BLOCK_WRITE, at);
}

static void sector_taken(struct fdc *s)
{
    u64 at;
    host_end(s);
    if (op(s) == FORMAT_TRACK) {
        id_taken(s);
    } else if (is_scan(s)) {
        later(s);
    } else if (sector_find(s, &at)) {
        disk_submit(s, BLOCK_WRITE, at);
    }
}

unsigned fdc_take(void *opaque, const u8 *p, unsigned n)
{
    struct fdc *s = opaque;
    if (s->phase != FDC_EXECUTE || s->stage != STAGE_HOST || fdc_to_host(s)) {
        return 0;
    }
    n = n < s->end - s->at ? n : (unsigned)(s->end - s->at);
    if (is_scan(s)) {
        compare(s, p, n);
    } else {
        memcpy((u8 *)s->buf + s->at, p, n);
    }
    s->at = (u16)(s->at + n);
    if (s->at == s->end) {
        sector_taken(s);
    }
    return n;
}

void fdc_terminal_count(void *opaque)
{
    struct fdc *s = opaque;
    if (s->phase != FDC_EXECUTE || !s->stage) {
        return;
    }
    s->tc = true;
    if (s->stage == STAGE_NEXT) {
        s->stage = STAGE_NONE;
        sector_through(s);
    } else if (s->stage == STAGE_HOST && s->at && !fdc_to_host(s) && op(s) != FORMAT_TRACK) {
        memset((u8 *)s->buf + s->at, 0, is_scan(s) ? 0 : (size_t)(s->end - s->at));
        sector_taken(s);
    } else if (s->stage == STAGE_HOST) {
        if (s->at) {
            next_sector(s);
        }
        finish(s, 0);
    }
}

/* -- starts -------------------------------------------------------------------------------------------------------- */

static void begin(struct fdc *s)
{
    s->st1 = s->st2 = 0;
    s->tc = false;
    s->phase = FDC_EXECUTE;
    s->stage = STAGE_NONE;
}

void fdc_transfer_start(struct fdc *s)
{
    begin(s);
    s->c = s->fifo[P_C];
    s->h = s->fifo[P_H];
    s->r = op(s) == READ_TRACK ? 1 : s->fifo[P_R];
    s->verify_left = s->fifo[P_DTL];
    if (s->config[0] & 0x40) { /* implied seek */
        fdc_seek_to(s, s->fifo[P_SELECT] & 3, s->c);
    }
    if (op(s) == READ_TRACK) {
        s->h = s->fifo[P_SELECT] >> 2 & 1;
    }
    if (is_write(s) && is_protected(s)) {
        return;
    }
    sector_start(s);
}

void fdc_format_start(struct fdc *s)
{
    struct fdc_drive *d = fdc_command_drive(s);
    begin(s);
    s->c = d ? fdc_disk_cylinder(d) : 0;
    s->h = s->fifo[P_SELECT] >> 2 & 1;
    s->r = 1;
    s->verify_left = s->fifo[3];
    if (!d || !fdc_format_of(d->disk) || !s->verify_left || s->fifo[2] != 2) {
        s->st1 = ST1_MISSING_MARK;
        fail(s);
    } else if (!is_protected(s)) {
        host_begin(s, ID_BYTES);
    }
}

/* The sector that passes by is the next each time. */
void fdc_read_id(struct fdc *s)
{
    struct fdc_drive *d = fdc_command_drive(s);
    unsigned side = s->fifo[P_SELECT] >> 2 & 1;
    const struct fdc_format *f = d ? fdc_format_of(d->disk) : NULL;
    bool found = f && side < f->heads && fdc_has_marks(s, d);
    s->st1 = found ? 0 : ST1_MISSING_MARK;
    s->st2 = 0;
    u8 result[7] = {(u8)((found ? 0 : ST0_ABNORMAL) | (s->fifo[P_SELECT] & 7)), s->st1};
    if (found) {
        d->passing = (u8)(d->passing % f->secs + 1);
        result[3] = fdc_disk_cylinder(d);
        result[4] = (u8)side;
        result[5] = d->passing;
        result[6] = 2;
    }
    memcpy(s->fifo, result, sizeof(result));
    fdc_result(s, sizeof(result), true);
}

void fdc_transfer_init(struct fdc *s)
{
    timer_init(&s->next, CLOCK_VIRTUAL, next_expired, s);
}

void fdc_transfer_stop(struct fdc *s)
{
    timer_cancel(&s->next);
    s->stopping = true;
    for (unsigned i = 0; i < FDC_DRIVES; i++) {
        if (s->drive[i].disk) { /* the stage tells nothing any more when the fields were reset */
            block_drain(s->drive[i].disk);
        }
    }
    s->stopping = false;
    s->stage = STAGE_NONE;
    s->next_due = ~0ull;
    dreq(s, false);
}

void fdc_transfer_loaded(struct fdc *s)
{
    timer_set(&s->next, s->next_due); /* the DMA controller keeps the request itself */
}

/* The life of a SCSI command: unit attentions, data phases, sense.
 *
 * SPEC: SAM-3 (T10/1561-D), SPC-3 (T10/1416-D) 4.5. Host errors become sense as a drive would give it.
 * Not modelled: task management beyond what transports do by scsi_cancel, linked commands, ACA, reservations that
 * last, long command blocks. */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/scsi/scsi_priv.h"

enum { PIECE_MAX = 4 << 20 };

/* -- ends ---------------------------------------------------------------------------------------------------------- */

void scsi_good(struct scsi_cmd *c)
{
    c->step = SCSI_ENDED;
    c->status = SCSI_GOOD;
}

void scsi_fail(struct scsi_cmd *c, u32 sense)
{
    struct scsi_lu *lu = c->lu;
    lu->key = (u8)(sense >> 16);
    lu->asc = (u8)(sense >> 8);
    lu->ascq = (u8)sense;
    lu->info_valid = 0;
    lu->info = 0;
    c->step = SCSI_ENDED;
    c->status = SCSI_CHECK_CONDITION;
}

void scsi_fail_at(struct scsi_cmd *c, u32 sense, u64 lba)
{
    scsi_fail(c, sense);
    c->lu->info_valid = lba <= UINT32_MAX;
    c->lu->info = c->lu->info_valid ? (u32)lba : 0;
}

void scsi_media_failed(struct scsi_cmd *c, int rc)
{
    bool read = c->req.op == BLOCK_READ;
    u64 lba = c->req.offset / c->lu->block;
    switch (rc) {
    case -ENOMEDIUM:
        scsi_fail(c, NO_MEDIUM_CLOSED);
        break;
    case -EROFS:
        scsi_fail(c, WRITE_PROTECTED);
        break;
    case -ENOSPC:
    case -EDQUOT:
        scsi_fail_at(c, NO_SPACE, lba);
        break;
    case -EINVAL:
        scsi_fail_at(c, BAD_LBA, lba);
        break;
    default:
        scsi_fail_at(c, c->req.op == BLOCK_FLUSH ? TARGET_FAILURE : read ? READ_ERROR : WRITE_ERROR, lba);
    }
}

unsigned scsi_sense(struct scsi_lu *lu, u8 *p, bool descriptor, bool clear)
{
    unsigned n = descriptor ? 8 : SCSI_SENSE;
    memset(p, 0, SCSI_SENSE);
    if (descriptor) {
        p[0] = 0x72;
        p[1] = lu->key;
        p[2] = lu->asc;
        p[3] = lu->ascq;
    } else {
        p[0] = lu->info_valid ? 0xf0 : 0x70;
        p[2] = lu->key;
        st32be(p + 3, lu->info);
        p[7] = SCSI_SENSE - 8;
        p[12] = lu->asc;
        p[13] = lu->ascq;
    }
    if (clear) {
        lu->key = lu->asc = lu->ascq = lu->info_valid = 0;
        lu->info = 0;
    }
    return n;
}

/* -- starts -------------------------------------------------------------------------------------------------------- */

static const struct scsi_op *op_find(const struct scsi_lu *lu, u8 op)
{
    for (const struct scsi_op *o = scsi_ops; o->start; o++) {
        if (o->op == op && o->flags & (lu->cdrom ? OP_CD : OP_HD) && !(o->flags & OP_SCSI && lu->atapi)) {
            return o;
        }
    }
    return NULL;
}

/* The unit attention that comes first (SAM-3 5.9.7); it is told once. */
static bool attention(struct scsi_cmd *c)
{
    static const struct {
        u8 bit;
        u32 sense;
    } table[] = {
        {UA_RESET, SENSE(6, 0x29, 0x00)},    {UA_MEDIUM, SENSE(6, 0x28, 0x00)}, {UA_MODE, SENSE(6, 0x2a, 0x01)},
        {UA_CAPACITY, SENSE(6, 0x2a, 0x09)}, {UA_LUNS, SENSE(6, 0x3f, 0x0e)},
    };
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        if (c->lu->ua & table[i].bit) {
            c->lu->ua &= (u8)~table[i].bit;
            scsi_fail(c, table[i].sense);
            return true;
        }
    }
    return false;
}

bool scsi_ready(const struct scsi_lu *lu)
{
    return lu->conf->drive && block_present(lu->conf->drive) && !lu->tray_open;
}

u64 scsi_blocks(const struct scsi_lu *lu)
{
    return scsi_ready(lu) ? block_size(lu->conf->drive) / lu->block : 0;
}

void scsi_start(struct scsi_lu *lu, struct scsi_cmd *c, const u8 *cdb, unsigned n)
{
    c->lu = lu;
    memset(c->cdb, 0, sizeof(c->cdb));
    memcpy(c->cdb, cdb, MIN(n, sizeof(c->cdb)));
    c->len = c->pos = 0;
    c->media = MEDIA_NONE;
    c->stopping = false;
    const struct scsi_op *o = op_find(lu, c->cdb[0]);
    if (!(o && o->flags & OP_NO_UA) && attention(c)) {
        return;
    }
    if (c->cdb[0] != 0x03) {
        lu->key = lu->asc = lu->ascq = lu->info_valid = 0;
        lu->info = 0;
    }
    if (!o) {
        unimp(device_name(lu->dev), "SCSI command 0x%02x", c->cdb[0]);
        scsi_fail(c, BAD_OPCODE);
    } else if (o->flags & OP_MEDIUM && !scsi_ready(lu)) {
        scsi_fail(c, lu->tray_open ? NO_MEDIUM_OPEN : NO_MEDIUM_CLOSED);
    } else if (o->flags & OP_MEDIUM && lu->stopped && !lu->cdrom) {
        scsi_fail(c, NOT_READY_STOPPED);
    } else {
        o->start(c);
    }
}

/* -- data phases --------------------------------------------------------------------------------------------------- */

void scsi_give(struct scsi_cmd *c, u64 n, u64 room)
{
    c->len = MIN(n, room);
    if (c->len) {
        c->step = SCSI_IN;
    } else {
        scsi_good(c);
    }
}

void scsi_take(struct scsi_cmd *c, u64 n)
{
    if (n > SCSI_BUF) {
        scsi_fail(c, BAD_LENGTH);
    } else if (n) {
        c->len = n;
        c->step = SCSI_OUT;
    } else {
        scsi_good(c);
    }
}

void scsi_media(struct scsi_cmd *c, enum scsi_media m, u64 at, u64 len)
{
    c->media = m;
    c->at = at;
    c->len = len;
    if (len) {
        c->step = m == MEDIA_WRITE ? SCSI_OUT : SCSI_IN;
    } else {
        scsi_good(c);
    }
}

/* The data phase went on by n bytes. */
static void moved(struct scsi_cmd *c, u64 n)
{
    c->pos += n;
    if (c->pos < c->len) {
        c->step = c->media == MEDIA_WRITE || (c->media == MEDIA_NONE && c->step == SCSI_OUT) ? SCSI_OUT : SCSI_IN;
        return;
    }
    const struct scsi_op *o = op_find(c->lu, c->cdb[0]);
    if (o && o->finish && c->step != SCSI_IN) {
        o->finish(c);
    } else {
        scsi_good(c);
    }
}

static void buf_move(struct scsi_cmd *c, const struct iovec *iov, int niov, u64 n)
{
    u64 done = 0;
    for (int i = 0; i < niov && done < n; i++) {
        u64 part = MIN(n - done, iov[i].iov_len);
        u8 *mine = scsi_buf(c) + c->pos + done;
        if (c->step == SCSI_IN) {
            memcpy(iov[i].iov_base, mine, part);
        } else {
            memcpy(mine, iov[i].iov_base, part);
        }
        done += part;
    }
    moved(c, done);
}

static void media_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else {
        moved(c, c->want);
    }
    c->fn(c);
}

void scsi_move(struct scsi_cmd *c, const struct iovec *iov, int niov, u64 n)
{
    must((c->step == SCSI_IN || c->step == SCSI_OUT) && n && n <= c->len - c->pos);
    if (c->media == MEDIA_NONE) {
        buf_move(c, iov, niov, n);
        return;
    }
    if (c->media == MEDIA_RAW) {
        scsi_raw_move(c, iov, niov, MIN(n, PIECE_MAX));
        return;
    }
    bool write = c->media == MEDIA_WRITE;
    c->want = n;
    c->req = (struct block_req){.op = write ? BLOCK_WRITE : BLOCK_READ, .offset = c->at + c->pos, .iov = iov};
    c->req.niov = niov;
    c->req.fua = write && (!c->lu->wce || (c->cdb[0] != 0x0a && c->cdb[1] & 8));
    scsi_request(c, media_done);
}

void scsi_request(struct scsi_cmd *c, void (*done)(struct block_req *r, int rc))
{
    c->step = SCSI_BUSY;
    c->req.done = done;
    c->req.opaque = c;
    block_submit(c->lu->conf->drive, &c->req);
}

void scsi_request_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else {
        scsi_good(c);
    }
    c->fn(c);
}

void scsi_stop(struct scsi_cmd *c)
{
    must(c->step == SCSI_IN || c->step == SCSI_OUT);
    if (c->step == SCSI_OUT && c->media == MEDIA_NONE) {
        scsi_fail(c, BAD_LENGTH);
    } else {
        scsi_good(c);
    }
}

void scsi_cancel(struct scsi_cmd *c)
{
    if (c->lu->conf->drive) { /* whatever the step: the fields may have been reset already */
        c->stopping = true;
        block_drain(c->lu->conf->drive);
        c->stopping = false;
    }
    c->step = SCSI_ENDED;
}

/* -- units --------------------------------------------------------------------------------------------------------- */

void scsi_lu_init(struct scsi_lu *lu)
{
    lu->vendor = lu->vendor ? lu->vendor : "MOSS";
    lu->product = lu->product ? lu->product : lu->cdrom ? "MOSS CD-ROM" : "MOSS HARDDISK";
    lu->version = lu->version ? lu->version : "1.0";
}

void scsi_lu_lock(struct scsi_lu *lu, bool locked)
{
    lu->locked = locked;
    if (lu->conf->drive) {
        block_set_locked(lu->conf->drive, locked);
    }
}

void scsi_lu_reset(struct scsi_lu *lu, u8 ua)
{
    lu->key = lu->asc = lu->ascq = lu->info_valid = 0;
    lu->info = 0;
    scsi_lu_lock(lu, false);
    lu->stopped = 0;
    lu->ua = ua;
    lu->event = 0;
    lu->wce = lu->conf->write_cache;
}

bool scsi_lu_loaded(const struct scsi_lu *lu, struct err *e)
{
    if (lu->conf->drive) {
        block_set_locked(lu->conf->drive, lu->locked);
    }
    return lu->event <= 3 && lu->key <= 15 ? true : err_set(e, "event %u, sense key %u", lu->event, lu->key);
}

bool scsi_cmd_loaded(const struct scsi_cmd *c, struct err *e)
{
    bool in_buf = c->media != MEDIA_NONE || c->len <= SCSI_BUF;
    bool frame = c->media != MEDIA_RAW || (c->frame && c->frame == cd_frame_size(c->parts));
    if (c->step >= SCSI_BUSY || c->media >= MEDIA_KINDS || c->pos > c->len || !in_buf || !frame ||
        (c->step != SCSI_ENDED && c->pos == c->len)) {
        return err_set(e, "a command at step %u, %llu of %llu bytes, cannot be", c->step, (unsigned long long)c->pos,
                       (unsigned long long)c->len);
    }
    return true;
}

/* Who takes the disc out by hand opens the tray, who puts one in closes it. */
static void medium_changed(void *opaque)
{
    struct scsi_lu *lu = opaque;
    bool present = block_present(lu->conf->drive);
    if (lu->cdrom) {
        lu->tray_open = !present;
        block_set_tray(lu->conf->drive, !present);
        lu->event = present ? EVENT_NEW : EVENT_REMOVAL;
        lu->ua |= present ? UA_MEDIUM : 0;
    } else {
        lu->ua |= UA_MEDIUM | UA_CAPACITY;
    }
    lu->stopped = 0;
    if (lu->changed) {
        lu->changed(lu);
    }
}

/* The guest asks for events now and then, and opens the tray itself if it likes. */
static void eject_asked(void *opaque)
{
    struct scsi_lu *lu = opaque;
    lu->event = lu->tray_open ? lu->event : EVENT_EJECT;
}

void scsi_lu_watch(struct scsi_lu *lu, bool on)
{
    if (lu->conf->drive) {
        block_on_ask_eject(lu->conf->drive, on && lu->cdrom ? eject_asked : NULL, lu);
        block_on_change(lu->conf->drive, on ? medium_changed : NULL, lu);
        block_set_removable(lu->conf->drive, on && lu->cdrom);
    }
}

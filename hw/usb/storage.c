/* USB mass storage, bulk-only transport, with one SCSI unit (USB Mass Storage Class Bulk-Only Transport 1.0), at high
 * speed.
 *
 * Data pass through a buffer here: a packet is given or taken when the unit has filled or emptied it. Where unit and
 * host expect different amounts of data, the thirteen cases of 6.7 come down to: what is missing is told as residue, a
 * short or empty packet ends the host's data phase, data too much are taken and dropped, and a direction that is not
 * the command's is a phase error. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/scsi/scsi.h"
#include "hw/usb/usb.h"

enum { BULK_IN = 1 | USB_IN, BULK_OUT = 2, CBW = 31, CSW = 13, BUFFER = 65536 };
enum { CBW_SIGN = 0x43425355, CSW_SIGN = 0x53425355 };
enum { BOT_RESET = 0x21ff, BOT_MAX_LUN = 0xa1fe };
enum stage { STAGE_CBW, STAGE_DATA_IN, STAGE_DATA_OUT, STAGE_CSW, STAGES };
enum { PASSED, FAILED, PHASE_ERROR };

struct usb_storage {
    struct usb_device usb;
    struct disk_conf conf;
    struct scsi_lu lu;
    struct scsi_cmd cmd;
    struct iovec iov;
    u64 before; /* cmd.pos when the move under way began */
    /* state */
    u8 stage, wrong;   /* wrong: the direction is not the command's */
    u32 tag, left;     /* bytes that the host still expects to move */
    u32 filled, taken; /* of the buffer */
    u8 buf[BUFFER];
};

static const u8 device_descriptor[18] = {18, 1, 0x00, 0x02, 0, 0, 0, 64, 0xf4, 0x46, 1, 0, 0, 0, 1, 2, 3, 1};
static const u8 config_descriptor[32] = {9,    2, 32, 0, 1,       1, 0, 0xc0, 0, 9, 4, 0,        0, 2, 8, 6,
                                         0x50, 0, 7,  5, BULK_IN, 2, 0, 2,    0, 7, 5, BULK_OUT, 2, 0, 2, 0};
static const char *const strings[] = {"QEMU", "QEMU USB HARDDRIVE", "1-0000:00:04.0-1", NULL};

/* -- the unit's side ---------------------------------------------------------------------------------------------- */

/* Moves data between unit and buffer as far as both let. */
static void pump(struct usb_storage *s)
{
    struct scsi_cmd *c = &s->cmd;
    if (s->stage == STAGE_DATA_IN && c->step == SCSI_IN && s->filled == s->taken) {
        u64 n = MIN(MIN(c->len - c->pos, (u64)BUFFER), (u64)s->left);
        s->filled = s->taken = 0;
        if (!n) {
            scsi_stop(c);
            return;
        }
        s->before = c->pos;
        s->iov = (struct iovec){s->buf, n};
        scsi_move(c, &s->iov, 1, n);
        s->filled = c->step == SCSI_BUSY ? 0 : (u32)(c->pos - s->before);
    } else if (s->stage == STAGE_DATA_OUT && c->step == SCSI_OUT && s->filled) {
        u64 n = MIN(c->len - c->pos, (u64)BUFFER);
        if (s->filled == n || (!s->left && s->filled < n)) {
            n = MIN(n, (u64)s->filled);
            s->before = c->pos;
            s->iov = (struct iovec){s->buf, n};
            scsi_move(c, &s->iov, 1, n);
            s->filled = c->step == SCSI_BUSY ? s->filled : 0;
        }
    }
}

static void wake(struct usb_storage *s)
{
    usb_ready(&s->usb, BULK_IN);
    usb_ready(&s->usb, BULK_OUT);
}
static void stepped(struct scsi_cmd *c)
{
    struct usb_storage *s = CONTAINER_OF(c, struct usb_storage, cmd);
    if (s->stage == STAGE_DATA_IN) {
        s->filled = (u32)(c->pos - s->before);
        s->taken = 0;
    } else {
        s->filled = 0;
    }
    s->before = c->pos;
    pump(s);
    wake(s);
}
static void cancel(struct usb_storage *s)
{
    if (s->cmd.step == SCSI_BUSY) {
        scsi_cancel(&s->cmd);
    }
    s->cmd.step = SCSI_ENDED;
    s->stage = STAGE_CBW;
    s->filled = s->taken = s->left = 0;
    s->wrong = 0;
}

/* -- the host's side ---------------------------------------------------------------------------------------------- */

static enum usb_result command_take(struct usb_storage *s, struct usb_span *span)
{
    const u8 *p = span->p;
    if (span->n != CBW || ld32le(p) != CBW_SIGN || p[14] < 1 || p[14] > SCSI_CDB) {
        guest_error(device_name(&s->usb.dev), "a command wrapper of %u bytes that is none", span->n);
        return USB_STALL;
    }
    bool in = p[12] & 0x80;
    span->done = CBW;
    s->tag = ld32le(p + 4);
    s->left = ld32le(p + 8);
    s->filled = s->taken = 0;
    s->stage = !s->left ? STAGE_CSW : in ? STAGE_DATA_IN : STAGE_DATA_OUT;
    scsi_start(&s->lu, &s->cmd, p + 15, p[14]);
    bool data = s->cmd.step == SCSI_IN || s->cmd.step == SCSI_OUT;
    s->wrong = data && (!s->left || (s->cmd.step == SCSI_IN) != in);
    if (s->wrong) {
        scsi_stop(&s->cmd);
    }
    pump(s);
    usb_ready(&s->usb, BULK_IN);
    return USB_DONE;
}

/* A unit that has ended fills no packet: the phase ends short. */
static enum usb_result data_in(struct usb_storage *s, struct usb_span *span)
{
    while (span->done < span->n && s->left) {
        pump(s);
        u32 n = MIN(MIN(span->n - span->done, s->filled - s->taken), s->left);
        if (!n) {
            break;
        }
        memcpy(span->p + span->done, s->buf + s->taken, n);
        span->done += n;
        s->taken += n;
        s->left -= n;
    }
    pump(s);
    bool over = s->filled == s->taken && s->cmd.step == SCSI_ENDED;
    if (span->done == span->n || (!over && s->left)) {
        s->stage = s->left ? STAGE_DATA_IN : STAGE_CSW;
        return span->done == span->n ? USB_DONE : USB_NAK;
    }
    s->stage = STAGE_CSW;
    return USB_DONE;
}
static enum usb_result data_out(struct usb_storage *s, struct usb_span *span)
{
    while (span->done < span->n && s->left) {
        u32 n = MIN(span->n - span->done, s->left);
        if (s->cmd.step == SCSI_OUT) {
            u64 room = MIN(s->cmd.len - s->cmd.pos, (u64)BUFFER) - s->filled;
            n = (u32)MIN((u64)n, room);
            memcpy(s->buf + s->filled, span->p + span->done, n);
            s->filled += n;
        } else if (s->cmd.step == SCSI_BUSY) {
            return USB_NAK;
        }
        span->done += n;
        s->left -= n;
        pump(s);
    }
    if (!s->left) {
        s->stage = STAGE_CSW;
        pump(s);
        if (s->cmd.step == SCSI_OUT) { /* the host has no more */
            scsi_stop(&s->cmd);
        }
        usb_ready(&s->usb, BULK_IN);
    }
    span->done = span->n;
    return USB_DONE;
}
static enum usb_result status_give(struct usb_storage *s, struct usb_span *span)
{
    u8 p[CSW] = {0};
    if (s->cmd.step == SCSI_BUSY) {
        return USB_NAK;
    }
    if (s->cmd.step != SCSI_ENDED) {
        scsi_stop(&s->cmd);
    }
    st32le(p, CSW_SIGN);
    st32le(p + 4, s->tag);
    st32le(p + 8, s->left);
    p[12] = s->wrong ? PHASE_ERROR : s->cmd.status == SCSI_GOOD ? PASSED : FAILED;
    span->done = MIN(span->n, (u32)CSW);
    memcpy(span->p, p, span->done);
    s->stage = STAGE_CBW;
    usb_ready(&s->usb, BULK_OUT);
    return USB_DONE;
}

static enum usb_result storage_data(struct usb_device *d, struct usb_span *span)
{
    struct usb_storage *s = (struct usb_storage *)d;
    if (span->ep == BULK_IN) {
        return s->stage == STAGE_DATA_IN ? data_in(s, span) : s->stage == STAGE_CSW ? status_give(s, span) : USB_NAK;
    }
    if (span->ep != BULK_OUT) {
        return USB_STALL;
    }
    return s->stage == STAGE_CBW ? command_take(s, span) : s->stage == STAGE_DATA_OUT ? data_out(s, span) : USB_STALL;
}

static int storage_request(struct usb_device *d, const struct usb_setup *q, u8 *p)
{
    switch (q->type << 8 | q->request) {
    case BOT_RESET:
        cancel((struct usb_storage *)d);
        return 0;
    case BOT_MAX_LUN:
        p[0] = 0;
        return 1;
    default:
        return -1;
    }
}
static void storage_bus_reset(struct usb_device *d)
{
    struct usb_storage *s = (struct usb_storage *)d;
    cancel(s);
    scsi_lu_reset(&s->lu, UA_RESET);
}

/* -- the device --------------------------------------------------------------------------------------------------- */

static bool storage_init(struct device *d, struct err *e)
{
    struct usb_storage *s = (struct usb_storage *)d;
    if (!s->conf.drive) {
        return err_set(e, "drive= is missing: the disk it has");
    }
    if (!disk_conf_check(&s->conf, false, e)) {
        return false;
    }
    s->usb.serial = s->conf.serial ? s->conf.serial /* two drives must not be taken for one */
                                   : arena_printf(&d->machine->arena, "1-0000:00:04.0-%u", s->usb.port);
    s->cmd.lu = &s->lu;
    s->cmd.fn = stepped;
    s->lu = (struct scsi_lu){.dev = d,
                             .conf = &s->conf,
                             .product = s->conf.model,
                             .version = s->conf.version,
                             .serial = s->conf.serial ? s->conf.serial : "1",
                             .block = s->conf.logical_block_size};
    scsi_lu_init(&s->lu);
    scsi_lu_watch(&s->lu, true);
    return true;
}
static void storage_reset(struct device *d)
{
    storage_bus_reset((struct usb_device *)d);
}
static bool storage_loaded(struct device *d, struct err *e)
{
    struct usb_storage *s = (struct usb_storage *)d;
    if (s->stage >= STAGES || s->taken > s->filled || s->filled > BUFFER || !usb_loaded(&s->usb, e) ||
        !scsi_lu_loaded(&s->lu, e) || !scsi_cmd_loaded(&s->cmd, e)) {
        return err_set(e, "a transfer that cannot be");
    }
    return true;
}
static void storage_fini(struct device *d)
{
    cancel((struct usb_storage *)d);
    scsi_lu_watch(&((struct usb_storage *)d)->lu, false);
}

static const struct usb_class storage_usb = {.speed = USB_HIGH,
                                             .device = device_descriptor,
                                             .config = config_descriptor,
                                             .config_len = sizeof(config_descriptor),
                                             .strings = strings,
                                             .data = storage_data,
                                             .request = storage_request,
                                             .reset = storage_bus_reset};
static const struct field storage_state[] = {
    USB_FIELDS(struct usb_storage, usb),
    SCSI_LU_FIELDS(struct usb_storage, lu),
    SCSI_CMD_FIELDS(struct usb_storage, cmd),
    FIELD(struct usb_storage, stage),
    FIELD(struct usb_storage, wrong),
    FIELD(struct usb_storage, tag),
    FIELD(struct usb_storage, left),
    FIELD(struct usb_storage, filled),
    FIELD(struct usb_storage, taken),
    {.name = "buf", .off = offsetof(struct usb_storage, buf), .size = 16, .count = BUFFER / 16, .flags = F_HIDDEN},
    {0},
};
static const struct prop storage_props[] = {
    USB_PROPS(struct usb_storage, usb), DISK_PROPS(struct usb_storage, conf), {0}};
const struct device_class usb_storage_class = {
    .name = "usb-storage",
    .doc = "USB disk",
    .bus = "usb",
    .size = sizeof(struct usb_storage),
    .state = storage_state,
    .props = storage_props,
    .init = storage_init,
    .reset = storage_reset,
    .loaded = storage_loaded,
    .fini = storage_fini,
    .bus_class = &storage_usb,
};

/* virtio SCSI host adapter (Virtio 1.2, 5.6): a control queue, an event queue, and request queues.
 *
 * Requests of all targets run at once and end in any order. Task management lets what is on its way come to its end
 * first: to the driver an aborted command is one that had ended before. Events tell of media (feature CHANGE).
 * Not modelled: T10_PI, priorities and orders of tasks, hot plug of units. */
#include "hw/scsi/virtio_scsi.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/scsi/scsi_bus.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

enum { F_INOUT = 0, F_HOTPLUG = 1, F_CHANGE = 2 };
enum { Q_CONTROL, Q_EVENT, Q_REQUEST };
enum { /* configuration space */
       C_NUM_QUEUES = 0,
       C_SEG_MAX = 4,
       C_MAX_SECTORS = 8,
       C_CMD_PER_LUN = 12,
       C_EVENT_SIZE = 16,
       C_SENSE_SIZE = 20,
       C_CDB_SIZE = 24,
       C_MAX_CHANNEL = 28,
       C_MAX_TARGET = 30,
       C_MAX_LUN = 32,
       CONFIG_SIZE = 36
};
enum { SENSE_DEFAULT = 96, CDB_DEFAULT = 32, SIZE_MAX_OF_BOTH = 256, TARGETS = 256, LUNS = 16384, EVENT_BYTES = 16 };
enum { REQ_HEAD = 19, RESP_HEAD = 12 };
enum { /* responses */
       S_OK = 0,
       S_BAD_TARGET = 3,
       S_FAILURE = 9,
       S_FUNCTION_SUCCEEDED = 10,
       S_FUNCTION_REJECTED = 11,
       S_INCORRECT_LUN = 12,
       S_FUNCTION_COMPLETE = 0
};
enum { T_TMF = 0, T_AN_QUERY = 1, T_AN_SUBSCRIBE = 2 };
enum {
    TMF_ABORT_TASK,
    TMF_ABORT_TASK_SET,
    TMF_CLEAR_ACA,
    TMF_CLEAR_TASK_SET,
    TMF_NEXUS_RESET,
    TMF_UNIT_RESET,
    TMF_QUERY_TASK,
    TMF_QUERY_TASK_SET
};
enum { EVENT_NO_EVENT = 0, EVENT_PARAM_CHANGE = 3 };
#define EVENT_MISSED 0x80000000u
enum { PIECE_MAX = 16 << 20 };

struct virtio_scsi_conf {
    struct virtio_conf common;
    u16 num_queues, queue_size;
    u32 max_sectors, cmd_per_lun;
    bool hotplug, param_change;
};

struct virtio_scsi {
    struct virtio_device v;
    struct virtio_scsi_conf conf;
    struct scsi_bus bus;
    u32 sense_size, cdb_size;
    bool missed; /* an event for which there was no buffer */
    struct request *requests;
};

struct request {
    struct scsi_cmd c;
    struct virtio_scsi *s;
    struct scsi_unit *unit;
    struct vq_elem *e;
    struct request *next;
    u64 tag, room; /* bytes that the driver gave or has room for */
    u16 queue;
    bool in;
    struct iovec iov[];
};

/* -- addresses ----------------------------------------------------------------------------------------------------- */

/* 01, target, and a LUN of one level. False: another form. */
static bool lun_split(const u8 *p, u32 *target, u32 *lun)
{
    *target = p[1];
    *lun = ld16be(p + 2) & 0x3fff;
    return p[0] == 1 && p[2] >> 6 <= 1 && !ld32be(p + 4);
}

/* -- requests ------------------------------------------------------------------------------------------------------ */

static void respond(struct virtio_scsi *s, unsigned q, struct vq_elem *e, u8 response, u8 status, u64 residual,
                    const u8 *sense, unsigned nsense, u64 data)
{
    u8 r[RESP_HEAD + SIZE_MAX_OF_BOTH] = {0};
    st32le(r, nsense);
    st32le(r + 4, (u32)MIN(residual, UINT32_MAX));
    r[10] = status;
    r[11] = response;
    memcpy(r + RESP_HEAD, sense, MIN(nsense, s->sense_size));
    iov_write(e->in, e->nin, 0, r, RESP_HEAD + s->sense_size);
    vq_push(&s->v, q, e, (u32)MIN(RESP_HEAD + s->sense_size + data, UINT32_MAX));
    vq_notify(&s->v, q);
}

static void refuse(struct virtio_scsi *s, unsigned q, struct vq_elem *e, u8 response)
{
    respond(s, q, e, response, 0, 0, (const u8 *)"", 0, 0);
}

static void request_unlink(struct request *r)
{
    struct request **p = &r->s->requests;
    while (*p != r) {
        p = &(*p)->next;
    }
    *p = r->next;
}

static void request_end(struct request *r)
{
    struct virtio_scsi *s = r->s;
    u8 sense[SCSI_SENSE] = {0};
    unsigned n = 0;
    if (r->c.status != SCSI_GOOD) {
        n = scsi_sense(&r->unit->lu, sense, false, true);
        n = MIN(n, s->sense_size);
    }
    request_unlink(r);
    respond(s, r->queue, r->e, S_OK, r->c.status, r->room - MIN(r->c.pos, r->room), sense, n, r->in ? r->room : 0);
    free(r);
}

/* [off, off + len) of the segments as segments. */
static int slice(struct iovec *to, const struct iovec *from, unsigned n, u64 off, u64 len)
{
    int out = 0;
    for (unsigned i = 0; i < n && len; i++) {
        if (off >= from[i].iov_len) {
            off -= from[i].iov_len;
            continue;
        }
        u64 part = MIN(len, from[i].iov_len - off);
        to[out++] = (struct iovec){(u8 *)from[i].iov_base + off, part};
        len -= part;
        off = 0;
    }
    return out;
}

static void request_go(struct request *r)
{
    struct scsi_cmd *c = &r->c;
    const struct virtio_scsi *s = r->s;
    while (c->step == SCSI_IN || c->step == SCSI_OUT) {
        bool in = c->step == SCSI_IN;
        u64 n = in == r->in && r->room > c->pos ? MIN(MIN(r->room, c->len) - c->pos, PIECE_MAX) : 0;
        if (!n) {
            scsi_stop(c);
            break;
        }
        u64 off = (in ? RESP_HEAD + s->sense_size : REQ_HEAD + s->cdb_size) + c->pos;
        int niov = in ? slice(r->iov, r->e->in, r->e->nin, off, n) : slice(r->iov, r->e->out, r->e->nout, off, n);
        scsi_move(c, r->iov, niov, n);
    }
    if (c->step == SCSI_ENDED) {
        request_end(r);
    }
}

static void request_stepped(struct scsi_cmd *c)
{
    request_go(CONTAINER_OF(c, struct request, c));
}

/* The target is there and the unit is not: it says so itself (SPC-3 6.4.2, 6.21). */
static void unit_absent(struct virtio_scsi *s, unsigned q, struct vq_elem *e, const u8 *cdb, u64 room)
{
    u8 data[36] = {0x7f, 0, 5, 2, 31}, sense[SCSI_SENSE] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x25};
    if (cdb[0] == 0x12 && !(cdb[1] & 1)) {
        u64 n = MIN(MIN(sizeof(data), ld16be(cdb + 3)), room);
        iov_write(e->in, e->nin, RESP_HEAD + s->sense_size, data, n);
        respond(s, q, e, S_OK, SCSI_GOOD, room - n, sense, 0, n);
    } else {
        respond(s, q, e, S_OK, SCSI_CHECK_CONDITION, room, sense, MIN(sizeof(sense), s->sense_size), 0);
    }
}

static void luns_report(struct virtio_scsi *s, unsigned q, struct vq_elem *e, u32 target, const u8 *cdb, u64 room)
{
    u8 list[SCSI_BUF];
    u64 n = scsi_bus_luns(&s->bus, target, list);
    n = MIN(MIN(n, ld32be(cdb + 6)), room);
    iov_write(e->in, e->nin, RESP_HEAD + s->sense_size, list, n);
    respond(s, q, e, S_OK, SCSI_GOOD, room - n, list, 0, n);
}

static void request_start(struct virtio_scsi *s, unsigned q, struct vq_elem *e)
{
    u8 head[REQ_HEAD], cdb[SIZE_MAX_OF_BOTH];
    u32 target, lun;
    bool others = false;
    u64 in_room = e->in_len - RESP_HEAD - s->sense_size, out_room = e->out_len - REQ_HEAD - s->cdb_size;
    iov_read(e->out, e->nout, 0, head, sizeof(head));
    iov_read(e->out, e->nout, REQ_HEAD, cdb, s->cdb_size);
    memset(cdb + s->cdb_size, 0, sizeof(cdb) - s->cdb_size);
    bool form = lun_split(head, &target, &lun);
    struct scsi_unit *u = form ? scsi_bus_find(&s->bus, target, lun, &others) : NULL;
    if (in_room && out_room) {
        refuse(s, q, e, S_FAILURE); /* both ways at once was not agreed on */
        return;
    }
    if (!u && !others) {
        refuse(s, q, e, S_BAD_TARGET);
        return;
    }
    if (cdb[0] == 0xa0 && cdb[2] <= 2) {
        luns_report(s, q, e, target, cdb, in_room);
        return;
    }
    if (!u) {
        unit_absent(s, q, e, cdb, in_room);
        return;
    }
    struct request *r = calloc(1, sizeof(*r) + (e->nout + e->nin) * sizeof(struct iovec));
    must(r);
    r->s = s;
    r->unit = u;
    r->e = e;
    r->queue = (u16)q;
    r->tag = ld64le(head + 8);
    r->in = !out_room;
    r->room = r->in ? in_room : out_room;
    r->c.fn = request_stepped;
    r->next = s->requests;
    s->requests = r;
    scsi_start(&u->lu, &r->c, cdb, SCSI_CDB);
    request_go(r);
}

static void request_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        if (e->out_len < REQ_HEAD + s->cdb_size || e->in_len < RESP_HEAD + s->sense_size) {
            virtio_break(v, "a request of %llu and %llu bytes", (unsigned long long)e->out_len,
                         (unsigned long long)e->in_len);
            vq_drop(e);
            return;
        }
        request_start(s, q, e);
    }
}

/* -- events -------------------------------------------------------------------------------------------------------- */

static void event_send(struct virtio_scsi *s, u32 event, const struct scsi_unit *u, u32 reason)
{
    u8 b[EVENT_BYTES] = {0};
    if (!virtio_running(&s->v)) {
        return;
    }
    struct vq_elem *e = vq_pop(&s->v, Q_EVENT);
    if (!e) {
        s->missed = true;
        return;
    }
    if (e->in_len < sizeof(b)) {
        virtio_break(&s->v, "room of %llu bytes for an event", (unsigned long long)e->in_len);
        vq_drop(e);
        return;
    }
    st32le(b, event | (s->missed ? EVENT_MISSED : 0));
    if (u) {
        b[4] = 1;
        b[5] = (u8)u->target;
        st16be(b + 6, (u16)(u->lun < 256 ? u->lun : 0x4000 | u->lun));
    }
    st32le(b + 12, reason);
    s->missed = false;
    iov_write(e->in, e->nin, 0, b, sizeof(b));
    vq_push(&s->v, Q_EVENT, e, sizeof(b));
    vq_notify(&s->v, Q_EVENT);
}

static void unit_changed(struct scsi_bus *b, struct scsi_unit *u)
{
    struct virtio_scsi *s = CONTAINER_OF(b, struct virtio_scsi, bus);
    if (virtio_has(&s->v, F_CHANGE)) {
        event_send(s, EVENT_PARAM_CHANGE, u, 0x28); /* not ready to ready: the medium may have changed */
    }
}

static void event_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    (void)q;
    if (s->missed) {
        event_send(s, EVENT_NO_EVENT, NULL, 0);
    }
}

/* -- control ------------------------------------------------------------------------------------------------------- */

static bool task_runs(struct virtio_scsi *s, const struct scsi_unit *u, const u64 *tag)
{
    for (struct request *r = s->requests; r; r = r->next) {
        if (r->unit == u && (!tag || r->tag == *tag)) {
            return true;
        }
    }
    return false;
}

static void unit_settle(struct scsi_unit *u, bool reset)
{
    if (u->conf.drive) {
        block_drain(u->conf.drive);
    }
    if (reset) {
        scsi_lu_reset(&u->lu, UA_RESET);
    }
}

static u8 tmf(struct virtio_scsi *s, const u8 *b)
{
    u32 target, lun, what = ld32le(b + 4);
    bool others = false;
    u64 tag = ld64le(b + 16);
    if (!lun_split(b + 8, &target, &lun)) {
        return S_BAD_TARGET;
    }
    struct scsi_unit *u = scsi_bus_find(&s->bus, target, lun, &others);
    if (!u && !(what == TMF_NEXUS_RESET && others)) {
        return others ? S_INCORRECT_LUN : S_BAD_TARGET;
    }
    switch (what) {
    case TMF_ABORT_TASK:
    case TMF_ABORT_TASK_SET:
    case TMF_CLEAR_TASK_SET:
        unit_settle(u, false);
        return S_FUNCTION_COMPLETE;
    case TMF_NEXUS_RESET:
        for (struct scsi_unit *i = s->bus.first; i; i = i->next) {
            if (i->target == target) {
                unit_settle(i, true);
            }
        }
        return S_FUNCTION_COMPLETE;
    case TMF_UNIT_RESET:
        unit_settle(u, true);
        return S_FUNCTION_COMPLETE;
    case TMF_QUERY_TASK:
        return task_runs(s, u, &tag) ? S_FUNCTION_SUCCEEDED : S_FUNCTION_COMPLETE;
    case TMF_QUERY_TASK_SET:
        return task_runs(s, u, NULL) ? S_FUNCTION_SUCCEEDED : S_FUNCTION_COMPLETE;
    default:
        return S_FUNCTION_REJECTED;
    }
}

/* Gives the bytes of the answer; 0: it is none of these. */
static unsigned control(struct virtio_scsi *s, const u8 *b, u64 n, u8 *answer)
{
    switch (ld32le(b)) {
    case T_TMF:
        if (n < 24) {
            return 0;
        }
        answer[0] = tmf(s, b);
        return 1;
    case T_AN_QUERY:
    case T_AN_SUBSCRIBE: { /* no asynchronous notifications: none of those asked for happens */
        u32 target, lun;
        bool others = false, form = lun_split(b + 4, &target, &lun);
        if (n < 16) {
            return 0;
        }
        bool there = form && scsi_bus_find(&s->bus, target, lun, &others);
        st32le(answer, 0);
        answer[4] = there ? S_OK : others ? S_INCORRECT_LUN : S_BAD_TARGET;
        return 5;
    }
    default:
        return 0;
    }
}

static void control_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        u8 b[24] = {0}, answer[8] = {0};
        u64 n = iov_read(e->out, e->nout, 0, b, sizeof(b));
        unsigned len = n >= 4 ? control(s, b, n, answer) : 0;
        if (!len || e->in_len < len) {
            virtio_break(v, "a control request of %llu bytes and type %u", (unsigned long long)e->out_len, ld32le(b));
            vq_drop(e);
            return;
        }
        iov_write(e->in, e->nin, 0, answer, len);
        vq_push(v, q, e, len);
        vq_notify(v, q);
    }
}

/* -- configuration space ------------------------------------------------------------------------------------------- */

static void scsi_config_read(struct virtio_device *v, u8 *c)
{
    const struct virtio_scsi *s = (struct virtio_scsi *)v;
    st32le(c + C_NUM_QUEUES, s->conf.num_queues);
    st32le(c + C_SEG_MAX, s->conf.queue_size - 2u);
    st32le(c + C_MAX_SECTORS, s->conf.max_sectors);
    st32le(c + C_CMD_PER_LUN, s->conf.cmd_per_lun);
    st32le(c + C_EVENT_SIZE, EVENT_BYTES);
    st32le(c + C_SENSE_SIZE, s->sense_size);
    st32le(c + C_CDB_SIZE, s->cdb_size);
    st16le(c + C_MAX_CHANNEL, 0);
    st16le(c + C_MAX_TARGET, TARGETS - 1);
    st32le(c + C_MAX_LUN, LUNS - 1);
}

static void scsi_config_written(struct virtio_device *v, const u8 *c, unsigned off, unsigned size)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    u32 sense = ld32le(c + C_SENSE_SIZE), cdb = ld32le(c + C_CDB_SIZE);
    if (off < C_SENSE_SIZE || off + size > C_MAX_CHANNEL || sense > SIZE_MAX_OF_BOTH || cdb > SIZE_MAX_OF_BOTH ||
        !cdb) {
        guest_error(device_name(&v->dev), "write of %u bytes at 0x%x: sense of %u, commands of %u", size, off, sense,
                    cdb);
        return;
    }
    s->sense_size = sense;
    s->cdb_size = cdb;
}

/* -- device -------------------------------------------------------------------------------------------------------- */

static bool scsi_init(struct device *d, struct err *e)
{
    struct virtio_scsi *s = (struct virtio_scsi *)d;
    struct virtio_scsi_conf *k = &s->conf;
    if (!k->num_queues) {
        k->num_queues =
            (u16)(s->v.transport->many_vectors ? MAX(1, MIN(d->machine->cfg.cpus, VIRTIO_QUEUES - Q_REQUEST - 1)) : 1);
    }
    if (k->num_queues > VIRTIO_QUEUES - Q_REQUEST) {
        return err_set(e, "num_queues is %u; there may be up to %u", k->num_queues, VIRTIO_QUEUES - Q_REQUEST);
    }
    if (!is_pow2(k->queue_size) || k->queue_size <= 2 || k->queue_size > VIRTIO_QUEUE_SIZE) {
        return err_set(e, "virtqueue_size is %u; it must be a power of two from 4 to %u", k->queue_size,
                       VIRTIO_QUEUE_SIZE);
    }
    virtio_init(&s->v, (k->hotplug ? BIT(F_HOTPLUG) : 0) | (k->param_change ? BIT(F_CHANGE) : 0), &k->common);
    virtio_add_queue(&s->v, k->queue_size, control_kick);
    virtio_add_queue(&s->v, k->queue_size, event_kick);
    for (unsigned i = 0; i < k->num_queues; i++) {
        virtio_add_queue(&s->v, k->queue_size, request_kick);
    }
    s->bus.targets = TARGETS;
    s->bus.luns = LUNS;
    s->bus.changed = unit_changed;
    return true;
}

static bool scsi_plug(struct device *owner, struct device *child, struct err *e)
{
    return scsi_bus_add(&((struct virtio_scsi *)owner)->bus, child, e);
}

static void scsi_quiesce(struct virtio_device *v)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    while (s->requests) {
        block_drain(s->requests->unit->conf.drive);
    }
}

static void scsi_reset(struct virtio_device *v)
{
    struct virtio_scsi *s = (struct virtio_scsi *)v;
    s->sense_size = SENSE_DEFAULT;
    s->cdb_size = CDB_DEFAULT;
    s->missed = false;
}

static bool scsi_loaded(struct device *d, struct err *e)
{
    struct virtio_scsi *s = (struct virtio_scsi *)d;
    if (s->sense_size > SIZE_MAX_OF_BOTH || s->cdb_size > SIZE_MAX_OF_BOTH || !s->cdb_size) {
        return err_set(e, "sense of %u and commands of %u bytes", s->sense_size, s->cdb_size);
    }
    return virtio_device_loaded(d, e);
}

static const struct field scsi_state[] = {
    VIRTIO_FIELDS(struct virtio_scsi),
    FIELD(struct virtio_scsi, sense_size, .reset = SENSE_DEFAULT),
    FIELD(struct virtio_scsi, cdb_size, .reset = CDB_DEFAULT),
    FIELD(struct virtio_scsi, missed),
    {0},
};

// clang-format off
#define VSCSI_PROPS(T)                                                                                                 \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("num_queues", PROP_U16, T, conf.num_queues, "0", "request queues; 0: one a CPU where that pays off"),         \
    PROP("virtqueue_size", PROP_U16, T, conf.queue_size, "256", "entries a queue"),                                    \
    PROP("max_sectors", PROP_U32, T, conf.max_sectors, "65535", "the largest request, for the driver"),                \
    PROP("cmd_per_lun", PROP_U32, T, conf.cmd_per_lun, "128", "commands at once, for the driver"),                     \
    PROP("hotplug", PROP_BOOL, T, conf.hotplug, "on", "offer events of units that come and go"),                       \
    PROP("param_change", PROP_BOOL, T, conf.param_change, "on", "offer events of media that change")
// clang-format on

static const struct prop scsi_props[] = {VSCSI_PROPS(struct virtio_scsi), {0}};

static const struct virtio_class scsi_virtio = {
    .id = VIRTIO_ID_SCSI,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_scsi, conf),
    .conf_size = sizeof(struct virtio_scsi_conf),
    .config_read = scsi_config_read,
    .config_written = scsi_config_written,
    .quiesce = scsi_quiesce,
    .reset = scsi_reset,
};

const struct device_class virtio_scsi_class = {
    .name = "virtio-scsi-device",
    .doc = "virtio SCSI adapter",
    .bus = "virtio",
    .provides = "SCSI",
    .plug = scsi_plug,
    .size = sizeof(struct virtio_scsi),
    .state = scsi_state,
    .props = scsi_props,
    .init = scsi_init,
    .reset = virtio_device_reset,
    .loaded = scsi_loaded,
    .bus_class = &scsi_virtio,
};

VIRTIO_PCI_CLASSES(virtio_scsi, "virtio-scsi", "virtio SCSI adapter", struct virtio_scsi_conf, VSCSI_PROPS, 0x010000,
                   "SCSI")

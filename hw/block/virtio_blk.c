/* virtio block device (Virtio 1.1, 5.2).
 *
 * Requests go to the host's block layer as they come and end in any order. A host error becomes VIRTIO_BLK_S_IOERR.
 * Not modelled: SCSI pass-through, zoned disks, secure erase, lifetime, more than one range a DISCARD or WRITE_ZEROES.
 */
#include "hw/block/virtio_blk.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "block/block.h"
#include "hw/block/disk.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

enum {
    F_SEG_MAX = 2,
    F_GEOMETRY = 4,
    F_RO = 5,
    F_BLK_SIZE = 6,
    F_FLUSH = 9,
    F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11,
    F_MQ = 12,
    F_DISCARD = 13,
    F_WRITE_ZEROES = 14
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK = 0, S_IOERR = 1, S_UNSUPP = 2 };
enum { /* configuration space */
       C_CAPACITY = 0,
       C_SEG_MAX = 12,
       C_CYLINDERS = 16,
       C_HEADS = 18,
       C_SECTORS = 19,
       C_BLK_SIZE = 20,
       C_PHYSICAL_EXP = 24,
       C_MIN_IO = 26,
       C_OPT_IO = 28,
       C_WRITEBACK = 32,
       C_NUM_QUEUES = 34,
       C_MAX_DISCARD = 36,
       C_MAX_DISCARD_SEG = 40,
       C_DISCARD_ALIGN = 44,
       C_MAX_ZEROES = 48,
       C_MAX_ZEROES_SEG = 52,
       C_MAY_UNMAP = 56,
       CONFIG_SIZE = 60
};

#define SECTOR      512u
#define HEADER      16u
#define ID_BYTES    20u
#define MAX_SECTORS 0x3fffffu /* of one DISCARD or WRITE_ZEROES */

struct virtio_blk_conf {
    struct virtio_conf common;
    struct blockdev *drive;
    const char *serial, *rerror, *werror;
    u16 num_queues, queue_size;
    u32 logical_block_size, physical_block_size, min_io_size, opt_io_size, discard_granularity;
    u32 bootindex;
    bool write_cache, config_wce, discard, write_zeroes, share_rw;
};

struct virtio_blk {
    struct virtio_device v;
    struct virtio_blk_conf conf;
    bool wce; /* the driver has the write cache on */
};

struct request {
    struct block_req r;
    struct virtio_blk *s;
    struct vq_elem *e;
    u16 queue;
    struct iovec iov[];
};

/* -- requests ---------------------------------------------------------------------------------------------------- */

/* The status is the last byte that the device may write. */
static void request_end(struct virtio_blk *s, unsigned q, struct vq_elem *e, u8 status)
{
    iov_write(e->in, e->nin, e->in_len - 1, &status, 1);
    vq_push(&s->v, q, e, (u32)MIN(e->in_len, UINT32_MAX));
    vq_notify(&s->v, q);
}

static void request_done(struct block_req *r, int result)
{
    struct request *q = CONTAINER_OF(r, struct request, r);
    request_end(q->s, q->queue, q->e, result ? S_IOERR : S_OK);
    free(q);
}

static struct request *request_new(struct virtio_blk *s, unsigned q, struct vq_elem *e, enum block_op op)
{
    struct request *r = calloc(1, sizeof(*r) + (e->nout + e->nin) * sizeof(struct iovec));
    must(r);
    r->s = s;
    r->e = e;
    r->queue = (u16)q;
    r->r.op = op;
    r->r.done = request_done;
    r->r.fua = !s->wce || !virtio_has(&s->v, F_FLUSH);
    return r;
}

static bool range_ok(struct virtio_blk *s, u64 sector, u64 len)
{
    u64 size = block_size(s->conf.drive), block = s->conf.logical_block_size;
    return sector <= size / SECTOR && len <= size - sector * SECTOR && (sector * SECTOR) % block == 0 &&
           len % block == 0;
}

/* [off, off + len) of the segments as segments. */
static int iov_slice(struct iovec *to, const struct iovec *from, unsigned n, u64 off, u64 len)
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

static void do_transfer(struct virtio_blk *s, unsigned q, struct vq_elem *e, bool write, u64 sector)
{
    u64 len = write ? e->out_len - HEADER : e->in_len - 1;
    if (!range_ok(s, sector, len)) {
        request_end(s, q, e, S_IOERR);
        return;
    }
    if (!len) {
        request_end(s, q, e, S_OK);
        return;
    }
    struct request *r = request_new(s, q, e, write ? BLOCK_WRITE : BLOCK_READ);
    r->r.offset = sector * SECTOR;
    r->r.iov = r->iov;
    r->r.niov = write ? iov_slice(r->iov, e->out, e->nout, HEADER, len) : iov_slice(r->iov, e->in, e->nin, 0, len);
    block_submit(s->conf.drive, &r->r);
}

/* One range: u64 sector, u32 sectors, u32 flags (bit 0: unmap). */
static void do_range(struct virtio_blk *s, unsigned q, struct vq_elem *e, enum block_op op)
{
    u8 range[16];
    bool offered = virtio_has(&s->v, op == BLOCK_ZERO ? F_WRITE_ZEROES : F_DISCARD);
    if (!offered || e->out_len != HEADER + sizeof(range)) {
        request_end(s, q, e, S_UNSUPP);
        return;
    }
    iov_read(e->out, e->nout, HEADER, range, sizeof(range));
    u32 sectors = ld32le(range + 8), flags = ld32le(range + 12);
    if (flags & ~1u || (op == BLOCK_DISCARD && flags)) {
        request_end(s, q, e, S_UNSUPP);
    } else if (sectors > MAX_SECTORS || !range_ok(s, ld64le(range), (u64)sectors * SECTOR)) {
        request_end(s, q, e, S_IOERR);
    } else {
        struct request *r = request_new(s, q, e, op);
        r->r.offset = ld64le(range) * SECTOR;
        r->r.len = (u64)sectors * SECTOR;
        r->r.unmap = flags & 1;
        block_submit(s->conf.drive, &r->r);
    }
}

static void do_get_id(struct virtio_blk *s, unsigned q, struct vq_elem *e)
{
    u8 id[ID_BYTES] = {0};
    if (s->conf.serial) {
        memcpy(id, s->conf.serial, MIN(strlen(s->conf.serial), sizeof(id)));
    }
    iov_write(e->in, e->nin, 0, id, MIN(sizeof(id), e->in_len - 1));
    request_end(s, q, e, S_OK);
}

static void request_start(struct virtio_blk *s, unsigned q, struct vq_elem *e)
{
    u8 header[HEADER];
    iov_read(e->out, e->nout, 0, header, sizeof(header));
    switch (ld32le(header)) {
    case T_IN:
        do_transfer(s, q, e, false, ld64le(header + 8));
        break;
    case T_OUT:
        do_transfer(s, q, e, true, ld64le(header + 8));
        break;
    case T_FLUSH:
        block_submit(s->conf.drive, &request_new(s, q, e, BLOCK_FLUSH)->r);
        break;
    case T_GET_ID:
        do_get_id(s, q, e);
        break;
    case T_DISCARD:
        do_range(s, q, e, BLOCK_DISCARD);
        break;
    case T_WRITE_ZEROES:
        do_range(s, q, e, BLOCK_ZERO);
        break;
    default:
        request_end(s, q, e, S_UNSUPP);
    }
}

static void blk_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_blk *s = (struct virtio_blk *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        if (e->out_len < HEADER || !e->in_len) {
            virtio_break(v, "a request without %s", e->in_len ? "header" : "room for its status");
            vq_drop(e);
            return;
        }
        request_start(s, q, e);
    }
}

/* -- configuration space ------------------------------------------------------------------------------------------- */

static void blk_config_read(struct virtio_device *v, u8 *c)
{
    const struct virtio_blk *s = (struct virtio_blk *)v;
    const struct virtio_blk_conf *k = &s->conf;
    u64 sectors = block_size(k->drive) / SECTOR;
    u32 logical = k->logical_block_size;
    st64le(c + C_CAPACITY, sectors);
    st32le(c + C_SEG_MAX, k->queue_size - 2u);
    st16le(c + C_CYLINDERS, (u16)MIN(sectors / (16 * 63), 16383));
    c[C_HEADS] = 16;
    c[C_SECTORS] = 63;
    st32le(c + C_BLK_SIZE, logical);
    c[C_PHYSICAL_EXP] = (u8)ctz32(k->physical_block_size / logical);
    st16le(c + C_MIN_IO, (u16)(k->min_io_size / logical));
    st32le(c + C_OPT_IO, k->opt_io_size / logical);
    c[C_WRITEBACK] = s->wce;
    st16le(c + C_NUM_QUEUES, k->num_queues);
    st32le(c + C_MAX_DISCARD, MAX_SECTORS);
    st32le(c + C_MAX_DISCARD_SEG, 1);
    st32le(c + C_DISCARD_ALIGN, MAX(k->discard_granularity, logical) / SECTOR);
    st32le(c + C_MAX_ZEROES, MAX_SECTORS);
    st32le(c + C_MAX_ZEROES_SEG, 1);
    c[C_MAY_UNMAP] = 1;
}

static void blk_config_written(struct virtio_device *v, const u8 *config, unsigned off, unsigned size)
{
    struct virtio_blk *s = (struct virtio_blk *)v;
    if (virtio_has(v, F_CONFIG_WCE) && off == C_WRITEBACK && size == 1) {
        s->wce = config[C_WRITEBACK] & 1;
    } else {
        guest_error(device_name(&v->dev), "write of %u bytes at 0x%x of the configuration space", size, off);
    }
}

static void medium_changed(void *opaque)
{
    virtio_config_changed(opaque);
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static void blk_quiesce(struct virtio_device *v)
{
    struct virtio_blk *s = (struct virtio_blk *)v;
    if (v->dev.live) {
        block_drain(s->conf.drive);
    }
}

static bool conf_check(struct virtio_blk_conf *k, struct err *e)
{
    if (!k->drive) {
        return err_set(e, "drive property not set");
    }
    if (!block_present(k->drive)) {
        return err_set(e, "Device needs media, but drive '%s' is empty", block_id(k->drive));
    }
    if (!is_pow2(k->logical_block_size) || k->logical_block_size < 512 || k->logical_block_size > 32768) {
        return err_set(e, "logical_block_size is %u; it must be a power of two from 512 to 32768",
                       k->logical_block_size);
    }
    if (!is_pow2(k->physical_block_size) || k->physical_block_size < k->logical_block_size) {
        return err_set(e, "physical_block_size is %u; it must be a power of two and not below logical_block_size (%u)",
                       k->physical_block_size, k->logical_block_size);
    }
    if (!is_pow2(k->queue_size) || k->queue_size <= 2 || k->queue_size > VIRTIO_QUEUE_SIZE) {
        return err_set(e, "queue-size is %u; it must be a power of two from 4 to %u", k->queue_size, VIRTIO_QUEUE_SIZE);
    }
    if (k->num_queues > VIRTIO_QUEUES) {
        return err_set(e, "num-queues is %u; there may be up to %u", k->num_queues, VIRTIO_QUEUES);
    }
    return disk_errors_set(k->drive, k->rerror, k->werror, e);
}

static bool blk_init(struct device *d, struct err *e)
{
    struct virtio_blk *s = (struct virtio_blk *)d;
    struct virtio_blk_conf *k = &s->conf;
    if (!conf_check(k, e)) {
        return false;
    }
    if (!k->num_queues) {
        k->num_queues = (u16)(s->v.transport->many_vectors ? MAX(1, MIN(d->machine->cfg.cpus, VIRTIO_QUEUES - 1)) : 1);
    }
    u64 f = BIT(F_SEG_MAX) | BIT(F_GEOMETRY) | BIT(F_BLK_SIZE) | BIT(F_FLUSH) | BIT(F_TOPOLOGY);
    f |= block_read_only(k->drive) ? BIT(F_RO) : 0;
    f |= k->config_wce ? BIT(F_CONFIG_WCE) : 0;
    f |= k->num_queues > 1 ? BIT(F_MQ) : 0;
    f |= k->discard ? BIT(F_DISCARD) : 0;
    f |= k->write_zeroes ? BIT(F_WRITE_ZEROES) : 0;
    virtio_init(&s->v, f, &k->common);
    for (unsigned i = 0; i < k->num_queues; i++) {
        virtio_add_queue(&s->v, k->queue_size, blk_kick);
    }
    block_on_change(k->drive, medium_changed, s);
    return true;
}

static void blk_reset(struct virtio_device *v)
{
    struct virtio_blk *s = (struct virtio_blk *)v;
    s->wce = s->conf.write_cache;
}

static void blk_fini(struct device *d)
{
    struct virtio_blk *s = (struct virtio_blk *)d;
    block_drain(s->conf.drive);
    block_on_change(s->conf.drive, NULL, NULL);
}

static const struct field blk_state[] = {VIRTIO_FIELDS(struct virtio_blk), FIELD(struct virtio_blk, wce), {0}};

// clang-format off
#define BLK_PROPS(T)                                                                                                   \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("drive", PROP_BLOCK, T, conf.drive, NULL, "the disk"),                                                        \
    PROP("serial", PROP_STR, T, conf.serial, NULL, "serial number, 20 characters"),                                    \
    DISK_ERROR_PROPS(T, conf),                                                                                         \
    PROP("bootindex", PROP_U32, T, conf.bootindex, "0xffffffff", "boot order, for firmware"),                                   \
    PROP("num-queues", PROP_U16, T, conf.num_queues, "0", "queues; 0: one a CPU where that pays off"),                 \
    PROP("queue-size", PROP_U16, T, conf.queue_size, "256", "entries a queue"),                                        \
    PROP("logical_block_size", PROP_U32, T, conf.logical_block_size, "512", "bytes"),                                  \
    PROP("physical_block_size", PROP_U32, T, conf.physical_block_size, "512", "bytes"),                                \
    PROP("min_io_size", PROP_U32, T, conf.min_io_size, "0", "bytes"),                                                  \
    PROP("opt_io_size", PROP_U32, T, conf.opt_io_size, "0", "bytes"),                                                  \
    PROP("discard_granularity", PROP_U32, T, conf.discard_granularity, "0", "bytes"),                                  \
    PROP("write-cache", PROP_BOOL, T, conf.write_cache, "on", "the write cache is on after reset"),                    \
    PROP("config-wce", PROP_BOOL, T, conf.config_wce, "on", "the driver may switch the write cache"),                  \
    PROP("discard", PROP_BOOL, T, conf.discard, "on", "offer DISCARD"),                                                \
    PROP("write-zeroes", PROP_BOOL, T, conf.write_zeroes, "on", "offer WRITE_ZEROES"),                                 \
    PROP("share-rw", PROP_BOOL, T, conf.share_rw, "off", "accepted, changes nothing")
// clang-format on

static const struct prop blk_props[] = {BLK_PROPS(struct virtio_blk), {0}};

static const struct virtio_class blk_virtio = {
    .id = VIRTIO_ID_BLOCK,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_blk, conf),
    .conf_size = sizeof(struct virtio_blk_conf),
    .config_read = blk_config_read,
    .config_written = blk_config_written,
    .quiesce = blk_quiesce,
    .reset = blk_reset,
};

static void blk_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/disk@0,0");
}

const struct device_class virtio_blk_class = {
    .fw_path = blk_fw_path,
    .name = "virtio-blk-device",
    .doc = "virtio block device",
    .bus = "virtio",
    .size = sizeof(struct virtio_blk),
    .state = blk_state,
    .props = blk_props,
    .init = blk_init,
    .reset = virtio_device_reset,
    .loaded = virtio_device_loaded,
    .fini = blk_fini,
    .bus_class = &blk_virtio,
};

VIRTIO_PCI_CLASSES(virtio_blk, "virtio-blk", "virtio block device", struct virtio_blk_conf, BLK_PROPS, 0x010000, NULL)

/* A virtio driver that errs: over MMIO and PCI, legacy and modern, split rings and packed ones. */
#include <string.h>

#include "base/bits.h"
#include "hw/virtio/virtio_pci.h"
#include "tests/fuzz/gen.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4, RING = 16 };

struct vdrv {
    struct gen *g;
    struct device *t; /* the transport */
    struct virtio_device *v;
    bool pci, legacy;
    unsigned q; /* that the request is for */
};

static bool vdrv_find(struct gen *g, struct device *d, struct vdrv *o)
{
    struct device *child = NULL;
    *o = (struct vdrv){.g = g};
    if (!strcmp(d->cls->bus, "virtio")) {
        child = d;
    }
    for (struct device *c = g->w->m->devices; c && !child; c = c->next) {
        child = c->parent == d && !strcmp(c->cls->bus, "virtio") ? c : NULL;
    }
    if (!child || !child->parent) {
        return false;
    }
    o->v = (struct virtio_device *)child;
    o->t = child->parent;
    o->pci = is_pci(o->t);
    if (o->pci) {
        const struct virtio_pci *s = (const struct virtio_pci *)o->t;
        o->legacy = s->legacy && (!s->modern || one_in(g, 2));
    }
    return true;
}

/* -- registers --------------------------------------------------------------------------------------------------- */

static struct mem_region *registers(const struct vdrv *o)
{
    return o->pci ? bar_of(o->t, o->legacy ? 0 : 4) : &o->t->mmio;
}
static void w(const struct vdrv *o, u64 off, unsigned size, u64 v)
{
    reg_write(o->g, registers(o), off, size, odd(o->g, v, size));
}
static void status(const struct vdrv *o, u8 v)
{
    w(o, o->pci ? o->legacy ? 0x12 : 0x14 : 0x70, o->pci ? 1 : 4, v);
}
static void kick(const struct vdrv *o, unsigned q)
{
    if (!o->pci) {
        w(o, 0x50, 4, q);
    } else if (o->legacy) {
        w(o, 0x10, 2, q);
    } else {
        w(o, 0x3000 + 4 * q, 2, q);
    }
}

static void features(const struct vdrv *o)
{
    struct gen *g = o->g;
    u64 f = o->v->offered;
    if (one_in(g, 3)) {
        f &= rnd64(g) | rnd64(g) | BIT(VIRTIO_F_VERSION_1);
    }
    for (unsigned i = 0; i < (o->legacy ? 1 : 2); i++) {
        if (!o->pci) {
            w(o, 0x24, 4, i);
            w(o, 0x20, 4, f >> 32 * i);
        } else if (o->legacy) {
            w(o, 4, 4, f);
        } else {
            w(o, 8, 4, i);
            w(o, 12, 4, f >> 32 * i);
        }
    }
}

static void queue_legacy(const struct vdrv *o, unsigned q)
{
    u64 at = heap_get(o->g, 3 * 4096, 4096);
    if (o->pci) {
        w(o, 0x0e, 2, q);
        w(o, 8, 4, at >> 12);
    } else {
        w(o, 0x28, 4, 4096);
        w(o, 0x30, 4, q);
        w(o, 0x38, 4, RING);
        w(o, 0x3c, 4, 4096);
        w(o, 0x40, 4, at >> 12);
    }
}

static void queue_set(const struct vdrv *o, unsigned q)
{
    struct gen *g = o->g;
    u64 at[3] = {heap_get(g, 16 * RING, 16), heap_get(g, 6 + 2 * RING, 2), heap_get(g, 6 + 8 * RING, 4)};
    static const u8 off[3][2] = {{0x80, 0x20}, {0x90, 0x28}, {0xa0, 0x30}};
    w(o, o->pci ? 0x16 : 0x30, o->pci ? 2 : 4, q);
    w(o, o->pci ? 0x18 : 0x38, o->pci ? 2 : 4, RING);
    for (unsigned i = 0; i < 3; i++) {
        u64 a = g->odds && one_in(g, 2 * g->odds) ? any_addr(g) : at[i];
        w(o, off[i][o->pci], 4, a);
        w(o, off[i][o->pci] + 4, 4, a >> 32);
    }
    if (o->pci) {
        w(o, 0x1a, 2, q);
    }
    w(o, o->pci ? 0x1c : 0x44, o->pci ? 2 : 4, 1);
}

static void start(const struct vdrv *o)
{
    struct gen *g = o->g;
    memset(g->avail, 0, sizeof(g->avail));
    status(o, 0);
    status(o, 3);
    features(o);
    if (!o->legacy) {
        status(o, 0xb);
    }
    for (unsigned q = 0; q < o->v->nqueues && q < 8; q++) {
        o->legacy || (!o->pci && reg_read(g, &o->t->mmio, 4, 4) == 1) ? queue_legacy(o, q) : queue_set(o, q);
    }
    status(o, 0xf);
}

/* -- what devices are asked -------------------------------------------------------------------------------------- */

static u32 ask_blk(struct gen *g, u8 *p)
{
    static const u8 types[] = {0, 1, 4, 8, 11, 13};
    st32le(p, (u32)odd(g, types[rnd(g, sizeof(types))], 4));
    st32le(p + 4, rnd(g, 2));
    st64le(p + 8, odd(g, rnd(g, 8192), 8));
    st64le(p + 16, rnd(g, 8192)); /* of a discard */
    st32le(p + 24, rnd(g, 64));
    st32le(p + 28, rnd(g, 2));
    return one_in(g, 3) ? 32 : 16;
}
/* Of the control queue: a task-management request. */
static u32 ask_scsi_control(struct gen *g, u8 *p)
{
    memset(p, 0, 32);
    st32le(p, (u32)odd(g, rnd(g, 3), 4));
    st32le(p + 4, (u32)odd(g, rnd(g, 8), 4));
    p[8] = 1;
    p[9] = (u8)rnd(g, 3);
    p[10] = 0x40;
    st64le(p + 16, rnd64(g));
    return ld32le(p) ? 20 : 24;
}
static u32 ask_scsi(struct gen *g, u8 *p)
{
    memset(p, 0, 64);
    p[0] = (u8)odd(g, 1, 1);
    p[1] = (u8)odd(g, rnd(g, 3), 1);
    p[2] = 0x40;
    p[3] = (u8)rnd(g, 2);
    st64le(p + 8, rnd64(g));
    any_cdb(g, p + 19);
    return 51;
}
static u32 ask_net(struct gen *g, u8 *p)
{
    memset(p, 0, 12);
    p[0] = (u8)rnd(g, 4);
    p[1] = (u8)odd(g, 0, 1);
    st16le(p + 2, (u16)odd(g, rnd(g, 60), 2));
    st16le(p + 4, (u16)odd(g, rnd(g, 1500), 2));
    st16le(p + 6, (u16)odd(g, 14, 2));
    st16le(p + 8, (u16)odd(g, 16, 2));
    if (one_in(g, 4)) { /* of the control queue: class, command, what belongs to it */
        p[0] = (u8)rnd(g, 6);
        p[1] = (u8)rnd(g, 6);
        st32le(p + 2, (u32)odd(g, rnd(g, 4), 4));
        return 2 + rnd(g, 40);
    }
    return one_in(g, 2) ? 12 + rnd(g, 100) : 10 + rnd(g, 1500);
}
static void gpu_rect(struct gen *g, u8 *p)
{
    bool whole = one_in(g, 2);
    st32le(p, (u32)odd(g, whole ? 0 : rnd(g, 40), 4));
    st32le(p + 4, (u32)odd(g, whole ? 0 : rnd(g, 40), 4));
    st32le(p + 8, (u32)odd(g, 1 + rnd(g, 60), 4));
    st32le(p + 12, (u32)odd(g, 1 + rnd(g, 60), 4));
}
/* Of few resources, so that most commands meet one. */
static u32 ask_gpu(struct gen *g, u8 *p)
{
    static const u8 formats[] = {1, 2, 3, 4, 67, 68, 121, 134};
    u32 type = one_in(g, 8) ? 0x300 + rnd(g, 2) : 0x100 + rnd(g, 0x0d), id = 1 + rnd(g, 3);
    memset(p, 0, 256);
    st32le(p, (u32)odd(g, type, 4));
    st32le(p + 4, rnd(g, 2));
    st64le(p + 8, rnd64(g));
    u8 *a = p + 24;
    switch (type) {
    case 0x101: /* create: id, format, width, height */
        st32le(a, id);
        st32le(a + 4, (u32)odd(g, formats[rnd(g, 8)], 4));
        st32le(a + 8, (u32)odd(g, 1 + rnd(g, 100), 4));
        st32le(a + 12, (u32)odd(g, 1 + rnd(g, 100), 4));
        return 40;
    case 0x103: /* scanout: rectangle, scanout, resource */
        gpu_rect(g, a);
        st32le(a + 16, (u32)odd(g, 0, 4));
        st32le(a + 20, (u32)odd(g, id, 4));
        return 48;
    case 0x104: /* flush: rectangle, resource */
        gpu_rect(g, a);
        st32le(a + 16, (u32)odd(g, id, 4));
        return 48;
    case 0x105: /* transfer: rectangle, offset, resource */
        gpu_rect(g, a);
        st64le(a + 16, odd(g, one_in(g, 2) ? 0 : rnd(g, 20000), 8));
        st32le(a + 24, (u32)odd(g, id, 4));
        return 56;
    case 0x106: /* backing: id, entries, then address, length, 0 */
        st32le(a, (u32)odd(g, id, 4));
        st32le(a + 4, (u32)odd(g, 1 + rnd(g, 4), 4));
        for (unsigned i = 0; i < 5; i++) {
            st64le(a + 8 + 16 * i, one_in(g, 4) ? any_addr(g) : heap_get(g, 40000, 4));
            st32le(a + 16 + 16 * i, (u32)odd(g, rnd(g, 40000), 4));
        }
        return 24 + 8 + 16 * 5;
    default: /* cursors: scanout, x, y, -, resource, hot spot */
        st32le(a, (u32)odd(g, 0, 4));
        st32le(a + 4, (u32)odd(g, rnd(g, 2000), 4));
        st32le(a + 8, (u32)odd(g, rnd(g, 2000), 4));
        st32le(a + (type < 0x300 ? 0 : 16), (u32)odd(g, id, 4));
        st32le(a + 20, (u32)odd(g, rnd(g, 64), 4));
        st32le(a + 24, (u32)odd(g, rnd(g, 64), 4));
        return one_in(g, 2) ? 56 : 32;
    }
}
static u32 ask_console(struct gen *g, u8 *p)
{
    st32le(p, rnd(g, 4));
    st16le(p + 4, (u16)odd(g, rnd(g, 8), 2));
    st16le(p + 6, (u16)rnd(g, 2));
    return one_in(g, 3) ? rnd(g, 200) : 8;
}
static u32 ask_balloon(struct gen *g, u8 *p)
{
    u32 n = 1 + rnd(g, 40);
    for (u32 i = 0; i < n; i++) {
        st32le(p + 4 * i, (u32)(any_addr(g) >> 12));
    }
    return 4 * n;
}

/* What the device reads of a request. */
static u32 ask(const struct vdrv *o, u8 *p)
{
    static u32 (*const by_id[])(struct gen *, u8 *) = {
        [VIRTIO_ID_NET] = ask_net,         [VIRTIO_ID_BLOCK] = ask_blk, [VIRTIO_ID_CONSOLE] = ask_console,
        [VIRTIO_ID_BALLOON] = ask_balloon, [VIRTIO_ID_SCSI] = ask_scsi, [VIRTIO_ID_GPU] = ask_gpu,
        [VIRTIO_ID_INPUT] = NULL};
    unsigned id = o->v->vc->id;
    if (id == VIRTIO_ID_SCSI && o->q == 0) {
        return ask_scsi_control(o->g, p);
    }
    u32 n = id < ARRAY_LEN(by_id) && by_id[id] ? by_id[id](o->g, p) : rnd(o->g, 64);
    return o->g->odds && one_in(o->g, 20) ? rnd(o->g, n + 1) : n;
}

/* -- buffers ----------------------------------------------------------------------------------------------------- */

struct piece {
    u64 addr;
    u32 len;
    bool write;
};

static u64 buffer(struct gen *g, u32 len)
{
    return g->odds && one_in(g, 12) ? any_addr(g) : heap_get(g, len, one_in(g, 4) ? 1 : 8);
}

/* How long the part that the device writes is, to begin with. */
static u32 answer_len(const struct vdrv *o)
{
    struct gen *g = o->g;
    switch (o->v->vc->id) {
    case VIRTIO_ID_SCSI:
        return o->q == 0 ? 5 : 108;
    case VIRTIO_ID_GPU:
        return one_in(g, 2) ? 24 : 1500;
    default:
        return one_in(g, 2) ? 1 : rnd(g, 4096);
    }
}

/* The request, data either way, the answer; blk's status comes last, SCSI's answer first. */
static unsigned pieces_make(const struct vdrv *o, struct piece *s, unsigned room)
{
    struct gen *g = o->g;
    u8 req[2048];
    unsigned n = 0;
    u32 len = ask(o, req);
    bool in = one_in(g, 2), first = o->v->vc->id == VIRTIO_ID_SCSI;
    if (!(g->odds && one_in(g, 8)) && len) {
        u64 at = heap_get(g, len, 8);
        u32 part = one_in(g, 4) ? rnd(g, len + 1) : len;
        do_ram(g, at, req, len);
        s[n++] = (struct piece){at, part, false};
        if (part < len) {
            s[n++] = (struct piece){at + part, len - part, false};
        }
    }
    u32 answer = answer_len(o);
    if (first && in) {
        s[n++] = (struct piece){buffer(g, answer), (u32)odd(g, answer, 4), true};
    }
    for (unsigned k = rnd(g, 3); k && n < room - 1; k--) {
        u32 size = one_in(g, 3) ? rnd(g, 5000) : 512 * rnd(g, 9);
        s[n++] = (struct piece){buffer(g, size), (u32)odd(g, size, 4), in};
    }
    if (!first || !in) {
        s[n++] = (struct piece){buffer(g, answer), (u32)odd(g, answer, 4), !g->odds || !one_in(g, 24)};
    }
    return n;
}

static void desc_put(struct gen *g, u64 at, const struct piece *s, u16 a, u16 b)
{
    u8 p[16];
    st64le(p, odd(g, s->addr, 8));
    st32le(p + 8, (u32)odd(g, s->len, 4));
    st16le(p + 12, (u16)odd(g, a, 2));
    st16le(p + 14, (u16)odd(g, b, 2));
    do_ram(g, at, p, sizeof(p));
}

/* A table of its own, named by one descriptor. */
static struct piece indirect(struct gen *g, const struct piece *s, unsigned n, bool packed)
{
    u64 at = heap_get(g, 16ull * n, 16);
    for (unsigned i = 0; i < n; i++) {
        u16 flags = (u16)((i + 1 < n ? DESC_NEXT : 0) | (s[i].write ? DESC_WRITE : 0));
        packed ? desc_put(g, at + 16 * i, &s[i], 0, flags) : desc_put(g, at + 16 * i, &s[i], flags, (u16)(i + 1));
    }
    return (struct piece){at, 16 * n, false};
}

static void offer_split(const struct vdrv *o, unsigned q, const struct piece *s, unsigned n, bool table)
{
    struct gen *g = o->g;
    const struct virtqueue *vq = &o->v->vq[q];
    u16 num = vq->num ? vq->num : RING, head = (u16)rnd(g, num);
    for (unsigned i = 0; i < n; i++) {
        u16 flags = (u16)((i + 1 < n ? DESC_NEXT : 0) | (s[i].write ? DESC_WRITE : 0) | (table ? DESC_INDIRECT : 0));
        desc_put(g, vq->desc + 16u * ((head + i) % num), &s[i], flags, (u16)((head + i + 1) % num));
    }
    u16 *avail = &g->avail[q];
    *avail = one_in(g, 4) || (u16)(*avail - vq->last_avail) > num ? vq->last_avail : *avail;
    do_ram_n(g, vq->driver + 4 + 2u * (*avail % num), 2, odd(g, head, 2));
    (*avail)++;
    do_ram_n(g, vq->driver + 2, 2, odd(g, *avail, 2));
    if (g->odds && one_in(g, 16)) {
        do_ram_n(g, vq->driver, 2, rnd(g, 2));
    }
}

static void offer_packed(const struct vdrv *o, unsigned q, const struct piece *s, unsigned n, bool table)
{
    struct gen *g = o->g;
    const struct virtqueue *vq = &o->v->vq[q];
    u16 num = vq->num ? vq->num : RING, at = vq->last_avail;
    bool wrap = vq->avail_wrap;
    for (unsigned i = 0; i < n; i++) {
        u16 flags = (u16)((i + 1 < n ? DESC_NEXT : 0) | (s[i].write ? DESC_WRITE : 0) | (table ? DESC_INDIRECT : 0) |
                          (wrap ? 0x80 : 0x8000));
        desc_put(g, vq->desc + 16u * at, &s[i], (u16)i, flags);
        if (++at >= num) {
            at = 0;
            wrap = !wrap;
        }
    }
}

static void request(struct vdrv *o, unsigned q)
{
    o->q = q;
    struct gen *g = o->g;
    struct piece s[12];
    bool packed = virtio_has(o->v, VIRTIO_F_RING_PACKED), table = one_in(g, 4);
    unsigned n = pieces_make(o, s, ARRAY_LEN(s));
    if (table) {
        s[0] = indirect(g, s, n, packed);
        n = 1;
    }
    packed ? offer_packed(o, q, s, n, table) : offer_split(o, q, s, n, table);
}

bool ring_virtio(struct gen *g, struct device *d)
{
    struct vdrv o;
    if (!vdrv_find(g, d, &o)) {
        return false;
    }
    if (!virtio_running(o.v) || one_in(g, 12)) {
        start(&o);
    }
    for (unsigned k = 1 + rnd(g, 4); k && o.v->nqueues; k--) {
        unsigned q = rnd(g, MIN(o.v->nqueues, one_in(g, 4) ? 64u : 4u));
        q = o.v->vc->id == VIRTIO_ID_SCSI && !one_in(g, 4) ? MIN(2, o.v->nqueues - 1) : q;
        for (unsigned n = 1 + rnd(g, 3); n; n--) {
            request(&o, q);
        }
        kick(&o, g->odds && one_in(g, 30) ? rnd(g, 65536) : q);
        if (one_in(g, 3)) {
            do_turn(g);
        }
        if (one_in(g, 4)) {
            do_frame(g);
        }
    }
    return true;
}

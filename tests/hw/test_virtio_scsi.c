/* virtio-scsi with a disk and a CD, driven by a small driver of our own; and with that the SCSI command sets. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/scsi/scsi_bus.h"
#include "hw/scsi/virtio_scsi.h"
#include "tests/hw/disk_image.h"
#include "tests/hw/virtio_drv.h"

enum { CONTROL, EVENT, REQUEST, HEAD = 19 + 32, RESP = 12 + 96 };
#define CHANGE BIT(2)

struct rig {
    struct drv *d;
    struct image disk, disc;
    struct device *hd, *cd;
    u8 sense[18];
    u32 residual;
    u8 response;
};

static struct device *unit_new(struct rig *r, const struct device_class *cls, const char *props)
{
    struct err e = {0};
    struct opts o = {0};
    struct device *d = device_new(&r->d->b->m, cls, NULL);
    assert_true(opts_parse(&o, props, NULL, &e));
    for (size_t i = 0; i < o.n; i++) {
        assert_true(device_set_prop(d, o.v[i].key, o.v[i].value, &e));
    }
    opts_free(&o);
    if (!device_plug(d, NULL, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    return d;
}

/* A disk as target 0, a CD as target 3 LUN 2. */
static struct rig *rig_new(enum drv_bus bus, bool read_only, u64 want)
{
    struct rig *r = calloc(1, sizeof(*r));
    image_make(&r->disk, "disk", 4 << 20, read_only);
    image_make(&r->disc, "disc", 1 << 20, true);
    r->d = drv_new(bus, &virtio_scsi_class, &virtio_scsi_pci_class, "num_queues=2");
    machine_lock();
    r->hd = unit_new(r, &scsi_hd_class, "drive=disk,serial=S1,wwn=0x5000c50015ea71ac,rotation_rate=1");
    r->cd = unit_new(r, &scsi_cd_class, "drive=disc,scsi-id=3,lun=2");
    machine_unlock();
    drv_start(r->d, want, 4);
    return r;
}

static void rig_free(struct rig *r)
{
    drv_free(r->d);
    unlink(r->disc.path);
    disk_image_free(&r->disk);
    free(r);
}

/* A command; n bytes at `data` of guest memory go in or out. Gives the status. */
static u8 command_to(struct rig *r, u8 target, u8 lun, const u8 *cdb, u64 data, u32 n, bool in)
{
    struct drv *d = r->d;
    u64 heap = d->heap, h = drv_alloc(d, HEAD, 16), a = drv_alloc(d, RESP, 16);
    u8 *p = drv_host(d, h);
    memset(p, 0, HEAD);
    p[0] = 1;
    p[1] = target;
    p[2] = 0x40;
    p[3] = lun;
    st64le(p + 8, 77);
    memcpy(p + 19, cdb, 16);
    memset(drv_host(d, a), 0xee, RESP);
    struct seg s[3] = {{h, HEAD, false}, {data, n, false}, {a, RESP, true}};
    if (n && in) {
        s[1] = s[2];
        s[2] = (struct seg){data, n, true};
    } else if (!n) {
        s[1] = s[2];
    }
    drv_do(d, REQUEST + (cdb[1] & 1), s, n ? 3 : 2);
    u8 *q = drv_host(d, a);
    r->residual = ld32le(q + 4);
    r->response = q[11];
    memcpy(r->sense, q + 12, 18);
    d->heap = heap;
    return r->response ? 0xff : q[10];
}

static u8 command(struct rig *r, const u8 *cdb, u64 data, u32 n, bool in)
{
    return command_to(r, 0, 0, cdb, data, n, in);
}
#define CDB(...) ((u8[16]){__VA_ARGS__})

static u32 sense_of(const struct rig *r)
{
    return (u32)r->sense[2] << 16 | r->sense[12] << 8 | r->sense[13];
}

static void who_is_there(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        struct rig *r = rig_new(bus, false, ~0ull & ~BIT(VIRTIO_F_RING_PACKED));
        u64 b = drv_alloc(r->d, 4096, 16);
        const u8 *p = drv_host(r->d, b);
        assert_int_equal(drv_config(r->d, 0, 4), 2);
        assert_int_equal(drv_config(r->d, 20, 4), 96);
        assert_int_equal(drv_config(r->d, 24, 4), 32);
        assert_int_equal(drv_config(r->d, 30, 2), 255);
        assert_int_equal(command(r, CDB(0x12, 0, 0, 0, 36), b, 256, true), 0);
        assert_int_equal(r->residual, 220);
        assert_int_equal(p[0], 0);
        assert_memory_equal(p + 8, "MOSS    MOSS HARDDISK   1.0 ", 28);
        assert_int_equal(command(r, CDB(0x00), 0, 0, true), 2);
        assert_int_equal(sense_of(r), 0x062900);
        assert_int_equal(command(r, CDB(0x00), 0, 0, true), 0);
        assert_int_equal(command_to(r, 1, 0, CDB(0x12, 0, 0, 0, 36), b, 36, true), 0xff);
        assert_int_equal(r->response, 3);
        assert_int_equal(command_to(r, 0, 5, CDB(0x12, 0, 0, 0, 36), b, 36, true), 0);
        assert_int_equal(p[0], 0x7f);
        assert_int_equal(command_to(r, 0, 5, CDB(0x00), 0, 0, true), 2);
        assert_int_equal(sense_of(r), 0x052500);
        assert_int_equal(command_to(r, 3, 2, CDB(0x12, 0, 0, 0, 36), b, 36, true), 0);
        assert_int_equal(p[0], 5);
        assert_int_equal(command_to(r, 3, 0, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 16), b, 16, true), 0);
        assert_int_equal(ld32be(p), 8);
        assert_int_equal(p[9], 2);
        bench_snapshot_roundtrip(r->d->b);
        struct buf path = {0};
        r->cd->cls->fw_path(r->cd, &path);
        assert_string_equal((char *)path.data, "/channel@0/disk@3,2");
        buf_free(&path);
        rig_free(r);
    }
}

static void pages(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_MMIO, false, 0);
    u64 b = drv_alloc(r->d, 4096, 16);
    u8 *p = drv_host(r->d, b);
    command(r, CDB(0x00), 0, 0, true);
    static const u8 vpd[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
    for (unsigned i = 0; i < sizeof(vpd); i++) {
        assert_int_equal(command(r, CDB(0x12, 1, vpd[i], 0, 255), b, 255, true), 0);
        assert_int_equal(p[1], vpd[i]);
        assert_int_equal(255 - r->residual, ld16be(p + 2) + 4);
    }
    assert_int_equal(command(r, CDB(0x12, 1, 0x80, 0, 255), b, 255, true), 0);
    assert_memory_equal(p + 4, "S1", 2);
    assert_int_equal(command(r, CDB(0x12, 1, 0x83, 0, 255), b, 255, true), 0);
    assert_int_equal(ld64be(p + 4 + 6 + 4), 0x5000c50015ea71ac);
    assert_int_equal(command(r, CDB(0x12, 1, 0x55, 0, 255), b, 255, true), 2);
    assert_int_equal(sense_of(r), 0x052400);
    assert_int_equal(command(r, CDB(0x12, 0, 0x55, 0, 255), b, 255, true), 2);
    assert_int_equal(command(r, CDB(0x25), b, 8, true), 0);
    assert_int_equal(ld32be(p), 8191);
    assert_int_equal(command(r, CDB(0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32), b, 32, true), 0);
    assert_int_equal(ld64be(p), 8191);
    assert_int_equal(ld32be(p + 8), 512);
    /* modes: the write cache is on, can be switched, and nothing else can */
    assert_int_equal(command(r, CDB(0x1a, 0, 0x3f, 0, 255), b, 255, true), 0);
    assert_int_equal(255 - r->residual, p[0] + 1u);
    assert_int_equal(command(r, CDB(0x1a, 8, 0x08, 0, 255), b, 255, true), 0);
    assert_int_equal(p[3], 0);
    assert_int_equal(p[4], 8);
    assert_int_equal(p[6], 4);
    u8 sent[24];
    memcpy(sent, p, 24);
    sent[0] = 0;
    sent[6] = 0;
    memcpy(p, sent, 24);
    assert_int_equal(command(r, CDB(0x15, 0x10, 0, 0, 24), b, 24, false), 0);
    assert_int_equal(command(r, CDB(0x5a, 8, 0x08, 0, 0, 0, 0, 0, 255), b, 255, true), 0);
    assert_int_equal(p[10], 0);
    assert_int_equal(command(r, CDB(0x5a, 8, 0x48, 0, 0, 0, 0, 0, 255), b, 255, true), 0);
    assert_int_equal(p[10], 4);
    memcpy(p, sent, 24);
    p[16] = 1;
    assert_int_equal(command(r, CDB(0x15, 0x10, 0, 0, 24), b, 24, false), 2);
    assert_int_equal(sense_of(r), 0x052600);
    assert_int_equal(command(r, CDB(0x15, 0x10, 0, 0, 24), b, 20, false), 2); /* fewer than said */
    assert_int_equal(command(r, CDB(0x1a, 0, 0xff, 0, 255), b, 255, true), 2);
    assert_int_equal(sense_of(r), 0x053900);
    assert_int_equal(command(r, CDB(0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0), b, 4096, true), 0);
    assert_int_equal(4096 - r->residual, ld32be(p) + 4);
    assert_int_equal(command(r, CDB(0xa3, 0x0c, 1, 0x28, 0, 0, 0, 0, 0x10, 0), b, 4096, true), 0);
    assert_int_equal(p[1], 3);
    assert_int_equal(ld16be(p + 2), 10);
    rig_free(r);
}

static void blocks(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_PCI, false, ~0ull);
    u64 b = drv_alloc(r->d, 0x40000, 16);
    u8 *p = drv_host(r->d, b);
    command(r, CDB(0x00), 0, 0, true);
    assert_int_equal(command(r, CDB(0x28, 0, 0, 0, 0, 5, 0, 1, 0), b, 0x20000, true), 0);
    assert_int_equal(p[0], 6);
    assert_int_equal(p[0x1ffff], (u8)(5 + 256));
    assert_int_equal(command(r, CDB(0x08, 0, 0, 9, 2), b, 1024, true), 0);
    assert_int_equal(p[512], 11);
    assert_int_equal(command(r, CDB(0xa8, 0, 0, 0, 0, 20, 0, 0, 0, 1), b, 512, true), 0);
    assert_int_equal(p[0], 21);
    assert_int_equal(command(r, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 4), b, 1024, true), 0); /* less room */
    assert_int_equal(r->residual, 0);
    assert_int_equal(p[512], 32);
    assert_int_equal(command(r, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 1), b, 1024, true), 0);
    assert_int_equal(r->residual, 512);
    memset(p, 0x99, 1024);
    assert_int_equal(command(r, CDB(0x2a, 8, 0, 0, 0, 50, 0, 0, 2), b, 1024, false), 0);
    assert_int_equal(image_byte(&r->disk, 51 * 512), 0x99);
    assert_int_equal(command(r, CDB(0x2f, 2, 0, 0, 0, 50, 0, 0, 2), b, 1024, false), 0);
    p[1000] = 0;
    assert_int_equal(command(r, CDB(0x2f, 2, 0, 0, 0, 50, 0, 0, 2), b, 1024, false), 2);
    assert_int_equal(sense_of(r), 0x0e1d00);
    assert_int_equal(command(r, CDB(0x2f, 0, 0, 0, 0, 0, 0, 0x20, 0), 0, 0, true), 0);
    assert_int_equal(command(r, CDB(0x35), 0, 0, true), 0);
    assert_int_equal(command(r, CDB(0x28, 0, 0, 0, 0x20, 0, 0, 0, 1), b, 512, true), 2);
    assert_int_equal(sense_of(r), 0x052100);
    assert_int_equal(ld32be(r->sense + 3), 0x2000);
    /* UNMAP of two ranges, WRITE SAME with zeros and with something */
    memset(p, 0, 64);
    st16be(p, 38);
    st16be(p + 2, 32);
    st64be(p + 8, 100);
    st32be(p + 16, 8);
    st64be(p + 24, 200);
    st32be(p + 32, 8);
    assert_int_equal(command(r, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 40), b, 40, false), 0);
    st64be(p + 24, 9000);
    assert_int_equal(command(r, CDB(0x42, 0, 0, 0, 0, 0, 0, 0, 40), b, 40, false), 2);
    memset(p, 0, 512);
    assert_int_equal(command(r, CDB(0x41, 0, 0, 0, 0, 60, 0, 0, 4), b, 512, false), 0);
    assert_int_equal(image_byte(&r->disk, 63 * 512), 0);
    assert_int_equal(image_byte(&r->disk, 64 * 512), 65);
    p[3] = 7;
    assert_int_equal(command(r, CDB(0x93, 0, 0, 0, 0, 0, 0, 0, 0x08, 0, 0, 0, 0x10, 0), b, 512, false), 0);
    assert_int_equal(image_byte(&r->disk, 0x800 * 512 + 3), 7);
    assert_int_equal(image_byte(&r->disk, 0x1800 * 512 - 512 + 3), 7);
    /* stopped and started */
    assert_int_equal(command(r, CDB(0x1b, 0, 0, 0, 0), 0, 0, true), 0);
    assert_int_equal(command(r, CDB(0x28, 0, 0, 0, 0, 0, 0, 0, 1), b, 512, true), 2);
    assert_int_equal(sense_of(r), 0x020402);
    assert_int_equal(command(r, CDB(0x1b, 0, 0, 0, 1), 0, 0, true), 0);
    /* the host loses the end of it */
    assert_int_equal(truncate(r->disk.path, 100 * 512), 0);
    assert_int_equal(command(r, CDB(0x28, 0, 0, 0, 0, 200, 0, 0, 1), b, 512, true), 2);
    assert_int_equal(sense_of(r), 0x031100);
    assert_int_equal(ld32be(r->sense + 3), 200);
    assert_int_equal(command(r, CDB(0x8f, 0, 0, 0, 0, 0, 0, 0, 0, 90, 0, 0, 0, 20), 0, 0, true), 2);
    assert_int_equal(sense_of(r), 0x031100);
    rig_free(r);

    r = rig_new(DRV_MMIO, true, 0);
    b = drv_alloc(r->d, 4096, 16);
    command(r, CDB(0x00), 0, 0, true);
    assert_int_equal(command(r, CDB(0x2a, 0, 0, 0, 0, 50, 0, 0, 2), b, 1024, false), 2);
    assert_int_equal(sense_of(r), 0x072700);
    assert_int_equal(command(r, CDB(0x1a, 0, 0x08, 0, 255), b, 255, true), 0);
    assert_int_equal(drv_host(r->d, b)[2] & 0x80, 0x80);
    rig_free(r);
}

static void disc(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_MMIO, false, CHANGE);
    u64 b = drv_alloc(r->d, 0x10000, 16), ev = drv_alloc(r->d, 16, 16);
    u8 *p = drv_host(r->d, b);
    struct seg s = {ev, 16, true};
    u16 id;
    u32 len;
    struct err e = {0};
    command_to(r, 3, 2, CDB(0x00), 0, 0, true);
    assert_int_equal(command_to(r, 3, 2, CDB(0x28, 0, 0, 0, 0, 5, 0, 0, 4), b, 8192, true), 0);
    assert_int_equal(p[8191], 36);
    assert_int_equal(command_to(r, 3, 2, CDB(0xbe, 0, 0, 0, 0, 5, 0, 0, 3, 0xf8), b, 3 * 2352, true), 0);
    assert_int_equal(p[2352 + 16], 25);
    assert_int_equal(command_to(r, 3, 2, CDB(0x2a, 0, 0, 0, 0, 5, 0, 0, 1), b, 2048, false), 2);
    assert_int_equal(sense_of(r), 0x052000);
    /* the medium goes: first there is no buffer for the event, so it was missed */
    machine_lock();
    block_eject(r->disc.b);
    machine_unlock();
    drv_add(r->d, EVENT, &s, 1);
    drv_kick(r->d, EVENT);
    assert_true(drv_used(r->d, EVENT, &id, &len));
    assert_int_equal(ld32le(drv_host(r->d, ev)), 0x80000000);
    drv_add(r->d, EVENT, &s, 1);
    drv_kick(r->d, EVENT);
    machine_lock();
    assert_true(block_insert(r->disc.b, r->disc.path, NULL, true, &e));
    machine_unlock();
    assert_true(drv_used(r->d, EVENT, &id, &len));
    assert_int_equal(ld32le(drv_host(r->d, ev)), 3);
    assert_memory_equal(drv_host(r->d, ev + 4), ((u8[]){1, 3, 0, 2}), 4);
    assert_int_equal(command_to(r, 3, 2, CDB(0x00), 0, 0, true), 2);
    assert_int_equal(sense_of(r), 0x062800);
    rig_free(r);
}

/* EDC and ECC of a sector of zeros at 00:02:00: parities of a code word that is all zeros are zeros, and a word with
 * its parities is a code word. */
static void frames_are_code_words(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_MMIO, false, 0);
    u64 b = drv_alloc(r->d, 4096, 16);
    const u8 *f = drv_host(r->d, b);
    command_to(r, 3, 2, CDB(0x00), 0, 0, true);
    assert_int_equal(command_to(r, 3, 2, CDB(0xbe, 0, 0, 0, 0, 9, 0, 0, 1, 0xf8), b, 2352, true), 0);
    static u8 log[256], exp[512];
    for (unsigned i = 0, v = 1; i < 255; i++) {
        exp[i] = exp[i + 255] = (u8)v;
        log[v] = (u8)i;
        v = v << 1 ^ (v & 0x80 ? 0x11d : 0);
    }
    /* P: 86 words of 26 bytes; Q: 52 words of 45. Both syndromes of each are 0 (ECMA-130, annex A). */
    for (unsigned q = 0; q < 2; q++) {
        for (unsigned w = 0; w < (q ? 52u : 86u); w++) {
            u8 s0 = 0, s1 = 0;
            unsigned n = q ? 45 : 26, data = q ? 43 : 24;
            for (unsigned i = 0; i < n; i++) {
                unsigned at = q ? i < data ? (w >> 1) * 86 + i * 88 + (w & 1) : 0 : i * 86 + w;
                u8 v = q ? i < data ? f[12 + at % 2236] : f[2248 + (i - data) * 52 + w] : f[12 + at];
                s0 ^= v;
                s1 ^= v ? exp[(log[v] + n - 1 - i) % 255] : 0;
            }
            assert_int_equal(s0, 0);
            assert_int_equal(s1, 0);
        }
    }
    rig_free(r);
}

static u8 control(struct rig *r, u32 type, u32 what, u8 target, u8 lun)
{
    u64 q = drv_alloc(r->d, 24, 16), a = drv_alloc(r->d, 8, 16);
    u8 *p = drv_host(r->d, q);
    memset(p, 0, 24);
    memset(drv_host(r->d, a), 0xee, 8);
    st32le(p, type);
    u8 *l = p + (type ? 4 : 8);
    l[0] = 1;
    l[1] = target;
    l[2] = 0x40;
    l[3] = lun;
    if (!type) {
        st32le(p + 4, what);
        st64le(p + 16, 77);
    }
    struct seg s[2] = {{q, type ? 16 : 24, false}, {a, type ? 5 : 1, true}};
    drv_do(r->d, CONTROL, s, 2);
    return drv_host(r->d, a)[type ? 4 : 0];
}

static void task_management(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_MMIO, false, 0);
    u64 b = drv_alloc(r->d, 0x10000, 16), h = drv_alloc(r->d, 64, 16), a = drv_alloc(r->d, RESP, 16);
    command(r, CDB(0x00), 0, 0, true);
    for (u32 i = 0; i < 8; i++) {
        assert_int_equal(control(r, 0, i, 0, 0), i == 2 ? 11 : 0);
    }
    assert_int_equal(control(r, 0, 5, 0, 1), 12);
    assert_int_equal(control(r, 0, 5, 9, 0), 3);
    assert_int_equal(control(r, 1, 0, 0, 0), 0);
    assert_int_equal(control(r, 2, 0, 9, 0), 3);
    assert_int_equal(command(r, CDB(0x00), 0, 0, true), 2); /* it was reset */
    assert_int_equal(sense_of(r), 0x062900);
    /* a command that is on its way when it is aborted has ended by then */
    u8 *p = drv_host(r->d, h);
    memset(p, 0, 64);
    p[0] = 1;
    p[19] = 0x28;
    p[19 + 8] = 64;
    struct seg s[3] = {{h, HEAD, false}, {a, RESP, true}, {b, 32768, true}};
    drv_add(r->d, REQUEST, s, 3);
    drv_kick(r->d, REQUEST);
    assert_int_equal(control(r, 0, 0, 0, 0), 0);
    u16 id;
    u32 len;
    assert_true(drv_used(r->d, REQUEST, &id, &len));
    /* a reset with requests in flight */
    for (unsigned i = 0; i < 8; i++) {
        drv_add(r->d, REQUEST, s, 3);
    }
    drv_kick(r->d, REQUEST);
    drv_reset(r->d);
    bench_turn(0);
    bench_snapshot_roundtrip(r->d->b);
    rig_free(r);
}

static void places(void **st)
{
    (void)st;
    struct rig *r = rig_new(DRV_MMIO, false, 0);
    static const char *const bad[][2] = {{"scsi-id", "0"}, {"scsi-id", "256"}, {"lun", "16384"}, {"channel", "1"}};
    machine_lock();
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        struct device *d = device_new(&r->d->b->m, &scsi_hd_class, NULL);
        assert_true(device_set_prop(d, "drive", "disk", &e) && device_set_prop(d, bad[i][0], bad[i][1], &e));
        if (i == 0) {
            assert_true(device_set_prop(d, "lun", "0", &e));
        }
        assert_false(device_plug(d, NULL, &e));
        assert_true(e.msg[0]);
        r->d->b->m.devices = d->next; /* it never was */
    }
    machine_unlock();
    rig_free(r);
}

static void garbage(void **st)
{
    (void)st;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned round = 0; round < 40; round++) {
        struct rig *r = rig_new(round % 4, false, (u64)rand() << 32 | (u64)rand());
        u64 heap = r->d->heap;
        for (unsigned k = 0; k < 200; k++) {
            r->d->heap = heap;
            static const u8 ops[] = {0x00, 0x03, 0x12, 0x15, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2f, 0x41, 0x42, 0x43,
                                     0x46, 0x4a, 0x51, 0x52, 0x55, 0x5a, 0x88, 0x8a, 0x93, 0x9e, 0xa0, 0xa3, 0xad,
                                     0xbe, 0xb9, 0x08, 0x0a, 0x1e, 0x35, 0x91, 0x8f, 0xaf, 0x04, 0xbd, 0x4d};
            u8 cdb[16];
            for (unsigned i = 0; i < 16; i++) {
                cdb[i] = (u8)(rand() % 3 ? 0 : rand() % 4 ? rand() % 16 : rand());
            }
            cdb[0] = ops[(unsigned)rand() % sizeof(ops)];
            u32 n = (u32)rand() % 3 ? (u32)rand() % 0x8000 : (u32)rand() % 64;
            u64 b = drv_alloc(r->d, 0x8000, 16);
            for (unsigned i = 0; i < 64; i++) {
                drv_host(r->d, b)[i] = (u8)(rand() % 2 ? 0 : rand());
            }
            bool cd = rand() % 2;
            command_to(r, cd ? 3 : 0, cd ? 2 : 0, cdb, b, n, rand() % 3);
            if (rand() % 32 == 0) {
                control(r, (u32)rand() % 3, (u32)rand() % 9, (u8)(rand() % 4), (u8)(rand() % 3));
            }
        }
        drv_reset(r->d);
        bench_snapshot_roundtrip(r->d->b);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_there),
        cmocka_unit_test(pages),
        cmocka_unit_test(blocks),
        cmocka_unit_test(disc),
        cmocka_unit_test(frames_are_code_words),
        cmocka_unit_test(task_management),
        cmocka_unit_test(places),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

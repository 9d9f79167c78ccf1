/* xHCI and the devices on it, driven as a driver does: slots, contexts, rings, events; a tablet, a keyboard and a disk;
 * garbage in rings and registers. */
#include <linux/input-event-codes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/loop.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "hw/usb/usb.h"
#include "hw/usb/xhci.h"
#include "tests/hw/bench.h"
#include "tests/hw/disk_image.h"
#include "ui/input.h"

extern const struct device_class usb_keyboard_class, usb_mouse_class, usb_tablet_class, usb_storage_class,
    usb_hub_class;

#define ECAM   0x3f000000ull
#define BAR    0x20000000ull
#define OP     (BAR + 0x40)
#define RT     (BAR + 0x1000)
#define DB     (BAR + 0x2000)
#define DCBAA  (BENCH_RAM + 0x1000)
#define CMD    (BENCH_RAM + 0x2000)
#define ERST   (BENCH_RAM + 0x3000)
#define EVENTS (BENCH_RAM + 0x4000)
#define INPUT  (BENCH_RAM + 0x5000)
#define OUT    (BENCH_RAM + 0x6000)  /* output contexts, 4 KiB a slot */
#define RINGS  (BENCH_RAM + 0x10000) /* transfer rings, 4 KiB an endpoint, 128 KiB a slot */
#define BUF    (BENCH_RAM + 0x200000)
enum {
    NORMAL = 1,
    SETUP,
    DATA,
    STATUS,
    LINK = 6,
    IOC = 1 << 5,
    IDT = 1 << 6,
    ISP = 1 << 2,
    CHAIN = 1 << 4,
    IN = 1 << 16
};
enum { EVENTS_N = 64 };

static struct {
    struct bench *b;
    struct pci_device *pci;
    struct device *d[5];
    struct image disk;
    unsigned cmds, events, at[4][32]; /* TRBs put on each ring */
    u8 cycle;
} t;

static u64 rd(u64 a, unsigned n)
{
    u64 v;
    assert_int_equal(mem_load(t.b->m.sysmem, a, n, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void wr(u64 a, unsigned n, u64 v)
{
    assert_int_equal(mem_store(t.b->m.sysmem, a, n, v, (struct mem_attrs){0}), MEM_OK);
}
static u32 get(u64 a)
{
    return (u32)rd(a, 4);
}
static void put(u64 a, u32 v)
{
    wr(a, 4, v);
}
static void trb(u64 at, u64 param, u32 status, u32 control)
{
    wr(at, 8, param);
    put(at + 8, status);
    put(at + 12, control);
}

struct event {
    u64 param;
    u32 status, control;
};
/* The next event, if one came. */
static bool event(struct event *e)
{
    u64 at = EVENTS + 16ull * (t.events % EVENTS_N);
    e->param = rd(at, 8);
    e->status = get(at + 8);
    e->control = get(at + 12);
    if ((e->control & 1) != (t.events / EVENTS_N % 2 ? 0u : 1u)) {
        return false;
    }
    t.events++;
    wr(RT + 0x38, 4, (u32)(EVENTS + 16ull * (t.events % EVENTS_N)) | 8);
    wr(RT + 0x3c, 4, 0);
    return true;
}
static struct event want(unsigned type, unsigned code)
{
    struct event e;
    for (unsigned i = 0; !event(&e); i++) {
        if (i > 200) {
            fail_msg("no event");
        }
        bench_turn(1000000);
    }
    assert_int_equal(e.control >> 10 & 63, type);
    assert_int_equal(e.status >> 24, code);
    return e;
}
static void quiet(void)
{
    struct event e;
    bench_turn(0);
    assert_false(event(&e));
}

static struct event command(u64 param, u32 control, unsigned code)
{
    trb(CMD + 16ull * t.cmds++, param, 0, control | 1);
    put(DB, 0);
    return want(33, code);
}
static u64 ring(unsigned slot, unsigned dci)
{
    return RINGS + slot * 0x20000ull + dci * 0x1000ull;
}
static void transfer(unsigned slot, unsigned dci, u64 param, u32 status, u32 control)
{
    trb(ring(slot, dci) + 16ull * t.at[slot][dci]++, param, status, control | 1);
}
static void ding(unsigned slot, unsigned dci)
{
    put(DB + 4 * slot, dci);
}

/* A disk, a tablet, a keyboard, a hub on ports 5 to 8, and a mouse at the hub's second port. */
static void start(void)
{
    struct err e = {0};
    memset(&t, 0, sizeof(t));
    t.b = bench_make(&gpex_class, NULL);
    pci_host_place(t.b->d,
                   &(struct pci_layout){.ecam = ECAM, .ecam_size = 1 << 20, .mmio32 = BAR, .mmio32_size = 1 << 24});
    bench_start(t.b);
    image_make(&t.disk, "d0", 1 << 20, false);
    struct device *x = device_new(&t.b->m, &xhci_class, "xhci");
    machine_lock();
    assert_true(device_set_prop(x, "addr", "1", &e) && device_plug(x, NULL, &e) && device_init(x, &e));
    static const struct device_class *const cls[5] = {&usb_storage_class, &usb_tablet_class, &usb_keyboard_class,
                                                      &usb_hub_class, &usb_mouse_class};
    for (unsigned i = 0; i < 5; i++) {
        t.d[i] = device_new(&t.b->m, cls[i], NULL);
        assert_true(i || (device_set_prop(t.d[i], "drive", "d0", &e) && device_set_prop(t.d[i], "serial", "S123", &e)));
        assert_true(i != 4 || device_set_prop(t.d[i], "port", "4.2", &e));
        assert_true(device_plug(t.d[i], "xhci", &e));
        if (!device_init(t.d[i], &e)) {
            fail_msg("%s", e.msg);
        }
        device_reset(t.d[i]);
    }
    device_reset(x);
    machine_unlock();
    t.pci = (struct pci_device *)x;
    put(ECAM + (1 << 15) + 0x10, (u32)BAR);
    wr(ECAM + (1 << 15) + 4, 2, 6);
}
static void run(void)
{
    put(OP + 0x38, 16);
    wr(OP + 0x30, 8, DCBAA);
    wr(OP + 0x18, 8, CMD | 1);
    wr(ERST, 8, EVENTS);
    put(ERST + 8, EVENTS_N);
    put(RT + 0x28, 1);
    wr(RT + 0x38, 8, EVENTS);
    wr(RT + 0x30, 8, ERST);
    put(RT + 0x20, 2);
    put(OP, 5);
    for (unsigned i = 5; i <= 8; i++) {
        assert_int_equal(want(34, 1).param, (u64)i << 24);
    }
}
static void stop(void)
{
    machine_lock();
    for (struct device *d = t.b->m.devices; d; d = d->next) {
        device_fini(d);
    }
    machine_unlock();
    disk_image_free(&t.disk);
    bench_free(t.b);
}

static unsigned slot_make(unsigned port, unsigned route, unsigned speed, unsigned packet)
{
    unsigned slot = command(0, 9 << 10, 1).control >> 24;
    wr(DCBAA + 8ull * slot, 8, OUT + slot * 0x1000ull);
    put(INPUT, 0);
    put(INPUT + 4, 3);
    put(INPUT + 32, 1u << 27 | speed << 20 | route);
    put(INPUT + 36, port << 16);
    put(INPUT + 64 + 4, 4 << 3 | packet << 16 | 3 << 1);
    wr(INPUT + 64 + 8, 8, ring(slot, 1) | 1);
    command(INPUT, 11u << 10 | slot << 24, 1);
    assert_int_equal(get(OUT + slot * 0x1000ull + 12), slot | 2u << 27);
    return slot;
}
/* Enables a slot for the device on a port, addresses and configures it: endpoint contexts from dci's types. */
static unsigned attach(unsigned port, unsigned packet)
{
    u64 portsc = OP + 0x400 + 16ull * (port - 1);
    put(portsc, get(portsc) | 0x10);
    want(34, 1);
    put(portsc, (get(portsc) & ~2u) | 1 << 21 | 1 << 17);
    assert_int_equal(get(portsc) & 3, 3);
    return slot_make(port, 0, get(portsc) >> 10 & 15, packet);
}
static void endpoints(unsigned slot, unsigned dci_in, unsigned dci_out, unsigned type, unsigned packet)
{
    put(INPUT, 0);
    put(INPUT + 4, 1u | 1u << dci_in | (dci_out ? 1u << dci_out : 0));
    put(INPUT + 32, (get(INPUT + 32) & 0x07ffffff) | 4u << 27);
    const unsigned dci[2] = {dci_in, dci_out};
    for (unsigned i = 0; i < 2 && dci[i]; i++) {
        u64 c = INPUT + 32ull * (dci[i] + 1);
        put(c, 0);
        put(c + 4, (type + (dci[i] & 1 ? 4 : 0)) << 3 | packet << 16);
        wr(c + 8, 8, ring(slot, dci[i]) | 1);
    }
    command(INPUT, 12u << 10 | slot << 24, 1);
}
/* A control transfer; n bytes at BUF. */
static void control(unsigned slot, u64 setup, unsigned n, unsigned code)
{
    bool in = setup & 0x80;
    transfer(slot, 1, setup, 8, SETUP << 10 | IDT | (n ? (in ? 3u : 2u) << 16 : 0));
    if (n) {
        transfer(slot, 1, BUF, n, DATA << 10 | (in ? IN : 0));
    }
    transfer(slot, 1, 0, 0, STATUS << 10 | IOC | (in ? 0 : IN));
    ding(slot, 1);
    want(32, code);
}
static u64 setup_of(unsigned type, unsigned request, unsigned value, unsigned index, unsigned n)
{
    return type | request << 8 | value << 16 | (u64)index << 32 | (u64)n << 48;
}

static void enumerates(void **st)
{
    (void)st;
    start();
    assert_int_equal(get(BAR), 0x01000040);
    assert_int_equal(get(BAR + 4), 0x08000110);
    assert_int_equal(get(OP + 4), 0x11);
    run();
    assert_int_equal(get(OP + 4) & 0x19, 0x18);
    unsigned slot = attach(6, 8);
    control(slot, setup_of(0x80, 6, 0x100, 0, 18), 18, 1);
    assert_int_equal(rd(BUF, 8), 0x0800000002000112);
    control(slot, setup_of(0x80, 6, 0x200, 0, 255), 255, 1); /* shorter than asked for */
    assert_int_equal(rd(BUF + 2, 2), 34);
    control(slot, setup_of(0x80, 6, 0x302, 0x409, 64), 64, 1);
    assert_int_equal(rd(BUF + 2, 1), 'Q');
    bench_snapshot_roundtrip(t.b);
    /* what is not there stalls, and the endpoint halts */
    transfer(slot, 1, setup_of(0x80, 6, 0xf00, 0, 64), 8, SETUP << 10 | IDT | 3u << 16);
    transfer(slot, 1, BUF, 64, DATA << 10 | IN);
    transfer(slot, 1, 0, 0, STATUS << 10 | IOC);
    ding(slot, 1);
    want(32, 6);
    assert_int_equal(get(OUT + slot * 0x1000ull + 32) & 7, 2);
    ding(slot, 1);
    quiet();
    command(0, 14u << 10 | 1u << 16 | slot << 24, 1);
    command((ring(slot, 1) + 16ull * t.at[slot][1]) | 1, 16u << 10 | 1u << 16 | slot << 24, 1);
    control(slot, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    control(slot, setup_of(0x80, 8, 0, 0, 1), 1, 1);
    assert_int_equal(rd(BUF, 1), 1);
    command(0, 10u << 10 | slot << 24, 1);
    command(0, 10u << 10 | slot << 24, 11); /* it is off */
    command(0, 23u << 10, 1);
    stop();
}

static void tablet_and_keyboard(void **st)
{
    (void)st;
    start();
    run();
    unsigned tablet = attach(6, 8), keyboard = attach(7, 8);
    assert_false(input_is_absolute());
    control(tablet, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    control(keyboard, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    assert_true(input_is_absolute());
    endpoints(tablet, 3, 0, 3, 8);
    endpoints(keyboard, 3, 0, 3, 8);
    for (unsigned i = 0; i < 4; i++) {
        transfer(tablet, 3, BUF + 0x100 * i, 8, NORMAL << 10 | IOC | ISP);
        transfer(keyboard, 3, BUF + 0x1000 + 0x100 * i, 8, NORMAL << 10 | IOC | ISP);
    }
    ding(tablet, 3);
    ding(keyboard, 3);
    quiet(); /* nothing changed */
    machine_lock();
    input_abs(50, 25, 101, 101);
    input_button(BUTTON_RIGHT, true);
    input_rel(AXIS_WHEEL, 1);
    input_rel(AXIS_HWHEEL, -1);
    input_sync();
    machine_unlock();
    struct event e = want(32, 13);
    assert_int_equal(e.status & 0xffffff, 1);
    assert_int_equal(rd(BUF, 1), 2);
    assert_in_range(rd(BUF + 1, 2), 0x3ff0, 0x4010);
    assert_in_range(rd(BUF + 3, 2), 0x1fe0, 0x2010);
    assert_int_equal(rd(BUF + 5, 2), 0xff01);
    machine_lock();
    input_button(BUTTON_RIGHT, false); /* a click is not lost */
    input_button(BUTTON_LEFT, true);
    input_sync();
    machine_unlock();
    want(32, 13);
    want(32, 13);
    assert_int_equal(rd(BUF + 0x100, 1), 0);
    assert_int_equal(rd(BUF + 0x200, 1), 1);
    machine_lock();
    input_key(KEY_LEFTSHIFT, true);
    input_key(KEY_A, true);
    input_sync();
    input_key(KEY_A, false);
    input_key(KEY_LEFTSHIFT, false);
    input_sync();
    machine_unlock();
    for (unsigned i = 0; i < 4; i++) {
        want(32, 1);
    }
    assert_int_equal(rd(BUF + 0x1000, 8), 0x02);
    assert_int_equal(rd(BUF + 0x1100, 8), 0x040002);
    assert_int_equal(rd(BUF + 0x1300, 8), 0);
    bench_snapshot_roundtrip(t.b);
    wr(BUF, 1, 3); /* LEDs */
    control(keyboard, setup_of(0x21, 9, 0x200, 0, 1), 1, 1);
    assert_int_equal(input_leds(), LED_NUM | LED_CAPS);
    stop();
}

static void cbw(unsigned slot, unsigned n, bool in, const u8 *cdb, unsigned len)
{
    wr(BUF, 4, 0x43425355);
    wr(BUF + 4, 4, 0x1234);
    wr(BUF + 8, 4, n);
    wr(BUF + 12, 1, in ? 0x80 : 0);
    wr(BUF + 13, 1, 0);
    wr(BUF + 14, 1, len);
    for (unsigned i = 0; i < 16; i++) {
        wr(BUF + 15 + i, 1, i < len ? cdb[i] : 0);
    }
    transfer(slot, 4, BUF, 31, NORMAL << 10 | IOC);
    ding(slot, 4);
    want(32, 1);
}
static void csw(unsigned slot, u32 residue, unsigned status)
{
    transfer(slot, 3, BUF + 0x40, 13, NORMAL << 10 | IOC);
    ding(slot, 3);
    want(32, 1);
    assert_int_equal(get(BUF + 0x40), 0x53425355);
    assert_int_equal(get(BUF + 0x44), 0x1234);
    assert_int_equal(get(BUF + 0x48), residue);
    assert_int_equal(rd(BUF + 0x4c, 1), status);
}

static void a_disk(void **st)
{
    (void)st;
    static const u8 inquiry[6] = {0x12, 0, 0, 0, 36}, ready[6] = {0}, sense[6] = {3, 0, 0, 0, 18};
    static const u8 write[10] = {0x2a, 0, 0, 0, 0, 5, 0, 0, 200}, read[10] = {0x28, 0, 0, 0, 0, 5, 0, 0, 200};
    static const u8 beyond[10] = {0x28, 0, 0x7f, 0, 0, 0, 0, 0, 1};
    enum { BYTES = 200 * 512 };
    start();
    run();
    unsigned slot = attach(5, 64);
    control(slot, setup_of(0x80, 6, 0x303, 0x409, 64), 64, 1);
    assert_int_equal(rd(BUF, 4), 0x0053030a); /* the serial number of -device */
    assert_int_equal(rd(BUF + 4, 6), 0x003300320031);
    control(slot, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    endpoints(slot, 3, 4, 2, 512);
    cbw(slot, 255, true, inquiry, 6);
    transfer(slot, 3, BUF + 0x100, 255, NORMAL << 10 | IOC | ISP);
    ding(slot, 3);
    assert_int_equal(want(32, 13).status & 0xffffff, 255 - 36);
    csw(slot, 255 - 36, 0);
    cbw(slot, 0, false, ready, 6); /* a unit attention */
    csw(slot, 0, 1);
    cbw(slot, 18, true, sense, 6);
    transfer(slot, 3, BUF + 0x100, 18, NORMAL << 10 | IOC);
    ding(slot, 3);
    want(32, 1);
    assert_int_equal(rd(BUF + 0x102, 1), 6);
    csw(slot, 0, 0);
    transfer(slot, 3, BUF + 0x40, 13, NORMAL << 10 | IOC); /* asked for early */
    ding(slot, 3);
    quiet();
    cbw(slot, 0, false, ready, 6);
    want(32, 1);
    assert_int_equal(rd(BUF + 0x4c, 1), 0);
    for (unsigned i = 0; i < BYTES; i += 8) {
        wr(BUF + 0x10000 + i, 8, i * 0x9e3779b97f4a7c15ull);
    }
    cbw(slot, BYTES, false, write, 10); /* two TRBs a TD, through the buffer more than once */
    transfer(slot, 4, BUF + 0x10000, 65536, NORMAL << 10 | CHAIN);
    transfer(slot, 4, BUF + 0x20000, BYTES - 65536, NORMAL << 10 | IOC);
    ding(slot, 4);
    want(32, 1);
    csw(slot, 0, 0);
    cbw(slot, BYTES, true, read, 10);
    transfer(slot, 3, BUF + 0x40000, 1000, NORMAL << 10 | CHAIN);
    transfer(slot, 3, BUF + 0x40000 + 1000, 65000, NORMAL << 10 | CHAIN);
    transfer(slot, 3, BUF + 0x40000 + 66000, BYTES - 66000, NORMAL << 10 | IOC);
    ding(slot, 3);
    want(32, 1);
    csw(slot, 0, 0);
    for (unsigned i = 0; i < BYTES; i += 8) {
        assert_int_equal(rd(BUF + 0x40000 + i, 8), i * 0x9e3779b97f4a7c15ull);
    }
    bench_snapshot_roundtrip(t.b);
    cbw(slot, 512, true, beyond, 10); /* fails, with no data */
    transfer(slot, 3, BUF + 0x100, 512, NORMAL << 10 | IOC | ISP);
    ding(slot, 3);
    want(32, 13);
    csw(slot, 512, 1);
    cbw(slot, 512, false, inquiry, 6); /* the other direction */
    transfer(slot, 4, BUF + 0x100, 512, NORMAL << 10 | IOC);
    ding(slot, 4);
    want(32, 1);
    csw(slot, 0, 2);
    wr(BUF, 4, 0); /* no wrapper at all */
    transfer(slot, 4, BUF, 31, NORMAL << 10 | IOC);
    ding(slot, 4);
    want(32, 6);
    stop();
}

static void a_hub(void **st)
{
    (void)st;
    start();
    run();
    unsigned hub = attach(8, 64);
    control(hub, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    control(hub, setup_of(0xa0, 6, 0x2900, 0, 11), 11, 1);
    assert_int_equal(rd(BUF + 2, 1), 8);
    endpoints(hub, 3, 0, 3, 2);
    transfer(hub, 3, BUF + 0x100, 2, NORMAL << 10 | IOC);
    ding(hub, 3);
    quiet();
    control(hub, setup_of(0x23, 3, 8, 1, 0), 0, 1); /* power; nobody is at the first */
    control(hub, setup_of(0xa3, 0, 0, 1, 4), 4, 1);
    assert_int_equal(get(BUF), 0x100);
    transfer(hub, 1, setup_of(0x23, 3, 8, 2, 0), 8, SETUP << 10 | IDT);
    transfer(hub, 1, 0, 0, STATUS << 10 | IOC | IN);
    ding(hub, 1); /* the endpoint that waits hears of it */
    assert_int_equal(want(32, 1).control >> 16 & 31, 1);
    assert_int_equal(want(32, 1).control >> 16 & 31, 3);
    assert_int_equal(rd(BUF + 0x100, 2), 1 << 2);
    control(hub, setup_of(0xa3, 0, 0, 2, 4), 4, 1);
    assert_int_equal(get(BUF), 0x10101);
    control(hub, setup_of(0x23, 1, 16, 2, 0), 0, 1);
    control(hub, setup_of(0x23, 3, 4, 2, 0), 0, 1); /* reset */
    control(hub, setup_of(0xa3, 0, 0, 2, 4), 4, 1);
    assert_int_equal(get(BUF), 0x100103);
    bench_snapshot_roundtrip(t.b);
    unsigned mouse = slot_make(8, 2, 1, 8);
    control(mouse, setup_of(0x80, 6, 0x302, 0x409, 64), 64, 1);
    assert_int_equal(rd(BUF, 1), 2 + 2 * 14);
    control(mouse, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    endpoints(mouse, 3, 0, 3, 8);
    transfer(mouse, 3, BUF + 0x200, 5, NORMAL << 10 | IOC);
    ding(mouse, 3);
    machine_lock();
    input_rel(AXIS_X, 5);
    input_rel(AXIS_Y, -2);
    input_rel(AXIS_HWHEEL, 3);
    input_sync();
    machine_unlock();
    want(32, 1);
    assert_int_equal(rd(BUF + 0x200, 5), 0x0300fe0500);
    control(hub, setup_of(0x23, 1, 1, 2, 0), 0, 1); /* the port is disabled: nobody answers */
    transfer(mouse, 1, setup_of(0x80, 8, 0, 0, 1), 8, SETUP << 10 | IDT | 3u << 16);
    ding(mouse, 1);
    want(32, 4);
    stop();
}

/* Transfers and commands stop while they wait; a plug without a device. */
static void stops(void **st)
{
    (void)st;
    start();
    run();
    unsigned slot = attach(6, 8);
    control(slot, setup_of(0x00, 9, 1, 0, 0), 0, 1);
    endpoints(slot, 3, 0, 3, 8);
    transfer(slot, 3, BUF, 8, NORMAL << 10 | IOC);
    ding(slot, 3);
    quiet();
    trb(CMD + 16ull * t.cmds++, 0, 0, 15u << 10 | 3u << 16 | slot << 24 | 1);
    put(DB, 0);
    assert_int_equal(want(32, 26).status & 0xffffff, 8);
    want(33, 1);
    assert_int_equal(get(OUT + slot * 0x1000ull + 32 * 3) & 7, 3);
    machine_lock();
    input_abs(1, 1, 10, 10);
    input_sync();
    machine_unlock();
    quiet();
    ding(slot, 3); /* goes on with the same one */
    want(32, 13);
    command(0, 17u << 10 | slot << 24, 1);
    assert_int_equal(get(OUT + slot * 0x1000ull + 32 * 3) & 7, 0);
    put(INPUT + 32, get(INPUT + 32) | 1);
    put(INPUT + 36, 8 << 16); /* nothing there */
    put(INPUT + 4, 3);
    unsigned other = command(0, 9 << 10, 1).control >> 24;
    wr(DCBAA + 8ull * other, 8, OUT + other * 0x1000ull);
    command(INPUT, 11u << 10 | other << 24, 4);
    put(OP, 2); /* reset */
    assert_int_equal(get(OP), 0);
    assert_int_equal(get(OP + 4), 0x11);
    assert_int_equal(get(OP + 0x400 + 16 * 5) & 0x20003, 0x20001);
    bench_snapshot_roundtrip(t.b);
    stop();
}

static void anything_goes(void **st)
{
    (void)st;
    start();
    run();
    srandom(11);
    for (unsigned i = 0; i < 20000; i++) {
        u64 off = (u64)random() & 0x3c;
        switch (random() % 7) {
        case 0:
            put(OP + 0x400 + ((u64)random() & 0x7c), (u32)random() << 1);
            break;
        case 1:
            put(DB + 4 * ((u64)random() % 18), (u32)random() % 34);
            break;
        case 2:
            put(RT + 0x20 + (off & 0x1c), (u32)(BENCH_RAM + ((u64)random() & 0xfffff)));
            break;
        case 3: /* a TRB, somewhere */
            trb(BENCH_RAM + ((u64)random() & 0x7fff0), BENCH_RAM + ((u64)random() & 0xfffff), (u32)random() % 300000,
                (u32)random() << 1 ^ (u32)random());
            break;
        case 4:
            get(BAR + ((u64)random() & 0x3ffc));
            break;
        case 5:
            put(OP + 0x18 + (off & 0x1c), (u32)(BENCH_RAM + ((u64)random() & 0x7ffff)));
            break;
        default:
            put(OP, random() % 50 ? 5 : (u32)random());
            put(CMD + ((u64)random() & 0xffc), (u32)random() << 8 ^ (u32)random());
            break;
        }
        if (i % 500 == 0) {
            bench_turn(0);
        }
    }
    put(OP, 2);
    bench_turn(2000000);
    bench_snapshot_roundtrip(t.b);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enumerates), cmocka_unit_test(tablet_and_keyboard),
        cmocka_unit_test(a_disk),     cmocka_unit_test(a_hub),
        cmocka_unit_test(stops),      cmocka_unit_test(anything_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An xHCI driver that errs: command, event and transfer rings, contexts, requests to the default pipe, and for disks
 * the wrappers of commands (xHCI 1.1; USB 2.0, 9.4; Bulk-Only Transport 1.0). */
#include <string.h>

#include "base/bits.h"
#include "hw/usb/xhci_priv.h"
#include "tests/fuzz/gen.h"

enum { CAP = 0x40, DOORBELLS_AT = 0x14, RUNTIME_AT = 0x18, RING_TRBS = 64, SLOTS = 4 };

/* Where the driver is; the heap comes round, so that this is often no longer true. */
struct hcd {
    u64 commands, events, dcbaa, rings[SLOTS + 1][4];
    unsigned ncommands, at[SLOTS + 1][4];
    bool up;
};
static struct hcd hcd;

void any_setup(struct gen *g, u8 setup[8])
{
    static const u16 requests[] = {0x8000, 0x0001, 0x0003, 0x0005, 0x8006, 0x8008, 0x0009, 0x810a, 0x010b,
                                   0x8200, 0x0201, 0x0203, 0x8106, 0xa101, 0x210a, 0xa103, 0x210b, 0x2109,
                                   0x21ff, 0xa1fe, 0xa000, 0x2303, 0x2301, 0xa300, 0xa006, 0x2003};
    u16 r = requests[rnd(g, ARRAY_LEN(requests))];
    setup[0] = (u8)odd(g, r >> 8, 1);
    setup[1] = (u8)odd(g, r & 0xff, 1);
    st16le(setup + 2, (u16)odd(g, one_in(g, 2) ? rnd(g, 8) << 8 | rnd(g, 4) : rnd(g, 24), 2));
    st16le(setup + 4, (u16)odd(g, one_in(g, 2) ? 0 : rnd(g, 9), 2));
    st16le(setup + 6, (u16)odd(g, one_in(g, 4) ? rnd(g, 5000) : rnd(g, 64), 2));
}

static void trb(struct gen *g, u64 at, u64 param, u32 status, u32 control)
{
    u8 t[16];
    st64le(t, odd(g, param, 8));
    st32le(t + 8, (u32)odd(g, status, 4));
    st32le(t + 12, (u32)odd(g, control, 4));
    do_ram(g, at, t, sizeof(t));
    if (!g->odds || !one_in(g, 8)) { /* nothing behind it */
        do_ram_n(g, at + 28, 4, 0);
    }
}

static struct mem_region *bar(struct gen *g)
{
    struct device *d = focus_named(g, "qemu-xhci");
    return d ? bar_of(d, 0) : NULL;
}

static u64 runtime(const struct xhci *x, struct gen *g)
{
    (void)x;
    return reg_read(g, bar(g), RUNTIME_AT, 4) & ~31u;
}

static u64 doorbells(struct gen *g)
{
    return reg_read(g, bar(g), DOORBELLS_AT, 4) & ~3u;
}

static void up(struct gen *g, const struct xhci *x)
{
    struct mem_region *r = bar(g);
    u64 op = reg_read(g, r, 0, 1), segments = heap_get(g, 64, 64), rt = runtime(x, g) + 0x20;
    hcd = (struct hcd){.up = true};
    hcd.commands = heap_get(g, 16 * RING_TRBS, 64);
    hcd.events = heap_get(g, 16 * RING_TRBS, 64);
    hcd.dcbaa = heap_get(g, 8 * 32, 64);
    reg_write(g, r, op, 4, 2);
    reg_write(g, r, op + 0x38, 4, odd(g, 16, 4));
    reg_write(g, r, op + 0x30, 8, odd(g, hcd.dcbaa, 8));
    reg_write(g, r, op + 0x18, 8, odd(g, hcd.commands | 1, 8));
    for (unsigned i = 0; i < 2; i++) {
        do_ram_n(g, segments + 16 * i, 8, odd(g, hcd.events + 512 * i, 8));
        do_ram_n(g, segments + 16 * i + 8, 8, odd(g, 32, 8));
    }
    reg_write(g, r, rt + 8, 4, odd(g, 1 + rnd(g, 2), 4));
    reg_write(g, r, rt + 0x18, 8, odd(g, hcd.events, 8));
    reg_write(g, r, rt + 0x10, 8, odd(g, segments, 8));
    reg_write(g, r, rt, 4, odd(g, 2, 4));
    reg_write(g, r, op, 4, odd(g, 5, 4));
    for (unsigned i = 0; i < XHCI_PORTS; i++) {
        reg_write(g, r, op + 0x400 + 16 * i, 4, odd(g, 0x210, 4));
    }
}

static void ring_command(struct gen *g)
{
    reg_write(g, bar(g), doorbells(g), 4, odd(g, 0, 4));
}

static void command(struct gen *g, u64 param, u32 control)
{
    trb(g, hcd.commands + 16 * (hcd.ncommands++ % RING_TRBS), param, 0, control | 1);
    if (hcd.ncommands % RING_TRBS == RING_TRBS - 1) { /* the link back, cycle bits then no longer hold */
        trb(g, hcd.commands + 16 * (RING_TRBS - 1), hcd.commands, 0, (u32)odd(g, TRB_LINK << 10 | 1, 4));
        hcd.ncommands++;
    }
}

/* The port of one of the devices there are, from 1 on. */
static u32 port_of(struct gen *g, unsigned slot)
{
    const struct xhci *x = (const struct xhci *)focus_named(g, "qemu-xhci");
    for (unsigned i = 0, n = slot - 1; x && i < 4 * XHCI_PORTS; i++) {
        if (x->device[i % XHCI_PORTS] && n-- == 0) {
            return i % XHCI_PORTS + 1;
        }
    }
    return slot;
}

static u64 context(struct gen *g, unsigned slot, u32 add)
{
    u64 at = heap_get(g, 32 * 34, 64);
    u8 c[32 * 8] = {0};
    st32le(c + 4, (u32)odd(g, add, 4));
    st32le(c, (u32)odd(g, 0, 4));
    st32le(c + 32, (u32)odd(g, 7u << 27 | (1 + rnd(g, 3)) << 20 | (g->odds && one_in(g, 6) ? rnd(g, 16) : 0), 4));
    st32le(c + 36, (u32)odd(g, (g->odds && one_in(g, 8) ? 1 + rnd(g, XHCI_PORTS) : port_of(g, slot)) << 16, 4));
    for (unsigned e = 0; e < 4; e++) {
        static const u8 types[4] = {4, 6, 7, 2}; /* control, bulk OUT or IN, interrupt IN */
        u8 *p = c + 64 + 32 * e;
        if (!hcd.rings[slot][e] || one_in(g, 12)) {
            hcd.rings[slot][e] = heap_get(g, 16 * RING_TRBS, 64);
            hcd.at[slot][e] = 0;
        }
        u8 type = e == 1 ? 2 : e == 2 ? (one_in(g, 2) ? 6 : 7) : types[e];
        st32le(p + 4, (u32)odd(g, type << 3 | 3 << 1 | (e ? (one_in(g, 2) ? 512 : 8) : 64) << 16, 4));
        st64le(p + 8, odd(g, hcd.rings[slot][e] | 1, 8));
        st32le(p + 16, 8);
    }
    do_ram(g, at, c, sizeof(c));
    return at;
}

static void enqueue(struct gen *g, unsigned slot, unsigned e, u64 param, u32 status, u32 control)
{
    u64 at = hcd.rings[slot][e] ? hcd.rings[slot][e] : hcd.commands;
    trb(g, at + 16 * (hcd.at[slot][e]++ % RING_TRBS), param, status, control | 1);
}

static void request(struct gen *g, unsigned slot, const u8 setup[8])
{
    u32 n = ld16le(setup + 6), in = setup[0] >> 7;
    enqueue(g, slot, 0, ld64le(setup), 8, TRB_SETUP << 10 | TRB_IDT | (n ? (2 + in) << 16 : 0));
    if (n && (!g->odds || !one_in(g, 8))) {
        enqueue(g, slot, 0, one_in(g, 4) ? any_addr(g) : heap_get(g, n, 1), n, TRB_DATA << 10 | in << 16);
    }
    enqueue(g, slot, 0, 0, 0, TRB_STATUS << 10 | TRB_IOC | (u32)!in << 16);
}

static void doorbell(struct gen *g, unsigned slot, unsigned dci)
{
    reg_write(g, bar(g), doorbells(g) + 4 * slot, 4, odd(g, dci, 4));
}

static void control(struct gen *g, unsigned slot)
{
    u8 setup[8];
    any_setup(g, setup);
    request(g, slot, setup);
}

static void slot_up(struct gen *g, unsigned slot)
{
    do_ram_n(g, hcd.dcbaa + 8 * slot, 8, odd(g, g->odds && one_in(g, 30) ? any_addr(g) : heap_get(g, 2048, 64), 8));
    command(g, 0, TRB_ENABLE_SLOT << 10);
    command(g, context(g, slot, 3), (u32)odd(g, TRB_ADDRESS << 10 | slot << 24, 4));
    command(g, context(g, slot, 0x1d), (u32)odd(g, TRB_CONFIGURE << 10 | slot << 24, 4));
    ring_command(g);
    static const u8 set_configuration[8] = {0, 9, 1};
    request(g, slot, set_configuration);
    doorbell(g, slot, 1);
}

/* Endpoint number 2 OUT is dci 4, 1 IN is dci 3. */
static void storage(struct gen *g, unsigned slot)
{
    u8 cbw[31] = {0x55, 0x53, 0x42, 0x43};
    u32 n = one_in(g, 4) ? rnd(g, 70000) : 512 * rnd(g, 9);
    bool in = one_in(g, 2);
    st32le(cbw + 4, (u32)rnd64(g));
    st32le(cbw + 8, (u32)odd(g, n, 4));
    cbw[12] = (u8)odd(g, in << 7, 1);
    cbw[13] = (u8)odd(g, 0, 1);
    cbw[14] = (u8)odd(g, any_cdb(g, cbw + 15), 1);
    u64 at = heap_get(g, sizeof(cbw), 1);
    do_ram(g, at, cbw, sizeof(cbw));
    enqueue(g, slot, 3, at, sizeof(cbw), TRB_NORMAL << 10 | TRB_IOC);
    enqueue(g, slot, in ? 2 : 3, one_in(g, 3) ? any_addr(g) : heap_get(g, n, 1), n & 0x1ffff,
            TRB_NORMAL << 10 | TRB_ISP | TRB_IOC);
    enqueue(g, slot, 2, heap_get(g, 13, 1), 13, TRB_NORMAL << 10 | TRB_IOC);
}

static void transfers(struct gen *g, unsigned slot)
{
    static const u8 other[] = {TRB_NORMAL, TRB_ISOCH, TRB_LINK, TRB_EVENT_DATA, TRB_NOOP, TRB_DATA, TRB_STATUS};
    switch (rnd(g, 4)) {
    case 0:
        control(g, slot);
        break;
    case 1:
        storage(g, slot);
        break;
    default:
        for (unsigned n = 1 + rnd(g, 3), e = rnd(g, 4); n; n--) {
            u8 type = one_in(g, 2) ? TRB_NORMAL : other[rnd(g, sizeof(other))];
            enqueue(g, slot, e, any_addr(g), rnd(g, 1 << 17), (u32)type << 10 | (rnd(g, 0x80) & ~1u));
        }
    }
    static const u8 order[] = {1, 4, 3, 2};
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        if (i < 3 ? !one_in(g, 4) : one_in(g, 4)) {
            doorbell(g, slot, order[i]);
        }
    }
}

bool ring_xhci(struct gen *g, struct device *d)
{
    const struct xhci *x = (const struct xhci *)focus_named(g, "qemu-xhci");
    if (!x || (strcmp(d->cls->bus, "usb") && strcmp(d->cls->name, "qemu-xhci"))) {
        return false;
    }
    if (!hcd.up || one_in(g, 30) || x->usbsts & (USBSTS_HCH | USBSTS_HSE)) {
        up(g, x);
        for (unsigned s = 1; s <= SLOTS; s++) {
            slot_up(g, s);
        }
    }
    for (unsigned n = 1 + rnd(g, 4); n; n--) {
        unsigned slot = 1 + rnd(g, SLOTS);
        if (one_in(g, 8)) {
            slot_up(g, slot);
        } else if (one_in(g, 6)) {
            command(g, one_in(g, 2) ? any_addr(g) & ~15ull : hcd.rings[slot][rnd(g, 4)] | 1,
                    (9 + rnd(g, 17)) << 10 | slot << 24 | (1 + rnd(g, 5)) << 16 | rnd(g, 2) << 9);
            ring_command(g);
        } else {
            transfers(g, slot);
        }
    }
    do_turn(g);
    do_simple(g, one_in(g, 2) ? STEP_KEY : STEP_REL, rnd(g, 100), rnd(g, 2));
    if (one_in(g, 3)) {
        reg_write(g, bar(g), runtime(x, g) + 0x38, 8, odd(g, hcd.events + 16 * rnd(g, RING_TRBS) + 8, 8));
    }
    return true;
}

/* USB host controller with the extensible interface (Intel's xHCI 1.1, chapters 4 and 5): registers, events, root
 * ports. xhci_command.c has the commands, xhci_transfer.c the transfers. PCI ids are those of the qemu-xhci device,
 * which drivers take as a generic one.
 *
 * One interrupter, 32-byte contexts, 64-bit addresses. A device sits on a port of its own speed: ports 1 to 4 are USB
 * 3's, 5 to 8 USB 2's. Not modelled: hubs, streams, isochronous transfers, link power management, saving and restoring
 * of state (CSS, CRS: nothing is lost while power stays), interrupt moderation, the debug capability. */
#include "hw/usb/xhci.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "hw/usb/xhci_priv.h"

enum { CAPS = 0, OPER = 0x40, PORTS = 0x440, RUNTIME = 0x1000, DOORBELLS = 0x2000, SIZE = 0x4000, XECP = 0x20 };
enum {
    OP_USBCMD = 0x00,
    OP_USBSTS = 0x04,
    OP_PAGESIZE = 0x08,
    OP_DNCTRL = 0x14,
    OP_CRCR = 0x18,
    OP_DCBAAP = 0x30,
    OP_CONFIG = 0x38
};
enum { RT_MFINDEX = 0x00, RT_IMAN = 0x20, RT_IMOD = 0x24, RT_ERSTSZ = 0x28, RT_ERSTBA = 0x30, RT_ERDP = 0x38 };
enum { IMAN_IP = 1, IMAN_IE = 2, ERDP_BUSY = 8, CRCR_CYCLE = 1, CRCR_STOP = 2, CRCR_ABORT = 4, CRCR_RUNNING = 8 };
enum { PLS_U0 = 0, PLS_U3 = 3, PLS_DISABLED = 4, PLS_DETECT = 5, PLS_POLLING = 7, PLS_RESUME = 15, SEGMENTS_MAX = 16 };

/* -- guest memory ------------------------------------------------------------------------------------------------- */

static struct mem_attrs as(const struct xhci *x)
{
    return (struct mem_attrs){.requester = pci_requester(&x->pci)};
}
void xhci_failed(struct xhci *x, const char *why)
{
    guest_error(device_name(&x->pci.dev), "%s", why);
    x->usbsts |= USBSTS_HSE | USBSTS_HCH;
    x->usbcmd &= ~(u32)USBCMD_RUN;
}
bool xhci_read(struct xhci *x, u64 at, void *p, unsigned n)
{
    if (mem_read(x->pci.dev.dma, at, p, n, as(x)) == MEM_OK) {
        return true;
    }
    memset(p, 0, n);
    xhci_failed(x, "reads where no memory is");
    return false;
}
bool xhci_write(struct xhci *x, u64 at, const void *p, unsigned n)
{
    if (mem_write(x->pci.dev.dma, at, p, n, as(x)) == MEM_OK) {
        return true;
    }
    xhci_failed(x, "writes where no memory is");
    return false;
}
bool xhci_trb_get(struct xhci *x, u64 at, struct trb *t)
{
    u8 p[16];
    if (!xhci_read(x, at, p, sizeof(p))) {
        return false;
    }
    *t = (struct trb){.at = at, .param = ld64le(p), .status = ld32le(p + 8), .control = ld32le(p + 12)};
    return true;
}

/* -- interrupts and events ---------------------------------------------------------------------------------------- */

static void interrupt_update(struct xhci *x)
{
    bool up = (x->iman & (IMAN_IP | IMAN_IE)) == (IMAN_IP | IMAN_IE) && x->usbcmd & USBCMD_INTE;
    pci_set_intx(&x->pci, up && !pci_msix_enabled(&x->pci) && !pci_msi_enabled(&x->pci));
}
static void messages_switched(struct pci_device *p)
{
    interrupt_update((struct xhci *)p);
}
static void interrupt_raise(struct xhci *x)
{
    x->usbsts |= USBSTS_EINT;
    x->erdp |= ERDP_BUSY;
    if (x->iman & IMAN_IP) {
        return;
    }
    x->iman |= IMAN_IP;
    if (x->iman & IMAN_IE && x->usbcmd & USBCMD_INTE) {
        if (pci_msix_enabled(&x->pci)) {
            x->iman &= ~(u32)IMAN_IP; /* 5.5.2.1: messages take it back */
            pci_msix_notify(&x->pci, 0);
        } else if (pci_msi_enabled(&x->pci)) {
            x->iman &= ~(u32)IMAN_IP;
            pci_msi_notify(&x->pci, 0);
        }
    }
    interrupt_update(x);
}

static bool segment_get(struct xhci *x, u32 n, u64 *base, u32 *size)
{
    u8 e[16];
    if (!xhci_read(x, (x->erstba & ~63ull) + 16ull * n, e, sizeof(e))) {
        return false;
    }
    *base = ld64le(e) & ~63ull;
    *size = ld32le(e + 8) & 0xffff;
    return *size >= 1;
}
/* Where the next event goes; the one after it must not be where the guest reads: then the ring is full, and the event
 * is lost, which a guest with room for what it asked for never sees. */
void xhci_event(struct xhci *x, u64 param, u32 status, u32 control)
{
    u64 base;
    u32 size, segments = MIN(x->erstsz & 0xffff, (u32)SEGMENTS_MAX);
    if (!(x->usbcmd & USBCMD_RUN) || !segments || !segment_get(x, x->er_segment % segments, &base, &size)) {
        return;
    }
    u64 at = base + 16ull * (x->er_index % size), next = at + 16;
    u32 segment = x->er_segment % segments, index = x->er_index % size + 1;
    u8 cycle = x->er_cycle;
    if (index >= size) {
        u32 other;
        index = 0;
        segment = (segment + 1) % segments;
        cycle = segment ? cycle : cycle ^ 1;
        if (!segment_get(x, segment, &next, &other)) {
            return;
        }
    }
    if (next == (x->erdp & ~15ull)) {
        guest_error(device_name(&x->pci.dev), "the event ring is full");
        return;
    }
    u8 e[16];
    st64le(e, param);
    st32le(e + 8, status);
    st32le(e + 12, control | x->er_cycle);
    xhci_write(x, at, e, sizeof(e));
    x->er_segment = segment;
    x->er_index = index;
    x->er_cycle = cycle;
    interrupt_raise(x);
}

/* -- root ports --------------------------------------------------------------------------------------------------- */

static bool is_usb3(unsigned port)
{
    return port <= XHCI_USB3;
}
static u32 with_pls(u32 portsc, unsigned pls)
{
    return (portsc & ~(u32)PORT_PLS) | pls << 5;
}

void xhci_port_change(struct xhci *x, unsigned port, u32 change)
{
    u32 before = x->portsc[port - 1] & PORT_CHANGES;
    x->portsc[port - 1] |= change;
    if (change & ~before) {
        x->usbsts |= USBSTS_PCD;
        xhci_event(x, (u64)port << 24, CC_SUCCESS << 24, TRB_PORT_EVENT << 10);
    }
}
/* What is plugged in is there; a port of USB 3 trains its link by itself. */
static void port_connect(struct xhci *x, unsigned port)
{
    struct usb_device *d = x->device[port - 1];
    u32 *sc = &x->portsc[port - 1];
    if (!d) {
        *sc = with_pls(PORT_PP, PLS_DETECT);
        return;
    }
    unsigned speed = usb_class_of(d)->speed;
    *sc = PORT_PP | PORT_CCS | speed << PORT_SPEED_SHIFT;
    *sc = is_usb3(port) ? with_pls(*sc | PORT_PED, PLS_U0) : with_pls(*sc, PLS_POLLING);
    xhci_port_change(x, port, PORT_CSC);
}
static void port_reset(struct xhci *x, unsigned port, bool warm)
{
    u32 *sc = &x->portsc[port - 1];
    if (!x->device[port - 1]) {
        return;
    }
    usb_bus_reset(x->device[port - 1]);
    *sc = with_pls((*sc & ~(u32)PORT_PR) | PORT_PED, PLS_U0);
    xhci_port_change(x, port, PORT_PRC | (warm ? PORT_WRC : 0));
}
static void port_link(struct xhci *x, unsigned port, unsigned pls)
{
    u32 *sc = &x->portsc[port - 1];
    unsigned now = (*sc & PORT_PLS) >> 5;
    if (pls == PLS_U3 || pls == PLS_RESUME) {
        *sc = with_pls(*sc, pls);
    } else if (pls == PLS_U0 && now != PLS_U0 && *sc & PORT_PED) {
        *sc = with_pls(*sc, PLS_U0);
        if (now != PLS_U3) {
            xhci_port_change(x, port, PORT_PLC);
        }
    } else if (pls == PLS_DETECT) {
        port_connect(x, port);
    }
}
static void portsc_write(struct xhci *x, unsigned port, u32 v)
{
    u32 *sc = &x->portsc[port - 1];
    *sc &= ~(v & PORT_CHANGES);
    *sc = (*sc & ~(u32)PORT_WAKES) | (v & PORT_WAKES);
    if (v & PORT_PR || (v >> 31 && is_usb3(port))) {
        port_reset(x, port, v >> 31);
        return;
    }
    if (v & PORT_PED && *sc & PORT_PED) { /* a one disables */
        *sc = with_pls(*sc & ~(u32)PORT_PED, is_usb3(port) ? PLS_DISABLED : PLS_POLLING);
        return;
    }
    if (v & PORT_LWS) {
        port_link(x, port, (v & PORT_PLS) >> 5);
    }
}

struct usb_device *xhci_device_of(struct xhci *x, unsigned slot)
{
    unsigned port = x->slot[slot - 1].port;
    struct usb_device *d = port && x->portsc[port - 1] & PORT_PED ? x->device[port - 1] : NULL;
    for (u32 route = x->slot[slot - 1].route; d && route; route >>= 4) {
        d = usb_class_of(d)->child ? usb_class_of(d)->child(d, route & 15) : NULL;
    }
    return d;
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

/* Capabilities and the two extended ones, "Supported Protocol" (7.2). */
static u32 capability_read(u64 off)
{
    static const u32 caps[] = {0x01000000 | OPER,
                               XHCI_SLOTS | 1 << 8 | (u32)XHCI_PORTS << 24,
                               4 << 4, /* 16 segments of an event ring */
                               0,
                               1 | (XECP / 4) << 16,
                               DOORBELLS,
                               RUNTIME,
                               0,
                               0x02000402, /* USB 2.0, the next 4 words on */
                               0x20425355,
                               (XHCI_USB3 + 1) | XHCI_USB2 << 8,
                               0,
                               0x03000002, /* USB 3.0, the last */
                               0x20425355,
                               1 | XHCI_USB3 << 8,
                               0};
    return off / 4 < ARRAY_LEN(caps) ? caps[off / 4] : 0;
}

static void controller_reset(struct xhci *x)
{
    x->usbcmd = x->dnctrl = x->config = x->iman = x->erstsz = 0;
    x->usbsts = USBSTS_HCH;
    x->imod = 4000;
    x->crcr = x->dcbaap = x->command = x->erstba = x->erdp = 0;
    x->command_cycle = 0;
    x->er_segment = x->er_index = 0;
    x->er_cycle = 1;
    memset(x->slot, 0, sizeof(x->slot));
    memset(x->ep, 0, sizeof(x->ep));
    for (unsigned port = 1; port <= XHCI_PORTS; port++) {
        if (x->device[port - 1]) {
            usb_bus_reset(x->device[port - 1]);
        }
        port_connect(x, port);
    }
    interrupt_update(x);
}

static void usbcmd_write(struct xhci *x, u32 v)
{
    if (v & USBCMD_HCRST) {
        controller_reset(x);
        return;
    }
    bool starts = v & USBCMD_RUN && !(x->usbcmd & USBCMD_RUN);
    x->usbcmd = v & 0xc0d;
    if (v & USBCMD_RUN) {
        x->usbsts &= ~(u32)USBSTS_HCH;
    } else {
        x->usbsts |= USBSTS_HCH;
        x->crcr &= ~(u64)CRCR_RUNNING;
    }
    for (unsigned port = 1; starts && port <= XHCI_PORTS; port++) {
        if (x->portsc[port - 1] & PORT_CHANGES) {
            xhci_event(x, (u64)port << 24, CC_SUCCESS << 24, TRB_PORT_EVENT << 10);
        }
    }
    interrupt_update(x);
}
static void crcr_write(struct xhci *x, u64 v)
{
    if (x->crcr & CRCR_RUNNING) { /* the pointer is not to be written then; the ring may be stopped */
        if (v & (CRCR_STOP | CRCR_ABORT)) {
            x->crcr &= ~(u64)CRCR_RUNNING;
            xhci_event(x, x->command, CC_RING_STOPPED << 24, TRB_COMPLETION_EVENT << 10);
        }
        return;
    }
    x->crcr = v & ~(u64)(CRCR_STOP | CRCR_ABORT | CRCR_RUNNING);
    x->command = v & ~63ull;
    x->command_cycle = v & CRCR_CYCLE;
}
static u64 half(u64 old, u32 v, bool high)
{
    return high ? (u64)v << 32 | (u32)old : (old & ~0xffffffffull) | v;
}

static u32 operational_read(struct xhci *x, u64 off)
{
    switch (off) {
    case OP_USBCMD:
        return x->usbcmd;
    case OP_USBSTS:
        return x->usbsts;
    case OP_PAGESIZE:
        return 1;
    case OP_DNCTRL:
        return x->dnctrl;
    case OP_CRCR:
        return (u32)x->crcr & CRCR_RUNNING;
    case OP_DCBAAP:
    case OP_DCBAAP + 4:
        return (u32)(x->dcbaap >> (off & 4 ? 32 : 0));
    case OP_CONFIG:
        return x->config;
    default:
        return 0;
    }
}
static void operational_write(struct xhci *x, u64 off, u32 v)
{
    switch (off) {
    case OP_USBCMD:
        usbcmd_write(x, v);
        break;
    case OP_USBSTS:
        x->usbsts &= ~(v & (USBSTS_HSE | USBSTS_EINT | USBSTS_PCD | 1 << 10));
        break;
    case OP_DNCTRL:
        x->dnctrl = v & 0xffff;
        break;
    case OP_CRCR: /* takes effect with its low half, which drivers of 32 bits write first */
        crcr_write(x, half(x->crcr, v, false));
        break;
    case OP_CRCR + 4:
        if (!(x->crcr & CRCR_RUNNING)) {
            crcr_write(x, half(x->crcr, v, true));
        }
        break;
    case OP_DCBAAP:
    case OP_DCBAAP + 4:
        x->dcbaap = half(x->dcbaap, off & 4 ? v : v & ~63u, off & 4);
        break;
    case OP_CONFIG:
        x->config = v & 0x3ff;
        break;
    default:
        break;
    }
}

/* Microframes since the start; interrupter 0. */
static u32 runtime_read(struct xhci *x, u64 off)
{
    switch (off) {
    case RT_MFINDEX:
        return (u32)((clock_now(CLOCK_VIRTUAL) - x->mfindex_from) / 125000) & 0x3fff;
    case RT_IMAN:
        return x->iman;
    case RT_IMOD:
        return x->imod;
    case RT_ERSTSZ:
        return x->erstsz;
    case RT_ERSTBA:
    case RT_ERSTBA + 4:
        return (u32)(x->erstba >> (off & 4 ? 32 : 0));
    case RT_ERDP:
    case RT_ERDP + 4:
        return (u32)(x->erdp >> (off & 4 ? 32 : 0));
    default:
        return 0;
    }
}
static void runtime_write(struct xhci *x, u64 off, u32 v)
{
    switch (off) {
    case RT_IMAN:
        x->iman = (x->iman & ~(v & IMAN_IP) & ~(u32)IMAN_IE) | (v & IMAN_IE);
        interrupt_update(x);
        break;
    case RT_IMOD:
        x->imod = v;
        break;
    case RT_ERSTSZ:
        x->erstsz = v & 0xffff;
        break;
    case RT_ERSTBA:
    case RT_ERSTBA + 4:
        x->erstba = half(x->erstba, off & 4 ? v : v & ~63u, off & 4);
        x->er_segment = x->er_index = 0;
        x->er_cycle = 1;
        break;
    case RT_ERDP:
        x->erdp = half(x->erdp, (v & ~15u) | (x->erdp & ERDP_BUSY & ~v), false);
        break;
    case RT_ERDP + 4:
        x->erdp = half(x->erdp, v, true);
        break;
    default:
        break;
    }
}

static void doorbell_write(struct xhci *x, unsigned n, u32 v)
{
    if (!(x->usbcmd & USBCMD_RUN)) {
        return;
    }
    if (n == 0) {
        x->crcr |= CRCR_RUNNING;
        xhci_commands(x);
        x->crcr &= ~(u64)CRCR_RUNNING;
    } else if (n <= XHCI_SLOTS && (v & 0xff) >= 1 && (v & 0xff) <= XHCI_EPS) {
        xhci_ep_run(x, n, v & 0xff);
    } else {
        guest_error(device_name(&x->pci.dev), "doorbell %u of %x", n, v);
    }
}

static enum mem_result xhci_mmio_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct xhci *x = opaque;
    u64 port = (off - PORTS) / 16;
    (void)size, (void)a;
    *val = off >= DOORBELLS                                             ? 0
           : off >= RUNTIME                                             ? runtime_read(x, off - RUNTIME)
           : off >= PORTS && port < XHCI_PORTS && !((off - PORTS) & 15) ? x->portsc[port]
           : off >= PORTS                                               ? 0
           : off >= OPER                                                ? operational_read(x, off - OPER)
                                                                        : capability_read(off);
    return MEM_OK;
}
static enum mem_result xhci_mmio_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct xhci *x = opaque;
    u64 port = (off - PORTS) / 16;
    (void)size, (void)a;
    if (off >= DOORBELLS) {
        doorbell_write(x, (unsigned)(off - DOORBELLS) / 4, (u32)val);
    } else if (off >= RUNTIME) {
        runtime_write(x, off - RUNTIME, (u32)val);
    } else if (off >= PORTS) {
        if (port < XHCI_PORTS && !((off - PORTS) & 15)) {
            portsc_write(x, (unsigned)port + 1, (u32)val);
        }
    } else if (off >= OPER) {
        operational_write(x, off - OPER, (u32)val);
    }
    return MEM_OK;
}
static const struct mem_ops xhci_ops = {.read = xhci_mmio_read, .write = xhci_mmio_write, .min_size = 4, .max_size = 4};

/* -- devices ------------------------------------------------------------------------------------------------------ */

/* A device has something for an endpoint: those slots of its port are looked at. */
static void device_ready(struct device *host, struct usb_device *d, u8 ep)
{
    struct xhci *x = (struct xhci *)host;
    unsigned dci = 2u * (ep & 15) + (ep & USB_IN ? 1 : 0);
    for (unsigned slot = 1; slot <= XHCI_SLOTS && dci; slot++) {
        if (x->slot[slot - 1].state && x->slot[slot - 1].port == d->port && x->slot[slot - 1].route == d->route &&
            xhci_ep(x, slot, dci)->state == EP_RUNNING) {
            xhci_ep_run(x, slot, dci);
        }
    }
}
static const struct usb_host_ops host_ops = {.ready = device_ready};

static bool xhci_plug(struct device *d, struct device *child, struct err *e)
{
    struct xhci *x = (struct xhci *)d;
    struct usb_device *u = (struct usb_device *)child;
    bool usb3 = usb_class_of(u)->speed == USB_SUPER;
    unsigned first = usb3 ? 1 : XHCI_USB3 + 1, n = usb3 ? XHCI_USB3 : XHCI_USB2, port = 0;
    if (u->port_wanted) {
        char *end;
        unsigned long v = strtoul(u->port_wanted, &end, 10);
        struct usb_device *at = v >= 1 && v <= n ? x->device[first + v - 2] : NULL;
        if (*end == '.' && at && usb_class_of(at)->plug) {
            return usb_class_of(at)->plug(at, u, end + 1, e);
        }
        if (*end || v < 1 || v > n || at) {
            return err_set(e, "port=%s: expected a free one of 1 to %u, or HUB.PORT", u->port_wanted, n);
        }
        port = first + (unsigned)v - 1;
    }
    for (unsigned i = first; !port && i < first + n; i++) {
        port = x->device[i - 1] ? 0 : i;
    }
    if (!port) {
        return err_set(e, "all %u ports for devices of its speed are taken", n);
    }
    x->device[port - 1] = u;
    u->port = port;
    u->host = &host_ops;
    u->host_dev = d;
    return true;
}

/* -- the device --------------------------------------------------------------------------------------------------- */

static bool xhci_init(struct device *d, struct err *e)
{
    struct xhci *x = (struct xhci *)d;
    (void)e;
    pci_init(&x->pci, &(struct pci_ident){.vendor = 0x1b36,
                                          .device = 0x000d,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x0c0330,
                                          .revision = 1,
                                          .interrupt_pin = 1});
    pci_row(&x->pci, 0x60, 1, 0x30, 0, 0);    /* serial bus release: 3.0 */
    pci_row(&x->pci, 0x61, 1, 0x20, 0x3f, 0); /* frame length */
    x->region = (struct mem_region){.name = "xhci", .kind = MEM_MMIO, .size = SIZE, .ops = &xhci_ops, .opaque = x};
    pci_add_bar(&x->pci, 0, PCI_BAR_MEM64, false, &x->region);
    pci_msix_init(&x->pci, 2, 1);
    x->pci.messages_switched = messages_switched;
    return true;
}
static void xhci_reset(struct device *d)
{
    struct xhci *x = (struct xhci *)d;
    pci_reset(&x->pci);
    x->mfindex_from = clock_now(CLOCK_VIRTUAL);
    controller_reset(x);
}
static bool xhci_loaded(struct device *d, struct err *e)
{
    struct xhci *x = (struct xhci *)d;
    for (unsigned i = 0; i < XHCI_SLOTS; i++) {
        if (x->slot[i].port > XHCI_PORTS || x->slot[i].state > SLOT_CONFIGURED) {
            return err_set(e, "slot %u cannot be", i + 1);
        }
    }
    if (!pci_loaded(&x->pci, e)) {
        return false;
    }
    interrupt_update(x);
    return true;
}

static const struct field xhci_state[] = {
    PCI_FIELDS(struct xhci, pci),
    FIELD(struct xhci, usbcmd),
    FIELD(struct xhci, usbsts),
    FIELD(struct xhci, dnctrl),
    FIELD(struct xhci, config),
    FIELD(struct xhci, crcr),
    FIELD(struct xhci, dcbaap),
    FIELD(struct xhci, command),
    FIELD(struct xhci, command_cycle),
    FIELD(struct xhci, iman),
    FIELD(struct xhci, imod),
    FIELD(struct xhci, erstsz),
    FIELD(struct xhci, erstba),
    FIELD(struct xhci, erdp),
    FIELD(struct xhci, er_segment),
    FIELD(struct xhci, er_index),
    FIELD(struct xhci, er_cycle),
    FIELD(struct xhci, mfindex_from),
    FIELDS(struct xhci, portsc),
    FIELD_OF(struct xhci, slot, context),
    FIELD_OF(struct xhci, slot, route),
    FIELD_OF(struct xhci, slot, state),
    FIELD_OF(struct xhci, slot, port),
    FIELD_OF(struct xhci, ep, dequeue),
    FIELD_OF(struct xhci, ep, context),
    FIELD_OF(struct xhci, ep, done),
    FIELD_OF(struct xhci, ep, total),
    FIELD_OF(struct xhci, ep, in_trb),
    FIELD_OF(struct xhci, ep, packet),
    FIELD_OF(struct xhci, ep, state),
    FIELD_OF(struct xhci, ep, type),
    FIELD_OF(struct xhci, ep, cycle),
    FIELD_OF(struct xhci, ep, told),
    FIELD_OF(struct xhci, ep, skip),
    {0},
};
static const struct prop xhci_props[] = {PCI_PROPS(struct xhci, pci), {0}};
const struct device_class xhci_class = {
    .name = "qemu-xhci",
    .doc = "USB 3 host controller",
    .bus = "pci",
    .provides = "usb",
    .bus_slots = XHCI_PORTS,
    .size = sizeof(struct xhci),
    .state = xhci_state,
    .props = xhci_props,
    .init = xhci_init,
    .reset = xhci_reset,
    .loaded = xhci_loaded,
    .plug = xhci_plug,
};

/* xHCI transfer rings (xHCI 1.1, 4.9 to 4.11, 6.4.1): TRBs are worked on one by one, their data moved by spans of guest
 * memory that lie in one piece. A device that has nothing leaves its TRB where it is, with what went so far. Not
 * modelled: isochronous transfers (they complete with no data), streams. */
#include <string.h>

#include "hw/usb/xhci_priv.h"

enum { MOST_TRBS = 65536, MOST_LINKS = 32, MOST_TURNS = 256, BOUNCE = 4096, EP_CONTROL = 4, LENGTH_MASK = 0x1ffff };

void xhci_ep_state(struct xhci *x, struct xhci_ep *ep, u8 state)
{
    u8 c[16];
    ep->state = state;
    if (!xhci_read(x, ep->context, c, sizeof(c))) {
        return;
    }
    c[0] = (u8)((c[0] & ~7) | state);
    st64le(c + 8, ep->dequeue | (ep->cycle & 1));
    xhci_write(x, ep->context, c, sizeof(c));
}

static void transfer_event(struct xhci *x, unsigned slot, unsigned dci, u64 param, unsigned code, u32 left, bool data)
{
    xhci_event(x, param, (u32)code << 24 | (left & 0xffffff),
               TRB_TRANSFER_EVENT << 10 | dci << 16 | slot << 24 | (data ? 4 : 0));
}

static void forget(struct xhci_ep *ep)
{
    ep->done = ep->total = ep->in_trb = 0;
    ep->told = ep->skip = 0;
}
void xhci_ep_stop(struct xhci *x, unsigned slot, unsigned dci)
{
    struct xhci_ep *ep = xhci_ep(x, slot, dci);
    struct trb t;
    if (ep->state == EP_RUNNING && xhci_trb_get(x, ep->dequeue, &t) && (t.control & TRB_CYCLE) == ep->cycle) {
        u32 n = t.status & LENGTH_MASK;
        transfer_event(x, slot, dci, t.at, CC_STOPPED, n > ep->done ? n - ep->done : 0, false);
    }
    forget(ep);
    xhci_ep_state(x, ep, EP_STOPPED);
}

/* To the next TRB of the ring; a TD ends where no chain goes on. */
static void advance(struct xhci_ep *ep, const struct trb *t)
{
    ep->dequeue = t->at + 16;
    ep->done = ep->in_trb = 0;
    if (!(t->control & TRB_CHAIN)) {
        ep->total = 0;
        ep->told = ep->skip = 0;
    }
}

/* -- data --------------------------------------------------------------------------------------------------------- */

/* One span in guest memory, or of the TRB's own 8 bytes. */
static enum usb_result span_move(struct xhci *x, struct usb_device *d, struct usb_span *s, const struct trb *t, u32 off)
{
    u8 bounce[BOUNCE];
    bool in = s->ep & USB_IN;
    u64 n = s->n;
    void *p = t->control & TRB_IDT ? NULL : mem_map(x->pci.dev.dma, t->param + off, &n, in);
    if (p) {
        s->p = p;
        s->n = (u32)n;
        enum usb_result r = usb_data(d, s);
        if (in && s->done) {
            mem_wrote(p, s->done);
        }
        return r;
    }
    s->p = bounce;
    s->n = MIN(s->n, (u32)BOUNCE);
    if (t->control & TRB_IDT) {
        s->n = MIN(s->n, 8u);
        st64le(bounce, t->param);
    } else if (!in) {
        xhci_read(x, t->param + off, bounce, s->n);
    }
    enum usb_result r = usb_data(d, s);
    if (in && s->done) {
        xhci_write(x, t->param + off, bounce, s->done);
    }
    return r;
}

/* All of a TRB's data. *end: a short packet came. */
static enum usb_result data_move(struct xhci *x, struct xhci_ep *ep, struct usb_device *d, u8 addr, const struct trb *t,
                                 bool *end)
{
    u32 n = t->status & LENGTH_MASK;
    do {
        struct usb_span s = {.ep = addr, .n = n - ep->done};
        u32 asked = s.n;
        enum usb_result r = span_move(x, d, &s, t, ep->done);
        must(s.done <= s.n && s.n <= asked);
        ep->done += s.done;
        ep->total += s.done;
        if (r != USB_DONE) {
            return r;
        }
        if (s.done < s.n) {
            *end = true;
            return USB_DONE;
        }
    } while (ep->done < n);
    return USB_DONE;
}

/* -- one TRB ------------------------------------------------------------------------------------------------------ */

struct work {
    unsigned slot, dci;
    struct xhci_ep *ep;
    struct usb_device *d;
    u8 addr; /* of the endpoint, as devices have it */
};

static void complete(struct xhci *x, const struct work *w, const struct trb *t, bool shortened)
{
    struct xhci_ep *ep = w->ep;
    u32 n = t->status & LENGTH_MASK;
    bool tell = t->control & TRB_IOC || (shortened && t->control & TRB_ISP);
    if (tell && !(shortened && ep->told)) {
        transfer_event(x, w->slot, w->dci, t->at, shortened ? CC_SHORT : CC_SUCCESS, n - MIN(ep->done, n), false);
        ep->told = shortened;
    }
    ep->skip = shortened && t->control & TRB_CHAIN;
    advance(ep, t);
}
static void halt(struct xhci *x, const struct work *w, const struct trb *t, unsigned code)
{
    u32 n = t->status & LENGTH_MASK;
    transfer_event(x, w->slot, w->dci, t->at, code, n - MIN(w->ep->done, n), false);
    forget(w->ep);
    xhci_ep_state(x, w->ep, EP_HALTED);
}

/* False: it stays where it is. */
static bool data_trb(struct xhci *x, const struct work *w, const struct trb *t, u8 addr)
{
    bool end = false;
    w->ep->in_trb = 1;
    switch (data_move(x, w->ep, w->d, addr, t, &end)) {
    case USB_NAK:
        return false;
    case USB_STALL:
        halt(x, w, t, CC_STALL);
        return false;
    default:
        complete(x, w, t, end);
        return true;
    }
}
static bool setup_trb(struct xhci *x, const struct work *w, const struct trb *t)
{
    u8 p[8];
    st64le(p, t->param);
    if (!(t->control & TRB_IDT)) {
        halt(x, w, t, CC_TRB);
        return false;
    }
    usb_begin(w->d, p);
    w->ep->done = t->status & LENGTH_MASK;
    complete(x, w, t, false);
    return true;
}
static bool status_trb(struct xhci *x, const struct work *w, const struct trb *t)
{
    struct trb none = *t;
    none.status &= ~(u32)LENGTH_MASK;
    if (usb_status(w->d) != USB_DONE) {
        halt(x, w, &none, CC_STALL);
        return false;
    }
    complete(x, w, &none, false);
    return true;
}
/* The rest of a TD that a short packet has ended: who asked for an event and got none gets it here. */
static bool skipped(struct xhci *x, const struct work *w, const struct trb *t)
{
    if (trb_type(t) == TRB_EVENT_DATA) {
        transfer_event(x, w->slot, w->dci, t->param, CC_SHORT, w->ep->total, true);
    } else if (t->control & TRB_IOC && !w->ep->told) {
        transfer_event(x, w->slot, w->dci, t->at, CC_SHORT, t->status & LENGTH_MASK, false);
        w->ep->told = 1;
    }
    advance(w->ep, t);
    return true;
}

static bool trb_do(struct xhci *x, const struct work *w, const struct trb *t)
{
    bool control = w->ep->type == EP_CONTROL;
    if (w->ep->skip) {
        return skipped(x, w, t);
    }
    switch (trb_type(t)) {
    case TRB_NORMAL:
        return data_trb(x, w, t, control ? (u8)(w->d->setup[0] & USB_IN) : w->addr);
    case TRB_SETUP:
        return control ? setup_trb(x, w, t) : (halt(x, w, t, CC_TRB), false);
    case TRB_DATA:
        return control ? data_trb(x, w, t, t->control & TRB_DIR_IN ? USB_IN : 0) : (halt(x, w, t, CC_TRB), false);
    case TRB_STATUS:
        return control ? status_trb(x, w, t) : (halt(x, w, t, CC_TRB), false);
    case TRB_EVENT_DATA:
        transfer_event(x, w->slot, w->dci, t->param, CC_SUCCESS, w->ep->total, true);
        w->ep->total = 0;
        advance(w->ep, t);
        return true;
    case TRB_ISOCH:
        unimp(device_name(&x->pci.dev), "isochronous transfers");
        complete(x, w, t, false);
        return true;
    case TRB_NOOP:
        complete(x, w, t, false);
        return true;
    default:
        halt(x, w, t, CC_TRB);
        return false;
    }
}

static void ring_run(struct xhci *x, const struct work *w)
{
    unsigned links = 0;
    for (unsigned i = 0; i < MOST_TRBS && w->ep->state == EP_RUNNING; i++) {
        struct trb t;
        if (!xhci_trb_get(x, w->ep->dequeue, &t) || (t.control & TRB_CYCLE) != w->ep->cycle) {
            return;
        }
        if (trb_type(&t) == TRB_LINK) {
            w->ep->dequeue = t.param & ~15ull;
            w->ep->cycle ^= t.control & TRB_TOGGLE ? 1 : 0;
            if (++links > MOST_LINKS) {
                return;
            }
        } else if (!trb_do(x, w, &t)) {
            return;
        } else {
            links = 0;
        }
    }
}

static void ep_look(struct xhci *x, unsigned slot, unsigned dci)
{
    struct xhci_ep *ep = xhci_ep(x, slot, dci);
    if (!x->slot[slot - 1].state) {
        return;
    }
    if (ep->state == EP_STOPPED) { /* a doorbell starts it again */
        xhci_ep_state(x, ep, EP_RUNNING);
    }
    if (ep->state != EP_RUNNING) {
        return;
    }
    struct work w = {.slot = slot, .dci = dci, .ep = ep, .d = xhci_device_of(x, slot)};
    w.addr = (u8)(dci / 2 | (dci & 1 ? USB_IN : 0));
    if (w.d) {
        ring_run(x, &w);
        return;
    }
    struct trb t;
    if (xhci_trb_get(x, ep->dequeue, &t) && (t.control & TRB_CYCLE) == ep->cycle) {
        halt(x, &w, &t, CC_TRANSACTION);
    }
}

/* One endpoint's data may make another ready, of the same device or of the hub it is at. */
void xhci_ep_run(struct xhci *x, unsigned slot, unsigned dci)
{
    x->again[slot - 1] |= 1u << dci;
    if (x->running) {
        return;
    }
    x->running = true;
    for (unsigned turns = 0, i = 0; turns < MOST_TURNS && i < XHCI_SLOTS; i++) {
        while (x->again[i] && x->usbcmd & USBCMD_RUN && turns++ < MOST_TURNS) {
            unsigned next = ctz32(x->again[i]);
            x->again[i] &= x->again[i] - 1;
            ep_look(x, i + 1, next);
            i = 0;
        }
    }
    memset(x->again, 0, sizeof(x->again));
    x->running = false;
}

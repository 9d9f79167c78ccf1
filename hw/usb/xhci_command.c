/* xHCI commands (xHCI 1.1, 4.6, 6.4.3) and the contexts that they read and write (6.2). Contexts have 32 bytes.
 * Bandwidth is not reckoned. */
#include <string.h>

#include "hw/usb/xhci_priv.h"

enum { CONTEXT = 32, MOST_COMMANDS = 256, MOST_LINKS = 32, ADDRESS_ONLY_SLOT = 1 << 9, DECONFIGURE = 1 << 9 };

static bool slot_ok(struct xhci *x, const struct trb *t, unsigned *slot)
{
    *slot = t->control >> 24;
    return *slot >= 1 && *slot <= XHCI_SLOTS && x->slot[*slot - 1].state != SLOT_OFF;
}

/* -- slots -------------------------------------------------------------------------------------------------------- */

static unsigned slot_enable(struct xhci *x, unsigned *slot)
{
    for (unsigned i = 0; i < MIN(x->config & 0xff, (u32)XHCI_SLOTS); i++) {
        if (x->slot[i].state == SLOT_OFF) {
            x->slot[i] = (struct xhci_slot){.state = SLOT_DEFAULT};
            *slot = i + 1;
            return CC_SUCCESS;
        }
    }
    return CC_NO_SLOTS;
}
void xhci_slot_off(struct xhci *x, unsigned slot)
{
    memset(&x->slot[slot - 1], 0, sizeof(x->slot[0]));
    memset(xhci_ep(x, slot, 1), 0, XHCI_EPS * sizeof(x->ep[0]));
}

static void slot_context_state(struct xhci *x, unsigned slot, u8 *context, unsigned state, unsigned address)
{
    struct xhci_slot *s = &x->slot[slot - 1];
    st32le(context + 12, address | (u32)state << 27);
    xhci_write(x, s->context, context, CONTEXT);
    s->state = (u8)state;
}

/* -- endpoints ---------------------------------------------------------------------------------------------------- */

static void ep_set(struct xhci *x, unsigned slot, unsigned dci, u8 *context)
{
    struct xhci_ep *ep = xhci_ep(x, slot, dci);
    u64 pointer = ld64le(context + 8);
    *ep = (struct xhci_ep){.dequeue = pointer & ~15ull,
                           .cycle = pointer & 1,
                           .context = x->slot[slot - 1].context + (u64)CONTEXT * dci,
                           .type = ld32le(context + 4) >> 3 & 7,
                           .packet = (u16)(ld32le(context + 4) >> 16),
                           .state = EP_RUNNING};
    context[0] = (u8)((context[0] & ~7) | EP_RUNNING);
    xhci_write(x, ep->context, context, CONTEXT);
}
static void ep_drop(struct xhci *x, unsigned slot, unsigned dci)
{
    struct xhci_ep *ep = xhci_ep(x, slot, dci);
    if (ep->state != EP_DISABLED) {
        xhci_ep_state(x, ep, EP_DISABLED);
        memset(ep, 0, sizeof(*ep));
    }
}

/* -- commands ----------------------------------------------------------------------------------------------------- */

/* The input context: control, slot, endpoints. */
struct input {
    u32 drop, add;
    u8 slot[CONTEXT], ep0[CONTEXT];
};
static bool input_get(struct xhci *x, u64 at, struct input *in)
{
    u8 c[8];
    at &= ~15ull;
    if (!xhci_read(x, at, c, sizeof(c)) || !xhci_read(x, at + CONTEXT, in->slot, CONTEXT) ||
        !xhci_read(x, at + 2 * CONTEXT, in->ep0, CONTEXT)) {
        return false;
    }
    in->drop = ld32le(c);
    in->add = ld32le(c + 4);
    return true;
}

static unsigned address_device(struct xhci *x, const struct trb *t, unsigned slot)
{
    static const u8 set_address[8] = {0, 5};
    struct xhci_slot *s = &x->slot[slot - 1];
    struct input in;
    u8 dcba[8], setup[8];
    if (!input_get(x, t->param, &in) || (in.add & 3) != 3 || !xhci_read(x, x->dcbaap + 8ull * slot, dcba, 8)) {
        return CC_TRB;
    }
    unsigned port = ld32le(in.slot + 4) >> 16 & 0xff;
    if (port < 1 || port > XHCI_PORTS) {
        return CC_TRB;
    }
    s->context = ld64le(dcba) & ~63ull;
    s->port = (u8)port;
    s->route = ld32le(in.slot) & 0xfffff;
    struct usb_device *d = xhci_device_of(x, slot);
    if (!d) {
        return CC_TRANSACTION;
    }
    ep_set(x, slot, 1, in.ep0);
    bool only = t->control & ADDRESS_ONLY_SLOT;
    if (!only) {
        memcpy(setup, set_address, 8);
        setup[2] = (u8)slot;
        usb_begin(d, setup);
        usb_status(d);
    }
    slot_context_state(x, slot, in.slot, only ? SLOT_DEFAULT : SLOT_ADDRESSED, only ? 0 : slot);
    return CC_SUCCESS;
}

static unsigned configure(struct xhci *x, const struct trb *t, unsigned slot)
{
    struct xhci_slot *s = &x->slot[slot - 1];
    struct input in = {.drop = ~3u};
    u8 own[CONTEXT];
    bool off = t->control & DECONFIGURE;
    if (s->state < SLOT_ADDRESSED) {
        return CC_CONTEXT;
    }
    if (!xhci_read(x, s->context, own, CONTEXT) || (!off && !input_get(x, t->param, &in))) {
        return CC_TRB;
    }
    for (unsigned dci = 2; dci <= XHCI_EPS; dci++) {
        u8 c[CONTEXT];
        if (in.drop >> dci & 1) {
            ep_drop(x, slot, dci);
        }
        if (!off && in.add >> dci & 1 && xhci_read(x, (t->param & ~15ull) + (u64)CONTEXT * (dci + 1), c, CONTEXT)) {
            ep_set(x, slot, dci, c);
        }
    }
    if (!off) { /* how many contexts are in use */
        st32le(own, (ld32le(own) & 0x07ffffff) | (ld32le(in.slot) & 0xf8000000));
    }
    slot_context_state(x, slot, own, off ? SLOT_ADDRESSED : SLOT_CONFIGURED, ld32le(own + 12) & 0xff);
    return CC_SUCCESS;
}

static unsigned evaluate(struct xhci *x, const struct trb *t, unsigned slot)
{
    struct xhci_slot *s = &x->slot[slot - 1];
    struct input in;
    u8 own[CONTEXT];
    if (!input_get(x, t->param, &in) || !xhci_read(x, s->context, own, CONTEXT)) {
        return CC_TRB;
    }
    if (in.add & 1) { /* exit latency, interrupter */
        st32le(own + 4, (ld32le(own + 4) & 0xffff0000) | (ld32le(in.slot + 4) & 0xffff));
        st32le(own + 8, (ld32le(own + 8) & 0x003fffff) | (ld32le(in.slot + 8) & 0xffc00000));
        xhci_write(x, s->context, own, CONTEXT);
    }
    if (in.add & 2 && xhci_read(x, s->context + CONTEXT, own, CONTEXT)) {
        st32le(own + 4, (ld32le(own + 4) & 0xffff) | (ld32le(in.ep0 + 4) & 0xffff0000));
        xhci_write(x, s->context + CONTEXT, own, CONTEXT);
        xhci_ep(x, slot, 1)->packet = (u16)(ld32le(in.ep0 + 4) >> 16);
    }
    return CC_SUCCESS;
}

static unsigned reset_device(struct xhci *x, unsigned slot)
{
    u8 own[CONTEXT];
    if (x->slot[slot - 1].state < SLOT_ADDRESSED) {
        return CC_CONTEXT;
    }
    for (unsigned dci = 2; dci <= XHCI_EPS; dci++) {
        ep_drop(x, slot, dci);
    }
    if (!xhci_read(x, x->slot[slot - 1].context, own, CONTEXT)) {
        return CC_TRB;
    }
    slot_context_state(x, slot, own, SLOT_DEFAULT, 0);
    return CC_SUCCESS;
}

static unsigned ep_command(struct xhci *x, const struct trb *t, unsigned slot)
{
    unsigned dci = t->control >> 16 & 31;
    if (!dci) {
        return CC_TRB;
    }
    struct xhci_ep *ep = xhci_ep(x, slot, dci);
    switch (trb_type(t)) {
    case TRB_RESET_EP:
        if (ep->state != EP_HALTED) {
            return CC_CONTEXT;
        }
        xhci_ep_state(x, ep, EP_STOPPED);
        return CC_SUCCESS;
    case TRB_STOP_EP:
        if (ep->state != EP_RUNNING) {
            return CC_CONTEXT;
        }
        xhci_ep_stop(x, slot, dci);
        return CC_SUCCESS;
    default:
        if (ep->state != EP_STOPPED && ep->state != EP_ERROR) {
            return CC_CONTEXT;
        }
        *ep = (struct xhci_ep){.dequeue = t->param & ~15ull,
                               .cycle = t->param & 1,
                               .context = ep->context,
                               .type = ep->type,
                               .packet = ep->packet};
        xhci_ep_state(x, ep, EP_STOPPED);
        return CC_SUCCESS;
    }
}

static unsigned slot_command(struct xhci *x, const struct trb *t, unsigned slot)
{
    switch (trb_type(t)) {
    case TRB_DISABLE_SLOT:
        xhci_slot_off(x, slot);
        return CC_SUCCESS;
    case TRB_ADDRESS:
        return address_device(x, t, slot);
    case TRB_CONFIGURE:
        return configure(x, t, slot);
    case TRB_EVALUATE:
        return evaluate(x, t, slot);
    case TRB_RESET_DEVICE:
        return reset_device(x, slot);
    default:
        return ep_command(x, t, slot);
    }
}

static void command(struct xhci *x, const struct trb *t)
{
    unsigned slot = t->control >> 24, code = CC_TRB, type = trb_type(t);
    if (type == TRB_ENABLE_SLOT) {
        slot = 0;
        code = slot_enable(x, &slot);
    } else if (type == TRB_COMMAND_NOOP) {
        code = CC_SUCCESS;
    } else if (type >= TRB_DISABLE_SLOT && type <= TRB_RESET_DEVICE) {
        code = slot_ok(x, t, &slot) ? slot_command(x, t, slot) : CC_SLOT_OFF;
    } else {
        unimp(device_name(&x->pci.dev), "command %u", type);
    }
    xhci_event(x, t->at, code << 24, TRB_COMPLETION_EVENT << 10 | slot << 24);
}

void xhci_commands(struct xhci *x)
{
    unsigned links = 0;
    for (unsigned i = 0; i < MOST_COMMANDS && x->usbcmd & USBCMD_RUN; i++) {
        struct trb t;
        if (!xhci_trb_get(x, x->command, &t) || (t.control & TRB_CYCLE) != x->command_cycle) {
            return;
        }
        if (trb_type(&t) == TRB_LINK) {
            x->command = t.param & ~15ull;
            x->command_cycle ^= t.control & TRB_TOGGLE ? 1 : 0;
            if (++links > MOST_LINKS) {
                return;
            }
            continue;
        }
        x->command += 16;
        command(x, &t);
    }
}

/* A USB 2 hub with eight ports (USB 2.0, chapter 11), of high speed: what is behind it moves its data with the
 * controller directly, as split transactions look to software. Ports are powered one by one and change nothing while
 * they are not. Not modelled: indicators, over-current, the translator's own requests (they succeed). */
#include "hw/usb/usb.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"

enum { PORTS = 8, MOST_TIERS = 5, STATUS_EP = 1 | USB_IN };
enum {
    GET_HUB_DESCRIPTOR = 0xa006,
    GET_HUB_STATUS = 0xa000,
    GET_PORT_STATUS = 0xa300,
    SET_HUB_FEATURE = 0x2003,
    CLEAR_HUB_FEATURE = 0x2001,
    SET_PORT_FEATURE = 0x2303,
    CLEAR_PORT_FEATURE = 0x2301,
    CLEAR_TT_BUFFER = 0x2308,
    RESET_TT = 0x2309,
    STOP_TT = 0x230b,
};
enum { F_ENABLE = 1, F_SUSPEND = 2, F_RESET = 4, F_POWER = 8, F_C_CONNECTION = 16, F_C_RESET = 20 };
enum {
    S_CONNECTION = 1 << 0,
    S_ENABLE = 1 << 1,
    S_SUSPEND = 1 << 2,
    S_POWER = 1 << 8,
    S_LOW = 1 << 9,
    S_HIGH = 1 << 10
};
enum { C_CONNECTION = 1 << 0, C_ENABLE = 1 << 1, C_SUSPEND = 1 << 2, C_RESET = 1 << 4 };

struct usb_hub {
    struct usb_device usb;
    struct usb_device *child[PORTS];
    u16 status[PORTS], change[PORTS];
};

static const u8 device_descriptor[18] = {18, 1, 0x00, 0x02, 9, 0, 1, 64, 0x09, 0x04, 0xaa, 0x55, 1, 1, 1, 2, 3, 1};
static const u8 config_descriptor[25] = {9, 2, 25, 0, 1, 1, 0, 0xe0,      0, 9, 4, 0, 0,
                                         1, 9, 0,  0, 0, 7, 5, STATUS_EP, 3, 2, 0, 12};
static const char *const strings[] = {"QEMU", "QEMU USB Hub", "314159", NULL};
static const u8 hub_descriptor[11] = {11, 0x29, PORTS, 0x09, 0, 10, 0, 0, 0, 0xff, 0xff};

/* -- ports ------------------------------------------------------------------------------------------------------------
 */

static void change_note(struct usb_hub *s, unsigned i, u16 change)
{
    s->change[i] |= change;
    usb_ready(&s->usb, STATUS_EP);
}
static u16 connected(const struct usb_hub *s, unsigned i)
{
    const struct usb_device *c = s->child[i];
    enum usb_speed speed = c ? usb_class_of(c)->speed : USB_FULL;
    return !c ? 0 : S_CONNECTION | (speed == USB_HIGH ? S_HIGH : speed == USB_LOW ? S_LOW : 0);
}
static int port_set(struct usb_hub *s, unsigned i, unsigned feature)
{
    switch (feature) {
    case F_POWER:
        if (!(s->status[i] & S_POWER)) {
            s->status[i] = S_POWER | connected(s, i);
            if (s->child[i]) {
                change_note(s, i, C_CONNECTION);
            }
        }
        return 0;
    case F_RESET:
        if (s->status[i] & S_CONNECTION) {
            usb_bus_reset(s->child[i]);
            s->status[i] = (u16)((s->status[i] & ~S_SUSPEND) | S_ENABLE);
            change_note(s, i, C_RESET);
        }
        return 0;
    case F_SUSPEND:
        s->status[i] |= s->status[i] & S_ENABLE ? S_SUSPEND : 0;
        return 0;
    default:
        return -1;
    }
}
static int port_clear(struct usb_hub *s, unsigned i, unsigned feature)
{
    switch (feature) {
    case F_ENABLE:
        s->status[i] &= (u16)~S_ENABLE;
        return 0;
    case F_SUSPEND:
        if (s->status[i] & S_SUSPEND) {
            s->status[i] &= (u16)~S_SUSPEND;
            change_note(s, i, C_SUSPEND);
        }
        return 0;
    case F_POWER:
        s->status[i] = 0;
        return 0;
    default:
        if (feature < F_C_CONNECTION || feature > F_C_RESET) {
            return -1;
        }
        s->change[i] &= (u16) ~(1u << (feature - F_C_CONNECTION));
        return 0;
    }
}

/* -- requests and the status endpoint
 * ----------------------------------------------------------------------------------- */

static int port_request(struct usb_hub *s, const struct usb_setup *q, u8 *p)
{
    unsigned i = (q->index & 0xff) - 1u;
    if (i >= PORTS) {
        return -1;
    }
    switch (q->type << 8 | q->request) {
    case GET_PORT_STATUS:
        st16le(p, s->status[i]);
        st16le(p + 2, s->change[i]);
        return 4;
    case SET_PORT_FEATURE:
        return port_set(s, i, q->value);
    default:
        return port_clear(s, i, q->value);
    }
}
static int hub_request(struct usb_device *d, const struct usb_setup *q, u8 *p)
{
    switch (q->type << 8 | q->request) {
    case GET_HUB_DESCRIPTOR:
        memcpy(p, hub_descriptor, sizeof(hub_descriptor));
        return sizeof(hub_descriptor);
    case GET_HUB_STATUS:
        st32le(p, 0);
        return 4;
    case SET_HUB_FEATURE:
    case CLEAR_HUB_FEATURE:
    case CLEAR_TT_BUFFER:
    case RESET_TT:
    case STOP_TT:
        return 0;
    case GET_PORT_STATUS:
    case SET_PORT_FEATURE:
    case CLEAR_PORT_FEATURE:
        return port_request((struct usb_hub *)d, q, p);
    default:
        return -1;
    }
}
/* A bit a port that has changed, port 1's is bit 1. */
static enum usb_result hub_data(struct usb_device *d, struct usb_span *span)
{
    const struct usb_hub *s = (const struct usb_hub *)d;
    u8 map[2] = {0};
    for (unsigned i = 0; i < PORTS; i++) {
        map[(i + 1) / 8] |= (u8)(s->change[i] ? 1u << (i + 1) % 8 : 0);
    }
    if (span->ep != STATUS_EP) {
        return USB_STALL;
    }
    if (!map[0] && !map[1]) {
        return USB_NAK;
    }
    span->done = MIN(span->n, 2u);
    memcpy(span->p, map, span->done);
    return USB_DONE;
}
static void hub_bus_reset(struct usb_device *d)
{
    struct usb_hub *s = (struct usb_hub *)d;
    memset(s->status, 0, sizeof(s->status));
    memset(s->change, 0, sizeof(s->change));
}

/* -- what is behind it
 * ---------------------------------------------------------------------------------------------------- */

static struct usb_device *hub_child(struct usb_device *d, unsigned port)
{
    struct usb_hub *s = (struct usb_hub *)d;
    return port >= 1 && port <= PORTS && s->status[port - 1] & S_ENABLE ? s->child[port - 1] : NULL;
}
static bool hub_take(struct usb_device *d, struct usb_device *child, const char *wanted, struct err *e)
{
    struct usb_hub *s = (struct usb_hub *)d;
    unsigned i = 0;
    if (wanted) {
        char *end;
        unsigned long v = strtoul(wanted, &end, 10);
        if (*end == '.' && v >= 1 && v <= PORTS && s->child[v - 1] && usb_class_of(s->child[v - 1])->plug) {
            return usb_class_of(s->child[v - 1])->plug(s->child[v - 1], child, end + 1, e);
        }
        if (*end || v < 1 || v > PORTS) {
            return err_set(e, "port=%s: expected a port of the hub, 1 to %u", wanted, PORTS);
        }
        i = (unsigned)v - 1;
    } else {
        while (i < PORTS && s->child[i]) {
            i++;
        }
    }
    if (i == PORTS || s->child[i]) {
        return err_set(e, "the hub has no free port there");
    }
    if (usb_class_of(child)->speed == USB_SUPER || d->tier + 1 > MOST_TIERS || !d->host) {
        return err_set(e, "a hub takes devices of USB 2 only, at most %u hubs in a row", MOST_TIERS);
    }
    s->child[i] = child;
    child->host = d->host;
    child->host_dev = d->host_dev;
    child->port = d->port;
    child->tier = (u8)(d->tier + 1);
    child->route = d->route | (i + 1) << (4 * d->tier);
    return true;
}
static bool hub_plug(struct device *hub, struct device *child, struct err *e)
{
    struct usb_device *c = (struct usb_device *)child;
    return hub_take((struct usb_device *)hub, c, c->port_wanted, e);
}

static bool hub_loaded(struct device *d, struct err *e)
{
    struct usb_hub *s = (struct usb_hub *)d;
    for (unsigned i = 0; i < PORTS; i++) {
        if (s->status[i] & (S_CONNECTION | S_ENABLE) && !s->child[i]) {
            return err_set(e, "something was at port %u", i + 1);
        }
    }
    return usb_loaded(&s->usb, e);
}

static const struct usb_class hub_usb = {.speed = USB_HIGH,
                                         .device = device_descriptor,
                                         .config = config_descriptor,
                                         .config_len = sizeof(config_descriptor),
                                         .strings = strings,
                                         .data = hub_data,
                                         .request = hub_request,
                                         .reset = hub_bus_reset,
                                         .child = hub_child,
                                         .plug = hub_take};
static const struct field hub_state[] = {
    USB_FIELDS(struct usb_hub, usb),
    FIELDS(struct usb_hub, status),
    FIELDS(struct usb_hub, change),
    {0},
};
static const struct prop hub_props[] = {USB_PROPS(struct usb_hub, usb), {0}};
const struct device_class usb_hub_class = {
    .name = "usb-hub",
    .doc = "USB hub with eight ports",
    .bus = "usb",
    .provides = "usb",
    .bus_slots = PORTS,
    .size = sizeof(struct usb_hub),
    .state = hub_state,
    .props = hub_props,
    .loaded = hub_loaded,
    .plug = hub_plug,
    .bus_class = &hub_usb,
};

/* What USB devices have in common: the default control pipe and the standard requests (USB 2.0, 8.5.3 and 9.4). */
#include "hw/usb/usb.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"

enum { CTL_IDLE, CTL_IN, CTL_OUT, CTL_STALL, CTL_STATES };
enum { FEATURE_HALT = 0, FEATURE_WAKEUP = 1, LANG_US = 0x0409 };

static struct usb_setup setup_of(const u8 *p)
{
    return (struct usb_setup){
        .type = p[0], .request = p[1], .value = ld16le(p + 2), .index = ld16le(p + 4), .length = ld16le(p + 6)};
}
static u32 halt_bit(u8 ep)
{
    return 1u << ((ep & 15) + (ep & USB_IN ? 16 : 0));
}

void usb_ready(struct usb_device *d, u8 ep)
{
    if (d->host) {
        d->host->ready(d->host_dev, d, ep);
    }
}

/* -- descriptors -------------------------------------------------------------------------------------------------- */

static int string_get(const struct usb_device *d, unsigned n, u8 *p)
{
    enum { SERIAL_INDEX = 16 };
    const struct usb_class *c = usb_class_of(d);
    if (n == 0) {
        p[0] = 4;
        p[1] = USB_DT_STRING;
        st16le(p + 2, LANG_US);
        return 4;
    }
    for (unsigned i = 1; c->strings && c->strings[i - 1]; i++) {
        if (i == n) {
            const char *text = d->serial && n == c->device[SERIAL_INDEX] ? d->serial : c->strings[n - 1];
            size_t len = MIN(strlen(text), (size_t)126);
            p[0] = (u8)(2 + 2 * len);
            p[1] = USB_DT_STRING;
            for (size_t k = 0; k < len; k++) {
                st16le(p + 2 + 2 * k, (u8)text[k]);
            }
            return p[0];
        }
    }
    return -1;
}
/* What it would be at full speed, of a device of high speed. */
static int qualifier_get(const struct usb_class *c, u8 *p)
{
    if (c->speed != USB_HIGH) {
        return -1;
    }
    const u8 q[10] = {10, USB_DT_QUALIFIER, c->device[2], c->device[3], c->device[4], c->device[5], c->device[6], 64, 1,
                      0};
    memcpy(p, q, sizeof(q));
    return sizeof(q);
}
static int descriptor_get(const struct usb_device *d, const struct usb_setup *s, u8 *p)
{
    const struct usb_class *c = usb_class_of(d);
    switch (s->value >> 8) {
    case USB_DT_DEVICE:
        memcpy(p, c->device, 18);
        return 18;
    case USB_DT_CONFIG:
        if (s->value & 0xff) {
            return -1;
        }
        memcpy(p, c->config, c->config_len);
        return c->config_len;
    case USB_DT_STRING:
        return string_get(d, s->value & 0xff, p);
    case USB_DT_QUALIFIER:
        return qualifier_get(c, p);
    default:
        return -1;
    }
}

/* -- standard requests -------------------------------------------------------------------------------------------- */

static int put2(u8 *p, u16 v)
{
    st16le(p, v);
    return 2;
}
static int configure(struct usb_device *d, u8 n)
{
    const struct usb_class *c = usb_class_of(d);
    if (n > 1) {
        return -1;
    }
    bool was = d->config;
    d->config = n;
    d->halted = 0;
    if (c->configured && was != n) {
        c->configured(d, n);
    }
    return 0;
}
static int halt_set(struct usb_device *d, u8 ep, bool on)
{
    if (on) {
        d->halted |= halt_bit(ep);
        return 0;
    }
    d->halted &= ~halt_bit(ep);
    if (usb_class_of(d)->cleared) {
        usb_class_of(d)->cleared(d, ep);
    }
    return 0;
}
static int feature_set(struct usb_device *d, const struct usb_setup *s, bool on)
{
    if (s->value != FEATURE_WAKEUP) {
        return -1;
    }
    d->remote_wakeup = on;
    return 0;
}

/* Bytes of an answer, 0 for what has none, -1: STALL. */
static int request(struct usb_device *d, const struct usb_setup *s, u8 *p)
{
    const struct usb_class *c = usb_class_of(d);
    switch (s->type << 8 | s->request) {
    case USB_GET_STATUS:
        return put2(p, (u16)((c->config[7] >> 6 & 1) | d->remote_wakeup << 1));
    case USB_IF_STATUS:
        return put2(p, 0);
    case USB_EP_STATUS:
        return put2(p, d->halted & halt_bit((u8)s->index) ? 1 : 0);
    case USB_CLEAR_FEATURE:
        return feature_set(d, s, false);
    case USB_SET_FEATURE:
        return feature_set(d, s, true);
    case USB_EP_CLEAR_FEATURE:
        return s->value == FEATURE_HALT ? halt_set(d, (u8)s->index, false) : -1;
    case USB_EP_SET_FEATURE:
        return s->value == FEATURE_HALT ? halt_set(d, (u8)s->index, true) : -1;
    case USB_SET_ADDRESS:
        d->address = s->value & 0x7f;
        return 0;
    case USB_GET_DESCRIPTOR:
        return descriptor_get(d, s, p);
    case USB_GET_CONFIGURATION:
        p[0] = d->config;
        return 1;
    case USB_SET_CONFIGURATION:
        return configure(d, (u8)s->value);
    case USB_GET_INTERFACE:
        p[0] = 0;
        return 1;
    case USB_SET_INTERFACE:
        return s->value ? -1 : 0;
    default:
        return c->request ? c->request(d, s, p) : -1;
    }
}

/* -- the control pipe --------------------------------------------------------------------------------------------- */

void usb_begin(struct usb_device *d, const u8 raw[8])
{
    struct usb_setup s = setup_of(raw);
    memcpy(d->setup, raw, 8);
    d->ctl_at = d->ctl_len = 0;
    d->ctl_state = CTL_OUT;
    if (!(s.type & USB_IN)) {
        d->ctl_len = MIN(s.length, (u16)USB_CONTROL_MAX);
        d->ctl_state = s.length > USB_CONTROL_MAX ? CTL_STALL : CTL_OUT;
        return;
    }
    int n = request(d, &s, d->ctl);
    d->ctl_state = n < 0 ? CTL_STALL : CTL_IN;
    d->ctl_len = (u16)(n < 0 ? 0 : MIN(n, (int)s.length));
    if (n < 0) {
        guest_error(device_name(&d->dev), "request %02x:%02x value %04x is none of this device", s.type, s.request,
                    s.value);
    }
}
static enum usb_result control_data(struct usb_device *d, struct usb_span *s)
{
    bool in = s->ep & USB_IN;
    s->done = 0;
    if (d->ctl_state != (in ? CTL_IN : CTL_OUT)) {
        return USB_STALL;
    }
    s->done = MIN(s->n, (u32)(d->ctl_len - d->ctl_at));
    if (in) {
        memcpy(s->p, d->ctl + d->ctl_at, s->done);
    } else {
        memcpy(d->ctl + d->ctl_at, s->p, s->done);
    }
    d->ctl_at = (u16)(d->ctl_at + s->done);
    return in || s->done == s->n ? USB_DONE : USB_STALL;
}
enum usb_result usb_status(struct usb_device *d)
{
    u8 state = d->ctl_state;
    d->ctl_state = CTL_IDLE;
    if (state == CTL_OUT) {
        struct usb_setup s = setup_of(d->setup);
        return request(d, &s, d->ctl) < 0 ? USB_STALL : USB_DONE;
    }
    return state == CTL_IN ? USB_DONE : USB_STALL;
}

enum usb_result usb_data(struct usb_device *d, struct usb_span *s)
{
    s->done = 0;
    if (!(s->ep & 15)) {
        return control_data(d, s);
    }
    if (!d->config || d->halted & halt_bit(s->ep)) {
        return USB_STALL;
    }
    enum usb_result r = usb_class_of(d)->data(d, s);
    if (r == USB_STALL) {
        d->halted |= halt_bit(s->ep);
    }
    return r;
}

void usb_bus_reset(struct usb_device *d)
{
    const struct usb_class *c = usb_class_of(d);
    bool was = d->config;
    d->address = d->config = d->remote_wakeup = 0;
    d->halted = 0;
    d->ctl_state = CTL_IDLE;
    d->ctl_at = d->ctl_len = 0;
    if (c->configured && was) {
        c->configured(d, false);
    }
    if (c->reset) {
        c->reset(d);
    }
}
bool usb_loaded(const struct usb_device *d, struct err *e)
{
    return (d->ctl_state < CTL_STATES && d->ctl_len <= USB_CONTROL_MAX && d->ctl_at <= d->ctl_len && d->config < 2) ||
           err_set(e, "a control transfer that cannot be");
}

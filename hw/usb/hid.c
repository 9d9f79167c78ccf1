/* USB keyboard, mouse and tablet: human interface devices of full speed (HID 1.11; usage numbers: HID Usage
 * Tables 1.12).
 *
 * Reports are sent when something changed. The keyboard and the mouse also speak the boot protocol, in which the report
 * is the same, but for the mouse's wheels. Not modelled: idle rates other than "never again", the tablet's touch.
 * What a display sends between two reports is put together, but never a press and its release. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/usb/hid_keys.h"
#include "hw/usb/usb.h"
#include "ui/input.h"

enum { QUEUE = 32, REPORT = 8, POLL_EP = 1 | USB_IN };
enum {
    HID_GET_REPORT = 0xa101,
    HID_GET_IDLE = 0xa102,
    HID_GET_PROTOCOL = 0xa103,
    HID_SET_REPORT = 0x2109,
    HID_SET_IDLE = 0x210a,
    HID_SET_PROTOCOL = 0x210b,
    DT_HID = 0x21,
    DT_REPORT = 0x22
};
enum { ROLL_OVER = 1, MODIFIERS = 0xe0, KEYS = 6 };

struct usb_hid {
    struct usb_device usb;
    struct input_sink sink;
    /* state */
    u8 queue[QUEUE][REPORT];                             /* a ring of reports */
    u8 head, count, idle, protocol, leds, buttons, told; /* told: buttons of the last report that was queued */
    u8 keys[32];                                         /* a bit a usage that is down */
    u32 x, y, wheel, pan;                                /* moved, or where (tablet), since the last report */
    u8 moved;
};

struct hid_kind {
    struct usb_class usb;
    const u8 *report;
    u8 report_len, size, boot_size; /* bytes of a report, in each protocol */
    bool keyboard, absolute;
};
static const struct hid_kind *kind_of(const struct usb_hid *s)
{
    return (const struct hid_kind *)usb_class_of(&s->usb);
}

/* -- descriptors -------------------------------------------------------------------------------------------------- */

static const u8 keyboard_report[] = {0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, /* generic desktop, keyboard, application */
                                     0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, /* modifiers */
                                     0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, /* */
                                     0x95, 0x01, 0x75, 0x08, 0x81, 0x01,             /* a reserved byte */
                                     0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, /* LEDs */
                                     0x95, 0x01, 0x75, 0x03, 0x91, 0x01,                                     /* */
                                     0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26, 0xff, 0x00, /* six keys */
                                     0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00, 0xc0};
/* Consumer page, AC Pan: how far a wheel that tilts went to the right. */
#define PAN_ITEMS 0x05, 0x0c, 0x0a, 0x38, 0x02, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06
static const u8 mouse_report[] = {0x05,      0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, 0x05, 0x09, 0x19,
                                  0x01,      0x29, 0x05, 0x15, 0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01, 0x81, 0x02,
                                  0x95,      0x01, 0x75, 0x03, 0x81, 0x01, 0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09,
                                  0x38,      0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06, /* */
                                  PAN_ITEMS, 0xc0, 0xc0};
static const u8 tablet_report[] = {0x05,      0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, 0x05, 0x09,
                                   0x19,      0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, 0x95, 0x05, 0x75, 0x01,
                                   0x81,      0x02, 0x95, 0x01, 0x75, 0x03, 0x81, 0x01, 0x05, 0x01, 0x09, 0x30,
                                   0x09,      0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, 0x35, 0x00, 0x46, 0xff, 0x7f,
                                   0x75,      0x10, 0x95, 0x02, 0x81, 0x02, 0x05, 0x01, 0x09, 0x38, 0x15, 0x81,
                                   0x25,      0x7f, 0x35, 0x00, 0x45, 0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06, /* */
                                   PAN_ITEMS, 0xc0, 0xc0};

/* Configuration, interface (sub-class 1 is "boot"), HID, endpoint 1. */
#define CONFIG(sub, protocol, len, size, interval) \
    { \
        9, 2, 34, 0, 1, 1, 0, 0xa0, 50, 9, 4, 0, 0, 1, 3, (sub), (protocol), 0, 9, 0x21, 0x11, 0x01, 0, 1, 0x22, \
            (u8)(len), (u8)((len) >> 8), 7, 5, POLL_EP, 3, (size), 0, (interval) \
    }
#define DEVICE(product) \
    { \
        18, 1, 0x00, 0x02, 0, 0, 0, 8, 0x27, 0x06, (product), 0x00, 0x00, 0x00, 1, 2, 3, 1 \
    }
static const u8 keyboard_device[] = DEVICE(1), mouse_device[] = DEVICE(1), tablet_device[] = DEVICE(1);
static const u8 keyboard_config[] = CONFIG(1, 1, sizeof(keyboard_report), 8, 10);
static const u8 mouse_config[] = CONFIG(1, 2, sizeof(mouse_report), 8, 10);
static const u8 tablet_config[] = CONFIG(0, 0, sizeof(tablet_report), 8, 4);
static const char *const keyboard_strings[] = {"QEMU", "QEMU USB Keyboard", "68284", NULL};
static const char *const mouse_strings[] = {"QEMU", "QEMU USB Mouse", "89126", NULL};
static const char *const tablet_strings[] = {"QEMU", "QEMU USB Tablet", "28754", NULL};

/* -- reports ------------------------------------------------------------------------------------------------------ */

static i32 take(u32 *sum, i32 most)
{
    i32 v = MAX(-most, MIN((i32)*sum, most));
    *sum -= (u32)v;
    return v;
}

/* More keys than a report holds are told as "roll over". */
static void keyboard_make(const struct usb_hid *s, u8 *p)
{
    unsigned n = 0;
    memset(p, 0, REPORT);
    p[0] = s->keys[MODIFIERS / 8];
    for (unsigned u = 4; u < MODIFIERS; u++) {
        if (s->keys[u / 8] >> u % 8 & 1) {
            if (n == KEYS) {
                memset(p + 2, ROLL_OVER, KEYS);
                return;
            }
            p[2 + n++] = (u8)u;
        }
    }
}
static void pointer_make(struct usb_hid *s, u8 *p)
{
    memset(p, 0, REPORT);
    p[0] = s->buttons;
    if (kind_of(s)->absolute) {
        st16le(p + 1, (u16)s->x);
        st16le(p + 3, (u16)s->y);
        p[5] = (u8)take(&s->wheel, 127);
        p[6] = (u8)take(&s->pan, 127);
        s->moved = s->wheel || s->pan;
    } else {
        p[1] = (u8)take(&s->x, 127);
        p[2] = (u8)take(&s->y, 127);
        p[3] = (u8)take(&s->wheel, 127);
        p[4] = (u8)take(&s->pan, 127);
        s->moved = s->x || s->y || s->wheel || s->pan;
    }
    s->told = s->buttons;
}
static void report_make(struct usb_hid *s, u8 *p)
{
    if (kind_of(s)->keyboard) {
        keyboard_make(s, p);
    } else {
        pointer_make(s, p);
    }
}

/* A full queue keeps what is oldest; the state itself is told when there is room again. */
static void queue_put(struct usb_hid *s)
{
    if (s->count < QUEUE) {
        report_make(s, s->queue[(s->head + s->count) % QUEUE]);
        s->count++;
    } else {
        s->moved = true;
    }
    usb_ready(&s->usb, POLL_EP);
}

static enum usb_result hid_data(struct usb_device *d, struct usb_span *span)
{
    struct usb_hid *s = (struct usb_hid *)d;
    const struct hid_kind *k = kind_of(s);
    if (span->ep != POLL_EP) {
        return USB_STALL;
    }
    if (!s->count && s->moved) {
        s->moved = false;
        report_make(s, s->queue[s->head]);
        s->count = 1;
    }
    if (!s->count) {
        return USB_NAK;
    }
    span->done = MIN(span->n, (u32)(s->protocol ? k->size : k->boot_size));
    memcpy(span->p, s->queue[s->head], span->done);
    s->head = (u8)((s->head + 1) % QUEUE);
    s->count--;
    return USB_DONE;
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

/* Bits of a keyboard's output report: num, caps, scroll. */
static void leds_set(struct usb_hid *s, u8 v)
{
    s->leds = v;
    input_set_leds((v & 1 ? LED_NUM : 0) | (v & 2 ? LED_CAPS : 0) | (v & 4 ? LED_SCROLL : 0));
}
static int hid_request(struct usb_device *d, const struct usb_setup *q, u8 *p)
{
    struct usb_hid *s = (struct usb_hid *)d;
    const struct hid_kind *k = kind_of(s);
    switch (q->type << 8 | q->request) {
    case USB_IF_DESCRIPTOR:
        if (q->value >> 8 == DT_REPORT) {
            memcpy(p, k->report, k->report_len);
            return k->report_len;
        }
        memcpy(p, k->usb.config + 18, 9);
        return q->value >> 8 == DT_HID ? 9 : -1;
    case HID_GET_REPORT:
        report_make(s, p);
        return s->protocol ? k->size : k->boot_size;
    case HID_SET_REPORT:
        if (!k->keyboard || q->length != 1) {
            return -1;
        }
        leds_set(s, p[0]);
        return 0;
    case HID_GET_IDLE:
        p[0] = s->idle;
        return 1;
    case HID_SET_IDLE:
        s->idle = (u8)(q->value >> 8);
        return 0;
    case HID_GET_PROTOCOL:
        p[0] = s->protocol;
        return 1;
    case HID_SET_PROTOCOL:
        s->protocol = q->value & 1;
        return 0;
    default:
        return -1;
    }
}

/* Only a driver's device gets events: until then they are the PS/2 ones'. */
static void hid_configured(struct usb_device *d, bool on)
{
    struct usb_hid *s = (struct usb_hid *)d;
    s->head = s->count = 0;
    s->moved = false;
    if (on) {
        input_wake(&s->sink);
    } else {
        input_sleep(&s->sink);
    }
}
static void hid_bus_reset(struct usb_device *d)
{
    struct usb_hid *s = (struct usb_hid *)d;
    s->protocol = 1;
    s->idle = s->head = s->count = s->moved = 0;
}

/* -- events ------------------------------------------------------------------------------------------------------- */

static void keyboard_event(void *opaque, const struct input_event *e)
{
    struct usb_hid *s = opaque;
    u8 usage = e->kind == INPUT_KEY ? hid_key_usage(e->code) : 0;
    u8 bit = (u8)(1u << usage % 8), *byte = &s->keys[usage / 8];
    if (!usage || !(*byte & bit) == !e->value) {
        return;
    }
    *byte = (u8)(e->value ? *byte | bit : *byte & ~bit);
    queue_put(s);
}

static void button_set(struct usb_hid *s, unsigned button, bool down)
{
    static const u8 order[BUTTONS] = {
        [BUTTON_LEFT] = 0, [BUTTON_RIGHT] = 1, [BUTTON_MIDDLE] = 2, [BUTTON_SIDE] = 3, [BUTTON_EXTRA] = 4};
    if (button >= BUTTONS) {
        return;
    }
    u8 bit = (u8)(1u << order[button]);
    if (s->told != s->buttons) { /* a change before this one was not queued yet */
        queue_put(s);
    }
    s->buttons = (u8)(down ? s->buttons | bit : s->buttons & ~bit);
}
static void pointer_event(void *opaque, const struct input_event *e)
{
    struct usb_hid *s = opaque;
    bool absolute = kind_of(s)->absolute;
    switch (e->kind) {
    case INPUT_BUTTON:
        button_set(s, e->code, e->value);
        break;
    case INPUT_REL:
    case INPUT_ABS:
        if ((e->kind == INPUT_ABS) == absolute && e->code <= AXIS_Y) {
            u32 *at = e->code == AXIS_X ? &s->x : &s->y;
            *at = absolute ? (u32)e->value : *at + (u32)e->value;
            s->moved = true;
        }
        break;
    case INPUT_WHEEL:
        *(e->code == AXIS_WHEEL ? &s->wheel : &s->pan) += (u32)e->value;
        s->moved = true;
        break;
    default:
        break;
    }
}
static void pointer_sync(void *opaque)
{
    struct usb_hid *s = opaque;
    if (s->told != s->buttons) {
        queue_put(s);
    } else if (s->moved) {
        usb_ready(&s->usb, POLL_EP);
    }
}

/* -- the devices -------------------------------------------------------------------------------------------------- */

static bool hid_init(struct device *d, struct err *e)
{
    struct usb_hid *s = (struct usb_hid *)d;
    const struct hid_kind *k = kind_of(s);
    (void)e;
    s->sink.name = k->usb.strings[1];
    s->sink.opaque = s;
    s->sink.event = k->keyboard ? keyboard_event : pointer_event;
    s->sink.sync = k->keyboard ? NULL : pointer_sync;
    s->sink.kinds = k->keyboard ? 1 << INPUT_KEY
                                : 1 << INPUT_BUTTON | 1 << INPUT_WHEEL | 1 << (k->absolute ? INPUT_ABS : INPUT_REL);
    input_add(&s->sink);
    input_sleep(&s->sink);
    return true;
}
static void hid_reset(struct device *d)
{
    input_sleep(&((struct usb_hid *)d)->sink);
}
static bool hid_loaded(struct device *d, struct err *e)
{
    struct usb_hid *s = (struct usb_hid *)d;
    if (s->head >= QUEUE || s->count > QUEUE || !usb_loaded(&s->usb, e)) {
        return err_set(e, "reports that cannot be");
    }
    if (s->usb.config) {
        input_wake(&s->sink);
    } else {
        input_sleep(&s->sink);
    }
    return true;
}
static void hid_fini(struct device *d)
{
    input_remove(&((struct usb_hid *)d)->sink);
}

static const struct field hid_state[] = {
    USB_FIELDS(struct usb_hid, usb),
    {.name = "queue", .off = offsetof(struct usb_hid, queue), .size = 1, .count = QUEUE * REPORT, .flags = F_HIDDEN},
    FIELD(struct usb_hid, head),
    FIELD(struct usb_hid, count),
    FIELD(struct usb_hid, idle),
    FIELD(struct usb_hid, protocol, .reset = 1),
    FIELD(struct usb_hid, leds),
    FIELD(struct usb_hid, buttons),
    FIELD(struct usb_hid, told),
    FIELDS(struct usb_hid, keys),
    FIELD(struct usb_hid, x),
    FIELD(struct usb_hid, y),
    FIELD(struct usb_hid, wheel),
    FIELD(struct usb_hid, pan),
    FIELD(struct usb_hid, moved),
    {0},
};
static const struct prop hid_props[] = {USB_PROPS(struct usb_hid, usb), {0}};

#define HID_CLASS(id, cls_name, text, bytes, boot, ...) \
    static const struct hid_kind id##_kind = {.usb = {.speed = USB_FULL, \
                                                      .device = id##_device, \
                                                      .config = id##_config, \
                                                      .config_len = sizeof(id##_config), \
                                                      .strings = id##_strings, \
                                                      .data = hid_data, \
                                                      .request = hid_request, \
                                                      .configured = hid_configured, \
                                                      .reset = hid_bus_reset}, \
                                              .report = id##_report, \
                                              .report_len = sizeof(id##_report), \
                                              .size = (bytes), \
                                              .boot_size = (boot), \
                                              __VA_ARGS__}; \
    const struct device_class usb_##id##_class = {.name = cls_name, \
                                                  .doc = text, \
                                                  .bus = "usb", \
                                                  .size = sizeof(struct usb_hid), \
                                                  .state = hid_state, \
                                                  .props = hid_props, \
                                                  .init = hid_init, \
                                                  .reset = hid_reset, \
                                                  .loaded = hid_loaded, \
                                                  .fini = hid_fini, \
                                                  .bus_class = &id##_kind}
HID_CLASS(keyboard, "usb-kbd", "USB keyboard", 8, 8, .keyboard = true);
HID_CLASS(mouse, "usb-mouse", "USB mouse with a wheel that tilts", 5, 3, .absolute = false);
HID_CLASS(tablet, "usb-tablet", "USB tablet: a pointer that knows where it is", 7, 7, .absolute = true);

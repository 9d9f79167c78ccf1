/* virtio input devices (Virtio 1.2, 5.8): keyboard, mouse, tablet. They speak Linux's input events, which is what the
 * input queue has; a device takes events once its driver runs.
 *
 * A group of events that finds too few buffers is dropped whole, so that the driver never sees half a movement; keys
 * that went down or up meanwhile are lost, as on a keyboard that nobody reads. */
#include "hw/input/virtio_input.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"
#include "ui/input.h"

enum { EVENT_QUEUE, STATUS_QUEUE, QUEUE_SIZE = 64 };
enum { CFG_UNSET, CFG_ID_NAME, CFG_ID_SERIAL, CFG_ID_DEVIDS, CFG_PROP_BITS = 0x10, CFG_EV_BITS, CFG_ABS_INFO };
enum { BUS_VIRTUAL = 6, CONFIG_SIZE = 136, CONFIG_DATA = 8, DATA_SIZE = 128, EVENT_SIZE = 8, PENDING = 32 };

struct virtio_input_conf {
    struct virtio_conf common;
    const char *serial;
};
/* What a kind of device is: numbers of Linux's input-event-codes.h. */
struct input_kind_info {
    const char *name;
    u16 product;
    u8 kinds;             /* 1 << enum input_kind */
    u16 key_min, key_max; /* all of them, or the buttons */
    u32 rel, abs, led;    /* bit masks */
    bool repeats;
};
struct pending {
    u16 type, code;
    u32 value;
};
struct virtio_input {
    struct virtio_device v;
    struct virtio_input_conf conf;
    const struct input_kind_info *info;
    struct input_sink sink;
    u8 select, subsel;
    u32 leds;
    struct pending pending[PENDING];
    unsigned npending;
};

/* -- configuration ---------------------------------------------------------------------------------------------------
 */

static void bit_set(u8 *data, unsigned n)
{
    data[n / 8] |= (u8)(1 << n % 8);
}

static unsigned bits_len(const u8 *data)
{
    unsigned n = DATA_SIZE;
    while (n && !data[n - 1]) {
        n--;
    }
    return n;
}

static void mask_put(u8 *data, u32 mask)
{
    st32le(data, mask);
}

static unsigned ev_bits(const struct input_kind_info *k, unsigned type, u8 *data)
{
    switch (type) {
    case EV_KEY:
        for (unsigned i = k->key_min; i <= k->key_max; i++) {
            bit_set(data, i);
        }
        break;
    case EV_REL:
        mask_put(data, k->rel);
        break;
    case EV_ABS:
        mask_put(data, k->abs);
        break;
    case EV_LED:
        mask_put(data, k->led);
        break;
    case EV_REP:
        mask_put(data, k->repeats ? 1 << REP_DELAY | 1 << REP_PERIOD : 0);
        break;
    default:
        break;
    }
    return bits_len(data);
}

static unsigned text_put(u8 *data, const char *s)
{
    size_t n = s ? MIN(strlen(s), (size_t)DATA_SIZE) : 0;
    memcpy(data, s ? s : "", n);
    return (unsigned)n;
}

static unsigned answer(const struct virtio_input *s, u8 *data)
{
    const struct input_kind_info *k = s->info;
    if (s->select == CFG_EV_BITS) {
        return ev_bits(k, s->subsel, data);
    }
    if (s->select == CFG_ABS_INFO) {
        st32le(data + 4, INPUT_ABS_MAX);
        return k->abs >> (s->subsel & 31) & (s->subsel < 32) ? 20 : 0;
    }
    if (s->subsel) {
        return 0;
    }
    switch (s->select) {
    case CFG_ID_NAME:
        return text_put(data, k->name);
    case CFG_ID_SERIAL:
        return text_put(data, s->conf.serial);
    case CFG_ID_DEVIDS:
        st16le(data, BUS_VIRTUAL);
        st16le(data + 2, 0x0627);
        st16le(data + 4, k->product);
        st16le(data + 6, 1);
        return 8;
    default: /* no properties */
        return 0;
    }
}

static void input_config_read(struct virtio_device *v, u8 *config)
{
    const struct virtio_input *s = (struct virtio_input *)v;
    memset(config, 0, CONFIG_SIZE);
    config[0] = s->select;
    config[1] = s->subsel;
    unsigned n = answer(s, config + CONFIG_DATA);
    config[2] = (u8)n;
    memset(config + CONFIG_DATA + n, 0, DATA_SIZE - n);
}

static void input_config_written(struct virtio_device *v, const u8 *config, unsigned off, unsigned size)
{
    struct virtio_input *s = (struct virtio_input *)v;
    (void)off, (void)size;
    s->select = config[0];
    s->subsel = config[1];
}

/* -- events to the guest ----------------------------------------------------------------------------------------------
 */

static void add(struct virtio_input *s, u16 type, u16 code, u32 value)
{
    if (s->npending < PENDING) {
        s->pending[s->npending++] = (struct pending){type, code, value};
    }
}

static void on_event(void *opaque, const struct input_event *e)
{
    static const u16 buttons[BUTTONS] = {BTN_LEFT, BTN_MIDDLE, BTN_RIGHT, BTN_SIDE, BTN_EXTRA};
    struct virtio_input *s = opaque;
    switch (e->kind) {
    case INPUT_KEY:
        if (e->code <= s->info->key_max) {
            add(s, EV_KEY, e->code, (u32)e->value);
        }
        break;
    case INPUT_BUTTON:
        add(s, EV_KEY, buttons[e->code], (u32)e->value);
        break;
    case INPUT_REL:
        add(s, EV_REL, e->code == AXIS_X ? REL_X : REL_Y, (u32)e->value);
        break;
    case INPUT_ABS:
        add(s, EV_ABS, e->code == AXIS_X ? ABS_X : ABS_Y, (u32)e->value);
        break;
    default:
        add(s, EV_REL, e->code == AXIS_WHEEL ? REL_WHEEL : REL_HWHEEL, (u32)e->value);
        break;
    }
}

static void on_sync(void *opaque)
{
    struct virtio_input *s = opaque;
    struct vq_elem *e[PENDING];
    u32 written[PENDING];
    unsigned n = 0, want;
    s->npending = MIN(s->npending, (unsigned)PENDING - 1);
    add(s, EV_SYN, SYN_REPORT, 0);
    want = s->npending;
    s->npending = 0;
    while (n < want && virtio_running(&s->v) && (e[n] = vq_pop(&s->v, EVENT_QUEUE))) {
        u8 raw[EVENT_SIZE];
        st16le(raw, s->pending[n].type);
        st16le(raw + 2, s->pending[n].code);
        st32le(raw + 4, s->pending[n].value);
        written[n] = (u32)iov_write(e[n]->in, e[n]->nin, 0, raw, sizeof(raw));
        n++;
    }
    if (n < want) {
        while (n--) {
            vq_rewind(&s->v, EVENT_QUEUE, e[n]);
        }
        return;
    }
    vq_push_many(&s->v, EVENT_QUEUE, e, written, n);
    vq_notify(&s->v, EVENT_QUEUE);
}

/* -- events from the guest --------------------------------------------------------------------------------------------
 */

static void led_set(struct virtio_input *s, unsigned code, bool on)
{
    static const u8 bits_of[] = {[LED_NUML] = LED_NUM, [LED_CAPSL] = LED_CAPS, [LED_SCROLLL] = LED_SCROLL};
    if (code < ARRAY_LEN(bits_of)) {
        s->leds = on ? s->leds | bits_of[code] : s->leds & ~(u32)bits_of[code];
        input_set_leds(s->leds);
    }
}

static void status_kick(struct virtio_device *v, unsigned q)
{
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        u8 raw[EVENT_SIZE] = {0};
        iov_read(e->out, e->nout, 0, raw, sizeof(raw));
        if (ld16le(raw) == EV_LED) {
            led_set((struct virtio_input *)v, ld16le(raw + 2), ld32le(raw + 4) != 0);
        }
        vq_push(v, q, e, 0);
    }
    vq_notify(v, q);
}

static void event_kick(struct virtio_device *v, unsigned q)
{
    (void)v, (void)q; /* buffers wait for events */
}

/* -- life -------------------------------------------------------------------------------------------------------------
 */

static void awake_update(struct virtio_input *s)
{
    bool running = virtio_running(&s->v);
    if (running && !s->sink.awake) {
        input_wake(&s->sink);
    } else if (!running && s->sink.awake) {
        input_sleep(&s->sink);
    }
}

static void input_status(struct virtio_device *v, u8 was)
{
    (void)was;
    awake_update((struct virtio_input *)v);
}

static void input_reset(struct virtio_device *v)
{
    struct virtio_input *s = (struct virtio_input *)v;
    if (v->dev.live) {
        s->npending = 0;
        s->select = s->subsel = 0;
        input_sleep(&s->sink);
    }
}

static bool input_init(struct virtio_input *s, const struct input_kind_info *info)
{
    s->info = info;
    virtio_init(&s->v, 0, &s->conf.common);
    virtio_add_queue(&s->v, QUEUE_SIZE, event_kick);
    virtio_add_queue(&s->v, QUEUE_SIZE, status_kick);
    s->sink =
        (struct input_sink){.name = info->name, .kinds = info->kinds, .event = on_event, .sync = on_sync, .opaque = s};
    input_add(&s->sink);
    input_sleep(&s->sink);
    return true;
}

static bool input_loaded(struct device *d, struct err *e)
{
    struct virtio_input *s = (struct virtio_input *)d;
    bool ok = virtio_device_loaded(d, e);
    awake_update(s);
    return ok;
}

static void input_fini(struct device *d)
{
    input_remove(&((struct virtio_input *)d)->sink);
}

static const struct field state[] = {VIRTIO_FIELDS(struct virtio_input),
                                     FIELD(struct virtio_input, select),
                                     FIELD(struct virtio_input, subsel),
                                     FIELD(struct virtio_input, leds),
                                     {0}};
// clang-format off
#define INPUT_PROPS(T)                                                                                                 \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("serial", PROP_STR, T, conf.serial, NULL, "serial number that the guest sees")
// clang-format on
static const struct prop props[] = {INPUT_PROPS(struct virtio_input), {0}};
static const struct virtio_class input_virtio = {
    .id = VIRTIO_ID_INPUT,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_input, conf),
    .conf_size = sizeof(struct virtio_input_conf),
    .config_read = input_config_read,
    .config_written = input_config_written,
    .status = input_status,
    .reset = input_reset,
};

#define INPUT_CLASS(sym, kind, code, doc_, ...) \
    static const struct input_kind_info sym##_info = {__VA_ARGS__}; \
    static bool sym##_init(struct device *d, struct err *e) \
    { \
        (void)e; \
        return input_init((struct virtio_input *)d, &sym##_info); \
    } \
    const struct device_class sym##_class = { \
        .name = "virtio-" kind "-device", \
        .doc = (doc_), \
        .bus = "virtio", \
        .size = sizeof(struct virtio_input), \
        .state = state, \
        .props = props, \
        .init = sym##_init, \
        .reset = virtio_device_reset, \
        .loaded = input_loaded, \
        .fini = input_fini, \
        .bus_class = &input_virtio, \
    }; \
    VIRTIO_PCI_MODERN_CLASS(sym, "virtio-" kind "-pci", doc_, struct virtio_input_conf, INPUT_PROPS, code)

#define BUTTON_KINDS (1 << INPUT_BUTTON | 1 << INPUT_WHEEL)
INPUT_CLASS(virtio_keyboard, "keyboard", 0x090000, "virtio keyboard", .name = "QEMU Virtio Keyboard", .product = 1,
            .kinds = 1 << INPUT_KEY, .key_min = 1, .key_max = KEY_MICMUTE,
            .led = 1 << LED_NUML | 1 << LED_CAPSL | 1 << LED_SCROLLL, .repeats = true);
INPUT_CLASS(virtio_mouse, "mouse", 0x090200, "virtio mouse", .name = "QEMU Virtio Mouse", .product = 2,
            .kinds = 1 << INPUT_REL | BUTTON_KINDS, .key_min = BTN_LEFT, .key_max = BTN_EXTRA,
            .rel = 1 << REL_X | 1 << REL_Y | 1 << REL_WHEEL | 1 << REL_HWHEEL);
INPUT_CLASS(virtio_tablet, "tablet", 0x090000, "virtio tablet", .name = "QEMU Virtio Tablet", .product = 3,
            .kinds = 1 << INPUT_ABS | BUTTON_KINDS, .key_min = BTN_LEFT, .key_max = BTN_EXTRA,
            .rel = 1 << REL_WHEEL | 1 << REL_HWHEEL, .abs = 1 << ABS_X | 1 << ABS_Y);

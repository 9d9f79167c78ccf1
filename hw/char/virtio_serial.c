/* virtio console device (Virtio 1.1, 5.3), with up to 31 ports: the device and its control queues. The ports' streams
 * are in virtio_console.c.
 *
 * Not modelled: the console's size (nothing on the host side tells one), taking ports away. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/char/virtio_serial_priv.h"
#include "hw/virtio/virtio_pci.h"

enum { F_MULTIPORT = 1, F_EMERG_WRITE = 2 };
enum { C_MAX_PORTS = 4, C_EMERG_WRITE = 8, CONFIG_SIZE = 12 };
enum { CONTROL_RX = 2, CONTROL_TX = 3, QUEUE_SIZE = 128, CONTROL_SIZE = 32, MESSAGE = 8 };

/* -- control messages to the driver -------------------------------------------------------------------------------- */

static bool pending_send(struct virtio_serial *s, u32 m)
{
    struct vq_elem *e = vq_pop(&s->v, CONTROL_RX);
    if (!e) {
        return false;
    }
    u32 id = m & 0xff;
    u8 msg[MESSAGE];
    st32le(msg, id);
    st16le(msg + 4, m >> 8 & 0xff);
    st16le(msg + 6, (u16)(m >> 16));
    size_t n = iov_write(e->in, e->nin, 0, msg, sizeof(msg));
    if ((m >> 8 & 0xff) == SERIAL_PORT_NAME) {
        const char *name = s->port[id]->name;
        n += iov_write(e->in, e->nin, n, name, strlen(name));
    }
    vq_push(&s->v, CONTROL_RX, e, (u32)n);
    return true;
}

static void pending_flush(struct virtio_serial *s)
{
    unsigned sent = 0;
    while (sent < s->npending && pending_send(s, s->pending[sent])) {
        sent++;
    }
    if (sent) {
        s->npending -= (u16)sent;
        memmove(s->pending, s->pending + sent, s->npending * sizeof(s->pending[0]));
        vq_notify(&s->v, CONTROL_RX);
    }
}

void serial_control(struct virtio_serial *s, u32 port, u8 event, u16 value)
{
    if (!serial_multiport(s) || !s->ready) {
        return;
    }
    if (s->npending == SERIAL_PENDING) {
        guest_error(device_name(&s->v.dev), "the driver takes no control messages; one is lost");
        return;
    }
    s->pending[s->npending++] = (u32)value << 16 | (u32)event << 8 | port;
    pending_flush(s);
}

/* -- control messages from the driver ---------------------------------------------------------------------------- */

static void device_ready(struct virtio_serial *s, bool ok)
{
    s->ready = ok;
    for (u32 i = 0; i < SERIAL_PORTS; i++) {
        if (s->port[i]) {
            serial_control(s, i, SERIAL_DEVICE_ADD, 1);
        }
    }
}

static void port_ready(struct virtio_serial_port *p)
{
    struct virtio_serial *s = p->serial;
    if (p->console) {
        serial_control(s, p->nr, SERIAL_CONSOLE_PORT, 1);
    }
    if (p->name) {
        serial_control(s, p->nr, SERIAL_PORT_NAME, 1);
    }
    if (p->host_open) {
        serial_control(s, p->nr, SERIAL_PORT_OPEN, 1);
    }
}

static void message_take(struct virtio_serial *s, const u8 *msg)
{
    u32 id = ld32le(msg);
    u16 event = ld16le(msg + 4), value = ld16le(msg + 6);
    if (event == SERIAL_DEVICE_READY) {
        device_ready(s, value);
        return;
    }
    struct virtio_serial_port *p = id < SERIAL_PORTS ? s->port[id] : NULL;
    if (!p) {
        guest_error(device_name(&s->v.dev), "control message %u for port %u, which is not there", event, id);
    } else if (event == SERIAL_PORT_READY && value) {
        port_ready(p);
    } else if (event == SERIAL_PORT_OPEN) {
        port_guest_open(p, value);
    }
}

static void control_tx_kick(struct virtio_device *v, unsigned q)
{
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        u8 msg[MESSAGE];
        bool whole = iov_read(e->out, e->nout, 0, msg, sizeof(msg)) == sizeof(msg);
        vq_push(v, q, e, 0);
        if (whole) {
            message_take((struct virtio_serial *)v, msg);
        } else {
            guest_error(device_name(&v->dev), "a control message is cut short");
        }
    }
    vq_notify(v, q);
}

static void control_rx_kick(struct virtio_device *v, unsigned q)
{
    (void)q;
    pending_flush((struct virtio_serial *)v);
}

/* -- the ports' queues ------------------------------------------------------------------------------------------- */

static struct virtio_serial_port *queue_port(struct virtio_device *v, unsigned q)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    u32 id = q < 2 ? 0 : q / 2 - 1;
    return s->port[id];
}

static void rx_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_serial_port *p = queue_port(v, q);
    if (p) {
        port_rx_ready(p);
    }
}

static void tx_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_serial_port *p = queue_port(v, q);
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        if (p) {
            port_output(p, e);
        }
        vq_push(v, q, e, 0);
    }
    vq_notify(v, q);
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static void serial_config_read(struct virtio_device *v, u8 *c)
{
    st32le(c + C_MAX_PORTS, ((struct virtio_serial *)v)->conf.max_ports);
}

/* A guest too broken for queues still gets its last words out. */
static void serial_config_written(struct virtio_device *v, const u8 *config, unsigned off, unsigned size)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    (void)size;
    if (off == C_EMERG_WRITE && s->conf.emergency_write && s->port[0]) {
        chardev_write(s->port[0]->chr, config + C_EMERG_WRITE, 1);
    }
}

static void serial_reset(struct virtio_device *v)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    s->ready = false;
    s->npending = 0;
    memset(s->pending, 0, sizeof(s->pending));
    for (unsigned i = 0; i < SERIAL_PORTS; i++) {
        if (s->port[i]) {
            s->port[i]->guest_open = false;
        }
    }
}

static void serial_status(struct virtio_device *v, u8 was)
{
    struct virtio_serial *s = (struct virtio_serial *)v;
    if (v->status & ~was & VIRTIO_S_DRIVER_OK && s->port[0]) {
        port_rx_ready(s->port[0]);
    }
}

static bool serial_init(struct device *d, struct err *e)
{
    struct virtio_serial *s = (struct virtio_serial *)d;
    if (!s->conf.max_ports || s->conf.max_ports > SERIAL_PORTS) {
        return err_set(e, "max_ports is %u; there may be 1 to %u", s->conf.max_ports, SERIAL_PORTS);
    }
    bool multi = s->conf.max_ports > 1;
    virtio_init(&s->v, (multi ? BIT(F_MULTIPORT) : 0) | (s->conf.emergency_write ? BIT(F_EMERG_WRITE) : 0),
                &s->conf.common);
    virtio_add_queue(&s->v, QUEUE_SIZE, rx_kick);
    virtio_add_queue(&s->v, QUEUE_SIZE, tx_kick);
    if (multi) {
        virtio_add_queue(&s->v, CONTROL_SIZE, control_rx_kick);
        virtio_add_queue(&s->v, CONTROL_SIZE, control_tx_kick);
    }
    for (unsigned i = 1; i < s->conf.max_ports; i++) {
        virtio_add_queue(&s->v, QUEUE_SIZE, rx_kick);
        virtio_add_queue(&s->v, QUEUE_SIZE, tx_kick);
    }
    return true;
}

/* Port 0 is the console that drivers without MULTIPORT know. */
static bool serial_plug(struct device *owner, struct device *child, struct err *e)
{
    struct virtio_serial *s = (struct virtio_serial *)owner;
    struct virtio_serial_port *p = (struct virtio_serial_port *)child;
    bool console = child->cls == &virtconsole_class;
    if (p->nr == UINT32_MAX) {
        for (p->nr = console ? 0 : 1; p->nr < s->conf.max_ports && s->port[p->nr];) {
            p->nr++;
        }
        if (p->nr >= s->conf.max_ports) {
            return err_set(e, "every port of %s is taken (max_ports is %u)", device_name(owner), s->conf.max_ports);
        }
    }
    if (p->nr >= s->conf.max_ports) {
        return err_set(e, "Out-of-range port id specified, max. allowed: %u", s->conf.max_ports - 1);
    }
    if (s->port[p->nr]) {
        return err_set(e, "A port already exists at id %u", p->nr);
    }
    if (p->nr == 0 && !console) {
        return err_set(e, "Port number 0 on virtio-serial devices reserved for virtconsole devices for backward "
                          "compatibility.");
    }
    p->serial = s;
    p->console = console;
    s->port[p->nr] = p;
    return true;
}

static bool serial_loaded(struct device *d, struct err *e)
{
    struct virtio_serial *s = (struct virtio_serial *)d;
    if (s->npending > SERIAL_PENDING) {
        return err_set(e, "%u control messages are pending, at most %u can be", s->npending, SERIAL_PENDING);
    }
    for (unsigned i = 0; i < s->npending; i++) {
        u32 id = s->pending[i] & 0xff;
        if (id >= SERIAL_PORTS || !s->port[id]) {
            return err_set(e, "a control message is pending for port %u, which is not there", id);
        }
    }
    return virtio_device_loaded(d, e);
}

static const struct field serial_state[] = {
    VIRTIO_FIELDS(struct virtio_serial),
    FIELD(struct virtio_serial, ready),
    FIELD(struct virtio_serial, npending),
    FIELDS(struct virtio_serial, pending),
    {0},
};

// clang-format off
#define SERIAL_PROPS(T)                                                                                                \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("max_ports", PROP_U32, T, conf.max_ports, "31", "ports it has room for, 1 to 31"),                            \
    PROP("emergency-write", PROP_BOOL, T, conf.emergency_write, "on", "characters by a register, for last words")
// clang-format on

static const struct prop serial_props[] = {SERIAL_PROPS(struct virtio_serial), {0}};

static const struct virtio_class serial_virtio = {
    .id = VIRTIO_ID_CONSOLE,
    .config_size = CONFIG_SIZE,
    .vectors = 2, /* many queues, little traffic */
    .conf_off = offsetof(struct virtio_serial, conf),
    .conf_size = sizeof(struct virtio_serial_conf),
    .config_read = serial_config_read,
    .config_written = serial_config_written,
    .status = serial_status,
    .reset = serial_reset,
};

const struct device_class virtio_serial_class = {
    .name = "virtio-serial-device",
    .doc = "virtio console device, a bus of ports",
    .bus = "virtio",
    .provides = "virtio-serial",
    .size = sizeof(struct virtio_serial),
    .state = serial_state,
    .props = serial_props,
    .init = serial_init,
    .reset = virtio_device_reset,
    .loaded = serial_loaded,
    .plug = serial_plug,
    .bus_class = &serial_virtio,
};

VIRTIO_PCI_CLASSES(virtio_serial, "virtio-serial", "virtio console device, a bus of ports", struct virtio_serial_conf,
                   SERIAL_PROPS, 0x078000, "virtio-serial")

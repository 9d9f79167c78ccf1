/* Ports of a virtio console device: virtconsole and virtserialport, each a byte stream (Virtio 1.1, 5.3.6).
 *
 * Input waits on the host until the driver has given buffers and, for what is no single console, opened the port. */
#include "hw/char/virtio_serial_priv.h"

static bool port_listens(const struct virtio_serial_port *p)
{
    return !serial_multiport(p->serial) ? p->nr == 0 : p->guest_open;
}

static unsigned port_can_read(void *opaque)
{
    struct virtio_serial_port *p = opaque;
    struct virtio_device *v = &p->serial->v;
    if (!port_listens(p)) {
        return 0;
    }
    struct vq_elem *e = vq_pop(v, serial_rx_queue(p->nr));
    if (!e) {
        return 0;
    }
    unsigned room = (unsigned)MIN(e->in_len, 1u << 20);
    vq_rewind(v, serial_rx_queue(p->nr), e);
    return room;
}

static void port_read(void *opaque, const u8 *data, size_t n)
{
    struct virtio_serial_port *p = opaque;
    struct virtio_device *v = &p->serial->v;
    unsigned q = serial_rx_queue(p->nr);
    struct vq_elem *e;
    while (n && port_listens(p) && (e = vq_pop(v, q))) {
        size_t part = iov_write(e->in, e->nin, 0, data, n);
        vq_push(v, q, e, (u32)part);
        data += part;
        n -= part;
    }
    vq_notify(v, q);
}

static void host_open(struct virtio_serial_port *p, bool open)
{
    if (p->host_open != open) {
        p->host_open = open;
        serial_control(p->serial, p->nr, SERIAL_PORT_OPEN, open);
    }
}

/* A console is open on our side, whoever listens. */
static void port_event(void *opaque, enum char_event ev)
{
    struct virtio_serial_port *p = opaque;
    if (!p->console && (ev == CHAR_OPENED || ev == CHAR_CLOSED)) {
        host_open(p, ev == CHAR_OPENED);
    }
}

void port_output(struct virtio_serial_port *p, struct vq_elem *e)
{
    for (unsigned i = 0; i < e->nout; i++) {
        chardev_write(p->chr, e->out[i].iov_base, e->out[i].iov_len);
    }
}

void port_rx_ready(struct virtio_serial_port *p)
{
    if (p->chr) {
        chardev_accept_input(p->chr);
    }
}

void port_guest_open(struct virtio_serial_port *p, bool open)
{
    p->guest_open = open;
    if (open) {
        port_rx_ready(p);
    }
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static const struct char_receiver receiver = {.can_read = port_can_read, .read = port_read, .event = port_event};

static bool port_init(struct device *d, struct err *e)
{
    struct virtio_serial_port *p = (struct virtio_serial_port *)d;
    must(p->serial);
    p->host_open = p->console;
    if (p->chr && !chardev_attach(p->chr, &receiver, p, e)) {
        p->serial->port[p->nr] = NULL;
        return false;
    }
    serial_control(p->serial, p->nr, SERIAL_DEVICE_ADD, 1);
    return true;
}

static void port_fini(struct device *d)
{
    struct virtio_serial_port *p = (struct virtio_serial_port *)d;
    if (p->chr) {
        chardev_detach(p->chr, p);
    }
}

static const struct field port_state[] = {
    FIELD(struct virtio_serial_port, nr, .flags = F_CONFIG),
    FIELD(struct virtio_serial_port, guest_open),
    {0},
};

static const struct prop port_props[] = {
    PROP("chardev", PROP_CHARDEV, struct virtio_serial_port, chr, NULL, "what it is connected to"),
    PROP("name", PROP_STR, struct virtio_serial_port, name, NULL, "name the guest knows it by"),
    PROP("nr", PROP_U32, struct virtio_serial_port, nr, "0xffffffff", "number of the port; else the first free one"),
    {0},
};

const struct device_class virtconsole_class = {
    .name = "virtconsole",
    .doc = "console on a virtio-serial bus",
    .bus = "virtio-serial",
    .size = sizeof(struct virtio_serial_port),
    .state = port_state,
    .props = port_props,
    .init = port_init,
    .fini = port_fini,
};

const struct device_class virtserialport_class = {
    .name = "virtserialport",
    .doc = "named stream on a virtio-serial bus",
    .bus = "virtio-serial",
    .size = sizeof(struct virtio_serial_port),
    .state = port_state,
    .props = port_props,
    .init = port_init,
    .fini = port_fini,
};

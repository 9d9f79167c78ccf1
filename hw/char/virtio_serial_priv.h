/* Between the virtio console device and its ports. */
#ifndef MOSS_HW_CHAR_VIRTIO_SERIAL_PRIV_H
#define MOSS_HW_CHAR_VIRTIO_SERIAL_PRIV_H

#include "chardev/chardev.h"
#include "hw/char/virtio_serial.h"
#include "hw/virtio/virtio.h"

#define SERIAL_PORTS   31
#define SERIAL_PENDING 256 /* control messages that wait for a buffer */

enum { /* control messages */
       SERIAL_DEVICE_READY = 0,
       SERIAL_DEVICE_ADD = 1,
       SERIAL_PORT_READY = 3,
       SERIAL_CONSOLE_PORT = 4,
       SERIAL_PORT_OPEN = 6,
       SERIAL_PORT_NAME = 7,
};

struct virtio_serial_conf {
    struct virtio_conf common;
    u32 max_ports;
    bool emergency_write;
};

struct virtio_serial_port {
    struct device dev;
    struct virtio_serial *serial;
    struct chardev *chr;
    const char *name;
    u32 nr; /* ~0 until plugged, if not given */
    bool console;
    bool guest_open, host_open;
};

struct virtio_serial {
    struct virtio_device v;
    struct virtio_serial_conf conf;
    struct virtio_serial_port *port[SERIAL_PORTS];
    bool ready; /* the driver said DEVICE_READY */
    u16 npending;
    u32 pending[SERIAL_PENDING]; /* value << 16 | event << 8 | port */
};

/* Sends a control message to the driver, now or as soon as it gives a buffer. */
void serial_control(struct virtio_serial *s, u32 port, u8 event, u16 value);
static inline unsigned serial_rx_queue(u32 port)
{
    return port ? 2 * port + 2 : 0;
}
static inline bool serial_multiport(const struct virtio_serial *s)
{
    return virtio_has(&s->v, 1);
}

/* virtio_console.c */
void port_output(struct virtio_serial_port *p, struct vq_elem *e);
void port_rx_ready(struct virtio_serial_port *p);
void port_guest_open(struct virtio_serial_port *p, bool open);

#endif

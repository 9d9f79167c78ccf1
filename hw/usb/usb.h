/* USB devices, as host controllers see them (USB 2.0, chapters 8 and 9): a struct with `struct usb_device` first, a
 * class on the bus "usb" whose bus_class is a struct usb_class. A controller's class provides "usb".
 *
 * A controller hands over spans of a transfer's data and is told how much went; "NAK" means that the rest waits until
 * the device calls usb_ready. Setup, data and status of the default pipe are usb.c's business, which asks the class for
 * what is not standard. Machine lock held. */
#ifndef MOSS_HW_USB_USB_H
#define MOSS_HW_USB_USB_H

#include "hw/core/device.h"

enum usb_speed { USB_FULL = 1, USB_LOW, USB_HIGH, USB_SUPER }; /* as xHCI counts them */
enum usb_result {
    USB_DONE,  /* all of it; of an IN: or a short packet, which ends the transfer */
    USB_NAK,   /* `done` bytes went, the rest waits */
    USB_STALL, /* nothing went, and nothing will until the halt is cleared */
};
struct usb_span {
    u8 ep; /* number; | USB_IN */
    u8 *p;
    u32 n, done;
};
enum { USB_IN = 0x80, USB_CONTROL_MAX = 4096 };

struct usb_setup { /* as its 8 bytes say */
    u8 type, request;
    u16 value, index, length;
};
enum { /* type and request, as type << 8 | request */
       USB_GET_STATUS = 0x8000,
       USB_CLEAR_FEATURE = 0x0001,
       USB_SET_FEATURE = 0x0003,
       USB_SET_ADDRESS = 0x0005,
       USB_GET_DESCRIPTOR = 0x8006,
       USB_GET_CONFIGURATION = 0x8008,
       USB_SET_CONFIGURATION = 0x0009,
       USB_GET_INTERFACE = 0x810a,
       USB_SET_INTERFACE = 0x010b,
       USB_EP_STATUS = 0x8200,
       USB_EP_CLEAR_FEATURE = 0x0201,
       USB_EP_SET_FEATURE = 0x0203,
       USB_IF_STATUS = 0x8100,
       USB_IF_DESCRIPTOR = 0x8106,
};
enum usb_descriptor { USB_DT_DEVICE = 1, USB_DT_CONFIG, USB_DT_STRING, USB_DT_QUALIFIER = 6 };

struct usb_device;
struct usb_class {
    enum usb_speed speed;
    const u8 *device; /* its descriptor, 18 bytes */
    const u8 *config; /* configuration 1 with all that belongs to it */
    u16 config_len;
    const char *const *strings;                                        /* from index 1 on, NULL ended */
    enum usb_result (*data)(struct usb_device *d, struct usb_span *s); /* endpoints but 0 */
    /* A request that is not standard, or standard and of an interface. For IN: puts at most setup.length bytes at `p`
     * and gives how many; for OUT: they are there. -1: STALL. */
    int (*request)(struct usb_device *d, const struct usb_setup *s, u8 *p);
    void (*configured)(struct usb_device *d, bool on); /* may be NULL */
    void (*reset)(struct usb_device *d);               /* by the bus; may be NULL */
    void (*cleared)(struct usb_device *d, u8 ep);      /* a halt was; may be NULL */
    /* Of a hub: who is at a port, from 1 on, that is enabled. */
    struct usb_device *(*child)(struct usb_device *d, unsigned port);
    bool (*plug)(struct usb_device *hub, struct usb_device *child, const char *port, struct err *e);
};

struct usb_host_ops {
    void (*ready)(struct device *host, struct usb_device *d, u8 ep);
};
struct usb_device {
    struct device dev;
    const struct usb_host_ops *host; /* NULL: not attached */
    struct device *host_dev;
    const char *port_wanted; /* property */
    const char *serial;      /* its serial number, where it is not the class's string; NULL: it is */
    unsigned port;           /* of the root, from 1 on */
    u32 route;               /* ports of the hubs on the way, 4 bits each, the lowest first; 0: it is at the root */
    u8 tier;                 /* how many hubs that is */
    /* state */
    u8 address, config, remote_wakeup;
    u32 halted;   /* bits 0..15: OUT endpoints, 16..31: IN */
    u8 setup[8];  /* of the control transfer under way */
    u8 ctl_state; /* enum */
    u16 ctl_len, ctl_at;
    u8 ctl[USB_CONTROL_MAX];
};
// clang-format off
#define USB_FIELDS(T, m)                                                                                               \
    FIELD(T, m.address), FIELD(T, m.config), FIELD(T, m.remote_wakeup), FIELD(T, m.halted), FIELDS(T, m.setup),         \
    FIELD(T, m.ctl_state), FIELD(T, m.ctl_len), FIELD(T, m.ctl_at), FIELDS(T, m.ctl, .flags = F_HIDDEN)
#define USB_PROPS(T, m) PROP("port", PROP_STR, T, m.port_wanted, NULL, "of the root hub, from 1 on; else the first free one")
// clang-format on
static inline const struct usb_class *usb_class_of(const struct usb_device *d)
{
    return d->dev.cls->bus_class;
}
bool usb_loaded(const struct usb_device *d, struct err *e);

/* -- for controllers ---------------------------------------------------------------------------------------------- */

void usb_bus_reset(struct usb_device *d);
/* A setup packet; what follows moves by usb_data on endpoint 0 (| USB_IN), and usb_status ends it. */
void usb_begin(struct usb_device *d, const u8 setup[8]);
enum usb_result usb_data(struct usb_device *d, struct usb_span *s);
enum usb_result usb_status(struct usb_device *d);

/* -- for devices -------------------------------------------------------------------------------------------------- */

void usb_ready(struct usb_device *d, u8 ep);

#endif

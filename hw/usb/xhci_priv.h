/* The state of an xHCI controller, for its files. */
#ifndef MOSS_HW_USB_XHCI_PRIV_H
#define MOSS_HW_USB_XHCI_PRIV_H

#include "base/bits.h"
#include "base/log.h"
#include "hw/pci/pci.h"
#include "hw/usb/usb.h"

enum { XHCI_SLOTS = 16, XHCI_EPS = 31, XHCI_USB2 = 4, XHCI_USB3 = 4, XHCI_PORTS = XHCI_USB2 + XHCI_USB3 };
enum {
    TRB_NORMAL = 1,
    TRB_SETUP,
    TRB_DATA,
    TRB_STATUS,
    TRB_ISOCH,
    TRB_LINK,
    TRB_EVENT_DATA,
    TRB_NOOP,
    TRB_ENABLE_SLOT,
    TRB_DISABLE_SLOT,
    TRB_ADDRESS,
    TRB_CONFIGURE,
    TRB_EVALUATE,
    TRB_RESET_EP,
    TRB_STOP_EP,
    TRB_SET_DEQUEUE,
    TRB_RESET_DEVICE,
    TRB_COMMAND_NOOP = 23,
    TRB_TRANSFER_EVENT = 32,
    TRB_COMPLETION_EVENT,
    TRB_PORT_EVENT
};
enum {
    CC_SUCCESS = 1,
    CC_TRANSACTION = 4,
    CC_TRB = 5,
    CC_STALL = 6,
    CC_NO_SLOTS = 9,
    CC_SLOT_OFF = 11,
    CC_EP_OFF = 12,
    CC_SHORT = 13,
    CC_PARAMETER = 17,
    CC_CONTEXT = 19,
    CC_RING_STOPPED = 24,
    CC_STOPPED = 26
};
enum {
    TRB_CYCLE = 1 << 0,
    TRB_TOGGLE = 1 << 1,
    TRB_ISP = 1 << 2,
    TRB_CHAIN = 1 << 4,
    TRB_IOC = 1 << 5,
    TRB_IDT = 1 << 6,
    TRB_DIR_IN = 1 << 16
};
enum { EP_DISABLED, EP_RUNNING, EP_HALTED, EP_STOPPED, EP_ERROR };
enum { SLOT_OFF, SLOT_DEFAULT, SLOT_ADDRESSED, SLOT_CONFIGURED };
enum {
    USBSTS_HCH = 1 << 0,
    USBSTS_HSE = 1 << 2,
    USBSTS_EINT = 1 << 3,
    USBSTS_PCD = 1 << 4,
    USBCMD_RUN = 1 << 0,
    USBCMD_HCRST = 1 << 1,
    USBCMD_INTE = 1 << 2
};
enum {
    PORT_CCS = 1 << 0,
    PORT_PED = 1 << 1,
    PORT_PR = 1 << 4,
    PORT_PLS = 15 << 5,
    PORT_PP = 1 << 9,
    PORT_SPEED_SHIFT = 10,
    PORT_LWS = 1 << 16,
    PORT_CSC = 1 << 17,
    PORT_PEC = 1 << 18,
    PORT_WRC = 1 << 19,
    PORT_PRC = 1 << 21,
    PORT_PLC = 1 << 22,
    PORT_CHANGES = 0x7f << 17,
    PORT_WAKES = 7 << 25
};

struct trb {
    u64 at; /* where it is */
    u64 param;
    u32 status, control;
};
static inline unsigned trb_type(const struct trb *t)
{
    return t->control >> 10 & 63;
}

struct xhci_ep {
    u64 dequeue, context;        /* context: of the output device context */
    u32 done;                    /* bytes of the TRB at dequeue that went */
    u32 total;                   /* of the TD, for event data */
    u32 in_trb;                  /* the length it has, 0: nothing is under way */
    u16 packet;                  /* its largest */
    u8 state, type, cycle, told; /* told: an event for this TD was sent */
    u8 skip;                     /* the rest of the TD is passed over: a short packet ended it */
};
struct xhci_slot {
    u64 context;
    u32 route;
    u8 state, port;
};

struct xhci {
    struct pci_device pci;
    struct mem_region region;
    struct usb_device *device[XHCI_PORTS];
    bool running;          /* a ring is being worked on */
    u32 again[XHCI_SLOTS]; /* a bit an endpoint that got ready meanwhile: looked at next */

    u32 usbcmd, usbsts, dnctrl, config;
    u64 crcr, dcbaap;
    u64 command; /* the command ring's dequeue pointer */
    u8 command_cycle;
    u32 iman, imod, erstsz;
    u64 erstba, erdp;
    u32 er_segment, er_index; /* where the next event goes */
    u8 er_cycle;
    u64 mfindex_from;
    u32 portsc[XHCI_PORTS];
    struct xhci_slot slot[XHCI_SLOTS];
    struct xhci_ep ep[XHCI_SLOTS * XHCI_EPS];
};
static inline struct xhci_ep *xhci_ep(struct xhci *x, unsigned slot, unsigned dci)
{
    return &x->ep[(slot - 1) * XHCI_EPS + dci - 1];
}

/* xhci.c */
bool xhci_read(struct xhci *x, u64 at, void *p, unsigned n);
bool xhci_write(struct xhci *x, u64 at, const void *p, unsigned n);
bool xhci_trb_get(struct xhci *x, u64 at, struct trb *t);
void xhci_event(struct xhci *x, u64 param, u32 status, u32 control);
void xhci_failed(struct xhci *x, const char *why); /* host system error: it stops */
struct usb_device *xhci_device_of(struct xhci *x, unsigned slot);
void xhci_port_change(struct xhci *x, unsigned port, u32 change);

/* xhci_command.c */
void xhci_commands(struct xhci *x);
void xhci_slot_off(struct xhci *x, unsigned slot);

/* xhci_transfer.c */
void xhci_ep_run(struct xhci *x, unsigned slot, unsigned dci);
void xhci_ep_state(struct xhci *x, struct xhci_ep *ep, u8 state); /* also in the context */
/* Tells of what is under way, and forgets it. */
void xhci_ep_stop(struct xhci *x, unsigned slot, unsigned dci);

#endif

/* PCI buses, as hosts and bridges have them: functions by their number, where what they decode is seen, where their
 * interrupt pins end.
 *
 * A host device has struct pci_root in it, whose `bus` is bus 0; a bridge has a struct pci_bus for what is behind it.
 * Their classes provide "pci", and their `plug` is pci_plug on that bus. */
#ifndef MOSS_HW_PCI_PCI_BUS_H
#define MOSS_HW_PCI_PCI_BUS_H

#include "hw/pci/pci.h"

struct pci_root;

struct pci_bus {
    struct device *owner;      /* the host, or the bridge */
    struct pci_root *root;     /* of the tree it is in */
    struct pci_device *bridge; /* NULL: the root bus */
    struct pci_device *slot[256], *functions;
};

enum { PCI_PINS = 4, PCI_LINES = 8 };

struct pci_window {
    u64 base, size;
};

/* What a host fills in before the first function is plugged. */
struct pci_root {
    struct pci_bus bus;
    struct mem_space *memory, *ports;
    u64 port_base;               /* where port 0 is in `ports` */
    u64 port_size;               /* ports there are; 0: none are seen */
    struct pci_window window[2]; /* where memory BARs are seen; both of size 0: anywhere */
    unsigned nlines;             /* the host's output pins 0.. */
    /* The line that a pin (0 is INTA) of a function of bus 0 drives; NULL: (slot + pin) % 4. */
    unsigned (*line_of)(struct device *host, unsigned devfn, unsigned pin);
    bool line[PCI_LINES];
    bool express; /* a root complex: there may be root ports on bus 0 */
};

void pci_bus_init(struct pci_bus *b, struct device *owner, struct pci_root *root, struct pci_device *bridge);
/* Puts a function, whose class is of bus "pci", on the bus; what -device does through its owner's plug. */
bool pci_plug(struct pci_bus *b, struct pci_device *p, struct err *e);
/* The function behind a number; NULL: none. */
struct pci_device *pci_find(struct pci_root *r, unsigned bus, unsigned devfn);
unsigned pci_bus_number(const struct pci_bus *b);
/* Everything on the bus and behind it is mapped anew: a bridge's windows changed. */
void pci_bus_map(struct pci_bus *b);
/* The functions on it and behind it, a paragraph each: of a host's `print`, topic "pci". */
void pci_bus_print(const struct pci_bus *b, struct buf *out);
/* The lines are computed anew and driven. */
void pci_root_intx(struct pci_root *r);
/* For the host's `loaded` and `reset`: drives every line as it is. */
void pci_root_drive(struct pci_root *r);

/* ECAM: 1 MiB of memory a bus; opaque is the struct pci_root. */
extern const struct mem_ops pci_ecam_ops;
/* What nobody claims reads as ones, writes are lost. */
extern const struct mem_ops pci_abort_ops;

/* Configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2): eight ports from 0xcf8 on. */
struct pci_conf1 {
    struct pci_root *root;
    u32 address;
    /* Port 0xcf9 lies among them, which south bridges have as their reset control; it is theirs for accesses of one
     * byte. NULL: nobody's. */
    u8 (*control_read)(void *opaque);
    void (*control_write)(void *opaque, u8 v);
    void *control;
    struct mem_region region;
};
void pci_conf1_init(struct pci_conf1 *c, struct pci_root *r, struct mem_space *ports);

#endif

/* A device: a struct with `struct device` first, a field table (its state), a register table (its programmer's
 * view), pins (irqs), properties (what -device sets), and one const class that ties them together.
 *
 * The bus takes the machine lock around every call into a device, so devices never lock. An irq is a value: a
 * device never sees a controller. A missing back end is legal. hw/core/regs.c does register lookup, masks,
 * names in traces, and guest_error for offsets that do not exist. */
#ifndef MOSS_HW_CORE_DEVICE_H
#define MOSS_HW_CORE_DEVICE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/field.h"
#include "base/irq.h"
#include "memory/memory.h"

struct device;
struct dt;
struct machine;

/* -- registers ----------------------------------------------------------------------------------- */

/* One register. Without hooks it is the field at `field`: reads give it, writes change the bits of wmask and clear
 * the bits of w1c that are written as ones. A hook replaces that side. `count` registers `stride` apart share a
 * row; hooks get the index, and plain registers are the elements of the array at `field`.
 *
 * An access that is wider than a register reaches the next one too. A narrower read is cut out; a narrower write
 * changes those bytes of a plain register, goes to a hook zero-extended if it is of the register's first bytes, and
 * is a guest error elsewhere. */
struct reg {
    u32 off;          /* bytes from the window's start */
    const char *name; /* NULL ends a table */
    u8 size;          /* bytes of the field behind it (1, 2, 4, 8), and of the register; 0: 4 */
    u16 count;        /* 0 means 1 */
    u16 stride;       /* 0 means size */
    u32 field;        /* offset in the device struct */
    bool has_field;
    u64 wmask, w1c;
    u64 (*read)(struct device *d, unsigned i);
    void (*write)(struct device *d, unsigned i, u64 v);
};
#define REG(o, n, T, m, ...) \
    { \
        .off = (o), .name = (n), .size = sizeof(((T *)0)->m), .field = offsetof(T, m), .has_field = true, __VA_ARGS__ \
    }

/* -- properties: what -device NAME,key=value and boards set before init ---------------------------- */

enum prop_kind {
    PROP_BOOL,
    PROP_U8,
    PROP_U16,
    PROP_U32,
    PROP_U64,
    PROP_SIZE,
    PROP_STR,
    PROP_MAC,
    PROP_CHARDEV,
    PROP_BLOCK,
    PROP_NETDEV /* by id, resolved to the back end's pointer */
};
struct prop {
    const char *name; /* NULL ends a table */
    enum prop_kind kind;
    u32 off;
    const char *def, *doc; /* default as text, NULL: zero */
};
/* Text into the struct at obj and back. `who` names it in errors; strings are copied to the arena. */
bool props_default(void *obj, const struct prop *table, struct arena *a, struct err *e);
bool props_set(void *obj, const struct prop *table, struct arena *a, const char *who, const char *key,
               const char *value, struct err *e);
const struct prop *props_find(const struct prop *table, const char *key);
void prop_print(const void *obj, const struct prop *p, struct buf *out);
/* Looks up a PROP_CHARDEV, PROP_BLOCK or PROP_NETDEV by id; NULL with a message when there is none. Set by system/. */
extern void *(*prop_backend)(enum prop_kind kind, const char *id, struct err *e);
#define PROP(n, k, T, m, d, doc_) \
    { \
        .name = (n), .kind = (k), .off = offsetof(T, m), .def = (d), .doc = (doc_) \
    }

/* -- classes and devices --------------------------------------------------------------------------- */

/* A piece of a register window, when there are holes that belong to others: bytes from its start. Register offsets are
 * the whole window's. */
struct reg_window {
    u16 off, size; /* size 0 ends a table */
};

struct device_class {
    const char *name, *doc;
    const char *bus;        /* "sysbus", "virtio", "pci", "virtio-serial"...: what it plugs into */
    const char *provides;   /* the kind of bus it gives to others, or NULL */
    const char *compatible; /* device-tree strings, "a\0b\0", or NULL */
    const char *fdt_name;   /* node name ("pl011"), NULL: name */
    /* Device-tree clocks, "uartclk\0apb_pclk\0", or NULL; the board gives them its bus clock. */
    const char *clock_names;
    bool irq_edge; /* interrupts are edges, for the device tree; else levels */
    /* Adds to its device-tree node what class and board row don't say. */
    void (*describe)(const struct device *d, struct dt *t, const char *node);
    /* Adds its step of the path that firmware knows it by (IEEE 1275): "/disk@0,0". NULL: it is no such step. */
    void (*fw_path)(const struct device *d, struct buf *out);
    size_t size;                      /* of the struct */
    u32 mmio_size;                    /* bytes of its register window; 0: it has none */
    const struct reg_window *windows; /* NULL: the whole of it */
    u8 nirqs;                         /* output pins */
    u8 min_access, max_access;        /* bytes of an access by the bus; 0: 1 and 4 */
    const struct field *state;        /* reset + snapshot + print; required */
    const struct reg *regs;           /* NULL: ops serves the whole window */
    const struct mem_ops *ops;        /* opaque is the device */
    const struct prop *props;
    bool (*init)(struct device *d, struct err *e);           /* back ends and timers; rare */
    void (*reset)(struct device *d);                         /* after the table; rare */
    void (*irq_in)(struct device *d, unsigned n, int level); /* input pins, for controllers */
    bool (*loaded)(struct device *d, struct err *e);         /* validates a state that was loaded */
    void (*fini)(struct device *d); /* only after an init that succeeded: a failing one cleans up itself */
    bool (*plug)(struct device *bus_owner, struct device *child, struct err *e); /* for `provides` */
    u16 bus_slots; /* how many children the provided bus takes; 0: as many as plug() does */
    /* What it says of itself to a person who asks for its topic: "pic", "pci" (info TOPIC). NULL: nothing. */
    const char *topic;
    void (*print)(const struct device *d, struct buf *out);
    const void *bus_class; /* what the bus needs to know of its device (struct virtio_class, struct pci_class) */
};

struct device {
    const struct device_class *cls;
    const char *id; /* "uart0", "net0"; unique in the machine, or NULL */
    struct machine *machine;
    struct mem_space *dma;       /* what it reads and writes as a bus master */
    struct mem_region mmio;      /* its register window, if mmio_size; mapped by device_map() */
    struct device_piece *pieces; /* of a class with windows: what is mapped instead */
    struct irq *irqs;            /* nirqs output pins, filled by the board */
    struct device *parent;       /* the owner of the bus it sits on */
    struct device *next;         /* in the machine's list */
    unsigned nchildren;          /* on the bus it provides */
    bool live;                   /* device_init succeeded */
};

/* Allocates in the machine's arena, sets property defaults; not yet initialised. */
struct device *device_new(struct machine *m, const struct device_class *cls, const char *id);
/* Called at its end, for the defaults that the command line sets (-global). Set by system/. */
extern void (*device_made)(struct device *d);
/* Before device_init. False: no such property, or a value it can't take; the sentence names the device and both. */
bool device_set_prop(struct device *d, const char *key, const char *value, struct err *e);
/* Between the properties and device_init, for a device that sits on a bus of another: `bus` is the id of that other
 * device; NULL: the newest that provides the right kind of bus and has room, one that sits on no bus itself first. */
bool device_plug(struct device *d, const char *bus, struct err *e);
/* Its register window, or the pieces of it, at base. */
void device_map(struct device *d, struct mem_space *space, u64 base, int priority);
void device_unmap(struct device *d);
/* What device_map() mapped, piece by piece; NULL: there are no more. */
const struct mem_region *device_region(const struct device *d, unsigned i);
/* Runs the class's init; false leaves a device that is not live and needs no fini. */
bool device_init(struct device *d, struct err *e);
void device_reset(struct device *d); /* the field table, then the class's reset */
void device_fini(struct device *d);  /* what init did on the host; the memory goes with the machine */
void device_save(const struct device *d, struct buf *out);
/* False: not this device's state, or one that its `loaded` refuses. */
bool device_load(struct device *d, struct cursor *in, struct err *e);
const char *device_name(const struct device *d); /* id, else the class's name: for messages */
/* The device's input pin n as a value for others to drive. */
struct irq device_pin(struct device *d, unsigned n);
static inline void device_irq(struct device *d, unsigned n, int level)
{
    irq_set(&d->irqs[n], level);
}
/* The register table as mem_ops (opaque: the device). */
extern const struct mem_ops device_reg_ops;

#endif

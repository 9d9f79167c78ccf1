/* PCI functions: what a device model on the bus "pci" uses.
 *
 * A function is a struct with `struct pci_device` first; its class has .bus = "pci", PCI_PROPS among its properties and
 * PCI_FIELDS in its state. Its init calls pci_init, then adds capabilities and BARs; its reset and loaded hooks call
 * pci_reset and pci_loaded. Configuration space is three arrays: values after reset, bits that software may write, and
 * bits that it clears by writing one. */
#ifndef MOSS_HW_PCI_PCI_H
#define MOSS_HW_PCI_PCI_H

#include "hw/core/device.h"

struct pci_bus;
struct pci_device;

#define PCI_CONFIG_SIZE  256
#define PCI_BARS         6
#define PCI_FIXED        12
#define PCI_MSIX_VECTORS 128

enum { /* offsets and bits of the type 0 header */
       PCI_COMMAND = 0x04,
       PCI_COMMAND_IO = 1 << 0,
       PCI_COMMAND_MEMORY = 1 << 1,
       PCI_COMMAND_MASTER = 1 << 2,
       PCI_COMMAND_INTX_DISABLE = 1 << 10,
       PCI_STATUS = 0x06,
       PCI_STATUS_INTERRUPT = 1 << 3,
       PCI_STATUS_CAP_LIST = 1 << 4,
       PCI_HEADER_TYPE = 0x0e,
       PCI_BAR0 = 0x10,
       PCI_SUBSYSTEM_VENDOR = 0x2c,
       PCI_ROM = 0x30,
       PCI_ROM_ENABLE = 1 << 0,
       PCI_CAPABILITIES = 0x34,
       PCI_INTERRUPT_LINE = 0x3c,
       PCI_INTERRUPT_PIN = 0x3d,
       PCI_CAP_ID_MSI = 0x05,
       PCI_CAP_ID_VENDOR = 0x09,
       PCI_CAP_ID_MSIX = 0x11,
};

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_MEM32, PCI_BAR_MEM64 /* takes the next BAR too */, PCI_BAR_IO };
struct pci_bar {
    struct mem_region *region; /* its size is a power of two */
    enum pci_bar_kind kind;
    bool mapped;
    u64 at; /* where, if mapped */
};

/* A window that no register places, as those of VGA and of an IDE controller in compatibility mode. */
struct pci_fixed {
    struct mem_region *region; /* NULL ends */
    bool io, off, mapped;      /* off: not decoded, whatever the command register says */
    u64 base;
};

struct pci_device {
    struct device dev;
    struct pci_bus *bus;
    struct pci_bus *behind;  /* a bridge's other side, else NULL */
    struct pci_device *next; /* on the bus */
    const char *addr;        /* property: "SLOT[.FUNCTION]", hexadecimal */
    bool multifunction;
    const char *romfile; /* of the expansion ROM; "": none; NULL: what the class says */
    u32 rombar;          /* 0: no ROM is shown */
    u32 romsize;         /* 0: as large as the file asks for */
    u8 devfn;
    u8 config[PCI_CONFIG_SIZE];
    u8 initial[PCI_CONFIG_SIZE], wmask[PCI_CONFIG_SIZE], w1c[PCI_CONFIG_SIZE];
    u8 cap_end; /* first free byte behind the capabilities */
    u8 header;  /* type: 0, or 1 of a bridge */
    struct pci_bar bar[PCI_BARS];
    struct pci_fixed fixed[PCI_FIXED];
    struct mem_region rom;
    u64 rom_at;
    bool rom_mapped;
    const u8 *rom_data;
    bool intx_level;
    /* Any may be NULL: called before config is read, for a byte about to be written (gives what is written instead),
     * and after it was written. */
    u8 (*config_filter)(struct pci_device *p, unsigned off, u8 v);
    void (*config_reading)(struct pci_device *p, unsigned off, unsigned size);
    void (*config_written)(struct pci_device *p, unsigned off, unsigned size);
    void (*messages_switched)(struct pci_device *p); /* MSI or MSI-X, on or off: its INTx is down while they are on */

    u8 msi_cap;
    u8 msix_cap; /* 0: none */
    u16 msix_count;
    u32 msix_table[PCI_MSIX_VECTORS * 4];
    u32 msix_pba[PCI_MSIX_VECTORS / 32];
    struct mem_region msix_region;
};

/* m: the path to the struct pci_device in T. */
// clang-format off
#define PCI_PROPS(T, m)                                                                                                \
    PROP("addr", PROP_STR, T, m.addr, NULL, "slot[.function], hexadecimal; else the first free slot"),                 \
    PROP("multifunction", PROP_BOOL, T, m.multifunction, "off", "function 0 says that there are others"),              \
    PROP("romfile", PROP_STR, T, m.romfile, NULL, "file with the option ROM; empty: none"),                            \
    PROP("rombar", PROP_U32, T, m.rombar, "1", "0: the option ROM is not shown"),                                      \
    PROP("romsize", PROP_U32, T, m.romsize, "0", "size of the ROM's window, a power of two; 0: as the file wants")
#define PCI_FIELDS(T, m)                                                                                               \
    FIELDS(T, m.config, .flags = F_KEEP), FIELD(T, m.intx_level), FIELDS(T, m.msix_table), FIELDS(T, m.msix_pba)
// clang-format on

struct pci_ident {
    u16 vendor, device, subsystem_vendor, subsystem;
    u32 class_code; /* base class, sub-class, interface: 24 bits */
    u8 revision;
    u8 interrupt_pin; /* 0: none, 1: INTA */
    u8 header;        /* 1: a bridge */
};
void pci_init(struct pci_device *p, const struct pci_ident *id);
/* The expansion ROM that romfile= names, else `file`; on machines without ports only what romfile= names, for the files
 * of distributions are for PCs. NULL: the class has none. After pci_init. False: the file cannot be had. */
bool pci_add_rom(struct pci_device *p, const char *file, struct err *e);
void pci_reset(struct pci_device *p);
bool pci_loaded(struct pci_device *p, struct err *e);

/* A register of configuration space, little-endian: value after reset, writable bits, bits cleared by writing one. */
void pci_row(struct pci_device *p, unsigned off, unsigned size, u32 initial, u32 wmask, u32 w1c);
/* Room for a capability of `size` bytes, its first two included; gives its offset. */
u8 pci_add_cap(struct pci_device *p, u8 id, u8 size);
void pci_add_bar(struct pci_device *p, unsigned n, enum pci_bar_kind kind, bool prefetch, struct mem_region *r);

/* A window at a place of its own, decoded as the command register's bit for memory or ports says. */
void pci_add_fixed(struct pci_device *p, bool io, u64 base, struct mem_region *r);
void pci_fixed_decode(struct pci_device *p, const struct mem_region *r, bool on); /* or not, whatever that says */
/* The space of the bus's ports (or of a board's own window of them) and of its memory, for what a function maps by
 * registers of its own; ports count from `base` there. NULL: the machine has no ports. */
struct mem_space *pci_space(const struct pci_device *p, bool io, u64 *base);

u32 pci_config_read(struct pci_device *p, unsigned off, unsigned size);
void pci_config_write(struct pci_device *p, unsigned off, unsigned size, u32 v);
u16 pci_requester(const struct pci_device *p);
bool pci_is_master(const struct pci_device *p);

/* -- interrupts: pci_msi.c --------------------------------------------------------------------------- */

void pci_set_intx(struct pci_device *p, bool level);
/* MSI-X with its table and pending bits in a BAR of its own. At most PCI_MSIX_VECTORS. */
void pci_msix_init(struct pci_device *p, unsigned bar, unsigned vectors);
bool pci_msix_enabled(const struct pci_device *p);
void pci_msix_notify(struct pci_device *p, unsigned vector);
void pci_msix_flush(struct pci_device *p); /* sends what became pending while it was masked */
/* Plain MSI, 64-bit addresses, no masks; vectors a power of two up to 32. */
void pci_msi_init(struct pci_device *p, unsigned vectors);
bool pci_msi_enabled(const struct pci_device *p);
void pci_msi_notify(struct pci_device *p, unsigned vector);

/* -- the bus: pci_bus.c -------------------------------------------------------------------------------- */

/* Maps and unmaps what a function decodes, as command register, BARs and the bridges above say. */
void pci_map(struct pci_device *p);
/* Some function's INTx changed. */
void pci_intx_changed(struct pci_device *p);
/* A function that is a fixed part of its board: made, plugged at devfn, initialised. `owner` is the host. */
struct pci_device *pci_make(struct device *owner, const struct device_class *cls, const char *id, unsigned devfn,
                            struct err *e);

#endif

/* Shared by the files of the PC boards. */
#ifndef MOSS_HW_BOARD_PC_PC_PRIV_H
#define MOSS_HW_BOARD_PC_PC_PRIV_H

#include "hw/board/pc/acpi.h"
#include "hw/board/pc/cpus.h"
#include "hw/board/pc/mptable.h"
#include "hw/board/pc/pc.h"
#include "hw/core/isa.h"
#include "hw/core/loader.h"
#include "hw/pci/pci_bus.h"

struct reset_control;

#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum {                 /* what parts drive beside ISA's IRQs */
       PC_IN_A20 = 16, /* port 0x92, then the keyboard controller: address line 20 is closed, the processor's reset */
       PC_IN_INIT,
       PC_IN_A20_KBD,
       PC_IN_INIT_KBD,
       PC_IN_NMI,
       PC_IN_SMI,
};
enum { PC_COMS = 4, PC_GSIS = 24, PC_TOP = 0xfec00000u /* where chip sets' own addresses begin */ };
#define PC_HIGH_END (1ull << 40) /* of what PCI may have above 4 GiB: every processor has so many address bits */

/* What one PC has otherwise than another. A PC without PCI (`isa`) has no APICs either, no ACPI, and RAM below 1 MiB
 * where others' north bridges show ROM; its hooks but functions_make are NULL. */
struct pc_kind {
    bool isa;
    u64 most_below_4g, split;                                 /* more RAM than that, and it is split there */
    const char *product;                                      /* for SMBIOS */
    const char *firmware;                                     /* its own */
    bool (*host_make)(struct machine *m, struct err *e);      /* PCI host and south bridge, before the parts */
    bool (*functions_make)(struct machine *m, struct err *e); /* what is on the bus, behind them */
    void (*place)(struct machine *m); /* at reset, for firmware: the ports of power management, where PIRQs go */
    void (*acpi_say)(struct pc_acpi *a);
    void (*irqs_say)(struct irq_facts *f);
};

/* board_data */
struct pc {
    struct pc_cpus cpus;
    /* options */
    u64 max_below_4g;
    bool hpet;
    const char *vmport, *acpi_wanted, *smbios;

    const struct pc_kind *kind;
    struct ram rom;
    struct mem_region low, high, above, rom_region, rom_below_1m, upper, nowhere;
    u64 below_4g, above_4g; /* bytes of RAM */
    struct device *isa, *pic, *pit, *rtc, *fw_cfg;
    struct device *ioapic, *pci_host, *pm, *fdc; /* NULL: there is none */
    struct pci_device *south;
    bool a20_closed[2], has_vga;
    u32 gsi_driven[PC_GSIS];
    u8 gsi_sources[PC_GSIS];
    u8 coms;         /* a bit a serial port */
    bool kernel_rom; /* firmware boots the option ROM with the kernel */
    bool booted;     /* there was a reset */
    bool direct;     /* a kernel is entered without firmware */
    struct pc_acpi acpi;
};
static inline struct pc *pc_of(const struct machine *m)
{
    return m->board_data;
}

/* What the rows of all boards of this folder have alike; of those with PCI. */
#define PC_BOARD \
    .targets = pc_targets, .default_ram = 128 * MIB, .options = pc_options, .board_size = sizeof(struct pc), \
    .default_drive = "ide", .finish = pc_boot, .reset = pc_reset, .fini = pc_memory_fini, \
    .fw_cfg_file = pc_fw_cfg_file, .load_program = pc_load_program, .ram_name = "pc.ram"
#define PC_PCI_BOARD \
    PC_BOARD, .max_cpus = PC_CPUS_MAX, .parts = pc_parts, .default_block = "virtio-blk-pci", .default_nic = "e1000", \
              .default_bus = "pci", .vgas = pc_vgas

/* pc.c */
extern const struct target *const pc_targets[];
extern const struct part pc_parts[];
extern const struct prop pc_options[];
extern const char *const pc_vgas[];
/* PCI's host, named `id`, and the south bridge at devfn, with the reset control that `control` finds in it. */
bool pc_bridges_make(struct machine *m, const struct device_class *host, const char *id,
                     const struct device_class *south, const char *south_id, unsigned devfn,
                     struct reset_control *(*control)(struct pci_device *d), struct err *e);
bool pc_make(struct machine *m, const struct pc_kind *kind, struct err *e); /* build */
void pc_reset(struct machine *m);
bool pc_fw_cfg_file(struct machine *m, const char *name, const void *data, size_t len, struct err *e);
/* An input by its number, for parts: ISA's IRQs and those above. */
struct irq pc_input(struct machine *m, int n);
const char *pc_vga_wanted(const struct machine *m); /* as -vga says: one of the board's `vgas` */
bool pc_vga_make(struct machine *m, unsigned devfn, struct err *e);
bool pc_fdc_make(struct machine *m, struct err *e); /* with its drives; nothing where the board's room says so */
/* One more source of an input of the IO-APIC. */
struct irq pc_gsi(struct machine *m, unsigned gsi);
/* As firmware routes PIRQA to PIRQD (n is 0 to 3), and those behind them: levels. */
static inline unsigned pc_pirq_irq(unsigned n)
{
    return n & 2 ? 11 : 10;
}
#define PC_PIRQ_IRQS (1u << 10 | 1u << 11)
void pc_pirqs_route(struct machine *m, unsigned reg); /* four registers of the south bridge from there on */
bool pc_drives_attach(struct machine *m, enum drive_kind kind,
                      bool (*attach)(struct machine *m, const struct drive *d, struct err *e), struct err *e);
/* memory.c */
bool pc_memory_map(struct machine *m, struct err *e);
bool pc_firmware_load(struct machine *m, struct err *e);
void pc_ram_shown(struct machine *m); /* no firmware: there is RAM where its last 128 KiB would be */
void pc_memory_fini(struct machine *m);
/* firmware.c: what firmware is told */
bool pc_smbios(struct machine *m, struct buf *tables, struct buf *anchor, struct err *e);
void pc_boot_order(struct machine *m); /* at each reset */
bool pc_facts_add(struct machine *m, struct err *e);
/* boot.c */
#define PC_KERNEL_ROM "genroms/linuxboot_dma.bin"
bool pc_boot(struct machine *m, struct err *e);
bool pc_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e);

#endif

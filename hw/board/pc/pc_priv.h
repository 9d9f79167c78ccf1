/* Shared by the files of the PC boards. */
#ifndef MOSS_HW_BOARD_PC_PC_PRIV_H
#define MOSS_HW_BOARD_PC_PC_PRIV_H

#include "hw/board/pc/cpus.h"
#include "hw/board/pc/pc.h"
#include "hw/core/loader.h"
#include "hw/pci/pci_bus.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

enum {                 /* what parts drive beside ISA's IRQs */
       PC_IN_A20 = 16, /* port 0x92, then the keyboard controller: address line 20 is closed, the processor's reset */
       PC_IN_INIT,
       PC_IN_A20_KBD,
       PC_IN_INIT_KBD,
       PC_IN_NMI,
       PC_IN_SMI,
       PC_IN_NOWHERE,
};
enum { PC_COMS = 4, PC_TOP = 0xfec00000u /* where chipset's own addresses begin */ };

/* What one PC has otherwise than another. */
struct pc_kind {
    u64 most_below_4g, split; /* more RAM than that, and it is split there */
    const char *product;      /* for SMBIOS */
    const char *firmware;     /* its own */
    bool (*chipset_make)(struct machine *m, struct err *e);
    void (*rom_shown)(struct machine *m, u8 *last_128k);
};

/* board_data */
struct pc {
    struct pc_cpus cpus;
    /* options */
    u64 max_below_4g;
    const char *vmport;

    const struct pc_kind *kind;
    struct ram rom;
    struct mem_region low, high, above, rom_region, rom_below_1m, nowhere;
    u64 below_4g, above_4g; /* bytes of RAM */
    struct device *isa, *pic, *ioapic, *pit, *rtc, *fw_cfg, *pci_host;
    struct pci_device *south;
    bool a20_closed[2];
    bool direct; /* a kernel is entered without firmware */
    struct buf e820;
};
static inline struct pc *pc_of(const struct machine *m)
{
    return m->board_data;
}

/* pc.c: an input by its number, for parts: ISA's IRQs and those above. */
struct irq pc_input(struct machine *m, int n);
/* memory.c */
bool pc_memory_map(struct machine *m, struct err *e);
bool pc_firmware_load(struct machine *m, struct err *e);
void pc_memory_fini(struct machine *m);
/* firmware.c: what firmware is told */
bool pc_facts_add(struct machine *m, struct err *e);
/* boot.c */
bool pc_boot(struct machine *m, struct err *e);
bool pc_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e);

#endif

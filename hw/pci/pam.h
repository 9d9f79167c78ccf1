/* The memory between 640 KiB and 1 MiB as Intel's north bridges have it: thirteen segments whose reads and writes go to
 * RAM or to PCI (PAM registers), and the RAM behind the VGA window, which system-management code lies in (SMRAM). */
#ifndef MOSS_HW_PCI_PAM_H
#define MOSS_HW_PCI_PAM_H

#include "memory/memory.h"

enum { PAM_REGS = 7, PAM_SEGMENTS = 13 };

struct pam;
struct pam_segment {
    struct pam *pam;
    u32 base, size;
    u8 mode; /* bit 0: reads go to RAM, bit 1: writes do */
    struct mem_region region;
};
struct pam {
    struct mem_space *space;
    u8 *ram;       /* the machine's RAM, from address 0 on */
    const u8 *rom; /* the firmware's last 128 KiB, seen from 0xe0000 on; NULL: nothing */
    struct pam_segment segment[PAM_SEGMENTS];
    struct mem_region smram_open, smram_closed;
};

void pam_init(struct pam *p, struct mem_space *space, u8 *ram);
/* The firmware's last 128 KiB, in memory of a struct ram. The board maps them itself, below these segments. */
void pam_set_rom(struct pam *p, u8 *rom);
/* The seven registers from PAM0 on, and SMRAM as the 82441FX has it. */
void pam_update(struct pam *p, const u8 *regs, u8 smram);

/* SMRAM after a write of v; locked bits stay as they are. */
u8 pam_smram_write(u8 was, u8 v);

#endif

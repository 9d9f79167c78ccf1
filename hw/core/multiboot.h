/* Programs for x86 that a boot loader enters in flat 32-bit protected mode. */
#ifndef MOSS_HW_CORE_MULTIBOOT_H
#define MOSS_HW_CORE_MULTIBOOT_H

#include "hw/core/loader.h"

struct multiboot {
    u64 entry, end;  /* end of the program in memory, bss included */
    u32 magic, info; /* EAX and EBX at the entry; 0 for a program that is no Multiboot image */
    u64 pvh;         /* where an ELF file that is none wants to be entered as a PVH guest; 0: it does not say */
};
/* A Multiboot image by its header, anything else as kernel_load does. The command line is -append's. */
bool multiboot_load(struct machine *m, const char *path, const struct kernel_rules *r, struct multiboot *mb,
                    struct err *e);

#endif

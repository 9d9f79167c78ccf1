/* Kernels by the Linux boot protocol for x86, entered in 32-bit protected mode. */
#ifndef MOSS_HW_BOARD_PC_LINUX_H
#define MOSS_HW_BOARD_PC_LINUX_H

#include "hw/core/loader.h"
#include "hw/core/machine.h"
#include "target/i386/i386.h"

/* A range of memory as the E820 map has it. */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3 };
struct e820_range {
    u64 base, len;
    u32 type;
};
enum { E820_MAX = 16 };

/* What the board knows. */
struct linux_place {
    struct e820_range map[E820_MAX];
    unsigned nmap;
    u64 low_end; /* RAM below 4 GiB that kernel and initrd may take ends there */
    u64 rsdp;    /* 0: none */
};
struct linux_entry {
    u32 eip, esi;
};

/* The command line's place in low memory, for whoever enters a kernel. */
enum { LINUX_CMDLINE = 0x20000, LINUX_CMDLINE_ROOM = 0x10000 };

bool linux_is(const struct image_file *f);
u64 linux_setup_size(const struct image_file *f); /* bytes before the protected-mode kernel */
/* Places kernel, initrd (-initrd) and command line (-append). */
bool linux_load(struct machine *m, struct image_file *f, const struct linux_place *p, struct linux_entry *out,
                struct err *e);

/* pvh.c: for a kernel that is a PVH guest and takes memory up to `end`: command line, initrd and start information;
 * gives what EBX is. */
bool pvh_place(struct machine *m, u64 end, const struct linux_place *p, u32 *ebx, struct err *e);

/* kernel.c: any kernel by whichever protocol it knows, -initrd and -append; what is in `r` holds for ELF files. */
bool kernel_place(struct machine *m, const struct kernel_rules *r, const struct linux_place *p, struct x86_entry *entry,
                  struct err *e);

/* The same behind firmware: what a boot loader would do is an option ROM's, which fetches these. The setup code's
 * header is filled in; the items lie in the machine's arena. */
enum { LINUX_SETUP = 0x10000, LINUX_STACK = 0xe000 };
struct linux_item {
    u16 key; /* enum fw_cfg_key */
    u8 *data;
    u64 len, at;
};
enum { LINUX_ITEMS = 4 };
bool linux_items(struct machine *m, const struct image_file *f, u64 low_end, struct linux_item items[LINUX_ITEMS],
                 struct err *e);
/* For a loader that puts kernels at 1 MiB, whatever they prefer: they go on from there themselves. */
void linux_items_low(struct linux_item items[LINUX_ITEMS]);
/* Any kernel as it is, with initrd and command line: for firmware that knows what to do with it. */
bool linux_offer(struct machine *m, struct device *fw_cfg, struct err *e);
/* linux_rom.c */
const u8 *linux_rom_make(struct machine *m, const struct linux_item items[LINUX_ITEMS], size_t *size);

#endif

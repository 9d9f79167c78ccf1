/* A kernel that is entered without firmware, by whichever protocol it knows: Linux' own (linux.c), Multiboot
 * (hw/core/multiboot.c), PVH (pvh.c); an ELF file of none of these at its entry. */
#include "hw/board/pc/linux.h"

#include <glib.h>

#include "hw/core/multiboot.h"

static bool multiboot_place(struct machine *m, const struct kernel_rules *r, const struct linux_place *p,
                            struct x86_entry *entry, struct err *e)
{
    struct multiboot mb;
    if (!multiboot_load(m, m->cfg.kernel, r, &mb, e)) {
        return false;
    }
    if (mb.pvh) {
        *entry = (struct x86_entry){.set = true, .eip = (u32)mb.pvh};
        return pvh_place(m, mb.end, p, &entry->ebx, e);
    }
    *entry = (struct x86_entry){.set = true, .eip = (u32)mb.entry, .eax = mb.magic, .ebx = mb.info};
    return true;
}

/* Where a BIOS starts anew (at FFFF:0000 or F000:FFF0), which is the last that kernels try when they reboot: a triple
 * fault resets the machine. Behind the code is the limit of a table with nothing in it.
 *   jmp FFFFh:5; lidt cs:[12]; int3 */
static void reset_vector_place(struct machine *m)
{
    enum { VECTOR = 0xffff0 };
    static const u8 code[16] = {0xea, 0x05, 0x00, 0xff, 0xff, 0x2e, 0x0f, 0x01, 0x1e, 0x0c, 0x00, 0xcc};
    loader_add(m, "reset vector", VECTOR, g_memdup2(code, sizeof(code)), sizeof(code), sizeof(code));
}

bool kernel_place(struct machine *m, const struct kernel_rules *r, const struct linux_place *p, struct x86_entry *entry,
                  struct err *e)
{
    struct linux_entry le;
    struct image_file f;
    if (!image_map(&f, "kernel", m->cfg.kernel, e)) {
        return false;
    }
    bool is_linux = linux_is(&f), ok = !is_linux || linux_load(m, &f, p, &le, e);
    image_free(&f);
    if (!ok) {
        err_prefix(e, "could not load kernel '%s'", m->cfg.kernel);
        return false;
    }
    reset_vector_place(m);
    if (!is_linux) {
        return multiboot_place(m, r, p, entry, e);
    }
    *entry = (struct x86_entry){.set = true, .eip = le.eip, .esi = le.esi};
    return true;
}

/* Kernels that are entered as PVH guests: an ELF file with the note XEN_ELFNOTE_PHYS32_ENTRY, as Linux has it with
 * CONFIG_PVH (SPEC: Xen, docs/misc/pvh.pandoc, "x86/HVM direct boot ABI"; include/public/arch-x86/hvm/start_info.h,
 * version 1). Entered in 32-bit protected mode with flat segments, EBX the start information. One module: the initrd,
 * at the end of RAM below 4 GiB. */
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/board/pc/linux.h"

#define START_MAGIC 0x336ec578u
enum { /* in a page of low memory */
       INFO = 0x9000,
       INFO_VERSION = 4,
       INFO_MODULES = 12,
       INFO_MODLIST = 16,
       INFO_CMDLINE = 24,
       INFO_RSDP = 32,
       INFO_MEMMAP = 40,
       INFO_MEMMAP_ENTRIES = 48,
       MODLIST = 0x40, /* address, size, its command line */
       MEMMAP = 0x80,
       MEMMAP_ENTRY = 24,
       PAGE = 0x1000,
};

static bool initrd_place(struct machine *m, u64 kernel_end, const struct linux_place *p, u8 *info, struct err *e)
{
    struct image_file f;
    if (!m->cfg.initrd) {
        return true;
    }
    if (!image_map(&f, "initrd", m->cfg.initrd, e)) {
        return false;
    }
    u64 at = f.len < p->low_end ? align_down(p->low_end - f.len, PAGE) : 0;
    if (at < kernel_end) {
        image_free(&f);
        return err_set(e, "could not load initrd '%s': it does not fit into RAM behind the kernel", m->cfg.initrd);
    }
    st32le(info + INFO_MODULES, 1);
    st64le(info + INFO_MODLIST, INFO + MODLIST);
    st64le(info + MODLIST, at);
    st64le(info + MODLIST + 8, f.len);
    loader_add_image(m, "initrd", at, &f);
    return true;
}

bool pvh_place(struct machine *m, u64 end, const struct linux_place *p, u32 *ebx, struct err *e)
{
    const char *line = m->cfg.append ? m->cfg.append : "";
    size_t n = strlen(line) + 1;
    if (n > LINUX_CMDLINE_ROOM) {
        return err_set(e, "-append: the command line is longer than %d characters", LINUX_CMDLINE_ROOM - 1);
    }
    if (end > p->low_end) {
        return err_set(e, "could not load kernel '%s': it does not fit into RAM", m->cfg.kernel);
    }
    u8 *info = g_malloc0(PAGE);
    st32le(info, START_MAGIC);
    st32le(info + INFO_VERSION, 1);
    st64le(info + INFO_CMDLINE, LINUX_CMDLINE);
    st64le(info + INFO_RSDP, p->rsdp);
    st64le(info + INFO_MEMMAP, INFO + MEMMAP);
    st32le(info + INFO_MEMMAP_ENTRIES, p->nmap);
    for (unsigned i = 0; i < p->nmap; i++) {
        u8 *row = info + MEMMAP + i * MEMMAP_ENTRY;
        st64le(row, p->map[i].base);
        st64le(row + 8, p->map[i].len);
        st32le(row + 16, p->map[i].type);
    }
    if (!initrd_place(m, end, p, info, e)) {
        g_free(info);
        return false;
    }
    loader_add(m, "start information", INFO, info, PAGE, PAGE);
    loader_add(m, "cmdline", LINUX_CMDLINE, g_memdup2(line, n), n, n);
    *ebx = INFO;
    return true;
}

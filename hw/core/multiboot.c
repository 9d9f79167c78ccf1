/* Multiboot images (Multiboot Specification version 0.6.96, sections 3.1 to 3.3): the header, addresses by ELF or in
 * the header itself, and the information that the program finds. Not modelled: modules, drives, symbols, video modes.
 */
#include "hw/core/multiboot.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"

enum {
    HEADER_MAGIC = 0x1badb002,
    LOADER_MAGIC = 0x2badb002,
    SEARCH = 8192,
    FLAG_VIDEO = 1 << 2,
    FLAG_ADDRESSES = 1 << 16,
    UNKNOWN = 0xfff8, /* bits of 15:0 that an image may require and nobody here gives */
    INFO = 0x9000,    /* where the information lies: a page of low memory */
    INFO_CMDLINE = 0x100,
    INFO_MMAP = 0x80,
    INFO_SIZE = 0x1000,
};
/* Flags of the information. */
enum { HAS_MEMORY = 1 << 0, HAS_CMDLINE = 1 << 2, HAS_MMAP = 1 << 6, HAS_NAME = 1 << 9 };

static const u8 *header_find(const struct image_file *f)
{
    for (u64 at = 0; at + 12 <= MIN(f->len, (u64)SEARCH); at += 4) {
        const u8 *p = f->data + at;
        if (ld32le(p) == HEADER_MAGIC && !(u32)(ld32le(p) + ld32le(p + 4) + ld32le(p + 8))) {
            return p;
        }
    }
    return NULL;
}

/* Header, load, load end, bss end, entry: from 12 bytes behind the magic on. */
static bool addresses_load(struct machine *m, const struct image_file *f, const u8 *h, const char *path,
                           struct multiboot *mb, struct err *e)
{
    u64 at = (u64)(h - f->data);
    if (at + 32 > f->len) {
        return err_set(e, "the Multiboot header is cut short");
    }
    u64 header = ld32le(h + 12), load = ld32le(h + 16), load_end = ld32le(h + 20), bss_end = ld32le(h + 24);
    u64 from = at - (header - load), n = load_end ? load_end - load : f->len - from;
    if (header < load || header - load > at || (load_end && load_end < load) || n > f->len - from) {
        return err_set(e, "the addresses in the Multiboot header make no sense");
    }
    u64 len = MAX(n, bss_end > load ? bss_end - load : 0);
    loader_add(m, path, load, g_memdup2(f->data + from, n), n, len);
    mb->entry = ld32le(h + 28);
    return true;
}

static void info_put(u8 *p, unsigned off, u32 v)
{
    stnle(p + off, 4, v);
}
static void mmap_put(u8 *p, u64 base, u64 len, u32 type)
{
    stnle(p, 4, 20);
    stnle(p + 4, 8, base);
    stnle(p + 12, 8, len);
    stnle(p + 20, 4, type);
}

/* Memory as it is: no holes below 1 MiB but firmware's. */
static bool info_add(struct machine *m, struct multiboot *mb, struct err *e)
{
    static const char name[] = "moss";
    const char *line = m->cfg.append ? m->cfg.append : "";
    u64 high = MIN(m->cfg.ram_size, 0xc0000000ull);
    if (strlen(line) >= INFO_SIZE - INFO_CMDLINE) {
        return err_set(e, "-append: the command line is longer than %d characters", INFO_SIZE - INFO_CMDLINE - 1);
    }
    u8 *p = g_malloc0(INFO_SIZE);
    info_put(p, 0, HAS_MEMORY | HAS_CMDLINE | HAS_MMAP | HAS_NAME);
    info_put(p, 4, 640);
    info_put(p, 8, (u32)((high - MIN(high, 0x100000ull)) >> 10));
    info_put(p, 16, INFO + INFO_CMDLINE);
    info_put(p, 44, 2 * 24);
    info_put(p, 48, INFO + INFO_MMAP);
    info_put(p, 64, INFO + 0x70);
    memcpy(p + 0x70, name, sizeof(name));
    mmap_put(p + INFO_MMAP, 0, 0xa0000, 1);
    mmap_put(p + INFO_MMAP + 24, 0x100000, high - MIN(high, 0x100000ull), 1);
    memcpy(p + INFO_CMDLINE, line, strlen(line));
    loader_add(m, "multiboot information", INFO, p, INFO_SIZE, INFO_SIZE);
    mb->magic = LOADER_MAGIC;
    mb->info = INFO;
    return true;
}

static bool image_load(struct machine *m, const struct image_file *f, const char *path, const struct kernel_rules *r,
                       struct multiboot *mb, struct err *e)
{
    struct kernel k;
    const u8 *h = header_find(f);
    if (h && ld32le(h + 4) & (UNKNOWN | FLAG_VIDEO)) {
        return err_set(e, "the Multiboot image asks for what moss does not give (flags 0x%x)", ld32le(h + 4));
    }
    if (h && ld32le(h + 4) & FLAG_ADDRESSES) {
        return addresses_load(m, f, h, path, mb, e) && info_add(m, mb, e);
    }
    if (!kernel_load(m, path, r, &k, e)) {
        return false;
    }
    mb->entry = k.entry;
    return !h || info_add(m, mb, e);
}

bool multiboot_load(struct machine *m, const char *path, const struct kernel_rules *r, struct multiboot *mb,
                    struct err *e)
{
    struct image_file f;
    *mb = (struct multiboot){0};
    if (!image_map(&f, "kernel", path, e)) {
        return false;
    }
    bool ok = image_load(m, &f, path, r, mb, e);
    image_free(&f);
    return ok;
}

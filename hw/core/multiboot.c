/* Multiboot images (Multiboot Specification version 0.6.96, sections 3.1 to 3.3): the header, addresses by ELF or in
 * the header itself, modules (-initrd "FILE ARGUMENTS,FILE..."), and the information that the program finds. Not
 * modelled: drives, symbols, video modes. */
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
    INFO = 0x9000,    /* where the information lies: pages of low memory */
    INFO_NAME = 0x70,
    INFO_MMAP = 0x80,
    INFO_MODULES = 0x100,
    MODULES = 32,
    MODULE = 16, /* bytes of its row */
    INFO_STRINGS = INFO_MODULES + MODULES * MODULE,
    INFO_SIZE = 0x4000,
    PAGE = 0x1000,
};
/* Flags of the information. */
enum { HAS_MEMORY = 1 << 0, HAS_CMDLINE = 1 << 2, HAS_MODULES = 1 << 3, HAS_MMAP = 1 << 6, HAS_NAME = 1 << 9 };

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
    mb->end = load + len;
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

/* The information as it grows: strings behind the tables. */
struct info {
    u8 *p;
    unsigned strings; /* where the next one goes */
};

/* Where it lies for the program; 0: there is no room. */
static u32 string_put(struct info *x, const char *a, const char *b)
{
    size_t n = strlen(a) + 1 + strlen(b) + 1;
    if (n > INFO_SIZE - x->strings) {
        return 0;
    }
    u32 at = INFO + x->strings;
    x->strings += (unsigned)snprintf((char *)x->p + x->strings, n, "%s%s%s", a, *b ? " " : "", b) + 1;
    return at;
}

/* `text`: a file, and what the module is told behind a space. */
static bool module_add(struct machine *m, struct info *x, unsigned i, const char *text, u64 *end, u64 most,
                       struct err *e)
{
    char *path = g_strndup(text, strcspn(text, " "));
    struct image_file f;
    bool ok = image_map(&f, "module", path, e);
    g_free(path);
    if (!ok) {
        return false;
    }
    u64 at = align_up(*end, PAGE), len = f.len;
    u32 string = string_put(x, text, "");
    if (len > most || at > most - len || !string) {
        image_free(&f);
        return err_set(e, string ? "module '%s' does not fit into RAM behind the program" : "'%s' is too long", text);
    }
    loader_add_image(m, text, at, &f);
    u8 *row = x->p + INFO_MODULES + i * MODULE;
    info_put(row, 0, (u32)at);
    info_put(row, 4, (u32)(at + len));
    info_put(row, 8, string);
    *end = at + len;
    return true;
}

static bool modules_add(struct machine *m, struct info *x, u64 end, u64 most, struct err *e)
{
    char **list = g_strsplit(m->cfg.initrd ? m->cfg.initrd : "", ",", 0);
    unsigned n = 0;
    bool ok = true;
    for (; ok && list[n]; n++) {
        ok = n < MODULES ? module_add(m, x, n, list[n], &end, most, e)
                         : err_set(e, "-initrd: there may be %d modules", MODULES);
    }
    g_strfreev(list);
    info_put(x->p, 20, n);
    info_put(x->p, 24, INFO + INFO_MODULES);
    return ok;
}

/* Memory as it is: no holes below 1 MiB but firmware's. The command line begins with the program's name. */
static bool info_add(struct machine *m, struct multiboot *mb, const struct kernel_rules *r, struct err *e)
{
    static const char name[] = "moss";
    u64 above = r->ram_size - MIN(r->ram_size, 0x100000ull);
    struct info x = {.p = g_malloc0(INFO_SIZE), .strings = INFO_STRINGS};
    u8 *p = x.p;
    u32 line = string_put(&x, m->cfg.kernel, m->cfg.append ? m->cfg.append : "");
    if (!line) {
        g_free(p);
        return err_set(e, "-append: the command line is longer than %d characters", INFO_SIZE - INFO_STRINGS - 1);
    }
    info_put(p, 0, HAS_MEMORY | HAS_CMDLINE | HAS_MODULES | HAS_MMAP | HAS_NAME);
    info_put(p, 4, 640);
    info_put(p, 8, (u32)(above >> 10));
    info_put(p, 16, line);
    info_put(p, 44, 2 * 24);
    info_put(p, 48, INFO + INFO_MMAP);
    info_put(p, 64, INFO + INFO_NAME);
    memcpy(p + INFO_NAME, name, sizeof(name));
    mmap_put(p + INFO_MMAP, 0, 0xa0000, 1);
    mmap_put(p + INFO_MMAP + 24, 0x100000, above, 1);
    if (!modules_add(m, &x, mb->end, r->ram_size, e)) {
        g_free(p);
        return false;
    }
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
        return addresses_load(m, f, h, path, mb, e) && info_add(m, mb, r, e);
    }
    if (!kernel_load(m, path, r, &k, e)) {
        return false;
    }
    mb->entry = k.entry;
    mb->end = k.end;
    mb->pvh = h ? 0 : k.pvh_entry;
    return !h || info_add(m, mb, r, e);
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

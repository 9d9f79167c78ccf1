/* bzImage (SPEC: Linux, Documentation/arch/x86/boot.rst, protocol 2.02 and later, "32-bit boot protocol";
 * zero-page.rst).
 *
 * Entered directly, the real-mode part never runs: what it would ask of a BIOS is in the zero page, as far as a kernel
 * needs it. The
 * kernel is put where it would go itself, so that it moves nothing.
 * Not modelled: zImage, kernels older than 2.02, what setup code learns of video modes, disks (EDD) and APM. */
#include "hw/board/pc/linux.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/misc/fw_cfg.h"

enum { /* the header, offsets in file and zero page */
       SETUP_SECTS = 0x1f1,
       BOOT_FLAG = 0x1fe,
       HEADER_END = 0x201, /* from 0x202 on, in bytes */
       MAGIC = 0x202,
       VERSION = 0x206,
       TYPE_OF_LOADER = 0x210,
       LOADFLAGS = 0x211,
       CODE32_START = 0x214,
       RAMDISK_IMAGE = 0x218,
       RAMDISK_SIZE = 0x21c,
       HEAP_END_PTR = 0x224,
       CMD_LINE_PTR = 0x228,
       INITRD_ADDR_MAX = 0x22c,
       KERNEL_ALIGNMENT = 0x230,
       RELOCATABLE = 0x234,
       CMDLINE_SIZE = 0x238,
       PREF_ADDRESS = 0x258,
       INIT_SIZE = 0x260,
       HEADER_MAX = 0x290,
       /* of the zero page alone */
       ACPI_RSDP = 0x070,
       E820_ENTRIES = 0x1e8,
       E820_TABLE = 0x2d0,
       E820_SIZE = 20,
};
enum { LOADED_HIGH = 1, UNKNOWN_LOADER = 0xff, SECTOR = 512 };
enum { ZERO_PAGE = 0x10000, PAGE = 0x1000, ONE_MIB = 0x100000 };

bool linux_is(const struct image_file *f)
{
    return f->len > HEADER_MAX && ld16le(f->data + BOOT_FLAG) == 0xaa55 && !memcmp(f->data + MAGIC, "HdrS", 4);
}

u64 linux_setup_size(const struct image_file *f)
{
    return MIN((f->data[SETUP_SECTS] ? f->data[SETUP_SECTS] + 1u : 5u) * (u64)SECTOR, f->len);
}

struct header {
    unsigned version;
    u64 start;      /* of the protected-mode kernel in the file */
    u64 load, need; /* where it goes, bytes that it takes there until it runs */
    u64 cmdline, initrd_max;
};

static bool header_read(const struct image_file *f, u64 low_end, struct header *h, struct err *e)
{
    const u8 *d = f->data;
    h->version = ld16le(d + VERSION);
    h->start = linux_setup_size(f);
    if (h->version < 0x202 || !(d[LOADFLAGS] & LOADED_HIGH)) {
        return err_set(e, "the kernel is too old (boot protocol %u.%02u, or a zImage)", h->version >> 8,
                       h->version & 255);
    }
    if (h->start >= f->len) {
        return err_set(e, "the file ends before the kernel does (is it truncated?)");
    }
    u64 size = f->len - h->start;
    h->cmdline = h->version >= 0x206 ? ld32le(d + CMDLINE_SIZE) : 255;
    h->initrd_max = h->version >= 0x203 ? ld32le(d + INITRD_ADDR_MAX) : 0x37ffffff;
    h->load = ONE_MIB;
    h->need = 3 * size; /* older kernels do not say */
    if (h->version >= 0x20a) {
        h->need = ld32le(d + INIT_SIZE);
        u64 pref = ld64le(d + PREF_ADDRESS);
        bool movable = d[RELOCATABLE] != 0, fits = pref >= ONE_MIB && pref + h->need <= low_end;
        h->load = fits || !movable ? pref : align_up(ONE_MIB, MAX(ld32le(d + KERNEL_ALIGNMENT), (u32)PAGE));
    }
    if (h->load < ONE_MIB || h->load + MAX(h->need, size) > low_end) {
        return err_set(e, "the kernel does not fit into RAM: it needs %llu MiB from 0x%llx on",
                       (unsigned long long)(h->need >> 20), (unsigned long long)h->load);
    }
    return true;
}

/* As high as the kernel allows, for it clears what is behind itself; the header says where. */
static bool initrd_open(struct machine *m, struct image_file *f, u64 low_end, const struct header *h, u8 *zero, u64 *at,
                        struct err *e)
{
    if (!image_map(f, "initrd", m->cfg.initrd, e)) {
        return false;
    }
    u64 end = MIN(low_end, h->initrd_max + 1);
    *at = f->len < end ? align_down(end - f->len, PAGE) : 0;
    if (*at < h->load + h->need) {
        image_free(f);
        return err_set(e, "could not load initrd '%s': it does not fit into RAM behind the kernel", m->cfg.initrd);
    }
    st32le(zero + RAMDISK_IMAGE, (u32)*at);
    st32le(zero + RAMDISK_SIZE, (u32)f->len);
    return true;
}

static bool initrd_place(struct machine *m, const struct linux_place *p, const struct header *h, u8 *zero,
                         struct err *e)
{
    struct image_file f;
    u64 at;
    if (!m->cfg.initrd) {
        return true;
    }
    if (!initrd_open(m, &f, p->low_end, h, zero, &at, e)) {
        return false;
    }
    loader_add_image(m, "initrd", at, &f);
    return true;
}

static bool cmdline_check(const struct machine *m, const struct header *h, struct err *e)
{
    size_t n = strlen(m->cfg.append ? m->cfg.append : "");
    if (n > MIN(h->cmdline, (u64)LINUX_CMDLINE_ROOM - 1)) {
        return err_set(e, "-append: the command line has %zu characters; this kernel takes %llu", n,
                       (unsigned long long)h->cmdline);
    }
    return true;
}

static bool cmdline_place(struct machine *m, const struct header *h, u8 *zero, struct err *e)
{
    const char *line = m->cfg.append ? m->cfg.append : "";
    size_t n = strlen(line);
    if (!cmdline_check(m, h, e)) {
        return false;
    }
    loader_add(m, "cmdline", LINUX_CMDLINE, g_memdup2(line, n + 1), n + 1, n + 1);
    st32le(zero + CMD_LINE_PTR, LINUX_CMDLINE);
    return true;
}

static void zero_page_fill(u8 *zero, const struct image_file *f, const struct linux_place *p, const struct header *h)
{
    unsigned end = MIN(MAGIC + f->data[HEADER_END], HEADER_MAX);
    memcpy(zero + SETUP_SECTS, f->data + SETUP_SECTS, end - SETUP_SECTS);
    zero[TYPE_OF_LOADER] = UNKNOWN_LOADER;
    st32le(zero + CODE32_START, (u32)h->load);
    st64le(zero + ACPI_RSDP, p->rsdp);
    zero[E820_ENTRIES] = (u8)p->nmap;
    for (unsigned i = 0; i < p->nmap; i++) {
        u8 *row = zero + E820_TABLE + i * E820_SIZE;
        st64le(row, p->map[i].base);
        st64le(row + 8, p->map[i].len);
        st32le(row + 16, p->map[i].type);
    }
}

bool linux_load(struct machine *m, struct image_file *f, const struct linux_place *p, struct linux_entry *out,
                struct err *e)
{
    struct header h = {0};
    if (!header_read(f, p->low_end, &h, e)) {
        return false;
    }
    u8 *zero = g_malloc0(PAGE);
    zero_page_fill(zero, f, p, &h);
    bool ok = cmdline_place(m, &h, zero, e) && initrd_place(m, p, &h, zero, e);
    if (!ok) {
        g_free(zero);
        return false;
    }
    u64 size = f->len - h.start;
    loader_add(m, "zero page", ZERO_PAGE, zero, PAGE, PAGE);
    loader_add(m, m->cfg.kernel, h.load, g_memdup2(f->data + h.start, size), size, size);
    *out = (struct linux_entry){.eip = (u32)h.load, .esi = ZERO_PAGE};
    return true;
}

/* -- behind firmware ----------------------------------------------------------------------------------------------- */

static bool initrd_item(struct machine *m, const struct header *h, u64 low_end, u8 *setup, struct linux_item *item,
                        struct err *e)
{
    struct image_file f;
    if (!m->cfg.initrd) {
        return true;
    }
    if (!initrd_open(m, &f, low_end, h, setup, &item->at, e)) {
        return false;
    }
    item->len = f.len;
    item->data = arena_dup(&m->arena, f.data, f.len);
    image_free(&f);
    return true;
}

bool linux_items(struct machine *m, const struct image_file *f, u64 low_end, struct linux_item items[LINUX_ITEMS],
                 struct err *e)
{
    enum { CAN_USE_HEAP = 0x80 };
    struct header h = {0};
    const char *line = m->cfg.append ? m->cfg.append : "";
    if (!header_read(f, low_end, &h, e) || !cmdline_check(m, &h, e)) {
        return false;
    }
    u8 *setup = arena_dup(&m->arena, f->data, h.start);
    u64 size = f->len - h.start;
    setup[TYPE_OF_LOADER] = UNKNOWN_LOADER;
    setup[LOADFLAGS] |= CAN_USE_HEAP;
    st16le(setup + HEAP_END_PTR, LINUX_STACK - 0x200);
    st32le(setup + CODE32_START, (u32)h.load);
    st32le(setup + CMD_LINE_PTR, LINUX_CMDLINE);
    items[0] = (struct linux_item){FW_CFG_SETUP_DATA, setup, h.start, LINUX_SETUP};
    items[1] = (struct linux_item){FW_CFG_KERNEL_DATA, arena_dup(&m->arena, f->data + h.start, size), size, h.load};
    items[2] =
        (struct linux_item){FW_CFG_CMDLINE_DATA, (u8 *)arena_str(&m->arena, line), strlen(line) + 1, LINUX_CMDLINE};
    items[3] = (struct linux_item){.key = FW_CFG_INITRD_DATA};
    return h.start <= LINUX_STACK - 0x1000 ? initrd_item(m, &h, low_end, setup, &items[3], e)
                                           : err_set(e, "the kernel's setup code is too long");
}

void linux_items_low(struct linux_item items[LINUX_ITEMS])
{
    st32le(items[0].data + CODE32_START, ONE_MIB);
    items[1].at = ONE_MIB;
}

static bool initrd_offer(struct machine *m, struct device *d, struct err *e)
{
    struct image_file f;
    if (!m->cfg.initrd) {
        return true;
    }
    if (!image_read(&f, "initrd", m->cfg.initrd, e)) {
        return false;
    }
    fw_cfg_add_u32(d, FW_CFG_INITRD_SIZE, (u32)f.len);
    fw_cfg_add(d, FW_CFG_INITRD_DATA, arena_dup(&m->arena, f.data, f.len), f.len);
    image_free(&f);
    return true;
}

/* The setup part and the kernel behind it are items of their own. */
bool linux_offer(struct machine *m, struct device *d, struct err *e)
{
    struct image_file f;
    const char *line = m->cfg.append ? m->cfg.append : "";
    if (!image_read(&f, "kernel", m->cfg.kernel, e)) {
        return false;
    }
    u64 setup = linux_is(&f) ? linux_setup_size(&f) : 0;
    fw_cfg_add_u32(d, FW_CFG_SETUP_SIZE, (u32)setup);
    fw_cfg_add(d, FW_CFG_SETUP_DATA, arena_dup(&m->arena, f.data, setup), setup);
    fw_cfg_add_u32(d, FW_CFG_KERNEL_SIZE, (u32)(f.len - setup));
    fw_cfg_add(d, FW_CFG_KERNEL_DATA, arena_dup(&m->arena, f.data + setup, f.len - setup), f.len - setup);
    fw_cfg_add_u32(d, FW_CFG_CMDLINE_SIZE, (u32)strlen(line) + 1);
    fw_cfg_add_str(d, FW_CFG_CMDLINE_DATA, line);
    image_free(&f);
    return initrd_offer(m, d, e);
}

/* The firmware configuration device (the fw_cfg specification of QEMU, docs/specs/fw_cfg; Linux,
 * Documentation/devicetree/bindings/firmware/qemu,fw-cfg-mmio.yaml).
 *
 * In memory: 0x00 data, up to 8 bytes wide, bytes in the order of the item; 0x08 selector, 16 bits big-endian; 0x10
 * address of a DMA request, 64 bits big-endian, the write of whose low half starts it. By ports: 0 selector, 16 bits
 * little-endian; 1 data, a byte wide; 4 the address of a DMA request, as above. Requests are done at once.
 *
 * A file's key follows from its place in the directory, which is sorted by name; so the keys are the same whatever
 * order files were added in.
 * Not modelled: writing through the data register, which hardware of this kind no longer does. */
#include "hw/misc/fw_cfg.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum { NKEYS = 0x20, NFILES = 0x40, NAME_LEN = 56, DIR_ENTRY = 64 };
enum { AT_DATA = 0x00, AT_SELECT = 0x08, AT_DMA = 0x10, MMIO_SIZE = 0x18 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { ID_TRADITIONAL = 1, ID_DMA = 2, KEY_MASK = 0x3fff };

struct item {
    const u8 *data;
    u64 len;
    struct fw_cfg_hooks hooks;
    void *opaque;
};
struct file {
    char name[NAME_LEN];
    struct item item;
};

struct fw_cfg {
    struct device dev;
    struct item keys[2][NKEYS]; /* [1]: with FW_CFG_ARCH_LOCAL */
    struct file files[NFILES];  /* sorted by name */
    unsigned nfiles;
    u8 dir[4 + NFILES * DIR_ENTRY];
    u16 key;
    u32 pos;
    u64 dma_addr;
};

static const char dma_signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

/* -- items ------------------------------------------------------------------------------------------- */

static struct item *item_find(struct fw_cfg *s, u16 key)
{
    unsigned n = key & KEY_MASK, arch = key & FW_CFG_ARCH_LOCAL ? 1 : 0;
    if (n < NKEYS) {
        return &s->keys[arch][n];
    }
    n -= FW_CFG_FILE_FIRST;
    return !arch && n < s->nfiles ? &s->files[n].item : NULL;
}

void fw_cfg_add(struct device *d, u16 key, const void *data, size_t len)
{
    struct item *it = item_find((struct fw_cfg *)d, key);
    must(it && (key & KEY_MASK) < NKEYS);
    *it = (struct item){.data = data, .len = len};
}

void fw_cfg_add_u16(struct device *d, u16 key, u16 v)
{
    fw_cfg_add(d, key, arena_dup(&d->machine->arena, &v, sizeof(v)), sizeof(v));
}

void fw_cfg_add_u32(struct device *d, u16 key, u32 v)
{
    fw_cfg_add(d, key, arena_dup(&d->machine->arena, &v, sizeof(v)), sizeof(v));
}

void fw_cfg_add_str(struct device *d, u16 key, const char *str)
{
    fw_cfg_add(d, key, arena_str(&d->machine->arena, str), strlen(str) + 1);
}

static void dir_write(struct fw_cfg *s)
{
    st32be(s->dir, s->nfiles);
    for (unsigned i = 0; i < s->nfiles; i++) {
        u8 *row = s->dir + 4 + i * DIR_ENTRY;
        st32be(row, (u32)s->files[i].item.len);
        st16be(row + 4, (u16)(FW_CFG_FILE_FIRST + i));
        st16be(row + 6, 0);
        memcpy(row + 8, s->files[i].name, NAME_LEN);
    }
    s->keys[0][FW_CFG_FILE_DIR] = (struct item){.data = s->dir, .len = 4 + s->nfiles * DIR_ENTRY};
}

bool fw_cfg_add_file(struct device *d, const char *name, const void *data, size_t len, const struct fw_cfg_hooks *hooks,
                     void *opaque, struct err *e)
{
    struct fw_cfg *s = (struct fw_cfg *)d;
    unsigned at = 0;
    if (strlen(name) >= NAME_LEN) {
        return err_set(e, "the fw_cfg file name '%s' is longer than %d characters", name, NAME_LEN - 1);
    }
    while (at < s->nfiles && strcmp(s->files[at].name, name) < 0) {
        at++;
    }
    if (at < s->nfiles && !strcmp(s->files[at].name, name)) {
        return err_set(e, "duplicate fw_cfg file name: %s", name);
    }
    if (s->nfiles == NFILES) {
        return err_set(e, "there is room for %d fw_cfg files only", NFILES);
    }
    memmove(&s->files[at + 1], &s->files[at], (s->nfiles - at) * sizeof(s->files[0]));
    s->files[at] = (struct file){.item = {.data = data, .len = len, .opaque = opaque}};
    s->files[at].item.hooks = hooks ? *hooks : (struct fw_cfg_hooks){0};
    memcpy(s->files[at].name, name, strlen(name));
    s->nfiles++;
    dir_write(s);
    return true;
}

/* -- the programmer's view ---------------------------------------------------------------------------- */

static void item_select(struct fw_cfg *s, u16 key)
{
    struct item *it = item_find(s, key);
    s->key = key;
    s->pos = 0;
    if (!it) {
        guest_error(device_name(&s->dev), "selection of key 0x%x, which does not exist", key);
    } else if (it->hooks.selected) {
        it->hooks.selected(it->opaque);
    }
}

/* The bytes left of the selected item, n at most; past its end there are zeros. */
static u64 item_rest(struct fw_cfg *s, const u8 **p, u64 n)
{
    const struct item *it = item_find(s, s->key);
    if (!it || !it->data || s->pos >= it->len) {
        return 0;
    }
    *p = it->data + s->pos;
    return MIN(n, it->len - s->pos);
}

/* DMA reaches RAM alone: a request on registers, its own too, is refused. p NULL: zeros. */
static bool ram_put(struct fw_cfg *s, u64 to, const u8 *p, u64 n)
{
    for (u64 part; n; n -= part, to += part) {
        part = n;
        u8 *host = mem_map(s->dev.dma, to, &part, true);
        if (!host) {
            return false;
        }
        if (p) {
            memcpy(host, p, part);
            p += part;
        } else {
            memset(host, 0, part);
        }
        mem_wrote(host, part);
    }
    return true;
}

static bool ram_get(struct fw_cfg *s, u64 from, u8 *p, u64 n)
{
    for (u64 part; n; n -= part, from += part, p += part) {
        part = n;
        const u8 *host = mem_map(s->dev.dma, from, &part, false);
        if (!host) {
            return false;
        }
        memcpy(p, host, part);
    }
    return true;
}

/* False: the guest's memory refused it. */
static bool dma_read(struct fw_cfg *s, u64 to, u64 n)
{
    const u8 *p = NULL;
    u64 have = item_rest(s, &p, n);
    bool ok = ram_put(s, to, p, have) && ram_put(s, to + have, NULL, n - have);
    s->pos += (u32)have;
    return ok;
}

static bool dma_write(struct fw_cfg *s, u64 from, u64 n)
{
    const struct item *it = item_find(s, s->key);
    const u8 *p = NULL;
    u32 at = s->pos;
    if (!it || !it->hooks.written || item_rest(s, &p, n) != n) {
        guest_error(device_name(&s->dev), "write to key 0x%x, which is read-only or shorter", s->key);
        return false;
    }
    if (!ram_get(s, from, (u8 *)p, n)) {
        return false;
    }
    s->pos += (u32)n;
    it->hooks.written(it->opaque, at, n);
    return true;
}

static void dma_run(struct fw_cfg *s, u64 at)
{
    u8 raw[16];
    const u8 *p = NULL;
    bool ok = true;
    if (!ram_get(s, at, raw, sizeof(raw))) {
        guest_error(device_name(&s->dev), "DMA request at 0x%llx, where there is no memory", (unsigned long long)at);
        return;
    }
    u32 control = ld32be(raw), len = ld32be(raw + 4);
    u64 addr = ld64be(raw + 8);
    if (control & DMA_SELECT) {
        item_select(s, (u16)(control >> 16));
    }
    if (control & DMA_READ) {
        ok = dma_read(s, addr, len);
    } else if (control & DMA_WRITE) {
        ok = dma_write(s, addr, len);
    } else if (control & DMA_SKIP) {
        s->pos += (u32)item_rest(s, &p, len);
    }
    st32be(raw, ok ? 0 : DMA_ERROR);
    ram_put(s, at, raw, 4);
}

static u64 data_get(struct fw_cfg *s, unsigned size)
{
    const u8 *p = NULL;
    u8 raw[8] = {0};
    u64 have = item_rest(s, &p, size);
    if (have) {
        memcpy(raw, p, have);
    }
    s->pos += (u32)have;
    return ldnle(raw, size);
}

/* The DMA register, at its offset `off`. */
static void dma_register(struct fw_cfg *s, u64 off, unsigned size, u64 val)
{
    if (off == 0 && size == 8) {
        dma_run(s, __builtin_bswap64(val));
    } else if (off == 0 && size == 4) {
        s->dma_addr = (u64)__builtin_bswap32((u32)val) << 32;
    } else if (off == 4 && size == 4) {
        u64 at = s->dma_addr | __builtin_bswap32((u32)val);
        s->dma_addr = 0;
        dma_run(s, at);
    } else {
        guest_error(device_name(&s->dev), "write of %u bytes to the DMA register", size);
    }
}

static enum mem_result fw_cfg_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct fw_cfg *s = opaque;
    (void)a;
    *val = 0;
    if (off < AT_SELECT) {
        *val = data_get(s, size);
    } else if (off >= AT_DMA) {
        *val = ldnle(dma_signature + (off - AT_DMA), size);
    } else {
        guest_error(device_name(&s->dev), "read of the selector, which is write-only");
    }
    return MEM_OK;
}

static enum mem_result fw_cfg_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct fw_cfg *s = opaque;
    (void)a;
    if (off == AT_SELECT && size == 2) {
        item_select(s, __builtin_bswap16((u16)val));
    } else if (off >= AT_DMA) {
        dma_register(s, off - AT_DMA, size, val);
    } else {
        guest_error(device_name(&s->dev), "write of %u bytes at offset 0x%llx", size, (unsigned long long)off);
    }
    return MEM_OK;
}

static const struct mem_ops fw_cfg_ops = {.read = fw_cfg_read, .write = fw_cfg_write, .min_size = 1, .max_size = 8};

/* -- by ports ---------------------------------------------------------------------------------------- */

enum { PORT_SELECT = 0, PORT_DATA = 1, PORT_DMA = 4, PORTS = 12 };

static enum mem_result ports_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct fw_cfg *s = opaque;
    (void)a;
    *val = 0;
    if (off == PORT_DATA && size == 1) {
        *val = data_get(s, size);
    } else if (off >= PORT_DMA) {
        *val = ldnle(dma_signature + (off - PORT_DMA), size);
    } else {
        guest_error(device_name(&s->dev), "read of %u bytes at port offset %u", size, (unsigned)off);
    }
    return MEM_OK;
}

static enum mem_result ports_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct fw_cfg *s = opaque;
    (void)a;
    if (off == PORT_SELECT && size == 2) {
        item_select(s, (u16)val);
    } else if (off >= PORT_DMA) {
        dma_register(s, off - PORT_DMA, size, val);
    } else {
        guest_error(device_name(&s->dev), "write of %u bytes at port offset %u", size, (unsigned)off);
    }
    return MEM_OK;
}

static const struct mem_ops ports_ops = {.read = ports_read, .write = ports_write, .min_size = 1, .max_size = 4};

static const struct field fw_cfg_state[] = {
    FIELD(struct fw_cfg, key),
    FIELD(struct fw_cfg, pos),
    FIELD(struct fw_cfg, dma_addr),
    {0},
};

static bool fw_cfg_init(struct device *d, struct err *e)
{
    (void)e;
    fw_cfg_add(d, FW_CFG_SIGNATURE, dma_signature, 4);
    fw_cfg_add_u32(d, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
    dir_write((struct fw_cfg *)d);
    return true;
}

const struct device_class fw_cfg_mmio_class = {
    .name = "fw_cfg_mmio",
    .provides = "fw_cfg",
    .bus_slots = 1,
    .doc = "firmware configuration device",
    .bus = "sysbus",
    .compatible = "qemu,fw-cfg-mmio\0",
    .fdt_name = "fw-cfg",
    .size = sizeof(struct fw_cfg),
    .mmio_size = MMIO_SIZE,
    .state = fw_cfg_state,
    .ops = &fw_cfg_ops,
    .init = fw_cfg_init,
};

const struct device_class fw_cfg_io_class = {
    .name = "fw_cfg_io",
    .provides = "fw_cfg",
    .bus_slots = 1,
    .doc = "firmware configuration device, by ports",
    .bus = "sysbus",
    .size = sizeof(struct fw_cfg),
    .mmio_size = PORTS,
    .max_access = 4,
    .state = fw_cfg_state,
    .ops = &ports_ops,
    .init = fw_cfg_init,
};

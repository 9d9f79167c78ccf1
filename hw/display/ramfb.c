/* ramfb: a frame buffer in guest RAM that firmware announces through the fw_cfg file etc/ramfb: address, fourcc format,
 * flags, width, height, stride, big-endian. SPEC: QEMU's docs/specs/fw_cfg.rst for the file's interface; EDK2's
 * QemuRamfbDxe for what is in it; DRM's fourcc codes for formats.
 *
 * Formats: XR24, AR24 (32 bits), RG24, RG16. Flags have no meaning yet. */
#include "hw/display/ramfb.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/display/pixels.h"
#include "hw/misc/fw_cfg.h"
#include "ui/screen.h"

enum { CFG_SIZE = 28 };

struct ramfb {
    struct device dev;
    u8 cfg[CFG_SIZE];
    struct screen *screen;
    u64 addr;
    unsigned w, h, stride, bpp; /* w 0: nothing is shown */
    bool stale;
};

static unsigned fourcc_bits(u32 fourcc)
{
    static const struct {
        char name[5];
        u8 bpp;
    } formats[] = {{"XR24", 32}, {"AR24", 32}, {"RG24", 24}, {"RG16", 16}};
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        if (ld32le(formats[i].name) == fourcc) {
            return formats[i].bpp;
        }
    }
    return 0;
}

/* The bytes of the picture on the host; NULL: they are not all RAM. */
static u8 *picture_bytes(const struct ramfb *s)
{
    u64 want = (u64)s->stride * (s->h - 1) + (u64)s->w * s->bpp / 8, n = want;
    u8 *p = mem_map(s->dev.machine->sysmem, s->addr, &n, true);
    return n == want ? p : NULL;
}

static void config_read(struct ramfb *s)
{
    const char *who = device_name(&s->dev);
    u64 addr = (u64)ld32be(s->cfg) << 32 | ld32be(s->cfg + 4);
    u32 w = ld32be(s->cfg + 16), h = ld32be(s->cfg + 20), stride = ld32be(s->cfg + 24);
    unsigned bpp = fourcc_bits(ld32be(s->cfg + 8));
    s->w = 0;
    s->stale = true;
    if (!w || !h) {
        return;
    }
    if (!bpp) {
        unimp(who, "format 0x%08x", ld32be(s->cfg + 8));
        return;
    }
    if (w > SCREEN_MAX || h > SCREEN_MAX || (stride && stride < w * bpp / 8)) {
        guest_error(who, "a picture of %u * %u pixels in lines of %u bytes", w, h, stride);
        return;
    }
    s->addr = addr;
    s->w = w;
    s->h = h;
    s->bpp = bpp;
    s->stride = stride ? stride : w * bpp / 8;
    u8 *p = picture_bytes(s);
    if (!p) {
        guest_error(who, "a picture at 0x%llx, where no RAM is", (unsigned long long)addr);
        s->w = 0;
        return;
    }
    u64 off = align_down(ram_offset(p), RAM_PAGE_SIZE);
    ram_watch(off, ram_offset(p) + (u64)s->stride * s->h - off);
}

static void cfg_written(void *opaque, u64 off, u64 len)
{
    if (off + len == CFG_SIZE) { /* whole at last */
        config_read(opaque);
    }
}
static const struct fw_cfg_hooks hooks = {.written = cfg_written};

/* -- the screen ---------------------------------------------------------------------------------------------------- */

static void ramfb_refresh(void *opaque)
{
    struct ramfb *s = opaque;
    u8 *p = s->w ? picture_bytes(s) : NULL;
    if (!p) {
        return;
    }
    screen_resize(s->screen, (int)s->w, (int)s->h);
    pixels_paint(s->screen, p, s->stride, s->bpp, s->stale);
    s->stale = false;
}
static void ramfb_invalidate(void *opaque)
{
    ((struct ramfb *)opaque)->stale = true;
}
static const struct screen_ops screen_ops = {.refresh = ramfb_refresh, .invalidate = ramfb_invalidate};

/* -- device -------------------------------------------------------------------------------------------------------- */

static bool ramfb_init(struct device *d, struct err *e)
{
    struct ramfb *s = (struct ramfb *)d;
    if (!fw_cfg_add_file(d->parent, "etc/ramfb", s->cfg, sizeof(s->cfg), &hooks, s, e)) {
        return false;
    }
    s->screen = screen_new(device_name(d), &screen_ops, s);
    return true;
}
static void ramfb_reset(struct device *d)
{
    config_read((struct ramfb *)d);
}
static bool ramfb_loaded(struct device *d, struct err *e)
{
    (void)e;
    config_read((struct ramfb *)d);
    return true;
}
static void ramfb_fini(struct device *d)
{
    screen_free(((struct ramfb *)d)->screen);
}

static const struct field state[] = {FIELDS(struct ramfb, cfg), {0}};

const struct device_class ramfb_class = {
    .name = "ramfb",
    .doc = "frame buffer in RAM, set up by firmware",
    .bus = "fw_cfg",
    .size = sizeof(struct ramfb),
    .state = state,
    .init = ramfb_init,
    .reset = ramfb_reset,
    .loaded = ramfb_loaded,
    .fini = ramfb_fini,
};

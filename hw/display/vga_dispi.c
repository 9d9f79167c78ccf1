/* Bochs VBE registers ("VBE DISPI", ids B0C0 to B0C5): an index at port 0x1ce, 16 bits of data at 0x1cf or 0x1d0. SPEC:
 * the interface's header in Bochs' VGA BIOS documentation (vbe_display_api.txt), and what Linux's bochs driver does.
 *
 * Depths 4 (planes), 8, 15, 16, 24, 32. Resolutions up to what video memory holds. */
#include <string.h>

#include "hw/display/vga_priv.h"

enum { ID_FIRST = 0xb0c0, ID_LAST = 0xb0c5, XRES_MAX = 16000, YRES_MAX = 12000, BPP_MAX = 32 };

static bool bpp_known(u16 bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Bytes of a line; of a mode with planes: of all four together. */
static u64 line_bytes(u64 width, u16 bpp)
{
    return bpp == 4 ? width / 8 * 4 : width * ((bpp + 7u) / 8);
}

static bool enabled(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED;
}

u16 vga_dispi_read(const struct vga *v, unsigned index)
{
    if (v->dispi[DISPI_ENABLE] & DISPI_GETCAPS) {
        switch (index) {
        case DISPI_XRES:
            return XRES_MAX;
        case DISPI_YRES:
            return YRES_MAX;
        case DISPI_BPP:
            return BPP_MAX;
        default:
            break;
        }
    }
    return index < DISPI_REGS ? v->dispi[index] : 0;
}

/* How many lines of this width there is memory for. */
static u16 lines_room(const struct vga *v, u16 width)
{
    u64 line = line_bytes(width, v->dispi[DISPI_BPP]);
    u64 lines = line ? v->ram.size / line : 0;
    return (u16)MIN(lines, 0xffff);
}

static void offsets_limit(struct vga *v)
{
    u16 *r = v->dispi;
    r[DISPI_X_OFFSET] = (u16)MIN(r[DISPI_X_OFFSET], MAX(0, r[DISPI_VIRT_WIDTH] - r[DISPI_XRES]));
    r[DISPI_Y_OFFSET] = (u16)MIN(r[DISPI_Y_OFFSET], MAX(0, r[DISPI_VIRT_HEIGHT] - r[DISPI_YRES]));
}

static void mode_start(struct vga *v, u16 val)
{
    u16 *r = v->dispi;
    if (!bpp_known(r[DISPI_BPP])) {
        r[DISPI_BPP] = 8;
    }
    r[DISPI_XRES] = (u16)MAX(8, MIN(r[DISPI_XRES], XRES_MAX) & ~7);
    u16 room = lines_room(v, r[DISPI_XRES]);
    r[DISPI_YRES] = (u16)MAX(1, MIN(r[DISPI_YRES], MIN(YRES_MAX, room)));
    r[DISPI_VIRT_WIDTH] = r[DISPI_XRES];
    r[DISPI_VIRT_HEIGHT] = room;
    r[DISPI_X_OFFSET] = r[DISPI_Y_OFFSET] = r[DISPI_BANK] = 0;
    if (!(val & DISPI_NOCLEAR)) {
        u64 n = line_bytes(r[DISPI_XRES], r[DISPI_BPP]) * r[DISPI_YRES];
        n = MIN(n, v->ram.size);
        memset(v->ram.host, 0, n);
        mem_wrote(v->ram.host, n);
    }
}

static void enable_write(struct vga *v, u16 val)
{
    bool was = enabled(v);
    v->dispi[DISPI_ENABLE] = val & (DISPI_ENABLED | DISPI_GETCAPS | DISPI_8BIT_DAC | DISPI_LFB | DISPI_NOCLEAR);
    if (val & DISPI_ENABLED && !was) {
        mode_start(v, val);
    } else if (!(val & DISPI_ENABLED)) {
        v->dispi[DISPI_BANK] = 0;
    }
}

void vga_dispi_write(struct vga *v, unsigned index, u16 val)
{
    u16 *r = v->dispi;
    switch (index) {
    case DISPI_ID:
        if (val >= ID_FIRST && val <= ID_LAST) {
            r[DISPI_ID] = val;
        }
        break;
    case DISPI_XRES:
    case DISPI_YRES:
    case DISPI_BPP: /* of the next mode */
        if (!enabled(v)) {
            r[index] = val;
        }
        break;
    case DISPI_ENABLE:
        enable_write(v, val);
        break;
    case DISPI_BANK:
        r[DISPI_BANK] = (u16)(val % (v->ram.size >> 16));
        break;
    case DISPI_VIRT_WIDTH:
        if (val >= r[DISPI_XRES] && lines_room(v, val) >= r[DISPI_YRES]) {
            r[DISPI_VIRT_WIDTH] = val & ~7;
            r[DISPI_VIRT_HEIGHT] = lines_room(v, r[DISPI_VIRT_WIDTH]);
            offsets_limit(v);
        }
        break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET:
        r[index] = val;
        offsets_limit(v);
        break;
    default: /* the height follows from the width, memory is what it is */
        break;
    }
    vga_windows_update(v);
}

/* -- ports 0x1ce to 0x1d1: the bus brings 16 bits at 0x1cf as two bytes
 * ------------------------------------------------ */

static enum mem_result dispi_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct vga *v = opaque;
    u16 data = vga_dispi_read(v, v->dispi_index);
    (void)a;
    *val = off == 0 ? v->dispi_index : size == 1 && off == 2 ? data >> 8 : data;
    return MEM_OK;
}

static enum mem_result dispi_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct vga *v = opaque;
    (void)a;
    if (off == 0) {
        v->dispi_index = (u16)val;
    } else if (size == 2) {
        vga_dispi_write(v, v->dispi_index, (u16)val);
    } else if (off == 1) {
        v->dispi_low = (u8)val;
    } else if (off == 2) {
        vga_dispi_write(v, v->dispi_index, (u16)(v->dispi_low | val << 8));
    }
    return MEM_OK;
}

const struct mem_ops vga_dispi_ops = {.read = dispi_read, .write = dispi_write, .min_size = 1, .max_size = 2};

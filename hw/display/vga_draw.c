/* A VGA's picture: what the registers ask for, which lines of it were written, and from memory to the surface. SPEC:
 * IBM PS/2 Hardware Interface Technical Reference, "CRT Controller"; FreeVGA for the registers' interplay.
 *
 * The surface has the guest's pixels: scan lines that the hardware doubles are one line, halved dot clocks one dot. */
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "hw/display/pixels.h"
#include "hw/display/vga_priv.h"

enum { SR1_SCREEN_OFF = 0x20, CR9_DOUBLE = 0x80, CURSOR_OFF = 0x20, PALETTE_ON = 0x20 };
#define BLINK_NS 266666667ull /* 16 frames: the cursor; a character: twice that */

/* -- what the registers ask for ------------------------------------------------------------------------------------ */

static u32 dac_color(const struct vga *v, unsigned i)
{
    const u8 *c = &v->dac[(i & v->dac_mask & 0xff) * 3];
    if (v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC) {
        return (u32)c[0] << 16 | (u32)c[1] << 8 | c[2];
    }
    return (u32)(c[0] << 2 | c[0] >> 4) << 16 | (u32)(c[1] << 2 | c[1] >> 4) << 8 | (u32)(c[2] << 2 | c[2] >> 4);
}

static u32 attr_color(const struct vga *v, unsigned i)
{
    unsigned c = v->ar[i & v->ar[AR_PLANES] & 15], sel = v->ar[AR_COLOR_SELECT];
    if (v->ar[AR_MODE] & 0x80) {
        c = (c & 0x0f) | (sel & 3) << 4;
    }
    return dac_color(v, c | (sel & 0x0c) << 4);
}

static void palette_make(const struct vga *v, struct picture *p)
{
    bool bytes = p->kind == PICTURE_256 || p->kind == PICTURE_LINEAR;
    for (unsigned i = 0; i < (bytes ? 256 : 16); i++) {
        p->pal[i] = bytes ? dac_color(v, i) : attr_color(v, i);
    }
}

static unsigned font_at(unsigned n)
{
    return (n & 3) << 14 | (n & 4) << 11;
}

static void text_make(const struct vga *v, struct picture *p)
{
    unsigned m = v->sr[SR_CHAR_MAP];
    const u8 *cr = v->cr;
    u64 phase = clock_now(CLOCK_VIRTUAL) / BLINK_NS;
    p->font[0] = font_at((m & 3) | (m >> 2 & 4));
    p->font[1] = font_at((m >> 2 & 3) | (m >> 3 & 4));
    p->blinks = v->ar[AR_MODE] & 8;
    p->blink_off = p->blinks && phase & 2;
    p->line_graphics = v->ar[AR_MODE] & 4;
    p->underline = cr[0x14] & 0x1f;
    p->cursor = (((unsigned)cr[0x0e] << 8 | cr[0x0f]) + (cr[0x0b] >> 5 & 3)) & 0xffff;
    p->cursor_first = cr[0x0a] & 0x1f;
    p->cursor_last = cr[0x0b] & 0x1f;
    p->cursor_shown = !(cr[0x0a] & CURSOR_OFF) && !(phase & 1) && p->cursor_first <= p->cursor_last;
}

/* How far the picture moves to the left, in dots. */
static unsigned pan_dots(const struct vga *v, const struct picture *p)
{
    unsigned n = v->ar[AR_PAN] & 15;
    if (p->kind == PICTURE_TEXT && p->dots == 9) {
        return n >= 8 ? 0 : n + 1;
    }
    return p->kind == PICTURE_256 ? n >> 1 & 3 : n & 7;
}

static void addressing_make(const struct vga *v, struct picture *p)
{
    const u8 *cr = v->cr;
    bool dword = cr[0x14] & 0x40, word = !dword && !(cr[0x17] & 0x40);
    p->shift = word;
    p->wrap = cr[0x17] & 0x20 ? 15 : 13;
    p->row13 = !(cr[0x17] & 1);
    p->row14 = !(cr[0x17] & 2);
    p->mask = vga_word_mask(v);
    p->start = ((unsigned)cr[0x0c] << 8 | cr[0x0d]) + (cr[8] >> 5 & 3);
    p->pitch = cr[0x13] * 2u;
    p->first_row = cr[8] & 0x1f;
}

static void size_make(const struct vga *v, struct picture *p)
{
    const u8 *cr = v->cr;
    int lines = (cr[0x12] | (cr[7] & 2) << 7 | (cr[7] & 0x40) << 3) + 1;
    p->scans = cr[0x17] & 4 ? lines * 2 : lines;
    p->rows = (cr[9] & 0x1f) + 1u;
    p->double_scan = cr[9] & CR9_DOUBLE;
    p->repeat = p->double_scan ? 2 : 1;
    if (p->kind != PICTURE_TEXT && !p->row13 && !p->row14) {
        p->repeat *= (int)p->rows;
    }
    p->split = (cr[0x18] | (cr[7] & 0x10) << 4 | (cr[9] & 0x40) << 3) + 1;
    p->split = cr[0x17] & 4 ? p->split * 2 : p->split;
    p->chars = cr[1] + 1u;
    p->w = (int)(p->chars * (p->kind == PICTURE_TEXT ? p->dots : p->kind == PICTURE_256 ? 4 : 8));
    p->h = MAX(1, p->scans / p->repeat);
}

static void dispi_make(const struct vga *v, struct picture *p)
{
    const u16 *r = v->dispi;
    p->w = r[DISPI_XRES];
    p->h = p->scans = r[DISPI_YRES];
    p->split = p->scans;
    p->repeat = 1;
    p->rows = 1;
    p->bpp = r[DISPI_BPP];
    if (p->kind == PICTURE_LINEAR) {
        unsigned step = (p->bpp + 7) / 8;
        p->pitch = r[DISPI_VIRT_WIDTH] * step;
        p->start = r[DISPI_Y_OFFSET] * p->pitch + r[DISPI_X_OFFSET] * step;
    } else {
        p->chars = r[DISPI_XRES] / 8u;
        p->dots = 8;
        p->mask = vga_word_mask(v);
        p->pitch = r[DISPI_VIRT_WIDTH] / 8u;
        p->start = r[DISPI_Y_OFFSET] * p->pitch + r[DISPI_X_OFFSET] / 8u;
        p->pan = p->pan_split = r[DISPI_X_OFFSET] & 7;
    }
}

static enum picture_kind kind_of(const struct vga *v)
{
    if (!(v->ar_index & PALETTE_ON) || v->sr[SR_CLOCKING] & SR1_SCREEN_OFF) {
        return PICTURE_BLANK;
    }
    if (v->dispi[DISPI_ENABLE] & DISPI_ENABLED) {
        return vga_is_linear(v) ? PICTURE_LINEAR : PICTURE_PLANES;
    }
    if (!(v->cr[0x17] & 0x80)) { /* no sync */
        return PICTURE_BLANK;
    }
    if (!(v->ar[AR_MODE] & 1)) {
        return PICTURE_TEXT;
    }
    return v->gr[GR_MODE] & 0x40 ? PICTURE_256 : v->gr[GR_MODE] & 0x20 ? PICTURE_CGA : PICTURE_PLANES;
}

void vga_picture_make(const struct vga *v, struct picture *p)
{
    memset(p, 0, sizeof(*p)); /* it is compared byte by byte */
    p->kind = kind_of(v);
    if (p->kind == PICTURE_BLANK) {
        return;
    }
    if (v->dispi[DISPI_ENABLE] & DISPI_ENABLED) {
        dispi_make(v, p);
    } else {
        p->dots = v->sr[SR_CLOCKING] & 1 ? 8 : 9;
        addressing_make(v, p);
        size_make(v, p);
        p->pan = pan_dots(v, p);
        p->pan_split = v->ar[AR_MODE] & 0x20 ? 0 : p->pan;
        if (p->kind == PICTURE_TEXT) {
            text_make(v, p);
        }
    }
    palette_make(v, p);
}

/* -- what was written -------------------------------------------------------------------------------------------- */

static bool written_take(struct vga *v, u64 first, u64 last)
{
    bool any = false;
    for (u64 i = first / RAM_PAGE_SIZE; i <= last / RAM_PAGE_SIZE && i < v->ram.size / RAM_PAGE_SIZE; i++) {
        v->written[i] = ram_take_dirty(ram_offset(v->ram.host) + i * RAM_PAGE_SIZE);
        any |= v->written[i];
    }
    return any;
}

/* Does a line depend on a page that was written? Only linear pictures and bytes in order can tell. */
static bool line_written(const struct vga *v, const struct picture *p, unsigned counter)
{
    u64 first = counter, last = counter + (u64)p->pitch;
    if (p->kind != PICTURE_LINEAR) {
        if (p->kind == PICTURE_TEXT || p->shift || p->row13 || p->row14) {
            return true;
        }
        first = (counter & p->mask) * 4ull;
        last = first + (p->chars + 1) * 4ull;
    }
    if (last >= v->ram.size) {
        return true;
    }
    for (u64 i = first / RAM_PAGE_SIZE; i <= last / RAM_PAGE_SIZE; i++) {
        if (v->written[i]) {
            return true;
        }
    }
    return false;
}

static bool picture_written(struct vga *v, const struct picture *p)
{
    if (p->kind == PICTURE_LINEAR) {
        u64 bytes = (u64)p->pitch * (u64)p->h;
        return p->start + bytes > v->ram.size ? written_take(v, 0, v->ram.size - 1)
                                              : written_take(v, p->start, p->start + bytes);
    }
    return written_take(v, 0, (p->mask + 1ull) * 4 - 1);
}

/* -- to the surface ------------------------------------------------------------------------------------------------ */

/* Walks down the scan lines as the CRT controller does, and paints those that are a line of the surface. */
static void picture_paint(struct vga *v, const struct picture *p, bool all)
{
    struct pixel_run r = {0};
    unsigned counter = p->start, base = p->start, row = p->first_row, pan = p->pan;
    bool again = p->double_scan;
    for (int scan = 0; scan < p->h * p->repeat; scan++) {
        if (scan == p->split) {
            counter = base = row = 0;
            again = p->double_scan;
            pan = p->pan_split;
        }
        if (scan % p->repeat == 0) {
            if (all || line_written(v, p, counter)) {
                vga_line_draw(v, p, counter, row, pan, v->line);
                pixels_put(v->screen, &r, scan / p->repeat, v->line);
            } else {
                pixels_skip(v->screen, &r);
            }
        }
        if (again) {
            again = false;
            continue;
        }
        again = p->double_scan;
        if (++row >= p->rows) {
            row = 0;
            counter = base += p->pitch;
        }
    }
    pixels_skip(v->screen, &r);
}

static void vga_blank(struct vga *v)
{
    struct surface *f = screen_surface(v->screen);
    memset(f->px, 0, (size_t)f->w * (size_t)f->h * sizeof(*f->px));
    screen_dirty(v->screen, 0, 0, f->w, f->h);
}

static void vga_refresh(void *opaque)
{
    struct vga *v = opaque;
    struct picture p;
    vga_picture_make(v, &p);
    bool all = v->stale || memcmp(&p, &v->pic, sizeof(p)) != 0;
    v->pic = p;
    v->stale = false;
    if (p.kind == PICTURE_BLANK) {
        if (all) {
            vga_blank(v);
        }
        return;
    }
    struct surface *f = screen_surface(v->screen);
    if (f->w != p.w || f->h != p.h) {
        screen_resize(v->screen, p.w, p.h);
        all = true;
    }
    if (picture_written(v, &p) || all) {
        picture_paint(v, &p, all);
    }
}

static void vga_invalidate(void *opaque)
{
    struct vga *v = opaque;
    v->stale = true;
}

/* -- as characters ------------------------------------------------------------------------------------------------- */

static u8 cga_color(const struct vga *v, unsigned i)
{
    return i & v->ar[AR_PLANES] & 15;
}

/* Color numbers are taken to be CGA's, as every BIOS sets the palette. */
bool vga_text(void *opaque, struct text_screen *out)
{
    struct vga *v = opaque;
    struct picture p;
    vga_picture_make(v, &p);
    if (p.kind != PICTURE_TEXT) {
        return false;
    }
    unsigned rows = (unsigned)p.scans / ((p.double_scan ? 2 : 1) * p.rows);
    rows = MIN(MAX(rows, 1), 256);
    *out = (struct text_screen){
        .cols = (int)p.chars, .rows = (int)rows, .cursor_x = -1, .cursor_y = -1, .cells = v->cells};
    for (unsigned i = 0; i < p.chars * rows; i++) {
        unsigned x = i % p.chars, y = i / p.chars, counter = (p.start + y * p.pitch + x) & 0xffff;
        u32 w = vga_fetch(v, &p, counter, 0);
        unsigned attr = w >> 8 & 0xff, bg = attr >> 4;
        v->cells[i] = (struct text_cell){.ch = (u8)w,
                                         .fg = cga_color(v, attr & 15),
                                         .bg = cga_color(v, p.blinks ? bg & 7 : bg),
                                         .blink = p.blinks && attr & 0x80};
        if (counter == p.cursor && !(v->cr[0x0a] & CURSOR_OFF) && p.cursor_first <= p.cursor_last) {
            out->cursor_x = (int)x;
            out->cursor_y = (int)y;
        }
    }
    return true;
}

const struct screen_ops vga_screen_ops = {.refresh = vga_refresh, .invalidate = vga_invalidate, .text = vga_text};

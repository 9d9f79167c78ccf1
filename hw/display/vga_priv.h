/* The VGA core, shared by its files and by the cards that it is on (vga_pci.c).
 *
 *   vga.c        registers behind the ports        vga_dispi.c  Bochs VBE registers
 *   vga_mem.c    the windows to video memory       vga_draw.c   from memory to the surface, a scan line at a time
 *
 * Video memory is one RAM. Seen as planes it is 32-bit words, plane p in byte p of a word; a linear frame buffer is the
 * same bytes. The core belongs to a card that has `struct vga` somewhere in its struct. */
#ifndef MOSS_HW_DISPLAY_VGA_PRIV_H
#define MOSS_HW_DISPLAY_VGA_PRIV_H

#include "hw/core/device.h"
#include "hw/display/edid.h"
#include "ui/screen.h"

enum { /* indices of registers that are read by name */
       SR_CLOCKING = 1,
       SR_MAP_MASK = 2,
       SR_CHAR_MAP = 3,
       SR_MEMORY_MODE = 4,
       GR_SET_RESET = 0,
       GR_ENABLE_SET_RESET = 1,
       GR_COMPARE = 2,
       GR_ROTATE = 3,
       GR_READ_MAP = 4,
       GR_MODE = 5,
       GR_MISC = 6,
       GR_DONT_CARE = 7,
       GR_BIT_MASK = 8,
       AR_MODE = 0x10,
       AR_PLANES = 0x12,
       AR_PAN = 0x13,
       AR_COLOR_SELECT = 0x14,
       VGA_SR = 8,
       VGA_GR = 16,
       VGA_AR = 32,
       VGA_CR = 64
};

enum { /* Bochs VBE registers by index */
       DISPI_ID,
       DISPI_XRES,
       DISPI_YRES,
       DISPI_BPP,
       DISPI_ENABLE,
       DISPI_BANK,
       DISPI_VIRT_WIDTH,
       DISPI_VIRT_HEIGHT,
       DISPI_X_OFFSET,
       DISPI_Y_OFFSET,
       DISPI_MEMORY_64K,
       DISPI_REGS,
       DISPI_ENABLED = 0x01, /* bits of DISPI_ENABLE */
       DISPI_GETCAPS = 0x02,
       DISPI_8BIT_DAC = 0x20,
       DISPI_LFB = 0x40,
       DISPI_NOCLEAR = 0x80
};

enum picture_kind { PICTURE_BLANK, PICTURE_TEXT, PICTURE_PLANES, PICTURE_CGA, PICTURE_256, PICTURE_LINEAR };
/* All that a picture depends on but video memory: while it stays the same, only lines of written pages are painted. */
struct picture {
    enum picture_kind kind;
    int w, h;
    int scans, repeat; /* scan lines; how many make a line of the surface */
    unsigned chars;    /* character clocks of a line */
    unsigned dots;     /* of a character clock */
    unsigned start;    /* word (LINEAR: byte) address of the first line */
    unsigned pitch;    /* to the next row */
    u32 mask;          /* of word addresses */
    unsigned shift;    /* of the address counter: byte, word addressing */
    unsigned wrap;     /* word addressing: the counter's bit that becomes bit 0 */
    bool row13, row14; /* address bits that come from the row counter */
    unsigned rows;     /* scan lines of a character row, at least 1 */
    bool double_scan;
    unsigned first_row; /* the row scan counter's start */
    int split;          /* the scan line where the address starts at 0 */
    unsigned pan;       /* dots to skip at the left; pan_split: behind the split */
    unsigned pan_split;
    unsigned font[2]; /* word addresses: attribute bit 3 clear, set */
    bool blinks, line_graphics, blink_off, cursor_shown;
    unsigned underline;
    unsigned cursor, cursor_first, cursor_last; /* word address, rows */
    unsigned bpp;                               /* LINEAR */
    u32 pal[256];                               /* 0x00RRGGBB, by what memory says */
};

struct vga {
    struct device *dev;
    const char *name;
    /* registers, in the card's field table by VGA_FIELDS */
    u8 misc, feature;
    u8 sr_index, sr[VGA_SR];
    u8 gr_index, gr[VGA_GR];
    u8 cr_index, cr[VGA_CR];
    u8 ar_index, ar_data, ar[VGA_AR]; /* ar_index with bit 5: the palette is the display's; ar_data: data is next */
    u8 dac_mask, dac_read, dac_write, dac_reads, dac_part, dac[768], dac_new[2];
    u32 latch;
    u16 dispi_index, dispi[DISPI_REGS];
    u8 dispi_low;
    /* memory */
    u32 vgamem_mb; /* property */
    struct ram ram;
    u32 words; /* of video memory as planes: a power of two */
    struct mem_region lfb, legacy, direct, port[5], dispi_port;
    struct mem_space *mem; /* where the legacy window is; NULL: there is none */
    u8 *direct_at;         /* what `direct` shows now, NULL: nothing */
    /* the picture */
    struct screen *screen;
    bool screen_lent; /* by the card, which shows more than the VGA there */
    struct picture pic;
    bool stale; /* the next refresh paints everything */
    struct text_cell *cells;
    u8 *written; /* by page: was written, in this refresh */
    u32 *line;
};

// clang-format off
#define VGA_FIELDS(T, m)                                                                                               \
    FIELD(T, m.misc), FIELD(T, m.feature), FIELD(T, m.sr_index), FIELDS(T, m.sr), FIELD(T, m.gr_index),                \
    FIELDS(T, m.gr), FIELD(T, m.cr_index), FIELDS(T, m.cr), FIELD(T, m.ar_index), FIELD(T, m.ar_data),                 \
    FIELDS(T, m.ar), FIELD(T, m.dac_mask, .reset = 0xff), FIELD(T, m.dac_read), FIELD(T, m.dac_write),                 \
    FIELD(T, m.dac_reads), FIELD(T, m.dac_part), FIELDS(T, m.dac), FIELDS(T, m.dac_new), FIELD(T, m.latch),            \
    FIELD(T, m.dispi_index), FIELDS(T, m.dispi), FIELD(T, m.dispi_low)
#define VGA_PROPS(T, m)                                                                                                \
    PROP("vgamem_mb", PROP_U32, T, m.vgamem_mb, "16", "video memory, MiB: a power of two up to 256")
// clang-format on

/* The card's init, reset, loaded and fini call these. vga_init makes memory, regions and the screen; nothing is mapped.
 */
bool vga_init(struct vga *v, struct device *d, struct err *e);
void vga_reset(struct vga *v);
void vga_loaded(struct vga *v);
void vga_fini(struct vga *v);
/* Ports 0x3b4..0x3da and 0x1ce.. in io, the window at 0xa0000 in mem. */
void vga_map_legacy(struct vga *v, struct mem_space *mem, struct mem_space *io);

u8 vga_port_read(struct vga *v, unsigned port);
void vga_port_write(struct vga *v, unsigned port, u8 val);
/* A register was written that the memory windows depend on. */
void vga_windows_update(struct vga *v);
extern const struct mem_ops vga_legacy_ops, vga_dispi_ops;

void vga_dispi_reset(struct vga *v);
u16 vga_dispi_read(const struct vga *v, unsigned index);
void vga_dispi_write(struct vga *v, unsigned index, u16 val);
/* A VGA's planes have 64 K words; VBE modes have all there are. */
static inline u32 vga_word_mask(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED ? v->words - 1 : 0xffff;
}
/* Linear pixels, of 8 bits and more. */
static inline bool vga_is_linear(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED && v->dispi[DISPI_BPP] >= 8;
}

/* vga_mmio.c: the registers in memory. */
struct vga_mmio {
    struct vga *vga;
    struct mem_region region;
    bool edid_on;
    u8 edid[EDID_SIZE];
};
void vga_mmio_init(struct vga_mmio *m, struct vga *v, bool edid, u32 xres, u32 yres);

extern const struct screen_ops vga_screen_ops; /* opaque: the struct vga */
bool vga_text(void *opaque, struct text_screen *out);
/* Bits of status register 1: in a blank, in the vertical retrace. */
u8 vga_status1(const struct vga *v);
void vga_picture_make(const struct vga *v, struct picture *p);
/* vga_line.c: one line into out, which has room for what hangs over; `counter` as in the CRT controller. */
void vga_line_draw(const struct vga *v, const struct picture *p, unsigned counter, unsigned row, unsigned pan,
                   u32 *out);
static inline u32 vga_fetch(const struct vga *v, const struct picture *p, unsigned counter, unsigned row)
{
    u32 a = counter << p->shift | (p->shift ? counter >> p->wrap & 1 : 0);
    if (p->row13) {
        a = (a & ~0x2000u) | (row & 1) << 13;
    }
    if (p->row14) {
        a = (a & ~0x4000u) | (row & 2) << 13;
    }
    return ((const u32 *)(const void *)v->ram.host)[a & p->mask];
}

#endif

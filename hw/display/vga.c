/* VGA: sequencer, CRT controller, graphics and attribute controllers, DAC, behind their ports. SPEC: IBM PS/2 Hardware
 * Interface Technical Reference, "Video Subsystem"; FreeVGA for what clones have in common (CR22, CR24, 8-bit DAC).
 *
 * Chain-4 memory is linear as SVGA chips have it: byte A is plane A & 3 of word A >> 2, and double-word addressing of
 * the CRT controller counts words; so a mode's frame buffer is mapped into the guest directly. IBM's rotates addresses
 * there, which shows only where memory that was written chained is displayed unchained.
 *
 * Not modelled: the vertical interrupt, light pen, interlace, the odd/even page bit, overscan's colour around the
 * picture, the sequencer's synchronous reset, 64 KB memory (SR4 bit 1). */
#include "hw/display/vga_priv.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum {
    CRTC_INDEX_MONO = 0x3b4,
    CRTC_DATA_MONO = 0x3b5,
    STATUS1_MONO = 0x3ba,
    ATTR = 0x3c0,
    ATTR_READ = 0x3c1,
    STATUS0_MISC = 0x3c2,
    SEQ_INDEX = 0x3c4,
    SEQ_DATA = 0x3c5,
    DAC_MASK = 0x3c6,
    DAC_STATE = 0x3c7,
    DAC_WRITE = 0x3c8,
    DAC_DATA = 0x3c9,
    FEATURE = 0x3ca,
    MISC = 0x3cc,
    GFX_INDEX = 0x3ce,
    GFX_DATA = 0x3cf,
    CRTC_INDEX = 0x3d4,
    CRTC_DATA = 0x3d5,
    STATUS1 = 0x3da,
};
enum { MISC_COLOR = 1, SENSE = 0x10, PALETTE_ON = 0x20, CR11_PROTECT = 0x80 };

static const u8 sr_bits[VGA_SR] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const u8 gr_bits[VGA_GR] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
static const u8 ar_bits[VGA_AR] = {
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
    0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f,
};

/* -- CRT controller -------------------------------------------------------------------------------------------- */

static u8 crtc_read(const struct vga *v)
{
    switch (v->cr_index) {
    case 0x22:
        return (u8)(v->latch >> 8 * (v->gr[GR_READ_MAP] & 3));
    case 0x24:
        return (u8)(v->ar_data << 7);
    case 0x26:
        return v->ar_index;
    default:
        return v->cr_index <= 0x18 ? v->cr[v->cr_index] : 0;
    }
}

static void crtc_write(struct vga *v, u8 val)
{
    unsigned i = v->cr_index;
    if (i > 0x18) {
        return;
    }
    if (i <= 7 && v->cr[0x11] & CR11_PROTECT) {
        if (i == 7) { /* line compare's bit 8 is open all the same */
            v->cr[7] = (u8)((v->cr[7] & ~0x10) | (val & 0x10));
        }
        return;
    }
    v->cr[i] = val;
}

static u64 dots_now(u64 ns, unsigned clock_select)
{
    u64 khz = clock_select == 1 ? 28322 : 25175;
    return (u64)((u128)ns * khz / 1000000);
}

/* Where the beam is, by the guest's clock. */
u8 vga_status1(const struct vga *v)
{
    const u8 *cr = v->cr;
    u64 dots = v->sr[SR_CLOCKING] & 1 ? 8 : 9, wide = v->sr[SR_CLOCKING] & 8 ? 2 : 1;
    u64 htotal = (cr[0] + 5ull) * dots * wide, hend = (cr[1] + 1ull) * dots * wide;
    u64 vtotal = (cr[6] | (cr[7] & 1) << 8 | (cr[7] & 0x20) << 4) + 2ull;
    u64 vend = (cr[0x12] | (cr[7] & 2) << 7 | (cr[7] & 0x40) << 3) + 1ull;
    u64 sync = (cr[0x10] | (cr[7] & 4) << 6 | (cr[7] & 0x80) << 2) + 0ull;
    u64 sync_end = (sync & ~15ull) | (cr[0x11] & 15);
    if (vtotal < 100 || htotal < 100) { /* nothing sensible: a standard frame */
        htotal = 800, hend = 640, vtotal = 525, vend = 480, sync = 490, sync_end = 492;
    }
    sync_end += sync_end <= sync ? 16 : 0;
    u64 at = dots_now(clock_now(CLOCK_VIRTUAL), v->misc >> 2 & 3) % (htotal * vtotal);
    u64 line = at / htotal, x = at % htotal;
    bool retrace = line >= sync && line < sync_end;
    return (u8)((line >= vend || x >= hend) | retrace << 3);
}

/* -- attribute controller ----------------------------------------------------------------------------------------- */

static void attr_write(struct vga *v, u8 val)
{
    unsigned i = v->ar_index & 0x1f;
    v->ar_data = !v->ar_data;
    if (v->ar_data) {
        v->ar_index = val & 0x3f;
    } else if (i >= 16 || !(v->ar_index & PALETTE_ON)) {
        v->ar[i] = val & ar_bits[i];
    }
}

/* -- DAC ------------------------------------------------------------------------------------------------------------
 */

static u8 dac_get(struct vga *v)
{
    u8 c = v->dac[v->dac_read * 3 + v->dac_part];
    v->dac_part = (u8)((v->dac_part + 1) % 3);
    v->dac_read = (u8)(v->dac_read + !v->dac_part);
    return c;
}

/* A colour changes when its third part comes. */
static void dac_put(struct vga *v, u8 val)
{
    u8 *c = &v->dac[v->dac_write * 3];
    val &= v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC ? 0xff : 0x3f;
    if (v->dac_part < 2) {
        v->dac_new[v->dac_part++] = val;
        return;
    }
    c[0] = v->dac_new[0];
    c[1] = v->dac_new[1];
    c[2] = val;
    v->dac_part = 0;
    v->dac_write++;
}

/* -- ports -------------------------------------------------------------------------------------------------------- */

/* The CRT controller and status 1 are at 0x3b_ or at 0x3d_; the others decode nothing. */
static bool elsewhere(const struct vga *v, unsigned port)
{
    bool mono = (port & ~0xfu) == 0x3b0, color = (port & ~0xfu) == 0x3d0;
    return v->misc & MISC_COLOR ? mono : color;
}

u8 vga_port_read(struct vga *v, unsigned port)
{
    if (elsewhere(v, port)) {
        return 0xff;
    }
    switch (port) {
    case CRTC_INDEX_MONO:
    case CRTC_INDEX:
        return v->cr_index;
    case CRTC_DATA_MONO:
    case CRTC_DATA:
        return crtc_read(v);
    case STATUS1_MONO:
    case STATUS1:
        v->ar_data = 0;
        return vga_status1(v);
    case ATTR:
        return v->ar_data ? 0 : v->ar_index;
    case ATTR_READ:
        return v->ar[v->ar_index & 0x1f];
    case STATUS0_MISC:
        return SENSE;
    case SEQ_INDEX:
        return v->sr_index;
    case SEQ_DATA:
        return v->sr[v->sr_index];
    case DAC_MASK:
        return v->dac_mask;
    case DAC_STATE:
        return v->dac_reads ? 3 : 0;
    case DAC_WRITE:
        return v->dac_write;
    case DAC_DATA:
        return dac_get(v);
    case FEATURE:
        return v->feature;
    case MISC:
        return v->misc;
    case GFX_INDEX:
        return v->gr_index;
    case GFX_DATA:
        return v->gr[v->gr_index];
    default:
        return 0xff;
    }
}

static void dac_port_write(struct vga *v, unsigned port, u8 val)
{
    switch (port) {
    case DAC_MASK:
        v->dac_mask = val;
        break;
    case DAC_STATE: /* the read index; the write index follows, as its next color would */
        v->dac_read = val;
        v->dac_part = 0;
        v->dac_reads = 1;
        break;
    case DAC_WRITE:
        v->dac_write = val;
        v->dac_part = 0;
        v->dac_reads = 0;
        break;
    case DAC_DATA:
        dac_put(v, val);
        break;
    default:
        must(false);
    }
}

void vga_port_write(struct vga *v, unsigned port, u8 val)
{
    if (elsewhere(v, port)) {
        return;
    }
    switch (port) {
    case CRTC_INDEX_MONO:
    case CRTC_INDEX:
        v->cr_index = val & (VGA_CR - 1);
        break;
    case CRTC_DATA_MONO:
    case CRTC_DATA:
        crtc_write(v, val);
        break;
    case STATUS1_MONO: /* the feature control register, when written */
    case STATUS1:
        v->feature = val & 0x0b;
        break;
    case ATTR:
        attr_write(v, val);
        break;
    case STATUS0_MISC:
        v->misc = val & 0xef;
        vga_windows_update(v);
        break;
    case SEQ_INDEX:
        v->sr_index = val & (VGA_SR - 1);
        break;
    case SEQ_DATA:
        v->sr[v->sr_index] = val & sr_bits[v->sr_index];
        vga_windows_update(v);
        break;
    case DAC_MASK:
    case DAC_STATE:
    case DAC_WRITE:
    case DAC_DATA:
        dac_port_write(v, port, val);
        break;
    case GFX_INDEX:
        v->gr_index = val & (VGA_GR - 1);
        break;
    case GFX_DATA:
        v->gr[v->gr_index] = val & gr_bits[v->gr_index];
        vga_windows_update(v);
        break;
    default:
        guest_error(v->name, "write of 0x%02x to port 0x%03x, where there is no register", val, port);
    }
}

/* -- regions ------------------------------------------------------------------------------------------------------- */

/* What is claimed of 0x3b0..0x3df: a printer port and others lie between. */
static const struct reg_window port_windows[] = {{0x3b4, 2}, {0x3ba, 1}, {0x3c0, 16}, {0x3d4, 2}, {0x3da, 1}};

struct port_window {
    struct vga *v;
    unsigned first;
};

static enum mem_result ports_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct port_window *w = opaque;
    (void)size, (void)a;
    *val = vga_port_read(w->v, w->first + (unsigned)off);
    return MEM_OK;
}
static enum mem_result ports_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    const struct port_window *w = opaque;
    (void)size, (void)a;
    vga_port_write(w->v, w->first + (unsigned)off, (u8)val);
    return MEM_OK;
}
static const struct mem_ops port_ops = {.read = ports_read, .write = ports_write, .min_size = 1, .max_size = 1};

void vga_map_legacy(struct vga *v, struct mem_space *mem, struct mem_space *io)
{
    for (unsigned i = 0; i < ARRAY_LEN(port_windows); i++) {
        mem_map_region(io, &v->port[i], port_windows[i].off, 1);
    }
    mem_map_region(io, &v->dispi_port, 0x1ce, 1);
    mem_map_region(mem, &v->legacy, 0xa0000, 1);
    v->mem = mem;
}

/* -- life --------------------------------------------------------------------------------------------------------- */

static void regions_make(struct vga *v, struct arena *a)
{
    v->lfb = (struct mem_region){.name = "vga.vram", .kind = MEM_RAM, .size = v->ram.size, .host = v->ram.host};
    v->direct = (struct mem_region){.name = "vga.chain4", .kind = MEM_RAM, .size = 0x10000, .host = v->ram.host};
    v->legacy = (struct mem_region){
        .name = "vga-lowmem", .kind = MEM_MMIO, .size = 0x20000, .ops = &vga_legacy_ops, .opaque = v};
    v->dispi_port = (struct mem_region){.name = "vbe", .kind = MEM_MMIO, .size = 4, .ops = &vga_dispi_ops, .opaque = v};
    struct port_window *w = arena_alloc(a, ARRAY_LEN(port_windows) * sizeof(*w));
    for (unsigned i = 0; i < ARRAY_LEN(port_windows); i++) {
        w[i] = (struct port_window){v, port_windows[i].off};
        v->port[i] = (struct mem_region){
            .name = "vga", .kind = MEM_MMIO, .size = port_windows[i].size, .ops = &port_ops, .opaque = &w[i]};
    }
}

bool vga_init(struct vga *v, struct device *d, struct err *e)
{
    v->dev = d;
    v->name = device_name(d);
    if (v->vgamem_mb > 256 || !is_pow2(v->vgamem_mb)) {
        return err_set(e, "vgamem_mb=%u: expected a power of two up to 256", v->vgamem_mb);
    }
    if (!ram_new(&v->ram, "vga.vram", (u64)v->vgamem_mb << 20, e)) {
        return false;
    }
    ram_watch(ram_offset(v->ram.host), v->ram.size);
    v->words = (u32)(v->ram.size / 4);
    v->written = calloc(v->ram.size / RAM_PAGE_SIZE, 1);
    v->line = calloc(SCREEN_MAX + 64, sizeof(u32));
    v->cells = calloc(256 * 256, sizeof(*v->cells));
    must(v->written && v->line && v->cells);
    regions_make(v, &d->machine->arena);
    v->screen_lent = v->screen != NULL;
    v->screen = v->screen_lent ? v->screen : screen_new(v->name, &vga_screen_ops, v);
    return true;
}

void vga_reset(struct vga *v)
{
    v->dispi[DISPI_ID] = 0xb0c5;
    v->dispi[DISPI_MEMORY_64K] = (u16)(v->ram.size >> 16);
    v->stale = true;
    vga_windows_update(v);
}

void vga_loaded(struct vga *v)
{
    v->stale = true;
    vga_windows_update(v);
}

void vga_fini(struct vga *v)
{
    if (!v->screen_lent) {
        screen_free(v->screen);
    }
    free(v->written);
    free(v->line);
    free(v->cells);
    ram_free(&v->ram);
}

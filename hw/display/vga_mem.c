/* The VGA's windows to video memory: planes with write modes 0 to 3, read modes 0 and 1, latches, odd/even and chain-4
 * addressing; and what needs none of it as plain RAM. SPEC: IBM PS/2 Hardware Interface Technical Reference, "Video
 * Memory" and "Graphics Controller Registers". */
#include "base/bits.h"
#include "hw/display/vga_priv.h"

enum { MISC_RAM_ENABLE = 2, SR4_SEQUENTIAL = 4, SR4_CHAIN4 = 8, GR5_READ_MODE = 8, GR5_ODD_EVEN = 0x10 };

/* Bit p of four becomes byte p. */
static u32 planes(unsigned four)
{
    return (four & 1) * 0xffu | (four >> 1 & 1) * 0xff00u | (four >> 2 & 1) * 0xff0000u | (four >> 3 & 1) * 0xff000000u;
}

/* The graphics controller's map: where in the 128 KB at 0xa0000 the memory answers. */
static bool window_find(const struct vga *v, u64 off, u32 *at)
{
    static const struct {
        u32 start, size;
    } maps[] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned m = v->gr[GR_MISC] >> 2 & 3;
    *at = (u32)off - maps[m].start;
    return v->misc & MISC_RAM_ENABLE && off >= maps[m].start && *at < maps[m].size;
}

static u32 bank_words(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_ENABLED ? (u32)v->dispi[DISPI_BANK] << 16 : 0;
}

static u8 mem_read_byte(struct vga *v, u32 at)
{
    u32 *words = (u32 *)(void *)v->ram.host;
    unsigned plane = v->gr[GR_READ_MAP] & 3;
    u32 word = at;
    if (v->sr[SR_MEMORY_MODE] & SR4_CHAIN4) {
        plane = at & 3;
        word = at >> 2;
    } else if (v->gr[GR_MODE] & GR5_ODD_EVEN) {
        plane = (plane & 2) | (at & 1);
        word = at & ~1u;
    }
    v->latch = words[(word + bank_words(v)) & vga_word_mask(v)];
    if (!(v->gr[GR_MODE] & GR5_READ_MODE)) {
        return (u8)(v->latch >> 8 * plane);
    }
    u32 differ = (v->latch ^ planes(v->gr[GR_COMPARE])) & planes(v->gr[GR_DONT_CARE]);
    differ |= differ >> 16;
    return (u8) ~(differ | differ >> 8);
}

static u32 combine(const struct vga *v, u32 data)
{
    switch (v->gr[GR_ROTATE] >> 3) {
    case 1:
        return data & v->latch;
    case 2:
        return data | v->latch;
    case 3:
        return data ^ v->latch;
    default:
        return data;
    }
}

/* What the four planes get for a byte of the processor's. */
static u32 write_data(const struct vga *v, u8 val)
{
    u8 turned = (u8)(val >> (v->gr[GR_ROTATE] & 7) | val << (8 - (v->gr[GR_ROTATE] & 7)));
    u32 set_reset = planes(v->gr[GR_SET_RESET]), enabled = planes(v->gr[GR_ENABLE_SET_RESET]);
    u32 data, mask = v->gr[GR_BIT_MASK] * 0x01010101u;
    switch (v->gr[GR_MODE] & 3) {
    case 0:
        data = combine(v, (set_reset & enabled) | (turned * 0x01010101u & ~enabled));
        break;
    case 1:
        return v->latch;
    case 2:
        data = combine(v, planes(val));
        break;
    default:
        data = set_reset;
        mask &= turned * 0x01010101u;
        break;
    }
    return (data & mask) | (v->latch & ~mask);
}

static void mem_write_byte(struct vga *v, u32 at, u8 val)
{
    u32 *words = (u32 *)(void *)v->ram.host;
    u32 word = at, mask = planes(v->sr[SR_MAP_MASK]);
    if (v->sr[SR_MEMORY_MODE] & SR4_CHAIN4) {
        word = at >> 2;
        mask &= 0xffu << 8 * (at & 3);
    } else if (!(v->sr[SR_MEMORY_MODE] & SR4_SEQUENTIAL)) {
        word = at & ~1u;
        mask &= at & 1 ? 0xff00ff00u : 0x00ff00ffu;
    }
    if (mask) {
        u32 *w = &words[(word + bank_words(v)) & vga_word_mask(v)];
        *w = (*w & ~mask) | (write_data(v, val) & mask);
        mem_wrote(w, sizeof(*w));
    }
}

static enum mem_result legacy_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = 0;
    for (unsigned i = 0; i < size; i++) {
        u32 at;
        *val |= (u64)(window_find(opaque, off + i, &at) ? mem_read_byte(opaque, at) : 0xff) << 8 * i;
    }
    return MEM_OK;
}
static enum mem_result legacy_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    for (unsigned i = 0; i < size; i++) {
        u32 at;
        if (window_find(opaque, off + i, &at)) {
            mem_write_byte(opaque, at, (u8)(val >> 8 * i));
        }
    }
    return MEM_OK;
}
const struct mem_ops vga_legacy_ops = {.read = legacy_read, .write = legacy_write};

/* What the 64 KB at 0xa0000 are when bytes go straight through; NULL: they do not. */
static u8 *direct_bytes(const struct vga *v)
{
    u64 bank = vga_is_linear(v) ? (u64)v->dispi[DISPI_BANK] << 16 : 0;
    if (!(v->misc & MISC_RAM_ENABLE) || v->gr[GR_MISC] >> 3 & 1) { /* off, or not at 0xa0000 */
        return NULL;
    }
    bool through = v->sr[SR_MEMORY_MODE] & SR4_CHAIN4 && v->sr[SR_MAP_MASK] == 0x0f && !(v->gr[GR_MODE] & 0x0b) &&
                   !v->gr[GR_ROTATE] && !v->gr[GR_ENABLE_SET_RESET] && v->gr[GR_BIT_MASK] == 0xff;
    return (through && !bank_words(v)) || vga_is_linear(v) ? v->ram.host + bank % v->ram.size : NULL;
}

void vga_windows_update(struct vga *v)
{
    u8 *at = v->mem ? direct_bytes(v) : NULL;
    if (at == v->direct_at) {
        return;
    }
    if (v->direct_at) {
        mem_unmap_region(&v->direct);
    }
    if (at) {
        v->direct.host = at;
        mem_map_region(v->mem, &v->direct, 0xa0000, 2);
    }
    v->direct_at = at;
}

/* A VGA's registers in memory, as PCI cards show them. SPEC: QEMU's docs/specs/standard-vga.txt.
 *
 * 0x000 EDID, 0x400 ports 0x3c0 to 0x3df, 0x500 VBE registers in 16 bits each, 0x600 size of what follows and byte
 * order of the frame buffer, which is little-endian and no other. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/display/vga_priv.h"

enum {
    MMIO_SIZE = 0x1000,
    MMIO_EDID_END = 0x400,
    MMIO_PORTS = 0x400,
    MMIO_DISPI = 0x500,
    MMIO_EXT = 0x600,
    EXT_SIZE = 8,
    EXT_LITTLE = 0x1e1e1e1e
};

static enum mem_result mmio_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct vga_mmio *c = opaque;
    (void)a;
    *val = 0;
    if (off < MMIO_EDID_END) {
        *val = c->edid_on && off + size <= EDID_SIZE ? ldnle(c->edid + off, size) : 0;
    } else if (off < MMIO_PORTS + 0x20) {
        for (unsigned i = 0; i < size; i++) {
            *val |= (u64)vga_port_read(c->vga, 0x3c0 + (unsigned)(off - MMIO_PORTS) + i) << 8 * i;
        }
    } else if (off >= MMIO_DISPI && off < MMIO_DISPI + 2 * DISPI_REGS) {
        u64 v = vga_dispi_read(c->vga, (unsigned)(off - MMIO_DISPI) / 2);
        *val = v >> 8 * (off & 1) & MASK(8 * size);
    } else if (off >= MMIO_EXT && off < MMIO_EXT + 8) {
        *val = off < MMIO_EXT + 4 ? EXT_SIZE >> 8 * (off & 3) : EXT_LITTLE & (u32)MASK(8 * size);
    }
    return MEM_OK;
}

static enum mem_result mmio_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct vga_mmio *c = opaque;
    (void)a;
    if (off >= MMIO_PORTS && off < MMIO_PORTS + 0x20) {
        for (unsigned i = 0; i < size; i++) {
            vga_port_write(c->vga, 0x3c0 + (unsigned)(off - MMIO_PORTS) + i, (u8)(val >> 8 * i));
        }
    } else if (off >= MMIO_DISPI && off < MMIO_DISPI + 2 * DISPI_REGS && size == 2) {
        vga_dispi_write(c->vga, (unsigned)(off - MMIO_DISPI) / 2, (u16)val);
    } else if (off >= MMIO_EXT + 4 && off < MMIO_EXT + 8) {
        if (val != (EXT_LITTLE & MASK(8 * size))) {
            unimp(c->vga->name, "a big-endian frame buffer");
        }
    } else {
        guest_error(c->vga->name, "write of 0x%llx at offset 0x%llx of its registers, where there is none",
                    (unsigned long long)val, (unsigned long long)off);
    }
    return MEM_OK;
}

static const struct mem_ops mmio_ops = {.read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 2};

void vga_mmio_init(struct vga_mmio *m, struct vga *v, bool edid, u32 xres, u32 yres)
{
    m->vga = v;
    m->edid_on = edid;
    edid_make(m->edid, xres ? xres : 1280, yres ? yres : 800);
    m->region =
        (struct mem_region){.name = "vga.mmio", .kind = MEM_MMIO, .size = MMIO_SIZE, .ops = &mmio_ops, .opaque = m};
}

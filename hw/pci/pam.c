/* PAM and SMRAM registers (SPEC: Intel 290549, 82441FX, 3.2.15 "PAM[6:0]" and 3.2.18 "SMRAM"; Intel 82Q35 data sheet,
 * 5.1.17 and 5.1.21, which has the same).
 *
 * A segment whose accesses all go to PCI is not mapped here: what the board has below shows. RAM that is read but not
 * written is ROM; RAM that is written but not read takes writes through functions, reads give what PCI gives: the
 * firmware's ROM, or ones. */
#include "hw/pci/pam.h"

#include <string.h>

#include "base/bits.h"

enum {
    READ = 1,
    WRITE = 2,
    ROM_AT = 0xe0000,
    SMRAM_AT = 0xa0000,
    SMRAM_SIZE = 0x20000,
    D_OPEN = 1 << 6,
    D_CLS = 1 << 5,
    D_LCK = 1 << 4,
    G_SMRAME = 1 << 3,
    C_BASE = 2, /* 0xa0000: there is no other */
};

static enum mem_result pci_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)a;
    *val = MASK(8 * size);
    return MEM_OK;
}
static enum mem_result ram_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    const struct pam_segment *s = opaque;
    u8 *to = s->pam->ram + s->base + off;
    (void)a;
    stnle(to, size, val);
    mem_wrote(to, size);
    return MEM_OK;
}
static const struct mem_ops write_only_ops = {.read = pci_read, .write = ram_write};

/* PAM0 has 64 KiB in its upper half, PAM1 to PAM6 16 KiB a half. */
void pam_init(struct pam *p, struct mem_space *space, u8 *ram)
{
    p->space = space;
    p->ram = ram;
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        struct pam_segment *s = &p->segment[i];
        s->pam = p;
        s->base = i ? 0xc0000 + (i - 1) * 0x4000 : 0xf0000;
        s->size = i ? 0x4000 : 0x10000;
    }
    p->smram_open = p->smram_closed =
        (struct mem_region){.name = "smram", .kind = MEM_RAM, .size = SMRAM_SIZE, .host = ram + SMRAM_AT};
    p->smram_closed.secure_only = true;
}

void pam_set_rom(struct pam *p, u8 *rom)
{
    p->rom = rom;
}

static void segment_set(struct pam *p, struct pam_segment *s, u8 mode)
{
    static const char *const names[] = {NULL, "pam-rom", "pam-write", "pam-ram"};
    if (mode == s->mode) {
        return;
    }
    s->mode = mode;
    mem_unmap_region(&s->region);
    if (!mode) {
        return;
    }
    s->region = (struct mem_region){.name = names[mode],
                                    .kind = mode == (READ | WRITE) ? MEM_RAM : MEM_ROM,
                                    .size = s->size,
                                    .host = p->ram + s->base};
    if (mode == WRITE) {
        bool rom = p->rom && s->base >= ROM_AT;
        s->region.kind = rom ? MEM_ROMD : MEM_MMIO;
        s->region.host = rom ? (u8 *)p->rom + (s->base - ROM_AT) : NULL;
        s->region.romd_reads = true;
        s->region.ops = &write_only_ops;
        s->region.opaque = s;
    }
    mem_map_region(p->space, &s->region, s->base, 1);
}

/* The VGA window lies at priority 1, at 2 where it is plain RAM; SMRAM over it is for everybody, or for
 * system-management mode only. */
static void smram_set(struct pam *p, struct mem_region *r, bool shown)
{
    if (shown && !r->space) {
        mem_map_region(p->space, r, SMRAM_AT, 3);
    } else if (!shown) {
        mem_unmap_region(r);
    }
}

void pam_update(struct pam *p, const u8 *regs, u8 smram)
{
    segment_set(p, &p->segment[0], regs[0] >> 4 & 3);
    for (unsigned i = 1; i < PAM_SEGMENTS; i++) {
        u8 r = regs[1 + (i - 1) / 2];
        segment_set(p, &p->segment[i], (i - 1) % 2 ? r >> 4 & 3 : r & 3);
    }
    bool on = smram & G_SMRAME, open = on && smram & D_OPEN;
    smram_set(p, &p->smram_open, open);
    smram_set(p, &p->smram_closed, on && !open && !(smram & D_CLS));
}

u8 pam_smram_write(u8 was, u8 v)
{
    if (was & D_LCK) {
        return (u8)((was & ~D_CLS) | (v & D_CLS));
    }
    v = (u8)((v & (D_OPEN | D_CLS | D_LCK | G_SMRAME)) | C_BASE);
    return v & D_LCK ? (u8)(v & ~D_OPEN) : v;
}

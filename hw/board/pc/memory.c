/* A PC's memory: RAM below 640 KiB, from 1 MiB to where the PCI hole begins, and from 4 GiB on; the firmware below 4
 * GiB and, its last 128 KiB, below 1 MiB; ones where nothing is. What lies between 640 KiB and 1 MiB is the north
 * bridge's (hw/pci/pam.h): RAM is shown there as its registers say; without a north bridge it is RAM that holds the
 * firmware after each reset, as firmware wants to write there. */
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "block/block.h"
#include "hw/block/cfi_flash.h"
#include "hw/board/pc/pc_priv.h"
#include "hw/pci/pc_host.h"

#define BELOW_640K 0xa0000ull
enum { UPPER = 0xc0000, SHADOW = 0x20000 /* what is seen of firmware below 1 MiB */ };

/* As much below 4 GiB as there is, if that leaves room for PCI; else the split is at a whole GiB. */
static void ram_split(struct pc *pc, u64 size)
{
    u64 most = pc->max_below_4g ? pc->max_below_4g : pc->kind->most_below_4g;
    u64 split = pc->max_below_4g ? pc->max_below_4g : pc->kind->split;
    pc->below_4g = size < most ? size : MIN(size, split);
    pc->above_4g = size - pc->below_4g;
}

bool pc_memory_map(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    if (m->ram.size < MIB) {
        return err_set(e, "a PC has at least 1 MiB of RAM");
    }
    if (pc->max_below_4g && (pc->max_below_4g < MIB || pc->max_below_4g > PC_TOP || pc->max_below_4g % RAM_PAGE_SIZE)) {
        return err_set(e, "max-ram-below-4g=0x%llx: expected whole pages between 1 MiB and 0x%x",
                       (unsigned long long)pc->max_below_4g, PC_TOP);
    }
    ram_split(pc, m->ram.size);
    u8 *host = m->ram.host;
    pc->low = (struct mem_region){.name = "pc.ram", .kind = MEM_RAM, .size = BELOW_640K, .host = host};
    mem_map_region(m->sysmem, &pc->low, 0, 0);
    if (pc->below_4g > MIB) {
        pc->high = (struct mem_region){
            .name = "ram-below-4g", .kind = MEM_RAM, .size = pc->below_4g - MIB, .host = host + MIB};
        mem_map_region(m->sysmem, &pc->high, MIB, 0);
    }
    if (pc->above_4g) {
        pc->above = (struct mem_region){
            .name = "ram-above-4g", .kind = MEM_RAM, .size = pc->above_4g, .host = host + pc->below_4g};
        mem_map_region(m->sysmem, &pc->above, 4 * GIB, 0);
    }
    if (pc->kind->isa) {
        pc->upper =
            (struct mem_region){.name = "upper-memory", .kind = MEM_RAM, .size = MIB - UPPER, .host = host + UPPER};
        mem_map_region(m->sysmem, &pc->upper, UPPER, 0);
    }
    pc->nowhere = (struct mem_region){.name = "nowhere", .kind = MEM_MMIO, .size = 1ull << 52, .ops = &pci_abort_ops};
    mem_map_region(m->sysmem, &pc->nowhere, 0, -2);
    return true;
}

/* -- firmware -------------------------------------------------------------------------------------------------------
 */

static void rom_map(struct machine *m, const char *name, const struct image_file *f, u64 size)
{
    struct pc *pc = pc_of(m);
    u64 seen = MIN(size, (u64)SHADOW);
    pc->rom_region = (struct mem_region){.name = "pc.bios", .kind = MEM_ROM, .size = size, .host = pc->rom.host};
    mem_map_region(m->sysmem, &pc->rom_region, 4 * GIB - size, 0);
    if (pc->kind->isa) {
        seen = MIN(f->len, seen);
        loader_add(m, name, MIB - seen, g_memdup2(f->data + f->len - seen, seen), seen, seen);
        return;
    }
    pc->rom_below_1m =
        (struct mem_region){.name = "isa-bios", .kind = MEM_ROM, .size = seen, .host = pc->rom.host + size - seen};
    mem_map_region(m->sysmem, &pc->rom_below_1m, MIB - seen, 0);
    if (seen == SHADOW) {
        pc_host_set_rom(pc->pci_host, pc->rom.host + size - SHADOW);
    }
}

/* Flashes instead of a ROM: the first ends at 4 GiB, the second below it. Erase blocks have 4 KiB, as firmware for QEMU
 * has them. */
static bool flash_make(struct machine *m, unsigned i, u64 *end, struct err *e)
{
    enum { MOST = 8 << 20 };
    struct pc *pc = pc_of(m);
    struct device *d = device_new(m, &cfi_flash01_class, i ? "system.flash1" : "system.flash0");
    u64 size = block_size(m->cfg.pflash[i]);
    if (!size || size % 0x1000 || *end - size < 4 * GIB - MOST) {
        return err_set(e, "pflash%u: its size must be a multiple of 4 KiB; all of them may have 8 MiB", i);
    }
    machine_give_backend(d, PFLASH0 + i);
    if (!device_set_prop(d, "size", arena_printf(&m->arena, "%llu", (unsigned long long)size), e) ||
        !device_set_prop(d, "sector-length", "4096", e) || !device_set_prop(d, "width", "1", e) ||
        !device_set_prop(d, "device-width", "1", e) || !device_init(d, e)) {
        return false;
    }
    *end -= size;
    device_map(d, m->sysmem, *end, 0);
    if (!i && size >= SHADOW) {
        u8 *last = d->mmio.host + size - SHADOW;
        pc->rom_below_1m = (struct mem_region){.name = "isa-bios", .kind = MEM_ROM, .size = SHADOW, .host = last};
        mem_map_region(m->sysmem, &pc->rom_below_1m, MIB - SHADOW, 0);
        pc_host_set_rom(pc->pci_host, last);
    }
    return true;
}

static bool flashes_make(struct machine *m, struct err *e)
{
    u64 end = 4 * GIB;
    if (pc_of(m)->kind->isa) {
        return err_set(e, "-drive if=pflash: this PC has a ROM, no flash");
    }
    if (m->cfg.firmware) {
        return err_set(e, "The contents of the first flash device may be specified with -bios or with -drive "
                          "if=pflash... but you cannot use both options at once");
    }
    return flash_make(m, 0, &end, e) && (!m->cfg.pflash[1] || flash_make(m, 1, &end, e));
}

/* The file's last byte is the last below 4 GiB. */
bool pc_firmware_load(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    const char *path = m->cfg.firmware ? m->cfg.firmware : pc->kind->firmware;
    struct image_file f;
    if (m->cfg.pflash[0]) {
        return flashes_make(m, e);
    }
    char *found = image_find(path);
    if (!found && !m->cfg.firmware) {
        return err_set(e, "could not find the firmware '%s' (Debian: seabios)", path);
    }
    bool ok = found && image_read(&f, "firmware", found, e);
    g_free(found);
    if (!ok) {
        return err_set(e, "Could not find ROM image '%s'", path);
    }
    u64 size = align_up(f.len, RAM_PAGE_SIZE);
    if (!f.len || f.len % 0x10000 || size > 16 * MIB) {
        image_free(&f);
        return err_set(e, "could not load PC BIOS '%s': its size must be a multiple of 64 KiB, up to 16 MiB", path);
    }
    if (!ram_new(&pc->rom, "pc.bios", size, e)) {
        image_free(&f);
        return false;
    }
    rom_map(m, path, &f, size);
    loader_add(m, path, 4 * GIB - f.len, f.data, f.len, f.len);
    return true;
}

void pc_ram_shown(struct machine *m)
{
    enum { AREA = 0xe0000 };
    struct pc *pc = pc_of(m);
    if (pc->kind->isa) {
        return;
    }
    pc->rom_below_1m =
        (struct mem_region){.name = "shadow-ram", .kind = MEM_RAM, .size = MIB - AREA, .host = m->ram.host + AREA};
    mem_map_region(m->sysmem, &pc->rom_below_1m, AREA, 0);
}

void pc_memory_fini(struct machine *m)
{
    struct pc *pc = pc_of(m);
    mem_unmap_region(&pc->rom_below_1m);
    if (pc->rom.host) {
        mem_unmap_region(&pc->rom_region);
        ram_free(&pc->rom);
    }
}

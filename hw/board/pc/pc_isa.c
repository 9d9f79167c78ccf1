/* The PC without PCI (QEMU's `isapc`): an 80486, one processor, and what an AT has on its ISA bus: IDE, floppy
 * controller, keyboard, clocks, a VGA card.
 *
 * Not modelled: an ISA network card. */
#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "hw/board/pc/pc_priv.h"
#include "hw/display/vga.h"
#include "hw/ide/ide.h"
#include "hw/input/i8042.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/i8237.h"
#include "hw/misc/port92.h"
#include "hw/timer/i8254.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/port61.h"
#include "target/i386/i386.h"

#define VGA_BIOS "vgabios-isavga.bin"

static const struct part isa_parts[] = {
    {&i8237_class, "dma", 0, -1, .io = true},
    {&i8042_class, "keyboard", 0, -1, .io = true},
    {&i8254_class, "pit", 0x40, -1, .io = true},
    {&port61_class, "port61", 0x61, -1, .io = true},
    {&mc146818_class, "rtc", 0x70, -1, .io = true},
    {&port92_class, "port92", 0x92, PC_IN_A20, .io = true},
    {&fw_cfg_io_class, "fw_cfg", 0x510, -1, .io = true},
    {&ide_bus_class, "ide.1", 0x170, 15, .io = true},
    {&ide_bus_class, "ide.0", 0x1f0, 14, .io = true},
    {0},
};

static bool ide_drive(struct machine *m, const struct drive *d, struct err *e)
{
    struct device *bus = machine_find(m, d->bus ? "ide.1" : "ide.0");
    return ide_attach(bus, d->unit, d->disk, d->cdrom, d->serial, e) != NULL;
}

/* The card's BIOS is no option ROM on a bus: firmware has it from fw_cfg. */
static bool vga_bios_add(struct machine *m, struct err *e)
{
    struct image_file f;
    char *path = image_find(VGA_BIOS);
    if (!path) {
        warn_once("the VGA card has no BIOS: '%s' is not installed (Debian: seabios)", VGA_BIOS);
        return true;
    }
    bool ok = image_read(&f, "VGA BIOS", path, e);
    g_free(path);
    if (!ok) {
        return false;
    }
    const void *bios = arena_dup(&m->arena, f.data, f.len);
    ok = fw_cfg_add_file(pc_of(m)->fw_cfg, "vgaroms/" VGA_BIOS, bios, f.len, NULL, NULL, e);
    image_free(&f);
    return ok;
}

static bool functions_make(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    pc->has_vga = strcmp(pc_vga_wanted(m), "none") != 0;
    return pc_drives_attach(m, DRIVE_IDE, ide_drive, e) && pc_fdc_make(m, e) &&
           (!pc->has_vga || (device_init(device_new(m, &vga_isa_class, "vga"), e) && vga_bios_add(m, e)));
}

static const struct pc_kind isa_kind = {
    .isa = true,
    .most_below_4g = 0xe0000000,
    .split = 3 * GIB,
    .product = "ISA-only PC",
    .firmware = "bios.bin",
    .functions_make = functions_make,
};

static bool isa_build(struct machine *m, struct err *e)
{
    return pc_make(m, &isa_kind, e);
}

static const char *const vgas[] = {"std", "none", NULL};

const struct board board_isapc = {
    PC_BOARD,
    .name = "isapc",
    .doc = "ISA-only PC",
    .default_cpu = "486",
    .max_cpus = 1,
    .parts = isa_parts,
    .drive_room = {[DRIVE_IDE] = {2, 2}, [DRIVE_FLOPPY] = {1, 2}},
    .build = isa_build,
    .vgas = vgas,
};

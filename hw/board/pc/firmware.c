/* What a PC's firmware is told: by fw_cfg (files that SeaBIOS and OVMF read) and in CMOS memory (SPEC: IBM PC AT
 * Technical Reference, "CMOS RAM"; SeaBIOS, "Runtime configuration"). */
#include <string.h>

#include "base/bits.h"
#include "base/opts.h"
#include "hw/block/fdc.h"
#include "hw/board/pc/pc_priv.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/smbios.h"
#include "hw/timer/mc146818.h"

/* -- files ----------------------------------------------------------------------------------------------------------
 */

static bool file_add(struct machine *m, const char *name, struct buf *b, struct err *e)
{
    const void *p = arena_dup(&m->arena, b->data, b->len);
    bool ok = !b->len || fw_cfg_add_file(pc_of(m)->fw_cfg, name, p, b->len, NULL, NULL, e);
    buf_free(b);
    return ok;
}

/* The map of memory: an address, a length, a type, packed (SPEC: ACPI 6.4, 15, "int 15h e820"). */
static void e820_put(struct buf *b, u64 base, u64 len, u32 type)
{
    if (len) {
        buf_u64(b, base);
        buf_u64(b, len);
        buf_u32(b, type);
    }
}

static bool map_add(struct machine *m, struct err *e)
{
    enum { RAM = 1, RESERVED = 2 };
    const struct pc *pc = pc_of(m);
    struct buf b = {0};
    e820_put(&b, 0xfeffc000, 0x4000, RESERVED); /* for hypervisors' tables, as every QEMU has it */
    e820_put(&b, 0, pc->below_4g, RAM);
    e820_put(&b, 4 * GIB, pc->above_4g, RAM);
    return file_add(m, "etc/e820", &b, e);
}

/* Files that hold a time; the menu's is there only when somebody set it. */
static bool waits_add(struct machine *m, struct err *e)
{
    const struct boot_wish *w = &m->cfg.boot;
    struct buf menu = {0}, fail = {0};
    if (w->splash_time >= 0) {
        u8 raw[2] = {(u8)w->splash_time, (u8)(w->splash_time >> 8)};
        buf_put(&menu, raw, sizeof(raw));
    }
    buf_u32(&fail, (u32)w->reboot_timeout);
    return file_add(m, "etc/boot-menu-wait", &menu, e) && file_add(m, "etc/boot-fail-wait", &fail, e);
}

/* S3 and S4 are not to be had: bit 7 of a state's byte says that it is. SPEC: QEMU, docs/specs/fw_cfg; OVMF. */
static bool states_add(struct machine *m, struct err *e)
{
    static const u8 states[6] = {128, 0, 0, 0, 0, 128};
    struct buf b = {0};
    buf_put(&b, states, sizeof(states));
    return file_add(m, "etc/system-states", &b, e);
}

bool pc_smbios(struct machine *m, struct buf *tables, struct buf *anchor, struct err *e)
{
    const struct machine_config *c = &m->cfg;
    const char *entry = pc_of(m)->smbios;
    if (strcmp(entry, "auto") && strcmp(entry, "32") && strcmp(entry, "64")) {
        return err_set(e, "smbios-entry-point-type=%s: expected 32, 64 or auto", entry);
    }
    const struct smbios_facts facts = {
        .manufacturer = "QEMU",
        .product = pc_of(m)->kind->product,
        .version = m->board->name,
        .uuid = c->uuid,
        .ram_size = c->ram_size,
        .sockets = c->sockets ? c->sockets : 1,
        .cores = c->cores ? c->cores : c->cpus,
        .threads = c->threads ? c->threads : 1,
        .options = c->smbios,
        .noptions = c->nsmbios,
        .anchor32 = strcmp(entry, "64") != 0,
    };
    return smbios_build(&facts, tables, anchor, e);
}

static bool smbios_add(struct machine *m, struct err *e)
{
    struct buf tables = {0}, anchor = {0};
    bool ok = pc_smbios(m, &tables, &anchor, e) && file_add(m, "etc/smbios/smbios-tables", &tables, e) &&
              file_add(m, "etc/smbios/smbios-anchor", &anchor, e);
    buf_free(&tables);
    buf_free(&anchor);
    return ok;
}

/* One node: no distances, and every processor in it. */
static void numa_add(struct machine *m)
{
    static const u8 none[16];
    fw_cfg_add(pc_of(m)->fw_cfg, FW_CFG_NUMA, none, 8);
}

static bool keys_add(struct machine *m, struct err *e)
{
    struct device *d = pc_of(m)->fw_cfg;
    const struct machine_config *c = &m->cfg;
    struct buf order = {0};
    u64 *ram = arena_dup(&m->arena, &c->ram_size, sizeof(c->ram_size));
    fw_cfg_add(d, FW_CFG_RAM_SIZE, ram, sizeof(*ram));
    fw_cfg_add_u16(d, FW_CFG_NB_CPUS, (u16)c->cpus);
    fw_cfg_add_u16(d, FW_CFG_MAX_CPUS, (u16)c->cpus);
    fw_cfg_add_u16(d, FW_CFG_NOGRAPHIC, c->nographic);
    fw_cfg_add_u16(d, FW_CFG_BOOT_MENU, c->boot.menu);
    fw_cfg_add(d, FW_CFG_UUID, c->uuid, sizeof(c->uuid));
    fw_cfg_add_u32(d, FW_CFG_IRQ0_OVERRIDE, 1);
    numa_add(m);
    struct buf all = {0};
    bool ok = machine_boot_order(m, c->boot.strict, &order, e);
    if (pc_of(m)->kernel_rom) {
        buf_printf(&all, "/rom@%s%s", PC_KERNEL_ROM, order.len ? "\n" : "");
        buf_put(&all, order.len ? (char *)order.data : "", MAX(order.len, 1u));
    } else if (order.len) {
        buf_put(&all, order.data, order.len);
    }
    buf_free(&order);
    return ok && file_add(m, "bootorder", &all, e);
}

/* -- CMOS memory ----------------------------------------------------------------------------------------------------
 */

enum {
    CMOS_FLOPPIES = 0x10,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE = 0x15,     /* KiB below 640 KiB */
    CMOS_EXTENDED = 0x17, /* KiB above 1 MiB, twice */
    CMOS_EXTENDED_2 = 0x30,
    CMOS_ABOVE_16M = 0x34, /* units of 64 KiB */
    CMOS_ABOVE_4G = 0x5b,  /* the same, three bytes */
    CMOS_BOOT = 0x3d,      /* first and second device, and in 0x38 the third */
    CMOS_BOOT_3 = 0x38,
    CMOS_CPUS = 0x5f,
    EQUIPMENT_FPU = 1 << 1,
    EQUIPMENT_MOUSE = 1 << 2,
};

static void cmos_put(struct machine *m, unsigned at, u64 v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        mc146818_set(pc_of(m)->rtc, at + i, (u8)(v >> 8 * i));
    }
}

static void cmos_fill(struct machine *m)
{
    const struct pc *pc = pc_of(m);
    u64 above_1m = pc->below_4g - MIB, above_16m = pc->below_4g > 16 * MIB ? pc->below_4g - 16 * MIB : 0;
    cmos_put(m, CMOS_BASE, 640, 2);
    cmos_put(m, CMOS_EXTENDED, MIN(above_1m >> 10, 0xffffull), 2);
    cmos_put(m, CMOS_EXTENDED_2, MIN(above_1m >> 10, 0xffffull), 2);
    cmos_put(m, CMOS_ABOVE_16M, MIN(above_16m >> 16, 0xffffull), 2);
    cmos_put(m, CMOS_ABOVE_4G, pc->above_4g >> 16, 3);
    u8 a = pc->fdc ? fdc_cmos_type(pc->fdc, 0) : 0, b = pc->fdc ? fdc_cmos_type(pc->fdc, 1) : 0;
    unsigned drives = (a != 0) + (b != 0);
    cmos_put(m, CMOS_FLOPPIES, (u64)a << 4 | b, 1);
    cmos_put(m, CMOS_EQUIPMENT, EQUIPMENT_FPU | EQUIPMENT_MOUSE | (drives ? 1 | (drives - 1) << 6 : 0), 1);
    cmos_put(m, CMOS_CPUS, m->cfg.cpus - 1, 1);
}

/* -- ACPI ---------------------------------------------------------------------------------------------------------- */

static bool acpi_is_on(const struct machine *m, bool *on, struct err *e)
{
    const char *s = pc_of(m)->acpi_wanted;
    *on = true;
    return !strcmp(s, "auto") || parse_bool(s, on) || err_set(e, "acpi=%s: expected on, off or auto", s);
}

static bool acpi_add(struct machine *m, struct err *e)
{
    struct pc *pc = pc_of(m);
    bool on;
    if (!acpi_is_on(m, &on, e) || !on || pc->kind->isa) {
        return !e->msg[0];
    }
    u64 above = 4 * GIB + pc->above_4g;
    pc->acpi = (struct pc_acpi){
        .m = m,
        .pm = pc->pm,
        .mem32 = pc->below_4g,
        .mem32_end = PC_TOP,
        .mem64 = above,
        .mem64_end = PC_HIGH_END,
        .hpet = pc->hpet,
        .keyboard = true,
        .floppy = pc->fdc != NULL,
        .parallel = m->cfg.parallel[0] != NULL,
        .vga = pc->has_vga,
        .coms = pc->coms,
        .fw_cfg = 0x510,
    };
    pc->kind->acpi_say(&pc->acpi);
    return pc_acpi_add(&pc->acpi, pc->fw_cfg, e);
}

/* Three devices, in the order of letters that the BIOS has names for. */
static void boot_order(struct machine *m, const char *letters)
{
    static const char known[] = "acdn";
    u8 code[3] = {0};
    for (unsigned n = 0; *letters && n < ARRAY_LEN(code); letters++) {
        const char *at = strchr(known, *letters);
        if (at) {
            code[n++] = (u8)(at - known + 1);
        }
    }
    cmos_put(m, CMOS_BOOT, code[0] | code[1] << 4, 1);
    cmos_put(m, CMOS_BOOT_3, (u64)code[2] << 4, 1);
}

void pc_boot_order(struct machine *m)
{
    const struct boot_wish *w = &m->cfg.boot;
    struct pc *pc = pc_of(m);
    const char *order = w->order ? w->order : "cad";
    boot_order(m, w->once && !pc->booted ? w->once : order);
    pc->booted = true;
}

bool pc_facts_add(struct machine *m, struct err *e)
{
    cmos_fill(m);
    return acpi_add(m, e) && keys_add(m, e) && map_add(m, e) && waits_add(m, e) && states_add(m, e) && smbios_add(m, e);
}

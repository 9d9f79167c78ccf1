/* How a PC boots: its firmware from the reset vector on; or a kernel that is entered directly, with what firmware would
 * have left it: a map of memory, ACPI and SMBIOS tables, the MP table. Firmware that was named (-bios, a flash) runs
 * all the same, and finds the kernel in fw_cfg.
 *
 * Not modelled: the BIOS's services: a kernel is entered behind what would ask for them. */
#include <elf.h>
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/board/pc/linux.h"
#include "hw/board/pc/pc_priv.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/smbios.h"
#include "target/i386/i386.h"

enum {
    EBDA = 0x9fc00, /* the last KiB below 640 KiB: where RSDP is looked for */
    EBDA_SEGMENT = 0x40e,
    BIOS_AREA = 0xf0000, /* what is looked for there starts at a multiple of 16 */
    IRQ_TABLES = 0xf1000,
    IRQ_TABLES_ROOM = 0x8000,
    ACPI_ROOM = 0x20000,
    SMBIOS_ROOM = 0x10000,
    TABLES = ACPI_ROOM + SMBIOS_ROOM, /* at the end of RAM below 4 GiB */
};

static const struct kernel_rules *rules(const struct machine *m, struct kernel_rules *r)
{
    *r = (struct kernel_rules){
        .ram_size = pc_of(m)->below_4g - TABLES, .elf_machines = {EM_386, EM_X86_64}, .elf_only = true};
    return r;
}

bool pc_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e)
{
    struct kernel_rules r;
    return kernel_load(m, path, rules(m, &r), k, e);
}

/* -- what firmware would have left -------------------------------------------------------------------------------- */

static void map_make(const struct machine *m, struct linux_place *p)
{
    const struct pc *pc = pc_of(m);
    p->low_end = pc->below_4g - TABLES;
    p->rsdp = pc->acpi.m ? EBDA : 0;
    const struct e820_range map[] = {
        {0, EBDA, E820_RAM},
        {EBDA, 0xa0000 - EBDA, E820_RESERVED},
        {BIOS_AREA, MIB - BIOS_AREA, E820_RESERVED},
        {MIB, p->low_end - MIB, E820_RAM},
        {p->low_end, ACPI_ROOM, E820_ACPI},
        {p->low_end + ACPI_ROOM, SMBIOS_ROOM, E820_RESERVED},
        {PC_TOP, 4 * GIB - PC_TOP, E820_RESERVED},
        {4 * GIB, pc->above_4g, E820_RAM},
    };
    for (unsigned i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].len) {
            p->map[p->nmap++] = map[i];
        }
    }
}

static u8 *blob(struct machine *m, const char *name, u64 at, const void *data, size_t n)
{
    u8 *p = g_memdup2(data, n);
    loader_add(m, name, at, p, n, n);
    return p;
}

static void sum_put(u8 *p, unsigned len, unsigned at)
{
    u8 sum = 0;
    p[at] = 0;
    for (unsigned i = 0; i < len; i++) {
        sum = (u8)(sum + p[i]);
    }
    p[at] = (u8)-sum;
}

/* The anchor's own sum, and that it knows where the tables are, is firmware's work (DSP0134, 5.2). */
static void smbios_place(struct machine *m, const struct buf *tables, struct buf *anchor, u64 at)
{
    enum { SUM = 4, LENGTH = 5, DMI = 16, DMI_SUM = 5, DMI_LENGTH = 15, ADDRESS = 24 };
    enum { SUM_3 = 5, LENGTH_3 = 6, ADDRESS_3 = 16 };
    u8 *a = anchor->data;
    if (a[3] == '_') {
        st32le(a + ADDRESS, (u32)at);
        sum_put(a + DMI, DMI_LENGTH, DMI_SUM);
        sum_put(a, a[LENGTH], SUM);
    } else {
        st64le(a + ADDRESS_3, at);
        sum_put(a, a[LENGTH_3], SUM_3);
    }
    blob(m, "smbios tables", at, tables->data, tables->len);
    blob(m, "smbios anchor", BIOS_AREA, a, anchor->len);
}

static bool irqs_place(struct machine *m, struct err *e)
{
    const struct pc *pc = pc_of(m);
    struct irq_facts f = {.m = m, .ioapic = {pc->cpus.bus ? (u32)IOAPIC_BASE : 0}, .levels = PC_PIRQ_IRQS};
    if (!pc->kind->irqs_say) {
        return true;
    }
    pc->kind->irqs_say(&f);
    return irq_tables_place(&f, IRQ_TABLES, IRQ_TABLES_ROOM, e);
}

static bool tables_place(struct machine *m, const struct linux_place *p, struct err *e)
{
    static const u8 segment[2] = {(EBDA >> 4) & 0xff, EBDA >> 12}, kib[1] = {1};
    struct pc *pc = pc_of(m);
    struct buf tables = {0}, anchor = {0};
    u64 at = p->low_end + ACPI_ROOM;
    pc_ram_shown(m);
    blob(m, "bda", EBDA_SEGMENT, segment, sizeof(segment));
    if (pc->kind->place) {
        pc->kind->place(m);
    }
    if (pc->acpi.m && !pc_acpi_place(&pc->acpi, p->low_end, ACPI_ROOM, EBDA, e)) {
        return false;
    }
    if (!pc->acpi.m) {
        blob(m, "ebda", EBDA, kib, sizeof(kib));
    }
    bool ok = irqs_place(m, e) && pc_smbios(m, &tables, &anchor, e);
    ok = ok && (tables.len <= SMBIOS_ROOM || err_set(e, "the SMBIOS tables take more than 64 KiB"));
    if (ok) {
        smbios_place(m, &tables, &anchor, at);
    }
    buf_free(&tables);
    buf_free(&anchor);
    return ok;
}

/* -- kernels ------------------------------------------------------------------------------------------------------- */

static bool kernel_enter(struct machine *m, struct err *e)
{
    struct linux_place p = {0};
    struct kernel_rules r;
    struct x86_entry entry;
    if (pc_of(m)->below_4g < 4 * MIB) {
        return err_set(e, "-kernel: a PC with less than 4 MiB of RAM has no room for one");
    }
    map_make(m, &p);
    if (!kernel_place(m, rules(m, &r), &p, &entry, e) || !tables_place(m, &p, e)) {
        return false;
    }
    pc_of(m)->direct = true;
    x86_set_entry(m->cpus[0], &entry);
    return true;
}

/* -- firmware, and what it finds ------------------------------------------------------------------------------------
 */

/* A screen that somebody looks at is set up by the VGA's BIOS: then the kernel is what firmware boots first. */
static bool kernel_behind_firmware(struct machine *m, bool *taken, struct err *e)
{
    enum { FIRMWARE_TABLES = 2 << 20 }; /* at the end of RAM */
    struct pc *pc = pc_of(m);
    struct linux_item items[LINUX_ITEMS];
    struct image_file f;
    char *bios = pc->has_vga && m->cfg.watched ? image_find(pc->kind->firmware) : NULL;
    *taken = false;
    g_free(bios);
    if (!bios || pc->below_4g < 16 * MIB) {
        return true;
    }
    if (!image_map(&f, "kernel", m->cfg.kernel, e)) {
        return false;
    }
    *taken = linux_is(&f);
    bool ok = !*taken || linux_items(m, &f, pc->below_4g - FIRMWARE_TABLES, items, e);
    image_free(&f);
    if (!ok || !*taken) {
        return ok;
    }
    size_t size;
    const u8 *rom = linux_rom_make(m, items, &size);
    for (unsigned i = 0; i < LINUX_ITEMS; i++) {
        fw_cfg_add(pc->fw_cfg, items[i].key, items[i].data, items[i].len);
    }
    return fw_cfg_add_file(pc->fw_cfg, PC_KERNEL_ROM, rom, size, NULL, NULL, e) && pc_firmware_load(m, e) &&
           loader_check(m, e);
}

bool pc_boot(struct machine *m, struct err *e)
{
    if (m->cfg.dtb) {
        return err_set(e, "-dtb: a PC has no device tree");
    }
    bool named = m->cfg.firmware || m->cfg.pflash[0], taken = false;
    if (m->cfg.kernel && !named && !kernel_behind_firmware(m, &taken, e)) {
        return false;
    }
    pc_of(m)->kernel_rom = taken;
    if (!pc_facts_add(m, e)) {
        return false;
    }
    if (taken) {
        return true;
    }
    if (m->cfg.kernel && !named) {
        return kernel_enter(m, e) && loader_check(m, e);
    }
    return (!m->cfg.kernel || linux_offer(m, pc_of(m)->fw_cfg, e)) && pc_firmware_load(m, e) && loader_check(m, e);
}

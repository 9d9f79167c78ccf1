/* How a microvm boots: a kernel entered directly, with a map of memory and the tables that say what there is (ACPI, or
 * else the MP table and words on the kernel's command line); without a kernel, or where -bios names it, firmware
 * (SeaBIOS' build for microvm), which finds all of it in fw_cfg. */
#include <elf.h>
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/board/microvm/microvm_priv.h"
#include "hw/board/pc/linux.h"
#include "hw/board/pc/mptable.h"
#include "hw/intc/ioapic.h"
#include "hw/misc/fw_cfg.h"
#include "hw/virtio/virtio_mmio.h"
#include "target/i386/i386.h"

#define FIRMWARE "bios-microvm.bin"
enum {
    EBDA = 0x9fc00, /* the last KiB below 640 KiB: where RSDP is looked for */
    BIOS_AREA = 0xf0000,
    BIOS_AREA_SIZE = 0x10000,
    ACPI_ROOM = 0x20000, /* at the end of RAM below 4 GiB */
    SHADOW = 0x20000,    /* what is seen of firmware below 1 MiB */
};

static const struct kernel_rules *rules(const struct machine *m, struct kernel_rules *r)
{
    *r = (struct kernel_rules){
        .ram_size = microvm_of(m)->below_4g - ACPI_ROOM, .elf_machines = {EM_386, EM_X86_64}, .elf_only = true};
    return r;
}

bool microvm_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e)
{
    struct kernel_rules r;
    return kernel_load(m, path, rules(m, &r), k, e);
}

/* -- the kernel's command line ------------------------------------------------------------------------------------- */

static void word_add(struct machine *m, const char *word)
{
    const char *line = m->cfg.append ? m->cfg.append : "";
    m->cfg.append = arena_printf(&m->arena, "%s%s%s", line, *line ? " " : "", word);
}

/* Linux, drivers/virtio/virtio_mmio.c: SIZE@BASE:IRQ. The newest slot is the first that is filled. And what a tick of
 * the time-stamp counter is: there is no clock to measure it by but the 8254, which on a busy host goes wrong. */
static void cmdline_complete(struct machine *m)
{
    const struct microvm *b = microvm_of(m);
    if (!b->auto_cmdline) {
        return;
    }
    for (unsigned i = b->slots; !b->acpi && i-- > 0;) {
        if (virtio_mmio_busy(b->virtio[i])) {
            word_add(m, arena_printf(&m->arena, "virtio_mmio.device=%u@0x%llx:%u", MICROVM_VIRTIO_SIZE,
                                     (unsigned long long)b->virtio[i]->mmio.base, b->virtio_gsi + i));
        }
    }
    if (!m->cfg.append || !strstr(m->cfg.append, "tsc_early_khz=")) {
        word_add(m, "tsc_early_khz=1000000");
    }
}

/* -- a kernel without firmware ------------------------------------------------------------------------------------- */

static void map_make(const struct machine *m, struct linux_place *p)
{
    const struct microvm *b = microvm_of(m);
    p->low_end = b->below_4g - ACPI_ROOM;
    p->rsdp = b->acpi ? EBDA : 0;
    const struct e820_range map[] = {
        {0, EBDA, E820_RAM},
        {EBDA, 0xa0000 - EBDA, E820_RESERVED},
        {BIOS_AREA, BIOS_AREA_SIZE, E820_RESERVED},
        {MIB, p->low_end - MIB, E820_RAM},
        {p->low_end, ACPI_ROOM, E820_ACPI},
        {4 * GIB, b->above_4g, E820_RAM},
    };
    for (unsigned i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].len) {
            p->map[p->nmap++] = map[i];
        }
    }
}

static bool tables_place(struct machine *m, const struct linux_place *p, struct err *e)
{
    struct microvm *b = microvm_of(m);
    const struct irq_facts f = {.m = m, .ioapic = {IOAPIC_BASE, b->has_ioapic2 ? MICROVM_IOAPIC2 : 0}};
    return irq_tables_place(&f, BIOS_AREA, BIOS_AREA_SIZE, e) &&
           (!b->acpi || acpi_blobs_add(m, &b->acpi_files, p->low_end, ACPI_ROOM, EBDA, e));
}

static bool kernel_enter(struct machine *m, struct err *e)
{
    struct linux_place p = {0};
    struct kernel_rules r;
    struct x86_entry entry;
    if (microvm_of(m)->below_4g < 4 * MIB) {
        return err_set(e, "-kernel: a microvm with less than 4 MiB of RAM has no room for one");
    }
    map_make(m, &p);
    if (!kernel_place(m, rules(m, &r), &p, &entry, e) || !tables_place(m, &p, e)) {
        return false;
    }
    x86_set_entry(m->cpus[0], &entry);
    return true;
}

/* -- firmware ------------------------------------------------------------------------------------------------------ */

/* Below 1 MiB is RAM: firmware wants to write there, and finds itself again after each reset. */
static bool firmware_load(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    const char *path = m->cfg.firmware ? m->cfg.firmware : FIRMWARE;
    struct image_file f;
    char *found = image_find(path);
    if (!found && !m->cfg.firmware) {
        return err_set(e, "could not find the firmware '%s' (Debian: seabios)", path);
    }
    bool ok = found && image_read(&f, "firmware", found, e);
    g_free(found);
    if (!ok) {
        return err_set(e, "Could not find ROM image '%s'", path);
    }
    u64 size = f.len, seen = MIN(size, (u64)SHADOW);
    if (!size || size % 0x10000 || size > 8 * MIB) {
        image_free(&f);
        return err_set(e, "could not load the firmware '%s': its size must be a multiple of 64 KiB, up to 8 MiB", path);
    }
    if (!ram_new(&b->rom, "microvm.bios", size, e)) {
        image_free(&f);
        return false;
    }
    b->rom_region = (struct mem_region){.name = "microvm.bios", .kind = MEM_ROM, .size = size, .host = b->rom.host};
    mem_map_region(m->sysmem, &b->rom_region, 4 * GIB - size, 0);
    loader_add(m, path, MIB - seen, g_memdup2(f.data + size - seen, seen), seen, seen);
    loader_add(m, path, 4 * GIB - size, f.data, size, size);
    return true;
}

static bool file_add(struct machine *m, const char *name, struct buf *b, struct err *e)
{
    const void *p = arena_dup(&m->arena, b->data, b->len);
    bool ok = !b->len || fw_cfg_add_file(microvm_of(m)->fw_cfg, name, p, b->len, NULL, NULL, e);
    buf_free(b);
    return ok;
}

static bool acpi_file_add(struct machine *m, const char *name, const void *data, size_t len, struct acpi_files *f,
                          struct err *e)
{
    static const struct fw_cfg_hooks hooks = {.selected = acpi_files_selected};
    return fw_cfg_add_file(microvm_of(m)->fw_cfg, name, data, len, &hooks, f, e);
}

static bool facts_add(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    const struct e820_range map[] = {{0, b->below_4g, E820_RAM}, {4 * GIB, b->above_4g, E820_RAM}};
    struct buf e820 = {0}, order = {0};
    for (unsigned i = 0; i < ARRAY_LEN(map) && map[i].len; i++) {
        buf_u64(&e820, map[i].base);
        buf_u64(&e820, map[i].len);
        buf_u32(&e820, map[i].type);
    }
    fw_cfg_add(b->fw_cfg, FW_CFG_RAM_SIZE, arena_dup(&m->arena, &m->cfg.ram_size, 8), 8);
    fw_cfg_add_u16(b->fw_cfg, FW_CFG_NB_CPUS, (u16)m->cfg.cpus);
    fw_cfg_add_u16(b->fw_cfg, FW_CFG_MAX_CPUS, (u16)m->cfg.cpus);
    fw_cfg_add_u16(b->fw_cfg, FW_CFG_NOGRAPHIC, m->cfg.nographic);
    fw_cfg_add(b->fw_cfg, FW_CFG_UUID, m->cfg.uuid, sizeof(m->cfg.uuid));
    fw_cfg_add_u32(b->fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1);
    return machine_boot_order(m, m->cfg.boot.strict, &order, e) && file_add(m, "bootorder", &order, e) &&
           file_add(m, "etc/e820", &e820, e) && (!b->acpi || acpi_files_add(m, &b->acpi_files, acpi_file_add, e));
}

/* qboot wants to know where things go, and enters the setup code: its header is filled in. */
static bool kernel_offer(struct machine *m, struct err *e)
{
    enum { ADDR, SIZE, DATA };
    static const u16 keys[LINUX_ITEMS][3] = {
        {FW_CFG_SETUP_ADDR, FW_CFG_SETUP_SIZE, FW_CFG_SETUP_DATA},
        {FW_CFG_KERNEL_ADDR, FW_CFG_KERNEL_SIZE, FW_CFG_KERNEL_DATA},
        {FW_CFG_CMDLINE_ADDR, FW_CFG_CMDLINE_SIZE, FW_CFG_CMDLINE_DATA},
        {FW_CFG_INITRD_ADDR, FW_CFG_INITRD_SIZE, FW_CFG_INITRD_DATA},
    };
    struct microvm *b = microvm_of(m);
    struct linux_item items[LINUX_ITEMS];
    struct image_file f;
    if (!image_map(&f, "kernel", m->cfg.kernel, e)) {
        return false;
    }
    bool ok = linux_is(&f) ? linux_items(m, &f, b->below_4g - ACPI_ROOM, items, e)
                           : err_set(e, "could not load kernel '%s': with -bios it has to be a bzImage", m->cfg.kernel);
    image_free(&f);
    if (ok) {
        linux_items_low(items);
    }
    for (unsigned i = 0; ok && i < LINUX_ITEMS; i++) {
        fw_cfg_add_u32(b->fw_cfg, keys[i][ADDR], (u32)items[i].at);
        fw_cfg_add_u32(b->fw_cfg, keys[i][SIZE], (u32)items[i].len);
        fw_cfg_add(b->fw_cfg, keys[i][DATA], items[i].data, items[i].len);
    }
    return ok;
}

bool microvm_boot(struct machine *m, struct err *e)
{
    struct microvm *b = microvm_of(m);
    if (m->cfg.dtb) {
        return err_set(e, "-dtb: a microvm has no device tree");
    }
    b->acpi_files.make = microvm_acpi_make;
    b->acpi_files.opaque = m;
    cmdline_complete(m);
    if (!facts_add(m, e)) {
        return false;
    }
    if (m->cfg.kernel && !m->cfg.firmware) {
        return kernel_enter(m, e) && loader_check(m, e);
    }
    return (!m->cfg.kernel || kernel_offer(m, e)) && firmware_load(m, e) && loader_check(m, e);
}

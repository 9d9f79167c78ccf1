/* How the virt board boots: firmware in flash, which finds kernel and command line in fw_cfg; or a kernel put into RAM
 * (Linux, Documentation/arch/arm64/booting.rst) with initrd and device tree behind it, entered directly: the CPU
 * registers are set as a boot loader would leave them, so no boot loader's code stands in memory; or a bare-metal ELF
 * file, with the device tree at the start of RAM if it leaves room there. */
#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/board/virt/virt_priv.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/smbios.h"

enum { ELF_AARCH64 = 183, RAW_OFFSET = 0x80000, KEEP_FREE = 0x1000 };

static const struct kernel_rules *kernel_rules(const struct machine *m, struct kernel_rules *r)
{
    *r = (struct kernel_rules){
        .ram_base = VIRT_RAM,
        .ram_size = m->cfg.ram_size,
        .elf_machines = {ELF_AARCH64},
        .raw_offset = RAW_OFFSET,
        .keep_free = KEEP_FREE,
    };
    return r;
}

bool virt_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e)
{
    struct kernel_rules r;
    return kernel_load(m, path, kernel_rules(m, &r), k, e);
}

/* -- firmware ------------------------------------------------------------------------------------------ */

static bool firmware_load(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    const char *path = m->cfg.firmware;
    if (!path || !strcmp(path, "none")) {
        v->firmware_loaded = m->cfg.pflash[0] != NULL;
        return true;
    }
    if (m->cfg.pflash[0]) {
        return err_set(e, "The contents of the first flash device may be specified with -bios or with -drive "
                          "if=pflash... but you cannot use both options at once");
    }
    struct image_file f;
    struct err why = {0};
    char *found = image_find(path);
    bool ok = found && image_read(&f, "firmware", found, &why);
    g_free(found);
    if (!ok) {
        return err_set(e, "Could not find ROM image '%s'", path);
    }
    if (f.len > VIRT_FLASH_SIZE) {
        image_free(&f);
        return err_set(e, "could not load ROM image '%s': it is larger than the flash (64 MiB)", path);
    }
    /* Images are padded to the flash's size with the zeros that it has anyway. */
    while (f.len && !f.data[f.len - 1]) {
        f.len--;
    }
    loader_add(m, path, VIRT_FLASH0, f.data, f.len, f.len);
    v->firmware_loaded = true;
    return true;
}

static void *keep(struct machine *m, struct image_file *f)
{
    void *p = arena_dup(&m->arena, f->data, f->len);
    image_free(f);
    return p;
}

/* Kernel, initrd and command line for the firmware to find. */
static bool firmware_items(struct machine *m, struct err *e)
{
    struct device *d = virt_of(m)->fw_cfg;
    struct image_file f;
    if (!m->cfg.kernel) {
        return true;
    }
    if (!image_read(&f, "kernel", m->cfg.kernel, e) || !image_unpack(&f, e)) {
        return false;
    }
    u64 n = f.len;
    fw_cfg_add_u32(d, FW_CFG_KERNEL_SIZE, (u32)n);
    fw_cfg_add(d, FW_CFG_KERNEL_DATA, keep(m, &f), n);
    if (m->cfg.initrd) {
        if (!image_read(&f, "initrd", m->cfg.initrd, e)) {
            return false;
        }
        n = f.len;
        fw_cfg_add_u32(d, FW_CFG_INITRD_SIZE, (u32)n);
        fw_cfg_add(d, FW_CFG_INITRD_DATA, keep(m, &f), n);
    }
    const char *append = m->cfg.append ? m->cfg.append : "";
    fw_cfg_add_u32(d, FW_CFG_CMDLINE_SIZE, (u32)strlen(append) + 1);
    fw_cfg_add_str(d, FW_CFG_CMDLINE_DATA, append);
    return true;
}

/* -- kernels ------------------------------------------------------------------------------------------- */

/* Behind the kernel and its bss, but not beyond half the RAM of small machines, nor 128 MiB from its start: old kernels
 * map no more. */
static u64 initrd_place(const struct machine *m)
{
    u64 want = VIRT_RAM + MIN(m->cfg.ram_size / 2, 128 * MIB);
    return align_up(MAX(want, virt_of(m)->kernel.end), RAM_PAGE_SIZE);
}

static bool initrd_load(struct machine *m, u64 *end, struct err *e)
{
    struct virt *v = virt_of(m);
    struct image_file f;
    *end = initrd_place(m);
    if (!m->cfg.initrd) {
        return true;
    }
    if (!image_map(&f, "initrd", m->cfg.initrd, e)) {
        return false;
    }
    v->initrd_start = *end;
    v->initrd_size = f.len;
    *end += f.len;
    if (*end > VIRT_RAM + m->cfg.ram_size) {
        image_free(&f);
        return err_set(e, "could not load initrd '%s': it does not fit into RAM behind the kernel", m->cfg.initrd);
    }
    loader_add_image(m, "initrd", v->initrd_start, &f);
    return true;
}

static bool kernel_place(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    struct kernel_rules r;
    u64 end;
    v->dt_addr = VIRT_RAM;
    if (v->firmware_loaded) {
        return firmware_items(m, e);
    }
    if (!m->cfg.kernel) {
        return true;
    }
    if (!kernel_load(m, m->cfg.kernel, kernel_rules(m, &r), &v->kernel, e)) {
        return false;
    }
    if (virt_is_linux(v)) {
        if (!initrd_load(m, &end, e)) {
            return false;
        }
        /* The kernel maps the tree as one block of 2 MiB. */
        v->dt_addr = align_up(end, 2 * MIB);
    }
    return true;
}

/* -- device tree --------------------------------------------------------------------------------------- */

static bool dumped(const struct virt *v, const char *path, struct err *e)
{
    GError *why = NULL;
    if (!g_file_set_contents(path, v->dt.blob, v->dt.size, &why)) {
        err_set(e, "cannot write the device tree to '%s': %s", path, why->message);
        g_error_free(why);
        return false;
    }
    return true;
}

/* A bare-metal image that starts where the tree would be gets none. */
static bool dt_fits(const struct machine *m)
{
    const struct virt *v = virt_of(m);
    const struct kernel *k = &v->kernel;
    u64 end = v->dt_addr + (u64)v->dt.size;
    if (end > VIRT_RAM + m->cfg.ram_size) {
        return false;
    }
    return !k->end || k->end <= v->dt_addr || k->start >= end;
}

static bool dt_place(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    if (!virt_dt_make(m, e)) {
        return false;
    }
    if (m->cfg.dumpdtb) {
        return dumped(v, m->cfg.dumpdtb, e);
    }
    if (!dt_fits(m)) {
        return !virt_is_linux(v) || err_set(e, "Not enough space for the device tree behind kernel and initrd");
    }
    loader_add(m, "dtb", v->dt_addr, g_memdup2(v->dt.blob, (gsize)v->dt.size), (u64)v->dt.size, (u64)v->dt.size);
    return true;
}

/* -- what firmware is told ----------------------------------------------------------------------------- */

static bool file_add(struct machine *m, const char *name, struct buf *b, struct err *e)
{
    const void *p = arena_dup(&m->arena, b->data, b->len);
    bool ok = !b->len || fw_cfg_add_file(virt_of(m)->fw_cfg, name, p, b->len, NULL, NULL, e);
    buf_free(b);
    return ok;
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

static bool smbios_add(struct machine *m, struct err *e)
{
    const struct machine_config *c = &m->cfg;
    const struct smbios_facts facts = {
        .manufacturer = "QEMU",
        .product = "QEMU Virtual Machine",
        .version = m->board->name,
        .uuid = c->uuid,
        .ram_size = c->ram_size,
        .sockets = c->sockets ? c->sockets : 1,
        .cores = c->cores ? c->cores : c->cpus,
        .threads = c->threads ? c->threads : 1,
        .options = c->smbios,
        .noptions = c->nsmbios,
    };
    struct buf tables = {0}, anchor = {0};
    bool ok = smbios_build(&facts, &tables, &anchor, e) && file_add(m, "etc/smbios/smbios-tables", &tables, e) &&
              file_add(m, "etc/smbios/smbios-anchor", &anchor, e);
    buf_free(&tables);
    buf_free(&anchor);
    return ok;
}

static bool facts_add(struct machine *m, struct err *e)
{
    struct device *d = virt_of(m)->fw_cfg;
    struct buf order = {0};
    fw_cfg_add_u16(d, FW_CFG_NB_CPUS, (u16)m->cfg.cpus);
    fw_cfg_add_u16(d, FW_CFG_NOGRAPHIC, m->cfg.nographic);
    fw_cfg_add_u16(d, FW_CFG_BOOT_MENU, m->cfg.boot.menu);
    fw_cfg_add(d, FW_CFG_UUID, m->cfg.uuid, sizeof(m->cfg.uuid));
    bool ok = machine_boot_order(m, m->cfg.boot.strict, &order, e) && file_add(m, "bootorder", &order, e);
    buf_free(&order);
    return ok && waits_add(m, e) && smbios_add(m, e) && virt_acpi_add(m, e);
}

bool virt_boot(struct machine *m, struct err *e)
{
    return facts_add(m, e) && firmware_load(m, e) && kernel_place(m, e) && virt_cpus_configure(m, e) &&
           dt_place(m, e) && loader_check(m, e);
}

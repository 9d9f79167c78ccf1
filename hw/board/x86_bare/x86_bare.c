/* x86-bare: x86 processors with their local APICs, memory, and what a bare-metal program needs to speak and to end. No
 * document: the ports are where a PC and the tools of kernel tests have them.
 *
 *   memory     0..3 GiB, the rest from 4 GiB on; firmware below 4 GiB, its last 128 KiB also below 1 MiB
 *   ports      0x92 A20 and the processor's reset, 0xb2 SMI, 0xf4 ends the emulator, 0x3f8 a 16550A, whose
 *              interrupt is the first processor's LINT0, with vector 0x24
 *
 * Not modelled: all else of a PC. */
#include "hw/board/x86_bare/x86_bare.h"

#include <elf.h>
#include <glib.h>

#include "base/bits.h"
#include "hw/board/pc/cpus.h"
#include "hw/char/ns16550.h"
#include "hw/core/loader.h"
#include "hw/core/multiboot.h"
#include "hw/misc/apm.h"
#include "hw/misc/debug_exit.h"
#include "hw/misc/port92.h"
#include "target/i386/i386.h"

#define LOW_RAM  0xc0000000ull
#define HIGH_RAM 0x100000000ull
enum { PIN_A20M, PIN_INIT, PIN_SMI, PIN_INTR };
enum { SERIAL_VECTOR = 0x24, SHADOW_ROM = 0x20000, RAW_OFFSET = 0x100000 };

static const struct part x86_bare_parts[] = {
    {&port92_class, "port92", 0x92, PIN_A20M, .io = true},
    {&apm_class, "apm", 0xb2, PIN_SMI, .io = true},
    {&isa_debug_exit_class, "debug-exit", 0xf4, -1, .io = true},
    {&ns16550_class, "serial0", 0x3f8, PIN_INTR, SERIAL0, .io = true},
    {0},
};

struct x86_bare {
    struct pc_cpus cpus;
    struct ram rom;
    struct mem_region high_ram, rom_region, shadow, nowhere;
};

/* Reads of what nobody answers are ones, writes are lost. */
static enum mem_result nowhere_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)a;
    *val = MASK(8 * size);
    return MEM_OK;
}
static enum mem_result nowhere_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)size, (void)val, (void)a;
    return MEM_OK;
}
static const struct mem_ops nowhere_ops = {.read = nowhere_read, .write = nowhere_write, .unlocked = true};

static struct irq x86_bare_pin(struct machine *m, int n)
{
    static const u8 lines[] = {[PIN_A20M] = PC_A20M, [PIN_INIT] = PC_INIT, [PIN_SMI] = PC_SMI};
    struct x86_bare *b = m->board_data;
    return n == PIN_INTR ? pc_cpus_intr(&b->cpus) : pc_cpus_line(&b->cpus, lines[n]);
}
/* There is no 8259: who asks is the serial port. */
static int x86_bare_ack(void *opaque)
{
    (void)opaque;
    return SERIAL_VECTOR;
}

static void memory_map(struct machine *m)
{
    struct x86_bare *b = m->board_data;
    u64 size = m->ram.size;
    m->ram_region.size = MIN(size, LOW_RAM);
    mem_map_region(m->sysmem, &m->ram_region, 0, 0);
    if (size > LOW_RAM) {
        b->high_ram = (struct mem_region){
            .name = "ram-above-4g", .kind = MEM_RAM, .size = size - LOW_RAM, .host = m->ram.host + LOW_RAM};
        mem_map_region(m->sysmem, &b->high_ram, HIGH_RAM, 0);
    }
    b->nowhere = (struct mem_region){.name = "nowhere", .kind = MEM_MMIO, .size = 1ull << 52, .ops = &nowhere_ops};
    mem_map_region(m->sysmem, &b->nowhere, 0, -1);
}

static bool x86_bare_build(struct machine *m, struct err *e)
{
    struct x86_bare *b = m->board_data;
    if (!pc_cpus_make(m, &b->cpus, true, e)) {
        return false;
    }
    pc_cpus_set_pic(&b->cpus, x86_bare_ack, m);
    memory_map(m);
    return machine_place_parts(m, x86_bare_pin, e);
}

/* -- firmware
 * ---------------------------------------------------------------------------------------------------------- */

static bool firmware_load(struct machine *m, const char *path, struct err *e)
{
    struct x86_bare *b = m->board_data;
    struct image_file f;
    char *found = image_find(path);
    bool ok = found && image_read(&f, "firmware", found, e);
    g_free(found);
    if (!ok) {
        return err_set(e, "Could not find ROM image '%s'", path);
    }
    u64 size = align_up(f.len, RAM_PAGE_SIZE), seen = MIN(size, (u64)SHADOW_ROM);
    if (!f.len || size > HIGH_RAM - LOW_RAM) {
        image_free(&f);
        return err_set(e, "could not load ROM image '%s': its size must be between 1 byte and 1 GiB", path);
    }
    if (!ram_new(&b->rom, "rom", size, e)) {
        image_free(&f);
        return false;
    }
    b->rom_region = (struct mem_region){.name = "rom", .kind = MEM_ROM, .size = size, .host = b->rom.host};
    b->shadow =
        (struct mem_region){.name = "rom-below-1m", .kind = MEM_ROM, .size = seen, .host = b->rom.host + size - seen};
    mem_map_region(m->sysmem, &b->rom_region, HIGH_RAM - size, 1);
    mem_map_region(m->sysmem, &b->shadow, 0x100000 - seen, 1);
    loader_add(m, path, HIGH_RAM - f.len, f.data, f.len, f.len);
    return true;
}

/* -- programs
 * ---------------------------------------------------------------------------------------------------------- */

static const struct kernel_rules *rules(const struct machine *m, struct kernel_rules *r)
{
    *r = (struct kernel_rules){
        .ram_size = MIN(m->cfg.ram_size, LOW_RAM), .elf_machines = {EM_386, EM_X86_64}, .raw_offset = RAW_OFFSET};
    return r;
}
static bool x86_bare_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e)
{
    struct kernel_rules r;
    return kernel_load(m, path, rules(m, &r), k, e);
}

static bool kernel_place(struct machine *m, struct err *e)
{
    struct kernel_rules r;
    struct multiboot mb;
    if (!multiboot_load(m, m->cfg.kernel, rules(m, &r), &mb, e)) {
        return false;
    }
    const struct x86_entry entry = {.set = true, .eip = (u32)mb.entry, .eax = mb.magic, .ebx = mb.info};
    x86_set_entry(m->cpus[0], &entry);
    return true;
}

static bool x86_bare_finish(struct machine *m, struct err *e)
{
    if (m->cfg.dtb) {
        return err_set(e, "the x86-bare board takes no -dtb");
    }
    if (!m->cfg.firmware && !m->cfg.kernel) {
        return err_set(e, "the x86-bare board has nothing to run: give it a -kernel or a -bios");
    }
    return (!m->cfg.firmware || firmware_load(m, m->cfg.firmware, e)) && (!m->cfg.kernel || kernel_place(m, e)) &&
           loader_check(m, e);
}

static void x86_bare_reset(struct machine *m)
{
    pc_cpus_virtual_wire(&((struct x86_bare *)m->board_data)->cpus);
}

static void x86_bare_fini(struct machine *m)
{
    struct x86_bare *b = m->board_data;
    if (b->rom.host) {
        mem_unmap_region(&b->rom_region);
        mem_unmap_region(&b->shadow);
        ram_free(&b->rom);
    }
}

static const struct target *const x86_bare_targets[] = {&target_x86_64, &target_i386, NULL};

const struct board board_x86_bare = {
    .name = "x86-bare",
    .doc = "x86 processors, memory, a serial port: for bare-metal programs",
    .targets = x86_bare_targets,
    .default_cpu = "max",
    .default_ram = 128ull << 20,
    .max_cpus = 16,
    .parts = x86_bare_parts,
    .board_size = sizeof(struct x86_bare),
    .build = x86_bare_build,
    .finish = x86_bare_finish,
    .reset = x86_bare_reset,
    .fini = x86_bare_fini,
    .load_program = x86_bare_load_program,
    .ram_name = "ram",
};

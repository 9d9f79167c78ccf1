/* The PC boards: their maps against golden files (BLESS=1 rewrites them), what software finds by ports, the memory
 * between 640 KiB and 1 MiB, and where interrupts go. */
#include "tests/hw/pc_board.h"

#include "hw/board/pc/pc.h"
#include "hw/char/debugcon.h"
#include "hw/core/isa.h"
#include "hw/misc/debug_exit.h"
#include "hw/pci/pci_bus.h"

/* -- maps ------------------------------------------------------------------------------------------------------- */

static void maps_are_golden(void **st)
{
    (void)st;
    static const struct {
        const char *name;
        const struct board *board;
        struct wish wish;
    } rows[] = {
        {"pc", &board_pc, {.vga = "std"}},
        {"pc-8g-smp3", &board_pc, {.ram = 8ull << 30, .cpus = 3}},
        {"isapc", &board_isapc, {.vga = "std"}},
        {"q35", &board_q35, {.vga = "std"}},
        {"q35-4g", &board_q35, {.ram = 4ull << 30, .options = "hpet=off"}},
        {"pc-2g-split-1g", &board_pc, {.ram = 2ull << 30, .options = "max-ram-below-4g=1G"}},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct machine *m = pc_build_ok(rows[i].board, &rows[i].wish);
        pc_map_is_golden(m, rows[i].name);
        machine_free(m);
    }
}

/* -- PCI by ports -------------------------------------------------------------------------------------------------- */

static void configuration_by_ports(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(pc_config(m, 0, 0, 4), 0x12378086);
    assert_int_equal(pc_config(m, 0, 0x2c, 4), 0x11001af4);
    assert_int_equal(pc_config(m, 8, 0, 4), 0x70008086);
    assert_int_equal(pc_config(m, 8, 0x0a, 2), 0x0601);
    assert_int_equal(pc_config(m, 8, 0x0e, 1), 0x80);
    assert_int_equal(pc_config(m, 0xf8, 0, 4), 0xffffffff);
    assert_int_equal(in(m, 0xcf8, 4), 0x8000f800);
    out(m, 0xcf8, 1, 0x55); /* not an access to the address */
    assert_int_equal(in(m, 0xcf8, 4), 0x8000f800);
    out(m, 0xcf8, 4, 0x800); /* not enabled */
    assert_int_equal(in(m, 0xcfc, 4), 0xffffffff);
    machine_free(m);
}

/* ECAM moves as the register says; what is not there reads as ones. */
static void configuration_by_ecam(void **st)
{
    (void)st;
    enum { LPC = 31 << 3, PCIEXBAR = 0x60 };
    struct machine *m = pc_build_ok(&board_q35, &(struct wish){0});
    assert_int_equal(pc_config(m, 0, 0, 4), 0x29c08086);
    assert_int_equal(pc_config(m, LPC, 0, 4), 0x29188086);
    pc_configure(m, 0, PCIEXBAR, 4, 0xb0000001);
    assert_int_equal(rd(m, 0xb0000000, 4), 0x29c08086);
    assert_int_equal(rd(m, 0xb0000000 + (LPC << 12), 4), 0x29188086);
    assert_int_equal(rd(m, 0xb0000000 + (255 << 20), 4), 0xffffffff);
    pc_configure(m, 0, PCIEXBAR, 4, 0xd8000003); /* 128 MiB */
    assert_int_equal(rd(m, 0xd8000000, 4), 0x29c08086);
    assert_int_equal(rd(m, 0xb0000000, 4), 0xffffffff);
    pc_configure(m, 0, PCIEXBAR, 4, 0xd8000002);
    assert_int_equal(rd(m, 0xd8000000, 4), 0xffffffff);
    machine_free(m);
}

/* A PIRQ is an input of the IO-APIC beside the IRQ that its register names. */
static void pirqs_of_the_ich9(void **st)
{
    (void)st;
    enum { LPC = 31 << 3 };
    struct machine *m = pc_build_ok(&board_q35, &(struct wish){0});
    struct device *host = machine_find(m, "pcie.0");
    out(m, 0x4d1, 1, 0x0c); /* IRQ 10 and 11: levels */
    machine_lock();
    irq_set(&host->irqs[5], 1); /* PIRQF */
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x0c00, 0);
    pc_configure(m, LPC, 0x69, 1, 0x0a);
    assert_int_equal(pc_requests(m) & 0x0c00, 0x0400);
    wr(m, 0xfec00000, 4, 0x10 + 2 * 21); /* input 21: level, masked: it waits */
    wr(m, 0xfec00010, 4, 0x8021);
    assert_int_equal(rd(m, 0xfec00010, 4) & 0x4000, 0x4000); /* accepted by the local APIC */
    machine_lock();
    irq_set(&host->irqs[5], 0);
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x0c00, 0);
    machine_free(m);
}

/* -- memory below 1 MiB -------------------------------------------------------------------------------------------- */

static void shadow_ram(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    u64 rom = rd(m, 0xffff0000, 4);
    assert_int_equal(rom, 0x03020100); /* the file's pattern */
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    assert_int_equal(rd(m, 0xc8000, 4), 0xffffffff);
    wr(m, 0xf0000, 4, 0x11111111);
    assert_int_equal(rd(m, 0xf0000, 4), rom);

    pc_configure(m, 0, 0x59, 1, 0x20); /* writes go to RAM, reads to ROM */
    wr(m, 0xf0000, 4, 0x22222222);
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    pc_configure(m, 0, 0x59, 1, 0x10); /* reads from RAM, no writes */
    assert_int_equal(rd(m, 0xf0000, 4), 0x22222222);
    wr(m, 0xf0000, 4, 0x33333333);
    assert_int_equal(rd(m, 0xf0000, 4), 0x22222222);
    pc_configure(m, 0, 0x59, 1, 0x30);
    wr(m, 0xffffc, 4, 0x44444444);
    assert_int_equal(rd(m, 0xffffc, 4), 0x44444444);

    pc_configure(m, 0, 0x5b, 1, 0x02); /* 0xc8000: writes only; nothing to read on PCI */
    wr(m, 0xc8004, 4, 0x55555555);
    assert_int_equal(rd(m, 0xc8004, 4), 0xffffffff);
    pc_configure(m, 0, 0x5b, 1, 0x31);
    assert_int_equal(rd(m, 0xc8004, 4), 0x55555555);
    wr(m, 0xcc000, 4, 0x66666666);
    assert_int_equal(rd(m, 0xcc000, 4), 0x66666666);
    assert_int_equal(rd(m, 0xd0000, 4), 0xffffffff);

    pc_reset_again(m);
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    assert_int_equal(rd(m, 0xcc000, 4), 0xffffffff);
    machine_free(m);
}

static void smram_opens_and_locks(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(pc_config(m, 0, 0x72, 1), 2);
    assert_int_equal(rd(m, 0xa0000, 4), 0xffffffff);
    pc_configure(m, 0, 0x72, 1, 0x4a); /* open, enabled */
    wr(m, 0xa0000, 4, 0x1234);
    assert_int_equal(rd(m, 0xa0000, 4), 0x1234);
    pc_configure(m, 0, 0x72, 1, 0x0a);
    assert_int_not_equal(rd(m, 0xa0000, 4), 0x1234);
    u64 v;
    const struct mem_attrs smm = {.is_cpu = true, .secure = true};
    assert_int_equal(mem_load(m->sysmem, 0xa0000, 4, &v, smm), MEM_OK);
    assert_int_equal(v, 0x1234);
    pc_configure(m, 0, 0x72, 1, 0x5a); /* locking closes it */
    assert_int_equal(pc_config(m, 0, 0x72, 1), 0x1a);
    pc_configure(m, 0, 0x72, 1, 0x4a);
    assert_int_equal(pc_config(m, 0, 0x72, 1), 0x1a);
    assert_int_not_equal(rd(m, 0xa0000, 4), 0x1234);
    pc_reset_again(m);
    assert_int_equal(pc_config(m, 0, 0x72, 1), 2);
    machine_free(m);
}

/* A graphics mode's window is plain RAM; what system-management mode saves there must not become pixels. */
static void smram_lies_over_video_memory(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.vga = "std"});
    const struct mem_attrs smm = {.is_cpu = true, .secure = true};
    const u16 mode[][2] = {{1, 800}, {2, 600}, {3, 16}, {4, 0x41}}; /* Bochs VBE: size, depth, on */
    u64 v;
    pc_configure(m, 0, 0x72, 1, 0x4a);
    wr(m, 0xafe10, 4, 0x1234);
    pc_configure(m, 0, 0x72, 1, 0x0a);
    out(m, 0x3c2, 1, 0x63);
    for (unsigned i = 0; i < ARRAY_LEN(mode); i++) {
        out(m, 0x1ce, 2, mode[i][0]);
        out(m, 0x1cf, 2, mode[i][1]);
    }
    wr(m, 0xafe10, 4, 0x5678);
    assert_int_equal(rd(m, 0xafe10, 4), 0x5678);
    assert_int_equal(mem_load(m->sysmem, 0xafe10, 4, &v, smm), MEM_OK);
    assert_int_equal(v, 0x1234);
    machine_free(m);
}

/* Without a north bridge it is RAM, and holds the firmware again after a reset. */
static void upper_memory_without_pci(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_isapc, &(struct wish){0});
    u64 rom = rd(m, 0xffff0000, 4);
    assert_int_equal(rom, 0x03020100);
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    wr(m, 0xf0000, 4, 0x11111111);
    wr(m, 0xffff0000, 4, 0x11111111);
    wr(m, 0xc8000, 4, 0x22222222);
    assert_int_equal(rd(m, 0xf0000, 4), 0x11111111);
    assert_int_equal(rd(m, 0xffff0000, 4), rom);
    assert_int_equal(rd(m, 0xc8000, 4), 0x22222222);
    pc_reset_again(m);
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    out(m, 0xcf8, 4, 0x80000000); /* and nobody answers for a PCI bus */
    assert_int_equal(in(m, 0xcf8, 4), 0xffffffff);
    assert_int_equal(in(m, 0xcfc, 4), 0xffffffff);
    machine_free(m);
}

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

static void pirqs_are_routed(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    struct device *host = machine_find(m, "pci.0");
    out(m, 0x4d0, 1, 0x20); /* IRQ 5 and 11: levels */
    out(m, 0x4d1, 1, 0x08);
    machine_lock();
    irq_set(&host->irqs[2], 1);
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x0820, 0); /* PIRQC is off after reset */
    pc_configure(m, 8, 0x62, 1, 0x0b);
    assert_int_equal(pc_requests(m) & 0x0820, 0x0800);
    pc_configure(m, 8, 0x62, 1, 0x05);
    assert_int_equal(pc_requests(m) & 0x0820, 0x0020);
    pc_configure(m, 8, 0x60, 1, 0x05); /* shares IRQ 5 */
    machine_lock();
    irq_set(&host->irqs[0], 1);
    irq_set(&host->irqs[2], 0);
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x0820, 0x0020);
    pc_configure(m, 8, 0x60, 1, 0x85);
    assert_int_equal(pc_requests(m) & 0x0820, 0);
    machine_free(m);
}

static void irqs_are_shared(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    struct device *bus = isa_bus(m);
    struct irq a = isa_line(bus, 7), b = isa_line(bus, 7);
    machine_lock();
    irq_set(&a, 1);
    irq_set(&b, 1);
    irq_set(&a, 0);
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x80, 0x80);
    machine_lock();
    irq_set(&b, 0);
    machine_unlock();
    assert_int_equal(pc_requests(m) & 0x80, 0);
    machine_free(m);
}

/* -- ports --------------------------------------------------------------------------------------------------------- */

static int resets, exits;
static void reset_asked(void)
{
    resets++;
}
static void shutdown_asked(enum shutdown_cause c, int code)
{
    (void)c;
    exits = code;
}

static void reset_control(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    machine_request_reset = reset_asked;
    out(m, 0xcf9, 1, 2);
    assert_int_equal(in(m, 0xcf9, 1), 2);
    assert_int_equal(resets, 0);
    out(m, 0xcf9, 1, 6);
    assert_int_equal(resets, 1);
    machine_free(m);
}

static void isa_devices_plug_in(void **st)
{
    (void)st;
    struct err e = {0};
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){0});
    machine_request_shutdown = shutdown_asked;
    struct device *d = device_new(m, &isa_debug_exit_class, NULL);
    assert_true(device_set_prop(d, "iobase", "0xf4", &e) && device_set_prop(d, "iosize", "4", &e));
    assert_true(device_plug(d, NULL, &e) && device_init(d, &e));
    out(m, 0xf4, 4, 0x21);
    assert_int_equal(exits, 67);
    d = device_new(m, &isa_debug_exit_class, NULL);
    assert_true(device_set_prop(d, "iobase", "0xffff", &e));
    assert_false(device_plug(d, NULL, &e));
    assert_non_null(strstr(e.msg, "ports end at 0xffff"));
    e.msg[0] = 0;
    d = device_new(m, &isa_debugcon_class, NULL);
    assert_true(device_plug(d, NULL, &e));
    assert_false(device_init(d, &e)); /* nobody to tell */
    assert_int_equal(in(m, 0xe9, 1), 0xe9);
    machine_free(m);
}

/* -- what firmware is told ------------------------------------------------------------------------------------------
 */

static void fw_cfg_by_ports(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.ram = 5ull << 30});
    out(m, 0x510, 2, 0);
    static const char signature[] = "QEMU";
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(in(m, 0x511, 1), signature[i]);
    }
    out(m, 0x510, 2, 5);
    assert_int_equal(in(m, 0x511, 1) | in(m, 0x511, 1) << 8, 1);
    assert_int_equal(in(m, 0x514, 4), 0x554d4551);
    assert_int_equal(in(m, 0x518, 4), 0x47464320);
    u8 map[60];
    assert_int_equal(fw_cfg_read_file(m, "etc/e820", map, sizeof(map)), sizeof(map));
    assert_int_equal(ld64le(map + 28), 3ull << 30);
    assert_int_equal(ld64le(map + 40), 4ull << 30);
    assert_int_equal(ld64le(map + 48), 2ull << 30);
    machine_free(m);
}

static u64 cmos(struct machine *m, unsigned at, unsigned n)
{
    u64 v = 0;
    for (unsigned i = 0; i < n; i++) {
        out(m, 0x70, 1, at + i);
        v |= in(m, 0x71, 1) << 8 * i;
    }
    return v;
}

static void cmos_has_sizes(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.ram = 5ull << 30, .cpus = 2});
    assert_int_equal(cmos(m, 0x15, 2), 640);
    assert_int_equal(cmos(m, 0x34, 2), ((3ull << 30) - (16 << 20)) >> 16);
    assert_int_equal(cmos(m, 0x5b, 3), 2ull << 30 >> 16);
    assert_int_equal(cmos(m, 0x5f, 1), 1);
    machine_free(m);
}

static void boot_order(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.order = "dc", .once = "nxa"});
    assert_int_equal(cmos(m, 0x3d, 1), 0x14);
    assert_int_equal(cmos(m, 0x38, 1), 0x00);
    pc_reset_again(m);
    assert_int_equal(cmos(m, 0x3d, 1), 0x23);
    machine_free(m);
    m = pc_build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(cmos(m, 0x3d, 1), 0x12);
    assert_int_equal(cmos(m, 0x38, 1), 0x30);
    machine_free(m);
}

static void mistakes_are_told(void **st)
{
    (void)st;
    struct err e = {0};
    assert_null(pc_build(&board_pc, &(struct wish){.options = "max-ram-below-4g=100K"}, &e));
    assert_non_null(strstr(e.msg, "max-ram-below-4g=0x19000"));
    e.msg[0] = 0;
    assert_null(pc_build(&board_pc, &(struct wish){.cpus = 300}, &e));
    assert_string_equal(e.msg, "Invalid SMP CPUs 300. The max CPUs supported by machine 'pc-i440fx-7.2' is 255");
    e.msg[0] = 0;
    assert_null(pc_build(&board_isapc, &(struct wish){.cpus = 2}, &e));
    assert_string_equal(e.msg, "Invalid SMP CPUs 2. The max CPUs supported by machine 'isapc' is 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_golden),
        cmocka_unit_test(configuration_by_ports),
        cmocka_unit_test(shadow_ram),
        cmocka_unit_test(upper_memory_without_pci),
        cmocka_unit_test(smram_opens_and_locks),
        cmocka_unit_test(smram_lies_over_video_memory),
        cmocka_unit_test(pirqs_are_routed),
        cmocka_unit_test(irqs_are_shared),
        cmocka_unit_test(reset_control),
        cmocka_unit_test(isa_devices_plug_in),
        cmocka_unit_test(fw_cfg_by_ports),
        cmocka_unit_test(cmos_has_sizes),
        cmocka_unit_test(boot_order),
        cmocka_unit_test(configuration_by_ecam),
        cmocka_unit_test(pirqs_of_the_ich9),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, pc_set_up, pc_tear_down);
}

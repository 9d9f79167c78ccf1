/* The microvm board: its map against a golden file, which options leave what out, lines of both IO-APICs, the registers
 * that ACPI sleeps and resets by, and what a kernel is told. */
#include "tests/hw/pc_board.h"

#include "hw/board/microvm/microvm.h"

static int resets, offs;
static void reset_asked(void)
{
    resets++;
}
static void shutdown_asked(enum shutdown_cause c, int code)
{
    offs += c == SHUTDOWN_GUEST && !code;
}

static void maps_are_golden(void **st)
{
    (void)st;
    static const struct {
        const char *name;
        struct wish wish;
    } rows[] = {
        {"microvm", {0}},
        {"microvm-4g-pcie", {.ram = 4ull << 30, .options = "pcie=on,pic=off,pit=off,rtc=off"}},
        {"microvm-no-acpi", {.options = "acpi=off"}},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct machine *m = pc_build_ok(&board_microvm, &rows[i].wish);
        pc_map_is_golden(m, rows[i].name);
        machine_free(m);
    }
}

static void sleep_and_reset(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_microvm, &(struct wish){0});
    machine_request_reset = reset_asked;
    machine_request_shutdown = shutdown_asked;
    wr(m, 0xfea00202, 1, 0x41);
    assert_int_equal(resets, 0);
    wr(m, 0xfea00202, 1, 0x42);
    assert_int_equal(resets, 1);
    wr(m, 0xfea00200, 1, 5 << 2); /* no SLP_EN */
    wr(m, 0xfea00200, 1, 3 << 2 | 1 << 5);
    assert_int_equal(offs, 0);
    wr(m, 0xfea00200, 1, 5 << 2 | 1 << 5);
    assert_int_equal(offs, 1);
    assert_int_equal(rd(m, 0xfea00201, 1), 0);
    machine_free(m);
}

/* A line of the second IO-APIC: a message to the local APIC, which says so by its IRR. */
static void virtio_lines(void **st)
{
    (void)st;
    static const struct {
        const char *options, *id;
        u64 ioapic;
        unsigned input;
    } rows[] = {{NULL, "virtio-mmio-bus.23", 0xfec10000, 23},
                {"ioapic2=off", "virtio-mmio-bus.7", 0xfec00000, 23},
                {"acpi=off", "virtio-mmio-bus.7", 0xfec00000, 12}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct machine *m = pc_build_ok(&board_microvm, &(struct wish){.options = rows[i].options});
        struct device *d = machine_find(m, rows[i].id);
        assert_non_null(d);
        wr(m, rows[i].ioapic, 4, 0x10 + 2 * rows[i].input);
        wr(m, rows[i].ioapic + 0x10, 4, 0x8041); /* level, vector 0x41 */
        machine_lock();
        irq_set(&d->irqs[0], 1);
        machine_unlock();
        assert_int_equal(rd(m, rows[i].ioapic + 0x10, 4) & 0x4000, 0x4000);
        machine_lock();
        irq_set(&d->irqs[0], 0);
        machine_unlock();
        machine_free(m);
    }
}

/* The event stays until it is read. */
static void power_button(void **st)
{
    (void)st;
    struct machine *m = pc_build_ok(&board_microvm, &(struct wish){0});
    assert_int_equal(rd(m, 0xfea00000, 4), 0);
    machine_lock();
    m->board->power_button(m);
    machine_unlock();
    out(m, 0xa0, 1, 0x0a);
    assert_int_equal(in(m, 0xa0, 1) & 2, 2);
    assert_int_equal(rd(m, 0xfea00000, 4), 2);
    assert_int_equal(rd(m, 0xfea00000, 4), 0);
    assert_int_equal(in(m, 0xa0, 1) & 2, 0);
    machine_free(m);
}

static void options_are_checked(void **st)
{
    (void)st;
    struct err e = {0};
    assert_null(pc_build(&board_microvm, &(struct wish){.options = "pic=perhaps"}, &e));
    assert_string_equal(e.msg, "pic=perhaps: expected on, off or auto");
    e.msg[0] = 0;
    assert_null(pc_build(&board_microvm, &(struct wish){.ram = 1 << 20}, &e));
    assert_non_null(strstr(e.msg, "at least 2 MiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_golden), cmocka_unit_test(sleep_and_reset),     cmocka_unit_test(virtio_lines),
        cmocka_unit_test(power_button),    cmocka_unit_test(options_are_checked),
    };
    return cmocka_run_group_tests(tests, pc_set_up, pc_tear_down);
}

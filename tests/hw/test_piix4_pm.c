/* PIIX4's power management: where its registers are, events and the SCI, the timer, sleep, APM, the SMBus. */
#include <stdlib.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "hw/acpi/apm.h"
#include "hw/acpi/piix4_pm.h"
#include "hw/acpi/pm.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "tests/hw/bench.h"

#define ECAM 0x3f000000ull
#define PIO  0x3eff0000ull
enum {
    PM = 0x600,
    SMB = 0xb100,
    STS = PM,
    EN = PM + 2,
    CNT = PM + 4,
    TMR = PM + 8,
    GPE_STS = PM + 12,
    GPE_EN = PM + 14
};

static struct device *pm;
static struct {
    int sci;
    unsigned smis, off;
} saw;

static void heard(void *to, unsigned n, int level)
{
    (void)to;
    if (n == PIIX4_SCI) {
        saw.sci = level;
    } else {
        saw.smis += level != 0;
    }
}
static void shut(enum shutdown_cause c, int code)
{
    assert_int_equal(c, SHUTDOWN_GUEST);
    assert_int_equal(code, 0);
    saw.off++;
}
static u64 in(struct bench *b, unsigned port, unsigned size)
{
    u64 v;
    mem_load(b->m.sysmem, PIO + port, size, &v, (struct mem_attrs){0});
    return v;
}
static void out(struct bench *b, unsigned port, unsigned size, u64 v)
{
    mem_store(b->m.sysmem, PIO + port, size, v, (struct mem_attrs){0});
}
static void cfg(struct bench *b, unsigned off, unsigned size, u64 v)
{
    mem_store(b->m.sysmem, ECAM + (1 << 15) + off, size, v, (struct mem_attrs){0});
}

/* Placed as SeaBIOS does it. */
static struct bench *piix4(void)
{
    struct err e = {0};
    struct bench *b = bench_make(&gpex_class, NULL);
    pci_host_place(b->d, &(struct pci_layout){.ecam = ECAM, .ecam_size = 1 << 20, .io = PIO, .io_size = 0x10000});
    clock_set(0);
    bench_start(b);
    pm = device_new(&b->m, &piix4_pm_class, NULL);
    pm->irqs[PIIX4_SCI] = (struct irq){.fn = heard, .n = PIIX4_SCI};
    pm->irqs[PIIX4_SMI] = (struct irq){.fn = heard, .n = PIIX4_SMI};
    saw.sci = 0;
    saw.smis = saw.off = 0;
    machine_request_shutdown = shut;
    machine_lock();
    assert_true(device_set_prop(pm, "addr", "1", &e) && device_plug(pm, NULL, &e) && device_init(pm, &e));
    device_reset(pm);
    machine_unlock();
    assert_int_equal(piix4_pm_base(pm), 0);
    cfg(b, 0x40, 4, PM | 1);
    cfg(b, 0x80, 1, 1);
    cfg(b, 0x90, 4, SMB | 1);
    cfg(b, 0xd2, 1, 9);
    cfg(b, 4, 2, 1);
    assert_int_equal(piix4_pm_base(pm), PM);
    return b;
}

static void button_and_sci(void **st)
{
    (void)st;
    struct bench *b = piix4();
    machine_lock();
    piix4_pm_power_button(pm);
    machine_unlock();
    assert_int_equal(in(b, STS, 2), ACPI_PWRBTN);
    out(b, EN, 2, 0xffff);
    assert_int_equal(in(b, EN, 2), 0x521);
    assert_false(saw.sci); /* not in ACPI mode */
    out(b, 0xb2, 1, APM_ACPI_ON);
    assert_int_equal(in(b, CNT, 2), ACPI_SCI_EN);
    assert_true(saw.sci);
    bench_snapshot_roundtrip(b);
    out(b, STS + 1, 1, 1); /* its upper byte */
    assert_false(saw.sci);
    assert_int_equal(in(b, STS, 2), 0);
    out(b, 0xb2, 1, APM_ACPI_OFF);
    assert_int_equal(in(b, CNT, 2), 0);
    out(b, GPE_EN, 2, 0x0100);
    assert_int_equal(in(b, GPE_STS, 4), 0x01000000);
    bench_free(b);
}

static void timer(void **st)
{
    (void)st;
    struct bench *b = piix4();
    assert_int_equal(in(b, TMR, 4), 0);
    clock_set(1000000000);
    assert_int_equal(in(b, TMR, 4), ACPI_PM_HZ);
    assert_int_equal(in(b, STS, 2), 0);
    clock_set(2343484438ull); /* 2^23 ticks */
    assert_int_equal(in(b, TMR, 4), 0x800000);
    assert_int_equal(in(b, STS, 2), ACPI_TMR);
    out(b, 0xb2, 1, APM_ACPI_ON);
    out(b, EN, 2, ACPI_TMR);
    assert_true(saw.sci);
    out(b, STS, 2, ACPI_TMR);
    assert_false(saw.sci);
    bench_snapshot_roundtrip(b);
    clock_set(4686968874ull);
    bench_turn(0);
    assert_false(saw.sci);
    clock_set(4686968875ull); /* it is around */
    bench_turn(0);
    assert_true(saw.sci);
    assert_int_equal(in(b, TMR, 4), 0);
    bench_free(b);
}

static void sleep_states(void **st)
{
    (void)st;
    struct bench *b = piix4();
    out(b, CNT, 2, 0x0001); /* without SLP_EN */
    assert_int_equal(saw.off, 0);
    out(b, CNT, 2, 0x2401); /* S3: goes on */
    assert_int_equal(saw.off, 0);
    assert_int_equal(in(b, STS, 2), ACPI_WAK);
    assert_int_equal(in(b, CNT, 2), 0x0401);
    out(b, CNT, 2, 0x2001);
    assert_int_equal(saw.off, 1);
    out(b, CNT + 1, 1, 0x20);
    assert_int_equal(saw.off, 2);
    bench_free(b);
}

static void apm(void **st)
{
    (void)st;
    struct bench *b = piix4();
    out(b, 0xb2, 1, 0x55);
    out(b, 0xb3, 1, 0x66);
    assert_int_equal(saw.smis, 0);
    cfg(b, 0x58, 4, 1u << 25);
    out(b, 0xb2, 1, 0x56);
    assert_int_equal(saw.smis, 1);
    assert_int_equal(in(b, 0xb2, 2), 0x6656);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void smbus_is_empty(void **st)
{
    (void)st;
    struct bench *b = piix4();
    out(b, SMB + 4, 1, 0xa1);
    out(b, SMB + 2, 1, 0x48);
    assert_int_equal(in(b, SMB, 1), 4);
    assert_int_equal(in(b, SMB + 2, 1), 8);
    out(b, SMB, 1, 4);
    assert_int_equal(in(b, SMB, 1), 0);
    cfg(b, 0xd2, 1, 0);
    assert_int_equal(in(b, SMB + 4, 1), 0xff);
    bench_free(b);
}

static void moves_and_hides(void **st)
{
    (void)st;
    struct bench *b = piix4();
    out(b, EN, 2, ACPI_PWRBTN);
    cfg(b, 0x40, 4, 0xb000);
    assert_int_equal(in(b, EN, 2), 0xffff);
    assert_int_equal(in(b, 0xb002, 2), ACPI_PWRBTN);
    bench_snapshot_roundtrip(b);
    cfg(b, 0x80, 1, 0);
    assert_int_equal(in(b, 0xb002, 2), 0xffff);
    srandom(5);
    cfg(b, 0x80, 1, 1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = random() & 1 ? 0xb000u + (unsigned)(random() & 0x3f) : SMB + (unsigned)(random() & 15);
        if (random() & 1) {
            out(b, at, 1u << random() % 3, (u64)random());
        } else {
            in(b, at, 1u << random() % 3);
        }
        if (i % 64 == 0) {
            clock_set(clock_now(CLOCK_VIRTUAL) + (u64)random());
            cfg(b, (unsigned)random() & 0xfc, 4, (u64)random());
        }
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(button_and_sci), cmocka_unit_test(timer),
        cmocka_unit_test(sleep_states),   cmocka_unit_test(apm),
        cmocka_unit_test(smbus_is_empty), cmocka_unit_test(moves_and_hides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* GICv2 on the bench: delivery, priorities, groups, security views, virtual interrupts. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/intc/gicv2.h"
#include "tests/hw/bench.h"

enum { GICD, GICC, GICH, GICV };
static const u64 frames[] = {BENCH_BASE, BENCH_BASE + 0x10000, BENCH_BASE + 0x20000, BENCH_BASE + 0x30000};

enum {
    CTLR = 0x000,
    PMR = 0x004,
    BPR = 0x008,
    IAR = 0x00c,
    EOIR = 0x010,
    RPR = 0x014,
    HPPIR = 0x018,
    AIAR = 0x020,
    AEOIR = 0x024,
    NSAPR = 0x0e0,
    DIR = 0x1000,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    IPRIORITYR = 0x400,
    ITARGETSR = 0x800,
    ICFGR = 0xc00,
    SGIR = 0xf00,
    SPENDSGIR = 0xf20,
};

static struct mem_attrs by(unsigned cpu, bool secure)
{
    return (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu, .secure = secure};
}

static u32 rd(struct bench *b, unsigned cpu, int frame, u64 off)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, frames[frame] + off, 4, &v, by(cpu, true)), MEM_OK);
    return (u32)v;
}

static void wr(struct bench *b, unsigned cpu, int frame, u64 off, u32 v)
{
    assert_int_equal(mem_store(b->m.sysmem, frames[frame] + off, 4, v, by(cpu, true)), MEM_OK);
}

static u32 rd_ns(struct bench *b, unsigned cpu, int frame, u64 off)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, frames[frame] + off, 4, &v, by(cpu, false)), MEM_OK);
    return (u32)v;
}

static void wr_ns(struct bench *b, unsigned cpu, int frame, u64 off, u32 v)
{
    assert_int_equal(mem_store(b->m.sysmem, frames[frame] + off, 4, v, by(cpu, false)), MEM_OK);
}

static void wr8(struct bench *b, u64 off, u8 v)
{
    assert_int_equal(mem_store(b->m.sysmem, frames[GICD] + off, 1, v, by(0, true)), MEM_OK);
}

static struct bench *gic_new(const char *props)
{
    struct bench *b = bench_new(&gicv2_class, props);
    for (int f = 0; f < GICV2_FRAMES; f++) {
        mem_map_region(b->m.sysmem, gicv2_region(b->d, f), frames[f + 1], 0);
    }
    return b;
}

/* Everything on, on CPUs 0 and 1; SPIs go to CPU 0. */
static struct bench *gic_on(const char *props)
{
    struct bench *b = gic_new(props);
    wr(b, 0, GICD, CTLR, 3);
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        wr(b, cpu, GICC, CTLR, 3 | 4); /* both groups, AckCtl */
        wr(b, cpu, GICC, PMR, 0xf8);
    }
    for (unsigned i = 32; i < 96; i++) {
        wr8(b, ITARGETSR + i, 1);
        wr8(b, IPRIORITYR + i, 0xa0);
    }
    wr(b, 0, GICD, ISENABLER + 4, ~0u);
    return b;
}

static int line(struct bench *b, unsigned cpu, enum gic_out_kind k)
{
    return bench_irq(b, gic_out(cpu, k));
}

static void identifies_itself(void **st)
{
    (void)st;
    struct bench *b = gic_new("num-cpu=4,num-irq=288,has-security-extensions=on");
    assert_int_equal(rd(b, 0, GICD, 4), 8 | 3 << 5 | 1 << 10);
    assert_int_equal(rd(b, 0, GICD, 0xfe8), 0x2b);
    assert_int_equal(rd(b, 2, GICD, ITARGETSR), 0x04040404);
    assert_int_equal(rd(b, 0, GICD, ISENABLER), 0xffff);
    wr(b, 0, GICD, ISENABLER + 32, ~0u);
    assert_int_equal(rd(b, 0, GICD, ISENABLER + 32), ~0u);
    u64 errors = guest_error_count();
    wr(b, 0, GICD, ISENABLER + 36, ~0u); /* past num-irq */
    assert_int_equal(rd(b, 0, GICD, ISENABLER + 36), 0);
    assert_int_equal(guest_error_count(), errors);
    rd(b, 0, GICD, 0xe00);
    assert_int_equal(guest_error_count(), errors + 1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void a_level_is_taken_and_ended(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2");
    bench_pin(b, gic_spi(5), 1);
    assert_true(line(b, 0, GIC_IRQ));
    assert_false(line(b, 1, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, HPPIR), 37);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd(b, 0, GICC, IAR), 37);
    assert_false(line(b, 0, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, RPR), 0xa0);
    assert_int_equal(rd(b, 0, GICD, ISACTIVER + 4), 1 << 5);
    assert_int_equal(rd(b, 0, GICC, IAR), 1023);
    bench_snapshot_roundtrip(b);
    wr(b, 0, GICC, EOIR, 37); /* the line is still up: it comes again */
    assert_true(line(b, 0, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, RPR), 0xff);
    bench_pin(b, gic_spi(5), 0);
    assert_false(line(b, 0, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, IAR), 1023);
    bench_free(b);
}

static void an_edge_is_latched_once(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2");
    wr(b, 0, GICD, ICFGR + 8, 2u << 10); /* INTID 37 */
    bench_pin(b, gic_spi(5), 1);
    bench_pin(b, gic_spi(5), 0);
    assert_int_equal(rd(b, 0, GICD, ISPENDR + 4), 1 << 5);
    assert_int_equal(rd(b, 0, GICC, IAR), 37);
    bench_pin(b, gic_spi(5), 1); /* again, while active */
    assert_false(line(b, 0, GIC_IRQ));
    wr(b, 0, GICC, EOIR, 37);
    assert_true(line(b, 0, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, IAR), 37);
    wr(b, 0, GICC, EOIR, 37);
    assert_false(line(b, 0, GIC_IRQ));
    bench_free(b);
}

static void software_sets_and_clears_pending(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2");
    wr(b, 0, GICD, ISPENDR + 4, 3);
    assert_int_equal(rd(b, 0, GICD, ISPENDR + 4), 3);
    wr(b, 0, GICD, ICPENDR + 4, 2);
    assert_int_equal(rd(b, 0, GICC, IAR), 32);
    wr(b, 0, GICC, EOIR, 32);
    assert_int_equal(rd(b, 0, GICC, IAR), 1023);
    wr(b, 0, GICD, ICENABLER + 4, 1);
    wr(b, 0, GICD, ISPENDR + 4, 1);
    assert_false(line(b, 0, GIC_IRQ));
    bench_free(b);
}

static void the_higher_priority_preempts(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2");
    wr8(b, IPRIORITYR + 40, 0x40);
    wr8(b, IPRIORITYR + 41, 0x47); /* bits that there are not */
    bench_pin(b, gic_spi(0), 1);
    assert_int_equal(rd(b, 0, GICC, IAR), 32);
    bench_pin(b, gic_spi(1), 1); /* equal: waits */
    assert_false(line(b, 0, GIC_IRQ));
    bench_pin(b, gic_spi(9), 1);
    assert_true(line(b, 0, GIC_IRQ));
    bench_pin(b, gic_spi(8), 1); /* equal to 41, lower number */
    assert_int_equal(rd(b, 0, GICC, IAR), 40);
    assert_int_equal(rd(b, 0, GICC, RPR), 0x40);
    assert_int_equal(rd(b, 0, GICC, 0xd0), 1u << (0xa0 >> 3) | 1u << (0x40 >> 3)); /* APR */
    assert_int_equal(rd(b, 0, GICC, IAR), 1023);
    wr(b, 0, GICC, BPR, 5); /* groups of 64: 0x40 and 0x47 are of one */
    assert_int_equal(rd(b, 0, GICC, IAR), 1023);
    bench_snapshot_roundtrip(b);
    bench_pin(b, gic_spi(8), 0);
    wr(b, 0, GICC, EOIR, 40);
    assert_int_equal(rd(b, 0, GICC, RPR), 0xa0);
    assert_int_equal(rd(b, 0, GICC, IAR), 41);
    wr(b, 0, GICC, PMR, 0x40);
    bench_pin(b, gic_spi(9), 0);
    wr(b, 0, GICC, EOIR, 41);
    bench_pin(b, gic_spi(0), 0);
    wr(b, 0, GICC, EOIR, 32);
    assert_false(line(b, 0, GIC_IRQ)); /* 33 is masked by PMR */
    wr(b, 0, GICC, PMR, 0xa8);
    assert_int_equal(rd(b, 0, GICC, IAR), 33);
    bench_free(b);
}

static void sgis_carry_their_sender(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=4");
    wr(b, 2, GICC, CTLR, 1);
    wr(b, 0, GICD, SGIR, 1 << 16 | 1 << 17 | 7); /* to CPUs 0 and 1 */
    wr(b, 3, GICD, SGIR, 1 << 24 | 7);           /* to all others */
    assert_true(line(b, 0, GIC_IRQ) && line(b, 1, GIC_IRQ));
    assert_int_equal(rd(b, 1, GICD, SPENDSGIR + 4), 0x09000000);
    assert_int_equal(rd(b, 1, GICC, HPPIR), 7);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd(b, 1, GICC, IAR), 7);
    wr(b, 1, GICC, EOIR, 7);
    assert_int_equal(rd(b, 1, GICC, IAR), 7 | 3 << 10);
    wr(b, 1, GICC, EOIR, 7 | 3 << 10);
    assert_int_equal(rd(b, 1, GICC, IAR), 1023);
    wr(b, 2, GICC, PMR, 0xff);
    assert_true(line(b, 2, GIC_IRQ));
    assert_int_equal(rd(b, 2, GICC, IAR), 7 | 3 << 10);
    wr(b, 1, GICD, SGIR, 2 << 24 | 15); /* to itself */
    assert_int_equal(rd(b, 1, GICC, IAR), 15 | 1 << 10);
    bench_free(b);
}

static void ppis_are_banked(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2,num-irq=96");
    wr(b, 1, GICD, ISENABLER, 1 << 27);
    bench_pin(b, gic_ppi(96, 0, 27), 1);
    bench_pin(b, gic_ppi(96, 1, 27), 1);
    assert_false(line(b, 0, GIC_IRQ));
    assert_true(line(b, 1, GIC_IRQ));
    assert_int_equal(rd(b, 1, GICC, IAR), 27);
    assert_int_equal(rd(b, 0, GICD, ISACTIVER), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void eoimode_splits_drop_and_deactivation(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2");
    wr(b, 0, GICC, CTLR, 1 | 1 << 9);
    bench_pin(b, gic_spi(0), 1);
    assert_int_equal(rd(b, 0, GICC, IAR), 32);
    wr(b, 0, GICC, EOIR, 32);
    assert_int_equal(rd(b, 0, GICC, RPR), 0xff);
    assert_int_equal(rd(b, 0, GICD, ISACTIVER + 4), 1);
    assert_false(line(b, 0, GIC_IRQ));
    wr(b, 0, GICC, DIR, 32);
    assert_int_equal(rd(b, 0, GICD, ISACTIVER + 4), 0);
    assert_true(line(b, 0, GIC_IRQ));
    bench_free(b);
}

static void groups_and_security(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2,has-security-extensions=on");
    wr(b, 0, GICC, CTLR, 3 | 8); /* FIQEn, no AckCtl */
    wr(b, 0, GICD, IGROUPR + 4, 1 << 1);
    /* INTID 33 is Non-secure: its view of priority and enables */
    wr_ns(b, 0, GICD, IPRIORITYR + 32, 0x00006000);
    assert_int_equal(rd_ns(b, 0, GICD, IPRIORITYR + 32), 0x6000);
    assert_int_equal(rd(b, 0, GICD, IPRIORITYR + 32), 0xa0a0b0a0);
    assert_int_equal(rd_ns(b, 0, GICD, IGROUPR + 4), 0);
    assert_int_equal(rd_ns(b, 0, GICD, ISENABLER + 4), 2);
    wr_ns(b, 0, GICD, ICENABLER + 4, 1);
    assert_int_equal(rd(b, 0, GICD, ISENABLER + 4), ~0u);
    assert_int_equal(rd_ns(b, 0, GICD, CTLR), 1);
    wr_ns(b, 0, GICC, PMR, 0xf0);
    assert_int_equal(rd(b, 0, GICC, PMR), 0xf8);

    bench_pin(b, gic_spi(0), 1);
    assert_true(line(b, 0, GIC_FIQ));
    assert_int_equal(rd_ns(b, 0, GICC, IAR), 1023);
    bench_pin(b, gic_spi(0), 0);
    bench_pin(b, gic_spi(1), 1);
    assert_true(line(b, 0, GIC_IRQ));
    assert_false(line(b, 0, GIC_FIQ));
    assert_int_equal(rd(b, 0, GICC, IAR), 1022);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd_ns(b, 0, GICC, IAR), 33);
    assert_int_equal(rd_ns(b, 0, GICC, RPR), 0x60);
    assert_int_equal(rd(b, 0, GICC, NSAPR), 1u << (0xb0 >> 3));
    assert_int_equal(rd_ns(b, 0, GICC, 0xd0), 1u << (0x60 >> 4));
    bench_pin(b, gic_spi(0), 1); /* the Secure one preempts */
    assert_int_equal(rd(b, 0, GICC, IAR), 32);
    wr_ns(b, 0, GICC, EOIR, 32); /* not its business */
    assert_int_equal(rd(b, 0, GICC, RPR), 0xa0);
    bench_pin(b, gic_spi(0), 0);
    wr(b, 0, GICC, EOIR, 32);
    bench_pin(b, gic_spi(1), 0);
    wr(b, 0, GICC, AEOIR, 33);
    assert_int_equal(rd(b, 0, GICC, RPR), 0xff);
    /* a Non-secure SGI reaches Group 1 receivers only */
    wr_ns(b, 0, GICD, SGIR, 1 << 17 | 3);
    assert_int_equal(rd(b, 1, GICC, IAR), 1023);
    wr(b, 1, GICD, IGROUPR, 1 << 3);
    wr_ns(b, 0, GICD, SGIR, 1 << 17 | 3);
    assert_int_equal(rd(b, 1, GICC, AIAR), 3);
    bench_free(b);
}

static void a_guest_gets_virtual_interrupts(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2,has-virtualization-extensions=on");
    wr(b, 0, GICC, CTLR, 1 | 1 << 9);
    bench_pin(b, gic_spi(8), 1);
    assert_int_equal(rd(b, 0, GICC, IAR), 40);
    wr(b, 0, GICC, EOIR, 40);
    assert_int_equal(rd(b, 0, GICH, 4) & 0x3f, 3);
    wr(b, 0, GICH, 0, 1);
    wr(b, 0, GICV, CTLR, 1);
    wr(b, 0, GICV, PMR, 0xf8);
    assert_int_equal(rd(b, 0, GICH, 8), 1u | 3 << 18 | 2 << 21 | 0x1fu << 27);
    wr(b, 0, GICH, 0x104, 1u << 31 | 1u << 28 | 0x10u << 23 | 40u << 10 | 50); /* hardware, pending, virtual 50 */
    assert_true(line(b, 0, GIC_VIRQ));
    assert_false(line(b, 1, GIC_VIRQ));
    assert_int_equal(rd(b, 0, GICH, 0x30), 0xd);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd(b, 0, GICV, HPPIR), 50);
    assert_int_equal(rd(b, 0, GICV, IAR), 50);
    assert_false(line(b, 0, GIC_VIRQ));
    assert_int_equal(rd(b, 0, GICV, RPR), 0x80);
    assert_int_equal(bits(rd(b, 0, GICH, 0x104), 28, 2), 2);
    bench_pin(b, gic_spi(8), 0);
    wr(b, 0, GICV, EOIR, 50);
    assert_int_equal(rd(b, 0, GICD, ISACTIVER + 4), 0); /* the physical one ended too */
    assert_int_equal(rd(b, 0, GICH, 0x30), 0xf);
    bench_free(b);
}

static void maintenance_and_eoi_count(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2,has-virtualization-extensions=on");
    wr(b, 0, GICH, 0, 1 | 2); /* underflow */
    assert_true(line(b, 0, GIC_MAINT));
    assert_int_equal(rd(b, 0, GICH, 0x10), 2);
    wr(b, 0, GICH, 0, 1 | 4);
    assert_false(line(b, 0, GIC_MAINT));
    wr(b, 0, GICV, CTLR, 1);
    wr(b, 0, GICV, PMR, 0xf8);
    wr(b, 0, GICV, EOIR, 99); /* in no list register */
    assert_true(line(b, 0, GIC_MAINT));
    assert_int_equal(rd(b, 0, GICH, 0) >> 27, 1);
    wr(b, 0, GICH, 0, 1);
    wr(b, 0, GICH, 0x100, 1u << 28 | 1u << 19 | 60); /* asks for EOI */
    assert_int_equal(rd(b, 0, GICV, IAR), 60);
    assert_false(line(b, 0, GIC_MAINT));
    wr(b, 0, GICV, EOIR, 60);
    assert_true(line(b, 0, GIC_MAINT));
    assert_int_equal(rd(b, 0, GICH, 0x20), 1);
    assert_int_equal(rd(b, 0, GICH, 0x30), 0xe);
    bench_snapshot_roundtrip(b);
    wr(b, 0, GICH, 0x100, 0);
    assert_false(line(b, 0, GIC_MAINT));
    bench_free(b);
}

static void the_maintenance_line_may_be_a_ppi(void **st)
{
    (void)st;
    struct bench *b = gic_on("num-cpu=2,num-irq=96,has-virtualization-extensions=on");
    b->d->irqs[gic_out(0, GIC_MAINT)] = device_pin(b->d, gic_ppi(96, 0, 25));
    wr(b, 0, GICD, ISENABLER, 1 << 25);
    wr(b, 0, GICH, 0, 1 | 2);
    assert_true(line(b, 0, GIC_IRQ));
    assert_int_equal(rd(b, 0, GICC, IAR), 25);
    wr(b, 0, GICH, 0, 0);
    wr(b, 0, GICC, EOIR, 25);
    assert_false(line(b, 0, GIC_IRQ));
    bench_free(b);
}

static void msi_frame_pulses_spis(void **st)
{
    (void)st;
    struct bench *b = bench_new(&gicv2m_class, "base-spi=48,num-spi=64");
    assert_int_equal(bench_r(b, "MSI_TYPER"), 80 << 16 | 64);
    bench_w(b, "MSI_SETSPI_NS", 85);
    assert_int_equal(b->rises[5], 1);
    assert_int_equal(bench_irq(b, 5), 0);
    u64 errors = guest_error_count();
    bench_w(b, "MSI_SETSPI_NS", 79);
    bench_w(b, "MSI_SETSPI_NS", 144);
    assert_int_equal(guest_error_count(), errors + 2);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifies_itself),
        cmocka_unit_test(a_level_is_taken_and_ended),
        cmocka_unit_test(an_edge_is_latched_once),
        cmocka_unit_test(software_sets_and_clears_pending),
        cmocka_unit_test(the_higher_priority_preempts),
        cmocka_unit_test(sgis_carry_their_sender),
        cmocka_unit_test(ppis_are_banked),
        cmocka_unit_test(eoimode_splits_drop_and_deactivation),
        cmocka_unit_test(groups_and_security),
        cmocka_unit_test(a_guest_gets_virtual_interrupts),
        cmocka_unit_test(maintenance_and_eoi_count),
        cmocka_unit_test(the_maintenance_line_may_be_a_ppi),
        cmocka_unit_test(msi_frame_pulses_spis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

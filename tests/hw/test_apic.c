/* Local APICs: registers in both modes, priorities, messages between three of them, pins, the timer. */
#include <stdlib.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "hw/intc/apic.h"
#include "tests/hw/bench.h"

enum {
    CPUS = 3,
    ID = 0x20,
    TPR = 0x80,
    PPR = 0xa0,
    EOI = 0xb0,
    LDR = 0xd0,
    DFR = 0xe0,
    SVR = 0xf0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR2 = 0x310,
    LVT_TIMER = 0x320,
    LVT_PERF = 0x340,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DCR = 0x3e0
};
enum { MSR_BASE = 0x1b, MSR_DEADLINE = 0x6e0 };
#define X2(reg) (0x800 + (reg) / 16)

static struct device *apic[CPUS];
static struct apic_bus *bus;
static unsigned sipis[CPUS], eois;
static u8 sipi_vector, eoi_vector;
static u64 tsc_ahead;

static void heard(void *to, unsigned n, int level)
{
    struct bench *b = to;
    b->rises[n] += level && !b->level[n];
    b->level[n] = level;
}
static void sipi(void *cpu, unsigned vector)
{
    (*(unsigned *)cpu)++;
    sipi_vector = (u8)vector;
}
static u64 tsc_offset(const void *cpu)
{
    (void)cpu;
    return tsc_ahead;
}
static void eoi_heard(void *opaque, unsigned vector)
{
    (void)opaque;
    eois++;
    eoi_vector = (u8)vector;
}
static unsigned out(unsigned cpu, unsigned pin)
{
    return cpu * APIC_OUTS + pin;
}
static int intr(struct bench *b, unsigned cpu)
{
    return b->level[out(cpu, APIC_OUT_INTR)];
}

static struct mem_attrs of(unsigned cpu)
{
    return (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu};
}
static u32 rd(struct bench *b, unsigned cpu, u64 off)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, APIC_BASE + off, 4, &v, of(cpu)), MEM_OK);
    return (u32)v;
}
static void wr(struct bench *b, unsigned cpu, u64 off, u32 v)
{
    assert_int_equal(mem_store(b->m.sysmem, APIC_BASE + off, 4, v, of(cpu)), MEM_OK);
}
static void msi(struct bench *b, u64 addr, u32 data)
{
    assert_int_equal(mem_store(b->m.sysmem, addr, 4, data, (struct mem_attrs){0}), MEM_OK);
}
static void icr(struct bench *b, unsigned cpu, u32 dest, u32 lo)
{
    wr(b, cpu, ICR2, dest << 24);
    wr(b, cpu, ICR, lo);
}
static u64 msr(unsigned cpu, u32 n)
{
    u64 v = 0;
    assert_true(apic_msr_read(apic[cpu], n, &v));
    return v;
}
static void pin(unsigned cpu, unsigned n, int level)
{
    struct irq i = device_pin(apic[cpu], n);
    irq_set(&i, level);
}

/* Ids 0, 1 and 5. Not enabled by software. */
static struct bench *apics(void)
{
    struct bench *b = bench_make(&apic_class, "bsp=on");
    struct err e = {0};
    bus = apic_bus_new(&b->m);
    eois = 0;
    tsc_ahead = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        const struct apic_link l = {.cpu = &sipis[i], .index = i, .sipi = sipi, .tsc_offset = tsc_offset};
        apic[i] = i ? device_new(&b->m, &apic_class, NULL) : b->d;
        assert_true(device_set_prop(apic[i], "apic-id", i == 2 ? "5" : i ? "1" : "0", &e));
        apic_attach(apic[i], bus, &l);
        sipis[i] = 0;
        for (unsigned n = 0; i && n < APIC_OUTS; n++) {
            apic[i]->irqs[n] = (struct irq){.fn = heard, .to = b, .n = out(i, n)};
        }
        assert_true(i == 0 || device_init(apic[i], &e));
    }
    machine_lock();
    mem_map_region(b->m.sysmem, apic_bus_region(bus), APIC_BASE, 0);
    machine_unlock();
    apic_bus_on_eoi(bus, eoi_heard, NULL);
    clock_set(1000);
    bench_start(b);
    return b;
}
static struct bench *enabled(void)
{
    struct bench *b = apics();
    for (unsigned i = 0; i < CPUS; i++) {
        wr(b, i, SVR, 0x1ff);
    }
    return b;
}

static void as_after_reset(void **st)
{
    (void)st;
    struct bench *b = apics();
    assert_int_equal(rd(b, 2, ID), 5 << 24);
    assert_int_equal(rd(b, 0, 0x30), 0x01050015);
    assert_int_equal(rd(b, 0, SVR), 0xff);
    assert_int_equal(rd(b, 0, DFR), ~0u);
    for (u64 r = LVT_TIMER; r <= LVT_ERROR; r += 16) {
        assert_int_equal(rd(b, 0, r), 0x10000);
    }
    assert_int_equal(msr(0, MSR_BASE), 0xfee00900);
    assert_int_equal(msr(1, MSR_BASE), 0xfee00800);
    wr(b, 0, LVT_LINT0, 0x30); /* masked while software has it disabled */
    assert_int_equal(rd(b, 0, LVT_LINT0), 0x10030);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void priorities_decide(void **st)
{
    (void)st;
    struct bench *b = enabled();
    msi(b, 0xfee00000, 0x31);
    msi(b, 0xfee00000, 0x45);
    msi(b, 0xfee00000, 0x42);
    assert_true(intr(b, 0));
    assert_false(intr(b, 1));
    assert_int_equal(apic_ack(apic[0]), 0x45);
    assert_int_equal(rd(b, 0, PPR), 0x40);
    assert_int_equal(rd(b, 0, ISR + 0x20), 1 << 5);
    assert_int_equal(rd(b, 0, IRR + 0x20), 1 << 2);
    assert_false(intr(b, 0)); /* 0x42 is of the same class */
    assert_int_equal(apic_ack(apic[0]), -1);
    bench_snapshot_roundtrip(b);
    msi(b, 0xfee00000, 0x51);
    assert_int_equal(apic_ack(apic[0]), 0x51);
    wr(b, 0, EOI, 0);
    assert_int_equal(rd(b, 0, PPR), 0x40);
    wr(b, 0, EOI, 0);
    assert_int_equal(apic_ack(apic[0]), 0x42);
    wr(b, 0, TPR, 0x35);
    assert_int_equal(apic_tpr_read(apic[0]), 3);
    wr(b, 0, EOI, 0);
    assert_int_equal(rd(b, 0, PPR), 0x35);
    assert_false(intr(b, 0)); /* 0x31 is held back */
    apic_tpr_write(apic[0], 2);
    assert_int_equal(rd(b, 0, TPR), 0x20);
    assert_int_equal(apic_ack(apic[0]), 0x31);
    assert_int_equal(eois, 0); /* they were edges */
    bench_free(b);
}

static void ends_of_levels_are_told(void **st)
{
    (void)st;
    struct bench *b = enabled();
    msi(b, 0xfee00000, 0xc000 | 0x61);
    assert_int_equal(apic_ack(apic[0]), 0x61);
    assert_int_equal(rd(b, 0, TMR + 0x30), 2);
    wr(b, 0, EOI, 0);
    assert_int_equal(eois, 1);
    assert_int_equal(eoi_vector, 0x61);
    wr(b, 0, SVR, 0x11ff); /* suppressed */
    msi(b, 0xfee00000, 0xc000 | 0x61);
    assert_int_equal(apic_ack(apic[0]), 0x61);
    wr(b, 0, EOI, 0);
    assert_int_equal(eois, 1);
    wr(b, 0, EOI, 0); /* nothing is in service */
    assert_int_equal(eois, 1);
    bench_free(b);
}

/* Bits of cpus with `vector` in IRR, which is taken. */
static unsigned took(struct bench *b, unsigned vector)
{
    unsigned who = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        if (rd(b, i, IRR + vector / 32 * 16) >> vector % 32 & 1) {
            assert_int_equal(apic_ack(apic[i]), vector);
            wr(b, i, EOI, 0);
            who |= 1u << i;
        }
    }
    return who;
}

static void destinations(void **st)
{
    (void)st;
    struct bench *b = enabled();
    icr(b, 0, 5, 0x4040);
    assert_int_equal(took(b, 0x40), 4);
    icr(b, 0, 0xff, 0x4040);
    assert_int_equal(took(b, 0x40), 7);
    icr(b, 0, 3, 0x4040);
    assert_int_equal(took(b, 0x40), 0);
    icr(b, 1, 0, 0x44040); /* self, all, all but self */
    assert_int_equal(took(b, 0x40), 2);
    icr(b, 1, 0, 0x84040);
    assert_int_equal(took(b, 0x40), 7);
    icr(b, 1, 0, 0xc4040);
    assert_int_equal(took(b, 0x40), 5);
    for (unsigned i = 0; i < CPUS; i++) {
        wr(b, i, LDR, 1u << (24 + i));
    }
    icr(b, 0, 5, 0x4840);
    assert_int_equal(took(b, 0x40), 5);
    msi(b, 0xfee02004, 0x40);
    assert_int_equal(took(b, 0x40), 2);
    wr(b, 0, TPR, 0x10);
    icr(b, 0, 0xff, 0x4940); /* lowest priority */
    assert_int_equal(took(b, 0x40), 2);
    for (unsigned i = 0; i < CPUS; i++) {
        wr(b, i, DFR, 0);
        wr(b, i, LDR, i == 2 ? 0x21u << 24 : (0x10u | 1u << i) << 24);
    }
    icr(b, 0, 0x13, 0x4840);
    assert_int_equal(took(b, 0x40), 3);
    icr(b, 0, 0xf1, 0x4840);
    assert_int_equal(took(b, 0x40), 5);
    wr(b, 1, SVR, 0xff);
    icr(b, 0, 0, 0x84040);
    assert_int_equal(took(b, 0x40), 5);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void starting_processors(void **st)
{
    (void)st;
    struct bench *b = apics(); /* those reach disabled ones */
    icr(b, 0, 1, 0x4500);
    icr(b, 0, 1, 0x8500); /* the level taken back: no message */
    icr(b, 0, 1, 0x4699);
    assert_int_equal(b->rises[out(1, APIC_OUT_INIT)], 1);
    assert_int_equal(sipis[1], 1);
    assert_int_equal(sipi_vector, 0x99);
    icr(b, 0, 0, 0xc4400);
    icr(b, 0, 0, 0xc4200);
    for (unsigned i = 0; i < CPUS; i++) {
        assert_int_equal(b->rises[out(i, APIC_OUT_NMI)], i > 0);
        assert_int_equal(b->rises[out(i, APIC_OUT_SMI)], i > 0);
    }
    icr(b, 0, 0, 0x44400); /* by shorthand not to itself */
    assert_int_equal(b->rises[out(0, APIC_OUT_NMI)], 0);
    icr(b, 0, 0, 0x4400);
    assert_int_equal(b->rises[out(0, APIC_OUT_NMI)], 1);
    wr(b, 1, SVR, 0x1ff);
    wr(b, 1, TPR, 0x70);
    apic_init_signal(apic[1]);
    assert_int_equal(rd(b, 1, SVR), 0xff);
    assert_int_equal(rd(b, 1, TPR), 0);
    assert_int_equal(rd(b, 1, ID), 1 << 24);
    bench_free(b);
}

static void errors_are_kept(void **st)
{
    (void)st;
    struct bench *b = enabled();
    wr(b, 0, LVT_ERROR, 0xfe);
    icr(b, 0, 1, 0x4008);
    assert_int_equal(apic_ack(apic[0]), 0xfe);
    wr(b, 0, EOI, 0);
    icr(b, 0, 1, 0x4008); /* told once */
    assert_int_equal(apic_ack(apic[0]), -1);
    rd(b, 0, 0x40);
    assert_int_equal(rd(b, 0, ESR), 0);
    wr(b, 0, ESR, 0);
    assert_int_equal(rd(b, 0, ESR), 0xa0);
    msi(b, 0xfee01000, 0x0f);
    wr(b, 1, ESR, 0);
    assert_int_equal(rd(b, 1, ESR), 0x40);
    assert_int_equal(apic_ack(apic[0]), 0xfe);
    wr(b, 0, LVT_ERROR, 3); /* an error's own vector is none: it ends there */
    wr(b, 0, ESR, 0);
    rd(b, 0, 0x40);
    wr(b, 0, ESR, 0);
    assert_int_equal(rd(b, 0, ESR), 0xc0);
    bench_free(b);
}

static void pins_of_the_board(void **st)
{
    (void)st;
    struct bench *b = apics();
    apic_virtual_wire(b->d);
    pin(0, APIC_IN_LINT0, 1);
    assert_true(intr(b, 0));
    assert_int_equal(apic_ack(apic[0]), APIC_ACK_OUTSIDE);
    assert_true(intr(b, 0));
    msi(b, 0xfee00000, 0x40); /* its own come first */
    assert_int_equal(apic_ack(apic[0]), 0x40);
    bench_snapshot_roundtrip(b);
    pin(0, APIC_IN_LINT0, 0);
    assert_false(intr(b, 0));
    pin(0, APIC_IN_LINT1, 1);
    pin(0, APIC_IN_LINT1, 1);
    assert_int_equal(b->rises[APIC_OUT_NMI], 1);
    wr(b, 0, EOI, 0);

    wr(b, 0, LVT_LINT0, 0x8050); /* a level */
    pin(0, APIC_IN_LINT0, 1);
    assert_int_equal(rd(b, 0, LVT_LINT0), 0xc050);
    assert_int_equal(apic_ack(apic[0]), 0x50);
    wr(b, 0, EOI, 0);
    assert_int_equal(apic_ack(apic[0]), 0x50); /* it is still up */
    pin(0, APIC_IN_LINT0, 0);
    wr(b, 0, EOI, 0);
    assert_false(intr(b, 0));
    wr(b, 0, LVT_LINT0, 0x51); /* an edge */
    pin(0, APIC_IN_LINT0, 1);
    assert_int_equal(apic_ack(apic[0]), 0x51);
    wr(b, 0, EOI, 0);
    assert_false(intr(b, 0));
    wr(b, 0, LVT_PERF, 0x400);
    pin(0, APIC_IN_PERF, 1);
    assert_int_equal(b->rises[APIC_OUT_NMI], 2);
    assert_int_equal(rd(b, 0, LVT_PERF), 0x10400);

    pin(0, APIC_IN_LINT0, 0);
    assert_true(apic_msr_write(apic[0], MSR_BASE, 0xfee00100)); /* disabled: the pins are the cpu's */
    assert_false(apic_is_enabled(apic[0]));
    assert_int_equal(rd(b, 0, ID), ~0u);
    pin(0, APIC_IN_LINT0, 1);
    assert_int_equal(apic_ack(apic[0]), APIC_ACK_OUTSIDE);
    pin(0, APIC_IN_LINT1, 0);
    pin(0, APIC_IN_LINT1, 1);
    assert_int_equal(b->rises[APIC_OUT_NMI], 3);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void at(u64 now)
{
    clock_set(now);
    bench_turn(0);
}

static void timer_counts(void **st)
{
    (void)st;
    struct bench *b = enabled();
    wr(b, 0, LVT_TIMER, 0x40);
    wr(b, 0, DCR, 3); /* 16 */
    wr(b, 0, INITIAL, 100);
    at(1000 + 800);
    assert_int_equal(rd(b, 0, CURRENT), 50);
    assert_false(intr(b, 0));
    bench_snapshot_roundtrip(b);
    wr(b, 0, DCR, 0xb); /* 1: the count stays */
    assert_int_equal(rd(b, 0, CURRENT), 50);
    at(1800 + 49);
    assert_false(intr(b, 0));
    at(1800 + 50);
    assert_int_equal(apic_ack(apic[0]), 0x40);
    assert_int_equal(rd(b, 0, CURRENT), 0);
    wr(b, 0, EOI, 0);
    at(5000);
    assert_false(intr(b, 0));

    wr(b, 0, LVT_TIMER, 0x20041);
    wr(b, 0, INITIAL, 100);
    at(5100);
    assert_int_equal(apic_ack(apic[0]), 0x41);
    wr(b, 0, EOI, 0);
    at(5350); /* turns that were missed are one */
    assert_int_equal(rd(b, 0, CURRENT), 50);
    assert_int_equal(apic_ack(apic[0]), 0x41);
    wr(b, 0, EOI, 0);
    at(5399);
    assert_false(intr(b, 0));
    wr(b, 0, LVT_TIMER, 0x30041); /* masked, it counts */
    at(5420);
    assert_int_equal(rd(b, 0, CURRENT), 80);
    wr(b, 0, LVT_TIMER, 0x20041);
    at(5499);
    assert_false(intr(b, 0));
    at(5500);
    assert_true(intr(b, 0));
    wr(b, 0, INITIAL, 0);
    assert_int_equal(apic_ack(apic[0]), 0x41);
    wr(b, 0, EOI, 0);
    at(9000);
    assert_false(intr(b, 0));
    bench_free(b);
}

static void timer_at_a_tsc(void **st)
{
    (void)st;
    struct bench *b = enabled();
    assert_true(apic_msr_write(apic[0], MSR_DEADLINE, 5000)); /* not in that mode: nothing */
    assert_int_equal(msr(0, MSR_DEADLINE), 0);
    wr(b, 0, LVT_TIMER, 0x40042);
    tsc_ahead = 10000;
    assert_true(apic_msr_write(apic[0], MSR_DEADLINE, 12000));
    assert_int_equal(msr(0, MSR_DEADLINE), 12000);
    bench_snapshot_roundtrip(b);
    at(1999);
    assert_false(intr(b, 0));
    tsc_ahead = 9000; /* the counter is set back */
    apic_tsc_moved(apic[0]);
    at(2999);
    assert_false(intr(b, 0));
    at(3000);
    assert_int_equal(apic_ack(apic[0]), 0x42);
    assert_int_equal(msr(0, MSR_DEADLINE), 0);
    wr(b, 0, EOI, 0);
    assert_true(apic_msr_write(apic[0], MSR_DEADLINE, 7)); /* is over */
    assert_int_equal(apic_ack(apic[0]), 0x42);
    wr(b, 0, EOI, 0);
    assert_true(apic_msr_write(apic[0], MSR_DEADLINE, ~0ull));
    assert_true(apic_msr_write(apic[0], MSR_DEADLINE, 0));
    at(1 << 30);
    assert_false(intr(b, 0));
    bench_free(b);
}

static void x2apic_mode(void **st)
{
    (void)st;
    struct bench *b = enabled();
    u64 v;
    assert_false(apic_msr_read(apic[2], X2(ID), &v));
    assert_false(apic_msr_write(apic[2], MSR_BASE, 0xfee00400)); /* without EN */
    assert_false(apic_msr_write(apic[2], MSR_BASE, 0xfee00801)); /* a reserved bit */
    assert_true(apic_msr_write(apic[2], MSR_BASE, 0xfee00c00));
    assert_false(apic_msr_write(apic[2], MSR_BASE, 0xfee00800)); /* no way back */
    assert_int_equal(msr(2, X2(ID)), 5);
    assert_int_equal(msr(2, X2(LDR)), 1 << 5);
    assert_int_equal(msr(2, X2(SVR)), 0x1ff);
    assert_int_equal(rd(b, 2, ID), ~0u);
    assert_false(apic_msr_write(apic[2], X2(EOI), 1));
    assert_false(apic_msr_write(apic[2], X2(ESR), 1));
    assert_false(apic_msr_write(apic[2], X2(TPR), 0x100));
    assert_false(apic_msr_read(apic[2], X2(EOI), &v));
    assert_false(apic_msr_read(apic[2], X2(DFR), &v));
    assert_false(apic_msr_read(apic[2], X2(ICR2), &v));
    assert_false(apic_msr_write(apic[2], X2(ID), 0));
    assert_false(apic_msr_read(apic[2], 0x8ff, &v));
    assert_true(apic_msr_write(apic[2], 0x83f, 0x44)); /* to itself */
    assert_int_equal(apic_ack(apic[2]), 0x44);
    assert_true(apic_msr_write(apic[2], X2(EOI), 0));
    assert_true(apic_msr_write(apic[2], X2(ICR), 1ull << 32 | 0x4045));
    assert_int_equal(apic_ack(apic[1]), 0x45);
    wr(b, 1, EOI, 0);
    assert_int_equal(msr(2, X2(ICR)), 1ull << 32 | 0x4045);
    assert_true(apic_msr_write(apic[2], X2(ICR), 0xffffffffull << 32 | 0x4046));
    assert_int_equal(apic_ack(apic[0]), 0x46);
    assert_int_equal(apic_ack(apic[2]), 0x46);
    assert_true(apic_msr_write(apic[2], X2(EOI), 0));
    msi(b, 0xfee20004, 0x47); /* devices' logical destinations are of cluster 0 */
    assert_int_equal(apic_ack(apic[2]), 0x47);
    assert_true(apic_msr_write(apic[2], X2(EOI), 0));
    icr(b, 0, 5, 0x4048);
    assert_int_equal(apic_ack(apic[2]), 0x48);
    bench_snapshot_roundtrip(b);
    assert_true(apic_msr_write(apic[2], MSR_BASE, 0xfee00000));
    assert_true(apic_msr_write(apic[2], MSR_BASE, 0xfee00800));
    assert_int_equal(rd(b, 2, SVR), 0xff);
    bench_free(b);
}

static void a_moved_apic(void **st)
{
    (void)st;
    struct bench *b = enabled();
    u64 v;
    assert_true(apic_msr_write(apic[0], MSR_BASE, 0xd0000900));
    assert_int_equal(rd(b, 0, SVR), ~0u);
    mem_load(b->m.sysmem, 0xd00000f0, 4, &v, of(0));
    assert_int_equal(v, 0x1ff);
    mem_load(b->m.sysmem, 0xd00000f0, 4, &v, of(1));
    assert_int_equal(v, ~0u);
    assert_int_equal(rd(b, 1, SVR), 0x1ff);
    bench_snapshot_roundtrip(b);
    assert_true(apic_msr_write(apic[0], MSR_BASE, 0xfee00900));
    assert_int_equal(rd(b, 0, SVR), 0x1ff);
    bench_free(b);
}

static void anything_goes(void **st)
{
    (void)st;
    struct bench *b = enabled();
    srandom(7);
    for (unsigned i = 0; i < 30000; i++) {
        unsigned cpu = (unsigned)random() % CPUS;
        u32 v = (u32)random() << 8 ^ (u32)random();
        u64 off = (u64)random() % 0x410 & ~3ull;
        switch (random() % 6) {
        case 0:
            msi(b, APIC_BASE + (v & 0xffffc), (u32)random());
            break;
        case 1:
            rd(b, cpu, off);
            break;
        case 2:
            pin(cpu, v % APIC_INS, v >> 8 & 1);
            break;
        case 3:
            assert_in_range(apic_ack(apic[cpu]) + 1, 0, 257);
            break;
        default:
            wr(b, cpu, off, v);
            break;
        }
        if (i % 100 == 0) {
            at(clock_now(CLOCK_VIRTUAL) + (u64)random());
            apic_msr_write(apic[cpu], X2(off), v);
            apic_msr_write(apic[cpu], MSR_DEADLINE, v);
        }
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_after_reset),
        cmocka_unit_test(priorities_decide),
        cmocka_unit_test(ends_of_levels_are_told),
        cmocka_unit_test(destinations),
        cmocka_unit_test(starting_processors),
        cmocka_unit_test(errors_are_kept),
        cmocka_unit_test(pins_of_the_board),
        cmocka_unit_test(timer_counts),
        cmocka_unit_test(timer_at_a_tsc),
        cmocka_unit_test(x2apic_mode),
        cmocka_unit_test(a_moved_apic),
        cmocka_unit_test(anything_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

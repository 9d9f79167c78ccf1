/* GICv3 on the bench: distributor, redistributors, CPU interfaces, virtual interfaces. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/intc/gicv3.h"
#include "tests/hw/bench.h"

#define REDIST 0x20000000ull
#define SGI    0x10000

enum {
    CTLR = 0x000,
    TYPER = 0x004,
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    IPRIORITYR = 0x400,
    ICFGR = 0xc00,
    IGRPMODR = 0xd00,
    NSACR = 0xe00,
    IROUTER = 0x6000,
};

#define PMR         GICV3_ENC(3, 0, 4, 6, 0)
#define IAR0        GICV3_ENC(3, 0, 12, 8, 0)
#define EOIR0       GICV3_ENC(3, 0, 12, 8, 1)
#define HPPIR0      GICV3_ENC(3, 0, 12, 8, 2)
#define BPR0        GICV3_ENC(3, 0, 12, 8, 3)
#define AP1R0       GICV3_ENC(3, 0, 12, 9, 0)
#define DIR         GICV3_ENC(3, 0, 12, 11, 1)
#define RPR         GICV3_ENC(3, 0, 12, 11, 3)
#define SGI1R       GICV3_ENC(3, 0, 12, 11, 5)
#define ASGI1R      GICV3_ENC(3, 0, 12, 11, 6)
#define SGI0R       GICV3_ENC(3, 0, 12, 11, 7)
#define IAR1        GICV3_ENC(3, 0, 12, 12, 0)
#define EOIR1       GICV3_ENC(3, 0, 12, 12, 1)
#define HPPIR1      GICV3_ENC(3, 0, 12, 12, 2)
#define BPR1        GICV3_ENC(3, 0, 12, 12, 3)
#define ICC_CTLR    GICV3_ENC(3, 0, 12, 12, 4)
#define SRE         GICV3_ENC(3, 0, 12, 12, 5)
#define IGRPEN0     GICV3_ENC(3, 0, 12, 12, 6)
#define IGRPEN1     GICV3_ENC(3, 0, 12, 12, 7)
#define CTLR_EL3    GICV3_ENC(3, 6, 12, 12, 4)
#define IGRPEN1_EL3 GICV3_ENC(3, 6, 12, 12, 7)
#define ICH_HCR     GICV3_ENC(3, 4, 12, 11, 0)
#define ICH_VTR     GICV3_ENC(3, 4, 12, 11, 1)
#define ICH_MISR    GICV3_ENC(3, 4, 12, 11, 2)
#define ICH_EISR    GICV3_ENC(3, 4, 12, 11, 3)
#define ICH_ELRSR   GICV3_ENC(3, 4, 12, 11, 5)
#define ICH_VMCR    GICV3_ENC(3, 4, 12, 11, 7)
#define ICH_LR(n)   GICV3_ENC(3, 4, 12, 12, n)

/* The CPU at EL1 of a machine with one Security state. */
static const struct gicv3_cpu_ctx el1 = {.el = 1, .scr_ns = true};
/* With EL2: a hypervisor, and a guest whose interrupts it has taken over. */
static const struct gicv3_cpu_ctx hyp = {.el = 2, .has_el2 = true, .el2_enabled = true, .scr_ns = true};
static const struct gicv3_cpu_ctx guest = {
    .el = 1, .has_el2 = true, .el2_enabled = true, .scr_ns = true, .imo = true, .fmo = true, .amo = true};
/* With EL3, which takes the FIQs. */
static const struct gicv3_cpu_ctx el3 = {.el = 3, .has_el3 = true, .secure = true, .scr_fiq = true};
static const struct gicv3_cpu_ctx s_el1 = {.el = 1, .has_el3 = true, .secure = true, .scr_fiq = true};
static const struct gicv3_cpu_ctx ns_el1 = {.el = 1, .has_el3 = true, .scr_ns = true, .scr_fiq = true};

static void heard(void *to, unsigned n, int level)
{
    struct bench *b = to;
    b->rises[n] += level && !b->level[n];
    b->level[n] = level;
}

static struct bench *gic_new(const char *props, unsigned cpus)
{
    struct bench *b = bench_new(&gicv3_class, props);
    for (unsigned i = 0; i < cpus * GIC_OUTS; i++) {
        b->d->irqs[i] = (struct irq){heard, b, i};
    }
    mem_map_region(b->m.sysmem, gicv3_redist_region(b->d, 0), REDIST, 0);
    return b;
}

static u64 mem_rd(struct bench *b, u64 addr, unsigned size, bool secure)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, addr, size, &v, (struct mem_attrs){.secure = secure}), MEM_OK);
    return v;
}

static void mem_wr(struct bench *b, u64 addr, unsigned size, u64 v, bool secure)
{
    assert_int_equal(mem_store(b->m.sysmem, addr, size, v, (struct mem_attrs){.secure = secure}), MEM_OK);
}

static u32 d_rd(struct bench *b, u64 off)
{
    return (u32)mem_rd(b, BENCH_BASE + off, 4, true);
}
static void d_wr(struct bench *b, u64 off, u32 v)
{
    mem_wr(b, BENCH_BASE + off, 4, v, true);
}
static u32 r_rd(struct bench *b, unsigned cpu, u64 off)
{
    return (u32)mem_rd(b, REDIST + cpu * 0x20000 + off, 4, true);
}
static void r_wr(struct bench *b, unsigned cpu, u64 off, u32 v)
{
    mem_wr(b, REDIST + cpu * 0x20000 + off, 4, v, true);
}

static u64 get(struct bench *b, unsigned cpu, u32 enc, const struct gicv3_cpu_ctx *x)
{
    assert_int_equal(gicv3_cpu_access(b->d, cpu, enc, false, x), GICV3_OK);
    return gicv3_cpu_read(b->d, cpu, enc, x);
}
static void put(struct bench *b, unsigned cpu, u32 enc, u64 v, const struct gicv3_cpu_ctx *x)
{
    assert_int_equal(gicv3_cpu_access(b->d, cpu, enc, true, x), GICV3_OK);
    gicv3_cpu_write(b->d, cpu, enc, v, x);
}

static int line(struct bench *b, unsigned cpu, enum gic_out_kind k)
{
    return b->level[gic_out(cpu, k)];
}

/* As Linux sets it up: everything in Group 1, SPIs to CPU 0, priority 0xa0. */
static struct bench *gic_on(unsigned cpus)
{
    struct bench *b = gic_new(cpus == 1 ? "num-cpu=1" : cpus == 2 ? "num-cpu=2" : "num-cpu=20", cpus);
    d_wr(b, CTLR, 2);
    for (unsigned w = 1; w < 9; w++) {
        d_wr(b, IGROUPR + 4 * w, ~0u);
        d_wr(b, ISENABLER + 4 * w, ~0u);
    }
    for (unsigned i = 32; i < 288; i += 4) {
        d_wr(b, IPRIORITYR + i, 0xa0a0a0a0);
    }
    for (unsigned c = 0; c < cpus; c++) {
        r_wr(b, c, 0x14, 0);
        r_wr(b, c, SGI + IGROUPR, ~0u);
        r_wr(b, c, SGI + ISENABLER, 0xffff);
        put(b, c, PMR, 0xf0, &el1);
        put(b, c, IGRPEN1, 1, &el1);
    }
    return b;
}

static void identifies_itself(void **st)
{
    (void)st;
    struct bench *b = gic_new("num-cpu=20,redist0-cpus=18,has-lpi=on", 20);
    assert_int_equal(d_rd(b, CTLR), 0x50); /* one Security state, affinity routing */
    assert_int_equal(d_rd(b, TYPER), 8 | 1 << 17 | 15 << 19 | 3 << 24);
    assert_int_equal(d_rd(b, 0xffe8), 0x3b);
    assert_int_equal(r_rd(b, 0, 0xffe8), 0x3b);
    assert_int_equal(mem_rd(b, REDIST + 8, 8, true), 1);
    assert_int_equal(mem_rd(b, REDIST + 17 * 0x20000 + 8, 8, true), 0x0000010100001111ull);
    assert_int_equal(gicv3_redist_region(b->d, 0)->size, 18 * 0x20000);
    mem_map_region(b->m.sysmem, gicv3_redist_region(b->d, 1), REDIST + 0x1000000, 0);
    assert_int_equal(mem_rd(b, REDIST + 0x1000000 + 0x20000 + 8, 8, true), 0x0000010300001311ull);
    assert_int_equal(r_rd(b, 3, 0x14), 6);
    r_wr(b, 3, 0x14, 0);
    assert_int_equal(r_rd(b, 3, 0x14), 0);
    gicv3_set_affinity(b->d, 3, 0x80000102030405ull | 5ull << 32);
    assert_int_equal(mem_rd(b, REDIST + 3 * 0x20000 + 12, 4, true), 0x05030405);
    assert_int_equal(get(b, 0, SRE, &el1), 7);
    assert_int_equal(get(b, 0, ICC_CTLR, &el1), 4 << 8 | 1 << 15);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void a_level_is_taken_and_ended(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    bench_pin(b, gic_spi(5), 1);
    assert_true(line(b, 0, GIC_IRQ));
    assert_false(line(b, 1, GIC_IRQ));
    assert_int_equal(get(b, 0, HPPIR1, &el1), 37);
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, 0, IAR0, &el1), 1023);
    assert_int_equal(get(b, 0, IAR1, &el1), 37);
    assert_false(line(b, 0, GIC_IRQ));
    assert_int_equal(get(b, 0, RPR, &el1), 0xa0);
    assert_int_equal(get(b, 0, AP1R0, &el1), 1 << 20);
    assert_int_equal(d_rd(b, ISACTIVER + 4), 1 << 5);
    assert_int_equal(get(b, 0, IAR1, &el1), 1023);
    put(b, 0, EOIR1, 37, &el1);
    assert_true(line(b, 0, GIC_IRQ));
    assert_int_equal(get(b, 0, RPR, &el1), 0xff);
    bench_pin(b, gic_spi(5), 0);
    assert_false(line(b, 0, GIC_IRQ));
    bench_free(b);
}

static void spis_follow_their_route(void **st)
{
    (void)st;
    struct bench *b = gic_on(20);
    d_wr(b, ICFGR + 8, 2u << 10);                             /* 37: edge */
    mem_wr(b, BENCH_BASE + IROUTER + 8 * 37, 8, 0x102, true); /* the 19th CPU */
    bench_pin(b, gic_spi(5), 1);
    bench_pin(b, gic_spi(5), 0);
    assert_true(line(b, 18, GIC_IRQ));
    assert_false(line(b, 0, GIC_IRQ));
    d_wr(b, IROUTER + 8 * 37 + 4, 1); /* the high half, Aff3, while it is pending: nobody */
    assert_false(line(b, 18, GIC_IRQ));
    assert_false(line(b, 7, GIC_IRQ));
    mem_wr(b, BENCH_BASE + IROUTER + 8 * 37, 8, 7, true);
    assert_true(line(b, 7, GIC_IRQ));
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, 7, IAR1, &el1), 37);
    put(b, 7, EOIR1, 37, &el1);
    mem_wr(b, BENCH_BASE + IROUTER + 8 * 37, 8, 0x909, true); /* nobody */
    d_wr(b, ISPENDR + 4, 1 << 5);
    for (unsigned c = 0; c < 20; c++) {
        assert_false(line(b, c, GIC_IRQ));
    }
    bench_free(b);
}

static void sgis_find_their_targets(void **st)
{
    (void)st;
    struct bench *b = gic_on(20);
    put(b, 0, SGI1R, 1ull << 16 | 5 << 24 | 0x6, &el1); /* cluster 1, Aff0 1 and 2 */
    assert_true(line(b, 17, GIC_IRQ) && line(b, 18, GIC_IRQ));
    assert_false(line(b, 1, GIC_IRQ) || line(b, 16, GIC_IRQ) || line(b, 19, GIC_IRQ));
    assert_int_equal(get(b, 17, IAR1, &el1), 5);
    put(b, 3, SGI1R, BIT(40) | 9 << 24, &el1); /* all but itself */
    for (unsigned c = 0; c < 20; c++) {
        assert_int_equal(line(b, c, GIC_IRQ), c != 3 && c != 17);
    }
    put(b, 17, EOIR1, 5, &el1);
    assert_int_equal(get(b, 17, IAR1, &el1), 9);
    assert_int_equal(r_rd(b, 17, SGI + ISACTIVER), 1 << 9);
    put(b, 0, SGI0R, 1 << 24 | 0x8, &el1); /* Group 0, but the receiver has it in Group 1 */
    assert_int_equal(get(b, 3, HPPIR1, &el1), 1023);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void preemption_and_binary_point(void **st)
{
    (void)st;
    struct bench *b = gic_on(1);
    d_wr(b, IPRIORITYR + 40, 0x00007f40);
    bench_pin(b, gic_spi(0), 1);
    assert_int_equal(get(b, 0, IAR1, &el1), 32);
    bench_pin(b, gic_spi(9), 1);
    assert_true(line(b, 0, GIC_IRQ));
    put(b, 0, BPR1, 7, &el1); /* groups of 128 */
    assert_int_equal(get(b, 0, BPR1, &el1), 7);
    assert_true(line(b, 0, GIC_IRQ)); /* 0x78 is still in another group than 0xa0 */
    assert_int_equal(get(b, 0, IAR1, &el1), 41);
    assert_int_equal(get(b, 0, RPR, &el1), 0);
    bench_pin(b, gic_spi(8), 1);
    assert_false(line(b, 0, GIC_IRQ));
    put(b, 0, BPR1, 0, &el1);
    assert_int_equal(get(b, 0, BPR1, &el1), 3);
    assert_false(line(b, 0, GIC_IRQ)); /* it runs at level 0 */
    bench_pin(b, gic_spi(9), 0);
    put(b, 0, EOIR1, 41, &el1);
    assert_int_equal(get(b, 0, RPR, &el1), 0xa0);
    assert_int_equal(get(b, 0, IAR1, &el1), 40);
    bench_pin(b, gic_spi(8), 0);
    put(b, 0, PMR, 0xa0, &el1);
    put(b, 0, EOIR1, 40, &el1);
    put(b, 0, EOIR1, 32, &el1);
    assert_false(line(b, 0, GIC_IRQ)); /* 32 is up again, but masked */
    put(b, 0, PMR, 0xff, &el1);
    assert_int_equal(get(b, 0, PMR, &el1), 0xf8);
    assert_true(line(b, 0, GIC_IRQ));
    put(b, 0, ICC_CTLR, 1, &el1); /* CBPR */
    put(b, 0, BPR0, 4, &el1);
    assert_int_equal(get(b, 0, BPR1, &el1), 5);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void split_eoi(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    put(b, 1, ICC_CTLR, 2, &el1);
    mem_wr(b, BENCH_BASE + IROUTER + 8 * 32, 8, 1, true);
    bench_pin(b, gic_spi(0), 1);
    assert_int_equal(get(b, 1, IAR1, &el1), 32);
    put(b, 1, EOIR1, 32, &el1);
    assert_int_equal(get(b, 1, RPR, &el1), 0xff);
    assert_int_equal(d_rd(b, ISACTIVER + 4), 1);
    assert_false(line(b, 1, GIC_IRQ));
    put(b, 0, DIR, 32, &el1); /* EOImode is 0 there: nothing */
    assert_int_equal(d_rd(b, ISACTIVER + 4), 1);
    put(b, 1, DIR, 32, &el1);
    assert_int_equal(d_rd(b, ISACTIVER + 4), 0);
    assert_true(line(b, 1, GIC_IRQ));
    bench_free(b);
}

static void ppis_levels_and_edges(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    r_wr(b, 1, SGI + ISENABLER, 1 << 27 | 1 << 30);
    r_wr(b, 1, SGI + ICFGR + 4, 2u << 28); /* 30: edge */
    bench_pin(b, gic_ppi(288, 1, 27), 1);
    assert_true(line(b, 1, GIC_IRQ));
    assert_false(line(b, 0, GIC_IRQ));
    assert_int_equal(r_rd(b, 1, SGI + ISPENDR), 1 << 27);
    bench_pin(b, gic_ppi(288, 1, 27), 0);
    assert_false(line(b, 1, GIC_IRQ));
    bench_pin(b, gic_ppi(288, 1, 30), 1);
    bench_pin(b, gic_ppi(288, 1, 30), 0);
    assert_true(line(b, 1, GIC_IRQ));
    r_wr(b, 1, SGI + ICPENDR, 1 << 30);
    assert_false(line(b, 1, GIC_IRQ));
    r_wr(b, 1, SGI + ICFGR, 0); /* SGIs stay edges */
    assert_int_equal(r_rd(b, 1, SGI + ICFGR), 0xaaaaaaaa);
    bench_free(b);
}

static struct bench *secure_on(void)
{
    struct bench *b = gic_new("num-cpu=2,has-security-extensions=on", 2);
    d_wr(b, CTLR, 7);
    d_wr(b, ISENABLER + 4, 7);
    d_wr(b, IGROUPR + 4, 4);  /* 34: Non-secure Group 1 */
    d_wr(b, IGRPMODR + 4, 2); /* 33: Secure Group 1; 32: Group 0 */
    d_wr(b, IPRIORITYR + 32, 0x00c04020);
    for (unsigned c = 0; c < 2; c++) {
        put(b, c, IGRPEN0, 1, &el3);
        put(b, c, IGRPEN1_EL3, 3, &el3);
        put(b, c, PMR, 0xf8, &el3);
    }
    return b;
}

static void fiq_or_irq_by_group_and_state(void **st)
{
    (void)st;
    static const struct {
        unsigned spi, el;
        bool secure, fiq;
    } cases[] = {
        {0, 1, true, true}, {0, 1, false, true}, {0, 3, true, true},   {1, 1, true, false}, {1, 1, false, true},
        {1, 3, true, true}, {2, 1, true, true},  {2, 2, false, false}, {2, 3, true, true},
    };
    struct bench *b = secure_on();
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        gicv3_cpu_state(b->d, 0, cases[i].el, cases[i].secure, false);
        bench_pin(b, gic_spi(cases[i].spi), 1);
        assert_int_equal(line(b, 0, GIC_FIQ), cases[i].fiq);
        assert_int_equal(line(b, 0, GIC_IRQ), !cases[i].fiq);
        gicv3_cpu_state(b->d, 0, 1, !cases[i].secure, false); /* the line follows a change of state */
        bool fiq = cases[i].spi == 0 || cases[i].secure == (cases[i].spi == 1);
        assert_int_equal(line(b, 0, GIC_FIQ), fiq);
        bench_pin(b, gic_spi(cases[i].spi), 0);
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void who_may_acknowledge_what(void **st)
{
    (void)st;
    struct bench *b = secure_on();
    bench_pin(b, gic_spi(1), 1);
    assert_int_equal(get(b, 0, HPPIR0, &el3), 1020);
    assert_int_equal(get(b, 0, IAR1, &ns_el1), 1023);
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR0, false, &ns_el1), GICV3_TRAP_EL3);
    assert_int_equal(get(b, 0, IAR1, &s_el1), 33);
    assert_int_equal(get(b, 0, RPR, &s_el1), 0x40);
    assert_int_equal(get(b, 0, RPR, &ns_el1), 0);
    bench_pin(b, gic_spi(0), 1);
    assert_int_equal(get(b, 0, IAR1, &s_el1), 1023);
    assert_int_equal(get(b, 0, IAR0, &el3), 32);
    put(b, 0, EOIR1, 33, &s_el1); /* Group 0 is running: not Group 1's to end */
    assert_int_equal(get(b, 0, RPR, &el3), 0x20);
    bench_pin(b, gic_spi(0), 0);
    bench_pin(b, gic_spi(1), 0);
    put(b, 0, EOIR0, 32, &el3);
    put(b, 0, EOIR1, 33, &s_el1);
    assert_int_equal(get(b, 0, RPR, &el3), 0xff);
    bench_pin(b, gic_spi(2), 1);
    assert_int_equal(get(b, 0, IAR0, &el3), 1021);
    assert_int_equal(get(b, 0, IAR1, &s_el1), 1023);
    assert_int_equal(get(b, 0, PMR, &ns_el1), 0xf0);
    put(b, 0, PMR, 0x80, &ns_el1);
    assert_int_equal(get(b, 0, PMR, &el3), 0xc0);
    assert_int_equal(get(b, 0, IAR1, &ns_el1), 1023); /* 0xc0 is not above the mask */
    put(b, 0, PMR, 0x90, &ns_el1);
    assert_int_equal(get(b, 0, IAR1, &ns_el1), 34);
    assert_int_equal(get(b, 0, RPR, &ns_el1), 0x80);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void non_secure_view_of_the_distributor(void **st)
{
    (void)st;
    struct bench *b = secure_on();
    assert_int_equal(mem_rd(b, BENCH_BASE + CTLR, 4, false), 0x12);
    assert_int_equal(mem_rd(b, BENCH_BASE + ISENABLER + 4, 4, false), 4);
    assert_int_equal(mem_rd(b, BENCH_BASE + IPRIORITYR + 32, 4, false), 0x00800000);
    mem_wr(b, BENCH_BASE + IPRIORITYR + 32, 4, 0x40404040, false);
    assert_int_equal(d_rd(b, IPRIORITYR + 32), 0x00a04020);
    mem_wr(b, BENCH_BASE + ICENABLER + 4, 4, 7, false);
    assert_int_equal(d_rd(b, ISENABLER + 4), 3);
    mem_wr(b, BENCH_BASE + IGROUPR + 4, 4, ~0u, false);
    assert_int_equal(d_rd(b, IGROUPR + 4), 4);
    mem_wr(b, BENCH_BASE + ISPENDR + 4, 4, 3, false);
    assert_int_equal(d_rd(b, ISPENDR + 4), 0);
    d_wr(b, NSACR + 8, 1); /* lends 32 */
    mem_wr(b, BENCH_BASE + ISPENDR + 4, 4, 3, false);
    assert_int_equal(d_rd(b, ISPENDR + 4), 1);
    mem_wr(b, BENCH_BASE + ICPENDR + 4, 4, 1, false);
    assert_int_equal(d_rd(b, ISPENDR + 4), 1);
    /* SGIs between the states */
    r_wr(b, 1, SGI + IGROUPR, 1 << 8);
    r_wr(b, 1, SGI + IGRPMODR, 1 << 9);
    put(b, 0, SGI1R, 8 << 24 | 2, &s_el1);
    assert_int_equal(r_rd(b, 1, SGI + ISPENDR), 0);
    put(b, 0, ASGI1R, 8 << 24 | 2, &s_el1);
    put(b, 0, SGI1R, 9 << 24 | 2, &s_el1);
    assert_int_equal(r_rd(b, 1, SGI + ISPENDR), 3 << 8);
    put(b, 0, SGI1R, 1 << 24 | 2, &ns_el1);
    assert_int_equal(r_rd(b, 1, SGI + ISPENDR), 3 << 8);
    r_wr(b, 1, SGI + NSACR, 1 << 2);
    put(b, 0, SGI1R, 1 << 24 | 2, &ns_el1);
    assert_int_equal(r_rd(b, 1, SGI + ISPENDR), 3 << 8 | 2);
    d_wr(b, CTLR, 0x47); /* DS */
    assert_int_equal(d_rd(b, CTLR), 0x53);
    assert_int_equal(mem_rd(b, BENCH_BASE + CTLR, 4, false), 0x53);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void access_is_checked(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    assert_true(gicv3_cpu_has_reg(PMR));
    assert_true(gicv3_cpu_has_reg(ICH_LR(3)));
    assert_false(gicv3_cpu_has_reg(ICH_LR(4)));
    assert_false(gicv3_cpu_has_reg(GICV3_ENC(3, 0, 1, 0, 0)));
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR1, true, &el1), GICV3_UNDEF);
    assert_int_equal(gicv3_cpu_access(b->d, 0, EOIR1, false, &el1), GICV3_UNDEF);
    assert_int_equal(gicv3_cpu_access(b->d, 0, ICH_HCR, false, &el1), GICV3_UNDEF);
    assert_int_equal(gicv3_cpu_access(b->d, 0, CTLR_EL3, false, &hyp), GICV3_UNDEF);
    assert_int_equal(gicv3_cpu_access(b->d, 0, SGI1R, true, &guest), GICV3_TRAP_EL2);
    put(b, 0, ICH_HCR, 1 << 10, &hyp); /* TC */
    assert_int_equal(gicv3_cpu_access(b->d, 0, PMR, true, &guest), GICV3_TRAP_EL2);
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR1, false, &guest), GICV3_OK);
    put(b, 0, ICH_HCR, 1 << 12, &hyp); /* TALL1 */
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR1, false, &guest), GICV3_TRAP_EL2);
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR0, false, &guest), GICV3_OK);
    put(b, 0, ICH_HCR, 1 << 14, &hyp); /* TDIR */
    assert_int_equal(gicv3_cpu_access(b->d, 0, DIR, true, &guest), GICV3_TRAP_EL2);
    struct gicv3_cpu_ctx x = {.el = 2, .has_el2 = true, .has_el3 = true, .el2_enabled = true, .scr_ns = true};
    x.scr_irq = true;
    assert_int_equal(gicv3_cpu_access(b->d, 0, IAR1, false, &x), GICV3_TRAP_EL3);
    assert_int_equal(gicv3_cpu_access(b->d, 0, PMR, false, &x), GICV3_OK);
    x.scr_fiq = true;
    assert_int_equal(gicv3_cpu_access(b->d, 0, PMR, false, &x), GICV3_TRAP_EL3);
    bench_free(b);
}

static u64 lr(unsigned state, bool hw, unsigned group, u8 prio, u32 pintid, u32 vintid)
{
    return (u64)state << 62 | (u64)hw << 61 | (u64)group << 60 | (u64)prio << 48 | (u64)pintid << 32 | vintid;
}

static void a_guest_gets_virtual_interrupts(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    put(b, 0, ICC_CTLR, 2, &hyp);
    bench_pin(b, gic_spi(8), 1);
    assert_int_equal(get(b, 0, IAR1, &hyp), 40);
    put(b, 0, EOIR1, 40, &hyp);
    assert_int_equal(get(b, 0, ICH_VTR, &hyp), 4ull << 29 | 4ull << 26 | 7 << 19 | 3);
    put(b, 0, ICH_HCR, 1, &hyp);
    put(b, 0, IGRPEN1, 1, &guest);
    put(b, 0, PMR, 0xf0, &guest);
    assert_int_equal(get(b, 0, ICH_VMCR, &hyp), 2 | 8 | 3 << 18 | 2 << 21 | 0xf0ull << 24);
    put(b, 0, ICH_LR(1), lr(1, true, 1, 0x80, 40, 50), &hyp);
    put(b, 0, ICH_LR(2), lr(1, false, 1, 0x40, 0, 51), &hyp);
    assert_true(line(b, 0, GIC_VIRQ));
    assert_false(line(b, 0, GIC_VFIQ) || line(b, 1, GIC_VIRQ));
    assert_int_equal(get(b, 0, ICH_ELRSR, &hyp), 0x9);
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, 0, HPPIR1, &guest), 51);
    assert_int_equal(get(b, 0, IAR0, &guest), 1023);
    assert_int_equal(get(b, 0, IAR1, &guest), 51);
    assert_false(line(b, 0, GIC_VIRQ));
    assert_int_equal(get(b, 0, RPR, &guest), 0x40);
    put(b, 0, EOIR1, 51, &guest);
    assert_int_equal(get(b, 0, IAR1, &guest), 50);
    assert_int_equal(get(b, 0, ICH_LR(1), &hyp) >> 62, 2);
    bench_pin(b, gic_spi(8), 0);
    put(b, 0, EOIR1, 50, &guest);
    assert_int_equal(d_rd(b, ISACTIVER + 4), 0);
    assert_int_equal(get(b, 0, ICH_ELRSR, &hyp), 0xf);
    put(b, 0, IGRPEN0, 1, &guest);
    put(b, 0, ICH_LR(0), lr(1, false, 0, 0, 0, 8192), &hyp);
    assert_true(line(b, 0, GIC_VFIQ));
    assert_int_equal(get(b, 0, IAR0, &guest), 8192);
    assert_int_equal(get(b, 0, ICH_ELRSR, &hyp), 0xf); /* an LPI is never active */
    put(b, 0, EOIR0, 8192, &guest);
    assert_int_equal(get(b, 0, ICH_HCR, &hyp), 1);
    bench_free(b);
}

static void maintenance(void **st)
{
    (void)st;
    struct bench *b = gic_on(2);
    b->d->irqs[gic_out(0, GIC_MAINT)] = device_pin(b->d, gic_ppi(288, 0, 25)); /* as boards do */
    r_wr(b, 0, SGI + ISENABLER, 1 << 25);
    put(b, 0, ICH_HCR, 1 | 2, &hyp);
    assert_int_equal(get(b, 0, ICH_MISR, &hyp), 2);
    assert_true(line(b, 0, GIC_IRQ));
    assert_int_equal(get(b, 0, IAR1, &hyp), 25);
    put(b, 0, ICH_HCR, 1, &hyp);
    put(b, 0, EOIR1, 25, &hyp);
    assert_false(line(b, 0, GIC_IRQ));
    put(b, 0, IGRPEN1, 1, &guest);
    put(b, 0, PMR, 0xf8, &guest);
    put(b, 0, ICH_LR(0), lr(1, false, 1, 0, 1 << 9, 60), &hyp); /* bit 41: tell of EOI */
    assert_int_equal(get(b, 0, IAR1, &guest), 60);
    put(b, 0, EOIR1, 60, &guest);
    assert_int_equal(get(b, 0, ICH_EISR, &hyp), 1);
    assert_int_equal(get(b, 0, IAR1, &hyp), 25);
    put(b, 0, ICH_LR(0), 0, &hyp);
    put(b, 0, EOIR1, 25, &hyp);
    assert_false(line(b, 0, GIC_IRQ));
    put(b, 0, EOIR1, 61, &guest);
    assert_int_equal(get(b, 0, ICH_HCR, &hyp) >> 27, 1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifies_itself),
        cmocka_unit_test(a_level_is_taken_and_ended),
        cmocka_unit_test(spis_follow_their_route),
        cmocka_unit_test(sgis_find_their_targets),
        cmocka_unit_test(preemption_and_binary_point),
        cmocka_unit_test(split_eoi),
        cmocka_unit_test(ppis_levels_and_edges),
        cmocka_unit_test(fiq_or_irq_by_group_and_state),
        cmocka_unit_test(who_may_acknowledge_what),
        cmocka_unit_test(non_secure_view_of_the_distributor),
        cmocka_unit_test(access_is_checked),
        cmocka_unit_test(a_guest_gets_virtual_interrupts),
        cmocka_unit_test(maintenance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

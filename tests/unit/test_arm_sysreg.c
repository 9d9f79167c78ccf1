/* System registers: the table, the levels that reach each row, E2H's renaming, trap routing against facts of the
 * manual, identification, the generic timer, pointer authentication. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/clock.h"
#include "target/arm/pauth.h"
#include "target/arm/timer.h"
#include "tests/unit/arm_bench.h"

#define NO_VALUE 0x5a5a5a5a5a5a5a5aull

static void rows_are_sane(void **state)
{
    (void)state;
    sysregs_init();
    for (unsigned i = 0; i < sysregs_count; i++) {
        const struct sysreg *r = &sysregs[i];
        assert_ptr_equal(sysreg_find(r->enc), r); /* so no encoding comes twice */
        assert_true(r->acc != 0);
        assert_true(r->trap < TRAP_CLASSES);
        assert_true(!r->e2h || sysreg_find(r->e2h));
        assert_true(!r->alias || sysreg_find(r->alias));
        assert_true(SYSENC_OP0(r->enc) >= 1);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(sysregs[k].name, r->name);
        }
        /* what cannot be written needs no mask, what can be written and has no place needs a hook or is nothing */
        if (!(r->acc & E0W)) {
            assert_null(r->write);
        }
        if (!(r->acc & E0R)) {
            assert_null(r->read);
        }
        /* SYSREG_LIGHT promises that a write touches no slot */
        for (unsigned k = 0; r->light && r->off && k < arm_ir_target.nslots; k++) {
            assert_int_not_equal(arm_ir_target.slots[k].off, r->off);
        }
        /* op1 tells the lowest level, but for the names EL1 lends to Secure EL1 (7) and EL0's own (3) */
        static const u8 lowest[8] = {1, 1, 1, 0, 2, 2, 3, 1};
        for (unsigned el = 0; el < lowest[SYSENC_OP1(r->enc)]; el++) {
            assert_int_equal(r->acc >> 2 * el & 3, 0);
        }
    }
}

/* Opens every trap, so that only the access rules are left. */
static void open_all(struct arm_cpu *cpu)
{
    cpu->sr.SCTLR_EL1 |= SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_UMA | SCTLR_ENRCTX | SCTLR_NTWI | SCTLR_NTWE;
    cpu->sr.CPACR_EL1 = 3 << 20;
    cpu->sr.CPTR_EL2 = 0x33ff & ~BIT(10);
    cpu->sr.HCR_EL2 |= HCR_APK | HCR_API;
    cpu->sr.SCR_EL3 |= SCR_NS | SCR_APK | SCR_API | SCR_HCE;
    cpu->sr.CNTKCTL_EL1 = cpu->sr.CNTHCTL_EL2 = 0x303;
    cpu->sr.PMUSERENR_EL0 = 15;
    arm_rebuild(cpu);
}

static void access_bits_rule(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sysregs_count; i++) {
        const struct sysreg *r = &sysregs[i];
        for (unsigned el = 0; el < 4; el++) {
            for (unsigned write = 0; write < 2; write++) {
                if (SYSENC_OP0(r->enc) == 1 && !strncmp(r->name, "DC_", 3)) {
                    continue; /* these need addresses */
                }
                struct arm_cpu *cpu = bench_cpu("max", true, true);
                open_all(cpu);
                bench_at(cpu, el);
                u64 v = 0;
                bool ok = write ? bench_msr(cpu, r->enc, v) : bench_mrs(cpu, r->enc, &v);
                bool may = r->acc >> (2 * el + write) & 1 && r->feat != SYS_HOSTCLOCK; /* that is for user mode */
                if (r->alias || r->trap == TRAP_HIGHEST || r->trap == TRAP_CNTPS || r->trap == TRAP_SP_EL0) {
                    continue; /* rules of their own below */
                }
                if (ok != may) {
                    fail_msg("%s: %s at EL%u", r->name, write ? "write" : "read", el);
                }
                if (!ok) {
                    assert_int_equal(*arm_esr_at(cpu, MAX(el, 1u)) >> 26, EC_UNKNOWN);
                    assert_int_equal(cpu->elr_el[MAX(el, 1u)], BENCH_PC);
                }
            }
        }
    }
}

static void storage_holds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sysregs_count; i++) {
        const struct sysreg *r = &sysregs[i];
        if (!r->off || r->write || r->read || !(r->acc & E3W) || r->wmask == RES0_REG) {
            continue;
        }
        struct arm_cpu *cpu = bench_cpu("max", true, true);
        u64 mask = r->wmask ? r->wmask : ~0ull, before = *sysreg_at(cpu, r), v;
        bench_at(cpu, 3);
        assert_true(bench_msr(cpu, r->enc, NO_VALUE));
        assert_true(bench_mrs(cpu, r->enc, &v));
        assert_int_equal(v, (before & ~mask) | (NO_VALUE & mask));
        target_aarch64.reset(&cpu->vcpu);
        bench_at(cpu, 3);
        if (!r->id) {
            assert_true(bench_mrs(cpu, r->enc, &v));
            assert_int_equal(v, before);
        }
    }
}

static void reset_is_idempotent(void **state)
{
    (void)state;
    static const char *const models[] = {"max", "cortex-a53", "cortex-a57", "cortex-a72", "cortex-a76", "neoverse-n1"};
    for (unsigned i = 0; i < ARRAY_LEN(models); i++) {
        struct arm_cpu *cpu = bench_cpu(models[i], true, true);
        struct buf a = {0}, b = {0};
        fields_save(cpu, target_aarch64.state, &a);
        for (unsigned k = 0; k < 31; k++) {
            cpu->vcpu.rt.r[k] = k;
        }
        memset(cpu->v, 3, sizeof(cpu->v));
        bench_at(cpu, 1);
        target_aarch64.reset(&cpu->vcpu);
        fields_save(cpu, target_aarch64.state, &b);
        /* virtual time goes on: the counters' start is the one thing that differs */
        assert_int_equal(a.len, b.len);
        struct err e = {0};
        struct cursor c = {a.data, a.data + a.len};
        assert_true(fields_load(cpu, target_aarch64.state, &c, &e));
        buf_free(&a);
        buf_free(&b);
    }
}

/* -- trap facts -------------------------------------------------------------------------------------------------- */

struct fact {
    const char *reg;
    u8 el, write;
    const char *control;
    u64 bits; /* set (or, with `clear`, cleared) in the control register */
    bool clear;
    u8 to, ec; /* 0: no trap */
};
static const struct fact facts[] = {
    {"SCTLR_EL1", 1, 1, "HCR_EL2", BIT(26), false, 2, EC_SYSREG},
    {"SCTLR_EL1", 1, 0, "HCR_EL2", BIT(26), false, 0, 0},
    {"SCTLR_EL1", 1, 0, "HCR_EL2", BIT(30), false, 2, EC_SYSREG},
    {"TTBR0_EL1", 1, 1, "HCR_EL2", BIT(26), false, 2, EC_SYSREG},
    {"CONTEXTIDR_EL1", 1, 1, "HCR_EL2", BIT(26), false, 2, EC_SYSREG},
    {"VBAR_EL1", 1, 1, "HCR_EL2", BIT(26), false, 0, 0},
    {"SCTLR_EL1", 2, 1, "HCR_EL2", BIT(26), false, 0, 0},
    {"REVIDR_EL1", 1, 0, "HCR_EL2", BIT(16), false, 2, EC_SYSREG},
    {"CTR_EL0", 1, 0, "HCR_EL2", BIT(17), false, 2, EC_SYSREG},
    {"CTR_EL0", 0, 0, "HCR_EL2", BIT(17), false, 2, EC_SYSREG},
    {"CTR_EL0", 0, 0, "SCTLR_EL1", BIT(15), true, 1, EC_SYSREG},
    {"CLIDR_EL1", 1, 0, "HCR_EL2", BIT(17), false, 2, EC_SYSREG},
    {"CLIDR_EL1", 1, 0, "HCR_EL2", BIT(49), false, 2, EC_SYSREG},
    {"CTR_EL0", 1, 0, "HCR_EL2", BIT(49), false, 0, 0},
    {"ID_AA64PFR0_EL1", 1, 0, "HCR_EL2", BIT(18), false, 2, EC_SYSREG},
    {"ACTLR_EL1", 1, 0, "HCR_EL2", BIT(21), false, 2, EC_SYSREG},
    {"DC_CSW", 1, 1, "HCR_EL2", BIT(22), false, 2, EC_SYSREG},
    {"DC_CIVAC", 0, 1, "HCR_EL2", BIT(23), false, 2, EC_SYSREG},
    {"DC_CIVAC", 0, 1, "SCTLR_EL1", BIT(26), true, 1, EC_SYSREG},
    {"IC_IVAU", 0, 1, "HCR_EL2", BIT(24), false, 2, EC_SYSREG},
    {"IC_IALLUIS", 1, 1, "HCR_EL2", BIT(50), false, 2, EC_SYSREG},
    {"IC_IALLU", 1, 1, "HCR_EL2", BIT(52), false, 2, EC_SYSREG},
    {"DC_ZVA", 0, 1, "SCTLR_EL1", BIT(14), true, 1, EC_SYSREG},
    {"DC_ZVA", 1, 1, "HCR_EL2", BIT(28), false, 2, EC_SYSREG},
    {"TLBI_VAE1", 1, 1, "HCR_EL2", BIT(25), false, 2, EC_SYSREG},
    {"TLBI_VAE1", 1, 1, "HCR_EL2", BIT(54), false, 0, 0},
    {"TLBI_VAE1IS", 1, 1, "HCR_EL2", BIT(54), false, 2, EC_SYSREG},
    {"TLBI_VAE1OS", 1, 1, "HCR_EL2", BIT(55), false, 2, EC_SYSREG},
    {"CPACR_EL1", 1, 0, "CPTR_EL2", BIT(31), false, 2, EC_SYSREG},
    {"CPACR_EL1", 1, 0, "CPTR_EL3", BIT(31), false, 3, EC_SYSREG},
    {"CPTR_EL2", 2, 0, "CPTR_EL3", BIT(31), false, 3, EC_SYSREG},
    {"LORSA_EL1", 1, 0, "HCR_EL2", BIT(35), false, 2, EC_SYSREG},
    {"LORSA_EL1", 2, 0, "SCR_EL3", BIT(14), false, 3, EC_SYSREG},
    {"ERRIDR_EL1", 1, 0, "HCR_EL2", BIT(36), false, 2, EC_SYSREG},
    {"APIAKeyLo_EL1", 1, 1, "HCR_EL2", BIT(40), true, 2, EC_SYSREG},
    {"APIAKeyLo_EL1", 2, 1, "SCR_EL3", BIT(16), true, 3, EC_SYSREG},
    {"PMCR_EL0", 0, 0, "PMUSERENR_EL0", 1, true, 1, EC_SYSREG},
    {"PMCR_EL0", 1, 0, "MDCR_EL2", BIT(5), false, 2, EC_SYSREG},
    {"PMCCNTR_EL0", 1, 0, "MDCR_EL2", BIT(5), false, 0, 0},
    {"PMCCNTR_EL0", 1, 0, "MDCR_EL2", BIT(6), false, 2, EC_SYSREG},
    {"PMCCNTR_EL0", 0, 0, "PMUSERENR_EL0", 1, true, 0, 0}, /* CR still opens it */
    {"PMCCNTR_EL0", 0, 0, "PMUSERENR_EL0", 5, true, 1, EC_SYSREG},
    {"PMCCNTR_EL0", 0, 1, "PMUSERENR_EL0", 1, true, 1, EC_SYSREG},
    {"PMSWINC_EL0", 0, 1, "PMUSERENR_EL0", 3, true, 1, EC_SYSREG},
    {"PMCCNTR_EL0", 2, 0, "MDCR_EL3", BIT(6), false, 3, EC_SYSREG},
    {"DBGBVR0_EL1", 1, 0, "MDCR_EL2", BIT(9), false, 2, EC_SYSREG},
    {"DBGBVR0_EL1", 1, 0, "MDCR_EL2", BIT(8), false, 2, EC_SYSREG}, /* TDE implies it */
    {"OSLAR_EL1", 1, 1, "MDCR_EL2", BIT(10), false, 2, EC_SYSREG},
    {"MDRAR_EL1", 1, 0, "MDCR_EL2", BIT(11), false, 2, EC_SYSREG},
    {"MDSCR_EL1", 2, 0, "MDCR_EL3", BIT(9), false, 3, EC_SYSREG},
    {"MDCCSR_EL0", 0, 0, "MDSCR_EL1", BIT(12), false, 1, EC_SYSREG},
    {"DAIF", 0, 0, "SCTLR_EL1", BIT(9), true, 1, EC_SYSREG},
    {"CNTVCT_EL0", 0, 0, "CNTKCTL_EL1", BIT(1), true, 1, EC_SYSREG},
    {"CNTPCT_EL0", 0, 0, "CNTKCTL_EL1", BIT(0), true, 1, EC_SYSREG},
    {"CNTPCT_EL0", 1, 0, "CNTHCTL_EL2", BIT(0), true, 2, EC_SYSREG},
    {"CNTP_CTL_EL0", 1, 0, "CNTHCTL_EL2", BIT(1), true, 2, EC_SYSREG},
    {"CNTV_CTL_EL0", 1, 0, "CNTHCTL_EL2", BIT(1), true, 0, 0},
    {"CNTP_CTL_EL0", 0, 0, "CNTKCTL_EL1", BIT(9), true, 1, EC_SYSREG},
    {"CNTV_CTL_EL0", 0, 0, "CNTKCTL_EL1", BIT(8), true, 1, EC_SYSREG},
    {"FPCR", 0, 0, "CPACR_EL1", 2 << 20, true, 1, EC_FP}, /* FPEN 01: EL0 traps */
    {"FPCR", 1, 0, "CPACR_EL1", 2 << 20, true, 0, 0},
    {"FPCR", 1, 0, "CPACR_EL1", 3 << 20, true, 1, EC_FP},
    {"FPCR", 2, 0, "CPTR_EL2", BIT(10), false, 2, EC_FP},
    {"FPCR", 1, 0, "CPTR_EL3", BIT(10), false, 3, EC_FP},
    {"FPCR", 3, 0, "CPTR_EL3", BIT(10), false, 3, EC_FP},
};

static void traps_route(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(facts); i++) {
        const struct fact *f = &facts[i];
        struct arm_cpu *cpu = bench_cpu("max", true, true);
        open_all(cpu);
        u64 *control = sysreg_at(cpu, sysreg_find(bench_enc(f->control)));
        *control = f->clear ? *control & ~f->bits : *control | f->bits;
        bench_at(cpu, f->el);
        u32 enc = bench_enc(f->reg);
        u64 v = BENCH_RAM;
        bool ok = f->write ? bench_msr(cpu, enc, v) : bench_mrs(cpu, enc, &v);
        if (ok != !f->to || (!ok && (cpu->el != f->to || *arm_esr_at(cpu, f->to) >> 26 != f->ec))) {
            fail_msg("fact %u: %s at EL%u with %s: ok %d, EL%u, ESR %#llx", i, f->reg, f->el, f->control, ok, cpu->el,
                     (unsigned long long)*arm_esr_at(cpu, MAX(cpu->el, (u8)1)));
        }
    }
}

/* The syndrome: Op0 Op2 Op1 CRn Rt CRm direction. */
static void trap_syndrome(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    cpu->sr.HCR_EL2 |= BIT(26);
    bench_at(cpu, 1);
    assert_false(bench_msr(cpu, SYSENC(3, 0, 10, 2, 0), 0)); /* MAIR_EL1 */
    assert_int_equal(cpu->sr.ESR_EL2,
                     0x18ull << 26 | BIT(25) | 3 << 20 | 0 << 17 | 0 << 14 | 10 << 10 | 7 << 5 | 2 << 1);
    assert_int_equal(cpu->elr_el[2], BENCH_PC);
    /* EL0 under TGE: what EL1 would trap goes to EL2 */
    cpu = bench_cpu("max", true, false);
    cpu->sr.HCR_EL2 |= HCR_TGE;
    bench_at(cpu, 0);
    u64 v;
    assert_false(bench_mrs(cpu, bench_enc("CTR_EL0"), &v));
    assert_int_equal(cpu->el, 2);
    assert_int_equal(cpu->sr.ESR_EL2 & 1, 1);
}

static void e2h_renames(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    u32 sctlr1 = bench_enc("SCTLR_EL1"), vbar12 = bench_enc("VBAR_EL12"), vbar1 = bench_enc("VBAR_EL1");
    u64 v;
    bench_at(cpu, 2);
    assert_false(bench_mrs(cpu, vbar12, &v)); /* E2H 0: UNDEFINED */
    bench_at(cpu, 2);
    assert_true(bench_msr(cpu, bench_enc("HCR_EL2"), HCR_E2H));
    cpu->sr.VBAR_EL1 = 0x1000;
    cpu->sr.VBAR_EL2 = 0x2000;
    assert_true(bench_mrs(cpu, vbar1, &v));
    assert_int_equal(v, 0x2000);
    assert_true(bench_mrs(cpu, vbar12, &v));
    assert_int_equal(v, 0x1000);
    assert_true(bench_msr(cpu, bench_enc("CNTV_CVAL_EL0"), 77));
    assert_int_equal(cpu->gt[ARM_TIMER_HYPVIRT].cval, 77);
    assert_true(bench_msr(cpu, bench_enc("CNTV_CVAL_EL02"), 78));
    assert_int_equal(cpu->gt[ARM_TIMER_VIRT].cval, 78);
    assert_true(bench_msr(cpu, sctlr1, cpu->sr.SCTLR_EL2 | SCTLR_WXN));
    assert_true(cpu->sr.SCTLR_EL2 & SCTLR_WXN);
    assert_false(cpu->sr.SCTLR_EL1 & SCTLR_WXN);
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, vbar1, &v));
    assert_int_equal(v, 0x1000);
}

static void unknown_is_undefined(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("cortex-a57", false, false);
    u64 v = 1;
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, SYSENC(3, 0, 0, 4, 7), &v)); /* ID space reads as zero */
    assert_int_equal(v, 0);
    assert_false(bench_mrs(cpu, SYSENC(3, 0, 15, 2, 0), &v));
    assert_int_equal(cpu->sr.ESR_EL1 >> 26, EC_UNKNOWN);
    bench_at(cpu, 1);
    assert_false(bench_mrs(cpu, bench_enc("APIAKeyLo_EL1"), &v)); /* not on this model */
    bench_at(cpu, 1);
    assert_false(bench_msr(cpu, bench_enc("PAN"), 0));
    bench_at(cpu, 1);
    assert_false(bench_mrs(cpu, SYSENC(3, 0, 12, 12, 0), &v)); /* no GIC attached */
}

/* -- models ------------------------------------------------------------------------------------------------------ */

static void models_and_features(void **state)
{
    (void)state;
    struct err e = {0};
    struct arm_cpu *cpu = bench_cpu("cortex-a57", false, false);
    u64 v;
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, bench_enc("MIDR_EL1"), &v));
    assert_int_equal(v, 0x411fd070);
    assert_true(bench_mrs(cpu, bench_enc("MPIDR_EL1"), &v));
    assert_int_equal(v, 0x80000000);
    assert_true(bench_mrs(cpu, bench_enc("ID_AA64PFR0_EL1"), &v));
    assert_int_equal(v, 0x11); /* AArch64 only, and the board left out EL2 and EL3 */
    assert_false(arm_feat(cpu, ARM_FEAT_LSE));
    assert_true(arm_feat(cpu, ARM_FEAT_CRC32));
    cpu = bench_cpu("max,pauth=off,pmu=off,sve=off,lse=off", true, false);
    assert_false(arm_feat(cpu, ARM_FEAT_PAUTH));
    assert_false(arm_sys(cpu, SYS_PMU));
    assert_false(arm_feat(cpu, ARM_FEAT_LSE));
    assert_true(arm_feat(cpu, ARM_FEAT_SHA512));
    assert_int_equal(arm_features(cpu->features_id), cpu->features);
    static const char *const bad[][2] = {
        {"neoverse-n2", "neoverse-n1"}, {"max,paut=on", "pauth"},       {"max,sve=on", "sve"},
        {"cortex-a53,pauth=on", "max"}, {"max,pmu=perhaps", "perhaps"}, {"max,aarch64=off", "AArch32"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct arm_cpu *c = calloc(1, sizeof(*c) + 64);
        e = (struct err){0};
        assert_false(target_aarch64.init(&c->vcpu, bad[i][0], &e));
        if (!strstr(e.msg, bad[i][1])) {
            fail_msg("\"%s\" does not name \"%s\"", e.msg, bad[i][1]);
        }
        free(c);
    }
}

/* -- generic timer ----------------------------------------------------------------------------------------------- */

static int out_level;
static void out_set(void *to, unsigned n, int level)
{
    (void)to;
    (void)n;
    out_level = level;
}

static void event_stream(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    clock_set(1000000); /* the counter stands at 62500: its low five bits are 4 */
    cpu->sr.CNTKCTL_EL1 = cpu->sr.CNTHCTL_EL2 = 0;
    assert_int_equal(arm_event_stream_wait(cpu), ~0ull);
    cpu->sr.CNTKCTL_EL1 = BIT(2) | 4 << 4; /* bit 4 rises */
    assert_int_equal(arm_event_stream_wait(cpu), 12 * 16);
    cpu->sr.CNTKCTL_EL1 |= BIT(3); /* falls */
    assert_int_equal(arm_event_stream_wait(cpu), 28 * 16);
    cpu->sr.CNTHCTL_EL2 = BIT(2) | 2 << 4; /* that bit just rose: once more after a period */
    assert_int_equal(arm_event_stream_wait(cpu), 8 * 16);
    cpu->sr.CNTVOFF_EL2 = 1;
    cpu->sr.CNTHCTL_EL2 = 0;
    assert_int_equal(arm_event_stream_wait(cpu), 29 * 16);
    cpu->sr.CNTVOFF_EL2 = 0;
    cpu->sr.CNTKCTL_EL1 = 0;
}

static void timer_counts(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    u64 v;
    clock_set(1000000); /* 62.5 MHz: 16 ns a tick */
    arm_set_timer_out(&cpu->vcpu, ARM_TIMER_VIRT, (struct irq){.fn = out_set});
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, bench_enc("CNTPCT_EL0"), &v) || cpu->el == 2);
    bench_at(cpu, 2);
    assert_true(bench_msr(cpu, bench_enc("CNTVOFF_EL2"), 500));
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, bench_enc("CNTVCT_EL0"), &v));
    assert_int_equal(v, 1000000 / 16 - 500);
    assert_true(bench_msr(cpu, bench_enc("CNTV_TVAL_EL0"), 100));
    assert_true(bench_msr(cpu, bench_enc("CNTV_CTL_EL0"), 1));
    assert_int_equal(out_level, 0);
    assert_int_equal(cpu->gt[ARM_TIMER_VIRT].timer.deadline, 1000000 + 1600);
    clock_set(1000000 + 1599);
    assert_true(bench_mrs(cpu, bench_enc("CNTV_CTL_EL0"), &v));
    assert_int_equal(v, 1);
    clock_set(1000000 + 1600);
    cpu->gt[ARM_TIMER_VIRT].timer.fn(cpu->gt[ARM_TIMER_VIRT].timer.opaque);
    assert_int_equal(out_level, 1);
    assert_true(bench_mrs(cpu, bench_enc("CNTV_CTL_EL0"), &v));
    assert_int_equal(v, 5);
    assert_true(bench_mrs(cpu, bench_enc("CNTV_TVAL_EL0"), &v));
    assert_int_equal(v, 0);
    assert_true(bench_msr(cpu, bench_enc("CNTV_CTL_EL0"), 3)); /* masked */
    assert_int_equal(out_level, 0);
    assert_true(bench_msr(cpu, bench_enc("CNTV_CTL_EL0"), 1));
    assert_int_equal(out_level, 1);
    assert_true(bench_msr(cpu, bench_enc("CNTV_CVAL_EL0"), ~0ull)); /* a deadline beyond the clock */
    assert_int_equal(out_level, 0);
    assert_int_equal(cpu->gt[ARM_TIMER_VIRT].timer.deadline, ~0ull);
}

/* -- PMU --------------------------------------------------------------------------------------------------------- */

static void pmu_counts(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    u64 v;
    clock_set(1000);
    arm_set_pmu_out(&cpu->vcpu, (struct irq){.fn = out_set});
    out_level = 0;
    bench_at(cpu, 1);
    assert_true(bench_mrs(cpu, bench_enc("PMCR_EL0"), &v));
    assert_int_equal(v >> 11 & 31, 6);
    assert_true(bench_msr(cpu, bench_enc("PMEVTYPER0_EL0"), 0x11));
    assert_true(bench_msr(cpu, bench_enc("PMEVTYPER1_EL0"), 0));
    assert_true(bench_msr(cpu, bench_enc("PMEVTYPER2_EL0"), BIT(31) | 8)); /* not at EL1 */
    assert_true(bench_msr(cpu, bench_enc("PMEVCNTR0_EL0"), 0xfffffff0));
    assert_true(bench_msr(cpu, bench_enc("PMINTENSET_EL1"), 1));
    assert_true(bench_msr(cpu, bench_enc("PMCNTENSET_EL0"), BIT(31) | 7));
    assert_true(bench_msr(cpu, bench_enc("PMCR_EL0"), 7));
    assert_true(bench_msr(cpu, bench_enc("PMEVCNTR0_EL0"), 0xfffffff0));
    assert_int_equal(cpu->pmu_timer.deadline, 1016);
    clock_set(1010);
    assert_true(bench_mrs(cpu, bench_enc("PMCCNTR_EL0"), &v));
    assert_int_equal(v, 10);
    assert_true(bench_mrs(cpu, bench_enc("PMEVCNTR2_EL0"), &v));
    assert_int_equal(v, 0);
    assert_int_equal(out_level, 0);
    clock_set(1020);
    cpu->pmu_timer.fn(cpu->pmu_timer.opaque);
    assert_true(cpu->vcpu.rt.event & EVENT_TARGET);
    arm_interrupt(&cpu->vcpu);
    assert_int_equal(out_level, 1);
    assert_true(bench_mrs(cpu, bench_enc("PMOVSCLR_EL0"), &v));
    assert_int_equal(v, 1);
    assert_true(bench_msr(cpu, bench_enc("PMOVSCLR_EL0"), 1));
    assert_int_equal(out_level, 0);
    assert_true(bench_msr(cpu, bench_enc("PMSWINC_EL0"), 2));
    assert_true(bench_mrs(cpu, bench_enc("PMEVCNTR1_EL0"), &v));
    assert_int_equal(v, 1);
    arm_enter(cpu, 1, VECTOR_SYNC, 0);
    bench_at(cpu, 0);
    arm_mode_update(cpu);
}

/* -- pointer authentication -------------------------------------------------------------------------------------- */

/* Values a peer computes for the same keys. */
static void qarma5_values(void **state)
{
    (void)state;
    const u64 lo = 0x84be85ce9804e94b, hi = 0xec2802d4e0a488e9;
    assert_int_equal(pauth_qarma5(0xfb623599da6e8127, 0x477d469dec0b8762, lo, hi) >> 32, 0x99d88f44);
    assert_int_equal(pauth_qarma5(0x123456789abcdef0, 0, lo, hi) >> 32, 0x8e9ebf18);
    struct arm_cpu *cpu = bench_cpu("max,pauth-impdef=off", false, false);
    cpu->sr.APIAKeyLo_EL1 = lo;
    cpu->sr.APIAKeyHi_EL1 = hi;
    cpu->sr.TCR_EL1 = 0x0000006500803510ull | 25 << 16 | 25;
    bench_at(cpu, 1);
    assert_int_equal(arm_pauth_add(cpu, 0x10080000, 0x1234, PAUTH_IA), 0x10080000); /* the key is disabled */
    assert_int_equal(arm_pauth_aut(cpu, 0x10080000, 0x1234, PAUTH_IA), 0x10080000);
    cpu->sr.SCTLR_EL1 |= SCTLR_ENIA;
    bench_at(cpu, 1);
    u64 p = arm_pauth_add(cpu, 0xffff800010080000, 0x1234, PAUTH_IA);
    assert_int_equal(p, 0xffe0950010080000);
    assert_int_equal(arm_pauth_aut(cpu, p, 0x1234, PAUTH_IA), 0xffbfff8010080000); /* a bad pointer got a bad code */
    p = arm_pauth_add(cpu, 0x10080000, 0x1234, PAUTH_IA);
    assert_int_equal(p, 0x0027cb8010080000);
    assert_int_equal(arm_pauth_aut(cpu, p, 0x1235, PAUTH_IA), 0x0020000010080000);
    assert_int_equal(arm_pauth_aut(cpu, p, 0x1234, PAUTH_IA), 0x10080000);
    assert_int_equal(arm_pauth_add(cpu, 0x0100000010080000, 0x1234, PAUTH_IA), 0x0139ee0010080000);
    assert_int_equal(arm_pauth_strip(cpu, p, false), 0x10080000);
}

static void fast_codes_round_trip(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    u64 seed = 12345, changed = 0;
    cpu->sr.SCTLR_EL1 |= SCTLR_ENDA;
    printf("seed %llu\n", (unsigned long long)seed);
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        cpu->sr.TCR_EL1 = (16 + seed % 24) | (u64)(16 + (seed >> 8) % 24) << 16 | (seed >> 16 & 3) << 37;
        unsigned t0 = cpu->sr.TCR_EL1 & 63, t1 = cpu->sr.TCR_EL1 >> 16 & 63;
        cpu->sr.APDAKeyLo_EL1 = seed * 3;
        cpu->sr.APDAKeyHi_EL1 = seed * 7;
        bench_at(cpu, 1);
        u64 raw = seed * 0x9e3779b97f4a7c15;
        u64 p = seed >> 60 & 1 ? raw | ~MASK(64 - t1) : raw & MASK(64 - t0);
        u64 code = arm_pauth_add(cpu, p, seed, PAUTH_DA);
        assert_int_equal(arm_pauth_aut(cpu, code, seed, PAUTH_DA), p);
        assert_int_equal(arm_pauth_strip(cpu, code, true), p);
        assert_int_equal(code >> 55 & 1, p >> 55 & 1);
        changed += code != p;
    }
    assert_true(changed > 19000); /* a code of five bits and more is seldom that of the bare pointer */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sane),       cmocka_unit_test(access_bits_rule),
        cmocka_unit_test(storage_holds),       cmocka_unit_test(reset_is_idempotent),
        cmocka_unit_test(traps_route),         cmocka_unit_test(trap_syndrome),
        cmocka_unit_test(e2h_renames),         cmocka_unit_test(unknown_is_undefined),
        cmocka_unit_test(models_and_features), cmocka_unit_test(timer_counts),
        cmocka_unit_test(event_stream),        cmocka_unit_test(pmu_counts),
        cmocka_unit_test(qarma5_values),       cmocka_unit_test(fast_codes_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

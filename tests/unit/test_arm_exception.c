/* Exceptions: interrupt routing and masking against the manual's tables (DDI 0487, D1.3.6), entry and return, the
 * routing of SVC, HVC, SMC, aborts and debug exceptions, software step, breakpoints and watchpoints, PSCI. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "target/arm/helpers.h"
#include "target/arm/psci.h"
#include "tests/unit/arm_bench.h"

/* -- physical interrupts ----------------------------------------------------------------------------------------- */

/* What becomes of an interrupt at EL0..EL3: taken to that level whatever is masked ("A" of the tables, '1'..'3'), taken
 * there unless PSTATE masks it ("B", 'a'..'c' for EL1..EL3), not taken ("C", '-'). */
struct routing {
    u8 scr, hcr, tge, e2h; /* SCR_EL3.IRQ, HCR_EL2.IMO, TGE, E2H */
    const char *at;        /* EL0 EL1 EL2 EL3; x: cannot be */
};
static const struct routing routing[] = {
    {0, 0, 0, 0, "aa--"}, {0, 1, 0, 0, "22b-"}, {0, 0, 1, 0, "2xb-"}, {0, 1, 1, 0, "2xb-"},
    {0, 0, 0, 1, "aa--"}, {0, 1, 0, 1, "22b-"}, {0, 0, 1, 1, "bxb-"}, {0, 1, 1, 1, "bxb-"},
    {1, 0, 0, 0, "333c"}, {1, 1, 0, 0, "333c"}, {1, 0, 1, 0, "3x3c"}, {1, 1, 1, 1, "3x3c"},
};

static const struct kind {
    enum arm_pin pin;
    u64 scr, hcr;
    u32 mask;
    unsigned vector;
} kinds[] = {
    {ARM_IRQ, SCR_IRQ, HCR_IMO, PSTATE_I, 0x80},
    {ARM_FIQ, SCR_FIQ, HCR_FMO, PSTATE_F, 0x100},
};

static void one_interrupt(const struct kind *k, const struct routing *r, unsigned el, bool masked)
{
    struct arm_cpu *cpu = bench_cpu("max", true, true);
    cpu->sr.SCR_EL3 |= SCR_NS | (r->scr ? k->scr : 0);
    cpu->sr.HCR_EL2 |= (r->hcr ? k->hcr : 0) | (r->tge ? HCR_TGE : 0) | (r->e2h ? HCR_E2H : 0);
    cpu->sr.VBAR_EL1 = 0x10000;
    cpu->sr.VBAR_EL2 = 0x20000;
    cpu->sr.VBAR_EL3 = 0x30000;
    bench_at(cpu, el);
    cpu->daif = masked ? k->mask : 0;
    cpu->vcpu.lines = (u32)BIT(k->pin);
    char what = r->at[el];
    unsigned to = what == '-' || what == 'x' ? 0
                  : what >= 'a'              ? (masked ? 0 : (unsigned)(what - 'a' + 1))
                                             : (unsigned)(what - '0');
    if (what == 'x') {
        return;
    }
    bool taken = arm_interrupt(&cpu->vcpu);
    if (taken != (to != 0) || (taken && cpu->el != to)) {
        fail_msg("EL%u SCR %u HCR %u TGE %u E2H %u masked %d: went to %u, expected %u", el, r->scr, r->hcr, r->tge,
                 r->e2h, masked, taken ? cpu->el : 0, to);
    }
    if (taken) {
        unsigned from = to > el ? 0x400 : 0x200;
        assert_int_equal(cpu->vcpu.rt.pc, to * 0x10000 + from + k->vector);
        assert_int_equal(cpu->elr_el[to], BENCH_PC);
        assert_int_equal(cpu->spsr_el[to] & 0xf, el ? el << 2 | 1 : 0);
        assert_int_equal(cpu->daif, PSTATE_DAIF);
    }
    assert_true(arm_has_work(&cpu->vcpu)); /* WFI ends whatever is masked */
}

static void interrupts_route(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(routing); i++) {
        for (unsigned el = 0; el < 4; el++) {
            for (unsigned k = 0; k < 2; k++) {
                one_interrupt(&kinds[k], &routing[i], el, false);
                one_interrupt(&kinds[k], &routing[i], el, true);
            }
        }
    }
}

static void virtual_interrupts(void **state)
{
    (void)state;
    for (unsigned pin = 0; pin < 2; pin++) {
        struct arm_cpu *cpu = bench_cpu("max", true, false);
        cpu->sr.VBAR_EL1 = 0x10000;
        cpu->sr.HCR_EL2 |= HCR_IMO | (pin ? 0 : HCR_VI);
        cpu->vcpu.lines = pin ? (u32)BIT(ARM_VIRQ) : 0;
        bench_at(cpu, 2);
        assert_false(arm_interrupt(&cpu->vcpu)); /* EL2 does not take them */
        bench_at(cpu, 1);
        cpu->daif = PSTATE_I;
        assert_false(arm_interrupt(&cpu->vcpu));
        assert_int_equal(arm_isr(cpu), BIT(7));
        cpu->daif = 0;
        assert_true(arm_interrupt(&cpu->vcpu));
        assert_int_equal(cpu->el, 1);
        assert_int_equal(cpu->vcpu.rt.pc, 0x10280);
        cpu->sr.HCR_EL2 &= ~HCR_IMO; /* not enabled */
        bench_at(cpu, 1);
        assert_false(arm_interrupt(&cpu->vcpu));
    }
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    cpu->sr.HCR_EL2 |= HCR_AMO | HCR_VSE;
    cpu->sr.VSESR_EL2 = 0x123;
    bench_at(cpu, 0);
    assert_true(arm_interrupt(&cpu->vcpu));
    assert_int_equal(cpu->sr.ESR_EL1, arm_esr(EC_SERROR, 0x123));
    assert_false(cpu->sr.HCR_EL2 & HCR_VSE);
}

/* setjmp is kept away from the callers' variables. */
__attribute__((noinline)) static bool eret(struct arm_cpu *cpu)
{
    return BENCH_RUNS(arm_h_eret(&cpu->vcpu));
}

/* -- entry and return -------------------------------------------------------------------------------------------- */

static void entry_saves_everything(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    cpu->sr.SCTLR_EL1 &= ~SCTLR_SPAN;
    cpu->sr.SCTLR_EL1 |= SCTLR_DSSBS;
    cpu->sr.VBAR_EL1 = 0x8000;
    bench_at(cpu, 0);
    cpu->sp_el[1] = 0x1111;
    cpu->vcpu.rt.r[31] = 0x2222;
    cpu->nzcv = arm_nzcv_to_flags(0xa0000000);
    cpu->daif = PSTATE_F;
    cpu->uao = 0;
    cpu->dit = 1;
    cpu->btype = 2;
    arm_h_svc(&cpu->vcpu, 0x42, BENCH_PC + 4);
    assert_int_equal(cpu->el, 1);
    assert_int_equal(cpu->sr.ESR_EL1, 0x15ull << 26 | BIT(25) | 0x42);
    assert_int_equal(cpu->elr_el[1], BENCH_PC + 4);
    assert_int_equal(cpu->vcpu.rt.pc, 0x8400);
    assert_int_equal(cpu->spsr_el[1], 0xa0000000 | SPSR_DIT | 2 << SPSR_BTYPE | PSTATE_F);
    assert_int_equal(cpu->sp_el[0], 0x2222);
    assert_int_equal(cpu->vcpu.rt.r[31], 0x1111);
    assert_true(cpu->pan && cpu->ssbs && cpu->dit && !cpu->btype && cpu->spsel);
    assert_int_equal(MODE_EL(cpu->mode), 1);
    cpu->nzcv = 0;
    assert_true(eret(cpu));
    assert_int_equal(arm_pstate(cpu), 0xa0000000 | SPSR_DIT | PSTATE_F); /* BTYPE was checked by the return */
    assert_int_equal(cpu->vcpu.rt.pc, BENCH_PC + 4);
    assert_int_equal(cpu->vcpu.rt.r[31], 0x2222);
    assert_int_equal(cpu->sp_el[1], 0x1111);
    assert_int_equal(MODE_EL(cpu->mode), 0);
    cpu->sr.SCTLR_EL1 |= SCTLR_SPAN;
    arm_h_svc(&cpu->vcpu, 0, BENCH_PC);
    assert_false(cpu->pan);
}

/* All SPSR.M values from each level: which returns are illegal. */
static void illegal_returns(void **state)
{
    (void)state;
    for (unsigned from = 1; from < 4; from++) {
        for (unsigned m = 0; m < 32; m++) {
            for (unsigned ns = 0; ns < 2; ns++) {
                struct arm_cpu *cpu = bench_cpu("max", true, true);
                cpu->sr.SCR_EL3 |= ns ? SCR_NS : 0;
                if (from == 2 && !ns) {
                    continue;
                }
                bench_at(cpu, from);
                cpu->spsr_el[from] = m | 0x40000000;
                cpu->elr_el[from] = 0x1234;
                assert_true(eret(cpu));
                unsigned to = m >> 2 & 3;
                bool legal = !(m & 16) && !(m & 2) && m != 1 && to <= from && !(to == 2 && !ns);
                assert_int_equal(cpu->il, !legal);
                assert_int_equal(!!(cpu->mode & MODE_IL), !legal);
                assert_int_equal(cpu->el, legal ? to : from);
                assert_int_equal(cpu->vcpu.rt.pc, 0x1234);
                assert_int_equal(arm_flags_to_nzcv(cpu->nzcv), 0x40000000); /* restored either way */
                if (legal) {
                    assert_int_equal(cpu->spsel, m & 1);
                }
            }
        }
    }
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    cpu->sr.HCR_EL2 |= HCR_TGE;
    bench_at(cpu, 2);
    cpu->spsr_el[2] = 5; /* EL1h under TGE */
    assert_true(eret(cpu));
    assert_true(cpu->il);
}

static void tagged_return_address(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    cpu->sr.TCR_EL1 = TCR_TBI0 | TCR_TBI1;
    static const u64 a[][2] = {{0x5500000000001000, 0x1000}, {0x55ffffff00001000, 0xffffffff00001000}};
    for (unsigned i = 0; i < 2; i++) {
        bench_at(cpu, 1);
        cpu->spsr_el[1] = 0;
        cpu->elr_el[1] = a[i][0];
        assert_true(eret(cpu));
        assert_int_equal(cpu->vcpu.rt.pc, a[i][1]);
    }
}

/* -- instructions that cause exceptions -------------------------------------------------------------------------- */

struct call {
    char insn; /* s v(c) h(vc) m (smc) */
    u8 el;
    u64 scr, hcr; /* added to SCR_EL3, HCR_EL2 */
    u8 to;
    u8 ec;
    i8 ret; /* offset of the return address from the instruction */
    bool secure;
};
static const struct call calls[] = {
    {'s', 0, 0, 0, 1, EC_SVC, 4},
    {'s', 0, 0, HCR_TGE, 2, EC_SVC, 4},
    {'s', 1, 0, 0, 1, EC_SVC, 4},
    {'s', 2, 0, 0, 2, EC_SVC, 4},
    {'s', 3, 0, 0, 3, EC_SVC, 4},
    {'h', 0, SCR_HCE, 0, 1, EC_UNKNOWN, 0},
    {'h', 1, 0, 0, 1, EC_UNKNOWN, 0},
    {'h', 1, SCR_HCE, 0, 2, EC_HVC, 4},
    {'h', 2, SCR_HCE, 0, 2, EC_HVC, 4},
    {'h', 3, SCR_HCE, 0, 3, EC_HVC, 4},
    {'m', 0, 0, 0, 1, EC_UNKNOWN, 0},
    {'m', 1, 0, 0, 3, EC_SMC, 4},
    {'m', 1, 0, HCR_TSC, 2, EC_SMC, 0},
    {'m', 2, 0, HCR_TSC, 3, EC_SMC, 4},
    {'m', 1, SCR_SMD, 0, 1, EC_UNKNOWN, 0},
    {'m', 3, 0, 0, 3, EC_SMC, 4},
    {'h', 1, SCR_HCE, 0, 1, EC_UNKNOWN, 0, true}, /* no EL2 in Secure state */
    {'m', 1, 0, 0, 3, EC_SMC, 4, true},
    {'s', 0, 0, HCR_TGE, 1, EC_SVC, 4, true},
};

static void calls_route(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(calls); i++) {
        const struct call *c = &calls[i];
        struct arm_cpu *cpu = bench_cpu("max", true, true);
        cpu->sr.SCR_EL3 |= (c->secure ? 0 : SCR_NS) | c->scr;
        cpu->sr.HCR_EL2 |= c->hcr;
        bench_at(cpu, c->el);
        void (*fn)(struct vcpu *, u64, u64) = c->insn == 's' ? arm_h_svc : c->insn == 'h' ? arm_h_hvc : arm_h_smc;
        fn(&cpu->vcpu, 9, BENCH_PC + 4);
        if (cpu->el != c->to || *arm_esr_at(cpu, c->to) >> 26 != c->ec) {
            fail_msg("call %u: EL%u, EC %#llx", i, cpu->el, (unsigned long long)(*arm_esr_at(cpu, cpu->el) >> 26));
        }
        assert_int_equal(cpu->elr_el[c->to], BENCH_PC + (u64)c->ret);
        assert_int_equal(*arm_esr_at(cpu, c->to) & 0xffff, c->ec == EC_UNKNOWN ? 0 : 9);
    }
}

static void aborts_route(void **state)
{
    (void)state;
    static const struct {
        u8 el, acc;
        enum cpu_fault kind;
        u64 why, scr, hcr;
        u8 to;
        u32 esr;
    } a[] = {
        {0, MMU_LOAD, FAULT_TRANSLATION, 7, 0, 0, 1, 0x24u << 26 | 7},
        {1, MMU_STORE, FAULT_TRANSLATION, 0xd, 0, 0, 1, 0x25u << 26 | 0x4d},
        {0, MMU_FETCH, FAULT_TRANSLATION, 6, 0, 0, 1, 0x20u << 26 | 6},
        {1, MMU_FETCH, FAULT_TRANSLATION, 6, 0, 0, 1, 0x21u << 26 | 6},
        {0, MMU_LOAD, FAULT_TRANSLATION, 7, 0, HCR_TGE, 2, 0x24u << 26 | 7},
        {1, MMU_LOAD, FAULT_TRANSLATION, 7 | BIT(8), 0, 0, 2, 0x24u << 26 | 7},
        {1, MMU_LOAD, FAULT_TRANSLATION, 7 | BIT(8) | BIT(9), 0, 0, 2, 0x24u << 26 | 0x87},
        {1, MMU_LOAD, FAULT_ALIGN, 0, 0, 0, 1, 0x25u << 26 | 0x21},
        {1, MMU_STORE, FAULT_BUS, 0, 0, 0, 1, 0x25u << 26 | 0x50},
        {1, MMU_LOAD, FAULT_BUS, 0, 0, HCR_TEA, 2, 0x24u << 26 | 0x10},
        {1, MMU_LOAD, FAULT_BUS, 0, SCR_EA, HCR_TEA, 3, 0x24u << 26 | 0x10},
        {2, MMU_LOAD, FAULT_BUS, 0, 0, 0, 2, 0x25u << 26 | 0x10},
    };
    for (unsigned i = 0; i < ARRAY_LEN(a); i++) {
        struct arm_cpu *cpu = bench_cpu("max", true, true);
        cpu->sr.SCR_EL3 |= SCR_NS | a[i].scr;
        cpu->sr.HCR_EL2 |= a[i].hcr;
        bench_at(cpu, a[i].el);
        struct walk_result r = {.why = {a[i].why, 0x12345678}};
        arm_fault(&cpu->vcpu, a[i].kind, 0xabcd, a[i].acc, 4, 0, &r);
        assert_int_equal(cpu->el, a[i].to);
        assert_int_equal(*arm_esr_at(cpu, a[i].to), a[i].esr | BIT(25));
        assert_int_equal(*arm_far_at(cpu, a[i].to), 0xabcd);
        assert_int_equal(cpu->elr_el[a[i].to], BENCH_PC);
        if (a[i].why & BIT(8)) {
            assert_int_equal(cpu->sr.HPFAR_EL2, 0x12345678ull >> 12 << 4);
        }
    }
}

static void waits(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    bench_at(cpu, 1);
    assert_true(BENCH_RUNS(arm_h_wfx(&cpu->vcpu, 0, 0)));
    assert_true(cpu->vcpu.halted);
    cpu->vcpu.halted = false;
    cpu->vcpu.lines = BIT(ARM_IRQ);
    cpu->daif = PSTATE_I;
    assert_true(BENCH_RUNS(arm_h_wfx(&cpu->vcpu, 0, 0)));
    assert_false(cpu->vcpu.halted);
    cpu->vcpu.lines = 0;
    cpu->sr.HCR_EL2 |= HCR_TWI | HCR_TWE;
    bench_at(cpu, 1);
    assert_false(BENCH_RUNS(arm_h_wfx(&cpu->vcpu, 0, 0)));
    assert_int_equal(cpu->el, 2);
    assert_int_equal(cpu->sr.ESR_EL2, arm_esr(EC_WFX, 0x1e00000));
    bench_at(cpu, 1);
    cpu->event = true; /* WFE with the event register set does not wait, so does not trap */
    assert_true(BENCH_RUNS(arm_h_wfx(&cpu->vcpu, 1, 0)));
    assert_false(cpu->event);
    cpu->event = false;
    assert_false(BENCH_RUNS(arm_h_wfx(&cpu->vcpu, 1, 0)));
    assert_int_equal(cpu->sr.ESR_EL2, arm_esr(EC_WFX, 0x1e00001));
}

/* -- debug ------------------------------------------------------------------------------------------------------- */

/* A debugger at EL1 steps EL0 (D2.12). */
static void steps_user_code(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    cpu->sr.OSLSR_EL1 = 8;
    bench_at(cpu, 1);
    assert_true(bench_msr(cpu, bench_enc("MDSCR_EL1"), MDSCR_SS));
    assert_false(cpu->mode & MODE_STEP);
    cpu->spsr_el[1] = SPSR_SS;
    cpu->elr_el[1] = 0x4000;
    assert_true(eret(cpu));
    assert_true(cpu->mode & MODE_STEP && cpu->mode & MODE_STEP_SS);
    arm_h_step_done(&cpu->vcpu, 0x4004, 1);
    assert_true(cpu->mode & MODE_STEP && !(cpu->mode & MODE_STEP_SS));
    assert_int_equal(cpu->vcpu.rt.pc, 0x4004);
    assert_false(BENCH_RUNS(arm_h_step_pending(&cpu->vcpu)));
    assert_int_equal(cpu->sr.ESR_EL1, arm_esr(EC_STEP_LOWER, 0x22 | BIT(24) | BIT(6)));
    assert_false(cpu->spsr_el[1] & SPSR_SS);
    assert_false(cpu->mode & MODE_STEP);
    /* an SVC that is stepped has stepped */
    cpu->spsr_el[1] = SPSR_SS;
    assert_true(eret(cpu));
    arm_h_svc(&cpu->vcpu, 0, 0x4008);
    assert_false(cpu->spsr_el[1] & SPSR_SS);
    /* an instruction that faults has not */
    cpu->spsr_el[1] = SPSR_SS;
    assert_true(eret(cpu));
    assert_false(BENCH_RUNS(arm_h_undefined(&cpu->vcpu)));
    assert_true(cpu->spsr_el[1] & SPSR_SS);
    /* the OS lock forbids all */
    assert_true(bench_msr(cpu, bench_enc("OSLAR_EL1"), 1));
    cpu->spsr_el[1] = SPSR_SS;
    assert_true(eret(cpu));
    assert_false(cpu->mode & MODE_STEP);
}

static void breaks_and_watches(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    cpu->sr.OSLSR_EL1 = 8;
    bench_at(cpu, 1);
    assert_true(bench_msr(cpu, bench_enc("DBGBVR2_EL1"), BENCH_PC));
    assert_true(bench_msr(cpu, bench_enc("DBGBCR2_EL1"), 0xf << 5 | 2 << 1 | 1)); /* EL0 */
    assert_true(bench_msr(cpu, bench_enc("DBGWVR1_EL1"), 0x5000));
    assert_true(
        bench_msr(cpu, bench_enc("DBGWCR1_EL1"), 0x3c << 5 | 2 << 3 | 2 << 1 | 1)); /* bytes 2..5, stores, EL0 */
    assert_true(bench_msr(cpu, bench_enc("MDSCR_EL1"), MDSCR_MDE));
    assert_false(cpu->mode & MODE_BREAK);
    bench_at(cpu, 0);
    assert_true(cpu->mode & MODE_BREAK);
    assert_true(arm_watch_page(&cpu->vcpu, 0x5000));
    assert_false(arm_watch_page(&cpu->vcpu, 0x6000));
    assert_false(arm_watch_hit(&cpu->vcpu, 0x5002, 1, MMU_LOAD));
    assert_true(arm_watch_hit(&cpu->vcpu, 0x5002, 1, MMU_STORE));
    assert_true(arm_watch_hit(&cpu->vcpu, 0x5000, 8, MMU_STORE));
    assert_false(arm_watch_hit(&cpu->vcpu, 0x5000, 2, MMU_STORE));
    assert_false(arm_watch_hit(&cpu->vcpu, 0x5006, 2, MMU_STORE));
    assert_false(BENCH_RUNS(arm_h_break_check(&cpu->vcpu)));
    assert_int_equal(cpu->el, 1);
    assert_int_equal(cpu->sr.ESR_EL1, arm_esr(EC_BREAK_LOWER, 0x22));
    assert_int_equal(cpu->elr_el[1], BENCH_PC);
    bench_at(cpu, 0);
    arm_fault(&cpu->vcpu, FAULT_WATCH, 0x5003, MMU_STORE, 1, 0, NULL);
    assert_int_equal(cpu->sr.ESR_EL1, arm_esr(EC_WATCH_LOWER, 0x22 | 0x40));
    assert_int_equal(cpu->sr.FAR_EL1, 0x5003);
    cpu->sr.MDCR_EL2 |= MDCR_TDE; /* a hypervisor debugs the guest: EL1 too is below its level */
    bench_at(cpu, 0);
    assert_false(BENCH_RUNS(arm_h_break_check(&cpu->vcpu)));
    assert_int_equal(cpu->el, 2);
    /* linked to a context */
    bench_at(cpu, 2);
    cpu->sr.MDCR_EL2 &= ~MDCR_TDE;
    bench_at(cpu, 1);
    assert_true(bench_msr(cpu, bench_enc("DBGBVR5_EL1"), 77));
    assert_true(bench_msr(cpu, bench_enc("DBGBCR5_EL1"), 3 << 20 | 0xf << 5 | 2 << 1 | 1));
    assert_true(bench_msr(cpu, bench_enc("DBGBCR2_EL1"), 1 << 20 | 5 << 16 | 0xf << 5 | 2 << 1 | 1));
    bench_at(cpu, 0);
    assert_true(BENCH_RUNS(arm_h_break_check(&cpu->vcpu)));
    cpu->sr.CONTEXTIDR_EL1 = 77;
    assert_false(BENCH_RUNS(arm_h_break_check(&cpu->vcpu)));
}

/* -- PSCI -------------------------------------------------------------------------------------------------------- */

static void psci_answers(void **state)
{
    (void)state;
    struct arm_cpu *cpu = bench_cpu("max", false, false);
    struct vcpu *all[1] = {&cpu->vcpu};
    arm_set_cpus(all, 1);
    cpu->opts.psci = ARM_PSCI_HVC;
    bench_at(cpu, 1);
    u64 *x = cpu->vcpu.rt.r;
    x[0] = 0x84000000;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_int_equal(x[0], 0x10001);
    assert_int_equal(cpu->vcpu.rt.pc, BENCH_PC + 4);
    assert_int_equal(cpu->el, 1);
    x[0] = 0xc4000003;
    x[1] = 0;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_int_equal((i64)x[0], -4);
    x[0] = 0xc4000003;
    x[1] = 1;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_int_equal((i64)x[0], -2);
    x[0] = 0x8400abcd;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_int_equal((i64)x[0], -1);
    x[0] = 0x84000002;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_true(cpu->vcpu.powered_off);
    x[0] = 0xc4000003; /* another cpu would call: here it starts itself */
    x[1] = 0;
    x[2] = 0x7000;
    x[3] = 99;
    arm_h_hvc(&cpu->vcpu, 0, BENCH_PC + 4);
    assert_int_equal(x[0], 0);
    assert_false(cpu->vcpu.powered_off);
    assert_true(arm_interrupt(&cpu->vcpu));
    assert_int_equal(cpu->vcpu.rt.pc, 0x7000);
    assert_int_equal(x[0], 99);
    assert_int_equal(cpu->el, 1);
    assert_int_equal(cpu->daif, PSTATE_DAIF);
    assert_int_equal(atomic_load(&cpu->power), POWER_NORMAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupts_route),       cmocka_unit_test(virtual_interrupts),
        cmocka_unit_test(entry_saves_everything), cmocka_unit_test(illegal_returns),
        cmocka_unit_test(tagged_return_address),  cmocka_unit_test(calls_route),
        cmocka_unit_test(aborts_route),           cmocka_unit_test(waits),
        cmocka_unit_test(steps_user_code),        cmocka_unit_test(breaks_and_watches),
        cmocka_unit_test(psci_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

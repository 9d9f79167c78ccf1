/* CPU models: identification registers as the technical reference manuals print them (Cortex-A53 DDI 0500, A57 DDI
 * 0488, A72 100095, A76 100798, Neoverse N1 100616), less what moss does not have: AArch32 (ID_AA64PFR0.ELx = 1 and the
 * AArch32 ID registers 0), statistical profiling, trace. `max` is all that moss implements.
 *
 * What the CPU does follows from these registers alone (arm_features_derive), so a feature switched off by -cpu is a
 * field set to 0. */
#include "target/arm/models.h"

#include <string.h>

#include "base/opts.h"
#include "target/arm/sysreg.h"

#define ID(reg, value) \
    { \
        offsetof(struct arm_sysregs, reg), value \
    }
#define PMCEID0      0x40020101 /* SW_INCR, INST_RETIRED, CPU_CYCLES, CHAIN */
#define PMCEID1_V8_1 0x18       /* STALL_FRONTEND, STALL_BACKEND: they never happen */

static const struct arm_id a53_ids[] = {
    ID(MIDR_EL1, 0x410fd034),      ID(ID_AA64PFR0_EL1, 0x1111),  ID(ID_AA64DFR0_EL1, 0x10305106),
    ID(ID_AA64ISAR0_EL1, 0x11120), ID(ID_AA64MMFR0_EL1, 0x1122), ID(CLIDR_EL1, 0x0a200023),
    ID(CTR_EL0, 0x84448004),       ID(PMCR_EL0, 0x41033000),     ID(PMCEID0_EL0, PMCEID0),
    ID(SCTLR_EL1, 0xc50838),
};
static const struct arm_id a57_ids[] = {
    ID(MIDR_EL1, 0x411fd070),      ID(ID_AA64PFR0_EL1, 0x1111),  ID(ID_AA64DFR0_EL1, 0x10305106),
    ID(ID_AA64ISAR0_EL1, 0x11120), ID(ID_AA64MMFR0_EL1, 0x1124), ID(CLIDR_EL1, 0x0a200023),
    ID(CTR_EL0, 0x8444c004),       ID(PMCR_EL0, 0x41013000),     ID(PMCEID0_EL0, PMCEID0),
    ID(SCTLR_EL1, 0xc50838),
};
static const struct arm_id a72_ids[] = {
    ID(MIDR_EL1, 0x410fd083),      ID(ID_AA64PFR0_EL1, 0x1111),  ID(ID_AA64DFR0_EL1, 0x10305106),
    ID(ID_AA64ISAR0_EL1, 0x11120), ID(ID_AA64MMFR0_EL1, 0x1124), ID(CLIDR_EL1, 0x0a200023),
    ID(CTR_EL0, 0x8444c004),       ID(PMCR_EL0, 0x41023000),     ID(PMCEID0_EL0, PMCEID0),
    ID(SCTLR_EL1, 0xc50838),
};
static const struct arm_id a76_ids[] = {
    ID(MIDR_EL1, 0x414fd0b1),
    ID(ID_AA64PFR0_EL1, 0x1100000010111111),
    ID(ID_AA64PFR1_EL1, 0x10),
    ID(ID_AA64DFR0_EL1, 0x10305408),
    ID(ID_AA64ISAR0_EL1, 0x0000100010211120),
    ID(ID_AA64ISAR1_EL1, 0x100001),
    ID(ID_AA64MMFR0_EL1, 0x101122),
    ID(ID_AA64MMFR1_EL1, 0x10212122),
    ID(ID_AA64MMFR2_EL1, 0x1011),
    ID(CLIDR_EL1, 0x82000023),
    ID(CTR_EL0, 0x8444c004),
    ID(PMCR_EL0, 0x410b3000),
    ID(PMCEID0_EL0, PMCEID0),
    ID(PMCEID1_EL0, PMCEID1_V8_1),
    ID(SCTLR_EL1, 0x30c50838),
};
static const struct arm_id n1_ids[] = {
    ID(MIDR_EL1, 0x414fd0c1),
    ID(ID_AA64PFR0_EL1, 0x1100000010111111),
    ID(ID_AA64PFR1_EL1, 0x20),
    ID(ID_AA64DFR0_EL1, 0x10305408),
    ID(ID_AA64ISAR0_EL1, 0x0000100010211120),
    ID(ID_AA64ISAR1_EL1, 0x100001),
    ID(ID_AA64MMFR0_EL1, 0x101125),
    ID(ID_AA64MMFR1_EL1, 0x10212122),
    ID(ID_AA64MMFR2_EL1, 0x1011),
    ID(CLIDR_EL1, 0x82000023),
    ID(CTR_EL0, 0x8444c004),
    ID(PMCR_EL0, 0x410c3000),
    ID(PMCEID0_EL0, PMCEID0),
    ID(PMCEID1_EL0, PMCEID1_V8_1),
    ID(SCTLR_EL1, 0x30c50838),
};
/* CTR_EL0.{DIC,IDC}: moss notices new code by itself, so a guest needs no cache maintenance. */
static const struct arm_id max_ids[] = {
    ID(MIDR_EL1, 0x000f0510),
    ID(ID_AA64PFR0_EL1, 0x1101000010111111), /* CSV3, CSV2, DIT, RAS, FP16 */
    ID(ID_AA64PFR1_EL1, 0x21),               /* SSBS2, BTI */
    ID(ID_AA64DFR0_EL1, 0x10305408),         /* debug v8.2, PMUv3.1 */
    ID(ID_AA64ISAR0_EL1,
       0x1221100110212120), /* RNG, TLBIRANGE, FlagM2, FHM, DP, SHA3, RDM, LSE, CRC32, SHA512, PMULL */
    ID(ID_AA64ISAR1_EL1,
       0x0010111110211102), /* I8MM, BF16, SPECRES, SB, FRINTTS, GPI, LRCPC2, FCMA, JSCVT, API, DPB2 */
    ID(ID_AA64MMFR0_EL1, 0x0000022200101125), /* 48 bits, all granules at both stages */
    ID(ID_AA64MMFR1_EL1, 0x0000001010211122), /* ETS, XNX, PAN2, LOR, HPD, VHE, VMID16, HAFDBS */
    ID(ID_AA64MMFR2_EL1, 0x1201000000001011), /* E0PD, EVT, TTL, IESB, UAO, CnP; not LSE2: pairs are no unit */
    ID(CLIDR_EL1, 0x02000023),
    ID(CTR_EL0, 0xb444c004),
    ID(PMCR_EL0, 0x41013000),
    ID(PMCEID0_EL0, PMCEID0),
    ID(PMCEID1_EL0, PMCEID1_V8_1),
    ID(SCTLR_EL1, 0xc50838),
};

#define MODEL(name, text, cc0, cc1, cc2) \
    static const struct arm_model name##_model = { \
        .compatible = text, .ccsidr = {cc0, cc1, cc2}, .ids = name##_ids, .nids = ARRAY_LEN(name##_ids)}
MODEL(a53, "arm,cortex-a53", 0x700fe01a, 0x201fe00a, 0x707fe07a);
MODEL(a57, "arm,cortex-a57", 0x701fe00a, 0x201fe012, 0x70ffe07a);
MODEL(a72, "arm,cortex-a72", 0x701fe00a, 0x201fe012, 0x707fe07a);
MODEL(a76, "arm,cortex-a76", 0x701fe01a, 0x201fe01a, 0x707fe03a);
MODEL(n1, "arm,neoverse-n1", 0x701fe01a, 0x201fe01a, 0x70ffe03a);
MODEL(max, "arm,armv8", 0x701fe00a, 0x201fe012, 0x70ffe07a);

const struct cpu_model arm_models[] = {
    {"max", "everything moss has: Armv8.5-A and more, AArch64 only", &max_model},
    {"cortex-a53", "Armv8.0-A, 40-bit physical addresses", &a53_model},
    {"cortex-a57", "Armv8.0-A, 44-bit physical addresses", &a57_model},
    {"cortex-a72", "Armv8.0-A, 44-bit physical addresses", &a72_model},
    {"cortex-a76", "Armv8.2-A, 40-bit physical addresses", &a76_model},
    {"neoverse-n1", "Armv8.2-A, 48-bit physical addresses", &n1_model},
    {0},
};

/* -- features ---------------------------------------------------------------------------------------------------- */

struct id_field {
    u16 reg; /* offset in struct arm_sysregs */
    u8 shift, least;
};
#define F(reg, shift, least) \
    { \
        offsetof(struct arm_sysregs, reg), shift, least \
    }

static const struct {
    u8 feature;
    struct id_field f;
} insn_features[] = {
    {ARM_FEAT_FP16, F(ID_AA64PFR0_EL1, 16, 1)},     {ARM_FEAT_DIT, F(ID_AA64PFR0_EL1, 48, 1)},
    {ARM_FEAT_RAS, F(ID_AA64PFR0_EL1, 28, 1)},      {ARM_FEAT_BTI, F(ID_AA64PFR1_EL1, 0, 1)},
    {ARM_FEAT_SSBS, F(ID_AA64PFR1_EL1, 4, 2)},      {ARM_FEAT_AES, F(ID_AA64ISAR0_EL1, 4, 1)},
    {ARM_FEAT_PMULL, F(ID_AA64ISAR0_EL1, 4, 2)},    {ARM_FEAT_SHA1, F(ID_AA64ISAR0_EL1, 8, 1)},
    {ARM_FEAT_SHA256, F(ID_AA64ISAR0_EL1, 12, 1)},  {ARM_FEAT_SHA512, F(ID_AA64ISAR0_EL1, 12, 2)},
    {ARM_FEAT_CRC32, F(ID_AA64ISAR0_EL1, 16, 1)},   {ARM_FEAT_LSE, F(ID_AA64ISAR0_EL1, 20, 2)},
    {ARM_FEAT_RDM, F(ID_AA64ISAR0_EL1, 28, 1)},     {ARM_FEAT_SHA3, F(ID_AA64ISAR0_EL1, 32, 1)},
    {ARM_FEAT_SM3, F(ID_AA64ISAR0_EL1, 36, 1)},     {ARM_FEAT_SM4, F(ID_AA64ISAR0_EL1, 40, 1)},
    {ARM_FEAT_DOTPROD, F(ID_AA64ISAR0_EL1, 44, 1)}, {ARM_FEAT_FHM, F(ID_AA64ISAR0_EL1, 48, 1)},
    {ARM_FEAT_FLAGM, F(ID_AA64ISAR0_EL1, 52, 1)},   {ARM_FEAT_FLAGM2, F(ID_AA64ISAR0_EL1, 52, 2)},
    {ARM_FEAT_RNG, F(ID_AA64ISAR0_EL1, 60, 1)},     {ARM_FEAT_DPB, F(ID_AA64ISAR1_EL1, 0, 1)},
    {ARM_FEAT_DPB2, F(ID_AA64ISAR1_EL1, 0, 2)},     {ARM_FEAT_PAUTH, F(ID_AA64ISAR1_EL1, 4, 1)},
    {ARM_FEAT_PAUTH, F(ID_AA64ISAR1_EL1, 8, 1)},    {ARM_FEAT_JSCVT, F(ID_AA64ISAR1_EL1, 12, 1)},
    {ARM_FEAT_FCMA, F(ID_AA64ISAR1_EL1, 16, 1)},    {ARM_FEAT_LRCPC, F(ID_AA64ISAR1_EL1, 20, 1)},
    {ARM_FEAT_LRCPC2, F(ID_AA64ISAR1_EL1, 20, 2)},  {ARM_FEAT_FRINTTS, F(ID_AA64ISAR1_EL1, 32, 1)},
    {ARM_FEAT_SB, F(ID_AA64ISAR1_EL1, 36, 1)},      {ARM_FEAT_SPECRES, F(ID_AA64ISAR1_EL1, 40, 1)},
    {ARM_FEAT_BF16, F(ID_AA64ISAR1_EL1, 44, 1)},    {ARM_FEAT_I8MM, F(ID_AA64ISAR1_EL1, 52, 1)},
    {ARM_FEAT_LOR, F(ID_AA64MMFR1_EL1, 16, 1)},     {ARM_FEAT_PAN, F(ID_AA64MMFR1_EL1, 20, 1)},
    {ARM_FEAT_UAO, F(ID_AA64MMFR2_EL1, 4, 1)},      {ARM_FEAT_LSE2, F(ID_AA64MMFR2_EL1, 32, 1)},
};

static const struct {
    u8 feature;
    struct id_field f;
} sys_features[] = {
    {SYS_EL2, F(ID_AA64PFR0_EL1, 8, 1)},      {SYS_EL3, F(ID_AA64PFR0_EL1, 12, 1)},
    {SYS_PMU, F(ID_AA64DFR0_EL1, 8, 1)},      {SYS_VHE, F(ID_AA64MMFR1_EL1, 8, 1)},
    {SYS_HAF, F(ID_AA64MMFR1_EL1, 0, 1)},     {SYS_HDBS, F(ID_AA64MMFR1_EL1, 0, 2)},
    {SYS_HPD, F(ID_AA64MMFR1_EL1, 12, 1)},    {SYS_XNX, F(ID_AA64MMFR1_EL1, 28, 1)},
    {SYS_E0PD, F(ID_AA64MMFR2_EL1, 60, 1)},   {SYS_EVT, F(ID_AA64MMFR2_EL1, 56, 2)},
    {SYS_TLBIOS, F(ID_AA64ISAR0_EL1, 56, 1)}, {SYS_TLBIRANGE, F(ID_AA64ISAR0_EL1, 56, 2)},
    {SYS_PANX, F(ID_AA64MMFR1_EL1, 20, 1)},   {SYS_PAN2, F(ID_AA64MMFR1_EL1, 20, 2)},
    {SYS_LORX, F(ID_AA64MMFR1_EL1, 16, 1)},   {SYS_UAOX, F(ID_AA64MMFR2_EL1, 4, 1)},
    {SYS_DPBX, F(ID_AA64ISAR1_EL1, 0, 1)},    {SYS_DPB2X, F(ID_AA64ISAR1_EL1, 0, 2)},
    {SYS_PAUTHX, F(ID_AA64ISAR1_EL1, 4, 1)},  {SYS_PAUTHX, F(ID_AA64ISAR1_EL1, 8, 1)},
    {SYS_SSBSX, F(ID_AA64PFR1_EL1, 4, 2)},    {SYS_RASX, F(ID_AA64PFR0_EL1, 28, 1)},
    {SYS_RNGX, F(ID_AA64ISAR0_EL1, 60, 1)},   {SYS_SPECRESX, F(ID_AA64ISAR1_EL1, 40, 1)},
    {SYS_BTIX, F(ID_AA64PFR1_EL1, 0, 1)},     {SYS_DITX, F(ID_AA64PFR0_EL1, 48, 1)},
};

static u64 *id_at(struct arm_cpu *cpu, u32 off)
{
    return (u64 *)(void *)((char *)&cpu->sr + off);
}

static bool field_has(struct arm_cpu *cpu, const struct id_field *f)
{
    u64 v = bits(*id_at(cpu, f->reg), f->shift, 4);
    return v >= f->least && v != 15;
}

void arm_features_derive(struct arm_cpu *cpu)
{
    cpu->features = 0;
    cpu->sys_features = BIT(SYS_ALWAYS) | (cpu->opts.gicv3_regs ? BIT(SYS_GICV3) : 0);
    if (bits(cpu->sr.ID_AA64PFR0_EL1, 16, 4) != 15) {
        cpu->features |= BIT(ARM_FEAT_FP) | BIT(ARM_FEAT_SIMD);
    }
    for (unsigned i = 0; i < ARRAY_LEN(insn_features); i++) {
        cpu->features |= field_has(cpu, &insn_features[i].f) ? BIT(insn_features[i].feature) : 0;
    }
    for (unsigned i = 0; i < ARRAY_LEN(sys_features); i++) {
        cpu->sys_features |= field_has(cpu, &sys_features[i].f) ? BIT(sys_features[i].feature) : 0;
    }
    static const u8 pa_bits[8] = {32, 36, 40, 42, 44, 48, 48, 48};
    cpu->pa_bits = pa_bits[cpu->sr.ID_AA64MMFR0_EL1 & 7];
    cpu->pauth_qarma = bits(cpu->sr.ID_AA64ISAR1_EL1, 4, 4);
    cpu->features_id = (u8)arm_features_id(cpu->features);
}

/* -- interned feature words -------------------------------------------------------------------------------------- */

static u64 feature_words[256];
static unsigned nfeature_words;

unsigned arm_features_id(u64 features)
{
    for (unsigned i = 0; i < nfeature_words; i++) {
        if (feature_words[i] == features) {
            return i;
        }
    }
    must(nfeature_words < ARRAY_LEN(feature_words));
    feature_words[nfeature_words] = features;
    return nfeature_words++;
}

u64 arm_features(unsigned id)
{
    check(id < nfeature_words);
    return feature_words[id];
}

/* -- what -cpu may say ------------------------------------------------------------------------------------------- */

/* Features that go by setting a field to 0. Several rows of a name go together. */
static const struct {
    const char *name;
    u16 reg;
    u8 shift;
} switches[] = {
#define S(name, reg, shift) \
    { \
        name, offsetof(struct arm_sysregs, reg), shift \
    }
    S("pmu", ID_AA64DFR0_EL1, 8),       S("el2", ID_AA64PFR0_EL1, 8),     S("el3", ID_AA64PFR0_EL1, 12),
    S("pauth", ID_AA64ISAR1_EL1, 4),    S("pauth", ID_AA64ISAR1_EL1, 8),  S("pauth", ID_AA64ISAR1_EL1, 24),
    S("pauth", ID_AA64ISAR1_EL1, 28),   S("aes", ID_AA64ISAR0_EL1, 4),    S("sha1", ID_AA64ISAR0_EL1, 8),
    S("sha2", ID_AA64ISAR0_EL1, 12),    S("crc32", ID_AA64ISAR0_EL1, 16), S("lse", ID_AA64ISAR0_EL1, 20),
    S("rdm", ID_AA64ISAR0_EL1, 28),     S("sha3", ID_AA64ISAR0_EL1, 32),  S("dotprod", ID_AA64ISAR0_EL1, 44),
    S("fhm", ID_AA64ISAR0_EL1, 48),     S("flagm", ID_AA64ISAR0_EL1, 52), S("rng", ID_AA64ISAR0_EL1, 60),
    S("jscvt", ID_AA64ISAR1_EL1, 12),   S("fcma", ID_AA64ISAR1_EL1, 16),  S("lrcpc", ID_AA64ISAR1_EL1, 20),
    S("frintts", ID_AA64ISAR1_EL1, 32), S("sb", ID_AA64ISAR1_EL1, 36),    S("bf16", ID_AA64ISAR1_EL1, 44),
    S("i8mm", ID_AA64ISAR1_EL1, 52),    S("bti", ID_AA64PFR1_EL1, 0),     S("ssbs", ID_AA64PFR1_EL1, 4),
    S("ras", ID_AA64PFR0_EL1, 28),      S("dit", ID_AA64PFR0_EL1, 48),    S("fp16", ID_AA64PFR0_EL1, 16),
    S("fp16", ID_AA64PFR0_EL1, 20),     S("vhe", ID_AA64MMFR1_EL1, 8),    S("pan", ID_AA64MMFR1_EL1, 20),
    S("hafdbs", ID_AA64MMFR1_EL1, 0),   S("uao", ID_AA64MMFR2_EL1, 4),    S("e0pd", ID_AA64MMFR2_EL1, 60),
    S("csv3", ID_AA64PFR0_EL1, 60),
#undef S
};
/* Names of what moss lacks: off is the truth, on is refused. */
static const char *const absent[] = {"sve", "sme", "mte", "lpa2", "sve2", NULL};
/* Accepted whatever they say: they tell QEMU about KVM. */
static const char *const ignored[] = {"kvm-no-adjvtime", "kvm-steal-time", "rme", "backcompat-cntfrq", NULL};
static const char *const special[] = {"aarch64", "pauth-impdef", "pauth-qarma5", "pauth-qarma3", NULL};

static bool is_in(const char *const *list, const char *name)
{
    for (; *list; list++) {
        if (!strcmp(*list, name)) {
            return true;
        }
    }
    return false;
}

static bool unknown_feature(const char *name, struct err *e)
{
    const char *names[ARRAY_LEN(switches) + ARRAY_LEN(absent) + ARRAY_LEN(special) + 1];
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_LEN(switches); i++) {
        names[n++] = switches[i].name;
    }
    for (unsigned i = 0; absent[i]; i++) {
        names[n++] = absent[i];
    }
    for (unsigned i = 0; special[i]; i++) {
        names[n++] = special[i];
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    return near ? err_set(e, "the CPU has no feature \"%s\"; did you mean \"%s\"?", name, near)
                : err_set(e, "the CPU has no feature \"%s\"", name);
}

/* Which function makes pointer authentication codes: fields APA and GPA (QARMA5) or API and GPI (the fast one). */
static void pauth_select(struct arm_cpu *cpu, bool qarma)
{
    u64 *r = &cpu->sr.ID_AA64ISAR1_EL1;
    bool on = bits(*r, 4, 4) || bits(*r, 8, 4);
    *r = deposit(deposit(*r, 4, 4, on && qarma), 24, 4, on && qarma);
    *r = deposit(deposit(*r, 8, 4, on && !qarma), 28, 4, on && !qarma);
}

static bool feature_switch(struct arm_cpu *cpu, const char *name, bool on, struct err *e)
{
    bool known = false, there = false;
    for (unsigned i = 0; i < ARRAY_LEN(switches); i++) {
        if (!strcmp(switches[i].name, name)) {
            u64 *r = id_at(cpu, switches[i].reg);
            known = true;
            there |= bits(*r, switches[i].shift, 4) != 0;
            if (!on) {
                *r = deposit(*r, switches[i].shift, 4, 0);
            }
        }
    }
    if (!known) {
        return unknown_feature(name, e);
    }
    return !on || there ||
           err_set(e, "this CPU model lacks the feature \"%s\"; -cpu max has everything moss has", name);
}

static bool feature_set(struct arm_cpu *cpu, const char *name, const char *value, struct err *e)
{
    bool on;
    if (is_in(ignored, name)) {
        return true;
    }
    if (!parse_bool(value, &on)) {
        return err_set(e, "CPU feature \"%s\" is on or off, not \"%s\"", name, value);
    }
    if (is_in(absent, name)) {
        return !on || err_set(e, "CPU feature \"%s\" is not there yet; only %s=off is accepted", name, name);
    }
    if (!strcmp(name, "aarch64")) {
        return on || err_set(e, "aarch64=off: AArch32 is not there yet");
    }
    if (!strcmp(name, "pauth-impdef")) {
        pauth_select(cpu, !on);
        return true;
    }
    if (!strcmp(name, "pauth-qarma5")) {
        pauth_select(cpu, on);
        return true;
    }
    if (!strcmp(name, "pauth-qarma3")) {
        return !on || err_set(e, "pauth-qarma3 is not there; pauth-qarma5=on selects the other standard function");
    }
    return feature_switch(cpu, name, on, e);
}

bool arm_model_apply(struct arm_cpu *cpu, const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "model", e);
    const struct cpu_model *m = ok ? cpu_model_find(arm_models, opts_str(&o, "model", "max"), e) : NULL;
    ok = m != NULL;
    if (ok) {
        cpu->model = m->data;
        for (unsigned i = 0; i < cpu->model->nids; i++) {
            *id_at(cpu, cpu->model->ids[i].off) = cpu->model->ids[i].val;
        }
    }
    for (size_t i = 0; ok && i < o.n; i++) {
        if (strcmp(o.v[i].key, "model")) {
            ok = feature_set(cpu, o.v[i].key, o.v[i].value, e);
        }
    }
    opts_free(&o);
    return ok;
}

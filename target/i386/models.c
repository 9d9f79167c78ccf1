/* CPU models, and what -cpu makes of one: a model's features by name, then those switched on or off. What moss does not
 * translate is taken away, and reported as a gap (-d unimp).
 *
 * SPEC: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E; the processors' own CPUID for models named after one.
 */
#include "target/i386/models.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/opts.h"
#include "target/i386/cpu.h"
#include "target/i386/cpuid.h"

/* -- features ------------------------------------------------------------------------------------------------------ */

static const struct feature {
    const char *name, *other, *shown;
    u8 word, bit, decoder;
} features[] = {
#define _(word, bit, name, other, shown, decoder) {name, other, shown, WORD_##word, bit, decoder},
#include "target/i386/features.def"
#undef _
};

/* What a processor without CPUID has, by family: rows of insns/ that no bit of CPUID stands for. */
static void features_by_family(struct x86_cpu *cpu, struct x86_features *f)
{
    unsigned more[8], n = 0;
    if (cpu->id.family >= 4) {
        more[n++] = X86_FEAT_I486;
    }
    if (x86_has(f, X86_FEAT_X87)) {
        more[n++] = X86_FEAT_I387;
    }
    if (cpu->id.model->level) {
        more[n++] = X86_FEAT_CPUID;
    }
    if (cpu->id.family >= 6) {
        more[n++] = X86_FEAT_RDPMC;
    }
    if (cpu->id.words[WORD_81_EDX] & BIT(29)) { /* APM volume 3, PREFETCH: any processor with 64-bit mode has them */
        more[n++] = X86_FEAT_PREFETCHW;
    }
    for (unsigned i = 0; i < n; i++) {
        f->w[more[i] / 64] |= BIT(more[i] % 64);
    }
}

/* Rows that two features make. */
static void features_of_two(struct x86_features *f)
{
    static const u8 pairs[][3] = {
        {X86_FEAT_AVXAES, X86_FEAT_AVX, X86_FEAT_AES},
        {X86_FEAT_AVXPCLMUL, X86_FEAT_AVX, X86_FEAT_PCLMULQDQ},
        {X86_FEAT_FCMOV, X86_FEAT_CMOV, X86_FEAT_X87},
        {X86_FEAT_MMXEXT, X86_FEAT_SSE, X86_FEAT_SSE},
    };
    for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
        if (x86_has(f, pairs[i][1]) && x86_has(f, pairs[i][2])) {
            f->w[pairs[i][0] / 64] |= BIT(pairs[i][0] % 64);
        }
    }
}

static void features_derive(struct x86_cpu *cpu)
{
    struct x86_features f = {{0}};
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        const struct feature *r = &features[i];
        if (r->decoder != X86_FEATS && cpu->id.words[r->word] & BIT(r->bit)) {
            f.w[r->decoder / 64] |= BIT(r->decoder % 64);
        }
    }
    features_by_family(cpu, &f);
    features_of_two(&f);
    cpu->features = f;
}

static bool name_is(const char *name, const char *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if ((want[i] == '_' ? '-' : want[i]) != name[i]) {
            return false;
        }
    }
    return !name[n];
}

static const struct feature *feature_find(const char *name, size_t n)
{
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        if (name_is(features[i].name, name, n) || (features[i].other && name_is(features[i].other, name, n))) {
            return &features[i];
        }
    }
    return NULL;
}

bool x86_model_has(const struct x86_cpu *cpu, const char *name)
{
    const struct feature *f = feature_find(name, strlen(name));
    return f && cpu->id.words[f->word] & BIT(f->bit);
}

void x86_model_flags(const struct x86_cpu *cpu, void (*fn)(void *ctx, const char *name), void *ctx)
{
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        if (features[i].shown && cpu->id.words[features[i].word] & BIT(features[i].bit)) {
            fn(ctx, features[i].shown);
        }
    }
}

/* -- models -------------------------------------------------------------------------------------------------------- */

#define F_486     "fpu vme pse "
#define F_PENTIUM "fpu vme de pse tsc msr mce cx8 mmx "
#define F_P3      F_PENTIUM "pae apic sep mtrr pge mca cmov pat pse36 fxsr sse "
#define F_64 \
    "fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 syscall nx lm "
#define F_CORE2   F_64 "vme pni monitor ssse3 cx16 lahf-lm "
#define F_NEHALEM F_64 "pni ssse3 cx16 sse4.1 sse4.2 popcnt lahf-lm "
#define F_HASWELL \
    F_NEHALEM "vme pclmulqdq fma pcid x2apic movbe tsc-deadline aes xsave avx f16c rdrand rdtscp abm fsgsbase bmi1 " \
              "hle avx2 smep bmi2 erms invpcid rtm xsaveopt arat "
#define F_EPYC \
    F_64 "vme pni pclmulqdq ssse3 fma cx16 sse4.1 sse4.2 movbe popcnt aes xsave avx f16c rdrand mmxext fxsr-opt " \
         "pdpe1gb rdtscp lahf-lm cr8legacy abm sse4a misalignsse 3dnowprefetch topoext fsgsbase bmi1 avx2 smep bmi2 " \
         "rdseed adx smap clflushopt sha-ni xsaveopt xsavec xgetbv1 xsaves arat "

static const struct x86_model m_486 = {
    .family = 4, .number = 8, .level = 1, .vendor = "GenuineIntel", .features = F_486};
static const struct x86_model m_pentium = {
    .family = 5, .number = 4, .stepping = 3, .level = 1, .vendor = "GenuineIntel", .features = F_PENTIUM};
static const struct x86_model m_pentium3 = {
    .family = 6, .number = 8, .stepping = 3, .level = 3, .vendor = "GenuineIntel", .features = F_P3};
static const struct x86_model m_core2duo = {.family = 6,
                                            .number = 15,
                                            .stepping = 11,
                                            .level = 10,
                                            .xlevel = 0x80000008,
                                            .vendor = "GenuineIntel",
                                            .brand = "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz",
                                            .phys_bits = 36,
                                            .features = F_CORE2};
static const struct x86_model m_qemu32 = {.family = 6,
                                          .number = 6,
                                          .stepping = 3,
                                          .level = 4,
                                          .xlevel = 0x80000004,
                                          .vendor = "GenuineIntel",
                                          .brand = "QEMU Virtual CPU version 2.5+",
                                          .features = F_P3 "sse2 pni "};
static const struct x86_model m_qemu64 = {.family = 15,
                                          .number = 107,
                                          .stepping = 1,
                                          .level = 13,
                                          .xlevel = 0x8000000a,
                                          .vendor = "AuthenticAMD",
                                          .brand = "QEMU Virtual CPU version 2.5+",
                                          .phys_bits = 40,
                                          .features = F_64 "pni cx16 lahf-lm hypervisor "};
static const struct x86_model m_nehalem = {.family = 6,
                                           .number = 26,
                                           .stepping = 3,
                                           .level = 11,
                                           .xlevel = 0x80000008,
                                           .vendor = "GenuineIntel",
                                           .brand = "Intel Core i7 9xx (Nehalem Class Core i7)",
                                           .phys_bits = 40,
                                           .features = F_NEHALEM};
static const struct x86_model m_haswell = {.family = 6,
                                           .number = 60,
                                           .stepping = 4,
                                           .level = 13,
                                           .xlevel = 0x80000008,
                                           .vendor = "GenuineIntel",
                                           .brand = "Intel Core Processor (Haswell)",
                                           .phys_bits = 40,
                                           .features = F_HASWELL};
static const struct x86_model m_epyc = {.family = 23,
                                        .number = 1,
                                        .stepping = 2,
                                        .level = 13,
                                        .xlevel = 0x8000001e,
                                        .vendor = "AuthenticAMD",
                                        .brand = "AMD EPYC Processor",
                                        .phys_bits = 40,
                                        .features = F_EPYC};
/* All there is: much as an EPYC of the third generation. A processor that is prone to no attack by speculation, for
 * what systems do against them would protect nothing here: it is the host that speculates. */
static const struct x86_model m_max = {.family = 25,
                                       .number = 1,
                                       .stepping = 1,
                                       .level = 31,
                                       .xlevel = 0x80000021,
                                       .vendor = "AuthenticAMD",
                                       .brand = "moss virtual CPU",
                                       .phys_bits = 40,
                                       .features = NULL};

const struct cpu_model x86_model_names[] = {
    {"486", "Intel 486 DX", &m_486},
    {"pentium", "Intel Pentium with MMX", &m_pentium},
    {"pentium3", "Intel Pentium III", &m_pentium3},
    {"core2duo", "Intel Core 2 Duo T7700", &m_core2duo},
    {"qemu32", "the 32-bit CPU that QEMU's machines have by default", &m_qemu32},
    {"qemu64", "the 64-bit CPU that QEMU's machines have by default", &m_qemu64},
    {"Nehalem", "Intel Core i7 9xx", &m_nehalem},
    {"Haswell", "Intel Core, fourth generation", &m_haswell},
    {"EPYC", "AMD EPYC, first generation", &m_epyc},
    {"max", "everything that moss translates", &m_max},
    {NULL, NULL, NULL},
};

/* What no translation stands for, nor any model of the system: a program would be promised too much. */
static const char *const lacking[] = {"rtm", "hle", "la57", "clzero"};

/* What makes no sense without another: off with it. */
static const char *const needs[][2] = {
    {"vme", "fpu"},      {"mmx", "fpu"},       {"fxsr", "fpu"},       {"sse", "fxsr"},       {"sse2", "sse"},
    {"mmxext", "mmx"},   {"3dnow", "mmx"},     {"3dnowext", "3dnow"}, {"pni", "sse2"},       {"ssse3", "pni"},
    {"sse4.1", "ssse3"}, {"sse4.2", "sse4.1"}, {"sse4a", "pni"},      {"aes", "sse2"},       {"pclmulqdq", "sse2"},
    {"sha-ni", "sse2"},  {"lm", "sse2"},       {"avx", "xsave"},      {"avx", "sse4.2"},     {"avx2", "avx"},
    {"fma", "avx"},      {"f16c", "avx"},      {"vaes", "avx"},       {"vpclmulqdq", "avx"}, {"xsaveopt", "xsave"},
    {"xsavec", "xsave"}, {"xgetbv1", "xsave"}, {"xsaves", "xsavec"},  {"pku", "xsave"},      {"fxsr-opt", "fxsr"},
};

static bool feature_on(const struct x86_identity *id, const struct feature *f)
{
    return id->words[f->word] & BIT(f->bit);
}
static void feature_put(struct x86_identity *id, const struct feature *f, bool on)
{
    id->words[f->word] = (id->words[f->word] & ~(u32)BIT(f->bit)) | (on ? (u32)BIT(f->bit) : 0);
}

static void features_settle(struct x86_identity *id)
{
    for (unsigned i = 0; i < ARRAY_LEN(needs); i++) { /* in an order that one pass suffices */
        const struct feature *f = feature_find(needs[i][0], strlen(needs[i][0]));
        if (!feature_on(id, feature_find(needs[i][1], strlen(needs[i][1])))) {
            feature_put(id, f, false);
        }
    }
}

/* AMD's processors say some of the first word again. */
#define AMD_ALIASES 0x0183f3ffu

static void model_features(struct x86_identity *id)
{
    const char *p = id->model->features;
    for (unsigned i = 0; !p && i < ARRAY_LEN(features); i++) {
        feature_put(id, &features[i], true);
    }
    while (p && *p) {
        size_t n = strcspn(p, " ");
        const struct feature *f = feature_find(p, n);
        must(f);
        feature_put(id, f, true);
        p += n + (p[n] == ' ');
    }
}

static bool unknown_feature(const char *name, struct err *e)
{
    const char *names[2 * ARRAY_LEN(features) + 1];
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        names[n++] = features[i].name;
        if (features[i].other) {
            names[n++] = features[i].other;
        }
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    return near ? err_set(e, "the CPU has no feature \"%s\"; did you mean \"%s\"?", name, near)
                : err_set(e, "the CPU has no feature \"%s\"", name);
}

static bool is_lacking(const struct feature *f)
{
    for (unsigned i = 0; i < ARRAY_LEN(lacking); i++) {
        if (!strcmp(lacking[i], f->name)) {
            return true;
        }
    }
    return false;
}

/* Who names a model wants what it has; a model of all there is has what there is. */
static void mask_lacking(struct x86_identity *id, bool tell)
{
    for (unsigned i = 0; i < ARRAY_LEN(features); i++) {
        if (is_lacking(&features[i]) && feature_on(id, &features[i])) {
            feature_put(id, &features[i], false);
            if (tell && id->model->features) {
                unimp("x86", "CPU feature %s", features[i].name);
            }
        }
    }
}

/* Numbers, and what other emulators' options say that means nothing here. */
static bool number_set(struct x86_identity *id, const char *name, const char *value, bool *mine, struct err *e)
{
    static const char *const ignored[] = {"check",    "enforce",         "migratable", "kvm",
                                          "l3-cache", "host-cache-info", "pmu"};
    u32 *v = !strcmp(name, "family")     ? &id->family
             : !strcmp(name, "model")    ? &id->number
             : !strcmp(name, "stepping") ? &id->stepping
                                         : NULL;
    *mine = v != NULL;
    for (unsigned i = 0; i < ARRAY_LEN(ignored); i++) {
        *mine = *mine || !strcmp(name, ignored[i]);
    }
    u64 n;
    if (v && (!parse_num(value, &n) || n > (v == &id->family ? 270 : v == &id->stepping ? 15 : 255))) {
        return err_set(e, "%s=%s: not a number a CPU could have", name, value);
    }
    if (v) {
        *v = (u32)n;
    }
    return true;
}

/* +feature, -feature, feature, feature=on. */
static bool feature_set(struct x86_identity *id, const char *name, const char *value, struct err *e)
{
    bool on, mine;
    if (!number_set(id, name, value, &mine, e)) {
        return false;
    }
    if (mine) {
        return true;
    }
    if (!parse_bool(value, &on)) {
        return err_set(e, "CPU feature \"%s\" is on or off, not \"%s\"", name, value);
    }
    if (*name == '-' || *name == '+') {
        on = *name++ == '+';
    }
    const struct feature *f = feature_find(name, strlen(name));
    if (!f) {
        return unknown_feature(name, e);
    }
    if (on && is_lacking(f)) {
        return err_set(e, "CPU feature \"%s\" is not there yet", name);
    }
    feature_put(id, f, on);
    return true;
}

bool x86_model_set(struct x86_cpu *cpu, const char *text, struct err *e)
{
    struct opts o = {0};
    struct x86_identity *id = &cpu->id;
    const char *def = cpu->vcpu.target == &target_i386 ? "qemu32" : "qemu64";
    bool ok = opts_parse(&o, text ? text : def, "cpu", e);
    const struct cpu_model *m = ok ? cpu_model_find(x86_model_names, opts_str(&o, "cpu", def), e) : NULL;
    ok = m != NULL;
    if (ok) {
        id->model = m->data;
        id->family = id->model->family;
        id->number = id->model->number;
        id->stepping = id->model->stepping;
        model_features(id);
        mask_lacking(id, cpu->vcpu.index == 0);
    }
    for (size_t i = 0; ok && i < o.n; i++) {
        if (strcmp(o.v[i].key, "cpu")) {
            ok = feature_set(id, o.v[i].key, o.v[i].value, e);
        }
    }
    opts_free(&o);
    if (ok) {
        features_settle(id);
        if (!strcmp(id->model->vendor, "AuthenticAMD")) {
            id->words[WORD_81_EDX] |= id->words[WORD_1_EDX] & AMD_ALIASES;
        }
        features_derive(cpu);
    }
    return ok;
}

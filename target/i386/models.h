/* CPU models: which features one has, and what CPUID says of it. */
#ifndef MOSS_TARGET_I386_MODELS_H
#define MOSS_TARGET_I386_MODELS_H

#include "base/err.h"
#include "target/i386/decode.h"
#include "target/target.h"

/* CPUID's words of features: leaf, subleaf, register. */
enum x86_word {
    WORD_1_EDX,
    WORD_1_ECX,
    WORD_7_EBX,
    WORD_7_ECX,
    WORD_7_EDX,
    WORD_81_EDX, /* 8000_0001 */
    WORD_81_ECX,
    WORD_87_EDX,
    WORD_88_EBX,
    WORD_D1_EAX,
    WORD_6_EAX,
    WORD_821_EAX, /* 8000_0021 */
    WORD_821_ECX,
    X86_WORDS
};

struct x86_model;
struct x86_identity {
    const struct x86_model *model;
    u32 words[X86_WORDS];
    u32 family, stepping, number; /* number: the model's */
};

struct x86_cpu;
extern const struct cpu_model x86_model_names[];
/* "Haswell,-avx2": fills id and features. */
bool x86_model_set(struct x86_cpu *cpu, const char *text, struct err *e);
/* Is the feature of that name in CPUID's words? */
bool x86_model_has(const struct x86_cpu *cpu, const char *name);
u32 x86_signature(const struct x86_identity *id); /* family, model, stepping: EAX of CPUID 1, EDX after reset */
/* CPUID with that EAX and ECX: EAX EBX ECX EDX. */
void x86_cpuid(const struct x86_cpu *cpu, u32 leaf, u32 sub, u32 out[4]);
/* Calls fn with each feature's name as Linux's /proc/cpuinfo has it, in its order. */
void x86_model_flags(const struct x86_cpu *cpu, void (*fn)(void *ctx, const char *name), void *ctx);

#endif

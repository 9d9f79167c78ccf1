/* CPUID: the leaves, made of a model's words and a few numbers that all models share (caches), and the board's
 * topology.
 *
 * SPEC: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E. */
#include "target/i386/cpuid.h"

#include <string.h>

#include "base/bits.h"
#include "target/i386/cpu.h"
#include "target/i386/xstate.h"

static u32 word_of(const char *s)
{
    return ld32le(s);
}

static bool is_amd(const struct x86_cpu *cpu)
{
    return !strcmp(cpu->id.model->vendor, "AuthenticAMD");
}

/* -- who it is ----------------------------------------------------------------------------------------------------- */

static void vendor_leaf(const struct x86_cpu *cpu, u32 highest, u32 o[4])
{
    const char *v = cpu->id.model->vendor;
    o[0] = highest;
    o[1] = word_of(v);
    o[2] = word_of(v + 8);
    o[3] = word_of(v + 4);
}

u32 x86_signature(const struct x86_identity *id)
{
    u32 family = MIN(id->family, 15u);
    return id->stepping | (id->number & 15) << 4 | family << 8 | (id->number >> 4) << 16 | (id->family - family) << 20;
}

/* -- its place among others ---------------------------------------------------------------------------------------- */

static unsigned threads_of(const struct x86_cpu *cpu)
{
    return MAX(cpu->sys.place.threads, 1u);
}
static unsigned cores_of(const struct x86_cpu *cpu)
{
    return MAX(cpu->sys.place.cores, 1u);
}
/* Bits of an APIC id that tell n things apart. */
static unsigned id_bits(unsigned n)
{
    return n > 1 ? 32 - clz32(n - 1) : 0;
}
static unsigned package_bits(const struct x86_cpu *cpu)
{
    return id_bits(threads_of(cpu)) + id_bits(cores_of(cpu));
}

/* What is the local APIC's goes with it: a program in user mode sees what the host's /proc/cpuinfo would show. */
static void features_leaf(const struct x86_cpu *cpu, u32 o[4])
{
    enum { APIC = BIT(9), HTT = BIT(28), X2APIC = BIT(21), DEADLINE = BIT(24) };
    const struct x86_sys *s = &cpu->sys;
    unsigned all = MIN(threads_of(cpu) * cores_of(cpu), 255u);
    bool apic = cpu->vcpu.user || (s->apic_ops && s->apic_ops->enabled(s->apic));
    o[0] = x86_signature(&cpu->id);
    o[1] = (cpu->id.words[WORD_1_EDX] & BIT(19) ? 8u << 8 : 0) | all << 16 | s->place.apic_id << 24;
    o[2] = cpu->id.words[WORD_1_ECX] | (cpu->cr4 & CR4_OSXSAVE ? 1u << 27 : 0);
    o[2] &= ~(cpu->vcpu.user || s->apic_ops ? 0u : X2APIC | DEADLINE);
    o[3] = (cpu->id.words[WORD_1_EDX] & ~(apic ? 0u : APIC)) | (all > 1 ? HTT : 0);
}

static void brand_leaf(const struct x86_cpu *cpu, unsigned third, u32 o[4])
{
    char text[48] = {0};
    const char *brand = cpu->id.model->brand;
    memcpy(text, brand, MIN(strlen(brand), sizeof(text) - 1));
    for (unsigned i = 0; i < 4; i++) {
        o[i] = word_of(text + 16 * third + 4 * i);
    }
}

/* -- caches -------------------------------------------------------------------------------------------------------- */

enum { CACHE_DATA = 1, CACHE_CODE, CACHE_BOTH };
static const struct cache {
    u8 type, level, ways;
    u32 sets; /* lines of 64 bytes */
} caches[] = {
    {CACHE_DATA, 1, 8, 64},
    {CACHE_CODE, 1, 8, 64},
    {CACHE_BOTH, 2, 8, 1024},
    {CACHE_BOTH, 3, 16, 16384},
};

/* Leaf 4, and AMD's 8000_001D of the same form: the last is the package's, the others a core's. */
static void cache_leaf(const struct x86_cpu *cpu, u32 sub, u32 o[4])
{
    if (sub < ARRAY_LEN(caches)) {
        const struct cache *c = &caches[sub];
        u32 ids = (1u << (c->level == 3 ? package_bits(cpu) : id_bits(threads_of(cpu)))) - 1;
        u32 cores = is_amd(cpu) ? 0 : (1u << id_bits(cores_of(cpu))) - 1;
        o[0] = c->type | (u32)c->level << 5 | 1u << 8 | MIN(ids, 0xfffu) << 14 | MIN(cores, 63u) << 26;
        o[1] = 63 | (c->ways - 1u) << 22;
        o[2] = c->sets - 1;
    }
}

static u32 cache_kb(unsigned i)
{
    return caches[i].ways * caches[i].sets / 16;
}

/* Associativity in AMD's code. */
static u32 amd_ways(unsigned ways)
{
    return ways == 8 ? 6 : ways == 16 ? 8 : ways;
}

static void amd_caches(u32 leaf, u32 o[4])
{
    if (leaf == 0x80000005) {
        o[0] = o[1] = 0xff40ff40; /* TLBs */
        o[2] = cache_kb(0) << 24 | (u32)caches[0].ways << 16 | 1 << 8 | 64;
        o[3] = cache_kb(1) << 24 | (u32)caches[1].ways << 16 | 1 << 8 | 64;
    } else {
        o[0] = o[1] = 0x42004200;
        o[2] = cache_kb(2) << 16 | amd_ways(caches[2].ways) << 12 | 1 << 8 | 64;
        o[3] = cache_kb(3) / 512 << 18 | amd_ways(caches[3].ways) << 12 | 1 << 8 | 64;
    }
}

/* -- leaves -------------------------------------------------------------------------------------------------------- */

static void xsave_leaf(const struct x86_cpu *cpu, u32 sub, u32 o[4])
{
    u64 all = x86_xcr0_mask(cpu);
    if (sub == 0) {
        o[0] = (u32)all;
        o[1] = x86_xsave_size(cpu->xcr0, false);
        o[2] = x86_xsave_size(all, false);
        o[3] = (u32)(all >> 32);
    } else if (sub == 1) {
        o[0] = cpu->id.words[WORD_D1_EAX];
        o[1] = o[0] & 0xa ? x86_xsave_size(cpu->xcr0, true) : 0;
    } else if (sub < X86_XSTATES && all >> sub & 1) {
        o[0] = x86_xstates[sub].size;
        o[1] = x86_xstates[sub].off;
    }
}

static void topology_leaf(const struct x86_cpu *cpu, u32 sub, u32 o[4])
{
    o[0] = sub == 0 ? id_bits(threads_of(cpu)) : sub == 1 ? package_bits(cpu) : 0;
    o[1] = sub == 0 ? threads_of(cpu) : sub == 1 ? threads_of(cpu) * cores_of(cpu) : 0;
    o[2] = (sub & 0xff) | (sub == 0 ? 1u << 8 : sub == 1 ? 2u << 8 : 0);
    o[3] = cpu->sys.place.apic_id;
}

static void basic_leaf(const struct x86_cpu *cpu, u32 leaf, u32 sub, u32 o[4])
{
    const u32 *w = cpu->id.words;
    switch (leaf) {
    case 0:
        vendor_leaf(cpu, cpu->id.model->level, o);
        break;
    case 1:
        features_leaf(cpu, o);
        break;
    case 2:
        o[0] = is_amd(cpu) ? 0 : 0xff01; /* "ask leaf 4" */
        break;
    case 4:
        cache_leaf(cpu, sub, o);
        break;
    case 5:
        o[0] = o[1] = w[WORD_1_ECX] & 8 ? 64 : 0;
        o[2] = w[WORD_1_ECX] & 8 ? 3 : 0;
        break;
    case 6:
        o[0] = w[WORD_6_EAX];
        break;
    case 7:
        if (sub == 0) {
            o[1] = w[WORD_7_EBX];
            o[2] = w[WORD_7_ECX] | (cpu->cr4 & CR4_PKE ? 16 : 0);
            o[3] = w[WORD_7_EDX];
        }
        break;
    case 11:
    case 31:
        topology_leaf(cpu, sub, o);
        break;
    case 13:
        xsave_leaf(cpu, sub, o);
        break;
    default:
        break;
    }
}

unsigned x86_phys_bits(const struct x86_cpu *cpu)
{
    return cpu->id.model->phys_bits ? cpu->id.model->phys_bits : cpu->id.words[WORD_1_EDX] & BIT(17) ? 36 : 32;
}

static void extended_leaf(const struct x86_cpu *cpu, u32 leaf, u32 sub, u32 o[4])
{
    enum { CMP_LEGACY = BIT(1) };
    const u32 *w = cpu->id.words;
    bool lm = w[WORD_81_EDX] & BIT(29);
    switch (leaf) {
    case 0x80000000:
        vendor_leaf(cpu, cpu->id.model->xlevel, o);
        if (!is_amd(cpu)) {
            o[1] = o[2] = o[3] = 0;
        }
        break;
    case 0x80000001:
        o[0] = is_amd(cpu) ? x86_signature(&cpu->id) : 0;
        o[2] = w[WORD_81_ECX] | (is_amd(cpu) && threads_of(cpu) * cores_of(cpu) > 1 ? CMP_LEGACY : 0);
        o[3] = w[WORD_81_EDX];
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        brand_leaf(cpu, leaf - 0x80000002, o);
        break;
    case 0x80000005:
    case 0x80000006:
        if (is_amd(cpu)) {
            amd_caches(leaf, o);
        } else if (leaf == 0x80000006) {
            o[2] = cache_kb(2) << 16 | amd_ways(caches[2].ways) << 12 | 64;
        }
        break;
    case 0x80000007:
        o[3] = w[WORD_87_EDX];
        break;
    case 0x80000008:
        o[0] = x86_phys_bits(cpu) | (lm ? (w[WORD_7_ECX] & BIT(16) ? 57u : 48u) : 32u) << 8;
        o[1] = w[WORD_88_EBX];
        o[2] = is_amd(cpu) ? package_bits(cpu) << 12 | MIN(threads_of(cpu) * cores_of(cpu) - 1, 255u) : 0;
        break;
    case 0x8000001d:
        if (w[WORD_81_ECX] & BIT(22)) {
            cache_leaf(cpu, sub, o);
        }
        break;
    case 0x8000001e:
        if (w[WORD_81_ECX] & BIT(22)) {
            o[0] = cpu->sys.place.apic_id;
            o[1] = (o[0] >> id_bits(threads_of(cpu)) & 0xff) | (threads_of(cpu) - 1) << 8;
        }
        break;
    case 0x80000021:
        o[0] = w[WORD_821_EAX];
        o[2] = w[WORD_821_ECX];
        break;
    default:
        break;
    }
}

/* A leaf beyond the last: Intel's answer with their last one, AMD's with nothing. */
void x86_cpuid(const struct x86_cpu *cpu, u32 leaf, u32 sub, u32 out[4])
{
    const struct x86_model *m = cpu->id.model;
    memset(out, 0, 4 * sizeof(u32));
    if (leaf >= 0x80000000 && leaf <= m->xlevel) {
        extended_leaf(cpu, leaf, sub, out);
    } else if (leaf <= m->level) {
        basic_leaf(cpu, leaf, sub, out);
    } else if (leaf >= 0x40000000 && leaf < 0x40000100 && cpu->id.words[WORD_1_ECX] & BIT(31)) {
        if (leaf == 0x40000000) { /* whose hypervisor: nobody's that guests know */
            out[0] = leaf;
            memcpy(out + 1, "mossmossmoss", 12);
        }
    } else if (!is_amd(cpu)) {
        basic_leaf(cpu, m->level, sub, out);
    }
}

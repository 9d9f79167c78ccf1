/* Pointer authentication (DDI 0487, D8.10; pseudocode AddPAC, Auth, Strip, ComputePACQARMA5). The default function is a
 * fast hash of our own (IMPLEMENTATION DEFINED, API field): a guest can't tell but by the codes' values, and QARMA5 is
 * what would dominate its run time. Not modelled: FPAC, EPAC, ConstPACField. */
#include "target/arm/pauth.h"

#include <string.h>

#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"
#include "target/arm/mmu.h"

/* -- QARMA5 (Avanzi, "The QARMA Block Cipher Family"; nibble 0 is the least significant) ------------------------- */

static u64 permute(u64 v, const u8 from[16])
{
    u64 out = 0;
    for (unsigned i = 0; i < 16; i++) {
        out |= (v >> 4 * from[i] & 15) << 4 * i;
    }
    return out;
}

static u64 substitute(u64 v, const u8 box[16])
{
    u64 out = 0;
    for (unsigned i = 0; i < 64; i += 4) {
        out |= (u64)box[v >> i & 15] << i;
    }
    return out;
}

static u64 sub(u64 v)
{
    static const u8 box[16] = {11, 6, 8, 15, 12, 0, 9, 14, 3, 7, 4, 5, 13, 2, 1, 10};
    return substitute(v, box);
}
static u64 sub_inv(u64 v)
{
    static const u8 box[16] = {5, 14, 13, 8, 10, 11, 1, 9, 2, 6, 15, 0, 4, 12, 7, 3};
    return substitute(v, box);
}
static u64 shuffle(u64 v)
{
    static const u8 from[16] = {13, 6, 11, 0, 7, 12, 1, 10, 8, 3, 14, 5, 2, 9, 4, 15};
    return permute(v, from);
}
static u64 shuffle_inv(u64 v)
{
    static const u8 from[16] = {3, 6, 12, 9, 14, 11, 1, 4, 8, 13, 7, 2, 5, 0, 10, 15};
    return permute(v, from);
}

static unsigned rot(u64 v, unsigned nibble, unsigned n)
{
    unsigned x = v >> 4 * nibble & 15;
    return (x << n | x >> (4 - n)) & 15;
}

/* The involutory matrix circ(0, rot 1, rot 2, rot 1) on columns of four nibbles. */
static u64 mult(u64 v)
{
    u64 out = 0;
    for (unsigned i = 0; i < 4; i++) {
        out |= (u64)(rot(v, i + 8, 1) ^ rot(v, i + 4, 2) ^ rot(v, i, 1)) << 4 * (i + 12);
        out |= (u64)(rot(v, i + 12, 1) ^ rot(v, i + 4, 1) ^ rot(v, i, 2)) << 4 * (i + 8);
        out |= (u64)(rot(v, i + 12, 2) ^ rot(v, i + 8, 1) ^ rot(v, i, 1)) << 4 * (i + 4);
        out |= (u64)(rot(v, i + 12, 1) ^ rot(v, i + 8, 2) ^ rot(v, i + 4, 1)) << 4 * i;
    }
    return out;
}

/* The tweak's schedule: a permutation, and a step of an LFSR in some nibbles of the result. */
static const u8 tweak_from[16] = {4, 5, 6, 7, 11, 2, 3, 8, 12, 13, 14, 15, 0, 1, 10, 9};
#define TWEAK_STEPPED 0xd894 /* result nibbles 2, 4, 7, 11, 12, 14, 15 */

static u64 tweak_next(u64 t)
{
    u64 out = 0;
    for (unsigned i = 0; i < 16; i++) {
        u64 x = t >> 4 * tweak_from[i] & 15;
        if (TWEAK_STEPPED >> i & 1) {
            x = ((x ^ x >> 1) & 1) << 3 | x >> 1;
        }
        out |= x << 4 * i;
    }
    return out;
}

static u64 tweak_previous(u64 t)
{
    u64 out = 0;
    for (unsigned i = 0; i < 16; i++) {
        u64 x = t >> 4 * i & 15;
        if (TWEAK_STEPPED >> i & 1) {
            x = (x << 1 & 15) | ((x >> 3 ^ x) & 1);
        }
        out |= x << 4 * tweak_from[i];
    }
    return out;
}

u64 pauth_qarma5(u64 data, u64 modifier, u64 key_lo, u64 key_hi)
{
    static const u64 rc[5] = {0, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89, 0x452821e638d01377};
    const u64 alpha = 0xc0ac29b7c97c50dd;
    u64 w = key_hi, k = key_lo, w2 = w << 63 | (w >> 2) << 1 | ((w >> 63 ^ w >> 1) & 1);
    u64 t = modifier, v = data ^ w;
    for (unsigned i = 0; i < 5; i++) {
        v ^= k ^ t ^ rc[i];
        if (i) {
            v = mult(shuffle(v));
        }
        v = sub(v);
        t = tweak_next(t);
    }
    v = sub(mult(shuffle(v ^ w2 ^ t)));
    v = shuffle_inv(k ^ mult(shuffle(v)));
    v = shuffle_inv(mult(sub_inv(v))) ^ w ^ t;
    for (unsigned i = 0; i < 5; i++) {
        v = sub_inv(v);
        if (i < 4) {
            v = shuffle_inv(mult(v));
        }
        t = tweak_previous(t);
        v ^= rc[4 - i] ^ k ^ t ^ alpha;
    }
    return v ^ w2;
}

/* -- the fast function: one multiply and fold. A kernel makes and checks a code in nearly every function it runs. -- */

static inline u64 fast(u64 data, u64 modifier, u64 key_lo, u64 key_hi)
{
    u128 p = (u128)(data ^ key_lo) * (modifier ^ key_hi ^ 0x9e3779b97f4a7c15);
    return (u64)p ^ (u64)(p >> 64);
}

/* -- codes in pointers ------------------------------------------------------------------------------------------- */

static inline u64 code(const struct arm_cpu *cpu, u64 data, u64 modifier, u64 lo, u64 hi)
{
    return unlikely(cpu->pauth_qarma) ? pauth_qarma5(data, modifier, lo, hi) : fast(data, modifier, lo, hi);
}

static inline u64 key_code(const struct arm_cpu *cpu, u64 data, u64 modifier, enum pauth_key key)
{
#define KEY(k) \
    { \
        offsetof(struct arm_sysregs, AP##k##KeyLo_EL1), offsetof(struct arm_sysregs, AP##k##KeyHi_EL1) \
    }
    static const u32 where[4][2] = {KEY(IA), KEY(IB), KEY(DA), KEY(DB)};
#undef KEY
    const u8 *s = (const u8 *)&cpu->sr;
    u64 lo, hi;
    memcpy(&lo, s + where[key][0], sizeof(lo));
    memcpy(&hi, s + where[key][1], sizeof(hi));
    return code(cpu, data, modifier, lo, hi);
}

/* -- where codes lie: TCR_ELx.TnSZ, TBI, TBID --------------------------------------------------------------------- */

static struct arm_pac pac_of(const struct arm_cpu *cpu, enum arm_regime r, bool data, bool high)
{
    u64 tcr = mmu_tcr(cpu, r);
    unsigned tsz = high && regime_has_two_ranges(r) ? tcr >> 16 & 63 : tcr & 63;
    unsigned bottom = 64 - MIN(MAX(tsz, 16u), 39u);
    unsigned top = mmu_tbi(cpu, r, (u64)high << 55, !data) ? 56 : 64;
    u64 ext = MASK(top) & ~MASK(bottom);
    return (struct arm_pac){.code = ext & ~BIT(55), .ext = ext};
}

void arm_pauth_rebuild(struct arm_cpu *cpu, unsigned el)
{
    struct arm_el *e = &cpu->elc[el];
    u64 sctlr = mmu_sctlr(cpu, e->regime);
    e->keys = (u8)((sctlr & SCTLR_ENIA ? BIT(PAUTH_IA) : 0) | (sctlr & SCTLR_ENIB ? BIT(PAUTH_IB) : 0) |
                   (sctlr & SCTLR_ENDA ? BIT(PAUTH_DA) : 0) | (sctlr & SCTLR_ENDB ? BIT(PAUTH_DB) : 0));
    for (unsigned data = 0; data < 2; data++) {
        e->pac[data][0] = pac_of(cpu, e->regime, data, false);
        e->pac[data][1] = pac_of(cpu, e->regime, data, true);
        e->pac_tbi[data] = !((e->pac[data][0].ext & e->pac[data][1].ext) >> 63);
    }
}

static bool is_data(enum pauth_key key)
{
    return key >= PAUTH_DA;
}

/* The pointer without a code: the sign of its range in every bit that a code may use. */
static u64 extended(u64 ptr, bool high, u64 ext)
{
    return high ? ptr | ext : ptr & ~ext;
}

static inline u64 pac_add(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key)
{
    const struct arm_el *e = &cpu->elc[cpu->el];
    if (!arm_pauth_on(cpu, key)) {
        return ptr;
    }
    bool data = is_data(key), high = ptr >> (e->pac_tbi[data] ? 55 : 63) & 1;
    struct arm_pac at = e->pac[data][bit(ptr, 55)]; /* bit 55 chooses TBI0 or TBI1 ... */
    if (unlikely(high != bit(ptr, 55))) {           /* ... and the chosen range the lowest bit of the code */
        u64 top = at.ext & 0xffull << 56;
        at.ext = (e->pac[data][high].ext & MASK(56)) | top;
        at.code = at.ext & ~BIT(55);
    }
    u64 pac = key_code(cpu, extended(ptr, high, at.ext), modifier, key);
    if ((ptr & at.ext) != 0 && (ptr & at.ext) != at.ext) {
        pac ^= BIT(at.ext >> 63 ? 62 : 54); /* a bad pointer gets a bad code */
    }
    return (ptr & ~at.ext) | (pac & at.code) | (u64)high << 55;
}

static inline u64 pac_check(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key)
{
    if (!arm_pauth_on(cpu, key)) {
        return ptr;
    }
    bool high = bit(ptr, 55);
    struct arm_pac at = cpu->elc[cpu->el].pac[is_data(key)][high];
    u64 original = extended(ptr, high, at.ext);
    if (likely(!((key_code(cpu, original, modifier, key) ^ ptr) & at.code))) {
        return original;
    }
    u64 error = key == PAUTH_IB || key == PAUTH_DB ? 2 : 1;
    return deposit(original, at.ext >> 63 ? 61 : 53, 2, error);
}

u64 arm_pauth_add(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key)
{
    return pac_add(cpu, ptr, modifier, key);
}
u64 arm_pauth_aut(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key)
{
    return pac_check(cpu, ptr, modifier, key);
}

u64 arm_pauth_strip(const struct arm_cpu *cpu, u64 ptr, bool data)
{
    bool high = bit(ptr, 55);
    return extended(ptr, high, cpu->elc[cpu->el].pac[data][high].ext);
}

/* -- helpers ----------------------------------------------------------------------------------------------------- */

void arm_pauth_trap(struct arm_cpu *cpu)
{
    if (cpu->el < 2 && arm_el2_enabled(cpu) && !(cpu->hcr & HCR_API)) {
        arm_raise(cpu, 2, arm_esr(EC_PAUTH, 0));
    }
    if (cpu->el < 3 && arm_sys(cpu, SYS_EL3) && !(cpu->sr.SCR_EL3 & SCR_API)) {
        arm_raise(cpu, 3, arm_esr(EC_PAUTH, 0));
    }
}

u64 arm_h_pac(struct vcpu *v, u64 ptr, u64 modifier, u64 key)
{
    return pac_add(arm_cpu(v), ptr, modifier, (enum pauth_key)key);
}
u64 arm_h_aut(struct vcpu *v, u64 ptr, u64 modifier, u64 key)
{
    return pac_check(arm_cpu(v), ptr, modifier, (enum pauth_key)key);
}
u64 arm_h_pac_trap(struct vcpu *v, u64 ptr, u64 modifier, u64 key)
{
    if (arm_pauth_on(arm_cpu(v), (enum pauth_key)key)) {
        arm_pauth_trap(arm_cpu(v));
    }
    return arm_h_pac(v, ptr, modifier, key);
}
u64 arm_h_aut_trap(struct vcpu *v, u64 ptr, u64 modifier, u64 key)
{
    if (arm_pauth_on(arm_cpu(v), (enum pauth_key)key)) {
        arm_pauth_trap(arm_cpu(v));
    }
    return arm_h_aut(v, ptr, modifier, key);
}
u64 arm_h_pacga(struct vcpu *v, u64 a, u64 b)
{
    struct arm_cpu *cpu = arm_cpu(v);
    arm_pauth_trap(cpu);
    return code(cpu, a, b, cpu->sr.APGAKeyLo_EL1, cpu->sr.APGAKeyHi_EL1) & ~MASK(32);
}
u64 arm_h_xpac(struct vcpu *v, u64 ptr, u64 data)
{
    return arm_pauth_strip(arm_cpu(v), ptr, data);
}

/* Integer instructions that translated code leaves to C: division, decimal adjustment, rotations through the carry,
 * BMI2's gathering of bits, strings, the flags register. */
#include <string.h>

#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

/* -- flags ------------------------------------------------------------------------------------------------------------
 */

u32 x86_eflags(const struct x86_cpu *cpu)
{
    return EFL_ONE | (cpu->flags >> 8 & (EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF)) |
           (cpu->flags & FL_V ? EFL_OF : 0) | (cpu->df != 1 ? EFL_DF : 0) | cpu->eflags;
}

void x86_eflags_set(struct x86_cpu *cpu, u32 v, u32 mask)
{
    v = (x86_eflags(cpu) & ~mask) | (v & mask);
    cpu->flags = (v & (EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF)) << 8 | (v & EFL_OF ? FL_V : 0);
    cpu->df = v & EFL_DF ? ~0ull : 1;
    cpu->eflags = v & ~(u32)(EFL_ARITH | EFL_DF | EFL_ONE);
}

/* -- division
 * ----------------------------------------------------------------------------------------------------------- */

u64 x86_h_divide(struct vcpu *v, u64 low, u64 high, u64 divisor, u64 key)
{
    unsigned n = key & 15, w = 8 * n;
    if (!(divisor & MASK(w))) {
        x86_throw(x86_cpu(v), EXC_DE, 0);
    }
    if (n == 1) { /* AX is the dividend */
        high = low >> 8;
    }
    if (key & 16) {
        i128 a = (i128)((u128)sext(high, w) << w | (low & MASK(w))), d = sext(divisor, w);
        bool least = n == 8 && (u64)a == 0 && (u64)(a >> 64) == 1ull << 63; /* -2^127 / -1 */
        i128 q = least && d == -1 ? 0 : a / d;
        if ((least && d == -1) || q != (i128)sext((u64)q, w)) {
            x86_throw(x86_cpu(v), EXC_DE, 0);
        }
        return (u64)q;
    }
    u128 a = (u128)(high & MASK(w)) << w | (low & MASK(w)), q = a / (divisor & MASK(w));
    if (q >> w) {
        x86_throw(x86_cpu(v), EXC_DE, 0);
    }
    return (u64)q;
}

/* -- decimal (SDM volume 2: DAA, DAS, AAA, AAS)
 * -------------------------------------------------------------------------------- */

static u32 result_flags(u8 r)
{
    return (r & 0x80 ? EFL_SF : 0) | (r ? 0 : EFL_ZF) | (__builtin_parity(r) ? 0 : EFL_PF);
}

void x86_h_decimal(struct vcpu *v, u64 what)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 *rax = &v->rt.r[0];
    u32 fl = x86_eflags(cpu), out = 0;
    u8 al = (u8)*rax;
    if (what < 2) {
        bool sub = what == 1, low = (al & 15) > 9 || (fl & EFL_AF), high = al > 0x99 || (fl & EFL_CF);
        bool cf = high || (low && (sub ? al < 6 : al > 0xf9));
        out = low ? EFL_AF : 0;
        u8 r = (u8)(sub ? al - (low ? 6 : 0) - (high ? 0x60 : 0) : al + (low ? 6 : 0) + (high ? 0x60 : 0));
        *rax = (*rax & ~0xffull) | r;
        out |= result_flags(r) | (cf ? EFL_CF : 0);
        x86_eflags_set(cpu, out, EFL_ARITH & ~EFL_OF);
        return;
    }
    u16 ax = (u16)*rax;
    if ((al & 15) > 9 || (fl & EFL_AF)) {
        ax = what == 2 ? ax + 0x106 : ax - 0x106;
        out = EFL_AF | EFL_CF;
    }
    ax &= 0xff0f;
    *rax = (*rax & ~0xffffull) | ax;
    x86_eflags_set(cpu, out | result_flags((u8)ax), EFL_ARITH & ~EFL_OF);
}

/* -- bits
 * -------------------------------------------------------------------------------------------------------------------
 */

/* The value and CF in one number of 8 * n + 1 bits, rotated. */
static u128 rotated(u64 value, u64 cf, u64 key, unsigned *w)
{
    unsigned n = key & 15, count = (unsigned)(key >> 8) & 63;
    *w = 8 * n;
    u128 all = ((u128)1 << (*w + 1)) - 1, x = (u128)(cf & 1) << *w | (value & MASK(*w));
    count %= *w + 1;
    if (!count) {
        return x;
    }
    return (key & 16 ? x << count | x >> (*w + 1 - count) : x >> count | x << (*w + 1 - count)) & all;
}
u64 x86_h_rotate_carry(u64 value, u64 cf, u64 key)
{
    unsigned w;
    u128 x = rotated(value, cf, key, &w);
    return (u64)x & MASK(w);
}
u64 x86_h_rotate_carry_flags(u64 value, u64 cf, u64 key)
{
    unsigned w;
    u128 x = rotated(value, cf, key, &w);
    bool c = x >> w & 1, top = x >> (w - 1) & 1, below = x >> (w - 2) & 1;
    bool of = key & 16 ? top != c : top != below;
    return (c ? FL_C : 0) | (of ? FL_V : 0);
}

u64 x86_h_pext(u64 value, u64 mask)
{
    u64 r = 0;
    for (unsigned k = 0; mask; mask &= mask - 1, k++) {
        r |= (value >> ctz64(mask) & 1) << k;
    }
    return r;
}
u64 x86_h_pdep(u64 value, u64 mask)
{
    u64 r = 0;
    for (; mask; mask &= mask - 1, value >>= 1) {
        r |= (value & 1) << ctz64(mask);
    }
    return r;
}

/* -- memory
 * -------------------------------------------------------------------------------------------------------------------
 */

/* Host memory of a locked operation. Nobody locks devices; there the access is as it comes. One of two pages, which
 * only a program has side by side, is done over as a load and a store. */
static void *locked_at(struct vcpu *v, u64 va, unsigned n)
{
    if ((va & 4095) + n > 4096 && !v->user) {
        x86_cpu(v)->sys.split = true;
        v->rt.pc = v->sv->helper_pc(v);
        v->sv->mode_changed(v);
        v->sv->unwind(v);
    }
    return v->sv->probe(v, va, n, MMU_STORE, x86_view(x86_cpu(v)));
}

u64 x86_h_locked_neg(struct vcpu *v, u64 va, u64 n)
{
    void *p = locked_at(v, va, (unsigned)n);
    u64 old = 0, new_val;
    if (!p) {
        v->sv->load(v, va, &old, (unsigned)n, x86_view(x86_cpu(v)));
        new_val = -old;
        v->sv->store(v, va, &new_val, (unsigned)n, x86_view(x86_cpu(v)));
        return old;
    }
#define NEG(type) \
    do { \
        type was = __atomic_load_n((type *)p, __ATOMIC_SEQ_CST); \
        while (!__atomic_compare_exchange_n((type *)p, &was, (type)-was, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) { \
        } \
        return was; \
    } while (0)
    switch (n) {
    case 1:
        NEG(u8);
    case 2:
        NEG(u16);
    case 4:
        NEG(u32);
    default:
        NEG(u64);
    }
#undef NEG
}

void x86_h_cmpxchg16b(struct vcpu *v, u64 va)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 *r = v->rt.r;
    if (va & 15) {
        x86_throw(cpu, EXC_GP, 0);
    }
    union v128 old = {.d = {r[0], r[2]}}, val = {.d = {r[3], r[1]}};
    bool same = v->sv->cas128(v, va, &old, &val, x86_view(x86_cpu(v)));
    if (!same) {
        r[0] = old.d[0];
        r[2] = old.d[1];
    }
    cpu->flags = (cpu->flags & ~(u32)FL_Z) | (same ? FL_Z : 0);
}

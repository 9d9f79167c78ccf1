/* FXSAVE, XSAVE and their like, on the program's memory. SPEC: Intel SDM volume 1, 10.5 and 13.7 to 13.13.
 *
 * An image is made in, or read into, a buffer of the standard form; parts move between it and memory, where the
 * compacted form packs them. All reading comes before any change, and a store cannot fail halfway: its ends are looked
 * at first. Not modelled: supervisor components (XSS is 0), XSAVEOPT's and XSAVES's memory of what was last restored,
 * AMD's habit of not saving the x87's pointers. */
#include <string.h>

#include "base/bits.h"
#include "target/i386/helpers.h"
#include "target/i386/mxcsr.h"
#include "target/i386/xstate.h"

enum { AT_BV = XSTATE_LEGACY, AT_COMP = AT_BV + 8, COMPACT_BIT = 63, AT_XMM = 160 };

struct image {
    struct vcpu *v;
    u64 va, comp; /* comp: XCOMP_BV of the compacted form, else 0 */
    bool store, mode64;
    u8 a[XSTATE_MAX];
};

/* n bytes at `off` of the image, in the buffer at `at`. */
static void move(struct image *m, u32 off, u32 at, u32 n)
{
    const struct cpu_services *sv = m->v->sv;
    unsigned view = x86_view(x86_cpu(m->v));
    for (u32 i = 0, k; i < n; i += k) {
        k = MIN(n - i, 64u);
        if (m->store) {
            sv->store(m->v, m->va + off + i, m->a + at + i, k, view);
        } else {
            sv->load(m->v, m->va + off + i, m->a + at + i, k, view);
        }
    }
}
static u32 place(const struct image *m, unsigned i)
{
    return m->comp ? x86_xsave_size(m->comp & MASK(i), true) : x86_xstates[i].off;
}
static void move_parts(struct image *m, u64 parts, bool mxcsr)
{
    u32 regs = m->mode64 ? 256 : 128;
    if (parts & XCR0_X87) {
        move(m, 0, 0, AT_MXCSR);
        move(m, AT_MXCSR + 8, AT_MXCSR + 8, AT_XMM - AT_MXCSR - 8);
    }
    if (mxcsr) {
        move(m, AT_MXCSR, AT_MXCSR, 8);
    }
    if (parts & XCR0_SSE) {
        move(m, AT_XMM, AT_XMM, regs);
    }
    if (parts & XCR0_AVX) {
        move(m, place(m, 2), x86_xstates[2].off, regs);
    }
    if (parts & XCR0_PKRU) {
        move(m, place(m, 9), x86_xstates[9].off, 8);
    }
}

/* Without REX.W the x87's pointers are selectors and offsets of 32 bits. */
static void pointers_put(const struct x86_cpu *cpu, u8 *a, u64 how)
{
    if (!(how & X86_XSAVE_W)) {
        st16le(a + 12, cpu->fcs);
        st16le(a + 14, 0);
        st16le(a + 20, cpu->fds);
        st16le(a + 22, 0);
    }
}
static void pointers_get(struct x86_cpu *cpu, const u8 *a, u64 how)
{
    bool wide = how & X86_XSAVE_W;
    cpu->fcs = wide ? 0 : ld16le(a + 12);
    cpu->fds = wide ? 0 : ld16le(a + 20);
    cpu->fip = wide ? cpu->fip : (u32)cpu->fip;
    cpu->fdp = wide ? cpu->fdp : (u32)cpu->fdp;
}

static void must_be_aligned(struct x86_cpu *cpu, u64 va, u64 n)
{
    if (va & (n - 1)) {
        x86_throw(cpu, EXC_GP, 0);
    }
}

/* -- FXSAVE, FXRSTOR
 * --------------------------------------------------------------------------------------------------- */

void x86_h_fxsave(struct vcpu *v, u64 va, u64 how)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct image m = {.v = v, .va = va, .store = true, .mode64 = how & X86_XSAVE_64};
    must_be_aligned(cpu, va, 16);
    u32 n = m.mode64 ? FXSAVE_BYTES : FXSAVE_BYTES - 128;
    x86_h_store_check(v, va, n);
    x86_fxsave(cpu, m.a);
    pointers_put(cpu, m.a, how);
    move(&m, 0, 0, n);
}

/* Outside 64-bit mode registers 8 to 15 are not there to be changed. */
struct upper {
    union v128 xmm[8], ymmh[8];
};
static void upper_keep(const struct x86_cpu *cpu, struct upper *u)
{
    memcpy(u->xmm, cpu->xmm + 8, sizeof(u->xmm));
    memcpy(u->ymmh, cpu->ymmh + 8, sizeof(u->ymmh));
}
static void upper_back(struct x86_cpu *cpu, const struct upper *u, bool mode64)
{
    if (!mode64) {
        memcpy(cpu->xmm + 8, u->xmm, sizeof(u->xmm));
        memcpy(cpu->ymmh + 8, u->ymmh, sizeof(u->ymmh));
    }
}

void x86_h_fxrstor(struct vcpu *v, u64 va, u64 how)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct image m = {.v = v, .va = va, .mode64 = how & X86_XSAVE_64};
    struct upper u;
    must_be_aligned(cpu, va, 16);
    move(&m, 0, 0, m.mode64 ? FXSAVE_BYTES : FXSAVE_BYTES - 128);
    upper_keep(cpu, &u);
    if (!x86_fxrstor(cpu, m.a)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    pointers_get(cpu, m.a, how);
    upper_back(cpu, &u, m.mode64);
}

/* -- XSAVE, XRSTOR
 * ----------------------------------------------------------------------------------------------------- */

/* The components asked for. */
static u64 requested(struct x86_cpu *cpu, u64 va, u64 how)
{
    const u64 *r = cpu->vcpu.rt.r;
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (cpu->cr0 & CR0_TS) {
        x86_throw(cpu, EXC_NM, 0);
    }
    if (how & X86_XSAVE_S && cpu->cpl) {
        x86_throw(cpu, EXC_GP, 0);
    }
    must_be_aligned(cpu, va, 64);
    return ((u64)(u32)r[2] << 32 | (u32)r[0]) & cpu->xcr0;
}

void x86_h_xsave(struct vcpu *v, u64 va, u64 how)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct image m = {.v = v, .va = va, .store = true, .mode64 = how & X86_XSAVE_64};
    u64 want = requested(cpu, va, how), used = x86_xinuse(cpu), bv;
    if (how & X86_XSAVE_COMPACT) { /* MXCSR is SSE's */
        used |= x86_mxcsr(cpu) != MXCSR_INIT ? XCR0_SSE : 0;
        m.comp = want | 1ull << COMPACT_BIT;
        bv = want & used;
    } else {
        v->sv->load(v, va + AT_BV, &bv, 8, x86_view(cpu));
        bv = (bv & ~want) | (want & used);
    }
    u64 parts = how & (X86_XSAVE_COMPACT | X86_XSAVE_OPT) ? want & used : want;
    bool mxcsr = m.comp ? parts & XCR0_SSE : want & (XCR0_SSE | XCR0_AVX);
    x86_h_store_check(v, va, AT_BV + 8);
    x86_h_store_check(v, va, x86_xsave_size(m.comp ? m.comp : parts, m.comp != 0));
    x86_xstate_put(cpu, m.a, parts);
    x86_mxcsr_put(cpu, m.a);
    pointers_put(cpu, m.a, how);
    st64le(m.a + AT_BV, bv);
    st64le(m.a + AT_COMP, m.comp);
    move_parts(&m, parts, mxcsr);
    move(&m, AT_BV, AT_BV, m.comp ? 16 : 8);
}

/* Bits of the header that must be 0. */
static u64 header_wrong(const struct x86_cpu *cpu, const struct image *m, u64 how)
{
    u64 bv = ld64le(m->a + AT_BV), wrong = 0;
    if (!m->comp) {
        return (bv & ~cpu->xcr0) | ld64le(m->a + AT_COMP) | ld64le(m->a + AT_COMP + 8) | (how & X86_XSAVE_S);
    }
    for (unsigned i = 2; i < 8; i++) {
        wrong |= ld64le(m->a + AT_BV + 8 * i);
    }
    wrong |= !x86_has(&cpu->features, X86_FEAT_XSAVEC);
    return wrong | (bv & ~m->comp) | (m->comp & ~(1ull << COMPACT_BIT) & ~cpu->xcr0);
}

void x86_h_xrstor(struct vcpu *v, u64 va, u64 how)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct image m = {.v = v, .va = va, .mode64 = how & X86_XSAVE_64};
    struct upper u;
    u64 want = requested(cpu, va, how);
    move(&m, AT_BV, AT_BV, XSTATE_HEADER);
    u64 comp = ld64le(m.a + AT_COMP), bv = ld64le(m.a + AT_BV);
    m.comp = comp >> COMPACT_BIT ? comp : 0;
    if (header_wrong(cpu, &m, how)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    u64 parts = want & bv;
    bool mxcsr = m.comp ? parts & XCR0_SSE : want & (XCR0_SSE | XCR0_AVX);
    move_parts(&m, parts, mxcsr);
    if (mxcsr && !x86_mxcsr_good(cpu, m.a)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    upper_keep(cpu, &u);
    x86_xstate_get(cpu, m.a, parts, want);
    upper_back(cpu, &u, m.mode64);
    if (parts & XCR0_X87) {
        pointers_get(cpu, m.a, how);
    }
    if (mxcsr) {
        x86_mxcsr_set(cpu, ld32le(m.a + AT_MXCSR));
    } else if (want & XCR0_SSE) {
        x86_mxcsr_set(cpu, MXCSR_INIT);
    }
}

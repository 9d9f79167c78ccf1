/* FXSAVE's and XSAVE's areas. SPEC: Intel SDM volume 1, 10.5, 13.4 to 13.8. */
#include "target/i386/xstate.h"

#include <string.h>

#include "base/bits.h"
#include "target/i386/fpu.h"
#include "target/i386/mxcsr.h"

enum {
    AT_FCW = 0,
    AT_FSW = 2,
    AT_FTW = 4,
    AT_FOP = 6,
    AT_FIP = 8,
    AT_FDP = 16,
    AT_MXCSR_MASK = 28,
    AT_ST = 32,
    AT_XMM = 160,
    AT_XSTATE_BV = 512,
    AT_XCOMP_BV = 520,
};

const struct x86_xstate x86_xstates[X86_XSTATES] = {
    [0] = {0, AT_XMM},
    [1] = {AT_XMM, 256},
    [2] = {576, 256},
    [9] = {2688, 8},
};
_Static_assert(XSTATE_MAX == 2688 + 8, "the last component's end");

/* -- what there is ------------------------------------------------------------------------------------------------- */

u64 x86_xcr0_mask(const struct x86_cpu *cpu)
{
    if (!x86_has(&cpu->features, X86_FEAT_XSAVE)) {
        return 0;
    }
    return XCR0_X87 | XCR0_SSE | (x86_has(&cpu->features, X86_FEAT_AVX) ? XCR0_AVX : 0) |
           (x86_has(&cpu->features, X86_FEAT_PKU) ? XCR0_PKRU : 0);
}

u32 x86_xsave_size(u64 xcr0, bool compact)
{
    u32 size = XSTATE_LEGACY + XSTATE_HEADER;
    for (unsigned i = 2; i < X86_XSTATES; i++) {
        if (xcr0 >> i & 1 && x86_xstates[i].size) {
            size = compact ? size + x86_xstates[i].size : x86_xstates[i].off + x86_xstates[i].size;
        }
    }
    return size;
}

static bool is_zero(const union v128 *v, unsigned n)
{
    u64 any = 0;
    for (unsigned i = 0; i < n; i++) {
        any |= v[i].d[0] | v[i].d[1];
    }
    return !any;
}

static bool x87_is_initial(struct x86_cpu *cpu)
{
    x86_fpu_home(&cpu->vcpu);
    u64 any = (cpu->fcw ^ FCW_INIT) | x86_fsw(cpu) | x86_ftw(cpu) | cpu->fop | cpu->fip | cpu->fdp;
    for (unsigned i = 0; i < ARRAY_LEN(cpu->st); i++) {
        any |= cpu->st[i].frac | (u16)cpu->st[i].se;
    }
    return !any;
}
u64 x86_xinuse(struct x86_cpu *cpu)
{
    return (x87_is_initial(cpu) ? 0 : XCR0_X87) | (is_zero(cpu->xmm, ARRAY_LEN(cpu->xmm)) ? 0 : XCR0_SSE) |
           (is_zero(cpu->ymmh, ARRAY_LEN(cpu->ymmh)) ? 0 : XCR0_AVX) | (cpu->sys.pkru ? XCR0_PKRU : 0);
}

/* -- components ---------------------------------------------------------------------------------------------------- */

static void x87_put(struct x86_cpu *cpu, u8 *a)
{
    x86_fpu_home(&cpu->vcpu);
    st16le(a + AT_FCW, x86_fcw(cpu));
    st16le(a + AT_FSW, x86_fsw(cpu));
    st16le(a + AT_FTW, x86_ftw(cpu));
    st16le(a + AT_FOP, (u16)cpu->fop);
    st64le(a + AT_FIP, cpu->fip);
    st64le(a + AT_FDP, cpu->fdp);
    for (unsigned i = 0; i < 8; i++) {
        const struct x86_st *st = x86_st(cpu, i);
        st64le(a + AT_ST + 16 * i, st->frac);
        st64le(a + AT_ST + 16 * i + 8, (u16)st->se);
    }
}
static void x87_get(struct x86_cpu *cpu, const u8 *a)
{
    x86_fcw_set(cpu, ld16le(a + AT_FCW));
    x86_fsw_set(cpu, ld16le(a + AT_FSW));
    x86_ftw_set(cpu, a[AT_FTW]);
    cpu->fop = ld16le(a + AT_FOP) & 0x7ff;
    cpu->fip = ld64le(a + AT_FIP);
    cpu->fdp = ld64le(a + AT_FDP);
    for (unsigned i = 0; i < 8; i++) {
        *x86_st(cpu, i) = (struct x86_st){ld64le(a + AT_ST + 16 * i), ld16le(a + AT_ST + 16 * i + 8)};
    }
}
static void x87_clear(struct x86_cpu *cpu)
{
    x86_fpu_init(cpu);
    memset(cpu->st, 0, sizeof(cpu->st));
}

void x86_mxcsr_put(struct x86_cpu *cpu, u8 *a)
{
    st32le(a + AT_MXCSR, x86_mxcsr(cpu));
    st32le(a + AT_MXCSR_MASK, x86_mxcsr_mask(cpu));
}
bool x86_mxcsr_good(const struct x86_cpu *cpu, const u8 *a)
{
    return !(ld32le(a + AT_MXCSR) & ~x86_mxcsr_mask(cpu));
}

void x86_xstate_put(struct x86_cpu *cpu, u8 *a, u64 mask)
{
    if (mask & XCR0_X87) {
        x87_put(cpu, a);
    }
    if (mask & XCR0_SSE) {
        memcpy(a + AT_XMM, cpu->xmm, sizeof(cpu->xmm));
    }
    if (mask & XCR0_AVX) {
        memcpy(a + x86_xstates[2].off, cpu->ymmh, sizeof(cpu->ymmh));
    }
    if (mask & XCR0_PKRU) {
        st64le(a + x86_xstates[9].off, cpu->sys.pkru);
    }
}

void x86_xstate_get(struct x86_cpu *cpu, const u8 *a, u64 mask, u64 init)
{
    if (mask & XCR0_X87) {
        x87_get(cpu, a);
    } else if (init & XCR0_X87) {
        x87_clear(cpu);
    }
    if (mask & XCR0_SSE) {
        memcpy(cpu->xmm, a + AT_XMM, sizeof(cpu->xmm));
    } else if (init & XCR0_SSE) {
        memset(cpu->xmm, 0, sizeof(cpu->xmm));
    }
    if (mask & XCR0_AVX) {
        memcpy(cpu->ymmh, a + x86_xstates[2].off, sizeof(cpu->ymmh));
    } else if (init & XCR0_AVX) {
        memset(cpu->ymmh, 0, sizeof(cpu->ymmh));
    }
    if ((mask | init) & XCR0_PKRU) {
        cpu->sys.pkru = mask & XCR0_PKRU ? ld32le(a + x86_xstates[9].off) : 0;
        x86_changed(cpu);
    }
}

/* -- FXSAVE -------------------------------------------------------------------------------------------------------- */

void x86_fxsave(struct x86_cpu *cpu, u8 *a)
{
    x87_put(cpu, a);
    x86_mxcsr_put(cpu, a);
    memcpy(a + AT_XMM, cpu->xmm, sizeof(cpu->xmm));
}

bool x86_fxrstor(struct x86_cpu *cpu, const u8 *a)
{
    if (!x86_mxcsr_good(cpu, a)) {
        return false;
    }
    x87_get(cpu, a);
    x86_mxcsr_set(cpu, ld32le(a + AT_MXCSR));
    memcpy(cpu->xmm, a + AT_XMM, sizeof(cpu->xmm));
    return true;
}

/* -- XSAVE --------------------------------------------------------------------------------------------------------- */

void x86_xstate_save(struct x86_cpu *cpu, u8 *a, u64 mask)
{
    u64 save = mask & x86_xinuse(cpu);
    x86_xstate_put(cpu, a, save);
    if (mask & (XCR0_SSE | XCR0_AVX)) {
        x86_mxcsr_put(cpu, a);
    }
    st64le(a + AT_XSTATE_BV, (ld64le(a + AT_XSTATE_BV) & ~mask) | save);
}

static bool header_good(const struct x86_cpu *cpu, const u8 *a)
{
    u64 any = ld64le(a + AT_XSTATE_BV) & ~cpu->xcr0;
    for (unsigned i = AT_XCOMP_BV; i < XSTATE_LEGACY + 24; i += 8) {
        any |= ld64le(a + i);
    }
    return !any;
}

bool x86_xstate_load(struct x86_cpu *cpu, const u8 *a, u64 mask)
{
    u64 there = ld64le(a + AT_XSTATE_BV) & mask;
    bool mxcsr = mask & (XCR0_SSE | XCR0_AVX); /* whatever the header says of SSE */
    if (!header_good(cpu, a) || (mxcsr && !x86_mxcsr_good(cpu, a))) {
        return false;
    }
    x86_xstate_get(cpu, a, there, mask);
    if (mxcsr) {
        x86_mxcsr_set(cpu, ld32le(a + AT_MXCSR));
    }
    return true;
}

/* User mode: segment registers under a kernel of 64 bits, which has the same selectors for programs of 32: flat code
 * and data, three descriptors that each thread may set (for its own storage), and a local table that a process may
 * fill.
 *
 * SPEC: Intel SDM volume 3, 3.4 and 5.5 to 5.7; Linux arch/x86/include/asm/segment.h. */
#include <string.h>

#include "target/i386/cpu.h"
#include "target/i386/sys.h"

enum { USER32_CS = 0x23, USER_DS = 0x2b, USER_CS = 0x33, TLS_FIRST = 12, SEL_LDT = 4, LDT_ENTRIES = 8192 };
#define FLAT_DATA   0x00cff3000000ffffull
#define FLAT_CODE32 0x00cffb000000ffffull
#define FLAT_CODE64 0x00affb000000ffffull

u64 x86_user_descriptor(const struct x86_cpu *cpu, u16 sel)
{
    unsigned i = sel >> 3;
    if (sel & SEL_LDT) {
        return cpu->user_ldt && i < LDT_ENTRIES ? __atomic_load_n(&cpu->user_ldt[i], __ATOMIC_RELAXED) : 0;
    }
    if (i >= TLS_FIRST && i < TLS_FIRST + X86_USER_TLS) {
        return cpu->user_tls[i - TLS_FIRST];
    }
    switch (i) {
    case USER32_CS >> 3:
        return FLAT_CODE32;
    case USER_DS >> 3:
        return FLAT_DATA;
    case USER_CS >> 3:
        return FLAT_CODE64;
    default:
        return 0;
    }
}

static struct x86_seg segment_of(u16 sel, u64 d)
{
    return (struct x86_seg){.base = desc_base(d), .limit = desc_limit(d), .sel = sel, .attr = desc_attr(d)};
}

/* May level 3 load it there? */
static bool loadable(enum x86_sreg seg, u16 sel, u16 attr)
{
    unsigned dpl = attr >> ATTR_DPL_SHIFT & 3;
    bool code = attr & ATTR_CODE, write = attr & ATTR_WRITE;
    if (!(attr & ATTR_S)) {
        return false;
    }
    if (seg == SEG_CS) {
        return code && dpl == 3;
    }
    if (seg == SEG_SS) {
        return !code && write && dpl == 3 && (sel & 3) == 3;
    }
    return (!code || write) && (dpl == 3 || (code && attr & ATTR_DOWN));
}

int x86_user_seg_load(struct x86_cpu *cpu, enum x86_sreg seg, u16 sel)
{
    u64 d = x86_user_descriptor(cpu, sel);
    struct x86_seg s = segment_of(sel, d);
    if (sel <= 3 && seg != SEG_CS && seg != SEG_SS) {
        cpu->seg[seg] = (struct x86_seg){.sel = sel};
        return 0;
    }
    if (!loadable(seg, sel, s.attr)) {
        return EXC_GP;
    }
    if (!(s.attr & ATTR_PRESENT)) {
        return seg == SEG_SS ? EXC_SS : EXC_NP;
    }
    s.attr |= ATTR_ACCESSED;
    cpu->seg[seg] = s;
    return 0;
}

void x86_user_segs_reset(struct x86_cpu *cpu, unsigned bits)
{
    static const u8 all[] = {SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LEN(all); i++) {
        u16 flat = all[i] == SEG_CS                                      ? (bits == 64 ? USER_CS : USER32_CS)
                   : all[i] == SEG_SS || (bits == 32 && all[i] < SEG_FS) ? USER_DS
                                                                         : 0;
        must(x86_user_seg_load(cpu, all[i], flat) == 0);
    }
}

/* -- for user/ ----------------------------------------------------------------------------------------------------- */

bool x86_user_set_selector(struct vcpu *v, unsigned seg, u16 sel)
{
    bool ok = x86_user_seg_load(x86_cpu(v), seg, sel) == 0;
    v->sv->mode_changed(v);
    return ok;
}

u64 x86_user_tls(const struct vcpu *v, unsigned n)
{
    return x86_cpu_const(v)->user_tls[n];
}
void x86_user_set_tls(struct vcpu *v, unsigned n, u64 descriptor)
{
    x86_cpu(v)->user_tls[n] = descriptor;
    x86_user_segs_again(v, (u16)((TLS_FIRST + n) << 3));
}
void x86_user_set_ldt(struct vcpu *v, const u64 *table)
{
    x86_cpu(v)->user_ldt = table;
}

/* A descriptor changed: registers that hold its selector are loaded again, as a switch of threads would do, or become
 * null. */
void x86_user_segs_again(struct vcpu *v, u16 sel)
{
    struct x86_cpu *cpu = x86_cpu(v);
    for (unsigned s = 0; s < ARRAY_LEN(cpu->seg); s++) {
        if (s != SEG_CS && s != SEG_SS && cpu->seg[s].sel > 3 && (cpu->seg[s].sel & ~3) == (sel & ~3) &&
            x86_user_seg_load(cpu, s, cpu->seg[s].sel)) {
            cpu->seg[s] = (struct x86_seg){0};
        }
    }
    v->sv->mode_changed(v);
}

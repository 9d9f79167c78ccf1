/* The x86 CPU: feature words, how exceptions are raised, limits of segments. */
#include "target/i386/cpu.h"

#include <string.h>

#include "base/lock.h"
#include "target/i386/helpers.h"
#include "target/target.h"

/* -- features
 * ---------------------------------------------------------------------------------------------------------- */

static struct x86_features known[256];
static unsigned nknown;

unsigned x86_features_id(const struct x86_features *f)
{
    for (unsigned i = 0; i < nknown; i++) {
        if (!memcmp(&known[i], f, sizeof(*f))) {
            return i;
        }
    }
    must(nknown < ARRAY_LEN(known));
    known[nknown] = *f;
    return nknown++;
}
const struct x86_features *x86_features_of(unsigned id)
{
    must(id < nknown);
    return &known[id];
}

/* -- code that changes without notice ------------------------------------------------------------------------------ */

u64 x86_code_sum(const u8 *p, size_t n)
{
    u64 h = n;
    for (; n >= 8; p += 8, n -= 8) {
        h = (h ^ ld64le(p)) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 32;
    }
    return n ? (h ^ ldnle(p, (unsigned)n)) * 0x9e3779b97f4a7c15ull : h;
}
void x86_h_code_look(struct vcpu *v, u64 pc, u64 n, u64 sum)
{
    if (x86_code_sum(ram_base + pc, n) != sum) {
        v->sv->code_stale(v);
    }
}

/* -- exceptions
 * -------------------------------------------------------------------------------------------------------- */

void x86_exception(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    if (cpu->vcpu.user) {
        x86_user_trap(cpu, vector, error);
    } else {
        x86_exception_deliver(cpu, vector, error);
    }
}

void x86_throw(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    struct vcpu *v = &cpu->vcpu;
    if (!cpu->sys.delivering && !cpu->sys.in_new_task) { /* else it is not of a helper's instruction */
        v->rt.pc = v->sv->helper_pc(v);
    }
    x86_exception(cpu, vector, error);
    v->sv->unwind(v);
}

void x86_h_raise(struct vcpu *v, u64 vector, u64 error)
{
    x86_throw(x86_cpu(v), (enum x86_exception)vector, (u32)error);
}

/* -- segments: limits of what is not flat
 * -------------------------------------------------------------------------------- */

bool x86_seg_holds(const struct x86_seg *s, u64 offset, u64 n, bool write)
{
    bool code = s->attr & ATTR_CODE;
    bool ok = (s->attr & ATTR_PRESENT) && (write ? !code && (s->attr & ATTR_WRITE) : !code || (s->attr & ATTR_WRITE));
    u64 last = offset + n - 1;
    if (!code && (s->attr & ATTR_DOWN)) {
        ok = ok && offset > s->limit && last <= (s->attr & ATTR_BIG ? 0xffffffffull : 0xffffull);
    } else {
        ok = ok && last <= s->limit;
    }
    return ok;
}
void x86_h_seg_check(struct vcpu *v, u64 seg, u64 offset, u64 n, u64 write)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!x86_seg_holds(&cpu->seg[seg], offset, n, write)) {
        x86_throw(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    }
}

/* The instruction at pc against the end of its segment. As long as all of its page lies inside, blocks are as long as
 * elsewhere; else they have one instruction, so that each is asked for. */
void x86_h_code_check(struct vcpu *v, u64 pc, u64 len)
{
    struct x86_cpu *cpu = x86_cpu(v);
    const struct x86_seg *cs = &cpu->seg[SEG_CS];
    u64 ip = (u32)(pc - cs->base);
    bool tight = ip + 4095 - (pc & 4095) > cs->limit;
    if (ip + len - 1 > cs->limit) {
        x86_throw(cpu, EXC_GP, 0);
    }
    if (tight != cpu->sys.tight) {
        cpu->sys.tight = tight;
        v->rt.pc = pc;
        v->sv->mode_changed(v);
        v->sv->unwind(v);
    }
}
/* Where a jump inside the segment goes. */
void x86_h_jump_check(struct vcpu *v, u64 ip)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (ip > cpu->seg[SEG_CS].limit) {
        x86_throw(cpu, EXC_GP, 0);
    }
}

/* -- frames
 * ----------------------------------------------------------------------------------------- */

/* ENTER with a level: the outer frames' pointers are copied. */
void x86_h_enter(struct vcpu *v, u64 frame, u64 level, u64 n64)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned n = (unsigned)n64;
    struct x86_stack s, outer;
    x86_stack_here(cpu, &s);
    outer = s;
    outer.sp = v->rt.r[5];
    x86_push(&s, v->rt.r[5], n);
    u64 bp = s.sp;
    for (u64 i = 1; i < level; i++) {
        x86_push(&s, x86_stack_peek(&outer, -(i * n), n), n);
    }
    x86_push(&s, bp, n);
    v->rt.r[5] = n == 2 ? (v->rt.r[5] & ~0xffffull) | (u16)bp : n == 4 ? (u32)bp : bp;
    x86_sp_set(cpu, s.sp - frame, s.mask);
}

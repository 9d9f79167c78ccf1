/* The exact x87: control instructions and the state in memory (SDM volume 1, 8.1.10): the environment of 14 or 28
 * bytes, in the forms of real (and virtual-8086) and protected mode, and the registers behind it. */
#include <string.h>

#include "target/i386/x87.h"

/* -- the environment ------------------------------------------------------------------------------------------------
 */

static unsigned tag_of(const struct x86_st *s)
{
    unsigned exp = s->se & 0x7fff;
    if (exp == 0) {
        return s->frac ? 2 : 1;
    }
    return exp == 0x7fff || !(s->frac >> 63) ? 2 : 0;
}
static u16 full_tags(const struct x86_cpu *cpu)
{
    u8 held = x86_ftw(cpu);
    unsigned tags = 0;
    for (unsigned n = 0; n < 8; n++) {
        tags |= (held >> n & 1 ? tag_of(&cpu->st[n]) : 3) << 2 * n;
    }
    return (u16)tags;
}

struct image {
    u8 b[108];
    bool wide, real;
    unsigned env; /* bytes of the environment */
};
static struct image image_of(const struct x87 *x)
{
    bool wide = !x->key.op16;
    return (struct image){.wide = wide, .real = x->key.real, .env = wide ? 28 : 14};
}
/* Word k of seven. */
static void word_set(struct image *m, unsigned k, u32 v)
{
    if (m->wide) {
        st32le(m->b + 4 * k, v);
    } else {
        st16le(m->b + 2 * k, (u16)v);
    }
}
static u32 word_get(const struct image *m, unsigned k)
{
    return m->wide ? ld32le(m->b + 4 * k) : ld16le(m->b + 2 * k);
}

/* Upper halves of 16-bit fields are ones. */
static void env_make(struct x86_cpu *cpu, struct image *m)
{
    u32 ones = 0xffff0000, ip = (u32)cpu->fip, dp = (u32)cpu->fdp, op = cpu->fop & 0x7ff;
    word_set(m, 0, x86_fcw(cpu) | ones);
    word_set(m, 1, x86_fsw(cpu) | ones);
    word_set(m, 2, full_tags(cpu) | ones);
    if (!m->real) {
        word_set(m, 3, ip);
        word_set(m, 4, cpu->fcs | (m->wide ? op << 16 : 0));
        word_set(m, 5, dp);
        word_set(m, 6, cpu->fds | ones);
        return;
    }
    ip += cpu->fcs * 16u;
    dp += cpu->fds * 16u;
    word_set(m, 3, m->wide ? (ip & 0xffff) | ones : ip);
    word_set(m, 4, m->wide ? ip >> 16 << 12 | op : (ip >> 16 & 15) << 12 | op);
    word_set(m, 5, m->wide ? (dp & 0xffff) | ones : dp);
    word_set(m, 6, m->wide ? dp >> 16 << 12 : (dp >> 16 & 15) << 12);
}

static void env_take(struct x86_cpu *cpu, const struct image *m)
{
    cpu->fip = word_get(m, 3);
    cpu->fdp = word_get(m, 5);
    if (m->real) {
        cpu->fip = (cpu->fip & 0xffff) | word_get(m, 4) >> 12 << 16;
        cpu->fdp = (cpu->fdp & 0xffff) | word_get(m, 6) >> 12 << 16;
        cpu->fop = word_get(m, 4) & 0x7ff;
        cpu->fcs = cpu->fds = 0;
    } else {
        cpu->fcs = (u16)word_get(m, 4);
        cpu->fds = (u16)word_get(m, 6);
        cpu->fop = m->wide ? word_get(m, 4) >> 16 & 0x7ff : cpu->fop;
    }
    x86_fcw_set(cpu, (u16)word_get(m, 0));
    x86_fsw_set(cpu, (u16)word_get(m, 1));
    u16 tags = (u16)word_get(m, 2);
    u8 held = 0;
    for (unsigned n = 0; n < 8; n++) {
        held |= (tags >> 2 * n & 3) != 3 ? 1u << n : 0;
    }
    x86_ftw_set(cpu, held);
}

/* In user mode only an access tells: one that changes nothing. */
static void probe_one(struct x87 *x, u64 addr, unsigned n)
{
    struct vcpu *v = &x->cpu->vcpu;
    u8 *p = v->sv->probe(v, addr, n, MMU_STORE, x86_view(x->cpu));
    if (p) {
        __atomic_fetch_or(p, 0, __ATOMIC_RELAXED);
    }
}
void x87_probe(struct x87 *x, unsigned n)
{
    enum { PAGE = 4096 };
    unsigned first = MIN(n, (unsigned)(PAGE - (x->addr & (PAGE - 1))));
    probe_one(x, x->addr, first);
    if (first < n) {
        probe_one(x, x->addr + first, n - first);
    }
}
static void store(struct x87 *x, const void *p, u64 at, unsigned n)
{
    x->cpu->vcpu.sv->store(&x->cpu->vcpu, x->addr + at, p, n, x86_view(x->cpu));
}
static void load(struct x87 *x, void *p, u64 at, unsigned n)
{
    x->cpu->vcpu.sv->load(&x->cpu->vcpu, x->addr + at, p, n, x86_view(x->cpu));
}
static void move_image(struct x87 *x, struct image *m, unsigned n, bool out)
{
    if (out) {
        x87_probe(x, n);
    }
    for (unsigned at = 0; at < n; at += 16) {
        unsigned k = MIN(n - at, 16u);
        if (out) {
            store(x, m->b + at, at, k);
        } else {
            load(x, m->b + at, at, k);
        }
    }
}

/* -- the instructions ------------------------------------------------------------------------------------------------
 */

static void store_env(struct x87 *x)
{
    struct image m = image_of(x);
    env_make(x->cpu, &m);
    move_image(x, &m, m.env, true);
    x86_fcw_set(x->cpu, x->cpu->fcw | FCW_MASKS);
}
static void load_env(struct x87 *x)
{
    struct image m = image_of(x);
    move_image(x, &m, m.env, false);
    env_take(x->cpu, &m);
}
static void save(struct x87 *x)
{
    struct image m = image_of(x);
    env_make(x->cpu, &m);
    for (unsigned i = 0; i < 8; i++) {
        const struct x86_st *s = x86_st(x->cpu, i);
        st64le(m.b + m.env + 10 * i, s->frac);
        st16le(m.b + m.env + 10 * i + 8, (u16)s->se);
    }
    move_image(x, &m, m.env + 80, true);
    x86_fpu_init(x->cpu);
}
static void restore(struct x87 *x)
{
    struct image m = image_of(x);
    move_image(x, &m, m.env + 80, false);
    env_take(x->cpu, &m);
    for (unsigned i = 0; i < 8; i++) {
        struct x86_st *s = x86_st(x->cpu, i);
        s->frac = ld64le(m.b + m.env + 10 * i);
        s->se = ld16le(m.b + m.env + 10 * i + 8);
    }
}

static void word_out(struct x87 *x, u16 v)
{
    store(x, &v, 0, 2);
}

bool x87_control(struct x87 *x)
{
    struct x86_cpu *cpu = x->cpu;
    u16 v = 0;
    switch (x->key.fn) {
    case X86_FN_fldcw:
        load(x, &v, 0, 2);
        x86_fcw_set(cpu, v);
        break;
    case X86_FN_fnstcw:
        word_out(x, x86_fcw(cpu));
        break;
    case X86_FN_fnstsw:
        if ((x->key.fop & 0xc0) == 0xc0) {
            st16le((u8 *)&cpu->vcpu.rt.r[0], x86_fsw(cpu));
        } else {
            word_out(x, x86_fsw(cpu));
        }
        break;
    case X86_FN_fnclex:
        x86_fsw_set(cpu, x86_fsw(cpu) & (u16)(FSW_CC | FSW_TOP));
        break;
    case X86_FN_fninit:
        x86_fpu_init(cpu);
        break;
    case X86_FN_fnstenv:
        store_env(x);
        break;
    case X86_FN_fldenv:
        load_env(x);
        break;
    case X86_FN_fnsave:
        save(x);
        break;
    case X86_FN_frstor:
        restore(x);
        break;
    case X86_FN_feni:
        break;
    default:
        return false;
    }
    return true;
}

/* See x86_state.h. */
#include "tests/diff/x86_state.h"

#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "target/i386/fpu.h"
#include "tests/diff/x86_values.h"

enum { FLAGS_SEEN = EFL_ARITH | EFL_DF };
enum { FSW_SEEN = 0xffff, MXCSR_SEEN = 0xffff };

/* -- random ---------------------------------------------------------------------------------------------------------
 */

void x86_state_random(struct x86_rng *rng, struct x86_state *s, const struct x86_row *row)
{
    enum x86_class c = x86_row_class(row);
    memset(s, 0, sizeof(*s));
    s->flags = 0x202 | (x86_rnd(rng) & EFL_ARITH);
    for (unsigned r = 0; r < 16; r++) {
        s->r[r] = x86_random_number(rng);
    }
    for (unsigned r = 0; r < 16; r++) {
        x86_random_vector(rng, &s->xmm[r], row);
        x86_random_vector(rng, &s->ymmh[r], row);
    }
    s->mxcsr = x86_random_mxcsr(rng, c);
    x86_random_x87(rng, s, c);
}

/* -- the cpu's struct ------------------------------------------------------------------------------------------------
 */

void x86_state_to_cpu(const struct x86_state *s, struct x86_cpu *cpu)
{
    x86_fpu_home(&cpu->vcpu);
    memcpy(cpu->vcpu.rt.r, s->r, sizeof(s->r));
    x86_eflags_set(cpu, (u32)s->flags, ~0u);
    memcpy(cpu->xmm, s->xmm, sizeof(s->xmm));
    memcpy(cpu->ymmh, s->ymmh, sizeof(s->ymmh));
    for (unsigned i = 0; i < 8; i++) {
        cpu->st[i] = (struct x86_st){s->st[i].frac, s->st[i].se};
    }
    x86_fsw_set(cpu, s->fsw);
    x86_fcw_set(cpu, s->fcw);
    x86_ftw_set(cpu, (u8)~s->empty);
    cpu->fop = cpu->fcs = cpu->fds = 0;
    cpu->fip = cpu->fdp = 0;
    x86_mxcsr_set(cpu, s->mxcsr);
    cpu->fop = cpu->fcs = cpu->fds = 0;
    cpu->fip = cpu->fdp = 0;
}

void x86_state_of_cpu(struct x86_state *s, struct x86_cpu *cpu)
{
    x86_fpu_home(&cpu->vcpu);
    memset(s, 0, sizeof(*s));
    memcpy(s->r, cpu->vcpu.rt.r, sizeof(s->r));
    s->flags = x86_eflags(cpu);
    memcpy(s->xmm, cpu->xmm, sizeof(s->xmm));
    memcpy(s->ymmh, cpu->ymmh, sizeof(s->ymmh));
    for (unsigned i = 0; i < 8; i++) {
        s->st[i] = (f80){cpu->st[i].frac, (u16)cpu->st[i].se};
    }
    s->fsw = x86_fsw(cpu);
    s->fcw = x86_fcw(cpu);
    s->empty = (u8)~x86_ftw(cpu);
    s->mxcsr = x86_mxcsr(cpu);
}

/* -- comparing -------------------------------------------------------------------------------------------------------
 */

static bool st_same(const struct x86_state *a, const struct x86_state *b)
{
    for (unsigned i = 0; i < 8; i++) {
        if (a->st[i].frac != b->st[i].frac || a->st[i].se != b->st[i].se) {
            return false;
        }
    }
    return true;
}

bool x86_state_same(const struct x86_state *a, const struct x86_state *b, const struct x86_open *open)
{
    return !memcmp(a->r, b->r, sizeof(a->r)) && !((a->flags ^ b->flags) & FLAGS_SEEN & ~open->flags) &&
           !memcmp(a->xmm, b->xmm, sizeof(a->xmm)) && !memcmp(a->ymmh, b->ymmh, sizeof(a->ymmh)) && st_same(a, b) &&
           a->fcw == b->fcw && !((a->fsw ^ b->fsw) & FSW_SEEN & ~open->fsw) && a->empty == b->empty &&
           !((a->mxcsr ^ b->mxcsr) & MXCSR_SEEN) && a->fault_at == b->fault_at;
}

static void vector_line(const char *name, unsigned r, const union v128 *v)
{
    printf(" %s%u %016llx'%016llx", name, r, (unsigned long long)v->d[1], (unsigned long long)v->d[0]);
}

static void vectors(const char *what, const union v128 *old, const union v128 *a, const union v128 *b)
{
    for (unsigned r = 0; r < 16; r++) {
        if (memcmp(&a[r], &b[r], 16)) {
            printf("  %s%u:", what, r);
            vector_line("was ", r, &old[r]);
            vector_line("a ", r, &a[r]);
            vector_line("b ", r, &b[r]);
            printf("\n");
        }
    }
}

static void number_line(const char *what, u64 old, u64 a, u64 b)
{
    if (a != b) {
        printf("  %s: was %llx, a %llx, b %llx\n", what, (unsigned long long)old, (unsigned long long)a,
               (unsigned long long)b);
    }
}

void x86_state_differences(const struct x86_state *before, const struct x86_state *a, const struct x86_state *b,
                           const char *name_a, const char *name_b)
{
    printf("  a: %s, b: %s; rax was %llx rcx %llx rdx %llx\n", name_a, name_b, (unsigned long long)before->r[0],
           (unsigned long long)before->r[1], (unsigned long long)before->r[2]);
    for (unsigned r = 0; r < 16; r++) {
        char name[8];
        snprintf(name, sizeof(name), "r%u", r);
        number_line(name, before->r[r], a->r[r], b->r[r]);
    }
    number_line("flags", before->flags & FLAGS_SEEN, a->flags & FLAGS_SEEN, b->flags & FLAGS_SEEN);
    vectors("xmm", before->xmm, a->xmm, b->xmm);
    vectors("ymmh", before->ymmh, a->ymmh, b->ymmh);
    for (unsigned i = 0; i < 8; i++) {
        char name[8];
        snprintf(name, sizeof(name), "st%u", i);
        number_line(name, before->st[i].frac, a->st[i].frac, b->st[i].frac);
        snprintf(name, sizeof(name), "ste%u", i);
        number_line(name, before->st[i].se, a->st[i].se, b->st[i].se);
    }
    number_line("fcw", before->fcw, a->fcw, b->fcw);
    number_line("fsw", before->fsw, a->fsw, b->fsw);
    number_line("empty", before->empty, a->empty, b->empty);
    number_line("offset of the fault", 0, a->fault_at, b->fault_at);
    number_line("mxcsr", before->mxcsr, a->mxcsr, b->mxcsr);
}

/* See x86_random.h. */
#include "tests/diff/x86_random.h"

#include <string.h>

#include "base/bits.h"
#include "target/i386/cpu.h"

u64 x86_rnd(struct x86_rng *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state * 0x9e3779b97f4a7c15 >> 11;
}

void x86_fill(struct x86_rng *rng, u8 *p, const struct x86_row *row, unsigned bits, bool vex, bool l)
{
    static const u8 escapes[X86_MAPS] = {0, 0, 0x38, 0x3a, 0x0f}, mandatory[] = {0, 0x66, 0xf3, 0xf2};
    unsigned n = 0;
    u64 r = x86_rnd(rng);
    bool w = row->flags & ROW_W1 ? true : row->flags & ROW_W0 ? false : r >> 8 & 1;
    if (!vex && row->pp != PP_ANY && row->pp != PP_NP) {
        p[n++] = mandatory[row->pp];
    } else if (!vex && row->pp == PP_ANY && !(r & 3)) {
        p[n++] = 0x66;
    }
    if (!(r >> 2 & 7)) {
        p[n++] = 0x67;
    }
    if (!(r >> 5 & 7)) {
        p[n++] = 0x64;
    }
    if ((row->flags & ROW_REP) && r >> 9 & 1) {
        p[n++] = r >> 10 & 1 ? 0xf3 : 0xf2;
    }
    if ((row->flags & ROW_LOCK) && !(r >> 11 & 3)) {
        p[n++] = 0xf0;
    }
    if (vex) {
        bool has_v = false;
        for (unsigned i = 0; i < ARRAY_LEN(row->opds); i++) {
            u8 place = x86_opds[row->opds[i]].place;
            has_v = has_v || place == PL_H || place == PL_B;
        }
        u8 vvvv = has_v ? (u8)(r >> 16) & (bits == 64 ? 15 : 7) : 0;
        u8 ext = bits == 64 ? (u8)(r >> 20) & 7 : 7;
        p[n++] = 0xc4;
        p[n++] = (u8)(ext << 5 | row->map);
        p[n++] = (u8)(w << 7 | (~vvvv & 15) << 3 | l << 2 | (row->pp == PP_ANY ? 0 : row->pp));
    } else {
        if (bits == 64 && (w || (r >> 24 & 1))) {
            p[n++] = (u8)(0x40 | w << 3 | (r >> 25 & 7));
        }
        if (row->map != MAP_ONE) {
            p[n++] = 0x0f;
            if (escapes[row->map]) {
                p[n++] = escapes[row->map];
            }
        }
    }
    unsigned at = n;
    if (row->map != MAP_3DNOW) {
        p[n++] = row->opcode;
    }
    if (x86_row_has_modrm(row)) {
        u8 modrm = (u8)(r >> 32);
        modrm = row->ext >= 0 ? (modrm & 0xc7) | (u8)(row->ext << 3) : modrm;
        modrm = row->mod == MOD_REG ? modrm | 0xc0 : row->mod == MOD_MEM && modrm >= 0xc0 ? modrm & 0xbf : modrm;
        modrm = row->rm >= 0 ? (modrm & 0xf8) | (u8)row->rm : modrm;
        modrm = x86_opds[row->opds[1]].place == PL_MV ? (modrm & 0xf8) | 4 : modrm;
        p[n++] = modrm;
    }
    for (; n < 20; n++) {
        p[n] = (u8)x86_rnd(rng);
    }
    /* 3DNow!'s opcode comes last; there is no simpler way to know where than to ask. */
    static const struct x86_features all = {{~0ull, ~0ull}};
    for (at += 1; row->map == MAP_3DNOW && at < 16; at++) {
        struct x86_instr in;
        u8 old = p[at];
        p[at] = row->opcode;
        if (x86_decode(&in, p, 20, bits, &all) == X86_DECODED && in.len == at + 1u) {
            return;
        }
        p[at] = old;
    }
}

const char *const x86_fn_names[] = {
#define FUNCTION(name) #name,
#define X86_FUNCTIONS
#include "target/i386/i386_insns.inc"
#undef X86_FUNCTIONS
#undef FUNCTION
};

/* What is not to be run on a host without care: control flow, the system's, moves of segments; POPF, which sets TF; and
 * what says something of the host itself. */
// clang-format off
static const u16 not_plain[] = {
#define _(name) X86_FN_##name,
    _(push_sreg) _(pop_sreg) _(mov_from_sreg) _(mov_to_sreg) _(lds) _(les) _(lfs) _(lgs) _(lss)
    _(jcc) _(loopne) _(loope) _(loop) _(jcxz) _(call) _(jmp) _(call_ind) _(jmp_ind) _(ret)
    _(call_far) _(jmp_far) _(ret_far) _(int3) _(int) _(int1) _(into) _(iret)
    _(syscall) _(sysenter) _(sysret) _(sysexit) _(rsm) _(swapgs) _(hlt) _(monitor) _(mwait)
    _(popf) _(pushf) _(enter) _(xlat) _(sti) _(cli)
    _(rdfsbase) _(rdgsbase) _(wrfsbase) _(wrgsbase) _(rdpkru) _(wrpkru) _(xbegin) _(xend) _(xabort) _(xtest)
    _(cpuid) _(rdtsc) _(rdtscp) _(rdpid) _(rdpmc) _(rdrand) _(rdseed) _(xgetbv) _(xsetbv)
    _(sldt) _(str) _(smsw) _(sgdt) _(sidt) _(verr) _(verw) _(lar) _(lsl) _(in) _(out) _(ins) _(outs)
    _(lldt) _(ltr) _(lgdt) _(lidt) _(lmsw) _(clts) _(invd) _(wbinvd) _(invlpg) _(invpcid) _(rdmsr) _(wrmsr)
    _(mov_from_cr) _(mov_to_cr) _(mov_from_dr) _(mov_to_dr) _(clac) _(stac) _(xsaves) _(xrstors)
#undef _
};
// clang-format on

bool x86_row_is_plain(const struct x86_row *row, unsigned bits)
{
    static const u16 gaps[] = {
#define FUNCTION(name) X86_FN_##name,
#include "target/i386/missing.def"
#undef FUNCTION
    };
    for (unsigned i = 0; i < ARRAY_LEN(not_plain); i++) {
        if (row->fn == not_plain[i]) {
            return false;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(gaps); i++) {
        if (row->fn == gaps[i]) {
            return false;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(row->opds); i++) {
        if (x86_opds[row->opds[i]].place == PL_O) {
            return false;
        }
    }
    bool vague = row->map == MAP_0F && row->opcode == 0x0d && row->mod == MOD_REG; /* AMD: undefined, Intel: nothing */
    return !(row->flags & (bits == 64 ? ROW_I64 : ROW_O64)) && !vague;
}

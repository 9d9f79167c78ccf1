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

/* What is not to be run on a host without care: control flow, the system's, moves of segments; POPF, which sets TF. */
static const u16 not_plain[] = {
#define _(name) X86_FN_##name,
    _(push_sreg) _(pop_sreg) _(jcc) _(mov_from_sreg) _(mov_to_sreg) _(call_far) _(ret) _(ret_far) _(int3) _(int) _(into)
        _(iret) _(loopne) _(loope) _(loop) _(jcxz) _(call) _(jmp) _(jmp_far) _(int1) _(hlt) _(call_ind) _(jmp_ind)
            _(popf) _(pushf) _(enter) _(xlat)
#undef _
};

bool x86_row_is_plain(const struct x86_row *row)
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
    return !(row->flags & ROW_I64);
}

/* Of a shift. */
static unsigned shift_count(const struct x86_instr *in, u64 rcx)
{
    unsigned count = 1;
    for (unsigned i = 1; i < 3; i++) {
        unsigned place = x86_opds[in->row->opds[i]].place;
        count = place == PL_CX ? (unsigned)rcx : place == PL_I ? (unsigned)in->imm : count;
    }
    return count & (x86_opd_bytes(in, in->row->opds[0]) == 8 ? 63 : 31);
}

bool x86_result_is_undefined(const struct x86_instr *in, u64 rcx)
{
    bool two = in->row->fn == X86_FN_shld || in->row->fn == X86_FN_shrd;
    return two && shift_count(in, rcx) > 8 * x86_opd_bytes(in, in->row->opds[0]);
}

u32 x86_undefined_flags(const struct x86_instr *in, u64 rcx)
{
    unsigned n = x86_opd_bytes(in, in->row->opds[0]), count = shift_count(in, rcx);
    if (x86_result_is_undefined(in, rcx)) {
        return EFL_ARITH;
    }
    switch (in->row->fn) {
    case X86_FN_mul:
    case X86_FN_imul1:
    case X86_FN_imul2:
    case X86_FN_imul3:
        return EFL_SF | EFL_ZF | EFL_AF | EFL_PF;
    case X86_FN_div:
    case X86_FN_idiv:
        return EFL_ARITH;
    case X86_FN_and:
    case X86_FN_or:
    case X86_FN_xor:
    case X86_FN_test:
        return EFL_AF;
    case X86_FN_shl:
    case X86_FN_shr:
    case X86_FN_sar:
    case X86_FN_shld:
    case X86_FN_shrd:
        return count == 0 ? 0 : count == 1 ? EFL_AF : EFL_AF | EFL_OF | (count > 8 * n ? EFL_CF : 0);
    case X86_FN_rol:
    case X86_FN_ror:
    case X86_FN_rcl:
    case X86_FN_rcr:
        return count > 1 ? EFL_OF : 0;
    case X86_FN_bt:
    case X86_FN_bts:
    case X86_FN_btr:
    case X86_FN_btc:
        return EFL_OF | EFL_SF | EFL_AF | EFL_PF;
    case X86_FN_bsf:
    case X86_FN_bsr:
        return EFL_ARITH & ~EFL_ZF;
    case X86_FN_lzcnt:
    case X86_FN_tzcnt:
        return EFL_OF | EFL_SF | EFL_AF | EFL_PF;
    case X86_FN_bextr:
        return EFL_SF | EFL_AF | EFL_PF;
    case X86_FN_bzhi:
    case X86_FN_blsr:
    case X86_FN_blsi:
    case X86_FN_blsmsk:
    case X86_FN_andn:
        return EFL_AF | EFL_PF;
    default:
        return 0;
    }
}

struct x86_features x86_host_features(void)
{
    struct x86_features f = {{0}};
    static const u8 common[] = {X86_FEAT_I486, X86_FEAT_CPUID, X86_FEAT_CMOV, X86_FEAT_CX8,
                                X86_FEAT_SSE,  X86_FEAT_SSE2,  X86_FEAT_LAHF};
    for (unsigned i = 0; i < ARRAY_LEN(common); i++) {
        f.w[common[i] / 64] |= 1ull << common[i] % 64;
    }
#define IF(name, feat) \
    if (__builtin_cpu_supports(name)) { \
        f.w[X86_FEAT_##feat / 64] |= 1ull << X86_FEAT_##feat % 64; \
    }
    IF("popcnt", POPCNT)
    IF("bmi", BMI1)
    IF("bmi2", BMI2)
    IF("sse4.2", SSE42)
    IF("lzcnt", LZCNT)
    IF("movbe", MOVBE)
    IF("adx", ADX)
    IF("cmpxchg16b", CX16)
#undef IF
    return f;
}

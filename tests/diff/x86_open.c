/* What the manual leaves open after an instruction (SDM volume 2, "Flags Affected"): processors differ there. */
#include "tests/diff/x86_state.h"

#include <string.h>

#include "tests/diff/x86_values.h"

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

static bool result_is_undefined(const struct x86_instr *in, u64 rcx)
{
    bool two = in->row->fn == X86_FN_shld || in->row->fn == X86_FN_shrd;
    return two && shift_count(in, rcx) > 8 * x86_opd_bytes(in, in->row->opds[0]);
}

static u32 undefined_flags(const struct x86_instr *in, u64 rcx)
{
    unsigned n = x86_opd_bytes(in, in->row->opds[0]), count = shift_count(in, rcx);
    if (result_is_undefined(in, rcx)) {
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
    case X86_FN_aaa:
    case X86_FN_aas:
        return EFL_OF | EFL_SF | EFL_ZF | EFL_PF;
    case X86_FN_aam:
    case X86_FN_aad:
        return EFL_OF | EFL_AF | EFL_CF;
    case X86_FN_daa:
    case X86_FN_das:
        return EFL_OF;
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

/* Condition codes of the x87. */
static u16 undefined_conditions(const struct x86_instr *in)
{
    enum { C0 = 1 << 8, C1 = 1 << 9, C2 = 1 << 10, C3 = 1 << 14 };
    const char *n = in->row->name;
    if (x86_row_class(in->row) != X86_X87) {
        return 0;
    }
    switch (in->row->fn) {
    case X86_FN_fcmovcc:
    case X86_FN_ffree:
    case X86_FN_ffreep:
        return C0 | C1 | C2 | C3;
    case X86_FN_fcomi:
    case X86_FN_fcomip:
    case X86_FN_fucomi:
    case X86_FN_fucomip:
        return C1;
    case X86_FN_fptan:
    case X86_FN_fsin:
    case X86_FN_fcos:
    case X86_FN_fsincos:
        return C0 | C3;
    default: /* loads, arithmetic, and whatever compares nothing and keeps no words */
        return strstr(n, "com") || n[0] != 'f' || n[1] == 'n' || strstr(n, "env") || strstr(n, "rstor") ||
                       strstr(n, "xam") || strstr(n, "tst") || strstr(n, "prem")
                   ? 0
                   : C0 | C2 | C3;
    }
}

struct x86_open x86_left_open(const struct x86_instr *in, const struct x86_state *before)
{
    /* bytes that are not selected; AMD's SHA wants no alignment */
    bool masked = in->row->fn == X86_FN_maskmovdqu || in->row->fn == X86_FN_maskmovq;
    bool sha = !strncmp(in->row->name, "sha1", 4) || !strncmp(in->row->name, "sha2", 4);
    return (struct x86_open){.flags = undefined_flags(in, before->r[1]),
                             .fault = masked || sha,
                             .fsw = __builtin_cpu_is("amd") ? 0 : undefined_conditions(in),
                             .result = result_is_undefined(in, before->r[1])};
}

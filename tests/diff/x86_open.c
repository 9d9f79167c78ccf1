/* What the manual leaves open after an instruction (SDM volume 2, "Flags Affected"): processors differ there. */
#include "tests/diff/x86_state.h"

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

struct x86_open x86_left_open(const struct x86_instr *in, const struct x86_state *before)
{
    return (struct x86_open){.flags = undefined_flags(in, before->r[1]),
                             .result = result_is_undefined(in, before->r[1])};
}

/* What the common part of the back ends is told of AArch64: registers by the AAPCS64, and single instructions. */
#include "tcg/host/aarch64/a_priv.h"

/* -- constants --------------------------------------------------------------------------------------------------- */

bool a_const_add(const struct gen *g, ir_ref r, bool w, bool *neg, u32 *field)
{
    if (!ir_is_const(r)) {
        return false;
    }
    u64 v = const_of(g, r);
    *neg = false;
    if (a_imm12(w ? v : (u32)v, field)) {
        return true;
    }
    *neg = true;
    return a_imm12(w ? 0 - v : (u32)(0 - v), field);
}
bool a_const_logic(const struct gen *g, ir_ref r, bool w, bool invert, u32 *field)
{
    return ir_is_const(r) && a_imm_logic(const_of(g, r) ^ (invert ? ~0ull : 0), w, field);
}

/* -- moves ------------------------------------------------------------------------------------------------------- */

static void arch_mov(struct code *c, bool w, unsigned dst, unsigned src)
{
    if (dst >= VREG) {
        a_v2(c, A_VORR, 0, dst, src, src);
    } else {
        a_mov(c, w, dst, src);
    }
}
static void arch_add_imm(struct code *c, unsigned dst, unsigned src, i32 v)
{
    a_add_imm(c, dst, src, v);
}
static void arch_zext(struct code *c, unsigned bits, unsigned dst, unsigned src)
{
    a_bfm(c, false, false, dst, src, 0, bits - 1);
}
static void arch_to_int(struct code *c, bool w, unsigned dst, unsigned vec)
{
    a_fmov_gv(c, w ? 3 : 2, dst, vec);
}
static void arch_to_vec(struct code *c, unsigned vec, unsigned src)
{
    a_fmov_vg(c, 3, vec, src);
}

static void arch_load(struct code *c, unsigned type, unsigned reg, i32 off)
{
    int opc = reg < VREG        ? (is_w(type) ? A_LDR_X : A_LDR_W)
              : type == IR_V128 ? A_LDR_QV
              : type == IR_F64  ? A_LDR_DV
                                : A_LDR_SV;
    a_mem(c, opc, reg, CPU, off);
}
static void arch_store(struct code *c, unsigned type, i32 off, unsigned reg)
{
    int opc = reg < VREG        ? (is_w(type) ? A_STR_X : A_STR_W)
              : type == IR_V128 ? A_STR_QV
              : type == IR_F64  ? A_STR_DV
                                : A_STR_SV;
    a_mem(c, opc, reg, CPU, off);
}
static void arch_store_imm(struct code *c, bool w, i32 off, u64 v)
{
    v = w ? v : (u32)v;
    if (v) {
        a_mov_i(c, T0, v);
    }
    a_mem(c, w ? A_STR_X : A_STR_W, v ? (unsigned)T0 : (unsigned)ZR, CPU, off);
}
static void arch_store_zeros(struct code *c, const i32 *off, unsigned n)
{
    a_movi_0(c, VT0);
    for (unsigned i = 0; i < n; i++) {
        arch_store(c, IR_V128, off[i], VT0);
    }
}
static void arch_address(struct code *c, unsigned dst, i32 off)
{
    a_add_imm(c, dst, CPU, off);
}
static void arch_zero(struct code *c, unsigned dst)
{
    a_mov_i(c, dst, 0);
}
static void arch_load_const(struct gen *g, unsigned reg, ir_ref r, unsigned type)
{
    const u64 *v = &g->ir->consts[r & ~IR_CONST];
    if (v[0] == 0 && (type != IR_V128 || r == IR_CONST || v[1] == 0)) {
        a_movi_0(g->c, reg);
        return;
    }
    unsigned as = type == IR_V128 || type == IR_F64 ? type : IR_F32;
    pool_ref(g, a_ldr_lit(g->c, as, reg), type == IR_V128 ? pool_v128(g, v[0], v[1]) : pool_u64(g, v[0]));
}
static void arch_nops(struct code *c, unsigned bytes)
{
    for (; bytes; bytes -= 4) {
        a_insn(c, (u32)A_NOP);
    }
}

/* -- jumps ------------------------------------------------------------------------------------------------------- */

static void arch_skip_here(struct code *c, u8 *at)
{
    a_bind(at, c->p);
}
/* Every instruction is aligned. */
static void arch_align_link(struct gen *g UNUSED, bool cond UNUSED)
{
}

/* -- calls ------------------------------------------------------------------------------------------------------- */

static void arch_call_c(struct gen *g, const void *fn, enum call_fp fp, bool cpu, bool flush)
{
    if (fp) {
        a_fp_to_c(g->c, T0, T1);
    }
    if (cpu && flush) {
        a_mov_sp(g->c, T0, SP);
        a_mem(g->c, A_STR_X, T0, CPU, RT_OFF(ret_sp));
    }
    pool_ref(g, a_ldr_lit(g->c, IR_I64, T0), pool_fn(g, fn));
    a_blr(g->c, T0);
    if (fp) {
        a_fp_to_guest(g->c, T0, T1);
    }
    if (cpu) {
        a_mem(g->c, A_LDR_X, TLB, CPU, RT_OFF(tlb)); /* C may have moved it */
    }
    g->ef.kind = RK_NONE;
}

/* Scalar instructions clear what lies above their result. A slot is no longer than its type, and FCSEL moves a half
 * with its neighbour. */
static bool arch_clears(const struct gen *g UNUSED, const struct xop *x)
{
    bool select = x->op == IR_select || x->op == IR_selectf;
    return x->op != IR_get && !(select && x->type == IR_F16);
}
static bool arch_zero_above(const struct gen *g, ir_ref r, unsigned type)
{
    if (ir_is_const(r) || r >= REF_ENTRY || g->vals[r].type != IR_V128) {
        return false;
    }
    unsigned own = ir_result(&g->ir->ops[r]);
    return type_is_vec(own) && own != IR_V128 && own <= type;
}

const struct host_arch a_arch = {
    .name = "aarch64",
    .rows = a_rows,
    .alloc = {GPR_ALLOC, VEC_ALLOC},
    .clobbered = GPR_TEMP | VREGS,
    .loop_vec = 0xffff0000ull << VREG,
    .tmp = T0,
    .vtmp = VT0,
    .key = T1,
    .result = 0,
    .npins = 16,
    .pin = {21, 22, 23, 24, 25, 26, 27, 28, 29, 8, 9, 10, 11, 12, 13, 14},
    .arg = {0, 1, 2, 3, 4, 5},
    .scale_max = 63,
    .scale_sub = true,
    .mov = arch_mov,
    .mov_imm = a_mov_i,
    .add_imm = arch_add_imm,
    .zext = arch_zext,
    .to_int = arch_to_int,
    .to_vec = arch_to_vec,
    .load = arch_load,
    .store = arch_store,
    .store_imm = arch_store_imm,
    .store_zeros = arch_store_zeros,
    .address = arch_address,
    .zero = arch_zero,
    .load_const = arch_load_const,
    .nops = arch_nops,
    .skip = a_b,
    .skip_here = arch_skip_here,
    .jump = a_b,
    .jump_call = a_bl,
    .jump_if = a_jump_if,
    .cond_not = a_cond_not,
    .cond_keep = a_cond_keep,
    .bind = a_bind,
    .shift = a_shift,
    .align_link = arch_align_link,
    .cond_cmp = a_cond_cmp,
    .cond_flags = a_cond_flags,
    .flags_pack = a_flags_pack,
    .flags_clean = a_flags_clean,
    .entry = a_entry,
    .event_check = a_event_check,
    .count_down = a_count_down,
    .count_up = a_count_up,
    .leave = a_leave,
    .leave_at = a_leave_at,
    .set_target = a_set_target,
    .move_page = a_move_page,
    .set_target_far = a_set_target_far,
    .set_target_pc = a_set_target_pc,
    .go_target = a_go_target,
    .go_return = a_go_return,
    .return_push = a_return_push,
    .return_land = a_return_land,
    .call_c = arch_call_c,
    .zero_above = arch_zero_above,
    .clears = arch_clears,
};

static bool compile(struct ir *ir, const struct gen_config *cfg, struct gen_out *out)
{
    if (!gen_compile(&a_arch, ir, cfg, out)) {
        return false;
    }
    a_flush_code(out->rw, out->rx, out->code_len);
    return true;
}
static u32 restore(const struct ir_target *t, const u8 *map, u32 map_len, u32 code_off, struct vcpu *cpu)
{
    must(map_len > 2);
    return deopt_restore(&a_arch, t, map, code_off, cpu);
}

const struct host host_aarch64 = {
    .name = "aarch64",
    .unavailable = a_unavailable,
    .reach = 127ull << 20,
    .make_thunks = a_make_thunks,
    .compile = compile,
    .patch_jump = a_patch_jump,
    .patch_entry = a_patch_entry,
    .restore = restore,
    .disas = a_disas,
};

/* What the common part of the back ends is told of x86-64: registers by the System V ABI, and single instructions. */
#include "tcg/host/x86_64/x_priv.h"

/* -- operands ---------------------------------------------------------------------------------------------------- */

void pool_use(struct gen *g, unsigned index, unsigned imm_bytes)
{
    pool_ref(g, g->c->p - imm_bytes - 4, index);
}
void table_use(struct gen *g, unsigned off, unsigned imm_bytes)
{
    u8 *at = g->c->p - imm_bytes - 4;
    const u8 *to = (const u8 *)g->cfg->thunks->slow[TH_TABLE] + off;
    jump_abs(g, at, to - imm_bytes);
}

static struct mem cpu_mem(i32 off)
{
    return MEM(RBP, off - RT_BIAS);
}

/* -- moves ------------------------------------------------------------------------------------------------------- */

static void arch_mov(struct code *c, bool w, unsigned dst, unsigned src)
{
    if (dst >= VREG) {
        v_rrr(c, X_MOVAPS, dst, 0, src);
    } else {
        x_mov(c, w, dst, src);
    }
}
static void arch_add_imm(struct code *c, unsigned dst, unsigned src, i32 v)
{
    x_lea(c, true, dst, MEM(src, v));
}
static void arch_zext(struct code *c, unsigned bits, unsigned dst, unsigned src)
{
    if (bits == 16) {
        x_rr(c, X_MOVZX16, false, dst, src);
    } else {
        x_mov(c, false, dst, src);
    }
}
static void arch_to_int(struct code *c, bool w, unsigned dst, unsigned vec)
{
    v_rrr(c, X_MOVD_RX | (w ? OPW : 0), vec, 0, dst);
}
static void arch_to_vec(struct code *c, unsigned vec, unsigned src)
{
    v_rrr(c, X_MOVD | OPW, vec, 0, src);
}

static void arch_load(struct code *c, unsigned type, unsigned reg, i32 off)
{
    if (reg >= VREG) {
        u32 opc = type == IR_V128 ? X_MOVUPS : type == IR_F64 ? X_MOVSD : X_MOVSS;
        v_rrm(c, opc, reg, 0, cpu_mem(off));
    } else {
        x_load(c, is_w(type), reg, cpu_mem(off));
    }
}
static void arch_store(struct code *c, unsigned type, i32 off, unsigned reg)
{
    if (reg >= VREG) {
        u32 opc = type == IR_V128 ? X_MOVUPS_MR : type == IR_F64 ? X_MOVSD_MR : X_MOVSS_MR;
        v_rrm(c, opc, reg, 0, cpu_mem(off));
    } else {
        x_store(c, is_w(type), cpu_mem(off), reg);
    }
}
static void arch_store_imm(struct code *c, bool w, i32 off, u64 v)
{
    if (!w || (i64)v == (i32)v) {
        x_store_i(c, w, cpu_mem(off), (i32)v);
    } else {
        x_mov_i(c, RAX, v);
        x_store(c, true, cpu_mem(off), RAX);
    }
}
static void arch_store_zeros(struct code *c, const i32 *off, unsigned n)
{
    v_rrr(c, 0x57 | M0F, XMM0, XMM0, XMM0); /* all of ymm0 */
    for (unsigned i = 0; i < n; i++) {
        bool pair = i + 1 < n && off[i + 1] == off[i] + 16;
        v_rrm(c, X_MOVUPS_MR | (pair ? (u32)OPL : 0), XMM0, 0, cpu_mem(off[i]));
        i += pair;
    }
}
static u8 *arch_skip_zeros(struct code *c)
{
    x_load(c, false, RCX, RT_MEM(nonzero));
    x_byte(c, 0xe3); /* jrcxz: EFLAGS survive */
    x_byte(c, 0);
    return c->p - 1;
}
static void arch_address(struct code *c, unsigned dst, i32 off)
{
    x_lea(c, true, dst, cpu_mem(off));
}

static void arch_load_const(struct gen *g, unsigned reg, ir_ref r, unsigned type)
{
    if (r == IR_CONST || (type != IR_V128 && const_of(g, r) == 0)) {
        v_rrr(g->c, 0x57 | M0F, reg, reg, reg);
        return;
    }
    const u64 *v = &g->ir->consts[r & ~IR_CONST];
    u32 opc = type == IR_V128 ? X_MOVUPS : type == IR_F64 ? X_MOVSD : X_MOVSS;
    v_rrm(g->c, opc, reg, 0, POOL_MEM);
    pool_use(g, type == IR_V128 ? pool_v128(g, v[0], v[1]) : pool_u64(g, v[0]), 0);
}

/* -- jumps ------------------------------------------------------------------------------------------------------- */

static void arch_bind(u8 *at, const u8 *to)
{
    x_set_rel(at, to);
}
static void arch_shift(u8 *at, i32 by)
{
    i32 v;
    memcpy(&v, at, 4);
    v += by;
    memcpy(at, &v, 4);
}
/* EFLAGS survive moves. */
static struct cond arch_cond_keep(struct gen *g UNUSED, struct cond c)
{
    return c;
}

/* -- calls ------------------------------------------------------------------------------------------------------- */

static void arch_call_c(struct gen *g, const void *fn, enum call_fp fp, bool cpu, bool flush)
{
    if (fp != CALL_PLAIN) {
        v_rrm(g->c, 0xae | M0F, 3, 0, RT_MEM(host_fp));
    }
    if (fp == CALL_FP) {
        v_rrm(g->c, 0xae | M0F, 2, 0, RT_MEM(c_fp));
    }
    if (g->native) { /* other guests do not store two vectors as one */
        x_upper_zero(g->c);
    }
    if (cpu && flush) {
        x_store(g->c, true, RT_MEM(ret_sp), RSP);
    }
    x_rm(g->c, 0xff, false, 2, POOL_MEM);
    pool_use(g, pool_fn(g, fn), 0);
    if (fp == CALL_FP) {
        v_rrm(g->c, 0xae | M0F, 2, 0, RT_MEM(host_fp));
    }
    if (cpu) {
        x_load(g->c, true, R15, RT_MEM(tlb)); /* C may have moved it */
    }
}

const struct host_arch x_arch = {
    .name = "x86_64",
    .rows = rows,
    .alloc = {GPR_ALLOC, XMM_ALLOC},
    .clobbered = GPR_CALLER_SAVED | VREGS,
    .loop_vec = VREGS & (RBIT(XMM11 + 1) - RBIT(XMM3)),
    .share_mem = true,
    .tmp = RAX,
    .vtmp = XMM0,
    .key = RCX,
    .result = RAX,
    .npins = 8,
    .nvpins = 8,
    .pin = {RBX, R12, R13, R14, RSI, RDI, R8, R9, XMM3, XMM4, XMM5, XMM6, XMM7, XMM8, XMM9, XMM10},
    .arg = {RDI, RSI, RDX, RCX, R8, R9},
    .native = 1 + NAN_X86,
    .scale_max = 3,
    .links_cond = true,
    .lazy = true,
    .rel_base = 4,
    .token_back = 9, /* mov eax, imm32; jmp rel32 */
    .mov = arch_mov,
    .mov_imm = x_mov_i,
    .add_imm = arch_add_imm,
    .zext = arch_zext,
    .to_int = arch_to_int,
    .to_vec = arch_to_vec,
    .load = arch_load,
    .store = arch_store,
    .store_imm = arch_store_imm,
    .store_zeros = arch_store_zeros,
    .skip_zeros = arch_skip_zeros,
    .address = arch_address,
    .zero = x_zero,
    .load_const = arch_load_const,
    .nops = x_nops,
    .skip = x_jmp8,
    .skip_here = x_here8,
    .jump = x_jmp,
    .jump_call = x_call,
    .jump_if = x_jump_if,
    .cond_not = x_cond_not,
    .cond_keep = arch_cond_keep,
    .bind = arch_bind,
    .shift = arch_shift,
    .align_link = x_align_link,
    .cond_cmp = cond_cmp,
    .cond_flags = cond_flags,
    .flags_pack = flags_pack,
    .flags_clean = flags_clean,
    .entry = x_entry,
    .event_check = x_event_check,
    .count_down = x_count_down,
    .count_up = x_count_up,
    .leave = x_leave,
    .leave_at = x_leave_at,
    .set_target = x_set_target,
    .move_page = x_move_page,
    .set_target_far = x_set_target_far,
    .set_target_pc = x_set_target_pc,
    .go_target = x_go_target,
    .go_return = x_go_return,
    .return_push = x_return_push,
    .return_land = x_return_land,
    .call_c = arch_call_c,
    .zero_above = float_zero_above,
    .clears = float_clears,
    .x87_begin = x87_begin,
};

static bool compile(struct ir *ir, const struct gen_config *cfg, struct gen_out *out)
{
    return gen_compile(&x_arch, ir, cfg, out);
}
static void relocate(u8 *rw, const u32 *reloc, unsigned n, const struct gen_move *m)
{
    gen_relocate(&x_arch, rw, reloc, n, m);
}
static u32 restore(const struct ir_target *t, const u8 *map, u32 map_len, u32 code_off, struct vcpu *cpu)
{
    must(map_len > 2);
    u32 insn_off = deopt_restore(&x_arch, t, map, code_off, cpu);
    if (cpu) {
        lazy_settle(t, cpu);
        x87_undo((struct rt *)(void *)cpu);
    }
    return insn_off;
}

const struct host host_x86_64 = {
    .name = "x86_64",
    .unavailable = x_unavailable,
    .make_thunks = x_make_thunks,
    .compile = compile,
    .patch_jump = x_patch_jump,
    .patch_entry = x_patch_entry,
    .restore = restore,
    .relocate = relocate,
    .settle = lazy_settle,
    .set_base = x_set_base,
    .misaligned = x_misaligned,
    .disas = x_disas,
};

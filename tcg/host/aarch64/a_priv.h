/* The AArch64 back end: its registers, its rows and what its files share. Values, registers and exits are the common
 * part's (tcg/host/gen_priv.h). */
#ifndef MOSS_TCG_HOST_AARCH64_A_PRIV_H
#define MOSS_TCG_HOST_AARCH64_A_PRIV_H

#include "tcg/host/aarch64/enc.h"
#include "tcg/host/gen_priv.h"

enum {
    T0 =
        16, /* scratch of emitters; T1: of the encoder too; T2: the target of an indirect jump; LR is scratch as well */
    T1 = 17,
    T2 = 15,
    CPU = 19, /* the CPU struct */
    TLB = 20, /* rt.tlb[0] */
    VT0 = V0, /* scratch of emitters */
    VT1 = V0 + 1,
    VT2 = V0 + 2,
};
#define GPR_ALLOC (0x7fffull | 0x3fe00000ull) /* x0..x14, x21..x29; x18 is the platform's */
#define GPR_TEMP  0x7fffull                   /* those a C function may change */
#define VEC_ALLOC (~7ull << VREG)

extern const struct host_arch a_arch;
extern const struct row a_rows[XOP_COUNT];

/* cpu.c: what this machine has. */
struct a_cpu {
    bool lse, lse2, fp16, pmull, crc32;
};
extern struct a_cpu a_cpu; /* tests may clear bits */
const char *a_unavailable(void);

/* The constant when an instruction can have it. */
bool a_const_add(const struct gen *g, ir_ref r, bool w, bool *neg, u32 *field); /* as an addend or its negative */
bool a_const_logic(const struct gen *g, ir_ref r, bool w, bool invert, u32 *field);

/* flags.c */
enum { C_ZERO = C_HOST /* reg == 0; bit: 64 bits wide */, C_BIT /* bit `bit` of reg is 0; cc A_EQ, else not */ };
struct cond a_cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b); /* for a jump */
struct cond a_cond_flags(struct gen *g, unsigned cc, ir_ref f);
void a_flags_pack(struct gen *g, ir_ref f);
void a_flags_clean(struct gen *g);
bool a_wants_flags(const struct gen *g, const struct xop *x);

/* control.c, thunks.c: what struct host_arch and struct host say of them. */
u8 *a_jump_if(struct gen *g, struct cond c, u8 **second);
struct cond a_cond_not(struct cond c);
struct cond a_cond_keep(struct gen *g, struct cond c);
void a_entry(struct gen *g);
u8 *a_event_check(struct gen *g);
u8 *a_count_down(struct gen *g, unsigned n);
void a_count_up(struct gen *g, unsigned n);
void a_leave(struct gen *g, i32 off, u32 token, unsigned th);
void a_leave_at(struct gen *g, u32 token, const void *thunk);
void a_set_target(struct gen *g, unsigned reg);
void a_move_page(struct gen *g, i32 by);
void a_set_target_far(struct gen *g, i32 off);
void a_set_target_pc(struct gen *g);
void a_go_target(struct gen *g, bool call);
void a_go_return(struct gen *g);
bool a_return_push(struct gen *g, i32 off);
void a_return_land(struct gen *g, i32 off);
void a_patch_jump(u8 *rw, const u8 *at, const u8 *target);
void a_patch_entry(u8 *rw, const u8 *entry, const u8 *stale);
void a_flush_code(u8 *rw, const u8 *rx, size_t n);
u32 a_make_thunks(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f, bool vpins,
                  struct host_thunks *out);
/* The control words: the guest's into rt.host_fp and C's in, and back; two registers to work with. */
void a_fp_to_c(struct code *c, unsigned t0, unsigned t1);
void a_fp_to_guest(struct code *c, unsigned t0, unsigned t1);
void a_cmp_sp(struct code *c, unsigned rm);

/* memory.c: where the access at [addr + off] goes; a_access returns the jump to the cold path, or NULL. */
struct place {
    unsigned base, index; /* index NOREG: base + off */
    i32 off;
};
u8 *a_access(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned tag_off, struct place *p);
void a_slow_call(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned thunk);
unsigned a_place_reg(struct gen *g, const struct place *p); /* one register with the whole address; T1 lives on */
void a_swap(struct code *c, unsigned rd, unsigned rs, unsigned size); /* the low 1 << size bytes reversed */

/* The emitters. */
emit_fn a_add, a_sub, a_mul, a_logic, a_neg, a_shift_op, a_mulh, a_div, a_count, a_crc32, a_bswap, a_ext_op, a_extract,
    a_deposit, a_extr_op, a_setcc, a_select, a_recipe, a_fl_adc, a_fl_mix, a_fl_unpack, a_adc, a_setf, a_selectf, a_ld,
    a_ld_hi, a_st, a_rmw, a_cas, a_fence, a_bitcast, a_farith, a_fma, a_funary, a_fround, a_fcvt_op, a_f2i_op, a_i2f_op,
    a_vf2i_op, a_vi2f_op, a_vi2fl, a_vfcmp, a_vfcvtl, a_vfcvtn, a_vzero_ext, a_vdup, a_vget, a_vset, a_vshuf, a_vtbl,
    a_vbsl, a_v2_op, a_v1_op, a_vlogic, a_vminmax, a_vcmp, a_vshift_op, a_vmull, a_vxtl_op, a_vxtn, a_vqxtn, a_vclmul,
    a_vblend, a_vmulh, a_vmule, a_vdot, a_vsad, a_vpack, a_vtblm, a_vshift_lanes, a_vshift_all, a_vmask, a_vtst;

#endif

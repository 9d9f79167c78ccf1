/* Inside the x86-64 back end: the state of one compilation.
 *
 * compile() makes two passes over the trace. select.c walks it forward once: names every operand's value (gets and puts
 * disappear into names), chains each value's uses, finds how long the guest's state needs it, and folds ops into
 * their users. Then the main loop walks it forward again, giving registers and emitting.
 *
 * A value is an op's result (its index), a slot's content at entry (REF_ENTRY + slot) or a constant (IR_CONST bit).
 * It may live in a register, in memory (a slot's home or a spill place), or both. `cur` names each slot's present
 * value; 0 means "what is in its home". `home` names what is in the home, 0 when that is nothing known. */
#ifndef MOSS_TCG_HOST_X86_64_X_PRIV_H
#define MOSS_TCG_HOST_X86_64_X_PRIV_H

#include "base/bits.h"
#include "tcg/host/host.h"
#include "tcg/host/x86_64/enc.h"

struct fp_env;

enum {
    REF_ENTRY = IR_MAX_OPS,
    NVALS = IR_MAX_OPS + IR_MAX_SLOTS,
    NOUSE = 0xffff,
    NOSLOT = 0xff,
};
/* val.mem */
enum { LOC_NONE = 0, LOC_HOME = 1, LOC_SPILL = LOC_HOME + IR_MAX_SLOTS, LOC_VSPILL = LOC_SPILL + 64 };

struct val {
    u16 next; /* the op that reads it next; NOUSE */
    u16 hold; /* the last op at which it is guest state that somebody may look at */
    u16 used; /* the last op so far that read it */
    u8 reg, mem;
    u8 slot; /* one that was put from it, NOSLOT */
    u8 hint; /* a slot it will be put into, NOSLOT */
    u8 type;
};

/* How flags are made again from values: kinds of recipes. D is the difference or sum. */
enum recipe {
    RK_NONE,
    RK_SUB,    /* a - b */
    RK_ADD,    /* a + b */
    RK_TEST,   /* a & b */
    RK_FCMP,   /* a against b */
    RK_SUB_DB, /* (D + b) - b: a is gone */
    RK_SUB_AD, /* a - (a - D): b is gone */
    RK_ADD_DB, /* (D - b) + b */
    RK_PACKED, /* not a recipe: EFLAGS as loaded from the packed form of a */
};

struct xop {
    u8 op, type, sub;
    u8 rk;          /* flags: how to make them again; held in c and d */
    u16 a, b, c, d; /* operands by value name; mem ops: d is the descriptor */
    u32 imm;
    u16 nu[4]; /* next use of each operand after this op */
    u16 extra; /* first of nextra more uses, in gen.extra */
    u8 nextra;
    u8 nargs; /* of a, b, c, d */
    u16 twin; /* arithmetic op <-> the fl_* op of the same operands */
    u8 scale; /* add, sub: b is shifted left by this */
    u8 flags; /* XF_* */
};
enum { XF_DEAD = 1 /* put nobody sees */, XF_SWAP_DEAD = 2 };
/* Ops of the back end's own. */
enum { XOP_FOLDED = IR_OPCODES /* emitted by its user */, XOP_COUNT };

struct extra_use {
    u16 ref, nu;
};

/* What EFLAGS hold: flags of `kind` over a and b of `type`; `res` is the value the same instruction made. */
struct eflags {
    u8 kind, type;
    u16 a, b, res;
    u32 fcmp;
};

/* -- registers -------------------------------------------------------------------------------------------- */

#define RBIT(r) (1u << (r))
enum {
    /* rbp: the CPU struct; r15: rt.tlb[0]; rsp: host stack; rax rcx rdx: scratch of emitters */
    GPR_ALLOC = RBIT(RBX) | RBIT(RSI) | RBIT(RDI) | RBIT(R8) | RBIT(R9) | RBIT(R10) | RBIT(R11) | RBIT(R12) |
                RBIT(R13) | RBIT(R14),
    GPR_CALLER_SAVED = RBIT(RSI) | RBIT(RDI) | RBIT(R8) | RBIT(R9) | RBIT(R10) | RBIT(R11),
    MAX_PINS = 8,
};
#define XMM_ALLOC 0xfff80000u /* xmm0..2: scratch of emitters */
#define XMM_ALL   0xffff0000u

/* Which slots live in which registers between blocks. */
struct pins {
    const struct ir_target *target;
    unsigned n;
    u8 slot[MAX_PINS], reg[MAX_PINS]; /* of block boundaries */
    u8 reg_of[IR_MAX_SLOTS];          /* NOREG: not pinned */
    u32 mask;
};
void pins_make(struct pins *p, const struct ir_target *t);

/* A TLB probe's result that more accesses use (share.c). */
struct share {
    ir_ref base; /* 0: none */
    i32 lo, hi;  /* offsets from it that lie in the same page */
    u32 view;
    bool store;
    u8 reg;
    u16 last; /* the last access it was made for */
};
enum { SHARES = 4, REF_SHARE = IR_CONST | 0x7f00 };

struct gen {
    struct ir *ir;
    const struct ir_target *t;
    const struct gen_config *cfg;
    struct gen_out *out;
    struct pins base, pins;    /* of block boundaries; of this block: of its loop, if it is one */
    struct code hot, cold, *c; /* c: the one being written */
    u8 *hot_end, *cold_base, *cold_end;
    bool full;

    unsigned i;   /* the op being emitted */
    u32 lock;     /* registers of this op's operands */
    u32 occupied; /* registers with a value */
    ir_ref reg_val[32];
    u8 const_type[32]; /* of constants in vector registers */
    u64 spill_used, vspill_used;
    ir_ref spill_val[64], vspill_val[32];
    struct slot_set touched; /* slots that may not be where block boundaries want them */
    ir_ref cur[IR_MAX_SLOTS], home[IR_MAX_SLOTS];
    struct eflags ef, ef_next;
    u32 insn_off, insn_len;
    unsigned insns_done; /* instructions begun */
    ir_ref last_pc;      /* an op `pc`: others are near it */

    struct val vals[NVALS];
    struct xop x[IR_MAX_OPS];
    u16 name[IR_MAX_OPS]; /* the value behind an op's result */
    u16 *tail[NVALS];     /* select: where the next use's index goes */
    u16 last_put[IR_MAX_SLOTS];
    unsigned nextra;
    struct extra_use extra[3 * IR_MAX_OPS];

    unsigned nfix;
    u32 fix[6 * IR_MAX_OPS]; /* place << 1 | (in hot code) */
    unsigned npool, npool_ref;
    u64 pool[1024];
    struct {
        u32 at;
        u16 index;
    } pool_ref[4 * IR_MAX_OPS];
    unsigned loop_last; /* select: the last exit to the trace's own start, 0 */
    u8 *loop_head;      /* where it goes when the trace is treated as a loop */
    struct slot_set loop_written;
    struct share share[SHARES];
    unsigned next_share;
    unsigned npoints;
    u32 point[IR_MAX_OPS]; /* code offsets of the deopt map's entries */
};

/* -- places ------------------------------------------------------------------------------------------------ */

#define RT_MEM(field) MEM(RBP, (i32)offsetof(struct rt, field) - RT_BIAS)
#define RT_AT(field, i) \
    MEM(RBP, (i32)(offsetof(struct rt, field) + (size_t)(i) * sizeof(((struct rt *)0)->field[0])) - RT_BIAS)

static inline struct mem slot_mem(const struct gen *g, unsigned s)
{
    return MEM(RBP, (i32)g->t->slots[s].off - RT_BIAS);
}
static inline bool type_is_vec(unsigned t)
{
    return t >= IR_F16 && t <= IR_V128;
}
static inline bool is_w(unsigned type)
{
    return type == IR_I64;
}
static inline bool ref_is_recipe(const struct gen *g, ir_ref r)
{
    return !ir_is_const(r) && r < REF_ENTRY && g->x[r].rk != RK_NONE;
}
static inline u64 const_of(const struct gen *g, ir_ref r)
{
    return ir_const_val(g->ir, r);
}
/* Nothing after the present op needs the value. The op itself may: its fault point or exit shows it as guest state. */
static inline bool val_dead(const struct gen *g, ir_ref r)
{
    const struct val *v = &g->vals[r];
    return v->next == NOUSE && v->hold <= g->i;
}
/* Nor does the op itself. */
static inline bool val_gone(const struct gen *g, ir_ref r)
{
    const struct val *v = &g->vals[r];
    return v->next == NOUSE && v->hold < g->i && v->used != g->i;
}
/* The value as a signed 32-bit immediate of an instruction of this type. */
static inline bool const_fits(const struct gen *g, ir_ref r, unsigned type, i32 *imm)
{
    if (!ir_is_const(r)) {
        return false;
    }
    u64 v = const_of(g, r);
    *imm = (i32)v;
    return type != IR_I64 || (i64)v == (i32)v;
}

/* select.c */
void select_ops(struct gen *g);

/* regalloc.c */
void ra_init(struct gen *g);
void ra_begin(struct gen *g, struct xop *x);             /* before op g->i: advances its operands' uses, locks them */
unsigned ra_src(struct gen *g, ir_ref r, unsigned type); /* register holding it */
unsigned ra_pick(struct gen *g, ir_ref r, u32 allow);    /* a register for result r; allow: operands that may go */
void ra_bind(struct gen *g, ir_ref r, unsigned reg);     /* the register holds r from now on */
unsigned ra_dst(struct gen *g, u32 allow);               /* pick and bind for the present op */
u32 ra_dying(const struct gen *g, ir_ref r);             /* mask of its register when it ends here */
unsigned ra_temp(struct gen *g, u32 from);               /* a register for this op only; locked */
u32 ra_free(const struct gen *g, u32 cand);              /* those of them that nothing needs after this op */
void ra_forget(struct gen *g, unsigned reg);             /* what was in it is dead and overwritten */
void ra_evict(struct gen *g, unsigned reg);
void ra_flush(struct gen *g, u32 regs);            /* live values leave these registers */
void ra_rescue_home(struct gen *g, unsigned slot); /* a live value that is only in this home moves out */
void ra_store_home(struct gen *g, unsigned slot);  /* makes the home hold the slot's value */
void ra_store_reg(struct gen *g, struct mem m, unsigned reg, unsigned type);
void ra_copy_home(struct gen *g, unsigned slot); /* the same, recording nothing: on the way out */
struct mem loc_mem(const struct gen *g, unsigned loc);
void ra_load(struct gen *g, unsigned reg, ir_ref r, unsigned type); /* from memory or as a constant, nothing recorded */

/* An operand as an instruction may take it. */
struct opnd {
    enum { OP_REG, OP_IMM, OP_MEM, OP_POOL, OP_TABLE } kind;
    unsigned reg;
    i32 imm; /* OP_POOL: index; OP_TABLE: offset */
    struct mem mem;
};
struct opnd ra_opnd(struct gen *g, ir_ref r, unsigned type); /* memory only when that is the last use */
void alu_opnd(struct gen *g, enum alu op, bool w, unsigned reg, const struct opnd *o);
void mov_opnd(struct gen *g, bool w, unsigned reg, const struct opnd *o);

/* emit.c */
void fix_add(struct gen *g, u8 *at); /* `at` leads out of the area it is in */
void jump_abs(struct gen *g, u8 *at, const void *run_addr);
void to_cold(struct gen *g);
void to_hot(struct gen *g);
void bind_cold(struct gen *g, u8 *at);    /* a jump in hot code goes to the present cold place */
void back_to_hot(struct gen *g, u8 *hot); /* a jump from cold code to `hot` */
unsigned pool_u64(struct gen *g, u64 v);
unsigned pool_v128(struct gen *g, u64 lo, u64 hi);
#define POOL_MEM MEM(RIP, 0)
void pool_use(struct gen *g, unsigned index, unsigned imm_bytes); /* the instruction just written refers to it */
void table_use(struct gen *g, unsigned off, unsigned imm_bytes);  /* the same for the shared constants */

/* flags.c */
struct cond {
    enum { C_CC, C_AND_NP, C_OR_P, C_NEVER, C_ALWAYS } kind;
    enum xcc cc;
};
struct cond cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b);
struct cond cond_flags(struct gen *g, unsigned cc, ir_ref f);
void flags_pack(struct gen *g, ir_ref f);  /* packed form into eax; bits outside enum fl_bits may be anything */
void fcmp_packed(struct gen *g, u32 fcmp); /* the same of a comparison EFLAGS hold; fcmp: its imm */
void flags_twin(struct gen *g, struct xop *x, unsigned kind, ir_ref a, ir_ref b); /* the op's instruction set EFLAGS */

/* deopt.c */
void deopt_point(struct gen *g); /* the state before the present op's puts; its place is set by */
void deopt_here(struct gen *g);  /* the return address is here; user mode: or what follows may fault */
bool deopt_finish(struct gen *g, i32 cold_delta);
u32 deopt_restore(const struct ir_target *t, const u8 *map, u32 map_len, u32 code_off, struct vcpu *cpu);

/* control.c */
void control_entry(struct gen *g);
void control_stale(struct gen *g);
void state_home(struct gen *g); /* every slot into its home */
void x_patch_jump(u8 *rw, const u8 *at, const u8 *target);
void x_patch_entry(u8 *rw, const u8 *entry, const u8 *stale);

/* thunks.c */
enum {
    TH_LOAD,
    TH_LOAD_X, /* rax = va, ecx = descriptor -> rax; _X: vector registers live on */
    TH_STORE,
    TH_STORE_X,     /* rax = va, rdx = value, ecx = descriptor */
    TH_ATOMIC,      /* rax = va, ecx = descriptor -> rcx host pointer */
    TH_LOOKUP_HOME, /* as lookup, with all state home */
    TH_LEAVE_HOME,  /* as leave, with all state home */
    TH_FALLBACK,    /* rcx = key: x_fallback, with all registers but rax rcx rdx xmm0..2 preserved */
    TH_RETURN,      /* rdx = guest address: looks for it below the top of the return stack, which is not empty */
    TH_TABLE,       /* constants: enum x_table */
};
u32 x_make_thunks(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f,
                  struct host_thunks *out);

/* disas.c */
int x_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail);

/* cpu.c: what this machine has. */
struct x_cpu {
    bool avx, avx2, fma, f16c, bmi1, bmi2, lzcnt, popcnt, movbe, pclmul;
};
extern struct x_cpu x_cpu; /* tests may clear bits */
const char *x_unavailable(void);

/* The emitters, by opcode: for results and operands in integer registers, and for V128. */
typedef void emit_fn(struct gen *g, struct xop *x);
struct row {
    emit_fn *emit;
    emit_fn *emit_v;
    u8 keeps_flags; /* EFLAGS survive it */
    u8 sub;         /* for emitters of several ops */
    u32 v[4];       /* vector opcode by element size */
};
extern const struct row rows[XOP_COUNT];

/* table.c: constants all blocks share, 16 bytes each. */
#define X_TABLE(_) \
    _(ZERO, 0, 0) \
    _(ONES, ~0ull, ~0ull) \
    _(SIGN16, 0x8000800080008000, 0x8000800080008000) \
    _(SIGN32, 0x8000000080000000, 0x8000000080000000) \
    _(SIGN64, 0x8000000000000000, 0x8000000000000000) \
    _(ABS16, 0x7fff7fff7fff7fff, 0x7fff7fff7fff7fff) \
    _(ABS32, 0x7fffffff7fffffff, 0x7fffffff7fffffff) \
    _(ABS64, 0x7fffffffffffffff, 0x7fffffffffffffff) \
    _(NEG16, 0x8000, 0) /* of scalars: nothing above */ \
    _(NEG32, 0x80000000, 0) \
    _(NEG64, 0x8000000000000000, 0) \
    _(MAG16, 0x7fff, 0) \
    _(MAG32, 0x7fffffff, 0) \
    _(MAG64, 0x7fffffffffffffff, 0) \
    _(LOW8, 0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff) \
    _(MAX7, 0x007f007f007f007f, 0x007f007f007f007f) \
    _(LOW16, 0x0000ffff0000ffff, 0x0000ffff0000ffff) \
    _(MAX15, 0x00007fff00007fff, 0x00007fff00007fff) \
    _(LOW32, 0x00000000ffffffff, 0x00000000ffffffff) \
    _(MAX31, 0x000000007fffffff, 0x000000007fffffff) \
    _(MIN31, 0xffffffff80000000, 0xffffffff80000000) \
    _(NIBBLE, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f) \
    _(ONES_OF_NIBBLE, 0x0302020102010100, 0x0403030203020201) \
    _(SEVENTIES, 0x7070707070707070, 0x7070707070707070) \
    _(NARROW16, 0x0e0c0a0806040200, 0x8080808080808080) \
    _(NARROW32, 0x0d0c090805040100, 0x8080808080808080) \
    _(NARROW64, 0x0b0a090803020100, 0x8080808080808080) \
    _(BYTE08, 0x8080808080800800, 0x8080808080808080) \
    _(REV128, 0x08090a0b0c0d0e0f, 0x0001020304050607) \
    _(QNAN16, 0x7e007e007e007e00, 0x7e007e007e007e00) \
    _(QNAN32, 0x7fc000007fc00000, 0x7fc000007fc00000) \
    _(QNAN64, 0x7ff8000000000000, 0x7ff8000000000000) \
    _(QUIET32, 0x0040000000400000, 0x0040000000400000) \
    _(QUIET64, 0x0008000000000000, 0x0008000000000000) \
    _(TINY32, 0x0080000000800000, 0x0080000000800000) /* the least normal number */ \
    _(TINY64, 0x0010000000000000, 0x0010000000000000) \
    _(TINY16, 0x0400040004000400, 0x0400040004000400) \
    _(INF16, 0x7c007c007c007c00, 0x7c007c007c007c00) \
    _(CUT29, 0x1fffffff, 0x1fffffff) /* what a double's fraction has more than a single's */ \
    _(BIT29, 0x20000000, 0x20000000) \
    _(KEEP29, 0xffffffffe0000000, 0xffffffffe0000000) \
    _(EXP32, 0x7f000000, 0) /* of scalars: the exponent less its lowest bit */ \
    _(EXP64, 0x7fe0000000000000, 0) \
    _(TWO16_32, 0x4780000047800000, 0x4780000047800000) \
    _(TWO63_32, 0x5f0000005f000000, 0x5f0000005f000000) \
    _(TWO63_64, 0x43e0000000000000, 0x43e0000000000000)
enum x_table {
#define _(name, lo, hi) T_##name,
    X_TABLE(_)
#undef _
        T_COUNT
};
#define TABLE(name) (&(struct opnd){.kind = OP_TABLE, .imm = T_##name * 16})
u32 x_write_table(u8 *p); /* bytes written, a multiple of 16 */

/* float.c: scalars that end in a register with zeros above need no vzero_ext. */
bool float_zero_above(const struct gen *g, ir_ref r, unsigned type); /* r, read as `type`, is such a one */
bool float_clears(const struct gen *g, const struct xop *x);         /* x's emitter makes one of its operands */

/* vec.c: vector operands. */
struct opnd ra_vopnd(struct gen *g, ir_ref r, unsigned type); /* a register or memory */
void vop(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o);
void vop_i(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o, u8 imm);
struct opnd opnd_reg(unsigned reg);
void vmov(struct gen *g, unsigned rd, const struct opnd *o); /* all 16 bytes */

/* fallback.c: C does it, by way of rt.vtmp; all registers but the scratch ones survive. */
void fallback_arg(struct gen *g, unsigned k, ir_ref r, unsigned type);
void fallback_call(struct gen *g, const struct xop *x); /* result in rt.vtmp[3] */
void fallback_result(struct gen *g, unsigned rd, unsigned type);
void x_fallback(struct rt *rt, struct fp_env *env, u64 key); /* what the thunk calls */

// clang-format off
#define EMITTERS(_)                                                                                                   \
    _(insn)                                                                                                           \
    _(get)                                                                                                            \
    _(put) _(pc) _(folded) _(add) _(sub) _(mul) _(and) _(or) _(xor) _(andn) _(neg) _(shift) _(mulh) _(div) _(count)   \
        _(bitrev) _(bswap) _(ext) _(extract) _(deposit) _(extr) _(setcc) _(select) _(recipe) _(fl_adc) _(fl_unpack)   \
            _(adc) _(setf) _(selectf) _(ld) _(ld_hi) _(st) _(rmw) _(cas) _(fence) _(call) _(exitcc) _(exitf) _(exit)  \
                _(exit_ind) _(exit_pc) _(exit_loop) _(bitcast) _(vzero_ext) _(vdup) _(vget) _(vset) _(vshuf) _(vtbl)  \
                    _(vbsl) _(v2) _(vmul) _(vandn) _(vnot) _(vneg) _(vminmax64) _(vabs) _(vsat) _(vcmp) _(vshift)     \
                        _(vshiftv) _(vmull) _(vxtl) _(vxtn) _(vqxtn) _(vpopcnt) _(vclmul) _(fallback) _(fsign)        \
                            _(farith) _(fma) _(fminmax) _(vfcmp) _(fround) _(fcvt) _(vfcvtl) _(vfcvtn) _(f2i) _(vf2i) \
                                _(i2f) _(vi2f)
// clang-format on
emit_fn emit_fcmp_flushing;
#define _(name) emit_fn emit_##name;
EMITTERS(_)
#undef _

#endif

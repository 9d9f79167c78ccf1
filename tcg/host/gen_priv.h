/* What the back ends share: the state of one compilation, and what a host says of itself (struct host_arch).
 *
 * gen_compile() makes two passes over the trace. select.c walks it forward once: names every operand's value (gets and
 * puts disappear into names), chains each value's uses, finds how long the guest's state needs it, and folds ops into
 * their users. Then the main loop walks it forward again, giving registers and emitting.
 *
 * A value is an op's result (its index), a slot's content at entry (REF_ENTRY + slot) or a constant (IR_CONST bit).
 * It may live in a register, in memory (a slot's home or a spill place), or both. `cur` names each slot's present
 * value; 0 means "what is in its home". `home` names what is in the home, 0 when that is nothing known. */
#ifndef MOSS_TCG_HOST_GEN_PRIV_H
#define MOSS_TCG_HOST_GEN_PRIV_H

#include <stddef.h>
#include <string.h>

#include "tcg/host/code_priv.h"
#include "tcg/host/host.h"

struct fp_env;

struct host_arch;

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
    RK_SHL,    /* a << b; these as fl_shl, fl_shr, fl_sar */
    RK_SHR,
    RK_SAR,
    RK_MIX,    /* the flags imm of a, the others of b: both are flags; when one is such a mix, the other is no recipe */
    RK_OFFSET, /* not flags: a + b, which only a deopt map wants */
    RK_PC,     /* not flags: rt.page + (i32)imm, which only homes want */
    RK_PACKED, /* not a recipe: as loaded from the packed form of a */
};

struct xop {
    u8 op, type, sub;
    u8 rk;          /* flags (or RK_OFFSET): how to make them again; held in c and d */
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
enum {
    XF_DEAD = 1, /* put nobody sees */
    XF_SWAP_DEAD = 2,
    XF_ADDRESS = 4,   /* folded into the accesses that go by it (address.c) */
    XF_ADDRESSED = 8, /* ld, st: such a one. a: the base or 0; imm: all that is added */
    XF_INDEX = 16,    /* and the first extra use << scale */
    XF_CUT = 32,      /* the sum has 32 bits */
};
/* Ops of the back end's own. */
enum {
    XOP_FOLDED = IR_OPCODES, /* emitted by its user */
    XOP_X87,                 /* a call with HF_X87; imm: its operand's offset */
    XOP_COUNT
};

struct extra_use {
    u16 ref, nu;
};

/* What the host's flags hold: flags of `kind` over a and b of `type`; `res` is the value the same instruction made. */
struct hflags {
    u8 kind, type;
    u16 a, b, res;
    u32 fcmp;
};

/* -- registers -------------------------------------------------------------------------------------------- */

#define RBIT(r) (1ull << (r))
#define VREGS   (~0ull << VREG)
enum { MAX_PINS = 16 };

/* Which slots live in which registers between blocks. */
struct pins {
    const struct ir_target *target;
    unsigned n;
    u8 slot[MAX_PINS], reg[MAX_PINS]; /* of block boundaries */
    u8 reg_of[IR_MAX_SLOTS];          /* NOREG: not pinned */
    u64 mask;
};
void pins_make(struct pins *p, const struct host_arch *a, const struct ir_target *t, bool vpins);

/* A TLB probe's result that more accesses use (share.c). */
struct share {
    ir_ref base; /* 0: none */
    i32 lo, hi;  /* offsets from it that lie in the same page */
    u32 view;
    bool store;
    bool mem; /* it lies in rt.share[], not in reg */
    u8 reg;
    u16 last; /* the last access it was made for */
};
enum { SHARES = 4, REF_SHARE = IR_CONST | 0x7f00 };

/* What select_ops() and ra_init() begin with: a copy is cheaper than a loop over all slots in each block. */
struct entry_state {
    struct val vals[IR_MAX_SLOTS];
    u16 *tail[IR_MAX_SLOTS];
    ir_ref cur[IR_MAX_SLOTS], home[IR_MAX_SLOTS], reg_val[NREGS];
    u64 occupied;
};
/* val.hold of what a slot held at entry, as long as no put of that slot was seen: until the end. */
enum { HOLD_ENTRY = 0xffff };

struct gen {
    const struct host_arch *arch;
    struct ir *ir;
    const struct ir_target *t;
    const struct gen_config *cfg;
    struct gen_out *out;
    struct pins base, pins;    /* of block boundaries; of this block: of its loop, if it is one */
    struct code hot, cold, *c; /* c: the one being written */
    bool vpins;                /* host_thunks.vpins, as base has them */
    bool native;               /* the guest's float ops are the host's instructions (host_arch.native) */
    u8 *hot_end, *cold_base, *cold_end;
    bool full;

    unsigned i;   /* the op being emitted */
    u64 lock;     /* registers of this op's operands */
    u64 occupied; /* registers with a value */
    ir_ref reg_val[NREGS];
    u8 const_type[NREGS]; /* of constants in registers */
    u64 spill_used, vspill_used;
    ir_ref spill_val[64], vspill_val[32];
    struct slot_set touched; /* slots that may not be where block boundaries want them */
    ir_ref cur[IR_MAX_SLOTS], home[IR_MAX_SLOTS];
    struct hflags ef, ef_next;
    u32 insn_off, insn_len;
    unsigned insns_done; /* instructions begun */
    ir_ref last_pc;      /* an op `pc`: others are near it */

    struct val vals[NVALS];
    struct xop x[IR_MAX_OPS];
    u16 name[IR_MAX_OPS]; /* the value behind an op's result */
    u16 *tail[NVALS];     /* select: where the next use's index goes */
    u16 last_put[IR_MAX_SLOTS];
    struct slot_set named; /* select: slots that have not held their entry value all the time */
    struct entry_state entry;
    bool x87;       /* select: the trace has instructions for the host's x87 */
    bool x87_ready; /* it holds the guest's state */
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
    unsigned helper; /* whose call is being emitted */
    unsigned npool_fn;
    struct {
        u16 index, helper;
    } pool_fn[64];       /* functions in the pool, when these are listed (gen_config.relocs) */
    unsigned loop_last;  /* select: the last exit to the trace's own start, 0 */
    unsigned loop_backs; /* select: how many there are */
    u8 *loop_event;      /* the jump at the head that leaves */
    u32 loop_note;       /* what the flags are at the head when no back edge writes it; 0 */
    u32 note;            /* of the exit or back edge being emitted; 0: its flags are packed */
    u8 note_slot[2];
    u8 *loop_head; /* where it goes when the trace is treated as a loop */
    u8 *ret_at;    /* the back end's: what return_push left for return_land to fill in */
    struct slot_set loop_written;
    struct share share[SHARES];
    unsigned next_share;
    unsigned ncalls, nexits;
    u16 calls[IR_MAX_OPS], exits[IR_MAX_OPS]; /* select: calls that end shares, conditional exits; NOUSE behind them */
    unsigned npoints;
    u32 point[IR_MAX_OPS]; /* code offsets of the deopt map's entries */
};

/* -- what a host says of itself ---------------------------------------------------------------------------- */

/* A condition: of the host's flags, or (kinds from C_HOST on) what the back end likes. */
enum { C_CC, C_NEVER, C_ALWAYS, C_HOST };
struct cond {
    u8 kind, cc, reg, bit;
};

/* The emitters, by opcode: for results and operands in integer registers, and for V128. */
typedef void emit_fn(struct gen *g, struct xop *x);
struct row {
    emit_fn *emit;
    emit_fn *emit_v;
    u8 keeps_flags; /* the host's flags survive it, or it says itself what they hold */
    u32 v[4];       /* vector opcode by element size */
};

/* Offsets are into the CPU struct. None of load, store, mov, mov_imm, add_imm and load_const touches the host's flags.
 * A jump is named by `at`, a place in it that bind() and shift() understand. */
enum call_fp { CALL_PLAIN, CALL_LOOK /* rt.host_fp has it */, CALL_FP /* and C has its own */ };
struct host_arch {
    const char *name;
    const struct row *rows; /* by opcode, XOP_COUNT of them; none: emit_fallback */

    u64 alloc[2];     /* registers for values: integer, vector */
    u64 clobbered;    /* those of them that C may change */
    u64 loop_vec;     /* vector registers a loop may give to slots, highest first */
    bool share_mem;   /* registers are few: addends go to memory as well (share.c) */
    u8 tmp, vtmp;     /* registers that hold nothing between instructions of an emitter */
    u8 key;           /* where TH_FALLBACK finds what to do */
    u8 result;        /* of a C function */
    u8 npins, nvpins; /* how many of `pin` are integer ones, and behind them vector ones */
    u8 pin[MAX_PINS]; /* hottest first */
    u8 arg[6];        /* of a C function */
    u8 native;        /* 1 + enum ir_nan of guests whose float ops are the host's instructions as they are, in all modes
                         of struct fp_env; 0: none */
    u8 scale_max;     /* add a, b << 1..scale_max is one instruction */
    bool scale_sub;   /* so is sub */
    bool links_cond;  /* a conditional jump reaches every block */
    bool lazy;        /* packed flags never have FL_LAZY set, and host->settle and restore call lazy_settle() */
    u8 token_back;    /* how far before the end of leave() four bytes with the token lie; 0: they do not */
    u8 rel_base;      /* distance from `at` to what its displacement counts from */

    void (*mov)(struct code *c, bool w, unsigned dst, unsigned src); /* within a class; vectors whole */
    void (*mov_imm)(struct code *c, unsigned dst, u64 v);
    void (*add_imm)(struct code *c, unsigned dst, unsigned src, i32 v);      /* 64 bits */
    void (*zext)(struct code *c, unsigned bits, unsigned dst, unsigned src); /* 16, 32 */
    void (*to_int)(struct code *c, bool w, unsigned dst, unsigned vec);
    void (*to_vec)(struct code *c, unsigned vec, unsigned src); /* 64 bits, zeros above */
    void (*load)(struct code *c, unsigned type, unsigned reg, i32 off);
    void (*store)(struct code *c, unsigned type, i32 off, unsigned reg);
    void (*store_imm)(struct code *c, bool w, i32 off, u64 v);
    void (*store_zeros)(struct code *c, const i32 *off, unsigned n); /* 16 bytes at each; vtmp is lost */
    u8 *(*skip_zeros)(struct code *c); /* a short jump forward when rt.nonzero is 0; NULL: they are stored always */
    void (*address)(struct code *c, unsigned dst, i32 off);                   /* of the CPU struct + off */
    void (*zero)(struct code *c, unsigned dst);                               /* integer; flags may go */
    void (*load_const)(struct gen *g, unsigned reg, ir_ref r, unsigned type); /* into a vector register */
    void (*nops)(struct code *c, unsigned bytes);
    u8 *(*skip)(struct code *c); /* a short jump forward */
    void (*skip_here)(struct code *c, u8 *at);

    u8 *(*jump)(struct code *c);
    u8 *(*jump_call)(struct code *c);                          /* so that a return comes back behind it */
    u8 *(*jump_if)(struct gen *g, struct cond c, u8 **second); /* second: another such jump, or NULL */
    struct cond (*cond_not)(struct cond c);
    struct cond (*cond_keep)(struct gen *g, struct cond c); /* one that moves between registers do not change */
    void (*bind)(u8 *at, const u8 *to);                     /* both where it is written */
    void (*shift)(u8 *at, i32 by);                          /* the jump's or load's target lies `by` bytes further on */
    void (*align_link)(struct gen *g, bool cond);           /* what jump() or jump_if() writes next can be patched */

    struct cond (*cond_cmp)(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b);
    struct cond (*cond_flags)(struct gen *g, unsigned cc, ir_ref f);
    void (*flags_pack)(struct gen *g, ir_ref f); /* into tmp; bits outside enum fl_bits may be anything */
    void (*flags_clean)(struct gen *g);          /* those bits of tmp to 0 */

    void (*entry)(struct gen *g);                 /* a place for patch_entry */
    u8 *(*event_check)(struct gen *g);            /* a jump when rt.event is not 0 */
    u8 *(*count_down)(struct gen *g, unsigned n); /* rt.countdown -= n; a jump when it is negative */
    void (*count_up)(struct gen *g, unsigned n);
    void (*leave)(struct gen *g, i32 off, u32 token, unsigned th); /* by slow[th], TH_LEAVE_xxx_OFF */
    void (*leave_at)(struct gen *g, u32 token, const void *thunk); /* rt.pc = target */
    void (*set_target)(struct gen *g, unsigned reg);               /* target: an indirect jump's register */
    void (*move_page)(struct gen *g, i32 by);                      /* rt.page += by */
    void (*set_target_far)(struct gen *g, i32 off);                /* target = rt.page + off */
    void (*set_target_pc)(struct gen *g);                          /* target = rt.pc */
    void (*go_target)(struct gen *g, bool call);                   /* through the jump cache */
    void (*go_return)(struct gen *g);                              /* to target, which should be the last call's */
    bool (*return_push)(struct gen *g, i32 off);                   /* false: not predicted */
    void (*return_land)(struct gen *g, i32 off); /* behind the call: the prediction's page from target, if it is to be
                                                    linked; else as go_target */
    /* Helper `fn`: fp: what becomes of the control word; cpu: it sees the CPU struct; flush: and may end predictions.
     */
    void (*call_c)(struct gen *g, const void *fn, enum call_fp fp, bool cpu, bool flush);

    bool (*zero_above)(const struct gen *g, ir_ref r, unsigned type); /* r, read as `type`, is a vector with zeros */
    bool (*clears)(const struct gen *g, const struct xop *x);         /* x's emitter makes one of its operands */

    void (*x87_begin)(struct gen *g); /* from here on the host's x87 has the guest's state; NULL: no XOP_X87 */
};

/* -- places ------------------------------------------------------------------------------------------------ */

#define RT_OFF(field)       ((i32)offsetof(struct rt, field))
#define RT_OFF_AT(field, i) ((i32)(offsetof(struct rt, field) + (size_t)(i) * sizeof(((struct rt *)0)->field[0])))

static inline i32 slot_off(const struct gen *g, unsigned s)
{
    return (i32)g->t->slots[s].off;
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
static inline bool ref_is_pc(const struct gen *g, ir_ref r)
{
    return !ir_is_const(r) && r < REF_ENTRY && g->x[r].rk == RK_PC;
}
static inline bool ref_is_mix(const struct gen *g, ir_ref r)
{
    return !ir_is_const(r) && r < REF_ENTRY && g->x[r].rk == RK_MIX;
}
/* Flags that no instruction leaves as they are to be: they are packed, and the host's go. */
static inline bool rk_is_made(unsigned rk)
{
    return rk >= RK_SHL && rk <= RK_MIX;
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
/* Is it an instruction for the host's own x87? With a hook calls are seen as calls. */
static inline bool helper_is_x87(const struct gen *g, unsigned helper)
{
    return (g->t->helpers[helper].flags & HF_X87) && g->arch->x87_begin && !g->cfg->call;
}
/* A call that looks at slots, or may. */
static inline bool call_settles(const struct gen *g, unsigned helper)
{
    return (g->t->helpers[helper].flags & (HF_FAULT | HF_READS | HF_WRITES)) && !helper_is_x87(g, helper);
}
/* compile.c */
void reloc_add(struct gen *g, const u8 *at, unsigned kind, unsigned arg);
void gen_relocate(const struct host_arch *a, u8 *rw, const u32 *reloc, unsigned n, const struct gen_move *m);
bool gen_compile(const struct host_arch *a, struct ir *ir, const struct gen_config *cfg, struct gen_out *out);
void fix_add(struct gen *g, u8 *at); /* `at` leads out of the area it is in */
void jump_abs(struct gen *g, u8 *at, const void *run_addr);
void to_cold(struct gen *g);
void to_hot(struct gen *g);
bool aside(struct gen *g);                /* to cold code; was the present code hot? */
void back(struct gen *g, bool hot);       /* as aside() found it */
void bind_cold(struct gen *g, u8 *at);    /* a jump in hot code goes to the present cold place */
void back_to_hot(struct gen *g, u8 *hot); /* a jump from cold code to `hot` */
unsigned pool_u64(struct gen *g, u64 v);
unsigned pool_fn(struct gen *g, const void *fn); /* of helper g->helper */
unsigned pool_v128(struct gen *g, u64 lo, u64 hi);
void pool_ref(struct gen *g, u8 *at, unsigned index); /* the instruction at `at` reads the pool there */

/* regalloc.c */
void ra_init(struct gen *g);
void entry_state_make(struct gen *g);                    /* for gen.base */
void ra_begin(struct gen *g, struct xop *x);             /* before op g->i: advances its operands' uses, locks them */
unsigned ra_src(struct gen *g, ir_ref r, unsigned type); /* register holding it */
unsigned ra_pick(struct gen *g, ir_ref r, u64 allow);    /* a register for result r; allow: operands that may go */
void ra_bind(struct gen *g, ir_ref r, unsigned reg);     /* the register holds r from now on */
unsigned ra_dst(struct gen *g, u64 allow);               /* pick and bind for the present op */
u64 ra_dying(const struct gen *g, ir_ref r);             /* mask of its register when it ends here */
unsigned ra_temp(struct gen *g, u64 from);               /* a register for this op only; locked */
u64 ra_free(const struct gen *g, u64 cand);              /* those of them that nothing needs after this op */
void ra_forget(struct gen *g, unsigned reg);             /* what was in it is dead and overwritten */
void ra_evict(struct gen *g, unsigned reg);
unsigned ra_spill_place(struct gen *g, ir_ref r);  /* 16 bytes for r */
void ra_flush(struct gen *g, u64 regs);            /* live values leave these registers */
void ra_rescue_home(struct gen *g, unsigned slot); /* a live value that is only in this home moves out */
void ra_store_home(struct gen *g, unsigned slot);  /* makes the home hold the slot's value */
void ra_copy_home(struct gen *g, unsigned slot);   /* the same, recording nothing: on the way out */
i32 loc_off(const struct gen *g, unsigned loc);    /* offset of a val.mem */
void ra_lose_home(struct gen *g, unsigned slot);   /* something else is written there */
void ra_load(struct gen *g, unsigned reg, ir_ref r, unsigned type); /* from memory or as a constant, nothing recorded */

/* deopt.c */
void deopt_point(struct gen *g); /* the state before the present op's puts; its place is set by */
void deopt_here(struct gen *g);  /* the return address is here; user mode: or what follows may fault */
bool deopt_finish(struct gen *g, i32 cold_delta);
u32 deopt_restore(const struct host_arch *a, const struct ir_target *t, const u8 *map, u32 code_off, struct vcpu *cpu);

/* recipe.c */
u32 flags_of(unsigned rk, unsigned sub, u32 imm, u64 a, u64 b); /* imm: type and FCMP_*, as in the op */
unsigned base_kind(unsigned rk);                                /* what RK_SUB_DB and the like make */
struct cond cond_cc(unsigned cc);
struct cond cond_const(bool v);
bool cond_of_test(const struct xop *f, unsigned *cc, struct cond *c); /* true: it is c; else of N and Z only: cc */

/* lazy.c */
void flags_in_find(struct gen *g);
void lazy_settle(const struct ir_target *t, struct vcpu *cpu);

/* exits.c */
u32 reason_token(enum ir_reason why);
void leave_event(struct gen *g, i32 off); /* rt.pc = rt.page + off, and out with REASON_EVENT */
bool can_link(const struct gen *g, i32 target);
bool same_page(const struct gen *g, i32 target);
void link_jump(struct gen *g, i32 target, unsigned kind, bool call); /* a jump to be patched; can_link(g, target) */

/* disas.c: one instruction of a host; bytes consumed, 0: unknown */
int x_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail);
int a_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail);

/* address.c, in the first pass */
bool address_fold(struct gen *g, struct xop *x);
void address_use(struct gen *g, struct xop *x);
void use_extra(struct gen *g, struct xop *x, ir_ref r); /* select.c */

/* share.c */
const struct share *share_find(const struct gen *g, const struct xop *x); /* whose addend x may use; NULL */
bool share_plan(const struct gen *g, unsigned i, struct share *s);        /* op i: is a probe for a range worth it? */
unsigned share_most(const struct gen *g, unsigned last); /* registers for addends and bases at a time, up to op last */
const struct share *share_open(struct gen *g, const struct share *s, unsigned addend, u64 busy,
                               u64 allow);                 /* or NULL */
i32 share_off(const struct gen *g, const struct share *s); /* of one in memory, in the CPU struct */
void share_evict(struct gen *g, unsigned k);               /* share k loses its register */
void share_own(struct gen *g, const struct share *s);      /* cold code: the others are to probe for themselves */
void share_zero(struct gen *g);
void share_end(struct gen *g);

/* The shared entry points a back end makes for itself (host_thunks.slow). */
enum {
    TH_LOAD, /* address and descriptor -> value, in the back end's scratch registers; TH_xxx_X: vectors live on */
    TH_LOAD_X,
    TH_STORE,
    TH_STORE_X,
    TH_ATOMIC,    /* address and descriptor -> host pointer */
    TH_LEAVE_OFF, /* as leave, after rt.pc = rt.page + the first scratch register */
    TH_LEAVE_OFF_HOME,
    TH_LEAVE_EVENT_OFF, /* with REASON_EVENT */
    TH_LEAVE_EVENT_AT,  /* with REASON_EVENT, after rt.pc = target */
    TH_FALLBACK,        /* key: host_fallback, with all registers but scratch ones preserved */
    TH_RETURN,          /* target: looks for it below the top of the return stack, then in the jump cache (x86-64), or
                           only there, for a stack that is not empty (AArch64) */
    TH_X87,             /* ir_x87.load, with all registers but scratch ones preserved */
    TH_TABLE,           /* constants */
};

/* fallback.c: C does it, by way of rt.vtmp; all registers but the scratch ones survive. */
void fallback_args(struct gen *g, const struct xop *x);
void fallback_call(struct gen *g, const struct xop *x); /* result in rt.vtmp[3] */
void fallback_result(struct gen *g, unsigned rd, unsigned type);
void host_fallback(struct rt *rt, struct fp_env *env, u64 key); /* what the thunk calls */

/* Emitters that are the same everywhere. */
emit_fn emit_get, emit_put, emit_insn, emit_folded, emit_pc, emit_fallback, emit_call, emit_exitcc, emit_exitf,
    emit_exit, emit_exit_ind, emit_exit_pc, emit_exit_loop;

#endif

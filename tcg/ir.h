/* The intermediate representation: a linear typed SSA trace with one entry and many exits.
 *
 * A trace starts at a guest instruction and follows forward flow inside one guest page; conditional branches leave
 * through exitcc/exitf and go on below. There are no joins and no labels, so every value dominates what follows it.
 *
 * Values. An ir_ref names an op's result or a constant (IR_CONST bit). An integer operand is read at its op's width:
 * an I64 value read as I32 gives its low half; an I32 value has zeros above and may be read as I64. So truncation and
 * zero extension of 32-bit results need no op. Comparisons and fl_* also read 8 and 16 bits (IR_I8, IR_I16).
 *
 * State. `get` and `put` name slots of the CPU struct (struct ir_slot). A put is a renaming, not a store: the back end
 * keeps the value where it likes and writes it home at exits; at ops that may fault a deopt map says where each slot
 * is. The state seen by a fault is the state before the faulting instruction, hence the law: all puts of an instruction
 * come after its last op that may fault.
 *
 * Flags are values too: fl_* ops make them, conditions consume them, dead ones cost nothing. */
#ifndef MOSS_TCG_IR_H
#define MOSS_TCG_IR_H

#include "base/err.h"
#include "base/types.h"

enum ir_type {
    IR_NONE,
    IR_I32,
    IR_I64,
    IR_F16,
    IR_F32,
    IR_F64,
    IR_V128,
    IR_FLAGS,
    IR_TYPES,
    IR_I8 = IR_TYPES, /* these are widths only, of comparisons and of the operands of fl_*: no value has them */
    IR_I16,
    IR_WIDTHS
};

enum ir_opcode {
#define _(name, ...) IR_##name,
#include "tcg/ops.def"
#undef _
    IR_OPCODES
};

typedef u16 ir_ref; /* 0: none; bit 15 set: constant pool index; else index in ops */
#define IR_CONST 0x8000u

struct ir_op {
    u8 op, type; /* enum ir_opcode, enum ir_type */
    u8 sub;
    u8 uses; /* scratch of passes and back ends; while building: the value is below 1 << uses */
    ir_ref a, b, c, d;
    u32 imm;
};
_Static_assert(sizeof(struct ir_op) == 16, "four ops a cache line");

/* Conditions, of a comparison "a cond b" or of flags (those of fl_sub(a, b) mean the same). */
enum ir_cond {
    CC_EQ,
    CC_NE, /* Z, !Z */
    CC_ULT,
    CC_UGE, /* C, !C (C = borrow) */
    CC_ULE,
    CC_UGT, /* C|Z, !C&!Z */
    CC_SLT,
    CC_SGE, /* N!=V, N==V */
    CC_SLE,
    CC_SGT, /* Z|N!=V, !Z&N==V */
    CC_MI,
    CC_PL, /* N, !N            flags only */
    CC_VS,
    CC_VC, /* V, !V            flags only */
    CC_PE,
    CC_PO, /* P, !P            flags only */
    CC_TSTEQ,
    CC_TSTNE, /* (a & b) == 0, != 0    comparisons only */
    CC_COUNT
};
/* Each condition's inverse is its neighbour. */
#define cc_invert(cc) ((enum ir_cond)((cc) ^ 1))

/* The packed form of flags, in memory and in fl_pack/fl_unpack. Other bits are ignored on reading, but FL_LAZY must be
 * 0: with it a back end marks homes that hold something else for a while (tcg/host/lazy.c). */
enum fl_bits { FL_N = 1 << 15, FL_Z = 1 << 14, FL_A = 1 << 12, FL_P = 1 << 10, FL_C = 1 << 8, FL_V = 1 << 0 };
enum { FL_LAZY = 1 << 13 };
#define FL_ALL ((u32)(FL_N | FL_Z | FL_A | FL_P | FL_C | FL_V))
enum { FL_INV = 1 }; /* sub of fl_*, adc, sbb: the architecture's carry is the complement of C */

/* fl_fcmp imm: operand type | these. Result: less N C; equal Z; greater none; unordered V (FCMP_ZPC: unordered
 * Z P C, less C, equal Z: as x86's COMIS). */
enum { FCMP_SIGNAL = 1 << 8 /* quiet NaNs are invalid too */, FCMP_ZPC = 1 << 9 };

/* sub of float ops */
enum {
    FP_ES = 3,        /* V128: element size */
    FP_DN = 1 << 2,   /* every NaN result is the default NaN */
    FP_FZ = 1 << 3,   /* flush-to-zero or another rare mode is on, as struct fp_env has it */
    FP_SOFT = 1 << 4, /* by the exact unit whatever the host can: exceptions go to the struct fp_env alone */
    FP_LOW = 1 << 5,  /* V128, of fadd .. faddsub but the latter, fma, fsqrt, fround, frcpe, frsqe, vfcmp: lane 0 alone,
                         the others are a's */
};
/* vfcmp imm: relations that count; FC_SIGNAL: quiet NaNs are invalid too. */
enum { FC_LT = 1, FC_EQ = 2, FC_GT = 4, FC_UN = 8, FC_SIGNAL = 16 };
enum { AES_LAST = 1 /* no MixColumns */, AES_INVERSE = 2 };
enum { CRC_IEEE, CRC_CASTAGNOLI }; /* 0x04c11db7, 0x1edc6f41; bits in reverse order, nothing inverted */
enum {
    FMA_NEG_PRODUCT = 1,
    FMA_NEG_ADDEND = 2,
    FMA_ALTERNATE = 4 /* V128: even lanes have the other FMA_NEG_ADDEND */,
    FMA_ABOVE_B = 8 /* FP_LOW: the others are b's */,
    FMA_ABOVE_C = 16 /* or c's */
};
/* Rounding: as fpu's enum fp_round, or the current mode. */
enum { FPR_NEAREST, FPR_ZERO, FPR_DOWN, FPR_UP, FPR_AWAY /* ties away */, FPR_ODD, FPR_CURRENT, FPR_EXACT = 1 << 7 };
enum { F2I_UNS = 1 << 16, F2I_INDEF = 1 << 17 };
#define F2I(type, round, bits) ((u32)(type) | (u32)(round) << 8 | (u32)(bits))
#define I2F(type, uns)         ((u32)(type) | (u32)(uns) << 8)

/* Memory descriptors. */
enum {
    MO_8,
    MO_16,
    MO_32,
    MO_64,
    MO_128, /* log2 of the bytes of one value */
    MO_SIZE = 7,
    MO_SIGN = 1 << 3,
    MO_WHOLE = MO_SIGN, /* of a MO_PAIR store of MO_128: when it faults, neither value has been written */
    MO_BE = 1 << 4,
    MO_PAIR = 1 << 5,   /* two values of MO_SIZE, one behind the other; MO_32 or MO_64 (or MO_128 V128) */
    MO_ALIGN_SHIFT = 6, /* 3 bits: 0 any address, n: must be 1 << n aligned (1..5), fault otherwise */
    MO_ALIGN = 7 << MO_ALIGN_SHIFT,
    MO_ACQ = 1 << 9,          /* load-acquire */
    MO_REL = 1 << 10,         /* store-release; with MO_ACQ on an rmw both */
    MO_TSO = MO_ACQ | MO_REL, /* of a load or store: in order with all others, but a load may pass a store before it */
    MO_ATOMIC = 1 << 11,      /* the whole access (128 bits too) is single-copy atomic */
    MO_VIEW_SHIFT = 12,       /* 2 bits: which of the cpu's views (rt.tlb[]) translates the address */
    MO_VIEW = 3 << MO_VIEW_SHIFT,
    MO_STORE = 1 << 14, /* for the slow path only: this descriptor is of a store */
    MO_NODEV = 1 << 15, /* faults as misaligned on memory with a device's attributes, wherever it lies */
};
#define mo_align(n) ((u16)((n) << MO_ALIGN_SHIFT))
#define mo_view(v)  ((u16)((v) << MO_VIEW_SHIFT))
#define mo_bytes(d) (1u << ((d)&MO_SIZE) << !!((d)&MO_PAIR))

enum ir_rmw { RMW_ADD, RMW_AND, RMW_ANDN, RMW_OR, RMW_XOR, RMW_SWAP, RMW_SMIN, RMW_SMAX, RMW_UMIN, RMW_UMAX, RMW_SUB };
enum { FENCE_LL = 1, FENCE_LS = 2, FENCE_SL = 4, FENCE_SS = 8, FENCE_ALL = 15, FENCE_INSN = 16 };

enum ir_exit_kind {
    EXIT_JUMP,
    EXIT_CALL, /* calls and returns pair up in the return prediction */
    EXIT_RET,
    EXIT_CARE, /* d of exitcc alone: the state is not what this trace was made for (REASON_CARE) */
};

/* Reasons of exit_loop and of every other return to the accelerator's loop (enum is shared with rt.h). */
enum ir_reason {
    REASON_NONE,
    REASON_EVENT,     /* the event word was set */
    REASON_HALT,      /* the cpu waits for an interrupt */
    REASON_EXCEPTION, /* a helper or fault left through rt_unwind: state is complete, rt.pc set */
    REASON_YIELD,
    REASON_RETRANSLATE, /* code under the cpu changed */
    REASON_STOP,
    REASON_CARE, /* a trace must be made with more care: target->careful sees to the mode */
    REASON_COUNT
};

/* -- what a target declares ------------------------------------------------------------------------- */

/* Slots do not overlap. */
struct ir_slot {
    const char *name;
    u32 off; /* in the CPU struct */
    u8 type; /* I32, I64, F64, V128 or FLAGS (FLAGS: u32 in packed form) */
};
#define IR_MAX_SLOTS 128
struct slot_set {
    u64 w[IR_MAX_SLOTS / 64];
};

enum {
    HF_NO_CPU = 1,  /* the function takes no vcpu: a pure function of its arguments */
    HF_PURE = 2,    /* may be removed when unused, and folded with an equal call; touches no state but FP flags */
    HF_FAULT = 4,   /* may leave through rt_unwind; every slot is home before, rt.insn_off names the instruction */
    HF_READS = 8,   /* reads slots: all (reads == NULL) or those in `reads` are home before */
    HF_WRITES = 16, /* writes slots: all or those in `writes` are forgotten after (implies they are home before) */
    HF_FP = 32,     /* does float arithmetic in C or calls what may: host FP control is switched to C's around it */
    HF_LOOK = 128,  /* looks at rt.host_fp and does no float arithmetic: the host's FP control stays as it is */
    HF_END = 64,    /* may change pc, mode or mapping: must be followed by exit_pc or exit_loop */
    HF_MODE = 512,  /* may change the mode or what addresses mean, but not pc: no access to memory and no exit but
                       exit_ind,  exit_pc and exit_loop may follow */
    HF_X87 = 256,   /* an x87 instruction, which a host that has an x87 does itself (struct ir_x87) */
};
/* A C function translated code may call: u64 fn([struct vcpu *,] [union v128 *ret,] args...). Parameters and results
 * are u64 whatever their type: integers, floats as their bits, FLAGS packed, each with zeros above; V128 goes in as
 * const union v128 * and comes out through ret (the function is void then, as without a result). */
struct ir_helper {
    const char *name;
    void *fn;
    u8 ret;     /* enum ir_type; V128 goes through the pointer */
    u8 args[4]; /* enum ir_type, IR_NONE ends */
    u32 flags;
    const struct slot_set *reads, *writes;
};

/* NaN and tininess rules of the guest's float ops. */
enum ir_nan { NAN_ARM, NAN_X86, NAN_RISCV };
/* A guest with an x87, on a host with one: the host's holds the guest's whole state while rt.x87_live is not 0. Helpers
 * with HF_X87 are instructions for it; all exceptions are masked then. Argument b is a constant, the X87_WORD; a is by
 * its kind, or 0. As instructions they neither read nor write slots. C finds the state in the CPU struct after
 * `settle`. */
enum x87_kind {
    X87_PLAIN, /* nothing but its registers */
    /* a: the operand's address less the word's offset; c: memory descriptor, of 16 bytes where it has 10. May fault */
    X87_MEMORY,
    X87_FLAGS,   /* a comparison: packed flags */
    X87_SELECT,  /* FCMOVcc; a: not 0: it moves */
    X87_STATUS,  /* the status word */
    X87_CONTROL, /* a: the control word */
};
#define X87_WORD(fop, kind, rest, off) ((u64)(fop) | (u64)(kind) << 11 | (u64)(rest) << 14 | (u64)(u32)(off) << 32)
#define X87_FOP(word)                  ((unsigned)(word)&0x7ff) /* the opcode's low three bits and ModRM */
#define X87_KIND(word)                 ((unsigned)((word) >> 11) & 7)
#define X87_OFF(word)                  ((i32)((word) >> 32))
struct vcpu;
struct ir_x87 {
    void (*load)(struct vcpu *cpu);   /* into the host's; NULL: the guest has none */
    void (*settle)(struct vcpu *cpu); /* out of it, on its own thread */
};
struct ir_target {
    const struct ir_slot *slots;
    unsigned nslots;
    const struct ir_helper *helpers;
    unsigned nhelpers;
    enum ir_nan nan;
    const u8 *pins; /* integer slots, hottest first; a host pins as many as it has registers for */
    unsigned npins;
    const u8 *vpins; /* V128 slots, hottest first */
    unsigned nvpins;
    u8 zeros, nzeros; /* V128 slots from `zeros` on that mostly are 0, all of them: upper halves (rt.nonzero) */
    u8 flags;         /* the FLAGS slot that compares and branches use; a slot of another type: none */
    bool fl_pa;       /* its flags have P and A; else these may be anything, and nothing may look at them */
    u32 fp_env_off;   /* offset in the CPU struct of the struct fp_env the exact fallback uses (fpu/softfloat.h) */
    struct ir_x87 x87;
};

/* -- a trace ------------------------------------------------------------------------------------------ */

#define IR_MAX_OPS    4096
#define IR_MAX_CONSTS 2048

struct ir {
    const struct ir_target *target;
    struct ir_op ops[IR_MAX_OPS]; /* ops[0] is nop */
    u64 consts[IR_MAX_CONSTS];    /* consts[0] = 0; a V128 constant takes two, low first, at an even index */
    unsigned nops, nconsts;
    bool full;     /* sticky: ran out of ops or constants; the trace must be cut and redone */
    bool ended;    /* an END op was emitted */
    u32 start_off; /* page offset of the first instruction */
    u32 page_bits; /* of the page `pc` and exits are relative to */
    unsigned ninsns;
    bool again;                    /* build time: the first instruction is there once more */
    ir_ref slot_val[IR_MAX_SLOTS]; /* build time: current value of each slot, 0 unknown */
    u16 const_hash[256];           /* build time: constants by value */
    u16 cse_hash[256];             /* build time: the last pure op of each hash */
    unsigned fp_epoch;             /* build time: FPX ops up to here are not merged with later ones */
};

static inline bool ir_is_const(ir_ref r)
{
    return (r & IR_CONST) != 0;
}
static inline u64 ir_const_val(const struct ir *ir, ir_ref r)
{
    return ir->consts[r & ~IR_CONST];
}
struct ir_op_info {
    const char *name;
    u8 result;        /* enum ir_type, or 0xff for "op.type" */
    const char *args; /* letters of ops.def */
    u8 sub, imm;      /* enum of ops.c, for the text form */
    u8 flags;         /* OPF_* */
    const char *doc;
};
enum { OPF_COMM = 1, OPF_FAULT = 2, OPF_EFFECT = 4, OPF_END = 8, OPF_FPX = 16 };
extern const struct ir_op_info ir_ops[IR_OPCODES];
enum { RESULT_T = 0xff };
/* The type of an op's result (IR_NONE when it has none). */
static inline enum ir_type ir_result(const struct ir_op *op)
{
    unsigned r = ir_ops[op->op].result;
    return (enum ir_type)(r == RESULT_T ? op->type : r);
}
extern const char *const ir_type_names[IR_WIDTHS];
extern const char *const ir_cond_names[CC_COUNT];

void ir_init(struct ir *ir, const struct ir_target *t, u32 start_off, u32 page_bits);
/* Types, arity, dominance, put-after-fault law, one END at the end. */
bool ir_verify(const struct ir *ir, struct err *e);

#endif

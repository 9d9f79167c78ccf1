/* What the translator and the rest of the x86 CPU agree on: state slots, the mode word, helpers. The translator sees no
 * more of a CPU than this. SPEC: Intel SDM volume 1, chapter 3; volume 3, chapters 2 and 3. */
#ifndef MOSS_TARGET_I386_CPU_SLOTS_H
#define MOSS_TARGET_I386_CPU_SLOTS_H

#include "base/bits.h"
#include "target/i386/decode.h"
#include "tcg/ir.h"

/* -- slots ----------------------------------------------------------------------------------------------------------
 * SLOT_RAX + n are rt.r[n], the general registers in the order of their encoding; outside 64-bit mode bits 63:32 are 0.
 * SLOT_XMM0 + n and SLOT_YMMH0 + n are the low and high halves of the vector registers, SLOT_ST0 + n the x87's
 * registers by physical number (significand; MMX register n), SLOT_STE0 + n their sign and exponent (16 bits). The
 * others:
 *
 *   _(slot, IR type, field of struct x86_cpu, its C type)
 *
 * FLAGS: OF SF ZF AF PF CF, in the packed form (enum fl_bits: CF is C, so borrows are as they come). DF: 1 or -1.
 * EFLAGS: all other bits of the register, in place (TF IF IOPL NT RF VM AC VIF VIP ID). Bases of segments are what is
 * added to an offset: 0 in 64-bit mode but for FS and GS; KERNEL_GS: what SWAPGS swaps. LIMIT: the last valid offset of
 * each, or of expand-down segments the last invalid one. FCW, FSW: the x87's control and status words, but for TOP:
 * FTOP. FTW: bit i set: ST(i) is empty; so MMX instructions put 0 into FTW and FTOP. While X87_LIVE is not 0 all of the
 * x87 but FCW and FIP is elsewhere (fpu.h). */
#define X86_SLOTS(_) \
    _(FLAGS, FLAGS, flags, u32) \
    _(DF, I64, df, u64) \
    _(EFLAGS, I32, eflags, u32) \
    _(ES_BASE, I64, seg[SEG_ES].base, u64) \
    _(CS_BASE, I64, seg[SEG_CS].base, u64) \
    _(SS_BASE, I64, seg[SEG_SS].base, u64) \
    _(DS_BASE, I64, seg[SEG_DS].base, u64) \
    _(FS_BASE, I64, seg[SEG_FS].base, u64) \
    _(GS_BASE, I64, seg[SEG_GS].base, u64) \
    _(KERNEL_GS, I64, sys.kernel_gs_base, u64) \
    _(ES_LIMIT, I32, seg[SEG_ES].limit, u32) \
    _(CS_LIMIT, I32, seg[SEG_CS].limit, u32) \
    _(SS_LIMIT, I32, seg[SEG_SS].limit, u32) \
    _(DS_LIMIT, I32, seg[SEG_DS].limit, u32) \
    _(FS_LIMIT, I32, seg[SEG_FS].limit, u32) \
    _(GS_LIMIT, I32, seg[SEG_GS].limit, u32) \
    _(FTW, I32, ftw, u32) \
    _(FTOP, I32, ftop, u32) \
    _(FSW, I32, fsw, u32) \
    _(FCW, I32, fcw, u32) \
    _(FIP, I64, fip, u64) \
    _(X87_LIVE, I32, vcpu.rt.x87_live, u32)

enum x86_slot {
    SLOT_RAX = 0,
    SLOT_RCX,
    SLOT_RDX,
    SLOT_RBX,
    SLOT_RSP,
    SLOT_RBP,
    SLOT_RSI,
    SLOT_RDI,
    SLOT_XMM0 = 16,
    SLOT_YMMH0 = 32,
    SLOT_ST0 = 48,
    SLOT_STE0 = 56,
    SLOT_OTHER = 64,
    SLOT_BEFORE_FIRST = SLOT_OTHER - 1,
#define _(name, type, field, ctype) SLOT_##name,
    X86_SLOTS(_)
#undef _
        X86_NSLOTS
};

/* -- the mode word ----------------------------------------------------------------------------------------------------
 * All the state a translation depends on (target->mode). Whoever changes what a bit stands for calls
 * sv->mode_changed. */
enum {
    MODE_CPL_SHIFT = 0,   /* 2 bits */
    MODE_BITS_SHIFT = 2,  /* 2 bits: log2 of the code segment's size, less 4 */
    MODE_BASE_SHIFT = 16, /* 6 bits, by enum x86_sreg: the segment's base is 0 */
    MODE_OPEN_SHIFT = 22, /* 6 bits: it may be read and written, and its limit is 4 GiB: nothing to check */
    MODE_FEAT_SHIFT = 56, /* 8 bits: x86_features id */
};
#define MODE_CPL(m)     ((unsigned)((m) >> MODE_CPL_SHIFT) & 3)
#define MODE_BITS(m)    (16u << ((m) >> MODE_BITS_SHIFT & 3))
#define MODE_BASE(m, s) ((bool)((m) >> (MODE_BASE_SHIFT + (s)) & 1))
#define MODE_OPEN(m, s) ((bool)((m) >> (MODE_OPEN_SHIFT + (s)) & 1))
#define MODE_FEAT(m)    ((unsigned)((m) >> MODE_FEAT_SHIFT) & 0xff)
#define MODE_SS32       BIT(4)  /* the stack pointer has 32 bits (64 in 64-bit mode), not 16 */
#define MODE_PE         BIT(5)  /* protected mode */
#define MODE_VM         BIT(6)  /* virtual-8086 mode */
#define MODE_STEP       BIT(7)  /* TF: a debug exception behind the instruction */
#define MODE_SHADOW     BIT(8)  /* STI or MOV SS came before: interrupts wait for one instruction more */
#define MODE_ALIGN      BIT(9)  /* AC, CR0.AM and CPL 3: unaligned accesses fault */
#define MODE_NO_FPU     BIT(10) /* CR0.EM or TS: x87 and MMX instructions trap; SSE's by TS too */
#define MODE_NO_SSE     BIT(11) /* CR4.OSFXSR clear or CR0.EM: SSE instructions are undefined */
#define MODE_NO_AVX     BIT(12) /* CR4.OSXSAVE clear or XCR0 without AVX: VEX instructions are undefined */
#define MODE_SSE_EXACT  BIT(13) /* MXCSR leaves an exception unmasked: operations go through the exact unit */
#define MODE_X87_EXACT  BIT(14) /* FPUCW does, or one is pending */
#define MODE_SMM        BIT(15)
#define MODE_IOPL       BIT(28) /* CPL <= IOPL: CLI, STI and port accesses go without a look at CR4 and the TSS */
#define MODE_UMIP       BIT(29) /* CR4.UMIP and CPL 3 */
#define MODE_LMA        BIT(30) /* IA-32e mode: 64-bit or compatibility */
#define MODE_BREAK      BIT(31) /* a debug register may match an instruction */
#define MODE_CODE_LIMIT BIT(32) /* the code segment ends below 4 GiB, */
#define MODE_CODE_64K   BIT(33) /* but not below 64 KiB: jumps of 16 bits stay inside */
#define MODE_TIGHT      BIT(34) /* it ends in or near this page: an instruction a block */
#define MODE_SSE_FLUSH  BIT(35) /* MXCSR.DAZ or FZ */
#define MODE_SPLIT      BIT(36) /* a locked access met two pages, or a device: as a load and a store */
#define MODE_TSD        BIT(39) /* CR4.TSD and CPL above 0 */
#define MODE_SMAP       BIT(38) /* CPL below 3 and CR4.SMAP; */
#define MODE_LIFTED     BIT(37) /* and AC: X86_VIEW_LIFTED */
#define MODE_X87_FAST   BIT(40) /* no x87 exception is unmasked or pending, and the host can: struct ir_x87 */
#define MODE_X87_CARE   BIT(41) /* one x87 instruction is to be done with care */

/* Each bit is one thing's. */
// clang-format off
#define MODE_FIELDS(op) \
    (3ull << MODE_CPL_SHIFT) op (3ull << MODE_BITS_SHIFT) op (63ull << MODE_BASE_SHIFT) op (63ull << MODE_OPEN_SHIFT) op \
    (255ull << MODE_FEAT_SHIFT) \
    op MODE_SS32 op MODE_PE op MODE_VM op MODE_STEP op MODE_SHADOW op MODE_ALIGN op MODE_NO_FPU op MODE_NO_SSE \
    op MODE_NO_AVX op MODE_SSE_EXACT op MODE_X87_EXACT op MODE_SMM op MODE_IOPL op MODE_UMIP op MODE_LMA \
    op MODE_BREAK op MODE_CODE_LIMIT op MODE_CODE_64K op MODE_TIGHT op MODE_SSE_FLUSH op MODE_SPLIT \
    op MODE_TSD op MODE_SMAP op MODE_LIFTED \
    op MODE_X87_FAST op MODE_X87_CARE
// clang-format on
_Static_assert((MODE_FIELDS(+)) == (MODE_FIELDS(|)), "no bit of the mode word has two meanings");

/* Something follows each instruction: a helper looks for what. */
#define MODE_AFTER (MODE_STEP | MODE_SHADOW | MODE_BREAK | MODE_SPLIT)

/* Feature words are interned when a model is set up; the same gives the same id for the life of the process. */
unsigned x86_features_id(const struct x86_features *f);
const struct x86_features *x86_features_of(unsigned id);

/* Views (rt.tlb[]). SYSTEM: descriptor tables, task states: as the supervisor. LIFTED: the supervisor's normal accesses
 * while AC lifts SMAP. */
enum { X86_VIEW_NORMAL, X86_VIEW_SYSTEM, X86_VIEW_LIFTED, X86_VIEWS };

/* Exceptions, by vector. */
enum x86_exception {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19,
};
/* Of H_int's vector: INT3, INT1 and INTO, which are not INT n. */
enum { X86_INT_OWN = 0x100 };

/* What waits until one instruction more is done: interrupts behind STI, traps too behind a load of SS. */
enum x86_shadow { SHADOW_NONE, SHADOW_STI, SHADOW_SS };
/* Of H_insn_done: how the instruction was begun. */
enum { X86_DONE_STEP = 1, X86_DONE_SHADOW = 2, X86_DONE_SPLIT = 4 };
/* Of H_seg_read, behind enum x86_sreg. Of H_seg_load's segment: it is MOV or POP, and SS has a shadow. */
enum { X86_SEL_LDT = 6, X86_SEL_TR = 7, X86_SEG_MOVE = 8 };
/* A sum of code's bytes, for traces whose bytes may change without notice. */
u64 x86_code_sum(const u8 *p, size_t n);

/* State images: REX.W; 64-bit mode; the kinds. */
enum { X86_XSAVE_W = 1, X86_XSAVE_64 = 2, X86_XSAVE_OPT = 4, X86_XSAVE_COMPACT = 8, X86_XSAVE_S = 16 };

/* -- repeated strings: what the helper is told, in one word -------------------------------------------------------- */

enum x86_string { STRING_MOVS, STRING_STOS, STRING_LODS, STRING_CMPS, STRING_SCAS, STRING_INS, STRING_OUTS };
struct x86_string_key {
    u32 op : 4, bytes : 4, addr_bytes : 4; /* enum x86_string; of an element; of an address */
    u32 seg : 3;                           /* of the source */
    u32 repe : 1, mode64 : 1;
};

/* -- the x87: what the helper is told, in one word ------------------------------------------------------------------
 */

struct x87_key {
    u32 fop : 11;                       /* the opcode's low bits and ModRM; this and the next as X87_WORD() has them */
    u32 kind : 3;                       /* enum x87_kind, in fast code */
    u32 fn : 10;                        /* enum x86_fn */
    u32 seg : 3;                        /* of the memory operand; SEG_DEFAULT: none */
    u32 op16 : 1, real : 1, mode64 : 1; /* the environment's form */
    u32 no_wait : 1;
};
/* Bytes of a number in memory, by the instruction (fop); 0: it is in a register. */
static inline unsigned x87_memory_bytes(unsigned fop)
{
    static const u8 plain[8] = {4, 4, 4, 4, 8, 8, 2, 2}; /* D8 D9 DA DB DC DD DE DF */
    unsigned op = fop >> 8 & 7, reg = fop >> 3 & 7;
    if ((fop & 0xc0) == 0xc0) {
        return 0;
    }
    if ((op == 3 && reg >= 5) || (op == 7 && (reg == 4 || reg == 6))) {
        return 10;
    }
    return op == 7 && reg >= 5 ? 8 : plain[op];
}

/* What the gathers' helper is told: registers, log2 of the indices' factor and of an element's bytes, indices of 8
 * bytes. */
struct x86_gather_key {
    u32 to : 4, mask : 4, index : 4, scale : 2, es : 2, wide : 1;
    u32 lanes : 4, addr_bytes : 4, seg : 3, mode64 : 1;
};

/* -- helpers
 * ------------------------------------------------------------------------------------------------------------
 *   _(name, ret, arg0, arg1, arg2, arg3, flags, reads, writes)     in helpers.def; the function is x86_h_name */
enum x86_helper {
#define _(name, ...) H_##name,
#include "target/i386/helpers.def"
#undef _
    X86_NHELPERS
};
extern const struct ir_target x86_ir_target;

#endif

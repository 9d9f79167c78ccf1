/* What translated code sees at run time: the hot words at the head of every CPU struct, the TLB, the jump cache,
 * and the C functions its slow paths call. Back ends, the interpreter and the accelerator share these layouts.
 *
 * Host state inside translated code: a base register points RT_BIAS bytes into the CPU struct (so that one-byte
 * displacements reach 256 bytes), another holds rt.tlb[0]; the host's FP control word is the guest's (rt.host_fp). */
#ifndef MOSS_TCG_RT_H
#define MOSS_TCG_RT_H

#include "base/types.h"
#include "tcg/ir.h"

#define RT_BIAS 128

/* -- TLB: direct mapped; entry index = (va >> 12) & (size - 1) -------------------------------------------------- */

/* A tag is the 4K-aligned virtual address with low bits that make the fast compare fail when the access needs the
 * slow path; an access compares (va + bytes - 1) & ~0xfff | (va & alignment it asks for). The bits lie above those of
 * alignments, or a misaligned address could make up for them. */
enum {
    TLB_SLOW = 1 << 10, /* MMIO, code page, dirty tracking, watchpoint, monitor: see the cold entry */
    TLB_INVALID = 1 << 11,
};
struct tlb_entry {
    u64 rd, wr; /* tags for reads and writes; TLB_INVALID alone when empty */
    u64 addend; /* host address minus virtual address */
    u64 cold;   /* the accelerator's: index or pointer of the rest */
};
/* Lies right below the entries, so that tlb[-1] reaches it; `mask` is (entries - 1) * sizeof(struct tlb_entry). */
struct tlb_head {
    void *context; /* the accelerator's */
    u64 reserved;
    u64 reserved2;
    u64 mask; /* at offset -8 of the entries */
};
_Static_assert(sizeof(struct tlb_entry) == 32 && sizeof(struct tlb_head) == 32, "layout known to translated code");
#define TLB_PAGE_BITS 12

/* -- jump cache: virtual address -> host code, for one context and mode ------------------------------------------ */

struct jc_entry {
    u64 pc; /* when empty: an address that belongs to another entry */
    const void *code;
};
#define JC_BITS   14
#define JC_SIZE   (1u << JC_BITS)
#define JC_FOLD   4 /* index: pc ^ pc >> JC_FOLD, from bit 2 on; so one page's entries lie in one region */
#define JC_REGION 1024u
static inline unsigned jc_index(u64 pc)
{
    return (unsigned)((pc ^ pc >> JC_FOLD) >> 2) & (JC_SIZE - 1);
}
/* What an empty entry i holds for a pc: one that belongs to another entry. Nearly always 0, so that the host gives no
 * memory to what is not used. */
static inline u64 jc_empty(unsigned i)
{
    return i == 0 ? 4 : 0;
}
/* Empties n entries from index `first` on. Any thread: `code` stays, for its owner may be about to use it. */
static inline void jc_clear(struct jc_entry *jc, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++) {
        __atomic_store_n(&jc[i].pc, jc_empty(i), __ATOMIC_RELAXED);
    }
}

/* -- the hot words: at offset 0 of every CPU struct -------------------------------------------------------------- */

#define RT_VIEWS 4
enum { RT_HELPER = 4 };
struct rt {
    u32 event;     /* not 0: leave translated code at the next check. Set by any thread with an atomic or */
    i32 countdown; /* deterministic mode: instructions left */
    u64 page;      /* inside translated code: virtual address of the page the current block lies in */
    u64 pc;        /* outside it: the exact program counter */
    struct tlb_entry *tlb[RT_VIEWS]; /* tables of the views; [0] is mirrored in a host register */
    struct jc_entry *jc;             /* of the current context and mode */
    u32 insn_off;                    /* page offset of the current instruction, written before calls that may fault */
    u32 host_fp;                     /* x86: MXCSR of the guest while it is not loaded; AArch64: FPCR with FPSR's
                                        exceptions below it */
    u32 c_fp;                        /* the same of C code */
    u32 block;      /* id of a block for -d exec and self-modification checks; written only by blocks that ask */
    u64 ret_sp;     /* predicted returns: pairs {host code, guest address} at [ret_sp aligned up, ret_base), as the last
                       call to C that may flush found them; 0: none */
    u64 scratch[5]; /* [RT_HELPER] for gen_config.call */
    u64 r[32];      /* the ISA's hottest integer registers, in its order (A64: x0..x30, sp); [0..15] have one-byte
                       displacements */
    u32 nonzero;    /* 0: the homes of all slots of ir_target.zeros are 0. Any other state of them is right with 1 */
    /* From here on rarely touched. */
    u64 ret_base, ret_limit;
    /* x87: not 0: the host's has the guest's state (struct ir_x87); likewise: an instruction waits for its store's slow
       path, and x87_env (FSTENV's image) is how it was before. */
    u32 x87_live, x87_tried;
    u8 x87_env[32];
    u64 save_gpr[32]; /* host registers as a slow path found them */
    union v128 save_vec[32];
    union v128 vtmp[4]; /* V128 arguments and results of helpers */
    u64 spill[64];      /* values that found no register */
    u64 share[4];       /* addends of a block that found none */
    union v128 vspill[32];
};
_Static_assert(offsetof(struct rt, r) == RT_BIAS, "hot words fit one-byte displacements");

/* -- slow paths, implemented by the accelerator ------------------------------------------------------------------ */

struct vcpu;
/* `ra`: host return address in translated code; the deopt map of that place rebuilds the guest state from
 * rt.save_* if the access faults (then these do not return: the accelerator unwinds to its loop).
 * `mo`: memory descriptor. 128-bit and pair values: in and out through rt.vtmp[0]. */
struct rt_funcs {
    u64 (*load)(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra);
    void (*store)(struct vcpu *cpu, u64 va, u64 val, u32 mo, uintptr_t ra);
    /* A host pointer good for an atomic of this size at va (faults, watchpoints, self-modifying code handled; a
     * page without direct memory raises the guest's bus error). NULL never. */
    void *(*atomic_ptr)(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra);
    /* What an indirect branch with no jump-cache entry calls: the code for virtual address pc in the cpu's present
     * context and mode, and rt.page set; or the exit-to-loop thunk when an event is up. Never NULL. */
    const void *(*lookup)(struct vcpu *cpu, u64 pc);
};

#endif

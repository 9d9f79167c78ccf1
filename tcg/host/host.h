/* The contract of a host back end: IR in, machine code and maps out. One const struct a host.
 *
 * Code of a block, in this order in the hot area: a 5-byte-patchable entry, the body, its direct exits. Cold code (slow
 * paths, exit stubs) lies behind it. Everything is relative: a chunk is written at `rw` and runs at `rx`.
 *
 * Between blocks the pinned slots live in their registers (host->pins of the target's list), everything else is home in
 * the CPU struct; host flags, scratch registers and the unpinned registers hold nothing. */
#ifndef MOSS_TCG_HOST_HOST_H
#define MOSS_TCG_HOST_HOST_H

#include "tcg/ir.h"
#include "tcg/rt.h"

/* Entry points shared by all blocks, made once at the start of the code cache by make_thunks. */
struct host_thunks {
    const void *enter;  /* u64 enter(struct vcpu *, const void *code): runs until something leaves; returns a token */
    const void *leave;  /* jump here with the token in the return register */
    const void *lookup; /* jump here with the virtual target in the scratch register: rt_funcs.lookup, then go */
    /* Jump here to leave with REASON_EVENT; rt.pc is exact already (rt_funcs.lookup returns it). */
    const void *leave_event;
    const void *ret_stale; /* host code of a predicted return that is not to be trusted any more; NULL: none are kept */
    const void *slow[16];  /* save registers, call C; the back end's own */
    bool vpins;            /* block boundaries have vector slots in registers too */
};

/* How translated code came back: low 3 bits say what, the rest is the argument. */
enum { TOKEN_REASON, /* arg: enum ir_reason */ TOKEN_EXIT /* arg: (block id << 3 | exit number), not linked yet */ };
#define TOKEN_KIND(t) ((unsigned)(t)&7)
#define TOKEN_ARG(t)  ((u32)((t) >> 3))

#define TAG_SHIFT 56

/* What a block does with the flags it finds. */
struct flags_in {
    u64 written; /* slots written before the last op that may fault before that, by slot % 64 */
    bool dead;   /* they are overwritten; until then only a fault can show them */
    bool seen;   /* and one can */
};
bool flags_in_allow(const struct flags_in *f, const u8 slot[2]);

/* A place in the code that depends on where the code lies, and what is there. */
enum {
    RELOC_CODE,   /* a distance to something outside the block */
    RELOC_HELPER, /* u64: the function of helper number `arg` */
    RELOC_TOKEN,  /* the token of exit number `arg`, with the block's id in it */
    RELOC_OFF_BITS = 18,
    RELOC_KIND_BITS = 2
};
#define RELOC(off, kind, arg) \
    ((u32)(off) | (u32)(kind) << RELOC_OFF_BITS | (u32)(arg) << (RELOC_OFF_BITS + RELOC_KIND_BITS))
#define GEN_MAX_RELOCS 320
struct gen_move {
    i64 by; /* how far the code moved against what is outside */
    const struct ir_target *target;
    u32 block_id;
};

#define GEN_MAX_EXITS 8 /* direct exits a block may have */
struct gen_exit {
    u32 patch_off; /* where in the code the 4-byte-relative jump stands that links it */
    u32 stub_off;  /* its unlinked target: a stub that returns TOKEN_EXIT */
    i32 target;    /* page-relative target */
    u8 kind;       /* enum ir_exit_kind */
    bool links;    /* may be linked directly; otherwise the code goes through the jump cache by itself and the exit is
                      listed with patch_off 0 */
    bool lazy;     /* the flags' home holds a note of these slots: only to be linked where flags_in_allow() */
    u8 slot[2];
};

struct gen_config {
    const struct ir_target *target;
    const struct rt_funcs *funcs;
    const struct host_thunks *thunks;
    u32 block_id;
    const void *call; /* called in place of each helper that is not HF_PURE, which rt.scratch[RT_HELPER] names; NULL */
    bool count;       /* deterministic mode */
    bool no_chain;    /* every exit returns to the loop (-d nochain) */
    bool direct;    /* user mode: rt.tlb[] is the host address of the program's address 0 and accesses just happen; the
                       deopt map also has the places of their instructions. Only accesses that are misaligned for their
                       MO_ALIGN call rt_funcs, which do not return */
    bool relocs;    /* say what of the code depends on where it is: gen_out.reloc */
    bool addressed; /* direct, and host->set_base did its work */
    bool tagged;    /* direct, and addresses are cut to TAG_SHIFT bits: the program keeps something of its own above */
    /* What the code at page offset `target` does with flags; NULL: not known. May itself be NULL. */
    const struct flags_in *(*flags_in)(void *ctx, i32 target);
    void *ctx;
};
struct gen_out {
    u8 *rw;       /* where to write; the caller's */
    const u8 *rx; /* where it will run */
    u32 cap;      /* bytes there are */
    u32 code_len; /* result: hot code, cold code, constants */
    u32 hot_len;
    u32 text_len; /* hot and cold code */
    struct flags_in flags_in;
    bool loops;    /* it jumps into its own middle: cpus inside pass no entry, only looks at rt.event */
    u32 stale_off; /* a stub in the cold code that stores rt.pc = rt.page + start and leaves with REASON_RETRANSLATE:
                      where patch_entry sends those who enter a block after its death */
    u8 *map;       /* deopt map: caller's buffer; packed bytes that only host->restore reads */
    u32 map_cap, map_len;
    struct gen_exit exits[GEN_MAX_EXITS];
    unsigned nexits;
    bool fixed; /* with gen_config.relocs: it can't be moved */
    unsigned nreloc;
    u32 reloc[GEN_MAX_RELOCS];
};

enum host_access { HOST_NO_ACCESS, HOST_LOAD, HOST_STORE };
struct host {
    const char *name;
    u64 reach; /* how far a jump goes: no code cache is larger; 0: 2 GiB */
    /* NULL when it can run here, else why not. */
    const char *(*unavailable)(void);
    /* Writes the shared entry points; returns the bytes used, 0 if cap is too small. vpins: vector slots are pinned
     * too, which pays where accesses have no slow paths that would save them. */
    u32 (*make_thunks)(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f, bool vpins,
                       struct host_thunks *out);
    /* Code that may be run at once. False: did not fit (cap or map_cap). The IR was verified and optimised; ops.uses is
     * exact. */
    bool (*compile)(struct ir *ir, const struct gen_config *cfg, struct gen_out *out);
    /* Makes the jump at `at` go to `target` (both run addresses; rw is the writable alias of `at`). Safe while other
     * threads run the code. */
    void (*patch_jump)(u8 *rw, const u8 *at, const u8 *target);
    /* Makes the block's entry jump to `stale` from now on. */
    void (*patch_entry)(u8 *rw, const u8 *entry, const u8 *stale);
    /* Rebuilds the guest's slots in the CPU struct from rt.save_* for the place whose return address is `ra` (code
     * offset within the block); returns the page offset of the guest instruction. Also decodes only (cpu NULL). */
    u32 (*restore)(const struct ir_target *t, const u8 *map, u32 map_len, u32 code_off, struct vcpu *cpu);
    /* Makes code that gen_config.relocs was set for good for another place, its helpers and its id; exits must not be
     * linked. NULL: this back end cannot. */
    void (*relocate)(u8 *rw, const u32 *reloc, unsigned n, const struct gen_move *m);
    /* Makes flags of a note where translated code left one, once it has been left; NULL: it leaves none. */
    void (*settle)(const struct ir_target *t, struct vcpu *cpu);
    /* Before the process has threads: rt.tlb[] will be `base` for good (gen_config.direct). True: this thread, and
     * those it starts, can run code of gen_config.addressed. NULL: there is no such code. */
    bool (*set_base)(const void *base);
    /* gen_config.direct, and the host refused the instruction at `at`, which is no page's fault: was it an access that
     * is misaligned for its MO_ALIGN? *addr: its host address, by rt.save_gpr. NULL: such accesses are looked at
     * before. */
    enum host_access (*misaligned)(const u8 *at, const struct rt *rt, u64 *addr);
    int (*disas)(char *out, size_t n, u64 addr, const u8 *p, size_t avail); /* bytes consumed, 0: unknown */
};

extern const struct host host_x86_64, host_aarch64;
/* The back end for the machine moss runs on; NULL: only the interpreter. */
const struct host *host_native(void);

#endif

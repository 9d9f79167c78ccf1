/* Private to verify*.c: what a verifying run of a vcpu knows. */
#ifndef MOSS_ACCEL_TCG_VERIFY_PRIV_H
#define MOSS_ACCEL_TCG_VERIFY_PRIV_H

#include "accel/tcg/tcg_priv.h"

#define LOG_ENTRIES 1024u
#define LOG_IMAGES  256u
#define TRAIL       1024u

enum entry_kind { ENTRY_LOAD, ENTRY_STORE, ENTRY_ATOMIC, ENTRY_CALL, ENTRY_FAULT };
/* Something that the interpreter did to the world, in order. */
struct entry {
    u8 kind;
    bool unwound; /* a call that did not return, but entered an exception */
    u32 mo, insn_off;
    u64 va;            /* a fault's too */
    union v128 val[2]; /* raw bytes, as in memory; an atomic's: before, after */
    const struct ir_helper *helper;
    union v128 arg[4], vret;
    u64 ret, pc;        /* a call's results */
    u8 *before, *after; /* images: before a call or at a fault, after a call */
};

struct visit { /* a block the interpreter went through */
    u64 pc;
    struct block *b;
    unsigned entry; /* of the log, at its start */
};

/* Why the interpreter does not go on. */
enum over { OVER_NOT, OVER_LOOP /* the trace left by exit_loop */, OVER_FAULT, OVER_STUCK /* no code, or no room */ };
enum outcome { OUT_NONE, OUT_SAME /* both met the same exception */, OUT_DIFFERENT, OUT_UNKNOWN };

struct known { /* a block by pc, with all on which that depends */
    u64 pc, mode, gen, evicted;
    const struct jc_entry *jc; /* one a context; tables go from mode to mode */
    struct block *b;
};

struct verify {
    struct tcpu *t;
    struct vcpu *shadow; /* translated code runs on it */
    bool stale;          /* it is to be copied anew */
    jmp_buf fault, out;

    struct entry log[LOG_ENTRIES];
    unsigned n, used;   /* entries there are; entries translated code has met */
    struct entry *open; /* a call that has not returned */
    struct {
        u8 kind;
        u32 mo;
        u64 va;
    } now; /* the access that may be about to fault */
    bool full;
    bool replays;   /* translated code runs on the shadow */
    bool last_call; /* context, mode and what else translated code depends on may have changed: the run ends */
    bool closed;    /* the log is complete: a report runs blocks again */
    struct known known[1024];
    struct visit trail[TRAIL];
    unsigned visits; /* in all; the trail keeps the last ones */
    enum over over;
    enum ir_reason why;
    unsigned lead; /* traces since the last entry */
    unsigned want; /* entries the interpreter makes before translated code runs */
    u64 random, code_state;
    union v128 cell; /* an atomic's memory as translated code sees it */
    bool cell_used;
    struct buf what; /* a difference, in words */

    /* Images: the slots, packed. */
    unsigned image_size, images, nranges;
    u16 at[IR_MAX_SLOTS]; /* where a slot lies in an image */
    struct {
        u32 off, at, len;
        bool flags;
    } range[IR_MAX_SLOTS];      /* neighbouring slots; flags, which have bits that don't count, lie alone */
    u8 *image, *start, *rewind; /* LOG_IMAGES of them; at the start of the run; where the interpreter can go back to */
    u64 start_pc;

    struct tlb_head head; /* of the shadow's TLB, which is empty */
    struct tlb_entry none;
};

/* verify_log.c */
void image_init(struct verify *v);
void image_take(const struct verify *v, u8 *image, const void *cpu);
void image_put(const struct verify *v, const u8 *image, void *cpu);
bool slots_equal(const struct verify *v, const void *a, const void *b);
bool slot_equal(const struct ir_slot *s, const void *a, const void *b); /* its values */
void log_reset(struct verify *v);
void cell_settle(struct verify *v);
void call_apply(const struct verify *v, const struct entry *e, struct vcpu *cpu); /* slots and pc as after the call */
NORETURN void run_leave(struct verify *v, enum outcome o);
extern const struct interp_mem verify_record_mem; /* its opaque: struct verify */
extern _Thread_local struct verify *verify_self;

/* verify.c */
/* Translated code has met an entry: sees to it that there is another one, or that it stops. */
void run_feed(struct verify *v);
bool run_more(struct verify *v); /* one entry more; false: there is none */
const void *verify_lookup(struct vcpu *shadow, u64 pc);

/* verify_report.c */
NORETURN void verify_report(struct verify *v);

#endif

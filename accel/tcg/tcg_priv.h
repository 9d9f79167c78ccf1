/* Private to accel/tcg. Who owns what:
 *
 *   struct tcg        one a process: code cache, block index, the vcpus, the locks
 *   struct tcpu       one a vcpu: its thread, TLB contexts, jump caches, trace buffer, current chunk
 *   struct block      one a translated trace; found by (RAM offset, mode); lives in one chunk
 *   struct page_desc  one a RAM page that holds code: its blocks, which 64-byte pieces they cover
 *
 * Locks, in the order they may be taken: machine lock > tcg.lock (blocks, pages, links, chunks) > tcpu.tlb_lock.
 * Look-ups of blocks take none. Translated code takes none. */
#ifndef MOSS_ACCEL_TCG_TCG_PRIV_H
#define MOSS_ACCEL_TCG_TCG_PRIV_H

#include <pthread.h>
#include <setjmp.h>

#include "accel/accel.h"
#include "base/arena.h"
#include "base/bits.h"
#include "tcg/host/host.h"
#include "tcg/interp/interp.h"

/* -- blocks ------------------------------------------------------------------------------------------- */

/* A trace kept for the interpreter: of struct ir what it holds. */
struct trace {
    u32 nops, nconsts, start_off, page_bits, ninsns;
    u64 body[]; /* ops, then constants */
};

struct block;
struct block_exit {
    struct block *target;            /* NULL: not linked */
    struct block_exit *next, **prev; /* in the target's list of incoming links */
    u32 patch_off, stub_off;
    i32 target_off;
    bool lazy; /* see struct gen_exit */
    u8 slot[2];
    u8 number; /* exits[number] of its block */
};
struct block {
    u64 ram_off; /* of the first instruction; with mode the key */
    u64 mode;
    const u8 *code; /* run address of the entry */
    u32 code_len, stale_off;
    u16 start, end; /* page offsets of the guest bytes translated; end may lie in the next page (block_crosses) */
    u16 ninsns;
    bool dead, loops, tagged;
    u8 nexits;
    u32 id;
    struct flags_in flags_in;
    struct chunk *chunk;
    const u8 *map; /* deopt map */
    u32 map_len;
    struct trace *trace; /* interpreter and verify modes only */
    u32 verified;        /* runs it was in that were the same */
    struct block *hash_next;
    struct block *page_next, **page_prev;
    u64 ram_next;                           /* the next page, when it reaches into it: one instruction */
    struct block *cross_next, **cross_prev; /* in that page's list */
    struct block_exit *incoming;
    struct block_exit exits[];
};
static inline bool block_crosses(const struct block *b)
{
    return b->end > 1u << TLB_PAGE_BITS;
}
static inline struct block *exit_block(struct block_exit *x)
{
    return (struct block *)((char *)(x - x->number) - offsetof(struct block, exits));
}

/* Of an exit that may be linked: the key of the block it leads to, which has the same mode. */
static inline u64 exit_target(struct block_exit *x)
{
    return (exit_block(x)->ram_off & ~MASK(TLB_PAGE_BITS)) + (u64)(i64)x->target_off;
}

/* A piece of the code cache. One thread writes it; code grows up; maps and descriptors are in its arena. */
#define CHUNK_SIZE    (2u << 20)
#define HOSTILE_CHUNK (256u << 10)
struct chunk {
    u8 *rw;
    const u8 *rx;
    u32 used, ready; /* bytes; ready: the host's pages are there up to here */
    unsigned index;
    struct tcpu *owner;    /* who appends; NULL: full or free */
    struct block **blocks; /* by address */
    unsigned nblocks, cap_blocks;
    struct arena arena;
    u64 born; /* eviction order */
};

struct page_desc {
    struct block *blocks;
    struct block *crossing; /* whose instruction begins in the page before */
    u64 pieces;             /* 64-byte pieces of the page covered by some block */
    u64 tagged;             /* those where an access with a tagged address was seen (user.c) */
};

/* -- TLB ----------------------------------------------------------------------------------------------- */

enum {
    COLD_MMIO = 1,
    COLD_ROM = 2,
    COLD_WATCH = 4,
    COLD_DEVICE = 8,
    COLD_GLOBAL = 16,
    COLD_NOREAD = 32,
    COLD_NOWRITE = 64
};
struct tlb_cold {
    struct mem_region *region; /* MMIO, or a ROM's */
    u64 region_off;            /* of the page */
    u64 ram_off;               /* of the page, if RAM */
    struct mem_attrs attrs;
    u32 flags;
};
#define TLB_EMPTY       (~0ull)
#define TLB_MAX_LARGE   8
#define TLB_MIN_SIZE    256u
#define TLB_MAX_SIZE    16384u
#define HOSTILE_TLB_MIN 4u
#define HOSTILE_TLB_MAX 64u
#define JC_PAGES        4096u
struct jc_table {
    u64 mode;
    struct jc_entry *e; /* NULL: slot unused */
    u64 stamp;
    /* What may hold entries: groups of 64, and pages by jc_page_hash(). */
    u64 groups[JC_SIZE / 64 / 64], pages[JC_PAGES / 64];
};
#define FETCH_CACHE 512u
/* Blocks by (RAM offset, mode), a vcpu's own: one cache line where the index needs several. Entries may be dead (their
 * stub sends who enters them back to the loop, which renews the entry); an eviction empties it. */
struct recent_code {
    u64 ram_off, mode;
    const u8 *code; /* NULL: none */
    u64 pad;
};
#define RECENT_CODE        (1u << 14)
#define RECENT_CODE_DIRECT (1u << 10) /* user mode: one address space, so the jump cache knows most */
#define JC_PER_CONTEXT     8
struct tlb_context {
    struct mmu_key key;
    bool used;
    u64 stamp;          /* for replacing the least recently used */
    unsigned size;      /* entries, a power of two */
    unsigned filled;    /* a full flush has something to do */
    unsigned conflicts; /* fills that pushed another page out, since window_ns: too many, and the table grows */
    u64 window_ns;
    u64 touched[TLB_MAX_SIZE / 64 / 64]; /* groups of 64 entries that may not be empty */
    u64 local[TLB_MAX_SIZE / 64];        /* entries that may be of pages that are not global */
    void *mem;                           /* the allocation: head, entries */
    struct tlb_head *head;
    struct tlb_entry *e;
    struct tlb_cold *cold;
    struct {
        u64 va, mask;
    } large[TLB_MAX_LARGE]; /* pages over 4K seen: a flush inside one flushes it whole */
    unsigned nlarge;
    struct {
        u64 va, ram_off;
    } fetch[FETCH_CACHE];            /* pages code ran from */
    u64 ran[FETCH_CACHE / 64];       /* the same for all that ever did: what predicted returns may lead to */
    u64 ran_local[FETCH_CACHE / 64]; /* those of them that may not be global */
    u8 fetch_note[FETCH_CACHE];      /* walk_result.note of each */
    struct jc_table jc[JC_PER_CONTEXT];
};
#define TLB_CONTEXTS 32

/* -- vcpus ------------------------------------------------------------------------------------------------ */

struct work {
    void (*fn)(struct vcpu *cpu, void *arg);
    void *arg;
    bool done;
    struct work *next;
};
struct tcpu {
    struct vcpu *cpu;
    struct tcpu *next_spare; /* in tcg.spare */
    pthread_t thread;
    pthread_cond_t wake; /* with tcg.run_lock: work, resume, interrupt */
    bool started, stop;
    bool sleeping;   /* waits on `wake`; atomic */
    unsigned pauses; /* short waits in a row, the last one at */
    u64 paused_at;
    bool running;      /* executing guest code or a helper; atomic; false at every safe point */
    bool waiting;      /* in a helper that waits for others: no access of this cpu is in flight; under tcg.run_lock */
    u64 safe_count;    /* safe points passed; atomic, its own thread's */
    u64 taken_at;      /* safe_count + 1 when another cpu last took write access from its TLB; under tlb_lock */
    struct work *work; /* under tcg.run_lock; atomic */
    jmp_buf unwind, *inner; /* inner: who catches before the loop does (a verifying run) */
    u64 hostile;            /* its random numbers */
    bool keep_code;         /* translates without evictions */
    struct verify *verify;
    struct ir *ir; /* trace buffer */
    bool step;     /* the next instruction is interpreted (code_step): it writes to the code it lies in */
    bool copying;  /* user mode: reads the program's code, which another thread may unmap; how that ended */
    int copy_signal, copy_code;
    jmp_buf copy_failed;
    u8 page_copy[2u << TLB_PAGE_BITS];
    struct chunk *chunk;
    u8 *map_buf;
    struct arena arena; /* blocks of the interpreter */
    struct arena scratch;

    pthread_mutex_t tlb_lock; /* contexts' contents; the owner takes it to fill, others to flush */
    u64 flush_gen;            /* odd while a flush goes on (under tlb_lock): a walk that raced is redone */
    struct tlb_context ctx[TLB_CONTEXTS];
    struct tlb_context *view[RT_VIEWS];
    struct tlb_context *recent[16]; /* by a hash of the key */
    struct recent_code *code;       /* a power of two of entries */
    unsigned ncode;
    u64 evictions;       /* tcg.stat_evicted when they last held: while this cpu is none of tcg.cpus */
    struct jc_table *jc; /* whose entries are rt.jc */
    u64 stamp;
    u64 mode; /* target->mode() of the present state */

    /* exclusive monitor, see monitor.c */
    bool excl_valid; /* changed under its lock */
    u8 excl_n;
    u64 excl_va, excl_ram;
    union v128 excl_val;
    u64 store_page; /* RAM offset of a page this cpu may be storing to outside the fast path, or NO_PAGE; atomic */
    u64 stat_ns;    /* with stats: thread CPU time spent translating */
    u64 stat_translated, stat_blocks, stat_fills, stat_walks;
    u64 stat_verified, stat_unjudged; /* runs */
};

struct tcg {
    struct accel_config cfg;
    const struct host *host;                   /* NULL: interpreter */
    const struct rt_funcs *funcs, *code_funcs; /* what translated code calls is verify's, with verify=on */
    const struct interp_mem *interp_mem;
    bool direct;                  /* user mode: no TLB */
    bool addressed;               /* host->set_base */
    bool saves;                   /* translations are kept on disk (saved.c) */
    struct accel_program program; /* user mode: accel_user.init's */
    struct host_thunks thunks;
    struct mem_space *space;
    pthread_mutex_t lock;
    struct block **hash; /* heads; pushed under lock, read without */
    unsigned hash_bits;
    struct page_desc **pages; /* by RAM page >> 10, then & 1023 */
    struct block **by_id;
    u32 nids;

    u8 *cache_rw;
    const u8 *cache_rx;
    u64 cache_size;
    u32 chunk_size;
    struct chunk *chunks;
    unsigned nchunks, chunks_used;
    u64 chunk_clock;

    struct tcpu **cpus;
    unsigned ncpus, cap_cpus;
    struct tcpu *spare; /* user mode: what threads that ended left to the next ones; under lock */
    unsigned nspare;
    pthread_mutex_t run_lock; /* run state, work queues, exclusive sections */
    pthread_cond_t run_cond;
    bool paused;
    struct tcpu *exclusive; /* who holds or asks for the exclusive section */
    /* The handshake of cpus.c, atomic: not every cpu may run; how many wait for one to reach a safe point. */
    bool held;
    unsigned watchers;
    unsigned max_insns;
    u64 stat_invalidated, stat_evicted, stat_killed;
    /* By RAM page, for tlb_protect_page: the virtual page through which TLBs have held it writable without asking since
     * it was last protected; 0: none, WRITER_MANY: several. NULL where the address space has no room for it. */
    u64 *writers;
};
extern struct tcg tcg;
#define WRITER_MANY 1

/* Not to be linked, or found by its physical place alone: what is in the next page depends on the address. */
static inline bool block_is_of_pc(const struct block *b)
{
    return block_crosses(b) && !tcg.direct;
}

static inline struct tcpu *tcpu_of(const struct vcpu *cpu)
{
    return cpu->accel;
}
/* After an indirect branch: what PC makes of its target. */
static inline void fix_pc(struct vcpu *cpu, const struct target *target)
{
    if (target->branch_target) {
        cpu->rt.pc = target->branch_target(cpu, cpu->rt.pc);
    }
}

/* -- tcg.c: the parts user mode shares -- */
bool tcg_init(const struct accel_config *cfg, struct mem_space *space, struct err *e);
bool tcg_add(struct vcpu *cpu, struct err *e);
void tcg_remove(struct tcpu *t); /* by its own thread, outside translated code */

/* -- code_cache.c --------------------------------------------------------------------------------------------- */
bool code_cache_init(u64 size, struct err *e);
bool code_cache_thunks(const struct ir_target *t, struct err *e);
/* Room for a block in this cpu's chunk: makes or evicts one when needed. False: tcg.lock and everything else must be
 * dropped and the caller must retry (an eviction happened). */
struct chunk *chunk_get(struct tcpu *t, u32 want);
void code_cache_rest(void);
struct block *code_at(const u8 *rx); /* whose code holds this host address; NULL */
static inline u8 *to_rw(const u8 *rx)
{
    return tcg.cache_rw + (rx - tcg.cache_rx);
}

/* -- blocks.c ---------------------------------------------------------------------------------------------------- */
void blocks_init(void);
struct block *code_find(u64 ram_off, u64 mode);
struct page_desc *page_desc_get(u64 ram_off, bool make);
void code_insert(struct block *b);                      /* tcg.lock held */
void code_kill(struct block *b);                        /* tcg.lock held */
void code_unlink(struct block *b);                      /* its exits; tcg.lock held */
void code_link(struct block_exit *x, struct block *to); /* tcg.lock held */
/* User mode: the instruction at va takes tagged addresses; blocks over it are made again. And: is there one in a part
 * of the page? */
void code_tag(u64 va);
bool code_tagged(u64 page, unsigned start, unsigned end);
bool code_near(u64 ram_off, u64 len); /* inside one page: is there code in these 64-byte pieces? */
/* Bytes change: kills blocks that cover them. Any thread; takes tcg.lock when there may be some. */
void code_written(u64 ram_off, u64 len);

/* -- translate.c ------------------------------------------------------------------------------------------------- */
/* Finds or makes the block for rt.pc in the present mode. NULL: the fetch faulted (the guest's exception was entered)
 * or the world changed; look again. */
struct block *code_for_pc(struct tcpu *t);
const void *rt_lookup(struct vcpu *cpu, u64 pc);
u32 block_id_take(void);
/* A block whose code is written becomes one of its chunk's, which is used up to `used` then. */
void block_add(struct block *b, u32 used);
/* Announces the bytes of n new blocks of one page, outlasts the stores that passed the TLB before, and kills those
 * whose bytes are not any more what t->page_copy has of them. */
void code_publish(struct tcpu *t, struct block *const *b, unsigned n);
/* Between these an access that faults comes back through t->copy_failed; for this thread's own signal handler to see.
 */
static inline void copying(struct tcpu *t, bool begin)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&t->copying, begin, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
bool code_read(struct tcpu *t, void *to, u64 ram_off, size_t n); /* the program's code; false: it is gone */
#define CODE_MAP_CAP 65536u                                      /* of tcpu.map_buf */
struct block *code_translate(struct tcpu *t, u64 pc, u64 ram_off, bool evict); /* NULL as above, or for want of room */
void code_step(struct tcpu *t); /* interprets the instruction at rt.pc, and keeps nothing of it */
void code_remember(struct tcpu *t, const struct block *b);
/* An entry of the jump cache, if no flush came since flush_gen was `gen`. */
void jc_fill(struct tcpu *t, u64 pc, const u8 *code, u64 gen);
enum interp_end trace_run(const struct trace *k, struct vcpu *cpu, const struct interp_mem *mem, enum ir_reason *why);
void trace_print(struct tcpu *t, const struct trace *k, struct buf *out);

/* -- tlb.c, tlb_flush.c -------------------------------------------------------------------------------------------- */
bool tlb_init(struct tcpu *t);
void tlb_free(struct tcpu *t);
void tlb_forget(struct tcpu *t); /* empty, all tables kept */
void tlb_context_changed(struct vcpu *cpu);
void tlb_mode_changed(struct vcpu *cpu);
void tlb_flush(struct vcpu *cpu, const struct tlb_flush *f);
/* Returns when no access by an old translation is in flight. Any thread, with or without the machine lock. */
void tlb_flush_everything(void);
/* A page has got code, or is watched: every TLB that writes it directly is told to ask. A bit for each cpu whose store
 * through such an entry may be in flight until it passes a safe point (wait_safe): it has lost one now, or has lost any
 * to another cpu since its last safe point. */
u64 tlb_protect_page(u64 ram_off);
/* The owner's tables that suffer from conflicts become larger: outside translated code, which has pointers to them. */
void tlb_grow(struct tcpu *t);
/* Writes to the page need not ask any more: the next one fills the entry anew. */
void tlb_unprotect_entry(struct tcpu *t, struct tlb_entry *e);
void jc_table_clear(struct jc_table *j);
void jc_table_note(struct jc_table *j, u64 pc); /* before an entry for pc is made */
static inline unsigned jc_page_hash(u64 pc)
{
    return (unsigned)(bits(pc, 12, 44) * 0x9e3779b97f4a7c15ull >> 52); /* not of the top byte: flushes may ignore it */
}
/* Only tags: another thread may stand between the comparison and the use of what lies beside them. */
static inline void tlb_entry_drop(struct tlb_entry *e)
{
    __atomic_store_n(&e->rd, TLB_EMPTY, __ATOMIC_RELAXED);
    __atomic_store_n(&e->wr, TLB_EMPTY, __ATOMIC_RELAXED);
}
void tlb_context_clear(struct tlb_context *c);
/* The filled entry for an access, or NULL when the walk failed (*r says why). Index of the entry in *idx. */
struct tlb_entry *tlb_fill(struct tcpu *t, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r,
                           unsigned *idx);
bool fetch_page(struct tcpu *t, u64 pc, u64 *ram_off, struct walk_result *r);

/* -- access.c ---------------------------------------------------------------------------------------------------- */
extern const struct rt_funcs tcg_rt_funcs;
extern const struct interp_mem tcg_interp_mem;
u64 load_result(struct vcpu *cpu, u8 *raw, u32 mo);                     /* how a slow load gives its value */
unsigned store_bytes(const struct vcpu *cpu, u64 val, u32 mo, u8 *raw); /* what a slow store writes; how much */
void sv_load(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view);
void sv_store(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view);
bool sv_is_device(struct vcpu *cpu, u64 va, enum mmu_access acc, unsigned view);
void *sv_probe(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc, unsigned view);
const void *sv_peek_code(struct vcpu *cpu, u64 pc, u8 *note);

/* -- monitor.c: exclusives --------------------------------------------------------------------------------------- */
#define NO_PAGE (~0ull)
/* Around a store by C code to RAM: begin, then end, or pending if the store happens after the return (the next safe
 * point ends it then). True: the page is watched, and the lock is held meanwhile. */
bool store_begin(struct tcpu *t, u64 ram_off, u64 n);
void store_end(struct tcpu *t, bool watched);
void store_pending(struct tcpu *t, u64 ram_off, bool watched);
/* Somebody other than a cpu has written. */
void monitor_written(u64 ram_off, u64 n);
void sv_load_exclusive(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view);
bool sv_store_exclusive(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view);
bool sv_cas128(struct vcpu *cpu, u64 va, union v128 *expected, const union v128 *val, unsigned view);

/* -- cpus.c: threads, safe points -------------------------------------------------------------------------------- */
/* Predicted returns may lead wrong from now on. The cpu's own thread, or any while the cpu stands at a safe point. */
void returns_forget(struct vcpu *cpu);
extern const struct cpu_services tcg_services;
NORETURN void sv_unwind(struct vcpu *cpu);
void cpu_run_begin(struct tcpu *t); /* waits while paused or while another holds the exclusive section */
void cpu_run_end(struct tcpu *t);
void mark_safe(struct tcpu *t); /* tcg.run_lock held */
/* After `paused` or `exclusive` changed; tcg.run_lock held. */
void held_update(void);
/* What wait for cpus to stop stands between these; tcg.run_lock held. */
void watch_begin(void);
void watch_end(void);
/* Stops every other vcpu outside guest code; the caller is running a helper or between blocks. */
void exclusive_begin(struct tcpu *t);
void exclusive_end(struct tcpu *t);
/* Waits until `other` has passed a safe point since now, or waits itself. `self` is in a helper and goes on in
 * translated code afterwards, so it keeps its place in the code cache: no eviction meanwhile. NULL: no vcpu's thread.
 */
struct tcpu *cpu_of_thread(void); /* the vcpu whose thread calls; NULL */
void wait_safe(struct tcpu *self, struct tcpu *other);
void *cpu_thread(void *arg);

/* -- loop.c ------------------------------------------------------------------------------------------------------ */
void cpu_exec(struct tcpu *t);
void cpu_run_blocks(struct tcpu *t);              /* translated code from rt.pc until something leaves it */
void exit_link(u32 arg, struct block *to);        /* of TOKEN_EXIT, if it is a link */
u64 code_enter(struct vcpu *cpu, const u8 *code); /* a block's; the token that says why it was left */
void code_care(struct tcpu *t);                   /* after REASON_CARE: a mode that is not what made the trace leave */

/* -- saved.c: translations on disk, when tcg.saves is set ---------------------------------------------------------- */
void saved_init(const char *dir, const char *extra); /* see accel_user.keep_code */
void saved_map_file(u64 va, u64 n, int fd, u64 off);
void saved_unmap(u64 va, u64 n);
struct block *saved_load(struct tcpu *t, u64 ram_off); /* and its neighbours, published. NULL: none */
void saved_note(struct tcpu *t, struct block *b, const struct gen_out *out); /* a new block */
void saved_avoid(u64 ram_off);                                               /* a block there died */
void saved_forget(void); /* what is new is not for us to save: tcg.lock is held, or there is no other thread */
void saved_store(void);

/* -- hostile.c ------------------------------------------------------------------------------------------------------
 */
/* On the way through the loop, a look-up or a slow access: once in a while something is thrown away. */
void hostile_throw(struct tcpu *t);
static inline void hostile_act(struct tcpu *t)
{
    if (unlikely(tcg.cfg.hostile)) {
        hostile_throw(t);
    }
}
unsigned hostile_insns(struct tcpu *t); /* how many instructions the next block may have */

/* -- verify.c, verify_log.c, verify_report.c ----------------------------------------------------------------------- */
bool verify_init(struct tcpu *t);
void verify_free(struct tcpu *t);
void verify_run(struct tcpu *t); /* from rt.pc, at which there is code */
/* Has the block passed its runs? Only such are linked and found by jump caches then. */
static inline bool verify_done(const struct block *b)
{
    return !tcg.cfg.verify || (tcg.cfg.verify_runs && b->verified >= tcg.cfg.verify_runs);
}
void verify_stale(struct tcpu *t); /* somebody else may have changed the cpu */
void verify_fault(struct tcpu *t); /* an access is about to enter the guest's exception; slots and rt.pc are home */
u64 verify_call(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5);
extern const struct rt_funcs verify_funcs;

#endif

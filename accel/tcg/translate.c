/* From a program counter to a block: look up, else translate, optimise, compile, insert.
 *
 * Translation runs without locks on a copy of the guest page. The insertion, under tcg.lock, first announces the bytes
 * (page flag, piece map, TLB protection) and then compares them with the copy: a store that came too early for the
 * announcement is seen by the comparison, one that came later finds the announcement and waits for the lock. */
#include <string.h>
#include <time.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/log.h"
#include "tcg/opt/opt.h"
#include "tcg/text.h"

#define PAGE_SIZE  (1u << TLB_PAGE_BITS)
#define PAGE_MASK  (~(u64)(PAGE_SIZE - 1))
#define CODE_ROOM  65536u
#define NEXT_BYTES 16u    /* of the next page: no instruction has more there */
#define NEAR_ROOM  32768u /* what a block gets first: its cold code begins in the middle, and few need more */

static void log_guest(struct tcpu *t, u64 pc, const struct tr_result *rs, u32 off)
{
    struct vcpu *cpu = t->cpu;
    log_lock();
    log_print("----------------\nIN: mode %016llx pc %016llx\n", (unsigned long long)t->mode, (unsigned long long)pc);
    for (u32 o = off; o < rs->end && o < PAGE_SIZE;) {
        char text[128] = "?";
        int n = cpu->target->disas(text, sizeof(text), (pc & PAGE_MASK) + o, t->page_copy + o, PAGE_SIZE - o, t->mode);
        n = n > 0 ? n : 4;
        log_print("0x%016llx:  %08x  %s\n", (unsigned long long)((pc & PAGE_MASK) + o), ld32le(t->page_copy + o), text);
        o += (u32)n;
    }
    log_unlock();
}

static void log_ir(const struct ir *ir, const char *title)
{
    struct buf b = {0};
    ir_print(ir, &b);
    log_lock();
    log_print("%s:\n%s\n", title, b.data ? (char *)b.data : "");
    log_unlock();
    buf_free(&b);
}

static void log_host(const struct gen_out *out)
{
    log_lock();
    log_print("OUT: %u bytes (%u hot)\n", out->code_len, out->hot_len);
    for (u32 o = 0; o < out->code_len;) {
        char text[160];
        int n = tcg.host->disas
                    ? tcg.host->disas(text, sizeof(text), (u64)(uintptr_t)(out->rx + o), out->rw + o, out->code_len - o)
                    : 0;
        if (n <= 0) {
            log_print("%p:  .byte 0x%02x\n", (const void *)(out->rx + o), out->rw[o]);
            n = 1;
        } else {
            log_print("%p:  %s%s\n", (const void *)(out->rx + o), text, o >= out->hot_len ? "  ; cold" : "");
        }
        o += (u32)n;
    }
    log_unlock();
}

/* Bytes to IR. `next`: the following page's bytes lie behind the page's in the copy. */
static void make_trace(struct tcpu *t, u32 off, bool next, bool unsteady, unsigned max_insns, struct tr_result *rs)
{
    struct vcpu *cpu = t->cpu;
    struct tr_request rq = {.mode = t->mode,
                            .page = t->page_copy,
                            .off = off,
                            .next_page = next ? t->page_copy + PAGE_SIZE : NULL,
                            .max_insns = max_insns,
                            .follow = max_insns > 1,
                            .unsteady = unsteady,
                            .one_space = tcg.direct};
    *rs = (struct tr_result){.start = off, .end = off};
    ir_init(t->ir, cpu->target->ir, off, TLB_PAGE_BITS);
    cpu->target->translate(t->ir, &rq, rs);
}

/* Where a block's bytes are. */
struct place {
    u64 ram_off, ram_next; /* next: the following page, NO_PAGE: not asked for */
};

static struct block *code_new(struct arena *a, unsigned nexits, const struct tr_result *rs, struct tcpu *t,
                              const struct place *at)
{
    struct block *b = arena_alloc(a, sizeof(*b) + nexits * sizeof(struct block_exit));
    b->ram_off = at->ram_off;
    b->ram_next = at->ram_next;
    b->mode = t->mode;
    b->start = (u16)rs->start;
    b->end = (u16)rs->end;
    b->ninsns = (u16)t->ir->ninsns;
    b->nexits = (u8)nexits;
    return b;
}

u32 block_id_take(void)
{
    static u32 next = 1;
    for (;;) {
        u32 id = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED) & ((1u << 22) - 1);
        if (id && !__atomic_load_n(&tcg.by_id[id], __ATOMIC_RELAXED)) {
            return id;
        }
    }
}

/* What a block at `target` in the same page, made before, does with flags. */
struct neighbours {
    u64 ram_page, mode;
};
static const struct flags_in *flags_at(void *ctx, i32 target)
{
    const struct neighbours *n = ctx;
    const struct block *b = code_find(n->ram_page + (u64)target, n->mode);
    return b ? &b->flags_in : NULL;
}

void block_add(struct block *b, u32 used)
{
    struct chunk *c = b->chunk;
    if (c->nblocks == c->cap_blocks) {
        c->cap_blocks = c->cap_blocks ? c->cap_blocks * 2 : 1024;
        struct block **grown = arena_alloc(&c->arena, c->cap_blocks * sizeof(struct block *));
        if (c->nblocks) {
            memcpy(grown, c->blocks, c->nblocks * sizeof(struct block *));
        }
        __atomic_store_n(&c->blocks, grown, __ATOMIC_RELEASE); /* code_at may still read the old one */
    }
    c->blocks[c->nblocks] = b;
    __atomic_store_n(&c->nblocks, c->nblocks + 1, __ATOMIC_RELEASE);
    c->used = used;
    __atomic_store_n(&tcg.by_id[b->id], b, __ATOMIC_RELEASE);
}

/* IR to host code in this cpu's chunk, in at most `room` bytes. NULL: no room, or an eviction happened; the caller
 * starts over. */
static struct block *compile(struct tcpu *t, const struct place *at, const struct tr_result *rs, u32 room,
                             struct gen_out *out, bool *too_big)
{
    u64 ram_off = at->ram_off;
    struct chunk *c = chunk_get(t, CODE_ROOM);
    if (!c) {
        return NULL;
    }
    struct neighbours near = {.ram_page = ram_off & PAGE_MASK, .mode = t->mode};
    struct gen_config cfg = {.target = t->cpu->target->ir,
                             .funcs = tcg.code_funcs,
                             .call = tcg.cfg.verify ? (const void *)verify_call : NULL,
                             .thunks = &tcg.thunks,
                             .block_id = block_id_take(),
                             .direct = tcg.direct,
                             .addressed = tcg.addressed,
                             .relocs = tcg.saves,
                             .tagged = tcg.direct && code_tagged(ram_off & PAGE_MASK, rs->start, rs->end),
                             .flags_in = flags_at,
                             .ctx = &near,
                             .no_chain = tcg.cfg.no_chain};
    u32 used = (u32)align_up(c->used, 16);
    memset(out, 0, sizeof(*out));
    out->rw = c->rw + used;
    out->rx = c->rx + used;
    out->cap = MIN(room, tcg.chunk_size - used);
    out->map = t->map_buf;
    out->map_cap = CODE_MAP_CAP;
    if (!tcg.host->compile(t->ir, &cfg, out)) {
        *too_big = true;
        return NULL;
    }
    struct block *b = code_new(&c->arena, out->nexits, rs, t, at);
    b->id = cfg.block_id;
    b->chunk = c;
    b->code = out->rx;
    b->code_len = out->code_len;
    b->stale_off = out->stale_off;
    b->loops = out->loops;
    b->tagged = cfg.tagged;
    b->flags_in = out->flags_in;
    b->map = arena_dup(&c->arena, out->map, out->map_len);
    b->map_len = out->map_len;
    for (unsigned i = 0; i < out->nexits; i++) {
        b->exits[i] = (struct block_exit){.number = (u8)i,
                                          .patch_off = out->exits[i].links ? out->exits[i].patch_off : 0,
                                          .stub_off = out->exits[i].stub_off,
                                          .target_off = out->exits[i].target,
                                          .lazy = out->exits[i].lazy,
                                          .slot = {out->exits[i].slot[0], out->exits[i].slot[1]}};
    }
    block_add(b, used + out->code_len);
    if (tcg.saves) {
        saved_note(t, b, out);
    }
    return b;
}

/* -- traces that are kept ------------------------------------------------------------------------------------- */

static size_t trace_size(const struct trace *k)
{
    return sizeof(*k) + k->nops * sizeof(struct ir_op) + k->nconsts * sizeof(u64);
}

static struct trace *trace_keep(struct arena *a, const struct ir *ir)
{
    struct trace head = {ir->nops, ir->nconsts, ir->start_off, ir->page_bits, ir->ninsns};
    struct trace *k = arena_alloc(a, trace_size(&head));
    *k = head;
    u64 *consts = k->body + ir->nops * (sizeof(ir->ops[0]) / sizeof(u64));
    memcpy(k->body, ir->ops, ir->nops * sizeof(ir->ops[0]));
    memcpy(consts, ir->consts, ir->nconsts * sizeof(ir->consts[0]));
    return k;
}

enum interp_end trace_run(const struct trace *k, struct vcpu *cpu, const struct interp_mem *mem, enum ir_reason *why)
{
    const u64 *consts = k->body + k->nops * (sizeof(struct ir_op) / sizeof(u64));
    struct ir_view view = {cpu->target->ir, (const struct ir_op *)(const void *)k->body, consts, k->nops, k->start_off};
    return interp_run_view(&view, cpu, mem, why);
}

void trace_print(struct tcpu *t, const struct trace *k, struct buf *out)
{
    struct ir *ir = t->ir;
    ir_init(ir, t->cpu->target->ir, k->start_off, k->page_bits);
    ir->nops = k->nops;
    ir->nconsts = k->nconsts;
    ir->ninsns = k->ninsns;
    ir->ended = true;
    memcpy(ir->ops, k->body, k->nops * sizeof(ir->ops[0]));
    memcpy(ir->consts, k->body + k->nops * (sizeof(ir->ops[0]) / sizeof(u64)), k->nconsts * sizeof(ir->consts[0]));
    ir_print(ir, out);
}

/* -- the guest's bytes ----------------------------------------------------------------------------------------------
 */

/* The guest's code at ram_off. False: it is gone (user mode: another thread has unmapped it, or cut the file short). */
bool code_read(struct tcpu *t, void *to, u64 ram_off, size_t n)
{
    if (!tcg.direct) {
        memcpy(to, ram_base + ram_off, n);
        return true;
    }
    if (setjmp(t->copy_failed)) {
        return false;
    }
    copying(t, true);
    memcpy(to, ram_base + ram_off, n);
    copying(t, false);
    return true;
}

static void fetch_fault(struct vcpu *cpu, u64 va, const struct walk_result *r)
{
    cpu->target->fault(cpu, r->why[3] == ~0ull ? FAULT_BUS : FAULT_TRANSLATION, va, MMU_FETCH, 4, 0, r);
}

static void fetch_refused(struct tcpu *t, u64 pc)
{
    struct walk_result r = {.why = {0x07}}; /* as for a refused access */
    t->cpu->target->fault(t->cpu, FAULT_TRANSLATION, pc, MMU_FETCH, 4, 0, &r);
    t->cpu->trap.host_signal = t->copy_signal;
    t->cpu->trap.host_code = t->copy_code;
}

/* An instruction reaches into the next page: its first bytes, behind the page's in the copy. False: the guest's
 * exception was entered. */
static bool read_next(struct tcpu *t, u64 pc, u64 *ram_next)
{
    u64 va = (pc & PAGE_MASK) + PAGE_SIZE;
    struct walk_result r;
    if (!fetch_page(t, va, ram_next, &r)) {
        fetch_fault(t->cpu, va, &r);
        return false;
    }
    if (!code_read(t, t->page_copy + PAGE_SIZE, *ram_next, NEXT_BYTES)) {
        fetch_refused(t, va);
        return false;
    }
    return true;
}

static bool part_same(struct tcpu *t, u64 ram_off, const u8 *copy, u32 n)
{
    u8 now[PAGE_SIZE];
    return code_read(t, now, ram_off, n) && memcmp(now, copy, n) == 0;
}
static bool code_same(struct tcpu *t, const struct block *b)
{
    u32 n = MIN(b->end, PAGE_SIZE) - b->start;
    return part_same(t, (b->ram_off & PAGE_MASK) + b->start, t->page_copy + b->start, n) &&
           (!block_crosses(b) || part_same(t, b->ram_next, t->page_copy + PAGE_SIZE, b->end - PAGE_SIZE));
}

static void flag_code(u64 page)
{
    u8 *flags = ram_page_flags(page);
    if (!(__atomic_load_n(flags, __ATOMIC_RELAXED) & RAM_CODE)) {
        __atomic_fetch_or(flags, RAM_CODE, __ATOMIC_SEQ_CST);
    }
}

/* Those of a page's writers that may have passed its TLB entry before it was taken from them. */
static void outlast(struct tcpu *t, u64 page, u64 writers)
{
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *o = tcg.cpus[i];
        if (o != t && (writers >> i & 1 || __atomic_load_n(&o->store_page, __ATOMIC_SEQ_CST) == page)) {
            wait_safe(t, o);
        }
    }
}

/* Blocks of one page; a crossing one is alone. True: nobody can have written the bytes since they were copied. */
static bool announce(struct tcpu *t, struct block *const *b, unsigned n)
{
    u64 page[2] = {b[0]->ram_off & PAGE_MASK, b[0]->ram_next}, writers[2] = {0};
    unsigned npages = block_crosses(b[0]) ? 2 : 1;
    pthread_mutex_lock(&tcg.lock);
    bool alone = tcg.direct && tcg.ncpus == 1;
    for (unsigned i = 0; i < npages; i++) {
        flag_code(page[i]);
        writers[i] = alone ? 0 : tlb_protect_page(page[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        code_insert(b[i]);
    }
    pthread_mutex_unlock(&tcg.lock);
    for (unsigned i = 0; i < npages; i++) {
        if (tcg.program.cover) {
            tcg.program.cover(page[i]);
        } else if (!tcg.direct) { /* else a program announces new code, and its cpus come and go */
            outlast(t, page[i], writers[i]);
        }
    }
    return alone;
}

void code_publish(struct tcpu *t, struct block *const *b, unsigned n)
{
    if (!n || announce(t, b, n)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        if (!code_same(t, b[i])) {
            pthread_mutex_lock(&tcg.lock);
            if (!b[i]->dead) {
                code_kill(b[i]);
            }
            pthread_mutex_unlock(&tcg.lock);
        }
    }
}

static bool read_page(struct tcpu *t, u64 pc, u64 ram_off)
{
    u32 from = (u32)(pc & (PAGE_SIZE - 1)) & ~3u; /* a trace only goes forward */
    if (!code_read(t, t->page_copy + from, (ram_off & PAGE_MASK) + from, PAGE_SIZE - from)) {
        fetch_refused(t, pc);
        return false;
    }
    return true;
}

/* The trace at pc, which is kept or not; false: the fetch faulted. */
static bool form(struct tcpu *t, u64 pc, unsigned max, bool kept, struct place *at, struct tr_result *rs)
{
    u32 off = (u32)(pc & (PAGE_SIZE - 1));
    bool unsteady = kept && tcg.program.unsteady && tcg.program.unsteady(pc & PAGE_MASK);
    make_trace(t, off, at->ram_next != NO_PAGE, unsteady, max, rs);
    if (rs->need_next_page) {
        if (!read_next(t, pc, &at->ram_next)) {
            return false;
        }
        make_trace(t, off, true, unsteady, max, rs);
    }
    return true;
}

static struct block *translate(struct tcpu *t, u64 pc, u64 ram_off)
{
    unsigned max = tcg.cfg.hostile ? hostile_insns(t) : tcg.max_insns;
    u32 off = (u32)(pc & (PAGE_SIZE - 1));
    if (!read_page(t, pc, ram_off)) {
        return NULL;
    }
    struct place at = {ram_off, NO_PAGE};
    struct tr_result rs;
    struct gen_out out;
    struct block *b;
    u32 room = NEAR_ROOM;
    for (;;) {
        if (!form(t, pc, max, true, &at, &rs)) {
            return NULL;
        }
        if (log_on(LOG_IN_ASM) && log_in_filter(pc)) {
            log_guest(t, pc, &rs, off);
        }
        if (log_on(LOG_IR) && log_in_filter(pc)) {
            log_ir(t->ir, "IR");
        }
#ifndef NDEBUG
        struct err e = {{0}};
        if (!ir_verify(t->ir, &e)) {
            log_ir(t->ir, "bad IR");
            fprintf(stderr, "pc %llx: %s\n", (unsigned long long)pc, e.msg);
            must(!"the front end made a trace the verifier refuses");
        }
#endif
        arena_free(&t->scratch);
        struct trace *made = tcg.cfg.verify ? trace_keep(&t->scratch, t->ir) : NULL;
        opt_run(t->ir);
        if (log_on(LOG_IR_OPT) && log_in_filter(pc)) {
            log_ir(t->ir, "IR after optimisation");
        }
        if (!tcg.host) {
            b = code_new(&t->arena, 0, &rs, t, &at);
            b->trace = trace_keep(&t->arena, t->ir);
            break;
        }
        bool too_big = false;
        b = compile(t, &at, &rs, room, &out, &too_big);
        if (b) {
            b->trace = made ? arena_dup(&b->chunk->arena, made, trace_size(made)) : NULL;
            break;
        }
        if (!too_big) {
            return NULL; /* an eviction: the world may have changed */
        }
        if (room < tcg.chunk_size) {
            room = tcg.chunk_size;
        } else {
            must(max > 1);
            max /= 2;
        }
    }
    if (tcg.host && log_on(LOG_OUT_ASM) && log_in_filter(pc)) {
        log_host(&out);
    }
    t->stat_translated += t->ir->ninsns;
    t->stat_blocks++;
    code_publish(t, &b, 1);
    return __atomic_load_n(&b->dead, __ATOMIC_ACQUIRE) ? NULL : b;
}

struct block *code_translate(struct tcpu *t, u64 pc, u64 ram_off, bool evict)
{
    t->keep_code = !evict;
    struct block *b = translate(t, pc, ram_off);
    t->keep_code = false;
    return b;
}

static u64 thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

/* A block that reaches into the next page is good where that is the same page. In user mode it always is. */
static bool next_is_same(struct tcpu *t, struct block *b, u64 pc)
{
    u64 ram_next;
    struct walk_result r;
    if (tcg.direct || !block_crosses(b) ||
        (fetch_page(t, (pc & PAGE_MASK) + PAGE_SIZE, &ram_next, &r) && ram_next == b->ram_next)) {
        return true;
    }
    pthread_mutex_lock(&tcg.lock);
    if (!b->dead) {
        code_kill(b);
    }
    pthread_mutex_unlock(&tcg.lock);
    return false;
}

struct block *code_for_pc(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    u64 pc = cpu->rt.pc, ram_off;
    struct walk_result r;
    if (!fetch_page(t, pc, &ram_off, &r)) {
        fetch_fault(cpu, pc, &r);
        return NULL;
    }
    struct block *b = code_find(ram_off, t->mode);
    if (b && next_is_same(t, b, pc)) {
        return b;
    }
    if (tcg.saves && (b = saved_load(t, ram_off))) {
        return b;
    }
    u64 begin = tcg.cfg.stats ? thread_ns() : 0;
    b = translate(t, pc, ram_off);
    t->stat_ns += tcg.cfg.stats ? thread_ns() - begin : 0;
    return b;
}

void code_step(struct tcpu *t)
{
    struct vcpu *cpu = t->cpu;
    u64 pc = cpu->rt.pc;
    struct place at = {NO_PAGE, NO_PAGE};
    struct walk_result r;
    struct tr_result rs;
    enum ir_reason why = REASON_NONE;
    if (!fetch_page(t, pc, &at.ram_off, &r)) {
        fetch_fault(cpu, pc, &r);
    } else if (read_page(t, pc, at.ram_off) && form(t, pc, 1, false, &at, &rs)) {
        cpu->rt.page = pc & PAGE_MASK;
        interp_run(t->ir, cpu, tcg.interp_mem, &why);
        fix_pc(cpu, cpu->target);
    }
}

static struct recent_code *recent_code(struct tcpu *t, u64 ram_off)
{
    return &t->code[((ram_off >> 2) ^ (ram_off >> 16) ^ t->mode) & (t->ncode - 1)];
}

void code_remember(struct tcpu *t, const struct block *b)
{
    *recent_code(t, b->ram_off) = (struct recent_code){b->ram_off, b->mode, b->code, 0};
}

/* Without the lock: a flush first counts flush_gen up, then looks through the table. Either it finds this entry there,
 * or the count has changed when it is looked at again here. An odd count: a flush went on when pc was looked up. */
void jc_fill(struct tcpu *t, u64 pc, const u8 *code, u64 gen)
{
    unsigned i = jc_index(pc);
    struct jc_entry *e = &t->cpu->rt.jc[i];
    if (gen & 1) {
        return;
    }
    jc_table_note(t->jc, pc);
    jc_clear(t->cpu->rt.jc, i, 1);
    __atomic_store_n(&e->code, code, __ATOMIC_RELEASE);
    __atomic_store_n(&e->pc, pc, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&t->flush_gen, __ATOMIC_SEQ_CST) != gen) {
        jc_clear(t->cpu->rt.jc, i, 1);
    }
}

/* Where pc lies in RAM when this cpu has run code of its page lately; ~0: not known. */
static u64 recent_ram_off(const struct tcpu *t, u64 pc)
{
    const struct tlb_context *c = t->view[0];
    unsigned i = (unsigned)(pc >> TLB_PAGE_BITS) % FETCH_CACHE;
    u64 ram_off = __atomic_load_n(&c->fetch[i].ram_off, __ATOMIC_RELAXED) + (pc & ~PAGE_MASK);
    return __atomic_load_n(&c->fetch[i].va, __ATOMIC_ACQUIRE) == (pc & PAGE_MASK) ? ram_off : ~0ull;
}

const void *sv_peek_code(struct vcpu *cpu, u64 pc, u8 *note)
{
    struct tcpu *t = tcpu_of(cpu);
    u64 ram_off = recent_ram_off(t, pc);
    *note = t->view[0]->fetch_note[(pc >> TLB_PAGE_BITS) % FETCH_CACHE];
    return ram_off == ~0ull ? NULL : ram_base + ram_off;
}

/* The code for pc when this cpu has run it lately; no lock, no walk. */
static const u8 *lookup_recent(struct tcpu *t, u64 pc)
{
    u64 ram_off = recent_ram_off(t, pc);
    if (ram_off == ~0ull) {
        return NULL;
    }
    const struct recent_code *r = recent_code(t, ram_off);
    return r->ram_off == ram_off && r->mode == t->mode ? r->code : NULL;
}

const void *rt_lookup(struct vcpu *cpu, u64 pc)
{
    struct tcpu *t = tcpu_of(cpu);
    cpu->rt.pc = pc;
    fix_pc(cpu, cpu->target);
    hostile_act(t);
    for (;;) {
        if (__atomic_load_n(&cpu->rt.event, __ATOMIC_ACQUIRE) || cpu->halted || tcg.cfg.no_chain) {
            return tcg.thunks.leave_event;
        }
        pc = cpu->rt.pc;
        if (cpu->rt.jc[jc_index(pc)].pc == pc) {
            cpu->rt.page = pc & PAGE_MASK;
            return cpu->rt.jc[jc_index(pc)].code;
        }
        u64 gen = __atomic_load_n(&t->flush_gen, __ATOMIC_SEQ_CST);
        const u8 *code = lookup_recent(t, pc);
        if (!code) {
            struct block *b = code_for_pc(t);
            if (!b) {
                continue;
            }
            if (!verify_done(b)) {
                return tcg.thunks.leave_event;
            }
            code = b->code;
            if (!block_is_of_pc(b)) {
                code_remember(t, b);
            }
        }
        jc_fill(t, pc, code, gen);
        cpu->rt.page = pc & PAGE_MASK;
        return code;
    }
}

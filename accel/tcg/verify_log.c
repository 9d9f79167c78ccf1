/* verify=on: the log between the interpreter, which acts on the world and writes it, and translated code, whose
 * accesses and calls read it. An access is compared by address, size and, if it stores, value; a helper call by helper,
 * arguments and the slots the helper looks at. What is not equal ends the run. */
#include <stddef.h>
#include <string.h>

#include "accel/tcg/bytes.h"
#include "accel/tcg/verify_priv.h"
#include "base/bits.h"
#include "tcg/eval.h"

/* -- images of the slots ------------------------------------------------------------------------------------------ */

static unsigned slot_size(const struct ir_slot *s)
{
    return s->type == IR_V128 ? 16 : s->type == IR_I32 || s->type == IR_FLAGS ? 4 : 8;
}

static int by_offset(const void *a, const void *b, void *slots)
{
    const struct ir_slot *s = slots;
    u32 x = s[*(const u8 *)a].off, y = s[*(const u8 *)b].off;
    return x < y ? -1 : x > y;
}

static void image_add(struct verify *v, const struct ir_slot *s)
{
    unsigned n = v->nranges;
    bool flags = s->type == IR_FLAGS;
    if (n && !flags && !v->range[n - 1].flags && v->range[n - 1].off + v->range[n - 1].len == s->off) {
        v->range[n - 1].len += slot_size(s);
    } else {
        v->range[n].off = s->off;
        v->range[n].at = v->image_size;
        v->range[n].len = slot_size(s);
        v->range[n].flags = flags;
        v->nranges++;
    }
    v->image_size += slot_size(s);
}

void image_init(struct verify *v)
{
    const struct ir_target *t = v->t->cpu->target->ir;
    u8 order[IR_MAX_SLOTS];
    for (unsigned i = 0; i < t->nslots; i++) {
        order[i] = (u8)i;
    }
    qsort_r(order, t->nslots, 1, by_offset, (void *)(uintptr_t)t->slots);
    for (unsigned i = 0; i < t->nslots; i++) {
        v->at[order[i]] = (u16)v->image_size;
        image_add(v, &t->slots[order[i]]);
    }
    v->image = malloc((LOG_IMAGES + 2) * (size_t)v->image_size);
    must(v->image);
    v->start = v->image + LOG_IMAGES * v->image_size;
    v->rewind = v->start + v->image_size;
}

void image_take(const struct verify *v, u8 *image, const void *cpu)
{
    for (unsigned i = 0; i < v->nranges; i++) {
        memcpy(image + v->range[i].at, (const u8 *)cpu + v->range[i].off, v->range[i].len);
    }
}

void image_put(const struct verify *v, const u8 *image, void *cpu)
{
    for (unsigned i = 0; i < v->nranges; i++) {
        memcpy((u8 *)cpu + v->range[i].off, image + v->range[i].at, v->range[i].len);
    }
}

static bool flags_equal(const u8 *a, const u8 *b)
{
    return !((ld32le(a) ^ ld32le(b)) & (FL_N | FL_Z | FL_C | FL_V));
}

bool slot_equal(const struct ir_slot *s, const void *a, const void *b)
{
    return s->type == IR_FLAGS ? flags_equal(a, b) : !memcmp(a, b, slot_size(s));
}

bool slots_equal(const struct verify *v, const void *a, const void *b)
{
    for (unsigned i = 0; i < v->nranges; i++) {
        const u8 *x = (const u8 *)a + v->range[i].off, *y = (const u8 *)b + v->range[i].off;
        if (v->range[i].flags ? !flags_equal(x, y) : memcmp(x, y, v->range[i].len) != 0) {
            return false;
        }
    }
    return true;
}

static bool in_set(const struct slot_set *set, unsigned s)
{
    return !set || bit(set->w[s / 64], s % 64);
}

/* The slots of a set (NULL: all) as the shadow has them against an image; one that differs, or -1. */
static int image_differs(const struct verify *v, const u8 *image, const struct slot_set *set)
{
    const struct ir_target *t = v->t->cpu->target->ir;
    for (unsigned i = 0; i < t->nslots; i++) {
        const struct ir_slot *s = &t->slots[i];
        if (in_set(set, i) && !slot_equal(s, image + v->at[i], (const u8 *)v->shadow + s->off)) {
            return (int)i;
        }
    }
    return -1;
}

/* -- writing: the interpreter -------------------------------------------------------------------------------------- */

void log_reset(struct verify *v)
{
    v->n = v->used = v->images = v->visits = 0;
    v->open = NULL;
    v->full = v->cell_used = v->last_call = false;
    v->over = OVER_NOT;
    buf_free(&v->what);
}

/* A full log takes what comes in its last entry: nobody reads that one. */
static struct entry *entry_new(struct verify *v, enum entry_kind kind)
{
    v->full |= v->n == LOG_ENTRIES - 1;
    struct entry *e = &v->log[v->n];
    v->n += !v->full;
    e->kind = (u8)kind;
    e->unwound = false;
    return e;
}

static u8 *image_new(struct verify *v)
{
    v->full |= v->images == LOG_IMAGES - 1;
    u8 *image = v->image + v->images * v->image_size;
    v->images += !v->full;
    image_take(v, image, v->t->cpu);
    return image;
}

static void access_log(struct verify *v, enum entry_kind kind, u64 va, u32 mo, const union v128 *old,
                       const union v128 *other)
{
    struct entry *e = entry_new(v, kind);
    e->va = va;
    e->mo = mo;
    e->val[0] = old[0];
    if (other || mo_bytes(mo) > 16) {
        e->val[1] = *(other ? other : old + 1);
    }
}

static void expect(struct verify *v, enum entry_kind kind, u64 va, u32 mo)
{
    v->now.kind = (u8)kind;
    v->now.va = va;
    v->now.mo = mo;
}

void verify_fault(struct tcpu *t)
{
    struct verify *v = t->verify;
    if (v->open || !t->inner) { /* the call's entry says it all; or an access between runs */
        return;
    }
    struct entry *e = entry_new(v, ENTRY_FAULT);
    e->va = v->now.va;
    e->mo = v->now.mo;
    e->pc = t->cpu->rt.pc;
    e->before = image_new(v);
}

/* The host address of an access for which translated code would not call C; NULL. */
static u8 *plain(const struct vcpu *cpu, u64 va, u32 mo)
{
    const struct tlb_entry *e = cpu->rt.tlb[(mo & MO_VIEW) >> MO_VIEW_SHIFT];
    unsigned n = mo_bytes(mo), align = (mo & MO_ALIGN) >> MO_ALIGN_SHIFT;
    e = (const void *)((const u8 *)e + ((va >> TLB_PAGE_BITS << 5) & ((const struct tlb_head *)e - 1)->mask));
    u64 tag = (va + n - 1) & ~MASK(TLB_PAGE_BITS);
    return (mo & MO_STORE ? e->wr : e->rd) == tag && va >= tag && !(va & MASK(align)) ? (u8 *)(va + e->addend) : NULL;
}

static bool record_load(void *opaque, struct vcpu *cpu, u64 va, u32 mo, union v128 *val)
{
    const u8 *host = plain(cpu, va, mo);
    if (host) {
        bytes_load(val->b, host, mo_bytes(mo));
    } else {
        expect(opaque, ENTRY_LOAD, va, mo);
        tcg.interp_mem->load(NULL, cpu, va, mo, val);
    }
    access_log(opaque, ENTRY_LOAD, va, mo, val, NULL);
    return true;
}

static bool record_store(void *opaque, struct vcpu *cpu, u64 va, u32 mo, const union v128 *val)
{
    u8 *host = plain(cpu, va, mo);
    if (host) {
        bytes_store(host, val->b, mo_bytes(mo));
    } else {
        expect(opaque, ENTRY_STORE, va, mo);
        tcg.interp_mem->store(NULL, cpu, va, mo, val);
    }
    access_log(opaque, ENTRY_STORE, va, mo, val, NULL);
    return true;
}

/* What an atomic found and left are numbers; the log has memory's bytes. */
static void atomic_log(struct verify *v, u64 va, u32 mo, u64 old, u64 val)
{
    union v128 raw[2] = {{.d = {old}}, {.d = {val}}};
    for (unsigned i = 0; i < 2 && (mo & MO_BE); i++) {
        raw[i].d[0] = __builtin_bswap64(raw[i].d[0]) >> (64 - 8 * mo_bytes(mo));
    }
    access_log(v, ENTRY_ATOMIC, va, mo, &raw[0], &raw[1]);
}

static bool record_rmw(void *opaque, struct vcpu *cpu, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old)
{
    expect(opaque, ENTRY_ATOMIC, va, mo);
    tcg.interp_mem->rmw(NULL, cpu, va, mo, kind, operand, old);
    atomic_log(opaque, va, mo, *old, eval_rmw(kind, mo_bytes(mo), *old, operand));
    return true;
}

static bool record_cas(void *opaque, struct vcpu *cpu, u64 va, u32 mo, u64 expected, u64 val, u64 *old)
{
    expect(opaque, ENTRY_ATOMIC, va, mo);
    tcg.interp_mem->cas(NULL, cpu, va, mo, expected, val, old);
    u64 m = MASK(8 * mo_bytes(mo));
    atomic_log(opaque, va, mo, *old, (*old & m) == (expected & m) ? val : *old);
    return true;
}

static unsigned first_arg(const struct ir_helper *h)
{
    return !(h->flags & HF_NO_CPU) + (h->ret == IR_V128);
}
static union v128 arg_value(const struct ir_helper *h, unsigned k, u64 a)
{
    union v128 x = {.d = {a, 0}};
    return h->args[k] == IR_V128 ? *(const union v128 *)(uintptr_t)a : x;
}

static u64 record_call(void *opaque, const struct ir_helper *h, unsigned n, const u64 *arg)
{
    struct verify *v = opaque;
    struct entry *e = entry_new(v, ENTRY_CALL);
    unsigned first = first_arg(h);
    e->helper = h;
    e->insn_off = v->t->cpu->rt.insn_off;
    e->before = h->flags & (HF_FAULT | HF_READS) ? image_new(v) : NULL;
    for (unsigned k = first; k < n; k++) {
        e->arg[k - first] = arg_value(h, k - first, arg[k]);
    }
    v->open = e;
    e->ret = interp_call(h->fn, n, arg);
    v->open = NULL;
    if (h->ret == IR_V128) {
        e->vret = *(const union v128 *)(uintptr_t)arg[first - 1];
    }
    e->pc = v->t->cpu->rt.pc;
    e->after = h->flags & HF_WRITES ? image_new(v) : NULL;
    v->last_call |= (h->flags & (HF_END | HF_MODE)) != 0;
    v->stale |= (h->flags & (HF_END | HF_MODE | HF_FP | HF_LOOK)) != 0;
    return e->ret;
}

const struct interp_mem verify_record_mem = {
    .load = record_load, .store = record_store, .rmw = record_rmw, .cas = record_cas, .call = record_call};

/* -- reading: translated code -------------------------------------------------------------------------------------- */

NORETURN static void differs(struct verify *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
NORETURN static void differs(struct verify *v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&v->what, fmt, ap);
    va_end(ap);
    run_leave(v, OUT_DIFFERENT);
}

static const char *const kind_name[] = {"load", "store", "atomic", "call", "fault"};
static void entry_name(const struct entry *e, char *out, size_t n)
{
    if (!e) {
        snprintf(out, n, "nothing");
    } else if (e->kind == ENTRY_CALL) {
        snprintf(out, n, "a call of %s", e->helper->name);
    } else {
        snprintf(out, n, "a %s of %u bytes at %llx", kind_name[e->kind], mo_bytes(e->mo), (unsigned long long)e->va);
    }
}

/* What an atomic did to the cell. */
void cell_settle(struct verify *v)
{
    if (!v->cell_used) {
        return;
    }
    v->cell_used = false;
    const struct entry *e = &v->log[v->used - 1];
    unsigned n = mo_bytes(e->mo);
    if (memcmp(&v->cell, &e->val[1], n) != 0) {
        differs(v, "the atomic at %llx leaves %llx, not %llx", (unsigned long long)e->va,
                (unsigned long long)ldnle(v->cell.b, n), (unsigned long long)ldnle(e->val[1].b, n));
    }
}

static const struct entry *entry_next(struct verify *v)
{
    cell_settle(v);
    if (v->used == v->n && !run_more(v)) {
        if (v->over == OVER_STUCK) {
            run_leave(v, OUT_UNKNOWN);
        }
        return NULL;
    }
    return &v->log[v->used++];
}

static const struct entry *access_next(struct verify *v, enum entry_kind kind, u64 va, u32 mo, uintptr_t ra)
{
    const struct entry *e = entry_next(v);
    enum { COUNTS = MO_SIZE | MO_PAIR | MO_VIEW | MO_BE };
    if (!e || (e->kind != kind && e->kind != ENTRY_FAULT) || e->va != va || ((e->mo ^ mo) & COUNTS)) {
        char other[80];
        entry_name(e, other, sizeof(other));
        differs(v, "a %s of %u bytes at %llx, the interpreter makes %s", kind_name[kind], mo_bytes(mo),
                (unsigned long long)va, other);
    }
    if (e->kind == ENTRY_FAULT) {
        struct vcpu *s = v->shadow;
        const struct block *b = code_at((const u8 *)ra);
        must(b);
        u32 off = tcg.host->restore(s->target->ir, b->map, b->map_len, (u32)((const u8 *)ra - b->code), s);
        int slot = image_differs(v, e->before, NULL);
        if (s->rt.page + off != e->pc || slot >= 0) {
            differs(v, "the access of %llx faults at pc %llx, not %llx; slot that differs: %s", (unsigned long long)va,
                    (unsigned long long)(s->rt.page + off), (unsigned long long)e->pc,
                    slot < 0 ? "none" : s->target->ir->slots[slot].name);
        }
        run_leave(v, OUT_SAME);
    }
    return e;
}

static u64 replay_load(struct vcpu *shadow, u64 va, u32 mo, uintptr_t ra)
{
    struct verify *v = tcpu_of(shadow)->verify;
    if (!v->replays) {
        return tcg.funcs->load(shadow, va, mo, ra);
    }
    const struct entry *e = access_next(v, ENTRY_LOAD, va, mo, ra);
    union v128 raw[2] = {e->val[0], e->val[1]};
    run_feed(v);
    return load_result(shadow, raw[0].b, mo);
}

static void replay_store(struct vcpu *shadow, u64 va, u64 val, u32 mo, uintptr_t ra)
{
    struct verify *v = tcpu_of(shadow)->verify;
    if (!v->replays) {
        tcg.funcs->store(shadow, va, val, mo, ra);
        return;
    }
    const struct entry *e = access_next(v, ENTRY_STORE, va, mo, ra);
    u8 raw[32] = {0};
    unsigned n = store_bytes(shadow, val, mo, raw);
    if (memcmp(raw, e->val, n) != 0) {
        differs(v, "the store of %u bytes at %llx writes %016llx%016llx, not %016llx%016llx", n, (unsigned long long)va,
                (unsigned long long)(n > 8 ? ld64le(raw + 8) : 0), (unsigned long long)ldnle(raw, MIN(n, 8u)),
                (unsigned long long)(n > 8 ? e->val[0].d[1] : 0), (unsigned long long)ldnle(e->val[0].b, MIN(n, 8u)));
    }
    run_feed(v);
}

static void *replay_atomic(struct vcpu *shadow, u64 va, u32 mo, uintptr_t ra)
{
    struct verify *v = tcpu_of(shadow)->verify;
    if (!v->replays) {
        return tcg.funcs->atomic_ptr(shadow, va, mo, ra);
    }
    v->cell = access_next(v, ENTRY_ATOMIC, va, mo, ra)->val[0];
    v->cell_used = true;
    run_feed(v);
    return &v->cell;
}

static void call_compare(struct verify *v, const struct entry *e, const u64 *arg)
{
    const struct ir_target *t = v->shadow->target->ir;
    const struct ir_helper *h = &t->helpers[(u32)v->shadow->rt.scratch[RT_HELPER]];
    if (!e || e->kind != ENTRY_CALL || e->helper != h) {
        char other[80];
        entry_name(e, other, sizeof(other));
        differs(v, "a call of %s, the interpreter makes %s", h->name, other);
    }
    unsigned first = first_arg(h);
    for (unsigned k = 0; k < 4 && h->args[k] != IR_NONE; k++) {
        union v128 x = arg_value(h, k, arg[first + k]);
        bool same = h->args[k] == IR_FLAGS ? flags_equal(x.b, e->arg[k].b) : !memcmp(&x, &e->arg[k], sizeof(x));
        if (!same) {
            differs(v, "argument %u of %s is %016llx%016llx, not %016llx%016llx", k, h->name,
                    (unsigned long long)x.d[1], (unsigned long long)x.d[0], (unsigned long long)e->arg[k].d[1],
                    (unsigned long long)e->arg[k].d[0]);
        }
    }
    int slot = h->flags & HF_FAULT   ? image_differs(v, e->before, NULL)
               : h->flags & HF_READS ? image_differs(v, e->before, h->reads)
                                     : -1;
    if (slot >= 0 || ((h->flags & HF_FAULT) && v->shadow->rt.insn_off != e->insn_off)) {
        differs(v, "%s is called at page offset %x, not %x; slot that differs: %s", h->name, v->shadow->rt.insn_off,
                e->insn_off, slot < 0 ? "none" : t->slots[slot].name);
    }
}

void call_apply(const struct verify *v, const struct entry *e, struct vcpu *cpu)
{
    const struct ir_target *t = cpu->target->ir;
    for (unsigned i = 0; i < t->nslots && (e->helper->flags & HF_WRITES); i++) {
        if (in_set(e->helper->writes, i)) {
            memcpy((u8 *)cpu + t->slots[i].off, e->after + v->at[i], slot_size(&t->slots[i]));
        }
    }
    cpu->rt.pc = e->pc;
}

/* In place of every helper that is not pure. */
u64 verify_call(u64 a0, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5)
{
    struct verify *v = verify_self;
    const u64 arg[6] = {a0, a1, a2, a3, a4, a5};
    struct vcpu *s = v->shadow;
    if (!v->replays) { /* a block that has passed its runs */
        const struct vcpu *cpu = v->t->cpu;
        return interp_call(cpu->target->ir->helpers[(u32)cpu->rt.scratch[RT_HELPER]].fn, ARRAY_LEN(arg), arg);
    }
    const struct entry *e = entry_next(v);
    call_compare(v, e, arg);
    if (e->unwound) {
        run_leave(v, OUT_SAME);
    }
    const struct ir_helper *h = e->helper;
    call_apply(v, e, s);
    if (h->ret == IR_V128) {
        *(union v128 *)(uintptr_t)arg[first_arg(h) - 1] = e->vret;
    }
    returns_forget(s);
    u64 ret = e->ret;
    run_feed(v);
    return ret;
}

const struct rt_funcs verify_funcs = {
    .load = replay_load, .store = replay_store, .atomic_ptr = replay_atomic, .lookup = verify_lookup};

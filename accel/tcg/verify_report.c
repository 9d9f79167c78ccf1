/* verify=on has found a difference. The run may have gone through many blocks: each is run again alone, interpreter and
 * host code from the same state and with the log's answers, and the first that differs is shown. None: it takes
 * several, linked as they were. */
#include <string.h>

#include "accel/tcg/verify_priv.h"
#include "base/bits.h"

#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))
typedef unsigned long long ull;

/* -- the interpreter, from the log -----------------------------------------------------------------------------------
 */

struct again {
    struct verify *v;
    struct vcpu *cpu;
    unsigned entry;
};

static const struct entry *again_next(struct again *a, enum entry_kind kind)
{
    const struct entry *e = &a->v->log[a->entry];
    return a->entry < a->v->n && e->kind == kind ? (a->entry++, e) : NULL;
}

static bool again_load(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo UNUSED, union v128 *val)
{
    const struct entry *e = again_next(opaque, ENTRY_LOAD);
    if (e) {
        memcpy(val, e->val, mo_bytes(e->mo));
    }
    return e != NULL;
}
static bool again_store(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo UNUSED, const union v128 *v UNUSED)
{
    return again_next(opaque, ENTRY_STORE) != NULL;
}
static bool again_atomic(struct again *a, u32 mo, u64 *old)
{
    const struct entry *e = again_next(a, ENTRY_ATOMIC);
    unsigned n = mo_bytes(mo);
    if (e) {
        *old = ldnle(e->val[0].b, n);
        *old = mo & MO_BE ? __builtin_bswap64(*old) >> (64 - 8 * n) : *old;
    }
    return e != NULL;
}
static bool again_rmw(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo, enum ir_rmw kind UNUSED,
                      u64 operand UNUSED, u64 *old)
{
    return again_atomic(opaque, mo, old);
}
static bool again_cas(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo, u64 expected UNUSED, u64 val UNUSED,
                      u64 *old)
{
    return again_atomic(opaque, mo, old);
}

static u64 again_call(void *opaque, const struct ir_helper *h, unsigned n UNUSED, const u64 *arg)
{
    struct again *a = opaque;
    const struct entry *e = again_next(a, ENTRY_CALL);
    if (!e || e->unwound) {
        return 0;
    }
    call_apply(a->v, e, a->cpu);
    if (h->ret == IR_V128) {
        *(union v128 *)(uintptr_t)arg[!(h->flags & HF_NO_CPU)] = e->vret;
    }
    return e->ret;
}

static void interpret_again(struct verify *v, const struct visit *s, struct vcpu *cpu)
{
    struct again a = {v, cpu, s->entry};
    struct interp_mem mem = {again_load, again_store, again_rmw, again_cas, &a, again_call};
    enum ir_reason why;
    cpu->rt.pc = s->pc;
    cpu->rt.page = s->pc & PAGE_MASK;
    trace_run(s->b->trace, cpu, &mem, &why);
    fix_pc(cpu, cpu->target);
}

/* -- host code, one block ----------------------------------------------------------------------------------------- */

static enum outcome run_alone(struct verify *v, const struct visit *s)
{
    struct vcpu *cpu = v->shadow;
    static struct jc_entry none[JC_SIZE];
    pthread_mutex_lock(&tcg.lock);
    code_unlink(s->b);
    pthread_mutex_unlock(&tcg.lock);
    jc_clear(none, 0, JC_SIZE);
    cpu->rt.jc = none;
    cpu->rt.event = EVENT_WORK;
    cpu->rt.pc = s->pc;
    cpu->rt.page = s->pc & PAGE_MASK;
    v->used = s->entry;
    int o = setjmp(v->out);
    if (!o) {
        v->replays = true;
        code_enter(cpu, s->b->code);
        v->replays = false;
        cell_settle(v);
        fix_pc(cpu, cpu->target);
    }
    return (enum outcome)o;
}

/* -- words ----------------------------------------------------------------------------------------------------------
 */

static void print_slot(struct buf *out, const struct ir_slot *s, const u8 *p)
{
    if (s->type == IR_V128) {
        buf_printf(out, "  %016llx%016llx", (ull)ld64le(p + 8), (ull)ld64le(p));
    } else {
        buf_printf(out, "  %016llx", s->type == IR_I32 || s->type == IR_FLAGS ? (ull)ld32le(p) : (ull)ld64le(p));
    }
}

static void print_slots(const struct verify *v, struct buf *out, const u8 *before, const struct vcpu *want)
{
    const struct ir_target *t = want->target->ir;
    const struct vcpu *got = v->shadow;
    buf_printf(out, "slot: before, interpreter, host code\n");
    if (want->rt.pc != got->rt.pc) {
        buf_printf(out, "* pc                          %016llx  %016llx\n", (ull)want->rt.pc, (ull)got->rt.pc);
    }
    for (unsigned i = 0; i < t->nslots; i++) {
        const struct ir_slot *s = &t->slots[i];
        const u8 *w = (const u8 *)want + s->off, *g = (const u8 *)got + s->off;
        if (!slot_equal(s, w, g)) {
            buf_printf(out, "* %-10s", s->name);
            print_slot(out, s, before + v->at[i]);
            print_slot(out, s, w);
            print_slot(out, s, g);
            buf_printf(out, "\n");
        }
    }
}

static void print_block(const struct verify *v, struct buf *out, const struct visit *s)
{
    buf_printf(out, "the block at pc %llx (mode %llx), as the interpreter runs it:\n", (ull)s->pc, (ull)s->b->mode);
    trace_print(v->t, s->b->trace, out);
}

/* The first block that differs by itself goes to `out`. */
static bool find_block(struct verify *v, struct buf *out)
{
    u32 size = v->t->cpu->target->cpu_size;
    struct vcpu *want = aligned_alloc(64, align_up(size, 64));
    must(want);
    memcpy(want, v->t->cpu, size);
    image_put(v, v->start, want);
    unsigned n = v->n;
    bool found = false;
    for (unsigned i = 0; i < v->visits && !found; i++) {
        const struct visit *s = &v->trail[i];
        v->n = i + 1 < v->visits ? s[1].entry : n;
        image_take(v, v->rewind, want);
        image_put(v, v->rewind, v->shadow);
        interpret_again(v, s, want);
        buf_free(&v->what);
        enum outcome o = run_alone(v, s);
        found =
            o == OUT_DIFFERENT ||
            (o == OUT_NONE && (v->used != v->n || want->rt.pc != v->shadow->rt.pc || !slots_equal(v, want, v->shadow)));
        if (found) {
            print_block(v, out, s);
            if (o == OUT_DIFFERENT) {
                buf_printf(out, "host code makes %s\n", (char *)v->what.data);
            } else {
                print_slots(v, out, v->rewind, want);
            }
        }
    }
    return found;
}

void verify_report(struct verify *v)
{
    struct buf out = {0}, rest = {0};
    buf_printf(&out, "verify: host code differs from the interpreter on %s, in a run of %u blocks from pc %llx\n",
               v->t->cpu->name, v->visits, (ull)v->start_pc);
    if (v->what.data) {
        buf_printf(&rest, "host code makes %s\n", (char *)v->what.data);
    }
    print_slots(v, &rest, v->start, v->t->cpu);
    v->closed = true;
    v->over = OVER_NOT;
    if (v->visits > TRAIL || !find_block(v, &out)) {
        buf_printf(&out, "each of the last blocks alone is the same; linked they are not:\n");
        for (unsigned i = v->visits > 8 ? v->visits - 8 : 0; i < v->visits; i++) {
            print_block(v, &out, &v->trail[i % TRAIL]);
        }
        buf_put(&out, rest.data, rest.len);
    }
    fprintf(stderr, "%s-d in_asm,out_asm shows guest and host code.\n", (char *)out.data);
    abort();
}

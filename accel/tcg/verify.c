/* -accel tcg,verify=on: every block runs in the interpreter first, on a copy of the CPU struct and with its stores held
 * back, and then as host code; slots and stores must agree. Blocks that meet anything which must happen once only
 * (MMIO, faults, helpers that leave or change more than slots, atomics) are run as host code alone and counted as
 * skipped. */
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "tcg/text.h"

#define MAX_STORES 256
struct shadow {
    struct tcpu *t;
    bool skip;
    unsigned n;
    struct {
        u8 *host;
        unsigned len;
        u8 bytes[32];
    } st[MAX_STORES];
};

/* A direct pointer to plain RAM if the access would take the fast path; else gives the block up. */
static u8 *plain(struct shadow *s, u64 va, u32 mo, bool store)
{
    unsigned n = mo_bytes(mo), view = (mo & MO_VIEW) >> MO_VIEW_SHIFT, align = (mo & MO_ALIGN) >> MO_ALIGN_SHIFT;
    struct tlb_context *c = s->t->view[view];
    struct tlb_entry *e = &c->e[(va >> TLB_PAGE_BITS) & (c->size - 1)];
    u64 tag = (va + n - 1) & ~(u64)0xfff;
    if ((store ? e->wr : e->rd) != tag || (va & MASK(align)) || (va & ~(u64)0xfff) != tag || (mo & MO_BE)) {
        s->skip = true;
        return NULL;
    }
    return (u8 *)(va + e->addend);
}

static bool shadow_load(void *opaque, struct vcpu *cpu UNUSED, u64 va, u32 mo, union v128 *val)
{
    struct shadow *s = opaque;
    u8 *p = plain(s, va, mo, false), *out = (u8 *)val;
    if (!p) {
        return false;
    }
    unsigned n = mo_bytes(mo);
    memcpy(out, p, n);
    for (unsigned i = 0; i < s->n; i++) { /* what the trace itself stored before */
        for (unsigned k = 0; k < s->st[i].len; k++) {
            u8 *b = s->st[i].host + k;
            if (b >= p && b < p + n) {
                out[b - p] = s->st[i].bytes[k];
            }
        }
    }
    return true;
}

static bool shadow_store(void *opaque, struct vcpu *cpu UNUSED, u64 va, u32 mo, const union v128 *val)
{
    struct shadow *s = opaque;
    u8 *p = plain(s, va, mo, true);
    if (!p || s->n == MAX_STORES) {
        s->skip = true;
        return false;
    }
    s->st[s->n].host = p;
    s->st[s->n].len = mo_bytes(mo);
    memcpy(s->st[s->n++].bytes, val, mo_bytes(mo));
    return true;
}

static bool shadow_rmw(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo UNUSED, enum ir_rmw kind UNUSED,
                       u64 operand UNUSED, u64 *old UNUSED)
{
    ((struct shadow *)opaque)->skip = true;
    return false;
}

static bool shadow_cas(void *opaque, struct vcpu *cpu UNUSED, u64 va UNUSED, u32 mo UNUSED, u64 expected UNUSED,
                       u64 val UNUSED, u64 *old UNUSED)
{
    ((struct shadow *)opaque)->skip = true;
    return false;
}

/* Calls other than pure functions act on the world. */
static bool repeatable(const struct ir *ir)
{
    for (unsigned i = 1; i < ir->nops; i++) {
        if (ir->ops[i].op == IR_call && !(ir->target->helpers[ir->ops[i].imm].flags & HF_PURE)) {
            return false;
        }
    }
    return true;
}

static unsigned slot_size(const struct ir_slot *s)
{
    return s->type == IR_V128 ? 16 : s->type == IR_I32 || s->type == IR_FLAGS ? 4 : 8;
}

static bool slot_equal(const struct ir_slot *s, const u8 *a, const u8 *b)
{
    if (s->type == IR_FLAGS) {
        u32 m = FL_N | FL_Z | FL_C | FL_V;
        return ((ld32le(a + s->off) ^ ld32le(b + s->off)) & m) == 0;
    }
    return memcmp(a + s->off, b + s->off, slot_size(s)) == 0;
}

static void report(struct tcpu *t, struct block *b, const u8 *want, const u8 *before, const char *what)
{
    struct buf text = {0};
    ir_print(b->ir, &text);
    fprintf(stderr, "verify: %s differs after the block at pc %llx (mode %llx)\n%s\n", what,
            (unsigned long long)(t->cpu->rt.page + b->start), (unsigned long long)b->mode, (char *)text.data);
    for (unsigned i = 0; i < b->ir->target->nslots; i++) {
        const struct ir_slot *s = &b->ir->target->slots[i];
        const u8 *got = (const u8 *)t->cpu;
        fprintf(stderr, "%s %-8s before %016llx interpreter %016llx host %016llx\n",
                slot_equal(s, want, got) ? " " : "*", s->name,
                (unsigned long long)ldnle(before + s->off, MIN(8u, slot_size(s))),
                (unsigned long long)ldnle(want + s->off, MIN(8u, slot_size(s))),
                (unsigned long long)ldnle(got + s->off, MIN(8u, slot_size(s))));
    }
    abort();
}

void verify_block(struct tcpu *t, struct block *b)
{
    struct vcpu *cpu = t->cpu;
    size_t size = cpu->target->cpu_size;
    u64 (*enter)(struct vcpu *, const void *) = (u64(*)(struct vcpu *, const void *))(uintptr_t)tcg.thunks.enter;
    if (!repeatable(b->ir)) {
        enter(cpu, b->code);
        return;
    }
    static _Thread_local u8 *want, *before;
    if (!want) {
        want = aligned_alloc(64, align_up(size, 64));
        before = aligned_alloc(64, align_up(size, 64));
        must(want && before);
    }
    static _Thread_local struct shadow sh;
    sh.t = t;
    sh.skip = false;
    sh.n = 0;
    memcpy(before, cpu, size);
    memcpy(want, cpu, size);
    struct interp_mem mem = {shadow_load, shadow_store, shadow_rmw, shadow_cas, &sh};
    enum ir_reason why = REASON_NONE;
    interp_run(b->ir, (struct vcpu *)want, &mem, &why);
    fix_pc((struct vcpu *)want, cpu->target);
    enter(cpu, b->code);
    if (sh.skip || __atomic_load_n(&cpu->rt.event, __ATOMIC_RELAXED)) {
        return;
    }
    for (unsigned i = 0; i < b->ir->target->nslots; i++) {
        const struct ir_slot *s = &b->ir->target->slots[i];
        if (!slot_equal(s, want, (const u8 *)cpu)) {
            report(t, b, want, before, s->name);
        }
    }
    if (((struct vcpu *)want)->rt.pc != cpu->rt.pc) {
        report(t, b, want, before, "pc");
    }
    for (unsigned i = 0; i < sh.n; i++) { /* later stores of the trace may overwrite earlier ones */
        for (unsigned k = 0; k < sh.st[i].len; k++) {
            u8 *at = sh.st[i].host + k, expect = sh.st[i].bytes[k];
            for (unsigned j = i + 1; j < sh.n; j++) {
                if (at >= sh.st[j].host && at < sh.st[j].host + sh.st[j].len) {
                    expect = sh.st[j].bytes[at - sh.st[j].host];
                }
            }
            if (*at != expect) {
                report(t, b, want, before, "memory");
            }
        }
    }
}

/* Repeated string instructions (SDM volume 2, REP). A call does what it can up to a page's end or so many elements,
 * with the registers exact at each, so that a fault leaves them as the processor does; then the cpu looks for
 * interrupts. */
#include <string.h>

#include "target/i386/cpu.h"
#include "target/i386/helpers.h"
#include "target/i386/sys.h"

enum { RAX, RCX, RSI = 6, RDI };
enum { AT_ONCE = 4096 }; /* elements a call */

struct string {
    struct x86_cpu *cpu;
    unsigned op, n, addr, seg, view;
    bool equal, mode64; /* REPE: goes on while equal */
};

static u64 cut(const struct string *s, u64 v)
{
    return v & MASK(8 * s->addr);
}
static u64 linear(const struct string *s, unsigned seg, u64 offset, bool write)
{
    offset = cut(s, offset);
    if (s->mode64) {
        return seg < SEG_FS ? offset : s->cpu->seg[seg].base + offset;
    }
    x86_h_seg_check(&s->cpu->vcpu, seg, offset, s->n, write);
    return (u32)(s->cpu->seg[seg].base + offset);
}
static void step(const struct string *s, unsigned r, u64 by)
{
    u64 *reg = &s->cpu->vcpu.rt.r[r];
    u64 v = *reg + by;
    *reg = s->addr == 8 ? v : s->addr == 4 ? (u32)v : (*reg & ~0xffffull) | (u16)v;
}

static u64 load(const struct string *s, u64 va)
{
    struct vcpu *v = &s->cpu->vcpu;
    u64 x = 0;
    v->sv->load(v, va, &x, s->n, s->view);
    return x;
}
static void store(const struct string *s, u64 va, u64 x)
{
    struct vcpu *v = &s->cpu->vcpu;
    v->sv->store(v, va, &x, s->n, s->view);
}

/* Flags of a - b at n bytes. */
static void compare(const struct string *s, u64 a, u64 b)
{
    unsigned w = 8 * s->n;
    u64 m = MASK(w), r;
    a &= m;
    b &= m;
    r = (a - b) & m;
    s->cpu->flags = (r >> (w - 1) ? FL_N : 0) | (r ? 0 : FL_Z) | ((a ^ b ^ r) & 0x10 ? FL_A : 0) |
                    (__builtin_parity((u8)r) ? 0 : FL_P) | (a < b ? FL_C : 0) |
                    (((a ^ b) & (a ^ r)) >> (w - 1) & 1 ? FL_V : 0);
}

/* One element; false: a comparison ends the repetition. */
static bool element(const struct string *s)
{
    u64 *r = s->cpu->vcpu.rt.r, by = s->cpu->df == 1 ? s->n : -(u64)s->n, a;
    switch (s->op) {
    case STRING_MOVS:
        a = load(s, linear(s, s->seg, r[RSI], false));
        store(s, linear(s, SEG_ES, r[RDI], true), a);
        step(s, RSI, by);
        step(s, RDI, by);
        return true;
    case STRING_STOS:
        store(s, linear(s, SEG_ES, r[RDI], true), r[RAX]);
        step(s, RDI, by);
        return true;
    case STRING_LODS:
        a = load(s, linear(s, s->seg, r[RSI], false));
        r[RAX] = s->n == 8 ? a : s->n == 4 ? (u32)a : (r[RAX] & ~MASK(8 * s->n)) | a;
        step(s, RSI, by);
        return true;
    case STRING_CMPS:
        a = load(s, linear(s, s->seg, r[RSI], false));
        compare(s, a, load(s, linear(s, SEG_ES, r[RDI], false)));
        step(s, RSI, by);
        break;
    default:
        compare(s, r[RAX], load(s, linear(s, SEG_ES, r[RDI], false)));
    }
    step(s, RDI, by);
    return !(s->cpu->flags & FL_Z) != s->equal;
}

/* Elements from an offset on, in the direction of DF, that lie in one page of linear memory and in the segment. */
static u64 reach(const struct string *s, unsigned seg, u64 offset, u64 va, u64 count, bool write)
{
    bool up = s->cpu->df == 1;
    u64 in = va & 4095, k = in + s->n > 4096 ? 0 : up ? (4096 - in) / s->n : in / s->n + 1;
    k = MIN(k, count);
    if (k < 2) {
        return 0;
    }
    u64 first = cut(s, offset), last = up ? first + (k - 1) * s->n : first - (k - 1) * s->n;
    bool inside = cut(s, last) == last && (s->mode64 || x86_seg_holds(&s->cpu->seg[seg], last, s->n, write));
    return inside ? k : 0;
}

static void fill(u8 *to, u64 v, unsigned n, u64 count)
{
    if (n == 1 || v == (v & 0xff) * (MASK(8 * n) / 0xff)) {
        memset(to, (int)v & 0xff, n * count);
        return;
    }
    for (u64 i = 0; i < count; i++) {
        stnle(to + i * n, n, v);
    }
}

/* Copies and fills of plain memory: whole runs at once, the operands a page's end away. How many elements were done. */
static u64 run(const struct string *s, u64 count)
{
    struct vcpu *v = &s->cpu->vcpu;
    u64 *r = v->rt.r;
    bool copy = s->op == STRING_MOVS, up = s->cpu->df == 1;
    if (!copy && s->op != STRING_STOS) {
        return 0;
    }
    u64 to = linear(s, SEG_ES, r[RDI], true), from = copy ? linear(s, s->seg, r[RSI], false) : to;
    u64 k = reach(s, SEG_ES, r[RDI], to, count, true);
    k = copy ? reach(s, s->seg, r[RSI], from, k, false) : k;
    unsigned bytes = (unsigned)(k * s->n);
    if (k < 2 || (copy && (up ? to - from : from - to) < bytes)) { /* each element sees what those before it wrote */
        return 0;
    }
    u64 below = up ? 0 : bytes - s->n; /* the lowest element is the first or the last */
    const u8 *src = copy ? v->sv->probe(v, from - below, bytes, MMU_LOAD, s->view) : NULL;
    if (copy && !src) {
        return 0;
    }
    u8 *dst = v->sv->probe(v, to - below, bytes, MMU_STORE, s->view);
    if (!dst) {
        return 0;
    }
    if (copy) {
        memmove(dst, src, bytes); /* they may overlap the other way */
        step(s, RSI, up ? bytes : -(u64)bytes);
    } else {
        fill(dst, r[RAX] & MASK(8 * s->n), s->n, k);
    }
    step(s, RDI, up ? bytes : -(u64)bytes);
    return k;
}

u64 x86_h_string(struct vcpu *v, u64 word)
{
    struct x86_string_key key;
    memcpy(&key, &word, sizeof(key));
    struct string s = {.cpu = x86_cpu(v),
                       .op = key.op,
                       .n = key.bytes,
                       .addr = key.addr_bytes,
                       .seg = key.seg,
                       .view = x86_view(x86_cpu(v)),
                       .equal = key.repe,
                       .mode64 = key.mode64};
    /* Steps and breakpoints come between elements. */
    unsigned most = s.cpu->eflags & EFL_TF || x86_debug_on(s.cpu) ? 1 : AT_ONCE;
    for (unsigned done = 0; done < most;) {
        u64 left = cut(&s, v->rt.r[RCX]);
        if (!left) {
            return 0;
        }
        u64 k = run(&s, MIN(left, (u64)most - done));
        bool on = true;
        if (!k) {
            on = element(&s);
            k = 1;
        }
        step(&s, RCX, -k);
        done += (unsigned)k;
        if (!on) {
            return 0;
        }
    }
    return cut(&s, v->rt.r[RCX]) != 0;
}

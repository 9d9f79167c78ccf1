/* See a64_random.h. A field's name tells what it is: rd, rt, rt2, rs, rn, rm, ra registers; imm... numbers. */
#include "tests/diff/a64_random.h"

#include <string.h>

u64 a64_random_next(u64 *seed)
{
    u64 z = *seed += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static void set_field(const struct pattern *p, unsigned field, u32 *word, u32 v)
{
    const struct pattern_field *f = &p->fields[field];
    for (unsigned i = f->nparts; i-- > 0;) {
        *word = (u32)deposit(*word, f->parts[i].pos, f->parts[i].len, v);
        v >>= f->parts[i].len;
    }
}
static int find_field(const struct pattern *p, const char *name)
{
    for (unsigned i = 0; i < p->nfields; i++) {
        if (!strcmp(p->fields[i].name, name)) {
            return (int)i;
        }
    }
    return -1;
}
/* All bits that a word of the pattern may have. */
static u32 free_bits(const struct pattern *p)
{
    u32 m = p->free;
    for (unsigned i = 0; i < p->nfields; i++) {
        for (unsigned k = 0; k < p->fields[i].nparts; k++) {
            m |= (u32)(MASK(p->fields[i].parts[k].len) << p->fields[i].parts[k].pos);
        }
    }
    return m;
}

u32 a64_random_word(u64 *seed, const struct pattern *p)
{
    for (;;) {
        u32 w = ((u32)a64_random_next(seed) & free_bits(p)) | p->fixed | p->should;
        for (unsigned i = 0; i < p->nlimits; i++) { /* bounds are often tight */
            if (p->limits[i].is_bound) {
                set_field(p, p->limits[i].field, &w, (u32)(a64_random_next(seed) % p->limits[i].v));
            }
        }
        if (pattern_allows(p, w)) {
            return w;
        }
    }
}

/* -- what makes a word safe to run ------------------------------------------------------------------------------- */

static bool is_mem(const struct pattern *p)
{
    return p->klass == A64_ldst || p->klass == A64_simdls;
}
static bool starts(const struct pattern *p, const char *s)
{
    return !strncmp(p->name, s, strlen(s));
}

/* Not for running: control flow that can't be confined, privilege, state of the machine. */
static bool is_wild(const struct pattern *p)
{
    static const char *const tame_system[] = {"NOP", "YIELD", "CSDB", "DMB", "CFINV", "XAFLAG", "AXFLAG", "PRFM"};
    if (p->klass == A64_branch) {
        return !(starts(p, "CB") || starts(p, "TB") || !strcmp(p->name, "B_cond") || !strcmp(p->name, "B"));
    }
    if (p->klass == A64_system) {
        for (unsigned i = 0; i < ARRAY_LEN(tame_system); i++) {
            if (!strcmp(p->name, tame_system[i])) {
                return false;
            }
        }
        return true;
    }
    return strstr(p->name, "_lit") != NULL || starts(p, "ADR") || starts(p, "LDRA") || starts(p, "PAC") ||
           starts(p, "AUT") || starts(p, "XPAC") || starts(p, "STX");
}

static bool reserved_reg(u32 r)
{
    return r >= 26 && r <= 28;
}

/* Registers of a general instruction: none of the reserved ones is written, nor SP. */
static bool regs_ok(const struct pattern *p, u32 w)
{
    static const char *const names[] = {"rd", "rt", "rt2", "rs"};
    u32 seen[4];
    unsigned n = 0;
    bool vec = p->klass == A64_simdls;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        int f = find_field(p, names[i]);
        if (f < 0) {
            continue;
        }
        u32 v = pattern_value(p, (unsigned)f, w);
        if (starts(p, "CASP")) {
            v *= 2;
            if (v >= 24) {
                return false;
            }
        }
        if ((!vec && reserved_reg(v)) || (p->klass == A64_int && v == 31 && !strcmp(names[i], "rd"))) {
            return false;
        }
        for (unsigned k = 0; k < n; k++) {
            if (seen[k] == v && is_mem(p)) {
                return false; /* loads of one register twice and the like are unpredictable */
            }
        }
        seen[n++] = v;
    }
    return true;
}

static void tame_memory(const struct pattern *p, u32 *w, u64 *seed)
{
    int rn = find_field(p, "rn"), rm = find_field(p, "rm"), imm9 = find_field(p, "imm9"), post = find_field(p, "p");
    if (rn >= 0) {
        set_field(p, (unsigned)rn, w, 28);
    }
    if (rm >= 0 && (post < 0 || pattern_value(p, (unsigned)post, *w))) {
        set_field(p, (unsigned)rm, w, post >= 0 && (a64_random_next(seed) & 1) ? 31 : 27);
    }
    if (imm9 >= 0 && (starts(p, "LDAPUR") || starts(p, "STLUR"))) {
        set_field(p, (unsigned)imm9, w, pattern_value(p, (unsigned)imm9, *w) & ~15u);
    }
}

enum { NOP = 0xd503201f, RESET_BASE = 0xaa1a03fc /* mov x28, x26: before each access, whatever was written back */ };

/* Branches go a few words ahead, not past the end, and not between an access and what comes before it. */
static void tame_branches(u32 *code, unsigned n, u64 *seed)
{
    for (unsigned at = 0; at < n; at++) {
        const struct pattern *p = a64_find(code[at]);
        if (p->klass != A64_branch) {
            continue;
        }
        u32 dist = 1 + (u32)(a64_random_next(seed) % 6);
        if (at + dist + 3 >= n) {
            code[at] = NOP;
            continue;
        }
        while (code[at + dist - 1] == RESET_BASE || (at + dist >= 2 && code[at + dist - 2] == RESET_BASE)) {
            dist++;
        }
        for (unsigned i = 0; i < p->nfields; i++) {
            if (!strncmp(p->fields[i].name, "imm", 3)) {
                set_field(p, i, &code[at], dist);
            }
        }
    }
}

static bool chosen(const struct a64_random *r, const struct pattern *p)
{
    return (r->classes >> p->klass & 1) && (p->feature < 0 || (r->features >> p->feature & 1)) &&
           (!r->only || starts(p, r->only)) && !is_wild(p);
}

/* The store-exclusive that goes with a load-exclusive, its status in x25: alone, its outcome is anyone's. */
static u32 matching_store(u32 load)
{
    return (load & ~(1u << 22 | 31u << 16)) | 25u << 16;
}

void a64_random_code(struct a64_random *r, u32 *code, unsigned n)
{
    for (unsigned at = 0; at < n;) {
        if (n - at < 3) {
            code[at++] = NOP;
            continue;
        }
        const struct pattern *p = &a64_patterns[a64_random_next(&r->seed) % a64_npatterns];
        if (!chosen(r, p)) {
            continue;
        }
        u32 w = a64_random_word(&r->seed, p);
        if (is_mem(p)) {
            tame_memory(p, &w, &r->seed);
        }
        if (!regs_ok(p, w) || !pattern_allows(p, w) || a64_find(w) != p) {
            continue;
        }
        if (r->accept && !r->accept(w)) {
            continue;
        }
        if (is_mem(p)) {
            code[at++] = RESET_BASE;
        }
        code[at++] = w;
        if (starts(p, "LDX")) {
            code[at++] = matching_store(w);
        }
    }
    tame_branches(code, n, &r->seed);
}

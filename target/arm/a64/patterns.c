/* The A64 encodings as data: for the disassembler, the random-code generator and coverage lists. */
#include "target/arm/a64/a64.h"

#define CLASS(name)   A64_##name
#define FEATURE(name) ARM_FEAT_##name
const struct pattern a64_patterns[] = {
#include "target/arm/a64/a64_table.inc"
};
const unsigned a64_npatterns = ARRAY_LEN(a64_patterns);

u32 pattern_value(const struct pattern *p, unsigned field, u32 insn)
{
    const struct pattern_field *f = &p->fields[field];
    u32 v = 0;
    unsigned len = 0;
    for (unsigned i = 0; i < f->nparts; i++) {
        v = v << f->parts[i].len | (u32)bits(insn, f->parts[i].pos, f->parts[i].len);
        len += f->parts[i].len;
    }
    return f->is_signed ? (u32)sext(v, len) : v;
}

bool pattern_allows(const struct pattern *p, u32 insn)
{
    for (unsigned i = 0; i < p->nlimits; i++) {
        u32 v = pattern_value(p, p->limits[i].field, insn);
        if (p->limits[i].is_bound ? v >= p->limits[i].v : v == p->limits[i].v) {
            return false;
        }
    }
    return true;
}

/* The first that matches: lines that overlap stand in their order of priority. */
const struct pattern *a64_find(u32 insn)
{
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        if ((insn & p->mask) == p->fixed && pattern_allows(p, insn)) {
            return p;
        }
    }
    return NULL;
}

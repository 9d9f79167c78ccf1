/* Readers of pattern tables: fields of a word, the line a word belongs to, assembly text. */
#include "target/pattern.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

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

const struct pattern *pattern_find(const struct pattern *table, unsigned n, u32 insn)
{
    for (const struct pattern *p = table; p < table + n; p++) {
        if ((insn & p->mask) == p->fixed && pattern_allows(p, insn)) {
            return p;
        }
    }
    return NULL;
}

/* -- disassembly ----------------------------------------------------------------------------------------------- */

void dis_put(struct dis *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t room = d->at < d->n ? d->n - d->at : 0;
    int k = vsnprintf(room ? d->out + d->at : NULL, room, fmt, ap);
    va_end(ap);
    d->at += k > 0 ? (size_t)k : 0;
}

static const struct dis_kind *find_kind(const struct dis_kind *const *kinds, const char *name, size_t len)
{
    for (; *kinds; kinds++) {
        for (const struct dis_kind *k = *kinds; k->name; k++) {
            if (strlen(k->name) == len && !memcmp(k->name, name, len)) {
                return k;
            }
        }
    }
    return NULL;
}

static i32 operand_value(const struct pattern *p, u32 insn, const char *s, size_t len)
{
    if (s[0] >= '0' && s[0] <= '9') {
        return (i32)strtol(s, NULL, 0);
    }
    for (unsigned i = 0; i < p->nfields; i++) {
        if (strlen(p->fields[i].name) == len && !memcmp(p->fields[i].name, s, len)) {
            return (i32)pattern_value(p, i, insn);
        }
    }
    return 0; /* the generator knows every field name */
}

/* Prints the operand whose text starts behind "{"; returns what follows "}". */
static const char *print_operand(struct dis *d, const struct pattern *p, u32 insn, const char *s,
                                 const struct dis_kind *const *kinds)
{
    const char *end = strchr(s, '}');
    size_t len = strcspn(s, ":}");
    const struct dis_kind *k = find_kind(kinds, s, len);
    i32 v[8] = {0};
    unsigned n = 0;
    for (const char *a = s + len; *a == ':' && n < ARRAY_LEN(v);) {
        a++;
        size_t alen = strcspn(a, ":}");
        v[n++] = operand_value(p, insn, a, alen);
        a += alen;
    }
    if (k) {
        k->print(d, v);
    } else {
        dis_put(d, "{%.*s}", (int)(end - s), s);
    }
    return end + 1;
}

void pattern_print(struct dis *d, const struct pattern *p, u32 insn, const struct dis_kind *const *kinds)
{
    for (const char *s = p->assembly; *s;) {
        if (*s == '{') {
            s = print_operand(d, p, insn, s + 1, kinds);
        } else {
            dis_put(d, "%c", *s++);
        }
    }
}

const char *pattern_unprinted(const struct pattern *table, unsigned n, const struct dis_kind *const *kinds)
{
    for (const struct pattern *p = table; p < table + n; p++) {
        for (const char *s = strchr(p->assembly, '{'); s; s = strchr(s + 1, '{')) {
            if (!find_kind(kinds, s + 1, strcspn(s + 1, ":}"))) {
                return s;
            }
        }
    }
    return NULL;
}

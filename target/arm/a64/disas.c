/* The A64 disassembler made from the pattern tables: for encodings the disassembly library does not know, and to check
 * the tables against it. It prints no aliases (lsl is ubfm). */
#include "target/arm/a64/disas.h"

#include <stdarg.h>
#include <string.h>

void dis_put(struct dis *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    size_t room = d->at < d->n ? d->n - d->at : 0;
    int k = vsnprintf(room ? d->out + d->at : NULL, room, fmt, ap);
    va_end(ap);
    d->at += k > 0 ? (size_t)k : 0;
}

static const struct dis_kind *find_kind(const char *name, size_t len)
{
    const struct dis_kind *lists[] = {dis_kinds, dis_kinds_simd};
    for (unsigned i = 0; i < ARRAY_LEN(lists); i++) {
        for (const struct dis_kind *k = lists[i]; k->name; k++) {
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
static const char *print_operand(struct dis *d, const struct pattern *p, u32 insn, const char *s)
{
    const char *end = strchr(s, '}');
    size_t len = strcspn(s, ":}");
    const struct dis_kind *k = find_kind(s, len);
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

int a64_disas(char *out, size_t n, u64 pc, u32 insn)
{
    const struct pattern *p = a64_find(insn);
    struct dis d = {.out = out, .n = n, .pc = pc};
    if (!p) {
        return 0;
    }
    for (const char *s = p->assembly; *s;) {
        if (*s == '{') {
            s = print_operand(&d, p, insn, s + 1);
        } else {
            dis_put(&d, "%c", *s++);
        }
    }
    return 4;
}

/* Every {kind} of the tables has a printer. Returns the first that has none, or NULL. */
const char *a64_disas_missing(void)
{
    for (unsigned i = 0; i < a64_npatterns; i++) {
        for (const char *s = strchr(a64_patterns[i].assembly, '{'); s; s = strchr(s + 1, '{')) {
            if (!find_kind(s + 1, strcspn(s + 1, ":}"))) {
                return s;
            }
        }
    }
    return NULL;
}

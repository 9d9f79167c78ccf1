/* Numbers as they are typed: constants, $registers, and C's integer operators with C's precedence. 64 bits, unsigned.
 */
#include <ctype.h>
#include <string.h>

#include "system/monitor/monitor_priv.h"
#include "target/target.h"
#include "tcg/ir.h"

enum { MAX_DEPTH = 64 };

struct reader {
    const char *p;
    struct err *e;
    unsigned depth;
    bool ok;
};

static u64 fail(struct reader *r, const char *what)
{
    if (r->ok) {
        err_set(r->e, "%s at '%.20s'", what, r->p);
    }
    r->ok = false;
    return 0;
}
static void spaces(struct reader *r)
{
    while (*r->p == ' ') {
        r->p++;
    }
}

/* -- registers: the names that the IR has for a cpu's slots, and the program counter's --------------------------------
 */

static bool is_pc(const char *name, size_t n)
{
    static const char *const names[] = {"pc", "rip", "eip", "ip"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strlen(names[i]) == n && !strncmp(names[i], name, n)) {
            return true;
        }
    }
    return false;
}

static bool same_name(const char *a, const char *b, size_t n)
{
    return strlen(a) == n && !g_ascii_strncasecmp(a, b, n);
}

static void get_register(struct vcpu *cpu, void *arg)
{
    struct {
        const char *name;
        size_t n;
        u64 value;
        bool found;
    } *q = arg;
    const struct ir_target *t = cpu->target->ir;
    if (is_pc(q->name, q->n)) {
        q->value = cpu->rt.pc;
        q->found = true;
    }
    for (unsigned i = 0; i < t->nslots && !q->found; i++) {
        const struct ir_slot *s = &t->slots[i];
        const char *name = s->name;
        bool e_name = name && *name == 'r' && *q->name == 'e' && q->n == 3 && strlen(name) == 3;
        if (name && (same_name(name, q->name, q->n) || (e_name && same_name(name + 1, q->name + 1, 2)))) {
            u64 v = 0;
            memcpy(&v, (u8 *)cpu + s->off, s->type == IR_I32 ? 4 : 8);
            q->value = e_name ? (u32)v : v;
            q->found = true;
        }
    }
}

static u64 register_value(struct reader *r)
{
    struct {
        const char *name;
        size_t n;
        u64 value;
        bool found;
    } q = {.name = r->p};
    while (isalnum((unsigned char)r->p[q.n]) || r->p[q.n] == '_') {
        q.n++;
    }
    struct vcpu *cpu = monitor_cpu();
    if (cpu) {
        monitor_on_cpu(cpu, get_register, &q);
    }
    if (!q.found) {
        return fail(r, "unknown register");
    }
    r->p += q.n;
    return q.value;
}

/* -- the grammar -------------------------------------------------------------------------------------------------- */

static u64 binary(struct reader *r, int least);

static u64 unary(struct reader *r)
{
    u64 v;
    spaces(r);
    char c = *r->p;
    if (++r->depth > MAX_DEPTH) {
        return fail(r, "too many levels");
    }
    if (c == '(') {
        r->p++;
        v = binary(r, 0);
        spaces(r);
        v = *r->p == ')' ? v : fail(r, "expected )");
        r->p += r->ok;
    } else if (c == '-' || c == '+' || c == '~') {
        r->p++;
        v = unary(r);
        v = c == '-' ? -v : c == '~' ? ~v : v;
    } else if (c == '$') {
        r->p++;
        v = register_value(r);
    } else if (c == '\'' && r->p[1] && r->p[2] == '\'') {
        v = (u8)r->p[1];
        r->p += 3;
    } else if (isdigit((unsigned char)c)) {
        char *end;
        v = strtoull(r->p, &end, 0);
        r->p = end;
    } else {
        v = fail(r, c ? "expected a number" : "the expression ends too soon");
    }
    r->depth--;
    return v;
}

static const struct op {
    const char *text;
    int rank;
} ops[] = {{"<<", 4}, {">>", 4}, {"|", 1}, {"^", 2}, {"&", 3}, {"+", 5}, {"-", 5}, {"*", 6}, {"/", 6}, {"%", 6}};

static const struct op *op_at(const char *p)
{
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (!strncmp(p, ops[i].text, strlen(ops[i].text))) {
            return &ops[i];
        }
    }
    return NULL;
}

static u64 apply(struct reader *r, char op, u64 a, u64 b)
{
    switch (op) {
    case '<':
        return b < 64 ? a << b : 0;
    case '>':
        return b < 64 ? a >> b : 0;
    case '|':
        return a | b;
    case '^':
        return a ^ b;
    case '&':
        return a & b;
    case '+':
        return a + b;
    case '-':
        return a - b;
    case '*':
        return a * b;
    default:
        if (!b) {
            return fail(r, "division by zero");
        }
        return op == '/' ? a / b : a % b;
    }
}

/* Outside parentheses a space ends the expression, so that the next argument may begin with a sign. */
static u64 binary(struct reader *r, int least)
{
    u64 v = unary(r);
    while (r->ok) {
        if (r->depth) {
            spaces(r);
        }
        const struct op *o = op_at(r->p);
        if (!o || o->rank < least) {
            break;
        }
        r->p += strlen(o->text);
        v = apply(r, *o->text, v, binary(r, o->rank + 1));
    }
    return v;
}

bool expr_read(const char **p, u64 *out, struct err *e)
{
    struct reader r = {.p = *p, .e = e, .ok = true};
    *out = binary(&r, 0);
    *p = r.p;
    return r.ok;
}

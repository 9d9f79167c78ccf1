/* The IR as text: the parser. Reads what ir_print writes (tcg/text.c has the grammar); numbers may also be decimal or
 * negative. vN becomes op N where it can, so that print, parse, print gives the same text; any numbering is accepted.
 */
#include <ctype.h>
#include <stdarg.h>

#include "tcg/build_priv.h"
#include "tcg/text_priv.h"

struct parser {
    struct ir *ir;
    struct err *e;
    const char *p, *end; /* the rest of the line */
    unsigned line;
    bool failed;
    u16 ref[IR_MAX_OPS]; /* by the number behind v */
};

static PRINTF_LIKE(2, 3) void fail(struct parser *s, const char *fmt, ...)
{
    char msg[160];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    if (!s->failed) {
        err_set(s->e, "line %u: %s", s->line, msg);
        s->failed = true;
    }
}

/* -- tokens ---------------------------------------------------------------------------------------------------- */

struct word {
    const char *p;
    size_t n;
};

static bool word_is(struct word w, const char *name)
{
    return strlen(name) == w.n && memcmp(w.p, name, w.n) == 0;
}
static void skip_space(struct parser *s)
{
    while (s->p < s->end && isspace((unsigned char)*s->p)) {
        s->p++;
    }
}
static bool accept(struct parser *s, char c)
{
    skip_space(s);
    if (s->p < s->end && *s->p == c) {
        s->p++;
        return true;
    }
    return false;
}
static void expect(struct parser *s, char c)
{
    if (!accept(s, c)) {
        fail(s, "'%c' expected", c);
    }
}
/* Letters, digits, '_' and '-' alone; '.' too when dotted. */
static struct word get_word(struct parser *s, bool dotted)
{
    skip_space(s);
    struct word w = {s->p, 0};
    while (s->p < s->end && (isalnum((unsigned char)*s->p) || *s->p == '_' || (dotted && *s->p == '.'))) {
        s->p++;
        w.n++;
    }
    if (w.n == 0 && accept(s, '-')) {
        w.n = 1;
    }
    return w;
}
/* The next part of a dotted word. */
static struct word cut_dot(struct word *w)
{
    struct word first = *w;
    const char *dot = memchr(w->p, '.', w->n);
    if (!dot) {
        w->p += w->n;
        w->n = 0;
        return first;
    }
    first.n = (size_t)(dot - w->p);
    w->n -= first.n + 1;
    w->p = dot + 1;
    return first;
}

static u64 get_digits(struct parser *s, unsigned base)
{
    u64 v = 0;
    const char *start = s->p;
    for (; s->p < s->end; s->p++) {
        unsigned char c = (unsigned char)*s->p;
        unsigned d = isdigit(c) ? c - '0' : isxdigit(c) ? (unsigned)tolower(c) - 'a' + 10u : 99;
        if (d >= base) {
            break;
        }
        v = v * base + d;
    }
    if (s->p == start) {
        fail(s, "number expected");
    }
    return v;
}
static u64 get_number(struct parser *s)
{
    bool minus = accept(s, '-');
    if (!minus) {
        accept(s, '+');
    }
    skip_space(s);
    bool hex = s->end - s->p > 2 && s->p[0] == '0' && (s->p[1] == 'x' || s->p[1] == 'X');
    s->p += hex ? 2 : 0;
    u64 v = get_digits(s, hex ? 16 : 10);
    return minus ? 0 - v : v;
}

/* -- names -------------------------------------------------------------------------------------------------------- */

static unsigned find_name(struct parser *s, struct word w, const char *const *names, unsigned n, const char *what)
{
    for (unsigned i = 0; i < n; i++) {
        if (names[i] && word_is(w, names[i])) {
            return i;
        }
    }
    fail(s, "no %s '%.*s'", what, (int)MIN(w.n, (size_t)40), w.p);
    return 0;
}
static unsigned get_name(struct parser *s, const char *const *names, unsigned n, const char *what)
{
    return find_name(s, get_word(s, false), names, n, what);
}
static unsigned find_type(struct parser *s, struct word w)
{
    return find_name(s, w, ir_type_names, IR_WIDTHS, "type");
}

/* "a|b" or "-" */
static u32 get_bits(struct parser *s, const struct bit_name *names)
{
    u32 v = 0;
    do {
        struct word w = get_word(s, false);
        const struct bit_name *n = names;
        while (n->name && !word_is(w, n->name)) {
            n++;
        }
        if (!n->name && !word_is(w, "-")) {
            fail(s, "unknown word '%.*s'", (int)MIN(w.n, (size_t)40), w.p);
        }
        v |= n->name ? n->bits : 0;
    } while (!s->failed && accept(s, '|'));
    return v;
}

/* An optional word at the end of a line. */
static bool get_option(struct parser *s, const char *name)
{
    struct parser back = {.p = s->p};
    if (word_is(get_word(s, false), name)) {
        return true;
    }
    s->p = back.p;
    return false;
}

/* -- operands ------------------------------------------------------------------------------------------------------ */

static ir_ref get_ref(struct parser *s, bool vector)
{
    skip_space(s);
    if (s->p < s->end && *s->p == 'v') {
        s->p++;
        u64 n = get_digits(s, 10);
        if (s->failed || n >= IR_MAX_OPS || !s->ref[n]) {
            fail(s, "value used before it is made");
            return IR_CONST;
        }
        return s->ref[n];
    }
    u64 v = get_number(s);
    if (!vector) {
        return ir_const(s->ir, v);
    }
    expect(s, ':');
    return s->failed ? IR_CONST : ir_const_v128(s->ir, get_digits(s, 16), v);
}

static void get_address(struct parser *s, struct ir_op *op)
{
    expect(s, '[');
    op->a = get_ref(s, false);
    skip_space(s);
    if (s->p < s->end && *s->p != ']') {
        op->imm = (u32)get_number(s);
    }
    expect(s, ']');
}

static u16 get_mo(struct parser *s)
{
    u64 bits = get_number(s);
    u16 mo = (u16)ctz64(bits / 8);
    if (bits < 8 || bits > 128 || !is_pow2(bits)) {
        fail(s, "access size expected");
        return 0;
    }
    return accept(s, '|') ? (u16)(mo | get_bits(s, text_mo_bits)) : mo;
}

/* -- sub and imm ------------------------------------------------------------------------------------------------- */

static void get_sub(struct parser *s, struct ir_op *op, struct word rest)
{
    struct word w;
    switch (ir_ops[op->op].sub) {
    case SUB_cond:
        op->sub = (u8)find_name(s, cut_dot(&rest), ir_cond_names, CC_COUNT, "condition");
        break;
    case SUB_es:
        if (text_has_es(op)) {
            op->sub = (u8)find_name(s, cut_dot(&rest), text_es, ARRAY_LEN(text_es), "element size");
        }
        break;
    case SUB_fp:
        if (op->type == IR_V128) {
            op->sub = (u8)find_name(s, cut_dot(&rest), text_es, ARRAY_LEN(text_es), "element size");
        }
        for (w = cut_dot(&rest); w.n; w = cut_dot(&rest)) {
            op->sub |= (u8)(FP_DN << find_name(s, w, text_fp, TEXT_FPS, "float mode"));
        }
        break;
    case SUB_bits:
        w = cut_dot(&rest);
        op->sub = word_is(w, "8") ? 8 : word_is(w, "16") ? 16 : word_is(w, "32") ? 32 : 0;
        break;
    case SUB_kind:
        op->sub = rest.n ? (u8)find_name(s, cut_dot(&rest), text_exit, TEXT_EXITS, "kind of exit") : 0;
        break;
    case SUB_inv:
        op->sub = rest.n && word_is(cut_dot(&rest), "inv");
        break;
    case SUB_rmw:
        op->sub = (u8)find_name(s, cut_dot(&rest), text_rmw, TEXT_RMWS, "operation");
        break;
    default:
        break;
    }
    if (rest.n) {
        fail(s, "'.%.*s' not understood", (int)MIN(rest.n, (size_t)40), rest.p);
    }
}

static u32 get_slot(struct parser *s)
{
    const struct ir_target *t = s->ir->target;
    struct word w = get_word(s, false);
    for (unsigned i = 0; i < t->nslots; i++) {
        if (word_is(w, t->slots[i].name)) {
            return i;
        }
    }
    fail(s, "no slot '%.*s'", (int)MIN(w.n, (size_t)40), w.p);
    return 0;
}
static u32 get_helper(struct parser *s)
{
    const struct ir_target *t = s->ir->target;
    struct word w = get_word(s, false);
    for (unsigned i = 0; i < t->nhelpers; i++) {
        if (word_is(w, t->helpers[i].name)) {
            return i;
        }
    }
    fail(s, "no helper '%.*s'", (int)MIN(w.n, (size_t)40), w.p);
    return 0;
}

static u32 get_imm(struct parser *s, struct ir_op *op)
{
    u32 v;
    switch (ir_ops[op->op].imm) {
    case IMM_off:
        v = (u32)get_number(s);
        expect(s, ',');
        op->d = (u16)get_number(s);
        return v;
    case IMM_slot:
        return get_slot(s);
    case IMM_helper:
        return get_helper(s);
    case IMM_poslen:
        v = (u32)get_number(s);
        expect(s, ':');
        return v | (u32)get_number(s) << 8;
    case IMM_type:
        return find_type(s, get_word(s, false));
    case IMM_fcmp:
        v = find_type(s, get_word(s, false));
        return v | get_bits(s, text_fcmp_bits);
    case IMM_flbits:
        return get_bits(s, text_fl_bits);
    case IMM_fmaneg:
        return get_bits(s, text_fmaneg_bits);
    case IMM_round:
        v = get_name(s, text_round, TEXT_ROUNDS, "rounding mode");
        return v | (get_option(s, "exact") ? (u32)FPR_EXACT : 0);
    case IMM_f2i:
        v = find_type(s, get_word(s, false));
        v = F2I(v, get_name(s, text_round, TEXT_ROUNDS, "rounding mode"), 0);
        v |= get_option(s, "unsigned") ? (u32)F2I_UNS : 0;
        return v | (get_option(s, "indefinite") ? (u32)F2I_INDEF : 0);
    case IMM_i2f:
        v = find_type(s, get_word(s, false));
        return v | (get_option(s, "unsigned") ? I2F(0, 1) : 0);
    case IMM_vcond:
        return get_name(s, ir_cond_names, CC_COUNT, "condition");
    case IMM_fcond:
        return get_bits(s, text_fcond_bits);
    case IMM_pattern:
        return get_ref(s, true) & ~IR_CONST;
    case IMM_widen:
        return get_bits(s, text_widen_bits);
    case IMM_sign:
        return get_bits(s, text_sign_bits);
    case IMM_aes:
        return get_bits(s, text_aes_bits);
    case IMM_qxtn:
        return get_bits(s, text_qxtn_bits);
    case IMM_fence:
        return get_bits(s, text_fence_bits);
    case IMM_reason:
        return get_name(s, text_reason, REASON_COUNT, "reason");
    default:
        return (u32)get_number(s);
    }
}

/* -- lines ------------------------------------------------------------------------------------------------------- */

static unsigned find_op(struct parser *s, struct word w)
{
    for (unsigned i = 0; i < IR_OPCODES; i++) {
        if (word_is(w, ir_ops[i].name)) {
            return i;
        }
    }
    fail(s, "no op '%.*s'", (int)MIN(w.n, (size_t)40), w.p);
    return IR_nop;
}

/* NAME[.SUB][.TYPE] */
static void get_mnemonic(struct parser *s, struct ir_op *op)
{
    struct word rest = get_word(s, true), type = {NULL, 0};
    op->op = (u8)find_op(s, cut_dot(&rest));
    unsigned fixed = ir_ops[op->op].result;
    op->type = (u8)(fixed == RESULT_T ? IR_NONE : fixed);
    if (text_has_type(op)) {
        const char *dot = rest.n ? memrchr(rest.p, '.', rest.n) : NULL;
        type = dot ? (struct word){dot + 1, (size_t)(rest.p + rest.n - dot - 1)} : rest;
        rest.n = dot ? (size_t)(dot - rest.p) : 0;
        op->type = (u8)find_type(s, type);
    }
    get_sub(s, op, rest);
}

static void get_operands(struct parser *s, struct ir_op *op)
{
    bool more = false; /* a comma is due */
    unsigned k = 0;
    if (text_imm_first(op)) {
        op->imm = get_imm(s, op);
        op->type = s->failed           ? IR_NONE
                   : op->op == IR_call ? op_helper(s->ir, op)->ret
                                       : s->ir->target->slots[op->imm].type;
        more = true;
    }
    if (op_is_mem(op->op)) {
        get_address(s, op);
        k = 1;
        more = true;
    }
    /* How many a store has is known from its descriptor only: st [a], b, c, mo. */
    unsigned n = s->failed ? 0 : op->op == IR_st ? 2 : ir_nargs(s->ir, op);
    for (; k < n && !s->failed; k++, more = true) {
        if (more) {
            expect(s, ',');
        }
        *op_arg(op, k) = get_ref(s, text_reads_vector(s->ir, op, k));
    }
    if (op_is_mem(op->op)) {
        expect(s, ',');
        const char *here = s->p;
        if (op->op == IR_st && memchr(s->p, ',', (size_t)(s->end - s->p))) {
            op->c = get_ref(s, op->type == IR_V128);
            expect(s, ',');
            here = s->p;
        }
        s->p = here;
        op->d = get_mo(s);
    } else if (!text_imm_first(op) && ir_ops[op->op].imm != IMM_none) {
        if (more) {
            expect(s, ',');
        }
        op->imm = get_imm(s, op);
    }
    if (op->op == IR_get && !s->failed) {
        op->type = s->ir->target->slots[op->imm].type;
    }
}

static void add_op(struct parser *s, const struct ir_op *op, unsigned number)
{
    struct ir *ir = s->ir;
    while (number > ir->nops && ir->nops < IR_MAX_OPS - IR_RESERVE) {
        ir->ops[ir->nops++] = (struct ir_op){.op = IR_nop};
    }
    if (ir->ended || ir->nops >= IR_MAX_OPS - IR_RESERVE || ir->full) {
        fail(s, "%s", ir->ended ? "op after the end" : "the trace is too long");
        return;
    }
    ir->ops[ir->nops] = *op;
    const char *wrong = ir_check_op(ir, ir->nops);
    if (wrong) {
        fail(s, "%s: %s", ir_ops[op->op].name, wrong);
        return;
    }
    ir->ninsns += op->op == IR_insn;
    ir_ref r = ir_append(ir, op);
    if (number) {
        s->ref[number] = r;
    }
}

static void parse_line(struct parser *s)
{
    u64 number = 0;
    skip_space(s);
    if (s->p == s->end) {
        return;
    }
    const char *equals = memchr(s->p, '=', (size_t)(s->end - s->p));
    if (equals) {
        expect(s, 'v');
        number = s->failed ? 0 : get_digits(s, 10);
        expect(s, '=');
        if (number == 0 || number >= IR_MAX_OPS) {
            fail(s, "value numbers go from 1 to %u", IR_MAX_OPS - 1);
        }
    }
    struct ir_op op = {0};
    if (!s->failed) {
        get_mnemonic(s, &op);
    }
    if (!s->failed) {
        get_operands(s, &op);
    }
    skip_space(s);
    if (!s->failed && s->p != s->end) {
        fail(s, "'%.*s' is too much", (int)MIN(s->end - s->p, (ptrdiff_t)40), s->p);
    }
    if (!s->failed && !equals != (ir_result(&op) == IR_NONE)) {
        fail(s, "%s %s a result", ir_ops[op.op].name, equals ? "has not" : "has");
    }
    if (!s->failed) {
        add_op(s, &op, (unsigned)number);
    }
}

bool ir_parse(struct ir *ir, const char *text, struct err *e)
{
    struct parser s = {.ir = ir, .e = e};
    while (*text && !s.failed) {
        const char *eol = strchrnul(text, '\n');
        const char *comment = memchr(text, ';', (size_t)(eol - text));
        s.line++;
        s.p = text;
        s.end = comment ? comment : eol;
        parse_line(&s);
        text = *eol ? eol + 1 : eol;
    }
    return !s.failed;
}

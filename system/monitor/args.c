/* A command's line against its row's arguments. */
#include <ctype.h>
#include <string.h>

#include "system/monitor/monitor_priv.h"

static char *skip(char *p)
{
    while (*p == ' ') {
        p++;
    }
    return p;
}

/* "/4xw": a count, a letter of xoduci, a letter of bhwg, in any order behind the count. */
static bool fmt_read(char **p, struct fmt *f, struct err *e)
{
    char *c = *p + 1;
    if (isdigit((unsigned char)*c)) {
        unsigned long n = strtoul(c, &c, 10);
        f->count = (unsigned)MIN(n, 1ul << 20);
    }
    for (; *c && *c != ' '; c++) {
        if (strchr("xoduci", *c)) {
            f->kind = *c;
        } else if (strchr("bhwg", *c)) {
            f->size = *c;
        } else {
            return err_set(e, "invalid char in format: '%c'", *c);
        }
    }
    *p = c;
    return true;
}

/* A word, with quotes and backslashes taken out in place. */
static bool word_read(char **p, const char **out, struct err *e)
{
    char *in = *p, *to = *p;
    bool quoted = *in == '"';
    *out = to;
    in += quoted;
    while (*in && (quoted ? *in != '"' : *in != ' ')) {
        if (quoted && *in == '\\' && in[1]) {
            in++;
        }
        *to++ = *in++;
    }
    if (quoted && *in != '"') {
        return err_set(e, "unterminated string");
    }
    in += *in != 0;
    *to = 0;
    *p = in;
    return true;
}

static bool option_here(const char *p, const char *name)
{
    return p[0] == '-' && p[1] == name[0] && (!p[2] || p[2] == ' ');
}

static bool arg_read(const struct arg_spec *s, char **p, struct args *a, unsigned i, struct err *e)
{
    const char *c = *p;
    switch (s->kind) {
    case ARG_WORD:
        return word_read(p, &a->s[i], e);
    case ARG_REST:
        a->s[i] = *p;
        *p += strlen(*p);
        return true;
    case ARG_EXPR:
        if (!expr_read(&c, &a->n[i], e)) {
            return false;
        }
        *p += c - *p;
        return true;
    case ARG_FMT:
        return fmt_read(p, &a->fmt, e);
    case ARG_FLAG:
        a->n[i] = 1;
        *p += 2;
        return true;
    case ARG_OPTION:
        *p = skip(*p + 2);
        return word_read(p, &a->s[i], e);
    default:
        return true;
    }
}

static bool arg_is_here(const struct arg_spec *s, const char *p)
{
    switch (s->kind) {
    case ARG_FMT:
        return *p == '/';
    case ARG_FLAG:
    case ARG_OPTION:
        return option_here(p, s->name);
    default:
        return *p != 0;
    }
}

bool args_parse(const struct command *c, char *line, struct args *a, struct err *e)
{
    char *p = line;
    for (unsigned i = 0; i < MAX_ARGS && c->args[i].kind; i++) {
        const struct arg_spec *s = &c->args[i];
        p = skip(p);
        if (!arg_is_here(s, p)) {
            if (!s->optional && s->kind != ARG_FMT && s->kind != ARG_FLAG && s->kind != ARG_OPTION) {
                return err_set(e, "%s: expected %s", c->name, s->name);
            }
            continue;
        }
        a->has[i] = true;
        if (!arg_read(s, &p, a, i, e)) {
            err_prefix(e, "%s", c->name);
            return false;
        }
    }
    p = skip(p);
    return !*p ? true : err_set(e, "%s: extraneous characters at the end of line: '%s'", c->name, p);
}

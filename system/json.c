/* Options as JSON objects, which management programs prefer: {"driver":"raw","file":{"driver":"file","filename":"x"}}
 * becomes driver=raw, file.driver=file, file.filename=x; elements of arrays get their number as a name. RFC 8259. */
#include <string.h>

#include "base/buf.h"
#include "system/system.h"

struct json {
    const char *p;
    struct opts *o;
    struct err *e;
};
enum { DEPTH_MAX = 16 };

static bool bad(struct json *j, const char *what)
{
    return err_set(j->e, "bad JSON: %s expected at '%.20s'", what, j->p);
}

static void skip_space(struct json *j)
{
    j->p += strspn(j->p, " \t\r\n");
}

static bool take(struct json *j, char c)
{
    skip_space(j);
    if (*j->p != c) {
        return false;
    }
    j->p++;
    return true;
}

static void put_utf8(struct buf *b, unsigned c)
{
    if (c < 0x80) {
        buf_printf(b, "%c", (int)c);
    } else if (c < 0x800) {
        buf_printf(b, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 0x3f)));
    } else {
        buf_printf(b, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3f)), (int)(0x80 | (c & 0x3f)));
    }
}

static bool escape(struct json *j, struct buf *b)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = *j->p ? strchr(from, *j->p) : NULL;
    if (at) {
        buf_printf(b, "%c", to[at - from]);
        j->p++;
        return true;
    }
    char hex[5] = "", *end;
    if (*j->p == 'u') {
        memcpy(hex, j->p + 1, strnlen(j->p + 1, 4));
    }
    unsigned long c = strtoul(hex, &end, 16);
    if (end != hex + 4 || !c) {
        return bad(j, "an escape");
    }
    put_utf8(b, (unsigned)c);
    j->p += 5;
    return true;
}

static bool string(struct json *j, struct buf *b)
{
    if (!take(j, '"')) {
        return bad(j, "a string");
    }
    while (*j->p && *j->p != '"') {
        if (*j->p == '\\') {
            j->p++;
            if (!escape(j, b)) {
                return false;
            }
        } else {
            buf_printf(b, "%c", *j->p++);
        }
    }
    buf_u8(b, 0);
    return take(j, '"') || bad(j, "the end of a string");
}

static bool value(struct json *j, const char *name, unsigned depth);

/* The members of an object, or the elements of an array. */
static bool members(struct json *j, const char *name, unsigned depth, char end)
{
    if (take(j, end)) {
        return true;
    }
    for (unsigned i = 0;; i++) {
        struct buf b = {0};
        bool ok = true;
        if (*name) {
            buf_printf(&b, "%s.", name);
        }
        if (end == ']') {
            buf_printf(&b, "%u", i);
        } else {
            ok = string(j, &b) && (take(j, ':') || bad(j, "':'"));
        }
        ok = ok && value(j, (const char *)b.data, depth + 1);
        buf_free(&b);
        if (!ok) {
            return false;
        }
        if (take(j, end)) {
            return true;
        }
        if (!take(j, ',')) {
            return bad(j, "','");
        }
    }
}

static bool word(struct json *j, const char *name)
{
    static const char *const words[][2] = {{"true", "on"}, {"false", "off"}, {"null", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t n = strlen(words[i][0]);
        if (!strncmp(j->p, words[i][0], n)) {
            j->p += n;
            if (words[i][1]) {
                opts_add(j->o, name, words[i][1]);
            }
            return true;
        }
    }
    size_t n = strspn(j->p, "+-.0123456789eE");
    if (!n) {
        return bad(j, "a value");
    }
    char *number = strndup(j->p, n);
    must(number);
    opts_add(j->o, name, number);
    free(number);
    j->p += n;
    return true;
}

static bool value(struct json *j, const char *name, unsigned depth)
{
    if (depth > DEPTH_MAX) {
        return err_set(j->e, "bad JSON: nested too deeply");
    }
    if (take(j, '{')) {
        return members(j, name, depth, '}');
    }
    if (take(j, '[')) {
        return members(j, name, depth, ']');
    }
    if (*j->p != '"') {
        return word(j, name);
    }
    struct buf b = {0};
    bool ok = string(j, &b);
    if (ok) {
        opts_add(j->o, name, (const char *)b.data);
    }
    buf_free(&b);
    return ok;
}

bool opts_from_text(struct opts *o, const char *text, const char *implied, struct err *e)
{
    struct json j = {text, o, e};
    skip_space(&j);
    if (*j.p != '{') {
        return opts_parse(o, text, implied, e);
    }
    if (!value(&j, "", 0)) {
        return false;
    }
    skip_space(&j);
    return !*j.p || bad(&j, "the end");
}

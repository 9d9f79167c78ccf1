/* Option lists: splitting what was typed, and typed reading of it. */
#include "base/opts.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>

void opts_add(struct opts *o, const char *key, const char *value)
{
    o->v = g_renew(struct opt, o->v, o->n + 1);
    o->v[o->n++] = (struct opt){.key = g_strdup(key), .value = g_strdup(value)};
}

void opts_free(struct opts *o)
{
    for (size_t i = 0; i < o->n; i++) {
        g_free(o->v[i].key);
        g_free(o->v[i].value);
    }
    g_free(o->v);
    *o = (struct opts){0};
}

/* Takes text up to an end character into s; `,,` is a comma. Gives what is behind. */
static const char *word_get(const char *text, bool stop_at_equals, GString *s)
{
    g_string_truncate(s, 0);
    for (; *text; text++) {
        if (*text == ',') {
            if (text[1] != ',') {
                break;
            }
            text++;
        } else if (*text == '=' && stop_at_equals) {
            break;
        }
        g_string_append_c(s, *text);
    }
    return text;
}

static void bare_add(struct opts *o, const char *word)
{
    opts_add(o, word, "on");
    o->v[o->n - 1].bare = true;
}

bool opts_parse(struct opts *o, const char *text, const char *implied, struct err *e)
{
    GString *key = g_string_new(NULL), *value = g_string_new(NULL);
    bool ok = true;

    for (const char *p = text; *p && ok; p += *p == ',') {
        bool first = p == text;
        const char *behind = word_get(p, true, key);
        if (*behind == '=') {
            p = word_get(behind + 1, false, value);
            if (!key->len) {
                ok = err_set(e, "'%s': there is no name before '='", text);
            } else {
                opts_add(o, key->str, value->str);
            }
        } else if (first && implied) {
            p = behind;
            opts_add(o, implied, key->str);
        } else {
            p = behind;
            if (key->len) {
                bare_add(o, key->str);
            }
        }
    }
    g_string_free(key, TRUE);
    g_string_free(value, TRUE);
    return ok;
}

/* The last option that answers for key. `nokey` answers too when it is bare: *negated. */
static struct opt *opt_find(struct opts *o, const char *key, bool *negated)
{
    struct opt *last = NULL;
    for (size_t i = 0; i < o->n; i++) {
        struct opt *opt = &o->v[i];
        bool no = negated && opt->bare && !strncmp(opt->key, "no", 2) && !strcmp(opt->key + 2, key);
        if (no || !strcmp(opt->key, key)) {
            opt->used = true;
            last = opt;
            if (negated) {
                *negated = no;
            }
        }
    }
    return last;
}

bool opts_has(struct opts *o, const char *key)
{
    return opt_find(o, key, NULL);
}

const char *opts_str(struct opts *o, const char *key, const char *def)
{
    struct opt *opt = opt_find(o, key, NULL);
    return opt ? opt->value : def;
}

const char *opts_next(struct opts *o, const char *key, size_t *iter)
{
    while (*iter < o->n) {
        struct opt *opt = &o->v[(*iter)++];
        if (!strcmp(opt->key, key)) {
            opt->used = true;
            return opt->value;
        }
    }
    return NULL;
}

bool opts_bool(struct opts *o, const char *key, bool *out, struct err *e)
{
    bool negated = false, v;
    struct opt *opt = opt_find(o, key, &negated);
    if (!opt) {
        return true;
    }
    if (!parse_bool(opt->value, &v)) {
        return err_set(e, "%s=%s: expected on or off", key, opt->value);
    }
    *out = v != negated;
    return true;
}

bool opts_num(struct opts *o, const char *key, u64 *out, struct err *e)
{
    struct opt *opt = opt_find(o, key, NULL);
    if (opt && !parse_num(opt->value, out)) {
        return err_set(e, "%s=%s: expected a number", key, opt->value);
    }
    return true;
}

bool opts_size(struct opts *o, const char *key, u64 *out, struct err *e)
{
    struct opt *opt = opt_find(o, key, NULL);
    if (opt && !parse_size(opt->value, out)) {
        return err_set(e, "%s=%s: expected a size such as 4096, 64k, 512M, 1.5G", key, opt->value);
    }
    return true;
}

bool opts_choice(struct opts *o, const char *key, const char *const *names, unsigned *out, struct err *e)
{
    struct opt *opt = opt_find(o, key, NULL);
    if (!opt) {
        return true;
    }
    for (unsigned i = 0; names[i]; i++) {
        if (!strcmp(opt->value, names[i])) {
            *out = i;
            return true;
        }
    }
    gchar *list = g_strjoinv(", ", (gchar **)names);
    err_set(e, "%s=%s: expected one of %s", key, opt->value, list);
    g_free(list);
    return false;
}

void opts_ignore(struct opts *o, const char *keys)
{
    gchar **list = g_strsplit(keys, ",", -1);
    for (gchar **k = list; *k; k++) {
        bool negated;
        opt_find(o, *k, &negated);
    }
    g_strfreev(list);
}

bool opts_all_used(const struct opts *o, const char *what, const struct opt_key *known, struct err *e)
{
    const struct opt *bad = NULL;
    for (size_t i = 0; i < o->n && !bad; i++) {
        bad = o->v[i].used ? NULL : &o->v[i];
    }
    if (!bad) {
        return true;
    }
    GPtrArray *names = g_ptr_array_new();
    for (const struct opt_key *k = known; k && k->name; k++) {
        g_ptr_array_add(names, (gpointer)k->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = nearest_name(bad->key, (const char *const *)names->pdata);
    if (near && strcmp(near, bad->key)) {
        err_set(e, "%s has no option '%s': did you mean '%s'?", what, bad->key, near);
    } else {
        err_set(e, "%s has no option '%s'", what, bad->key);
    }
    g_ptr_array_free(names, TRUE);
    return false;
}

bool parse_bool(const char *s, bool *out)
{
    static const char *const words[] = {"on", "yes", "true", "y", "off", "no", "false", "n"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcmp(s, words[i])) {
            *out = i < ARRAY_LEN(words) / 2;
            return true;
        }
    }
    return false;
}

/* C's notation less octal: a leading zero is how people pad. */
bool parse_num(const char *s, u64 *out)
{
    char *end;
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    const char *digits = hex ? s + 2 : s;
    if (!g_ascii_isxdigit(*digits)) {
        return false;
    }
    errno = 0;
    unsigned long long v = strtoull(digits, &end, hex ? 16 : 10);
    if (errno || end == digits || *end) {
        return false;
    }
    *out = v;
    return true;
}

bool parse_size(const char *s, u64 *out)
{
    static const char units[] = "BKMGTPE";
    char *end;
    if (parse_num(s, out)) {
        return true;
    }
    if (!g_ascii_isdigit(*s) || s[1] == 'x' || s[1] == 'X') {
        return false;
    }
    errno = 0;
    unsigned long long whole = strtoull(s, &end, 10);
    double fraction = *end == '.' ? g_ascii_strtod(end, &end) : 0;
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : units;
    if (errno || !unit || (*end && end[1]) || !isfinite(fraction)) {
        return false;
    }
    unsigned shift = 10 * (unsigned)(unit - units);
    if (whole > UINT64_MAX >> shift) {
        return false;
    }
    u64 part = (u64)(fraction * (double)(1ull << shift));
    if (whole << shift > UINT64_MAX - part) {
        return false;
    }
    *out = (whole << shift) + part;
    return true;
}

bool parse_uuid(const char *s, u8 *out)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    unsigned n = 0;
    if (strlen(s) != sizeof(form) - 1) {
        return false;
    }
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == '-' ? s[i] != '-' : !g_ascii_isxdigit(s[i])) {
            return false;
        }
        if (form[i] != '-') {
            u8 digit = (u8)g_ascii_xdigit_value(s[i]);
            out[n / 2] = n % 2 ? (u8)(out[n / 2] | digit) : (u8)(digit << 4);
            n++;
        }
    }
    return true;
}

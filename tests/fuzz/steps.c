/* Steps as text, and in the memory that survives the process that does them. */
#include <ctype.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "tests/fuzz/fuzz.h"

/* What of a step is told: s its size (behind the name), a address, v value, d data. */
static const struct {
    const char *name, *has;
} ops[STEP_OPS] = {
    [STEP_READ] = {"read", "sa"}, [STEP_WRITE] = {"write", "sav"},  [STEP_IN] = {"in", "sa"},
    [STEP_OUT] = {"out", "sav"},  [STEP_RAM] = {"ram", "ad"},       [STEP_WAIT] = {"wait", "a"},
    [STEP_TURN] = {"turn", ""},   [STEP_NET] = {"net", "d"},        [STEP_CHR] = {"chr", "ad"},
    [STEP_KEY] = {"key", "av"},   [STEP_BUTTON] = {"button", "av"}, [STEP_REL] = {"rel", "av"},
    [STEP_ABS] = {"abs", "av"},   [STEP_ACK] = {"ack", ""},         [STEP_SYSR] = {"sysr", "a"},
    [STEP_SYSW] = {"sysw", "av"}, [STEP_LOOK] = {"look", ""},       [STEP_MEDIA] = {"media", "av"},
    [STEP_LINK] = {"link", "v"},  [STEP_POWER] = {"power", ""},     [STEP_RESET] = {"reset", ""},
    [STEP_SAVE] = {"save", ""},
};

void step_print(const struct step *s, struct buf *out)
{
    const char *has = ops[s->op].has;
    buf_printf(out, "%s", ops[s->op].name);
    if (strchr(has, 's')) {
        buf_printf(out, "%u", s->size);
    }
    if (strchr(has, 'a')) {
        buf_printf(out, " 0x%llx", (unsigned long long)s->addr);
    }
    if (strchr(has, 'v')) {
        buf_printf(out, " 0x%llx", (unsigned long long)s->val);
    }
    if (strchr(has, 'd')) {
        buf_printf(out, " ");
        for (u32 i = 0; i < s->len; i++) {
            buf_printf(out, "%02x", s->data[i]);
        }
    }
    if (s->cpu) {
        buf_printf(out, " cpu%u", s->cpu);
    }
    buf_printf(out, s->secure ? " secure\n" : "\n");
}

static bool op_parse(const char *word, struct step *s)
{
    for (unsigned i = 0; i < STEP_OPS; i++) {
        size_t n = strlen(ops[i].name);
        bool sized = strchr(ops[i].has, 's');
        const char *tail = word + n;
        if (strncmp(word, ops[i].name, n) != 0 || (sized ? !isdigit((u8)tail[0]) || tail[1] : tail[0])) {
            continue;
        }
        s->op = (u8)i;
        s->size = sized ? (u8)(tail[0] - '0') : 0;
        return !sized || (s->size && s->size <= 8 && !(s->size & (s->size - 1)));
    }
    return false;
}

static bool data_parse(const char *hex, struct buf *data)
{
    data->len = 0;
    for (; hex[0] && hex[1]; hex += 2) {
        if (!isxdigit((u8)hex[0]) || !isxdigit((u8)hex[1]) || data->len >= STEP_DATA_MAX) {
            return false;
        }
        u8 b = (u8)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
        buf_put(data, &b, 1);
    }
    return !hex[0];
}

static bool word_parse(const char *word, char what, struct step *s, struct buf *data)
{
    char *end;
    switch (what) {
    case 'a':
        s->addr = strtoull(word, &end, 0);
        return !*end;
    case 'v':
        s->val = strtoull(word, &end, 0);
        return !*end;
    case 'd':
        return data_parse(word, data);
    default:
        if (!strcmp(word, "secure")) {
            s->secure = true;
            return true;
        }
        if (strncmp(word, "cpu", 3) != 0 || word[3] < '0' || word[3] >= '0' + STEP_CPUS || word[4]) {
            return false;
        }
        s->cpu = (u8)(word[3] - '0');
        return true;
    }
}

bool step_parse(const char *line, struct step *s, struct buf *data, struct err *e)
{
    char **words = g_strsplit(line, " ", 0);
    *s = (struct step){0};
    bool ok = words[0] && op_parse(words[0], s);
    const char *has = ok ? ops[s->op].has : "";
    has += *has == 's';
    for (unsigned i = 1; ok && words[i]; i++) {
        ok = word_parse(words[i], *has, s, data);
        has += *has != 0;
    }
    ok = ok && !*has;
    s->data = data->data;
    s->len = (u32)(ok && strchr(ops[s->op].has, 'd') ? data->len : 0);
    g_strfreev(words);
    return ok || err_set(e, "not a step: %s", line);
}

/* -- tapes ------------------------------------------------------------------------------------------------------- */

struct tape *tape_new(void)
{
    struct tape *t =
        mmap(NULL, sizeof(*t) + TAPE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(t != MAP_FAILED);
    return t;
}

void tape_free(struct tape *t)
{
    munmap(t, sizeof(*t) + TAPE_BYTES);
}

void tape_clear(struct tape *t)
{
    t->nsteps = t->used = t->digest = 0;
}

bool tape_add(struct tape *t, const struct step *s)
{
    u64 n = sizeof(*s) + align_up(s->len, 8);
    if (TAPE_BYTES - t->used < n) {
        return false;
    }
    memcpy(t->bytes + t->used, s, sizeof(*s));
    if (s->len) {
        memcpy(t->bytes + t->used + sizeof(*s), s->data, s->len);
    }
    t->used += n;
    t->nsteps++;
    return true;
}

bool tape_next(const struct tape *t, u64 *at, struct step *s)
{
    if (*at >= t->used) {
        return false;
    }
    memcpy(s, t->bytes + *at, sizeof(*s));
    s->data = t->bytes + *at + sizeof(*s);
    *at += sizeof(*s) + align_up(s->len, 8);
    return true;
}

void tape_print(const struct tape *t, struct buf *out)
{
    buf_printf(out, "args");
    for (u64 i = 0; i < t->args_len; i += strlen(t->args + i) + 1) {
        buf_printf(out, " %s", t->args + i);
    }
    buf_printf(out, "\n");
    struct step s;
    for (u64 at = 0; tape_next(t, &at, &s);) {
        step_print(&s, out);
    }
}

static bool line_load(struct tape *t, char *line, struct buf *data, struct err *e)
{
    if (!line[0] || line[0] == '#') {
        return true;
    }
    if (!strncmp(line, "args ", 5)) {
        t->args_len = strlen(line + 5) + 1;
        if (t->args_len > sizeof(t->args)) {
            return err_set(e, "too long: %s", line);
        }
        memcpy(t->args, line + 5, t->args_len);
        for (u64 i = 0; i < t->args_len; i++) {
            t->args[i] = (char)(t->args[i] == ' ' ? 0 : t->args[i]);
        }
        return true;
    }
    struct step s;
    return step_parse(line, &s, data, e) && (tape_add(t, &s) || err_set(e, "too many steps"));
}

bool tape_load(struct tape *t, const char *path, struct err *e)
{
    gchar *text;
    struct buf data = {0};
    tape_clear(t);
    t->args_len = 0;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return err_set(e, "cannot read %s", path);
    }
    bool ok = true;
    for (char *save = NULL, *l = strtok_r(text, "\n", &save); l && ok; l = strtok_r(NULL, "\n", &save)) {
        ok = line_load(t, l, &data, e);
    }
    buf_free(&data);
    g_free(text);
    return ok && (t->args_len ? true : err_set(e, "%s has no args line", path));
}

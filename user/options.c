/* Reads QEMU_* variables and the command line by the table in options.def, which also prints the help; then the
 * environment that the program gets. */
#include <string.h>
#include <sys/auxv.h>

#include "base/log.h"
#include "config.h"
#include "user/options.h"

enum kind { KIND_FLAG, KIND_STR, KIND_FN, KIND_SKIP, KIND_LATER };
struct row {
    const char *name, *arg, *env;
    enum kind kind;
    size_t off;
    bool (*fn)(struct user_config *c, const char *value, struct err *e);
    const char *help;
};

static bool opt_help(struct user_config *c, const char *value, struct err *e);

static bool is_qemu(const struct user_config *c)
{
    return !strncmp(c->program, "qemu-", 5);
}

static bool opt_version(struct user_config *c, const char *value UNUSED, struct err *e UNUSED)
{
    if (is_qemu(c)) { /* scripts look for a version that they know */
        printf("%s version 7.2.0 (moss %s)\n", c->program, MOSS_VERSION);
    } else {
        printf("moss version %s, in place of QEMU emulator version 7.2.0\n", MOSS_VERSION);
    }
    return c->done = true;
}

static bool opt_cpu(struct user_config *c, const char *value, struct err *e UNUSED)
{
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        printf("Available CPUs:\n");
        for (const struct cpu_model *m = c->abi->target->models; m->name; m++) {
            printf("  %s\n", m->name);
        }
        return c->done = true;
    }
    c->cpu = value;
    return true;
}

static void list_put(const char ***list, const char *value)
{
    size_t n = 0;
    while (*list && (*list)[n]) {
        n++;
    }
    *list = realloc(*list, (n + 2) * sizeof(**list));
    must(*list);
    (*list)[n] = value;
    (*list)[n + 1] = NULL;
}

static bool opt_set(struct user_config *c, const char *value, struct err *e UNUSED)
{
    list_put(&c->set_env, value);
    return true;
}

static bool opt_unset(struct user_config *c, const char *value, struct err *e UNUSED)
{
    list_put(&c->unset_env, value);
    return true;
}

static bool opt_binfmt(struct user_config *c, const char *value, struct err *e)
{
    return c->done = user_binfmt(c, value, e);
}

/* How moss finds itself after an execve where there is no /proc. */
static bool opt_self_fd(struct user_config *c, const char *value, struct err *e)
{
    u64 fd;
    if (!parse_num(value, &fd) || fd > INT_MAX) {
        return err_set(e, "expected a descriptor");
    }
    c->self_fd = (int)fd;
    return true;
}

/* "strace" among the log's items is the option of that name. */
static bool opt_debug(struct user_config *c, const char *value, struct err *e)
{
    struct buf rest = {0};
    if (!strcmp(value, "help") || !strcmp(value, "?")) {
        printf("Log items (comma separated):\n");
        for (const struct log_name *n = log_names; n->name; n++) {
            printf("%-15s %s\n", n->name, n->doc);
        }
        printf("%-15s %s\n", "strace", "system calls");
        return c->done = true;
    }
    buf_put(&rest, "", 0);
    for (const char *p = value; *p;) {
        size_t n = strcspn(p, ",");
        if (n == 6 && !strncmp(p, "strace", 6)) {
            c->strace = true;
        } else if (!(n == 4 && !strncmp(p, "page", 4))) {
            buf_printf(&rest, "%s%.*s", rest.len ? "," : "", (int)n, p);
        }
        p += n + (p[n] == ',');
    }
    c->log_items = value;
    bool ok = !rest.len || log_set_items((char *)rest.data, e);
    buf_free(&rest);
    return ok;
}

#define ROW_FLAG(m)         KIND_FLAG, offsetof(struct user_config, m), NULL
#define ROW_STR(m)          KIND_STR, offsetof(struct user_config, m), NULL
#define ROW_FN(m)           KIND_FN, 0, opt_##m
#define ROW_SKIP(m)         KIND_SKIP, 0, NULL
#define ROW_LATER(m)        KIND_LATER, 0, NULL
#define _(n, a, v, k, m, h) {n, a, v, ROW_##k(m), h},
static const struct row rows[] = {
#include "user/options.def"
};
#undef _

static bool opt_help(struct user_config *c, const char *value UNUSED, struct err *e UNUSED)
{
    printf("usage: %s [options] program [arguments...]\n"
           "Linux CPU emulator (compiled for %s emulation)\n\n"
           "Options and associated environment variables:\n\n"
           "%-26s %-20s %s\n",
           c->program, c->abi->name, "Argument", "Env-variable", "Description");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        if (r->help && r->kind != KIND_LATER) {
            char left[64];
            snprintf(left, sizeof(left), "-%s%s%s", r->name, r->arg ? " " : "", r->arg ? r->arg : "");
            printf("%-26s %-20s %s\n", left, r->env ? r->env : "", r->help);
        }
    }
    return c->done = true;
}

static bool apply(struct user_config *c, const struct row *r, const char *value, struct err *e)
{
    void *m = (u8 *)c + r->off;
    switch (r->kind) {
    case KIND_FLAG:
        *(bool *)m = true;
        return true;
    case KIND_STR:
        *(const char **)m = value;
        return true;
    case KIND_FN:
        return r->fn(c, value, e);
    case KIND_LATER:
        return err_set(e, "not there yet: moss has no %s", r->help);
    case KIND_SKIP:
        break;
    }
    return true;
}

static const struct row *row_find(const char *name, struct err *e)
{
    const char *names[ARRAY_LEN(rows) + 1];
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcmp(rows[i].name, name)) {
            return &rows[i];
        }
        names[i] = rows[i].name;
    }
    names[ARRAY_LEN(rows)] = NULL;
    const char *near = nearest_name(name, names);
    if (near) {
        err_set(e, "unknown option '%s'; did you mean -%s?", name, near);
    } else {
        err_set(e, "unknown option '%s'", name);
    }
    return NULL;
}

/* Not for a program with more rights than its caller's: a log file could be any file. */
static bool read_environment(struct user_config *c, struct err *e)
{
    if (getauxval(AT_SECURE)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows) && !c->done; i++) {
        const char *v = rows[i].env ? getenv(rows[i].env) : NULL;
        if (v && !apply(c, &rows[i], v, e)) {
            err_prefix(e, "%s=%s", rows[i].env, v);
            return false;
        }
    }
    return true;
}

int user_options(struct user_config *c, int argc, char **argv, struct err *e)
{
    int i = 1;
    if (!read_environment(c, e)) {
        return -1;
    }
    for (; i < argc && argv[i][0] == '-' && !c->done; i++) {
        const char *arg = argv[i], *value = NULL;
        if (!strcmp(arg, "--")) {
            i++;
            break;
        }
        const struct row *r = row_find(arg + (arg[1] == '-' ? 2 : 1), e);
        if (!r) {
            return -1;
        }
        if (r->arg) {
            if (i + 1 == argc) {
                err_set(e, "missing argument for option '%s': %s", r->name, r->arg);
                return -1;
            }
            value = argv[++i];
        }
        if (!apply(c, r, value, e)) {
            err_prefix(e, value ? "%s %s" : "%s", arg, value);
            return -1;
        }
    }
    return i;
}

/* -- the environment ----------------------------------------------------------------------------------------------- */

static bool same_name(const char *var, const char *name, size_t n)
{
    return !strncmp(var, name, n) && var[n] == '=';
}

static void env_remove(char **env, const char *name, size_t n)
{
    char **to = env;
    for (; *env; env++) {
        if (!same_name(*env, name, n)) {
            *to++ = *env;
        }
    }
    *to = NULL;
}

/* Calls fn with each comma-separated word of each text. */
static bool each_word(const char **list, char **env, bool (*fn)(char **env, char *word, struct err *e), struct err *e)
{
    for (; list && *list; list++) {
        char *copy = strdup(*list), *save, *w = strtok_r(copy, ",", &save);
        for (; w; w = strtok_r(NULL, ",", &save)) {
            if (!fn(env, w, e)) {
                return false;
            }
        }
    }
    return true;
}

static bool env_set(char **env, char *word, struct err *e)
{
    char *eq = strchr(word, '=');
    if (!eq || eq == word) {
        return err_set(e, "-E %s: expected VAR=VALUE", word);
    }
    env_remove(env, word, (size_t)(eq - word));
    while (*env) {
        env++;
    }
    env[0] = word;
    env[1] = NULL;
    return true;
}

static bool env_unset(char **env, char *word, struct err *e)
{
    if (strchr(word, '=')) {
        return err_set(e, "-U %s: expected the name of a variable", word);
    }
    env_remove(env, word, strlen(word));
    return true;
}

static size_t count_words(const char **list)
{
    size_t n = 0;
    for (; list && *list; list++) {
        n++;
        for (const char *p = *list; *p; p++) {
            n += *p == ',';
        }
    }
    return n;
}

char **user_environment(const struct user_config *c, char **envp, struct err *e)
{
    size_t n = 0;
    while (envp[n]) {
        n++;
    }
    char **env = calloc(n + count_words(c->set_env) + 2, sizeof(*env));
    must(env);
    memcpy(env, envp, n * sizeof(*env));
    return each_word(c->unset_env, env, env_unset, e) && each_word(c->set_env, env, env_set, e) ? env : NULL;
}

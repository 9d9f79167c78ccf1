/* The log. One recursive mutex keeps a line, or a log_lock() block of lines, together.
 *
 * guest_error() and unimp() count always and cost one atomic add while -d does not ask for them.
 * Asked for, each distinct text has a counter: the first few are printed, then each tenfold. The
 * table is bounded, because a guest can make up texts for ever; past the bound only the total
 * counts, and a line says so once. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

const struct log_name log_names[] = {
    {LOG_IN_ASM, "in_asm", "guest code of each translated block"},
    {LOG_IR, "ir", "IR of each block as the front end made it"},
    {LOG_IR, "op", "the same as ir"},
    {LOG_IR_OPT, "ir_opt", "IR of each block after the optimiser"},
    {LOG_IR_OPT, "op_opt", "the same as ir_opt"},
    {LOG_OUT_ASM, "out_asm", "host code of each block"},
    {LOG_EXEC, "exec", "a line each time a block is entered from the main loop"},
    {LOG_INT, "int", "interrupts and exceptions"},
    {LOG_MMU, "mmu", "events of the guest's MMU"},
    {LOG_UNIMP, "unimp", "features of the guest machine that moss does not have"},
    {LOG_GUEST_ERROR, "guest_errors", "things the guest should not do"},
    {LOG_CPU, "cpu", "CPU registers before each block (implies nochain)"},
    {LOG_CODE_CACHE, "code_cache", "user mode: what was used of translations on disk, and what was saved"},
    {LOG_NOCHAIN, "nochain", "do not link blocks, so that exec and cpu see each one"},
    {0, NULL, NULL},
};

u32 log_mask;

static pthread_mutex_t lock;
static pthread_once_t lock_once = PTHREAD_ONCE_INIT;
static FILE *log_file;
static GArray *filter; /* of struct range; NULL: everything passes */

struct range {
    u64 first, last;
};

static void lock_make(void)
{
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

void log_lock(void)
{
    pthread_once(&lock_once, lock_make);
    pthread_mutex_lock(&lock);
}

void log_unlock(void)
{
    fflush(log_file ? log_file : stderr);
    pthread_mutex_unlock(&lock);
}

void log_forked(void)
{
    lock_make(); /* it knows its owner, who is the parent's thread */
}

static void log_write(const char *fmt, va_list ap)
{
    log_lock();
    vfprintf(log_file ? log_file : stderr, fmt, ap);
    log_unlock();
}

void log_print(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_write(fmt, ap);
    va_end(ap);
}

/* -- What -d, -D and -dfilter set -------------------------------------------------------------- */

static bool item_find(const char *name, u32 *mask)
{
    if (!strcmp(name, "all")) {
        for (const struct log_name *n = log_names; n->name; n++) {
            *mask |= n->item & ~(u32)LOG_NOCHAIN;
        }
        return true;
    }
    for (const struct log_name *n = log_names; n->name; n++) {
        if (!strcmp(name, n->name)) {
            *mask |= n->item | (n->item == LOG_CPU ? LOG_NOCHAIN : 0);
            return true;
        }
    }
    return false;
}

static bool item_unknown(const char *name, struct err *e)
{
    const char *names[ARRAY_LEN(log_names)];
    for (size_t i = 0; i < ARRAY_LEN(log_names); i++) {
        names[i] = log_names[i].name;
    }
    const char *near = nearest_name(name, names);
    if (near) {
        return err_set(e, "there is no log item '%s': did you mean '%s'? (-d help lists them)", name, near);
    }
    return err_set(e, "there is no log item '%s' (-d help lists them)", name);
}

bool log_set_items(const char *comma_list, struct err *e)
{
    u32 mask = 0;
    bool ok = true;
    gchar **items = g_strsplit(comma_list, ",", -1);
    for (gchar **i = items; ok && *i; i++) {
        if (**i && strcmp(*i, "none") && !item_find(*i, &mask)) {
            ok = item_unknown(*i, e);
        }
    }
    g_strfreev(items);
    if (ok) {
        log_mask = mask;
    }
    return ok;
}

bool log_set_file(const char *path, struct err *e)
{
    const char *pid = strchr(path, '%');
    GString *name = g_string_new(NULL);
    if (pid && (pid[1] != 'd' || strchr(pid + 1, '%'))) {
        g_string_free(name, TRUE);
        return err_set(e, "log file name '%s' may hold one %%d (for the process id) and no other %%", path);
    }
    if (pid) {
        g_string_append_len(name, path, pid - path);
        g_string_append_printf(name, "%d%s", (int)getpid(), pid + 2);
    } else {
        g_string_append(name, path);
    }
    int fd = open(name->str, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FILE *f = fd < 0 ? NULL : fdopen(fd_move_high(fd), "w");
    if (!f) {
        err_errno(e, "cannot write log file '%s'", name->str);
        g_string_free(name, TRUE);
        return false;
    }
    g_string_free(name, TRUE);
    log_lock();
    if (log_file) {
        fclose(log_file);
    }
    log_file = f;
    log_unlock();
    return true;
}

int log_fd(void)
{
    return log_file ? fileno(log_file) : -1;
}

static bool number_get(const char **s, u64 *out)
{
    char *end;
    errno = 0;
    if (**s < '0' || **s > '9') {
        return false;
    }
    *out = strtoull(*s, &end, 0);
    *s = end;
    return !errno;
}

/* FIRST, FIRST..LAST, FIRST+SIZE, LAST-SIZE: each names the bytes from first to last, both included. */
static bool range_parse(const char *s, struct range *r)
{
    u64 a, b;
    if (!number_get(&s, &a)) {
        return false;
    }
    if (!*s) {
        *r = (struct range){a, a};
        return true;
    }
    char kind = *s++;
    if (kind == '.' && *s++ != '.') {
        return false;
    }
    if (!number_get(&s, &b) || *s) {
        return false;
    }
    switch (kind) {
    case '.':
        *r = (struct range){a, b};
        return a <= b;
    case '+':
        *r = (struct range){a, a + (b - 1)};
        return b && r->last >= a;
    case '-':
        *r = (struct range){a - (b - 1), a};
        return b && r->first <= a;
    default:
        return false;
    }
}

bool log_set_filter(const char *ranges, struct err *e)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(struct range));
    gchar **items = g_strsplit(ranges, ",", -1);
    for (gchar **i = items; *i; i++) {
        struct range r;
        if (!range_parse(*i, &r)) {
            err_set(e, "'%s' is no address range: expected FIRST..LAST, FIRST+SIZE or LAST-SIZE", *i);
            g_strfreev(items);
            g_array_free(list, TRUE);
            return false;
        }
        g_array_append_val(list, r);
    }
    g_strfreev(items);
    log_lock();
    GArray *old = filter;
    filter = list;
    if (old) {
        g_array_free(old, TRUE);
    }
    log_unlock();
    return true;
}

bool log_in_filter(u64 addr)
{
    bool in = true;
    log_lock();
    if (filter) {
        in = false;
        for (unsigned i = 0; i < filter->len && !in; i++) {
            const struct range *r = &g_array_index(filter, struct range, i);
            in = r->first <= addr && addr <= r->last;
        }
    }
    pthread_mutex_unlock(&lock);
    return in;
}

/* -- Counted texts ------------------------------------------------------------------------------ */

enum { TEXTS_MAX = 4096, PRINT_FIRST = 5 };

struct tally {
    const char *kind;
    _Atomic u64 total;
    GHashTable *texts; /* text -> u64 count */
    bool overflow;
};
static struct tally guest_errors = {.kind = "guest error"};
static struct tally gaps = {.kind = "not implemented"};
static struct tally warnings = {.kind = "warning"};

/* Counts a text; gives its new count, 0 when the table is full. Under the log's mutex. */
static u64 text_count(struct tally *t, const char *text)
{
    if (!t->texts) {
        t->texts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    }
    u64 *n = g_hash_table_lookup(t->texts, text);
    if (!n) {
        if (g_hash_table_size(t->texts) >= TEXTS_MAX) {
            return 0;
        }
        n = g_new0(u64, 1);
        g_hash_table_insert(t->texts, g_strdup(text), n);
    }
    return ++*n;
}

static bool is_pow10(u64 v)
{
    while (v && v % 10 == 0) {
        v /= 10;
    }
    return v == 1;
}

static void tally_add(struct tally *t, const char *who, const char *fmt, va_list ap)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s: ", who);
    n = CLAMP(n, 0, (int)sizeof(text) - 1);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    text[strcspn(text, "\n")] = 0;

    log_lock();
    u64 count = text_count(t, text);
    if (!count) {
        if (!t->overflow) {
            t->overflow = true;
            log_print("%s: more than %d distinct texts; later ones are only counted\n", t->kind, TEXTS_MAX);
        }
    } else if (count <= PRINT_FIRST) {
        log_print("%s: %s\n", t->kind, text);
    } else if (is_pow10(count)) {
        log_print("%s: %s (%llu times so far)\n", t->kind, text, (unsigned long long)count);
    }
    log_unlock();
}

void guest_error(const char *who, const char *fmt, ...)
{
    atomic_fetch_add_explicit(&guest_errors.total, 1, memory_order_relaxed);
    if (log_on(LOG_GUEST_ERROR)) {
        va_list ap;
        va_start(ap, fmt);
        tally_add(&guest_errors, who, fmt, ap);
        va_end(ap);
    }
}

void unimp(const char *who, const char *fmt, ...)
{
    atomic_fetch_add_explicit(&gaps.total, 1, memory_order_relaxed);
    if (log_on(LOG_UNIMP)) {
        va_list ap;
        va_start(ap, fmt);
        tally_add(&gaps, who, fmt, ap);
        va_end(ap);
    }
}

u64 guest_error_count(void)
{
    return guest_errors.total;
}

u64 unimp_count(void)
{
    return gaps.total;
}

static gint text_by_count(gconstpointer a, gconstpointer b, gpointer table)
{
    u64 na = *(const u64 *)g_hash_table_lookup(table, a);
    u64 nb = *(const u64 *)g_hash_table_lookup(table, b);
    return na != nb ? (na < nb ? 1 : -1) : strcmp(a, b);
}

void unimp_report(void)
{
    if (!log_on(LOG_UNIMP)) {
        return;
    }
    log_lock();
    if (gaps.texts) {
        GList *keys = g_list_sort_with_data(g_hash_table_get_keys(gaps.texts), text_by_count, gaps.texts);
        log_print("not implemented, met %llu times:\n", (unsigned long long)unimp_count());
        for (GList *k = keys; k; k = k->next) {
            u64 n = *(const u64 *)g_hash_table_lookup(gaps.texts, k->data);
            log_print("%10llu  %s\n", (unsigned long long)n, (const char *)k->data);
        }
        g_list_free(keys);
    }
    log_unlock();
}

const char *report_program = "moss";
bool report_time;
bool notices_off;

static void report_line(const char *kind, const char *text)
{
    char when[40] = "";
    if (report_time) {
        struct timespec now;
        struct tm tm;
        clock_gettime(CLOCK_REALTIME, &now);
        gmtime_r(&now.tv_sec, &tm);
        size_t n = strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(when + n, sizeof(when) - n, ".%06ldZ ", now.tv_nsec / 1000);
    }
    fprintf(stderr, "%s%s: %s%s%s\n", when, report_program, kind, *kind ? ": " : "", text);
    fflush(stderr);
}

void report(const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    report_line("", text);
}

void warn_once(const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_lock();
    if (text_count(&warnings, text) == 1) {
        report_line(warnings.kind, text);
    }
    log_unlock();
}

/* Set-up errors as sentences, and the "did you mean" behind them. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"

bool err_set(struct err *e, const char *fmt, ...)
{
    if (e && !e->msg[0]) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
    }
    return false;
}

bool err_errno(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    if (e && !e->msg[0]) {
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof(e->msg)) {
            snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s", strerror(saved));
        }
    }
    errno = saved;
    return false;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
    if (!e || !e->msg[0]) {
        return;
    }
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    buf_printf(&b, ": %s", e->msg);
    size_t n = MIN(b.len, sizeof(e->msg) - 1);
    memcpy(e->msg, b.data, n);
    e->msg[n] = 0;
    buf_free(&b);
}

enum { NAME_MAX_LEN = 63 };

/* Edit distance where swapping two neighbours counts as one edit, the commonest slip of a typist. */
static unsigned edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned rows[3][NAME_MAX_LEN + 1];
    unsigned *two_up = rows[0], *up = rows[1], *row = rows[2];

    for (size_t j = 0; j <= nb; j++) {
        up[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= na; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            unsigned v = up[j - 1] + (a[i - 1] != b[j - 1]);
            v = MIN(v, up[j] + 1);
            v = MIN(v, row[j - 1] + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                v = MIN(v, two_up[j - 2] + 1);
            }
            row[j] = v;
        }
        unsigned *t = two_up;
        two_up = up;
        up = row;
        row = t;
    }
    return up[nb];
}

const char *nearest_name(const char *word, const char *const *names)
{
    size_t n = strlen(word);
    const char *best = NULL;
    /* A third of the word may be wrong; more than that is another word. */
    unsigned limit = MAX(1u, (unsigned)n / 3) + 1;

    if (n == 0 || n > NAME_MAX_LEN) {
        return NULL;
    }
    for (; *names; names++) {
        size_t len = strlen(*names);
        if (len > NAME_MAX_LEN) {
            continue;
        }
        unsigned d = edit_distance(word, n, *names, len);
        if (d < limit && d < MAX(n, len)) {
            limit = d;
            best = *names;
        }
    }
    return best;
}

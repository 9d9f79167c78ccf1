/* Errors of set-up: one sentence for the person who typed the command. A function that can fail
 * returns bool (false = failed) and takes a `struct err *` last; NULL means "I don't care". */
#ifndef MOSS_BASE_ERR_H
#define MOSS_BASE_ERR_H

#include "base/types.h"

struct err {
    char msg[512]; /* "" when nothing failed */
};

/* Sets the message unless one is set already (the first error is the cause). Returns false, so
 * that `return err_set(e, ...)` reads well. */
bool err_set(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The same, with ": strerror(errno)" behind. */
bool err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Puts "context: " before the message. */
void err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The name in `names` (NULL ended) nearest to `word` by edit distance; NULL when none is near. */
const char *nearest_name(const char *word, const char *const *names);

#endif

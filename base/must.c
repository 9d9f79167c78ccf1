/* Where a broken invariant of moss itself ends: one line, then a core dump. */
#include "base/types.h"

void must_fail(const char *expr, const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "moss: %s:%d: this must hold and does not: %s\n", file, line, expr);
    abort();
}

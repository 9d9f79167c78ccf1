/* For programs that run under moss: checks that are counted and named. */
#include <stdio.h>

static int checks_failed;
#define CHECK(c) \
    do { \
        if (!(c)) { \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #c); \
            checks_failed++; \
        } \
    } while (0)
static inline int checks_end(const char *name)
{
    printf("%s: %d failed\n", name, checks_failed);
    fflush(stdout);
    return checks_failed != 0;
}

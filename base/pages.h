/* Large tables of which most is never touched: zeros that the host gives memory to page by page as they are used. */
#ifndef MOSS_BASE_PAGES_H
#define MOSS_BASE_PAGES_H

#include <stddef.h>

/* At least n bytes, on a page boundary; never NULL. It takes addresses from the host, as mmap does. */
void *pages_new(size_t n);
void pages_free(void *p, size_t n); /* n as it was asked for; p may be NULL */

#endif

/* Tables of zeros, see pages.h. calloc does not do: from the heap it clears what the heap has used before. */
#include "base/pages.h"

#include <sys/mman.h>

#include "base/types.h"

void *pages_new(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    must(p != MAP_FAILED);
    return p;
}

void pages_free(void *p, size_t n)
{
    if (p) {
        munmap(p, n);
    }
}

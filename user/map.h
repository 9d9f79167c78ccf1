/* A program's map: ranges of pages with what is known of each, sorted, no two overlapping. Pure bookkeeping: the host
 * is mm.c's business. */
#ifndef MOSS_USER_MAP_H
#define MOSS_USER_MAP_H

#include "base/types.h"

struct map_range {
    u64 start, end;
    u8 prot;     /* PROT_READ... as the program asked */
    bool shared; /* MAP_SHARED */
};
struct map {
    struct map_range *v;
    size_t n, cap;
};
/* Index of the first range that ends above va; m->n: none. */
size_t map_find(const struct map *m, u64 va);
void map_clear(struct map *m, u64 start, u64 end);
void map_set(struct map *m, struct map_range r);              /* replaces what is there */
void map_protect(struct map *m, u64 start, u64 end, u8 prot); /* of what is there */
bool map_covered(const struct map *m, u64 start, u64 end);    /* no hole */
bool map_free(const struct map *m, u64 start, u64 end);       /* nothing at all */
/* Does any page of it have this protection bit? */
bool map_any(const struct map *m, u64 start, u64 end, u8 prot);
/* The highest free place of n bytes in [low, high), aligned; 0: none. */
u64 map_place(const struct map *m, u64 n, u64 low, u64 high, u64 align);

#endif

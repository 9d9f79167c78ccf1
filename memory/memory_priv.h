/* Shared by the files of memory/ only. */
#ifndef MOSS_MEMORY_MEMORY_PRIV_H
#define MOSS_MEMORY_MEMORY_PRIV_H

#include "memory/memory.h"

/* Bytes [off, off + n) of RAM were written: tells the page flags and the accelerator. */
void ram_wrote(u64 off, u64 n);

/* Reads are plain host memory. */
static inline bool region_is_direct(const struct mem_region *r)
{
    return r->kind == MEM_RAM || r->kind == MEM_ROM || (r->kind == MEM_ROMD && r->romd_reads);
}

#endif

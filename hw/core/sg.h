/* Guest memory as a list of host segments: what a bus master gathers from a table in guest memory and hands to the
 * block layer. Addresses and lengths are the guest's, and may be anything: what is RAM is used in place, the rest goes
 * through bounce memory; where nothing is, reads give zeros and writes go nowhere. Machine lock held. */
#ifndef MOSS_HW_CORE_SG_H
#define MOSS_HW_CORE_SG_H

#include <sys/uio.h>

#include "memory/memory.h"

#define SG_MAX 1024 /* segments: as many as one request takes */

struct sg {
    struct mem_space *space;
    struct mem_attrs attrs;
    bool to_guest; /* the device writes guest memory */
    u64 len;
    int n, nbounce;
    struct iovec iov[SG_MAX];
    struct sg_bounce *bounces;
};

/* A zeroed struct, or one that has ended, becomes an empty list. */
void sg_begin(struct sg *s, struct mem_space *space, bool to_guest, struct mem_attrs a);
/* Appends guest memory; how many bytes fitted: fewer only when the list is full. */
u64 sg_add(struct sg *s, u64 addr, u64 len);
/* The device is through: `written` bytes from the start were written to guest memory. Frees what the list holds. */
void sg_end(struct sg *s, u64 written);
/* Bytes [off, off + n) of the list to or from p; how many were there. */
u64 sg_write(struct sg *s, u64 off, const void *p, u64 n);
u64 sg_read(const struct sg *s, u64 off, void *p, u64 n);
/* Drops what is beyond len. */
void sg_cut(struct sg *s, u64 len);

#endif

/* Guest memory as host bytes, a value of 1, 2, 4, 8 or 16 bytes by one access where the host can. */
#ifndef MOSS_ACCEL_TCG_BYTES_H
#define MOSS_ACCEL_TCG_BYTES_H

#include "base/bits.h"

typedef u64 vec16 __attribute__((vector_size(16)));

/* Aligned powers of two are single-copy atomic; 16 bytes as far as the host's vectors are. */
static inline void bytes_load(u8 *p, const u8 *host, unsigned n)
{
    switch (n) {
    case 1:
        *p = *host;
        break;
    case 2:
        st16le(p, *(const any_u16 *)host);
        break;
    case 4:
        st32le(p, *(const any_u32 *)host);
        break;
    case 8:
        st64le(p, *(const any_u64 *)host);
        break;
    default:
        if (n == 16 && !((uintptr_t)host & 15)) {
            vec16 v = *(const volatile vec16 *)host;
            memcpy(p, &v, 16);
        } else {
            memcpy(p, host, n);
        }
    }
}

static inline void bytes_store(u8 *host, const u8 *p, unsigned n)
{
    switch (n) {
    case 1:
        *(volatile u8 *)host = *p;
        break;
    case 2:
        *(any_u16 *)host = ld16le(p);
        break;
    case 4:
        *(any_u32 *)host = ld32le(p);
        break;
    case 8:
        *(any_u64 *)host = ld64le(p);
        break;
    default:
        if (n == 16 && !((uintptr_t)host & 15)) {
            vec16 v;
            memcpy(&v, p, 16);
            *(volatile vec16 *)host = v;
        } else {
            memcpy(host, p, n);
        }
    }
}

#endif

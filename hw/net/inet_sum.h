/* The Internet checksum (RFC 1071), for network cards that make and check it. */
#ifndef MOSS_HW_NET_INET_SUM_H
#define MOSS_HW_NET_INET_SUM_H

#include "base/bits.h"

static inline u16 inet_fold(u32 sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (u16)sum;
}
/* Adds n bytes as big-endian 16-bit words; n may be odd at the end of what is summed only. */
static inline u32 inet_sum(const u8 *p, size_t n, u32 sum)
{
    u64 wide = sum;
    for (; n >= 2; n -= 2, p += 2) {
        wide += ld16be(p);
    }
    wide += n ? (u64)*p << 8 : 0;
    while (wide >> 32) {
        wide = (wide & 0xffffffff) + (wide >> 32);
    }
    return (u32)wide;
}

#endif

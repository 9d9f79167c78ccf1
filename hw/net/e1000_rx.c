/* The 82540EM's receiver: address and VLAN filters, descriptors, checksums (317453, sections 3.2 and 13.4). */
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/e1000_priv.h"
#include "hw/net/inet_sum.h"

enum {
    DD = 1 << 0, /* status */
    EOP = 1 << 1,
    IXSM = 1 << 2,
    VP = 1 << 3,
    TCPCS = 1 << 5,
    IPCS = 1 << 6,
    PIF = 1 << 7,
    TCPE = 1 << 5, /* errors */
    IPE = 1 << 6,
    RA_AV = 1u << 31,
    IPV4 = 0x0800,
    TCP = 6,
    UDP = 17,
    FRAME_MAX = 16384, /* what fits into its memory */
    NORMAL_MAX = 1518, /* without the checksum, with a tag */
};

static u32 buffer_size(const struct e1000 *s)
{
    unsigned size = (unsigned)bits(s->rctl, 16, 2);
    return s->rctl & RCTL_BSEX && size ? 32768u >> size : 2048u >> size;
}
static u32 ring_size(const struct e1000 *s)
{
    return s->plain[P_RDLEN] / DESC;
}
static u32 descriptors_free(const struct e1000 *s)
{
    u32 n = ring_size(s);
    if (s->rdh >= n || s->rdt >= n) {
        return 0;
    }
    return s->rdt >= s->rdh ? s->rdt - s->rdh : n - s->rdh + s->rdt;
}

/* -- filters ---------------------------------------------------------------------------------------------------------
 */

static bool in_table(const u32 *t, unsigned i)
{
    return t[i / 32] >> i % 32 & 1;
}
static bool exact_match(const struct e1000 *s, const u8 *f)
{
    for (unsigned i = 0; i < RA_WORDS; i += 2) {
        if (s->ra[i + 1] & RA_AV && ld32le(f) == s->ra[i] && ld16le(f + 4) == (u16)s->ra[i + 1]) {
            return true;
        }
    }
    return false;
}
static bool hash_match(const struct e1000 *s, const u8 *f)
{
    static const u8 shift[4] = {4, 3, 2, 0};
    return in_table(s->mta, ld16le(f + 4) >> shift[bits(s->rctl, 12, 2)] & 0xfff);
}
static bool has_tag(const struct e1000 *s, const u8 *f, size_t n)
{
    return n >= 16 && ld16be(f + 12) == (u16)s->plain[P_VET];
}
static bool wanted(struct e1000 *s, const u8 *f, size_t n, bool *exact)
{
    bool all = !memcmp(f, "\xff\xff\xff\xff\xff\xff", 6), group = f[0] & 1;
    if (has_tag(s, f, n) && s->rctl & RCTL_VFE) {
        u16 tag = ld16be(f + 14);
        if (!in_table(s->vfta, tag & 0xfff) ||
            (s->rctl & RCTL_CFIEN && (tag >> 12 & 1) != ((s->rctl & RCTL_CFI) != 0))) {
            return false;
        }
    }
    *exact = exact_match(s, f);
    return *exact || (all && s->rctl & RCTL_BAM) || (group && (s->rctl & RCTL_MPE || hash_match(s, f))) ||
           (!group && s->rctl & RCTL_UPE);
}

/* -- checksums -------------------------------------------------------------------------------------------------------
 */

static void checksums(const struct e1000 *s, const u8 *f, size_t n, u8 *status, u8 *errors)
{
    unsigned at = has_tag(s, f, n) ? 18 : 14;
    *status |= IXSM;
    if (n < at + 20u || ld16be(f + at - 2) != IPV4 || f[at] >> 4 != 4) {
        return;
    }
    const u8 *ip = f + at;
    unsigned head = (ip[0] & 15) * 4u, total = ld16be(ip + 2);
    if (head < 20 || total < head || at + total > n) {
        return;
    }
    if (s->plain[P_RXCSUM] & RXCSUM_IPOFL) {
        *status = (u8)((*status & ~IXSM) | IPCS);
        *errors |= inet_fold(inet_sum(ip, head, 0)) != 0xffff ? IPE : 0;
    }
    bool tcp = ip[9] == TCP && total - head >= 20, udp = ip[9] == UDP && total - head >= 8 && ld16be(ip + head + 6);
    if (!(s->plain[P_RXCSUM] & RXCSUM_TUOFL) || ld16be(ip + 6) & 0x3fff || !(tcp || udp)) {
        return;
    }
    u32 sum = inet_sum(ip + 12, 8, ip[9] + (total - head));
    *status = (u8)((*status & ~IXSM) | TCPCS);
    *errors |= inet_fold(inet_sum(ip + head, total - head, sum)) != 0xffff ? TCPE : 0;
}

/* -- into memory -----------------------------------------------------------------------------------------------------
 */

bool e1000_can_receive(void *opaque)
{
    const struct e1000 *s = opaque;
    return !(s->rctl & RCTL_EN) || (pci_is_master(&s->pci) && descriptors_free(s));
}

static void counted(struct e1000 *s, const u8 *f, size_t n)
{
    e1000_count(s, S_GPRC, 1);
    e1000_count64(s, S_GORCL, (u32)n);
    e1000_count_size(s, S_PRC64, n);
    if (f[0] & 1) {
        e1000_count(s, !memcmp(f, "\xff\xff\xff\xff\xff\xff", 6) ? S_BPRC : S_MPRC, 1);
    }
}
/* `n` bytes, over as many descriptors as it takes: there are enough. The last has the status. */
static void buffers_fill(struct e1000 *s, const u8 *p, size_t n, u8 *d)
{
    u64 base = (u64)s->plain[P_RDBAH] << 32 | s->plain[P_RDBAL];
    u32 size = buffer_size(s), ring = ring_size(s);
    for (size_t done = 0; done < n;) {
        u64 at = base + (u64)s->rdh * DESC;
        u32 part = (u32)MIN((size_t)size, n - done);
        mem_read(s->pci.dev.dma, at, d, 8, e1000_attrs(s));
        if (ld64le(d)) { /* a null descriptor takes its part and has no memory */
            mem_write(s->pci.dev.dma, ld64le(d), p + done, part, e1000_attrs(s));
        }
        done += part;
        st16le(d + 8, (u16)part);
        u8 status = d[12];
        d[12] = done < n ? (u8)DD : status;
        mem_write(s->pci.dev.dma, at + 8, d + 8, DESC - 8, e1000_attrs(s));
        d[12] = status;
        s->rdh = s->rdh + 1 < ring ? s->rdh + 1 : 0;
    }
}

static void interrupts(struct e1000 *s, size_t n)
{
    u32 few = ring_size(s) >> (1 + bits(s->rctl, 8, 2)), cause = 0;
    cause |= descriptors_free(s) <= few ? ICR_RXDMT0 : 0;
    cause |= n <= s->plain[P_RSRPD] ? ICR_SRPD : 0;
    if (s->rdtr & 0xffff) {
        e1000_delayed(s, false);
    } else {
        cause |= ICR_RXT0;
    }
    e1000_cause(s, cause);
}

void e1000_receive(void *opaque, const u8 *frame, size_t n)
{
    struct e1000 *s = opaque;
    static u8 buf[FRAME_MAX + CRC]; /* under the machine lock */
    u8 d[DESC] = {0};
    bool exact = false;
    if (!(s->rctl & RCTL_EN) || !pci_is_master(&s->pci) || n < 14) {
        return;
    }
    e1000_count(s, S_TPR, 1);
    e1000_count64(s, S_TORL, (u32)MAX(n, FRAME_MIN) + CRC);
    if (n > FRAME_MAX || (n > NORMAL_MAX && !(s->rctl & (RCTL_LPE | RCTL_SBP)))) {
        e1000_count(s, S_ROC, 1);
        return;
    }
    if (!wanted(s, frame, n, &exact)) {
        return;
    }
    d[12] = DD | EOP | (exact ? 0 : PIF);
    checksums(s, frame, n, d + 12, d + 13);
    memcpy(buf, frame, n);
    if (n < FRAME_MIN) {
        memset(buf + n, 0, FRAME_MIN - n);
        n = FRAME_MIN;
    }
    if (has_tag(s, buf, n) && s->ctrl & CTRL_VME) {
        st16le(d + 14, ld16be(buf + 14));
        d[12] |= VP;
        memmove(buf + 12, buf + 16, n - 16);
        n -= 4;
    }
    unsigned start = s->plain[P_RXCSUM] & 0xff;
    st16le(d + 10, __builtin_bswap16(inet_fold(inet_sum(buf + MIN((size_t)start, n), n - MIN((size_t)start, n), 0))));
    if (!(s->rctl & RCTL_SECRC)) {
        st32le(buf + n, (u32)crc32(0, buf, (uInt)n));
        n += CRC;
    }
    if (descriptors_free(s) * (u64)buffer_size(s) < n) {
        e1000_count(s, S_RNBC, 1);
        e1000_count(s, S_MPC, 1);
        e1000_cause(s, ICR_RXO);
        return;
    }
    counted(s, buf, n);
    buffers_fill(s, buf, n, d);
    interrupts(s, n);
}

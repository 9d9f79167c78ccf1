/* The RTL8139C+'s receiver: filters, and a ring of bytes, or in C+ mode a ring of descriptors. */
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/inet_sum.h"
#include "hw/net/rtl8139_priv.h"

enum {
    HEADER_ROK = 1 << 0, /* before each frame in the ring of bytes */
    HEADER_BAR = 1 << 13,
    HEADER_PAM = 1 << 14,
    HEADER_MAR = 1 << 15,
    DESC = 16,
    RING = 64,
    OWN = 1u << 31,
    EOR = 1 << 30,
    FS = 1 << 29,
    LS = 1 << 28,
    MAR = 1 << 26,
    PAM = 1 << 25,
    BAR = 1 << 24,
    PID_TCP = 1 << 16,
    PID_UDP = 2 << 16,
    PID_IP = 3 << 16,
    IPF = 1 << 15,
    UDPF = 1 << 14,
    TCPF = 1 << 13,
    TAVA = 1 << 16, /* of the second word */
    VLAN = 0x8100,
    FRAME_MAX = 4096,
};

static u32 buffer_size(const struct rtl8139 *s)
{
    return 8192u << bits(s->rcr, 11, 2);
}
/* Bytes of the ring that the driver has not read yet: its pointer lags by 16. */
static u32 buffer_used(const struct rtl8139 *s)
{
    return (s->cbr - (u32)(u16)(s->capr + 16)) & (buffer_size(s) - 1);
}
bool rtl8139_rx_empty(const struct rtl8139 *s)
{
    return !buffer_used(s);
}

/* -- filters ---------------------------------------------------------------------------------------------------------
 */

/* The upper six bits of the address's CRC, its first bit the highest. */
static unsigned hash_of(const u8 *f)
{
    u32 crc = ~0u;
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned b = 0; b < 8; b++) {
            crc = crc << 1 ^ ((crc >> 31 ^ (f[i] >> b & 1)) ? 0x04c11db7 : 0);
        }
    }
    return crc >> 26;
}
/* How it got through, as HEADER_ bits; 0: it did not. */
static u16 accepted(const struct rtl8139 *s, const u8 *f)
{
    bool all = !memcmp(f, "\xff\xff\xff\xff\xff\xff", 6), ours = !memcmp(f, s->idr, 6);
    unsigned h = hash_of(f);
    if (all) {
        return s->rcr & RCR_AB ? HEADER_BAR : 0;
    }
    if (f[0] & 1) {
        return s->rcr & RCR_AM && s->mar[h >> 3] >> (h & 7) & 1 ? HEADER_MAR : 0;
    }
    return ours && s->rcr & (RCR_APM | RCR_AAP) ? HEADER_PAM : s->rcr & RCR_AAP ? HEADER_ROK : 0;
}

/* -- the ring of bytes -----------------------------------------------------------------------------------------------
 */

static void ring_put(struct rtl8139 *s, u32 at, const u8 *p, u32 n)
{
    u32 size = buffer_size(s), first = s->rcr & RCR_WRAP && size < 65536 ? n : MIN(n, size - at);
    mem_write(s->pci.dev.dma, s->rbstart + (u64)at, p, first, rtl8139_attrs(s));
    mem_write(s->pci.dev.dma, s->rbstart, p + first, n - first, rtl8139_attrs(s));
}
static void bytes_receive(struct rtl8139 *s, const u8 *f, u32 n, u16 how)
{
    u32 size = buffer_size(s), used = buffer_used(s), need = (4 + n + 3) & ~3u;
    u8 head[4];
    if (used + need >= size) {
        s->missed = (s->missed + 1) & 0xffffff;
        s->count.rx_missed++;
        rtl8139_cause(s, ISR_RXOVW);
        return;
    }
    u32 at = s->cbr & (size - 1);
    st16le(head, HEADER_ROK | how);
    st16le(head + 2, (u16)n);
    ring_put(s, (at + 4) & (size - 1), f, n);
    ring_put(s, at, head, 4);
    s->cbr = (u16)((at + need) & (size - 1));
    rtl8139_cause(s, ISR_ROK);
}

/* -- C+ --------------------------------------------------------------------------------------------------------------
 */

static u32 checksums(const u8 *f, size_t n, unsigned at)
{
    const u8 *ip = f + at;
    if (n < at + 20u || ld16be(ip - 2) != 0x0800 || ip[0] >> 4 != 4) {
        return 0;
    }
    unsigned head = (ip[0] & 15) * 4u, total = ld16be(ip + 2);
    if (head < 20 || total < head || at + total > n) {
        return PID_IP | IPF;
    }
    u32 bad = inet_fold(inet_sum(ip, head, 0)) != 0xffff ? IPF : 0;
    bool tcp = ip[9] == 6, udp = ip[9] == 17;
    if (ld16be(ip + 6) & 0x3fff || !(tcp || udp)) {
        return PID_IP | bad;
    }
    u32 sum = inet_sum(ip + head, total - head, inet_sum(ip + 12, 8, ip[9] + (total - head)));
    bool wrong = inet_fold(sum) != 0xffff && (tcp || (total - head >= 8 && ld16be(ip + head + 6)));
    return bad | (tcp ? PID_TCP | (wrong ? TCPF : 0) : PID_UDP | (wrong ? UDPF : 0));
}
static u64 place(const struct rtl8139 *s)
{
    return s->rx_ring + (u64)s->rx_at * DESC;
}
static u32 descriptor_word(const struct rtl8139 *s)
{
    u8 d[4];
    mem_read(s->pci.dev.dma, place(s), d, 4, rtl8139_attrs(s));
    return ld32le(d);
}
/* Over as many descriptors as it takes; the frame is lost where they end. */
static bool descriptors_fill(struct rtl8139 *s, const u8 *f, size_t n, u32 status, u32 tag)
{
    for (size_t done = 0; done < n;) {
        u8 d[DESC];
        mem_read(s->pci.dev.dma, place(s), d, DESC, rtl8139_attrs(s));
        u32 word = ld32le(d), room = word & 0x1fff;
        if (!(word & OWN) || !room) {
            return false;
        }
        u32 part = (u32)MIN((size_t)room, n - done);
        mem_write(s->pci.dev.dma, ld64le(d + 8), f + done, part, rtl8139_attrs(s));
        u32 ends = (done ? 0 : FS) | (done + part == n ? LS : 0);
        st32le(d + 4, tag);
        mem_write(s->pci.dev.dma, place(s) + 4, d + 4, 4, rtl8139_attrs(s));
        st32le(d, (word & EOR) | ends | status | (u32)n);
        mem_write(s->pci.dev.dma, place(s), d, 4, rtl8139_attrs(s));
        s->rx_at = (u16)(word & EOR || s->rx_at + 1 >= RING ? 0 : s->rx_at + 1);
        done += part;
    }
    return true;
}
static void plus_receive(struct rtl8139 *s, u8 *f, size_t n, u16 how)
{
    u32 status = (how & HEADER_BAR ? BAR : 0) | (how & HEADER_PAM ? PAM : 0) | (how & HEADER_MAR ? MAR : 0), tag = 0;
    size_t bytes = n - CRC;
    bool tagged = bytes >= 18 && ld16be(f + 12) == VLAN;
    status |= s->cpcr & CPCR_CHECKSUM ? checksums(f, bytes, tagged ? 18 : 14) : 0;
    if (tagged && s->cpcr & CPCR_VLAN) {
        tag = TAVA | ld16le(f + 14);
        memmove(f + 12, f + 16, n - 16);
        n -= 4;
    }
    if (descriptors_fill(s, f, n, status, tag)) {
        rtl8139_cause(s, ISR_ROK);
    } else {
        s->missed = (s->missed + 1) & 0xffffff;
        s->count.rx_missed++;
        rtl8139_cause(s, ISR_RXOVW);
    }
}

bool rtl8139_can_receive(void *opaque)
{
    const struct rtl8139 *s = opaque;
    if (!(s->cr & CR_RE) || !pci_is_master(&s->pci)) {
        return true; /* it is dropped */
    }
    return s->cpcr & CPCR_RX ? descriptor_word(s) & OWN : buffer_used(s) + 1600 < buffer_size(s);
}
void rtl8139_receive(void *opaque, const u8 *frame, size_t n)
{
    struct rtl8139 *s = opaque;
    u8 f[FRAME_MAX + CRC];
    u16 how = n >= 14 && n <= FRAME_MAX ? accepted(s, frame) : 0;
    if (!(s->cr & CR_RE) || !pci_is_master(&s->pci) || !how) {
        return;
    }
    memcpy(f, frame, n);
    if (n < FRAME_MIN) {
        memset(f + n, 0, FRAME_MIN - n);
        n = FRAME_MIN;
    }
    st32le(f + n, (u32)crc32(0, f, (uInt)n));
    n += CRC;
    s->count.rx_ok++;
    s->count.rx_all += (how & HEADER_BAR) != 0;
    s->count.rx_multi += (how & HEADER_MAR) != 0;
    if (s->cpcr & CPCR_RX) {
        plus_receive(s, f, n, how);
    } else {
        bytes_receive(s, f, (u32)n, how & (HEADER_BAR | HEADER_PAM | HEADER_MAR));
    }
}

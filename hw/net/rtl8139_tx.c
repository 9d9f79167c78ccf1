/* The RTL8139C+'s transmitter: four slots, or in C+ mode descriptor rings with checksums, large send and VLAN tags. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/inet_sum.h"
#include "hw/net/rtl8139_priv.h"

enum {
    DESC = 16,
    RING = 64, /* descriptors of a C+ ring at most */
    BUDGET = 1 << 20,
    MSS_MIN = 16, /* below any that TCP agrees on */
    OWN = 1u << 31,
    EOR = 1 << 30,
    FS = 1 << 29,
    LS = 1 << 28,
    LGSEN = 1 << 27,
    IPCS = 1 << 18,
    UDPCS = 1 << 17,
    TCPCS = 1 << 16,
    TAGC = 1 << 17, /* of the second word */
    IPV4 = 0x0800,
    VLAN = 0x8100,
    TCP = 6,
    UDP = 17,
    TCP_FIN_PSH = 0x09,
};

static void transmit(struct rtl8139 *s, const u8 *f, size_t n)
{
    s->count.tx_ok++;
    if ((s->tcr & TCR_LOOPBACK) == TCR_LOOPBACK) {
        rtl8139_receive(s, f, n);
    } else if (s->link) {
        net_send(s->netdev, f, n);
    }
}

/* Not while it sends: a loop through memory, which a driver can build, ends here. */
static bool may_send(const struct rtl8139 *s)
{
    return s->cr & CR_TE && !s->sending && pci_is_master(&s->pci);
}

void rtl8139_tx_slot(struct rtl8139 *s, unsigned i)
{
    u8 buf[TSD_SIZE + 1];
    u32 n = s->tsd[i] & TSD_SIZE;
    if (!may_send(s) || s->tsd[i] & TSD_OWN) {
        return;
    }
    s->sending = true;
    mem_read(s->pci.dev.dma, s->tsad[i], buf, n, rtl8139_attrs(s));
    transmit(s, buf, s->tcr & TCR_CRC ? n - MIN(n, (u32)CRC) : n);
    s->sending = false;
    s->tsd[i] |= TSD_OWN | TSD_TOK;
    rtl8139_cause(s, ISR_TOK);
}

/* -- C+ --------------------------------------------------------------------------------------------------------------
 */

/* Where an IPv4 header is; 0: it is no such frame, or a crippled one. */
static unsigned ip_at(const u8 *f, size_t n)
{
    unsigned at = n >= 16 && ld16be(f + 12) == VLAN ? 18 : 14;
    bool ok = n >= at + 20u && ld16be(f + at - 2) == IPV4 && f[at] >> 4 == 4 && (f[at] & 15) >= 5;
    return ok && n >= at + (f[at] & 15) * 4u ? at : 0;
}
static void transport_sum(u8 *f, unsigned ip, unsigned head, unsigned length, unsigned field)
{
    u8 *t = f + ip + head;
    st16be(t + field, 0);
    st16be(t + field, (u16)~inet_fold(inet_sum(t, length, inet_sum(f + ip + 12, 8, f[ip + 9] + length))));
}
static void checksums(u8 *f, size_t n, u32 want)
{
    unsigned ip = ip_at(f, n);
    if (!ip) {
        return;
    }
    unsigned head = (f[ip] & 15) * 4u, total = MIN((unsigned)ld16be(f + ip + 2), (unsigned)(n - ip));
    if (want & IPCS) {
        st16be(f + ip + 10, 0);
        st16be(f + ip + 10, (u16)~inet_fold(inet_sum(f + ip, head, 0)));
    }
    if (want & TCPCS && f[ip + 9] == TCP && total >= head + 20) {
        transport_sum(f, ip, head, total - head, 16);
    } else if (want & UDPCS && f[ip + 9] == UDP && total >= head + 8) {
        transport_sum(f, ip, head, total - head, 6);
    }
}

/* Cuts a TCP frame at `mss` bytes of payload each. */
static void large_send(struct rtl8139 *s, const u8 *f, size_t n, unsigned mss)
{
    static u8 out[NET_FRAME_MAX]; /* under the machine lock */
    unsigned ip = ip_at(f, n), tcp = ip ? ip + (f[ip] & 15) * 4u : 0;
    unsigned head = ip && n >= tcp + 20u ? tcp + (f[tcp + 12] >> 4) * 4u : 0;
    if (!head || head < tcp + 20 || head > n || f[ip + 9] != TCP || mss < MSS_MIN) {
        guest_error(device_name(&s->pci.dev), "a large send that is no TCP frame, or of too small pieces");
        return;
    }
    memcpy(out, f, head);
    for (size_t done = 0, i = 0; done < n - head || !i; i++) {
        size_t part = MIN((size_t)mss, n - head - done);
        bool last = done + part == n - head;
        memcpy(out + head, f + head + done, part);
        st16be(out + ip + 2, (u16)(head - ip + part));
        st16be(out + ip + 4, (u16)(ld16be(f + ip + 4) + i));
        st32be(out + tcp + 4, (u32)(ld32be(f + tcp + 4) + done));
        out[tcp + 13] = last ? f[tcp + 13] : f[tcp + 13] & (u8)~TCP_FIN_PSH;
        checksums(out, head + part, IPCS | TCPCS);
        transmit(s, out, head + part);
        done += part;
    }
}

struct packet {
    u8 *p;
    size_t n;
    u32 first, tag; /* the first descriptor's words */
};
static void packet_send(struct rtl8139 *s, struct packet *k)
{
    if (s->tcr & TCR_CRC) {
        k->n -= MIN(k->n, (size_t)CRC);
    }
    if (k->tag & TAGC && k->n >= 12) {
        memmove(k->p + 16, k->p + 12, k->n - 12);
        st16be(k->p + 12, VLAN);
        st16le(k->p + 14, (u16)k->tag); /* the descriptor has it as the wire does */
        k->n += 4;
    }
    if (k->first & LGSEN) {
        large_send(s, k->p, k->n, k->first >> 16 & 0x7ff);
        return;
    }
    checksums(k->p, k->n, k->first);
    transmit(s, k->p, k->n);
}

static u64 ring_place(const struct rtl8139 *s, unsigned ring, unsigned i)
{
    return s->tx_ring[ring] + (u64)i * DESC;
}
static unsigned ring_next(unsigned i, u32 word)
{
    return word & EOR || i + 1 >= RING ? 0 : i + 1;
}
/* Gathers one packet; true: all of it is there. `next` is the descriptor behind it. */
static bool packet_fetch(struct rtl8139 *s, unsigned ring, struct packet *k, unsigned *next)
{
    unsigned i = s->tx_at[ring];
    k->n = 0;
    for (unsigned parts = 0; parts < RING; parts++) {
        u8 d[DESC];
        mem_read(s->pci.dev.dma, ring_place(s, ring, i), d, DESC, rtl8139_attrs(s));
        u32 word = ld32le(d), len = word & 0xffff;
        if (!(word & OWN)) {
            return false;
        }
        if (!parts) {
            k->first = word;
            k->tag = ld32le(d + 4);
        }
        len = (u32)MIN((size_t)len, NET_FRAME_MAX - k->n);
        mem_read(s->pci.dev.dma, ld64le(d + 8), k->p + k->n, len, rtl8139_attrs(s));
        k->n += len;
        *next = i = ring_next(i, word);
        if (word & LS) {
            return true;
        }
    }
    guest_error(device_name(&s->pci.dev), "a packet without an end");
    return false;
}
static void packet_done(struct rtl8139 *s, unsigned ring, unsigned next)
{
    unsigned i = s->tx_at[ring];
    do {
        u8 d[4];
        mem_read(s->pci.dev.dma, ring_place(s, ring, i), d, 4, rtl8139_attrs(s));
        u32 word = ld32le(d);
        st32le(d, word & ~OWN);
        mem_write(s->pci.dev.dma, ring_place(s, ring, i), d, 4, rtl8139_attrs(s));
        i = ring_next(i, word);
    } while (i != next);
    s->tx_at[ring] = (u16)next;
}

void rtl8139_tx_ring(struct rtl8139 *s, unsigned ring)
{
    static u8 buf[NET_FRAME_MAX + 4]; /* under the machine lock */
    struct packet k = {.p = buf};
    u32 work = 0;
    unsigned next = 0;
    if (!may_send(s) || !(s->cpcr & CPCR_TX)) {
        return;
    }
    s->sending = true;
    while (work < BUDGET && packet_fetch(s, ring, &k, &next)) {
        work += 64 + (u32)k.n;
        if (k.first & FS) {
            packet_send(s, &k);
        }
        packet_done(s, ring, next);
        s->isr |= ISR_TOK;
    }
    s->sending = false;
    if (work >= BUDGET) { /* others come first */
        timer_set(&s->work, clock_now(CLOCK_VIRTUAL));
    }
    rtl8139_cause(s, work && work < BUDGET ? ISR_TDU : 0);
}

/* The 82540EM's transmitter: legacy and extended descriptors, checksums, segmentation, VLAN tags (317453, sections 3.3
 * to 3.5). A packet is taken when all of its descriptors are there, so that none is half sent in between.
 *
 * A guest that queues more than BUDGET bytes at once gives way to others in between. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/e1000_priv.h"
#include "hw/net/inet_sum.h"

enum {
    EOP = 1 << 0, /* of the command byte */
    IFCS = 1 << 1,
    IC = 1 << 2, /* legacy; extended: TSE */
    TSE = 1 << 2,
    RS = 1 << 3,
    DEXT = 1 << 5,
    VLE = 1 << 6,
    IDE = 1 << 7,
    TU_TCP = 1 << 0,
    TU_IP4 = 1 << 1,
    POPT_IXSM = 1 << 0,
    POPT_TXSM = 1 << 1,
    DD = 1 << 0,
    PARTS = 256,      /* descriptors of one packet */
    BUDGET = 4 << 20, /* bytes in one go */
    SEGMENTS = 4096,  /* of one packet: what 64 KB make is far less */
    TCP_FIN_PSH = 0x09,
};

struct packet {
    unsigned n;
    u64 at[PARTS]; /* where the descriptors are */
    u8 d[PARTS][DESC];
};

static bool is_extended(const u8 *d)
{
    return d[11] & DEXT;
}
static bool is_context(const u8 *d)
{
    return is_extended(d) && !(d[10] >> 4);
}
static u32 data_length(const u8 *d)
{
    return is_extended(d) ? ld32le(d + 8) & 0xfffff : ld16le(d + 8);
}

/* -- onto the wire ---------------------------------------------------------------------------------------------------
 */

static void transmit(struct e1000 *s, u8 *frame, size_t n)
{
    if (s->tctl & TCTL_PSP && n < FRAME_MIN) {
        memset(frame + n, 0, FRAME_MIN - n);
        n = FRAME_MIN;
    }
    e1000_count(s, S_TPT, 1);
    e1000_count(s, S_GPTC, 1);
    e1000_count64(s, S_GOTCL, (u32)n + CRC);
    e1000_count64(s, S_TOTL, (u32)n + CRC);
    e1000_count_size(s, S_PTC64, n + CRC);
    if (n >= 6 && frame[0] & 1) {
        bool all = !memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6);
        e1000_count(s, all ? S_BPTC : S_MPTC, 1);
    }
    if (e1000_loops(s)) {
        e1000_receive(s, frame, n);
    } else if (s->link) {
        net_send(s->netdev, frame, n);
    }
}

/* The sum from `start` to `end` (inclusive; 0: the last byte) is put at `at`, where part of it may stand already. */
static bool checksum_put(u8 *p, size_t n, size_t start, size_t end, size_t at)
{
    size_t stop = end && end < n ? end + 1 : n;
    if (start >= stop || at + 2 > n) {
        return false;
    }
    st16be(p + at, (u16)~inet_fold(inet_sum(p + start, stop - start, 0)));
    return true;
}

/* One finished frame: checksums, tag. There are 4 bytes of room behind it. */
static void frame_send(struct e1000 *s, const struct packet *k, const struct e1000_context *c, u8 *p, size_t n)
{
    const u8 *first = k->d[0], *last = k->d[k->n - 1];
    bool ok = true, vlan = last[11] & VLE && s->ctrl & CTRL_VME;
    if (is_extended(first)) {
        ok = !(first[13] & POPT_IXSM) || checksum_put(p, n, c->ipcss, c->ipcse, c->ipcso);
        ok = (!(first[13] & POPT_TXSM) || checksum_put(p, n, c->tucss, c->tucse, c->tucso)) && ok;
    } else if (last[11] & IC) {
        ok = checksum_put(p, n, last[13], 0, last[10]);
    }
    if (!ok) {
        guest_error(device_name(&s->pci.dev), "a checksum outside a frame of %zu bytes", n);
    }
    if (!(last[11] & IFCS)) { /* it brings its own */
        n -= MIN(n, (size_t)CRC);
    }
    if (vlan && n >= 12) {
        const u8 *tag = is_extended(first) ? first : last;
        memmove(p + 16, p + 12, n - 12);
        st16be(p + 12, (u16)s->plain[P_VET]);
        st16be(p + 14, ld16le(tag + 14));
        n += 4;
    }
    transmit(s, p, n);
}

/* -- segmentation ----------------------------------------------------------------------------------------------------
 */

struct cutter {
    u8 *p;        /* the header, then the payload of one segment */
    size_t n;     /* bytes there */
    u32 left, nr; /* payload still to come after this segment; which segment it is */
    u32 sent;
};

static void add16(u8 *p, u32 v)
{
    st16be(p, (u16)(ld16be(p) + v));
}
/* What differs from segment to segment. Offsets were checked against the header's length. */
static void header_fix(const struct e1000_context *c, u8 *p, size_t n, const struct cutter *k)
{
    bool last = !k->left;
    if (c->cmd & TU_IP4) {
        st16be(p + c->ipcss + 2, (u16)(n - c->ipcss));
        add16(p + c->ipcss + 4, k->nr);
    } else {
        st16be(p + c->ipcss + 4, (u16)(n - c->ipcss - 40));
    }
    u32 length = (u32)(n - c->tucss);
    if (c->cmd & TU_TCP) {
        st32be(p + c->tucss + 4, ld32be(p + c->tucss + 4) + k->sent);
        if (!last) {
            p[c->tucss + 13] &= (u8)~TCP_FIN_PSH;
        }
    } else {
        st16be(p + c->tucss + 4, (u16)length);
    }
    /* The pseudo-header's sum stands without the length. */
    st16be(p + c->tucso, inet_fold(ld16be(p + c->tucso) + length));
}
static void segment_send(struct e1000 *s, const struct packet *k, const struct e1000_context *c, struct cutter *cut)
{
    static u8 segment[NET_FRAME_MAX + 256 + 4]; /* under the machine lock */
    memcpy(segment, cut->p, cut->n);
    header_fix(c, segment, cut->n, cut);
    frame_send(s, k, c, segment, cut->n);
    e1000_count(s, S_TSCTC, cut->nr == 0);
    cut->sent += (u32)(cut->n - c->hdrlen);
    cut->nr++;
    cut->n = c->hdrlen;
}
static bool context_fits(const struct e1000_context *c)
{
    unsigned transport = c->cmd & TU_TCP ? 20 : 8, net = c->cmd & TU_IP4 ? 20 : 40;
    return c->mss && c->paylen / c->mss <= SEGMENTS && c->ipcss + net <= c->hdrlen &&
           c->tucss + transport <= c->hdrlen && c->tucso + 2u <= c->hdrlen && c->hdrlen + c->mss <= NET_FRAME_MAX;
}
static void packet_cut(struct e1000 *s, const struct packet *k)
{
    static u8 buf[NET_FRAME_MAX + 256]; /* under the machine lock */
    const struct e1000_context *c = &s->ctx[1];
    struct cutter cut = {.p = buf, .left = c->paylen};
    u32 room = c->hdrlen + c->paylen;
    if (!context_fits(c)) {
        guest_error(device_name(&s->pci.dev), "a context for segmentation that makes no sense");
        return;
    }
    for (unsigned i = 0; i < k->n; i++) {
        u64 at = ld64le(k->d[i]);
        u32 len = MIN(data_length(k->d[i]), room);
        room -= len;
        for (u32 done = 0, n; done < len; done += n) {
            n = (u32)MIN((size_t)(len - done), (size_t)c->hdrlen + c->mss - cut.n);
            mem_read(s->pci.dev.dma, at + done, buf + cut.n, n, e1000_attrs(s));
            cut.n += n;
            if (cut.n == (size_t)c->hdrlen + c->mss) {
                cut.left -= MIN(cut.left, (u32)c->mss);
                segment_send(s, k, c, &cut);
            }
        }
    }
    if (cut.n > c->hdrlen) {
        cut.left = 0;
        segment_send(s, k, c, &cut);
    }
}

/* -- descriptors -----------------------------------------------------------------------------------------------------
 */

static void packet_send(struct e1000 *s, const struct packet *k)
{
    static u8 buf[NET_FRAME_MAX + 4]; /* under the machine lock */
    size_t n = 0;
    if (is_extended(k->d[0]) && k->d[0][11] & TSE) {
        packet_cut(s, k);
        return;
    }
    for (unsigned i = 0; i < k->n; i++) {
        u32 len = data_length(k->d[i]);
        if (len > NET_FRAME_MAX - n) {
            guest_error(device_name(&s->pci.dev), "a frame of more than %u bytes", NET_FRAME_MAX);
            return;
        }
        mem_read(s->pci.dev.dma, ld64le(k->d[i]), buf + n, len, e1000_attrs(s));
        n += len;
    }
    if (n) {
        frame_send(s, k, &s->ctx[0], buf, n);
    }
}

static void context_load(struct e1000 *s, const u8 *d)
{
    s->ctx[d[11] & TSE ? 1 : 0] = (struct e1000_context){
        .ipcss = d[0],
        .ipcso = d[1],
        .ipcse = ld16le(d + 2),
        .tucss = d[4],
        .tucso = d[5],
        .tucse = ld16le(d + 6),
        .paylen = ld32le(d + 8) & 0xfffff,
        .cmd = d[11],
        .hdrlen = d[13],
        .mss = ld16le(d + 14),
    };
}

/* From the head on: a context, or a whole packet. False: the rest of it is not there yet. */
static bool packet_fetch(struct e1000 *s, struct packet *k, u32 ring, u32 *next)
{
    u64 base = (u64)s->plain[P_TDBAH] << 32 | s->plain[P_TDBAL];
    k->n = 0;
    for (u32 i = s->tdh; i != s->tdt && k->n < PARTS;) {
        u8 *d = k->d[k->n];
        k->at[k->n] = base + (u64)i * DESC;
        mem_read(s->pci.dev.dma, k->at[k->n++], d, DESC, e1000_attrs(s));
        i = i + 1 < ring ? i + 1 : 0;
        *next = i;
        if (is_context(d) || d[11] & EOP) {
            return true;
        }
    }
    if (k->n == PARTS || (s->tdt + 1 < ring ? s->tdt + 1 : 0) == s->tdh) {
        guest_error(device_name(&s->pci.dev), "a packet of more than %u descriptors", k->n - 1);
        return true; /* they are passed over */
    }
    return false;
}
/* True: somebody wants to know of it now, not later. */
static void packet_done(struct e1000 *s, const struct packet *k, bool *now, bool *later)
{
    for (unsigned i = 0; i < k->n; i++) {
        const u8 *d = k->d[i];
        if (d[11] & RS) {
            u8 status = (u8)((d[12] & 0xf0) | DD);
            mem_write(s->pci.dev.dma, k->at[i] + 12, &status, 1, e1000_attrs(s));
            *(d[11] & IDE ? later : now) = true;
        }
    }
}

void e1000_tx_run(struct e1000 *s)
{
    static struct packet k; /* under the machine lock */
    u32 ring = s->plain[P_TDLEN] / DESC, next = 0, work = 0, low = (u32)bits(s->plain[P_TXDCTL], 25, 7) * 8, queued;
    bool now = false, later = false, any = false;
    if (!(s->tctl & TCTL_EN) || s->sending || !pci_is_master(&s->pci) || s->tdh == s->tdt) {
        return; /* not while it sends: a loop through memory, which a driver can build, ends here */
    }
    if (s->tdh >= ring || s->tdt >= ring) {
        guest_error(device_name(&s->pci.dev), "TDH or TDT is outside the ring");
        return;
    }
    queued = s->tdt >= s->tdh ? s->tdt - s->tdh : ring - s->tdh + s->tdt;
    s->sending = true;
    while (s->tdh != s->tdt && work < BUDGET && packet_fetch(s, &k, ring, &next)) {
        bool whole = k.d[k.n - 1][11] & EOP;
        if (is_context(k.d[k.n - 1])) {
            context_load(s, k.d[k.n - 1]);
        } else if (whole) {
            packet_send(s, &k);
        }
        packet_done(s, &k, &now, &later);
        for (unsigned i = 0; i < k.n; i++) {
            work += 256 + data_length(k.d[i]);
        }
        s->tdh = next;
        any = true;
    }
    s->sending = false;
    if (work >= BUDGET) {
        timer_set(&s->work, clock_now(CLOCK_VIRTUAL));
    }
    if (later) {
        e1000_delayed(s, true);
    }
    e1000_cause(s, (now ? ICR_TXDW : 0) |
                       (any && s->tdh == s->tdt ? ICR_TXQE | (low && queued > low ? ICR_TXD_LOW : 0) : 0));
}

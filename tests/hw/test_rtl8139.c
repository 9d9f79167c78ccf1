/* The RTL8139C+, as drivers of the RTL8139 and of the C+ use it, and a card on the same hub. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/net/rtl8139.h"
#include "tests/hw/net_peer.h"
#include "tests/hw/pci_bench.h"

enum {
    IDR = 0x00,
    MAR = 0x08,
    TSD = 0x10,
    TSAD = 0x20,
    RBSTART = 0x30,
    CR = 0x37,
    CAPR = 0x38,
    CBR = 0x3a,
    IMR = 0x3c,
    ISR = 0x3e,
    TCR = 0x40,
    RCR = 0x44,
    TCTR = 0x48,
    EECR = 0x50,
    CONFIG1 = 0x52,
    TIMERINT = 0x54,
    MSR = 0x58,
    BMSR = 0x64,
    POLL = 0xd9,
    CPCR = 0xe0,
    RDSAR = 0xe4,
    TE_RE = 0x0c,
};
#define TX_DATA (BENCH_RAM + 0x10000)
#define RX_DATA (BENCH_RAM + 0x20000)
#define TX_RING (BENCH_RAM + 0x40000)
#define RX_RING (BENCH_RAM + 0x41000)
#define OWN     0x80000000u

static struct pci_bench s;
static u32 r(unsigned off, unsigned size)
{
    return (u32)pci_bench_load(&s, s.mem + off, size);
}
static void w(unsigned off, unsigned size, u32 v)
{
    pci_bench_store(&s, s.mem + off, size, v);
}
static void start(void)
{
    peer_start();
    s = pci_bench_new(&rtl8139_class, "netdev=n0,mac=52:54:00:aa:bb:cc,romfile=");
}
static void end(void)
{
    pci_bench_free(&s);
    peer_end();
}
static void is_what_drivers_look_for(void **st)
{
    (void)st;
    start();
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 0), 4), 0x813910ec);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 8), 1), 0x20);
    assert_int_equal(r(IDR, 4), 0xaa005452);
    assert_int_equal(r(IDR + 4, 2), 0xccbb);
    assert_int_equal(pci_bench_load(&s, s.io, 4), 0xaa005452);
    assert_int_equal(r(TCR, 4) & 0x7cc00000, 0x74800000);
    assert_int_equal(r(CR, 1), 1);
    assert_int_equal(r(MSR, 1) & 4, 0);
    assert_int_equal(r(BMSR, 2) & 0x24, 0x24);
    /* word 7 of the EEPROM, as 8139too reads it */
    u32 command = 6 << 6 | 7, word = 0;
    w(EECR, 1, 0x80);
    w(EECR, 1, 0x88);
    for (int i = 10; i >= 0; i--) {
        u32 di = command >> i & 1 ? 2 : 0;
        w(EECR, 1, 0x88 | di);
        w(EECR, 1, 0x8c | di);
    }
    w(EECR, 1, 0x88);
    for (unsigned i = 0; i < 16; i++) {
        w(EECR, 1, 0x8c);
        word = word << 1 | (r(EECR, 1) & 1);
        w(EECR, 1, 0x88);
    }
    assert_int_equal(word, 0x5452);
    bench_snapshot_roundtrip(s.b);
    u64 errors = guest_error_count();
    w(CONFIG1, 1, 0x80);
    assert_int_equal(guest_error_count(), errors + 1);
    w(EECR, 1, 0xc0);
    w(CONFIG1, 1, 0x80);
    assert_int_equal(r(CONFIG1, 1), 0x8c);
    w(IDR, 4, 0x11223344);
    w(IDR + 4, 4, 0x5566);
    assert_int_equal(r(IDR + 3, 1), 0x11);
    w(CR, 1, 0x10);
    assert_int_equal(r(IDR, 4), 0xaa005452);
    end();
}

static void four_slots(void **st)
{
    (void)st;
    start();
    u8 *p = pci_bench_ram(&s, TX_DATA);
    for (unsigned i = 0; i < 200; i++) {
        p[i] = (u8)(i * 5);
    }
    w(CR, 1, TE_RE);
    w(IMR, 2, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(r(TSD + 4 * i, 4) & 0x2000, 0x2000);
        w(TSAD + 4 * i, 4, (u32)TX_DATA + i);
        w(TSD + 4 * i, 4, 100 + i);
        assert_int_equal(peer.count, i + 1);
        assert_int_equal(peer.len[i], 100 + i);
        assert_memory_equal(peer.frame[i], p + i, 100 + i);
        assert_int_equal(r(TSD + 4 * i, 4), 0xa000 | (100 + i));
    }
    assert_int_equal(r(0x60, 2), 0xf00f);
    assert_true(pci_bench_intx(&s));
    bench_snapshot_roundtrip(s.b);
    w(ISR, 2, 4);
    assert_false(pci_bench_intx(&s));
    w(CR, 1, 0x08);
    w(TSD, 4, 100);
    assert_int_equal(peer.count, 4);
    end();
}

static const u8 all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void the_ring_of_bytes(void **st)
{
    (void)st;
    u8 f[1500];
    start();
    for (unsigned i = 0; i < sizeof(f); i++) {
        f[i] = (u8)(i * 11);
    }
    memcpy(f, all, 6);
    u8 *p = pci_bench_ram(&s, RX_DATA);
    w(RBSTART, 4, (u32)RX_DATA);
    w(CR, 1, TE_RE);
    w(RCR, 4, 0x0e); /* 8 KiB, wraps */
    w(IMR, 2, 1);
    peer_send(f, 20);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(CR, 1) & 1, 0);
    assert_int_equal(ld16le(p), 0x2001);
    assert_int_equal(ld16le(p + 2), 64);
    assert_memory_equal(p + 4, f, 20);
    assert_int_equal(r(CBR, 2), 68);
    bench_snapshot_roundtrip(s.b);
    w(CAPR, 2, 68 - 16);
    assert_int_equal(r(CR, 1) & 1, 1);
    u32 at = 68;
    for (unsigned i = 0; i < 20; i++) { /* more than once round */
        peer_send(f, 1500);
        assert_int_equal(ld16le(p + at + 2), 1504);
        u32 first = MIN(1500u, 8192 - (at + 4) % 8192);
        assert_memory_equal(p + (at + 4) % 8192, f, first);
        assert_memory_equal(p, f + first, 1500 - first);
        at = (at + 1508) % 8192;
        assert_int_equal(r(CBR, 2), at);
        w(CAPR, 2, at - 16);
    }
    /* Without room it waits on the host, and comes when there is some. */
    for (unsigned i = 0; i < 8; i++) {
        peer_send(f, 1500);
    }
    u32 cbr = r(CBR, 2);
    w(CAPR, 2, cbr - 16);
    peer_pass(0);
    assert_int_not_equal(r(CBR, 2), cbr);
    /* filters */
    w(CR, 1, 0x10);
    w(RBSTART, 4, (u32)RX_DATA);
    w(CR, 1, TE_RE);
    w(RCR, 4, 0x02);
    peer_send(f, 60);
    assert_int_equal(r(CBR, 2), 0);
    memcpy(f, "\x52\x54\x00\xaa\xbb\xcc", 6);
    peer_send(f, 60);
    assert_int_equal(ld16le(p), 0x4001);
    memcpy(f, "\x01\x00\x5e\x00\x00\x01", 6); /* its hash is 31 */
    w(RCR, 4, 0x06);
    peer_send(f, 60);
    assert_int_equal(r(CBR, 2), 68);
    w(MAR + 0, 4, 0x80000000);
    peer_send(f, 60);
    assert_int_equal(ld16le(p + 68), 0x8001);
    f[0] = 0;
    peer_send(f, 60);
    assert_int_equal(r(CBR, 2), 136);
    w(RCR, 4, 0x01);
    peer_send(f, 60);
    assert_int_equal(r(CBR, 2), 204);
    end();
}

static void descriptor(u64 ring, unsigned i, u32 word, u32 second, u64 at)
{
    u8 *d = (u8 *)pci_bench_ram(&s, ring) + 16 * i;
    st32le(d, word);
    st32le(d + 4, second);
    st64le(d + 8, at);
}
static u32 word_of(u64 ring, unsigned i)
{
    return ld32le((u8 *)pci_bench_ram(&s, ring) + 16 * i);
}
static void plus_start(void)
{
    start();
    w(CPCR, 2, 0x63);
    w(TSAD, 4, (u32)TX_RING);
    w(TSAD + 4, 4, 0);
    w(RDSAR, 4, (u32)RX_RING);
    w(CR, 1, TE_RE);
    w(RCR, 4, 0x0e);
}
static void descriptors_out(void **st)
{
    (void)st;
    plus_start();
    u8 *p = pci_bench_ram(&s, TX_DATA);
    peer_tcp_frame(p, 3000, 3040);
    st16be(p + 16, 140);
    descriptor(TX_RING, 0, OWN | 1u << 29 | 5u << 16 | 54, 0, TX_DATA); /* IP and TCP checksums */
    descriptor(TX_RING, 1, OWN | 1u << 28 | 100, 0, TX_DATA + 54);
    descriptor(TX_RING, 2, 1u << 30, 0, 0);
    w(POLL, 1, 0x40);
    assert_int_equal(peer.count, 1);
    assert_int_equal(peer.len[0], 154);
    assert_true(peer_checksums_good(peer.frame[0], 154));
    assert_int_equal(word_of(TX_RING, 0) & OWN, 0);
    assert_int_equal(word_of(TX_RING, 1) & OWN, 0);
    assert_int_equal(r(ISR, 2), 0x84);
    bench_snapshot_roundtrip(s.b);
    /* large send, at the ring's end, then a tag */
    st16be(p + 16, 3040);
    descriptor(TX_RING, 2, OWN | 15u << 27 | 1460u << 16 | 3054, 0, TX_DATA);
    descriptor(TX_RING, 0, OWN | 3u << 28 | 100, 1 << 17 | 0x2301, TX_DATA);
    w(POLL, 1, 0x40);
    assert_int_equal(peer.count, 5);
    for (unsigned i = 1; i < 4; i++) {
        unsigned n = i < 3 ? 1460 : 80;
        assert_int_equal(peer.len[i], 54 + n);
        assert_true(peer_checksums_good(peer.frame[i], 54 + n));
        assert_memory_equal(peer.frame[i] + 54, p + 54 + 1460 * (i - 1), n);
        assert_int_equal(ld32be(peer.frame[i] + 38), 0x100 + 1460 * (i - 1));
        assert_int_equal(peer.frame[i][47], i < 3 ? 0x10 : 0x19);
    }
    assert_int_equal(peer.len[4], 104);
    assert_int_equal(ld32be(peer.frame[4] + 12), 0x81000123);
    /* the tally */
    w(TSD + 4, 4, 0);
    w(TSD, 4, (u32)RX_DATA | 8);
    assert_int_equal(r(TSD, 4), (u32)RX_DATA);
    assert_int_equal(ld64le(pci_bench_ram(&s, RX_DATA)), 5);
    end();
}

static void descriptors_in(void **st)
{
    (void)st;
    u8 f[300];
    plus_start();
    peer_tcp_frame(f, 200, 240);
    memcpy(f, "\x52\x54\x00\xaa\xbb\xcc", 6);
    st16be(f + 24, (u16)~peer_fold(0x4500 + 240 + 0x1234 + 0x4000 + 0x4006 + 10 * 256 + 527 + 10 * 256 + 514));
    peer_send(f, 254); /* it waits */
    descriptor(RX_RING, 0, OWN | 1536, 0, RX_DATA);
    descriptor(RX_RING, 1, OWN | 256, 0, RX_DATA + 0x1000);
    descriptor(RX_RING, 2, OWN | 1u << 30 | 256, 0, RX_DATA + 0x2000);
    w(RCR, 4, 0x0e);
    peer_pass(0);
    assert_int_equal(word_of(RX_RING, 0), 0x32000000 | 1 << 16 | 1 << 13 | 258); /* TCP's checksum was never made */
    assert_memory_equal(pci_bench_ram(&s, RX_DATA), f, 254);
    bench_snapshot_roundtrip(s.b);
    /* over two, with a tag taken off */
    memmove(f + 16, f + 12, 254 - 12);
    st32be(f + 12, 0x81000077);
    peer_send(f, 290);
    assert_int_equal(word_of(RX_RING, 1) & 0xf0001fff, 0x20000000 | 290);
    assert_int_equal(word_of(RX_RING, 2) & 0xf0001fff, 0x50000000 | 290);
    assert_int_equal(ld32le((u8 *)pci_bench_ram(&s, RX_RING) + 16 + 4), 0x17700);
    assert_int_equal(ld16be((u8 *)pci_bench_ram(&s, RX_DATA + 0x1000) + 12), 0x0800);
    w(ISR, 2, 0xffff);
    end();
}

static void timer_and_cable(void **st)
{
    (void)st;
    start();
    w(IMR, 2, 0xffff);
    w(TCTR, 4, 0);
    w(TIMERINT, 4, 33000);
    peer_pass(989000);
    assert_false(pci_bench_intx(&s));
    bench_snapshot_roundtrip(s.b);
    peer_pass(1000);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(ISR, 2), 0x4000);
    assert_int_equal(r(TCTR, 4), 33000);
    w(ISR, 2, 0x4000);
    machine_lock();
    net_set_link(net_find("n0"), false);
    machine_unlock();
    assert_int_equal(r(ISR, 2), 0x20);
    assert_int_equal(r(MSR, 1) & 4, 4);
    assert_int_equal(r(BMSR, 2) & 4, 0);
    w(POLL, 1, 1);
    assert_int_equal(r(ISR, 2), 0x120);
    end();
}

static void hostile(void **st)
{
    (void)st;
    u8 f[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    plus_start();
    /* a ring that never ends, and a packet that never does */
    for (unsigned i = 0; i < 64; i++) {
        descriptor(TX_RING, i, OWN | 1u << 29 | 0xffff, 0, ~0ull - 8);
    }
    u64 errors = guest_error_count();
    w(POLL, 1, 0x40);
    assert_true(guest_error_count() > errors);
    descriptor(TX_RING, 0, OWN | 0xf0000000, 0, TX_DATA); /* alone, large send of nothing */
    w(POLL, 1, 0x40);
    u32 x = 31;
    u8 *tx = pci_bench_ram(&s, TX_RING);
    for (unsigned i = 0; i < 30000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned size = 1u << (x >> 8) % 3, off = x >> 16 & 0xff & ~(size - 1);
        switch (x >> 28) {
        case 0:
        case 1:
        case 2:
            tx[x >> 8 & 0x1fff] = (u8)(x >> 20);
            break;
        case 3:
            w(POLL, 1, 0xc0);
            break;
        case 4:
            peer_send(f, x >> 8 & 1 ? 60 : sizeof(f));
            break;
        case 5:
            peer_pass(x & 0xfffff);
            break;
        case 6:
        case 7:
        case 8:
            r(off, size);
            break;
        case 9:
            w(CR, 1, TE_RE);
            w(RCR, 4, 0x0f | (x & 0x1880));
            w(RBSTART, 4, (u32)RX_DATA);
            break;
        case 10:
            w(CPCR, 2, 0x63);
            w(TSAD, 4, (u32)TX_RING);
            w(TSAD + 4, 4, 0);
            w(RDSAR, 4, (u32)RX_RING);
            w(RDSAR + 4, 4, 0);
            break;
        default:
            w(off, size, x * 2654435761u);
            break;
        }
    }
    bench_snapshot_roundtrip(s.b);
    end();
    four_slots(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_drivers_look_for),
        cmocka_unit_test(four_slots),
        cmocka_unit_test(the_ring_of_bytes),
        cmocka_unit_test(descriptors_out),
        cmocka_unit_test(descriptors_in),
        cmocka_unit_test(timer_and_cable),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

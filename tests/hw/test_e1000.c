/* The 82540EM between a driver as the manual has it and a card on the same hub. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/net/e1000.h"
#include "hw/net/e1000_priv.h"
#include "tests/hw/net_peer.h"
#include "tests/hw/pci_bench.h"

enum {
    CTRL = 0x0,
    STATUS = 0x8,
    EECD = 0x10,
    EERD = 0x14,
    MDIC = 0x20,
    ICR = 0xc0,
    ITR = 0xc4,
    ICS = 0xc8,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    RDTR = 0x2820,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    TIDV = 0x3820,
    STAT = 0x4000,
    RXCSUM = 0x5000,
    MTA = 0x5200,
    RA = 0x5400,
    VFTA = 0x5600,
    RING = 64,
};
#define TX_RING (BENCH_RAM + 0x10000)
#define RX_RING (BENCH_RAM + 0x20000)
#define TX_DATA (BENCH_RAM + 0x100000)
#define RX_DATA (BENCH_RAM + 0x200000)
#define RX_SIZE 2048

static struct pci_bench s;
static u32 r(unsigned off)
{
    return (u32)pci_bench_load(&s, s.mem + off, 4);
}
static void w(unsigned off, u32 v)
{
    pci_bench_store(&s, s.mem + off, 4, v);
}
static u8 *desc(u64 ring, unsigned i)
{
    return (u8 *)pci_bench_ram(&s, ring) + i * 16;
}

static void start(void)
{
    peer_start();
    s = pci_bench_new(&e1000_class, "netdev=n0,mac=52:54:00:aa:bb:cc,romfile=");
    w(CTRL, CTRL_SLU);
    w(TDBAL, (u32)TX_RING);
    w(TDLEN, RING * 16);
    w(RDBAL, (u32)RX_RING);
    w(RDLEN, RING * 16);
    for (unsigned i = 0; i < RING; i++) {
        st64le(desc(RX_RING, i), RX_DATA + i * RX_SIZE);
    }
    w(TCTL, TCTL_EN | TCTL_PSP);
    w(RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
    r(ICR);
}
static void end(void)
{
    pci_bench_free(&s);
    peer_end();
}
static const u8 ours[6] = {0x52, 0x54, 0, 0xaa, 0xbb, 0xcc};

static void is_what_drivers_look_for(void **st)
{
    (void)st;
    start();
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 0), 4), 0x100e8086);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 8), 4), 0x02000003);
    assert_int_equal(r(STATUS) & 0xff, 0x83);
    assert_int_equal(r(RA), 0xaa005452);
    assert_int_equal(r(RA + 4), 0x8000ccbb);
    /* by EERD, and bit by bit */
    u16 sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        w(EERD, i << 8 | 1);
        assert_int_equal(r(EERD) & 0x10, 0x10);
        sum = (u16)(sum + (r(EERD) >> 16));
    }
    assert_int_equal(sum, 0xbaba);
    w(EECD, 0x40);
    assert_int_equal(r(EECD) & 0x1c0, 0x1c0);
    u32 in = 6 << 6 | 1, out = 0;
    for (int i = 8; i >= 0; i--) {
        u32 di = in >> i & 1 ? 4 : 0;
        w(EECD, 0x42 | di);
        w(EECD, 0x43 | di);
    }
    for (unsigned i = 0; i < 16; i++) {
        w(EECD, 0x42);
        w(EECD, 0x43);
        out = out << 1 | (r(EECD) >> 3 & 1);
    }
    assert_int_equal(out, 0xaa00);
    w(EECD, 0);
    /* PHY */
    w(MDIC, 2 << 26 | 1 << 21 | 2 << 16);
    assert_int_equal(r(MDIC) & 0x1000ffff, 0x10000141);
    w(MDIC, 2 << 26 | 1 << 21 | 1 << 16);
    assert_int_equal(r(MDIC) & 0x24, 0x24);
    w(MDIC, 2 << 26 | 2 << 21 | 1 << 16);
    assert_int_equal(r(MDIC) & 1 << 30, 1 << 30);
    /* the window in I/O space */
    pci_bench_store(&s, s.io, 4, RA);
    assert_int_equal(pci_bench_load(&s, s.io + 4, 4), 0xaa005452);
    pci_bench_store(&s, s.io, 4, 0x38);
    pci_bench_store(&s, s.io + 4, 4, 0x88a8);
    assert_int_equal(r(0x38), 0x88a8);
    bench_snapshot_roundtrip(s.b);
    w(CTRL, CTRL_RST);
    assert_int_equal(r(0x38), 0x8100);
    end();
}

static void legacy_frames(void **st)
{
    (void)st;
    start();
    u8 *p = pci_bench_ram(&s, TX_DATA);
    for (unsigned i = 0; i < 100; i++) {
        p[i] = (u8)i;
    }
    w(IMS, 1);
    st64le(desc(TX_RING, 0), TX_DATA);
    st32le(desc(TX_RING, 0) + 8, 50); /* the first of two */
    w(TDT, 1);
    assert_int_equal(peer.count, 0);
    st64le(desc(TX_RING, 1), TX_DATA + 50);
    st32le(desc(TX_RING, 1) + 8, 50 | 0x0bu << 24);
    w(TDT, 2);
    assert_int_equal(peer.count, 1);
    assert_int_equal(peer.len[0], 100);
    assert_memory_equal(peer.frame[0], p, 100);
    assert_int_equal(desc(TX_RING, 1)[12], 1);
    assert_int_equal(desc(TX_RING, 0)[12], 0);
    assert_int_equal(r(TDH), 2);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(ICR), 3);
    assert_false(pci_bench_intx(&s));
    /* checksum from byte 14 on into byte 20, padded, with a tag */
    w(CTRL, CTRL_SLU | CTRL_VME);
    st64le(desc(TX_RING, 2), TX_DATA);
    st32le(desc(TX_RING, 2) + 8, 40 | 20 << 16 | 0x4fu << 24);
    st32le(desc(TX_RING, 2) + 12, 14 << 8 | 0x2123u << 16);
    w(TDT, 3);
    assert_int_equal(peer.count, 2);
    assert_int_equal(peer.len[1], 60);
    assert_int_equal(ld32be(peer.frame[1] + 12), 0x81002123);
    u32 sum = 0;
    for (unsigned i = 14; i < 40; i += 2) {
        sum += (u32)(i << 8 | (i + 1));
    }
    sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(ld16be(peer.frame[1] + 24), (u16)~sum);
    assert_int_equal(r(STAT + 0xd4), 2); /* TPT */
    assert_int_equal(r(STAT + 0xd4), 0);
    bench_snapshot_roundtrip(s.b);
    /* The ring runs low only where there was more before. */
    w(0x3828, 1 << 25);
    r(ICR);
    st32le(desc(TX_RING, 3) + 8, 60 | 0x0bu << 24);
    w(TDT, 4);
    assert_int_equal(r(ICR), 3);
    w(TCTL, 0);
    for (unsigned i = 4; i < 14; i++) {
        st64le(desc(TX_RING, i), TX_DATA);
        st32le(desc(TX_RING, i) + 8, 60 | 0x0bu << 24);
    }
    w(TDT, 14);
    w(TCTL, TCTL_EN);
    assert_int_equal(peer.count, 13);
    assert_int_equal(r(ICR), 0x8003);
    end();
}

static void context(unsigned i, bool tse, u32 paylen, u16 mss)
{
    u8 *d = desc(TX_RING, i);
    st32le(d, 14 | 24 << 8 | 33u << 16);
    st32le(d + 4, 34 | 50 << 8);
    st32le(d + 8, paylen | (tse ? 0x27u : 0x23u) << 24);
    st32le(d + 12, 54 << 8 | (u32)mss << 16);
}
static void data(unsigned i, u64 at, u32 n, u8 cmd)
{
    u8 *d = desc(TX_RING, i);
    st64le(d, at);
    st32le(d + 8, n | 1 << 20 | (u32)cmd << 24);
    st32le(d + 12, 3 << 8);
}

static void segments(void **st)
{
    (void)st;
    start();
    u8 *p = pci_bench_ram(&s, TX_DATA);
    peer_tcp_frame(p, 5000, 5040);
    u32 pseudo = 10 * 256 + (2 * 256 + 15) + 10 * 256 + (2 * 256 + 2) + 6;
    st16be(p + 50, peer_fold(pseudo)); /* without the length */
    context(0, true, 5000, 1460);
    data(1, TX_DATA, 54, 0x26);
    data(2, TX_DATA + 54, 3000, 0x26);
    data(3, TX_DATA + 3054, 2000, 0x2f);
    w(TDT, 4);
    assert_int_equal(peer.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = i < 3 ? 1460 : 620;
        const u8 *f = peer.frame[i];
        assert_int_equal(peer.len[i], 54 + n);
        assert_int_equal(ld16be(f + 16), 40 + n);
        assert_int_equal(ld16be(f + 18), 0x1234 + i);
        assert_int_equal(ld32be(f + 38), 0x100 + i * 1460);
        assert_int_equal(f[47], i < 3 ? 0x10 : 0x19);
        assert_memory_equal(f + 54, p + 54 + i * 1460, n);
        assert_true(peer_checksums_good(f, peer.len[i]));
    }
    assert_int_equal(desc(TX_RING, 3)[12] & 1, 1);
    bench_snapshot_roundtrip(s.b); /* contexts too */
    /* Checksums only: the pseudo-header's with the length. */
    st16be(p + 16, 140);
    st16be(p + 50, peer_fold(pseudo + 120));
    context(4, false, 0, 0);
    data(5, TX_DATA, 154, 0x2b);
    w(TDT, 6);
    assert_int_equal(peer.count, 5);
    assert_true(peer_checksums_good(peer.frame[4], 154));
    end();
}

static void receives_and_checks(void **st)
{
    (void)st;
    u8 f[1600];
    start();
    peer_tcp_frame(f, 200, 240);
    memcpy(f, ours, 6);
    st16be(f + 24, (u16)~peer_fold(0x4500 + 240 + 0x1234 + 0x4000 + 0x4006 + 10 * 256 + 527 + 10 * 256 + 514));
    w(IMS, 0x80);
    peer_send(f, 254);
    assert_int_equal(desc(RX_RING, 0)[12], 0); /* no buffers: it waits */
    w(RDT, 8);
    peer_pass(0);
    assert_int_equal(desc(RX_RING, 0)[12] & 0x87, 0x07); /* its own address; checksums not looked at */
    assert_int_equal(ld16le(desc(RX_RING, 0) + 8), 254);
    assert_memory_equal(pci_bench_ram(&s, RX_DATA), f, 254);
    assert_true(pci_bench_intx(&s));
    bench_snapshot_roundtrip(s.b);
    assert_int_equal(r(ICR) & 0x80, 0x80);
    w(RXCSUM, 0x300);
    peer_send(f, 254);
    assert_int_equal(desc(RX_RING, 1)[12], 0x63);
    assert_int_equal(desc(RX_RING, 1)[13], 0x20); /* TCP's was never made */
    f[24] ^= 1;
    peer_send(f, 254);
    assert_int_equal(desc(RX_RING, 2)[13], 0x60);
    /* With its checksum, short, and with a tag that is taken off. */
    w(RCTL, RCTL_EN | RCTL_BAM);
    w(CTRL, CTRL_SLU | CTRL_VME);
    memset(f, 0xff, 12);
    st32be(f + 12, 0x81002077);
    peer_send(f, 20);
    assert_int_equal(ld16le(desc(RX_RING, 3) + 8), 60);
    assert_int_equal(desc(RX_RING, 3)[12], 0x0f | 0x80);
    assert_int_equal(ld16le(desc(RX_RING, 3) + 14), 0x2077);
    /* over two buffers */
    w(RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC | 3 << 16);
    f[12] = 8;
    peer_send(f, 300);
    assert_int_equal(ld16le(desc(RX_RING, 4) + 8), 256);
    assert_int_equal(desc(RX_RING, 4)[12] & 3, 1);
    assert_int_equal(ld16le(desc(RX_RING, 5) + 8), 44);
    assert_int_equal(desc(RX_RING, 5)[12] & 3, 3);
    /* too long, and too few buffers */
    peer_send(f, 1600);
    assert_int_equal(r(RDH), 6);
    assert_int_equal(r(STAT + 0xac), 1);
    peer_send(f, 1500);
    assert_int_equal(r(RDH), 6);
    assert_int_equal(r(ICR) & ICR_RXO, ICR_RXO);
    end();
}

static unsigned taken(const u8 *f)
{
    u32 head = r(RDH);
    peer_send(f, 64);
    return r(RDH) - head;
}
static void filters(void **st)
{
    (void)st;
    u8 f[64] = {0x52, 0x54, 0, 1, 2, 3};
    start();
    w(RDT, 60);
    assert_int_equal(taken(f), 0);
    w(RCTL, RCTL_EN | RCTL_UPE);
    assert_int_equal(taken(f), 1);
    f[0] = 0x33;
    f[1] = 0x33;
    assert_int_equal(taken(f), 0);
    u16 hash = (u16)(f[5] << 8 | f[4]) >> 4;
    w(MTA + (hash >> 5) * 4, 1u << (hash & 31));
    assert_int_equal(taken(f), 1);
    w(RCTL, RCTL_EN | 3 << 12);
    assert_int_equal(taken(f), 0);
    w(RCTL, RCTL_EN | RCTL_MPE);
    assert_int_equal(taken(f), 1);
    memset(f, 0xff, 6);
    w(RCTL, RCTL_EN);
    assert_int_equal(taken(f), 0);
    w(RCTL, RCTL_EN | RCTL_BAM | RCTL_VFE);
    assert_int_equal(taken(f), 1);
    st32be(f + 12, 0x81000077);
    assert_int_equal(taken(f), 0);
    w(VFTA + (0x77 >> 5) * 4, 1u << (0x77 & 31));
    assert_int_equal(taken(f), 1);
    memcpy(f, ours, 6);
    assert_int_equal(taken(f), 1);
    w(RA + 4, 0x0000ccbb);
    assert_int_equal(taken(f), 0);
    end();
}

static void interrupts_can_wait(void **st)
{
    (void)st;
    u8 f[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    start();
    w(RDT, 60);
    w(IMS, 0x1ffff);
    w(ITR, 1000); /* 256 us */
    peer_send(f, 64);
    assert_true(pci_bench_intx(&s));
    r(ICR);
    peer_send(f, 64);
    assert_false(pci_bench_intx(&s));
    bench_snapshot_roundtrip(s.b);
    peer_pass(255000);
    assert_false(pci_bench_intx(&s));
    peer_pass(1000);
    assert_true(pci_bench_intx(&s));
    r(ICR);
    w(ITR, 0);
    w(RDTR, 100);   /* 102 us from the last packet, */
    w(0x282c, 150); /* 154 from the first */
    peer_send(f, 64);
    peer_pass(90000);
    peer_send(f, 64);
    assert_false(pci_bench_intx(&s));
    bench_snapshot_roundtrip(s.b);
    peer_pass(63000);
    assert_false(pci_bench_intx(&s));
    peer_pass(1000);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(ICR) & 0x80, 0x80);
    peer_send(f, 64);
    w(RDTR, 1u << 31);
    assert_true(pci_bench_intx(&s));
    r(ICR);
    w(TIDV, 100);
    st64le(desc(TX_RING, 0), TX_DATA);
    st32le(desc(TX_RING, 0) + 8, 64 | 0x8bu << 24);
    w(IMC, ICR_TXQE);
    w(TDT, 1);
    assert_false(pci_bench_intx(&s));
    peer_pass(102400);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(ICR) & 1, 1);
    w(ICS, 0x10000);
    assert_true(pci_bench_intx(&s));
    w(IMC, 0x10000);
    assert_false(pci_bench_intx(&s));
    end();
}

static void the_cable(void **st)
{
    (void)st;
    start();
    w(IMS, ICR_LSC);
    machine_lock();
    net_set_link(net_find("n0"), false);
    machine_unlock();
    assert_true(pci_bench_intx(&s));
    assert_int_equal(r(ICR) & ICR_LSC, ICR_LSC);
    assert_int_equal(r(STATUS) & 2, 0);
    w(MDIC, 2 << 26 | 1 << 21 | 1 << 16);
    assert_int_equal(r(MDIC) & 4, 0);
    machine_lock();
    net_set_link(net_find("n0"), true);
    machine_unlock();
    assert_int_equal(r(STATUS) & 2, 2);
    /* loopback */
    w(RDT, 4);
    w(RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC | RCTL_LBM);
    memset(pci_bench_ram(&s, TX_DATA), 0xff, 64);
    st64le(desc(TX_RING, 0), TX_DATA);
    st32le(desc(TX_RING, 0) + 8, 64 | 0x0bu << 24);
    w(TDT, 1);
    assert_int_equal(peer.count, 0);
    assert_int_equal(ld16le(desc(RX_RING, 0) + 8), 64);
    end();
}

static void hostile(void **st)
{
    (void)st;
    u8 f[1514] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    start();
    u64 errors = guest_error_count();
    w(TDT, 70); /* outside the ring */
    assert_true(guest_error_count() > errors);
    w(TDT, 0);
    /* a ring without an end of packet, a context of nonsense, data that is nowhere */
    for (unsigned i = 0; i < RING; i++) {
        data(i, ~0ull - 8, 0xfffff, 0x20);
    }
    w(TDT, RING - 1);
    assert_int_equal(r(TDH), RING - 1);
    u32 x = 77;
    u8 *tx = desc(TX_RING, 0);
    for (unsigned i = 0; i < 30000; i++) {
        x = x * 1664525 + 1013904223;
        u32 v = x & 1 ? x * 2654435761u : x >> 12;
        switch (x >> 28) {
        case 0:
        case 1:
        case 2:
        case 3:
            tx[x >> 8 & (RING * 16 - 1)] = (u8)v;
            break;
        case 4:
            st64le(desc(TX_RING, x >> 8 & (RING - 1)), TX_DATA + (x & 0xffff));
            break;
        case 5:
            w(TDT, x >> 8 & (RING - 1));
            break;
        case 6:
            w(RDT, x >> 8 & (RING - 1));
            break;
        case 7:
            peer_send(f, x >> 8 & 1 ? 60 : sizeof(f));
            break;
        case 8:
            peer_pass(x & 0xfffff);
            break;
        case 9:
            w(x >> 8 & 0x1fffc, v);
            break;
        case 10:
            w(x >> 8 & 0x3fc, v);
            break;
        case 11:
            r(x >> 8 & 0x1fffc);
            break;
        case 12:
            pci_bench_store(&s, s.io + (x >> 8 & 0x3c), 4, v);
            break;
        case 13:
            pci_bench_load(&s, s.io + (x >> 8 & 0x3c), 4);
            break;
        case 14: /* it goes on */
            w(TDBAL, (u32)TX_RING);
            w(TDBAL + 4, 0);
            w(TDLEN, RING * 16);
            w(TDH, 0);
            w(TCTL, TCTL_EN);
            break;
        default:
            w(RDBAL, (u32)RX_RING);
            w(RDBAL + 4, 0);
            w(RDLEN, RING * 16);
            w(RDH, 0);
            w(RCTL, RCTL_EN | RCTL_UPE | RCTL_BAM);
            break;
        }
    }
    bench_snapshot_roundtrip(s.b);
    w(CTRL, CTRL_RST);
    w(TDBAL, (u32)TX_RING);
    w(TDLEN, RING * 16);
    w(TCTL, TCTL_EN | TCTL_PSP);
    machine_lock();
    device_reset(&s.p->dev);
    machine_unlock();
    end();
    legacy_frames(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_drivers_look_for),
        cmocka_unit_test(legacy_frames),
        cmocka_unit_test(segments),
        cmocka_unit_test(receives_and_checks),
        cmocka_unit_test(filters),
        cmocka_unit_test(interrupts_can_wait),
        cmocka_unit_test(the_cable),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

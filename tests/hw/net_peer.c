#include "tests/hw/net_peer.h"

#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "hw/core/device.h"
#include "tests/hw/bench.h"

struct net_peer peer;
static u64 now;

static void receive(void *opaque, const u8 *frame, size_t n)
{
    (void)opaque;
    unsigned i = peer.count++ % PEER_FRAMES;
    memcpy(peer.frame[i], frame, MIN(n, sizeof(peer.frame[i])));
    peer.len[i] = n;
}

static void *backend(enum prop_kind kind, const char *id, struct err *e)
{
    (void)kind, (void)e;
    return net_find(id);
}

void peer_start(void)
{
    static const struct net_receiver receiver = {.receive = receive};
    struct err e = {0};
    clock_set(now);
    memset(&peer, 0, sizeof(peer));
    if (!net_from_option("hubport,id=n0,hubid=0", &e) || !(peer.dev = net_from_option("hubport,id=n1,hubid=0", &e)) ||
        !net_attach(peer.dev, &receiver, NULL, &e)) {
        fail_msg("%s", e.msg);
    }
    prop_backend = backend;
}

void peer_end(void)
{
    net_free_all();
}

void peer_send(const void *frame, size_t n)
{
    machine_lock();
    net_send(peer.dev, frame, n);
    machine_unlock();
    peer_pass(0);
}

void peer_pass(u64 ns)
{
    now += ns;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}

void peer_tcp_frame(u8 *p, unsigned n, u16 total)
{
    static const u8 head[PEER_HEAD] = {1, 2, 3,    4,    5,    6,  7,  8, 9, 10, 11, 12, 8, 0,  0x45, 0,
                                       0, 0, 0x12, 0x34, 0x40, 0,  64, 6, 0, 0,  10, 0,  2, 15, 10,   0,
                                       2, 2, 0,    80,   0,    81, 0,  0, 1, 0,  0,  0,  0, 0,  0x50, 0x19};
    memcpy(p, head, sizeof(head));
    st16be(p + 16, total);
    for (unsigned i = 0; i < n; i++) {
        p[PEER_HEAD + i] = (u8)(i * 31);
    }
}

u16 peer_fold(u32 sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (u16)sum;
}

bool peer_checksums_good(const u8 *f, size_t n)
{
    u32 ip = 0, tcp = 6 + (u32)(n - 34);
    for (unsigned i = 14; i < 34; i += 2) {
        ip += ld16be(f + i);
    }
    for (size_t i = 26; i < n; i += 2) {
        tcp += i + 1 < n ? ld16be(f + i) : (u32)f[i] << 8;
    }
    return peer_fold(ip) == 0xffff && peer_fold(tcp) == 0xffff;
}

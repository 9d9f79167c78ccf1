/* The other end of a network card's cable: a port of a hub that keeps the frames it gets, the wire's clock, and TCP
 * frames to send through offloads. The card is made with netdev=n0. */
#ifndef MOSS_TESTS_HW_NET_PEER_H
#define MOSS_TESTS_HW_NET_PEER_H

#include "base/types.h"
#include "net/net.h"

#define PEER_FRAMES 100

extern struct net_peer {
    struct netdev *dev;
    u8 frame[PEER_FRAMES][NET_FRAME_MAX]; /* the oldest is overwritten */
    size_t len[PEER_FRAMES];
    unsigned count;
} peer;

void peer_start(void); /* the hub and its two ports; nothing is received yet */
void peer_end(void);   /* after the card */
void peer_send(const void *frame, size_t n);
void peer_pass(u64 ns); /* guest time goes by; what waits for it happens */

/* A TCP segment of n bytes payload behind PEER_HEAD bytes of headers, whose IPv4 header says it has total bytes. */
#define PEER_HEAD 54
void peer_tcp_frame(u8 *p, unsigned n, u16 total);
u16 peer_fold(u32 sum); /* of 16-bit words */
bool peer_checksums_good(const u8 *frame, size_t n);

#endif

/* The state of a virtio network device, shared with its receive filter and control queue. */
#ifndef MOSS_HW_NET_VIRTIO_NET_PRIV_H
#define MOSS_HW_NET_VIRTIO_NET_PRIV_H

#include "base/loop.h"
#include "hw/net/virtio_net.h"
#include "hw/virtio/virtio.h"
#include "net/net.h"

#define NET_MACS 64 /* of the address table; more than that, and it lets everything of their kind through */

enum {
    NET_F_CSUM = 0,
    NET_F_MTU = 3,
    NET_F_MAC = 5,
    NET_F_MRG_RXBUF = 15,
    NET_F_STATUS = 16,
    NET_F_CTRL_VQ = 17,
    NET_F_CTRL_RX = 18,
    NET_F_CTRL_VLAN = 19,
    NET_F_CTRL_RX_EXTRA = 20,
    NET_F_CTRL_MAC_ADDR = 23,
};
enum { NET_RX, NET_TX, NET_CTRL };

struct virtio_net_conf {
    struct virtio_conf common;
    u8 mac[6];
    struct netdev *netdev;
    u16 rx_queue_size, tx_queue_size, host_mtu;
    u32 bootindex;
    bool mrg_rxbuf, status, ctrl_vq, ctrl_rx, ctrl_vlan, ctrl_rx_extra, ctrl_mac_addr, csum;
    bool mq, gso, guest_csum, guest_tso4, guest_tso6, host_tso4, host_tso6;
};

struct virtio_net {
    struct virtio_device v;
    struct virtio_net_conf conf;
    u8 mac[6];
    bool link;
    struct loop_task tx; /* sends what is in the ring */
    /* receive filter */
    bool promisc, allmulti, alluni, nomulti, nouni, nobcast, uni_overflow, multi_overflow;
    u8 unicasts, multicasts; /* in macs: first the unicast ones */
    u8 macs[NET_MACS * 6];
    u32 vlans[4096 / 32];
};

/* virtio_net_ctrl.c */
void net_filter_reset(struct virtio_net *s);
void net_filter_features(struct virtio_net *s); /* when the driver starts */
bool net_filter_accepts(const struct virtio_net *s, const u8 *frame, size_t n);
void net_ctrl_kick(struct virtio_device *v, unsigned q);

#endif

/* virtio network device (Virtio 1.1, 5.1): one pair of queues and a control queue.
 *
 * Checksums that the driver leaves to us are completed here, natively. The receive filter and the control queue are in
 * virtio_net_ctrl.c. Not modelled: segmentation and receive offloads, several pairs of queues, GUEST_ANNOUNCE; their
 * properties are accepted, their features never offered. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/virtio_net_priv.h"
#include "hw/virtio/virtio_pci.h"

enum { C_MAC = 0, C_STATUS = 6, C_PAIRS = 8, C_MTU = 10, CONFIG_SIZE = 12 };
enum { /* the header before each frame */
       H_FLAGS = 0,
       H_GSO_TYPE = 1,
       H_CSUM_START = 6,
       H_CSUM_OFFSET = 8,
       H_NUM_BUFFERS = 10,
       HEADER_MAX = 12
};
enum { H_NEEDS_CSUM = 1 };
enum { CTRL_SIZE = 64, MIN_FRAME = 60 };

/* The count of buffers is there when buffers can be merged, and always in the modern interface. */
static unsigned header_size(const struct virtio_net *s)
{
    return virtio_has(&s->v, NET_F_MRG_RXBUF) || virtio_has(&s->v, VIRTIO_F_VERSION_1) ? 12 : 10;
}

/* -- to the network ---------------------------------------------------------------------------------------------- */

/* Puts the Internet checksum (RFC 1071) of everything from start on, to start + offset; the sum of the pseudo-header is
 * there already. */
static bool checksum_complete(u8 *frame, size_t n, unsigned start, unsigned offset)
{
    if (start >= n || start + offset + 2u > n) {
        return false;
    }
    u64 sum = 0;
    size_t i = start;
    for (; i + 2 <= n; i += 2) {
        sum += ld16be(frame + i);
    }
    if (i < n) {
        sum += (u64)frame[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    st16be(frame + start + offset, (u16)~sum);
    return true;
}

static void frame_send(struct virtio_net *s, const struct vq_elem *e)
{
    static u8 frame[NET_FRAME_MAX]; /* under the machine lock */
    u8 h[HEADER_MAX];
    unsigned hs = header_size(s);
    if (e->out_len < hs || e->out_len - hs > sizeof(frame)) {
        guest_error(device_name(&s->v.dev), "a frame of %llu bytes, its header included",
                    (unsigned long long)e->out_len);
        return;
    }
    iov_read(e->out, e->nout, 0, h, hs);
    size_t n = iov_read(e->out, e->nout, hs, frame, sizeof(frame));
    if (h[H_FLAGS] & H_NEEDS_CSUM && virtio_has(&s->v, NET_F_CSUM) &&
        !checksum_complete(frame, n, ld16le(h + H_CSUM_START), ld16le(h + H_CSUM_OFFSET))) {
        guest_error(device_name(&s->v.dev), "a checksum outside the frame");
        return;
    }
    if (h[H_GSO_TYPE]) {
        guest_error(device_name(&s->v.dev), "a frame to be segmented, which was not agreed on");
        return;
    }
    net_send(s->conf.netdev, frame, n);
}

/* On the main loop: the driver goes on filling the ring meanwhile and need not kick, for only an empty ring asks for
 * it. */
static void tx_run(void *opaque)
{
    enum {
        BURST = 64,
        ANSWERS = 8
    }; /* frames until others have their turn, and until peers' answers go to the guest */
    struct virtio_net *s = opaque;
    struct vq_elem *e;
    unsigned n = 0;
    for (; n < BURST && (e = vq_pop(&s->v, NET_TX)); n++) {
        if (s->link) {
            frame_send(s, e);
        }
        vq_push(&s->v, NET_TX, e, 0);
        if (n % ANSWERS == ANSWERS - 1) {
            vq_notify(&s->v, NET_TX);
            net_deliver(s->conf.netdev);
        }
    }
    vq_notify(&s->v, NET_TX);
    if (n == BURST) {
        loop_task_due(&s->tx);
    }
}

static void tx_kick(struct virtio_device *v, unsigned q)
{
    (void)q;
    loop_task_due(&((struct virtio_net *)v)->tx);
}

/* -- from the network -------------------------------------------------------------------------------------------- */

static bool net_can_receive(void *opaque)
{
    struct virtio_net *s = opaque;
    return virtio_running(&s->v) && !vq_empty(&s->v, NET_RX);
}

/* Spreads header and frame over as many buffers as it takes; all of them become visible together, or none. */
static void net_receive(void *opaque, const u8 *data, size_t n)
{
    enum { MOST = 64 };
    struct virtio_net *s = opaque;
    struct virtio_device *v = &s->v;
    static u8 buf[HEADER_MAX + NET_FRAME_MAX]; /* under the machine lock */
    struct vq_elem *e[MOST];
    u32 len[MOST];
    unsigned hs = header_size(s), used = 0;
    if (!virtio_running(v) || n > NET_FRAME_MAX || !net_filter_accepts(s, data, n)) {
        return;
    }
    size_t size = hs + MAX(n, MIN_FRAME), done = 0;
    memset(buf, 0, hs + MIN_FRAME);
    memcpy(buf + hs, data, n);
    while (done < size && used < MOST && (e[used] = vq_pop(v, NET_RX))) {
        len[used] = (u32)MIN(e[used]->in_len, size - done);
        done += len[used++];
        if (!virtio_has(v, NET_F_MRG_RXBUF)) {
            break;
        }
    }
    if (done < size || len[0] < hs) { /* too few or too small: the frame is lost */
        while (used) {
            vq_rewind(v, NET_RX, e[--used]);
        }
        return;
    }
    if (hs > H_NUM_BUFFERS) {
        st16le(buf + H_NUM_BUFFERS, (u16)used);
    }
    done = 0;
    for (unsigned i = 0; i < used; i++) {
        iov_write(e[i]->in, e[i]->nin, 0, buf + done, len[i]);
        done += len[i];
    }
    vq_push_many(v, NET_RX, e, len, used);
    vq_notify(v, NET_RX);
}

static void rx_kick(struct virtio_device *v, unsigned q)
{
    (void)q;
    net_resume(((struct virtio_net *)v)->conf.netdev);
}

static void net_link_changed(void *opaque, bool up)
{
    struct virtio_net *s = opaque;
    if (s->link != up) {
        s->link = up;
        virtio_config_changed(&s->v);
    }
}

static const struct net_receiver receiver = {
    .can_receive = net_can_receive, .receive = net_receive, .link = net_link_changed};

/* -- configuration space ----------------------------------------------------------------------------------------- */

static void net_config_read(struct virtio_device *v, u8 *c)
{
    const struct virtio_net *s = (struct virtio_net *)v;
    memcpy(c + C_MAC, s->mac, 6);
    st16le(c + C_STATUS, s->link);
    st16le(c + C_PAIRS, 1);
    st16le(c + C_MTU, s->conf.host_mtu);
}

/* Legacy drivers set their address here. */
static void net_config_written(struct virtio_device *v, const u8 *config, unsigned off, unsigned size)
{
    struct virtio_net *s = (struct virtio_net *)v;
    if (off + size <= C_MAC + 6 && !virtio_has(v, VIRTIO_F_VERSION_1) && !virtio_has(v, NET_F_CTRL_MAC_ADDR)) {
        memcpy(s->mac, config + C_MAC, 6);
    } else {
        guest_error(device_name(&v->dev), "write of %u bytes at 0x%x of the configuration space", size, off);
    }
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static void net_reset(struct virtio_device *v)
{
    loop_task_cancel(&((struct virtio_net *)v)->tx);
    net_filter_reset((struct virtio_net *)v);
}

static void net_status(struct virtio_device *v, u8 was)
{
    struct virtio_net *s = (struct virtio_net *)v;
    if (v->status & ~was & VIRTIO_S_DRIVER_OK) {
        net_filter_features(s);
        net_resume(s->conf.netdev);
    }
}

static u64 features_of(const struct virtio_net_conf *k)
{
    u64 f = BIT(NET_F_MAC);
    f |= k->csum ? BIT(NET_F_CSUM) : 0;
    f |= k->mrg_rxbuf ? BIT(NET_F_MRG_RXBUF) : 0;
    f |= k->status ? BIT(NET_F_STATUS) : 0;
    f |= k->host_mtu ? BIT(NET_F_MTU) : 0;
    if (k->ctrl_vq) {
        f |= BIT(NET_F_CTRL_VQ);
        f |= k->ctrl_rx ? BIT(NET_F_CTRL_RX) : 0;
        f |= k->ctrl_vlan ? BIT(NET_F_CTRL_VLAN) : 0;
        f |= k->ctrl_rx_extra ? BIT(NET_F_CTRL_RX_EXTRA) : 0;
        f |= k->ctrl_mac_addr ? BIT(NET_F_CTRL_MAC_ADDR) : 0;
    }
    return f;
}

static bool queue_size_ok(u16 n)
{
    return is_pow2(n) && n >= 2 && n <= VIRTIO_QUEUE_SIZE;
}

static bool net_init(struct device *d, struct err *e)
{
    static const u8 none[6];
    struct virtio_net *s = (struct virtio_net *)d;
    struct virtio_net_conf *k = &s->conf;
    if (!queue_size_ok(k->rx_queue_size) || !queue_size_ok(k->tx_queue_size)) {
        return err_set(e, "rx_queue_size and tx_queue_size must be powers of two from 2 to %u", VIRTIO_QUEUE_SIZE);
    }
    if (!memcmp(k->mac, none, 6)) {
        net_next_mac(k->mac);
    }
    s->tx = (struct loop_task){.fn = tx_run, .opaque = s};
    virtio_init(&s->v, features_of(k), &k->common);
    virtio_add_queue(&s->v, k->rx_queue_size, rx_kick);
    virtio_add_queue(&s->v, k->tx_queue_size, tx_kick);
    if (k->ctrl_vq) {
        virtio_add_queue(&s->v, CTRL_SIZE, net_ctrl_kick);
    }
    s->link = true;
    net_filter_reset(s);
    if (k->netdev) {
        s->link = net_link(k->netdev);
        return net_attach(k->netdev, &receiver, s, e);
    }
    return true;
}

static void net_fini(struct device *d)
{
    struct virtio_net *s = (struct virtio_net *)d;
    loop_task_cancel(&s->tx);
    if (s->conf.netdev) {
        net_detach(s->conf.netdev);
    }
}

static bool net_loaded(struct device *d, struct err *e)
{
    struct virtio_net *s = (struct virtio_net *)d;
    if (s->unicasts + s->multicasts > NET_MACS) {
        return err_set(e, "the address table has %u entries, at most %u fit", s->unicasts + s->multicasts, NET_MACS);
    }
    loop_task_due(&s->tx); /* a kick may have come that was not followed */
    return virtio_device_loaded(d, e);
}

static const struct field net_state[] = {
    VIRTIO_FIELDS(struct virtio_net),
    FIELDS(struct virtio_net, mac),
    FIELD(struct virtio_net, promisc),
    FIELD(struct virtio_net, allmulti),
    FIELD(struct virtio_net, alluni),
    FIELD(struct virtio_net, nomulti),
    FIELD(struct virtio_net, nouni),
    FIELD(struct virtio_net, nobcast),
    FIELD(struct virtio_net, uni_overflow),
    FIELD(struct virtio_net, multi_overflow),
    FIELD(struct virtio_net, unicasts),
    FIELD(struct virtio_net, multicasts),
    FIELDS(struct virtio_net, macs),
    FIELDS(struct virtio_net, vlans),
    {0},
};

// clang-format off
#define NET_PROPS(T)                                                                                                   \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("mac", PROP_MAC, T, conf.mac, NULL, "address; else the next of 52:54:00:12:34:56"),                           \
    PROP("netdev", PROP_NETDEV, T, conf.netdev, NULL, "what it is connected to"),                                      \
    PROP("bootindex", PROP_U32, T, conf.bootindex, "0xffffffff", "boot order, for firmware"),                          \
    PROP("rx_queue_size", PROP_U16, T, conf.rx_queue_size, "256", "entries"),                                          \
    PROP("tx_queue_size", PROP_U16, T, conf.tx_queue_size, "256", "entries"),                                          \
    PROP("host_mtu", PROP_U16, T, conf.host_mtu, "0", "tell the driver this MTU"),                                     \
    PROP("mrg_rxbuf", PROP_BOOL, T, conf.mrg_rxbuf, "on", "offer merged receive buffers"),                             \
    PROP("status", PROP_BOOL, T, conf.status, "on", "offer the link's status"),                                        \
    PROP("ctrl_vq", PROP_BOOL, T, conf.ctrl_vq, "on", "offer a control queue"),                                        \
    PROP("ctrl_rx", PROP_BOOL, T, conf.ctrl_rx, "on", "offer receive filters"),                                        \
    PROP("ctrl_vlan", PROP_BOOL, T, conf.ctrl_vlan, "on", "offer VLAN filters"),                                       \
    PROP("ctrl_rx_extra", PROP_BOOL, T, conf.ctrl_rx_extra, "on", "offer more receive filters"),                       \
    PROP("ctrl_mac_addr", PROP_BOOL, T, conf.ctrl_mac_addr, "on", "offer to set the address"),                         \
    PROP("csum", PROP_BOOL, T, conf.csum, "on", "offer to complete checksums"),                                        \
    PROP("mq", PROP_BOOL, T, conf.mq, "off", "accepted: there is one pair of queues"),                                 \
    PROP("gso", PROP_BOOL, T, conf.gso, "off", "accepted, never offered"),                                             \
    PROP("guest_csum", PROP_BOOL, T, conf.guest_csum, "off", "accepted, never offered"),                               \
    PROP("guest_tso4", PROP_BOOL, T, conf.guest_tso4, "off", "accepted, never offered"),                               \
    PROP("guest_tso6", PROP_BOOL, T, conf.guest_tso6, "off", "accepted, never offered"),                               \
    PROP("host_tso4", PROP_BOOL, T, conf.host_tso4, "off", "accepted, never offered"),                                 \
    PROP("host_tso6", PROP_BOOL, T, conf.host_tso6, "off", "accepted, never offered")
// clang-format on

static const struct prop net_props[] = {NET_PROPS(struct virtio_net), {0}};

static const struct virtio_class net_virtio = {
    .id = VIRTIO_ID_NET,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_net, conf),
    .conf_size = sizeof(struct virtio_net_conf),
    .config_read = net_config_read,
    .config_written = net_config_written,
    .status = net_status,
    .reset = net_reset,
};

static void net_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/ethernet-phy@0");
}

const struct device_class virtio_net_class = {
    .fw_path = net_fw_path,
    .name = "virtio-net-device",
    .doc = "virtio network device",
    .bus = "virtio",
    .size = sizeof(struct virtio_net),
    .state = net_state,
    .props = net_props,
    .init = net_init,
    .reset = virtio_device_reset,
    .loaded = net_loaded,
    .fini = net_fini,
    .bus_class = &net_virtio,
};

VIRTIO_PCI_CLASSES(virtio_net, "virtio-net", "virtio network device", struct virtio_net_conf, NET_PROPS, 0x020000, NULL)

/* The control queue of a virtio network device, and the receive filter that it sets (Virtio 1.1, 5.1.6.5). */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/virtio_net_priv.h"

enum { CLASS_RX = 0, CLASS_MAC = 1, CLASS_VLAN = 2 };
enum { MAC_TABLE_SET = 0, MAC_ADDR_SET = 1 };
enum { ACK_OK = 0, ACK_ERR = 1 };

/* -- filter ------------------------------------------------------------------------------------------------------ */

/* A driver that knows no filters gets everything. */
void net_filter_reset(struct virtio_net *s)
{
    s->promisc = true;
    s->allmulti = s->alluni = s->nomulti = s->nouni = s->nobcast = false;
    s->uni_overflow = s->multi_overflow = false;
    s->unicasts = s->multicasts = 0;
    memset(s->macs, 0, sizeof(s->macs));
    memset(s->vlans, 0xff, sizeof(s->vlans));
    memcpy(s->mac, s->conf.mac, sizeof(s->mac));
}

void net_filter_features(struct virtio_net *s)
{
    memset(s->vlans, virtio_has(&s->v, NET_F_CTRL_VLAN) ? 0 : 0xff, sizeof(s->vlans));
}

static bool table_has(const struct virtio_net *s, const u8 *mac, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        if (!memcmp(s->macs + i * 6, mac, 6)) {
            return true;
        }
    }
    return false;
}

bool net_filter_accepts(const struct virtio_net *s, const u8 *frame, size_t n)
{
    static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (n < 14) {
        return false;
    }
    if (s->promisc) {
        return true;
    }
    if (n >= 16 && ld16be(frame + 12) == 0x8100) {
        unsigned vlan = ld16be(frame + 14) & 0xfff;
        if (!bit(s->vlans[vlan / 32], vlan % 32)) {
            return false;
        }
    }
    if (frame[0] & 1) {
        if (!memcmp(frame, broadcast, 6)) {
            return !s->nobcast;
        }
        if (s->nomulti) {
            return false;
        }
        return s->allmulti || s->multi_overflow || table_has(s, frame, s->unicasts, s->multicasts);
    }
    if (s->nouni) {
        return false;
    }
    return s->alluni || s->uni_overflow || !memcmp(frame, s->mac, 6) || table_has(s, frame, 0, s->unicasts);
}

/* -- commands: the command's data is the rest of the element, from off on ---------------------------------------- */

static bool cmd_rx(struct virtio_net *s, u8 cmd, const struct vq_elem *e)
{
    bool *const flags[] = {&s->promisc, &s->allmulti, &s->alluni, &s->nomulti, &s->nouni, &s->nobcast};
    u8 on;
    if (cmd >= ARRAY_LEN(flags) || iov_read(e->out, e->nout, 2, &on, 1) != 1) {
        return false;
    }
    *flags[cmd] = on != 0;
    return true;
}

/* A u32 count and so many addresses, at off; too many of them count as all. */
static bool table_read(const struct vq_elem *e, u64 *off, u8 *to, unsigned room, u8 *got, bool *overflow)
{
    u8 raw[4];
    if (iov_read(e->out, e->nout, *off, raw, 4) != 4) {
        return false;
    }
    u32 count = ld32le(raw);
    *off += 4;
    if (count > (e->out_len - *off) / 6) {
        return false;
    }
    *overflow = count > room;
    *got = (u8)(*overflow ? 0 : count);
    iov_read(e->out, e->nout, *off, to, *got * 6u);
    *off += count * 6ull;
    return true;
}

static bool cmd_mac(struct virtio_net *s, u8 cmd, const struct vq_elem *e)
{
    u64 off = 2;
    if (cmd == MAC_ADDR_SET) {
        u8 mac[6];
        bool ok = iov_read(e->out, e->nout, off, mac, 6) == 6;
        memcpy(s->mac, ok ? mac : s->mac, 6);
        return ok;
    }
    u8 macs[NET_MACS * 6] = {0}, uni, multi;
    bool uni_over, multi_over;
    if (cmd != MAC_TABLE_SET || !table_read(e, &off, macs, NET_MACS, &uni, &uni_over) ||
        !table_read(e, &off, macs + uni * 6, NET_MACS - uni, &multi, &multi_over)) {
        return false;
    }
    memcpy(s->macs, macs, sizeof(macs));
    s->unicasts = uni;
    s->multicasts = multi;
    s->uni_overflow = uni_over;
    s->multi_overflow = multi_over;
    return true;
}

static bool cmd_vlan(struct virtio_net *s, u8 cmd, const struct vq_elem *e)
{
    u8 raw[2];
    if (cmd > 1 || iov_read(e->out, e->nout, 2, raw, 2) != 2 || ld16le(raw) >= 4096) {
        return false;
    }
    u32 *w = &s->vlans[ld16le(raw) / 32], b = (u32)BIT(ld16le(raw) % 32);
    *w = cmd == 0 ? *w | b : *w & ~b;
    return true;
}

static bool command_run(struct virtio_net *s, const struct vq_elem *e)
{
    u8 head[2];
    iov_read(e->out, e->nout, 0, head, 2);
    switch (head[0]) {
    case CLASS_RX:
        return cmd_rx(s, head[1], e);
    case CLASS_MAC:
        return cmd_mac(s, head[1], e);
    case CLASS_VLAN:
        return cmd_vlan(s, head[1], e);
    default:
        return false;
    }
}

void net_ctrl_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_net *s = (struct virtio_net *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        if (e->out_len < 2 || !e->in_len) {
            virtio_break(v, "a control command without %s", e->in_len ? "class" : "room for its answer");
            vq_drop(e);
            return;
        }
        u8 ack = command_run(s, e) ? ACK_OK : ACK_ERR;
        iov_write(e->in, e->nin, 0, &ack, 1);
        vq_push(v, q, e, 1);
        vq_notify(v, q);
    }
}

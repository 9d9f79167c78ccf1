/* Intel 82540EM gigabit Ethernet controller ("e1000"): registers, interrupts. SPEC: Intel 317453 (PCI/PCI-X Family of
 * Gigabit Ethernet Controllers Software Developer's Manual). e1000_tx.c and e1000_rx.c move the frames, e1000_phy.c has
 * PHY and EEPROM.
 *
 * The descriptors' prefetching and write-back thresholds have no effect: each is read and written when its turn comes.
 * Interrupts obey ITR and the delays of RDTR, RADV, TIDV and TADV.
 * Not modelled: wake-up (its registers keep what is written), flow control (no pause frame is sent or obeyed), SMBus
 * and management, the packet memory's window, power states, and multiple-descriptor prefetch counters. */
#include "hw/net/e1000_priv.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"

enum {
    MEM_SIZE = 0x20000,
    IO_SIZE = 64,
    UNIT_NS = 1024, /* of the delays; ITR counts quarters of it */
    CTRL_PHY_RST = 1u << 31,
    CTRL_EXT_EE_RST = 1 << 13,
    CTRL_KEPT = 0x1fffffff & ~CTRL_RST,
    EERD_START = 1 << 0,
    EERD_DONE = 1 << 4,
    MDIC_INT = 1 << 29,
    RDTR_FLUSH = 1u << 31,
};

/* -- interrupts ------------------------------------------------------------------------------------------------------
 */

/* The pin rises no sooner after the last time than ITR says. */
static void update(struct e1000 *s)
{
    u64 now = clock_now(CLOCK_VIRTUAL);
    bool want = (s->icr & s->ims) != 0;
    if (want && !s->pci.intx_level && now < s->irq_at) {
        timer_set(&s->irq_timer, s->irq_at);
        return;
    }
    timer_cancel(&s->irq_timer);
    if (want && !s->pci.intx_level) {
        s->irq_at = now + (u64)s->itr * UNIT_NS / 4;
    }
    pci_set_intx(&s->pci, want);
}
void e1000_cause(struct e1000 *s, u32 icr)
{
    if (icr) {
        s->icr |= icr;
        update(s);
    }
}
static void irq_due(void *opaque)
{
    update(opaque);
}

/* One of the two delays runs out: from the last packet, or from the first of them. */
static void delay_arm(struct timer *t, u64 *first, u64 *at, u32 each, u32 all)
{
    u64 now = clock_now(CLOCK_VIRTUAL);
    *first = *first ? *first : MAX(now, (u64)1);
    *at = now + (u64)each * UNIT_NS;
    if (all) {
        *at = MIN(*at, *first + (u64)all * UNIT_NS);
    }
    timer_set(t, *at);
}
void e1000_delayed(struct e1000 *s, bool tx)
{
    if (tx) {
        delay_arm(&s->tx_timer, &s->tx_first, &s->tx_at, s->plain[P_TIDV], s->plain[P_TADV]);
    } else {
        delay_arm(&s->rx_timer, &s->rx_first, &s->rx_at, s->rdtr & 0xffff, s->plain[P_RADV]);
    }
}
static void rx_due(void *opaque)
{
    struct e1000 *s = opaque;
    s->rx_first = s->rx_at = 0;
    timer_cancel(&s->rx_timer);
    e1000_cause(s, ICR_RXT0);
}
static void tx_due(void *opaque)
{
    struct e1000 *s = opaque;
    s->tx_first = s->tx_at = 0;
    timer_cancel(&s->tx_timer);
    e1000_cause(s, ICR_TXDW);
}
static void work_due(void *opaque)
{
    e1000_tx_run(opaque);
}

/* -- statistics ------------------------------------------------------------------------------------------------------
 */

/* They stop at their largest value. */
void e1000_count(struct e1000 *s, unsigned stat, u32 n)
{
    s->stat[stat] = s->stat[stat] > ~0u - n ? ~0u : s->stat[stat] + n;
}
void e1000_count64(struct e1000 *s, unsigned stat, u32 n)
{
    u64 v = ((u64)s->stat[stat + 1] << 32 | s->stat[stat]) + n;
    s->stat[stat] = (u32)v;
    s->stat[stat + 1] = (u32)(v >> 32);
}
void e1000_count_size(struct e1000 *s, unsigned stat, size_t n)
{
    unsigned i = n <= 64 ? 0 : n <= 127 ? 1 : n <= 255 ? 2 : n <= 511 ? 3 : n <= 1023 ? 4 : 5;
    e1000_count(s, stat + i, 1);
}
static u64 stat_read(struct device *d, unsigned i)
{
    struct e1000 *s = (struct e1000 *)d;
    u32 v = s->stat[i];
    bool high = i == S_GORCL + 1 || i == S_GOTCL + 1 || i == S_TORL + 1 || i == S_TOTL + 1;
    bool low = i == S_GORCL || i == S_GOTCL || i == S_TORL || i == S_TOTL; /* the upper half clears both */
    if (!low) {
        s->stat[i] = 0;
    }
    if (high) {
        s->stat[i - 1] = 0;
    }
    return v;
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static bool link_up(const struct e1000 *s)
{
    return s->link && s->phy[17] & 1 << 10;
}
static void mac_reset(struct e1000 *s)
{
#define E1000_RESET(name, off, mask, reset) [P_##name] = (reset),
    static const u32 plain[PLAIN] = {E1000_PLAIN(E1000_RESET)};
#undef E1000_RESET
    memcpy(s->plain, plain, sizeof(plain));
    memset(s->ra, 0, sizeof(s->ra));
    memset(s->ctx, 0, sizeof(s->ctx));
    s->ctrl = 0x00000201;
    s->icr = s->ims = s->itr = s->rctl = s->tctl = s->rdh = s->rdt = s->rdtr = s->tdh = s->tdt = 0;
    s->mdic = s->eerd = s->eecd = 0;
    microwire_set(&s->eeprom, false, false, false);
    s->ra[0] = (u32)s->eeprom.word[0] | (u32)s->eeprom.word[1] << 16;
    s->ra[1] = s->eeprom.word[2] | 1u << 31;
    s->irq_at = s->rx_at = s->rx_first = s->tx_at = s->tx_first = 0;
    timer_cancel(&s->rx_timer);
    timer_cancel(&s->tx_timer);
    timer_cancel(&s->work);
    update(s);
}

static void ctrl_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    if (v & CTRL_PHY_RST) {
        e1000_phy_reset(s);
    }
    if (v & CTRL_RST) {
        mac_reset(s);
        net_resume(s->netdev);
        return;
    }
    bool slu = v & CTRL_SLU && !(s->ctrl & CTRL_SLU);
    s->ctrl = (u32)v & (CTRL_KEPT | CTRL_VME);
    if (slu && link_up(s)) {
        e1000_cause(s, ICR_LSC);
    }
}
static u64 status_read(struct device *d, unsigned i)
{
    (void)i;
    return STATUS_FD | STATUS_1000 | (link_up((struct e1000 *)d) ? STATUS_LU : 0);
}
static u64 eecd_read(struct device *d, unsigned i)
{
    (void)i;
    return e1000_eecd_read((struct e1000 *)d);
}
static void eecd_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    e1000_eecd_write((struct e1000 *)d, (u32)v);
}
static void eerd_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    unsigned at = (unsigned)v >> 8 & 0xff;
    (void)i;
    s->eerd = (u32)v & 0xff00;
    if (v & EERD_START) {
        s->eerd |= EERD_DONE | (at < MICROWIRE_WORDS ? (u32)s->eeprom.word[at] << 16 : 0);
    }
}
static void mdic_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->mdic = e1000_mdic(s, (u32)v);
    e1000_cause(s, v & MDIC_INT ? ICR_MDAC : 0);
}
static u64 icr_read(struct device *d, unsigned i)
{
    struct e1000 *s = (struct e1000 *)d;
    u32 v = s->icr;
    (void)i;
    s->icr = 0;
    update(s);
    return v;
}
static void icr_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->icr &= ~(u32)v;
    update(s);
}
static void itr_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->itr = v & 0xffff;
    s->irq_at = MIN(s->irq_at, clock_now(CLOCK_VIRTUAL) + (u64)s->itr * UNIT_NS / 4);
    update(s);
}
static void ics_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    e1000_cause((struct e1000 *)d, (u32)v & 0x1ffff);
}
static void ims_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->ims |= (u32)v & 0x1ffff;
    update(s);
}
static void imc_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->ims &= ~(u32)v;
    update(s);
}
static void rctl_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->rctl = (u32)v & 0x06dfb3fe;
    net_resume(s->netdev);
}
static void rdt_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->rdt = v & 0xffff;
    net_resume(s->netdev);
}
static void rdtr_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->rdtr = v & 0xffff;
    if (v & RDTR_FLUSH && s->rx_at) {
        rx_due(s);
    }
}
static void tctl_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->tctl = (u32)v & 0x03fffffa;
    e1000_tx_run(s);
}
static void tdt_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->tdt = v & 0xffff;
    e1000_tx_run(s);
}
static void ctrl_ext_write(struct device *d, unsigned i, u64 v)
{
    struct e1000 *s = (struct e1000 *)d;
    (void)i;
    s->plain[P_CTRL_EXT] = (u32)v & ~(u32)CTRL_EXT_EE_RST;
    if (v & CTRL_EXT_EE_RST) {
        mac_reset(s);
    }
}

#define HOOK(o, n, ...) \
    { \
        .off = (o), .name = (n), .size = 4, __VA_ARGS__ \
    }
#define E1000_ROW(name_, off_, mask, reset) \
    {.off = (off_), \
     .name = #name_, \
     .size = 4, \
     .field = offsetof(struct e1000, plain[P_##name_]), \
     .has_field = true, \
     .wmask = (mask), \
     .write = (off_) == 0x18 ? ctrl_ext_write : NULL},
static const struct reg e1000_regs[] = {
    /* what is used for every packet comes first */
    HOOK(0x00c0, "ICR", .read = icr_read, .write = icr_write),
    REG(0x3818, "TDT", struct e1000, tdt, .write = tdt_write),
    REG(0x2818, "RDT", struct e1000, rdt, .write = rdt_write),
    REG(0x00d0, "IMS", struct e1000, ims, .write = ims_write),
    HOOK(0x00d8, "IMC", .write = imc_write),
    REG(0x00c4, "ITR", struct e1000, itr, .write = itr_write),
    REG(0x0000, "CTRL", struct e1000, ctrl, .write = ctrl_write),
    REG(0x0004, "CTRL_DUP", struct e1000, ctrl, .write = ctrl_write),
    HOOK(0x0008, "STATUS", .read = status_read),
    HOOK(0x0010, "EECD", .read = eecd_read, .write = eecd_write),
    REG(0x0014, "EERD", struct e1000, eerd, .write = eerd_write),
    REG(0x0020, "MDIC", struct e1000, mdic, .write = mdic_write),
    HOOK(0x00c8, "ICS", .write = ics_write),
    REG(0x0100, "RCTL", struct e1000, rctl, .write = rctl_write),
    REG(0x0400, "TCTL", struct e1000, tctl, .write = tctl_write),
    REG(0x2810, "RDH", struct e1000, rdh, .wmask = 0xffff),
    REG(0x2820, "RDTR", struct e1000, rdtr, .write = rdtr_write),
    REG(0x3810, "TDH", struct e1000, tdh, .wmask = 0xffff),
    E1000_PLAIN(E1000_ROW) /* clang-format off */
    REG(0x4000, "STAT", struct e1000, stat[0], .count = STATS, .read = stat_read),
    REG(0x5200, "MTA", struct e1000, mta[0], .count = TABLE, .wmask = ~0u),
    REG(0x5400, "RA", struct e1000, ra[0], .count = RA_WORDS, .wmask = ~0u),
    REG(0x5600, "VFTA", struct e1000, vfta[0], .count = TABLE, .wmask = ~0u),
    REG(0x5840, "IP4AT", struct e1000, ip4at[0], .count = 8, .wmask = ~0u),
    REG(0x5880, "IP6AT", struct e1000, ip6at[0], .count = 4, .wmask = ~0u),
    REG(0x5a00, "WUPM", struct e1000, wupm[0], .count = 32),
    REG(0x5f00, "FFLT", struct e1000, fflt[0], .count = 8, .wmask = 0x7ff),
    REG(0x9000, "FFMT", struct e1000, ffmt[0], .count = 256, .wmask = 0xf),
    REG(0x9800, "FFVT", struct e1000, ffvt[0], .count = 256, .wmask = ~0u),
    {0},
};
// clang-format on

/* -- the window in I/O space: an address, and the register there ------------------------------------------------------
 */

static enum mem_result io_access(struct e1000 *s, u64 off, u64 *val, bool write)
{
    bool reached = s->io_addr <= MEM_SIZE - 4;
    struct mem_attrs a = {0};
    if (off == 0) {
        *(write ? &s->io_addr : (u32 *)val) = write ? (u32)*val & ~3u : s->io_addr;
        return MEM_OK;
    }
    if (off != 4 || !reached) {
        guest_error(device_name(&s->pci.dev), "port %u of the I/O window, for the register 0x%x", (unsigned)off,
                    s->io_addr);
        *val = 0;
        return MEM_OK;
    }
    return write ? device_reg_ops.write(s, s->io_addr, 4, *val, a) : device_reg_ops.read(s, s->io_addr, 4, val, a);
}
static enum mem_result io_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)size, (void)a;
    *val = 0;
    return io_access(opaque, off, val, false);
}
static enum mem_result io_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)size, (void)a;
    return io_access(opaque, off, &val, true);
}
static const struct mem_ops io_ops = {.read = io_read, .write = io_write, .min_size = 4, .max_size = 4};

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static void link_changed(void *opaque, bool up)
{
    struct e1000 *s = opaque;
    if (s->link != up) {
        s->link = up;
        e1000_phy_link(s);
        e1000_cause(s, ICR_LSC);
    }
}
static const struct net_receiver receiver = {
    .can_receive = e1000_can_receive, .receive = e1000_receive, .link = link_changed};

static void config_written(struct pci_device *p, unsigned off, unsigned size)
{
    struct e1000 *s = (struct e1000 *)p;
    if (off <= PCI_COMMAND && off + size > PCI_COMMAND && pci_is_master(p)) {
        e1000_tx_run(s);
        net_resume(s->netdev);
    }
}
static bool e1000_init(struct device *d, struct err *e)
{
    static const u8 none[6];
    struct e1000 *s = (struct e1000 *)d;
    if (!memcmp(s->mac, none, 6)) {
        net_next_mac(s->mac);
    }
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x100e,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x020000,
                                          .revision = 3,
                                          .interrupt_pin = 1});
    if (!pci_add_rom(&s->pci, "efi-e1000.rom", e)) {
        return false;
    }
    s->io = (struct mem_region){.name = "e1000-io", .kind = MEM_MMIO, .size = IO_SIZE, .ops = &io_ops, .opaque = s};
    pci_add_bar(&s->pci, 0, PCI_BAR_MEM32, false, &d->mmio);
    pci_add_bar(&s->pci, 1, PCI_BAR_IO, false, &s->io);
    s->pci.config_written = config_written;
    timer_init(&s->irq_timer, CLOCK_VIRTUAL, irq_due, s);
    timer_init(&s->rx_timer, CLOCK_VIRTUAL, rx_due, s);
    timer_init(&s->tx_timer, CLOCK_VIRTUAL, tx_due, s);
    timer_init(&s->work, CLOCK_VIRTUAL, work_due, s);
    e1000_eeprom_init(s);
    s->link = true;
    if (s->netdev) {
        s->link = net_link(s->netdev);
        return net_attach(s->netdev, &receiver, s, e);
    }
    return true;
}
static void e1000_reset(struct device *d)
{
    struct e1000 *s = (struct e1000 *)d;
    pci_reset(&s->pci);
    e1000_phy_reset(s);
    mac_reset(s);
    net_resume(s->netdev);
}
static bool e1000_loaded(struct device *d, struct err *e)
{
    struct e1000 *s = (struct e1000 *)d;
    if (!pci_loaded(&s->pci, e)) {
        return false;
    }
    timer_set(&s->rx_timer, s->rx_at ? s->rx_at : ~0ull);
    timer_set(&s->tx_timer, s->tx_at ? s->tx_at : ~0ull);
    timer_set(&s->work, clock_now(CLOCK_VIRTUAL));
    timer_set(&s->irq_timer, s->icr & s->ims && !s->pci.intx_level ? s->irq_at : ~0ull);
    net_resume(s->netdev);
    return true;
}
static void e1000_fini(struct device *d)
{
    struct e1000 *s = (struct e1000 *)d;
    timer_cancel(&s->irq_timer);
    timer_cancel(&s->rx_timer);
    timer_cancel(&s->tx_timer);
    timer_cancel(&s->work);
    if (s->netdev) {
        net_detach(s->netdev);
    }
}
static void e1000_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, p->devfn & 7 ? "/ethernet@%x,%x/ethernet-phy@0" : "/ethernet@%x/ethernet-phy@0", p->devfn >> 3,
               p->devfn & 7);
}

#define E1000_CTX(m) FIELD_OF(struct e1000, ctx, m)
static const struct field e1000_state[] = {
    PCI_FIELDS(struct e1000, pci),
    FIELD(struct e1000, ctrl),
    FIELD(struct e1000, icr),
    FIELD(struct e1000, ims),
    FIELD(struct e1000, itr),
    FIELD(struct e1000, rctl),
    FIELD(struct e1000, tctl),
    FIELD(struct e1000, rdh),
    FIELD(struct e1000, rdt),
    FIELD(struct e1000, rdtr),
    FIELD(struct e1000, tdh),
    FIELD(struct e1000, tdt),
    FIELD(struct e1000, mdic),
    FIELD(struct e1000, eerd),
    FIELD(struct e1000, eecd),
    FIELD(struct e1000, io_addr),
    FIELDS(struct e1000, plain),
    FIELDS(struct e1000, ra),
    FIELDS(struct e1000, mta),
    FIELDS(struct e1000, vfta),
    FIELDS(struct e1000, stat),
    FIELDS(struct e1000, ip4at),
    FIELDS(struct e1000, ip6at),
    FIELDS(struct e1000, wupm),
    FIELDS(struct e1000, fflt),
    FIELDS(struct e1000, ffmt),
    FIELDS(struct e1000, ffvt),
    FIELDS(struct e1000, phy),
    MICROWIRE_FIELDS(struct e1000, eeprom),
    FIELD(struct e1000, irq_at),
    FIELD(struct e1000, rx_at),
    FIELD(struct e1000, rx_first),
    FIELD(struct e1000, tx_at),
    FIELD(struct e1000, tx_first),
    E1000_CTX(ipcss),
    E1000_CTX(ipcso),
    E1000_CTX(tucss),
    E1000_CTX(tucso),
    E1000_CTX(hdrlen),
    E1000_CTX(cmd),
    E1000_CTX(ipcse),
    E1000_CTX(tucse),
    E1000_CTX(mss),
    E1000_CTX(paylen),
    {0},
};
static const struct prop e1000_props[] = {
    PCI_PROPS(struct e1000, pci),
    PROP("mac", PROP_MAC, struct e1000, mac, NULL, "address; else the next of 52:54:00:12:34:56"),
    PROP("netdev", PROP_NETDEV, struct e1000, netdev, NULL, "what it is connected to"),
    PROP("bootindex", PROP_U32, struct e1000, bootindex, "0xffffffff", "boot order, for firmware"),
    {0},
};

const struct device_class e1000_class = {
    .name = "e1000",
    .doc = "Intel 82540EM gigabit Ethernet",
    .bus = "pci",
    .size = sizeof(struct e1000),
    .mmio_size = MEM_SIZE,
    .min_access = 4,
    .max_access = 4,
    .state = e1000_state,
    .regs = e1000_regs,
    .props = e1000_props,
    .init = e1000_init,
    .reset = e1000_reset,
    .loaded = e1000_loaded,
    .fini = e1000_fini,
    .fw_path = e1000_fw_path,
};

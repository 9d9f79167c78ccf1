/* Realtek RTL8139C+ Ethernet controller ("rtl8139"): registers, interrupts. SPEC: Realtek, RTL8139C(L)+ data sheet 1.6.
 * Drivers of the RTL8139 use its four transmit slots and its ring of received bytes, those of the C+ its descriptor
 * rings.
 *
 * Not modelled: wake-up, power states and flow control (their registers keep what is written), early interrupts and the
 * thresholds of the FIFOs, the boot ROM's and CIS's serial access. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/rtl8139_priv.h"

enum {
    SIZE = 256,
    CLOCK_NS = 30, /* of TCTR: the PCI bus's */
    EE_DO = 1 << 0,
    EE_DI = 1 << 1,
    EE_SK = 1 << 2,
    EE_CS = 1 << 3,
    EE_MODE = 3 << 6,
    EE_PROGRAM = 2 << 6,
    EE_CONFIG = 3 << 6,
    TALLY_DUMP = 1 << 3,
    POLL_HIGH = 1 << 7,
    POLL_NORMAL = 1 << 6,
    POLL_SWINT = 1 << 0,
    BMCR_RESET = 1 << 15,
    BMCR_RESTART = 1 << 9,
    BMCR_DEFAULT = 0x3100,
    MSR_LINK_DOWN = 1 << 2,
    MSR_AUX = 1 << 4,
};

/* -- interrupts ------------------------------------------------------------------------------------------------------
 */

static void update(struct rtl8139 *s)
{
    pci_set_intx(&s->pci, s->isr & s->imr);
}
void rtl8139_cause(struct rtl8139 *s, u16 isr)
{
    s->isr |= isr;
    update(s);
}
static u64 isr_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct rtl8139 *)d)->isr;
}
static void isr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->isr &= (u16)~v;
    update(s);
}
static void imr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->imr = v & ISR_ALL;
    update(s);
}

/* TCTR counts bus clocks and comes by TimerInt once in 2^32 of them. */
static u32 tctr(const struct rtl8139 *s)
{
    return (u32)((clock_now(CLOCK_VIRTUAL) - s->timer_base) / CLOCK_NS);
}
static void timer_arm(struct rtl8139 *s)
{
    u64 ticks = (clock_now(CLOCK_VIRTUAL) - s->timer_base) / CLOCK_NS, ahead = (u32)(s->timer_int - (u32)ticks);
    ahead = ahead ? ahead : 1ull << 32;
    timer_set(&s->timer, s->timer_int ? s->timer_base + (ticks + ahead) * CLOCK_NS : ~0ull);
}
static void timer_rings(void *opaque)
{
    struct rtl8139 *s = opaque;
    rtl8139_cause(s, ISR_TIMEOUT);
    timer_arm(s);
}
static u64 tctr_read(struct device *d, unsigned i)
{
    (void)i;
    return tctr((struct rtl8139 *)d);
}
static void tctr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i, (void)v;
    s->timer_base = clock_now(CLOCK_VIRTUAL);
    timer_arm(s);
}
static void timer_int_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->timer_int = (u32)v;
    timer_arm(s);
}

/* -- command and configuration ---------------------------------------------------------------------------------------
 */

static void chip_reset(struct rtl8139 *s)
{
    s->cr = 0;
    s->isr = s->imr = s->mulint = s->cpcr = 0;
    s->capr = 0xfff0;
    s->cbr = 0;
    s->tcr = 3 << 24;
    s->rcr = s->timer_int = s->missed = 0;
    s->bmcr = BMCR_DEFAULT;
    s->anar = 0x05e1;
    s->msr = s->ersr = s->eecr = 0;
    s->config1 = 0x0c;
    s->config3 = 0x01;
    s->tx_at[0] = s->tx_at[1] = s->rx_at = 0;
    for (unsigned i = 0; i < TX_SLOTS; i++) {
        s->tsd[i] = TSD_OWN;
        s->tsad[i] = 0;
    }
    for (unsigned i = 0; i < 6; i++) {
        s->idr[i] = (u8)(s->eeprom.word[7 + i / 2] >> 8 * (i & 1));
    }
    memset(&s->count, 0, sizeof(s->count));
    timer_cancel(&s->timer);
    timer_cancel(&s->work);
    update(s);
}
static u64 cr_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    return s->cr | (s->cpcr & CPCR_RX || rtl8139_rx_empty(s) ? CR_BUFE : 0);
}
static void cr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    u8 old = s->cr;
    (void)i;
    if (v & CR_RST) {
        chip_reset(s);
        v = 0;
    }
    s->cr = v & (CR_TE | CR_RE);
    if (!(old & CR_RE) && v & CR_RE) {
        s->cbr = 0;
        s->rx_at = 0;
    }
    if (!(old & CR_TE) && v & CR_TE) {
        s->tx_at[0] = s->tx_at[1] = 0;
    }
    net_resume(s->netdev);
}
static u64 eecr_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    return s->eecr | (s->eeprom.data_out ? EE_DO : 0);
}
static void eecr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->eecr = v & (EE_MODE | EE_CS | EE_SK | EE_DI);
    if ((v & EE_MODE) == EE_PROGRAM) {
        microwire_set(&s->eeprom, v & EE_CS, v & EE_SK, v & EE_DI);
    }
}
/* They can be written while the EEPROM's register says so. */
static void config_write(struct rtl8139 *s, u8 *r, u8 mask, u64 v)
{
    if ((s->eecr & EE_MODE) == EE_CONFIG) {
        *r = (u8)((*r & ~mask) | (v & mask));
    } else {
        guest_error(device_name(&s->pci.dev), "a configuration register is written while it is locked");
    }
}
static void config1_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    config_write(s, &s->config1, 0xf3, v);
}
static void config3_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    config_write(s, &s->config3, 0x60, v);
}
static void config4_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    config_write(s, &s->config4, 0xff, v);
}

/* -- transmitting, receiving -----------------------------------------------------------------------------------------
 */

/* In C+ mode these places are the tally's address and the rings'. */
static u64 tsd_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    return !rtl8139_is_plus(s) ? s->tsd[i] : i < 2 ? (u32)(s->tally >> 32 * i) : 0;
}
static void tally_dump(struct rtl8139 *s)
{
    u8 t[64] = {0};
    st64le(t, s->count.tx_ok);
    st64le(t + 8, s->count.rx_ok);
    st16le(t + 28, (u16)s->count.rx_missed);
    st64le(t + 40, s->count.rx_ok);
    st64le(t + 48, s->count.rx_all);
    st32le(t + 56, (u32)s->count.rx_multi);
    if (pci_is_master(&s->pci)) {
        mem_write(s->pci.dev.dma, s->tally & ~63ull, t, sizeof(t), rtl8139_attrs(s));
    }
}
static void tsd_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    if (!rtl8139_is_plus(s)) {
        s->tsd[i] = (u32)v & 0x003fffff & ~(u32)TSD_TOK;
        rtl8139_tx_slot(s, i);
    } else if (i < 2) {
        s->tally = deposit(s->tally, 32 * i, 32, v & (i ? ~0u : ~(u32)(63 & ~TALLY_DUMP)));
        if (!i && v & TALLY_DUMP) {
            tally_dump(s);
            s->tally &= ~(u64)TALLY_DUMP;
        }
    }
}
static u64 tsad_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    return rtl8139_is_plus(s) ? (u32)(s->tx_ring[i / 2] >> 32 * (i & 1)) : s->tsad[i];
}
static void tsad_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    if (rtl8139_is_plus(s)) {
        s->tx_ring[i / 2] = deposit(s->tx_ring[i / 2], 32 * (i & 1), 32, i & 1 ? v : v & ~255ull);
        s->tx_at[i / 2] = 0;
    } else {
        s->tsad[i] = (u32)v;
    }
}
/* OWN, TABT, TUN and TOK of the slots, four bits each. */
static u64 slots_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    u64 v = 0;
    (void)i;
    for (unsigned k = 0; k < TX_SLOTS; k++) {
        v |= (u64)bit(s->tsd[k], 13) << k | (u64)bit(s->tsd[k], 14) << (k + 8) | (u64)bit(s->tsd[k], 15) << (k + 12);
    }
    return v;
}
static void poll_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    if (v & POLL_SWINT) {
        rtl8139_cause(s, ISR_SWINT);
    }
    if (v & POLL_HIGH) {
        rtl8139_tx_ring(s, 1);
    }
    if (v & POLL_NORMAL) {
        rtl8139_tx_ring(s, 0);
    }
}
static void work_due(void *opaque)
{
    rtl8139_tx_ring(opaque, 1);
    rtl8139_tx_ring(opaque, 0);
}
static u64 tcr_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct rtl8139 *)d)->tcr | TCR_VERSION;
}
static void tcr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct rtl8139 *)d)->tcr = v & 0x030707f0;
}
static void rcr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->rcr = v & 0x0f03ffbf;
    net_resume(s->netdev);
}
static void capr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->capr = (u16)v;
    net_resume(s->netdev);
}
static void missed_write(struct device *d, unsigned i, u64 v)
{
    (void)i, (void)v;
    ((struct rtl8139 *)d)->missed = 0;
}
static void cpcr_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    s->cpcr = v & 0x7b;
    net_resume(s->netdev);
}
static u64 rdsar_read(struct device *d, unsigned i)
{
    return (u32)(((struct rtl8139 *)d)->rx_ring >> 32 * i);
}
static void rdsar_write(struct device *d, unsigned i, u64 v)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    s->rx_ring = deposit(s->rx_ring, 32 * i, 32, i ? v : v & ~255ull);
    s->rx_at = 0;
}

/* -- the PHY inside --------------------------------------------------------------------------------------------------
 */

static u64 msr_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    return (s->msr & 0xc0) | MSR_AUX | (s->link ? 0 : MSR_LINK_DOWN);
}
static void msr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct rtl8139 *)d)->msr = v & 0xc0;
}
static void bmcr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct rtl8139 *)d)->bmcr = v & BMCR_RESET ? BMCR_DEFAULT : v & 0x3100;
}
static u64 bmsr_read(struct device *d, unsigned i)
{
    const struct rtl8139 *s = (struct rtl8139 *)d;
    (void)i;
    return 0x7809 | (s->link ? 0x24 : 0);
}
static u64 partner_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct rtl8139 *)d)->link ? 0x45e1 : 0;
}
static u64 expansion_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct rtl8139 *)d)->link ? 1 : 0;
}
static void link_changed(void *opaque, bool up)
{
    struct rtl8139 *s = opaque;
    if (s->link != up) {
        s->link = up;
        rtl8139_cause(s, ISR_LINK);
    }
}

/* Only kept, or always the same. */
static u64 zero_read(struct device *d, unsigned i)
{
    (void)d, (void)i;
    return 0;
}
static void ignore(struct device *d, unsigned i, u64 v)
{
    (void)d, (void)i, (void)v;
}

#define HOOK(o, n, bytes, ...) \
    { \
        .off = (o), .name = (n), .size = (bytes), __VA_ARGS__ \
    }
static const struct reg rtl8139_regs[] = {
    HOOK(0x3e, "ISR", 2, .read = isr_read, .write = isr_write),
    REG(0x3c, "IMR", struct rtl8139, imr, .write = imr_write),
    HOOK(0x37, "CR", 1, .read = cr_read, .write = cr_write),
    REG(0x38, "CAPR", struct rtl8139, capr, .write = capr_write),
    REG(0x3a, "CBR", struct rtl8139, cbr),
    HOOK(0x10, "TSD", 4, .count = TX_SLOTS, .read = tsd_read, .write = tsd_write),
    HOOK(0x20, "TSAD", 4, .count = TX_SLOTS, .read = tsad_read, .write = tsad_write),
    HOOK(0xd9, "TPPOLL", 1, .read = zero_read, .write = poll_write),
    REG(0x00, "IDR", struct rtl8139, idr[0], .count = 6, .wmask = 0xff),
    HOOK(0x06, "RESERVED6", 1, .count = 2, .read = zero_read, .write = ignore), /* 32-bit writes of IDR4 reach it */
    REG(0x08, "MAR", struct rtl8139, mar[0], .count = 8, .wmask = 0xff),
    REG(0x30, "RBSTART", struct rtl8139, rbstart, .wmask = ~0u),
    HOOK(0x34, "ERBCR", 2, .read = zero_read),
    REG(0x36, "ERSR", struct rtl8139, ersr),
    REG(0x40, "TCR", struct rtl8139, tcr, .read = tcr_read, .write = tcr_write),
    REG(0x44, "RCR", struct rtl8139, rcr, .write = rcr_write),
    HOOK(0x48, "TCTR", 4, .read = tctr_read, .write = tctr_write),
    REG(0x4c, "MPC", struct rtl8139, missed, .write = missed_write),
    HOOK(0x50, "9346CR", 1, .read = eecr_read, .write = eecr_write),
    REG(0x51, "CONFIG0", struct rtl8139, config0),
    REG(0x52, "CONFIG1", struct rtl8139, config1, .write = config1_write),
    REG(0x54, "TIMERINT", struct rtl8139, timer_int, .write = timer_int_write),
    HOOK(0x58, "MSR", 1, .read = msr_read, .write = msr_write),
    REG(0x59, "CONFIG3", struct rtl8139, config3, .write = config3_write),
    REG(0x5a, "CONFIG4", struct rtl8139, config4, .write = config4_write),
    REG(0x5c, "MULINT", struct rtl8139, mulint, .wmask = 0x0fff),
    HOOK(0x5e, "RERID", 1, .read = zero_read),
    HOOK(0x60, "TSAD_ALL", 2, .read = slots_read),
    REG(0x62, "BMCR", struct rtl8139, bmcr, .write = bmcr_write),
    HOOK(0x64, "BMSR", 2, .read = bmsr_read, .write = ignore),
    REG(0x66, "ANAR", struct rtl8139, anar, .wmask = 0x2fe0),
    HOOK(0x68, "ANLPAR", 2, .read = partner_read, .write = ignore),
    HOOK(0x6a, "ANER", 2, .read = expansion_read, .write = ignore),
    HOOK(0x6c, "PHY_COUNTERS", 2, .count = 5, .read = zero_read, .write = ignore), /* to CSCR's predecessor */
    REG(0x78, "PHY_PARM", struct rtl8139, phy_parm[0], .count = 3, .wmask = ~0u),
    REG(0xd8, "CONFIG5", struct rtl8139, config5, .wmask = 0x7f),
    REG(0xe0, "CPCR", struct rtl8139, cpcr, .write = cpcr_write),
    HOOK(0xe4, "RDSAR", 4, .count = 2, .read = rdsar_read, .write = rdsar_write),
    REG(0xec, "ETTHR", struct rtl8139, etthr, .wmask = 0x3f),
    {0},
};

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static const struct net_receiver receiver = {
    .can_receive = rtl8139_can_receive, .receive = rtl8139_receive, .link = link_changed};

static void config_written(struct pci_device *p, unsigned off, unsigned size)
{
    struct rtl8139 *s = (struct rtl8139 *)p;
    if (off <= PCI_COMMAND && off + size > PCI_COMMAND) {
        net_resume(s->netdev);
    }
}
static void eeprom_init(struct rtl8139 *s)
{
    u16 *w = s->eeprom.word;
    w[0] = 0x8129;
    w[1] = 0x10ec;
    w[2] = 0x8139;
    w[3] = 0x1af4;
    w[4] = 0x1100;
    for (unsigned i = 0; i < 3; i++) {
        w[7 + i] = ld16le(s->mac + 2 * i);
    }
}
static bool rtl8139_init(struct device *d, struct err *e)
{
    static const u8 none[6];
    struct rtl8139 *s = (struct rtl8139 *)d;
    if (!memcmp(s->mac, none, 6)) {
        net_next_mac(s->mac);
    }
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x10ec,
                                          .device = 0x8139,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x020000,
                                          .revision = 0x20,
                                          .interrupt_pin = 1});
    if (!pci_add_rom(&s->pci, "efi-rtl8139.rom", e)) {
        return false;
    }
    s->io = (struct mem_region){.name = "rtl8139-io", .kind = MEM_MMIO, .size = SIZE, .ops = d->mmio.ops, .opaque = d};
    pci_add_bar(&s->pci, 0, PCI_BAR_IO, false, &s->io);
    pci_add_bar(&s->pci, 1, PCI_BAR_MEM32, false, &d->mmio);
    s->pci.config_written = config_written;
    timer_init(&s->timer, CLOCK_VIRTUAL, timer_rings, s);
    timer_init(&s->work, CLOCK_VIRTUAL, work_due, s);
    eeprom_init(s);
    s->link = true;
    if (s->netdev) {
        s->link = net_link(s->netdev);
        return net_attach(s->netdev, &receiver, s, e);
    }
    return true;
}
static void rtl8139_reset(struct device *d)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    pci_reset(&s->pci);
    s->timer_base = clock_now(CLOCK_VIRTUAL);
    chip_reset(s);
    net_resume(s->netdev);
}
static bool rtl8139_loaded(struct device *d, struct err *e)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    if (!pci_loaded(&s->pci, e)) {
        return false;
    }
    timer_arm(s);
    timer_set(&s->work, clock_now(CLOCK_VIRTUAL));
    net_resume(s->netdev);
    return true;
}
static void rtl8139_fini(struct device *d)
{
    struct rtl8139 *s = (struct rtl8139 *)d;
    timer_cancel(&s->timer);
    timer_cancel(&s->work);
    if (s->netdev) {
        net_detach(s->netdev);
    }
}
static void rtl8139_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, p->devfn & 7 ? "/ethernet@%x,%x/ethernet-phy@0" : "/ethernet@%x/ethernet-phy@0", p->devfn >> 3,
               p->devfn & 7);
}

#define F(m) FIELD(struct rtl8139, m)
static const struct field rtl8139_state[] = {
    PCI_FIELDS(struct rtl8139, pci),
    FIELDS(struct rtl8139, idr),
    FIELDS(struct rtl8139, mar),
    F(cr),
    F(eecr),
    F(config0),
    F(config1),
    F(config3),
    F(config4),
    F(config5),
    F(msr),
    F(ersr),
    F(capr),
    F(cbr),
    F(imr),
    F(isr),
    F(mulint),
    F(bmcr),
    F(anar),
    F(cpcr),
    FIELDS(struct rtl8139, tsd),
    FIELDS(struct rtl8139, tsad),
    F(rbstart),
    F(tcr),
    F(rcr),
    F(timer_int),
    F(missed),
    FIELDS(struct rtl8139, phy_parm),
    F(etthr),
    F(tally),
    FIELDS(struct rtl8139, tx_ring),
    F(rx_ring),
    FIELDS(struct rtl8139, tx_at),
    F(rx_at),
    FIELD(struct rtl8139, timer_base, .flags = F_KEEP),
    F(count.tx_ok),
    F(count.rx_ok),
    F(count.rx_missed),
    F(count.rx_all),
    F(count.rx_multi),
    MICROWIRE_FIELDS(struct rtl8139, eeprom),
    {0},
};
static const struct prop rtl8139_props[] = {
    PCI_PROPS(struct rtl8139, pci),
    PROP("mac", PROP_MAC, struct rtl8139, mac, NULL, "address; else the next of 52:54:00:12:34:56"),
    PROP("netdev", PROP_NETDEV, struct rtl8139, netdev, NULL, "what it is connected to"),
    PROP("bootindex", PROP_U32, struct rtl8139, bootindex, "0xffffffff", "boot order, for firmware"),
    {0},
};

const struct device_class rtl8139_class = {
    .name = "rtl8139",
    .doc = "Realtek RTL8139C+ Ethernet",
    .bus = "pci",
    .size = sizeof(struct rtl8139),
    .mmio_size = SIZE,
    .state = rtl8139_state,
    .regs = rtl8139_regs,
    .props = rtl8139_props,
    .init = rtl8139_init,
    .reset = rtl8139_reset,
    .loaded = rtl8139_loaded,
    .fini = rtl8139_fini,
    .fw_path = rtl8139_fw_path,
};

/* The RTL8139C+'s registers and what its files share. SPEC: Realtek, RTL8139C(L)+ data sheet 1.6, chapters 6
 * (registers) and 8 (descriptors of C+ mode). */
#ifndef MOSS_HW_NET_RTL8139_PRIV_H
#define MOSS_HW_NET_RTL8139_PRIV_H

#include "base/clock.h"
#include "hw/net/microwire.h"
#include "hw/net/rtl8139.h"
#include "hw/pci/pci.h"
#include "net/net.h"

enum {
    CR_BUFE = 1 << 0,
    CR_TE = 1 << 2,
    CR_RE = 1 << 3,
    CR_RST = 1 << 4,
    ISR_ROK = 1 << 0,
    ISR_RER = 1 << 1,
    ISR_TOK = 1 << 2,
    ISR_TER = 1 << 3,
    ISR_RXOVW = 1 << 4, /* C+: no receive descriptor */
    ISR_LINK = 1 << 5,
    ISR_FOVW = 1 << 6,
    ISR_TDU = 1 << 7,
    ISR_SWINT = 1 << 8,
    ISR_TIMEOUT = 1 << 14,
    ISR_ALL = 0xe1ff,
    TSD_SIZE = 0x1fff,
    TSD_OWN = 1 << 13,
    TSD_TOK = 1 << 15,
    TCR_CRC = 1 << 16,
    TCR_LOOPBACK = 3 << 17,
    TCR_VERSION = 0x74800000, /* C+ */
    RCR_AAP = 1 << 0,
    RCR_APM = 1 << 1,
    RCR_AM = 1 << 2,
    RCR_AB = 1 << 3,
    RCR_AR = 1 << 4,
    RCR_WRAP = 1 << 7,
    CPCR_TX = 1 << 0,
    CPCR_RX = 1 << 1,
    CPCR_CHECKSUM = 1 << 5,
    CPCR_VLAN = 1 << 6,
    TX_SLOTS = 4,
    CRC = 4,
    FRAME_MIN = 60,
};

struct rtl8139 {
    struct pci_device pci;
    struct netdev *netdev;
    u8 mac[6];
    u32 bootindex;
    bool link;
    bool sending; /* now: its own writes to memory may reach its registers */
    struct mem_region io;
    struct timer timer, work;
    u8 idr[6], mar[8], cr, eecr, config0, config1, config3, config4, config5, msr, ersr;
    u16 capr, cbr, imr, isr, mulint, bmcr, anar, cpcr;
    u32 tsd[TX_SLOTS], tsad[TX_SLOTS], rbstart, tcr, rcr, timer_int, missed;
    u32 phy_parm[4]; /* tuning that is only kept */
    u8 etthr;
    u64 tally, tx_ring[2], rx_ring; /* C+: normal and high priority */
    u16 tx_at[2], rx_at;            /* the next descriptor of each */
    u64 timer_base;                 /* when TCTR was 0 */
    struct {
        u64 tx_ok, rx_ok, rx_missed, rx_all, rx_multi;
    } count;
    struct microwire eeprom;
};

/* rtl8139.c */
void rtl8139_cause(struct rtl8139 *s, u16 isr);
static inline bool rtl8139_is_plus(const struct rtl8139 *s)
{
    return s->cpcr & (CPCR_TX | CPCR_RX);
}
static inline struct mem_attrs rtl8139_attrs(const struct rtl8139 *s)
{
    return (struct mem_attrs){.requester = pci_requester(&s->pci)};
}

/* rtl8139_tx.c */
void rtl8139_tx_slot(struct rtl8139 *s, unsigned i);
void rtl8139_tx_ring(struct rtl8139 *s, unsigned ring);

/* rtl8139_rx.c */
bool rtl8139_can_receive(void *opaque);
void rtl8139_receive(void *opaque, const u8 *frame, size_t n);
bool rtl8139_rx_empty(const struct rtl8139 *s);

#endif

/* The 82540EM's registers and what its files share. SPEC: Intel 317453 (PCI/PCI-X Family of Gigabit Ethernet
 * Controllers Software Developer's Manual), chapter 13 for registers, 3 for descriptors, 5 for the EEPROM. */
#ifndef MOSS_HW_NET_E1000_PRIV_H
#define MOSS_HW_NET_E1000_PRIV_H

#include "base/clock.h"
#include "hw/net/e1000.h"
#include "hw/net/microwire.h"
#include "hw/pci/pci.h"
#include "net/net.h"

enum {
    CTRL_SLU = 1 << 6,
    CTRL_RST = 1 << 26,
    CTRL_VME = 1 << 30,
    STATUS_FD = 1 << 0,
    STATUS_LU = 1 << 1,
    STATUS_1000 = 2 << 6 | 2 << 8, /* speed, and what auto-negotiation found */
    ICR_TXDW = 1 << 0,
    ICR_TXQE = 1 << 1,
    ICR_LSC = 1 << 2,
    ICR_RXDMT0 = 1 << 4,
    ICR_RXO = 1 << 6,
    ICR_RXT0 = 1 << 7,
    ICR_MDAC = 1 << 9,
    ICR_PHYINT = 1 << 12,
    ICR_TXD_LOW = 1 << 15,
    ICR_SRPD = 1 << 16,
    RCTL_EN = 1 << 1,
    RCTL_SBP = 1 << 2,
    RCTL_UPE = 1 << 3,
    RCTL_MPE = 1 << 4,
    RCTL_LPE = 1 << 5,
    RCTL_LBM = 3 << 6,
    RCTL_BAM = 1 << 15,
    RCTL_VFE = 1 << 18,
    RCTL_CFIEN = 1 << 19,
    RCTL_CFI = 1 << 20,
    RCTL_BSEX = 1 << 25,
    RCTL_SECRC = 1 << 26,
    TCTL_EN = 1 << 1,
    TCTL_PSP = 1 << 3,
    RXCSUM_IPOFL = 1 << 8,
    RXCSUM_TUOFL = 1 << 9,
    PHY_LOOPBACK = 1 << 14,
    DESC = 16, /* bytes */
    CRC = 4,
    FRAME_MIN = 60,
    PHY_REGS = 32,
    RA_WORDS = 32,
    TABLE = 128,
    STATS = 64,
};

/* Registers that only keep what is written: name, offset, writable bits, value after reset. */
// clang-format off
#define E1000_PLAIN(X)                                                                                                 \
    X(CTRL_EXT, 0x0018, 0xffffdfff, 0)          X(FCAL, 0x0028, ~0u, 0x00c28001)                                       \
    X(FCAH, 0x002c, 0xffff, 0x0100)             X(FCT, 0x0030, 0xffff, 0x8808)                                         \
    X(VET, 0x0038, 0xffff, 0x8100)              X(FCTTV, 0x0170, 0xffff, 0)                                            \
    X(TXCW, 0x0178, ~0u, 0)                     X(RXCW, 0x0180, 0, 0)                                                  \
    X(TIPG, 0x0410, 0x3fffffff, 0x0060200a)     X(AIFS, 0x0458, 0xffff, 0)                                             \
    X(LEDCTL, 0x0e00, ~0u, 0x07068302)          X(PBA, 0x1000, 0x7f, 0x00100030)                                       \
    X(FCRTL, 0x2160, 0x8000fff8, 0)             X(FCRTH, 0x2168, 0xfff8, 0)                                            \
    X(RDFH, 0x2410, 0x1fff, 0)                  X(RDFT, 0x2418, 0x1fff, 0)                                             \
    X(RDFHS, 0x2420, 0x1fff, 0)                 X(RDFTS, 0x2428, 0x1fff, 0)                                            \
    X(RDFPC, 0x2430, 0x1fff, 0)                                                                                        \
    X(RDBAL, 0x2800, ~15u, 0)                   X(RDBAH, 0x2804, ~0u, 0)                                               \
    X(RDLEN, 0x2808, 0xfff80, 0)                X(RXDCTL, 0x2828, 0x013f3f3f, 0x01000000)                              \
    X(RADV, 0x282c, 0xffff, 0)                  X(RSRPD, 0x2c00, 0xfff, 0)                                             \
    X(TXDMAC, 0x3000, 1, 0)                     X(TDFH, 0x3410, 0x1fff, 0)                                             \
    X(TDFT, 0x3418, 0x1fff, 0)                  X(TDFHS, 0x3420, 0x1fff, 0)                                            \
    X(TDFTS, 0x3428, 0x1fff, 0)                 X(TDFPC, 0x3430, 0x1fff, 0)                                            \
    X(TDBAL, 0x3800, ~15u, 0)                   X(TDBAH, 0x3804, ~0u, 0)                                               \
    X(TDLEN, 0x3808, 0xfff80, 0)                X(TIDV, 0x3820, 0xffff, 0)                                             \
    X(TXDCTL, 0x3828, 0xff3f3f3f, 0)            X(TADV, 0x382c, 0xffff, 0)                                             \
    X(TSPMT, 0x3830, ~0u, 0x01000400)           X(RXCSUM, 0x5000, 0x3ff, 0)                                            \
    X(WUC, 0x5800, 0xf, 0)                      X(WUFC, 0x5808, 0xf00ff, 0)                                            \
    X(WUS, 0x5810, 0, 0)                        X(MANC, 0x5820, ~0u, 0)                                                \
    X(IPAV, 0x5838, 0x1000f, 0)                 X(WUPL, 0x5900, 0, 0)
// clang-format on
#define E1000_INDEX(name, off, mask, reset) P_##name,
enum { E1000_PLAIN(E1000_INDEX) PLAIN };
#undef E1000_INDEX

/* The statistics that something here counts; the others stay 0. Indices are offsets from 0x4000, by 4. */
enum {
    S_MPC = 0x10 / 4,
    S_PRC64 = 0x5c / 4, /* and five more, by size */
    S_GPRC = 0x74 / 4,
    S_BPRC,
    S_MPRC,
    S_GPTC,
    S_GORCL = 0x88 / 4,
    S_GOTCL = 0x90 / 4,
    S_RNBC = 0xa0 / 4,
    S_ROC = 0xac / 4,
    S_TORL = 0xc0 / 4,
    S_TOTL = 0xc8 / 4,
    S_TPR = 0xd0 / 4,
    S_TPT,
    S_PTC64,
    S_MPTC = 0xf0 / 4,
    S_BPTC,
    S_TSCTC,
};

/* A transmit context, as its descriptor says: offsets of checksums, and how to cut. */
struct e1000_context {
    u8 ipcss, ipcso, tucss, tucso, hdrlen, cmd;
    u16 ipcse, tucse, mss;
    u32 paylen;
};

struct e1000 {
    struct pci_device pci;
    struct netdev *netdev;
    u8 mac[6];
    u32 bootindex;
    bool link;
    bool sending; /* now: its own writes to memory may reach its registers */
    struct mem_region io;
    struct timer irq_timer, rx_timer, tx_timer, work;
    u32 ctrl, icr, ims, itr, rctl, tctl, rdh, rdt, rdtr, tdh, tdt, mdic, eerd, eecd, io_addr;
    u32 plain[PLAIN], ra[RA_WORDS], mta[TABLE], vfta[TABLE], stat[STATS];
    u32 ip4at[8], ip6at[4], wupm[32], fflt[8], ffmt[256], ffvt[256]; /* wake-up filters, which are only kept */
    u16 phy[PHY_REGS];
    struct microwire eeprom;
    u64 irq_at, rx_at, rx_first, tx_at, tx_first; /* when the next may come; deadlines, 0: none */
    struct e1000_context ctx[2];                  /* of checksums, of segmentation */
};

/* e1000.c */
void e1000_cause(struct e1000 *s, u32 icr);
void e1000_delayed(struct e1000 *s, bool tx);
void e1000_count(struct e1000 *s, unsigned stat, u32 n);
void e1000_count64(struct e1000 *s, unsigned stat, u32 n);
void e1000_count_size(struct e1000 *s, unsigned stat, size_t n);
static inline struct mem_attrs e1000_attrs(const struct e1000 *s)
{
    return (struct mem_attrs){.requester = pci_requester(&s->pci)};
}
static inline bool e1000_loops(const struct e1000 *s)
{
    return s->rctl & RCTL_LBM || s->phy[0] & PHY_LOOPBACK;
}

/* e1000_phy.c */
void e1000_phy_reset(struct e1000 *s);
void e1000_phy_link(struct e1000 *s);
u32 e1000_mdic(struct e1000 *s, u32 v); /* MDIC after an access */
void e1000_eeprom_init(struct e1000 *s);
u32 e1000_eecd_read(const struct e1000 *s);
void e1000_eecd_write(struct e1000 *s, u32 v);

/* e1000_tx.c, e1000_rx.c */
void e1000_tx_run(struct e1000 *s);
bool e1000_can_receive(void *opaque);
void e1000_receive(void *opaque, const u8 *frame, size_t n);

#endif

/* What hangs on the 82540EM's serial lines: the PHY inside it (317453, section 13.4.6 MDIC and "PHY registers") and the
 * Microwire EEPROM of 64 words (chapter 5; the 93C46's instructions). Auto-negotiation finds a gigabit, full duplex, at
 * once. Not modelled: the PHY's tests and power saving. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/net/e1000_priv.h"

enum {
    CONTROL,
    STATUS,
    ID1,
    ID2,
    ADVERTISED,
    PARTNER,
    EXPANSION,
    CONTROL_1000 = 9,
    STATUS_1000T,
    EXTENDED = 15,
    SPECIFIC_CONTROL,
    SPECIFIC_STATUS,
    INT_ENABLE,
    INT_STATUS,
    CONTROL_RESET = 1 << 15,
    CONTROL_ANEG = 1 << 12,
    CONTROL_DOWN = 1 << 11,
    CONTROL_RESTART = 1 << 9,
    STATUS_ANEG_DONE = 1 << 5,
    STATUS_LINK = 1 << 2,
    SPECIFIC_LINK = 1 << 10,
    SPECIFIC_RESOLVED = 0xa800, /* gigabit, full duplex, resolved */
    INT_LINK = 1 << 10,
    INT_ANEG = 1 << 11,
    MDIC_READ = 2 << 26,
    MDIC_WRITE = 1 << 26,
    MDIC_OP = 3 << 26,
    MDIC_READY = 1 << 28,
    MDIC_ERROR = 1 << 30,
};

/* -- PHY -------------------------------------------------------------------------------------------------------------
 */

void e1000_phy_link(struct e1000 *s)
{
    u16 *p = s->phy;
    bool up = s->link && !(p[CONTROL] & CONTROL_DOWN), was = p[SPECIFIC_STATUS] & SPECIFIC_LINK;
    p[STATUS] = 0x7949 | (up ? STATUS_LINK | (p[CONTROL] & CONTROL_ANEG ? STATUS_ANEG_DONE : 0) : 0);
    p[SPECIFIC_STATUS] = up ? SPECIFIC_RESOLVED | SPECIFIC_LINK : 0;
    p[PARTNER] = up ? 0xcde1 : 0;
    p[STATUS_1000T] = up ? 0x3c00 : 0;
    p[EXPANSION] = up ? 0x000f : 0x0004;
    if (up != was) {
        p[INT_STATUS] |= INT_LINK | (up ? INT_ANEG : 0);
        if (p[INT_STATUS] & p[INT_ENABLE]) {
            e1000_cause(s, ICR_PHYINT);
        }
    }
}
void e1000_phy_reset(struct e1000 *s)
{
    memset(s->phy, 0, sizeof(s->phy));
    s->phy[CONTROL] = 0x1140;
    s->phy[ID1] = 0x0141;
    s->phy[ID2] = 0x0c20; /* the M88E1011 of the 82540 */
    s->phy[ADVERTISED] = 0x0de1;
    s->phy[CONTROL_1000] = 0x0e00;
    s->phy[EXTENDED] = 0x3000;
    s->phy[SPECIFIC_CONTROL] = 0x0360;
    s->phy[20] = 0x0d60; /* extended PHY control */
    e1000_phy_link(s);
    s->phy[INT_STATUS] = 0;
}

static void control_write(struct e1000 *s, u16 v)
{
    if (v & CONTROL_RESET) {
        e1000_phy_reset(s);
        e1000_cause(s, s->link ? ICR_LSC : 0);
        return;
    }
    s->phy[CONTROL] = v & (u16)~CONTROL_RESTART;
    e1000_phy_link(s);
    if (v & CONTROL_RESTART && v & CONTROL_ANEG && s->link) {
        e1000_cause(s, ICR_LSC);
    }
}
static void phy_write(struct e1000 *s, unsigned r, u16 v)
{
    bool fixed = r == STATUS || r == ID1 || r == ID2 || r == PARTNER || r == EXPANSION || r == STATUS_1000T ||
                 r == EXTENDED || r == SPECIFIC_STATUS || r == INT_STATUS;
    if (r == CONTROL) {
        control_write(s, v);
    } else if (!fixed) {
        s->phy[r] = v;
    }
}
static u16 phy_read(struct e1000 *s, unsigned r)
{
    u16 v = s->phy[r];
    if (r == INT_STATUS) {
        s->phy[r] = 0;
    }
    return v;
}

u32 e1000_mdic(struct e1000 *s, u32 v)
{
    unsigned r = (unsigned)bits(v, 16, 5), phy = (unsigned)bits(v, 21, 5), op = v & MDIC_OP;
    v &= 0x2fffffff;
    if (phy != 1) {
        return v | MDIC_ERROR | MDIC_READY;
    }
    if (op == MDIC_READ) {
        v = (v & 0xffff0000) | phy_read(s, r);
    } else if (op == MDIC_WRITE) {
        phy_write(s, r, (u16)v);
    } else {
        guest_error(device_name(&s->pci.dev), "MDIC: neither a read nor a write");
        v |= MDIC_ERROR;
    }
    return v | MDIC_READY;
}

/* -- EEPROM ----------------------------------------------------------------------------------------------------------
 */

enum { EECD_SK = 1, EECD_CS = 2, EECD_DI = 4, EECD_DO = 8, EECD_REQ = 0x40, EECD_GNT = 0x80, EECD_PRESENT = 0x100 };
enum { EE_SUM = 0xbaba, EE_SUM_AT = 63 };

void e1000_eeprom_init(struct e1000 *s)
{
    static const u16 words[MICROWIRE_WORDS] = {
        [0x03] = 0x0400,                                                    /* copper */
        [0x05] = 0xffff, [0x08] = 0xffff, [0x09] = 0xffff, [0x0a] = 0x400b, /* what follows is loaded */
        [0x0b] = 0x1100, [0x0c] = 0x1af4, [0x0d] = 0x100e, [0x0e] = 0x8086, [0x0f] = 0x3080, /* pauses both ways */
        [0x20] = 0x0100, [0x21] = 0x7a00, [0x22] = 0x0000, [0x24] = 0x0000,
    };
    u16 sum = 0;
    memcpy(s->eeprom.word, words, sizeof(words));
    for (unsigned i = 0; i < 3; i++) {
        s->eeprom.word[i] = ld16le(s->mac + 2 * i);
    }
    for (unsigned i = 0; i < EE_SUM_AT; i++) {
        sum = (u16)(sum + s->eeprom.word[i]);
    }
    s->eeprom.word[EE_SUM_AT] = (u16)(EE_SUM - sum);
}

u32 e1000_eecd_read(const struct e1000 *s)
{
    return s->eecd | EECD_PRESENT | (s->eecd & EECD_REQ ? EECD_GNT : 0) | (s->eeprom.data_out ? EECD_DO : 0);
}
void e1000_eecd_write(struct e1000 *s, u32 v)
{
    s->eecd = v & (EECD_SK | EECD_CS | EECD_DI | 0x30 | EECD_REQ);
    microwire_set(&s->eeprom, v & EECD_CS, v & EECD_SK, v & EECD_DI);
}

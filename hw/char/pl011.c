/* Arm PrimeCell UART PL011 (DDI 0183G). Pins: irq 0 = UARTINTR, the OR of all its interrupts.
 *
 * Sending takes no time, so the transmit FIFO is always empty and BUSY never set. The receive interrupt is raised by
 * the first character whatever IFLS says, and the receive timeout never: no time passes between characters, so the
 * timeout, which is meant for the last few below the trigger level, would have to come at once too.
 * Data moves even while UARTEN, TXE or RXE is clear, as much bare-metal code expects of emulators; that is reported as
 * a guest error.
 * Not modelled: DMA, modem lines, IrDA, parity and framing errors, sending of breaks, baud rate. */
#include "hw/char/pl011.h"

#include "base/log.h"
#include "chardev/chardev.h"

enum {
    FR_RXFE = 1 << 4,
    FR_RXFF = 1 << 6,
    FR_TXFE = 1 << 7,
    LCR_BRK = 1 << 0,
    LCR_FEN = 1 << 4,
    CR_UARTEN = 1 << 0,
    CR_LBE = 1 << 7,
    CR_TXE = 1 << 8,
    DR_BE = 1 << 10,
    DR_OE = 1 << 11,
    INT_RX = 1 << 4,
    INT_TX = 1 << 5,
    INT_BE = 1 << 9,
    INT_OE = 1 << 10,
    INT_ALL = 0x7ff,
    FIFO_DEPTH = 16,
};

struct pl011 {
    struct device dev;
    struct chardev *chr;
    u32 rsr, ilpr, ibrd, fbrd, lcr, cr, ifls, imsc, ris, dmacr;
    u16 rx[FIFO_DEPTH]; /* data and error bits as in DR */
    u8 rx_head, rx_len;
    bool told; /* that it is used while disabled: once is enough, it is every character else */
};

static void pl011_update(struct pl011 *s)
{
    device_irq(&s->dev, 0, (s->ris & s->imsc) != 0);
}

/* -- receiving ---------------------------------------------------------------------------------------- */

static unsigned rx_depth(const struct pl011 *s)
{
    return s->lcr & LCR_FEN ? FIFO_DEPTH : 1;
}

static void rx_put(struct pl011 *s, u16 c)
{
    if (s->rx_len >= rx_depth(s)) {
        s->ris |= INT_OE;
        s->rx[(s->rx_head + s->rx_len - 1) % FIFO_DEPTH] |= DR_OE;
    } else {
        s->rx[(s->rx_head + s->rx_len++) % FIFO_DEPTH] = c;
    }
    s->ris |= INT_RX | (c & DR_BE ? INT_BE : 0);
    pl011_update(s);
}

static unsigned pl011_can_read(void *opaque)
{
    struct pl011 *s = opaque;
    return s->cr & CR_LBE ? 0 : rx_depth(s) - s->rx_len;
}

static void pl011_receive(void *opaque, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rx_put(opaque, p[i]);
    }
}

static void pl011_event(void *opaque, enum char_event ev)
{
    struct pl011 *s = opaque;
    if (ev == CHAR_BREAK && !(s->cr & CR_LBE)) {
        rx_put(s, DR_BE);
    }
}

static const struct char_receiver pl011_receiver = {
    .can_read = pl011_can_read,
    .read = pl011_receive,
    .event = pl011_event,
};

/* -- registers ---------------------------------------------------------------------------------------- */

static u64 dr_read(struct device *d, unsigned i)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    u16 c = s->rx[s->rx_head];
    if (s->rx_len) {
        s->rx_head = (s->rx_head + 1) % FIFO_DEPTH;
        s->rx_len--;
    }
    if (!s->rx_len) {
        s->ris &= ~INT_RX;
    }
    s->rsr = c >> 8;
    pl011_update(s);
    chardev_accept_input(s->chr);
    return c;
}

static void dr_write(struct device *d, unsigned i, u64 v)
{
    struct pl011 *s = (struct pl011 *)d;
    u8 c = (u8)v;
    (void)i;
    if ((s->cr & (CR_UARTEN | CR_TXE)) != (CR_UARTEN | CR_TXE) && !s->told) {
        s->told = true;
        guest_error(device_name(d), "data sent while the UART or its transmitter is disabled");
    }
    if (s->cr & CR_LBE) {
        rx_put(s, c);
    } else {
        chardev_write(s->chr, &c, 1);
    }
    s->ris |= INT_TX;
    pl011_update(s);
}

static void ecr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    (void)v;
    ((struct pl011 *)d)->rsr = 0;
}

static u64 fr_read(struct device *d, unsigned i)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    return FR_TXFE | (s->rx_len ? 0 : FR_RXFE) | (s->rx_len >= rx_depth(s) ? FR_RXFF : 0);
}

/* Switching FIFOs on or off empties them. */
static void lcr_write(struct device *d, unsigned i, u64 v)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    if ((s->lcr ^ v) & LCR_FEN) {
        s->rx_head = s->rx_len = 0;
    }
    if (v & LCR_BRK) {
        unimp(device_name(d), "sending a break");
    }
    s->lcr = v & 0xff;
    chardev_accept_input(s->chr);
}

static void cr_write(struct device *d, unsigned i, u64 v)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    s->cr = v & 0xff87;
    chardev_accept_input(s->chr);
}

static void imsc_write(struct device *d, unsigned i, u64 v)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    s->imsc = v & INT_ALL;
    pl011_update(s);
}

static u64 mis_read(struct device *d, unsigned i)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    return s->ris & s->imsc;
}

static void icr_write(struct device *d, unsigned i, u64 v)
{
    struct pl011 *s = (struct pl011 *)d;
    (void)i;
    s->ris &= ~(u32)v;
    pl011_update(s);
}

static void dmacr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct pl011 *)d)->dmacr = v & 7;
    if (v & 3) {
        unimp(device_name(d), "DMA");
    }
}

/* UARTPeriphID (part 0x011, r1p1) and UARTPCellID. */
static u64 id_read(struct device *d, unsigned i)
{
    static const u8 id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)d;
    return id[i];
}

static const struct reg pl011_regs[] = {
    {.off = 0x000, .name = "UARTDR", .read = dr_read, .write = dr_write},
    REG(0x004, "UARTRSR", struct pl011, rsr, .write = ecr_write),
    {.off = 0x018, .name = "UARTFR", .read = fr_read},
    REG(0x020, "UARTILPR", struct pl011, ilpr, .wmask = 0xff),
    REG(0x024, "UARTIBRD", struct pl011, ibrd, .wmask = 0xffff),
    REG(0x028, "UARTFBRD", struct pl011, fbrd, .wmask = 0x3f),
    REG(0x02c, "UARTLCR_H", struct pl011, lcr, .write = lcr_write),
    REG(0x030, "UARTCR", struct pl011, cr, .write = cr_write),
    REG(0x034, "UARTIFLS", struct pl011, ifls, .wmask = 0x3f),
    REG(0x038, "UARTIMSC", struct pl011, imsc, .write = imsc_write),
    REG(0x03c, "UARTRIS", struct pl011, ris),
    {.off = 0x040, .name = "UARTMIS", .read = mis_read},
    {.off = 0x044, .name = "UARTICR", .write = icr_write},
    REG(0x048, "UARTDMACR", struct pl011, dmacr, .write = dmacr_write),
    {.off = 0xfe0, .name = "UARTID", .count = 8, .read = id_read},
    {0},
};

static const struct field pl011_state[] = {
    FIELD(struct pl011, rsr),
    FIELD(struct pl011, ilpr),
    FIELD(struct pl011, ibrd),
    FIELD(struct pl011, fbrd),
    FIELD(struct pl011, lcr),
    FIELD(struct pl011, cr, .reset = 0x300),
    FIELD(struct pl011, ifls, .reset = 0x12),
    FIELD(struct pl011, imsc),
    FIELD(struct pl011, ris),
    FIELD(struct pl011, dmacr),
    FIELDS(struct pl011, rx),
    FIELD(struct pl011, rx_head),
    FIELD(struct pl011, rx_len),
    {0},
};

static const struct prop pl011_props[] = {
    PROP("chardev", PROP_CHARDEV, struct pl011, chr, NULL, "what it is connected to"),
    {0},
};

static bool pl011_init(struct device *d, struct err *e)
{
    struct pl011 *s = (struct pl011 *)d;
    return !s->chr || chardev_attach(s->chr, &pl011_receiver, s, e);
}

static void pl011_reset(struct device *d)
{
    struct pl011 *s = (struct pl011 *)d;
    s->told = false;
    pl011_update(s);
    chardev_accept_input(s->chr);
}

static bool pl011_loaded(struct device *d, struct err *e)
{
    struct pl011 *s = (struct pl011 *)d;
    if (s->rx_head >= FIFO_DEPTH || s->rx_len > FIFO_DEPTH) {
        return err_set(e, "the receive FIFO's state makes no sense");
    }
    pl011_update(s);
    return true;
}

static void pl011_fini(struct device *d)
{
    struct pl011 *s = (struct pl011 *)d;
    if (s->chr) {
        chardev_detach(s->chr, s);
    }
}

const struct device_class pl011_class = {
    .name = "pl011",
    .doc = "Arm PrimeCell UART (PL011)",
    .bus = "sysbus",
    .compatible = "arm,pl011\0arm,primecell\0",
    .clock_names = "uartclk\0apb_pclk\0",
    .size = sizeof(struct pl011),
    .mmio_size = 0x1000,
    .nirqs = 1,
    .state = pl011_state,
    .regs = pl011_regs,
    .props = pl011_props,
    .init = pl011_init,
    .reset = pl011_reset,
    .loaded = pl011_loaded,
    .fini = pl011_fini,
};

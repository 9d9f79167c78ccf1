/* National Semiconductor's 16550A UART (data sheet PC16550D, 1995, sections 6 to 8). Pins: irq 0 = INTR, as the board
 * has it; on a PC it passes a gate that OUT2 opens, which the property out2-gate switches on.
 *
 * Sending takes no time, so the transmitter is always empty again at once. The time-out of received characters comes at
 * once too, for no time passes between characters: whatever lies below the trigger level is told by it.
 * Not modelled: baud rate, parity and framing errors, DMA pins; modem inputs stand at "a peer is there" outside
 * loopback. */
#include "hw/char/ns16550.h"

#include "chardev/chardev.h"

enum {
    IER_RX = 1 << 0,
    IER_THRE = 1 << 1,
    IER_LINE = 1 << 2,
    IER_MODEM = 1 << 3,
    IIR_NONE = 1,
    IIR_MODEM = 0,
    IIR_THRE = 2,
    IIR_RX = 4,
    IIR_LINE = 6,
    IIR_TIMEOUT = 12,
    IIR_FIFOS = 0xc0,
    FCR_ENABLE = 1 << 0,
    FCR_CLEAR_RX = 1 << 1,
    LCR_BREAK = 1 << 6,
    LCR_DLAB = 1 << 7,
    MCR_DTR = 1 << 0,
    MCR_RTS = 1 << 1,
    MCR_OUT1 = 1 << 2,
    MCR_OUT2 = 1 << 3,
    MCR_LOOP = 1 << 4,
    LSR_DR = 1 << 0,
    LSR_OE = 1 << 1,
    LSR_BI = 1 << 4,
    LSR_THRE = 1 << 5,
    LSR_TEMT = 1 << 6,
    LSR_FIFO_ERROR = 1 << 7,
    MSR_DCTS = 1 << 0,
    MSR_DDSR = 1 << 1,
    MSR_TERI = 1 << 2,
    MSR_DDCD = 1 << 3,
    MSR_CTS = 1 << 4,
    MSR_DSR = 1 << 5,
    MSR_RI = 1 << 6,
    MSR_DCD = 1 << 7,
    FIFO_DEPTH = 16,
    RX_BREAK = 1 << 8, /* beside a received character */
};

struct ns16550 {
    struct device dev;
    struct chardev *chr;
    bool out2_gate;
    u8 ier, fcr, lcr, mcr, msr, scr, dll, dlm;
    u8 overrun;      /* LSR.OE, until LSR is read */
    u8 line_told;    /* LSR's error of the character at the front was read */
    u8 thre_pending; /* the transmitter became empty, and nobody was told */
    u16 rx[FIFO_DEPTH];
    u8 rx_head, rx_len;
};

/* -- interrupts ------------------------------------------------------------------------------------------------------
 */

static unsigned trigger(const struct ns16550 *s)
{
    static const u8 level[4] = {1, 4, 8, 14};
    return s->fcr & FCR_ENABLE ? level[s->fcr >> 6] : 1;
}
static u8 line_errors(const struct ns16550 *s)
{
    bool brk = s->rx_len && s->rx[s->rx_head] & RX_BREAK && !s->line_told;
    return s->overrun | (brk ? LSR_BI : 0);
}
/* The most urgent one (table III of the data sheet). */
static u8 interrupt_id(const struct ns16550 *s)
{
    if (s->ier & IER_LINE && line_errors(s)) {
        return IIR_LINE;
    }
    if (s->ier & IER_RX && s->rx_len) {
        return s->rx_len >= trigger(s) ? IIR_RX : IIR_TIMEOUT;
    }
    if (s->ier & IER_THRE && s->thre_pending) {
        return IIR_THRE;
    }
    return s->ier & IER_MODEM && s->msr & (MSR_DCTS | MSR_DDSR | MSR_TERI | MSR_DDCD) ? IIR_MODEM : IIR_NONE;
}
static void update(struct ns16550 *s)
{
    bool open = !s->out2_gate || (s->mcr & MCR_OUT2 && !(s->mcr & MCR_LOOP));
    device_irq(&s->dev, 0, open && interrupt_id(s) != IIR_NONE);
}

/* -- receiving -------------------------------------------------------------------------------------------------------
 */

static unsigned rx_depth(const struct ns16550 *s)
{
    return s->fcr & FCR_ENABLE ? FIFO_DEPTH : 1;
}
static void rx_clear(struct ns16550 *s)
{
    s->rx_head = s->rx_len = s->line_told = 0;
}
/* A full FIFO loses the new character, the single register the old one. */
static void rx_put(struct ns16550 *s, u16 c)
{
    if (s->rx_len >= rx_depth(s)) {
        s->overrun = LSR_OE;
        if (!(s->fcr & FCR_ENABLE)) {
            s->rx[s->rx_head] = c;
        }
    } else {
        s->rx[(s->rx_head + s->rx_len++) % FIFO_DEPTH] = c;
    }
    update(s);
}
static unsigned can_read(void *opaque)
{
    struct ns16550 *s = opaque;
    return s->mcr & MCR_LOOP ? 0 : rx_depth(s) - s->rx_len;
}
static void receive(void *opaque, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rx_put(opaque, p[i]);
    }
}
static void event(void *opaque, enum char_event ev)
{
    struct ns16550 *s = opaque;
    if (ev == CHAR_BREAK && !(s->mcr & MCR_LOOP)) {
        rx_put(s, RX_BREAK);
    }
}
static const struct char_receiver receiver = {.can_read = can_read, .read = receive, .event = event};

static u8 rbr_read(struct ns16550 *s)
{
    u8 c = (u8)s->rx[s->rx_head];
    if (s->rx_len) {
        s->rx_head = (s->rx_head + 1) % FIFO_DEPTH;
        s->rx_len--;
        s->line_told = 0;
    }
    update(s);
    chardev_accept_input(s->chr);
    return c;
}

/* -- the modem's lines -----------------------------------------------------------------------------------------------
 */

static void modem_set(struct ns16550 *s, u8 lines)
{
    u8 changed = (s->msr ^ lines) & 0xf0, delta = changed >> 4 & (u8) ~(u8)MSR_TERI;
    delta |= changed & MSR_RI && !(lines & MSR_RI) ? MSR_TERI : 0; /* only its end is told */
    s->msr = (u8)((s->msr & 0x0f) | lines | delta);
}
/* In loopback the outputs are the inputs: RTS is CTS, DTR DSR, OUT1 RI, OUT2 DCD. */
static u8 modem_inputs(const struct ns16550 *s)
{
    if (!(s->mcr & MCR_LOOP)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return (s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_OUT1 ? MSR_RI : 0) |
           (s->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

/* -- registers --------------------------------------------------------------------------------------------------------
 */

static u64 data_read(struct device *d, unsigned i)
{
    struct ns16550 *s = (struct ns16550 *)d;
    (void)i;
    return s->lcr & LCR_DLAB ? s->dll : rbr_read(s);
}
static void data_write(struct device *d, unsigned i, u64 v)
{
    struct ns16550 *s = (struct ns16550 *)d;
    u8 c = (u8)v;
    (void)i;
    if (s->lcr & LCR_DLAB) {
        s->dll = c;
        return;
    }
    if (s->mcr & MCR_LOOP) {
        rx_put(s, c);
    } else {
        chardev_write(s->chr, &c, 1);
    }
    s->thre_pending = 1;
    update(s);
}
static u64 ier_read(struct device *d, unsigned i)
{
    struct ns16550 *s = (struct ns16550 *)d;
    (void)i;
    return s->lcr & LCR_DLAB ? s->dlm : s->ier;
}
static void ier_write(struct device *d, unsigned i, u64 v)
{
    struct ns16550 *s = (struct ns16550 *)d;
    (void)i;
    if (s->lcr & LCR_DLAB) {
        s->dlm = (u8)v;
        return;
    }
    if (v & IER_THRE && !(s->ier & IER_THRE)) { /* it is empty: that is told at once */
        s->thre_pending = 1;
    }
    s->ier = v & 15;
    update(s);
}
static u64 iir_read(struct device *d, unsigned i)
{
    struct ns16550 *s = (struct ns16550 *)d;
    u8 id = interrupt_id(s);
    (void)i;
    if (id == IIR_THRE) {
        s->thre_pending = 0;
        update(s);
    }
    return id | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
}
/* Switching the FIFOs on or off empties them; the other bits count only with bit 0 set. */
static void fcr_write(struct device *d, unsigned i, u64 v)
{
    struct ns16550 *s = (struct ns16550 *)d;
    (void)i;
    if ((s->fcr ^ v) & FCR_ENABLE || v & FCR_CLEAR_RX) {
        rx_clear(s);
    }
    s->fcr = v & FCR_ENABLE ? v & 0xc9 : 0;
    update(s);
    chardev_accept_input(s->chr);
}
static void mcr_write(struct device *d, unsigned i, u64 v)
{
    struct ns16550 *s = (struct ns16550 *)d;
    (void)i;
    s->mcr = v & 0x1f;
    modem_set(s, modem_inputs(s));
    update(s);
    chardev_accept_input(s->chr);
}
static u64 lsr_read(struct device *d, unsigned i)
{
    struct ns16550 *s = (struct ns16550 *)d;
    u8 v = LSR_THRE | LSR_TEMT | (s->rx_len ? LSR_DR : 0) | line_errors(s);
    (void)i;
    for (unsigned k = 0; k < s->rx_len && s->fcr & FCR_ENABLE; k++) {
        v |= s->rx[(s->rx_head + k) % FIFO_DEPTH] & RX_BREAK ? LSR_FIFO_ERROR : 0;
    }
    s->overrun = 0;
    s->line_told = s->rx_len != 0;
    update(s);
    return v;
}
static u64 msr_read(struct device *d, unsigned i)
{
    struct ns16550 *s = (struct ns16550 *)d;
    u8 v = s->msr;
    (void)i;
    s->msr &= 0xf0;
    update(s);
    return v;
}

static const struct reg ns16550_regs[] = {
    {.off = 0, .name = "RBR/THR/DLL", .size = 1, .read = data_read, .write = data_write},
    {.off = 1, .name = "IER/DLM", .size = 1, .read = ier_read, .write = ier_write},
    {.off = 2, .name = "IIR/FCR", .size = 1, .read = iir_read, .write = fcr_write},
    REG(3, "LCR", struct ns16550, lcr, .wmask = 0xff),
    REG(4, "MCR", struct ns16550, mcr, .write = mcr_write),
    {.off = 5, .name = "LSR", .size = 1, .read = lsr_read},
    {.off = 6, .name = "MSR", .size = 1, .read = msr_read},
    REG(7, "SCR", struct ns16550, scr, .wmask = 0xff),
    {0},
};

static const struct field ns16550_state[] = {
    FIELD(struct ns16550, ier),
    FIELD(struct ns16550, fcr),
    FIELD(struct ns16550, lcr),
    FIELD(struct ns16550, mcr),
    FIELD(struct ns16550, msr, .reset = MSR_CTS | MSR_DSR | MSR_DCD),
    FIELD(struct ns16550, scr),
    FIELD(struct ns16550, dll, .reset = 12),
    FIELD(struct ns16550, dlm),
    FIELD(struct ns16550, overrun),
    FIELD(struct ns16550, line_told),
    FIELD(struct ns16550, thre_pending),
    FIELDS(struct ns16550, rx),
    FIELD(struct ns16550, rx_head),
    FIELD(struct ns16550, rx_len),
    {0},
};

static const struct prop ns16550_props[] = {
    PROP("chardev", PROP_CHARDEV, struct ns16550, chr, NULL, "what it is connected to"),
    PROP("out2-gate", PROP_BOOL, struct ns16550, out2_gate, "off", "MCR.OUT2 opens the interrupt's way, as in a PC"),
    {0},
};

static bool ns16550_init(struct device *d, struct err *e)
{
    struct ns16550 *s = (struct ns16550 *)d;
    return !s->chr || chardev_attach(s->chr, &receiver, s, e);
}
static void ns16550_reset(struct device *d)
{
    struct ns16550 *s = (struct ns16550 *)d;
    update(s);
    chardev_accept_input(s->chr);
}
static bool ns16550_loaded(struct device *d, struct err *e)
{
    struct ns16550 *s = (struct ns16550 *)d;
    if (s->rx_head >= FIFO_DEPTH || s->rx_len > FIFO_DEPTH) {
        return err_set(e, "the receive FIFO's state makes no sense");
    }
    update(s);
    return true;
}
static void ns16550_fini(struct device *d)
{
    struct ns16550 *s = (struct ns16550 *)d;
    if (s->chr) {
        chardev_detach(s->chr, s);
    }
}

const struct device_class ns16550_class = {
    .name = "ns16550",
    .doc = "16550A UART",
    .bus = "sysbus",
    .compatible = "ns16550a\0",
    .size = sizeof(struct ns16550),
    .mmio_size = 8,
    .max_access = 1,
    .nirqs = 1,
    .state = ns16550_state,
    .regs = ns16550_regs,
    .props = ns16550_props,
    .init = ns16550_init,
    .reset = ns16550_reset,
    .loaded = ns16550_loaded,
    .fini = ns16550_fini,
};

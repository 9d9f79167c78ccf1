/* Arm PrimeCell GPIO PL061 (DDI 0190B): eight lines. Pins: inputs 0..7 = GPIN, irq 0 = GPIOINTR; pl061_set_out wires
 * the lines as outputs.
 *
 * Not modelled: GPIOAFSEL (the register is there, hardware control of the lines is not). */
#include "hw/misc/pl061.h"

#include "base/bits.h"
#include "hw/core/fdt.h"

struct pl061 {
    struct device dev;
    struct irq out[8];
    u8 data, dir, is, ibe, iev, ie, edges, afsel;
    u8 in, driven; /* levels at GPIN; outputs as last driven */
};

/* RIS: the edges seen, and the levels there are now. */
static u8 raw_status(const struct pl061 *s)
{
    return s->edges | (s->is & ~s->dir & ~(s->in ^ s->iev));
}

static void pl061_update(struct pl061 *s)
{
    u8 drive = s->data & s->dir;
    for (unsigned n = 0; n < 8; n++) {
        if (bit(drive ^ s->driven, n)) {
            s->driven ^= (u8)BIT(n);
            irq_set(&s->out[n], (int)bit(drive, n));
        }
    }
    device_irq(&s->dev, 0, (raw_status(s) & s->ie) != 0);
}

static void pl061_pin(struct device *d, unsigned n, int level)
{
    struct pl061 *s = (struct pl061 *)d;
    u8 line = (u8)BIT(n & 7), was = s->in;
    s->in = level ? was | line : was & ~line;
    bool wanted = s->ibe & line || !(s->iev & line) == !level;
    if (s->in != was && wanted && !(s->dir & line) && !(s->is & line)) {
        s->edges |= line;
    }
    pl061_update(s);
}

/* Address bits 9:2 are the mask of the lines that are read or written. */
static u64 data_read(struct device *d, unsigned i)
{
    const struct pl061 *s = (const struct pl061 *)d;
    return ((s->data & s->dir) | (s->in & ~s->dir)) & i;
}

static void data_write(struct device *d, unsigned i, u64 v)
{
    struct pl061 *s = (struct pl061 *)d;
    u8 take = (u8)i & s->dir;
    s->data = (s->data & ~take) | ((u8)v & take);
    pl061_update(s);
}

static void dir_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct pl061 *)d)->dir = (u8)v;
    pl061_update((struct pl061 *)d);
}

/* A line that becomes level sensitive forgets its edge. */
static void is_write(struct device *d, unsigned i, u64 v)
{
    struct pl061 *s = (struct pl061 *)d;
    (void)i;
    s->is = (u8)v;
    s->edges &= ~s->is;
    pl061_update(s);
}

static void iev_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct pl061 *)d)->iev = (u8)v;
    pl061_update((struct pl061 *)d);
}

static void ie_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct pl061 *)d)->ie = (u8)v;
    pl061_update((struct pl061 *)d);
}

static u64 ris_read(struct device *d, unsigned i)
{
    (void)i;
    return raw_status((const struct pl061 *)d);
}

static u64 mis_read(struct device *d, unsigned i)
{
    const struct pl061 *s = (const struct pl061 *)d;
    (void)i;
    return raw_status(s) & s->ie;
}

static void ic_write(struct device *d, unsigned i, u64 v)
{
    struct pl061 *s = (struct pl061 *)d;
    (void)i;
    s->edges &= ~(u8)v;
    pl061_update(s);
}

/* GPIOPeriphID (part 0x061) and GPIOPCellID. */
static u64 id_read(struct device *d, unsigned i)
{
    static const u8 id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)d;
    return id[i];
}

static const struct reg pl061_regs[] = {
    {.off = 0x000, .name = "GPIODATA", .count = 256, .read = data_read, .write = data_write},
    REG(0x400, "GPIODIR", struct pl061, dir, .write = dir_write),
    REG(0x404, "GPIOIS", struct pl061, is, .write = is_write),
    REG(0x408, "GPIOIBE", struct pl061, ibe, .wmask = 0xff),
    REG(0x40c, "GPIOIEV", struct pl061, iev, .write = iev_write),
    REG(0x410, "GPIOIE", struct pl061, ie, .write = ie_write),
    {.off = 0x414, .name = "GPIORIS", .read = ris_read},
    {.off = 0x418, .name = "GPIOMIS", .read = mis_read},
    {.off = 0x41c, .name = "GPIOIC", .write = ic_write},
    REG(0x420, "GPIOAFSEL", struct pl061, afsel, .wmask = 0xff),
    {.off = 0xfe0, .name = "GPIOID", .count = 8, .read = id_read},
    {0},
};

static const struct field pl061_state[] = {
    FIELD(struct pl061, data),
    FIELD(struct pl061, dir),
    FIELD(struct pl061, is),
    FIELD(struct pl061, ibe),
    FIELD(struct pl061, iev),
    FIELD(struct pl061, ie),
    FIELD(struct pl061, edges),
    FIELD(struct pl061, afsel),
    FIELD(struct pl061, in),
    FIELD(struct pl061, driven, .flags = F_KEEP),
    {0},
};

static void pl061_reset(struct device *d)
{
    pl061_update((struct pl061 *)d);
}

static bool pl061_loaded(struct device *d, struct err *e)
{
    (void)e;
    pl061_update((struct pl061 *)d);
    return true;
}

static void pl061_describe(const struct device *d, struct dt *t, const char *node)
{
    (void)d;
    dt_u32(t, node, "#gpio-cells", 2);
    dt_flag(t, node, "gpio-controller");
}

void pl061_set_out(struct device *d, unsigned n, struct irq out)
{
    must(d->cls == &pl061_class && n < 8);
    ((struct pl061 *)d)->out[n] = out;
}

const struct device_class pl061_class = {
    .name = "pl061",
    .doc = "Arm PrimeCell GPIO (PL061)",
    .bus = "sysbus",
    .compatible = "arm,pl061\0arm,primecell\0",
    .clock_names = "apb_pclk\0",
    .describe = pl061_describe,
    .size = sizeof(struct pl061),
    .mmio_size = 0x1000,
    .nirqs = 1,
    .state = pl061_state,
    .regs = pl061_regs,
    .reset = pl061_reset,
    .loaded = pl061_loaded,
    .irq_in = pl061_pin,
};

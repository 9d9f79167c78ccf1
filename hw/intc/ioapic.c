/* IO-APIC (Intel 82093AA, 290566; the EOI register as in ICH's data sheets, "I/O xAPIC"): 24 lines to messages.
 *
 * A line is "asserted or not": the polarity bit is kept and changes nothing, as boards' lines are what devices mean. An
 * edge on a masked line is lost, a level is seen when the mask goes (3.2.4). Software that turns a level-triggered
 * entry to edges forgets its remote IRR, which is how Linux ends an interrupt where there is no EOI register. Not
 * modelled: arbitration (the id register shows the id), delivery status (always idle). */
#include "hw/intc/ioapic.h"

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum { RG_ID, RG_VER, RG_ARB, RG_TABLE = 0x10, VERSION_EOI = 0x20 };
#define MESSAGES      0xfee00000ull
#define ENTRY_VECTOR  0xffull
#define ENTRY_LOGICAL BIT(11)
#define ENTRY_IRR     BIT(14)
#define ENTRY_LEVEL   BIT(15)
#define ENTRY_MASKED  BIT(16)
#define ENTRY_WRITE   0xff0000000001afffull

struct ioapic {
    struct device dev;
    u32 version;
    u8 select, id;
    u32 lines; /* asserted */
    u64 entry[IOAPIC_PINS];
};

static void send(struct ioapic *s, u64 e)
{
    u64 at = MESSAGES | e >> 56 << 12 | (e & ENTRY_LOGICAL ? 4 : 0);
    u32 data = (u32)(e & (ENTRY_VECTOR | 0x700)) | (e & ENTRY_LEVEL ? 0xc000 : 0x4000);
    mem_store(s->dev.dma, at, 4, data, (struct mem_attrs){0});
}

/* A level that is up and not under way. */
static void look(struct ioapic *s, unsigned n)
{
    u64 *e = &s->entry[n];
    if (s->lines >> n & 1 && (*e & (ENTRY_LEVEL | ENTRY_MASKED | ENTRY_IRR)) == ENTRY_LEVEL) {
        *e |= ENTRY_IRR;
        send(s, *e);
    }
}

static void ioapic_irq_in(struct device *d, unsigned n, int level)
{
    struct ioapic *s = (struct ioapic *)d;
    bool rises = level && !(s->lines >> n & 1);
    s->lines = level ? s->lines | 1u << n : s->lines & ~(1u << n);
    if (rises && !(s->entry[n] & (ENTRY_LEVEL | ENTRY_MASKED))) {
        send(s, s->entry[n]);
    }
    look(s, n);
}

/* Some that share a vector end together. */
void ioapic_eoi(struct device *d, unsigned vector)
{
    struct ioapic *s = (struct ioapic *)d;
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        if ((s->entry[n] & ENTRY_VECTOR) == vector && s->entry[n] & ENTRY_IRR) {
            s->entry[n] &= ~ENTRY_IRR;
            look(s, n);
        }
    }
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

static u64 window_read(struct device *d, unsigned i)
{
    struct ioapic *s = (struct ioapic *)d;
    unsigned n = (s->select - RG_TABLE) / 2u;
    (void)i;
    switch (s->select) {
    case RG_ID:
    case RG_ARB:
        return (u64)s->id << 24;
    case RG_VER:
        return s->version | (IOAPIC_PINS - 1) << 16;
    default:
        if (s->select < RG_TABLE || n >= IOAPIC_PINS) {
            guest_error(device_name(d), "read of register %02x", s->select);
            return 0;
        }
        return (u32)(s->entry[n] >> (s->select & 1 ? 32 : 0));
    }
}

static void entry_write(struct ioapic *s, unsigned n, bool high, u32 v)
{
    u64 *e = &s->entry[n], new = high ? (u64)v << 32 | (u32)*e : (*e & ~0xffffffffull) | v;
    *e = (new &ENTRY_WRITE) | (new &ENTRY_LEVEL ? *e &ENTRY_IRR : 0);
    look(s, n);
}
static void window_write(struct device *d, unsigned i, u64 v)
{
    struct ioapic *s = (struct ioapic *)d;
    unsigned n = (s->select - RG_TABLE) / 2u;
    (void)i;
    if (s->select == RG_ID) {
        s->id = v >> 24 & 15;
    } else if (s->select >= RG_TABLE && n < IOAPIC_PINS) {
        entry_write(s, n, s->select & 1, (u32)v);
    } else {
        guest_error(device_name(d), "write of register %02x", s->select);
    }
}

static u64 zero_read(struct device *d, unsigned i)
{
    (void)d, (void)i;
    return 0;
}
static void eoi_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    if (((struct ioapic *)d)->version >= VERSION_EOI) {
        ioapic_eoi(d, v & 0xff);
    } else {
        guest_error(device_name(d), "write of an EOI register that version %x has not", ((struct ioapic *)d)->version);
    }
}

static bool ioapic_init(struct device *d, struct err *e)
{
    u32 v = ((struct ioapic *)d)->version;
    return v == 0x11 || v == VERSION_EOI || err_set(e, "version is 0x%x; it may be 0x11 or 0x20", v);
}

static const struct reg ioapic_regs[] = {
    REG(0x00, "IOREGSEL", struct ioapic, select, .wmask = 0xff),
    {.off = 0x10, .name = "IOWIN", .size = 4, .read = window_read, .write = window_write},
    {.off = 0x40, .name = "EOIR", .size = 4, .read = zero_read, .write = eoi_write},
    {0},
};
static const struct field ioapic_state[] = {
    FIELD(struct ioapic, version, .flags = F_CONFIG),
    FIELD(struct ioapic, select),
    FIELD(struct ioapic, id),
    FIELD(struct ioapic, lines),
    FIELDS(struct ioapic, entry, .reset = ENTRY_MASKED),
    {0},
};
static const struct prop ioapic_props[] = {
    PROP("version", PROP_U32, struct ioapic, version, "0x20", "0x11, or 0x20 with an EOI register"),
    {0},
};
static void ioapic_print(const struct device *d, struct buf *out)
{
    static const char *const deliveries[] = {"fixed", "lowest", "SMI", "...", "NMI", "INIT", "...", "extINT"};
    const struct ioapic *s = (const struct ioapic *)d;
    buf_printf(out, "%s: ver=0x%x id=0x%02x sel=0x%02x\n", device_name(d), s->version, s->id, s->select);
    for (unsigned n = 0; n < IOAPIC_PINS; n++) {
        u64 e = s->entry[n];
        buf_printf(out, "  pin %-2u 0x%016llx dest=%x vec=%-3u %s %-5s %-6s %-6s %s%s\n", n, (unsigned long long)e,
                   (unsigned)(e >> 56), (unsigned)(e & ENTRY_VECTOR), e & BIT(13) ? "active-lo" : "active-hi",
                   e & ENTRY_LEVEL ? "level" : "edge", e & ENTRY_MASKED ? "masked" : "", deliveries[e >> 8 & 7],
                   e & ENTRY_LOGICAL ? "logical" : "physical", s->lines >> n & 1 ? " asserted" : "");
    }
}

const struct device_class ioapic_class = {
    .name = "ioapic",
    .doc = "I/O APIC of a PC",
    .bus = "sysbus",
    .size = sizeof(struct ioapic),
    .mmio_size = 0x1000,
    .state = ioapic_state,
    .regs = ioapic_regs,
    .props = ioapic_props,
    .init = ioapic_init,
    .irq_in = ioapic_irq_in,
    .topic = "pic",
    .print = ioapic_print,
};

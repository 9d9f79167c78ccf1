/* Intel 8237A DMA controllers, two of them as in every PC since the AT: bytes on channels 0 to 3, words on 5 to 7,
 * channel 4 is the first chip's way to the bus. SPEC: Intel 231466 (8237A); IBM PC AT Technical Reference, "DMA
 * controllers" for page registers and the second chip's wiring; Intel 290562 (82371SB) for what south bridges keep of
 * it.
 *
 * A channel that is served moves all that its device gives or takes, up to terminal count: single, demand and block
 * mode differ in how the bus is shared meanwhile, which nobody sees. Terminal count on a channel that initialises
 * itself gives way for as long as the transfer took, so that a request that never ends does not hold the machine.
 * Addresses wrap inside their page. Not modelled: memory-to-memory transfers (the AT's wiring and south bridges have
 * none), the senses of DREQ and DACK, timing and priority bits. */
#include "hw/misc/i8237.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    CHANNELS = 8,
    CASCADE_CHANNEL = 4,
    /* registers of a chip */
    COMMAND = 8,
    REQUEST,
    MASK_ONE,
    MODE,
    CLEAR_FLIPFLOP,
    MASTER_CLEAR,
    CLEAR_MASK,
    MASK_ALL,
    COMMAND_MEMORY = 1 << 0,
    COMMAND_OFF = 1 << 2,
    COMMAND_DREQ_LOW = 1 << 6,
    MODE_TYPE = 0x0c,
    TYPE_VERIFY = 0x00,
    TYPE_WRITE = 0x04, /* to memory */
    TYPE_READ = 0x08,
    MODE_AUTO = 0x10,
    MODE_DOWN = 0x20,
    MODE_CASCADE = 0xc0,
    BUFFER = 4096,
    NS_A_UNIT = 1000,
};

struct channel {
    u16 base_address, base_count, address, count;
    u8 mode;
};
struct chip {
    u8 command, mask, dreq, soft, reached, high; /* a bit a channel; the byte pointer */
};
struct i8237 {
    struct device dev;
    struct isa_dma bus;
    struct isa_dma_peer peer[CHANNELS];
    struct timer again;
    bool busy;
    bool more; /* the timer is set: requests stand that were not served */
    struct channel channel[CHANNELS];
    struct chip chip[2];
    u8 page[15]; /* ports 0x81 to 0x8f */
};

/* -- transfers -------------------------------------------------------------------------------------------------------
 */

static u64 address_of(const struct i8237 *s, unsigned n, u16 address)
{
    static const u8 port[CHANNELS] = {0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a};
    u64 page = s->page[port[n] - 0x81];
    return n < 4 ? page << 16 | address : (page & 0xfe) << 16 | (u64)address << 1;
}
static bool is_cascade(const struct channel *c)
{
    return (c->mode & MODE_CASCADE) == MODE_CASCADE;
}
static bool is_served(const struct i8237 *s, unsigned n)
{
    const struct chip *c = &s->chip[n / 4];
    u8 m = (u8)(1 << n % 4);
    if (n < 4 &&
        (s->chip[1].command & COMMAND_OFF || s->chip[1].mask & 1 || !is_cascade(&s->channel[CASCADE_CHANNEL]))) {
        return false;
    }
    return !(c->command & COMMAND_OFF) && !is_cascade(&s->channel[n]) &&
           ((c->dreq & m && !(c->mask & m)) || c->soft & m);
}

/* The last unit becomes the first. */
static void turn(u8 *p, unsigned units, unsigned width)
{
    for (unsigned i = 0, k = units; i + 1 < k; i++) {
        k--;
        for (unsigned j = 0; j < width; j++) {
            u8 t = p[i * width + j];
            p[i * width + j] = p[k * width + j];
            p[k * width + j] = t;
        }
    }
}
/* Up to `units` between the device and memory; how many it were. */
static unsigned units_move(struct i8237 *s, unsigned n, unsigned units)
{
    struct channel *c = &s->channel[n];
    const struct isa_dma_peer *p = &s->peer[n];
    unsigned width = n < 4 ? 1 : 2, got = 0;
    u8 buf[BUFFER];
    bool down = c->mode & MODE_DOWN;
    if ((c->mode & MODE_TYPE) == TYPE_WRITE && p->from_device) {
        got = p->from_device(p->opaque, buf, units * width) / width;
        must(got <= units);
        u64 at = address_of(s, n, down ? (u16)(c->address - got + 1) : c->address);
        if (down) {
            turn(buf, got, width);
        }
        if (got) {
            mem_write(s->dev.dma, at, buf, (u64)got * width, (struct mem_attrs){0});
        }
    } else if ((c->mode & MODE_TYPE) == TYPE_READ && p->to_device) {
        u64 at = address_of(s, n, down ? (u16)(c->address - units + 1) : c->address);
        mem_read(s->dev.dma, at, buf, (u64)units * width, (struct mem_attrs){0});
        if (down) {
            turn(buf, units, width);
        }
        got = p->to_device(p->opaque, buf, units * width) / width;
        must(got <= units);
    }
    return got;
}

static void terminal_count(struct i8237 *s, unsigned n)
{
    struct channel *c = &s->channel[n];
    struct chip *chip = &s->chip[n / 4];
    u8 m = (u8)(1 << n % 4);
    chip->reached |= m;
    chip->soft &= (u8)~m;
    if (c->mode & MODE_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        chip->mask |= m;
    }
    if (s->peer[n].terminal_count) {
        s->peer[n].terminal_count(s->peer[n].opaque);
    }
}
/* Until the device has no more, or terminal count. How many units. */
static unsigned channel_serve(struct i8237 *s, unsigned n)
{
    struct channel *c = &s->channel[n];
    unsigned done = 0;
    while (is_served(s, n)) {
        bool down = c->mode & MODE_DOWN;
        unsigned left = c->count + 1u, room = down ? c->address + 1u : 0x10000u - c->address, got = left;
        if ((c->mode & MODE_TYPE) != TYPE_VERIFY) {
            got = units_move(s, n, MIN(MIN(left, room), BUFFER / 2u));
        }
        if (!got) {
            break;
        }
        done += got;
        c->address = (u16)(down ? c->address - got : c->address + got);
        c->count = (u16)(c->count - got);
        if (got == left) {
            terminal_count(s, n);
            s->more |= is_served(s, n);
            break;
        }
    }
    return done;
}
static void run(struct i8237 *s)
{
    unsigned done = 0;
    if (s->busy) {
        return; /* a device speaks from inside its transfer */
    }
    s->busy = true;
    s->more = false;
    for (unsigned n = 0; n < CHANNELS; n++) {
        done += channel_serve(s, n);
    }
    s->busy = false;
    if (s->more) {
        timer_set(&s->again, clock_now(CLOCK_VIRTUAL) + (u64)done * NS_A_UNIT);
    }
}
static void run_again(void *opaque)
{
    run(opaque);
}

/* -- the bus ---------------------------------------------------------------------------------------------------------
 */

static void bus_attach(void *opaque, unsigned n, const struct isa_dma_peer *peer)
{
    struct i8237 *s = opaque;
    must(n < CHANNELS && n != CASCADE_CHANNEL);
    s->peer[n] = peer ? *peer : (struct isa_dma_peer){0};
}
static void bus_request(void *opaque, unsigned n, bool on)
{
    struct i8237 *s = opaque;
    must(n < CHANNELS && n != CASCADE_CHANNEL);
    struct chip *c = &s->chip[n / 4];
    u8 m = (u8)(1 << n % 4);
    s->more |= s->busy && on && !(c->dreq & m);
    c->dreq = on ? c->dreq | m : c->dreq & (u8)~m;
    if (on && !s->more) {
        run(s);
    }
}
const struct isa_dma *i8237_bus(struct device *d)
{
    return &((struct i8237 *)d)->bus;
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static u8 half_read(struct chip *c, u16 v)
{
    bool high = c->high;
    c->high = !high;
    return (u8)(high ? v >> 8 : v);
}
static void half_write(u16 *v, bool high, u8 byte)
{
    *v = high ? (u16)(byte << 8 | (*v & 0xff)) : (u16)((*v & 0xff00) | byte);
}

static u64 chip_read(struct i8237 *s, unsigned k, unsigned r)
{
    struct chip *c = &s->chip[k];
    if (r < COMMAND) {
        const struct channel *ch = &s->channel[4 * k + r / 2];
        return half_read(c, r & 1 ? ch->count : ch->address);
    }
    if (r == COMMAND) {
        u8 v = (u8)(c->reached | (c->dreq | c->soft) << 4);
        c->reached = 0;
        return v;
    }
    if (r == MASK_ALL) {
        return c->mask | 0xf0;
    }
    if (r != MASTER_CLEAR) { /* that is the temporary register: nothing ever went through it */
        guest_error(device_name(&s->dev), "read of register %u of chip %u, which can only be written", r, k);
    }
    return 0;
}

static void command_write(struct i8237 *s, struct chip *c, u8 v)
{
    c->command = v;
    if (v & COMMAND_MEMORY) {
        unimp(device_name(&s->dev), "memory-to-memory transfers");
    }
    if (v & COMMAND_DREQ_LOW) {
        unimp(device_name(&s->dev), "requests that are active low");
    }
}
static void master_clear(struct chip *c)
{
    c->command = c->reached = c->soft = c->high = 0;
    c->mask = 15;
}
static void bit_write(u8 *set, u8 v)
{
    u8 m = (u8)(1 << (v & 3));
    *set = v & 4 ? *set | m : *set & (u8)~m;
}
static void chip_write(struct i8237 *s, unsigned k, unsigned r, u8 v)
{
    struct chip *c = &s->chip[k];
    struct channel *ch = &s->channel[4 * k + (r < COMMAND ? r / 2 : v & 3u)];
    switch (r) {
    case COMMAND:
        command_write(s, c, v);
        break;
    case REQUEST:
        bit_write(&c->soft, v);
        break;
    case MASK_ONE:
        bit_write(&c->mask, v);
        break;
    case MODE:
        ch->mode = v & 0xfc;
        break;
    case CLEAR_FLIPFLOP:
        c->high = 0;
        break;
    case MASTER_CLEAR:
        master_clear(c);
        break;
    case CLEAR_MASK:
        c->mask = 0;
        break;
    case MASK_ALL:
        c->mask = v & 15;
        break;
    default:
        half_write(r & 1 ? &ch->base_count : &ch->base_address, c->high, v);
        half_write(r & 1 ? &ch->count : &ch->address, c->high, v);
        c->high = !c->high;
        return;
    }
    run(s);
}

static u64 first_read(struct device *d, unsigned i)
{
    return chip_read((struct i8237 *)d, 0, i);
}
static void first_write(struct device *d, unsigned i, u64 v)
{
    chip_write((struct i8237 *)d, 0, i, (u8)v);
}
static u64 second_read(struct device *d, unsigned i)
{
    return chip_read((struct i8237 *)d, 1, i);
}
static void second_write(struct device *d, unsigned i, u64 v)
{
    chip_write((struct i8237 *)d, 1, i, (u8)v);
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool i8237_init(struct device *d, struct err *e)
{
    struct i8237 *s = (struct i8237 *)d;
    (void)e;
    s->bus = (struct isa_dma){.attach = bus_attach, .request = bus_request, .opaque = s};
    timer_init(&s->again, CLOCK_VIRTUAL, run_again, s);
    return true;
}
static void i8237_fini(struct device *d)
{
    timer_cancel(&((struct i8237 *)d)->again);
}
/* The way for the first chip is open, as firmware leaves it: kernels that are started without one count on it. */
static void i8237_reset(struct device *d)
{
    struct i8237 *s = (struct i8237 *)d;
    s->channel[CASCADE_CHANNEL].mode = MODE_CASCADE;
    s->chip[1].mask = 14;
    s->more = false;
    i8237_fini(d);
}
static bool i8237_loaded(struct device *d, struct err *e)
{
    struct i8237 *s = (struct i8237 *)d;
    (void)e;
    timer_set(&s->again, clock_now(CLOCK_VIRTUAL));
    return true;
}

static const struct reg i8237_regs[] = {
    {.off = 0x00, .name = "DMA1", .size = 1, .count = 16, .read = first_read, .write = first_write},
    REG(0x81, "PAGE", struct i8237, page[0], .count = 15, .wmask = 0xff),
    {.off = 0xc0, .name = "DMA2", .size = 1, .count = 16, .stride = 2, .read = second_read, .write = second_write},
    {0},
};
static const struct reg_window i8237_windows[] = {{0x00, 16}, {0x81, 15}, {0xc0, 32}, {0}};
static const struct field i8237_state[] = {
    FIELD_OF(struct i8237, channel, base_address),
    FIELD_OF(struct i8237, channel, base_count),
    FIELD_OF(struct i8237, channel, address),
    FIELD_OF(struct i8237, channel, count),
    FIELD_OF(struct i8237, channel, mode),
    FIELD_OF(struct i8237, chip, command),
    FIELD_OF(struct i8237, chip, mask, .reset = 15),
    FIELD_OF(struct i8237, chip, dreq),
    FIELD_OF(struct i8237, chip, soft),
    FIELD_OF(struct i8237, chip, reached),
    FIELD_OF(struct i8237, chip, high),
    FIELDS(struct i8237, page),
    {0},
};

const struct device_class i8237_class = {
    .name = "i8237",
    .doc = "PC DMA controllers (two 8237A)",
    .bus = "sysbus",
    .size = sizeof(struct i8237),
    .mmio_size = 0xe0,
    .windows = i8237_windows,
    .max_access = 1,
    .state = i8237_state,
    .regs = i8237_regs,
    .init = i8237_init,
    .reset = i8237_reset,
    .loaded = i8237_loaded,
    .fini = i8237_fini,
};

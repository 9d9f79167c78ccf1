/* isa-debugcon: a port whose writes go to a character device, and which reads as a fixed value, by which programs see
 * that it is there. Bochs had it at 0xe9; SeaBIOS and OVMF have it at 0x402. It has no state and no document. */
#include "hw/char/debugcon.h"

#include "chardev/chardev.h"

struct debugcon {
    struct device dev;
    struct chardev *chr;
    u32 iobase, readback;
};

static u64 port_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct debugcon *)d)->readback;
}
static void port_write(struct device *d, unsigned i, u64 v)
{
    u8 c = (u8)v;
    (void)i;
    chardev_write(((struct debugcon *)d)->chr, &c, 1);
}
static const struct reg regs[] = {{.off = 0, .name = "DATA", .size = 1, .read = port_read, .write = port_write}, {0}};
static const struct field state[] = {{0}};
static const struct prop props[] = {
    PROP("chardev", PROP_CHARDEV, struct debugcon, chr, NULL, "where it goes"),
    PROP("iobase", PROP_U32, struct debugcon, iobase, "0xe9", "its port"),
    PROP("readback", PROP_U32, struct debugcon, readback, "0xe9", "what the port reads as"),
    {0},
};

static bool debugcon_init(struct device *d, struct err *e)
{
    return ((struct debugcon *)d)->chr != NULL || err_set(e, "chardev= is missing: where should it go?");
}

const struct device_class isa_debugcon_class = {
    .name = "isa-debugcon",
    .doc = "debug console: a port for messages",
    .bus = "isa",
    .size = sizeof(struct debugcon),
    .mmio_size = 1,
    .max_access = 1,
    .state = state,
    .regs = regs,
    .props = props,
    .init = debugcon_init,
};

/* System control port A of the PS/2 and later PCs: bit 0 resets the processor when it goes from 0 to 1, bit 1 lets
 * address line 20 through. The line is open after reset, as firmware leaves it. SPEC: IBM PS/2 Hardware Interface
 * Technical Reference, "System Control Port A". */
#include "hw/misc/port92.h"

enum { RESET = 1 << 0, A20 = 1 << 1 };

struct port92 {
    struct device dev;
    u8 value;
};

static void update(struct port92 *s)
{
    device_irq(&s->dev, 0, !(s->value & A20));
}
static void port92_write(struct device *d, unsigned i, u64 v)
{
    struct port92 *s = (struct port92 *)d;
    bool pulse = v & RESET && !(s->value & RESET);
    (void)i;
    s->value = v & (RESET | A20);
    update(s);
    if (pulse) {
        device_irq(d, 1, 1);
        device_irq(d, 1, 0);
    }
}
static void port92_reset(struct device *d)
{
    update((struct port92 *)d);
}
static bool port92_loaded(struct device *d, struct err *e)
{
    (void)e;
    update((struct port92 *)d);
    return true;
}

static const struct reg regs[] = {REG(0, "SCPA", struct port92, value, .write = port92_write), {0}};
static const struct field state[] = {FIELD(struct port92, value, .reset = A20), {0}};

const struct device_class port92_class = {
    .name = "port92",
    .doc = "PC system control port A: A20, fast reset",
    .bus = "sysbus",
    .size = sizeof(struct port92),
    .mmio_size = 1,
    .nirqs = 2,
    .state = state,
    .regs = regs,
    .reset = port92_reset,
    .loaded = port92_loaded,
};

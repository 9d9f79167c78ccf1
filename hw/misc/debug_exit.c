/* isa-debug-exit, as tests of x86 kernels use it: a write of v ends the emulator with status v << 1 | 1. It has no
 * state and no document but what QEMU's does. */
#include "hw/misc/debug_exit.h"

#include "hw/core/machine.h"

struct debug_exit {
    struct device dev;
    u32 iobase, iosize;
};

static void exit_write(struct device *d, unsigned i, u64 v)
{
    (void)d, (void)i;
    machine_request_shutdown(SHUTDOWN_GUEST, (int)(v << 1 | 1));
}
static const struct reg regs[] = {{.off = 0, .name = "EXIT", .size = 4, .write = exit_write}, {0}};
static const struct field state[] = {{0}};
static const struct prop props[] = {
    PROP("iobase", PROP_U32, struct debug_exit, iobase, "0x501", "its first port"),
    PROP("iosize", PROP_U32, struct debug_exit, iosize, "2", "how many ports it has"),
    {0},
};

const struct device_class isa_debug_exit_class = {
    .name = "isa-debug-exit",
    .doc = "a write ends the emulator",
    .bus = "isa",
    .size = sizeof(struct debug_exit),
    .mmio_size = 4,
    .state = state,
    .regs = regs,
    .props = props,
};

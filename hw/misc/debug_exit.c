/* isa-debug-exit, as tests of x86 kernels use it: a write of v ends the emulator with status v << 1 | 1. It has no
 * state and no document but what QEMU's does. */
#include "hw/misc/debug_exit.h"

#include "hw/core/machine.h"

static void exit_write(struct device *d, unsigned i, u64 v)
{
    (void)d, (void)i;
    machine_request_shutdown(SHUTDOWN_GUEST, (int)(v << 1 | 1));
}
static const struct reg regs[] = {{.off = 0, .name = "EXIT", .size = 4, .write = exit_write}, {0}};
static const struct field state[] = {{0}};

const struct device_class isa_debug_exit_class = {
    .name = "isa-debug-exit",
    .doc = "a write ends the emulator",
    .bus = "sysbus",
    .size = sizeof(struct device),
    .mmio_size = 4,
    .state = state,
    .regs = regs,
};

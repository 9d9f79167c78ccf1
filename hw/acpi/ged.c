/* Hardware-reduced ACPI (SPEC: ACPI 6.4, 4.8.3.7 sleep control and status, 4.8.3.6 reset register, 5.6.9 interrupt-
 * signaled events): what is pending is read, and thereby forgotten, by the AML of the board's DSDT. Not modelled:
 * states of sleep but soft off; hot plug. */
#include "hw/acpi/ged.h"

#include "base/log.h"
#include "hw/core/machine.h"

struct ged {
    struct device dev;
    u32 events;
    u8 status;
};
enum { SLP_EN = 1 << 5, SLP_TYP_AT = 2, SLP_TYP = 7, WAK_STS = 1 << 7 };

static u64 events_read(struct device *d, unsigned i)
{
    struct ged *s = (struct ged *)d;
    u32 v = s->events;
    (void)i;
    s->events = 0;
    device_irq(d, 0, 0);
    return v;
}

static u64 zero_read(struct device *d, unsigned i)
{
    (void)d, (void)i;
    return 0;
}

static void sleep_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    if (!(v & SLP_EN)) {
        return;
    }
    if ((v >> SLP_TYP_AT & SLP_TYP) == GED_S5) {
        machine_request_shutdown(SHUTDOWN_GUEST, 0);
    } else {
        guest_error(device_name(d), "sleep state %u, which no table names", (unsigned)(v >> SLP_TYP_AT & SLP_TYP));
    }
}

static void reset_write(struct device *d, unsigned i, u64 v)
{
    (void)d, (void)i;
    if (v == GED_RESET_VALUE) {
        machine_request_reset();
    }
}

void ged_power_button(struct device *d)
{
    ((struct ged *)d)->events |= GED_POWER_BUTTON;
    device_irq(d, 0, 1);
}

static void ged_reset(struct device *d)
{
    device_irq(d, 0, 0);
}
static bool ged_loaded(struct device *d, struct err *e)
{
    (void)e;
    device_irq(d, 0, ((struct ged *)d)->events != 0);
    return true;
}

static const struct reg regs[] = {
    {.off = GED_EVENTS, .name = "ESEL", .size = 4, .read = events_read},
    {.off = GED_SLEEP_CONTROL, .name = "SLEEP_CTL", .size = 1, .read = zero_read, .write = sleep_write},
    REG(GED_SLEEP_STATUS, "SLEEP_STS", struct ged, status, .w1c = WAK_STS),
    {.off = GED_RESET, .name = "RESET", .size = 1, .read = zero_read, .write = reset_write},
    {0},
};
static const struct field state[] = {FIELD(struct ged, events), FIELD(struct ged, status), {0}};
static const struct reg_window windows[] = {{GED_EVENTS, 4}, {GED_SLEEP_CONTROL, 3}, {0}};

const struct device_class ged_class = {
    .name = "acpi-ged",
    .doc = "ACPI's generic event device, sleep and reset registers",
    .bus = "sysbus",
    .size = sizeof(struct ged),
    .mmio_size = GED_SIZE,
    .windows = windows,
    .nirqs = 1,
    .state = state,
    .regs = regs,
    .reset = ged_reset,
    .loaded = ged_loaded,
};

/* Advanced power management's two ports, as Intel's south bridges have them (82371AB PIIX4 data sheet, 4.2.7: APMC,
 * APMS): a write of the control port asks for an SMI, the status port holds a byte for whoever answers. Not modelled:
 * the bridge's bits that enable the SMI. */
#include "hw/misc/apm.h"

struct apm {
    struct device dev;
    u8 control, status;
};

static void control_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct apm *)d)->control = (u8)v;
    device_irq(d, 0, 1);
    device_irq(d, 0, 0);
}

static const struct reg regs[] = {
    REG(0, "APMC", struct apm, control, .write = control_write),
    REG(1, "APMS", struct apm, status, .wmask = 0xff),
    {0},
};
static const struct field state[] = {FIELD(struct apm, control), FIELD(struct apm, status), {0}};

const struct device_class apm_class = {
    .name = "apm",
    .doc = "APM control and status ports: SMI",
    .bus = "sysbus",
    .size = sizeof(struct apm),
    .mmio_size = 2,
    .nirqs = 1,
    .state = state,
    .regs = regs,
};

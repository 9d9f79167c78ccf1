/* Port 0xcf9: see the header. */
#include "hw/pci/reset_control.h"

#include "hw/core/machine.h"

enum { SYS_RST = 1 << 1, RST_CPU = 1 << 2, FULL_RST = 1 << 3 };

static u8 control_read(void *opaque)
{
    return ((struct reset_control *)opaque)->value;
}

/* A hard reset is the whole machine's; the other is the processor's own. */
static void control_write(void *opaque, u8 v)
{
    struct reset_control *r = opaque;
    bool rises = v & RST_CPU && !(r->value & RST_CPU);
    r->value = v & (SYS_RST | RST_CPU | FULL_RST);
    if (rises && v & SYS_RST) {
        machine_request_reset();
    } else if (rises) {
        device_irq(r->dev, r->pin, 1);
        device_irq(r->dev, r->pin, 0);
    }
}

void reset_control_init(struct reset_control *r, struct device *dev, unsigned pin)
{
    r->dev = dev;
    r->pin = (u8)pin;
}

void reset_control_place(struct reset_control *r, struct pci_conf1 *c)
{
    c->control = r;
    c->control_read = control_read;
    c->control_write = control_write;
}

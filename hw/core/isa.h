/* The ISA bus: ports, and interrupt lines that those on the bus share.
 *
 * It is a device that boards make ("isa.0"): outputs 0..15 are IRQ 0 to 15 for the interrupt controllers. What is
 * plugged into it says where it is by its properties `iobase` or `ioport`, `iosize` and `irq`. */
#ifndef MOSS_HW_CORE_ISA_H
#define MOSS_HW_CORE_ISA_H

#include "hw/core/device.h"

enum { ISA_IRQS = 16 };
extern const struct device_class isa_bus_class; /* "isa-bus", provides "isa" */

/* One more source of an IRQ, for one device's output: the line is high while any of its sources is. */
struct irq isa_line(struct device *bus, unsigned irq);
/* The machine's; NULL: it has none. */
struct device *isa_bus(const struct machine *m);

#endif

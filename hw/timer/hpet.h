/* High precision event timers. irq 0..31: the I/O APIC inputs that timers can be routed to; HPET_IRQ0 and HPET_IRQ8:
 * where legacy replacement sends timers 0 and 1, in the places of the 8254 and the clock; HPET_LEGACY: legacy
 * replacement is on, for those two to be silent. */
#ifndef MOSS_HW_TIMER_HPET_H
#define MOSS_HW_TIMER_HPET_H

#include "hw/core/device.h"

enum { HPET_IRQ0 = 32, HPET_IRQ8, HPET_LEGACY, HPET_PINS };
extern const struct device_class hpet_class;

#endif

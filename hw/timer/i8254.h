/* The PC's interval timer. irq n = OUT of counter n. Input pins 0..2: the counters' gates (high after reset but the
 * third, whose gate port 0x61 drives); input 3: OUT of counter 0 goes nowhere, for the HPET has taken its interrupt. */
#ifndef MOSS_HW_TIMER_I8254_H
#define MOSS_HW_TIMER_I8254_H

#include "hw/core/device.h"

extern const struct device_class i8254_class;

/* OUT of a counter as it is now; the pins of counters that repeat are high but for a moment before they rise. */
bool i8254_out(const struct device *d, unsigned counter);
/* How often the clock of 1.193 MHz has ticked. */
u64 i8254_ticks(void);

#endif

/* The PC's system control port B (port 0x61). irq 0: the gate of counter 2; irq 1: NMI. Input pins 0: SERR, 1: IOCHK
 * (a rise sets the status), 2: NMI is masked (bit 7 of port 0x70). */
#ifndef MOSS_HW_TIMER_PORT61_H
#define MOSS_HW_TIMER_PORT61_H

#include "hw/core/device.h"

extern const struct device_class port61_class;

/* Whose counter 2 bit 5 shows; NULL, as after device_new: it reads as 0. */
void port61_set_timer(struct device *d, const struct device *i8254);

#endif

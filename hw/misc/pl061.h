/* Arm PrimeCell GPIO PL061, and a key on one of its lines. */
#ifndef MOSS_HW_MISC_PL061_H
#define MOSS_HW_MISC_PL061_H

#include "hw/core/device.h"

/* Input pins 0..7 are GPIN; irq 0 = GPIOINTR. */
extern const struct device_class pl061_class;
/* What line n drives while it is an output. */
void pl061_set_out(struct device *d, unsigned n, struct irq out);

/* Input pin 0, raised: presses the key for a tenth of a second, which irq 0 shows. */
extern const struct device_class gpio_key_class;

#endif

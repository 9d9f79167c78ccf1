/* The PC's pair of 8259A interrupt controllers. Input pins 0..15 are IRQ 0..15 (2 is the pair's own); irq 0 = INTR of
 * the first chip. */
#ifndef MOSS_HW_INTC_I8259_H
#define MOSS_HW_INTC_I8259_H

#include "hw/core/device.h"

extern const struct device_class i8259_class;

/* The processor's interrupt acknowledge cycles: gives the vector, and the request counts as in service. When nothing is
 * requested any more the vector is the one of input 7. */
int i8259_ack(struct device *d);

#endif

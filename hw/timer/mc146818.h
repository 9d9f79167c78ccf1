/* The PC's clock and CMOS memory (ports 0x70 to 0x73). irq 0: IRQ 8; irq 1: NMI is masked. Input pin 0: irq 0 goes
 * nowhere, for the HPET has taken its interrupt. */
#ifndef MOSS_HW_TIMER_MC146818_H
#define MOSS_HW_TIMER_MC146818_H

#include "hw/core/device.h"

extern const struct device_class mc146818_class;

/* A byte of the memory, for boards: what firmware finds there. 14..127, and from 128 on the extended bank. */
void mc146818_set(struct device *d, unsigned addr, u8 v);
u8 mc146818_get(const struct device *d, unsigned addr);

#endif

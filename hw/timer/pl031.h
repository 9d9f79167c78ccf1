/* Arm PrimeCell real time clock PL031. One interrupt (RTCINTR). */
#ifndef MOSS_HW_TIMER_PL031_H
#define MOSS_HW_TIMER_PL031_H

#include "hw/core/device.h"

extern const struct device_class pl031_class;

#endif

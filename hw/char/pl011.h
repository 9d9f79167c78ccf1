/* Arm PrimeCell UART PL011. One interrupt (UARTINTR); property chardev. */
#ifndef MOSS_HW_CHAR_PL011_H
#define MOSS_HW_CHAR_PL011_H

#include "hw/core/device.h"

extern const struct device_class pl011_class;

#endif

/* 16550A UART: eight byte-wide registers, one interrupt; property chardev. */
#ifndef MOSS_HW_CHAR_NS16550_H
#define MOSS_HW_CHAR_NS16550_H

#include "hw/core/device.h"

extern const struct device_class ns16550_class;

#endif

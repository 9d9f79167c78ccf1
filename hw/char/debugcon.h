/* A port for the messages of firmware and small kernels: properties chardev, iobase, readback. */
#ifndef MOSS_HW_CHAR_DEBUGCON_H
#define MOSS_HW_CHAR_DEBUGCON_H

#include "hw/core/device.h"

extern const struct device_class isa_debugcon_class; /* "isa-debugcon" */

#endif

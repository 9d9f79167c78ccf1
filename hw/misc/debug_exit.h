/* A port whose writing ends the emulator, with the value in its exit status. */
#ifndef MOSS_HW_MISC_DEBUG_EXIT_H
#define MOSS_HW_MISC_DEBUG_EXIT_H

#include "hw/core/device.h"

extern const struct device_class isa_debug_exit_class;

#endif

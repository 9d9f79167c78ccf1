/* The Arm `virt` machine: a board of paravirtual and PrimeCell devices that exists only in emulators. */
#ifndef MOSS_HW_BOARD_VIRT_VIRT_H
#define MOSS_HW_BOARD_VIRT_VIRT_H

#include "hw/core/machine.h"

extern const struct board board_virt;

#endif

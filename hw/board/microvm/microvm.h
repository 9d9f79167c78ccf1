/* microvm: an x86 machine for kernels that know it is one of an emulator: virtio over MMIO, a serial port, little else.
 */
#ifndef MOSS_HW_BOARD_MICROVM_MICROVM_H
#define MOSS_HW_BOARD_MICROVM_MICROVM_H

#include "hw/core/machine.h"

extern const struct board board_microvm;

#endif

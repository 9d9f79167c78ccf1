/* The x86-bare board. */
#ifndef MOSS_HW_BOARD_X86_BARE_X86_BARE_H
#define MOSS_HW_BOARD_X86_BARE_X86_BARE_H

#include "hw/core/machine.h"

extern const struct board board_x86_bare;

#endif

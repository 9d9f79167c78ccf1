/* PCs: boards with an ISA bus, ports, and PC firmware. */
#ifndef MOSS_HW_BOARD_PC_PC_H
#define MOSS_HW_BOARD_PC_PC_H

#include "hw/core/machine.h"

extern const struct board board_pc, board_q35, board_isapc;

#endif

/* Private to the A64 disassembler: what operand printers work with. */
#ifndef MOSS_TARGET_ARM_A64_DISAS_H
#define MOSS_TARGET_ARM_A64_DISAS_H

#include "target/arm/a64/a64.h"

void dis_reg(struct dis *d, char kind, unsigned r);    /* 'x' 'w': 31 is zr */
void dis_reg_sp(struct dis *d, char kind, unsigned r); /* 31 is sp */

extern const struct dis_kind dis_kinds[];      /* general, ended by a NULL name */
extern const struct dis_kind dis_kinds_simd[]; /* of SIMD&FP instructions */

#endif

/* Operands of the assembly texts of SIMD&FP data processing. */
#include "target/arm/a64/disas.h"

const struct dis_kind dis_kinds_simd[] = {
    {NULL, NULL},
};

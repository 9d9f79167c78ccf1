/* What encoders and the common part share: where code goes, and how registers are numbered. */
#ifndef MOSS_TCG_HOST_CODE_PRIV_H
#define MOSS_TCG_HOST_CODE_PRIV_H

#include "base/bits.h"

/* A place code is written to. */
struct code {
    u8 *p;
};

/* Integer registers from 0, vector registers from VREG on. */
enum { VREG = 32, NREGS = 64, NOREG = 0xff };

#endif

/* Instructions whose results only an x87 knows: on a host that has one, and elsewhere. */
#ifndef MOSS_TARGET_I386_X87_HOST_H
#define MOSS_TARGET_I386_X87_HOST_H

#include "target/i386/x87.h"

bool x87_transcendental(struct x87 *x);

#endif

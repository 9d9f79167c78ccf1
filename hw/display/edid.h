/* EDID: what a monitor says of itself. */
#ifndef MOSS_HW_DISPLAY_EDID_H
#define MOSS_HW_DISPLAY_EDID_H

#include "base/types.h"

enum { EDID_SIZE = 128 };
/* One block: digital, its preferred mode w * h at 60 Hz (1 to 4095 each, others are cut to it). */
void edid_make(u8 *out, unsigned w, unsigned h);

#endif

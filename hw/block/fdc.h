/* The PC's floppy controller, and its drives.
 *
 * A board has a row of it: {&isa_fdc_class, "fdc", 0x3f0, 6, .io = true}, gives it a DMA controller (channel 2) and
 * attaches drives; what the BIOS is told of them in CMOS is fdc_cmos_type(). */
#ifndef MOSS_HW_BLOCK_FDC_H
#define MOSS_HW_BLOCK_FDC_H

#include "hw/core/device.h"
#include "hw/core/isa_dma.h"

struct blockdev;

extern const struct device_class isa_fdc_class, floppy_class;

void fdc_set_dma(struct device *fdc, const struct isa_dma *dma); /* before or after device_init */
/* A drive for a disk that may be without medium; NULL: with a sentence in e. */
struct device *fdc_attach(struct device *fdc, unsigned unit, struct blockdev *disk, struct err *e);
/* 0: no drive, 1: 360K, 2: 1.2M, 3: 720K, 4: 1.44M, 5: 2.88M: half of CMOS register 10h. */
u8 fdc_cmos_type(const struct device *fdc, unsigned unit);

#endif

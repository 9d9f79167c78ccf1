/* Parallel NOR flash with the Intel command set.
 *
 * Properties: drive (what it keeps its bytes in; none: RAM that starts zeroed), size, sector-length, width (bytes of
 * the bus), device-width (bytes of one chip; width / device-width chips stand side by side), id0..id3. The bytes can be
 * read at device.mmio, which is a ROMD region; boards put a firmware image there as a blob. */
#ifndef MOSS_HW_BLOCK_CFI_FLASH_H
#define MOSS_HW_BLOCK_CFI_FLASH_H

#include "hw/core/device.h"

extern const struct device_class cfi_flash01_class;

/* Does a drive hold its contents? Then no other image may be put there. */
bool cfi_flash_has_drive(const struct device *d);

#endif

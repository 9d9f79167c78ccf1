/* virtio over MMIO (Virtio 1.1, 4.2): a window of 0x200 bytes, one interrupt, one device.
 *
 * Class "virtio-mmio", device tree "virtio,mmio"; provides a "virtio" bus. Without a device plugged in it reads as
 * DeviceID 0, which drivers skip. Property force-legacy (default on, as QEMU's): the version 1 layout. */
#ifndef MOSS_HW_VIRTIO_VIRTIO_MMIO_H
#define MOSS_HW_VIRTIO_VIRTIO_MMIO_H

#include "hw/core/device.h"

extern const struct device_class virtio_mmio_class;

/* Is a device plugged in? Boards fill the first free one. */
bool virtio_mmio_busy(struct device *d);

#endif

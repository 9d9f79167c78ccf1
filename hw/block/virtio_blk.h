/* virtio block devices: virtio-blk-device, virtio-blk-pci and its two kin. */
#ifndef MOSS_HW_BLOCK_VIRTIO_BLK_H
#define MOSS_HW_BLOCK_VIRTIO_BLK_H

#include "hw/core/device.h"

extern const struct device_class virtio_blk_class;
extern const struct device_class virtio_blk_pci_class, virtio_blk_pci_transitional_class,
    virtio_blk_pci_non_transitional_class;

#endif

/* virtio entropy devices. */
#ifndef MOSS_HW_MISC_VIRTIO_RNG_H
#define MOSS_HW_MISC_VIRTIO_RNG_H

#include "hw/core/device.h"

extern const struct device_class virtio_rng_class;
extern const struct device_class virtio_rng_pci_class, virtio_rng_pci_transitional_class,
    virtio_rng_pci_non_transitional_class;

#endif

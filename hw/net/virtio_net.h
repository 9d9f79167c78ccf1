/* virtio network devices. */
#ifndef MOSS_HW_NET_VIRTIO_NET_H
#define MOSS_HW_NET_VIRTIO_NET_H

#include "hw/core/device.h"

extern const struct device_class virtio_net_class;
extern const struct device_class virtio_net_pci_class, virtio_net_pci_transitional_class,
    virtio_net_pci_non_transitional_class;

#endif

/* virtio console device: the bus "virtio-serial" and what plugs into it. */
#ifndef MOSS_HW_CHAR_VIRTIO_SERIAL_H
#define MOSS_HW_CHAR_VIRTIO_SERIAL_H

#include "hw/core/device.h"

extern const struct device_class virtio_serial_class;
extern const struct device_class virtio_serial_pci_class, virtio_serial_pci_transitional_class,
    virtio_serial_pci_non_transitional_class;
extern const struct device_class virtconsole_class, virtserialport_class;

#endif

/* virtio-keyboard, virtio-mouse, virtio-tablet. */
#ifndef MOSS_HW_INPUT_VIRTIO_INPUT_H
#define MOSS_HW_INPUT_VIRTIO_INPUT_H

#include "hw/core/device.h"

extern const struct device_class virtio_keyboard_class, virtio_mouse_class, virtio_tablet_class;
extern const struct device_class virtio_keyboard_pci_class, virtio_mouse_pci_class, virtio_tablet_pci_class;

#endif

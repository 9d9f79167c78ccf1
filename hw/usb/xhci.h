/* xHCI: a PCI function with eight root ports, four of USB 2 and four of USB 3. */
#ifndef MOSS_HW_USB_XHCI_H
#define MOSS_HW_USB_XHCI_H

#include "hw/core/device.h"

extern const struct device_class xhci_class; /* "qemu-xhci" */

#endif

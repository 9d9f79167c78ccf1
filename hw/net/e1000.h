/* Intel 82540EM, a PCI gigabit Ethernet controller ("e1000"). */
#ifndef MOSS_HW_NET_E1000_H
#define MOSS_HW_NET_E1000_H

#include "hw/core/device.h"

extern const struct device_class e1000_class;

#endif

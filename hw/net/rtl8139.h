/* Realtek RTL8139C+, a PCI Ethernet controller of 100 Mbit/s. */
#ifndef MOSS_HW_NET_RTL8139_H
#define MOSS_HW_NET_RTL8139_H

#include "hw/core/device.h"

extern const struct device_class rtl8139_class;

#endif

/* The AHCI of the ICH9: "ich9-ahci", six ports, each a device that provides an IDE bus for one drive. Their ids are its
 * own id and a number ("ahci.0" to "ahci.5"), or "ide.N" where it has none; a board makes it without, or as "ide". */
#ifndef MOSS_HW_IDE_AHCI_H
#define MOSS_HW_IDE_AHCI_H

#include "hw/core/device.h"

extern const struct device_class ich9_ahci_class, ahci_port_class;

#endif

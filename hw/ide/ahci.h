/* The AHCI of the ICH9: "ich9-ahci", six ports, each a device "ide.N" that provides an IDE bus for one drive; N counts
 * on where others have such names already. `bus=` knows them by the AHCI's own id too ("ahci.0" to "ahci.5"). */
#ifndef MOSS_HW_IDE_AHCI_H
#define MOSS_HW_IDE_AHCI_H

#include "hw/core/device.h"

extern const struct device_class ich9_ahci_class, ahci_port_class;

#endif

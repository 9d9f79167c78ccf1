/* PIIX3, the PC's south bridge, function 0: PIRQ routing and the reset control register. Input pins 0..3 are
 * PIRQA..PIRQD, outputs 0..15 the IRQs of the ISA bus, output 16 pulses for a reset of the processor alone. */
#ifndef MOSS_HW_PCI_PIIX3_H
#define MOSS_HW_PCI_PIIX3_H

#include "hw/pci/reset_control.h"

enum { PIIX3_INIT = 16 };
extern const struct device_class piix3_class; /* "PIIX3" */

struct reset_control *piix3_reset_control(struct pci_device *p);

#endif

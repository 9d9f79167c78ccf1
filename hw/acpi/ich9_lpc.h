/* ICH9, the south bridge of Q35 machines, function 31.0: PIRQ routing, power management, reset control. Input pins 0..7
 * are PIRQA..PIRQH. Outputs: ISA's IRQs, then inputs 16..23 of the IO-APIC, then those below. */
#ifndef MOSS_HW_ACPI_ICH9_LPC_H
#define MOSS_HW_ACPI_ICH9_LPC_H

#include "hw/pci/reset_control.h"

enum { ICH9_IRQS = 16, ICH9_GSIS = 8, ICH9_SCI = 24, ICH9_SMI, ICH9_INIT, ICH9_OUTS };
enum { ICH9_GPE0 = 0x20, ICH9_GPE0_SIZE = 16, ICH9_S5 = 0 };
extern const struct device_class ich9_lpc_class; /* "ICH9-LPC" */

struct reset_control *ich9_reset_control(struct pci_device *p);
/* As of the PIIX4 (hw/acpi/piix4_pm.h). */
unsigned ich9_pm_base(const struct device *d);
void ich9_pm_place(struct device *d, unsigned base);
void ich9_power_button(struct device *d);

#endif

/* Function 3 of the PIIX4: ACPI, APM's ports and the SMBus (8086:7113). irq 0: SCI, irq 1: SMI (pulses). */
#ifndef MOSS_HW_ACPI_PIIX4_PM_H
#define MOSS_HW_ACPI_PIIX4_PM_H

#include "hw/core/device.h"

extern const struct device_class piix4_pm_class;

enum { PIIX4_SCI, PIIX4_SMI };
/* What tables say of it (FADT): port of the register block as firmware placed it, 0: nowhere; offsets in it. */
unsigned piix4_pm_base(const struct device *d);
enum { PIIX4_GPE0 = 0x0c, PIIX4_GPE0_SIZE = 4, PIIX4_S5 = 0 };
void piix4_pm_power_button(struct device *d);
/* In the board's reset hook, where no firmware places it. */
void piix4_pm_place(struct device *d, unsigned base);

#endif

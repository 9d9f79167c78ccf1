/* Advanced power management's ports of a PC chip set, control and status at 0xb2 and 0xb3 (SPEC: Intel 290562, 4.2.7;
 * Intel 316972, 13.7): both keep what is written, and a write of control asks for an SMI. The two values that the FADT
 * names for it set and clear SCI_EN besides, as a handler of firmware would: machines without one start in ACPI mode by
 * the same way. Part of a device, which maps the region and has APM_FIELDS among its state. */
#ifndef MOSS_HW_ACPI_APM_H
#define MOSS_HW_ACPI_APM_H

#include "hw/acpi/pm.h"
#include "memory/memory.h"

enum {
    APM_PORT = 0xb2,
    /* What the FADT has as ACPI_ENABLE and ACPI_DISABLE. */
    APM_ACPI_ON = 0xf1,
    APM_ACPI_OFF = 0xf0,
};

struct apm {
    struct mem_region region;
    u8 value[2];
    struct acpi_pm *pm;
    void (*asked)(struct device *d); /* control was written: d, which is pm's device, makes it an SMI or does not */
};
#define APM_FIELDS(T, m) FIELDS(T, m.value)

/* pm is the device's own; its dev is set before. */
void apm_init(struct apm *a, struct acpi_pm *pm, void (*asked)(struct device *d));

#endif

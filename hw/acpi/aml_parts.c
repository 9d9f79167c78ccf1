/* What DSDTs of several boards have alike: processors, what lies in memory at fixed places, the power button. */
#include <stdio.h>

#include "hw/acpi/aml.h"

void aml_processors(struct aml *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[8];
        snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name(a, "_HID"), aml_string(a, "ACPI0007");
        aml_name(a, "_UID"), aml_int(a, i);
        aml_end(a);
    }
}

void aml_device_at(struct aml *a, const char *name, const char *hid, unsigned uid, u64 base, u32 size, const u32 *irq)
{
    aml_device(a, name);
    aml_name(a, "_HID"), aml_string(a, hid);
    aml_name(a, "_UID"), aml_int(a, uid);
    aml_name(a, "_CCA"), aml_int(a, 1);
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_fixed_memory(a, (u32)base, size, true);
    if (irq) {
        aml_interrupts(a, 0, irq, 1);
    }
    aml_resources_end(a);
}

void aml_virtio_mmio(struct aml *a, unsigned n, u64 base, u32 size, u32 irq)
{
    char name[8];
    snprintf(name, sizeof(name), "VR%02u", n % 100);
    aml_device_at(a, name, "LNRO0005", n, base, size, &irq);
    aml_end(a);
}

void aml_power_button(struct aml *a)
{
    aml_device(a, "PWRB");
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0C0C");
    aml_name(a, "_UID"), aml_int(a, 0);
    aml_end(a);
}

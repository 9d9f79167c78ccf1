/* What PCI roots have in common: names, routes of interrupts, _OSC (PCI Firmware 3.3, 4.5.1). */
#include "hw/acpi/aml.h"

enum { SLOTS = 32, PINS = 4 };

void aml_pcie_root(struct aml *a)
{
    aml_device(a, "PCI0");
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0A08");
    aml_name(a, "_CID"), aml_eisa_id(a, "PNP0A03");
    aml_name(a, "_SEG"), aml_int(a, 0);
    aml_name(a, "_BBN"), aml_int(a, 0);
    aml_name(a, "_UID"), aml_int(a, 0);
}

void aml_pci_routes(struct aml *a, u32 irq0)
{
    aml_name(a, "_PRT");
    aml_package(a, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS;
        aml_package(a, 4);
        aml_int(a, (u64)slot << 16 | 0xffff);
        aml_int(a, pin);
        aml_int(a, 0);
        aml_int(a, irq0 + (slot + pin) % PINS);
        aml_end(a);
    }
    aml_end(a);
}

/* PCI Express: the system may have all of it but native hot plug, power management events and errors. */
void aml_pcie_osc(struct aml *a)
{
    aml_method(a, "_OSC", 4, true);
    aml_op(a, AML_DWORD_FIELD), aml_op(a, AML_ARG3), aml_int(a, 0), aml_ref(a, "CDW1");
    aml_if(a);
    aml_op(a, AML_LEQUAL), aml_op(a, AML_ARG0);
    aml_uuid(a, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    aml_op(a, AML_DWORD_FIELD), aml_op(a, AML_ARG3), aml_int(a, 8), aml_ref(a, "CDW3");
    aml_op(a, AML_AND), aml_ref(a, "CDW3"), aml_int(a, 0x10 /* capability structures */), aml_ref(a, "CDW3");
    aml_end(a);
    aml_else(a);
    aml_op(a, AML_OR), aml_ref(a, "CDW1"), aml_int(a, 4 /* who asks is not known */), aml_ref(a, "CDW1");
    aml_end(a);
    aml_op(a, AML_RETURN), aml_op(a, AML_ARG3);
    aml_end(a);
}

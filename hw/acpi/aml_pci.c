/* What PCI roots have in common: _OSC (PCI Firmware 3.3, 4.5.1). */
#include "hw/acpi/aml.h"

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

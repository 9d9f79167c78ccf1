/* ACPI machine language, written front to back (ACPI 6.4, chapter 20; resources: 6.4).
 *
 *   aml_device(a, "COM1");
 *   aml_name(a, "_HID"), aml_eisa_id(a, "PNP0501");
 *   aml_name(a, "_CRS"), aml_resources(a);
 *   aml_io(a, 0x3f8, 8), aml_isa_irq(a, 4);
 *   aml_resources_end(a);
 *   aml_end(a);
 *
 * What opens a body (scope, device, method, package, if...) ends by aml_end. Operators are written as they are encoded:
 * the operator, its operands, its target. */
#ifndef MOSS_HW_ACPI_AML_H
#define MOSS_HW_ACPI_AML_H

#include "base/buf.h"

enum { AML_DEPTH = 16 };
struct aml {
    struct buf code;
    size_t open[AML_DEPTH]; /* where the lengths of what is open go */
    unsigned depth;
};

/* -- bodies ------------------------------------------------------------------------------------------------------- */
void aml_scope(struct aml *a, const char *path);
void aml_device(struct aml *a, const char *name);
void aml_method(struct aml *a, const char *name, unsigned args, bool serialized);
void aml_package(struct aml *a, unsigned elements);
void aml_buffer(struct aml *a, unsigned size); /* bytes by aml_byte */
void aml_if(struct aml *a);                    /* the condition comes next */
void aml_else(struct aml *a);                  /* behind the aml_end of an if */
void aml_end(struct aml *a);

/* -- terms -------------------------------------------------------------------------------------------------------- */
void aml_name(struct aml *a, const char *path); /* its value comes next */
void aml_int(struct aml *a, u64 v);
void aml_int_of(struct aml *a, u64 v,
                unsigned bytes); /* in so many bytes: where it is patched, or its length is to stay */
void aml_string(struct aml *a, const char *s);
void aml_eisa_id(struct aml *a, const char *id); /* "PNP0A03" */
void aml_ref(struct aml *a, const char *path);
void aml_byte(struct aml *a, u8 v);
void aml_uuid(struct aml *a, const char *text); /* as a buffer, by ToUUID's order */
enum aml_op {                                   /* encodings */
              AML_ZERO = 0x00,
              AML_ONE = 0x01,
              AML_LOCAL0 = 0x60,
              AML_LOCAL1 = 0x61,
              AML_ARG0 = 0x68,
              AML_ARG1 = 0x69,
              AML_ARG2 = 0x6a,
              AML_ARG3 = 0x6b,
              AML_STORE = 0x70,
              AML_AND = 0x7b,
              AML_OR = 0x7d,
              AML_NOTIFY = 0x86,
              AML_DWORD_FIELD = 0x8a, /* buffer, index, name */
              AML_LAND = 0x90,
              AML_LNOT = 0x92,
              AML_LEQUAL = 0x93,
              AML_RETURN = 0xa4,
              AML_ONES = 0xff,
};
void aml_op(struct aml *a, enum aml_op op);
enum aml_space { AML_SYSTEM_MEMORY, AML_SYSTEM_IO, AML_PCI_CONFIG };
void aml_region(struct aml *a, const char *name, enum aml_space space, u64 at, u64 size);
/* A field of byte accesses, then its units one by one (name NULL: a gap), then aml_end. */
void aml_field(struct aml *a, const char *region);
void aml_unit(struct aml *a, const char *name, unsigned bits);

/* -- resources ---------------------------------------------------------------------------------------------------- */
void aml_resources(struct aml *a);
void aml_resources_end(struct aml *a);
void aml_io(struct aml *a, u16 base, u8 size);
void aml_isa_irq(struct aml *a, unsigned irq); /* edge, active high, not shared */
void aml_isa_dma(struct aml *a, unsigned channel);
void aml_fixed_memory(struct aml *a, u32 base, u32 size, bool writable);
enum { AML_EDGE = 1 << 1, AML_LOW = 1 << 2, AML_SHARED = 1 << 3 };
void aml_interrupts(struct aml *a, unsigned flags, const u32 *n, unsigned count); /* as a consumer */
void aml_bus_numbers(struct aml *a, u16 first, u16 last);
enum aml_window { AML_WINDOW_MEMORY, AML_WINDOW_IO };
/* What a bridge passes on: first to last, `translate` added on its secondary side's way up. Wide: of 64 bits. */
void aml_window(struct aml *a, enum aml_window kind, bool wide, u64 first, u64 last, u64 translate);
/* GPIO pin `pin` of the controller: an interrupt on a rising edge. */
void aml_gpio_int(struct aml *a, unsigned pin, const char *controller);

/* -- what boards have alike ---------------------------------------------------------------------------------------- */
void aml_processors(struct aml *a, unsigned n);
/* A device with memory and an interrupt, a level (NULL: none); then what else it has, and aml_end. */
void aml_device_at(struct aml *a, const char *name, const char *hid, unsigned uid, u64 base, u32 size, const u32 *irq);
void aml_virtio_mmio(struct aml *a, unsigned n, u64 base, u32 size, u32 irq);
void aml_power_button(struct aml *a);
/* A PCI Express root, PCI0; then its windows, routes and what else it has, and aml_end. */
void aml_pcie_root(struct aml *a);
/* _PRT where INTx is swizzled as pci_host.h says and comes out at four interrupts from irq0 on. */
void aml_pci_routes(struct aml *a, u32 irq0);
/* _OSC of a PCI Express root: the system handles errors and events itself, hot plug is nobody's. */
void aml_pcie_osc(struct aml *a);

#endif

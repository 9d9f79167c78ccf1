/* Resource descriptors (ACPI 6.4, section 6.4): small ones for what is ISA's, large ones for the rest. */
#include <string.h>

#include "hw/acpi/aml.h"

enum {
    SMALL_IRQ = 0x22,
    SMALL_DMA = 0x2a,
    SMALL_IO = 0x47,
    SMALL_END = 0x79,
    LARGE_MEMORY32_FIXED = 0x86,
    LARGE_DWORD = 0x87,
    LARGE_WORD = 0x88,
    LARGE_INTERRUPTS = 0x89,
    LARGE_QWORD = 0x8a,
    LARGE_GPIO = 0x8c,
};
enum { FIXED_MIN_MAX = 0x0c, CACHED_NOT_WRITABLE = 1, ENTIRE_RANGE = 3 };

static void num(struct aml *a, u64 v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        aml_byte(a, (u8)(v >> 8 * i));
    }
}

/* A buffer whose length is known when the template ends; two bytes are kept for it. */
void aml_resources(struct aml *a)
{
    aml_buffer(a, 0x100); /* a word */
}
void aml_resources_end(struct aml *a)
{
    must(a->depth);
    size_t at = a->open[a->depth - 1];
    aml_byte(a, SMALL_END);
    aml_byte(a, 0); /* a check sum of 0 is not looked at */
    size_t n = a->code.len - at - 3;
    a->code.data[at + 1] = (u8)n;
    a->code.data[at + 2] = (u8)(n >> 8);
    aml_end(a);
}

void aml_io(struct aml *a, u16 base, u8 size)
{
    aml_byte(a, SMALL_IO);
    aml_byte(a, 1); /* 16 bits are decoded */
    num(a, base, 2);
    num(a, base, 2);
    aml_byte(a, 1);
    aml_byte(a, size);
}
void aml_isa_irq(struct aml *a, unsigned irq)
{
    aml_byte(a, SMALL_IRQ);
    num(a, 1u << irq, 2);
}
void aml_isa_dma(struct aml *a, unsigned channel)
{
    aml_byte(a, SMALL_DMA);
    aml_byte(a, (u8)(1u << channel));
    aml_byte(a, 0); /* 8 bits, compatibility timing */
}
void aml_fixed_memory(struct aml *a, u32 base, u32 size, bool writable)
{
    aml_byte(a, LARGE_MEMORY32_FIXED);
    num(a, 9, 2);
    aml_byte(a, writable);
    num(a, base, 4);
    num(a, size, 4);
}
void aml_interrupts(struct aml *a, unsigned flags, const u32 *n, unsigned count)
{
    aml_byte(a, LARGE_INTERRUPTS);
    num(a, 2 + 4 * count, 2);
    aml_byte(a, (u8)(1 | flags));
    aml_byte(a, (u8)count);
    for (unsigned i = 0; i < count; i++) {
        num(a, n[i], 4);
    }
}

/* -- windows ------------------------------------------------------------------------------------------------------ */

static void address(struct aml *a, u8 tag, unsigned bytes, u8 type, u8 how, u64 first, u64 last, u64 translate)
{
    aml_byte(a, tag);
    num(a, 3 + 5 * bytes, 2);
    aml_byte(a, type);
    aml_byte(a, FIXED_MIN_MAX);
    aml_byte(a, how);
    num(a, 0, bytes); /* granularity */
    num(a, first, bytes);
    num(a, last, bytes);
    num(a, translate, bytes);
    num(a, last - first + 1, bytes);
}
void aml_bus_numbers(struct aml *a, u16 first, u16 last)
{
    address(a, LARGE_WORD, 2, 2, 0, first, last, 0);
}
void aml_window(struct aml *a, enum aml_window kind, bool wide, u64 first, u64 last, u64 translate)
{
    bool io = kind == AML_WINDOW_IO;
    u8 how = io ? ENTIRE_RANGE : CACHED_NOT_WRITABLE; /* memory: read-write, not cached */
    if (wide) {
        address(a, LARGE_QWORD, 8, io, how, first, last, translate);
    } else if (io && last < 0x10000 && translate < 0x10000) {
        address(a, LARGE_WORD, 2, io, how, first, last, translate);
    } else {
        address(a, LARGE_DWORD, 4, io, how, first, last, translate);
    }
}

/* -- GPIO --------------------------------------------------------------------------------------------------------- */

void aml_gpio_int(struct aml *a, unsigned pin, const char *controller)
{
    enum { FIXED = 23, PINS = 2 };
    unsigned name = (unsigned)strlen(controller) + 1;
    aml_byte(a, LARGE_GPIO);
    num(a, FIXED - 3 + PINS + name, 2);
    aml_byte(a, 1);   /* revision */
    aml_byte(a, 0);   /* an interrupt */
    num(a, 1, 2);     /* a consumer */
    num(a, 1, 2);     /* edge, active high, exclusive */
    aml_byte(a, 1);   /* pull up */
    num(a, 0, 2);     /* drive strength */
    num(a, 0, 2);     /* debounce time */
    num(a, FIXED, 2); /* of the pin table */
    aml_byte(a, 0);   /* resource source index */
    num(a, FIXED + PINS, 2);
    num(a, FIXED + PINS + name, 2); /* vendor data: none */
    num(a, 0, 2);
    num(a, pin, PINS);
    buf_put(&a->code, controller, name);
}

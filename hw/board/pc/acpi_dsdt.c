/* The DSDT of PCs: the PCI root with its windows and interrupts, the links behind it, what lies on the ISA bus, the
 * processors, how to turn the machine off.
 *
 * Interrupts: the 440FX's four PIRQs lead to ISA's IRQs in either mode, by links that read and write the south bridge's
 * registers. ICH9's eight do so only in PIC mode; once the system has chosen the IO-APIC they are its inputs 16 to 23.
 */
#include <stdio.h>

#include "hw/acpi/aml.h"
#include "hw/board/pc/acpi.h"

enum { SLOTS = 32, PINS = 4, PM_PORTS = 128 };

/* -- links -------------------------------------------------------------------------------------------------------- */

static void link_name(char *out, unsigned n)
{
    snprintf(out, 5, "LNK%c", 'A' + (int)n);
}
static void route_name(char *out, unsigned n)
{
    snprintf(out, 5, "PRQ%c", 'A' + (int)n);
}

static void any_irq(struct aml *a)
{
    static const u32 irqs[] = {5, 10, 11};
    aml_resources(a);
    aml_interrupts(a, AML_SHARED, irqs, 3);
    aml_resources_end(a);
}
/* Bit 7 of the register: not routed. */
static void if_routed(struct aml *a, const char *route)
{
    aml_if(a);
    aml_op(a, AML_LNOT);
    aml_op(a, AML_AND);
    aml_ref(a, route);
    aml_int(a, 0x80);
    aml_op(a, AML_ZERO); /* no target */
}
static void link_methods(struct aml *a, const char *route)
{
    static const u32 none[] = {0};
    aml_method(a, "_STA", 0, false);
    if_routed(a, route);
    aml_op(a, AML_RETURN), aml_int(a, 0x0b);
    aml_end(a);
    aml_op(a, AML_RETURN), aml_int(a, 0x09);
    aml_end(a);

    aml_method(a, "_DIS", 0, false);
    aml_op(a, AML_OR), aml_ref(a, route), aml_int(a, 0x80), aml_ref(a, route);
    aml_end(a);

    aml_method(a, "_CRS", 0, true);
    aml_name(a, "BUF0");
    aml_resources(a);
    aml_interrupts(a, AML_SHARED, none, 1);
    aml_resources_end(a);
    aml_op(a, AML_DWORD_FIELD), aml_ref(a, "BUF0"), aml_int(a, 5), aml_ref(a, "IRQW");
    if_routed(a, route);
    aml_op(a, AML_STORE), aml_ref(a, route), aml_ref(a, "IRQW");
    aml_end(a);
    aml_op(a, AML_RETURN), aml_ref(a, "BUF0");
    aml_end(a);

    aml_method(a, "_SRS", 1, true);
    aml_op(a, AML_DWORD_FIELD), aml_op(a, AML_ARG0), aml_int(a, 5), aml_ref(a, "IRQW");
    aml_op(a, AML_STORE), aml_ref(a, "IRQW"), aml_ref(a, route);
    aml_end(a);
}
static void links(struct aml *a, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char name[5], route[] = "\\_SB.PCI0.ISA.PRQA";
        link_name(name, i);
        route_name(route + sizeof(route) - 5, i);
        aml_device(a, name);
        aml_name(a, "_HID"), aml_eisa_id(a, "PNP0C0F");
        aml_name(a, "_UID"), aml_int(a, i + 1);
        aml_name(a, "_PRS"), any_irq(a);
        link_methods(a, route);
        aml_end(a);
    }
}

/* -- routing ------------------------------------------------------------------------------------------------------ */

static void routes(const struct pc_acpi *p, struct aml *a, const char *name, bool gsi)
{
    aml_name(a, name);
    aml_package(a, SLOTS * PINS);
    for (unsigned i = 0; i < SLOTS * PINS; i++) {
        unsigned slot = i / PINS, pin = i % PINS, line = p->pirq(slot, pin);
        char link[5];
        link_name(link, line);
        aml_package(a, 4);
        aml_int(a, (u64)slot << 16 | 0xffff);
        aml_int(a, pin);
        if (gsi) {
            aml_int(a, 0);
            aml_int(a, 16 + line);
        } else {
            aml_ref(a, link);
            aml_int(a, 0);
        }
        aml_end(a);
    }
    aml_end(a);
}
static void routing(const struct pc_acpi *p, struct aml *a)
{
    bool both = p->links > 4;
    routes(p, a, "PRTP", false);
    if (both) {
        routes(p, a, "PRTA", true);
    }
    aml_method(a, "_PRT", 0, false);
    if (both) {
        aml_if(a);
        aml_ref(a, "\\PICF");
        aml_op(a, AML_RETURN), aml_ref(a, "PRTA");
        aml_end(a);
    }
    aml_op(a, AML_RETURN), aml_ref(a, "PRTP");
    aml_end(a);
}

/* -- the root ----------------------------------------------------------------------------------------------------- */

static void windows(const struct pc_acpi *p, struct aml *a)
{
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_bus_numbers(a, 0, 0xff);
    aml_io(a, 0xcf8, 8);
    aml_window(a, AML_WINDOW_IO, false, 0, 0xcf7, 0);
    aml_window(a, AML_WINDOW_IO, false, 0xd00, 0xffff, 0);
    aml_window(a, AML_WINDOW_MEMORY, false, 0xa0000, 0xbffff, 0);
    aml_window(a, AML_WINDOW_MEMORY, false, p->mem32, p->mem32_end - 1, 0);
    if (p->mem64_end) {
        aml_window(a, AML_WINDOW_MEMORY, true, p->mem64, p->mem64_end - 1, 0);
    }
    aml_resources_end(a);
}

/* -- ISA ---------------------------------------------------------------------------------------------------------- */

struct isa_part {
    const char *name, *hid;
    struct {
        u16 base;
        u8 size;
    } io[3];
    u8 irq, uid; /* 0: none */
    i8 dma;      /* -1: none */
};
static const struct isa_part always[] = {
    {"PIC", "PNP0000", {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}, 2, 0, -1},
    {"DMAC", "PNP0200", {{0x00, 16}, {0x80, 16}, {0xc0, 32}}, 0, 0, 4},
    {"TIMR", "PNP0100", {{0x40, 4}}, 0, 0, -1},
    {"RTC", "PNP0B00", {{0x70, 2}}, 8, 0, -1},
    {"SPKR", "PNP0800", {{0x61, 1}}, 0, 0, -1},
    {"FPU", "PNP0C04", {{0xf0, 1}}, 13, 0, -1},
};
static const struct isa_part keyboard[] = {
    {"KBD", "PNP0303", {{0x60, 1}, {0x64, 1}}, 1, 0, -1},
    {"MOU", "PNP0F13", {{0}}, 12, 0, -1},
};
static const struct isa_part floppy[] = {{"FDC0", "PNP0700", {{0x3f2, 4}, {0x3f7, 1}}, 6, 0, 2}};
static const struct isa_part parallel[] = {{"LPT1", "PNP0400", {{0x378, 8}}, 7, 1, -1}};
static const struct isa_part com[] = {
    {"COM1", "PNP0501", {{0x3f8, 8}}, 4, 1, -1},
    {"COM2", "PNP0501", {{0x2f8, 8}}, 3, 2, -1},
    {"COM3", "PNP0501", {{0x3e8, 8}}, 4, 3, -1},
    {"COM4", "PNP0501", {{0x2e8, 8}}, 3, 4, -1},
};

static void isa_part(struct aml *a, const struct isa_part *p)
{
    aml_device(a, p->name);
    aml_name(a, "_HID"), aml_eisa_id(a, p->hid);
    if (p->uid) {
        aml_name(a, "_UID"), aml_int(a, p->uid);
    }
    aml_name(a, "_CRS");
    aml_resources(a);
    for (unsigned i = 0; i < ARRAY_LEN(p->io); i++) {
        if (p->io[i].size) {
            aml_io(a, p->io[i].base, p->io[i].size);
        }
    }
    if (p->irq) {
        aml_isa_irq(a, p->irq);
    }
    if (p->dma >= 0) {
        aml_isa_dma(a, (unsigned)p->dma);
    }
    aml_resources_end(a);
    aml_end(a);
}
static void isa_parts(struct aml *a, const struct isa_part *p, unsigned n, bool there)
{
    for (unsigned i = 0; there && i < n; i++) {
        isa_part(a, &p[i]);
    }
}

static void south_bridge(const struct pc_acpi *p, struct aml *a)
{
    char name[5];
    aml_device(a, "ISA");
    aml_name(a, "_ADR"), aml_int(a, (u64)(p->bridge >> 3) << 16 | (p->bridge & 7));
    aml_region(a, "PIRQ", AML_PCI_CONFIG, 0x60, 0x0c);
    aml_field(a, "PIRQ");
    for (unsigned i = 0; i < p->links; i++) {
        if (i == 4) {
            aml_unit(a, NULL, 32);
        }
        route_name(name, i);
        aml_unit(a, name, 8);
    }
    aml_end(a);
    isa_parts(a, always, ARRAY_LEN(always), true);
    isa_parts(a, keyboard, ARRAY_LEN(keyboard), p->keyboard);
    isa_parts(a, floppy, ARRAY_LEN(floppy), p->floppy);
    isa_parts(a, parallel, ARRAY_LEN(parallel), p->parallel);
    for (unsigned i = 0; i < ARRAY_LEN(com); i++) {
        isa_parts(a, &com[i], 1, p->coms >> i & 1);
    }
    aml_end(a);
}

/* -- the board ---------------------------------------------------------------------------------------------------- */

/* What the board takes for itself, so that nobody else is put there. */
static void reserved(const struct pc_acpi *p, struct aml *a)
{
    u8 last = 0;
    u64 ecam = p->ecam ? p->ecam(p->ecam_opaque, &last) : 0;
    aml_device(a, "MRES");
    aml_name(a, "_HID"), aml_eisa_id(a, "PNP0C02");
    aml_name(a, "_CRS");
    aml_resources(a);
    aml_io(a, (u16)p->pm_base(p->pm), PM_PORTS);
    aml_io(a, 0xb2, 2);
    aml_io(a, 0x92, 1);
    if (p->ecam) {
        aml_fixed_memory(a, (u32)ecam, (last + 1u) << 20, true);
    }
    aml_resources_end(a);
    aml_end(a);
}

static void single(struct aml *a, const char *name, const char *hid, bool is_text, u16 port, u8 size)
{
    aml_device(a, name);
    aml_name(a, "_HID");
    if (is_text) {
        aml_string(a, hid);
    } else {
        aml_eisa_id(a, hid);
    }
    aml_name(a, "_STA"), aml_int(a, 0x0b);
    aml_name(a, "_CRS");
    aml_resources(a);
    if (port) {
        aml_io(a, port, size);
    } else {
        aml_fixed_memory(a, 0xfed00000u, 0x400, true);
    }
    aml_resources_end(a);
    aml_end(a);
}

/* Slots have numbers, as of a board where cards are put in: guests name network interfaces after them (ens3). */
static void slots(struct aml *a)
{
    for (unsigned i = 2; i < 32; i++) {
        char name[5];
        snprintf(name, sizeof(name), "S%02X", i << 3);
        aml_device(a, name);
        aml_name(a, "_ADR"), aml_int(a, (u64)i << 16);
        aml_name(a, "_SUN"), aml_int(a, i);
        aml_end(a);
    }
}

static void pci_root(const struct pc_acpi *p, struct aml *a)
{
    aml_device(a, "PCI0");
    aml_name(a, "_HID"), aml_eisa_id(a, p->ecam ? "PNP0A08" : "PNP0A03");
    if (p->ecam) {
        aml_name(a, "_CID"), aml_eisa_id(a, "PNP0A03");
    }
    aml_name(a, "_UID"), aml_int(a, 0);
    windows(p, a);
    south_bridge(p, a);
    links(a, p->links);
    routing(p, a);
    if (p->ecam) {
        aml_pcie_osc(a);
    } else {
        slots(a);
    }
    aml_end(a);
}

/* No \_S3: there is no way back from it. */
static void soft_off(const struct pc_acpi *p, struct aml *a)
{
    aml_name(a, "\\_S5");
    aml_package(a, 4);
    for (unsigned i = 0; i < 4; i++) {
        aml_int(a, i < 2 ? p->s5 : 0);
    }
    aml_end(a);
}

void pc_dsdt(const struct pc_acpi *p, struct acpi_tables *t)
{
    struct aml a = {0};
    aml_name(&a, "\\PICF"), aml_int(&a, 0);
    aml_method(&a, "\\_PIC", 1, false);
    aml_op(&a, AML_STORE), aml_op(&a, AML_ARG0), aml_ref(&a, "\\PICF");
    aml_end(&a);
    aml_scope(&a, "\\_SB");
    pci_root(p, &a);
    reserved(p, &a);
    aml_processors(&a, p->m->cfg.cpus);
    if (p->hpet) {
        single(&a, "HPET", "PNP0103", false, 0, 0);
    }
    if (p->fw_cfg) {
        single(&a, "FWCF", "QEMU0002", true, p->fw_cfg, 12);
    }
    aml_end(&a);
    soft_off(p, &a);
    acpi_begin(t, "DSDT", 2);
    buf_put(&t->body, a.code.data, a.code.len);
    acpi_end(t);
    buf_free(&a.code);
}

/* What PCI functions there are, for a person: `info pci`. Class names as the PCI Code and ID Assignment Specification
 * has them. */
#include <inttypes.h>

#include "base/bits.h"
#include "hw/pci/pci_bus.h"

static const char *class_name(u16 class_code)
{
    static const struct {
        u16 code;
        const char *name;
    } names[] = {
        {0x0100, "SCSI controller"},
        {0x0101, "IDE controller"},
        {0x0106, "SATA controller"},
        {0x0200, "Ethernet controller"},
        {0x0300, "VGA controller"},
        {0x0380, "Display controller"},
        {0x0600, "Host bridge"},
        {0x0601, "ISA bridge"},
        {0x0604, "PCI bridge"},
        {0x0680, "Bridge"},
        {0x0780, "Communication controller"},
        {0x0900, "Keyboard"},
        {0x0c03, "USB controller"},
        {0x0c05, "SMBus"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].code == class_code) {
            return names[i].name;
        }
    }
    return NULL;
}

static void bar_print(const struct pci_device *p, unsigned n, struct buf *out)
{
    const struct pci_bar *b = &p->bar[n];
    if (b->kind == PCI_BAR_NONE) {
        return;
    }
    bool io = b->kind == PCI_BAR_IO;
    u32 low = (u32)ldnle(p->config + PCI_BAR0 + 4 * n, 4);
    buf_printf(out, "      BAR%u: ", n);
    if (io) {
        buf_printf(out, "I/O at ");
    } else {
        buf_printf(out, "%u bit %smemory at ", b->kind == PCI_BAR_MEM64 ? 64 : 32, low & 8 ? "prefetchable " : "");
    }
    if (b->mapped) {
        buf_printf(out, io ? "0x%04" PRIx64 " [0x%04" PRIx64 "].\n" : "0x%08" PRIx64 " [0x%08" PRIx64 "].\n", b->at,
                   b->at + b->region->size - 1);
    } else {
        buf_printf(out, "nowhere, %" PRIu64 " bytes.\n", b->region->size);
    }
}

static void function_print(const struct pci_device *p, struct buf *out)
{
    u16 class_code = (u16)ldnle(p->config + 0x0a, 2);
    const char *name = class_name(class_code);
    buf_printf(out, "  Bus %2u, device %3u, function %u:\n    ", pci_bus_number(p->bus), p->devfn >> 3, p->devfn & 7);
    if (name) {
        buf_printf(out, "%s", name);
    } else {
        buf_printf(out, "Class %04x", class_code);
    }
    buf_printf(out, ": PCI device %04x:%04x\n", (unsigned)ldnle(p->config, 2), (unsigned)ldnle(p->config + 2, 2));
    if (!p->behind) {
        buf_printf(out, "      PCI subsystem %04x:%04x\n", (unsigned)ldnle(p->config + PCI_SUBSYSTEM_VENDOR, 2),
                   (unsigned)ldnle(p->config + PCI_SUBSYSTEM_VENDOR + 2, 2));
    } else {
        buf_printf(out, "      BUS %u.\n", pci_bus_number(p->behind));
    }
    if (p->config[PCI_INTERRUPT_PIN]) {
        buf_printf(out, "      IRQ %u, pin %c\n", p->config[PCI_INTERRUPT_LINE],
                   'A' + p->config[PCI_INTERRUPT_PIN] - 1);
    }
    for (unsigned n = 0; n < PCI_BARS; n++) {
        bar_print(p, n, out);
    }
    if (p->rom_mapped) {
        buf_printf(out, "      ROM: memory at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n", p->rom_at,
                   p->rom_at + p->rom.size - 1);
    }
    buf_printf(out, "      id \"%s\"\n", p->dev.id ? p->dev.id : "");
}

void pci_bus_print(const struct pci_bus *b, struct buf *out)
{
    for (unsigned devfn = 0; devfn < ARRAY_LEN(b->slot); devfn++) {
        if (b->slot[devfn]) {
            function_print(b->slot[devfn], out);
        }
    }
    for (unsigned devfn = 0; devfn < ARRAY_LEN(b->slot); devfn++) {
        if (b->slot[devfn] && b->slot[devfn]->behind) {
            pci_bus_print(b->slot[devfn]->behind, out);
        }
    }
}

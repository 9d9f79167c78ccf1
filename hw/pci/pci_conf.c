/* How processors reach configuration space: ECAM (PCI Firmware 3.0, chapter 4: MMCONFIG), and ports (PCI Local Bus 3.0,
 * 3.2.2.3.2, configuration mechanism #1). A function that is not there reads as ones, as a master abort leaves it. */
#include "base/bits.h"
#include "hw/pci/pci_bus.h"

/* -- ECAM ------------------------------------------------------------------------------------------------------- */

static struct pci_device *ecam_function(void *opaque, u64 off)
{
    return pci_find(opaque, (unsigned)bits(off, 20, 8), (unsigned)bits(off, 12, 8));
}

static enum mem_result ecam_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    struct pci_device *p = ecam_function(opaque, off);
    *val = p ? pci_config_read(p, off & 0xfff, size) : MASK(size * 8);
    return MEM_OK;
}

static enum mem_result ecam_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    struct pci_device *p = ecam_function(opaque, off);
    if (p) {
        pci_config_write(p, off & 0xfff, size, (u32)val);
    }
    return MEM_OK;
}

const struct mem_ops pci_ecam_ops = {.read = ecam_read, .write = ecam_write, .min_size = 1, .max_size = 4};

/* -- master aborts ------------------------------------------------------------------------------------------------ */

static enum mem_result abort_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)a;
    *val = MASK(size * 8);
    return MEM_OK;
}

static enum mem_result abort_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)size, (void)val, (void)a;
    return MEM_OK;
}

const struct mem_ops pci_abort_ops = {.read = abort_read, .write = abort_write};

/* -- ports -------------------------------------------------------------------------------------------------------- */

enum { RESET_CONTROL = 1, CONFIG_DATA = 4 };
#define ADDRESS_ENABLE 0x80000000u
#define ADDRESS_BITS   0x80fffffcu

static struct pci_device *conf1_function(const struct pci_conf1 *c)
{
    return c->address & ADDRESS_ENABLE ? pci_find(c->root, c->address >> 16 & 255, c->address >> 8 & 255) : NULL;
}

static enum mem_result conf1_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct pci_conf1 *c = opaque;
    (void)a;
    *val = MASK(size * 8);
    if (off >= CONFIG_DATA) {
        struct pci_device *p = conf1_function(c);
        if (p) {
            *val = pci_config_read(p, (c->address & 0xfc) + (unsigned)(off - CONFIG_DATA), size);
        }
    } else if (!off && size == 4) {
        *val = c->address;
    } else if (off == RESET_CONTROL && size == 1 && c->control_read) {
        *val = c->control_read(c->control);
    }
    return MEM_OK;
}

/* The address is seen by accesses of 32 bits only: others are of whoever else has these ports. */
static enum mem_result conf1_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct pci_conf1 *c = opaque;
    (void)a;
    if (off >= CONFIG_DATA) {
        struct pci_device *p = conf1_function(c);
        if (p) {
            pci_config_write(p, (c->address & 0xfc) + (unsigned)(off - CONFIG_DATA), size, (u32)val);
        }
    } else if (!off && size == 4) {
        c->address = (u32)val & ADDRESS_BITS;
    } else if (off == RESET_CONTROL && size == 1 && c->control_write) {
        c->control_write(c->control, (u8)val);
    }
    return MEM_OK;
}

static const struct mem_ops conf1_ops = {.read = conf1_read, .write = conf1_write, .min_size = 1, .max_size = 4};

void pci_conf1_init(struct pci_conf1 *c, struct pci_root *r, struct mem_space *ports)
{
    c->root = r;
    c->region = (struct mem_region){.name = "pci-conf", .kind = MEM_MMIO, .size = 8, .ops = &conf1_ops, .opaque = c};
    mem_map_region(ports, &c->region, 0xcf8, 0);
}

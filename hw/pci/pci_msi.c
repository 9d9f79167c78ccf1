/* PCI interrupts: INTx, MSI and MSI-X (PCI Local Bus 3.0, 2.2.6 and 6.8). A message is a plain store of 32 bits on the
 * function's bus, and takes the bus master bit as any other. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/pci/pci.h"

void pci_set_intx(struct pci_device *p, bool level)
{
    if (p->intx_level == level) {
        return;
    }
    p->intx_level = level;
    p->config[PCI_STATUS] = (u8)deposit(p->config[PCI_STATUS], 3, 1, level);
    pci_intx_changed(p);
}

static void message(struct pci_device *p, u64 addr, u32 data)
{
    struct mem_attrs a = {.requester = pci_requester(p)};
    if (!pci_is_master(p)) {
        guest_error(device_name(&p->dev), "an MSI is lost: bus mastering is off");
    } else if (mem_store(p->dev.dma, addr, 4, data, a) != MEM_OK) {
        guest_error(device_name(&p->dev), "an MSI to 0x%llx went nowhere", (unsigned long long)addr);
    }
}

/* -- MSI ------------------------------------------------------------------------------------------------------ */

#define MSI_CONTROL 2
#define MSI_ADDRESS 4
#define MSI_DATA    12

void pci_msi_init(struct pci_device *p, unsigned vectors)
{
    must(is_pow2(vectors) && vectors <= 32);
    p->msi_cap = pci_add_cap(p, PCI_CAP_ID_MSI, 14);
    pci_row(p, p->msi_cap + MSI_CONTROL, 2, 0x80 | ctz32(vectors) << 1, 0x71, 0); /* 64-bit; enable, multiple enable */
    pci_row(p, p->msi_cap + MSI_ADDRESS, 4, 0, ~3u, 0);
    pci_row(p, p->msi_cap + MSI_ADDRESS + 4, 4, 0, ~0u, 0);
    pci_row(p, p->msi_cap + MSI_DATA, 2, 0, 0xffff, 0);
}

bool pci_msi_enabled(const struct pci_device *p)
{
    return p->msi_cap && p->config[p->msi_cap + MSI_CONTROL] & 1;
}

/* Software may have granted fewer vectors than asked for: the low bits of the data tell them apart. */
void pci_msi_notify(struct pci_device *p, unsigned vector)
{
    if (!pci_msi_enabled(p)) {
        return;
    }
    const u8 *cap = p->config + p->msi_cap;
    unsigned granted = (unsigned)bits(cap[MSI_CONTROL], 4, 3);
    u32 low = (u32)MASK(MIN(granted, 5));
    message(p, ld64le(cap + MSI_ADDRESS), (ld16le(cap + MSI_DATA) & ~low) | (vector & low));
}

/* -- MSI-X ----------------------------------------------------------------------------------------------------- */

#define MSIX_CONTROL     2
#define MSIX_ENABLE      0x8000
#define MSIX_MASK_ALL    0x4000
#define MSIX_REGION_SIZE 0x1000u
#define MSIX_PBA         0x800u

static unsigned msix_control(const struct pci_device *p)
{
    return p->msix_cap ? ld16le(p->config + p->msix_cap + MSIX_CONTROL) : 0;
}

bool pci_msix_enabled(const struct pci_device *p)
{
    return msix_control(p) & MSIX_ENABLE;
}

static bool msix_masked(const struct pci_device *p, unsigned vector)
{
    return (msix_control(p) & MSIX_MASK_ALL) || (p->msix_table[vector * 4 + 3] & 1);
}

void pci_msix_notify(struct pci_device *p, unsigned vector)
{
    if (!pci_msix_enabled(p) || vector >= p->msix_count) {
        return;
    }
    if (msix_masked(p, vector)) {
        p->msix_pba[vector / 32] |= (u32)BIT(vector % 32);
        return;
    }
    const u32 *e = &p->msix_table[vector * 4];
    message(p, e[0] | (u64)e[1] << 32, e[2]);
}

void pci_msix_flush(struct pci_device *p)
{
    if (!pci_msix_enabled(p)) {
        return;
    }
    for (unsigned w = 0; w < ARRAY_LEN(p->msix_pba); w++) {
        for (u32 b = p->msix_pba[w]; b; b &= b - 1) {
            unsigned vector = w * 32 + ctz32(b);
            if (!msix_masked(p, vector)) {
                p->msix_pba[w] &= ~(u32)BIT(vector % 32);
                pci_msix_notify(p, vector);
            }
        }
    }
}

static enum mem_result msix_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct pci_device *p = opaque;
    (void)size;
    (void)a;
    *val = 0;
    if (off < 16u * p->msix_count) {
        *val = p->msix_table[off / 4];
    } else if (off >= MSIX_PBA && off < MSIX_PBA + sizeof(p->msix_pba)) {
        *val = p->msix_pba[(off - MSIX_PBA) / 4];
    }
    return MEM_OK;
}

static enum mem_result msix_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct pci_device *p = opaque;
    (void)size;
    (void)a;
    if (off < 16u * p->msix_count) {
        p->msix_table[off / 4] = off % 16 == 12 ? val & 1 : (u32)val;
        pci_msix_flush(p);
    }
    return MEM_OK;
}

static const struct mem_ops msix_ops = {.read = msix_read, .write = msix_write, .min_size = 4, .max_size = 4};

void pci_msix_init(struct pci_device *p, unsigned bar, unsigned vectors)
{
    must(vectors && vectors <= PCI_MSIX_VECTORS);
    p->msix_count = (u16)vectors;
    p->msix_cap = pci_add_cap(p, PCI_CAP_ID_MSIX, 12);
    pci_row(p, p->msix_cap + MSIX_CONTROL, 2, vectors - 1, MSIX_ENABLE | MSIX_MASK_ALL, 0);
    pci_row(p, p->msix_cap + 4, 4, bar, 0, 0);
    pci_row(p, p->msix_cap + 8, 4, MSIX_PBA | bar, 0, 0);
    p->msix_region =
        (struct mem_region){.name = "msix", .kind = MEM_MMIO, .size = MSIX_REGION_SIZE, .ops = &msix_ops, .opaque = p};
    pci_add_bar(p, bar, PCI_BAR_MEM32, false, &p->msix_region);
}

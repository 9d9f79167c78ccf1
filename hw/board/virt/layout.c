/* Where things stand that move with the options and the RAM's size: PCIe windows, the second redistributor region. */
#include "base/bits.h"
#include "hw/board/virt/virt_priv.h"
#include "hw/intc/gicv3.h"

enum { GICV2_CPUS = 8 };

static bool cpus_fit(const struct machine *m, const struct virt *v, struct err *e)
{
    unsigned max = v->gic_kind == 2  ? GICV2_CPUS
                   : v->redist2_size ? m->board->max_cpus
                                     : (unsigned)(VIRT_REDIST_SIZE / GICV3_REDIST_SIZE);
    if (m->cfg.cpus > max) {
        return err_set(e, "Number of SMP CPUs requested (%u) exceeds max CPUs supported by machine 'mach-virt' (%u)",
                       m->cfg.cpus, max);
    }
    return true;
}

/* Above RAM, and above 256 GiB at least, three regions follow each other, each aligned to its own size. */
static void high_place(struct virt *v, u64 ram_end)
{
    u64 at = MAX(256 * GIB, align_up(ram_end, GIB));
    u64 redist2 = align_up(at, 64 * MIB);
    u64 ecam = align_up(redist2 + 64 * MIB, 256 * MIB);
    u64 mmio = align_up(ecam + 256 * MIB, 512 * GIB);
    if (v->gic_kind == 3 && v->highmem_redists) {
        v->redist2 = redist2;
        v->redist2_size = 64 * MIB;
    }
    if (v->highmem_ecam) {
        v->pci.ecam = ecam;
        v->pci.ecam_size = 256 * MIB;
    }
    if (v->highmem_mmio) {
        v->pci.mmio64 = mmio;
        v->pci.mmio64_size = 512 * GIB;
    }
}

bool virt_layout(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    u64 ram_end = VIRT_RAM + m->cfg.ram_size;
    v->pci = (struct pci_layout){
        .ecam = VIRT_PCIE_ECAM,
        .ecam_size = 16 * MIB,
        .mmio32 = VIRT_PCIE_MMIO,
        .mmio32_size = VIRT_PCIE_PIO - VIRT_PCIE_MMIO,
        .io = VIRT_PCIE_PIO,
        .io_size = VIRT_PCIE_ECAM - VIRT_PCIE_PIO,
    };
    if (v->highmem) {
        high_place(v, ram_end);
    } else if (ram_end > 4 * GIB) {
        return err_set(e, "Addressing limited to 32 bits, but memory exceeds it by %llu bytes",
                       (unsigned long long)(ram_end - 4 * GIB));
    }
    if (!cpus_fit(m, v, e)) {
        return false;
    }
    v->redist1_cpus = MIN(m->cfg.cpus, (unsigned)(VIRT_REDIST_SIZE / GICV3_REDIST_SIZE));
    if (v->redist1_cpus == m->cfg.cpus) {
        v->redist2_size = 0;
    }
    return true;
}

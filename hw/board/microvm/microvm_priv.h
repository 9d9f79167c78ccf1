/* Shared by the files of the microvm board. */
#ifndef MOSS_HW_BOARD_MICROVM_MICROVM_PRIV_H
#define MOSS_HW_BOARD_MICROVM_MICROVM_PRIV_H

#include "hw/acpi/tables.h"
#include "hw/board/microvm/microvm.h"
#include "hw/board/pc/cpus.h"
#include "hw/core/isa.h"
#include "hw/core/loader.h"
#include "hw/pci/pci_host.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

#define MICROVM_RAM_LOW   0xc0000000ull /* RAM below it, the rest from 4 GiB on */
#define MICROVM_PCI       0xc0000000ull /* memory window, then ECAM */
#define MICROVM_PCI_SIZE  0x20000000ull
#define MICROVM_ECAM      0xe0000000ull
#define MICROVM_ECAM_SIZE 0x10000000ull
#define MICROVM_GED       0xfea00000ull
#define MICROVM_VIRTIO    0xfeb00000ull
#define MICROVM_IOAPIC2   0xfec10000ull
#define MICROVM_HIGH_END  (1ull << 40)
enum {
    MICROVM_VIRTIO_SIZE = 0x200,
    MICROVM_SLOTS = 24,    /* with the second IO-APIC, an input each */
    MICROVM_SLOTS_FEW = 8, /* without it */
    MICROVM_FW_CFG = 0x510,
    MICROVM_IRQ_SERIAL = 4,
    MICROVM_IRQ_RTC = 8,
    MICROVM_IRQ_GED = 9,
    MICROVM_IRQ_PCI = 12, /* to 15 */
};

/* board_data */
struct microvm {
    struct pc_cpus cpus;
    /* options */
    const char *acpi_wanted, *pic_wanted, *pit_wanted, *rtc_wanted, *ioapic2_wanted, *pcie_wanted;
    bool isa_serial, option_roms, auto_cmdline;
    bool acpi, has_pic, has_pit, has_rtc, has_ioapic2, has_pcie; /* what became of them */

    struct ram rom;
    struct mem_region low, above, rom_region, nowhere;
    u64 below_4g, above_4g; /* bytes of RAM */
    struct device *isa, *pic, *ioapic, *ioapic2, *fw_cfg, *ged;
    struct device *virtio[MICROVM_SLOTS];
    unsigned slots, virtio_gsi; /* of the first slot; the others' follow */
    struct pci_layout pci;
    struct acpi_files acpi_files;
};
static inline struct microvm *microvm_of(const struct machine *m)
{
    return m->board_data;
}

/* boot.c */
bool microvm_boot(struct machine *m, struct err *e);
bool microvm_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e);
/* acpi.c */
void microvm_acpi_make(void *machine, struct acpi_tables *t);

#endif

/* A bench with a PCI bus: functions are added to it, their first memory BAR and first I/O BAR are placed, and their
 * INTA is read as the bus has it. */
#ifndef MOSS_TESTS_HW_PCI_BENCH_H
#define MOSS_TESTS_HW_PCI_BENCH_H

#include "hw/pci/pci.h"
#include "tests/hw/bench.h"

struct pci_bench {
    struct bench *b;
    struct pci_device *p;
    u64 mem, io; /* where the BARs are; 0: it has none */
};
struct pci_bench pci_bench_new(const struct device_class *cls, const char *props);
void pci_bench_free(struct pci_bench *s);
u64 pci_bench_load(struct pci_bench *s, u64 addr, unsigned size);
void pci_bench_store(struct pci_bench *s, u64 addr, unsigned size, u64 v);
u64 pci_bench_config(struct pci_bench *s, unsigned off); /* the address of a configuration register */
bool pci_bench_intx(struct pci_bench *s);
void *pci_bench_ram(struct pci_bench *s, u64 addr);

#endif

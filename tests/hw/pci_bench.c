#include "tests/hw/pci_bench.h"

#include "base/lock.h"
#include "base/opts.h"
#include "hw/pci/pci_host.h"

#define ECAM   0x3f000000ull
#define MMIO32 0x20000000ull
#define PIO    0x3eff0000ull
enum { SLOT = 1, BAR_IO_AT = 0x1000 };

u64 pci_bench_load(struct pci_bench *s, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(s->b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
void pci_bench_store(struct pci_bench *s, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(s->b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
u64 pci_bench_config(struct pci_bench *s, unsigned off)
{
    (void)s;
    return ECAM + SLOT * 0x8000 + off;
}

static void function_add(struct pci_bench *s, const struct device_class *cls, const char *props)
{
    struct opts o = {0};
    struct err e = {0};
    struct device *d = device_new(&s->b->m, cls, NULL);
    machine_lock();
    assert_true(!props || opts_parse(&o, props, NULL, &e));
    for (size_t i = 0; i < o.n; i++) {
        if (!device_set_prop(d, o.v[i].key, o.v[i].value, &e)) {
            fail_msg("%s", e.msg);
        }
    }
    if (!device_plug(d, NULL, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    machine_unlock();
    opts_free(&o);
    s->p = (struct pci_device *)d;
}
static void bars_place(struct pci_bench *s)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        u64 at = pci_bench_config(s, PCI_BAR0 + 4 * i);
        if (s->p->bar[i].kind == PCI_BAR_IO && !s->io) {
            pci_bench_store(s, at, 4, BAR_IO_AT);
            s->io = PIO + BAR_IO_AT;
        } else if (s->p->bar[i].region && s->p->bar[i].kind != PCI_BAR_IO && !s->mem) {
            pci_bench_store(s, at, 4, MMIO32);
            s->mem = MMIO32;
        }
    }
    pci_bench_store(s, pci_bench_config(s, PCI_COMMAND), 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

struct pci_bench pci_bench_new(const struct device_class *cls, const char *props)
{
    struct pci_bench s = {.b = bench_make(&gpex_class, NULL)};
    pci_host_place(s.b->d, &(struct pci_layout){.ecam = ECAM,
                                                .ecam_size = 0x1000000,
                                                .mmio32 = MMIO32,
                                                .mmio32_size = 0x1000000,
                                                .io = PIO,
                                                .io_size = 0x10000});
    bench_start(s.b);
    function_add(&s, cls, props);
    bars_place(&s);
    return s;
}
void pci_bench_free(struct pci_bench *s)
{
    bench_free(s->b);
}
bool pci_bench_intx(struct pci_bench *s)
{
    return bench_irq(s->b, 0) || bench_irq(s->b, 1) || bench_irq(s->b, 2) || bench_irq(s->b, 3);
}
void *pci_bench_ram(struct pci_bench *s, u64 addr)
{
    return s->b->m.ram.host + (addr - BENCH_RAM);
}

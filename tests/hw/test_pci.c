/* The PCI host and core: configuration space, BARs, INTx, MSI and MSI-X. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/misc/pci_testdev.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_host.h"
#include "hw/pci/pcie_port.h"
#include "tests/hw/bench.h"

#define ECAM   0x3f000000ull
#define MMIO32 0x20000000ull
#define PIO    0x3eff0000ull
#define MMIO64 0x8000000000ull

/* A function with everything: a 32-bit, a 64-bit and an I/O BAR, MSI, MSI-X, INTA. */
struct func {
    struct pci_device pci;
    struct mem_region r[3];
    u64 written;
};

static enum mem_result func_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque;
    (void)size;
    (void)a;
    *val = 0xab00 | off;
    return MEM_OK;
}
static enum mem_result func_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)off;
    (void)size;
    (void)a;
    ((struct func *)opaque)->written = val;
    return MEM_OK;
}
static const struct mem_ops func_ops = {.read = func_read, .write = func_write};

static bool func_init(struct device *d, struct err *e)
{
    struct func *f = (struct func *)d;
    static const u64 sizes[3] = {0x1000, 0x10000, 0x20};
    pci_init(&f->pci,
             &(struct pci_ident){
                 .vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .revision = 7, .interrupt_pin = 1});
    for (unsigned i = 0; i < 3; i++) {
        f->r[i] = (struct mem_region){.name = "f", .kind = MEM_MMIO, .size = sizes[i], .ops = &func_ops, .opaque = f};
    }
    pci_add_bar(&f->pci, 0, PCI_BAR_MEM32, false, &f->r[0]);
    pci_add_bar(&f->pci, 2, PCI_BAR_MEM64, true, &f->r[1]);
    pci_add_bar(&f->pci, 4, PCI_BAR_IO, false, &f->r[2]);
    pci_msi_init(&f->pci, 4);
    pci_msix_init(&f->pci, 1, 40);
    return pci_add_rom(&f->pci, NULL, e);
}
static void func_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}
static bool func_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}
static const struct field func_state[] = {PCI_FIELDS(struct func, pci), FIELD(struct func, written), {0}};
static const struct prop func_props[] = {PCI_PROPS(struct func, pci), {0}};
static const struct device_class func_class = {.name = "func",
                                               .bus = "pci",
                                               .size = sizeof(struct func),
                                               .state = func_state,
                                               .props = func_props,
                                               .init = func_init,
                                               .reset = func_reset,
                                               .loaded = func_loaded};

static struct bench *host_new(void)
{
    struct bench *b = bench_make(&gpex_class, NULL);
    pci_host_place(b->d, &(struct pci_layout){.ecam = ECAM,
                                              .ecam_size = 0x1000000,
                                              .mmio32 = MMIO32,
                                              .mmio32_size = 0x1000000,
                                              .mmio64 = MMIO64,
                                              .mmio64_size = 1ull << 39,
                                              .io = PIO,
                                              .io_size = 0x10000});
    bench_start(b);
    return b;
}

static struct pci_device *add(struct bench *b, const struct device_class *cls, const char *addr)
{
    struct err e = {0};
    struct device *d = device_new(&b->m, cls, NULL);
    machine_lock();
    if ((addr && !device_set_prop(d, "addr", addr, &e)) || !device_plug(d, NULL, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    machine_unlock();
    return (struct pci_device *)d;
}

static u64 rd(struct bench *b, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void wr(struct bench *b, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static u64 cfg(unsigned slot, unsigned off)
{
    return ECAM + slot * 0x8000 + off;
}

static void configuration_space(void **st)
{
    (void)st;
    struct bench *b = host_new();
    struct pci_device *f = add(b, &func_class, NULL);
    assert_int_equal(f->devfn, 1 << 3);
    assert_int_equal(rd(b, cfg(0, 0), 4), 0x00081b36);
    assert_int_equal(rd(b, cfg(0, 0xa), 2), 0x0600);
    assert_int_equal(rd(b, cfg(1, 0), 4), 0x56781234);
    assert_int_equal(rd(b, cfg(1, 8), 4), 0x02000007);
    assert_int_equal(rd(b, cfg(1, 0x3d), 1), 1);
    assert_int_equal(rd(b, cfg(2, 0), 4), 0xffffffff);
    assert_int_equal(rd(b, ECAM + (1 << 20), 4), 0xffffffff); /* bus 1 */
    assert_int_equal(rd(b, cfg(1, 0x100), 4), 0xffffffff);    /* no extended space */
    wr(b, cfg(1, 0), 4, 0);
    assert_int_equal(rd(b, cfg(1, 0), 4), 0x56781234);
    wr(b, cfg(1, 0x3c), 1, 0x2a);
    assert_int_equal(rd(b, cfg(1, 0x3c), 2), 0x012a);
    /* BARs tell their sizes */
    static const u32 sized[6] = {0xfffff000, 0xfffff000, 0xffff000c, 0xffffffff, 0xffffffe1, 0};
    for (unsigned i = 0; i < 6; i++) {
        wr(b, cfg(1, 0x10 + 4 * i), 4, ~0u);
        assert_int_equal(rd(b, cfg(1, 0x10 + 4 * i), 4), sized[i]);
    }
    /* the capability list ends, and has both */
    unsigned seen = 0, n = 0;
    for (u64 at = rd(b, cfg(1, 0x34), 1); at && n < 8; at = rd(b, cfg(1, at + 1), 1), n++) {
        seen |= 1u << rd(b, cfg(1, at), 1);
    }
    assert_int_equal(seen, 1u << 5 | 1u << 0x11);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void slots(void **st)
{
    (void)st;
    struct bench *b = host_new();
    struct err e = {0};
    assert_int_equal(add(b, &func_class, "1f.7")->devfn, 0xff);
    assert_int_equal(add(b, &func_class, "1")->devfn, 8);
    assert_int_equal(add(b, &func_class, NULL)->devfn, 16);
    static const char *const bad[] = {"20", "1.8", "x", "1.", "0"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct device *d = device_new(&b->m, &func_class, NULL);
        assert_true(device_set_prop(d, "addr", bad[i], NULL));
        e.msg[0] = 0;
        assert_false(device_plug(d, NULL, &e));
        assert_true(e.msg[0]);
        b->m.devices = d->next; /* it never was */
    }
    for (unsigned slot = 3; slot < 32; slot++) {
        add(b, &func_class, NULL);
    }
    struct device *d = device_new(&b->m, &func_class, NULL);
    assert_false(device_plug(d, NULL, &e));
    bench_free(b);
}

static void bars_are_mapped_when_enabled(void **st)
{
    (void)st;
    struct bench *b = host_new();
    struct func *f = (struct func *)add(b, &func_class, NULL);
    assert_int_equal(rd(b, MMIO32 + 0x5000, 4), 0xffffffff);
    wr(b, MMIO32 + 0x5000, 4, 1);
    wr(b, cfg(1, 0x10), 4, MMIO32 + 0x5000);
    wr(b, cfg(1, 0x18), 4, 0x120000);
    wr(b, cfg(1, 0x1c), 4, MMIO64 >> 32);
    wr(b, cfg(1, 0x20), 4, 0x1000);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xffffffff);
    wr(b, cfg(1, 4), 2, PCI_COMMAND_MEMORY);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xab10);
    assert_int_equal(rd(b, MMIO64 + 0x120020, 4), 0xab20);
    assert_int_equal(rd(b, PIO + 0x1004, 1), 0xff);
    wr(b, cfg(1, 4), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_IO);
    assert_int_equal(rd(b, PIO + 0x1004, 2), 0xab04);
    wr(b, cfg(1, 0x20), 4, 0); /* the first I/O port is as good as any */
    assert_int_equal(rd(b, PIO + 4, 2), 0xab04);
    wr(b, MMIO32 + 0x5000, 4, 77);
    assert_int_equal(f->written, 77);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xab10);
    wr(b, cfg(1, 0x10), 4, MMIO32 + 0x7000); /* moves */
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xffffffff);
    assert_int_equal(rd(b, MMIO32 + 0x7010, 4), 0xab10);
    wr(b, cfg(1, 0x10), 4, BENCH_RAM); /* outside every window: nowhere */
    wr(b, BENCH_RAM, 4, 5);
    assert_int_equal(rd(b, BENCH_RAM, 4), 5);
    wr(b, cfg(1, 0x1c), 4, 0xffffffff);
    assert_int_equal(rd(b, MMIO64 + 0x120020, 4), 0xffffffff);
    bench_free(b);
}

static void intx_is_swizzled_and_shared(void **st)
{
    (void)st;
    struct bench *b = host_new();
    struct pci_device *f1 = add(b, &func_class, "1"), *f5 = add(b, &func_class, "5"), *f2 = add(b, &func_class, "2");
    machine_lock();
    pci_set_intx(f1, true);
    pci_set_intx(f5, true);
    assert_int_equal(bench_irq(b, 1), 1);
    assert_int_equal(bench_irq(b, 2), 0);
    pci_set_intx(f1, false);
    assert_int_equal(bench_irq(b, 1), 1);
    pci_set_intx(f2, true);
    machine_unlock();
    assert_int_equal(bench_irq(b, 2), 1);
    assert_int_equal(rd(b, cfg(5, 6), 2) & PCI_STATUS_INTERRUPT, PCI_STATUS_INTERRUPT);
    bench_snapshot_roundtrip(b);
    wr(b, cfg(5, 4), 2, PCI_COMMAND_INTX_DISABLE);
    assert_int_equal(bench_irq(b, 1), 0);
    assert_int_equal(bench_irq(b, 2), 1);
    bench_free(b);
}

static void msi_and_msix_messages(void **st)
{
    (void)st;
    struct bench *b = host_new();
    struct pci_device *f = add(b, &func_class, NULL);
    u64 cap = rd(b, cfg(1, 0x34), 1); /* MSI-X, the newest */
    assert_int_equal(rd(b, cfg(1, cap + 2), 2), 39);
    assert_int_equal(rd(b, cfg(1, cap + 4), 4), 1);
    u64 table = MMIO32 + 0x10000;
    wr(b, cfg(1, 0x14), 4, table);
    wr(b, cfg(1, 4), 2, PCI_COMMAND_MEMORY);
    assert_int_equal(rd(b, table + 12, 4), 1); /* masked after reset */
    wr(b, table + 16, 4, BENCH_RAM + 0x100);
    wr(b, table + 24, 4, 0xcafe);
    wr(b, cfg(1, cap + 2), 2, 0x8000);
    machine_lock();
    pci_msix_notify(f, 1);
    machine_unlock();
    assert_int_equal(rd(b, table + 0x800, 4), 2);
    bench_snapshot_roundtrip(b);
    u64 errors = guest_error_count();
    wr(b, table + 28, 4, 0); /* unmasked, but no bus master */
    assert_int_equal(guest_error_count(), errors + 1);
    assert_int_equal(rd(b, BENCH_RAM + 0x100, 4), 0);
    wr(b, cfg(1, 4), 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    machine_lock();
    pci_msix_notify(f, 1);
    pci_msix_notify(f, 40); /* there is no such vector */
    machine_unlock();
    assert_int_equal(rd(b, BENCH_RAM + 0x100, 4), 0xcafe);
    wr(b, BENCH_RAM + 0x100, 4, 0);
    wr(b, cfg(1, cap + 2), 2, 0xc000); /* all masked */
    machine_lock();
    pci_msix_notify(f, 1);
    machine_unlock();
    assert_int_equal(rd(b, BENCH_RAM + 0x100, 4), 0);
    wr(b, cfg(1, cap + 2), 2, 0x8000);
    assert_int_equal(rd(b, BENCH_RAM + 0x100, 4), 0xcafe);
    wr(b, cfg(1, cap + 2), 2, 0);

    u64 msi = rd(b, cfg(1, cap + 1), 1);
    assert_int_equal(rd(b, cfg(1, msi + 2), 2), 0x84);
    wr(b, cfg(1, msi + 4), 4, BENCH_RAM + 0x200);
    wr(b, cfg(1, msi + 12), 2, 0x1233);
    wr(b, cfg(1, msi + 2), 2, 0x11); /* enabled, two vectors */
    machine_lock();
    pci_msi_notify(f, 2);
    machine_unlock();
    assert_int_equal(rd(b, BENCH_RAM + 0x200, 4), 0x1232);
    bench_free(b);
}

static void testdev_counts(void **st)
{
    (void)st;
    struct bench *b = host_new();
    add(b, &pci_testdev_class, NULL);
    wr(b, cfg(1, 0x10), 4, MMIO32);
    wr(b, cfg(1, 0x14), 4, 0x2000);
    wr(b, cfg(1, 4), 2, 3);
    static const u64 bars[2] = {MMIO32, PIO + 0x2000};
    for (unsigned bar = 0; bar < 2; bar++) {
        unsigned test = 0;
        for (;; test++) {
            wr(b, bars[bar], 1, test);
            assert_int_equal(rd(b, bars[bar] + 12, 4), 0);
            unsigned width = (unsigned)rd(b, bars[bar] + 1, 1);
            if (!width) {
                break;
            }
            u64 at = bars[bar] + rd(b, bars[bar] + 4, 4), data = rd(b, bars[bar] + 8, 1);
            for (unsigned i = 0; i < 16; i++) {
                wr(b, at, width, data);
            }
            assert_int_equal(rd(b, bars[bar] + 12, 4), 16);
        }
        assert_int_equal(test, 3);
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static struct device *made(struct bench *b, const struct device_class *cls, const char *id, const char *bus,
                           const char *romfile)
{
    struct err e = {0};
    struct device *d = device_new(&b->m, cls, id);
    machine_lock();
    if ((romfile && !device_set_prop(d, "romfile", romfile, &e)) || !device_plug(d, bus, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    machine_unlock();
    return d;
}

/* Bus 3 is behind slot 1: memory and ports by its windows, its pins turned by its slots, requester ids its own. */
static void behind_a_bridge(void **st)
{
    (void)st;
    struct bench *b = host_new();
    made(b, &pci_bridge_class, "br", NULL, NULL);
    struct pci_device *root = (struct pci_device *)made(b, &func_class, NULL, NULL, NULL);
    struct pci_device *f = (struct pci_device *)made(b, &func_class, NULL, "br", NULL);
    const u64 far = ECAM + (3 << 20);
    assert_int_equal(root->bus->bridge == NULL, 1); /* with no bus= it is the root's */
    assert_int_equal(rd(b, cfg(1, 0x0a), 2), 0x0604);
    assert_int_equal(rd(b, cfg(1, 0x0e), 1), 1);
    assert_int_equal(rd(b, far, 4), 0xffffffff);
    wr(b, cfg(1, 0x18), 4, 0x00030300);
    assert_int_equal(rd(b, far, 4), 0x56781234);
    assert_int_equal(pci_requester(f), 0x300);
    assert_int_equal(rd(b, ECAM + (4 << 20), 4), 0xffffffff);

    wr(b, far + 0x10, 4, MMIO32 + 0x5000);
    wr(b, far + 0x20, 4, 0x1000);
    wr(b, far + 4, 2, 3);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xffffffff);
    wr(b, cfg(1, 4), 2, 3); /* the bridge passes nothing yet: its windows are the first bytes */
    wr(b, cfg(1, 0x20), 4, (u32)MMIO32 | MMIO32 >> 16);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xab10);
    wr(b, cfg(1, 0x1c), 2, 0x1010);
    assert_int_equal(rd(b, PIO + 0x1004, 2), 0xab04);
    bench_snapshot_roundtrip(b);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xab10);
    wr(b, cfg(1, 0x1c), 2, 0x0010); /* base above limit: closed */
    assert_int_equal(rd(b, PIO + 0x1004, 2), 0xffff);
    wr(b, cfg(1, 4), 2, 0);
    assert_int_equal(rd(b, MMIO32 + 0x5010, 4), 0xffffffff);

    machine_lock();
    pci_set_intx(f, true); /* slot 0 INTA behind slot 1 */
    machine_unlock();
    assert_int_equal(bench_irq(b, 1), 1);
    wr(b, cfg(1, 0x18), 4, 0xffffffff); /* numbers that make no tree */
    rd(b, ECAM + (15 << 20), 4);
    wr(b, cfg(1, 0x18), 4, 0);
    rd(b, ECAM + (3 << 20), 4);
    bench_free(b);
}

/* A port's capability, its slot, its link with and without a device; what may be behind it. */
static void root_port(void **st)
{
    (void)st;
    struct err e = {0};
    struct bench *b = host_new();
    made(b, &pcie_root_port_class, "rp", NULL, NULL);
    unsigned cap = (unsigned)rd(b, cfg(1, 0x34), 1);
    while (cap && rd(b, cfg(1, cap), 1) != 0x10) {
        cap = (unsigned)rd(b, cfg(1, cap + 1), 1);
    }
    assert_int_not_equal(cap, 0);
    assert_int_equal(rd(b, cfg(1, 0), 4), 0x000c1b36);
    assert_int_equal(rd(b, cfg(1, cap + 2), 2), 0x0142);        /* version 2, root port, with a slot */
    assert_int_equal(rd(b, cfg(1, cap + 0x12), 2) & 0x2000, 0); /* no link */
    assert_int_equal(rd(b, cfg(1, cap + 0x1a), 2) & 0x40, 0);
    struct pci_device *f = (struct pci_device *)made(b, &func_class, NULL, "rp", NULL);
    machine_lock();
    device_reset(&f->bus->bridge->dev);
    machine_unlock();
    assert_int_equal(rd(b, cfg(1, cap + 0x12), 2) & 0x2000, 0x2000);
    assert_int_equal(rd(b, cfg(1, cap + 0x1a), 2) & 0x40, 0x40);
    wr(b, cfg(1, 0x18), 4, 0x00030300);
    assert_int_equal(rd(b, ECAM + (3 << 20), 4), 0x56781234);
    bench_snapshot_roundtrip(b);

    struct device *d = device_new(&b->m, &func_class, NULL);
    assert_false(device_plug(d, "rp", &e)); /* would be slot 1 */
    assert_non_null(strstr(e.msg, "rp takes one device"));
    e.msg[0] = 0;
    d = device_new(&b->m, &pcie_root_port_class, "again"); /* the same chassis and slot */
    assert_true(device_plug(d, NULL, &e));
    assert_false(device_init(d, &e));
    assert_non_null(strstr(e.msg, "chassis 0 has a slot 0 already, rp"));
    e.msg[0] = 0;
    made(b, &pcie_pci_bridge_class, "pb", NULL, NULL);
    d = device_new(&b->m, &pcie_root_port_class, "deep");
    assert_true(device_set_prop(d, "slot", "1", &e) && device_plug(d, "pb", &e));
    assert_false(device_init(d, &e));
    assert_non_null(strstr(e.msg, "on the root bus"));
    bench_free(b);
}

/* The ids in the file become the function's, and its bytes still add up to 0. */
static void option_rom(void **st)
{
    (void)st;
    char path[] = "/tmp/moss-rom-XXXXXX";
    u8 rom[512] = {0x55, 0xaa, 1, [0x18] = 0x20, [0x20] = 'P', 'C', 'I', 'R', 1, 2, 3, 4, [0x30] = 1, [0x35] = 0x80};
    u8 sum = 0;
    for (unsigned i = 0; i < sizeof(rom); i++) {
        sum = (u8)(sum - rom[i]);
    }
    rom[6] = sum;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, rom, sizeof(rom)) == (ssize_t)sizeof(rom));
    close(fd);
    struct bench *b = host_new();
    made(b, &func_class, NULL, NULL, path);
    unlink(path);
    wr(b, cfg(1, 0x30), 4, ~0u);
    assert_int_equal(rd(b, cfg(1, 0x30), 4), 0xfffff801);
    wr(b, cfg(1, 0x30), 4, MMIO32 | 1);
    assert_int_equal(rd(b, MMIO32, 4), 0xffffffff);
    wr(b, cfg(1, 4), 2, PCI_COMMAND_MEMORY);
    assert_int_equal(rd(b, MMIO32, 2), 0xaa55);
    assert_int_equal(rd(b, MMIO32 + 0x24, 4), 0x56781234);
    for (unsigned i = sum = 0; i < sizeof(rom); i++) {
        sum = (u8)(sum + rd(b, MMIO32 + i, 1));
    }
    assert_int_equal(sum, 0);
    assert_int_equal(rd(b, MMIO32 + 512, 1), 0xff);
    bench_snapshot_roundtrip(b);
    wr(b, cfg(1, 0x30), 4, MMIO32);
    assert_int_equal(rd(b, MMIO32, 4), 0xffffffff);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_a_bridge),
        cmocka_unit_test(root_port),
        cmocka_unit_test(option_rom),
        cmocka_unit_test(configuration_space),
        cmocka_unit_test(slots),
        cmocka_unit_test(bars_are_mapped_when_enabled),
        cmocka_unit_test(intx_is_swizzled_and_shared),
        cmocka_unit_test(msi_and_msix_messages),
        cmocka_unit_test(testdev_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

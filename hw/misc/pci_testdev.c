/* pci-testdev, as QEMU's docs/specs/pci-testdev describes it: a memory BAR and an I/O BAR that count writes. Test
 * suites use it to see that a PCI bus works.
 *
 * Each BAR shows a header: test number (written), access width, offset and data of the write that counts, the count,
 * and the test's name. Tests 0..2 differ elsewhere in how the host hears of the write; here they are alike. */
#include "hw/misc/pci_testdev.h"

#include <string.h>

#include "base/bits.h"
#include "hw/pci/pci.h"

#define TESTS    3
#define DATA     0xfa
#define WIDTH    1
#define MEM_SIZE 0x1000u
#define IO_SIZE  0x100u
#define MEM_HOT  0x800u /* offset of the write that counts */
#define IO_HOT   0x80u

enum { AT_TEST = 0, AT_WIDTH = 1, AT_OFFSET = 4, AT_DATA = 8, AT_COUNT = 12, AT_NAME = 16 };

struct pci_testdev {
    struct pci_device pci;
    struct mem_region mem, io;
    u8 test[2]; /* memory, I/O */
    u32 count[2];
};

static const char *const names[2][TESTS] = {
    {"mmio-no-eventfd:", "mmio-wildcard-eventfd:", "mmio-datamatch-eventfd:"},
    {"portio-no-eventfd:", "portio-wildcard-eventfd:", "portio-datamatch-eventfd:"},
};

static u64 header_read(const struct pci_testdev *s, unsigned bar, u64 off, unsigned size)
{
    u8 h[64] = {0};
    unsigned test = s->test[bar];
    if (test >= TESTS || off + size > sizeof(h)) {
        return 0;
    }
    h[AT_TEST] = (u8)test;
    h[AT_WIDTH] = WIDTH;
    st32le(h + AT_OFFSET, bar ? IO_HOT : MEM_HOT);
    h[AT_DATA] = DATA;
    st32le(h + AT_COUNT, s->count[bar]);
    memcpy(h + AT_NAME, names[bar][test], strlen(names[bar][test]) + 1);
    return ldnle(h + off, size);
}

static void header_write(struct pci_testdev *s, unsigned bar, u64 off, unsigned size, u64 val)
{
    if (off == AT_TEST) {
        s->test[bar] = (u8)val;
        s->count[bar] = 0;
    } else if (off == (bar ? IO_HOT : MEM_HOT) && size == WIDTH && val == DATA && s->test[bar] < TESTS) {
        s->count[bar]++;
    }
}

static enum mem_result mem_bar_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = header_read(opaque, 0, off, size);
    return MEM_OK;
}

static enum mem_result mem_bar_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    header_write(opaque, 0, off, size, val);
    return MEM_OK;
}

static enum mem_result io_bar_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = header_read(opaque, 1, off, size);
    return MEM_OK;
}

static enum mem_result io_bar_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    header_write(opaque, 1, off, size, val);
    return MEM_OK;
}

static const struct mem_ops mem_ops = {.read = mem_bar_read, .write = mem_bar_write};
static const struct mem_ops io_ops = {.read = io_bar_read, .write = io_bar_write};

static bool testdev_init(struct device *d, struct err *e)
{
    (void)e;
    struct pci_testdev *s = (struct pci_testdev *)d;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x1b36,
                                          .device = 0x0005,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x00ff00,
                                          .interrupt_pin = 0});
    s->mem = (struct mem_region){
        .name = "pci-testdev-mmio", .kind = MEM_MMIO, .size = MEM_SIZE, .ops = &mem_ops, .opaque = s};
    s->io = (struct mem_region){
        .name = "pci-testdev-portio", .kind = MEM_MMIO, .size = IO_SIZE, .ops = &io_ops, .opaque = s};
    pci_add_bar(&s->pci, 0, PCI_BAR_MEM32, false, &s->mem);
    pci_add_bar(&s->pci, 1, PCI_BAR_IO, false, &s->io);
    return true;
}

static void testdev_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}

static bool testdev_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}

static const struct field testdev_state[] = {
    PCI_FIELDS(struct pci_testdev, pci),
    FIELDS(struct pci_testdev, test, .reset = 0xff),
    FIELDS(struct pci_testdev, count),
    {0},
};
static const struct prop testdev_props[] = {PCI_PROPS(struct pci_testdev, pci), {0}};

const struct device_class pci_testdev_class = {
    .name = "pci-testdev",
    .doc = "PCI test device",
    .bus = "pci",
    .size = sizeof(struct pci_testdev),
    .state = testdev_state,
    .props = testdev_props,
    .init = testdev_init,
    .reset = testdev_reset,
    .loaded = testdev_loaded,
};

/* The PCI device for teaching that QEMU's docs/specs/edu describes: it inverts a number, computes factorials, moves 4
 * KiB by DMA, and interrupts by pin or MSI. Factorials and DMA take a moment, so that a driver has to wait. */
#include "hw/misc/edu.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/pci/pci.h"

enum {
    BAR_SIZE = 1 << 20,
    IDENTIFICATION = 0x00,
    LIVENESS = 0x04,
    FACTORIAL = 0x08,
    STATUS = 0x20,
    STATUS_BUSY = 0x01,
    STATUS_INT = 0x80,
    INT_STATUS = 0x24,
    INT_RAISE = 0x60,
    INT_ACK = 0x64,
    DMA_SOURCE = 0x80,
    DMA_TARGET = 0x88,
    DMA_COUNT = 0x90,
    DMA_COMMAND = 0x98,
    DMA_RUN = 1,
    DMA_TO_RAM = 2,
    DMA_INT = 4,
    FACTORIAL_INT = 1,
    DMA_DONE_INT = 0x100,
    BUFFER_AT = 0x40000,
    BUFFER = 4096,
    TAKES_NS = 100000,
    ZERO_FROM = 34, /* its factorial has 32 twos */
};

struct edu {
    struct pci_device pci;
    struct mem_region bar;
    struct timer factorial_timer, dma_timer;
    u64 dma_mask;
    u32 liveness, factorial, status, interrupts;
    u64 source, target, count, command;
    u64 factorial_at, dma_at; /* 0: not at work */
    u8 buffer[BUFFER];
};

static void interrupts_set(struct edu *s, u32 v)
{
    bool rises = v & ~s->interrupts;
    s->interrupts = v;
    if (!pci_msi_enabled(&s->pci)) {
        pci_set_intx(&s->pci, v != 0);
    } else if (rises) {
        pci_msi_notify(&s->pci, 0);
    }
}

static void messages_switched(struct pci_device *p)
{
    pci_set_intx(p, ((struct edu *)p)->interrupts && !pci_msi_enabled(p));
}

static void factorial_done(void *opaque)
{
    struct edu *s = opaque;
    u32 n = s->factorial, f = n < ZERO_FROM;
    for (u32 i = 2; i <= n && n < ZERO_FROM; i++) {
        f *= i;
    }
    s->factorial = f;
    s->factorial_at = 0;
    if (s->status & STATUS_INT) {
        interrupts_set(s, s->interrupts | FACTORIAL_INT);
    }
}

/* The end that is the device's lies within its buffer. */
static void dma_done(void *opaque)
{
    struct edu *s = opaque;
    bool to_ram = s->command & DMA_TO_RAM;
    u64 own = (to_ram ? s->source : s->target) - BUFFER_AT, other = to_ram ? s->target : s->source;
    struct mem_attrs a = {.requester = pci_requester(&s->pci)};
    s->command &= ~(u64)DMA_RUN;
    s->dma_at = 0;
    if (own > BUFFER || s->count > BUFFER - own || other & ~s->dma_mask || (other + s->count) & ~s->dma_mask) {
        guest_error(device_name(&s->pci.dev), "DMA of %llu bytes outside the buffer or the mask",
                    (unsigned long long)s->count);
    } else if (!pci_is_master(&s->pci)) {
        guest_error(device_name(&s->pci.dev), "DMA while bus mastering is off");
    } else if (to_ram) {
        mem_write(s->pci.dev.dma, other, s->buffer + own, s->count, a);
    } else {
        mem_read(s->pci.dev.dma, other, s->buffer + own, s->count, a);
    }
    if (s->command & DMA_INT) {
        interrupts_set(s, s->interrupts | DMA_DONE_INT);
    }
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static u64 *dma_register(struct edu *s, u64 off)
{
    return off == DMA_SOURCE    ? &s->source
           : off == DMA_TARGET  ? &s->target
           : off == DMA_COUNT   ? &s->count
           : off == DMA_COMMAND ? &s->command
                                : NULL;
}
static enum mem_result edu_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct edu *s = opaque;
    (void)a;
    const u64 *dma = dma_register(s, off);
    *val = off == IDENTIFICATION ? 0x010000ed
           : off == LIVENESS     ? s->liveness
           : off == FACTORIAL    ? s->factorial
           : off == STATUS       ? s->status | (s->factorial_at ? STATUS_BUSY : 0)
           : off == INT_STATUS   ? s->interrupts
           : dma                 ? *dma & MASK(8 * size)
                                 : MASK(8 * size);
    return MEM_OK;
}
static void factorial_write(struct edu *s, u32 v)
{
    if (!s->factorial_at) { /* a write while it computes is lost */
        s->factorial = v;
        s->factorial_at = clock_now(CLOCK_VIRTUAL) + TAKES_NS;
        timer_set(&s->factorial_timer, s->factorial_at);
    }
}
static void dma_write(struct edu *s, u64 *r, u64 v, unsigned size)
{
    if (s->dma_at) { /* nothing changes under a transfer */
        return;
    }
    *r = (*r & ~MASK(8 * size)) | v;
    if (s->command & DMA_RUN) {
        s->dma_at = clock_now(CLOCK_VIRTUAL) + TAKES_NS;
        timer_set(&s->dma_timer, s->dma_at);
    }
}
static enum mem_result edu_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct edu *s = opaque;
    u64 *dma = dma_register(s, off);
    (void)a;
    if (dma) {
        dma_write(s, dma, val, size);
    } else if (size != 4) {
        guest_error(device_name(&s->pci.dev), "write of %u bytes at 0x%llx", size, (unsigned long long)off);
    } else if (off == LIVENESS) {
        s->liveness = ~(u32)val;
    } else if (off == FACTORIAL) {
        factorial_write(s, (u32)val);
    } else if (off == STATUS) {
        s->status = val & STATUS_INT;
    } else if (off == INT_RAISE) {
        interrupts_set(s, s->interrupts | (u32)val);
    } else if (off == INT_ACK) {
        interrupts_set(s, s->interrupts & ~(u32)val);
    } else {
        guest_error(device_name(&s->pci.dev), "write at 0x%llx, where there is no register", (unsigned long long)off);
    }
    return MEM_OK;
}
static const struct mem_ops edu_ops = {.read = edu_read, .write = edu_write, .min_size = 4, .max_size = 8};

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool edu_init(struct device *d, struct err *e)
{
    struct edu *s = (struct edu *)d;
    (void)e;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x1234,
                                          .device = 0x11e8,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x00ff00,
                                          .revision = 0x10,
                                          .interrupt_pin = 1});
    pci_msi_init(&s->pci, 1);
    s->pci.messages_switched = messages_switched;
    s->bar = (struct mem_region){.name = "edu", .kind = MEM_MMIO, .size = BAR_SIZE, .ops = &edu_ops, .opaque = s};
    pci_add_bar(&s->pci, 0, PCI_BAR_MEM32, false, &s->bar);
    timer_init(&s->factorial_timer, CLOCK_VIRTUAL, factorial_done, s);
    timer_init(&s->dma_timer, CLOCK_VIRTUAL, dma_done, s);
    return true;
}
static void edu_fini(struct device *d)
{
    struct edu *s = (struct edu *)d;
    timer_cancel(&s->factorial_timer);
    timer_cancel(&s->dma_timer);
}
static void edu_reset(struct device *d)
{
    edu_fini(d);
    pci_reset((struct pci_device *)d);
}
static bool edu_loaded(struct device *d, struct err *e)
{
    struct edu *s = (struct edu *)d;
    timer_set(&s->factorial_timer, s->factorial_at ? s->factorial_at : ~0ull);
    timer_set(&s->dma_timer, s->dma_at ? s->dma_at : ~0ull);
    return pci_loaded(&s->pci, e);
}

static const struct field edu_state[] = {
    PCI_FIELDS(struct edu, pci),
    FIELD(struct edu, liveness),
    FIELD(struct edu, factorial),
    FIELD(struct edu, status),
    FIELD(struct edu, interrupts),
    FIELD(struct edu, source),
    FIELD(struct edu, target),
    FIELD(struct edu, count),
    FIELD(struct edu, command),
    FIELD(struct edu, factorial_at),
    FIELD(struct edu, dma_at),
    FIELDS(struct edu, buffer, .flags = F_HIDDEN),
    {0},
};
static const struct prop edu_props[] = {
    PCI_PROPS(struct edu, pci),
    PROP("dma_mask", PROP_U64, struct edu, dma_mask, "0x0fffffff", "addresses that its DMA reaches"),
    {0},
};

const struct device_class edu_class = {
    .name = "edu",
    .doc = "PCI device to learn writing drivers with",
    .bus = "pci",
    .size = sizeof(struct edu),
    .state = edu_state,
    .props = edu_props,
    .init = edu_init,
    .reset = edu_reset,
    .loaded = edu_loaded,
    .fini = edu_fini,
};

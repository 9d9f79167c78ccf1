/* The watchdog timer of Intel's 6300ESB south bridge. SPEC: Intel 300641 (6300ESB I/O Controller Hub data sheet),
 * chapter "Watchdog timer". Two stages count down one after the other; the first may interrupt, the second resets the
 * machine, or does what -action watchdog= says. In free-running mode there is no first stage, and the timer starts
 * again by itself. That it ran out is known after a reset. Not modelled: SMI as the first stage's interrupt. */
#include "hw/misc/i6300esb.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/pci/pci.h"

enum {
    BAR_SIZE = 16,
    CONFIG = 0x60, /* in configuration space */
    CONFIG_INT = 3,
    INT_PIN = 0,
    INT_SMI = 2,
    CONFIG_FAST = 1 << 2,
    CONFIG_NO_OUTPUT = 1 << 5,
    LOCK = 0x68,
    LOCK_LOCK = 1 << 0,
    LOCK_ENABLE = 1 << 1,
    LOCK_FREE = 1 << 2,
    PRELOAD1 = 0, /* in the BAR */
    PRELOAD2 = 4,
    GINTSR = 8,
    RELOAD = 12,
    RELOAD_RELOAD = 1 << 8,
    RELOAD_TIMEOUT = 1 << 9,
    UNLOCK1 = 0x80,
    UNLOCK2 = 0x86,
    PRELOAD_MASK = 0xfffff,
    PCI_CLOCK_NS = 30,
};

struct i6300esb {
    struct pci_device pci;
    struct mem_region bar;
    struct timer timer;
    u32 preload[2];
    u8 interrupt, timeout, unlock, lock; /* unlock: how much of its sequence was written */
    u8 stage;                            /* 0: it stands */
    u64 at;                              /* when the stage ends */
};

static void stage_start(struct i6300esb *s, unsigned stage)
{
    unsigned shift = s->pci.config[CONFIG] & CONFIG_FAST ? 5 : 15;
    s->stage = (u8)stage;
    s->at = clock_now(CLOCK_VIRTUAL) + (((u64)s->preload[stage - 1] + 1) << shift) * PCI_CLOCK_NS;
    timer_set(&s->timer, s->at);
}
static void stop(struct i6300esb *s)
{
    s->stage = 0;
    timer_cancel(&s->timer);
}
static void restart(struct i6300esb *s)
{
    stage_start(s, s->lock & LOCK_FREE ? 2 : 1);
}
static void first_over(struct i6300esb *s)
{
    unsigned kind = s->pci.config[CONFIG] & CONFIG_INT;
    if (kind == INT_PIN) {
        s->interrupt = 1;
        pci_set_intx(&s->pci, true);
    } else if (kind == INT_SMI) {
        unimp(device_name(&s->pci.dev), "an SMI");
    }
    stage_start(s, 2);
}
static void rings(void *opaque)
{
    struct i6300esb *s = opaque;
    if (s->stage == 1) {
        first_over(s);
        return;
    }
    s->timeout = 1;
    if (s->lock & LOCK_FREE) {
        restart(s);
    } else {
        stop(s);
    }
    if (!(s->pci.config[CONFIG] & CONFIG_NO_OUTPUT)) {
        machine_request_watchdog();
    }
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static enum mem_result bar_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    const struct i6300esb *s = opaque;
    unsigned at = (unsigned)off & ~3u;
    (void)a;
    u32 v = at == GINTSR ? s->interrupt : at == RELOAD ? (s->timeout ? RELOAD_TIMEOUT : 0u) : s->preload[at / 4];
    *val = v >> 8 * (off & 3) & MASK(8 * size);
    return MEM_OK;
}
/* Each write of a preload or of the reload register has to be unlocked by two others. */
static bool unlocked(struct i6300esb *s, u64 off, u64 v)
{
    bool open = s->unlock == 2;
    s->unlock = !open && off == RELOAD && ((v == UNLOCK1 && s->unlock == 0) || (v == UNLOCK2 && s->unlock == 1))
                    ? s->unlock + 1
                    : 0;
    return open;
}
static enum mem_result bar_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct i6300esb *s = opaque;
    (void)size, (void)a;
    if (off == GINTSR) {
        s->interrupt &= !(val & 1);
        pci_set_intx(&s->pci, s->interrupt);
    } else if (!unlocked(s, off, val)) {
        return MEM_OK;
    } else if (off == PRELOAD1 || off == PRELOAD2) {
        s->preload[off / 4] = val & PRELOAD_MASK;
    } else if (off == RELOAD) {
        s->timeout &= !(val & RELOAD_TIMEOUT);
        if (val & RELOAD_RELOAD && s->lock & LOCK_ENABLE) {
            restart(s);
        }
    } else {
        guest_error(device_name(&s->pci.dev), "write of %u bytes at 0x%llx", size, (unsigned long long)off);
    }
    return MEM_OK;
}
static const struct mem_ops bar_ops = {.read = bar_read, .write = bar_write, .min_size = 1, .max_size = 4};

static void config_written(struct pci_device *p, unsigned off, unsigned size)
{
    struct i6300esb *s = (struct i6300esb *)p;
    if (off > LOCK || off + size <= LOCK) {
        return;
    }
    if (s->lock & LOCK_LOCK) {
        p->config[LOCK] = s->lock;
        return;
    }
    u8 old = s->lock;
    s->lock = p->config[LOCK];
    if (!(s->lock & LOCK_ENABLE)) {
        stop(s);
    } else if (!(old & LOCK_ENABLE)) {
        restart(s);
    }
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool i6300esb_init(struct device *d, struct err *e)
{
    struct i6300esb *s = (struct i6300esb *)d;
    (void)e;
    pci_init(&s->pci,
             &(struct pci_ident){.vendor = 0x8086, .device = 0x25ab, .class_code = 0x088000, .interrupt_pin = 1});
    pci_row(&s->pci, CONFIG, 2, 0, CONFIG_INT | CONFIG_FAST | CONFIG_NO_OUTPUT, 0);
    pci_row(&s->pci, LOCK, 1, 0, LOCK_LOCK | LOCK_ENABLE | LOCK_FREE, 0);
    s->bar = (struct mem_region){.name = "i6300esb", .kind = MEM_MMIO, .size = BAR_SIZE, .ops = &bar_ops, .opaque = s};
    pci_add_bar(&s->pci, 0, PCI_BAR_MEM32, false, &s->bar);
    s->pci.config_written = config_written;
    timer_init(&s->timer, CLOCK_VIRTUAL, rings, s);
    return true;
}
static void i6300esb_reset(struct device *d)
{
    struct i6300esb *s = (struct i6300esb *)d;
    timer_cancel(&s->timer);
    pci_reset(&s->pci);
}
static bool i6300esb_loaded(struct device *d, struct err *e)
{
    struct i6300esb *s = (struct i6300esb *)d;
    if (s->stage > 2 || s->preload[0] > PRELOAD_MASK || s->preload[1] > PRELOAD_MASK) {
        return err_set(e, "the watchdog's state makes no sense");
    }
    timer_set(&s->timer, s->stage ? s->at : ~0ull);
    return pci_loaded(&s->pci, e);
}
static void i6300esb_fini(struct device *d)
{
    timer_cancel(&((struct i6300esb *)d)->timer);
}

static const struct field i6300esb_state[] = {
    PCI_FIELDS(struct i6300esb, pci),
    FIELDS(struct i6300esb, preload, .reset = PRELOAD_MASK),
    FIELD(struct i6300esb, interrupt),
    FIELD(struct i6300esb, timeout, .flags = F_KEEP),
    FIELD(struct i6300esb, unlock),
    FIELD(struct i6300esb, lock),
    FIELD(struct i6300esb, stage),
    FIELD(struct i6300esb, at),
    {0},
};
static const struct prop i6300esb_props[] = {PCI_PROPS(struct i6300esb, pci), {0}};

const struct device_class i6300esb_class = {
    .name = "i6300esb",
    .doc = "watchdog of Intel's 6300ESB",
    .bus = "pci",
    .size = sizeof(struct i6300esb),
    .state = i6300esb_state,
    .props = i6300esb_props,
    .init = i6300esb_init,
    .reset = i6300esb_reset,
    .loaded = i6300esb_loaded,
    .fini = i6300esb_fini,
};

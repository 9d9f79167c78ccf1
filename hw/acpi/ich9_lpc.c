/* Intel 82801I (ICH9), function 31.0, the LPC bridge. SPEC: Intel 316972 (ICH9 family data sheet), 13.1 (configuration
 * registers), 13.8 (power management I/O), 10.1 (RCBA).
 *
 * A PIRQ drives the IRQ that its register names, if any, and always the input of the IO-APIC that is its own (5.9.4).
 * Not modelled: SMIs of others than APM, TCO, general-purpose pins, decoding of LPC ranges, the chip set's
 * memory-mapped registers (they keep what is written): interrupts are routed as after reset. */
#include "hw/acpi/ich9_lpc.h"

#include "base/bits.h"
#include "hw/acpi/apm.h"
#include "hw/core/machine.h"

enum {
    PMBASE = 0x40,
    ACPI_CNTL = 0x44,
    ACPI_EN = 1 << 7,
    PIRQA = 0x60,
    PIRQE = 0x68,
    PIRQ_OFF = 0x80,
    RCBA = 0xf0,
    PIRQS = 8,
    PM_SIZE = 128,
    RCRB_SIZE = 0x4000,
    SMI_EN = 0x30, /* of the power management's ports */
    SMI_STS = 0x34,
    GBL_SMI_EN = 1 << 0,
    APMC_EN = 1 << 5, /* APM_STS in SMI_STS */
};

struct ich9_lpc {
    struct pci_device pci;
    struct acpi_pm pm;
    struct reset_control rcr;
    struct apm apm;
    struct mem_region pm_region, rcrb_region;
    u8 pirq; /* levels */
    u16 driven;
    u8 rest[PM_SIZE]; /* of the ports, what is only kept, SMI_EN and SMI_STS */
    u8 rcrb[RCRB_SIZE];
};

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

static u8 pirq_register(const struct ich9_lpc *s, unsigned n)
{
    return s->pci.config[n < 4 ? PIRQA + n : PIRQE + n - 4];
}

static void route(struct ich9_lpc *s)
{
    u16 now = 0;
    for (unsigned n = 0; n < PIRQS; n++) {
        u8 r = pirq_register(s, n);
        if (s->pirq >> n & 1 && !(r & PIRQ_OFF)) {
            now |= (u16)(1u << (r & 15));
        }
    }
    u16 changed = now ^ s->driven;
    s->driven = now;
    for (unsigned i = 0; i < ICH9_IRQS; i++) {
        if (changed >> i & 1) {
            device_irq(&s->pci.dev, i, now >> i & 1);
        }
    }
}

static void pirq_in(struct device *d, unsigned n, int level)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    s->pirq = (u8)((s->pirq & ~(1u << n)) | (u32)(level != 0) << n);
    device_irq(d, ICH9_IRQS + n, level);
    route(s);
}

/* -- power management ---------------------------------------------------------------------------------------------- */

static bool in_gpe(u64 off)
{
    return off >= ICH9_GPE0 && off < ICH9_GPE0 + ICH9_GPE0_SIZE;
}

static enum mem_result pm_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct ich9_lpc *s = opaque;
    (void)a;
    *val = off < ACPI_PM_END ? acpi_pm_read(&s->pm, off, size)
           : in_gpe(off)     ? acpi_gpe_read(&s->pm, off - ICH9_GPE0, size)
                             : ldnle(s->rest + MIN(off, (u64)PM_SIZE - size), size);
    return MEM_OK;
}

static enum mem_result pm_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct ich9_lpc *s = opaque;
    (void)a;
    if (off < ACPI_PM_END) {
        acpi_pm_write(&s->pm, off, size, val);
    } else if (in_gpe(off)) {
        acpi_gpe_write(&s->pm, off - ICH9_GPE0, size, val);
    } else if (off >= SMI_STS && off + size <= SMI_STS + 4) {
        stnle(s->rest + off, size, ldnle(s->rest + off, size) & ~val);
    } else if (off + size <= PM_SIZE) {
        stnle(s->rest + off, size, val);
    }
    return MEM_OK;
}
static const struct mem_ops pm_ops = {.read = pm_read, .write = pm_write, .min_size = 1, .max_size = 4};

static void apm_asked(struct device *d)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    u32 enabled = ld32le(s->rest + SMI_EN);
    if (enabled & GBL_SMI_EN && enabled & APMC_EN) {
        st32le(s->rest + SMI_STS, ld32le(s->rest + SMI_STS) | APMC_EN);
        device_irq(d, ICH9_SMI, 1);
        device_irq(d, ICH9_SMI, 0);
    }
}

/* -- the chip set's registers -------------------------------------------------------------------------------------- */

static enum mem_result rcrb_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = ldnle(((struct ich9_lpc *)opaque)->rcrb + off, size);
    return MEM_OK;
}
static enum mem_result rcrb_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    stnle(((struct ich9_lpc *)opaque)->rcrb + off, size, val);
    return MEM_OK;
}
static const struct mem_ops rcrb_ops = {.read = rcrb_read, .write = rcrb_write, .min_size = 1, .max_size = 4};

/* -- where they are ------------------------------------------------------------------------------------------------ */

unsigned ich9_pm_base(const struct device *d)
{
    const u8 *c = ((const struct ich9_lpc *)d)->pci.config;
    return c[ACPI_CNTL] & ACPI_EN ? ld16le(c + PMBASE) & 0xff80 : 0;
}

static void window(struct mem_space *space, struct mem_region *r, u64 at, int priority)
{
    if (r->space && (!at || r->base != at)) {
        mem_unmap_region(r);
    }
    if (at && !r->space) {
        mem_map_region(space, r, at, priority);
    }
}

static void windows(struct ich9_lpc *s)
{
    struct machine *m = s->pci.dev.machine;
    u32 rcba = ld32le(s->pci.config + RCBA);
    window(m->iospace, &s->pm_region, ich9_pm_base(&s->pci.dev), 0);
    window(m->iospace, &s->apm.region, APM_PORT, 0);
    window(m->sysmem, &s->rcrb_region, rcba & 1 ? rcba & 0xffffc000 : 0, 1);
}

static void config_written(struct pci_device *p, unsigned off, unsigned size)
{
    struct ich9_lpc *s = (struct ich9_lpc *)p;
    (void)off, (void)size;
    route(s);
    windows(s);
}

void ich9_pm_place(struct device *d, unsigned base)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    pci_config_write(&s->pci, PMBASE, 4, base | 1);
    pci_config_write(&s->pci, ACPI_CNTL, 1, ACPI_EN);
}

void ich9_power_button(struct device *d)
{
    acpi_pm_power_button(&((struct ich9_lpc *)d)->pm);
}

struct reset_control *ich9_reset_control(struct pci_device *p)
{
    return &((struct ich9_lpc *)p)->rcr;
}

/* -- device -------------------------------------------------------------------------------------------------------- */

static void rows_add(struct ich9_lpc *s)
{
    static const struct {
        u8 off, size;
        u32 initial, wmask;
    } rows[] = {
        {PMBASE, 4, 1, 0xff80},
        {ACPI_CNTL, 1, 0, 0x87},
        {0x48, 4, 1, 0xff80}, /* GPIOBASE */
        {0x4c, 1, 0, 0x11},   /* GPIO control */
        {PIRQA, 4, 0x80808080, 0x8f8f8f8f},
        {0x64, 1, 0x10, 0xff}, /* serial IRQ control */
        {PIRQE, 4, 0x80808080, 0x8f8f8f8f},
        {0x80, 4, 0, 0xffffffff}, /* LPC decode ranges and enables */
        {0x84, 4, 0, 0xffffffff},
        {0x88, 4, 0, 0xffffffff},
        {0x8c, 4, 0, 0xffffffff},
        {0x90, 4, 0, 0xffffffff},
        {0xa0, 4, 0, 0xffffffff}, /* general power management configuration */
        {0xa4, 1, 0, 0xff},
        {0xd0, 4, 0x00112233, 0xffffffff}, /* firmware hub decoding */
        {0xd4, 2, 0x4567, 0xffff},
        {0xd8, 2, 0xffcf, 0xffff},
        {0xdc, 1, 0, 0x1f}, /* BIOS control */
        {RCBA, 4, 0, 0xffffc001},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        pci_row(&s->pci, rows[i].off, rows[i].size, rows[i].initial, rows[i].wmask, 0);
    }
}

static void regions_make(struct ich9_lpc *s)
{
    s->pm_region =
        (struct mem_region){.name = "ich9-pm", .kind = MEM_MMIO, .size = PM_SIZE, .ops = &pm_ops, .opaque = s};
    s->rcrb_region =
        (struct mem_region){.name = "ich9-rcrb", .kind = MEM_MMIO, .size = RCRB_SIZE, .ops = &rcrb_ops, .opaque = s};
}

static bool lpc_init(struct device *d, struct err *e)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    if (!d->machine->iospace) {
        return err_set(e, "it needs ports, which this machine has not");
    }
    s->pci.multifunction = true;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x2918,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x060100,
                                          .revision = 2});
    pci_row(&s->pci, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0x0140, 0);
    rows_add(s);
    regions_make(s);
    s->pci.config_written = config_written;
    reset_control_init(&s->rcr, d, ICH9_INIT);
    s->pm.dev = d;
    s->pm.pin = ICH9_SCI;
    s->pm.s3 = 1; /* sleep types are as QEMU has them, which OVMF counts on */
    s->pm.s5 = ICH9_S5;
    s->pm.gpe_bytes = ICH9_GPE0_SIZE / 2;
    acpi_pm_init(&s->pm);
    apm_init(&s->apm, &s->pm, apm_asked);
    return true;
}

static void lpc_reset(struct device *d)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    pci_reset(&s->pci);
    acpi_pm_reset(&s->pm);
    route(s);
    windows(s);
}

static bool lpc_loaded(struct device *d, struct err *e)
{
    struct ich9_lpc *s = (struct ich9_lpc *)d;
    if (!pci_loaded(&s->pci, e)) {
        return false;
    }
    for (unsigned i = 0; i < ICH9_IRQS; i++) {
        device_irq(d, i, s->driven >> i & 1);
    }
    for (unsigned i = 0; i < ICH9_GSIS; i++) {
        device_irq(d, ICH9_IRQS + i, s->pirq >> i & 1);
    }
    acpi_pm_loaded(&s->pm);
    route(s);
    windows(s);
    return true;
}

static void lpc_fini(struct device *d)
{
    acpi_pm_fini(&((struct ich9_lpc *)d)->pm);
}

static const struct field lpc_state[] = {
    PCI_FIELDS(struct ich9_lpc, pci),
    ACPI_PM_FIELDS(struct ich9_lpc, pm),
    FIELD(struct ich9_lpc, rcr.value),
    FIELD(struct ich9_lpc, pirq),
    FIELD(struct ich9_lpc, driven),
    APM_FIELDS(struct ich9_lpc, apm),
    FIELDS(struct ich9_lpc, rest),
    FIELDS(struct ich9_lpc, rcrb, .flags = F_HIDDEN),
    {0},
};
static const struct prop lpc_props[] = {PCI_PROPS(struct ich9_lpc, pci), {0}};

const struct device_class ich9_lpc_class = {
    .name = "ICH9-LPC",
    .doc = "ICH9 LPC bridge",
    .bus = "pci",
    .size = sizeof(struct ich9_lpc),
    .nirqs = ICH9_OUTS,
    .state = lpc_state,
    .props = lpc_props,
    .init = lpc_init,
    .reset = lpc_reset,
    .loaded = lpc_loaded,
    .fini = lpc_fini,
    .irq_in = pirq_in,
};

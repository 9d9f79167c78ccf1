/* Power management of the 82371AB (PIIX4), function 3 (Intel 290562, chapter 7; APM's ports: 4.2.7): ACPI's registers
 * at PMBA, APM's control and status port at 0xb2, the SMBus host at SMBBA.
 *
 * A write of APMC asks for an SMI once DEVACTB.APMC_EN is set (hw/acpi/apm.h has what else it does). The SMBus
 * has no device on it: every transaction ends with DEV_ERR, as for an empty slot. Not modelled: device monitors, their
 * traps and timers, clock control, the general-purpose pins, GLBCTL and SMIs of others than APM; S3 (hw/acpi/pm.c). */
#include "hw/acpi/piix4_pm.h"

#include "base/bits.h"
#include "base/log.h"
#include "hw/acpi/apm.h"
#include "hw/core/machine.h"
#include "hw/pci/pci.h"

enum {
    PMBA = 0x40,
    DEVACTB = 0x58,
    PMREGMISC = 0x80,
    SMBBA = 0x90,
    SMBHSTCFG = 0xd2,
    REVISION = 3,
    APMC_EN = 1 << 1, /* of DEVACTB's highest byte */
    PM_SIZE = 64,
    SMB_SIZE = 16,
    HOST_STATUS = 0,
    HOST_CONTROL = 2,
    HOST_DEV_ERR = 1 << 2,
    HOST_START = 1 << 6,
};

struct piix4_pm {
    struct pci_device pci;
    struct acpi_pm pm;
    struct mem_region pm_region, smb_region;
    struct apm apm;
    u8 smb[SMB_SIZE];
    u8 rest[PM_SIZE]; /* of the register block, what is only kept */
};

/* -- ports of ACPI ------------------------------------------------------------------------------------------------ */

static bool in_gpe(u64 off)
{
    return off >= PIIX4_GPE0 && off < PIIX4_GPE0 + PIIX4_GPE0_SIZE;
}
static enum mem_result pm_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct piix4_pm *s = opaque;
    (void)a;
    *val = off < ACPI_PM_END ? acpi_pm_read(&s->pm, off, size)
           : in_gpe(off)     ? acpi_gpe_read(&s->pm, off - PIIX4_GPE0, size)
                             : ldnle(s->rest + MIN(off, (u64)PM_SIZE - size), size);
    return MEM_OK;
}
/* Reads of the two levels' registers would stop the clock; GLBSTS and the like have nothing that sets them. */
static enum mem_result pm_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct piix4_pm *s = opaque;
    (void)a;
    if (off < ACPI_PM_END) {
        acpi_pm_write(&s->pm, off, size, val);
    } else if (in_gpe(off)) {
        acpi_gpe_write(&s->pm, off - PIIX4_GPE0, size, val);
    } else if (off + size <= PM_SIZE && (off >= 0x20 || off < 0x14)) {
        stnle(s->rest + off, size, val);
    }
    return MEM_OK;
}
static const struct mem_ops pm_ops = {.read = pm_read, .write = pm_write, .min_size = 1, .max_size = 4};

static void apm_asked(struct device *d)
{
    if (((struct piix4_pm *)d)->pci.config[DEVACTB + 3] & APMC_EN) {
        device_irq(d, PIIX4_SMI, 1);
        device_irq(d, PIIX4_SMI, 0);
    }
}

/* -- the SMBus host ----------------------------------------------------------------------------------------------- */

static enum mem_result smb_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)size, (void)a;
    *val = ((struct piix4_pm *)opaque)->smb[off];
    return MEM_OK;
}
static enum mem_result smb_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct piix4_pm *s = opaque;
    (void)size, (void)a;
    if (off == HOST_STATUS) {
        s->smb[off] &= (u8)~val;
        return MEM_OK;
    }
    s->smb[off] = (u8)val & (off == HOST_CONTROL ? (u8)~HOST_START : 0xff);
    if (off == HOST_CONTROL && val & HOST_START) {
        s->smb[HOST_STATUS] = HOST_DEV_ERR; /* nobody acknowledges */
    }
    return MEM_OK;
}
static const struct mem_ops smb_ops = {.read = smb_read, .write = smb_write, .min_size = 1, .max_size = 1};

/* -- where they are ----------------------------------------------------------------------------------------------- */

unsigned piix4_pm_base(const struct device *d)
{
    const u8 *c = ((const struct piix4_pm *)d)->pci.config;
    return c[PMREGMISC] & 1 ? ld16le(c + PMBA) & 0xffc0 : 0;
}
static unsigned smb_base(const struct piix4_pm *s)
{
    const u8 *c = s->pci.config;
    bool on = c[SMBHSTCFG] & 1 && c[PCI_COMMAND] & PCI_COMMAND_IO;
    return on ? ld16le(c + SMBBA) & 0xfff0 : 0;
}
static void window(struct piix4_pm *s, struct mem_region *r, unsigned at)
{
    u64 base = 0;
    struct mem_space *io = pci_space(&s->pci, true, &base);
    if (r->space && (!at || r->base != base + at)) {
        mem_unmap_region(r);
    }
    if (io && at && !r->space) {
        mem_map_region(io, r, base + at, 0);
    }
}
static void windows(struct piix4_pm *s)
{
    window(s, &s->pm_region, piix4_pm_base(&s->pci.dev));
    window(s, &s->smb_region, smb_base(s));
    window(s, &s->apm.region, APM_PORT);
}
static void config_written(struct pci_device *p, unsigned off, unsigned size)
{
    (void)off, (void)size;
    windows((struct piix4_pm *)p);
}

void piix4_pm_place(struct device *d, unsigned base)
{
    struct piix4_pm *s = (struct piix4_pm *)d;
    pci_config_write(&s->pci, PMBA, 4, base | 1);
    pci_config_write(&s->pci, PMREGMISC, 1, 1);
    pci_config_write(&s->pci, PCI_INTERRUPT_LINE, 1, 9);
}
void piix4_pm_power_button(struct device *d)
{
    acpi_pm_power_button(&((struct piix4_pm *)d)->pm);
}

/* -- the device --------------------------------------------------------------------------------------------------- */

static bool piix4_init(struct device *d, struct err *e)
{
    struct piix4_pm *s = (struct piix4_pm *)d;
    (void)e;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x7113,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x068000,
                                          .revision = REVISION,
                                          .interrupt_pin = 1});
    pci_row(&s->pci, PCI_INTERRUPT_LINE, 1, 9, 0xff, 0);
    pci_row(&s->pci, PCI_COMMAND, 2, 0, PCI_COMMAND_IO, 0);
    pci_row(&s->pci, PCI_STATUS, 2, 0x0280, 0, 0);
    pci_row(&s->pci, PMBA, 4, 1, 0xffc0, 0);
    for (unsigned at = 0x44; at <= 0x78; at += 4) { /* counters, general-purpose pins, activities, resources: kept */
        pci_row(&s->pci, at, 4, 0, ~0u, 0);
    }
    pci_row(&s->pci, PMREGMISC, 1, 0, 1, 0);
    pci_row(&s->pci, SMBBA, 4, 1, 0xfff0, 0);
    pci_row(&s->pci, SMBHSTCFG, 1, 0, 0x0f, 0);
    s->pci.config_written = config_written;
    s->pm_region =
        (struct mem_region){.name = "piix4-pm", .kind = MEM_MMIO, .size = PM_SIZE, .ops = &pm_ops, .opaque = s};
    s->smb_region =
        (struct mem_region){.name = "piix4-smbus", .kind = MEM_MMIO, .size = SMB_SIZE, .ops = &smb_ops, .opaque = s};
    s->pm.dev = d;
    s->pm.pin = PIIX4_SCI;
    s->pm.s3 = 1;
    s->pm.s5 = PIIX4_S5;
    s->pm.gpe_bytes = PIIX4_GPE0_SIZE / 2;
    acpi_pm_init(&s->pm);
    apm_init(&s->apm, &s->pm, apm_asked);
    return true;
}
static void piix4_reset(struct device *d)
{
    struct piix4_pm *s = (struct piix4_pm *)d;
    pci_reset(&s->pci);
    acpi_pm_reset(&s->pm);
    windows(s);
}
static bool piix4_loaded(struct device *d, struct err *e)
{
    struct piix4_pm *s = (struct piix4_pm *)d;
    if (!pci_loaded(&s->pci, e)) {
        return false;
    }
    acpi_pm_loaded(&s->pm);
    windows(s);
    return true;
}
static void piix4_fini(struct device *d)
{
    acpi_pm_fini(&((struct piix4_pm *)d)->pm);
}

static const struct field piix4_state[] = {
    PCI_FIELDS(struct piix4_pm, pci), ACPI_PM_FIELDS(struct piix4_pm, pm), FIELDS(struct piix4_pm, smb),
    APM_FIELDS(struct piix4_pm, apm), FIELDS(struct piix4_pm, rest),       {0},
};
static const struct prop piix4_props[] = {PCI_PROPS(struct piix4_pm, pci), {0}};
const struct device_class piix4_pm_class = {
    .name = "PIIX4_PM",
    .doc = "PIIX4's power management, part of the pc board",
    .bus = "pci",
    .size = sizeof(struct piix4_pm),
    .nirqs = 2,
    .state = piix4_state,
    .props = piix4_props,
    .init = piix4_init,
    .reset = piix4_reset,
    .loaded = piix4_loaded,
    .fini = piix4_fini,
};

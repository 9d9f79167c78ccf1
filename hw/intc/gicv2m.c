/* GICv2m: a frame that turns MSI writes into SPIs (Arm Server Base System Architecture, appendix E).
 *
 * A write of INTID n to MSI_SETSPI_NS pulses the output of that SPI; the guest configures those SPIs as edge triggered.
 * Not modelled: the Secure register MSI_SETSPI_S. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/intc/gicv2.h"

#define GICV2M_MAX_SPIS 128

struct gicv2m {
    struct device dev;
    u32 base_spi, num_spi;
};

/* MSI_TYPER counts INTIDs. */
static u64 typer_read(struct device *d, unsigned i)
{
    (void)i;
    struct gicv2m *s = (struct gicv2m *)d;
    return (u64)(s->base_spi + 32) << 16 | s->num_spi;
}

static void setspi_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    struct gicv2m *s = (struct gicv2m *)d;
    u32 n = (u32)bits(v, 0, 10) - 32 - s->base_spi;
    if (n >= s->num_spi) {
        guest_error(device_name(d), "MSI for INTID %u, which is not of this frame", (unsigned)bits(v, 0, 10));
        return;
    }
    device_irq(d, n, 1);
    device_irq(d, n, 0);
}

static u64 iidr_read(struct device *d, unsigned i)
{
    (void)d;
    (void)i;
    return 0x43b | 0x10000; /* implementer Arm, as the CPU's own frames */
}

static u64 zero_read(struct device *d, unsigned i)
{
    (void)d;
    (void)i;
    return 0;
}

static bool gicv2m_init(struct device *d, struct err *e)
{
    struct gicv2m *s = (struct gicv2m *)d;
    if (!s->num_spi || s->num_spi > GICV2M_MAX_SPIS || s->base_spi + s->num_spi > 1020 - 32) {
        return err_set(e, "num-spi is %u from base-spi %u; there may be 1 to %u, below %u", s->num_spi, s->base_spi,
                       GICV2M_MAX_SPIS, 1020 - 32);
    }
    return true;
}

static const struct field gicv2m_state[] = {
    FIELD(struct gicv2m, base_spi, .flags = F_CONFIG),
    FIELD(struct gicv2m, num_spi, .flags = F_CONFIG),
    {0},
};
static const struct reg gicv2m_regs[] = {
    {.off = 0x008, .name = "MSI_TYPER", .size = 4, .read = typer_read},
    {.off = 0x040, .name = "MSI_SETSPI_NS", .size = 4, .read = zero_read, .write = setspi_write},
    {.off = 0xfcc, .name = "MSI_IIDR", .size = 4, .read = iidr_read},
    {.off = 0xfd0, .name = "PIDR", .size = 4, .count = 12, .read = zero_read},
    {0},
};
static const struct prop gicv2m_props[] = {
    PROP("base-spi", PROP_U32, struct gicv2m, base_spi, "0", "first SPI, counted from 0"),
    PROP("num-spi", PROP_U32, struct gicv2m, num_spi, "64", "number of SPIs"),
    {0},
};
const struct device_class gicv2m_class = {
    .name = "arm-gicv2m",
    .doc = "GICv2m MSI frame",
    .bus = "sysbus",
    .compatible = "arm,gic-v2m-frame\0",
    .fdt_name = "v2m",
    .size = sizeof(struct gicv2m),
    .mmio_size = 0x1000,
    .nirqs = GICV2M_MAX_SPIS,
    .state = gicv2m_state,
    .regs = gicv2m_regs,
    .props = gicv2m_props,
    .init = gicv2m_init,
};

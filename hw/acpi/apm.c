#include "hw/acpi/apm.h"

static enum mem_result apm_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs attrs)
{
    (void)size, (void)attrs;
    *val = ((struct apm *)opaque)->value[off];
    return MEM_OK;
}

static enum mem_result apm_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs attrs)
{
    struct apm *a = opaque;
    (void)size, (void)attrs;
    a->value[off] = (u8)val;
    if (off == 1) {
        return MEM_OK;
    }
    if ((u8)val == APM_ACPI_ON || (u8)val == APM_ACPI_OFF) {
        acpi_pm_enable(a->pm, (u8)val == APM_ACPI_ON);
    }
    a->asked(a->pm->dev);
    return MEM_OK;
}
static const struct mem_ops apm_ops = {.read = apm_read, .write = apm_write, .min_size = 1, .max_size = 1};

void apm_init(struct apm *a, struct acpi_pm *pm, void (*asked)(struct device *d))
{
    *a = (struct apm){
        .region = {.name = "apm", .kind = MEM_MMIO, .size = sizeof(a->value), .ops = &apm_ops, .opaque = a},
        .pm = pm,
        .asked = asked,
    };
}

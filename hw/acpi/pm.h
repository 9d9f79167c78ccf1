/* ACPI's fixed hardware, as power-management functions of PC chip sets have it: events, control, timer, and
 * general-purpose events (ACPI 5.0, 4.8.3). Part of a device: its struct has a struct acpi_pm, ACPI_PM_FIELDS among its
 * state; its init, reset, loaded and fini call the functions of that name. */
#ifndef MOSS_HW_ACPI_PM_H
#define MOSS_HW_ACPI_PM_H

#include "base/clock.h"
#include "hw/core/device.h"

#define ACPI_PM_HZ 3579545u

enum { /* PM1 status and enable */
       ACPI_TMR = 1 << 0,
       ACPI_GBL = 1 << 5,
       ACPI_PWRBTN = 1 << 8,
       ACPI_RTC = 1 << 10,
       ACPI_WAK = 1 << 15,
       /* PM1 control */
       ACPI_SCI_EN = 1 << 0,
       ACPI_SLP_EN = 1 << 13,
};
enum { ACPI_PM1_STS = 0, ACPI_PM1_EN = 2, ACPI_PM1_CNT = 4, ACPI_PM_TMR = 8, ACPI_PM_END = 12 };

struct acpi_pm {
    struct device *dev;
    unsigned pin;  /* dev's output: SCI */
    u8 s3, s5;     /* SLP_TYP values; there is no S3: it is refused */
    u8 gpe_bytes;  /* of status, and of enables */
    bool timer_32; /* the timer has 32 bits, not 24 */
    struct timer timer;

    u16 status, enable, control;
    u8 gpe_status[8], gpe_enable[8];
    u64 turn; /* CLOCK_VIRTUAL when the timer's top bit changes next */
};
#define ACPI_PM_FIELDS(T, m) \
    FIELD(T, m.status), FIELD(T, m.enable), FIELD(T, m.control), FIELDS(T, m.gpe_status), FIELDS(T, m.gpe_enable), \
        FIELD(T, m.turn)

/* dev, pin, s3, s5, gpe_bytes, timer_32 are set before. */
void acpi_pm_init(struct acpi_pm *p);
void acpi_pm_reset(struct acpi_pm *p);
void acpi_pm_loaded(struct acpi_pm *p);
void acpi_pm_fini(struct acpi_pm *p);
/* Bytes 0 to 11 of the register block: PM1_STS, PM1_EN, PM1_CNT, PM_TMR. */
u64 acpi_pm_read(struct acpi_pm *p, u64 off, unsigned size);
void acpi_pm_write(struct acpi_pm *p, u64 off, unsigned size, u64 v);
/* Bytes of GPE0: gpe_bytes of status, then as many of enables. */
u64 acpi_gpe_read(const struct acpi_pm *p, u64 off, unsigned size);
void acpi_gpe_write(struct acpi_pm *p, u64 off, unsigned size, u64 v);
void acpi_gpe_raise(struct acpi_pm *p, unsigned n); /* event n happened */
void acpi_pm_power_button(struct acpi_pm *p);
void acpi_pm_enable(struct acpi_pm *p, bool on); /* SCI_EN, as firmware's handler sets it for the SMI command */

#endif

/* ACPI without fixed hardware: the generic event device, and registers to sleep and to reset by. Output pin 0 is its
 * interrupt, a level. Window: 4 bytes of events, at 0x200 three registers of a byte. */
#ifndef MOSS_HW_ACPI_GED_H
#define MOSS_HW_ACPI_GED_H

#include "hw/core/device.h"

enum { GED_EVENTS = 0x000, GED_SLEEP_CONTROL = 0x200, GED_SLEEP_STATUS, GED_RESET, GED_SIZE };
enum { GED_POWER_BUTTON = 1 << 1 /* among the events */, GED_RESET_VALUE = 0x42, GED_S5 = 5 };

extern const struct device_class ged_class; /* "acpi-ged" */

void ged_power_button(struct device *d);

#endif

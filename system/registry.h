/* Everything that can be chosen by name: filled in by registry.c at the root, the only place that names them all. */
#ifndef MOSS_SYSTEM_REGISTRY_H
#define MOSS_SYSTEM_REGISTRY_H

#include "accel/accel.h"
#include "hw/core/machine.h"

extern const struct board *const registry_boards[]; /* NULL ended, as all of these */
extern const struct target *const registry_targets[];
extern const struct accel *const registry_accels[];
extern const struct device_class *const registry_devices[]; /* what -device can make */
struct display;
extern const struct display *const registry_displays[]; /* what -display can start */

/* Ties what an ISA asks of the machine (power, reset, semihosting) to system/. Once, first thing. */
void registry_wire(void);

#endif

/* ATA and ATAPI: channels, and the drives that plug into them.
 *
 * A channel ("ide-bus", provides "IDE", two drives) is the two blocks of registers of the PC: window bytes 0..7 are the
 * command block (port 0x1f0 or 0x170), byte 0x206 is the control block's Device Control / Alternate Status (0x3f6 or
 * 0x376). Pin 0 is INTRQ. A board without PCI has rows of it:
 *
 *   {&ide_bus_class, "ide.0", 0x1f0, 14, .io = true}, {&ide_bus_class, "ide.1", 0x170, 15, .io = true}
 *
 * A board with PCI makes "piix3-ide" with pci_make (function 1 of the south bridge); that makes the channels "ide.0"
 * and "ide.1" itself and shows them at the PC's ports. Its pins 0 and 1 (device.irqs) go to interrupts 14 and 15.
 * "ich9-ahci" (hw/ide/ahci.h) has six buses of one drive each, "ide.0" to "ide.5" where they are the first.
 *
 * Either way a board's drives are then attached by ide_attach(machine_find(m, "ide.N"), unit, ...). */
#ifndef MOSS_HW_IDE_IDE_H
#define MOSS_HW_IDE_IDE_H

#include "hw/core/device.h"

struct blockdev;

#define IDE_UNITS 2 /* drives of a channel */

extern const struct device_class ide_bus_class, piix3_ide_class, ide_hd_class, ide_cd_class;

/* Makes, plugs and inits a drive: ide-hd, or ide-cd. disk may be without medium for a CD. serial may be NULL. NULL:
 * with a sentence in e. */
struct device *ide_attach(struct device *bus, unsigned unit, struct blockdev *disk, bool cdrom, const char *serial,
                          struct err *e);

#endif

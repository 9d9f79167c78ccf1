/* VGA cards. What a board makes; firmware for them is Debian's vgabios-stdvga.bin (vgabios-isavga.bin: isa-vga's). */
#ifndef MOSS_HW_DISPLAY_VGA_H
#define MOSS_HW_DISPLAY_VGA_H

#include "hw/core/device.h"

extern const struct device_class vga_pci_class, secondary_vga_class, vga_isa_class;

#endif

/* The firmware configuration device: named and numbered blobs that the board gives to the firmware.
 *
 * Items are added before the machine is reset the first time; their bytes stay the caller's and must outlive the
 * machine, but for the fw_cfg_add_* forms that say "copies". */
#ifndef MOSS_HW_MISC_FW_CFG_H
#define MOSS_HW_MISC_FW_CFG_H

#include "hw/core/device.h"

extern const struct device_class fw_cfg_mmio_class;
extern const struct device_class fw_cfg_io_class; /* twelve ports */

enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ARCH_LOCAL = 0x8000, /* or'ed to a key: the ISA's own */
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

void fw_cfg_add(struct device *d, u16 key, const void *data, size_t len);
void fw_cfg_add_u16(struct device *d, u16 key, u16 v); /* these two copy */
void fw_cfg_add_u32(struct device *d, u16 key, u32 v);
void fw_cfg_add_str(struct device *d, u16 key, const char *s); /* with its NUL; copies */

struct fw_cfg_hooks {
    void (*selected)(void *opaque);                  /* the guest selected it: may refill the bytes */
    void (*written)(void *opaque, u64 off, u64 len); /* the guest wrote these; without it the file is read-only */
};
/* name: "etc/..." (the board's) or "opt/..." (the user's), at most 55 characters. hooks are copied, or NULL. A name
 * that is there already is refused. */
bool fw_cfg_add_file(struct device *d, const char *name, const void *data, size_t len, const struct fw_cfg_hooks *hooks,
                     void *opaque, struct err *e);

#endif

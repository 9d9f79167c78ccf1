/* The Arm `virt` machine, as QEMU's virt-7.2 (QEMU's system manual, "virt generic virtual platform"; the device trees
 * that it dumps): the parts, the options, and how they come together.
 *
 * Not modelled: SMMUv3 (iommu=smmuv3 is refused), MTE (mte=on is refused), the devices that only ACPI shows (the
 * generic event device, NVDIMM, memory hotplug), GICv4, the platform bus's dynamic devices (its window is
 * empty), CPU clusters and NUMA in the device tree. */
#include "hw/board/virt/virt_priv.h"

#include <string.h>

#include "base/opts.h"
#include "hw/block/cfi_flash.h"
#include "hw/char/pl011.h"
#include "hw/misc/fw_cfg.h"
#include "hw/misc/pl061.h"
#include "hw/timer/pl031.h"
#include "hw/virtio/virtio_mmio.h"
#include "target/arm/arm.h"

enum { GPIO_POWER_KEY = 3, SECURE_GPIO_POWEROFF = 0, SECURE_GPIO_RESTART = 1 };

static const struct part virt_parts[] = {
    {&cfi_flash01_class, "virt.flash0", VIRT_FLASH0, -1, PFLASH0, .when = "!secure"},
    {&cfi_flash01_class, "virt.flash0", VIRT_FLASH0, -1, PFLASH0, .when = "secure", .secure = true},
    {&cfi_flash01_class, "virt.flash1", VIRT_FLASH1, -1, PFLASH1},
    {&pl011_class, "uart0", VIRT_UART0, VIRT_UART0_IRQ, SERIAL0},
    {&pl011_class, "uart1", VIRT_SECURE_UART, VIRT_SECURE_UART_IRQ, SERIAL1, .when = "secure", .secure = true},
    {&pl031_class, "rtc", VIRT_RTC, VIRT_RTC_IRQ},
    {&pl061_class, "gpio", VIRT_GPIO, VIRT_GPIO_IRQ},
    {&pl061_class, "secure-gpio", VIRT_SECURE_GPIO, 0, .when = "secure", .secure = true},
    {&virtio_mmio_class, "virtio-mmio-bus", VIRT_VIRTIO, VIRT_VIRTIO_IRQ, .count = VIRT_VIRTIO_SLOTS, .stride = 0x200},
    {&fw_cfg_mmio_class, "fw_cfg", VIRT_FW_CFG, -1},
    {0},
};

static const struct prop virt_options[] = {
    PROP("gic-version", PROP_STR, struct virt, gic_version, "2", "interrupt controller: 2, 3 or max"),
    PROP("virtualization", PROP_BOOL, struct virt, virtualization, "off", "CPUs have EL2"),
    PROP("secure", PROP_BOOL, struct virt, secure, "off", "CPUs have EL3; secure flash, RAM, UART and GPIO"),
    PROP("highmem", PROP_BOOL, struct virt, highmem, "on", "use physical addresses above 4 GiB"),
    PROP("highmem-ecam", PROP_BOOL, struct virt, highmem_ecam, "on", "256 buses of PCIe above 4 GiB"),
    PROP("highmem-mmio", PROP_BOOL, struct virt, highmem_mmio, "on", "a PCIe window above 4 GiB"),
    PROP("highmem-redists", PROP_BOOL, struct virt, highmem_redists, "on", "GICv3: more than 123 CPUs"),
    PROP("its", PROP_BOOL, struct virt, its_wanted, "on", "GICv3: an ITS for MSIs"),
    PROP("mte", PROP_BOOL, struct virt, mte, "off", "memory tagging (not there)"),
    PROP("ras", PROP_BOOL, struct virt, ras, "off", "accepted: reports of host memory errors"),
    PROP("acpi", PROP_STR, struct virt, acpi, "auto", "ACPI tables for the firmware; auto: on"),
    PROP("iommu", PROP_STR, struct virt, iommu, "none", "none"),
    PROP("default-bus-bypass-iommu", PROP_BOOL, struct virt, bypass_iommu, "off", "accepted"),
    PROP("dtb-randomness", PROP_BOOL, struct virt, dtb_randomness, "on", "random seeds in the device tree"),
    PROP("dtb-kaslr-seed", PROP_BOOL, struct virt, dtb_kaslr_seed, "on", "older name of dtb-randomness"),
    PROP("dt-compatible", PROP_STR, struct virt, dt_compatible, "linux,dummy-virt", "the root node's compatible"),
    PROP("phandle-start", PROP_U32, struct virt, phandle_start, "0x8000", "the first phandle that is used"),
    PROP("x-oem-id", PROP_STR, struct virt, oem_id, NULL, "of ACPI tables: who made them, at most 6 characters"),
    PROP("x-oem-table-id", PROP_STR, struct virt, oem_table_id, NULL, "of ACPI tables: at most 8 characters"),
    {0},
};

/* -- what rows can't say ------------------------------------------------------------------------------ */

static void secure_gpio_out(void *to, unsigned n, int level)
{
    (void)to;
    if (level && n == SECURE_GPIO_POWEROFF) {
        machine_request_shutdown(SHUTDOWN_GUEST, 0);
    } else if (level) {
        machine_request_reset();
    }
}

static bool secure_make(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    if (!v->secure) {
        return true;
    }
    if (!ram_new(&v->secure_ram, "virt.secure-ram", 16 * MIB, e)) {
        return false;
    }
    v->secure_ram_region = (struct mem_region){.name = "virt.secure-ram",
                                               .kind = MEM_RAM,
                                               .size = v->secure_ram.size,
                                               .host = v->secure_ram.host,
                                               .secure_only = true};
    mem_map_region(m->sysmem, &v->secure_ram_region, VIRT_SECURE_RAM, 0);
    struct device *gpio = machine_find(m, "secure-gpio");
    for (unsigned n = SECURE_GPIO_POWEROFF; n <= SECURE_GPIO_RESTART; n++) {
        pl061_set_out(gpio, n, (struct irq){.fn = secure_gpio_out, .to = m, .n = n});
    }
    return true;
}

static bool pcie_make(struct machine *m, struct err *e)
{
    struct device *host = device_new(m, &gpex_class, "pcie.0");
    pci_host_place(host, &virt_of(m)->pci);
    if (!device_init(host, e)) {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        host->irqs[i] = virt_spi(m, VIRT_PCIE_IRQ + i);
    }
    return true;
}

static bool power_key_make(struct machine *m, struct err *e)
{
    struct device *key = device_new(m, &gpio_key_class, "power-key");
    virt_of(m)->power_key = key;
    if (!device_init(key, e)) {
        return false;
    }
    key->irqs[0] = device_pin(machine_find(m, "gpio"), GPIO_POWER_KEY);
    return true;
}

static bool options_check(struct virt *v, struct err *e)
{
    if (strcmp(v->iommu, "none") != 0) {
        return err_set(e,
                       strcmp(v->iommu, "smmuv3") ? "Invalid iommu value '%s'; moss has none"
                                                  : "iommu=%s: moss has no SMMU yet; leave the option out",
                       v->iommu);
    }
    if (v->mte) {
        return err_set(e, "mte=on: moss does not do memory tagging yet; leave the option out");
    }
    v->has_acpi = true;
    if (strcmp(v->acpi, "auto") != 0 && !parse_bool(v->acpi, &v->has_acpi)) {
        return err_set(e, "acpi=%s: expected on, off or auto", v->acpi);
    }
    if (!strcmp(v->gic_version, "2")) {
        v->gic_kind = 2;
    } else if (!strcmp(v->gic_version, "3") || !strcmp(v->gic_version, "max")) {
        v->gic_kind = 3;
    } else if (!strcmp(v->gic_version, "host")) {
        return err_set(e, "gic-version=host requires KVM");
    } else {
        return err_set(e, "Invalid gic-version value '%s'\nValid values are 2, 3, max.", v->gic_version);
    }
    v->dtb_randomness = v->dtb_randomness && v->dtb_kaslr_seed;
    v->has_its = v->gic_kind == 3 && v->its_wanted;
    return true;
}

static bool virt_build(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    if (!options_check(v, e) || !virt_layout(m, e) || !virt_cpus_make(m, e)) {
        return false;
    }
    mem_map_region(m->sysmem, &m->ram_region, VIRT_RAM, 0);
    if (!virt_gic_make(m, e) || !machine_place_parts(m, virt_spi, e)) {
        return false;
    }
    virt_cpus_wire(m);
    v->fw_cfg = machine_find(m, "fw_cfg");
    return pcie_make(m, e) && power_key_make(m, e) && secure_make(m, e);
}

static void virt_reset(struct machine *m)
{
    virt_gic_hand_over(m);
    virt_cpus_reset(m);
}

static void virt_power_button(struct machine *m)
{
    struct irq pin = device_pin(virt_of(m)->power_key, 0);
    irq_set(&pin, 1);
    irq_set(&pin, 0);
}

static bool virt_fw_cfg_file(struct machine *m, const char *name, const void *data, size_t len, struct err *e)
{
    return fw_cfg_add_file(virt_of(m)->fw_cfg, name, data, len, NULL, NULL, e);
}

static void virt_fini(struct machine *m)
{
    struct virt *v = virt_of(m);
    mem_unmap_region(&v->secure_ram_region);
    ram_free(&v->secure_ram);
    dt_free(&v->dt);
}

static const char *const virt_aliases[] = {"virt", NULL};
static const struct target *const virt_targets[] = {&target_aarch64, NULL};

const struct board board_virt = {
    .name = "virt-7.2",
    .doc = "QEMU 7.2 ARM Virtual Machine",
    .aliases = virt_aliases,
    .targets = virt_targets,
    .default_cpu = "cortex-a57",
    .default_ram = 128 * MIB,
    .max_cpus = 512,
    .parts = virt_parts,
    .options = virt_options,
    .board_size = sizeof(struct virt),
    .default_nic = "virtio-net-pci",
    .default_block = "virtio-blk-pci",
    .default_bus = "pci",
    .build = virt_build,
    .finish = virt_boot,
    .reset = virt_reset,
    .fini = virt_fini,
    .power_button = virt_power_button,
    .fw_cfg_file = virt_fw_cfg_file,
    .load_program = virt_load_program,
    .ram_name = "mach-virt.ram",
};

/* The device tree of the virt board: the parts describe themselves; here is the rest. Bindings: Linux,
 * Documentation/devicetree/bindings; the text equals what QEMU's virt-7.2 dumps for the same options. */
#include <glib.h>
#include <string.h>

#include "base/clock.h"
#include "hw/board/virt/virt_priv.h"

enum { GIC_SPI = 0, GIC_PPI = 1, IRQ_LEVEL_HIGH = 4, KEY_POWER = 116, CLOCK_HZ = 24000000 };

static void root_make(struct dt *t, const struct virt *v)
{
    dt_str(t, "/", "compatible", v->dt_compatible);
    dt_u32(t, "/", "#address-cells", 2);
    dt_u32(t, "/", "#size-cells", 2);
    dt_str(t, "/", "model", "linux,dummy-virt");
}

static void seeds_make(struct dt *t, const struct virt *v, const char *node)
{
    u8 kaslr[8], rng[32];
    if (v->dtb_randomness) {
        entropy_fill(kaslr, sizeof(kaslr));
        entropy_fill(rng, sizeof(rng));
        dt_bytes(t, node, "kaslr-seed", kaslr, sizeof(kaslr));
        dt_bytes(t, node, "rng-seed", rng, sizeof(rng));
    }
}

static void chosen_make(struct dt *t, const struct virt *v)
{
    dt_node(t, "/chosen");
    seeds_make(t, v, "/chosen");
    dt_str(t, "/chosen", "stdout-path", "/pl011@9000000");
    if (v->secure) {
        dt_node(t, "/secure-chosen");
        seeds_make(t, v, "/secure-chosen");
        dt_str(t, "/secure-chosen", "stdout-path", "/pl011@9040000");
    }
}

static void clock_make(struct dt *t, struct virt *v)
{
    v->ph_clock = dt_new_phandle(t);
    dt_node(t, "/apb-pclk");
    dt_str(t, "/apb-pclk", "compatible", "fixed-clock");
    dt_u32(t, "/apb-pclk", "#clock-cells", 0);
    dt_u32(t, "/apb-pclk", "clock-frequency", CLOCK_HZ);
    dt_str(t, "/apb-pclk", "clock-output-names", "clk24mhz");
    dt_phandle(t, "/apb-pclk", v->ph_clock);
}

/* A GICv2 interrupt specifier says in bits 15:8 which CPUs a PPI goes to. */
static u32 ppi_flags(const struct machine *m)
{
    u32 cpus = virt_of(m)->gic_kind == 2 ? (1u << m->cfg.cpus) - 1 : 0;
    return IRQ_LEVEL_HIGH | cpus << 8;
}

static void timer_make(struct dt *t, const struct machine *m)
{
    u32 f = ppi_flags(m);
    dt_node(t, "/timer");
    dt_strs(t, "/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer\0");
    dt_flag(t, "/timer", "always-on");
    dt_cells(t, "/timer", "interrupts", GIC_PPI, PPI_TIMER_SEC, f, GIC_PPI, PPI_TIMER_PHYS, f, GIC_PPI, PPI_TIMER_VIRT,
             f, GIC_PPI, PPI_TIMER_HYP, f);
}

static void cpu_make(struct dt *t, const struct machine *m, unsigned i, unsigned cells, u32 phandle)
{
    u64 mpidr = virt_cpu_mpidr(m, i);
    char node[32];
    snprintf(node, sizeof(node), "/cpus/cpu@%u", i);
    dt_node(t, node);
    dt_str(t, node, "device_type", "cpu");
    dt_str(t, node, "compatible", virt_cpu_compatible(m, i));
    if (m->cfg.cpus > 1 && !virt_firmware_is_secure(virt_of(m))) {
        dt_str(t, node, "enable-method", "psci");
    }
    if (cells == 2) {
        dt_u64(t, node, "reg", mpidr);
    } else {
        dt_u32(t, node, "reg", (u32)mpidr);
    }
    dt_phandle(t, node, phandle);
}

static void cpus_make(struct dt *t, const struct machine *m)
{
    unsigned n = m->cfg.cpus, cells = 1;
    for (unsigned i = 0; i < n; i++) {
        cells = virt_cpu_mpidr(m, i) >> 32 ? 2 : cells;
    }
    dt_node(t, "/cpus");
    dt_u32(t, "/cpus", "#address-cells", cells);
    dt_u32(t, "/cpus", "#size-cells", 0);
    u32 *phandle = g_new(u32, n);
    for (unsigned i = n; i-- > 0;) {
        phandle[i] = dt_new_phandle(t);
        cpu_make(t, m, i, cells, phandle[i]);
    }
    dt_node(t, "/cpus/cpu-map");
    dt_node(t, "/cpus/cpu-map/socket0");
    dt_node(t, "/cpus/cpu-map/socket0/cluster0");
    for (unsigned i = n; i-- > 0;) {
        char node[64];
        snprintf(node, sizeof(node), "/cpus/cpu-map/socket0/cluster0/core%u", i);
        dt_node(t, node);
        dt_u32(t, node, "cpu", phandle[i]);
    }
    g_free(phandle);
}

static void flash_node(struct dt *t, const char *node, u64 base, unsigned banks)
{
    dt_node(t, node);
    dt_str(t, node, "compatible", "cfi-flash");
    if (banks == 2) {
        dt_cells(t, node, "reg", DT_U64(base), DT_U64(VIRT_FLASH_SIZE), DT_U64(base + VIRT_FLASH_SIZE),
                 DT_U64(VIRT_FLASH_SIZE));
    } else {
        dt_cells(t, node, "reg", DT_U64(base), DT_U64(VIRT_FLASH_SIZE));
    }
    dt_u32(t, node, "bank-width", 4);
}

static void secure_only(struct dt *t, const char *node)
{
    dt_str(t, node, "status", "disabled");
    dt_str(t, node, "secure-status", "okay");
}

static void flash_make(struct dt *t, const struct virt *v)
{
    if (!v->secure) {
        flash_node(t, "/flash@0", VIRT_FLASH0, 2);
        return;
    }
    flash_node(t, "/secflash@0", VIRT_FLASH0, 1);
    secure_only(t, "/secflash@0");
    flash_node(t, "/flash@4000000", VIRT_FLASH1, 1);
}

static void gicv2_reg(struct dt *t, const struct virt *v, const char *node)
{
    dt_str(t, node, "compatible", "arm,cortex-a15-gic");
    if (!v->virtualization) {
        dt_cells(t, node, "reg", DT_U64(VIRT_GIC_DIST), DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_CPU),
                 DT_U64(VIRT_GIC_FRAME));
        return;
    }
    dt_cells(t, node, "reg", DT_U64(VIRT_GIC_DIST), DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_CPU),
             DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_HYP), DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_VCPU),
             DT_U64(VIRT_GIC_FRAME));
}

static void gicv3_reg(struct dt *t, const struct virt *v, const char *node)
{
    dt_str(t, node, "compatible", "arm,gic-v3");
    dt_u32(t, node, "#redistributor-regions", v->redist2_size ? 2 : 1);
    if (!v->redist2_size) {
        dt_cells(t, node, "reg", DT_U64(VIRT_GIC_DIST), DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_REDIST),
                 DT_U64(VIRT_REDIST_SIZE));
        return;
    }
    dt_cells(t, node, "reg", DT_U64(VIRT_GIC_DIST), DT_U64(VIRT_GIC_FRAME), DT_U64(VIRT_GIC_REDIST),
             DT_U64(VIRT_REDIST_SIZE), DT_U64(v->redist2), DT_U64(v->redist2_size));
}

static void msi_make(struct dt *t, struct virt *v)
{
    const char *node = v->gic_kind == 2 ? "/intc@8000000/v2m@8020000" : "/intc@8000000/its@8080000";
    if (!v->msi) {
        return;
    }
    v->ph_msi = dt_new_phandle(t);
    dt_node(t, node);
    dt_str(t, node, "compatible", v->gic_kind == 2 ? "arm,gic-v2m-frame" : "arm,gic-v3-its");
    dt_flag(t, node, "msi-controller");
    if (v->gic_kind == 2) {
        dt_cells(t, node, "reg", DT_U64(VIRT_GIC_V2M), DT_U64(0x1000));
    } else {
        dt_u32(t, node, "#msi-cells", 1);
        dt_cells(t, node, "reg", DT_U64(VIRT_GIC_ITS), DT_U64(VIRT_ITS_SIZE));
    }
    dt_phandle(t, node, v->ph_msi);
}

static void gic_make(struct dt *t, struct virt *v)
{
    const char *node = "/intc@8000000";
    v->ph_gic = dt_new_phandle(t);
    dt_u32(t, "/", "interrupt-parent", v->ph_gic);
    dt_node(t, node);
    dt_u32(t, node, "#interrupt-cells", 3);
    dt_flag(t, node, "interrupt-controller");
    dt_u32(t, node, "#address-cells", 2);
    dt_u32(t, node, "#size-cells", 2);
    dt_flag(t, node, "ranges");
    if (v->gic_kind == 2) {
        gicv2_reg(t, v, node);
    } else {
        gicv3_reg(t, v, node);
    }
    if (v->virtualization) {
        dt_cells(t, node, "interrupts", GIC_PPI, PPI_MAINTENANCE, IRQ_LEVEL_HIGH);
    }
    dt_phandle(t, node, v->ph_gic);
    msi_make(t, v);
}

static void pmu_make(struct dt *t, const struct machine *m)
{
    if (virt_of(m)->has_pmu) {
        dt_node(t, "/pmu");
        dt_str(t, "/pmu", "compatible", "arm,armv8-pmuv3");
        dt_cells(t, "/pmu", "interrupts", GIC_PPI, PPI_PMU, ppi_flags(m));
    }
}

static void secram_make(struct dt *t, const struct virt *v)
{
    if (v->secure) {
        dt_node(t, "/secram@e000000");
        dt_str(t, "/secram@e000000", "device_type", "memory");
        dt_cells(t, "/secram@e000000", "reg", DT_U64(VIRT_SECURE_RAM), DT_U64(16 * MIB));
        secure_only(t, "/secram@e000000");
    }
}

/* The four pins of four slots; slot and pin swizzle as pci_host.h says. */
static void pcie_interrupts(struct dt *t, const struct virt *v, const char *node)
{
    enum { SLOTS = 4, PINS = 4, ROW = 10 };
    u32 map[SLOTS * PINS * ROW], *p = map;
    for (u32 slot = 0; slot < SLOTS; slot++) {
        for (u32 pin = 0; pin < PINS; pin++) {
            const u32 row[ROW] = {
                slot << 11,    0, 0, pin + 1, v->ph_gic, 0, 0, GIC_SPI, VIRT_PCIE_IRQ + (slot + pin) % PINS,
                IRQ_LEVEL_HIGH};
            memcpy(p, row, sizeof(row));
            p += ROW;
        }
    }
    dt_cells_n(t, node, "interrupt-map", map, ARRAY_LEN(map));
    dt_cells(t, node, "interrupt-map-mask", (SLOTS - 1) << 11, 0, 0, 7);
}

static void pcie_make(struct dt *t, const struct virt *v)
{
    enum { IO = 0x01000000, MEM32 = 0x02000000, MEM64 = 0x03000000 };
    const struct pci_layout *p = &v->pci;
    const char *node = "/pcie@10000000";
    dt_node(t, node);
    dt_str(t, node, "compatible", "pci-host-ecam-generic");
    dt_str(t, node, "device_type", "pci");
    dt_u32(t, node, "#address-cells", 3);
    dt_u32(t, node, "#size-cells", 2);
    dt_u32(t, node, "linux,pci-domain", 0);
    dt_cells(t, node, "bus-range", 0, (u32)(p->ecam_size / MIB) - 1);
    dt_flag(t, node, "dma-coherent");
    if (v->msi) {
        dt_cells(t, node, "msi-map", 0, v->ph_msi, 0, 0x10000);
    }
    dt_cells(t, node, "reg", DT_U64(p->ecam), DT_U64(p->ecam_size));
    if (p->mmio64_size) {
        dt_cells(t, node, "ranges", IO, DT_U64(0), DT_U64(p->io), DT_U64(p->io_size), MEM32, DT_U64(p->mmio32),
                 DT_U64(p->mmio32), DT_U64(p->mmio32_size), MEM64, DT_U64(p->mmio64), DT_U64(p->mmio64),
                 DT_U64(p->mmio64_size));
    } else {
        dt_cells(t, node, "ranges", IO, DT_U64(0), DT_U64(p->io), DT_U64(p->io_size), MEM32, DT_U64(p->mmio32),
                 DT_U64(p->mmio32), DT_U64(p->mmio32_size));
    }
    dt_u32(t, node, "#interrupt-cells", 1);
    pcie_interrupts(t, v, node);
}

static void gpio_make(struct dt *t, struct virt *v)
{
    v->ph_gpio = dt_new_phandle(t);
    dt_phandle(t, "/pl061@9030000", v->ph_gpio);
    dt_node(t, "/gpio-keys");
    dt_str(t, "/gpio-keys", "compatible", "gpio-keys");
    dt_node(t, "/gpio-keys/poweroff");
    dt_str(t, "/gpio-keys/poweroff", "label", "GPIO Key Poweroff");
    dt_u32(t, "/gpio-keys/poweroff", "linux,code", KEY_POWER);
    dt_cells(t, "/gpio-keys/poweroff", "gpios", v->ph_gpio, 3, 0);
    if (!v->secure) {
        return;
    }
    v->ph_secure_gpio = dt_new_phandle(t);
    dt_phandle(t, "/pl061@90b0000", v->ph_secure_gpio);
    static const char *const nodes[] = {"/gpio-poweroff", "/gpio-restart"};
    for (u32 i = 0; i < ARRAY_LEN(nodes); i++) {
        dt_node(t, nodes[i]);
        dt_str(t, nodes[i], "compatible", nodes[i] + 1);
        dt_cells(t, nodes[i], "gpios", v->ph_secure_gpio, i, 0);
        secure_only(t, nodes[i]);
    }
}

/* Every bus master here sees the CPUs' caches. */
static void coherence_say(struct dt *t)
{
    dt_flag(t, "/fw-cfg@9020000", "dma-coherent");
    for (unsigned i = 0; i < VIRT_VIRTIO_SLOTS; i++) {
        char node[32];
        snprintf(node, sizeof(node), "/virtio_mmio@%llx", VIRT_VIRTIO + i * 0x200ull);
        dt_flag(t, node, "dma-coherent");
    }
}

static void platform_bus_make(struct dt *t, const struct virt *v)
{
    const char *node = "/platform-bus@c000000";
    dt_node(t, node);
    dt_strs(t, node, "compatible", "qemu,platform\0simple-bus\0");
    dt_u32(t, node, "#size-cells", 1);
    dt_u32(t, node, "#address-cells", 1);
    dt_cells(t, node, "ranges", 0, DT_U64(VIRT_PLATFORM_BUS), 32 * MIB);
    dt_u32(t, node, "interrupt-parent", v->ph_gic);
}

/* -- what a tree from -dtb gets too -------------------------------------------------------------------- */

static void memory_make(struct dt *t, const struct machine *m)
{
    dt_node_once(t, "/memory@40000000");
    dt_str(t, "/memory@40000000", "device_type", "memory");
    dt_cells(t, "/memory@40000000", "reg", DT_U64(VIRT_RAM), DT_U64(m->cfg.ram_size));
}

static void psci_make(struct dt *t, const struct virt *v)
{
    const char *method = virt_psci_method(v);
    if (method) {
        dt_node_once(t, "/psci");
        dt_strs(t, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci\0");
        dt_str(t, "/psci", "method", method);
        dt_u32(t, "/psci", "cpu_suspend", 0xc4000001);
        dt_u32(t, "/psci", "cpu_off", 0x84000002);
        dt_u32(t, "/psci", "cpu_on", 0xc4000003);
        dt_u32(t, "/psci", "migrate", 0xc4000005);
    }
}

static void boot_args(struct dt *t, const struct machine *m)
{
    const struct virt *v = virt_of(m);
    dt_node_once(t, "/chosen");
    if (m->cfg.append && *m->cfg.append) {
        dt_str(t, "/chosen", "bootargs", m->cfg.append);
    }
    if (v->initrd_size) {
        u64 end = v->initrd_start + v->initrd_size;
        if (end >> 32) {
            dt_u64(t, "/chosen", "linux,initrd-start", v->initrd_start);
            dt_u64(t, "/chosen", "linux,initrd-end", end);
        } else {
            dt_u32(t, "/chosen", "linux,initrd-start", (u32)v->initrd_start);
            dt_u32(t, "/chosen", "linux,initrd-end", (u32)end);
        }
    }
}

bool virt_dt_make(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    struct dt *t = &v->dt;
    if (m->cfg.dtb) {
        if (!dt_load(t, m->cfg.dtb, e)) {
            return false;
        }
    } else {
        dt_new(t);
        t->last_phandle = v->phandle_start - 1;
        root_make(t, v);
        chosen_make(t, v);
        clock_make(t, v);
        timer_make(t, m);
        cpus_make(t, m);
        flash_make(t, v);
        gic_make(t, v);
        pmu_make(t, m);
        secram_make(t, v);
        pcie_make(t, v);
        dt_add_parts(t, m, &(struct dt_wiring){.clock = v->ph_clock, .irq_kind = GIC_SPI});
        coherence_say(t);
        gpio_make(t, v);
        platform_bus_make(t, v);
    }
    memory_make(t, m);
    psci_make(t, v);
    boot_args(t, m);
    return dt_finish(t, e);
}

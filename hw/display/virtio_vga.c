/* virtio-vga: a virtio-gpu with a VGA on the same screen, which shows until the driver has a picture and again after it
 * let go. BAR 0 frame buffer, BAR 2 the VGA's registers; virtio's where virtio-gpu-pci has them. */
#include "hw/core/machine.h"
#include "hw/display/vga_priv.h"
#include "hw/display/virtio_gpu.h"
#include "hw/virtio/virtio_pci.h"

struct virtio_vga {
    struct virtio_pci p;
    struct virtio_gpu_conf conf;
    struct vga vga;
    struct vga_mmio mmio;
    struct screen *screen;
    bool was_gpu;
};

static void both_refresh(void *opaque)
{
    struct virtio_vga *s = opaque;
    bool gpu = s->p.v && virtio_gpu_shows(s->p.v);
    if (gpu != s->was_gpu) {
        s->was_gpu = gpu;
        s->vga.stale = true;
    }
    if (gpu) {
        virtio_gpu_refresh(s->p.v);
    } else {
        vga_screen_ops.refresh(&s->vga);
    }
}
static void both_invalidate(void *opaque)
{
    struct virtio_vga *s = opaque;
    vga_screen_ops.invalidate(&s->vga);
    if (s->p.v) {
        virtio_gpu_invalidate(s->p.v);
    }
}
static bool both_text(void *opaque, struct text_screen *out)
{
    struct virtio_vga *s = opaque;
    return !virtio_gpu_shows(s->p.v) && vga_screen_ops.text(&s->vga, out);
}
static void both_wish_size(void *opaque, int w, int h)
{
    struct virtio_vga *s = opaque;
    virtio_gpu_wish_size(s->p.v, w, h);
}
static const struct screen_ops screen_ops = {
    .refresh = both_refresh, .invalidate = both_invalidate, .text = both_text, .wish_size = both_wish_size};

static bool virtio_vga_init(struct device *d, struct err *e)
{
    struct virtio_vga *s = (struct virtio_vga *)d;
    s->screen = s->vga.screen = s->conf.screen = screen_new(device_name(d), &screen_ops, s);
    if (!vga_init(&s->vga, d, e)) {
        screen_free(s->screen);
        return false;
    }
    if (!virtio_pci_init(d, e) || !pci_add_rom(&s->p.pci, "vgabios-virtio.bin", e)) {
        vga_fini(&s->vga);
        screen_free(s->screen);
        return false;
    }
    vga_mmio_init(&s->mmio, &s->vga, s->conf.edid, s->conf.xres, s->conf.yres);
    pci_add_bar(&s->p.pci, 0, PCI_BAR_MEM32, true, &s->vga.lfb);
    pci_add_bar(&s->p.pci, 2, PCI_BAR_MEM32, false, &s->mmio.region);
    if (d->machine->iospace) {
        vga_map_legacy(&s->vga, d->machine->sysmem, d->machine->iospace);
    }
    return true;
}

static void virtio_vga_reset(struct device *d)
{
    virtio_pci_reset(d);
    vga_reset(&((struct virtio_vga *)d)->vga);
}
static bool virtio_vga_loaded(struct device *d, struct err *e)
{
    vga_loaded(&((struct virtio_vga *)d)->vga);
    return virtio_pci_loaded(d, e);
}
static void virtio_vga_fini(struct device *d)
{
    struct virtio_vga *s = (struct virtio_vga *)d;
    vga_fini(&s->vga);
    screen_free(s->screen);
}

static const struct field state[] = {
    VIRTIO_PCI_FIELDS(struct virtio_vga), VGA_FIELDS(struct virtio_vga, vga), FIELD(struct virtio_vga, was_gpu), {0}};
static const struct prop props[] = {
    VIRTIO_PCI_PROPS(struct virtio_vga), VIRTIO_GPU_PROPS(struct virtio_vga), VGA_PROPS(struct virtio_vga, vga), {0}};
static const struct virtio_pci_class info = {
    .device = &virtio_gpu_class,
    .conf_off = offsetof(struct virtio_vga, conf),
    .class_code = 0x030000,
    .kind = VIRTIO_PCI_NON_TRANSITIONAL,
};

const struct device_class virtio_vga_class = {
    .name = "virtio-vga",
    .doc = "virtio graphics adapter with a VGA",
    .bus = "pci",
    .fw_path = virtio_pci_fw_path,
    .size = sizeof(struct virtio_vga),
    .state = state,
    .props = props,
    .init = virtio_vga_init,
    .reset = virtio_vga_reset,
    .loaded = virtio_vga_loaded,
    .fini = virtio_vga_fini,
    .bus_class = &info,
};

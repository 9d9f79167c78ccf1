/* virtio-gpu, 2D. */
#ifndef MOSS_HW_DISPLAY_VIRTIO_GPU_H
#define MOSS_HW_DISPLAY_VIRTIO_GPU_H

#include "hw/virtio/virtio.h"

enum { GPU_SCANOUTS = 16 };

struct screen;
struct virtio_gpu_conf {
    struct virtio_conf common;
    u32 max_outputs, xres, yres;
    u64 max_hostmem;
    bool edid;
    struct screen *screen; /* of scanout 0, which another shares; NULL: its own */
};
// clang-format off
#define VIRTIO_GPU_PROPS(T)                                                                                            \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("max_outputs", PROP_U32, T, conf.max_outputs, "1", "screens, up to 16"),                                      \
    PROP("xres", PROP_U32, T, conf.xres, "1280", "the first screen's preferred width"),                                \
    PROP("yres", PROP_U32, T, conf.yres, "800", "the first screen's preferred height"),                                \
    PROP("max_hostmem", PROP_SIZE, T, conf.max_hostmem, "256M", "memory for the guest's pictures"),                    \
    PROP("edid", PROP_BOOL, T, conf.edid, "on", "the guest may ask what the monitor can")
// clang-format on

extern const struct device_class virtio_gpu_class, virtio_gpu_pci_class, virtio_vga_class;

/* For a card that shows something of its own until the driver has a picture: is there one; and the screen's ops. */
bool virtio_gpu_shows(const struct virtio_device *v);
void virtio_gpu_refresh(struct virtio_device *v);
void virtio_gpu_invalidate(struct virtio_device *v);
void virtio_gpu_wish_size(struct virtio_device *v, int w, int h);

#endif

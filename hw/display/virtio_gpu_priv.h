/* Shared by the files of virtio-gpu. Layouts: Virtio 1.2, 5.7.6. All fields are little-endian. */
#ifndef MOSS_HW_DISPLAY_VIRTIO_GPU_PRIV_H
#define MOSS_HW_DISPLAY_VIRTIO_GPU_PRIV_H

#include <glib.h>

#include "hw/display/virtio_gpu.h"
#include "ui/screen.h"

enum {
    GPU_GET_DISPLAY_INFO = 0x100,
    GPU_RESOURCE_CREATE_2D,
    GPU_RESOURCE_UNREF,
    GPU_SET_SCANOUT,
    GPU_RESOURCE_FLUSH,
    GPU_TRANSFER_TO_HOST_2D,
    GPU_RESOURCE_ATTACH_BACKING,
    GPU_RESOURCE_DETACH_BACKING,
    GPU_GET_CAPSET_INFO,
    GPU_GET_CAPSET,
    GPU_GET_EDID,
    GPU_UPDATE_CURSOR = 0x300,
    GPU_MOVE_CURSOR,
    GPU_OK = 0x1100,
    GPU_OK_DISPLAY_INFO,
    GPU_OK_EDID = 0x1104,
    GPU_ERR_UNSPEC = 0x1200,
    GPU_ERR_OUT_OF_MEMORY,
    GPU_ERR_SCANOUT,
    GPU_ERR_RESOURCE,
    GPU_ERR_CONTEXT,
    GPU_ERR_PARAMETER,
};
enum { GPU_HDR = 24, GPU_MAX_RESPONSE = GPU_HDR + 8 + 1024, GPU_MAX_ENTRIES = 16384, GPU_MAX_RESOURCES = 4096 };

struct gpu_entry {
    u64 addr;
    u32 len;
};
struct gpu_resource {
    u32 id, format, w, h;
    u8 *px; /* w * h pixels of four bytes, as the format says */
    struct gpu_entry *backing;
    unsigned nbacking;
};
/* x, y, w, h as the guest gave them: anything. */
struct gpu_rect {
    u32 x, y, w, h;
};
struct gpu_scanout {
    struct virtio_gpu *gpu;
    struct screen *screen;
    u32 resource; /* 0: nothing is shown */
    struct gpu_rect from;
    struct gpu_rect dirty; /* of the surface; w 0: nothing */
    u32 wish_w, wish_h;    /* what the guest is told; 0: not connected */
};
struct virtio_gpu {
    struct virtio_device v;
    struct virtio_gpu_conf conf;
    u32 events;
    struct gpu_scanout scanout[GPU_SCANOUTS];
    GHashTable *resources; /* by id */
    u64 hostmem;
};

/* virtio_gpu_cmd.c: a request with its header; the response behind its header goes to `out`. Gives the response's type
 * and in *len the bytes behind the header. */
u32 gpu_command(struct virtio_gpu *s, const struct vq_elem *e, u32 type, u8 *out, u32 *len);
u32 gpu_cursor(struct virtio_gpu *s, const struct vq_elem *e, u32 type);
void gpu_resources_drop(struct virtio_gpu *s);
/* Pixels of a line as 0xAARRGGBB. */
void gpu_line(u32 *out, const struct gpu_resource *r, u32 x, u32 y, u32 n);
struct gpu_resource *gpu_resource_find(const struct virtio_gpu *s, u32 id);

#endif

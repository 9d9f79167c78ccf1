/* virtio graphics adapter (Virtio 1.2, 5.7), 2D: queues, configuration, scanouts and their screens. Requests are in
 * virtio_gpu_cmd.c.
 *
 * What the driver flushes is remembered, and painted when a display asks for it. Not modelled: 3D (VIRGL), blobs,
 * UUIDs; pictures are not part of a snapshot: after one was loaded the device asks to be reset. */
#include "hw/display/virtio_gpu_priv.h"

#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio_pci.h"

enum { CONTROL_QUEUE, CURSOR_QUEUE, CONTROL_SIZE = 256, CURSOR_SIZE = 16 };
enum { F_EDID = 1, FLAG_FENCE = 1, EVENT_DISPLAY = 1, CONFIG_SIZE = 16, CONFIG_CLEAR = 4 };

/* -- screens ------------------------------------------------------------------------------------------------------ */

static void scanout_paint(struct gpu_scanout *o)
{
    struct gpu_resource *r = gpu_resource_find(o->gpu, o->resource);
    struct surface *f = screen_surface(o->screen);
    struct gpu_rect d = o->dirty;
    o->dirty.w = 0;
    if (!r || !d.w) {
        return;
    }
    for (u32 y = d.y; y < d.y + d.h; y++) {
        u32 *to = f->px + (size_t)y * (size_t)f->w + d.x;
        gpu_line(to, r, o->from.x + d.x, o->from.y + y, d.w);
        for (u32 x = 0; x < d.w; x++) {
            to[x] &= 0xffffff;
        }
    }
    screen_dirty(o->screen, (int)d.x, (int)d.y, (int)d.w, (int)d.h);
}

static void scanout_refresh(void *opaque)
{
    struct gpu_scanout *o = opaque;
    if (o->resource) {
        screen_resize(o->screen, (int)o->from.w, (int)o->from.h);
        scanout_paint(o);
    }
}
static void scanout_invalidate(void *opaque)
{
    struct gpu_scanout *o = opaque;
    o->dirty = (struct gpu_rect){0, 0, o->from.w, o->from.h};
}
static void scanout_wish_size(void *opaque, int w, int h)
{
    struct gpu_scanout *o = opaque;
    if (w > 0 && h > 0 && w <= SCREEN_MAX && h <= SCREEN_MAX && (o->wish_w != (u32)w || o->wish_h != (u32)h)) {
        o->wish_w = (u32)w;
        o->wish_h = (u32)h;
        o->gpu->events |= EVENT_DISPLAY;
        virtio_config_changed(&o->gpu->v);
    }
}
static const struct screen_ops scanout_ops = {
    .refresh = scanout_refresh, .invalidate = scanout_invalidate, .wish_size = scanout_wish_size};

bool virtio_gpu_shows(const struct virtio_device *v)
{
    return ((const struct virtio_gpu *)v)->scanout[0].resource != 0;
}
void virtio_gpu_refresh(struct virtio_device *v)
{
    scanout_refresh(&((struct virtio_gpu *)v)->scanout[0]);
}
void virtio_gpu_invalidate(struct virtio_device *v)
{
    scanout_invalidate(&((struct virtio_gpu *)v)->scanout[0]);
}
void virtio_gpu_wish_size(struct virtio_device *v, int w, int h)
{
    scanout_wish_size(&((struct virtio_gpu *)v)->scanout[0], w, h);
}

/* -- queues -------------------------------------------------------------------------------------------------------- */

/* The header of the response is that of the request but for the type; a fence is done when its request is. */
static u32 respond(const struct vq_elem *e, const u8 *request, u32 type, const u8 *body, u32 len)
{
    u8 hdr[GPU_HDR] = {0};
    st32le(hdr, type);
    if (ld32le(request + 4) & FLAG_FENCE) {
        st32le(hdr + 4, FLAG_FENCE);
        memcpy(hdr + 8, request + 8, 12);
    }
    size_t n = iov_write(e->in, e->nin, 0, hdr, sizeof(hdr));
    return (u32)(n + iov_write(e->in, e->nin, sizeof(hdr), body, len));
}

static void queue_serve(struct virtio_device *v, unsigned q)
{
    struct virtio_gpu *s = (struct virtio_gpu *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        u8 hdr[GPU_HDR], body[GPU_MAX_RESPONSE];
        u32 len = 0, type;
        if (iov_read(e->out, e->nout, 0, hdr, sizeof(hdr)) != sizeof(hdr)) {
            virtio_break(v, "a request of %llu bytes", (unsigned long long)e->out_len);
            vq_push(v, q, e, 0);
            return;
        }
        if (q == CURSOR_QUEUE) {
            type = gpu_cursor(s, e, ld32le(hdr));
        } else {
            type = gpu_command(s, e, ld32le(hdr), body, &len);
        }
        vq_push(v, q, e, respond(e, hdr, type, body, len));
    }
    vq_notify(v, q);
}

/* -- configuration --------------------------------------------------------------------------------------------------
 */

static void gpu_config_read(struct virtio_device *v, u8 *config)
{
    struct virtio_gpu *s = (struct virtio_gpu *)v;
    st32le(config, s->events);
    st32le(config + CONFIG_CLEAR, 0);
    st32le(config + 8, s->conf.max_outputs);
    st32le(config + 12, 0); /* capability sets */
}
static void gpu_config_written(struct virtio_device *v, const u8 *config, unsigned off, unsigned size)
{
    struct virtio_gpu *s = (struct virtio_gpu *)v;
    if (off == CONFIG_CLEAR && size == 4) {
        s->events &= ~ld32le(config + CONFIG_CLEAR);
    }
}

/* -- life -------------------------------------------------------------------------------------------------------- */

static void gpu_reset(struct virtio_device *v)
{
    struct virtio_gpu *s = (struct virtio_gpu *)v;
    if (!v->dev.live) {
        return;
    }
    s->events = 0;
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        s->scanout[i].resource = 0;
        screen_set_pointer(s->scanout[i].screen, NULL);
    }
    gpu_resources_drop(s);
}

static bool gpu_loaded(struct device *d, struct err *e)
{
    struct virtio_gpu *s = (struct virtio_gpu *)d;
    bool running = virtio_running(&s->v);
    gpu_reset(&s->v);
    if (!virtio_device_loaded(d, e)) {
        return false;
    }
    if (running) {
        virtio_break(&s->v, "its pictures are not part of a snapshot");
    }
    return true;
}

static bool gpu_init(struct device *d, struct err *e)
{
    struct virtio_gpu *s = (struct virtio_gpu *)d;
    if (!s->conf.max_outputs || s->conf.max_outputs > GPU_SCANOUTS) {
        return err_set(e, "max_outputs=%u: expected 1 to %d", s->conf.max_outputs, GPU_SCANOUTS);
    }
    if (!s->conf.xres || !s->conf.yres || s->conf.xres > SCREEN_MAX || s->conf.yres > SCREEN_MAX) {
        return err_set(e, "xres=%u, yres=%u: expected 1 to %d", s->conf.xres, s->conf.yres, SCREEN_MAX);
    }
    virtio_init(&s->v, s->conf.edid ? BIT(F_EDID) : 0, &s->conf.common);
    virtio_add_queue(&s->v, CONTROL_SIZE, queue_serve);
    virtio_add_queue(&s->v, CURSOR_SIZE, queue_serve);
    s->resources = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        struct gpu_scanout *o = &s->scanout[i];
        const char *name = arena_printf(&d->machine->arena, "%s%s%.0u", device_name(d), i ? "." : "", i);
        o->gpu = s;
        o->screen = !i && s->conf.screen ? s->conf.screen : screen_new(name, &scanout_ops, o);
        o->wish_w = i ? 0 : s->conf.xres;
        o->wish_h = i ? 0 : s->conf.yres;
    }
    return true;
}

static void gpu_fini(struct device *d)
{
    struct virtio_gpu *s = (struct virtio_gpu *)d;
    gpu_resources_drop(s);
    g_hash_table_destroy(s->resources);
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        if (s->scanout[i].screen != s->conf.screen) {
            screen_free(s->scanout[i].screen);
        }
    }
}

static const struct field gpu_state[] = {VIRTIO_FIELDS(struct virtio_gpu), FIELD(struct virtio_gpu, events), {0}};
static const struct prop gpu_props[] = {VIRTIO_GPU_PROPS(struct virtio_gpu), {0}};
static const struct virtio_class gpu_virtio = {
    .id = VIRTIO_ID_GPU,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_gpu, conf),
    .conf_size = sizeof(struct virtio_gpu_conf),
    .config_read = gpu_config_read,
    .config_written = gpu_config_written,
    .reset = gpu_reset,
};

const struct device_class virtio_gpu_class = {
    .name = "virtio-gpu-device",
    .doc = "virtio graphics adapter",
    .bus = "virtio",
    .size = sizeof(struct virtio_gpu),
    .state = gpu_state,
    .props = gpu_props,
    .init = gpu_init,
    .reset = virtio_device_reset,
    .loaded = gpu_loaded,
    .fini = gpu_fini,
    .bus_class = &gpu_virtio,
};

VIRTIO_PCI_MODERN_CLASS(virtio_gpu, "virtio-gpu-pci", "virtio graphics adapter", struct virtio_gpu_conf,
                        VIRTIO_GPU_PROPS, 0x038000);

/* Requests of virtio-gpu (Virtio 1.2, 5.7.6): resources, their backing in guest memory, scanouts, cursors. Whatever the
 * guest says is checked against the resource it names. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/display/edid.h"
#include "hw/display/virtio_gpu_priv.h"

/* -- pixels ------------------------------------------------------------------------------------------------------- */

/* Bytes of red, green, blue and alpha in a pixel, by format; 4: it is opaque. */
static const struct {
    u8 format, r, g, b, a;
} formats[] = {
    {1, 2, 1, 0, 3},   /* B8G8R8A8 */
    {2, 2, 1, 0, 4},   /* B8G8R8X8 */
    {3, 1, 2, 3, 0},   /* A8R8G8B8 */
    {4, 1, 2, 3, 4},   /* X8R8G8B8 */
    {67, 0, 1, 2, 3},  /* R8G8B8A8 */
    {68, 3, 2, 1, 4},  /* X8B8G8R8 */
    {121, 3, 2, 1, 0}, /* A8B8G8R8 */
    {134, 0, 1, 2, 4}, /* R8G8B8X8 */
};

static int format_find(u32 format)
{
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].format == format) {
            return (int)i;
        }
    }
    return -1;
}

void gpu_line(u32 *out, const struct gpu_resource *r, u32 x, u32 y, u32 n)
{
    const u8 *in = r->px + ((u64)y * r->w + x) * 4;
    int f = format_find(r->format);
    must(f >= 0);
    if (r->format <= 2) {
        u32 alpha = r->format == 2 ? 0xff000000 : 0;
        for (u32 i = 0; i < n; i++) {
            out[i] = ld32le(in + 4 * i) | alpha;
        }
        return;
    }
    for (u32 i = 0; i < n; i++, in += 4) {
        u32 a = formats[f].a < 4 ? in[formats[f].a] : 0xff;
        out[i] = a << 24 | (u32)in[formats[f].r] << 16 | (u32)in[formats[f].g] << 8 | in[formats[f].b];
    }
}

/* -- resources ------------------------------------------------------------------------------------------------------
 */

struct gpu_resource *gpu_resource_find(const struct virtio_gpu *s, u32 id)
{
    return id ? g_hash_table_lookup(s->resources, GUINT_TO_POINTER(id)) : NULL;
}

static void resource_free(struct virtio_gpu *s, struct gpu_resource *r)
{
    s->hostmem -= 4ull * r->w * r->h;
    free(r->px);
    free(r->backing);
    free(r);
}

void gpu_resources_drop(struct virtio_gpu *s)
{
    GHashTableIter it;
    void *r;
    g_hash_table_iter_init(&it, s->resources);
    while (g_hash_table_iter_next(&it, NULL, &r)) {
        resource_free(s, r);
    }
    g_hash_table_remove_all(s->resources);
}

static u32 resource_create(struct virtio_gpu *s, const u8 *q)
{
    u32 id = ld32le(q), format = ld32le(q + 4), w = ld32le(q + 8), h = ld32le(q + 12);
    if (!id || gpu_resource_find(s, id)) {
        return GPU_ERR_RESOURCE;
    }
    if (format_find(format) < 0 || !w || !h || w > SCREEN_MAX || h > SCREEN_MAX) {
        return GPU_ERR_PARAMETER;
    }
    u64 bytes = 4ull * w * h;
    struct gpu_resource *r = NULL;
    if (s->hostmem + bytes > s->conf.max_hostmem || g_hash_table_size(s->resources) >= GPU_MAX_RESOURCES ||
        !(r = calloc(1, sizeof(*r))) || !(r->px = calloc(1, bytes))) {
        free(r);
        return GPU_ERR_OUT_OF_MEMORY;
    }
    r->id = id;
    r->format = format;
    r->w = w;
    r->h = h;
    s->hostmem += bytes;
    g_hash_table_insert(s->resources, GUINT_TO_POINTER(id), r);
    return GPU_OK;
}

static u32 resource_unref(struct virtio_gpu *s, const u8 *q)
{
    struct gpu_resource *r = gpu_resource_find(s, ld32le(q));
    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        if (s->scanout[i].resource == r->id) {
            s->scanout[i].resource = 0;
        }
    }
    g_hash_table_remove(s->resources, GUINT_TO_POINTER(r->id));
    resource_free(s, r);
    return GPU_OK;
}

static u32 backing_attach(struct virtio_gpu *s, const struct vq_elem *e, const u8 *q)
{
    struct gpu_resource *r = gpu_resource_find(s, ld32le(q));
    u32 n = ld32le(q + 4);
    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (r->backing || !n || n > GPU_MAX_ENTRIES || e->out_len < GPU_HDR + 8 + 16ull * n) {
        return GPU_ERR_PARAMETER;
    }
    r->backing = calloc(n, sizeof(*r->backing));
    must(r->backing);
    r->nbacking = n;
    for (u32 i = 0; i < n; i++) {
        u8 b[16];
        iov_read(e->out, e->nout, GPU_HDR + 8 + 16ull * i, b, sizeof(b));
        r->backing[i] = (struct gpu_entry){.addr = ld64le(b), .len = ld32le(b + 8)};
    }
    return GPU_OK;
}

static u32 backing_detach(struct virtio_gpu *s, const u8 *q)
{
    struct gpu_resource *r = gpu_resource_find(s, ld32le(q));
    if (!r || !r->backing) {
        return r ? GPU_ERR_PARAMETER : GPU_ERR_RESOURCE;
    }
    free(r->backing);
    r->backing = NULL;
    r->nbacking = 0;
    return GPU_OK;
}

/* -- pictures -------------------------------------------------------------------------------------------------------
 */

static struct gpu_rect rect_read(const u8 *q)
{
    return (struct gpu_rect){ld32le(q), ld32le(q + 4), ld32le(q + 8), ld32le(q + 12)};
}
static bool rect_inside(struct gpu_rect r, u32 w, u32 h)
{
    return r.w && r.h && r.w <= w && r.h <= h && r.x <= w - r.w && r.y <= h - r.h;
}

/* Bytes of the backing from `off` on. *i and *at: the entry, and where it begins in the backing, of the call before. */
static void backing_read(struct virtio_gpu *s, const struct gpu_resource *r, u64 off, u8 *to, u64 n, unsigned *i,
                         u64 *at)
{
    if (off < *at) {
        *i = 0;
        *at = 0;
    }
    while (n && *i < r->nbacking) {
        const struct gpu_entry *b = &r->backing[*i];
        if (off >= *at + b->len) {
            *at += b->len;
            ++*i;
            continue;
        }
        u64 part = MIN(n, *at + b->len - off);
        mem_read(s->v.dev.dma, b->addr + (off - *at), to, part, (struct mem_attrs){0});
        to += part;
        off += part;
        n -= part;
    }
}

static u32 transfer(struct virtio_gpu *s, const u8 *q)
{
    struct gpu_rect d = rect_read(q);
    u64 off = ld64le(q + 16), at = 0;
    unsigned i = 0;
    struct gpu_resource *r = gpu_resource_find(s, ld32le(q + 24));
    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (!r->backing) {
        return GPU_ERR_UNSPEC;
    }
    if (!rect_inside(d, r->w, r->h) || off > 4ull * r->w * r->h) {
        return GPU_ERR_PARAMETER;
    }
    for (u32 y = 0; y < d.h; y++) {
        backing_read(s, r, off + 4ull * r->w * y, r->px + ((u64)(d.y + y) * r->w + d.x) * 4, 4ull * d.w, &i, &at);
    }
    return GPU_OK;
}

static void dirty_add(struct gpu_rect *to, struct gpu_rect r)
{
    if (!to->w) {
        *to = r;
        return;
    }
    u32 right = MAX(to->x + to->w, r.x + r.w), bottom = MAX(to->y + to->h, r.y + r.h);
    to->x = MIN(to->x, r.x);
    to->y = MIN(to->y, r.y);
    to->w = right - to->x;
    to->h = bottom - to->y;
}

static u32 flush(struct virtio_gpu *s, const u8 *q)
{
    struct gpu_rect d = rect_read(q);
    struct gpu_resource *r = gpu_resource_find(s, ld32le(q + 16));
    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (!rect_inside(d, r->w, r->h)) {
        return GPU_ERR_PARAMETER;
    }
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        struct gpu_scanout *o = &s->scanout[i];
        if (o->resource != r->id) {
            continue;
        }
        u32 x = MAX(d.x, o->from.x), y = MAX(d.y, o->from.y);
        u32 right = MIN(d.x + d.w, o->from.x + o->from.w), bottom = MIN(d.y + d.h, o->from.y + o->from.h);
        if (x < right && y < bottom) {
            dirty_add(&o->dirty, (struct gpu_rect){x - o->from.x, y - o->from.y, right - x, bottom - y});
        }
    }
    return GPU_OK;
}

static u32 set_scanout(struct virtio_gpu *s, const u8 *q)
{
    struct gpu_rect from = rect_read(q);
    u32 n = ld32le(q + 16), id = ld32le(q + 20);
    if (n >= s->conf.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    struct gpu_scanout *o = &s->scanout[n];
    if (!id) {
        o->resource = 0;
        screen_invalidate(o->screen); /* who shares it shows its own again */
        return GPU_OK;
    }
    struct gpu_resource *r = gpu_resource_find(s, id);
    if (!r) {
        return GPU_ERR_RESOURCE;
    }
    if (!rect_inside(from, r->w, r->h)) {
        return GPU_ERR_PARAMETER;
    }
    o->resource = id;
    o->from = from;
    o->dirty = (struct gpu_rect){0, 0, from.w, from.h};
    return GPU_OK;
}

/* -- what there is --------------------------------------------------------------------------------------------------
 */

static u32 display_info(const struct virtio_gpu *s, u8 *out, u32 *len)
{
    memset(out, 0, GPU_SCANOUTS * 24);
    for (unsigned i = 0; i < s->conf.max_outputs; i++) {
        const struct gpu_scanout *o = &s->scanout[i];
        st32le(out + 24 * i + 8, o->wish_w);
        st32le(out + 24 * i + 12, o->wish_h);
        st32le(out + 24 * i + 16, o->wish_w != 0);
    }
    *len = GPU_SCANOUTS * 24;
    return GPU_OK_DISPLAY_INFO;
}

static u32 edid(const struct virtio_gpu *s, const u8 *q, u8 *out, u32 *len)
{
    u32 n = ld32le(q);
    if (!s->conf.edid) {
        return GPU_ERR_UNSPEC;
    }
    if (n >= s->conf.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    const struct gpu_scanout *o = &s->scanout[n];
    memset(out, 0, 8 + 1024);
    st32le(out, EDID_SIZE);
    edid_make(out + 8, o->wish_w ? o->wish_w : s->conf.xres, o->wish_h ? o->wish_h : s->conf.yres);
    *len = 8 + 1024;
    return GPU_OK_EDID;
}

u32 gpu_command(struct virtio_gpu *s, const struct vq_elem *e, u32 type, u8 *out, u32 *len)
{
    u8 q[32] = {0}; /* the longest; what is missing reads as zeros, which name no resource */
    iov_read(e->out, e->nout, GPU_HDR, q, sizeof(q));
    *len = 0;
    switch (type) {
    case GPU_GET_DISPLAY_INFO:
        return display_info(s, out, len);
    case GPU_RESOURCE_CREATE_2D:
        return resource_create(s, q);
    case GPU_RESOURCE_UNREF:
        return resource_unref(s, q);
    case GPU_SET_SCANOUT:
        return set_scanout(s, q);
    case GPU_RESOURCE_FLUSH:
        return flush(s, q);
    case GPU_TRANSFER_TO_HOST_2D:
        return transfer(s, q);
    case GPU_RESOURCE_ATTACH_BACKING:
        return backing_attach(s, e, q);
    case GPU_RESOURCE_DETACH_BACKING:
        return backing_detach(s, q);
    case GPU_GET_EDID:
        return edid(s, q, out, len);
    default:
        unimp(device_name(&s->v.dev), "request 0x%x", type);
        return GPU_ERR_UNSPEC;
    }
}

/* -- cursors --------------------------------------------------------------------------------------------------------
 */

static u32 cursor_picture(struct gpu_scanout *o, const u8 *q)
{
    u32 id = ld32le(q + 16);
    struct gpu_resource *r = gpu_resource_find(o->gpu, id);
    if (!id) {
        screen_set_pointer(o->screen, NULL);
        return GPU_OK;
    }
    if (!r || r->w > 256 || r->h > 256) {
        return r ? GPU_ERR_PARAMETER : GPU_ERR_RESOURCE;
    }
    struct pointer_image *p = malloc(sizeof(*p) + 4ull * r->w * r->h);
    must(p);
    *p = (struct pointer_image){.w = (int)r->w, .h = (int)r->h};
    p->hot_x = (int)MIN(ld32le(q + 20), r->w - 1);
    p->hot_y = (int)MIN(ld32le(q + 24), r->h - 1);
    for (u32 y = 0; y < r->h; y++) {
        gpu_line(p->px + (size_t)y * r->w, r, 0, y, r->w);
    }
    screen_set_pointer(o->screen, p);
    free(p);
    return GPU_OK;
}

u32 gpu_cursor(struct virtio_gpu *s, const struct vq_elem *e, u32 type)
{
    u8 q[32] = {0};
    iov_read(e->out, e->nout, GPU_HDR, q, sizeof(q));
    u32 n = ld32le(q), status = GPU_OK;
    if (n >= s->conf.max_outputs) {
        return GPU_ERR_SCANOUT;
    }
    struct gpu_scanout *o = &s->scanout[n];
    if (type == GPU_UPDATE_CURSOR) {
        status = cursor_picture(o, q);
    } else if (type != GPU_MOVE_CURSOR) {
        return GPU_ERR_UNSPEC;
    }
    int x = (int)MIN(ld32le(q + 4), SCREEN_MAX), y = (int)MIN(ld32le(q + 8), SCREEN_MAX), at_x, at_y;
    bool visible;
    screen_move_pointer(o->screen, x, y, screen_pointer(o->screen, &at_x, &at_y, &visible) != NULL);
    return status;
}

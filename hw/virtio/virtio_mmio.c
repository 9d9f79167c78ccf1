/* virtio over MMIO (Virtio 1.1, 4.2): version 2, and version 1, the legacy interface, which is the default as in QEMU
 * (-global virtio-mmio.force-legacy=false switches).
 *
 * Output pin 0 is the interrupt, level. Not modelled: shared memory regions (they read as absent). */
#include "hw/virtio/virtio_mmio.h"

#include "base/bits.h"
#include "base/log.h"
#include "hw/virtio/virtio_priv.h"

#define CONFIG 0x100u
enum { LEGACY_ALIGN = 4096 /* of a driver that does not say, as SeaBIOS */ };

struct virtio_mmio {
    struct device dev;
    struct virtio_device *v; /* NULL: nothing plugged in */
    bool legacy, ioeventfd, format_address;
    u32 device_sel, driver_sel, queue_sel;
    u32 page_size, align;     /* legacy */
    u64 desc, driver, device; /* of the selected queue, until QueueReady */
};

bool virtio_mmio_busy(struct device *d)
{
    return ((struct virtio_mmio *)d)->v != NULL;
}

static void irq_update(struct virtio_mmio *s)
{
    device_irq(&s->dev, 0, s->v && s->v->isr);
}

static void mmio_queue_irq(struct device *t, unsigned q)
{
    (void)q;
    irq_update((struct virtio_mmio *)t);
}

static void mmio_config_irq(struct device *t)
{
    irq_update((struct virtio_mmio *)t);
}

static const struct virtio_transport mmio_transport = {
    .queue_irq = mmio_queue_irq, .config_irq = mmio_config_irq, .refresh = mmio_config_irq};

/* -- registers --------------------------------------------------------------------------------------------------- */

enum {
    LEGACY = 1,
    MODERN = 2,
    BOTH = 3,
};

static struct virtqueue *selected(struct virtio_mmio *s)
{
    return virtio_queue(s->v, s->queue_sel);
}

static u32 magic_read(struct virtio_mmio *s)
{
    (void)s;
    return 0x74726976; /* "virt" */
}
static u32 version_read(struct virtio_mmio *s)
{
    return s->legacy ? 1 : 2;
}
static u32 device_id_read(struct virtio_mmio *s)
{
    return s->v ? s->v->vc->id : 0;
}
static u32 vendor_id_read(struct virtio_mmio *s)
{
    (void)s;
    return 0x554d4551; /* "QEMU": drivers and scripts know it */
}

static u32 device_features_read(struct virtio_mmio *s)
{
    u64 f = s->legacy ? (u32)s->v->offered : s->v->offered & ~BIT(VIRTIO_F_ANY_LAYOUT);
    return s->device_sel < 2 ? (u32)(f >> (32 * s->device_sel)) : 0;
}
static void device_features_sel_write(struct virtio_mmio *s, u32 v)
{
    s->device_sel = v;
}
static void driver_features_write(struct virtio_mmio *s, u32 v)
{
    if (s->driver_sel == 0 || !s->legacy) {
        virtio_set_features(s->v, s->driver_sel, v);
    }
}
static void driver_features_sel_write(struct virtio_mmio *s, u32 v)
{
    s->driver_sel = v;
}

static void guest_page_size_write(struct virtio_mmio *s, u32 v)
{
    s->page_size = is_pow2(v) ? v : 0;
}
static void queue_sel_write(struct virtio_mmio *s, u32 v)
{
    s->queue_sel = v;
    struct virtqueue *q = selected(s);
    s->desc = q ? q->desc : 0;
    s->driver = q ? q->driver : 0;
    s->device = q ? q->device : 0;
}
static u32 queue_num_max_read(struct virtio_mmio *s)
{
    struct virtqueue *q = selected(s);
    return q ? q->num_max : 0;
}
static void queue_num_write(struct virtio_mmio *s, u32 v)
{
    virtio_set_num(s->v, s->queue_sel, v);
}
static void queue_align_write(struct virtio_mmio *s, u32 v)
{
    s->align = v;
}
static u32 queue_pfn_read(struct virtio_mmio *s)
{
    struct virtqueue *q = selected(s);
    return q && s->page_size ? (u32)(q->desc / s->page_size) : 0;
}
static void queue_pfn_write(struct virtio_mmio *s, u32 v)
{
    if (v && !s->page_size) {
        guest_error(device_name(&s->dev), "QueuePFN before GuestPageSize");
        return;
    }
    virtio_set_legacy_ring(s->v, s->queue_sel, (u64)v * s->page_size, s->align ? s->align : LEGACY_ALIGN);
}
static u32 queue_ready_read(struct virtio_mmio *s)
{
    struct virtqueue *q = selected(s);
    return q && q->ready;
}
static void queue_ready_write(struct virtio_mmio *s, u32 v)
{
    struct virtqueue *q = selected(s);
    if (q && v & 1) {
        q->desc = s->desc;
        q->driver = s->driver;
        q->device = s->device;
    }
    virtio_set_ready(s->v, s->queue_sel, v & 1);
}
static void queue_notify_write(struct virtio_mmio *s, u32 v)
{
    virtio_kick(s->v, v);
}

static u32 interrupt_status_read(struct virtio_mmio *s)
{
    return s->v->isr;
}
static void interrupt_ack_write(struct virtio_mmio *s, u32 v)
{
    s->v->isr &= (u8)~v;
    irq_update(s);
}
static u32 status_read(struct virtio_mmio *s)
{
    return s->v->status;
}
static void transport_reset(struct virtio_mmio *s)
{
    s->device_sel = s->driver_sel = s->queue_sel = 0;
    s->align = 0; /* the page size stays: Linux writes it once, before it resets the device */
    s->desc = s->driver = s->device = 0;
}
static void status_write(struct virtio_mmio *s, u32 v)
{
    virtio_set_status(s->v, (u8)v);
    if (!(u8)v) {
        transport_reset(s);
    } else if (s->legacy && v & VIRTIO_S_FEATURES_OK) {
        s->v->status |= VIRTIO_S_FEATURES_OK; /* SeaBIOS sets it here too, and wants to see it */
    }
    irq_update(s);
}

static void addr_half(u64 *addr, unsigned half, u32 v)
{
    *addr = deposit(*addr, 32 * half, 32, v);
}
static void desc_low_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->desc, 0, v);
}
static void desc_high_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->desc, 1, v);
}
static void driver_low_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->driver, 0, v);
}
static void driver_high_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->driver, 1, v);
}
static void device_low_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->device, 0, v);
}
static void device_high_write(struct virtio_mmio *s, u32 v)
{
    addr_half(&s->device, 1, v);
}
static u32 absent_read(struct virtio_mmio *s)
{
    (void)s;
    return ~0u;
}
static u32 generation_read(struct virtio_mmio *s)
{
    return s->v->generation;
}

// clang-format off
static const struct mmio_reg {
    u16 off;
    u8 in; /* which versions have it */
    const char *name;
    u32 (*read)(struct virtio_mmio *s);
    void (*write)(struct virtio_mmio *s, u32 v);
} regs[] = {
    { 0x000, BOTH,   "MagicValue",        magic_read,            NULL },
    { 0x004, BOTH,   "Version",           version_read,          NULL },
    { 0x008, BOTH,   "DeviceID",          device_id_read,        NULL },
    { 0x00c, BOTH,   "VendorID",          vendor_id_read,        NULL },
    { 0x010, BOTH,   "DeviceFeatures",    device_features_read,  NULL },
    { 0x014, BOTH,   "DeviceFeaturesSel", NULL,                  device_features_sel_write },
    { 0x020, BOTH,   "DriverFeatures",    NULL,                  driver_features_write },
    { 0x024, BOTH,   "DriverFeaturesSel", NULL,                  driver_features_sel_write },
    { 0x028, LEGACY, "GuestPageSize",     NULL,                  guest_page_size_write },
    { 0x030, BOTH,   "QueueSel",          NULL,                  queue_sel_write },
    { 0x034, BOTH,   "QueueNumMax",       queue_num_max_read,    NULL },
    { 0x038, BOTH,   "QueueNum",          NULL,                  queue_num_write },
    { 0x03c, LEGACY, "QueueAlign",        NULL,                  queue_align_write },
    { 0x040, LEGACY, "QueuePFN",          queue_pfn_read,        queue_pfn_write },
    { 0x044, MODERN, "QueueReady",        queue_ready_read,      queue_ready_write },
    { 0x050, BOTH,   "QueueNotify",       NULL,                  queue_notify_write },
    { 0x060, BOTH,   "InterruptStatus",   interrupt_status_read, NULL },
    { 0x064, BOTH,   "InterruptACK",      NULL,                  interrupt_ack_write },
    { 0x070, BOTH,   "Status",            status_read,           status_write },
    { 0x080, MODERN, "QueueDescLow",      NULL,                  desc_low_write },
    { 0x084, MODERN, "QueueDescHigh",     NULL,                  desc_high_write },
    { 0x090, MODERN, "QueueDriverLow",    NULL,                  driver_low_write },
    { 0x094, MODERN, "QueueDriverHigh",   NULL,                  driver_high_write },
    { 0x0a0, MODERN, "QueueDeviceLow",    NULL,                  device_low_write },
    { 0x0a4, MODERN, "QueueDeviceHigh",   NULL,                  device_high_write },
    { 0x0ac, MODERN, "SHMSel",            NULL,                  NULL },
    { 0x0b0, MODERN, "SHMLenLow",         absent_read,           NULL },
    { 0x0b4, MODERN, "SHMLenHigh",        absent_read,           NULL },
    { 0x0b8, MODERN, "SHMBaseLow",        absent_read,           NULL },
    { 0x0bc, MODERN, "SHMBaseHigh",       absent_read,           NULL },
    { 0x0fc, MODERN, "ConfigGeneration",  generation_read,       NULL },
};
// clang-format on

static const struct mmio_reg *reg_find(const struct virtio_mmio *s, u64 off)
{
    for (unsigned i = 0; i < ARRAY_LEN(regs); i++) {
        if (regs[i].off == off && regs[i].in & (s->legacy ? LEGACY : MODERN)) {
            return &regs[i];
        }
    }
    return NULL;
}

static enum mem_result mmio_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct virtio_mmio *s = opaque;
    (void)a;
    *val = 0;
    if (off >= CONFIG) {
        *val = s->v ? virtio_config_load(s->v, (unsigned)off - CONFIG, size) : 0;
        return MEM_OK;
    }
    const struct mmio_reg *r = size == 4 ? reg_find(s, off) : NULL;
    if (!r || !r->read) {
        guest_error(device_name(&s->dev), "read of %u bytes at 0x%x, where there is nothing to read", size,
                    (unsigned)off);
    } else if (s->v || off <= 0x00c) {
        *val = r->read(s);
    }
    return MEM_OK;
}

static enum mem_result mmio_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct virtio_mmio *s = opaque;
    (void)a;
    if (!s->v) {
        return MEM_OK;
    }
    if (off >= CONFIG) {
        virtio_config_store(s->v, (unsigned)off - CONFIG, size, (u32)val);
        return MEM_OK;
    }
    const struct mmio_reg *r = size == 4 ? reg_find(s, off) : NULL;
    if (!r || (!r->write && off != 0x0ac)) {
        guest_error(device_name(&s->dev), "write of %u bytes at 0x%x, where there is nothing to write", size,
                    (unsigned)off);
    } else if (r->write) {
        r->write(s, (u32)val);
    }
    return MEM_OK;
}

static const struct mem_ops mmio_ops = {.read = mmio_read, .write = mmio_write, .min_size = 1, .max_size = 4};

/* -- device ------------------------------------------------------------------------------------------------------ */

static bool mmio_plug(struct device *owner, struct device *child, struct err *e)
{
    struct virtio_mmio *s = (struct virtio_mmio *)owner;
    if (s->v) {
        return err_set(e, "%s has a device already", device_name(owner));
    }
    s->v = (struct virtio_device *)child;
    virtio_attach(s->v, &mmio_transport, owner);
    return true;
}

static void mmio_reset(struct device *d)
{
    device_irq(d, 0, 0);
}

static bool mmio_loaded(struct device *d, struct err *e)
{
    (void)e;
    irq_update((struct virtio_mmio *)d);
    return true;
}

static const struct field mmio_state[] = {
    FIELD(struct virtio_mmio, legacy, .flags = F_CONFIG),
    FIELD(struct virtio_mmio, device_sel),
    FIELD(struct virtio_mmio, driver_sel),
    FIELD(struct virtio_mmio, queue_sel),
    FIELD(struct virtio_mmio, page_size),
    FIELD(struct virtio_mmio, align),
    FIELD(struct virtio_mmio, desc),
    FIELD(struct virtio_mmio, driver),
    FIELD(struct virtio_mmio, device),
    {0},
};

static const struct prop mmio_props[] = {
    PROP("force-legacy", PROP_BOOL, struct virtio_mmio, legacy, "on", "version 1 of the interface"),
    PROP("ioeventfd", PROP_BOOL, struct virtio_mmio, ioeventfd, "on", "accepted, changes nothing"),
    PROP("format_transport_address", PROP_BOOL, struct virtio_mmio, format_address, "on", "accepted, changes nothing"),
    {0},
};

static void mmio_fw_path(const struct device *d, struct buf *out)
{
    buf_printf(out, "/virtio-mmio@%016llx", (unsigned long long)d->mmio.base);
}

const struct device_class virtio_mmio_class = {
    .name = "virtio-mmio",
    .doc = "virtio over MMIO",
    .bus = "sysbus",
    .provides = "virtio",
    .bus_slots = 1,
    .compatible = "virtio,mmio\0",
    .fdt_name = "virtio_mmio",
    .irq_edge = true,
    .fw_path = mmio_fw_path,
    .size = sizeof(struct virtio_mmio),
    .mmio_size = 0x200,
    .nirqs = 1,
    .state = mmio_state,
    .ops = &mmio_ops,
    .props = mmio_props,
    .reset = mmio_reset,
    .loaded = mmio_loaded,
    .plug = mmio_plug,
};

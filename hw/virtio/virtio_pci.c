/* virtio over PCI (Virtio 1.1, 4.1): the modern interface in a memory BAR, and the legacy one in an I/O BAR; both at
 * once make a transitional device, which is what one gets on a root bus unless told otherwise, as in QEMU.
 *
 *   BAR 0  legacy registers, I/O           BAR 1  MSI-X
 *   BAR 4  modern: 0x0000 common, 0x1000 ISR, 0x2000 device configuration, 0x3000 notify (4 bytes a queue)
 *
 * Not modelled: bus master enable for what is not an interrupt, notifications by I/O port in the modern interface,
 * resetting a single queue. */
#include "hw/virtio/virtio_pci.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/opts.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio_priv.h"

#define COMMON            0x0000u
#define ISR               0x1000u
#define DEVICE_CONFIG     0x2000u
#define NOTIFY            0x3000u
#define MODERN_SIZE       0x4000u
#define NOTIFY_MULTIPLIER 4u

enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };

/* -- interrupts --------------------------------------------------------------------------------------------------- */

static void intx_update(struct virtio_pci *s)
{
    pci_set_intx(&s->pci, s->v->isr && !pci_msix_enabled(&s->pci));
}

static void messages_switched(struct pci_device *p)
{
    intx_update((struct virtio_pci *)p);
}

static void pci_queue_irq(struct device *t, unsigned q)
{
    struct virtio_pci *s = (struct virtio_pci *)t;
    if (pci_msix_enabled(&s->pci)) {
        pci_msix_notify(&s->pci, s->v->vq[q].vector);
    } else {
        intx_update(s);
    }
}

static void pci_config_irq(struct device *t)
{
    struct virtio_pci *s = (struct virtio_pci *)t;
    if (pci_msix_enabled(&s->pci)) {
        pci_msix_notify(&s->pci, s->config_vector);
    } else {
        intx_update(s);
    }
}

static void pci_refresh(struct device *t)
{
    intx_update((struct virtio_pci *)t);
}

static const struct virtio_transport pci_transport = {
    .many_vectors = true, .queue_irq = pci_queue_irq, .config_irq = pci_config_irq, .refresh = pci_refresh};

/* -- what both interfaces have ------------------------------------------------------------------------------------- */

static struct virtqueue *selected(struct virtio_pci *s)
{
    return virtio_queue(s->v, s->queue_sel);
}

static u16 vector_check(struct virtio_pci *s, u64 v)
{
    return v < s->pci.msix_count ? (u16)v : VIRTIO_NO_VECTOR;
}

static u64 isr_read(struct virtio_pci *s)
{
    u8 isr = s->v->isr;
    s->v->isr = 0;
    intx_update(s);
    return isr;
}
static u64 status_read(struct virtio_pci *s)
{
    return s->v->status;
}
static void transport_reset(struct virtio_pci *s)
{
    s->device_sel = s->driver_sel = s->queue_sel = 0;
    s->config_vector = VIRTIO_NO_VECTOR;
}
static void status_write(struct virtio_pci *s, u64 v)
{
    virtio_set_status(s->v, (u8)v);
    if (!(u8)v) {
        transport_reset(s);
    }
    intx_update(s);
}
static u64 queue_sel_read(struct virtio_pci *s)
{
    return s->queue_sel;
}
static void queue_sel_write(struct virtio_pci *s, u64 v)
{
    s->queue_sel = (u16)v;
}
static u64 queue_num_read(struct virtio_pci *s)
{
    struct virtqueue *q = selected(s);
    return q ? q->num : 0;
}
static u64 config_vector_read(struct virtio_pci *s)
{
    return s->config_vector;
}
static void config_vector_write(struct virtio_pci *s, u64 v)
{
    s->config_vector = vector_check(s, v);
}
static u64 queue_vector_read(struct virtio_pci *s)
{
    struct virtqueue *q = selected(s);
    return q ? q->vector : VIRTIO_NO_VECTOR;
}
static void queue_vector_write(struct virtio_pci *s, u64 v)
{
    struct virtqueue *q = selected(s);
    if (q) {
        q->vector = vector_check(s, v);
    }
}

/* -- modern -------------------------------------------------------------------------------------------------------- */

static u64 device_sel_read(struct virtio_pci *s)
{
    return s->device_sel;
}
static void device_sel_write(struct virtio_pci *s, u64 v)
{
    s->device_sel = (u32)v;
}
static u64 device_feature_read(struct virtio_pci *s)
{
    u64 f = s->v->offered & ~BIT(VIRTIO_F_ANY_LAYOUT);
    return s->device_sel < 2 ? f >> (32 * s->device_sel) & UINT32_MAX : 0;
}
static u64 driver_sel_read(struct virtio_pci *s)
{
    return s->driver_sel;
}
static void driver_sel_write(struct virtio_pci *s, u64 v)
{
    s->driver_sel = (u32)v;
}
static u64 driver_feature_read(struct virtio_pci *s)
{
    return s->driver_sel < 2 ? s->v->features >> (32 * s->driver_sel) & UINT32_MAX : 0;
}
static void driver_feature_write(struct virtio_pci *s, u64 v)
{
    virtio_set_features(s->v, s->driver_sel, (u32)v);
}
static u64 num_queues_read(struct virtio_pci *s)
{
    return s->v->nqueues;
}
static u64 generation_read(struct virtio_pci *s)
{
    return (u8)s->v->generation;
}
static void queue_num_write(struct virtio_pci *s, u64 v)
{
    virtio_set_num(s->v, s->queue_sel, (unsigned)v);
}
static u64 queue_enable_read(struct virtio_pci *s)
{
    struct virtqueue *q = selected(s);
    return q && q->ready;
}
static void queue_enable_write(struct virtio_pci *s, u64 v)
{
    if (v == 1) {
        virtio_set_ready(s->v, s->queue_sel, true);
    } else {
        virtio_break(s->v, "queue_enable written as %u", (unsigned)v);
    }
}
static u64 notify_off_read(struct virtio_pci *s)
{
    return s->queue_sel;
}

/* Addresses of a queue in use stay. */
static void addr_write(struct virtio_pci *s, size_t off, unsigned half, u64 v)
{
    struct virtqueue *q = selected(s);
    if (q && !q->ready) {
        u64 *addr = (u64 *)((u8 *)q + off);
        *addr = deposit(*addr, 32 * half, 32, v);
    }
}
static u64 addr_read(struct virtio_pci *s, size_t off, unsigned half)
{
    struct virtqueue *q = selected(s);
    return q ? bits(*(u64 *)((u8 *)q + off), 32 * half, 32) : 0;
}
#define ADDR(name) \
    static u64 name##_low_read(struct virtio_pci *s) \
    { \
        return addr_read(s, offsetof(struct virtqueue, name), 0); \
    } \
    static u64 name##_high_read(struct virtio_pci *s) \
    { \
        return addr_read(s, offsetof(struct virtqueue, name), 1); \
    } \
    static void name##_low_write(struct virtio_pci *s, u64 v) \
    { \
        addr_write(s, offsetof(struct virtqueue, name), 0, v); \
    } \
    static void name##_high_write(struct virtio_pci *s, u64 v) \
    { \
        addr_write(s, offsetof(struct virtqueue, name), 1, v); \
    }
ADDR(desc)
ADDR(driver)
ADDR(device)

/* -- legacy ------------------------------------------------------------------------------------------------------ */

static u64 legacy_device_features_read(struct virtio_pci *s)
{
    return (u32)s->v->offered;
}
static u64 legacy_driver_features_read(struct virtio_pci *s)
{
    return (u32)s->v->features;
}
static void legacy_driver_features_write(struct virtio_pci *s, u64 v)
{
    virtio_set_features(s->v, 0, (u32)v);
}
static u64 pfn_read(struct virtio_pci *s)
{
    struct virtqueue *q = selected(s);
    return q ? (u32)(q->desc >> 12) : 0;
}
static void pfn_write(struct virtio_pci *s, u64 v)
{
    virtio_set_legacy_ring(s->v, s->queue_sel, (u64)(u32)v << 12, 4096);
}
static void legacy_notify_write(struct virtio_pci *s, u64 v)
{
    virtio_kick(s->v, (unsigned)v);
}

/* -- register tables --------------------------------------------------------------------------------------------- */

struct virtio_pci_reg {
    u8 off, size;
    const char *name; /* NULL ends */
    u64 (*read)(struct virtio_pci *s);
    void (*write)(struct virtio_pci *s, u64 v);
};

// clang-format off
static const struct virtio_pci_reg common_regs[] = {
    { 0x00, 4, "device_feature_select", device_sel_read,     device_sel_write },
    { 0x04, 4, "device_feature",        device_feature_read, NULL },
    { 0x08, 4, "driver_feature_select", driver_sel_read,     driver_sel_write },
    { 0x0c, 4, "driver_feature",        driver_feature_read, driver_feature_write },
    { 0x10, 2, "config_msix_vector",    config_vector_read,  config_vector_write },
    { 0x12, 2, "num_queues",            num_queues_read,     NULL },
    { 0x14, 1, "device_status",         status_read,         status_write },
    { 0x15, 1, "config_generation",     generation_read,     NULL },
    { 0x16, 2, "queue_select",          queue_sel_read,      queue_sel_write },
    { 0x18, 2, "queue_size",            queue_num_read,      queue_num_write },
    { 0x1a, 2, "queue_msix_vector",     queue_vector_read,   queue_vector_write },
    { 0x1c, 2, "queue_enable",          queue_enable_read,   queue_enable_write },
    { 0x1e, 2, "queue_notify_off",      notify_off_read,     NULL },
    { 0x20, 4, "queue_desc",            desc_low_read,       desc_low_write },
    { 0x24, 4, "queue_desc",            desc_high_read,      desc_high_write },
    { 0x28, 4, "queue_driver",          driver_low_read,     driver_low_write },
    { 0x2c, 4, "queue_driver",          driver_high_read,    driver_high_write },
    { 0x30, 4, "queue_device",          device_low_read,     device_low_write },
    { 0x34, 4, "queue_device",          device_high_read,    device_high_write },
    {0},
};
static const struct virtio_pci_reg legacy_regs[] = {
    { 0x00, 4, "Device Features", legacy_device_features_read, NULL },
    { 0x04, 4, "Driver Features", legacy_driver_features_read, legacy_driver_features_write },
    { 0x08, 4, "Queue Address",   pfn_read,                    pfn_write },
    { 0x0c, 2, "queue_size",      queue_num_read,              NULL },
    { 0x0e, 2, "queue_select",    queue_sel_read,              queue_sel_write },
    { 0x10, 2, "Queue Notify",    NULL,                        legacy_notify_write },
    { 0x12, 1, "Device Status",   status_read,                 status_write },
    { 0x13, 1, "ISR Status",      isr_read,                    NULL },
    {0},
};
/* Behind them while MSI-X is enabled; the device's configuration follows. */
static const struct virtio_pci_reg legacy_msix_regs[] = {
    { 0x14, 2, "config_msix_vector", config_vector_read, config_vector_write },
    { 0x16, 2, "queue_msix_vector",  queue_vector_read,  queue_vector_write },
    {0},
};
// clang-format on

static const struct virtio_pci_reg *reg_find(const struct virtio_pci_reg *t, u64 off)
{
    while (t->name && (off < t->off || off >= t->off + t->size)) {
        t++;
    }
    return t->name ? t : NULL;
}

static u64 regs_read(struct virtio_pci *s, const struct virtio_pci_reg *t, u64 off, unsigned size)
{
    const struct virtio_pci_reg *r = reg_find(t, off);
    u64 v = 0;
    for (unsigned done = 0; r && done < size; r = reg_find(t, off + done)) {
        unsigned skip = (unsigned)(off + done - r->off), part = MIN(size - done, r->size - skip);
        v |= (r->read ? r->read(s) >> (8 * skip) & MASK(8 * part) : 0) << (8 * done);
        done += part;
    }
    return v;
}

static void regs_write(struct virtio_pci *s, const struct virtio_pci_reg *t, u64 off, unsigned size, u64 v)
{
    const struct virtio_pci_reg *r = reg_find(t, off);
    if (!r || !r->write || r->off != off || r->size != size) {
        guest_error(device_name(&s->pci.dev), "write of %u bytes at 0x%x%s%s", size, (unsigned)off, r ? ", in " : "",
                    r ? r->name : "");
    } else {
        r->write(s, v);
    }
}

/* -- BARs -------------------------------------------------------------------------------------------------------- */

static enum mem_result modern_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct virtio_pci *s = opaque;
    (void)a;
    *val = 0;
    if (off < ISR) {
        *val = regs_read(s, common_regs, off, size);
    } else if (off < DEVICE_CONFIG) {
        *val = off == ISR ? isr_read(s) : 0;
    } else if (off < NOTIFY) {
        *val = virtio_config_load(s->v, (unsigned)(off - DEVICE_CONFIG), size);
    }
    return MEM_OK;
}

static enum mem_result modern_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct virtio_pci *s = opaque;
    (void)a;
    if (off < ISR) {
        regs_write(s, common_regs, off, size, val);
    } else if (off >= NOTIFY) {
        virtio_kick(s->v, (unsigned)(off - NOTIFY) / NOTIFY_MULTIPLIER);
    } else if (off >= DEVICE_CONFIG) {
        virtio_config_store(s->v, (unsigned)(off - DEVICE_CONFIG), size, (u32)val);
    }
    return MEM_OK;
}

static const struct mem_ops modern_ops = {.read = modern_read, .write = modern_write, .min_size = 1, .max_size = 4};

static unsigned legacy_config(const struct virtio_pci *s)
{
    return pci_msix_enabled(&s->pci) ? 0x18 : 0x14;
}

static enum mem_result legacy_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct virtio_pci *s = opaque;
    (void)a;
    if (off < 0x14) {
        *val = regs_read(s, legacy_regs, off, size);
    } else if (off < legacy_config(s)) {
        *val = regs_read(s, legacy_msix_regs, off, size);
    } else {
        *val = virtio_config_load(s->v, (unsigned)off - legacy_config(s), size);
    }
    return MEM_OK;
}

static enum mem_result legacy_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct virtio_pci *s = opaque;
    (void)a;
    if (off < 0x14) {
        regs_write(s, legacy_regs, off, size, val);
    } else if (off < legacy_config(s)) {
        regs_write(s, legacy_msix_regs, off, size, val);
    } else {
        virtio_config_store(s->v, (unsigned)off - legacy_config(s), size, (u32)val);
    }
    return MEM_OK;
}

static const struct mem_ops legacy_ops = {.read = legacy_read, .write = legacy_write, .min_size = 1, .max_size = 4};

/* -- the way through configuration space (4.1.4.8): u8 bar at 4, u32 offset at 8, u32 length at 12, data at 16 -- */

static bool window_meant(struct virtio_pci *s, unsigned off, unsigned size, u32 *at, u32 *len)
{
    const u8 *cap = s->pci.config + s->cfg_cap;
    unsigned data = s->cfg_cap + 16u;
    *at = ld32le(cap + 8);
    *len = ld32le(cap + 12);
    bool sized = *len == 1 || *len == 2 || *len == 4;
    return s->cfg_cap && off < data + 4 && off + size > data && cap[4] == BAR_MODERN && sized && *at % *len == 0 &&
           *at < MODERN_SIZE;
}

static void window_read(struct pci_device *p, unsigned off, unsigned size)
{
    struct virtio_pci *s = (struct virtio_pci *)p;
    u32 at, len;
    u64 v;
    if (window_meant(s, off, size, &at, &len)) {
        mem_region_load(&s->mmio, at, len, &v, (struct mem_attrs){0});
        stnle(p->config + s->cfg_cap + 16, len, v);
    }
}

static void window_write(struct pci_device *p, unsigned off, unsigned size)
{
    struct virtio_pci *s = (struct virtio_pci *)p;
    u32 at, len;
    if (window_meant(s, off, size, &at, &len)) {
        mem_region_store(&s->mmio, at, len, ldnle(p->config + s->cfg_cap + 16, len), (struct mem_attrs){0});
    }
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static void add_capability(struct virtio_pci *s, u8 type, u8 size, u32 offset, u32 length)
{
    u8 at = pci_add_cap(&s->pci, PCI_CAP_ID_VENDOR, size);
    pci_row(&s->pci, at + 2, 1, size, 0, 0);
    pci_row(&s->pci, at + 3, 1, type, 0, 0);
    pci_row(&s->pci, at + 4, 1, BAR_MODERN, 0, 0);
    pci_row(&s->pci, at + 8, 4, offset, 0, 0);
    pci_row(&s->pci, at + 12, 4, length, 0, 0);
    if (type == 2) {
        pci_row(&s->pci, at + 16, 4, NOTIFY_MULTIPLIER, 0, 0);
    } else if (type == 5) {
        s->cfg_cap = at;
        pci_row(&s->pci, at + 4, 1, 0, 0xff, 0);
        pci_row(&s->pci, at + 8, 4, 0, ~0u, 0);
        pci_row(&s->pci, at + 12, 4, 0, ~0u, 0);
        pci_row(&s->pci, at + 16, 4, 0, ~0u, 0);
    }
}

static void add_modern(struct virtio_pci *s)
{
    add_capability(s, 1, 16, COMMON, 0x1000);
    add_capability(s, 3, 16, ISR, 0x1000);
    add_capability(s, 4, 16, DEVICE_CONFIG, 0x1000);
    add_capability(s, 2, 20, NOTIFY, 0x1000);
    add_capability(s, 5, 20, 0, 0);
    s->mmio = (struct mem_region){
        .name = "virtio-pci", .kind = MEM_MMIO, .size = MODERN_SIZE, .ops = &modern_ops, .opaque = s};
    pci_add_bar(&s->pci, BAR_MODERN, PCI_BAR_MEM64, true, &s->mmio);
    s->pci.config_reading = window_read;
    s->pci.config_written = window_write;
}

static void add_legacy(struct virtio_pci *s)
{
    u64 size = 32;
    while (size < 0x18u + s->v->vc->config_size) {
        size *= 2;
    }
    s->io = (struct mem_region){
        .name = "virtio-pci-legacy", .kind = MEM_MMIO, .size = size, .ops = &legacy_ops, .opaque = s};
    pci_add_bar(&s->pci, BAR_LEGACY, PCI_BAR_IO, false, &s->io);
}

static bool interfaces_choose(struct virtio_pci *s, enum virtio_pci_kind kind, struct err *e)
{
    bool disable_legacy = false;
    if (strcmp(s->disable_legacy, "auto") && !parse_bool(s->disable_legacy, &disable_legacy)) {
        return err_set(e, "disable-legacy=%s: it wants on, off or auto", s->disable_legacy);
    }
    s->legacy = kind == VIRTIO_PCI_TRANSITIONAL || (kind == VIRTIO_PCI_GENERIC && !disable_legacy);
    s->modern = kind != VIRTIO_PCI_GENERIC || !s->disable_modern;
    if (!s->legacy && !s->modern) {
        return err_set(e, "disable-legacy and disable-modern together leave no interface");
    }
    if (s->iommu_platform) {
        return err_set(e, "iommu_platform=on needs an IOMMU, which no machine here has");
    }
    return true;
}

static void ident_set(struct virtio_pci *s, u32 class_code)
{
    static const u16 transitional[] = {
        [VIRTIO_ID_NET] = 0x1000,     [VIRTIO_ID_BLOCK] = 0x1001, [VIRTIO_ID_BALLOON] = 0x1002,
        [VIRTIO_ID_CONSOLE] = 0x1003, [VIRTIO_ID_SCSI] = 0x1004,  [VIRTIO_ID_RNG] = 0x1005};
    u16 id = s->v->vc->id;
    bool old = s->legacy && id < ARRAY_LEN(transitional) && transitional[id];
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x1af4,
                                          .device = old ? transitional[id] : 0x1040 + id,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = old ? id : 0x1100,
                                          .class_code = class_code,
                                          .revision = old ? 0 : 1,
                                          .interrupt_pin = 1});
}

/* A card that firmware can boot from brings the code for it. */
bool virtio_pci_init(struct device *d, struct err *e)
{
    enum { NETWORK_CLASS = 0x020000 };
    struct virtio_pci *s = (struct virtio_pci *)d;
    const struct virtio_pci_class *info = d->cls->bus_class;
    if (!interfaces_choose(s, info->kind, e)) {
        return false;
    }
    const char *id = d->id ? arena_printf(&d->machine->arena, "%s.virtio", d->id) : NULL;
    struct device *child = device_new(d->machine, info->device, id);
    const struct virtio_class *vc = info->device->bus_class;
    memcpy((u8 *)child + vc->conf_off, (const u8 *)d + info->conf_off, vc->conf_size);
    child->parent = d;
    s->v = (struct virtio_device *)child;
    virtio_attach(s->v, &pci_transport, d);
    ident_set(s, info->class_code);
    if (!device_init(child, e)) {
        return false;
    }
    unsigned vectors = s->vectors;
    if (vectors == UINT32_MAX) {
        vectors = vc->vectors ? vc->vectors : s->v->nqueues + 1;
    }
    if (vectors) {
        pci_msix_init(&s->pci, BAR_MSIX, MIN(vectors, PCI_MSIX_VECTORS));
        s->pci.messages_switched = messages_switched;
    }
    if (s->modern) {
        add_modern(s);
    }
    if (s->legacy) {
        add_legacy(s);
    }
    return info->class_code != NETWORK_CLASS || pci_add_rom(&s->pci, "efi-virtio.rom", e);
}

void virtio_pci_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}

bool virtio_pci_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}

void virtio_pci_fw_path(const struct device *d, struct buf *out)
{
    const struct virtio_pci *s = (const struct virtio_pci *)d;
    const struct virtio_pci_class *c = d->cls->bus_class;
    static const char *const names[] = {[1] = "scsi", [2] = "ethernet"}; /* by class code */
    unsigned base = c->class_code >> 16, slot = s->pci.devfn >> 3, function = s->pci.devfn & 7;
    buf_printf(out, "/%s@%x", base < ARRAY_LEN(names) && names[base] ? names[base] : "pci", slot);
    if (function) {
        buf_printf(out, ",%x", function);
    }
    if (c->device->fw_path) {
        c->device->fw_path(d, out);
    }
}

bool virtio_pci_plug(struct device *owner, struct device *child, struct err *e)
{
    struct device *inner = &((struct virtio_pci *)owner)->v->dev;
    must(inner->cls->plug);
    return inner->cls->plug(inner, child, e);
}

/* The life of a device: made, given properties, plugged, initialised, reset, saved, ended. */
#include "hw/core/device.h"

#include <string.h>

#include "hw/core/machine.h"

const char *device_name(const struct device *d)
{
    return d->id ? d->id : d->cls->name;
}

/* The register window's access: the class's ops or the register table, with the class's sizes. */
static const struct mem_ops *class_ops(struct arena *a, const struct device_class *c)
{
    struct mem_ops *ops = arena_dup(a, c->ops ? c->ops : &device_reg_ops, sizeof(*ops));
    if (c->min_access) {
        ops->min_size = c->min_access;
    }
    if (c->max_access) {
        ops->max_size = c->max_access;
    }
    return ops;
}

/* -- windows with holes: each piece is a region of its own that adds where it begins ------------------------------- */

struct device_piece {
    struct mem_region region;
    struct device *d;
    u64 off;
};

static enum mem_result piece_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct device_piece *p = opaque;
    return p->d->mmio.ops->read(p->d, p->off + off, size, val, a);
}
static enum mem_result piece_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct device_piece *p = opaque;
    return p->d->mmio.ops->write(p->d, p->off + off, size, val, a);
}

static unsigned window_count(const struct device_class *c)
{
    unsigned n = 0;
    while (c->windows && c->windows[n].size) {
        n++;
    }
    return n;
}

static void pieces_make(struct device *d)
{
    unsigned n = window_count(d->cls);
    struct mem_ops *ops = arena_dup(&d->machine->arena, d->mmio.ops, sizeof(*ops));
    ops->read = piece_read;
    ops->write = piece_write;
    d->pieces = arena_alloc(&d->machine->arena, n * sizeof(d->pieces[0]));
    for (unsigned i = 0; i < n; i++) {
        struct device_piece *p = &d->pieces[i];
        must(d->cls->windows[i].off + d->cls->windows[i].size <= d->cls->mmio_size);
        *p = (struct device_piece){.d = d, .off = d->cls->windows[i].off};
        p->region = (struct mem_region){
            .name = device_name(d), .kind = MEM_MMIO, .size = d->cls->windows[i].size, .ops = ops, .opaque = p};
    }
}

void device_map(struct device *d, struct mem_space *space, u64 base, int priority)
{
    if (!d->cls->windows) {
        mem_map_region(space, &d->mmio, base, priority);
        return;
    }
    for (unsigned i = 0; i < window_count(d->cls); i++) {
        mem_map_region(space, &d->pieces[i].region, base + d->pieces[i].off, priority);
    }
}

const struct mem_region *device_region(const struct device *d, unsigned i)
{
    const struct mem_region *r = NULL;
    if (!d->cls->windows) {
        r = i ? NULL : &d->mmio;
    } else if (i < window_count(d->cls)) {
        r = &d->pieces[i].region;
    }
    return r && r->space ? r : NULL;
}

void device_unmap(struct device *d)
{
    if (!d->cls->windows) {
        mem_unmap_region(&d->mmio);
        return;
    }
    for (unsigned i = 0; i < window_count(d->cls); i++) {
        mem_unmap_region(&d->pieces[i].region);
    }
}

void (*device_made)(struct device *d);

struct device *device_new(struct machine *m, const struct device_class *cls, const char *id)
{
    must(cls->state && cls->size >= sizeof(struct device));
    struct device *d = arena_alloc(&m->arena, cls->size);
    d->cls = cls;
    d->id = id ? arena_str(&m->arena, id) : NULL;
    d->machine = m;
    d->dma = m->sysmem;
    d->irqs = arena_alloc(&m->arena, cls->nirqs * sizeof(struct irq));
    if (cls->mmio_size) {
        must(cls->regs || cls->ops);
        d->mmio = (struct mem_region){.name = device_name(d), .kind = MEM_MMIO, .size = cls->mmio_size, .opaque = d};
        d->mmio.ops = class_ops(&m->arena, cls);
        if (cls->windows) {
            pieces_make(d);
        }
    }
    /* A default that its own table refuses is a mistake in the class. */
    must(props_default(d, cls->props, &m->arena, NULL));
    d->next = m->devices;
    m->devices = d;
    if (device_made) {
        device_made(d);
    }
    return d;
}

bool device_set_prop(struct device *d, const char *key, const char *value, struct err *e)
{
    return props_set(d, d->cls->props, &d->machine->arena, d->cls->name, key, value, e);
}

static bool has_room(const struct device *owner)
{
    return !owner->cls->bus_slots || owner->nchildren < owner->cls->bus_slots;
}

static struct device *bus_by_id(struct machine *m, const char *kind, const char *id, struct err *e)
{
    for (struct device *d = m->devices; d; d = d->next) {
        if (!d->id || strcmp(d->id, id) != 0) {
            continue;
        }
        if (!d->cls->provides || strcmp(d->cls->provides, kind) != 0) {
            err_set(e, "'%s' is no %s bus", id, kind);
            return NULL;
        }
        if (!has_room(d)) {
            err_set(e, "Bus '%s' is full", id);
            return NULL;
        }
        return d;
    }
    err_set(e, "Bus '%s' not found", id);
    return NULL;
}

/* The newest with room; but one that sits on no bus itself comes before bridges, which are asked for by name. */
static struct device *bus_find(const struct device *child, const char *id, struct err *e)
{
    struct machine *m = child->machine;
    const char *kind = child->cls->bus;
    struct device *found = NULL;
    bool any = false;
    if (id) {
        return bus_by_id(m, kind, id, e);
    }
    for (struct device *d = m->devices; d; d = d->next) {
        if (d == child || !d->cls->provides || strcmp(d->cls->provides, kind) != 0) {
            continue;
        }
        any = true;
        if (has_room(d) && (!found || (found->parent && !d->parent))) {
            found = d;
        }
    }
    if (!found) {
        err_set(e, any ? "every %s bus of the machine is full" : "No '%s' bus found", kind);
    }
    return found;
}

bool device_plug(struct device *d, const char *bus, struct err *e)
{
    const char *kind = d->cls->bus;
    if (!kind || !strcmp(kind, "sysbus")) {
        return err_set(e, "'%s' is a fixed part of its board and cannot be added", d->cls->name);
    }
    struct err cause = {0};
    struct device *owner = bus_find(d, bus, &cause);
    if (!owner || (owner->cls->plug && !owner->cls->plug(owner, d, &cause))) {
        return err_set(e, "cannot plug '%s': %s", device_name(d), cause.msg);
    }
    d->parent = owner;
    owner->nchildren++;
    return true;
}

bool device_init(struct device *d, struct err *e)
{
    if (d->cls->init && !d->cls->init(d, e)) {
        err_prefix(e, "%s", device_name(d));
        return false;
    }
    d->live = true;
    return true;
}

void device_fini(struct device *d)
{
    if (d->live && d->cls->fini) {
        d->cls->fini(d);
    }
    d->live = false;
}

void device_reset(struct device *d)
{
    fields_reset(d, d->cls->state);
    if (d->cls->reset) {
        d->cls->reset(d);
    }
}

void device_save(const struct device *d, struct buf *out)
{
    fields_save(d, d->cls->state, out);
}

bool device_load(struct device *d, struct cursor *in, struct err *e)
{
    if (!fields_load(d, d->cls->state, in, e) || (d->cls->loaded && !d->cls->loaded(d, e))) {
        err_prefix(e, "%s", device_name(d));
        return false;
    }
    return true;
}

static void pin_set(void *to, unsigned n, int level)
{
    struct device *d = to;
    d->cls->irq_in(d, n, level);
}

struct irq device_pin(struct device *d, unsigned n)
{
    must(d->cls->irq_in);
    return (struct irq){.fn = pin_set, .to = d, .n = n};
}

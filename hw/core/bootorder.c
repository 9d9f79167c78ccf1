/* Which device firmware tries first: those with a `bootindex`, smallest first, by the names that IEEE 1275 gives them
 * ("/pci@.../scsi@1/disk@0,0"), one a line. */
#include <string.h>

#include "hw/core/machine.h"

#define NO_INDEX (~0u)

static const struct prop *prop_of(const struct device *d)
{
    return props_find(d->cls->props, "bootindex");
}

/* A device that is the inside of another has the other's properties: it does not count. */
static u32 index_of(const struct device *d)
{
    const struct prop *p = d->parent && prop_of(d->parent) ? NULL : prop_of(d);
    return p && p->kind == PROP_U32 ? *(const u32 *)((const u8 *)d + p->off) : NO_INDEX;
}

static void path_put(const struct device *d, struct buf *out)
{
    if (d->parent) {
        path_put(d->parent, out);
    }
    if (d->cls->fw_path) {
        d->cls->fw_path(d, out);
    }
}

/* The device with the smallest index that is not below `from`. */
static const struct device *next_of(const struct machine *m, u32 from)
{
    const struct device *best = NULL;
    for (const struct device *d = m->devices; d; d = d->next) {
        u32 i = index_of(d);
        if (i != NO_INDEX && i >= from && (!best || i < index_of(best))) {
            best = d;
        }
    }
    return best;
}

static bool indexes_differ(const struct machine *m, struct err *e)
{
    for (const struct device *a = m->devices; a; a = a->next) {
        for (const struct device *b = a->next; b && index_of(a) != NO_INDEX; b = b->next) {
            if (index_of(a) == index_of(b)) {
                return err_set(e, "The bootindex %u has already been used", index_of(a));
            }
        }
    }
    return true;
}

bool machine_boot_order(const struct machine *m, bool strict, struct buf *out, struct err *e)
{
    if (!indexes_differ(m, e)) {
        return false;
    }
    for (const struct device *d = next_of(m, 0); d; d = next_of(m, index_of(d) + 1)) {
        buf_printf(out, out->len ? "\n" : "");
        path_put(d, out);
    }
    if (out->len) {
        buf_printf(out, strict ? "\nHALT" : "");
        buf_u8(out, 0);
    }
    return true;
}

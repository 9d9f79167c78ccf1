/* The register table as a bus sees it: finds the row, cuts and merges widths, applies masks, and calls it a guest
 * error when there is no such register or not that way. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/device.h"

/* A register found: row, index in the row, and which byte of it is meant. */
struct place {
    const struct reg *reg;
    unsigned i, byte, size;
};

static unsigned reg_size(const struct reg *r)
{
    return r->size ? r->size : 4;
}

static bool reg_find(const struct device *d, u64 off, struct place *p)
{
    for (const struct reg *r = d->cls->regs; r->name; r++) {
        unsigned size = reg_size(r), stride = r->stride ? r->stride : size, count = r->count ? r->count : 1;
        if (off < r->off || off - r->off >= (u64)stride * count) {
            continue;
        }
        unsigned in = (unsigned)(off - r->off);
        *p = (struct place){.reg = r, .i = in / stride, .byte = in % stride, .size = size};
        if (p->byte < size) {
            return true;
        }
    }
    return false;
}

/* The bytes from off on that one register or one hole answers for, n at most. */
static unsigned part_size(bool found, const struct place *p, unsigned n)
{
    return found ? MIN(n, p->size - p->byte) : 1;
}

static u8 *reg_field(struct device *d, const struct place *p)
{
    return (u8 *)d + p->reg->field + (size_t)p->i * p->size;
}

static u64 part_read(struct device *d, const struct place *p, unsigned n)
{
    u64 v = 0;
    if (p->reg->read) {
        v = p->reg->read(d, p->i);
    } else if (p->reg->has_field) {
        v = ldnle(reg_field(d, p), p->size);
    } else {
        guest_error(device_name(d), "read of the write-only register %s", p->reg->name);
    }
    return v >> 8 * p->byte & MASK(8 * n);
}

static void part_write(struct device *d, const struct place *p, unsigned n, u64 v)
{
    const struct reg *r = p->reg;
    if (r->write) {
        if (p->byte) {
            guest_error(device_name(d), "write of %u bytes inside register %s", n, r->name);
            return;
        }
        r->write(d, p->i, v);
    } else if (r->has_field && (r->wmask || r->w1c)) {
        u8 *f = reg_field(d, p);
        u64 old = ldnle(f, p->size), lanes = MASK(8 * n) << 8 * p->byte;
        v <<= 8 * p->byte;
        u64 take = r->wmask & lanes;
        stnle(f, p->size, ((old & ~take) | (v & take)) & ~(v & r->w1c & lanes));
    } else {
        guest_error(device_name(d), "write of 0x%llx to the read-only register %s", (unsigned long long)v, r->name);
    }
}

static enum mem_result regs_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct device *d = opaque;
    bool any = false;
    (void)a;
    *val = 0;
    for (unsigned done = 0, n; done < size; done += n) {
        struct place p;
        bool found = reg_find(d, off + done, &p);
        n = part_size(found, &p, size - done);
        if (found) {
            any = true;
            *val |= part_read(d, &p, n) << 8 * done;
        }
    }
    if (!any) {
        guest_error(device_name(d), "read of %u bytes at offset 0x%llx, where there is no register", size,
                    (unsigned long long)off);
    }
    return MEM_OK;
}

static enum mem_result regs_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct device *d = opaque;
    bool any = false;
    (void)a;
    for (unsigned done = 0, n; done < size; done += n) {
        struct place p;
        bool found = reg_find(d, off + done, &p);
        n = part_size(found, &p, size - done);
        if (found) {
            any = true;
            part_write(d, &p, n, val >> 8 * done & MASK(8 * n));
        }
    }
    if (!any) {
        guest_error(device_name(d), "write of 0x%llx (%u bytes) at offset 0x%llx, where there is no register",
                    (unsigned long long)val, size, (unsigned long long)off);
    }
    return MEM_OK;
}

const struct mem_ops device_reg_ops = {.read = regs_read, .write = regs_write, .min_size = 1, .max_size = 4};

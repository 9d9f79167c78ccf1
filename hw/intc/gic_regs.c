/* Access to the register tables of the Arm GICs: finds the row, cuts and joins widths. */
#include "hw/intc/gic_regs.h"

#include "base/bits.h"
#include "base/log.h"

static const struct gic_reg *row_find(const struct gic_reg *t, u64 off)
{
    while (t->name && (off < t->off || off >= t->end)) {
        t++;
    }
    return t->name ? t : NULL;
}

static u64 row_read(struct device *d, const struct gic_reg *r, struct gic_acc a, unsigned n)
{
    return r->read ? r->read(d, a, n) : 0;
}

u64 gic_regs_read(struct device *d, const struct gic_reg *t, u64 off, unsigned size, struct gic_acc a)
{
    u64 v = 0;
    for (unsigned done = 0, part; done < size; done += part) {
        const struct gic_reg *r = row_find(t, off + done);
        part = r ? MIN(size - done, r->size - (unsigned)(off + done - r->off) % r->size) : size - done;
        if (!r) {
            guest_error(device_name(d), "read of a reserved register at 0x%llx", (unsigned long long)(off + done));
            continue;
        }
        unsigned at = (unsigned)(off + done - r->off);
        v |= (row_read(d, r, a, at / r->size) >> (at % r->size * 8) & MASK(part * 8)) << (done * 8);
    }
    return v;
}

static void row_write(struct device *d, const struct gic_reg *r, struct gic_acc a, unsigned at, unsigned size, u64 v)
{
    unsigned n = at / r->size, byte = at % r->size;
    if (!r->write) {
        guest_error(device_name(d), "write of 0x%llx to the read-only %s", (unsigned long long)v, r->name);
    } else if (size == r->size) {
        r->write(d, a, n, v);
    } else if (r->size == 8 && size == 4) {
        r->write(d, a, n, deposit(row_read(d, r, a, n), byte * 8, 32, v));
    } else {
        guest_error(device_name(d), "write of %u bytes to %s", size, r->name);
    }
}

void gic_regs_write(struct device *d, const struct gic_reg *t, u64 off, unsigned size, u64 v, struct gic_acc a)
{
    for (unsigned done = 0, part; done < size; done += part) {
        const struct gic_reg *r = row_find(t, off + done);
        part = r ? MIN(size - done, r->size - (unsigned)(off + done - r->off) % r->size) : size - done;
        if (r) {
            row_write(d, r, a, (unsigned)(off + done - r->off), part, v >> (done * 8) & MASK(part * 8));
        } else {
            guest_error(device_name(d), "write of 0x%llx to a reserved register at 0x%llx", (unsigned long long)v,
                        (unsigned long long)(off + done));
        }
    }
}

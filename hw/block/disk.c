/* Properties of disks; see disk.h. */
#include "hw/block/disk.h"

#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"

static bool on_error(struct blockdev *b, bool reads, const char *value, struct err *e)
{
    static const char *const known[] = {
        [BLOCK_REPORT] = "report", [BLOCK_IGNORE] = "ignore", [BLOCK_STOP] = "stop", [BLOCK_ENOSPC] = "enospc"};
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!strcmp(value, known[i])) {
            if (b) {
                block_set_on_error(b, reads, (enum block_on_error)i);
            }
            return true;
        }
    }
    return !strcmp(value, "auto") ||
           err_set(e, "%s=%s: expected report, ignore, stop, enospc or auto", reads ? "rerror" : "werror", value);
}

bool disk_errors_set(struct blockdev *b, const char *rerror, const char *werror, struct err *e)
{
    return on_error(b, true, rerror, e) && on_error(b, false, werror, e);
}

bool disk_conf_check(struct disk_conf *c, bool cdrom, struct err *e)
{
    if (!c->drive && !cdrom) {
        return err_set(e, "drive property not set");
    }
    if (!cdrom && !block_present(c->drive)) {
        return err_set(e, "Device needs media, but drive '%s' is empty", block_id(c->drive));
    }
    c->logical_block_size = c->logical_block_size ? c->logical_block_size : cdrom ? 2048 : 512;
    c->physical_block_size = MAX(c->physical_block_size, c->logical_block_size);
    if (!is_pow2(c->logical_block_size) || c->logical_block_size < 512 || c->logical_block_size > 32768) {
        return err_set(e, "logical_block_size is %u; it must be a power of two from 512 to 32768",
                       c->logical_block_size);
    }
    if (!is_pow2(c->physical_block_size) || c->physical_block_size / c->logical_block_size > 1u << 15) {
        return err_set(e, "physical_block_size is %u; it must be a power of two", c->physical_block_size);
    }
    if ((c->cyls || c->heads || c->secs) &&
        (!c->cyls || c->cyls > 65535 || !c->heads || c->heads > 16 || !c->secs || c->secs > 255)) {
        return err_set(e, "cyls=%u,heads=%u,secs=%u: expected up to 65535, 16 and 255, and none of them 0", c->cyls,
                       c->heads, c->secs);
    }
    return disk_errors_set(c->drive, c->rerror, c->werror, e);
}

void disk_text(u8 *p, unsigned n, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    memset(p, ' ', n);
    memcpy(p, text ? text : "", MIN(len, n));
}

const char *disk_serial(struct device *d, const struct disk_conf *c, unsigned number)
{
    return c->serial ? c->serial : arena_printf(&d->machine->arena, "QM%05u", number);
}

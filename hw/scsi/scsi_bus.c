/* Drives on SCSI buses ("scsi-hd", "scsi-cd"), and finding them. What they answer is in the command sets' files.
 * Not modelled: pass-through of host devices, more than one channel, LUNs above 16383. */
#include "hw/scsi/scsi_bus.h"

#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"

#define LUNS_MAX ((SCSI_BUF - 8) / 8)

struct scsi_unit *scsi_bus_find(struct scsi_bus *b, u32 target, u32 lun, bool *others)
{
    bool any = false;
    for (struct scsi_unit *u = b->first; u; u = u->next) {
        if (u->target == target && u->lun == lun) {
            return u;
        }
        any |= u->target == target;
    }
    if (others) {
        *others = any;
    }
    return NULL;
}

unsigned scsi_bus_luns(struct scsi_bus *b, u32 target, u8 *p)
{
    unsigned n = 0;
    memset(p, 0, SCSI_BUF);
    for (struct scsi_unit *u = b->first; u && n < LUNS_MAX; u = u->next) {
        if (u->target == target) {
            u8 *at = p + 8 + 8 * n++;
            st16be(at, u->lun < 256 ? (u16)u->lun : (u16)(0x4000 | u->lun));
        }
    }
    st32be(p, 8 * n);
    return 8 + 8 * n;
}

static bool place_find(struct scsi_bus *b, struct scsi_unit *u, struct err *e)
{
    u32 lun = u->lun == ~0u ? 0 : u->lun;
    if (u->target != ~0u && u->lun != ~0u) {
        return true;
    }
    if (u->target == ~0u) {
        for (u32 t = 0; t < b->targets; t++) {
            if (!scsi_bus_find(b, t, lun, NULL)) {
                u->target = t;
                u->lun = lun;
                return true;
            }
        }
        return err_set(e, "no target of the bus is free");
    }
    for (lun = 0; lun < b->luns && scsi_bus_find(b, u->target, lun, NULL);) {
        lun++;
    }
    u->lun = lun;
    return true;
}

bool scsi_bus_add(struct scsi_bus *b, struct device *child, struct err *e)
{
    struct scsi_unit *u = (struct scsi_unit *)child, **end = &b->first;
    if (!place_find(b, u, e)) {
        return false;
    }
    if (u->channel || u->target >= b->targets || u->lun >= b->luns) {
        return err_set(e, "channel=%u,scsi-id=%u,lun=%u: expected channel 0, scsi-id below %u, lun below %u",
                       u->channel, u->target, u->lun, b->targets, b->luns);
    }
    if (scsi_bus_find(b, u->target, u->lun, NULL)) {
        return err_set(e, "scsi-id=%u,lun=%u is in use", u->target, u->lun);
    }
    while (*end) {
        end = &(*end)->next;
    }
    *end = u;
    u->bus = b;
    return true;
}

struct device *scsi_attach(struct device *bus, unsigned unit, struct blockdev *disk, bool cdrom, const char *serial,
                           struct err *e)
{
    struct device *d = device_new(bus->machine, cdrom ? &scsi_cd_class : &scsi_hd_class, NULL);
    struct scsi_unit *u = (struct scsi_unit *)d;
    u->conf.drive = disk;
    u->target = unit;
    if (serial && !device_set_prop(d, "serial", serial, e)) {
        return NULL;
    }
    return device_plug(d, bus->id, e) && device_init(d, e) ? d : NULL;
}

/* -- the devices --------------------------------------------------------------------------------------------------- */

static void lu_changed(struct scsi_lu *lu)
{
    struct scsi_unit *u = CONTAINER_OF(lu, struct scsi_unit, lu);
    if (u->bus->changed) {
        u->bus->changed(u->bus, u);
    }
}

static bool unit_init(struct device *d, struct err *e)
{
    static unsigned number;
    struct scsi_unit *u = (struct scsi_unit *)d;
    bool cdrom = d->cls == &scsi_cd_class;
    if (!disk_conf_check(&u->conf, cdrom, e)) {
        return false;
    }
    if (cdrom && u->conf.logical_block_size != 2048) {
        return err_set(e, "logical_block_size must be 2048 for a CD");
    }
    u->lu = (struct scsi_lu){.dev = d,
                             .conf = &u->conf,
                             .vendor = u->vendor,
                             .product = u->product ? u->product : u->conf.model,
                             .version = u->conf.version,
                             .serial = disk_serial(d, &u->conf, 90000 + ++number),
                             .block = u->conf.logical_block_size,
                             .cdrom = cdrom,
                             .changed = lu_changed};
    scsi_lu_init(&u->lu);
    scsi_lu_watch(&u->lu, true);
    return true;
}

static void unit_reset(struct device *d)
{
    scsi_lu_reset(&((struct scsi_unit *)d)->lu, UA_RESET);
}

static bool unit_loaded(struct device *d, struct err *e)
{
    return scsi_lu_loaded(&((struct scsi_unit *)d)->lu, e);
}

static void unit_fini(struct device *d)
{
    struct scsi_unit *u = (struct scsi_unit *)d;
    if (u->conf.drive) {
        block_drain(u->conf.drive);
    }
    scsi_lu_watch(&u->lu, false);
}

static void unit_fw_path(const struct device *d, struct buf *out)
{
    const struct scsi_unit *u = (const struct scsi_unit *)d;
    buf_printf(out, "/channel@%x/disk@%x,%x", u->channel, u->target, u->lun);
}

static const struct field unit_state[] = {SCSI_LU_FIELDS(struct scsi_unit, lu), {0}};

// clang-format off
#define UNIT_PROPS                                                                                                     \
    DISK_PROPS(struct scsi_unit, conf),                                                                                \
    PROP("vendor", PROP_STR, struct scsi_unit, vendor, NULL, "vendor, 8 characters"),                                  \
    PROP("product", PROP_STR, struct scsi_unit, product, NULL, "product, 16 characters"),                              \
    PROP("channel", PROP_U32, struct scsi_unit, channel, "0", "channel of the bus"),                                   \
    PROP("scsi-id", PROP_U32, struct scsi_unit, target, "0xffffffff", "target; else the first free"),                  \
    PROP("lun", PROP_U32, struct scsi_unit, lun, "0xffffffff", "logical unit; else the first free")
// clang-format on
static const struct prop hd_props[] = {UNIT_PROPS, DISK_GEOMETRY_PROPS(struct scsi_unit, conf), {0}};
static const struct prop cd_props[] = {UNIT_PROPS, {0}};

#define UNIT_CLASS(sym, name_, doc_, props_) \
    const struct device_class sym##_class = { \
        .name = (name_), \
        .doc = (doc_), \
        .bus = "SCSI", \
        .size = sizeof(struct scsi_unit), \
        .state = unit_state, \
        .props = (props_), \
        .init = unit_init, \
        .reset = unit_reset, \
        .loaded = unit_loaded, \
        .fini = unit_fini, \
        .fw_path = unit_fw_path, \
    }
UNIT_CLASS(scsi_hd, "scsi-hd", "SCSI disk", hd_props);
UNIT_CLASS(scsi_cd, "scsi-cd", "SCSI CD and DVD drive", cd_props);

/* -drive, -hda and its like: a disk, and the device that it is in. Boards make those for if=ide, floppy and scsi
 * themselves (machine_config.drives), if=virtio asks for a -device, if=pflash is a flash, if=none is for whoever names
 * it. */
#include <string.h>

#include "base/bits.h"
#include "block/block.h"
#include "system/system.h"

const struct opt_key drive_keys[] = {
    {"if", "ide|floppy|scsi|virtio|none|pflash", "the device that the disk is in; none: -device names it by id"},
    {"id", "ID", "the disk's name"},
    {"index", "N", "which drive of its kind: counts through all buses"},
    {"bus", "N", "which bus"},
    {"unit", "N", "which drive on it"},
    {"serial", "TEXT", "serial number that the guest sees"},
    {"media", "disk|cdrom", "cdrom: read-only"},
    {0},
};

static const char *const kinds[DRIVE_KINDS] = {[DRIVE_IDE] = "ide", [DRIVE_FLOPPY] = "floppy", [DRIVE_SCSI] = "scsi"};
enum { MOST = 64, NO_KIND = -1 };
static struct drive drives[MOST];
static unsigned ndrives;

static int kind_of(const char *iface)
{
    for (int i = 0; i < DRIVE_KINDS; i++) {
        if (!strcmp(iface, kinds[i])) {
            return i;
        }
    }
    return NO_KIND;
}

/* Commas of a value inside an option list are doubled. */
static void append_value(char **text, const char *key, const char *value)
{
    struct buf b = {0};
    buf_printf(&b, "%s,%s=", *text, key);
    for (; *value; value++) {
        buf_printf(&b, *value == ',' ? ",," : "%c", *value);
    }
    free(*text);
    *text = strdup((const char *)b.data);
    must(*text);
    buf_free(&b);
}

/* -- where it goes ------------------------------------------------------------------------------------------------- */

static bool flash_place(struct machine_config *mc, struct blockdev *d, struct opts *o, struct err *e)
{
    u64 n = mc->pflash[0] ? 1 : 0;
    if (!opts_num(o, "index", &n, e) || !opts_num(o, "unit", &n, e)) {
        return false;
    }
    if (n >= ARRAY_LEN(mc->pflash)) {
        return err_set(e, "unit=%llu: this board has two flashes, 0 and 1", (unsigned long long)n);
    }
    mc->pflash[n] = d;
    return true;
}

static void virtio_place(const struct board *b, struct blockdev *d, const char *serial)
{
    char *text = strdup(b->default_block);
    must(text);
    append_value(&text, "drive", block_id(d));
    if (serial) {
        append_value(&text, "serial", serial);
    }
    device_imply(true, "%s", text);
    free(text);
}

static const struct drive *drive_at(enum drive_kind kind, u64 bus, u64 unit)
{
    for (unsigned i = 0; i < ndrives; i++) {
        if (drives[i].kind == kind && drives[i].bus == bus && drives[i].unit == unit) {
            return &drives[i];
        }
    }
    return NULL;
}

/* By index, by bus and unit, or the first that is free. */
static bool spot_choose(const struct board *b, enum drive_kind kind, struct opts *o, u64 *bus, u64 *unit, struct err *e)
{
    const struct drive_room room = b->drive_room[kind];
    u64 index = 0;
    *bus = *unit = 0;
    bool indexed = opts_has(o, "index"), placed = opts_has(o, "unit");
    if (!opts_num(o, "index", &index, e) || !opts_num(o, "bus", bus, e) || !opts_num(o, "unit", unit, e)) {
        return false;
    }
    if (indexed && (placed || opts_has(o, "bus"))) {
        return err_set(e, "index cannot be used with bus and unit");
    }
    if (indexed && room.units) {
        *bus = index / room.units;
        *unit = index % room.units;
    }
    while (!indexed && !placed && drive_at(kind, *bus, *unit)) {
        if (++*unit >= room.units) {
            *unit = 0;
            ++*bus;
        }
    }
    if (*bus >= room.buses || *unit >= room.units) {
        return err_set(e, "machine type does not support if=%s,bus=%llu,unit=%llu", kinds[kind],
                       (unsigned long long)*bus, (unsigned long long)*unit);
    }
    return !drive_at(kind, *bus, *unit) ||
           err_set(e, "drive with bus=%llu, unit=%llu (index=%llu) exists", (unsigned long long)*bus,
                   (unsigned long long)*unit, (unsigned long long)(*bus * room.units + *unit));
}

static bool board_place(const struct drive *d, struct err *e)
{
    if (ndrives == MOST) {
        return err_set(e, "there may be %d drives", MOST);
    }
    drives[ndrives++] = *d;
    return true;
}

/* -- making one ---------------------------------------------------------------------------------------------------- */

static void name_make(char *out, size_t room, const char *iface, int kind, bool cdrom, u64 bus, u64 unit)
{
    static unsigned n;
    if (kind == DRIVE_FLOPPY) {
        snprintf(out, room, "floppy%llu", (unsigned long long)unit);
    } else if (kind != NO_KIND) {
        snprintf(out, room, "%s%llu-%s%llu", iface, (unsigned long long)bus, cdrom ? "cd" : "hd",
                 (unsigned long long)unit);
    } else {
        snprintf(out, room, "%s%u", iface, n++);
    }
}

static bool if_check(const struct board *b, const char *iface, int kind, struct err *e)
{
    struct buf takes = {0};
    bool virtio = b->default_block != NULL;
    bool ok = !strcmp(iface, "none") || !strcmp(iface, "pflash") || (virtio && !strcmp(iface, "virtio")) ||
              (kind != NO_KIND && b->drive_room[kind].buses);
    for (int k = 0; k < DRIVE_KINDS; k++) {
        buf_printf(&takes, b->drive_room[k].buses ? "%s, " : "%.0s", kinds[k]);
    }
    if (!ok) {
        err_set(e, "if=%s: this board takes %s%spflash and none", iface, takes.len ? (char *)takes.data : "",
                virtio ? "virtio, " : "");
    }
    buf_free(&takes);
    return ok;
}

static const char *default_if(const struct board *b)
{
    return b->default_drive ? b->default_drive : b->default_block ? "virtio" : "none";
}

bool drive_make(const struct board *b, struct machine_config *mc, struct opts *o, struct err *e)
{
    const char *iface = opts_str(o, "if", default_if(b)), *serial = opts_str(o, "serial", NULL);
    const char *given = opts_str(o, "id", NULL), *media = opts_str(o, "media", "disk");
    int kind = kind_of(iface);
    bool cdrom = !strcmp(media, "cdrom");
    u64 bus = 0, unit = 0;
    char made[48];
    opts_ignore(o, "bus,index,unit,bootindex,werror,rerror,l2-cache-size,cyls,heads,secs,trans");
    if (!cdrom && strcmp(media, "disk") != 0) {
        return err_set(e, "media=%s: expected disk or cdrom", media);
    }
    if (!if_check(b, iface, kind, e) || (kind != NO_KIND && !spot_choose(b, kind, o, &bus, &unit, e))) {
        return false;
    }
    if (cdrom) {
        opts_add(o, "readonly", "on");
    }
    name_make(made, sizeof(made), iface, kind, cdrom, bus, unit);
    struct blockdev *d = block_open(given ? given : made, o, e);
    if (!d) {
        return false;
    }
    if (kind != NO_KIND) {
        const struct drive at = {.kind = (enum drive_kind)kind,
                                 .bus = (unsigned)bus,
                                 .unit = (unsigned)unit,
                                 .cdrom = cdrom,
                                 .disk = d,
                                 .serial = serial ? strdup(serial) : NULL};
        return board_place(&at, e);
    }
    if (!strcmp(iface, "pflash")) {
        return flash_place(mc, d, o, e);
    }
    if (!strcmp(iface, "virtio")) {
        virtio_place(b, d, serial);
    }
    return true;
}

/* -- the short options --------------------------------------------------------------------------------------------- */

/* They take a file name, commas and all. `index`: NULL where the first free one will do. */
bool drive_file(const struct board *b, struct machine_config *mc, const char *option, const char *file, struct err *e)
{
    static const char *const rows[][4] = {/* option, if, index, media */
                                          {"hda", NULL, "0", NULL},      {"hdb", NULL, "1", NULL},
                                          {"hdc", NULL, "2", NULL},      {"hdd", NULL, "3", NULL},
                                          {"cdrom", NULL, "2", "cdrom"}, {"fda", "floppy", "0", NULL},
                                          {"fdb", "floppy", "1", NULL}};
    static const char *const keys[] = {NULL, "if", "index", "media"};
    struct opts o = {0};
    opts_add(&o, "file", file);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 1; k < ARRAY_LEN(keys) && !strcmp(rows[i][0], option); k++) {
            if (rows[i][k]) {
                opts_add(&o, keys[k], rows[i][k]);
            }
        }
    }
    bool ok = drive_make(b, mc, &o, e);
    opts_free(&o);
    return ok;
}

/* A PC has a CD drive where nobody put anything else, and a floppy drive. */
static bool drive_empty(const struct board *b, struct machine_config *mc, const char *iface, const char *index,
                        const char *media, struct err *e)
{
    struct opts o = {0};
    opts_add(&o, "if", iface);
    opts_add(&o, "index", index);
    opts_add(&o, "media", media);
    bool ok = drive_make(b, mc, &o, e);
    opts_free(&o);
    return ok;
}

static bool names_ide(const struct config *c)
{
    for (size_t i = 0; i < c->nitems; i++) {
        const char *t = c->items[i].text;
        if (!strcmp(c->items[i].option, "device") &&
            (!strncmp(t, "ide-", 4) || !strncmp(t, "scsi-cd", 7) || !strncmp(t, "scsi-hd", 7))) {
            return true;
        }
    }
    return false;
}

bool drives_finish(const struct config *c, const struct board *b, struct machine_config *mc, struct err *e)
{
    const struct drive_room ide = b->drive_room[DRIVE_IDE], floppy = b->drive_room[DRIVE_FLOPPY];
    if (!c->nodefaults && ide.buses && !names_ide(c) && !drive_at(DRIVE_IDE, 2 / ide.units, 2 % ide.units) &&
        !drive_empty(b, mc, "ide", "2", "cdrom", e)) {
        return false;
    }
    if (!c->nodefaults && floppy.buses && !floppy.when_used && !drive_at(DRIVE_FLOPPY, 0, 0) &&
        !drive_empty(b, mc, "floppy", "0", "disk", e)) {
        return false;
    }
    mc->drives = drives;
    mc->ndrives = ndrives;
    return true;
}

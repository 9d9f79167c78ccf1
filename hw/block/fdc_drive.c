/* Floppy drives and what is in them: formats, found by the image's size.
 *
 * SPEC: IBM PC AT and PS/2 Technical References for formats and data rates. An image of a size that is no format is
 * seen as the smallest of the usual ones that holds it; what it lacks is not found. A disk of 40 cylinders in a drive
 * of 80 is read with two steps a cylinder. Not modelled: sectors of other sizes than 512 bytes, FM, deleted marks, copy
 * protections, spare tracks. */
#include <string.h>

#include "hw/block/fdc_priv.h"

enum { RATE_500 = 0, RATE_300 = 1, RATE_250 = 2, RATE_1000 = 3 };

static const struct fdc_format formats[] = {
    {2880, 18, 80, 2, RATE_500, TYPE_1440K},  {5760, 36, 80, 2, RATE_1000, TYPE_2880K},
    {1440, 9, 80, 2, RATE_250, TYPE_1440K},   {2400, 15, 80, 2, RATE_500, TYPE_1200K},
    {720, 9, 40, 2, RATE_300, TYPE_1200K},    {640, 8, 40, 2, RATE_300, TYPE_1200K},
    {360, 9, 40, 1, RATE_300, TYPE_1200K},    {320, 8, 40, 1, RATE_300, TYPE_1200K},
    {820, 10, 41, 2, RATE_250, TYPE_1440K},   {840, 10, 42, 2, RATE_250, TYPE_1440K},
    {1600, 10, 80, 2, RATE_250, TYPE_1440K},  {1640, 10, 82, 2, RATE_250, TYPE_1440K},
    {1660, 10, 83, 2, RATE_250, TYPE_1440K},  {2080, 13, 80, 2, RATE_500, TYPE_1440K},
    {2240, 14, 80, 2, RATE_500, TYPE_1440K},  {2880 + 36, 18, 81, 2, RATE_500, TYPE_1440K},
    {2952, 18, 82, 2, RATE_500, TYPE_1440K},  {2988, 18, 83, 2, RATE_500, TYPE_1440K},
    {3200, 20, 80, 2, RATE_500, TYPE_1440K},  {3360, 21, 80, 2, RATE_500, TYPE_1440K},
    {3444, 21, 82, 2, RATE_500, TYPE_1440K},  {3486, 21, 83, 2, RATE_500, TYPE_1440K},
    {3520, 22, 80, 2, RATE_500, TYPE_1440K},  {3680, 23, 80, 2, RATE_500, TYPE_1440K},
    {3840, 24, 80, 2, RATE_500, TYPE_1440K},  {6240, 39, 80, 2, RATE_1000, TYPE_2880K},
    {6400, 40, 80, 2, RATE_1000, TYPE_2880K}, {7040, 44, 80, 2, RATE_1000, TYPE_2880K},
    {7680, 48, 80, 2, RATE_1000, TYPE_2880K},
};

const struct fdc_format *fdc_format_of(const struct blockdev *disk)
{
    if (!disk || !block_present(disk)) {
        return NULL;
    }
    u64 n = block_size(disk) / FDC_SECTOR;
    for (unsigned i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].sectors == n) {
            return &formats[i];
        }
    }
    return n < 2880 ? &formats[0] : n < 3840 ? &formats[24] : &formats[1];
}

u8 fdc_type_of(const struct blockdev *disk)
{
    const struct fdc_format *f = fdc_format_of(disk);
    return f ? f->type : TYPE_1440K;
}

bool fdc_type_named(const char *name, u8 *type, struct err *e)
{
    static const struct {
        const char *name;
        u8 type;
    } names[] = {
        {"auto", TYPE_NONE}, {"144", TYPE_1440K}, {"288", TYPE_2880K}, {"120", TYPE_1200K}, {"none", TYPE_NONE}};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcmp(name, names[i].name)) {
            *type = names[i].type;
            return true;
        }
    }
    return err_set(e, "drive type '%s': expected 144, 288, 120 or auto", name);
}

static unsigned drive_cylinders(const struct fdc_drive *d)
{
    return d->type == TYPE_360K ? 42 : 84;
}

/* The cylinder of the disk that is under the head. */
u8 fdc_disk_cylinder(const struct fdc_drive *d)
{
    const struct fdc_format *f = fdc_format_of(d->disk);
    return f && f->cyls <= 42 && f->type == TYPE_1200K && d->type == TYPE_1200K ? d->cylinder / 2 : d->cylinder;
}

/* A step with a disk in the drive takes the change line back. */
void fdc_step(struct fdc_drive *d, unsigned cylinder)
{
    cylinder = cylinder < drive_cylinders(d) ? cylinder : drive_cylinders(d) - 1;
    if (cylinder != d->cylinder && fdc_format_of(d->disk)) {
        d->changed = 0;
    }
    d->cylinder = (u8)cylinder;
}

/* Double density is 250 kbit/s at 300 turns a minute and 300 at 360. */
bool fdc_has_marks(struct fdc *s, const struct fdc_drive *d)
{
    const struct fdc_format *f = fdc_format_of(d->disk);
    bool double_density = f && (f->rate == RATE_250 || f->rate == RATE_300);
    bool rate = f && (f->rate == s->rate || (double_density && (s->rate == RATE_250 || s->rate == RATE_300)));
    return rate && s->fifo[0] & 0x40 && fdc_disk_cylinder(d) < f->cyls;
}

bool fdc_sector_find(struct fdc *s, struct fdc_drive *d, u8 c, u8 h, u8 r, u8 n, u64 *at)
{
    const struct fdc_format *f = fdc_format_of(d->disk);
    unsigned side = s->fifo[1] >> 2 & 1, under = fdc_disk_cylinder(d);
    if (!fdc_has_marks(s, d) || side >= f->heads) {
        s->st1 = ST1_MISSING_MARK;
        return false;
    }
    if (c != under) {
        s->st1 = ST1_NO_DATA;
        s->st2 |= ST2_WRONG_CYLINDER | (c == 0xff ? ST2_BAD_CYLINDER : 0);
        return false;
    }
    if (h != side || !r || r > f->secs || n != 2) {
        s->st1 = ST1_NO_DATA;
        return false;
    }
    *at = (((u64)under * f->heads + side) * f->secs + r - 1) * FDC_SECTOR;
    if (*at + FDC_SECTOR > block_size(d->disk)) {
        s->st1 = ST1_NO_DATA;
        return false;
    }
    return true;
}

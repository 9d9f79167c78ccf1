/* The 82077AA floppy controller of the PC ("isa-fdc") and its drives ("floppy").
 *
 * SPEC: Intel 290166 (82077AA), 2 (registers, AT mode), 4 (phases), 5 (commands), 7 (reset). Pin 0: interrupt 6. Two
 * drives; selects 2 and 3 have none. Seeks take no time. fdc_transfer.c moves data, fdc_drive.c knows disks.
 * Not modelled: port 0x3f0 and 0x3f1 (not there in AT mode), FIFO thresholds (a byte or a sector is ready or is not),
 * overruns, power-down, tape drives, write precompensation; the commands that only the 82078 has (PART ID, SAVE,
 * RESTORE) are invalid, as on this chip. */
#include "hw/block/fdc.h"

#include <string.h>

#include "base/log.h"
#include "hw/block/fdc_priv.h"
#include "hw/core/machine.h"

enum { DOR_SELECT = 3, DOR_RUN = 4, DOR_DMA = 8 };
enum { MSR_READY = 0x80, MSR_TO_HOST = 0x40, MSR_NON_DMA = 0x20, MSR_BUSY = 0x10 };
enum { SENSE_NONE, SENSE_OK, SENSE_NO_TRACK0 };
enum { CONFIG_POLL_OFF = 0x10, VERSION_82077 = 0x90, STEPS_MAX = 79 };

/* -- interrupts and results ---------------------------------------------------------------------------------------- */

static void irq_drive(struct fdc *s)
{
    device_irq(&s->dev, 0, s->irq && s->dor & DOR_DMA);
}

void fdc_irq(struct fdc *s, bool on)
{
    s->irq = on;
    irq_drive(s);
}

void fdc_result(struct fdc *s, unsigned n, bool interrupt)
{
    s->phase = FDC_RESULT;
    s->pos = 0;
    s->len = (u8)n;
    if (interrupt) {
        fdc_irq(s, true);
    }
}

static void command_end(struct fdc *s)
{
    s->phase = FDC_COMMAND;
    s->pos = s->len = 0;
}

static void invalid(struct fdc *s)
{
    guest_error(device_name(&s->dev), "command 0x%02x, which there is not", s->fifo[0]);
    s->fifo[0] = ST0_INVALID;
    fdc_result(s, 1, false);
}

struct fdc_drive *fdc_command_drive(struct fdc *s)
{
    unsigned n = s->fifo[1] & 3;
    return n < FDC_DRIVES && s->drive[n].disk ? &s->drive[n] : NULL;
}

/* -- commands without data ----------------------------------------------------------------------------------------- */

static void do_specify(struct fdc *s)
{
    memcpy(s->specify, s->fifo + 1, 2);
    command_end(s);
}

static void do_sense_drive(struct fdc *s)
{
    struct fdc_drive *d = fdc_command_drive(s);
    u8 st3 = (u8)(0x28 | (s->fifo[1] & 7)); /* ready, two sides */
    if (d) {
        st3 |= d->cylinder ? 0 : 0x10;
        st3 |= block_present(d->disk) && block_read_only(d->disk) ? 0x40 : 0;
    }
    s->fifo[0] = st3;
    fdc_result(s, 1, false);
}

void fdc_seek_to(struct fdc *s, unsigned select, unsigned cylinder)
{
    s->pcn[select] = (u8)cylinder;
    if (select < FDC_DRIVES && s->drive[select].disk) {
        fdc_step(&s->drive[select], cylinder);
    }
}

static void seek_end(struct fdc *s, unsigned select, unsigned how)
{
    s->sense[select] = (u8)how;
    command_end(s);
    fdc_irq(s, true);
}

static void do_recalibrate(struct fdc *s)
{
    unsigned n = s->fifo[1] & 3;
    struct fdc_drive *d = fdc_command_drive(s);
    bool reached = d && d->cylinder <= STEPS_MAX;
    fdc_seek_to(s, n, d && !reached ? d->cylinder - STEPS_MAX : 0);
    s->pcn[n] = 0;
    seek_end(s, n, reached ? SENSE_OK : SENSE_NO_TRACK0);
}

static void do_seek(struct fdc *s)
{
    fdc_seek_to(s, s->fifo[1] & 3, s->fifo[2]);
    seek_end(s, s->fifo[1] & 3, SENSE_OK);
}

/* Out or in by so many steps from where the head is; the counter goes along. */
static void do_relative_seek(struct fdc *s)
{
    unsigned n = s->fifo[1] & 3, by = s->fifo[2];
    bool in = s->fifo[0] & 0x40;
    int to = in ? s->pcn[n] + (int)by : s->pcn[n] - (int)by;
    fdc_seek_to(s, n, to < 0 ? 0 : to > 255 ? 255 : (unsigned)to);
    seek_end(s, n, SENSE_OK);
}

/* After a reset each of the four selects has something to tell, then each seek. */
static void do_sense_interrupt(struct fdc *s)
{
    fdc_irq(s, false);
    if (s->resets) {
        unsigned n = FDC_SELECTS - s->resets--;
        s->fifo[0] = (u8)(ST0_READY_CHANGED | n);
        s->fifo[1] = s->pcn[n];
        fdc_result(s, 2, false);
        return;
    }
    for (unsigned n = 0; n < FDC_SELECTS; n++) {
        if (s->sense[n]) {
            u8 bad = s->sense[n] == SENSE_NO_TRACK0 ? ST0_ABNORMAL | ST0_EQUIPMENT : 0;
            s->sense[n] = SENSE_NONE;
            s->fifo[0] = (u8)(ST0_SEEK_END | bad | n);
            s->fifo[1] = s->pcn[n];
            fdc_result(s, 2, false);
            return;
        }
    }
    s->fifo[0] = ST0_INVALID;
    fdc_result(s, 1, false);
}

static void do_configure(struct fdc *s)
{
    memcpy(s->config, s->fifo + 2, 2);
    command_end(s);
}

static void do_version(struct fdc *s)
{
    s->fifo[0] = VERSION_82077;
    fdc_result(s, 1, false);
}

static void do_dumpreg(struct fdc *s)
{
    u8 eot = s->fifo[6];
    memcpy(s->fifo, s->pcn, 4);
    memcpy(s->fifo + 4, s->specify, 2);
    s->fifo[6] = eot;
    s->fifo[7] = (u8)((s->lock ? 0x80 : 0) | (s->perpendicular & 0x7f));
    memcpy(s->fifo + 8, s->config, 2);
    fdc_result(s, 10, false);
}

static void do_perpendicular(struct fdc *s)
{
    s->perpendicular = s->fifo[1] & 0x80 ? s->fifo[1] & 0x3f : (u8)((s->perpendicular & 0x3c) | (s->fifo[1] & 3));
    command_end(s);
}

static void do_lock(struct fdc *s)
{
    s->lock = s->fifo[0] >> 7;
    s->fifo[0] = (u8)(s->lock << 4);
    fdc_result(s, 1, false);
}

/* -- the table of commands ----------------------------------------------------------------------------------------- */

enum { MT = 0x80, MFM = 0x40, SK = 0x20 };
static const struct command {
    u8 op, free; /* bits of the first byte that may be anything */
    u8 bytes;    /* with the first */
    const char *name;
    void (*run)(struct fdc *s);
} commands[] = {
    {0x02, MFM, 9, "READ TRACK", fdc_transfer_start},
    {0x03, 0, 3, "SPECIFY", do_specify},
    {0x04, 0, 2, "SENSE DRIVE STATUS", do_sense_drive},
    {0x05, MT | MFM, 9, "WRITE DATA", fdc_transfer_start},
    {0x06, MT | MFM | SK, 9, "READ DATA", fdc_transfer_start},
    {0x07, 0, 2, "RECALIBRATE", do_recalibrate},
    {0x08, 0, 1, "SENSE INTERRUPT STATUS", do_sense_interrupt},
    {0x09, MT | MFM, 9, "WRITE DELETED DATA", fdc_transfer_start},
    {0x0a, MFM, 2, "READ ID", fdc_read_id},
    {0x0c, MT | MFM | SK, 9, "READ DELETED DATA", fdc_transfer_start},
    {0x0d, MFM, 6, "FORMAT TRACK", fdc_format_start},
    {0x0e, 0, 1, "DUMPREG", do_dumpreg},
    {0x0f, 0, 3, "SEEK", do_seek},
    {0x10, 0, 1, "VERSION", do_version},
    {0x11, MT | MFM | SK, 9, "SCAN EQUAL", fdc_transfer_start},
    {0x12, 0, 2, "PERPENDICULAR MODE", do_perpendicular},
    {0x13, 0, 4, "CONFIGURE", do_configure},
    {0x14, 0x80, 1, "LOCK", do_lock},
    {0x16, MT | MFM | SK, 9, "VERIFY", fdc_transfer_start},
    {0x19, MT | MFM | SK, 9, "SCAN LOW OR EQUAL", fdc_transfer_start},
    {0x1d, MT | MFM | SK, 9, "SCAN HIGH OR EQUAL", fdc_transfer_start},
    {0x8f, 0x40, 3, "RELATIVE SEEK", do_relative_seek},
    {0},
};

static const struct command *command_find(u8 first)
{
    for (const struct command *c = commands; c->run; c++) {
        if ((first & ~c->free) == c->op) {
            return c;
        }
    }
    return NULL;
}

static void command_byte(struct fdc *s, u8 v)
{
    const struct command *c = command_find(s->pos ? s->fifo[0] : v);
    if (!s->pos && !c) {
        s->fifo[0] = v;
        invalid(s);
        return;
    }
    s->fifo[s->pos++] = v;
    if (s->pos == c->bytes) {
        s->phase = FDC_EXECUTE;
        c->run(s);
    }
}

/* -- registers ----------------------------------------------------------------------------------------------------- */

static u64 msr_read(struct device *d, unsigned i)
{
    struct fdc *s = (struct fdc *)d;
    (void)i;
    if (!(s->dor & DOR_RUN)) {
        return 0;
    }
    switch (s->phase) {
    case FDC_COMMAND:
        return MSR_READY | (s->pos ? MSR_BUSY : 0);
    case FDC_RESULT:
        return MSR_READY | MSR_TO_HOST | MSR_BUSY;
    default:
        if (!fdc_non_dma(s)) {
            return MSR_BUSY;
        }
        return MSR_BUSY | MSR_NON_DMA | (s->stage == STAGE_HOST ? MSR_READY : 0) | (fdc_to_host(s) ? MSR_TO_HOST : 0);
    }
}

static u64 fifo_read(struct device *d, unsigned i)
{
    struct fdc *s = (struct fdc *)d;
    u8 v = 0;
    (void)i;
    if (s->phase == FDC_RESULT) {
        fdc_irq(s, false);
        v = s->fifo[s->pos++];
        if (s->pos >= s->len) {
            command_end(s);
        }
    } else if (s->phase == FDC_EXECUTE && fdc_non_dma(s) && fdc_give(s, &v, 1)) {
        return v;
    } else {
        guest_error(device_name(d), "read of the FIFO, where nothing is");
    }
    return v;
}

static void fifo_write(struct device *d, unsigned i, u64 value)
{
    struct fdc *s = (struct fdc *)d;
    u8 v = (u8)value;
    (void)i;
    if (!(s->dor & DOR_RUN)) {
        return;
    }
    if (s->phase == FDC_COMMAND) {
        command_byte(s, v);
    } else if (!(s->phase == FDC_EXECUTE && fdc_non_dma(s) && fdc_take(s, &v, 1))) {
        guest_error(device_name(d), "write of 0x%02x to the FIFO, which takes nothing now", v);
    }
}

/* By DOR, DSR or hardware. A locked configuration stays (5.2.11). */
static void controller_reset(struct fdc *s)
{
    fdc_transfer_stop(s);
    command_end(s);
    fdc_irq(s, false);
    memset(s->sense, SENSE_NONE, sizeof(s->sense));
    memset(s->pcn, 0, sizeof(s->pcn));
    s->perpendicular &= 0x3c;
    s->specify[0] = s->specify[1] = 0;
    if (!s->lock) {
        s->config[0] = 0x20; /* FIFO off */
        s->config[1] = 0;
    }
    s->resets = 0;
}

static void reset_over(struct fdc *s)
{
    if (!(s->config[0] & CONFIG_POLL_OFF)) {
        s->resets = FDC_SELECTS;
        fdc_irq(s, true);
    }
}

static void dor_write(struct device *d, unsigned i, u64 v)
{
    struct fdc *s = (struct fdc *)d;
    u8 was = s->dor;
    (void)i;
    s->dor = (u8)v;
    if (was & ~v & DOR_RUN) {
        controller_reset(s);
    } else if (v & ~was & DOR_RUN) {
        reset_over(s);
    }
    irq_drive(s);
}

static void dsr_write(struct device *d, unsigned i, u64 v)
{
    struct fdc *s = (struct fdc *)d;
    (void)i;
    s->rate = v & 3;
    if (v & 0x80) {
        controller_reset(s);
        if (s->dor & DOR_RUN) {
            reset_over(s);
        }
    }
}

/* The change line of the drive that is selected and turns. */
static u64 dir_read(struct device *d, unsigned i)
{
    struct fdc *s = (struct fdc *)d;
    unsigned n = s->dor & DOR_SELECT;
    (void)i;
    if (n >= FDC_DRIVES || !s->drive[n].disk || !(s->dor & 0x10 << n)) {
        return 0;
    }
    return s->drive[n].changed || !block_present(s->drive[n].disk) ? 0x80 : 0;
}

static void ccr_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct fdc *)d)->rate = v & 3;
}

static const struct reg fdc_regs[] = {
    REG(2, "DOR", struct fdc, dor, .write = dor_write),
    REG(3, "TDR", struct fdc, tdr, .wmask = 3),
    {.off = 4, .name = "MSR", .size = 1, .read = msr_read, .write = dsr_write},
    {.off = 5, .name = "FIFO", .size = 1, .read = fifo_read, .write = fifo_write},
    {.off = 7, .name = "DIR", .size = 1, .read = dir_read, .write = ccr_write},
    {0},
};

/* -- drives -------------------------------------------------------------------------------------------------------- */

static void medium_changed(void *opaque)
{
    struct fdc_drive *d = opaque;
    d->changed = 1;
}

static void drive_add(struct fdc *s, unsigned n, struct blockdev *disk, u8 type)
{
    s->drive[n].disk = disk;
    s->drive[n].fdc = s;
    s->drive[n].type = type ? type : fdc_type_of(disk);
    s->drive[n].changed = 1;
    block_on_change(disk, medium_changed, &s->drive[n]);
    block_set_removable(disk, true);
}

u8 fdc_cmos_type(const struct device *fdc, unsigned unit)
{
    const struct fdc *s = (const struct fdc *)fdc;
    return unit < FDC_DRIVES && s->drive[unit].disk ? s->drive[unit].type : TYPE_NONE;
}

void fdc_set_dma(struct device *fdc, const struct isa_dma *dma)
{
    struct fdc *s = (struct fdc *)fdc;
    const struct isa_dma_peer peer = {
        .from_device = fdc_give, .to_device = fdc_take, .terminal_count = fdc_terminal_count, .opaque = s};
    s->dma = dma;
    dma->attach(dma->opaque, FDC_DMA_CHANNEL, &peer);
}

struct floppy {
    struct device dev;
    struct blockdev *disk;
    const char *type;
    u32 unit, bootindex;
};

static bool fdc_plug(struct device *owner, struct device *child, struct err *e)
{
    struct fdc *s = (struct fdc *)owner;
    struct floppy *f = (struct floppy *)child;
    unsigned n = f->unit != ~0u ? f->unit : s->drive[0].disk ? 1 : 0;
    u8 type;
    if (n >= FDC_DRIVES) {
        return err_set(e, "unit %u: the floppy controller has units 0 and 1", n);
    }
    if (s->drive[n].disk) {
        return err_set(e, "unit %u of '%s' is in use", n, device_name(owner));
    }
    if (!f->disk) {
        return err_set(e, "drive property not set");
    }
    if (!fdc_type_named(f->type, &type, e)) {
        return false;
    }
    f->unit = n;
    drive_add(s, n, f->disk, type);
    return true;
}

struct device *fdc_attach(struct device *fdc, unsigned unit, struct blockdev *disk, struct err *e)
{
    struct device *d = device_new(fdc->machine, &floppy_class, NULL);
    ((struct floppy *)d)->disk = disk;
    ((struct floppy *)d)->unit = unit;
    return device_plug(d, fdc->id, e) && device_init(d, e) ? d : NULL;
}

static void floppy_fw_path(const struct device *d, struct buf *out)
{
    buf_printf(out, "/floppy@%x", ((const struct floppy *)d)->unit);
}

/* -- the device ---------------------------------------------------------------------------------------------------- */

static bool fdc_init(struct device *d, struct err *e)
{
    struct fdc *s = (struct fdc *)d;
    fdc_transfer_init(s);
    for (unsigned n = 0; n < FDC_DRIVES; n++) {
        u8 type;
        if (!fdc_type_named(s->wanted_type[n], &type, e)) {
            return false;
        }
        if (s->wanted[n]) {
            drive_add(s, n, s->wanted[n], type);
        }
    }
    return true;
}

static void fdc_reset(struct device *d)
{
    struct fdc *s = (struct fdc *)d;
    controller_reset(s);
    irq_drive(s);
}

static bool fdc_loaded(struct device *d, struct err *e)
{
    struct fdc *s = (struct fdc *)d;
    const struct command *c = command_find(s->fifo[0]);
    bool collects = s->phase == FDC_COMMAND && s->pos;
    if (s->phase >= FDC_PHASES || s->stage >= FDC_STAGES || s->pos > FDC_FIFO || s->len > FDC_FIFO ||
        s->end > FDC_SECTOR || s->at > s->end || s->resets > FDC_SELECTS ||
        (s->phase == FDC_RESULT && s->pos >= s->len) || (collects && (!c || s->pos >= c->bytes)) ||
        (s->phase == FDC_EXECUTE && s->stage == STAGE_HOST && s->at == s->end)) {
        return err_set(e, "phase %u at %u of %u cannot be", s->phase, s->pos, s->len);
    }
    fdc_transfer_loaded(s);
    irq_drive(s);
    return true;
}

static void fdc_fini(struct device *d)
{
    struct fdc *s = (struct fdc *)d;
    fdc_transfer_stop(s);
    for (unsigned n = 0; n < FDC_DRIVES; n++) {
        if (s->drive[n].disk) {
            block_on_change(s->drive[n].disk, NULL, NULL);
        }
    }
}

static void fdc_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/fdc@03f0");
}

static const struct field fdc_state[] = {
    FIELD(struct fdc, dor),
    FIELD(struct fdc, tdr),
    FIELD(struct fdc, rate, .reset = 2),
    FIELDS(struct fdc, specify),
    FIELDS(struct fdc, config),
    FIELD(struct fdc, lock),
    FIELD(struct fdc, perpendicular),
    FIELDS(struct fdc, pcn),
    FIELD(struct fdc, resets),
    FIELDS(struct fdc, sense),
    FIELD(struct fdc, irq),
    FIELD(struct fdc, phase),
    FIELDS(struct fdc, fifo),
    FIELD(struct fdc, pos),
    FIELD(struct fdc, len),
    FIELD(struct fdc, stage),
    FIELD(struct fdc, c),
    FIELD(struct fdc, h),
    FIELD(struct fdc, r),
    FIELD(struct fdc, st1),
    FIELD(struct fdc, st2),
    FIELD(struct fdc, verify_left),
    FIELD(struct fdc, tc),
    FIELD(struct fdc, low),
    FIELD(struct fdc, high),
    FIELD(struct fdc, dreq),
    FIELD(struct fdc, at),
    FIELD(struct fdc, end),
    FIELDS(struct fdc, buf, .flags = F_HIDDEN),
    FIELD(struct fdc, next_due, .reset = ~0ull),
    FIELD_OF(struct fdc, drive, cylinder, .flags = F_KEEP),
    FIELD_OF(struct fdc, drive, changed, .flags = F_KEEP),
    FIELD_OF(struct fdc, drive, passing),
    {0},
};
static const struct prop fdc_props[] = {
    PROP("driveA", PROP_BLOCK, struct fdc, wanted[0], NULL, "disk of the first drive"),
    PROP("driveB", PROP_BLOCK, struct fdc, wanted[1], NULL, "disk of the second drive"),
    PROP("fdtypeA", PROP_STR, struct fdc, wanted_type[0], "auto", "144, 288, 120; auto: by its disk"),
    PROP("fdtypeB", PROP_STR, struct fdc, wanted_type[1], "auto", "as fdtypeA"),
    {0},
};
static const struct reg_window fdc_windows[] = {{2, 4}, {7, 1}, {0}};

const struct device_class isa_fdc_class = {
    .name = "isa-fdc",
    .doc = "82077AA floppy controller",
    .bus = "sysbus",
    .provides = "floppy-bus",
    .bus_slots = FDC_DRIVES,
    .plug = fdc_plug,
    .size = sizeof(struct fdc),
    .mmio_size = 8,
    .windows = fdc_windows,
    .nirqs = 1,
    .state = fdc_state,
    .regs = fdc_regs,
    .props = fdc_props,
    .init = fdc_init,
    .reset = fdc_reset,
    .loaded = fdc_loaded,
    .fini = fdc_fini,
    .fw_path = fdc_fw_path,
};

static const struct field floppy_state[] = {{0}};
static const struct prop floppy_props[] = {
    PROP("drive", PROP_BLOCK, struct floppy, disk, NULL, "the disk, or the drive for one"),
    PROP("unit", PROP_U32, struct floppy, unit, "0xffffffff", "0 or 1; else the first free"),
    PROP("drive-type", PROP_STR, struct floppy, type, "auto", "144, 288, 120; auto: by its disk"),
    PROP("bootindex", PROP_U32, struct floppy, bootindex, "0xffffffff", "boot order, for firmware"),
    {0},
};

const struct device_class floppy_class = {
    .name = "floppy",
    .doc = "floppy drive",
    .bus = "floppy-bus",
    .size = sizeof(struct floppy),
    .state = floppy_state,
    .props = floppy_props,
    .fw_path = floppy_fw_path,
};

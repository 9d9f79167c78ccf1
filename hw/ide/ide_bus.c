/* A channel of parallel ATA as the PC has it: the registers of two drives, INTRQ, and a bus master's half of a channel.
 *
 * SPEC: ATA/ATAPI-7 volume 2, 5 and 9.16 (what is read of drives that are not there); bus master: SFF-8038i and Intel
 * 290550 (PIIX3), 2.7. Pin 0: INTRQ. A write reaches both drives, a command the selected one.
 * A table of memory regions ends at its marked entry or after 64 KiB, whichever comes first.
 * Not modelled: a bus master that is told the wrong direction (the command's counts), port 0x3f7. */
#include "hw/ide/ide_bus.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum { R_DATA, R_ERROR, R_COUNT, R_LBA_LOW, R_LBA_MID, R_LBA_HIGH, R_DEVICE, R_STATUS };
enum { BM_START = 1, BM_STATUS_ACTIVE = 1, BM_STATUS_ERROR = 2, BM_STATUS_INTERRUPT = 4, BM_STATUS_CAPABLE = 0x60 };
enum { PRD_BYTES = 8, PRD_MAX = 0x10000 / PRD_BYTES };
#define FLOATING 0x7f /* nobody drives the bus: bit 7 is pulled down */

static struct ide_bus *bus_of(const struct ide_unit *u)
{
    return (struct ide_bus *)u->bus;
}

static struct ide_unit *selected(struct ide_bus *b)
{
    return b->unit[b->select ? 1 : 0];
}

static void line_update(struct ide_bus *b)
{
    struct ide_unit *u = selected(b);
    bool line = u && u->intrq && !(b->control & CTL_NIEN);
    if (line && !b->line) {
        b->bm_status |= BM_STATUS_INTERRUPT;
    }
    b->line = line;
    device_irq(&b->dev, 0, line);
}

/* -- the bus master ------------------------------------------------------------------------------------------------ */

static void prd_load(struct ide_bus *b, u64 *addr, u32 *len, bool *last)
{
    u8 e[PRD_BYTES];
    mem_read(b->dev.dma, b->bm_table + (u64)b->at.index * PRD_BYTES, e, sizeof(e), (struct mem_attrs){0});
    *addr = ld32le(e) & ~1u;
    *len = ld16le(e + 4) & 0xfffe;
    *len = *len ? *len : 0x10000;
    *last = e[7] & 0x80;
}

static u64 bus_dma_fetch(struct ide_unit *u, struct sg *s, u64 limit)
{
    struct ide_bus *b = bus_of(u);
    u64 got = 0;
    b->before = b->at;
    if (!(b->bm_command & BM_START) || !b->may_master || !b->may_master(b->owner)) {
        return 0;
    }
    while (got < limit && !b->at.over && s->n < SG_MAX) {
        u64 addr;
        u32 len;
        bool last;
        prd_load(b, &addr, &len, &last);
        u64 n = b->at.off < len ? sg_add(s, addr + b->at.off, MIN(limit - got, len - b->at.off)) : 0;
        got += n;
        b->at.off += (u32)n;
        if (b->at.off >= len) {
            b->at.off = 0;
            b->at.index++;
            b->at.over = last || b->at.index == PRD_MAX;
        }
    }
    return got;
}

static void bus_dma_undo(struct ide_unit *u)
{
    bus_of(u)->at = bus_of(u)->before;
}

/* With memory left over the bus master stays active; the driver takes that for a short transfer. */
static void bus_dma_end(struct ide_unit *u)
{
    struct ide_bus *b = bus_of(u);
    if (b->at.over) {
        b->bm_status &= (u8)~BM_STATUS_ACTIVE;
    }
}

static bool bus_dma_refuse(struct ide_unit *u)
{
    struct ide_bus *b = bus_of(u);
    if (b->at.over) {
        b->bm_status &= (u8)~BM_STATUS_ACTIVE; /* and the drive waits for a driver's patience to end */
    }
    return !b->may_master;
}

static void bm_start(struct ide_bus *b)
{
    b->at = (struct prd_place){0};
    b->bm_status |= BM_STATUS_ACTIVE;
    for (unsigned i = 0; i < IDE_UNITS; i++) {
        if (b->unit[i]) {
            ide_dma_go(b->unit[i]);
        }
    }
}

/* What is on its way goes to an end: memory is the driver's again. */
static void bm_stop(struct ide_bus *b)
{
    for (unsigned i = 0; i < IDE_UNITS; i++) {
        if (b->unit[i] && b->unit[i]->conf.drive && b->unit[i]->status & ST_BSY) {
            block_drain(b->unit[i]->conf.drive);
        }
    }
    b->bm_status &= (u8)~BM_STATUS_ACTIVE;
}

u8 ide_bm_read(struct ide_bus *b, unsigned off)
{
    switch (off) {
    case 0:
        return b->bm_command;
    case 2:
        return b->bm_status;
    case 4:
    case 5:
    case 6:
    case 7:
        return (u8)(b->bm_table >> 8 * (off - 4));
    default:
        return 0;
    }
}

void ide_bm_write(struct ide_bus *b, unsigned off, u8 v)
{
    u8 was = b->bm_command;
    switch (off) {
    case 0:
        b->bm_command = v & 9;
        if (v & ~was & BM_START) {
            bm_start(b);
        } else if (was & ~v & BM_START) {
            bm_stop(b);
        }
        break;
    case 2:
        b->bm_status &= (u8) ~(v & (BM_STATUS_ERROR | BM_STATUS_INTERRUPT));
        b->bm_status = (u8)((b->bm_status & ~BM_STATUS_CAPABLE) | (v & BM_STATUS_CAPABLE));
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        b->bm_table = (u32)deposit(b->bm_table, 8 * (off - 4), 8, v) & ~3u;
        break;
    }
}

/* -- what drives say ----------------------------------------------------------------------------------------------- */

static void bus_drq(struct ide_unit *u, bool first)
{
    u->intrq |= !first;
    line_update(bus_of(u));
}

static void bus_done(struct ide_unit *u)
{
    u->intrq = true;
    line_update(bus_of(u));
}

static void bus_irq(struct ide_unit *u)
{
    line_update(bus_of(u));
}

static const struct ide_host bus_host = {
    .drq = bus_drq,
    .done = bus_done,
    .irq = bus_irq,
    .dma_fetch = bus_dma_fetch,
    .dma_undo = bus_dma_undo,
    .dma_end = bus_dma_end,
    .dma_refuse = bus_dma_refuse,
};

/* -- registers ----------------------------------------------------------------------------------------------------- */

static u8 status_read(struct ide_bus *b, bool acknowledge)
{
    struct ide_unit *u = selected(b);
    if (!u) {
        return b->unit[0] || b->unit[1] ? 0 : FLOATING;
    }
    u8 v = u->status;
    if (acknowledge && u->intrq) {
        u->intrq = false;
        line_update(b);
    }
    return v;
}

/* A drive answers for its absent neighbour, with zeros: so do packet drives (9.16.2), and drivers believe it of all. */
static u8 reg_read(struct ide_bus *b, unsigned off)
{
    struct ide_unit *u = selected(b);
    if (!u && (b->unit[0] || b->unit[1])) {
        return off == R_DEVICE ? b->select | 0xa0 : 0;
    }
    if (!u) {
        return FLOATING;
    }
    unsigned old = b->control & CTL_HOB ? 1 : 0;
    switch (off) {
    case R_ERROR:
        return u->error;
    case R_COUNT:
        return u->count[old];
    case R_LBA_LOW:
        return u->lba_low[old];
    case R_LBA_MID:
        return u->lba_mid[old];
    case R_LBA_HIGH:
        return u->lba_high[old];
    case R_DEVICE:
        return (u8)((u->device & ~DEV_DEV) | b->select | 0xa0);
    case R_STATUS:
        return status_read(b, true);
    case IDE_PORT_CONTROL:
        return status_read(b, false);
    default:
        return FLOATING;
    }
}

static void two_deep(u8 *r, u8 v)
{
    r[1] = r[0];
    r[0] = v;
}

static void unit_write(struct ide_unit *u, unsigned off, u8 v)
{
    if (u->status & (ST_BSY | ST_DRQ) && off != R_DEVICE) {
        return;
    }
    switch (off) {
    case R_ERROR:
        two_deep(u->features, v);
        break;
    case R_COUNT:
        two_deep(u->count, v);
        break;
    case R_LBA_LOW:
        two_deep(u->lba_low, v);
        break;
    case R_LBA_MID:
        two_deep(u->lba_mid, v);
        break;
    case R_LBA_HIGH:
        two_deep(u->lba_high, v);
        break;
    default:
        u->device = v;
    }
}

static void control_write(struct ide_bus *b, u8 v)
{
    u8 was = b->control;
    b->control = v & (CTL_NIEN | CTL_SRST | CTL_HOB);
    for (unsigned i = 0; i < IDE_UNITS; i++) {
        struct ide_unit *u = b->unit[i];
        if (u && v & ~was & CTL_SRST) {
            ide_stop(u);
            u->status = ST_BSY;
            u->intrq = false;
        } else if (u && was & ~v & CTL_SRST) {
            ide_reset(u);
        }
    }
    b->select = (was | v) & CTL_SRST ? 0 : b->select;
    line_update(b);
}

static void command_write(struct ide_bus *b, u8 v)
{
    if (b->control & CTL_SRST) {
        return;
    }
    if (v == 0x90) { /* both diagnose themselves, drive 0 answers */
        b->select = 0;
        for (unsigned i = IDE_UNITS; i--;) {
            if (b->unit[i]) {
                ide_exec(b->unit[i], v);
                b->unit[i]->intrq &= i == 0;
            }
        }
    } else if (selected(b)) {
        ide_exec(selected(b), v);
    }
    line_update(b);
}

static void reg_write(struct ide_bus *b, unsigned off, u8 v)
{
    if (off == IDE_PORT_CONTROL) {
        control_write(b, v);
        return;
    }
    b->control &= (u8)~CTL_HOB;
    if (off == R_STATUS) {
        command_write(b, v);
        return;
    }
    for (unsigned i = 0; i < IDE_UNITS; i++) {
        if (b->unit[i]) {
            unit_write(b->unit[i], off, v);
        }
    }
    if (off == R_DEVICE) {
        b->select = v & DEV_DEV;
        line_update(b);
    }
}

static enum mem_result bus_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct ide_bus *b = opaque;
    u8 data[8] = {0};
    (void)a;
    if (off == R_DATA) {
        if (selected(b)) {
            ide_data_out(selected(b), data, size);
        } else {
            memset(data, FLOATING, size);
        }
    } else {
        for (unsigned i = 0; i < size; i++) {
            data[i] = reg_read(b, (unsigned)off + i);
        }
    }
    *val = ldnle(data, size);
    return MEM_OK;
}

static enum mem_result bus_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct ide_bus *b = opaque;
    (void)a;
    if (off == R_DATA) {
        if (selected(b)) {
            ide_data_in(selected(b), &val, size);
        }
        return MEM_OK;
    }
    for (unsigned i = 0; i < size; i++) {
        reg_write(b, (unsigned)off + i, (u8)(val >> 8 * i));
    }
    return MEM_OK;
}

static const struct mem_ops bus_ops = {.read = bus_read, .write = bus_write, .min_size = 1, .max_size = 4};

/* -- the device ---------------------------------------------------------------------------------------------------- */

static bool bus_plug(struct device *owner, struct device *child, struct err *e)
{
    struct ide_bus *b = (struct ide_bus *)owner;
    struct ide_unit *u = (struct ide_unit *)child;
    unsigned n = u->unit_wanted != ~0u ? u->unit_wanted : b->unit[0] ? 1 : 0;
    if (n >= IDE_UNITS) {
        return err_set(e, "unit %u: an IDE bus has units 0 and 1", n);
    }
    if (b->unit[n]) {
        return err_set(e, "unit %u of '%s' is in use", n, device_name(owner));
    }
    u->packet = child->cls == &ide_cd_class;
    ide_plug(u, &bus_host, owner, n);
    b->unit[n] = u;
    return true;
}

static void bus_reset(struct device *d)
{
    line_update((struct ide_bus *)d);
}

static bool bus_loaded(struct device *d, struct err *e)
{
    struct ide_bus *b = (struct ide_bus *)d;
    if (b->at.index > PRD_MAX || b->before.index > PRD_MAX || (b->select && b->select != DEV_DEV)) {
        return err_set(e, "a place in the table of memory regions, or a selection, that cannot be");
    }
    device_irq(d, 0, b->line);
    return true;
}

static void bus_fw_path(const struct device *d, struct buf *out)
{
    const char *dot = d->id ? strrchr(d->id, '.') : NULL;
    buf_printf(out, "/drive@%lx", dot ? strtoul(dot + 1, NULL, 10) : 0);
}

static const struct field bus_state[] = {
    FIELD(struct ide_bus, control),
    FIELD(struct ide_bus, select),
    FIELD(struct ide_bus, line),
    FIELD(struct ide_bus, bm_command),
    FIELD(struct ide_bus, bm_status),
    FIELD(struct ide_bus, bm_table),
    FIELD(struct ide_bus, at.index),
    FIELD(struct ide_bus, at.off),
    FIELD(struct ide_bus, at.over),
    FIELD(struct ide_bus, before.index),
    FIELD(struct ide_bus, before.off),
    FIELD(struct ide_bus, before.over),
    {0},
};

static const struct reg_window bus_windows[] = {{0, 8}, {IDE_PORT_CONTROL, 1}, {0}};

const struct device_class ide_bus_class = {
    .name = "ide-bus",
    .doc = "channel of parallel ATA",
    .bus = "sysbus",
    .provides = "IDE",
    .bus_slots = IDE_UNITS,
    .plug = bus_plug,
    .size = sizeof(struct ide_bus),
    .mmio_size = IDE_PORT_CONTROL + 1,
    .windows = bus_windows,
    .nirqs = 1,
    .state = bus_state,
    .ops = &bus_ops,
    .reset = bus_reset,
    .loaded = bus_loaded,
    .fw_path = bus_fw_path,
};

/* IDENTIFY DEVICE and IDENTIFY PACKET DEVICE, SET FEATURES, and what else an ATA drive says of itself: diagnosis,
 * power, native size, SMART, logs.
 *
 * SPEC: ATA/ATAPI-7 volume 1, 6.17, 6.18, 6.49, 6.54; ACS-2, 7.12, for words that are newer. SMART knows no failing
 * attribute and its self-tests pass at once. Not modelled: SECURITY (refused), SET MAX passwords and locks, writing of
 * logs, advanced power management, acoustic management. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/ide/ide_priv.h"

/* -- identify ------------------------------------------------------------------------------------------------------ */

static void word(u8 *id, unsigned n, u64 v)
{
    st16le(id + 2 * n, (u16)v);
}

/* Text has the first of two characters in the high byte. */
static void text(u8 *id, unsigned first, unsigned words, const char *s)
{
    u8 padded[40];
    disk_text(padded, 2 * words, s);
    for (unsigned i = 0; i < words; i++) {
        id[2 * (first + i)] = padded[2 * i + 1];
        id[2 * (first + i) + 1] = padded[2 * i];
    }
}

/* The last byte makes the sum of all 512 be 0. */
static void sum_to_zero(u8 *p)
{
    u8 sum = 0;
    for (unsigned i = 0; i < 511; i++) {
        sum = (u8)(sum + p[i]);
    }
    p[511] = (u8)-sum;
}

/* Supported modes of a kind in the low byte, the one in use in the high byte. dma_mode is the value of SET FEATURES
 * 03h: kind in bits 7:3, number in 2:0. */
static u64 modes(const struct ide_unit *u, unsigned kind, u64 supported)
{
    return supported | (u->dma_mode >> 3 == kind ? BIT(8 + (u->dma_mode & 7)) : 0);
}

static void identify_common(const struct ide_unit *u, u8 *id)
{
    memset(id, 0, IDE_SECTOR);
    text(id, 10, 10, u->serial);
    text(id, 23, 4, u->conf.version ? u->conf.version : "1.0");
    text(id, 27, 20, u->model);
    word(id, 53, 7); /* words 54-58, 64-70 and 88 are valid */
    word(id, 63, modes(u, 4, 7));
    word(id, 64, 3); /* PIO 3 and 4 */
    for (unsigned i = 65; i <= 68; i++) {
        word(id, i, 120); /* ns a cycle */
    }
    word(id, 80, 0x00f0); /* ATA/ATAPI-4 to 7 */
    word(id, 88, modes(u, 8, 0x3f));
    if (u->host->queue_depth) {
        word(id, 75, u->host->queue_depth - 1u);
        word(id, 76, 6 | (u->packet ? 0 : BIT(8))); /* SATA generations 1 and 2, queued commands */
    } else {
        word(id, 93, 0x4000 | 0x2000 | (u->unit ? 0x0b00 : 0x000b)); /* reset result: 80 wires */
    }
}

static u64 clip(u64 v, u64 max)
{
    return MIN(v, max);
}

/* Words 1, 3, 6 and 54-58: cylinders, heads, sectors by default and as set. */
static void identify_geometry(const struct ide_unit *u, u8 *id)
{
    const struct disk_conf *c = &u->conf;
    word(id, 1, c->cyls);
    word(id, 3, c->heads);
    word(id, 6, c->secs);
    if (u->heads && u->secs) {
        u64 all = clip(u->sectors_shown, (u64)c->cyls * c->heads * c->secs);
        u64 cyls = clip(all / ((u64)u->heads * u->secs), 65535), chs = cyls * u->heads * u->secs;
        word(id, 54, cyls);
        word(id, 55, u->heads);
        word(id, 56, u->secs);
        word(id, 57, chs);
        word(id, 58, chs >> 16);
    }
}

static void identify_sizes(const struct ide_unit *u, u8 *id)
{
    u64 n = u->sectors_shown, lba28 = clip(n, 0x0fffffff);
    word(id, 60, lba28);
    word(id, 61, lba28 >> 16);
    for (unsigned i = 0; i < 4; i++) {
        word(id, 100 + i, n >> 16 * i);
    }
    unsigned per = ctz32(u->conf.physical_block_size / IDE_SECTOR);
    word(id, 106, 0x4000 | (per ? 0x2000 | per : 0));
    word(id, 217, u->conf.rotation_rate);
    word(id, 209, 0x4000); /* logical sector 0 begins a physical one */
}

/* What is supported (82-84), what of it is on (85-87). */
static void identify_sets(const struct ide_unit *u, u8 *id)
{
    u64 smart = BIT(0), hpa = BIT(10), power = BIT(3), wcache = BIT(5), ahead = BIT(6), nop = BIT(14), bufs = 3 << 12;
    u64 flush = BIT(12), flush_ext = BIT(13), lba48 = BIT(10), fua = BIT(6), logs = BIT(5),
        wwn = u->conf.wwn ? BIT(8) : 0;
    word(id, 82, smart | hpa | power | wcache | ahead | nop | bufs);
    word(id, 83, 0x4000 | flush | flush_ext | lba48);
    word(id, 84, 0x4000 | fua | logs | 3 | wwn); /* and SMART's error log and self-test */
    word(id, 85,
         (u->smart ? smart : 0) | hpa | power | (u->wce ? wcache : 0) | (u->lookahead ? ahead : 0) | nop | bufs);
    word(id, 86, flush | flush_ext | lba48);
    word(id, 87, 0x4000 | fua | logs | 3 | wwn);
    if (u->conf.wwn) {
        for (unsigned i = 0; i < 4; i++) {
            word(id, 108 + i, u->conf.wwn >> 16 * (3 - i));
        }
    }
}

void ide_identify_fill(struct ide_unit *u, u8 *id)
{
    identify_common(u, id);
    word(id, 0, 0x0040); /* a fixed drive */
    word(id, 47, 0x8000 | IDE_MULTIPLE_MAX);
    word(id, 48, 0x4000);
    word(id, 49, 0x2f00); /* standby timer values as the standard has them, IORDY, LBA, DMA */
    word(id, 50, 0x4000);
    word(id, 59, u->multiple ? 0x100 | u->multiple : 0);
    identify_geometry(u, id);
    identify_sizes(u, id);
    identify_sets(u, id);
    if (block_can_discard(u->conf.drive) || u->conf.discard_granularity) {
        word(id, 105, IDE_BUF / IDE_SECTOR);
        word(id, 169, 1);
    }
    id[510] = 0xa5; /* a checksum follows */
    sum_to_zero(id);
}

void ide_identify_packet_fill(struct ide_unit *u, u8 *id)
{
    identify_common(u, id);
    word(id, 0, 0x85c0);  /* ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes */
    word(id, 49, 0x0f00); /* IORDY, LBA, DMA */
    word(id, 82, BIT(14) | BIT(9) | BIT(4) | BIT(3)); /* NOP, DEVICE RESET, PACKET, power management */
    word(id, 83, 0x4000);
    word(id, 84, 0x4000 | (u->conf.wwn ? BIT(8) : 0));
    word(id, 85, BIT(14) | BIT(9) | BIT(4) | BIT(3));
    word(id, 87, 0x4000 | (u->conf.wwn ? BIT(8) : 0));
    for (unsigned i = 0; i < 4 && u->conf.wwn; i++) {
        word(id, 108 + i, u->conf.wwn >> 16 * (3 - i));
    }
    id[510] = 0xa5; /* a checksum follows */
    sum_to_zero(id);
}

void ide_identify(struct ide_unit *u)
{
    ide_identify_fill(u, ide_buf(u));
    ide_pio_in(u, IDE_SECTOR);
}

void ide_identify_packet(struct ide_unit *u)
{
    ide_identify_packet_fill(u, ide_buf(u));
    ide_pio_in(u, IDE_SECTOR);
}

/* A packet drive answers these with its signature, so that drivers know what it is (9.12). */
void ide_foreign(struct ide_unit *u)
{
    u8 device = u->device;
    ide_signature(u);
    u->device = device;
    ide_abort(u);
}

/* -- SET FEATURES -------------------------------------------------------------------------------------------------- */

/* The mode in the count register: kind in bits 7:3, number in 2:0. False: not to be had. */
static bool set_mode(struct ide_unit *u, u8 mode)
{
    unsigned n = mode & 7;
    switch (mode >> 3) {
    case 0: /* PIO default, with or without IORDY */
        return n <= 1;
    case 1:
        if (n > 4) {
            return false;
        }
        u->pio_mode = mode;
        return true;
    case 4: /* multiword DMA */
    case 8: /* Ultra DMA */
        if (n > (mode >> 3 == 4 ? 2 : 5)) {
            return false;
        }
        u->dma_mode = mode;
        return true;
    default:
        return false;
    }
}

void ide_set_features(struct ide_unit *u)
{
    bool known = true;
    switch (u->features[0]) {
    case 0x02:
        u->wce = 1;
        break;
    case 0x82: /* what is in the cache is written first */
        u->wce = 0;
        if (!u->packet) {
            ide_flush(u);
            return;
        }
        break;
    case 0x03:
        known = set_mode(u, u->count[0]);
        break;
    case 0xaa:
    case 0x55:
        u->lookahead = u->features[0] == 0xaa;
        break;
    case 0xcc:
    case 0x66:
        u->revert = u->features[0] == 0xcc;
        break;
    default:
        known = false;
    }
    if (known) {
        ide_done(u);
    } else {
        ide_abort(u);
    }
}

/* -- small ones ---------------------------------------------------------------------------------------------------- */

void ide_nop(struct ide_unit *u)
{
    ide_abort(u);
}

void ide_set_multiple(struct ide_unit *u)
{
    u8 n = u->count[0];
    if (n > IDE_MULTIPLE_MAX || (n && !is_pow2(n))) {
        u->multiple = 0;
        ide_abort(u);
        return;
    }
    u->multiple = n;
    ide_done(u);
}

/* Sectors a track in the count register, the highest head in the device register. */
void ide_init_params(struct ide_unit *u)
{
    if (!u->count[0]) {
        ide_abort(u);
        return;
    }
    u->secs = u->count[0];
    u->heads = (u8)((u->device & 15) + 1);
    ide_done(u);
}

void ide_diagnostic(struct ide_unit *u)
{
    ide_signature(u);
    u->device = 0;
    u->phase = IDE_IDLE;
    u->error = 1;
    u->status = u->packet ? 0 : ST_GOOD;
    u->host->done(u);
}

void ide_device_reset(struct ide_unit *u)
{
    u8 device = u->device;
    ide_stop(u);
    ide_packet_reset(u);
    ide_signature(u);
    u->device = device & DEV_DEV;
    u->asleep = false;
    u->error = 1;
    u->status = 0; /* and no interrupt (6.13) */
    u->intrq = false;
    u->host->irq(u);
}

void ide_read_buffer(struct ide_unit *u)
{
    ide_pio_in(u, IDE_SECTOR);
}

void ide_write_buffer(struct ide_unit *u)
{
    ide_pio_out(u, IDE_SECTOR, true);
}

void ide_write_buffer_next(struct ide_unit *u)
{
    ide_done(u);
}

/* -- power --------------------------------------------------------------------------------------------------------- */

/* The immediate forms and those that also set the timer. */
static void power_set(struct ide_unit *u, u8 mode, bool timer)
{
    u->power = mode;
    if (timer) {
        u->standby_timer = u->count[0];
    }
    ide_done(u);
}

void ide_standby(struct ide_unit *u)
{
    power_set(u, 0x00, u->command == 0x96 || u->command == 0xe2);
}

void ide_idle(struct ide_unit *u)
{
    power_set(u, 0x80, u->command == 0x97 || u->command == 0xe3);
}

void ide_check_power(struct ide_unit *u)
{
    u->count[0] = u->power;
    ide_done(u);
}

void ide_sleep(struct ide_unit *u)
{
    u->power = 0;
    ide_done(u);
    u->asleep = true;
}

/* -- native size --------------------------------------------------------------------------------------------------- */

static u64 native_last(const struct ide_unit *u)
{
    u64 last = ide_capacity(u) - 1;
    return ide_is_ext(u) ? last : MIN(last, 0x0fffffff);
}

void ide_native_max(struct ide_unit *u)
{
    if (!ide_capacity(u)) {
        ide_abort(u);
        return;
    }
    u->device |= ide_is_ext(u) ? 0 : DEV_LBA;
    ide_set_lba(u, native_last(u));
    ide_done(u);
}

/* Volatile or not is all the same here: a new power-up shows the whole disk. */
void ide_set_max(struct ide_unit *u)
{
    u64 lba = ide_lba(u);
    if ((!ide_is_ext(u) && u->features[0]) || lba == ~0ull) {
        ide_abort(u); /* passwords and locks */
    } else if (lba >= ide_capacity(u)) {
        ide_fail(u, ER_IDNF);
    } else {
        u->sectors_shown = lba + 1;
        ide_done(u);
    }
}

/* -- SMART --------------------------------------------------------------------------------------------------------- */

static const struct smart_attr {
    u8 id, flags, value, worst, threshold;
    u32 raw;
} attrs[] = {
    {0x01, 0x03, 100, 100, 6, 0},  /* raw read error rate */
    {0x03, 0x03, 100, 100, 0, 16}, /* spin-up time */
    {0x04, 0x02, 100, 100, 20, 1}, /* starts and stops */
    {0x05, 0x03, 100, 100, 36, 0}, /* reallocated sectors */
    {0x09, 0x03, 100, 100, 0, 1},  /* hours */
    {0x0c, 0x03, 100, 100, 0, 1},  /* power cycles */
    {0xbe, 0x03, 69, 69, 50, 31},  /* temperature */
    {0xc5, 0x12, 100, 100, 0, 0},  /* pending sectors */
    {0xc6, 0x10, 100, 100, 0, 0},  /* uncorrectable sectors */
};

static void smart_page(u8 *p, bool thresholds)
{
    memset(p, 0, IDE_SECTOR);
    p[0] = 1;
    for (unsigned i = 0; i < ARRAY_LEN(attrs); i++) {
        const struct smart_attr *a = &attrs[i];
        u8 *at = p + 2 + 12 * i;
        at[0] = a->id;
        at[1] = thresholds ? a->threshold : a->flags;
        if (!thresholds) {
            at[3] = a->value;
            at[4] = a->worst;
            st32le(at + 5, a->raw);
        }
    }
    if (!thresholds) {
        p[367] = 0x1b; /* off-line collection and self-tests, at once */
        st16le(p + 368, 3);
        p[370] = 1; /* there is an error log */
        p[372] = p[373] = 1;
    }
    sum_to_zero(p);
}

/* Log pages that SMART READ LOG and READ LOG EXT give: nothing went wrong so far. False: no such log. */
static bool log_page(struct ide_unit *u, u8 log, u8 *p)
{
    memset(p, 0, IDE_SECTOR);
    switch (log) {
    case 0x00: /* directory: a page each */
        st16le(p, 1);
        p[2 * 0x01] = p[2 * 0x06] = p[2 * 0x10] = 1;
        return true;
    case 0x01: /* summary of errors */
    case 0x06: /* self-tests */
        p[0] = 1;
        sum_to_zero(p);
        return true;
    case 0x10: /* queued error; reading it clears it */
        p[0] = u->ncq.valid ? u->ncq.tag : 0x80;
        p[2] = u->ncq.status;
        p[3] = u->ncq.error;
        for (unsigned i = 0; i < 3; i++) {
            p[4 + i] = (u8)(u->ncq.lba >> 8 * i);
            p[8 + i] = (u8)(u->ncq.lba >> (24 + 8 * i));
        }
        p[7] = DEV_LBA;
        st16le(p + 12, (u16)u->ncq.count);
        sum_to_zero(p);
        u->ncq.valid = 0;
        return true;
    default:
        return false;
    }
}

static bool log_fill(struct ide_unit *u, u8 log, u32 pages)
{
    if (!pages || pages > IDE_BUF / IDE_SECTOR || !log_page(u, log, ide_buf(u))) {
        ide_abort(u);
        return false;
    }
    memset(ide_buf(u) + IDE_SECTOR, 0, (pages - 1) * IDE_SECTOR);
    return true;
}

void ide_read_log(struct ide_unit *u)
{
    u32 pages = u->count[0] | (u32)u->count[1] << 8;
    if (log_fill(u, u->lba_low[0], pages)) {
        ide_pio_in(u, pages * IDE_SECTOR);
    }
}

void ide_read_log_dma(struct ide_unit *u)
{
    u32 pages = u->count[0] | (u32)u->count[1] << 8;
    if (log_fill(u, u->lba_low[0], pages)) {
        u64 n = (u64)pages * IDE_SECTOR;
        if (ide_dma_give(u, u->buf, n) == n) {
            ide_done(u);
        } else {
            ide_abort(u);
        }
    }
}

static void smart_status(struct ide_unit *u)
{
    u->lba_mid[0] = 0x4f; /* no threshold is exceeded; else f4, 2c */
    u->lba_high[0] = 0xc2;
    ide_done(u);
}

void ide_smart(struct ide_unit *u)
{
    u8 sub = u->features[0];
    if (u->lba_mid[0] != 0x4f || u->lba_high[0] != 0xc2 || (!u->smart && sub != 0xd8)) {
        ide_abort(u);
        return;
    }
    switch (sub) {
    case 0xd0:
    case 0xd1:
        smart_page(ide_buf(u), sub == 0xd1);
        ide_pio_in(u, IDE_SECTOR);
        break;
    case 0xd2: /* autosave of attributes */
    case 0xd3: /* save them */
    case 0xd4: /* a self-test: it has passed */
    case 0xdb: /* automatic off-line collection */
        ide_done(u);
        break;
    case 0xd5:
        if (log_fill(u, u->lba_low[0], u->count[0])) {
            ide_pio_in(u, u->count[0] * (u32)IDE_SECTOR);
        }
        break;
    case 0xd8:
    case 0xd9:
        u->smart = sub == 0xd8;
        ide_done(u);
        break;
    case 0xda:
        smart_status(u);
        break;
    default:
        ide_abort(u);
    }
}

/* Parallel NOR flash: JEDEC CFI (JESD68.01) with the Intel/Sharp extended command set 0001 (Intel Flash Memory Data
 * Sheet 290737, "StrataFlash"; Intel application note 646).
 *
 * Chips stand side by side on the bus and hear the same commands, as all software gives them; so one command machine
 * serves them all, and what one chip answers is repeated for each. The array is memory that the guest reads directly
 * while the chips are in read-array mode. Programming and erasing take no time, so the status always says ready.
 *
 * Not modelled: block locking (the commands are there, every block is unlocked), protection registers, suspend, chips
 * that are given different commands, programming that would set a bit is done as the hardware does it: the bit stays
 * zero. */
#include "hw/block/cfi_flash.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "block/block.h"

enum {
    CMD_LOCK_CONFIRM = 0x01,
    CMD_LOCK_DOWN = 0x2f,
    CMD_PROGRAM_ALT = 0x10,
    CMD_ERASE = 0x20,
    CMD_PROGRAM = 0x40,
    CMD_CLEAR_STATUS = 0x50,
    CMD_LOCK_SETUP = 0x60,
    CMD_READ_STATUS = 0x70,
    CMD_READ_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_SUSPEND = 0xb0,
    CMD_CONFIRM = 0xd0,
    CMD_BUFFERED = 0xe8,
    CMD_READ_ARRAY = 0xff,
};
enum {
    SR_READY = 0x80,
    SR_ERASE_ERROR = 0x20,
    SR_PROGRAM_ERROR = 0x10,
    SR_SEQUENCE_ERROR = SR_ERASE_ERROR | SR_PROGRAM_ERROR
};

/* What the next write means. */
enum step {
    STEP_COMMAND,
    STEP_PROGRAM_DATA,
    STEP_ERASE_CONFIRM,
    STEP_LOCK_CONFIRM,
    STEP_COUNT,
    STEP_FILL,
    STEP_COMMIT
};

enum { CHIP_BUFFER_BITS = 11, BUFFER_MAX = 4 << CHIP_BUFFER_BITS, CFI_LEN = 0x40 };

struct cfi_flash {
    struct device dev;
    struct ram ram;
    struct blockdev *blk;
    u64 size;
    u32 sector;
    u8 width, chip_width;
    u16 id[4];

    u8 mode; /* the read mode: CMD_READ_ARRAY, _STATUS, _ID or CMD_QUERY */
    u8 step; /* enum step */
    u8 status;
    u32 left;        /* writes of the buffer still to come */
    u64 buffer_base; /* where the buffer goes */
    u8 buffer[BUFFER_MAX];
    u8 cfi[CFI_LEN];
};

static void flash_show(struct cfi_flash *s)
{
    bool array = s->mode == CMD_READ_ARRAY;
    if (s->dev.mmio.romd_reads != array) {
        s->dev.mmio.romd_reads = array;
        mem_region_changed(&s->dev.mmio);
    }
}

static void mode_set(struct cfi_flash *s, u8 mode)
{
    s->mode = mode;
    flash_show(s);
}

/* -- the array ---------------------------------------------------------------------------------------- */

static bool writable(const struct cfi_flash *s)
{
    return !s->blk || !block_read_only(s->blk);
}

/* The array's bytes [off, off + n) changed: the accelerator and the drive want to know. */
static void array_changed(struct cfi_flash *s, u64 off, u64 n, u8 error)
{
    mem_wrote(s->ram.host + off, n);
    if (s->blk) {
        u64 from = align_down(off, 512), to = align_up(off + n, 512);
        int rc = block_write(s->blk, from, s->ram.host + from, to - from);
        if (rc) {
            s->status |= error;
            warn_once("%s: writing to its image failed: %s", device_name(&s->dev), strerror(-rc));
        }
    }
}

static void array_program(struct cfi_flash *s, u64 off, const u8 *p, u64 n)
{
    if (!writable(s) || off + n > s->size) {
        s->status |= SR_PROGRAM_ERROR;
        return;
    }
    for (u64 i = 0; i < n; i++) {
        s->ram.host[off + i] &= p[i];
    }
    array_changed(s, off, n, SR_PROGRAM_ERROR);
}

static void array_erase(struct cfi_flash *s, u64 off)
{
    off = align_down(off, s->sector);
    if (!writable(s)) {
        s->status |= SR_ERASE_ERROR;
        return;
    }
    memset(s->ram.host + off, 0xff, s->sector);
    array_changed(s, off, s->sector, SR_ERASE_ERROR);
}

/* -- reads -------------------------------------------------------------------------------------------- */

/* What each chip answers, at the chip's own word address. */
static u64 chip_answer(const struct cfi_flash *s, u64 word)
{
    switch (s->mode) {
    case CMD_READ_ID:
        /* The words of every block: maker, device, lock state. */
        return word % (s->sector / s->width) < 4 ? s->id[word % 4] : 0;
    case CMD_QUERY:
        return word < CFI_LEN ? s->cfi[word] : 0;
    default:
        return s->status;
    }
}

static u64 repeated(const struct cfi_flash *s, u64 v)
{
    u64 out = 0;
    for (unsigned i = 0; i < s->width; i += s->chip_width) {
        out |= v << 8 * i;
    }
    return out;
}

static enum mem_result flash_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct cfi_flash *s = opaque;
    (void)a;
    if (s->mode == CMD_READ_ARRAY) { /* the guest's read was on its way when the mode changed */
        *val = ldnle(s->ram.host + off, size);
    } else {
        *val = repeated(s, chip_answer(s, off / s->width)) >> 8 * (off % s->width) & MASK(8 * size);
    }
    return MEM_OK;
}

/* -- commands ----------------------------------------------------------------------------------------- */

static void sequence_error(struct cfi_flash *s)
{
    s->status |= SR_SEQUENCE_ERROR;
    s->step = STEP_COMMAND;
    mode_set(s, CMD_READ_STATUS);
}

static void command(struct cfi_flash *s, u8 cmd)
{
    u8 mode = CMD_READ_STATUS;
    switch (cmd) {
    case CMD_READ_ARRAY:
    case CMD_READ_ID:
    case CMD_QUERY:
        mode = cmd;
        break;
    case CMD_READ_STATUS:
    case CMD_CONFIRM: /* resume, with nothing suspended */
        break;
    case CMD_CLEAR_STATUS:
        s->status = SR_READY;
        mode = s->mode;
        break;
    case CMD_PROGRAM:
    case CMD_PROGRAM_ALT:
        s->step = STEP_PROGRAM_DATA;
        break;
    case CMD_ERASE:
        s->step = STEP_ERASE_CONFIRM;
        break;
    case CMD_LOCK_SETUP:
        s->step = STEP_LOCK_CONFIRM;
        break;
    case CMD_BUFFERED:
        s->step = STEP_COUNT;
        break;
    case CMD_SUSPEND:
        break;
    case 0x00: /* what some drivers write to leave an AMD chip's modes */
    case 0xf0:
        mode = CMD_READ_ARRAY;
        break;
    default:
        guest_error(device_name(&s->dev), "command 0x%02x is not known", cmd);
        mode = CMD_READ_ARRAY;
    }
    mode_set(s, mode);
}

static u64 buffer_bytes(const struct cfi_flash *s)
{
    return ((u64)s->width / s->chip_width) << CHIP_BUFFER_BITS;
}

/* Command and count go to any address of the block; the first word's address is where the buffer starts. */
static void buffer_start(struct cfi_flash *s, u64 count, unsigned size)
{
    s->left = (u32)(count & MASK(8 * s->chip_width)) + 1;
    s->buffer_base = s->size; /* not known yet */
    memset(s->buffer, 0xff, sizeof(s->buffer));
    if (s->left * (u64)size > buffer_bytes(s)) {
        guest_error(device_name(&s->dev), "a buffered program of %u words is longer than the buffer", s->left);
        sequence_error(s);
        return;
    }
    s->step = STEP_FILL;
}

static void buffer_fill(struct cfi_flash *s, u64 off, unsigned size, u64 v)
{
    if (s->buffer_base == s->size) {
        s->buffer_base = off;
    }
    u64 at = off - s->buffer_base;
    if (off < s->buffer_base || at + size > buffer_bytes(s)) {
        guest_error(device_name(&s->dev), "a buffered program leaves its buffer");
        sequence_error(s);
        return;
    }
    stnle(s->buffer + at, size, v);
    if (--s->left == 0) {
        s->step = STEP_COMMIT;
    }
}

static void buffer_commit(struct cfi_flash *s, u8 cmd)
{
    if (cmd != CMD_CONFIRM) {
        sequence_error(s);
        return;
    }
    s->step = STEP_COMMAND;
    array_program(s, s->buffer_base, s->buffer, MIN(buffer_bytes(s), s->size - s->buffer_base));
}

static enum mem_result flash_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct cfi_flash *s = opaque;
    u8 cmd = (u8)val, raw[8];
    (void)a;
    switch ((enum step)s->step) {
    case STEP_COMMAND:
        command(s, cmd);
        break;
    case STEP_PROGRAM_DATA:
        stnle(raw, size, val);
        s->step = STEP_COMMAND;
        array_program(s, off, raw, size);
        break;
    case STEP_ERASE_CONFIRM:
        if (cmd == CMD_CONFIRM) {
            s->step = STEP_COMMAND;
            array_erase(s, off);
        } else {
            sequence_error(s);
        }
        break;
    case STEP_LOCK_CONFIRM:
        s->step = STEP_COMMAND;
        if (cmd != CMD_CONFIRM && cmd != CMD_LOCK_CONFIRM && cmd != CMD_LOCK_DOWN) {
            sequence_error(s);
        }
        break;
    case STEP_COUNT:
        buffer_start(s, val, size);
        break;
    case STEP_FILL:
        buffer_fill(s, off, size, val);
        break;
    case STEP_COMMIT:
        buffer_commit(s, cmd);
        break;
    }
    return MEM_OK;
}

static const struct mem_ops flash_ops = {.read = flash_read, .write = flash_write, .min_size = 1, .max_size = 8};

/* -- making one --------------------------------------------------------------------------------------- */

/* The query answer of one chip: JESD68.01 table, then the Intel primary table version 1.0 at 0x31. */
static void cfi_fill(struct cfi_flash *s)
{
    unsigned chips = s->width / s->chip_width;
    u64 blocks = s->size / s->sector;
    u8 *c = s->cfi;
    memcpy(c + 0x10, "QRY", 3);
    st16le(c + 0x13, 0x0001); /* Intel/Sharp extended */
    st16le(c + 0x15, 0x0031); /* its table */
    c[0x1b] = 0x45;           /* Vcc 4.5 .. 5.5 V, no Vpp */
    c[0x1c] = 0x55;
    c[0x1f] = 7;  /* typical times: 128 us a word, */
    c[0x20] = 7;  /* 128 us a buffer, */
    c[0x21] = 10; /* 1 s a block; */
    c[0x23] = 4;  /* sixteen times that at most */
    c[0x24] = 4;
    c[0x25] = 4;
    c[0x27] = (u8)(64 - clz64(s->size / chips - 1)); /* rounded up */
    c[0x28] = s->chip_width == 1 ? 0 : 2;            /* x8, x8/x16 */
    c[0x2a] = CHIP_BUFFER_BITS;
    c[0x2c] = 1; /* one region of equal blocks */
    st16le(c + 0x2d, (u16)(blocks - 1));
    st16le(c + 0x2f, (u16)(s->sector / chips / 256));
    memcpy(c + 0x31, "PRI10", 5);
    c[0x3f] = 1; /* one protection register field */
}

static bool geometry_ok(const struct cfi_flash *s, struct err *e)
{
    if (!is_pow2(s->width) || s->width > 8 || !is_pow2(s->chip_width) || s->chip_width > s->width ||
        s->width / s->chip_width > 4) {
        return err_set(e, "width and device-width must be 1, 2, 4 or 8, with at most four chips side by side");
    }
    unsigned least = (s->width / s->chip_width) << CHIP_BUFFER_BITS;
    if (!is_pow2(s->sector) || s->sector < least || !s->size || s->size % s->sector || s->size / s->sector > 65536) {
        return err_set(e, "sector-length must be a power of two, %u bytes or more, and size a multiple of it", least);
    }
    return true;
}

/* Most of an image is zeros, which the RAM has already; not storing them keeps its pages untouched. */
static bool drive_load(struct cfi_flash *s, struct err *e)
{
    enum { STEP = 1 << 16 };
    static const u8 zeros[STEP];
    if (block_size(s->blk) != s->size) {
        return err_set(e, "device requires %llu bytes, block backend provides %llu bytes", (unsigned long long)s->size,
                       (unsigned long long)block_size(s->blk));
    }
    u8 *buf = g_malloc(STEP);
    int rc = 0;
    for (u64 at = 0, n; at < s->size && !rc; at += n) {
        n = MIN(s->size - at, STEP);
        rc = block_read(s->blk, at, buf, n);
        if (!rc && memcmp(buf, zeros, n)) {
            memcpy(s->ram.host + at, buf, n);
        }
    }
    g_free(buf);
    return !rc || err_set(e, "cannot read its image: %s", strerror(-rc));
}

static bool flash_init(struct device *d, struct err *e)
{
    struct cfi_flash *s = (struct cfi_flash *)d;
    if (!geometry_ok(s, e) || !ram_new(&s->ram, device_name(d), s->size, e)) {
        return false;
    }
    if (s->blk && !drive_load(s, e)) {
        ram_free(&s->ram);
        return false;
    }
    cfi_fill(s);
    d->mmio.kind = MEM_ROMD;
    d->mmio.host = s->ram.host;
    d->mmio.size = s->size;
    d->mmio.romd_reads = true;
    return true;
}

static void flash_reset(struct device *d)
{
    flash_show((struct cfi_flash *)d);
}

static bool flash_loaded(struct device *d, struct err *e)
{
    struct cfi_flash *s = (struct cfi_flash *)d;
    bool mode_ok =
        s->mode == CMD_READ_ARRAY || s->mode == CMD_READ_STATUS || s->mode == CMD_READ_ID || s->mode == CMD_QUERY;
    if (!mode_ok || s->step > STEP_COMMIT || s->buffer_base > s->size) {
        return err_set(e, "the command state makes no sense");
    }
    flash_show(s);
    return true;
}

static void flash_fini(struct device *d)
{
    struct cfi_flash *s = (struct cfi_flash *)d;
    mem_unmap_region(&d->mmio);
    if (s->blk) {
        block_flush(s->blk);
    }
    ram_free(&s->ram);
}

bool cfi_flash_has_drive(const struct device *d)
{
    must(d->cls == &cfi_flash01_class);
    return ((const struct cfi_flash *)d)->blk != NULL;
}

static const struct field flash_state[] = {
    FIELD(struct cfi_flash, size, .flags = F_CONFIG),
    FIELD(struct cfi_flash, sector, .flags = F_CONFIG),
    FIELD(struct cfi_flash, mode, .reset = CMD_READ_ARRAY),
    FIELD(struct cfi_flash, step),
    FIELD(struct cfi_flash, status, .reset = SR_READY),
    FIELD(struct cfi_flash, left),
    FIELD(struct cfi_flash, buffer_base),
    FIELDS(struct cfi_flash, buffer, .flags = F_HIDDEN),
    {0},
};

static const struct prop flash_props[] = {
    PROP("drive", PROP_BLOCK, struct cfi_flash, blk, NULL, "image that holds the contents"),
    PROP("size", PROP_SIZE, struct cfi_flash, size, "64M", "bytes in all"),
    PROP("sector-length", PROP_U32, struct cfi_flash, sector, "0x40000", "bytes of an erase block, of all chips"),
    PROP("width", PROP_U8, struct cfi_flash, width, "4", "bytes of the bus"),
    PROP("device-width", PROP_U8, struct cfi_flash, chip_width, "2", "bytes of one chip's data lines"),
    PROP("id0", PROP_U16, struct cfi_flash, id[0], "0x89", "manufacturer"),
    PROP("id1", PROP_U16, struct cfi_flash, id[1], "0x18", "device"),
    PROP("id2", PROP_U16, struct cfi_flash, id[2], "0", "lock state of blocks"),
    PROP("id3", PROP_U16, struct cfi_flash, id[3], "0", "read configuration"),
    {0},
};

const struct device_class cfi_flash01_class = {
    .name = "cfi.pflash01",
    .doc = "parallel NOR flash, Intel command set",
    .bus = "sysbus",
    .size = sizeof(struct cfi_flash),
    .mmio_size = 64 << 20,
    .state = flash_state,
    .ops = &flash_ops,
    .props = flash_props,
    .init = flash_init,
    .reset = flash_reset,
    .loaded = flash_loaded,
    .fini = flash_fini,
};

/* Commands on blocks: disks, and what a CD shares with them.
 *
 * SPEC: SBC-3 (T10/1799-D) 5. Not modelled: protection information, defect lists, XOR and extended copy commands,
 * UNMAP of anchored blocks, VERIFY against more than 2 KiB; FORMAT UNIT changes nothing. */
#include <string.h>

#include "base/bits.h"
#include "hw/scsi/scsi_priv.h"

enum { SAME_MAX = 0x3fffff };

static bool by16(const struct scsi_cmd *c)
{
    return c->cdb[0] >> 5 == 4;
}

u64 scsi_lba(const struct scsi_cmd *c)
{
    if (c->cdb[0] >> 5 == 0) {
        return ld32be(c->cdb) & 0x1fffff;
    }
    return by16(c) ? ld64be(c->cdb + 2) : ld32be(c->cdb + 2);
}

u64 scsi_length(const struct scsi_cmd *c)
{
    switch (c->cdb[0] >> 5) {
    case 0:
        return c->cdb[4] ? c->cdb[4] : 256;
    case 4:
        return ld32be(c->cdb + 10);
    case 5:
        return ld32be(c->cdb + 6);
    default:
        return ld16be(c->cdb + 7);
    }
}

static bool range_ok(struct scsi_cmd *c, u64 lba, u64 n)
{
    u64 blocks = scsi_blocks(c->lu);
    if (lba > blocks || n > blocks - lba || (lba == blocks && n)) {
        scsi_fail_at(c, BAD_LBA, lba);
        return false;
    }
    return true;
}

static bool transfer_ok(struct scsi_cmd *c)
{
    if (c->cdb[0] >> 5 && c->cdb[1] & 0xe0 && !c->lu->cdrom) {
        scsi_fail(c, BAD_FIELD); /* protection information */
        return false;
    }
    return range_ok(c, scsi_lba(c), scsi_length(c));
}

void scsi_read(struct scsi_cmd *c)
{
    if (transfer_ok(c)) {
        scsi_media(c, MEDIA_READ, scsi_lba(c) * c->lu->block, scsi_length(c) * c->lu->block);
    }
}

static bool writable(struct scsi_cmd *c)
{
    if (block_read_only(c->lu->conf->drive)) {
        scsi_fail(c, WRITE_PROTECTED);
        return false;
    }
    return true;
}

void scsi_write(struct scsi_cmd *c)
{
    if (writable(c) && transfer_ok(c)) {
        scsi_media(c, MEDIA_WRITE, scsi_lba(c) * c->lu->block, scsi_length(c) * c->lu->block);
    }
}

/* -- VERIFY -------------------------------------------------------------------------------------------------------- */

static void check_step(struct scsi_cmd *c);

static void check_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    free(c->bounce);
    c->bounce = NULL;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else {
        c->at += c->want;
        check_step(c);
    }
    if (c->step != SCSI_BUSY) {
        c->fn(c);
    }
}

/* Without bytes to compare with, the medium is read, a megabyte at a time. */
static void check_step(struct scsi_cmd *c)
{
    u64 left = (scsi_lba(c) + scsi_length(c)) * c->lu->block - c->at;
    if (!left) {
        scsi_good(c);
        return;
    }
    c->want = MIN(left, 1u << 20);
    c->bounce = malloc(c->want);
    must(c->bounce);
    c->iov = (struct iovec){c->bounce, c->want};
    c->req = (struct block_req){.op = BLOCK_READ, .offset = c->at, .iov = &c->iov, .niov = 1};
    scsi_request(c, check_done);
}

void scsi_verify(struct scsi_cmd *c)
{
    if (!range_ok(c, scsi_lba(c), scsi_length(c))) {
        return;
    }
    if (!(c->cdb[1] & 2)) {
        c->at = scsi_lba(c) * c->lu->block;
        check_step(c);
    } else if (scsi_length(c) * c->lu->block > SCSI_BUF / 2) {
        scsi_fail(c, BAD_FIELD); /* more than is kept here */
    } else {
        scsi_take(c, scsi_length(c) * c->lu->block);
    }
}

static void verify_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else if (memcmp(scsi_buf(c), scsi_buf(c) + SCSI_BUF / 2, c->len) != 0) {
        scsi_fail(c, MISCOMPARE);
    } else {
        scsi_good(c);
    }
    c->fn(c);
}

void scsi_verified(struct scsi_cmd *c)
{
    c->iov = (struct iovec){scsi_buf(c) + SCSI_BUF / 2, c->len};
    c->req = (struct block_req){.op = BLOCK_READ, .offset = scsi_lba(c) * c->lu->block, .iov = &c->iov, .niov = 1};
    scsi_request(c, verify_done);
}

/* -- the medium as a whole ----------------------------------------------------------------------------------------- */

void scsi_synchronize(struct scsi_cmd *c)
{
    if (c->lu->cdrom) {
        scsi_good(c);
        return;
    }
    c->req = (struct block_req){.op = BLOCK_FLUSH};
    scsi_request(c, scsi_request_done);
}

void scsi_seek(struct scsi_cmd *c)
{
    if (range_ok(c, scsi_lba(c), 1)) {
        scsi_good(c);
    }
}

void scsi_format_unit(struct scsi_cmd *c)
{
    if (c->cdb[1]) {
        scsi_fail(c, BAD_FIELD);
    } else if (writable(c)) {
        scsi_good(c);
    }
}

void scsi_capacity10(struct scsi_cmd *c)
{
    u64 n = scsi_blocks(c->lu);
    if (!n || (!(c->cdb[8] & 1) && ld32be(c->cdb + 2) && !c->lu->cdrom)) {
        scsi_fail(c, n ? BAD_FIELD : NO_MEDIUM_CLOSED);
        return;
    }
    st32be(scsi_buf(c), (u32)MIN(n - 1, UINT32_MAX));
    st32be(scsi_buf(c) + 4, c->lu->block);
    scsi_give(c, 8, 8);
}

void scsi_capacity16(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    u64 n = scsi_blocks(c->lu);
    if ((c->cdb[1] & 0x1f) != 0x10 || !n) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    memset(p, 0, 32);
    st64be(p, n - 1);
    st32be(p + 8, c->lu->block);
    p[13] = (u8)ctz32(c->lu->conf->physical_block_size / c->lu->block);
    p[14] = 0x80; /* thin */
    scsi_give(c, 32, ld32be(c->cdb + 10));
}

/* -- UNMAP: ranges of 16 bytes behind a head of 8 ------------------------------------------------------------------ */

void scsi_unmap(struct scsi_cmd *c)
{
    if (c->cdb[1] & 1) {
        scsi_fail(c, BAD_FIELD);
    } else if (writable(c)) {
        scsi_take(c, ld16be(c->cdb + 7));
    }
}

static void unmap_step(struct scsi_cmd *c);

static void unmap_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else {
        unmap_step(c);
    }
    if (c->step != SCSI_BUSY) {
        c->fn(c);
    }
}

/* c->at: where the next range is, c->frame: where they end. */
static void unmap_step(struct scsi_cmd *c)
{
    while (c->at + 16 <= c->frame) {
        const u8 *d = scsi_buf(c) + c->at;
        u64 lba = ld64be(d), n = ld32be(d + 8);
        c->at += 16;
        if (!range_ok(c, lba, n)) {
            return;
        }
        if (n) {
            c->req = (struct block_req){.op = BLOCK_DISCARD, .offset = lba * c->lu->block, .len = n * c->lu->block};
            scsi_request(c, unmap_done);
            return;
        }
    }
    scsi_good(c);
}

void scsi_unmapped(struct scsi_cmd *c)
{
    const u8 *p = scsi_buf(c);
    if (c->pos < 8) {
        scsi_fail(c, BAD_LENGTH);
        return;
    }
    c->at = 8;
    c->frame = (u32)MIN(c->pos, 8u + ld16be(p + 2));
    unmap_step(c);
}

/* -- WRITE SAME ---------------------------------------------------------------------------------------------------- */

void scsi_write_same(struct scsi_cmd *c)
{
    u64 n = scsi_length(c);
    bool no_data = by16(c) && c->cdb[1] & 1;
    if (!n || n > SAME_MAX || c->cdb[1] & 0x14 || c->lu->block > SCSI_BUF) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    if (!writable(c) || !range_ok(c, scsi_lba(c), n)) {
        return;
    }
    if (no_data) {
        memset(scsi_buf(c), 0, c->lu->block);
        scsi_write_samed(c);
    } else {
        scsi_take(c, c->lu->block);
    }
}

static void same_step(struct scsi_cmd *c);

static void same_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    free(c->bounce);
    c->bounce = NULL;
    if (c->stopping) {
        return;
    }
    if (rc) {
        scsi_media_failed(c, rc);
    } else {
        c->at += c->want;
        same_step(c);
    }
    if (c->step != SCSI_BUSY) {
        c->fn(c);
    }
}

/* Blocks that are not all zeros are written a megabyte at a time. */
static void same_step(struct scsi_cmd *c)
{
    u32 block = c->lu->block;
    u64 end = (scsi_lba(c) + scsi_length(c)) * block, left = end - c->at;
    if (!left) {
        scsi_good(c);
        return;
    }
    c->want = MIN(left, 1u << 20);
    c->bounce = malloc(c->want);
    must(c->bounce);
    for (u64 i = 0; i < c->want; i += block) {
        memcpy(c->bounce + i, scsi_buf(c), block);
    }
    c->iov = (struct iovec){c->bounce, c->want};
    c->req = (struct block_req){.op = BLOCK_WRITE, .offset = c->at, .iov = &c->iov, .niov = 1};
    scsi_request(c, same_done);
}

void scsi_write_samed(struct scsi_cmd *c)
{
    const u8 *p = scsi_buf(c);
    u32 block = c->lu->block;
    c->at = scsi_lba(c) * block;
    if (!p[0] && !memcmp(p, p + 1, block - 1)) {
        c->req = (struct block_req){.op = BLOCK_ZERO, .offset = c->at, .len = scsi_length(c) * block};
        c->req.unmap = c->cdb[1] & 8;
        scsi_request(c, scsi_request_done);
    } else {
        same_step(c);
    }
}

/* READ CD and READ CD MSF: sectors of a data track with what is around them on a CD.
 *
 * SPEC: MMC-5 6.16 (READ CD), table of flag bits; ECMA-130, 14 (sector of mode 1), annex A (EDC and ECC), which are
 * computed here, for the image has the user data only. Not modelled: subchannels, C2 errors, mode 2 and audio sectors.
 */
#include <string.h>

#include "base/bits.h"
#include "hw/scsi/scsi_priv.h"

enum { P_SYNC = 0x80, P_HEADER = 0x20, P_USER = 0x10, P_EDC = 0x08 };
enum { SECTOR = 2048, SYNC = 12, HEADER = 4, EDC_ECC = 288, FRAME = SYNC + HEADER + SECTOR + EDC_ECC };

/* -- error detection and correction -------------------------------------------------------------------------------- */

static u32 edc(const u8 *p, unsigned n)
{
    u32 v = 0;
    while (n--) {
        v ^= *p++;
        for (unsigned i = 0; i < 8; i++) {
            v = v >> 1 ^ (v & 1 ? 0xd8018001u : 0);
        }
    }
    return v;
}

/* Times alpha in GF(2^8) with the polynomial 11Dh. */
static u8 gf_times_alpha(u8 v)
{
    return (u8)(v << 1 ^ (v & 0x80 ? 0x1d : 0));
}

/* v / (alpha + 1), from the inverse relation, which is linear: found by search once. */
static u8 gf_over_alpha1(u8 v)
{
    static u8 table[256];
    static bool made;
    if (!made) {
        for (unsigned i = 0; i < 256; i++) {
            table[gf_times_alpha((u8)i) ^ i] = (u8)i;
        }
        made = true;
    }
    return table[v];
}

/* One set of parity: `major` words of `minor` bytes each, their places as the standard interleaves them. */
static void parity(const u8 *data, unsigned major, unsigned minor, unsigned step, unsigned next, u8 *out)
{
    unsigned size = major * minor;
    for (unsigned i = 0; i < major; i++) {
        unsigned at = (i >> 1) * step + (i & 1);
        u8 a = 0, b = 0;
        for (unsigned k = 0; k < minor; k++) {
            u8 v = data[at];
            at += next;
            at -= at >= size ? size : 0;
            a ^= v;
            b ^= v;
            a = gf_times_alpha(a);
        }
        a = gf_over_alpha1(gf_times_alpha(a) ^ b);
        out[i] = a;
        out[i + major] = a ^ b;
    }
}

static void frame_fill(u8 *f, u32 lba, const u8 *data)
{
    u32 at = lba + 150;
    unsigned bcd[3] = {at / 75 / 60 % 100, at / 75 % 60, at % 75};
    memset(f, 0xff, SYNC);
    f[0] = f[11] = 0;
    for (unsigned i = 0; i < 3; i++) {
        f[SYNC + i] = (u8)(bcd[i] / 10 << 4 | bcd[i] % 10);
    }
    f[SYNC + 3] = 1; /* mode */
    memcpy(f + 16, data, SECTOR);
    st32le(f + 2064, edc(f, 2064));
    memset(f + 2068, 0, 8);
    parity(f + SYNC, 86, 24, 2, 86, f + 2076);
    parity(f + SYNC, 52, 43, 86, 88, f + 2248);
}

unsigned cd_frame_size(u8 parts)
{
    return (parts & P_SYNC ? SYNC : 0u) + (parts & P_HEADER ? HEADER : 0u) + (parts & P_USER ? SECTOR : 0u) +
           (parts & P_EDC ? EDC_ECC : 0u);
}

unsigned cd_frame(u8 *out, u32 lba, const u8 *data, u8 parts)
{
    static const struct {
        u8 part;
        u16 off, n;
    } table[] = {{P_SYNC, 0, SYNC}, {P_HEADER, 12, HEADER}, {P_USER, 16, SECTOR}, {P_EDC, 16 + SECTOR, EDC_ECC}};
    u8 f[FRAME];
    unsigned n = 0;
    frame_fill(f, lba, data);
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        if (parts & table[i].part) {
            memcpy(out + n, f + table[i].off, table[i].n);
            n += table[i].n;
        }
    }
    return n;
}

/* -- moving -------------------------------------------------------------------------------------------------------- */

static void raw_done(struct block_req *r, int rc)
{
    struct scsi_cmd *c = r->opaque;
    u64 first = c->pos / c->frame, skip = c->pos % c->frame, want = c->want;
    if (!c->stopping && !rc) {
        u8 frame[FRAME];
        int seg = 0;
        u64 in = 0;
        for (u64 i = 0; want; i++, skip = 0) {
            cd_frame(frame, (u32)(c->at / SECTOR + first + i), c->bounce + i * SECTOR, c->parts);
            for (u64 at = skip; at < c->frame && want;) {
                u64 n = MIN(MIN(c->frame - at, want), c->to[seg].iov_len - in);
                memcpy((u8 *)c->to[seg].iov_base + in, frame + at, n);
                at += n;
                in += n;
                want -= n;
                if (in == c->to[seg].iov_len && seg + 1 < c->nto) {
                    seg++;
                    in = 0;
                }
            }
        }
        c->pos += c->want;
        c->step = SCSI_IN;
        if (c->pos == c->len) {
            scsi_good(c);
        }
    } else if (!c->stopping) {
        scsi_media_failed(c, rc);
    }
    free(c->bounce);
    c->bounce = NULL;
    if (!c->stopping) {
        c->fn(c);
    }
}

void scsi_raw_move(struct scsi_cmd *c, const struct iovec *iov, int niov, u64 n)
{
    u64 first = c->pos / c->frame, last = (c->pos + n - 1) / c->frame;
    u64 bytes = (last - first + 1) * SECTOR;
    c->to = iov;
    c->nto = niov;
    c->want = n;
    c->bounce = malloc(bytes);
    must(c->bounce);
    c->iov = (struct iovec){c->bounce, bytes};
    c->req = (struct block_req){.op = BLOCK_READ, .offset = c->at + first * SECTOR, .iov = &c->iov, .niov = 1};
    scsi_request(c, raw_done);
}

/* -- the commands -------------------------------------------------------------------------------------------------- */

static u64 msf(const u8 *p)
{
    return ((u64)p[0] * 60 + p[1]) * 75 + p[2];
}

/* Where and how many; false: before the disc begins, or backwards. */
static bool cd_range(const struct scsi_cmd *c, u64 *lba, u64 *n)
{
    if (c->cdb[0] == 0xbe) {
        *lba = ld32be(c->cdb + 2);
        *n = ld32be(c->cdb + 5) & 0xffffff00;
        *n = (u64)c->cdb[6] << 16 | c->cdb[7] << 8 | c->cdb[8];
        return true;
    }
    u64 from = msf(c->cdb + 3), to = msf(c->cdb + 6);
    *lba = from - 150;
    *n = to - from;
    return from >= 150 && to >= from;
}

void scsi_read_cd(struct scsi_cmd *c)
{
    u64 lba, n, blocks = scsi_blocks(c->lu);
    unsigned type = c->cdb[1] >> 2 & 7;
    u8 parts = c->cdb[9] & 0xf8;
    if (!cd_range(c, &lba, &n) || c->cdb[10] & 7 || c->cdb[9] & 6) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    if (type && type != 2) { /* any, or mode 1 */
        scsi_fail(c, BAD_TRACK_MODE);
        return;
    }
    parts = (u8)((parts & (P_SYNC | P_USER | P_EDC)) | (parts & 0x20)); /* a mode 1 sector has no sub-header */
    if (lba > blocks || n > blocks - lba) {
        scsi_fail_at(c, BAD_LBA, lba);
        return;
    }
    if (!n || !parts) {
        scsi_good(c);
        return;
    }
    c->parts = parts;
    c->frame = cd_frame_size(parts);
    scsi_media(c, parts == P_USER ? MEDIA_READ : MEDIA_RAW, lba * SECTOR, n * c->frame);
}

/* Commands of CD and DVD drives: tray, contents, features, events.
 *
 * SPEC: MMC-5 (T10/1675-D) 6 for commands, 5 for features; MMC-2 for READ SUB-CHANNEL and MECHANISM STATUS. The disc is
 * one session of one data track; above 80 minutes of a CD it is a DVD-ROM with one layer. Events are polled.
 * Not modelled: writing, audio (BAD TRACK MODE), CD-Text, region codes and keys, changers, GET PERFORMANCE. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/scsi/scsi_priv.h"

enum { CD_BLOCKS_MAX = 80 * 60 * 75 };
enum { PROFILE_CD = 0x08, PROFILE_DVD = 0x10 };

static bool is_dvd(const struct scsi_lu *lu)
{
    return scsi_blocks(lu) > CD_BLOCKS_MAX;
}

/* -- the tray ------------------------------------------------------------------------------------------------------ */

static void tray_move(struct scsi_cmd *c, bool open)
{
    struct scsi_lu *lu = c->lu;
    if (open && lu->locked) {
        scsi_fail(c, REMOVAL_PREVENTED);
        return;
    }
    if (open != (bool)lu->tray_open) {
        lu->tray_open = open;
        block_set_tray(lu->conf->drive, open);
        lu->event = open ? EVENT_REMOVAL : scsi_ready(lu) ? EVENT_NEW : EVENT_NONE;
        lu->ua |= scsi_ready(lu) ? UA_MEDIUM : 0;
    }
    scsi_good(c);
}

void scsi_start_stop(struct scsi_cmd *c)
{
    bool start = c->cdb[4] & 1, loej = c->cdb[4] & 2;
    if (c->cdb[4] >> 4) { /* power conditions: it is always ready */
        scsi_good(c);
    } else if (loej && !c->lu->cdrom) {
        scsi_fail(c, BAD_FIELD);
    } else if (loej) {
        tray_move(c, !start);
    } else if (start && c->lu->cdrom && !scsi_ready(c->lu)) {
        scsi_fail(c, c->lu->tray_open ? NO_MEDIUM_OPEN : NO_MEDIUM_CLOSED);
    } else {
        c->lu->stopped = !start;
        if (!start && !c->lu->cdrom) {
            c->req = (struct block_req){.op = BLOCK_FLUSH};
            scsi_request(c, scsi_request_done);
            return;
        }
        scsi_good(c);
    }
}

void scsi_prevent(struct scsi_cmd *c)
{
    scsi_lu_lock(c->lu, c->cdb[4] & 1);
    scsi_good(c);
}

void scsi_event_status(struct scsi_cmd *c)
{
    struct scsi_lu *lu = c->lu;
    u8 *p = scsi_buf(c);
    memset(p, 0, 8);
    if (!(c->cdb[1] & 1)) {
        scsi_fail(c, BAD_FIELD); /* not told later: only when asked */
        return;
    }
    p[3] = 0x10; /* the media class is all there is */
    if (!(c->cdb[4] & 0x10)) {
        st16be(p, 2);
        p[2] = 0x80;
        scsi_give(c, 4, ld16be(c->cdb + 7));
        return;
    }
    st16be(p, 6);
    p[2] = 4;
    p[4] = lu->event;
    p[5] = (u8)((lu->tray_open ? 1 : 0) | (scsi_ready(lu) ? 2 : 0));
    lu->event = EVENT_NONE;
    scsi_give(c, 8, ld16be(c->cdb + 7));
}

void scsi_mechanism(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    memset(p, 0, 8);
    p[1] = c->lu->tray_open ? 0x10 : 0;
    scsi_give(c, 8, ld16be(c->cdb + 8));
}

void scsi_speed(struct scsi_cmd *c)
{
    scsi_good(c);
}

void scsi_audio(struct scsi_cmd *c)
{
    scsi_fail(c, BAD_TRACK_MODE);
}

/* -- contents ------------------------------------------------------------------------------------------------------ */

/* An address in the form that was asked for: minutes, seconds and frames count the two seconds before sector 0. */
static void address(u8 *p, u64 lba, bool msf)
{
    if (msf) {
        lba += 150;
        p[0] = 0;
        p[1] = (u8)MIN(lba / 75 / 60, 255);
        p[2] = (u8)(lba / 75 % 60);
        p[3] = (u8)(lba % 75);
    } else {
        st32be(p, (u32)lba);
    }
}

enum { DATA_TRACK = 0x14, LEAD_OUT = 0xaa };

static unsigned toc_tracks(struct scsi_cmd *c, u8 *p, bool msf)
{
    unsigned n = 4;
    p[2] = p[3] = 1;
    if (c->cdb[6] > 1 && c->cdb[6] != LEAD_OUT) {
        return 0;
    }
    if (c->cdb[6] <= 1) {
        p[n + 1] = DATA_TRACK;
        p[n + 2] = 1;
        address(p + n + 4, 0, msf);
        n += 8;
    }
    p[n + 1] = DATA_TRACK;
    p[n + 2] = LEAD_OUT;
    address(p + n + 4, scsi_blocks(c->lu), msf);
    return n + 8;
}

static unsigned toc_sessions(struct scsi_cmd *c, u8 *p, bool msf)
{
    (void)c;
    p[2] = p[3] = 1;
    p[5] = DATA_TRACK;
    p[6] = 1;
    address(p + 8, 0, msf);
    return 12;
}

/* The lead-in's own entries: first track, last track, lead-out, track 1. Their addresses are always M S F. */
static unsigned toc_full(struct scsi_cmd *c, u8 *p, bool msf)
{
    static const u8 points[] = {0xa0, 0xa1, 0xa2, 1};
    unsigned n = 4;
    (void)msf;
    p[2] = p[3] = 1;
    for (unsigned i = 0; i < ARRAY_LEN(points); i++, n += 11) {
        u8 *d = p + n, at[4];
        d[0] = 1; /* session */
        d[1] = DATA_TRACK;
        d[3] = points[i];
        if (i < 2) {
            d[8] = 1; /* number of a track */
        } else {
            address(at, i == 2 ? scsi_blocks(c->lu) : 0, true);
            memcpy(d + 8, at + 1, 3);
        }
    }
    return n;
}

void scsi_toc(struct scsi_cmd *c)
{
    static unsigned (*const formats[])(struct scsi_cmd *, u8 *, bool) = {toc_tracks, toc_sessions, toc_full};
    unsigned format = c->cdb[2] & 15;
    u8 *p = scsi_buf(c);
    format = format ? format : c->cdb[9] >> 6; /* where SFF-8020 had it */
    memset(p, 0, 64);
    unsigned n = format < ARRAY_LEN(formats) ? formats[format](c, p, c->cdb[1] & 2) : 0;
    if (!n) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    st16be(p, (u16)(n - 2));
    scsi_give(c, n, ld16be(c->cdb + 7));
}

void scsi_subchannel(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    memset(p, 0, 24);
    p[1] = 0x15; /* no audio status to tell */
    if (!(c->cdb[2] & 0x40)) {
        scsi_give(c, 4, ld16be(c->cdb + 7));
        return;
    }
    unsigned n = c->cdb[3] == 1 ? 16 : c->cdb[3] == 2 || c->cdb[3] == 3 ? 24 : 0;
    if (!n) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    st16be(p + 2, (u16)(n - 4));
    p[4] = c->cdb[3];
    if (n == 16) {
        p[5] = DATA_TRACK;
        p[6] = p[7] = 1;
        address(p + 8, 0, c->cdb[1] & 2);
        address(p + 12, 0, c->cdb[1] & 2);
    }
    scsi_give(c, n, ld16be(c->cdb + 7));
}

void scsi_disc_information(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    memset(p, 0, 34);
    if (c->cdb[1] & 7) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    st16be(p, 32);
    p[2] = 0x0e; /* the last session and the disc are complete */
    p[3] = p[4] = p[5] = p[6] = 1;
    p[7] = 0x20; /* unrestricted use */
    memset(p + 16, 0xff, 8);
    scsi_give(c, 34, ld16be(c->cdb + 7));
}

void scsi_track_information(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    u32 what = ld32be(c->cdb + 2);
    unsigned kind = c->cdb[1] & 3;
    u64 blocks = scsi_blocks(c->lu);
    memset(p, 0, 36);
    if (kind == 3 || (kind == 0 && what >= blocks) || (kind && what != 1)) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    st16be(p, 34);
    p[2] = p[3] = 1;
    p[5] = 4;    /* a data track, */
    p[6] = 0x01; /* of mode 1 */
    st32be(p + 24, (u32)blocks);
    scsi_give(c, 36, ld16be(c->cdb + 7));
}

/* -- features ------------------------------------------------------------------------------------------------------ */

static unsigned feature(u8 *p, u16 code, u8 flags, const u8 *data, u8 n)
{
    st16be(p, code);
    p[2] = flags; /* version << 2 | persistent << 1 | current */
    p[3] = n;
    memcpy(p + 4, data, n);
    return 4u + n;
}

/* Every feature there is, by code; `ready`: those of the medium are current. */
static unsigned features_fill(const struct scsi_lu *lu, u8 *p, u16 from, unsigned how)
{
    bool ready = scsi_ready(lu), dvd = ready && is_dvd(lu), cd = ready && !dvd;
    const u8 profiles[8] = {0, PROFILE_DVD, dvd, 0, 0, PROFILE_CD, cd, 0};
    const u8 core[8] = {0, 0, 0, (u8)(lu->atapi ? 2 : 1), 1}, removable[4] = {0x29};
    const u8 random[8] = {0, 0, 8, 0, 0, 16, 1, 0}, reads[4] = {0}, power[1] = {0};
    const struct {
        u16 code;
        u8 flags, n;
        const u8 *data;
    } table[] = {
        {0x0000, 3, 8, profiles},
        {0x0001, 2 << 2 | 3, 8, core},
        {0x0003, 3, 4, removable},
        {0x0010, ready, 8, random},
        {0x001e, (u8)(2 << 2 | cd), 4, reads},
        {0x001f, dvd, 4, reads},
        {0x0100, 3, 0, power},
        {0x0105, 3, 0, power},
    };
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_LEN(table); i++) {
        bool wanted = how == 2 ? table[i].code == from : table[i].code >= from && (how == 0 || table[i].flags & 1);
        n += wanted ? feature(p + n, table[i].code, table[i].flags, table[i].data, table[i].n) : 0;
    }
    return n;
}

void scsi_configuration(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    unsigned how = c->cdb[1] & 3;
    memset(p, 0, 256);
    if (how == 3) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    unsigned n = 8 + features_fill(c->lu, p + 8, ld16be(c->cdb + 2), how);
    st32be(p, n - 4);
    st16be(p + 6, scsi_ready(c->lu) ? is_dvd(c->lu) ? PROFILE_DVD : PROFILE_CD : 0);
    scsi_give(c, n, ld16be(c->cdb + 7));
}

void scsi_dvd_structure(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    unsigned n = 0;
    memset(p, 0, SCSI_BUF);
    if (!is_dvd(c->lu)) {
        scsi_fail(c, BAD_FORMAT);
        return;
    }
    switch (c->cdb[7]) {
    case 0x00: /* physical format: DVD-ROM, 120 mm, one layer, sectors from 30000h on */
        n = 4 + 2048;
        p[4] = 1;
        p[5] = 0x0f;
        p[6] = 1;
        st32be(p + 8, 0x030000);
        st32be(p + 12, (u32)(0x030000 + scsi_blocks(c->lu) - 1));
        break;
    case 0x01: /* no copyright, every region */
        n = 4 + 4;
        break;
    case 0x04: /* manufacturer: none */
        n = 4 + 2048;
        break;
    case 0xff: /* the list of these */
        n = 4 + 4 * 4;
        for (unsigned i = 0; i < 4; i++) {
            static const u8 codes[4] = {0x00, 0x01, 0x04, 0xff};
            static const u16 sizes[4] = {2052, 8, 2052, 20};
            p[4 + 4 * i] = codes[i];
            p[5 + 4 * i] = 0x40;
            st16be(p + 6 + 4 * i, sizes[i]);
        }
        break;
    default:
        scsi_fail(c, BAD_FIELD);
        return;
    }
    st16be(p, (u16)(n - 2));
    scsi_give(c, n, ld16be(c->cdb + 8));
}

/* What every SCSI unit says of itself: INQUIRY, sense, modes, logs, LUNs.
 *
 * SPEC: SPC-3 (T10/1416-D) 6 and 7, SAT is not needed; MMC-5 (T10/1675-D) 7 for a CD's mode pages.
 * Not modelled: persistent reservations, log pages but for the list of them, saved mode pages. */
#include <string.h>

#include "base/bits.h"
#include "hw/scsi/scsi_priv.h"

void scsi_test_unit_ready(struct scsi_cmd *c)
{
    scsi_good(c);
}

void scsi_reserve(struct scsi_cmd *c) /* the one initiator has it anyway */
{
    scsi_good(c);
}

void scsi_diagnostic(struct scsi_cmd *c)
{
    if (c->cdb[1] & 4 || !ld16be(c->cdb + 3)) { /* the default self-test, or none */
        scsi_good(c);
    } else {
        scsi_fail(c, BAD_FIELD);
    }
}

/* -- sense --------------------------------------------------------------------------------------------------------- */

/* A unit attention that nobody was told of yet is told here, and gone. */
void scsi_request_sense(struct scsi_cmd *c)
{
    struct scsi_lu *lu = c->lu;
    if (!lu->key && lu->ua) {
        const u8 probe[6] = {0x00};
        struct scsi_cmd inner = {0};
        scsi_start(lu, &inner, probe, sizeof(probe));
    } else if (!lu->key && lu->cdrom && !scsi_ready(lu)) {
        scsi_fail(c, lu->tray_open ? NO_MEDIUM_OPEN : NO_MEDIUM_CLOSED);
    }
    unsigned n = scsi_sense(lu, scsi_buf(c), c->cdb[1] & 1, true);
    c->status = SCSI_GOOD;
    scsi_give(c, n, c->cdb[4]);
}

/* -- INQUIRY ------------------------------------------------------------------------------------------------------- */

static unsigned inquiry_standard(const struct scsi_lu *lu, u8 *p)
{
    p[0] = lu->cdrom ? 5 : 0;
    p[1] = lu->cdrom ? 0x80 : 0; /* removable */
    p[2] = lu->atapi ? 0 : 5;    /* SPC-3 */
    p[3] = lu->atapi ? 0x21 : 0x12;
    p[4] = 31;
    p[7] = lu->atapi ? 0 : 2; /* queued commands */
    disk_text(p + 8, 8, lu->vendor);
    disk_text(p + 16, 16, lu->product);
    disk_text(p + 32, 4, lu->version);
    return 36;
}

/* Page 83h: who it is, by vendor's text and by name. */
static unsigned vpd_identification(const struct scsi_lu *lu, u8 *p)
{
    unsigned n = (unsigned)MIN(strlen(lu->serial), 20u), at = 4;
    p[at] = 2; /* ASCII */
    p[at + 1] = 0;
    p[at + 3] = (u8)n;
    memcpy(p + at + 4, lu->serial, n);
    at += 4 + n;
    if (lu->conf->wwn) {
        p[at] = 1;
        p[at + 1] = 3; /* NAA */
        p[at + 3] = 8;
        st64be(p + at + 4, lu->conf->wwn);
        at += 12;
    }
    return at - 4;
}

static unsigned vpd_block_limits(const struct scsi_lu *lu, u8 *p)
{
    u32 per = lu->conf->physical_block_size / lu->block;
    p[4] = 1;                                                                  /* WRITE SAME of no blocks is refused */
    st16be(p + 6, (u16)MIN(per, 0xffff));                                      /* granularity of transfers */
    st32be(p + 20, 0x3fffff);                                                  /* blocks an UNMAP */
    st32be(p + 24, (SCSI_BUF - 8) / 16);                                       /* ranges of one */
    st32be(p + 28, MAX(lu->conf->discard_granularity, lu->block) / lu->block); /* granularity */
    st64be(p + 36, 0x3fffff);                                                  /* blocks a WRITE SAME */
    return 60;
}

static unsigned vpd_page(const struct scsi_lu *lu, u8 *p, u8 page)
{
    static const u8 hd[] = {0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2}, cd[] = {0x00, 0x80, 0x83};
    unsigned n = (unsigned)strlen(lu->serial);
    switch (page) {
    case 0x00:
        memcpy(p + 4, lu->cdrom ? cd : hd, lu->cdrom ? sizeof(cd) : sizeof(hd));
        return lu->cdrom ? sizeof(cd) : sizeof(hd);
    case 0x80:
        n = MIN(n, 36u);
        memcpy(p + 4, lu->serial, n);
        return n;
    case 0x83:
        return vpd_identification(lu, p);
    case 0xb0:
        return lu->cdrom ? 0 : vpd_block_limits(lu, p);
    case 0xb1:
        st16be(p + 4, lu->conf->rotation_rate);
        return lu->cdrom ? 0 : 60;
    case 0xb2:
        p[5] = 0xe0; /* UNMAP, and WRITE SAME with it */
        p[6] = 2;    /* thin */
        return lu->cdrom ? 0 : 4;
    default:
        return 0;
    }
}

void scsi_inquiry(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    u16 room = ld16be(c->cdb + 3);
    memset(p, 0, 256);
    if (!(c->cdb[1] & 1)) {
        if (c->cdb[2]) {
            scsi_fail(c, BAD_FIELD);
            return;
        }
        scsi_give(c, inquiry_standard(c->lu, p), room);
        return;
    }
    unsigned n = vpd_page(c->lu, p, c->cdb[2]);
    if (!n) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    p[0] = c->lu->cdrom ? 5 : 0;
    p[1] = c->cdb[2];
    st16be(p + 2, (u16)n);
    scsi_give(c, n + 4, room);
}

/* -- modes --------------------------------------------------------------------------------------------------------- */

static unsigned page_head(u8 *p, u8 code, u8 len)
{
    p[0] = code;
    p[1] = len;
    return len + 2u;
}

static unsigned page_caching(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    p[2] = pc == 1 ? 4 : (pc == 2 ? lu->conf->write_cache : lu->wce) ? 4 : 0;
    return page_head(p, 0x08, 0x12);
}

static unsigned page_geometry(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    u64 cyls = MIN(MAX(scsi_blocks(lu) / (16 * 63), 1), 0xffffff);
    if (pc != 1) {
        p[2] = (u8)(cyls >> 16);
        st16be(p + 3, (u16)cyls);
        p[5] = 16;
        st16be(p + 20, lu->conf->rotation_rate ? lu->conf->rotation_rate : 5400);
    }
    return page_head(p, 0x04, 0x16);
}

static unsigned page_errors(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    p[2] = lu->cdrom || pc == 1 ? 0 : 0x80; /* writes are reallocated */
    p[3] = pc == 1 ? 0 : lu->cdrom ? 0x20 : 0;
    return page_head(p, 0x01, lu->cdrom ? 6 : 0x0a);
}

static unsigned page_control(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    (void)lu;
    p[3] = pc == 1 ? 0 : 0x10; /* commands are taken in any order */
    return page_head(p, 0x0a, 0x0a);
}

static unsigned page_audio(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    (void)lu;
    if (pc != 1) {
        p[2] = 4; /* PLAY ends at once */
        p[8] = 1;
        p[9] = 0xff;
        p[10] = 2;
        p[11] = 0xff;
    }
    return page_head(p, 0x0e, 0x0e);
}

/* MM capabilities and mechanical status (MMC-3, 6.3.11). */
static unsigned page_capabilities(struct scsi_lu *lu, u8 *p, unsigned pc)
{
    if (pc != 1) {
        p[2] = 0x3b;                              /* reads CD-R, CD-RW, DVD-ROM, DVD-R, by method 2 */
        p[4] = 0x70;                              /* mode 2 forms 1 and 2, more than one session */
        p[5] = 0x03;                              /* digital audio, and without losing its place */
        p[6] = (u8)(0x29 | (lu->locked ? 2 : 0)); /* a tray; it can be locked, and ejects */
        st16be(p + 8, 706 * 4);                   /* 16 times, in kB a second */
        st16be(p + 10, 2);
        st16be(p + 12, 512); /* KiB of buffer */
        st16be(p + 14, 706 * 4);
    }
    return page_head(p, 0x2a, 0x14);
}

unsigned scsi_mode_pages(struct scsi_lu *lu, u8 *p, unsigned pc, unsigned page, unsigned subpage)
{
    static const struct {
        u8 code, kinds;
        unsigned (*fill)(struct scsi_lu *lu, u8 *p, unsigned pc);
    } pages[] = {
        {0x01, OP_ANY, page_errors}, {0x04, OP_HD, page_geometry}, {0x08, OP_ANY, page_caching},
        {0x0a, OP_HD, page_control}, {0x0e, OP_CD, page_audio},    {0x2a, OP_CD, page_capabilities},
    };
    unsigned n = 0;
    memset(p, 0, 512);
    if (subpage && subpage != 0xff) {
        return ~0u;
    }
    for (unsigned i = 0; i < ARRAY_LEN(pages); i++) {
        if ((page == pages[i].code || page == 0x3f) && pages[i].kinds & (lu->cdrom ? OP_CD : OP_HD)) {
            n += pages[i].fill(lu, p + n, pc);
        }
    }
    return n ? n : ~0u;
}

/* The header, and a block descriptor of a disk; gives their length. */
static unsigned mode_header(const struct scsi_cmd *c, u8 *p, bool ten)
{
    const struct scsi_lu *lu = c->lu;
    bool descriptor = !lu->cdrom && !(c->cdb[1] & 8);
    unsigned n = ten ? 8 : 4;
    u8 specific = lu->cdrom ? 0 : (u8)(0x10 | (block_read_only(lu->conf->drive) ? 0x80 : 0)); /* FUA; write protect */
    p[ten ? 3 : 2] = specific;
    p[ten ? 7 : 3] = descriptor ? 8 : 0;
    if (descriptor) {
        st32be(p + n, (u32)MIN(scsi_blocks(lu), 0xffffff));
        st32be(p + n + 4, lu->block);
        n += 8;
    }
    return n;
}

void scsi_mode_sense(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    bool ten = c->cdb[0] == 0x5a;
    unsigned pc = c->cdb[2] >> 6;
    memset(p, 0, SCSI_BUF);
    unsigned head = mode_header(c, p, ten);
    unsigned n = pc == 3 ? ~0u : scsi_mode_pages(c->lu, p + head, pc, c->cdb[2] & 0x3f, c->cdb[3]);
    if (n == ~0u) {
        scsi_fail(c, pc == 3 ? SAVING_UNSUPPORTED : BAD_FIELD);
        return;
    }
    n += head;
    if (ten) {
        st16be(p, (u16)(n - 2));
    } else {
        p[0] = (u8)(n - 1);
    }
    scsi_give(c, n, ten ? ld16be(c->cdb + 7) : c->cdb[4]);
}

void scsi_mode_select(struct scsi_cmd *c)
{
    bool ten = c->cdb[0] == 0x55;
    if (c->cdb[1] & 1) {
        scsi_fail(c, BAD_FIELD); /* nothing is saved */
    } else {
        scsi_take(c, ten ? ld16be(c->cdb + 7) : c->cdb[4]);
    }
}

/* A page as it was sent: it may change what is changeable only. False: it does otherwise. */
static bool page_selected(struct scsi_lu *lu, const u8 *p, unsigned len)
{
    u8 now[512], may[512];
    unsigned n = scsi_mode_pages(lu, now, 0, p[0] & 0x3f, 0);
    if (n == ~0u || n != len || (p[0] & 0x3f) == 0x3f) {
        return false;
    }
    scsi_mode_pages(lu, may, 1, p[0] & 0x3f, 0);
    for (unsigned i = 2; i < n && !lu->cdrom; i++) {
        if ((p[i] ^ now[i]) & ~may[i]) {
            return false;
        }
    }
    if ((p[0] & 0x3f) == 0x08) {
        lu->wce = (p[2] & 4) != 0;
    }
    return true;
}

void scsi_mode_selected(struct scsi_cmd *c)
{
    const u8 *p = scsi_buf(c);
    bool ten = c->cdb[0] == 0x55, was = c->lu->wce;
    unsigned n = (unsigned)c->pos, at = ten ? 8 : 4;
    unsigned descriptors = n >= at ? ten ? ld16be(p + 6) : p[3] : 0;
    at += descriptors;
    if (at > n) {
        scsi_fail(c, BAD_LENGTH);
        return;
    }
    while (at + 2 <= n) {
        unsigned len = p[at + 1] + 2u;
        if (len > n - at || !page_selected(c->lu, p + at, len)) {
            scsi_fail(c, len > n - at ? BAD_LENGTH : BAD_PARAMETER);
            return;
        }
        at += len;
    }
    if (was && !c->lu->wce && scsi_ready(c->lu)) { /* what is in the cache is written */
        c->req = (struct block_req){.op = BLOCK_FLUSH};
        scsi_request(c, scsi_request_done);
        return;
    }
    scsi_good(c);
}

/* -- lists --------------------------------------------------------------------------------------------------------- */

/* A transport that has more than one unit answers this itself. */
void scsi_report_luns(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    memset(p, 0, 16);
    st32be(p, 8);
    if (c->cdb[2] > 2) {
        scsi_fail(c, BAD_FIELD);
    } else {
        scsi_give(c, 16, ld32be(c->cdb + 6));
    }
}

void scsi_log_sense(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    memset(p, 0, 8);
    if (c->cdb[2] & 0x3f || c->cdb[3]) {
        scsi_fail(c, BAD_FIELD); /* page 0 is the list, and the list is short */
        return;
    }
    p[3] = 1;
    scsi_give(c, 5, ld16be(c->cdb + 7));
}

static unsigned cdb_length(u8 op)
{
    static const u8 by_group[8] = {6, 10, 10, 10, 16, 12, 10, 10};
    return by_group[op >> 5];
}

/* REPORT SUPPORTED OPERATION CODES, the whole list or one (SPC-3 6.23). */
void scsi_report_opcodes(struct scsi_cmd *c)
{
    u8 *p = scsi_buf(c);
    u8 kind = c->lu->cdrom ? OP_CD : OP_HD, how = c->cdb[2] & 7;
    unsigned n = 4;
    memset(p, 0, SCSI_BUF);
    if ((c->cdb[1] & 0x1f) != 0x0c || how > 1) {
        scsi_fail(c, BAD_FIELD);
        return;
    }
    p[1] = 1; /* one: not supported */
    for (const struct scsi_op *o = scsi_ops; o->start; o++) {
        if (!(o->flags & kind)) {
            continue;
        }
        if (how == 0) {
            p[n] = o->op;
            st16be(p + n + 6, (u16)cdb_length(o->op));
            n += 8;
        } else if (o->op == c->cdb[3]) {
            unsigned len = cdb_length(o->op);
            p[1] = 3;
            st16be(p + 2, (u16)len);
            p[4] = o->op;
            memset(p + 5, 0xff, len - 1);
            n = 4 + len;
        }
    }
    if (how == 0) {
        st32be(p, n - 4);
    }
    scsi_give(c, n, ld32be(c->cdb + 6));
}

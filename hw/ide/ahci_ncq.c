/* Queued commands (READ and WRITE FPDMA QUEUED): up to 32 at once, ended in any order by Set Device Bits frames.
 *
 * SPEC: Serial ATA 2.6, 13.6; AHCI 1.3.1, 5.6.4 and 6.2.2. One that fails stops the queue; what else was on its way is
 * dropped, and log page 10h tells of the failed one. Not modelled: priorities, streaming, RECEIVE and SEND FPDMA. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/ide/ahci_priv.h"

enum { READ_FPDMA = 0x60, WRITE_FPDMA = 0x61, FIS_SET_BITS = 0xa1, AT_SET_BITS = 0x58 };

bool ahci_is_queued(u8 command)
{
    return command == READ_FPDMA || command == WRITE_FPDMA;
}

static void queued_step(struct ahci_queued *q);

static void set_bits(struct ahci_port *p, u32 done)
{
    const struct ide_unit *u = p->u;
    u8 f[8] = {FIS_SET_BITS, 0x40, (u8)(u->status & 0x77), u->error};
    st32le(f + 4, done);
    p->sact &= ~done;
    p->tfd = u->status | (u32)u->error << 8;
    ahci_fis_post(p, AT_SET_BITS, f, sizeof(f));
    ahci_port_event(p, IS_SDBS | (u->status & ST_ERR ? (u32)IS_TFES : 0));
}

static void queued_free(struct ahci_queued *q)
{
    q->port->queued[q->tag] = NULL;
    free(q);
}

static void queued_done(struct ahci_queued *q)
{
    struct ahci_port *p = q->port;
    u32 bit = (u32)BIT(q->tag);
    queued_free(q);
    p->u->status = ST_GOOD;
    p->u->error = 0;
    set_bits(p, bit);
}

static void queued_fail(struct ahci_queued *q, u8 error)
{
    struct ahci_port *p = q->port;
    struct ide_unit *u = p->u;
    u->status = ST_GOOD | ST_ERR;
    u->error = error;
    u->ncq = (struct ide_ncq_error){
        .valid = 1, .tag = q->tag, .status = u->status, .error = error, .lba = q->lba, .count = q->left};
    queued_free(q);
    p->halted = true;
    set_bits(p, 0);
}

static void request_done(struct block_req *r, int rc)
{
    struct ahci_queued *q = r->opaque;
    bool bad = rc;
    sg_end(&q->sg, q->sg.len);
    if (q->port->stopping || q->port->halted) {
        queued_free(q);
        return;
    }
    if (bad && q->piece == 1) {
        queued_fail(q, ide_error_of(rc, q->write));
        return;
    }
    if (bad) { /* one by one now, to find which it is */
        q->single = true;
        ahci_memory_undo(&q->mem);
    } else {
        q->lba += q->piece;
        q->left -= q->piece;
    }
    if (q->left) {
        queued_step(q);
    } else {
        queued_done(q);
    }
}

static u64 fetch(struct ahci_queued *q, u64 n)
{
    struct device *hba = &q->port->hba->pci.dev;
    sg_begin(&q->sg, hba->dma, !q->write, (struct mem_attrs){.requester = pci_requester(&q->port->hba->pci)});
    return ahci_memory_fetch(q->port, &q->mem, &q->sg, n);
}

static void queued_step(struct ahci_queued *q)
{
    struct ide_unit *u = q->port->u;
    u64 want = (u64)(q->single ? 1 : MIN(q->left, IDE_RUN_MAX)) * IDE_SECTOR, got = fetch(q, want);
    u64 whole = got & ~(u64)(IDE_SECTOR - 1);
    if (got != whole) {
        sg_end(&q->sg, 0);
        ahci_memory_undo(&q->mem);
        fetch(q, whole);
    }
    if (!whole) {
        sg_end(&q->sg, 0);
        ahci_port_event(q->port, IS_OFS);
        queued_fail(q, ER_ABRT);
        return;
    }
    q->piece = (u32)(whole / IDE_SECTOR);
    q->req.op = q->write ? BLOCK_WRITE : BLOCK_READ;
    q->req.offset = q->lba * IDE_SECTOR;
    q->req.iov = q->sg.iov;
    q->req.niov = q->sg.n;
    q->req.done = request_done;
    q->req.opaque = q;
    block_submit(u->conf.drive, &q->req);
}

/* The drive takes the command at once, which clears its bit in CI and says nothing; count and features have changed
 * places. */
void ahci_queue(struct ahci_port *p, unsigned slot, const u8 *f, const struct ahci_memory *m)
{
    unsigned tag = f[12] >> 3;
    struct ide_unit *u = p->u;
    if (tag != slot || p->queued[tag]) {
        guest_error(device_name(&p->dev), "queued command with tag %u in slot %u", tag, slot);
        p->halted = true;
        u->status = ST_GOOD | ST_ERR;
        u->error = ER_ABRT;
        set_bits(p, 0);
        return;
    }
    struct ahci_queued *q = calloc(1, sizeof(*q));
    must(q);
    q->port = p;
    q->tag = (u8)tag;
    q->write = f[2] == WRITE_FPDMA;
    q->mem = *m;
    q->lba = ld32le(f + 8) & 0xffffff;
    q->lba = q->lba << 24 | (ld32le(f + 4) & 0xffffff);
    q->left = f[3] | (u32)f[11] << 8;
    q->left = q->left ? q->left : 65536;
    q->req.fua = q->write && (!u->wce || f[7] & 0x80);
    p->queued[tag] = q;
    p->ci &= ~(u32)BIT(slot);
    u->power = 0xff;
    u->error = 0;
    p->tfd = u->status = ST_GOOD;
    if (q->lba >= u->sectors_shown || q->left > u->sectors_shown - q->lba) {
        queued_fail(q, ER_IDNF);
    } else {
        queued_step(q);
    }
}

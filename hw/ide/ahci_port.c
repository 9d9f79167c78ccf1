/* A port of an AHCI: its registers, command lists, and the frames (FIS) that stand for a drive's registers.
 *
 * SPEC: AHCI 1.3.1, 3.3 (registers), 4.2 (memory), 5 (how commands run), 6 (errors), 10.4 (resets); Serial
 * ATA 2.6, 10.3 (frames). An error halts the list until ST is cleared. Commands that are not queued run one after the
 * other, from the lowest slot behind the last. Not modelled: DMA Setup frames, aggressive power management, the
 * lock-step of phy and link: a reset is over at once. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/ide/ahci_priv.h"

enum {
    P_CLB = 0x00,
    P_CLBU = 0x04,
    P_FB = 0x08,
    P_FBU = 0x0c,
    P_IS = 0x10,
    P_IE = 0x14,
    P_CMD = 0x18,
    P_TFD = 0x20,
    P_SIG = 0x24,
    P_SSTS = 0x28,
    P_SCTL = 0x2c,
    P_SERR = 0x30,
    P_SACT = 0x34,
    P_CI = 0x38,
    P_SNTF = 0x3c
};
enum { FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO = 0x5f, AT_PIO = 0x20, AT_D2H = 0x40 };
enum { HEADER_BYTES = 32, TABLE_ACMD = 0x40, TABLE_PRDT = 0x80, ACMD_BYTES = 12 };
enum { H_CLEAR_BUSY = 1 << 10 };
enum { DET_INIT = 1, DET_OFF = 4 };
#define IE_MASK 0xfdc000ffu /* what there is to be enabled */

static struct ahci_port *port_of(const struct ide_unit *u)
{
    return (struct ahci_port *)u->bus;
}

static struct mem_attrs port_attrs(const struct ahci_port *p)
{
    return (struct mem_attrs){.requester = pci_requester(&p->hba->pci)};
}

static bool link_up(const struct ahci_port *p)
{
    return p->u && (p->sctl & 15) != DET_OFF && (p->sctl & 15) != DET_INIT;
}

void ahci_port_event(struct ahci_port *p, u32 is)
{
    p->is |= is;
    ahci_update(p->hba);
}

/* -- frames to memory ---------------------------------------------------------------------------------------------- */

void ahci_fis_post(struct ahci_port *p, unsigned at, const u8 *fis, unsigned n)
{
    if (p->cmd & CMD_FRE && pci_is_master(&p->hba->pci)) {
        mem_write(p->hba->pci.dev.dma, ((u64)p->fbu << 32 | p->fb) + at, fis, n, port_attrs(p));
    }
}

static void regs_put(const struct ide_unit *u, u8 *f)
{
    f[2] = u->status;
    f[3] = u->error;
    f[4] = u->lba_low[0];
    f[5] = u->lba_mid[0];
    f[6] = u->lba_high[0];
    f[7] = u->device;
    f[8] = u->lba_low[1];
    f[9] = u->lba_mid[1];
    f[10] = u->lba_high[1];
    f[12] = u->count[0];
    f[13] = u->count[1];
}

static void tfd_update(struct ahci_port *p)
{
    p->tfd = p->u->status | (u32)p->u->error << 8;
}

static void fis_d2h(struct ahci_port *p, bool interrupt)
{
    u8 f[20] = {FIS_D2H, interrupt ? 0x40 : 0};
    regs_put(p->u, f);
    tfd_update(p);
    ahci_fis_post(p, AT_D2H, f, sizeof(f));
    u32 is = (interrupt ? IS_DHRS : 0u) | (p->u->status & ST_ERR ? IS_TFES : 0u);
    if (is) {
        ahci_port_event(p, is);
    }
}

/* Status as it was before the block, and as it is behind it. */
static void fis_pio(struct ahci_port *p, u8 before, bool to_host, bool interrupt, u32 n)
{
    u8 f[20] = {FIS_PIO, (u8)((interrupt ? 0x40 : 0) | (to_host ? 0x20 : 0))};
    regs_put(p->u, f);
    f[2] = before;
    f[15] = p->u->status;
    st16le(f + 16, (u16)n);
    tfd_update(p);
    ahci_fis_post(p, AT_PIO, f, sizeof(f));
    if (interrupt) {
        ahci_port_event(p, IS_PSS);
    }
}

/* -- a command's memory -------------------------------------------------------------------------------------------- */

u64 ahci_memory_fetch(struct ahci_port *p, struct ahci_memory *m, struct sg *s, u64 limit)
{
    u64 got = 0;
    m->before = m->at;
    m->moved_before = m->moved;
    while (got < limit && m->at.index < m->entries && s->n < SG_MAX && pci_is_master(&p->hba->pci)) {
        u8 e[PRD_BYTES];
        mem_read(p->hba->pci.dev.dma, m->table + (u64)m->at.index * PRD_BYTES, e, sizeof(e), port_attrs(p));
        u64 addr = ld64le(e) & ~1ull;
        u32 len = (ld32le(e + 12) & 0x3fffff) + 1;
        u64 n = m->at.off < len ? sg_add(s, addr + m->at.off, MIN(limit - got, len - m->at.off)) : 0;
        got += n;
        m->at.off += (u32)n;
        if (m->at.off >= len) {
            m->at.off = 0;
            m->at.index++;
        }
    }
    m->moved += got;
    return got;
}

void ahci_memory_undo(struct ahci_memory *m)
{
    m->at = m->before;
    m->moved = m->moved_before;
}

static u64 header_at(const struct ahci_port *p, unsigned slot)
{
    return ((u64)p->clbu << 32 | p->clb) + slot * HEADER_BYTES;
}

/* -- ends ---------------------------------------------------------------------------------------------------------- */

static void list_run(struct ahci_port *p);

/* The command in p->slot is over. One that failed keeps its bit, and the list stands. */
static void command_end(struct ahci_port *p)
{
    unsigned slot = p->slot;
    u8 count[4];
    if (slot == NO_SLOT) {
        return;
    }
    st32le(count, (u32)p->mem.moved);
    mem_write(p->hba->pci.dev.dma, header_at(p, slot) + 4, count, sizeof(count), port_attrs(p));
    p->slot = NO_SLOT;
    if (p->u->status & ST_ERR) {
        p->halted = true;
    } else {
        p->ci &= ~(u32)BIT(slot);
    }
}

static void port_done(struct ide_unit *u)
{
    struct ahci_port *p = port_of(u);
    if (p->stopping) {
        return;
    }
    command_end(p);
    fis_d2h(p, true);
    list_run(p);
}

/* -- PIO: the port moves what a guest would through the data register ---------------------------------------------- */

static void packet_give(struct ahci_port *p)
{
    u8 acmd[ACMD_BYTES];
    mem_read(p->hba->pci.dev.dma, p->mem.table - TABLE_PRDT + TABLE_ACMD, acmd, sizeof(acmd), port_attrs(p));
    u8 before = p->u->status;
    ide_data_in(p->u, acmd, sizeof(acmd));
    fis_pio(p, before, false, false, sizeof(acmd));
}

static void block_move(struct ahci_port *p, bool first)
{
    struct ide_unit *u = p->u;
    bool to_host = u->phase == IDE_PIO_IN;
    u32 n = u->end - u->pos;
    u8 before = u->status, *bytes = malloc(n);
    must(bytes);
    sg_begin(&u->sg, p->hba->pci.dev.dma, to_host, port_attrs(p));
    u64 got = ahci_memory_fetch(p, &p->mem, &u->sg, n);
    memcpy(bytes, ide_buf(u) + u->pos, n);
    if (to_host) {
        sg_write(&u->sg, 0, bytes, got);
    } else {
        memset(bytes, 0, n);
        sg_read(&u->sg, 0, bytes, got);
    }
    sg_end(&u->sg, got);
    if (got < n) {
        ahci_port_event(p, IS_OFS);
    }
    if (to_host) {
        ide_data_out(u, bytes, n);
    } else {
        ide_data_in(u, bytes, n);
    }
    free(bytes);
    fis_pio(p, before, to_host, !first, n);
}

/* Blocks may follow each other from inside ide_data_in and _out: a loop, not a recursion. */
static void port_drq(struct ide_unit *u, bool first)
{
    struct ahci_port *p = port_of(u);
    p->drq = true;
    p->drq_first = first;
    if (p->pumping) {
        return;
    }
    p->pumping = true;
    while (p->drq) {
        p->drq = false;
        if (u->packet && p->drq_first && u->command == 0xa0) {
            packet_give(p);
        } else {
            block_move(p, p->drq_first);
        }
    }
    p->pumping = false;
    if (p->slot != NO_SLOT &&
        !(u->status & (ST_BSY | ST_DRQ))) { /* the last block of a PIO read: nothing more is said */
        command_end(p);
        list_run(p);
    }
}

/* -- what else a drive wants --------------------------------------------------------------------------------------- */

static void port_irq(struct ide_unit *u)
{
    (void)u;
}
static u64 port_dma_fetch(struct ide_unit *u, struct sg *s, u64 limit)
{
    return ahci_memory_fetch(port_of(u), &port_of(u)->mem, s, limit);
}
static void port_dma_undo(struct ide_unit *u)
{
    ahci_memory_undo(&port_of(u)->mem);
}
static void port_dma_end(struct ide_unit *u)
{
    (void)u;
}
static bool port_dma_refuse(struct ide_unit *u)
{
    ahci_port_event(port_of(u), IS_OFS);
    return true;
}

static const struct ide_host port_host = {
    .drq = port_drq,
    .done = port_done,
    .irq = port_irq,
    .dma_fetch = port_dma_fetch,
    .dma_undo = port_dma_undo,
    .dma_end = port_dma_end,
    .dma_refuse = port_dma_refuse,
    .queue_depth = AHCI_SLOTS,
};

/* -- resets -------------------------------------------------------------------------------------------------------- */

void ahci_port_stop(struct ahci_port *p)
{
    p->stopping = true;
    if (p->u) {
        ide_stop(p->u); /* drains the disk, and so the queued commands too */
    }
    p->stopping = false;
    p->slot = NO_SLOT;
}

/* The drive has come up: its first frame tells what it is. */
static void signature_tell(struct ahci_port *p)
{
    const struct ide_unit *u = p->u;
    p->sig = u->count[0] | (u32)u->lba_low[0] << 8 | (u32)u->lba_mid[0] << 16 | (u32)u->lba_high[0] << 24;
    fis_d2h(p, false);
}

/* COMRESET, at its end. */
static void link_reset(struct ahci_port *p)
{
    p->sig = 0xffffffff;
    p->tfd = 0x7f;
    if (!p->u) {
        return;
    }
    ahci_port_stop(p);
    ide_reset(p->u);
    signature_tell(p);
    p->serr |= SERR_DIAG_X | SERR_DIAG_N;
    ahci_port_event(p, IS_PCS | IS_PRCS);
}

void ahci_port_reset(struct ahci_port *p)
{
    ahci_port_stop(p);
    p->is = p->ie = p->sctl = p->serr = p->sact = p->ci = 0;
    p->cmd = CMD_SUD | CMD_POD;
    p->halted = false;
    p->from = 0;
    link_reset(p);
}

/* -- the list ------------------------------------------------------------------------------------------------------ */

static void taskfile_set(struct ide_unit *u, const u8 *f)
{
    u->features[0] = f[3];
    u->lba_low[0] = f[4];
    u->lba_mid[0] = f[5];
    u->lba_high[0] = f[6];
    u->device = f[7];
    u->lba_low[1] = f[8];
    u->lba_mid[1] = f[9];
    u->lba_high[1] = f[10];
    u->features[1] = f[11];
    u->count[0] = f[12];
    u->count[1] = f[13];
}

/* A frame without a command: SRST comes and goes. */
static void control_frame(struct ahci_port *p, unsigned slot, const u8 *f, u32 header)
{
    u8 was = p->u->control;
    p->u->control = f[15];
    p->ci &= ~(u32)BIT(slot);
    if (f[15] & ~was & CTL_SRST) {
        ahci_port_stop(p);
        p->u->status = ST_BSY;
        p->tfd = header & H_CLEAR_BUSY ? 0x50 : ST_BSY;
    } else if (was & ~f[15] & CTL_SRST) {
        ide_reset(p->u);
        signature_tell(p);
    }
}

static void slot_start(struct ahci_port *p, unsigned slot)
{
    struct mem_space *dma = p->hba->pci.dev.dma;
    u8 h[16], f[20];
    mem_read(dma, header_at(p, slot), h, sizeof(h), port_attrs(p));
    u32 header = ld32le(h);
    u64 table = ld64le(h + 8) & ~0x7full;
    mem_read(dma, table, f, sizeof(f), port_attrs(p));
    struct ahci_memory m = {.table = table + TABLE_PRDT, .entries = (u16)(header >> 16)};
    if (f[0] != FIS_H2D || (header & 31) < 2 || f[1] & 15) { /* to a port multiplier that is not there, too */
        guest_error(device_name(&p->dev), "slot %u: frame 0x%02x of %u words for port %u", slot, f[0], header & 31,
                    f[1] & 15);
        p->halted = true;
        return;
    }
    if (!(f[1] & 0x80)) {
        control_frame(p, slot, f, header);
        return;
    }
    if (ahci_is_queued(f[2]) && !p->u->packet) {
        ahci_queue(p, slot, f, &m);
        return;
    }
    p->slot = (u8)slot;
    p->mem = m;
    p->tfd |= ST_BSY;
    taskfile_set(p->u, f);
    ide_exec(p->u, f[2]);
    if (p->slot == slot && p->u->phase == IDE_IDLE && !(p->u->status & (ST_BSY | ST_DRQ)) && !p->u->asleep) {
        command_end(p); /* DEVICE RESET says nothing */
        fis_d2h(p, false);
    }
}

/* Slots are taken from behind the last one on. */
static void list_run(struct ahci_port *p)
{
    if (p->running) {
        return;
    }
    p->running = true;
    while (p->cmd & CMD_ST && p->slot == NO_SLOT && !p->halted && link_up(p) && pci_is_master(&p->hba->pci)) {
        u32 queued = 0;
        for (unsigned i = 0; i < AHCI_SLOTS; i++) {
            queued |= p->queued[i] ? (u32)BIT(i) : 0;
        }
        u32 todo = p->ci & ~queued;
        if (!todo) {
            break;
        }
        unsigned from = p->from, slot = (from + ctz32(ror32(todo, from))) & 31;
        p->from = (slot + 1) & 31;
        p->cmd = (u32)deposit(p->cmd, 8, 5, slot);
        slot_start(p, slot);
    }
    p->running = false;
}

/* -- registers ----------------------------------------------------------------------------------------------------- */

u32 ahci_port_read(struct ahci_port *p, unsigned off)
{
    switch (off) {
    case P_CLB:
        return p->clb;
    case P_CLBU:
        return p->clbu;
    case P_FB:
        return p->fb;
    case P_FBU:
        return p->fbu;
    case P_IS: /* two bits show others' */
        return p->is;
    case P_IE:
        return p->ie;
    case P_CMD:
        return p->cmd | (p->cmd & CMD_ST ? CMD_CR : 0) | (p->cmd & CMD_FRE ? CMD_FR : 0);
    case P_TFD:
        return p->tfd;
    case P_SIG:
        return p->sig;
    case P_SSTS:
        return link_up(p) ? 0x113 : (p->sctl & 15) == DET_OFF ? 4 : 0;
    case P_SCTL:
        return p->sctl;
    case P_SERR:
        return p->serr;
    case P_SACT:
        return p->sact;
    case P_CI:
        return p->ci;
    default:
        return 0;
    }
}

static void cmd_write(struct ahci_port *p, u32 v)
{
    const u32 writable = CMD_ST | CMD_FRE | CMD_ATAPI | CMD_DLAE;
    u32 was = p->cmd;
    if (v & ~was & CMD_ST && !(v & CMD_FRE)) {
        guest_error(device_name(&p->dev), "ST without FRE");
        v &= ~(u32)CMD_ST;
    }
    if (v & CMD_CLO && p->u && !(was & CMD_ST)) {
        p->tfd &= ~(u32)(ST_BSY | ST_DRQ);
        if (p->u->status & (ST_BSY | ST_DRQ)) {
            ide_stop(p->u);
            p->u->status = ST_GOOD;
        }
    }
    p->cmd = (was & ~writable) | (v & writable);
    if (was & ~v & CMD_ST) {
        ahci_port_stop(p);
        p->ci = p->sact = 0;
        p->cmd = (u32)deposit(p->cmd, 8, 5, 0);
        p->halted = false;
        p->from = 0;
    }
    list_run(p);
}

static void sctl_write(struct ahci_port *p, u32 v)
{
    u32 was = p->sctl & 15;
    p->sctl = v & 0xfff;
    if (was && !(v & 15)) {
        link_reset(p);
    } else if (!was && v & 15) {
        ahci_port_stop(p);
        p->tfd = 0x7f;
    }
}

static void is_write(struct ahci_port *p, u32 v)
{
    p->is &= ~(v & ~(u32)(IS_PCS | IS_PRCS));
    ahci_update(p->hba);
}

/* PCS and PRCS follow the bits of SERR that they tell of. */
static void serr_write(struct ahci_port *p, u32 v)
{
    p->serr &= ~v;
    p->is &= p->serr & SERR_DIAG_X ? ~0u : ~(u32)IS_PCS;
    p->is &= p->serr & SERR_DIAG_N ? ~0u : ~(u32)IS_PRCS;
    ahci_update(p->hba);
}

void ahci_port_write(struct ahci_port *p, unsigned off, u32 v)
{
    switch (off) {
    case P_CLB:
        p->clb = v & ~0x3ffu;
        break;
    case P_CLBU:
        p->clbu = v;
        break;
    case P_FB:
        p->fb = v & ~0xffu;
        break;
    case P_FBU:
        p->fbu = v;
        break;
    case P_IS:
        is_write(p, v);
        break;
    case P_IE:
        p->ie = v & IE_MASK;
        ahci_update(p->hba);
        break;
    case P_CMD:
        cmd_write(p, v);
        break;
    case P_SCTL:
        sctl_write(p, v);
        break;
    case P_SERR:
        serr_write(p, v);
        break;
    case P_SACT:
        p->sact |= p->cmd & CMD_ST ? v : 0;
        break;
    case P_CI:
        p->ci |= p->cmd & CMD_ST ? v : 0;
        list_run(p);
        break;
    default:
        break; /* read-only, or not there */
    }
}

/* -- the device ---------------------------------------------------------------------------------------------------- */

static bool port_plug(struct device *owner, struct device *child, struct err *e)
{
    struct ahci_port *p = (struct ahci_port *)owner;
    struct ide_unit *u = (struct ide_unit *)child;
    if (u->unit_wanted != ~0u && u->unit_wanted) {
        return err_set(e, "unit %u: a port of an AHCI has unit 0 only", u->unit_wanted);
    }
    u->packet = child->cls == &ide_cd_class;
    ide_plug(u, &port_host, owner, 0);
    p->u = u;
    return true;
}

/* Before its drive's: that is younger, and resets itself after. */
static void port_reset(struct device *d)
{
    struct ahci_port *p = (struct ahci_port *)d;
    p->cmd = CMD_SUD | CMD_POD;
    p->slot = NO_SLOT;
    ahci_port_reset(p);
}

static bool port_loaded(struct device *d, struct err *e)
{
    struct ahci_port *p = (struct ahci_port *)d;
    if ((p->slot != NO_SLOT && p->slot >= AHCI_SLOTS) || p->from >= AHCI_SLOTS) {
        return err_set(e, "slot %u", p->slot);
    }
    return true;
}

static void port_fini(struct device *d)
{
    struct ahci_port *p = (struct ahci_port *)d;
    if (p->u && p->u->dev.live) {
        ahci_port_stop(p);
    }
}

static void port_fw_path(const struct device *d, struct buf *out)
{
    buf_printf(out, "/drive@%x", ((const struct ahci_port *)d)->number);
}

static const struct field port_state[] = {
    FIELD(struct ahci_port, clb),        FIELD(struct ahci_port, clbu),        FIELD(struct ahci_port, fb),
    FIELD(struct ahci_port, fbu),        FIELD(struct ahci_port, is),          FIELD(struct ahci_port, ie),
    FIELD(struct ahci_port, cmd),        FIELD(struct ahci_port, tfd),         FIELD(struct ahci_port, sig),
    FIELD(struct ahci_port, sctl),       FIELD(struct ahci_port, serr),        FIELD(struct ahci_port, sact),
    FIELD(struct ahci_port, ci),         FIELD(struct ahci_port, slot),        FIELD(struct ahci_port, halted),
    FIELD(struct ahci_port, mem.table),  FIELD(struct ahci_port, mem.entries), FIELD(struct ahci_port, mem.at.index),
    FIELD(struct ahci_port, mem.at.off), FIELD(struct ahci_port, mem.moved),   {0},
};

const struct device_class ahci_port_class = {
    .name = "ahci-port",
    .doc = "port of an AHCI",
    .bus = "sysbus",
    .provides = "IDE",
    .bus_slots = 1,
    .plug = port_plug,
    .size = sizeof(struct ahci_port),
    .state = port_state,
    .reset = port_reset,
    .loaded = port_loaded,
    .fini = port_fini,
    .fw_path = port_fw_path,
};

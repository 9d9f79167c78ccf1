/* Between the files of the AHCI. Register names are those of AHCI 1.3.1. */
#ifndef MOSS_HW_IDE_AHCI_PRIV_H
#define MOSS_HW_IDE_AHCI_PRIV_H

#include "hw/ide/ahci.h"
#include "hw/ide/ide_priv.h"
#include "hw/pci/pci.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = 32, AHCI_ABAR_SIZE = 0x1000, AHCI_PORT_BASE = 0x100, AHCI_PORT_SIZE = 0x80 };
enum {
    CMD_ST = 1 << 0,
    CMD_SUD = 1 << 1,
    CMD_POD = 1 << 2,
    CMD_CLO = 1 << 3,
    CMD_FRE = 1 << 4,
    CMD_FR = 1 << 14,
    CMD_CR = 1 << 15,
    CMD_ATAPI = 1 << 24,
    CMD_DLAE = 1 << 25
};
enum {
    IS_DHRS = 1 << 0,
    IS_PSS = 1 << 1,
    IS_SDBS = 1 << 3,
    IS_PCS = 1 << 6,
    IS_PRCS = 1 << 22,
    IS_OFS = 1 << 24,
    IS_TFES = 1 << 30
};
enum { SERR_DIAG_N = 1 << 16, SERR_DIAG_X = 1 << 26 };
enum { PRD_BYTES = 16, NO_SLOT = 0xff };

struct ahci;
struct ahci_prd_place {
    u32 index, off;
};
/* The memory of a command: its table in guest memory, and how far a walk through it is. */
struct ahci_memory {
    u64 table;
    u16 entries;
    struct ahci_prd_place at, before;
    u64 moved, moved_before;
};
/* A queued command on its way. */
struct ahci_queued {
    struct ahci_port *port;
    struct block_req req;
    struct sg sg;
    struct ahci_memory mem;
    u64 lba;
    u32 left, piece;
    u8 tag;
    bool write, single;
};

struct ahci_port {
    struct device dev;
    struct ahci *hba;
    u8 number;
    struct ide_unit *u;

    /* State. */
    u32 clb, clbu, fb, fbu, is, ie, cmd, tfd, sig, sctl, serr, sact, ci;
    u8 slot;     /* of the command that runs; NO_SLOT: none */
    u8 from;     /* the slot that is looked at first */
    bool halted; /* by an error, until ST is cleared */
    struct ahci_memory mem;

    /* Not state. */
    bool pumping, drq, drq_first, running, stopping;
    struct ahci_queued *queued[AHCI_SLOTS];
};

struct ahci {
    struct pci_device pci;
    struct mem_region abar, index;
    struct ahci_port *port[AHCI_PORTS];
    /* State. */
    u32 ghc, is, index_reg;
    bool line;
};

/* ahci.c */
void ahci_update(struct ahci *s); /* interrupts, after a port's IS or IE changed */

/* ahci_port.c */
u32 ahci_port_read(struct ahci_port *p, unsigned off);
void ahci_port_write(struct ahci_port *p, unsigned off, u32 v);
void ahci_port_reset(struct ahci_port *p); /* as by HBA reset; the link comes up again */
void ahci_port_event(struct ahci_port *p, u32 is);
void ahci_fis_post(struct ahci_port *p, unsigned at, const u8 *fis, unsigned n);
void ahci_port_stop(struct ahci_port *p); /* nothing is on its way any more */
u64 ahci_memory_fetch(struct ahci_port *p, struct ahci_memory *m, struct sg *s, u64 limit);
void ahci_memory_undo(struct ahci_memory *m);

/* ahci_ncq.c */
bool ahci_is_queued(u8 command);
void ahci_queue(struct ahci_port *p, unsigned slot, const u8 *fis, const struct ahci_memory *m);

#endif

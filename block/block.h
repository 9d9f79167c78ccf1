/* A disk as an array of bytes, and requests on it that run beside the guest.
 *
 * Set-up, block_submit() and the done callbacks run with the machine lock held. The requests themselves
 * run on a small pool of threads, in any order, as on a disk with a queue; a FLUSH makes durable every
 * write that was done before it was submitted. */
#ifndef MOSS_BLOCK_BLOCK_H
#define MOSS_BLOCK_BLOCK_H

#include <sys/uio.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/types.h"

struct blockdev;

enum block_op {
    BLOCK_READ,
    BLOCK_WRITE,
    BLOCK_FLUSH,
    BLOCK_DISCARD, /* contents become undefined; may do nothing */
    BLOCK_ZERO,    /* reads as zeros afterwards */
    BLOCK_OPS
};

struct block_req {
    enum block_op op;
    u64 offset;              /* bytes */
    u64 len;                 /* DISCARD and ZERO; for READ and WRITE the iovec's sum counts */
    const struct iovec *iov; /* READ, WRITE: stays valid until done, as does the request */
    int niov;
    bool fua;   /* WRITE, ZERO: durable when done */
    bool unmap; /* ZERO: may give the space back */
    /* result: 0 or -errno. On the main thread (or the one in block_drain()), machine lock held.
     * Out of range is -EINVAL, a write to a read-only disk -EROFS, no medium -ENOMEDIUM. The callback
     * may submit again and may free the request. Never called from inside block_submit(). */
    void (*done)(struct block_req *r, int result);
    void *opaque;

    struct blockdev *dev; /* block/'s own from here on */
    int result;
    bool waited; /* for room on the host */
    bool to_run; /* when it is handed back */
    struct block_req *next;
};

void block_submit(struct blockdev *b, struct block_req *r);
/* For tests that must come out the same each time: requests run when they are handed back, on the main thread, in the
 * order they were submitted. */
extern bool block_on_loop;
void block_drain(struct blockdev *b); /* returns when every request is done and its callback ran */
void block_drain_all(void);
/* The same, waiting: for firmware, pflash, snapshots. 0 or -errno. */
int block_read(struct blockdev *b, u64 offset, void *p, size_t n);
int block_write(struct blockdev *b, u64 offset, const void *p, size_t n);
int block_flush(struct blockdev *b);

bool block_present(const struct blockdev *b);    /* false: a drive without a medium; requests give -ENOMEDIUM */
u64 block_size(const struct blockdev *b);        /* bytes, a multiple of 512 */
bool block_read_only(const struct blockdev *b);  /* without a medium: as the last one was opened */
unsigned block_sector(const struct blockdev *b); /* what the host file likes: 512 or 4096 */
bool block_can_discard(const struct blockdev *b);

/* -- what the host cannot do ------------------------------------------------------------------------ */

/* What becomes of a request that the host could not carry out. STOP: the machine is to stand still, and the request
 * waits for block_retry_all(). ENOSPC: so when the host is full, but it is also tried again by and by; else REPORT.
 * Only REPORT tells the guest. Draining tries what waits once more and then reports it. */
enum block_on_error { BLOCK_REPORT, BLOCK_IGNORE, BLOCK_STOP, BLOCK_ENOSPC };
void block_set_on_error(struct blockdev *b, bool reads, enum block_on_error what);
/* From any thread, machine lock held; the machine's owner sets them. */
extern void (*block_stop_request)(void);
extern void (*block_cont_request)(void); /* nothing waits any more, for the host has room again */
void block_retry_all(void);
/* "ok"; "nospace", "failed": requests wait. */
const char *block_io_status(const struct blockdev *b);

/* -- making them ---------------------------------------------------------------------------------- */

/* The keys of -drive: file, format, readonly, snapshot, cache, discard, detect-zeroes, aio, and with
 * dots those of -blockdev. Keys that place the drive (if, index, bus, unit, media, id...) are the
 * caller's and passed over; others are refused. No file: a drive without a medium. id NULL: "blockN". */
struct blockdev *block_open(const char *id, struct opts *o, struct err *e);
/* -blockdev driver=raw,node-name=d,file.driver=file,file.filename=P. A `file` node may be defined on
 * its own and named by file=NODE of a raw one. JSON arrives here flattened to dotted keys. */
struct blockdev *block_open_node(struct opts *o, struct err *e);
/* A plain image, read-only or not: for -pflash, -sd, -hda and their like. */
struct blockdev *block_open_file(const char *id, const char *path, bool read_only, struct err *e);
void block_close(struct blockdev *b); /* drains, flushes */
void block_close_all(void);
extern bool block_snapshot_all; /* -snapshot: every image opened from now on is left unchanged */

/* A medium is put in or taken out; the drive's owner hears of it. */
bool block_insert(struct blockdev *b, const char *path, const char *format, bool read_only, struct err *e);
void block_eject(struct blockdev *b);
void block_on_change(struct blockdev *b, void (*fn)(void *opaque), void *opaque);
/* The drive that the disk is in says whether its medium comes out, and whether its guest holds the door shut; a person
 * who asks for the medium is told so. */
void block_set_removable(struct blockdev *b, bool removable);
void block_set_locked(struct blockdev *b, bool locked);
void block_set_tray(struct blockdev *b, bool open);
bool block_is_removable(const struct blockdev *b);
bool block_is_locked(const struct blockdev *b);
bool block_tray_is_open(const struct blockdev *b);
bool block_may_eject(const struct blockdev *b, bool force, struct err *e); /* force: though it is locked */
/* Somebody presses the button of a locked drive: the drive may tell its guest, which may open the door itself. */
void block_ask_eject(struct blockdev *b);
void block_on_ask_eject(struct blockdev *b, void (*fn)(void *opaque), void *opaque);

struct blockdev *block_find(const char *id);
struct blockdev *block_next(const struct blockdev *b); /* walks through all; NULL starts */
const char *block_id(const struct blockdev *b);
const char *block_file(const struct blockdev *b); /* "" without a medium */
const char *block_format(const struct blockdev *b);
struct block_stats {
    u64 ops[BLOCK_OPS], bytes[BLOCK_OPS], failed[BLOCK_OPS];
};
const struct block_stats *block_stats(const struct blockdev *b);
extern const struct opt_key block_keys[]; /* behind `-drive help` */

#endif

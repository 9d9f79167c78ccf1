/* Inside block/: a disk is a chain of nodes, each a set of synchronous operations that any thread may
 * call. The bottom is a host file; a snapshot overlay sits on top of it. */
#ifndef MOSS_BLOCK_BLOCK_PRIV_H
#define MOSS_BLOCK_BLOCK_PRIV_H

#include <glib.h>

#include "base/clock.h"
#include "block/block.h"

struct block_node;

/* Offsets and lengths are within the node's size. Results: 0 or -errno. */
struct block_driver {
    const char *name;
    int (*readv)(struct block_node *n, u64 offset, const struct iovec *iov, int niov);
    /* The same, if it has not to wait for the host's disk: false: it may have to, and what is in iov counts for
     * nothing. From whoever submits, machine lock held. */
    bool (*read_cached)(struct block_node *n, u64 offset, const struct iovec *iov, int niov);
    int (*writev)(struct block_node *n, u64 offset, const struct iovec *iov, int niov);
    int (*zero)(struct block_node *n, u64 offset, u64 len, bool unmap);
    int (*discard)(struct block_node *n, u64 offset, u64 len);
    int (*flush)(struct block_node *n);
    void (*close)(struct block_node *n);
};

struct block_node {
    const struct block_driver *drv;
    u64 size; /* a multiple of 512 */
    bool read_only;
    bool can_discard;
    unsigned sector;
};

struct file_config {
    const char *path;
    bool read_only, auto_read_only, lock, unmap;
    bool writethrough; /* every write is durable when done */
    bool no_flush;     /* cache=unsafe */
};
struct block_node *file_node_open(const struct file_config *c, struct err *e);
/* Owns base from here on; on failure base is left alone. */
struct block_node *overlay_node_new(struct block_node *base, struct err *e);
void node_close(struct block_node *n); /* NULL is legal */

/* Which format the first bytes of an image belong to; "raw" when they tell nothing. */
const char *format_probe(const u8 *head, size_t n);
bool format_check(struct block_node *n, const char *path, const char *format, struct err *e);

struct blockdev {
    char *id, *node_name; /* node_name: a -blockdev node that this one took over, or NULL */
    char *path;
    struct block_node *node; /* NULL: no medium */
    bool detect_zeroes, detect_unmap;
    enum block_on_error on_read_error, on_error;
    bool full, draining;       /* full: said so */
    struct block_req *waiting; /* what the host could not do, to be tried again */
    unsigned held;             /* requests that wait or are being tried again */
    int why;                   /* -errno of the last of them */
    struct timer retry;
    unsigned inflight; /* requests whose callback has not run */
    struct block_stats stats;
    void (*on_change)(void *opaque);
    void *change_opaque;
    void (*on_ask_eject)(void *opaque);
    void *ask_eject_opaque;
    bool removable, locked, tray_open;
    bool read_only; /* what the last medium was asked to be */
    struct blockdev *next;
};
int request_run(struct blockdev *b, const struct block_req *r); /* on this thread */
void request_retry(void *blockdev);                             /* those that wait */

/* -- io.c: vectors and whole transfers -------------------------------------------------------------- */

u64 iov_len(const struct iovec *iov, int niov);
bool iov_is_zero(const struct iovec *iov, int niov);
/* The part of iov from `skip`, `len` bytes long, into part[niov]; gives its number of elements. */
int iov_slice(struct iovec *part, const struct iovec *iov, int niov, u64 skip, u64 len);
/* Reads until full or the end of the file: bytes read, or -errno. */
i64 io_readv(int fd, u64 offset, const struct iovec *iov, int niov);
bool io_read_cached(int fd, u64 offset, const struct iovec *iov, int niov); /* all of it, without waiting */
int io_writev(int fd, u64 offset, const struct iovec *iov, int niov);
int io_zero(int fd, u64 offset, u64 len, bool unmap);

#endif

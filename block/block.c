/* Drives: the registry, and making them from options. */
#include "block/block.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "block/block_priv.h"

bool block_snapshot_all;

const struct opt_key block_keys[] = {
    {"file", "PATH", "the image; also file.filename, filename"},
    {"format", "raw", "the image's format (looked at when absent); also driver"},
    {"readonly", "on|off", "never write; also read-only"},
    {"auto-read-only", "on|off", "do not write if writing is not allowed"},
    {"snapshot", "on|off", "leave the image as it is: writes are gone at exit"},
    {"cache", "MODE", "writeback, none (both: the guest's flushes are obeyed), writethrough, directsync, unsafe"},
    {"discard", "unmap|ignore", "give space back to the host"},
    {"detect-zeroes", "off|on|unmap", "do not store zeros that the guest writes"},
    {"werror", "enospc|report|stop|ignore",
     "writes that fail: the guest stands still while the host is full, hears of it, stands still, never knows"},
    {"rerror", "report|stop|ignore", "the same for reads"},
    {"aio", "threads|native|io_uring", "accepted; threads are used"},
    {"locking", "on|off|auto", "look whether another process uses the image; also file.locking"},
    {"node-name", "NAME", "its name"},
    {"cache.direct", "on|off", "accepted"},
    {"cache.no-flush", "on|off", "ignore the guest's flushes"},
    {"cache.writeback", "on|off", "off: writes are durable when done"},
    {"file.filename", "PATH", "the image"},
    {"file.driver", "file|host_device", "what holds it"},
    {"file.locking", "on|off|auto", "as locking"},
    {"file.aio", "MODE", "as aio"},
    {"file.node-name", "NAME", "another name for it"},
    {0},
};

static struct blockdev *all;

/* -- options --------------------------------------------------------------------------------------- */

struct drive_config {
    struct file_config file;
    const char *format;
    bool snapshot, detect, detect_unmap;
    enum block_on_error on_read_error, on_error;
};

/* The first key of a comma-separated list that is present. */
static const char *first_key(struct opts *o, const char *keys)
{
    const char *found = NULL;
    gchar **list = g_strsplit(keys, ",", -1);
    for (gchar **k = list; *k && !found; k++) {
        found = opts_str(o, *k, NULL);
    }
    g_strfreev(list);
    return found;
}

static bool cache_get(struct opts *o, struct file_config *f, struct err *e)
{
    enum { WRITEBACK, NONE, WRITETHROUGH, DIRECTSYNC, UNSAFE };
    static const char *const modes[] = {"writeback", "none", "writethrough", "directsync", "unsafe", NULL};
    unsigned mode = WRITEBACK;
    bool direct = false, writeback = true;
    if (!opts_choice(o, "cache", modes, &mode, e)) {
        return false;
    }
    writeback = mode != WRITETHROUGH && mode != DIRECTSYNC;
    f->no_flush = mode == UNSAFE;
    if (!opts_bool(o, "cache.direct", &direct, e) || !opts_bool(o, "cache.writeback", &writeback, e) ||
        !opts_bool(o, "cache.no-flush", &f->no_flush, e)) {
        return false;
    }
    f->writethrough = !writeback;
    return true;
}

static bool modes_get(struct opts *o, struct drive_config *c, struct err *e)
{
    static const char *const discards[] = {"ignore", "off", "unmap", "on", NULL};
    static const char *const detects[] = {"off", "on", "unmap", NULL};
    static const char *const aios[] = {"threads", "native", "io_uring", NULL};
    static const char *const locks[] = {"off", "on", "auto", NULL};
    static const char *const errors[] = {
        [BLOCK_REPORT] = "report", [BLOCK_IGNORE] = "ignore", [BLOCK_STOP] = "stop", [BLOCK_ENOSPC] = "enospc", NULL};
    static const char *const read_errors[] = {"report", "ignore", "stop", NULL};
    unsigned discard = 0, detect = 0, aio = 0, lock = 2, rerror = BLOCK_REPORT, werror = BLOCK_ENOSPC;
    if (!opts_choice(o, "discard", discards, &discard, e) || !opts_choice(o, "detect-zeroes", detects, &detect, e) ||
        !opts_choice(o, "aio", aios, &aio, e) || !opts_choice(o, "file.aio", aios, &aio, e) ||
        !opts_choice(o, "locking", locks, &lock, e) || !opts_choice(o, "file.locking", locks, &lock, e) ||
        !opts_choice(o, "werror", errors, &werror, e) || !opts_choice(o, "rerror", read_errors, &rerror, e)) {
        return false;
    }
    c->file.unmap = discard >= 2;
    c->file.lock = lock != 0;
    c->on_read_error = (enum block_on_error)rerror;
    c->on_error = (enum block_on_error)werror;
    c->detect = detect != 0;
    c->detect_unmap = detect == 2 && c->file.unmap;
    return true;
}

static bool config_get(struct opts *o, struct drive_config *c, struct err *e)
{
    *c = (struct drive_config){.snapshot = block_snapshot_all};
    opts_ignore(o, "if,index,bus,unit,media,id,addr,serial,node-name,file.node-name");
    c->file.path = first_key(o, "file.filename,filename,file");
    c->format = first_key(o, "format,driver");
    const char *holder = opts_str(o, "file.driver", "file");
    if (strcmp(holder, "file") && strcmp(holder, "host_device")) {
        return err_set(e, "file.driver=%s: expected file or host_device", holder);
    }
    return opts_bool(o, "readonly", &c->file.read_only, e) && opts_bool(o, "read-only", &c->file.read_only, e) &&
           opts_bool(o, "auto-read-only", &c->file.auto_read_only, e) && opts_bool(o, "snapshot", &c->snapshot, e) &&
           cache_get(o, &c->file, e) && modes_get(o, c, e) && opts_all_used(o, "the drive", block_keys, e);
}

/* -- nodes ----------------------------------------------------------------------------------------- */

void node_close(struct block_node *n)
{
    if (n) {
        n->drv->close(n);
    }
}

/* "file:PATH" is a path; other protocols are not to be had, unless a file has such a name. */
static const char *path_of(const char *file, struct err *e)
{
    static const char *const protocols[] = {"nbd",  "http", "https", "ftp",  "ftps", "iscsi",   "ssh",
                                            "sftp", "rbd",  "fat",   "json", "nfs",  "blkdebug"};
    if (g_str_has_prefix(file, "file:")) {
        return file + 5;
    }
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
        size_t len = strlen(protocols[i]);
        if (!strncmp(file, protocols[i], len) && file[len] == ':' && !g_file_test(file, G_FILE_TEST_EXISTS)) {
            err_set(e, "'%s': moss opens files and block devices, no '%s:' images", file, protocols[i]);
            return NULL;
        }
    }
    return file;
}

static struct block_node *node_open(const struct drive_config *c, struct err *e)
{
    struct file_config f = c->file;
    f.path = path_of(c->file.path, e);
    f.read_only |= c->snapshot;
    struct block_node *base = f.path ? file_node_open(&f, e) : NULL;
    if (!base || !format_check(base, f.path, c->format, e)) {
        node_close(base);
        return NULL;
    }
    if (!c->snapshot || c->file.read_only) {
        return base;
    }
    struct block_node *top = overlay_node_new(base, e);
    if (!top) {
        node_close(base);
    }
    return top;
}

/* -- drives ---------------------------------------------------------------------------------------- */

static void drive_unlink(struct blockdev *b)
{
    for (struct blockdev **p = &all; *p; p = &(*p)->next) {
        if (*p == b) {
            *p = b->next;
            return;
        }
    }
}

static char *id_make(const char *id)
{
    static unsigned next;
    char *made = id ? g_strdup(id) : NULL;
    while (!made) {
        made = g_strdup_printf("block%u", next++);
        if (block_find(made)) {
            g_free(made);
            made = NULL;
        }
    }
    return made;
}

static struct blockdev *drive_new(const char *id, const struct drive_config *c, struct err *e)
{
    if (id && block_find(id)) {
        err_set(e, "there is a drive '%s' already", id);
        return NULL;
    }
    struct block_node *node = NULL;
    if (c->file.path && *c->file.path) {
        node = node_open(c, e);
        if (!node) {
            return NULL;
        }
    }
    struct blockdev *b = g_new0(struct blockdev, 1), **end = &all;
    b->id = id_make(id);
    b->path = g_strdup(node ? c->file.path : "");
    b->node = node;
    b->read_only = c->file.read_only;
    b->detect_zeroes = c->detect;
    b->detect_unmap = c->detect_unmap;
    b->on_read_error = c->on_read_error;
    b->on_error = c->on_error;
    timer_init(&b->retry, CLOCK_HOST, request_retry, b);
    while (*end) {
        end = &(*end)->next;
    }
    *end = b;
    return b;
}

struct blockdev *block_open(const char *id, struct opts *o, struct err *e)
{
    struct drive_config c;
    return config_get(o, &c, e) ? drive_new(id, &c, e) : NULL;
}

struct blockdev *block_open_file(const char *id, const char *path, bool read_only, struct err *e)
{
    struct drive_config c = {.file = {.path = path, .read_only = read_only, .lock = true},
                             .snapshot = block_snapshot_all,
                             .on_error = BLOCK_ENOSPC};
    return drive_new(id, &c, e);
}

/* -blockdev driver=raw,file=NODE: the node's drive becomes this one, and answers to both names. */
static struct blockdev *take_over(struct blockdev *b, const char *name, struct err *e)
{
    if (b->node_name) {
        err_set(e, "node '%s' is taken by '%s' already", b->node_name, b->id);
        return NULL;
    }
    b->node_name = b->id;
    b->id = g_strdup(name);
    return b;
}

struct blockdev *block_open_node(struct opts *o, struct err *e)
{
    const char *driver = opts_str(o, "driver", NULL), *name = opts_str(o, "node-name", NULL);
    const char *file = opts_str(o, "file", NULL);
    struct drive_config c;
    if (!driver || !name) {
        err_set(e, "-blockdev needs driver= and node-name=");
        return NULL;
    }
    bool plain = !strcmp(driver, "file") || !strcmp(driver, "host_device");
    struct blockdev *below = file && !plain ? block_find(file) : NULL;
    if (!config_get(o, &c, e)) {
        return NULL;
    }
    c.format = plain ? "raw" : driver;
    if (block_find(name)) {
        err_set(e, "there is a drive '%s' already", name);
        return NULL;
    }
    if (below && below->node) {
        return format_check(below->node, below->path, c.format, e) ? take_over(below, name, e) : NULL;
    }
    if (!c.file.path || (file && !plain)) {
        err_set(e, file ? "-blockdev %s: there is no node '%s'" : "-blockdev %s needs a file: %s=PATH", name,
                file    ? file
                : plain ? "filename"
                        : "file.filename");
        return NULL;
    }
    struct blockdev *b = drive_new(name, &c, e);
    if (b) {
        b->node_name = g_strdup(opts_str(o, "file.node-name", NULL));
    }
    return b;
}

void block_close(struct blockdev *b)
{
    if (!b) {
        return;
    }
    block_drain(b);
    timer_cancel(&b->retry);
    if (b->node) {
        block_flush(b);
    }
    drive_unlink(b);
    node_close(b->node);
    g_free(b->id);
    g_free(b->node_name);
    g_free(b->path);
    g_free(b);
}

void block_close_all(void)
{
    while (all) {
        block_close(all);
    }
}

/* -- media ----------------------------------------------------------------------------------------- */

static void medium_set(struct blockdev *b, struct block_node *node, const char *path)
{
    block_drain(b);
    if (b->node) {
        block_flush(b);
        node_close(b->node);
    }
    g_free(b->path);
    b->node = node;
    b->path = g_strdup(path);
    if (b->on_change) {
        b->on_change(b->change_opaque);
    }
}

bool block_insert(struct blockdev *b, const char *path, const char *format, bool read_only, struct err *e)
{
    struct drive_config c = {
        .file = {.path = path, .read_only = read_only, .lock = true}, .format = format, .snapshot = block_snapshot_all};
    struct block_node *node = node_open(&c, e);
    if (node) {
        b->read_only = read_only;
        medium_set(b, node, path);
    }
    return node;
}

void block_eject(struct blockdev *b)
{
    medium_set(b, NULL, "");
}

void block_on_change(struct blockdev *b, void (*fn)(void *opaque), void *opaque)
{
    b->on_change = fn;
    b->change_opaque = opaque;
}

void block_set_removable(struct blockdev *b, bool removable)
{
    b->removable = removable;
}
void block_set_locked(struct blockdev *b, bool locked)
{
    b->locked = locked;
}
void block_set_tray(struct blockdev *b, bool open)
{
    b->tray_open = open;
}
bool block_is_removable(const struct blockdev *b)
{
    return b->removable;
}
bool block_is_locked(const struct blockdev *b)
{
    return b->locked;
}
bool block_tray_is_open(const struct blockdev *b)
{
    return b->tray_open;
}
bool block_may_eject(const struct blockdev *b, bool force, struct err *e)
{
    if (!b->removable) {
        return err_set(e, "Device '%s' is not removable", b->id);
    }
    if (b->locked && !force) {
        return err_set(e, "Device '%s' is locked and force was not specified, wait for tray to open and try again",
                       b->id);
    }
    return true;
}

void block_ask_eject(struct blockdev *b)
{
    if (b->on_ask_eject) {
        b->on_ask_eject(b->ask_eject_opaque);
    }
}

void block_on_ask_eject(struct blockdev *b, void (*fn)(void *opaque), void *opaque)
{
    b->on_ask_eject = fn;
    b->ask_eject_opaque = opaque;
}

void block_set_on_error(struct blockdev *b, bool reads, enum block_on_error what)
{
    *(reads ? &b->on_read_error : &b->on_error) = what;
}

/* -- questions ------------------------------------------------------------------------------------- */

struct blockdev *block_find(const char *id)
{
    struct blockdev *b = all;
    while (b && strcmp(b->id, id) && g_strcmp0(b->node_name, id)) {
        b = b->next;
    }
    return b;
}

struct blockdev *block_next(const struct blockdev *b)
{
    return b ? b->next : all;
}

const char *block_id(const struct blockdev *b)
{
    return b->id;
}

const char *block_file(const struct blockdev *b)
{
    return b->path;
}

const char *block_format(const struct blockdev *b)
{
    (void)b;
    return "raw";
}

const struct block_stats *block_stats(const struct blockdev *b)
{
    return &b->stats;
}

const char *block_io_status(const struct blockdev *b)
{
    return !b->held ? "ok" : b->why == -ENOSPC || b->why == -EDQUOT ? "nospace" : "failed";
}

bool block_present(const struct blockdev *b)
{
    return b->node;
}

u64 block_size(const struct blockdev *b)
{
    return b->node ? b->node->size : 0;
}

bool block_read_only(const struct blockdev *b)
{
    return b->node ? b->node->read_only : b->read_only;
}

unsigned block_sector(const struct blockdev *b)
{
    return b->node ? b->node->sector : 512;
}

bool block_can_discard(const struct blockdev *b)
{
    return b->node && b->node->can_discard;
}

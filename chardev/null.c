/* Streams that lead nowhere: null, and vc. A vc is a text console in a window; moss has none, so its
 * output is seen only in its logfile=. */
#include "base/log.h"
#include "chardev/chardev_priv.h"

static bool null_open(struct chardev *c, struct opts *o, struct err *e)
{
    (void)o;
    (void)e;
    c->is_open = true;
    return true;
}

static bool vc_open(struct chardev *c, struct opts *o, struct err *e)
{
    unimp("chardev", "text console in a window (vc) for '%s': its output is dropped", c->id);
    return null_open(c, o, e);
}

static void null_write(struct chardev *c, const u8 *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static const struct opt_key no_keys[] = {{0}};
static const struct opt_key vc_keys[] = {
    {"width", "PIXELS", "size of the window"},
    {"height", "PIXELS", "size of the window"},
    {"cols", "N", "size in characters"},
    {"rows", "N", "size in characters"},
    {0},
};

const struct chardev_class chardev_null = {
    .name = "null",
    .doc = "drops output, never has input",
    .keys = no_keys,
    .size = sizeof(struct chardev),
    .open = null_open,
    .write = null_write,
};

const struct chardev_class chardev_vc = {
    .name = "vc",
    .doc = "a text console in a window (not available: like null)",
    .keys = vc_keys,
    .size = sizeof(struct chardev),
    .open = vc_open,
    .write = null_write,
};

/* A stream that leads nowhere. */
#include "chardev/chardev_priv.h"

static bool null_open(struct chardev *c, struct opts *o, struct err *e)
{
    (void)o;
    (void)e;
    c->is_open = true;
    return true;
}

static void null_write(struct chardev *c, const u8 *p, size_t n)
{
    (void)c;
    (void)p;
    (void)n;
}

static const struct opt_key no_keys[] = {{0}};

const struct chardev_class chardev_null = {
    .name = "null",
    .doc = "drops output, never has input",
    .keys = no_keys,
    .size = sizeof(struct chardev),
    .open = null_open,
    .write = null_write,
};

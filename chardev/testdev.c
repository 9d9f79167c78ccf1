/* The stream by which test programs (kvm-unit-tests) end the machine: the guest writes a decimal
 * number and `q`, and moss exits with number * 2 + 1, so that no test can look like a plain exit. */
#include "chardev/chardev_priv.h"

struct testdev {
    struct chardev c;
    u32 number;
};

static bool testdev_open(struct chardev *c, struct opts *o, struct err *e)
{
    (void)o;
    (void)e;
    c->is_open = true;
    return true;
}

static void testdev_write(struct chardev *c, const u8 *p, size_t n)
{
    struct testdev *t = (struct testdev *)c;
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= '0' && p[i] <= '9') {
            t->number = t->number * 10 + (p[i] - '0');
            continue;
        }
        if (p[i] == 'q' && chardev_exit_request) {
            chardev_exit_request((int)(t->number << 1 | 1));
        }
        t->number = 0;
    }
}

static const struct opt_key keys[] = {{0}};

const struct chardev_class chardev_testdev = {
    .name = "testdev",
    .doc = "the guest ends the machine by writing a code and 'q'",
    .keys = keys,
    .size = sizeof(struct testdev),
    .open = testdev_open,
    .write = testdev_write,
};

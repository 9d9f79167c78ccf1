/* Commands on the host's side: drives and media, networks, character devices. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "block/block.h"
#include "net/net.h"
#include "system/monitor/monitor_priv.h"
#include "ui/display.h"

/* -- drives ------------------------------------------------------------------------------------------------------- */

static struct blockdev *drive_by_name(const char *name, struct buf *out)
{
    struct blockdev *b = block_find(name);
    if (!b) {
        buf_printf(out, "Error: Device '%s' not found\n", name);
    }
    return b;
}

/* A drive may refuse: its guest locked it, or it is no drive whose medium comes out. */
static bool may_open(struct blockdev *b, bool force, struct buf *out)
{
    struct err e = {0};
    if (!block_may_eject(b, force, &e)) {
        if (block_is_removable(b)) {
            block_ask_eject(b);
        }
        buf_printf(out, "Error: %s\n", e.msg);
        return false;
    }
    return true;
}

void hmp_eject(const struct args *a, struct buf *out)
{
    struct blockdev *b = drive_by_name(a->s[1], out);
    if (b && may_open(b, a->has[0], out)) {
        block_eject(b);
    }
}

/* -- VNC ----------------------------------------------------------------------------------------------------------- */

static void vnc_password(const char *password, struct buf *out)
{
    const struct display *vnc = displays_running("vnc");
    struct err e = {0};
    if (!vnc) {
        err_set(&e, "there is no VNC server");
    }
    if (!vnc || !vnc->set_password(password, &e)) {
        buf_printf(out, "Error: Could not set password: %s\n", e.msg);
    }
}

static void vnc_change(const struct args *a, struct buf *out)
{
    if (strcmp(a->s[2], "password") != 0 && strcmp(a->s[2], "passwd") != 0) {
        buf_printf(out, "Error: change vnc: expected password\n");
    } else if (a->s[3]) {
        vnc_password(a->s[3], out);
    } else {
        monitor_ask("Password: ", vnc_password);
    }
}

static bool protocol_is_vnc(const char *name, struct buf *out)
{
    if (strcmp(name, "vnc") != 0) {
        buf_printf(out, !strcmp(name, "spice") ? "Error: SPICE is not in use\n" : "Error: expected vnc, not %s\n",
                   name);
        return false;
    }
    return true;
}

void hmp_set_password(const struct args *a, struct buf *out)
{
    if (!protocol_is_vnc(a->s[0], out)) {
        return;
    }
    if (a->s[3] && strcmp(a->s[3], "keep") != 0) {
        buf_printf(out, "Error: invalid parameter value: %s\n", a->s[3]);
        return;
    }
    vnc_password(a->s[1], out);
}

void hmp_expire_password(const struct args *a, struct buf *out)
{
    const struct display *vnc = displays_running("vnc");
    const char *when = a->s[1];
    u64 s = 0, at = UINT64_MAX;
    bool later = *when == '+';
    if (!protocol_is_vnc(a->s[0], out)) {
        return;
    }
    if (!strcmp(when, "now")) {
        at = 0;
    } else if (strcmp(when, "never") != 0) {
        if (!parse_num(when + later, &s) || s > UINT64_MAX / 1000000000 / 4) {
            buf_printf(out, "Error: expected now, never, +SECONDS or seconds since 1970, not %s\n", when);
            return;
        }
        at = (later ? clock_now(CLOCK_WALL) : 0) + s * 1000000000;
    }
    if (vnc) {
        vnc->expire_password(at);
    } else {
        buf_printf(out, "Error: Could not set password expire time: there is no VNC server\n");
    }
}

void hmp_info_vnc(const struct args *a UNUSED, struct buf *out)
{
    const struct display *vnc = displays_running("vnc");
    if (vnc) {
        vnc->print(out);
    } else {
        buf_printf(out, "None\n");
    }
}

/* -- media --------------------------------------------------------------------------------------------------------- */

void hmp_change(const struct args *a, struct buf *out)
{
    static const char *const modes[] = {"retain", "read-only", "read-write"};
    struct err e = {0};
    if (!strcmp(a->s[1], "vnc")) {
        vnc_change(a, out);
        return;
    }
    struct blockdev *b = drive_by_name(a->s[1], out);
    unsigned mode = 0;
    while (a->s[4] && mode < ARRAY_LEN(modes) && strcmp(a->s[4], modes[mode]) != 0) {
        mode++;
    }
    if (mode == ARRAY_LEN(modes)) {
        buf_printf(out, "Error: Parameter 'read-only-mode' does not accept value '%s'\n", a->s[4]);
    } else if (b && may_open(b, a->has[0], out)) {
        bool read_only = mode ? mode == 1 : block_read_only(b);
        if (!block_insert(b, a->s[2], a->s[3] ? a->s[3] : "raw", read_only, &e)) {
            buf_printf(out, "Error: %s\n", e.msg);
        }
    }
}

static void block_print(const struct blockdev *b, struct buf *out)
{
    if (block_present(b)) {
        buf_printf(out, "%s: %s (%s%s)\n", block_id(b), block_file(b), block_format(b),
                   block_read_only(b) ? ", read-only" : "");
        buf_printf(out, "    Size:             %" PRIu64 " bytes\n", block_size(b));
    } else {
        buf_printf(out, "%s: [not inserted]\n", block_id(b));
    }
    if (block_is_removable(b)) {
        buf_printf(out, "    Removable device: %slocked, tray %s\n", block_is_locked(b) ? "" : "not ",
                   block_tray_is_open(b) ? "open" : "closed");
    }
    if (strcmp(block_io_status(b), "ok") != 0) {
        buf_printf(out, "    I/O status:       %s\n", block_io_status(b));
    }
}

void hmp_info_block(const struct args *a, struct buf *out)
{
    struct blockdev *one = a->s[2] ? block_find(a->s[2]) : NULL;
    if (one) {
        block_print(one, out);
    } else if (a->s[2]) {
        buf_printf(out, "Error: Device '%s' not found\n", a->s[2]);
    }
    for (struct blockdev *b = NULL; !a->s[2] && (b = block_next(b));) {
        if (b != block_next(NULL)) {
            buf_printf(out, "\n");
        }
        block_print(b, out);
    }
}

void hmp_info_blockstats(const struct args *a UNUSED, struct buf *out)
{
    for (struct blockdev *b = NULL; (b = block_next(b));) {
        const struct block_stats *s = block_stats(b);
        buf_printf(out,
                   "%s: rd_bytes=%" PRIu64 " wr_bytes=%" PRIu64 " rd_operations=%" PRIu64 " wr_operations=%" PRIu64
                   " flush_operations=%" PRIu64 " failed=%" PRIu64 "\n",
                   block_id(b), s->bytes[BLOCK_READ], s->bytes[BLOCK_WRITE], s->ops[BLOCK_READ], s->ops[BLOCK_WRITE],
                   s->ops[BLOCK_FLUSH], s->failed[BLOCK_READ] + s->failed[BLOCK_WRITE] + s->failed[BLOCK_FLUSH]);
    }
}

/* -- networks ------------------------------------------------------------------------------------------------------ */

void hmp_set_link(const struct args *a, struct buf *out)
{
    struct netdev *n = net_find(a->s[0]);
    bool up;
    if (!n) {
        buf_printf(out, "Error: Device '%s' not found\n", a->s[0]);
    } else if (!parse_bool(a->s[1], &up)) {
        buf_printf(out, "Error: expected on or off\n");
    } else {
        net_set_link(n, up);
    }
}

/* With one argument it is the rule, and the netdev is the first of user networking. */
static void hostfwd(const struct args *a, bool add, struct buf *out)
{
    struct err e = {0};
    const char *rule = a->s[1] ? a->s[1] : a->s[0];
    struct netdev *n = a->s[1] ? net_find(a->s[0]) : NULL;
    while (!a->s[1] && (n = net_next(n)) && strcmp(net_kind(n), "user") != 0) {
    }
    if (!n) {
        buf_printf(out, a->s[1] ? "unrecognized netdev id '%s'\n" : "no user mode network stack in use\n", a->s[0]);
    } else if (!(add ? net_hostfwd_add(n, rule, &e) : net_hostfwd_remove(n, rule, &e))) {
        buf_printf(out, "%s\n", e.msg);
    } else if (!add) {
        buf_printf(out, "host forwarding rule for %s removed\n", rule);
    }
}
void hmp_hostfwd_add(const struct args *a, struct buf *out)
{
    hostfwd(a, true, out);
}
void hmp_hostfwd_remove(const struct args *a, struct buf *out)
{
    hostfwd(a, false, out);
}

void hmp_info_network(const struct args *a UNUSED, struct buf *out)
{
    for (struct netdev *n = NULL; (n = net_next(n));) {
        buf_printf(out, "%s: type=%s,%s%s\n", net_id(n), net_kind(n), net_where(n), net_link(n) ? "" : ",link=off");
    }
}

void hmp_info_usernet(const struct args *a UNUSED, struct buf *out)
{
    for (struct netdev *n = NULL; (n = net_next(n));) {
        char *text = net_connections(n);
        if (text) {
            buf_printf(out, "Network %s:\n%s", net_id(n), text);
            g_free(text);
        }
    }
}

/* -- streams ------------------------------------------------------------------------------------------------------- */

void hmp_info_chardev(const struct args *a UNUSED, struct buf *out)
{
    for (struct chardev *c = NULL; (c = chardev_next(c));) {
        buf_printf(out, "%s: filename=%s\n", chardev_id(c), chardev_where(c));
    }
}

/* Back ends by name: -chardev, -serial, -drive, -blockdev, -object. They are made before the board, whose serial ports
 * and flashes take some: character devices first, then disks, networks and objects, so that each may name what comes
 * before it in this order wherever it was typed. */
#include "block/block.h"

#include <glib.h>
#include <string.h>

#include "base/log.h"
#include "chardev/chardev.h"
#include "net/net.h"
#include "system/monitor/monitor.h"
#include "system/system.h"

/* -- drives ------------------------------------------------------------------------------------------------- */

static bool drive_item(const struct board *b, struct machine_config *mc, const struct item *it, struct err *e)
{
    struct opts o = {0};
    bool ok;
    if (!strcmp(it->option, "drive")) {
        ok = opts_parse(&o, it->text, NULL, e) && drive_make(b, mc, &o, e);
    } else if (!strcmp(it->option, "blockdev")) {
        ok = opts_from_text(&o, it->text, "driver", e) && block_open_node(&o, e);
    } else {
        ok = drive_file(b, mc, it->option, it->text, e);
    }
    opts_free(&o);
    return ok;
}

static bool drives_rest(struct config *c, const struct board *b, struct machine_config *mc, struct err *e)
{
    for (size_t i = 0; i < c->pflash.n; i++) {
        char id[16];
        unsigned n = mc->pflash[0] ? 1 : 0;
        snprintf(id, sizeof(id), "pflash%u", n);
        if (mc->pflash[n]) {
            return err_set(e, "-pflash %s: this board has two flashes", c->pflash.v[i]);
        }
        if (!(mc->pflash[n] = block_open_file(id, c->pflash.v[i], false, e))) {
            return false;
        }
    }
    return (!c->image || drive_file(b, mc, "hda", c->image, e)) && drives_finish(c, b, mc, e);
}

/* -- serial ports -------------------------------------------------------------------------------------------------- */

static bool device_is_screen(const char *text)
{
    static const char *const screens[] = {"VGA",       "isa-vga",        "virtio-vga",        "secondary-vga",
                                          "ramfb",     "virtio-gpu-pci", "virtio-gpu-device", "bochs-display",
                                          "virtio-gpu"};
    size_t n = strcspn(text, ",");
    for (unsigned i = 0; i < ARRAY_LEN(screens); i++) {
        if (strlen(screens[i]) == n && !strncmp(screens[i], text, n)) {
            return true;
        }
    }
    return false;
}

/* Will the guest's screen be shown? Then the monitor and the first ports are text consoles beside it. */
static bool has_consoles(const struct config *c, const struct board *b, const struct machine_config *mc)
{
    bool screen = b->vgas && !(mc->vga && !strcmp(mc->vga, "none"));
    for (size_t i = 0; i < c->nitems; i++) {
        screen |= !strcmp(c->items[i].option, "device") && device_is_screen(c->items[i].text);
    }
    return screen && displays_wanted(c) && !c->nographic && !c->nodefaults;
}

/* Nobody said where the first serial port goes. */
static const char *serial_default(const struct config *c)
{
    bool stdio_taken = c->monitor.n && !strcmp(last_of(&c->monitor), "stdio");
    for (size_t i = 0; i < c->nitems; i++) {
        stdio_taken |= !strcmp(c->items[i].option, "chardev") && !strncmp(c->items[i].text, "stdio", 5);
    }
    stdio_taken |= c->display && !strncmp(c->display, "curses", 6) && !c->nographic;
    if (c->consoles) {
        return "vc";
    }
    if (c->daemonize || stdio_taken || (c->display && !c->wants_window && !c->nographic)) {
        return "null";
    }
    return "mon:stdio";
}

void backends_tell(const struct config *c)
{
    bool said = c->serial.n || c->nodefaults || c->nographic;
    if (!said && c->consoles) {
        notice("Ctrl-Alt-2 on the screen shows the monitor, Ctrl-Alt-3 the serial port, Ctrl-Alt-1 the guest");
    } else if (!said && strcmp(serial_default(c), "null") != 0) {
        notice("%sthe serial port is on this terminal (Ctrl-A x ends, Ctrl-A h helps)",
               c->has_window ? "" : "no window here: ");
    }
}

/* mon:... puts a monitor behind the port. */
static bool serial_port(const char *spec, size_t n, struct machine_config *mc, struct err *e)
{
    char id[16];
    bool monitor;
    snprintf(id, sizeof(id), "serial%zu", n);
    return chardev_from_spec(spec, id, &mc->serial[n], &monitor, e) && (!monitor || monitor_open(mc->serial[n], e));
}

static bool serial_ports(const struct config *c, struct machine_config *mc, struct err *e)
{
    chardev_escape = c->echr ? (u8)c->echr : chardev_escape;
    if (!c->serial.n) {
        return c->nodefaults || serial_port(serial_default(c), 0, mc, e);
    }
    for (size_t i = 0; i < c->serial.n; i++) {
        if (i >= ARRAY_LEN(mc->serial)) {
            return err_set(e, "-serial %s: at most %zu serial ports", c->serial.v[i], ARRAY_LEN(mc->serial));
        }
        if (!serial_port(c->serial.v[i], i, mc, e)) {
            err_prefix(e, "-serial %s", c->serial.v[i]);
            return false;
        }
    }
    return true;
}

/* A board without the port leaves it alone. */
static bool parallel_ports(const struct config *c, struct machine_config *mc, struct err *e)
{
    bool monitor;
    if (!c->parallel.n && c->consoles) {
        return chardev_from_spec("vc", "parallel0", &mc->parallel[0], &monitor, e);
    }
    for (size_t i = 0; i < c->parallel.n; i++) {
        char id[16];
        snprintf(id, sizeof(id), "parallel%zu", i);
        if (i >= ARRAY_LEN(mc->parallel)) {
            return err_set(e, "-parallel %s: at most %zu parallel ports", c->parallel.v[i], ARRAY_LEN(mc->parallel));
        }
        if (!chardev_from_spec(c->parallel.v[i], id, &mc->parallel[i], &monitor, e)) {
            err_prefix(e, "-parallel %s", c->parallel.v[i]);
            return false;
        }
    }
    return true;
}

static bool debug_consoles(const struct config *c, struct err *e)
{
    for (size_t i = 0; i < c->debugcon.n; i++) {
        struct chardev *chr;
        bool monitor;
        char id[24];
        snprintf(id, sizeof(id), i ? "debugcon%zu" : "debugcon", i);
        if (!chardev_from_spec(c->debugcon.v[i], id, &chr, &monitor, e)) {
            err_prefix(e, "-debugcon %s", c->debugcon.v[i]);
            return false;
        }
        if (chr) {
            device_imply(false, "isa-debugcon,chardev=%s", id);
        }
    }
    return true;
}

/* -- monitors ------------------------------------------------------------------------------------------------------ */

static bool monitor_of_option(const char *spec, unsigned i, struct err *e)
{
    char id[24];
    struct chardev *c;
    bool wants;
    snprintf(id, sizeof(id), "compat_monitor%u", i);
    if (!chardev_from_spec(spec, id, &c, &wants, e) || (c && !monitor_open(c, e))) {
        err_prefix(e, "-monitor %s", spec);
        return false;
    }
    return true;
}

/* -mon chardev=ID,mode=readline */
static bool monitor_of_chardev(const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "chardev", e);
    const char *id = ok ? opts_str(&o, "chardev", "") : "", *mode = ok ? opts_str(&o, "mode", "readline") : "";
    struct chardev *c = chardev_find(id);
    opts_ignore(&o, "pretty");
    if (ok && strcmp(mode, "readline") != 0) {
        ok = err_set(e, "not there yet: moss has no QMP monitor");
    } else if (ok && !c) {
        ok = err_set(e, "there is no chardev '%s'", id);
    }
    ok = ok && opts_all_used(&o, "-mon", NULL, e) && monitor_open(c, e);
    opts_free(&o);
    if (!ok) {
        err_prefix(e, "-mon %s", text);
    }
    return ok;
}

/* Before the machine, so that on a shared stream its serial port has the input at first. */
static bool monitors_make(const struct config *c, struct err *e)
{
    bool said = c->monitor.n || c->mon.n;
    for (size_t i = 0; i < c->serial.n; i++) {
        said |= g_str_has_prefix(c->serial.v[i], "mon:");
    }
    if (!said && c->consoles && !monitor_of_option("vc", 0, e)) {
        return false;
    }
    for (size_t i = 0; i < c->monitor.n; i++) {
        if (!monitor_of_option(c->monitor.v[i], (unsigned)i, e)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->mon.n; i++) {
        if (!monitor_of_chardev(c->mon.v[i], e)) {
            return false;
        }
    }
    return true;
}

/* -- the list of items ------------------------------------------------------------------------------------------- */

enum pass { PASS_CHARDEV, PASS_DRIVE, PASS_NET, PASS_OBJECT, PASS_DEVICE };

static enum pass item_pass(const char *option)
{
    static const char *const names[] = {"chardev", NULL, "net", "object", "device"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && !strcmp(option, names[i])) {
            return (enum pass)i;
        }
    }
    return !strcmp(option, "netdev") || !strcmp(option, "nic") ? PASS_NET : PASS_DRIVE;
}

static bool item_make(const struct board *b, struct machine_config *mc, const struct item *it, struct err *e)
{
    switch (item_pass(it->option)) {
    case PASS_CHARDEV:
        return chardev_from_option(it->text, e) != NULL;
    case PASS_DRIVE:
        return drive_item(b, mc, it, e);
    case PASS_NET:
        if (!strcmp(it->option, "net")) {
            net_item(it->text);
            return true;
        }
        return !strcmp(it->option, "nic") ? nic_item(b, it->text, e) : netdev_item(it->text, e);
    case PASS_OBJECT:
        return object_item(it->text, e);
    case PASS_DEVICE:
        break; /* after the board */
    }
    return true;
}

static bool items_pass(const struct config *c, const struct board *b, struct machine_config *mc, enum pass pass,
                       struct err *e)
{
    for (size_t i = 0; i < c->nitems; i++) {
        const struct item *it = &c->items[i];
        if (item_pass(it->option) == pass && !item_make(b, mc, it, e)) {
            err_prefix(e, "-%s %s", it->option, it->text);
            return false;
        }
    }
    return true;
}

static void *backend_by_id(enum prop_kind kind, const char *id, struct err *e)
{
    void *p = kind == PROP_CHARDEV ? (void *)chardev_find(id)
              : kind == PROP_BLOCK ? (void *)block_find(id)
                                   : (void *)net_find(id);
    static const char *const names[] = {[PROP_CHARDEV] = "chardev", [PROP_BLOCK] = "drive", [PROP_NETDEV] = "netdev"};
    if (!p) {
        err_set(e, "there is no %s '%s'", names[kind], id);
    }
    return p;
}

static bool device_is_vga(const char *text)
{
    static const char *const cards[] = {"VGA", "isa-vga", "virtio-vga"};
    size_t n = strcspn(text, ",");
    for (unsigned i = 0; i < ARRAY_LEN(cards); i++) {
        if (strlen(cards[i]) == n && !strncmp(cards[i], text, n)) {
            return true;
        }
    }
    return false;
}

/* A board's own card gives way to one that -device brings. A board without VGA takes any that QEMU knows: scripts say
 * -vga none or std to all of them. */
static bool vga_choose(const struct config *c, const struct board *b, struct machine_config *mc, struct err *e)
{
    const char *names[8];
    unsigned n = 0;
    mc->vga = c->vga;
    for (size_t i = 0; i < c->nitems && !c->vga; i++) {
        if (!strcmp(c->items[i].option, "device") && device_is_vga(c->items[i].text)) {
            mc->vga = "none";
        }
    }
    if (!c->vga || !strcmp(c->vga, "none")) {
        return true;
    }
    if (!b->vgas) {
        report("warning: -vga %s: this board has no VGA; going on without one", c->vga);
        return true;
    }
    for (const char *const *v = b->vgas; *v && n < ARRAY_LEN(names) - 1; v++) {
        if (!strcmp(*v, c->vga)) {
            return true;
        }
        names[n++] = *v;
    }
    names[n] = NULL;
    const char *near = nearest_name(c->vga, names);
    char *all = g_strjoinv(", ", (char **)names);
    err_set(e, "-vga %s: not there; this board has %s%s%s", c->vga, all, near ? "; did you mean " : "",
            near ? near : "");
    g_free(all);
    return false;
}

bool backends_make(struct config *c, const struct board *b, struct machine_config *mc, struct err *e)
{
    prop_backend = backend_by_id;
    block_snapshot_all = c->snapshot;
    displays_consoles();
    if (!vga_choose(c, b, mc, e)) {
        return false;
    }
    c->consoles = has_consoles(c, b, mc);
    return items_pass(c, b, mc, PASS_CHARDEV, e) && items_pass(c, b, mc, PASS_DRIVE, e) && drives_rest(c, b, mc, e) &&
           items_pass(c, b, mc, PASS_NET, e) && nets_finish(c, b, e) && items_pass(c, b, mc, PASS_OBJECT, e) &&
           monitors_make(c, e) && serial_ports(c, mc, e) && parallel_ports(c, mc, e) && debug_consoles(c, e);
}

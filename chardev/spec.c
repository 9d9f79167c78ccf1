/* The command line's two ways of naming a character device: -chardev's list of options, and the short
 * forms of -serial, -monitor, -gdb and the like. */
#include <string.h>

#include "base/sock.h"
#include "chardev/chardev_priv.h"

struct chardev *chardev_from_option(const char *text, struct err *e)
{
    struct opts o = {0};
    struct chardev *c = NULL;
    if (opts_parse(&o, text, "backend", e)) {
        const char *kind = opts_str(&o, "backend", NULL), *id = opts_str(&o, "id", NULL);
        if (!kind || !id || !*id) {
            err_set(e, "-chardev needs a kind and id=: for instance -chardev stdio,id=c0");
        } else {
            c = chardev_new(id, kind, &o, e);
        }
    }
    opts_free(&o);
    return c;
}

/* "HOST:PORT,option..." */
static bool tcp_options(struct opts *o, const char *text, struct err *e)
{
    size_t len = strcspn(text, ",");
    gchar *address = g_strndup(text, len);
    char *host = NULL, *port = NULL;
    bool ok = sock_split(address, &host, &port, e);
    if (ok) {
        opts_add(o, "host", host);
        opts_add(o, "port", port);
        ok = opts_parse(o, text[len] ? text + len + 1 : "", NULL, e);
    }
    g_free(host);
    g_free(port);
    g_free(address);
    return ok;
}

/* "HOST:PORT" or "HOST:PORT@LOCAL:PORT" */
static bool udp_options(struct opts *o, const char *text, struct err *e)
{
    gchar **ends = g_strsplit(text, "@", 2);
    char *host = NULL, *port = NULL, *lhost = NULL, *lport = NULL;
    bool ok = ends[0] && sock_split(ends[0], &host, &port, e) && (!ends[1] || sock_split(ends[1], &lhost, &lport, e));
    if (ok) {
        opts_add(o, "host", host);
        opts_add(o, "port", port);
        if (lport) {
            opts_add(o, "localaddr", lhost);
            opts_add(o, "localport", lport);
        }
    }
    g_free(host);
    g_free(port);
    g_free(lhost);
    g_free(lport);
    g_strfreev(ends);
    return ok;
}

/* "WIDTHxHEIGHT" in pixels; a C behind a number: in characters. */
static bool vc_options(struct opts *o, const char *size, struct err *e)
{
    static const char *const keys[2][2] = {{"width", "cols"}, {"height", "rows"}};
    unsigned n[2];
    char c[2] = {0}, more = 0;
    bool ok = sscanf(size, "%ux%u%c%c", &n[0], &n[1], &c[1], &more) >= 2 ||
              sscanf(size, "%u%cx%u%c%c", &n[0], &c[0], &n[1], &c[1], &more) >= 3;
    for (unsigned i = 0; i < 2 && ok; i++) {
        char text[16];
        ok = !more && (!c[i] || c[i] == 'C');
        snprintf(text, sizeof(text), "%u", n[i]);
        opts_add(o, keys[i][c[i] == 'C'], text);
    }
    return ok || err_set(e, "vc:%s: expected WIDTHxHEIGHT, or columns and rows as in vc:80Cx24C", size);
}

/* Splits a short form into kind and options. *kind NULL: unknown. */
static bool spec_split(const char *spec, const char **kind, struct opts *o, struct err *e)
{
    static const char *const plain[] = {"stdio", "null", "pty", "vc", "ringbuf", "testdev"};
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        size_t len = strlen(plain[i]);
        if (!strncmp(spec, plain[i], len) && (!spec[len] || spec[len] == ',')) {
            *kind = plain[i];
            return opts_parse(o, spec[len] ? spec + len + 1 : "", NULL, e);
        }
    }
    const char *rest = strchr(spec, ':');
    rest = rest ? rest + 1 : "";
    *kind = "socket";
    if (g_str_has_prefix(spec, "tcp:")) {
        return tcp_options(o, rest, e);
    }
    if (g_str_has_prefix(spec, "telnet:")) {
        opts_add(o, "telnet", "on");
        return tcp_options(o, rest, e);
    }
    if (g_str_has_prefix(spec, "unix:")) {
        return opts_parse(o, rest, "path", e);
    }
    if (g_str_has_prefix(spec, "fd:")) {
        return opts_parse(o, rest, "fd", e);
    }
    *kind = "udp";
    if (g_str_has_prefix(spec, "udp:")) {
        return udp_options(o, rest, e);
    }
    *kind = "vc";
    if (g_str_has_prefix(spec, "vc:")) {
        return vc_options(o, rest, e);
    }
    bool file = g_str_has_prefix(spec, "file:"), pipe = g_str_has_prefix(spec, "pipe:");
    if (file || pipe || g_str_has_prefix(spec, "/dev/")) {
        *kind = file ? "file" : pipe ? "pipe" : "serial";
        opts_add(o, "path", file || pipe ? rest : spec); /* a comma is part of the name here */
        return true;
    }
    return err_set(e,
                   "'%s' is no character device: expected stdio, pty, null, none, vc, file:PATH, pipe:PATH, "
                   "unix:PATH[,options], tcp:HOST:PORT[,options], telnet:..., udp:..., chardev:ID, /dev/..., or "
                   "mon: before one of them",
                   spec);
}

bool chardev_from_spec(const char *spec, const char *id, struct chardev **out, bool *monitor, struct err *e)
{
    struct opts o = {0};
    const char *kind = NULL;
    bool mon = g_str_has_prefix(spec, "mon:");
    *out = NULL;
    if (monitor) {
        *monitor = mon;
    }
    if (!strcmp(spec, "none")) {
        return true;
    }
    if (g_str_has_prefix(spec, "chardev:")) {
        *out = chardev_find(spec + 8);
        return *out || err_set(e, "there is no character device '%s'", spec + 8);
    }
    if (mon) {
        spec += 4;
        opts_add(&o, "mux", "on");
        if (!strcmp(spec, "stdio")) {
            opts_add(&o, "signal", "off"); /* Ctrl-C is for the guest; Ctrl-A x leaves */
        }
    }
    if (spec_split(spec, &kind, &o, e)) {
        *out = chardev_new(id, kind, &o, e);
    }
    opts_free(&o);
    return *out;
}

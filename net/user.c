/* User networking: libslirp is a router, DHCP, DNS and TFTP server for one guest, and opens the host's
 * sockets for it; no rights are needed.
 *
 * libslirp has its own idea of a poll loop; here it is a poller of the main loop. Its timers run on
 * guest time, so that connections survive a stopped machine. Not modelled: smb=, guestfwd= to a
 * character device. */
#include "config.h"
#ifdef HAVE_SLIRP

#include <poll.h>
#include <slirp/libslirp.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "net/net_priv.h"

struct user {
    struct netdev n;
    Slirp *slirp;
    struct loop_poller poller;
};

/* -- callbacks ------------------------------------------------------------------------------------- */

static ssize_t user_output(const void *frame, size_t len, void *opaque)
{
    net_input(opaque, frame, len);
    return (ssize_t)len;
}

static void user_guest_error(const char *msg, void *opaque)
{
    guest_error(((struct netdev *)opaque)->id, "%s", msg);
}

static int64_t user_clock(void *opaque)
{
    (void)opaque;
    return (int64_t)clock_now(CLOCK_VIRTUAL);
}

struct user_timer {
    struct timer timer;
    SlirpTimerCb fn;
    void *opaque;
};

static void user_timer_fire(void *opaque)
{
    struct user_timer *t = opaque;
    t->fn(t->opaque);
}

static void *user_timer_new(SlirpTimerCb fn, void *cb_opaque, void *opaque)
{
    struct user_timer *t = g_new0(struct user_timer, 1);
    (void)opaque;
    t->fn = fn;
    t->opaque = cb_opaque;
    timer_init(&t->timer, CLOCK_VIRTUAL, user_timer_fire, t);
    return t;
}

static void user_timer_free(void *timer, void *opaque)
{
    struct user_timer *t = timer;
    (void)opaque;
    timer_cancel(&t->timer);
    g_free(t);
}

static void user_timer_mod(void *timer, int64_t expire_ms, void *opaque)
{
    struct user_timer *t = timer;
    (void)opaque;
    timer_set(&t->timer, expire_ms < 0 ? 0 : (u64)expire_ms * 1000000);
}

static void user_poll_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void user_notify(void *opaque)
{
    (void)opaque;
    loop_wake();
}

static const SlirpCb callbacks = {
    .send_packet = user_output,
    .guest_error = user_guest_error,
    .clock_get_ns = user_clock,
    .timer_new = user_timer_new,
    .timer_free = user_timer_free,
    .timer_mod = user_timer_mod,
    .register_poll_fd = user_poll_fd,
    .unregister_poll_fd = user_poll_fd,
    .notify = user_notify,
};

/* -- the main loop's turn ---------------------------------------------------------------------------- */

static int poll_add(int fd, int events, void *opaque)
{
    (void)opaque;
    return (int)loop_watch(fd,
                           (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                                   (events & SLIRP_POLL_PRI ? POLLPRI : 0) | (events & SLIRP_POLL_ERR ? POLLERR : 0) |
                                   (events & SLIRP_POLL_HUP ? POLLHUP : 0)));
}

static int poll_result(int i, void *opaque)
{
    short r = loop_seen((unsigned)i);
    (void)opaque;
    return (r & POLLIN ? SLIRP_POLL_IN : 0) | (r & POLLOUT ? SLIRP_POLL_OUT : 0) | (r & POLLPRI ? SLIRP_POLL_PRI : 0) |
           (r & POLLERR ? SLIRP_POLL_ERR : 0) | (r & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void user_fill(void *opaque, u64 *wait)
{
    struct user *u = opaque;
    u32 ms = UINT32_MAX;
    slirp_pollfds_fill(u->slirp, &ms, poll_add, u);
    if (ms != UINT32_MAX) {
        *wait = (u64)ms * 1000000;
    }
}

static void user_ready(void *opaque)
{
    struct user *u = opaque;
    slirp_pollfds_poll(u->slirp, 0, poll_result, u);
}

/* -- forwarding ------------------------------------------------------------------------------------ */

struct forward {
    bool udp;
    struct in_addr host, guest;
    u16 host_port, guest_port;
};

/* Takes text up to `end` from *s; NULL when there is no `end`. */
static char *token(const char **s, char end)
{
    const char *at = end ? strchr(*s, end) : *s + strlen(*s);
    if (!at) {
        return NULL;
    }
    char *t = g_strndup(*s, (gsize)(at - *s));
    *s = end ? at + 1 : at;
    return t;
}

static bool address_parse(const char *s, struct in_addr *a)
{
    return s && (!*s || inet_aton(s, a));
}

static bool port_parse(const char *s, u16 *port)
{
    u64 v;
    if (!s || !parse_num(s, &v) || v > 65535) {
        return false;
    }
    *port = (u16)v;
    return true;
}

/* "[tcp|udp]:[HOST]:PORT" and, unless removing, "-[GUEST]:PORT" */
static bool forward_parse(const char *rule, bool with_guest, struct forward *f, struct err *e)
{
    const char *s = rule;
    char *proto = token(&s, ':'), *host = token(&s, ':'), *port = token(&s, with_guest ? '-' : 0);
    char *guest = with_guest ? token(&s, ':') : NULL, *guest_port = with_guest ? token(&s, 0) : NULL;
    memset(f, 0, sizeof(*f));
    f->udp = proto && !strcmp(proto, "udp");
    bool ok = proto && (f->udp || !*proto || !strcmp(proto, "tcp")) && address_parse(host, &f->host) &&
              port_parse(port, &f->host_port);
    if (with_guest) {
        ok = ok && address_parse(guest, &f->guest) && port_parse(guest_port, &f->guest_port) && f->guest_port;
    }
    g_free(proto);
    g_free(host);
    g_free(port);
    g_free(guest);
    g_free(guest_port);
    return ok || err_set(e, "forwarding '%s': expected %s", rule,
                         with_guest ? "tcp|udp:[HOST]:PORT-[GUEST]:PORT, as in tcp::2222-:22" : "tcp|udp:[HOST]:PORT");
}

static struct user *user_of(struct netdev *n, struct err *e)
{
    if (!n || n->cls != &net_class_user) {
        err_set(e, "forwarding needs a netdev of kind user");
        return NULL;
    }
    return (struct user *)n;
}

bool net_hostfwd_add(struct netdev *n, const char *rule, struct err *e)
{
    struct user *u = user_of(n, e);
    struct forward f;
    if (!u || !forward_parse(rule, true, &f, e)) {
        return false;
    }
    if (slirp_add_hostfwd(u->slirp, f.udp, f.host, f.host_port, f.guest, f.guest_port) < 0) {
        return err_errno(e, "cannot forward '%s'", rule);
    }
    loop_wake();
    return true;
}

bool net_hostfwd_remove(struct netdev *n, const char *rule, struct err *e)
{
    struct user *u = user_of(n, e);
    struct forward f;
    if (!u || !forward_parse(rule, false, &f, e)) {
        return false;
    }
    if (slirp_remove_hostfwd(u->slirp, f.udp, f.host, f.host_port) < 0) {
        return err_set(e, "nothing is forwarded from '%s'", rule);
    }
    return true;
}

/* "tcp:SERVER:PORT-cmd:COMMAND" */
static bool guestfwd_add(struct user *u, const char *rule, struct err *e)
{
    const char *s = rule;
    char *proto = token(&s, ':'), *server = token(&s, ':'), *port = token(&s, '-');
    struct in_addr a = {0};
    u16 p = 0;
    bool ok = proto && (!*proto || !strcmp(proto, "tcp")) && server && inet_aton(server, &a) && port_parse(port, &p) &&
              g_str_has_prefix(s, "cmd:");
    if (!ok) {
        err_set(e, "guestfwd=%s: expected tcp:SERVER:PORT-cmd:COMMAND", rule);
    } else if (slirp_add_exec(u->slirp, s + 4, &a, p) < 0) {
        ok = err_set(e, "guestfwd=%s: the server's address must be in the guest's network and free", rule);
    }
    g_free(proto);
    g_free(server);
    g_free(port);
    return ok;
}

char *net_connections(struct netdev *n)
{
    return n && n->cls == &net_class_user ? slirp_connection_info(((struct user *)n)->slirp) : NULL;
}

/* -- set-up ---------------------------------------------------------------------------------------- */

static bool address_get(struct opts *o, const char *key, struct in_addr *a, struct err *e)
{
    const char *s = opts_str(o, key, NULL);
    return !s || inet_aton(s, a) || err_set(e, "%s=%s: expected an IPv4 address", key, s);
}

static bool address6_get(struct opts *o, const char *key, struct in6_addr *a, struct err *e)
{
    const char *s = opts_str(o, key, NULL);
    return !s || inet_pton(AF_INET6, s, a) == 1 || err_set(e, "%s=%s: expected an IPv6 address", key, s);
}

/* "10.0.2.0", "10.0.2.0/24", "10.0.2.0/255.255.255.0" */
static bool network_get(const char *text, struct in_addr *net, struct in_addr *mask, struct err *e)
{
    const char *slash = strchr(text, '/');
    char *address = g_strndup(text, slash ? (gsize)(slash - text) : strlen(text));
    u64 bits = 24;
    bool ok = inet_aton(address, net);
    g_free(address);
    if (slash && parse_num(slash + 1, &bits)) {
        ok = ok && bits >= 4 && bits <= 30;
    } else if (slash) {
        ok = ok && inet_aton(slash + 1, mask);
        bits = 0;
    }
    if (bits) {
        mask->s_addr = htonl(~0u << (32 - MIN(bits, (u64)31)));
    }
    net->s_addr &= mask->s_addr;
    return ok || err_set(e, "net=%s: expected a network such as 10.0.2.0/24", text);
}

static bool addresses4(struct opts *o, SlirpConfig *c, struct err *e)
{
    const char *net = opts_str(o, "net", "10.0.2.0/24");
    c->in_enabled = true;
    if (!opts_bool(o, "ipv4", &c->in_enabled, e) || !network_get(net, &c->vnetwork, &c->vnetmask, e)) {
        return false;
    }
    in_addr_t base = c->vnetwork.s_addr;
    c->vhost.s_addr = base | htonl(2);
    c->vnameserver.s_addr = base | htonl(3);
    c->vdhcp_start.s_addr = base | htonl(ntohl(~c->vnetmask.s_addr) >= 16 ? 15 : 4);
    if (!address_get(o, "host", &c->vhost, e) || !address_get(o, "dns", &c->vnameserver, e) ||
        !address_get(o, "dhcpstart", &c->vdhcp_start, e)) {
        return false;
    }
    const struct in_addr inside[] = {c->vhost, c->vnameserver, c->vdhcp_start};
    static const char *const keys[] = {"host", "dns", "dhcpstart"};
    for (size_t i = 0; i < ARRAY_LEN(inside); i++) {
        if ((inside[i].s_addr & c->vnetmask.s_addr) != base) {
            return err_set(e, "%s=%s is not in the guest's network (net=%s)", keys[i], inet_ntoa(inside[i]), net);
        }
    }
    return true;
}

static bool addresses6(struct opts *o, SlirpConfig *c, struct err *e)
{
    u64 len = 64;
    c->in6_enabled = true;
    inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
    if (!opts_bool(o, "ipv6", &c->in6_enabled, e) || !address6_get(o, "ipv6-prefix", &c->vprefix_addr6, e) ||
        !opts_num(o, "ipv6-prefixlen", &len, e)) {
        return false;
    }
    if (len < 1 || len > 126) {
        return err_set(e, "ipv6-prefixlen=%llu: expected 1 to 126", (unsigned long long)len);
    }
    c->vprefix_len = (u8)len;
    c->vhost6 = c->vnameserver6 = c->vprefix_addr6;
    c->vhost6.s6_addr[15] |= 2;
    c->vnameserver6.s6_addr[15] |= 3;
    return address6_get(o, "ipv6-host", &c->vhost6, e) && address6_get(o, "ipv6-dns", &c->vnameserver6, e);
}

static bool names_get(struct opts *o, SlirpConfig *c, GPtrArray *search, struct err *e)
{
    struct stat st;
    const char *domain;
    bool restricted = false;
    c->vhostname = opts_str(o, "hostname", NULL);
    c->vdomainname = opts_str(o, "domainname", NULL);
    c->tftp_path = opts_str(o, "tftp", NULL);
    c->tftp_server_name = opts_str(o, "tftp-server-name", NULL);
    c->bootfile = opts_str(o, "bootfile", NULL);
    for (size_t i = 0; (domain = opts_next(o, "dnssearch", &i));) {
        g_ptr_array_add(search, (gpointer)domain);
    }
    if (search->len) {
        g_ptr_array_add(search, NULL);
        c->vdnssearch = (const char **)search->pdata;
    }
    if (c->tftp_path && (stat(c->tftp_path, &st) < 0 || !S_ISDIR(st.st_mode))) {
        return err_set(e, "tftp=%s is no directory", c->tftp_path);
    }
    if (c->vhostname && strlen(c->vhostname) > 63) {
        return err_set(e, "hostname=%s is longer than 63 bytes", c->vhostname);
    }
    bool ok = opts_bool(o, "restrict", &restricted, e);
    c->restricted = restricted;
    return ok;
}

static bool user_start(struct user *u, struct opts *o, const SlirpConfig *c, struct err *e)
{
    const char *rule;
    u->slirp = slirp_new(c, &callbacks, &u->n);
    if (!u->slirp) {
        return err_set(e, "libslirp does not accept these addresses");
    }
    u->poller = (struct loop_poller){.fill = user_fill, .ready = user_ready, .opaque = u};
    loop_poller_add(&u->poller);
    for (size_t i = 0; (rule = opts_next(o, "hostfwd", &i));) {
        if (!net_hostfwd_add(&u->n, rule, e)) {
            return false;
        }
    }
    for (size_t i = 0; (rule = opts_next(o, "guestfwd", &i));) {
        if (!guestfwd_add(u, rule, e)) {
            return false;
        }
    }
    net_set_where(&u->n, "net=%s,restrict=%s", inet_ntoa(c->vnetwork), c->restricted ? "on" : "off");
    return true;
}

static bool user_open(struct netdev *n, struct opts *o, struct err *e)
{
    SlirpConfig c = {.version = 1};
    GPtrArray *search = g_ptr_array_new();
    bool ok = addresses4(o, &c, e) && addresses6(o, &c, e) && names_get(o, &c, search, e) &&
              user_start((struct user *)n, o, &c, e);
    g_ptr_array_free(search, TRUE); /* libslirp has copies */
    return ok;
}

static void user_send(struct netdev *n, const u8 *frame, size_t len)
{
    slirp_input(((struct user *)n)->slirp, frame, (int)len);
    loop_wake(); /* there may be new sockets to watch */
}

static void user_close(struct netdev *n)
{
    struct user *u = (struct user *)n;
    if (u->slirp) {
        loop_poller_remove(&u->poller);
        slirp_cleanup(u->slirp);
    }
}

static const struct opt_key keys[] = {
    {"ipv4", "on|off", "IPv4 (default on)"},
    {"net", "ADDR/BITS", "the guest's network (default 10.0.2.0/24)"},
    {"host", "ADDR", "the host as the guest sees it (default: net + 2)"},
    {"dns", "ADDR", "the name server as the guest sees it (default: net + 3)"},
    {"dhcpstart", "ADDR", "the guest's own address (default: net + 15)"},
    {"ipv6", "on|off", "IPv6 (default on)"},
    {"ipv6-prefix", "ADDR", "the guest's IPv6 network (default fec0::)"},
    {"ipv6-prefixlen", "BITS", "its length (default 64)"},
    {"ipv6-host", "ADDR", "the host (default fec0::2)"},
    {"ipv6-dns", "ADDR", "the name server (default fec0::3)"},
    {"restrict", "on|off", "the guest reaches nothing but what is forwarded to it"},
    {"hostname", "NAME", "what DHCP calls the guest"},
    {"domainname", "NAME", "what DHCP calls its domain"},
    {"dnssearch", "DOMAIN", "domain to search; may be given several times"},
    {"tftp", "DIR", "served by TFTP, read-only"},
    {"tftp-server-name", "NAME", "what DHCP says of it"},
    {"bootfile", "FILE", "what DHCP says to boot"},
    {"hostfwd", "RULE", "tcp|udp:[HOST]:PORT-[GUEST]:PORT; may be given several times"},
    {"guestfwd", "RULE", "tcp:SERVER:PORT-cmd:COMMAND, run for each connection"},
    {0},
};

const struct net_class net_class_user = {
    .name = "user",
    .doc = "the host's network through libslirp, without any rights",
    .keys = keys,
    .size = sizeof(struct user),
    .open = user_open,
    .send = user_send,
    .close = user_close,
};

#else /* !HAVE_SLIRP */

#include "net/net_priv.h"

bool net_hostfwd_add(struct netdev *n, const char *rule, struct err *e)
{
    (void)n;
    (void)rule;
    return err_set(e, "this moss was built without libslirp");
}

bool net_hostfwd_remove(struct netdev *n, const char *rule, struct err *e)
{
    return net_hostfwd_add(n, rule, e);
}

char *net_connections(struct netdev *n)
{
    (void)n;
    return NULL;
}

#endif

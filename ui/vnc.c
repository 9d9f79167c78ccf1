/* A VNC server by libvncserver (RFB 3.8; SPEC: RFC 6143). Each client has its thread, which reads a copy of the
 * surface, so that neither encoding nor a slow client holds up the machine. What clients do comes to the main thread as
 * posts (vnc_input.c). The library speaks the encodings, VNC authentication and WebSocket; sockets are listened to
 * here.
 *
 * The copy is never freed or made smaller while clients may read it: a client in the middle of an update sees old
 * pixels, or torn ones, and is sent what changed next. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sock.h"
#include "ui/display.h"
#include "ui/vnc_priv.h"

#define FRAME_NS 30000000ull
#define IDLE_NS  250000000ull
enum { PORT_BASE = 5900, WEBSOCKET_BASE = 5700 };

static struct vnc *servers;
static struct timer tick;

/* -- pictures ---------------------------------------------------------------------------------------------------------
 */

static void copy_rect(struct vnc *v, const struct surface *f, struct rect r)
{
    for (int y = r.y; y < r.y + r.h; y++) {
        const u32 *from = f->px + (size_t)y * (size_t)f->w + r.x;
        u32 *to = v->fb + (size_t)y * (size_t)f->w + r.x;
        for (int x = 0; x < r.w; x++) {
            to[x] = __builtin_bswap32(from[x]) >> 8;
        }
    }
}

static void on_resized(void *opaque, struct screen *s)
{
    struct vnc *v = opaque;
    struct surface *f = screen_surface(s);
    size_t need = (size_t)MAX(f->w, v->rfb->width) * (size_t)MAX(f->h, v->rfb->height);
    bool larger = need > v->fb_room;
    if (larger) { /* the old one stays: see above */
        v->fb_room = need;
        v->fb = calloc(need, sizeof(*v->fb));
        must(v->fb);
    }
    copy_rect(v, f, (struct rect){0, 0, f->w, f->h});
    if (larger || f->w != v->rfb->width || f->h != v->rfb->height) {
        rfbNewFramebuffer(v->rfb, (char *)v->fb, f->w, f->h, 8, 3, 4);
    }
    rfbMarkRectAsModified(v->rfb, 0, 0, f->w, f->h);
}

static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    struct vnc *v = opaque;
    copy_rect(v, screen_surface(s), r);
    rfbMarkRectAsModified(v->rfb, r.x, r.y, r.x + r.w, r.y + r.h);
}

void vnc_show(struct vnc *v, struct screen *s)
{
    if (s != v->screen) {
        screen_unwatch(v->screen, &v->watch);
        v->screen = s;
        __atomic_store_n(&v->takes_size, screen_takes_size(s), __ATOMIC_SEQ_CST);
        screen_invalidate(s);
        screen_refresh(s);
        screen_watch(s, &v->watch);
    }
}

/* Clients say only when they come that they are there; nobody looks, nothing is painted. */
static void on_tick(void *opaque)
{
    bool any = false;
    (void)opaque;
    for (struct vnc *v = servers; v; v = v->next) {
        if (__atomic_load_n(&v->clients, __ATOMIC_SEQ_CST)) {
            screen_refresh(v->screen);
            any = true;
        }
    }
    timer_set(&tick, clock_now(CLOCK_HOST) + (any ? FRAME_NS : IDLE_NS));
}

/* -- clients come ------------------------------------------------------------------------------------------------- */

static rfbBool password_check(rfbClientPtr cl, const char *answer, int len)
{
    struct vnc *v = cl->screen->screenData;
    u8 want[CHALLENGESIZE];
    if (len != CHALLENGESIZE) {
        return FALSE;
    }
    pthread_mutex_lock(&v->lock);
    bool open = v->password[0] && clock_now(CLOCK_WALL) < v->expires;
    memcpy(want, cl->authChallenge, CHALLENGESIZE);
    rfbEncryptBytes(want, v->password);
    pthread_mutex_unlock(&v->lock);
    return open && memcmp(want, answer, CHALLENGESIZE) == 0;
}

/* The library looks for a WebSocket's handshake for a while before it speaks; so this has a thread. */
static void *acceptor(void *opaque)
{
    struct vnc *v = opaque;
    for (;;) {
        struct pollfd p[VNC_LISTEN + 1];
        for (unsigned i = 0; i < VNC_LISTEN; i++) {
            p[i] = (struct pollfd){.fd = v->listen[i], .events = POLLIN};
        }
        p[VNC_LISTEN] = (struct pollfd){.fd = v->stop[0], .events = POLLIN};
        if (poll(p, VNC_LISTEN + 1, -1) < 0 && errno != EINTR) {
            return NULL;
        }
        if (p[VNC_LISTEN].revents) {
            return NULL;
        }
        for (unsigned i = 0; i < VNC_LISTEN; i++) {
            int fd = p[i].revents & POLLIN ? sock_accept(v->listen[i]) : -1;
            if (fd < 0) {
                continue;
            }
            sock_nodelay(fd);
            rfbClientPtr cl = rfbNewClient(v->rfb, fd); /* closes it, if it will not have it */
            if (cl && !cl->onHold) {
                rfbStartOnHoldClient(cl);
            }
        }
    }
}

/* -- what is typed ------------------------------------------------------------------------------------------------ */

/* HOST:DISPLAY, where numbers are displays or, from 5900 on (to=), what lies above. */
static int listen_tcp(const char *host, unsigned first, unsigned last, struct err *e)
{
    int fd = -1;
    for (unsigned port = first; fd < 0 && port <= last; port++) {
        struct sock_addrs a;
        char text[16];
        snprintf(text, sizeof(text), "%u", port);
        e->msg[0] = 0;
        if (!sock_resolve(&a, SOCK_STREAM, AF_UNSPEC, true, host, text, e)) {
            return -1;
        }
        fd = sock_listen(&a, e);
    }
    return fd;
}

static bool websocket_listen(struct vnc *v, const char *host, unsigned display, const char *ws, struct err *e)
{
    bool on = false;
    u64 port = WEBSOCKET_BASE + display;
    if (!ws || (parse_bool(ws, &on) && !on)) {
        return true;
    }
    if (!on && (!parse_num(ws, &port) || !port || port > 65535)) {
        return err_set(e, "websocket=%s: expected on, off or a port", ws);
    }
    v->listen[1] = listen_tcp(host, (unsigned)port, (unsigned)port, e);
    return v->listen[1] >= 0;
}

static bool listen_at(struct vnc *v, const char *at, struct opts *o, struct err *e)
{
    char *host = NULL, *display = NULL;
    const char *ws = opts_str(o, "websocket", NULL);
    u64 n = 0, to = 0;
    if (!strncmp(at, "unix:", 5)) {
        struct sock_addrs a;
        if (ws) {
            return err_set(e, "websocket=%s: not on a unix socket", ws);
        }
        v->socket_path = strdup(at + 5);
        return sock_unix(&a, at + 5, false, e) && (v->listen[0] = sock_listen(&a, e)) >= 0;
    }
    bool ok = sock_split(at, &host, &display, e) && opts_num(o, "to", &to, e);
    if (ok && (!parse_num(display, &n) || n > 65535 - PORT_BASE || to > 65535 - PORT_BASE)) {
        ok = err_set(e, "display '%s': expected a number up to %d", display, 65535 - PORT_BASE);
    }
    if (ok) {
        const char *where = *host ? host : "localhost";
        v->listen[0] = listen_tcp(where, PORT_BASE + (unsigned)n, PORT_BASE + (unsigned)MAX(n, to), e);
        ok = v->listen[0] >= 0 && websocket_listen(v, where, (unsigned)n, ws, e);
    }
    free(host);
    free(display);
    return ok;
}

static bool options_read(struct vnc *v, struct opts *o, struct err *e)
{
    static const char *const share[] = {"allow-exclusive", "force-shared", "ignore", NULL};
    unsigned how = 0;
    bool reverse = false;
    const char *secret = opts_str(o, "password-secret", NULL);
    const char *lacking[] = {"tls-creds", "sasl", "acl", "tls-authz", "sasl-authz", "audiodev"};
    for (unsigned i = 0; i < ARRAY_LEN(lacking); i++) {
        if (opts_has(o, lacking[i])) {
            return err_set(e, "%s: moss's VNC server knows none and password=on only", lacking[i]);
        }
    }
    opts_ignore(o, "lossy,non-adaptive,key-delay-ms,head,display,power-control,connections,ipv4,ipv6,id");
    v->syncs_locks = true;
    if (!opts_bool(o, "password", &v->wants_password, e) || !opts_bool(o, "lock-key-sync", &v->syncs_locks, e) ||
        !opts_choice(o, "share", share, &how, e) || !opts_bool(o, "reverse", &reverse, e)) {
        return false;
    }
    v->rfb->alwaysShared = how != 0;
    if (secret) {
        const char *password = display_host.secret(secret);
        if (!password) {
            return err_set(e, "password-secret=%s: there is no such -object secret", secret);
        }
        v->wants_password = true;
        snprintf(v->password, sizeof(v->password), "%s", password);
    }
    return !reverse || err_set(e, "reverse=on: moss's VNC server does not call clients");
}

/* -- life ------------------------------------------------------------------------------------------------------------
 */

static bool server_make(struct vnc *v, struct screen *s, struct err *e)
{
    struct surface *f = screen_surface(s);
    int argc = 0;
    rfbLogEnable(FALSE);
    v->rfb = rfbGetScreen(&argc, NULL, f->w, f->h, 8, 3, 4);
    if (!v->rfb) {
        return err_set(e, "libvncserver gives no server");
    }
    v->screen = s;
    v->takes_size = screen_takes_size(s);
    v->fb_room = (size_t)f->w * (size_t)f->h;
    v->fb = calloc(v->fb_room, sizeof(*v->fb));
    must(v->fb);
    v->rfb->frameBuffer = (char *)v->fb;
    v->rfb->desktopName = display_host.title;
    v->rfb->port = v->rfb->ipv6port = 0;
    v->rfb->httpPort = v->rfb->http6Port = 0;
    v->rfb->autoPort = FALSE;
    v->rfb->deferUpdateTime = 5;
    v->rfb->cursor = NULL;
    v->rfb->screenData = v;
    v->rfb->backgroundLoop = TRUE;
    vnc_hear(v);
    return true;
}

static bool vnc_init(struct opts *o, struct err *e)
{
    const char *at = opts_str(o, "vnc", NULL);
    struct vnc *v = calloc(1, sizeof(*v));
    must(v);
    v->listen[0] = v->listen[1] = -1;
    v->expires = UINT64_MAX;
    pthread_mutex_init(&v->lock, NULL);
    if (!at || !strcmp(at, "on")) {
        at = ":0";
    }
    if (!server_make(v, display_screen(0), e) || !options_read(v, o, e) || !listen_at(v, at, o, e)) {
        return false; /* moss ends */
    }
    if (v->wants_password) {
        v->rfb->authPasswdData = v;
        v->rfb->passwordCheck = password_check;
    }
    rfbInitServer(v->rfb);
    v->watch = (struct screen_watch){.resized = on_resized, .dirty = on_dirty, .opaque = v};
    screen_watch(v->screen, &v->watch);
    if (pipe(v->stop) || pthread_create(&v->acceptor, NULL, acceptor, v)) {
        return err_errno(e, "no thread for VNC");
    }
    if (!servers) {
        timer_init(&tick, CLOCK_HOST, on_tick, NULL);
        timer_set(&tick, 0);
    }
    v->next = servers;
    servers = v;
    return true;
}

/* Clients' threads end with the process: the library has no way to end them that does not wait for them. */
static void vnc_fini(void)
{
    timer_cancel(&tick);
    for (struct vnc *v = servers; v; v = v->next) {
        if (write(v->stop[1], "", 1) == 1) {
            pthread_join(v->acceptor, NULL);
        }
        screen_unwatch(v->screen, &v->watch);
        input_unwatch(&v->input);
        for (unsigned i = 0; i < VNC_LISTEN; i++) {
            if (v->listen[i] >= 0) {
                close(v->listen[i]);
            }
        }
        if (v->socket_path) {
            unlink(v->socket_path);
        }
    }
    servers = NULL;
}

static bool vnc_set_password(const char *password, struct err *e)
{
    bool any = false;
    for (struct vnc *v = servers; v; v = v->next) {
        if (v->wants_password) {
            pthread_mutex_lock(&v->lock);
            snprintf(v->password, sizeof(v->password), "%s", password ? password : "");
            pthread_mutex_unlock(&v->lock);
            any = true;
        }
    }
    return any || err_set(e, servers ? "no VNC server asks for one: -vnc :1,password=on" : "there is no VNC server");
}

static void vnc_expire_password(u64 when)
{
    for (struct vnc *v = servers; v; v = v->next) {
        pthread_mutex_lock(&v->lock);
        v->expires = when;
        pthread_mutex_unlock(&v->lock);
    }
}

static void address_print(struct buf *out, int fd, bool peer, bool websocket)
{
    struct sock_addr a = {.len = sizeof(a.space)};
    char name[128] = "?";
    if (fd >= 0 && !(peer ? getpeername(fd, &a.sa, &a.len) : getsockname(fd, &a.sa, &a.len))) {
        sock_name(&a, name, sizeof(name));
    }
    const char *family = a.sa.sa_family == AF_INET ? "ipv4" : a.sa.sa_family == AF_INET6 ? "ipv6" : "unix";
    buf_printf(out, "  %s: %s (%s%s)\n", peer ? "Client" : "Server", name, family, websocket ? " (Websocket)" : "");
}

static void vnc_print(struct buf *out)
{
    if (!servers) {
        buf_printf(out, "None\n");
    }
    for (struct vnc *v = servers; v; v = v->next) {
        const char *auth = v->wants_password ? "vnc" : "none";
        buf_printf(out, "default:\n");
        for (unsigned i = 0; i < VNC_LISTEN; i++) {
            if (v->listen[i] >= 0) {
                address_print(out, v->listen[i], false, i == 1);
                buf_printf(out, "    Auth: %s (Sub: none)\n", auth);
            }
        }
        rfbClientIteratorPtr it = rfbGetClientIterator(v->rfb);
        for (rfbClientPtr cl; (cl = rfbClientIteratorNext(it));) {
            address_print(out, cl->sock, true, cl->wsctx);
            buf_printf(out, "    x509_dname: none\n    sasl_username: none\n");
        }
        rfbReleaseClientIterator(it);
    }
}

static const struct opt_key keys[] = {
    {"vnc", "[HOST]:D|unix:PATH", "where: port 5900 + D, on localhost if HOST is empty"},
    {"to", "D", "the last display to try"},
    {"password", "on|off", "clients must know the password, which the monitor sets: eight characters count"},
    {"password-secret", "ID", "clients must know the password that is in this -object secret"},
    {"lock-key-sync", "on|off", "the guest's Caps Lock and Num Lock follow the client's"},
    {"websocket", "on|PORT", "for browsers, port 5700 + D"},
    {"share", "allow-exclusive|force-shared|ignore", "may a client send the others away"},
    {0},
};
const struct display display_vnc = {
    .name = "vnc",
    .doc = "a VNC server",
    .keys = keys,
    .init = vnc_init,
    .fini = vnc_fini,
    .set_password = vnc_set_password,
    .expire_password = vnc_expire_password,
    .print = vnc_print,
};

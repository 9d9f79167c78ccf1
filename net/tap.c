/* A tap interface of the host: bridging, or a private wire to it. Needs the right to open
 * /dev/net/tun, or a descriptor from someone who has it.
 *
 * No offloads are asked for. A descriptor that was opened with a vnet header in front of each frame is
 * served: the header is skipped, and sent as zeros. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <spawn.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/watch.h"
#include "net/net_priv.h"

enum { VNET_HEADER_MAX = 64 };

struct tap {
    struct netdev n;
    bool opened;
    int fd;
    struct watch *in;
    size_t header; /* bytes of vnet header before each frame */
    char ifname[IFNAMSIZ];
    char *down_script;
};

static void tap_ready(void *opaque)
{
    struct tap *t = opaque;
    static u8 data[VNET_HEADER_MAX + NET_FRAME_MAX]; /* one main thread */
    for (unsigned i = 0; i < 64 && net_has_room(&t->n); i++) {
        ssize_t len = read(t->fd, data, sizeof(data));
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len <= 0) {
            if (len == 0 || errno != EAGAIN) {
                warn_once("netdev '%s': the tap interface is gone", t->n.id);
                watch_free(t->in);
                t->in = NULL;
            }
            break;
        }
        if ((size_t)len > t->header) {
            net_input(&t->n, data + t->header, (size_t)len - t->header);
        }
    }
}

static void tap_send(struct netdev *n, const u8 *frame, size_t len)
{
    struct tap *t = (struct tap *)n;
    u8 header[VNET_HEADER_MAX] = {0};
    struct iovec iov[2] = {{header, t->header}, {(void *)frame, len}};
    while (writev(t->fd, iov, 2) < 0 && errno == EINTR) {
    }
}

/* Runs "SCRIPT IFNAME" and waits. */
static bool script_run(const char *script, const char *ifname, struct err *e)
{
    extern char **environ;
    char *argv[] = {(char *)script, (char *)ifname, NULL};
    pid_t pid;
    int status, rc = posix_spawn(&pid, script, NULL, NULL, argv, environ);
    if (rc) {
        return err_set(e, "cannot run the network script '%s': %s", script, strerror(rc));
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || err_set(e, "the network script '%s' failed", script);
}

static bool header_ask(struct tap *t, struct err *e)
{
    struct ifreq ifr = {0};
    int size = 10;
    if (ioctl(t->fd, TUNGETIFF, &ifr) < 0) {
        return err_errno(e, "the descriptor is no tap interface");
    }
    memcpy(t->ifname, ifr.ifr_name, IFNAMSIZ);
    if (ifr.ifr_flags & IFF_VNET_HDR) {
        if (ioctl(t->fd, TUNGETVNETHDRSZ, &size) < 0 || size < 0 || size > VNET_HEADER_MAX) {
            return err_set(e, "the tap interface's vnet header has a size that moss does not know");
        }
        t->header = (size_t)size;
        ioctl(t->fd, TUNSETOFFLOAD, 0);
    }
    return true;
}

static bool interface_make(struct tap *t, const char *ifname, struct err *e)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    if (ifname && strlen(ifname) >= IFNAMSIZ) {
        return err_set(e, "ifname=%s is longer than %d bytes", ifname, IFNAMSIZ - 1);
    }
    g_strlcpy(ifr.ifr_name, ifname ? ifname : "tap%d", IFNAMSIZ);
    t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (t->fd < 0) {
        return err_errno(e, "cannot open /dev/net/tun");
    }
    if (ioctl(t->fd, TUNSETIFF, &ifr) < 0) {
        return err_errno(e, "cannot make the tap interface '%s'", ifr.ifr_name);
    }
    memcpy(t->ifname, ifr.ifr_name, IFNAMSIZ);
    return true;
}

/* script=no: none; absent: the usual one if there is such a file. */
static const char *script_get(struct opts *o, const char *key, const char *usual)
{
    const char *s = opts_str(o, key, NULL);
    if (!s) {
        return access(usual, X_OK) == 0 ? usual : NULL;
    }
    return *s && strcmp(s, "no") ? s : NULL;
}

static bool tap_open(struct netdev *n, struct opts *o, struct err *e)
{
    struct tap *t = (struct tap *)n;
    const char *fd = opts_str(o, "fd", NULL), *ifname = opts_str(o, "ifname", NULL);
    const char *up = script_get(o, "script", "/etc/qemu-ifup"), *down = script_get(o, "downscript", "/etc/qemu-ifdown");
    bool vhost = false, vnet_hdr = false;
    u64 number = 0;
    t->fd = -1;
    t->opened = true;
    if (!opts_bool(o, "vhost", &vhost, e) || !opts_bool(o, "vnet_hdr", &vnet_hdr, e)) {
        return false;
    }
    if (vhost) {
        return err_set(e, "vhost=on is not available: moss moves the frames itself");
    }
    if (fd) {
        if (!parse_num(fd, &number) || number > INT32_MAX || fcntl((int)number, F_GETFD) < 0) {
            return err_set(e, "fd=%s is no descriptor that moss was given", fd);
        }
        t->fd = (int)number;
        fcntl(t->fd, F_SETFL, fcntl(t->fd, F_GETFL) | O_NONBLOCK);
        if (!header_ask(t, e)) {
            return false;
        }
    } else if (!interface_make(t, ifname, e) || (up && !script_run(up, t->ifname, e))) {
        return false;
    }
    t->down_script = !fd && down ? g_strdup(down) : NULL;
    t->in = watch_new(t->fd, net_has_room, tap_ready, t);
    net_set_where(n, "ifname=%s", t->ifname);
    return true;
}

static void tap_close(struct netdev *n)
{
    struct tap *t = (struct tap *)n;
    if (!t->opened) {
        return;
    }
    watch_free(t->in);
    if (t->down_script) {
        struct err e = {0};
        if (!script_run(t->down_script, t->ifname, &e)) {
            warn_once("netdev '%s': %s", n->id, e.msg);
        }
        g_free(t->down_script);
    }
    if (t->fd >= 0) {
        close(t->fd);
    }
}

static const struct opt_key keys[] = {
    {"ifname", "NAME", "the interface's name on the host"},
    {"script", "PATH|no", "run when it is up (default /etc/qemu-ifup if there is one)"},
    {"downscript", "PATH|no", "run at exit (default /etc/qemu-ifdown if there is one)"},
    {"fd", "N", "a tap interface that moss inherited"},
    {"vnet_hdr", "on|off", "accepted; no offload is used"},
    {"vhost", "off", "accepted when off"},
    {0},
};

const struct net_class net_class_tap = {
    .name = "tap",
    .doc = "a tap interface of the host",
    .keys = keys,
    .size = sizeof(struct tap),
    .open = tap_open,
    .send = tap_send,
    .close = tap_close,
};

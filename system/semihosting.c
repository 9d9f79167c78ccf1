/* Arm semihosting: the guest's calls for files, console, time and exit on the host.
 * SPEC: Semihosting for AArch32 and AArch64 (IHI 0058). Parameter blocks are read and written in guest memory through
 * the calling cpu; words are 8 bytes on AArch64. Not there: SYS_SYSTEM (refused). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/opts.h"
#include "chardev/chardev.h"
#include "system/semihosting.h"
#include "system/system.h"

enum {
    SYS_OPEN = 0x01,
    SYS_CLOSE,
    SYS_WRITEC,
    SYS_WRITE0,
    SYS_WRITE,
    SYS_READ,
    SYS_READC,
    SYS_ISERROR,
    SYS_ISTTY,
    SYS_SEEK,
    SYS_FLEN = 0x0c,
    SYS_TMPNAM,
    SYS_REMOVE,
    SYS_RENAME,
    SYS_CLOCK,
    SYS_TIME,
    SYS_SYSTEM,
    SYS_ERRNO,
    SYS_GET_CMDLINE = 0x15,
    SYS_HEAPINFO,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
    SYS_ELAPSED = 0x30,
    SYS_TICKFREQ
};
enum { ADP_STOPPED_APPLICATION_EXIT = 0x20026 };
#define MAX_FILES 64
#define FAILED    (~0ull)
static const char features[] = "SHFB\x03"; /* bit 0: SYS_EXIT_EXTENDED, bit 1: stdout and stderr through :tt */

static struct {
    bool on;
    struct chardev *console; /* NULL: the host's own stdout */
    char *cmdline;
    int last_errno;
    struct {
        bool used, is_features;
        int fd;
        size_t pos; /* of the features file */
    } f[MAX_FILES];
} semi;

static u64 arg(struct vcpu *cpu, u64 block, unsigned i)
{
    u64 v = 0;
    unsigned w = cpu->target->xlen / 8;
    cpu->sv->load(cpu, block + (u64)i * w, &v, w, 0);
    return v;
}

static void arg_put(struct vcpu *cpu, u64 block, unsigned i, u64 v)
{
    unsigned w = cpu->target->xlen / 8;
    cpu->sv->store(cpu, block + (u64)i * w, &v, w, 0);
}

static void guest_read(struct vcpu *cpu, u64 va, u8 *p, u64 n)
{
    for (u64 i = 0; i < n; i++) {
        cpu->sv->load(cpu, va + i, p + i, 1, 0);
    }
}

static u64 result(i64 r)
{
    if (r < 0) {
        semi.last_errno = errno;
    }
    return (u64)r;
}

static void console_write(const void *p, size_t n)
{
    if (semi.console) {
        machine_lock();
        chardev_write(semi.console, p, n);
        machine_unlock();
    } else if (write(1, p, n) < 0) {
        semi.last_errno = errno;
    }
}

static bool path_get(struct vcpu *cpu, u64 va, u64 len, char *out, size_t cap)
{
    if (len >= cap) {
        errno = ENAMETOOLONG;
        return false;
    }
    guest_read(cpu, va, (u8 *)out, len);
    out[len] = 0;
    return true;
}

static u64 file_open(struct vcpu *cpu, u64 block)
{
    static const int flags[12] = {O_RDONLY,
                                  O_RDONLY,
                                  O_RDWR,
                                  O_RDWR,
                                  O_WRONLY | O_CREAT | O_TRUNC,
                                  O_WRONLY | O_CREAT | O_TRUNC,
                                  O_RDWR | O_CREAT | O_TRUNC,
                                  O_RDWR | O_CREAT | O_TRUNC,
                                  O_WRONLY | O_CREAT | O_APPEND,
                                  O_WRONLY | O_CREAT | O_APPEND,
                                  O_RDWR | O_CREAT | O_APPEND,
                                  O_RDWR | O_CREAT | O_APPEND};
    char path[1024];
    u64 mode = arg(cpu, block, 1);
    unsigned h = 1;
    while (h < MAX_FILES && semi.f[h].used) {
        h++;
    }
    if (mode >= ARRAY_LEN(flags) || h == MAX_FILES) {
        errno = h == MAX_FILES ? EMFILE : EINVAL;
        return result(-1);
    }
    if (!path_get(cpu, arg(cpu, block, 0), arg(cpu, block, 2), path, sizeof(path))) {
        return result(-1);
    }
    int fd;
    bool feat = !strcmp(path, ":semihosting-features");
    if (!strcmp(path, ":tt")) {
        fd = dup(mode < 4 ? 0 : mode < 8 ? 1 : 2);
    } else {
        fd = feat ? 0 : open(path, flags[mode] | O_CLOEXEC, 0666);
    }
    if (fd < 0) {
        return result(-1);
    }
    semi.f[h].used = true;
    semi.f[h].is_features = feat;
    semi.f[h].fd = fd;
    semi.f[h].pos = 0;
    return h;
}

static bool handle_ok(u64 h)
{
    if (h < MAX_FILES && semi.f[h].used) {
        return true;
    }
    errno = EBADF;
    return false;
}

static u64 file_close(u64 h)
{
    if (!handle_ok(h)) {
        return result(-1);
    }
    semi.f[h].used = false;
    return semi.f[h].is_features ? 0 : result(close(semi.f[h].fd));
}

/* SYS_WRITE and SYS_READ give the number of bytes NOT moved. */
static u64 file_write(struct vcpu *cpu, u64 block)
{
    u64 h = arg(cpu, block, 0), va = arg(cpu, block, 1), n = arg(cpu, block, 2);
    if (!handle_ok(h) || semi.f[h].is_features) {
        result(-1);
        return n;
    }
    while (n) {
        u8 buf[4096];
        u64 k = MIN(n, sizeof(buf));
        guest_read(cpu, va, buf, k);
        if (semi.console && isatty(semi.f[h].fd)) {
            console_write(buf, k);
        } else {
            ssize_t w = write(semi.f[h].fd, buf, k);
            if (w <= 0) {
                result(-1);
                break;
            }
            k = (u64)w;
        }
        va += k;
        n -= k;
    }
    return n;
}

static u64 file_read(struct vcpu *cpu, u64 block)
{
    u64 h = arg(cpu, block, 0), va = arg(cpu, block, 1), n = arg(cpu, block, 2);
    if (!handle_ok(h)) {
        result(-1);
        return n;
    }
    while (n) {
        u8 buf[4096];
        u64 k = MIN(n, sizeof(buf));
        ssize_t r;
        if (semi.f[h].is_features) {
            r = (ssize_t)MIN(k, sizeof(features) - 1 - semi.f[h].pos);
            memcpy(buf, features + semi.f[h].pos, (size_t)r);
            semi.f[h].pos += (size_t)r;
        } else {
            r = read(semi.f[h].fd, buf, k);
        }
        if (r <= 0) {
            if (r < 0) {
                result(-1);
            }
            break;
        }
        for (ssize_t i = 0; i < r; i++) {
            cpu->sv->store(cpu, va + (u64)i, &buf[i], 1, 0);
        }
        va += (u64)r;
        n -= (u64)r;
        if ((u64)r < k) {
            break;
        }
    }
    return n;
}

static u64 file_length(u64 h)
{
    struct stat st;
    if (!handle_ok(h)) {
        return result(-1);
    }
    if (semi.f[h].is_features) {
        return sizeof(features) - 1;
    }
    return fstat(semi.f[h].fd, &st) < 0 ? result(-1) : (u64)st.st_size;
}

static u64 file_seek(u64 h, u64 pos)
{
    if (!handle_ok(h)) {
        return result(-1);
    }
    if (semi.f[h].is_features) {
        semi.f[h].pos = (size_t)MIN(pos, sizeof(features) - 1);
        return 0;
    }
    return lseek(semi.f[h].fd, (off_t)pos, SEEK_SET) < 0 ? result(-1) : 0;
}

static u64 two_paths(struct vcpu *cpu, u64 block, bool rename_it)
{
    char a[1024], b[1024];
    if (!path_get(cpu, arg(cpu, block, 0), arg(cpu, block, 1), a, sizeof(a))) {
        return result(-1);
    }
    if (!rename_it) {
        return result(unlink(a));
    }
    if (!path_get(cpu, arg(cpu, block, 2), arg(cpu, block, 3), b, sizeof(b))) {
        return result(-1);
    }
    return result(rename(a, b));
}

static u64 temp_name(struct vcpu *cpu, u64 block)
{
    char name[64];
    u64 va = arg(cpu, block, 0), n = arg(cpu, block, 2);
    int len = snprintf(name, sizeof(name), "/tmp/moss-%d-%02x", (int)getpid(), (unsigned)arg(cpu, block, 1) & 0xff);
    if ((u64)len >= n) {
        return FAILED;
    }
    for (int i = 0; i <= len; i++) {
        cpu->sv->store(cpu, va + (u64)i, &name[i], 1, 0);
    }
    return 0;
}

static u64 get_cmdline(struct vcpu *cpu, u64 block)
{
    u64 va = arg(cpu, block, 0), cap = arg(cpu, block, 1);
    const char *s = semi.cmdline ? semi.cmdline : "";
    u64 n = strlen(s);
    if (n + 1 > cap) {
        return FAILED;
    }
    for (u64 i = 0; i <= n; i++) {
        cpu->sv->store(cpu, va + i, &s[i], 1, 0);
    }
    arg_put(cpu, block, 1, n);
    return 0;
}

static void exit_guest(struct vcpu *cpu, u64 param, bool extended)
{
    u64 reason = param, code = 0;
    if (extended || cpu->target->xlen == 64) {
        reason = arg(cpu, param, 0);
        code = arg(cpu, param, 1);
    }
    bool normal = reason == ADP_STOPPED_APPLICATION_EXIT;
    machine_request_shutdown(SHUTDOWN_HOST_QUIT, normal ? (int)(code & 0xff) : 1);
    cpu->halted = true;
}

static void write_string(struct vcpu *cpu, u64 va)
{
    char c;
    for (;;) {
        cpu->sv->load(cpu, va++, &c, 1, 0);
        if (!c) {
            return;
        }
        console_write(&c, 1);
    }
}

static u64 read_char(void)
{
    u8 c;
    return read(0, &c, 1) == 1 ? c : result(-1);
}

u64 semihosting_call(struct vcpu *cpu, u32 op, u64 param)
{
    char c;
    switch (op) {
    case SYS_OPEN:
        return file_open(cpu, param);
    case SYS_CLOSE:
        return file_close(arg(cpu, param, 0));
    case SYS_WRITEC:
        cpu->sv->load(cpu, param, &c, 1, 0);
        console_write(&c, 1);
        return 0;
    case SYS_WRITE0:
        write_string(cpu, param);
        return 0;
    case SYS_WRITE:
        return file_write(cpu, param);
    case SYS_READ:
        return file_read(cpu, param);
    case SYS_READC:
        return read_char();
    case SYS_ISERROR:
        return (i64)arg(cpu, param, 0) < 0;
    case SYS_ISTTY: {
        u64 h = arg(cpu, param, 0);
        return handle_ok(h) ? !semi.f[h].is_features && isatty(semi.f[h].fd) : result(-1);
    }
    case SYS_SEEK:
        return file_seek(arg(cpu, param, 0), arg(cpu, param, 1));
    case SYS_FLEN:
        return file_length(arg(cpu, param, 0));
    case SYS_TMPNAM:
        return temp_name(cpu, param);
    case SYS_REMOVE:
        return two_paths(cpu, param, false);
    case SYS_RENAME:
        return two_paths(cpu, param, true);
    case SYS_CLOCK:
        return clock_now(CLOCK_VIRTUAL) / 10000000;
    case SYS_TIME:
        return clock_now(CLOCK_WALL) / 1000000000;
    case SYS_ERRNO:
        return (u64)semi.last_errno;
    case SYS_GET_CMDLINE:
        return get_cmdline(cpu, param);
    case SYS_HEAPINFO: { /* zeros: the guest's linker script decides */
        u64 block = arg(cpu, param, 0);
        for (unsigned i = 0; i < 4; i++) {
            arg_put(cpu, block, i, 0);
        }
        return 0;
    }
    case SYS_EXIT:
    case SYS_EXIT_EXTENDED:
        exit_guest(cpu, param, op == SYS_EXIT_EXTENDED);
        return 0;
    case SYS_ELAPSED:
        arg_put(cpu, param, 0, clock_now(CLOCK_VIRTUAL));
        return 0;
    case SYS_TICKFREQ:
        return 1000000000;
    default:
        unimp("semihosting", "call 0x%x", op);
        return FAILED;
    }
}

bool semihosting_init(const struct config *c, struct err *e)
{
    semi.on = c->semihosting;
    struct buf line = {0};
    for (size_t i = 0; i < c->semi.n; i++) {
        struct opts o = {0};
        bool ok = opts_parse(&o, c->semi.v[i], "enable", e) && opts_bool(&o, "enable", &semi.on, e);
        const char *id = ok ? opts_str(&o, "chardev", NULL) : NULL, *a;
        size_t iter = 0;
        opts_ignore(&o, "target,userspace");
        while (ok && (a = opts_next(&o, "arg", &iter))) {
            buf_printf(&line, "%s%s", line.len ? " " : "", a);
        }
        if (id && !(semi.console = chardev_find(id))) {
            ok = err_set(e, "there is no chardev '%s'", id);
        }
        ok = ok && opts_all_used(&o, "-semihosting-config", NULL, e);
        opts_free(&o);
        if (!ok) {
            return false;
        }
    }
    if (line.len) {
        semi.cmdline = (char *)line.data;
    } else if (c->kernel) {
        must(asprintf(&semi.cmdline, "%s%s%s", c->kernel, c->append ? " " : "", c->append ? c->append : "") >= 0);
    }
    return true;
}

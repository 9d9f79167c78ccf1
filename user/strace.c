/* -strace: "PID name(arguments) = result" from the syscall table's argument letters. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/log.h"
#include "user/convert.h"
#include "user/syscall.h"

struct bit_name {
    u64 bits;
    const char *name;
};
#define B(x) \
    { \
        (u64)(u32)(x), #x \
    }
static const struct bit_name open_bits[] = {
    B(O_WRONLY), B(O_RDWR),   B(O_CREAT),     B(O_EXCL),     B(O_NOCTTY),  B(O_TRUNC),   B(O_APPEND), B(O_NONBLOCK),
    B(O_DSYNC),  B(O_DIRECT), B(O_DIRECTORY), B(O_NOFOLLOW), B(O_NOATIME), B(O_CLOEXEC), B(O_PATH),   {0},
};
static const struct bit_name prot_bits[] = {B(PROT_READ), B(PROT_WRITE), B(PROT_EXEC), {0}};
/* The generic ABI's: the host's are the same. */
static const struct bit_name map_bits[] = {
    B(MAP_SHARED),    B(MAP_PRIVATE),  B(MAP_FIXED), B(MAP_ANONYMOUS), B(MAP_GROWSDOWN),       B(MAP_LOCKED),
    B(MAP_NORESERVE), B(MAP_POPULATE), B(MAP_STACK), B(MAP_HUGETLB),   B(MAP_FIXED_NOREPLACE), {0},
};
static const struct bit_name clone_bits[] = {
    {0x100, "CLONE_VM"},
    {0x200, "CLONE_FS"},
    {0x400, "CLONE_FILES"},
    {0x800, "CLONE_SIGHAND"},
    {0x1000, "CLONE_PIDFD"},
    {0x4000, "CLONE_VFORK"},
    {0x8000, "CLONE_PARENT"},
    {0x10000, "CLONE_THREAD"},
    {0x20000, "CLONE_NEWNS"},
    {0x40000, "CLONE_SYSVSEM"},
    {0x80000, "CLONE_SETTLS"},
    {0x100000, "CLONE_PARENT_SETTID"},
    {0x200000, "CLONE_CHILD_CLEARTID"},
    {0x1000000, "CLONE_CHILD_SETTID"},
    {0x4000000, "CLONE_NEWUTS"},
    {0x8000000, "CLONE_NEWIPC"},
    {0x10000000, "CLONE_NEWUSER"},
    {0x20000000, "CLONE_NEWPID"},
    {0x40000000, "CLONE_NEWNET"},
    {0},
};

static void put_bits(struct buf *b, const struct bit_name *n, u64 v, const char *none)
{
    const char *sep = "";
    for (; n->name; n++) {
        if ((v & n->bits) == n->bits) {
            buf_printf(b, "%s%s", sep, n->name);
            v &= ~n->bits;
            sep = "|";
        }
    }
    if (v) {
        buf_printf(b, "%s%#llx", sep, (unsigned long long)v);
    } else if (!*sep) {
        buf_printf(b, "%s", none);
    }
}

static void put_quoted(struct buf *b, const u8 *p, size_t n, bool more)
{
    buf_printf(b, "\"");
    for (size_t i = 0; i < n; i++) {
        static const char from[] = "\n\t\r\"\\", to[] = "ntr\"\\";
        const char *e = p[i] ? strchr(from, p[i]) : NULL;
        if (e) {
            buf_printf(b, "\\%c", to[e - from]);
        } else if (isprint(p[i])) {
            buf_printf(b, "%c", p[i]);
        } else {
            buf_printf(b, "\\%03o", p[i]);
        }
    }
    buf_printf(b, more ? "\"..." : "\"");
}

enum { SHOWN = 64 }; /* bytes of a string or buffer */

static void put_bytes(struct buf *b, u64 va, u64 n)
{
    u8 bytes[SHOWN];
    size_t k = MIN(n, sizeof(bytes));
    if (copy_from_guest(bytes, va, k)) {
        put_quoted(b, bytes, k, n > k);
    } else {
        buf_printf(b, "%#llx", (unsigned long long)va);
    }
}

static void put_string(struct buf *b, u64 va)
{
    u8 c[256];
    size_t n = 0;
    if (!va) {
        buf_printf(b, "NULL");
        return;
    }
    while (n < sizeof(c) && copy_from_guest(&c[n], va + n, 1) && c[n]) {
        n++;
    }
    put_quoted(b, c, n, n == sizeof(c));
}

static void put_timespec(struct buf *b, u64 va)
{
    i64 ts[2];
    if (!va) {
        buf_printf(b, "NULL");
    } else if (copy_from_guest(ts, va, sizeof(ts))) {
        buf_printf(b, "{%lld,%lld}", (long long)ts[0], (long long)ts[1]);
    } else {
        buf_printf(b, "%#llx", (unsigned long long)va);
    }
}

/* Fields of a structure, from the program's form. */
static void put_layout(struct buf *b, enum layout l, u64 va)
{
    u64 host[LAYOUT_MAX / 8];
    if (!va || !get_struct(l, va, host)) {
        buf_printf(b, va ? "%#llx" : "NULL", (unsigned long long)va);
        return;
    }
    size_t n = MIN(layout_host_size(l) / 8, (size_t)4);
    buf_printf(b, "{");
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "%s%lld", i ? "," : "", (long long)host[i]);
    }
    buf_printf(b, layout_host_size(l) > 8 * n ? ",...}" : "}");
}

static void put_iovec(struct buf *b, u64 va, u64 n)
{
    struct iovec v;
    buf_printf(b, "[");
    for (u64 i = 0; i < n && i < 4 && get_struct(LAYOUT_IOVEC, va + i * struct_size(LAYOUT_IOVEC), &v); i++) {
        buf_printf(b, "%s{%#llx,%llu}", i ? "," : "", (unsigned long long)(uintptr_t)v.iov_base,
                   (unsigned long long)v.iov_len);
    }
    buf_printf(b, n > 4 ? "...]" : "]");
}

static void put_number(struct buf *b, char kind, u64 v)
{
    static const char *const whence[] = {"SEEK_SET", "SEEK_CUR", "SEEK_END", "SEEK_DATA", "SEEK_HOLE"};
    switch (kind) {
    case 'd':
    case 'f':
        buf_printf(b, "%d", (int)v);
        break;
    case 'l':
        buf_printf(b, "%lld", (long long)v);
        break;
    case 'F':
        if ((int)v == AT_FDCWD) {
            buf_printf(b, "AT_FDCWD");
        } else {
            buf_printf(b, "%d", (int)v);
        }
        break;
    case 'u':
        buf_printf(b, "%llu", (unsigned long long)v);
        break;
    case 'm':
        buf_printf(b, "%#o", (unsigned)v);
        break;
    case 'S': {
        const char *name = sigabbrev_np((int)v);
        if (name) {
            buf_printf(b, "SIG%s", name);
        } else {
            buf_printf(b, "%d", (int)v);
        }
        break;
    }
    case 'W':
        buf_printf(b, "%s", v < ARRAY_LEN(whence) ? whence[v] : "?");
        break;
    default:
        if (v == 0 && strchr("pAB", kind)) {
            buf_printf(b, "NULL");
        } else {
            buf_printf(b, "%#llx", (unsigned long long)v);
        }
    }
}

static void put_arg(struct buf *b, struct sys_arg arg, const u64 a[6], unsigned i)
{
    u64 next = i < 5 ? a[i + 1] : 0;
    char kind = arg.dir ? 'p' : arg.kind;
    if (arg.dir == '<' || arg.dir == '=') {
        put_layout(b, layout_by_letter(arg.kind), a[i]);
        return;
    }
    switch (kind) {
    case 's':
    case 't':
        put_string(b, a[i]);
        break;
    case 'b':
        put_bytes(b, a[i], next);
        break;
    case 'T':
        put_timespec(b, a[i]);
        break;
    case 'i':
        put_iovec(b, a[i], next);
        break;
    case 'O':
        put_bits(b, open_bits, (u64)(u32)open_flags_from_guest(a[i]), "O_RDONLY");
        break;
    case 'P':
        put_bits(b, prot_bits, a[i], "PROT_NONE");
        break;
    case 'M':
        put_bits(b, map_bits, a[i], "0");
        break;
    case 'C':
        put_bits(b, clone_bits, a[i] & ~(u64)0xff, "0");
        if (a[i] & 0xff) {
            buf_printf(b, "|");
            put_number(b, 'S', a[i] & 0xff);
        }
        break;
    default:
        put_number(b, kind, a[i]);
    }
}

/* The line's start is printed before the call, so that one sees what a program hangs in. */
void strace_enter(const struct sys_row *s, u64 nr, const u64 a[6])
{
    struct buf b = {0};
    if (s) {
        buf_printf(&b, "%ld %s(", syscall(SYS_gettid), s->name);
        struct sys_arg arg;
        const char *args = s->args;
        for (unsigned i = 0; i < 6 && sys_arg_next(&args, &arg); i++) {
            buf_printf(&b, "%s", i ? "," : "");
            put_arg(&b, arg, a, i);
        }
        buf_printf(&b, ")");
    } else {
        buf_printf(&b, "%ld syscall_%llu(%#llx,%#llx,%#llx,%#llx,%#llx,%#llx)", syscall(SYS_gettid),
                   (unsigned long long)nr, (unsigned long long)a[0], (unsigned long long)a[1], (unsigned long long)a[2],
                   (unsigned long long)a[3], (unsigned long long)a[4], (unsigned long long)a[5]);
    }
    log_print("%s", (char *)b.data);
    buf_free(&b);
}

void strace_leave(const struct sys_row *s, const u64 a[6], i64 ret)
{
    if (ret <= -ERESTARTSYS && ret >= -ERESTARTNOHAND) {
        log_print(" = ? (interrupted, to be restarted)\n");
    } else if (ret == -ENORESULT) {
        log_print(" = ?\n");
    } else if (ret < 0 && ret >= -4095) {
        log_print(" = -1 errno=%lld (%s)\n", -(long long)ret, strerror((int)-ret));
    } else {
        struct buf b = {0};
        struct sys_arg arg;
        const char *args = s ? s->args : "";
        for (unsigned i = 0; i < 6 && sys_arg_next(&args, &arg); i++) {
            if (arg.kind == 'B' && !arg.dir) {
                put_bytes(&b, a[i], (u64)ret);
            }
        }
        const char *hex = ret > 0xffff || ret < 0 ? "0x%llx" : "%lld";
        char text[32];
        snprintf(text, sizeof(text), hex[0] == '0' ? "0x%llx" : "%llu", (unsigned long long)ret);
        log_print(" = %s%s%s\n", text, b.len ? " " : "", b.len ? (char *)b.data : "");
        buf_free(&b);
    }
}

void strace_signal(const siginfo_t *si)
{
    int sig = si->si_signo;
    log_print("%ld --- SIG%s {si_signo=%d, si_code=%d, ", syscall(SYS_gettid),
              sigabbrev_np(sig) ? sigabbrev_np(sig) : "RT", sig, si->si_code);
    if (si->si_code > 0 && sig != SIGCHLD) { /* the kernel's own: a fault's address */
        log_print("si_addr=%p} ---\n", si->si_addr);
    } else {
        log_print("si_pid=%d} ---\n", si->si_pid);
    }
}

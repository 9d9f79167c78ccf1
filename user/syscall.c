/* From a program's registers to the host's kernel and back. Most calls pass: the host's call of the same name with
 * pointers moved into the window; a program's bad pointer is the kernel's EFAULT, one outside the window ours. */
#include "user/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "user/convert.h"

/* -- a row's arguments --------------------------------------------------------------------------------------------- */

bool sys_arg_next(const char **args, struct sys_arg *arg)
{
    const char *p = *args;
    arg->dir = *p && strchr("<>=~", *p) ? *p++ : 0;
    arg->kind = *p;
    *args = *p ? p + 1 : p;
    return *p;
}

/* Registers of 32 bits into the arguments that a 64-bit kernel gets: longs with their sign, halves put together. */
static void fold_args(const char *args, const u64 in[6], u64 out[6])
{
    struct sys_arg arg;
    memset(out, 0, 6 * sizeof(out[0]));
    for (unsigned n = 0, from = 0; n < 6 && from < 6 && sys_arg_next(&args, &arg); n++) {
        if (arg.kind == 'q' || arg.kind == 'Q') {
            from += user_cfg.abi->align64 == 8 && from & 1;
            out[n] = from < 5 ? in[from] | in[from + 1] << 32 : 0;
            from += arg.kind == 'q' ? 2 : 1;
        } else {
            out[n] = arg.kind == 'l' && !arg.dir ? (u64)(i64)(i32)in[from] : in[from];
            from++;
        }
    }
}

/* -- passing ------------------------------------------------------------------------------------------------------- */

/* The argument as the host's kernel takes it; false: an address that no program has. */
static bool pass_arg(char kind, u64 v, long *out)
{
    switch (kind) {
    case 'd':
    case 'f':
    case 'F':
    case 'S':
        *out = (int)v;
        return true;
    case 'U':
        *out = (u16)v == 0xffff ? -1 : (u16)v;
        return true;
    case 'O':
        *out = open_flags_from_guest(v);
        return true;
    case 's':
    case 't':
    case 'p':
    case 'b':
    case 'B':
    case 'T':
        if (v == 0) {
            *out = 0;
            return true;
        }
        if (!user_range_ok(v, 1)) {
            return false;
        }
        *out = (long)g2h(v);
        return true;
    default:
        *out = (long)v;
        return true;
    }
}

static i64 struct_in(struct sys_arg arg, u64 va, void *host, long *out)
{
    enum layout l = layout_by_letter(arg.kind);
    *out = va ? (long)host : 0;
    if (va && (arg.dir == '<' || arg.dir == '=')) {
        return get_struct(l, va, host) ? 0 : -EFAULT;
    }
    memset(host, 0, layout_host_size(l));
    return 0;
}

/* What is left of a sleep (~) is said by an interrupted call, the rest of a timeout (=) always. */
static i64 struct_out(struct sys_arg arg, u64 va, const void *host, i64 r)
{
    bool due = arg.dir == '>' ? r >= 0 : arg.dir == '~' ? r == -EINTR : arg.dir == '=';
    bool ok = !va || !due || put_struct(layout_by_letter(arg.kind), va, host);
    return ok || arg.dir == '=' ? r : -EFAULT;
}

i64 syscall_pass(const struct sys_row *s, long host, const u64 a[6])
{
    char path[PATH_MAX];
    u64 structs[6][LAYOUT_MAX / 8];
    struct sys_arg arg;
    const char *args = s->args;
    bool any = false;
    long h[6] = {0};
    i64 r;
    for (unsigned i = 0; i < 6 && sys_arg_next(&args, &arg); i++) {
        r = 0;
        if (arg.dir) {
            r = struct_in(arg, a[i], structs[i], &h[i]);
            any = true;
        } else if (arg.kind == 't' && a[i]) {
            r = guest_path(a[i], path);
            h[i] = (long)path;
        } else {
            r = pass_arg(arg.kind, a[i], &h[i]) ? 0 : -EFAULT;
        }
        if (r < 0) {
            return r;
        }
    }
    r = safe_syscall(host, h[0], h[1], h[2], h[3], h[4], h[5]);
    args = s->args;
    for (unsigned i = 0; any && i < 6 && sys_arg_next(&args, &arg); i++) {
        r = arg.dir ? struct_out(arg, a[i], structs[i], r) : r;
    }
    return r;
}

/* Which calls start again after a signal is the kernel's to say: the host's handlers have SA_RESTART, and safe_syscall
 * turns a restart into -ERESTARTSYS. */
i64 syscall_perform(struct user_thread *t, const struct sys_row *s, u64 nr, const u64 a[6])
{
    if (s && (s->args[0] | 0x20) == 'f' && fd_is_ours((int)a[0])) {
        return -EBADF;
    }
    switch (s ? s->how : SYSCALL_UNKNOWN) {
    case SYSCALL_PASS:
        return syscall_pass(s, s->host, a);
    case SYSCALL_CALL:
        return s->fn(t, a);
    case SYSCALL_NONE:
        unimp("system call", "%s: %s", s->name, s->why);
        return -ENOSYS;
    default:
        unimp("system call", "number %llu", (unsigned long long)nr);
        return -ENOSYS;
    }
}

i64 user_syscall(struct user_thread *t, u64 nr, const u64 regs[6])
{
    const struct user_abi *abi = user_cfg.abi;
    const struct sys_row *s = nr < abi->nsyscalls && abi->syscalls[nr].name ? &abi->syscalls[nr] : NULL;
    const u64 *a = regs;
    u64 folded[6];
    if (s && abi->word == 4) {
        fold_args(s->args, regs, folded);
        a = folded;
    }
    if (unlikely(user_cfg.strace)) {
        strace_enter(s, nr, a);
    }
    i64 r = syscall_perform(t, s, nr, a);
    if (unlikely(r == -EFAULT) && abi->code_watched && mm_uncover_all()) { /* the kernel may not write there either */
        r = syscall_perform(t, s, nr, a);
    }
    if (unlikely(user_cfg.strace)) {
        strace_leave(s, a, r);
    }
    return r;
}

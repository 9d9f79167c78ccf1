/* System calls on processes: waiting, futexes, prctl, and what this machine is called. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/log.h"
#include "user/syscall.h"

/* -- waiting ------------------------------------------------------------------------------------------------------- */

i64 sys_wait4(struct user_thread *t UNUSED, const u64 a[6])
{
    int status = 0;
    struct rusage ru;
    i64 r = safe_syscall(SYS_wait4, (int)a[0], &status, (int)a[2], a[3] ? &ru : NULL);
    if (r > 0 && ((a[1] && !put_u32(a[1], (u32)status)) || (a[3] && !put_struct(LAYOUT_RUSAGE, a[3], &ru)))) {
        return -EFAULT;
    }
    return r;
}

i64 sys_waitid(struct user_thread *t UNUSED, const u64 a[6])
{
    siginfo_t si;
    struct rusage ru;
    memset(&si, 0, sizeof(si));
    i64 r = safe_syscall(SYS_waitid, a[0], a[1], a[2] ? &si : NULL, (int)a[3], a[4] ? &ru : NULL);
    if (r >= 0 &&
        ((a[2] && !user_cfg.abi->put_siginfo(a[2], &si)) || (a[4] && !put_struct(LAYOUT_RUSAGE, a[4], &ru)))) {
        return -EFAULT;
    }
    return r;
}

/* -- futex: the fourth argument is a time or a number, by operation ------------------------------------------------ */

enum { FUTEX_TIME = 1, FUTEX_TWO = 2 };
static const u8 futex_ops[] = {
    [FUTEX_WAIT] = FUTEX_TIME,
    [FUTEX_REQUEUE] = FUTEX_TWO,
    [FUTEX_CMP_REQUEUE] = FUTEX_TWO,
    [FUTEX_WAKE_OP] = FUTEX_TWO,
    [FUTEX_LOCK_PI] = FUTEX_TIME,
    [FUTEX_WAIT_BITSET] = FUTEX_TIME,
    [FUTEX_WAIT_REQUEUE_PI] = FUTEX_TIME | FUTEX_TWO,
    [FUTEX_CMP_REQUEUE_PI] = FUTEX_TWO,
    [FUTEX_LOCK_PI2] = FUTEX_TIME,
};

/* A robust lock whose owner was killed: no code of moss ran then, and the host's kernel cannot walk the program's list.
 * So who waits for one, the owner's number and FUTEX_WAITERS being the word, looks after the owner now and then. That
 * it is one is said by the waiter's own list: the C library notes there what it is about to lock. */
static bool is_robust_wait(const struct user_thread *t, const u64 a[6])
{
    unsigned w = user_cfg.abi->word;
    u64 offset, pending;
    return a[1] == FUTEX_WAIT && (u32)a[2] & FUTEX_WAITERS && (u32)a[2] & FUTEX_TID_MASK && t->robust_list &&
           get_word(t->robust_list + w, &offset) && get_word(t->robust_list + 2 * w, &pending) && pending &&
           (((pending & ~1ull) + offset) & MASK(8 * w)) == a[0];
}

static bool owner_is_gone(u32 word)
{
    char path[64], text[256];
    snprintf(path, sizeof(path), "/proc/%u/stat", word & FUTEX_TID_MASK);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT && access("/proc/self/stat", F_OK) == 0;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[MAX(n, 0)] = 0;
    const char *state = strrchr(text, ')');
    return state && (state[2] == 'Z' || state[2] == 'X');
}

static i64 robust_wait(const u64 a[6], const struct timespec *until)
{
    static const struct timespec look = {.tv_nsec = 300000000};
    u32 word = (u32)a[2], dead = FUTEX_WAITERS | FUTEX_OWNER_DIED;
    for (;;) {
        if (owner_is_gone(word)) {
            bool mine = user_cas_u32(a[0], word, dead);
            return mine ? -EAGAIN : safe_syscall(SYS_futex, g2h(a[0]), a[1], a[2], until, NULL, a[5]);
        }
        i64 r = safe_syscall(SYS_futex, g2h(a[0]), a[1], a[2], until ? until : &look, NULL, a[5]);
        if (r != -ETIMEDOUT || until) {
            return r;
        }
    }
}

static i64 futex(struct user_thread *t, const u64 a[6], enum layout time)
{
    unsigned op = (unsigned)a[1] & FUTEX_CMD_MASK, how = op < ARRAY_LEN(futex_ops) ? futex_ops[op] : 0;
    struct timespec ts;
    u64 fourth = a[3];
    if (how & FUTEX_TIME && a[3]) {
        if (!get_struct(time, a[3], &ts)) {
            return -EFAULT;
        }
        fourth = (u64)(uintptr_t)&ts;
    }
    if (!user_range_ok(a[0], 4) || (how & FUTEX_TWO && !user_range_ok(a[4], 4))) {
        return -EFAULT;
    }
    if (is_robust_wait(t, a)) {
        return robust_wait(a, a[3] ? &ts : NULL);
    }
    return safe_syscall(SYS_futex, g2h(a[0]), a[1], a[2], fourth, how & FUTEX_TWO ? g2h(a[4]) : NULL, a[5]);
}
i64 sys_futex(struct user_thread *t, const u64 a[6])
{
    return futex(t, a, LAYOUT_TIMESPEC);
}
i64 sys_futex_time64(struct user_thread *t, const u64 a[6])
{
    return futex(t, a, LAYOUT_TIMESPEC64);
}

/* -- prctl --------------------------------------------------------------------------------------------------------- */

static i64 prctl_name(const u64 a[6])
{
    char name[16];
    if (a[0] == PR_SET_NAME) {
        i64 n = guest_string(a[1], name, sizeof(name));
        name[15] = 0;
        return n == -EFAULT ? n : host_syscall(SYS_prctl, PR_SET_NAME, name);
    }
    i64 r = host_syscall(SYS_prctl, PR_GET_NAME, name);
    return r < 0 ? r : copy_to_guest(a[1], name, sizeof(name)) ? 0 : -EFAULT;
}

static i64 prctl_int_out(const u64 a[6])
{
    int v = 0;
    i64 r = host_syscall(SYS_prctl, a[0], &v);
    return r < 0 ? r : put_u32(a[1], (u32)v) ? 0 : -EFAULT;
}

/* Whether system calls ignore the top byte of pointers (Linux Documentation/arm64/tagged-address-abi.rst). */
static i64 prctl_tagged(struct user_thread *t, const u64 a[6])
{
    bool set = (int)a[0] == PR_SET_TAGGED_ADDR_CTRL;
    if (!user_cfg.abi->tag_bits || (set ? a[1] & ~(u64)PR_TAGGED_ADDR_ENABLE : a[1]) || a[2] || a[3] || a[4]) {
        return -EINVAL;
    }
    if (set) {
        t->va_mask = a[1] ? user_untag(~0ull) : ~0ull;
        return 0;
    }
    return t->va_mask != ~0ull ? PR_TAGGED_ADDR_ENABLE : 0;
}

/* The program says where its parts are. Its heap and data are moss's business on the host: with one number each they
 * cannot be set, in a whole map they count for the program's own /proc alone. */
static i64 prctl_mm_map(const u64 a[6])
{
    struct prctl_mm_map m;
    if (a[3] != sizeof(m)) {
        return -EINVAL;
    }
    if (!copy_from_guest(&m, a[2], sizeof(m))) {
        return -EFAULT;
    }
    u64 ends[] = {m.end_code, m.end_data, m.brk, m.start_stack, m.arg_end, m.env_end};
    for (unsigned i = 0; i < ARRAY_LEN(ends); i++) {
        if (!user_range_ok(ends[i], 0)) {
            return -EINVAL;
        }
    }
    if (m.start_code >= m.end_code || m.start_data > m.end_data || m.start_brk > m.brk || m.arg_start > m.arg_end ||
        m.env_start > m.env_end) {
        return -EINVAL;
    }
    if (m.auxv_size || m.exe_fd != (u32)-1) {
        unimp("prctl", "PR_SET_MM_MAP with another auxiliary vector or executable");
        return -EINVAL;
    }
    struct user_image im = user_image;
    im.start_code = m.start_code;
    im.end_code = m.end_code;
    im.start_data = m.start_data;
    im.end_data = m.end_data;
    im.stack_start = m.start_stack;
    im.arg_start = m.arg_start;
    im.arg_end = m.arg_end;
    im.env_start = m.env_start;
    im.env_end = m.env_end;
    i64 r = proc_show_map(&im);
    if (!r) {
        user_image = im;
    }
    return r;
}

static i64 prctl_mm(const u64 a[6])
{
    struct user_image *im = &user_image;
    u64 *const one[] = {[PR_SET_MM_START_CODE] = &im->start_code,   [PR_SET_MM_END_CODE] = &im->end_code,
                        [PR_SET_MM_START_STACK] = &im->stack_start, [PR_SET_MM_ARG_START] = &im->arg_start,
                        [PR_SET_MM_ARG_END] = &im->arg_end,         [PR_SET_MM_ENV_START] = &im->env_start,
                        [PR_SET_MM_ENV_END] = &im->env_end};
    u32 op = (u32)a[1];
    if (op == PR_SET_MM_MAP) {
        return prctl_mm_map(a);
    }
    if (op == PR_SET_MM_MAP_SIZE) {
        return put_u32(a[2], sizeof(struct prctl_mm_map)) ? 0 : -EFAULT;
    }
    if (op >= ARRAY_LEN(one) || !one[op]) {
        unimp("prctl", "PR_SET_MM, %u", op);
        return -EINVAL;
    }
    i64 r = user_range_ok(a[2], 1) ? host_syscall(SYS_prctl, PR_SET_MM, op, g2h(a[2]), a[3], a[4]) : -EINVAL;
    if (!r) {
        *one[op] = a[2];
    }
    return r;
}

i64 sys_prctl(struct user_thread *t, const u64 a[6])
{
    switch ((int)a[0]) {
    case PR_SET_TAGGED_ADDR_CTRL:
    case PR_GET_TAGGED_ADDR_CTRL:
        return prctl_tagged(t, a);
    case PR_SET_NAME:
    case PR_GET_NAME:
        return prctl_name(a);
    case PR_GET_PDEATHSIG:
    case PR_GET_CHILD_SUBREAPER:
        return prctl_int_out(a);
    case PR_SET_MM:
        return prctl_mm(a);
    case PR_GET_TID_ADDRESS:
        return put_word(a[1], t->clear_child_tid) ? 0 : -EFAULT;
    case PR_SET_VMA:
        return user_range_ok(a[2], a[3]) && (!a[4] || user_range_ok(a[4], 1))
                   ? host_syscall(SYS_prctl, a[0], a[1], g2h(a[2]), a[3], a[4] ? g2h(a[4]) : NULL)
                   : -EFAULT;
    case PR_SET_PDEATHSIG:
    case PR_GET_DUMPABLE:
    case PR_SET_DUMPABLE:
    case PR_GET_KEEPCAPS:
    case PR_SET_KEEPCAPS:
    case PR_GET_TIMING:
    case PR_SET_TIMING:
    case PR_CAPBSET_READ:
    case PR_CAPBSET_DROP:
    case PR_GET_SECUREBITS:
    case PR_SET_SECUREBITS:
    case PR_SET_TIMERSLACK:
    case PR_GET_TIMERSLACK:
    case PR_MCE_KILL:
    case PR_MCE_KILL_GET:
    case PR_SET_CHILD_SUBREAPER:
    case PR_SET_NO_NEW_PRIVS:
    case PR_GET_NO_NEW_PRIVS:
    case PR_SET_THP_DISABLE:
    case PR_GET_THP_DISABLE:
    case PR_CAP_AMBIENT:
    case PR_SET_IO_FLUSHER:
    case PR_GET_IO_FLUSHER:
    case PR_SET_PTRACER:
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
    case PR_GET_SPECULATION_CTRL:
    case PR_SET_SPECULATION_CTRL:
    case PR_GET_SECCOMP:
        return host_syscall(SYS_prctl, a[0], a[1], a[2], a[3], a[4]);
    default:
        unimp("prctl", "option %d", (int)a[0]);
        return -EINVAL;
    }
}

/* -- names --------------------------------------------------------------------------------------------------------- */

i64 sys_personality(struct user_thread *t UNUSED, const u64 a[6])
{
    return host_syscall(SYS_personality, (u32)a[0]);
}

/* The kernel's new_utsname is glibc's with the GNU extension: six fields of 65 bytes. */
i64 sys_uname(struct user_thread *t UNUSED, const u64 a[6])
{
    struct utsname u;
    if (uname(&u) < 0) {
        return -errno;
    }
    snprintf(u.machine, sizeof(u.machine), "%s", user_cfg.abi->machine);
    if (user_cfg.uname_release) {
        snprintf(u.release, sizeof(u.release), "%s", user_cfg.uname_release);
    }
    return copy_to_guest(a[0], &u, sizeof(u)) ? 0 : -EFAULT;
}

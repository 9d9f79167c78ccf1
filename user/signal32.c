/* Structures of signals where longs have 32 bits. The members of siginfo's union are told apart as Linux does it, by
 * signal and code.
 *
 * SPEC: Linux include/linux/compat.h (compat_siginfo, compat_sigaction), kernel/signal.c: siginfo_layout(). */
#include "user/signal32.h"

#include <string.h>

#include "base/bits.h"

struct siginfo32 {
    i32 signo, err, code;
    union {
        struct {
            i32 pid, uid;
            u32 value; /* of a signal that was queued */
        } sent;
        struct {
            i32 id, overrun;
            u32 value;
        } timer;
        struct {
            i32 pid, uid, status, utime, stime;
        } child;
        struct {
            u32 addr;
            i16 lsb;
            u16 pad;
            u32 lower, upper;
        } fault;
        struct {
            i32 band, fd;
        } poll;
        struct {
            u32 call_addr;
            i32 nr;
            u32 arch;
        } sys;
        u8 all[116];
    };
};
_Static_assert(sizeof(struct siginfo32) == 128, "as the kernel has it");

enum kind { KIND_SENT, KIND_QUEUED, KIND_TIMER, KIND_POLL, KIND_FAULT, KIND_CHILD, KIND_SYS };

static enum kind kind_of(int sig, int code)
{
    if (code > SI_USER && code < SI_KERNEL) {
        switch (sig) {
        case SIGILL:
        case SIGFPE:
        case SIGSEGV:
        case SIGBUS:
        case SIGTRAP:
            return KIND_FAULT;
        case SIGCHLD:
            return KIND_CHILD;
        case SIGSYS:
            return KIND_SYS;
        default:
            return code <= POLL_HUP ? KIND_POLL : KIND_SENT;
        }
    }
    return code == SI_TIMER ? KIND_TIMER : code == SI_SIGIO ? KIND_POLL : code < 0 ? KIND_QUEUED : KIND_SENT;
}

bool siginfo32_put(u64 va, const siginfo_t *si)
{
    struct siginfo32 g = {.signo = si->si_signo, .err = si->si_errno, .code = si->si_code};
    switch (kind_of(si->si_signo, si->si_code)) {
    case KIND_QUEUED:
        g.sent.value = (u32)(uintptr_t)si->si_value.sival_ptr;
        /* fall through */
    case KIND_SENT:
        g.sent.pid = si->si_pid;
        g.sent.uid = (i32)si->si_uid;
        break;
    case KIND_TIMER:
        g.timer.id = si->si_timerid;
        g.timer.overrun = si->si_overrun;
        g.timer.value = (u32)(uintptr_t)si->si_value.sival_ptr;
        break;
    case KIND_POLL:
        g.poll.band = (i32)si->si_band;
        g.poll.fd = si->si_fd;
        break;
    case KIND_FAULT:
        g.fault.addr = (u32)(uintptr_t)si->si_addr;
        g.fault.lsb = si->si_addr_lsb;
        break;
    case KIND_CHILD:
        g.child.pid = si->si_pid;
        g.child.uid = (i32)si->si_uid;
        g.child.status = si->si_status;
        g.child.utime = (i32)si->si_utime;
        g.child.stime = (i32)si->si_stime;
        break;
    case KIND_SYS:
        g.sys.call_addr = (u32)(uintptr_t)si->si_call_addr;
        g.sys.nr = si->si_syscall;
        g.sys.arch = si->si_arch;
        break;
    }
    return copy_to_guest(va, &g, sizeof(g));
}

bool siginfo32_get(u64 va, siginfo_t *si)
{
    struct siginfo32 g;
    if (!copy_from_guest(&g, va, sizeof(g))) {
        return false;
    }
    memset(si, 0, sizeof(*si));
    si->si_signo = g.signo;
    si->si_errno = g.err;
    si->si_code = g.code;
    switch (kind_of(g.signo, g.code)) {
    case KIND_TIMER:
        si->si_timerid = g.timer.id;
        si->si_overrun = g.timer.overrun;
        si->si_value.sival_ptr = (void *)(uintptr_t)g.timer.value; // NOLINT: the program's number
        break;
    case KIND_POLL:
        si->si_band = g.poll.band;
        si->si_fd = g.poll.fd;
        break;
    case KIND_FAULT:
        si->si_addr = (void *)(uintptr_t)g.fault.addr; // NOLINT: the program's number
        break;
    case KIND_CHILD:
        si->si_pid = g.child.pid;
        si->si_uid = (uid_t)g.child.uid;
        si->si_status = g.child.status;
        si->si_utime = g.child.utime;
        si->si_stime = g.child.stime;
        break;
    default:
        si->si_pid = g.sent.pid;
        si->si_uid = (uid_t)g.sent.uid;
        si->si_value.sival_ptr = (void *)(uintptr_t)g.sent.value; // NOLINT: the program's number
        break;
    }
    return true;
}

/* -- struct sigaction: handler, flags, restorer, and a mask of two words ------------------------------------------- */

bool sigaction32_get(u64 va, struct user_sigaction *act)
{
    u32 v[5];
    if (!copy_from_guest(v, va, sizeof(v))) {
        return false;
    }
    *act = (struct user_sigaction){v[0], v[1], v[2], v[3] | (u64)v[4] << 32};
    return true;
}
bool sigaction32_put(u64 va, const struct user_sigaction *act)
{
    const u32 v[5] = {(u32)act->handler, (u32)act->flags, (u32)act->restorer, (u32)act->mask, (u32)(act->mask >> 32)};
    return copy_to_guest(va, v, sizeof(v));
}

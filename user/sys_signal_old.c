/* The system calls on signals from when there were 32 of them: a set is one word, and touches no others.
 *
 * SPEC: sigaction(2), sigprocmask(2), signal(2), sgetmask(2); Linux kernel/signal.c. */
#include <sys/syscall.h>

#include "user/syscall.h"

#define OLD_SIGNALS 0xffffffffull

i64 sys_sigaction(struct user_thread *t, const u64 a[6])
{
    const unsigned w = user_cfg.abi->word;
    struct user_sigaction act, old;
    int sig = (int)a[0];
    if (sig < 1 || sig > USER_SIGNALS || (a[1] && (sig == SIGKILL || sig == SIGSTOP))) {
        return -EINVAL;
    }
    if (a[1] && (!get_word(a[1], &act.handler) || !get_word(a[1] + w, &act.mask) ||
                 !get_word(a[1] + 2 * w, &act.flags) || !get_word(a[1] + 3 * w, &act.restorer))) {
        return -EFAULT;
    }
    if (signal_block_all(t)) {
        return -ERESTARTNOINTR;
    }
    signal_action(t, sig, a[1] ? &act : NULL, &old);
    signal_set_mask(t, t->mask);
    bool ok = !a[2] || (put_word(a[2], old.handler) && put_word(a[2] + w, old.mask) &&
                        put_word(a[2] + 2 * w, old.flags) && put_word(a[2] + 3 * w, old.restorer));
    return ok ? 0 : -EFAULT;
}

i64 sys_signal(struct user_thread *t, const u64 a[6])
{
    struct user_sigaction act = {.handler = a[1], .flags = SA_RESETHAND | SA_NODEFER}, old;
    int sig = (int)a[0];
    if (sig < 1 || sig > USER_SIGNALS || sig == SIGKILL || sig == SIGSTOP) {
        return -EINVAL;
    }
    if (signal_block_all(t)) {
        return -ERESTARTNOINTR;
    }
    signal_action(t, sig, &act, &old);
    signal_set_mask(t, t->mask);
    return (i64)old.handler;
}

static i64 change_mask(struct user_thread *t, user_sigset mask)
{
    if (signal_block_all(t)) {
        return -ERESTARTNOINTR;
    }
    signal_set_mask(t, mask);
    return 0;
}

i64 sys_sigprocmask(struct user_thread *t, const u64 a[6])
{
    user_sigset old = t->mask, set = 0;
    i64 r = 0;
    if (a[1]) {
        if (!get_word(a[1], &set)) {
            return -EFAULT;
        }
        switch ((int)a[0]) {
        case SIG_BLOCK:
            set = old | set;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            set |= old & ~OLD_SIGNALS;
            break;
        default:
            return -EINVAL;
        }
        r = change_mask(t, set);
    }
    return r < 0 ? r : a[2] && !put_word(a[2], old) ? -EFAULT : 0;
}

i64 sys_sgetmask(struct user_thread *t, const u64 a[6] UNUSED)
{
    return (i64)(t->mask & OLD_SIGNALS);
}
i64 sys_ssetmask(struct user_thread *t, const u64 a[6])
{
    user_sigset old = t->mask;
    i64 r = change_mask(t, a[0] & OLD_SIGNALS);
    return r < 0 ? r : (i64)(old & OLD_SIGNALS);
}

i64 sys_sigpending(struct user_thread *t, const u64 a[6])
{
    return sys_rt_sigpending(t, (const u64[6]){a[0], user_cfg.abi->word});
}

/* Two arguments are history. */
i64 sys_sigsuspend(struct user_thread *t UNUSED, const u64 a[6])
{
    user_sigset set = signal_host_mask(a[2] & OLD_SIGNALS);
    return safe_syscall(SYS_rt_sigsuspend, &set, sizeof(set));
}

i64 sys_sigreturn(struct user_thread *t, const u64 a[6] UNUSED)
{
    return signal_return_by(t, user_cfg.abi->pop_old_frame);
}

/* The system calls on signals. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/clone.h"
#include "user/syscall.h"

bool get_sigset(u64 va, u64 size, user_sigset *set)
{
    return size == sizeof(*set) && get_u64(va, set);
}

i64 sys_rt_sigaction(struct user_thread *t, const u64 a[6])
{
    const struct user_abi *abi = user_cfg.abi;
    struct user_sigaction act, old;
    int sig = (int)a[0];
    if (a[3] != sizeof(user_sigset) || sig < 1 || sig > USER_SIGNALS || (a[1] && (sig == SIGKILL || sig == SIGSTOP))) {
        return -EINVAL;
    }
    if (a[1] && !abi->get_sigaction(a[1], &act)) {
        return -EFAULT;
    }
    if (signal_block_all(t)) {
        return -ERESTARTNOINTR;
    }
    signal_action(t, sig, a[1] ? &act : NULL, &old);
    signal_set_mask(t, t->mask);
    return a[2] && !abi->put_sigaction(a[2], &old) ? -EFAULT : 0;
}

i64 sys_rt_sigprocmask(struct user_thread *t, const u64 a[6])
{
    user_sigset set = 0, old = t->mask;
    if (a[3] != sizeof(set)) {
        return -EINVAL;
    }
    if (a[1]) {
        if (!get_u64(a[1], &set)) {
            return -EFAULT;
        }
        if (a[0] > SIG_SETMASK) {
            return -EINVAL;
        }
        if (signal_block_all(t)) {
            return -ERESTARTNOINTR;
        }
        signal_set_mask(t, a[0] == SIG_BLOCK ? old | set : a[0] == SIG_UNBLOCK ? old & ~set : set);
    }
    return a[2] && !put_u64(a[2], old) ? -EFAULT : 0;
}

i64 signal_return_by(struct user_thread *t, bool (*pop)(struct user_thread *t, user_sigset *mask))
{
    user_sigset mask;
    signal_block_all(t);
    if (!pop(t, &mask)) {
        siginfo_t bad = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};
        signal_force(t, &bad);
        return -ENORESULT;
    }
    signal_set_mask(t, mask);
    return -ENORESULT;
}

i64 sys_rt_sigreturn(struct user_thread *t, const u64 a[6] UNUSED)
{
    return signal_return_by(t, user_cfg.abi->pop_frame);
}

i64 sys_rt_sigpending(struct user_thread *t, const u64 a[6])
{
    user_sigset set = 0;
    if (a[1] > sizeof(set)) {
        return -EINVAL;
    }
    i64 r = host_syscall(SYS_rt_sigpending, &set, sizeof(set));
    set |= t->queued[QUEUE_SEGV].si_signo ? SIGBIT(SIGSEGV) : 0;
    set |= t->queued[QUEUE_BUS].si_signo ? SIGBIT(SIGBUS) : 0;
    return r < 0 ? r : copy_to_guest(a[0], &set, a[1]) ? 0 : -EFAULT;
}

i64 sys_rt_sigsuspend(struct user_thread *t UNUSED, const u64 a[6])
{
    user_sigset set;
    if (a[1] != sizeof(set)) {
        return -EINVAL;
    }
    if (!get_u64(a[0], &set)) {
        return -EFAULT;
    }
    set = signal_host_mask(set);
    return safe_syscall(SYS_rt_sigsuspend, &set, sizeof(set));
}

static i64 wait_signal(const u64 a[6], enum layout time)
{
    user_sigset set;
    struct timespec ts;
    siginfo_t si;
    if (a[3] != sizeof(set)) {
        return -EINVAL;
    }
    if (!get_u64(a[0], &set) || (a[2] && !get_struct(time, a[2], &ts))) {
        return -EFAULT;
    }
    i64 r = safe_syscall(SYS_rt_sigtimedwait, &set, &si, a[2] ? &ts : NULL, sizeof(set));
    return r > 0 && a[1] && !user_cfg.abi->put_siginfo(a[1], &si) ? -EFAULT : r;
}
i64 sys_rt_sigtimedwait(struct user_thread *t UNUSED, const u64 a[6])
{
    return wait_signal(a, LAYOUT_TIMESPEC);
}
i64 sys_rt_sigtimedwait_time64(struct user_thread *t UNUSED, const u64 a[6])
{
    return wait_signal(a, LAYOUT_TIMESPEC64);
}

i64 sys_rt_sigqueueinfo(struct user_thread *t UNUSED, const u64 a[6])
{
    siginfo_t si;
    i64 r;
    if (!user_cfg.abi->get_siginfo(a[2], &si)) {
        return -EFAULT;
    }
    return clone_kill((int)a[0], (int)a[1], &r) ? r : host_syscall(SYS_rt_sigqueueinfo, a[0], a[1], &si);
}

i64 sys_rt_tgsigqueueinfo(struct user_thread *t UNUSED, const u64 a[6])
{
    siginfo_t si;
    return user_cfg.abi->get_siginfo(a[3], &si) ? host_syscall(SYS_rt_tgsigqueueinfo, a[0], a[1], a[2], &si) : -EFAULT;
}

/* stack_t: a pointer, a u32, a size, each aligned to a word. */
static bool get_stack(u64 va, u64 *sp, u32 *flags, u64 *size)
{
    unsigned w = user_cfg.abi->word;
    return get_word(va, sp) && get_u32(va + w, flags) && get_word(va + 2 * w, size);
}
static bool put_stack(u64 va, u64 sp, u32 flags, u64 size)
{
    unsigned w = user_cfg.abi->word;
    return put_word(va, sp) && put_word(va + w, flags) && put_word(va + 2 * w, size);
}

i64 sys_sigaltstack(struct user_thread *t, const u64 a[6])
{
    u64 sp = t->altstack_sp, size = t->altstack_size, new_sp, new_size;
    u32 flags = signal_stack_flags(t), new_flags;
    if (a[0]) {
        if (!get_stack(a[0], &new_sp, &new_flags, &new_size)) {
            return -EFAULT;
        }
        if (flags == SS_ONSTACK) {
            return -EPERM;
        }
        u32 mode = new_flags & ~(u32)SS_AUTODISARM;
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) {
            return -EINVAL;
        }
        if (mode == SS_DISABLE) {
            new_sp = new_size = 0;
        } else if (new_size < user_cfg.abi->min_sigstack) {
            return -ENOMEM;
        }
        t->altstack_sp = new_sp;
        t->altstack_size = new_size;
        t->altstack_flags = mode == SS_DISABLE ? SS_DISABLE : new_flags & SS_AUTODISARM;
    }
    return a[1] && !put_stack(a[1], sp, flags, size) ? -EFAULT : 0;
}

i64 sys_kill(struct user_thread *t UNUSED, const u64 a[6])
{
    i64 r;
    return clone_kill((int)a[0], (int)a[1], &r) ? r : host_syscall(SYS_kill, (int)a[0], (int)a[1]);
}
i64 sys_tkill(struct user_thread *t UNUSED, const u64 a[6])
{
    i64 r;
    return clone_kill((int)a[0], (int)a[1], &r) ? r : host_syscall(SYS_tkill, (int)a[0], (int)a[1]);
}
i64 sys_tgkill(struct user_thread *t UNUSED, const u64 a[6])
{
    i64 r;
    return clone_kill((int)a[0], (int)a[2], &r) ? r : host_syscall(SYS_tgkill, (int)a[0], (int)a[1], (int)a[2]);
}

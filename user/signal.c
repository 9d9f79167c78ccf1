/* Signals. The host's kernel keeps what is pending and chooses the thread: a thread's mask on the host is the program's
 * (but for SIGSEGV and SIGBUS, by which the host also refuses accesses), and a signal without a handler has the same
 * disposition on the host, so that its default action is the kernel's. A handled one reaches on_signal(), which only
 * notes it and blocks the rest; user_loop() delivers it between two instructions of the program.
 *
 * SPEC: signal(7), sigaltstack(2), the kernel's get_signal() and handle_signal(). */
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/syscall.h"

#define FAULT_SIGNALS (SIGBIT(SIGSEGV) | SIGBIT(SIGBUS))
#define UNBLOCKABLE   (SIGBIT(SIGKILL) | SIGBIT(SIGSTOP))
#define STACK_SIZE    65536
#define CODE_POKE     (-0x6d73) /* si_code of a SIGBUS that is for the loop alone */

/* The kernel's own structure: glibc's calls refuse signals 32 and 33, which a program's C library uses. */
struct host_sigaction {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    user_sigset mask;
};
void signal_return(void);
#if defined(__x86_64__)
#define HOST_RESTORER 0x04000000u
__asm__(".text\nsignal_return:\n    mov $15, %eax\n    syscall\n");
#else /* the kernel's own */
#define HOST_RESTORER 0u
void signal_return(void)
{
}
#endif

static void host_action(int sig, void *handler, u64 flags)
{
    struct host_sigaction sa = {.handler = handler, .flags = flags | HOST_RESTORER, .restorer = signal_return};
    sa.mask = ~FAULT_SIGNALS;
    must(syscall(SYS_rt_sigaction, sig, &sa, NULL, 8) == 0 || sig == SIGKILL || sig == SIGSTOP);
}

static void host_mask(user_sigset set)
{
    must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8) == 0);
}

user_sigset signal_host_mask(user_sigset mask)
{
    return mask & ~FAULT_SIGNALS;
}

/* -- the host's handler -------------------------------------------------------------------------------------------- */

static void moss_crashed(int sig, const siginfo_t *si)
{
    char text[128];
    int n = snprintf(text, sizeof(text), "moss: internal fault, signal %d at %p\n", sig, si->si_addr);
    if (write(2, text, (size_t)n) < 0) {
        _exit(128 + sig);
    }
    host_action(sig, SIG_DFL, 0); /* the instruction comes again */
}

/* Did an instruction make it? A positive si_code is not enough: children may end with any signal (clone), descriptors
 * may announce input by any (F_SETSIG), and a thread may send itself what it likes. */
static bool is_fault(const siginfo_t *si, const ucontext_t *uc)
{
    if (si->si_code <= 0) {
        return false;
    }
#if defined(__x86_64__)
    enum { STACK_FAULT = 12, GENERAL_PROTECTION = 13, PAGE_FAULT = 14, ALIGNMENT = 17 };
    const greg_t *r = uc->uc_mcontext.gregs; /* of the last fault, which this need not be */
    switch (r[REG_TRAPNO]) {
    case PAGE_FAULT:
        return (u64)r[REG_CR2] == (u64)(uintptr_t)si->si_addr;
    case STACK_FAULT:
    case GENERAL_PROTECTION:
        return si->si_code == SI_KERNEL;
    default:
        return r[REG_TRAPNO] == ALIGNMENT && si->si_code == BUS_ADRALN;
    }
#elif defined(__aarch64__)
    return uc->uc_mcontext.fault_address == (u64)(uintptr_t)si->si_addr;
#else
    (void)uc;
    return true;
#endif
}

static void wake_loop(struct user_thread *t)
{
    t->pending = 1;
    __atomic_fetch_or(&t->cpu->rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
}

static void on_signal(int sig, siginfo_t *si, void *ucontext)
{
    int saved = errno;
    struct user_thread *t = self;
    ucontext_t *uc = ucontext;
    unsigned slot = sig == SIGSEGV ? QUEUE_SEGV : sig == SIGBUS ? QUEUE_BUS : QUEUE_ANY;
    if (slot != QUEUE_ANY && is_fault(si, uc)) {
        if (t && t->guarded) {
            if (accel_tcg_user.host_fault(t->cpu, sig, si, ucontext)) {
                return;
            }
            user_sigset before; /* else what this handler blocks would stay so */
            memcpy(&before, &uc->uc_sigmask, sizeof(before));
            host_mask(before);
            siglongjmp(t->guard, 1);
        }
        if (!t || !accel_tcg_user.host_fault(t->cpu, sig, si, ucontext)) {
            moss_crashed(sig, si);
        }
        return;
    }
    if (!t) {
        return;
    }
    if (t->must_raise && si->si_code == CODE_POKE) {
        wake_loop(t);
        safe_syscall_rewind(ucontext);
        errno = saved;
        return;
    }
    memcpy(&t->queued[slot], si, sizeof(*si));
    if (slot == QUEUE_ANY) {
        user_sigset all = ~FAULT_SIGNALS;
        memcpy(&uc->uc_sigmask, &all, sizeof(all));
    } else if (t->mask & SIGBIT(sig)) {
        return;
    }
    wake_loop(t);
    safe_syscall_rewind(ucontext);
    errno = saved;
}

static bool default_ignores(int sig)
{
    return sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH;
}

/* Must default actions wait for the loop? One that comes anywhere could leave locks of moss taken in shared memory. */
static bool defers_defaults(void)
{
    return self->vforked || self->process->shares || self->process->shared;
}

/* The program's disposition, on the host. */
static void install(int sig, const struct user_sigaction *act)
{
    const u64 flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER;
    bool handled = act->handler > 1 || FAULT_SIGNALS & SIGBIT(sig) ||
                   (act->handler == 0 && !default_ignores(sig) && defers_defaults());
    host_action(sig, handled ? (void *)on_signal : (void *)(uintptr_t)act->handler,
                (handled ? flags : 0) | (act->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT)));
}

/* -- set-up -------------------------------------------------------------------------------------------------------- */

void signal_init(void)
{
    struct user_sighand *h = calloc(1, sizeof(*h));
    must(h);
    safe_syscall_init();
    pthread_mutex_init(&h->lock, NULL);
    for (int sig = 1; sig <= USER_SIGNALS; sig++) {
        struct host_sigaction sa = {0};
        if (syscall(SYS_rt_sigaction, sig, NULL, &sa, 8) == 0 && sa.handler == SIG_IGN) {
            h->act[sig].handler = 1;
        }
    }
    self->sighand = h;
    must(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &self->mask, 8) == 0);
    install(SIGSEGV, &h->act[SIGSEGV]);
    install(SIGBUS, &h->act[SIGBUS]);
    host_mask(signal_host_mask(self->mask));
}

void signal_thread_init(struct user_thread *t)
{
    t->host_stack = malloc(STACK_SIZE);
    must(t->host_stack);
    stack_t ss = {.ss_sp = t->host_stack, .ss_size = STACK_SIZE};
    must(sigaltstack(&ss, NULL) == 0);
}

/* With all signals blocked. */
void signal_thread_end(struct user_thread *t)
{
    stack_t ss = {.ss_flags = SS_DISABLE};
    sigaltstack(&ss, NULL);
    free(t->host_stack);
    t->host_stack = NULL;
}

/* -- masks --------------------------------------------------------------------------------------------------------- */

static void look_again(struct user_thread *t)
{
    bool any = t->queued[QUEUE_ANY].si_signo || (t->queued[QUEUE_SEGV].si_signo && !(t->mask & SIGBIT(SIGSEGV))) ||
               (t->queued[QUEUE_BUS].si_signo && !(t->mask & SIGBIT(SIGBUS)));
    t->pending = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (any || t->must_raise) {
        wake_loop(t);
    }
}

bool signal_block_all(struct user_thread *t)
{
    host_mask(~FAULT_SIGNALS);
    return t->pending;
}

void signal_set_mask(struct user_thread *t, user_sigset mask)
{
    t->mask = mask & ~UNBLOCKABLE;
    look_again(t);
    if (!t->queued[QUEUE_ANY].si_signo) { /* else the loop does it */
        host_mask(signal_host_mask(t->mask));
    }
}

/* -- delivery ------------------------------------------------------------------------------------------------------ */

NORETURN void signal_die(int sig)
{
    struct rlimit none = {0};
    fflush(NULL);
    getrlimit(RLIMIT_CORE, &none);
    none.rlim_cur = 0; /* it would be of moss, not of the program */
    setrlimit(RLIMIT_CORE, &none);
    host_action(sig, SIG_DFL, 0);
    user_sigset all_but = ~SIGBIT(sig);
    host_mask(all_but);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
    for (;;) { /* a signal whose default action is not to end: never asked for */
        _exit(128 + sig);
    }
}

static bool default_stops(int sig)
{
    return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void default_action(int sig)
{
    if (default_ignores(sig)) {
        return;
    }
    if (default_stops(sig)) {
        host_mask(~FAULT_SIGNALS & ~SIGBIT(sig));
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), sig);
        host_mask(~FAULT_SIGNALS);
        return;
    }
    signal_die(sig);
}

/* A system call that was interrupted, now that a handler runs. */
static void settle_syscall(struct user_thread *t, u64 flags)
{
    const struct user_abi *abi = user_cfg.abi;
    if (!t->in_syscall) {
        return;
    }
    t->in_syscall = false;
    if (t->result == -ERESTARTNOHAND || (t->result == -ERESTARTSYS && !(flags & SA_RESTART))) {
        abi->set_result(t->cpu, -EINTR);
    } else {
        abi->restart(t->cpu, t->syscall_args);
    }
}

static bool on_altstack(const struct user_thread *t, u64 sp)
{
    return !(t->altstack_flags & SS_DISABLE) && sp > t->altstack_sp && sp - t->altstack_sp <= t->altstack_size;
}

u32 signal_stack_flags(const struct user_thread *t)
{
    if (t->altstack_flags & SS_DISABLE) {
        return SS_DISABLE;
    }
    return on_altstack(t, user_cfg.abi->sp(t->cpu)) && !(t->altstack_flags & SS_AUTODISARM)
               ? SS_ONSTACK
               : t->altstack_flags & SS_AUTODISARM;
}

/* All blocked on the host. */
static void run_handler(struct user_thread *t, const siginfo_t *si, const struct user_sigaction *act)
{
    const struct user_abi *abi = user_cfg.abi;
    int sig = si->si_signo;
    settle_syscall(t, act->flags);
    u64 sp = abi->sp(t->cpu);
    if ((act->flags & SA_ONSTACK) && !(t->altstack_flags & SS_DISABLE) &&
        ((t->altstack_flags & SS_AUTODISARM) || !on_altstack(t, sp))) {
        sp = t->altstack_sp + t->altstack_size;
    }
    if (!abi->push_frame(t, sig, si, act, t->mask, sp)) {
        if (sig == SIGSEGV) {
            signal_die(SIGSEGV);
        }
        siginfo_t bad = {.si_signo = SIGSEGV, .si_code = SI_KERNEL};
        signal_force(t, &bad);
        return;
    }
    if (t->altstack_flags & SS_AUTODISARM) {
        t->altstack_flags = SS_DISABLE;
        t->altstack_sp = t->altstack_size = 0;
    }
    t->mask |= act->mask | (act->flags & SA_NODEFER ? 0 : SIGBIT(sig));
    t->mask &= ~UNBLOCKABLE;
}

static struct user_sigaction take_action(struct user_thread *t, int sig)
{
    struct user_sighand *h = t->sighand;
    pthread_mutex_lock(&h->lock);
    struct user_sigaction act = h->act[sig];
    if (act.handler > 1 && act.flags & SA_RESETHAND) {
        h->act[sig].handler = 0;
        install(sig, &h->act[sig]);
    }
    pthread_mutex_unlock(&h->lock);
    return act;
}

static void deliver_one(struct user_thread *t, const siginfo_t *si)
{
    struct user_sigaction act = take_action(t, si->si_signo);
    if (user_cfg.strace) {
        strace_signal(si);
    }
    if (act.handler > 1) {
        run_handler(t, si, &act);
    } else if (act.handler == 0) {
        default_action(si->si_signo);
    }
}

i64 signal_raise_between(struct user_thread *t, int pid, int sig)
{
    siginfo_t poke = {.si_signo = SIGBUS, .si_code = CODE_POKE};
    t->must_raise = sig;
    return host_syscall(SYS_rt_tgsigqueueinfo, pid, t->tid, SIGBUS, &poke);
}

static void raise_asked(struct user_thread *t)
{
    int sig = t->must_raise;
    t->stopped = sig == SIGSTOP;
    t->must_raise = 0;
    syscall(SYS_kill, getpid(), sig);
    t->stopped = false;
}

void signal_deliver(struct user_thread *t)
{
    while (t->pending) {
        if (t->must_raise) {
            raise_asked(t);
        }
        host_mask(~FAULT_SIGNALS);
        unsigned slot = t->queued[QUEUE_SEGV].si_signo && !(t->mask & SIGBIT(SIGSEGV)) ? QUEUE_SEGV
                        : t->queued[QUEUE_BUS].si_signo && !(t->mask & SIGBIT(SIGBUS)) ? QUEUE_BUS
                                                                                       : QUEUE_ANY;
        siginfo_t si = t->queued[slot];
        t->queued[slot].si_signo = 0;
        if (si.si_signo) {
            deliver_one(t, &si);
        }
        signal_set_mask(t, t->mask);
    }
}

static void say_uncaught(int sig)
{
    bool qemu = !strncmp(user_cfg.program, "qemu-", 5);
    fprintf(stderr, "%s: uncaught target signal %d (%s)%s\n", qemu ? "qemu" : "moss", sig, strsignal(sig),
            qemu ? " - core dumped" : "");
}

void signal_force(struct user_thread *t, const siginfo_t *si)
{
    int sig = si->si_signo;
    host_mask(~FAULT_SIGNALS);
    struct user_sigaction act = take_action(t, sig);
    if (act.handler <= 1 || t->mask & SIGBIT(sig)) {
        say_uncaught(sig);
        signal_die(sig);
    }
    if (user_cfg.strace) {
        strace_signal(si);
    }
    run_handler(t, si, &act);
    signal_set_mask(t, t->mask);
}

/* -- what sys_signal.c changes ------------------------------------------------------------------------------------- */

void signal_action(struct user_thread *t, int sig, const struct user_sigaction *act, struct user_sigaction *old)
{
    struct user_sighand *h = t->sighand;
    pthread_mutex_lock(&h->lock);
    *old = h->act[sig];
    if (act) {
        h->act[sig] = *act;
        h->act[sig].mask &= ~UNBLOCKABLE;
        install(sig, act);
    }
    pthread_mutex_unlock(&h->lock);
}

/* Dispositions that the host's C library may have changed behind our back: its own signals 32 and 33. */
void signal_reinstall(struct user_thread *t)
{
    struct user_sighand *h = t->sighand;
    pthread_mutex_lock(&h->lock);
    for (int sig = 32; sig <= 33; sig++) {
        install(sig, &h->act[sig]);
    }
    pthread_mutex_unlock(&h->lock);
}

void signal_defer_defaults(struct user_thread *t)
{
    struct user_sighand *h = t->sighand;
    pthread_mutex_lock(&h->lock);
    for (int sig = 1; sig <= USER_SIGNALS; sig++) {
        if (h->act[sig].handler == 0) {
            install(sig, &h->act[sig]);
        }
    }
    pthread_mutex_unlock(&h->lock);
}

/* CLONE_CLEAR_SIGHAND, and what execve does: handlers become defaults, ignored stays. */
void signal_clear_handlers(struct user_sighand *h)
{
    for (int sig = 1; sig <= USER_SIGNALS; sig++) {
        if (h->act[sig].handler > 1) {
            h->act[sig] = (struct user_sigaction){0};
            install(sig, &h->act[sig]);
        }
    }
}

/* A child of vfork: dispositions of its own. */
struct user_sighand *signal_copy_handlers(struct user_sighand *from)
{
    struct user_sighand *h = malloc(sizeof(*h));
    must(h);
    pthread_mutex_lock(&from->lock);
    *h = *from;
    pthread_mutex_unlock(&from->lock);
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

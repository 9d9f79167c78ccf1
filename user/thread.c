/* Threads and processes. A thread of the program is a thread of the host with the same number; a child of fork is one
 * of the host. A child of vfork is a process that shares all memory, moss's too, and runs on while its parent waits in
 * the kernel: it uses the parent's struct user_thread and cpu, which the parent puts back afterwards.
 *
 * SPEC: clone(2), clone3(2), set_robust_list(2). Processes that share memory otherwise: clone_vm.c. */
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "user/clone.h"
#include "user/syscall.h"

#define THREAD_STACK (1u << 20)
#define VFORK_STACK  (256u << 10)
#define SHARE_ALL    (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)
static struct user_process main_process = {.nthreads = 1};

unsigned user_thread_count(void)
{
    return __atomic_load_n(&self->process->nthreads, __ATOMIC_SEQ_CST);
}

static struct vcpu *cpu_new(struct err *e)
{
    const struct user_abi *abi = user_cfg.abi;
    struct vcpu *cpu = aligned_alloc(64, align_up(abi->target->cpu_size, 64));
    must(cpu);
    memset(cpu, 0, abi->target->cpu_size);
    cpu->target = abi->target;
    if (!abi->target->init(cpu, user_cfg.cpu, e)) {
        free(cpu);
        return NULL;
    }
    return cpu;
}

struct user_thread *user_thread_new(struct err *e)
{
    struct user_thread *t = calloc(1, sizeof(*t));
    must(t);
    t->altstack_flags = SS_DISABLE;
    t->va_mask = ~0ull;
    t->process = self ? self->process : &main_process;
    t->cpu = cpu_new(e);
    if (!t->cpu) {
        free(t);
        return NULL;
    }
    t->cpu->board = t;
    return t;
}

/* -- the end ------------------------------------------------------------------------------------------------------- */

void user_exit(int code)
{
    if (self->process->shares && !self->vforked) { /* the others go on */
        clone_clear_tid(self);
        accel_tcg_user.remove(self->cpu);
    } else if (!self->vforked) {
        code_cache_save();
        unimp_report();
        fflush(NULL);
    }
    for (;;) {
        syscall(SYS_exit_group, code);
    }
}

static void futex_wake(u64 va)
{
    if (user_range_ok(va, 4)) {
        syscall(SYS_futex, g2h(va), FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

/* A lock that its owner leaves behind: marked, and one who waits is woken. */
static void robust_one(struct user_thread *t, u64 entry, i64 offset, bool pending)
{
    u64 va = entry + (u64)offset;
    u32 word;
    if ((va & 3) || !get_u32(va, &word)) {
        return;
    }
    while ((word & FUTEX_TID_MASK) == (u32)t->tid) {
        u32 dead = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (user_cas_u32(va, word, dead)) {
            if (word & FUTEX_WAITERS) {
                futex_wake(va);
            }
            return;
        }
        if (!get_u32(va, &word)) {
            return;
        }
    }
    if (pending && !word) {
        futex_wake(va);
    }
}

static void robust_exit(struct user_thread *t)
{
    u64 head = t->robust_list, entry, offset, pending;
    unsigned w = user_cfg.abi->word;
    if (!head || !get_word(head, &entry) || !get_word(head + w, &offset) || !get_word(head + 2 * w, &pending)) {
        return;
    }
    i64 off = w == 4 ? (i32)offset : (i64)offset;
    for (unsigned i = 0; i < 2048 && (entry & ~1ull) != head; i++) {
        u64 next;
        bool more = get_word(entry & ~1ull, &next);
        if (entry != pending) {
            robust_one(t, entry & ~1ull, off, false);
        }
        if (!more) {
            break;
        }
        entry = next;
    }
    if (pending) {
        robust_one(t, pending & ~1ull, off, true);
    }
}

void clone_clear_tid(struct user_thread *t)
{
    if (t->clear_child_tid) {
        put_u32(t->clear_child_tid, 0);
        futex_wake(t->clear_child_tid);
        t->clear_child_tid = 0;
    }
}

/* What the kernel does for a thread that ends and leaves others behind. */
void user_thread_end(struct user_thread *t)
{
    signal_block_all(t);
    robust_exit(t);
    clone_clear_tid(t);
    if (__atomic_sub_fetch(&t->process->nthreads, 1, __ATOMIC_SEQ_CST) == 0) {
        user_exit(t->exit_code);
    }
    accel_tcg_user.remove(t->cpu);
    signal_thread_end(t);
}

void user_main_thread_end(struct user_thread *t)
{
    user_thread_end(t);
    for (;;) {
        syscall(SYS_exit, t->exit_code);
    }
}

i64 sys_exit(struct user_thread *t, const u64 a[6])
{
    if (t->vforked || user_thread_count() == 1) {
        robust_exit(t);
        user_exit((int)a[0]);
    }
    t->exiting = true;
    t->exit_code = (int)a[0];
    return -ENORESULT;
}

i64 sys_exit_group(struct user_thread *t, const u64 a[6])
{
    robust_exit(t);
    user_exit((int)a[0]);
}

/* -- what a child starts with -------------------------------------------------------------------------------------- */

void clone_child_begin(struct user_thread *t, const struct clone_call *c)
{
    const struct user_abi *abi = user_cfg.abi;
    t->tid = (int)syscall(SYS_gettid);
    t->robust_list = 0;
    t->clear_child_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
    abi->set_result(t->cpu, 0);
    if (c->sp) {
        abi->set_sp(t->cpu, c->sp);
    }
    if (c->flags & CLONE_SETTLS) {
        abi->set_tls(t->cpu, c->tls);
    }
    if (c->flags & CLONE_CHILD_SETTID) {
        put_u32(c->child_tid, (u32)t->tid);
    }
    if (c->flags & CLONE_PARENT_SETTID && c->flags & CLONE_VM) {
        put_u32(c->parent_tid, (u32)t->tid);
    }
}

/* -- threads ------------------------------------------------------------------------------------------------------- */

struct thread_start {
    struct user_thread *parent, *child;
    const struct clone_call *call;
    sem_t begun;
    bool ok;
    int tid; /* the child may be over before its parent looks */
};

static bool thread_begin(struct thread_start *s)
{
    struct user_thread *t = s->child, *p = s->parent;
    struct err e = {{0}};
    u64 apart = ~s->call->flags & (CLONE_FS | CLONE_FILES);
    if (!accel_tcg_user.add(t->cpu, &e)) {
        return false;
    }
    user_cfg.abi->copy(t->cpu, p->cpu);
    t->sighand = p->sighand;
    t->va_mask = p->va_mask;
    t->mask = p->mask;
    signal_thread_init(t);
    clone_child_begin(t, s->call);
    return !apart || unshare((int)apart) == 0;
}

static void *thread_main(void *arg)
{
    struct thread_start *s = arg;
    struct user_thread *t = self = s->child;
    bool ok = s->ok = thread_begin(s);
    s->tid = t->tid;
    sem_post(&s->begun);
    if (ok) {
        signal_set_mask(t, t->mask);
        user_loop(t);
        user_thread_end(t);
    }
    free(t->cpu);
    free(t);
    return NULL;
}

static i64 clone_thread(struct user_thread *t, const struct clone_call *c)
{
    struct err e = {{0}};
    struct thread_start s = {.parent = t, .call = c, .child = user_thread_new(&e)};
    pthread_t host;
    pthread_attr_t attr;
    if (!s.child) {
        return -ENOMEM;
    }
    x87_settle(t->cpu); /* for the child to copy */
    s.child->cpu->index = __atomic_fetch_add(&t->process->nthreads, 1, __ATOMIC_SEQ_CST);
    sem_init(&s.begun, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    mm_lock();
    int err = pthread_create(&host, &attr, thread_main, &s);
    mm_unlock();
    signal_reinstall(t); /* the host's C library has taken signal 33 for itself with the first thread */
    pthread_attr_destroy(&attr);
    if (err) {
        free(s.child->cpu);
        free(s.child);
    } else {
        while (sem_wait(&s.begun) < 0) {
        }
    }
    if (err || !s.ok) {
        __atomic_sub_fetch(&t->process->nthreads, 1, __ATOMIC_SEQ_CST);
        return -EAGAIN;
    }
    return s.tid;
}

/* -- processes ----------------------------------------------------------------------------------------------------- */

/* What glibc's fork cannot do; that keeps glibc's own locks in order. */
static bool is_plain_fork(const struct clone_call *c, u64 host_flags)
{
    return !host_flags && c->exit_signal == SIGCHLD && !(c->flags & CLONE_PIDFD) && !c->set_tid_size;
}

static i64 host_clone(const struct clone_call *c, u64 host_flags, int *pidfd)
{
    i32 tids[32]; /* one for each level of namespaces that the kernel allows */
    if (!c->set_tid_size && !(c->flags & CLONE_INTO_CGROUP)) {
        return syscall(SYS_clone, host_flags | (c->flags & CLONE_PIDFD) | (u64)c->exit_signal, 0, pidfd, 0, 0);
    }
    if (c->set_tid_size > ARRAY_LEN(tids)) {
        errno = EINVAL;
        return -1;
    }
    if (!copy_from_guest(tids, c->set_tid, c->set_tid_size * sizeof(tids[0]))) {
        errno = EFAULT;
        return -1;
    }
    struct clone_args args = {.flags = host_flags | (c->flags & CLONE_PIDFD),
                              .pidfd = (u64)(uintptr_t)pidfd,
                              .exit_signal = (u64)c->exit_signal,
                              .set_tid = c->set_tid_size ? (u64)(uintptr_t)tids : 0,
                              .set_tid_size = c->set_tid_size,
                              .cgroup = c->cgroup};
    return syscall(SYS_clone3, &args, sizeof(args));
}

static i64 clone_process(struct user_thread *t, const struct clone_call *c)
{
    u64 host_flags = c->flags & ~(u64)CLONE_OURS;
    int pidfd = -1;
    mm_lock();
    accel_tcg_user.fork_begin();
    i64 pid = is_plain_fork(c, host_flags) ? fork() : host_clone(c, host_flags, &pidfd);
    int err = errno;
    accel_tcg_user.fork_end(t->cpu, pid == 0);
    mm_unlock();
    if (pid < 0) {
        return -err;
    }
    if (pid == 0) {
        *t->process = (struct user_process){.nthreads = 1};
        clone_forked();
        if (c->flags & CLONE_CLEAR_SIGHAND) {
            signal_clear_handlers(t->sighand);
        }
        clone_child_begin(t, c);
        return -ENORESULT;
    }
    if (c->flags & CLONE_PARENT_SETTID) {
        put_u32(c->parent_tid, (u32)pid);
    }
    if (c->flags & CLONE_PIDFD) {
        put_u32(c->pidfd, (u32)pidfd);
    }
    return pid;
}

static int vfork_main(void *arg)
{
    struct user_thread *t = self;
    t->vforked = true;
    t->sighand = signal_copy_handlers(t->sighand);
    if (((const struct clone_call *)arg)->flags & CLONE_CLEAR_SIGHAND) {
        signal_clear_handlers(t->sighand);
    }
    signal_defer_defaults(t);
    clone_child_begin(t, arg);
    signal_set_mask(t, t->mask);
    user_loop(t);
    must(!"a child of vfork ends in its loop");
}

static i64 clone_vfork(struct user_thread *t, struct clone_call *c)
{
    const struct user_abi *abi = user_cfg.abi;
    u64 host_flags = (c->flags & ~(u64)CLONE_OURS) | CLONE_VM | CLONE_VFORK;
    struct user_thread was = *t;
    u8 *stack = malloc(VFORK_STACK);
    u8 *state = malloc(abi->state_size);
    must(stack && state);
    abi->state_get(t->cpu, state);
    int pidfd = -1;
    i64 pid = clone(vfork_main, stack + VFORK_STACK, (int)(host_flags | (c->flags & CLONE_PIDFD)) | c->exit_signal, c,
                    &pidfd);
    int err = errno;
    if (t->sighand != was.sighand) {
        free(t->sighand);
    }
    arena_free(&t->exec);
    *t = was;
    abi->state_set(t->cpu, state);
    free(state);
    free(stack);
    if (pid >= 0 && c->flags & CLONE_PIDFD) {
        put_u32(c->pidfd, (u32)pidfd);
    }
    return pid < 0 ? -err : pid;
}

static i64 do_clone(struct user_thread *t, struct clone_call *c)
{
    i64 r;
    if ((c->flags & CLONE_THREAD && !(c->flags & CLONE_SIGHAND)) ||
        (c->flags & CLONE_SIGHAND && !(c->flags & CLONE_VM)) || (c->flags & CLONE_FS && c->flags & CLONE_NEWNS) ||
        (c->flags & CLONE_SIGHAND && c->flags & CLONE_CLEAR_SIGHAND)) {
        return -EINVAL;
    }
    if (c->set_tid_size && c->flags & CLONE_VM) {
        unimp("clone3", "set_tid where memory is shared");
        return -EPERM;
    }
    if (signal_block_all(t)) {
        return -ERESTARTNOINTR;
    }
    if ((c->flags & SHARE_ALL) == SHARE_ALL) {
        r = clone_thread(t, c);
    } else if ((c->flags & (CLONE_VM | CLONE_VFORK)) == (CLONE_VM | CLONE_VFORK) && !(c->flags & CLONE_SIGHAND)) {
        r = clone_vfork(t, c);
    } else if (c->flags & CLONE_VM) {
        r = clone_beside(t, c);
    } else {
        r = clone_process(t, c);
    }
    signal_set_mask(t, t->mask);
    return r;
}

i64 sys_clone(struct user_thread *t, const u64 a[6])
{
    u64 v[5];
    user_cfg.abi->clone_args(a, v);
    struct clone_call c = {.flags = v[0] & 0xffffff00,
                           .exit_signal = v[0] & 0xff,
                           .sp = v[1],
                           .parent_tid = v[2],
                           .child_tid = v[3],
                           .tls = v[4],
                           .pidfd = v[2]};
    return do_clone(t, &c);
}

i64 sys_fork(struct user_thread *t, const u64 a[6] UNUSED)
{
    struct clone_call c = {.exit_signal = SIGCHLD};
    return do_clone(t, &c);
}
i64 sys_vfork(struct user_thread *t, const u64 a[6] UNUSED)
{
    struct clone_call c = {.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD};
    return do_clone(t, &c);
}

/* struct clone_args: pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid... behind flags */
i64 sys_clone3(struct user_thread *t, const u64 a[6])
{
    u64 v[11] = {0};
    if (a[1] < 64) {
        return -EINVAL;
    }
    if (!copy_from_guest(v, a[0], MIN(a[1], sizeof(v)))) {
        return -EFAULT;
    }
    if (v[0] & 0xff || v[4] > USER_SIGNALS || !v[5] != !v[6] || !v[8] != !v[9]) {
        return -EINVAL;
    }
    struct clone_call c = {.flags = v[0],
                           .pidfd = v[1],
                           .child_tid = v[2],
                           .parent_tid = v[3],
                           .exit_signal = (int)v[4],
                           .sp = v[5] + v[6],
                           .tls = v[7],
                           .set_tid = v[8],
                           .set_tid_size = v[9],
                           .cgroup = v[10]};
    return do_clone(t, &c);
}

/* -- small ones ---------------------------------------------------------------------------------------------------- */

i64 sys_set_tid_address(struct user_thread *t, const u64 a[6])
{
    t->clear_child_tid = a[0];
    return t->tid;
}

i64 sys_gettid(struct user_thread *t, const u64 a[6] UNUSED)
{
    return t->tid;
}

i64 sys_set_robust_list(struct user_thread *t, const u64 a[6])
{
    if (a[1] != 3u * user_cfg.abi->word) {
        return -EINVAL;
    }
    t->robust_list = a[0];
    return 0;
}

i64 sys_get_robust_list(struct user_thread *t, const u64 a[6])
{
    if (a[0] && (int)a[0] != t->tid) {
        unimp("get_robust_list", "of another thread");
        return -EPERM;
    }
    return put_word(a[1], t->robust_list) && put_word(a[2], 3u * user_cfg.abi->word) ? 0 : -EFAULT;
}

/* The kernel would watch moss's own cpu number there: glibc does without. */
i64 sys_rseq(struct user_thread *t UNUSED, const u64 a[6] UNUSED)
{
    return -ENOSYS;
}

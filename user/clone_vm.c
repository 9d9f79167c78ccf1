/* Processes that share memory and run side by side: CLONE_VM without CLONE_THREAD and CLONE_VFORK. moss's memory is
 * shared too, so the child needs what a thread needs of the host's C library: it borrows that of a thread of the
 * parent, which is made for it and sleeps until the kernel says that the child has left the memory
 * (CLONE_CHILD_CLEARTID: by exit, execve or a signal). That thread then takes away what was the child's.
 *
 * One that dies must not hold locks of moss, which the others need: default actions are the loop's (signal.c), and
 * SIGKILL and SIGSTOP among these processes are raised by the one they are for, between two of its instructions.
 *
 * SPEC: clone(2), set_tid_address(2). Not modelled: SIGKILL from outside, to a process group, to the parent or through
 * a pidfd comes anywhere, and to a process of several threads where its first is not; threads of such a process that
 * ends by exit_group are not taken off the engine's list. */
#include <linux/futex.h>
#include <linux/sched.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/clone.h"

#define HOST_STACK  (256u << 10)
#define SLEEP_STACK (64u << 10)

struct beside {
    struct beside *next;
    struct user_thread *parent, *child;
    const struct clone_call *call;
    struct user_process *process;
    sem_t begun, over; /* the child has, or could not be made; it has left the memory */
    sem_t seen;        /* the parent has taken the result */
    i64 result;        /* the child's number, or -errno */
    int pidfd;
    u32 alive; /* the kernel clears it */
    u8 *stack;
};

static struct {
    pthread_mutex_t lock;
    struct beside *first;
} besides = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void list_add(struct beside *b)
{
    pthread_mutex_lock(&besides.lock);
    b->next = besides.first;
    besides.first = b;
    pthread_mutex_unlock(&besides.lock);
}

static void list_remove(struct beside *b)
{
    pthread_mutex_lock(&besides.lock);
    for (struct beside **p = &besides.first; *p; p = &(*p)->next) {
        if (*p == b) {
            *p = b->next;
            break;
        }
    }
    pthread_mutex_unlock(&besides.lock);
}

/* With the list locked. NULL: none that lives and could be asked. */
static struct user_thread *list_find(int pid)
{
    for (struct beside *b = besides.first; b; b = b->next) {
        if (b->result == pid && pid != getpid() && b->alive) {
            return b->child->stopped ? NULL : b->child;
        }
    }
    return NULL;
}

void clone_forked(void)
{
    pthread_mutex_init(&besides.lock, NULL);
    besides.first = NULL;
}

bool clone_kill(int pid, int sig, i64 *result)
{
    if (!__atomic_load_n(&besides.first, __ATOMIC_SEQ_CST) || (sig != SIGKILL && sig != SIGSTOP)) {
        return false;
    }
    pthread_mutex_lock(&besides.lock);
    struct user_thread *t = list_find(pid);
    if (t) {
        *result = signal_raise_between(t, pid, sig);
    }
    pthread_mutex_unlock(&besides.lock);
    return t != NULL;
}

static bool begin(struct beside *b)
{
    struct user_thread *t = b->child, *p = b->parent;
    struct err e = {{0}};
    if (!accel_tcg_user.add(t->cpu, &e)) {
        return false;
    }
    user_cfg.abi->copy(t->cpu, p->cpu);
    t->mask = p->mask;
    t->va_mask = p->va_mask;
    t->sighand = b->call->flags & CLONE_SIGHAND ? p->sighand : signal_copy_handlers(p->sighand);
    if (b->call->flags & CLONE_CLEAR_SIGHAND) {
        signal_clear_handlers(t->sighand);
    }
    signal_thread_init(t);
    clone_child_begin(t, b->call);
    return true;
}

/* The child, with its lender's thread-local variables. */
static int beside_main(void *arg)
{
    struct beside *b = arg;
    struct user_thread *t = self;
    bool ok = begin(b);
    b->result = ok ? t->tid : -EAGAIN;
    if (ok) {
        list_add(b);
    }
    sem_post(&b->begun);
    if (!ok) {
        return 0;
    }
    signal_set_mask(t, t->mask);
    user_loop(t);
    user_thread_end(t);
    return t->exit_code;
}

static void forget(struct beside *b)
{
    struct user_thread *t = b->child;
    list_remove(b);
    if (t->cpu->accel) {
        accel_tcg_user.remove(t->cpu);
    }
    if (t->sighand && t->sighand != b->parent->sighand) {
        free(t->sighand);
    }
    if (!b->process->nthreads) { /* else others of its threads go on */
        free(b->process);
    }
    free(t->host_stack);
    free(t->cpu);
    free(t);
    free(b->stack);
    free(b);
}

/* From the clone on nothing here may touch errno or other thread-local variables: they are lent. */
static void *lender(void *arg)
{
    struct beside *b = arg;
    const struct clone_call *c = b->call;
    u64 flags = (c->flags & ~(u64)(CLONE_OURS | CLONE_VFORK)) | CLONE_VM | CLONE_CHILD_CLEARTID;
    self = b->child;
    b->alive = 1;
    int pid = clone(beside_main, b->stack + HOST_STACK, (int)(flags | (c->flags & CLONE_PIDFD)) | c->exit_signal, b,
                    &b->pidfd, NULL, &b->alive);
    if (pid < 0) {
        b->result = -errno;
        b->alive = 0;
        sem_post(&b->begun);
    }
    while (__atomic_load_n(&b->alive, __ATOMIC_SEQ_CST)) {
        syscall(SYS_futex, &b->alive, FUTEX_WAIT, 1, NULL, NULL, 0);
    }
    sem_post(&b->over);
    sem_wait(&b->seen);
    clone_clear_tid(b->child);
    forget(b);
    return NULL;
}

i64 clone_beside(struct user_thread *t, const struct clone_call *c)
{
    struct err e = {{0}};
    struct beside *b = calloc(1, sizeof(*b));
    pthread_t host;
    pthread_attr_t attr;
    must(b);
    *b = (struct beside){.parent = t, .call = c, .child = user_thread_new(&e), .stack = malloc(HOST_STACK)};
    must(b->stack);
    if (!b->child) {
        free(b->stack);
        free(b);
        return -ENOMEM;
    }
    b->process = b->child->process = calloc(1, sizeof(*b->process));
    must(b->process);
    *b->process = (struct user_process){.nthreads = 1, .shares = true};
    x87_settle(t->cpu); /* for the child to copy */
    code_cache_stop();
    t->process->shared = true;
    signal_defer_defaults(t);
    sem_init(&b->begun, 0, 0);
    sem_init(&b->over, 0, 0);
    sem_init(&b->seen, 0, 0);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, SLEEP_STACK);
    mm_lock();
    int err = pthread_create(&host, &attr, lender, b);
    mm_unlock();
    signal_reinstall(t);
    pthread_attr_destroy(&attr);
    if (err) {
        b->process->nthreads = 0;
        forget(b);
        return -EAGAIN;
    }
    while (sem_wait(&b->begun) < 0) {
    }
    i64 result = b->result;
    if (result >= 0 && c->flags & CLONE_PIDFD) {
        put_u32(c->pidfd, (u32)b->pidfd);
    }
    while (c->flags & CLONE_VFORK && sem_wait(&b->over) < 0) {
    }
    sem_post(&b->seen);
    return result;
}

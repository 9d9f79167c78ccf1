/* Vcpu threads, their safe points, and the services a target calls. One thread a vcpu; `running` is true while it may
 * touch guest state, and false at every safe point, where others may stop it, flush it, or give it work.
 *
 * A safe point takes no lock unless somebody asks for it: user mode passes one at every system call. Each side writes
 * its word, then reads the other's, with a full barrier between, so at least one of the two sees the other:
 *
 *   a cpu begins   running = true;  barrier; held? work?     then it takes run_lock and waits there
 *   who stops      held = true;     barrier; running?        then it waits, under run_lock
 *   a cpu ends     running = false; barrier; watchers?       then it wakes them, under run_lock
 *   who waits      watchers++;      barrier; running?        then it sleeps, and run_lock is free from then on only
 *
 * The barriers also order what is done in between: a cpu that was not seen running sees, when it begins, all that was
 * written before it was looked at; who saw it stop sees all that it did. */
#include <errno.h>
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"

static void wait_allowed(struct tcpu *t)
{
    while ((tcg.paused || (tcg.exclusive && tcg.exclusive != t)) && !t->stop) {
        pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
    }
}

void returns_forget(struct vcpu *cpu)
{
    if (!cpu->rt.ret_sp) {
        return;
    }
    for (u64 p = align_up(cpu->rt.ret_sp, 16); p < cpu->rt.ret_base; p += 16) {
        const void **code = (const void **)(uintptr_t)p;
        if (*code == tcg.thunks.ret_stale) {
            return; /* so are all that are older */
        }
        *code = tcg.thunks.ret_stale;
    }
}

void held_update(void)
{
    __atomic_store_n(&tcg.held, tcg.paused || tcg.exclusive, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void watch_begin(void)
{
    __atomic_fetch_add(&tcg.watchers, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void watch_end(void)
{
    __atomic_fetch_sub(&tcg.watchers, 1, __ATOMIC_SEQ_CST);
}

static bool is_running(const struct tcpu *t)
{
    return __atomic_load_n(&t->running, __ATOMIC_SEQ_CST);
}

/* A program with one thread has nobody who could stop it or be stopped, and nobody else makes a second. */
static void barrier(void)
{
    if (!tcg.direct || __atomic_load_n(&tcg.ncpus, __ATOMIC_RELAXED) > 1) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
}

/* Who looks at a board's cpu meanwhile finds it whole. A program's threads look at nobody else. */
static void safe_point(struct tcpu *t)
{
    if (!tcg.direct) {
        x87_settle(t->cpu);
    }
    __atomic_store_n(&t->running, false, __ATOMIC_RELEASE);
    __atomic_store_n(&t->store_page, NO_PAGE, __ATOMIC_RELEASE);
    __atomic_store_n(&t->safe_count, t->safe_count + 1, __ATOMIC_RELEASE);
    barrier();
}

void mark_safe(struct tcpu *t)
{
    safe_point(t);
    pthread_cond_broadcast(&tcg.run_cond);
}

/* From here to wait_end no access of this cpu is in flight, but it is not at a safe point. */
static void wait_begin(struct tcpu *t)
{
    __atomic_store_n(&t->store_page, NO_PAGE, __ATOMIC_SEQ_CST);
    t->waiting = true;
    pthread_cond_broadcast(&tcg.run_cond);
}
static void wait_end(struct tcpu *t)
{
    t->waiting = false;
}

static _Thread_local struct tcpu *thread_cpu; /* whose thread this is; NULL: no vcpu's */

/* A vcpu that waits for the machine lock has no access in flight; but who holds the lock may wait for the vcpu. */
static void lock_waits(bool begin)
{
    struct tcpu *t = thread_cpu;
    if (t && t->running) {
        pthread_mutex_lock(&tcg.run_lock);
        if (begin) {
            wait_begin(t);
        } else {
            wait_end(t);
        }
        pthread_mutex_unlock(&tcg.run_lock);
    }
}

static void run_work(struct tcpu *t)
{
    while (t->work) {
        struct work *w = t->work;
        __atomic_store_n(&t->work, w->next, __ATOMIC_RELAXED);
        pthread_mutex_unlock(&tcg.run_lock);
        w->fn(t->cpu, w->arg);
        pthread_mutex_lock(&tcg.run_lock);
        w->done = true;
        pthread_cond_broadcast(&tcg.run_cond);
    }
}

/* Asked to wait or to work. Who counts on `running` is told that it was not meant yet. */
static void begin_asked(struct tcpu *t)
{
    pthread_mutex_lock(&tcg.run_lock);
    mark_safe(t);
    run_work(t);
    wait_allowed(t);
    __atomic_store_n(&t->running, true, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&tcg.run_lock);
}

void cpu_run_begin(struct tcpu *t)
{
    __atomic_store_n(&t->running, true, __ATOMIC_RELAXED);
    barrier();
    if (unlikely(__atomic_load_n(&tcg.held, __ATOMIC_ACQUIRE) || __atomic_load_n(&t->work, __ATOMIC_ACQUIRE))) {
        begin_asked(t);
    }
    verify_stale(t);
}

void cpu_run_end(struct tcpu *t)
{
    safe_point(t);
    if (unlikely(__atomic_load_n(&tcg.watchers, __ATOMIC_ACQUIRE))) {
        pthread_mutex_lock(&tcg.run_lock);
        pthread_cond_broadcast(&tcg.run_cond);
        pthread_mutex_unlock(&tcg.run_lock);
    }
}

static void kick(struct tcpu *t)
{
    __atomic_fetch_or(&t->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
    pthread_cond_broadcast(&t->wake);
}

/* Some other cpu that runs; NULL: none. Cpus may come and go while the lock is given up (user mode's threads). */
static struct tcpu *other_running(const struct tcpu *t)
{
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        if (tcg.cpus[i] != t && is_running(tcg.cpus[i])) {
            return tcg.cpus[i];
        }
    }
    return NULL;
}

void exclusive_begin(struct tcpu *t)
{
    pthread_mutex_lock(&tcg.run_lock);
    if (tcg.exclusive || tcg.paused) {
        mark_safe(t);
        while (tcg.exclusive || tcg.paused) {
            pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
        }
        __atomic_store_n(&t->running, true, __ATOMIC_SEQ_CST);
        returns_forget(t->cpu); /* flushes did not wait for this cpu meanwhile */
    }
    tcg.exclusive = t;
    held_update();
    watch_begin();
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        if (tcg.cpus[i] != t && is_running(tcg.cpus[i])) {
            kick(tcg.cpus[i]);
        }
    }
    wait_begin(t);
    while (other_running(t)) {
        pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
    }
    wait_end(t);
    watch_end();
    pthread_mutex_unlock(&tcg.run_lock);
}

void exclusive_end(struct tcpu *t)
{
    pthread_mutex_lock(&tcg.run_lock);
    must(tcg.exclusive == t);
    tcg.exclusive = NULL;
    held_update();
    pthread_cond_broadcast(&tcg.run_cond);
    pthread_mutex_unlock(&tcg.run_lock);
}

void wait_safe(struct tcpu *self, struct tcpu *other)
{
    pthread_mutex_lock(&tcg.run_lock);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* between what the caller wrote and the look at `running` */
    if (is_running(other) && !other->waiting) {
        u64 seen = __atomic_load_n(&other->safe_count, __ATOMIC_SEQ_CST);
        if (self) {
            wait_begin(self);
        }
        watch_begin();
        kick(other);
        while (is_running(other) && !other->waiting && __atomic_load_n(&other->safe_count, __ATOMIC_SEQ_CST) == seen) {
            pthread_cond_wait(&tcg.run_cond, &tcg.run_lock);
        }
        watch_end();
        if (self) {
            wait_end(self);
            returns_forget(self->cpu);
        }
    }
    pthread_mutex_unlock(&tcg.run_lock);
}

struct tcpu *cpu_of_thread(void)
{
    return thread_cpu;
}

NORETURN void sv_unwind(struct vcpu *cpu)
{
    struct tcpu *t = tcpu_of(cpu);
    longjmp(t->inner ? *t->inner : t->unwind, 1);
}

/* -- waking ------------------------------------------------------------------------------------------------- */

static void tcg_kick(struct vcpu *cpu)
{
    struct tcpu *t = cpu->accel;
    if (t && __atomic_load_n(&t->sleeping, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&tcg.run_lock);
        pthread_cond_broadcast(&t->wake);
        pthread_mutex_unlock(&tcg.run_lock);
    }
}

void (*vcpu_kick)(struct vcpu *cpu) = tcg_kick;

void vcpu_line(void *opaque, unsigned line, int level)
{
    struct vcpu *cpu = opaque;
    u32 bit = 1u << line;
    u32 old = level ? __atomic_fetch_or(&cpu->lines, bit, __ATOMIC_SEQ_CST)
                    : __atomic_fetch_and(&cpu->lines, ~bit, __ATOMIC_SEQ_CST);
    if (level && !(old & bit)) {
        __atomic_fetch_or(&cpu->rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
        vcpu_kick(cpu);
    }
}

static void sv_power_on(struct vcpu *other)
{
    other->powered_off = false;
    other->halted = false;
    __atomic_fetch_or(&other->rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    vcpu_kick(other);
}

static void sv_power_off(struct vcpu *self)
{
    self->powered_off = true;
    __atomic_fetch_or(&self->rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
}

static u64 sv_helper_pc(struct vcpu *cpu)
{
    return cpu->rt.page + cpu->rt.insn_off;
}

/* IC IVAU: the guest promises that data writes before it are done. Ours were checked as they happened. */
static void sv_code_sync(struct vcpu *cpu UNUSED, u64 va UNUSED, u64 n UNUSED)
{
}

const struct cpu_services tcg_services = {
    .tlb_flush = tlb_flush,
    .context_changed = tlb_context_changed,
    .mode_changed = tlb_mode_changed,
    .unwind = sv_unwind,
    .helper_pc = sv_helper_pc,
    .load = sv_load,
    .store = sv_store,
    .is_device = sv_is_device,
    .probe = sv_probe,
    .peek_code = sv_peek_code,
    .load_exclusive = sv_load_exclusive,
    .store_exclusive = sv_store_exclusive,
    .cas128 = sv_cas128,
    .code_sync = sv_code_sync,
    .power_on = sv_power_on,
    .power_off = sv_power_off,
};

/* -- threads --------------------------------------------------------------------------------------------------- */

void *cpu_thread(void *arg)
{
    struct tcpu *t = arg;
    thread_cpu = t;
    machine_lock_waits = lock_waits;
    char name[16];
    snprintf(name, sizeof(name), "cpu %u", t->cpu->index);
    pthread_setname_np(pthread_self(), name);
    while (!__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
        cpu_run_begin(t);
        if (!t->stop) {
            cpu_exec(t);
        }
        cpu_run_end(t);
    }
    return NULL;
}

/* The handshake of accel/tcg/cpus.c: cpus that pass safe points as fast as they can against all who stop them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "memory/memory.h"
#include "target/arm/arm.h"

enum { CPUS = 4, ROUNDS = 20000 };

/* What a cpu does between its safe points, each in its own cache line. */
static struct runner {
    struct vcpu *cpu;
    u64 inside; /* the value of `published` it found when it began, 0 at a safe point */
    u64 steps;
    bool bad;
    u8 pad[128];
} runners[CPUS];
static u64 published = 1; /* as a flush is: written, then waited for */
static bool stopped;      /* somebody holds the exclusive section */
static bool finished;
static u64 shared; /* written without any lock in exclusive sections */

static int page_note(u64 va UNUSED)
{
    return -1;
}

static const struct accel_program program = {.page_note = page_note, .tags = true};

static int set_up(void **state)
{
    struct err e = {{0}};
    struct accel_config cfg = {.interp = true};
    (void)state;
    assert_true(ram_window(1ull << 34, 0, &e));
    assert_true(accel_tcg_user.init(&cfg, &program, &e));
    for (unsigned i = 0; i < CPUS; i++) {
        struct vcpu *cpu = aligned_alloc(64, align_up(target_aarch64.cpu_size, 64));
        memset(cpu, 0, target_aarch64.cpu_size);
        cpu->target = &target_aarch64;
        assert_true(target_aarch64.init(cpu, "max", &e));
        assert_true(accel_tcg_user.add(cpu, &e));
        runners[i].cpu = cpu;
    }
    return 0;
}

/* One stay outside a safe point; every so often long, as translated code would be that nobody asks to stop. */
static void step(struct runner *r, unsigned i)
{
    struct tcpu *t = tcpu_of(r->cpu);
    cpu_run_begin(t);
    __atomic_store_n(&r->inside, __atomic_load_n(&published, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    r->bad |= __atomic_load_n(&stopped, __ATOMIC_RELAXED);
    for (unsigned k = 0; i % 64 == 0 && k < 2000 && !__atomic_load_n(&r->cpu->rt.event, __ATOMIC_RELAXED); k++) {
        r->bad |= __atomic_load_n(&stopped, __ATOMIC_RELAXED);
    }
    r->steps++;
    __atomic_store_n(&r->inside, 0, __ATOMIC_RELAXED);
    __atomic_fetch_and(&r->cpu->rt.event, ~(u32)EVENT_WORK, __ATOMIC_SEQ_CST);
    cpu_run_end(t);
}

static void *run_for_ever(void *arg)
{
    struct runner *r = arg;
    for (unsigned i = 0; !__atomic_load_n(&finished, __ATOMIC_RELAXED); i++) {
        step(r, i);
    }
    return NULL;
}

static u64 steps_of(const struct runner *r)
{
    return __atomic_load_n(&r->steps, __ATOMIC_RELAXED);
}

/* Nobody makes a step while one holds the exclusive section. */
static void hold_all(struct runner *me)
{
    struct tcpu *t = tcpu_of(me->cpu);
    u64 before[CPUS];
    cpu_run_begin(t);
    exclusive_begin(t);
    me->bad |= stopped;
    __atomic_store_n(&stopped, true, __ATOMIC_RELAXED);
    shared++;
    for (unsigned i = 0; i < CPUS; i++) {
        before[i] = steps_of(&runners[i]);
        me->bad |= &runners[i] != me && __atomic_load_n(&runners[i].inside, __ATOMIC_RELAXED);
    }
    for (unsigned k = 0; k < 50; k++) {
        for (unsigned i = 0; i < CPUS; i++) {
            me->bad |= steps_of(&runners[i]) != before[i];
        }
    }
    __atomic_store_n(&stopped, false, __ATOMIC_RELAXED);
    exclusive_end(t);
    cpu_run_end(t);
}

static void *hold_often(void *arg)
{
    struct runner *r = arg;
    while (!steps_of(&runners[CPUS - 1]) || !steps_of(&runners[CPUS - 2])) {
        sched_yield();
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i % 4 == 0) {
            hold_all(r);
        }
        step(r, i);
    }
    return NULL;
}

static void join(pthread_t *th)
{
    __atomic_store_n(&finished, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_join(th[i], NULL);
        assert_false(runners[i].bad);
        assert_int_equal(runners[i].inside, 0);
    }
    finished = false;
}

/* Two take turns in stopping the others, and each other. */
static void exclusive_means_alone(void **state)
{
    (void)state;
    pthread_t th[CPUS];
    shared = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_create(&th[i], NULL, i < 2 ? hold_often : run_for_ever, &runners[i]);
    }
    pthread_join(th[0], NULL);
    pthread_join(th[1], NULL);
    __atomic_store_n(&finished, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 2; i < CPUS; i++) {
        pthread_join(th[i], NULL);
    }
    finished = false;
    for (unsigned i = 0; i < CPUS; i++) {
        assert_false(runners[i].bad);
        assert_true(runners[i].steps > 0);
    }
    assert_int_equal(shared, ROUNDS / 4 * 2);
    assert_int_equal(tcg.watchers, 0);
    assert_false(tcg.held);
}

/* After wait_safe() nobody is where he was before what was written before it. */
static void waiting_outlasts_what_went_on(void **state)
{
    (void)state;
    pthread_t th;
    struct runner *r = &runners[0]; /* one: the two need a host cpu each */
    pthread_create(&th, NULL, run_for_ever, r);
    for (u64 v = 2; v < 20 * ROUNDS; v++) {
        __atomic_store_n(&published, v, __ATOMIC_RELAXED);
        wait_safe(NULL, tcpu_of(r->cpu));
        for (unsigned k = 0; k < 50; k++) { /* a late one would show only now */
            u64 in = __atomic_load_n(&r->inside, __ATOMIC_RELAXED);
            assert_true(in == 0 || in >= v);
        }
    }
    __atomic_store_n(&finished, true, __ATOMIC_SEQ_CST);
    pthread_join(th, NULL);
    finished = false;
    assert_int_equal(tcg.watchers, 0);
}

/* While all is paused nobody makes a step, and afterwards all do. */
static void a_pause_holds_all(void **state)
{
    (void)state;
    pthread_t th[CPUS];
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_create(&th[i], NULL, run_for_ever, &runners[i]);
    }
    for (unsigned k = 0; k < 300; k++) {
        u64 before[CPUS];
        accel_tcg.pause_all();
        for (unsigned i = 0; i < CPUS; i++) {
            before[i] = steps_of(&runners[i]);
            assert_int_equal(__atomic_load_n(&runners[i].inside, __ATOMIC_RELAXED), 0);
        }
        if (k % 100 == 0) {
            usleep(2000);
        }
        for (unsigned i = 0; i < CPUS; i++) {
            assert_int_equal(steps_of(&runners[i]), before[i]);
        }
        pthread_mutex_lock(&tcg.run_lock);
        tcg.paused = false;
        held_update();
        pthread_cond_broadcast(&tcg.run_cond);
        pthread_mutex_unlock(&tcg.run_lock);
        for (unsigned i = 0; i < CPUS && k % 50 == 0; i++) {
            for (unsigned ms = 0; steps_of(&runners[i]) == before[i]; ms++) {
                assert_true(ms < 20000);
                usleep(1000);
            }
        }
    }
    join(th);
}

/* A child of fork is alone, whatever its parent's threads waited for. */
static void a_child_waits_for_nobody(void **state)
{
    (void)state;
    struct vcpu *cpu = runners[0].cpu;
    tcg.watchers = 1;
    accel_tcg_user.fork_begin();
    pid_t pid = fork();
    accel_tcg_user.fork_end(cpu, pid == 0);
    if (!pid) {
        alarm(10);
        step(&runners[0], 0);
        _exit(tcg.ncpus != 1 || tcg.watchers || tcg.held);
    }
    tcg.watchers = 0;
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exclusive_means_alone),
        cmocka_unit_test(waiting_outlasts_what_went_on),
        cmocka_unit_test(a_pause_holds_all),
        cmocka_unit_test(a_child_waits_for_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

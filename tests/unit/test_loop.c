/* The main loop: posted work, tasks, pollers. Timers are in test_base.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"

static unsigned order[1000], order_n;
static void post_note(void *opaque)
{
    assert_true(machine_locked());
    order[order_n++] = (unsigned)(uintptr_t)opaque;
}

static void *post_from_thread(void *opaque)
{
    (void)opaque;
    for (unsigned i = 0; i < 1000; i++) {
        loop_post(post_note, (void *)(uintptr_t)i);
    }
    return NULL;
}

static void posts_arrive_in_order(void **state)
{
    (void)state;
    pthread_t th;
    pthread_create(&th, NULL, post_from_thread, NULL);
    while (order_n < 1000) {
        loop_turn(1000000000);
    }
    pthread_join(th, NULL);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(order[i], i);
    }
}

static unsigned runs;
static bool again;
static struct loop_task work;
static void work_run(void *opaque)
{
    (void)opaque;
    assert_true(machine_locked());
    runs++;
    if (again) {
        loop_task_due(&work);
    }
}

static void tasks_run_once(void **state)
{
    (void)state;
    work = (struct loop_task){.fn = work_run};
    machine_lock();
    loop_task_due(&work);
    loop_task_due(&work);
    machine_unlock();
    loop_turn(UINT64_MAX); /* does not sleep */
    loop_turn(0);
    assert_int_equal(runs, 1);
    again = true;
    machine_lock();
    loop_task_due(&work);
    machine_unlock();
    loop_turn(UINT64_MAX);
    assert_int_equal(runs, 2);
    loop_turn(UINT64_MAX); /* it is due again */
    assert_int_equal(runs, 3);
    machine_lock();
    loop_task_cancel(&work);
    loop_task_cancel(&work);
    machine_unlock();
    loop_turn(0);
    assert_int_equal(runs, 3);
}

static struct polled {
    int fd;
    u64 wait;
    unsigned at, fills, readies;
    short seen;
} polled;

static void polled_fill(void *opaque, u64 *wait)
{
    struct polled *p = opaque;
    p->fills++;
    p->at = loop_watch(p->fd, POLLIN);
    *wait = p->wait;
}

static void polled_ready(void *opaque)
{
    struct polled *p = opaque;
    p->readies++;
    p->seen = loop_seen(p->at);
}

/* One that waits for a pipe. */
static void polled_add(struct loop_poller *p, int ends[2])
{
    assert_int_equal(pipe(ends), 0);
    polled = (struct polled){.fd = ends[0], .wait = UINT64_MAX};
    machine_lock();
    loop_poller_add(p);
    machine_unlock();
}

static void pollers_have_their_turn(void **state)
{
    (void)state;
    int ends[2];
    struct loop_poller p = {.fill = polled_fill, .ready = polled_ready, .opaque = &polled};
    polled_add(&p, ends);
    loop_turn(0);
    loop_turn(0);
    assert_int_equal(polled.fills, 2);
    assert_int_equal(polled.readies, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_turn(UINT64_MAX);
    assert_int_equal(polled.readies, 1);
    assert_int_equal(polled.seen, POLLIN);
    polled.fd = -1; /* poll(2) passes it over */
    polled.wait = 1000000;
    loop_turn(UINT64_MAX);
    assert_int_equal(polled.readies, 2);
    assert_int_equal(polled.seen, 0);
    machine_lock();
    loop_poller_remove(&p);
    machine_unlock();
    loop_turn(0);
    assert_int_equal(polled.fills, 4);
    close(ends[0]);
    close(ends[1]);
}

/* A set of descriptors that is made anew each turn wakes nobody. */
static void pollers_let_the_loop_sleep(void **state)
{
    (void)state;
    int ends[2];
    struct loop_poller p = {.fill = polled_fill, .ready = polled_ready, .opaque = &polled};
    polled_add(&p, ends);
    loop_turn(0);
    polled.fills = 0;
    u64 start = clock_now(CLOCK_HOST);
    loop_turn(20000000);
    assert_true(clock_now(CLOCK_HOST) - start >= 20000000);
    assert_int_equal(polled.fills, 1);
    machine_lock();
    loop_poller_remove(&p);
    machine_unlock();
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_arrive_in_order),
        cmocka_unit_test(tasks_run_once),
        cmocka_unit_test(pollers_have_their_turn),
        cmocka_unit_test(pollers_let_the_loop_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

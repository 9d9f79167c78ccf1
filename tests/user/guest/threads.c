/* Threads, locks, cancellation, robust mutexes, fork among threads, vfork, posix_spawn. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"

extern char **environ;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, robust;
static long total;
static _Atomic long atomic_total;
static __thread int own = 3;

static void *adder(void *arg)
{
    CHECK(own == 3);
    own = (int)(long)arg;
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&lock);
        total++;
        pthread_mutex_unlock(&lock);
        atomic_total++;
    }
    CHECK(own == (int)(long)arg);
    return (void *)((long)arg * 2);
}
static void *sleeper(void *arg)
{
    for (;;) {
        pause();
    }
    return arg;
}
static void *allocator(void *arg)
{
    unsigned s = (unsigned)(long)arg;
    void *v[100] = {0};
    for (int i = 0; i < 10000; i++) {
        s = s * 1103515245 + 12345;
        unsigned k = (s >> 16) % 100;
        size_t n = (s >> 8) % 5000 + (s >> 30 ? 0 : 300000);
        free(v[k]);
        v[k] = malloc(n);
        memset(v[k], (int)k, n < 64 ? n : 64);
    }
    for (int i = 0; i < 100; i++) {
        free(v[i]);
    }
    return arg;
}
static void *lock_and_go(void *arg)
{
    pthread_mutex_lock(&robust);
    return arg;
}
static void *last(void *arg)
{
    usleep(50000);
    exit(checks_end("threads"));
    return arg;
}

static void many(void)
{
    pthread_t t[8];
    void *r;
    int status;
    for (long i = 0; i < 8; i++) {
        CHECK(pthread_create(&t[i], NULL, adder, (void *)i) == 0);
    }
    for (long i = 0; i < 8; i++) {
        CHECK(pthread_join(t[i], &r) == 0 && (long)r == i * 2);
    }
    CHECK(total == 160000 && atomic_total == 160000);
    for (long i = 0; i < 4; i++) {
        CHECK(pthread_create(&t[i], NULL, allocator, (void *)i) == 0);
    }
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (!child) {
            char *p = malloc(100);
            p[0] = 1;
            free(p);
            _exit(i);
        }
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == i);
    }
    for (long i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
    }
}

static void cancelled(void)
{
    pthread_t t;
    void *r;
    pthread_mutexattr_t attr;
    pthread_create(&t, NULL, sleeper, NULL);
    usleep(10000);
    CHECK(pthread_cancel(t) == 0 && pthread_join(t, &r) == 0 && r == PTHREAD_CANCELED);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attr);
    pthread_create(&t, NULL, lock_and_go, NULL);
    pthread_join(t, NULL);
    CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
}

/* Threads by the thousand, each running code that nobody ran before, leave nothing behind. */
static void *fresh_code;
static void *runs_fresh_code(void *arg)
{
    put_code(fresh_code, (unsigned)(long)arg);
    unsigned (*fn)(void);
    memcpy(&fn, &fresh_code, sizeof(fn));
    CHECK(fn() == (unsigned)(long)arg);
    return arg;
}
static void short_lived(void)
{
    struct rusage before, after;
    fresh_code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (long i = 0; i < 1200; i++) {
        pthread_t t;
        if (i == 200) {
            getrusage(RUSAGE_SELF, &before);
        }
        CHECK(pthread_create(&t, NULL, runs_fresh_code, (void *)i) == 0 && pthread_join(t, NULL) == 0);
    }
    getrusage(RUSAGE_SELF, &after);
    CHECK(after.ru_maxrss - before.ru_maxrss < 8 << 10);
}

static void processes(void)
{
    volatile int shared = 1;
    int status;
    char *argv[] = {"sh", "-c", "exit 3", NULL};
    pid_t child = vfork();
    if (!child) {
        shared = 2; /* seen by the parent: vfork shares memory */
        _exit(5);
    }
    waitpid(child, &status, 0);
    CHECK(shared == 2 && WEXITSTATUS(status) == 5);
    CHECK(posix_spawn(&child, "/bin/sh", NULL, NULL, argv, environ) == 0);
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    CHECK(posix_spawn(&child, "/nonexistent", NULL, NULL, argv, environ) == ENOENT);
    CHECK(system("exit 4") >> 8 == 4);
}

int main(void)
{
    pthread_t t;
    many();
    cancelled();
    short_lived();
    processes();
    pthread_create(&t, NULL, sleeper, NULL);
    CHECK(setuid(getuid()) == 0); /* glibc asks every thread by signal 33 */
    pthread_create(&t, NULL, last, NULL);
    pthread_exit(NULL); /* the process goes on without its first thread */
}

/* User mode's engine: hand-assembled A64 code in a window, with both engines: system calls, refused accesses with exact
 * state, misaligned atomics, new code. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "base/log.h"
#include "memory/memory.h"
#include "target/arm/arm.h"

enum { CODE = 0x400000, DATA = 0x500000, HOLE = 0x600000 };
static struct vcpu *cpu;

static int page_note(u64 va)
{
    return va >= CODE && va < CODE + 0x1000 ? 0 : -1;
}
static void on_fault(int sig, siginfo_t *si, void *uc)
{
    accel_tcg_user.host_fault(cpu, sig, si, uc);
    abort();
}

static void map(u64 va)
{
    void *p = mmap(ram_base + va, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    assert_ptr_equal(p, ram_base + va);
}

static const struct accel_program program = {.page_note = page_note, .tags = true};

static int set_up(void **state)
{
    struct err e = {{0}};
    struct accel_config cfg = {.interp = getenv("MOSS_INTERP") != NULL};
    (void)state;
    assert_true(ram_window(1ull << 40, 0, &e));
    assert_true(accel_tcg_user.init(&cfg, &program, &e));
    cpu = calloc(1, target_aarch64.cpu_size);
    cpu->target = &target_aarch64;
    assert_true(target_aarch64.init(cpu, "max", &e));
    assert_true(accel_tcg_user.add(cpu, &e));
    arm_user_reset(cpu);
    map(CODE);
    map(DATA);
    return 0;
}

static void run(const u32 *code, unsigned n)
{
    /* cmocka has handlers of its own while a test runs */
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER}, old[2];
    sigaction(SIGSEGV, &sa, &old[0]);
    sigaction(SIGBUS, &sa, &old[1]);
    memcpy(ram_base + CODE, code, n * 4);
    accel_tcg_user.code_changed(CODE, 0x1000);
    cpu->rt.pc = CODE;
    accel_tcg_user.run(cpu);
    sigaction(SIGSEGV, &old[0], NULL);
    sigaction(SIGBUS, &old[1], NULL);
}
#define RUN(...) run((const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / 4)

static void test_syscall(void **state)
{
    (void)state;
    RUN(0xd2800ba8 /* mov x8, #93 */, 0xd2800540 /* mov x0, #42 */, 0xd4000001 /* svc #0 */);
    assert_int_equal(cpu->trap.kind, UTRAP_SYSCALL);
    assert_int_equal(cpu->rt.pc, CODE + 12);
    assert_int_equal(cpu->rt.r[8], 93);
    assert_int_equal(cpu->rt.r[0], 42);
}

static void test_refused(void **state)
{
    (void)state;
    cpu->rt.r[1] = HOLE + 0x10;
    cpu->rt.r[2] = 5;
    /* add x2, x2, #1; subs x3, x2, #6; ldr x4, [x1, #8]; add x2, x2, #1 */
    RUN(0x91000442, 0xf1001843, 0xf9400424, 0x91000442);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.access, MMU_LOAD);
    assert_int_equal(cpu->trap.addr, HOLE + 0x18);
    assert_int_equal(cpu->trap.host_signal, SIGSEGV);
    assert_int_equal(cpu->rt.pc, CODE + 8);
    assert_int_equal(cpu->rt.r[2], 6);
    struct arm_user_state s;
    arm_user_get(cpu, &s);
    assert_int_equal(s.pstate >> 28 & 15, 6); /* Z and C of 6 - 6 */
}

/* The first half of the pair is readable, the second is not; the base register is a destination. */
static void test_pair_across_the_end(void **state)
{
    (void)state;
    u64 at = DATA + 0x1000 - 8;
    cpu->rt.r[0] = at;
    RUN(0xa9400400 /* ldp x0, x1, [x0] */, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.addr, DATA + 0x1000);
    assert_int_equal(cpu->rt.r[0], at);
    assert_int_equal(cpu->rt.pc, CODE);
}

static void test_store_refused(void **state)
{
    (void)state;
    cpu->rt.r[0] = ~0ull; /* just below the window */
    RUN(0x39000001 /* strb w1, [x0] */, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.access, MMU_STORE);
    cpu->rt.r[0] = 0x0123456789abcdef; /* no address at all */
    RUN(0x39000001, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->rt.pc, CODE);
}

static void test_misaligned_atomic(void **state)
{
    (void)state;
    cpu->rt.r[0] = DATA + 4;
    RUN(0xf8210002 /* ldadd x1, x2, [x0] */, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_ALIGN);
    assert_int_equal(cpu->rt.pc, CODE);
    cpu->rt.r[0] = DATA + 8;
    cpu->rt.r[1] = 3;
    RUN(0xf8210002, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_SYSCALL);
    u64 v;
    memcpy(&v, ram_base + DATA + 8, 8);
    assert_int_equal(v, 3);
}

static void test_exclusive_refused(void **state)
{
    (void)state;
    cpu->rt.r[0] = HOLE;
    RUN(0xd503201f /* nop */, 0xc85f7c01 /* ldxr x1, [x0] */, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.addr, HOLE);
    assert_int_equal(cpu->rt.pc, CODE + 4);
}

/* With a load between them the pair is done by helpers, from the second try on. */
static void test_exclusive_store_refused(void **state)
{
    (void)state;
    const u32 code[] = {0xc85f7c01 /* 1: ldxr x1, [x0] */, 0xf9400083 /* ldr x3, [x4] */,
                        0xc8027c01 /* stxr w2, x1, [x0] */, 0x35ffffa2 /* cbnz w2, 1b */, 0xd4000001 /* svc #0 */};
    cpu->rt.r[0] = DATA;
    cpu->rt.r[4] = DATA + 64;
    assert_int_equal(mprotect(ram_base + DATA, 0x1000, PROT_READ), 0);
    run(code, ARRAY_LEN(code));
    assert_int_equal(mprotect(ram_base + DATA, 0x1000, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.access, MMU_STORE);
    assert_int_equal(cpu->rt.pc, CODE + 8);
    run(code, ARRAY_LEN(code));
    assert_int_equal(cpu->trap.kind, UTRAP_SYSCALL);
    assert_int_equal(cpu->rt.r[2], 0);
}

static void test_illegal_and_fetch(void **state)
{
    (void)state;
    RUN(0xd503201f, 0x00000000 /* udf */);
    assert_int_equal(cpu->trap.kind, UTRAP_ILLEGAL);
    assert_int_equal(cpu->rt.pc, CODE + 4);
    cpu->rt.r[3] = HOLE;
    RUN(0xd61f0060 /* br x3 */);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.access, MMU_FETCH);
    assert_int_equal(cpu->trap.addr, HOLE);
    assert_int_equal(cpu->rt.pc, HOLE);
}

/* Another thread has unmapped it behind our back. */
static void test_code_that_is_gone(void **state)
{
    (void)state;
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER}, old;
    sigaction(SIGSEGV, &sa, &old);
    accel_tcg_user.code_changed(CODE, 0x1000);
    assert_int_equal(mprotect(ram_base + CODE, 0x1000, PROT_NONE), 0);
    cpu->rt.pc = CODE + 4;
    accel_tcg_user.run(cpu);
    assert_int_equal(mprotect(ram_base + CODE, 0x1000, PROT_READ | PROT_WRITE), 0);
    sigaction(SIGSEGV, &old, NULL);
    assert_int_equal(cpu->trap.kind, UTRAP_MEMORY);
    assert_int_equal(cpu->trap.access, MMU_FETCH);
    assert_int_equal(cpu->trap.addr, CODE + 4);
    assert_int_equal(cpu->trap.host_signal, SIGSEGV);
    assert_int_equal(cpu->rt.pc, CODE + 4);
}

static bool logging_ends;
static void *log_often(void *arg)
{
    while (!__atomic_load_n(&logging_ends, __ATOMIC_SEQ_CST)) {
        log_lock();
        usleep(200);
        log_unlock();
    }
    return arg;
}

/* The child has no thread that would give the lock back. */
static void test_fork_while_another_logs(void **state)
{
    (void)state;
    pthread_t logger;
    assert_int_equal(pthread_create(&logger, NULL, log_often, NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        accel_tcg_user.fork_begin();
        pid_t pid = fork();
        accel_tcg_user.fork_end(cpu, pid == 0);
        if (!pid) {
            signal(SIGALRM, SIG_DFL);
            alarm(10);
            log_lock();
            log_unlock();
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    __atomic_store_n(&logging_ends, true, __ATOMIC_SEQ_CST);
    pthread_join(logger, NULL);
}

static void test_id_registers(void **state)
{
    (void)state;
    RUN(0xd5380000 /* mrs x0, midr_el1 */, 0xd5380601 /* mrs x1, id_aa64isar0_el1 */, 0xd4000001);
    assert_int_equal(cpu->trap.kind, UTRAP_SYSCALL);
    assert_int_equal(cpu->rt.r[0], arm_user_midr(cpu));
    assert_int_not_equal(cpu->rt.r[1], 0);
    u64 cap[2];
    arm_user_hwcap(cpu, cap);
    assert_int_equal(cap[0] & 0x1fb, 0x1fb); /* FP ASIMD AES PMULL SHA1 SHA2 CRC32 ATOMICS */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syscall),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_pair_across_the_end),
        cmocka_unit_test(test_store_refused),
        cmocka_unit_test(test_misaligned_atomic),
        cmocka_unit_test(test_exclusive_refused),
        cmocka_unit_test(test_exclusive_store_refused),
        cmocka_unit_test(test_illegal_and_fetch),
        cmocka_unit_test(test_id_registers),
        cmocka_unit_test(test_code_that_is_gone),
        cmocka_unit_test(test_fork_while_another_logs),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}

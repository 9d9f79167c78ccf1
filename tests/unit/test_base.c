/* The leaf library: errors, buffers, arena, field tables, options, log, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/field.h"
#include "base/host_cpu.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/opts.h"
#include "base/pages.h"

/* -- errors --------------------------------------------------------------------------------------- */

static void err_keeps_the_first(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(err_set(&e, "cannot open '%s'", "x"));
    assert_false(err_set(&e, "later"));
    assert_string_equal(e.msg, "cannot open 'x'");
    err_prefix(&e, "-drive %s", "d");
    assert_string_equal(e.msg, "-drive d: cannot open 'x'");
    assert_false(err_set(NULL, "nobody cares"));

    struct err none = {0};
    err_prefix(&none, "context");
    assert_string_equal(none.msg, "");

    errno = ENOENT;
    assert_false(err_errno(&none, "no %d", 7));
    assert_string_equal(none.msg, "no 7: No such file or directory");
}

static void err_is_bounded(void **state)
{
    (void)state;
    struct err e = {0};
    char big[2000];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    err_set(&e, "%s", big);
    err_prefix(&e, "%s", big);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void nearest_name_finds_slips(void **state)
{
    (void)state;
    const char *const names[] = {"server", "wait", "path", "reconnect", NULL};
    assert_string_equal(nearest_name("sever", names), "server");
    assert_string_equal(nearest_name("apth", names), "path");
    assert_string_equal(nearest_name("reconect", names), "reconnect");
    assert_null(nearest_name("zzzzzz", names));
    assert_null(nearest_name("", names));
}

/* -- buffers and arena ---------------------------------------------------------------------------- */

static void cursor_is_sticky(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_u8(&b, 0x5a);
    buf_u32(&b, 0x12345678);
    buf_u64(&b, 0x1122334455667788ull);
    buf_printf(&b, "%s-%d", "text", 9);
    assert_int_equal(b.len, 1 + 4 + 8 + 6);
    assert_int_equal(b.data[b.len], 0);
    assert_memory_equal(b.data + 1, "\x78\x56\x34\x12", 4);

    struct cursor c = {.p = b.data, .end = b.data + b.len};
    assert_int_equal(cursor_u8(&c), 0x5a);
    assert_int_equal(cursor_u32(&c), 0x12345678);
    assert_int_equal(cursor_u64(&c), 0x1122334455667788ull);
    char text[7] = {0};
    assert_true(cursor_get(&c, text, 6));
    assert_string_equal(text, "text-9");
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.failed);
    assert_false(cursor_get(&c, text, 0));
    buf_free(&b);
    assert_null(b.data);
}

static void buf_grows(void **state)
{
    (void)state;
    struct buf b = {0};
    for (unsigned i = 0; i < 5000; i++) {
        buf_u32(&b, i);
    }
    assert_int_equal(b.len, 20000);
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(ld32le(b.data + 4 * i), i);
    }
    buf_free(&b);
}

/* Also what was given out before, and freed. */
static void pages_are_zero(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        size_t n = 3 * 4096 + 5;
        u8 *p = pages_new(n);
        assert_int_equal((uintptr_t)p & 4095, 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xa5, n);
        pages_free(p, n);
    }
    pages_free(NULL, 1);
}

/* Whatever the memory held before: a first piece too large for a chunk, chunks behind it, and the memory of both again.
 */
static void arena_frees_what_it_has(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        struct arena a = {0};
        for (size_t n = 100000; n; n = n / 3) {
            u8 *p = arena_alloc(&a, n);
            for (size_t i = 0; i < n; i++) {
                assert_int_equal(p[i], 0);
            }
            memset(p, 0xa5, n);
        }
        u8 *d = arena_dup(&a, "abc", 3);
        assert_memory_equal(d, "abc", 4);
        arena_free(&a);
        void *dirty[4];
        for (unsigned i = 0; i < 4; i++) {
            dirty[i] = malloc(70000);
            memset(dirty[i], 0x5a, 70000);
        }
        for (unsigned i = 0; i < 4; i++) {
            free(dirty[i]);
        }
    }
}

/* The C library's word is the compiler's, which asks the processor. */
static void host_cpu_is_known(void **state)
{
    (void)state;
#ifdef __x86_64__
    __builtin_cpu_init();
    assert_int_equal(host_cpu.SSE4_1, __builtin_cpu_supports("sse4.1") != 0);
    assert_int_equal(host_cpu.SSE4_2, __builtin_cpu_supports("sse4.2") != 0);
    assert_int_equal(host_cpu.PCLMULQDQ, __builtin_cpu_supports("pclmul") != 0);
    assert_int_equal(host_cpu.POPCNT, __builtin_cpu_supports("popcnt") != 0);
    assert_int_equal(host_cpu.AES, __builtin_cpu_supports("aes") != 0);
    assert_int_equal(host_cpu.AVX, __builtin_cpu_supports("avx") != 0);
    assert_int_equal(host_cpu.AVX2, __builtin_cpu_supports("avx2") != 0);
    assert_int_equal(host_cpu.FMA, __builtin_cpu_supports("fma") != 0);
    assert_int_equal(host_cpu.BMI1, __builtin_cpu_supports("bmi") != 0);
    assert_int_equal(host_cpu.BMI2, __builtin_cpu_supports("bmi2") != 0);
#endif
#if defined(__x86_64__) && __GNUC__ >= 11 && !defined(__clang__)
    assert_int_equal(host_cpu.F16C, __builtin_cpu_supports("f16c") != 0);
    assert_int_equal(host_cpu.MOVBE, __builtin_cpu_supports("movbe") != 0);
    assert_int_equal(host_cpu.LZCNT, __builtin_cpu_supports("lzcnt") != 0);
    assert_int_equal(host_cpu.SHA, __builtin_cpu_supports("sha") != 0);
#endif
}

static void arena_gives_zeroed_aligned(void **state)
{
    (void)state;
    struct arena a = {0};
    u8 *last = NULL;
    for (size_t n = 1; n < 200000; n = n * 3 + 1) {
        u8 *p = arena_alloc(&a, n);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i], 0);
        }
        memset(p, 0xff, n);
        assert_ptr_not_equal(p, last);
        last = p;
    }
    assert_string_equal(arena_str(&a, "moss"), "moss");
    assert_string_equal(arena_printf(&a, "uart%d", 3), "uart3");
    arena_free(&a);
    assert_null(a.head);
}

/* -- field tables --------------------------------------------------------------------------------- */

struct thing {
    u32 cr;
    u16 fifo[4];
    u64 base;
    u8 kept, hidden;
};
static const struct field thing_fields[] = {
    FIELD(struct thing, cr, .reset = 0x300),        FIELDS(struct thing, fifo, .reset = 7),
    FIELD(struct thing, base, .flags = F_CONFIG),   FIELD(struct thing, kept, .flags = F_KEEP),
    FIELD(struct thing, hidden, .flags = F_HIDDEN), {0},
};
static const struct field thing_older[] = {
    FIELD(struct thing, kept, .flags = F_KEEP),
    FIELD(struct thing, cr, .reset = 0x300),
    {0},
};

static void fields_reset_and_load(void **state)
{
    (void)state;
    struct thing t = {.base = 0x9000, .kept = 5}, u = {.base = 0x9000};
    fields_reset(&t, thing_fields);
    assert_int_equal(t.cr, 0x300);
    assert_int_equal(t.fifo[3], 7);
    assert_int_equal(t.base, 0x9000);
    assert_int_equal(t.kept, 5);

    t.cr = 0xabcd;
    t.fifo[1] = 0x1234;
    t.hidden = 9;
    struct buf b = {0};
    struct err e = {0};
    fields_save(&t, thing_fields, &b);
    struct cursor c = {.p = b.data, .end = b.data + b.len};
    assert_true(fields_load(&u, thing_fields, &c, &e));
    assert_ptr_equal(c.p, c.end);
    assert_memory_equal(&t, &u, sizeof(t));
    buf_free(&b);

    /* A row the saver did not know gets its reset value, in any order. */
    fields_save(&t, thing_older, &b);
    c = (struct cursor){.p = b.data, .end = b.data + b.len};
    assert_true(fields_load(&u, thing_fields, &c, &e));
    assert_int_equal(u.cr, 0xabcd);
    assert_int_equal(u.fifo[1], 7);
    buf_free(&b);
}

static void fields_refuse_bad_snapshots(void **state)
{
    (void)state;
    struct thing t = {.base = 0x9000, .cr = 1}, u = {.base = 0xa000, .cr = 2};
    struct buf b = {0};
    struct err e = {0};
    fields_save(&t, thing_fields, &b);

    struct cursor c = {.p = b.data, .end = b.data + b.len};
    assert_false(fields_load(&u, thing_fields, &c, &e));
    assert_string_equal(e.msg, "'base' is 0x9000 in the snapshot and 0xa000 in this machine");
    assert_int_equal(u.cr, 2);

    e.msg[0] = 0;
    c = (struct cursor){.p = b.data, .end = b.data + b.len};
    assert_false(fields_load(&u, thing_older, &c, &e));
    assert_non_null(strstr(e.msg, "'fifo'"));

    u.base = 0x9000;
    for (size_t cut = 0; cut < b.len; cut++) {
        e.msg[0] = 0;
        c = (struct cursor){.p = b.data, .end = b.data + cut};
        assert_false(fields_load(&u, thing_fields, &c, &e));
        assert_int_equal(u.cr, 2);
    }
    buf_free(&b);
}

static void fields_print_runs(void **state)
{
    (void)state;
    struct thing t = {.cr = 0x12, .fifo = {1, 1, 1, 2}, .hidden = 3};
    struct buf b = {0};
    fields_print(&t, thing_fields, &b);
    assert_string_equal((char *)b.data, "cr           00000012\n"
                                        "fifo         0001*3 0002\n"
                                        "base         0000000000000000\n"
                                        "kept         00\n");
    buf_free(&b);
}

/* -- options -------------------------------------------------------------------------------------- */

static void opts_split(void **state)
{
    (void)state;
    struct opts o = {0};
    struct err e = {0};
    assert_true(opts_parse(&o, "socket,path=a,,b,server,nowait,size=1.5k,hostfwd=1,hostfwd=2,empty=", "backend", &e));
    assert_string_equal(opts_str(&o, "backend", ""), "socket");
    assert_string_equal(opts_str(&o, "path", ""), "a,b");
    assert_string_equal(opts_str(&o, "empty", "x"), "");
    assert_string_equal(opts_str(&o, "absent", "def"), "def");
    bool server = false, wait = true;
    assert_true(opts_bool(&o, "server", &server, &e) && opts_bool(&o, "wait", &wait, &e));
    assert_true(server);
    assert_false(wait);
    u64 size = 0;
    assert_true(opts_size(&o, "size", &size, &e));
    assert_int_equal(size, 1536);
    size_t iter = 0;
    assert_string_equal(opts_next(&o, "hostfwd", &iter), "1");
    assert_string_equal(opts_next(&o, "hostfwd", &iter), "2");
    assert_null(opts_next(&o, "hostfwd", &iter));
    assert_string_equal(opts_str(&o, "hostfwd", ""), "2");
    assert_true(opts_all_used(&o, "-chardev", NULL, &e));
    assert_string_equal(e.msg, "");
    opts_free(&o);
}

static void opts_old_booleans_keep_real_names(void **state)
{
    (void)state;
    struct opts o = {0};
    bool nodelay = false, readonly = false;
    assert_true(opts_parse(&o, "nodelay,readonly=off", NULL, NULL));
    assert_true(opts_bool(&o, "nodelay", &nodelay, NULL));
    assert_true(opts_bool(&o, "readonly", &readonly, NULL));
    assert_true(nodelay);
    assert_false(readonly);
    opts_free(&o);
}

static void opts_complain_in_sentences(void **state)
{
    (void)state;
    static const struct opt_key keys[] = {{"server", "on|off", ""}, {"path", "PATH", ""}, {0}};
    struct opts o = {0};
    struct err e = {0};
    bool flag = false;
    unsigned mode = 9;
    const char *const modes[] = {"unmap", "ignore", NULL};
    assert_true(opts_parse(&o, "sever=on,wait=maybe,discard=drop,n=12x", NULL, &e));
    assert_false(opts_all_used(&o, "-chardev socket", keys, &e));
    assert_string_equal(e.msg, "-chardev socket has no option 'sever': did you mean 'server'?");
    e.msg[0] = 0;
    assert_false(opts_bool(&o, "wait", &flag, &e));
    assert_string_equal(e.msg, "wait=maybe: expected on or off");
    e.msg[0] = 0;
    assert_false(opts_choice(&o, "discard", modes, &mode, &e));
    assert_string_equal(e.msg, "discard=drop: expected one of unmap, ignore");
    e.msg[0] = 0;
    u64 n = 3;
    assert_false(opts_num(&o, "n", &n, &e));
    assert_string_equal(e.msg, "n=12x: expected a number");
    assert_int_equal(n, 3);
    opts_free(&o);
    e.msg[0] = 0;
    assert_false(opts_parse(&o, "=x", NULL, &e));
    opts_free(&o);
}

static void sizes_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        u64 v;
    } cases[] = {
        {"0", true, 0},
        {"4096", true, 4096},
        {"0x1000", true, 4096},
        {"1G", true, 1 << 30},
        {"1024M", true, 1 << 30},
        {"64k", true, 65536},
        {"0.5T", true, 1ull << 39},
        {"512b", true, 512},
        {"15E", true, 15ull << 60},
        {"16E", false, 0},
        {"18446744073709551616", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"1Q", false, 0},
        {"1GB", false, 0},
        {"0xg", false, 0},
        {"0x", false, 0},
        {" 1", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        u64 v = 0;
        bool ok = parse_size(cases[i].text, &v);
        if (ok != cases[i].ok || (ok && v != cases[i].v)) {
            fail_msg("'%s': %d, %llu", cases[i].text, ok, (unsigned long long)v);
        }
    }
}

/* -- log ------------------------------------------------------------------------------------------ */

static char *log_path(void)
{
    return g_strdup_printf("%s/moss-test-log-%d", g_get_tmp_dir(), (int)getpid());
}

static void log_counts_and_limits(void **state)
{
    (void)state;
    struct err e = {0};
    char *path = log_path(), *text = NULL;
    char *pattern = g_strdup_printf("%s/moss-test-log-%%d", g_get_tmp_dir());
    assert_true(log_set_file(pattern, &e));
    assert_true(log_set_items("unimp,guest_errors", &e));
    u64 before = unimp_count();
    for (unsigned i = 0; i < 150; i++) {
        unimp("uart0", "DMA at 0x%x", 0x48);
    }
    guest_error("uart0", "bad offset");
    unimp_report();
    assert_int_equal(unimp_count(), before + 150);
    assert_true(guest_error_count() >= 1);
    assert_true(log_set_items("", &e));
    unimp("uart0", "unseen");
    assert_int_equal(unimp_count(), before + 151);
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "not implemented: uart0: DMA at 0x48\n"
                              "not implemented: uart0: DMA at 0x48\n"
                              "not implemented: uart0: DMA at 0x48\n"
                              "not implemented: uart0: DMA at 0x48\n"
                              "not implemented: uart0: DMA at 0x48\n"
                              "not implemented: uart0: DMA at 0x48 (10 times so far)\n"
                              "not implemented: uart0: DMA at 0x48 (100 times so far)\n"
                              "guest error: uart0: bad offset\n"
                              "not implemented, met 150 times:\n"
                              "       150  uart0: DMA at 0x48\n");
    unlink(path);
    g_free(text);
    g_free(pattern);
    g_free(path);
}

static void log_items_and_filter(void **state)
{
    (void)state;
    struct err e = {0};
    assert_true(log_set_items("in_asm,op,cpu", &e));
    assert_int_equal(log_mask, LOG_IN_ASM | LOG_IR | LOG_CPU | LOG_NOCHAIN);
    assert_false(log_set_items("in_asn", &e));
    assert_string_equal(e.msg, "there is no log item 'in_asn': did you mean 'in_asm'? (-d help lists them)");
    assert_true(log_set_items("none", NULL));
    assert_int_equal(log_mask, 0);

    assert_true(log_in_filter(0));
    assert_true(log_set_filter("0x1000..0x1fff,0x8000+0x100,0x9000-0x10,7", NULL));
    static const u64 in[] = {0x1000, 0x1fff, 0x8000, 0x80ff, 0x9000, 0x8ff1, 7};
    static const u64 out[] = {0xfff, 0x2000, 0x7fff, 0x8100, 0x9001, 0x8ff0, 8, 6};
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        assert_true(log_in_filter(in[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(out); i++) {
        assert_false(log_in_filter(out[i]));
    }
    static const char *const bad[] = {"0x1000..", "x", "0x1000.0x2000", "5+0", "2..1", "1-3", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        bool ok = log_set_filter(bad[i], NULL);
        assert_true(ok == !bad[i][0]);
    }
}

/* -- clocks, timers, loop, lock, entropy ---------------------------------------------------------- */

static unsigned fired[4], fired_n;

static void fire(void *opaque)
{
    assert_true(machine_locked());
    if (fired_n < ARRAY_LEN(fired)) {
        fired[fired_n] = (unsigned)(uintptr_t)opaque;
    }
    fired_n++;
}

static void run_timers(void)
{
    machine_lock();
    timers_run();
    machine_unlock();
}

static void virtual_time_is_ours(void **state)
{
    (void)state;
    struct timer a, b, c;
    clock_stop();
    clock_set(0);
    assert_int_equal(clock_now(CLOCK_VIRTUAL), 0);
    timer_init(&a, CLOCK_VIRTUAL, fire, (void *)1);
    timer_init(&b, CLOCK_VIRTUAL, fire, (void *)2);
    timer_init(&c, CLOCK_VIRTUAL, fire, (void *)3);
    timer_set(&a, 300);
    timer_set(&b, 100);
    timer_set(&c, 200);
    assert_int_equal(timers_next(), UINT64_MAX); /* stopped time never arrives */
    run_timers();
    assert_int_equal(fired_n, 0);
    clock_set(250);
    assert_int_equal(timers_next(), 0);
    run_timers();
    assert_int_equal(fired_n, 2);
    assert_int_equal(fired[0], 2);
    assert_int_equal(fired[1], 3);
    timer_set(&a, 260);
    timer_cancel(&a);
    clock_set(1000);
    run_timers();
    assert_int_equal(fired_n, 2);
    assert_int_equal(timers_next(), UINT64_MAX);
}

static void stopped_time_is_not_counted(void **state)
{
    (void)state;
    clock_stop();
    clock_set(5000);
    clock_start();
    g_usleep(2000);
    clock_stop();
    u64 at = clock_now(CLOCK_VIRTUAL);
    assert_true(at >= 5000 + 2000000);
    g_usleep(20000);
    assert_int_equal(clock_now(CLOCK_VIRTUAL), at);
    u64 restarted = clock_now(CLOCK_HOST);
    clock_start();
    u64 later = clock_now(CLOCK_VIRTUAL);
    assert_true(later >= at && later - at <= clock_now(CLOCK_HOST) - restarted);
    clock_stop();
}

static struct timer again;
static void rearm(void *opaque)
{
    (void)opaque;
    fired_n++;
    timer_set(&again, 0);
}

static void a_timer_always_due_does_not_hang(void **state)
{
    (void)state;
    fired_n = 0;
    timer_init(&again, CLOCK_HOST, rearm, NULL);
    timer_set(&again, 0);
    run_timers();
    assert_in_range(fired_n, 1, 10000);
    assert_int_equal(timers_next(), 0);
    timer_cancel(&again);
}

static void *arm_from_thread(void *t)
{
    g_usleep(10000);
    timer_set(t, clock_now(CLOCK_HOST) + 1000000);
    return NULL;
}

static void a_thread_wakes_the_loop(void **state)
{
    (void)state;
    struct timer t;
    pthread_t th;
    fired_n = 0;
    timer_init(&t, CLOCK_HOST, fire, NULL);
    pthread_create(&th, NULL, arm_from_thread, &t);
    u64 start = clock_now(CLOCK_HOST);
    while (!fired_n && clock_now(CLOCK_HOST) < start + 5000000000ull) {
        loop_turn(5000000000ull);
    }
    pthread_join(th, NULL);
    assert_int_equal(fired_n, 1);
    assert_true(clock_now(CLOCK_HOST) - start < 4000000000ull);
}

static bool hog_stop;
static void *hog(void *opaque)
{
    (void)opaque;
    while (!__atomic_load_n(&hog_stop, __ATOMIC_RELAXED)) {
        machine_lock();
        for (volatile unsigned i = 0; i < 20000; i++) {
        }
        machine_unlock();
    }
    return NULL;
}

static void the_lock_starves_nobody(void **state)
{
    (void)state;
    pthread_t th;
    pthread_create(&th, NULL, hog, NULL);
    u64 worst = 0;
    for (unsigned i = 0; i < 50; i++) {
        u64 start = clock_now(CLOCK_HOST);
        assert_false(machine_locked());
        machine_lock();
        assert_true(machine_locked());
        machine_unlock();
        worst = MAX(worst, clock_now(CLOCK_HOST) - start);
    }
    __atomic_store_n(&hog_stop, true, __ATOMIC_RELAXED);
    pthread_join(th, NULL);
    assert_true(worst < 2000000000ull);
}

static void entropy_repeats_when_seeded(void **state)
{
    (void)state;
    u8 a[37], b[37], c[37] = {0};
    entropy_fill(a, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
    entropy_seed(42);
    entropy_fill(a, sizeof(a));
    entropy_seed(42);
    entropy_fill(b, sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
    entropy_fill(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
}

static void must_ends_the_process(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (!pid) {
        dup2(open("/dev/null", O_WRONLY), 2);
        must(1 + 1 == 3);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err_keeps_the_first),
        cmocka_unit_test(err_is_bounded),
        cmocka_unit_test(nearest_name_finds_slips),
        cmocka_unit_test(cursor_is_sticky),
        cmocka_unit_test(buf_grows),
        cmocka_unit_test(arena_frees_what_it_has),
        cmocka_unit_test(pages_are_zero),
        cmocka_unit_test(host_cpu_is_known),
        cmocka_unit_test(arena_gives_zeroed_aligned),
        cmocka_unit_test(fields_reset_and_load),
        cmocka_unit_test(fields_refuse_bad_snapshots),
        cmocka_unit_test(fields_print_runs),
        cmocka_unit_test(opts_split),
        cmocka_unit_test(opts_old_booleans_keep_real_names),
        cmocka_unit_test(opts_complain_in_sentences),
        cmocka_unit_test(sizes_parse),
        cmocka_unit_test(log_counts_and_limits),
        cmocka_unit_test(log_items_and_filter),
        cmocka_unit_test(virtual_time_is_ours),
        cmocka_unit_test(stopped_time_is_not_counted),
        cmocka_unit_test(a_timer_always_due_does_not_hang),
        cmocka_unit_test(a_thread_wakes_the_loop),
        cmocka_unit_test(the_lock_starves_nobody),
        cmocka_unit_test(entropy_repeats_when_seeded),
        cmocka_unit_test(must_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

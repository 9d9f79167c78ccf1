/* The main loop and the machine's end: power-off, reset, signals. Requests may come from any thread; they are carried
 * out here, on the main thread, between two turns of the loop. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "net/net.h"
#include "system/monitor/monitor.h"
#include "system/system.h"
#include "ui/display.h"
#include "ui/input.h"

static struct {
    const struct accel *accel;
    struct machine *machine;
    bool no_reboot, no_shutdown;
    enum run_state state;
    const char *name;                         /* -name, NULL: none */
    bool shutdown, reset, power, pause, cont; /* requests; atomic */
    enum run_state pause_as;
    unsigned on_panic, on_watchdog; /* indices of the names below */
    enum shutdown_cause cause;
    int code;
    volatile sig_atomic_t signal_no, signal_pid;
} run;

static void request_shutdown(enum shutdown_cause cause, int code)
{
    if (!__atomic_exchange_n(&run.shutdown, true, __ATOMIC_SEQ_CST)) {
        run.cause = cause;
        run.code = code;
    }
    loop_wake();
}

static void request_reset(void)
{
    __atomic_store_n(&run.reset, true, __ATOMIC_SEQ_CST);
    loop_wake();
}

static void power_request(void)
{
    __atomic_store_n(&run.power, true, __ATOMIC_SEQ_CST);
    loop_wake();
}

static void request_pause(enum run_state why)
{
    run.pause_as = why;
    __atomic_store_n(&run.pause, true, __ATOMIC_SEQ_CST);
    loop_wake();
}

/* -- disks that the host cannot write: the guest waits where it is ------------------------------------------------- */

static void request_io_stop(void)
{
    __atomic_store_n(&run.cont, false, __ATOMIC_SEQ_CST);
    request_pause(RUN_IO_ERROR);
}

static void request_io_cont(void)
{
    __atomic_store_n(&run.cont, true, __ATOMIC_SEQ_CST);
    loop_wake();
}

/* -- what becomes of a guest that says it has crashed, or that a watchdog found hanging: -action ------------------- */

enum { PANIC_PAUSE, PANIC_SHUTDOWN, PANIC_FAILURE, PANIC_NONE };
static const char *const panic_actions[] = {"pause", "shutdown", "exit-failure", "none", NULL};
static void request_panic(void)
{
    notice("the guest has crashed, as it says");
    if (run.on_panic == PANIC_PAUSE) {
        request_pause(RUN_PANICKED);
    } else if (run.on_panic != PANIC_NONE) {
        request_shutdown(SHUTDOWN_PANIC, run.on_panic == PANIC_FAILURE);
    }
}

enum { DOG_RESET, DOG_SHUTDOWN, DOG_POWEROFF, DOG_NMI, DOG_PAUSE, DOG_DEBUG, DOG_NONE };
static const char *const watchdog_actions[] = {"reset", "shutdown", "poweroff", "inject-nmi",
                                               "pause", "debug",    "none",     NULL};
static void request_watchdog(void)
{
    notice("the watchdog ran out: %s", watchdog_actions[run.on_watchdog]);
    switch (run.on_watchdog) {
    case DOG_RESET:
        request_reset();
        break;
    case DOG_SHUTDOWN:
        power_request();
        break;
    case DOG_POWEROFF:
        request_shutdown(SHUTDOWN_GUEST, 0);
        break;
    case DOG_NMI:
        unimp("watchdog", "an NMI instead of a reset");
        break;
    case DOG_PAUSE:
        request_pause(RUN_WATCHDOG);
        break;
    default:
        break;
    }
}

static void quit_request(void)
{
    request_shutdown(SHUTDOWN_HOST_QUIT, 0);
}

static void exit_request(int code)
{
    request_shutdown(SHUTDOWN_HOST_QUIT, code);
}

/* loop_wake() writes to a descriptor, which a handler may. */
static void on_power_signal(int no UNUSED)
{
    power_request();
}

static void on_signal(int no, siginfo_t *info, void *ctx UNUSED)
{
    run.signal_no = no;
    run.signal_pid = info->si_pid;
    request_shutdown(SHUTDOWN_SIGNAL, 0);
}

static void reset_cpus(struct machine *m)
{
    for (unsigned i = 0; i < m->ncpus; i++) {
        struct vcpu *cpu = m->cpus[i];
        cpu->target->reset(cpu);
    }
    loader_starts(m);
    run.accel->tlb_flush_all();
}

static bool is_running(void)
{
    return run.state == RUN_RUNNING;
}

static bool action_apply(const char *text, struct err *e)
{
    static const char *const reboot[] = {"reset", "shutdown", NULL}, *const off[] = {"poweroff", "pause", NULL};
    struct opts o = {0};
    unsigned r = run.no_reboot, s = run.no_shutdown;
    bool ok = opts_parse(&o, text, NULL, e) && opts_choice(&o, "reboot", reboot, &r, e) &&
              opts_choice(&o, "shutdown", off, &s, e) && opts_choice(&o, "panic", panic_actions, &run.on_panic, e) &&
              opts_choice(&o, "watchdog", watchdog_actions, &run.on_watchdog, e);
    ok = ok && opts_all_used(&o, "-action", NULL, e);
    run.no_reboot = r;
    run.no_shutdown = s;
    opts_free(&o);
    return ok;
}

bool run_init(struct setup *s, struct err *e)
{
    run.on_panic = PANIC_SHUTDOWN;
    run.no_reboot = s->cfg.no_reboot;
    run.no_shutdown = s->cfg.no_shutdown;
    for (size_t i = 0; i < s->cfg.action.n; i++) {
        if (!action_apply(s->cfg.action.v[i], e)) {
            err_prefix(e, "-action %s", s->cfg.action.v[i]);
            return false;
        }
    }
    input_running = is_running;
    display_host.running = is_running;
    machine_request_shutdown = request_shutdown;
    machine_request_reset = request_reset;
    machine_request_panic = request_panic;
    machine_request_watchdog = request_watchdog;
    machine_reset_cpus = reset_cpus;
    block_stop_request = request_io_stop;
    block_cont_request = request_io_cont;
    chardev_quit_request = quit_request;
    chardev_exit_request = exit_request;
    chardev_power_request = power_request;
    return true;
}

void run_signals(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    struct sigaction power = {.sa_handler = on_power_signal, .sa_flags = SA_RESTART};
    sigaction(SIGPWR, &power, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* -- running and standing still --------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* as QMP and HMP have it */
    bool final;       /* only a reset leads on */
} states[] = {
    [RUN_PRELAUNCH] = {"prelaunch", false},     [RUN_RUNNING] = {"running", false},
    [RUN_PAUSED] = {"paused", false},           [RUN_SHUTDOWN] = {"shutdown", true},
    [RUN_PANICKED] = {"guest-panicked", false}, [RUN_WATCHDOG] = {"watchdog", false},
    [RUN_IO_ERROR] = {"io-error", false},
};

enum run_state run_state(void)
{
    return run.state;
}

const char *run_state_text(void)
{
    static char text[40];
    if (run.state == RUN_RUNNING || run.state == RUN_PAUSED) {
        return states[run.state].name;
    }
    snprintf(text, sizeof(text), "paused (%s)", states[run.state].name);
    return text;
}

void run_stop(enum run_state why)
{
    if (run.state == RUN_RUNNING) {
        run.accel->pause_all();
        clock_stop();
        run.state = why;
    }
}

bool run_cont(struct err *e)
{
    if (states[run.state].final) {
        return err_set(e, "Resetting the Virtual Machine is required");
    }
    if (run.state != RUN_RUNNING) {
        run.state = RUN_RUNNING;
        block_retry_all();
        clock_start();
        run.accel->resume_all();
    }
    return true;
}

struct machine *run_the_machine(void)
{
    return run.machine;
}

const char *run_guest_name(void)
{
    return run.name;
}

void run_on_cpu(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg)
{
    run.accel->run_on(cpu, fn, arg);
}

void run_accel_stats(struct buf *out)
{
    run.accel->print_stats(out);
}

/* A machine that stands still is reset and goes on standing; one that is off is as at its start. */
static void do_reset(void)
{
    run.accel->pause_all();
    machine_lock();
    machine_reset(run.machine);
    machine_unlock();
    if (run.state == RUN_RUNNING) {
        run.accel->resume_all();
    } else if (states[run.state].final) {
        run.state = RUN_PAUSED;
    }
}

static void do_cont(void)
{
    machine_lock();
    must(run_cont(NULL));
    machine_unlock();
}

static void do_power(void)
{
    const struct board *b = run.machine->board;
    if (b->power_button) {
        machine_lock();
        b->power_button(run.machine);
        machine_unlock();
    } else {
        report("this board has no power button");
    }
}

/* True: moss ends. */
static bool do_shutdown(void)
{
    bool guests = run.cause == SHUTDOWN_GUEST || (run.cause == SHUTDOWN_PANIC && run.on_panic == PANIC_SHUTDOWN);
    if (guests && run.no_shutdown) {
        run_stop(RUN_SHUTDOWN);
        run.shutdown = false;
        return false;
    }
    if (run.cause == SHUTDOWN_SIGNAL && !run.signal_pid) { /* from a terminal */
        report("terminating on signal %d", (int)run.signal_no);
    } else if (run.cause == SHUTDOWN_SIGNAL) {
        char name[64] = "unknown process", path[64];
        snprintf(path, sizeof(path), "/proc/%d/comm", (int)run.signal_pid);
        FILE *f = fopen(path, "r");
        if (f && fgets(name, sizeof(name), f)) {
            name[strcspn(name, "\n")] = 0;
        }
        if (f) {
            fclose(f);
        }
        report("terminating on signal %d from pid %d (%s)", (int)run.signal_no, (int)run.signal_pid, name);
    }
    return true;
}

int run_machine(struct setup *s)
{
    run.accel = s->accel;
    run.machine = s->machine;
    run.name = s->guest_name;
    machine_lock();
    machine_reset(s->machine);
    machine_unlock();
    run.state = RUN_PRELAUNCH;
    clock_stop();
    if (!s->cfg.stopped) {
        must(run_cont(NULL));
    }
    for (;;) {
        loop_turn(UINT64_MAX);
        if (__atomic_load_n(&run.shutdown, __ATOMIC_SEQ_CST) && do_shutdown()) {
            break;
        }
        if (__atomic_exchange_n(&run.power, false, __ATOMIC_SEQ_CST)) {
            do_power();
        }
        if (__atomic_exchange_n(&run.pause, false, __ATOMIC_SEQ_CST)) {
            run_stop(run.pause_as);
        }
        if (__atomic_exchange_n(&run.cont, false, __ATOMIC_SEQ_CST) && run.state == RUN_IO_ERROR) {
            do_cont();
        }
        if (__atomic_exchange_n(&run.reset, false, __ATOMIC_SEQ_CST)) {
            if (run.no_reboot) {
                break;
            }
            do_reset();
        }
    }
    s->accel->pause_all();
    s->accel->stop_all();
    machine_lock();
    displays_end();
    monitor_close_all();
    block_drain_all();
    block_close_all();
    chardev_free_all();
    net_free_all();
    machine_unlock();
    unimp_report();
    if (s->stats) {
        struct buf b = {0};
        s->accel->print_stats(&b);
        fprintf(stderr, "%s", (char *)b.data);
        buf_free(&b);
    }
    return run.code;
}

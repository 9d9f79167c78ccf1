/* What a fuzzed machine has instead of processors and of time.
 *
 * An accelerator that runs nothing: processors take interrupts as far as their pins, and devices that speak to them
 * find the services there. And a clock that stands still between steps, for all of the process (glib too), so that a
 * run is the same each time. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "accel/accel.h"
#include "tests/fuzz/fuzz.h"

/* -- time -------------------------------------------------------------------------------------------------------- */

static u64 fake_ns = 1600000000ull * 1000000000;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    (void)id;
    ts->tv_sec = (time_t)(fake_ns / 1000000000);
    ts->tv_nsec = (long)(fake_ns % 1000000000);
    return 0;
}

void fake_clock_add(u64 ns)
{
    fake_ns += ns;
}

u64 real_clock(void)
{
    struct timespec ts = {0};
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

/* -- processors -------------------------------------------------------------------------------------------------- */

static void no_flush(struct vcpu *cpu, const struct tlb_flush *f)
{
    (void)cpu;
    (void)f;
}
static void nothing(struct vcpu *cpu)
{
    (void)cpu;
}
static const void *no_code(struct vcpu *cpu, u64 pc, u8 *note)
{
    (void)cpu;
    (void)pc;
    *note = 0;
    return NULL;
}
static void no_sync(struct vcpu *cpu, u64 va, u64 n)
{
    (void)cpu;
    (void)va;
    (void)n;
}
void (*vcpu_kick)(struct vcpu *cpu) = nothing;
void vcpu_line(void *to, unsigned line, int level)
{
    struct vcpu *cpu = to;
    must(line < VCPU_MAX_LINES);
    cpu->lines = level ? cpu->lines | 1u << line : cpu->lines & ~(1u << line);
}

static const struct cpu_services services = {
    .tlb_flush = no_flush,
    .context_changed = nothing,
    .mode_changed = nothing,
    .peek_code = no_code,
    .code_sync = no_sync,
    .power_on = nothing,
    .power_off = nothing,
};

static bool idle_init(const struct accel_config *cfg, struct mem_space *space, struct err *e)
{
    (void)cfg;
    (void)space;
    (void)e;
    return true;
}
static bool idle_add(struct vcpu *cpu, struct err *e)
{
    (void)e;
    cpu->sv = &services;
    return true;
}
static void idle(void)
{
}
static void idle_run_on(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg)
{
    fn(cpu, arg);
}
static void idle_stats(struct buf *out)
{
    (void)out;
}
static u64 idle_time(void)
{
    return 0;
}
const struct accel accel_tcg = {
    .name = "tcg",
    .doc = "nothing runs",
    .init = idle_init,
    .add = idle_add,
    .resume_all = idle,
    .pause_all = idle,
    .stop_all = idle,
    .run_on = idle_run_on,
    .tlb_flush_all = idle,
    .cpu_time = idle_time,
    .print_stats = idle_stats,
};

/* Commands on the machine as a whole, its processors, and moss's log. */
#include <string.h>

#include "base/log.h"
#include "config.h"
#include "system/monitor/monitor_priv.h"
#include "target/target.h"

static unsigned chosen_cpu;

struct vcpu *monitor_cpu(void)
{
    struct machine *m = run_the_machine();
    return m && chosen_cpu < m->ncpus ? m->cpus[chosen_cpu] : NULL;
}

bool monitor_choose_cpu(unsigned index)
{
    struct machine *m = run_the_machine();
    if (!m || index >= m->ncpus) {
        return false;
    }
    chosen_cpu = index;
    return true;
}

void monitor_on_cpu(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg)
{
    run_on_cpu(cpu, fn, arg);
}

void hmp_quit(const struct args *a UNUSED, struct buf *out UNUSED)
{
    machine_request_shutdown(SHUTDOWN_HOST_QUIT, 0);
}

void hmp_stop(const struct args *a UNUSED, struct buf *out UNUSED)
{
    run_stop(RUN_PAUSED);
}

void hmp_cont(const struct args *a UNUSED, struct buf *out)
{
    struct err e = {0};
    if (!run_cont(&e)) {
        buf_printf(out, "Error: %s\n", e.msg);
    }
}

void hmp_reset(const struct args *a UNUSED, struct buf *out UNUSED)
{
    machine_request_reset();
}

void hmp_powerdown(const struct args *a UNUSED, struct buf *out UNUSED)
{
    if (chardev_power_request) {
        chardev_power_request();
    }
}

void hmp_cpu(const struct args *a, struct buf *out)
{
    if (a->n[0] > UINT32_MAX || !monitor_choose_cpu((unsigned)a->n[0])) {
        buf_printf(out, "Error: Invalid CPU index\n");
    }
}

void hmp_log(const struct args *a, struct buf *out)
{
    struct err e = {0};
    if (!strcmp(a->s[0], "none")) {
        log_mask = 0;
    } else if (!log_set_items(a->s[0], &e)) {
        buf_printf(out, "Error: %s\n", e.msg);
    }
}

void hmp_logfile(const struct args *a, struct buf *out)
{
    struct err e = {0};
    if (!log_set_file(a->s[0], &e)) {
        buf_printf(out, "Error: %s\n", e.msg);
    }
}

/* -- info ---------------------------------------------------------------------------------------------------------- */

void hmp_info_status(const struct args *a UNUSED, struct buf *out)
{
    buf_printf(out, "VM status: %s\n", run_state_text());
}

void hmp_info_version(const struct args *a UNUSED, struct buf *out)
{
    bool qemu = g_str_has_prefix(report_program, "qemu-");
    buf_printf(out, qemu ? QEMU_VERSION " (moss " MOSS_VERSION ")\n" : MOSS_VERSION "\n");
}

void hmp_info_name(const struct args *a UNUSED, struct buf *out)
{
    const char *name = run_guest_name();
    if (name) {
        buf_printf(out, "%s\n", name);
    }
}

void hmp_info_kvm(const struct args *a UNUSED, struct buf *out)
{
    buf_printf(out, "kvm support: disabled\n"); /* it is no accelerator of ours */
}

void hmp_info_uuid(const struct args *a UNUSED, struct buf *out)
{
    const struct machine *m = run_the_machine();
    for (unsigned i = 0; m && i < sizeof(m->cfg.uuid); i++) {
        buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", m->cfg.uuid[i]);
    }
    buf_printf(out, "\n");
}

void hmp_info_cpus(const struct args *a UNUSED, struct buf *out)
{
    const struct machine *m = run_the_machine();
    for (unsigned i = 0; m && i < m->ncpus; i++) {
        const struct vcpu *cpu = m->cpus[i];
        buf_printf(out, "%c CPU #%u:%s\n", i == chosen_cpu ? '*' : ' ', i,
                   cpu->powered_off ? " (powered off)"
                   : cpu->halted    ? " (halted)"
                                    : "");
    }
}

struct print_job {
    struct buf *out;
};
static void registers_print(struct vcpu *cpu, void *arg)
{
    struct print_job *j = arg;
    if (cpu->target->print) {
        x87_settle(cpu);
        cpu->target->print(cpu, true, j->out);
    } else {
        fields_print(cpu, cpu->target->state, j->out);
    }
}

static void cpu_registers(struct vcpu *cpu, struct buf *out)
{
    struct print_job j = {out};
    buf_printf(out, "\nCPU#%u\n", cpu->index);
    monitor_on_cpu(cpu, registers_print, &j);
}

void hmp_info_registers(const struct args *a, struct buf *out)
{
    struct machine *m = run_the_machine();
    struct vcpu *cpu = monitor_cpu();
    if (a->has[1]) {
        cpu = m && a->n[1] < m->ncpus ? m->cpus[a->n[1]] : NULL;
    }
    if (!cpu) {
        buf_printf(out, a->has[1] ? "CPU#%llu not available\n" : "No CPU available\n", (unsigned long long)a->n[1]);
        return;
    }
    for (unsigned i = 0; a->has[0] && i < m->ncpus; i++) {
        cpu_registers(m->cpus[i], out);
    }
    if (!a->has[0]) {
        cpu_registers(cpu, out);
    }
}

void hmp_info_jit(const struct args *a UNUSED, struct buf *out)
{
    run_accel_stats(out);
}

#include "tests/unit/arm_bench.h"

#include <stdlib.h>
#include <string.h>

struct arm_bench bench;

static void sv_flush(struct vcpu *v, const struct tlb_flush *f)
{
    (void)v;
    bench.flushes++;
    bench.flush = *f;
}
static void sv_changed(struct vcpu *v)
{
    (void)v;
    bench.contexts++;
}
NORETURN static void sv_unwind(struct vcpu *v)
{
    (void)v;
    longjmp(bench.unwound, 1);
}
static u64 sv_pc(struct vcpu *v)
{
    (void)v;
    return BENCH_PC;
}
static void sv_store(struct vcpu *v, u64 va, const void *p, unsigned n, unsigned view)
{
    (void)v;
    (void)view;
    memcpy((u8 *)bench_mem(va), p, n);
}
static void sv_code(struct vcpu *v, u64 va, u64 n)
{
    (void)v;
    (void)va;
    (void)n;
}
static void sv_power_on(struct vcpu *v)
{
    v->powered_off = false;
    bench.power_ons++;
}
static void sv_power_off(struct vcpu *v)
{
    v->powered_off = true;
}

static const void *sv_peek_code(struct vcpu *v, u64 pc, u8 *note)
{
    (void)v;
    (void)pc;
    *note = 0;
    return NULL;
}

static const struct cpu_services services = {
    .tlb_flush = sv_flush,
    .context_changed = sv_changed,
    .mode_changed = sv_changed,
    .unwind = sv_unwind,
    .helper_pc = sv_pc,
    .store = sv_store,
    .peek_code = sv_peek_code,
    .code_sync = sv_code,
    .power_on = sv_power_on,
    .power_off = sv_power_off,
};

struct arm_cpu *bench_cpu(const char *model, bool el2, bool el3)
{
    struct err e = {0};
    if (!bench.space) {
        bench.space = mem_space_new("memory");
        must(ram_new(&bench.ram, "ram", BENCH_RAM_SIZE, &e));
        bench.region =
            (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = BENCH_RAM_SIZE, .host = bench.ram.host};
        mem_map_region(bench.space, &bench.region, BENCH_RAM, 0);
    }
    bench_free();
    bench.cpu = aligned_alloc(64, (sizeof(struct arm_cpu) + 63) & ~63ul);
    memset(bench.cpu, 0, sizeof(struct arm_cpu));
    struct vcpu *v = &bench.cpu->vcpu;
    v->target = &target_aarch64;
    v->space = bench.space;
    snprintf(v->name, sizeof(v->name), "cpu0");
    const struct arm_cpu_opts o = {.has_el2 = el2, .has_el3 = el3, .rvbar = BENCH_RAM};
    if (!target_aarch64.init(v, model, &e) || !arm_configure(v, &o, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    v->sv = &services;
    target_aarch64.reset(v);
    return bench.cpu;
}

void bench_at(struct arm_cpu *cpu, unsigned el)
{
    arm_sp_save(cpu);
    cpu->el = (u8)el;
    cpu->spsel = el > 0;
    arm_sp_load(cpu);
    cpu->daif = 0;
    cpu->pan = cpu->uao = cpu->il = cpu->ss = 0;
    cpu->vcpu.rt.pc = BENCH_PC;
    arm_rebuild(cpu);
}

void bench_free(void)
{
    for (unsigned i = 0; bench.cpu && i < ARM_TIMERS; i++) {
        timer_cancel(&bench.cpu->gt[i].timer);
    }
    if (bench.cpu) {
        timer_cancel(&bench.cpu->pmu_timer);
    }
    free(bench.cpu);
    bench.cpu = NULL;
}

u64 *bench_mem(u64 pa)
{
    must(pa >= BENCH_RAM && pa < BENCH_RAM + BENCH_RAM_SIZE);
    return (u64 *)(void *)(bench.ram.host + (pa - BENCH_RAM));
}

bool bench_mrs(struct arm_cpu *cpu, u32 enc, u64 *v)
{
    return BENCH_RUNS(*v = arm_sysreg_read(cpu, enc, 7));
}

bool bench_msr(struct arm_cpu *cpu, u32 enc, u64 v)
{
    return BENCH_RUNS(arm_sysreg_write(cpu, enc, 7, v));
}

u32 bench_enc(const char *name)
{
    for (unsigned i = 0; i < sysregs_count; i++) {
        if (!strcmp(sysregs[i].name, name)) {
            return sysregs[i].enc;
        }
    }
    fprintf(stderr, "no register %s\n", name);
    abort();
}

/* See a64_machine.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "tests/diff/a64_machine.h"

#define RAM_BASE A64_RAM_BASE
#define RAM_SIZE A64_RAM_SIZE
#define CODE     A64_CODE
#define VECTORS  (RAM_BASE + 0x80000)
#define TABLES   (RAM_BASE + 0x90000)
#define DEV_BASE 0x09000000ull

struct a64_machine a64_machine;

static struct ram ram;
static struct mem_region ram_region, dev_region;
static struct mem_space *space;
static struct arm_cpu *cpu;
static volatile unsigned ended, trapped;

static enum mem_result dev_write(void *o, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)o;
    (void)size;
    (void)a;
    (void)val;
    cpu->vcpu.powered_off = true;
    __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    trapped |= off != 0;
    ended = 1;
    return MEM_OK;
}
static enum mem_result dev_read(void *o, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)o;
    (void)off;
    (void)size;
    (void)a;
    *val = 0;
    return MEM_OK;
}
static const struct mem_ops dev_ops = {dev_read, dev_write, 1, 8, false};

void a64_machine_put(u64 at, const void *p, size_t n)
{
    assert_int_equal(mem_write(space, at, p, n, (struct mem_attrs){0}), MEM_OK);
}

/* Identity map with 1 GiB blocks, a 39-bit space: entry 0 device, entry 1 normal memory. */
static void make_tables(void)
{
    u64 l1[512] = {0};
    l1[0] = 0x00000000ull | 0x401 | 1 << 2; /* AF, valid block, attribute 1: device */
    l1[1] = 0x40000000ull | 0x401 | 3 << 8; /* inner shareable, attribute 0: normal */
    a64_machine_put(TABLES, l1, sizeof(l1));
}

static void make_vectors(void)
{
    for (unsigned i = 0; i < 2048; i += 4) { /* str x9, [x9] after movz x9, #0x900, lsl #16; add #8 */
        static const u32 code[4] = {0xd2a12009, 0x91002129, 0xf9000129, 0x14000000};
        u32 w = code[i / 4 % 4];
        a64_machine_put(VECTORS + i, &w, 4);
    }
}

void a64_machine_new(const struct accel_config *cfg)
{
    struct err e = {{0}};
    space = mem_space_new("system");
    assert_true(ram_new(&ram, "ram", RAM_SIZE, &e));
    ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = RAM_SIZE, .host = ram.host};
    mem_map_region(space, &ram_region, RAM_BASE, 0);
    dev_region = (struct mem_region){.name = "dev", .kind = MEM_MMIO, .size = 4096, .ops = &dev_ops};
    mem_map_region(space, &dev_region, DEV_BASE, 0);
    cpu = aligned_alloc(64, align_up(target_aarch64.cpu_size, 64));
    memset(cpu, 0, target_aarch64.cpu_size);
    cpu->vcpu.target = &target_aarch64;
    cpu->vcpu.space = space;
    snprintf(cpu->vcpu.name, sizeof(cpu->vcpu.name), "cpu0");
    if (!target_aarch64.init(&cpu->vcpu, "max", &e) || !arm_configure(&cpu->vcpu, &(struct arm_cpu_opts){0}, &e)) {
        fail_msg("%s", e.msg);
    }
    assert_true(accel_tcg.init(cfg, space, &e));
    assert_true(accel_tcg.add(&cpu->vcpu, &e));
    make_tables();
    make_vectors();
    a64_machine.cpu = cpu;
    a64_machine.ram = ram.host;
}

unsigned a64_emit_mov(u32 *p, unsigned rd, u64 v)
{
    unsigned n = 0;
    p[n++] = 0xd2800000 | (u32)(v & 0xffff) << 5 | rd;
    for (unsigned h = 1; h < 4; h++) {
        p[n++] = 0xf2800000 | h << 21 | (u32)(v >> (16 * h) & 0xffff) << 5 | rd;
    }
    return n;
}
static unsigned emit_msr(u32 *p, u32 msr, u64 v)
{
    unsigned n = a64_emit_mov(p, 0, v);
    p[n++] = msr;
    return n;
}

unsigned a64_emit_end(u32 *p)
{
    p[0] = 0xd2a12009; /* movz x9, #0x900, lsl #16 */
    p[1] = 0xf9000129; /* str x9, [x9] */
    p[2] = 0x14000000;
    return 3;
}

/* Turns the MMU on from EL1, then branches to the code. */
static u64 boot_code(u64 fpcr)
{
    u32 c[256];
    unsigned n = 0;
    n += emit_msr(c + n, 0xd518a200, 0x00ff);                                        /* MAIR_EL1: 0 normal, 1 device */
    n += emit_msr(c + n, 0xd5182040, 25ull | 25ull << 16 | 1ull << 23 | 1ull << 32); /* TCR_EL1 */
    n += emit_msr(c + n, 0xd5182000, TABLES);                                        /* TTBR0_EL1 */
    n += emit_msr(c + n, 0xd518c000, VECTORS);                                       /* VBAR_EL1 */
    n += emit_msr(c + n, 0xd5181040, 3ull << 20);                                    /* CPACR_EL1 */
    c[n++] = 0xd5033fdf;
    n += emit_msr(c + n, 0xd5181000, 0x30d00801 | 1 << 2 | 1 << 12); /* SCTLR_EL1: M, C, I */
    c[n++] = 0xd5033fdf;
    n += emit_msr(c + n, 0xd51b4400, fpcr); /* FPCR */
    n += emit_msr(c + n, 0xd51b4420, 0);    /* FPSR */
    c[n++] = 0xd500417f;                    /* MSR UAO, #1: LDTR and STTR as EL1 */
    u64 where = CODE + 0x40000;
    c[n] = 0x14000000 | ((u32)((CODE - (where + 4 * n)) / 4) & 0x3ffffff);
    a64_machine_put(where, c, 4 * (n + 1));
    return where;
}

static void run(u64 pc)
{
    ended = trapped = 0;
    cpu->vcpu.rt.pc = pc;
    cpu->vcpu.halted = false;
    cpu->vcpu.powered_off = false;
    accel_tcg.resume_all();
    vcpu_kick(&cpu->vcpu);
    for (unsigned ms = 0; !ended; ms++) {
        assert_true(ms < 120000);
        usleep(200);
    }
    accel_tcg.pause_all();
}

bool a64_machine_run(u64 fpcr, void (*fill)(void *), void *arg)
{
    target_aarch64.reset(&cpu->vcpu);
    arm_set_entry(&cpu->vcpu, 1, CODE, (const u64[4]){0});
    target_aarch64.reset(&cpu->vcpu);
    accel_tcg.tlb_flush_all();
    cpu->vcpu.sv->context_changed(&cpu->vcpu);
    u64 boot = boot_code(fpcr);
    if (fill) {
        fill(arg);
    }
    run(boot);
    a64_machine.fault_elr = cpu->elr_el[1];
    a64_machine.fault_esr = cpu->sr.ESR_EL1;
    return !trapped;
}

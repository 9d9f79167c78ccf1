/* Instructions of x86-64 against the host's own processor: random fillings of every row that a program may run, with
 * random registers, flags and memory, once on the processor and once in the IR interpreter. Registers, flags, memory
 * and faults must be the same; flags that the manual leaves undefined are excepted, and counted.
 *
 * MOSS_SEED, MOSS_X86_INSNS (per row): how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "target/i386/cpu.h"
#include "target/i386/i386.h"
#include "tcg/eval.h"
#include "tcg/interp/interp.h"
#include "tests/diff/x86_random.h"

/* Everything below 2 GiB, so that 32-bit addresses reach it. */
#define CODE_AT   0x10000000ull
#define STATE_AT  0x10010000ull
#define DATA_AT   0x10100000ull
#define DATA_SIZE 0x10000u
#define MIDDLE    (DATA_AT + DATA_SIZE / 2)

static struct x86_rng rng;
static struct x86_features features;

/* -- on the processor
 * ---------------------------------------------------------------------------------------------------- */

struct state {
    u64 r[16], flags, host_sp;
};
static struct state *const host = (struct state *)STATE_AT;
static u8 *const data = (u8 *)DATA_AT;
static sigjmp_buf fault_at;
static volatile int fault_signal;

static void on_fault(int sig)
{
    fault_signal = sig;
    siglongjmp(fault_at, 1);
}

static u8 *absolute(u8 *p, u8 rex, u8 op, unsigned reg, const void *at)
{
    *p++ = rex | (reg >> 3 & 1) << 2;
    *p++ = op;
    *p++ = (reg & 7) << 3 | 4;
    *p++ = 0x25;
    st32le(p, (u32)(uintptr_t)at);
    return p + 4;
}

/* Loads the state, runs the instruction, stores the state. */
static void run_on_host(const u8 *insn, unsigned len)
{
    static const u8 saved[] = {0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57}; /* push rbx rbp r12..r15 */
    static const u8 restored[] = {0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d,
                                  0x41, 0x5c, 0x5d, 0x5b, 0xfc, 0xc3}; /* ...; cld; ret */
    u8 *p = (u8 *)CODE_AT;
    memcpy(p, saved, sizeof(saved));
    p = absolute(p + sizeof(saved), 0x48, 0x89, 4, &host->host_sp);
    *p++ = 0xff; /* push [flags]; popfq */
    *p++ = 0x34;
    *p++ = 0x25;
    st32le(p, (u32)(uintptr_t)&host->flags);
    p += 4;
    *p++ = 0x9d;
    for (unsigned r = 0; r < 16; r++) {
        p = absolute(p, 0x48, 0x8b, r, &host->r[r]);
    }
    memcpy(p, insn, len);
    p += len;
    for (unsigned r = 0; r < 16; r++) {
        p = absolute(p, 0x48, 0x89, r, &host->r[r]);
    }
    p = absolute(p, 0x48, 0x8b, 4, &host->host_sp);
    *p++ = 0x9c; /* pushfq; pop [flags] */
    *p++ = 0x8f;
    *p++ = 0x04;
    *p++ = 0x25;
    st32le(p, (u32)(uintptr_t)&host->flags);
    p += 4;
    memcpy(p, restored, sizeof(restored));
    fault_signal = 0;
    if (sigsetjmp(fault_at, 1) == 0) {
        ((void (*)(void))(uintptr_t)CODE_AT)();
    }
}

/* -- in the interpreter
 * ---------------------------------------------------------------------------------------------------- */

static struct x86_cpu cpu;
static jmp_buf unwound;

static bool inside(u64 va, unsigned n)
{
    return va >= DATA_AT && va + n <= DATA_AT + DATA_SIZE;
}
static void refuse(struct vcpu *v)
{
    v->trap.kind = UTRAP_MEMORY;
    longjmp(unwound, 1);
}
static bool mem_load_cb(void *o, struct vcpu *v, u64 va, u32 mo, union v128 *val)
{
    (void)o;
    if (!inside(va, mo_bytes(mo))) {
        refuse(v);
    }
    memcpy(val, (void *)va, mo_bytes(mo));
    return true;
}
static bool mem_store_cb(void *o, struct vcpu *v, u64 va, u32 mo, const union v128 *val)
{
    (void)o;
    if (!inside(va, mo_bytes(mo))) {
        refuse(v);
    }
    memcpy((void *)va, val, mo_bytes(mo));
    return true;
}
static bool mem_rmw_cb(void *o, struct vcpu *v, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old)
{
    (void)o;
    unsigned n = mo_bytes(mo);
    if (!inside(va, n)) {
        refuse(v);
    }
    *old = ldnle((void *)va, n);
    stnle((void *)va, n, eval_rmw(kind, n, *old, operand));
    return true;
}
static bool mem_cas_cb(void *o, struct vcpu *v, u64 va, u32 mo, u64 expected, u64 val, u64 *old)
{
    (void)o;
    unsigned n = mo_bytes(mo);
    if (!inside(va, n)) {
        refuse(v);
    }
    *old = ldnle((void *)va, n);
    if (*old == (expected & MASK(8 * n))) {
        stnle((void *)va, n, val);
    }
    return true;
}
static void sv_load(struct vcpu *v, u64 va, void *p, unsigned n, unsigned view)
{
    (void)view;
    if (!inside(va, n)) {
        refuse(v);
    }
    memcpy(p, (void *)va, n);
}
static void sv_store(struct vcpu *v, u64 va, const void *p, unsigned n, unsigned view)
{
    (void)view;
    if (!inside(va, n)) {
        refuse(v);
    }
    memcpy((void *)va, p, n);
}
static void *sv_probe(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc, unsigned view)
{
    (void)acc;
    (void)view;
    if (!inside(va, n)) {
        refuse(v);
    }
    return (void *)va;
}
static bool sv_cas128(struct vcpu *v, u64 va, union v128 *expected, const union v128 *val, unsigned view)
{
    (void)view;
    if (!inside(va, 16)) {
        refuse(v);
    }
    bool same = !memcmp((void *)va, expected, 16);
    memcpy(same ? (void *)va : (void *)expected, same ? (const void *)val : (void *)va, 16);
    return same;
}
NORETURN static void sv_unwind(struct vcpu *v)
{
    (void)v;
    longjmp(unwound, 1);
}
static u64 sv_helper_pc(struct vcpu *v)
{
    return v->rt.page + v->rt.insn_off;
}
static void sv_mode_changed(struct vcpu *v)
{
    (void)v;
}
static const struct cpu_services services = {.load = sv_load,
                                             .store = sv_store,
                                             .probe = sv_probe,
                                             .cas128 = sv_cas128,
                                             .unwind = sv_unwind,
                                             .helper_pc = sv_helper_pc,
                                             .mode_changed = sv_mode_changed};

static struct ir ir;

/* False: it raised an exception. */
static bool run_in_interpreter(const u8 *insn, u64 mode)
{
    static const struct interp_mem mem = {mem_load_cb, mem_store_cb, mem_rmw_cb, mem_cas_cb, NULL, NULL};
    u8 page[4096] = {0};
    memcpy(page + 0x100, insn, 16);
    struct tr_request rq = {.mode = mode, .page = page, .off = 0x100, .max_insns = 1};
    struct tr_result rs;
    enum ir_reason why;
    x86_translate(&ir, &rq, &rs);
    struct err e = {{0}};
    if (!ir_verify(&ir, &e)) {
        fail_msg("bad IR: %s", e.msg);
    }
    cpu.vcpu.rt.page = 0x400000;
    for (;;) { /* a repeated string instruction comes back to itself */
        if (setjmp(unwound)) {
            return false;
        }
        if (interp_run(&ir, &cpu.vcpu, &mem, &why) == INTERP_FAULT) {
            return false;
        }
        if (cpu.vcpu.rt.pc != 0x400100) {
            return true;
        }
    }
}

/* -- comparing
 * -------------------------------------------------------------------------------------------------------------- */

static u64 mode_64(void)
{
    return 3 | 2 << MODE_BITS_SHIFT | MODE_PE | MODE_LMA | MODE_SS32 | 0xfffull << MODE_BASE_SHIFT |
           (u64)x86_features_id(&features) << MODE_FEAT_SHIFT;
}

/* Where the memory operand lies, of an instruction that has one. */
static u64 aimed;

/* Registers that make a memory operand lie in the data; false: not with this one. */
static bool aim(struct x86_instr *in, u64 r[16])
{
    bool mem = in->mod != 3 && x86_row_has_modrm(in->row);
    for (unsigned i = 0; i < 4; i++) {
        mem = mem && x86_opds[in->row->opds[i]].place != PL_O;
    }
    if (!mem) {
        return true;
    }
    bool far = in->row->map == MAP_0F &&
               x86_opds[in->row->opds[1]].place == PL_G; /* BT and the like: the register is a number of bits */
    if (in->base >= 16 || in->base == 4 || in->index == 4 || in->base == in->index ||
        (far && (in->reg == in->base || in->reg == in->index))) {
        return false;
    }
    u64 index = 0;
    if (in->index != X86_NO_REG) {
        r[in->index] = (u64)(i64)((i32)(x86_rnd(&rng) % 513) - 256);
        index = r[in->index] << in->scale;
    }
    aimed = MIDDLE + x86_rnd(&rng) % 64;
    r[in->base] = aimed - index - (u64)in->disp;
    if (in->addrsize == 4) {
        r[in->base] = (u32)r[in->base] | x86_rnd(&rng) << 32;
    }
    return true;
}

static u64 number(void)
{
    u64 v = x86_rnd(&rng);
    switch (x86_rnd(&rng) % 8) {
    case 0:
        return v & 0xff;
    case 1:
        return (u64)(i64)(i8)v;
    case 2:
        return 1ull << v % 64;
    case 3:
        return ~0ull << v % 64;
    case 4:
        return x86_rnd(&rng) % 3 ? 0 : ~0ull;
    default:
        return v * 0x9e3779b97f4a7c15;
    }
}

static unsigned shown;
static unsigned long compared, faults, undefined_differ[X86_FNS];

static void show(const u8 *p, const struct x86_instr *in, const struct state *before, const struct state *want,
                 bool fault)
{
    if (shown++ > 40) {
        return;
    }
    char text[64] = "";
    for (unsigned i = 0; i < in->len; i++) {
        sprintf(text + 3 * i, "%02x ", p[i]);
    }
    print_message("%s: %s%s\n", in->row->name, text, fault ? "(one faults)" : "");
    for (unsigned r = 0; r < 16; r++) {
        if (want->r[r] != cpu.vcpu.rt.r[r]) {
            print_message("  r%u: was %016llx, host %016llx, ours %016llx\n", r, (unsigned long long)before->r[r],
                          (unsigned long long)want->r[r], (unsigned long long)cpu.vcpu.rt.r[r]);
        }
    }
    print_message("  flags: were %03llx, host %03llx, ours %03x; rax was %llx rcx %llx rdx %llx\n",
                  (unsigned long long)before->flags & 0xcd5, (unsigned long long)want->flags & 0xcd5,
                  x86_eflags(&cpu) & 0xcd5, (unsigned long long)before->r[0], (unsigned long long)before->r[1],
                  (unsigned long long)before->r[2]);
}

static u8 before_data[DATA_SIZE], host_data[DATA_SIZE];

/* The result is left open by the manual: the processor's counts as ours. */
static void forget_result(const struct x86_instr *in, struct state *want)
{
    unsigned n = x86_opd_bytes(in, in->row->opds[0]);
    if (in->mod == 3) {
        want->r[in->rm] = deposit(want->r[in->rm], 0, 8 * n, cpu.vcpu.rt.r[in->rm]);
    } else {
        memcpy(host_data + (aimed - DATA_AT), data + (aimed - DATA_AT), n);
    }
}

static bool one(const struct x86_row *row)
{
    u8 p[24];
    struct x86_instr in;
    x86_fill(&rng, p, row, 64, row->features[0] == X86_NEVER, false);
    if (x86_decode(&in, p, 20, 64, &features) != X86_DECODED || in.row != row) {
        return false;
    }
    struct state before = {.flags = 0x202 | (x86_rnd(&rng) & 0xcd5)};
    for (unsigned r = 0; r < 16; r++) {
        before.r[r] = number();
    }
    if (row->flags & ROW_REP) {
        before.r[1] = x86_rnd(&rng) % 40;
        before.r[6] = MIDDLE + x86_rnd(&rng) % 512;
        before.r[7] = MIDDLE + x86_rnd(&rng) % 512;
    }
    if (row->fn == X86_FN_leave) {
        before.r[5] = MIDDLE + x86_rnd(&rng) % 512;
    }
    if (x86_opds[row->opds[1]].place == PL_G && row->map == MAP_0F) { /* BT and the like reach far by it */
        before.r[in.reg] = (u64)(i64)(i32)(x86_rnd(&rng) % 4096 - 2048);
    }
    before.r[4] = MIDDLE + 0x1000 + (x86_rnd(&rng) % 64) * 8;
    if (in.seg != SEG_DEFAULT || !aim(&in, before.r)) { /* the host's FS is its own */
        return false;
    }
    u64 block[8];
    for (unsigned i = 0; i < 8; i++) {
        block[i] = number();
    }
    for (unsigned at = 0; at < DATA_SIZE; at += 64) {
        memcpy(data + at, block, 64);
    }
    memcpy(before_data, data, DATA_SIZE);
    *host = before;
    run_on_host(p, in.len);
    struct state want = *host;
    int sig = fault_signal;
    memcpy(host_data, data, DATA_SIZE);
    memcpy(data, before_data, DATA_SIZE);
    memcpy(cpu.vcpu.rt.r, before.r, sizeof(before.r));
    x86_eflags_set(&cpu, (u32)before.flags, ~0u);
    cpu.vcpu.trap = (struct trap){0};
    bool ok = run_in_interpreter(p, mode_64());
    compared++;
    if (sig || !ok) {
        faults++;
        if (!sig != ok) {
            show(p, &in, &before, &want, true);
            return true;
        }
        return true;
    }
    u32 diff = ((u32)want.flags ^ x86_eflags(&cpu)) & 0xcd5, undefined = x86_undefined_flags(&in, before.r[1]);
    undefined_differ[row->fn] += (diff & undefined) != 0;
    if (x86_result_is_undefined(&in, before.r[1])) {
        forget_result(&in, &want);
    }
    if (memcmp(want.r, cpu.vcpu.rt.r, sizeof(want.r)) || (diff & ~undefined) || memcmp(host_data, data, DATA_SIZE)) {
        show(p, &in, &before, &want, false);
    }
    return true;
}

/* Within a test: the test library has handlers of its own. */
static void catch_faults(void)
{
    static u8 stack[1 << 16];
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    sigaltstack(&ss, NULL);
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGTRAP, &sa, NULL);
    sigaction(SIGBUS, &sa, NULL);
}

static void integer_instructions(void **st)
{
    (void)st;
    catch_faults();
    const char *s = getenv("MOSS_SEED"), *n = getenv("MOSS_X86_INSNS");
    rng.state = (s ? strtoull(s, NULL, 0) : (u64)time(NULL)) * 2 + 1;
    print_message("seed %llu\n", (unsigned long long)(rng.state / 2));
    unsigned long per_row = n ? strtoul(n, NULL, 0) : 300;
    features = x86_host_features();
    unsigned rows = 0;
    for (unsigned i = 0; i < x86_nrows; i++) {
        if (!x86_row_is_plain(&x86_rows[i])) {
            continue;
        }
        rows++;
        for (unsigned long k = 0; k < per_row; k++) {
            for (unsigned tries = 0; tries < 50 && !one(&x86_rows[i]); tries++) {
            }
        }
    }
    print_message("%u rows, %lu instructions, %lu faults, %u different\n", rows, compared, faults, shown);
    for (unsigned i = 0; i < X86_FNS; i++) {
        if (undefined_differ[i]) {
            print_message("  undefined flags differ: %s %lu\n", x86_fn_names[i], undefined_differ[i]);
        }
    }
    assert_int_equal(shown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integer_instructions)};
    if (mmap((void *)CODE_AT, 0x200000, PROT_READ | PROT_WRITE | PROT_EXEC,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)CODE_AT) {
        return 77;
    }
    cpu.vcpu.sv = &services;
    cpu.vcpu.user = true;
    cpu.df = 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

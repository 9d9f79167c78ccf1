/* Translated code of x86_engine.h: the engine that runs programs, with the data mapped into its window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "accel/accel.h"
#include "target/i386/i386.h"
#include "tests/diff/x86_engine.h"
#include "tests/diff/x86_host_run.h"

/* Each run has its code at another place, until there is no more. */
enum { CODE_AT = 0x400000, CODE_SIZE = 1 << 20, STEP = 256 };

static struct vcpu *cpu;

static int page_note(u64 va)
{
    return va >= CODE_AT && va < CODE_AT + CODE_SIZE ? 0 : -1;
}

int x86_trap_signal(const struct vcpu *v)
{
    switch (v->trap.kind) {
    case UTRAP_FP:
        return SIGFPE;
    case UTRAP_ILLEGAL:
        return SIGILL;
    case UTRAP_BREAK:
    case UTRAP_STEP:
        return SIGTRAP;
    case UTRAP_ALIGN:
        return SIGBUS;
    default:
        return SIGSEGV;
    }
}

void x86_jit_signal(int sig, void *siginfo, void *ucontext)
{
    accel_tcg_user.host_fault(cpu, sig, siginfo, ucontext);
}

static const struct accel_program program = {.page_note = page_note};

void x86_jit_init(const struct x86_features *f)
{
    struct err e = {{0}};
    struct accel_config cfg = {0};
    if (!ram_window(1ull << 40, 0, &e) || !accel_tcg_user.init(&cfg, &program, &e)) {
        fail_msg("%s", e.msg);
    }
    must(mmap(ram_base + CODE_AT, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED);
    /* of a shared mapping, size 0 is another view of it */
    must(mremap(X86_DATA, 0, X86_DATA_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, ram_base + X86_DATA_AT) != MAP_FAILED);
    cpu = calloc(1, target_x86_64.cpu_size);
    cpu->target = &target_x86_64;
    x86_cpu(cpu)->features = *f;
    x86_cpu(cpu)->features_id = (u8)x86_features_id(f);
    if (!accel_tcg_user.add(cpu, &e)) {
        fail_msg("%s", e.msg);
    }
    x86_user_reset(cpu, 64);
    x86_host_catch(x86_jit_signal);
}

void x86_jit_bits(unsigned bits)
{
    x86_user_reset(cpu, bits);
}

/* Where code may be put that nothing was translated of. */
static u64 fresh_place(void)
{
    static u64 next = CODE_AT;
    if (next == CODE_AT + CODE_SIZE) {
        next = CODE_AT;
        accel_tcg_user.code_changed(CODE_AT, CODE_SIZE);
    }
    next += STEP;
    return next - STEP;
}

int x86_jit_run(const u8 *code, unsigned len, const struct x86_state *in, struct x86_state *out)
{
    u64 at = fresh_place();
    u8 *p = ram_base + at;
    must(len + 2 <= STEP);
    memcpy(p, code, len);
    st16le(p + len, 0x0b0f); /* ud2 */
    x86_state_to_cpu(in, x86_cpu(cpu));
    cpu->rt.pc = at;
    accel_tcg_user.run(cpu);
    x86_state_of_cpu(out, x86_cpu(cpu));
    if (cpu->rt.pc == at + len && cpu->trap.kind == UTRAP_ILLEGAL) {
        return 0;
    }
    out->fault_at = (unsigned)(cpu->rt.pc - at);
    return x86_trap_signal(cpu);
}

/* The interpreter of x86_engine.h. */
#include "tests/diff/x86_engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <string.h>

#include "target/i386/fpu.h"
#include "target/i386/i386.h"
#include "tcg/eval.h"
#include "tcg/interp/interp.h"
#include "tests/diff/x86_host_run.h"

enum { PAGE_AT = 0x400000, CODE_OFF = 0x100 };

static struct x86_cpu cpu;
static jmp_buf unwound;

/* -- memory -----------------------------------------------------------------------------------------------------------
 */

NORETURN static void refuse(struct vcpu *v)
{
    v->trap.kind = UTRAP_MEMORY;
    v->rt.pc = v->rt.page + v->rt.insn_off;
    longjmp(unwound, 1);
}
static void *checked(struct vcpu *v, u64 va, unsigned n)
{
    if (va < X86_DATA_AT || va + n > X86_DATA_AT + X86_DATA_SIZE) {
        refuse(v);
    }
    return (void *)(uintptr_t)va;
}
/* A program's misaligned vectors are #GP. */
static void *access_at(struct vcpu *v, u64 va, u32 mo)
{
    if (va & MASK((mo & MO_ALIGN) >> MO_ALIGN_SHIFT)) {
        refuse(v);
    }
    return checked(v, va, mo_bytes(mo));
}
static bool mem_load_cb(void *o UNUSED, struct vcpu *v, u64 va, u32 mo, union v128 *val)
{
    memcpy(val, access_at(v, va, mo), mo_bytes(mo));
    return true;
}
static bool mem_store_cb(void *o UNUSED, struct vcpu *v, u64 va, u32 mo, const union v128 *val)
{
    memcpy(access_at(v, va, mo), val, mo_bytes(mo));
    return true;
}
static bool mem_rmw_cb(void *o UNUSED, struct vcpu *v, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old)
{
    unsigned n = mo_bytes(mo);
    void *p = access_at(v, va, mo);
    *old = ldnle(p, n);
    stnle(p, n, eval_rmw(kind, n, *old, operand));
    return true;
}
static bool mem_cas_cb(void *o UNUSED, struct vcpu *v, u64 va, u32 mo, u64 expected, u64 val, u64 *old)
{
    unsigned n = mo_bytes(mo);
    void *p = access_at(v, va, mo);
    *old = ldnle(p, n);
    if (*old == (expected & MASK(8 * n))) {
        stnle(p, n, val);
    }
    return true;
}

/* -- services ---------------------------------------------------------------------------------------------------------
 */

static void sv_load(struct vcpu *v, u64 va, void *p, unsigned n, unsigned view UNUSED)
{
    memcpy(p, checked(v, va, n), n);
}
static void sv_store(struct vcpu *v, u64 va, const void *p, unsigned n, unsigned view UNUSED)
{
    memcpy(checked(v, va, n), p, n);
}
static void *sv_probe(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc UNUSED, unsigned view UNUSED)
{
    return checked(v, va, n);
}
static bool sv_cas128(struct vcpu *v, u64 va, union v128 *expected, const union v128 *val, unsigned view UNUSED)
{
    void *p = checked(v, va, 16);
    bool same = !memcmp(p, expected, 16);
    memcpy(same ? p : (void *)expected, same ? (const void *)val : p, 16);
    return same;
}
NORETURN static void sv_unwind(struct vcpu *v UNUSED)
{
    longjmp(unwound, 1);
}
static u64 sv_helper_pc(struct vcpu *v)
{
    return v->rt.page + v->rt.insn_off;
}
static void sv_mode_changed(struct vcpu *v UNUSED)
{
}
static const struct cpu_services services = {.load = sv_load,
                                             .store = sv_store,
                                             .probe = sv_probe,
                                             .cas128 = sv_cas128,
                                             .unwind = sv_unwind,
                                             .helper_pc = sv_helper_pc,
                                             .mode_changed = sv_mode_changed};

void x86_interp_init(const struct x86_features *f)
{
    cpu.vcpu.sv = &services;
    cpu.vcpu.target = &target_x86_64;
    cpu.features = *f;
    cpu.features_id = (u8)x86_features_id(f);
    x86_user_reset(&cpu.vcpu, 64);
}

void x86_interp_bits(unsigned bits)
{
    x86_user_reset(&cpu.vcpu, bits);
}

/* -- running ----------------------------------------------------------------------------------------------------------
 */

static struct ir ir;

static void translate(const u8 *page, u32 off, unsigned insns)
{
    struct tr_request rq = {.mode = target_x86_64.mode(&cpu.vcpu), .page = page, .off = off, .max_insns = insns};
    struct tr_result rs;
    struct err e = {{0}};
    x86_translate(&ir, &rq, &rs);
    if (!ir_verify(&ir, &e)) {
        fail_msg("bad IR: %s", e.msg);
    }
}

/* False: it was ended by an exception. */
static bool run(const u8 *page, u32 end, unsigned insns)
{
    static const struct interp_mem mem = {mem_load_cb, mem_store_cb, mem_rmw_cb, mem_cas_cb, NULL, NULL};
    enum ir_reason why;
    cpu.vcpu.rt.page = PAGE_AT;
    cpu.vcpu.rt.pc = PAGE_AT + CODE_OFF;
    volatile u64 made_for = 0;
    if (setjmp(unwound)) {
        return false;
    }
    while (cpu.vcpu.rt.pc != PAGE_AT + end) { /* a repeated string instruction comes back to itself */
        if (cpu.vcpu.rt.pc != made_for) {
            made_for = cpu.vcpu.rt.pc;
            translate(page, (u32)(made_for - PAGE_AT), made_for == PAGE_AT + CODE_OFF ? insns : 1);
        }
        enum interp_end how = interp_run(&ir, &cpu.vcpu, &mem, &why);
        if (how == INTERP_FAULT) {
            return false;
        }
        if (how == INTERP_LOOP && why == REASON_CARE) {
            x86_careful(&cpu.vcpu);
            made_for = 0;
        }
    }
    return true;
}

int x86_interp_run(const u8 *code, unsigned len, unsigned insns, const struct x86_state *in, struct x86_state *out)
{
    static u8 page[4096];
    memset(page, 0, sizeof(page));
    memcpy(page + CODE_OFF, code, len);
    x86_state_to_cpu(in, &cpu);
    cpu.vcpu.trap = (struct trap){0};
    cpu.vcpu.rt.event = 0;
    bool ok = run(page, CODE_OFF + len, insns);
    x86_state_of_cpu(out, &cpu);
    out->fault_at = ok ? 0 : (unsigned)(cpu.vcpu.rt.pc - PAGE_AT) - CODE_OFF;
    return ok ? 0 : x86_trap_signal(&cpu.vcpu);
}

/* The MMU as the accelerator sees it: keys of translations, walks for TLB fills, page faults, flushes.
 *
 * A key (struct mmu_key): level 3's or the supervisor's accesses, whether SMAP is lifted by AC, the PCID; in w[1] PKRU
 * when protection keys are on. So these change the key and flush nothing; other control bits flush all. The
 * supervisor's system view (descriptor tables, task states) is its normal view; AC changes the view, and no key. */
#include "target/i386/cpu.h"
#include "target/i386/i386.h"

#include "base/log.h"

enum { KEY_USER = 0, KEY_AC = 1, KEY_PCID = 8 };

unsigned x86_view(const struct x86_cpu *cpu)
{
    return cpu->cpl < 3 && cpu->cr4 & CR4_SMAP && cpu->eflags & EFL_AC ? X86_VIEW_LIFTED : X86_VIEW_NORMAL;
}
static u64 pcid(const struct x86_cpu *cpu)
{
    return cpu->cr4 & CR4_PCIDE ? cpu->cr3 & 0xfff : 0;
}

void x86_context(const struct vcpu *v, unsigned view, struct mmu_key *key)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    bool user = view == X86_VIEW_NORMAL && cpu->cpl == 3;
    key->w[0] = (u64)user << KEY_USER | (u64)(view == X86_VIEW_LIFTED) << KEY_AC | pcid(cpu) << KEY_PCID;
    key->w[1] = cpu->cr4 & CR4_PKE ? cpu->sys.pkru : 0;
}

/* -- walks
 * ----------------------------------------------------------------------------------------------------------------
 */

enum { WHY_ERROR, WHY_CANONICAL };

bool x86_walk(struct vcpu *v, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct x86_xlat q = {.cpu = cpu,
                         .user = view == X86_VIEW_NORMAL && cpu->cpl == 3,
                         .fetch = acc == MMU_FETCH,
                         .write = acc == MMU_STORE,
                         .lifted = view == X86_VIEW_LIFTED};
    struct x86_xlat_out o;
    if (x86_long(cpu) && !x86_canonical(cpu, va)) {
        r->why[WHY_CANONICAL] = 1;
        return false;
    }
    if (!x86_translate_va(&q, va, &o)) {
        r->why[WHY_ERROR] = o.error;
        return false;
    }
    *r = (struct walk_result){.pa = o.pa,
                              .page_size = o.size,
                              .r = o.r,
                              .w = o.w,
                              .x = o.x,
                              .global = o.global,
                              .dirty_pending = o.dirty_pending,
                              .attrs = x86_attrs(x86_cpu(v))};
    r->attrs.user = q.user;
    return true;
}

/* -- faults
 * ---------------------------------------------------------------------------------------------------------------
 */

/* Bytes at pc, as the processor itself reads them; fewer where it can't. */
static unsigned peek(struct x86_cpu *cpu, u64 pc, u8 *p, unsigned n)
{
    struct x86_xlat q = {.cpu = cpu, .user = cpu->cpl == 3, .fetch = true};
    struct x86_xlat_out o;
    for (unsigned i = 0; i < n; i++) {
        u64 byte;
        if (!x86_translate_va(&q, pc + i, &o) || mem_load(cpu->vcpu.space, o.pa, 1, &byte, x86_attrs(cpu)) != MEM_OK) {
            return i;
        }
        p[i] = (u8)byte;
    }
    return n;
}

/* In 64-bit mode an address that is not canonical is #SS when the access is of the stack: by SS, by rSP or rBP as a
 * base, or by what pushes and pops. The instruction tells. */
static bool is_stack_access(struct x86_cpu *cpu, u64 va)
{
    u8 code[15];
    struct x86_instr in;
    unsigned n = peek(cpu, cpu->vcpu.rt.pc, code, sizeof(code));
    if (x86_decode(&in, code, n, 64, &cpu->features) != X86_DECODED) {
        return false;
    }
    bool memory = x86_row_has_modrm(in.row) && in.mod != 3 && in.base != X86_RIP;
    if (memory) {
        const u64 *r = cpu->vcpu.rt.r;
        u64 ea = (u64)in.disp + (in.base < 16 ? r[in.base] : 0) + (in.index < 16 ? r[in.index] << in.scale : 0);
        u64 base = in.seg >= SEG_FS && in.seg <= SEG_GS ? cpu->seg[in.seg].base : 0;
        if (va - (ea + base) < 512) {
            return in.seg == SEG_DEFAULT ? in.base == 4 || in.base == 5 : in.seg == SEG_SS;
        }
    }
    return va - (cpu->vcpu.rt.r[4] - 64) < 128 || (in.row->fn == X86_FN_leave && va == cpu->vcpu.rt.r[5]);
}

/* A locked access for which the host has no atomic one: of two pages, or of a device. With one processor a load and a
 * store in one block are as good. */
static bool locked_elsewhere(struct vcpu *v, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size)
{
    bool crosses = (va & 4095) + size > 4096;
    return acc == MMU_STORE &&
           ((kind == FAULT_ALIGN && size <= 8 && crosses && !(x86_mode(v) & MODE_ALIGN)) || kind == FAULT_BUS);
}

/* May all of it be written? It is asked before anything is read. */
static bool locked_allowed(struct vcpu *v, u64 *va, unsigned size, unsigned view, struct walk_result *r)
{
    u64 last = (*va + size - 1) & ~4095ull;
    *r = (struct walk_result){0};
    if (!x86_walk(v, *va, MMU_STORE, view, r)) {
        return false;
    }
    if (last > *va) {
        *va = last;
        return x86_walk(v, last, MMU_STORE, view, r);
    }
    return true;
}

void x86_fault(struct vcpu *v, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
               const struct walk_result *r)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (v->user) {
        if (kind == FAULT_ALIGN) {
            x86_user_trap(cpu, x86_mode(v) & MODE_ALIGN ? EXC_AC : EXC_GP, 0);
        } else if ((u64)sext(va, 48) != va) { /* not canonical */
            x86_user_trap(cpu, EXC_GP, 0);
        } else {
            x86_user_page_fault(cpu, va, acc);
        }
        return;
    }
    struct walk_result other;
    if (!cpu->sys.split && locked_elsewhere(v, kind, va, acc, size)) {
        if (locked_allowed(v, &va, size, view, &other)) { /* the instruction runs again */
            cpu->sys.split = true;
            v->sv->mode_changed(v);
            return;
        }
        kind = FAULT_TRANSLATION;
        r = &other;
    }
    switch (kind) {
    case FAULT_TRANSLATION:
        if (r->why[WHY_CANONICAL]) {
            bool stack =
                view != X86_VIEW_SYSTEM && acc != MMU_FETCH && !cpu->sys.delivering && is_stack_access(cpu, va);
            x86_exception(cpu, stack ? EXC_SS : EXC_GP, cpu->sys.ext);
            return;
        }
        cpu->cr2 = va;
        x86_exception(cpu, EXC_PF, (u32)r->why[WHY_ERROR]);
        return;
    case FAULT_ALIGN: /* SSE's own alignment is not checked by AC */
        x86_exception(cpu, x86_mode(v) & MODE_ALIGN ? EXC_AC : EXC_GP, 0);
        return;
    case FAULT_BUS: /* boards answer everywhere; only code can be nowhere */
        guest_error("x86", "%s at %llx, where nothing is", acc == MMU_FETCH ? "code" : "an access",
                    (unsigned long long)va);
        x86_exception(cpu, acc == MMU_FETCH ? EXC_UD : EXC_GP, 0);
        return;
    case FAULT_WATCH:
        must(!"breakpoints on data do not fault");
    }
}

/* -- flushes
 * ---------------------------------------------------------------------------------------------------------------
 */

static void flush(struct x86_cpu *cpu, const struct tlb_flush *f)
{
    if (cpu->vcpu.sv && !cpu->vcpu.user) {
        cpu->vcpu.sv->tlb_flush(&cpu->vcpu, f);
    }
}
void x86_flush_all(struct x86_cpu *cpu)
{
    flush(cpu, &(struct tlb_flush){.mask = {{0, 0}}});
}
/* One PCID's, without the global pages that others have too. */
void x86_flush_pcid(struct x86_cpu *cpu, unsigned id)
{
    flush(cpu, &(struct tlb_flush){
                   .mask = {{0xfffull << KEY_PCID, 0}}, .want = {{(u64)id << KEY_PCID, 0}}, .keep_global = true});
}
void x86_flush_local(struct x86_cpu *cpu)
{
    flush(cpu, &(struct tlb_flush){.keep_global = true});
}
void x86_flush_page(struct x86_cpu *cpu, unsigned id, u64 va)
{
    const u64 mask = 0xfffull << KEY_PCID;
    flush(cpu, &(struct tlb_flush){.mask = {{mask, 0}},
                                   .want = {{(u64)id << KEY_PCID, 0}},
                                   .global_ignore = {{mask, 0}},
                                   .va = va & ~4095ull,
                                   .len = 4096});
}
void x86_flush_here(struct x86_cpu *cpu, u64 va)
{
    x86_flush_page(cpu, (unsigned)pcid(cpu), va);
}

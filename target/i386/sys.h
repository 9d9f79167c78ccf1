/* The system level's state, and what its files ask of each other. SPEC: Intel SDM volume 3, chapters 2 to 7 and 17. */
#ifndef MOSS_TARGET_I386_SYS_H
#define MOSS_TARGET_I386_SYS_H

#include "base/bits.h"
#include "target/i386/cpu_slots.h"
#include "target/i386/i386.h"
#include "target/target.h"

struct x86_cpu;

struct x86_seg {
    u64 base;
    u32 limit; /* in bytes, as SLOT_xx_LIMIT */
    u16 sel;
    u16 attr; /* bits 55:40 of the descriptor: type, S, DPL, P; AVL, L, D/B, G */
};
struct x86_table {
    u64 base;
    u32 limit;
};

/* What asks for the cpu's attention from outside, or once: bits of x86_sys.pending (atomic). */
enum { X86_PEND_NMI = 1, X86_PEND_SMI = 2, X86_PEND_INIT = 4, X86_PEND_SIPI = 8 };

enum { X86_MTRRS = 8, X86_FIXED_MTRRS = 11 };

struct x86_sys {
    struct x86_table gdt, idt;
    struct x86_seg ldt, tr;
    u64 dr[4], dr6, dr7;
    u64 pdpte[4]; /* PAE paging outside IA-32e mode */
    u64 tpr;      /* CR8, where no APIC has it */
    u32 pkru;
    u64 star, lstar, cstar, fmask, kernel_gs_base;
    u64 sysenter_cs, sysenter_esp, sysenter_eip;
    u64 pat, misc_enable, syscfg, hwcr, nb_cfg, mtrr_def, mtrr_fixed[X86_FIXED_MTRRS], mtrr_base[X86_MTRRS],
        mtrr_mask[X86_MTRRS];
    u64 tsc_offset, debugctl, feature_control, microcode, mcg_status;
    u64 zero, tsc_aux; /* of MSRs without a field of their own */
    u32 smbase;
    u32 pending;                             /* X86_PEND_*: set by any thread */
    u32 sipi;                                /* vector of the last start-up IPI; any thread */
    bool wait_sipi;                          /* halted until one comes */
    bool smm, nmi_masked, nmi_masked_before; /* ... when SMM was entered */
    bool shut_down;                          /* by a triple fault */
    bool halted;     /* the last instruction was HLT, and nothing came since: what SMM must know */
    bool own;        /* the INT under way is INT3 or INTO */
    bool a20_masked; /* as the TLB has it */
    bool split;      /* MODE_SPLIT */
    bool tight;      /* code near its segment's limit: an instruction a block (MODE_TIGHT) */
    u8 hit;          /* data breakpoints that this instruction has met */
    /* While an event is being delivered. */
    u8 delivering; /* enum delivery */
    u8 ext;        /* bit 0 of error codes: the event came from outside the program */
    u64 deliver_pc;
    bool in_new_task; /* what faults now is the new task, at deliver_pc */
    /* The board's. */
    struct mem_space *io;
    int (*ack)(void *opaque); /* the vector of the interrupt that INTR asks for; -1: it is gone. Machine lock held */
    void *ack_opaque;
    const struct x86_apic_ops *apic_ops; /* NULL: it has none */
    void *apic;
    struct x86_spot place;
};

/* -- descriptors (seg.c) --------------------------------------------------------------------------------------------
 */

#define SEL_RPL(s) ((s)&3u)
#define SEL_ERR(s) ((u32)(s)&0xfffcu) /* as an error code */

static inline u64 desc_base(u64 d)
{
    return (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
}
static inline u32 desc_limit(u64 d)
{
    u32 l = (u32)((d & 0xffff) | (d >> 32 & 0xf0000));
    return d >> 55 & 1 ? l << 12 | 0xfff : l;
}
static inline u16 desc_attr(u64 d)
{
    return (u16)(d >> 40);
}
static inline unsigned desc_type(u64 d) /* with S as bit 4 */
{
    return (unsigned)(d >> 40) & 31;
}
static inline unsigned desc_dpl(u64 d)
{
    return (unsigned)(d >> 45) & 3;
}
static inline bool desc_present(u64 d)
{
    return d >> 47 & 1;
}
/* Types of system descriptors (volume 3, table 3-2). */
enum {
    DT_TSS16 = 1,
    DT_LDT = 2,
    DT_TSS16_BUSY = 3,
    DT_CALL16 = 4,
    DT_TASK = 5,
    DT_INT16 = 6,
    DT_TRAP16 = 7,
    DT_TSS = 9,
    DT_TSS_BUSY = 11,
    DT_CALL = 12,
    DT_INT = 14,
    DT_TRAP = 15,
};

/* May n bytes at an offset be read (written)? */
bool x86_seg_holds(const struct x86_seg *s, u64 offset, u64 n, bool write);
bool x86_long(const struct x86_cpu *cpu);   /* IA-32e mode */
bool x86_code64(const struct x86_cpu *cpu); /* its 64-bit mode */
bool x86_real(const struct x86_cpu *cpu);   /* real or virtual-8086 mode: segments are paragraphs */
bool x86_canonical(const struct x86_cpu *cpu, u64 va);
/* Memory as the supervisor, by linear address; faults unwind. */
u64 x86_sys_load(struct x86_cpu *cpu, u64 la, unsigned n);
void x86_sys_store(struct x86_cpu *cpu, u64 la, u64 v, unsigned n);

/* The descriptor of a selector that is not null; false: beyond its table. Faults unwind. */
bool x86_desc_read(struct x86_cpu *cpu, u16 sel, u64 *d);
/* The same, or the exception with the selector as its error code. */
u64 x86_desc_get(struct x86_cpu *cpu, u16 sel, enum x86_exception vector);
u64 x86_desc_high(struct x86_cpu *cpu, u16 sel); /* bytes 8 to 15 of a 16-byte descriptor */
/* Changes bits of the type byte in memory, atomically. */
void x86_desc_type(struct x86_cpu *cpu, u16 sel, u8 set, u8 clear);
void x86_seg_put(struct x86_cpu *cpu, unsigned seg, u16 sel, u64 d); /* from a descriptor; marks it accessed */
void x86_seg_paragraph(struct x86_cpu *cpu, unsigned seg, u16 sel);  /* real and virtual-8086 mode */
void x86_seg_null(struct x86_cpu *cpu, unsigned seg, u16 sel);
void x86_seg_load(struct x86_cpu *cpu, unsigned seg, u16 sel); /* MOV to ES SS DS FS GS; with all checks */
/* The stack segment for a privilege level, from a TSS or a stack frame: the exception for what is wrong with it. */
u64 x86_stack_check(struct x86_cpu *cpu, u16 sel, unsigned cpl, enum x86_exception vector);
/* A code segment that is entered at privilege level `cpl`: checks of CS.L, CS.D and the offset; sets CS and rt.pc. */
void x86_code_enter(struct x86_cpu *cpu, u16 sel, u64 d, u64 ip, unsigned cpl);
void x86_ldt_load(struct x86_cpu *cpu, u16 sel, bool by_task);
/* To an outer level: what it may not use is closed. */
void x86_segs_demote(struct x86_cpu *cpu);

/* -- a stack that is being filled or emptied; SP is written by the one who made it -------------------------------- */

struct x86_stack {
    struct x86_cpu *cpu;
    struct x86_seg seg;
    u64 sp, mask;
    unsigned view;
    u32 error; /* of #SS when it is too small */
    bool flat; /* 64-bit: nothing but canonical addresses */
};
void x86_stack_here(struct x86_cpu *cpu, struct x86_stack *s);
void x86_stack_new(struct x86_cpu *cpu, struct x86_stack *s, u16 sel, u64 d, u64 sp, unsigned cpl);
void x86_push(struct x86_stack *s, u64 v, unsigned n);
u64 x86_pop(struct x86_stack *s, unsigned n);
u64 x86_stack_peek(struct x86_stack *s, u64 off, unsigned n); /* n bytes at sp + off */
void x86_sp_set(struct x86_cpu *cpu, u64 sp, u64 mask);

/* -- tasks (task.c), events (interrupt.c) ---------------------------------------------------------------------------
 */

enum x86_task { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_INT };
/* To the task of an available (IRET: busy) TSS. next: where the old one goes on. Sets rt.pc. */
void x86_task_switch(struct x86_cpu *cpu, u16 sel, u64 d, enum x86_task how, u64 next);
/* SS:SP of an inner level from the TSS in use; 64-bit: RSPn, or ISTn with n + 3. */
void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, u16 *ss, u64 *sp);
u64 x86_tss_rsp(struct x86_cpu *cpu, unsigned n);

void x86_exception_deliver(struct x86_cpu *cpu, enum x86_exception vector, u32 error);
void x86_int_deliver(struct x86_cpu *cpu, unsigned vector, u64 next);
enum delivery { DELIVER_NOT, DELIVER_BENIGN, DELIVER_CONTRIBUTORY, DELIVER_PAGE_FAULT, DELIVER_DOUBLE };
enum x86_event { EVENT_FAULT, EVENT_TRAP, EVENT_SOFT /* INT n, INT3, INTO */, EVENT_OUTSIDE /* NMI, INTR */ };
void x86_deliver(struct x86_cpu *cpu, enum x86_event kind, unsigned vector, u32 error, u64 next);
bool x86_has_error_code(unsigned vector);
bool x86_interrupt(struct vcpu *v);
bool x86_has_work(const struct vcpu *v);
void x86_irq_check(struct x86_cpu *cpu); /* an interrupt may have become possible */
bool x86_intr_waits(const struct x86_cpu *cpu);
void x86_pins_sync(struct x86_cpu *cpu); /* A20 */

/* -- the rest ------------------------------------------------------------------------------------------------------ */

void x86_sys_reset(struct x86_cpu *cpu, bool init); /* init: INIT, which leaves some of it */
void x86_msrs_reset(struct x86_cpu *cpu);
u64 x86_tpr_read(const struct x86_cpu *cpu);
void x86_tpr_write(struct x86_cpu *cpu, u64 v);
u64 x86_mode(const struct vcpu *v);
void x86_print(const struct vcpu *v, bool all, struct buf *out); /* print.c */
/* Mode, privilege or paging may have changed. */
void x86_changed(struct x86_cpu *cpu);
void x86_flush_all(struct x86_cpu *cpu);
void x86_flush_local(struct x86_cpu *cpu); /* all but global pages */
void x86_flush_pcid(struct x86_cpu *cpu, unsigned id);
void x86_flush_page(struct x86_cpu *cpu, unsigned id, u64 va); /* and global pages there */
void x86_flush_here(struct x86_cpu *cpu, u64 va);
bool x86_cr0_write(struct x86_cpu *cpu, u64 v); /* false: #GP(0) */
bool x86_cr3_write(struct x86_cpu *cpu, u64 v);
bool x86_cr4_write(struct x86_cpu *cpu, u64 v);
bool x86_pdptes_load(struct x86_cpu *cpu, u64 cr3, bool pae);
void x86_flags_load(struct x86_cpu *cpu, u64 v, unsigned n, bool iret); /* POPF, IRET: what the level may change */
bool x86_io_allowed(struct x86_cpu *cpu, unsigned port, unsigned n);
u64 x86_tsc(const struct x86_cpu *cpu);
void x86_syscall(struct x86_cpu *cpu, u64 next);
void x86_sysenter(struct x86_cpu *cpu);
void x86_smm_enter(struct x86_cpu *cpu, bool halted);
void x86_sipi_enter(struct x86_cpu *cpu); /* at the vector of the start-up IPI */
unsigned x86_phys_bits(const struct x86_cpu *cpu);

/* mmu.c, walk.c */
unsigned x86_view(const struct x86_cpu *cpu); /* of the program's own accesses */
void x86_context(const struct vcpu *v, unsigned view, struct mmu_key *key);
bool x86_walk(struct vcpu *v, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r);
void x86_fault(struct vcpu *v, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
               const struct walk_result *r);
struct x86_xlat {
    struct x86_cpu *cpu;
    bool user, fetch, write, lifted; /* lifted: AC lifts SMAP */
};
struct x86_xlat_out {
    u64 pa, size;
    bool r, w, x, global, dirty_pending;
    u32 error; /* of the page fault */
};
bool x86_translate_va(const struct x86_xlat *q, u64 va, struct x86_xlat_out *o);

/* debug.c */
enum { DR6_BS = 1 << 14, DR6_BT = 1 << 15, DR6_BD = 1 << 13 };
#define DR6_ONES 0xffff0ff0u
enum { DR7_GD = 1 << 13, DR7_ONE = 1 << 10 };
bool x86_watch_hit(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc);
bool x86_watch_page(const struct vcpu *v, u64 page);
bool x86_debug_on(const struct x86_cpu *cpu); /* DR7 enables something */
unsigned x86_done_how(const struct x86_cpu *cpu);
void x86_far_done(struct x86_cpu *cpu, unsigned how); /* does not return when a trap follows */
void x86_io_break(struct x86_cpu *cpu, unsigned port, unsigned n);

#endif

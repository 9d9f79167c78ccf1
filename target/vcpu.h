/* The common head of every CPU struct, and the services a CPU may ask of whoever runs it (the accelerator). Services
 * are called on the vcpu's own thread, without the machine lock, unless their line says otherwise. */
#ifndef MOSS_TARGET_VCPU_H
#define MOSS_TARGET_VCPU_H

#include "base/irq.h"
#include "memory/memory.h"
#include "tcg/rt.h"

struct target;
struct vcpu;

enum mmu_access { MMU_LOAD, MMU_STORE, MMU_FETCH };

/* Which translations a view of a vcpu uses: two contexts with equal keys share TLB entries. Words are the target's. */
struct mmu_key {
    u64 w[2];
};

/* TLB flushes a target asks for. An entry goes when every given condition holds: (key.w[i] & mask[i]) ==
 * (want[i] & mask[i]) for its context's key, and its page overlaps [va, va + len) (len 0: all pages). Entries made from
 * a walk that set `global` also go from contexts that differ in the bits of global_ignore. */
struct tlb_flush {
    struct mmu_key mask, want, global_ignore;
    u64 va, len;
    u64 va_mask;      /* bits of the address that are compared (a top byte may be ignored); 0: all */
    bool all_cpus;    /* every vcpu of the machine; complete before the caller's next instruction */
    bool keep_global; /* len 0: entries made from a walk that set `global` stay */
};

struct cpu_services {
    void (*tlb_flush)(struct vcpu *cpu, const struct tlb_flush *f);
    /* The key of a view may have changed (address space, exception level...). */
    void (*context_changed)(struct vcpu *cpu);
    /* target->mode() may have changed; context_changed implies it. */
    void (*mode_changed)(struct vcpu *cpu);
    /* Leaves translated code from inside a helper with HF_FAULT: state is complete, rt.pc set. */
    NORETURN void (*unwind)(struct vcpu *cpu);
    /* The address of the instruction a HF_FAULT helper belongs to. */
    u64 (*helper_pc)(struct vcpu *cpu);
    /* Guest memory by virtual address, through a view, from a HF_FAULT helper: faults unwind. Sizes 1..4096 bytes. */
    void (*load)(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view);
    void (*store)(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view);
    /* Is it memory with a device's attributes (walk_result.device)? Faults unwind. */
    bool (*is_device)(struct vcpu *cpu, u64 va, enum mmu_access acc, unsigned view);
    /* A host pointer for n bytes (inside one page) of plain RAM; faults unwind; NULL: MMIO or watched. */
    void *(*probe)(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc, unsigned view);
    /* Host pointer to the code at pc if this cpu has run code of that page lately in its present address space; no
     * fault, no walk; NULL: not known. *note is the page's walk_result.note. */
    const void *(*peek_code)(struct vcpu *cpu, u64 pc, u8 *note);
    /* Exclusive monitor: load-exclusive marks, store-exclusive tells whether no other write came between. Values of
     * n = 1..16 bytes. Correct against ABA. */
    void (*load_exclusive)(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view);
    bool (*store_exclusive)(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view);
    /* 16-byte compare and swap, single-copy atomic; faults unwind. */
    bool (*cas128)(struct vcpu *cpu, u64 va, union v128 *expected, const union v128 *val, unsigned view);
    /* The guest made code in [va, va + n) coherent (IC IVAU and the like). */
    void (*code_sync)(struct vcpu *cpu, u64 va, u64 n);
    /* In a helper that an unsteady trace begins with: its bytes are others now. Does not return. */
    NORETURN void (*code_stale)(struct vcpu *cpu);
    /* User mode: what the kernel would say of a page of code: walk_result.note, or -1: it is none. */
    int (*page_note)(struct vcpu *cpu, u64 va);
    /* Another vcpu is to start at what its struct holds now (PSCI CPU_ON), or this one stops for good until then. */
    void (*power_on)(struct vcpu *other);
    void (*power_off)(struct vcpu *self);
};

enum { /* vcpu.lines: input pins, set by any thread with atomics, by target convention */
       VCPU_MAX_LINES = 32
};

/* User mode: why a program's cpu stopped, in the words of the kernel that it believes to run under. The target records
 * it in vcpu.trap where it would otherwise enter an exception; rt.pc is the instruction to go on with afterwards. */
enum trap_kind {
    UTRAP_NONE,
    UTRAP_SYSCALL, /* rt.pc: behind the instruction */
    UTRAP_MEMORY,  /* an access was refused: addr, access; SIGSEGV or SIGBUS by what the host said */
    UTRAP_ALIGN,   /* addr: an unaligned access or pc */
    UTRAP_ILLEGAL, /* unallocated or not for programs */
    UTRAP_BREAK,   /* a breakpoint instruction */
    UTRAP_STEP,
    UTRAP_FP, /* code: the target's exception bits */
};
struct trap {
    u8 kind;   /* enum trap_kind */
    u8 access; /* enum mmu_access */
    u32 code;  /* the target's own syndrome (A64: ESR_EL1) */
    u64 addr;
    int host_signal, host_code; /* UTRAP_MEMORY: si_signo and si_code of the host's refusal, 0 when moss refused */
};

struct vcpu {
    struct rt rt; /* must be first: translated code addresses it */
    const struct target *target;
    const struct cpu_services *sv;
    struct mem_space *space; /* physical memory as this cpu sees it */
    unsigned index;          /* 0.. in the machine */
    u32 lines;               /* levels of the input pins; atomic */
    bool halted;             /* waits for target->has_work */
    bool powered_off;
    bool looking;     /* a person looks at memory through target->walk: it leaves no mark (accessed, dirty) */
    u64 pause_ns;     /* not halted: left translated code to wait so long at most, or until something sets rt.event */
    bool user;        /* runs one program: exceptions become `trap` */
    struct trap trap; /* user mode */
    void *accel;      /* the accelerator's own */
    void *board;      /* the board's, or user mode's, own */
    char name[16];    /* "cpu0" */
};

/* Sets an input pin: any thread. Wakes the cpu when target->has_work says so. The function of an irq value. */
void vcpu_line(void *cpu, unsigned line, int level);
/* Makes the running cpu look at its event word soon, or wakes it: any thread. Set by the accelerator. */
extern void (*vcpu_kick)(struct vcpu *cpu);
/* Bits of rt.event. */
enum {
    EVENT_IRQ = 1,    /* a pin or pending-interrupt state changed: target->interrupt looks */
    EVENT_WORK = 2,   /* the accelerator has work queued for this thread (flush, safe point, stop) */
    EVENT_TARGET = 4, /* the target asked to be called before the next instruction */
};

/* The running cpu sleeps until target->has_work, from its next look at the event word on. */
static inline void vcpu_halt(struct vcpu *cpu)
{
    cpu->halted = true;
    __atomic_fetch_or(&cpu->rt.event, EVENT_TARGET, __ATOMIC_SEQ_CST);
}

#endif

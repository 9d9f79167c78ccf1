/* The contract of a guest ISA: all the rest of moss knows of one is this const struct. Word size, page size and byte
 * order are data here; guest addresses are u64 everywhere. */
#ifndef MOSS_TARGET_TARGET_H
#define MOSS_TARGET_TARGET_H

#include "base/err.h"
#include "base/field.h"
#include "target/vcpu.h"
#include "tcg/ir.h"

/* A translation request. Translation is pure: the trace depends on nothing but these fields. */
struct tr_request {
    u64 mode;            /* target->mode() of the cpu */
    const u8 *page;      /* host pointer to the guest page (1 << TLB_PAGE_BITS bytes) */
    u32 off;             /* page offset of the first instruction */
    const u8 *next_page; /* the following page for an instruction that straddles, or NULL when not known yet */
    unsigned max_insns;  /* 1: single steps; else a limit */
    bool follow;         /* go on below conditional branches and into forward ones */
    bool unsteady;       /* the bytes may change without notice: the trace looks at them when it begins, and ends behind
                            an instruction that writes memory; cpu_services.code_stale() where they differ */
    bool one_space;      /* addresses never change what they mean: an exit to an instruction that straddles is linked as
                            any other. Else it goes by exit_ind, for no link leads there */
};
/* Result: bytes of guest code from the lowest to the highest address read. */
struct tr_result {
    u32 start, end;      /* page offsets; end may exceed the page size when next_page was used */
    bool need_next_page; /* a straddling instruction was met first; ask again with next_page */
};

/* The answer of a page-table walk. */
struct walk_result {
    u64 pa;        /* physical address of va */
    u64 page_size; /* of the translation: a power of two; the TLB caches 4K pieces, flushes cover the whole */
    bool r, w, x;  /* what the privilege of the access may do */
    bool global;
    bool device;        /* unaligned accesses fault, and the trace does not check by itself (mo_align) */
    bool dirty_pending; /* a store must walk again to set a dirty bit: cache it read-only */
    struct mem_attrs attrs;
    u8 note; /* the target's own, of a page that may be executed: peek_code gives it back */
    /* why not, when the walk failed: the target's own words, given back to target->fault */
    u64 why[4];
};

enum cpu_fault {
    FAULT_TRANSLATION /* the walk said no */,
    FAULT_ALIGN,
    FAULT_BUS /* mem_result was not MEM_OK */,
    FAULT_WATCH
};

struct cpu_model {
    const char *name, *doc; /* NULL name ends a table */
    const void *data;
};
/* NULL: there is none of that name, and the nearest is said. */
const struct cpu_model *cpu_model_find(const struct cpu_model *list, const char *name, struct err *e);

struct target {
    const char *name, *doc; /* "aarch64" */
    u32 cpu_size;           /* of the CPU struct, struct vcpu first */
    u8 xlen;                /* 32, 64 */
    u8 views;               /* 1..RT_VIEWS: how many translations of memory it uses at once */
    bool big_endian;
    const struct field *state; /* all of it: reset, snapshot, monitor, debugger */
    const struct ir_target *ir;
    const struct cpu_model *models;

    /* "cortex-a57,pmu=off": model and features. The struct is zeroed; sets it up as after power-on. */
    bool (*init)(struct vcpu *cpu, const char *model, struct err *e);
    void (*reset)(struct vcpu *cpu);
    /* An exit with EXIT_CARE was taken: changes the mode so that the instruction at rt.pc is translated to do whatever
     * it meets. NULL: traces have no such exits. */
    void (*careful)(struct vcpu *cpu);
    /* After `state` was loaded from outside: what is derived from it follows. May be NULL. */
    void (*loaded)(struct vcpu *cpu);
    /* All the state translation depends on, as a number; equal modes share blocks. */
    u64 (*mode)(const struct vcpu *cpu);
    void (*context)(const struct vcpu *cpu, unsigned view, struct mmu_key *key);
    void (*translate)(struct ir *ir, const struct tr_request *rq, struct tr_result *rs);
    /* Fills *r, returns whether acc is allowed. May set access and dirty bits in guest memory. */
    bool (*walk)(struct vcpu *cpu, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r);
    /* Enters the guest's exception for a failed access; rt.pc is the instruction's. Does not unwind. */
    void (*fault)(struct vcpu *cpu, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
                  const struct walk_result *r);
    /* Takes the most urgent interrupt if one is pending and enabled: true when state changed. At instruction
     * boundaries, on the vcpu's thread, rt.pc exact. */
    bool (*interrupt)(struct vcpu *cpu);
    bool (*has_work)(const struct vcpu *cpu); /* a halted cpu should run */
    /* Is there a data watchpoint on any of these bytes? (asked on slow paths of pages with watchpoints) */
    bool (*watch_hit)(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc);
    bool (*watch_page)(const struct vcpu *cpu, u64 va_page); /* the page holds a watchpoint */
    /* What PC holds after an indirect branch to pc (a tag may be dropped); NULL: pc itself. Asked on slow paths only: a
     * pc that a jump cache holds has been through it. */
    u64 (*branch_target)(const struct vcpu *cpu, u64 pc);
    /* Disassembly: bytes consumed (0: bad), text in out. */
    int (*disas)(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode);
    /* -d cpu, info registers; NULL: fields. all: floating point and vectors too, x87_settle() came before. */
    void (*print)(const struct vcpu *cpu, bool all, struct buf *out);
    const char *(*mode_name)(u64 mode); /* for logs; may be NULL */
};

/* On the cpu's own thread: its x87 is in the struct, not in the host's. */
static inline void x87_settle(struct vcpu *cpu)
{
    if (cpu->rt.x87_live) {
        cpu->target->ir->x87.settle(cpu);
    }
}

#endif

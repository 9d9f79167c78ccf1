/* The contract of an accelerator: how vcpus run. One machine a process. Main thread; the machine lock may be held:
 * those that wait for a vcpu let it go meanwhile. */
#ifndef MOSS_ACCEL_ACCEL_H
#define MOSS_ACCEL_ACCEL_H

#include "base/err.h"
#include "target/target.h"

struct accel_config {
    bool verify;      /* -accel tcg,verify=on: every block also runs in the interpreter */
    u64 verify_runs;  /* with verify: blocks that passed so many runs go as usual from then on; 0: never */
    bool single_step; /* one-instruction blocks (-singlestep) */
    bool no_chain;    /* -d nochain */
    bool interp;      /* -accel tcg,interp=on: no host code at all */
    u64 code_cache;   /* bytes; 0: default */
    bool stats;       /* -accel tcg,stats=on: measure translation; system/ prints the figures at exit */
    bool hostile;     /* -accel tcg,hostile=on: tiny caches, short blocks, everything is thrown away often */
};

struct accel {
    const char *name, *doc;
    bool (*init)(const struct accel_config *cfg, struct mem_space *space, struct err *e);
    /* Takes a cpu that target->init set up; its thread starts stopped. */
    bool (*add)(struct vcpu *cpu, struct err *e);
    void (*resume_all)(void); /* main thread */
    void (*pause_all)(void);  /* returns when every vcpu is at an instruction boundary, outside translated code */
    void (*stop_all)(void);   /* ends the threads */
    /* Runs fn on the vcpu's own thread at an instruction boundary, machine lock not held; returns after it ran. While
     * all stand still (pause_all) fn runs here. Main thread. */
    void (*run_on)(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg);
    void (*tlb_flush_all)(void);          /* the memory map changed */
    u64 (*cpu_time)(void);                /* ns of host processor time that the vcpus' threads have used */
    void (*print_stats)(struct buf *out); /* with `stats`: counts and times since the start */
};

/* What the accelerator asks of whoever holds the program's memory. */
struct accel_program {
    /* walk_result.note of the page at va, or -1: the program may not run it; asked at translation. */
    int (*page_note)(u64 va);
    bool tags; /* accesses ignore the top byte of addresses */
    /* The program does not announce new code (x86). From the return of cover() on, a write to the page comes to
     * host_fault(), which calls uncover(): false: the page is not covered. NULL: it announces. */
    void (*cover)(u64 page);
    bool (*uncover)(u64 page);
    /* Is it written so often, or where nobody sees it, that covering does not serve? Its blocks look at their bytes
     * each time then. */
    bool (*unsteady)(u64 page);
};

/* User mode: the threads of one program, whose address a is host address ram_base + a (ram_window), without TLB.
 * Each function is called on the thread the cpu belongs to. */
struct accel_user {
    bool (*init)(const struct accel_config *cfg, const struct accel_program *p, struct err *e);
    bool (*add)(struct vcpu *cpu, struct err *e);
    void (*remove)(struct vcpu *cpu);
    /* Runs until the program traps (cpu->trap) or its event word is set (UTRAP_NONE). All state is in the struct. */
    void (*run)(struct vcpu *cpu);
    /* From the host's handler of SIGSEGV and SIGBUS. An access of the running program's code or helper: does not
     * return, run() does, with UTRAP_MEMORY. A write that was refused for code's sake, and may happen now: true.
     * Anything else: false. */
    bool (*host_fault)(struct vcpu *cpu, int sig, void *siginfo, void *ucontext);
    /* Once, after the first add(): translations are kept in files in `dir`, which stays the caller's; `extra` names
     * what decides over code and only the caller knows (the cpu model). Does nothing where that is not possible. */
    void (*keep_code)(const char *dir, const char *extra);
    /* A file is mapped for execution, privately; the descriptor is not needed afterwards. Calls do not overlap. */
    void (*code_file)(u64 va, u64 n, int fd, u64 off);
    void (*save_code)(void); /* before the program ends, or becomes another */
    /* Bytes or protection of the range changed under translated code (mmap, munmap, mprotect, read into it). */
    void (*code_changed)(u64 va, u64 n);
    /* Around fork: the child has one thread, the caller's. */
    void (*fork_begin)(void);
    void (*fork_end)(struct vcpu *cpu, bool child);
};

extern const struct accel accel_tcg;
extern const struct accel_user accel_tcg_user;

#endif

/* The contract of an accelerator: how vcpus run. */
#ifndef MOSS_ACCEL_ACCEL_H
#define MOSS_ACCEL_ACCEL_H

#include "base/err.h"
#include "target/target.h"

struct accel_config {
    bool verify;      /* -accel tcg,verify=on: every block also runs in the interpreter */
    bool single_step; /* one-instruction blocks (-singlestep) */
    bool no_chain;    /* -d nochain */
    bool interp;      /* -accel tcg,interp=on: no host code at all */
    u64 code_cache;   /* bytes; 0: default */
    bool stats;       /* -accel tcg,stats=on: measure translation; system/ prints the figures at exit */
    bool hostile;     /* tiny code cache, 4-entry TLB, one-instruction blocks */
};

struct accel {
    const char *name, *doc;
    bool (*init)(const struct accel_config *cfg, struct mem_space *space, struct err *e);
    /* Takes a cpu that target->init set up; its thread starts stopped. */
    bool (*add)(struct vcpu *cpu, struct err *e);
    void (*resume_all)(void); /* main thread */
    void (*pause_all)(void);  /* returns when every vcpu is at an instruction boundary, outside translated code */
    void (*stop_all)(void);   /* ends the threads */
    /* Runs fn on the vcpu's own thread at an instruction boundary, machine lock not held; returns after it ran. */
    void (*run_on)(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg);
    void (*tlb_flush_all)(void); /* the memory map changed */
    void (*print_stats)(struct buf *out);
};

extern const struct accel accel_tcg;

#endif

/* What thread.c and clone_vm.c share: a clone that a program asked for. */
#ifndef MOSS_USER_CLONE_H
#define MOSS_USER_CLONE_H

#include "user/user_priv.h"

struct clone_call {
    u64 flags, sp, parent_tid, child_tid, tls, pidfd;
    u64 set_tid, set_tid_size, cgroup; /* clone3; set_tid: the program's address */
    int exit_signal;
};

/* What is done here, not by the host's clone. */
#define CLONE_OURS \
    (CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_SETTLS | CLONE_PIDFD | CLONE_DETACHED | \
     CLONE_CLEAR_SIGHAND)

/* In the child: its number, stack, thread pointer and first result. */
void clone_child_begin(struct user_thread *t, const struct clone_call *c);
/* clone_vm.c */
i64 clone_beside(struct user_thread *t, const struct clone_call *c);
/* SIGKILL and SIGSTOP from one process of shared memory to another, whose number this is: sent so that it comes between
 * two of its instructions. False: it is no such process, and the kernel is to be asked. */
bool clone_kill(int pid, int sig, i64 *result);
void clone_forked(void); /* in a child that has a memory of its own: whose processes are not its own to ask */
/* The program's clear_child_tid, as the kernel does it where memory is shared. */
void clone_clear_tid(struct user_thread *t);

#endif

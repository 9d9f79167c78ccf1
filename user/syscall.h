/* System calls: a table a guest ABI (user/abi_NAME/syscalls.def), one dispatcher, one printer. */
#ifndef MOSS_USER_SYSCALL_H
#define MOSS_USER_SYSCALL_H

#include <sys/uio.h>

#include "user/user_priv.h"

enum syscall_how { SYSCALL_UNKNOWN, SYSCALL_PASS, SYSCALL_CALL, SYSCALL_NONE };
struct sys_row {
    const char *name, *args; /* letters of syscalls.def */
    sys_fn *fn;              /* SYSCALL_CALL */
    const char *why;         /* SYSCALL_NONE */
    short host;              /* SYSCALL_PASS: the host's number */
    u8 how;
};

/* What SYSCALL_PASS does: the host's call with pointers converted as `args` says. */
i64 syscall_pass(const struct sys_row *s, long host, const u64 a[6]);
/* Copies and moves a program's array of struct iovec; v: IOV_MAX of them. n, or -errno. */
i64 user_iovec(struct iovec *v, u64 va, u64 n);

/* -- handlers; those of memory, signals and life are in user_priv.h -- */

/* sys_fs.c */
bool fd_is_ours(int fd); /* moss keeps it for itself: to the program it is not open */
sys_fn sys_openat, sys_openat2, sys_open_by_handle_at, sys_dup3, sys_close_range, sys_pipe2, sys_fanotify_init,
    sys_readlinkat, sys_newfstatat, sys_fstat, sys_statx, sys_fcntl, sys_readv, sys_writev, sys_preadv, sys_pwritev,
    sys_preadv2, sys_pwritev2, sys_vmsplice, sys_process_vm_readv, sys_process_vm_writev;
/* sys_aio.c */
sys_fn sys_io_setup, sys_io_destroy, sys_io_submit, sys_io_cancel, sys_io_getevents, sys_io_pgetevents;
/* sys_ioctl.c */
sys_fn sys_ioctl;
/* sys_net.c */
sys_fn sys_sendmsg, sys_recvmsg, sys_sendmmsg, sys_recvmmsg, sys_setsockopt, sys_getsockopt;
/* sys_wait.c */
sys_fn sys_epoll_ctl, sys_epoll_pwait, sys_epoll_pwait2, sys_ppoll, sys_pselect6, sys_signalfd4;
/* sys_misc.c */
sys_fn sys_prlimit64, sys_getrlimit, sys_setrlimit, sys_semctl, sys_keyctl, sys_timer_create, sys_clock_gettime,
    sys_futex_waitv, sys_reboot, sys_seccomp, sys_membarrier, sys_restart_syscall, sys_kcmp;

/* strace.c: the entry and the result of a call, and a signal that is delivered, to the log. */
void strace_enter(const struct sys_row *s, u64 nr, const u64 a[6]);
void strace_leave(const struct sys_row *s, const u64 a[6], i64 ret);
void strace_signal(const siginfo_t *si);

#endif

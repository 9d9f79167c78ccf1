/* System calls: a table a guest ABI (user/abi_NAME/syscalls.def), one dispatcher, one printer. */
#ifndef MOSS_USER_SYSCALL_H
#define MOSS_USER_SYSCALL_H

#include <sys/uio.h>

#include "user/layout.h"
#include "user/user_priv.h"

/* A row's `args`: a letter each; they tell -strace how to print and PASS what to convert:
 *   d  int            u  unsigned long     x  hexadecimal       m  mode, octal      S  signal
 *   f  descriptor     F  directory descriptor (AT_FDCWD)        O  open flags
 *   P  protection     M  mmap flags        C  clone flags       W  whence of lseek
 *   s  string         t  path that -L may redirect              A  address of the program, not converted
 *   p  pointer        T  struct timespec   b  bytes, as many as the next argument says
 *   B  room for bytes, as many as the result says               i  array of struct iovec, the next argument says how
 * many l  long           U  a user or group of 16 bits A mark and a letter of layouts.def: the address of a structure
 * that is converted. <  read   >  written   =  both   ~  written when a signal interrupted the call Where longs have 32
 * bits, numbers of 64 come in two registers, the lower half first: q is one argument made of them, Q too, but the upper
 * half stays an argument of its own, which 64-bit kernels have and do not look at. */
enum syscall_how { SYSCALL_UNKNOWN, SYSCALL_PASS, SYSCALL_CALL, SYSCALL_NONE };
struct sys_row {
    const char *name, *args;
    sys_fn *fn;      /* SYSCALL_CALL */
    const char *why; /* SYSCALL_NONE */
    short host;      /* SYSCALL_PASS: the host's number */
    u8 how;
};

/* Walks a row's arguments. */
struct sys_arg {
    char dir; /* < > = ~, or 0 */
    char kind;
};
bool sys_arg_next(const char **args, struct sys_arg *arg);
/* What SYSCALL_PASS does: the host's call with pointers converted as `args` says. */
i64 syscall_pass(const struct sys_row *s, long host, const u64 a[6]);
/* What a row says: `nr` for the report of a number that has none (s NULL). */
i64 syscall_perform(struct user_thread *t, const struct sys_row *s, u64 nr, const u64 a[6]);
/* Copies and moves a program's array of struct iovec; v: IOV_MAX of them. n, or -errno. */
i64 user_iovec(struct iovec *v, u64 va, u64 n);

/* -- handlers; those of memory, signals and life are in user_priv.h -- */

/* sys_fs.c */
bool fd_is_ours(int fd); /* moss keeps it for itself: to the program it is not open */
i64 fs_stat(int dir, u64 path, int flags, struct stat *st);
i64 fs_fstat(int fd, struct stat *st);
sys_fn sys_stat, sys_lstat, sys_openat, sys_openat2, sys_open_by_handle_at, sys_dup3, sys_close_range, sys_pipe2,
    sys_fanotify_init, sys_readlinkat, sys_newfstatat, sys_fstat, sys_statx, sys_fcntl, sys_readv, sys_writev,
    sys_preadv, sys_pwritev, sys_preadv2, sys_pwritev2, sys_vmsplice, sys_process_vm_readv, sys_process_vm_writev;
/* sys_old.c: what newer ports do without */
#define OLD(name, call, args, ...) sys_fn sys_##name;
#include "user/old_calls.def"
#undef OLD
sys_fn sys_open, sys_creat, sys_readlink, sys_pipe, sys_dup2, sys_utime, sys_utimes, sys_futimesat, sys_time, sys_stime,
    sys_alarm, sys_nice, sys_poll, sys_epoll_create, sys_epoll_wait, sys_signalfd, sys_waitpid;
/* sys_word32.c: of ports with 32-bit longs */
sys_fn sys_stat64, sys_lstat64, sys_fstat64, sys_fstatat64, sys_oldstat, sys_oldlstat, sys_oldfstat, sys_statfs,
    sys_fstatfs, sys_statfs64, sys_fstatfs64, sys_mmap2, sys_old_mmap, sys_old_select, sys_getuid16, sys_geteuid16,
    sys_getgid16, sys_getegid16, sys_getresuid16, sys_getresgid16, sys_getgroups16, sys_setgroups16, sys_sysinfo,
    sys_olduname, sys_oldolduname, sys_sched_getaffinity, sys_get_mempolicy;
/* sys_signal_old.c */
sys_fn sys_sigaction, sys_signal, sys_sigprocmask, sys_sgetmask, sys_ssetmask, sys_sigpending, sys_sigsuspend,
    sys_sigreturn;
/* sys_dir.c */
sys_fn sys_getdents, sys_getdents64, sys_lseek, sys_llseek;
/* sys_aio.c */
sys_fn sys_io_setup, sys_io_destroy, sys_io_submit, sys_io_cancel, sys_io_getevents, sys_io_pgetevents,
    sys_io_pgetevents_time64;
/* sys_ipc.c */
sys_fn sys_semctl, sys_shmctl, sys_msgctl, sys_msgsnd, sys_msgrcv, sys_ipc, sys_mq_notify;
/* sys_ioctl.c */
sys_fn sys_ioctl;
/* sys_net.c */
sys_fn sys_sendmsg, sys_recvmsg, sys_sendmmsg, sys_recvmmsg, sys_recvmmsg_time64, sys_socketcall, sys_setsockopt,
    sys_getsockopt;
/* sys_wait.c */
sys_fn sys_epoll_ctl, sys_epoll_pwait, sys_epoll_pwait2, sys_ppoll, sys_ppoll_time64, sys_pselect6, sys_pselect6_time64,
    sys_select, sys_signalfd4;
/* sys_misc.c */
sys_fn sys_prlimit64, sys_getrlimit, sys_setrlimit, sys_old_getrlimit, sys_keyctl, sys_timer_create, sys_clock_gettime,
    sys_clock_gettime64, sys_futex_waitv, sys_reboot, sys_seccomp, sys_membarrier, sys_restart_syscall, sys_kcmp;

/* strace.c: the entry and the result of a call, and a signal that is delivered, to the log. */
void strace_enter(const struct sys_row *s, u64 nr, const u64 a[6]);
void strace_leave(const struct sys_row *s, const u64 a[6], i64 ret);
void strace_signal(const siginfo_t *si);

#endif

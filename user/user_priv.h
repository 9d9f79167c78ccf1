/* What the files of user/ share.
 *
 *   options.c   the command line            mm.c      the program's memory map
 *   loader.c    ELF, stack, auxv            guest.c   fault-safe copies to and from it
 *   signal.c    host signals to guest's     thread.c  threads, fork, exit
 *   exec.c      execve                      proc.c    /proc as the program expects it
 *   binfmt.c    binfmt_misc
 *   syscall.c   dispatch by the ABI's table strace.c  its print-out
 *   sys_*.c     conversions                 abi_NAME/ what depends on the guest architecture
 *
 * Addresses of the program are u64. Host address = ram_base + address, only through g2h() after user_range_ok(). The
 * kernel refuses pages of the window that the program has not mapped (EFAULT), so a checked range may go straight into
 * a host system call. System calls return -errno, or -ERESTART* for the loop. */
#ifndef MOSS_USER_USER_PRIV_H
#define MOSS_USER_USER_PRIV_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>

#include "accel/accel.h"
#include "base/arena.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/opts.h"
#include "base/types.h"
#include "memory/memory.h"
#include "target/target.h"
#include "user/user.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

/* Results of system calls that only the loop sees, as the kernel's own: restart when the handler has SA_RESTART or
 * there is none; always; only when there is no handler. */
#define ERESTARTSYS    512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
/* The call changed the registers by itself (sigreturn, execve): nothing is stored as its result. */
#define ENORESULT 600

#define USER_SIGNALS 64
typedef u64 user_sigset; /* bit n-1: signal n */
#define SIGBIT(n) (1ull << ((n)-1))

/* -- the guest ABI --------------------------------------------------------------------------------------------- */

struct user_thread;
struct user_sigaction { /* in host terms; the ABI converts the guest's layout */
    u64 handler;        /* 0: default, 1: ignore */
    u64 flags;          /* SA_* as Linux numbers them */
    u64 restorer;
    user_sigset mask;
};
/* Open flags whose bits differ between ports. */
enum { OPEN_DIRECTORY, OPEN_NOFOLLOW, OPEN_DIRECT, OPEN_LARGEFILE, OPEN_BITS };
struct stat;
struct sys_row; /* syscall.c: one row of abi_NAME/syscalls.def */

/* One page of code with an ELF header around it (vdso.c). Offsets are in `code`. */
enum { VDSO_SYMBOLS_MAX = 8 };
struct vdso_code {
    const void *code;
    u32 len; /* bytes */
    u32 sigreturn;
    u32 vsyscall; /* AT_SYSINFO's; 0: none */
    const char *version;
    const char *version2; /* NULL, or of those symbols that are `old` */
    struct {
        const char *name; /* NULL ends, unless all are there */
        u32 off;
        bool old;
    } symbols[VDSO_SYMBOLS_MAX];
};

struct user_abi {
    const char *name;    /* "aarch64": as in moss-NAME */
    const char *machine; /* uname -m, AT_PLATFORM */
    const struct target *target;
    const char *default_cpu; /* -cpu */
    u16 elf_machine;
    u8 elf_class; /* ELFCLASS64 */
    bool big_endian;
    u8 word;                       /* bytes of a long and of a pointer */
    u8 align64;                    /* alignment of 8-byte integers; 8: a pair of registers begins with an even one */
    bool semid_pairs;              /* struct semid_ds has a second word behind each time */
    u8 epoll_data;                 /* where struct epoll_event has its data: 4 or 8 */
    u32 open_bits[OPEN_BITS];      /* by OPEN_* */
    u8 page_bits;                  /* the guest's pages; at least the host's */
    u8 trap_len;                   /* bytes of the system call instruction, for restarting */
    u32 min_sigstack;              /* AT_MINSIGSTKSZ */
    u64 va_limit;                  /* addresses a program may use are below, if the host has as many */
    u8 prot_guard;                 /* PROT_BTI and its like; 0: none */
    u8 guard_note;                 /* walk_result.note of such pages */
    u32 guard_property, guard_bit; /* GNU property and its bit by which a program asks for them */
    bool code_watched;             /* programs do not announce new code: pages that were translated are covered */
    u8 tag_bits;                   /* of an address's top: accesses ignore them, system calls if prctl says so */

    const struct sys_row *syscalls; /* by number; name NULL: none */
    unsigned nsyscalls;

    /* -- the cpu -- */
    void (*reset)(struct vcpu *cpu);                         /* after target->init */
    void (*copy)(struct vcpu *cpu, const struct vcpu *from); /* a new thread's */
    void (*start)(struct vcpu *cpu, u64 entry, u64 sp);      /* registers of a new program */
    u64 (*syscall_nr)(const struct vcpu *cpu);
    void (*syscall_args)(const struct vcpu *cpu, u64 a[6]);
    void (*set_result)(struct vcpu *cpu, i64 r);       /* -4095..-1: the error convention's business */
    void (*restart)(struct vcpu *cpu, const u64 a[6]); /* back to the instruction, arguments as they were */
    u64 (*sp)(const struct vcpu *cpu);
    void (*set_sp)(struct vcpu *cpu, u64 sp);
    void (*set_tls)(struct vcpu *cpu, u64 tls);
    /* Snapshot of the registers a program sees (vfork's parent, core files). */
    size_t state_size;
    void (*state_get)(const struct vcpu *cpu, void *state);
    void (*state_set)(struct vcpu *cpu, const void *state);
    /* Does what the kernel does for the program at a trap that is no signal; false: it is one. NULL: there is none. */
    bool (*emulate)(struct user_thread *t);
    /* What a trap other than a system call is to the program. */
    void (*trap_siginfo)(const struct vcpu *cpu, siginfo_t *si);
    void (*hwcap)(const struct vcpu *cpu, u64 cap[2]);
    void (*cpuinfo)(const struct vcpu *cpu, unsigned ncpus, struct buf *out); /* /proc/cpuinfo */

    /* -- signals -- */
    /* Writes the frame and sets the registers for the handler; false: the stack cannot be written. */
    bool (*push_frame)(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                       user_sigset old_mask, u64 sp);
    /* The reverse: false: the frame is bad. */
    bool (*pop_frame)(struct user_thread *t, user_sigset *mask);
    bool (*pop_old_frame)(struct user_thread *t,
                          user_sigset *mask);                  /* the one of before rt_sigaction, where there is */
    bool (*get_sigaction)(u64 va, struct user_sigaction *act); /* the guest's struct sigaction */
    bool (*put_sigaction)(u64 va, const struct user_sigaction *act);
    bool (*get_siginfo)(u64 va, siginfo_t *si);
    bool (*put_siginfo)(u64 va, const siginfo_t *si);
    i64 (*put_stat)(u64 va, const struct stat *st); /* struct stat of fstat and its kin: 0 or -errno */
    /* Argument order of clone: flags, stack, parent_tid, child_tid, tls out of a[]. */
    void (*clone_args)(const u64 a[6], u64 out[5]);

    const struct vdso_code *vdso;
};

/* -- threads ------------------------------------------------------------------------------------------------------ */

struct user_sighand { /* of a process; a child of vfork has a copy of its own */
    pthread_mutex_t lock;
    struct user_sigaction act[USER_SIGNALS + 1];
};

struct user_process {
    unsigned nthreads;
    bool shares; /* its memory with another that is not its thread group's */
    bool shared; /* it made such a one */
};

struct user_thread {
    struct vcpu *cpu;
    struct user_process *process;
    int tid; /* the host's, and the program's */
    u64 clear_child_tid;
    u64 robust_list;
    bool exiting; /* leaves the loop; the thread ends */
    int exit_code;

    struct user_sighand *sighand;
    u64 va_mask;      /* of an address given to a system call: what counts */
    user_sigset mask; /* of the program; the host's is the same but for SIGSEGV and SIGBUS */
    /* Written by the host's handler. `pending` is what safe_syscall() looks at: not 0: a signal waits for the loop.
     * While one of the queue waits, all others are blocked on the host; SIGSEGV and SIGBUS (sent, not faults) have
     * places of their own. */
    volatile u32 pending;
    siginfo_t queued[3]; /* by QUEUE_*; si_signo 0: empty */
    u64 altstack_sp, altstack_size;
    u32 altstack_flags; /* SS_DISABLE, SS_AUTODISARM */
    void *host_stack;   /* where the host's handlers run */
    bool in_syscall;    /* the loop is behind a system call whose result is not stored yet */
    i64 result;         /* of that call, while a signal is delivered behind it */
    u64 syscall_args[6];

    /* SIGKILL or SIGSTOP, which the loop raises for another (signal_raise_between); 0: none. */
    volatile int must_raise;
    volatile bool stopped; /* by that SIGSTOP */

    bool vforked;      /* a child that shares its parent's memory runs on this thread */
    struct arena exec; /* of an execve that is being prepared */

    bool guarded; /* a copy runs: a refused access goes to `guard` */
    sigjmp_buf guard;
};
extern __thread struct user_thread *self;
enum { QUEUE_ANY, QUEUE_SEGV, QUEUE_BUS };

struct user_config {
    const struct user_abi *abi;
    const char *program;       /* argv[0] without folders, for messages */
    const char *prefix;        /* -L */
    const char *cpu;           /* -cpu */
    const char *uname_release; /* -r; NULL: the host's */
    const char *exec_path;     /* the program's file, absolute when it can be */
    const char *exec_name;     /* as it was named: AT_EXECFN */
    const char *argv0;         /* -0 */
    const char *base, *reserved, *stack, *seed;
    const char *code_cache; /* -code-cache: a folder, "off"; NULL: the default, and there is none */
    const char *log_items, *log_file, *log_filter;
    bool strace, singlestep, done, preserve_argv0;
    u32 personality;                   /* at start: ADDR_NO_RANDOMIZE */
    const char **set_env, **unset_env; /* -E, -U: ended by NULL */
    int self_fd;                       /* this binary, for execve; -1: through /proc/self/exe */
};
extern struct user_config user_cfg;

/* The program's own view of itself, for /proc. */
struct user_image {
    u64 load_bias, entry, phdr, start_code, end_code, start_data, end_data, brk_start;
    u64 interp_base; /* 0: none */
    u64 stack_top, stack_size, stack_start /* sp at entry */, arg_start, arg_end, env_start, env_end;
    u64 vdso, vdso_page; /* with an ELF header: for AT_SYSINFO_EHDR; the page */
    u64 sigreturn;       /* where a handler without restorer returns to */
    u64 vsyscall;        /* AT_SYSINFO */
    u64 auxv, auxv_len;  /* where it lies on the stack */
    u64 phnum, phent;
    bool exec_stack;
};
extern struct user_image user_image;

/* -- code_cache.c -- */
void code_cache_start(struct user_config *c); /* once there is a cpu */
/* A process that shares this memory may be killed anywhere, locks held: from now on nothing is saved at the end. */
void code_cache_stop(void);
void code_cache_save(void); /* before this process ends or becomes another program */

/* -- guest memory (guest.c) ---------------------------------------------------------------------------------------- */

/* The host's address of the program's. What lies outside the program's window becomes an address that no process has,
 * so that a call the kernel is left to check can't reach moss's own memory. */
static inline void *g2h(u64 va)
{
    va &= self->va_mask;
    return (void *)(va < ram_window_size() ? (uintptr_t)ram_base + va : (uintptr_t)1 << 63);
}
static inline bool user_range_ok(u64 va, u64 n)
{
    u64 size = ram_window_size();
    va &= self->va_mask;
    return va <= size && n <= size - va;
}
/* False: EFAULT. */
bool copy_from_guest(void *to, u64 va, size_t n);
bool copy_to_guest(u64 va, const void *from, size_t n);
bool zero_guest(u64 va, size_t n);
u64 user_untag(u64 va);
/* Length of the string, or -EFAULT, or -ENAMETOOLONG when it does not end within n bytes. */
i64 guest_string(u64 va, char *out, size_t n);
/* A path: 0 or -errno. Absolute ones are looked for under the -L prefix first. out: PATH_MAX bytes. */
i64 guest_path(u64 va, char *out);
const char *user_path(const char *path, char *buf); /* the same for a host string; buf: PATH_MAX */
bool user_cas_u32(u64 va, u32 old, u32 new);
bool get_u32(u64 va, u32 *v);
bool put_u32(u64 va, u32 v);
bool get_u64(u64 va, u64 *v);
bool put_u64(u64 va, u64 v);
bool get_word(u64 va, u64 *v); /* abi->word bytes */
bool put_word(u64 va, u64 v);

/* -- the memory map (mm.c) ----------------------------------------------------------------------------------------- */

bool mm_init(const struct user_config *c, struct err *e);
i64 user_mmap(u64 va, u64 len, int prot, int flags, int fd, u64 off);
i64 user_munmap(u64 va, u64 len);
i64 user_mprotect(u64 va, u64 len, int prot);
i64 user_mremap(u64 va, u64 old_len, u64 new_len, int flags, u64 new_va);
i64 user_brk(u64 va);
i64 user_madvise(u64 va, u64 len, int advice);
i64 user_msync(u64 va, u64 len, int flags);
i64 user_shmat(int shmid, u64 va, int flags);
i64 user_shmdt(u64 va);
void mm_set_brk(u64 start);
u64 mm_brk_start(u64 *end);
u64 mm_stack(u64 size, bool exec); /* the main thread's; gives its top, 0: no room */
bool mm_is_free(u64 va, u64 len);
u64 mm_place(u64 len, u64 align);    /* a free place, as mmap chooses it; 0: none */
u64 mm_pie_base(u64 len, u64 align); /* where a position-independent program goes; 0: no room */
/* The program's protection of the page, or -1 when nothing is mapped there. */
int mm_prot(u64 va);
/* The next range at or above *va: false: none. For /proc/self/maps. */
bool mm_next(u64 *start, u64 *end, int *prot, bool *shared);
/* Code of programs that do not announce it (code_watched): from mm_cover() on a write to the page is refused by the
 * host, until mm_uncover(): false: the program may not write it. */
void mm_cover(u64 page);
bool mm_uncover(u64 page);
bool mm_uncover_all(void);             /* for the kernel's sake, which would fail; false: none was covered */
bool mm_code_unsteady(u64 page);       /* is not worth covering, or cannot be */
void mm_cover_forget(u64 va, u64 len); /* with the map locked */
int mm_prot_locked(u64 va, bool *shared);
int mm_host_prot(int prot); /* what the host's page has of a program's protection */
void mm_lock(void);         /* held around fork and where the host's map must not change */
void mm_unlock(void);

/* -- system calls -------------------------------------------------------------------------------------------------- */

/* syscall.c: runs one by the ABI's table; prints it under -strace. */
i64 user_syscall(struct user_thread *t, u64 nr, const u64 a[6]);

/* A host system call that may block. When a signal waits for the loop: -ERESTARTNOINTR instead of starting,
 * -ERESTARTSYS instead of the kernel's own restart. There is no moment between the look and the call. Else the kernel's
 * result, -errno. */
i64 safe_syscall6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
#define safe_syscall(nr, ...) SAFE_SYSCALL_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define SAFE_SYSCALL_(nr, a, b, c, d, e, f, ...) \
    safe_syscall6(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))
/* One that does not block: the result, or -errno. */
i64 host_syscall6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
#define host_syscall(nr, ...) HOST_SYSCALL_(nr, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define HOST_SYSCALL_(nr, a, b, c, d, e, f, ...) \
    host_syscall6(nr, (u64)(a), (u64)(b), (u64)(c), (u64)(d), (u64)(e), (u64)(f))

void safe_syscall_init(void);
/* From the host's handler: a thread found in safe_syscall6() leaves it. */
void safe_syscall_rewind(void *ucontext);

typedef i64 sys_fn(struct user_thread *t, const u64 a[6]);
/* mm.c */
sys_fn sys_mmap, sys_munmap, sys_mprotect, sys_mremap, sys_brk, sys_msync, sys_madvise, sys_mlock, sys_mlock2,
    sys_remap_file_pages, sys_munlock, sys_mlockall, sys_munlockall, sys_mincore, sys_shmat, sys_shmdt;
/* signal.c, sys_signal.c */
sys_fn sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigreturn, sys_rt_sigpending, sys_rt_sigsuspend,
    sys_rt_sigtimedwait, sys_rt_sigtimedwait_time64, sys_rt_sigqueueinfo, sys_rt_tgsigqueueinfo, sys_sigaltstack,
    sys_kill, sys_tkill, sys_tgkill;
/* thread.c */
sys_fn sys_clone, sys_clone3, sys_fork, sys_vfork, sys_exit, sys_exit_group, sys_set_tid_address, sys_gettid,
    sys_set_robust_list, sys_get_robust_list, sys_futex, sys_futex_time64, sys_rseq, sys_wait4, sys_waitid, sys_prctl,
    sys_personality, sys_uname;
/* exec.c */
sys_fn sys_execve, sys_execveat;

/* -- /proc (proc.c): asked by openat, readlinkat and their kin, with the path as the program gave it --------------- */

/* True: the hook answers, *result is a file descriptor or -errno. */
bool user_open_hook(const char *path, int flags, i64 *result);
/* True: *result is the length put into buf (no NUL), or -errno. */
bool user_readlink_hook(const char *path, char *buf, size_t n, i64 *result);
void proc_show_program(void); /* once, when it is loaded */
/* Where code, stack, arguments and environment lie, told to the host's kernel: 0 or -errno. */
i64 proc_show_map(const struct user_image *im);
/* Where in its host addresses another process of this binary has its program's; 0: not known. */
u64 proc_window_of(int pid);

/* -- signals (signal.c)
 * ------------------------------------------------------------------------------------------------
 */

void signal_init(void);
void signal_thread_init(struct user_thread *t); /* on its own thread: mask, stack for handlers */
void signal_thread_end(struct user_thread *t);
/* Delivers what waits; `result` of the system call just made (0 and in_syscall false: none). */
void signal_deliver(struct user_thread *t);
/* A fault of the program's own: delivered now, and fatal when blocked or ignored. */
void signal_force(struct user_thread *t, const siginfo_t *si);
/* Ends the process as the signal's default action does. */
NORETURN void signal_die(int sig);
/* From now on `t`'s process only ends between two of its instructions, as its memory is shared: default actions are the
 * loop's, not the kernel's. */
void signal_defer_defaults(struct user_thread *t);
/* The same for SIGKILL and SIGSTOP, from another process that shares the memory: 0, or -errno of the host. `t` raises
 * it when it comes to its loop, and clears must_raise. */
i64 signal_raise_between(struct user_thread *t, int pid, int sig);
/* Blocks all on the host; true: a signal came before and waits for the loop: return -ERESTARTNOINTR at once. */
bool signal_block_all(struct user_thread *t);
void signal_set_mask(struct user_thread *t, user_sigset mask); /* the program's, and so the host's */
/* For calls with a mask of their own (ppoll, epoll_pwait...): what may be given to the host of the program's mask. */
user_sigset signal_host_mask(user_sigset mask);
void signal_action(struct user_thread *t, int sig, const struct user_sigaction *act, struct user_sigaction *old);
void signal_reinstall(struct user_thread *t);
void signal_clear_handlers(struct user_sighand *h);
struct user_sighand *signal_copy_handlers(struct user_sighand *from);
u32 signal_stack_flags(const struct user_thread *t); /* as sigaltstack reports them */
/* What the calls that end a handler do; `pop` takes the frame. */
i64 signal_return_by(struct user_thread *t, bool (*pop)(struct user_thread *t, user_sigset *mask));
bool get_sigset(u64 va, u64 size, user_sigset *set); /* false: EFAULT or a wrong size */

/* -- life (main.c, thread.c, loader.c, exec.c)
 * -------------------------------------------------------------------------
 */

bool loader_load(int fd, int argc, char **argv, char **envp, struct err *e); /* fd -1: user_cfg.exec_path */
bool vdso_map(struct err *e);
void user_loop(struct user_thread *t); /* until t->exiting */
NORETURN void user_exit(int code);     /* the whole process */
struct user_thread *user_thread_new(struct err *e);
NORETURN void user_main_thread_end(struct user_thread *t);
void user_thread_end(struct user_thread *t); /* what the kernel does for one that ends */
bool elf_is_ours(const u8 *head, size_t n, const struct user_abi *abi);
unsigned user_thread_count(void);

#endif

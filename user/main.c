/* From a command line to a running program, and the loop between its instructions and the kernel's stand-in. */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "user/options.h"

#define PRESERVE_ARGV0 1 /* AT_FLAGS_PRESERVE_ARGV0: binfmt_misc's flag P */

struct user_config user_cfg = {.self_fd = -1};

/* -- which ABI ----------------------------------------------------------------------------------------------------- */

static bool is_binfmt_p(const char *name)
{
    size_t n = strlen(name);
    return n > 9 && !strcmp(name + n - 9, "-binfmt-P");
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const struct user_abi *user_abi_by_name(const struct user_abi *const *abis, const char *argv0)
{
    static const char *const before[] = {"", "moss-", "qemu-"};
    static const char *const behind[] = {"", "-static", "-binfmt-P"};
    const char *name = base_name(argv0);
    char want[64];
    for (; *abis; abis++) {
        for (unsigned i = 0; i < 9; i++) {
            snprintf(want, sizeof(want), "%s%s%s", before[i / 3], (*abis)->name, behind[i % 3]);
            if (i != 0 && i != 1 && !strcmp(name, want)) {
                return *abis;
            }
        }
    }
    return NULL;
}

/* -- the loop ------------------------------------------------------------------------------------------------------ */

static void do_syscall(struct user_thread *t)
{
    const struct user_abi *abi = user_cfg.abi;
    u64 a[6];
    abi->syscall_args(t->cpu, a);
    i64 r = user_syscall(t, abi->syscall_nr(t->cpu), a);
    if (likely(r >= 0 || r > -ERESTARTSYS)) {
        abi->set_result(t->cpu, r);
    } else if (r == -ERESTARTSYS || r == -ERESTARTNOINTR || r == -ERESTARTNOHAND) {
        t->in_syscall = true; /* what becomes of it depends on the signal that came */
        t->result = r;
        memcpy(t->syscall_args, a, sizeof(a));
        signal_deliver(t);
        if (t->in_syscall) {
            t->in_syscall = false;
            abi->restart(t->cpu, a);
        }
    } else if (r != -ENORESULT) {
        abi->set_result(t->cpu, r);
    }
}

void user_loop(struct user_thread *t)
{
    struct vcpu *cpu = t->cpu;
    while (!t->exiting) {
        if (unlikely(t->pending)) {
            signal_deliver(t);
        }
        accel_tcg_user.run(cpu);
        if (likely(cpu->trap.kind == UTRAP_SYSCALL)) {
            do_syscall(t);
        } else if (cpu->trap.kind != UTRAP_NONE && !(user_cfg.abi->emulate && user_cfg.abi->emulate(t))) {
            siginfo_t si;
            user_cfg.abi->trap_siginfo(cpu, &si);
            signal_force(t, &si);
        }
    }
}

/* -- set-up -------------------------------------------------------------------------------------------------------- */

static int fail(const struct err *e)
{
    fprintf(stderr, "%s: %s\n", user_cfg.program, e->msg[0] ? e->msg : "failed");
    return 1;
}

extern const u8 __ehdr_start[]; /* the linker's: this binary's ELF header */

/* Without /proc: the file that the kernel was asked to run, if that is this binary. Where binfmt_misc called, it is the
 * program or its script. */
static int open_execfn(void)
{
    const char *name = (const char *)(uintptr_t)getauxval(AT_EXECFN); // NOLINT: the kernel's number
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    u8 head[sizeof(Elf64_Ehdr)];
    if (fd >= 0 &&
        (pread(fd, head, sizeof(head), 0) != sizeof(head) || memcmp(head, __ehdr_start, sizeof(head)) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A descriptor of this binary, out of the program's way, so that execve works where there is no /proc. */
static int open_self(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fd = open_execfn();
    }
    if (fd < 0) {
        return -1;
    }
    return fd_move_high(fd);
}

static bool log_setup(struct user_config *c, struct err *e)
{
    u64 seed;
    if (c->seed) {
        if (!parse_num(c->seed, &seed)) {
            return err_set(e, "-seed %s: expected a number", c->seed);
        }
        entropy_seed(seed);
    }
    return (!c->log_file || log_set_file(c->log_file, e)) && (!c->log_filter || log_set_filter(c->log_filter, e));
}

static void prefix_setup(struct user_config *c)
{
    static char path[PATH_MAX];
    if (!c->prefix) {
        snprintf(path, sizeof(path), "/etc/qemu-binfmt/%s", c->abi->name);
        c->prefix = access(path, F_OK) == 0 ? path : NULL;
        return;
    }
    size_t n = strlen(c->prefix);
    while (n && c->prefix[n - 1] == '/') {
        n--;
    }
    char full[PATH_MAX];
    snprintf(path, sizeof(path), "%.*s", (int)n, c->prefix);
    if (n && path[0] != '/' && realpath(path, full)) { /* the program may change its folder */
        snprintf(path, sizeof(path), "%s", full);
    }
    c->prefix = n ? path : NULL;
}

/* As the program's path in /proc/self/exe: absolute, links followed. */
static const char *real_path(const char *path)
{
    static char full[PATH_MAX];
    return realpath(path, full) ? full : path;
}

/* Where the program's words begin in argv, and what it is called. AT_FLAGS or a name with -binfmt-P say that
 * binfmt_misc has put the path and the original argv[0] there; AT_EXECFD that it has opened the file. */
static int program_words(struct user_config *c, int i, int argc, char **argv, int *fd, struct err *e)
{
    static char mapped[PATH_MAX];
    bool preserve = (getauxval(AT_FLAGS) & PRESERVE_ARGV0) || is_binfmt_p(c->program);
    if (i >= argc) {
        err_set(e, "no program given: %s [options] program [arguments...]; -h lists options", c->program);
        return -1;
    }
    errno = 0;
    u64 execfd = getauxval(AT_EXECFD);
    *fd = execfd || !errno ? (int)execfd : -1;
    c->exec_name = argv[i];
    const char *path = argv[i];
    if (*fd < 0 && access(path, F_OK) < 0) {
        path = user_path(path, mapped);
    }
    c->exec_path = real_path(path);
    if (preserve && i + 1 < argc) {
        i++;
    } else if (c->argv0) {
        argv[i] = (char *)(uintptr_t)c->argv0;
    }
    return i;
}

static int page_note(u64 va)
{
    const struct user_abi *abi = user_cfg.abi;
    int prot = mm_prot(va);
    return prot < 0 || !(prot & PROT_EXEC) ? -1 : prot & abi->prot_guard ? abi->guard_note : 0;
}

static bool start_cpu(struct user_config *c, struct err *e)
{
    const struct accel_config ac = {.single_step = c->singlestep, .interp = getenv("MOSS_INTERP") != NULL};
    struct accel_program program = {.page_note = page_note, .tags = c->abi->tag_bits != 0};
    if (c->abi->code_watched) {
        program.cover = mm_cover;
        program.uncover = mm_uncover;
        program.unsteady = mm_code_unsteady;
    }
    if (!accel_tcg_user.init(&ac, &program, e)) {
        return false;
    }
    if (!c->cpu) {
        c->cpu = c->abi->default_cpu;
    }
    self = user_thread_new(e);
    if (!self || !accel_tcg_user.add(self->cpu, e)) {
        return false;
    }
    c->abi->reset(self->cpu);
    self->tid = (int)syscall(SYS_gettid);
    return true;
}

int user_main(const struct user_abi *abi, int argc, char **argv, char **envp)
{
    struct user_config *c = &user_cfg;
    struct err e = {{0}};
    int fd = -1;
    c->abi = abi;
    c->program = base_name(argv[0]);
    int first = is_binfmt_p(c->program) && argc > 1 ? (user_options(c, 1, argv, &e) < 0 ? -1 : 1)
                                                    : user_options(c, argc, argv, &e);
    if (first < 0) {
        return fail(&e);
    }
    if (c->done) {
        return 0;
    }
    prefix_setup(c);
    c->personality = (u32)personality(0xffffffff);
    char **env = user_environment(c, envp, &e);
    int words = env ? program_words(c, first, argc, argv, &fd, &e) : -1;
    if (words < 0 || !log_setup(c, &e)) {
        return fail(&e);
    }
    c->self_fd = c->self_fd < 0 ? open_self() : fcntl(c->self_fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : c->self_fd;
    if (!mm_init(c, &e) || !start_cpu(c, &e)) {
        return fail(&e);
    }
    code_cache_start(c);
    signal_thread_init(self);
    signal_init();
    if (!loader_load(fd, argc - words, argv + words, env, &e)) {
        return fail(&e);
    }
    proc_show_program();
    user_loop(self);
    user_main_thread_end(self);
}

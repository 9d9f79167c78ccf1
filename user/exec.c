/* execve: a program of this ABI, or a script whose interpreter is one, is run by this binary again with the options it
 * has now; everything else is the host's to run.
 *
 * SPEC: execve(2); Linux fs/binfmt_script.c for the first line of scripts. */
#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/user_priv.h"

#define ARGS_MAX    (64u << 20) /* bytes of strings: the host's limit comes first */
#define HEAD_SIZE   256
#define SCRIPTS_MAX 5

struct words {
    char **v;
    size_t n, cap;
};

/* All of an execve's memory: a parent that waits for its vfork frees it when the child is another program. */
static void *take(size_t n)
{
    return arena_alloc(&self->exec, n);
}

static void word_put(struct words *w, const char *s)
{
    if (w->n + 1 >= w->cap) {
        w->cap = w->cap ? w->cap * 2 : 64;
        char **v = take(w->cap * sizeof(char *));
        if (w->n) {
            memcpy(v, w->v, w->n * sizeof(char *));
        }
        w->v = v;
    }
    w->v[w->n++] = strcpy(take(strlen(s) + 1), s);
    w->v[w->n] = NULL;
}

static i64 word_get(u64 va, struct words *w, size_t *room)
{
    size_t cap = 512;
    for (;;) {
        char *s = malloc(cap);
        must(s);
        i64 n = guest_string(va, s, MIN(cap, *room));
        if (n >= 0) {
            word_put(w, s);
            *room -= MIN(*room, (size_t)n + 1);
        }
        free(s);
        if (n != -ENAMETOOLONG || cap >= *room) {
            return n == -ENAMETOOLONG ? -E2BIG : n;
        }
        cap *= 8;
    }
}

/* A program's array of strings; an address of 0 is an empty one. */
static i64 words_get(u64 va, struct words *w, size_t *room)
{
    unsigned word = user_cfg.abi->word;
    w->v = take(sizeof(char *));
    w->v[0] = NULL;
    for (; va; va += word) {
        u64 p;
        if (!get_word(va, &p)) {
            return -EFAULT;
        }
        if (!p) {
            break;
        }
        i64 n = word_get(p, w, room);
        if (n < 0) {
            return n;
        }
    }
    return 0;
}

/* -- which kind of file -------------------------------------------------------------------------------------------- */

enum kind { KIND_HOST, KIND_OURS, KIND_SCRIPT };

bool elf_is_ours(const u8 *head, size_t n, const struct user_abi *abi)
{
    return n >= 20 && !memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == abi->elf_class &&
           head[EI_DATA] == (abi->big_endian ? ELFDATA2MSB : ELFDATA2LSB) &&
           (abi->big_endian ? ld16be(head + 18) : ld16le(head + 18)) == abi->elf_machine;
}

/* Would its set-user-ID or set-group-ID bit give other rights? Only the kernel can, by binfmt_misc with flag C. */
static bool gives_rights(const struct stat *st)
{
    return (st->st_mode & S_ISUID && st->st_uid != geteuid()) ||
           ((st->st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st->st_gid != getegid());
}

static i64 file_kind(const char *path, char head[HEAD_SIZE + 1], bool *rights)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == EACCES ? KIND_HOST : -errno; /* one that may be run and not be read */
    }
    ssize_t n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? pread(fd, head, HEAD_SIZE, 0) : -2;
    close(fd);
    *rights = n != -2 && gives_rights(&st);
    if (n == -2) {
        return -EACCES;
    }
    memset(head + MAX(n, 0), 0, (size_t)(HEAD_SIZE + 1 - MAX(n, 0)));
    if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0) {
        return -EACCES;
    }
    return n > 2 && head[0] == '#' && head[1] == '!'                        ? KIND_SCRIPT
           : elf_is_ours((const u8 *)head, (size_t)MAX(n, 0), user_cfg.abi) ? KIND_OURS
                                                                            : KIND_HOST;
}

/* "#! interpreter argument": spaces around are dropped, the argument is one word whatever is in it. */
static bool script_line(char *head, char **interp, char **arg)
{
    char *end = head + strcspn(head, "\n");
    *end = 0;
    while (end > head && (end[-1] == ' ' || end[-1] == '\t')) {
        *--end = 0;
    }
    *interp = head + 2 + strspn(head + 2, " \t");
    *arg = *interp + strcspn(*interp, " \t");
    if (**arg) {
        *(*arg)++ = 0;
        *arg += strspn(*arg, " \t");
    }
    return **interp;
}

/* -- into the host ------------------------------------------------------------------------------------------------- */

static void option_put(struct words *w, const char *name, const char *value)
{
    if (value) {
        word_put(w, name);
        word_put(w, value);
    }
}

/* Is there nothing but our own descriptor to find this binary by? */
static bool self_is_hidden(void)
{
    return user_cfg.self_fd >= 0 && access("/proc/self/exe", F_OK) < 0;
}

/* moss with today's options, then the program. */
static void own_command(struct words *w, const char *path, const struct words *args)
{
    const struct user_config *c = &user_cfg;
    char name[64];
    snprintf(name, sizeof(name), "%s-%s", strncmp(c->program, "qemu-", 5) ? "moss" : "qemu", c->abi->name);
    word_put(w, name);
    option_put(w, "-L", c->prefix ? c->prefix : "");
    option_put(w, "-cpu", c->cpu);
    option_put(w, "-r", c->uname_release);
    option_put(w, "-s", c->stack);
    option_put(w, "-B", c->base);
    option_put(w, "-R", c->reserved);
    option_put(w, "-seed", c->seed);
    option_put(w, "-code-cache", c->code_cache);
    option_put(w, "-d", c->log_items);
    option_put(w, "-D", c->log_file);
    option_put(w, "-dfilter", c->log_filter);
    if (c->strace) {
        word_put(w, "-strace");
    }
    if (c->singlestep) {
        word_put(w, "-singlestep");
    }
    if (self_is_hidden()) {
        char fd[16];
        snprintf(fd, sizeof(fd), "%d", c->self_fd);
        option_put(w, "-self-fd", fd);
    }
    option_put(w, "-0", args->n ? args->v[0] : "");
    word_put(w, path);
    for (size_t i = 1; i < args->n; i++) {
        word_put(w, args->v[i]);
    }
}

/* The program's own name is the last thing tried: binfmt_misc may know what to do with it. */
static i64 run_own(struct words *w, const char *path, char **argv, char **envp)
{
    int fd = user_cfg.self_fd;
    i64 r = -ENOENT;
    if (fd >= 0) {
        bool hidden = self_is_hidden();
        if (hidden) {
            fcntl(fd, F_SETFD, 0);
        }
        r = host_syscall(SYS_execveat, fd, "", w->v, envp, AT_EMPTY_PATH);
        if (hidden) {
            fcntl(fd, F_SETFD, FD_CLOEXEC);
        }
    }
    if (r == -ENOENT || r == -EBADF) {
        r = host_syscall(SYS_execve, "/proc/self/exe", w->v, envp);
    }
    return r == -ENOENT || r == -ELOOP || r == -EACCES ? host_syscall(SYS_execve, path, argv, envp) : r;
}

/* args[0] gives way to "interpreter argument path". */
static void script_args(struct words *args, const char *interp, const char *arg, const char *path)
{
    struct words w = {0};
    word_put(&w, interp);
    if (*arg) {
        word_put(&w, arg);
    }
    word_put(&w, path);
    for (size_t i = 1; i < args->n; i++) {
        word_put(&w, args->v[i]);
    }
    *args = w;
}

/* `name` is what the program called it, `path` where it lies. */
static i64 exec_file(const char *name, const char *path, struct words *args, char **envp)
{
    char head[HEAD_SIZE + 1], mapped[PATH_MAX], interp_name[HEAD_SIZE];
    char real[PATH_MAX];
    snprintf(real, sizeof(real), "%s", path);
    for (unsigned depth = 0; depth < SCRIPTS_MAX; depth++) {
        bool rights = false;
        i64 kind = file_kind(real, head, &rights);
        char *interp, *arg;
        if (kind < 0) {
            return kind;
        }
        if (kind == KIND_HOST) {
            return host_syscall(SYS_execve, real, args->v, envp);
        }
        if (kind == KIND_OURS) {
            struct words w = {0};
            if (rights) {
                host_syscall(SYS_execve, real, args->v, envp); /* comes back where binfmt_misc does not know it */
            }
            own_command(&w, real, args);
            return run_own(&w, real, args->v, envp);
        }
        if (!script_line(head, &interp, &arg)) {
            return -ENOEXEC;
        }
        snprintf(interp_name, sizeof(interp_name), "%s", interp);
        script_args(args, interp_name, arg, name);
        name = args->v[0];
        snprintf(real, sizeof(real), "%s", user_path(interp_name, mapped));
    }
    return -ELOOP;
}

static i64 do_exec(struct user_thread *t, const char *name, u64 argv, u64 envp)
{
    struct words args = {0}, env = {0};
    char mapped[PATH_MAX];
    size_t room = ARGS_MAX;
    i64 n;
    const char *path = user_path(name, mapped);
    char link[PATH_MAX];
    if (user_readlink_hook(name, link, sizeof(link) - 1, &n) && n > 0) { /* /proc/self/exe */
        link[n] = 0;
        path = link;
    }
    i64 r = words_get(argv, &args, &room);
    r = r < 0 ? r : words_get(envp, &env, &room);
    if (r >= 0 && t->pending) {
        r = -ERESTARTNOINTR;
    }
    if (r >= 0 && access(path, X_OK) == 0) {
        code_cache_save();
    }
    r = r < 0 ? r : exec_file(name, path, &args, env.v);
    arena_free(&t->exec);
    return r;
}

i64 sys_execve(struct user_thread *t, const u64 a[6])
{
    char name[PATH_MAX];
    i64 n = guest_string(a[0], name, sizeof(name));
    return n < 0 ? n : !n ? -ENOENT : do_exec(t, name, a[1], a[2]);
}

i64 sys_execveat(struct user_thread *t, const u64 a[6])
{
    char name[PATH_MAX], full[PATH_MAX + 32];
    i64 n = guest_string(a[1], name, sizeof(name));
    int flags = (int)a[4];
    struct stat st;
    if (n < 0 || flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
        return n < 0 ? n : -EINVAL;
    }
    if (!n && !(flags & AT_EMPTY_PATH)) {
        return -ENOENT;
    }
    if (n && (name[0] == '/' || (int)a[0] == AT_FDCWD)) {
        snprintf(full, sizeof(full), "%s", name);
    } else {
        snprintf(full, sizeof(full), n ? "/proc/self/fd/%d/%s" : "/proc/self/fd/%d", (int)a[0], name);
    }
    if (flags & AT_SYMLINK_NOFOLLOW && n && lstat(full, &st) == 0 && S_ISLNK(st.st_mode)) {
        return -ELOOP;
    }
    if (!n) { /* the file's own name: the descriptor may close on the way */
        char link[PATH_MAX];
        ssize_t len = readlink(full, link, sizeof(link) - 1);
        if (len < 0) {
            return -EBADF;
        }
        link[len] = 0;
        if (link[0] == '/' && access(link, F_OK) == 0) {
            snprintf(full, sizeof(full), "%s", link);
        }
    }
    return strlen(full) < PATH_MAX ? do_exec(t, full, a[2], a[3]) : -ENAMETOOLONG;
}

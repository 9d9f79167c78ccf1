/* /proc as the program expects it. Most of it is the host's own and true of the program too; here is what would show
 * moss: the file, the command line, the environment, the memory map, addresses, the processor.
 *
 * Others see it too: the kernel is told where the program's arguments, environment and code lie, and what it is called,
 * so that `ps` and `pgrep` know programs, not moss.
 *
 * SPEC: proc(5), prctl(2) PR_SET_MM. Not modelled: mem, smaps, pagemap; maps and auxv of other processes of moss. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/user_priv.h"

/* What `path` asks for of this process: "maps" of /proc/self/maps; NULL: nothing of it. *tid: of a task, or 0. */
static const char *own_file(const char *path, int *tid)
{
    char self_pid[32];
    *tid = 0;
    if (strncmp(path, "/proc/", 6)) {
        return NULL;
    }
    path += 6;
    snprintf(self_pid, sizeof(self_pid), "%d/", (int)getpid());
    if (!strncmp(path, "self/", 5)) {
        path += 5;
    } else if (!strncmp(path, "thread-self/", 12)) {
        *tid = self->tid;
        path += 12;
    } else if (!strncmp(path, self_pid, strlen(self_pid))) {
        path += strlen(self_pid);
    } else {
        return NULL;
    }
    if (!strncmp(path, "task/", 5)) {
        char *end;
        long n = strtol(path + 5, &end, 10);
        if (end == path + 5 || *end != '/') {
            return NULL;
        }
        *tid = (int)n;
        path = end + 1;
    }
    return path;
}

/* -- maps ---------------------------------------------------------------------------------------------------------- */

static const char *region_name(u64 start, u64 end, const char *host)
{
    const struct user_image *im = &user_image;
    u64 brk_end, brk = mm_brk_start(&brk_end);
    if (start < im->stack_top && end > im->stack_top - im->stack_size) {
        return "[stack]";
    }
    if (start == im->vdso_page) {
        return "[vdso]";
    }
    /* As the kernel says it: a map that the heap has a part in. Data before it may have become one with it. */
    return start < align_up(brk_end, 4096) && end > brk && brk_end > brk && !*host ? "[heap]" : host;
}

static void put_region(struct buf *out, u64 start, u64 end, int prot, bool shared, u64 off, const char *dev, u64 inode,
                       const char *name)
{
    size_t before = out->len;
    buf_printf(out, "%08llx-%08llx %c%c%c%c %08llx %s %llu", (unsigned long long)start, (unsigned long long)end,
               prot & PROT_READ ? 'r' : '-', prot & PROT_WRITE ? 'w' : '-', prot & PROT_EXEC ? 'x' : '-',
               shared ? 's' : 'p', (unsigned long long)off, dev, (unsigned long long)inode);
    if (*name) {
        buf_printf(out, "%*s%s", (int)MAX(1, 73 - (i64)(out->len - before)), "", name);
    }
    buf_printf(out, "\n");
}

/* One line of the host's: the program's ranges in it. */
static void put_host_line(struct buf *out, const char *line)
{
    unsigned long long a, b, off, inode;
    char perms[8], dev[16];
    int at = 0;
    u64 base = (u64)(uintptr_t)ram_base, size = ram_window_size();
    if (sscanf(line, "%llx-%llx %7s %llx %15s %llu %n", &a, &b, perms, &off, dev, &inode, &at) < 6 || b <= base ||
        a >= base + size) {
        return;
    }
    u64 low = MAX(a, base) - base, high = MIN(b, base + size) - base, start = low, end;
    int prot;
    bool shared;
    const char *host_name = at ? line + at : "";
    for (; start < high && mm_next(&start, &end, &prot, &shared) && start < high; start = end) {
        end = MIN(end, high);
        put_region(out, start, end, prot, shared, inode ? off + (start + base - a) : 0, dev, inode,
                   region_name(start, end, host_name));
    }
}

static void put_maps(struct buf *out)
{
    FILE *f = fopen("/proc/self/maps", "re");
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while (f && (n = getline(&line, &cap, f)) > 0) {
        line[n - 1] = line[n - 1] == '\n' ? 0 : line[n - 1];
        put_host_line(out, line);
    }
    free(line);
    if (f) {
        fclose(f);
    }
}

/* -- stat: the host's, with the program's addresses ---------------------------------------------------------------- */

static bool stat_field(unsigned field, u64 *v)
{
    const struct user_image *im = &user_image;
    const struct {
        unsigned field;
        u64 v;
    } ours[] = {
        {26, im->start_code}, {27, im->end_code},  {28, im->stack_start}, {45, im->start_data}, {46, im->end_data},
        {47, im->brk_start},  {48, im->arg_start}, {49, im->arg_end},     {50, im->env_start},  {51, im->env_end},
    };
    for (unsigned i = 0; i < ARRAY_LEN(ours); i++) {
        if (ours[i].field == field) {
            *v = ours[i].v;
            return true;
        }
    }
    return false;
}

static void put_stat(struct buf *out, int tid)
{
    char path[64], text[2048];
    snprintf(path, sizeof(path), tid ? "/proc/self/task/%d/stat" : "/proc/self/stat", tid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f) {
        fclose(f);
    }
    text[n] = 0;
    char *behind = strrchr(text, ')'); /* a name may hold spaces and parentheses */
    if (!behind) {
        return;
    }
    buf_put(out, text, (size_t)(behind + 1 - text));
    unsigned field = 3;
    char *save, *w = strtok_r(behind + 1, " \n", &save);
    for (; w; w = strtok_r(NULL, " \n", &save), field++) {
        u64 v;
        if (stat_field(field, &v)) {
            buf_printf(out, " %llu", (unsigned long long)v);
        } else {
            buf_printf(out, " %s", w);
        }
    }
    buf_printf(out, "\n");
}

/* Fields of a process's stat from `first` (26: start of the code) on; 0: not known. */
static void host_stat(const char *pid, unsigned first, unsigned n, u64 *v)
{
    char path[64], text[2048];
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *f = fopen(path, "re");
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f) {
        fclose(f);
    }
    text[len] = 0;
    char *p = strrchr(text, ')');
    for (unsigned field = 3; p && field < first + n; field++) {
        p = strchr(p + 1, ' ');
        if (p && field >= first) {
            v[field - first] = strtoull(p, NULL, 10);
        }
    }
}

/* -- others ------------------------------------------------------------------------------------------------------- */

/* The heap stays moss's own: its malloc lives there. Data begins and ends where the window does: other processes of
 * moss find it by that. */
i64 proc_show_map(const struct user_image *im)
{
    u64 own_heap = 0;
    host_stat("self", 47, 1, &own_heap);
    struct prctl_mm_map m = {
        .start_code = (u64)(uintptr_t)g2h(im->start_code),
        .end_code = (u64)(uintptr_t)g2h(im->end_code),
        .start_data = (u64)(uintptr_t)ram_base,
        .end_data = (u64)(uintptr_t)ram_base,
        .start_brk = own_heap,
        .brk = (u64)(uintptr_t)sbrk(0),
        .start_stack = (u64)(uintptr_t)g2h(im->stack_start),
        .arg_start = (u64)(uintptr_t)g2h(im->arg_start),
        .arg_end = (u64)(uintptr_t)g2h(im->arg_end),
        .env_start = (u64)(uintptr_t)g2h(im->env_start),
        .env_end = (u64)(uintptr_t)g2h(im->env_end),
        .exe_fd = (u32)-1,
    };
    return !m.start_brk || prctl(PR_SET_MM, PR_SET_MM_MAP, &m, sizeof(m), 0) == 0 ? 0 : -errno;
}

/* A kernel without checkpoints says no to the map, which is no matter. */
void proc_show_program(void)
{
    const char *slash = strrchr(user_cfg.exec_name, '/');
    prctl(PR_SET_NAME, slash && slash[1] ? slash + 1 : user_cfg.exec_name);
    proc_show_map(&user_image);
}

static bool is_this_binary(const char *exe)
{
    struct stat own, its;
    return stat(exe, &its) == 0 &&
           (user_cfg.self_fd < 0 ? stat("/proc/self/exe", &own) : fstat(user_cfg.self_fd, &own)) == 0 &&
           own.st_dev == its.st_dev && own.st_ino == its.st_ino;
}

u64 proc_window_of(int pid)
{
    char name[16], exe[32];
    u64 data[2] = {0};
    snprintf(name, sizeof(name), "%d", pid);
    snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
    if (is_this_binary(exe)) {
        host_stat(name, 45, 2, data);
    }
    return data[0] == data[1] ? data[0] : 0;
}

/* The program that another process of this binary runs: the file that its code lies in. */
static bool other_exe(const char *path, char file[PATH_MAX])
{
    char pid[16], what[16], maps[64], *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool found = false;
    if (sscanf(path, "/proc/%15[0-9]/%15s", pid, what) != 2 || strcmp(what, "exe") || !is_this_binary(path)) {
        return false;
    }
    u64 code = 0;
    host_stat(pid, 26, 1, &code);
    snprintf(maps, sizeof(maps), "/proc/%s/maps", pid);
    FILE *f = fopen(maps, "re");
    while (f && !found && (n = getline(&line, &cap, f)) > 0) {
        unsigned long long a, b;
        int at = 0;
        line[n - 1] = 0;
        found = sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &a, &b, &at) == 2 && at && line[at] == '/' && code >= a &&
                code < b;
        if (found) {
            snprintf(file, PATH_MAX, "%s", line + at);
        }
    }
    free(line);
    if (f) {
        fclose(f);
    }
    return found;
}

/* -- the rest: bytes of the program's own stack -------------------------------------------------------------------- */

static void put_memory(struct buf *out, u64 start, u64 end)
{
    size_t n = end - start;
    char *p = malloc(n + 1);
    must(p);
    if (copy_from_guest(p, start, n)) {
        buf_put(out, p, n);
    }
    free(p);
}

static bool make_file(const char *name, int tid, struct buf *out)
{
    const struct user_image *im = &user_image;
    if (!strcmp(name, "maps")) {
        put_maps(out);
    } else if (!strcmp(name, "stat")) {
        put_stat(out, tid);
    } else if (!strcmp(name, "auxv")) {
        put_memory(out, im->auxv, im->auxv + im->auxv_len);
    } else if (!strcmp(name, "cmdline")) {
        put_memory(out, im->arg_start, im->arg_end);
    } else if (!strcmp(name, "environ")) {
        put_memory(out, im->env_start, im->env_end);
    } else {
        return false;
    }
    return true;
}

static i64 as_descriptor(const struct buf *b, int flags)
{
    int fd = memfd_create("proc", flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
    if (fd < 0) {
        return -errno;
    }
    if (b->len && (write(fd, b->data, b->len) != (ssize_t)b->len || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        return -ENOMEM;
    }
    return fd;
}

bool user_open_hook(const char *path, int flags, i64 *result)
{
    struct buf b = {0};
    int tid;
    if (strncmp(path, "/proc/", 6)) {
        return false;
    }
    const char *name = own_file(path, &tid);
    char file[PATH_MAX];
    if (!name && other_exe(path, file)) {
        int fd = open(file, flags);
        *result = fd < 0 ? -errno : fd;
        return true;
    }
    if (name && !strcmp(name, "exe")) {
        int fd = open(user_cfg.exec_path, flags);
        *result = fd < 0 ? -errno : fd;
        return true;
    }
    bool ours = name ? make_file(name, tid, &b) : !strcmp(path, "/proc/cpuinfo");
    if (ours && !name) {
        user_cfg.abi->cpuinfo(self->cpu, (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &b);
    }
    if (ours) {
        *result = (flags & O_ACCMODE) == O_RDONLY ? as_descriptor(&b, flags) : -EACCES;
    }
    buf_free(&b);
    return ours;
}

bool user_readlink_hook(const char *path, char *buf, size_t n, i64 *result)
{
    int tid;
    const char *name = own_file(path, &tid);
    char file[PATH_MAX];
    const char *exe = name && !strcmp(name, "exe") ? user_cfg.exec_path : !name && other_exe(path, file) ? file : NULL;
    if (!exe) {
        return false;
    }
    size_t len = MIN(strlen(exe), n);
    memcpy(buf, exe, len);
    *result = (i64)len;
    return true;
}

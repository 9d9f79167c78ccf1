/* Who am I: argv, environment, auxiliary vector, /proc/self, execve of oneself, of scripts, of the host's programs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdbool.h>

#include "check.h"
#include "machine.h"

static char exe[4096];

static int child_main(char **argv)
{
    const char *x = getenv("X");
    return !strcmp(argv[0], "fancy") && x && !strcmp(x, "1") ? 11 : 12;
}
static int status_of(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}
#define RUN(call) \
    __extension__({ \
        pid_t child_ = fork(); \
        if (!child_) { \
            call; \
            _exit(errno); \
        } \
        status_of(child_); \
    })

static void execs(char *self, const char *dir)
{
    char *argv[] = {"fancy", "child", NULL}, *env[] = {"X=1", NULL}, script[4200];
    int fd = open(exe, O_RDONLY);
    CHECK(RUN(execve("/proc/self/exe", argv, env)) == 11);
    CHECK(RUN(execve(self, argv, env)) == 11);
    CHECK(RUN(fexecve(fd, argv, env)) == 11);
    CHECK(RUN(execl("/bin/true", "true", NULL)) == 0);
    CHECK(RUN(execl("/nonexistent", "x", NULL)) == ENOENT);
    CHECK(RUN(execl("/etc", "x", NULL)) == EACCES);
    snprintf(script, sizeof(script), "%s/script", dir);
    FILE *f = fopen(script, "w");
    fprintf(f, "#! %s script\n", exe);
    fclose(f);
    chmod(script, 0755);
    CHECK(RUN(execl(script, "x", "arg", NULL)) == 13);
    unlink(script);
}

static void proc(int argc, char **argv)
{
    char buf[65536], want[64];
    int n, brk_seen = 0, stack_seen = 0, exe_seen = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    snprintf(want, sizeof(want), "/proc/%d/exe", (int)getpid());
    n = (int)readlink(want, buf, sizeof(buf) - 1);
    buf[n > 0 ? n : 0] = 0;
    CHECK(!strcmp(buf, exe));
    while (fgets(buf, sizeof(buf), f)) {
        unsigned long a, b;
        char perms[8];
        CHECK(sscanf(buf, "%lx-%lx %7s", &a, &b, perms) == 3);
        brk_seen |= strstr(buf, "[heap]") != NULL;
        stack_seen |= strstr(buf, "[stack]") && a <= (unsigned long)&n && (unsigned long)&n < b;
        exe_seen |= strstr(buf, exe) && a <= (unsigned long)child_main && (unsigned long)child_main < b &&
                    !strcmp(perms, "r-xp");
        CHECK(!strstr(buf, "moss"));
    }
    fclose(f);
    CHECK(brk_seen && stack_seen && exe_seen);
    f = fopen("/proc/self/cmdline", "r");
    n = (int)fread(buf, 1, sizeof(buf), f);
    fclose(f);
    CHECK(n > 0 && !strcmp(buf, argv[0]) && (argc < 2 || !strcmp(buf + strlen(buf) + 1, argv[1])));
    f = fopen("/proc/self/auxv", "r");
    unsigned long v[64] = {0};
    n = (int)fread(v, 2 * sizeof(v[0]), 32, f);
    fclose(f);
    for (int i = 0; i < n; i++) {
        bool own = v[2 * i] == AT_HWCAP || v[2 * i] == AT_HWCAP2 || v[2 * i] == AT_PLATFORM; /* the C library's */
        CHECK(v[2 * i] == AT_NULL || own || getauxval(v[2 * i]) == v[2 * i + 1]);
        CHECK(v[2 * i] != AT_HWCAP || (v[2 * i + 1] & HWCAP_BITS) == HWCAP_BITS);
        CHECK(v[2 * i] != AT_PLATFORM || !strcmp((char *)v[2 * i + 1], MACHINE));
    }
    f = fopen("/proc/cpuinfo", "r");
    CHECK(fgets(buf, sizeof(buf), f) && !strncmp(buf, "processor\t: 0", 13));
    while (fgets(buf, sizeof(buf), f) && !strstr(buf, CPU_FEATURE)) {
    }
    CHECK(strstr(buf, CPU_FEATURE));
    fclose(f);
}

int main(int argc, char **argv)
{
    struct utsname u;
    if (argc > 1 && !strcmp(argv[1], "child")) {
        return child_main(argv);
    }
    if (argc > 2 && !strcmp(argv[1], "script")) {
        return argc == 4 && strstr(argv[2], "/script") && !strcmp(argv[3], "arg") ? 13 : 14;
    }
    CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    CHECK(uname(&u) == 0 && !strcmp(u.machine, MACHINE));
    CHECK(getauxval(AT_PAGESZ) == 4096 && getauxval(AT_PHDR) && getauxval(AT_ENTRY) && getauxval(AT_RANDOM));
#if defined(__aarch64__) /* x86's C library says something else of these two */
    CHECK(!strcmp((char *)getauxval(AT_PLATFORM), MACHINE) && (getauxval(AT_HWCAP) & HWCAP_BITS) == HWCAP_BITS);
    CHECK(((unsigned long)__builtin_frame_address(0) & 15) == 0);
#endif
    proc(argc, argv);
    execs(argv[0], argc > 1 ? argv[1] : "/tmp");
    return checks_end("life");
}

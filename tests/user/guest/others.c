/* What /proc says of another process of moss: the program's name, file, arguments and environment. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static ssize_t read_file(int pid, const char *what, char *out, size_t n)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
    int fd = open(path, O_RDONLY);
    ssize_t len = fd < 0 ? -1 : read(fd, out, n);
    close(fd);
    return len;
}

static int same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    struct statx xb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino &&
           statx(AT_FDCWD, b, 0, STATX_INO, &xb) == 0 && xb.stx_ino == sa.st_ino;
}

int main(int argc, char **argv)
{
    static const char words[] = "zero\0first argument\0";
    char exe[PATH_MAX] = "", its[PATH_MAX] = "", path[64], text[4096] = "", c = 0;
    struct stat link;
    int ready[2];
    if (argc == 2 && !strcmp(argv[0], "zero")) {
        write(1, "x", 1);
        pause();
    }
    CHECK(pipe(ready) == 0);
    int pid = fork();
    if (pid == 0) {
        char *args[] = {"zero", "first argument", NULL}, *env[] = {"MOSS_TEST=6", NULL};
        dup2(ready[1], 1);
        execve("/proc/self/exe", args, env);
        _exit(1);
    }
    CHECK(read(ready[0], &c, 1) == 1 && c == 'x');
    CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    CHECK(readlink(path, its, sizeof(its) - 1) > 0 && !strcmp(exe, its));
    CHECK(same_file(exe, path) && same_file(exe, "/proc/self/exe"));
    CHECK(lstat(path, &link) == 0 && S_ISLNK(link.st_mode));
    CHECK(read_file(pid, "exe", text, 20) == 20 && text[18] == (char)183 /* EM_AARCH64 */);
    if (read_file(pid, "cmdline", text, sizeof(text)) > 0 && strncmp(text, "moss-", 5)) { /* not without checkpoints */
        CHECK(!memcmp(text, words, sizeof(words) - 1));
        CHECK(read_file(pid, "environ", text, sizeof(text)) == 12 && !strcmp(text, "MOSS_TEST=6"));
    }
    memset(text, 0, sizeof(text));
    CHECK(read_file(pid, "comm", text, sizeof(text)) > 0);
    text[strcspn(text, "\n")] = 0;
    CHECK(!strncmp(strrchr(exe, '/') + 1, text, 15));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return checks_end("others");
}

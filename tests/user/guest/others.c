/* What /proc says of another process of moss: the program's name, file, arguments and environment; and its
 * memory. */
#define _GNU_SOURCE
#include "check.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
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

static char its_word[32] = "a word";

/* What it is called by is where a program says that it is. */
static void say_arguments(void)
{
    static char args[] = "zero\0first argument\0and another";
    struct prctl_mm_map m = {.exe_fd = -1};
    extern char __executable_start[], etext[], **environ;
    m.start_code = (unsigned long)__executable_start;
    m.end_code = (unsigned long)etext;
    m.start_data = m.end_data = m.start_brk = m.brk = m.start_stack = (unsigned long)environ;
    m.env_start = (unsigned long)environ[0];
    m.env_end = m.env_start + strlen(environ[0]) + 1;
    m.arg_start = (unsigned long)args;
    m.arg_end = m.arg_start + sizeof(args);
    prctl(PR_SET_MM, PR_SET_MM_MAP, &m, sizeof(m), 0);
}

/* Another process's memory is read and written, a child's and that of a program with other addresses. */
static void shared_words(int other, char *there)
{
    static volatile int word = 1;
    char text[sizeof(its_word)] = "";
    int seen = 0, five = 5, status = 0;
    struct iovec mine = {&seen, sizeof(seen)}, put = {&five, sizeof(five)}, its = {(void *)&word, sizeof(word)};
    struct iovec room = {text, sizeof(its_word)}, far = {there, sizeof(its_word)};
    int pid = fork();
    if (pid == 0) {
        word = 4;
        for (int i = 0; i < 10000 && word == 4; i++) {
            usleep(1000);
        }
        _exit(word);
    }
    while (seen != 4) {
        CHECK(process_vm_readv(pid, &mine, 1, &its, 1, 0) == sizeof(int));
        if (seen != 1 && seen != 4) {
            break;
        }
    }
    CHECK(seen == 4 && word == 1 && process_vm_writev(pid, &put, 1, &its, 1, 0) == sizeof(int));
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 5);

    CHECK(process_vm_readv(other, &room, 1, &far, 1, 0) == sizeof(its_word) && !strcmp(text, "a word of its own"));
}

int main(int argc, char **argv)
{
    static const char words[] = "zero\0first argument\0";
    char exe[PATH_MAX] = "", its[PATH_MAX] = "", path[64], text[4096] = "", *its_at = NULL;
    struct stat link;
    int ready[2];
    if (argc == 2 && !strcmp(argv[0], "zero")) {
        char *at = its_word;
        strcat(its_word, " of its own");
        say_arguments();
        write(1, &at, sizeof(at));
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
    CHECK(read(ready[0], &its_at, sizeof(its_at)) == sizeof(its_at));
    CHECK(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    snprintf(path, sizeof(path), "/proc/%d/exe", pid);
    CHECK(readlink(path, its, sizeof(its) - 1) > 0 && !strcmp(exe, its));
    CHECK(same_file(exe, path) && same_file(exe, "/proc/self/exe"));
    CHECK(lstat(path, &link) == 0 && S_ISLNK(link.st_mode));
    CHECK(read_file(pid, "exe", text, 20) == 20 && text[18] == (char)ELF_MACHINE);
    if (read_file(pid, "cmdline", text, sizeof(text)) > 0 && strncmp(text, "moss-", 5)) { /* not without checkpoints */
        shared_words(pid, its_at);
        if (sizeof(long) == 8) { /* a 64-bit kernel takes its own structure alone */
            CHECK(read_file(pid, "cmdline", text, sizeof(text)) == 33 && !strcmp(text + 20, "and another"));
        }
        CHECK(!memcmp(text, words, sizeof(words) - 1));
        CHECK(read_file(pid, "environ", text, sizeof(text)) == 12 && !strcmp(text, "MOSS_TEST=6"));
    }
    memset(text, 0, sizeof(text));
    CHECK(read_file(pid, "comm", text, sizeof(text)) > 0);
    text[strcspn(text, "\n")] = 0;
    CHECK(!strncmp(strrchr(exe, '/') + 1, text, 15));
    struct iovec mine = {text, 1}, there = {its_at, 1};
    kill(pid, SIGKILL);
    siginfo_t si;
    CHECK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT) == 0);
    CHECK(process_vm_readv(pid, &mine, 1, &there, 1, 0) == -1 && errno == ESRCH);
    waitpid(pid, NULL, 0);
    CHECK(process_vm_readv(-1, &mine, 1, &there, 1, 0) == -1 && errno == ESRCH);
    return checks_end("others");
}

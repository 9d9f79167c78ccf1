/* A program that finds nothing of its machine: no library, no /proc, no shell. It forks and runs itself by names of its
 * own choice, three deep; each prints how it was called. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *path = argv[1];
    int depth = atoi(argv[2]), status = 0;
    printf("%s %s %d euid %d secure %lu\n", argv[0], path, depth, (int)geteuid(), getauxval(AT_SECURE));
    fflush(stdout);
    if (depth == 0) {
        return 3;
    }
    pid_t pid = fork();
    if (pid == 0) {
        char name[16], next[16];
        snprintf(name, sizeof(name), "child%d", depth - 1);
        snprintf(next, sizeof(next), "%d", depth - 1);
        execl(path, name, path, next, (char *)NULL);
        perror(path);
        return 1;
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

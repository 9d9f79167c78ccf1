/* Prints its arguments, one a line, then the variables that begin with MOSS_TEST. */
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv, char **envp)
{
    for (int i = 0; i < argc; i++) {
        printf("[%s]\n", argv[i]);
    }
    for (; *envp; envp++) {
        if (!strncmp(*envp, "MOSS_TEST", 9)) {
            printf("%s\n", *envp);
        }
    }
    return argc;
}

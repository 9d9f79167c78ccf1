/* Runs on the peer (AArch64 Linux, static): reads cases from the file named by the first argument, runs each, and
 * writes the state it left to standard output. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "case.h"

/* X28: where the case returns to, X29: the state. */
void run_case(struct peer_state *st, void *code);
extern char run_case_return[];
__asm__(".text\n"
        ".global run_case, run_case_return\n"
        "run_case:\n"
        "    stp x29, x30, [sp, #-176]!\n"
        "    stp x19, x20, [sp, #16]\n"
        "    stp x21, x22, [sp, #32]\n"
        "    stp x23, x24, [sp, #48]\n"
        "    stp x25, x26, [sp, #64]\n"
        "    stp x27, x28, [sp, #80]\n"
        "    stp d8, d9, [sp, #96]\n"
        "    stp d10, d11, [sp, #112]\n"
        "    stp d12, d13, [sp, #128]\n"
        "    stp d14, d15, [sp, #144]\n"
        "    mov x29, x0\n"
        "    mov x30, x1\n"
        "    adr x28, run_case_return\n"
        "    add x0, x29, #224\n"
        "    .irp r, 0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30\n"
        "    ldr q\\r, [x0, #16 * \\r]\n"
        "    .endr\n"
        "    .irp r, 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31\n"
        "    ldr q\\r, [x0, #16 * \\r]\n"
        "    .endr\n"
        "    ldr x1, [x0, #512]\n"
        "    msr nzcv, x1\n"
        "    ldr x1, [x0, #520]\n"
        "    msr fpcr, x1\n"
        "    ldr x1, [x0, #528]\n"
        "    msr fpsr, x1\n"
        "    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27\n"
        "    ldr x\\r, [x29, #8 * \\r]\n"
        "    .endr\n"
        "    br x30\n"
        "run_case_return:\n"
        "    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27\n"
        "    str x\\r, [x29, #8 * \\r]\n"
        "    .endr\n"
        "    mrs x1, nzcv\n"
        "    mrs x2, fpsr\n"
        "    mrs x3, fpcr\n"
        "    msr fpcr, xzr\n"
        "    add x0, x29, #224\n"
        "    str x1, [x0, #512]\n"
        "    str x3, [x0, #520]\n"
        "    str x2, [x0, #528]\n"
        "    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "    str q\\r, [x0, #16 * \\r]\n"
        "    .endr\n"
        "    ldp x19, x20, [sp, #16]\n"
        "    ldp x21, x22, [sp, #32]\n"
        "    ldp x23, x24, [sp, #48]\n"
        "    ldp x25, x26, [sp, #64]\n"
        "    ldp x27, x28, [sp, #80]\n"
        "    ldp d8, d9, [sp, #96]\n"
        "    ldp d10, d11, [sp, #112]\n"
        "    ldp d12, d13, [sp, #128]\n"
        "    ldp d14, d15, [sp, #144]\n"
        "    ldp x29, x30, [sp], #176\n"
        "    ret\n");
_Static_assert(offsetof(struct peer_state, v) == 224 && offsetof(struct peer_state, nzcv) == 224 + 512,
               "as the code says");

static volatile sig_atomic_t undefined;
static void on_sigill(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    undefined = 1;
    uc->uc_mcontext.pc = (uint64_t)run_case_return;
}

enum { BATCH = 1 << 14 };
int main(int argc, char **argv)
{
    static struct peer_case cases[BATCH];
    FILE *in = argc > 1 ? fopen(argv[1], "rb") : NULL;
    uint32_t *code = mmap(NULL, BATCH * 8, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sigaction sa = {.sa_sigaction = on_sigill, .sa_flags = SA_SIGINFO};
    if (!in || code == MAP_FAILED || sigaction(SIGILL, &sa, NULL)) {
        perror("peer");
        return 1;
    }
    for (size_t n; (n = fread(cases, sizeof(cases[0]), BATCH, in)) != 0;) {
        for (size_t i = 0; i < n; i++) {
            code[2 * i] = cases[i].insn;
            code[2 * i + 1] = 0xd61f0380; /* br x28 */
        }
        __builtin___clear_cache((char *)code, (char *)(code + 2 * n));
        for (size_t i = 0; i < n; i++) {
            struct peer_state st;
            peer_fill(&st, &cases[i]);
            undefined = 0;
            run_case(&st, code + 2 * i);
            st.undefined = (uint64_t)undefined;
            fwrite(&st, sizeof(st), 1, stdout);
        }
    }
    return 0;
}

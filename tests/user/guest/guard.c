/* Guarded pages (PROT_BTI): the kernel says it has them, mmap and mprotect take them, indirect branches need landing
 * pads, and a program whose property note asks for them gets them (built once with -mbranch-protection). */
#include "check.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef PROT_BTI
#define PROT_BTI 0x10
#endif
#define HWCAP2_BTI (1 << 17)

enum {
    NOP = 0xd503201f,
    BTI_C = 0xd503245f,
    BTI_J = 0xd503249f,
    BTI_JC = 0xd50324df,
    PACIASP = 0xd503233f,
    RET = 0xd65f03c0
};

static sigjmp_buf back;
static volatile long fault_at;
static void on_ill(int sig, siginfo_t *si, void *uc)
{
    fault_at = si->si_code == ILL_ILLOPC ? (long)si->si_addr : 0;
    siglongjmp(back, 1);
}

/* By BLR, BR through another register, BR X16. True: it came back by itself. */
static int go(unsigned how, void *to)
{
    fault_at = 0;
    if (sigsetjmp(back, 1)) {
        return 0;
    }
    switch (how) {
    case 0:
        __asm__ volatile("blr %0" : : "r"(to) : "x30", "memory");
        break;
    case 1:
        __asm__ volatile("adr x30, 1f\n\tbr %0\n1:" : : "r"(to) : "x30", "memory");
        break;
    default:
        __asm__ volatile("mov x16, %0\n\tadr x30, 1f\n\tbr x16\n1:" : : "r"(to) : "x16", "x30", "memory");
    }
    return 1;
}

static const struct {
    unsigned insn;
    unsigned char ok[3]; /* by how */
} rows[] = {{NOP, {0, 0, 0}}, {BTI_C, {1, 0, 1}}, {BTI_J, {0, 1, 1}}, {BTI_JC, {1, 1, 1}}, {PACIASP, {1, 0, 1}}};

static void test_pads(int caller_guarded)
{
    unsigned *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        code[16 * i] = rows[i].insn;
        code[16 * i + 1] = rows[i].insn == PACIASP ? 0xd50323bf /* autiasp */ : NOP;
        code[16 * i + 2] = RET;
    }
    __builtin___clear_cache((char *)code, (char *)code + 4096);
    CHECK(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(go(0, code + 16 * i) && go(1, code + 16 * i) && go(2, code + 16 * i));
    }
    CHECK(mprotect(code, 4096, PROT_READ | PROT_EXEC | PROT_BTI) == 0);
    go(0, code); /* the first of all may pass, see docs/decisions/landing-pads.md */
    for (int again = 0; again < 3; again++) {
        for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            for (unsigned how = 0; how < 3; how++) {
                int ok = rows[i].ok[how == 1 && !caller_guarded ? 2 : how]; /* BR from elsewhere is as through X16 */
                CHECK(go(how, code + 16 * i) == ok);
                CHECK(fault_at == (ok ? 0 : (long)(code + 16 * i)));
            }
        }
    }
    CHECK(mprotect(code, 4096, PROT_READ | PROT_EXEC) == 0);
    CHECK(go(0, code) && go(1, code) && go(2, code));
    munmap(code, 4096);
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_sigaction = on_ill, .sa_flags = SA_SIGINFO};
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC | PROT_BTI, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGILL, &sa, NULL);
    CHECK(getauxval(AT_HWCAP2) & HWCAP2_BTI);
    CHECK(p != MAP_FAILED);
    CHECK(mprotect(p, 4096, PROT_READ | 0x40) == -1 && errno == EINVAL);
    test_pads(argc > 1);
    return checks_end("guard");
}

/* What the programs here know of the machine they run on: its names, and instructions that no compiler makes. */
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#if defined(__aarch64__)
#define MACHINE         "aarch64"
#define ELF_MACHINE     183
#define CPU_FEATURE     "asimd"
#define HWCAP_BITS      3 /* FP, ASIMD */
#define VDSO_VERSION    "LINUX_2.6.39"
#define VDSO(name)      "__kernel_" name
#define UNDEFINED       ".word 0"
#define UNDEFINED_LEN   4
#define UNDEFINED_CODE  ILL_ILLOPC
#define BREAKPOINT      "brk #3"
#define BREAK_CODE      TRAP_BRKPT
#define NO_ADDRESS      0xffff800000000000
#define NO_ADDRESS_CODE SEGV_MAPERR
#define RESULT_REG      "x0"
#define UC_RESULT(uc)   (uc)->uc_mcontext.regs[0]
#define UC_PC(uc)       (uc)->uc_mcontext.pc
#elif defined(__x86_64__) || defined(__i386__)
#define CPU_FEATURE    "fpu"
#define HWCAP_BITS     0x07800001 /* FPU, MMX, FXSR, SSE, SSE2 */
#define VDSO_VERSION   "LINUX_2.6"
#define VDSO(name)     "__vdso_" name
#define UNDEFINED      "ud2"
#define UNDEFINED_LEN  2
#define UNDEFINED_CODE ILL_ILLOPN
#define BREAKPOINT     "int3"
#define BREAK_CODE     SI_KERNEL
#if defined(__x86_64__)
#define MACHINE         "x86_64"
#define ELF_MACHINE     62
#define NO_ADDRESS      0xffff800000000000 /* not canonical up to there, the kernel's above */
#define NO_ADDRESS_CODE SEGV_MAPERR
#define RESULT_REG      "rax"
#define UC_RESULT(uc)   (uc)->uc_mcontext.gregs[REG_RAX]
#define UC_PC(uc)       (uc)->uc_mcontext.gregs[REG_RIP]
#else
#define MACHINE         "i686"
#define ELF_MACHINE     3
#define NO_ADDRESS      0xfffff000
#define NO_ADDRESS_CODE SEGV_MAPERR
#define RESULT_REG      "eax"
#define UC_RESULT(uc)   (uc)->uc_mcontext.gregs[REG_EAX]
#define UC_PC(uc)       (uc)->uc_mcontext.gregs[REG_EIP]
#endif
#endif

/* A function of no arguments that returns n. */
static inline void put_code(void *at, unsigned n)
{
#if defined(__aarch64__)
    const unsigned code[] = {0x52800000 | n << 5, 0xd65f03c0}; /* movz w0, #n; ret */
#else
    unsigned char code[6] = {0xb8, 0, 0, 0, 0, 0xc3}; /* mov $n, %eax; ret */
    memcpy(code + 1, &n, 4);
#endif
    memcpy(at, code, sizeof(code));
    __builtin___clear_cache((char *)at, (char *)at + sizeof(code));
}

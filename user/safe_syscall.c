/* The host's system calls, and the one that a signal cannot slip past: between the look at `pending` and the system
 * call instruction there are only addresses that the signal handler knows; a thread found there is sent to an exit.
 *
 * A call that has not begun gives -ERESTARTNOINTR: to the program the signal came before it. One that the kernel
 * restarts is found on the instruction, like one about to begin; it gives -ERESTARTSYS. On x86-64 rcx tells the two
 * apart: zero before, the address behind the instruction once the kernel was entered. Hosts that leave no such trace
 * (AArch64, x86-64 with FRED) take a signal on just that instruction for an interruption of the call. */
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "user/user_priv.h"

static bool syscall_leaves_trace;
i64 safe_syscall_asm(const volatile u32 *pending, long nr, const u64 a[6]);
extern const char safe_syscall_start[], safe_syscall_insn[], safe_syscall_end[];
extern const char safe_syscall_stop[], safe_syscall_interrupted[];

#if defined(__x86_64__)
__asm__(".text\n"
        ".globl safe_syscall_asm\n"
        ".type safe_syscall_asm, @function\n"
        "safe_syscall_asm:\n"
        "    .cfi_startproc\n"
        "    mov %rdi, %rcx\n"
        "    mov %rsi, %rax\n"
        "    mov %rdx, %r11\n"
        "    mov 0(%r11), %rdi\n"
        "    mov 8(%r11), %rsi\n"
        "    mov 16(%r11), %rdx\n"
        "    mov 24(%r11), %r10\n"
        "    mov 32(%r11), %r8\n"
        "    mov 40(%r11), %r9\n"
        "safe_syscall_start:\n"
        "    cmpl $0, (%rcx)\n"
        "    jnz safe_syscall_stop\n"
        "    xor %ecx, %ecx\n"
        "safe_syscall_insn:\n"
        "    syscall\n"
        "safe_syscall_end:\n"
        "    ret\n"
        "safe_syscall_stop:\n"
        "    mov $-513, %rax\n"
        "    ret\n"
        "safe_syscall_interrupted:\n"
        "    mov $-512, %rax\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size safe_syscall_asm, .-safe_syscall_asm\n");
#define UC_PC(uc) (*(u64 *)&(uc)->uc_mcontext.gregs[REG_RIP])

static bool leaves_trace(void)
{
    long r = SYS_getpid;
    u64 trace = 0;
    __asm__ volatile("syscall" : "+a"(r), "+c"(trace) : : "r11", "memory");
    return trace != 0;
}
static bool not_begun(const ucontext_t *uc)
{
    return syscall_leaves_trace && uc->uc_mcontext.gregs[REG_RCX] == 0;
}
#elif defined(__aarch64__)
/* The labels are global: what refers to local ones through the global offset table gets one entry for them all. */
__asm__(".text\n"
        ".globl safe_syscall_asm, safe_syscall_start, safe_syscall_insn, safe_syscall_end\n"
        ".globl safe_syscall_stop, safe_syscall_interrupted\n"
        ".hidden safe_syscall_start, safe_syscall_insn, safe_syscall_end, safe_syscall_stop, safe_syscall_interrupted\n"
        ".type safe_syscall_asm, %function\n"
        "safe_syscall_asm:\n"
        "    .cfi_startproc\n"
        "    mov x9, x0\n"
        "    mov x8, x1\n"
        "    mov x10, x2\n"
        "    ldp x0, x1, [x10]\n"
        "    ldp x2, x3, [x10, #16]\n"
        "    ldp x4, x5, [x10, #32]\n"
        "safe_syscall_start:\n"
        "    ldr w11, [x9]\n"
        "    cbnz w11, safe_syscall_stop\n"
        "safe_syscall_insn:\n"
        "    svc #0\n"
        "safe_syscall_end:\n"
        "    ret\n"
        "safe_syscall_stop:\n"
        "    mov x0, #-513\n"
        "    ret\n"
        "safe_syscall_interrupted:\n"
        "    mov x0, #-512\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size safe_syscall_asm, .-safe_syscall_asm\n");
#define UC_PC(uc) ((uc)->uc_mcontext.pc)

static bool leaves_trace(void)
{
    return false;
}
static bool not_begun(const ucontext_t *uc)
{
    return (void)uc, false;
}
#else
#error "user mode needs the host's system call instruction here"
#endif

i64 safe_syscall6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    return safe_syscall_asm(&self->pending, nr, (const u64[6]){a, b, c, d, e, f});
}

i64 host_syscall6(long nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    long r = syscall(nr, a, b, c, d, e, f);
    return r == -1 ? -errno : r;
}

void safe_syscall_init(void)
{
    syscall_leaves_trace = leaves_trace();
}

void safe_syscall_rewind(void *ucontext)
{
    ucontext_t *uc = ucontext;
    const char *pc = (const char *)(uintptr_t)UC_PC(uc);
    if (pc >= safe_syscall_start && pc < safe_syscall_end) {
        bool begun = pc == safe_syscall_insn && !not_begun(uc);
        UC_PC(uc) = (u64)(uintptr_t)(begun ? safe_syscall_interrupted : safe_syscall_stop);
    }
}

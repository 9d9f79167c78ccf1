/* The host's system calls, and the one that a signal cannot slip past: between the look at `pending` and the system
 * call instruction there are only addresses that the signal handler knows; a thread found there is sent to the exit
 * that gives -ERESTARTSYS. A call that the kernel restarts is found there too, with the program counter on the
 * instruction. */
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "user/user_priv.h"

i64 safe_syscall_asm(const volatile u32 *pending, long nr, const u64 a[6]);
extern const char safe_syscall_start[], safe_syscall_end[], safe_syscall_stop[];

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
        "    syscall\n"
        "safe_syscall_end:\n"
        "    ret\n"
        "safe_syscall_stop:\n"
        "    mov $-512, %rax\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size safe_syscall_asm, .-safe_syscall_asm\n");
#define UC_PC(uc) (*(u64 *)&(uc)->uc_mcontext.gregs[REG_RIP])
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl safe_syscall_asm\n"
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
        "    svc #0\n"
        "safe_syscall_end:\n"
        "    ret\n"
        "safe_syscall_stop:\n"
        "    mov x0, #-512\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size safe_syscall_asm, .-safe_syscall_asm\n");
#define UC_PC(uc) ((uc)->uc_mcontext.pc)
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

void safe_syscall_rewind(void *ucontext)
{
    ucontext_t *uc = ucontext;
    u64 pc = UC_PC(uc);
    if (pc >= (u64)(uintptr_t)safe_syscall_start && pc < (u64)(uintptr_t)safe_syscall_end) {
        UC_PC(uc) = (u64)(uintptr_t)safe_syscall_stop;
    }
}

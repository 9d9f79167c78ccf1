/* 64-bit mode: frames, IST, addresses that are not canonical, SYSCALL and SYSRET, SWAPGS, call gates, compatibility mode, what is
 * gone (SDM volume 3, 6.14, 5.8.3 and 5.8.7; volume 2, SYSCALL, IRET; volume 1, 3.2). */
#include "sys64.inc"

test64: CASE(1) /* a frame: aligned, SS:RSP always in it */
        lea -8(%rsp), %rsp
        movq $1f, resume
        mov %rsp, resume_rsp
2:      ud2
1:      cmpl $6, ex_vector
        jne fail64
        mov %rsp, %rax
        cmp %rax, ex_rsp
        jne fail64
        cmpq $DATA, ex_ss
        jne fail64
        cmpq $2b, ex_rip
        jne fail64
        mov ex_frame, %rax
        add $40, %rax
        test $15, %al
        jne fail64
        testl $0x10000, ex_flags        /* RF: the instruction would run again */
        je fail64
        lea 8(%rsp), %rsp

        CASE(2) /* not canonical: #GP, or #SS through the stack */
        movabs $0x800000000000, %rdi
        FAULT 13, 0, mov (%rdi), %rax
        FAULT 13, 0, mov %rax, (%rdi)
        mov %rdi, %rbp
        FAULT 12, 0, mov (%rbp), %rax
        FAULT 13, 0, mov %ds:(%rdi), %rax
        movabs $0x7ffffffffffc, %rdi    /* over the edge */
        movq $0, ex_vector
        FAULT 13, 0, lgdt bad_table

        CASE(3) /* an interrupt stack; and inward, the level's */
        movb $1, idt + 16 * 6 + 4
        FAULT 6, 0, ud2
        mov ex_frame, %rax
        EXPECT64 stack_ist_top-40
        USER_FAULT 6, 0, ud2
        mov ex_frame, %rax
        EXPECT64 stack_ist_top-40
        movb $0, idt + 16 * 6 + 4
        USER_FAULT 6, 0, ud2
        mov ex_frame, %rax
        EXPECT64 stack0_top-40
        cmpq $USER_DATA, ex_ss
        jne fail64
        cmpq $stack3_top, ex_rsp
        jne fail64

        CASE(4) /* SYSCALL, SYSRET */
        MSR_SET 0xc0000081, 0x001b000800000000
        MSR_SET 0xc0000082, sys_entry
        MSR_SET 0xc0000084, 0x300
        USER_BEGIN
        mov $0x1234, %eax
        syscall
3:      mov %cs, %ebx
        mov %ss, %ebp
        pushf
        pop %r9
        USER_END
        cmp $USER_CODE, %ebx
        jne fail64
        cmp $USER_DATA, %ebp
        jne fail64
        cmp $3b, %r12
        jne fail64
        test $0x200, %r11d              /* what SYSCALL saved */
        je fail64
        test $0x200, %r14d              /* and masked */
        jne fail64
        test $0x200, %r9d               /* and SYSRET gave back */
        je fail64
        cmp $CODE64, %r13d
        jne fail64
        movabs $0x800000000000, %rcx
        FAULT 13, 0, sysretq
        USER_FAULT 13, 0, sysretq
        mov $0xc0000080, %ecx
        rdmsr
        and $~1, %eax
        wrmsr
        USER_FAULT 6, 0, syscall
        FAULT 6, 0, sysretq
        mov $0xc0000080, %ecx
        rdmsr
        or $1, %eax
        wrmsr

        CASE(5) /* SWAPGS, FSGSBASE */
        MSR_SET 0xc0000101, 0x1111222233334444-0x1111222200000000
        MSR_SET 0xc0000102, 0xffff800000001000
        swapgs
        mov $0xc0000101, %ecx
        rdmsr
        cmp $0x1000, %eax
        jne fail64
        cmp $0xffff8000, %edx
        jne fail64
        swapgs
        USER_FAULT 13, 0, swapgs
        mov $0xc0010055, %ecx           /* INT_PENDING: no C1E */
        rdmsr
        or %edx, %eax
        jne fail64
        FAULT 13, 0, wrmsr
        movq $0x55667788, gs_data
        mov $gs_data - 8, %eax
        FAULT 6, 0, wrgsbase %rax
        CR4_SET 0x10000
        mov $gs_data - 8, %eax
        wrgsbase %rax
        mov %gs:8, %rax
        EXPECT64 0x55667788
        rdgsbase %rax
        EXPECT64 gs_data-8
        movabs $0x800000000000, %rax
        FAULT 13, 0, wrfsbase %rax
        mov $0xc0000100, %ecx
        mov $0x8000, %edx
        xor %eax, %eax
        FAULT 13, 0, wrmsr

        CASE(6) /* what 64-bit mode has not */
        FAULT 6, 0, .byte 0x06          /* push %es */
        FAULT 6, 0, .byte 0x27          /* daa */
        FAULT 6, 0, .byte 0x60          /* pusha */
        FAULT 6, 0, .byte 0xce          /* into */
        FAULT 6, 0, .byte 0xea
        FAULT 6, 0, .byte 0x62, 0x00
        FAULT 6, 0, .byte 0xc4, 0x00

        CASE(7) /* segments: null SS at level 0, limits and bases do not count */
        xor %eax, %eax
        mov %eax, %ss
        push $5
        pop %rax
        EXPECT64 5
        mov $DATA, %eax
        mov %eax, %ss
        xor %eax, %eax
        mov %eax, %ds
        mov gs_data, %rax
        EXPECT64 0x55667788
        mov $3, %eax
        FAULT 13, 0, mov %eax, %ss

        CASE(8) /* a 64-bit call gate, with a change of stack and without */
        mov $gate_entry, %eax
        movw %ax, gdt + GATE
        movw $CODE64, gdt + GATE + 2
        movw $0xec00, gdt + GATE + 4
        shr $16, %eax
        movw %ax, gdt + GATE + 6
        movl $0, gdt + GATE + 8
        movl $0, gdt + GATE + 12
        lcall *gate_pointer
        cmp $GATE, %r15
        jne fail64
        USER_BEGIN
        lcall *gate_pointer
        mov %rsp, %rbx
        USER_END
        cmp $stack0_top - 32, %r14
        jne fail64
        cmp $stack3_top, %rbx
        jne fail64
        movl $0x8000, gdt + GATE + 8    /* an address that is not canonical */
        FAULT 13, 0, lcall *gate_pointer
        movl $0, gdt + GATE + 8
        movl $0x0c00, gdt + GATE + 12   /* the upper half's type must be 0 */
        FAULT 13, GATE, lcall *gate_pointer
        movl $0, gdt + GATE + 12
        movw $CODE32, gdt + GATE + 2
        FAULT 13, CODE32, lcall *gate_pointer

        CASE(9) /* code that is 64-bit and 32-bit at once */
        FAULT 13, CODE_BAD, lcall *bad_pointer

        CASE(10) /* IRET: SS:RSP back in any case; NT is #GP */
        push $DATA
        push $stack_top - 64
        pushf
        push $CODE64
        push $1f
        iretq
1:      cmp $stack_top - 64, %rsp
        jne fail64
        mov $stack_top, %rsp
        pushf
        orl $0x4000, (%rsp)
        popf
        FAULT 13, 0, iretq
        pushf
        andl $~0x4000, (%rsp)
        popf
        cmpl $0, resume
        jne fail64
        mov %fs, %ebp                   /* outward, a null FS keeps its base */
        xor %eax, %eax
        mov %eax, %fs
        MSR_SET 0xc0000100, 0x123456789000
        USER_BEGIN
        USER_END
        mov $0xc0000100, %ecx
        rdmsr
        cmp $0x56789000, %eax
        jne fail64
        cmp $0x1234, %edx
        jne fail64
        mov %ebp, %fs

        CASE(11) /* compatibility mode: limits and bases count, addresses have 32 bits */
        push $CODE32
        push $compat
        lretq
        .code32
compat: mov $DATA, %eax
        mov %eax, %ss
        mov %eax, %ds
        mov $0xffffffff, %ebx
        mov $gs_data + 1, %esi
        mov (%esi, %ebx), %eax          /* wraps at 4 GiB */
        cmp $0x55667788, %eax
        jne fail
        inc %eax                        /* is no prefix here */
        cmp $0x55667789, %eax
        jne fail
        mov $1f, %eax
        mov %eax, resume
        mov %esp, resume_rsp
2:      ud2
        .code64
1:      cmpl $6, ex_vector
        jne fail64
        cmpl $CODE32, ex_cs
        jne fail64
        cmpl $2b, ex_rip
        jne fail64

        CASE(12) /* 32-bit results clear the upper half, and so do moves to EIP */
        mov $-1, %rax
        mov %eax, %eax
        mov $0xffffffff, %ebx
        cmp %rbx, %rax
        jne fail64

        CASE(13) /* control registers */
        mov %cr0, %rax
        bts $32, %rax
        FAULT 13, 0, mov %rax, %cr0
        mov %cr4, %rax
        btr $5, %rax
        FAULT 13, 0, mov %rax, %cr4     /* PAE stays in IA-32e mode */
        mov $0xc0000080, %ecx
        rdmsr
        btr $8, %eax
        FAULT 13, 0, wrmsr              /* and so does LME */
        mov %cr0, %rax
        btr $31, %rax
        FAULT 13, 0, mov %rax, %cr0     /* paging does not end in 64-bit code */
        mov $5, %eax
        mov %rax, %cr8
        xor %eax, %eax
        mov %cr8, %rax
        EXPECT64 5
        mov $16, %eax
        FAULT 13, 0, mov %rax, %cr8
        xor %eax, %eax
        mov %rax, %cr8
        FAULT 6, 0, .byte 0x0f, 0x20, 0xc8 /* CR1 */

        CASE(14) /* the descriptors of 16 bytes */
        mov $LDT, %eax
        lldt %ax
        sldt %eax
        EXPECT64 LDT
        movl $0x8000, gdt + LDT + 8
        mov $LDT, %eax
        FAULT 13, LDT, lldt %ax

        CASE(15) /* automatic IBRS: a bit of EFER that is kept, where CPUID has it */
        mov $0x80000021, %eax
        cpuid
        and $0x100, %eax
        mov %eax, %r8d
        shl $13, %r8d
        mov $0xc0000080, %ecx
        rdmsr
        mov %eax, %r9d
        or %r8d, %eax
        wrmsr
        rdmsr
        and $0x200000, %eax
        cmp %r8d, %eax
        jne fail64
        mov %r9d, %eax
        wrmsr
        PASS

sys_entry: /* RSP is the program's still */
        mov %rcx, %r12
        mov %cs, %r13d
        pushf
        pop %r14
        sysretq

gate_entry:
        mov $GATE, %r15d
        mov %rsp, %r14
        lretq

        .data
gs_data: .quad 0
bad_table:
        .word 0xff
        .quad 0x800000000000
gate_pointer:
        .long 0
        .word GATE
bad_pointer:
        .long 0
        .word CODE_BAD
        .text

/* Tasks (SDM volume 3, chapter 7): jumps, calls, returns, task gates, busy bits, links, NT, the T bit, TS, segments that are wrong
 * in the old and in the new task, task states of 16 bits. */
#include "sys.inc"

        .bss
        .balign 16
stack_b: .skip 1024
stack_b_top:
        .text
.macro OTHER_TASK where, flags=2
        movl $\where, tss_other + 32
        movl $\flags, tss_other + 36
        movl $0x11, tss_other + 40      /* eax ecx edx ebx */
        movl $0x22, tss_other + 44
        movl $stack_b_top, tss_other + 56
        movl $0x33, tss_other + 60      /* ebp */
        movl $DATA32, tss_other + 72
        movl $CODE32, tss_other + 76
        movl $DATA32, tss_other + 80
        movl $DATA32, tss_other + 84
        movl $0, tss_other + 88
        movl $DATA32, tss_other + 92
        movl $0, tss_other + 96
        movw $0, tss_other + 100
        andb $~2, gdt + TSS_OTHER + 5
.endm
/* A fault in the new task, before its first instruction. The main task must be free for the way back. */
.macro TASK_FAULT vector, error
        movl $-1, ex_vector
        movl $.Lback\@, resume
        mov %esp, resume_esp
        ljmp $TSS_OTHER, $0
        jmp fail
.Lback\@: cmpl $\vector, ex_vector
        jne fail
        cmpl $\error, ex_error
        jne fail
        str %eax
        EXPECT TSS_OTHER
        movl $1f, tss + 32
        movl $2, tss + 36
        mov %esp, tss + 56
        movl $CODE32, tss + 76
        movl $DATA32, tss + 72
        movl $DATA32, tss + 80
        movl $DATA32, tss + 84
        movl $0, tss + 88
        movl $0, tss + 92
        movl $0, tss + 96
        ljmp $TSS_MAIN, $0
1:
.endm

test:   SETUP
        clts
        CASE(1) /* a jump and back: registers, selectors, busy bits, TS */
        OTHER_TASK 1f
        mov $0x1234, %ebx
        mov $DATA_SMALL, %eax
        mov %eax, %fs
        ljmp $TSS_OTHER, $0xdead        /* the offset does not count */
        cmp $0x1234, %ebx
        jne fail
        mov %fs, %eax
        EXPECT DATA_SMALL
        jmp 2f
1:      cmp $0x11, %eax
        jne fail
        cmp $0x22, %ecx
        jne fail
        cmp $0x33, %ebp
        jne fail
        cmp $stack_b_top, %esp
        jne fail
        mov %fs, %eax
        EXPECT 0
        str %eax
        EXPECT TSS_OTHER
        testb $2, gdt + TSS_OTHER + 5
        je fail
        testb $2, gdt + TSS_MAIN + 5
        jne fail
        mov %cr0, %eax
        test $8, %eax
        je fail
        pushf
        testl $0x4000, (%esp)           /* no NT: nobody to return to */
        jne fail
        popf
        cmpl $0x1234, tss + 52
        jne fail
        ljmp $TSS_MAIN, $0
2:      testb $2, gdt + TSS_OTHER + 5
        jne fail
        testb $2, gdt + TSS_MAIN + 5
        je fail

        CASE(2) /* a call: the link, NT, both busy; IRET returns */
        OTHER_TASK 1f
        lcall $TSS_OTHER, $0
        testb $2, gdt + TSS_OTHER + 5
        jne fail
        testb $2, gdt + TSS_MAIN + 5
        je fail
        pushf
        testl $0x4000, (%esp)
        jne fail
        popf
        testl $0x4000, tss_other + 36   /* saved without NT */
        jne fail
        cmpl $2f, tss_other + 32        /* behind its IRET */
        jne fail
        jmp 3f
1:      pushf
        testl $0x4000, (%esp)
        je fail
        popf
        testb $2, gdt + TSS_MAIN + 5
        je fail
        cmpw $TSS_MAIN, tss_other
        jne fail
        iret
2:      jmp fail
3:
        CASE(3) /* what is no task to go to */
        movb $0x8b, gdt + TSS_OTHER + 5
        FAULT 13, TSS_OTHER, ljmp $TSS_OTHER, $0
        movb $0x09, gdt + TSS_OTHER + 5
        FAULT 11, TSS_OTHER, ljmp $TSS_OTHER, $0
        movb $0x89, gdt + TSS_OTHER + 5
        movw $102, gdt + TSS_OTHER
        FAULT 10, TSS_OTHER, ljmp $TSS_OTHER, $0
        movw $103, gdt + TSS_OTHER
        USER_FAULT 13, TSS_OTHER, ljmp $TSS_OTHER, $0

        CASE(4) /* a task gate: its own level, from level 3 too */
        OTHER_TASK 1f
        movl $TSS_OTHER << 16, gdt + TASK_GATE
        movl $0xe500, gdt + TASK_GATE + 4
        USER_BEGIN
        lcall $TASK_GATE + 3, $0
        USER_END
        jmp 2f
1:      cmpw $TSS_MAIN, tss_other
        jne fail
        cmpw $USER_CODE, tss + 76
        jne fail
        iret
2:      movl $0x8500, gdt + TASK_GATE + 4
        USER_FAULT 13, TASK_GATE, lcall $TASK_GATE, $0
        movl $0x6500, gdt + TASK_GATE + 4
        USER_FAULT 11, TASK_GATE, lcall $TASK_GATE, $0

        CASE(5) /* segments that are wrong: faults of the new task */
        OTHER_TASK fail
        movl $0x1ff8, tss_other + 84
        TASK_FAULT 10, 0x1ff8
        OTHER_TASK fail
        movl $DATA_NP, tss_other + 92
        TASK_FAULT 11, DATA_NP
        OTHER_TASK fail
        movl $CODE_NP, tss_other + 76
        TASK_FAULT 11, CODE_NP

        CASE(6) /* the T bit: a trap before the first instruction */
        OTHER_TASK 1f
        movw $1, tss_other + 100
        movl $-1, ex_vector
        movl $2f, resume
        movl $stack_b_top, resume_esp
        mov %esp, %esi
        mov $0xffff0ff0, %eax
        mov %eax, %dr6
        ljmp $TSS_OTHER, $0
        jmp 3f
1:      jmp fail
2:      cmpl $1, ex_vector
        jne fail
        cmpl $1b, ex_eip
        jne fail
        mov %dr6, %eax
        test $0x8000, %eax
        je fail
        ljmp $TSS_MAIN, $0
3:
        CASE(7) /* 16 bits */
        SET_BASE CODE16, task16_base
        mov $tss_other, %edi
        xor %eax, %eax
        mov $26, %ecx
        rep stosl
        movw $1f - task16_base, tss_other + 14
        movw $2, tss_other + 16
        movw $0x4321, tss_other + 18
        movw $0x800, tss_other + 26     /* sp, in DATA_SMALL */
        movw $DATA32, tss_other + 34
        movw $CODE16, tss_other + 36
        movw $DATA_SMALL, tss_other + 38
        movw $DATA32, tss_other + 40
        lcall $TSS16_OTHER, $0
        cmpw $0x55, small + 0x7fe
        jne fail
        cmpw $2f - task16_base, tss_other + 14
        jne fail
        jmp 3f
        .balign 16
task16_base:
1:      .code16
        cmp $0x4321, %ax
        jne 1b
        push $0x55
        iret
2:      .code32
3:      PASS

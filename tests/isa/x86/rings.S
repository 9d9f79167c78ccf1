/* Privilege levels: IRET and RETF outward, gates inward with their stacks and parameters, what level 3 may not do, IOPL and
 * the permission bitmap (SDM volume 3, 5.8 to 5.9; volume 1, 19.5; volume 2, CALL, RET, IRET). */
#include "sys.inc"

test:   SETUP
        CASE(1) /* out and back: the task state's stack, the frame on it */
        USER_RUN nop
        cmpl $stack0_top-20, ex_esp+0
        je 1f
        mov ex_esp, %eax
        cmp $stack0_top-28, %eax
        jne fail
1:      cmpl $USER_CODE, ex_cs
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(2) /* instructions of level 0 */
        USER_FAULT 13, 0, hlt
        USER_FAULT 13, 0, mov %cr0, %eax
        USER_FAULT 13, 0, mov %eax, %cr3
        USER_FAULT 13, 0, lgdt gdtr
        USER_FAULT 13, 0, lidt idtr
        USER_FAULT 13, 0, lldt %ax
        USER_FAULT 13, 0, ltr %ax
        USER_FAULT 13, 0, lmsw %ax
        USER_FAULT 13, 0, clts
        USER_FAULT 13, 0, invlpg small
        USER_FAULT 13, 0, wbinvd
        USER_FAULT 13, 0, mov %dr7, %eax
        USER_FAULT 13, 0, rdmsr
        USER_FAULT 13, 0, wrmsr
        USER_FAULT 13, 0, cli
        USER_FAULT 13, 0, sti
        USER_FAULT 13, 0, in $0x60, %al
        USER_FAULT 13, 0, outb %al, $0x60
        USER_FAULT 13, 0, insb
        USER_FAULT 13, 0x30*8+2, int $0x30
        USER_FAULT 13, 0x3*8+2, int3            /* its gate is of level 0 */
        USER_RUN sgdt stack3
        USER_RUN smsw %eax

        CASE(3) /* data of level 0 is not level 3's */
        mov $DATA32, %ebx
        USER_FAULT 13, DATA32, mov %ebx, %ds
        CASE(4) /* POPF at level 3: neither IF nor IOPL */
        USER_BEGIN
        push $0x3002
        popf
        pushf
        pop %ebx
        USER_END
        and $0x3200, %ebx
        cmp $0x200, %ebx
        jne fail

        CASE(5) /* a call gate with two parameters, to level 0 */
        SET_GATE gdt+0x68, CODE32, gate_entry, 0xec02
        movl $0, small
        USER_BEGIN
        push $0x1111
        push $0x2222
        lcall $0x6b, $0
        mov %esp, %ebx
        USER_END
        cmpl $0x11112222, small
        jne fail
        cmp $stack3_top, %ebx
        jne fail

        CASE(6) /* the gate's level, its presence; a gate to outer code */
        SET_GATE gdt+0x68, CODE32, gate_entry, 0x8c02
        USER_FAULT 13, 0x68, lcall $0x6b, $0
        SET_GATE gdt+0x68, CODE32, gate_entry, 0x6c02
        USER_FAULT 11, 0x68, lcall $0x6b, $0
        SET_GATE gdt+0x68, 0, gate_entry, 0xec02
        USER_FAULT 13, 0, lcall $0x6b, $0
        SET_GATE gdt+0x68, DATA32, gate_entry, 0xec02
        USER_FAULT 13, DATA32, lcall $0x6b, $0
        SET_GATE gdt+0x68, CODE_NP, gate_entry, 0xec02
        USER_FAULT 11, CODE_NP, lcall $0x6b, $0
        SET_GATE gdt+0x68, CODE32, gate_entry, 0xec02
        USER_FAULT 13, CODE32, ljmp $0x6b, $0   /* a jump does not change levels */

        CASE(7) /* the stack of level 0 is checked: #TS with its selector */
        movl $USER_DATA, tss + 8
        USER_FAULT_TASK 10, 0x48
        movl $0x1ff8, tss + 8
        USER_FAULT_TASK 10, 0x1ff8
        movl $0, tss + 8
        USER_FAULT_TASK 10, 0
        movl $DATA_NP, tss + 8
        USER_FAULT_TASK 12, DATA_NP
        movl $DATA32, tss + 8

        CASE(8) /* RETF outward closes what level 3 may not use */
        movl $-1, ex_vector
        movl $1f, resume
        mov %esp, resume_esp
        mov $DATA32, %eax
        mov %eax, %es
        mov %eax, %fs
        mov $USER_DATA, %eax
        mov %eax, %gs
        mov %eax, %ds
        push $USER_DATA
        push $stack3_top
        push $USER_CODE
        push $2f
        lret
2:      mov %es, %ebx
        mov %fs, %ecx
        mov %gs, %edx
        mov %ds, %esi
        int $0x80
1:      mov $DATA32, %eax
        mov %eax, %es
        cmp $0, %ebx
        jne fail
        cmp $0, %ecx
        jne fail
        cmp $USER_DATA, %esi
        jne fail

        CASE(9) /* returns inward, and to what is no code */
        push $USER_CODE - 3
        push $1f
1:      FAULT 13, 0x40, lret
        push $DATA32
        push $1b
        FAULT 13, DATA32, lret
        push $0
        push $1b
        FAULT 13, 0, lret
        push $CODE_NP
        push $1b
        FAULT 11, CODE_NP, lret
        add $32, %esp
        movl $0, stack3_top - 8
        movl $CODE32, stack3_top - 4
        movl $stack3_top - 8, user_esp
        USER_FAULT 13, CODE32, lret
        movl $stack3_top, user_esp
        CASE(10) /* ports: IOPL 3 */
        movl $-1, ex_vector
        movl $1f, resume
        mov %esp, resume_esp
        TO_USER 2f, 0x3202
2:      in $0x60, %al
        cli
        sti
        pushf
        pop %ebx
        int $0x80
1:      cmpl $0x80, ex_vector
        jne fail
        and $0x3200, %ebx
        cmp $0x3200, %ebx
        jne fail

        CASE(11) /* ports: the bitmap, one byte more than the ports' bits */
        SET_LIMIT TSS_MAIN, 104+12+1
        movw $104, tss + 102
        mov $-1, %eax
        mov $tss + 104, %edi
        mov $4, %ecx
        rep stosl
        movb $0xef, tss + 104 + 12      /* port 0x64 */
        andb $~2, gdt + TSS_MAIN + 5
        mov $TSS_MAIN, %ax
        ltr %ax
        USER_RUN in $0x64, %al
        USER_FAULT 13, 0, in $0x65, %al
        USER_FAULT 13, 0, in $0x64, %ax
        USER_FAULT 13, 0, in $0x63, %ax
        movb $0xcf, tss + 104 + 12
        USER_RUN in $0x64, %ax
        movb $0, tss + 104 + 12
        USER_FAULT 13, 0, in $0x68, %al         /* beyond the limit, its second byte */

        CASE(12) /* INS faults before the port is read, OUTS before it is written: the registers stay */
        mov $0x5555, %edi
        mov $DATA_RO, %eax
        mov %eax, %es
        mov $0x3ff, %edx
        FAULT 13, 0, insb
        cmp $0x5555, %edi
        jne fail
        mov $DATA32, %eax
        mov %eax, %es
        mov $DATA_SMALL, %eax
        mov %eax, %fs
        mov $0xffe, %esi
        mov $4, %ecx
        FAULT 13, 0, rep outsb %fs:(%esi), %dx
        cmp $0x1000, %esi
        jne fail
        cmp $2, %ecx
        jne fail

        CASE(13) /* string instructions stop at the fault, exactly */
        mov $DATA_SMALL, %eax
        mov %eax, %es
        mov $small, %esi
        mov $0xff0, %edi
        mov $0x20, %ecx
        FAULT 13, 0, rep movsb
        cmp $0x1000, %edi
        jne fail
        cmp $small + 16, %esi
        jne fail
        cmp $0x10, %ecx
        jne fail
        mov $0xffe, %edi
        mov $4, %ecx
        FAULT 13, 0, rep stosl
        cmp $0xffe, %edi
        jne fail
        cmp $4, %ecx
        jne fail

        CASE(14) /* SYSENTER, SYSEXIT */
        mov $0x174, %ecx
        xor %edx, %edx
        xor %eax, %eax
        wrmsr
        USER_FAULT 13, 0, sysenter
        mov $0x174, %ecx
        mov $CODE32, %eax
        xor %edx, %edx
        wrmsr
        mov $0x175, %ecx
        mov $stack0_top, %eax
        wrmsr
        mov $0x176, %ecx
        mov $1f, %eax
        wrmsr
        movl $0, resume
        TO_USER 2f
2:      sysenter
1:      mov $DATA32, %eax
        mov %eax, %ds
        mov %cs, %eax
        EXPECT CODE32
        cmp $stack0_top, %esp
        jne fail
        pushf
        testl $0x200, (%esp)
        jne fail
        PASS

gate_entry: /* parameters lie above the return address and CS */
        mov $DATA32, %eax
        mov %eax, %ds
        mov 12(%esp), %eax
        shl $16, %eax
        or 8(%esp), %eax
        mov %eax, small
        mov $USER_DATA, %eax
        mov %eax, %ds
        lret $8

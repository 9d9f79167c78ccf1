/* Protected mode: what segment registers accept, what accesses through them may do, with error codes (SDM volume 3,
 * chapter 5 and 6.15; volume 2, MOV, LAR, LSL, VERR, ARPL, LLDT, LTR). */
#include "sys.inc"

test:   SETUP
        /* A selector beyond the table, of either table. */
        CASE(1)
        mov $0x1ff8, %ebx
        FAULT 13, 0x1ff8, mov %ebx, %ds
        FAULT 13, 0x1ff8, mov %ebx, %ss
        mov $0x1ffb, %ebx               /* the RPL is not in the error code */
        FAULT 13, 0x1ff8, mov %ebx, %es
        mov $0x0c, %ebx                 /* no LDT yet */
        FAULT 13, 0x0c, mov %ebx, %fs

        CASE(2) /* null */
        xor %ebx, %ebx
        FAULT 13, 0, mov %ebx, %ss
        mov %ebx, %fs
        FAULT 13, 0, mov %fs:0, %al
        mov $3, %ebx
        mov %ebx, %gs
        FAULT 13, 0, movb $1, %gs:small

        CASE(3) /* SS: RPL, DPL and CPL are one; it is writable data */
        mov $DATA32 + 1, %ebx
        FAULT 13, DATA32, mov %ebx, %ss
        mov $USER_DATA, %ebx
        FAULT 13, 0x48, mov %ebx, %ss
        mov $DATA_RO, %ebx
        FAULT 13, DATA_RO, mov %ebx, %ss
        mov $CODE32, %ebx
        FAULT 13, CODE32, mov %ebx, %ss

        CASE(4) /* not present */
        mov $DATA_NP, %ebx
        FAULT 11, DATA_NP, mov %ebx, %ds
        FAULT 12, DATA_NP, mov %ebx, %ss

        CASE(5) /* kinds that are no data, or may not be read */
        mov $CODE_XO, %ebx
        FAULT 13, CODE_XO, mov %ebx, %ds
        mov $TSS_MAIN, %ebx
        FAULT 13, TSS_MAIN, mov %ebx, %ds
        mov $CODE32, %ebx
        mov %ebx, %fs
        mov %fs:test, %al
        FAULT 13, 0, movb %al, %fs:small

        CASE(6) /* limits: the last byte counts */
        mov $DATA_SMALL, %ebx
        mov %ebx, %es
        movb $1, %es:0xfff
        mov %es:0xffc, %eax
        FAULT 13, 0, mov %es:0xffd, %eax
        FAULT 13, 0, mov %es:0x1000, %al
        FAULT 13, 0, movb $1, %es:0x1000
        FAULT 13, 0, mov %es:-1, %al
        cmpb $1, small + 0xfff
        jne fail

        CASE(40) /* a repeated string stops where the segment does, in the middle of a page */
        SET_LIMIT DATA_SMALL, 0x7ff
        mov $DATA_SMALL, %ebx
        mov %ebx, %es
        movb $0, small + 0x800
        mov $0x7f0, %edi
        mov $0x20, %ecx
        mov $0x77, %al
        FAULT 13, 0, rep stosb
        cmp $0x10, %ecx
        jne fail
        cmp $0x800, %edi
        jne fail
        cmpb $0x77, small + 0x7ff
        jne fail
        cmpb $0, small + 0x800
        jne fail
        SET_LIMIT DATA_SMALL, 0xfff

        CASE(7) /* the stack's are #SS */
        mov $DATA_SMALL, %ebx
        mov %esp, %edi
        mov %ebx, %ss
        mov $0x800, %esp
        mov $0x1000, %ebp
        movl $1f, resume
        mov %edi, resume_esp
2:      mov (%ebp), %al
        jmp fail
1:      cmpl $12, ex_vector
        jne fail
        cmpl $0, ex_error
        jne fail
        cmpl $2b, ex_eip
        jne fail

        CASE(8) /* expand-down: only above the limit */
        mov $DATA32, %ebx
        mov %ebx, %ss
        mov $DATA_DOWN, %ebx
        mov %ebx, %es
        FAULT 13, 0, mov %es:0xfff, %al
        FAULT 13, 0, mov %es:0, %al
        FAULT 13, 0, mov %es:0xffd, %eax
        mov $small, %ebx
        movb $0x5a, (%ebx)
        cmpb $0x5a, %es:(%ebx)
        jne fail

        CASE(9) /* read-only */
        mov $DATA_RO, %ebx
        mov %ebx, %es
        mov %es:small, %al
        FAULT 13, 0, movb $1, %es:small
        FAULT 13, 0, incb %es:small
        FAULT 13, 0, lock xaddb %al, %es:small

        CASE(10) /* a load marks the descriptor */
        testb $1, gdt + DATA_UP + 5
        jne fail
        mov $DATA_UP, %ebx
        mov %ebx, %es
        testb $1, gdt + DATA_UP + 5
        je fail

        CASE(11) /* the local table */
        mov $LDT_SEL, %ebx
        lldt %bx
        sldt %eax
        EXPECT LDT_SEL
        mov $0x0c, %ebx
        mov %ebx, %es
        mov %es:small, %al
        mov $0x1c, %ebx
        FAULT 13, 0x1c, mov %ebx, %es
        mov $0x04, %ebx
        FAULT 13, 0x04, mov %ebx, %es
        mov $DATA32, %ebx
        FAULT 13, DATA32, lldt %bx
        mov $0x0c, %ebx
        FAULT 13, 0x0c, lldt %bx
        xor %ebx, %ebx
        lldt %bx

        CASE(12) /* the task register */
        str %eax
        EXPECT TSS_MAIN
        mov $TSS_MAIN, %ebx             /* busy */
        FAULT 13, TSS_MAIN, ltr %bx
        xor %ebx, %ebx
        FAULT 13, 0, ltr %bx
        mov $DATA32, %ebx
        FAULT 13, DATA32, ltr %bx
        testb $2, gdt + TSS_MAIN + 5
        je fail

        CASE(13) /* LAR, LSL: rights and limits, ZF */
        mov $DATA_SMALL, %ebx
        lar %ebx, %eax
        jne fail
        EXPECT 0x00409300
        lsl %ebx, %eax
        jne fail
        EXPECT 0xfff
        mov $CODE32, %ebx
        lsl %ebx, %eax
        EXPECT 0xffffffff
        mov $TSS_MAIN, %ebx
        lsl %ebx, %eax
        jne fail
        EXPECT 103
        mov $0x1ff8, %ebx
        mov $0x12345678, %eax
        lar %ebx, %eax
        je fail
        EXPECT 0x12345678
        lsl %ebx, %eax
        je fail
        xor %ebx, %ebx
        lar %ebx, %eax
        je fail
        mov $0x48, %ebx
        lar %ebx, %eax
        jne fail
        mov $DATA32 + 3, %ebx           /* RPL 3 may not see level 0 */
        lar %ebx, %eax
        je fail

        CASE(14) /* VERR, VERW */
        mov $DATA_RO, %ebx
        verr %bx
        jne fail
        verw %bx
        je fail
        mov $CODE_XO, %ebx
        verr %bx
        je fail
        mov $CODE32, %ebx
        verr %bx
        jne fail
        verw %bx
        je fail
        mov $DATA32, %ebx
        verw %bx
        jne fail
        mov $TSS_MAIN, %ebx
        verr %bx
        je fail

        CASE(15) /* ARPL */
        mov $0x10, %ebx
        mov $0x03, %ecx
        arpl %cx, %bx
        jne fail
        cmp $0x13, %ebx
        jne fail
        mov $0x00, %ecx
        arpl %cx, %bx
        je fail
        cmp $0x13, %ebx
        jne fail

        CASE(16) /* far pointers */
        movl $0x11223344, small
        movw $0x1ff8, small + 4
        mov $0xaaaaaaaa, %esi
        FAULT 13, 0x1ff8, les small, %esi
        cmp $0xaaaaaaaa, %esi
        jne fail
        movw $DATA_SMALL, small + 4
        les small, %esi
        cmp $0x11223344, %esi
        jne fail
        mov %es, %eax
        EXPECT DATA_SMALL

        CASE(17) /* far jumps */
        FAULT 13, DATA32, ljmp $DATA32, $0
        FAULT 13, 0, ljmp $0, $0
        FAULT 11, CODE_NP, ljmp $CODE_NP, $0
        FAULT 13, 0x40, ljmp $USER_CODE, $0
        FAULT 13, 0x1ff8, ljmp $0x1ff8, $0
        FAULT 13, 0, ljmp $CODE_SMALL, $0x1000

        CASE(18) /* the rest of the exceptions that are instructions' own */
        FAULT 6, 0, ud2
        xor %ecx, %ecx
        FAULT 0, 0, div %ecx
        movl $1, small
        movl $3, small + 4
        mov $2, %eax
        bound %eax, small
        mov $4, %eax
        FAULT 5, 0, bound %eax, small
        mov $0, %eax
        FAULT 5, 0, bound %eax, small
        mov $0x7fffffff, %eax
        add $1, %eax
        TRAP 4, into
        TRAP 3, int3
        TRAP 1, .byte 0xf1
        xor %eax, %eax
        into

        CASE(19) /* a gate that is not there, or is none */
        FAULT 13, 0x40*8+2, int $0x40
        movw $7, idtr
        lidt idtr
        movl $-1, ex_vector             /* vector 13 lies beyond the table too: that would be the end */
        movw $256 * 8 - 1, idtr
        lidt idtr
        SET_GATE idt+8*0x41, CODE32, ex_stub_80, 0x0e00
        FAULT 11, 0x41*8+2, int $0x41
        SET_GATE idt+8*0x41, DATA32, ex_stub_80, 0x8e00
        FAULT 13, DATA32, int $0x41
        SET_GATE idt+8*0x41, 0, ex_stub_80, 0x8e00
        FAULT 13, 0, int $0x41
        SET_GATE idt+8*0x41, CODE_NP, ex_stub_80, 0x8e00
        FAULT 11, CODE_NP, int $0x41

        CASE(20) /* code that runs over the end of its segment: at the instruction that is not whole inside */
        movl $0x90909090, small + 0xff8
        movl $0x90909090, small + 0xffc
        movl $1f, resume
        mov %esp, resume_esp
        movl $-1, ex_vector
        ljmp $CODE_SMALL, $0xff8
1:      cmpl $13, ex_vector
        jne fail
        cmpl $0, ex_error
        jne fail
        cmpl $0x1000, ex_eip
        jne fail
        cmpl $CODE_SMALL, ex_cs
        jne fail
        movb $0xb8, small + 0xffd       /* mov $imm32, %eax */
        movl $1f, resume
        mov %esp, resume_esp
        ljmp $CODE_SMALL, $0xff8
1:      cmpl $0xffd, ex_eip
        jne fail
        movb $0xe9, small + 0x10        /* jmp to 0x1000: the jump's fault */
        movl $0x1000 - 0x15, small + 0x11
        movl $1f, resume
        mov %esp, resume_esp
        ljmp $CODE_SMALL, $0x10
1:      cmpl $0x10, ex_eip
        jne fail
        PASS

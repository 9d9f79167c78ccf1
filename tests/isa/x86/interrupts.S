/* not for peers: their serial port has an interrupt controller */
/* The interrupt pin (SDM volume 3, 6.3 and 6.8): the serial port's transmitter asks through it with vector 0x24. IF, the shadows of STI
 * and MOV SS, HLT, what SMI and halting have to do with each other. */
#include "sys.inc"

        .bss
count:  .skip 4
at_eip: .skip 4
        .text
.macro UART reg, value
        mov $0x3f8 + \reg, %edx
        mov $\value, %al
        out %al, %dx
.endm
/* The transmitter is empty: it asks as soon as it may. */
.macro ASK
        UART 1, 0
        UART 1, 2
.endm

test:   SETUP
        SET_GATE idt+8*0x24, CODE32, handler, 0x8e00
        movl $0, count
        CASE(1) /* not while IF is clear; behind the instruction that follows STI */
        ASK
        nop
        nop
        cmpl $0, count
        jne fail
        sti
        nop
1:      nop
        cmpl $1, count
        jne fail
        cmpl $1b, at_eip
        jne fail

        CASE(2) /* STI and HLT: the interrupt ends it */
        cli
        ASK
        sti
        hlt
1:      cmpl $2, count
        jne fail
        cmpl $1b, at_eip
        jne fail

        CASE(3) /* STI, CLI: nothing comes */
        cli
        ASK
        sti
        cli
        nop
        cmpl $2, count
        jne fail

        CASE(4) /* STI, then a load of SS: only the first of such a row surely holds it back */
        mov %ss, %ebx
        sti
        mov %ebx, %ss
1:      mov %esp, %ecx
2:      nop
        cmpl $3, count
        jne fail
        cmpl $1b, at_eip
        je 3f
        cmpl $2b, at_eip
        jne fail
3:
        CASE(5) /* POPF that sets IF: at once */
        cli
        ASK
        push $0x202
        popf
1:      nop
        cmpl $4, count
        jne fail
        cmpl $1b, at_eip
        jne fail

        CASE(6) /* IRET too */
        cli
        ASK
        push $0x202
        push $CODE32
        push $1f
        iret
1:      nop
        cmpl $5, count
        jne fail
        cmpl $1b, at_eip
        jne fail

        CASE(7) /* an interrupt gate clears IF, a trap gate does not */
        SET_GATE idt+8*0x82, CODE32, 2f, 0x8e00
        sti
        int $0x82
        pushf
        testl $0x200, (%esp)
        je fail
        popf
        SET_GATE idt+8*0x82, CODE32, 3f, 0x8f00
        int $0x82
        jmp 4f
2:      pushf
        testl $0x200, (%esp)
        jne fail
        popf
        iret
3:      pushf
        testl $0x200, (%esp)
        je fail
        popf
        iret
4:
        CASE(8) /* while level 3 runs: the task state's stack */
        cli
        ASK
        movl $1f, resume
        mov %esp, resume_esp
        TO_USER 2f
2:      nop
        int $0x80
1:      cmpl $6, count
        jne fail
        cmpl $2b, at_eip
        jne fail

        CASE(9) /* a repeated string goes on where it was */
        cli
        mov $DATA32, %eax
        mov %eax, %es
        mov $small, %edi
        mov $4096, %ecx
        mov $0x5a, %al
        push %eax
        ASK
        pop %eax
        sti
        rep stosb
        cmp $0, %ecx
        jne fail
        cmp $small_end, %edi
        jne fail
        cmpb $0x5a, small + 4095
        jne fail
        cmpl $7, count
        jne fail
        PASS

handler:
        push %eax
        push %edx
        incl count
        mov 8(%esp), %eax
        mov %eax, at_eip
        mov $0x3fa, %edx                /* reading IIR takes the request back */
        in %dx, %al
        pop %edx
        pop %eax
        iret

/* Debug registers, single step, the shadow of MOV SS, RF (SDM volume 3, 17.2 and 17.3; 6.8.3). */
#include "sys.inc"

#define B0 1
#define BS 0x4000
#define BD 0x2000

.macro DR n, value
        mov $\value, %eax
        mov %eax, %dr\n
.endm
/* A trap behind the instruction, with these bits of DR6. */
.macro DB_TRAP bits, insn:vararg
        DR 6, 0xffff0ff0
        TRAP 1, \insn
        mov %dr6, %eax
        xor $0xffff0ff0, %eax
        EXPECT \bits
.endm

test:   SETUP
        CASE(1) /* single step: behind each instruction; TF is clear in the handler, set in the frame */
        DR 6, 0xffff0ff0
        movl $1f, resume
        mov %esp, resume_esp
        pushf
        orl $0x100, (%esp)
        popf
        nop
2:      jmp fail
1:      cmpl $1, ex_vector
        jne fail
        cmpl $2b, ex_eip
        jne fail
        testl $0x100, ex_flags
        je fail
        testl $0x10000, ex_flags        /* a trap: no RF */
        jne fail
        mov %dr6, %eax
        EXPECT 0xffff4ff0
        pushf
        testl $0x100, (%esp)
        jne fail
        popf

        CASE(2) /* a string instruction steps by the element; a branch steps to where it goes */
        mov $small, %edi
        mov $small + 16, %esi
        mov $3, %ecx
        movl $1f, resume
        mov %esp, resume_esp
        pushf
        orl $0x100, (%esp)
        popf
3:      rep movsb
        jmp fail
1:      cmp $2, %ecx
        jne fail
        cmpl $3b, ex_eip
        jne fail
        movl $1f, resume
        mov %esp, resume_esp
        pushf
        orl $0x100, (%esp)
        popf
        jmp 4f
        jmp fail
4:      jmp fail
1:      cmpl $4b, ex_eip
        jne fail

        CASE(3) /* behind MOV SS no step; the next instruction's comes */
        movl $1f, resume
        mov %esp, resume_esp
        mov %ss, %ebx
        pushf
        orl $0x100, (%esp)
        popf
        mov %ebx, %ss
        mov %esp, %ecx
5:      jmp fail
1:      cmpl $1, ex_vector
        jne fail
        /* POPF set TF: the first trap is behind what follows MOV SS */
        cmpl $5b, ex_eip
        jne fail

        CASE(4) /* POPF that clears TF is still stepped */
        movl $1f, resume
        mov %esp, resume_esp
        pushf
        pushf
        orl $0x100, (%esp)
        popf
        popf
2:      jmp fail
1:      cmpl $1, ex_vector
        jne fail
        cmpl $2b, ex_eip
        jne fail
        testl $0x100, ex_flags
        jne fail

        CASE(5) /* data: writes of 4 bytes at DR0, any overlap, behind the instruction */
        DR 0, small
        DR 7, 0x000d0402                /* G0, RW0 = 1, LEN0 = 3 */
        mov small, %eax                 /* a read */
        movb $1, small + 4
        movb $1, small - 1
        DB_TRAP B0, movb $1, small + 3
        DB_TRAP B0, movl $1, small - 2
        DB_TRAP B0, incl small
        CASE(6) /* reads and writes */
        DR 1, small + 8
        DR 7, 0x00f00408                /* G1, RW1 = 3, LEN1 = 3 */
        DB_TRAP 2, mov small + 8, %eax
        DB_TRAP 2, movl $1, small + 8
        mov $small + 8, %esi
        DB_TRAP 2, lodsb
        DR 7, 0x00400408                /* one word, at an even address */
        mov small + 10, %eax

        CASE(7) /* code: a fault before the instruction; RF passes it once */
        DR 2, 1f
        DR 7, 0x00000420                /* G2 */
        DR 6, 0xffff0ff0
        movl $2f, resume
        mov %esp, resume_esp
        jmp 1f
1:      inc %ebx
        jmp fail
2:      cmpl $1, ex_vector
        jne fail
        cmpl $1b, ex_eip
        jne fail
        mov %dr6, %eax
        EXPECT 0xffff0ff4
        mov $7, %ebx
        pushf
        orl $0x10000, (%esp)
        pushl $CODE32
        pushl $4f
        DR 2, 4f
        movl $3f, resume
        mov %esp, resume_esp
        iret
4:      inc %ebx
        nop
        jmp 4b
3:      cmpl $4b, ex_eip
        jne fail
        cmp $8, %ebx
        jne fail

        CASE(8) /* both at once: data and step */
        DR 0, small
        DR 7, 0x000d0402
        DR 6, 0xffff0ff0
        movl $1f, resume
        mov %esp, resume_esp
        pushf
        orl $0x100, (%esp)
        popf
        movl $5, small
        jmp fail
1:      mov %dr6, %eax
        EXPECT 0xffff4ff1

        CASE(9) /* a data breakpoint on what MOV SS reads waits for the next instruction */
        DR 7, 0
        movl $DATA32, small
        DR 7, 0x000f0402
        DR 6, 0xffff0ff0
        movl $1f, resume
        mov %esp, resume_esp
        mov small, %ss
        nop
2:      jmp fail
1:      cmpl $2b, ex_eip
        jne fail
        mov %dr6, %eax
        EXPECT 0xffff0ff1

        CASE(10) /* ports, with CR4.DE */
        mov %cr4, %eax
        or $8, %eax
        mov %eax, %cr4
        DR 3, 0x3ff
        DR 7, 0x20000480                /* G3, RW3 = 2 */
        mov $0x3ff, %edx
        DB_TRAP 8, in %dx, %al
        mov $0x3fe, %edx
        in %dx, %al
        FAULT 6, 0, mov %dr4, %eax      /* not there with DE */
        mov %cr4, %eax
        and $~8, %eax
        mov %eax, %cr4
        mov %dr4, %eax
        mov %dr6, %ebx
        cmp %ebx, %eax
        jne fail

        CASE(11) /* general detect */
        DR 6, 0xffff0ff0
        DR 7, 0x2400
        FAULT 1, 0, mov %dr0, %eax
        mov %dr6, %eax
        EXPECT 0xffff2ff0
        mov %dr7, %eax                  /* the handler finds it clear */
        EXPECT 0x400
        DR 7, 0

        CASE(12) /* at level 3, and by INT1: no bit of DR6 */
        DR 6, 0xffff0ff0
        DB_TRAP 0, .byte 0xf1
        movl $1f, resume
        mov %esp, resume_esp
        TO_USER 2f, 0x302
2:      nop
3:      nop
1:      cmpl $1, ex_vector
        jne fail
        cmpl $3b, ex_eip
        jne fail
        cmpl $USER_CODE, ex_cs
        jne fail
        PASS

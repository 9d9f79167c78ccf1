/* Virtual-8086 mode (SDM volume 3, 20.2 and 20.3): entered by IRET, left by interrupts, which a monitor reflects to the
 * program's own handlers; what IOPL and the permission bitmap stop; segments as paragraphs. */
#include "sys.inc"

        .text
#define VM_SEG 0x1000 /* the program: at 0x10000 */
.macro TO_VM flags=0x20202
        push $0x3000                    /* GS FS DS ES SS ESP EFLAGS CS EIP */
        push $0x2fff
        push $VM_SEG
        push $0x2000
        push $0x5000
        push $0x1000
        push $\flags
        push $VM_SEG
        push $0
        iret
.endm
/* Code at 1000:0000, until the label 99. */
.macro VM_CODE
        mov $98f, %esi
        mov $0x10000, %edi
        mov $99f - 98f, %ecx
        rep movsb
.endm
.macro VM_FAULT vector, error, ip
        cmpl $\vector, ex_vector
        jne fail
        cmpl $\error, ex_error
        jne fail
        cmpl $\ip, ex_eip
        jne fail
        cmpl $VM_SEG, ex_cs
        jne fail
        testl $0x20000, ex_flags
        je fail
.endm
.macro BACK_AT label
        movl $-1, ex_vector
        movl $\label, resume
        mov %esp, resume_esp
.endm

test:   SETUP
        movb $0xee, idt + 8 * 3 + 5
        CASE(1) /* in and out: the frame has the four data selectors above SS:ESP, and they are null in the handler */
        VM_CODE
        jmp 1f
        .code16
98:     mov %cs, %ax
        mov %ds, %bx
        mov %es, %cx
        mov %ss, %dx
        mov %fs, %si
        mov %gs, %di
        int3
99:     .code32
1:      BACK_AT 2f
        TO_VM 0x23202                   /* IOPL 3 */
2:      mov %ds, %ebp
        cmp $DATA32, %ebp               /* the harness's own */
        jne fail
        mov %es, %ebp
        cmp $0, %ebp
        jne fail
        mov %gs, %ebp
        cmp $0, %ebp
        jne fail
        cmpl $3, ex_vector
        jne fail
        cmp $VM_SEG, %ax
        jne fail
        cmp $VM_SEG, %bx
        jne fail
        cmp $0x2000, %cx
        jne fail
        cmp $0x2fff, %si
        jne fail
        cmp $0x3000, %di
        jne fail
        cmpl $13, ex_eip
        jne fail
        mov ex_esp, %ebp
        cmp $stack0_top - 36, %ebp
        jne fail
        cmpl $0x5000, 16(%ebp)
        jne fail
        cmpl $0x1000, 12(%ebp)
        jne fail
        cmpl $0x2000, 20(%ebp)
        jne fail
        cmpl $VM_SEG, 24(%ebp)
        jne fail
        cmpl $0x2fff, 28(%ebp)
        jne fail
        cmpl $0x3000, 32(%ebp)
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(2) /* paragraphs: 2000:10 is 0x20010; limits of 64 KiB */
        VM_CODE
        jmp 1f
        .code16
98:     movw $0x1234, %es:0x10
        mov $0x2001, %ax
        mov %ax, %ds
        mov 0, %bx
        mov $0xffff, %si
        mov (%si), %cl
97:     mov (%si), %cx
99:     .code32
1:      BACK_AT 2f
        TO_VM
2:      VM_FAULT 13, 0, 97b-98b
        cmp $0x1234, %bx
        jne fail
        cmpw $0x1234, 0x20010
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(3) /* IOPL below 3: CLI, STI, PUSHF, POPF, INT n, IRET are the monitor's */
        .macro SENSITIVE insn:vararg
        VM_CODE
        jmp 1f
        .code16
98:     \insn
        hlt
99:     .code32
1:      BACK_AT 2f
        TO_VM
2:      VM_FAULT 13, 0, 0
        mov $DATA32, %eax
        mov %eax, %es
        .endm
        SENSITIVE cli
        SENSITIVE sti
        SENSITIVE pushf
        SENSITIVE popf
        SENSITIVE int $0x21
        SENSITIVE iret
        SENSITIVE hlt
        SENSITIVE mov %cr0, %eax
        SENSITIVE lgdt 0

        CASE(4) /* undefined there */
        .macro UNDEFINED insn:vararg
        VM_CODE
        jmp 1f
        .code16
98:     \insn
        hlt
99:     .code32
1:      BACK_AT 2f
        TO_VM
2:      VM_FAULT 6, 0, 0
        mov $DATA32, %eax
        mov %eax, %es
        .endm
        UNDEFINED lldt %ax
        UNDEFINED str %ax
        UNDEFINED lar %ax, %bx
        UNDEFINED verr %ax
        UNDEFINED arpl %ax, %bx

        CASE(5) /* ports go by the bitmap whatever IOPL is */
        SENSITIVE in $0x60, %al
        SET_LIMIT TSS_MAIN, 104+0x81
        movw $104, tss + 102
        movb $0xff, tss + 104 + 13
        andb $~2, gdt + TSS_MAIN + 5
        mov $TSS_MAIN, %ax
        ltr %ax
        VM_CODE
        jmp 1f
        .code16
98:     in $0x60, %al
        int3
99:     .code32
1:      BACK_AT 2f
        TO_VM 0x23202
2:      cmpl $3, ex_vector
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(6) /* IOPL 3: IF is the program's, IOPL is not; INT goes through the gate, whose level must be 3 */
        VM_CODE
        jmp 1f
        .code16
98:     cli
        pushf
        pop %ax
        sti
        push $0
        popf
        pushf
        pop %bx
        int $0x80
99:     .code32
1:      BACK_AT 2f
        TO_VM 0x23202
2:      cmpl $0x80, ex_vector
        jne fail
        cmp $0x3002, %ax
        jne fail
        cmp $0x3002, %bx
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(7) /* a monitor reflects INT 0x21 to the program's handler, and its IRET back */
        SET_GATE idt+8*13, CODE32, monitor, 0x8e00
        VM_CODE
        jmp 1f
        .code16
98:     mov $0x0900, %ax
        int $0x21
        mov %bx, %cx
        int3
        nop
        .balign 16
        .skip 16
96:     mov $0x77, %bx
        iret
99:     .code32
1:      movw $96b - 98b, 0x21 * 4
        movw $VM_SEG, 0x21 * 4 + 2
        BACK_AT 2f
        TO_VM
2:      cmpl $3, ex_vector
        jne fail
        cmp $0x77, %cx
        jne fail
        mov $DATA32, %eax
        mov %eax, %es

        CASE(8) /* the gate's code must be of level 0 */
        SET_GATE idt+8*13, CODE32, ex_stub_13, 0x8e00
        SET_GATE idt+8*0x81, USER_CODE, ex_stub_80, 0xee00
        VM_CODE
        jmp 1f
        .code16
98:     int $0x81
99:     .code32
1:      BACK_AT 2f
        TO_VM 0x23202
2:      cmpl $13, ex_vector
        jne fail
        cmpl $USER_CODE - 3, ex_error
        jne fail
        PASS

/* #GP of the program in virtual-8086 mode: INT n or IRET. The frame: error, IP, CS, FLAGS, SP, SS. */
monitor:
        push %eax
        push %ebx
        push %ecx
        mov $DATA32, %eax
        mov %eax, %ds
        mov 20(%esp), %eax              /* CS:IP */
        shl $4, %eax
        add 16(%esp), %eax
        mov (%eax), %cx
        mov 32(%esp), %eax              /* SS:SP */
        shl $4, %eax
        mov 28(%esp), %ebx
        cmp $0xcf, %cl
        je 2f
        cmp $0xcd, %cl
        jne fail
        sub $6, %ebx                    /* INT: flags, CS, IP behind it */
        mov %ebx, 28(%esp)
        add %ebx, %eax
        mov 24(%esp), %ebx
        mov %bx, 4(%eax)
        mov 20(%esp), %ebx
        mov %bx, 2(%eax)
        mov 16(%esp), %ebx
        add $2, %ebx
        mov %bx, (%eax)
        movzx %ch, %ecx
        movzwl (, %ecx, 4), %eax
        mov %eax, 16(%esp)
        movzwl 2(, %ecx, 4), %eax
        mov %eax, 20(%esp)
        jmp 3f
2:      add %ebx, %eax                  /* IRET */
        add $6, %ebx
        mov %ebx, 28(%esp)
        movzwl (%eax), %ebx
        mov %ebx, 16(%esp)
        movzwl 2(%eax), %ebx
        mov %ebx, 20(%esp)
3:      pop %ecx
        pop %ebx
        pop %eax
        add $4, %esp
        iret

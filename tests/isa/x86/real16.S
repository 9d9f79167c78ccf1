/* firmware */
/* not for peers: it has no chipset's set-up */
/* Real mode (SDM volume 3, 20.1): paragraphs, 64-KiB limits and their exceptions, the stack's wrap, far calls, the interrupt table
 * moved; big segments kept from protected mode ("unreal" mode); the A20 gate; protected mode of 16 bits; a triple fault,
 * which resets the machine, memory as it was. */
        .code16
        .text
        .globl _start
_start:
#define AT(label) (label - _start)
#define CASE(n) movb $(n), %ss:0x600
.macro FAIL_NE
        je 9f
        jmp fail
9:
.endm
/* The instruction raises the vector; its IP is what the frame has. */
.macro FAULT vector, insn:vararg
        movw $AT(.Lback\@), %ss:0x610
        movw %sp, %ss:0x612
        movb $0xff, %ss:0x614
.Lat\@: \insn
        jmp fail
.Lback\@: cmpb $\vector, %ss:0x614
        FAIL_NE
        cmpw $AT(.Lat\@), %ss:0x616
        FAIL_NE
.endm
.macro STUB n
stub_\n: movb $\n, %ss:0x614
        jmp stub
.endm
.macro VECTOR n
        movw $AT(stub_\n), \n * 4
        movw %cs, \n * 4 + 2
.endm

start:  cli
        cld
        xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov %ax, %es
        mov $0x7000, %sp
        cmpl $0x12345678, 0x620         /* the second time: behind the triple fault */
        jne 1f
        jmp after_reset
1:      VECTOR 0
        VECTOR 4
        VECTOR 5
        VECTOR 6
        VECTOR 12
        VECTOR 13

        CASE(1) /* exceptions: 16-bit frames without error codes */
        FAULT 6, ud2
        xor %cx, %cx
        FAULT 0, div %cx
        mov $0x7fff, %ax
        add $1, %ax
        mov $5, %bx
        movw $0, 0x700
        movw $4, 0x702
        FAULT 5, bound %bx, 0x700
        mov $3, %bx
        bound %bx, 0x700
        FAULT 6, lldt %ax
        FAULT 6, arpl %ax, %bx

        CASE(2) /* limits */
        mov $0xffff, %si
        mov (%si), %al
        FAULT 13, mov (%si), %ax
        FAULT 13, mov %ax, (%si)
        mov $0xfffe, %si
        mov (%si), %ax
        FAULT 13, mov (%si), %eax
        mov $0x10000, %esi
        FAULT 13, mov (%esi), %al
        FAULT 12, mov %ss:(%esi), %al
        mov $0xffff, %bp
        FAULT 12, mov (%bp), %ax
        /* a jump beyond 64 KiB */
        mov $0x10000, %eax
        FAULT 13, jmpl *%eax

        CASE(3) /* SP wraps in 16 bits; a word at 0xffff does not */
        mov $0x7000, %bx
        mov %bx, %ss
        movw $AT(fail), %ss:0x610
        mov $0, %sp
        push $0x1234
        cmp $0xfffe, %sp
        FAIL_NE
        pop %ax
        cmp $0x1234, %ax
        FAIL_NE
        cmp $0, %sp
        FAIL_NE
        mov $0xdead0000, %esp
        push $1
        cmp $0xdeadfffe, %esp
        FAIL_NE
        xor %ax, %ax
        mov %ax, %ss
        mov $0x7000, %esp

        CASE(4) /* addresses of 16 bits wrap, strings' too */
        mov $0x8000, %bx
        mov $0x8010, %si
        movb $0x77, 0x10
        cmpb $0x77, (%bx, %si)
        FAIL_NE
        mov $0xfffe, %si
        mov $0x800, %di
        mov $4, %cx
        movb $0x11, 0xffff
        rep movsb
        cmp $2, %si
        FAIL_NE
        cmpb $0x11, 0x801
        FAIL_NE

        CASE(5) /* far calls, far returns that drop, IRET */
        push $0xabcd
        lcall $0xf000, $AT(far_one)
        cmp $0x55, %bx
        FAIL_NE
        cmp $0x7000, %sp
        FAIL_NE
        pushf
        pushw %cs
        push $AT(1f)
        iret
1:      cmp $0x7000, %sp
        FAIL_NE
        pushfl
        pushl $0xf000
        pushl $AT(1f)
        iretl
1:      cmp $0x7000, %sp
        FAIL_NE

        CASE(6) /* the interrupt table elsewhere, and its limit */
        mov $0x100, %cx
        xor %si, %si
        mov $0x1000, %di
        rep movsw
        movw $AT(stub_0), 0x1000 + 6 * 4
        lidtl %cs:AT(idt_moved)
        FAULT 0, ud2
        lidtl %cs:AT(idt_first)
        FAULT 6, ud2

        CASE(7) /* unreal: limits stay when PE goes */
        lgdtl %cs:AT(gdtr)
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        jmp 1f
1:      mov $8, %bx
        mov %bx, %fs
        and $~1, %al
        mov %eax, %cr0
        xor %ax, %ax
        mov %ax, %fs
        mov $0x200000, %esi
        movl $0xcafe, %fs:(%esi)
        mov %fs:(%esi), %eax
        cmp $0xcafe, %eax
        FAIL_NE
        FAULT 13, mov %ds:(%esi), %eax
        mov $0x10, %ax
        mov %ax, %fs                    /* a paragraph's base, the limit as before */
        mov %fs:-0x100(%esi), %eax
        cmp $0xcafe, %eax
        FAIL_NE

        CASE(8) /* A20 */
        xor %ax, %ax
        mov %ax, %fs
        mov $0x100500, %esi
        movl $0x1111, %fs:(%esi)
        movl $0x2222, %fs:0x500
        in $0x92, %al
        and $~2, %al
        out %al, $0x92
        mov $0x100500, %esi
        mov %fs:(%esi), %eax
        cmp $0x2222, %eax
        FAIL_NE
        movl $0x3333, %fs:(%esi)
        in $0x92, %al
        or $2, %al
        out %al, $0x92
        cmpl $0x3333, 0x500
        FAIL_NE
        mov %fs:(%esi), %eax
        cmp $0x1111, %eax
        FAIL_NE
        mov $0xffff, %ax
        mov %ax, %gs
        mov %gs:0x510, %eax             /* ffff:0510 is 0x100500 */
        cmp $0x1111, %eax
        FAIL_NE

        CASE(9) /* protected mode of 16 bits and back */
        mov %cr0, %eax
        or $1, %al
        mov %eax, %cr0
        ljmp $0x18, $AT(1f)
1:      mov $0x20, %bx
        mov %bx, %ds
        mov %bx, %ss
        mov %cs, %ax
        cmp $0x18, %ax
        FAIL_NE
        mov 0x500, %eax
        cmp $0x3333, %eax
        FAIL_NE
        smsw %ax
        and $0xfffe, %ax
        lmsw %ax                        /* LMSW does not leave */
        smsw %ax
        test $1, %al
        jnz 2f
        jmp fail
2:      mov %cr0, %eax
        and $~1, %al
        mov %eax, %cr0
        ljmp $0xf000, $AT(1f)
1:      xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss

        CASE(10) /* interrupts: INT n, INTO, flags */
        VECTOR 4
        movw $AT(1f), 0x610
        mov %sp, 0x612
        sti
        int $4
2:      jmp fail
1:      cmpw $AT(2b), 0x616
        FAIL_NE
        cmpb $4, 0x614
        FAIL_NE
        pushf
        pop %ax
        test $2, %ah                    /* IF is clear */
        jz 2f
        jmp fail
2:

        CASE(11) /* a triple fault: no interrupt table */
        movl $0x12345678, 0x620
        lidtl %cs:AT(idt_none)
        ud2
        jmp fail

after_reset:
        CASE(12)
        movl $0, 0x620
        mov %cr0, %eax
        test $1, %al
        jnz fail
        cmpl $0x3333, 0x500
        jne fail
        xor %al, %al
        out %al, $0xf4
1:      hlt
        jmp 1b

fail:   mov %ss:0x600, %al
        out %al, $0xf4
1:      hlt
        jmp 1b

far_one:
        mov $0x55, %bx
        lret $2

        STUB 0
        STUB 4
        STUB 5
        STUB 6
        STUB 12
        STUB 13
stub:   pop %ss:0x616
        mov %ss:0x612, %sp
        jmp *%ss:0x610

        .balign 8
idt_moved: .word 0x1ff
        .long 0x1000
idt_first: .word 0x3ff
        .long 0
idt_none: .word 0
        .long 0
gdt:    .quad 0
        .quad 0x00cf93000000ffff        /* 08: flat */
        .quad 0x00cf93000000ffff
        .quad 0x00009b0f0000ffff        /* 18: code of 16 bits at f0000 */
        .quad 0x000093000000ffff        /* 20: data of 64 KiB */
gdt_end:
gdtr:   .word gdt_end - gdt - 1
        .long 0xf0000 + AT(gdt)

        .org 0xfff0
        ljmp $0xf000, $AT(start)
        .org 0x10000

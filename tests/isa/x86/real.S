/* firmware */
/* not for peers: it has no chipset's set-up */
/* Real mode from the reset vector on: the stack, loops, INT, IRET, paragraphs. */
        .code16
        .text
        .globl _start
_start:
start:  cli
        xor %ax, %ax
        mov %ax, %ds
        mov %ax, %ss
        mov $0x7000, %sp
        mov $0x3f8, %dx
        mov $msg - start, %si
1:      mov %cs:(%si), %al
        inc %si
        test %al, %al
        jz 2f
        out %al, %dx
        jmp 1b
2:      push $0x1234
        pop %ax
        cmp $0x1234, %ax
        jne bad
        mov $3, %cx
        xor %ax,%ax
3:      inc %ax
        loop 3b
        cmp $3, %ax
        jne bad
        movw $isr - start, 0x80*4
        movw %cs, 0x80*4+2
        int $0x80
        cmp $0x77, %bl
        jne bad
        mov $0x10, %ax
        mov %ax, %es
        movl $0xdeadbeef, %es:0
        cmpl $0xdeadbeef, 0x100
        jne bad
        xor %al,%al
        out %al, $0xf4
4:      hlt
        jmp 4b
bad:    mov $1, %al
        out %al, $0xf4
        jmp 4b
isr:    mov $0x77, %bl
        iret
msg:    .asciz "real\n"
        .org 0xfff0
        ljmp $0xf000, $0
        .org 0x10000

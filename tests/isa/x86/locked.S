/* Locked instructions whose operand lies in two pages, which need not be neighbours in memory (SDM volume 3, 8.1.2.2), and those that
 * fault half way: nothing is written then. */
#include "sys.inc"

        .bss
        .balign 4096
dir:    .skip 4096
table1: .skip 4096
page_a: .skip 4096
page_gap: .skip 4096
page_b: .skip 4096
        .text
#define VA 0x400ffe
.macro INVAL
        mov %cr3, %eax
        mov %eax, %cr3
.endm
.macro IS high, low
        cmpw $\low, page_a + 0xffe
        jne fail
        cmpw $\high, page_b
        jne fail
.endm

test:   SETUP
        mov $dir, %edi
        mov $0x87, %eax
1:      mov %eax, (%edi)
        add $4, %edi
        add $0x400000, %eax
        jnc 1b
        movl $table1 + 7, dir + 4
        movl $page_a + 7, table1
        movl $page_b + 7, table1 + 4
        mov %cr4, %eax
        or $0x10, %eax
        mov %eax, %cr4
        mov $dir, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80010000, %eax
        mov %eax, %cr0

        CASE(1)
        movl $0x1ffff, VA
        IS 1, 0xffff
        lock incl VA
        IS 2, 0
        lock decl VA
        IS 1, 0xffff
        mov $0x10001, %eax
        lock addl %eax, VA
        IS 3, 0
        lock orl $0x50, VA
        lock xorl $0x10, VA
        IS 3, 0x40
        lock negl VA
        IS 0xfffc, 0xffc0
        lock notl VA
        IS 3, 0x3f
        lock btsl $31, VA
        jc fail
        IS 0x8003, 0x3f
        mov $5, %eax
        lock xaddl %eax, VA
        EXPECT 0x8003003f
        IS 0x8003, 0x44
        mov $0x12345678, %ebx
        xchg %ebx, VA
        cmp $0x80030044, %ebx
        jne fail
        IS 0x1234, 0x5678
        mov $0x12345678, %eax
        mov $0x9abcdef0, %ebx
        lock cmpxchgl %ebx, VA
        jne fail
        IS 0x9abc, 0xdef0
        lock cmpxchgl %ebx, VA
        je fail
        EXPECT 0x9abcdef0
        xor %edx, %edx
        mov $7, %ebx
        mov $8, %ecx
        movl $0, VA + 4
        lock cmpxchg8b VA
        jne fail
        IS 0, 7

        CASE(2) /* the second page may not be written */
        movl $0x11111111, VA
        movl $page_b + 5, table1 + 4
        INVAL
        FAULT 14, 3, lock incl VA
        FAULT 14, 3, xchg %eax, VA
        IS 0x1111, 0x1111
        movl $0, table1 + 4
        INVAL
        FAULT 14, 2, lock addl $1, VA
        movl $page_b + 7, table1 + 4
        IS 0x1111, 0x1111

        CASE(3) /* on the stack, by a loop */
        mov $1000, %ecx
        movl $0, VA
1:      lock incl VA
        loop 1b
        IS 0, 1000
        PASS

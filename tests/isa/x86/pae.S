/* PAE paging outside IA-32e mode (SDM volume 3, 4.4): the four entries that a load of CR3 reads and checks, NX, addresses above
 * 4 GiB, reserved bits, pages of 2 MiB. */
#include "sys.inc"

        .bss
        .balign 4096
pdpt:   .skip 4096
pd:     .skip 4096
pd1:    .skip 4096
pt1:    .skip 4096
page_a: .skip 4096
        .text

.macro INVAL
        mov %cr3, %eax
        mov %eax, %cr3
.endm
.macro PF error, addr, insn:vararg
        movl $0, ex_cr2
        FAULT 14, \error, \insn
        cmpl $\addr, ex_cr2
        jne fail
.endm

test:   SETUP
        mov $pd, %edi
        mov $0x87, %eax
1:      mov %eax, (%edi)
        movl $0, 4(%edi)
        add $8, %edi
        add $0x200000, %eax
        cmp $0x40000000, %eax
        jb 1b
        movl $pd + 1, pdpt
        movl $pd1 + 1, pdpt + 8
        movl $pt1 + 7, pd1
        movl $page_a + 7, pt1
        mov $pdpt, %eax
        mov %eax, %cr3
        mov %cr4, %eax
        or $0x20, %eax
        mov %eax, %cr4

        CASE(1) /* reserved bits of a PDPTE: #GP of what loads them, and paging stays off */
        movl $pd1 + 3, pdpt + 8
        mov %cr0, %eax
        or $0x80010000, %eax
        FAULT 13, 0, mov %eax, %cr0
        mov %cr0, %eax
        test %eax, %eax
        js fail
        movl $pd1 + 1, pdpt + 8
        mov %cr0, %eax
        or $0x80010000, %eax
        mov %eax, %cr0
        movl $0x77, page_a
        mov 0x40000000, %eax
        EXPECT 0x77

        CASE(2) /* they are registers: memory's counts at the next load of CR3 */
        movl $0, pdpt + 8
        invlpg 0x40000000
        mov 0x40000000, %eax
        EXPECT 0x77
        INVAL
        PF 0, 0x40000000, mov 0x40000000, %eax
        movl $pd1 + 0x1e7, pdpt + 16    /* W U A... */
        mov %cr3, %eax
        FAULT 13, 0, mov %eax, %cr3
        movl $0x1e6, pdpt + 16          /* not present: nothing is checked */
        INVAL
        movl $pd1 + 1, pdpt + 8
        INVAL
        mov 0x40000000, %eax
        EXPECT 0x77

        CASE(3) /* NX: bit 63 is reserved without NXE */
        movl $0x80000000, pt1 + 4
        INVAL
        PF 9, 0x40000000, mov 0x40000000, %eax
        mov $0xc0000080, %ecx
        rdmsr
        or $0x800, %eax
        wrmsr
        mov 0x40000000, %eax
        EXPECT 0x77
        movb $0xc3, page_a
        movl $1f, resume
        mov %esp, resume_esp
        mov $0x40000000, %ebx
        call *%ebx
1:      cmpl $14, ex_vector
        jne fail
        cmpl $0x11, ex_error
        jne fail
        movl $0, pt1 + 4
        INVAL
        mov $0x40000000, %ebx
        call *%ebx

        CASE(4) /* bits above the physical address */
        movl $0x80000, pt1 + 4          /* bit 51 */
        INVAL
        PF 9, 0x40000000, mov 0x40000000, %eax
        movl $0x00100000, pt1 + 4       /* bit 52 */
        INVAL
        PF 9, 0x40000000, mov 0x40000000, %eax
        movl $0, pt1 + 4

        CASE(5) /* 2 MiB: accessed, dirty; reserved bits below */
        movl $0x83, pd1 + 8
        INVAL
        mov 0x40200000 + page_a, %eax
        testl $0x20, pd1 + 8
        je fail
        testl $0x40, pd1 + 8
        jne fail
        movl $0x78, 0x40200000 + page_a
        testl $0x40, pd1 + 8
        je fail
        cmpl $0x78, page_a
        jne fail
        movl $0x2083, pd1 + 8
        INVAL
        PF 9, 0x40200000, mov 0x40200000, %eax

        CASE(6) /* rights: the entries of CR3's table have none, so that level 3 may pass */
        USER_RUN mov 0x40000000, %eax
        movl $pt1 + 3, pd1
        INVAL
        USER_FAULT 14, 5, mov 0x40000000, %eax
        PASS

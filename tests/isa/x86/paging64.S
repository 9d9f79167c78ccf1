/* 4-level paging (SDM volume 3, 4.5 to 4.10): every bit of the error code, NX, SMEP, SMAP, protection keys, PCIDs, global pages,
 * pages of 1 GiB, reserved bits, accessed and dirty bits at each level. What the cases change is mapped at 1 << 39. */
#include "sys64.inc"

#define P 1
#define W 2
#define U 4
#define A 0x20
#define D 0x40
#define PS 0x80
#define G 0x100
#define VA 0x8000000000

        .bss
        .balign 4096
pdpt_b: .skip 4096
pd_b:   .skip 4096
pt_b:   .skip 4096
pml4_b: .skip 4096
page_a: .skip 4096
page_b: .skip 4096
page_x: .skip 4096
        .text

.macro INVAL
        mov %cr3, %rax
        mov %rax, %cr3
.endm
.macro CR4_FAULT bits
        mov %cr4, %rax
        or $\bits, %eax
        FAULT 13, 0, mov %rax, %cr4
.endm
.macro MAP bits, page=page_a
        movq $\page + (\bits), pt_b
        invlpg (%r8)
.endm

test64: movq $pdpt_b+P+W+U, pml4 + 8
        movq $pd_b+P+W+U, pdpt_b
        movq $pt_b+P+W+U, pd_b
        movb $0xc3, page_x              /* ret */
        movabs $VA, %r8

        CASE(1) /* accessed bits at every level, dirty at the last */
        MAP P+W
        movq $0x77, page_a
        mov (%r8), %rax
        EXPECT64 0x77
        testb $A, pml4 + 8
        je fail64
        testb $A, pdpt_b
        je fail64
        testb $A, pd_b
        je fail64
        testb $A, pt_b
        je fail64
        testb $D, pt_b
        jne fail64
        movb $1, (%r8)
        testb $D, pt_b
        je fail64
        lock incb (%r8)
        testb $D, pd_b
        jne fail64

        CASE(2) /* P, W, U */
        MAP 0
        PF 0, VA, mov (%r8), %rax
        PF 2, VA, mov %rax, (%r8)
        MAP P
        PF 3, VA, mov %rax, (%r8)
        PF 3, VA, lock incq (%r8)
        PF 3, VA, xchg %rax, (%r8)
        mov (%r8), %rax
        USER_PF 5, VA, mov (%r8), %rax
        USER_PF 7, VA, mov %rax, (%r8)
        MAP P+U
        USER_PF 7, VA, mov %rax, (%r8)
        MAP 0
        USER_PF 4, VA, mov (%r8), %rax
        movq $0, pd_b
        INVAL
        PF 0, VA, mov (%r8), %rax
        movq $pt_b+P+W+U, pd_b

        CASE(3) /* I: fetches, NX at each level */
        movabs $1 << 63, %r9
        MAP P+W+U, page_x
        call *%r8
        or %r9, pt_b
        invlpg (%r8)
        mov (%r8), %al
        movq $1f, resume
        mov %rsp, resume_rsp
        call *%r8
1:      cmpl $14, ex_vector
        jne fail64
        cmpl $0x11, ex_error
        jne fail64
        movabs $VA, %rax
        cmp %rax, ex_rip
        jne fail64
        cmp %rax, ex_cr2
        jne fail64
        MAP P+W+U, page_x
        or %r9, pd_b
        INVAL
        movq $1f, resume
        mov %rsp, resume_rsp
        call *%r8
1:      cmpl $0x11, ex_error
        jne fail64
        movq $pt_b+P+W+U, pd_b
        movq $0, pt_b
        INVAL
        movq $1f, resume
        mov %rsp, resume_rsp
        call *%r8
1:      cmpl $0x10, ex_error
        jne fail64
        MAP P+W+U, page_x
        call *%r8

        CASE(4) /* reserved bits: above the physical address, bit 63 without NXE, PS at the top */
        movabs $1 << 51, %r10
        or %r10, pt_b
        invlpg (%r8)
        PF 9, VA, mov (%r8), %rax
        PF 0xb, VA, mov %rax, (%r8)
        USER_PF 0xd, VA, mov (%r8), %rax
        MAP P+W+U
        orq $PS, pml4 + 8
        INVAL
        PF 9, VA, mov (%r8), %rax
        movq $pdpt_b+P+W+U, pml4 + 8
        or %r9, pt_b
        mov $0xc0000080, %ecx
        rdmsr
        btr $11, %eax
        wrmsr
        PF 9, VA, mov (%r8), %rax
        bts $11, %eax
        mov $0xc0000080, %ecx
        rdmsr
        bts $11, %eax
        wrmsr
        movq $0x100000+P+W+PS, pd_b     /* 2 MiB: bits 20:13 */
        INVAL
        PF 9, VA, mov (%r8), %rax
        movq $P+W+PS, pd_b
        INVAL
        mov page_a(%r8), %rax
        cmp page_a, %rax
        jne fail64
        movq $pt_b+P+W+U, pd_b

        CASE(5) /* 1 GiB */
        movq $P+W+PS, pdpt_b
        INVAL
        movq $0x1234, page_a
        mov page_a(%r8), %rax
        EXPECT64 0x1234
        testb $A, pdpt_b
        je fail64
        testb $D, pdpt_b
        jne fail64
        movq $0x1235, page_a(%r8)
        testb $D, pdpt_b
        je fail64
        movq $0x2000+P+W+PS, pdpt_b
        INVAL
        PF 9, VA, mov (%r8), %rax
        movq $pd_b+P+W+U, pdpt_b
        INVAL

        CASE(6) /* SMEP */
        MAP P+W+U, page_x
        andb $~U, pd                    /* what the test itself runs from becomes the supervisor's */
        andb $~U, pd + 8
        INVAL
        CR4_SET 1<<20
        mov (%r8), %al
        movq $1f, resume
        mov %rsp, resume_rsp
        call *%r8
1:      cmpl $0x11, ex_error
        jne fail64
        MAP P+W, page_x
        call *%r8

        CASE(7) /* SMAP: explicit accesses by AC, implicit ones never */
        MAP P+W+U, page_x
        CR4_SET 1<<21
        PF 1, VA, mov (%r8), %rax
        PF 3, VA, mov %al, (%r8)
        stac
        mov (%r8), %rax
        mov %al, (%r8)
        clac
        PF 1, VA, mov (%r8), %rax
        pushf
        orl $0x40000, (%rsp)
        popf
        mov (%r8), %rax
        movq gdt + DATA, %rax           /* a descriptor of the local table, there */
        mov %rax, (%r8)
        movl $0x80, gdt + LDT + 8
        mov $LDT, %eax
        lldt %ax
        mov $4, %ebx
        FAULT 14, 1, mov %ebx, %es
        CR4_CLEAR 1<<21
        mov %ebx, %es
        clac
        CR4_CLEAR 1<<21|1<<20
        orb $U, pd
        orb $U, pd + 8
        INVAL

        CASE(8) /* protection keys: of user pages' data, also the supervisor's */
        MAP P+W+U
        movabs $5 << 59, %rax
        or %rax, pt_b
        invlpg (%r8)
        xor %ecx, %ecx
        FAULT 6, 0, rdpkru
        CR4_SET 1<<22
        rdpkru
        EXPECT64 0
        test %edx, %edx
        jne fail64
        mov $2 << 10, %eax              /* writes of key 5 */
        wrpkru
        mov (%r8), %rax
        PF 0x23, VA, mov %rax, (%r8)
        USER_PF 0x27, VA, mov %rax, (%r8)
        mov %cr0, %rax
        btr $16, %rax
        mov %rax, %cr0                  /* without WP the supervisor may */
        mov %rax, (%r8)
        bts $16, %rax
        mov %rax, %cr0
        mov $1 << 10, %eax              /* all accesses */
        xor %ecx, %ecx
        xor %edx, %edx
        wrpkru
        PF 0x21, VA, mov (%r8), %rax
        USER_PF 0x25, VA, mov (%r8), %rax
        mov $1, %ecx
        FAULT 13, 0, wrpkru
        xor %ecx, %ecx
        xor %eax, %eax
        xor %edx, %edx
        wrpkru
        mov (%r8), %rax
        CR4_CLEAR 1<<22

        CASE(9) /* global pages outlive CR3, not INVLPG */
        CR4_SET 1<<7
        movq $0xaa, page_a
        movq $0xbb, page_b
        MAP P+W+G
        mov (%r8), %rax
        movq $page_b+P+W+G, pt_b
        invlpg (%r8)
        mov (%r8), %rax
        EXPECT64 0xbb

        CASE(10) /* PCIDs: a switch that keeps what the TLB has, and each its own */
        mov $pml4, %esi
        mov $pml4_b, %edi
        mov $512, %ecx
        rep movsq
        movq $0, pml4_b + 8
        mov %cr3, %rax
        or $1, %eax
        mov %rax, %cr3
        CR4_FAULT 1<<17
        mov %cr3, %rax
        and $~1, %eax
        mov %rax, %cr3
        CR4_SET 1<<17
        MAP P+W
        mov (%r8), %rax
        EXPECT64 0xaa
        mov $pml4_b + 5, %eax
        mov %rax, %cr3
        PF 0, VA, mov (%r8), %rax
        mov $pml4, %eax
        bts $63, %rax
        mov %rax, %cr3
        mov (%r8), %rax
        EXPECT64 0xaa
        mov %cr3, %rax
        EXPECT64 pml4
        mov %cr0, %rax
        btr $31, %rax
        FAULT 13, 0, mov %rax, %cr0
        /* INVPCID */
        movq $5, inv_desc
        movabs $VA, %rax
        mov %rax, inv_desc + 8
        xor %eax, %eax
        invpcid inv_desc, %rax
        mov $1, %eax
        invpcid inv_desc, %rax
        mov $2, %eax
        invpcid inv_desc, %rax
        mov $4, %eax
        FAULT 13, 0, invpcid inv_desc, %rax
        movq $0x1000, inv_desc
        mov $1, %eax
        FAULT 13, 0, invpcid inv_desc, %rax
        CR4_CLEAR 1<<17

        CASE(11) /* CR3 beyond the physical address */
        mov %cr3, %rax
        bts $51, %rax
        FAULT 13, 0, mov %rax, %cr3

        CASE(12) /* over two pages of different rights */
        movq $page_a+P+W, pt_b
        movq $page_b+P, pt_b + 8
        INVAL
        movq $-1, page_a + 0xff8
        PF 3, VA+0x1000, movq $0, 0xffc(%r8)
        cmpq $-1, page_a + 0xff8
        jne fail64
        mov 0xffc(%r8), %rax
        PASS

        .bss
        .balign 16
inv_desc: .skip 16
        .text

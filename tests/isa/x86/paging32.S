/* 32-bit paging (SDM volume 3, 4.3, 4.6 to 4.8): pages of 4 KiB and 4 MiB, error codes, CR0.WP, accessed and dirty bits, INVLPG.
 * Memory is mapped to itself by a table and 4-MiB pages; 0x400000 and on is what the cases change. */
#include "sys.inc"

#define P 1
#define W 2
#define U 4
#define A 0x20
#define D 0x40
#define PS 0x80

        .bss
        .balign 4096
dir:    .skip 4096
table0: .skip 4096 /* 0..4 MiB */
table1: .skip 4096 /* 4..8 MiB */
page_a: .skip 4096
page_b: .skip 4096
        .text

.macro INVAL
        mov %cr3, %eax
        mov %eax, %cr3
.endm
/* The page fault's address and error code. */
.macro PF error, addr, insn:vararg
        movl $0, ex_cr2
        FAULT 14, \error, \insn
        cmpl $\addr, ex_cr2
        jne fail
.endm
.macro USER_PF error, addr, insn:vararg
        movl $0, ex_cr2
        USER_FAULT 14, \error, \insn
        cmpl $\addr, ex_cr2
        jne fail
.endm

test:   SETUP
        /* Tables. */
        mov $table0, %edi
        mov $P+W+U, %eax
1:      mov %eax, (%edi)
        add $4, %edi
        add $4096, %eax
        cmp $0x400000, %eax
        jb 1b
        movl $table0+P+W+U, dir
        movl $table1+P+W+U, dir + 4
        movl $page_a+P+W, table1
        mov $dir, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80010000, %eax            /* PG, WP */
        mov %eax, %cr0
        jmp 1f
1:
        CASE(1) /* the mapping works, and is that of the page */
        movl $0x11111111, page_a
        mov 0x400000, %eax
        EXPECT 0x11111111
        movl $0x22222222, 0x400ffc
        mov page_a + 0xffc, %eax
        EXPECT 0x22222222

        CASE(2) /* accessed and dirty: of the page and of the directory */
        andl $~(A+D), table1
        andl $~A, dir + 4
        INVAL
        mov 0x400000, %eax
        testl $A, table1
        je fail
        testl $D, table1
        jne fail
        testl $A, dir + 4
        je fail
        movb $1, 0x400000
        testl $D, table1
        je fail
        testl $D, dir + 4
        jne fail

        CASE(3) /* not present: page, table; read, write, fetch */
        PF 0, 0x401010, mov 0x401010, %eax
        PF 2, 0x401010, movb $1, 0x401010
        PF 0, 0x801234, mov 0x801234, %eax
        mov $0x401000, %ebx
        movl $-1, ex_vector
        movl $1f, resume
        mov %esp, resume_esp
        jmp *%ebx
1:      cmpl $14, ex_vector
        jne fail
        cmpl $0, ex_error               /* no NX, no SMEP: a fetch is not told */
        jne fail
        cmpl $0x401000, ex_eip
        jne fail
        cmpl $0x401000, ex_cr2
        jne fail

        CASE(4) /* an access over two pages: the address is the second page's */
        PF 0, 0x401000, mov 0x400ffe, %eax
        movl $0x33333333, 0x400ffc
        PF 2, 0x401000, movl $-1, 0x400ffe
        mov 0x400ffc, %eax
        EXPECT 0x33333333

        CASE(5) /* read-only, and CR0.WP */
        movl $page_a+P, table1
        INVAL
        mov 0x400000, %eax
        PF 3, 0x400000, movl $1, 0x400000
        mov %cr0, %eax
        and $~0x10000, %eax
        mov %eax, %cr0
        movl $1, 0x400000
        testl $D, table1
        je fail
        mov %cr0, %eax
        or $0x10000, %eax
        mov %eax, %cr0
        PF 3, 0x400000, movl $1, 0x400000
        movl $page_a+P+W, table1
        movl $table1+P+U, dir + 4       /* the directory's W counts too */
        INVAL
        PF 3, 0x400000, movl $1, 0x400000
        movl $table1+P+W+U, dir + 4
        INVAL

        CASE(6) /* the user's rights */
        USER_PF 5, 0x400000, mov 0x400000, %eax
        USER_PF 7, 0x400000, movl $1, 0x400000
        USER_PF 4, 0x401000, mov 0x401000, %eax
        movl $page_a+P+U, table1
        INVAL
        USER_RUN mov 0x400000, %eax
        USER_PF 7, 0x400000, movl $1, 0x400000
        movl $page_a+P+W+U, table1
        movl $table1+P+W, dir + 4
        INVAL
        USER_PF 5, 0x400000, mov 0x400000, %eax
        movl $table1+P+W+U, dir + 4
        INVAL
        USER_RUN movl $5, 0x400000

        CASE(7) /* tables may be stale until told: after INVLPG they are not */
        movl $0xaaaaaaaa, page_a
        movl $0xbbbbbbbb, page_b
        mov 0x400000, %eax
        EXPECT 0xaaaaaaaa
        movl $page_b+P+W, table1
        invlpg 0x400000
        mov 0x400000, %eax
        EXPECT 0xbbbbbbbb
        movl $0, table1
        invlpg 0x400800
        PF 0, 0x400000, mov 0x400000, %eax
        movl $page_a+P+W, table1        /* what was not present is not kept */
        mov 0x400000, %eax
        EXPECT 0xaaaaaaaa

        CASE(8) /* 4 MiB, with CR4.PSE; without it bit 7 is nothing */
        movl $0+P+W+PS, dir + 8         /* 0x800000.. is 0.. */
        mov %cr4, %eax
        or $0x10, %eax
        mov %eax, %cr4
        mov 0x800000 + page_a, %eax
        EXPECT 0xaaaaaaaa
        testl $A, dir + 8
        je fail
        testl $D, dir + 8
        jne fail
        movl $0xcccccccc, 0x800000 + page_a
        testl $D, dir + 8
        je fail
        mov page_a, %eax
        EXPECT 0xcccccccc
        movl $0x3fe000+P+W+PS, dir + 8  /* bits 21:13: 12 of them must be 0 */
        INVAL
        PF 9, 0x800000, mov 0x800000, %eax
        PF 0xb, 0x800000, movb $1, 0x800000
        movl $0+P+PS, dir + 8
        INVAL
        PF 3, 0x800000, movb $1, 0x800000
        USER_PF 5, 0x800000, mov 0x800000, %eax
        movl $0, dir + 8

        CASE(9) /* instructions that fault half way: the registers stay, memory as far as it came */
        movl $page_a+P+W, table1
        movl $0, table1 + 4
        INVAL
        mov $page_b, %esi
        mov $0x400ff0, %edi
        mov $0x20, %ecx
        PF 2, 0x401000, rep movsb
        cmp $0x401000, %edi
        jne fail
        cmp $0x10, %ecx
        jne fail
        movl $page_a+P+W+U, table1
        movl $0, table1 + 4
        INVAL
        movl $0x401010, user_esp        /* a push of eight words crosses into what is not there: nothing moves */
        USER_PF 6, 0x40100c, pusha
        movl $0x401010, user_esp
        USER_PF 6, 0x40100c, enter $16, $0
        USER_PF 6, 0x40100c, call fail
        USER_PF 6, 0x40100c, pushf
        USER_PF 4, 0x401010, popa
        USER_PF 4, 0x401010, ret
        USER_PF 4, 0x401010, iret
        PASS

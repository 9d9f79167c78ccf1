/* not for peers: they lock the memory at SMBASE */
/* System-management mode (SDM volume 3, chapter 31): entered by the SMI of port 0xb2, its state, RSM back to where it was, HLT
 * again, another SMBASE. The handler lies at SMBASE + 0x8000, the saved state of a processor with 64 bits at the end of 64 KiB. */
#include "sys.inc"

#define SMBASE 0x30000
#define SAVED(at) SMBASE + 0x8000 + (at)

.macro HANDLER from, base
        mov $\from, %esi
        mov $\base + 0x8000, %edi
        mov $smi_end - smi_begin, %ecx
        rep movsb
.endm

test:   SETUP
        HANDLER smi_begin, SMBASE
        CASE(1) /* there and back: nothing of the program's changes, the handler counts */
        FAULT 6, 0, rsm
        movl $0, 0x600
        mov $0x11223344, %ebx
        mov $DATA_SMALL, %eax
        mov %eax, %fs
        stc
        mov $0x55, %al
        out %al, $0xb2
        jnc fail
        cmp $0x11223344, %ebx
        jne fail
        cmp $0x55, %al
        jne fail
        mov %fs, %eax
        EXPECT DATA_SMALL
        mov %fs:0xfff, %al
        FAULT 13, 0, mov %fs:0x1000, %al
        cmpl $1, 0x600
        jne fail
        mov %cr0, %eax
        test $1, %al
        je fail
        cmpl $0x11223344, SAVED(0x7fe0)
        jne fail
        cmpl $0x20064, SAVED(0x7efc)
        jne fail

        CASE(2) /* what the handler found */
        mov 0x604, %eax                 /* CS */
        EXPECT 0x3000
        mov 0x608, %eax                 /* CR0: no PE, no PG */
        test $1, %eax
        jne fail
        test %eax, %eax
        js fail
        cmpl $2, 0x60c                  /* EFLAGS */
        jne fail

        CASE(3) /* the state that it leaves is what comes back */
        movl $0x99, 0x610               /* asks the handler to change EBX */
        out %al, $0xb2
        cmp $0x99, %ebx
        jne fail
        movl $0, 0x610

        CASE(4) /* another base */
        HANDLER smi_begin, 0x50000
        movl $0x50000, 0x614
        out %al, $0xb2
        movl $0, 0x614
        movl $0, 0x604
        out %al, $0xb2
        mov 0x604, %eax
        EXPECT 0x5000

        CASE(5) /* with paging on, the handler sees memory itself */
        mov $dir, %edi
        mov $0x87, %eax
1:      mov %eax, (%edi)
        add $4, %edi
        add $0x400000, %eax
        jnc 1b
        movl $0x400087, dir             /* 0.. is 4 MiB..: but for this page */
        mov $0x400000, %edi
        xor %esi, %esi
        mov $0x80000, %ecx
        rep movsl
        movl $7, 0x400600
        mov %cr4, %eax
        or $0x10, %eax
        mov %eax, %cr4
        mov $dir, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80000000, %eax
        mov %eax, %cr0
        mov 0x600, %eax
        EXPECT 7
        out %al, $0xb2
        mov 0x600, %eax
        EXPECT 7
        mov %cr0, %eax
        and $0x7fffffff, %eax
        mov %eax, %cr0
        PASS

        .bss
        .balign 4096
dir:    .skip 4096
        .text

        .code16
smi_begin: /* segments have 4 GiB, and base 0 but for CS */
        incl 0x600
        movw %cs, 0x604
        movw $0, 0x606
        mov %cr0, %eax
        mov %eax, 0x608
        mov $0x700, %sp
        pushfl
        pop %eax
        mov %eax, 0x60c
        mov 0x610, %eax
        test %eax, %eax
        jz 1f
        addr32 mov %eax, %cs:0x8000 + 0x7fe0
1:      mov 0x614, %eax
        test %eax, %eax
        jz 1f
        addr32 mov %eax, %cs:0x8000 + 0x7f00
1:      rsm
smi_end:
        .code32

/* not for peers: QEMU knows no overflow of the stack */
/* The x87 under paging: operands that lie in two pages, accesses that fault and leave the state as it was (SDM volume 3, 6.5:
 * a fault's instruction has done nothing), loops, MMX between x87 code, images, exceptions that are not masked. */
#include "sys.inc"

        .bss
        .balign 4096
dir:    .skip 4096
table1: .skip 4096
page_a: .skip 4096
page_gap: .skip 4096
page_b: .skip 4096
env1:   .skip 128
env2:   .skip 128
number: .skip 32
        .balign 16
image:  .skip 512
        .data
third:  .double 0.33333333333333331
half:   .float 0.5
ints:   .long 3, -7
words:  .word -2, 12
masked: .word 0x37f
zero_divide: .word 0x37b
chop:   .word 0xf7f
one_third: .tfloat 0.333333333333333333342
bcd:    .byte 0x21, 0x43, 0x65, 0x87, 0x09, 0x21, 0x43, 0x65, 0x07, 0x80
        .text
#define VA 0x400ffe
.macro INVAL
        mov %cr3, %eax
        mov %eax, %cr3
.endm
/* A fault between two looks at registers, tags and status finds them the same. */
.macro STAYS error, insn:vararg
        fnsave env1
        frstor env1
        FAULT 14, \error, \insn
        fnsave env2
        frstor env2
        call same
.endm
.macro IS32 at, v
        cmpl $\v, \at
        jne fail
.endm

same:   mov $env1, %esi /* all but where the last instruction was */
        mov $env2, %edi
        mov $3, %ecx
        repe cmpsl
        jne fail
        mov $env1 + 28, %esi
        mov $env2 + 28, %edi
        mov $20, %ecx
        repe cmpsl
        jne fail
        ret

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
        or $0x210, %eax /* PSE, OSFXSR */
        mov %eax, %cr4
        mov $dir, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80010022, %eax /* PG WP NE MP */
        and $~4, %eax
        mov %eax, %cr0
        fninit

        CASE(1) /* over the pages' border, each size, there and back */
        fldl third
        fstl VA - 2
        fldl VA - 2
        fucomip %st(1), %st
        jne fail
        jp fail
        fsts VA
        flds VA
        fstps number
        mov number, %eax
        cmp %eax, VA
        jne fail
        fld %st(0)
        fstpt VA - 5
        fldt VA - 5
        fucomip %st(1), %st
        jne fail
        fildl ints + 4
        fistl VA
        IS32 VA, -7
        fistps VA - 1 + 2
        cmpw $-7, VA + 1
        jne fail
        movl $0x12345678, VA - 4
        movl $0x1234, VA
        fildll VA - 4
        fistpll VA - 3
        IS32 (VA-3), 0x12345678
        IS32 (VA+1), 0x1234
        fbld bcd
        fbstp VA - 4
        mov $bcd, %esi
        mov $VA - 4, %edi
        mov $10, %ecx
        repe cmpsb
        jne fail
        movw $-2, VA + 1
        fildl ints
        fiadds VA + 1
        fistpl number
        IS32 number, 1
        fstp %st(0)
        fnstsw %ax
        test $0x3800, %ax
        jnz fail

        CASE(2) /* in a loop, where the second page is */
        fldz
        mov $1000, %ecx
        movl $2, VA
1:      fiaddl VA
        fildl VA
        faddp
        fistl VA + 8
        dec %ecx
        jnz 1b
        fistpl number
        IS32 number, 4000
        IS32 (VA+8), 4000

        CASE(3) /* the second page may not be written, then is not there */
        fninit
        fldpi
        fldl third
        fmul %st, %st(1)
        movl $page_b + 5, table1 + 4
        INVAL
        STAYS 3, fsts VA
        STAYS 3, fstps VA
        STAYS 3, fstpl VA
        STAYS 3, fstpl VA - 4
        STAYS 3, fistps VA + 1
        STAYS 3, fistpl VA
        STAYS 3, fistpll VA
        STAYS 3, fisttpl VA
        STAYS 3, fstpt VA
        STAYS 3, fstpt VA - 7
        STAYS 3, fbstp VA - 7
        STAYS 3, fnstenv VA
        STAYS 3, fstps 0x401000
        flds VA
        fstp %st(0)
        movl $0, table1 + 4
        INVAL
        STAYS 0, flds VA
        STAYS 0, fldl VA
        STAYS 0, fldt VA
        STAYS 0, fbld VA
        STAYS 0, faddl VA
        STAYS 0, fildll VA
        STAYS 0, fcomps VA
        STAYS 0, flds 0x401000
        STAYS 2, fstps 0x401000
        movl $page_b + 7, table1 + 4

        CASE(4) /* with all eight registers full */
        fninit
        fldpi
        fldl third
        fldl2e
        fld1
        fldz
        fildl ints
        flds half
        fldpi
        STAYS 2, fstps 0x402000
        STAYS 2, fistpll 0x402000
        STAYS 2, fstpt 0x402000
        fldpi /* overflows */
        fnstsw %ax
        and $0x7fff, %eax
        cmp $0x3a41, %eax
        jne fail
        STAYS 2, fstps 0x402000

        CASE(5) /* where the last one was */
        fninit
1:      fld1
        nop
        fnstenv env1
        fldcw env1
        cmpl $1b, env1 + 12
        jne fail
        jmp 3f
        .balign 4096
3:      FAULT 14, 0, flds 0x402000
        fnstenv env1
        cmpl $1b, env1 + 12
        jne fail
2:      fadd %st, %st
        mov $3, %ecx
1:      loop 1b
        fnstenv env1
        cmpl $2b, env1 + 12
        jne fail

        CASE(6) /* MMX registers are the significands; it leaves them all full, at the top 0 */
        fninit
        fld1
        fldpi
        movq %mm7, number
        IS32 number+4, 0x80000000
        movq %mm6, number
        IS32 number+4, 0xc90fdaa2
        fnstsw %ax
        test $0x3800, %ax
        jnz fail
        fld1 /* overflows */
        fnstsw %ax
        and $0x3a41, %eax
        cmp $0x3a41, %eax
        jne fail
        emms
        mov $100, %ecx
1:      fld1
        fchs
        fstps number
        movl number, %eax
        movd %eax, %mm0
        paddd %mm0, %mm0
        movd %mm0, number
        emms
        IS32 number, 0x7f000000
        dec %ecx
        jnz 1b

        CASE(7) /* images */
        fninit
        fldl third
        fldpi
        fxsave image
        fmul %st(1), %st
        fstpt number
        fxrstor image
        fmulp
        fstpt number + 16
        mov $number, %esi
        mov $number + 16, %edi
        mov $10, %ecx
        repe cmpsb
        jne fail
        cmpb $0xc0, image + 4
        jne fail
        fnstsw %ax
        test $0x3800, %ax
        jnz fail

        CASE(8) /* a division by zero that is not masked, told by the next one */
        fninit
        fld1
        fldcw zero_divide
        fldz
        fdivr %st, %st(1)
        FAULT 16, 0, fwait
        FAULT 16, 0, fld1
        fnstsw %ax
        and $0xbfff, %eax
        cmp $0xb084, %eax
        jne fail
        fnclex
        fldcw masked
        fdivr %st, %st(1)
        fnstsw %ax
        and $0xff, %eax
        EXPECT 4
        fstp %st(0)
        fsts number
        IS32 number, 0x7f800000

        CASE(9) /* by flags; the control word in a loop */
        fninit
        fld1
        fldpi
        mov $10, %ecx
        xor %edx, %edx
1:      cmp $5, %ecx
        fld %st(1)
        fcmovb %st(1), %st
        fldcw chop
        fistl number
        fldcw masked
        add number, %edx
        fcomip %st(1), %st
        adc $0, %edx
        dec %ecx
        jnz 1b
        cmp $6 * 1 + 4 * 3 + 6, %edx
        jne fail

        CASE(10) /* another's x87 is not to be used */
        mov %cr0, %eax
        or $8, %eax
        mov %eax, %cr0
        FAULT 7, 0, fld1
        FAULT 7, 0, movd %eax, %mm0
        clts
        fstp %st(0)
        fistpl number
        IS32 number, 1
        PASS

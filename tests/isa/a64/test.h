/* Bare-metal tests of A64 behaviour that user programs can't see. A test is a file of cases that runs at EL1 on the
 * `virt` board without an MMU, and ends through semihosting: status 0, or the number of the case that failed.
 *
 *   CASE(3)                 what follows belongs to case 3
 *   TRAP(insn)              runs one instruction that must raise a synchronous exception; then
 *                           x24 ESR, x25 ELR minus the instruction's address, x26 FAR, x27 SPSR
 *   EXPECT(reg, value)      compares with any 64-bit constant
 *
 * x22..x29 belong to these macros; vectors resume at x23. */
.macro EXPECT reg, value
    ldr     x29, =\value
    cmp     \reg, x29
    b.ne    fail
.endm
.macro CASE n
    mov     x28, #\n
.endm
.macro TRAP insn:vararg
    adr     x23, 7788f
    adr     x29, 7787f
    mov     x24, #-1
7787:
    \insn
    b       fail
7788:
    sub     x25, x25, x29
.endm
/* The same with an expected syndrome, the instruction's own address as ELR. */
.macro TRAP_ESR esr, insn:vararg
    TRAP    \insn
    EXPECT  x24, \esr
    EXPECT  x25, 0
.endm

.macro VECTOR target
    .balign 0x80
    b       \target
.endm

/* The file's own code begins at `start`. */
.macro PROLOGUE
    .section .text.start, "ax"
    .global _start
_start:
    adr     x0, vectors
    msr     vbar_el1, x0
    ldr     x0, =stack_top
    mov     sp, x0
    mov     x0, #3 << 20
    msr     cpacr_el1, x0
    isb
    mov     x28, #0
    b       start

    .balign 0x800
vectors:
    VECTOR  sync_sp0
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  sync
    VECTOR  irq
    VECTOR  fail
    VECTOR  fail
    VECTOR  sync
    VECTOR  irq
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    .balign 0x80
sync_sp0:
sync:
    mrs     x24, esr_el1
    mrs     x25, elr_el1
    mrs     x26, far_el1
    mrs     x27, spsr_el1
    msr     elr_el1, x23
    bic     x22, x27, #0x200000     /* SS: it would step the return */
    bic     x22, x22, #0x100000     /* IL */
    orr     x22, x22, #0x200        /* D */
    msr     spsr_el1, x22
    eret
    .weak   irq
fail:
    cbnz    x28, 1f
    mov     x28, #255
1:  mov     x1, x28
    b       done
pass:
    mov     x1, #0
done:
    ldr     x2, =exit_block
    ldr     x0, =0x20026            /* the application ended */
    stp     x0, x1, [x2]
    mov     x1, x2
    mov     w0, #0x18
    hlt     #0xf000
    b       .
    .ltorg

    .bss
    .balign 16
exit_block:
    .space  16
    .space  0x4000
stack_top:
    .space  64
    .text
.endm

/* Synchronous exceptions of the base instruction set: syndrome, return address, fault address. */
/* not for peers: SP alignment */
#include "test.h"
PROLOGUE
start:
    CASE 1 /* exception generating instructions: SVC returns behind itself */
    TRAP    svc #0x1234
    EXPECT  x24, 0x56001234
    EXPECT  x25, 4
    TRAP_ESR 0xf2005678, brk #0x5678
    TRAP_ESR 0x02000000, .inst 0x00000000
    TRAP_ESR 0x02000000, .inst 0x00001234

    CASE 2 /* unallocated, and privileged at a higher level */
    TRAP_ESR 0x02000000, .inst 0x1e9e0000
    TRAP_ESR 0x02000000, .inst 0xd4a00001   /* dcps1 */
    TRAP_ESR 0x02000000, .inst 0xd6bf03e0   /* drps */
    TRAP_ESR 0x02000000, mrs x0, hcr_el2
    TRAP_ESR 0x02000000, mrs x0, scr_el3
    TRAP_ESR 0x02000000, .inst 0x93407c20 & ~0x400000 | 0x8000 /* sbfm x, N = 0 */

    CASE 3 /* SP alignment: loads, stores, pairs, and none without SCTLR_EL1.SA */
    mov     x19, sp
    sub     x0, x19, #8
    mrs     x21, sctlr_el1
    orr     x1, x21, #8
    msr     sctlr_el1, x1
    isb
    mov     sp, x0
    TRAP_ESR 0x9a000000, ldr x1, [sp]
    TRAP_ESR 0x9a000000, str x1, [sp, #8]
    TRAP_ESR 0x9a000000, stp x1, x2, [sp, #-16]!
    TRAP_ESR 0x9a000000, ldrb w1, [sp, x2]
    TRAP_ESR 0x9a000000, ldr q1, [sp, #16]
    mov     x2, sp
    cmp     x2, x0
    b.ne    fail
    bic     x1, x1, #8
    msr     sctlr_el1, x1
    isb
    str     x0, [sp]
    ldr     x2, [sp]
    cmp     x2, x0
    b.ne    fail
    msr     sctlr_el1, x21
    isb
    mov     sp, x19

    CASE 4 /* alignment known in a block is forgotten when SP changes */
    orr     x1, x21, #8
    msr     sctlr_el1, x1
    isb
    str     x1, [sp, #-16]!
    add     sp, sp, #8
    TRAP_ESR 0x9a000000, ldr x1, [sp, #-8]
    sub     sp, sp, #8
    ldr     x1, [sp], #16
    mov     x2, sp
    cmp     x2, x19
    b.ne    fail
    msr     sctlr_el1, x21
    isb

    CASE 5 /* PC alignment: the address is ELR and FAR */
    adr     x0, start
    add     x1, x0, #1
    adr     x23, 1f
    mov     x24, #0
    br      x1
1:  EXPECT  x24, 0x8a000000
    cmp     x25, x1
    b.ne    fail
    cmp     x26, x1
    b.ne    fail
    add     x1, x0, #2
    adr     x23, 1f
    blr     x1
1:  EXPECT  x24, 0x8a000000
    cmp     x25, x1
    b.ne    fail
    add     x1, x0, #3
    adr     x23, 1f
    mov     x30, x1
    ret
1:  EXPECT  x24, 0x8a000000
    cmp     x25, x1
    b.ne    fail
    cmp     x26, x1
    b.ne    fail

    CASE 6 /* alignment faults: ordered, exclusive and atomic accesses (DFSC 0x21)*/
    ldr     x0, =scratch + 1
    TRAP    ldar x1, [x0]
    and     x24, x24, #0x3f
    EXPECT  x24, 0x21
    cmp     x26, x0
    b.ne    fail
    TRAP    ldxr w1, [x0]
    and     x24, x24, #0x3f
    EXPECT  x24, 0x21
    TRAP    stlrh w1, [x0]
    and     x24, x24, #0x7f
    EXPECT  x24, 0x61
    ldrb    w1, [x0]

    CASE 7 /* Illegal Execution State: ERET to a level that is not there, or with SPSR.IL */
    adr     x0, 2f
    adr     x23, 1f
    msr     elr_el1, x0
    ldr     x1, =0x100005
    mrs     x2, daif
    orr     x1, x1, x2
    msr     spsr_el1, x1
    mov     x24, #0
    eret
2:  b       fail
1:  EXPECT  x24, 0x3a000000
    cmp     x25, x0
    b.ne    fail
    msr     elr_el1, x0
    mov     x1, #0xd                /* EL3h */
    msr     spsr_el1, x1
    adr     x23, 1f
    mov     x24, #0
    eret
1:  EXPECT  x24, 0x3a000000
    cmp     x25, x0
    b.ne    fail
    tbz     x27, #20, fail

    CASE 8 /* an instruction that faults leaves its registers alone */
    ldr     x0, =0x800000000        /* nothing is there: external abort */
    mov     x1, #17
    mov     x2, #18
    mov     x3, x0
    TRAP    ldp x1, x2, [x0], #16
    and     x24, x24, #0x3f
    EXPECT  x24, 0x10
    EXPECT  x1, 17
    EXPECT  x2, 18
    cmp     x0, x3
    b.ne    fail
    TRAP    ldr x4, [x0, #8]!
    cmp     x0, x3
    b.ne    fail
    TRAP    str x1, [x0, #8]!
    cmp     x0, x3
    b.ne    fail
    TRAP    .inst 0xf8e10002 /* ldaddal x1, x2, [x0] */
    EXPECT  x1, 17
    EXPECT  x2, 18
    b       pass
    .ltorg
    .bss
    .balign 16
scratch:
    .space  64

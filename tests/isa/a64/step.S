/* Software step (DDI 0487, D2.12): one instruction, then an exception; what the instruction is matters. */
#include "test.h"
PROLOGUE
/* Steps the instruction at x0 in the active-not-pending state, at EL1 with KDE. Handler: x24 ESR, x25 ELR, x27 SPSR. */
.macro STEP at
    adr     x0, \at
    adr     x23, 7799f
    ldr     x1, =0x200005           /* SS, EL1h, nothing masked */
    msr     spsr_el1, x1
    msr     elr_el1, x0
    mov     x24, #-1
    eret
7799:
.endm
.macro STEPPED to
    lsr     x29, x24, #26
    cmp     x29, #0x33
    b.ne    fail
    adr     x29, \to
    cmp     x25, x29
    b.ne    fail
    tbnz    x27, #21, fail          /* SS is clear: the step was done */
.endm
start:
    msr     oslar_el1, xzr
    mov     x1, #1 << 13 | 1        /* KDE, SS: active while PSTATE.D is 0 */
    msr     mdscr_el1, x1
    isb
    mov     x2, #5
    mov     x3, #0

    CASE 1 /* a plain instruction */
    STEP    1f
    STEPPED 2f
    EXPECT  x24, 0xcf000022
    EXPECT  x3, 5
    b       3f
1:  mov     x3, x2
2:  mov     x3, #9
3:
    CASE 2 /* branches, taken and not */
    STEP    1f
    STEPPED 2f
    STEP    4f
    STEPPED 5f
    cmp     x2, #5
    STEP    6f
    STEPPED 7f
    STEP    8f
    STEPPED 3f
    b       9f
1:  b       2f
    nop
2:  nop
3:  nop
4:  cbz     x2, 3b
5:  nop
6:  bl      7f
7:  nop
8:  tbnz    x2, #0, 3b
9:
    CASE 3 /* indirect branches */
    adr     x30, 2f
    STEP    1f
    STEPPED 2f
    adr     x4, 3f
    STEP    4f
    STEPPED 3f
    adr     x29, 5f
    cmp     x30, x29
    b.ne    fail
    b       6f
1:  ret
2:  nop
3:  nop
4:  blr     x4
5:  nop
6:
    CASE 4 /* memory; a pair of flags */
    ldr     x4, =word
    STEP    1f
    STEPPED 2f
    EXPECT  x5, 0x1122334455667788
    STEP    3f
    STEPPED 4f
    b       5f
1:  ldr     x5, [x4]
2:  nop
3:  stxr    w6, x5, [x4]
4:  nop
5:
    CASE 5 /* exclusives and system registers */
    STEP    1f
    STEPPED 2f
    lsr     x29, x24, #6
    tbz     x24, #6, fail           /* EX: a load-exclusive was stepped */
    STEP    3f
    STEPPED 4f
    STEP    4f
    STEPPED 5f
    b       6f
1:  ldxr    x5, [x4]
2:  nop
3:  msr     contextidr_el1, x2
4:  msr     tcr_el1, x3
5:  nop
6:  msr     tcr_el1, xzr

    CASE 6 /* an instruction that traps is not done: its exception, with SS as it was */
    STEP    1f
    EXPECT  x24, 0x56000007
    tbnz    x27, #21, fail          /* an SVC counts as done */
    STEP    2f
    EXPECT  x24, 0x02000000
    tbz     x27, #21, fail
    b       3f
1:  svc     #7
2:  .inst   0
3:
    CASE 7 /* SS clear: the exception comes first */
    adr     x0, 1f
    adr     x23, 2f
    mov     x1, #5
    msr     spsr_el1, x1
    msr     elr_el1, x0
    mov     x3, #1
    eret
1:  mov     x3, #2
2:  lsr     x29, x24, #26
    cmp     x29, #0x33
    b.ne    fail
    cmp     x25, x0
    b.ne    fail
    EXPECT  x3, 1
    CASE 8 /* unmasking D makes step active at once: SS is 0, the next instruction is not run */
    adr     x0, 1f
    adr     x23, 2f
    mov     x24, #0
    mov     x3, #1
    msr     daifclr, #8
1:  mov     x3, #2
2:  lsr     x29, x24, #26
    cmp     x29, #0x33
    b.ne    fail
    cmp     x25, x0
    b.ne    fail
    EXPECT  x3, 1
    msr     daifset, #8
    mrs     x1, daif
    bic     x1, x1, #0x200
    adr     x0, 1f
    adr     x23, 2f
    mov     x24, #0
    msr     daif, x1
1:  mov     x3, #2
2:  cmp     x25, x0
    b.ne    fail
    EXPECT  x3, 1
    msr     daifset, #8
    msr     mdscr_el1, xzr
    isb
    b       pass
    .ltorg
    .data
    .balign 8
word:
    .quad   0x1122334455667788

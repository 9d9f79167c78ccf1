/* Addresses under an MMU: unprivileged accesses (LDTR) at EL1 with PAN and UAO, tagged data and branch addresses, guarded
 * pages. The map: 2 MiB pages of RAM at 0x40000000, the same RAM again where each test wants it. */
#include "test.h"
PROLOGUE
.equ RAM, 0x40200000
/* Block descriptors: AF, inner shareable, attribute 0. */
.equ BLOCK, 0x701
.equ USER, 1 << 6
.equ READONLY, 2 << 6
.equ GUARDED, 1 << 50
.macro MAP va, attrs
    ldr     x0, =level2 + ((\va - 0x40000000) >> 18)
    ldr     x1, =RAM + BLOCK + \attrs
    str     x1, [x0]
.endm
.macro ON
    dsb     sy
    tlbi    vmalle1
    dsb     sy
    isb
.endm
start:
    ldr     x0, =level1 + 8         /* 39-bit space: entry 1 is 0x40000000 */
    ldr     x1, =level2 + 3
    str     x1, [x0]
    ldr     x0, =level1
    ldr     x1, =0x00000000 + 0x405 + (1 << 54) + (1 << 53)
    str     x1, [x0]
    MAP     RAM, 0
    MAP     0x40400000, USER
    MAP     0x40600000, USER + READONLY
    MAP     0x40800000, GUARDED
    ldr     x0, =0xff               /* attribute 0 normal, 1 device */
    msr     mair_el1, x0
    ldr     x0, =level1
    msr     ttbr0_el1, x0
    ldr     x0, =(25 | 1 << 23 | 2 << 32 | 3 << 12 | 1 << 8 | 1 << 10 | 1 << 37)
    msr     tcr_el1, x0             /* T0SZ 25, EPD1, TBI0, write-back */
    ON
    mrs     x0, sctlr_el1
    orr     x0, x0, #1
    orr     x0, x0, #1 << 12
    msr     sctlr_el1, x0
    isb
    .equ    USER_AT, 0x40400000 - RAM

    CASE 1 /* LDTR, STTR: as EL0 would */
    ldr     x0, =word
    ldr     x1, =USER_AT
    add     x1, x1, x0
    ldtr    x2, [x1]
    EXPECT  x2, 0x1122334455667788
    ldtrsw  x2, [x1]
    EXPECT  x2, 0x55667788
    ldtrb   w2, [x1, #7]
    EXPECT  x2, 0x11
    mov     x3, #3
    sttr    x3, [x1, #8]
    ldr     x2, [x0, #8]
    EXPECT  x2, 3
    TRAP    ldtr x2, [x0]
    EXPECT  x24, 0x9600000e         /* permission, level 2 */
    EXPECT  x25, 0
    cmp     x26, x0
    b.ne    fail
    TRAP    sttrh w2, [x0, #2]
    EXPECT  x24, 0x9600004e
    add     x1, x1, #0x200000       /* read-only for EL0 */
    ldtr    x2, [x1]
    TRAP    sttr x2, [x1]
    EXPECT  x24, 0x9600004e

    CASE 2 /* PAN: no privileged access to what EL0 may touch; LDTR may */
    ldr     x1, =USER_AT
    add     x1, x1, x0
    msr     pan, #1
    ldtr    x2, [x1]
    TRAP    ldr x2, [x1]
    EXPECT  x24, 0x9600000e
    msr     pan, #0
    ldr     x2, [x1]

    CASE 3 /* UAO: LDTR is LDR */
    msr     uao, #1
    ldtr    x2, [x0]
    msr     uao, #0
    TRAP    ldtr x2, [x0]
    EXPECT  x24, 0x9600000e

    CASE 4 /* tagged data and branch addresses */
    movk    x0, #0x5a00, lsl #48
    ldr     x2, [x0]
    EXPECT  x2, 0x1122334455667788
    adr     x1, 1f
    movk    x1, #0xa500, lsl #48
    adr     x3, 1f
    br      x1
1:  adr     x4, 1b
    cmp     x3, x4
    b.ne    fail
    adr     x30, 2f
    mov     x3, x30
    movk    x30, #0x1100, lsl #48
    ret
2:  adr     x4, 2b
    cmp     x3, x4
    b.ne    fail
    adr     x1, 3f
    orr     x1, x1, #0x100000000000000
    blr     x1
3:  adr     x4, 3b
    cmp     x30, x4
    b.ne    fail

    CASE 5 /* not instruction addresses, when TBID0 is set */
    mrs     x5, tcr_el1
    orr     x6, x5, #1 << 51
    msr     tcr_el1, x6
    ON
    ldr     x2, [x0]
    adr     x23, 1f
    mov     x24, #0
    adr     x1, 1f
    orr     x1, x1, #0x100000000000000
    br      x1
1:  lsr     x24, x24, #26
    EXPECT  x24, 0x21
    cmp     x25, x1
    b.ne    fail
    msr     tcr_el1, x5
    ON

    CASE 6 /* guarded pages: a branch by register needs a landing pad */
    .equ    GUARDED_AT, 0x40800000 - RAM
    adr     x1, pads
    ldr     x2, =GUARDED_AT
    add     x1, x1, x2
.macro GO how, to, fails
    add     x16, x1, #(\to - pads)
    add     x2, x1, #(\to - pads)
    adr     x23, 7786f
    mov     x24, #0
    adr     x9, 7786f
    .ifc \how, br
    br      x2
    .endif
    .ifc \how, br16
    br      x16
    .endif
    .ifc \how, blr
    blr     x2
    .endif
7786:
    .if \fails
    EXPECT  x24, 0x36000000 + \fails
    cmp     x25, x2
    b.ne    fail
    lsr     x27, x27, #10
    and     x27, x27, #3
    EXPECT  x27, \fails
    .else
    EXPECT  x24, 0
    .endif
.endm
    GO      br, pad_c, 0
    GO      br, pads, 1             /* from an unguarded page BR is as good as by X16 */
    GO      blr, pads, 2
    GO      br, pad_c, 0
    GO      br16, pad_c, 0
    GO      blr, pad_c, 0
    GO      br, pad_j, 0
    GO      blr, pad_j, 2
    GO      blr, pad_jc, 0
    GO      br, pad_bti, 1
    GO      br, pad_pac, 0
    GO      blr, pad_pac, 0
    add     x2, x1, #(pad_brk - pads)
    adr     x23, 1f
    blr     x2
1:  EXPECT  x24, 0xf2000001
    CASE 7 /* ERET restores BTYPE: the instruction returned to is checked */
    add     x2, x1, #(pad_j - pads)
    adr     x9, 1f
    adr     x23, 1f
    mrs     x3, daif
    mov     x4, #5
    orr     x4, x4, x3
    orr     x5, x4, #1 << 10
    msr     elr_el1, x2
    msr     spsr_el1, x5
    mov     x24, #0
    eret
1:  EXPECT  x24, 0
    adr     x9, 1f
    adr     x23, 1f
    orr     x5, x4, #2 << 10
    msr     elr_el1, x2
    msr     spsr_el1, x5
    eret
1:  EXPECT  x24, 0x36000002
    b       pass

pads:
    br      x9
pad_c:
    .inst   0xd503245f
    br      x9
pad_j:
    .inst   0xd503249f
    br      x9
pad_jc:
    .inst   0xd50324df
    br      x9
pad_bti:
    .inst   0xd503241f
    br      x9
pad_pac:
    .inst   0xd503233f
    br      x9
pad_brk:
    brk     #1
    .ltorg
    .data
    .balign 16
word:
    .quad   0x1122334455667788
    .quad   0
    .bss
    .balign 4096
level1:
    .space  4096
level2:
    .space  4096

/* Stage 1 translation as code meets it: faults and their syndromes, permissions, invalidation, address spaces, hardware
 * access and dirty bits. Identity map of the first 2 GiB for EL1; test pages lie at VA and map to `page0`, `page1`... */
#include "test.h"

#define VA        0x80000000
#define PAGE      0x403 /* AF, a page */
#define USER      0x040 /* AP[1] */
#define READONLY  0x080 /* AP[2] */
#define NOT_GLOBAL 0x800

/* Descriptor i of the test pages' table = what (a register), visible to the walker. */
.macro PTE i, reg
    ldr     x29, =l3
    str     \reg, [x29, #8 * \i]
    dsb     ish
    isb
.endm
/* ... = physical page \page with these bits. */
.macro MAP i, page, attr
    ldr     x22, =\page
    ldr     x29, =\attr
    orr     x22, x22, x29
    PTE     \i, x22
.endm
.macro REMAP i, page, attr
    MAP     \i, \page, \attr
    ldr     x22, =(VA + 4096 * \i) >> 12
    tlbi    vaae1is, x22
    dsb     ish
    isb
.endm
.macro FAULTS esr, far, insn:vararg
    TRAP    \insn
    EXPECT  x24, \esr
    EXPECT  x26, \far
    EXPECT  x25, 0
.endm

PROLOGUE
start:
    ldr     x0, =vectors2
    msr     vbar_el1, x0
    ldr     x0, =l1
    ldr     x1, =0x405              /* 0..1 GiB: device, EL1 */
    str     x1, [x0]
    ldr     x1, =0x40000401         /* 1..2 GiB: memory, EL1 */
    str     x1, [x0, #8]
    ldr     x1, =l2 + 3
    str     x1, [x0, #16]
    ldr     x2, =l2
    ldr     x1, =l3 + 3
    str     x1, [x2]
    ldr     x3, =big + 0x441
    str     x3, [x2, #8]
    ldr     x3, =l1b                /* the other address space: the same but for its own pages */
    ldr     x1, =0x40000401
    str     x1, [x3, #8]
    ldr     x1, =l2b + 3
    str     x1, [x3, #16]
    ldr     x2, =l2b
    ldr     x1, =l3b + 3
    str     x1, [x2]
    ldr     x0, =l1
    msr     ttbr0_el1, x0
    msr     ttbr1_el1, x0
    ldr     x0, =25 | 25 << 16 | 2 << 30 | 5 << 32 | 1 << 36 | 1 << 37
    msr     tcr_el1, x0
    mov     x0, #0xff               /* 0: write-back, 1: device */
    msr     mair_el1, x0
    tlbi    vmalle1
    dsb     ish
    isb
    mrs     x0, sctlr_el1
    orr     x0, x0, #1
    msr     sctlr_el1, x0
    isb

    CASE 1 /* marks in the pages, through the identity map */
    ldr     x0, =page0
    mov     x1, #0x1000
    mov     x2, #0
1:  str     x2, [x0]
    add     x0, x0, x1
    add     x2, x2, #1
    cmp     x2, #8
    b.ne    1b

    CASE 2 /* nothing mapped: translation faults, level 3, 2, 1, 0 */
    ldr     x0, =VA
    FAULTS  0x96000007, VA, ldr x1, [x0]
    FAULTS  0x96000047, VA, str x1, [x0]
    FAULTS  0x96000007, VA + 0xff8, ldr x1, [x0, #0xff8]
    ldr     x0, =VA + 0x40000000
    FAULTS  0x96000005, VA + 0x40000000, ldr x1, [x0]
    ldr     x0, =VA + 0x3fe00000
    FAULTS  0x96000006, VA + 0x3fe00000, ldr x1, [x0]
    ldr     x0, =0x8000000000
    FAULTS  0x96000004, 0x8000000000, ldr x1, [x0]

    CASE 3 /* from invalid to valid needs no invalidation */
    ldr     x0, =VA
    MAP     0, page3, PAGE
    ldr     x1, [x0]
    EXPECT  x1, 3
    mov     x1, #33
    str     x1, [x0, #8]
    ldr     x2, =page3
    ldr     x1, [x2, #8]
    EXPECT  x1, 33

    CASE 4 /* another page there, after invalidation, by VA and ASID, by VA, all */
    MAP     0, page4, PAGE | NOT_GLOBAL
    ldr     x22, =VA >> 12
    tlbi    vae1, x22
    dsb     ish
    isb
    ldr     x1, [x0]
    EXPECT  x1, 4
    MAP     0, page5, PAGE
    tlbi    vmalle1is
    dsb     ish
    isb
    ldr     x1, [x0]
    EXPECT  x1, 5
    REMAP   0, page1, PAGE
    ldr     x1, [x0]
    EXPECT  x1, 1

    CASE 5 /* permissions and the access flag */
    REMAP   0, page1, PAGE | READONLY
    ldr     x1, [x0]
    FAULTS  0x9600004f, VA + 16, str x1, [x0, #16]
    REMAP   0, page1, 3
    FAULTS  0x9600000b, VA, ldr x1, [x0]
    FAULTS  0x9600004b, VA, str x1, [x0]
    REMAP   0, page1, PAGE | USER
    str     x1, [x0, #16]

    CASE 6 /* PAN and the unprivileged view */
    .inst 0xd500419f /* msr pan, #1 */
    FAULTS  0x9600000f, VA, ldr x1, [x0]
    FAULTS  0x9600004f, VA, stp x1, x2, [x0]
    ldtr    x1, [x0]
    EXPECT  x1, 1
    sttr    x1, [x0, #24]
    .inst 0xd500409f /* msr pan, #0 */
    ldr     x1, [x0, #24]
    EXPECT  x1, 1
    REMAP   0, page1, PAGE
    FAULTS  0x9600000f, VA, ldtr x1, [x0]
    FAULTS  0x9600004f, VA, sttr x1, [x0]
    REMAP   0, page1, PAGE | USER | READONLY
    ldtr    x1, [x0]
    FAULTS  0x9600004f, VA, sttr x1, [x0]

    CASE 7 /* an access over two pages faults for the page that is missing, before it changes anything */
    REMAP   0, page1, PAGE
    MAP     1, page6, PAGE
    ldr     x0, =VA + 0xffc
    ldr     x1, =0x1122334455667788
    str     x1, [x0]
    ldr     x2, =page1
    ldr     w3, [x2, #0xffc]
    EXPECT  x3, 0x55667788
    ldr     x2, =page6
    ldr     w3, [x2]
    EXPECT  x3, 0x11223344
    REMAP   1, 0, 0
    FAULTS  0x96000007, VA + 0x1000, ldr x1, [x0]
    mov     x1, #0
    FAULTS  0x96000047, VA + 0x1000, str x1, [x0]
    ldr     x2, =page1
    ldr     w3, [x2, #0xffc]
    EXPECT  x3, 0x55667788

    CASE 8 /* execution: PXN, pages that EL0 can write, unmapped */
    ldr     x0, =page2
    ldr     w1, =0xd65f03c0         /* ret */
    str     w1, [x0]
    dc      cvau, x0
    dsb     ish
    ic      ivau, x0
    dsb     ish
    isb
    REMAP   0, page2, PAGE
    ldr     x0, =VA
    blr     x0
    REMAP   0, page2, PAGE | 1 << 53
    bl      call
    EXPECT  x24, 0x8600000f
    EXPECT  x26, VA
    REMAP   0, page2, PAGE | USER
    bl      call
    EXPECT  x24, 0x8600000f
    REMAP   0, page2, PAGE | USER | READONLY
    blr     x0
    REMAP   0, page2, 0
    bl      call
    EXPECT  x24, 0x86000007

    CASE 9 /* two address spaces, many times to and fro */
    ldr     x29, =l3b
    ldr     x22, =page5 + PAGE + NOT_GLOBAL
    str     x22, [x29]
    REMAP   0, page4, PAGE | NOT_GLOBAL
    ldr     x4, =l1 + (1 << 48)
    ldr     x5, =l1b + (2 << 48)
    mov     x6, #100
    mov     x7, #0
1:  msr     ttbr0_el1, x4
    isb
    ldr     x1, [x0]
    add     x7, x7, x1
    msr     ttbr0_el1, x5
    isb
    ldr     x1, [x0]
    add     x7, x7, x1, lsl #16
    subs    x6, x6, #1
    b.ne    1b
    EXPECT  x7, 400 + (500 << 16)
    msr     ttbr0_el1, x4
    isb
    ldr     x22, =page7 + PAGE + NOT_GLOBAL
    PTE     0, x22
    ldr     x22, =1 << 48
    tlbi    aside1, x22
    dsb     ish
    isb
    ldr     x1, [x0]
    EXPECT  x1, 7
    msr     ttbr0_el1, x5
    isb
    ldr     x1, [x0]
    EXPECT  x1, 5
    ldr     x4, =l1
    msr     ttbr0_el1, x4
    isb

    CASE 10 /* the ignored top byte: one entry under any tag */
    REMAP   0, page4, PAGE
    ldr     x0, =VA + (0x5a << 56)
    ldr     x1, [x0]
    EXPECT  x1, 4
    REMAP   0, page5, PAGE
    ldr     x1, [x0]
    EXPECT  x1, 5
    REMAP   0, 0, 0
    FAULTS  0x96000007, VA + (0x5a << 56), ldr x1, [x0]

    CASE 11 /* a block goes as a whole */
    ldr     x0, =VA + 0x200000
    ldr     x1, =0x1111
    str     x1, [x0]
    ldr     x1, =0x2222
    str     x1, [x0, #8]
    add     x3, x0, #0x3000
    str     x1, [x3]
    ldr     x2, =l2
    ldr     x4, [x2, #8]
    str     xzr, [x2, #8]
    dsb     ish
    add     x22, x0, #0x7000
    ubfx    x22, x22, #12, #44
    tlbi    vae1is, x22
    dsb     ish
    isb
    FAULTS  0x96000006, VA + 0x200000, ldr x1, [x0]
    FAULTS  0x96000006, VA + 0x203000, ldr x1, [x3]
    str     x4, [x2, #8]
    dsb     ish
    isb
    ldr     x1, [x3]
    EXPECT  x1, 0x2222

    CASE 12 /* the high range */
    ldr     x0, =0xffffff8000000000 + VA
    REMAP   0, page6, PAGE
    ldr     x1, [x0]
    ldr     x2, =page6
    ldr     x3, [x2]
    cmp     x1, x3
    b.ne    fail
    ldr     x0, =0xffffff0000000000
    FAULTS  0x96000004, 0xffffff0000000000, ldr x1, [x0]

    CASE 13 /* EL0 */
    REMAP   0, page2, PAGE | USER | READONLY
    REMAP   1, page3, PAGE | USER
    REMAP   2, page4, PAGE
    ldr     x0, =page2              /* ldr x1, [x0]; svc #5 */
    ldr     x1, =0xd40000a1f9400001
    str     x1, [x0]
    ldr     x1, =0xd40000a1f9000001 /* at 16: str x1, [x0]; svc #5 */
    str     x1, [x0, #16]
    ic      iallu
    dsb     ish
    isb
    ldr     x0, =VA + 0x1000
    mov     x20, #0
    bl      user
    EXPECT  x24, 0x56000005
    EXPECT  x1, 3
    ldr     x0, =VA + 0x2000
    bl      user
    EXPECT  x24, 0x9200000f
    EXPECT  x26, VA + 0x2000
    mov     x20, #16
    ldr     x0, =VA + 0x1010
    bl      user
    EXPECT  x24, 0x56000005
    ldr     x0, =VA
    bl      user
    EXPECT  x24, 0x9200004f
    REMAP   0, page2, PAGE | USER | READONLY | 1 << 54
    bl      user
    EXPECT  x24, 0x8200000f
    EXPECT  x26, VA + 16
    REMAP   0, page2, PAGE
    bl      user
    EXPECT  x24, 0x9200004f         /* no data access for EL0, but it may execute */

    CASE 14 /* hardware access flag and dirty state */
    ldr     x0, =VA
    mrs     x1, tcr_el1
    orr     x1, x1, #3 << 39
    msr     tcr_el1, x1
    isb
    tlbi    vmalle1
    dsb     ish
    isb
    REMAP   0, page4, 3
    ldr     x1, [x0]
    ldr     x29, =l3
    ldr     x1, [x29]
    ldr     x2, =page4 + PAGE
    cmp     x1, x2
    b.ne    fail
    REMAP   0, page4, PAGE | READONLY | 1 << 51
    ldr     x1, [x0]
    ldr     x1, [x29]
    tbz     x1, #7, fail
    str     x1, [x0]
    ldr     x1, [x29]
    tbnz    x1, #7, fail
    str     x1, [x0]
    REMAP   0, page4, PAGE | READONLY
    FAULTS  0x9600004f, VA, str x1, [x0]

    CASE 15 /* AT */
    REMAP   0, page4, PAGE | READONLY
    at      s1e1r, x0
    isb
    mrs     x1, par_el1
    ldr     x2, =page4
    and     x3, x1, #0xfffffffff000
    cmp     x2, x3
    b.ne    fail
    tbnz    x1, #0, fail
    at      s1e1w, x0
    isb
    mrs     x1, par_el1
    and     x1, x1, #0x7f
    EXPECT  x1, 0x1f
    at      s1e0r, x0
    isb
    mrs     x1, par_el1
    and     x1, x1, #0x7f
    EXPECT  x1, 0x1f

    CASE 16 /* off and on again: the flat view and the mapped one */
    REMAP   0, page4, PAGE
    mrs     x4, sctlr_el1
    bic     x1, x4, #1
    msr     sctlr_el1, x1
    isb
    ldr     x0, =page4
    ldr     x1, [x0]
    msr     sctlr_el1, x4
    isb
    ldr     x0, =VA
    ldr     x2, [x0]
    cmp     x1, x2
    b.ne    fail
    b       pass

/* Branches to x0, which must fault at once. */
call:
    mov     x21, x30
    adr     x23, 1f
    br      x0
1:  ret     x21

/* EL0 at VA + x20 until it traps. */
user:
    mov     x21, x30
    adr     x23, 1f
    ldr     x22, =VA
    add     x22, x22, x20
    msr     elr_el1, x22
    mov     x22, #0x3c0
    msr     spsr_el1, x22
    eret
1:  ret     x21
    .ltorg

    .balign 0x800
vectors2:
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  sync
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  lower
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
lower:
    mrs     x24, esr_el1
    mrs     x25, elr_el1
    mrs     x26, far_el1
    br      x23

    .bss
    .balign 0x200000
big:    .space 0x200000
l1:     .space 4096
l2:     .space 4096
l3:     .space 4096
l1b:    .space 4096
l2b:    .space 4096
l3b:    .space 4096
page0:  .space 4096
page1:  .space 4096
page2:  .space 4096
page3:  .space 4096
page4:  .space 4096
page5:  .space 4096
page6:  .space 4096
page7:  .space 4096
    .text

/* Alignment: all data is Device memory while stage 1 is off, and RAM that is mapped so takes no unaligned access either,
 * whether the page was met before or not. Normal memory takes them. */
/* not for peers: some check Device memory only while stage 1 is on */
#include "test.h"

#define VA     0x80000000
#define NORMAL 0x403 /* AF, a page, attribute 0 */
#define DEVICE 0x407 /* attribute 1 */
#define LOADED 0x96000021 /* an alignment fault of a load at this level */
#define STORED 0x96000061

.macro FAULTS esr, far, insn:vararg
    TRAP    \insn
    EXPECT  x24, \esr
    EXPECT  x25, 0
    EXPECT  x26, \far
.endm
/* Accesses at x4 = \va, of a Device page. */
.macro DEVICE_PAGE va
    ldr     x4, =\va
    ldr     x5, =0x1122334455667788
    str     x5, [x4]
    ldr     x6, [x4]
    cmp     x5, x6
    b.ne    fail
    str     x5, [x4, #8]
    ldp     w7, w8, [x4, #4]        /* aligned to its registers' size */
    EXPECT  x7, 0x11223344
    EXPECT  x8, 0x55667788
    FAULTS  LOADED, \va + 1, ldr x6, [x4, #1]
    FAULTS  LOADED, \va + 2, ldr w6, [x4, #2]
    FAULTS  LOADED, \va + 3, ldrh w6, [x4, #3]
    add     x9, x4, #4
    FAULTS  LOADED, \va + 4, ldp x6, x7, [x9]
    FAULTS  STORED, \va + 1, stur x6, [x4, #1]
    FAULTS  STORED, \va + 7, stur w6, [x4, #7]
    FAULTS  STORED, \va + 4, stur d0, [x4, #4]
    FAULTS  LOADED, \va + 8, ldur q0, [x4, #8]
    ldrb    w6, [x4, #3]
    EXPECT  x6, 0x55
    ldr     x6, [x4]
    cmp     x5, x6
    b.ne    fail
.endm

PROLOGUE
start:
    CASE 1 /* stage 1 off */
    DEVICE_PAGE page
    FAULTS  STORED, page, dc zva, x4

    ldr     x0, =l1
    ldr     x1, =0x40000401         /* 1..2 GiB: normal */
    str     x1, [x0, #8]
    ldr     x1, =l2 + 3
    str     x1, [x0, #16]
    ldr     x2, =l2
    ldr     x1, =l3 + 3
    str     x1, [x2]
    ldr     x2, =l3
    ldr     x1, =page + DEVICE
    str     x1, [x2]
    ldr     x1, =page + NORMAL
    str     x1, [x2, #8]
    msr     ttbr0_el1, x0
    ldr     x0, =25 | 1 << 23 | 1 << 32 /* 39 bits, EPD1, 36-bit addresses */
    msr     tcr_el1, x0
    mov     x0, #0x00ff
    msr     mair_el1, x0
    isb
    mrs     x0, sctlr_el1
    orr     x0, x0, #1
    bic     x0, x0, #2
    msr     sctlr_el1, x0
    isb

    CASE 2 /* a Device page */
    DEVICE_PAGE VA
    FAULTS  STORED, VA, dc zva, x4
    CASE 3 /* the same memory as Normal, and again as Device */
    ldr     x4, =VA + 4096
    ldr     x6, [x4, #1]
    stur    x6, [x4, #9]
    ldur    q0, [x4, #3]
    dc      zva, x4
    ldr     x6, [x4, #8]
    cbnz    x6, fail
    ldr     x4, =page + 1
    ldr     x6, [x4]
    DEVICE_PAGE VA
    FAULTS  STORED, VA, dc zva, x4
    CASE 4 /* stage 1 off once more */
    mrs     x0, sctlr_el1
    bic     x0, x0, #1
    msr     sctlr_el1, x0
    isb
    DEVICE_PAGE page
    FAULTS  STORED, page, dc zva, x4
    CASE 5 /* SCTLR_EL1.A on normal memory */
    orr     x0, x0, #3
    msr     sctlr_el1, x0
    isb
    DEVICE_PAGE VA + 4096
    dc      zva, x4
    b       pass
    .ltorg

    .bss
    .balign 4096
page:
    .space  4096
l1: .space  4096
l2: .space  4096
l3: .space  4096

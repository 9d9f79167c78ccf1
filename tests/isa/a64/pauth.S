/* Pointer authentication: what must hold whatever the algorithm is. */
/* not for peers: QEMU 7.2 strips a code from what was never an address in its own way; all else agrees */
#include "test.h"
    .arch   armv8.5-a
PROLOGUE
.macro KEYS on
    mrs     x0, sctlr_el1
    ldr     x1, =1 << 31 | 1 << 30 | 1 << 27 | 1 << 13
    .if \on
    orr     x0, x0, x1
    .else
    bic     x0, x0, x1
    .endif
    msr     sctlr_el1, x0
    isb
.endm
start:
    ldr     x0, =0x0123456789abcdef
    ldr     x1, =0xfedcba9876543210
    msr     apiakeylo_el1, x0
    msr     apiakeyhi_el1, x1
    msr     apibkeylo_el1, x1
    msr     apibkeyhi_el1, x0
    msr     apdakeylo_el1, x0
    msr     apdakeyhi_el1, x0
    msr     apdbkeylo_el1, x1
    msr     apdbkeyhi_el1, x1
    msr     apgakeylo_el1, x1
    msr     apgakeyhi_el1, x0
    ldr     x2, =25 | 25 << 16      /* T0SZ, T1SZ: the code is bits 54:39 */
    msr     tcr_el1, x2
    KEYS    0

    CASE 1 /* off: no operation; XPAC and PACGA work all the same */
    ldr     x10, =0x0000001234567890
    ldr     x11, =0xffffffff87654320
    mov     x3, x10
    pacia   x3, x11
    autdb   x3, x11
    cmp     x3, x10
    b.ne    fail
    orr     x3, x10, #0x7f00000000000000
    xpaci   x3
    cmp     x3, x10
    b.ne    fail
    ldr     x3, =0xffd5aaff87654320
    xpacd   x3
    cmp     x3, x11
    b.ne    fail
    pacga   x3, x10, x11
    cbz     x3, fail
    mov     w3, w3
    EXPECT  x3, 0

    CASE 2 /* on: signed, authenticated, told apart by key, modifier and half of the address space */
    KEYS    1
.macro ROUND pac, aut, other
    mov     x3, x10
    \pac    x3, x11
    cmp     x3, x10
    b.eq    fail
    mov     x4, x3
    xpaci   x4
    cmp     x4, x10
    b.ne    fail
    mov     x4, x3
    \aut    x4, x11
    cmp     x4, x10
    b.ne    fail
    mov     x4, x3
    \other  x4, x11
    cmp     x4, x10
    b.eq    fail
    mov     x4, x3
    \aut    x4, x10
    cmp     x4, x10
    b.eq    fail
    mov     x3, x11
    \pac    x3, x10
    mov     x4, x3
    \aut    x4, x10
    cmp     x4, x11
    b.ne    fail
.endm
    ROUND   pacia, autia, autib
    ROUND   pacib, autib, autda
    ROUND   pacda, autda, autdb
    ROUND   pacdb, autdb, autia
    mov     x3, x10
    paciza  x3
    mov     x4, x3
    mov     x5, #0
    autia   x4, x5
    cmp     x4, x10
    b.ne    fail
    autiza  x3
    cmp     x3, x10
    b.ne    fail

    CASE 3 /* a pointer that is no address gets a code that does not authenticate */
    orr     x3, x10, #0x0010000000000000
    pacia   x3, x11
    autia   x3, x11
    lsr     x4, x3, #39
    cbz     x4, fail

    CASE 4 /* LR and SP forms, X17 forms */
    adr     x30, 1f
    mov     x19, x30
    paciasp
    cmp     x30, x19
    b.eq    fail
    mov     x3, x30
    autiasp
    cmp     x30, x19
    b.ne    fail
    mov     x30, x3
    retaa
    b       fail
1:  mov     x17, x10
    mov     x16, x11
    pacib1716
    mov     x3, x10
    pacib   x3, x11
    cmp     x3, x17
    b.ne    fail
    autib1716
    cmp     x17, x10
    b.ne    fail

    CASE 5 /* branches and loads */
    adr     x3, 1f
    mov     x4, x3
    pacia   x3, x11
    braa    x3, x11
    b       fail
1:  adr     x3, 2f
    pacizb  x3
    blrabz  x3
3:  b       fail
2:  adr     x4, 3b
    cmp     x30, x4
    b.ne    fail
    ldr     x3, =word
    mov     x5, x3
    pacdza  x3
    ldraa   x4, [x3, #8]!
    EXPECT  x4, 0x1122334455667788
    sub     x3, x3, #8
    cmp     x3, x5
    b.ne    fail
    mov     x3, x5
    pacdzb  x3
    ldrab   x4, [x3, #8]
    EXPECT  x4, 0x1122334455667788

    CASE 6 /* ERETAA: the modifier is SP */
    adr     x3, 1f
    mov     x4, sp
    pacia   x3, x4
    msr     elr_el1, x3
    mrs     x4, daif
    mov     x5, #5
    orr     x4, x4, x5
    msr     spsr_el1, x4
    eretaa
    b       fail
1:  b       pass
    .ltorg
    .data
    .balign 8
word:
    .quad   0, 0x1122334455667788

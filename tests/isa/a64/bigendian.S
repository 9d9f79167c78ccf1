/* Big-endian data accesses (SCTLR_EL1.EE): every size and kind against the bytes in memory. */
#include "test.h"
PROLOGUE
.macro LITTLE
    msr     sctlr_el1, x20
    isb
.endm
.macro BIG
    msr     sctlr_el1, x21
    isb
.endm
/* data: 0x00 0x01 ... 0x3f */
start:
    mrs     x20, sctlr_el1
    orr     x21, x20, #1 << 25
    ldr     x0, =data

    CASE 1 /* loads */
    BIG
    ldr     x1, [x0]
    ldr     w2, [x0, #4]
    ldrh    w3, [x0, #2]
    ldrb    w4, [x0, #3]
    ldrsw   x5, [x0, #64]
    ldrsh   x6, [x0, #70]
    ldp     x7, x8, [x0, #16]
    ldp     w9, w10, [x0, #8]
    ldpsw   x11, x12, [x0, #8]
    ldar    x13, [x0]
    ldxr    x14, [x0, #0]
    ldxp    x15, x16, [x0]
    ldxp    w17, w18, [x0]
    LITTLE
    EXPECT  x1, 0x0001020304050607
    EXPECT  x2, 0x04050607
    EXPECT  x3, 0x0203
    EXPECT  x4, 3
    EXPECT  x5, 0xfffffffff8f9fafb
    EXPECT  x6, 0xfffffffffffffeff
    EXPECT  x7, 0x1011121314151617
    EXPECT  x8, 0x18191a1b1c1d1e1f
    EXPECT  x9, 0x08090a0b
    EXPECT  x10, 0x0c0d0e0f
    EXPECT  x11, 0x08090a0b
    EXPECT  x12, 0x0c0d0e0f
    EXPECT  x13, 0x0001020304050607
    EXPECT  x14, 0x0001020304050607
    EXPECT  x15, 0x0001020304050607
    EXPECT  x16, 0x08090a0b0c0d0e0f
    EXPECT  x17, 0x00010203
    EXPECT  x18, 0x04050607

    CASE 2 /* stores */
    ldr     x1, =0x1122334455667788
    ldr     x2, =0x99aabbccddeeff00
    ldr     x3, =out
    BIG
    str     x1, [x3]
    str     w1, [x3, #8]
    strh    w1, [x3, #12]
    strb    w1, [x3, #14]
    stp     x1, x2, [x3, #16]
    stp     w1, w2, [x3, #32]
    stlr    x2, [x3]
    LITTLE
    ldr     x4, [x3]
    EXPECT  x4, 0x00ffeeddccbbaa99
    ldr     x4, [x3, #8]
    bic     x4, x4, #0xff00000000000000
    EXPECT  x4, 0x0088887788776655
    ldp     x4, x5, [x3, #16]
    EXPECT  x4, 0x8877665544332211
    EXPECT  x5, 0x00ffeeddccbbaa99
    ldr     x4, [x3, #32]
    EXPECT  x4, 0x00ffeedd88776655

    CASE 3 /* exclusives and atomics */
    BIG
    ldxr    x4, [x3]
    stxr    w5, x1, [x3]
    ldxp    x6, x7, [x3, #0]
    stxp    w8, x2, x1, [x3]
    LITTLE
    EXPECT  x4, 0x99aabbccddeeff00
    EXPECT  x5, 0
    EXPECT  x6, 0x1122334455667788
    EXPECT  x8, 0
    ldp     x4, x5, [x3]
    EXPECT  x4, 0x00ffeeddccbbaa99
    EXPECT  x5, 0x8877665544332211
    mov     x6, #1
    BIG
    ldadd   x6, x7, [x3]
    ldaddh  w6, w8, [x3]
    mov     x9, x2
    add     x9, x9, #1
    cas     x9, x6, [x3, #0]
    LITTLE
    EXPECT  x7, 0x99aabbccddeeff00
    EXPECT  x8, 0x99aa
    ldr     x4, [x3]
    EXPECT  x4, 0x01ffeeddccbbab99
    EXPECT  x9, 0x99abbbccddeeff01
    mov     x10, x9
    ldr     x11, [x3, #8]
    rev     x11, x11
    mov     x12, #5
    mov     x13, #6
    BIG
    casp    x10, x11, x12, x13, [x3]
    LITTLE
    EXPECT  x10, 0x99abbbccddeeff01
    ldp     x4, x5, [x3]
    EXPECT  x4, 0x0500000000000000
    EXPECT  x5, 0x0600000000000000

    CASE 4 /* SIMD registers: a Q register turns around whole, LD1 element by element */
    BIG
    ldr     q0, [x0]
    ldr     d1, [x0]
    ldr     s2, [x0]
    ldr     h3, [x0]
    ldp     q4, q5, [x0]
    ld1     {v6.4s}, [x0]
    ld1     {v7.16b}, [x0]
    ld2     {v16.8h, v17.8h}, [x0]
    ld1     {v18.s}[1], [x0]
    ld1r    {v19.2d}, [x0]
    LITTLE
    fmov    x1, d0
    EXPECT  x1, 0x08090a0b0c0d0e0f
    mov     x1, v0.d[1]
    EXPECT  x1, 0x0001020304050607
    fmov    x1, d1
    EXPECT  x1, 0x0001020304050607
    fmov    x1, d2
    EXPECT  x1, 0x00010203
    fmov    x1, d3
    EXPECT  x1, 0x0001
    mov     x1, v5.d[1]
    EXPECT  x1, 0x1011121314151617
    fmov    x1, d6
    EXPECT  x1, 0x0405060700010203
    fmov    x1, d7
    EXPECT  x1, 0x0706050403020100
    fmov    x1, d16
    EXPECT  x1, 0x0c0d080904050001
    mov     x1, v17.d[1]
    EXPECT  x1, 0x1e1f1a1b16171213
    mov     w1, v18.s[1]
    EXPECT  x1, 0x00010203
    mov     x1, v19.d[1]
    EXPECT  x1, 0x0001020304050607

    CASE 5
    BIG
    str     q0, [x3]
    st1     {v6.4s}, [x3]
    str     q6, [x3, #16]
    st2     {v16.8h, v17.8h}, [x3]
    LITTLE
    ldp     x4, x5, [x3]
    EXPECT  x4, 0x0706050403020100
    EXPECT  x5, 0x0f0e0d0c0b0a0908
    ldr     x4, [x3, #24]
    EXPECT  x4, 0x1f1e1d1c1b1a1918
    b       pass
    .ltorg
    .data
    .balign 16
data:
    .irpc h, 0123
    .irpc l, 0123456789abcdef
    .byte   0x\h\l
    .endr
    .endr
    .byte   0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff
    .bss
    .balign 16
out:
    .space  64

/* Start of the litmus guest: cpu 0 comes here without an MMU, the others by PSCI with their number in x0. Each turns an
 * identity map on (1 GiB device, 1 GiB normal write-back memory), takes its stack and calls cpu_main(number). */
    .section .text.start, "ax"
    .global _start, secondary_entry, guest_exit, exclusive_across_svc, exclusive_across_clrex
_start:
    mov     x0, #0
secondary_entry:
    adr     x1, vectors
    msr     vbar_el1, x1
    mov     x1, #3 << 20
    msr     cpacr_el1, x1
    ldr     x1, =tables
    ldr     x2, =0x405              /* attribute 1: device */
    str     x2, [x1]
    ldr     x2, =0x40000701         /* attribute 0: normal, inner shareable */
    str     x2, [x1, #8]
    dsb     sy
    msr     ttbr0_el1, x1
    ldr     x1, =25 | 3 << 12 | 1 << 8 | 1 << 10 | 1 << 23 | 1 << 32
    msr     tcr_el1, x1
    mov     x1, #0x00ff
    msr     mair_el1, x1
    isb
    tlbi    vmalle1
    dsb     sy
    mrs     x1, sctlr_el1
    ldr     x2, =1 | 1 << 2 | 1 << 12
    orr     x1, x1, x2
    bic     x1, x1, #2
    msr     sctlr_el1, x1
    isb
    ldr     x1, =stacks
    add     x2, x0, #1
    add     x1, x1, x2, lsl #14
    mov     sp, x1
    bl      cpu_main
    b       .

guest_exit: /* (status) */
    mov     x1, x0
    ldr     x2, =exit_block
    ldr     x0, =0x20026
    stp     x0, x1, [x2]
    mov     x1, x2
    mov     w0, #0x18
    hlt     #0xf000
    b       .

/* (u64 *) -> 1 when the store failed, as it must */
exclusive_across_svc:
    ldxr    x1, [x0]
    svc     #0
    stxr    w2, x1, [x0]
    mov     w0, w2
    ret
exclusive_across_clrex:
    ldxr    x1, [x0]
    clrex
    stxr    w2, x1, [x0]
    mov     w0, w2
    ret

    .balign 0x800
vectors:
    .rept   16
    .balign 0x80
    mrs     x16, esr_el1
    lsr     x16, x16, #26
    cmp     x16, #0x15              /* SVC: back at once; everything else ends the test */
    b.ne    1f
    eret
1:  mov     x0, #99
    b       guest_exit
    .endr
    .ltorg

    .bss
    .balign 4096
tables:
    .space  4096
exit_block:
    .space  16
    .balign 16
stacks:
    .space  8 << 14

/* EL2: what it traps, the second stage, virtual interrupts, the host extensions. The guest is code of this file at EL1. */
/* machine: virt,virtualization=on */
#include "test.h"

#define PAGE2     0x7fd /* S2AP read and write, normal memory, AF, with type 01 or 11 */
#define HCR_RW    (1 << 31)

/* Enters EL1 at `label`; goes on behind when the guest traps to EL2: x24 ESR, x25 ELR, x26 FAR, x27 HPFAR. */
.macro GUEST label
    adr     x23, 7790f
    adr     x22, \label
    b       to_guest
7790:
.endm
.macro HCR value
    ldr     x22, =\value
    msr     hcr_el2, x22
    isb
.endm

PROLOGUE
start:
    mrs     x0, currentel
    EXPECT  x0, 8
    ldr     x0, =vectors2
    msr     vbar_el2, x0
    ldr     x0, =vectors1
    msr     vbar_el1, x0
    mov     x0, #0x33ff
    msr     cptr_el2, x0
    mov     x0, #3
    msr     cnthctl_el2, x0
    msr     cntvoff_el2, xzr

    CASE 1 /* HVC, and what UNDEFINED means below */
    HCR     HCR_RW
    GUEST   g_hvc
    EXPECT  x24, 0x5a000007
    adr     x0, g_hvc + 4
    cmp     x25, x0
    b.ne    fail
    mrs     x0, spsr_el2
    EXPECT  x0, 0x3c5
    HCR     HCR_RW | 1 << 29 | 1 << 13 /* HCD: the guest's own exception; its vector says so by a trapped WFI */
    GUEST   g_hvc
    EXPECT  x24, 0x07e00000
    mrs     x0, esr_el1
    EXPECT  x0, 0x02000000

    CASE 2 /* traps of system registers: ISS is op0 op2 op1 CRn Rt CRm direction */
    HCR     HCR_RW | 1 << 26        /* TVM */
    GUEST   g_ttbr
    EXPECT  x24, 0x62300860         /* msr ttbr0_el1, x3 */
    HCR     HCR_RW | 1 << 30        /* TRVM */
    GUEST   g_ttbr_read
    EXPECT  x24, 0x62300881         /* mrs x4, ttbr0_el1 */
    HCR     HCR_RW | 1 << 18        /* TID3 */
    GUEST   g_id
    EXPECT  x24, 0x623000a9         /* mrs x5, id_aa64pfr0_el1 */
    HCR     HCR_RW | 1 << 25        /* TTLB */
    GUEST   g_tlbi
    EXPECT  x24, 0x621023ee         /* tlbi vmalle1: op0 1 ... Rt 31 */
    HCR     HCR_RW | 1 << 13        /* TWI */
    GUEST   g_wfi
    EXPECT  x24, 0x07e00000
    mov     x0, #0x33ff
    orr     x0, x0, #1 << 10
    msr     cptr_el2, x0
    HCR     HCR_RW
    GUEST   g_fp
    EXPECT  x24, 0x1fe00000
    mov     x0, #0x33ff
    bic     x0, x0, #1 << 10
    msr     cptr_el2, x0

    CASE 3 /* the second stage: 39 bits from level 1, 1 GiB blocks; then a page out of them */
    ldr     x0, =s2l1
    ldr     x1, =0x40000000 + PAGE2
    str     x1, [x0, #8]            /* 1..2 GiB: itself */
    ldr     x1, =s2l2 + 3
    str     x1, [x0, #16]           /* 2..3 GiB: a table */
    ldr     x2, =s2l2
    ldr     x1, =s2l3 + 3
    str     x1, [x2]
    ldr     x0, =25 | 1 << 6 | 5 << 16
    msr     vtcr_el2, x0
    ldr     x0, =s2l1 + (1 << 48)
    msr     vttbr_el2, x0
    tlbi    vmalls12e1is
    dsb     ish
    HCR     HCR_RW | 1
    ldr     x0, =0x80000010
    GUEST   g_load
    EXPECT  x24, 0x93c18007         /* ISV, 8 bytes, X1 */
    EXPECT  x26, 0x80000010
    EXPECT  x27, 0x800000
    ldr     x2, =s2l3
    ldr     x1, =page1 + PAGE2 + 2
    str     x1, [x2]
    dsb     ish
    ldr     x1, =page1
    mov     x3, #77
    str     x3, [x1, #0x10]
    GUEST   g_load
    EXPECT  x24, 0x5a000001
    EXPECT  x1, 77
    mov     x1, #78
    GUEST   g_store
    EXPECT  x24, 0x5a000002
    ldr     x2, =page1
    ldr     x3, [x2, #0x10]
    EXPECT  x3, 78

    CASE 4 /* read only, then invalidated by IPA */
    ldr     x2, =s2l3
    ldr     x1, =page1 + PAGE2 + 2 - 0x80
    str     x1, [x2]
    dsb     ish
    ldr     x1, =0x80000
    tlbi    ipas2e1is, x1
    dsb     ish
    tlbi    vmalle1is
    dsb     ish
    isb
    GUEST   g_load
    EXPECT  x24, 0x5a000001
    GUEST   g_store
    EXPECT  x24, 0x93c1804f
    GUEST   g_store_byte
    EXPECT  x24, 0x9303004f
    GUEST   g_store_back
    and     x1, x24, #0x1000000
    cbnz    x1, fail
    EXPECT  x27, 0x800000

    CASE 5 /* another VMID, another table */
    ldr     x2, =s2l1b
    ldr     x1, =0x40000000 + PAGE2
    str     x1, [x2, #8]
    str     x1, [x2, #16]           /* 2..3 GiB is 1..2 GiB again */
    dsb     ish
    ldr     x5, =s2l1b + (2 << 48)
    ldr     x6, =s2l1 + (1 << 48)
    ldr     x0, =page2 + 0x40000000
    ldr     x1, =page2
    mov     x3, #99
    str     x3, [x1]
    mov     x7, #20
1:  msr     vttbr_el2, x5
    isb
    GUEST   g_load
    EXPECT  x24, 0x5a000001
    EXPECT  x1, 99
    msr     vttbr_el2, x6
    isb
    GUEST   g_load
    and     x1, x24, #0x3c
    EXPECT  x1, 4
    subs    x7, x7, #1
    b.ne    1b
    ldr     x0, =0x80000010

    CASE 6 /* AT by both stages */
    at      s12e1r, x0
    isb
    mrs     x1, par_el1
    ldr     x2, =page1
    and     x3, x1, #0xfffffffff000
    cmp     x2, x3
    b.ne    fail
    at      s12e1w, x0
    isb
    mrs     x1, par_el1
    and     x2, x1, #0x7f
    EXPECT  x2, 0x1f
    tbz     x1, #9, fail            /* S: of the second stage */

    CASE 7 /* virtual interrupts by HCR_EL2.VI, while the guest does not mask them */
    HCR     HCR_RW | 1 << 4 | 1 << 7
    mov     x0, #0
    GUEST   g_masked
    EXPECT  x24, 0x5a000003
    EXPECT  x0, 0x80                /* ISR_EL1.I */
    GUEST   g_unmask
    EXPECT  x24, 0x5a000064         /* the IRQ vector's HVC */

    CASE 8 /* the virtual counter's offset */
    HCR     HCR_RW
    ldr     x0, =0x1000000000
    msr     cntvoff_el2, x0
    GUEST   g_counters
    EXPECT  x24, 0x5a000004
    sub     x1, x1, x2              /* physical less virtual, but for the time between */
    lsr     x1, x1, #30
    ldr     x2, =0x1000000000 >> 30
    sub     x1, x2, x1
    cmp     x1, #1
    b.hi    fail
    msr     cnthctl_el2, xzr
    GUEST   g_counters
    EXPECT  x24, 0x6232f821         /* mrs x1, cntpct_el0 */

    CASE 9 /* E2H: EL1's names are EL2's, and EL1's have names of their own */
    HCR     HCR_RW | 1 << 34
    ldr     x0, =0x1230000
    msr     vbar_el1, x0
    mrs     x1, vbar_el2
    cmp     x0, x1
    b.ne    fail
    .inst 0xd53dc002 /* mrs x2, vbar_el12 */
    ldr     x1, =vectors1
    cmp     x1, x2
    b.ne    fail
    ldr     x0, =vectors2
    msr     vbar_el1, x0
    HCR     HCR_RW
    mrs     x2, vbar_el1
    cmp     x1, x2
    b.ne    fail

    CASE 10 /* TGE: EL0's exceptions come here */
    HCR     HCR_RW | 1 << 27
    adr     x23, 1f
    adr     x22, g_svc
    msr     elr_el2, x22
    mov     x22, #0x3c0
    msr     spsr_el2, x22
    eret
1:  EXPECT  x24, 0x56000009
    HCR     HCR_RW
    b       pass

/* -- the guest: no state but registers ---------------------------------------------------------------------- */
g_hvc:
    hvc     #7
g_ttbr:
    msr     ttbr0_el1, x3
    hvc     #0x99
g_ttbr_read:
    mrs     x4, ttbr0_el1
    hvc     #0x99
g_id:
    mrs     x5, id_aa64pfr0_el1
    hvc     #0x99
g_tlbi:
    tlbi    vmalle1
    hvc     #0x99
g_wfi:
    wfi
    hvc     #0x99
g_fp:
    mov     x9, #3 << 20
    msr     cpacr_el1, x9
    isb
    fmov    d0, x0
    hvc     #0x99
g_load:
    ldr     x1, [x0]
    hvc     #1
g_store:
    str     x1, [x0]
    hvc     #2
g_store_byte:
    strb    w3, [x0]
g_store_back:
    str     x1, [x0], #8
g_masked:
    mrs     x0, isr_el1
    hvc     #3
g_unmask:
    msr     daifclr, #2
    isb
    hvc     #0x99
g_counters:
    mrs     x1, cntpct_el0
    mrs     x2, cntvct_el0
    hvc     #4
g_svc:
    svc     #9

to_guest:
    msr     elr_el2, x22
    mov     x22, #0x3c5
    msr     spsr_el2, x22
    eret
    .ltorg

    .balign 0x800
vectors2: /* EL2's */
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  trap
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
trap:
    mrs     x24, esr_el2
    mrs     x25, elr_el2
    mrs     x26, far_el2
    mrs     x27, hpfar_el2
    br      x23

    .balign 0x800
vectors1: /* the guest's: they tell EL2 */
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  g_sync
    VECTOR  g_irq
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
g_sync:
    wfi
    b       fail
g_irq:
    hvc     #0x64

    .bss
    .balign 4096
s2l1:   .space 4096
s2l2:   .space 4096
s2l3:   .space 4096
s2l1b:  .space 4096
page1:  .space 4096
page2:  .space 4096
    .text

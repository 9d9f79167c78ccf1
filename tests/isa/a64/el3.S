/* EL3: what it traps, calls to it, the two Security states below it. The lower levels are code of this file. */
/* machine: virt,secure=on,virtualization=on */
#include "test.h"

#define NS  1
#define RES1 0x430 /* RW, and bits that are 1 */

.macro SCR value
    ldr     x22, =RES1 | \value
    msr     scr_el3, x22
    isb
.endm
/* Enters `label` at the level of this SPSR; goes on behind when it comes back to EL3: x24 ESR, x25 ELR, x27 SPSR. */
.macro LOWER spsr, label
    adr     x23, 7791f
    adr     x22, \label
    ldr     x21, =\spsr
    b       to_lower
7791:
.endm
#define EL1H 0x3c5
#define EL2H 0x3c9
#define EL0T 0x3c0

PROLOGUE
start:
    mrs     x0, currentel
    EXPECT  x0, 12
    ldr     x0, =vectors3
    msr     vbar_el3, x0
    ldr     x0, =vectors2
    msr     vbar_el2, x0
    ldr     x0, =vectors1
    msr     vbar_el1, x0
    msr     cptr_el3, xzr
    mov     x0, #0x33ff
    bic     x0, x0, #1 << 10
    msr     cptr_el2, x0
    mov     x0, #1 << 31
    msr     hcr_el2, x0

    CASE 1 /* SMC from each level, and at none when it is disabled */
    SCR     NS
    LOWER   EL1H, c_smc
    EXPECT  x24, 0x5e000007
    EXPECT  x27, EL1H
    LOWER   EL2H, c_smc
    EXPECT  x24, 0x5e000007
    EXPECT  x27, EL2H
    SCR     0
    LOWER   EL1H, c_smc
    EXPECT  x24, 0x5e000007
    SCR     NS | 1 << 7 | 1 << 13 | 1 << 12 /* SMD; waiting traps here and is how the lower levels report */
    LOWER   EL1H, c_smc
    EXPECT  x24, 0x07e00000
    mrs     x0, esr_el1
    EXPECT  x0, 0x02000000

    CASE 2 /* HVC: by SCR_EL3.HCE */
    SCR     NS | 1 << 8 | 1 << 12
    LOWER   EL1H, c_hvc
    EXPECT  x24, 0x07e00000         /* from EL2's vector */
    EXPECT  x27, EL2H
    mrs     x0, esr_el2
    EXPECT  x0, 0x5a000003
    SCR     NS | 1 << 12
    LOWER   EL1H, c_hvc
    EXPECT  x27, EL1H
    mrs     x0, esr_el1
    EXPECT  x0, 0x02000000

    CASE 3 /* EL2 is not there in Secure state: returning to it is illegal */
    SCR     0
    ldr     x22, =1f
    msr     elr_el3, x22
    mov     x22, #EL2H
    msr     spsr_el3, x22
    adr     x23, 2f
    eret
1:  b       fail
2:  EXPECT  x24, 0x3a000000
    ldr     x0, =1b
    cmp     x25, x0
    b.ne    fail

    CASE 4 /* traps to EL3 */
    SCR     NS
    mov     x0, #1 << 31            /* TCPAC */
    msr     cptr_el3, x0
    LOWER   EL1H, c_cpacr
    EXPECT  x24, 0x62340461
    LOWER   EL2H, c_cptr2
    EXPECT  x24, 0x62350463
    mov     x0, #1 << 10            /* TFP */
    msr     cptr_el3, x0
    LOWER   EL2H, c_fp
    EXPECT  x24, 0x1fe00000
    msr     cptr_el3, xzr
    mov     x0, #1 << 9             /* TDA */
    msr     mdcr_el3, x0
    LOWER   EL1H, c_mdscr
    EXPECT  x24, 0x62240085
    msr     mdcr_el3, xzr
    SCR     NS                      /* APK 0 */
    LOWER   EL2H, c_key
    EXPECT  x24, 0x623008c2
    SCR     NS | 1 << 16 | 1 << 12
    LOWER   EL2H, c_key
    EXPECT  x24, 0x07e00000

    CASE 5 /* the Secure physical timer at Secure EL1, when SCR_EL3.ST lets it */
    SCR     1 << 12
    LOWER   EL1H, c_cntps
    EXPECT  x24, 0x6233f825
    SCR     1 << 11 | 1 << 12
    LOWER   EL1H, c_cntps
    EXPECT  x24, 0x07e00000
    SCR     NS | 1 << 11 | 1 << 12
    LOWER   EL1H, c_cntps
    EXPECT  x24, 0x07e00000
    mrs     x0, esr_el1
    EXPECT  x0, 0x02000000

    CASE 6 /* registers that a level does not have */
    SCR     NS | 1 << 12
    LOWER   EL2H, c_scr
    mrs     x0, esr_el2
    EXPECT  x0, 0x02000000
    LOWER   EL1H, c_hcr
    mrs     x0, esr_el1
    EXPECT  x0, 0x02000000
    b       pass

c_smc:
    smc     #7
c_hvc:
    hvc     #3
c_cpacr:
    mrs     x3, cpacr_el1
    wfi
c_cptr2:
    mrs     x3, cptr_el2
    wfi
c_fp:
    fmov    d0, x0
    wfi
c_mdscr:
    mrs     x4, mdscr_el1
    wfi
c_key:
    .inst 0xd5182106 /* msr apiakeylo_el1, x6 */
    wfi
c_cntps:
    .inst 0xd53fe221 /* mrs x1, cntps_ctl_el1 */
    wfi
c_scr:
    mrs     x1, scr_el3
c_hcr:
    mrs     x1, hcr_el2

to_lower:
    msr     elr_el3, x22
    msr     spsr_el3, x21
    eret
    .ltorg

    .balign 0x800
vectors3:
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  fail
    VECTOR  trap
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
    mrs     x24, esr_el3
    mrs     x25, elr_el3
    mrs     x27, spsr_el3
    br      x23

/* The lower levels report what they took by a trapped WFI. */
    .balign 0x800
vectors2:
    .rept 16
    .balign 0x80
    wfi
    b       .
    .endr
    .balign 0x800
vectors1:
    .rept 16
    .balign 0x80
    wfi
    b       .
    .endr

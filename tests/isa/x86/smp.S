/* needs -smp 4 */
/* not for peers: the timer of their firmware still runs */
/* Several processors (SDM volume 3, 9.4, 11.6): INIT and start-up IPIs, interprocessor interrupts, NMI by APIC, HLT, locked
 * counters, invalidations, the local APIC's timer, x2APIC mode. */
#include "sys.inc"

#define APIC 0xfee00000
#define CPUS 4
#define ROUNDS 20000
.macro APIC_WRITE reg, value
        movl $\value, APIC + \reg
.endm
.macro IPI dest, low
        movl $(\dest << 24), APIC + 0x310
        movl $\low, APIC + 0x300
.endm

        .bss
        .balign 4
alive:  .skip 4
ids:    .skip 4 /* a bit an APIC id that came */
go:     .skip 4
done:   .skip 4
counter: .skip 4
ipis:   .skip 4
nmis:   .skip 4
ticks:  .skip 4
acks:   .skip 4
lock:   .skip 4
plain:  .skip 4
ap_stacks: .skip 4096 * CPUS
        .text

/* Waits until the memory has the value; a wait that is too long fails. */
.macro WAIT where, value
        mov $2000000000, %ecx
.Lw\@:  cmpl $\value, \where
        je .Lo\@
        pause
        dec %ecx
        jnz .Lw\@
        jmp fail
.Lo\@:
.endm

/* -- what the others run -------------------------------------------------------------------------------------------- */
        .balign 16
trampoline:
        .code16
        cli
        mov %cs, %ax
        mov %ax, %ds
        lgdtl tr_gdtr - trampoline
        mov $1, %eax
        mov %eax, %cr0
        ljmpl $CODE32, $ap
tr_gdtr: .word gdt_end - gdt - 1
        .long gdt
trampoline_end:
        .code32
ap:     mov $DATA32, %eax
        mov %eax, %ds
        mov %eax, %es
        mov %eax, %ss
        lidt idtr
        mov APIC + 0x20, %ebx
        shr $24, %ebx
        mov %ebx, %eax
        shl $12, %eax
        lea ap_stacks(%eax), %esp
        mov %ebx, %ecx
        mov $1, %eax
        shl %cl, %eax
        lock or %eax, ids
        APIC_WRITE 0xf0, 0x1ff
        lock incl alive
        /* work */
1:      pause
        cmpl $1, go
        jne 1b
        mov $ROUNDS, %esi
2:      lock incl counter
        mov $1, %eax
        xchg %eax, lock
        test %eax, %eax
        jnz 4f
3:      incl plain
        movl $0, lock
        dec %esi
        jnz 2b
        jmp 5f
4:      pause
        mov $1, %eax
        xchg %eax, lock
        test %eax, %eax
        jnz 4b
        jmp 3b
5:      lock incl done
        sti
6:      hlt
        jmp 6b

on_ipi: lock incl ipis
        movl $0, APIC + 0xb0
        iret
on_echo: /* answers the first processor */
        push %eax
        movl $0, APIC + 0xb0
        movl $0, APIC + 0x310
        movl $0x4052, APIC + 0x300
        pop %eax
        iret
on_answer: lock incl acks
        movl $0, APIC + 0xb0
        iret
on_tick: lock incl ticks
        movl $0, APIC + 0xb0
        iret
on_nmi: lock incl nmis
        iret

test:   SETUP
        SET_GATE idt+8*2, CODE32, on_nmi, 0x8e00
        SET_GATE idt+8*0x50, CODE32, on_ipi, 0x8e00
        SET_GATE idt+8*0x51, CODE32, on_echo, 0x8e00
        SET_GATE idt+8*0x52, CODE32, on_answer, 0x8e00
        SET_GATE idt+8*0x53, CODE32, on_tick, 0x8e00
        APIC_WRITE 0xf0, 0x1ff

        CASE(1) /* the bootstrap processor, and the others wait */
        mov $0x1b, %ecx
        rdmsr
        and $0xfffff900, %eax
        EXPECT 0xfee00900
        cmpl $0, alive
        jne fail

        CASE(2) /* INIT, SIPI, SIPI */
        mov $trampoline, %esi
        mov $0x8000, %edi
        mov $(trampoline_end - trampoline), %ecx
        rep movsb
        IPI 0, 0xc4500
        IPI 0, 0xc8500
        IPI 0, 0xc4608
        IPI 0, 0xc4608
        WAIT alive, (CPUS-1)
        cmpl $0xe, ids
        jne fail

        CASE(3) /* locked counters, a lock */
        movl $1, go
        WAIT done, (CPUS-1)
        cmpl $(ROUNDS * (CPUS-1)), counter
        jne fail
        cmpl $(ROUNDS * (CPUS-1)), plain
        jne fail

        CASE(4) /* interrupts for those that halt */
        IPI 2, 0x4050
        WAIT ipis, 1
        IPI 0, 0xc4050
        WAIT ipis, CPUS
        IPI 0, 0xc4400
        WAIT nmis, (CPUS-1)

        CASE(5) /* and back */
        mov $1000, %esi
        sti
1:      movl $0, acks
        IPI 1, 0x4051
        WAIT acks, 1
        dec %esi
        jnz 1b

        CASE(6) /* the timer ends HLT */
        movl $0xb, APIC + 0x3e0
        movl $0x20053, APIC + 0x320
        movl $1000000, APIC + 0x380
1:      hlt
        cmpl $5, ticks
        jb 1b
        movl $0, APIC + 0x380
        cli

        CASE(7) /* at a time-stamp */
        movl $0x40053, APIC + 0x320
        movl $0, ticks
        rdtsc
        add $1000000, %eax
        adc $0, %edx
        mov %eax, %esi
        mov %edx, %edi
        mov $0x6e0, %ecx
        wrmsr
        sti
        hlt
        cli
        cmpl $1, ticks
        jne fail
        rdtsc
        sub %esi, %eax
        sbb %edi, %edx
        js fail
        mov $0x6e0, %ecx
        rdmsr
        or %edx, %eax
        EXPECT 0

        CASE(8) /* priorities: a higher one waits behind CR8's memory */
        movl $0, acks
        movl $0x50, APIC + 0x80
        sti
        IPI 0, 0x4052
        mov $10000, %ecx
1:      pause
        loop 1b
        cmpl $0, acks
        jne fail
        movl $0, APIC + 0x80
        WAIT acks, 1
        cli

        CASE(9) /* INIT and SIPI again, of one */
        movl $0, alive
        movl $0, ids
        movl $0, go
        IPI 3, 0x4500
        IPI 3, 0x4608
        WAIT alive, 1
        cmpl $8, ids
        jne fail

        CASE(10) /* topology */
        mov $1, %eax
        cpuid
        test $0x200, %edx
        jz fail
        shr $24, %ebx
        jnz fail
        mov $0xb, %eax
        xor %ecx, %ecx
        cpuid
        test %edx, %edx
        jnz fail

        CASE(11) /* x2APIC mode */
        mov $0x1b, %ecx
        rdmsr
        or $0x400, %eax
        wrmsr
        mov $0x802, %ecx
        rdmsr
        EXPECT 0
        mov $0x80b, %ecx
        FAULT 13, 0, rdmsr
        movl $0, ipis
        mov $0x830, %ecx
        mov $2, %edx
        mov $0x4050, %eax
        wrmsr
        WAIT ipis, 1
        PASS

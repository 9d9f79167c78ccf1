/* What all x86 tests begin with: a Multiboot header, a way to say which case failed, and to end. A test is entered at
 * `test` in flat 32-bit protected mode with a stack; it names its cases with CASE n and ends with PASS; a case fails by
 * FAIL, or by an exception that it does not expect. The serial port prints the case; the exit port gives the status. */
.section.multiboot, "a".long 0x1badb002, 0, -0x1badb002.text.code32.globl _start _start : mov $stack_top,
    %
        esp cld jmp test

            .bss.balign 4096.skip 16384 stack_top : case_number
    :.skip 4.text

#define CASE(n)   movl $(n), case_number
#define EXIT_PORT 0xf4
#define SERIAL    0x3f8

            /* Ends: al is 0 for success, else the case. moss and its kin leave with 2 * al + 1. */
            .macro EXIT out %
        al,
    $EXIT_PORT 8 : hlt jmp 8b
                       .endm
#define PASS \
    xor % eax, % eax; \
    EXIT
#define FAIL \
    mov case_number, % al; \
    EXIT

                       /* In 32-bit code: eax must be v. */
                       .macro EXPECT v cmp $\v,
    % eax je 9f jmp fail 9 :.endm.macro EXPECT_MEM v, where cmpl $\v, \where je 9f jmp fail 9 :.endm

                                                                                                   fail : mov $0x3f8,
    % dx mov case_number, % al EXIT

/* A floppy as a system of 16 bits sees a PC: what it does with the BIOS's services, it says on the serial port (INT 14h).
 * Each line is "NAME: ok", or "NAME: FAIL" and what AX was. Keys are waited for behind "press", pictures stay behind
 * "look". SPEC: IBM PC AT Technical Reference; Phoenix EDD 3.0; VBE 3.0; APM 1.2. */
    .code16
    .globl _start
    .equ BUF, 0x2000                /* segments */
    .equ BUF2, 0x3000
    .equ BDA, 0x40
    .equ SECTORS, 17

    .macro say text
    call puts
    .asciz "\text"
    .endm
    .macro begin name
    say "\name: "
    .endm
    .macro need cond                /* else this test has failed */
    \cond 8f
    jmp fail
8:
    .endm

_start:
    ljmp $0, $1f
1:  cli
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x7c00, %sp
    sti
    cld
    mov %dl, floppy
    mov $0x00e3, %ax                /* 9600 8N1 */
    xor %dx, %dx
    int $0x14
    mov $3, %bp                     /* a drive may have to find its place first */
2:  xor %ax, %ax
    mov %ax, %es
    mov floppy, %dl
    int $0x13
    mov $0x0200 + SECTORS, %ax
    mov $0x7e00, %bx
    mov $0x0002, %cx
    mov floppy, %dl
    xor %dh, %dh
    int $0x13
    jnc main
    dec %bp
    jnz 2b
    say "cannot read the floppy\r\n"
3:  hlt
    jmp 3b

putc:                               /* %al */
    pusha
    mov $1, %ah
    xor %dx, %dx
    int $0x14
    popa
    pusha
    mov $0x0e, %ah
    mov $7, %bx
    int $0x10
    popa
    ret
puts:                               /* the text behind the call */
    pop %si
1:  lodsb
    test %al, %al
    jz 2f
    call putc
    jmp 1b
2:  jmp *%si
hex4:                               /* %ax */
    mov $4, %cx
1:  rol $4, %ax
    push %ax
    and $15, %al
    add $'0', %al
    cmp $'9', %al
    jbe 2f
    add $'a' - '9' - 1, %al
2:  call putc
    pop %ax
    loop 1b
    ret
ok:
    say "ok\r\n"
    ret
fail:                               /* in place of the return of the test */
    push %ax
    say "FAIL "
    pop %ax
    call hex4
    say "\r\n"
    ret

floppy: .byte 0
    .org 510
    .word 0xaa55

main:
    say "bios16\r\n"
    call memory
    call floppy_disk
    movb $0x80, drive
1:  mov $BDA, %ax
    mov %ax, %es
    mov drive, %al
    sub $0x80, %al
    cmp %es:0x75, %al
    jae 2f
    call hard_disk
    incb drive
    jmp 1b
2:  call timer
    call clock
    call text
    call planar
    call colours
    call vesa
    call keys
    mov $3, %ax
    int $0x10
    say "end\r\n"
    mov $0x5301, %ax                /* APM: real mode interface, version, off */
    xor %bx, %bx
    int $0x15
    mov $0x530e, %ax
    xor %bx, %bx
    mov $0x0102, %cx
    int $0x15
    mov $0x5307, %ax
    mov $1, %bx
    mov $3, %cx
    int $0x15
    call hex4
3:  hlt
    jmp 3b

/* -- memory -------------------------------------------------------------------------------------------------------- */

memory:
    begin "memory"
    int $0x12
    cmp $600, %ax
    need jae
    cmp $640, %ax
    need jbe
    mov $0x88, %ah
    int $0x15
    need jnc
    cmp $0x3c00, %ax
    need jae
    mov $0xe801, %ax
    int $0x15
    need jnc
    cmp $0x3c00, %ax
    need je
    mov $BUF, %ax                   /* the map: RAM of 1 MiB and more must be in it */
    mov %ax, %es
    xor %ebx, %ebx
    xor %bp, %bp
1:  mov $0xe820, %eax
    mov $0x534d4150, %edx
    mov $20, %ecx
    xor %di, %di
    int $0x15
    need jnc
    cmp $0x534d4150, %eax
    need je
    cmpl $0x100000, %es:0
    jne 2f
    mov %es:16, %bp
2:  test %ebx, %ebx
    jnz 1b
    mov %bp, %ax
    cmp $1, %ax
    need je
    jmp ok

/* -- disks --------------------------------------------------------------------------------------------------------- */

fill:                               /* BUF: n words from %ax on, each one more than the last; %cx */
    push %es
    push $BUF
    pop %es
    xor %di, %di
1:  stosw
    inc %ax
    loop 1b
    pop %es
    ret
same:                               /* ZF: %cx words of BUF and BUF2 are */
    pusha
    push %ds
    push %es
    push $BUF
    pop %ds
    push $BUF2
    pop %es
    xor %si, %si
    xor %di, %di
    repe cmpsw
    pop %es
    pop %ds
    popa
    ret
wipe:                               /* BUF2, 64 KiB */
    pusha
    push %es
    push $BUF2
    pop %es
    xor %di, %di
    mov $0x8000, %cx
    mov $0xdead, %ax
    rep stosw
    pop %es
    popa
    ret

floppy_disk:
    begin "floppy"
    mov $8, %ah
    mov floppy, %dl
    xor %di, %di
    mov %di, %es
    int $0x13
    need jnc
    mov %cx, %ax
    cmp $0x4f12, %ax                /* 80 cylinders, 18 sectors */
    need je
    mov %dh, %al
    cmp $1, %al
    need je
    mov $0x1234, %ax                /* two sectors behind another, across a head */
    mov $512, %cx
    call fill
    call wipe
    mov $BUF, %ax
    mov %ax, %es
    mov $0x0301, %ax
    xor %bx, %bx
    mov $0x4f12, %cx
    mov floppy, %dl
    mov $0, %dh
    int $0x13
    need jnc
    mov $0x0301, %ax
    mov $512, %bx
    mov $0x4f01, %cx
    mov $1, %dh
    int $0x13
    need jnc
    mov $0x0401, %ax
    int $0x13
    need jnc
    mov $BUF2, %ax
    mov %ax, %es
    mov $0x0201, %ax
    xor %bx, %bx
    mov $0x4f12, %cx
    mov $0, %dh
    int $0x13
    need jnc
    mov $0x0201, %ax
    mov $512, %bx
    mov $0x4f01, %cx
    mov $1, %dh
    int $0x13
    need jnc
    mov $512, %cx
    call same
    need jz
    mov $0x0201, %ax                /* there is no sector 19 */
    mov $0x0013, %cx
    xor %dh, %dh
    int $0x13
    need jc
    jmp ok

dap:
    .byte 16, 0
count: .word 0
    .word 0
segment: .word 0
lba: .quad 0
extended:                           /* %ax: command; ES: segment */
    mov %es, segment
    mov $dap, %si
    mov drive, %dl
    int $0x13
    ret
drive: .byte 0

hard_disk:
    begin "disk"
    mov $8, %ah
    mov drive, %dl
    int $0x13
    need jnc
    mov %cl, %al
    and $63, %al
    cmp $63, %al
    need je
    mov $0x15, %ah
    mov drive, %dl
    int $0x13
    need jnc
    cmp $3, %ah
    need je
    mov $0x5aa5, %ax                /* 63 sectors, the whole second track */
    add drive, %al
    mov $63 * 256, %cx
    call fill
    call wipe
    mov $BUF, %ax
    mov %ax, %es
    mov $0x033f, %ax
    xor %bx, %bx
    mov $0x0001, %cx
    mov drive, %dl
    mov $1, %dh
    int $0x13
    need jnc
    mov $BUF2, %ax
    mov %ax, %es
    mov $0x023f, %ax
    xor %bx, %bx
    int $0x13
    need jnc
    mov $63 * 256, %cx
    call same
    need jz
    mov $0x41, %ah                  /* the extensions */
    mov $0x55aa, %bx
    mov drive, %dl
    int $0x13
    need jnc
    cmp $0xaa55, %bx
    need je
    test $1, %cl
    need jnz
    movl $63, lba                   /* the same sectors by another address */
    movw $63, count
    call wipe
    mov $0x42, %ah
    call extended
    need jnc
    mov $63 * 256, %cx
    call same
    need jz
    push %ds                        /* the last sectors */
    pop %es
    movw $30, parameters
    mov $0x48, %ah
    mov $parameters, %si
    mov drive, %dl
    int $0x13
    need jnc
    mov parameters + 24, %ax
    cmp $512, %ax
    need je
    mov parameters + 16, %eax
    sub $127, %eax
    mov %eax, lba
    movw $127, count
    mov $0x7001, %ax
    mov $127 * 256, %cx
    call fill
    call wipe
    mov $BUF, %ax
    mov %ax, %es
    mov $0x4300, %ax
    call extended
    need jnc
    mov $BUF2, %ax
    mov %ax, %es
    mov $0x42, %ah
    call extended
    need jnc
    mov $127 * 256, %cx
    call same
    need jz
    incl lba                        /* one too far */
    mov $0x42, %ah
    call extended
    need jc
    jmp ok
parameters: .space 32

/* -- time ---------------------------------------------------------------------------------------------------------- */

timer:                              /* nine ticks are half a second of the counter that is read, too */
    begin "timer"
    xor %ax, %ax
    int $0x1a
    mov %dx, %bp
    add $9, %bp
1:  hlt
    xor %ax, %ax
    int $0x1a
    cmp %bp, %dx
    jb 1b
    mov %dx, %bp
    mov $1, %cx                     /* 100 ms: at least a tick, and not a second */
    mov $0x86a0, %dx
    mov $0x86, %ah
    int $0x15
    need jnc
    xor %ax, %ax
    int $0x1a
    sub %bp, %dx
    mov %dx, %ax
    need jnz
    cmp $18, %ax
    need jb
    jmp ok

clock:                              /* a second passes on the clock as it does by ticks */
    begin "clock"
    mov $4, %ah
    int $0x1a
    need jnc
    mov %cx, %ax
    cmp $0x2020, %ax                /* years, in BCD */
    need jae
    call second
    xor %ax, %ax
    int $0x1a
    mov %dx, %bp
    call second
    xor %ax, %ax
    int $0x1a
    sub %bp, %dx
    mov %dx, %ax
    cmp $17, %ax
    need jae
    cmp $20, %ax
    need jbe
    jmp ok
second:                             /* waits for the next one */
    call now
    mov %dh, %bl
1:  hlt
    call now
    cmp %bl, %dh
    je 1b
    ret
now:
    mov $2, %ah
    int $0x1a
    jc now
    ret

/* -- the screen ---------------------------------------------------------------------------------------------------- */

text:
    begin "text"
    mov $3, %ax
    int $0x10
    mov $0x0200, %ax                /* cursor to line 5, column 10 */
    xor %bx, %bx
    mov $0x050a, %dx
    int $0x10
    mov $0x0900 + 'M', %ax
    mov $0x001e, %bx
    mov $4, %cx
    int $0x10
    mov $0xb800, %ax
    mov %ax, %es
    mov %es:(5 * 80 + 13) * 2, %ax
    cmp $0x1e4d, %ax
    need je
    mov $8, %ah
    xor %bh, %bh
    int $0x10
    cmp $0x1e4d, %ax
    need je
    mov $0x0601, %ax                /* up by a line */
    mov $7, %bh
    xor %cx, %cx
    mov $0x184f, %dx
    int $0x10
    mov %es:(4 * 80 + 10) * 2, %ax
    cmp $0x1e4d, %ax
    need je
    jmp ok

planar:                             /* 640x480: a plane is written, another one is not */
    begin "planar"
    mov $0x12, %ax
    int $0x10
    mov $0x0c0c, %ax
    xor %bx, %bx
    mov $639, %cx
    mov $479, %dx
    int $0x10
    mov $0x0d00, %ax
    int $0x10
    cmp $12, %al
    need je
    mov $0xa000, %ax
    mov %ax, %es
    mov $0x3c4, %dx
    mov $0x0202, %ax                /* plane 1 alone: green */
    out %ax, %dx
    xor %di, %di
    mov $80 * 100, %cx
    mov $0xff, %al
    rep stosb
    mov $0x0f02, %ax
    out %ax, %dx
    mov $0x3ce, %dx
    mov $0x0104, %ax
    out %ax, %dx
    mov %es:80, %al
    cmp $0xff, %al
    need je
    mov $0x0204, %ax
    out %ax, %dx
    mov %es:80, %al
    cmp $0, %al
    need je
    mov $0x0105, %ax                /* write mode 1 takes all planes along */
    out %ax, %dx
    mov %es:0, %al
    mov %al, %es:80 * 300
    mov $0x0005, %ax
    out %ax, %dx
    mov $0x0d00, %ax
    xor %bx, %bx
    mov $7, %cx
    mov $300, %dx
    int $0x10
    cmp $2, %al
    need je
    call ok
    say "look planar\r\n"
    jmp key

colours:                            /* 320x200: rows of colours, of which one is our own */
    begin "colours"
    mov $0x13, %ax
    int $0x10
    mov $0x1010, %ax
    mov $200, %bx
    mov $0x3f00, %cx
    mov $0x1f00, %dx                /* green 63, blue 0, red 31 */
    int $0x10
    mov $0xa000, %ax
    mov %ax, %es
    xor %di, %di
    xor %ax, %ax
    mov $200, %bp
1:  mov $160, %cx
    mov %al, %ah
    rep stosw
    inc %al
    dec %bp
    jnz 1b
    mov $0x0cc8, %ax
    xor %bx, %bx
    mov $319, %cx
    mov $199, %dx
    int $0x10
    mov %es:199 * 320 + 319, %al
    cmp $200, %al
    need je
    mov %es:199 * 320 + 318, %al
    cmp $199, %al
    need je
    call ok
    say "look colours\r\n"
    jmp key

vesa:                               /* 640x480, 256 colours, by windows */
    begin "vesa"
    mov $BUF, %ax
    mov %ax, %es
    xor %di, %di
    movl $0x32454256, %es:0
    mov $0x4f00, %ax
    int $0x10
    cmp $0x4f, %ax
    need je
    mov %es:4, %ax
    cmp $0x0200, %ax
    need jae
    mov $0x4f01, %ax
    mov $0x101, %cx
    xor %di, %di
    int $0x10
    cmp $0x4f, %ax
    need je
    mov %es:18, %ax
    cmp $640, %ax
    need je
    mov $0x4f02, %ax
    mov $0x101, %bx
    int $0x10
    cmp $0x4f, %ax
    need je
    mov $0xa000, %ax
    mov %ax, %es
    xor %bp, %bp
1:  mov $0x4f05, %ax                /* each window of 64 KiB in a colour of its own */
    xor %bx, %bx
    mov %bp, %dx
    int $0x10
    mov %bp, %ax
    inc %ax
    xor %di, %di
    mov $0xffff, %cx
    rep stosb
    stosb
    inc %bp
    cmp $5, %bp
    jb 1b
    mov $0x4f05, %ax
    xor %bx, %bx
    mov $2, %dx
    int $0x10
    mov %es:0xffff, %al
    cmp $3, %al
    need je
    call ok
    say "look vesa\r\n"
    jmp key

/* -- keys ---------------------------------------------------------------------------------------------------------- */

pause:                              /* what the monitor prints meanwhile must not stand within our words */
    pusha
    mov $15, %cx                    /* a second */
    xor %dx, %dx
    mov $0x86, %ah
    int $0x15
    popa
    ret
key:
    xor %ax, %ax
    int $0x16
    jmp pause
keys:
    say "press a, A, F11, left\r\n"
    xor %ax, %ax
    int $0x16
    mov %ax, pressed
    mov $pressed + 2, %di
    mov $3, %bp
2:  mov $0x10, %ah
    int $0x16
    mov %ax, (%di)
    add $2, %di
    dec %bp
    jnz 2b
    call pause
    mov $pressed, %di
    mov $4, %bp
3:  mov (%di), %ax
    call hex4
    add $2, %di
    dec %bp
    jnz 3b
    mov $1, %ah
    int $0x16
    jz 1f
    say " more"
1:  say " keys\r\n"
    ret
pressed: .space 8
    .org (SECTORS + 1) * 512

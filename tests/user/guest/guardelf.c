/* No C library: calls a function without landing pad by register. It ends with status 0 where code is not guarded, and
 * by SIGILL where the property note of the file (-z force-bti) asks for that. */
__asm__(".globl _start\n"
        "_start: adr x0, plain\n"
        "        blr x0\n" /* the first of all may pass */
        "        adr x0, plain\n"
        "        blr x0\n"
        "        mov x0, #0\n"
        "        mov x8, #93\n"
        "        svc #0\n"
        "plain:  ret\n");

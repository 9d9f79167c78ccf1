/* The code of the vdso: return from a handler, and the clocks without a system call. Registers S3_3_C15_C8_0 and on
 * (CRm and op2: 64 + the clock's number) are the host's clocks in nanoseconds, in user mode only (target/arm/user.c);
 * clocks of processes and threads are not among them, and other clocks may say that they do not exist: system calls.
 *
 * SPEC: vdso(7), aarch64 functions; Linux arch/arm64/kernel/vdso/vdso.lds.S for the version. Not modelled: unwind
 * tables (no handler returns into the middle of it). */
#include "user/abi_aarch64/abi_aarch64.h"

/* Functions begin with a landing pad, as their callers may be guarded code. */
// clang-format off
static const u32 code[] = {
    0xd503201f, /* nop */
    /* __kernel_rt_sigreturn: unwinders know these two words */
    0xd2801168, /* mov x8, #139 */
    0xd4000001, /* svc #0 */
    /* __kernel_clock_gettime(w0 clock, x1 time) */
    0xd503245f, /* bti c */
    0x34000160, /* cbz w0, real */
    0x7100041f, /* cmp w0, #1 */
    0x54000161, /* b.ne other */
    0xd53bf822, /* mrs x2, S3_3_C15_C8_1 */
    0xd2994003, /* split: mov x3, #0xca00 */
    0xf2a77343, /* movk x3, #0x3b9a, lsl #16 */
    0x9ac30844, /* udiv x4, x2, x3 */
    0x9b038882, /* msub x2, x4, x3, x2 */
    0xa9000824, /* stp x4, x2, [x1] */
    0x52800000, /* mov w0, #0 */
    0xd65f03c0, /* ret */
    0xd53bf802, /* real: mrs x2, S3_3_C15_C8_0 */
    0x17fffff8, /* b split */
    0x71001c1f, /* other: cmp w0, #7 */
    0x54000180, /* b.eq boot */
    0x7100101f, /* cmp w0, #4 */
    0x54000180, /* b.eq raw */
    0x7100141f, /* cmp w0, #5 */
    0x54000180, /* b.eq realcoarse */
    0x7100181f, /* cmp w0, #6 */
    0x54000180, /* b.eq coarse */
    0x71002c1f, /* cmp w0, #11 */
    0x54000180, /* b.eq tai */
    0xd2800e28, /* mov x8, #113 */
    0xd4000001, /* svc #0 */
    0xd65f03c0, /* ret */
    0xd53bf8e2, /* boot: mrs x2, S3_3_C15_C8_7 */
    0x17ffffe9, /* b split */
    0xd53bf882, /* raw: mrs x2, S3_3_C15_C8_4 */
    0x17ffffe7, /* b split */
    0xd53bf8a2, /* realcoarse: mrs x2, S3_3_C15_C8_5 */
    0x17ffffe5, /* b split */
    0xd53bf8c2, /* coarse: mrs x2, S3_3_C15_C8_6 */
    0x17ffffe3, /* b split */
    0xd53bf962, /* tai: mrs x2, S3_3_C15_C9_3 */
    0x17ffffe1, /* b split */
    /* __kernel_gettimeofday(x0 time, x1 zone) */
    0xd503245f, /* bti c */
    0xb5000181, /* cbnz x1, tz */
    0xb4000120, /* cbz x0, none */
    0xd53bf802, /* mrs x2, S3_3_C15_C8_0 */
    0xd2994003, /* mov x3, #0xca00 */
    0xf2a77343, /* movk x3, #0x3b9a, lsl #16 */
    0x9ac30844, /* udiv x4, x2, x3 */
    0x9b038882, /* msub x2, x4, x3, x2 */
    0xd2807d03, /* mov x3, #1000 */
    0x9ac30842, /* udiv x2, x2, x3 */
    0xa9000804, /* stp x4, x2, [x0] */
    0x52800000, /* none: mov w0, #0 */
    0xd65f03c0, /* ret */
    0xd2801528, /* tz: mov x8, #169 */
    0xd4000001, /* svc #0 */
    0xd65f03c0, /* ret */
    /* __kernel_clock_getres(w0 clock, x1 time): a nanosecond for 0, 1, 4, 7, 11 */
    0xd503245f, /* bti c */
    0x71002c1f, /* cmp w0, #11 */
    0x54000128, /* b.hi ask */
    0x52811262, /* mov w2, #0x893 */
    0x1ac02442, /* lsr w2, w2, w0 */
    0x360000c2, /* tbz w2, #0, ask */
    0xb4000061, /* cbz x1, valid */
    0xd2800022, /* mov x2, #1 */
    0xa900083f, /* stp xzr, x2, [x1] */
    0x52800000, /* valid: mov w0, #0 */
    0xd65f03c0, /* ret */
    0xd2800e48, /* ask: mov x8, #114 */
    0xd4000001, /* svc #0 */
    0xd65f03c0, /* ret */
};
// clang-format on
enum { SIGRETURN = 4, CLOCK_GETTIME = 12, GETTIMEOFDAY = 160, CLOCK_GETRES = 224 };

const struct vdso_code aarch64_vdso = {
    .code = code,
    .len = sizeof(code),
    .version = "LINUX_2.6.39",
    .sigreturn = SIGRETURN,
    .symbols = {{"__kernel_rt_sigreturn", SIGRETURN},
                {"__kernel_clock_gettime", CLOCK_GETTIME},
                {"__kernel_gettimeofday", GETTIMEOFDAY},
                {"__kernel_clock_getres", CLOCK_GETRES}},
};

/* See x86_host_run.h. */
#include "tests/diff/x86_host_run.h"

#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/bits.h"

#define CODE_AT  0x10000000ull
#define CODE_MAX 150
#define CODE32   0x800                                        /* where the frame for 32 bits stands */
enum { SEL_CODE32 = 0x23, SEL_DATA = 0x2b, SEL_CODE = 0x33 }; /* of a 64-bit Linux */

/* What XSAVE and FXSAVE write (SDM volume 1, 10.5.1 and 13.4). */
struct area {
    u16 fcw, fsw;
    u8 full, reserved; /* bit n: physical register n is not empty */
    u16 fop;
    u64 fip, fdp;
    u32 mxcsr, mxcsr_mask;
    struct {
        u64 frac;
        u16 se;
        u8 reserved[6];
    } st[8]; /* by distance from the top */
    union v128 xmm[16];
    u8 reserved2[96];
    u64 has, compact, reserved3[6];
    union v128 ymmh[16];
};
_Static_assert(offsetof(struct area, has) == 512 && offsetof(struct area, ymmh) == 576, "the standard form");
enum { PART_X87 = 1, PART_SSE = 2, PART_AVX = 4 };

/* What the code below addresses: within the low 2 GiB. */
struct shared {
    struct area in __attribute__((aligned(64))), out __attribute__((aligned(64)));
    u64 r[16], flags, host_sp;
    u32 mxcsr;
    struct {
        u32 offset;
        u16 sel;
    } far32; /* where code of 32 bits begins */
};
static struct shared *const at = (struct shared *)(CODE_AT + 0x1000);

static bool has_avx;
static u8 *bodies[2], *body; /* where the instructions stand: of 64 bits, of 32; of the present run */
static sigjmp_buf fault_at;
static volatile bool running;
static struct x86_state fault_state;
static void (*other_signal)(int sig, void *siginfo, void *ucontext);

/* -- the state as the processor has it --------------------------------------------------------------------------------
 */

static void area_fill(struct area *a, const struct x86_state *s)
{
    memset(a, 0, sizeof(*a));
    a->fcw = s->fcw;
    a->fsw = s->fsw;
    a->full = (u8)~s->empty;
    a->mxcsr = s->mxcsr;
    for (unsigned i = 0; i < 8; i++) {
        const f80 *x = &s->st[((s->fsw >> 11) + i) & 7];
        a->st[i].frac = x->frac;
        a->st[i].se = x->se;
    }
    memcpy(a->xmm, s->xmm, sizeof(a->xmm));
    memcpy(a->ymmh, s->ymmh, sizeof(a->ymmh));
    a->has = PART_X87 | PART_SSE | PART_AVX;
}

/* Parts that are as after a reset may not have been written. */
static void area_read(struct x86_state *s, const struct area *a, u64 has)
{
    s->mxcsr = a->mxcsr;
    s->fcw = 0x37f;
    s->fsw = 0;
    s->empty = 0xff;
    if (has & PART_X87) {
        s->fcw = a->fcw;
        s->fsw = a->fsw;
        s->empty = (u8)~a->full;
        for (unsigned i = 0; i < 8; i++) {
            s->st[((a->fsw >> 11) + i) & 7] = (f80){a->st[i].frac, a->st[i].se};
        }
    }
    if (has & PART_SSE) {
        memcpy(s->xmm, a->xmm, sizeof(s->xmm));
    }
    if (has & PART_AVX) {
        memcpy(s->ymmh, a->ymmh, sizeof(s->ymmh));
    }
}

/* -- faults
 * ------------------------------------------------------------------------------------------------------------ */

static void frame_read(struct x86_state *s, const ucontext_t *uc)
{
    static const int greg[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                 REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    enum { MAGIC_AT = 464, MAGIC = 0x46505853 };
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 16; i++) {
        s->r[i] = (u64)uc->uc_mcontext.gregs[greg[i]];
    }
    s->flags = (u64)uc->uc_mcontext.gregs[REG_EFL];
    s->fault_at = (unsigned)((u64)uc->uc_mcontext.gregs[REG_RIP] - (u64)(uintptr_t)body);
    const u8 *fp = (const u8 *)uc->uc_mcontext.fpregs;
    struct area a;
    bool all = ld32le(fp + MAGIC_AT) == MAGIC;
    memcpy(&a, fp, all ? sizeof(a) : 512);
    area_read(s, &a, all ? a.has : PART_X87 | PART_SSE);
}

static void on_signal(int sig, siginfo_t *si, void *uc)
{
    if (!running) {
        if (other_signal) {
            other_signal(sig, si, uc);
        }
        signal(sig, SIG_DFL); /* not ours: let it happen again */
        return;
    }
    running = false;
    frame_read(&fault_state, uc);
    siglongjmp(fault_at, sig);
}

void x86_host_catch(void (*other)(int sig, void *siginfo, void *ucontext))
{
    static u8 stack[1 << 16];
    static const int signals[] = {SIGFPE, SIGSEGV, SIGILL, SIGTRAP, SIGBUS};
    stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
    sigaltstack(&ss, NULL);
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO};
    for (unsigned i = 0; i < ARRAY_LEN(signals); i++) {
        sigaction(signals[i], &sa, NULL);
    }
    other_signal = other;
}

/* -- the code around
 * ---------------------------------------------------------------------------------------------------- */

static u8 *bytes(u8 *p, const char *s, unsigned n)
{
    memcpy(p, s, n);
    return p + n;
}
/* Instruction bytes with a ModRM of register `reg` and an absolute address. */
static u8 *absolute(u8 *p, const char *op, unsigned n, unsigned reg, const void *address)
{
    p = bytes(p, op, n);
    *p++ = (u8)((reg & 7) << 3 | 4);
    *p++ = 0x25;
    st32le(p, (u32)(uintptr_t)address);
    return p + 4;
}
#define BYTES(s)                  p = bytes(p, s, sizeof(s) - 1)
#define ABSOLUTE(s, reg, address) p = absolute(p, s, sizeof(s) - 1, reg, address)
#define PARTS                     "\xb8\x07\x00\x00\x00\x31\xd2" /* mov eax, 7; xor edx, edx */

/* Loads the state, runs what stands at the body, saves the state. A body of 32 bits is a far jump away, in a segment of
 * its own; there the data segments count. */
static void code_make(u8 *p, bool narrow)
{
    BYTES("\x53\x55\x41\x54\x41\x55\x41\x56\x41\x57"); /* push rbx, rbp, r12..r15 */
    ABSOLUTE("\x48\x89", 4, &at->host_sp);
    if (narrow) {
        BYTES("\xb8\x2b\x00\x00\x00\x8e\xd8\x8e\xc0"); /* mov eax, SEL_DATA; mov ds, eax; mov es, eax */
    }
    if (has_avx) {
        BYTES(PARTS);
        ABSOLUTE("\x0f\xae", 5, &at->in); /* xrstor */
    } else {
        ABSOLUTE("\x0f\xae", 1, &at->in); /* fxrstor */
    }
    ABSOLUTE("\xff", 6, &at->flags); /* push; popfq */
    BYTES("\x9d");
    for (unsigned r = 0; r < 16; r++) {
        p = absolute(p, r < 8 ? "\x48\x8b" : "\x4c\x8b", 2, r, &at->r[r]);
    }
    if (narrow) {
        ABSOLUTE("\xff", 5, &at->far32);
        at->far32.offset = (u32)(uintptr_t)p;
        at->far32.sel = SEL_CODE32;
    }
    bodies[narrow] = p;
    memset(p, 0x90, CODE_MAX);
    p += CODE_MAX;
    if (narrow) {
        *p = 0xea; /* a far jump to what follows */
        st32le(p + 1, (u32)(uintptr_t)p + 7);
        st16le(p + 5, SEL_CODE);
        p += 7;
    }
    for (unsigned r = 0; r < 16; r++) {
        p = absolute(p, r < 8 ? "\x48\x89" : "\x4c\x89", 2, r, &at->r[r]);
    }
    ABSOLUTE("\x48\x8b", 4, &at->host_sp);
    BYTES("\x9c"); /* pushfq; pop */
    ABSOLUTE("\x8f", 0, &at->flags);
    if (has_avx) {
        BYTES(PARTS);
        ABSOLUTE("\x0f\xae", 4, &at->out); /* xsave */
        BYTES("\xc5\xf8\x77");             /* vzeroupper */
    } else {
        ABSOLUTE("\x0f\xae", 0, &at->out); /* fxsave */
    }
    BYTES("\xdb\xe3"); /* fninit */
    ABSOLUTE("\x0f\xae", 2, &at->mxcsr);
    BYTES("\x41\x5f\x41\x5e\x41\x5d\x41\x5c\x5d\x5b\xfc\xc3"); /* pop r15..r12, rbp, rbx; cld; ret */
}

bool x86_host_init(void)
{
    u32 a, b, c, d, low, high;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && (c & bit_AVX)) {
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        has_avx = (low & 6) == 6;
    }
    int how = MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    u8 *code = (u8 *)CODE_AT;
    if (mmap(code, 0x4000, PROT_READ | PROT_WRITE | PROT_EXEC, how | MAP_PRIVATE, -1, 0) != code ||
        mmap(X86_DATA, X86_DATA_SIZE, PROT_READ | PROT_WRITE, how | MAP_SHARED, -1, 0) != X86_DATA) {
        return false;
    }
    _Static_assert(sizeof(struct shared) < 0x2000, "it fits");
    at->mxcsr = 0x1f80;
    code_make(code, false);
    code_make(code + CODE32, true);
    return true;
}

bool x86_host_has_32(void)
{
    u32 rights;
    bool seen;
    __asm__("lar %2, %0" : "=r"(rights), "=@ccz"(seen) : "r"((u32)SEL_CODE32));
    return seen;
}

/* What a program of 32 bits cannot know. */
static void forget_wide(struct x86_state *s)
{
    for (unsigned i = 0; i < 16; i++) {
        s->r[i] = i < 8 ? (u32)s->r[i] : 0;
    }
}

int x86_host_run(unsigned bits, const u8 *code, unsigned len, const struct x86_state *in, struct x86_state *out)
{
    bool narrow = bits == 32;
    must(len <= CODE_MAX);
    body = bodies[narrow];
    memcpy(body, code, len);
    memset(body + len, 0x90, CODE_MAX - len);
    area_fill(&at->in, in);
    memcpy(at->r, in->r, sizeof(at->r));
    at->flags = in->flags;
    int sig = sigsetjmp(fault_at, 0);
    if (sig) {
        *out = fault_state;
        if (narrow) {
            forget_wide(out);
        }
        return sig;
    }
    running = true;
    ((void (*)(void))(uintptr_t)(CODE_AT + (narrow ? CODE32 : 0)))();
    running = false;
    memset(out, 0, sizeof(*out));
    memcpy(out->r, at->r, sizeof(out->r));
    out->flags = at->flags;
    area_read(out, &at->out, has_avx ? at->out.has : PART_X87 | PART_SSE);
    if (narrow) {
        forget_wide(out);
    }
    return 0;
}

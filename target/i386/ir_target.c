/* What the x86 CPU tells the IR: its slots, its helpers, which slots are worth a host register. */
#include "target/i386/cpu.h"
#include "target/i386/fpu.h"
#include "target/i386/helpers.h"

#define R_OFF(n)                         (u32)(offsetof(struct x86_cpu, vcpu.rt.r) + 8 * (n))
#define R(n, name)                       [SLOT_RAX + (n)] = {name, R_OFF(n), IR_I64}
#define X(n)                             [SLOT_XMM0 + (n)] = {"xmm" #n, offsetof(struct x86_cpu, xmm[n]), IR_V128}
#define Y(n)                             [SLOT_YMMH0 + (n)] = {"ymmh" #n, offsetof(struct x86_cpu, ymmh[n]), IR_V128}
#define S(n)                             [SLOT_ST0 + (n)] = {"st" #n, offsetof(struct x86_cpu, st[n].frac), IR_I64}
#define E(n)                             [SLOT_STE0 + (n)] = {"ste" #n, offsetof(struct x86_cpu, st[n].se), IR_I64}
#define EIGHT(M, a, b, c, d, e, f, g, h) M(a), M(b), M(c), M(d), M(e), M(f), M(g), M(h)

static const struct ir_slot slots[X86_NSLOTS] = {R(0, "rax"),
                                                 R(1, "rcx"),
                                                 R(2, "rdx"),
                                                 R(3, "rbx"),
                                                 R(4, "rsp"),
                                                 R(5, "rbp"),
                                                 R(6, "rsi"),
                                                 R(7, "rdi"),
                                                 R(8, "r8"),
                                                 R(9, "r9"),
                                                 R(10, "r10"),
                                                 R(11, "r11"),
                                                 R(12, "r12"),
                                                 R(13, "r13"),
                                                 R(14, "r14"),
                                                 R(15, "r15"),
                                                 EIGHT(X, 0, 1, 2, 3, 4, 5, 6, 7),
                                                 EIGHT(X, 8, 9, 10, 11, 12, 13, 14, 15),
                                                 EIGHT(Y, 0, 1, 2, 3, 4, 5, 6, 7),
                                                 EIGHT(Y, 8, 9, 10, 11, 12, 13, 14, 15),
                                                 EIGHT(S, 0, 1, 2, 3, 4, 5, 6, 7),
                                                 EIGHT(E, 0, 1, 2, 3, 4, 5, 6, 7),
#define _(sname, stype, field, ctype) [SLOT_##sname] = {#sname, offsetof(struct x86_cpu, field), IR_##stype},
                                                 X86_SLOTS(_)
#undef _
};
#define _(name, type, field, ctype) \
    _Static_assert(sizeof(((struct x86_cpu *)0)->field) == sizeof(ctype), "slot " #name " has its type");
X86_SLOTS(_)
#undef _

#define IN_WORD(s, w) ((s) / 64 == (w) ? 1ull << (s) % 64 : 0)
#define SET2(a, b) \
    { \
        .w = { IN_WORD(a, 0) | IN_WORD(b, 0), IN_WORD(a, 1) | IN_WORD(b, 1) } \
    }
#define SET5(a, b, c, d, e) \
    { \
        .w = { \
            IN_WORD(a, 0) | IN_WORD(b, 0) | IN_WORD(c, 0) | IN_WORD(d, 0) | IN_WORD(e, 0), \
            IN_WORD(a, 1) | IN_WORD(b, 1) | IN_WORD(c, 1) | IN_WORD(d, 1) | IN_WORD(e, 1) \
        } \
    }
static const struct slot_set x86_set_decimal = SET2(SLOT_RAX, SLOT_FLAGS);
static const struct slot_set x86_set_cx16 = SET5(SLOT_RAX, SLOT_RDX, SLOT_RBX, SLOT_RCX, SLOT_FLAGS);
static const struct slot_set x86_set_eflags = SET2(SLOT_EFLAGS, SLOT_EFLAGS);
static const struct slot_set x86_set_fl = SET2(SLOT_FLAGS, SLOT_FLAGS);
static const struct slot_set x86_set_stack = SET2(SLOT_RSP, SLOT_RBP);
static const struct slot_set x86_set_flags = SET5(SLOT_FLAGS, SLOT_DF, SLOT_EFLAGS, SLOT_FLAGS, SLOT_FLAGS);
static const struct slot_set x86_set_string_out = SET5(SLOT_RAX, SLOT_RCX, SLOT_RSI, SLOT_RDI, SLOT_FLAGS);
/* DF, and the bases and limits of segments. */
static const struct slot_set x86_set_string_in = {
    .w = {IN_WORD(SLOT_RAX, 0) | IN_WORD(SLOT_RCX, 0) | IN_WORD(SLOT_RSI, 0) | IN_WORD(SLOT_RDI, 0),
          MASK(X86_NSLOTS - SLOT_OTHER)}};

#define X87_WORD_1 \
    (IN_WORD(SLOT_FTW, 1) | IN_WORD(SLOT_FTOP, 1) | IN_WORD(SLOT_FSW, 1) | IN_WORD(SLOT_FCW, 1) | \
     IN_WORD(SLOT_X87_LIVE, 1))
static const struct slot_set x86_set_x87_all = {
    .w = {IN_WORD(SLOT_RAX, 0) | MASK(16) << SLOT_ST0, X87_WORD_1 | IN_WORD(SLOT_FLAGS, 1) | IN_WORD(SLOT_FIP, 1)}};
static const struct slot_set x86_set_x87 = {.w = {MASK(16) << SLOT_ST0, X87_WORD_1}};

static const struct slot_set x86_set_vectors = {.w = {MASK(32) << SLOT_XMM0}};

static const struct ir_helper helpers[X86_NHELPERS] = {
#define _(hname, hret, a0, a1, a2, a3, hflags, hreads, hwrites) \
    [H_##hname] = {.name = #hname, \
                   .fn = (void *)x86_h_##hname, \
                   .ret = IR_##hret, \
                   .args = {IR_##a0, IR_##a1, IR_##a2, IR_##a3}, \
                   .flags = (hflags), \
                   .reads = (hreads), \
                   .writes = (hwrites)},
#include "target/i386/helpers.def"
#undef _
};

/* By how often compilers use them. */
static const u8 pins[] = {SLOT_RAX,      SLOT_RSP,      SLOT_RDI,      SLOT_RSI,     SLOT_RDX,      SLOT_RCX,
                          SLOT_RBX,      SLOT_RBP,      SLOT_RAX + 8,  SLOT_RAX + 9, SLOT_RAX + 12, SLOT_RAX + 13,
                          SLOT_RAX + 14, SLOT_RAX + 15, SLOT_RAX + 10, SLOT_RAX + 11};
static const u8 vpins[] = {SLOT_XMM0,     SLOT_XMM0 + 1, SLOT_XMM0 + 2, SLOT_XMM0 + 3, SLOT_XMM0 + 4,
                           SLOT_XMM0 + 5, SLOT_XMM0 + 6, SLOT_XMM0 + 7, SLOT_XMM0 + 8, SLOT_XMM0 + 9};

const struct ir_target x86_ir_target = {
    .slots = slots,
    .nslots = X86_NSLOTS,
    .helpers = helpers,
    .nhelpers = X86_NHELPERS,
    .nan = NAN_X86,
    .pins = pins,
    .npins = ARRAY_LEN(pins),
    .vpins = vpins,
    .nvpins = ARRAY_LEN(vpins),
    .zeros = SLOT_YMMH0,
    .nzeros = 16,
    .flags = SLOT_FLAGS,
    .fl_pa = true,
    .fp_env_off = offsetof(struct x86_cpu, fp),
    .x87 = {.load = x86_fpu_load, .settle = x86_fpu_home},
};

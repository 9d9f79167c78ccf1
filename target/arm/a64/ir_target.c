/* What the Arm CPU tells the IR: its slots, its helpers, which slots are worth a host register. */
#include "target/arm/a64/helpers.h"
#include "target/arm/cpu.h"
#include "target/arm/helpers.h"

#define X_OFF(n)                         (u32)(offsetof(struct arm_cpu, vcpu.rt.r) + 8 * (n))
#define V_OFF(n)                         (u32)(offsetof(struct arm_cpu, v) + 16 * (n))
#define X(n)                             [SLOT_X0 + (n)] = {"x" #n, X_OFF(n), IR_I64}
#define V(n)                             [SLOT_V0 + (n)] = {"v" #n, V_OFF(n), IR_V128}
#define EIGHT(M, a, b, c, d, e, f, g, h) M(a), M(b), M(c), M(d), M(e), M(f), M(g), M(h)

static const struct ir_slot slots[ARM_NSLOTS] = {EIGHT(X, 0, 1, 2, 3, 4, 5, 6, 7),
                                                 EIGHT(X, 8, 9, 10, 11, 12, 13, 14, 15),
                                                 EIGHT(X, 16, 17, 18, 19, 20, 21, 22, 23),
                                                 X(24),
                                                 X(25),
                                                 X(26),
                                                 X(27),
                                                 X(28),
                                                 X(29),
                                                 X(30),
                                                 [SLOT_SP] = {"sp", X_OFF(31), IR_I64},
                                                 EIGHT(V, 0, 1, 2, 3, 4, 5, 6, 7),
                                                 EIGHT(V, 8, 9, 10, 11, 12, 13, 14, 15),
                                                 EIGHT(V, 16, 17, 18, 19, 20, 21, 22, 23),
                                                 EIGHT(V, 24, 25, 26, 27, 28, 29, 30, 31),
#define _(sname, stype, field, ctype) [SLOT_##sname] = {#sname, offsetof(struct arm_cpu, field), IR_##stype},
                                                 ARM_SLOTS(_)
#undef _
};
#define _(name, type, field, ctype) \
    _Static_assert(sizeof(((struct arm_cpu *)0)->field) == sizeof(ctype), "slot " #name " has its type");
ARM_SLOTS(_)
#undef _

#define ONE_SLOT(s) \
    { \
        .w = { [(s) / 64] = 1ull << (s) % 64 } \
    }
static const struct slot_set arm_set_daif = ONE_SLOT(SLOT_DAIF);
static const struct slot_set arm_set_qc = ONE_SLOT(SLOT_QC);
static const struct slot_set arm_set_excl = ONE_SLOT(SLOT_EXCL);
/* What taking an exception and returning from one touches. */
#define IN_WORD(s, w) ((s) / 64 == (w) ? 1ull << (s) % 64 : 0)
#define EXC_WORD(w) \
    (IN_WORD(SLOT_FLAGS, w) | IN_WORD(SLOT_DAIF, w) | IN_WORD(SLOT_EXCL, w) | IN_WORD(SLOT_SP, w) | \
     IN_WORD(SLOT_SP_EL0, w) | IN_WORD(SLOT_ELR_EL1, w) | IN_WORD(SLOT_SPSR_EL1, w) | IN_WORD(SLOT_ESR_EL1, w))
static const struct slot_set arm_set_exc = {.w = {EXC_WORD(0), EXC_WORD(1)}};

/* What a system register may stand for: all but X and V registers. */
static const struct slot_set arm_set_sys = {.w = {1ull << SLOT_SP, MASK(ARM_NSLOTS - SLOT_OTHER)}};

static const struct ir_helper helpers[ARM_NHELPERS] = {
#define _(hname, hret, a0, a1, a2, a3, hflags, hreads, hwrites) \
    [H_##hname] = {.name = #hname, \
                   .fn = (void *)arm_h_##hname, \
                   .ret = IR_##hret, \
                   .args = {IR_##a0, IR_##a1, IR_##a2, IR_##a3}, \
                   .flags = (hflags), \
                   .reads = (hreads), \
                   .writes = (hwrites)},
#include "target/arm/a64/helpers.def"
#include "target/arm/helpers.def"
#undef _
};

/* By how often compilers use them: argument and scratch registers, the frame, then callee-saved ones. */
static const u8 pins[] = {SLOT_X0,      SLOT_X0 + 1,  SLOT_SP,      SLOT_X0 + 2,  SLOT_X0 + 3,  SLOT_X0 + 19,
                          SLOT_X0 + 20, SLOT_X0 + 4,  SLOT_X0 + 8,  SLOT_X0 + 5,  SLOT_X0 + 21, SLOT_X0 + 29,
                          SLOT_X0 + 30, SLOT_X0 + 6,  SLOT_X0 + 22, SLOT_X0 + 9,  SLOT_X0 + 7,  SLOT_X0 + 10,
                          SLOT_X0 + 23, SLOT_X0 + 24, SLOT_X0 + 16, SLOT_X0 + 17, SLOT_X0 + 25, SLOT_X0 + 26};
static const u8 vpins[] = {SLOT_V0,     SLOT_V0 + 1,  SLOT_V0 + 2,  SLOT_V0 + 3,  SLOT_V0 + 4,  SLOT_V0 + 5,
                           SLOT_V0 + 6, SLOT_V0 + 7,  SLOT_V0 + 16, SLOT_V0 + 17, SLOT_V0 + 18, SLOT_V0 + 19,
                           SLOT_V0 + 8, SLOT_V0 + 20, SLOT_V0 + 21, SLOT_V0 + 22};

const struct ir_target arm_ir_target = {
    .slots = slots,
    .nslots = ARM_NSLOTS,
    .helpers = helpers,
    .nhelpers = ARM_NHELPERS,
    .nan = NAN_ARM,
    .pins = pins,
    .npins = ARRAY_LEN(pins),
    .vpins = vpins,
    .nvpins = ARRAY_LEN(vpins),
    .flags = SLOT_FLAGS,
    .fp_env_off = offsetof(struct arm_cpu, fp),
};

/* System register access: the table, its index by encoding, the checks of MSR, MRS, SYS and SYSL.
 *
 * An access goes through: look-up, the level's access bits, E2H's renaming, trap controls, the hook or the plain
 * storage. The GIC's CPU interface (ICC_, ICV_, ICH_) is served by whoever called arm_set_gic. */
#include "target/arm/sysreg.h"

#include "base/log.h"
#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"

// clang-format off
#define REG(nm, op0, op1, crn, crm, op2, access, ...)                                                                  \
    {.name = #nm, .enc = SYSENC(op0, op1, crn, crm, op2), .acc = access, .off = offsetof(struct arm_cpu, sr.nm), \
     SYS_ARGS(__VA_ARGS__)},
#define IDREG(nm, op0, op1, crn, crm, op2, access, ...)                                                                \
    {.name = #nm, .enc = SYSENC(op0, op1, crn, crm, op2), .acc = access, .off = offsetof(struct arm_cpu, sr.nm), .id = true, \
     SYS_ARGS(__VA_ARGS__)},
#define REG_AT(nm, op0, op1, crn, crm, op2, access, place, ...)                                                        \
    {.name = #nm, .enc = SYSENC(op0, op1, crn, crm, op2), .acc = access, .off = offsetof(struct arm_cpu, place), \
     SYS_ARGS(__VA_ARGS__)},
#define VREG(nm, op0, op1, crn, crm, op2, access, ...)                                                                 \
    {.name = #nm, .enc = SYSENC(op0, op1, crn, crm, op2), .acc = access, SYS_ARGS(__VA_ARGS__)},
#define SYS_ARGS(...) __VA_ARGS__
const struct sysreg sysregs[] = {
#include "target/arm/sysregs.def"
};
#undef REG
#undef IDREG
#undef REG_AT
#undef VREG
// clang-format on
const unsigned sysregs_count = ARRAY_LEN(sysregs);

/* Row number + 1, at the first free place from where the encoding's hash points. */
enum { ROW_BITS = 11 };
static u16 row_of[1 << ROW_BITS];
_Static_assert(ARRAY_LEN(sysregs) < 3 << (ROW_BITS - 2), "a quarter of the places is free");

static unsigned row_place(u32 enc)
{
    return (u32)(enc * 0x9e3779b1u) >> (32 - ROW_BITS);
}

void sysregs_init(void)
{
    static bool done;
    if (done) {
        return;
    }
    done = true;
    for (unsigned i = 0; i < sysregs_count; i++) {
        must(!sysreg_find(sysregs[i].enc));
        unsigned k = row_place(sysregs[i].enc);
        while (row_of[k]) {
            k = (k + 1) % ARRAY_LEN(row_of);
        }
        row_of[k] = (u16)(i + 1);
    }
    sysreg_traps_init();
}

const struct sysreg *sysreg_find(u32 enc)
{
    enc &= 0xffff;
    for (unsigned k = row_place(enc); row_of[k]; k = (k + 1) % ARRAY_LEN(row_of)) {
        if (sysregs[row_of[k] - 1].enc == enc) {
            return &sysregs[row_of[k] - 1];
        }
    }
    return NULL;
}

void sysreg_put(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    if (!r->off || r->wmask == RES0_REG) {
        return;
    }
    u64 mask = r->wmask ? r->wmask : ~0ull;
    u64 *at = sysreg_at(cpu, r);
    *at = (*at & ~mask) | (v & mask);
}

unsigned arm_sysreg_class(u32 enc)
{
    sysregs_init();
    const struct sysreg *r = sysreg_find(enc);
    return (r && r->light) || sysreg_is_gic(enc) ? SYSREG_LIGHT : SYSREG_HEAVY;
}

/* -- the GIC's registers --------------------------------------------------------------------------------------- */

bool sysreg_is_gic(u32 enc)
{
    unsigned op1 = SYSENC_OP1(enc), crn = SYSENC_CRN(enc), crm = SYSENC_CRM(enc);
    if (SYSENC_OP0(enc) != 3) {
        return false;
    }
    if (enc == SYSENC(3, 0, 4, 6, 0)) { /* ICC_PMR_EL1 */
        return true;
    }
    if (crn != 12 || (op1 != 0 && op1 != 4 && op1 != 6)) {
        return false;
    }
    return crm >= 8;
}

static void gic_ctx(const struct arm_cpu *cpu, struct arm_gic_ctx *ctx)
{
    *ctx = (struct arm_gic_ctx){
        .el = cpu->el,
        .secure = arm_secure(cpu),
        .hcr = cpu->hcr | (cpu->hcr & HCR_TGE ? HCR_IMO | HCR_FMO | HCR_AMO : 0),
        .scr = arm_sys(cpu, SYS_EL3) ? cpu->sr.SCR_EL3 : SCR_NS,
        .has_el2 = arm_sys(cpu, SYS_EL2),
        .has_el3 = arm_sys(cpu, SYS_EL3),
        .el2_enabled = arm_el2_enabled(cpu),
    };
}

void arm_gic_state(struct arm_cpu *cpu)
{
    if (cpu->gic && cpu->gic->state) {
        struct arm_gic_ctx ctx;
        gic_ctx(cpu, &ctx);
        cpu->gic->state(cpu->gic_opaque, cpu->vcpu.index, &ctx);
    }
}

static int gic_check(struct arm_cpu *cpu, u32 enc, bool write, struct arm_gic_ctx *ctx)
{
    if (!cpu->gic || !arm_sys(cpu, SYS_GICV3) || cpu->el == 0) {
        return ACC_UNDEF;
    }
    gic_ctx(cpu, ctx);
    if (!cpu->gic->access) {
        return ACC_OK;
    }
    switch (cpu->gic->access(cpu->gic_opaque, cpu->vcpu.index, enc, write, ctx)) {
    case ARM_GIC_OK:
        return ACC_OK;
    case ARM_GIC_TRAP_EL2:
        return ACC_EL2;
    case ARM_GIC_TRAP_EL3:
        return ACC_EL3;
    default:
        return ACC_UNDEF;
    }
}

/* -- checks ------------------------------------------------------------------------------------------------------ */

static u32 access_iss(u32 enc, unsigned rt, bool read)
{
    return SYSENC_OP0(enc) << 20 | SYSENC_OP2(enc) << 17 | SYSENC_OP1(enc) << 14 | SYSENC_CRN(enc) << 10 | rt << 5 |
           SYSENC_CRM(enc) << 1 | read;
}

NORETURN static void access_fail(struct arm_cpu *cpu, u32 enc, unsigned rt, bool write, int acc)
{
    if (acc == ACC_UNDEF) {
        arm_raise(cpu, 1, arm_esr(EC_UNKNOWN, 0));
    }
    if (acc == ACC_FP) {
        arm_raise_fp(cpu);
    }
    arm_raise(cpu, (unsigned)acc, arm_esr(EC_SYSREG, access_iss(enc, rt, !write)));
}

/* Encodings that nobody listed. The identification space reads as zero; HCR_EL2.TIDCP catches the space that
 * implementations may fill as they like. */
static int unlisted_check(struct arm_cpu *cpu, u32 enc, bool write)
{
    unsigned op0 = SYSENC_OP0(enc), op1 = SYSENC_OP1(enc), crn = SYSENC_CRN(enc), crm = SYSENC_CRM(enc);
    if (op0 == 3 && op1 == 0 && crn == 0 && crm >= 1 && crm <= 7 && cpu->el > 0 && !write) {
        return cpu->el == 1 && cpu->hcr & BIT(18) ? ACC_EL2 : ACC_OK;
    }
    if (crn == 11 || crn == 15) {
        if (cpu->el < 2 && cpu->hcr & HCR_TIDCP) {
            return ACC_EL2;
        }
    }
    unimp(cpu->vcpu.name, "system register S%u_%u_C%u_C%u_%u (%s)", op0, op1, crn, crm, SYSENC_OP2(enc),
          write ? "write" : "read");
    return ACC_UNDEF;
}

/* The row that an access by this name reaches: HCR_EL2.E2H renames. NULL: UNDEFINED. */
static const struct sysreg *row_resolve(const struct arm_cpu *cpu, const struct sysreg *r)
{
    if (r->e2h && (cpu->el == 2 ? cpu->hcr & HCR_E2H : cpu->el == 0 && arm_host_el0(cpu))) {
        return sysreg_find(r->e2h);
    }
    if (r->alias) {
        return cpu->hcr & HCR_E2H ? sysreg_find(r->alias) : NULL;
    }
    return r;
}

static int row_check(const struct arm_cpu *cpu, const struct sysreg *r, bool write)
{
    if (!(r->acc >> (2 * cpu->el + write) & 1) || !arm_sys(cpu, r->feat)) {
        return ACC_UNDEF;
    }
    return sysreg_trapped(cpu, r, write);
}

u64 arm_sysreg_read(struct arm_cpu *cpu, u32 enc, unsigned rt)
{
    const struct sysreg *r = sysreg_find(enc);
    int acc;
    if (!r) {
        struct arm_gic_ctx ctx;
        bool gic = sysreg_is_gic(enc);
        acc = gic ? gic_check(cpu, enc, false, &ctx) : unlisted_check(cpu, enc, false);
        if (acc == ACC_OK) {
            return gic ? cpu->gic->read(cpu->gic_opaque, cpu->vcpu.index, enc, &ctx) : 0;
        }
        access_fail(cpu, enc, rt, false, acc);
    }
    acc = row_check(cpu, r, false);
    r = row_resolve(cpu, r);
    if (acc != ACC_OK || !r) {
        access_fail(cpu, enc, rt, false, r ? acc : ACC_UNDEF);
    }
    return r->read ? r->read(cpu, r) : r->off ? *sysreg_at(cpu, r) : 0;
}

void arm_sysreg_write(struct arm_cpu *cpu, u32 enc, unsigned rt, u64 v)
{
    const struct sysreg *r = sysreg_find(enc);
    int acc;
    if (!r) {
        struct arm_gic_ctx ctx;
        bool gic = sysreg_is_gic(enc);
        acc = gic ? gic_check(cpu, enc, true, &ctx) : unlisted_check(cpu, enc, true);
        if (acc != ACC_OK) {
            access_fail(cpu, enc, rt, true, acc);
        }
        if (gic) {
            cpu->gic->write(cpu->gic_opaque, cpu->vcpu.index, enc, v, &ctx);
        }
        return;
    }
    acc = row_check(cpu, r, true);
    r = row_resolve(cpu, r);
    if (acc != ACC_OK || !r) {
        access_fail(cpu, enc, rt, true, r ? acc : ACC_UNDEF);
    }
    if (r->write) {
        r->write(cpu, r, v);
    } else {
        sysreg_put(cpu, r, v);
    }
}

bool arm_sysreg_peek(struct arm_cpu *cpu, u32 enc, u64 *v)
{
    const struct sysreg *r = sysreg_find(enc);
    if (!r || SYSENC_OP0(enc) == 1) {
        return false;
    }
    *v = r->read ? r->read(cpu, r) : r->off ? *sysreg_at(cpu, r) : 0;
    return true;
}

/* -- helpers ----------------------------------------------------------------------------------------------------- */

/* enc: bits 20:5 of the instruction, Rt in bits 20:16. */
u64 arm_h_sysreg_read(struct vcpu *v, u64 enc)
{
    return arm_sysreg_read(arm_cpu(v), enc & 0xffff, enc >> 16 & 31);
}

void arm_h_sysreg_write(struct vcpu *v, u64 enc, u64 val, u64 next)
{
    arm_sysreg_write(arm_cpu(v), enc & 0xffff, enc >> 16 & 31, val);
    v->rt.pc = next;
}

void arm_h_sysreg_light(struct vcpu *v, u64 enc, u64 val)
{
    arm_sysreg_write(arm_cpu(v), enc & 0xffff, enc >> 16 & 31, val);
}

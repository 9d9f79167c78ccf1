/* Operands of vector and MMX instructions. SPEC: Intel SDM volume 1, 9.2 to 9.5 and 14.9; volume 2, 2.4. */
#include <string.h>

#include "target/i386/vec.h"

/* -- may it run -------------------------------------------------------------------------------------------------------
 */

bool vec_ok(struct x86 *t)
{
    if (t->mode & (t->in.vex ? MODE_NO_AVX : MODE_NO_SSE)) {
        return false;
    }
    if (t->mode & MODE_NO_FPU) {
        x86_raise(t, EXC_NM, 0);
    }
    return true;
}

unsigned vec_halves(const struct x86 *t)
{
    return t->in.vex && t->in.l && !(t->in.row->flags & ROW_LIG) ? 2 : 1;
}

/* -- registers and memory ---------------------------------------------------------------------------------------------
 */

int vec_reg(const struct x86 *t, unsigned i)
{
    const struct x86_instr *in = &t->in;
    switch (x86_opds[opd(t, i)].place) {
    case PL_V:
        return in->reg;
    case PL_U:
        return in->rm;
    case PL_W:
        return in->mod == 3 ? in->rm : -1;
    case PL_H: /* legacy forms: the destination */
        return in->vex ? in->vvvv : vec_reg(t, i ? 0 : 1);
    case PL_L:
        return (int)(in->imm >> 4 & (t->bits == 64 ? 15 : 7));
    default:
        return -1;
    }
}

/* log2 of the alignment that n bytes of memory must have. Legacy forms of 16 bytes are aligned but for the moves that
 * say otherwise and the string comparisons; VEX forms are not but for the moves that say so (volume 1, 14.9). */
static unsigned alignment(const struct x86 *t, unsigned n)
{
    bool aligned = false;
    switch (t->in.row->fn) {
    case X86_FN_mova:
        aligned = true;
        break;
    case X86_FN_movu:
    case X86_FN_sha1rnds4: /* AMD's do not ask for it */
    case X86_FN_sha1nexte:
    case X86_FN_sha1msg1:
    case X86_FN_sha1msg2:
    case X86_FN_sha256rnds2:
    case X86_FN_sha256msg1:
    case X86_FN_sha256msg2:
    case X86_FN_pcmpestri:
    case X86_FN_pcmpestrm:
    case X86_FN_pcmpistri:
    case X86_FN_pcmpistrm:
        break;
    default:
        aligned = !t->in.vex;
    }
    return !aligned || n < 16 ? 0 : n == 32 ? 5 : 4;
}
static unsigned mo_vector(const struct x86 *t, unsigned n)
{
    unsigned align = alignment(t, n);
    return align ? MO_128 | x86_mo_any(t) | mo_align(align) : x86_mo(t, 16);
}

ir_ref vec_get(struct x86 *t, unsigned i, unsigned half)
{
    int r = vec_reg(t, i);
    if (r >= 0) {
        return xmm_get(t, (unsigned)r, half);
    }
    unsigned n = opd_bytes(t, i);
    ir_ref addr = x86_mem(t, n, false);
    if (n >= 16) { /* the upper half is as aligned as the lower */
        unsigned mo = half ? MO_128 | x86_mo_any(t) : mo_vector(t, n);
        return ir_ld(t->ir, IR_V128, addr, (i32)(16 * half), mo);
    }
    must(!half);
    enum ir_type type = n == 8 ? IR_F64 : n == 4 ? IR_F32 : IR_I32;
    return ir_vzero_ext(t->ir, type, ir_ld(t->ir, type, addr, 0, x86_mo(t, n)));
}

ir_ref vec_get_scalar(struct x86 *t, unsigned i, enum ir_type type)
{
    unsigned es = type == IR_F64 || type == IR_I64 ? 3 : 2;
    int r = vec_reg(t, i);
    if (r >= 0) {
        return ir_vget(t->ir, type, es, xmm_get(t, (unsigned)r, 0), 0);
    }
    return ir_ld(t->ir, type, x86_mem(t, 1u << es, false), 0, x86_mo(t, 1u << es));
}

void vec_put(struct x86 *t, unsigned i, unsigned half, ir_ref v)
{
    int r = vec_reg(t, i);
    unsigned n = opd_bytes(t, i);
    if (r >= 0) {
        xmm_put(t, (unsigned)r, half, v);
    } else if (n == 32 && !half) {
        t->low = v;
    } else if (n == 32) {
        ir_st_pair(t->ir, x86_mem(t, n, true), 0, t->low, v, IR_V128, mo_vector(t, n) | MO_PAIR | MO_WHOLE);
    } else {
        must(n == 16);
        ir_st(t->ir, x86_mem(t, n, true), 0, v, IR_V128, mo_vector(t, n));
    }
}

void vec_done(struct x86 *t, unsigned i)
{
    int r = vec_reg(t, i);
    if (r >= 0 && t->in.vex && opd_bytes(t, i) <= 16) {
        xmm_put(t, (unsigned)r, 1, vec_zero(t));
    }
}

/* -- MMX
 * --------------------------------------------------------------------------------------------------------------- */

bool mmx_ok(struct x86 *t)
{
    if (t->mode & MODE_NO_FPU) {
        x86_raise(t, EXC_NM, 0);
    } else if (t->mode & MODE_X87_EXACT) {
        ir_call(t->ir, H_x87_wait, 0, 0, 0, 0);
    } else if (t->mode & MODE_X87_FAST && !t->x87.home) { /* the host's x87 may have the registers */
        t->x87.home = true;
        ir_exitcc_care(t->ir, CC_NE, IR_I32, ir_get(t->ir, SLOT_X87_LIVE), ir_const(t->ir, 0), t->off);
    }
    return true;
}

static int mmx_reg(const struct x86 *t, unsigned i)
{
    const struct x86_instr *in = &t->in;
    switch (x86_opds[opd(t, i)].place) {
    case PL_P:
        return in->reg & 7;
    case PL_N:
        return in->rm & 7;
    case PL_Q:
        return in->mod == 3 ? in->rm & 7 : -1;
    default:
        return -1;
    }
}

ir_ref mmx_get(struct x86 *t, unsigned i)
{
    int r = mmx_reg(t, i);
    if (r >= 0) {
        return ir_get(t->ir, SLOT_ST0 + (unsigned)r);
    }
    unsigned n = opd_bytes(t, i);
    return x86_load(t, x86_mem(t, n, false), n);
}

void mmx_put(struct x86 *t, unsigned i, ir_ref v)
{
    int r = mmx_reg(t, i);
    if (r < 0) {
        x86_store(t, x86_mem(t, 8, true), v, 8);
    } else {
        ir_put(t->ir, SLOT_ST0 + (unsigned)r, v);
        ir_put(t->ir, SLOT_STE0 + (unsigned)r, ir_const(t->ir, 0xffff));
    }
    mmx_done(t);
}

void mmx_done(struct x86 *t)
{
    ir_put(t->ir, SLOT_FTOP, ir_const(t->ir, 0));
    ir_put(t->ir, SLOT_FTW, ir_const(t->ir, 0));
}

ir_ref mmx_get_vec(struct x86 *t, unsigned i)
{
    return ir_vzero_ext(t->ir, IR_I64, mmx_get(t, i));
}

/* -- rows that work half by half --------------------------------------------------------------------------------------
 */

unsigned row_es(const struct x86 *t)
{
    const char *n = t->in.row->name;
    switch (n[strlen(n) - 1]) {
    case 'b':
        return 0;
    case 'w':
        return 1;
    case 'd':
        return 2;
    default:
        must(n[strlen(n) - 1] == 'q');
        return 3;
    }
}

static void mmx_put_low(struct x86 *t, unsigned i, ir_ref v)
{
    mmx_put(t, i, ir_vget(t->ir, IR_I64, 3, v, 0));
}
static void put_halves(struct x86 *t, const ir_ref v[2])
{
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, v[h]);
    }
    vec_done(t, 0);
}

bool vec_map1(struct x86 *t, vec_fn1 *f)
{
    if (row_is_mmx(t)) {
        if (!mmx_ok(t)) {
            return false;
        }
        mmx_put_low(t, 0, f(t, 0, mmx_get_vec(t, opd(t, 1) == OPD_Ib ? 0 : 1)));
        return true;
    }
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v[2];
    for (unsigned h = 0; h < vec_halves(t); h++) {
        v[h] = f(t, h, vec_get(t, 1, h));
    }
    put_halves(t, v);
    return true;
}

bool vec_map2(struct x86 *t, vec_fn2 *f)
{
    if (row_is_mmx(t)) {
        if (!mmx_ok(t)) {
            return false;
        }
        ir_ref b = mmx_get_vec(t, 1);
        mmx_put_low(t, 0, f(t, 0, mmx_get_vec(t, 0), b));
        return true;
    }
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v[2];
    for (unsigned h = 0; h < vec_halves(t); h++) {
        ir_ref b = vec_get(t, 2, h);
        v[h] = f(t, h, vec_get(t, 1, h), b);
    }
    put_halves(t, v);
    return true;
}

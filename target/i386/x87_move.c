/* The exact x87: moves (SDM volume 1, 8.3.3) and conversions on the way. A store goes to memory before anything of the
 * state changes, for it may fault. */
#include "target/i386/x87.h"

#include <string.h>

/* -- loads ----------------------------------------------------------------------------------------------------------
 */

/* A denormal is loaded even if the exception for it is not masked. */
static void load(struct x87 *x, f80 v, u32 exceptions)
{
    if (!x87_empty(x, 7)) {
        if (!x87_stack_fault(x, true)) {
            x87_push(x, x87_indefinite());
        }
        return;
    }
    x87_c1(x, false);
    if (!x87_raise(x, exceptions) || !(exceptions & FSW_IE)) {
        x87_push(x, v);
    }
}

static u64 read(struct x87 *x, void *p, unsigned n)
{
    struct vcpu *v = &x->cpu->vcpu;
    u64 raw = 0;
    v->sv->load(v, x->addr, p ? p : &raw, n, x86_view(x->cpu));
    return raw;
}

static void load_float(struct x87 *x)
{
    unsigned n = x87_memory_bytes(x->key.fop);
    f80 v;
    if (n == 10) {
        u8 raw[10];
        read(x, raw, 10);
        load(x, (f80){ld64le(raw), ld16le(raw + 8)}, 0);
        return;
    }
    u64 raw = read(x, NULL, n);
    v = n == 4 ? f32_to_f80((f32)raw, &x->env) : f64_to_f80(raw, &x->env);
    u32 e = (x->env.flags & FP_INVALID ? FSW_IE : 0) | (x->env.flags & FP_DENORMAL_USED ? FSW_DE : 0);
    load(x, v, e);
}

static void load_sti(struct x87 *x)
{
    unsigned i = x->key.fop & 7;
    if (x87_empty(x, i)) {
        if (!x87_stack_fault(x, false)) {
            x87_push(x, x87_indefinite());
        }
        return;
    }
    load(x, x87_get(x, i), 0);
}

/* By the rounding mode: nearest, down, up, chopped; one and zero are exact. */
static void load_constant(struct x87 *x)
{
    static const struct {
        u16 se;
        u64 near, down;
    } k[8] = {{0x3fff, 1ull << 63, 1ull << 63},
              {0x4000, 0xd49a784bcd1b8afe, 0xd49a784bcd1b8afe}, /* log2 10 */
              {0x3fff, 0xb8aa3b295c17f0bc, 0xb8aa3b295c17f0bb}, /* log2 e */
              {0x4000, 0xc90fdaa22168c235, 0xc90fdaa22168c234}, /* pi */
              {0x3ffd, 0x9a209a84fbcff799, 0x9a209a84fbcff798}, /* log10 2 */
              {0x3ffe, 0xb17217f7d1cf79ac, 0xb17217f7d1cf79ab}, /* ln 2 */
              {0, 0, 0}};
    unsigned n = x->key.fop & 7, rc = x->cpu->fcw >> FCW_RC_SHIFT & 3;
    u64 frac = rc == 0 ? k[n].near : k[n].down + (rc == 2 && n >= 1 && n <= 5);
    load(x, (f80){frac, k[n].se}, 0);
}

/* Eighteen digits, two a byte, and a sign. */
static void load_decimal(struct x87 *x)
{
    u8 raw[10];
    read(x, raw, 10);
    u64 v = 0;
    for (int i = 8; i >= 0; i--) {
        v = v * 100 + (raw[i] >> 4) * 10u + (raw[i] & 15);
    }
    f80 r = f80_from_uint(v, 0, &x->env);
    r.se |= raw[9] & 0x80 ? 0x8000 : 0;
    load(x, r, 0);
}

/* -- stores ---------------------------------------------------------------------------------------------------------
 */

/* The end of a store of n bytes: its exceptions, one pop perhaps. Those that are not masked leave memory alone, but not
 * the inexact one. */
static void store(struct x87 *x, const void *p, unsigned n, bool stack_fault, bool pop)
{
    u32 e = stack_fault ? FSW_IE | FSW_SF : x87_exceptions(x);
    bool stopped = e & ~x->cpu->fcw & (FSW_IE | FSW_OE | FSW_UE);
    x87_probe(x, n); /* neither half of it is written when the other may not be */
    if (stopped) {
        e &= ~(u32)FSW_PE;
    } else {
        x->cpu->vcpu.sv->store(&x->cpu->vcpu, x->addr, p, n, x86_view(x->cpu));
    }
    x87_c1(x, !stopped && !stack_fault && (x->env.flags & FP_ROUNDED_UP));
    x87_raise(x, e);
    if (pop && !stopped) {
        x87_pop(x);
    }
}

static void store_float(struct x87 *x, bool pop)
{
    unsigned n = x87_memory_bytes(x->key.fop);
    bool empty = x87_empty(x, 0);
    f80 v = empty ? x87_indefinite() : x87_get(x, 0);
    u8 raw[10];
    if (n == 10) {
        st64le(raw, v.frac);
        st16le(raw + 8, v.se);
    } else if (n == 4) {
        st32le(raw, f80_to_f32(v, &x->env));
    } else {
        st64le(raw, f80_to_f64(v, &x->env));
    }
    store(x, raw, n, empty, pop);
}

static void store_int(struct x87 *x, enum fp_round round, bool pop)
{
    unsigned n = x87_memory_bytes(x->key.fop);
    bool empty = x87_empty(x, 0), chop = x->key.fn == X86_FN_fisttp;
    i64 v = f80_to_sint_x86(empty ? x87_indefinite() : x87_get(x, 0), 8 * n, round, &x->env);
    x->env.flags &= ~(u32)(chop ? FP_ROUNDED_UP : 0);
    u8 raw[8];
    st64le(raw, (u64)v);
    store(x, raw, n, empty, pop);
}

static void store_decimal(struct x87 *x)
{
    static const u8 indefinite[10] = {0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff};
    bool empty = x87_empty(x, 0);
    f80 v = empty ? x87_indefinite() : x87_get(x, 0);
    u8 raw[10];
    i64 n = f80_to_sint_x86(v, 64, x->env.round, &x->env);
    u64 mag = n < 0 ? -(u64)n : (u64)n;
    if (mag > 999999999999999999) {
        x->env.flags = FP_INVALID;
    }
    memcpy(raw, indefinite, 10);
    if (!(x->env.flags & FP_INVALID)) {
        for (unsigned i = 0; i < 9; i++, mag /= 100) {
            raw[i] = (u8)(mag % 100 / 10 << 4 | mag % 10);
        }
        raw[9] = v.se & 0x8000 ? 0x80 : 0;
    }
    store(x, raw, 10, empty, true);
}

static void store_sti(struct x87 *x, bool pop)
{
    unsigned i = x->key.fop & 7;
    bool empty = x87_empty(x, 0);
    if (empty && x->key.fn == X86_FN_fstp_undoc) { /* it does not look at the tag, but moves nothing then */
        x87_c1(x, false);
        x87_pop(x);
        return;
    }
    if (empty && x87_stack_fault(x, false)) {
        return;
    }
    if (!empty) {
        x87_c1(x, false);
    }
    x87_put(x, i, empty ? x87_indefinite() : x87_get(x, 0));
    if (pop) {
        x87_pop(x);
    }
}

/* -- within the stack -----------------------------------------------------------------------------------------------
 */

static void exchange(struct x87 *x)
{
    unsigned i = x->key.fop & 7;
    f80 a = x87_get(x, 0), b = x87_get(x, i);
    if (x87_empty(x, 0) || x87_empty(x, i)) {
        if (x87_stack_fault(x, false)) {
            return;
        }
        a = x87_empty(x, 0) ? x87_indefinite() : a;
        b = x87_empty(x, i) ? x87_indefinite() : b;
    } else {
        x87_c1(x, false);
    }
    x87_put(x, i, a);
    x87_put(x, 0, b);
}

static void move_if(struct x87 *x)
{
    static const u32 bits[4] = {FL_C, FL_Z, FL_C | FL_Z, FL_P};
    unsigned i = x->key.fop & 7;
    bool inverted = x->key.fop >> 8 & 1, is = x->cpu->flags & bits[x->key.fop >> 3 & 3];
    if (x87_empty(x, 0) || x87_empty(x, i)) {
        if (!x87_stack_fault(x, false)) {
            x87_put(x, 0, x87_indefinite());
        }
        return;
    }
    if (is != inverted) {
        x87_put(x, 0, x87_get(x, i));
    }
}

static void turn(struct x87 *x, bool up)
{
    struct x86_cpu *cpu = x->cpu;
    x87_c1(x, false);
    cpu->ftop = (cpu->ftop + (up ? 1u : 7u)) & 7;
    cpu->ftw = (up ? cpu->ftw >> 1 | cpu->ftw << 7 : cpu->ftw << 1 | cpu->ftw >> 7) & 0xff;
}

bool x87_move(struct x87 *x)
{
    switch (x->key.fn) {
    case X86_FN_fld_mem:
        load_float(x);
        break;
    case X86_FN_fld:
        load_sti(x);
        break;
    case X86_FN_fild: {
        unsigned n = x87_memory_bytes(x->key.fop);
        load(x, f80_from_sint(sext(read(x, NULL, n), 8 * n), 0, &x->env), 0);
        break;
    }
    case X86_FN_fldconst:
        load_constant(x);
        break;
    case X86_FN_fbld:
        load_decimal(x);
        break;
    case X86_FN_fst_mem:
    case X86_FN_fstp_mem:
        store_float(x, x->key.fn == X86_FN_fstp_mem);
        break;
    case X86_FN_fist:
    case X86_FN_fistp:
        store_int(x, x->env.round, x->key.fn == X86_FN_fistp);
        break;
    case X86_FN_fisttp:
        store_int(x, FP_RZ, true);
        break;
    case X86_FN_fbstp:
        store_decimal(x);
        break;
    case X86_FN_fst:
    case X86_FN_fstp:
    case X86_FN_fstp_undoc:
        store_sti(x, x->key.fn != X86_FN_fst);
        break;
    case X86_FN_fxch:
        exchange(x);
        break;
    case X86_FN_fcmovcc:
        move_if(x);
        break;
    case X86_FN_fincstp:
    case X86_FN_fdecstp:
        turn(x, x->key.fn == X86_FN_fincstp);
        break;
    case X86_FN_ffree:
    case X86_FN_ffreep:
        x87_c1(x, false);
        x->cpu->ftw |= 1u << (x->key.fop & 7);
        if (x->key.fn == X86_FN_ffreep) {
            x87_pop(x);
        }
        break;
    case X86_FN_fnop:
        break;
    default:
        return false;
    }
    return true;
}

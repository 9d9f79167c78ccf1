/* The exact x87: partial remainder, scaling, and the transcendental instructions (SDM volume 1, 8.3.5 to 8.3.7).
 *
 * Transcendental results are those of the host's own x87 where there is one, so that they are what the processor gives;
 * elsewhere (x87_libm.c) those of the C library's long double, rounded to 64 bits. */
#include "target/i386/x87.h"
#include "target/i386/x87_host.h"

static void done(struct x87 *x, f80 v)
{
    if (x87_finish(x)) {
        x87_put(x, 0, v);
    }
}
/* The first n registers hold something; else what the masked fault leaves is done here. */
static bool have(struct x87 *x, unsigned n, bool pop)
{
    if (!x87_empty(x, 0) && (n < 2 || !x87_empty(x, 1))) {
        return true;
    }
    if (!x87_stack_fault(x, false)) {
        x87_put(x, pop ? 1 : 0, x87_indefinite());
        if (pop) {
            x87_pop(x);
        }
    }
    return false;
}

/* -- remainder -------------------------------------------------------------------------------------------------------
 */

static void remainder_step(struct x87 *x, bool nearest)
{
    x->cpu->fsw &= ~(u32)FSW_C2;
    if (!have(x, 2, false)) {
        return;
    }
    u64 q;
    bool partial;
    f80 r = f80_rem_x87(x87_get(x, 0), x87_get(x, 1), nearest, &q, &partial, &x->env);
    if (!x87_finish(x)) {
        return;
    }
    x87_put(x, 0, r);
    if (x87_is_nan(r)) { /* C0 and C3 stay */
        return;
    }
    x87_cc(x, partial ? FSW_C2 : (q & 4 ? FSW_C0 : 0) | (q & 2 ? FSW_CC3 : 0) | (q & 1 ? FSW_C1 : 0));
}

/* -- scaling ----------------------------------------------------------------------------------------------------------
 */

enum { HUGE_EXP = 0x10000 }; /* far beyond: all results are alike from there on */

static void scale(struct x87 *x)
{
    if (!have(x, 2, false)) {
        return;
    }
    f80 a = x87_get(x, 0), b = x87_get(x, 1);
    bool inf_b = (b.se & 0x7fff) == 0x7fff && b.frac == 1ull << 63;
    if (x87_is_nan(a) || x87_is_nan(b) || x87_is_bad(a) || x87_is_bad(b)) {
        done(x, f80_add(a, b, &x->env));
    } else if (inf_b) {
        f80 by = b.se & 0x8000 ? (f80){0, 0} : b;
        done(x, f80_mul(a, by, &x->env));
    } else {
        struct fp_env chop = x->env;
        i64 n = f80_to_sint(b, 32, 0, FP_RZ, &chop);
        if (!(b.se & 0x7fff) && b.frac) {
            x->env.flags |= FP_DENORMAL_USED;
        }
        done(x, f80_scale(a, (i32)MAX(MIN(n, HUGE_EXP), -HUGE_EXP), &x->env));
    }
}

static void extract(struct x87 *x)
{
    if (x87_empty(x, 0)) {
        if (!x87_stack_fault(x, false)) {
            x87_put(x, 0, x87_indefinite());
            x87_push(x, x87_indefinite());
        }
        return;
    }
    if (!x87_empty(x, 7)) {
        if (!x87_stack_fault(x, true)) {
            x87_put(x, 0, x87_indefinite());
            x87_push(x, x87_indefinite());
        }
        return;
    }
    f80 v = x87_get(x, 0), exponent;
    u16 sign = v.se & 0x8000;
    unsigned exp = v.se & 0x7fff;
    if (x87_is_nan(v) || x87_is_bad(v)) {
        v = exponent = f80_add(v, v, &x->env);
    } else if (exp == 0x7fff) {
        exponent = (f80){1ull << 63, 0x7fff};
    } else if (!v.frac) {
        x->env.flags |= FP_DIVZERO;
        exponent = (f80){1ull << 63, 0xffff};
    } else {
        unsigned z = clz64(v.frac);
        if (!exp) {
            x->env.flags |= FP_DENORMAL_USED;
        }
        exponent = f80_from_sint((i64)MAX(exp, 1u) - (i64)z - 0x3fff, 0, &x->env);
        v = (f80){v.frac << z, (u16)(sign | 0x3fff)};
    }
    if (x87_finish(x)) {
        x87_put(x, 0, exponent);
        x87_push(x, v);
    }
}

bool x87_math(struct x87 *x)
{
    switch (x->key.fn) {
    case X86_FN_fprem:
    case X86_FN_fprem1:
        remainder_step(x, x->key.fn == X86_FN_fprem1);
        return true;
    case X86_FN_fscale:
        scale(x);
        return true;
    case X86_FN_fxtract:
        extract(x);
        return true;
    default:
        return x87_transcendental(x);
    }
}

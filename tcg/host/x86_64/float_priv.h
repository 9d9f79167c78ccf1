/* What float.c and float_cvt.c share. */
#ifndef MOSS_TCG_HOST_X86_64_FLOAT_PRIV_H
#define MOSS_TCG_HOST_X86_64_FLOAT_PRIV_H

#include "tcg/host/x86_64/x_priv.h"

unsigned float_es(unsigned type, unsigned sub);
u32 float_opc(u32 opc, bool vec, unsigned es); /* with the prefix of ps, pd, ss or sd */
bool float_is_slow(const struct xop *x);
u8 float_predicate(u32 fcond);                  /* of cmpps, by FC_* */
u8 *float_if_any(struct gen *g, unsigned mask); /* jumps when a lane of a mask is set; eax is lost */
/* Writes the cold path that `at` jumps to: the op again, exactly, result in rd. */
void float_exact_at(struct gen *g, struct xop *x, u8 *at, unsigned rd);
/* The check of a result in rd, with its cold path; tiny: the op may round up to the least normal number. */
void float_check(struct gen *g, struct xop *x, unsigned es, unsigned rd, bool tiny);

/* A fast form that may have to flush begins and ends with these; es: of the operands, of the result. tiny: the result
 * may be a denormal number. */
struct flush {
    u8 *at; /* NULL: nothing is flushed */
    bool vec, tiny;
    u8 es;
};
void flush_operands(struct gen *g, const struct xop *x, bool vec, unsigned es); /* before any register is picked */
struct flush flush_begin(struct gen *g, const struct xop *x, bool vec, unsigned es, bool tiny);
void flush_check(struct gen *g, struct xop *x, const struct flush *f, unsigned es, unsigned rd, bool tiny);
void flush_end(struct gen *g, struct xop *x, const struct flush *f, unsigned es, unsigned rd);

/* float_native.c: false: there is no one instruction for it. */
bool native_arith(struct gen *g, const struct xop *x); /* fadd fsub fmul fdiv fsqrt */
bool native_fma(struct gen *g, const struct xop *x);
bool native_vfcmp(struct gen *g, const struct xop *x);
bool native_round(struct gen *g, const struct xop *x, unsigned imm); /* vectors */
/* With F2I_INDEF: of any guest. */
bool indefinite_f2i(struct gen *g, const struct xop *x);
bool indefinite_vf2i(struct gen *g, const struct xop *x);

/* float_half.c. `tiny`: the result may round up to the least normal number; `nan`: NaNs are to be the default one, or
 * come from arithmetic. */
void half_widen(struct gen *g, unsigned rd, ir_ref r);
void half_check(struct gen *g, struct xop *x, unsigned rd, bool tiny, bool nan);
void half_check_vector(struct gen *g, struct xop *x, unsigned rd, bool tiny, bool nan);
void half_arith(struct gen *g, struct xop *x, unsigned opc);
void half_minmax(struct gen *g, struct xop *x);
void half_compare(struct gen *g, struct xop *x, u8 predicate);
void half_fma(struct gen *g, struct xop *x);
void half_round(struct gen *g, struct xop *x, u8 imm, bool nan);
void half_from_double(struct gen *g, struct xop *x, bool nan);
void half_from_words(struct gen *g, struct xop *x, bool uns);

#endif

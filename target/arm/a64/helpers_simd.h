/* The functions of a64/helpers.def for SIMD&FP data processing. */
#ifndef MOSS_TARGET_ARM_A64_HELPERS_SIMD_H
#define MOSS_TARGET_ARM_A64_HELPERS_SIMD_H

#include "target/vcpu.h"

typedef const union v128 *v128_in;

/* What fp1 and fp2 compute in each lane; TO and FROM are fixed point with fbits fraction bits. */
enum fp1_kind {
    FP1_RECPE,
    FP1_RSQRTE,
    FP1_RECPX,
    FP1_RINT32Z,
    FP1_RINT32X,
    FP1_RINT64Z,
    FP1_RINT64X,
    FP1_TO_SINT,
    FP1_TO_UINT,
    FP1_FROM_SINT,
    FP1_FROM_UINT,
    FP1_CVTXN,
    FP1_BFCVTN
};
enum fp2_kind { FP2_MULX, FP2_RECPS, FP2_RSQRTS };
#define FPX_KEY(kind, es, lanes, fbits) ((u32)(kind) | (u32)(es) << 8 | (u32)(lanes) << 16 | (u32)(fbits) << 24)

/* helpers_simd.c */
void arm_h_sat_shift(struct vcpu *v, union v128 *ret, v128_in n, v128_in m, u64 key);
void arm_h_mixed_add(struct vcpu *v, union v128 *ret, v128_in d, v128_in n, u64 key);
void arm_h_clz(union v128 *ret, v128_in n, u64 es);
void arm_h_pmul(union v128 *ret, v128_in n, v128_in m);
void arm_h_pmull8(union v128 *ret, v128_in n, v128_in m, u64 hi);
void arm_h_mmla(union v128 *ret, v128_in d, v128_in n, v128_in m, u64 sign);
void arm_h_urecpe(union v128 *ret, v128_in n);
void arm_h_ursqrte(union v128 *ret, v128_in n);

/* helpers_fp.c */
void arm_h_fp1(struct vcpu *v, union v128 *ret, v128_in n, u64 key);
void arm_h_fp2(struct vcpu *v, union v128 *ret, v128_in n, v128_in m, u64 key);
void arm_h_fmlal(struct vcpu *v, union v128 *ret, v128_in d, v128_in n, v128_in m, u64 key);
void arm_h_bfdot(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_bfmmla(union v128 *ret, v128_in d, v128_in n, v128_in m);
u64 arm_h_fjcvtzs(struct vcpu *v, u64 a);
u64 arm_h_to_fixed(struct vcpu *v, u64 a, u64 key);
u64 arm_h_from_fixed16(struct vcpu *v, u64 a, u64 key);

/* helpers_crypto.c */
void arm_crypto_without_host(void); /* for tests: from now on in C */
void arm_h_sha1c(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha1p(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha1m(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha1su1(union v128 *ret, v128_in d, v128_in n);
void arm_h_sha256h(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha256h2(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha256su0(union v128 *ret, v128_in d, v128_in n);
void arm_h_sha256su1(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha512h(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha512h2(union v128 *ret, v128_in d, v128_in n, v128_in m);
void arm_h_sha512su0(union v128 *ret, v128_in d, v128_in n);
void arm_h_sha512su1(union v128 *ret, v128_in d, v128_in n, v128_in m);

#endif

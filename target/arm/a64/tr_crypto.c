/* A64 cryptography: AES, SHA-1, SHA-256, SHA-512, SHA-3 (DDI 0487, C4.1 "Cryptographic AES" to "Cryptographic
 * four-register"). Not modelled: SM3 and SM4. */
#include "target/arm/a64/tr_simd.h"

/* -- AES --------------------------------------------------------------------------------------------------------- */

/* Arm adds the key first and mixes the columns in an instruction of its own, the IR's round has the key last. */
static ir_ref round_of(struct a64 *t, ir_ref state, unsigned how)
{
    return ir_v2(t->ir, IR_vaes, 0, state, ir_const_v128(t->ir, 0, 0), how);
}
static bool last_round(struct a64 *t, unsigned how, u32 rn, u32 rd)
{
    ir_ref state = ir_v2(t->ir, IR_xor, 0, v_get(t, rd), v_get(t, rn), 0);
    v_put(t, rd, round_of(t, state, how | AES_LAST));
    return true;
}
bool tr_AESE(struct a64 *t, u32 rn, u32 rd)
{
    return last_round(t, 0, rn, rd);
}
bool tr_AESD(struct a64 *t, u32 rn, u32 rd)
{
    return last_round(t, AES_INVERSE, rn, rd);
}

/* Behind AESE or AESD the two are a round, and the first is dead. 0: it is not so. */
static ir_ref whole_round(struct a64 *t, ir_ref v, unsigned how)
{
    const struct ir_op *op = &t->ir->ops[ir_is_const(v) ? 0 : v];
    bool last = op->op == IR_vaes && op->imm == (how | AES_LAST) && op->b == ir_const_v128(t->ir, 0, 0);
    return last ? round_of(t, op->a, how) : 0;
}
bool tr_AESMC(struct a64 *t, u32 rn, u32 rd)
{
    ir_ref n = v_get(t, rn), r = whole_round(t, n, 0);
    v_put(t, rd, r ? r : round_of(t, round_of(t, n, AES_INVERSE | AES_LAST), 0));
    return true;
}
bool tr_AESIMC(struct a64 *t, u32 rn, u32 rd)
{
    ir_ref n = v_get(t, rn), r = whole_round(t, n, AES_INVERSE);
    v_put(t, rd, r ? r : ir_v1(t->ir, IR_vaes_imc, 0, n, 0));
    return true;
}

/* -- SHA: helpers of Vd, Vn, Vm ---------------------------------------------------------------------------------- */

#define SHA3_CALL(name, helper) \
    bool tr_##name(struct a64 *t, u32 rm, u32 rn, u32 rd) \
    { \
        v_put(t, rd, ir_call(t->ir, helper, v_get(t, rd), v_get(t, rn), v_get(t, rm), 0)); \
        return true; \
    }
SHA3_CALL(SHA1C, H_sha1c)
SHA3_CALL(SHA1P, H_sha1p)
SHA3_CALL(SHA1M, H_sha1m)
SHA3_CALL(SHA256H, H_sha256h)
SHA3_CALL(SHA256H2, H_sha256h2)
SHA3_CALL(SHA256SU1, H_sha256su1)
SHA3_CALL(SHA512H, H_sha512h)
SHA3_CALL(SHA512H2, H_sha512h2)
SHA3_CALL(SHA512SU1, H_sha512su1)

bool tr_SHA1H(struct a64 *t, u32 rn, u32 rd)
{
    ir_ref w = ir_vget(t->ir, IR_I32, MO_32, v_get(t, rn), 0);
    v_put(t, rd, ir_vzero_ext(t->ir, IR_I32, ir_ror(t->ir, IR_I32, w, ir_const(t->ir, 2))));
    return true;
}
bool tr_SHA1SU0(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    static const u8 middle[16] = {8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    struct ir *ir = t->ir;
    ir_ref d = v_get(t, rd);
    ir_ref v = ir_v2(ir, IR_xor, 0, d, ir_vshuf(ir, d, v_get(t, rn), middle), 0);
    v_put(t, rd, ir_v2(ir, IR_xor, 0, v, v_get(t, rm), 0));
    return true;
}
#define SHA2_CALL(name, helper) \
    bool tr_##name(struct a64 *t, u32 rn, u32 rd) \
    { \
        v_put(t, rd, ir_call(t->ir, helper, v_get(t, rd), v_get(t, rn), 0, 0)); \
        return true; \
    }
SHA2_CALL(SHA1SU1, H_sha1su1)
SHA2_CALL(SHA256SU0, H_sha256su0)
SHA2_CALL(SHA512SU0, H_sha512su0)

/* -- SHA-3 ------------------------------------------------------------------------------------------------------- */

static ir_ref rotate_right(struct ir *ir, ir_ref v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    return ir_v2(ir, IR_or, 0, ir_v1(ir, IR_vshr, MO_64, v, n), ir_v1(ir, IR_vshl, MO_64, v, 64 - n), 0);
}
bool tr_EOR3(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    ir_ref v = ir_v2(t->ir, IR_xor, 0, v_get(t, rn), v_get(t, rm), 0);
    v_put(t, rd, ir_v2(t->ir, IR_xor, 0, v, v_get(t, ra), 0));
    return true;
}
bool tr_BCAX(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    ir_ref v = ir_v2(t->ir, IR_andn, 0, v_get(t, rm), v_get(t, ra), 0);
    v_put(t, rd, ir_v2(t->ir, IR_xor, 0, v_get(t, rn), v, 0));
    return true;
}
bool tr_RAX1(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    v_put(t, rd, ir_v2(t->ir, IR_xor, 0, v_get(t, rn), rotate_right(t->ir, v_get(t, rm), 63), 0));
    return true;
}
bool tr_XAR(struct a64 *t, u32 rm, u32 imm6, u32 rn, u32 rd)
{
    ir_ref v = ir_v2(t->ir, IR_xor, 0, v_get(t, rn), v_get(t, rm), 0);
    v_put(t, rd, rotate_right(t->ir, v, imm6));
    return true;
}

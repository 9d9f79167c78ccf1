/* Operands of the assembly texts of SIMD&FP data processing: the list in simd.decode's head. */
#include "target/arm/a64/disas.h"

#define P(name) static void p_##name(struct dis *d, const i32 *v)

static void scalar(struct dis *d, unsigned es, i32 r)
{
    dis_put(d, "%c%d", "bhsdq"[es], r);
}
static void vector(struct dis *d, unsigned es, unsigned bytes, i32 r)
{
    dis_put(d, "v%d.%u%c", r, bytes >> es, "bhsdq"[es]);
}
static unsigned q_bytes(i32 q)
{
    return q ? 16 : 8;
}

/* -- vectors ---------------------------------------------------------------------------------------------------- */

P(va)
{
    vector(d, v[1] & 3, q_bytes(v[1] & 4), v[0]);
}
P(vd)
{
    vector(d, (v[1] & 3) + 1, 16, v[0]);
}
P(vp)
{
    vector(d, (v[1] & 3) + 1, q_bytes(v[1] & 4), v[0]);
}
P(vf)
{
    vector(d, 2 + (v[1] & 1), q_bytes(v[1] & 2), v[0]);
}
P(vb)
{
    vector(d, 0, q_bytes(v[1]), v[0]);
}
P(vh)
{
    vector(d, 1, q_bytes(v[1]), v[0]);
}
P(vs)
{
    vector(d, 2, q_bytes(v[1]), v[0]);
}
P(vfh) /* the halves of FMLAL: half as many bytes as the singles */
{
    vector(d, 1, q_bytes(v[1]) / 2, v[0]);
}
P(v2h)
{
    vector(d, 1, 4, v[0]);
}
P(v1d)
{
    vector(d, 3, q_bytes(v[1]), v[0]);
}
P(vpair) /* two elements, by sz */
{
    vector(d, 2 + (u32)v[1], 8u << v[1], v[0]);
}
P(vnf) /* Q, sz: the narrow and the wide side of FCVTN and FCVTL */
{
    vector(d, 1 + (u32)v[2], q_bytes(v[1]), v[0]);
}
P(vwf)
{
    vector(d, 2 + (u32)v[1], 16, v[0]);
}
P(tbl) /* registers less one */
{
    dis_put(d, "{");
    for (i32 i = 0; i <= v[1]; i++) {
        dis_put(d, "%sv%d.16b", i ? ", " : "", (v[0] + i) & 31);
    }
    dis_put(d, "}");
}

/* -- scalars ------------------------------------------------------------------------------------------------------- */

P(vzd)
{
    scalar(d, (v[1] & 3) + 1, v[0]);
}
P(vza)
{
    scalar(d, v[1] & 3, v[0]);
}
P(sf)
{
    scalar(d, 2 + (u32)v[1], v[0]);
}
P(fp)
{
    scalar(d, v[1] == 3 ? 1 : v[1] == 1 ? 3 : 2, v[0]);
}
P(hr)
{
    scalar(d, 1, v[0]);
}
P(sr)
{
    scalar(d, 2, v[0]);
}
P(dr)
{
    scalar(d, 3, v[0]);
}
P(qr)
{
    scalar(d, 4, v[0]);
}
P(dtop)
{
    dis_put(d, "v%d.d[1]", v[0]);
}

/* -- elements ---------------------------------------------------------------------------------------------------- */

/* l, m, rm, h. */
static void element(struct dis *d, unsigned es, const i32 *v)
{
    i32 l = v[0], m = v[1], rm = v[2], h = v[3];
    i32 index = es == 1 ? h << 2 | l << 1 | m : es == 2 ? h << 1 | l : h;
    dis_put(d, "v%d.%c[%d]", es == 1 ? rm : m << 4 | rm, "bhsd"[es], index);
}
P(elem)
{
    element(d, v[0] & 3, v + 1);
}
P(elemf)
{
    element(d, 2 + (v[0] & 1), v + 1);
}
P(elem4b)
{
    dis_put(d, "v%d.4b[%d]", v[1] << 4 | v[2], v[3] << 1 | v[0]);
}
P(elem2h)
{
    dis_put(d, "v%d.2h[%d]", v[1] << 4 | v[2], v[3] << 1 | v[0]);
}

/* imm5: the size is its lowest set bit, the index what lies above. */
static unsigned imm5_es(i32 imm5)
{
    return ctz32((u32)imm5);
}
P(v5) /* register, Q, imm5 */
{
    vector(d, imm5_es(v[2]), q_bytes(v[1]), v[0]);
}
P(e5)
{
    dis_put(d, "v%d.%c[%d]", v[0], "bhsdq"[imm5_es(v[1])], v[1] >> (imm5_es(v[1]) + 1));
}
P(e54)
{
    dis_put(d, "v%d.%c[%d]", v[0], "bhsdq"[imm5_es(v[1])], v[2] >> imm5_es(v[1]));
}
P(r5)
{
    dis_reg(d, imm5_es(v[1]) == 3 ? 'x' : 'w', (unsigned)v[0]);
}
P(s5)
{
    scalar(d, imm5_es(v[1]), v[0]);
}

/* -- shifts: immh, immb ------------------------------------------------------------------------------------------ */

static unsigned imm_es(i32 immh)
{
    return 31 - clz32((u32)immh);
}
P(vi) /* register, Q, immh, immb */
{
    vector(d, imm_es(v[2]), q_bytes(v[1]), v[0]);
}
P(vid)
{
    vector(d, imm_es(v[1]) + 1, 16, v[0]);
}
P(si)
{
    scalar(d, imm_es(v[1]), v[0]);
}
P(sid)
{
    scalar(d, imm_es(v[1]) + 1, v[0]);
}
P(shr)
{
    dis_put(d, "#%d", (16 << imm_es(v[0])) - (v[0] << 3 | v[1]));
}
P(shl)
{
    dis_put(d, "#%d", (v[0] << 3 | v[1]) - (8 << imm_es(v[0])));
}
P(shll) /* arr */
{
    dis_put(d, "#%d", 8 << (v[0] & 3));
}
P(scale)
{
    dis_put(d, "#%d", 64 - v[0]);
}

/* -- immediates -------------------------------------------------------------------------------------------------- */

static double imm8_value(i32 imm8)
{
    int exp = (imm8 >> 4 & 7) ^ 4;
    double m = (16 + (imm8 & 15)) / 16.0;
    m = exp >= 3 ? m * (1 << (exp - 3)) : m / (1 << (3 - exp));
    return imm8 & 0x80 ? -m : m;
}
P(fimm)
{
    dis_put(d, "#%.8f", imm8_value(v[0]));
}
/* Q, op, cmode, imm8, register: the whole of MOVI, MVNI, ORR, BIC and FMOV. */
P(movi)
{
    i32 q = v[0], op = v[1], cmode = v[2], imm8 = v[3], rd = v[4];
    if (cmode == 15) {
        dis_put(d, "fmov ");
        vector(d, op ? 3 : 2, q_bytes(q), rd);
        dis_put(d, ", #%.8f", imm8_value(imm8));
        return;
    }
    bool logic = cmode < 12 && cmode & 1;
    dis_put(d, "%s ", logic ? op ? "bic" : "orr" : op && cmode != 14 ? "mvni" : "movi");
    if (cmode == 14 && op) {
        u64 x = 0;
        for (unsigned i = 0; i < 8; i++) {
            x |= imm8 >> i & 1 ? 0xffull << 8 * i : 0;
        }
        if (q) {
            vector(d, 3, 16, rd);
        } else {
            scalar(d, 3, rd);
        }
        dis_put(d, ", #0x%llx", (unsigned long long)x);
        return;
    }
    vector(d, cmode == 14 ? 0 : cmode >= 8 && cmode < 12 ? 1 : 2, q_bytes(q), rd);
    dis_put(d, ", #0x%x", (u32)imm8);
    if (cmode >= 12 && cmode < 14) {
        dis_put(d, ", msl #%d", cmode & 1 ? 16 : 8);
    } else if (cmode < 12 && cmode >> 1 & (cmode < 8 ? 3 : 1)) {
        dis_put(d, ", lsl #%d", 8 * (cmode >> 1 & (cmode < 8 ? 3 : 1)));
    }
}
P(rot90)
{
    dis_put(d, "#%d", 90 * v[0]);
}
P(rot180)
{
    dis_put(d, "#%d", v[0] ? 270 : 90);
}

/* -- parts of mnemonics ------------------------------------------------------------------------------------------ */

P(two)
{
    dis_put(d, "%s", v[0] & 4 ? "2" : "");
}
P(two2)
{
    dis_put(d, "%s", v[0] ? "2" : "");
}
P(bt)
{
    dis_put(d, "%c", v[0] ? 't' : 'b');
}
P(e)
{
    dis_put(d, "%s", v[0] ? "e" : "");
}

#define K(name) \
    { \
#name, p_##name \
    }
const struct dis_kind dis_kinds_simd[] = {
    K(va),        K(vd),    K(vp),   K(vf),     K(vb),     K(vh),     K(vs),
    K(vfh),       K(v2h),   K(v1d),  K(vpair),  K(vnf),    K(vwf),    K(tbl),
    K(vzd),       K(vza),   K(sf),   K(fp),     K(hr),     K(sr),     K(dr),
    K(qr),        K(dtop),  K(elem), K(elemf),  K(elem4b), K(v5),     K(e5),
    K(e54),       K(r5),    K(s5),   K(vi),     K(vid),    K(si),     K(sid),
    K(shr),       K(shl),   K(shll), K(elem2h), K(two),    K(two2),   K(bt),
    K(e),         K(scale), K(fimm), K(movi),   K(rot90),  K(rot180), {"fbits", p_shr},
    {NULL, NULL},
};

/* SSE4.2's comparisons of strings. SPEC: SDM volume 2, 4.1. */
#include "base/bits.h"
#include "target/i386/helpers.h"
#include "tcg/ir.h"

enum { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

struct strings {
    const union v128 *a, *b;
    unsigned es, n;  /* elements there are */
    unsigned na, nb; /* of the strings */
    bool is_signed;
};

static i64 element(const struct strings *s, const union v128 *v, unsigned i)
{
    u64 x = lane_get(v, s->es, i);
    return s->is_signed ? sext(x, 8u << s->es) : (i64)x;
}

/* Does element j of the second string have a partner among those of the first? */
static bool any(const struct strings *s, unsigned j)
{
    for (unsigned i = 0; i < s->na; i++) {
        if (element(s, s->a, i) == element(s, s->b, j)) {
            return true;
        }
    }
    return false;
}
static bool in_ranges(const struct strings *s, unsigned j)
{
    i64 x = element(s, s->b, j);
    for (unsigned i = 0; i + 1 < s->na; i += 2) {
        if (x >= element(s, s->a, i) && x <= element(s, s->a, i + 1)) {
            return true;
        }
    }
    return false;
}
/* The first string lies at j of the second, as far as that goes. */
static bool ordered(const struct strings *s, unsigned j)
{
    for (unsigned i = 0; i < s->na && i + j < s->n; i++) {
        if (i + j >= s->nb || element(s, s->a, i) != element(s, s->b, i + j)) {
            return false;
        }
    }
    return true;
}

static u32 compare(const struct strings *s, unsigned how)
{
    u32 r = 0;
    for (unsigned j = 0; j < s->n; j++) {
        bool in = j < s->nb, hit;
        switch (how) {
        case EQUAL_ANY:
            hit = in && any(s, j);
            break;
        case RANGES:
            hit = in && in_ranges(s, j);
            break;
        case EQUAL_EACH: /* behind both ends they are equal */
            hit = j < s->na && in ? element(s, s->a, j) == element(s, s->b, j) : j >= s->na && !in;
            break;
        default:
            hit = ordered(s, j);
        }
        r |= (u32)hit << j;
    }
    return r;
}

static unsigned up_to_zero(const struct strings *s, const union v128 *v)
{
    unsigned i = 0;
    while (i < s->n && lane_get(v, s->es, i)) {
        i++;
    }
    return i;
}
static unsigned explicit_length(const struct strings *s, u64 byte)
{
    int n = (i8)byte;
    return MIN((unsigned)(n < 0 ? -n : n), s->n);
}

/* key: the immediate; bit 8: lengths at bits 16 and 24, else up to a zero. Returns the mask, at 16 the index, at 32 the
 * flags. */
u64 x86_h_string_compare(const union v128 *a, const union v128 *b, u64 key)
{
    unsigned imm = (unsigned)key & 0xff;
    struct strings s = {.a = a, .b = b, .es = imm & 1, .n = imm & 1 ? 8 : 16, .is_signed = imm & 2};
    s.na = key >> 8 & 1 ? explicit_length(&s, key >> 16) : up_to_zero(&s, a);
    s.nb = key >> 8 & 1 ? explicit_length(&s, key >> 24) : up_to_zero(&s, b);
    u32 r = compare(&s, imm >> 2 & 3);
    if (imm >> 4 & 1) { /* complemented; with bit 5 where the second string is */
        r ^= (u32)MASK(imm >> 5 & 1 ? s.nb : s.n);
    }
    unsigned index = !r ? s.n : imm >> 6 & 1 ? 31 - clz32(r) : ctz32(r);
    u64 flags = (r ? FL_C : 0) | (s.nb < s.n ? FL_Z : 0) | (s.na < s.n ? FL_N : 0) | (r & 1 ? FL_V : 0);
    return r | index << 16 | flags << 32;
}

/* Bits as they are, or a whole element for each. */
void x86_h_string_mask(union v128 *out, u64 word, u64 imm)
{
    unsigned es = imm & 1;
    *out = (union v128){.d = {word & 0xffff, 0}};
    for (unsigned i = 0; imm >> 6 & 1 && i < 16u >> es; i++) {
        lane_set(out, es, i, word >> i & 1 ? ~0ull : 0);
    }
}

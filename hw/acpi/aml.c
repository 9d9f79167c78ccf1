/* ACPI machine language: names, values, bodies (ACPI 6.4, 20.2). aml_res.c has resource descriptors. */
#include "hw/acpi/aml.h"

#include <string.h>

enum {
    NAME = 0x08,
    BYTE_PREFIX = 0x0a,
    WORD_PREFIX = 0x0b,
    DWORD_PREFIX = 0x0c,
    STRING_PREFIX = 0x0d,
    QWORD_PREFIX = 0x0e,
    SCOPE = 0x10,
    BUFFER = 0x11,
    PACKAGE = 0x12,
    METHOD = 0x14,
    DUAL_NAME = 0x2e,
    MULTI_NAME = 0x2f,
    EXT = 0x5b,
    EXT_REGION = 0x80,
    EXT_FIELD = 0x81,
    EXT_DEVICE = 0x82,
    IF = 0xa0,
    ELSE = 0xa1,
};

void aml_byte(struct aml *a, u8 v)
{
    buf_u8(&a->code, v);
}
void aml_op(struct aml *a, enum aml_op op)
{
    aml_byte(a, (u8)op);
}

/* -- bodies ------------------------------------------------------------------------------------------------------- */

static void body_begin(struct aml *a)
{
    must(a->depth < AML_DEPTH);
    a->open[a->depth++] = a->code.len;
}

/* The length counts its own bytes: 6 bits in one, else 4 bits and whole bytes. */
static unsigned length_make(u32 content, u8 *out)
{
    unsigned n = content + 1 < 1u << 6 ? 1 : content + 2 < 1u << 12 ? 2 : content + 3 < 1u << 20 ? 3 : 4;
    u32 v = content + n;
    if (n == 1) {
        out[0] = (u8)v;
        return 1;
    }
    out[0] = (u8)((n - 1) << 6 | (v & 15));
    for (unsigned i = 1; i < n; i++) {
        out[i] = (u8)(v >> (8 * i - 4));
    }
    return n;
}
void aml_end(struct aml *a)
{
    must(a->depth);
    size_t at = a->open[--a->depth], content = a->code.len - at;
    u8 length[4];
    unsigned n = length_make((u32)content, length);
    buf_put(&a->code, length, n);
    memmove(a->code.data + at + n, a->code.data + at, content);
    memcpy(a->code.data + at, length, n);
}

static void segment(struct aml *a, const char *s, size_t n)
{
    must(n >= 1 && n <= 4);
    char seg[4] = {'_', '_', '_', '_'};
    memcpy(seg, s, n);
    buf_put(&a->code, seg, 4);
}
void aml_ref(struct aml *a, const char *path)
{
    for (; *path == '\\' || *path == '^'; path++) {
        aml_byte(a, (u8)*path);
    }
    unsigned n = *path ? 1 : 0;
    for (const char *p = path; *p; p++) {
        n += *p == '.';
    }
    if (n == 0) {
        aml_byte(a, 0);
    } else if (n == 2) {
        aml_byte(a, DUAL_NAME);
    } else if (n > 2) {
        aml_byte(a, MULTI_NAME);
        aml_byte(a, (u8)n);
    }
    for (; n; n--) {
        size_t len = strcspn(path, ".");
        segment(a, path, len);
        path += len + 1;
    }
}

void aml_scope(struct aml *a, const char *path)
{
    aml_byte(a, SCOPE);
    body_begin(a);
    aml_ref(a, path);
}
void aml_device(struct aml *a, const char *name)
{
    aml_byte(a, EXT);
    aml_byte(a, EXT_DEVICE);
    body_begin(a);
    aml_ref(a, name);
}
void aml_method(struct aml *a, const char *name, unsigned args, bool serialized)
{
    aml_byte(a, METHOD);
    body_begin(a);
    aml_ref(a, name);
    aml_byte(a, (u8)(args | (serialized ? 8 : 0)));
}
void aml_package(struct aml *a, unsigned elements)
{
    aml_byte(a, PACKAGE);
    body_begin(a);
    aml_byte(a, (u8)elements);
}
void aml_buffer(struct aml *a, unsigned size)
{
    aml_byte(a, BUFFER);
    body_begin(a);
    aml_int(a, size);
}
void aml_if(struct aml *a)
{
    aml_byte(a, IF);
    body_begin(a);
}
void aml_else(struct aml *a)
{
    aml_byte(a, ELSE);
    body_begin(a);
}

/* -- values ------------------------------------------------------------------------------------------------------- */

void aml_name(struct aml *a, const char *path)
{
    aml_byte(a, NAME);
    aml_ref(a, path);
}
void aml_int_of(struct aml *a, u64 v, unsigned bytes)
{
    static const u8 prefix[9] = {[1] = BYTE_PREFIX, [2] = WORD_PREFIX, [4] = DWORD_PREFIX, [8] = QWORD_PREFIX};
    must(prefix[bytes]);
    aml_byte(a, prefix[bytes]);
    for (unsigned i = 0; i < bytes; i++) {
        aml_byte(a, (u8)(v >> 8 * i));
    }
}
void aml_int(struct aml *a, u64 v)
{
    if (v < 2) {
        aml_byte(a, (u8)v);
    } else {
        aml_int_of(a, v, v >> 32 ? 8 : v >> 16 ? 4 : v >> 8 ? 2 : 1);
    }
}
void aml_string(struct aml *a, const char *s)
{
    aml_byte(a, STRING_PREFIX);
    buf_put(&a->code, s, strlen(s) + 1);
}

static unsigned hex_of(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : ((unsigned)c | 0x20) - 'a' + 10;
}
/* Three letters in five bits each, four digits; the most significant byte comes first. */
void aml_eisa_id(struct aml *a, const char *id)
{
    must(strlen(id) == 7);
    u32 v = 0;
    for (unsigned i = 0; i < 3; i++) {
        v = v << 5 | ((u32)(id[i] - '@') & 31);
    }
    for (unsigned i = 3; i < 7; i++) {
        v = v << 4 | hex_of(id[i]);
    }
    aml_int_of(a, __builtin_bswap32(v), 4);
}
/* The first three groups of the text are numbers, stored little-endian. */
void aml_uuid(struct aml *a, const char *text)
{
    static const u8 at[16] = {6, 4, 2, 0, 11, 9, 16, 14, 19, 21, 24, 26, 28, 30, 32, 34};
    aml_buffer(a, 16);
    for (unsigned i = 0; i < 16; i++) {
        aml_byte(a, (u8)(hex_of(text[at[i]]) << 4 | hex_of(text[at[i] + 1])));
    }
    aml_end(a);
}

void aml_region(struct aml *a, const char *name, enum aml_space space, u64 at, u64 size)
{
    aml_byte(a, EXT);
    aml_byte(a, EXT_REGION);
    aml_ref(a, name);
    aml_byte(a, (u8)space);
    aml_int(a, at);
    aml_int(a, size);
}
void aml_field(struct aml *a, const char *region)
{
    aml_byte(a, EXT);
    aml_byte(a, EXT_FIELD);
    body_begin(a);
    aml_ref(a, region);
    aml_byte(a, 1); /* byte accesses, no lock, other bits are preserved */
}
void aml_unit(struct aml *a, const char *name, unsigned bits)
{
    u8 length[4];
    if (name) {
        segment(a, name, strlen(name));
    } else {
        aml_byte(a, 0);
    }
    /* A number of bits, in the form of a length that does not count itself. */
    unsigned n = bits < 1u << 6 ? 1 : 2;
    length[0] = (u8)(n == 1 ? bits : 1u << 6 | (bits & 15));
    length[1] = (u8)(bits >> 4);
    buf_put(&a->code, length, n);
}

/* Instruction encodings as data: what tools/gen-decode.py makes of a .decode table besides the decoder. Readers: the
 * disassembler here, random-code generators, coverage lists. Instructions are words of 32 bits. */
#ifndef MOSS_TARGET_PATTERN_H
#define MOSS_TARGET_PATTERN_H

#include <stddef.h>

#include "base/types.h"

/* A field of an encoding: up to three runs of bits, the most significant first. */
struct pattern_field {
    const char *name;
    u8 is_signed, nparts;
    struct {
        u8 pos, len;
    } parts[3];
};
struct pattern {
    const char *name, *assembly;
    u32 mask, fixed; /* bits that must match, and what they are */
    u32 should;      /* ignored bits that should be 1 */
    u32 free;        /* ignored bits of any value */
    u8 klass;        /* of the table's %class lines, the target's enum */
    i8 feature;      /* the target's enum; -1: none */
    u8 nfields, nlimits;
    struct pattern_field fields[10];
    struct {
        u8 field, is_bound; /* value != v, or < v */
        u16 v;
    } limits[12];
};
/* The value of field number `field`, sign extended if the field is signed. */
u32 pattern_value(const struct pattern *p, unsigned field, u32 insn);
bool pattern_allows(const struct pattern *p, u32 insn); /* the fields keep their limits */
/* The first of the n that matches: lines that overlap stand in their order of priority. NULL: unallocated. */
const struct pattern *pattern_find(const struct pattern *table, unsigned n, u32 insn);

/* -- disassembly ----------------------------------------------------------------------------------------------- */

struct dis {
    char *out;
    size_t n, at; /* room, used */
    u64 pc;
};
void dis_put(struct dis *d, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* {kind:a:b} in an assembly text: a and b are fields of the pattern, or numbers; v holds them in order. */
struct dis_kind {
    const char *name; /* NULL ends a list */
    void (*print)(struct dis *d, const i32 *v);
};
/* Prints the instruction as its line says. `kinds`: lists of printers, ended by NULL. */
void pattern_print(struct dis *d, const struct pattern *p, u32 insn, const struct dis_kind *const *kinds);
/* The first {kind} of the table without a printer, NULL when all have one. */
const char *pattern_unprinted(const struct pattern *table, unsigned n, const struct dis_kind *const *kinds);

/* -- for the generated decoder ------------------------------------------------------------------------------------ */

#define UBITS(insn, pos, len) ((insn) >> (pos) & ((1u << (len)) - 1))
#define SBITS(insn, pos, len) ((i32)((insn) << (32 - (pos) - (len))) >> (32 - (len)))
#define SEXT(v, len)          ((i32)((v) << (32 - (len))) >> (32 - (len)))

#endif

/* The A64 disassembler made from the pattern tables: for encodings the disassembly library does not know, and to check
 * the tables against it. It prints no aliases (lsl is ubfm). */
#include "target/arm/a64/disas.h"

static const struct dis_kind *const kinds[] = {dis_kinds, dis_kinds_simd, NULL};

int a64_disas(char *out, size_t n, u64 pc, u32 insn)
{
    const struct pattern *p = a64_find(insn);
    struct dis d = {.out = out, .n = n, .pc = pc};
    if (!p) {
        return 0;
    }
    pattern_print(&d, p, insn, kinds);
    return 4;
}

const char *a64_disas_missing(void)
{
    return pattern_unprinted(a64_patterns, a64_npatterns, kinds);
}

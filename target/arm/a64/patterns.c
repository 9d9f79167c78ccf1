/* The A64 encodings as data: for the disassembler, the random-code generator and coverage lists. */
#include "target/arm/a64/a64.h"

#define CLASS(name)   A64_##name
#define FEATURE(name) ARM_FEAT_##name
const struct pattern a64_patterns[] = {
#include "target/arm/a64/a64_table.inc"
};
const unsigned a64_npatterns = ARRAY_LEN(a64_patterns);

const struct pattern *a64_find(u32 insn)
{
    return pattern_find(a64_patterns, a64_npatterns, insn);
}

/* Disassembly of translated code by capstone. */
#include "tcg/host/aarch64/a_priv.h"

#include <capstone/capstone.h>

int a_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail)
{
    static _Thread_local csh cs;
    if (!cs && cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &cs) != CS_ERR_OK) {
        cs = 0;
        return 0;
    }
    cs_insn *insn;
    if (cs_disasm(cs, p, avail, addr, 1, &insn) != 1) {
        return 0;
    }
    snprintf(out, n, "%s %s", insn->mnemonic, insn->op_str);
    int size = insn->size;
    cs_free(insn, 1);
    return size;
}

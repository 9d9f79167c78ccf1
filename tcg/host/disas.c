/* Disassembly of translated code by capstone. */
#include "tcg/host/gen_priv.h"

#include <capstone/capstone.h>

/* `cs`: the thread's own, 0 before the first call. */
static int disas(csh *cs, cs_arch arch, cs_mode mode, char *out, size_t n, u64 addr, const u8 *p, size_t avail)
{
    if (!*cs && cs_open(arch, mode, cs) != CS_ERR_OK) {
        *cs = 0;
        return 0;
    }
    cs_insn *insn;
    if (cs_disasm(*cs, p, avail, addr, 1, &insn) != 1) {
        return 0;
    }
    snprintf(out, n, "%s %s", insn->mnemonic, insn->op_str);
    int size = insn->size;
    cs_free(insn, 1);
    return size;
}

int x_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail)
{
    static _Thread_local csh cs;
    return disas(&cs, CS_ARCH_X86, CS_MODE_64, out, n, addr, p, avail);
}

int a_disas(char *out, size_t n, u64 addr, const u8 *p, size_t avail)
{
    static _Thread_local csh cs;
    return disas(&cs, CS_ARCH_ARM64, CS_MODE_ARM, out, n, addr, p, avail);
}

/* Disassembly for logs and the monitor. Capstone prints what it knows; the pattern tables print the rest (capstone 4
 * ends at Armv8.2). One handle, so one thread at a time. */
#include "target/arm/disas.h"

#include <capstone/capstone.h>
#include <pthread.h>
#include <string.h>

#include "base/bits.h"
#include "target/arm/cpu.h"

static bool capstone_disas(char *out, size_t n, u64 pc, const u8 *p)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static csh handle;
    static bool tried, open;
    bool ok = false;
    pthread_mutex_lock(&lock);
    if (!tried) {
        tried = true;
        open = cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle) == CS_ERR_OK;
    }
    cs_insn *insn;
    if (open && cs_disasm(handle, p, 4, pc, 1, &insn) == 1) {
        snprintf(out, n, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        cs_free(insn, 1);
        ok = true;
    }
    pthread_mutex_unlock(&lock);
    return ok;
}

int arm_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode)
{
    (void)mode;
    if (avail < 4) {
        return 0;
    }
    u32 insn = ld32le(p);
    if (!capstone_disas(out, n, pc, p) && !a64_disas(out, n, pc, insn)) {
        snprintf(out, n, ".inst 0x%08x", insn);
    }
    return 4;
}

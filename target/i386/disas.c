/* Disassembly for logs and the monitor, by capstone; what it does not know and the decoder does is named after its
 * row. A handle for each size of code, and one thread at a time. */
#include "target/i386/disas.h"

#include <capstone/capstone.h>
#include <pthread.h>
#include <string.h>

#include "target/i386/cpu_slots.h"

static int capstone_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, unsigned bits)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static csh handles[3];
    static bool open[3];
    unsigned i = bits == 64 ? 2 : bits == 32 ? 1 : 0;
    static const cs_mode modes[3] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    int len = 0;
    pthread_mutex_lock(&lock);
    open[i] = open[i] || cs_open(CS_ARCH_X86, modes[i], &handles[i]) == CS_ERR_OK;
    cs_insn *insn;
    if (open[i] && cs_disasm(handles[i], p, MIN(avail, 15u), pc, 1, &insn) == 1) {
        snprintf(out, n, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        len = insn->size;
        cs_free(insn, 1);
    }
    pthread_mutex_unlock(&lock);
    return len;
}

int x86_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode)
{
    struct x86_instr in;
    unsigned bits = MODE_BITS(mode);
    int len = capstone_disas(out, n, pc, p, avail, bits);
    if (!len && x86_decode(&in, p, (unsigned)MIN(avail, 15u), bits, x86_features_of(MODE_FEAT(mode))) == X86_DECODED) {
        snprintf(out, n, "%s", in.row->name);
        len = in.len;
    }
    if (!len && avail) {
        snprintf(out, n, ".byte 0x%02x", p[0]);
        len = 1;
    }
    return len;
}

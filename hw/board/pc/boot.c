/* How a PC boots: its firmware from the reset vector on. */
#include <elf.h>

#include "hw/board/pc/pc_priv.h"

static const struct kernel_rules *rules(const struct machine *m, struct kernel_rules *r)
{
    *r = (struct kernel_rules){.ram_size = pc_of(m)->below_4g, .elf_machines = {EM_386, EM_X86_64}, .raw_offset = MIB};
    return r;
}

bool pc_load_program(struct machine *m, const char *path, struct kernel *k, struct err *e)
{
    struct kernel_rules r;
    return kernel_load(m, path, rules(m, &r), k, e);
}

bool pc_boot(struct machine *m, struct err *e)
{
    return pc_facts_add(m, e) && pc_firmware_load(m, e) && loader_check(m, e);
}

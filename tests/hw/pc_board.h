/* A PC board as its tests see it: built from a few wishes, looked at by ports and memory. */
#ifndef MOSS_TESTS_HW_PC_BOARD_H
#define MOSS_TESTS_HW_PC_BOARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "base/bits.h"
#include "base/lock.h"
#include "hw/core/machine.h"

struct wish {
    const char *options, *vga, *order, *once;
    unsigned cpus;
    u64 ram;
    const char *kernel, *initrd, *append;
    bool watched, own_firmware; /* the board's own instead of the test's */
};

/* A group's: a scratch folder, and in it a ROM whose last 64 KiB count up. */
int pc_set_up(void **st);
int pc_tear_down(void **st);
char *pc_file(const char *name, const void *data, size_t n); /* in that folder; g_free */

struct machine *pc_build(const struct board *b, const struct wish *w, struct err *e);
struct machine *pc_build_ok(const struct board *b, const struct wish *w); /* and reset */
void pc_reset_again(struct machine *m);

static inline u64 in(struct machine *m, u64 port, unsigned size)
{
    u64 v = 0;
    return mem_load(m->iospace, port, size, &v, (struct mem_attrs){0}) == MEM_OK ? v : MASK(8 * size);
}
static inline void out(struct machine *m, u64 port, unsigned size, u64 v)
{
    mem_store(m->iospace, port, size, v, (struct mem_attrs){0});
}
static inline u64 rd(struct machine *m, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(m->sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static inline void wr(struct machine *m, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(m->sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
u64 pc_config(struct machine *m, unsigned devfn, unsigned off, unsigned size);
void pc_configure(struct machine *m, unsigned devfn, unsigned off, unsigned size, u64 v);
unsigned pc_requests(struct machine *m); /* what the two 8259 see requested */
/* The machine's maps against tests/golden/NAME.map. */
void pc_map_is_golden(struct machine *m, const char *name);
/* The directory by DMA, the file by its port; the file's length, 0: there is none. */
u32 fw_cfg_read_file(struct machine *m, const char *want, void *to, unsigned room);

#endif

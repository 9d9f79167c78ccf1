/* What the tests of IDE share: a PIIX3 behind a PCI host, a disk on its first channel, a CD on its second, and the
 * ports as drivers use them. */
#ifndef MOSS_TESTS_HW_IDE_PC_H
#define MOSS_TESTS_HW_IDE_PC_H

#include "base/bits.h"
#include "hw/ide/ide_bus.h"
#include "tests/hw/bench.h"
#include "tests/hw/disk_image.h"

#define ECAM 0x3f000000ull
#define PIO  0x3eff0000ull
#define BM   0xc000u
#define PRD  (BENCH_RAM + 0x1000)
#define DATA (BENCH_RAM + 0x10000)

enum { DATA_R, ERROR_R, COUNT_R, LOW_R, MID_R, HIGH_R, DEV_R, STATUS_R };
enum { ERR = 1, DRQ = 8, BSY = 0x80 };

struct pc {
    struct bench *b;
    struct device *ide, *hd, *cd;
    struct image disk, disc;
    int irq[2];
    unsigned rises[2];
};

static inline u64 rd(struct pc *p, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(p->b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static inline void wr(struct pc *p, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(p->b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static inline u8 in(struct pc *p, unsigned port)
{
    return (u8)rd(p, PIO + port, 1);
}
static inline void out(struct pc *p, unsigned port, u8 v)
{
    wr(p, PIO + port, 1, v);
}
static inline unsigned base(unsigned channel)
{
    return channel ? 0x170 : 0x1f0;
}

/* Entry i of the bus master's table, which is at PRD. */
static inline void prd(struct pc *p, unsigned i, u64 addr, u32 len, bool last)
{
    wr(p, PRD + 8 * i, 4, addr);
    wr(p, PRD + 8 * i + 4, 4, (len & 0xffff) | (last ? 0x80000000u : 0));
}

/* A disk as ide.0 unit 0, a CD as ide.1 unit 0. hd_props: of the disk, "key=value,..."; NULL: as a board attaches it.
 */
struct pc *pc_new(bool read_only, const char *hd_props);
void pc_free(struct pc *p);
u8 wait_status(struct pc *p, unsigned channel);
/* The task file, 48-bit registers too, but for the command. */
void taskfile(struct pc *p, unsigned ch, u64 lba, unsigned count, u8 features, u8 device);
void read_block(struct pc *p, unsigned ch, u8 *to, unsigned n);
void write_block(struct pc *p, unsigned ch, const u8 *from, unsigned n);

#endif

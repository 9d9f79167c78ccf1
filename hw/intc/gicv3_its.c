/* GICv3 Interrupt Translation Service (IHI 0069H, chapter 5 and 12.19): turns (DeviceID, EventID) of an MSI into an LPI
 * at a redistributor, by tables in guest memory that a command queue maintains.
 *
 * Nothing of the tables is cached, so SYNC has nothing to wait for. Tables and queue must lie in RAM. The entries' own
 * formats are ours to choose, 8 bytes each:
 *   device        63 valid, 51:8 address of its interrupt translation table, 4:0 EventID bits minus 1
 *   translation   63 valid, 47:32 collection, 31:0 LPI
 *   collection    63 valid, 15:0 CPU
 * 16-bit DeviceIDs, EventIDs and collections; RDbase is the CPU's number (PTA = 0). A command that is wrong is a guest
 * error and is skipped. Not modelled: GICv4's virtual commands. */
#include "hw/intc/gicv3_priv.h"

#define ITS_BASERS     8
#define ITS_ID_BITS    16
#define ITS_ENTRY_SIZE 8u
#define ITS_VALID      BIT(63)
#define ITS_INDIRECT   BIT(62)
#define ITS_ADDR_MASK  0xffffffffff000ull
#define CTLR_ENABLED   1u
#define CTLR_QUIESCENT (1u << 31)
#define COMMAND_SIZE   32u
#define TRANSLATER     0x10040u

enum { TABLE_DEVICES, TABLE_COLLECTIONS, TABLES };

struct its {
    struct device dev;
    struct gicv3 *gic;
    u32 ctlr;
    u64 cbaser, cwriter, creadr;
    u64 baser[ITS_BASERS];
};

/* -- memory ---------------------------------------------------------------------------------------------------- */

static u8 *ram(struct its *s, u64 addr, u64 len, bool write)
{
    u64 n = len;
    u8 *p = mem_map(s->dev.dma, addr, &n, write);
    return p && n == len ? p : NULL;
}

static bool load64(struct its *s, u64 addr, u64 *v)
{
    const u8 *p = ram(s, addr, 8, false);
    if (!p) {
        guest_error(device_name(&s->dev), "table at 0x%llx is not in RAM", (unsigned long long)addr);
        return false;
    }
    *v = ld64le(p);
    return true;
}

static bool store64(struct its *s, u64 addr, u64 v)
{
    u8 *p = ram(s, addr, 8, true);
    if (!p) {
        guest_error(device_name(&s->dev), "table at 0x%llx is not in RAM", (unsigned long long)addr);
        return false;
    }
    st64le(p, v);
    mem_wrote(p, 8);
    return true;
}

/* The address of entry `id` of a table; false: the table has no such entry. */
static bool table_entry(struct its *s, unsigned table, u32 id, u64 *addr)
{
    u64 b = s->baser[table];
    unsigned page_bits = MIN(12 + 2 * (unsigned)bits(b, 8, 2), 16);
    u64 base = b & 0xfffffffff000ull, size = (bits(b, 0, 8) + 1) << page_bits;
    if (page_bits == 16) {
        base = (b & 0xffffffff0000ull) | bits(b, 12, 4) << 48;
    }
    if (!(b & ITS_VALID)) {
        return false;
    }
    if (!(b & ITS_INDIRECT)) {
        *addr = base + (u64)id * ITS_ENTRY_SIZE;
        return (u64)id * ITS_ENTRY_SIZE < size;
    }
    u64 per_page = (1ull << page_bits) / ITS_ENTRY_SIZE, l1 = id / per_page * 8, page;
    if (l1 >= size || !load64(s, base + l1, &page) || !(page & ITS_VALID)) {
        return false;
    }
    *addr = (page & ITS_ADDR_MASK & ~((1ull << page_bits) - 1)) + id % per_page * ITS_ENTRY_SIZE;
    return true;
}

static bool table_load(struct its *s, unsigned table, u32 id, u64 *entry)
{
    u64 addr;
    return table_entry(s, table, id, &addr) && load64(s, addr, entry) && *entry & ITS_VALID;
}

/* -- translation ------------------------------------------------------------------------------------------------ */

/* Where the translation of an event stands. */
static bool event_addr(struct its *s, u32 device, u32 event, u64 *addr)
{
    u64 dte;
    if (device >> ITS_ID_BITS || !table_load(s, TABLE_DEVICES, device, &dte) || (u64)event >> (bits(dte, 0, 5) + 1)) {
        return false;
    }
    *addr = (dte & 0xfffffffffff00ull) + (u64)event * ITS_ENTRY_SIZE;
    return true;
}

static bool event_load(struct its *s, u32 device, u32 event, u64 *ite)
{
    u64 addr;
    return event_addr(s, device, event, &addr) && load64(s, addr, ite) && *ite & ITS_VALID;
}

static struct gicv3_cpu *collection_cpu(struct its *s, u32 icid)
{
    u64 cte;
    if (!table_load(s, TABLE_COLLECTIONS, icid, &cte) || bits(cte, 0, 16) >= s->gic->num_cpu) {
        return NULL;
    }
    return s->gic->cpu[bits(cte, 0, 16)];
}

static u32 ite_lpi(u64 ite)
{
    return (u32)bits(ite, 0, 32);
}
static u32 ite_icid(u64 ite)
{
    return (u32)bits(ite, 32, 16);
}

/* Finds the LPI and the CPU of an event. */
static bool translate(struct its *s, u32 device, u32 event, u32 *lpi, struct gicv3_cpu **c)
{
    u64 ite;
    if (!event_load(s, device, event, &ite)) {
        return false;
    }
    *lpi = ite_lpi(ite);
    *c = collection_cpu(s, ite_icid(ite));
    return *c != NULL;
}

static bool event_pend(struct its *s, u32 device, u32 event, bool pending)
{
    u32 lpi;
    struct gicv3_cpu *c;
    if (!translate(s, device, event, &lpi, &c)) {
        return false;
    }
    gicv3_lpi_set(c, lpi, pending);
    gicv3_cpu_update(c);
    return true;
}

/* -- commands: q is the command's four doublewords; false: the command is wrong ----------------------------------- */

static u32 q_device(const u64 *q)
{
    return (u32)bits(q[0], 32, 32);
}
static u32 q_event(const u64 *q)
{
    return (u32)bits(q[1], 0, 32);
}
static u32 q_icid(const u64 *q)
{
    return (u32)bits(q[2], 0, 16);
}
static struct gicv3_cpu *rdbase_cpu(struct its *s, u64 dw)
{
    u64 n = bits(dw, 16, 35);
    return n < s->gic->num_cpu ? s->gic->cpu[n] : NULL;
}

static bool cmd_mapd(struct its *s, const u64 *q)
{
    u64 addr, size = bits(q[1], 0, 5);
    if (q_device(q) >> ITS_ID_BITS || size >= ITS_ID_BITS || !table_entry(s, TABLE_DEVICES, q_device(q), &addr)) {
        return false;
    }
    return store64(s, addr, q[2] & ITS_VALID ? ITS_VALID | (q[2] & 0xfffffffffff00ull) | size : 0);
}

static bool cmd_mapc(struct its *s, const u64 *q)
{
    u64 addr;
    bool valid = q[2] & ITS_VALID;
    if (!table_entry(s, TABLE_COLLECTIONS, q_icid(q), &addr) || (valid && !rdbase_cpu(s, q[2]))) {
        return false;
    }
    return store64(s, addr, valid ? ITS_VALID | bits(q[2], 16, 16) : 0);
}

static bool map_event(struct its *s, const u64 *q, u32 lpi)
{
    u64 addr;
    if (lpi < GICV3_LPI_BASE || lpi >> GICV3_ID_BITS || !event_addr(s, q_device(q), q_event(q), &addr)) {
        return false;
    }
    return store64(s, addr, ITS_VALID | (u64)q_icid(q) << 32 | lpi);
}

static bool cmd_mapti(struct its *s, const u64 *q)
{
    return map_event(s, q, (u32)bits(q[1], 32, 32));
}

static bool cmd_mapi(struct its *s, const u64 *q)
{
    return map_event(s, q, q_event(q));
}

static bool cmd_movi(struct its *s, const u64 *q)
{
    u64 addr, ite;
    if (!event_addr(s, q_device(q), q_event(q), &addr) || !load64(s, addr, &ite) || !(ite & ITS_VALID)) {
        return false;
    }
    struct gicv3_cpu *from = collection_cpu(s, ite_icid(ite)), *to = collection_cpu(s, q_icid(q));
    if (!from || !to || !store64(s, addr, deposit(ite, 32, 16, q_icid(q)))) {
        return false;
    }
    gicv3_lpi_move(from, to, ite_lpi(ite));
    gicv3_cpu_update(from);
    gicv3_cpu_update(to);
    return true;
}

static bool cmd_movall(struct its *s, const u64 *q)
{
    struct gicv3_cpu *from = rdbase_cpu(s, q[2]), *to = rdbase_cpu(s, q[3]);
    if (!from || !to) {
        return false;
    }
    if (from != to) {
        gicv3_lpi_move_all(from, to);
        gicv3_cpu_update(from);
        gicv3_cpu_update(to);
    }
    return true;
}

static bool cmd_discard(struct its *s, const u64 *q)
{
    u64 addr;
    event_pend(s, q_device(q), q_event(q), false);
    return event_addr(s, q_device(q), q_event(q), &addr) && store64(s, addr, 0);
}

static bool cmd_int(struct its *s, const u64 *q)
{
    return event_pend(s, q_device(q), q_event(q), true);
}

static bool cmd_clear(struct its *s, const u64 *q)
{
    return event_pend(s, q_device(q), q_event(q), false);
}

static bool refresh(struct gicv3_cpu *c)
{
    if (!c) {
        return false;
    }
    gicv3_lpi_rescan(c);
    gicv3_cpu_update(c);
    return true;
}

static bool cmd_inv(struct its *s, const u64 *q)
{
    u32 lpi;
    struct gicv3_cpu *c;
    return translate(s, q_device(q), q_event(q), &lpi, &c) && refresh(c);
}

static bool cmd_invall(struct its *s, const u64 *q)
{
    return refresh(collection_cpu(s, q_icid(q)));
}

static bool cmd_sync(struct its *s, const u64 *q)
{
    return rdbase_cpu(s, q[2]) != NULL;
}

static const struct command {
    const char *name;
    bool (*run)(struct its *s, const u64 *q);
} commands[256] = {
    [0x01] = {"MOVI", cmd_movi},     [0x03] = {"INT", cmd_int},       [0x04] = {"CLEAR", cmd_clear},
    [0x05] = {"SYNC", cmd_sync},     [0x08] = {"MAPD", cmd_mapd},     [0x09] = {"MAPC", cmd_mapc},
    [0x0a] = {"MAPTI", cmd_mapti},   [0x0b] = {"MAPI", cmd_mapi},     [0x0c] = {"INV", cmd_inv},
    [0x0d] = {"INVALL", cmd_invall}, [0x0e] = {"MOVALL", cmd_movall}, [0x0f] = {"DISCARD", cmd_discard},
};

static void command_run(struct its *s, const u64 *q)
{
    const struct command *cmd = &commands[q[0] & 0xff];
    if (!cmd->run) {
        guest_error(device_name(&s->dev), "unknown command 0x%02x", (unsigned)(q[0] & 0xff));
    } else if (!cmd->run(s, q)) {
        guest_error(device_name(&s->dev), "%s %llx %llx %llx names something that is not mapped", cmd->name,
                    (unsigned long long)q[0], (unsigned long long)q[1], (unsigned long long)q[2]);
    }
}

/* Runs all commands that the guest has queued; at most a queue's worth, since CWRITER stands still meanwhile. */
static void commands_run(struct its *s)
{
    u64 size = (bits(s->cbaser, 0, 8) + 1) << 12, base = s->cbaser & ITS_ADDR_MASK;
    if (!(s->ctlr & CTLR_ENABLED) || !(s->cbaser & ITS_VALID) || s->cwriter >= size) {
        return;
    }
    while (s->creadr != s->cwriter) {
        const u8 *p = ram(s, base + s->creadr, COMMAND_SIZE, false);
        if (!p) {
            guest_error(device_name(&s->dev), "the command queue is not in RAM");
            return;
        }
        u64 q[4] = {ld64le(p), ld64le(p + 8), ld64le(p + 16), ld64le(p + 24)};
        command_run(s, q);
        s->creadr = (s->creadr + COMMAND_SIZE) % size;
    }
}

/* -- registers --------------------------------------------------------------------------------------------------- */

static bool enabled(struct its *s, const char *reg)
{
    if (s->ctlr & CTLR_ENABLED) {
        guest_error(device_name(&s->dev), "%s written while the ITS is enabled", reg);
    }
    return s->ctlr & CTLR_ENABLED;
}

static u64 ctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    const struct its *s = (struct its *)d;
    return s->ctlr & CTLR_ENABLED ? s->ctlr : s->ctlr | CTLR_QUIESCENT;
}

static void ctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    struct its *s = (struct its *)d;
    s->ctlr = v & CTLR_ENABLED;
    commands_run(s);
}

static u64 iidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x43b;
}

/* Physical LPIs; ITT entry size; EventID, DeviceID and collection bits, each minus 1; CIL. */
static u64 typer_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    u64 id = ITS_ID_BITS - 1;
    return 1 | (ITS_ENTRY_SIZE - 1) << 4 | id << 8 | id << 13 | id << 32 | BIT(36);
}

static u64 cbaser_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return ((struct its *)d)->cbaser;
}

static void cbaser_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    struct its *s = (struct its *)d;
    if (!enabled(s, "GITS_CBASER")) {
        s->cbaser = v & 0xb8effffffffffcffull;
        s->creadr = 0;
    }
}

static u64 cwriter_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return ((struct its *)d)->cwriter;
}

static void cwriter_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    struct its *s = (struct its *)d;
    u64 size = (bits(s->cbaser, 0, 8) + 1) << 12;
    v &= 0xfffe0;
    if (v >= size) {
        guest_error(d->cls->name, "GITS_CWRITER 0x%llx is outside the queue", (unsigned long long)v);
        return;
    }
    s->cwriter = v;
    commands_run(s);
}

static u64 creadr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return ((struct its *)d)->creadr;
}

/* Type and Entry_Size are fixed; tables that there are not read as zero. */
#define BASER_FIXED 0x071f000000000000ull

static u64 baser_fixed(unsigned n)
{
    static const u8 types[TABLES] = {[TABLE_DEVICES] = 1, [TABLE_COLLECTIONS] = 4};
    return n < TABLES ? (u64)types[n] << 56 | (u64)(ITS_ENTRY_SIZE - 1) << 48 : 0;
}

static u64 baser_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    return ((struct its *)d)->baser[n];
}

static void baser_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    struct its *s = (struct its *)d;
    if (n < TABLES && !enabled(s, "GITS_BASER")) {
        s->baser[n] = (v & ~BASER_FIXED) | baser_fixed(n);
    }
}

static u64 its_id_read(struct device *d, struct gic_acc a, unsigned n)
{
    return n == 4 ? 0x94 : gicv3_id_read(d, a, n);
}

// clang-format off
static const struct gic_reg its_regs[] = {
    { 0x0000, 0x0004,  4, "GITS_CTLR",    ctlr_read,    ctlr_write },
    { 0x0004, 0x0008,  4, "GITS_IIDR",    iidr_read,    NULL },
    { 0x0008, 0x0010,  8, "GITS_TYPER",   typer_read,   NULL },
    { 0x0080, 0x0088,  8, "GITS_CBASER",  cbaser_read,  cbaser_write },
    { 0x0088, 0x0090,  8, "GITS_CWRITER", cwriter_read, cwriter_write },
    { 0x0090, 0x0098,  8, "GITS_CREADR",  creadr_read,  NULL },
    { 0x0100, 0x0140,  8, "GITS_BASER",   baser_read,   baser_write },
    { 0xffd0, 0x10000, 4, "GITS_ID",      its_id_read,  NULL },
    { TRANSLATER, TRANSLATER + 4, 4, "GITS_TRANSLATER", NULL, NULL },
    {0},
};
// clang-format on

static enum mem_result its_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct its *s = opaque;
    (void)a;
    gicv3_lock(s->gic);
    *val = gic_regs_read(&s->dev, its_regs, off, size, (struct gic_acc){0});
    gicv3_unlock(s->gic);
    return MEM_OK;
}

static enum mem_result its_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct its *s = opaque;
    gicv3_lock(s->gic);
    if (off == TRANSLATER && size <= 4) {
        if (s->ctlr & CTLR_ENABLED && !event_pend(s, a.requester, (u32)val, true)) {
            guest_error(device_name(&s->dev), "MSI of device %x, event %u is not mapped", a.requester, (unsigned)val);
        }
    } else {
        gic_regs_write(&s->dev, its_regs, off, size, val, (struct gic_acc){0});
    }
    gicv3_unlock(s->gic);
    return MEM_OK;
}

static const struct mem_ops its_ops = {
    .read = its_read, .write = its_write, .min_size = 1, .max_size = 8, .unlocked = true};

/* -- device -------------------------------------------------------------------------------------------------------- */

void gicv3_its_attach(struct device *its, struct device *gic)
{
    ((struct its *)its)->gic = (struct gicv3 *)gic;
}

static bool its_init(struct device *d, struct err *e)
{
    struct its *s = (struct its *)d;
    if (!s->gic || !s->gic->has_lpi) {
        return err_set(e, "an ITS needs a GICv3 with has-lpi=on");
    }
    return true;
}

static void its_reset(struct device *d)
{
    struct its *s = (struct its *)d;
    for (unsigned n = 0; n < ITS_BASERS; n++) {
        s->baser[n] = baser_fixed(n);
    }
}

static bool its_loaded(struct device *d, struct err *e)
{
    struct its *s = (struct its *)d;
    u64 size = (bits(s->cbaser, 0, 8) + 1) << 12;
    if (s->creadr >= size || s->creadr % COMMAND_SIZE || s->cwriter % COMMAND_SIZE) {
        return err_set(e, "the ITS command queue's pointers are outside the queue");
    }
    return true;
}

static const struct field its_state[] = {
    FIELD(struct its, ctlr),   FIELD(struct its, cbaser), FIELD(struct its, cwriter),
    FIELD(struct its, creadr), FIELDS(struct its, baser), {0},
};

const struct device_class gicv3_its_class = {
    .name = "arm-gicv3-its",
    .doc = "Interrupt Translation Service of a GICv3",
    .bus = "sysbus",
    .compatible = "arm,gic-v3-its\0",
    .fdt_name = "its",
    .size = sizeof(struct its),
    .mmio_size = 0x20000,
    .min_access = 1,
    .max_access = 8,
    .state = its_state,
    .ops = &its_ops,
    .init = its_init,
    .reset = its_reset,
    .loaded = its_loaded,
};

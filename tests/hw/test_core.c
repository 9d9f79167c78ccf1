/* hw/core on made-up classes: register tables, properties, buses, parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/opts.h"
#include "hw/core/machine.h"
#include "tests/hw/bench.h"

/* -- a device with a register of every kind ----------------------------------------------------------- */

struct toy {
    struct device dev;
    u32 plain, ro, cause, hooked;
    u16 half[4];
    u8 bytes[8];
    u64 wide;
    unsigned writes, last_i;
    /* properties */
    bool on;
    u8 small;
    u16 medium;
    u64 size;
    const char *text;
    u8 mac[6];
    void *chr;
    int resets, inits, finis;
};

static u64 hooked_read(struct device *d, unsigned i)
{
    return ((struct toy *)d)->hooked + i;
}
static void hooked_write(struct device *d, unsigned i, u64 v)
{
    struct toy *t = (struct toy *)d;
    t->hooked = (u32)v;
    t->last_i = i;
    t->writes++;
}

static const struct reg toy_regs[] = {
    REG(0x00, "PLAIN", struct toy, plain, .wmask = 0x00ffff0f),
    REG(0x04, "RO", struct toy, ro),
    REG(0x08, "CAUSE", struct toy, cause, .wmask = 0xff00, .w1c = 0xff),
    {.off = 0x10, .name = "HOOKED", .count = 4, .read = hooked_read, .write = hooked_write},
    {.off = 0x20, .name = "WO", .write = hooked_write},
    {.off = 0x30,
     .name = "HALF",
     .size = 2,
     .count = 4,
     .stride = 4,
     .field = offsetof(struct toy, half),
     .has_field = true,
     .wmask = 0xffff},
    {.off = 0x40,
     .name = "BYTES",
     .size = 1,
     .count = 8,
     .field = offsetof(struct toy, bytes),
     .has_field = true,
     .wmask = 0xff},
    REG(0x50, "WIDE", struct toy, wide, .wmask = ~0ull),
    {0},
};
static const struct field toy_state[] = {
    FIELD(struct toy, plain, .reset = 0x11),
    FIELD(struct toy, ro, .reset = 0xabcd1234),
    FIELD(struct toy, cause),
    FIELD(struct toy, hooked),
    FIELDS(struct toy, half),
    FIELDS(struct toy, bytes),
    FIELD(struct toy, wide),
    {0},
};
static const struct prop toy_props[] = {
    PROP("on", PROP_BOOL, struct toy, on, "on", "a switch"),
    PROP("small", PROP_U8, struct toy, small, "7", "a byte"),
    PROP("medium", PROP_U16, struct toy, medium, NULL, "two bytes"),
    PROP("size", PROP_SIZE, struct toy, size, "64k", "a size"),
    PROP("text", PROP_STR, struct toy, text, NULL, "words"),
    PROP("mac", PROP_MAC, struct toy, mac, "52:54:00:12:34:56", "an address"),
    PROP("chardev", PROP_CHARDEV, struct toy, chr, NULL, "a stream"),
    {0},
};
static int reset_order[8], nresets;
static bool toy_init(struct device *d, struct err *e)
{
    struct toy *t = (struct toy *)d;
    t->inits++;
    return t->small != 99 || err_set(e, "99 is too much");
}
static void toy_reset(struct device *d)
{
    if (nresets < 8 && d->id) {
        reset_order[nresets++] = d->id[strlen(d->id) - 1];
    }
    ((struct toy *)d)->resets++;
}
static int finis;
static void toy_fini(struct device *d)
{
    (void)d;
    finis++;
}
static const struct device_class toy_class = {
    .name = "toy",
    .doc = "a register of every kind",
    .bus = "sysbus",
    .size = sizeof(struct toy),
    .mmio_size = 0x100,
    .nirqs = 2,
    .state = toy_state,
    .regs = toy_regs,
    .props = toy_props,
    .init = toy_init,
    .reset = toy_reset,
    .fini = toy_fini,
};

static void plain_registers_have_masks(void **st)
{
    (void)st;
    struct bench *b = bench_new(&toy_class, NULL);
    struct toy *t = (struct toy *)b->d;
    assert_int_equal(bench_r(b, "PLAIN"), 0x11);
    bench_w(b, "PLAIN", 0xffffffff);
    assert_int_equal(bench_r(b, "PLAIN"), 0x00ffff1f);
    bench_write(b, 1, 1, 0x42);
    assert_int_equal(t->plain, 0x00ff421f);
    assert_int_equal(bench_read(b, 1, 1), 0x42);
    assert_int_equal(bench_read(b, 2, 2), 0x00ff);
    bench_write(b, 2, 2, 0);
    assert_int_equal(t->plain, 0x0000421f);

    t->cause = 0xff;
    bench_w(b, "CAUSE", 0x5a0f);
    assert_int_equal(t->cause, 0x5af0);
    u64 before = guest_error_count();
    bench_w(b, "RO", 1);
    assert_int_equal(bench_r(b, "RO"), 0xabcd1234);
    assert_int_equal(guest_error_count(), before + 1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void hooks_get_index_and_value(void **st)
{
    (void)st;
    struct bench *b = bench_new(&toy_class, NULL);
    struct toy *t = (struct toy *)b->d;
    bench_w(b, "HOOKED[2]", 0x12345678);
    assert_int_equal(t->last_i, 2);
    assert_int_equal(bench_r(b, "HOOKED[3]"), 0x1234567b);
    assert_int_equal(bench_read(b, 0x1d, 1), 0x56);
    bench_write(b, 0x10, 2, 0xbeef);
    assert_int_equal(t->hooked, 0xbeef);
    unsigned writes = t->writes;
    u64 before = guest_error_count();
    bench_write(b, 0x12, 2, 1); /* inside a register with a hook */
    assert_int_equal(t->writes, writes);
    assert_int_equal(bench_r(b, "WO"), 0);
    assert_int_equal(bench_r32(b, 0x80), 0);
    bench_w32(b, 0x80, 1);
    assert_int_equal(guest_error_count(), before + 4);
    bench_free(b);
}

static void wide_accesses_reach_several_registers(void **st)
{
    (void)st;
    struct bench *b = bench_new(&toy_class, NULL);
    struct toy *t = (struct toy *)b->d;
    bench_w32(b, 0x40, 0x44332211);
    bench_write(b, 0x44, 2, 0x6655);
    assert_memory_equal(t->bytes, "\x11\x22\x33\x44\x55\x66\0\0", 8);
    assert_int_equal(bench_r32(b, 0x42), 0x66554433);
    bench_w32(b, 0x34, 0xdead1234); /* half a register, half a hole */
    assert_int_equal(t->half[1], 0x1234);
    assert_int_equal(bench_r32(b, 0x34), 0x1234);
    bench_write(b, 0x50, 8, 0x1122334455667788ull);
    assert_int_equal(t->wide, 0x1122334455667788ull);
    assert_int_equal(bench_read(b, 0x54, 4), 0x11223344);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

/* -- properties ----------------------------------------------------------------------------------------- */

static void *one_chardev(enum prop_kind kind, const char *id, struct err *e)
{
    static int it;
    if (kind == PROP_CHARDEV && !strcmp(id, "c0")) {
        return &it;
    }
    err_set(e, "there is no chardev '%s'", id);
    return NULL;
}

static void refused(struct device *d, const char *key, const char *value, const char *why)
{
    struct err e = {0};
    assert_false(device_set_prop(d, key, value, &e));
    assert_string_equal(e.msg, why);
}

static void properties_take_text(void **st)
{
    (void)st;
    struct machine m = {.sysmem = mem_space_new("props")};
    struct device *d = device_new(&m, &toy_class, "toy0");
    struct toy *t = (struct toy *)d;
    struct buf b = {0};
    assert_true(t->on);
    assert_int_equal(t->small, 7);
    assert_int_equal(t->size, 65536);
    assert_memory_equal(t->mac, "\x52\x54\x00\x12\x34\x56", 6);
    assert_true(device_set_prop(d, "on", "off", NULL));
    assert_true(device_set_prop(d, "medium", "0xffff", NULL));
    assert_true(device_set_prop(d, "text", "hello", NULL));
    assert_true(device_set_prop(d, "mac", "02:00:00:00:00:ff", NULL));
    assert_false(t->on);
    assert_int_equal(t->medium, 0xffff);
    assert_string_equal(t->text, "hello");
    assert_int_equal(t->mac[5], 0xff);
    for (const struct prop *p = toy_props; p->name; p++) {
        buf_printf(&b, "%s=", p->name);
        prop_print(d, p, &b);
        buf_printf(&b, " ");
    }
    assert_string_equal((char *)b.data, "on=false small=7 medium=65535 size=65536 text=\"hello\" "
                                        "mac=\"02:00:00:00:00:ff\" chardev=<null> ");
    buf_free(&b);

    refused(d, "smal", "1", "Property 'toy.smal' not found; did you mean 'small'?");
    refused(d, "qwertyuiop", "1", "Property 'toy.qwertyuiop' not found");
    refused(d, "small", "256", "Property 'toy.small' can't take value '256': it wants a number up to 255");
    refused(d, "on", "perhaps", "Property 'toy.on' can't take value 'perhaps': it wants 'on' or 'off'");
    refused(d, "mac", "02:00:00:00:00",
            "Property 'toy.mac' can't take value '02:00:00:00:00': it wants an address such as 52:54:00:12:34:56");
    void *(*was)(enum prop_kind, const char *, struct err *) = prop_backend;
    prop_backend = one_chardev;
    refused(d, "chardev", "c1", "Property 'toy.chardev' can't take value 'c1': there is no chardev 'c1'");
    assert_true(device_set_prop(d, "chardev", "c0", NULL));
    assert_non_null(t->chr);
    prop_backend = was;
    mem_space_free(m.sysmem);
    arena_free(&m.arena);
}

/* -- buses ------------------------------------------------------------------------------------------------ */

static bool bus_plug(struct device *owner, struct device *child, struct err *e)
{
    (void)owner;
    return strcmp(child->id, "bad") != 0 || err_set(e, "it does not like 'bad'");
}
static const struct field no_state[] = {{0}};
static const struct device_class hub_class = {.name = "hub",
                                              .doc = "a bus of two",
                                              .bus = "sysbus",
                                              .provides = "toybus",
                                              .size = sizeof(struct device),
                                              .state = no_state,
                                              .plug = bus_plug,
                                              .bus_slots = 2};
static const struct device_class leaf_class = {
    .name = "leaf", .doc = "plugs in", .bus = "toybus", .size = sizeof(struct device), .state = no_state};

static void plug_refused(struct machine *m, const char *id, const char *bus, const char *why)
{
    struct err e = {0};
    assert_false(device_plug(device_new(m, &leaf_class, id), bus, &e));
    assert_string_equal(e.msg, why);
}

static void devices_plug_into_buses(void **st)
{
    (void)st;
    struct machine m = {.sysmem = mem_space_new("buses")};
    struct err e = {0};
    plug_refused(&m, "l0", NULL, "cannot plug 'l0': No 'toybus' bus found");
    struct device *h0 = device_new(&m, &hub_class, "hub.0"), *h1 = device_new(&m, &hub_class, "hub.1");
    struct device *d[4];
    for (unsigned i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof(id), "d%u", i);
        d[i] = device_new(&m, &leaf_class, id);
        assert_true(device_plug(d[i], i == 1 ? "hub.0" : NULL, &e));
    }
    assert_ptr_equal(d[0]->parent, h1); /* the newest first */
    assert_ptr_equal(d[1]->parent, h0);
    assert_ptr_equal(d[2]->parent, h1);
    assert_ptr_equal(d[3]->parent, h0);
    plug_refused(&m, "l1", NULL, "cannot plug 'l1': every toybus bus of the machine is full");
    plug_refused(&m, "l2", "hub.0", "cannot plug 'l2': Bus 'hub.0' is full");
    plug_refused(&m, "l3", "nowhere", "cannot plug 'l3': Bus 'nowhere' not found");
    plug_refused(&m, "l4", "d0", "cannot plug 'l4': 'd0' is no toybus bus");
    device_new(&m, &hub_class, "hub.2");
    plug_refused(&m, "bad", NULL, "cannot plug 'bad': it does not like 'bad'");
    assert_false(device_plug(h0, NULL, &e));
    assert_string_equal(e.msg, "'hub' is a fixed part of its board and cannot be added");
    mem_space_free(m.sysmem);
    arena_free(&m.arena);
}

/* -- boards ----------------------------------------------------------------------------------------------- */

struct toyboard {
    bool extra;
    u64 clash;
};
static unsigned lines_asked;
static struct irq line(struct machine *m, int n)
{
    (void)m;
    lines_asked |= 1u << n;
    return (struct irq){.n = (unsigned)n};
}
static bool toy_build(struct machine *m, struct err *e)
{
    mem_map_region(m->sysmem, &m->ram_region, 0x40000000, 0);
    return machine_place_parts(m, line, e);
}
static const struct part toy_parts[] = {
    {&toy_class, "a", 0x1000, 0},
    {&toy_class, "b", 0x2000, -1, SERIAL1},
    {&toy_class, "c", 0x3000, 4, .when = "extra"},
    {&toy_class, "d", 0x4000, -1, .when = "!extra", .size = 0x1000},
    {&toy_class, "row", 0x8000, 8, .count = 3, .stride = 0x100},
    {0},
};
static const struct prop toy_options[] = {
    PROP("extra", PROP_BOOL, struct toyboard, extra, "off", "one more"),
    {0},
};
static const struct board toy_board = {.name = "toyboard",
                                       .doc = "x",
                                       .default_ram = 1 << 20,
                                       .max_cpus = 2,
                                       .parts = toy_parts,
                                       .options = toy_options,
                                       .board_size = sizeof(struct toyboard),
                                       .build = toy_build,
                                       .ram_name = "toy.ram"};

static void parts_become_devices(void **st)
{
    (void)st;
    struct err e = {0};
    int stream;
    struct opts o = {0};
    opts_add(&o, "extra", "on");
    struct machine_config cfg = {.serial = {NULL, (struct chardev *)&stream}, .board_opts = &o};
    struct machine *m = machine_new(&toy_board, &cfg, &e);
    assert_non_null(m);
    assert_true(opts_all_used(&o, "-machine", NULL, &e));
    assert_true(machine_finish(m, &e));
    assert_int_equal(m->ram.size, 1 << 20);
    assert_int_equal(m->cfg.cpus, 1);
    assert_non_null(machine_find(m, "c"));
    assert_null(machine_find(m, "d"));
    assert_ptr_equal(((struct toy *)machine_find(m, "b"))->chr, &stream);
    assert_null(((struct toy *)machine_find(m, "a"))->chr);
    assert_int_equal(machine_find(m, "a")->irqs[1].n, 1);
    assert_int_equal(machine_find(m, "row.2")->irqs[1].n, 13);
    assert_int_equal(machine_find(m, "row.1")->mmio.base, 0x8100);
    assert_int_equal(lines_asked, 0x3f33);
    struct mem_hit h;
    mem_find(m->sysmem, 0x3004, &h);
    assert_ptr_equal(h.region, &machine_find(m, "c")->mmio);
    nresets = 0;
    machine_reset(m);
    assert_memory_equal(reset_order, ((int[]){'a', 'b', 'c', '0', '1', '2'}), 6 * sizeof(int));
    finis = 0;
    machine_free(m);
    assert_int_equal(finis, 6);

    o.v[0].value[1] = 'x'; /* "ox" */
    assert_null(machine_new(&toy_board, &cfg, &e));
    assert_string_equal(e.msg, "Property 'toyboard.extra' can't take value 'ox': it wants 'on' or 'off'");
    opts_free(&o);
    e = (struct err){0};
    cfg = (struct machine_config){.cpus = 3};
    assert_null(machine_new(&toy_board, &cfg, &e));
    assert_string_equal(e.msg, "Invalid SMP CPUs 3. The max CPUs supported by machine 'toyboard' is 2");
}

static const struct part clashing[] = {{&toy_class, "a", 0x1000, 0}, {&toy_class, "b", 0x10ff, 0}, {0}};

static void parts_may_not_overlap(void **st)
{
    (void)st;
    struct err e = {0};
    struct board b = toy_board;
    struct machine_config cfg = {0};
    b.parts = clashing;
    assert_null(machine_new(&b, &cfg, &e));
    assert_string_equal(e.msg, "board 'toyboard' has 'b' and 'a' at the same address");
}

/* A window with a hole: its pieces are mapped, with the whole window's offsets, and the hole is nobody's. */
static void windows_may_have_holes(void **state)
{
    static const struct reg_window windows[] = {{0x00, 4}, {0x08, 4}, {0}};
    static struct device_class cls;
    struct mem_hit hit;
    (void)state;
    cls = toy_class;
    cls.windows = windows;
    struct bench *b = bench_new(&cls, NULL);
    bench_w(b, "PLAIN", 0x123);
    bench_w(b, "CAUSE", 0x4500);
    assert_int_equal(bench_r32(b, 0x00), 0x113); /* 0x10 is what reset leaves */
    assert_int_equal(bench_r32(b, 0x08), 0x4500);
    mem_find(b->m.sysmem, BENCH_BASE + 4, &hit);
    assert_null(hit.region);
    assert_int_equal(hit.len, 4);
    assert_ptr_equal(device_region(b->d, 1)->space, b->m.sysmem);
    assert_null(device_region(b->d, 2));
    device_unmap(b->d);
    assert_null(device_region(b->d, 0));
    mem_find(b->m.sysmem, BENCH_BASE, &hit);
    assert_null(hit.region);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_registers_have_masks),
        cmocka_unit_test(hooks_get_index_and_value),
        cmocka_unit_test(wide_accesses_reach_several_registers),
        cmocka_unit_test(properties_take_text),
        cmocka_unit_test(devices_plug_into_buses),
        cmocka_unit_test(windows_may_have_holes),
        cmocka_unit_test(parts_become_devices),
        cmocka_unit_test(parts_may_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

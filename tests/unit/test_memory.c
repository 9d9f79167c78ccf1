/* Guest memory: the flat view against a brute-force model, access widths, page flags, lookups beside changes. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "memory/memory.h"

static const struct mem_attrs none;

/* A device that writes down what it is asked, and answers with the offset's bytes. */
struct probe {
    unsigned calls;
    struct {
        u64 off, val;
        unsigned size;
        bool write, locked;
    } log[32];
};

static void probe_log(struct probe *p, u64 off, unsigned size, bool write, u64 val)
{
    unsigned i = p->calls++ % ARRAY_LEN(p->log);
    p->log[i].off = off;
    p->log[i].size = size;
    p->log[i].write = write;
    p->log[i].val = val;
    p->log[i].locked = machine_locked();
}

static enum mem_result probe_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = 0;
    for (unsigned i = 0; i < size; i++) {
        *val |= (u64)(u8)(off + i) << 8 * i;
    }
    probe_log(opaque, off, size, false, *val);
    return off >= 0xf00 ? MEM_SLAVE_ERROR : MEM_OK;
}

static enum mem_result probe_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    probe_log(opaque, off, size, true, val);
    return MEM_OK;
}

static const struct mem_ops ops_any = {.read = probe_read, .write = probe_write};
static const struct mem_ops ops_word = {.read = probe_read, .write = probe_write, .min_size = 4, .max_size = 4};
static const struct mem_ops ops_half = {.read = probe_read, .write = probe_write, .max_size = 2};
static const struct mem_ops ops_unlocked = {.read = probe_read, .write = probe_write, .unlocked = true};

static void ram_comes_zeroed_inside_the_reservation(void **st)
{
    (void)st;
    struct ram a, b;
    struct err e = {0};
    assert_true(ram_new(&a, "a", 16 << 20, &e));
    assert_true(ram_new(&b, "b", RAM_PAGE_SIZE, &e));
    assert_true(a.host >= ram_base && b.host >= ram_base);
    assert_true(a.host + a.size < b.host || b.host + b.size < a.host);
    assert_int_equal(a.host[0] | a.host[a.size - 1] | b.host[RAM_PAGE_SIZE - 1], 0);
    a.host[5] = 1;
    *ram_page_flags(ram_offset(a.host)) = RAM_CODE;
    u8 *was = a.host;
    ram_free(&a);
    assert_true(ram_new(&a, "c", 4 << 20, &e));
    assert_ptr_equal(a.host, was);
    assert_int_equal(a.host[5], 0);
    assert_int_equal(*ram_page_flags(ram_offset(a.host)), 0);
    ram_free(&a);
    ram_free(&b);

    assert_false(ram_new(&a, "huge", 1ull << 60, &e));
    assert_non_null(strstr(e.msg, "no room"));
}

/* -- the flat view ------------------------------------------------------------------------------- */

enum { MODEL_SIZE = 64, MODEL_REGIONS = 12 };

static const struct mem_region *model_at(struct mem_region *const *newest_first, unsigned n, u64 addr)
{
    const struct mem_region *best = NULL;
    for (unsigned i = 0; i < n; i++) {
        const struct mem_region *r = newest_first[i];
        if (r->space && addr >= r->base && addr - r->base < r->size && (!best || r->priority > best->priority)) {
            best = r;
        }
    }
    return best;
}

static void view_check(struct mem_space *s, struct mem_region *const *order, unsigned n)
{
    for (u64 a = 0; a < MODEL_SIZE + 4; a++) {
        struct mem_hit h;
        const struct mem_region *want = model_at(order, n, a);
        mem_find(s, a, &h);
        assert_ptr_equal(h.region, want);
        assert_true(h.len > 0);
        for (u64 i = a; i < a + h.len && i < MODEL_SIZE + 4; i++) {
            assert_ptr_equal(model_at(order, n, i), want);
        }
        if (want) {
            assert_int_equal(h.offset, a - want->base);
        }
    }
}

static void flat_view_equals_the_model(void **st)
{
    (void)st;
    u64 seed;
    entropy_fill(&seed, sizeof(seed));
    printf("seed %#llx\n", (unsigned long long)seed);
    entropy_seed(seed);
    for (unsigned round = 0; round < 300; round++) {
        struct probe p = {0};
        struct mem_region r[MODEL_REGIONS] = {0}, *order[MODEL_REGIONS];
        struct mem_space *s = mem_space_new("model");
        for (unsigned i = 0; i < MODEL_REGIONS; i++) {
            u8 x[3];
            entropy_fill(x, sizeof(x));
            r[i] = (struct mem_region){.name = "r", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p};
            r[i].size = 1 + x[0] % 24;
            mem_map_region(s, &r[i], x[1] % (MODEL_SIZE - 24), x[2] % 4 - 1);
            order[MODEL_REGIONS - 1 - i] = &r[i];
            view_check(s, &order[MODEL_REGIONS - 1 - i], i + 1);
        }
        for (unsigned i = 0; i < MODEL_REGIONS; i += 2) {
            mem_unmap_region(&r[i]);
            view_check(s, order, MODEL_REGIONS);
        }
        mem_space_free(s);
    }
}

static void the_ends_of_the_address_space(void **st)
{
    (void)st;
    struct probe p = {0};
    struct mem_space *s = mem_space_new("ends");
    struct mem_region top = {.name = "top", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x1000};
    struct mem_region all = {.name = "all", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = ~0ull};
    struct mem_hit h;

    mem_find(s, 0, &h);
    assert_null(h.region);
    assert_int_equal(h.len, ~0ull);
    mem_map_region(s, &top, 0xfffffffffffff000ull, 1);
    mem_find(s, ~0ull, &h);
    assert_ptr_equal(h.region, &top);
    assert_int_equal(h.offset, 0xfff);
    assert_int_equal(h.len, 1);
    mem_map_region(s, &all, 0, 0);
    mem_find(s, 0x1234, &h);
    assert_ptr_equal(h.region, &all);
    assert_int_equal(h.len, 0xfffffffffffff000ull - 0x1234);
    mem_find(s, ~0ull - 0xfff, &h);
    assert_ptr_equal(h.region, &top);
    mem_space_free(s);
    assert_null(top.space);
}

static unsigned heard;
static void hear(void *opaque)
{
    heard += *(unsigned *)opaque;
}

static void listeners_hear_of_changes(void **st)
{
    (void)st;
    struct ram ram;
    unsigned one = 1, ten = 10;
    assert_true(ram_new(&ram, "flash", 0x2000, NULL));
    ram.host[0] = 0xab;
    struct probe p = {0};
    struct mem_space *s = mem_space_new("listen");
    struct mem_region r = {.name = "flash", .kind = MEM_ROMD, .size = 0x2000, .host = ram.host, .ops = &ops_any};
    r.opaque = &p;
    r.romd_reads = true;
    mem_space_listen(s, hear, &one);
    mem_space_listen(s, hear, &ten);
    heard = 0;
    mem_map_region(s, &r, 0, 0);
    assert_int_equal(heard, 11);

    struct mem_hit h;
    u64 v;
    mem_find(s, 0x10, &h);
    assert_ptr_equal(h.host, ram.host + 0x10);
    assert_false(h.writable);
    assert_int_equal(mem_load(s, 0, 1, &v, none), MEM_OK);
    assert_int_equal(v, 0xab);
    assert_int_equal(p.calls, 0);
    assert_int_equal(mem_store(s, 0, 1, 0x98, none), MEM_OK);
    assert_int_equal(p.calls, 1);
    assert_int_equal(ram.host[0], 0xab);

    r.romd_reads = false;
    mem_region_changed(&r);
    assert_int_equal(heard, 22);
    mem_find(s, 0, &h);
    assert_null(h.host);
    assert_int_equal(mem_load(s, 0x20, 2, &v, none), MEM_OK);
    assert_int_equal(v, 0x2120);
    mem_unmap_region(&r);
    assert_int_equal(heard, 33);
    assert_int_equal(mem_load(s, 0, 1, &v, none), MEM_DECODE_ERROR);
    mem_space_free(s);
    ram_free(&ram);
}

/* -- widths --------------------------------------------------------------------------------------- */

static void accesses_are_split_and_widened(void **st)
{
    (void)st;
    struct probe p = {0};
    struct mem_space *s = mem_space_new("widths");
    struct mem_region word = {.name = "w", .kind = MEM_MMIO, .ops = &ops_word, .opaque = &p, .size = 0x1000};
    struct mem_region half = {.name = "h", .kind = MEM_MMIO, .ops = &ops_half, .opaque = &p, .size = 0x1000};
    u64 v;
    mem_map_region(s, &word, 0x1000, 0);
    mem_map_region(s, &half, 0x2000, 0);

    assert_int_equal(mem_load(s, 0x1010, 8, &v, none), MEM_OK); /* two words */
    assert_int_equal(v, 0x1716151413121110ull);
    assert_int_equal(p.calls, 2);
    assert_int_equal(p.log[1].off, 0x14);
    assert_int_equal(p.log[1].size, 4);
    assert_true(p.log[1].locked);
    assert_false(machine_locked());

    p.calls = 0;
    assert_int_equal(mem_load(s, 0x1012, 1, &v, none), MEM_OK); /* a byte out of one word */
    assert_int_equal(v, 0x12);
    assert_int_equal(p.log[0].off, 0x10);
    assert_int_equal(mem_load(s, 0x1011, 4, &v, none), MEM_OK); /* across two words */
    assert_int_equal(v, 0x14131211);

    p.calls = 0;
    assert_int_equal(mem_store(s, 0x1012, 2, 5, none), MEM_SLAVE_ERROR);
    assert_int_equal(p.calls, 0);
    assert_int_equal(mem_store(s, 0x1018, 8, 0x1122334455667788ull, none), MEM_OK);
    assert_int_equal(p.calls, 2);
    assert_int_equal(p.log[0].val, 0x55667788);
    assert_int_equal(p.log[1].val, 0x11223344);

    p.calls = 0;
    assert_int_equal(mem_store(s, 0x2001, 4, 0xaabbccdd, none), MEM_OK); /* byte, half, byte */
    assert_int_equal(p.calls, 3);
    assert_int_equal(p.log[0].val, 0xdd);
    assert_int_equal(p.log[1].val, 0xbbcc);
    assert_int_equal(p.log[1].off, 2);
    assert_int_equal(p.log[2].val, 0xaa);

    /* Over the edge of two devices, and over the edge of all. */
    p.calls = 0;
    assert_int_equal(mem_load(s, 0x1ffe, 4, &v, none), MEM_SLAVE_ERROR); /* the probe refuses 0xf00.. */
    assert_int_equal(v, 0x0100fffe);
    assert_int_equal(mem_load(s, 0x2ffe, 4, &v, none), MEM_SLAVE_ERROR);
    assert_int_equal(mem_store(s, 0x2ffe, 4, 0, none), MEM_DECODE_ERROR);
    mem_space_free(s);
}

static void the_lock_is_taken_when_asked_for(void **st)
{
    (void)st;
    struct probe p = {0};
    struct mem_space *s = mem_space_new("lock");
    struct mem_region free_ = {.name = "u", .kind = MEM_MMIO, .ops = &ops_unlocked, .opaque = &p, .size = 0x1000};
    struct mem_region held = {.name = "l", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x1000};
    u64 v;
    mem_map_region(s, &free_, 0, 0);
    mem_map_region(s, &held, 0x1000, 0);
    mem_load(s, 0, 4, &v, none);
    mem_store(s, 0x1000, 4, 0, none);
    assert_false(p.log[0].locked);
    assert_true(p.log[1].locked);
    machine_lock();
    assert_int_equal(mem_load(s, 0x1000, 4, &v, none), MEM_OK);
    assert_true(machine_locked());
    machine_unlock();
    mem_space_free(s);
}

static void secure_regions_are_hidden(void **st)
{
    (void)st;
    struct ram ram;
    assert_true(ram_new(&ram, "secram", 0x1000, NULL));
    struct mem_space *s = mem_space_new("secure");
    struct mem_region r = {.name = "s", .kind = MEM_RAM, .host = ram.host, .size = 0x1000, .secure_only = true};
    const struct mem_attrs secure = {.secure = true};
    u64 v, n = 4;
    u32 w = 0x55aa55aa;
    mem_map_region(s, &r, 0, 0);
    assert_int_equal(mem_store(s, 0, 4, 1, none), MEM_DECODE_ERROR);
    assert_int_equal(mem_write(s, 0, &w, 4, none), MEM_DECODE_ERROR);
    assert_int_equal(mem_write(s, 0, &w, 4, secure), MEM_OK);
    assert_int_equal(mem_load(s, 0, 4, &v, secure), MEM_OK);
    assert_int_equal(v, w);
    assert_int_equal(mem_load(s, 0, 4, &v, none), MEM_DECODE_ERROR);
    assert_int_equal(v, 0);
    assert_int_equal(mem_read(s, 0, &w, 4, none), MEM_DECODE_ERROR);
    assert_int_equal(w, 0);
    assert_null(mem_map(s, 0, &n, false));
    struct mem_hit h;
    mem_find(s, 0x10, &h);
    assert_ptr_equal(h.region, &r);
    mem_find_as(s, 0x10, secure, &h);
    assert_ptr_equal(h.host, ram.host + 0x10);
    mem_find_as(s, 0x10, none, &h);
    assert_null(h.region);
    assert_null(h.host);

    struct mem_region below = {.name = "b", .kind = MEM_MMIO, .size = 0x800, .ops = &ops_any, .opaque = NULL};
    mem_map_region(s, &below, 0, -1);
    mem_find_as(s, 0x10, none, &h);
    assert_ptr_equal(h.region, &below);
    assert_int_equal(h.len, 0x7f0);
    mem_find_as(s, 0x10, secure, &h);
    assert_ptr_equal(h.region, &r);
    mem_unmap_region(&r);
    mem_find_as(s, 0x10, secure, &h);
    assert_ptr_equal(h.region, &below);
    mem_space_free(s);
    ram_free(&ram);
}

/* -- page flags ------------------------------------------------------------------------------------ */

static u64 code_off, code_len;
static unsigned code_calls;
static void code_written(u64 off, u64 len)
{
    code_off = off;
    code_len = len;
    code_calls++;
}

static u64 still_writing(u64 off)
{
    (void)off;
    return 1;
}

static void dirty_pages_are_taken(void **st)
{
    (void)st;
    struct ram ram;
    assert_true(ram_new(&ram, "ram", 0x4000, NULL));
    u64 base = ram_offset(ram.host);
    u64 (*was)(u64) = ram_protect;
    ram_watch(base, 0x2000);
    assert_true(ram_take_dirty(base) && ram_take_dirty(base + 0x1000));
    assert_false(ram_take_dirty(base) || ram_take_dirty(base + 0x1000));
    mem_wrote(ram.host + 0xffe, 4);
    assert_true(ram_take_dirty(base) && ram_take_dirty(base + 0x1000));
    assert_false(ram_take_dirty(base) || ram_take_dirty(base + 0x1000));
    ram_protect = still_writing; /* a store is under way: once more */
    mem_wrote(ram.host, 1);
    assert_true(ram_take_dirty(base));
    assert_true(ram_take_dirty(base));
    ram_protect = was;
    assert_true(ram_take_dirty(base));
    assert_false(ram_take_dirty(base));
    ram_free(&ram);
}

static void writes_tell_dirty_and_code(void **st)
{
    (void)st;
    struct ram ram, rom;
    assert_true(ram_new(&ram, "ram", 0x4000, NULL));
    assert_true(ram_new(&rom, "rom", 0x1000, NULL));
    struct mem_space *s = mem_space_new("flags");
    struct mem_region r = {.name = "ram", .kind = MEM_RAM, .host = ram.host, .size = 0x4000};
    struct mem_region o = {.name = "rom", .kind = MEM_ROM, .host = rom.host, .size = 0x1000};
    mem_map_region(s, &r, 0x10000, 0);
    mem_map_region(s, &o, 0x14000, 0);
    u8 *flags = ram_page_flags(ram_offset(ram.host));
    void (*was)(u64, u64) = ram_code_written;
    ram_code_written = code_written;

    assert_int_equal(mem_store(s, 0x10010, 8, 0x0807060504030201ull, none), MEM_OK);
    assert_int_equal(ram.host[0x17], 8);
    assert_int_equal(flags[0], RAM_DIRTY);
    assert_int_equal(flags[1], 0);
    assert_int_equal(code_calls, 0);

    flags[2] = RAM_CODE;
    u8 block[0x1800];
    memset(block, 0x5a, sizeof(block));
    assert_int_equal(mem_write(s, 0x11c00, block, sizeof(block), none), MEM_OK);
    assert_int_equal(flags[1], RAM_DIRTY);
    assert_int_equal(flags[2], RAM_DIRTY | RAM_CODE);
    assert_int_equal(flags[3], RAM_DIRTY);
    assert_int_equal(code_calls, 1);
    assert_int_equal(code_off, ram_offset(ram.host) + 0x2000);
    assert_int_equal(code_len, 0x1000);
    assert_int_equal(ram.host[0x33ff], 0x5a);
    assert_int_equal(ram.host[0x3400], 0);

    u64 n = 0x10000;
    u8 *dma = mem_map(s, 0x12ff0, &n, true);
    assert_ptr_equal(dma, ram.host + 0x2ff0);
    assert_int_equal(n, 0x1010);
    mem_wrote(dma, 0x10);
    assert_int_equal(code_calls, 2);
    assert_int_equal(code_len, 0x10);

    n = 4;
    assert_null(mem_map(s, 0x14000, &n, true));
    assert_non_null(mem_map(s, 0x14000, &n, false));
    assert_int_equal(mem_write(s, 0x14000, "abcd", 4, none), MEM_OK);
    assert_int_equal(rom.host[0], 0);
    assert_int_equal(mem_write_rom(s, 0x13ffe, "abcd", 4), MEM_OK);
    assert_memory_equal(ram.host + 0x3ffe, "ab", 2);
    assert_memory_equal(rom.host, "cd", 2);
    assert_int_equal(mem_write_rom(s, 0x14fff, "abcd", 4), MEM_DECODE_ERROR);

    ram_code_written = was;
    mem_space_free(s);
    ram_free(&ram);
    ram_free(&rom);
}

/* -- lookups while the map changes ------------------------------------------------------------------ */

struct race {
    struct mem_space *s;
    struct mem_region *low, *high;
    bool stop;
    unsigned bad;
    unsigned long lookups;
};

/* low is always there; high comes and goes in front of it. */
static void *race_reader(void *arg)
{
    struct race *race = arg;
    while (!__atomic_load_n(&race->stop, __ATOMIC_RELAXED)) {
        struct mem_hit h;
        mem_find(race->s, 0x1800, &h);
        bool ok = h.region == race->low    ? h.offset == 0x1800
                  : h.region == race->high ? h.offset == 0x800 && h.len == 0x800
                                           : false;
        race->bad += !ok;
        __atomic_fetch_add(&race->lookups, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void lookups_beside_changes(void **st)
{
    (void)st;
    struct probe p = {0};
    struct mem_region low = {.name = "low", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x4000};
    struct mem_region high = {.name = "high", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x1000};
    struct mem_region more[40] = {0};
    struct race race = {.s = mem_space_new("race"), .low = &low, .high = &high};
    pthread_t t;
    mem_map_region(race.s, &low, 0, 0);
    assert_int_equal(pthread_create(&t, NULL, race_reader, &race), 0);
    while (!__atomic_load_n(&race.lookups, __ATOMIC_RELAXED)) { /* a busy machine may take its time to start it */
        sched_yield();
    }
    for (unsigned i = 0; i < 4000; i++) {
        mem_map_region(race.s, &high, 0x1000, 1);
        if (i % 100 == 0) { /* the view grows */
            struct mem_region *m = &more[i / 100];
            *m = (struct mem_region){.name = "m", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x10};
            mem_map_region(race.s, m, 0x8000 + i, 0);
        }
        mem_unmap_region(&high);
    }
    __atomic_store_n(&race.stop, true, __ATOMIC_RELAXED);
    pthread_join(t, NULL);
    assert_int_equal(race.bad, 0);
    assert_true(race.lookups > 0);
    mem_space_free(race.s);
}

static void the_map_is_printed(void **st)
{
    (void)st;
    struct probe p = {0};
    struct ram ram;
    assert_true(ram_new(&ram, "mach-virt.ram", 0x4000, NULL));
    struct mem_space *s = mem_space_new("memory");
    struct mem_region r = {.name = "mach-virt.ram", .kind = MEM_RAM, .host = ram.host, .size = 0x4000};
    struct mem_region d = {.name = "pl011", .kind = MEM_MMIO, .ops = &ops_any, .opaque = &p, .size = 0x1000};
    struct buf b = {0};
    mem_map_region(s, &r, 0x40000000, 0);
    mem_map_region(s, &d, 0x40001000, 1);
    mem_space_print(s, false, &b);
    assert_string_equal((char *)b.data, "address-space: memory\n"
                                        "  0000000000000000-ffffffffffffffff (prio 0, i/o): memory\n"
                                        "    0000000040000000-0000000040003fff (prio 0, ram): mach-virt.ram\n"
                                        "    0000000040001000-0000000040001fff (prio 1, i/o): pl011\n");
    b.len = 0;
    mem_space_print(s, true, &b);
    assert_string_equal((char *)b.data, "FlatView #0\n AS \"memory\", root: memory\n Root memory region: memory\n"
                                        "  0000000040000000-0000000040000fff (prio 0, ram): mach-virt.ram\n"
                                        "  0000000040001000-0000000040001fff (prio 1, i/o): pl011\n"
                                        "  0000000040002000-0000000040003fff (prio 0, ram): mach-virt.ram "
                                        "@0000000000002000\n");
    buf_free(&b);
    mem_space_free(s);
    ram_free(&ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ram_comes_zeroed_inside_the_reservation),
        cmocka_unit_test(flat_view_equals_the_model),
        cmocka_unit_test(the_ends_of_the_address_space),
        cmocka_unit_test(listeners_hear_of_changes),
        cmocka_unit_test(accesses_are_split_and_widened),
        cmocka_unit_test(the_lock_is_taken_when_asked_for),
        cmocka_unit_test(secure_regions_are_hidden),
        cmocka_unit_test(writes_tell_dirty_and_code),
        cmocka_unit_test(dirty_pages_are_taken),
        cmocka_unit_test(lookups_beside_changes),
        cmocka_unit_test(the_map_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

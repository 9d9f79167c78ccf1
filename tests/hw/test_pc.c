/* The PC boards: their maps against golden files (BLESS=1 rewrites them), what software finds by ports, the memory
 * between 640 KiB and 1 MiB, and where interrupts go. */
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
#include "base/opts.h"
#include "hw/board/pc/pc.h"
#include "hw/char/debugcon.h"
#include "hw/core/isa.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"
#include "hw/misc/debug_exit.h"
#include "hw/pci/pci_bus.h"

static char work[] = "/tmp/moss-pc-XXXXXX";
static char *rom_path;
enum { ROM_SIZE = 0x40000 };

struct wish {
    const char *options, *vga, *order, *once;
    unsigned cpus;
    u64 ram;
    const char *kernel, *initrd, *append;
    bool watched;
};

static struct machine *build(const struct board *b, const struct wish *w, struct err *e)
{
    static struct opts o; /* boards keep it */
    opts_free(&o);
    char *text = g_strdup_printf("pc%s%s", w->options ? "," : "", w->options ? w->options : "");
    assert_true(opts_parse(&o, text, "type", e));
    g_free(text);
    struct machine_config cfg = {.cpus = w->cpus ? w->cpus : 1,
                                 .ram_size = w->ram ? w->ram : 256 << 20,
                                 .board_opts = &o,
                                 .firmware = w->kernel ? NULL : rom_path,
                                 .kernel = w->kernel,
                                 .initrd = w->initrd,
                                 .append = w->append,
                                 .watched = w->watched,
                                 .vga = w->vga ? w->vga : "none",
                                 .boot = {.order = w->order, .once = w->once, .splash_time = -1, .reboot_timeout = -1}};
    struct machine *m = machine_new(b, &cfg, e);
    if (m && !machine_finish(m, e)) {
        machine_free(m);
        return NULL;
    }
    return m;
}

static struct machine *build_ok(const struct board *b, const struct wish *w)
{
    struct err e = {0};
    struct machine *m = build(b, w, &e);
    if (!m) {
        fail_msg("%s", e.msg);
    }
    machine_lock();
    machine_reset(m);
    machine_unlock();
    return m;
}

static u64 in(struct machine *m, u64 port, unsigned size)
{
    u64 v = 0;
    return mem_load(m->iospace, port, size, &v, (struct mem_attrs){0}) == MEM_OK ? v : MASK(8 * size);
}
static void out(struct machine *m, u64 port, unsigned size, u64 v)
{
    mem_store(m->iospace, port, size, v, (struct mem_attrs){0});
}
static u64 rd(struct machine *m, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(m->sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void wr(struct machine *m, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(m->sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static void config_address(struct machine *m, unsigned devfn, unsigned off)
{
    out(m, 0xcf8, 4, 0x80000000u | devfn << 8 | (off & ~3u));
}
static u64 config(struct machine *m, unsigned devfn, unsigned off, unsigned size)
{
    config_address(m, devfn, off);
    return in(m, 0xcfc + (off & 3), size);
}
static void configure(struct machine *m, unsigned devfn, unsigned off, unsigned size, u64 v)
{
    config_address(m, devfn, off);
    out(m, 0xcfc + (off & 3), size, v);
}

/* What the two 8259 see requested. */
static unsigned requests(struct machine *m)
{
    out(m, 0x20, 1, 0x0a);
    out(m, 0xa0, 1, 0x0a);
    return (unsigned)(in(m, 0x20, 1) | in(m, 0xa0, 1) << 8);
}

/* -- maps ------------------------------------------------------------------------------------------------------- */

static void golden_compare(const char *name, const char *text)
{
    char *path = g_strdup_printf("tests/golden/%s.map", name);
    gchar *want = NULL;
    if (getenv("BLESS")) {
        assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    if (!g_file_get_contents(path, &want, NULL, NULL)) {
        fail_msg("cannot read %s", path);
    }
    if (strcmp(want, text) != 0) {
        fail_msg("%s differs:\n%s", path, text);
    }
    g_free(want);
    g_free(path);
}

static void maps_are_golden(void **st)
{
    (void)st;
    static const struct {
        const char *name;
        const struct board *board;
        struct wish wish;
    } rows[] = {
        {"pc", &board_pc, {.vga = "std"}},
        {"pc-8g-smp3", &board_pc, {.ram = 8ull << 30, .cpus = 3}},
        {"q35", &board_q35, {.vga = "std"}},
        {"q35-4g", &board_q35, {.ram = 4ull << 30, .options = "hpet=off"}},
        {"pc-2g-split-1g", &board_pc, {.ram = 2ull << 30, .options = "max-ram-below-4g=1G"}},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct machine *m = build_ok(rows[i].board, &rows[i].wish);
        struct buf b = {0};
        mem_space_print(m->sysmem, true, &b);
        mem_space_print(m->iospace, true, &b);
        golden_compare(rows[i].name, (char *)b.data);
        buf_free(&b);
        machine_free(m);
    }
}

/* -- PCI by ports -------------------------------------------------------------------------------------------------- */

static void configuration_by_ports(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(config(m, 0, 0, 4), 0x12378086);
    assert_int_equal(config(m, 0, 0x2c, 4), 0x11001af4);
    assert_int_equal(config(m, 8, 0, 4), 0x70008086);
    assert_int_equal(config(m, 8, 0x0a, 2), 0x0601);
    assert_int_equal(config(m, 8, 0x0e, 1), 0x80);
    assert_int_equal(config(m, 0xf8, 0, 4), 0xffffffff);
    assert_int_equal(in(m, 0xcf8, 4), 0x8000f800);
    out(m, 0xcf8, 1, 0x55); /* not an access to the address */
    assert_int_equal(in(m, 0xcf8, 4), 0x8000f800);
    out(m, 0xcf8, 4, 0x800); /* not enabled */
    assert_int_equal(in(m, 0xcfc, 4), 0xffffffff);
    machine_free(m);
}

/* ECAM moves as the register says; what is not there reads as ones. */
static void configuration_by_ecam(void **st)
{
    (void)st;
    enum { LPC = 31 << 3, PCIEXBAR = 0x60 };
    struct machine *m = build_ok(&board_q35, &(struct wish){0});
    assert_int_equal(config(m, 0, 0, 4), 0x29c08086);
    assert_int_equal(config(m, LPC, 0, 4), 0x29188086);
    configure(m, 0, PCIEXBAR, 4, 0xb0000001);
    assert_int_equal(rd(m, 0xb0000000, 4), 0x29c08086);
    assert_int_equal(rd(m, 0xb0000000 + (LPC << 12), 4), 0x29188086);
    assert_int_equal(rd(m, 0xb0000000 + (255 << 20), 4), 0xffffffff);
    configure(m, 0, PCIEXBAR, 4, 0xd8000003); /* 128 MiB */
    assert_int_equal(rd(m, 0xd8000000, 4), 0x29c08086);
    assert_int_equal(rd(m, 0xb0000000, 4), 0xffffffff);
    configure(m, 0, PCIEXBAR, 4, 0xd8000002);
    assert_int_equal(rd(m, 0xd8000000, 4), 0xffffffff);
    machine_free(m);
}

/* A PIRQ is an input of the IO-APIC beside the IRQ that its register names. */
static void pirqs_of_the_ich9(void **st)
{
    (void)st;
    enum { LPC = 31 << 3 };
    struct machine *m = build_ok(&board_q35, &(struct wish){0});
    struct device *host = machine_find(m, "pcie.0");
    out(m, 0x4d1, 1, 0x0c); /* IRQ 10 and 11: levels */
    machine_lock();
    irq_set(&host->irqs[5], 1); /* PIRQF */
    machine_unlock();
    assert_int_equal(requests(m) & 0x0c00, 0);
    configure(m, LPC, 0x69, 1, 0x0a);
    assert_int_equal(requests(m) & 0x0c00, 0x0400);
    wr(m, 0xfec00000, 4, 0x10 + 2 * 21); /* input 21: level, masked: it waits */
    wr(m, 0xfec00010, 4, 0x8021);
    assert_int_equal(rd(m, 0xfec00010, 4) & 0x4000, 0x4000); /* accepted by the local APIC */
    machine_lock();
    irq_set(&host->irqs[5], 0);
    machine_unlock();
    assert_int_equal(requests(m) & 0x0c00, 0);
    machine_free(m);
}

/* -- memory below 1 MiB -------------------------------------------------------------------------------------------- */

static void shadow_ram(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    u64 rom = rd(m, 0xffff0000, 4);
    assert_int_equal(rom, 0x03020100); /* the file's pattern */
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    assert_int_equal(rd(m, 0xc8000, 4), 0xffffffff);
    wr(m, 0xf0000, 4, 0x11111111);
    assert_int_equal(rd(m, 0xf0000, 4), rom);

    configure(m, 0, 0x59, 1, 0x20); /* writes go to RAM, reads to ROM */
    wr(m, 0xf0000, 4, 0x22222222);
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    configure(m, 0, 0x59, 1, 0x10); /* reads from RAM, no writes */
    assert_int_equal(rd(m, 0xf0000, 4), 0x22222222);
    wr(m, 0xf0000, 4, 0x33333333);
    assert_int_equal(rd(m, 0xf0000, 4), 0x22222222);
    configure(m, 0, 0x59, 1, 0x30);
    wr(m, 0xffffc, 4, 0x44444444);
    assert_int_equal(rd(m, 0xffffc, 4), 0x44444444);

    configure(m, 0, 0x5b, 1, 0x02); /* 0xc8000: writes only; nothing to read on PCI */
    wr(m, 0xc8004, 4, 0x55555555);
    assert_int_equal(rd(m, 0xc8004, 4), 0xffffffff);
    configure(m, 0, 0x5b, 1, 0x31);
    assert_int_equal(rd(m, 0xc8004, 4), 0x55555555);
    wr(m, 0xcc000, 4, 0x66666666);
    assert_int_equal(rd(m, 0xcc000, 4), 0x66666666);
    assert_int_equal(rd(m, 0xd0000, 4), 0xffffffff);

    machine_lock();
    machine_reset(m);
    machine_unlock();
    assert_int_equal(rd(m, 0xf0000, 4), rom);
    assert_int_equal(rd(m, 0xcc000, 4), 0xffffffff);
    machine_free(m);
}

static void smram_opens_and_locks(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(config(m, 0, 0x72, 1), 2);
    assert_int_equal(rd(m, 0xa0000, 4), 0xffffffff);
    configure(m, 0, 0x72, 1, 0x4a); /* open, enabled */
    wr(m, 0xa0000, 4, 0x1234);
    assert_int_equal(rd(m, 0xa0000, 4), 0x1234);
    configure(m, 0, 0x72, 1, 0x0a);
    assert_int_not_equal(rd(m, 0xa0000, 4), 0x1234);
    u64 v;
    const struct mem_attrs smm = {.is_cpu = true, .secure = true};
    assert_int_equal(mem_load(m->sysmem, 0xa0000, 4, &v, smm), MEM_OK);
    assert_int_equal(v, 0x1234);
    configure(m, 0, 0x72, 1, 0x5a); /* locking closes it */
    assert_int_equal(config(m, 0, 0x72, 1), 0x1a);
    configure(m, 0, 0x72, 1, 0x4a);
    assert_int_equal(config(m, 0, 0x72, 1), 0x1a);
    assert_int_not_equal(rd(m, 0xa0000, 4), 0x1234);
    machine_lock();
    machine_reset(m);
    machine_unlock();
    assert_int_equal(config(m, 0, 0x72, 1), 2);
    machine_free(m);
}

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

static void pirqs_are_routed(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    struct device *host = machine_find(m, "pci.0");
    out(m, 0x4d0, 1, 0x20); /* IRQ 5 and 11: levels */
    out(m, 0x4d1, 1, 0x08);
    machine_lock();
    irq_set(&host->irqs[2], 1);
    machine_unlock();
    assert_int_equal(requests(m) & 0x0820, 0); /* PIRQC is off after reset */
    configure(m, 8, 0x62, 1, 0x0b);
    assert_int_equal(requests(m) & 0x0820, 0x0800);
    configure(m, 8, 0x62, 1, 0x05);
    assert_int_equal(requests(m) & 0x0820, 0x0020);
    configure(m, 8, 0x60, 1, 0x05); /* shares IRQ 5 */
    machine_lock();
    irq_set(&host->irqs[0], 1);
    irq_set(&host->irqs[2], 0);
    machine_unlock();
    assert_int_equal(requests(m) & 0x0820, 0x0020);
    configure(m, 8, 0x60, 1, 0x85);
    assert_int_equal(requests(m) & 0x0820, 0);
    machine_free(m);
}

static void irqs_are_shared(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    struct device *bus = isa_bus(m);
    struct irq a = isa_line(bus, 7), b = isa_line(bus, 7);
    machine_lock();
    irq_set(&a, 1);
    irq_set(&b, 1);
    irq_set(&a, 0);
    machine_unlock();
    assert_int_equal(requests(m) & 0x80, 0x80);
    machine_lock();
    irq_set(&b, 0);
    machine_unlock();
    assert_int_equal(requests(m) & 0x80, 0);
    machine_free(m);
}

/* -- ports --------------------------------------------------------------------------------------------------------- */

static int resets, exits;
static void reset_asked(void)
{
    resets++;
}
static void shutdown_asked(enum shutdown_cause c, int code)
{
    (void)c;
    exits = code;
}

static void reset_control(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    machine_request_reset = reset_asked;
    out(m, 0xcf9, 1, 2);
    assert_int_equal(in(m, 0xcf9, 1), 2);
    assert_int_equal(resets, 0);
    out(m, 0xcf9, 1, 6);
    assert_int_equal(resets, 1);
    machine_free(m);
}

static void isa_devices_plug_in(void **st)
{
    (void)st;
    struct err e = {0};
    struct machine *m = build_ok(&board_pc, &(struct wish){0});
    machine_request_shutdown = shutdown_asked;
    struct device *d = device_new(m, &isa_debug_exit_class, NULL);
    assert_true(device_set_prop(d, "iobase", "0xf4", &e) && device_set_prop(d, "iosize", "4", &e));
    assert_true(device_plug(d, NULL, &e) && device_init(d, &e));
    out(m, 0xf4, 4, 0x21);
    assert_int_equal(exits, 67);
    d = device_new(m, &isa_debug_exit_class, NULL);
    assert_true(device_set_prop(d, "iobase", "0xffff", &e));
    assert_false(device_plug(d, NULL, &e));
    assert_non_null(strstr(e.msg, "ports end at 0xffff"));
    e.msg[0] = 0;
    d = device_new(m, &isa_debugcon_class, NULL);
    assert_true(device_plug(d, NULL, &e));
    assert_false(device_init(d, &e)); /* nobody to tell */
    assert_int_equal(in(m, 0xe9, 1), 0xe9);
    machine_free(m);
}

/* -- what firmware is told ------------------------------------------------------------------------------------------
 */

/* The directory by DMA, the file by its port; the file's length, 0: there is none. */
static u32 fw_cfg_read_file(struct machine *m, const char *want, void *to, unsigned room)
{
    u8 req[16];
    st32be(req, 0x19 << 16 | 8 | 2);
    st32be(req + 4, 4 + 64 * 32);
    st64be(req + 8, 0x2000);
    mem_write(m->sysmem, 0x1000, req, sizeof(req), (struct mem_attrs){0});
    out(m, 0x514, 4, 0);
    out(m, 0x518, 4, __builtin_bswap32(0x1000));
    assert_int_equal(rd(m, 0x1000, 4), 0);
    unsigned n = __builtin_bswap32((u32)rd(m, 0x2000, 4));
    for (unsigned i = 0; i < n; i++) {
        char name[56];
        u64 at = 0x2004 + 64 * i;
        mem_read(m->sysmem, at + 8, name, sizeof(name), (struct mem_attrs){0});
        if (strcmp(name, want) != 0) {
            continue;
        }
        out(m, 0x510, 2, __builtin_bswap16((u16)rd(m, at + 4, 2)));
        for (unsigned k = 0; k < room; k++) {
            ((u8 *)to)[k] = (u8)in(m, 0x511, 1);
        }
        return __builtin_bswap32((u32)rd(m, at, 4));
    }
    return 0;
}

static void fw_cfg_by_ports(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){.ram = 5ull << 30});
    out(m, 0x510, 2, 0);
    static const char signature[] = "QEMU";
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(in(m, 0x511, 1), signature[i]);
    }
    out(m, 0x510, 2, 5);
    assert_int_equal(in(m, 0x511, 1) | in(m, 0x511, 1) << 8, 1);
    assert_int_equal(in(m, 0x514, 4), 0x554d4551);
    assert_int_equal(in(m, 0x518, 4), 0x47464320);
    u8 map[60];
    assert_int_equal(fw_cfg_read_file(m, "etc/e820", map, sizeof(map)), sizeof(map));
    assert_int_equal(ld64le(map + 28), 3ull << 30);
    assert_int_equal(ld64le(map + 40), 4ull << 30);
    assert_int_equal(ld64le(map + 48), 2ull << 30);
    machine_free(m);
}

static u64 cmos(struct machine *m, unsigned at, unsigned n)
{
    u64 v = 0;
    for (unsigned i = 0; i < n; i++) {
        out(m, 0x70, 1, at + i);
        v |= in(m, 0x71, 1) << 8 * i;
    }
    return v;
}

static void cmos_has_sizes(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){.ram = 5ull << 30, .cpus = 2});
    assert_int_equal(cmos(m, 0x15, 2), 640);
    assert_int_equal(cmos(m, 0x34, 2), ((3ull << 30) - (16 << 20)) >> 16);
    assert_int_equal(cmos(m, 0x5b, 3), 2ull << 30 >> 16);
    assert_int_equal(cmos(m, 0x5f, 1), 1);
    machine_free(m);
}

static void boot_order(void **st)
{
    (void)st;
    struct machine *m = build_ok(&board_pc, &(struct wish){.order = "dc", .once = "nxa"});
    assert_int_equal(cmos(m, 0x3d, 1), 0x14);
    assert_int_equal(cmos(m, 0x38, 1), 0x00);
    machine_lock();
    machine_reset(m);
    machine_unlock();
    assert_int_equal(cmos(m, 0x3d, 1), 0x23);
    machine_free(m);
    m = build_ok(&board_pc, &(struct wish){0});
    assert_int_equal(cmos(m, 0x3d, 1), 0x12);
    assert_int_equal(cmos(m, 0x38, 1), 0x30);
    machine_free(m);
}

/* -- kernels ------------------------------------------------------------------------------------------------------- */

enum { SETUP_BYTES = 2 * 512, KERNEL_BYTES = 4096, INITRD_BYTES = 5000 };

/* A bzImage of protocol 2.12 that wants 16 MiB, one sector of setup; a Multiboot image with its addresses in the
 * header; an initrd. */
static char *file_make(const char *name, const void *data, size_t n)
{
    char *path = g_build_filename(work, name, NULL);
    assert_true(g_file_set_contents(path, data, (gssize)n, NULL));
    return path;
}
static char *bzimage_make(void)
{
    u8 *k = g_malloc0(SETUP_BYTES + KERNEL_BYTES);
    k[0x1f1] = 1;
    st16le(k + 0x1fe, 0xaa55);
    k[0x201] = 0x6a;
    memcpy(k + 0x202, "HdrS", 4);
    st16le(k + 0x206, 0x20c);
    k[0x211] = 1;
    st32le(k + 0x22c, 0x7fffffff);
    st32le(k + 0x230, 0x200000);
    k[0x234] = 1;
    st32le(k + 0x238, 2047);
    st64le(k + 0x258, 0x1000000);
    st32le(k + 0x260, 0x800000);
    memset(k + SETUP_BYTES, 0x90, KERNEL_BYTES);
    char *path = file_make("bzImage", k, SETUP_BYTES + KERNEL_BYTES);
    g_free(k);
    return path;
}

/* As programs of old find the tables: by an anchor on 16 bytes, and from table to table. */
static void smbios_walk(struct machine *m, const u8 *anchor)
{
    unsigned length = ld16le(anchor + 0x16), count = ld16le(anchor + 0x1c), longest = 0, at = 0;
    u8 *t = g_malloc0(length + 2);
    mem_read(m->sysmem, ld32le(anchor + 0x18), t, length, (struct mem_attrs){0});
    assert_int_equal(t[0], 1); /* the system, for firmware adds itself */
    for (unsigned i = 0; i < count; i++) {
        unsigned next = at + t[at + 1];
        assert_true(next < length);
        assert_int_equal(t[at] == 127, i == count - 1);
        while (t[next] || t[next + 1]) {
            next++;
        }
        longest = MAX(longest, next + 2 - at);
        at = next + 2;
    }
    assert_int_equal(at, length);
    assert_int_equal(longest, ld16le(anchor + 8));
    g_free(t);
}

static void bzimage_is_entered_directly(void **st)
{
    (void)st;
    u8 initrd[INITRD_BYTES] = {1, 2, 3, 4};
    char *kernel = bzimage_make(), *initrd_path = file_make("initrd", initrd, sizeof(initrd));
    struct machine *m = build_ok(
        &board_pc,
        &(struct wish){.kernel = kernel, .initrd = initrd_path, .append = "quiet", .vga = "std", .ram = 5ull << 30});
    const u64 zero = 0x10000;
    assert_int_equal(rd(m, 0x1000000, 4), 0x90909090);
    assert_int_equal(rd(m, zero + 0x202, 4), 0x53726448);
    assert_int_equal(rd(m, zero + 0x210, 1), 0xff);
    assert_int_equal(rd(m, zero + 0x214, 4), 0x1000000);
    u64 at = rd(m, zero + 0x218, 4);
    assert_int_equal(rd(m, zero + 0x21c, 4), INITRD_BYTES);
    assert_int_equal(at % 4096, 0);
    assert_int_equal(rd(m, at, 4), 0x04030201);
    char line[6];
    mem_read(m->sysmem, rd(m, zero + 0x228, 4), line, sizeof(line), (struct mem_attrs){0});
    assert_string_equal(line, "quiet");
    /* RAM, the last KiB below 640 KiB, the BIOS's area, RAM, tables... and RAM above 4 GiB */
    unsigned n = (unsigned)rd(m, zero + 0x1e8, 1);
    assert_int_equal(n, 8);
    assert_int_equal(rd(m, zero + 0x2d0 + 8, 8), 0x9fc00);
    assert_int_equal(rd(m, zero + 0x2d0 + 20 * (n - 1), 8), 4ull << 30);
    assert_int_equal(rd(m, zero + 0x2d0 + 20 * (n - 1) + 8, 8), 2ull << 30);
    /* tables */
    u64 rsdp = rd(m, zero + 0x70, 8);
    assert_int_equal(rd(m, rsdp, 8), 0x2052545020445352ull);
    assert_int_equal(rd(m, rd(m, rsdp + 16, 4), 4), 0x54445352); /* RSDT */
    u8 anchor[0x1f], sum = 0, dmi = 0;
    mem_read(m->sysmem, 0xf0000, anchor, sizeof(anchor), (struct mem_attrs){0});
    for (unsigned i = 0; i < sizeof(anchor); i++) {
        sum = (u8)(sum + anchor[i]);
        dmi = (u8)(dmi + (i < 0x10 ? 0 : anchor[i]));
    }
    assert_memory_equal(anchor, "_SM_", 4);
    assert_memory_equal(anchor + 0x10, "_DMI_", 5);
    assert_int_equal(sum, 0);
    assert_int_equal(dmi, 0);
    smbios_walk(m, anchor);
    assert_int_equal(in(m, 0x608, 4) == 0xffffffff, 0); /* the timer that the tables speak of */
    machine_free(m);
    struct err e = {0};
    assert_null(build(&board_pc, &(struct wish){.kernel = kernel, .ram = 8 << 20}, &e));
    assert_non_null(strstr(e.msg, "could not load kernel"));
    assert_non_null(strstr(e.msg, "does not fit into RAM"));
    unlink(kernel);
    unlink(initrd_path);
    g_free(kernel);
    g_free(initrd_path);
}

/* With a screen that somebody sees the kernel is an option ROM's, and the first to boot. */
static void bzimage_behind_firmware(void **st)
{
    (void)st;
    if (!g_file_test("/usr/share/seabios/bios-256k.bin", G_FILE_TEST_EXISTS)) {
        skip();
    }
    char *kernel = bzimage_make();
    struct machine *m = build_ok(&board_q35, &(struct wish){.kernel = kernel, .vga = "std", .watched = true});
    u8 rom[512], sum = 0;
    assert_int_equal(fw_cfg_read_file(m, "genroms/linuxboot_dma.bin", rom, sizeof(rom)), sizeof(rom));
    for (unsigned i = 0; i < sizeof(rom); i++) {
        sum = (u8)(sum + rom[i]);
    }
    assert_int_equal(sum, 0);
    assert_int_equal(ld16le(rom), 0xaa55);
    assert_int_equal(ld32be(rom + 0x110), 0x11 << 16 | 8 | 2); /* the kernel */
    assert_int_equal(ld32be(rom + 0x114), KERNEL_BYTES);
    assert_int_equal(ld64be(rom + 0x118), 0x1000000);
    char order[64];
    assert_true(fw_cfg_read_file(m, "bootorder", order, sizeof(order)) > 0);
    assert_string_equal(order, "/rom@genroms/linuxboot_dma.bin");
    machine_free(m);
    unlink(kernel);
    g_free(kernel);
}

static void multiboot_modules(void **st)
{
    (void)st;
    u8 image[256] = {0};
    st32le(image, 0x1badb002);
    st32le(image + 4, 1 << 16);
    st32le(image + 8, (u32) - (0x1badb002 + (1 << 16)));
    st32le(image + 12, 0x100000); /* header, load, ends, entry */
    st32le(image + 16, 0x100000);
    st32le(image + 28, 0x100040);
    char *kernel = file_make("kernel", image, sizeof(image)), *mod = file_make("module", "module!", 7);
    char *list = g_strdup_printf("%s one two,%s", mod, mod);
    struct machine *m = build_ok(&board_pc, &(struct wish){.kernel = kernel, .initrd = list, .append = "x"});
    u64 info = 0x9000, mods = rd(m, info + 24, 4);
    char text[256];
    assert_int_equal(rd(m, info, 4) & 8, 8);
    assert_int_equal(rd(m, info + 20, 4), 2);
    u64 at = rd(m, mods, 4);
    assert_int_equal(at, 0x101000);
    assert_int_equal(rd(m, mods + 4, 4) - at, 7);
    assert_int_equal(rd(m, at, 1), 'm');
    mem_read(m->sysmem, rd(m, mods + 8, 4), text, sizeof(text), (struct mem_attrs){0});
    assert_true(g_str_has_suffix(text, "/module one two"));
    assert_int_equal(rd(m, mods + 16, 4), 0x102000);
    mem_read(m->sysmem, rd(m, info + 16, 4), text, sizeof(text), (struct mem_attrs){0});
    assert_true(g_str_has_suffix(text, "/kernel x"));
    machine_free(m);
    unlink(kernel);
    unlink(mod);
    g_free(kernel);
    g_free(mod);
    g_free(list);
}

static void mistakes_are_told(void **st)
{
    (void)st;
    struct err e = {0};
    assert_null(build(&board_pc, &(struct wish){.options = "max-ram-below-4g=100K"}, &e));
    assert_non_null(strstr(e.msg, "max-ram-below-4g=0x19000"));
    e.msg[0] = 0;
    assert_null(build(&board_pc, &(struct wish){.cpus = 300}, &e));
    assert_string_equal(e.msg, "Invalid SMP CPUs 300. The max CPUs supported by machine 'pc-i440fx-7.2' is 255");
}

static int set_up(void **st)
{
    (void)st;
    u8 *rom = g_malloc0(ROM_SIZE);
    for (unsigned i = 0; i < 0x10000; i++) {
        rom[ROM_SIZE - 0x10000 + i] = (u8)i;
    }
    assert_non_null(mkdtemp(work));
    rom_path = g_build_filename(work, "rom", NULL);
    assert_true(g_file_set_contents(rom_path, (char *)rom, ROM_SIZE, NULL));
    g_free(rom);
    return 0;
}
static int tear_down(void **st)
{
    (void)st;
    unlink(rom_path);
    rmdir(work);
    g_free(rom_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_are_golden),
        cmocka_unit_test(configuration_by_ports),
        cmocka_unit_test(shadow_ram),
        cmocka_unit_test(smram_opens_and_locks),
        cmocka_unit_test(pirqs_are_routed),
        cmocka_unit_test(irqs_are_shared),
        cmocka_unit_test(reset_control),
        cmocka_unit_test(isa_devices_plug_in),
        cmocka_unit_test(fw_cfg_by_ports),
        cmocka_unit_test(cmos_has_sizes),
        cmocka_unit_test(boot_order),
        cmocka_unit_test(bzimage_is_entered_directly),
        cmocka_unit_test(bzimage_behind_firmware),
        cmocka_unit_test(multiboot_modules),
        cmocka_unit_test(configuration_by_ecam),
        cmocka_unit_test(pirqs_of_the_ich9),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

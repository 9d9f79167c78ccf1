/* ACPI tables: encodings, check sums, the script that firmware executes, and what iasl says of them all. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/opts.h"
#include "hw/acpi/aml.h"
#include "hw/acpi/tables.h"
#include "hw/board/pc/acpi.h"
#include "hw/board/virt/virt_priv.h"
#include "tests/hw/bench.h"

/* -- AML ---------------------------------------------------------------------------------------------------------- */

#define BYTES(a, ...) \
    do { \
        static const u8 want_[] = {__VA_ARGS__}; \
        assert_int_equal((a)->code.len, sizeof(want_)); \
        assert_memory_equal((a)->code.data, want_, sizeof(want_)); \
        buf_free(&(a)->code); \
    } while (0)

static void encodings(void **st)
{
    (void)st;
    struct aml a = {0};
    aml_name(&a, "_HID"), aml_eisa_id(&a, "PNP0A03");
    BYTES(&a, 8, '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0a, 0x03);
    aml_ref(&a, "\\_SB.PCI0.ISA");
    BYTES(&a, '\\', 0x2f, 3, '_', 'S', 'B', '_', 'P', 'C', 'I', '0', 'I', 'S', 'A', '_');
    aml_ref(&a, "^PCI0.A");
    BYTES(&a, '^', 0x2e, 'P', 'C', 'I', '0', 'A', '_', '_', '_');
    aml_int(&a, 0), aml_int(&a, 1), aml_int(&a, 255), aml_int(&a, 256), aml_int(&a, 0x12345678);
    BYTES(&a, 0, 1, 0x0a, 255, 0x0b, 0, 1, 0x0c, 0x78, 0x56, 0x34, 0x12);
    aml_scope(&a, "A");
    aml_end(&a);
    BYTES(&a, 0x10, 5, 'A', '_', '_', '_');
    aml_uuid(&a, "33db4d5b-1ff7-401c-9657-7441c03dd766");
    BYTES(&a, 0x11, 19, 0x0a, 16, 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40, 0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d,
          0xd7, 0x66);
    aml_resources(&a);
    aml_io(&a, 0x3f8, 8);
    aml_isa_irq(&a, 4);
    aml_resources_end(&a);
    BYTES(&a, 0x11, 0x11, 0x0b, 13, 0, 0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0, 0x79, 0);
}

/* Bodies of each size of length: it counts its own bytes. */
static void lengths(void **st)
{
    (void)st;
    static const struct {
        unsigned content;
        u32 length;
        unsigned bytes;
    } cases[] = {{62, 63, 1}, {63, 65, 2}, {4093, 4095, 2}, {4094, 4097, 3}, {70000, 70003, 3}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct aml a = {0};
        aml_package(&a, 0);
        for (unsigned n = 1; n < cases[i].content; n++) {
            aml_byte(&a, 0);
        }
        aml_end(&a);
        const u8 *p = a.code.data + 1;
        unsigned more = p[0] >> 6;
        u32 v = more ? p[0] & 15u : p[0];
        for (unsigned n = 1; n <= more; n++) {
            v |= (u32)p[n] << (8 * n - 4);
        }
        assert_int_equal(more + 1, cases[i].bytes);
        assert_int_equal(v, cases[i].length);
        assert_int_equal(a.code.len, 1 + cases[i].length);
        buf_free(&a.code);
    }
}

/* -- the tables of a PC ------------------------------------------------------------------------------------------- */

static unsigned pirq4(unsigned slot, unsigned pin)
{
    return (slot + pin + 3) % 4;
}
static unsigned pirq8(unsigned slot, unsigned pin)
{
    return slot < 25 ? 4 + (slot + pin) % 4 : pin;
}
static unsigned placed = 0x600;
static unsigned pm_base(const struct device *d)
{
    (void)d;
    return placed;
}
static u64 ecam(void *opaque, u8 *last)
{
    (void)opaque;
    *last = 255;
    return 0xb0000000;
}

static struct machine machine = {.cfg = {.cpus = 6, .cores = 3, .sockets = 2}};
static const struct pc_acpi i440fx = {.m = &machine,
                                      .pm_base = pm_base,
                                      .gpe0 = 0x0c,
                                      .gpe0_size = 4,
                                      .reset_value = 6,
                                      .bridge = 8,
                                      .links = 4,
                                      .pirq = pirq4,
                                      .mem32 = 0xc0000000,
                                      .mem32_end = 0xfec00000,
                                      .mem64 = 0x180000000,
                                      .mem64_end = 1ull << 40,
                                      .hpet = true,
                                      .keyboard = true,
                                      .floppy = true,
                                      .parallel = true,
                                      .vga = true,
                                      .coms = 0xf,
                                      .fw_cfg = 0x510};
static const struct pc_acpi q35 = {.m = &machine,
                                   .pm_base = pm_base,
                                   .gpe0 = 0x20,
                                   .gpe0_size = 16,
                                   .s5 = 7,
                                   .reset_value = 0x0f,
                                   .bridge = 0xf8,
                                   .links = 8,
                                   .pirq = pirq8,
                                   .mem32 = 0xc0000000,
                                   .mem32_end = 0xfec00000,
                                   .ecam = ecam,
                                   .keyboard = true,
                                   .coms = 1};

static u8 sum(const u8 *p, size_t n)
{
    u8 s = 0;
    while (n--) {
        s = (u8)(s + *p++);
    }
    return s;
}
/* The table of that name through RSDP and XSDT, as they stand at `base`. */
static const u8 *find(const struct acpi_tables *t, u64 base, const char *name)
{
    assert_memory_equal(t->rsdp, "RSD PTR ", 8);
    assert_int_equal(sum(t->rsdp, 20), 0);
    assert_int_equal(sum(t->rsdp, 36), 0);
    const u8 *x = t->body.data + (ld64le(t->rsdp + 24) - base), *r = t->body.data + (ld32le(t->rsdp + 16) - base);
    assert_memory_equal(x, "XSDT", 4);
    assert_memory_equal(r, "RSDT", 4);
    assert_int_equal(sum(x, ld32le(x + 4)), 0);
    assert_int_equal((ld32le(x + 4) - 36) / 8, (ld32le(r + 4) - 36) / 4);
    for (u32 i = 36; i < ld32le(x + 4); i += 8) {
        const u8 *p = t->body.data + (ld64le(x + i) - base);
        assert_int_equal(sum(p, ld32le(p + 4)), 0);
        assert_int_equal(ld32le(r + 36 + (i - 36) / 2), ld64le(x + i));
        if (!memcmp(p, name, 4)) {
            return p;
        }
    }
    return NULL;
}

static void in_memory(void **st)
{
    (void)st;
    struct acpi_tables t = {0};
    pc_acpi_make((void *)&i440fx, &t);
    acpi_place(&t, 0x7fe0000);
    const u8 *p = find(&t, 0x7fe0000, "FACP");
    assert_int_equal(ld32le(p + 4), 244);
    assert_int_equal(ld32le(p + 56), 0x600);
    assert_int_equal(ld32le(p + 64), 0x604);
    assert_int_equal(ld32le(p + 76), 0x608);
    assert_int_equal(ld32le(p + 80), 0x60c);
    assert_int_equal(ld64le(p + 140), ld32le(p + 40));
    const u8 *dsdt = t.body.data + (ld32le(p + 40) - 0x7fe0000), *facs = t.body.data + (ld32le(p + 36) - 0x7fe0000);
    assert_memory_equal(dsdt, "DSDT", 4);
    assert_int_equal(sum(dsdt, ld32le(dsdt + 4)), 0);
    static const u8 slot[] = {'S', '1', '8', '_', 8,   '_', 'A', 'D', 'R',  0x0c, 0,
                              0,   3,   0,   8,   '_', 'S', 'U', 'N', 0x0a, 3};
    assert_non_null(memmem(dsdt, ld32le(dsdt + 4), slot, sizeof(slot))); /* ens3 */
    assert_memory_equal(facs, "FACS", 4);
    assert_int_equal(ld32le(p + 36) % 64, 0);
    p = find(&t, 0x7fe0000, "APIC");
    assert_int_equal(p[44 + 3 * 8 + 3], 4); /* the fourth processor: of the second package */
    assert_non_null(find(&t, 0x7fe0000, "HPET"));
    assert_null(find(&t, 0x7fe0000, "MCFG"));
    acpi_free(&t);
    pc_acpi_make((void *)&q35, &t);
    acpi_place(&t, 0);
    p = find(&t, 0, "MCFG");
    assert_int_equal(ld64le(p + 44), 0xb0000000);
    acpi_free(&t);
}

/* What firmware does with the script gives what acpi_place gives. */
static void by_script(void **st)
{
    (void)st;
    struct acpi_tables t = {0}, u = {0};
    struct buf s = {0};
    const u64 base = 0xbffe0040 & ~63ull;
    pc_acpi_make((void *)&i440fx, &t);
    pc_acpi_make((void *)&i440fx, &u);
    acpi_script(&t, &s);
    acpi_place(&u, base);
    unsigned files = 0;
    assert_int_equal(s.len % 128, 0);
    for (const u8 *c = s.data; c < s.data + s.len; c += 128) {
        bool rsdp = !strcmp((const char *)c + 4, "etc/acpi/rsdp");
        u8 *in = rsdp ? t.rsdp : t.body.data;
        u32 a = ld32le(c + 60), b = ld32le(c + 64), n = ld32le(c + 68);
        assert_true(rsdp || !strcmp((const char *)c + 4, "etc/acpi/tables"));
        switch (ld32le(c)) {
        case 1:
            files++;
            assert_int_equal(c[64], rsdp ? 2 : 1);
            break;
        case 2:
            assert_string_equal((const char *)c + 60, "etc/acpi/tables");
            a = ld32le(c + 116);
            stnle(in + a, c[120], ldnle(in + a, c[120]) + base);
            break;
        case 3:
            in[a] = (u8)(in[a] - sum(in + b, n));
            break;
        default:
            fail();
        }
    }
    assert_int_equal(files, 2);
    assert_int_equal(t.body.len, u.body.len);
    assert_memory_equal(t.body.data, u.body.data, t.body.len);
    assert_memory_equal(t.rsdp, u.rsdp, sizeof(t.rsdp));
    buf_free(&s);
    acpi_free(&t);
    acpi_free(&u);
}

/* What firmware places later changes values, not lengths. */
static void lengths_stay(void **st)
{
    (void)st;
    struct acpi_tables t = {0}, u = {0};
    placed = 0;
    pc_acpi_make((void *)&q35, &t);
    placed = 0xb000;
    pc_acpi_make((void *)&q35, &u);
    placed = 0x600;
    assert_int_equal(t.body.len, u.body.len);
    assert_int_equal(t.npointers, u.npointers);
    assert_memory_equal(t.pointer, u.pointer, sizeof(t.pointer));
    acpi_free(&t);
    acpi_free(&u);
}

/* -- iasl --------------------------------------------------------------------------------------------------------- */

static void iasl(const char *dir, const char *how, const char *file)
{
    char *argv[] = {(char *)"iasl", (char *)how, (char *)file, NULL}, *out = NULL, *err = NULL;
    int status = 0;
    if (!how) {
        argv[1] = (char *)file;
        argv[2] = NULL;
    }
    assert_true(g_spawn_sync(dir, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, NULL));
    if (status || strstr(out, "Error ") || strstr(err, "Error ") || (!how && !strstr(out, "0 Errors"))) {
        fail_msg("iasl %s %s: status %d\n%s\n%s", how ? how : "", file, status, out, err);
    }
    g_free(out);
    g_free(err);
}
/* Each table disassembled, and compiled again. */
static void iasl_reads(void (*make)(void *opaque, struct acpi_tables *t), void *opaque)
{
    char *have = g_find_program_in_path("iasl"), *dir = g_dir_make_tmp("moss-acpi-XXXXXX", NULL);
    struct acpi_tables t = {0};
    if (!have) {
        skip();
    }
    make(opaque, &t);
    acpi_place(&t, 0x1000);
    for (unsigned i = 0; i < t.ntables; i++) {
        const u8 *p = t.body.data + t.table[i];
        char *name = g_strdup_printf("%.4s.aml", (const char *)p), *path = g_build_filename(dir, name, NULL);
        assert_true(g_file_set_contents(path, (const char *)p, ld32le(p + 4), NULL));
        iasl(dir, "-d", name);
        memcpy(strrchr(name, '.'), ".dsl", 4);
        iasl(dir, NULL, name);
        g_free(name);
        g_free(path);
    }
    char *clean[] = {(char *)"rm", (char *)"-r", dir, NULL};
    g_spawn_sync(NULL, clean, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    acpi_free(&t);
    g_free(dir);
    g_free(have);
}
static void iasl_finds_no_error(void **st)
{
    (void)st;
    iasl_reads(pc_acpi_make, (void *)&i440fx);
    iasl_reads(pc_acpi_make, (void *)&q35);
}

/* -- Arm's virt --------------------------------------------------------------------------------------------------- */

static void virt_board(void **st)
{
    static const char *const options[] = {"virt", "virt,gic-version=3,virtualization=on,secure=on,x-oem-id=WE",
                                          "virt,gic-version=max,highmem=off,its=off"};
    (void)st;
    for (unsigned i = 0; i < ARRAY_LEN(options); i++) {
        struct opts o = {0};
        struct err e = {0};
        assert_true(opts_parse(&o, options[i], "type", &e));
        struct machine_config cfg = {.cpus = 3, .cpu_model = "cortex-a57", .board_opts = &o};
        struct machine *m = machine_new(&board_virt, &cfg, &e);
        assert_non_null(m);
        assert_true(machine_finish(m, &e));
        iasl_reads(virt_acpi_make, m);
        machine_free(m);
        opts_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings),  cmocka_unit_test(lengths),      cmocka_unit_test(in_memory),
        cmocka_unit_test(by_script),  cmocka_unit_test(lengths_stay), cmocka_unit_test(iasl_finds_no_error),
        cmocka_unit_test(virt_board),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The virt board: its device trees against golden files (BLESS=1 rewrites them), its map and its wires.
 *
 * The golden files equal, node by node, what QEMU's virt-7.2 dumps with the same options and dtb-randomness=off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "base/bits.h"
#include "base/opts.h"
#include "hw/board/virt/virt.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"
#include "hw/misc/fw_cfg.h"
#include "tests/hw/dts.h"

static char work[] = "/tmp/moss-virt-XXXXXX";

static char *work_file(const char *name)
{
    return g_build_filename(work, name, NULL);
}

struct row {
    const char *golden, *options;
    unsigned cpus;
    u64 ram;
    const char *kernel, *initrd, *append, *firmware;
};
static const struct row rows[] = {
    {"gic2", "", 1},
    {"gic2-el2-smp4", "virtualization=on", 4},
    {"gic3-4g", "gic-version=3", 1, 4ull << 30},
    {"gic3-no-its-low", "gic-version=3,its=off,highmem=off", 1},
    {"gic3-smp130", "gic-version=max", 130},
    {"gic3-el3", "gic-version=3,secure=on", 2},
    {"gic3-el3-el2", "gic-version=3,secure=on,virtualization=on", 3},
    {"kernel", "", 1, 0, "Image", "initrd", "console=ttyAMA0"},
    {"kernel-el3", "secure=on", 2, 0, "Image", NULL, NULL},
    {"firmware", "", 1, 0, NULL, NULL, NULL, "fw"},
    {"firmware-el3", "secure=on", 2, 0, NULL, NULL, NULL, "fw"},
};

static struct machine *build(const struct row *r, struct opts *o, const char *dump, struct err *e)
{
    char *text = g_strdup_printf("virt,dtb-randomness=off%s%s", *r->options ? "," : "", r->options);
    char *kernel = r->kernel ? work_file(r->kernel) : NULL, *initrd = r->initrd ? work_file(r->initrd) : NULL;
    char *firmware = r->firmware ? work_file(r->firmware) : NULL;
    assert_true(opts_parse(o, text, "type", e));
    struct machine_config cfg = {.cpus = r->cpus,
                                 .ram_size = r->ram,
                                 .cpu_model = "cortex-a57",
                                 .board_opts = o,
                                 .kernel = kernel,
                                 .initrd = initrd,
                                 .append = r->append,
                                 .firmware = firmware,
                                 .dumpdtb = dump};
    struct machine *m = machine_new(&board_virt, &cfg, e);
    if (m && !machine_finish(m, e)) {
        machine_free(m);
        m = NULL;
    }
    g_free(kernel);
    g_free(initrd);
    g_free(firmware);
    g_free(text);
    return m;
}

static struct machine *build_ok(const struct row *r, struct opts *o, const char *dump)
{
    struct err e = {0};
    struct machine *m = build(r, o, dump, &e);
    if (!m) {
        fail_msg("%s: %s", r->golden, e.msg);
    }
    return m;
}

/* -- device trees ------------------------------------------------------------------------------------------ */

static void golden_compare(const char *name, const char *text)
{
    char *path = g_strdup_printf("tests/golden/virt-%s.dts", name); /* tests start in the root of the source tree */
    gchar *want = NULL;
    if (getenv("BLESS")) {
        assert_true(g_file_set_contents(path, text, -1, NULL));
    }
    if (!g_file_get_contents(path, &want, NULL, NULL)) {
        fail_msg("cannot read %s", path);
    }
    if (strcmp(want, text) != 0) {
        unsigned line = 1;
        for (size_t i = 0; want[i] && want[i] == text[i]; i++) {
            line += want[i] == '\n';
        }
        fail_msg("%s differs in line %u", path, line);
    }
    g_free(want);
    g_free(path);
}

static void device_trees_are_golden(void **st)
{
    (void)st;
    char *dump = work_file("dump.dtb");
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct opts o = {0};
        struct buf b = {0};
        gchar *blob;
        struct machine *m = build_ok(&rows[i], &o, dump);
        machine_free(m);
        opts_free(&o);
        assert_true(g_file_get_contents(dump, &blob, NULL, NULL));
        dts_print(blob, &b);
        golden_compare(rows[i].golden, (char *)b.data);
        g_free(blob);
        buf_free(&b);
    }
    g_free(dump);
}

/* -- map and wires ----------------------------------------------------------------------------------------- */

static void region_is(struct machine *m, u64 addr, const char *name)
{
    struct mem_hit h;
    mem_find(m->sysmem, addr, &h);
    assert_non_null(h.region);
    assert_string_equal(h.region->name, name);
}

static void everything_is_where_it_belongs(void **st)
{
    (void)st;
    struct opts o = {0};
    struct machine *m = build_ok(&(struct row){"", "gic-version=3,secure=on", 2}, &o, NULL);
    region_is(m, 0x00000000, "virt.flash0");
    region_is(m, 0x07ffffff, "virt.flash1");
    region_is(m, 0x08000000, "gic");
    region_is(m, 0x08080000, "its");
    region_is(m, 0x09000000, "uart0");
    region_is(m, 0x09010000, "rtc");
    region_is(m, 0x09020008, "fw_cfg");
    region_is(m, 0x09030000, "gpio");
    region_is(m, 0x09040000, "uart1");
    region_is(m, 0x090b0000, "secure-gpio");
    region_is(m, 0x0a003e00, "virtio-mmio-bus.31");
    region_is(m, 0x0e000000, "virt.secure-ram");
    region_is(m, 0x40000000, "mach-virt.ram");

    struct device *gic = machine_find(m, "gic");
    static const struct {
        const char *id;
        unsigned spi;
    } wires[] = {
        {"uart0", 1}, {"rtc", 2}, {"gpio", 7}, {"uart1", 8}, {"virtio-mmio-bus.0", 16}, {"virtio-mmio-bus.31", 47}};
    for (unsigned i = 0; i < ARRAY_LEN(wires); i++) {
        const struct device *d = machine_find(m, wires[i].id);
        assert_ptr_equal(d->irqs[0].to, gic);
        assert_int_equal(d->irqs[0].n, wires[i].spi);
    }
    const struct device *pcie = machine_find(m, "pcie.0");
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pcie->irqs[i].n, 3 + i);
    }

    /* What is secure is hidden from all others. */
    u64 v;
    assert_int_equal(mem_load(m->sysmem, 0x0e000000, 4, &v, (struct mem_attrs){0}), MEM_DECODE_ERROR);
    assert_int_equal(mem_load(m->sysmem, 0x0e000000, 4, &v, (struct mem_attrs){.secure = true}), MEM_OK);
    assert_int_equal(mem_load(m->sysmem, 0x09040018, 4, &v, (struct mem_attrs){0}), MEM_DECODE_ERROR);
    assert_int_equal(mem_load(m->sysmem, 0x09000018, 4, &v, (struct mem_attrs){0}), MEM_OK);
    assert_int_equal(v, 0x90);
    machine_reset(m);
    machine_free(m);
    opts_free(&o);
}

static enum shutdown_cause shut_cause;
static unsigned shutdowns, resets;
static void on_shutdown(enum shutdown_cause c, int code)
{
    shut_cause = c;
    shutdowns += code == 0;
}
static void on_reset(void)
{
    resets++;
}

static void keys_and_secure_lines_act(void **st)
{
    (void)st;
    struct opts o = {0};
    const struct mem_attrs secure = {.secure = true};
    struct machine *m = build_ok(&(struct row){"", "secure=on", 1}, &o, NULL);
    u64 v;
    machine_reset(m);
    mem_store(m->sysmem, 0x0903040c, 4, 8, (struct mem_attrs){0}); /* GPIOIEV */
    m->board->power_button(m);
    assert_int_equal(mem_load(m->sysmem, 0x09030414, 4, &v, (struct mem_attrs){0}), MEM_OK);
    assert_int_equal(v, 8);

    machine_request_shutdown = on_shutdown;
    machine_request_reset = on_reset;
    mem_store(m->sysmem, 0x090b0400, 4, 3, secure);
    mem_store(m->sysmem, 0x090b0000 + (1 << 2), 4, 1, secure);
    assert_int_equal(shutdowns, 1);
    assert_int_equal(shut_cause, SHUTDOWN_GUEST);
    mem_store(m->sysmem, 0x090b0000 + (2 << 2), 4, 2, secure);
    assert_int_equal(resets, 1);
    machine_free(m);
    opts_free(&o);
}

/* -- booting ----------------------------------------------------------------------------------------------- */

static void kernels_get_initrd_and_tree_behind_them(void **st)
{
    (void)st;
    struct opts o = {0};
    struct buf b = {0};
    struct machine *m = build_ok(&(struct row){"", "", 1, 0, "Image", "initrd", "x"}, &o, NULL);
    machine_reset(m);
    assert_memory_equal(m->ram.host + 0x200038, "ARM\x64", 4);
    assert_memory_equal(m->ram.host + 0x4000000, "initrd", 6);
    assert_int_equal(ld32be(m->ram.host + 0x4200000), 0xd00dfeed);
    for (const struct blob *p = m->blobs; p; p = p->next) {
        buf_printf(&b, "%llx ", (unsigned long long)p->addr);
    }
    assert_string_equal((char *)b.data, "40200000 44000000 44200000 ");
    buf_free(&b);
    machine_free(m);
    opts_free(&o);
}

static u32 cfg_u32(struct machine *m, u16 key)
{
    u64 v;
    mem_store(m->sysmem, 0x09020008, 2, __builtin_bswap16(key), (struct mem_attrs){0});
    mem_load(m->sysmem, 0x09020000, 4, &v, (struct mem_attrs){0});
    return (u32)v;
}

static void firmware_finds_kernels_in_fw_cfg(void **st)
{
    (void)st;
    struct opts o = {0};
    struct machine *m = build_ok(&(struct row){"", "", 3, 0, "Image", "initrd", "quiet", "fw"}, &o, NULL);
    u64 v;
    machine_reset(m);
    mem_load(m->sysmem, 0, 8, &v, (struct mem_attrs){0});
    assert_memory_equal(&v, "firmware", 8);
    assert_int_equal(ld32be(m->ram.host), 0xd00dfeed);
    assert_int_equal(cfg_u32(m, FW_CFG_NB_CPUS), 3);
    assert_int_equal(cfg_u32(m, FW_CFG_KERNEL_SIZE), 4096);
    assert_int_equal(cfg_u32(m, FW_CFG_INITRD_SIZE), 6);
    assert_int_equal(cfg_u32(m, FW_CFG_INITRD_DATA), 0x74696e69);
    assert_int_equal(cfg_u32(m, FW_CFG_CMDLINE_SIZE), 6);
    assert_int_equal(cfg_u32(m, FW_CFG_CMDLINE_DATA), 0x65697571);
    machine_free(m);
    opts_free(&o);
}

static void refused(const struct row *r, const char *why)
{
    struct opts o = {0};
    struct err e = {0};
    assert_null(build(r, &o, NULL, &e));
    assert_non_null(strstr(e.msg, why));
    opts_free(&o);
}

static void mistakes_get_a_sentence(void **st)
{
    (void)st;
    refused(&(struct row){"", "gic-version=7", 1}, "Invalid gic-version value '7'");
    refused(&(struct row){"", "gic-version=host", 1}, "requires KVM");
    refused(&(struct row){"", "iommu=smmuv3", 1}, "no SMMU");
    refused(&(struct row){"", "mte=on", 1}, "memory tagging");
    refused(&(struct row){"", "", 9}, "exceeds max CPUs supported by machine 'mach-virt' (8)");
    refused(&(struct row){"", "gic-version=3,highmem-redists=off", 124}, "(123)");
    refused(&(struct row){"", "highmem=off", 1, 4ull << 30}, "Addressing limited to 32 bits");
    refused(&(struct row){"", "", 1, 0, "nofile"}, "could not load kernel '/");
    refused(&(struct row){"", "", 1, 0, "Image", "nofile"}, "could not load initrd '");
    refused(&(struct row){"", "", 1, 0, NULL, NULL, NULL, "nofile"}, "Could not find ROM image '");
    refused(&(struct row){"", "", 1, 8 << 20, "Image", "big"}, "does not fit");
}

static void file_put(const char *name, const void *p, gssize n)
{
    char *path = work_file(name);
    assert_true(g_file_set_contents(path, p, n, NULL));
    g_free(path);
}

static int files_make(void **st)
{
    static u8 image[4096], big[8 << 20];
    (void)st;
    assert_non_null(mkdtemp(work));
    st64le(image + 16, 0x10000);
    memcpy(image + 56, "ARM\x64", 4);
    file_put("Image", image, sizeof(image));
    file_put("big", big, sizeof(big));
    file_put("initrd", "initrd", 6);
    file_put("fw", "firmware\0\0\0", 11);
    return 0;
}

static int files_remove(void **st)
{
    static const char *const names[] = {"Image", "big", "initrd", "fw", "dump.dtb"};
    (void)st;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        char *path = work_file(names[i]);
        unlink(path);
        g_free(path);
    }
    return rmdir(work);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(device_trees_are_golden),          cmocka_unit_test(everything_is_where_it_belongs),
        cmocka_unit_test(keys_and_secure_lines_act),        cmocka_unit_test(kernels_get_initrd_and_tree_behind_them),
        cmocka_unit_test(firmware_finds_kernels_in_fw_cfg), cmocka_unit_test(mistakes_get_a_sentence),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}

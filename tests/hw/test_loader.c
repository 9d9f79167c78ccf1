/* Kernels in every wrapping, and what stands in memory after a reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>
#include <glib.h>
#include <zlib.h>

#include "base/bits.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"

#define RAM 0x40000000ull

static const struct kernel_rules rules = {
    .ram_base = RAM, .ram_size = 16 << 20, .elf_machines = {EM_AARCH64}, .raw_offset = 0x80000, .keep_free = 0x1000};

struct box {
    struct machine m;
    char path[32];
};

static void box_new(struct box *b)
{
    *b = (struct box){.path = "/tmp/moss-loader-XXXXXX"};
    int fd = mkstemp(b->path);
    assert_true(fd >= 0);
    close(fd);
    b->m.sysmem = mem_space_new("box");
    assert_true(ram_new(&b->m.ram, "ram", 16 << 20, NULL));
    b->m.ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = 16 << 20, .host = b->m.ram.host};
    mem_map_region(b->m.sysmem, &b->m.ram_region, RAM, 0);
}

static void box_free(struct box *b)
{
    loader_free(&b->m);
    mem_space_free(b->m.sysmem);
    ram_free(&b->m.ram);
    unlink(b->path);
}

static void file_is(const struct box *b, const void *p, size_t n)
{
    assert_true(g_file_set_contents(b->path, p, (gssize)n, NULL));
}

/* Loads the file and resets; a failure's sentence is compared with why, less the common beginning. */
static bool load(struct box *b, struct kernel *k, const char *why)
{
    struct err e = {0};
    loader_free(&b->m);
    if (!kernel_load(&b->m, b->path, &rules, k, &e)) {
        char *want = g_strdup_printf("could not load kernel '%s': %s", b->path, why ? why : "");
        assert_string_equal(e.msg, want);
        g_free(want);
        return false;
    }
    assert_null(why);
    assert_true(loader_check(&b->m, &e));
    loader_reset(&b->m);
    return true;
}

static void arm64_image(u8 *p, size_t n, u64 text_offset, u64 image_size)
{
    memset(p, 0x5a, n);
    st32le(p, 0x14000010);
    st64le(p + 8, text_offset);
    st64le(p + 16, image_size);
    memcpy(p + 56, "ARM\x64", 4);
}

static void arm64_images_go_where_they_ask(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    u8 img[5000];
    box_new(&b);
    arm64_image(img, sizeof(img), 0x80000, 0x10000);
    file_is(&b, img, sizeof(img));
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.kind, KERNEL_IMAGE);
    assert_int_equal(k.entry, RAM + 0x80000);
    assert_int_equal(k.end, RAM + 0x90000);
    assert_memory_equal(b.m.ram.host + 0x80000, img, sizeof(img));
    memset(b.m.ram.host + 0x80000, 0, 100);
    loader_reset(&b.m);
    assert_memory_equal(b.m.ram.host + 0x80000, img, sizeof(img));

    arm64_image(img, sizeof(img), 0, 0x10000); /* the first page is kept free */
    file_is(&b, img, sizeof(img));
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.entry, RAM + 0x200000);

    arm64_image(img, sizeof(img), 0x1234, 0); /* before 3.17 */
    file_is(&b, img, sizeof(img));
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.entry, RAM + 0x80000);

    arm64_image(img, sizeof(img), 0, 32 << 20);
    file_is(&b, img, sizeof(img));
    char *why =
        g_strdup_printf("kernel '%s' is too large to fit in RAM (kernel size 33554432, RAM size 16777216)", b.path);
    assert_false(load(&b, &k, why));
    g_free(why);
    box_free(&b);
}

/* An Image that is an EFI program too, of one section: [2048, 2048 + raw). */
static void a_kernel_cut_short_is_refused(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    u8 img[5000];
    const u32 pe = 0x40, table = pe + 24;
    box_new(&b);
    arm64_image(img, sizeof(img), 0x80000, 0x10000);
    memcpy(img, "MZ", 2);
    st32le(img + 0x3c, pe);
    memcpy(img + pe, "PE\0\0", 4);
    st16le(img + pe + 6, 1);
    st16le(img + pe + 20, 0);
    st32le(img + table + 16, sizeof(img) - 2048);
    st32le(img + table + 20, 2048);
    file_is(&b, img, sizeof(img));
    assert_true(load(&b, &k, NULL));
    const size_t cut[] = {sizeof(img) - 1, 2048, table + 39, pe + 23, 64};
    for (unsigned i = 0; i < ARRAY_LEN(cut); i++) {
        file_is(&b, img, cut[i]);
        assert_false(load(&b, &k, "the file ends before the kernel does (is it truncated?)"));
    }
    box_free(&b);
}

static size_t gzipped(u8 *out, size_t room, const u8 *in, size_t n)
{
    z_stream z = {.next_in = (u8 *)in, .avail_in = (uInt)n, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void wrappers_are_taken_off(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    static u8 img[300000], gz[310000], zboot[310000];
    box_new(&b);
    arm64_image(img, sizeof(img), 0x80000, sizeof(img));
    size_t n = gzipped(gz, sizeof(gz), img, sizeof(img));
    file_is(&b, gz, n);
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.kind, KERNEL_IMAGE);
    assert_memory_equal(b.m.ram.host + 0x80000, img, sizeof(img));

    memcpy(zboot, "MZ\0\0zimg", 8);
    st32le(zboot + 8, 0x200);
    st32le(zboot + 12, (u32)n);
    memcpy(zboot + 24, "gzip", 4);
    memcpy(zboot + 0x200, gz, n);
    file_is(&b, zboot, 0x200 + n);
    memset(b.m.ram.host, 0, 1 << 20);
    assert_true(load(&b, &k, NULL));
    assert_memory_equal(b.m.ram.host + 0x80000, img, sizeof(img));

    st32le(zboot + 12, (u32)n + 1);
    file_is(&b, zboot, 0x200 + n);
    assert_false(load(&b, &k, "its EFI zboot header points outside the file"));
    file_is(&b, gz, n - 5);
    assert_false(load(&b, &k, "its gzip data is damaged or too large"));
    gz[n / 2] ^= 0xff;
    file_is(&b, gz, n);
    assert_false(load(&b, &k, "its gzip data is damaged or too large"));
    file_is(&b, "\x28\xb5\x2f\xfdgarbage", 11);
    assert_false(load(&b, &k, "its zstd data is damaged or too large"));
    box_free(&b);
}

/* -- ELF ------------------------------------------------------------------------------------------------- */

static size_t elf64(u8 *p, u64 vaddr, u64 paddr, u64 entry)
{
    Elf64_Ehdr eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                     .e_machine = EM_AARCH64,
                     .e_entry = entry,
                     .e_phoff = sizeof(eh),
                     .e_phentsize = sizeof(Elf64_Phdr),
                     .e_phnum = 2};
    Elf64_Phdr ph[2] = {{.p_type = PT_NOTE, .p_filesz = 1ull << 60},
                        {.p_type = PT_LOAD,
                         .p_flags = PF_X,
                         .p_offset = 0x200,
                         .p_vaddr = vaddr,
                         .p_paddr = paddr,
                         .p_filesz = 0x100,
                         .p_memsz = 0x3000}};
    memset(p, 0xa5, 0x300);
    memcpy(p, &eh, sizeof(eh));
    memcpy(p + sizeof(eh), ph, sizeof(ph));
    return 0x300;
}

static void elf_segments_are_placed(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    u8 img[0x300];
    box_new(&b);
    file_is(&b, img, elf64(img, 0xffff000000080000ull, RAM + 0x80000, 0xffff000000080040ull));
    memset(b.m.ram.host, 0xff, 1 << 20);
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.kind, KERNEL_ELF);
    assert_true(k.elf64);
    assert_int_equal(k.entry, RAM + 0x80040);
    assert_int_equal(k.start, RAM + 0x80000);
    assert_int_equal(k.end, RAM + 0x83000);
    assert_memory_equal(b.m.ram.host + 0x80000, img + 0x200, 0x100);
    assert_int_equal(b.m.ram.host[0x80100], 0); /* bss */
    assert_int_equal(b.m.ram.host[0x82fff], 0);
    assert_int_equal(b.m.ram.host[0x83000], 0xff);

    struct buf list = {0};
    loader_print(&b.m, &list);
    char *want = g_strdup_printf(
        "addr=0000000040080000 size=0x003000 mem=ram name=\"%s ELF program header segment 1\"\n", b.path);
    assert_string_equal((char *)list.data, want);
    g_free(want);
    buf_free(&list);
    box_free(&b);
}

static void put(u8 *p, unsigned size, bool big, u32 v)
{
    stnle(p, size, big ? (size == 2 ? __builtin_bswap16((u16)v) : __builtin_bswap32(v)) : v);
}

static void elf_of_32_bits_and_both_orders(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    box_new(&b);
    for (unsigned big = 0; big < 2; big++) {
        u8 img[0x100] = {0x7f, 'E', 'L', 'F', ELFCLASS32, big ? ELFDATA2MSB : ELFDATA2LSB, 1};
        u8 *ph = img + sizeof(Elf32_Ehdr);
        put(img + offsetof(Elf32_Ehdr, e_machine), 2, big, EM_AARCH64);
        put(img + offsetof(Elf32_Ehdr, e_entry), 4, big, RAM + 0x1000);
        put(img + offsetof(Elf32_Ehdr, e_phoff), 4, big, sizeof(Elf32_Ehdr));
        put(img + offsetof(Elf32_Ehdr, e_phentsize), 2, big, sizeof(Elf32_Phdr));
        put(img + offsetof(Elf32_Ehdr, e_phnum), 2, big, 1);
        put(ph + offsetof(Elf32_Phdr, p_type), 4, big, PT_LOAD);
        put(ph + offsetof(Elf32_Phdr, p_offset), 4, big, 0xf0);
        put(ph + offsetof(Elf32_Phdr, p_paddr), 4, big, RAM + 0x1000);
        put(ph + offsetof(Elf32_Phdr, p_vaddr), 4, big, RAM + 0x1000);
        put(ph + offsetof(Elf32_Phdr, p_filesz), 4, big, 0x10);
        put(ph + offsetof(Elf32_Phdr, p_memsz), 4, big, 0x10);
        memcpy(img + 0xf0, "0123456789abcdef", 16);
        file_is(&b, img, sizeof(img));
        assert_true(load(&b, &k, NULL));
        assert_false(k.elf64);
        assert_int_equal(k.entry, RAM + 0x1000);
        assert_memory_equal(b.m.ram.host + 0x1000, "0123456789abcdef", 16);
        b.m.ram.host[0x1000] = 0;
    }
    box_free(&b);
}

static void bad_elf_is_refused(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    u8 img[0x300];
    box_new(&b);
    size_t n = elf64(img, RAM, RAM, RAM);
    file_is(&b, img, 40);
    assert_false(load(&b, &k, "the ELF header is cut short"));
    file_is(&b, img, 100);
    assert_false(load(&b, &k, "the ELF program headers reach outside the file"));
    file_is(&b, img, n - 1);
    assert_false(load(&b, &k, "an ELF segment reaches outside the file"));
    st16le(img + offsetof(Elf64_Ehdr, e_machine), EM_X86_64);
    file_is(&b, img, n);
    assert_false(load(&b, &k, "The image is from incompatible architecture (ELF machine 62)"));
    st16le(img + offsetof(Elf64_Ehdr, e_machine), EM_AARCH64);
    st16le(img + offsetof(Elf64_Ehdr, e_phnum), 1);
    file_is(&b, img, n);
    assert_false(load(&b, &k, "the ELF file has nothing to load"));
    file_is(&b, img, 0);
    assert_false(load(&b, &k, "the file is empty"));
    unlink(b.path);
    assert_false(load(&b, &k, "No such file or directory"));
    box_free(&b);
}

/* -- the rest ---------------------------------------------------------------------------------------------- */

static void uimages_and_raw_bytes(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    u8 img[64 + 16] = {0};
    box_new(&b);
    st32be(img, 0x27051956);
    st32be(img + 12, 16);
    st32be(img + 16, RAM + 0x8000);
    st32be(img + 20, RAM + 0x8004);
    img[30] = 2;
    memcpy(img + 64, "0123456789abcdef", 16);
    file_is(&b, img, sizeof(img));
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.kind, KERNEL_UIMAGE);
    assert_int_equal(k.entry, RAM + 0x8004);
    assert_memory_equal(b.m.ram.host + 0x8000, "0123456789abcdef", 16);
    img[31] = 3;
    file_is(&b, img, sizeof(img));
    assert_false(load(&b, &k, "the uImage's compression (3) is not known; gzip is"));
    img[30] = 5;
    file_is(&b, img, sizeof(img));
    assert_false(load(&b, &k, "the uImage holds no kernel (type 5)"));

    file_is(&b, "just bytes", 10);
    assert_true(load(&b, &k, NULL));
    assert_int_equal(k.kind, KERNEL_RAW);
    assert_int_equal(k.entry, RAM + 0x80000);
    assert_memory_equal(b.m.ram.host + 0x80000, "just bytes", 10);
    box_free(&b);
}

static void blobs_may_not_clash(void **st)
{
    (void)st;
    struct box b;
    struct err e = {0};
    box_new(&b);
    loader_add(&b.m, "two", RAM + 0x100, g_strdup("2"), 1, 0x100);
    loader_add(&b.m, "one", RAM, g_strdup("1"), 1, 0x100);
    assert_true(loader_check(&b.m, &e));
    loader_add(&b.m, "in", RAM + 0xff, g_strdup("x"), 1, 1);
    assert_false(loader_check(&b.m, &e));
    assert_string_equal(e.msg, "'one' (0x100 bytes at 0x40000000) reaches into 'in' at 0x400000ff");
    loader_free(&b.m);
    e = (struct err){0};
    loader_add(&b.m, "out", RAM + (16 << 20) - 8, g_strdup("x"), 1, 16);
    assert_false(loader_check(&b.m, &e));
    assert_string_equal(e.msg, "there is no memory at 0x41000000 for 'out' (0x10 bytes from 0x40fffff8)");
    box_free(&b);
}

/* A flat image is read from its file again at each reset; what the file has lost by then is zeros. */
static void files_are_read_again(void **st)
{
    (void)st;
    struct box b;
    struct kernel k;
    box_new(&b);
    file_is(&b, "0123456789abcdef", 16);
    assert_true(load(&b, &k, NULL));
    memset(b.m.ram.host + 0x80000, 'x', 17);
    loader_reset(&b.m);
    assert_memory_equal(b.m.ram.host + 0x80000, "0123456789abcdefx", 17);
    assert_int_equal(truncate(b.path, 4), 0);
    loader_reset(&b.m);
    assert_memory_equal(b.m.ram.host + 0x80000, "0123\0\0\0\0\0\0\0\0\0\0\0\0x", 17);
    box_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arm64_images_go_where_they_ask), cmocka_unit_test(a_kernel_cut_short_is_refused),
        cmocka_unit_test(wrappers_are_taken_off),         cmocka_unit_test(elf_segments_are_placed),
        cmocka_unit_test(elf_of_32_bits_and_both_orders), cmocka_unit_test(bad_elf_is_refused),
        cmocka_unit_test(uimages_and_raw_bytes),          cmocka_unit_test(blobs_may_not_clash),
        cmocka_unit_test(files_are_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

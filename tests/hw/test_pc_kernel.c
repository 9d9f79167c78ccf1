/* Kernels that a PC enters without firmware, and what they find; and those that firmware boots. */
#include "tests/hw/pc_board.h"

#include "hw/board/pc/pc.h"

enum { SETUP_BYTES = 2 * 512, KERNEL_BYTES = 4096, INITRD_BYTES = 5000 };

/* A bzImage of protocol 2.12 that wants 16 MiB, one sector of setup; a Multiboot image with its addresses in the
 * header; an initrd. */
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
    char *path = pc_file("bzImage", k, SETUP_BYTES + KERNEL_BYTES);
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
    char *kernel = bzimage_make(), *initrd_path = pc_file("initrd", initrd, sizeof(initrd));
    struct machine *m = pc_build_ok(
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
    assert_null(pc_build(&board_pc, &(struct wish){.kernel = kernel, .ram = 8 << 20}, &e));
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
    struct machine *m = pc_build_ok(&board_q35, &(struct wish){.kernel = kernel, .vga = "std", .watched = true});
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
    char *kernel = pc_file("kernel", image, sizeof(image)), *mod = pc_file("module", "module!", 7);
    char *list = g_strdup_printf("%s one two,%s", mod, mod);
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.kernel = kernel, .initrd = list, .append = "x"});
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

/* An ELF file with 16 bytes at 1 MiB and a note section of `notes`. */
static char *elf_make(const u8 *notes, unsigned n)
{
    enum { AT = 0x100, CODE = 16, PHDRS = 64, PHDR = 56 };
    u8 *f = g_malloc0(AT + CODE + n);
    memcpy(f,
           "\x7f"
           "ELF\2\1\1",
           7);
    st16le(f + 16, 2);  /* executable */
    st16le(f + 18, 62); /* x86-64 */
    st64le(f + 24, 0x100000);
    st64le(f + 32, PHDRS);
    st16le(f + 54, PHDR);
    st16le(f + 56, 2);
    const struct {
        u32 type;
        u64 off, addr, size;
    } parts[] = {{1, AT, 0x100000, CODE}, {4, AT + CODE, 0, n}};
    for (unsigned i = 0; i < 2; i++) {
        u8 *p = f + PHDRS + i * PHDR;
        st32le(p, parts[i].type);
        st32le(p + 4, 5);
        st64le(p + 8, parts[i].off);
        st64le(p + 16, parts[i].addr);
        st64le(p + 24, parts[i].addr);
        st64le(p + 32, parts[i].size);
        st64le(p + 40, parts[i].size);
    }
    memset(f + AT, 0x90, CODE);
    memcpy(f + AT + CODE, notes, n);
    char *path = pc_file("vmlinux", f, AT + CODE + n);
    g_free(f);
    return path;
}

static void pvh_guests_find_their_start_information(void **st)
{
    (void)st;
    static const u8 notes[] = {
        4, 0, 0, 0, 3, 0, 0, 0, 1,  0, 0, 0, 'G', 'N', 'U', 0, 'a', 'b', 'c',  0, /* another's, padded */
        4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0, 4,   0,   0x10, 0,
    };
    u8 initrd[INITRD_BYTES] = {1, 2, 3, 4};
    char *kernel = elf_make(notes, sizeof(notes)), *path = pc_file("initrd", initrd, sizeof(initrd));
    struct machine *m =
        pc_build_ok(&board_q35, &(struct wish){.kernel = kernel, .initrd = path, .append = "quiet", .ram = 64 << 20});
    const u64 info = 0x9000;
    char line[6];
    assert_int_equal(rd(m, 0x100000, 4), 0x90909090);
    assert_int_equal(rd(m, info, 4), 0x336ec578);
    assert_int_equal(rd(m, info + 4, 4), 1);
    assert_int_equal(rd(m, info + 12, 4), 1);
    u64 module = rd(m, info + 16, 8), at = rd(m, module, 8);
    assert_int_equal(rd(m, module + 8, 8), INITRD_BYTES);
    assert_int_equal(rd(m, at, 4), 0x04030201);
    assert_int_equal(at % 4096, 0);
    mem_read(m->sysmem, rd(m, info + 24, 8), line, sizeof(line), (struct mem_attrs){0});
    assert_string_equal(line, "quiet");
    assert_int_equal(rd(m, rd(m, info + 32, 8), 8), 0x2052545020445352ull);
    u64 map = rd(m, info + 40, 8);
    assert_int_equal(rd(m, info + 48, 4), 7);
    assert_int_equal(rd(m, map + 3 * 24, 8), 1 << 20);
    assert_int_equal(rd(m, map + 3 * 24 + 16, 4), 1);
    machine_free(m);
    unlink(kernel);
    unlink(path);
    g_free(kernel);
    g_free(path);
}

/* No note, or one that says it is longer than it is: entered as any ELF file. */
static void broken_notes_are_none(void **st)
{
    (void)st;
    static const u8 rows[][16] = {
        {4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 18, 0, 0, 0, 'X', 'e', 'n', 0},
        {0xff, 0xff, 0xff, 0xff, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0},
        {4, 0, 0, 0, 4, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0},
        {4, 0, 0, 0, 0, 0, 0, 0, 18, 0, 0, 0, 'X', 'e', 'n', 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char *kernel = elf_make(rows[i], sizeof(rows[i]));
        struct machine *m = pc_build_ok(&board_pc, &(struct wish){.kernel = kernel});
        assert_int_equal(rd(m, 0x100000, 4), 0x90909090);
        assert_int_not_equal(rd(m, 0x9000, 4), 0x336ec578);
        machine_free(m);
        unlink(kernel);
        g_free(kernel);
    }
}

static void other_files_are_refused(void **st)
{
    (void)st;
    static const char text[] = "no kernel at all, and longer than the header of any: ................................";
    struct err e = {0};
    char *path = pc_file("text", text, sizeof(text));
    assert_null(pc_build(&board_pc, &(struct wish){.kernel = path}, &e));
    assert_non_null(strstr(e.msg, "text': it is no kernel for this board"));
    e.msg[0] = 0;
    assert_null(pc_build(&board_isapc, &(struct wish){.kernel = path, .vga = "std"}, &e));
    assert_non_null(strstr(e.msg, "it is no kernel for this board"));
    unlink(path);
    g_free(path);
}

/* -- interrupts as a BIOS has them in its tables ------------------------------------------------------------------- */

static u64 table_find(struct machine *m, const char sign[4])
{
    for (u64 at = 0xf0000; at < 0x100000; at += 16) {
        if (rd(m, at, 4) == ld32le(sign)) {
            return at;
        }
    }
    return 0;
}
static u8 table_sum(struct machine *m, u64 at, u64 n)
{
    u8 sum = 0;
    while (n--) {
        sum = (u8)(sum + rd(m, at + n, 1));
    }
    return sum;
}

/* The input of the IO-APIC that an entry of the MP table gives an IRQ of a bus; -1: none. */
static int mp_input(struct machine *m, u64 table, unsigned bus, unsigned irq)
{
    unsigned n = (unsigned)rd(m, table + 34, 2);
    for (u64 at = table + 44; n--; at += rd(m, at, 1) ? 8 : 20) {
        if (rd(m, at, 1) == 3 && rd(m, at + 4, 1) == bus && rd(m, at + 5, 1) == irq) {
            return (int)rd(m, at + 7, 1);
        }
    }
    return -1;
}

static void interrupt_tables(void **st)
{
    (void)st;
    static const struct {
        const struct board *board;
        u8 slot3, slot31, link3, router; /* inputs of INTA and INTB */
    } rows[] = {{&board_pc, 11, 11, 0x62, 0x08}, {&board_q35, 16 + 7, 16 + 1, 0x6b, 0xf8}};
    char *kernel = bzimage_make();
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct machine *m =
            pc_build_ok(rows[i].board, &(struct wish){.kernel = kernel, .options = "acpi=off", .cpus = 3});
        u64 mp = table_find(m, "_MP_"), t = rd(m, mp + 4, 4), pir = table_find(m, "$PIR");
        assert_int_not_equal(mp, 0);
        assert_int_equal(table_sum(m, mp, 16), 0);
        assert_int_equal(rd(m, t, 4), 0x504d4350);
        assert_int_equal(table_sum(m, t, rd(m, t + 4, 2)), 0);
        assert_int_equal(rd(m, t + 44 + 3, 1), 3);      /* the bootstrap processor */
        assert_int_equal(rd(m, t + 44 + 20 + 3, 1), 1); /* another */
        assert_int_equal(mp_input(m, t, 1, 0), 2);
        assert_int_equal(mp_input(m, t, 1, 4), 4);
        assert_int_equal(mp_input(m, t, 1, 11), -1); /* is PCI's */
        assert_int_equal(mp_input(m, t, 0, 3 << 2), rows[i].slot3);
        assert_int_equal(mp_input(m, t, 0, 31 << 2 | 1), rows[i].slot31);
        assert_int_equal(table_sum(m, pir, rd(m, pir + 6, 2)), 0);
        assert_int_equal(rd(m, pir + 9, 1), rows[i].router);
        assert_int_equal(rd(m, pir + 32 + 3 * 16 + 2, 1), rows[i].link3);
        assert_int_equal(pc_config(m, rows[i].router, rows[i].link3, 1), 11);
        assert_int_equal(in(m, 0x4d1, 1) & 0x0c, 0x0c);
        machine_free(m);
    }
    unlink(kernel);
    g_free(kernel);
}

static int resets;
static void reset_asked(void)
{
    resets++;
}

/* The keyboard controller's way to the processor's INIT: without firmware at the reset vector it is the machine's. */
static void init_resets_where_no_firmware_is(void **st)
{
    (void)st;
    char *kernel = bzimage_make();
    struct machine *m = pc_build_ok(&board_pc, &(struct wish){.kernel = kernel});
    machine_request_reset = reset_asked;
    machine_lock();
    out(m, 0x64, 1, 0xfe);
    machine_unlock();
    assert_int_equal(resets, 1);
    machine_free(m);
    m = pc_build_ok(&board_pc, &(struct wish){0});
    machine_lock();
    out(m, 0x64, 1, 0xfe);
    machine_unlock();
    assert_int_equal(resets, 1);
    machine_free(m);
    unlink(kernel);
    g_free(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bzimage_is_entered_directly),
        cmocka_unit_test(bzimage_behind_firmware),
        cmocka_unit_test(multiboot_modules),
        cmocka_unit_test(pvh_guests_find_their_start_information),
        cmocka_unit_test(broken_notes_are_none),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(interrupt_tables),
        cmocka_unit_test(init_resets_where_no_firmware_is),
    };
    return cmocka_run_group_tests(tests, pc_set_up, pc_tear_down);
}

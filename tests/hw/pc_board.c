/* See pc_board.h. BLESS=1 rewrites the golden maps. */
#include "tests/hw/pc_board.h"

#include "base/buf.h"
#include "base/opts.h"

static char work[] = "/tmp/moss-pc-XXXXXX";
static char *rom_path;
enum { ROM_SIZE = 0x40000 };

struct machine *pc_build(const struct board *b, const struct wish *w, struct err *e)
{
    static struct opts o; /* boards keep it */
    opts_free(&o);
    char *text = g_strdup_printf("pc%s%s", w->options ? "," : "", w->options ? w->options : "");
    assert_true(opts_parse(&o, text, "type", e));
    g_free(text);
    struct machine_config cfg = {.cpus = w->cpus ? w->cpus : 1,
                                 .ram_size = w->ram ? w->ram : 256 << 20,
                                 .board_opts = &o,
                                 .firmware = w->kernel || w->own_firmware ? NULL : rom_path,
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

void pc_reset_again(struct machine *m)
{
    machine_lock();
    machine_reset(m);
    machine_unlock();
}

struct machine *pc_build_ok(const struct board *b, const struct wish *w)
{
    struct err e = {0};
    struct machine *m = pc_build(b, w, &e);
    if (!m) {
        fail_msg("%s", e.msg);
    }
    pc_reset_again(m);
    return m;
}

static void config_address(struct machine *m, unsigned devfn, unsigned off)
{
    out(m, 0xcf8, 4, 0x80000000u | devfn << 8 | (off & ~3u));
}
u64 pc_config(struct machine *m, unsigned devfn, unsigned off, unsigned size)
{
    config_address(m, devfn, off);
    return in(m, 0xcfc + (off & 3), size);
}
void pc_configure(struct machine *m, unsigned devfn, unsigned off, unsigned size, u64 v)
{
    config_address(m, devfn, off);
    out(m, 0xcfc + (off & 3), size, v);
}

unsigned pc_requests(struct machine *m)
{
    out(m, 0x20, 1, 0x0a);
    out(m, 0xa0, 1, 0x0a);
    return (unsigned)(in(m, 0x20, 1) | in(m, 0xa0, 1) << 8);
}

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

void pc_map_is_golden(struct machine *m, const char *name)
{
    struct buf b = {0};
    mem_space_print(m->sysmem, true, &b);
    mem_space_print(m->iospace, true, &b);
    golden_compare(name, (char *)b.data);
    buf_free(&b);
}

u32 fw_cfg_read_file(struct machine *m, const char *want, void *to, unsigned room)
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

char *pc_file(const char *name, const void *data, size_t n)
{
    char *path = g_build_filename(work, name, NULL);
    assert_true(g_file_set_contents(path, data, (gssize)n, NULL));
    return path;
}

int pc_set_up(void **st)
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
int pc_tear_down(void **st)
{
    (void)st;
    unlink(rom_path);
    rmdir(work);
    g_free(rom_path);
    return 0;
}

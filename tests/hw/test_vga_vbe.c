/* VGA: Bochs VBE, the PCI card, and garbage into all registers. */
#include <string.h>

#include "hw/display/edid.h"
#include "hw/pci/pci_host.h"
#include "tests/hw/vga_card.h"

static void vbe_depths(void **st)
{
    (void)st;
    static const struct {
        u16 bpp;
        u32 raw, shown;
    } t[] = {{8, 77, 0},
             {15, 0x7c1f, 0xff00ff},
             {16, 0x07e0, 0x00ff00},
             {16, 0x8410, 0x848284},
             {24, 0x123456, 0x123456},
             {32, 0xff123456, 0x123456}};
    mode_set(&mode13);
    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        vbe(4, 0);
        vbe(1, 800);
        vbe(2, 600);
        vbe(3, t[i].bpp);
        vbe(4, 0x41);
        unsigned bytes = (t[i].bpp + 7u) / 8;
        for (unsigned k = 0; k < bytes; k++) {
            wr(LFB + (u64)bytes * (800 * 9 + 4) + k, 1, t[i].raw >> 8 * k & 0xff);
        }
        refresh();
        assert_size(800, 600);
        assert_int_equal(px(4, 9), t[i].bpp == 8 ? color(77) : t[i].shown);
        assert_int_equal(px(5, 9), t[i].bpp == 8 ? color(0) : 0);
    }
    refresh();
    assert_int_equal(seen.ndirty, 0);
    wr(LFB + 4 * (800 * 599 + 799), 4, 0xabcdef);
    wr(LFB + 4 * (800 * 300 + 5), 4, 0xabcdef);
    refresh();
    assert_int_equal(seen.ndirty, 2);
    assert_dirty(5, 300, 795, 300);
    assert_int_equal(px(799, 599), 0xabcdef);
    vbe(6, 1024); /* a wider picture, of which a part is shown */
    wr(LFB + 4 * (1024 * 20 + 30), 4, 0x00ff11);
    vbe(8, 10);
    vbe(9, 15);
    refresh();
    assert_int_equal(px(20, 5), 0x00ff11);
    outp(0x1ce, 2, 7);
    assert_int_equal(inp(0x1d0, 2), (16 << 20) / 4096);
    vbe(5, 1); /* the second bank of 64 KB */
    wr(0xa0000, 4, 0x5500aa);
    assert_int_equal(rd(LFB + 0x10000, 4), 0x5500aa);
    vbe(4, 0);
    refresh();
    assert_size(320, 200);
}

static void vbe_planes_and_dac(void **st)
{
    (void)st;
    mode_set(&mode12);
    vbe(1, 800);
    vbe(2, 600);
    vbe(3, 4);
    vbe(4, 0x01);
    sr(2, 0x0a);
    wr(0xa0000 + 100 * 5 + 2, 1, 0x80);
    refresh();
    assert_size(800, 600);
    assert_int_equal(px(16, 5), color(mode12.ar[0x0a]));
    assert_int_equal(px(17, 5), color(0));
    vbe(4, 0);
    vbe(3, 8);
    vbe(4, 0x61); /* eight bits of color */
    dac(200, 0xfe, 0x81, 0x01);
    wr(LFB, 1, 200);
    refresh();
    assert_int_equal(px(0, 0), 0xfe8101);
}

static void vbe_registers(void **st)
{
    (void)st;
    outp(0x1ce, 2, 0);
    assert_int_equal(inp(0x1cf, 2), 0xb0c5);
    outp(0x1cf, 2, 0xb0c2);
    assert_int_equal(inp(0x1d0, 2), 0xb0c2);
    outp(0x1d0, 2, 0x1234);
    assert_int_equal(inp(0x1d0, 2), 0xb0c2);
    outp(0x1ce, 2, 10);
    assert_int_equal(inp(0x1cf, 2), 256);
    vbe(4, 2);
    outp(0x1ce, 2, 3);
    assert_int_equal(inp(0x1cf, 2), 32);
    /* what memory can't hold, and nonsense */
    static const u16 bad[][3] = {{65535, 65535, 32}, {0, 0, 0},     {16000, 12000, 24},
                                 {7, 1, 3},          {1, 65535, 8}, {640, 0, 4}};
    mode_set(&mode13);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        vbe(4, 0);
        vbe(1, bad[i][0]);
        vbe(2, bad[i][1]);
        vbe(3, bad[i][2]);
        vbe(4, 1);
        vbe(6, 65535);
        vbe(8, 65535);
        vbe(9, 65535);
        vbe(5, 65535);
        refresh();
        outp(0x1ce, 2, 1);
        u64 w = inp(0x1d0, 2);
        outp(0x1ce, 2, 2);
        u64 h = inp(0x1d0, 2);
        assert_in_range(w, 8, 16000);
        assert_in_range(h, 1, 12000);
        assert_size((int)w, (int)h);
    }
}

static void hostile(void **st)
{
    (void)st;
    u32 seed = 12345;
    for (unsigned i = 0; i < 3000; i++) {
        seed = seed * 1664525 + 1013904223;
        u32 r = seed >> 8;
        switch (r & 7) {
        case 0:
            sr(r >> 3 & 7, (u8)(r >> 8));
            break;
        case 1:
            gr(r >> 3 & 15, (u8)(r >> 8));
            break;
        case 2:
            cr(r >> 3 & 63, (u8)(r >> 8));
            break;
        case 3:
            ar(r >> 3 & 31, (u8)(r >> 8));
            break;
        case 4:
            vbe(r >> 3 & 15, (u16)(r >> 8));
            break;
        case 5:
            outp(0x3c2, 1, (u8)(r >> 8) | 3);
            break;
        default:
            wr(0xa0000 + (r >> 3 & 0x1fff8), 8, seed * 0x100000001ull);
            rd(0xa0000 + (r >> 5 & 0x1fff8), 8);
            break;
        }
        if (i % 16 == 0) {
            struct text_screen t;
            clock_set(i * 1000000ull);
            refresh();
            screen_text(screen_next(NULL), &t);
        }
    }
}

/* -- the PCI card ----------------------------------------------------------------------------------------------------
 */

static void on_pci(void **st)
{
    (void)st;
    struct err e = {0};
    card = bench_make(&gpex_class, NULL);
    pci_host_place(card->d, &(struct pci_layout){.ecam = 0x3f000000,
                                                 .ecam_size = 0x1000000,
                                                 .mmio32 = 0x20000000,
                                                 .mmio32_size = 0x10000000,
                                                 .mmio64 = 0x8000000000ull,
                                                 .mmio64_size = 1ull << 39,
                                                 .io = 0x3eff0000,
                                                 .io_size = 0x10000});
    bench_start(card);
    struct device *d = device_new(&card->m, &vga_pci_class, NULL);
    machine_lock();
    assert_true(device_set_prop(d, "xres", "1920", &e) && device_set_prop(d, "yres", "1080", &e));
    if (!device_plug(d, NULL, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    machine_unlock();
    assert_int_equal(rd(0x3f008000, 4), 0x11111234);
    assert_int_equal(rd(0x3f008008, 4), 0x03000002);
    wr(0x3f008010, 4, 0x20000000);
    wr(0x3f008018, 4, 0x21000000);
    wr(0x3f008004, 2, 2);
    const u64 mmio = 0x21000000;
    assert_int_equal(rd(mmio + 0x500, 2), 0xb0c5);
    assert_int_equal(rd(mmio, 4), 0xffffff00);
    assert_int_equal(rd(mmio + 54 + 2, 1), 1920 & 0xff);
    u8 sum = 0;
    for (unsigned i = 0; i < EDID_SIZE; i++) {
        sum = (u8)(sum + rd(mmio + i, 1));
    }
    assert_int_equal(sum, 0);
    assert_int_equal(rd(mmio + 128, 4), 0);
    assert_int_equal(rd(mmio + 0x600, 4), 8);
    assert_int_equal(rd(mmio + 0x604, 4), 0x1e1e1e1e);
    /* as a driver sets a mode */
    wr(mmio + 0x508, 2, 0);
    wr(mmio + 0x502, 2, 1024);
    wr(mmio + 0x504, 2, 768);
    wr(mmio + 0x506, 2, 32);
    wr(mmio + 0x508, 2, 0x41);
    wr(mmio + 0x400, 1, 0x20);
    wr(0x20000000 + 4 * (1024 * 100 + 50), 4, 0x00c0ffee);
    refresh();
    assert_size(1024, 768);
    assert_int_equal(px(50, 100), 0xc0ffee);
    bench_snapshot_roundtrip(card);
    bench_free(card);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(vbe_depths), T(vbe_planes_and_dac), T(vbe_registers), T(hostile), cmocka_unit_test(on_pci),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The terminal: what bytes leave on the screen, from the VT100's manual and ECMA-48; keys; text consoles as screens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/buf.h"
#include "ui/console.h"
#include "ui/font.h"
#include "ui/vt.h"

static char said[256];
static void reply(void *opaque, const void *p, size_t n)
{
    (void)opaque;
    strncat(said, p, n);
}

static void put(struct vt *t, const char *s)
{
    vt_write(t, s, strlen(s));
}

/* Lines without what is blank at their ends, each ended by |, and the cursor. */
static const char *look(struct vt *t)
{
    static char text[4096];
    struct text_screen s;
    size_t n = 0;
    vt_view(t, &s);
    for (int y = 0; y < s.rows; y++) {
        int last = s.cols;
        while (last && s.cells[y * s.cols + last - 1].ch == ' ') {
            last--;
        }
        for (int x = 0; x < last; x++) {
            text[n++] = (char)s.cells[y * s.cols + x].ch;
        }
        text[n++] = '|';
    }
    snprintf(text + n, sizeof(text) - n, "%d,%d", s.cursor_x, s.cursor_y);
    return text;
}

static void bytes_on_the_screen(void **st)
{
    (void)st;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"ab\r\ncd", "ab|cd||2,1"},
        {"ab\ncd", "ab|  cd||4,1"},
        {"ab\b\bc", "cb|||1,0"},
        {"0123456789", "0123456789|||9,0"}, /* the last column, and no new line yet */
        {"0123456789a", "0123456789|a||1,1"},
        {"0123456789\rx", "x123456789|||1,0"},
        {"\x1b[?7l0123456789ab", "012345678b|||9,0"},
        {"1\r\n2\r\n3\r\n4", "2|3|4|1,2"},
        {"\x1b[2;4Hx\x1b[Hy\x1b[99;99Hz", "y|   x|         z|9,2"},
        {"abc\x1b[2D\x1b[Kx", "ax|||2,0"},
        {"abc\x1b[D\x1b[1Kx", "  x|||3,0"},
        {"abc\r\ndef\x1b[2J", "|||3,1"},
        {"abc\r\ndef\r\nghi\x1b[2;2H\x1b[J", "abc|d||1,1"},
        {"abc\r\ndef\r\nghi\x1b[2;2H\x1b[1J", "|  f|ghi|1,1"},
        {"abcdef\x1b[3G\x1b[2Px", "abxf|||3,0"},
        {"abcdef\x1b[3G\x1b[2@x", "abx cdef|||3,0"},
        {"abcdef\x1b[3G\x1b[2Xx", "abx ef|||3,0"},
        {"abc\x1b[4h\x1b[Hxy\x1b[4lz", "xyzbc|||3,0"},
        {"1\r\n2\r\n3\x1b[2H\x1b[L", "1||2|0,1"},
        {"1\r\n2\r\n3\x1b[1H\x1b[M", "2|3||0,0"},
        {"1\r\n2\r\n3\x1b[2;3r\x1b[3H\nx", "1|3|x|1,2"},
        {"1\r\n2\r\n3\x1b[2;3r\x1b[2H\x1bMx", "1|x|2|1,1"},
        {"1\r\n2\r\n3\x1b[2;3r\x1b[?6h\x1b[Hx\x1b[9Hy", "1|x|y|1,2"},
        {"1\r\n2\r\n3\x1b[S", "2|3||1,2"},
        {"1\r\n2\r\n3\x1b[T", "|1|2|1,2"},
        {"a\tb\x1b[Zc", "a       c|||9,0"},
        {"\x1b[3g\ta", "         a|||9,0"},
        {"ab\x1b[3b", "abbbb|||5,0"},
        {"ab\x1b"
         "7\x1b[3;3Hc\x1b"
         "8d",
         "abd||  c|3,0"},
        {"abc\x1b[?1049hxyz\x1b[?25l", "   xyz|||-1,-1"},
        {"abc\x1b[?1049hxyz\x1b[?1049ld", "abcd|||4,0"},
        {"\x1b]0;title\x07"
         "a\x1bPjunk\x1b\\b\x1b[5!pc",
         "abc|||3,0"},
        {"\x1b[38;5;196;1;999;4;;m\x1b[>1u\x1b[?9999hx", "x|||1,0"},
        {"a\x1b[\x18"
         "b\x1b[3\x1b[Cc",
         "ab c|||4,0"},
        {"\x1b(0lqk\x1b(Bq\x0e", "\xda\xc4\xbfq|||4,0"},
        {"\xe2\x94\x80\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", "\xc4\x82"
                                                              "E\xfex|||5,0"},
        {"\xc3"
         "a\xff\xc0\xaf\xe2\x94",
         "\xfe"
         "a\xfe\xfe\xfe|||5,0"},
        {"x\x1b"
         "c\x1b[99999999;0;;;;;;;;;;;;;;;;;;;;;;;;;Hy",
         "||y|1,2"},
        {"\x1b#8\x1b[2;3H", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|2,1"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct vt *t = vt_new(10, 3, NULL, NULL);
        put(t, cases[i].in);
        if (strcmp(look(t), cases[i].want) != 0) {
            print_error("case %u: ", i);
        }
        assert_string_equal(look(t), cases[i].want);
        vt_free(t);
    }
}

static void colors(void **st)
{
    (void)st;
    struct text_screen s;
    struct vt *t = vt_new(20, 2, NULL, NULL);
    put(t,
        "a\x1b[31mb\x1b[1mc\x1b[0;44md\x1b[7me\x1b[0;4;5mf\x1b[m\x1b[94mg\x1b[38;5;196mh\x1b[48;2;0;255;0mi\x1b[0mj");
    static const struct text_cell want[] = {
        {'a', 7, 0, false, false},   {'b', 4, 0, false, false}, {'c', 12, 0, false, false}, {'d', 7, 1, false, false},
        {'e', 1, 7, false, false},   {'f', 7, 0, true, true},   {'g', 9, 0, false, false},  {'h', 12, 0, false, false},
        {'i', 12, 10, false, false}, {'j', 7, 0, false, false},
    };
    vt_view(t, &s);
    assert_memory_equal(s.cells, want, sizeof(want));
    put(t, "\r\n\x1b[41m\x1b[K"); /* what is erased has the background */
    vt_view(t, &s);
    assert_int_equal(s.cells[20 + 19].bg, 4);
    vt_free(t);
}

static void answers(void **st)
{
    (void)st;
    struct vt *t = vt_new(10, 3, reply, NULL);
    said[0] = 0;
    put(t, "\x1b[2;5H\x1b[6n\x1b[5n\x1b[c");
    assert_string_equal(said, "\x1b[2;5R\x1b[0n\x1b[?6c");
    vt_free(t);
}

static void history(void **st)
{
    (void)st;
    struct vt *t = vt_new(10, 3, NULL, NULL);
    char line[16];
    for (int i = 1; i <= 6; i++) {
        snprintf(line, sizeof(line), "%d\r\n", i);
        put(t, line);
    }
    assert_string_equal(look(t), "5|6||0,2");
    vt_scroll(t, 2);
    assert_string_equal(look(t), "3|4|5|-1,-1");
    put(t, "7\r\n"); /* who looks back is not disturbed */
    assert_string_equal(look(t), "3|4|5|-1,-1");
    vt_scroll(t, 100);
    assert_string_equal(look(t), "1|2|3|-1,-1");
    vt_scroll(t, -100);
    assert_string_equal(look(t), "6|7||0,2");
    for (int i = 0; i < VT_HISTORY + 100; i++) {
        put(t, "x\r\n");
    }
    vt_scroll(t, 1 << 30);
    assert_int_equal(vt_scrolled(t), VT_HISTORY);
    put(t, "\x1b[3J");
    assert_int_equal(vt_scrolled(t), 0);
    vt_free(t);
}

static void sizes(void **st)
{
    (void)st;
    struct vt *t = vt_new(10, 3, NULL, NULL);
    put(t, "1\r\n2\r\n3\r\n4 abcdefg");
    vt_resize(t, 5, 2);
    assert_string_equal(look(t), "3|4 abc|4,1");
    vt_scroll(t, 10);
    assert_string_equal(look(t), "1|2|-1,-1");
    vt_resize(t, 20, 4);
    vt_scroll(t, -10);
    assert_string_equal(look(t), "3|4 abc|||4,1");
    put(t, "\x1b[?1049hother");
    vt_resize(t, 8, 3);
    put(t, "\x1b[?1049l");
    assert_string_equal(look(t), "3|4 abc||4,1");
    vt_resize(t, 0, -5);
    vt_resize(t, 100000, 100000);
    put(t, "\x1b[500;500Hx");
    struct text_screen s;
    vt_view(t, &s);
    assert_int_equal(s.cols, VT_MAX);
    vt_free(t);
}

/* Whatever comes, it stays inside. */
static void noise(void **st)
{
    (void)st;
    static const char likely[] = "\x1b\x1b[[[;;?0123456789ABCDHJKLMPXrmhlS@T\n\r\t\b";
    u32 seed = 1;
    struct vt *t = vt_new(17, 5, reply, NULL);
    for (int i = 0; i < 400000; i++) {
        seed = seed * 1664525 + 1013904223;
        u8 c = seed >> 31 ? (u8)likely[(seed >> 8) % (sizeof(likely) - 1)] : (u8)(seed >> 16);
        said[0] = 0;
        vt_write(t, &c, 1);
        if (i % 997 == 0) {
            vt_resize(t, 1 + (int)(seed >> 20) % 40, 1 + (int)(seed >> 12) % 30);
            vt_scroll(t, (int)(seed >> 24) - 128);
        }
    }
    look(t);
    vt_free(t);
}

static void keys(void **st)
{
    (void)st;
    static const struct {
        struct typed k;
        const char *want;
    } cases[] = {
        {{.ch = 'a'}, "a"},
        {{.ch = 0xe9}, "\xc3\xa9"},
        {{.ch = 0x20ac}, "\xe2\x82\xac"},
        {{.ch = 'c', .ctrl = true}, "\x03"},
        {{.ch = '[', .ctrl = true}, "\x1b"},
        {{.ch = 'x', .alt = true}, "\x1bx"},
        {{.ch = '!', .ctrl = true}, ""},
        {{.key = KEY_UP}, "\x1b[A"},
        {{.key = KEY_KP8}, "\x1b[A"},
        {{.key = KEY_ENTER}, "\r"},
        {{.key = KEY_BACKSPACE}, "\x7f"},
        {{.key = KEY_TAB, .shift = true}, "\x1b[Z"},
        {{.key = KEY_DELETE}, "\x1b[3~"},
        {{.key = KEY_F12}, "\x1b[24~"},
        {{.key = KEY_LEFTSHIFT}, ""},
    };
    char out[VT_KEY_MAX];
    struct vt *t = vt_new(10, 3, NULL, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(vt_key(t, &cases[i].k, out), strlen(cases[i].want));
        assert_memory_equal(out, cases[i].want, strlen(cases[i].want));
    }
    assert_int_equal(vt_key(t, &(struct typed){.ch = ' ', .ctrl = true}, out), 1);
    assert_int_equal(out[0], 0);
    put(t, "\x1b[?1h");
    assert_int_equal(vt_key(t, &cases[7].k, out), 3);
    assert_memory_equal(out, "\x1bOA", 3);
    vt_free(t);
}

static void the_code_page(void **st)
{
    (void)st;
    for (unsigned i = 1; i < 255; i++) {
        assert_int_equal(cp437_of(cp437[i]), i);
    }
    assert_int_equal(cp437_of(0xc0), 'A');
    assert_int_equal(cp437_of(0x1f600), 0xfe);
}

/* -- a console as a screen
 * --------------------------------------------------------------------------------------------- */

static struct rect dirty;
static unsigned resized;
static void on_resized(void *opaque, struct screen *s)
{
    (void)opaque, (void)s;
    resized++;
}
static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque, (void)s;
    dirty = r;
}

static void a_console_is_a_screen(void **st)
{
    (void)st;
    static const struct screen_ops plain = {0};
    struct screen_watch w = {.resized = on_resized, .dirty = on_dirty};
    struct console *c = console_new("serial0", 20, 4, false, reply, NULL);
    struct screen *vga = screen_new("vga", &plain, NULL), *s = screen_next(vga);
    assert_ptr_equal(screen_next(NULL), vga); /* before all consoles, although it came later */
    assert_string_equal(screen_name(s), "serial0");
    assert_true(screen_is_console(s));
    assert_false(screen_is_console(vga));
    screen_watch(s, &w);
    assert_int_equal(screen_surface(s)->w, 160);
    assert_int_equal(screen_surface(s)->h, 64);
    console_write(c, "\x1b[2;3H\x1b[32m\xe2\x96\x88\x1b[?25l", 20);
    screen_refresh(s);
    screen_refresh(s);
    for (int y = 0; y < 64; y++) {
        for (int x = 0; x < 160; x++) {
            bool ink = x / FONT_W == 2 && y / FONT_H == 1;
            assert_int_equal(screen_surface(s)->px[y * 160 + x], ink ? 0x00aa00 : 0);
        }
    }
    dirty = (struct rect){0};
    console_write(c, "A", 1);
    screen_refresh(s);
    assert_int_equal(dirty.x, 24);
    assert_int_equal(dirty.y, 16);
    assert_int_equal(dirty.w, 8);
    assert_int_equal(dirty.h, 16);
    said[0] = 0;
    screen_type(s, &(struct typed){.ch = 'q'});
    screen_type(s, &(struct typed){.key = KEY_PAGEUP, .ctrl = true});
    screen_type(s, &(struct typed){.key = KEY_LEFT});
    assert_string_equal(said, "q\x1b[D");
    resized = 0;
    screen_wish_size(s, 325, 100);
    assert_int_equal(resized, 1);
    assert_int_equal(screen_surface(s)->w, 320);
    assert_int_equal(screen_surface(s)->h, 96);
    screen_unwatch(s, &w);
    console_free(c);
    screen_free(vga);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_on_the_screen),
        cmocka_unit_test(colors),
        cmocka_unit_test(answers),
        cmocka_unit_test(history),
        cmocka_unit_test(sizes),
        cmocka_unit_test(noise),
        cmocka_unit_test(keys),
        cmocka_unit_test(the_code_page),
        cmocka_unit_test(a_console_is_a_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

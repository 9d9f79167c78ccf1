/* Screens and their watchers; the input queue: who gets what, presses and releases, lights, names of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "config.h"
#include "ui/image.h"
#include "ui/input.h"
#include "ui/keymap.h"
#include "ui/screen.h"

#ifdef HAVE_PNG
#include <png.h>
#endif

/* -- screens ----------------------------------------------------------------------------------------------------- */

struct look {
    unsigned resized, dirty, pointer, refreshed;
    int w, h;
    struct rect last;
};
static void look_resized(void *opaque, struct screen *s)
{
    struct look *l = opaque;
    l->resized++;
    l->w = screen_surface(s)->w;
    l->h = screen_surface(s)->h;
}
static void look_dirty(void *opaque, struct screen *s, struct rect r)
{
    struct look *l = opaque;
    (void)s;
    l->dirty++;
    l->last = r;
}
static void look_pointer(void *opaque, struct screen *s)
{
    (void)s;
    ((struct look *)opaque)->pointer++;
}
static void dev_refresh(void *opaque)
{
    ((struct look *)opaque)->refreshed++;
}
static const struct screen_ops dev_ops = {.refresh = dev_refresh};

static void assert_rect(struct rect r, int x, int y, int w, int h)
{
    assert_int_equal(r.x, x);
    assert_int_equal(r.y, y);
    assert_int_equal(r.w, w);
    assert_int_equal(r.h, h);
}

static void watchers_are_told(void **st)
{
    (void)st;
    struct look a = {0}, b = {0};
    struct screen *s = screen_new("vga", &dev_ops, &a);
    struct screen_watch wa = {look_resized, look_dirty, look_pointer, &a, NULL};
    struct screen_watch wb = {look_resized, look_dirty, NULL, &b, NULL};
    assert_ptr_equal(screen_next(NULL), s);
    screen_watch(s, &wa);
    screen_watch(s, &wb);
    assert_int_equal(a.resized, 1);
    assert_int_equal(a.w, 640);
    screen_surface(s)->px[5] = 1;
    screen_resize(s, 640, 480);
    assert_int_equal(a.resized, 1);
    screen_resize(s, 720, 400);
    assert_int_equal(a.resized, 2);
    assert_int_equal(b.w, 720);
    assert_int_equal(b.h, 400);
    assert_int_equal(screen_surface(s)->px[5], 0);
    screen_resize(s, 1 << 30, -4);
    assert_int_equal(a.w, SCREEN_MAX);
    assert_int_equal(a.h, 1);
    screen_resize(s, 100, 50);
    screen_refresh(s);
    assert_int_equal(a.refreshed, 1);
    screen_unwatch(s, &wa);
    screen_resize(s, 640, 480);
    assert_int_equal(a.w, 100);
    assert_int_equal(b.w, 640);
    screen_unwatch(s, &wb);
    struct text_screen t;
    assert_false(screen_text(s, &t));
    screen_free(s);
    assert_null(screen_next(NULL));
}

static void dirty_is_cut(void **st)
{
    (void)st;
    struct look a = {0};
    struct screen *s = screen_new("vga", &dev_ops, &a);
    struct screen_watch w = {look_resized, look_dirty, look_pointer, &a, NULL};
    screen_watch(s, &w);
    screen_dirty(s, 10, 20, 30, 40);
    assert_rect(a.last, 10, 20, 30, 40);
    screen_dirty(s, 600, 470, 1000, 1000);
    assert_rect(a.last, 600, 470, 40, 10);
    screen_dirty(s, -5, -6, 7, 8);
    assert_rect(a.last, 0, 0, 2, 2);
    screen_dirty(s, 0x7fffffff, 0, 0x7fffffff, 5);
    screen_dirty(s, 640, 0, 1, 1);
    screen_dirty(s, 5, 5, 0, 5);
    screen_dirty(s, 5, 5, -4, 5);
    assert_int_equal(a.dirty, 3);
    screen_unwatch(s, &w);
    screen_free(s);
}

static void pointers_are_copied(void **st)
{
    (void)st;
    struct look a = {0};
    struct screen *s = screen_new("vga", &dev_ops, &a);
    struct screen_watch w = {look_resized, look_dirty, look_pointer, &a, NULL};
    struct {
        struct pointer_image p;
        u32 px[2];
    } img = {{.w = 2, .h = 1, .hot_x = 1}, {0xff112233, 0x80000000}};
    int x, y;
    bool visible;
    screen_watch(s, &w);
    assert_null(screen_pointer(s, &x, &y, &visible));
    screen_set_pointer(s, &img.p);
    screen_move_pointer(s, 7, 8, true);
    img.p.px[0] = 0;
    const struct pointer_image *p = screen_pointer(s, &x, &y, &visible);
    assert_int_equal(p->px[0], 0xff112233);
    assert_int_equal(p->hot_x, 1);
    assert_int_equal(x, 7);
    assert_true(visible);
    screen_set_pointer(s, NULL);
    assert_null(screen_pointer(s, &x, &y, &visible));
    assert_int_equal(a.pointer, 3);
    screen_unwatch(s, &w);
    screen_free(s);
}

/* -- input --------------------------------------------------------------------------------------------------------- */

/* What a device was told, as text. */
struct dev {
    struct input_sink sink;
    char log[256];
};
static void dev_event(void *opaque, const struct input_event *e)
{
    struct dev *d = opaque;
    size_t n = strlen(d->log);
    snprintf(d->log + n, sizeof(d->log) - n, "%c%d=%d ", "kbraw"[e->kind], e -> code, (int)e -> value);
}
static void dev_sync(void *opaque)
{
    struct dev *d = opaque;
    strncat(d->log, "| ", sizeof(d->log) - strlen(d->log) - 1);
}
static void dev_init(struct dev *d, unsigned kinds)
{
    *d = (struct dev){.sink = {.name = "d", .kinds = (u8)kinds, .event = dev_event, .sync = dev_sync, .opaque = d}};
    input_add(&d->sink);
}
#define assert_log(d, text) (assert_string_equal((d)->log, text), (d)->log[0] = 0)

enum {
    K = 1 << INPUT_KEY,
    M = 1 << INPUT_REL | 1 << INPUT_BUTTON | 1 << INPUT_WHEEL,
    T = 1 << INPUT_ABS | 1 << INPUT_BUTTON | 1 << INPUT_WHEEL
};
static unsigned modes, lights;
static void on_mode(void *opaque)
{
    (void)opaque;
    modes++;
}
static void on_leds(void *opaque)
{
    (void)opaque;
    lights++;
}
static bool runs;
static bool is_running(void)
{
    return runs;
}

static void events_go_to_the_newest(void **st)
{
    (void)st;
    struct dev kbd, mouse, tablet;
    struct input_watch w = {on_leds, on_mode, NULL, NULL};
    modes = 0;
    input_watch(&w);
    input_key(KEY_A, true); /* nobody listens */
    dev_init(&kbd, K);
    dev_init(&mouse, M);
    input_key(KEY_A, false);
    assert_log(&kbd, "");
    input_key(KEY_A, true);
    input_rel(AXIS_X, 3);
    input_rel(AXIS_Y, 0);
    input_rel(AXIS_WHEEL, -1);
    input_button(BUTTON_RIGHT, true);
    input_sync();
    assert_log(&kbd, "k30=1 | ");
    assert_log(&mouse, "r0=3 w2=-1 b2=1 | ");
    assert_false(input_is_absolute());
    input_abs(1, 1, 100, 100);
    assert_log(&mouse, "");
    dev_init(&tablet, T);
    assert_true(input_is_absolute());
    assert_int_equal(modes, 1);
    input_abs(0, 99, 100, 100);
    input_abs(-5, 500, 100, 100);
    input_rel(AXIS_WHEEL, 1);
    input_button(BUTTON_RIGHT, false); /* where the press went */
    input_button(BUTTON_LEFT, true);
    input_sync();
    assert_log(&tablet, "a0=0 a1=32767 a0=0 a1=32767 w2=1 b0=1 | ");
    assert_log(&mouse, "b2=0 | ");
    input_sleep(&tablet.sink);
    assert_false(input_is_absolute());
    input_button(BUTTON_LEFT, false); /* forgotten */
    input_rel(AXIS_X, 1);
    assert_log(&tablet, "");
    assert_log(&mouse, "r0=1 ");
    assert_false(input_choose(77));
    assert_true(input_choose(tablet.sink.index));
    assert_true(input_is_absolute());
    assert_ptr_equal(input_next_mouse(NULL), &tablet.sink);
    assert_ptr_equal(input_next_mouse(&tablet.sink), &mouse.sink);
    assert_null(input_next_mouse(&mouse.sink));
    input_remove(&tablet.sink);
    assert_false(input_is_absolute());
    assert_int_equal(modes, 4);
    input_remove(&mouse.sink);
    input_remove(&kbd.sink);
    input_unwatch(&w);
}

static void what_is_down_comes_up(void **st)
{
    (void)st;
    struct dev kbd;
    dev_init(&kbd, K);
    runs = true;
    input_running = is_running;
    input_key(KEY_LEFTCTRL, true);
    input_key(KEY_B, true);
    input_key(KEY_B, true); /* a repeat */
    assert_log(&kbd, "k29=1 k48=1 k48=1 ");
    runs = false;
    input_key(KEY_C, true);
    input_key(KEY_C, false);
    input_key(KEY_B, false);
    assert_log(&kbd, "k48=0 ");
    input_release_all();
    assert_log(&kbd, "k29=0 | ");
    input_release_all();
    input_key(0, true);
    input_key(INPUT_KEYS, true);
    assert_log(&kbd, "");
    input_running = NULL;
    input_remove(&kbd.sink);
}

static void lights_are_told(void **st)
{
    (void)st;
    struct input_watch w = {on_leds, NULL, NULL, NULL};
    lights = 0;
    input_watch(&w);
    input_set_leds(LED_CAPS | LED_NUM);
    input_set_leds(LED_CAPS | LED_NUM);
    assert_int_equal(input_leds(), LED_CAPS | LED_NUM);
    input_set_leds(0);
    assert_int_equal(lights, 2);
    input_unwatch(&w);
}

static void keys_have_names(void **st)
{
    (void)st;
    assert_int_equal(input_key_by_name("ret"), KEY_ENTER);
    assert_int_equal(input_key_by_name("kp_enter"), KEY_KPENTER);
    assert_int_equal(input_key_by_name("asterisk"), KEY_KPASTERISK);
    assert_int_equal(input_key_by_name("nothing"), 0);
    assert_string_equal(input_key_name(KEY_KPASTERISK), "kp_multiply");
    assert_null(input_key_name(KEY_RESERVED));
    unsigned named = 0;
    for (unsigned k = 1; k < INPUT_KEYS; k++) {
        const char *n = input_key_name(k);
        named += n != NULL;
        assert_true(!n || input_key_by_name(n) == k);
    }
    assert_true(named > 140);
}

static void keys_by_other_numbers(void **st)
{
    (void)st;
    assert_int_equal(key_of_keysym('a'), KEY_A);
    assert_int_equal(key_of_keysym('A'), KEY_A);
    assert_int_equal(key_of_keysym('?'), KEY_SLASH);
    assert_int_equal(key_of_keysym(0xff0d), KEY_ENTER);
    assert_int_equal(key_of_keysym(0xffc7), KEY_F10);
    assert_int_equal(key_of_keysym(0xffc8), KEY_F11);
    assert_int_equal(key_of_keysym(0x12345678), 0);
    assert_true(keysym_shifts('A') && keysym_shifts(':') && !keysym_shifts('a') && !keysym_shifts(' '));
    assert_int_equal(key_of_scancode(0x1e), KEY_A);
    assert_int_equal(key_of_scancode(0x53), KEY_KPDOT);
    assert_int_equal(key_of_scancode(0x57), KEY_F11);
    assert_int_equal(key_of_scancode(0x9c), KEY_KPENTER);
    assert_int_equal(key_of_scancode(0xd3), KEY_DELETE);
    assert_int_equal(key_of_scancode(0xfff), 0);
    /* USB HID Usage Tables, table 12 */
    assert_int_equal(key_of_usage(0x1d), KEY_Z);
    assert_int_equal(key_of_usage(0x27), KEY_0);
    assert_int_equal(key_of_usage(0x45), KEY_F12);
    assert_int_equal(key_of_usage(0x4c), KEY_DELETE);
    assert_int_equal(key_of_usage(0x63), KEY_KPDOT);
    assert_int_equal(key_of_usage(0x73), KEY_F24);
    assert_int_equal(key_of_usage(0x81), KEY_VOLUMEDOWN);
    assert_int_equal(key_of_usage(0xe7), KEY_RIGHTMETA);
    assert_int_equal(key_of_usage(256), 0);
}

static void screens_are_dumped(void **st)
{
    (void)st;
    struct look a = {0};
    struct err e = {0};
    struct screen *s = screen_new("vga", &dev_ops, &a);
    screen_resize(s, 3, 2);
    screen_surface(s)->px[4] = 0x123456;
    char path[] = "/tmp/moss-dump-XXXXXX";
    close(mkstemp(path));
    assert_true(image_write(s, path, false, &e));
    u8 got[64];
    FILE *f = fopen(path, "rb");
    size_t n = fread(got, 1, sizeof(got), f);
    fclose(f);
    assert_int_equal(n, 11 + 18);
    assert_memory_equal(got, "P6\n3 2\n255\n", 11);
    assert_memory_equal(got + 11 + 12, "\x12\x34\x56", 3);
#ifdef HAVE_PNG
    png_image img = {.version = PNG_IMAGE_VERSION};
    assert_true(image_write(s, path, true, &e));
    assert_true(png_image_begin_read_from_file(&img, path));
    img.format = PNG_FORMAT_RGB;
    assert_int_equal(img.width, 3);
    assert_true(png_image_finish_read(&img, NULL, got, 0, NULL));
    assert_memory_equal(got + 12, "\x12\x34\x56", 3);
#endif
    assert_false(image_write(s, "/nowhere/at/all", false, &e));
    assert_string_equal(e.msg, "cannot write '/nowhere/at/all': No such file or directory");
    unlink(path);
    screen_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(watchers_are_told),     cmocka_unit_test(dirty_is_cut),
        cmocka_unit_test(pointers_are_copied),   cmocka_unit_test(events_go_to_the_newest),
        cmocka_unit_test(what_is_down_comes_up), cmocka_unit_test(lights_are_told),
        cmocka_unit_test(keys_have_names),       cmocka_unit_test(keys_by_other_numbers),
        cmocka_unit_test(screens_are_dumped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

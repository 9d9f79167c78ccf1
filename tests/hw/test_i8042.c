/* The keyboard controller on the bench, its keyboard and mouse behind it, and what a display would send. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/input/i8042.h"
#include "hw/input/ps2_keys.h"
#include "tests/hw/bench.h"
#include "ui/input.h"

enum { DATA = 0x60, STATUS = 0x64, OBF = 1, AUX = 0x20, XLATE = 0x40, INTS = 3 };
#define MS 1000000ull

static u64 now;
static void pass(u64 ns)
{
    now += ns;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}
static u8 status(struct bench *b)
{
    return (u8)bench_read(b, STATUS, 1);
}
static u8 in(struct bench *b)
{
    return (u8)bench_read(b, DATA, 1);
}
static void data(struct bench *b, u8 v)
{
    bench_write(b, DATA, 1, v);
}
static void command(struct bench *b, u8 v)
{
    bench_write(b, STATUS, 1, v);
}
static u8 get(struct bench *b)
{
    if (!(status(b) & OBF)) {
        pass(MS);
    }
    assert_int_equal(status(b) & (OBF | AUX), OBF);
    return in(b);
}
static u8 get_aux(struct bench *b)
{
    if (!(status(b) & OBF)) {
        pass(MS);
    }
    assert_int_equal(status(b) & (OBF | AUX), OBF | AUX);
    return in(b);
}
static void nothing(struct bench *b)
{
    pass(MS);
    assert_int_equal(status(b) & OBF, 0);
}
static void ctr(struct bench *b, u8 v)
{
    command(b, 0x60);
    data(b, v);
}
static struct bench *start(u8 v)
{
    clock_set(now);
    struct bench *b = bench_new(&i8042_class, NULL);
    ctr(b, v);
    return b;
}
static void key(unsigned k, bool down)
{
    machine_lock();
    input_key(k, down);
    input_sync();
    machine_unlock();
}
static void want_key(struct bench *b, const u8 *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(get(b), v[i]);
    }
    nothing(b);
}
#define WANT(b, ...) want_key(b, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
static void to_kbd(struct bench *b, u8 v)
{
    data(b, v);
    assert_int_equal(get(b), 0xfa);
}
static void to_aux(struct bench *b, u8 v)
{
    command(b, 0xd4);
    data(b, v);
    assert_int_equal(get_aux(b), 0xfa);
}

/* -- the controller ------------------------------------------------------------------------------------------------ */

static void commands(void **st)
{
    (void)st;
    struct bench *b = start(INTS | XLATE | 4);
    device_reset(b->d);
    command(b, 0x20);
    assert_int_equal(get(b), 0x45);
    ctr(b, INTS);
    assert_int_equal(status(b), 0x10);
    command(b, 0xaa);
    assert_int_equal(status(b), 0x1d);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b), 0x55);
    assert_false(bench_irq(b, 0));
    command(b, 0x20);
    assert_int_equal(get(b), 0x07);
    command(b, 0x65);
    data(b, 0x99);
    command(b, 0x25);
    assert_int_equal(get(b), 0x99);
    command(b, 0xab);
    assert_int_equal(get(b), 0);
    command(b, 0xa9);
    assert_int_equal(get(b), 0);
    command(b, 0xa4);
    assert_int_equal(get(b), 0xf1);
    command(b, 0xc0);
    assert_int_equal(get(b), 0xa0);
    command(b, 0xd2);
    data(b, 0x12);
    assert_true(bench_irq(b, 0));
    assert_int_equal(get(b), 0x12);
    command(b, 0xd3);
    data(b, 0x34);
    assert_true(bench_irq(b, 1));
    command(b, 0xd0);
    assert_false(bench_irq(b, 1));
    assert_int_equal(get(b) & 0x33, 0x23); /* of before the answer */
    command(b, 0xa7);
    command(b, 0xad);
    command(b, 0xe0);
    assert_int_equal(get(b), 0);
    command(b, 0x20);
    assert_int_equal(get(b), 0x37);
    command(b, 0xa8);
    command(b, 0xae);
    command(b, 0x20);
    assert_int_equal(get(b), 0x07);
    bench_free(b);
}

static void a20_and_reset(void **st)
{
    (void)st;
    struct bench *b = start(0);
    assert_false(bench_irq(b, 2));
    command(b, 0xd1);
    data(b, 0xdd);
    assert_true(bench_irq(b, 2));
    command(b, 0xd0);
    assert_int_equal(get(b) & 3, 1);
    bench_snapshot_roundtrip(b);
    command(b, 0xd1);
    data(b, 0xdf);
    assert_false(bench_irq(b, 2));
    command(b, 0xdd);
    assert_true(bench_irq(b, 2));
    command(b, 0xdf);
    assert_false(bench_irq(b, 2));
    command(b, 0xff);
    assert_int_equal(b->rises[3], 0);
    command(b, 0xfe);
    assert_int_equal(b->rises[3], 1);
    assert_false(bench_irq(b, 3));
    command(b, 0xd1);
    data(b, 0xfe);
    assert_int_equal(b->rises[3], 2);
    bench_free(b);
}

/* A program that reads twice gets the same byte; an answer goes before a key, which is not lost. */
static void bytes_come_one_by_one(void **st)
{
    (void)st;
    struct bench *b = start(INTS | XLATE);
    key(KEY_UP, true);
    assert_true(bench_irq(b, 0));
    assert_int_equal(in(b), 0xe0);
    assert_false(bench_irq(b, 0));
    assert_int_equal(in(b), 0xe0);
    assert_int_equal(status(b) & OBF, 0);
    pass(MS);
    assert_true(bench_irq(b, 0));
    assert_int_equal(b->rises[0], 2);
    command(b, 0x20);
    bench_snapshot_roundtrip(b);
    assert_int_equal(in(b), 0x43);
    assert_int_equal(in(b), 0x48);
    /* Off: it waits. */
    command(b, 0xad);
    key(KEY_UP, false);
    nothing(b);
    command(b, 0xae);
    WANT(b, 0xe0, 0xc8);
    command(b, 0xad);
    data(b, 0xee); /* a byte for it switches it on */
    assert_int_equal(get(b), 0xee);
    bench_free(b);
}

/* -- the keyboard -------------------------------------------------------------------------------------------------- */

static void keyboard_commands(void **st)
{
    (void)st;
    struct bench *b = start(0);
    to_kbd(b, 0xff);
    WANT(b, 0xaa);
    data(b, 0xee);
    WANT(b, 0xee);
    data(b, 0xfe);
    WANT(b, 0xee);
    to_kbd(b, 0xf2);
    WANT(b, 0xab, 0x83);
    to_kbd(b, 0xf0);
    to_kbd(b, 0);
    WANT(b, 2);
    to_kbd(b, 0xf0);
    data(b, 4);
    WANT(b, 0xfe);
    data(b, 0xe5);
    WANT(b, 0xfe);
    to_kbd(b, 0xed);
    to_kbd(b, LED_CAPS | LED_NUM);
    assert_int_equal(input_leds(), LED_CAPS | LED_NUM);
    bench_snapshot_roundtrip(b);
    assert_int_equal(input_leds(), LED_CAPS | LED_NUM);
    to_kbd(b, 0xed); /* a key while it waits for the lights comes after them */
    key(KEY_B, true);
    nothing(b);
    bench_snapshot_roundtrip(b);
    nothing(b);
    to_kbd(b, LED_CAPS);
    key(KEY_B, false);
    WANT(b, 0x32, 0xf0, 0x32);
    to_kbd(b, 0xed);
    to_kbd(b, 0xf5); /* another command instead of the lights */
    key(KEY_A, true);
    nothing(b);
    key(KEY_A, false);
    to_kbd(b, 0xf4);
    key(KEY_A, true);
    key(KEY_A, false);
    WANT(b, 0x1c, 0xf0, 0x1c);
    ctr(b, XLATE);
    to_kbd(b, 0xf2);
    WANT(b, 0xab, 0x41);
    device_reset(b->m.devices->next); /* the keyboard */
    assert_int_equal(input_leds(), 0);
    bench_free(b);
}

/* Up to F12 Linux numbers keys as set 1 does. */
static void all_keys_in_all_sets(void **st)
{
    (void)st;
    struct bench *b = start(XLATE);
    for (unsigned k = KEY_ESC; k <= KEY_F12; k++) {
        if (k == KEY_ZENKAKUHANKAKU || k == 84) {
            continue;
        }
        key(k, true);
        key(k, false);
        WANT(b, (u8)k, (u8)(k | 0x80));
    }
    for (unsigned set = 1; set <= 3; set++) {
        ctr(b, 0);
        to_kbd(b, 0xf0);
        to_kbd(b, (u8)set);
        to_kbd(b, 0xf8); /* in set 3 all tell their release */
        for (unsigned k = 1; k < INPUT_KEYS; k++) {
            const struct ps2_key *p = ps2_key_find(k);
            key(k, true);
            key(k, false);
            if (!p || (set == 3 && !p->set3)) {
                nothing(b);
            } else if (set == 3) {
                WANT(b, p->set3, 0xf0, p->set3);
            } else if (!p->kind && set == 2 && p->e0) {
                WANT(b, 0xe0, p->set2, 0xe0, 0xf0, p->set2);
            } else if (!p->kind && set == 1 && !p->e0) {
                WANT(b, ps2_set1(p->set2), ps2_set1(p->set2) | 0x80);
            } else {
                while (pass(MS), status(b) & OBF) {
                    in(b);
                }
            }
        }
    }
    bench_free(b);
}

static void sequences(void **st)
{
    (void)st;
    struct bench *b = start(0);
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    WANT(b, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
    key(KEY_SYSRQ, true);
    key(KEY_SYSRQ, false);
    WANT(b, 0xe0, 0x12, 0xe0, 0x7c, 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12);
    key(KEY_LEFTALT, true);
    key(KEY_SYSRQ, true);
    key(KEY_LEFTALT, false);
    key(KEY_SYSRQ, false);
    WANT(b, 0x11, 0x84, 0xf0, 0x11, 0xf0, 0x84);
    key(KEY_RIGHTCTRL, true);
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    key(KEY_RIGHTCTRL, false);
    WANT(b, 0xe0, 0x14, 0xe0, 0x7e, 0xe0, 0xf0, 0x7e, 0xe0, 0xf0, 0x14);
    key(KEY_RIGHTSHIFT, true);
    key(KEY_LEFT, true);
    key(KEY_LEFT, false);
    key(KEY_KPSLASH, true);
    key(KEY_KPSLASH, false);
    key(KEY_RIGHTSHIFT, false);
    WANT(b, 0x59, 0xe0, 0xf0, 0x59, 0xe0, 0x6b, 0xe0, 0xf0, 0x6b, 0xe0, 0x59, 0xe0, 0xf0, 0x59, 0xe0, 0x4a, 0xe0, 0xf0,
         0x4a, 0xe0, 0x59, 0xf0, 0x59);
    to_kbd(b, 0xed);
    to_kbd(b, LED_NUM);
    key(KEY_DELETE, true);
    key(KEY_DELETE, false);
    WANT(b, 0xe0, 0x12, 0xe0, 0x71, 0xe0, 0xf0, 0x71, 0xe0, 0xf0, 0x12);
    key(KEY_HANGEUL, true);
    key(KEY_HANGEUL, false);
    WANT(b, 0xf2);
    ctr(b, XLATE);
    key(KEY_PAUSE, true);
    key(KEY_PAUSE, false);
    WANT(b, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    bench_free(b);
}

static void repeating(void **st)
{
    (void)st;
    struct bench *b = start(0);
    key(KEY_A, true);
    key(KEY_A, true); /* the display's repeat is none */
    WANT(b, 0x1c);
    pass(490 * MS);
    assert_int_equal(status(b) & OBF, 0);
    pass(10 * MS);
    assert_int_equal(in(b), 0x1c);
    bench_snapshot_roundtrip(b);
    pass(90 * MS);
    assert_int_equal(status(b) & OBF, 0);
    pass(2 * MS);
    assert_int_equal(in(b), 0x1c);
    pass(400 * MS); /* too late: left out */
    assert_int_equal(status(b) & OBF, 0);
    key(KEY_A, false);
    WANT(b, 0xf0, 0x1c);
    pass(2000 * MS);
    assert_int_equal(status(b) & OBF, 0);
    to_kbd(b, 0xf3);
    to_kbd(b, 0x00); /* a quarter of a second, 30 a second */
    key(KEY_HOME, true);
    WANT(b, 0xe0, 0x6c);
    pass(248 * MS);
    pass(MS);
    WANT(b, 0xe0, 0x6c);
    key(KEY_HOME, false);
    WANT(b, 0xe0, 0xf0, 0x6c);
    /* Set 3: as the key's type says. */
    to_kbd(b, 0xf0);
    to_kbd(b, 3);
    key(KEY_B, true);
    WANT(b, 0x32);
    pass(248 * MS);
    pass(MS);
    WANT(b, 0x32);
    key(KEY_B, false);
    nothing(b);
    key(KEY_F1, true);
    key(KEY_F1, false);
    WANT(b, 0x07);
    to_kbd(b, 0xfc); /* make and break for these */
    to_kbd(b, 0x07);
    to_kbd(b, 0x32);
    to_kbd(b, 0xf4);
    key(KEY_B, true);
    pass(600 * MS);
    key(KEY_B, false);
    WANT(b, 0x32, 0xf0, 0x32);
    bench_free(b);
}

/* -- the mouse ----------------------------------------------------------------------------------------------------- */

static void move(int x, int y, int wheel)
{
    machine_lock();
    input_rel(AXIS_X, x);
    input_rel(AXIS_Y, y);
    input_rel(AXIS_WHEEL, wheel);
    input_sync();
    machine_unlock();
}
static void button(enum input_button k, bool down)
{
    machine_lock();
    input_button(k, down);
    input_sync();
    machine_unlock();
}
static void want_aux(struct bench *b, const u8 *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(get_aux(b), v[i]);
    }
    assert_int_equal(status(b) & OBF, 0);
}
#define WANT_AUX(b, ...) want_aux(b, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
static void rates(struct bench *b, u8 r0, u8 r1, u8 r2)
{
    for (unsigned i = 0; i < 3; i++) {
        to_aux(b, 0xf3);
        to_aux(b, i == 0 ? r0 : i == 1 ? r1 : r2);
    }
    to_aux(b, 0xf2);
}

static void mouse_commands(void **st)
{
    (void)st;
    struct bench *b = start(INTS);
    to_aux(b, 0xff);
    WANT_AUX(b, 0xaa, 0x00);
    to_aux(b, 0xe9);
    WANT_AUX(b, 0x00, 2, 100);
    to_aux(b, 0xe8);
    to_aux(b, 3);
    to_aux(b, 0xe7);
    to_aux(b, 0xf4);
    button(BUTTON_RIGHT, true);
    WANT_AUX(b, 0x0a, 0, 0);
    to_aux(b, 0xe9);
    WANT_AUX(b, 0x31, 3, 100);
    button(BUTTON_RIGHT, false);
    pass(20 * MS);
    WANT_AUX(b, 0x08, 0, 0);
    to_aux(b, 0xee); /* wraps */
    command(b, 0xd4);
    data(b, 0xe9);
    WANT_AUX(b, 0xe9);
    bench_snapshot_roundtrip(b);
    to_aux(b, 0xec);
    to_aux(b, 0xf0); /* remote */
    move(5, 3, 0);
    assert_int_equal(status(b) & OBF, 0);
    to_aux(b, 0xeb);
    WANT_AUX(b, 0x28, 5, 0xfd);
    to_aux(b, 0xeb);
    WANT_AUX(b, 0x08, 0, 0);
    to_aux(b, 0xf6);
    to_aux(b, 0xe9);
    WANT_AUX(b, 0x00, 2, 100);
    command(b, 0xd4);
    data(b, 0x99);
    WANT_AUX(b, 0xfe);
    bench_free(b);
}

static void movement(void **st)
{
    (void)st;
    struct bench *b = start(INTS);
    move(9, 9, 9); /* nobody listens */
    to_aux(b, 0xf4);
    move(10, -20, 1);
    assert_true(bench_irq(b, 1));
    WANT_AUX(b, 0x08, 10, 20);
    /* What comes between samples is gathered, what is too far follows. */
    move(-300, 0, 0);
    move(-100, 1, 0);
    button(BUTTON_LEFT, true);
    pass(5 * MS);
    assert_int_equal(status(b) & OBF, 0);
    pass(5 * MS);
    WANT_AUX(b, 0x39, 0x01, 0xff);
    pass(10 * MS);
    WANT_AUX(b, 0x19, 0x6f, 0);
    /* No click is lost. */
    button(BUTTON_LEFT, false);
    button(BUTTON_LEFT, true);
    button(BUTTON_LEFT, false);
    pass(10 * MS);
    bench_snapshot_roundtrip(b);
    WANT_AUX(b, 0x08, 0, 0, 0x09, 0, 0);
    pass(10 * MS);
    WANT_AUX(b, 0x08, 0, 0);
    /* 2:1 */
    to_aux(b, 0xe7);
    pass(10 * MS);
    move(3, 8, 0);
    WANT_AUX(b, 0x28, 3, 0xf0);
    bench_free(b);
}

static void wheels_and_more_buttons(void **st)
{
    (void)st;
    struct bench *b = start(INTS);
    rates(b, 200, 100, 80);
    WANT_AUX(b, 3);
    to_aux(b, 0xf4);
    move(1, 1, 2);
    WANT_AUX(b, 0x28, 1, 0xff, 0xfe);
    button(BUTTON_SIDE, true);
    pass(20 * MS);
    assert_int_equal(status(b) & OBF, 0);
    button(BUTTON_SIDE, false);
    rates(b, 200, 200, 80);
    WANT_AUX(b, 4);
    to_aux(b, 0xf4);
    move(0, 0, -20);
    WANT_AUX(b, 0x08, 0, 0, 0x07);
    pass(13 * MS);
    WANT_AUX(b, 0x08, 0, 0, 0x07);
    pass(13 * MS);
    WANT_AUX(b, 0x08, 0, 0, 0x06);
    pass(13 * MS);
    button(BUTTON_EXTRA, true);
    WANT_AUX(b, 0x08, 0, 0, 0x20);
    pass(13 * MS);
    button(BUTTON_MIDDLE, true);
    WANT_AUX(b, 0x0c, 0, 0, 0x20);
    button(BUTTON_EXTRA, false);
    button(BUTTON_MIDDLE, false);
    bench_free(b);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = start(INTS | XLATE);
    u64 errors = guest_error_count(), gaps = unimp_count();
    command(b, 0x99);
    assert_int_equal(guest_error_count(), errors + 1);
    command(b, 0xc1);
    assert_int_equal(unimp_count(), gaps + 1);
    /* Keys that nobody reads: the buffer overruns, and says so. */
    for (unsigned i = 0; i < 2000; i++) {
        key(i & 1 ? KEY_PAUSE : KEY_SYSRQ, i >> 1 & 1);
    }
    for (unsigned i = 0; i < 100; i++) { /* and answers */
        data(b, 0xf2);
    }
    u32 x = 3;
    for (unsigned i = 0; i < 100000; i++) {
        x = x * 1664525 + 1013904223;
        u8 v = (u8)(x >> 16);
        switch (x >> 28) {
        case 0:
        case 1:
        case 2:
            command(b, v);
            break;
        case 3:
            command(b, 0xd4);
            /* fall through */
        case 4:
        case 5:
            data(b, v | (x & 1 ? 0xe0 : 0));
            break;
        case 6:
            pass(x & 0xffffff);
            break;
        case 7:
            key(x >> 4 & 0xff, x & 1);
            break;
        case 8:
            move((i32)x >> 4, (i32)x >> 10, (i32)x >> 8);
            break;
        case 9:
            button((enum input_button)(x % BUTTONS), x >> 8 & 1);
            break;
        default:
            in(b);
            break;
        }
    }
    bench_snapshot_roundtrip(b);
    ctr(b, 0);
    while (pass(MS), status(b) & OBF) {
        in(b);
    }
    to_kbd(b, 0xff);
    assert_int_equal(get(b), 0xaa);
    to_aux(b, 0xff);
    assert_int_equal(get_aux(b), 0xaa);
    assert_int_equal(get_aux(b), 0x00);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands),
        cmocka_unit_test(a20_and_reset),
        cmocka_unit_test(bytes_come_one_by_one),
        cmocka_unit_test(keyboard_commands),
        cmocka_unit_test(all_keys_in_all_sets),
        cmocka_unit_test(sequences),
        cmocka_unit_test(repeating),
        cmocka_unit_test(mouse_commands),
        cmocka_unit_test(movement),
        cmocka_unit_test(wheels_and_more_buttons),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* virtio-keyboard, virtio-mouse and virtio-tablet: what they say of themselves, events, lights, and when they take
 * them. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "hw/input/virtio_input.h"
#include "tests/hw/virtio_drv.h"
#include "ui/input.h"

enum { BUFFERS = 8 };
static u64 buf;

static struct drv *new_dev(const struct device_class *mmio, const struct device_class *pci, enum drv_bus bus)
{
    struct drv *d = drv_new(bus, mmio, pci, "serial=abc");
    drv_start(d, ~0ull, 2);
    buf = drv_alloc(d, 8 * BUFFERS, 16);
    for (unsigned i = 0; i < BUFFERS; i++) {
        struct seg s = {buf + 8 * i, 8, true};
        drv_add(d, 0, &s, 1);
    }
    drv_kick(d, 0);
    return d;
}

static unsigned ask(struct drv *d, u8 select, u8 subsel)
{
    drv_config_set(d, 0, 1, select);
    drv_config_set(d, 1, 1, subsel);
    return (unsigned)drv_config(d, 2, 1);
}

/* The next event as type << 24 | code << 8 | value; gives its buffer back. 0: there is none. */
static u32 event(struct drv *d)
{
    u16 id;
    u32 len;
    if (!drv_used(d, 0, &id, &len)) {
        return 0;
    }
    assert_int_equal(len, 8);
    const u8 *e = drv_host(d, buf + 8 * (id % BUFFERS));
    u32 got = (u32)ld16le(e) << 24 | (u32)ld16le(e + 2) << 8 | (ld32le(e + 4) & 0xff);
    struct seg s = {buf + 8 * (id % BUFFERS), 8, true};
    drv_add(d, 0, &s, 1);
    drv_kick(d, 0);
    return got;
}
#define EV(type, code, value) ((u32)(type) << 24 | (u32)(code) << 8 | ((value)&0xff))
static void assert_event(struct drv *d, u32 want)
{
    assert_int_equal(event(d), want);
}

static void keyboard(void **st)
{
    (void)st;
    for (enum drv_bus bus = DRV_MMIO; bus <= DRV_PCI; bus += DRV_PCI - DRV_MMIO) {
        struct drv *d = new_dev(&virtio_keyboard_class, &virtio_keyboard_pci_class, bus);
        char name[32] = {0};
        assert_int_equal(ask(d, 1, 0), 20);
        for (unsigned i = 0; i < 20; i++) {
            name[i] = (char)drv_config(d, 8 + i, 1);
        }
        assert_string_equal(name, "QEMU Virtio Keyboard");
        assert_int_equal(ask(d, 2, 0), 3);
        assert_int_equal(drv_config(d, 8, 1), 'a');
        assert_int_equal(ask(d, 3, 0), 8);
        assert_int_equal(drv_config(d, 8, 2), 6);
        assert_int_equal(ask(d, 0x11, EV_KEY), 32);
        assert_int_equal(drv_config(d, 8 + KEY_A / 8, 1) >> KEY_A % 8 & 1, 1);
        assert_int_equal(ask(d, 0x11, EV_LED), 1);
        assert_int_equal(ask(d, 0x11, EV_REL), 0);
        assert_int_equal(ask(d, 0x12, 0), 0);
        assert_int_equal(ask(d, 99, 0), 0);
        machine_lock();
        input_key(KEY_A, true);
        input_sync();
        input_key(KEY_A, false);
        input_sync();
        machine_unlock();
        assert_event(d, EV(EV_KEY, KEY_A, 1));
        assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
        assert_event(d, EV(EV_KEY, KEY_A, 0));
        assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
        assert_event(d, 0);
        /* lights */
        u64 at = drv_alloc(d, 8, 8);
        u8 led[8] = {EV_LED, 0, LED_CAPSL, 0, 1};
        struct seg s = {at, 8, false};
        drv_put(d, at, led, 8);
        drv_do(d, 1, &s, 1);
        assert_int_equal(input_leds(), LED_CAPS);
        led[4] = 0;
        drv_put(d, at, led, 8);
        drv_do(d, 1, &s, 1);
        assert_int_equal(input_leds(), 0);
        bench_snapshot_roundtrip(d->b);
        drv_free(d);
    }
}

static void tablet_and_mouse(void **st)
{
    (void)st;
    struct drv *d = new_dev(&virtio_tablet_class, &virtio_tablet_pci_class, DRV_PCI);
    assert_true(input_is_absolute());
    assert_int_equal(ask(d, 0x12, ABS_Y), 20);
    assert_int_equal(drv_config(d, 12, 4), INPUT_ABS_MAX);
    assert_int_equal(ask(d, 0x11, EV_ABS), 1);
    machine_lock();
    input_abs(50, 0, 101, 100);
    input_button(BUTTON_LEFT, true);
    input_rel(AXIS_WHEEL, -2);
    input_sync();
    machine_unlock();
    assert_event(d, EV(EV_ABS, ABS_X, INPUT_ABS_MAX / 2));
    assert_event(d, EV(EV_ABS, ABS_Y, 0));
    assert_event(d, EV(EV_KEY, BTN_LEFT, 1));
    assert_event(d, EV(EV_REL, REL_WHEEL, -2));
    assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
    drv_reset(d); /* no driver: no tablet */
    assert_false(input_is_absolute());
    machine_lock();
    input_abs(1, 1, 10, 10);
    input_sync();
    machine_unlock();
    drv_free(d);

    d = new_dev(&virtio_mouse_class, &virtio_mouse_pci_class, DRV_MMIO);
    assert_false(input_is_absolute());
    machine_lock();
    input_rel(AXIS_X, 3);
    input_rel(AXIS_Y, -4);
    input_sync();
    machine_unlock();
    assert_event(d, EV(EV_REL, REL_X, 3));
    assert_event(d, EV(EV_REL, REL_Y, -4));
    assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
    /* more than there are buffers for: whole groups are lost, and the next one comes */
    machine_lock();
    for (unsigned i = 0; i < BUFFERS; i++) {
        input_rel(AXIS_X, 1);
        input_rel(AXIS_Y, (int)i + 1);
        input_sync();
    }
    for (unsigned i = 0; i < 100; i++) {
        input_rel(AXIS_X, 7);
    }
    input_sync();
    machine_unlock();
    for (unsigned i = 0; i < BUFFERS / 3; i++) {
        assert_event(d, EV(EV_REL, REL_X, 1));
        assert_event(d, EV(EV_REL, REL_Y, i + 1));
        assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
    }
    assert_event(d, 0);
    machine_lock();
    input_rel(AXIS_X, 9);
    input_sync();
    machine_unlock();
    assert_event(d, EV(EV_REL, REL_X, 9));
    assert_event(d, EV(EV_SYN, SYN_REPORT, 0));
    bench_snapshot_roundtrip(d->b);
    drv_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keyboard), cmocka_unit_test(tablet_and_mouse)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

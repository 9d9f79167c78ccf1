/* Every device class there is: its tables are consistent with its struct and with each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "hw/core/device.h"
#include "hw/core/machine.h"

#define D(name) extern const struct device_class name##_class;
#include "hw/devices.def"
#undef D
static const struct device_class *const classes[] = {
#define D(name) &name##_class,
#include "hw/devices.def"
#undef D
    NULL};

#define FOR_EACH_CLASS(c) for (const struct device_class *const *p_ = classes, *c; (c = *p_); p_++)

static void names_are_unique(void **st)
{
    (void)st;
    FOR_EACH_CLASS(c)
    {
        assert_non_null(c->name);
        assert_non_null(c->doc);
        for (const struct device_class *const *q = p_ + 1; *q; q++) {
            assert_string_not_equal(c->name, (*q)->name);
        }
    }
}

/* Marks the bytes of an element; a byte marked twice is an overlap. */
static void bytes_take(const struct device_class *c, u8 *used, const char *what, size_t off, size_t size)
{
    if (off < sizeof(struct device) || off + size > c->size) {
        fail_msg("%s: %s is outside the struct", c->name, what);
    }
    for (size_t i = off; i < off + size; i++) {
        if (used[i]++) {
            fail_msg("%s: %s overlaps another row", c->name, what);
        }
    }
}

static void fields_lie_in_the_struct_once(void **st)
{
    (void)st;
    FOR_EACH_CLASS(c)
    {
        u8 *used = g_malloc0(c->size);
        assert_non_null(c->state);
        for (const struct field *f = c->state; f->name; f++) {
            for (unsigned i = 0; i < f->count; i++) {
                bytes_take(c, used, f->name, f->off + (size_t)i * (f->stride ? f->stride : f->size), f->size);
            }
        }
        g_free(used);
    }
}

static size_t prop_size(enum prop_kind k)
{
    switch (k) {
    case PROP_BOOL:
        return sizeof(bool);
    case PROP_U8:
        return 1;
    case PROP_U16:
        return 2;
    case PROP_U32:
        return 4;
    case PROP_MAC:
        return 6;
    default:
        return 8;
    }
}

static void properties_lie_in_the_struct_once(void **st)
{
    (void)st;
    FOR_EACH_CLASS(c)
    {
        u8 *used = g_malloc0(c->size);
        for (const struct prop *p = c->props; p && p->name; p++) {
            bytes_take(c, used, p->name, p->off, prop_size(p->kind));
            assert_ptr_equal(props_find(c->props, p->name), p);
        }
        g_free(used);
    }
}

static void registers_lie_in_the_window_once(void **st)
{
    (void)st;
    FOR_EACH_CLASS(c)
    {
        if (!c->regs) {
            continue;
        }
        u8 *used = g_malloc0(c->mmio_size);
        for (const struct reg *r = c->regs; r->name; r++) {
            unsigned size = r->size ? r->size : 4, stride = r->stride ? r->stride : size;
            for (unsigned i = 0; i < MAX(r->count, 1); i++) {
                size_t at = r->off + (size_t)i * stride;
                assert_true(at + size <= c->mmio_size);
                for (unsigned k = 0; k < size; k++) {
                    if (used[at + k]++) {
                        fail_msg("%s: register %s overlaps another", c->name, r->name);
                    }
                }
            }
            if (r->has_field) {
                assert_true(r->field >= sizeof(struct device));
                assert_true(r->field + (size_t)size * MAX(r->count, 1) <= c->size);
            } else {
                assert_false(r->wmask || r->w1c);
                assert_true(r->read || r->write);
            }
        }
        g_free(used);
    }
}

static void windows_have_somebody_behind(void **st)
{
    (void)st;
    FOR_EACH_CLASS(c)
    {
        assert_true(c->size >= sizeof(struct device));
        assert_true(!c->mmio_size || c->regs || c->ops);
        for (const char *s = c->compatible; s && *s; s += strlen(s) + 1) {
            assert_true(strlen(s) < 64); /* runs off its end when the list is not ended by an empty string */
        }
        for (const char *s = c->clock_names; s && *s; s += strlen(s) + 1) {
            assert_true(strlen(s) < 64);
        }
        assert_true(!c->provides || c->bus_slots || c->plug);
    }
}

static void defaults_can_be_set(void **st)
{
    (void)st;
    struct machine m = {0};
    m.sysmem = mem_space_new("classes");
    FOR_EACH_CLASS(c)
    {
        struct device *d = device_new(&m, c, NULL);
        struct buf b = {0};
        for (const struct prop *p = c->props; p && p->name; p++) {
            b.len = 0;
            prop_print(d, p, &b);
            assert_true(b.len > 0);
        }
        buf_free(&b);
    }
    mem_space_free(m.sysmem);
    arena_free(&m.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(fields_lie_in_the_struct_once),
        cmocka_unit_test(properties_lie_in_the_struct_once),
        cmocka_unit_test(registers_lie_in_the_window_once),
        cmocka_unit_test(windows_have_somebody_behind),
        cmocka_unit_test(defaults_can_be_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The monitor without a machine: line editing by keys, expressions, a command's arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "system/monitor/line.h"
#include "system/monitor/monitor_priv.h"
#include "system/registry.h"

const struct display *const registry_displays[] = {NULL};

/* -- the line editor -------------------------------------------------------------------------------------------------
 */

static struct buf screen;
static GPtrArray *entered;

static void to_screen(void *opaque, const char *p, size_t n)
{
    (void)opaque;
    buf_put(&screen, p, n);
}
static void on_line(void *opaque, const char *line)
{
    (void)opaque;
    g_ptr_array_add(entered, g_strdup(line));
}
static void on_tab(void *opaque, const char *head, GPtrArray *words)
{
    (void)opaque;
    monitor_complete(head, words);
}

static void typed(struct line *l, const char *keys)
{
    line_input(l, (const u8 *)keys, strlen(keys));
}
static void line_is(struct line *l, const char *keys, const char *want)
{
    typed(l, keys);
    typed(l, "\r");
    assert_string_equal(g_ptr_array_index(entered, entered->len - 1), want);
}

static int line_setup(void **state)
{
    struct line *l = g_new0(struct line, 1);
    line_init(l, "> ", &(struct line_owner){to_screen, on_line, on_tab, l});
    entered = g_ptr_array_new_with_free_func(g_free);
    *state = l;
    return 0;
}
static int line_teardown(void **state)
{
    line_free(*state);
    g_free(*state);
    g_ptr_array_free(entered, TRUE);
    buf_free(&screen);
    return 0;
}

static void keys_edit(void **state)
{
    struct line *l = *state;
    line_is(l, "hello", "hello");
    line_is(l, "hello\x7f\x08p!", "help!");
    line_is(l, "ello\x01h", "hello");
    line_is(l, "ho\x1b[Dell", "hello");
    line_is(l, "xhello\x1b[H\x1b[3~", "hello");
    line_is(l, "hello world\x17there", "hello there");
    line_is(l, "gone\x15here", "here");
    line_is(l, "keep this\x1b[D\x1b[D\x1b[D\x1b[D\x0b.", "keep .");
    line_is(l, "ab\x02\x02\x06x\x05y", "axby");
    line_is(l, "dropped\x03kept", "kept");
    line_is(l, "", "");
}

static void old_lines_come_back(void **state)
{
    struct line *l = *state;
    line_is(l, "first", "first");
    line_is(l, "second", "second");
    line_is(l, "second", "second");
    line_is(l, "\x1b[A\x1b[A", "first");
    line_is(l, "begun\x10\x10\x0e\x0e ok", "begun ok");
    line_is(l, "\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A!", "first!");
}

static void ends_of_lines(void **state)
{
    struct line *l = *state;
    typed(l, "a\r\nb\nc\r");
    assert_int_equal(entered->len, 3);
    assert_string_equal(g_ptr_array_index(entered, 1), "b");
}

static void tab_completes(void **state)
{
    struct line *l = *state;
    line_is(l, "system_p\t", "system_powerdown ");
    line_is(l, "info mt\t", "info mtree ");
    line_is(l, "sys\tr\t", "system_reset ");
    typed(l, "sendkey ctrl-alt-delet\t");
    line_is(l, "", "sendkey ctrl-alt-delete ");
    buf_free(&screen);
    typed(l, "mouse_\t");
    assert_non_null(strstr((const char *)screen.data, "mouse_button  mouse_move  mouse_set"));
}

/* However long the line, however odd the bytes. */
static void anything_may_be_typed(void **state)
{
    struct line *l = *state;
    u32 seed = 1;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1103515245 + 12345;
        u8 c = (u8)(seed >> 16);
        line_input(l, &c, 1);
        assert_true(l->at <= l->len && l->len < sizeof(l->text));
        if (screen.len > 100000) {
            buf_free(&screen);
        }
    }
    for (unsigned i = 0; i < 2 * LINE_MAX_BYTES; i++) {
        line_input(l, (const u8 *)"x", 1);
    }
    assert_int_equal(l->len, LINE_MAX_BYTES - 1);
}

static void a_secret_is_not_shown(void **state)
{
    struct line *l = *state;
    buf_free(&screen);
    l->secret = true;
    line_is(l,
            "ab\x1b[Dc\x7f"
            "d\t\x1b[A",
            "adb");
    assert_string_equal((char *)screen.data, "\r\n");
    l->secret = false;
    line_is(l, "\x1b[A", ""); /* nor kept */
}

/* -- expressions -----------------------------------------------------------------------------------------------------
 */

static void value_is(const char *text, u64 want, const char *rest)
{
    struct err e = {0};
    u64 v;
    assert_true(expr_read(&text, &v, &e));
    assert_true(v == want);
    assert_string_equal(text, rest);
}
static void value_fails(const char *text)
{
    struct err e = {0};
    u64 v;
    assert_false(expr_read(&text, &v, &e));
    assert_true(e.msg[0]);
}

static void expressions(void **state)
{
    (void)state;
    value_is("42", 42, "");
    value_is("0x1000 8", 0x1000, " 8");
    value_is("1+2*3", 7, "");
    value_is("(1 + 2) * 3", 3, " * 3");
    value_is("((1 + 2) * 3)", 9, "");
    value_is("-1", ~0ull, "");
    value_is("~0xff&0xfff", 0xf00, "");
    value_is("1<<4|1", 17, "");
    value_is("7%4-1", 2, "");
    value_is("2-1-1", 0, "");
    value_is("'A'", 65, "");
    value_is("1<<64", 0, "");
    value_fails("");
    value_fails("1/0");
    value_fails("(1");
    value_fails("1+");
    value_fails("$rax"); /* there is no cpu here */
    value_fails("((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1");
}

/* -- arguments -------------------------------------------------------------------------------------------------------
 */

static bool parsed(const char *name, const char *text, struct args *a)
{
    static char line[200];
    struct err e = {0};
    *a = (struct args){0};
    snprintf(line, sizeof(line), "%s", text);
    return args_parse(command_find(monitor_commands, name, strlen(name)), line, a, &e);
}

static void arguments(void **state)
{
    struct args a;
    (void)state;
    assert_true(parsed("x", "/12xg 0x100+4", &a));
    assert_true(a.fmt.count == 12 && a.fmt.kind == 'x' && a.fmt.size == 'g' && a.n[1] == 0x104);
    assert_true(parsed("x", " 16", &a) && a.n[1] == 16 && !a.fmt.count);
    assert_false(parsed("x", "/12q 1", &a));
    assert_false(parsed("x", "", &a));
    assert_false(parsed("x", "1 2", &a));
    assert_true(parsed("memsave", " 1 2 \"a file \\\"x\\\"\"", &a));
    assert_string_equal(a.s[2], "a file \"x\"");
    assert_false(parsed("memsave", " 1 2 \"open", &a));
    assert_true(parsed("eject", "-f cd0", &a) && a.has[0] && !strcmp(a.s[1], "cd0"));
    assert_true(parsed("eject", "cd0", &a) && !a.has[0]);
    assert_true(parsed("screendump", "a.png -f png vga", &a));
    assert_true(!strcmp(a.s[1], "png") && !strcmp(a.s[2], "vga"));
    assert_true(parsed("mouse_move", "-1 (2-1) 1", &a) && a.n[0] == ~0ull && a.n[1] == 1 && a.n[2] == 1);
}

/* Every row can be explained, and its text names every argument once. */
static void every_command_has_help(void **state)
{
    (void)state;
    for (const struct command *c = monitor_commands; c->name; c++) {
        struct buf out = {0};
        char line[64];
        snprintf(line, sizeof(line), "help %s", c->name);
        monitor_command(line, &out);
        assert_true(c->run && out.len > strlen(c->name) + strlen(c->doc));
        buf_free(&out);
    }
}

int main(void)
{
#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, line_setup, line_teardown)
    const struct CMUnitTest tests[] = {
        LINE_TEST(a_secret_is_not_shown), LINE_TEST(keys_edit),        LINE_TEST(old_lines_come_back),
        LINE_TEST(ends_of_lines),         LINE_TEST(tab_completes),    LINE_TEST(anything_may_be_typed),
        cmocka_unit_test(expressions),    cmocka_unit_test(arguments), cmocka_unit_test(every_command_has_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

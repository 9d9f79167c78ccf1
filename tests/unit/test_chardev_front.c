/* Character devices from the user's side: the mux and its keys, the terminal, the short forms of the
 * command line, and what is said when they are wrong. */
#include "tests/unit/chardev_util.h"

/* -- mux ------------------------------------------------------------------------------------------ */

static bool quit;
static void note_quit(void)
{
    quit = true;
}

static void the_mux_obeys_its_keys(void **state)
{
    (void)state;
    int peer;
    struct guest mon = {.room = 100}, uart = {.room = 100};
    struct chardev *c = make_pair(",mux=on", &peer);
    assert_true(chardev_is_mux(c));
    attach(c, &mon);
    attach(c, &uart); /* the newest has the focus */
    assert_int_equal(mon.unfocused, 1);
    assert_int_equal(uart.focused, 1);
    chardev_quit_request = note_quit;

    assert_int_equal(write(peer, "u\001cm\001\001\001b\001", 9), 9);
    RUN_UNTIL(mon.len == 2 && mon.broken == 1);
    assert_memory_equal(uart.text, "u", 1);
    assert_memory_equal(mon.text, "m\001", 2);
    assert_int_equal(write(peer, "cback", 5), 5); /* the escape came in an earlier read */
    RUN_UNTIL(uart.len == 5);
    assert_memory_equal(uart.text, "uback", 5);
    assert_false(quit);
    assert_int_equal(write(peer, "\001x", 2), 2);
    RUN_UNTIL(quit);
    expect_fd(peer, "moss: terminated\n\r");
    quit = false;

    out(c, "both front ends write");
    expect_fd(peer, "both front ends write");
    assert_int_equal(write(peer, "\001h", 2), 2);
    char help[2048] = {0};
    RUN_UNTIL(help[0] || recv(peer, help, sizeof(help) - 1, MSG_DONTWAIT) > 0);
    assert_non_null(strstr(help, "C-a c "));

    chardev_escape = 0x14; /* -echr: Ctrl-A is plain now */
    assert_int_equal(write(peer, "\001x\024x", 4), 4);
    RUN_UNTIL(quit);
    assert_memory_equal(uart.text, "uback\001x", 7);
    chardev_escape = 1;
    chardev_quit_request = NULL;
    close(peer);
    free_chardev(c);
}

static void escapes_work_while_the_guest_does_not_read(void **state)
{
    (void)state;
    int peer;
    struct guest uart = {.room = 0};
    struct chardev *c = make_pair(",mux=on", &peer);
    attach(c, &uart);
    chardev_quit_request = note_quit;
    quit = false;
    assert_int_equal(write(peer, "typed ahead\001x", 13), 13);
    RUN_UNTIL(quit);
    assert_int_equal(uart.len, 0);
    uart.room = 5;
    machine_lock();
    chardev_accept_input(c);
    machine_unlock();
    assert_int_equal(uart.len, 5);
    uart.room = 50;
    machine_lock();
    chardev_accept_input(c);
    machine_unlock();
    assert_memory_equal(uart.text, "typed ahead", 11);
    chardev_quit_request = NULL;
    close(peer);
    free_chardev(c);
}

static void time_stamps_begin_lines(void **state)
{
    (void)state;
    int peer;
    struct guest uart = {.room = 10};
    struct chardev *c = make_pair(",mux=on", &peer);
    attach(c, &uart);
    assert_int_equal(write(peer, "\001tx", 3), 3);
    RUN_UNTIL(uart.len == 1);
    out(c, "one\ntw");
    out(c, "o\n");
    char got[256] = {0};
    unsigned h, m, s, ms;
    assert_true(read(peer, got, sizeof(got) - 1) > 0);
    assert_int_equal(sscanf(got, "[%u:%u:%u.%u] one\n", &h, &m, &s, &ms), 4);
    assert_non_null(strstr(got, "] two\n"));
    close(peer);
    free_chardev(c);
}

static void front_ends_come_and_go(void **state)
{
    (void)state;
    int peer;
    struct guest a = {.room = 10}, b = {.room = 10}, d = {.room = 10};
    struct chardev *c = make_pair(",mux=on", &peer);
    attach(c, &a);
    attach(c, &b);
    attach(c, &d);
    machine_lock();
    chardev_focus(c, &b);
    chardev_detach(c, &a);
    machine_unlock();
    assert_int_equal(write(peer, "1", 1), 1);
    RUN_UNTIL(b.len == 1);
    machine_lock();
    chardev_detach(c, &b);
    machine_unlock();
    assert_int_equal(write(peer, "2", 1), 1);
    RUN_UNTIL(d.len == 1);
    machine_lock();
    chardev_detach(c, &d);
    machine_unlock();
    assert_int_equal(write(peer, "3", 1), 1);
    run_a_little();
    attach(c, &a);
    RUN_UNTIL(a.len == 1);
    close(peer);
    free_chardev(c);

    c = make("null,id=one");
    struct err e = {0};
    attach(c, &a);
    assert_false(chardev_attach(c, &guest_recv, &b, &e));
    assert_non_null(strstr(e.msg, "in use"));
    free_chardev(c);
}

/* -- stdio ---------------------------------------------------------------------------------------- */

/* A child on a terminal of its own: raw while it runs, as before when it dies. */
static void stdio_child(int how)
{
    struct err e = {0};
    struct chardev *c = chardev_from_option(how == 'm' ? "stdio,id=s,mux=on,signal=off" : "stdio,id=s", &e);
    if (!c || chardev_from_option("stdio,id=t", &e) || !strstr(e.msg, "only one")) {
        _exit(9);
    }
    static struct guest g = {.room = 100};
    chardev_attach(c, &guest_recv, &g, NULL);
    chardev_write(c, "ready", 5);
    while (!memchr(g.text, 'q', g.len)) {
        loop_turn(100000000);
    }
    switch (how) {
    case 'a':
        must(!"an end by abort");
        break;
    case 't':
        raise(SIGTERM);
        break;
    case 'f':
        machine_lock();
        chardev_free_all();
        machine_unlock();
        _exit(0);
    default:
        exit(0);
    }
}

static void the_terminal_is_given_back(void **state)
{
    (void)state;
    for (const char *how = "aftem"; *how; how++) {
        int master;
        pid_t pid = forkpty(&master, NULL, NULL, NULL);
        if (!pid) {
            dup2(open("/dev/null", O_WRONLY), 2);
            stdio_child(*how);
        }
        struct termios before, during, after;
        char got[16] = {0};
        size_t len = 0;
        tcgetattr(master, &before);
        assert_true(before.c_lflag & ICANON);
        while (len < 5) {
            ssize_t n = read(master, got + len, 5 - len);
            assert_true(n > 0);
            len += (size_t)n;
        }
        assert_string_equal(got, "ready");
        tcgetattr(master, &during);
        assert_false(during.c_lflag & (ICANON | ECHO));
        assert_true(!(during.c_lflag & ISIG) == (*how == 'm'));
        assert_int_equal(write(master, "q", 1), 1);
        int status;
        /* Keep the terminal's other side open past the child: read what it says. */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        tcgetattr(master, &after);
        assert_int_equal(after.c_lflag, before.c_lflag);
        assert_int_equal(after.c_iflag, before.c_iflag);
        if (*how == 'a' || *how == 't') {
            assert_true(WIFSIGNALED(status));
        } else {
            assert_int_equal(status, 0);
        }
        close(master);
    }
}

/* -- short forms and errors ----------------------------------------------------------------------- */

static void short_forms(void **state)
{
    (void)state;
    char *file = in_dir("a,b"), *sock = in_dir("spec");
    struct {
        char *spec;
        const char *kind, *where;
        bool monitor;
    } cases[] = {
        {g_strdup("null"), "null", "null", false},
        {g_strdup("mon:null"), "null", "null", true},
        {g_strdup("vc"), "vc", "vc", false},
        {g_strdup("vc:80Cx24C"), "vc", "vc", false},
        {g_strdup_printf("file:%s", file), "file", "file", false},
        {g_strdup_printf("unix:%s,server,nowait", sock), "socket", sock, false},
        {g_strdup_printf("mon:unix:%s,server=on,wait=off", sock), "socket", sock, true},
        {g_strdup("tcp:127.0.0.1:0,server=on,wait=off"), "socket", "disconnected:tcp:127.0.0.1:", false},
        {g_strdup("tcp::0,server,nowait,ipv4"), "socket", "disconnected:tcp:0.0.0.0:", false},
        {g_strdup("telnet:localhost:0,server,nowait"), "socket", "disconnected:telnet:", false},
        {g_strdup("udp:127.0.0.1:9@127.0.0.1:0"), "udp", "udp:127.0.0.1:9", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        struct chardev *c;
        bool monitor;
        if (!chardev_from_spec(cases[i].spec, "serial0", &c, &monitor, &e)) {
            fail_msg("%s: %s", cases[i].spec, e.msg);
        }
        assert_string_equal(chardev_kind(c), cases[i].kind);
        assert_non_null(strstr(chardev_where(c), cases[i].where));
        assert_true(monitor == cases[i].monitor && chardev_is_mux(c) == monitor);
        free_chardev(c);
        g_free(cases[i].spec);
    }
    assert_int_equal(access(file, F_OK), 0);

    struct chardev *c, *named = make("null,id=con,mux=on");
    assert_true(chardev_from_spec("none", "x", &c, NULL, NULL));
    assert_null(c);
    assert_true(chardev_from_spec("chardev:con", "x", &c, NULL, NULL));
    assert_ptr_equal(c, named);
    struct err e = {0};
    assert_false(chardev_from_spec("chardev:com", "x", &c, NULL, &e));
    assert_string_equal(e.msg, "there is no character device 'com'");
    free_chardev(named);
    g_free(file);
    g_free(sock);
}

static void errors_are_sentences(void **state)
{
    (void)state;
    struct err e = {0};
    struct chardev *c;
    must_refuse("sockte,id=a,path=/x", "did you mean 'socket'?");
    must_refuse("socket,id=a,path=/x,sever=on", "-chardev socket has no option 'sever': did you mean 'server'?");
    must_refuse("socket,id=a", "needs path=");
    must_refuse("socket,id=a,path=/nonexistent/sock", "cannot connect to '/nonexistent/sock': No such file");
    must_refuse("socket,id=a,path=/x,server=maybe", "server=maybe: expected on or off");
    must_refuse("socket,id=a,path=/x,server=on,reconnect=1", "reconnect=");
    must_refuse("socket,id=a,fd=999", "no socket");
    must_refuse("file,id=a", "needs path=");
    must_refuse("file,id=a,path=/nonexistent/f", "cannot write '/nonexistent/f'");
    must_refuse("pipe,id=a,path=/nonexistent/p", "cannot open the pipe");
    must_refuse("serial,id=a,path=/dev/null", "no serial line");
    must_refuse("stdio", "needs a kind and id=");
    must_refuse("null,id=a,logfile=/nonexistent/l", "cannot write log file");
    assert_false(chardev_from_spec("bogus:1", "x", &c, NULL, &e));
    assert_non_null(strstr(e.msg, "'bogus:1' is no character device"));
    struct chardev *n = make("null,id=twice");
    must_refuse("null,id=twice", "already");
    free_chardev(n);
    assert_null(chardev_next(NULL));
}

static void every_kind_documents_its_keys(void **state)
{
    (void)state;
    unsigned kinds = 0;
    for (const struct chardev_kind *k = chardev_kinds(); k->name; k++, kinds++) {
        assert_true(k->doc && *k->doc);
        for (const struct opt_key *key = k->keys; key->name; key++) {
            assert_true(key->value && key->doc && *key->doc);
        }
    }
    assert_true(kinds >= 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mux_obeys_its_keys),     cmocka_unit_test(escapes_work_while_the_guest_does_not_read),
        cmocka_unit_test(time_stamps_begin_lines),    cmocka_unit_test(front_ends_come_and_go),
        cmocka_unit_test(the_terminal_is_given_back), cmocka_unit_test(short_forms),
        cmocka_unit_test(errors_are_sentences),       cmocka_unit_test(every_kind_documents_its_keys),
    };
    return cmocka_run_group_tests(tests, chardev_dir_make, chardev_dir_remove);
}

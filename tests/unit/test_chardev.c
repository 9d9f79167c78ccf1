/* Character devices: each kind, and peers that are slow, gone or hostile. */
#include "tests/unit/chardev_util.h"

#include "chardev/telnet.h"

/* -- plain kinds ---------------------------------------------------------------------------------- */

static void a_missing_back_end_is_legal(void **state)
{
    (void)state;
    struct guest g = {0};
    out(NULL, "dropped");
    chardev_printf(NULL, "%d", 1);
    assert_true(chardev_attach(NULL, &guest_recv, &g, NULL));
    chardev_accept_input(NULL);
    chardev_detach(NULL, &g);
    chardev_free(NULL);
    assert_false(chardev_is_open(NULL));

    struct chardev *c = make("null,id=n");
    out(c, "dropped too");
    assert_ptr_equal(chardev_find("n"), c);
    assert_string_equal(chardev_kind(c), "null");
    free_chardev(c);
    assert_null(chardev_find("n"));
}

static void a_file_takes_output_and_gives_input(void **state)
{
    (void)state;
    char *path = in_dir("out"), *input = in_dir("in"), *log = in_dir("log"), *text;
    assert_true(g_file_set_contents(input, "typed before", -1, NULL));
    for (unsigned round = 0; round < 2; round++) {
        char *o = g_strdup_printf("file,id=f,path=%s,append=%s,input-path=%s,logfile=%s", path, round ? "on" : "off",
                                  input, log);
        struct chardev *c = make(o);
        struct guest g = {.room = 5};
        attach(c, &g);
        out(c, "hello\n");
        RUN_UNTIL(g.len == 5);
        assert_int_equal(g.opened, 1);
        run_a_little();
        assert_int_equal(g.len, 5);
        g.room = 100;
        RUN_UNTIL(g.len == 12);
        assert_memory_equal(g.text, "typed before", 12);
        free_chardev(c);
        g_free(o);
    }
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "hello\nhello\n");
    g_free(text);
    assert_true(g_file_get_contents(log, &text, NULL, NULL));
    assert_string_equal(text, "hello\n");
    g_free(text);
    g_free(path);
    g_free(input);
    g_free(log);
}

static void pipes_come_in_pairs(void **state)
{
    (void)state;
    char *base = in_dir("fifo"), *in = in_dir("fifo.in"), *o = in_dir("fifo.out");
    assert_int_equal(mkfifo(in, 0600) | mkfifo(o, 0600), 0);
    char *text = g_strdup_printf("pipe,id=p,path=%s", base);
    struct chardev *c = make(text);
    struct guest g = {.room = 100};
    attach(c, &g);
    int w = open(in, O_WRONLY | O_NONBLOCK), r = open(o, O_RDONLY | O_NONBLOCK);
    assert_true(w >= 0 && r >= 0);
    assert_int_equal(write(w, "to guest", 8), 8);
    RUN_UNTIL(g.len == 8);
    out(c, "from guest");
    expect_fd(r, "from guest");
    close(w); /* a writer that leaves may come back */
    run_a_little();
    w = open(in, O_WRONLY | O_NONBLOCK);
    assert_int_equal(write(w, "!", 1), 1);
    RUN_UNTIL(g.len == 9);
    close(w);
    close(r);
    free_chardev(c);
    g_free(text);
    g_free(base);
    g_free(in);
    g_free(o);
}

static void ringbuf_keeps_the_last(void **state)
{
    (void)state;
    char got[32] = {0};
    struct chardev *c = make("ringbuf,id=r,size=8");
    out(c, "abc");
    out(c, "defghijkl");
    assert_int_equal(chardev_ring_read(c, got, 3), 3);
    assert_int_equal(chardev_ring_read(c, got + 3, 20), 5);
    assert_string_equal(got, "efghijkl");
    assert_int_equal(chardev_ring_read(c, got, 20), 0);
    free_chardev(c);
    must_refuse("ringbuf,id=r,size=100", "power of two");
}

static int exit_code = -1;
static void note_exit(int code)
{
    exit_code = code;
}
static void testdev_ends_the_machine(void **state)
{
    (void)state;
    struct chardev *c = make("testdev,id=t");
    chardev_exit_request = note_exit;
    out(c, "1");
    out(c, "2q");
    assert_int_equal(exit_code, 25);
    out(c, "xq");
    assert_int_equal(exit_code, 1);
    chardev_exit_request = NULL;
    free_chardev(c);
}

static void datagrams_are_split_to_the_room(void **state)
{
    (void)state;
    struct sock_addrs a, b;
    struct err e = {0};
    struct sock_addr here = {.len = sizeof(here.space)};
    assert_true(sock_resolve(&a, SOCK_DGRAM, AF_INET, true, "127.0.0.1", "0", &e));
    int fd = sock_listen(&a, &e);
    assert_true(fd >= 0);
    getsockname(fd, &here.sa, &here.len);
    /* A free port for moss's end: bound once, then let go. */
    assert_true(sock_resolve(&b, SOCK_DGRAM, AF_INET, true, "127.0.0.1", "0", &e));
    int probe = sock_listen(&b, &e);
    struct sock_addr there = {.len = sizeof(there.space)};
    getsockname(probe, &there.sa, &there.len);
    close(probe);
    char *text = g_strdup_printf("udp,id=u,host=127.0.0.1,port=%u,localaddr=127.0.0.1,localport=%u", sock_port(&here),
                                 sock_port(&there));
    struct chardev *c = make(text);
    struct guest g = {.room = 3};
    attach(c, &g);
    out(c, "hi");
    expect_fd(fd, "hi");
    assert_int_equal(sendto(fd, "abcdefgh", 8, 0, &there.sa, there.len), 8);
    RUN_UNTIL(g.len == 3);
    g.room = 100;
    machine_lock();
    chardev_accept_input(c);
    machine_unlock();
    assert_int_equal(g.len, 8);
    assert_memory_equal(g.text, "abcdefgh", 8);
    free_chardev(c);
    close(fd);
    g_free(text);
}

/* -- pty ------------------------------------------------------------------------------------------ */

static void a_pty_is_opened_by_name(void **state)
{
    (void)state;
    int saved = dup(1), p[2];
    assert_int_equal(pipe(p), 0);
    fflush(stdout);
    dup2(p[1], 1);
    struct chardev *c = make("pty,id=serial0");
    dup2(saved, 1);
    close(p[1]);
    char line[256] = {0}, want[256];
    assert_true(read(p[0], line, sizeof(line) - 1) > 0);
    const char *name = chardev_where(c) + 4;
    snprintf(want, sizeof(want), "char device redirected to %s (label serial0)\n", name);
    assert_string_equal(line, want);

    struct guest g = {.room = 100};
    attach(c, &g);
    assert_int_equal(g.opened, 0);
    out(c, "lost: nobody is there");
    int fd = open(name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    RUN_UNTIL(g.opened == 1);
    out(c, "one\n");
    expect_fd(fd, "one\n");
    assert_int_equal(write(fd, "two\r", 4), 4);
    RUN_UNTIL(g.len == 4);
    assert_memory_equal(g.text, "two\r", 4);
    close(fd);
    RUN_UNTIL(g.closed == 1);
    fd = open(name, O_RDWR | O_NOCTTY);
    out(c, "again\n"); /* a write notices at once */
    expect_fd(fd, "again\n");
    assert_int_equal(g.opened, 2);
    close(fd);
    free_chardev(c);
    close(p[0]);
    close(saved);
}

/* -- sockets -------------------------------------------------------------------------------------- */

static void input_waits_for_room(void **state)
{
    (void)state;
    int peer;
    struct guest g = {.room = 4};
    struct chardev *c = make_pair("", &peer);
    attach(c, &g);
    assert_int_equal(g.opened, 1);
    assert_int_equal(write(peer, "0123456789", 10), 10);
    RUN_UNTIL(g.len == 4);
    run_a_little();
    assert_int_equal(g.len, 4);
    close(peer); /* hung up with bytes under way: no spinning, nothing lost */
    u64 start = clock_now(CLOCK_HOST);
    loop_turn(50000000);
    assert_true(clock_now(CLOCK_HOST) - start > 40000000);
    assert_int_equal(g.closed, 0);
    g.room = 100;
    RUN_UNTIL(g.closed == 1);
    assert_int_equal(g.len, 10);
    assert_memory_equal(g.text, "0123456789", 10);
    assert_false(chardev_is_open(c));
    out(c, "nobody");
    free_chardev(c);
}

static void a_slow_reader_does_not_stop_the_guest(void **state)
{
    (void)state;
    int peer;
    struct chardev *c = make_pair("", &peer);
    static char block[65536];
    memset(block, 'x', sizeof(block));
    u64 start = clock_now(CLOCK_HOST);
    for (unsigned i = 0; i < 200; i++) { /* 12.5 MiB, nobody reads */
        machine_lock();
        chardev_write(c, block, sizeof(block));
        machine_unlock();
    }
    assert_true(clock_now(CLOCK_HOST) - start < 3000000000ull);
    size_t got = 0;
    fcntl(peer, F_SETFL, O_NONBLOCK);
    for (unsigned idle = 0; idle < 50;) {
        static char sink[65536];
        ssize_t n = read(peer, sink, sizeof(sink));
        idle = n > 0 ? 0 : idle + 1;
        got += n > 0 ? (size_t)n : 0;
        loop_turn(1000000);
    }
    assert_true(got >= 1 << 20 && got < 200 * sizeof(block));
    out(c, "END"); /* the stream lives on */
    expect_fd(peer, "END");
    close(peer);
    free_chardev(c);
}

static void buffered_output_arrives_in_order(void **state)
{
    (void)state;
    int peer;
    struct chardev *c = make_pair("", &peer);
    u32 next = 0, expect = 0;
    machine_lock();
    for (; next < 200000; next++) { /* 800 kB: more than a socket buffer, less than the bound */
        chardev_write(c, &next, sizeof(next));
    }
    machine_unlock();
    fcntl(peer, F_SETFL, O_NONBLOCK);
    u8 part[4];
    size_t have = 0;
    RUN_UNTIL(({
        ssize_t n;
        while ((n = read(peer, part + have, 4 - have)) > 0) {
            have += (size_t)n;
            if (have == 4) {
                u32 v;
                memcpy(&v, part, 4);
                assert_int_equal(v, expect);
                expect++;
                have = 0;
            }
        }
        expect == next;
    }));
    close(peer);
    free_chardev(c);
}

static void a_unix_server_serves_one_after_the_other(void **state)
{
    (void)state;
    char *path = in_dir("sock");
    char *text = g_strdup_printf("socket,id=s,path=%s,server,nowait", path);
    struct chardev *c = make(text);
    struct guest g = {.room = 1000};
    attach(c, &g);
    assert_non_null(strstr(chardev_where(c), "disconnected:unix:"));
    for (unsigned round = 1; round <= 3; round++) {
        int fd = unix_connect(path);
        RUN_UNTIL(g.opened == round);
        assert_int_equal(write(fd, "abc", 3), 3);
        RUN_UNTIL(g.len == 3 * round);
        out(c, "reply");
        expect_fd(fd, "reply");
        if (round == 2) {
            machine_lock();
            chardev_hang_up(c);
            machine_unlock();
            char end;
            assert_int_equal(read(fd, &end, 1), 0);
        }
        close(fd);
        RUN_UNTIL(g.closed == round);
    }
    free_chardev(c);
    assert_int_equal(access(path, F_OK), -1);
    g_free(text);
    g_free(path);
}

static void a_waiting_server_waits(void **state)
{
    (void)state;
    char *path = in_dir("wait");
    pid_t pid = fork();
    if (!pid) {
        struct sock_addrs a;
        sock_unix(&a, path, false, NULL);
        for (unsigned i = 0; i < 500; i++) {
            int fd = sock_connect(&a, NULL);
            if (fd >= 0) {
                _exit(write(fd, "x", 1) == 1 ? 0 : 1);
            }
            usleep(10000);
        }
        _exit(2);
    }
    char *text = g_strdup_printf("socket,id=s,path=%s,server=on", path);
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    struct chardev *c = make(text);
    dup2(saved, 2);
    close(saved);
    close(null);
    assert_true(chardev_is_open(c));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    free_chardev(c);
    g_free(text);
    g_free(path);
}

static void a_client_comes_back(void **state)
{
    (void)state;
    struct err e = {0};
    char *path = in_dir("back");
    char *text = g_strdup_printf("socket,id=s,path=%s,reconnect=1", path);
    struct chardev *c = make(text);
    struct guest g = {.room = 100};
    attach(c, &g);
    run_a_little();
    assert_int_equal(g.opened, 0);
    struct sock_addrs a;
    assert_true(sock_unix(&a, path, false, &e));
    int lfd = sock_listen(&a, &e);
    assert_true(lfd >= 0);
    for (unsigned round = 1; round <= 2; round++) {
        RUN_UNTIL(g.opened == round);
        int fd = sock_accept(lfd);
        assert_true(fd >= 0);
        close(fd);
        RUN_UNTIL(g.closed == round);
    }
    free_chardev(c);
    close(lfd);
    g_free(text);
    g_free(path);
}

static void tcp_takes_a_port_of_a_range(void **state)
{
    (void)state;
    struct err e = {0};
    struct sock_addrs a;
    struct sock_addr taken = {.len = sizeof(taken.space)};
    assert_true(sock_resolve(&a, SOCK_STREAM, AF_INET, true, "127.0.0.1", "0", &e));
    int fd = sock_listen(&a, &e);
    getsockname(fd, &taken.sa, &taken.len);
    unsigned port = sock_port(&taken);
    char *text = g_strdup_printf("socket,id=s,host=127.0.0.1,port=%u,to=%u,server=on,wait=off,nodelay", port,
                                 MIN(port + 50, 65535));
    struct chardev *c = make(text);
    unsigned got = 0;
    assert_int_equal(sscanf(chardev_where(c), "disconnected:tcp:127.0.0.1:%u", &got), 1);
    assert_true(got > port && got <= port + 50);
    struct guest g = {.room = 100};
    attach(c, &g);
    char name[16];
    snprintf(name, sizeof(name), "%u", got);
    assert_true(sock_resolve(&a, SOCK_STREAM, AF_INET, false, "127.0.0.1", name, &e));
    int peer = sock_connect(&a, &e);
    assert_true(peer >= 0);
    RUN_UNTIL(g.opened == 1);
    close(peer);
    close(fd);
    free_chardev(c);
    g_free(text);
}

static void descriptors_are_passed(void **state)
{
    (void)state;
    int peer, p[2];
    struct guest g = {.room = 100};
    struct chardev *c = make_pair("", &peer);
    attach(c, &g);
    assert_int_equal(pipe(p), 0);
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec iov = {.iov_base = (char[]){'x'}, .iov_len = 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&msg);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(h), &p[1], sizeof(int));
    assert_int_equal(sendmsg(peer, &msg, 0), 1);
    RUN_UNTIL(g.len == 1);
    int fd = chardev_take_fd(c);
    assert_true(fd >= 0);
    assert_int_equal(chardev_take_fd(c), -1);
    close(p[1]);
    assert_int_equal(write(fd, "via", 3), 3);
    expect_fd(p[0], "via");
    close(fd);
    close(p[0]);
    close(peer);
    free_chardev(c);
}

static void telnet_filters_commands(void **state)
{
    (void)state;
    int peer;
    struct guest g = {.room = 100};
    struct chardev *c = make_pair(",telnet=on", &peer);
    attach(c, &g);
    u8 hello[sizeof(telnet_hello)];
    assert_int_equal(read(peer, hello, sizeof(hello)), sizeof(hello));
    assert_memory_equal(hello, telnet_hello, sizeof(hello));
    /* a, IAC IAC, sub-negotiation, break, CR NUL, WILL of something unknown (24), cut anywhere */
    static const u8 in[] = {'a', 255, 255, 255, 250,  24, 0,   255, 255, 240,
                            255, 240, 255, 243, '\r', 0,  255, 251, 24,  'z'};
    for (size_t i = 0; i < sizeof(in); i++) {
        assert_int_equal(write(peer, in + i, 1), 1);
        loop_turn(1000000);
    }
    RUN_UNTIL(g.len == 4);
    assert_memory_equal(g.text, "a\xff\rz", 4);
    assert_int_equal(g.broken, 1);
    u8 answer[3];
    assert_int_equal(read(peer, answer, 3), 3);
    assert_memory_equal(answer, "\xff\xfe\x18", 3);
    out(c, "o\xff");
    u8 doubled[3];
    assert_int_equal(read(peer, doubled, 3), 3);
    assert_memory_equal(doubled, "o\xff\xff", 3);
    close(peer);
    free_chardev(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_back_end_is_legal),
        cmocka_unit_test(a_file_takes_output_and_gives_input),
        cmocka_unit_test(pipes_come_in_pairs),
        cmocka_unit_test(ringbuf_keeps_the_last),
        cmocka_unit_test(testdev_ends_the_machine),
        cmocka_unit_test(datagrams_are_split_to_the_room),
        cmocka_unit_test(a_pty_is_opened_by_name),
        cmocka_unit_test(input_waits_for_room),
        cmocka_unit_test(a_slow_reader_does_not_stop_the_guest),
        cmocka_unit_test(buffered_output_arrives_in_order),
        cmocka_unit_test(a_unix_server_serves_one_after_the_other),
        cmocka_unit_test(a_waiting_server_waits),
        cmocka_unit_test(a_client_comes_back),
        cmocka_unit_test(tcp_takes_a_port_of_a_range),
        cmocka_unit_test(descriptors_are_passed),
        cmocka_unit_test(telnet_filters_commands),
    };
    return cmocka_run_group_tests(tests, chardev_dir_make, chardev_dir_remove);
}

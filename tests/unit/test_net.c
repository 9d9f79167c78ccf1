/* Network back ends: frames over sockets, hubs, the queue to the guest, packet dumps, and libslirp as
 * the guest meets it: DHCP, ARP, ICMP, UDP both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/sock.h"
#include "config.h"
#include "net/net.h"

/* A card that keeps what it gets. */
struct card {
    u8 frame[NET_FRAME_MAX]; /* the last one */
    size_t len;
    unsigned frames;
    unsigned room; /* frames it takes */
    bool in_send;
    unsigned link_changes;
};
static bool card_can_receive(void *opaque)
{
    return ((struct card *)opaque)->room > 0;
}
static void card_receive(void *opaque, const u8 *frame, size_t n)
{
    struct card *c = opaque;
    assert_true(machine_locked());
    assert_false(c->in_send);
    assert_true(c->room > 0 && n <= sizeof(c->frame));
    memcpy(c->frame, frame, n);
    c->len = n;
    c->room--;
    c->frames++;
}
static void card_link(void *opaque, bool up)
{
    (void)up;
    ((struct card *)opaque)->link_changes++;
}
static const struct net_receiver card_recv = {card_can_receive, card_receive, card_link};

#define RUN_UNTIL(cond) \
    do { \
        u64 until = clock_now(CLOCK_HOST) + 5000000000ull; \
        while (!(cond) && clock_now(CLOCK_HOST) < until) { \
            loop_turn(20000000); \
        } \
        assert_true(cond); \
    } while (0)

static void run_a_little(void)
{
    for (unsigned i = 0; i < 5; i++) {
        loop_turn(2000000);
    }
}

static struct netdev *make(const char *text)
{
    struct err e = {0};
    machine_lock();
    struct netdev *n = net_from_option(text, &e);
    machine_unlock();
    if (!n) {
        fail_msg("%s: %s", text, e.msg);
    }
    return n;
}

static void attach(struct netdev *n, struct card *c)
{
    machine_lock();
    assert_true(net_attach(n, &card_recv, c, NULL));
    machine_unlock();
}

static void send_frame(struct netdev *n, struct card *c, const void *p, size_t len)
{
    machine_lock();
    c->in_send = true;
    net_send(n, p, len);
    c->in_send = false;
    machine_unlock();
}

static int free_all(void **state)
{
    (void)state;
    machine_lock();
    net_free_all();
    machine_unlock();
    return 0;
}

static void must_refuse(const char *text, const char *why)
{
    struct err e = {0};
    assert_null(net_from_option(text, &e));
    if (!strstr(e.msg, why)) {
        fail_msg("%s: '%s' does not say '%s'", text, e.msg, why);
    }
}

static struct netdev *make_pair(int type, int *peer)
{
    int sv[2];
    assert_int_equal(socketpair(AF_UNIX, type, 0, sv), 0);
    char *text = g_strdup_printf("socket,id=s,fd=%d", sv[0]);
    struct netdev *n = make(text);
    g_free(text);
    *peer = sv[1];
    return n;
}

static void peer_send(int fd, const u8 *frame, u32 len)
{
    u8 head[4];
    st32be(head, len);
    assert_int_equal(send(fd, head, 4, 0), 4);
    assert_int_equal(send(fd, frame, len, 0), len);
}

/* -- streams and datagrams ------------------------------------------------------------------------ */

static void frames_cross_a_stream(void **state)
{
    (void)state;
    int peer;
    struct card c = {.room = 1000};
    struct netdev *n = make_pair(SOCK_STREAM, &peer);
    static u8 big[NET_FRAME_MAX], got[NET_FRAME_MAX + 4];
    attach(n, &c);
    for (unsigned i = 0; i < sizeof(big); i++) {
        big[i] = (u8)(i * 3);
    }
    peer_send(peer, big, 60);
    peer_send(peer, big, 1514);
    RUN_UNTIL(c.frames == 2);
    assert_int_equal(c.len, 1514);
    assert_memory_equal(c.frame, big, 1514);
    for (unsigned i = 0; i < 64; i++) { /* in pieces */
        u8 byte = i < 3 ? 0 : i == 3 ? 60 : big[i - 4];
        assert_int_equal(send(peer, &byte, 1, 0), 1);
        loop_turn(100000);
    }
    RUN_UNTIL(c.frames == 3);
    assert_int_equal(c.len, 60);

    send_frame(n, &c, big, 60);
    assert_int_equal(recv(peer, got, sizeof(got), 0), 64);
    assert_memory_equal(got, "\0\0\0\x3c", 4);
    assert_memory_equal(got + 4, big, 60);
    struct iovec iov[3] = {{big, 20}, {big + 20, 0}, {big + 20, 100}};
    machine_lock();
    net_sendv(n, iov, 3);
    net_sendv(n, iov, 1);
    machine_unlock();
    assert_int_equal(recv(peer, got, sizeof(got), 0), 124 + 24);
    assert_memory_equal(got + 4, big, 120);
    send_frame(n, &c, big, 13); /* no frame */
    send_frame(n, &c, big, sizeof(big));
    assert_int_equal(recv(peer, got, sizeof(got), MSG_WAITALL), sizeof(got));
    assert_memory_equal(got, "\0\1\0\0", 4);
    assert_memory_equal(got + 4, big, sizeof(big));
    close(peer);
    run_a_little();
    send_frame(n, &c, big, 60);
}

static void what_is_no_frame_closes_the_stream(void **state)
{
    (void)state;
    int peer;
    struct card c = {.room = 10};
    struct netdev *n = make_pair(SOCK_STREAM, &peer);
    attach(n, &c);
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    assert_int_equal(send(peer, "\xff\xff\xff\xff garbage", 12, 0), 12);
    run_a_little();
    dup2(saved, 2);
    close(saved);
    close(null);
    char end;
    assert_int_equal(recv(peer, &end, 1, MSG_DONTWAIT), 0);
    assert_int_equal(c.frames, 0);
    close(peer);
}

static void a_slow_peer_loses_whole_frames(void **state)
{
    (void)state;
    int peer;
    struct card c = {.room = 10};
    struct netdev *n = make_pair(SOCK_STREAM, &peer);
    u8 frame[1500];
    attach(n, &c);
    u64 start = clock_now(CLOCK_HOST);
    for (u32 i = 0; i < 5000; i++) { /* 7.5 MB */
        memset(frame, (u8)i, sizeof(frame));
        st32le(frame, i);
        send_frame(n, &c, frame, sizeof(frame));
    }
    assert_true(clock_now(CLOCK_HOST) - start < 2000000000ull);
    u32 frames = 0, last = 0;
    for (unsigned idle = 0; idle < 20;) {
        u8 got[1504];
        if (recv(peer, got, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
            idle++;
            loop_turn(1000000);
            continue;
        }
        idle = 0;
        for (size_t have = 0; have < sizeof(got);) {
            ssize_t k = recv(peer, got + have, sizeof(got) - have, MSG_DONTWAIT);
            have += k > 0 ? (size_t)k : 0;
            loop_turn(0);
        }
        assert_int_equal(ld32be(got), 1500);
        u32 number = ld32le(got + 4);
        assert_true(!frames || number > last);
        for (unsigned i = 8; i < sizeof(got); i++) {
            assert_int_equal(got[i], (u8)number);
        }
        last = number;
        frames++;
    }
    assert_true(frames > 600 && frames < 5000);
    close(peer);
}

static void the_guest_without_buffers_makes_frames_wait(void **state)
{
    (void)state;
    int peer;
    struct card c = {.room = 2};
    struct netdev *n = make_pair(SOCK_STREAM, &peer);
    u8 frame[60] = {0};
    attach(n, &c);
    for (unsigned i = 0; i < 10; i++) {
        frame[20] = (u8)i;
        peer_send(peer, frame, sizeof(frame));
    }
    RUN_UNTIL(c.frames == 2);
    run_a_little();
    assert_int_equal(c.frames, 2);
    c.room = 5;
    machine_lock();
    net_resume(n);
    assert_int_equal(c.frames, 2); /* not from inside */
    machine_unlock();
    RUN_UNTIL(c.frames == 7);
    assert_int_equal(c.frame[20], 6);
    c.room = 100;
    machine_lock();
    net_resume(n);
    machine_unlock();
    RUN_UNTIL(c.frames == 10);
    assert_int_equal(c.frame[20], 9);

    /* A flood while the guest sleeps is bounded, and the peer is stopped rather than read for ever. */
    c.room = 0;
    fcntl(peer, F_SETFL, O_NONBLOCK);
    unsigned sent = 0;
    for (unsigned idle = 0; idle < 20 && sent < 100000;) {
        u8 with_head[64] = {0, 0, 0, 60};
        if (send(peer, with_head, sizeof(with_head), 0) == sizeof(with_head)) {
            sent++;
            idle = 0;
        } else {
            idle++;
            loop_turn(1000000);
        }
    }
    assert_true(sent < 50000);
    machine_lock();
    net_detach(n);
    machine_unlock();
    close(peer);
}

static void a_link_that_is_down_carries_nothing(void **state)
{
    (void)state;
    int peer;
    struct card c = {.room = 10};
    struct netdev *n = make_pair(SOCK_DGRAM, &peer);
    u8 frame[60] = {1};
    attach(n, &c);
    machine_lock();
    assert_true(net_link(n));
    net_set_link(n, false);
    net_set_link(n, false);
    machine_unlock();
    assert_int_equal(c.link_changes, 1);
    assert_int_equal(send(peer, frame, sizeof(frame), 0), sizeof(frame));
    send_frame(n, &c, frame, sizeof(frame));
    run_a_little();
    assert_int_equal(c.frames, 0);
    assert_int_equal(recv(peer, frame, sizeof(frame), MSG_DONTWAIT), -1);
    machine_lock();
    net_set_link(n, true);
    machine_unlock();
    assert_int_equal(send(peer, frame, sizeof(frame), 0), sizeof(frame));
    send_frame(n, &c, frame, 50);
    RUN_UNTIL(c.frames == 1);
    assert_int_equal(recv(peer, frame, sizeof(frame), MSG_DONTWAIT), 50);
    close(peer);

    net_send(NULL, frame, sizeof(frame)); /* no back end at all */
    net_resume(NULL);
    assert_false(net_link(NULL));
}

static void a_server_and_its_clients(void **state)
{
    (void)state;
    char dir[] = "/tmp/moss-net-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *server = g_strdup_printf("stream,id=a,server=on,addr.type=unix,addr.path=%s/s", dir);
    char *client = g_strdup_printf("stream,id=b,server=off,addr.type=unix,addr.path=%s/s,reconnect=1", dir);
    struct card ca = {.room = 100}, cb = {.room = 100};
    struct netdev *b = make(client); /* before there is anyone to connect to */
    struct netdev *a = make(server);
    u8 frame[60] = {1, 2, 3};
    attach(a, &ca);
    attach(b, &cb);
    for (unsigned round = 1; round <= 2; round++) {
        unsigned before = ca.frames;
        RUN_UNTIL(({
            send_frame(b, &cb, frame, sizeof(frame));
            ca.frames > before;
        }));
        before = cb.frames;
        send_frame(a, &ca, frame, sizeof(frame));
        RUN_UNTIL(cb.frames > before);
        assert_memory_equal(cb.frame, frame, sizeof(frame));
        if (round == 1) { /* the server is made anew: the client comes back */
            machine_lock();
            net_free(a);
            machine_unlock();
            a = make(server);
            attach(a, &ca);
        }
    }
    free_all(NULL);
    assert_int_equal(rmdir(dir), 0); /* the socket file is gone */
    g_free(server);
    g_free(client);
}

/* -- hub, dump, options --------------------------------------------------------------------------- */

static void a_hub_forwards_to_all_others(void **state)
{
    (void)state;
    int peer;
    struct card c[2] = {{.room = 10}, {.room = 10}};
    make_pair(SOCK_DGRAM, &peer);
    struct netdev *p0 = make("hubport,id=p0,hubid=7"), *p1 = make("hubport,id=p1,hubid=7");
    make("hubport,id=up,hubid=7,netdev=s");
    make("hubport,id=elsewhere,hubid=8");
    attach(p0, &c[0]);
    attach(p1, &c[1]);
    u8 frame[60] = {9};
    send_frame(p0, &c[0], frame, sizeof(frame));
    RUN_UNTIL(c[1].frames == 1);
    assert_int_equal(recv(peer, frame, sizeof(frame), MSG_DONTWAIT), sizeof(frame));
    assert_int_equal(c[0].frames, 0);
    assert_int_equal(send(peer, frame, sizeof(frame), 0), sizeof(frame));
    RUN_UNTIL(c[0].frames == 1 && c[1].frames == 2);
    must_refuse("hubport,id=x,hubid=7,netdev=s", "in use");
    must_refuse("hubport,id=x,hubid=7,netdev=zz", "no netdev 'zz'");
    close(peer);
}

static void a_dump_is_a_pcap_file(void **state)
{
    (void)state;
    char path[] = "/tmp/moss-pcap-XXXXXX";
    close(mkstemp(path));
    struct err e = {0};
    struct card c = {.room = 10};
    int peer;
    struct netdev *n = make_pair(SOCK_DGRAM, &peer);
    attach(n, &c);
    machine_lock();
    assert_false(net_dump(n, "/nonexistent/pcap", 100, &e));
    assert_true(net_dump(n, path, 100, &e));
    machine_unlock();
    u8 frame[300];
    memset(frame, 0x5a, sizeof(frame));
    send_frame(n, &c, frame, sizeof(frame));
    assert_int_equal(send(peer, frame, 60, 0), 60);
    RUN_UNTIL(c.frames == 1);
    gchar *got;
    gsize len;
    assert_true(g_file_get_contents(path, &got, &len, NULL));
    assert_int_equal(len, 24 + 16 + 100 + 16 + 60);
    assert_int_equal(ld32le(got), 0xa1b2c3d4);
    assert_int_equal(ld32le(got + 16), 100);
    assert_int_equal(ld32le(got + 20), 1);
    assert_int_equal(ld32le(got + 24 + 8), 100);
    assert_int_equal(ld32le(got + 24 + 12), 300);
    assert_int_equal(ld32le(got + 140 + 8), 60);
    assert_true(llabs((long long)ld32le(got + 24) - (long long)time(NULL)) < 100);
    unlink(path);
    g_free(got);
    close(peer);
}

static void errors_are_sentences(void **state)
{
    (void)state;
    must_refuse("sockte,id=n", "did you mean 'socket'?");
    must_refuse("socket", "needs a kind and id=");
    must_refuse("socket,id=n", "needs one of fd=");
    must_refuse("socket,id=n,fd=999", "no socket");
    must_refuse("socket,id=n,connect=127.0.0.1:1", "cannot connect to '127.0.0.1:1'");
    must_refuse("socket,id=n,udp=127.0.0.1:1", "needs localaddr");
    must_refuse("socket,id=n,mcast=10.0.0.1:1234", "no multicast group");
    must_refuse("stream,id=n,addr.type=unix", "needs addr.type=unix with addr.path=");
    must_refuse("stream,id=n,adr.type=unix", "did you mean 'addr.type'?");
    must_refuse("tap,id=n,vhost=on", "vhost=on");
    must_refuse("tap,id=n,fd=999", "no descriptor");
    must_refuse("tap,id=n,ifname=averyveryverylongname,script=no", "longer than");
    make("none,id=n");
    must_refuse("none,id=n", "already");
    assert_non_null(net_find("n"));
    for (const struct net_kind *k = net_kinds(); k->name; k++) {
        assert_true(k->doc && k->keys);
    }
    u8 a[6], b[6];
    net_next_mac(a);
    net_next_mac(b);
    assert_memory_equal(a, "\x52\x54\0\x12\x34\x56", 6);
    assert_int_equal(b[5], a[5] + 1);
}

/* -- user ----------------------------------------------------------------------------------------- */

#ifdef HAVE_SLIRP

static const u8 guest_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
enum { GUEST_IP = 0x0a00020f, HOST_IP = 0x0a000202 };

static u16 checksum(const u8 *p, size_t n, u32 sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i & 1 ? p[i] : (u32)p[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return (u16)~sum;
}

/* Ethernet, IPv4 and what is in it; gives the frame's length. */
static size_t ip_frame(u8 *f, u8 proto, u32 from, u32 to, const u8 *body, size_t len)
{
    memset(f, 0xff, 6);
    memcpy(f + 6, guest_mac, 6);
    st16be(f + 12, 0x0800);
    u8 *ip = f + 14;
    memset(ip, 0, 20);
    ip[0] = 0x45;
    st16be(ip + 2, (u16)(20 + len));
    ip[8] = 64;
    ip[9] = proto;
    st32be(ip + 12, from);
    st32be(ip + 16, to);
    st16be(ip + 10, checksum(ip, 20, 0));
    memcpy(ip + 20, body, len);
    return MAX(34 + len, (size_t)60);
}

static size_t udp_frame(u8 *f, u32 from, u16 sport, u32 to, u16 dport, const void *body, size_t len)
{
    u8 udp[1024] = {0};
    st16be(udp, sport);
    st16be(udp + 2, dport);
    st16be(udp + 4, (u16)(8 + len)); /* checksum 0: none */
    memcpy(udp + 8, body, len);
    return ip_frame(f, 17, from, to, udp, 8 + len);
}

static size_t dhcp_frame(u8 *f, u8 type)
{
    u8 d[300] = {1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef};
    memcpy(d + 28, guest_mac, 6);
    memcpy(d + 236, "\x63\x82\x53\x63", 4);
    memcpy(d + 240, (u8[]){53, 1, type, 50, 4, 10, 0, 2, 15, 255}, 10);
    return udp_frame(f, 0, 68, 0xffffffff, 67, d, sizeof(d));
}

static const u8 *dhcp_option(const u8 *frame, u8 code)
{
    const u8 *p = frame + 14 + 20 + 8 + 240, *end = frame + 14 + 20 + 8 + 500;
    while (p < end && *p != 255) {
        if (*p == code) {
            return p + 2;
        }
        p += *p ? 2 + p[1] : 1;
    }
    return NULL;
}

/* Whether the last frame is UDP to this port. */
static bool is_udp_to(const struct card *c, u16 port)
{
    return c->len >= 42 && ld16be(c->frame + 12) == 0x0800 && c->frame[23] == 17 && ld16be(c->frame + 36) == port;
}

static struct netdev *user_up(const char *text, struct card *c)
{
    struct netdev *n = make(text);
    u8 f[1024];
    clock_start();
    attach(n, c);
    send_frame(n, c, f, dhcp_frame(f, 1));
    assert_int_equal(c->frames, 0); /* never from inside net_send() */
    RUN_UNTIL(is_udp_to(c, 68));
    return n;
}

static void dhcp_gives_an_address(void **state)
{
    (void)state;
    struct card c = {.room = 1000};
    struct netdev *n = user_up("user,id=n,hostname=moss,domainname=example.org", &c);
    const u8 *bootp = c.frame + 42;
    assert_int_equal(ld32be(bootp + 16), GUEST_IP);
    assert_int_equal(ld32be(bootp + 4), 0xdeadbeef);
    assert_int_equal(*dhcp_option(c.frame, 53), 2); /* offer */
    assert_int_equal(ld32be(dhcp_option(c.frame, 3)), HOST_IP);
    assert_int_equal(ld32be(dhcp_option(c.frame, 6)), 0x0a000203);
    assert_memory_equal(dhcp_option(c.frame, 12), "moss", 4);
    assert_string_equal(net_where(n), "net=10.0.2.0,restrict=off");
    u8 f[1024];
    c.frames = 0;
    send_frame(n, &c, f, dhcp_frame(f, 3));
    RUN_UNTIL(c.frames && is_udp_to(&c, 68));
    assert_int_equal(*dhcp_option(c.frame, 53), 5); /* ack */
}

static void another_network_is_possible(void **state)
{
    (void)state;
    struct card c = {.room = 1000};
    user_up("user,id=n,net=192.168.76.0/255.255.255.0,dhcpstart=192.168.76.9,host=192.168.76.1,dns=192.168.76.2,"
            "bootfile=/pxe,ipv6=off,dnssearch=a.org,dnssearch=b.org",
            &c);
    assert_int_equal(ld32be(c.frame + 42 + 16), 0xc0a84c09);
    assert_int_equal(ld32be(dhcp_option(c.frame, 3)), 0xc0a84c01);
    assert_string_equal((char *)c.frame + 42 + 108, "/pxe");
}

static void the_router_answers_arp_and_ping(void **state)
{
    (void)state;
    struct card c = {.room = 1000};
    struct netdev *n = user_up("user,id=n", &c);
    u8 f[1024] = {0};
    memset(f, 0xff, 6);
    memcpy(f + 6, guest_mac, 6);
    memcpy(f + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    memcpy(f + 22, guest_mac, 6);
    st32be(f + 28, GUEST_IP);
    st32be(f + 38, HOST_IP);
    c.frames = 0;
    send_frame(n, &c, f, 60);
    RUN_UNTIL(c.frames && ld16be(c.frame + 12) == 0x0806);
    assert_int_equal(ld16be(c.frame + 20), 2);
    assert_int_equal(ld32be(c.frame + 28), HOST_IP);

    u8 echo[16] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'm', 'o', 's', 's'};
    st16be(echo + 2, checksum(echo, sizeof(echo), 0));
    c.frames = 0;
    send_frame(n, &c, f, ip_frame(f, 1, GUEST_IP, HOST_IP, echo, sizeof(echo)));
    RUN_UNTIL(c.frames && ld16be(c.frame + 12) == 0x0800 && c.frame[23] == 1);
    assert_int_equal(c.frame[34], 0); /* echo reply */
    assert_memory_equal(c.frame + 42, "moss", 4);
}

static int udp_socket(u16 *port)
{
    struct sock_addrs a;
    struct sock_addr at = {.len = sizeof(at.space)};
    assert_true(sock_resolve(&a, SOCK_DGRAM, AF_INET, true, "127.0.0.1", "0", NULL));
    int fd = sock_listen(&a, NULL);
    assert_true(fd >= 0);
    getsockname(fd, &at.sa, &at.len);
    *port = sock_port(&at);
    return fd;
}

static void the_guest_reaches_the_host(void **state)
{
    (void)state;
    struct card c = {.room = 1000};
    struct netdev *n = user_up("user,id=n", &c);
    u16 port;
    int fd = udp_socket(&port);
    u8 f[1024], got[100];
    send_frame(n, &c, f, udp_frame(f, GUEST_IP, 4000, HOST_IP, port, "question", 8));
    struct sock_addr from = {.len = sizeof(from.space)};
    ssize_t len = -1;
    RUN_UNTIL(len > 0 || (len = recvfrom(fd, got, sizeof(got), MSG_DONTWAIT, &from.sa, &from.len)) > 0);
    assert_int_equal(len, 8);
    assert_memory_equal(got, "question", 8);
    assert_int_equal(sendto(fd, "answer", 6, 0, &from.sa, from.len), 6);
    c.len = 0;
    RUN_UNTIL(is_udp_to(&c, 4000));
    assert_int_equal(ld16be(c.frame + 34), port);
    assert_memory_equal(c.frame + 42, "answer", 6);
    char *info = net_connections(n);
    assert_non_null(strstr(info, "4000"));
    g_free(info);
    close(fd);
}

static void the_host_reaches_the_guest(void **state)
{
    (void)state;
    struct card c = {.room = 1000};
    struct err e = {0};
    u16 port;
    close(udp_socket(&port)); /* a free one */
    struct netdev *n = user_up("user,id=n", &c);
    char *rule = g_strdup_printf("udp:127.0.0.1:%u-:7", port), *back = g_strdup_printf("udp:127.0.0.1:%u", port);
    machine_lock();
    assert_true(net_hostfwd_add(n, rule, &e));
    assert_false(net_hostfwd_add(n, rule, &e)); /* taken */
    machine_unlock();
    assert_non_null(strstr(e.msg, "cannot forward"));
    u8 f[1024] = {0};
    /* Tell the router where the guest is: a gratuitous ARP. */
    memset(f, 0xff, 6);
    memcpy(f + 6, guest_mac, 6);
    memcpy(f + 12, "\x08\x06\0\1\x08\0\6\4\0\1", 10);
    memcpy(f + 22, guest_mac, 6);
    st32be(f + 28, GUEST_IP);
    st32be(f + 38, GUEST_IP);
    send_frame(n, &c, f, 60);

    u16 own;
    int fd = udp_socket(&own);
    struct sock_addrs to;
    char name[8];
    snprintf(name, sizeof(name), "%u", port);
    assert_true(sock_resolve(&to, SOCK_DGRAM, AF_INET, false, "127.0.0.1", name, &e));
    assert_int_equal(sendto(fd, "knock", 5, 0, &to.a[0].sa, to.a[0].len), 5);
    RUN_UNTIL(is_udp_to(&c, 7));
    assert_memory_equal(c.frame + 42, "knock", 5);
    u32 from = ld32be(c.frame + 26);
    u16 from_port = ld16be(c.frame + 34);
    send_frame(n, &c, f, udp_frame(f, GUEST_IP, 7, from, from_port, "enter", 5));
    char got[16];
    ssize_t len = -1;
    RUN_UNTIL(len > 0 || (len = recv(fd, got, sizeof(got), MSG_DONTWAIT)) > 0);
    assert_int_equal(len, 5);
    assert_memory_equal(got, "enter", 5);

    e.msg[0] = 0;
    machine_lock();
    assert_true(net_hostfwd_remove(n, back, &e));
    assert_false(net_hostfwd_remove(n, back, &e));
    machine_unlock();
    assert_non_null(strstr(e.msg, "nothing is forwarded"));
    close(fd);
    g_free(rule);
    g_free(back);
}

static void user_options_are_checked(void **state)
{
    (void)state;
    must_refuse("user,id=n,hostfwd=tcp::2222", "expected tcp|udp:[HOST]:PORT-[GUEST]:PORT");
    must_refuse("user,id=n,hostfwd=sctp::1-:2", "forwarding 'sctp::1-:2'");
    must_refuse("user,id=n,hostfwd=tcp::99999-:22", "forwarding");
    must_refuse("user,id=n,hostfwd=tcp:1.2.3.4.5:80-:22", "forwarding");
    must_refuse("user,id=n,net=10.0.2.0/40", "expected a network");
    must_refuse("user,id=n,net=bogus", "expected a network");
    must_refuse("user,id=n,dns=192.168.1.1", "dns=192.168.1.1 is not in the guest's network");
    must_refuse("user,id=n,host=x", "host=x: expected an IPv4 address");
    must_refuse("user,id=n,tftp=/nonexistent", "no directory");
    must_refuse("user,id=n,restrict=maybe", "expected on or off");
    must_refuse("user,id=n,hostfw=tcp::2222-:22", "did you mean 'hostfwd'?");
    must_refuse("user,id=n,guestfwd=tcp:10.0.2.100:80-chardev:x", "-cmd:COMMAND");
    assert_null(net_next(NULL));
    make("user,id=a,guestfwd=tcp:10.0.2.100:80-cmd:cat,restrict=on,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=:127.0.0.1:0-:"
         "23");
    struct err e = {0};
    assert_false(net_hostfwd_add(make("none,id=b"), "tcp::1-:2", &e));
    assert_non_null(strstr(e.msg, "of kind user"));
}

#endif

int main(void)
{
#define NET_TEST(f) cmocka_unit_test_teardown(f, free_all)
    const struct CMUnitTest tests[] = {
        NET_TEST(frames_cross_a_stream),
        NET_TEST(what_is_no_frame_closes_the_stream),
        NET_TEST(a_slow_peer_loses_whole_frames),
        NET_TEST(the_guest_without_buffers_makes_frames_wait),
        NET_TEST(a_link_that_is_down_carries_nothing),
        NET_TEST(a_server_and_its_clients),
        NET_TEST(a_hub_forwards_to_all_others),
        NET_TEST(a_dump_is_a_pcap_file),
        NET_TEST(errors_are_sentences),
#ifdef HAVE_SLIRP
        NET_TEST(dhcp_gives_an_address),
        NET_TEST(another_network_is_possible),
        NET_TEST(the_router_answers_arp_and_ping),
        NET_TEST(the_guest_reaches_the_host),
        NET_TEST(the_host_reaches_the_guest),
        NET_TEST(user_options_are_checked),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

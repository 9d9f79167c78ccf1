/* The tap back end against a real interface; skipped where making one is not allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/sock.h"
#include "net/net.h"

enum { TEST_TYPE = 0x88b5 }; /* an EtherType for experiments: the host says nothing of the kind by itself */

static unsigned frames;
static u8 last[2000];
static size_t last_len;

static void receive(void *opaque, const u8 *frame, size_t n)
{
    (void)opaque;
    if (n >= 14 && n <= sizeof(last) && ld16be(frame + 12) == TEST_TYPE) {
        memcpy(last, frame, n);
        last_len = n;
        frames++;
    }
}
static const struct net_receiver recv_all = {.receive = receive};

/* Brings the interface up and gives a socket that sees its frames; -1: not allowed. */
static int wire_tap(const char *ifname)
{
    struct ifreq ifr = {0};
    int fd = socket(AF_PACKET, SOCK_RAW, htons(TEST_TYPE));
    if (fd < 0) {
        return -1;
    }
    strncpy(ifr.ifr_name, ifname, IFNAMSIZ - 1);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(TEST_TYPE), .sll_ifindex = (int)if_nametoindex(ifname)};
    ifr.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void frames_cross_the_interface(void **state)
{
    (void)state;
    struct err e = {0};
    struct netdev *n = net_from_option("tap,id=t,script=no,downscript=no,vnet_hdr=off", &e);
    if (!n) {
        print_message("no tap interface here: %s\n", e.msg);
        skip();
    }
    int fd = wire_tap(net_where(n) + strlen("ifname="));
    if (fd < 0) {
        net_free(n);
        skip();
    }
    assert_true(net_attach(n, &recv_all, NULL, &e));
    u8 frame[100], got[200];
    memset(frame, 0xff, sizeof(frame));
    st16be(frame + 12, TEST_TYPE);
    frame[20] = 0x42;
    assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
    for (u64 until = clock_now(CLOCK_HOST) + 5000000000ull; !frames && clock_now(CLOCK_HOST) < until;) {
        loop_turn(20000000);
    }
    assert_int_equal(frames, 1);
    assert_int_equal(last_len, sizeof(frame));
    assert_memory_equal(last, frame, sizeof(frame));

    frame[20] = 0x43;
    machine_lock();
    net_send(n, frame, sizeof(frame));
    machine_unlock();
    ssize_t len;
    do { /* our own frame may be seen first */
        len = recv(fd, got, sizeof(got), 0);
    } while (len > 20 && got[20] != 0x43);
    assert_int_equal(len, sizeof(frame));
    assert_memory_equal(got, frame, sizeof(frame));
    close(fd);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames_cross_the_interface)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

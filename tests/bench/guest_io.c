/* Disks and network cards in the benchmark guest. Disks are read and written past the guest's page cache. The far end
 * of network kernels is a server of the bench on the host, behind user networking: a byte says what, four bytes (most
 * significant first) how much, and it sends so much, takes so much and answers with a byte, or sends back each byte. */
#define _GNU_SOURCE
#include "guest.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CHUNK = 128 << 10,     /* bytes of a request of a long run */
    DISK_BYTES = 32 << 20, /* of a repetition */
    DISK_END = 64 << 20,   /* the disks the bench makes have so much */
    SMALL = 4096,
    SMALLS = 512, /* random reads of a repetition */
    NET_BYTES = 8 << 20,
    TRIPS = 200,
    WAITS = 600, /* of 50 ms: for a disk to be found, a link to come up */
};

unsigned io_port;
static int fd = -1;
static char *buffer;

static void io_failed(const char *what)
{
    perror(what);
    exit(1);
}

void io_begin(void)
{
    FILE *list = fopen("/modules/list", "r");
    if (!list) {
        return;
    }
    mkdir("/dev", 0755);
    mount("dev", "/dev", "devtmpfs", 0, NULL); /* a kernel may have done so */
    char path[256];
    while (fscanf(list, "%255s", path) == 1) {
        int module = open(path, O_RDONLY);
        if (module < 0 || syscall(SYS_finit_module, module, "", 0)) {
            perror(path);
        }
        close(module);
    }
    fclose(list);
}

/* -- disks ---------------------------------------------------------------------------------------------------- */

static off_t disk_at;

static bool disk_open(const char *device)
{
    char path[64];
    snprintf(path, sizeof(path), "/dev/%s", device);
    for (int i = 0; i < WAITS && (fd = open(path, O_RDWR | O_DIRECT)) < 0; i++) {
        usleep(50000);
    }
    disk_at = 0;
    return fd >= 0 && (buffer || posix_memalign((void **)&buffer, 4096, CHUNK) == 0);
}

static void io_close(void)
{
    close(fd);
    fd = -1;
}

static void k_disk_read(void)
{
    for (size_t n = 0; n < DISK_BYTES; n += CHUNK) {
        if (pread(fd, buffer, CHUNK, disk_at) != CHUNK) {
            io_failed("read");
        }
        disk_at = (disk_at + CHUNK) % DISK_END;
    }
}

static void k_disk_write(void)
{
    for (size_t n = 0; n < DISK_BYTES; n += CHUNK) {
        if (pwrite(fd, buffer, CHUNK, disk_at) != CHUNK) {
            io_failed("write");
        }
        disk_at = (disk_at + CHUNK) % DISK_END;
    }
}

static void k_disk_random(void)
{
    for (int i = 0; i < SMALLS; i++) {
        if (pread(fd, buffer, SMALL, (off_t)(bench_rng() % (DISK_END / SMALL)) * SMALL) != SMALL) {
            io_failed("read");
        }
    }
}

/* -- network ------------------------------------------------------------------------------------------------------ */

#define OWN_ADDRESS "10.0.2.15"
#define HOST        "10.0.2.2"
#define NETMASK     "255.255.255.0"
static char card[IFNAMSIZ];

static bool card_set(int s, unsigned long what, const char *address)
{
    struct ifreq r = {0};
    struct sockaddr_in a = {.sin_family = AF_INET};
    strcpy(r.ifr_name, card);
    inet_pton(AF_INET, address, &a.sin_addr);
    memcpy(&r.ifr_addr, &a, sizeof(a));
    return !ioctl(s, what, &r);
}

static bool card_turn(int s, short flags)
{
    struct ifreq r = {.ifr_flags = flags};
    strcpy(r.ifr_name, card);
    return !ioctl(s, SIOCSIFFLAGS, &r);
}

static bool net_connect(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)io_port)};
    inet_pton(AF_INET, HOST, &a.sin_addr);
    for (int i = 0; i < WAITS; i++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (!connect(fd, (struct sockaddr *)&a, sizeof(a))) {
            int one = 1;
            return !setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        }
        io_close();
        usleep(50000);
    }
    return false;
}

static bool net_open(const char *device)
{
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(card, sizeof(card), "%s", device);
    bool up = io_port && card_set(s, SIOCSIFADDR, OWN_ADDRESS) && card_set(s, SIOCSIFNETMASK, NETMASK) &&
              card_turn(s, IFF_UP | IFF_RUNNING);
    close(s);
    return up && net_connect() && (buffer || posix_memalign((void **)&buffer, 4096, CHUNK) == 0);
}

static void net_close(void)
{
    io_close();
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    card_turn(s, 0);
    close(s);
}

static void net_ask(char what, uint32_t bytes)
{
    uint8_t ask[5] = {(uint8_t)what, (uint8_t)(bytes >> 24), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8),
                      (uint8_t)bytes};
    if (write(fd, ask, sizeof(ask)) != sizeof(ask)) {
        io_failed("ask");
    }
}

static void k_net_receive(void)
{
    net_ask('r', NET_BYTES);
    for (size_t n = 0; n < NET_BYTES;) {
        ssize_t got = read(fd, buffer, NET_BYTES - n < CHUNK ? NET_BYTES - n : CHUNK);
        if (got <= 0) {
            io_failed("receive");
        }
        n += (size_t)got;
    }
}

static void k_net_send(void)
{
    net_ask('s', NET_BYTES);
    for (size_t n = 0; n < NET_BYTES;) {
        ssize_t sent = write(fd, buffer, NET_BYTES - n < CHUNK ? NET_BYTES - n : CHUNK);
        if (sent <= 0) {
            io_failed("send");
        }
        n += (size_t)sent;
    }
    if (read(fd, buffer, 1) != 1) {
        io_failed("receive");
    }
}

static void k_net_trips(void)
{
    net_ask('t', TRIPS);
    for (int i = 0; i < TRIPS; i++) {
        if (write(fd, buffer, 1) != 1 || read(fd, buffer, 1) != 1) {
            io_failed("round trip");
        }
    }
}

const struct kernel io_kernels[] = {
    {"disk-read", k_disk_read, disk_open, io_close},
    {"disk-write", k_disk_write, disk_open, io_close},
    {"disk-random", k_disk_random, disk_open, io_close},
    {"net-receive", k_net_receive, net_open, net_close},
    {"net-send", k_net_send, net_open, net_close},
    {"net-trips", k_net_trips, net_open, net_close},
    {0},
};

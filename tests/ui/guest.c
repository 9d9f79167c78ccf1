/* The first program of a Linux guest that tells on its serial port what its input devices say: "D 3 NAME" for
 * /dev/input/ event3, "E 3 TYPE CODE VALUE" for what comes from it, "READY" when all devices are there. With a CD drive
 * it locks the tray, and opens it when the kernel says that somebody asked for it ("ASKED", "EJECTED").
 *
 * Built by tests/ui/guest.py, static; modules lie in /modules, in the order of their numbers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/cdrom.h>
#include <linux/input.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEVICES = 16 };
static struct pollfd fds[DEVICES + 1];
static int drive = -1;

static void modules_load(void)
{
    char path[64];
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "/modules/%02d.ko", i);
        int fd = open(path, O_RDONLY);
        if (fd < 0) {
            return;
        }
        if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST) {
            printf("module %d: %s\n", i, strerror(errno));
        }
        close(fd);
    }
}

static void devices_open(void)
{
    for (int i = 0; i < DEVICES; i++) {
        char path[64], name[128] = "";
        snprintf(path, sizeof(path), "/dev/input/event%d", i);
        if (fds[i].fd >= 0 || (fds[i].fd = open(path, O_RDONLY | O_NONBLOCK)) < 0) {
            continue;
        }
        fds[i].events = POLLIN;
        ioctl(fds[i].fd, EVIOCGNAME(sizeof(name)), name);
        printf("D %d %s\n", i, name);
    }
}

static void drive_lock(void)
{
    int poll_ms = open("/sys/block/sr0/events_poll_msecs", O_WRONLY);
    if (poll_ms < 0 || drive >= 0) {
        return;
    }
    struct sockaddr_nl a = {.nl_family = AF_NETLINK, .nl_groups = 1};
    drive = open("/dev/sr0", O_RDONLY | O_NONBLOCK);
    fds[DEVICES].fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
    fds[DEVICES].events = POLLIN;
    if (drive < 0 || bind(fds[DEVICES].fd, (struct sockaddr *)&a, sizeof(a)) || write(poll_ms, "500", 3) != 3 ||
        ioctl(drive, CDROM_LOCKDOOR, 1)) {
        printf("no drive: %s\n", strerror(errno));
    }
    printf("LOCKED\n");
    close(poll_ms);
}

static void drive_event(void)
{
    char text[4096];
    ssize_t n = recv(fds[DEVICES].fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = 0;
    for (char *p = text; p < text + n; p += strlen(p) + 1) {
        if (!strcmp(p, "DISK_EJECT_REQUEST=1")) {
            printf("ASKED\n");
            ioctl(drive, CDROM_LOCKDOOR, 0);
            printf(ioctl(drive, CDROMEJECT, 0) ? "STUCK\n" : "EJECTED\n");
        }
    }
}

static void device_event(int i)
{
    struct input_event e;
    while (read(fds[i].fd, &e, sizeof(e)) == sizeof(e)) {
        if (e.type == EV_KEY || e.type == EV_REL || e.type == EV_ABS) {
            printf("E %d %d %d %d\n", i, e.type, e.code, e.value);
        }
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    reboot(RB_DISABLE_CAD); /* keys are only looked at */
    mount("proc", "/proc", "proc", 0, "");
    mount("sysfs", "/sys", "sysfs", 0, "");
    mount("dev", "/dev", "devtmpfs", 0, "");
    for (int i = 0; i <= DEVICES; i++) {
        fds[i].fd = -1;
    }
    int serial = open("/dev/ttyS0", O_RDWR);
    dup2(serial, 1);
    modules_load();
    for (int i = 0; i < 20; i++) { /* USB takes its time */
        devices_open();
        drive_lock();
        usleep(100000);
    }
    printf("READY\n");
    while (poll(fds, DEVICES + 1, -1) >= 0) {
        for (int i = 0; i < DEVICES; i++) {
            if (fds[i].revents) {
                device_event(i);
            }
        }
        if (fds[DEVICES].revents) {
            drive_event();
        }
    }
    return 0;
}

/* virtio-serial: one console without MULTIPORT, several ports with it, the control queues. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "chardev/chardev.h"
#include "hw/char/virtio_serial.h"
#include "tests/hw/virtio_drv.h"

enum { RX0, TX0, CRX, CTX, RX1, TX1 };
enum { DEVICE_READY, DEVICE_ADD, DEVICE_REMOVE, PORT_READY, CONSOLE_PORT, RESIZE, PORT_OPEN, PORT_NAME };
#define F_MULTIPORT BIT(1)

static int ends[2]; /* of streams c0 and c1 */

static void *backend(enum prop_kind kind, const char *id, struct err *e)
{
    (void)kind;
    struct chardev *c = chardev_find(id);
    if (!c) {
        err_set(e, "no chardev %s", id);
    }
    return c;
}

static struct device *port(struct drv *d, const struct device_class *cls, const char *props, struct err *e)
{
    struct device *p = device_new(&d->b->m, cls, NULL);
    char **kv = g_strsplit(props, ",", -1);
    bool ok = true;
    for (char **k = kv; *k && ok; k++) {
        char *eq = strchr(*k, '=');
        *eq = 0;
        ok = device_set_prop(p, *k, eq + 1, e);
    }
    g_strfreev(kv);
    machine_lock();
    ok = ok && device_plug(p, NULL, e) && device_init(p, e);
    machine_unlock();
    if (!ok) {
        d->b->m.devices = p->next;
    }
    return ok ? p : NULL;
}

static void chardev_make(const char *spec, const char *id)
{
    struct err e = {0};
    struct chardev *c;
    bool monitor;
    if (!chardev_from_spec(spec, id, &c, &monitor, &e)) {
        fail_msg("%s", e.msg);
    }
}

static void stream_new(const char *id)
{
    int fd[2];
    char spec[16];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    snprintf(spec, sizeof(spec), "fd:%d", fd[1]);
    chardev_make(spec, id);
    ends[0] = fd[0];
}

/* One that tells when its other end comes and goes. */
static void socket_new(const char *id)
{
    char spec[140];
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/moss-test-serial-%d", (int)getpid());
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", a.sun_path);
    chardev_make(spec, id);
    ends[1] = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(ends[1], (struct sockaddr *)&a, sizeof(a)), 0);
    bench_turn(2000000);
}

/* A device with a virtconsole on c0 and, at port 1, a virtserialport named "org.test" on c1. */
static struct drv *serial_new(enum drv_bus bus)
{
    struct err e = {0};
    prop_backend = backend;
    stream_new("c0");
    socket_new("c1");
    struct drv *d = drv_new(bus, &virtio_serial_class, &virtio_serial_pci_class, "max_ports=3,packed=on");
    if (!port(d, &virtconsole_class, "chardev=c0", &e) ||
        !port(d, &virtserialport_class, "chardev=c1,name=org.test", &e)) {
        fail_msg("%s", e.msg);
    }
    return d;
}

static void serial_end(struct drv *d)
{
    drv_free(d);
    close(ends[0]);
    close(ends[1]);
}

static u64 buffer(struct drv *d, unsigned q, u32 n)
{
    u64 at = drv_alloc(d, n, 16);
    struct seg s = {at, n, true};
    drv_add(d, q, &s, 1);
    drv_kick(d, q);
    return at;
}

static void output(struct drv *d, unsigned q, const char *text)
{
    u64 at = drv_alloc(d, strlen(text), 16);
    memcpy(drv_host(d, at), text, strlen(text));
    struct seg s = {at, (u32)strlen(text), false};
    assert_int_equal(drv_do(d, q, &s, 1), 0);
}

static void host_reads(int end, const char *text)
{
    char got[64] = {0};
    loop_turn(0);
    assert_int_equal(read(ends[end], got, sizeof(got) - 1), (ssize_t)strlen(text));
    assert_string_equal(got, text);
}

static void host_types(int end, const char *text)
{
    assert_int_equal(write(ends[end], text, strlen(text)), (ssize_t)strlen(text));
    bench_turn(2000000);
}

static void one_console_everywhere(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        struct drv *d = serial_new(bus);
        drv_start(d, BIT(VIRTIO_F_RING_PACKED), 2);
        output(d, TX0, "hello");
        host_reads(0, "hello");
        host_types(0, "too early");
        u16 id;
        u32 len;
        u64 a = buffer(d, RX0, 4), b = buffer(d, RX0, 64);
        bench_turn(2000000);
        assert_true(drv_used(d, RX0, &id, &len));
        assert_int_equal(len, 4);
        assert_memory_equal(drv_host(d, a), "too ", 4);
        assert_true(drv_used(d, RX0, &id, &len));
        assert_memory_equal(drv_host(d, b), "early", 5);
        assert_int_equal(len, 5);
        assert_int_equal(drv_config(d, 4, 4), 3);
        drv_config_set(d, 8, 4, 'X');
        host_reads(0, "X");
        bench_snapshot_roundtrip(d->b);
        output(d, TX0, "again");
        host_reads(0, "again");
        serial_end(d);
    }
}

/* A message to the device. */
static void tell(struct drv *d, u32 id, u16 event, u16 value)
{
    u64 at = drv_alloc(d, 8, 16);
    u8 *m = drv_host(d, at);
    st32le(m, id);
    st16le(m + 4, event);
    st16le(m + 6, value);
    struct seg s = {at, 8, false};
    drv_do(d, CTX, &s, 1);
}

/* The next message from the device is that one; its buffer is given again. */
static void told(struct drv *d, u64 *bufs, u32 id, u16 event, u16 value, const char *text)
{
    u16 got;
    u32 len;
    assert_true(drv_used(d, CRX, &got, &len));
    u8 *m = drv_host(d, bufs[got]);
    assert_int_equal(ld32le(m), id);
    assert_int_equal(ld16le(m + 4), event);
    assert_int_equal(ld16le(m + 6), value);
    assert_int_equal(len, 8 + strlen(text));
    assert_memory_equal(m + 8, text, strlen(text));
    struct seg s = {bufs[got], 64, true};
    assert_int_equal(drv_add(d, CRX, &s, 1), got);
    drv_kick(d, CRX);
}

static void nothing_told(struct drv *d)
{
    u16 got;
    u32 len;
    assert_false(drv_used(d, CRX, &got, &len));
}

static void several_ports(void **st)
{
    (void)st;
    struct drv *d = serial_new(DRV_PCI);
    drv_start(d, F_MULTIPORT, 6);
    u64 bufs[64] = {0};
    tell(d, 0, DEVICE_READY, 1);
    nothing_told(d); /* no buffers: it waits */
    bench_snapshot_roundtrip(d->b);
    for (unsigned i = 0; i < 4; i++) {
        struct seg s = {drv_alloc(d, 64, 16), 64, true};
        bufs[drv_add(d, CRX, &s, 1)] = s.addr;
    }
    drv_kick(d, CRX);
    told(d, bufs, 0, DEVICE_ADD, 1, "");
    told(d, bufs, 1, DEVICE_ADD, 1, "");
    tell(d, 0, PORT_READY, 1);
    told(d, bufs, 0, CONSOLE_PORT, 1, "");
    told(d, bufs, 0, PORT_OPEN, 1, "");
    tell(d, 1, PORT_READY, 1);
    told(d, bufs, 1, PORT_NAME, 1, "org.test");
    told(d, bufs, 1, PORT_OPEN, 1, "");
    nothing_told(d);

    u64 at = buffer(d, RX1, 32);
    host_types(1, "ping"); /* the guest has not opened it */
    u16 id;
    u32 len;
    assert_false(drv_used(d, RX1, &id, &len));
    tell(d, 1, PORT_OPEN, 1);
    bench_turn(2000000);
    assert_true(drv_used(d, RX1, &id, &len));
    assert_memory_equal(drv_host(d, at), "ping", 4);
    output(d, TX1, "pong");
    host_reads(1, "pong");
    bench_snapshot_roundtrip(d->b);
    buffer(d, RX1, 32);
    close(ends[1]); /* the host hangs up */
    bench_turn(2000000);
    told(d, bufs, 1, PORT_OPEN, 0, "");

    u64 errors = guest_error_count();
    tell(d, 2, PORT_READY, 1);
    tell(d, 1u << 31, PORT_OPEN, 1);
    assert_int_equal(guest_error_count(), errors + 2);
    struct err e = {0};
    assert_non_null(port(d, &virtserialport_class, "name=late", &e)); /* added while the driver runs */
    told(d, bufs, 2, DEVICE_ADD, 1, "");
    ends[1] = dup(ends[0]);
    serial_end(d);
}

static void ports_have_their_places(void **st)
{
    (void)st;
    struct drv *d = serial_new(DRV_MMIO);
    struct err e = {0};
    assert_null(port(d, &virtserialport_class, "nr=0", &e));
    assert_non_null(strstr(e.msg, "already exists"));
    e.msg[0] = 0;
    assert_null(port(d, &virtserialport_class, "nr=3", &e));
    assert_non_null(strstr(e.msg, "max. allowed: 2"));
    assert_non_null(port(d, &virtserialport_class, "nr=2", &e));
    e.msg[0] = 0;
    assert_null(port(d, &virtconsole_class, "name=x", &e));
    assert_non_null(strstr(e.msg, "every port"));
    e.msg[0] = 0;
    assert_null(port(d, &virtserialport_class, "chardev=nope", &e));
    serial_end(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_console_everywhere),
        cmocka_unit_test(several_ports),
        cmocka_unit_test(ports_have_their_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

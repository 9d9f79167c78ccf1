#include "tests/hw/bench.h"

#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/opts.h"
#include "chardev/chardev.h"

static void pin_heard(void *to, unsigned n, int level)
{
    struct bench *b = to;
    must(n < BENCH_PINS);
    level = level != 0;
    b->rises[n] += level && !b->level[n];
    b->falls[n] += !level && b->level[n];
    b->level[n] = level;
}

static struct chardev *stream_new(struct bench *b)
{
    static unsigned serial;
    int fd[2];
    struct chardev *c = NULL;
    bool monitor = false;
    struct err e = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
    char *spec = g_strdup_printf("fd:%d", fd[1]), *id = g_strdup_printf("bench%u", serial++);
    if (!chardev_from_spec(spec, id, &c, &monitor, &e)) {
        fail_msg("%s", e.msg);
    }
    g_free(spec);
    g_free(id);
    b->chr_fd = fd[0];
    return c;
}

static void stream_wire(struct bench *b)
{
    for (const struct prop *p = b->d->cls->props; p && p->name; p++) {
        if (p->kind == PROP_CHARDEV) {
            *(struct chardev **)((u8 *)b->d + p->off) = stream_new(b);
            return;
        }
    }
}

static void props_apply(struct bench *b, const char *props)
{
    struct opts o = {0};
    struct err e = {0};
    if (!props) {
        return;
    }
    assert_true(opts_parse(&o, props, NULL, &e));
    for (size_t i = 0; i < o.n; i++) {
        if (!device_set_prop(b->d, o.v[i].key, o.v[i].value, &e)) {
            fail_msg("%s", e.msg);
        }
    }
    opts_free(&o);
}

struct bench *bench_make(const struct device_class *cls, const char *props)
{
    struct bench *b = g_new0(struct bench, 1);
    struct err e = {0};
    b->chr_fd = -1;
    b->m.sysmem = mem_space_new("bench");
    if (!ram_new(&b->m.ram, "bench.ram", 16 << 20, &e)) {
        fail_msg("%s", e.msg);
    }
    b->m.ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = 16 << 20, .host = b->m.ram.host};
    mem_map_region(b->m.sysmem, &b->m.ram_region, BENCH_RAM, 0);
    b->d = device_new(&b->m, cls, NULL);
    stream_wire(b);
    props_apply(b, props);
    return b;
}

/* A device may have made others, such as a controller's part for each CPU. */
static void all_reset(struct bench *b)
{
    for (struct device *d = b->m.devices; d; d = d->next) {
        device_reset(d);
    }
}

void bench_start(struct bench *b)
{
    struct err e = {0};
    unsigned n = b->d->cls->nirqs;
    for (unsigned i = 0; i < n; i++) {
        b->d->irqs[i] = (struct irq){.fn = pin_heard, .to = b, .n = i};
    }
    machine_lock();
    if (!device_init(b->d, &e)) {
        machine_unlock();
        fail_msg("%s", e.msg);
    }
    if (b->d->mmio.size) {
        device_map(b->d, b->m.sysmem, BENCH_BASE, 0);
    }
    all_reset(b);
    machine_unlock();
}

struct bench *bench_new(const struct device_class *cls, const char *props)
{
    struct bench *b = bench_make(cls, props);
    bench_start(b);
    return b;
}

void bench_free(struct bench *b)
{
    machine_lock();
    for (struct device *d = b->m.devices; d; d = d->next) {
        device_fini(d);
    }
    chardev_free_all();
    machine_unlock();
    mem_space_free(b->m.sysmem);
    ram_free(&b->m.ram);
    arena_free(&b->m.arena);
    if (b->chr_fd >= 0) {
        close(b->chr_fd);
    }
    g_free(b);
}

/* -- registers ---------------------------------------------------------------------------------------- */

static u64 reg_off(struct bench *b, const char *name, unsigned *size)
{
    const char *index = strchr(name, '[');
    size_t len = index ? (size_t)(index - name) : strlen(name);
    unsigned i = index ? (unsigned)strtoul(index + 1, NULL, 0) : 0;
    for (const struct reg *r = b->d->cls->regs; r && r->name; r++) {
        if (strlen(r->name) == len && !memcmp(r->name, name, len)) {
            *size = r->size ? r->size : 4;
            if (*size < 4 && r->stride != *size && !(r->off & 3)) {
                *size = 4; /* a byte alone in its word is accessed as the word */
            }
            return r->off + (u64)i * (r->stride ? r->stride : r->size ? r->size : 4);
        }
    }
    fail_msg("%s has no register %s", b->d->cls->name, name);
    return 0;
}

u64 bench_read(struct bench *b, u64 off, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, BENCH_BASE + off, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}

void bench_write(struct bench *b, u64 off, unsigned size, u64 v)
{
    assert_int_equal(mem_store(b->m.sysmem, BENCH_BASE + off, size, v, (struct mem_attrs){0}), MEM_OK);
}

u32 bench_r32(struct bench *b, u64 off)
{
    return (u32)bench_read(b, off, 4);
}

void bench_w32(struct bench *b, u64 off, u32 v)
{
    bench_write(b, off, 4, v);
}

u64 bench_r(struct bench *b, const char *reg)
{
    unsigned size;
    u64 off = reg_off(b, reg, &size);
    return bench_read(b, off, size);
}

void bench_w(struct bench *b, const char *reg, u64 v)
{
    unsigned size;
    u64 off = reg_off(b, reg, &size);
    bench_write(b, off, size, v);
}

/* -- pins and the stream ------------------------------------------------------------------------------ */

int bench_irq(struct bench *b, unsigned n)
{
    must(n < BENCH_PINS);
    return b->level[n];
}

void bench_pin(struct bench *b, unsigned n, int level)
{
    struct irq pin = device_pin(b->d, n);
    machine_lock();
    irq_set(&pin, level);
    machine_unlock();
}

/* What one turn makes ready the next one does; on a busy host the time may be over after the first. */
static void turns_of_what_is_due(void)
{
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}

void bench_turn(u64 ns)
{
    u64 end = clock_now(CLOCK_HOST) + ns;
    do {
        u64 now = clock_now(CLOCK_HOST);
        loop_turn(now < end ? end - now : 0);
    } while (clock_now(CLOCK_HOST) < end);
    turns_of_what_is_due();
}

void bench_input(struct bench *b, const void *p, size_t n)
{
    assert_int_equal(write(b->chr_fd, p, n), (ssize_t)n);
    turns_of_what_is_due();
}

size_t bench_output(struct bench *b, void *p, size_t room)
{
    loop_turn(0);
    ssize_t n = read(b->chr_fd, p, room);
    return n < 0 ? 0 : (size_t)n;
}

/* -- state -------------------------------------------------------------------------------------------- */

static void state_save(struct bench *b, struct buf *out)
{
    out->len = 0;
    for (struct device *d = b->m.devices; d; d = d->next) {
        device_save(d, out);
    }
}

static void state_load(struct bench *b, const struct buf *from)
{
    struct cursor c = {.p = from->data, .end = from->data + from->len};
    struct err e = {0};
    for (struct device *d = b->m.devices; d; d = d->next) {
        if (!device_load(d, &c, &e)) {
            fail_msg("%s", e.msg);
        }
    }
    assert_ptr_equal(c.p, c.end);
}

static void same_state(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

void bench_snapshot_roundtrip(struct bench *b)
{
    struct buf before = {0}, after = {0}, clean = {0};
    int level[BENCH_PINS];
    memcpy(level, b->level, sizeof(level));
    machine_lock();
    state_save(b, &before);
    state_load(b, &before);
    state_save(b, &after);
    same_state(&before, &after);
    assert_memory_equal(level, b->level, sizeof(level));

    all_reset(b);
    state_save(b, &clean);
    all_reset(b);
    state_save(b, &after);
    same_state(&clean, &after);

    state_load(b, &before);
    state_save(b, &after);
    same_state(&before, &after);
    assert_memory_equal(level, b->level, sizeof(level));
    machine_unlock();
    buf_free(&before);
    buf_free(&after);
    buf_free(&clean);
}

/* The machine of a run, and steps done on it. */
#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "hw/intc/apic.h"
#include "hw/intc/gicv3.h"
#include "hw/intc/i8259.h"
#include "net/net.h"
#include "system/registry.h"
#include "system/system.h"
#include "tests/fuzz/fuzz.h"
#include "ui/input.h"
#include "ui/screen.h"

void world_fail(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "fuzz: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

/* -- making ------------------------------------------------------------------------------------------------------ */

static bool reset_wanted;

static void want_reset(void)
{
    reset_wanted = true;
}
static void ignore(void)
{
}
static void ignore_shutdown(enum shutdown_cause c, int code)
{
    (void)c;
    (void)code;
}
static void cpus_reset(struct machine *m)
{
    for (unsigned i = 0; i < m->ncpus; i++) {
        m->cpus[i]->target->reset(m->cpus[i]);
    }
}
static void code_written(u64 off, u64 len)
{
    (void)off;
    (void)len;
}

static void hooks_set(void)
{
    machine_request_shutdown = ignore_shutdown;
    machine_request_reset = want_reset;
    machine_request_panic = ignore;
    machine_request_watchdog = ignore;
    machine_reset_cpus = cpus_reset;
    ram_code_written = code_written;
    block_on_loop = true;
}

/* Streams "c0" to "c3": our ends are w->chr. */
static void chars_make(struct world *w)
{
    for (unsigned i = 0; i < WORLD_CHARS; i++) {
        int fd[2];
        char spec[16], id[16];
        struct chardev *c;
        bool monitor;
        struct err e = {0};
        must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
        snprintf(spec, sizeof(spec), "fd:%d", fd[1]);
        snprintf(id, sizeof(id), "c%u", i);
        if (!chardev_from_spec(spec, id, &c, &monitor, &e)) {
            world_fail("%s", e.msg);
        }
        w->chr[i] = fd[0];
    }
}

static bool words_split(const struct tape *t, char **argv, unsigned room, int *argc)
{
    *argc = 0;
    for (u64 i = 0; i < t->args_len && (unsigned)*argc < room; i += strlen(t->args + i) + 1) {
        argv[(*argc)++] = g_strdup(t->args + i);
    }
    return *argc > 0;
}

/* The screens are watched, so that their devices paint. */
static void ignore_screen(void *opaque, struct screen *s)
{
    (void)opaque;
    (void)s;
}
static void ignore_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque;
    (void)s;
    (void)r;
}
enum { SCREENS = 16 };
static struct screen_watch watches[SCREENS];

static void screens_watch(bool on)
{
    unsigned n = 0;
    for (struct screen *s = screen_next(NULL); s && n < SCREENS; s = screen_next(s)) {
        struct screen_watch *w = &watches[n++];
        if (on) {
            *w = (struct screen_watch){.resized = ignore_screen, .dirty = ignore_dirty, .pointer = ignore_screen};
            screen_watch(s, w);
        } else {
            screen_unwatch(s, w);
        }
    }
}

bool world_make(struct world *w, struct tape *t, u64 seed, struct err *e)
{
    static struct setup s;
    static struct ram below; /* so that what reaches below the first RAM faults */
    char *argv[128];
    int argc;
    bool done = false;
    *w = (struct world){.tape = t};
    registry_wire();
    hooks_set();
    entropy_seed(seed);
    if (!words_split(t, argv, ARRAY_LEN(argv), &argc)) {
        return err_set(e, "no command line");
    }
    must(ram_new(&below, "below", RAM_PAGE_SIZE, NULL));
    chars_make(w);
    if (!options_parse(&s.cfg, argc, argv, e)) {
        return false;
    }
    notices_off = true;
    target_by_program(s.cfg.program);
    if (!setup_machine(&s, &done, e)) {
        return false;
    }
    w->m = s.machine;
    w->peer = net_find("n1");
    screens_watch(true);
    machine_lock();
    machine_reset(w->m);
    machine_unlock();
    return true;
}

void world_end(struct world *w)
{
    machine_lock();
    screens_watch(false);
    block_drain_all();
    machine_free(w->m);
    block_close_all();
    chardev_free_all();
    net_free_all();
    machine_unlock();
}

/* -- steps ------------------------------------------------------------------------------------------------------- */

static struct mem_attrs attrs(const struct step *s)
{
    return (struct mem_attrs){.is_cpu = true, .cpu = s->cpu, .secure = s->secure};
}

/* Every way to the loop: what one turn makes ready the next one does. */
static void turn(void)
{
    for (unsigned i = 0; i < 3; i++) {
        loop_turn(0);
    }
}

static void wait_for(u64 ns)
{
    fake_clock_add(ns);
    clock_set(clock_now(CLOCK_VIRTUAL) + ns);
    turn();
}

static void reset(struct world *w)
{
    machine_lock();
    machine_reset(w->m);
    machine_unlock();
}

static void power(struct world *w)
{
    machine_lock();
    if (w->m->board->power_button) {
        w->m->board->power_button(w->m);
    }
    machine_unlock();
}

/* -- state */

/* Devices that say themselves that a snapshot loses something of theirs. */
static bool is_lossy(const struct device *d)
{
    return !strcmp(d->cls->name, "virtio-gpu-device"); /* its pictures: it asks to be reset */
}

static struct buf *states_save(struct world *w, unsigned *n)
{
    *n = 0;
    for (struct device *d = w->m->devices; d; d = d->next) {
        ++*n;
    }
    struct buf *all = g_new0(struct buf, *n);
    struct buf *b = all;
    for (struct device *d = w->m->devices; d; d = d->next) {
        device_save(d, b++);
    }
    return all;
}

static void states_free(struct buf *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        buf_free(&b[i]);
    }
    g_free(b);
}

static void state_roundtrip(struct world *w)
{
    struct err e = {0};
    unsigned n, i = 0;
    machine_lock();
    block_drain_all();
    struct buf *before = states_save(w, &n);
    for (struct device *d = w->m->devices; d; d = d->next, i++) {
        struct cursor c = {.p = before[i].data, .end = before[i].data + before[i].len};
        if (!device_load(d, &c, &e)) {
            world_fail("a state that was reached is refused: %s", e.msg);
        }
    }
    struct buf *after = states_save(w, &n);
    i = 0;
    for (struct device *d = w->m->devices; d; d = d->next, i++) {
        bool same = before[i].len == after[i].len && !memcmp(before[i].data, after[i].data, after[i].len);
        if (!same && !is_lossy(d)) {
            world_fail("the state of %s (%s) changes when it is saved and loaded", device_name(d), d->cls->name);
        }
    }
    machine_unlock();
    states_free(before, n);
    states_free(after, n);
}

/* -- processors' own doors to interrupt controllers */

static struct device *device_of(struct world *w, const struct device_class *cls, unsigned n)
{
    for (struct device *d = w->m->devices; d; d = d->next) {
        if (d->cls == cls && n-- == 0) {
            return d;
        }
    }
    return NULL;
}

static u64 take_interrupt(struct world *w, const struct step *s)
{
    struct device *apic = device_of(w, &apic_class, s->cpu), *pic = device_of(w, &i8259_class, 0);
    int v = apic ? apic_ack(apic) : APIC_ACK_OUTSIDE;
    if (v == APIC_ACK_OUTSIDE && pic) {
        machine_lock();
        v = i8259_ack(pic);
        machine_unlock();
    }
    return (u64)(i64)v;
}

static const struct gicv3_cpu_ctx *gic_ctx(const struct step *s)
{
    static const struct gicv3_cpu_ctx
        secure = {.el = 3, .secure = true, .has_el2 = true, .has_el3 = true},
        normal = {.el = 2, .has_el2 = true, .has_el3 = true, .el2_enabled = true, .scr_ns = true},
        guest = {
            .el = 1, .has_el2 = true, .has_el3 = true, .el2_enabled = true, .scr_ns = true, .imo = true, .fmo = true};
    return s->secure ? &secure : s->addr >> 63 ? &guest : &normal;
}

static u64 system_register(struct world *w, const struct step *s, bool write)
{
    struct device *gic = device_of(w, &gicv3_class, 0), *apic = device_of(w, &apic_class, s->cpu);
    const struct gicv3_cpu_ctx *ctx = gic_ctx(s);
    u64 v = 0;
    if (gic && gicv3_cpu_has_reg((u32)s->addr) && gicv3_cpu_access(gic, s->cpu, (u32)s->addr, write, ctx) == GICV3_OK) {
        if (write) {
            gicv3_cpu_write(gic, s->cpu, (u32)s->addr, s->val, ctx);
        } else {
            v = gicv3_cpu_read(gic, s->cpu, (u32)s->addr, ctx);
        }
    } else if (apic && write) {
        apic_msr_write(apic, (u32)s->addr, s->val);
    } else if (apic) {
        apic_msr_read(apic, (u32)s->addr, &v);
    }
    return v;
}

/* -- the outer world */

static void look(void)
{
    struct text_screen text;
    machine_lock();
    for (struct screen *s = screen_next(NULL); s; s = screen_next(s)) {
        static volatile u32 sum;
        screen_invalidate(s);
        screen_refresh(s);
        screen_text(s, &text);
        const struct surface *f = screen_surface(s);
        for (size_t i = 0; i < (size_t)f->w * (size_t)f->h; i += 97) {
            sum += f->px[i];
        }
    }
    machine_unlock();
}

static void media(const struct step *s)
{
    static const char *const files[] = {"disk.img", "cd.img", "floppy.img"};
    struct blockdev *b = block_next(NULL);
    for (u64 n = s->addr; b && n; n--) {
        b = block_next(b);
    }
    machine_lock();
    if (b && !s->val && block_present(b)) {
        block_eject(b);
    } else if (b && s->val && !block_present(b)) {
        block_insert(b, files[s->val % 3], "raw", s->val % 3 == 1, NULL);
    }
    machine_unlock();
}

static void person(const struct step *s)
{
    machine_lock();
    switch (s->op) {
    case STEP_KEY:
        input_key((unsigned)s->addr % INPUT_KEYS, s->val & 1);
        break;
    case STEP_BUTTON:
        input_button((enum input_button)(s->addr % BUTTONS), s->val & 1);
        break;
    case STEP_REL:
        input_rel((enum input_axis)(s->addr % 4), (int)s->val);
        break;
    default:
        input_abs((int)(s->addr & 0x7fff), (int)(s->val & 0x7fff), 0x8000, 0x8000);
    }
    input_sync();
    machine_unlock();
}

static void outside(struct world *w, const struct step *s)
{
    switch (s->op) {
    case STEP_NET:
        if (w->peer && s->len) {
            machine_lock();
            net_send(w->peer, s->data, s->len);
            machine_unlock();
        }
        break;
    case STEP_LINK:
        if (net_find("n0")) {
            machine_lock();
            net_set_link(net_find("n0"), s->val & 1);
            machine_unlock();
        }
        break;
    case STEP_CHR:
        if (s->addr < WORLD_CHARS && write(w->chr[s->addr], s->data, s->len) < 0) {
            must(errno == EAGAIN);
        }
        break;
    case STEP_LOOK:
        look();
        break;
    case STEP_MEDIA:
        media(s);
        break;
    default:
        person(s);
    }
}

/* What devices sent is thrown away, so that they never wait for us. */
static void chars_empty(struct world *w)
{
    char p[4096];
    for (unsigned i = 0; i < WORLD_CHARS; i++) {
        while (read(w->chr[i], p, sizeof(p)) > 0) {
        }
    }
}

static u64 access_do(struct world *w, const struct step *s)
{
    u64 v = 0;
    struct mem_space *space = s->op == STEP_IN || s->op == STEP_OUT ? w->m->iospace : w->m->sysmem;
    if (!space) {
        return 0;
    }
    if (s->op == STEP_READ || s->op == STEP_IN) {
        mem_load(space, s->addr, s->size, &v, attrs(s));
    } else {
        mem_store(space, s->addr, s->size, s->val, attrs(s));
    }
    return v;
}

u64 world_do(struct world *w, const struct step *s)
{
    u64 v = 0;
    switch (s->op) {
    case STEP_READ:
    case STEP_WRITE:
    case STEP_IN:
    case STEP_OUT:
        v = access_do(w, s);
        break;
    case STEP_RAM:
        mem_write(w->m->sysmem, s->addr, s->data, s->len, attrs(s));
        break;
    case STEP_WAIT:
        wait_for(s->addr);
        break;
    case STEP_TURN:
        turn();
        chars_empty(w);
        break;
    case STEP_ACK:
        v = take_interrupt(w, s);
        break;
    case STEP_SYSR:
    case STEP_SYSW:
        v = system_register(w, s, s->op == STEP_SYSW);
        break;
    case STEP_POWER:
        power(w);
        break;
    case STEP_RESET:
        reset(w);
        break;
    case STEP_SAVE:
        state_roundtrip(w);
        break;
    default:
        outside(w, s);
    }
    if (reset_wanted) {
        reset_wanted = false;
        reset(w);
    }
    if (w->tape->nsteps % 16 == 0) {
        chars_empty(w);
    }
    w->tape->digest = (w->tape->digest ^ v) * 0x100000001b3ull + s->op;
    return v;
}

u64 world_step(struct world *w, const struct step *s)
{
    if (!tape_add(w->tape, s)) {
        w->ended = true;
        return 0;
    }
    return world_do(w, s);
}

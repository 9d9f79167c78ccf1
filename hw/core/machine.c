/* A machine's life, and the parts table as the board's wiring. */
#include "hw/core/machine.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/opts.h"
#include "hw/core/loader.h"
#include "target/vcpu.h"

static void no_shutdown(enum shutdown_cause c, int code)
{
    (void)c;
    (void)code;
}
static void no_request(void)
{
}
static void no_cpus(struct machine *m)
{
    (void)m;
}
void (*machine_request_shutdown)(enum shutdown_cause c, int code) = no_shutdown;
void (*machine_request_reset)(void) = no_request;
void (*machine_request_panic)(void) = no_request;
void (*machine_request_watchdog)(void) = no_request;
void (*machine_reset_cpus)(struct machine *m) = no_cpus;

/* -- set-up ----------------------------------------------------------------------------------------- */

static bool options_read(struct machine *m, struct err *e)
{
    const struct prop *t = m->board->options;
    if (!props_default(m->board_data, t, &m->arena, e)) {
        return false;
    }
    for (; t && t->name && m->cfg.board_opts; t++) {
        const char *v = opts_str(m->cfg.board_opts, t->name, NULL);
        if (v && !props_set(m->board_data, m->board->options, &m->arena, m->board->name, t->name, v, e)) {
            return false;
        }
    }
    return true;
}

static bool ram_make(struct machine *m, struct err *e)
{
    const char *name = m->board->ram_name ? m->board->ram_name : "ram";
    if (!m->cfg.ram_size) {
        m->cfg.ram_size = m->board->default_ram;
    }
    if (m->cfg.ram_size % RAM_PAGE_SIZE) {
        return err_set(e, "the RAM size must be a multiple of %u bytes", RAM_PAGE_SIZE);
    }
    if (!ram_new(&m->ram, name, m->cfg.ram_size, e)) {
        return false;
    }
    m->ram_region = (struct mem_region){.name = name, .kind = MEM_RAM, .size = m->ram.size, .host = m->ram.host};
    return true;
}

struct machine *machine_new(const struct board *b, const struct machine_config *cfg, struct err *e)
{
    struct machine *m = g_new0(struct machine, 1);
    m->board = b;
    m->cfg = *cfg;
    m->sysmem = mem_space_new("memory");
    m->board_data = arena_alloc(&m->arena, b->board_size);
    if (!m->cfg.cpus) {
        m->cfg.cpus = 1;
    }
    if (m->cfg.cpus > b->max_cpus) {
        err_set(e, "Invalid SMP CPUs %u. The max CPUs supported by machine '%s' is %u", m->cfg.cpus, b->name,
                b->max_cpus);
        machine_free(m);
        return NULL;
    }
    m->cpus = arena_alloc(&m->arena, m->cfg.cpus * sizeof(m->cpus[0]));
    if (!options_read(m, e) || !ram_make(m, e) || !b->build(m, e)) {
        machine_free(m);
        return NULL;
    }
    return m;
}

/* On a cache line of its own: its head is what translated code touches most. */
struct vcpu *machine_cpu_new(struct machine *m, const struct target *t, size_t size)
{
    enum { LINE = 64 };
    must(m->ncpus < m->cfg.cpus);
    struct vcpu *cpu = (struct vcpu *)align_up((u64)arena_alloc(&m->arena, size + LINE), LINE);
    cpu->target = t;
    cpu->index = m->ncpus;
    cpu->space = m->sysmem;
    cpu->board = m;
    snprintf(cpu->name, sizeof(cpu->name), "cpu%u", cpu->index);
    m->cpus[m->ncpus++] = cpu;
    return cpu;
}

bool machine_finish(struct machine *m, struct err *e)
{
    return !m->board->finish || m->board->finish(m, e);
}

void machine_free(struct machine *m)
{
    if (!m) {
        return;
    }
    for (struct device *d = m->devices; d; d = d->next) {
        device_fini(d);
    }
    if (m->board->fini) {
        m->board->fini(m);
    }
    loader_free(m);
    if (m->iospace) {
        mem_space_free(m->iospace);
    }
    mem_space_free(m->sysmem);
    ram_free(&m->ram);
    arena_free(&m->arena);
    g_free(m);
}

/* -- parts ------------------------------------------------------------------------------------------ */

bool machine_has_part(const struct machine *m, const struct part *p)
{
    if (!p->when) {
        return true;
    }
    bool want = *p->when != '!';
    const struct prop *o = props_find(m->board->options, p->when + !want);
    must(o && o->kind == PROP_BOOL);
    return *(const bool *)((const u8 *)m->board_data + o->off) == want;
}

static void *part_backend(struct machine *m, enum part_backend b, enum prop_kind *kind)
{
    if (b >= SERIAL0 && b <= SERIAL3) {
        *kind = PROP_CHARDEV;
        return m->cfg.serial[b - SERIAL0];
    }
    if (b >= PARALLEL0 && b <= PARALLEL2) {
        *kind = PROP_CHARDEV;
        return m->cfg.parallel[b - PARALLEL0];
    }
    *kind = PROP_BLOCK;
    return m->cfg.pflash[b - PFLASH0];
}

/* The board's back end goes to the first property of its kind. */
void machine_give_backend(struct device *d, enum part_backend b)
{
    enum prop_kind kind;
    if (b == NO_BACKEND) {
        return;
    }
    void *back = part_backend(d->machine, b, &kind);
    const struct prop *p = d->cls->props;
    while (p && p->name && p->kind != kind) {
        p++;
    }
    must(p && p->name);
    *(void **)((u8 *)d + p->off) = back;
}

static bool overlap(const struct mem_region *a, const struct mem_region *b)
{
    return a != b && a->space == b->space && a->base < b->base + b->size && b->base < a->base + a->size;
}

/* Another device that one of d's windows lies over; NULL: none. */
static const struct device *overlapped(const struct machine *m, const struct device *d)
{
    for (const struct device *o = m->devices; o; o = o->next) {
        const struct mem_region *mine, *other;
        for (unsigned i = 0; o != d && (mine = device_region(d, i)); i++) {
            for (unsigned j = 0; (other = device_region(o, j)); j++) {
                if (overlap(mine, other)) {
                    return o;
                }
            }
        }
    }
    return NULL;
}

static bool part_place(struct machine *m, const struct part *p, unsigned i, struct irq (*pins)(struct machine *, int),
                       struct err *e)
{
    const char *id = p->count ? arena_printf(&m->arena, "%s.%u", p->id, i) : p->id;
    u64 base = p->base + (u64)i * p->stride;
    struct device *d = device_new(m, p->cls, id);
    if (p->size) {
        d->mmio.size = p->size;
    }
    d->mmio.secure_only = p->secure;
    machine_give_backend(d, p->backend);
    if (!device_init(d, e)) {
        return false;
    }
    if (d->mmio.size) {
        device_map(d, p->io ? m->iospace : m->sysmem, base, 0);
        const struct device *other = overlapped(m, d);
        if (other) {
            return err_set(e, "board '%s' has '%s' and '%s' at the same address", m->board->name, id,
                           device_name(other));
        }
    }
    for (int n = 0; p->irq >= 0 && n < p->cls->nirqs; n++) {
        d->irqs[n] = pins(m, p->irq + (int)i * p->cls->nirqs + n);
    }
    return true;
}

bool machine_place_parts(struct machine *m, struct irq (*pins)(struct machine *m, int n), struct err *e)
{
    for (const struct part *p = m->board->parts; p->cls; p++) {
        if (!machine_has_part(m, p)) {
            continue;
        }
        for (unsigned i = 0; i < MAX(p->count, 1); i++) {
            if (!part_place(m, p, i, pins, e)) {
                return false;
            }
        }
    }
    return true;
}

/* -- running ---------------------------------------------------------------------------------------- */

struct device *machine_find(const struct machine *m, const char *id)
{
    struct device *d = m->devices;
    while (d && (!d->id || strcmp(d->id, id))) {
        d = d->next;
    }
    return d;
}

/* Oldest first: a controller is made before what is wired to it, and forgets its inputs before they are driven anew. */
static void devices_reset(struct device *d)
{
    GPtrArray *v = g_ptr_array_new();
    for (; d; d = d->next) {
        g_ptr_array_add(v, d);
    }
    for (unsigned i = v->len; i-- > 0;) {
        device_reset(v->pdata[i]);
    }
    g_ptr_array_free(v, TRUE);
}

void machine_reset(struct machine *m)
{
    devices_reset(m->devices);
    loader_reset(m);
    if (m->board->reset) {
        m->board->reset(m);
    }
    machine_reset_cpus(m);
}

/* Local APIC (Intel SDM volume 3, chapter 11): what it accepts, what its cpu is told, what it sends, and the bus
 * between them. apic_regs.c has the registers, apic_timer.c the timer.
 *
 * Inputs: LINT0, LINT1, thermal sensor, performance counters. Their levels are "asserted or not": polarity bits are
 * kept and change nothing. Not modelled: arbitration (APR is 0; an interrupt for the lowest priority goes to the first
 * of those that have it), the focus processor, delivery status (always idle), checksum and accept errors, the
 * corrected-machine-check interrupt, messages with more than 8 bits of destination from devices. */
#include "hw/intc/apic_priv.h"

#include <string.h>

#include "base/lock.h"
#include "hw/core/machine.h"

/* -- what its cpu is told ---------------------------------------------------------------------------------------------
 */

/* The processor priority (11.8.3.1). */
unsigned apic_ppr(const struct apic *a)
{
    int serviced = apic_highest(a->isr);
    unsigned isrv = serviced < 0 ? 0 : (unsigned)serviced & 0xf0;
    return (a->tpr & 0xf0) >= isrv ? a->tpr : isrv;
}

static int deliverable(const struct apic *a)
{
    int v = apic_highest(a->irr);
    return v >= 0 && ((unsigned)v & 0xf0) > (apic_ppr(a) & 0xf0) ? v : -1;
}

static bool pin_up(const struct apic *a, unsigned n)
{
    return a->pins >> n & 1;
}
static unsigned mode_of(u32 lvt)
{
    return lvt >> LVT_MODE_SHIFT & 7;
}
/* A LINT pin that leads straight to the cpu's INTR. */
static bool outside(const struct apic *a)
{
    for (unsigned i = 0; i < 2; i++) {
        u32 lvt = a->lvt[LVT_LINT0 + i];
        if (pin_up(a, APIC_IN_LINT0 + i) && !(lvt & LVT_MASKED) && mode_of(lvt) == APIC_EXTINT) {
            return true;
        }
    }
    return a->ext;
}

void apic_update(struct apic *a)
{
    bool up = apic_on(a) ? deliverable(a) >= 0 || outside(a) : pin_up(a, APIC_IN_LINT0);
    if (up != a->intr) {
        a->intr = up;
        device_irq(&a->dev, APIC_OUT_INTR, up);
    }
}

int apic_ack(struct device *d)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    int v = apic_on(a) ? deliverable(a) : -1;
    if (v >= 0) {
        a->irr[v / 32] &= ~(1u << v % 32);
        a->isr[v / 32] |= 1u << v % 32;
    } else if (!apic_on(a) || outside(a)) {
        a->ext = false;
        v = APIC_ACK_OUTSIDE;
    }
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
    return v;
}

static void pulse(struct apic *a, unsigned out)
{
    device_irq(&a->dev, out, 1);
    device_irq(&a->dev, out, 0);
}

/* -- what it accepts --------------------------------------------------------------------------------------------------
 */

void apic_accept(struct apic *a, unsigned vector, bool level)
{
    if (vector < 16) {
        apic_error(a, ESR_RECEIVED_VECTOR);
        return;
    }
    u32 bit = 1u << vector % 32, *tmr = &a->tmr[vector / 32];
    *tmr = level ? *tmr | bit : *tmr & ~bit;
    a->irr[vector / 32] |= bit;
    apic_update(a);
}

/* An error is told once until ESR is written (11.5.3). */
void apic_error(struct apic *a, u32 bit)
{
    if (!(a->errors & bit)) {
        a->errors |= bit;
        apic_lvt_raise(a, LVT_ERROR);
    }
}

void apic_lvt_raise(struct apic *a, unsigned n)
{
    u32 lvt = a->lvt[n];
    if (lvt & LVT_MASKED) {
        return;
    }
    switch (n == LVT_TIMER || n == LVT_ERROR ? APIC_FIXED : mode_of(lvt)) {
    case APIC_FIXED:
        apic_accept(a, lvt & 0xff, (n == LVT_LINT0 || n == LVT_LINT1) && lvt & LVT_LEVEL);
        break;
    case APIC_SMI:
        pulse(a, APIC_OUT_SMI);
        break;
    case APIC_NMI:
        pulse(a, APIC_OUT_NMI);
        break;
    case APIC_INIT:
        pulse(a, APIC_OUT_INIT);
        break;
    default: /* ExtINT is a level; the others are reserved */
        break;
    }
    if (n == LVT_PERF) {
        a->lvt[n] |= LVT_MASKED;
    }
}

/* A level that is up is asked for again when the one before is over. */
static void level_look(struct apic *a, unsigned i)
{
    u32 *lvt = &a->lvt[LVT_LINT0 + i];
    if (pin_up(a, APIC_IN_LINT0 + i) && mode_of(*lvt) == APIC_FIXED && *lvt & LVT_LEVEL &&
        !(*lvt & (LVT_MASKED | LVT_REMOTE_IRR))) {
        *lvt |= LVT_REMOTE_IRR;
        apic_lvt_raise(a, LVT_LINT0 + i);
    }
}
void apic_pins_look(struct apic *a)
{
    for (unsigned i = 0; i < 2; i++) {
        level_look(a, i);
    }
    apic_update(a);
}

static void apic_irq_in(struct device *d, unsigned n, int level)
{
    static const u8 entry[APIC_INS] = {LVT_LINT0, LVT_LINT1, LVT_THERMAL, LVT_PERF};
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    bool rises = level && !pin_up(a, n), lint = n == APIC_IN_LINT0 || n == APIC_IN_LINT1;
    a->pins = (u8)(level ? a->pins | 1u << n : a->pins & ~(1u << n));
    if (apic_on(a)) {
        u32 lvt = a->lvt[entry[n]];
        if (rises && !(lint && mode_of(lvt) == APIC_FIXED && lvt & LVT_LEVEL)) {
            apic_lvt_raise(a, entry[n]);
        }
        apic_pins_look(a);
    } else if (rises && n == APIC_IN_LINT1) {
        pulse(a, APIC_OUT_NMI);
    }
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
}

int apic_end(struct apic *a)
{
    int v = apic_highest(a->isr);
    if (v < 0) {
        return -1;
    }
    a->isr[v / 32] &= ~(1u << v % 32);
    bool level = a->tmr[v / 32] >> v % 32 & 1;
    for (unsigned i = 0; i < 2 && level; i++) {
        u32 *lvt = &a->lvt[LVT_LINT0 + i];
        *lvt &= (*lvt & 0xff) == (u32)v ? ~(u32)LVT_REMOTE_IRR : ~0u;
    }
    apic_pins_look(a);
    return level && !(a->svr & SVR_NO_BROADCAST) ? v : -1;
}

void apic_eoi_tell(struct apic *a, int vector)
{
    if (vector >= 0 && a->bus->eoi) {
        a->bus->eoi(a->bus->eoi_opaque, (unsigned)vector);
    }
}

/* -- messages ---------------------------------------------------------------------------------------------------------
 */

/* Is it meant (11.6.2)? In x2APIC mode the logical id follows from the id, and devices' 8 bits are of cluster 0. */
static bool is_for(const struct apic *a, const struct apic_msg *m)
{
    u32 all = m->wide ? ~0u : 0xff;
    if (m->dest == all) {
        return true;
    }
    if (!m->logical) {
        return m->dest == a->id;
    }
    if (apic_x2(a)) {
        return m->dest >> 16 == a->ldr >> 16 && m->dest & a->ldr & 0xffff;
    }
    u32 mine = a->ldr >> 24, dest = m->dest;
    if (dest > 0xff) {
        return false;
    }
    return a->dfr >> 28 == 0xf ? mine & dest : (dest >> 4 == mine >> 4 || dest >> 4 == 0xf) && mine & dest & 0xf;
}

/* INIT, NMI, SMI and SIPI reach one that software has disabled, the others do not (11.4.7.2). */
static void take(struct apic *a, const struct apic_msg *m)
{
    bool soft = a->svr & SVR_ENABLE;
    switch (m->mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (soft) {
            apic_accept(a, m->vector, m->level);
        }
        break;
    case APIC_SMI:
        pulse(a, APIC_OUT_SMI);
        break;
    case APIC_NMI:
        pulse(a, APIC_OUT_NMI);
        break;
    case APIC_INIT:
        pulse(a, APIC_OUT_INIT);
        break;
    case APIC_SIPI:
        if (a->link.sipi) {
            a->link.sipi(a->link.cpu, m->vector);
        }
        break;
    case APIC_EXTINT:
        a->ext |= soft;
        apic_update(a);
        break;
    default:
        guest_error(device_name(&a->dev), "message of reserved delivery mode %u", m->mode);
        break;
    }
}

static void offer(struct apic *a, const struct apic_msg *m)
{
    pthread_mutex_lock(&a->lock);
    if (apic_on(a) && is_for(a, m)) {
        take(a, m);
    }
    pthread_mutex_unlock(&a->lock);
}

/* The one with the lowest priority among those that are meant. */
static void offer_lowest(struct apic_bus *b, const struct apic_msg *m)
{
    struct apic *best = NULL;
    unsigned least = 256;
    for (unsigned i = 0; i < b->n; i++) {
        struct apic *a = b->all[i];
        pthread_mutex_lock(&a->lock);
        if (apic_on(a) && a->svr & SVR_ENABLE && is_for(a, m) && apic_ppr(a) < least) {
            best = a;
            least = apic_ppr(a);
        }
        pthread_mutex_unlock(&a->lock);
    }
    if (best) {
        offer(best, m);
    }
}

void apic_send(struct apic_bus *b, const struct apic_msg *m)
{
    if (m->mode == APIC_LOWEST) {
        offer_lowest(b, m);
        return;
    }
    struct apic *one = m->logical || m->dest >= 0xff ? NULL : __atomic_load_n(&b->by_id[m->dest], __ATOMIC_ACQUIRE);
    if (one) {
        offer(one, m);
        return;
    }
    for (unsigned i = 0; i < b->n; i++) {
        offer(b->all[i], m);
    }
}

/* By shorthand only fixed interrupts reach oneself, and an INIT without level is a message of old buses: nothing
 * happens. */
void apic_icr_send(struct apic *a, u32 lo, u32 dest, bool wide)
{
    enum { TO_DEST, TO_SELF, TO_ALL, TO_OTHERS };
    unsigned to = lo >> 18 & 3;
    struct apic_msg m = {
        .dest = dest, .vector = (u8)lo, .mode = lo >> 8 & 7, .logical = lo >> 11 & 1 && to == TO_DEST, .wide = wide};
    if (m.mode == APIC_INIT && !(lo >> 14 & 1)) {
        return;
    }
    if (m.mode == APIC_EXTINT || m.mode == 3 || ((to == TO_SELF || to == TO_ALL) && m.mode > APIC_LOWEST)) {
        guest_error(device_name(&a->dev), "ICR %08x: no such interprocessor interrupt", lo);
        return;
    }
    if (m.mode <= APIC_LOWEST && m.vector < 16) {
        pthread_mutex_lock(&a->lock);
        apic_error(a, ESR_SEND_VECTOR);
        pthread_mutex_unlock(&a->lock);
        return;
    }
    if (to == TO_DEST) {
        apic_send(a->bus, &m);
        return;
    }
    m.dest = wide ? ~0u : 0xff;
    for (unsigned i = 0; i < a->bus->n; i++) {
        if (a->bus->all[i] == a ? to != TO_OTHERS : to != TO_SELF) {
            offer(a->bus->all[i], &m);
        }
    }
}

/* -- its state --------------------------------------------------------------------------------------------------------
 */

/* Two with the same id, which the guest may make: the later one is found by it. */
void apic_id_moved(struct apic *a)
{
    for (unsigned i = 0; i < APIC_BUS_SLOTS; i++) {
        if (a->bus->by_id[i] == a && i != a->id) {
            __atomic_store_n(&a->bus->by_id[i], NULL, __ATOMIC_RELEASE);
        }
    }
    if (a->id < APIC_BUS_SLOTS) {
        __atomic_store_n(&a->bus->by_id[a->id], a, __ATOMIC_RELEASE);
    }
}

/* As after power-up or INIT (11.4.7), but for the id and APIC_BASE. */
void apic_state_init(struct apic *a)
{
    a->tpr = a->esr = a->errors = a->icr = a->icr2 = a->initial = a->divide = 0;
    a->ldr = apic_x2(a) ? a->id >> 4 << 16 | 1u << (a->id & 15) : 0;
    a->dfr = ~0u;
    a->svr = 0xff;
    memset(a->isr, 0, sizeof(a->isr));
    memset(a->tmr, 0, sizeof(a->tmr));
    memset(a->irr, 0, sizeof(a->irr));
    for (unsigned i = 0; i < LVTS; i++) {
        a->lvt[i] = LVT_MASKED;
    }
    a->start = a->deadline = 0;
    a->next = ~0ull;
    a->ext = false;
    apic_timer_arm(a);
    apic_update(a);
}

void apic_init_signal(struct device *d)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    apic_state_init(a);
    pthread_mutex_unlock(&a->lock);
}

bool apic_is_enabled(struct device *d)
{
    return apic_on((struct apic *)d);
}

u64 apic_tpr_read(struct device *d)
{
    return ((struct apic *)d)->tpr >> 4;
}
void apic_tpr_write(struct device *d, u64 v)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    a->tpr = (u32)(v & 15) << 4;
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
}

void apic_virtual_wire(struct device *d)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    a->svr = SVR_ENABLE | 0xff;
    a->lvt[LVT_LINT0] = APIC_EXTINT << LVT_MODE_SHIFT;
    a->lvt[LVT_LINT1] = APIC_NMI << LVT_MODE_SHIFT;
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
}

/* -- the device -------------------------------------------------------------------------------------------------------
 */

static void window_place(struct apic *a)
{
    u64 at = a->base & ~0xfffull;
    if (a->window.space) {
        mem_unmap_region(&a->window);
    }
    if (at != APIC_BASE && apic_on(a) && a->dev.machine->sysmem) {
        mem_map_region(a->dev.machine->sysmem, &a->window, at, 10);
    }
}
/* Machine lock taken if it has to be: the map changes. */
void apic_window_follow(struct apic *a)
{
    bool held = machine_locked();
    if (!held) {
        machine_lock();
    }
    window_place(a);
    if (!held) {
        machine_unlock();
    }
}

/* The outputs are what the cpu has after its own reset: INTR is told anew. */
static void apic_reset(struct device *d)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    a->base = APIC_BASE | BASE_ENABLE | (a->bsp ? BASE_BSP : 0);
    a->id = a->initial_id;
    a->pins = 0;
    a->intr = true;
    apic_id_moved(a);
    apic_state_init(a);
    pthread_mutex_unlock(&a->lock);
    window_place(a);
}

static bool apic_loaded(struct device *d, struct err *e)
{
    struct apic *a = (struct apic *)d;
    if (apic_x2(a) && (!apic_on(a) || !a->can_x2apic)) {
        return err_set(e, "APIC_BASE is %llx, which this APIC cannot have", (unsigned long long)a->base);
    }
    a->pins &= (1u << APIC_INS) - 1;
    pthread_mutex_lock(&a->lock);
    a->intr = 2;
    apic_id_moved(a);
    apic_timer_arm(a);
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
    window_place(a);
    return true;
}

static bool apic_init(struct device *d, struct err *e)
{
    struct apic *a = (struct apic *)d;
    if (!a->bus) {
        return err_set(e, "an apic is made by boards only");
    }
    if (a->initial_id > APIC_MAX_ID) {
        return err_set(e, "apic-id is %u; it may be 0 to %u", a->initial_id, APIC_MAX_ID);
    }
    pthread_mutex_init(&a->lock, NULL);
    timer_init(&a->timer, CLOCK_VIRTUAL, apic_timer_fires, a);
    a->window = (struct mem_region){
        .name = "apic-moved", .kind = MEM_MMIO, .size = 0x1000, .ops = &apic_window_ops, .opaque = a};
    return true;
}
static void apic_fini(struct device *d)
{
    timer_cancel(&((struct apic *)d)->timer);
}

void apic_attach(struct device *d, struct apic_bus *b, const struct apic_link *link)
{
    struct apic *a = (struct apic *)d;
    must(link->index == b->n && b->n < APIC_BUS_SLOTS);
    a->bus = b;
    a->link = *link;
    b->all[b->n++] = a;
}

struct apic_bus *apic_bus_new(struct machine *m)
{
    struct apic_bus *b = arena_alloc(&m->arena, sizeof(*b));
    b->region = (struct mem_region){
        .name = "apic", .kind = MEM_MMIO, .size = APIC_REGION_SIZE, .ops = &apic_bus_ops, .opaque = b};
    return b;
}
struct mem_region *apic_bus_region(struct apic_bus *b)
{
    return &b->region;
}
void apic_bus_on_eoi(struct apic_bus *b, void (*eoi)(void *opaque, unsigned vector), void *opaque)
{
    b->eoi = eoi;
    b->eoi_opaque = opaque;
}

#define F(m, ...)  FIELD(struct apic, m, ##__VA_ARGS__)
#define FS(m, ...) FIELDS(struct apic, m, ##__VA_ARGS__)
static const struct field apic_state[] = {
    F(initial_id, .flags = F_CONFIG),
    F(bsp, .flags = F_CONFIG),
    F(base),
    F(id),
    F(tpr),
    F(ldr),
    F(dfr),
    F(svr),
    F(esr),
    F(errors),
    F(icr),
    F(icr2),
    FS(lvt),
    F(initial),
    F(divide),
    FS(isr),
    FS(tmr),
    FS(irr),
    F(start),
    F(next),
    F(deadline),
    F(pins),
    F(ext),
    {0},
};
static const struct prop apic_props[] = {
    PROP("apic-id", PROP_U32, struct apic, initial_id, "0", "its id after reset"),
    PROP("bsp", PROP_BOOL, struct apic, bsp, "off", "of the bootstrap processor"),
    PROP("x2apic", PROP_BOOL, struct apic, can_x2apic, "on", "has x2APIC mode"),
    PROP("tsc-deadline", PROP_BOOL, struct apic, can_deadline, "on", "the timer knows the time-stamp counter"),
    {0},
};
const struct device_class apic_class = {
    .name = "apic",
    .doc = "local APIC of an x86 processor",
    .bus = "sysbus",
    .size = sizeof(struct apic),
    .nirqs = APIC_OUTS,
    .state = apic_state,
    .props = apic_props,
    .init = apic_init,
    .reset = apic_reset,
    .irq_in = apic_irq_in,
    .loaded = apic_loaded,
    .fini = apic_fini,
};

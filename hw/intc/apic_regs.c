/* The local APIC's registers (SDM volume 3, table 11-1 and 11.12): one table, reached by 32-bit accesses to a page of
 * memory in xAPIC mode, and as MSRs from 0x800 on in x2APIC mode. A register that is not there, or not in that mode, is
 * an error in ESR, or #GP(0). */
#include "hw/intc/apic_priv.h"

enum { R = 1, W = 2, XR = 4, XW = 8 };
enum { MEM = R | W, MSR = XR | XW };
struct row {
    const char *name;
    u8 how;    /* R, W: in xAPIC mode; XR, XW: in x2APIC mode */
    u8 n;      /* for the hooks */
    u32 valid; /* bits that x2APIC mode lets be written as ones */
    u32 (*read)(struct apic *a, unsigned n);
    void (*write)(struct apic *a, unsigned n, u32 v);
};
enum {
    RG_EOI = 0x0b,
    RG_DFR = 0x0e,
    RG_ESR = 0x28,
    RG_ICR = 0x30,
    RG_SELF = 0x3f,
    MSR_BASE = 0x1b,
    MSR_DEADLINE = 0x6e0
};

static u32 zero_read(struct apic *a, unsigned n)
{
    (void)a, (void)n;
    return 0;
}
static u32 id_read(struct apic *a, unsigned n)
{
    (void)n;
    return apic_x2(a) ? a->id : a->id << 24;
}
static void id_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->id = v >> 24;
    apic_id_moved(a);
}
/* An integrated APIC with six entries, that can keep ends to itself. */
static u32 version_read(struct apic *a, unsigned n)
{
    (void)a, (void)n;
    return 0x15 | (LVTS - 1) << 16 | 1u << 24;
}
static u32 tpr_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->tpr;
}
static void tpr_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->tpr = v & 0xff;
    apic_update(a);
}
static u32 ppr_read(struct apic *a, unsigned n)
{
    (void)n;
    return apic_ppr(a);
}
static u32 ldr_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->ldr;
}
static void ldr_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->ldr = v & 0xff000000;
}
static u32 dfr_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->dfr;
}
static void dfr_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->dfr = v | 0x0fffffff;
}
static u32 svr_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->svr;
}
static void svr_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->svr = v & 0x13ff;
    if (!(v & SVR_ENABLE)) {
        for (unsigned i = 0; i < LVTS; i++) {
            u32 before = a->lvt[i];
            a->lvt[i] |= LVT_MASKED;
            if (i == LVT_TIMER) {
                apic_timer_lvt(a, before);
            }
        }
    }
    apic_update(a);
}
static u32 isr_read(struct apic *a, unsigned n)
{
    return a->isr[n];
}
static u32 tmr_read(struct apic *a, unsigned n)
{
    return a->tmr[n];
}
static u32 irr_read(struct apic *a, unsigned n)
{
    return a->irr[n];
}
static u32 esr_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->esr;
}
static void esr_write(struct apic *a, unsigned n, u32 v)
{
    (void)n, (void)v;
    a->esr = a->errors;
    a->errors = 0;
}
static u32 icr_read(struct apic *a, unsigned n)
{
    return n ? a->icr2 : a->icr;
}
static void icr2_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    a->icr2 = v & 0xff000000;
}
static u32 lvt_read(struct apic *a, unsigned n)
{
    return a->lvt[n];
}
/* Delivery status and remote IRR are not software's. */
static void lvt_write(struct apic *a, unsigned n, u32 v)
{
    static const u32 mask[LVTS] = {0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff};
    u32 before = a->lvt[n];
    v &= mask[n] & ~(n == LVT_TIMER && !a->can_deadline ? (u32)LVT_DEADLINE : 0);
    a->lvt[n] = v | (v & LVT_LEVEL ? before & LVT_REMOTE_IRR : 0) | (a->svr & SVR_ENABLE ? 0 : LVT_MASKED);
    if (n == LVT_TIMER) {
        apic_timer_lvt(a, before);
    } else {
        apic_pins_look(a);
    }
}
static u32 initial_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->initial;
}
static void initial_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    apic_timer_load(a, v);
}
static u32 count_read(struct apic *a, unsigned n)
{
    (void)n;
    return apic_timer_count(a);
}
static u32 divide_read(struct apic *a, unsigned n)
{
    (void)n;
    return a->divide;
}
static void divide_write(struct apic *a, unsigned n, u32 v)
{
    (void)n;
    apic_timer_divide(a, v);
}

#define WORDS(first, nm, fn) \
    [first] = {nm "[0]", R | XR, 0, 0, fn}, [(first) + 1] = {nm "[1]", R | XR, 1, 0, fn}, \
    [(first) + 2] = {nm "[2]", R | XR, 2, 0, fn}, [(first) + 3] = {nm "[3]", R | XR, 3, 0, fn}, \
    [(first) + 4] = {nm "[4]", R | XR, 4, 0, fn}, [(first) + 5] = {nm "[5]", R | XR, 5, 0, fn}, \
    [(first) + 6] = {nm "[6]", R | XR, 6, 0, fn}, [(first) + 7] = {nm "[7]", R | XR, 7, 0, fn}

/* By offset / 16, which is also the MSR's number less 0x800. EOI, ICR and the self IPI do more than a hook may under
 * the lock: apic_write. */
static const struct row rows[0x40] = {
    [0x02] = {"ID", MEM | XR, 0, 0, id_read, id_write},
    [0x03] = {"version", R | XR, 0, 0, version_read},
    [0x08] = {"TPR", MEM | MSR, 0, 0xff, tpr_read, tpr_write},
    [0x09] = {"APR", R, 0, 0, zero_read},
    [0x0a] = {"PPR", R | XR, 0, 0, ppr_read},
    [RG_EOI] = {"EOI", W | XW},
    [0x0c] = {"RRD", R, 0, 0, zero_read},
    [0x0d] = {"LDR", MEM | XR, 0, 0, ldr_read, ldr_write},
    [RG_DFR] = {"DFR", MEM, 0, 0, dfr_read, dfr_write},
    [0x0f] = {"SVR", MEM | MSR, 0, 0x13ff, svr_read, svr_write},
    WORDS(0x10, "ISR", isr_read),
    WORDS(0x18, "TMR", tmr_read),
    WORDS(0x20, "IRR", irr_read),
    [RG_ESR] = {"ESR", MEM | MSR, 0, 0, esr_read, esr_write},
    [RG_ICR] = {"ICR", MEM | MSR, 0, 0xccfff, icr_read},
    [0x31] = {"ICR2", MEM, 1, 0, icr_read, icr2_write},
    [0x32] = {"LVT_TIMER", MEM | MSR, LVT_TIMER, 0x710ff, lvt_read, lvt_write},
    [0x33] = {"LVT_THERMAL", MEM | MSR, LVT_THERMAL, 0x117ff, lvt_read, lvt_write},
    [0x34] = {"LVT_PERF", MEM | MSR, LVT_PERF, 0x117ff, lvt_read, lvt_write},
    [0x35] = {"LVT_LINT0", MEM | MSR, LVT_LINT0, 0x1f7ff, lvt_read, lvt_write},
    [0x36] = {"LVT_LINT1", MEM | MSR, LVT_LINT1, 0x1f7ff, lvt_read, lvt_write},
    [0x37] = {"LVT_ERROR", MEM | MSR, LVT_ERROR, 0x110ff, lvt_read, lvt_write},
    [0x38] = {"initial count", MEM | MSR, 0, ~0u, initial_read, initial_write},
    [0x39] = {"current count", R | XR, 0, 0, count_read},
    [0x3e] = {"DCR", MEM | MSR, 0, 0xb, divide_read, divide_write},
    [RG_SELF] = {"self IPI", XW, 0, 0xff},
};

static void eoi(struct apic *a)
{
    pthread_mutex_lock(&a->lock);
    int told = apic_end(a);
    pthread_mutex_unlock(&a->lock);
    apic_eoi_tell(a, told);
}
static void icr_write(struct apic *a, u32 v)
{
    pthread_mutex_lock(&a->lock);
    a->icr = v & 0xccfff;
    u32 dest = a->icr2;
    bool wide = apic_x2(a);
    pthread_mutex_unlock(&a->lock);
    apic_icr_send(a, v, wide ? dest : dest >> 24, wide);
}

static void apic_write(struct apic *a, unsigned i, u32 v)
{
    if (i == RG_EOI) {
        eoi(a);
    } else if (i == RG_ICR) {
        icr_write(a, v);
    } else if (i == RG_SELF) {
        apic_icr_send(a, 1u << 18 | (v & 0xff), 0, true);
    } else {
        pthread_mutex_lock(&a->lock);
        rows[i].write(a, rows[i].n, v);
        pthread_mutex_unlock(&a->lock);
    }
}

/* -- memory -----------------------------------------------------------------------------------------------------------
 */

static void missing(struct apic *a, const char *what, u64 off)
{
    guest_error(device_name(&a->dev), "%s of register %llx", what, (unsigned long long)off);
    pthread_mutex_lock(&a->lock);
    apic_error(a, ESR_REGISTER);
    pthread_mutex_unlock(&a->lock);
}

/* Bytes 4 to 15 of a register are nothing. */
enum mem_result apic_mmio_read(struct apic *a, u64 off, u64 *v)
{
    *v = 0;
    if (off >= 0x400 || !(rows[off >> 4].how & R)) {
        missing(a, "read", off);
    } else if (!(off & 15)) {
        pthread_mutex_lock(&a->lock);
        *v = rows[off >> 4].read(a, rows[off >> 4].n);
        pthread_mutex_unlock(&a->lock);
    }
    return MEM_OK;
}
enum mem_result apic_mmio_write(struct apic *a, u64 off, u64 v)
{
    if (off >= 0x400 || !(rows[off >> 4].how & W)) {
        missing(a, "write", off);
    } else if (!(off & 15)) {
        apic_write(a, (unsigned)(off >> 4), (u32)v);
    }
    return MEM_OK;
}

static bool answers(const struct apic *a, u64 at)
{
    return apic_on(a) && !apic_x2(a) && (a->base & ~0xfffull) == at;
}
/* The APIC whose page this is, as its cpu sees it. */
static struct apic *own(const struct apic_bus *b, u64 off, struct mem_attrs at)
{
    struct apic *a = at.is_cpu && at.cpu < b->n ? b->all[at.cpu] : NULL;
    return a && off < 0x1000 && answers(a, APIC_BASE) ? a : NULL;
}

/* An MSI (11.11): destination and its mode in the address, the rest in the data. */
static void msi(struct apic_bus *b, u64 off, u64 v)
{
    const struct apic_msg m = {.dest = (u32)(off >> 12 & 0xff),
                               .vector = (u8)v,
                               .mode = v >> 8 & 7,
                               .logical = off >> 2 & 1,
                               .level = v >> 15 & 1};
    apic_send(b, &m);
}

static enum mem_result bus_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs at)
{
    struct apic *a = own(opaque, off, at);
    if (!a) {
        *val = MASK(8 * size);
        return MEM_OK;
    }
    return apic_mmio_read(a, off, val);
}
static enum mem_result bus_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs at)
{
    struct apic *a = own(opaque, off, at);
    (void)size;
    if (a) {
        return apic_mmio_write(a, off, val);
    }
    if (at.is_cpu) {
        guest_error("apic", "cpu %u writes %llx, where it has no APIC", at.cpu, (unsigned long long)(APIC_BASE + off));
    } else {
        msi(opaque, off, val);
    }
    return MEM_OK;
}
const struct mem_ops apic_bus_ops = {
    .read = bus_read, .write = bus_write, .min_size = 4, .max_size = 4, .unlocked = true};

/* What lay there before is hidden from the other cpus too. */
static enum mem_result window_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs at)
{
    struct apic *a = opaque;
    if (at.is_cpu && at.cpu == a->link.index && answers(a, a->window.base)) {
        return apic_mmio_read(a, off, val);
    }
    unimp("apic", "an access of others to where cpu %u has moved its APIC", a->link.index);
    *val = MASK(8 * size);
    return MEM_OK;
}
static enum mem_result window_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs at)
{
    struct apic *a = opaque;
    (void)size;
    if (at.is_cpu && at.cpu == a->link.index && answers(a, a->window.base)) {
        return apic_mmio_write(a, off, val);
    }
    unimp("apic", "an access of others to where cpu %u has moved its APIC", a->link.index);
    return MEM_OK;
}
const struct mem_ops apic_window_ops = {
    .read = window_read, .write = window_write, .min_size = 4, .max_size = 4, .unlocked = true};

/* -- MSRs --------------------------------------------------------------------------------------------------------- */

/* Transitions (11.12.5): into x2APIC mode from xAPIC mode, out of it by way of "disabled". Disabling forgets all. */
static bool base_write(struct apic *a, u64 v)
{
    u64 was = a->base, mode = v & (BASE_ENABLE | BASE_X2APIC), changed = was ^ v;
    bool legal = mode != BASE_X2APIC && !((was & BASE_X2APIC) && mode == BASE_ENABLE) &&
                 !(!apic_on(a) && mode == (BASE_ENABLE | BASE_X2APIC));
    if (!legal || v & (a->can_x2apic ? 0x2ff : 0x6ff) || v >> 52) {
        return false;
    }
    pthread_mutex_lock(&a->lock);
    a->base = (v & ~(u64)BASE_BSP) | (was & BASE_BSP);
    if (changed & BASE_ENABLE) {
        a->id = a->initial_id;
        apic_state_init(a);
    } else if (changed & BASE_X2APIC) {
        a->id = a->initial_id;
        a->ldr = a->id >> 4 << 16 | 1u << (a->id & 15);
        a->icr2 = 0;
    }
    apic_id_moved(a);
    apic_update(a);
    pthread_mutex_unlock(&a->lock);
    if (changed & ~(u64)(BASE_X2APIC | BASE_BSP) || a->window.space) {
        apic_window_follow(a);
    }
    return true;
}

static bool x2_read(struct apic *a, unsigned i, u64 *v)
{
    if (i >= ARRAY_LEN(rows) || !(rows[i].how & XR)) {
        return false;
    }
    pthread_mutex_lock(&a->lock);
    *v = rows[i].read(a, rows[i].n) | (i == RG_ICR ? (u64)a->icr2 << 32 : 0);
    pthread_mutex_unlock(&a->lock);
    return true;
}
static bool x2_write(struct apic *a, unsigned i, u64 v)
{
    if (i >= ARRAY_LEN(rows) || !(rows[i].how & XW) || (u32)v & ~rows[i].valid || (v >> 32 && i != RG_ICR)) {
        return false;
    }
    if (i == RG_ICR) {
        a->icr2 = (u32)(v >> 32);
    }
    apic_write(a, i, (u32)v);
    return true;
}

bool apic_msr_read(struct device *d, u32 number, u64 *v)
{
    struct apic *a = (struct apic *)d;
    if (number == MSR_BASE) {
        *v = a->base;
        return true;
    }
    if (number == MSR_DEADLINE) {
        pthread_mutex_lock(&a->lock);
        *v = apic_deadline_read(a);
        pthread_mutex_unlock(&a->lock);
        return a->can_deadline;
    }
    return apic_x2(a) && x2_read(a, number - 0x800, v);
}
bool apic_msr_write(struct device *d, u32 number, u64 v)
{
    struct apic *a = (struct apic *)d;
    if (number == MSR_BASE) {
        return base_write(a, v);
    }
    if (number == MSR_DEADLINE) {
        pthread_mutex_lock(&a->lock);
        apic_deadline_write(a, v);
        pthread_mutex_unlock(&a->lock);
        return a->can_deadline;
    }
    return apic_x2(a) && x2_write(a, number - 0x800, v);
}

/* The local APIC's state. Who needs it: apic.c, apic_regs.c, apic_timer.c. Everything is under apic.lock. */
#ifndef MOSS_HW_INTC_APIC_PRIV_H
#define MOSS_HW_INTC_APIC_PRIV_H

#include <pthread.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/intc/apic.h"

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS };
enum {
    LVT_MODE_SHIFT = 8,
    LVT_REMOTE_IRR = 1 << 14,
    LVT_LEVEL = 1 << 15,
    LVT_MASKED = 1 << 16,
    LVT_PERIODIC = 1 << 17,
    LVT_DEADLINE = 1 << 18,
    SVR_ENABLE = 1 << 8,
    SVR_NO_BROADCAST = 1 << 12,
    ESR_SEND_VECTOR = 1 << 5,
    ESR_RECEIVED_VECTOR = 1 << 6,
    ESR_REGISTER = 1 << 7,
    BASE_BSP = 1 << 8,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
};

struct apic {
    struct device dev;
    struct apic_bus *bus;
    struct apic_link link;
    pthread_mutex_t lock;
    struct timer timer;
    struct mem_region window; /* of an APIC that was moved: seen by everybody, answers its own cpu */
    u32 initial_id;
    bool bsp, can_x2apic, can_deadline;

    u64 base; /* APIC_BASE */
    u32 id;   /* 8 bits, or 32 in x2APIC mode */
    u32 tpr, ldr, dfr, svr, esr, errors, icr, icr2, lvt[LVTS], initial, divide;
    u32 isr[8], tmr[8], irr[8];
    u64 start;    /* CLOCK_VIRTUAL when the count was `initial` */
    u64 next;     /* when the timer goes off, ~0: never */
    u64 deadline; /* TSC; 0: none */
    u8 pins;      /* levels of the inputs */
    bool ext;     /* a message asked for the 8259's vector */
    u8 intr;      /* derived: the level of INTR */
};

static inline bool apic_on(const struct apic *a)
{
    return a->base & BASE_ENABLE;
}
static inline bool apic_x2(const struct apic *a)
{
    return a->base & BASE_X2APIC;
}
/* The highest of 256 bits; -1: none. */
static inline int apic_highest(const u32 *w)
{
    for (int i = 7; i >= 0; i--) {
        if (w[i]) {
            return 32 * i + 31 - (int)clz32(w[i]);
        }
    }
    return -1;
}

/* apic.c: the lock is held */
unsigned apic_ppr(const struct apic *a);
void apic_update(struct apic *a);
void apic_accept(struct apic *a, unsigned vector, bool level);
void apic_error(struct apic *a, u32 bit);
void apic_lvt_raise(struct apic *a, unsigned n); /* what a local source does when it asks */
void apic_pins_look(struct apic *a);             /* levels of LINT0 and LINT1 that an entry has begun to listen to */
void apic_state_init(struct apic *a);
/* The end of the highest interrupt in service: its vector if others are to hear of it, else -1. */
int apic_end(struct apic *a);
/* Not held. */
void apic_eoi_tell(struct apic *a, int vector);
void apic_icr_send(struct apic *a, u32 lo, u32 dest, bool wide);
void apic_id_moved(struct apic *a);      /* id or mode changed; held */
void apic_window_follow(struct apic *a); /* APIC_BASE changed */

/* apic_timer.c: the lock is held */
void apic_timer_fires(void *opaque); /* not held */
u32 apic_timer_count(struct apic *a);
void apic_timer_load(struct apic *a, u32 v);
void apic_timer_divide(struct apic *a, u32 v);
void apic_timer_lvt(struct apic *a, u32 before); /* LVT_TIMER was written */
void apic_timer_arm(struct apic *a);
u64 apic_deadline_read(struct apic *a);
void apic_deadline_write(struct apic *a, u64 v);

/* apic_regs.c */
extern const struct mem_ops apic_bus_ops, apic_window_ops;
enum mem_result apic_mmio_read(struct apic *a, u64 off, u64 *v);
enum mem_result apic_mmio_write(struct apic *a, u64 off, u64 v);

enum { APIC_BUS_SLOTS = 256 };
struct apic_bus {
    struct mem_region region;
    struct apic *all[APIC_BUS_SLOTS];   /* by link.index */
    struct apic *by_id[APIC_BUS_SLOTS]; /* by id, as far as it has 8 bits */
    unsigned n;
    void (*eoi)(void *opaque, unsigned vector);
    void *eoi_opaque;
};

#endif

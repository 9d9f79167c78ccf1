/* Local APIC of x86 processors, one device a cpu, and what joins them: the messages of interprocessor interrupts,
 * IO-APICs and MSIs (Intel SDM volume 3, chapter 11).
 *
 * Properties: apic-id, bsp, x2apic, tsc-deadline. Order for a board: apic_bus_new, then for each cpu device_new,
 * properties, apic_attach, device_init, fill device.irqs; map apic_bus_region at APIC_BASE. A store there that is no
 * cpu's is an MSI.
 *
 * Locking: each local APIC has a lock of its own. Input pins, apic_send and all apic_cpu_* may be called from any
 * thread with or without the machine lock. Output pins and apic_link.sipi are driven with that lock held: they must not
 * take the machine lock nor wait for a thread. */
#ifndef MOSS_HW_INTC_APIC_H
#define MOSS_HW_INTC_APIC_H

#include "hw/core/device.h"

extern const struct device_class apic_class;

#define APIC_BASE        0xfee00000ull
#define APIC_REGION_SIZE 0x100000ull
#define APIC_MAX_ID      254u /* of those that can be reached from xAPIC mode; 255 is everybody */

enum { APIC_OUT_INTR, APIC_OUT_NMI, APIC_OUT_SMI, APIC_OUT_INIT, APIC_OUTS }; /* outputs; all but INTR are pulses */
enum { APIC_IN_LINT0, APIC_IN_LINT1, APIC_IN_THERMAL, APIC_IN_PERF, APIC_INS };

struct apic_bus;
struct apic_bus *apic_bus_new(struct machine *m);
struct mem_region *apic_bus_region(struct apic_bus *b); /* APIC_REGION_SIZE */
/* Told of the end of each level-triggered interrupt, on the cpu's thread, machine lock held or not. */
void apic_bus_on_eoi(struct apic_bus *b, void (*eoi)(void *opaque, unsigned vector), void *opaque);

/* What an APIC asks of its cpu. */
struct apic_link {
    void *cpu;
    unsigned index; /* mem_attrs.cpu of its accesses */
    void (*sipi)(void *cpu, unsigned vector);
    u64 (*tsc_offset)(const void *cpu); /* its time-stamp counter less CLOCK_VIRTUAL, in ticks of a nanosecond */
};
void apic_attach(struct device *apic, struct apic_bus *b, const struct apic_link *link);

enum apic_mode { APIC_FIXED, APIC_LOWEST, APIC_SMI, APIC_NMI = 4, APIC_INIT, APIC_SIPI, APIC_EXTINT };
struct apic_msg {
    u32 dest;
    u8 vector, mode; /* enum apic_mode */
    bool logical, level;
    bool wide; /* dest has 32 bits, as in x2APIC mode; else 8 */
};
void apic_send(struct apic_bus *b, const struct apic_msg *msg);

/* -- the cpu's side: on its own thread ------------------------------------------------------------------------------
 */

/* APIC_BASE, TSC_DEADLINE, and the registers of x2APIC mode. False: #GP(0). */
bool apic_msr_read(struct device *apic, u32 number, u64 *v);
bool apic_msr_write(struct device *apic, u32 number, u64 v);
u64 apic_tpr_read(struct device *apic); /* CR8 */
void apic_tpr_write(struct device *apic, u64 v);
enum { APIC_ACK_OUTSIDE = 256 };
/* The vector that the cpu takes now, -1 when there is none; APIC_ACK_OUTSIDE: an 8259 outside has it. */
int apic_ack(struct device *apic);
void apic_init_signal(struct device *apic); /* INIT reached the cpu */
void apic_tsc_moved(struct device *apic);
bool apic_is_enabled(struct device *apic); /* APIC_BASE.EN; any thread */

/* -- what firmware does ----------------------------------------------------------------------------------------------
 */

/* For boards without one: LINT0 is the 8259's, LINT1 is NMI (SDM, "virtual wire mode"). Vcpus are paused. */
void apic_virtual_wire(struct device *apic);

#endif

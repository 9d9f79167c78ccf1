/* Inside the generator: random numbers, addresses and values that are wrong now and then, and the steps that put them
 * somewhere. A ring_*.c plays the driver of a kind of device: it sets the device up right, more or less, and hands it
 * work whose every field may be wrong. */
#ifndef MOSS_TESTS_FUZZ_GEN_H
#define MOSS_TESTS_FUZZ_GEN_H

#include "hw/pci/pci.h"
#include "tests/fuzz/fuzz.h"

enum { GEN_WINDOWS = 512, GEN_FOCUS = 48, GEN_SEEN = 32, GEN_HEAP = 1 << 20 };

/* A piece of the memory map, and whose it is as far as that is known. */
struct window {
    struct mem_region *r;
    struct device *d;
};
struct gen {
    struct world *w;
    const struct target_info *ti;
    u64 rng[2], left; /* left: steps to do */
    u32 odds;         /* one of so many fields is wrong; 0: none */
    bool calm;        /* a run in which drivers are seldom interrupted by somebody's blind writes */
    struct device *focus[GEN_FOCUS];
    unsigned nfocus;
    struct window own[GEN_WINDOWS], all[GEN_WINDOWS]; /* of the focus; of everybody */
    unsigned nown, nall;
    u64 ram, ram_size; /* what DMA may be about */
    u64 heap;          /* next free byte of the drivers' piece of RAM */
    u64 seen[GEN_SEEN];
    unsigned nseen;
    u64 last_off;
    u16 avail[64]; /* of virtqueues: where the driver is */
    bool wrap[64];
};

u64 rnd64(struct gen *g);
u32 rnd(struct gen *g, u32 n); /* 0..n-1 */
bool one_in(struct gen *g, u32 n);
u64 odd(struct gen *g, u64 v, unsigned bytes); /* v, or now and then something else */
u64 any_value(struct gen *g, unsigned bytes);
u64 any_addr(struct gen *g);                   /* for DMA: RAM mostly, its edges, registers, nothing */
u64 heap_get(struct gen *g, u64 n, u64 align); /* guest memory; comes round again */

/* Steps. */
u64 do_read(struct gen *g, u64 addr, unsigned size);
void do_write(struct gen *g, u64 addr, unsigned size, u64 v);
u64 do_in(struct gen *g, unsigned port, unsigned size);
void do_out(struct gen *g, unsigned port, unsigned size, u64 v);
void do_ram(struct gen *g, u64 addr, const void *p, u32 n);
void do_ram_n(struct gen *g, u64 addr, unsigned size, u64 v);
void do_wait(struct gen *g, u64 ns);
void do_turn(struct gen *g);
void do_frame(struct gen *g); /* from the network */
void do_simple(struct gen *g, enum step_op op, u64 addr, u64 val);
/* In a region, wherever it is mapped now; else nothing. */
u64 reg_read(struct gen *g, struct mem_region *r, u64 off, unsigned size);
void reg_write(struct gen *g, struct mem_region *r, u64 off, unsigned size, u64 v);
u32 conf_read(struct gen *g, struct pci_device *p, unsigned off, unsigned size);
void conf_write(struct gen *g, struct pci_device *p, unsigned off, unsigned size, u32 v);
bool is_pci(const struct device *d);
void bars_place(struct gen *g, struct pci_device *p);
struct device *focus_named(struct gen *g, const char *prefix); /* of the focus, by its class; NULL */
struct mem_region *bar_of(const struct device *d, unsigned n); /* NULL: there is none */

/* The drivers: false, the device is not theirs. */
bool ring_virtio(struct gen *g, struct device *d);
bool ring_e1000(struct gen *g, struct device *d);
bool ring_rtl8139(struct gen *g, struct device *d);
bool ring_ahci(struct gen *g, struct device *d);
bool ring_ide(struct gen *g, struct device *d);
bool ring_fdc(struct gen *g, struct device *d);
bool ring_xhci(struct gen *g, struct device *d);
bool ring_edu(struct gen *g, struct device *d);
bool ring_fw_cfg(struct gen *g, struct device *d);
bool ring_gicv3(struct gen *g, struct device *d);
bool ring_apic(struct gen *g, struct device *d);
bool ring_vga(struct gen *g, struct device *d);
bool ring_ps2(struct gen *g, struct device *d);
bool ring_power(struct gen *g, struct device *d);
bool ring_watchdog(struct gen *g, struct device *d);
/* Bits at an EEPROM: in register off of r, at these places of its byte. */
void microwire(struct gen *g, struct mem_region *r, u64 off, u8 always, u8 cs, u8 sk, u8 di);
unsigned any_cdb(struct gen *g, u8 cdb[16]); /* a SCSI command; its length */
void any_setup(struct gen *g, u8 setup[8]);  /* a USB request */

#endif

/* A bench for one device: a bus, something at the other end of every pin, and a byte stream on its chardev; no CPU.
 *
 *   struct bench *b = bench_new(&pl011_class, NULL);
 *   bench_w(b, "UARTIMSC", 0x10);
 *   bench_input(b, "A", 1);
 *   assert_true(bench_irq(b, 0));
 *   bench_snapshot_roundtrip(b);
 *   bench_free(b);
 *
 * Failures are cmocka failures. */
#ifndef MOSS_TESTS_HW_BENCH_H
#define MOSS_TESTS_HW_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hw/core/device.h"
#include "hw/core/machine.h"

enum { BENCH_PINS = 1024 };
#define BENCH_BASE 0x10000000ull /* where the device's registers are */
#define BENCH_RAM  0x40000000ull /* 16 MiB of RAM, for bus masters */

struct bench {
    struct machine m;
    struct device *d;
    int level[BENCH_PINS];
    unsigned rises[BENCH_PINS], falls[BENCH_PINS];
    int chr_fd; /* our end of the stream, or -1 */
};

/* props: "key=value,..." or NULL. The first chardev property gets a stream; pins are wired; the device is reset. */
struct bench *bench_new(const struct device_class *cls, const char *props);
/* The same in steps, for a device that wants something between: bench_start inits, maps, wires and resets. */
struct bench *bench_make(const struct device_class *cls, const char *props);
void bench_start(struct bench *b);
void bench_free(struct bench *b);

/* By a register's name ("UARTID[3]" for a row of them). */
u64 bench_r(struct bench *b, const char *reg);
void bench_w(struct bench *b, const char *reg, u64 v);
/* By offset in the device's window. */
u64 bench_read(struct bench *b, u64 off, unsigned size);
void bench_write(struct bench *b, u64 off, unsigned size, u64 v);
u32 bench_r32(struct bench *b, u64 off);
void bench_w32(struct bench *b, u64 off, u32 v);

int bench_irq(struct bench *b, unsigned n);
void bench_pin(struct bench *b, unsigned n, int level); /* drives an input pin */

/* The byte stream: what the host types, and what the device sent since the last call. */
void bench_input(struct bench *b, const void *p, size_t n);
size_t bench_output(struct bench *b, void *p, size_t room);
void bench_turn(u64 ns); /* lets the main loop run: timers, input */

/* Saved, loaded and saved again is the same; a reset after a reset changes nothing; a snapshot taken before a reset
 * brings the state back, pins and all. */
void bench_snapshot_roundtrip(struct bench *b);

#endif

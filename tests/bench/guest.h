/* The benchmark guest's parts. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H
#include <stdbool.h>
#include <stdint.h>

#define NOINLINE __attribute__((noinline))

/* `fn` is one repetition. `open`: for what a processor or a kernel may lack; false: it does. It gets what an argument
 * has behind '@', or "". `close` undoes it. */
struct kernel {
    const char *name;
    void (*fn)(void);
    bool (*open)(const char *device);
    void (*close)(void);
};

uint64_t bench_rng(void);

/* guest_io.c: kernels that need a device; a row without a name ends them. */
extern const struct kernel io_kernels[];
/* Mounts /dev and loads what /modules/list names, in that order. Nothing when there is no such list. */
void io_begin(void);
/* The port on the host that answers network kernels; 0 in the beginning: there is none. */
extern unsigned io_port;

#endif

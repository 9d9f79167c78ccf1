/* A flattened device tree being written (Devicetree Specification 0.4), on libfdt. Nodes are named by their whole path;
 * parents come first. Errors stick: the first is kept, and dt_finish tells it. */
#ifndef MOSS_HW_CORE_FDT_H
#define MOSS_HW_CORE_FDT_H

#include "base/err.h"
#include "base/types.h"

struct device;
struct machine;
struct part;

struct dt {
    void *blob;
    int size;
    u32 last_phandle;
    struct err err;
};
void dt_new(struct dt *t);
bool dt_load(struct dt *t, const char *path, struct err *e); /* a blob from a file */
void dt_free(struct dt *t);
/* Packs, and leaves some room, as firmware adds to the tree in place; blob and size are what the guest gets. */
bool dt_finish(struct dt *t, struct err *e);

void dt_node(struct dt *t, const char *path);
void dt_node_once(struct dt *t, const char *path); /* unless it is there */
bool dt_has(const struct dt *t, const char *path);
void dt_flag(struct dt *t, const char *path, const char *prop);
void dt_u32(struct dt *t, const char *path, const char *prop, u32 v);
void dt_u64(struct dt *t, const char *path, const char *prop, u64 v);
void dt_str(struct dt *t, const char *path, const char *prop, const char *s);
void dt_bytes(struct dt *t, const char *path, const char *prop, const void *p, size_t n);
/* "a\0b\0": a list of strings, ended by an empty one. */
void dt_strs(struct dt *t, const char *path, const char *prop, const char *list);
void dt_cells_n(struct dt *t, const char *path, const char *prop, const u32 *v, size_t n);
#define dt_cells(t, path, prop, ...) \
    dt_cells_n((t), (path), (prop), (const u32[]){__VA_ARGS__}, sizeof((const u32[]){__VA_ARGS__}) / sizeof(u32))
/* A 64-bit number as two cells, for dt_cells. */
#define DT_U64(v) (u32)((u64)(v) >> 32), (u32)(v)

/* A phandle that no other node has; counts from 0x8000. */
u32 dt_new_phandle(struct dt *t);
void dt_phandle(struct dt *t, const char *path, u32 phandle);

/* What the device tree says of a board's wires. */
struct dt_wiring {
    u32 clock;    /* phandle of the bus clock */
    u32 irq_kind; /* first cell of `interrupts` (0 = SPI) */
};
/* The node of each part that is there and has `compatible`: reg, interrupts, clocks, and what its class adds. Address
 * and size cells are 2 and 2. */
void dt_add_parts(struct dt *t, const struct machine *m, const struct dt_wiring *w);

#endif

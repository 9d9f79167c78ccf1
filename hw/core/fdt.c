/* Writing device trees, and the nodes that follow from a board's parts table. */
#include "hw/core/fdt.h"

#include <glib.h>
#include <libfdt.h>
#include <string.h>

#include "base/bits.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"

enum { ROOM = 1 << 20, FIRST_PHANDLE = 0x8000, MARGIN_MIN = 4096, MARGIN_ALIGN = 65536 };

static void dt_check(struct dt *t, int rc, const char *path, const char *what)
{
    if (rc < 0) {
        err_set(&t->err, "device tree: %s%s%s: %s", path, *what ? " " : "", what, fdt_strerror(rc));
    }
}

void dt_new(struct dt *t)
{
    *t = (struct dt){.blob = g_malloc0(ROOM), .size = ROOM, .last_phandle = FIRST_PHANDLE - 1};
    dt_check(t, fdt_create_empty_tree(t->blob, ROOM), "/", "");
}

bool dt_load(struct dt *t, const char *path, struct err *e)
{
    struct image_file f;
    if (!image_read(&f, "dtb", path, NULL)) {
        return err_set(e, "Couldn't open dtb file %s", path);
    }
    if (f.len < sizeof(struct fdt_header) || fdt_check_header(f.data) || fdt_totalsize(f.data) > f.len) {
        image_free(&f);
        return err_set(e, "'%s' is not a flattened device tree", path);
    }
    int size = (int)fdt_totalsize(f.data) + ROOM;
    *t = (struct dt){.blob = g_malloc0((gsize)size), .size = size};
    dt_check(t, fdt_open_into(f.data, t->blob, size), "/", "");
    image_free(&f);
    t->last_phandle = MAX(fdt_get_max_phandle(t->blob), FIRST_PHANDLE - 1u);
    return true;
}

void dt_free(struct dt *t)
{
    g_free(t->blob);
    t->blob = NULL;
}

bool dt_finish(struct dt *t, struct err *e)
{
    dt_check(t, fdt_pack(t->blob), "/", "");
    t->size = (int)align_up(fdt_totalsize(t->blob) + MARGIN_MIN, MARGIN_ALIGN);
    t->blob = g_realloc(t->blob, (gsize)t->size);
    dt_check(t, fdt_open_into(t->blob, t->blob, t->size), "/", "");
    return !t->err.msg[0] || err_set(e, "%s", t->err.msg);
}

/* -- nodes and properties --------------------------------------------------------------------------- */

bool dt_has(const struct dt *t, const char *path)
{
    return fdt_path_offset(t->blob, path) >= 0;
}

void dt_node(struct dt *t, const char *path)
{
    const char *name = strrchr(path, '/');
    int parent = name == path ? 0 : fdt_path_offset_namelen(t->blob, path, (int)(name - path));
    dt_check(t, parent < 0 ? parent : fdt_add_subnode(t->blob, parent, name + 1), path, "");
}

void dt_node_once(struct dt *t, const char *path)
{
    if (!dt_has(t, path)) {
        dt_node(t, path);
    }
}

void dt_bytes(struct dt *t, const char *path, const char *prop, const void *p, size_t n)
{
    int node = fdt_path_offset(t->blob, path);
    dt_check(t, node < 0 ? node : fdt_setprop(t->blob, node, prop, p, (int)n), path, prop);
}

void dt_flag(struct dt *t, const char *path, const char *prop)
{
    dt_bytes(t, path, prop, "", 0);
}

void dt_cells_n(struct dt *t, const char *path, const char *prop, const u32 *v, size_t n)
{
    u8 *raw = g_malloc(n * 4);
    for (size_t i = 0; i < n; i++) {
        st32be(raw + 4 * i, v[i]);
    }
    dt_bytes(t, path, prop, raw, n * 4);
    g_free(raw);
}

void dt_u32(struct dt *t, const char *path, const char *prop, u32 v)
{
    dt_cells(t, path, prop, v);
}

void dt_u64(struct dt *t, const char *path, const char *prop, u64 v)
{
    dt_cells(t, path, prop, DT_U64(v));
}

void dt_str(struct dt *t, const char *path, const char *prop, const char *s)
{
    dt_bytes(t, path, prop, s, strlen(s) + 1);
}

static size_t list_bytes(const char *list)
{
    size_t n = 0;
    while (list[n]) {
        n += strlen(list + n) + 1;
    }
    return n;
}

void dt_strs(struct dt *t, const char *path, const char *prop, const char *list)
{
    dt_bytes(t, path, prop, list, list_bytes(list));
}

u32 dt_new_phandle(struct dt *t)
{
    return ++t->last_phandle;
}

void dt_phandle(struct dt *t, const char *path, u32 phandle)
{
    dt_u32(t, path, "phandle", phandle);
}

/* -- parts ------------------------------------------------------------------------------------------ */

enum { IRQ_EDGE_RISING = 1, IRQ_LEVEL_HIGH = 4 };

static void clocks_add(struct dt *t, const char *node, const struct device_class *c, u32 clock)
{
    u32 cells[4];
    size_t n = 0;
    for (const char *s = c->clock_names; *s && n < ARRAY_LEN(cells); s += strlen(s) + 1) {
        cells[n++] = clock;
    }
    dt_cells_n(t, node, "clocks", cells, n);
    dt_strs(t, node, "clock-names", c->clock_names);
}

static void part_describe(struct dt *t, const struct machine *m, const struct part *p, unsigned i,
                          const struct dt_wiring *w)
{
    const struct device_class *c = p->cls;
    u64 base = p->base + (u64)i * p->stride;
    char *node = g_strdup_printf("/%s@%llx", c->fdt_name ? c->fdt_name : c->name, (unsigned long long)base);
    char *id = p->count ? g_strdup_printf("%s.%u", p->id, i) : g_strdup(p->id);

    dt_node(t, node);
    dt_strs(t, node, "compatible", c->compatible);
    dt_cells(t, node, "reg", DT_U64(base), DT_U64(p->size ? p->size : c->mmio_size));
    if (p->irq >= 0 && c->nirqs) {
        u32 cells[3 * 8];
        size_t n = 0;
        for (unsigned k = 0; k < c->nirqs && k < 8; k++) {
            cells[n++] = w->irq_kind;
            cells[n++] = (u32)p->irq + i * c->nirqs + k;
            cells[n++] = c->irq_edge ? IRQ_EDGE_RISING : IRQ_LEVEL_HIGH;
        }
        dt_cells_n(t, node, "interrupts", cells, n);
    }
    if (c->clock_names) {
        clocks_add(t, node, c, w->clock);
    }
    if (p->secure) {
        dt_str(t, node, "status", "disabled");
        dt_str(t, node, "secure-status", "okay");
    }
    const struct device *d = machine_find(m, id);
    if (c->describe && d) {
        c->describe(d, t, node);
    }
    g_free(id);
    g_free(node);
}

void dt_add_parts(struct dt *t, const struct machine *m, const struct dt_wiring *w)
{
    for (const struct part *p = m->board->parts; p->cls; p++) {
        if (!p->cls->compatible || !machine_has_part(m, p)) {
            continue;
        }
        /* A new node goes before its siblings; so the last of a row first. */
        for (unsigned i = MAX(p->count, 1); i-- > 0;) {
            part_describe(t, m, p, i, w);
        }
    }
}
